/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmarks measured, as build/bench.json has it: a list of objects, of which those named "machine" say where, the others are
 * figures. A figure is known by its name, home, unit, parameters and what stands beside it, which stay the same over the years.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include "cli.h"

struct figure_param {
	const char *name, *text;
	double number;
	bool is_number, is_word;
};

struct figure {
	const char *name, *home, *unit, *against;	/* against NULL: nothing stands beside it */
	struct figure_param *params;
	size_t nparams;
	double value, spread;				/* of the middle half of the samples, as a part of the value */
	double ratio, ratio_spread, against_value;
	double aim, aim_ratio;				/* 0: none, but an aim may be 0 */
	bool has_aim, more_is_better, noisy, counted;	/* counted: the same each time */
};

struct machine {		/* the first that is told; "" and 0 where it is not */
	const char *cpu, *arch, *memory, *kernel, *os, *compiler, *revision, *time;
	double cpus, load;
};

struct figures {
	const char *path;
	struct json_object *root;	/* has the texts */
	struct machine machine;
	struct figure *list;		/* in the order of the file */
	size_t n;
};

/* False: it said why. */
bool figures_read(const struct cli *cli, const char *path, struct figures *figures);
void figures_free(struct figures *figures);

const struct figure *figures_find(const struct figures *figures, const struct figure *like);
const struct figure_param *figure_param(const struct figure *figure, const char *name);	/* NULL: it has none of that name */
/* "pages 1000, batch 64", without the parameter named `without`, which may be NULL. */
void figure_params(const struct figure *figure, const char *without, char *text, size_t bytes);
/* Only those by which figures of that name and home differ, and of words not what they say something about. */
void figure_params_telling(const struct figures *figures, const struct figure *figure, char *text, size_t bytes);
struct text figure_number(double value);	/* in three digits or so */

#endif
