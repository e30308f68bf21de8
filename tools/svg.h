/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SVG_H
#define SVG_H

#include <stdio.h>
#include "graph.h"

#define SVG_PAGES_MAX	500u	/* more cannot be read */

/* False: no memory. */
bool svg_write(FILE *to, const struct graph *graph, const char *space);

#endif
