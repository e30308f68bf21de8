/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pictures that figures give: how what has a peer stands beside it, how far aims are reached, and a chart for each benchmark and each
 * parameter that it was measured with three values of. A picture has a name, by which one is asked for: "stores", "beside", "aims", and
 * "NAME:PARAMETER" or, in the kernel home, "NAME@kernel:PARAMETER".
 */
#ifndef GALLERY_H
#define GALLERY_H

#include <stdio.h>
#include "figures.h"

enum drawing_what { DRAW_STORES, DRAW_PEERS, DRAW_AIMS, DRAW_SIZES };

struct drawing {
	enum drawing_what what;
	size_t first;		/* DRAW_SIZES: the first of the figures that it shows, */
	const char *key;	/* the parameter along which, */
	size_t more;		/* and how many lines found no room */
};

struct gallery {
	const struct figures *figures;
	struct drawing *list;		/* in the order in which they are looked at */
	size_t n;
};

bool gallery_of(const struct figures *figures, struct gallery *gallery);	/* false: no memory */
void gallery_free(struct gallery *gallery);
const struct drawing *gallery_find(const struct gallery *gallery, const char *name);	/* NULL: there is none of that name */

void drawing_name(const struct gallery *gallery, const struct drawing *drawing, char *name, size_t bytes);
void drawing_title(const struct gallery *gallery, const struct drawing *drawing, char *title, size_t bytes);
/* `alone`: as a file of its own, not within a page. False: no memory. */
bool drawing_write(FILE *to, const struct gallery *gallery, const struct drawing *drawing, bool alone);

#endif
