// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "pass.h"
#include "capture.h"
#include "delta.h"
#include "graph.h"
#include "history.h"
#include "log.h"
#include "meet.h"
#include "replay.h"
#include "ring.h"
#include "route.h"
#include "space.h"
#include "word.h"

/* --------------------------------------------------------------------------------------------------------- the pass */

/* The first delta of a pass opens a tick; a pass without any leaves none behind. Those who meet share one. */
static void shard_open_tick(struct ms_shard *shard)
{
	u64 *tick = &shard->space->page->tick;

	if (shard->ticked)
		return;
	shard->ticked = true;
	if (shard->space->meeting.open) {
		ms_meeting_tick(shard);
	} else if (unlikely(shard->space->replay.only)) {
		pf_write(shard->tick, *tick);
	} else if (shard->space->nshards == 1) {
		pf_write(shard->tick, *tick + 1);
		pf_write(*tick, shard->tick);
	} else {
		pf_write(shard->tick, pf_next(tick));
	}
}

/* Behind every store of the tick; partner: readers of several pages, who look whether none was open meanwhile. */
static void shard_close_tick(struct ms_shard *shard)
{
	u64 *closed = &shard->space->page->closed;

	if (!shard->ticked)
		return;
	shard->ticked = false;
	if (unlikely(shard->space->replay.only))
		return;
	pf_trace(tick, shard->space->id, shard->number, shard->tick, shard->deltas);
	if (unlikely(shard->stream) && !shard->space->meeting.open)
		ms_stream_tick(shard);
	if (shard->space->nshards == 1)
		pf_release(closed, shard->tick);
	else if (!shard->space->meeting.open)
		pf_next(closed);
	if (unlikely(shard->notes) && !shard->space->meeting.open)
		ms_events_tell(shard, true);
}

void ms_pass_touch(struct ms_shard *shard, struct ms_ring *ring)
{
	if (ring->is_touched)
		return;
	ring->is_touched = true;
	ring->touched = shard->touched;
	shard->touched = ring;
}

/* The other shard's inbox has been marked, which is a full barrier. */
static void shard_notify(struct ms_shard *other, struct ms_todo *todo)
{
	if (!other->space->pollers)
		ms_todo_add(todo, other);
	else if (pf_read(other->asleep))
		pf_shard_kick(&other->home);
}

static void outcome_to_cqe(const struct ms_shard *shard, u64 user_data, enum mmsb_reason reason,
			   const struct ms_outcome *outcome, struct mmsb_cqe *cqe)
{
	cqe->user_data = user_data;
	cqe->result = unlikely(reason) ? ms_errno(reason) : 0;
	cqe->flags = outcome->flags;
	cqe->reason = (u16)reason;
	cqe->epoch = outcome->epoch;
	cqe->tick = shard->tick;
}

/* `flags`: of the entry, those that say when and whether it is completed. */
static void ring_finish(struct ms_ring *ring, const struct mmsb_cqe *cqe, u16 flags)
{
	if (unlikely(cqe->result))
		ring->failed++;
	else if (flags & MMSB_SQE_QUIET)
		return;
	else if (unlikely(ring->strict || (flags & MMSB_SQE_DURABLE)))
		return ms_log_hold(ring, cqe);
	ms_ring_complete(ring, cqe);
}

static void shard_apply_here(struct ms_shard *shard, struct ms_ring *ring, const struct mmsb_sqe *sqe)
{
	struct ms_outcome outcome;
	enum mmsb_reason reason = ms_delta_apply(shard, ring, sqe, &outcome);
	struct mmsb_cqe cqe;

	outcome_to_cqe(shard, sqe->user_data, reason, &outcome, &cqe);
	ring_finish(ring, &cqe, sqe->flags);
}

static bool shard_has_wave(const struct ms_shard *shard)
{
	if (unlikely(shard->space->meeting.open))
		return !ms_joint_is_empty(shard->space);
	return !ms_wave_is_empty(&shard->graph.wave);
}

