// SPDX-License-Identifier: GPL-2.0-only
#include "chart.h"
#include "gallery.h"
#include "out.h"
#include "page_html.h"

static const char style[] =
	"body { font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); max-width: 1000px; margin: 2em auto; padding: 0 1em }\n"
	"h1 { font-size: 1.6em } h2 { font-size: 1.2em; margin-top: 2em } h3 { font-size: 1em; margin: 1.5em 0 .3em }\n"
	"p { color: var(--dim) } table { border-collapse: collapse; font-size: 13px; width: 100% } caption { text-align: left }\n"
	"td, th { border-top: 1px solid var(--line); padding: .25em .6em; text-align: left; vertical-align: top } td.n { text-align: right; white-space: nowrap }\n";

/* -------------------------------------------------------------------------------------------------------------- where */

static void write_fact(FILE *to, const char *name, const char *fact)
{
	if (!fact || !*fact)
		return;
	fprintf(to, "%s ", name);
	html_text(to, fact);
	fputs(" &middot; ", to);
}

static void write_head(FILE *to, const struct machine *machine)
{
	fputs("<h1>What MMSB costs, and what it is worth</h1>\n<p>", to);
	write_fact(to, "CPU", machine->cpu);
	write_fact(to, "memory", machine->memory);
	write_fact(to, "kernel", machine->kernel);
	write_fact(to, "on", machine->os);
	write_fact(to, "compiler", machine->compiler);
	write_fact(to, "revision", machine->revision);
	write_fact(to, "begun", machine->time);
	if (machine->cpus > 0)
		fprintf(to, "%.0f CPUs in use, load %.1f at the beginning</p>\n", machine->cpus, machine->load);
	else
		fputs("where this was measured the file does not say</p>\n", to);
	fputs("<p>Medians of several runs, which took turns with those of what stands beside them. Noisy are figures that were measured while the "
	      "machine did other things. <code>mmsb bench compare</code> tells what changed between two such files.</p>\n", to);
}

/* -------------------------------------------------------------------------------------------------------------- table */

static void write_row(FILE *to, const struct figure *figure)
{
	char params[256];

	figure_params(figure, NULL, params, sizeof(params));
	fputs("<tr><td>", to);
	html_text(to, figure->name);
	fputs("</td><td>", to);
	html_text(to, figure->home);
	fputs("</td><td>", to);
	html_text(to, params);
	fprintf(to, "</td><td class='n'>%s ", figure_number(figure->value).s);
	html_text(to, figure->unit);
	fprintf(to, "</td><td class='n'>");
	if (figure->spread > 0)
		fprintf(to, "&plusmn;%.0f%%", figure->spread * 50);
	fprintf(to, "</td><td>");
	if (figure->against) {
		fprintf(to, "%sx ", figure_number(figure->ratio).s);
		html_text(to, figure->against);
	}
	fprintf(to, "</td><td>");
	if (figure->has_aim)
		fprintf(to, "%s", figure_number(figure->aim).s);
	if (figure->aim_ratio > 0)
		fprintf(to, " %sx", figure_number(figure->aim_ratio).s);
	fprintf(to, "</td><td>%s</td></tr>\n", figure->noisy ? "noisy" : "");
}

static void write_table(FILE *to, const struct figures *figures)
{
	size_t i;

	fputs("<h2>All figures</h2>\n<table>\n<tr><th>name</th><th>home</th><th>parameters</th><th>value</th><th></th><th>beside</th><th>aim</th>"
	      "<th></th></tr>\n", to);
	for (i = 0; i < figures->n; i++)
		write_row(to, &figures->list[i]);
	fputs("</table>\n", to);
}

/* ----------------------------------------------------------------------------------------------------------- pictures */

static bool write_drawing(FILE *to, const struct gallery *gallery, const struct drawing *drawing)
{
	bool by_size = drawing->what == DRAW_SIZES;
	char title[256];

	drawing_title(gallery, drawing, title, sizeof(title));
	fputs(by_size ? "<h3>" : "<h2>", to);
	html_text(to, title);
	fputs(by_size ? "</h3>\n" : "</h2>\n", to);
	if (!drawing_write(to, gallery, drawing, false))
		return false;
	if (drawing->more)
		fprintf(to, "<p>%zu more such lines are in the table.</p>\n", drawing->more);
	return true;
}

static bool write_drawings(FILE *to, const struct figures *figures)
{
	struct gallery gallery;
	bool done, sizes = false;
	size_t i;

	done = gallery_of(figures, &gallery);
	for (i = 0; done && i < gallery.n; i++) {
		if (gallery.list[i].what == DRAW_SIZES && !sizes)
			fputs("<h2>By size</h2>\n", to);
		sizes |= gallery.list[i].what == DRAW_SIZES;
		done = write_drawing(to, &gallery, &gallery.list[i]);
	}
	gallery_free(&gallery);
	return done;
}

bool page_write(FILE *to, const struct figures *figures)
{
	fputs("<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n<meta name='viewport' content='width=device-width'>\n"
	      "<title>MMSB: what it costs</title>\n", to);
	fputs("<style>\n", to);
	chart_style(to);
	fprintf(to, "%s</style>\n</head>\n<body>\n", style);
	write_head(to, &figures->machine);
	if (!write_drawings(to, figures))
		return false;
	write_table(to, figures);
	fputs("</body>\n</html>\n", to);
	return true;
}
