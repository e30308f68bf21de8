/* SPDX-License-Identifier: MIT */
/*
 * Lists of parents in short, as derive, link and unlink have them for operands, and images for what they are derived from: ids by their
 * distance from the one before, small numbers in few bytes.
 */
#ifndef MMSB_LOG_EDGES_H
#define MMSB_LOG_EDGES_H

#include "coding.h"

/* An operand of that operation that has such a form: whole entries, and nothing where nothing should be. */
bool msl_edges_fit(uint8_t op, const uint8_t *operand, uint64_t bytes);
uint8_t *msl_put_edges(const struct msl_context *context, uint8_t *to, uint8_t op, const uint8_t *operand, uint64_t bytes);
/* Fills in `bytes` of operand, or finds that it cannot. */
void msl_get_edges(const struct msl_context *context, struct msl_input *in, uint8_t op, uint8_t *operand, uint64_t bytes);

#endif
