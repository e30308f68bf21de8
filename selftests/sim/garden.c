// SPDX-License-Identifier: GPL-2.0-only
#include "garden.h"
#include "space.h"

#define PLANTS		6u
#define BEDS		3u		/* of so many plants, one behind the other, where there are beds */
#define EDGES_MAX	4u

struct plant {
	struct book *book;
	bool derived, lazy, gone;
	u32 rule, edges;
	u8 lane;
	struct mmsb_edge edge[EDGES_MAX];
};

static struct {
	struct stage *stage;
	struct player *gardener;
	struct plant plants[BEDS * PLANTS];
	u32 n;
	bool beds;			/* a plant follows those of the bed before its own, so there is much to do in each level */
	bool tended;			/* the gardener has ended: the graph stays as it is */
} garden;

/* ---------------------------------------------------------------------------------------------------- what is known */

static struct plant *plant_of(u64 id)
{
	u32 i;

	for (i = 0; i < garden.n; i++)
		if (garden.plants[i].book->id == id && !garden.plants[i].gone)
			return &garden.plants[i];
	return NULL;
}

/* Whether `from` is `to` or follows it. So small a graph has no long ways, so going all of them once more for each page will do. */
static bool follows(const struct plant *from, const struct plant *to)
{
	bool reached[BEDS * PLANTS] = { false };
	u32 round, i, k;

	reached[from - garden.plants] = true;
	for (round = 0; round < garden.n; round++)
		for (i = 0; i < garden.n; i++)
			for (k = 0; reached[i] && garden.plants[i].derived && k < garden.plants[i].edges; k++) {
				const struct plant *parent = plant_of(garden.plants[i].edge[k].parent);

				if (parent)
					reached[parent - garden.plants] = true;
			}
	return reached[to - garden.plants];
}

static bool closes_cycle(const struct plant *plant, const struct mmsb_edge *edge, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		const struct plant *parent = plant_of(edge[i].parent);

		if (parent && follows(parent, plant))
			return true;
	}
	return false;
}

static u32 count_data(const struct mmsb_edge *edge, u32 n)
{
	u32 data = 0, i;

	for (i = 0; i < n; i++)
		data += edge[i].type != MMSB_EDGE_CONTROL;
	return data;
}

static bool count_is_right(u32 rule, u32 data)
{
	return rule == MMSB_RULE_COPY ? data == 1 : data > 0;
}

/* Neither it nor anything before it is computed only when asked for. */
static bool is_prompt(const struct plant *plant)
{
	u32 i;

	for (i = 0; i < garden.n; i++)
		if (garden.plants[i].derived && garden.plants[i].lazy && follows(plant, &garden.plants[i]))
			return false;
	return plant->derived;
}

/* ------------------------------------------------------------------------------------------------------- the rules */

struct view {
	u32 size;
	u8 bytes[PAGE_BYTES_MAX];
};

static u64 lane_load(const u8 *at, u32 width)
{
	u64 value = 0;

	memcpy(&value, at, width);
	return value;
}

/* One lane: what the parents that reach it make of it, in order. */
static u64 lane_fold(const struct plant *plant, const struct view *parents, u32 at, u32 width)
{
	bool first = true;
	u64 sum = 0, term;
	u32 i;

	for (i = 0; i < plant->edges; i++) {
		if (plant->edge[i].type == MMSB_EDGE_CONTROL || at + width > parents[i].size)
			continue;
		term = lane_load(parents[i].bytes + at, width);
		term = plant->rule == MMSB_RULE_XOR_AND ? term & plant->edge[i].weight : term * plant->edge[i].weight;
		sum = first ? term : plant->rule == MMSB_RULE_XOR_AND ? sum ^ term : sum + term;
		first = false;
	}
	return sum;
}

static void compute(const struct plant *plant, const struct view *parents, u8 *out)
{
	u32 width = 1u << (plant->lane & 3), size = plant->book->size, at, i;

	memset(out, 0, PAGE_BYTES_MAX);
	for (i = 0; plant->rule == MMSB_RULE_COPY && i < plant->edges; i++)
		if (plant->edge[i].type != MMSB_EDGE_CONTROL)
			memcpy(out, parents[i].bytes, parents[i].size < size ? parents[i].size : size);
	for (at = 0; plant->rule != MMSB_RULE_COPY && at + width <= size; at += width) {
		u64 lane = lane_fold(plant, parents, at, width);

		memcpy(out + at, &lane, width);
	}
}

static void compare(const struct plant *plant, const struct view *parents, const u8 *bytes, const char *when)
{
	u8 expected[PAGE_BYTES_MAX];

	compute(plant, parents, expected);
	if (memcmp(expected, bytes, plant->book->size))
		sim_fail("%s: page %llx, of %u parents by rule %u, does not hold what they make of it", when,
			 (unsigned long long)plant->book->id, plant->edges, plant->rule);
}

