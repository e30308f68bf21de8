/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_LINES_ACCESS_H
#define BENCH_LINES_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

/* Somebody reads or writes. A change in one step (an exchange, an addition) is a write. */
void access_enter(const void *at, size_t bytes, bool write);

#endif
