/* SPDX-License-Identifier: MIT */
/*
 * A directory of a file system, by plain calls: all of disk_plain.c, and of disk_uring.c all but how files are written.
 */
#ifndef MMSB_LOG_DISK_LOCAL_H
#define MMSB_LOG_DISK_LOCAL_H

#include "../home.h"
#include "disk.h"

struct local_disk {
	struct msl_disk disk;
	int dir;
	int lock;			/* -1: not ours */
	char path[];
};

#define LOCAL_NAME	64

struct local_file {
	struct msl_file file;
	int fd;
	int error;			/* 0, or the failure that was final */
	int result;			/* of the sync under way: it was done when it began */
	bool syncing;
	uint64_t rest;			/* where zeros began that nobody shall keep in the page cache; 0: nobody asked */
	char name[LOCAL_NAME];
};

extern const struct msl_disk_ops msl_plain_ops, msl_uring_ops;

static inline struct local_disk *local_disk_of(struct msl_disk *disk)
{
	return (struct local_disk *)disk;
}

static inline struct local_file *local_file_of(struct msl_file *file)
{
	return (struct local_file *)file;
}

/* A failed call of `what`: keeps the text, and the failure too, if it is a final one. */
int local_fail(struct local_file *file, int err, const char *what);
int local_refuse(const struct local_file *file);	/* what failed for good, once more */
int local_pwrite(struct local_file *file, const void *from, size_t bytes, uint64_t at);
int local_fdatasync(struct local_file *file);
int local_file_init(struct local_file *file, struct msl_disk *disk, const char *name, int how);

void local_close(struct msl_disk *disk);
int local_lock(struct msl_disk *disk, const char *name);
int local_list(struct msl_disk *disk, int (*each)(void *arg, const char *name), void *arg);
int local_rename(struct msl_disk *disk, const char *from, const char *to);
int local_unlink(struct msl_disk *disk, const char *name);
int local_sync_dir(struct msl_disk *disk);
ssize_t local_read(struct msl_file *file, void *to, size_t bytes, uint64_t at);
int local_allocate(struct msl_file *file, uint64_t bytes);
int local_truncate(struct msl_file *file, uint64_t bytes);
void local_file_end(struct local_file *file);
int local_size(struct msl_file *file, uint64_t *bytes);
int local_data_end(struct msl_file *file, uint64_t *end);

/* io_uring is there and allowed. */
bool msl_uring_works(void);

#endif
