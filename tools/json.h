/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes one JSON document on one line, so that a script's outputs are JSON Lines.
 *
 * The writer keeps track of commas and of nesting, so callers only name values. A key is NULL inside an array. Strings
 * come out as valid UTF-8 whatever they hold: a byte that is none becomes U+FFFD.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH	8

struct json {
	FILE *to;
	unsigned int depth;
	bool filled[JSON_DEPTH];	/* something was written at this depth */
	char closer[JSON_DEPTH];
};

void json_begin(struct json *json, FILE *to);		/* the outermost object */
void json_end(struct json *json);			/* and its end, with the newline */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_close(struct json *json);			/* the innermost object or array */
void json_string(struct json *json, const char *key, const char *value);	/* NULL: null */
void json_bytes(struct json *json, const char *key, const void *bytes, size_t len);	/* as hex digits */
void json_u64(struct json *json, const char *key, uint64_t value);
void json_double(struct json *json, const char *key, double value);	/* to a thousandth */
void json_exact(struct json *json, const char *key, double value);	/* in as many digits as it takes */
/* A lane's number: of floating point in as many digits as it takes, or as text where JSON has no number. */
void json_lane(struct json *json, const char *key, uint8_t lane, uint64_t bits);
void json_bool(struct json *json, const char *key, bool value);

#endif
