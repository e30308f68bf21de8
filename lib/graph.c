// SPDX-License-Identifier: MIT
/*
 * Derived pages: telling a page to follow others, and asking how the pages hang together.
 *
 * Questions go through the handle's own ring and come back in pieces as large as its payload area, so that a page of 4096 parents or a
 * graph of a million pages takes no memory that the caller did not give.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "ring.h"

#define PIECE		(64u << 10)	/* bytes of payload area to ask with */
#define WAY_ASKED	64		/* pages of a cycle that are looked at, */
#define WAY_SHOWN	3		/* and told at its beginning, if there are more */

/* ----------------------------------------------------------------------------------------------------------- asking */

struct question {
	struct mmsb_graph_args args;
	size_t entry;			/* bytes */
	uint8_t *to;
	unsigned int n;			/* room for so many */
};

/* Under helper_lock. One answer is copied out; its number of entries is in args.count. */
static int ask_piece(struct mmsb_space *space, struct question *q)
{
	struct mmsb_ring *ring = space->helper;
	uint64_t room = ring->payload_bytes / q->entry;
	int err;

	q->args.size = sizeof(q->args);
	q->args.out = 0;
	q->args.out_bytes = (room < q->n ? room : q->n) * q->entry;
	q->args.count = 0;
	q->args.more = 0;
	err = space->home->ring_graph(ring, &q->args);
	if (err)
		return err;
	if (q->args.count > q->n)
		return msl_fail(EPROTO, "the engine answered with more than it was asked for");
	memcpy(q->to, ring->payload, q->args.count * q->entry);
	q->to += q->args.count * q->entry;
	q->n -= q->args.count;
	return 0;
}

static int ask(struct mmsb_space *space, struct question *q)
{
	uint64_t need = q->n * q->entry;
	unsigned int asked = q->n;
	int err;

	if (!asked)
		return 0;
	pthread_mutex_lock(&space->helper_lock);
	err = msl_space_helper(space, need < PIECE ? need : PIECE);
	do {
		if (!err)
			err = ask_piece(space, q);
	} while (!err && q->n && q->args.more);
	pthread_mutex_unlock(&space->helper_lock);
	return err ? err : (int)(asked - q->n);
}

int mmsb_node(struct mmsb_space *space, uint64_t page, struct mmsb_node *node)
{
	struct question q = { .args = { .what = MMSB_GRAPH_NODE, .page = page }, .entry = sizeof(*node), .to = (void *)node, .n = 1 };
	int n = ask(space, &q);

	return n < 0 ? n : 0;
}

int mmsb_parents(struct mmsb_space *space, uint64_t page, uint64_t skip, struct mmsb_edge *edges, unsigned int n)
{
	struct question q = { .args = { .what = MMSB_GRAPH_PARENTS, .page = page, .cursor = skip }, .entry = sizeof(*edges),
			      .to = (void *)edges, .n = n };

	return ask(space, &q);
}

int mmsb_children(struct mmsb_space *space, uint64_t page, uint64_t skip, uint64_t *pages, unsigned int n)
{
	struct question q = { .args = { .what = MMSB_GRAPH_CHILDREN, .page = page, .cursor = skip }, .entry = sizeof(*pages),
			      .to = (void *)pages, .n = n };

	return ask(space, &q);
}

int mmsb_path(struct mmsb_space *space, uint64_t page, uint64_t to, uint64_t skip, uint64_t *pages, unsigned int n)
{
	struct question q = { .args = { .what = MMSB_GRAPH_PATH, .page = page, .to = to, .cursor = skip }, .entry = sizeof(*pages),
			      .to = (void *)pages, .n = n };

	return ask(space, &q);
}

int mmsb_node_next(struct mmsb_space *space, uint64_t *cursor, struct mmsb_node *nodes, unsigned int n)
{
	struct question q = { .args = { .what = MMSB_GRAPH_LIST, .cursor = *cursor }, .entry = sizeof(*nodes), .to = (void *)nodes,
			      .n = n };
	int got = ask(space, &q);

	if (got >= 0)
		*cursor = q.args.cursor;
	return got;
}

/* ------------------------------------------------------------------------------------------- reading what is behind */

enum msl_access { ACCESS_UNKNOWN, ACCESS_FULL, ACCESS_READ_ONLY };

