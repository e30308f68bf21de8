/* SPDX-License-Identifier: GPL-2.0-only */
/* How a page of a graph looks, in text and in pictures. */
#ifndef SHAPE_H
#define SHAPE_H

#include "out.h"

enum shape { SHAPE_SOURCE, SHAPE_DERIVED, SHAPE_STALE, SHAPE_SUSPECT };	/* the worst that is true of it */
#define SHAPES	4u

enum shape shape_of(const struct mmsb_node *node);
const char *shape_name(enum shape shape);
const char *shape_fill(enum shape shape);	/* colours, as of the web */
const char *shape_line(enum shape shape);

struct text shape_rule(const struct mmsb_node *node);	/* "add-mul i64", "source" */
/* Its flags, each with `before` in front; empty if it has none. */
struct text shape_flags(const struct mmsb_node *node, const char *before);

#endif
