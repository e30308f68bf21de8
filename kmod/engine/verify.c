// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "verify.h"
#include "meet.h"
#include "pass.h"

#define TRIES	3u

/* --------------------------------------------------------------------------------------------------------- findings */

static bool is_same(const struct mmsb_finding *a, const struct mmsb_finding *b)
{
	return a->kind == b->kind && a->page == b->page && a->detail == b->detail && a->shard == b->shard;
}

void ms_verify_find(struct ms_verify *verify, const struct mmsb_finding *finding)
{
	u32 i;

	for (i = 0; i < verify->findings; i++)
		if (is_same(&verify->finding[i], finding))
			return;
	if (verify->findings < MS_VERIFY_ROOM)
		verify->finding[verify->findings++] = *finding;
	else
		verify->beyond++;
}

/* --------------------------------------------------------------------------------------------------------------- life */

void ms_verify_free(struct ms_verify *verify)
{
	if (!verify)
		return;
	if (verify->slots)
		ms_verify_forget_slots(verify);
	pf_free(verify->slots);
	pf_free(verify->counted);
	pf_free(verify);
}

static enum mmsb_reason verify_make(struct ms_space *space, bool still, struct ms_verify **out)
{
	u64 leaves = (space->arena.region.chunks + MS_LEAF - 1) >> MS_LEAF_SHIFT;
	struct ms_verify *verify = pf_alloc(sizeof(*verify), -1);

	if (!verify)
		return MMSB_REASON_NO_MEMORY;
	verify->space = space;
	verify->still = still;
	verify->slots = pf_alloc(leaves * sizeof(*verify->slots), -1);
	verify->counted = pf_alloc(space->nshards * sizeof(*verify->counted), -1);
	if (!verify->slots || !verify->counted) {
		ms_verify_free(verify);
		return MMSB_REASON_NO_MEMORY;
	}
	verify->shard = space->shards[0];
	verify->changes = ~0ull;
	*out = verify;
	return MMSB_REASON_NONE;
}

/* ------------------------------------------------------------------------------------------------------------ the shard */

static void shard_begin(struct ms_verify *verify)
{
	struct ms_shard *shard = verify->shard;

	ms_verify_forget_slots(verify);
	memset(&verify->tally, 0, sizeof(verify->tally));
	memset(&verify->here, 0, sizeof(verify->here));
	verify->stage = MS_VERIFY_LINES;
	verify->at = 0;
	verify->begun = false;
	verify->link = shard->lines.returned;
	verify->linked = 0;
	verify->chunk = 0;
	verify->roomy = 0;
	verify->class = 0;
	verify->slab = NULL;
	verify->changes = ms_shard_changes(shard);
	verify->counting = verify->tries < TRIES;
	verify->hashing = verify->counting && shard->hashing;
	verify->hash = shard->hash;
}

/* What was counted so far holds no more, or only what was hashed. */
static void shard_look_again(struct ms_verify *verify)
{
	const struct ms_shard *shard = verify->shard;

	if (verify->changes == ~0ull || (verify->counting && verify->changes != ms_shard_changes(shard))) {
		shard_begin(verify);
		verify->tries++;
		return;
	}
	if (verify->hashing && (!shard->hashing || memcmp(&verify->hash, &shard->hash, sizeof(verify->hash))))
		verify->hashing = false;
}

static void shard_end(struct ms_verify *verify)
{
	u32 next = verify->shard->number + 1;

	verify->counted[verify->shard->number] = verify->counting ? verify->changes : ~0ull;
	verify->chunks += verify->tally.chunks;
	verify->seen_pages += verify->here.pages;
	verify->seen_derived += verify->here.derived;
	verify->seen_edges += verify->here.edges;
	verify->seen_bytes += verify->here.bytes;
	memset(&verify->here, 0, sizeof(verify->here));
	verify->changes = ~0ull;
	verify->tries = 0;
	verify->at = 0;
	verify->shard = next < verify->space->nshards ? verify->space->shards[next] : NULL;
	verify->stage = verify->shard ? MS_VERIFY_LINES : MS_VERIFY_ARENA;
}

/* -------------------------------------------------------------------------------------------------------------- its lines */

/* True: all of it. */
static bool hash_some(struct ms_verify *verify, u32 index, const struct mmsb_line *line, u64 *budget)
{
	u64 bytes = line->size - verify->offset, most = (*budget + MS_COST_WORD - 1) / MS_COST_WORD * 8;

	verify->hashing &= !verify->astray;
	if (!verify->hashing || line->kind == MMSB_KIND_NONE)
		return true;
	if (!verify->offset)
		ms_page_hash_head(verify->space, ms_line_id(line, index), line, &verify->tally.hash, false);
	bytes = bytes < most ? bytes : most;
	ms_page_hash_bytes(verify->space, ms_line_id(line, index), line, verify->offset, bytes, &verify->tally.hash);
	verify->offset += bytes;
	ms_verify_spend(budget, (bytes + 7) / 8 * MS_COST_WORD);
	return verify->offset == line->size;
}