/* Who hears of a delta finds what follows from it, so answers wait for the wave; in a replay the wave waits for the tick to end. */
static bool shard_holds_back(const struct ms_shard *shard)
{
	if (unlikely(shard->space->replay.ends))
		return true;
	return unlikely(shard_has_wave(shard)) && !ms_replay_waits(shard->space);
}

/* ------------------------------------------------------------------------------------------------------ other shards */

static u32 shard_serve_requests(struct ms_shard *shard, struct ms_link *link)
{
	u32 sent = pf_acquire(&link->sent), n = sent - link->served, i;	/* partner: ms_link_publish_sent() */

	if (unlikely(shard->timing))
		ms_timing_begin(shard);
	for (i = 0; i < n; i++, link->served++) {
		struct ms_message *message = &link->slot[link->served % MS_LINK_SLOTS];
		struct mmsb_sqe sqe = message->sqe;
		struct ms_outcome outcome;
		enum mmsb_reason reason;

		if (unlikely(ms_delta_must_meet(shard, &sqe) || shard->space->replay.ends))
			break;
		shard_open_tick(shard);
		reason = ms_delta_apply(shard, message->ring, &sqe, &outcome);
		outcome_to_cqe(shard, sqe.user_data, reason, &outcome, &message->cqe);
	}
	if (unlikely(i < n)) {
		shard->must_meet = !shard->space->replay.ends;
		ms_inbox_mark(shard, link->from->number);
	}
	pf_write(shard->deltas, shard->deltas + i);
	if (unlikely(shard->timing))
		ms_timing_served(shard, shard_holds_back(shard));
	return i;
}

static u32 shard_reap_answers(struct ms_shard *shard, struct ms_link *link)
{
	u32 done = pf_acquire(&link->done), n = done - link->reaped;	/* partner: ms_link_publish_done() */

	if (unlikely(shard->timing))
		ms_timing_begin(shard);
	for (; link->reaped != done; link->reaped++) {
		struct ms_message *message = &link->slot[link->reaped % MS_LINK_SLOTS];
		struct ms_ring *ring = message->ring;

		pf_write(ring->inflight, ring->inflight - 1);
		ring_finish(ring, &message->cqe, message->flags);
		ms_pass_touch(shard, ring);
	}
	if (unlikely(shard->timing))
		ms_timing_answered(link, n);
	return n;
}

static void shard_answer(struct ms_shard *shard, struct ms_link *in, struct ms_todo *todo)
{
	u32 from = in->from->number;

	if (unlikely(shard_holds_back(shard))) {
		shard->answered[from / 64] |= 1ull << (from % 64);
		return;
	}
	ms_link_publish_done(in);
	shard_notify(in->from, todo);
}

static void shard_answer_all(struct ms_shard *shard, struct ms_todo *todo)
{
	u32 words = (shard->space->nshards + 63) / 64, w;

	for (w = 0; w < words; w++)
		for (; shard->answered[w]; shard->answered[w] &= shard->answered[w] - 1) {
			struct ms_link *in = shard->in[w * 64 + (u32)__builtin_ctzll(shard->answered[w])];

			ms_link_publish_done(in);
			shard_notify(in->from, todo);
		}
}

static u32 shard_mail_with(struct ms_shard *shard, u32 other, struct ms_todo *todo)
{
	struct ms_link *in = pf_acquire(&shard->in[other]), *out = shard->out[other];
	u32 served = 0, n = 0;

	if (in) {
		served = shard_serve_requests(shard, in);
		if (served)
			shard_answer(shard, in, todo);
	}
	if (out)
		n = shard_reap_answers(shard, out);
	return n + served;
}

static u32 shard_mail(struct ms_shard *shard, struct ms_todo *todo)
{
	u32 words = (shard->space->nshards + 63) / 64, w, n = 0;

	for (w = 0; w < words; w++) {
		u64 news = pf_read(shard->inbox[w]) ? pf_take64(&shard->inbox[w]) : 0;

		for (; news; news &= news - 1)
			n += shard_mail_with(shard, w * 64 + (u32)__builtin_ctzll(news), todo);
	}
	return n;
}