/* 0: it may; 1: it may not; or a negative errno, and the question is open still. */
static int may_refresh(struct mmsb_space *space)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint32_t access = msl_load(space->access);
	int err;

	if (access == ACCESS_UNKNOWN) {
		err = mmsb_space_info(space, &info);
		if (err)
			return err;
		access = info.flags & MMSB_SPACE_READ_ONLY ? ACCESS_READ_ONLY : ACCESS_FULL;
		__atomic_store_n(&space->access, access, __ATOMIC_RELAXED);
	}
	return access != ACCESS_FULL;
}

int msl_space_refresh(struct mmsb_space *space, uint64_t page)
{
	int err = may_refresh(space);

	if (err)
		return err;
	pthread_mutex_lock(&space->helper_lock);
	err = msl_space_helper(space, 0);
	if (!err)
		err = mmsb_refresh(space->helper, page, NULL);
	pthread_mutex_unlock(&space->helper_lock);
	return err == -EINVAL ? 0 : err;	/* it has just been underived */
}

/* ---------------------------------------------------------------------------------------------- what failed, in words */

struct way {
	char text[320];
	size_t used;
};

static void way_add(struct way *way, uint64_t page)
{
	int n = snprintf(way->text + way->used, sizeof(way->text) - way->used, "%s%" PRIu32 ".%" PRIu32, way->used ? " -> " : "",
			 MMSB_PAGE_INDEX(page), MMSB_PAGE_GENERATION(page));

	if (n > 0 && way->used + (size_t)n < sizeof(way->text))
		way->used += (size_t)n;
}

static void way_add_gap(struct way *way)
{
	way->used += (size_t)snprintf(way->text + way->used, sizeof(way->text) - way->used, " -> ...");
}

/* The pages from `page` down to `parent`, shortened in the middle. */
static void way_between(struct mmsb_space *space, uint64_t page, uint64_t parent, struct way *way)
{
	uint64_t pages[WAY_ASKED];
	int n = mmsb_path(space, page, parent, 0, pages, WAY_ASKED), i;
	bool whole = n <= 2 * WAY_SHOWN + 1;

	*way = (struct way){ .used = 0 };
	for (i = 0; i < n && (whole || i < WAY_SHOWN); i++)
		way_add(way, pages[i]);
	if (whole)
		return;
	way_add_gap(way);
	for (i = n - WAY_SHOWN; i < n && n < WAY_ASKED; i++)
		way_add(way, pages[i]);
	if (n == WAY_ASKED)
		way_add(way, parent);
}

static int fail_cycle(struct mmsb_space *space, uint64_t page, uint64_t parent)
{
	struct way way;

	if (parent == page)
		return msl_fail(ELOOP, "page %" PRIu32 ".%" PRIu32 " cannot be its own parent: choose another (CYCLE)",
				MMSB_PAGE_INDEX(page), MMSB_PAGE_GENERATION(page));
	way_between(space, page, parent, &way);
	return msl_fail(ELOOP, "page %" PRIu32 ".%" PRIu32 " cannot be a parent of %" PRIu32 ".%" PRIu32 ", which it follows already, by %s: "
			"choose another, or unlink these first (CYCLE)", MMSB_PAGE_INDEX(parent), MMSB_PAGE_GENERATION(parent),
			MMSB_PAGE_INDEX(page), MMSB_PAGE_GENERATION(page), way.used ? way.text : "a way that has just gone");
}

static int fail_parent(uint64_t parent, const char *what)
{
	return msl_fail(ENOENT, "page %" PRIu32 ".%" PRIu32 " %s", MMSB_PAGE_INDEX(parent), MMSB_PAGE_GENERATION(parent), what);
}

/* --------------------------------------------------------------------------------------------------- one call each */

static int run(struct mmsb_ring *ring, const struct mmsb_sqe *sqe, const struct msl_operand *operand, uint64_t *epoch)
{
	struct mmsb_cqe cqe;
	int err = msl_call(ring, sqe, operand, &cqe);

	if (err)
		return err;
	if (cqe.reason == MMSB_REASON_CYCLE)
		return fail_cycle(ring->space, sqe->page, cqe.epoch);
	if (cqe.reason == MMSB_REASON_PARENT_GONE)
		return fail_parent(cqe.epoch, "is not there: look at 'mmsb page list' (PARENT_GONE)");
	if (cqe.reason == MMSB_REASON_NO_SUCH_EDGE)
		return fail_parent(cqe.epoch, "has no edge to this page: see mmsb_parents(), or 'mmsb page show' (NO_SUCH_EDGE)");
	if (cqe.result) {
		msl_fail_reason(cqe.reason);
		return cqe.result;
	}
	if (epoch)
		*epoch = cqe.epoch;
	return 0;
}

