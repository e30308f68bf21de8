/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Figures as one page for a browser: no script, nothing that is fetched. What stands beside a peer, what has an aim, what was measured at
 * several sizes, and all of it in a table.
 */
#ifndef PAGE_HTML_H
#define PAGE_HTML_H

#include <stdio.h>
#include "figures.h"

bool page_write(FILE *to, const struct figures *figures);	/* false: no memory */

#endif