bool ms_shard_has_mail(const struct ms_shard *shard)
{
	u32 words = (shard->space->nshards + 63) / 64, w;

	for (w = 0; w < words; w++)
		if (pf_read(shard->inbox[w]))
			return true;
	return false;
}

/* ------------------------------------------------------------------------------------------------------------- rings */

/*
 * How many lines of the directory the batch may find. Where history is told, the short way is open if words may be told in short, and there is
 * room for as many as a batch has. While every delta is traced it is closed.
 */
static u64 batch_lines(struct ms_shard *shard, const struct ms_ring *ring)
{
	const struct ms_space *space = shard->space;

	if (ring->read_only || unlikely(space->log.failed || space->replay.only) || unlikely(ms_deltas_are_traced()))
		return 0;
	if (unlikely(shard->stream) && (!ms_history_takes_words(shard) || ms_stream_reserve_words(shard, &ring->config.origin)))
		return 0;
	return space->lines;
}

static bool batch_wants_image(const struct ms_shard *shard, u32 i)
{
	return shard->lines_of[i] != &shard->nowhere && !ms_capture_has(shard->space->capture, MMSB_PAGE_INDEX(shard->batch[i].page));
}

/* What goes the short way changes its page without asking, so the image is written before; all their bytes are brought in first. */
static void batch_guard(struct ms_shard *shard, u32 n)
{
	struct ms_space *space = shard->space;
	u32 i;

	for (i = 0; i < n; i++)
		if (batch_wants_image(shard, i))
			pf_prefetch(ms_region_find_or(&space->arena.region, shard->lines_of[i]->place, &shard->nowhere));
	for (i = 0; i < n; i++) {
		if (!batch_wants_image(shard, i))
			continue;
		if (ms_word_fits(&shard->batch[i]) && shard->lines_of[i]->flags & MS_LINE_SMALL && !ms_history_is_full(shard))
			ms_capture_line(space, MMSB_PAGE_INDEX(shard->batch[i].page));
		else
			shard->lines_of[i] = &shard->nowhere;
	}
}

/*
 * Takes a batch into private memory, each entry being read once, and looks up the directory lines, so that they are on their way
 * while other entries are worked on. An entry for which there is no short way, because its line is another shard's or nobody's
 * or its ring may only read, or it has to be told, gets a line where nothing lands.
 */
static void batch_take(struct ms_shard *shard, const struct ms_ring *ring, u32 n)
{
	const struct ms_space *space = shard->space;
	const struct ms_region *directory = &space->directory;
	const struct mmsb_sqe *sqes = ring->sqes;
	u32 at = ring->sq_head, mask = ring->sq_entries - 1, i;
	u64 lines = batch_lines(shard, ring);
	bool alone = space->nshards == 1;

	for (i = 0; i < n; i++) {
		struct mmsb_line *line = &shard->nowhere;
		u32 index;

		shard->batch[i] = sqes[at++ & mask];
		index = MMSB_PAGE_INDEX(shard->batch[i].page);
		if (likely(index < lines && (alone || ms_space_owner(space, index) == shard->number)))
			line = ms_region_find_or(directory, (u64)index * sizeof(*line), line);
		pf_prefetchw(line);
		shard->lines_of[i] = line;
	}
	if (unlikely(space->capture))
		batch_guard(shard, n);
}

/*
 * Finds and brings in the word that an entry means, should it land: true until a page is made or destroyed. Entries behind the
 * batch are an earlier one's, and do no harm.
 */
static inline void batch_aim(struct ms_shard *shard, const struct ms_region *arena, size_t i)
{
	u64 at = shard->lines_of[i]->place + (shard->batch[i].offset & (PF_CHUNK - 8));
	u64 *word = ms_region_find_or(arena, at, &shard->nowhere);

	pf_prefetchw(word);
	shard->words_of[i] = word;
}

/* Behind an entry that took the general way there may be changes of the graph. */
static void batch_look_ahead(const struct ms_shard *shard, u32 i)
{
	const struct mmsb_sqe *next = &shard->batch[i + 1], *after = &shard->batch[i + 2];

	if (ms_op_is_graph(after->op))
		ms_graph_look_ahead(shard->space, after);
	if (ms_op_is_graph(next->op))
		ms_graph_look_closer(shard->space, next);
}

