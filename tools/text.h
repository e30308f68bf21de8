/* SPDX-License-Identifier: GPL-2.0-only */
/* Small texts by value, so that several fit into one printf(). */
#ifndef TEXT_H
#define TEXT_H

#include <stdint.h>

struct text {
	char s[48];
};

struct text text_id(uint64_t page);		/* "7.1" */
struct text text_grouped(uint64_t value);	/* "12,345,678" */
struct text text_bytes(uint64_t bytes);		/* "64 B", "1.5 MiB" */
struct text text_rate(double per_second);	/* "12.3 M" */
struct text text_ns(uint64_t ns);		/* "850 ns", "1.2 us" */
struct text text_double(double value);		/* as few digits as come back as the same number */
struct text text_hash(const uint64_t hash[2]);
struct text text_date(uint64_t ns);	/* since 1970: "2026-01-31 12:00:00.000123", here */
struct text text_lane(uint8_t lane, uint64_t bits);	/* a number as value_in_lane() takes it */

#endif
