/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A book of cache lines: who holds which, as the caches of so many CPUs would, of which each has room for everything.
 *
 * Compilers can put a call at every access to memory, for ThreadSanitizer. Here the library and the scene are compiled so, and what the
 * calls end in is this book instead. Roles (a producer, a poller, a reader) act in turns in one thread; each stands for a CPU. A
 * write to a line that another role holds takes it away from there; a read of a line that only others hold fetches it. These two are
 * what CPUs wait for each other for, and they come out the same in each run, whatever machine that is.
 *
 * Who acts has his stack and his thread's variables to himself, though here all share them: those are left out.
 */
#ifndef BENCH_LINES_BOOK_H
#define BENCH_LINES_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOK_PLACES	64u
#define BOOK_ELSEWHERE	0u		/* nobody said what lies there */

struct book_tally {
	uint64_t taken, fetched;
};

void book_open(void);				/* an empty one; accesses are entered from then on */
void book_close(void);
void book_act(unsigned int role);		/* who acts from now on; 0 to 15 */
/* What lies there, said before anybody acts. Of several names for an address the one given last counts; equal names are one place. */
void book_name(const char *name, const void *from, size_t bytes);
void book_count(void);				/* from zero; who holds what stays */

unsigned int book_places(void);
const char *book_place(unsigned int place);
struct book_tally book_tally(unsigned int place);
const void *book_stray(void);			/* the last line elsewhere that was taken or fetched */

#endif