static bool sqe_goes_elsewhere(const struct ms_shard *shard, const struct mmsb_sqe *sqe, u32 *to)
{
	u32 index = MMSB_PAGE_INDEX(sqe->page);

	if (shard->space->nshards == 1 || !sqe->page || index >= shard->space->lines)
		return false;
	*to = ms_space_owner(shard->space, index);
	return *to != shard->number;
}

/* False: the route is full, and the ring waits for it. */
static bool shard_forward(struct ms_shard *shard, struct ms_ring *ring, const struct mmsb_sqe *sqe, u32 to, struct ms_todo *todo)
{
	struct ms_link *link = ms_link_to(shard, to);
	struct ms_outcome outcome = { 0 };
	struct mmsb_cqe cqe;

	if (unlikely(!link)) {
		outcome_to_cqe(shard, sqe->user_data, MMSB_REASON_NO_MEMORY, &outcome, &cqe);
		ring_finish(ring, &cqe, 0);
		return true;
	}
	if (!ms_link_has_room(link)) {
		ring->held_by = link;
		return false;
	}
	pf_trace(route, shard->space->id, shard->number, to, ring->id, sqe->page, sqe->op);
	ms_link_send(link, ring, sqe);
	pf_write(ring->inflight, ring->inflight + 1);
	ms_todo_add(todo, link->to);
	return true;
}

/* In a meeting each delta is applied where its page lives, in the order in which its ring has them. */
static void shard_meet_one(struct ms_shard *shard, struct ms_ring *ring, const struct mmsb_sqe *sqe)
{
	struct ms_shard *owner = shard;
	u32 to;

	if (sqe_goes_elsewhere(shard, sqe, &to))
		owner = shard->space->shards[to];
	shard_open_tick(owner);
	shard_apply_here(owner, ring, sqe);
}

static bool shard_leave_to_meeting(struct ms_shard *shard)
{
	shard->must_meet = true;
	return false;
}

/*
 * Nothing more is told until some of it has been read; but a ring that is being closed has nobody who could wait. What comes behind the end
 * of a tick that is done again comes after its wave.
 */
static bool ring_stands_still(const struct ms_shard *shard, const struct ms_ring *ring)
{
	return unlikely(shard->space->replay.ends) || (unlikely(ms_history_is_full(shard)) && !ring->closing);
}

/* The general way of an entry. False: it has to wait, and the ring with it. */
static bool shard_take_one(struct ms_shard *shard, struct ms_ring *ring, const struct mmsb_sqe *sqe, struct ms_todo *sent,
			   u32 *forwarded)
{
	u32 to;

	if (unlikely(ring_stands_still(shard, ring)))
		return false;
	if (unlikely(sqe->op == MMSB_OP_FENCE || sqe->op == MMSB_OP_TICK) && ring->inflight) {
		ring->fenced = true;
		return false;
	}
	if (unlikely(shard->space->meeting.open)) {
		shard_meet_one(shard, ring, sqe);
		return true;
	}
	if (unlikely(ms_delta_is_for_all(shard->space, sqe)))
		return shard_leave_to_meeting(shard);
	if (sqe_goes_elsewhere(shard, sqe, &to)) {
		if (!shard_forward(shard, ring, sqe, to, sent))
			return false;
		(*forwarded)++;
		return true;
	}
	if (unlikely(ms_delta_must_meet(shard, sqe)))
		return shard_leave_to_meeting(shard);
	shard_apply_here(shard, ring, sqe);
	return true;
}

static __attribute__((__noinline__)) void shard_complete_word(const struct ms_shard *shard, struct ms_ring *ring,
							     const struct mmsb_sqe *sqe, const struct mmsb_line *line, bool changed)
{
	struct ms_outcome outcome = { .epoch = line->epoch, .flags = changed ? 0 : MMSB_CQE_UNCHANGED };
	struct mmsb_cqe cqe;

	outcome_to_cqe(shard, sqe->user_data, MMSB_REASON_NONE, &outcome, &cqe);
	if (unlikely(ring->strict))
		ms_log_hold(ring, &cqe);
	else
		ms_ring_complete(ring, &cqe);
}

