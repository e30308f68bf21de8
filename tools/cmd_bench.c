// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb bench: what is made of figures that were measured. Measuring itself is make bench's, in the tree.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "figures.h"
#include "gallery.h"
#include "json.h"
#include "out.h"
#include "page_html.h"

#define NOISE_LEAST	0.03	/* of what is timed; nothing smaller is believed */
#define NOISE_COUNTED	0.005

/* ------------------------------------------------------------------------------------------------------ mmsb bench compare */

struct change {
	const struct figure *old, *new;
	bool by_ratio;		/* what stood beside it then and now is taken as the measure */
	double worse;		/* new / old, turned so that above 1 is worse */
	double noise;
};

struct comparison {
	const struct cli *cli;
	struct figures old, new;
	bool same_machine;
	struct change *changes;
	size_t n, slower, faster, unsure, gone, come;
};

static bool is_beyond(const struct change *change)
{
	return fabs(log(change->worse)) > log(1 + change->noise);
}

/* How many times as much. There is no saying of nothing that became something, but that it is more than any noise. */
static double times(double old, double new)
{
	return old == new ? 1 : new / old;
}

/* Times of two machines say nothing of each other; ratios and counts do. */
static bool judge(const struct comparison *comparison, struct change *change)
{
	const struct figure *old = change->old, *new = change->new;

	change->by_ratio = old->ratio > 0 && new->ratio > 0;
	if (!change->by_ratio && !old->counted && !comparison->same_machine)
		return false;
	change->worse = change->by_ratio ? times(old->ratio, new->ratio) : times(old->value, new->value);
	change->noise = change->by_ratio ? old->ratio_spread + new->ratio_spread : old->spread + new->spread;
	if (change->noise < (old->counted ? NOISE_COUNTED : NOISE_LEAST))
		change->noise = old->counted ? NOISE_COUNTED : NOISE_LEAST;
	if (new->more_is_better)
		change->worse = 1 / change->worse;
	return old->value >= 0 && new->value >= 0;
}

static void count(struct comparison *comparison, const struct change *change)
{
	if (!is_beyond(change))
		return;
	if (change->old->noisy || change->new->noisy)
		comparison->unsure++;
	else if (change->worse > 1)
		comparison->slower++;
	else
		comparison->faster++;
}

static int by_size(const void *a, const void *b)
{
	double x = ((const struct change *)a)->worse, y = ((const struct change *)b)->worse;

	return x > y ? -1 : x < y;
}

static bool compare(struct comparison *comparison)
{
	struct change *change;
	size_t i;

	comparison->changes = calloc(comparison->new.n + 1, sizeof(*comparison->changes));
	if (!comparison->changes)
		return false;
	for (i = 0; i < comparison->new.n; i++) {
		change = &comparison->changes[comparison->n];
		change->new = &comparison->new.list[i];
		change->old = figures_find(&comparison->old, change->new);
		comparison->come += !change->old;
		if (!change->old || !judge(comparison, change))
			continue;
		count(comparison, change);
		comparison->n++;
	}
	for (i = 0; i < comparison->old.n; i++)
		comparison->gone += !figures_find(&comparison->new, &comparison->old.list[i]);
	qsort(comparison->changes, comparison->n, sizeof(*comparison->changes), by_size);
	return true;
}

static const char *verdict(const struct change *change)
{
	if (!is_beyond(change))
		return "same";
	if (change->old->noisy || change->new->noisy)
		return "noisy";
	return change->worse > 1 ? "worse" : "better";
}

/* Where one of both is 0 no number tells by how much. */
static struct text how_much(const struct change *change)
{
	double by = change->worse > 1 ? change->worse : 1 / change->worse;
	struct text text;

	if (isfinite(by))
		snprintf(text.s, sizeof(text.s), "by %5.1f%%", (by - 1) * 100);
	else
		snprintf(text.s, sizeof(text.s), change->old->value > 0 ? "to 0" : "from 0");
	return text;
}

static void print_change(const struct change *change)
{
	double was = change->by_ratio ? change->old->ratio : change->old->value, is = change->by_ratio ? change->new->ratio : change->new->value;
	const char *said = verdict(change);
	char params[256];

	figure_params(change->new, NULL, params, sizeof(params));
	out_colour(stdout, *said == 'w' ? COLOUR_RED : *said == 'b' ? COLOUR_GREEN : COLOUR_DIM, said);
	printf("%*s %-9s  %s, %s: %s -> %s %s  (noise %.1f%%)  [%s]\n", (int)(6 - strlen(said)), "", how_much(change).s, change->new->name,
	       change->new->home, figure_number(was).s, figure_number(is).s, change->by_ratio ? "times its peer" : change->new->unit,
	       change->noise * 100, params);
}

static void print_comparison(const struct comparison *comparison)
{
	size_t i;

	if (!comparison->same_machine)
		printf("These were measured on different machines, so only counts and what has a peer are compared.\n");
	for (i = 0; i < comparison->n; i++)
		if (is_beyond(&comparison->changes[i]))
			print_change(&comparison->changes[i]);
	printf("%zu figures compared: %zu worse, %zu better, %zu too noisy to tell, %zu the same; %zu are only in %s, %zu only in %s\n", comparison->n,
	       comparison->slower, comparison->faster, comparison->unsure,
	       comparison->n - comparison->slower - comparison->faster - comparison->unsure, comparison->gone, comparison->old.path,
	       comparison->come, comparison->new.path);
}

