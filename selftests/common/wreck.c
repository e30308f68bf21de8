// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <sys/stat.h>
#include "wreck.h"

struct wreck_disk {
	struct msl_disk disk;
	struct wreck *wreck;
	bool has_lock;
};

struct wreck_handle {
	struct msl_file file;
	struct wreck *wreck;
	struct wreck_file *inode;
	bool syncing, failed;
};

static struct wreck *wreck_of(struct msl_disk *disk)
{
	return ((struct wreck_disk *)disk)->wreck;
}

static struct wreck_handle *handle_of(struct msl_file *file)
{
	return (struct wreck_handle *)file;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	struct rng rng = { a ^ b * 0x9e3779b97f4a7c15ull };

	return rng_next(&rng);
}

static void *grown(void *array, size_t n, size_t *room, size_t bytes)
{
	if (n < *room)
		return array;
	*room = 2 * *room + 8;
	return realloc(array, *room * bytes);
}

static int ask(struct wreck *wreck, enum wreck_call call)
{
	int err;

	if (wreck->gone)
		return msl_fail(EIO, "the test's disk: nobody writes to it any more");
	wreck->calls++;
	err = wreck->boundary ? wreck->boundary(wreck->arg, call) : 0;
	return err ? msl_fail(-err, "the test's disk: %s", strerror(-err)) : 0;
}

/* ------------------------------------------------------------------------------------------------------------- names */

static struct wreck_name *name_find(struct wreck_name *names, const char *name)
{
	unsigned int i;

	for (i = 0; i < WRECK_NAMES; i++)
		if (!strcmp(names[i].name, name))
			return &names[i];
	return NULL;
}

static void name_remove(struct wreck_name *names, const char *name)
{
	struct wreck_name *found = name_find(names, name);

	if (found)
		*found = (struct wreck_name){ "" };
}

static void name_put(struct wreck_name *names, const struct wreck_name *name)
{
	struct wreck_name *at = name_find(names, name->name) ?: name_find(names, "");

	if (!at)
		abort();
	*at = *name;
}

static void apply_step(struct wreck_name *names, const struct wreck_step *step)
{
	if (step->how != WRECK_OPEN)
		name_remove(names, step->from.name);
	if (step->how != WRECK_UNLINK)
		name_put(names, &step->to);
}

static void step_add(struct wreck *wreck, const struct wreck_step *step)
{
	wreck->steps = grown(wreck->steps, wreck->nsteps, &wreck->steps_room, sizeof(*step));
	wreck->steps[wreck->nsteps++] = *step;
	apply_step(wreck->now, step);
}

/* ------------------------------------------------------------------------------------------------------------- files */

static struct wreck_file *file_new(struct wreck *wreck, size_t room)
{
	struct wreck_file *file = calloc(1, sizeof(*file));

	wreck->files = grown(wreck->files, wreck->nfiles, &wreck->files_room, sizeof(*wreck->files));
	wreck->files[wreck->nfiles++] = file;
	file->number = ++wreck->numbers;
	file->room = room;
	file->now = calloc(1, room);
	file->certain = calloc(1, room);
	return file;
}

static void file_free(struct wreck_file *file)
{
	size_t i;

	for (i = 0; i < file->nchanges; i++)
		free(file->changes[i].data);
	free(file->changes);
	free(file->now);
	free(file->certain);
	free(file);
}

static void file_room(struct wreck_file *file, size_t bytes)
{
	size_t room = (bytes + 4095) / 4096 * 4096;

	if (bytes <= file->room)
		return;
	file->now = realloc(file->now, room);
	file->certain = realloc(file->certain, room);
	memset(file->now + file->room, 0, room - file->room);
	memset(file->certain + file->room, 0, room - file->room);
	file->room = room;
}

static size_t bytes_after(const struct wreck_change *change, size_t bytes)
{
	size_t end = change->how == WRECK_WRITE ? change->at + change->bytes : change->at;

	return change->how == WRECK_TRUNCATE || end > bytes ? end : bytes;
}

static void apply_change(uint8_t *to, size_t *bytes, const struct wreck_change *change)
{
	size_t after = bytes_after(change, *bytes);

	if (change->how == WRECK_WRITE)
		memcpy(to + change->at, change->data, change->bytes);
	if (after < *bytes)
		memset(to + after, 0, *bytes - after);
	*bytes = after;
}

