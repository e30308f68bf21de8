/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk below the log that remembers what was synced, and what a power cut would leave of it.
 *
 * A file is what is on disk for certain and the changes since: bytes written, room reserved, its length cut. The directory likewise: names on
 * disk for certain, and creations, renamings and deletions since. sync() of a file makes its changes certain, sync_dir() those of the
 * directory, and nothing else does; neither stands for the other. A sync that fails makes nothing certain, and nor does any
 * later one of the same bytes; a call for the directory that fails may have been done nevertheless.
 *
 * wreck_image() draws one of the disks that could be left: of each sector of 512 bytes whatever it held after any of the changes to it,
 * independently of all others; the length that the file had after any of them; where it grew and nothing was written, zeros or noise; and
 * of the changes to the directory any choice. An image is a disk by itself, on which all that is
 * there is certain.
 *
 * Before each call that changes something the test is asked (`boundary`): there it draws its images, and says how the call shall fail.
 */
#ifndef WRECK_H
#define WRECK_H

#include "home.h"
#include "log/dir.h"

#define WRECK_NAMES	128
#define WRECK_SECTOR	512u

enum wreck_call {
	WRECK_OPEN,
	WRECK_WRITE,
	WRECK_ALLOCATE,
	WRECK_TRUNCATE,
	WRECK_SYNC,
	WRECK_SYNC_BEGIN,
	WRECK_SYNC_END,
	WRECK_RENAME,
	WRECK_UNLINK,
	WRECK_SYNC_DIR,
};

struct wreck_change {
	enum wreck_call how;		/* WRITE, ALLOCATE, TRUNCATE */
	bool lost;			/* a sync of it has failed */
	uint64_t at;			/* or the length */
	size_t bytes;
	uint8_t *data;
};

struct wreck_file {
	uint64_t number;
	unsigned int users;		/* handles */
	uint8_t *now, *certain;		/* each with room for the longest it ever was */
	size_t bytes, certain_bytes, room;
	struct wreck_change *changes;
	size_t nchanges, changes_room;
	size_t syncing;			/* so many of them belong to the sync under way */
	bool is_syncing;
};

struct wreck_name {
	char name[MSL_NAME_BYTES];	/* "": none */
	struct wreck_file *file;
};

struct wreck_step {			/* of the directory */
	enum wreck_call how;		/* OPEN, RENAME, UNLINK */
	struct wreck_name from, to;
};

struct wreck {
	struct wreck_name now[WRECK_NAMES], certain[WRECK_NAMES];
	struct wreck_step *steps;
	size_t nsteps, steps_room;
	struct wreck_file **files;
	size_t nfiles, files_room;
	uint64_t numbers;
	bool locked;
	unsigned int slow;		/* syncs under way are not done yet, once in so many looks; 0: always done */
	struct rng rng;
	uint64_t calls;
	bool gone;			/* whoever writes to it is no more: nothing that is still called does anything */
	int (*boundary)(void *arg, enum wreck_call call);	/* 0, or how the call fails */
	void *arg;
};

void wreck_begin(struct wreck *wreck, uint64_t seed);
void wreck_end(struct wreck *wreck);
/* A handle of it, as msl_disk_open() gives them; it is closed by msl_disk_close(). */
int wreck_open(struct wreck *wreck, struct msl_disk **disk);

/* `image` is begun by it. The same number gives the same image; 0: only what is certain, 1: all that was done. */
void wreck_image(const struct wreck *wreck, uint64_t number, struct wreck *image);
/* Of names and bytes. */
uint64_t wreck_print(const struct wreck *wreck);
/* Nothing is uncertain: there is but one image. */
bool wreck_is_certain(const struct wreck *wreck);
/* To look at with other tools. */
void wreck_dump(const struct wreck *wreck, const char *directory);

#endif