/* Two ways lead here; the compiler has to be told that it is worth having it in both. */
static inline __attribute__((__always_inline__)) bool shard_apply_word(struct ms_shard *shard, struct ms_ring *ring,
								       const struct mmsb_sqe *sqe, struct mmsb_line *line, u64 *word)
{
	bool changed = ms_word_apply(shard, sqe, line, word);

	if (unlikely(!(sqe->flags & MMSB_SQE_QUIET)))
		shard_complete_word(shard, ring, sqe, line, changed);
	return changed;
}

/* The short way of a delta to a page that others follow. A lone shard need not ask whether it has to meet for that. */
static __attribute__((__noinline__)) bool shard_take_parent(struct ms_shard *shard, struct ms_ring *ring, const struct mmsb_sqe *sqe,
							struct mmsb_line *line, u64 *word)
{
	if (shard->space->nshards > 1 || !ms_word_fits(sqe) || !ms_word_lands(sqe, line, MS_LINE_SMALL | MS_LINE_PARENT))
		return false;
	if (shard_apply_word(shard, ring, sqe, line, word))
		ms_wave_touch(shard, MMSB_PAGE_INDEX(sqe->page));
	return true;
}

/* The short way: true if it was one. */
static inline bool shard_take_word(struct ms_shard *shard, struct ms_ring *ring, const struct mmsb_sqe *sqe, struct mmsb_line *line,
				   u64 *word)
{
	if (unlikely(!ms_word_fits(sqe) || !ms_word_lands(sqe, line, MS_LINE_SMALL)))
		return shard_take_parent(shard, ring, sqe, line, word);
	shard_apply_word(shard, ring, sqe, line, word);
	return true;
}

static void shard_publish_sent(struct ms_shard *shard, struct ms_todo *sent, struct ms_todo *todo)
{
	u32 words = (shard->space->nshards + 63) / 64, w;

	for (w = 0; w < words; w++)
		for (; sent->bit[w]; sent->bit[w] &= sent->bit[w] - 1) {
			struct ms_link *link = shard->out[w * 64 + (u32)__builtin_ctzll(sent->bit[w])];

			ms_link_publish_sent(link);
			shard_notify(link->to, todo);
		}
}

/* Goes the short way as far as it leads. Returns the first entry that has none. */
static __attribute__((__noinline__)) size_t batch_take_words(struct ms_shard *shard, struct ms_ring *ring, size_t i, size_t n)
{
	const struct ms_region *arena = &shard->space->arena.region;
	size_t ahead;

	for (ahead = i; ahead < n && ahead < i + MS_AHEAD; ahead++)
		batch_aim(shard, arena, ahead);
	for (; i < n; i++) {
		batch_aim(shard, arena, i + MS_AHEAD);
		if (unlikely(!shard_take_word(shard, ring, &shard->batch[i], shard->lines_of[i], shard->words_of[i])))
			break;
	}
	return i;
}

/* What goes the general way may make or destroy a page, so words are aimed at anew behind it. */
static u32 batch_run(struct ms_shard *shard, struct ms_ring *ring, u32 n, struct ms_todo *todo)
{
	bool alone = shard->space->nshards == 1;
	struct ms_todo sent;
	u32 forwarded = 0, i = 0;

	if (!alone)
		memset(&sent, 0, sizeof(sent));
	while (i < n) {
		if (likely(ms_word_fits(&shard->batch[i])))
			i = batch_take_words(shard, ring, i, n);
		if (likely(i == n))
			break;
		batch_look_ahead(shard, i);
		if (!shard_take_one(shard, ring, &shard->batch[i], &sent, &forwarded))
			break;
		i++;
		if (unlikely(shard->space->replay.ends))
			break;
	}
	if (unlikely(shard->stream))
		ms_stream_words_end(shard);
	if (!alone)
		shard_publish_sent(shard, &sent, todo);
	pf_write(shard->deltas, shard->deltas + i - forwarded);
	return i;
}

