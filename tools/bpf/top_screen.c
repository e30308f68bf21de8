// SPDX-License-Identifier: GPL-2.0-only
/*
 * See top.h: the live view. A screen is put together as a whole and written at once, each line cut where the terminal ends, so that nothing
 * flickers and any size will do. Between two looks keys are waited for, and the screen is drawn again after each.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "../text.h"
#include "top.h"

#define HEAD		3	/* lines above the rows, */
#define FOOT		1	/* and below */
#define INTERVAL_MIN	100000000ULL
#define INTERVAL_MAX	60000000000ULL

struct screen {
	struct top *top;
	uint64_t interval_ns;
	int lines, columns;
	size_t at, first, rows;		/* the row that is chosen, the first that is shown, how many there are */
	uint64_t chosen_space;
	bool filtering, paused, help, done;
	int error;			/* of the last look */
	struct termios before;
};

static volatile sig_atomic_t resized, ended;

static void on_signal(int signal)
{
	if (signal == SIGWINCH)
		resized = 1;
	else
		ended = 1;
}

/* ------------------------------------------------------------------------------------------------------------------ draw */

/* One line, cut to the width; `look`: how, as the terminal is told. */
static void put_line(const struct screen *screen, FILE *to, const char *look, const char *text)
{
	fprintf(to, "\033[%sm%-*.*s\033[0m\033[K\r\n", look, screen->columns, screen->columns, text);
}

static void put_title(const struct screen *screen, FILE *to)
{
	const struct top *top = screen->top;
	char text[400], clock[16];
	time_t now = time(NULL);
	struct tm tm;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	snprintf(text, sizeof(text), "mmsb-top %s  %zu spaces, %zu rings, %s deltas/s  every %s%s", clock, top->now[TOP_SPACES].n, top->now[TOP_RINGS].n,
		 text_rate(top_rate(top)).s, text_ns(screen->interval_ns).s, screen->paused ? "  PAUSED" : "");
	put_line(screen, to, "1", text);
	if (screen->error)
		snprintf(text, sizeof(text), "cannot look: %s", strerror(-screen->error));
	else if (top->view == TOP_LAYERS && !top->now[TOP_LAYERS].n)
		snprintf(text, sizeof(text), "no delta was timed yet: mmsb timing SPACE --on has a space timed");
	else if (top->view == TOP_HEAT && top->no_heat.text[0])
		snprintf(text, sizeof(text), "%s", top->no_heat.text);
	else if (!top->way && top->view != TOP_LAYERS)
		snprintf(text, sizeof(text), "counters only: %s", top->no_way.text);
	else
		snprintf(text, sizeof(text), "%s%s%s%s%s%s%s", top_names[top->view], top->space ? " of " : "", top->space ? top_space_name(top, top->space) : "",
			 top->filter[0] || screen->filtering ? "  filter: " : "", top->filter, screen->filtering ? "_" : "",
			 top->view == TOP_HEAT ? "  (deltas are slower while this is shown)" : "");
	put_line(screen, to, screen->error || !top->way ? "33" : "0", text);
}

/* The column that sorts is marked. */
static void put_titles(const struct screen *screen, FILE *to)
{
	const struct top *top = screen->top;
	const struct top_column *column = top_columns[top->view];
	char text[400], title[24];
	int i, used = 0;

	for (i = 0; i < TOP_COLUMNS && column[i].key; i++) {
		snprintf(title, sizeof(title), "%s%s", column[i].title, i != top->sort[top->view] ? "" : top->reversed[top->view] ? "^" : "*");
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s%*s", i ? " " : "", column[i].width, title);
	}
	put_line(screen, to, "7", text);
}

static void put_row(const struct screen *screen, FILE *to, const struct top_row *row, bool chosen)
{
	const struct top_column *column = top_columns[screen->top->view];
	char text[600], cell[80];
	int i, used = 0, width;

	for (i = 0; i < TOP_COLUMNS && column[i].key; i++) {
		top_cell_text(&column[i], &row->cell[i], cell, sizeof(cell));
		width = abs(column[i].width);
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s%*.*s", i ? " " : "", column[i].width, width, cell);
	}
	put_line(screen, to, chosen ? "1;36" : "0", text);
}

