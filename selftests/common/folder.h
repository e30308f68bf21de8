/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directories for logs: made below $TMPDIR, copied as they stand, damaged, and taken away again.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLDER_MAX	256

/* A new directory, empty. Exits if there can be none. */
void folder_make(char folder[FOLDER_MAX]);
void folder_empty(const char *folder);
void folder_remove(const char *folder);
/* `to` gets another, with the files of `from` as they are now. */
void folder_copy(const char *from, char to[FOLDER_MAX]);
/* Files whose names end like that; the last of them by name, with the path, in `name` (may be NULL). */
unsigned int folder_count(const char *folder, const char *ending, char name[FOLDER_MAX]);
/* Cuts `bytes` off the file's end, or turns the bit over, so many bytes before the end of what is not zero. */
void folder_cut(const char *path, uint64_t bytes);
void folder_flip(const char *path, uint64_t before_end);

#endif
