/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference model: what a space is, written to be checked by eye. A space is an array of pages, a page is bytes with an
 * epoch and a generation, an operation is a loop over bytes. There is no queue, no shard, no sharing and no cleverness here:
 * where the engine and this file disagree, read this file against uapi/mmsb/abi.h and believe abi.h.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mmsb/abi.h>
#include <mmsb/reasons.h>

struct model_page {
	bool alive;
	uint64_t generation;	/* of the page that lives here, or the lowest that the next one may have; 0: never used */
	uint32_t size;
	uint64_t epoch;
	uint8_t *bytes;
};

struct model {
	uint32_t max_pages;
	uint32_t alive;
	struct model_page *pages;
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
 * without AT, `given` is the id that the engine's completion carried, and the model says whether it was a possible one.
 */
struct model_result model_apply(struct model *model, const struct mmsb_sqe *sqe, const uint8_t *payload,
				uint64_t payload_bytes, uint64_t given);

/* The page with this id, or NULL and why. */
struct model_page *model_find(struct model *model, uint64_t id, enum mmsb_reason *reason);

int model_errno(enum mmsb_reason reason);

#endif