static void line_begin(struct ms_verify *verify, u32 index, const struct mmsb_line *line, u64 *budget)
{
	verify->spent = MS_COST_LINE;
	ms_verify_line(verify, index, line);
	ms_verify_node(verify, index, line);
	verify->begun = true;
	verify->child = 0;
	verify->offset = 0;
	ms_verify_spend(budget, verify->spent);
}

/* Where the budget ends in the middle of a page, it goes on there. */
static void line_some(struct ms_verify *verify, u32 index, u64 *budget)
{
	const struct mmsb_line *line = ms_line_at(verify->space, index);

	if (!verify->begun)
		line_begin(verify, index, line, budget);
	if (!ms_verify_children(verify, index, budget) || !*budget || !hash_some(verify, index, line, budget))
		return;
	verify->begun = false;
	verify->at++;
}

/* Blocks that are not there are passed over; the nodes of one that is are counted with its first line. */
static void block_begin(struct ms_verify *verify, u64 index)
{
	if (verify->at & ((1u << MS_BLOCK_SHIFT) - 1) || verify->begun)
		return;
	if (!ms_region_chunk(&verify->space->directory, index >> MS_BLOCK_SHIFT))
		verify->at += 1u << MS_BLOCK_SHIFT;
	else if (ms_node_find(verify->space, (u32)index))
		verify->tally.graph_memory += sizeof(struct ms_node) << MS_BLOCK_SHIFT;
}

static void some_lines(struct ms_verify *verify, u64 budget)
{
	while (budget) {
		u64 index = ms_space_line(verify->space, verify->shard->number, verify->at), at = verify->at;

		if (index >= verify->space->lines) {
			verify->stage = verify->counting ? MS_VERIFY_LIST : MS_VERIFY_COUNTS;
			return;
		}
		block_begin(verify, index);
		if (at == verify->at)
			line_some(verify, (u32)index, &budget);
		else
			budget--;
	}
}

/* ------------------------------------------------------------------------------------------- the list of lines to be dealt again */

static const struct mmsb_line *listed_line(const struct ms_verify *verify, u32 index)
{
	const struct mmsb_line *line = NULL;

	if (index < verify->space->lines && ms_space_owner(verify->space, index) == verify->shard->number)
		line = ms_region_find(&verify->space->directory, (u64)index * sizeof(*line));
	return line && (line->flags & MS_LINE_LISTED) ? line : NULL;
}

/* A list that leads in a circle is longer than there are lines on it. */
static void some_links(struct ms_verify *verify, u64 budget)
{
	while (budget-- && verify->link && verify->linked <= verify->tally.listed) {
		const struct mmsb_line *line = listed_line(verify, verify->link - 1);

		if (!line) {
			ms_verify_differ(verify, MMSB_FINDING_FREE_LIST, 0, verify->linked, ~(u64)verify->link, verify->link - 1);
			break;
		}
		verify->linked++;
		verify->link = line->link;
	}
	if (verify->link && verify->linked <= verify->tally.listed && listed_line(verify, verify->link - 1))
		return;
	ms_verify_differ(verify, MMSB_FINDING_FREE, 0, 0, verify->tally.listed, verify->linked);
	verify->stage = MS_VERIFY_SLABS;
}

/* ------------------------------------------------------------------------------------------------------------ its counts */

static void compare_hash(struct ms_verify *verify)
{
	const struct ms_hash *is = &verify->tally.hash, *kept = &verify->shard->hash;

	if (!verify->hashing) {
		verify->moved |= verify->shard->hashing ? MMSB_MOVED_HASH : 0;
		return;
	}
	ms_verify_differ(verify, MMSB_FINDING_HASH, 0, 0, is->sum[0], kept->sum[0]);
	ms_verify_differ(verify, MMSB_FINDING_HASH, 0, 1, is->sum[1], kept->sum[1]);
}

static void compare(struct ms_verify *verify)
{
	const struct ms_shard *shard = verify->shard;
	const struct ms_tally *tally = &verify->tally;

	compare_hash(verify);
	if (!verify->counting) {
		verify->moved |= MMSB_MOVED_PAGES;
		return;
	}
	ms_verify_differ(verify, MMSB_FINDING_PAGES, 0, 0, tally->live, shard->lines.live);
	ms_verify_differ(verify, MMSB_FINDING_DERIVED, 0, 0, tally->derived, shard->graph.derived);
	ms_verify_differ(verify, MMSB_FINDING_EDGES, 0, 0, tally->edges, shard->graph.edges);
	ms_verify_differ(verify, MMSB_FINDING_FOREIGN, 0, 0, tally->foreign, shard->graph.foreign);
	ms_verify_differ(verify, MMSB_FINDING_MEMORY, 0, 0, tally->graph_memory, shard->graph.memory);
	ms_verify_differ(verify, MMSB_FINDING_MEMORY, 0, 1, tally->slab_memory, shard->slabs.memory);
}

/* -------------------------------------------------------------------------------------------------------------- in pieces */