/* ------------------------------------------------------------------------------------------------------------- drawing */

static struct book *draw_parent(struct rng *rng, const struct plant *plant)
{
	u32 bed = (u32)(plant - garden.plants) / PLANTS, tries;
	struct book *book = NULL;

	if (garden.beds && bed)
		return garden.plants[(bed - 1) * PLANTS + rng_below(rng, PLANTS)].book;
	for (tries = 0; tries < 8 && !(book && ((book->follows && !garden.beds) || !book->owner)); tries++)
		book = ledger_any((u32)rng_next(rng));
	if (!book || (book->owner && !book->follows))
		book = garden.plants[0].book;
	return book;
}

static void draw_edge(struct rng *rng, const struct plant *plant, u32 rule, struct mmsb_edge *edge)
{
	*edge = (struct mmsb_edge){ .parent = draw_parent(rng, plant)->id };
	if (rng_once_in(rng, 6))
		edge->type = MMSB_EDGE_CONTROL;
	else if (rule != MMSB_RULE_COPY)
		edge->weight = rng_below(rng, 4);
}

static void draw_derive(struct rng *rng, const struct plant *plant, struct record *record, struct plant *after)
{
	static const u32 rules[] = { MMSB_RULE_COPY, MMSB_RULE_ADD_MUL, MMSB_RULE_ADD_MUL, MMSB_RULE_XOR_AND };
	struct mmsb_derive derive = { 0 };
	u32 i;

	after->derived = true;
	after->rule = rules[rng_below(rng, 4)];
	after->lane = after->rule == MMSB_RULE_COPY ? 0 : (u8)rng_below(rng, 4);
	after->lazy = rng_once_in(rng, 5);
	after->edges = 1 + (u32)rng_below(rng, 3);
	for (i = 0; i < after->edges; i++)
		draw_edge(rng, plant, after->rule, &after->edge[i]);
	derive.rule = after->rule;
	derive.lane = after->lane;
	derive.edges = after->edges;
	derive.flags = after->lazy ? MMSB_DERIVE_LAZY : 0;
	memcpy(record->operand, &derive, sizeof(derive));
	memcpy(record->operand + sizeof(derive), after->edge, after->edges * sizeof(after->edge[0]));
	record->sqe.len = sizeof(derive) + after->edges * sizeof(after->edge[0]);
}

static void draw_link(struct rng *rng, const struct plant *plant, struct record *record, struct plant *after)
{
	draw_edge(rng, plant, after->rule, &after->edge[after->edges]);
	memcpy(record->operand, &after->edge[after->edges], sizeof(after->edge[0]));
	record->sqe.len = sizeof(after->edge[0]);
	after->edges++;
}

/* False: it has no edge from there. */
static bool draw_unlink(struct rng *rng, struct record *record, struct plant *after)
{
	u64 parent = after->edges && !rng_once_in(rng, 4) ? after->edge[rng_below(rng, after->edges)].parent : after->book->id;
	u32 i = after->edges;

	memcpy(record->operand, &parent, sizeof(parent));
	record->sqe.len = sizeof(parent);
	while (i-- > 0)
		if (after->edge[i].parent == parent) {
			after->edges--;
			memmove(&after->edge[i], &after->edge[i + 1], (after->edges - i) * sizeof(after->edge[0]));
			return true;
		}
	return false;
}

/* Draws a delta for the plant; `after` becomes what the plant is if it succeeds. Returns the reason that it should come to. */
static enum mmsb_reason draw_graph_op(struct rng *rng, struct plant *plant, struct record *record, struct plant *after)
{
	static const u8 ops[] = { MMSB_OP_DERIVE, MMSB_OP_DERIVE, MMSB_OP_LINK, MMSB_OP_UNLINK, MMSB_OP_UNDERIVE, MMSB_OP_REFRESH };
	bool found = true;

