/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Says in the book what lies where: all that belongs to a space of the embedded home, its shards, rings and links.
 */
#ifndef BENCH_LINES_NAMES_H
#define BENCH_LINES_NAMES_H

struct ms_space;

void names_of_space(struct ms_space *space);

#endif