static bool is_settled(const struct ms_verify *verify)
{
	const struct ms_space *space = verify->space;

	return !space->meeting.open && !space->replay.open && (!verify->shard || ms_wave_is_empty(&verify->shard->graph.wave));
}

static void piece_of_stage(struct ms_verify *verify)
{
	switch (verify->stage) {
	case MS_VERIFY_LINES:
		some_lines(verify, PF_WAVE_BUDGET);
		break;
	case MS_VERIFY_LIST:
		some_links(verify, PF_WAVE_BUDGET / MS_COST_LINE + 1);
		break;
	case MS_VERIFY_SLABS:
		if (ms_verify_slabs(verify, PF_WAVE_BUDGET))
			verify->stage = MS_VERIFY_ROOMS;
		break;
	case MS_VERIFY_ROOMS:
		if (ms_verify_rooms(verify, PF_WAVE_BUDGET))
			verify->stage = MS_VERIFY_COUNTS;
		break;
	case MS_VERIFY_COUNTS:
		compare(verify);
		shard_end(verify);
		break;
	case MS_VERIFY_ARENA:
		ms_verify_arena(verify);
		verify->stage = MS_VERIFY_DONE;
		break;
	case MS_VERIFY_DONE:
		break;
	}
}

static void piece(struct ms_verify *verify)
{
	if (verify->shard)
		shard_look_again(verify);
	verify->settled = is_settled(verify);
	if (!verify->settled && verify->stage == MS_VERIFY_LINES)
		verify->moved |= MMSB_MOVED_SIGNATURES;
	piece_of_stage(verify);
}

/* Stops the shard that is looked at, or all of them (NULL) where more is needed. What is under way there ends first. */
static const u64 *stand_still(struct ms_verify *verify, u64 *set)
{
	struct ms_space *space = verify->space;
	struct ms_todo todo = { .meet = false };

	if (verify->shard && !verify->still) {
		set[verify->shard->number / 64] |= 1ull << (verify->shard->number % 64);
		ms_space_stop(space, set);
		if (!space->meeting.open) {
			ms_pass_end_wave(verify->shard, &todo);
			return set;
		}
		ms_space_go(space, set);
	}
	ms_space_stop(space, NULL);
	ms_meet_end(space);
	return NULL;
}

static enum mmsb_reason verify_step(struct ms_verify *verify)
{
	u64 set[MS_INBOX] = { 0 };
	const u64 *stopped;

	if (verify->stage == MS_VERIFY_DONE)
		return MMSB_REASON_NONE;
	stopped = stand_still(verify, set);
	do {
		piece(verify);
		pf_resched();
	} while (verify->still && verify->stage != MS_VERIFY_DONE && !verify->reason);
	ms_space_go(verify->space, stopped);
	if (verify->stage == MS_VERIFY_DONE)
		ms_verify_forget_slots(verify);
	return verify->reason;
}

/* -------------------------------------------------------------------------------------------------------------- telling */

static u64 lines_done(const struct ms_verify *verify)
{
	u64 each = verify->space->lines / verify->space->nshards;
	u64 at = verify->at < each ? verify->at : each;

	return verify->shard ? verify->shard->number * each + at : verify->space->lines;
}

static void verify_tell(struct ms_verify *verify, struct mmsb_verify_args *args)
{
	args->done = lines_done(verify);
	args->total = verify->space->lines;
	args->tick = pf_read(verify->space->page->tick);
	args->findings = verify->findings + verify->beyond;
	args->pages = verify->seen_pages + verify->here.pages;
	args->derived = verify->seen_derived + verify->here.derived;
	args->edges = verify->seen_edges + verify->here.edges;
	args->bytes = verify->seen_bytes + verify->here.bytes;
	args->hashed = pf_read(verify->space->hashing);
	args->moved = verify->moved;
	for (args->count = 0; args->count < MMSB_VERIFY_TOLD && verify->told < verify->findings; args->count++)
		args->finding[args->count] = verify->finding[verify->told++];
	args->more = verify->stage != MS_VERIFY_DONE || verify->told < verify->findings;
}

/* ------------------------------------------------------------------------------------------------------------- the call */

static enum mmsb_reason verify_some(struct ms_space *space, struct ms_verify **verify, struct mmsb_verify_args *args)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;

	if (args->flags & MMSB_VERIFY_BEGIN)
		reason = verify_make(space, args->flags & MMSB_VERIFY_STILL, verify);
	else if (!*verify)
		reason = MMSB_REASON_BAD_FLAGS;
	if (!reason)
		reason = verify_step(*verify);
	if (!reason)
		verify_tell(*verify, args);
	return reason;
}

/* One that has ended, or that another begins in the place of, is forgotten. */
enum mmsb_reason ms_space_verify(struct ms_space *space, struct ms_verify **verify, struct mmsb_verify_args *args)
{
	enum mmsb_reason reason;

	if (args->flags & MMSB_VERIFY_BEGIN) {
		ms_verify_free(*verify);
		*verify = NULL;
	}
	reason = verify_some(space, verify, args);
	if (reason || !args->more) {
		ms_verify_free(*verify);
		*verify = NULL;
	}
	return reason;
}
