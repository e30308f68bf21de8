// SPDX-License-Identifier: GPL-2.0-only
/* See hexdump.h. */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include "hexdump.h"

#define WIDTH	16u

static void hexdump_line(FILE *to, const char *indent, uint64_t offset, const unsigned char *bytes, size_t len)
{
	unsigned int i;

	fprintf(to, "%s%08" PRIx64, indent, offset);
	for (i = 0; i < WIDTH; i++) {
		if (i < len)
			fprintf(to, "%s%02x", i % 8 ? " " : "  ", bytes[i]);
		else
			fputs(i % 8 ? "   " : "    ", to);
	}
	fputs("  |", to);
	for (i = 0; i < len; i++)
		putc(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.', to);
	fputs("|\n", to);
}

void hexdump(FILE *to, const char *indent, uint64_t offset, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;
	bool starred = false, same;
	size_t at, n;

	for (at = 0; at < len; at += n) {
		n = len - at < WIDTH ? len - at : WIDTH;
		same = at && n == WIDTH && at + n < len && !memcmp(b + at, b + at - WIDTH, WIDTH);
		if (same && !starred)
			fprintf(to, "%s*\n", indent);
		if (!same)
			hexdump_line(to, indent, offset + at, b + at, n);
		starred = same;
	}
}