static void change_add(struct wreck_file *file, enum wreck_call how, const void *data, size_t bytes, uint64_t at)
{
	struct wreck_change change = { .how = how, .at = at, .bytes = bytes };

	if (data)
		change.data = memcpy(malloc(bytes), data, bytes);
	file_room(file, bytes_after(&change, file->bytes));
	file->changes = grown(file->changes, file->nchanges, &file->changes_room, sizeof(change));
	file->changes[file->nchanges++] = change;
	apply_change(file->now, &file->bytes, &change);
}

/* The first n changes are certain, but for those that were lost before, or are now. */
static void settle(struct wreck_file *file, size_t n, bool lost)
{
	size_t i, kept = 0;

	for (i = 0; i < file->nchanges; i++) {
		struct wreck_change *change = &file->changes[i];

		change->lost |= lost && i < n;
		if (i < n && !change->lost) {
			apply_change(file->certain, &file->certain_bytes, change);
			free(change->data);
		} else {
			file->changes[kept++] = *change;
		}
	}
	file->nchanges = kept;
	file->syncing -= file->syncing < n ? file->syncing : n;
}

/* ---------------------------------------------------------------------------------------------------------- the disk */

static void disk_close(struct msl_disk *disk)
{
	struct wreck_disk *handle = (struct wreck_disk *)disk;

	if (handle->has_lock)
		handle->wreck->locked = false;
	free(handle);
}

static int disk_lock(struct msl_disk *disk, const char *name)
{
	struct wreck_disk *handle = (struct wreck_disk *)disk;

	if (handle->wreck->locked)
		return msl_fail(EWOULDBLOCK, "another has the lock");
	handle->wreck->locked = true;
	handle->has_lock = true;
	return 0;
}

static int disk_list(struct msl_disk *disk, int (*each)(void *arg, const char *name), void *arg)
{
	struct wreck *wreck = wreck_of(disk);
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < WRECK_NAMES; i++)
		if (*wreck->now[i].name)
			err = each(arg, wreck->now[i].name);
	return err;
}

static int fail_no_file(const char *name)
{
	return msl_fail(ENOENT, "%s: %s", name, strerror(ENOENT));
}

/* One that fails may have been done. */
static bool is_left_out(struct wreck *wreck, int err)
{
	return wreck->gone || msl_disk_is_full(err) || (err && rng_once_in(&wreck->rng, 2));
}

static int disk_rename(struct msl_disk *disk, const char *from, const char *to)
{
	struct wreck *wreck = wreck_of(disk);
	struct wreck_step step = { .how = WRECK_RENAME };
	int err = ask(wreck, WRECK_RENAME);

	if (is_left_out(wreck, err))
		return err;
	if (!name_find(wreck->now, from))
		return fail_no_file(from);
	step.from = *name_find(wreck->now, from);
	step.to.file = step.from.file;
	snprintf(step.to.name, sizeof(step.to.name), "%s", to);
	step_add(wreck, &step);
	return err;
}

static int disk_unlink(struct msl_disk *disk, const char *name)
{
	struct wreck *wreck = wreck_of(disk);
	struct wreck_step step = { .how = WRECK_UNLINK };
	int err = ask(wreck, WRECK_UNLINK);

	if (is_left_out(wreck, err))
		return err;
	if (!name_find(wreck->now, name))
		return fail_no_file(name);
	step.from = *name_find(wreck->now, name);
	step_add(wreck, &step);
	return err;
}

static bool is_named(const struct wreck_name *names, const struct wreck_file *file)
{
	unsigned int i;

	for (i = 0; i < WRECK_NAMES; i++)
		if (names[i].file == file)
			return true;
	return false;
}

/* Files that no image can have any more. */
static void forget_files(struct wreck *wreck)
{
	size_t i, kept = 0;

	for (i = 0; i < wreck->nfiles; i++)
		if (!wreck->files[i]->users && !is_named(wreck->now, wreck->files[i]))
			file_free(wreck->files[i]);
		else
			wreck->files[kept++] = wreck->files[i];
	wreck->nfiles = kept;
}

