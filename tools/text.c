// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <mmsb/mmsb.h>
#include "text.h"
#include "value.h"

struct text text_id(uint64_t page)
{
	struct text text;

	snprintf(text.s, sizeof(text.s), "%" PRIu32 ".%" PRIu32, MMSB_PAGE_INDEX(page), MMSB_PAGE_GENERATION(page));
	return text;
}

struct text text_grouped(uint64_t value)
{
	char digits[24];
	struct text text;
	unsigned int i, n, at = 0;

	n = (unsigned int)snprintf(digits, sizeof(digits), "%" PRIu64, value);
	for (i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text.s[at++] = ',';
		text.s[at++] = digits[i];
	}
	text.s[at] = '\0';
	return text;
}

static struct text scaled(double value, double step, const char *const *units, unsigned int n)
{
	struct text text;
	unsigned int unit;

	for (unit = 0; unit + 1 < n && value >= step * 0.9995; unit++)
		value /= step;
	snprintf(text.s, sizeof(text.s), value < 100 && (unit || value != (uint64_t)value) ? "%.1f%s" : "%.0f%s",
		 value, units[unit]);
	return text;
}

struct text text_bytes(uint64_t bytes)
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB" };

	return scaled((double)bytes, 1024, units, 6);
}

struct text text_rate(double per_second)
{
	static const char *const units[] = { "", " k", " M", " G" };

	return scaled((double)(uint64_t)per_second, 1000, units, 4);
}

struct text text_ns(uint64_t ns)
{
	static const char *const units[] = { " ns", " us", " ms", " s" };

	return scaled((double)ns, 1000, units, 4);
}

struct text text_double(double value)
{
	struct text text;
	int digits;

	for (digits = 6; digits < 18; digits++) {
		snprintf(text.s, sizeof(text.s), "%.*g", digits, value);
		if (strtod(text.s, NULL) == value)
			break;
	}
	return text;
}

struct text text_lane(uint8_t lane, uint64_t bits)
{
	unsigned int unused = lane_float(lane) ? 0 : 64 - 8 * lane_bytes(lane);
	struct text text;

	if (lane_float(lane))
		return text_double(lane_double(bits));
	if (lane < MMSB_LANE_I8)
		snprintf(text.s, sizeof(text.s), "%" PRIu64, bits);
	else
		snprintf(text.s, sizeof(text.s), "%" PRId64, (int64_t)(bits << unused) >> unused);
	return text;
}

struct text text_hash(const uint64_t hash[2])
{
	struct text text;

	snprintf(text.s, sizeof(text.s), "%016" PRIx64 "%016" PRIx64, hash[1], hash[0]);
	return text;
}

struct text text_date(uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct text text;
	struct tm tm;
	size_t used;

	if (!localtime_r(&seconds, &tm)) {
		snprintf(text.s, sizeof(text.s), "?");
		return text;
	}
	used = strftime(text.s, sizeof(text.s), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(text.s + used, sizeof(text.s) - used, ".%06u", (unsigned int)(ns % 1000000000 / 1000));
	return text;
}