static void put_rows(struct screen *screen, FILE *to)
{
	const struct top_row **rows = top_sorted(screen->top, screen->top->view, &screen->rows);
	size_t room = screen->lines > HEAD + FOOT ? (size_t)(screen->lines - HEAD - FOOT) : 0, i;

	if (screen->at >= screen->rows)
		screen->at = screen->rows ? screen->rows - 1 : 0;
	if (screen->at < screen->first)
		screen->first = screen->at;
	if (room && screen->at >= screen->first + room)
		screen->first = screen->at - room + 1;
	screen->chosen_space = screen->rows ? rows[screen->at]->space : 0;
	for (i = 0; i < room; i++)
		if (screen->first + i < screen->rows)
			put_row(screen, to, rows[screen->first + i], screen->first + i == screen->at);
		else
			put_line(screen, to, "0", "");
	free(rows);
}

static void put_help(const struct screen *screen, FILE *to)
{
	static const char *const lines[] = {
		"", "  1 to 6, Tab       spaces, rings, shards, pollers, hot pages, layers", "  Up, Down, k, j    choose a row; Page Up, Page Down, Home, End",
		"  Enter             the rings of the chosen space; Tab then goes through what else is its", "  Backspace, Esc    all spaces again",
		"  <, >              sort by the column to the left, to the right; r: the other way round",
		"  /                 show rows that hold a text; Enter ends it, Esc takes it away", "  +, -              look less often, more often",
		"  Space             stand still, go on", "  q                 leave", "",
		"  P50 to P99.9: of a delta's way from being seen in its ring to its completion, since the last look.",
	};
	int room = screen->lines - HEAD - FOOT, i;

	for (i = 0; i < room; i++)
		put_line(screen, to, "0", i < (int)(sizeof(lines) / sizeof(*lines)) ? lines[i] : "");
}

static void draw(struct screen *screen)
{
	char *text = NULL;
	size_t bytes = 0, done = 0;
	FILE *to = open_memstream(&text, &bytes);
	ssize_t n;

	if (!to)
		return;
	fputs("\033[H", to);
	put_title(screen, to);
	put_titles(screen, to);
	if (screen->help)
		put_help(screen, to);
	else
		put_rows(screen, to);
	fprintf(to, "\033[2m%-.*s\033[0m\033[K\033[J", screen->columns, "q leave  ? help  1-6 Tab views  Enter into  Backspace out  < > r sort  / filter");
	fclose(to);
	while (done < bytes) {
		n = write(STDOUT_FILENO, text + done, bytes - done);
		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	free(text);
}

/* ------------------------------------------------------------------------------------------------------------------ keys */

enum key { KEY_UP = 256, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END, KEY_NONE };

/* What a terminal sends for keys that are no letters. */
static int key_of(const char *bytes, size_t n)
{
	static const struct { const char *bytes; int key; } known[] = {
		{ "\033[A", KEY_UP }, { "\033[B", KEY_DOWN }, { "\033OA", KEY_UP }, { "\033OB", KEY_DOWN }, { "\033[5~", KEY_PAGE_UP },
		{ "\033[6~", KEY_PAGE_DOWN }, { "\033[H", KEY_HOME }, { "\033[F", KEY_END }, { "\033[1~", KEY_HOME }, { "\033[4~", KEY_END },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (n == strlen(known[i].bytes) && !memcmp(bytes, known[i].bytes, n))
			return known[i].key;
	return n == 1 ? (unsigned char)bytes[0] : KEY_NONE;
}

static void show_view(struct screen *screen, enum top_view view)
{
	if (screen->top->view != view)
		screen->at = screen->first = 0;
	screen->top->view = view;
	top_want_heat(screen->top, view == TOP_HEAT);
}

static void go_in(struct screen *screen)
{
	if (screen->top->view == TOP_POLLERS || !screen->chosen_space)
		return;
	screen->top->space = screen->chosen_space;
	if (screen->top->view == TOP_SPACES)
		show_view(screen, TOP_RINGS);
}

static void go_out(struct screen *screen)
{
	screen->top->filter[0] = '\0';
	screen->top->space = 0;
	show_view(screen, TOP_SPACES);
}

static void filter_key(struct screen *screen, int key)
{
	char *filter = screen->top->filter;
	size_t len = strlen(filter);

	if (key == '\033')
		filter[0] = '\0';
	if (key == '\033' || key == '\r' || key == '\n')
		screen->filtering = false;
	else if ((key == 127 || key == '\b') && len)
		filter[len - 1] = '\0';
	else if (key >= ' ' && key < 127 && len + 1 < sizeof(screen->top->filter))
		filter[len] = (char)key, filter[len + 1] = '\0';
}

static void move_key(struct screen *screen, int key)
{
	size_t page = screen->lines > HEAD + FOOT + 1 ? (size_t)(screen->lines - HEAD - FOOT) : 1, *at = &screen->at;

	if (key == KEY_UP || key == 'k')
		*at -= *at > 0;
	else if (key == KEY_DOWN || key == 'j')
		*at += 1;
	else if (key == KEY_PAGE_UP)
		*at -= *at < page ? *at : page;
	else if (key == KEY_PAGE_DOWN)
		*at += page;
	else if (key == KEY_HOME)
		*at = 0;
	else if (key == KEY_END)
		*at = screen->rows;
}

static void sort_key(struct top *top, int key)
{
	int *sort = &top->sort[top->view];

	if (key == '<' && *sort)
		(*sort)--;
	else if (key == '>' && *sort + 1 < TOP_COLUMNS && top_columns[top->view][*sort + 1].key)
		(*sort)++;
	else if (key == 'r')
		top->reversed[top->view] = !top->reversed[top->view];
}

static void interval_key(struct screen *screen, int key)
{
	if (key == '+' && screen->interval_ns < INTERVAL_MAX)
		screen->interval_ns *= 2;
	else if (key == '-' && screen->interval_ns / 2 >= INTERVAL_MIN)
		screen->interval_ns /= 2;
}

static void on_key(struct screen *screen, int key)
{
	if (screen->filtering) {
		filter_key(screen, key);
		return;
	}
	screen->help = !screen->help && key == '?';
	screen->filtering = key == '/';
	screen->paused ^= key == ' ';
	if (key == 'q')
		screen->done = true;
	else if (key >= '1' && key < '1' + TOP_VIEWS)
		show_view(screen, (enum top_view)(key - '1'));
	else if (key == '\t')
		show_view(screen, (screen->top->view + 1) % TOP_VIEWS);
	else if (key == '\r' || key == '\n')
		go_in(screen);
	else if (key == 127 || key == '\b' || key == '\033')
		go_out(screen);
	move_key(screen, key);
	sort_key(screen->top, key);
	interval_key(screen, key);
}

/* A key that is no letter comes in one piece; several letters at once are several keys. */
static void read_keys(struct screen *screen)
{
	char bytes[32];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes)), i;

	if (!n || (n < 0 && errno != EINTR))
		screen->done = true;
	if (n > 1 && bytes[0] == '\033')
		on_key(screen, key_of(bytes, (size_t)n));
	else
		for (i = 0; i < n; i++)
			on_key(screen, (unsigned char)bytes[i]);
}