static int disk_sync_dir(struct msl_disk *disk)
{
	struct wreck *wreck = wreck_of(disk);
	int err = ask(wreck, WRECK_SYNC_DIR);

	if (err)
		return err;
	memcpy(wreck->certain, wreck->now, sizeof(wreck->certain));
	wreck->nsteps = 0;
	forget_files(wreck);
	return 0;
}

static int file_create(struct wreck *wreck, const char *name, struct wreck_file **file)
{
	struct wreck_step step = { .how = WRECK_OPEN };
	int err = ask(wreck, WRECK_OPEN);

	if (err)
		return err;
	if (name_find(wreck->now, name))
		return msl_fail(EEXIST, "%s: %s", name, strerror(EEXIST));
	*file = file_new(wreck, 4096);
	step.to.file = *file;
	snprintf(step.to.name, sizeof(step.to.name), "%s", name);
	step_add(wreck, &step);
	return 0;
}

static int disk_file_open(struct msl_disk *disk, const char *name, int how, struct msl_file **file)
{
	struct wreck *wreck = wreck_of(disk);
	struct wreck_name *found = name_find(wreck->now, name);
	struct wreck_file *inode = found ? found->file : NULL;
	struct wreck_handle *handle;
	int err = how == MSL_FILE_CREATE ? file_create(wreck, name, &inode) : found ? 0 : fail_no_file(name);

	*file = NULL;
	if (err)
		return err;
	handle = calloc(1, sizeof(*handle));
	handle->file.disk = disk;
	handle->wreck = wreck;
	handle->inode = inode;
	inode->users++;
	*file = &handle->file;
	return 0;
}

static void disk_file_close(struct msl_file *file)
{
	handle_of(file)->inode->users--;
	if (handle_of(file)->syncing)
		handle_of(file)->inode->is_syncing = false;
	free(file);
}

static ssize_t disk_read(struct msl_file *file, void *to, size_t bytes, uint64_t at)
{
	const struct wreck_file *inode = handle_of(file)->inode;
	size_t n = at >= inode->bytes ? 0 : inode->bytes - at;

	n = n < bytes ? n : bytes;
	if (n)
		memcpy(to, inode->now + at, n);
	return (ssize_t)n;
}

/* Asks, and a failure that is not for want of room is final. */
static int file_ask(struct msl_file *file, enum wreck_call call)
{
	struct wreck_handle *handle = handle_of(file);
	int err;

	if (handle->failed)
		return msl_fail(EIO, "the test's disk: it failed before");
	err = ask(handle->wreck, call);
	handle->failed = err && !msl_disk_is_full(err);
	return err;
}

static int disk_write(struct msl_file *file, const void *from, size_t bytes, uint64_t at)
{
	struct wreck_handle *handle = handle_of(file);
	int err = file_ask(file, WRECK_WRITE);
	size_t some = err ? rng_below(&handle->wreck->rng, bytes + 1) : bytes;

	if (some && !handle->wreck->gone)
		change_add(handle->inode, WRECK_WRITE, from, some, at);
	return err;
}

static int disk_allocate(struct msl_file *file, uint64_t bytes)
{
	int err = file_ask(file, WRECK_ALLOCATE);

	if (!err)
		change_add(handle_of(file)->inode, WRECK_ALLOCATE, NULL, 0, bytes);
	return err;
}

static int disk_truncate(struct msl_file *file, uint64_t bytes)
{
	int err = file_ask(file, WRECK_TRUNCATE);

	if (!err)
		change_add(handle_of(file)->inode, WRECK_TRUNCATE, NULL, 0, bytes);
	return err;
}

static int disk_size(struct msl_file *file, uint64_t *bytes)
{
	*bytes = handle_of(file)->inode->bytes;
	return 0;
}

static int disk_data_end(struct msl_file *file, uint64_t *end)
{
	const struct wreck_file *inode = handle_of(file)->inode;

	for (*end = inode->bytes; *end && !inode->now[*end - 1]; --*end)
		;
	return 0;
}

static int disk_sync(struct msl_file *file)
{
	int err = file_ask(file, WRECK_SYNC);

	if (!handle_of(file)->wreck->gone)
		settle(handle_of(file)->inode, handle_of(file)->inode->nchanges, err);
	return err;
}