/* What keeps a ring whose completions would find room. */
static enum mmsb_stall stall_cause(const struct ms_shard *shard, const struct ms_ring *ring)
{
	if (ring->fenced)
		return MMSB_STALL_FENCE;
	if (ring->held_by)
		return MMSB_STALL_ROUTE;
	return ms_history_is_full(shard) ? MMSB_STALL_LOG : MMSB_STALL_MEETING;
}

/*
 * It is come upon as often as somebody looks, and counted once until the ring goes on or is kept by something else; told once, too, and to
 * who begins to trace meanwhile.
 */
static void ring_held_up(struct ms_shard *shard, struct ms_ring *ring, enum mmsb_stall cause, u32 pending)
{
	if (ring->stalled_at != ring->taken || ring->stalled_by != cause + 1u) {
		pf_write(ring->stalled_at, ring->taken);
		pf_write(ring->stalled_by, cause + 1u);
		ring->stall_told = false;
		pf_write(ring->engine->stalls, ++ring->stalls);		/* at once: nothing else of the ring may move for long */
		if (shard->space->press)
			shard->space->press(shard->space->arg, cause == MMSB_STALL_LOG ? MS_PRESSURE_LOG : MS_PRESSURE_RING);
	}
	if (unlikely(shard->timing))
		ms_timing_see(ring, ring->sq_head + pending);
	if (unlikely(pf_traced(stall)) && !ring->stall_told) {
		ring->stall_told = true;
		pf_trace_stall(shard->space->id, shard->number, ring->id, ring->config.origin.pid, cause, pending);
	}
}

/* `n` were taken where there were more, and `credit` for so many. A replay's tick ends where it likes. */
static void ring_left_some(struct ms_shard *shard, struct ms_ring *ring, u32 n, u32 pending, u32 credit)
{
	if (ring->replay && n)
		return;
	ring_held_up(shard, ring, n == credit ? MMSB_STALL_COMPLETIONS : stall_cause(shard, ring), pending - n);
}

/* What comes behind the end of a replay's tick will be taken again after its wave: it is not looked at before. */
static u32 batch_up_to_tick(const struct ms_ring *ring, u32 n)
{
	u32 mask = ring->sq_entries - 1, i;

	for (i = 0; i < n; i++)
		if (pf_read(ring->sqes[(ring->sq_head + i) & mask].op) == MMSB_OP_TICK)
			return i + 1;
	return n;
}

/* Publishes the batch, unless it is held back. */
static void batch_tell_timed(struct ms_shard *shard, struct ms_ring *ring, u32 n)
{
	bool held_back = shard_holds_back(shard);

	if (n)
		ms_timing_applied(ring, held_back);
	if (held_back)
		return;
	ms_ring_publish(ring);
	if (n)
		ms_timing_told(ring);
}

static u32 ring_batch(struct ms_shard *shard, struct ms_ring *ring, struct ms_todo *todo)
{
	u32 pending = ms_ring_pending(ring), credit, n;

	ring->fenced = false;
	ring->held_by = NULL;
	if (!pending)
		return 0;
	if (unlikely(ring_stands_still(shard, ring))) {
		ring_held_up(shard, ring, stall_cause(shard, ring), pending);
		return 0;
	}
	credit = ms_ring_credit(ring);
	n = pending < credit ? pending : credit;
	n = n < MS_BATCH ? n : MS_BATCH;
	if (unlikely(ring->replay))
		n = batch_up_to_tick(ring, n);
	if (n) {
		pf_trace(take, shard->space->id, shard->number, ring->id, ring->config.origin.pid, pending);
		shard_open_tick(shard);
		if (unlikely(shard->timing))
			ms_timing_take(ring, pending);
		batch_take(shard, ring, n);
		n = batch_run(shard, ring, n, todo);
	}
	if (n)
		pf_trace(submit, shard->space->id, shard->number, ring->id, ring->config.origin.pid, n, pending);
	ring->sq_head += n;
	pf_write(ring->taken, ring->taken + n);
	if (unlikely(n < pending && n < MS_BATCH))
		ring_left_some(shard, ring, n, pending, credit);
	if (ring->fenced || ring->held_by || (ring->inflight && n < pending))
		shard->rescan = true;
	ms_pass_touch(shard, ring);
	if (unlikely(shard->timing))
		batch_tell_timed(shard, ring, n);
	else if (likely(!shard_holds_back(shard)))
		ms_ring_publish(ring);
	return n;
}

