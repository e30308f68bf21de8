// SPDX-License-Identifier: GPL-2.0-only
#include "faultydisk.h"
#include "home.h"

struct faulty_file {
	struct msl_file file;
	struct msl_file *inner;
};

static struct faulty_disk *disk_of(struct msl_disk *disk)
{
	return (struct faulty_disk *)disk;
}

static struct faulty_disk *disk_of_file(struct msl_file *file)
{
	return disk_of(file->disk);
}

static struct msl_file *inner_of(struct msl_file *file)
{
	return ((struct faulty_file *)file)->inner;
}

/* 0, or how this call fails. */
static int ask(struct faulty_disk *faulty, enum faulty_call call)
{
	faulty->calls[call]++;
	faulty->all++;
	if (faulty->fail_at == faulty->all && faulty->for_good)
		faulty->broken[call] = faulty->error;
	if (faulty->fail_at == faulty->all)
		return faulty->error;
	return faulty->broken[call];
}

static void faulty_close(struct msl_disk *disk)
{
	msl_disk_close(disk_of(disk)->inner);
	disk_of(disk)->inner = NULL;
}

static int faulty_lock(struct msl_disk *disk, const char *name)
{
	return disk_of(disk)->inner->ops->lock(disk_of(disk)->inner, name);
}

static int faulty_list(struct msl_disk *disk, int (*each)(void *arg, const char *name), void *arg)
{
	return disk_of(disk)->inner->ops->list(disk_of(disk)->inner, each, arg);
}

static int faulty_rename(struct msl_disk *disk, const char *from, const char *to)
{
	return ask(disk_of(disk), FAULTY_RENAME) ?: disk_of(disk)->inner->ops->rename(disk_of(disk)->inner, from, to);
}

static int faulty_unlink(struct msl_disk *disk, const char *name)
{
	return ask(disk_of(disk), FAULTY_UNLINK) ?: disk_of(disk)->inner->ops->unlink(disk_of(disk)->inner, name);
}

static int faulty_sync_dir(struct msl_disk *disk)
{
	return ask(disk_of(disk), FAULTY_SYNC_DIR);
}

static int faulty_file_open(struct msl_disk *disk, const char *name, int how, struct msl_file **out)
{
	struct faulty_disk *faulty = disk_of(disk);
	struct faulty_file *file;
	struct msl_file *inner;
	int err = ask(faulty, FAULTY_OPEN) ?: faulty->inner->ops->file_open(faulty->inner, name, how, &inner);

	*out = NULL;
	if (err)
		return err;
	file = calloc(1, sizeof(*file));
	file->file.disk = disk;
	file->inner = inner;
	*out = &file->file;
	return 0;
}

static void faulty_file_close(struct msl_file *file)
{
	inner_of(file)->disk->ops->file_close(inner_of(file));
	free(file);
}

static ssize_t faulty_read(struct msl_file *file, void *to, size_t bytes, uint64_t at)
{
	return ask(disk_of_file(file), FAULTY_READ) ?: inner_of(file)->disk->ops->read(inner_of(file), to, bytes, at);
}

static int faulty_write(struct msl_file *file, const void *from, size_t bytes, uint64_t at)
{
	return ask(disk_of_file(file), FAULTY_WRITE) ?: inner_of(file)->disk->ops->write(inner_of(file), from, bytes, at);
}

static int faulty_allocate(struct msl_file *file, uint64_t bytes)
{
	return ask(disk_of_file(file), FAULTY_ALLOCATE) ?: inner_of(file)->disk->ops->allocate(inner_of(file), bytes);
}

static int faulty_truncate(struct msl_file *file, uint64_t bytes)
{
	return ask(disk_of_file(file), FAULTY_TRUNCATE) ?: inner_of(file)->disk->ops->truncate(inner_of(file), bytes);
}

static int faulty_size(struct msl_file *file, uint64_t *bytes)
{
	return inner_of(file)->disk->ops->size(inner_of(file), bytes);
}

static int faulty_data_end(struct msl_file *file, uint64_t *end)
{
	return inner_of(file)->disk->ops->data_end(inner_of(file), end);
}

static int faulty_sync(struct msl_file *file)
{
	return ask(disk_of_file(file), FAULTY_SYNC);
}

static int faulty_sync_begin(struct msl_file *file)
{
	return 0;
}

static int faulty_sync_end(struct msl_file *file, bool wait)
{
	if (disk_of_file(file)->slow && !wait)
		return -EAGAIN;
	return ask(disk_of_file(file), FAULTY_SYNC);
}

static const struct msl_disk_ops faulty_ops = {
	.name = "faulty",
	.close = faulty_close,
	.lock = faulty_lock,
	.list = faulty_list,
	.rename = faulty_rename,
	.unlink = faulty_unlink,
	.sync_dir = faulty_sync_dir,
	.file_open = faulty_file_open,
	.file_close = faulty_file_close,
	.read = faulty_read,
	.write = faulty_write,
	.allocate = faulty_allocate,
	.truncate = faulty_truncate,
	.size = faulty_size,
	.data_end = faulty_data_end,
	.sync = faulty_sync,
	.sync_begin = faulty_sync_begin,
	.sync_end = faulty_sync_end,
};

void faulty_begin(struct faulty_disk *faulty, struct msl_disk *inner)
{
	memset(faulty, 0, sizeof(*faulty));
	faulty->disk.ops = &faulty_ops;
	faulty->inner = inner;
}