static int disk_sync_begin(struct msl_file *file)
{
	struct wreck_file *inode = handle_of(file)->inode;
	int err = file_ask(file, WRECK_SYNC_BEGIN);

	if (!err && inode->is_syncing)
		err = msl_fail(EBUSY, "it is being synced");
	if (err)
		return err;
	inode->is_syncing = true;
	handle_of(file)->syncing = true;
	inode->syncing = inode->nchanges;
	return 0;
}

static int disk_sync_end(struct msl_file *file, bool wait)
{
	struct wreck_handle *handle = handle_of(file);
	int err;

	if (!handle->syncing)
		return msl_fail(EINVAL, "no sync was begun");
	if (!wait && handle->wreck->slow && !rng_once_in(&handle->wreck->rng, handle->wreck->slow))
		return -EAGAIN;
	err = file_ask(file, WRECK_SYNC_END);
	if (!handle->wreck->gone)
		settle(handle->inode, handle->inode->syncing, err);
	handle->syncing = false;
	handle->inode->is_syncing = false;
	return err;
}

static const struct msl_disk_ops wreck_ops = {
	.name = "wreck",
	.close = disk_close,
	.lock = disk_lock,
	.list = disk_list,
	.rename = disk_rename,
	.unlink = disk_unlink,
	.sync_dir = disk_sync_dir,
	.file_open = disk_file_open,
	.file_close = disk_file_close,
	.read = disk_read,
	.write = disk_write,
	.allocate = disk_allocate,
	.truncate = disk_truncate,
	.size = disk_size,
	.data_end = disk_data_end,
	.sync = disk_sync,
	.sync_begin = disk_sync_begin,
	.sync_end = disk_sync_end,
};

int wreck_open(struct wreck *wreck, struct msl_disk **disk)
{
	struct wreck_disk *handle = calloc(1, sizeof(*handle));

	handle->disk.ops = &wreck_ops;
	handle->wreck = wreck;
	*disk = &handle->disk;
	return 0;
}

void wreck_begin(struct wreck *wreck, uint64_t seed)
{
	memset(wreck, 0, sizeof(*wreck));
	wreck->rng.state = seed;
}

void wreck_end(struct wreck *wreck)
{
	size_t i;

	for (i = 0; i < wreck->nfiles; i++)
		file_free(wreck->files[i]);
	free(wreck->files);
	free(wreck->steps);
}

/* ------------------------------------------------------------------------------------------------------------ images */

/* How an image is drawn. */
struct draw {
	uint64_t seed;
	bool all, none;
	unsigned int liked;		/* of 8: how many sectors hold the last that was written to them */
	bool in_order;			/* the directory's changes come to disk one behind the other */
	bool noise;
	struct rng rng;
};

static struct draw draw_for(uint64_t number)
{
	struct draw draw = { .seed = number, .none = !number, .all = number == 1, .rng = { number } };

	draw.liked = (unsigned int)rng_below(&draw.rng, 9);
	draw.in_order = rng_once_in(&draw.rng, 2);
	draw.noise = rng_once_in(&draw.rng, 8);
	return draw;
}

/* 0 .. n: so many of the changes have come to that place. */
static size_t how_many(const struct draw *draw, uint64_t place, size_t n)
{
	uint64_t drawn = mix(draw->seed, place);

	if (draw->all || draw->none)
		return draw->all ? n : 0;
	return (drawn & 7) < draw->liked ? n : (drawn >> 3) % (n + 1);
}

static void image_write(const struct draw *draw, const struct wreck_file *file, size_t number, uint8_t *to, uint8_t *written)
{
	const struct wreck_change *change = &file->changes[number];
	uint64_t at = change->at, end = at + change->bytes, next;

	for (; at < end; at = next) {
		next = (at / WRECK_SECTOR + 1) * WRECK_SECTOR;
		next = next < end ? next : end;
		if (how_many(draw, mix(file->number, at / WRECK_SECTOR), file->nchanges) <= number)
			continue;
		memcpy(to + at, change->data + (at - change->at), next - at);
		written[at / WRECK_SECTOR] = 1;
	}
}