	*after = *plant;
	record->sqe = (struct mmsb_sqe){ .op = ops[rng_below(rng, garden.beds && !plant->derived ? 1 : sizeof(ops))] };
	record->sqe.page = plant->book->id;
	if (record->sqe.op == MMSB_OP_LINK && plant->edges == EDGES_MAX)
		record->sqe.op = MMSB_OP_UNLINK;
	if (record->sqe.op == MMSB_OP_DERIVE)
		draw_derive(rng, plant, record, after);
	else if (record->sqe.op == MMSB_OP_LINK)
		draw_link(rng, plant, record, after);
	else if (record->sqe.op == MMSB_OP_UNLINK)
		found = draw_unlink(rng, record, after);
	else if (record->sqe.op == MMSB_OP_UNDERIVE)
		after->derived = false;
	if (record->sqe.len)
		record->sqe.flags = MMSB_SQE_PAYLOAD;
	if (!plant->derived && record->sqe.op != MMSB_OP_DERIVE)
		return MMSB_REASON_NOT_DERIVED;
	if (!found)
		return MMSB_REASON_NO_SUCH_EDGE;
	if (record->sqe.op == MMSB_OP_UNDERIVE || record->sqe.op == MMSB_OP_REFRESH)
		return MMSB_REASON_NONE;
	if (!count_is_right(after->rule, count_data(after->edge, after->edges)))
		return MMSB_REASON_BAD_PARENTS;
	return closes_cycle(plant, after->edge, after->edges) ? MMSB_REASON_CYCLE : MMSB_REASON_NONE;
}

static void send(struct client *client, struct record *record)
{
	u32 slot;

	if (!client_make_room(client) || !client_slot(client, &slot))
		sim_fail("the gardener finds no room");
	client_put(client, record, slot);
	client_publish(client);
	while (!record->came)
		if (!client_reap(client, ~0u))
			client_wait(client, 1, ~0ull);
}

static bool names_a_stranger(const struct plant *after)
{
	u32 i;

	for (i = 0; i < after->edges; i++)
		if (!plant_of(after->edge[i].parent))
			return true;
	return false;
}

/* ---------------------------------------------------------------------------------------------------------- destroying */

static bool has_edge_from(const struct plant *plant, u64 parent)
{
	u32 i;

	for (i = 0; plant->derived && i < plant->edges; i++)
		if (plant->edge[i].parent == parent)
			return true;
	return false;
}

static u32 count_children(u64 parent)
{
	u32 children = 0, i;

	for (i = 0; i < garden.n; i++)
		children += has_edge_from(&garden.plants[i], parent);
	return children;
}

/* Whatever follows the page becomes a source page. */
static void detach_children(u64 parent)
{
	u32 i;

	for (i = 0; i < garden.n; i++)
		if (has_edge_from(&garden.plants[i], parent))
			garden.plants[i].derived = false;
}

static struct record *send_destroy(u64 page, struct book *book, bool detach)
{
	struct record *record = ledger_record();

	record->sqe = (struct mmsb_sqe){ .op = MMSB_OP_DESTROY, .page = page, .flags = detach ? MMSB_SQE_DETACH : 0 };
	record->book = book;
	send(&garden.gardener->client, record);
	return record;
}

static void destroy_plant(struct rng *rng, struct plant *plant)
{
	bool detach = !rng_once_in(rng, 4);
	u64 page = plant->book->id;
	enum mmsb_reason expected = !detach && count_children(page) ? MMSB_REASON_HAS_CHILDREN : MMSB_REASON_NONE;
	struct record *record = send_destroy(page, plant->book, detach);

	if (ledger_is_blurred())
		return;
	if (record->cqe.reason != expected && !(record->cqe.reason == MMSB_REASON_NO_MEMORY && sim_injects()))
		sim_fail("destroying page %llx came to reason %u and should have to %u", (unsigned long long)page, record->cqe.reason,
			 expected);
	if (record->cqe.reason)
		return;
	plant->gone = true;
	plant->derived = false;
	detach_children(page);
}

/* Somebody else may be faster, unless it is followed. */
static void destroy_stranger(struct rng *rng)
{
	struct book *book = ledger_any((u32)rng_next(rng));
	struct record *record;
	u32 children;

	if (!book || book->owner || book->follows)
		return;
	children = count_children(book->id);
	record = send_destroy(book->id, book, true);
	if (ledger_is_blurred())
		return;
	if (children && record->cqe.result && !(record->cqe.reason == MMSB_REASON_NO_MEMORY && sim_injects()))
		sim_fail("page %llx, which %u follow, cannot be destroyed: reason %u", (unsigned long long)book->id, children,
			 record->cqe.reason);
	if (!record->cqe.result)
		detach_children(book->id);
}

/* ------------------------------------------------------------------------------------------------------------- tending */

static void tend(struct rng *rng, struct plant *plant)
{
	struct record *record = ledger_record();
	struct plant after;
	enum mmsb_reason expected = draw_graph_op(rng, plant, record, &after), reason;

	send(&garden.gardener->client, record);
	reason = record->cqe.reason;
	if (ledger_is_blurred())
		return;
	if (!reason && !expected)
		*plant = after;
	else if (reason != expected && !(reason == MMSB_REASON_NO_MEMORY && sim_injects()) &&
		 !(reason == MMSB_REASON_PARENT_GONE && names_a_stranger(&after)))
		sim_fail("op %u on page %llx came to reason %u and should have to %u", record->sqe.op,
			 (unsigned long long)plant->book->id, reason, expected);
}