int mmsb_derive(struct mmsb_ring *ring, uint64_t page, const struct mmsb_derive *derive, const struct mmsb_edge *edges, unsigned int n,
		uint64_t *epoch)
{
	struct mmsb_derive head = *derive;
	const struct msl_operand operand = { { &head, edges }, { sizeof(head), n * sizeof(*edges) } };
	struct mmsb_sqe sqe;

	if (n > MMSB_PARENTS_MAX)
		return msl_fail_reason(MMSB_REASON_TOO_MANY_PARENTS);
	head.edges = n;
	mmsb_prep_derive(&sqe, page, n);
	return run(ring, &sqe, &operand, epoch);
}

int mmsb_derive_fold(struct mmsb_ring *ring, uint64_t page, uint32_t rule, uint8_t lane, const uint64_t *parents, const uint64_t *weights,
		     unsigned int n, uint64_t *epoch)
{
	const struct mmsb_derive derive = { .rule = rule, .lane = lane };
	uint64_t weight = mmsb_rule_weight(rule, lane);
	struct mmsb_edge *edges;
	unsigned int i;
	int err;

	if (n > MMSB_PARENTS_MAX)
		return msl_fail_reason(MMSB_REASON_TOO_MANY_PARENTS);
	edges = msl_alloc((n + 1) * sizeof(*edges));
	if (!edges)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		edges[i] = (struct mmsb_edge){ .parent = parents[i], .weight = weights ? weights[i] : weight };
	err = mmsb_derive(ring, page, &derive, edges, n, epoch);
	free(edges);
	return err;
}

int mmsb_derive_slice(struct mmsb_ring *ring, uint64_t page, uint64_t parent, uint64_t offset, uint64_t bytes, uint64_t *epoch)
{
	const struct mmsb_derive derive = { .rule = MMSB_RULE_SLICE, .param = { offset, bytes } };
	const struct mmsb_edge edge = { .parent = parent };

	return mmsb_derive(ring, page, &derive, &edge, 1, epoch);
}

static const struct msl_operand nothing;

int mmsb_underive(struct mmsb_ring *ring, uint64_t page, uint64_t *epoch)
{
	struct mmsb_sqe sqe;

	mmsb_prep_underive(&sqe, page);
	return run(ring, &sqe, &nothing, epoch);
}

int mmsb_link(struct mmsb_ring *ring, uint64_t page, const struct mmsb_edge *edges, unsigned int n, uint64_t *epoch)
{
	const struct msl_operand operand = { { edges }, { n * sizeof(*edges) } };
	struct mmsb_sqe sqe;

	if (n > MMSB_PARENTS_MAX)
		return msl_fail_reason(MMSB_REASON_TOO_MANY_PARENTS);
	mmsb_prep_link(&sqe, page, NULL, n);
	return run(ring, &sqe, &operand, epoch);
}

int mmsb_unlink(struct mmsb_ring *ring, uint64_t page, const uint64_t *parents, unsigned int n, uint64_t *epoch)
{
	const struct msl_operand operand = { { parents }, { n * sizeof(*parents) } };
	struct mmsb_sqe sqe;

	if (n > MMSB_PARENTS_MAX)
		return msl_fail_reason(MMSB_REASON_TOO_MANY_PARENTS);
	mmsb_prep_unlink(&sqe, page, NULL, n);
	return run(ring, &sqe, &operand, epoch);
}

int mmsb_refresh(struct mmsb_ring *ring, uint64_t page, uint64_t *epoch)
{
	struct mmsb_sqe sqe;

	mmsb_prep_refresh(&sqe, page);
	return run(ring, &sqe, &nothing, epoch);
}

int mmsb_destroy_detach(struct mmsb_ring *ring, uint64_t page)
{
	struct mmsb_sqe sqe;

	mmsb_prep_destroy(&sqe, page);
	mmsb_sqe_detach(&sqe);
	return run(ring, &sqe, &nothing, NULL);
}
