/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference model: what a space is, written to be checked by eye. A space is an array of pages, a page is bytes with an
 * epoch and a generation, an operation is a loop over bytes. There is no queue, no shard, no sharing and no cleverness here:
 * where the engine and this file disagree, read this file against uapi/mmsb/abi.h and believe abi.h.
 *
 * Derived pages (model_graph.c, model_rule.c): a page has a list of edges, and at the end of each tick all derived pages are gone
 * through from the lowest to the highest. One whose parents' epochs are not those it was computed from is computed.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mmsb/abi.h>
#include <mmsb/reasons.h>

struct model_edge {
	uint64_t parent;
	uint64_t weight;
	uint32_t type;
	uint64_t seen;		/* the parent's epoch when the page was last computed */
};

struct model_page {
	bool alive;
	uint64_t generation;	/* of the page that lives here, or the lowest that the next one may have; 0: never used */
	uint32_t size;
	uint64_t epoch;
	uint8_t *bytes;
	/* a derived page only: */
	bool derived;
	struct mmsb_derive how;
	struct model_edge *edges;
	uint32_t height;
	bool due;		/* was given a rule or parents that it was not computed from */
	bool looked;		/* in this tick its rule or parents changed, or it was asked for */
	bool asked;		/* while a tick ends: asked for, or something behind it is */
	bool behind;		/* older than what it follows from: lazy, or follows a page that is behind */
	bool reached;		/* while looking for cycles */
	bool told;		/* a control parent changed since it was last looked at */
};

struct model {
	uint32_t max_pages;
	uint32_t alive;
	struct model_page *pages;
	bool lazy;		/* every derived page is */
	uint32_t *derived;	/* line indices of derived pages, in order of height after a tick */
	uint32_t derived_count;
	bool heights_known;
	uint64_t *asks;		/* ids of pages that are to be computed at the end of the tick, lazy or not */
	uint32_t asks_count;
	uint64_t recomputed, cut;	/* so many derived pages were computed; of those, came out the same */
};

/* The same fields as a completion; `silent` says that a quiet entry succeeded and none comes. */
struct model_result {
	enum mmsb_reason reason;
	int32_t result;
	uint16_t flags;
	uint64_t epoch;
	bool silent;
};

void model_init(struct model *model, uint32_t max_pages);
void model_free(struct model *model);
void model_reset(struct model *model);

/*
 * Applies one entry. `payload` is the ring's payload area. The model does not know how the engine chooses ids: for CREATE
 * without AT, `given` is the id that the engine's completion carried, and the model says whether it was a possible one. Nor
 * does it know which one of several parents the engine names when they would close a cycle, or are not there.
 */
struct model_result model_apply(struct model *model, const struct mmsb_sqe *sqe, const uint8_t *payload,
				uint64_t payload_bytes, uint64_t given);

/* The tick ends: derived pages follow. */
void model_tick(struct model *model);

/* Whether all derived pages that are not behind are what their rules make of their parents. */
bool model_is_consistent(struct model *model);

static inline bool model_is_stale(const struct model_page *page)
{
	return page->behind || page->told;
}

/* Of the page, as of now: 0 for a source page, else 1 + that of the highest parent. */
uint32_t model_height(struct model *model, const struct model_page *page);
uint32_t model_children(const struct model *model, uint64_t id);	/* edges that lead from it */

/* The page with this id, or NULL and why. */
struct model_page *model_find(struct model *model, uint64_t id, enum mmsb_reason *reason);

int model_errno(enum mmsb_reason reason);

/* ------------------------------------------------------------------------------------- between the files of the model */

/* The graph's part of an operation on a page that is there; its operand has the right length. */
enum mmsb_reason model_graph_apply(struct model *model, struct model_page *page, const struct mmsb_sqe *sqe, const uint8_t *operand,
				   uint64_t given, struct model_result *result);
enum mmsb_reason model_graph_length(const struct mmsb_sqe *sqe);
enum mmsb_reason model_let_go(struct model *model, struct model_page *page, bool detach);
uint64_t model_id(const struct model *model, const struct model_page *page);

/* NONE, or why this is no rule for so many data parents. */
enum mmsb_reason model_rule_judge(const struct mmsb_derive *how);
enum mmsb_reason model_rule_judge_edge(const struct mmsb_derive *how, const struct mmsb_edge *edge);
enum mmsb_reason model_rule_judge_count(const struct mmsb_derive *how, uint32_t edges, uint32_t data);

struct model_parent {
	const uint8_t *bytes;
	uint32_t size;
	uint64_t weight;
};

/* What the rule makes of these parents: `size` bytes to `to`. */
void model_rule_run(const struct mmsb_derive *how, const struct model_parent *parent, uint32_t parents, uint8_t *to, uint32_t size);

#endif
