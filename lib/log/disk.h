/* SPDX-License-Identifier: MIT */
/*
 * The files of one directory, and when they are on disk: all that the log asks of a file system, as a table of calls, so that tests can
 * put a disk of their own below the log that remembers what was synced.
 *
 * Who writes a file appends to it; what was written is on disk when a sync that began after it has come back 0, and the name of a file
 * when sync_dir() has. Every call gives 0 or a negative errno, with the text kept for mmsb_strerror_last(). A call that was interrupted
 * or came short has been continued. There are two sorts of failure:
 *
 *	-ENOSPC, -EDQUOT	the disk is full. Nothing is lost: the same call again, once there is room, goes on.
 *	any other		of write or sync: final. The file says so to each call from then on, since after a failed fsync nobody
 *				knows what is on disk.
 *
 * Each file belongs to one thread at a time, and so does the disk, but for opening files and what is done with those.
 */
#ifndef MMSB_LOG_DISK_H
#define MMSB_LOG_DISK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct msl_disk_ops;

struct msl_disk {
	const struct msl_disk_ops *ops;
};

struct msl_file {
	struct msl_disk *disk;
};

#define MSL_FILE_READ	0
#define MSL_FILE_CREATE	1	/* to be written; must not be there yet */
#define MSL_FILE_CHANGE	2	/* to be written; must be there */

struct msl_disk_ops {
	const char *name;
	void (*close)(struct msl_disk *disk);	/* with the lock, if it has that; its files are closed by then */
	int (*lock)(struct msl_disk *disk, const char *name);	/* until it is closed; -EWOULDBLOCK: another has it */
	int (*list)(struct msl_disk *disk, int (*each)(void *arg, const char *name), void *arg);	/* in no order */
	int (*rename)(struct msl_disk *disk, const char *from, const char *to);
	int (*unlink)(struct msl_disk *disk, const char *name);
	int (*sync_dir)(struct msl_disk *disk);

	int (*file_open)(struct msl_disk *disk, const char *name, int how, struct msl_file **file);
	void (*file_close)(struct msl_file *file);
	ssize_t (*read)(struct msl_file *file, void *to, size_t bytes, uint64_t at);	/* less than `bytes` only where the file ends */
	/* Behind it the file has only zeros now, as room that is reserved has: where that is known without reading, or else its end. */
	int (*data_end)(struct msl_file *file, uint64_t *end);
	/* May keep the bytes (a copy) for a while: they are in the file when the next sync has begun. -ENOSPC: give them once more. */
	int (*write)(struct msl_file *file, const void *from, size_t bytes, uint64_t at);
	int (*allocate)(struct msl_file *file, uint64_t bytes);		/* room, read as zeros; 0 too where none can be reserved */
	int (*truncate)(struct msl_file *file, uint64_t bytes);
	int (*size)(struct msl_file *file, uint64_t *bytes);
	int (*sync)(struct msl_file *file);
	/*
	 * A sync that takes its time, one at a time a file: what is written meanwhile is not part of it. sync_end(): 0; -EAGAIN: it is
	 * still under way (not if `wait`); -ENOSPC: ask again.
	 */
	int (*sync_begin)(struct msl_file *file);
	int (*sync_end)(struct msl_file *file, bool wait);
};

#define MSL_DISK_CREATE		(1u << 0)	/* make the directory, if it is not there */
#define MSL_DISK_NO_URING	(1u << 1)	/* pwrite and fdatasync, also where io_uring could be had */

/* The directory of that path: through io_uring where it is allowed, else by plain calls. */
int msl_disk_open(const char *path, uint32_t flags, struct msl_disk **disk);
void msl_disk_close(struct msl_disk *disk);	/* NULL: nothing */
bool msl_disk_is_uring(const struct msl_disk *disk);

static inline bool msl_disk_is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

#endif
