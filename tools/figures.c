// SPDX-License-Identifier: GPL-2.0-only
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "figures.h"
#include "out.h"

#define REMEDY		"make bench writes build/bench.json"
#define SPREAD_MAX	1000.0
#define FIGURES_MAX	10000u	/* each is held against all others */

/* ------------------------------------------------------------------------------------------------------------ reading */

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *found = NULL;

	return json_object_object_get_ex(object, name, &found) ? found : NULL;
}

static const char *member_text(struct json_object *object, const char *name)
{
	struct json_object *found = member(object, name);

	return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
}

static double member_number(struct json_object *object, const char *name)
{
	return json_object_get_double(member(object, name));
}

/* More than that is more than enough. */
static double member_spread(struct json_object *object, const char *name)
{
	return fmin(fabs(member_number(object, name)), SPREAD_MAX);
}

static bool is_number(struct json_object *value)
{
	return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
}

static bool take_params(struct figure *figure, struct json_object *params)
{
	struct figure_param *param;

	if (!json_object_is_type(params, json_type_object))
		return false;
	figure->params = calloc((size_t)json_object_object_length(params) + 1, sizeof(*figure->params));
	if (!figure->params)
		return false;
	json_object_object_foreach(params, name, value) {
		param = &figure->params[figure->nparams++];
		param->name = name;
		param->text = json_object_get_string(value) ?: "null";
		param->number = json_object_get_double(value);
		param->is_number = is_number(value) && isfinite(param->number);
		param->is_word = json_object_is_type(value, json_type_string);
	}
	return true;
}

/* What reads JSON here takes NaN and Infinity, and numbers that are too large become that: nothing can be compared or drawn with them. */
static bool is_finite(const struct figure *figure)
{
	return isfinite(figure->value) && isfinite(figure->ratio) && isfinite(figure->against_value) && isfinite(figure->aim) &&
	       isfinite(figure->aim_ratio);
}

static bool take_figure(struct figure *figure, struct json_object *object)
{
	figure->name = member_text(object, "name");
	figure->home = member_text(object, "home");
	figure->unit = member_text(object, "unit");
	figure->against = member_text(object, "against");
	figure->value = member_number(object, "value");
	figure->spread = member_spread(object, "spread");
	figure->ratio = member_number(object, "ratio");
	figure->ratio_spread = member_spread(object, "ratio_spread");
	figure->against_value = member_number(object, "against_value");
	figure->has_aim = member(object, "aim");
	figure->aim = member_number(object, "aim");
	figure->aim_ratio = member_number(object, "aim_ratio");
	figure->more_is_better = json_object_get_boolean(member(object, "more_is_better"));
	figure->noisy = json_object_get_boolean(member(object, "noisy"));
	figure->counted = member_number(object, "samples") <= 1;
	return figure->name && figure->home && figure->unit && is_number(member(object, "value")) && is_finite(figure) &&
	       take_params(figure, member(object, "params"));
}

static void take_machine(struct machine *machine, struct json_object *object)
{
	*machine = (struct machine){
		.cpu = member_text(object, "cpu"), .arch = member_text(object, "arch"), .memory = member_text(object, "memory"),
		.kernel = member_text(object, "kernel"), .os = member_text(object, "os"), .compiler = member_text(object, "compiler"),
		.revision = member_text(object, "revision"), .time = member_text(object, "time"),
		.cpus = member_number(object, "cpus"), .load = member_number(object, "load"),
	};
}

static bool take(struct figures *figures, struct json_object *object)
{
	const char *name = json_object_is_type(object, json_type_object) ? member_text(object, "name") : NULL;

	if (!name)
		return false;
	if (strcmp(name, "machine"))
		return take_figure(&figures->list[figures->n++], object);
	if (!figures->machine.cpu)
		take_machine(&figures->machine, object);
	return true;
}

static bool take_all(const struct cli *cli, struct figures *figures)
{
	size_t i, n = json_object_array_length(figures->root);

	if (n > FIGURES_MAX) {
		fail(cli, REMEDY, "'%s' has %zu entries, and at most %u are taken", figures->path, n, FIGURES_MAX);
		return false;
	}
	figures->list = calloc(n + 1, sizeof(*figures->list));
	if (!figures->list) {
		fail(cli, NULL, "out of memory");
		return false;
	}
	for (i = 0; i < n; i++) {
		if (take(figures, json_object_array_get_idx(figures->root, i)))
			continue;
		fail(cli, REMEDY, "'%s' is not what the benchmarks write: entry %zu has no name, home, unit, params and value, or an infinite number",
		     figures->path, i + 1);
		return false;
	}
	return true;
}

