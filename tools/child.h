/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that commands run in their stead, at the same terminal. */
#ifndef CHILD_H
#define CHILD_H

#include "cli.h"

/* Runs it and waits for its end; Ctrl-C is for it alone. It says itself why it failed. A signal that ends one of the two ends the other. */
enum cli_exit child_run(const struct cli *cli, const char *program, char *const argv[]);

#endif
