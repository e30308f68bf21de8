// SPDX-License-Identifier: GPL-2.0-only
/* See json.h. Nesting deeper than JSON_DEPTH is a mistake of ours, hence the assert. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "json.h"
#include "out.h"
#include "value.h"

/* How many bytes the UTF-8 sequence at s has; 0 if it is not one (too long a form, a surrogate, beyond U+10FFFF). */
static unsigned int utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead, length;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 1, 0 }, { 0xe0, 0xc0, 2, 0x80 }, { 0xf0, 0xe0, 3, 0x800 }, { 0xf8, 0xf0, 4, 0x10000 },
	};
	unsigned int form, i;
	uint32_t point;

	for (form = 0; form < 4 && (s[0] & forms[form].mask) != forms[form].lead; form++)
		;
	if (form == 4)
		return 0;
	point = s[0] & ~forms[form].mask;
	for (i = 1; i < forms[form].length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3f);
	}
	if (point < forms[form].least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	return forms[form].length;
}

static void write_string(FILE *to, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	unsigned int length;

	putc('"', to);
	for (; *s; s += length) {
		length = utf8_length(s);
		if (!length) {
			fputs("\\ufffd", to);
			length = 1;
		} else if (*s == '"' || *s == '\\') {
			fprintf(to, "\\%c", *s);
		} else if (*s == '\n') {
			fputs("\\n", to);
		} else if (*s < 0x20 || *s == 0x7f) {
			fprintf(to, "\\u%04x", *s);
		} else {
			fwrite(s, 1, length, to);
		}
	}
	putc('"', to);
}

static void begin_value(struct json *json, const char *key)
{
	if (json->filled[json->depth])
		fputs(", ", json->to);
	json->filled[json->depth] = true;
	if (key) {
		write_string(json->to, key);
		fputs(": ", json->to);
	}
}

static void nest(struct json *json, char opener, char closer)
{
	json->depth++;
	assert(json->depth < JSON_DEPTH);
	json->filled[json->depth] = false;
	json->closer[json->depth] = closer;
	putc(opener, json->to);
}

void json_begin(struct json *json, FILE *to)
{
	*json = (struct json){ .to = to };
	nest(json, '{', '}');
}

void json_object(struct json *json, const char *key)
{
	begin_value(json, key);
	nest(json, '{', '}');
}

void json_array(struct json *json, const char *key)
{
	begin_value(json, key);
	nest(json, '[', ']');
}

void json_close(struct json *json)
{
	assert(json->depth > 0);
	putc(json->closer[json->depth], json->to);
	json->depth--;
}

void json_end(struct json *json)
{
	json_close(json);
	assert(json->depth == 0);
	putc('\n', json->to);
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin_value(json, key);
	if (value)
		write_string(json->to, value);
	else
		fputs("null", json->to);
}

void json_bytes(struct json *json, const char *key, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = bytes;
	size_t i;

	begin_value(json, key);
	putc('"', json->to);
	for (i = 0; i < len; i++) {
		putc(digits[b[i] >> 4], json->to);
		putc(digits[b[i] & 15], json->to);
	}
	putc('"', json->to);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	fprintf(json->to, "%" PRIu64, value);
}

void json_double(struct json *json, const char *key, double value)
{
	begin_value(json, key);
	fprintf(json->to, "%.3f", value);
}

void json_exact(struct json *json, const char *key, double value)
{
	begin_value(json, key);
	fputs(text_double(value).s, json->to);
}

void json_lane(struct json *json, const char *key, uint8_t lane, uint64_t bits)
{
	bool number = !lane_float(lane) || isfinite(lane_double(bits));

	begin_value(json, key);
	fprintf(json->to, number ? "%s" : "\"%s\"", text_lane(lane, bits).s);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	fputs(value ? "true" : "false", json->to);
}