static void image_noise(const struct draw *draw, const struct wreck_file *file, struct wreck_file *to, const uint8_t *written)
{
	struct rng rng = { mix(draw->seed, file->number) };
	size_t sector = (file->certain_bytes + WRECK_SECTOR - 1) / WRECK_SECTOR;

	for (; draw->noise && (sector + 1) * WRECK_SECTOR <= to->bytes; sector++)
		if (!written[sector])
			rng_fill(&rng, to->now + sector * WRECK_SECTOR, WRECK_SECTOR);
}

static struct wreck_file *image_file(const struct draw *draw, const struct wreck_file *file, struct wreck *image)
{
	size_t length = how_many(draw, mix(file->number, ~0ull), file->nchanges), i;
	struct wreck_file *to = file_new(image, file->room);
	uint8_t *written = calloc(1, file->room / WRECK_SECTOR + 1);

	to->bytes = file->certain_bytes;
	memcpy(to->now, file->certain, file->room);
	for (i = 0; i < file->nchanges; i++) {
		if (file->changes[i].how == WRECK_WRITE)
			image_write(draw, file, i, to->now, written);
		if (i < length)
			to->bytes = bytes_after(&file->changes[i], to->bytes);
	}
	memset(to->now + to->bytes, 0, to->room - to->bytes);
	image_noise(draw, file, to, written);
	memcpy(to->certain, to->now, to->room);
	to->certain_bytes = to->bytes;
	free(written);
	return to;
}

/* A name may come or go before or behind all others. */
static void image_names(struct draw *draw, const struct wreck *wreck, struct wreck_name *names)
{
	size_t upto = how_many(draw, ~0ull, wreck->nsteps), i;
	bool in_order;

	memcpy(names, wreck->certain, sizeof(wreck->certain));
	for (i = 0; i < wreck->nsteps; i++) {
		in_order = draw->all || draw->none || draw->in_order;
		if (in_order ? i < upto : rng_once_in(&draw->rng, 2))
			apply_step(names, &wreck->steps[i]);
	}
}

void wreck_image(const struct wreck *wreck, uint64_t number, struct wreck *image)
{
	struct draw draw = draw_for(number);
	unsigned int i;

	wreck_begin(image, number);
	image->slow = wreck->slow;
	image_names(&draw, wreck, image->now);
	for (i = 0; i < WRECK_NAMES; i++)
		if (image->now[i].file)
			image->now[i].file = image_file(&draw, image->now[i].file, image);
	memcpy(image->certain, image->now, sizeof(image->now));
}

static uint64_t print_bytes(uint64_t print, const uint8_t *at, size_t bytes)
{
	uint64_t word;

	for (; bytes >= sizeof(word); bytes -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		print = (print ^ word) * 0xff51afd7ed558ccdull;
		print ^= print >> 29;
	}
	for (; bytes; bytes--)
		print = (print ^ *at++) * 0xff51afd7ed558ccdull;
	return print ^ print >> 31;
}

uint64_t wreck_print(const struct wreck *wreck)
{
	uint64_t print = 0, one;
	unsigned int i;

	for (i = 0; i < WRECK_NAMES; i++) {
		const struct wreck_name *name = &wreck->now[i];

		if (!name->file)
			continue;
		one = print_bytes(1, (const uint8_t *)name->name, strlen(name->name));
		print += mix(print_bytes(one, name->file->now, name->file->bytes), name->file->bytes);
	}
	return print;
}

bool wreck_is_certain(const struct wreck *wreck)
{
	size_t i;

	for (i = 0; i < wreck->nfiles; i++)
		if (wreck->files[i]->nchanges)
			return false;
	return !wreck->nsteps;
}

void wreck_dump(const struct wreck *wreck, const char *directory)
{
	char path[256];
	unsigned int i;
	FILE *to;

	mkdir(directory, 0700);
	for (i = 0; i < WRECK_NAMES; i++) {
		if (!wreck->now[i].file)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, wreck->now[i].name);
		to = fopen(path, "w");
		if (!to)
			return;
		fwrite(wreck->now[i].file->now, 1, wreck->now[i].file->bytes, to);
		fclose(to);
	}
}