void garden_begin(void)
{
	memset(&garden, 0, sizeof(garden));
}

bool garden_plant(struct stage *stage, struct player *gardener)
{
	u32 n = 2 + (u32)rng_below(&gardener->rng, PLANTS - 1);

	garden.beds = rng_once_in(&gardener->rng, 3);
	n = garden.beds ? BEDS * PLANTS : n;
	garden.stage = stage;
	garden.gardener = gardener;
	if (!player_open(gardener))
		return false;
	for (; n; n--) {
		struct record *record = ledger_record();

		record->sqe = (struct mmsb_sqe){ .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .len = draw_size(&gardener->rng) };
		record->sqe.page = draw_fresh_id(&gardener->rng, (u32)rng_below(&gardener->rng, stage->shards));
		record->secret = true;
		send(&gardener->client, record);
		if (!record->book)
			continue;
		record->book->follows = true;
		garden.plants[garden.n++].book = record->book;
	}
	garden.beds &= garden.n == BEDS * PLANTS;
	return garden.n;
}

void gardener_main(void *arg)
{
	struct player *player = arg;
	u32 i;

	for (i = 0; garden.beds && i < garden.n; i++)
		tend(&player->rng, &garden.plants[i]);
	for (; player->left && ledger_left() > 300; player->left--) {
		struct plant *plant = &garden.plants[rng_below(&player->rng, garden.n)];

		if (rng_once_in(&player->rng, 16))
			destroy_stranger(&player->rng);
		else if (!plant->gone && rng_once_in(&player->rng, 12))
			destroy_plant(&player->rng, plant);
		else if (!plant->gone)
			tend(&player->rng, plant);
		if (rng_once_in(&player->rng, 2))
			sim_pause(SIM_PLACE);
	}
	garden.tended = true;
}

/* -------------------------------------------------------------------------------------------------------- looking */

u32 garden_choose(struct rng *rng, u64 *ids, u32 most)
{
	const struct plant *plant;
	u32 i;

	if (!garden.tended || ledger_is_blurred())
		return 0;
	plant = &garden.plants[rng_below(rng, garden.n)];
	if (!is_prompt(plant) || plant->edges >= most)
		return 0;
	ids[0] = plant->book->id;
	for (i = 0; i < plant->edges; i++)
		ids[i + 1] = plant->edge[i].parent;
	return 1 + plant->edges;
}

void garden_check_snapshot(const u8 *payload, const struct mmsb_snapshot_entry *entries, u32 n)
{
	const struct plant *plant = plant_of(entries[0].page);
	struct view parents[EDGES_MAX] = { { 0 } };
	u32 i;

	for (i = 0; i < n; i++)
		if (entries[i].result)
			sim_fail("page %llx is not there, though it has a place in the graph", (unsigned long long)entries[i].page);
	for (i = 1; i < n; i++) {
		parents[i - 1].size = entries[i].size;
		memcpy(parents[i - 1].bytes, payload + entries[i].at, entries[i].size);
	}
	compare(plant, parents, payload + entries[0].at, "in a snapshot");
}

static const struct mmsb_line *view_page(u64 id, struct view *view)
{
	struct mmsb_line *line = NULL;

	if (ms_page_find(garden.stage->space, id, &line))
		sim_fail("page %llx is not there, though it has a place in the graph", (unsigned long long)id);
	view->size = line->size;
	ms_page_copy(garden.stage->space, line, 0, view->bytes, line->size);
	return line;
}

static void judge_plant(const struct plant *plant, const char *when)
{
	struct view parents[EDGES_MAX], self;
	u32 i;

	if (plant->gone)
		return;
	if ((view_page(plant->book->id, &self)->kind == MMSB_KIND_DERIVED) != plant->derived)
		sim_fail("page %llx is of the wrong kind", (unsigned long long)plant->book->id);
	if (!plant->derived)
		return;
	for (i = 0; i < plant->edges; i++)
		view_page(plant->edge[i].parent, &parents[i]);
	compare(plant, parents, self.bytes, when);
}

void garden_judge(void)
{
	u32 i;

	if (!garden.n || ledger_is_blurred())
		return;
	for (i = 0; i < garden.n; i++)
		if (is_prompt(&garden.plants[i]))
			judge_plant(&garden.plants[i], "when all is quiet");
	for (i = 0; i < garden.n; i++) {
		struct record *record = ledger_record();

		record->sqe = (struct mmsb_sqe){ .op = MMSB_OP_REFRESH, .page = garden.plants[i].book->id };
		if (garden.plants[i].derived)
			send(&garden.gardener->client, record);
	}
	for (i = 0; i < garden.n; i++)
		judge_plant(&garden.plants[i], "when all is refreshed");
}