/* The library puts the path before what it says, and a line's end behind; of a file that ends too soon it says that it would go on. */
static const char *last_error(const char *path, char *text, size_t bytes)
{
	const char *said = json_util_get_last_err() ?: "it cannot be parsed";
	const char *after = strstr(said, path);

	snprintf(text, bytes, "%s", after ? after + strlen(path) + strspn(after + strlen(path), ": ") : said);
	text[strcspn(text, "\n")] = '\0';
	return strstr(text, "failed: continue") ? "it ends in the middle" : text;
}

bool figures_read(const struct cli *cli, const char *path, struct figures *figures)
{
	char why[256];

	memset(figures, 0, sizeof(*figures));
	figures->path = path;
	figures->root = json_object_from_file(path);
	if (!figures->root)
		fail(cli, REMEDY, "cannot read '%s': %s", path, last_error(path, why, sizeof(why)));
	else if (!json_object_is_type(figures->root, json_type_array))
		fail(cli, REMEDY, "'%s' is no list of figures", path);
	else if (take_all(cli, figures))
		return true;
	figures_free(figures);
	return false;
}

void figures_free(struct figures *figures)
{
	size_t i;

	for (i = 0; i < figures->n; i++)
		free(figures->list[i].params);
	free(figures->list);
	json_object_put(figures->root);
	memset(figures, 0, sizeof(*figures));
}

/* ------------------------------------------------------------------------------------------------------------- finding */

const struct figure_param *figure_param(const struct figure *figure, const char *name)
{
	size_t i;

	for (i = 0; i < figure->nparams; i++)
		if (!strcmp(figure->params[i].name, name))
			return &figure->params[i];
	return NULL;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool has_params_of(const struct figure *figure, const struct figure *like)
{
	const struct figure_param *same;
	size_t i;

	for (i = 0; i < like->nparams; i++) {
		same = figure_param(figure, like->params[i].name);
		if (!same || strcmp(same->text, like->params[i].text))
			return false;
	}
	return figure->nparams == like->nparams;
}

const struct figure *figures_find(const struct figures *figures, const struct figure *like)
{
	const struct figure *figure;
	size_t i;

	for (i = 0; i < figures->n; i++) {
		figure = &figures->list[i];
		if (is_same(figure->name, like->name) && is_same(figure->home, like->home) && is_same(figure->unit, like->unit) &&
		    is_same(figure->against, like->against) && has_params_of(figure, like))
			return figure;
	}
	return NULL;
}

static void param_append(const struct figure_param *param, bool named, char *text, size_t bytes)
{
	size_t used = strlen(text);

	snprintf(text + used, bytes - used, "%s%s%s%s", used ? ", " : "", named ? param->name : "", named ? " " : "", param->text);
}

void figure_params(const struct figure *figure, const char *without, char *text, size_t bytes)
{
	size_t i;

	*text = '\0';
	for (i = 0; i < figure->nparams; i++)
		if (!without || strcmp(figure->params[i].name, without))
			param_append(&figure->params[i], true, text, bytes);
}

static bool is_telling(const struct figures *figures, const struct figure *figure, const struct figure_param *param)
{
	const struct figure_param *others;
	const struct figure *other;

	for (other = figures->list; other < figures->list + figures->n; other++) {
		if (strcmp(other->name, figure->name) || strcmp(other->home, figure->home))
			continue;
		others = figure_param(other, param->name);
		if (!others || strcmp(others->text, param->text))
			return true;
	}
	return false;
}

void figure_params_telling(const struct figures *figures, const struct figure *figure, char *text, size_t bytes)
{
	size_t i;

	*text = '\0';
	for (i = 0; i < figure->nparams; i++)
		if (is_telling(figures, figure, &figure->params[i]))
			param_append(&figure->params[i], !figure->params[i].is_word, text, bytes);
}

struct text figure_number(double value)
{
	double size = fabs(value);
	struct text text;

	if (value >= 9999.5 && value < 1e15)
		return text_grouped((uint64_t)llround(value));
	snprintf(text.s, sizeof(text.s), size >= 999.5 && size < 1e15 ? "%.0f" : "%.3g", value);
	return text;
}