/* -------------------------------------------------------------------------------------------------------------- terminal */

static void measure(struct screen *screen)
{
	struct winsize size;

	resized = 0;
	screen->lines = 24;
	screen->columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		return;
	screen->lines = size.ws_row;
	screen->columns = size.ws_col < 400 ? size.ws_col : 399;
}

/* The other screen, so that what was there comes back; no cursor; keys one by one. */
static bool take_terminal(struct screen *screen)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &screen->before))
		return false;
	sigaction(SIGWINCH, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	raw = screen->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_iflag &= ~(tcflag_t)ICRNL;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l\033[2J", stdout);
	fflush(stdout);
	measure(screen);
	return true;
}

static void give_terminal_back(struct screen *screen)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
}

static uint64_t now_ns(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000ULL + (uint64_t)at.tv_nsec;
}

/* Keys, until it is time for the next look. */
static void wait_for_keys(struct screen *screen, uint64_t since)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t gone;
	bool keyed;

	while (!screen->done && !ended) {
		gone = now_ns() - since;
		if (gone >= screen->interval_ns)
			return;
		keyed = poll(&fd, 1, (int)((screen->interval_ns - gone) / 1000000) + 1) > 0;
		if (keyed)
			read_keys(screen);
		if (resized)
			measure(screen);
		else if (!keyed)
			continue;
		draw(screen);
	}
}

int top_screen(struct top *top, uint64_t interval_ns, uint64_t count)
{
	struct screen screen = { .top = top, .interval_ns = interval_ns };
	uint64_t looks = 0, at;

	if (!take_terminal(&screen))
		return -errno;
	while (!screen.done && !ended) {
		at = now_ns();
		if (!screen.paused || !looks)
			screen.error = top_look(top);
		if (looks++ && count && looks > count)
			break;
		draw(&screen);
		wait_for_keys(&screen, at);
	}
	give_terminal_back(&screen);
	return 0;
}