static u32 shard_serve_ring(struct ms_shard *shard, struct ms_ring *ring, struct ms_todo *todo)
{
	u32 total = 0, n, i;

	for (i = 0; i < MS_SHARE; i++) {
		n = ring_batch(shard, ring, todo);
		total += n;
		if (n < MS_BATCH || unlikely(shard->space->replay.ends))
			break;
	}
	return total;
}

void ms_pass_by(struct ms_shard *shard, struct ms_ring *ring)
{
	u32 pending = ms_ring_pending(ring);
	enum mmsb_stall cause = MMSB_STALL_COMPLETIONS;

	if (!pending)
		return;
	if (ring->fenced || ring->held_by || ring->inflight)
		shard->rescan = true;
	if (ring->fenced || ring->held_by)
		cause = stall_cause(shard, ring);
	else if (ms_ring_credit(ring) && ms_history_is_full(shard))
		cause = MMSB_STALL_LOG;
	ring_held_up(shard, ring, cause, pending);
}

/*
 * Polled rings always; the others when somebody was turned away, or when some ring had to wait. What is left of a ring that
 * nobody polls, because its share was used up, makes the runner come again.
 */
static u32 shard_serve_rings(struct ms_shard *shard, bool all, struct ms_todo *todo)
{
	struct ms_ring *ring;
	u32 total = 0, n;

	for (ring = shard->rings; ring; ring = ring->next) {
		if (!all && !ring->polled)
			continue;
		if (!ms_ring_runnable(ring)) {
			ms_pass_by(shard, ring);
			continue;
		}
		n = shard_serve_ring(shard, ring, todo);
		total += n;
		if (n && !ring->polled && ms_ring_runnable(ring))
			pf_write(shard->kicked, 1);
	}
	return total;
}

/* ------------------------------------------------------------------------------------------------------- end of a pass */

static void shard_wake_watchers(struct ms_shard *shard, u16 groups)
{
	struct ms_watch *watch = pf_acquire(&shard->watch);	/* partner: watch_make() */

	if (watch)
		ms_watch_wake(watch, groups);
}

void ms_pass_wake_watchers(struct ms_shard *shard)
{
	pf_mb();	/* partner: as in ms_pass_finish() */
	shard_wake_watchers(shard, MS_WATCH_ALL);
}

/* Who began to watch after the pass began may have missed a change that was not marked: all queues look again then. */
static inline __attribute__((__always_inline__)) void pass_finish(struct ms_shard *shard, struct ms_todo *todo, bool timed)
{
	struct ms_ring *ring, *next;

	if (timed)
		ms_timing_settled(shard);
	shard_close_tick(shard);
	if (shard->space->nshards > 1)
		shard_answer_all(shard, todo);
	for (ring = shard->touched; ring; ring = ring->touched)
		if (ring->engine->cq_tail != ring->cq_tail || ring->engine->sq_head != ring->sq_head)
			ms_ring_publish(ring);
	if (timed)
		ms_timing_published(shard);
	pf_mb();	/* partner: the barrier between registering and looking, in pf_waitq_wait() */
	for (ring = shard->touched; ring; ring = next) {
		next = ring->touched;
		ring->is_touched = false;
		if (pf_waitq_active(&ring->waitq))
			pf_waitq_wake(&ring->waitq);
	}
	shard->touched = NULL;
	if (unlikely(shard->held_now)) {
		shard->held_now = false;
		ms_log_urge(shard->space);
	}
	if (unlikely(pf_read(shard->watchers)))
		shard_wake_watchers(shard, shard->watched ? shard->dirty : 0xffff);
}

