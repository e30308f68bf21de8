// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "access.h"
#include "book.h"

#define LINES		(1u << 20)	/* that the book has room for */
#define SHIFT		6
#define NAMES		256u
#define TLS_BEFORE	65536u		/* a thread's variables lie just before what its pointer points to, */
#define TLS_BEHIND	4096u		/* and libc's own behind it */

struct entry {
	uintptr_t line;			/* 0: free */
	uint16_t holders;		/* roles */
	uint16_t place;
};

struct name {
	uintptr_t from, to;		/* lines */
	uint16_t place;
};

static struct {
	bool open;
	unsigned int role;
	uintptr_t stack_from, stack_to, tls_from, tls_to;
	struct entry *entries;
	unsigned int used;
	struct name name[NAMES];
	unsigned int names;
	const char *place[BOOK_PLACES];
	struct book_tally tally[BOOK_PLACES];
	unsigned int places;
	uintptr_t stray;
} book;

__attribute__((noreturn)) static void give_up(const char *why)
{
	fprintf(stderr, "shared-lines: %s\n", why);
	exit(1);
}

/* ------------------------------------------------------------------------------------------------------------- places */

static uint16_t place_of(uintptr_t line)
{
	unsigned int i;

	for (i = book.names; i-- > 0;)
		if (line >= book.name[i].from && line < book.name[i].to)
			return book.name[i].place;
	return BOOK_ELSEWHERE;
}

static unsigned int place_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < book.places; i++)
		if (!strcmp(book.place[i], name))
			return i;
	if (i == BOOK_PLACES)
		give_up("too many places");
	book.place[book.places] = name;
	return book.places++;
}

void book_name(const char *name, const void *from, size_t bytes)
{
	uintptr_t first = (uintptr_t)from >> SHIFT, last = ((uintptr_t)from + bytes - 1) >> SHIFT;

	if (book.names == NAMES)
		give_up("too many names");
	book.name[book.names++] = (struct name){ first, last + 1, (uint16_t)place_named(name) };
}

unsigned int book_places(void)
{
	return book.places;
}

const char *book_place(unsigned int place)
{
	return book.place[place];
}

struct book_tally book_tally(unsigned int place)
{
	return book.tally[place];
}

const void *book_stray(void)
{
	return (const void *)(book.stray << SHIFT);
}

/* --------------------------------------------------------------------------------------------------------- the account */

static bool is_own(uintptr_t line)
{
	return (line >= book.stack_from && line < book.stack_to) || (line >= book.tls_from && line < book.tls_to);
}

static struct entry *entry_of(uintptr_t line)
{
	unsigned int at = (unsigned int)(line * 0x9e3779b97f4a7c15ull >> 44) % LINES;

	while (book.entries[at].line && book.entries[at].line != line)
		at = (at + 1) % LINES;
	if (!book.entries[at].line) {
		if (++book.used > LINES / 2)
			give_up("more lines than the book has room for");
		book.entries[at] = (struct entry){ .line = line, .place = place_of(line) };
	}
	return &book.entries[at];
}

static void enter(uintptr_t line, bool write)
{
	uint16_t me = (uint16_t)(1u << book.role), others;
	struct entry *entry;

	if (is_own(line))
		return;
	entry = entry_of(line);
	others = entry->holders & (uint16_t)~me;
	if (write && others)
		book.tally[entry->place].taken++;
	else if (!write && others && !(entry->holders & me))
		book.tally[entry->place].fetched++;
	else
		others = 0;
	if (others && entry->place == BOOK_ELSEWHERE)
		book.stray = line;
	entry->holders = write ? me : entry->holders | me;
}

void access_enter(const void *at, size_t bytes, bool write)
{
	uintptr_t line = (uintptr_t)at >> SHIFT, last;

	if (!book.open || !bytes)
		return;
	for (last = ((uintptr_t)at + bytes - 1) >> SHIFT; line <= last; line++)
		enter(line, write);
}

/* ------------------------------------------------------------------------------------------------------------ opening */

static void find_own(void)
{
	uintptr_t thread = (uintptr_t)__builtin_thread_pointer();
	pthread_attr_t attr;
	void *stack;
	size_t bytes;

	if (pthread_getattr_np(pthread_self(), &attr) || pthread_attr_getstack(&attr, &stack, &bytes))
		give_up("there is no telling where the stack is");
	pthread_attr_destroy(&attr);
	book.stack_from = (uintptr_t)stack >> SHIFT;
	book.stack_to = ((uintptr_t)stack + bytes) >> SHIFT;
	book.tls_from = (thread - TLS_BEFORE) >> SHIFT;
	book.tls_to = (thread + TLS_BEHIND) >> SHIFT;
}

void book_open(void)
{
	memset(&book, 0, sizeof(book));
	book.entries = calloc(LINES, sizeof(*book.entries));
	if (!book.entries)
		give_up("out of memory");
	find_own();
	place_named("elsewhere");
	book.open = true;
}

void book_close(void)
{
	book.open = false;
	free(book.entries);
}

void book_act(unsigned int role)
{
	book.role = role;
}

void book_count(void)
{
	memset(book.tally, 0, sizeof(book.tally));
	book.stray = 0;
}
