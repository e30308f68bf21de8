/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes for people: sixteen a line with their offset and their letters; lines like the one before become one "*". */
#ifndef HEXDUMP_H
#define HEXDUMP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

void hexdump(FILE *to, const char *indent, uint64_t offset, const void *bytes, size_t len);

#endif
