// SPDX-License-Identifier: MIT
#define _GNU_SOURCE	/* fallocate(), SEEK_DATA */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "disk_local.h"

/* ---------------------------------------------------------------------------------------------------- the directory */

static int dir_fail(const struct local_disk *local, int err, const char *name, const char *what)
{
	return msl_fail(err, "%s%s%s: %s: %s", local->path, name ? "/" : "", name ? name : "", what, strerror(err));
}

void local_close(struct msl_disk *disk)
{
	struct local_disk *local = local_disk_of(disk);

	if (local->lock >= 0)
		close(local->lock);
	close(local->dir);
	free(local);
}

static void lock_say_who(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
		return;		/* it is for people only */
}

static int lock_fail(const struct local_disk *local, int fd, const char *name)
{
	int err = errno;
	char who[16] = "";
	ssize_t n = pread(fd, who, sizeof(who) - 1, 0);

	close(fd);
	if (err != EWOULDBLOCK)
		return dir_fail(local, err, name, "locking");
	who[n > 0 ? strcspn(who, "\n") : 0] = 0;
	return msl_fail(EWOULDBLOCK, "%s: the log has a writer already%s%s", local->path, who[0] ? ", process " : "", who);
}

int local_lock(struct msl_disk *disk, const char *name)
{
	struct local_disk *local = local_disk_of(disk);
	int fd = openat(local->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	if (fd < 0)
		return dir_fail(local, errno, name, "opening");
	do {
		err = flock(fd, LOCK_EX | LOCK_NB);
	} while (err && errno == EINTR);
	if (err)
		return lock_fail(local, fd, name);
	lock_say_who(fd);
	local->lock = fd;
	return 0;
}

int local_list(struct msl_disk *disk, int (*each)(void *arg, const char *name), void *arg)
{
	struct local_disk *local = local_disk_of(disk);
	int fd = openat(local->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		err = errno;
		if (fd >= 0)
			close(fd);
		return dir_fail(local, err, NULL, "listing");
	}
	for (errno = 0; !err && (entry = readdir(dir)); errno = 0)
		err = each(arg, entry->d_name);
	if (!err && errno)
		err = dir_fail(local, errno, NULL, "listing");
	closedir(dir);
	return err;
}

int local_rename(struct msl_disk *disk, const char *from, const char *to)
{
	struct local_disk *local = local_disk_of(disk);

	return renameat(local->dir, from, local->dir, to) ? dir_fail(local, errno, from, "renaming") : 0;
}

int local_unlink(struct msl_disk *disk, const char *name)
{
	struct local_disk *local = local_disk_of(disk);

	return unlinkat(local->dir, name, 0) ? dir_fail(local, errno, name, "deleting") : 0;
}

static int sync_names(int dir)
{
	int err;

	do {
		err = fsync(dir);
	} while (err && errno == EINTR);
	return err ? errno : 0;
}

int local_sync_dir(struct msl_disk *disk)
{
	struct local_disk *local = local_disk_of(disk);
	int err = sync_names(local->dir);

	return err ? dir_fail(local, err, NULL, "fsync") : 0;
}

/* ------------------------------------------------------------------------------------------------------------ files */

static const char *path_of(const struct local_file *file)
{
	return local_disk_of(file->file.disk)->path;
}

int local_fail(struct local_file *file, int err, const char *what)
{
	if (!msl_disk_is_full(-err))
		file->error = err;
	return msl_fail(err, "%s/%s: %s: %s", path_of(file), file->name, what, strerror(err));
}

int local_refuse(const struct local_file *file)
{
	return msl_fail(file->error, "%s/%s: nothing more is written to it, since that failed before: %s", path_of(file), file->name,
			strerror(file->error));
}

int local_file_init(struct local_file *file, struct msl_disk *disk, const char *name, int how)
{
	static const int flags[] = {
		[MSL_FILE_READ] = O_RDONLY, [MSL_FILE_CREATE] = O_RDWR | O_CREAT | O_EXCL, [MSL_FILE_CHANGE] = O_RDWR,
	};
	struct local_disk *local = local_disk_of(disk);

	if (strlen(name) >= sizeof(file->name))
		return dir_fail(local, ENAMETOOLONG, name, "opening");
	file->file.disk = disk;
	strcpy(file->name, name);
	file->fd = openat(local->dir, name, flags[how] | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	return file->fd < 0 ? dir_fail(local, errno, name, how == MSL_FILE_CREATE ? "making" : "opening") : 0;
}

static int plain_file_open(struct msl_disk *disk, const char *name, int how, struct msl_file **file)
{
	struct local_file *plain = msl_alloc(sizeof(*plain));
	int err = plain ? local_file_init(plain, disk, name, how) : -ENOMEM;

	*file = err ? NULL : &plain->file;
	if (err)
		free(plain);
	return err;
}

/* Where the kernel read ahead into a rest, that would be taken for data by the next one. */
void local_file_end(struct local_file *file)
{
	if (file->rest)
		posix_fadvise(file->fd, (off_t)file->rest, 0, POSIX_FADV_DONTNEED);
	close(file->fd);
}

static void plain_file_close(struct msl_file *file)
{
	local_file_end(local_file_of(file));
	free(file);
}

ssize_t local_read(struct msl_file *file, void *to, size_t bytes, uint64_t at)
{
	struct local_file *local = local_file_of(file);
	size_t done = 0;
	ssize_t n;

	while (done < bytes) {
		n = pread(local->fd, (char *)to + done, bytes - done, (off_t)(at + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return msl_fail(errno, "%s/%s: reading: %s", path_of(local), local->name, strerror(errno));
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int local_pwrite(struct local_file *file, const void *from, size_t bytes, uint64_t at)
{
	ssize_t n;

	while (bytes) {
		n = pwrite(file->fd, from, bytes, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return local_fail(file, n ? errno : EIO, "writing");
		from = (const char *)from + n;
		bytes -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

int local_fdatasync(struct local_file *file)
{
	int err;

	do {
		err = fdatasync(file->fd);
	} while (err && errno == EINTR);
	if (!err)
		return 0;
	err = errno;
	msl_fail(err, "%s/%s: fdatasync: %s", path_of(file), file->name, strerror(err));
	/* Whatever it was, a disk that was full included: the kernel may have dropped what it could not write. */
	file->error = msl_disk_is_full(-err) ? EIO : err;
	return -file->error;
}

static int plain_write(struct msl_file *file, const void *from, size_t bytes, uint64_t at)
{
	struct local_file *local = local_file_of(file);

	return local->error ? local_refuse(local) : local_pwrite(local, from, bytes, at);
}

/* A file system that reserves nothing says so to each write instead, once it is full. */
int local_allocate(struct msl_file *file, uint64_t bytes)
{
	struct local_file *local = local_file_of(file);
	int err;

	do {
		err = fallocate(local->fd, 0, 0, (off_t)bytes);
	} while (err && errno == EINTR);
	if (!err || errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	return local_fail(local, errno, "reserving room");
}

int local_truncate(struct msl_file *file, uint64_t bytes)
{
	struct local_file *local = local_file_of(file);
	int err;

	do {
		err = ftruncate(local->fd, (off_t)bytes);
	} while (err && errno == EINTR);
	return err ? local_fail(local, errno, "cutting") : 0;
}

int local_size(struct msl_file *file, uint64_t *bytes)
{
	struct local_file *local = local_file_of(file);
	struct stat stat;

	*bytes = 0;
	if (fstat(local->fd, &stat))
		return msl_fail(errno, "%s/%s: %s", path_of(local), local->name, strerror(errno));
	if (!S_ISREG(stat.st_mode))
		return msl_fail(EINVAL, "%s/%s: not a regular file", path_of(local), local->name);
	*bytes = (uint64_t)stat.st_size;
	return 0;
}

/* What was reserved counts as data once it is in the page cache. */
int local_data_end(struct msl_file *file, uint64_t *end)
{
	int fd = local_file_of(file)->fd;
	off_t hole, data = 0;

	do {
		hole = lseek(fd, data, SEEK_HOLE);
		data = hole < 0 ? hole : lseek(fd, hole, SEEK_DATA);
	} while (data >= 0);
	if (hole < 0 || errno != ENXIO)
		return local_size(file, end);
	*end = (uint64_t)hole;
	local_file_of(file)->rest = *end;
	return 0;
}

static int plain_sync(struct msl_file *file)
{
	struct local_file *local = local_file_of(file);

	return local->error ? local_refuse(local) : local_fdatasync(local);
}

static int plain_sync_begin(struct msl_file *file)
{
	struct local_file *local = local_file_of(file);

	if (local->syncing)
		return msl_fail(EBUSY, "%s/%s: it is being synced", path_of(local), local->name);
	if (local->error)
		return local_refuse(local);
	local->result = plain_sync(file);
	local->syncing = true;
	return 0;
}

static int plain_sync_end(struct msl_file *file, bool wait)
{
	struct local_file *local = local_file_of(file);

	(void)wait;
	local->syncing = false;
	return local->result;
}

const struct msl_disk_ops msl_plain_ops = {
	.name = "plain",
	.close = local_close,
	.lock = local_lock,
	.list = local_list,
	.rename = local_rename,
	.unlink = local_unlink,
	.sync_dir = local_sync_dir,
	.file_open = plain_file_open,
	.file_close = plain_file_close,
	.read = local_read,
	.write = plain_write,
	.allocate = local_allocate,
	.truncate = local_truncate,
	.size = local_size,
	.data_end = local_data_end,
	.sync = plain_sync,
	.sync_begin = plain_sync_begin,
	.sync_end = plain_sync_end,
};

/* ---------------------------------------------------------------------------------------------------------- opening */

static int path_above(const char *path, char *above, size_t room)
{
	size_t n = strlen(path);

	while (n && path[n - 1] == '/')
		n--;
	while (n && path[n - 1] != '/')
		n--;
	if (n >= room)
		return msl_fail(ENAMETOOLONG, "%s: the name is too long", path);
	memcpy(above, n ? path : ".", n ? n : 1);
	above[n ? n : 1] = 0;
	return 0;
}

/* Of a directory that is there the one above may be another's, or of a file system that syncs none: a mount point lies anywhere. */
static bool is_not_ours(int err)
{
	return err == EACCES || err == EINVAL || err == EROFS;
}

static int sync_above(const char *path, bool there)
{
	char above[4096];
	int err = path_above(path, above, sizeof(above)), fd;

	if (err)
		return err;
	fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 ? errno : sync_names(fd);
	if (fd >= 0)
		close(fd);
	if (there && is_not_ours(err))
		return 0;
	return err ? msl_fail(err, "%s: fsync: %s", above, strerror(err)) : 0;
}

/*
 * The directory is made for good: its name in the one above is synced. Also if it is there already, for who made it was perhaps killed, or failed,
 * before that.
 */
static int make_directory(const char *path)
{
	bool there = mkdir(path, 0700);

	if (there && errno != EEXIST)
		return msl_fail(errno, "%s: making the directory: %s", path, strerror(errno));
	return sync_above(path, there);
}

int msl_disk_open(const char *path, uint32_t flags, struct msl_disk **disk)
{
	struct local_disk *local;
	int err = 0;

	*disk = NULL;
	if (flags & MSL_DISK_CREATE)
		err = make_directory(path);
	if (err)
		return err;
	local = msl_alloc(sizeof(*local) + strlen(path) + 1);
	if (!local)
		return -ENOMEM;
	strcpy(local->path, path);
	local->lock = -1;
	local->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (local->dir < 0) {
		err = msl_fail(errno, "%s: %s", path, strerror(errno));
		free(local);
		return err;
	}
	local->disk.ops = !(flags & MSL_DISK_NO_URING) && msl_uring_works() ? &msl_uring_ops : &msl_plain_ops;
	*disk = &local->disk;
	return 0;
}

void msl_disk_close(struct msl_disk *disk)
{
	if (disk)
		disk->ops->close(disk);
}

bool msl_disk_is_uring(const struct msl_disk *disk)
{
	return disk->ops == &msl_uring_ops;
}