static __attribute__((__noinline__)) void pass_finish_timed(struct ms_shard *shard, struct ms_todo *todo)
{
	pass_finish(shard, todo, true);
}

void ms_pass_finish(struct ms_shard *shard, struct ms_todo *todo)
{
	if (unlikely(shard->timing))
		pass_finish_timed(shard, todo);
	else
		pass_finish(shard, todo, false);
}

static void shard_unflag(struct ms_shard *shard)
{
	struct ms_ring *ring;

	shard->flagged = false;
	for (ring = shard->rings; ring; ring = ring->next)
		if (ring->polled)
			pf_write(ring->engine->flags, ring->engine->flags & ~MMSB_RING_NEED_WAKEUP);
}

/* True: all rings are to be looked at. */
bool ms_pass_begin(struct ms_shard *shard, bool polls)
{
	bool all = shard->rescan;

	shard->ticked = false;
	shard->rescan = false;
	shard->must_meet = false;
	shard->dirty = 0;
	shard->watched = pf_acquire(&shard->watchers);	/* partner: watch_begin() */
	shard->attentive = shard->watched || shard->hashing || shard->notes || shard->stream;
	if (unlikely(pf_read(shard->kicked))) {
		pf_write(shard->kicked, 0);
		pf_mb();	/* what was published before the kick is seen from here on */
		all = true;
	}
	if (unlikely(shard->held))
		ms_log_release(shard);
	if (unlikely(polls && shard->flagged && !pf_read(shard->asleep)))
		shard_unflag(shard);
	return all;
}

u32 ms_pass_serve_all(struct ms_shard *shard, struct ms_todo *todo)
{
	return shard_serve_rings(shard, true, todo);
}

/* What came in, up to where a meeting is needed. */
static u32 pass_apply(struct ms_shard *shard, struct ms_ring *own, bool polls, struct ms_todo *todo)
{
	bool all = ms_pass_begin(shard, polls);
	u32 n = 0;

	if (shard->space->nshards > 1)
		n += shard_mail(shard, todo);
	if (own)
		n += shard_serve_ring(shard, own, todo);
	if (polls || all)
		n += shard_serve_rings(shard, all, todo);
	if (unlikely(shard->must_meet))
		todo->meet = true;
	return n;
}

/* A poller has other shards to see to, and comes back to a long wave; who runs the shard for himself stays. */
static u64 wave_budget(bool polls)
{
	return polls ? PF_WAVE_BUDGET : MS_WAVE_ALL;
}

/* One bounded round of everything, with the run lock held. `polls`: by the poller, for whom the polled rings are. */
u32 ms_pass(struct ms_shard *shard, struct ms_ring *own, bool polls, struct ms_todo *todo)
{
	u32 n = 1;

	pf_runlock_assert(&shard->run);
	if (unlikely(shard->space->meeting.open)) {
		todo->meet = true;
		return n;
	}
	if (likely(!shard->waving))
		n = pass_apply(shard, own, polls, todo);
	if (shard_holds_back(shard))
		shard->waving = !ms_wave_run(shard, wave_budget(polls));
	if (shard->waving)
		return n;
	if (unlikely(shard->space->replay.ends))
		ms_replay_turn(shard->space);
	if (n || shard->touched)
		ms_pass_finish(shard, todo);
	return n;
}

void ms_pass_end_wave(struct ms_shard *shard, struct ms_todo *todo)
{
	if (!shard->waving)
		return;
	ms_wave_run(shard, MS_WAVE_ALL);
	shard->waving = false;
	if (unlikely(shard->space->replay.ends))
		ms_replay_turn(shard->space);
	ms_pass_finish(shard, todo);
}

/* Who reaped something may go on with what waited for it. */
u32 ms_pass_exchange(struct ms_shard *shard, struct ms_todo *todo)
{
	u32 n = shard_mail(shard, todo);

	pf_runlock_assert(&shard->run);
	if (n)
		pf_write(shard->kicked, 1);
	return n;
}
