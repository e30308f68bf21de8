// SPDX-License-Identifier: GPL-2.0-only
/* See value.h. strtoull() is not asked: it takes signs, spaces and negative numbers that nobody meant. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "value.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Reads digits as far as they go; returns what follows, or NULL if there was none or it overflowed. */
static const char *read_digits(const char *text, unsigned int base, uint64_t *value)
{
	const char *from = text;

	*value = 0;
	for (; digit_of(*text) < (int)base; text++)
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, (uint64_t)digit_of(*text), value))
			return NULL;
	return text == from ? NULL : text;
}

static const char *read_number(const char *text, uint64_t *value)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return read_digits(text + 2, 16, value);
	return read_digits(text, 10, value);
}

bool value_u64(const char *text, uint64_t *value)
{
	const char *end = read_number(text, value);

	return end && !*end;
}

bool value_size(const char *text, uint64_t *value)
{
	static const char units[] = "KMGT";
	const char *end = read_number(text, value);
	const char *unit;

	if (!end)
		return false;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (!unit)
		return !*end || !strcmp(end, "B");
	if (__builtin_mul_overflow(*value, 1ULL << (10 * (unit - units + 1)), value))
		return false;
	end++;
	return !*end || !strcmp(end, "B") || !strcmp(end, "iB");
}

bool value_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "m", 60e9 } };
	unsigned int i;
	double number;
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return false;
	number = strtod(text, &end);
	for (i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (end == text || strcmp(end, units[i].unit) || !(number * units[i].ns < 1e18))
			continue;
		*ns = (uint64_t)(number * units[i].ns);
		return true;
	}
	return false;
}

/* ".25", as nanoseconds; none at all is 0. Returns what lies behind it. */
static const char *read_fraction(const char *text, uint64_t *ns)
{
	uint64_t unit = 100000000;

	*ns = 0;
	if (*text != '.')
		return text;
	for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
		*ns += unit * (uint64_t)(*text - '0');
	return text;
}

static const char *read_date(const char *text, struct tm *tm)
{
	static const char *const forms[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d" };
	const char *end = NULL;
	unsigned int i;

	for (i = 0; i < sizeof(forms) / sizeof(*forms) && !end; i++) {
		*tm = (struct tm){ .tm_isdst = -1 };
		end = strptime(text, forms[i], tm);
	}
	return end;
}

bool value_date(const char *text, uint64_t *ns)
{
	uint64_t whole, fraction;
	const char *end;
	struct tm tm;
	time_t t;
	bool utc;

	if (*text == '@') {
		end = read_digits(text + 1, 10, &whole);
		end = end && whole < UINT64_MAX / 2000000000 ? read_fraction(end, &fraction) : NULL;
	} else {
		end = read_date(text, &tm);
		end = end ? read_fraction(end, &fraction) : NULL;
		utc = end && !strcmp(end, "Z");
		t = !end ? -1 : utc ? timegm(&tm) : mktime(&tm);
		if (t < 0)
			return false;
		end += utc;
		whole = (uint64_t)t;
	}
	if (!end || *end)
		return false;
	*ns = whole * 1000000000 + fraction;
	return true;
}

bool value_mode(const char *text, uint32_t *mode)
{
	uint64_t value;
	const char *end = read_digits(text, 8, &value);

	if (!end || *end || value > 0777)
		return false;
	*mode = (uint32_t)value;
	return true;
}

bool value_id(const char *text, uint64_t *page)
{
	uint64_t index, generation;
	const char *end = read_number(text, &index);

	if (!end)
		return false;
	if (!*end) {
		*page = index;
		return MMSB_PAGE_GENERATION(index) != 0;
	}
	if (*end != '.' || !value_u64(end + 1, &generation))
		return false;
	if (index > UINT32_MAX || generation > UINT32_MAX || !generation)
		return false;
	*page = MMSB_PAGE_ID(generation, index);
	return true;
}

bool lane_float(uint8_t lane)
{
	return lane == MMSB_LANE_F32 || lane == MMSB_LANE_F64;
}

unsigned int lane_bytes(uint8_t lane)
{
	return lane_float(lane) ? lane == MMSB_LANE_F32 ? 4 : 8 : 1u << (lane % 4);
}

static bool lane_signed(uint8_t lane)
{
	return lane >= MMSB_LANE_I8 && lane <= MMSB_LANE_I64;
}

double lane_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static bool value_float(const char *text, uint64_t *bits)
{
	double value;
	char *end;

	if (!*text || isspace((unsigned char)*text))
		return false;
	value = strtod(text, &end);
	memcpy(bits, &value, sizeof(*bits));
	return !*end;
}

bool value_in_lane(const char *text, uint8_t lane, uint64_t *bits)
{
	unsigned int width = 8 * lane_bytes(lane);
	uint64_t most = UINT64_MAX >> (64 - width);
	bool negative = *text == '-';
	uint64_t value;

	if (lane_float(lane))
		return value_float(text, bits);
	if (negative && !lane_signed(lane))
		return false;
	if (!value_u64(text + negative, &value))
		return false;
	if (lane_signed(lane))
		most = (most >> 1) + negative;
	if (value > most)
		return false;
	*bits = negative ? 0 - value : value;
	*bits &= UINT64_MAX >> (64 - width);
	return true;
}

uint64_t lane_load(uint8_t lane, const void *from)
{
	unsigned int unused = 64 - 8 * lane_bytes(lane);
	uint64_t value = 0;
	double number;
	float single;

	memcpy(&value, from, lane_bytes(lane));
	if (lane_signed(lane))
		return (uint64_t)((int64_t)(value << unused) >> unused);
	if (lane != MMSB_LANE_F32)
		return value;
	memcpy(&single, from, sizeof(single));
	number = single;
	memcpy(&value, &number, sizeof(value));
	return value;
}

bool value_hex(const char *text, void **bytes, size_t *len)
{
	unsigned char *to = malloc(strlen(text) / 2 + 1);

	*len = 0;
	while (to && *text) {
		if (*text == ' ' || *text == ':') {
			text++;
			continue;
		}
		if (digit_of(text[0]) > 15 || digit_of(text[1]) > 15)
			break;
		to[(*len)++] = (unsigned char)(digit_of(text[0]) << 4 | digit_of(text[1]));
		text += 2;
	}
	*bytes = to;
	if (to && !*text && *len)
		return true;
	free(to);
	return false;
}