static void json_change(struct json *json, const struct change *change)
{
	char params[256];

	figure_params(change->new, NULL, params, sizeof(params));
	json_object(json, NULL);
	json_string(json, "name", change->new->name);
	json_string(json, "home", change->new->home);
	json_string(json, "params", params);
	json_string(json, "verdict", verdict(change));
	json_string(json, "by", change->by_ratio ? "ratio" : "value");
	json_exact(json, "old", change->by_ratio ? change->old->ratio : change->old->value);
	json_exact(json, "new", change->by_ratio ? change->new->ratio : change->new->value);
	json_string(json, "unit", change->new->unit);
	if (isfinite(change->worse) && change->worse > 0)
		json_exact(json, "worse", change->worse);
	else
		json_string(json, "worse", NULL);
	json_double(json, "noise", change->noise);
	json_close(json);
}

static void json_comparison(const struct comparison *comparison)
{
	struct json json;
	size_t i;

	json_begin(&json, stdout);
	json_bool(&json, "same_machine", comparison->same_machine);
	json_u64(&json, "compared", comparison->n);
	json_u64(&json, "worse", comparison->slower);
	json_u64(&json, "better", comparison->faster);
	json_u64(&json, "noisy", comparison->unsure);
	json_u64(&json, "gone", comparison->gone);
	json_u64(&json, "come", comparison->come);
	json_array(&json, "figures");
	for (i = 0; i < comparison->n; i++)
		json_change(&json, &comparison->changes[i]);
	json_close(&json);
	json_end(&json);
}

static bool is_same_machine(const struct figures *a, const struct figures *b)
{
	const char *cpu = a->machine.cpu ?: "", *arch = a->machine.arch ?: "";

	return !strcmp(cpu, b->machine.cpu ?: "") && !strcmp(arch, b->machine.arch ?: "");
}

enum cli_exit cmd_bench_compare(struct cli *cli, const struct args *args)
{
	struct comparison comparison = { .cli = cli };
	enum cli_exit status = CLI_FAILED;

	if (!figures_read(cli, args->operand[0], &comparison.old))
		return CLI_FAILED;
	if (figures_read(cli, args->operand[1], &comparison.new)) {
		comparison.same_machine = is_same_machine(&comparison.old, &comparison.new);
		if (!compare(&comparison)) {
			fail(cli, NULL, "out of memory");
		} else if (!comparison.n) {
			fail(cli, "give two files that the same benchmarks wrote", "'%s' and '%s' have no figure in common that can be compared",
			     args->operand[0], args->operand[1]);
		} else {
			if (cli->json)
				json_comparison(&comparison);
			else
				print_comparison(&comparison);
			status = comparison.slower ? CLI_FAILED : CLI_OK;
		}
		free(comparison.changes);
		figures_free(&comparison.new);
	}
	figures_free(&comparison.old);
	return status;
}

/* --------------------------------------------------------------------------------------------------------- mmsb bench page */

static enum cli_exit write_page(struct cli *cli, const struct figures *figures, const char *path)
{
	FILE *to = out_open(cli, path);
	bool written;

	if (!to)
		return CLI_FAILED;
	written = page_write(to, figures);
	if (!out_close(cli, to, path))
		return CLI_FAILED;
	if (!written)
		return fail(cli, NULL, "out of memory");
	if (to != stdout && !cli->json)
		printf("%s: %zu figures\n", path, figures->n);
	return CLI_OK;
}

enum cli_exit cmd_bench_page(struct cli *cli, const struct args *args)
{
	enum cli_exit status;
	struct figures figures;

	if (!figures_read(cli, args->operand[0], &figures))
		return CLI_FAILED;
	status = write_page(cli, &figures, args->value[OPT_OUTPUT]);
	figures_free(&figures);
	return status;
}

/* -------------------------------------------------------------------------------------------------------- mmsb bench chart */

static enum cli_exit list_drawings(struct cli *cli, const struct gallery *gallery)
{
	char name[256], title[256];
	struct json json;
	size_t i;

	if (cli->json) {
		json_begin(&json, stdout);
		json_array(&json, "charts");
	}
	for (i = 0; i < gallery->n; i++) {
		drawing_name(gallery, &gallery->list[i], name, sizeof(name));
		drawing_title(gallery, &gallery->list[i], title, sizeof(title));
		if (!cli->json) {
			printf("%-40s %s\n", name, title);
			continue;
		}
		json_object(&json, NULL);
		json_string(&json, "name", name);
		json_string(&json, "title", title);
		json_close(&json);
	}
	if (cli->json) {
		json_close(&json);
		json_end(&json);
	}
	return CLI_OK;
}

static enum cli_exit write_drawing(struct cli *cli, const struct gallery *gallery, const char *name, const char *path)
{
	const struct drawing *drawing = gallery_find(gallery, name);
	bool written;
	FILE *to;

	if (!drawing)
		return fail(cli, "leave the name out to see which there are", "'%s' gives no chart named '%s'", gallery->figures->path, name);
	to = out_open(cli, path);
	if (!to)
		return CLI_FAILED;
	written = drawing_write(to, gallery, drawing, true);
	if (!out_close(cli, to, path))
		return CLI_FAILED;
	return written ? CLI_OK : fail(cli, NULL, "out of memory");
}

enum cli_exit cmd_bench_chart(struct cli *cli, const struct args *args)
{
	struct figures figures;
	struct gallery gallery;
	enum cli_exit status;

	if (!figures_read(cli, args->operand[0], &figures))
		return CLI_FAILED;
	if (!gallery_of(&figures, &gallery))
		status = fail(cli, NULL, "out of memory");
	else if (args->operands < 2)
		status = list_drawings(cli, &gallery);
	else
		status = write_drawing(cli, &gallery, args->operand[1], args->value[OPT_OUTPUT]);
	gallery_free(&gallery);
	figures_free(&figures);
	return status;
}
