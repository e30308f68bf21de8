// SPDX-License-Identifier: MIT
/*
 * Files written through io_uring. What is written is copied into pieces that follow one another in the file; a piece that is full is
 * on its way at once, so that the next can be filled meanwhile. A sync that takes its time goes behind the last piece as one chain.
 *
 * One who waits for a sync right away is served by plain calls, which need no second thread. What goes wrong on the way is put right
 * likewise: a piece whose write came short, or found the disk full, is written once more by a plain call.
 *
 * Each file has a ring of its own, so that files can be written by different threads. One for which no ring could be had is written by
 * plain calls.
 */
#include <liburing.h>
#include <string.h>
#include <unistd.h>
#include "disk_local.h"

#define PIECE		(256u << 10)
#define PIECES		8u
#define SYNC		PIECES		/* user_data of the sync; a piece's is its number */

enum piece_state {
	PIECE_FREE,
	PIECE_FILLING,
	PIECE_FLYING,
	PIECE_LEFT,			/* its write failed, and has to be done once more */
};

struct piece {
	enum piece_state state;
	size_t used;
	uint64_t at;
	uint8_t *bytes;
};

enum sync_state {
	SYNC_NONE,
	SYNC_FLYING,
	SYNC_LEFT,			/* something before it failed: it has to be done once more */
	SYNC_DONE,
};

struct uring_file {
	struct local_file local;
	struct io_uring ring;
	bool has_ring;
	bool broken;			/* nobody knows which completions will come */
	unsigned int flying;		/* writes */
	enum sync_state sync;
	struct piece *filling;		/* NULL: none */
	struct piece piece[PIECES];
};

static struct uring_file *uring_file_of(struct msl_file *file)
{
	return (struct uring_file *)file;
}

bool msl_uring_works(void)
{
	struct io_uring ring;

	if (io_uring_queue_init(2, &ring, 0))
		return false;
	io_uring_queue_exit(&ring);
	return true;
}

/* ------------------------------------------------------------------------------------------------------ completions */

static void write_done(struct uring_file *file, struct piece *piece, int result)
{
	file->flying--;
	piece->state = result >= 0 && (size_t)result == piece->used ? PIECE_FREE : PIECE_LEFT;
}

static void sync_done(struct uring_file *file, int result)
{
	if (result == -ECANCELED || result == -EINTR || result == -EAGAIN) {
		file->sync = SYNC_LEFT;
		return;
	}
	if (result)
		file->local.error = msl_disk_is_full(result) ? EIO : -result;
	file->sync = SYNC_DONE;
}

static void cqe_take(struct uring_file *file, struct io_uring_cqe *cqe)
{
	uint64_t what = io_uring_cqe_get_data64(cqe);

	if (what == SYNC)
		sync_done(file, cqe->res);
	else
		write_done(file, &file->piece[what], cqe->res);
	io_uring_cqe_seen(&file->ring, cqe);
}

static void reap(struct uring_file *file)
{
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&file->ring, &cqe))
		cqe_take(file, cqe);
}

/* Sleeps until one more has come. */
static int reap_one(struct uring_file *file)
{
	struct io_uring_cqe *cqe;
	int err;

	do {
		err = io_uring_wait_cqe(&file->ring, &cqe);
	} while (err == -EINTR || err == -EAGAIN);
	if (err) {
		file->broken = true;
		return local_fail(&file->local, -err, "waiting for io_uring");
	}
	cqe_take(file, cqe);
	reap(file);
	return 0;
}

static int ring_submit(struct uring_file *file)
{
	int n;

	while (io_uring_sq_ready(&file->ring)) {
		n = io_uring_submit(&file->ring);
		if (n >= 0 || n == -EINTR || n == -EAGAIN || n == -EBUSY)
			continue;
		file->broken = true;
		return local_fail(&file->local, -n, "submitting to io_uring");
	}
	return 0;
}

/* ---------------------------------------------------------------------------------------------------------- writing */

static int piece_write(struct uring_file *file, struct piece *piece)
{
	int err = local_pwrite(&file->local, piece->bytes, piece->used, piece->at);

	piece->state = err ? PIECE_LEFT : PIECE_FREE;
	return err;
}

/* What has failed so far, once more. */
static int write_left(struct uring_file *file)
{
	unsigned int i;
	int err = 0;

	reap(file);
	for (i = 0; !err && i < PIECES; i++)
		if (file->piece[i].state == PIECE_LEFT)
			err = piece_write(file, &file->piece[i]);
	return err;
}

static int write_settle(struct uring_file *file)
{
	int err = 0;

	while (!err && file->flying)
		err = reap_one(file);
	return err ? err : write_left(file);
}

/* The queue has more entries than there are pieces and a sync. */
static void piece_prepare(struct uring_file *file, struct piece *piece, unsigned int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&file->ring);

	io_uring_prep_write(sqe, file->local.fd, piece->bytes, (unsigned int)piece->used, piece->at);
	io_uring_sqe_set_data64(sqe, (uint64_t)(piece - file->piece));
	sqe->flags |= (uint8_t)flags;
	piece->state = PIECE_FLYING;
	file->flying++;
}

static int piece_launch(struct uring_file *file)
{
	struct piece *piece = file->filling;

	file->filling = NULL;
	if (!piece)
		return 0;
	piece_prepare(file, piece, 0);
	return ring_submit(file);
}

static struct piece *piece_find_free(struct uring_file *file)
{
	unsigned int i;

	for (i = 0; i < PIECES; i++)
		if (file->piece[i].state == PIECE_FREE)
			return &file->piece[i];
	return NULL;
}

static int piece_begin(struct uring_file *file, uint64_t at)
{
	struct piece *piece;
	int err = write_left(file);

	while (!err && !(piece = piece_find_free(file))) {
		err = reap_one(file);
		if (!err)
			err = write_left(file);
	}
	if (err)
		return err;
	if (!piece->bytes)
		piece->bytes = msl_alloc(PIECE);
	if (!piece->bytes)
		return -ENOMEM;
	*piece = (struct piece){ PIECE_FILLING, 0, at, piece->bytes };
	file->filling = piece;
	return 0;
}

static bool piece_goes_on(const struct piece *piece, uint64_t at)
{
	return piece && piece->used < PIECE && piece->at + piece->used == at;
}

static int stage(struct uring_file *file, const uint8_t *from, size_t bytes, uint64_t at)
{
	size_t n;
	int err = 0;

	for (; bytes; bytes -= n, from += n, at += n) {
		if (!piece_goes_on(file->filling, at)) {
			err = piece_launch(file);
			if (!err)
				err = piece_begin(file, at);
		}
		if (err)
			return err;
		n = PIECE - file->filling->used;
		n = n < bytes ? n : bytes;
		memcpy(file->filling->bytes + file->filling->used, from, n);
		file->filling->used += n;
	}
	return 0;
}

static int uring_write(struct msl_file *to, const void *from, size_t bytes, uint64_t at)
{
	struct uring_file *file = uring_file_of(to);

	if (file->local.error)
		return local_refuse(&file->local);
	return file->has_ring ? stage(file, from, bytes, at) : local_pwrite(&file->local, from, bytes, at);
}

/* All that was written is in the file: the last piece by a plain call. */
static int write_all(struct uring_file *file)
{
	int err = write_settle(file);

	if (err || !file->filling)
		return err;
	err = piece_write(file, file->filling);
	file->filling = NULL;
	return err;
}

/* ---------------------------------------------------------------------------------------------------------- syncing */

static int sync_now(struct uring_file *file)
{
	int err = write_all(file);

	return err ? err : local_fdatasync(&file->local);
}

static int uring_sync(struct msl_file *to)
{
	struct uring_file *file = uring_file_of(to);
	int err = 0;

	while (!err && file->sync == SYNC_FLYING)
		err = reap_one(file);
	if (file->local.error)
		return local_refuse(&file->local);
	return err ? err : sync_now(file);
}

static void sync_prepare(struct uring_file *file)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&file->ring);

	io_uring_prep_fsync(sqe, file->local.fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data64(sqe, SYNC);
	file->sync = SYNC_FLYING;
}

/* Behind all that is in the file already, the last piece and the sync go as one chain. */
static int sync_launch(struct uring_file *file)
{
	struct piece *piece = file->filling;

	if (piece)
		piece_prepare(file, piece, IOSQE_IO_LINK);
	file->filling = NULL;
	sync_prepare(file);
	return ring_submit(file);
}

static int uring_sync_begin(struct msl_file *to)
{
	struct uring_file *file = uring_file_of(to);
	int err;

	if (file->sync != SYNC_NONE)
		return msl_fail(EBUSY, "%s: it is being synced", file->local.name);
	if (file->local.error)
		return local_refuse(&file->local);
	if (!file->has_ring) {
		file->sync = SYNC_LEFT;
		return 0;
	}
	err = write_settle(file);
	return err ? err : sync_launch(file);
}

static int sync_result(struct uring_file *file)
{
	int err = 0;

	if (file->sync == SYNC_LEFT)
		err = sync_now(file);
	if (!msl_disk_is_full(err))
		file->sync = SYNC_NONE;
	if (!err && file->local.error)
		err = local_refuse(&file->local);
	return err;
}

static int uring_sync_end(struct msl_file *to, bool wait)
{
	struct uring_file *file = uring_file_of(to);
	int err = 0;

	if (file->has_ring)
		reap(file);
	while (!err && wait && file->sync == SYNC_FLYING)
		err = reap_one(file);
	if (err)
		return err;
	return file->sync == SYNC_FLYING ? -EAGAIN : sync_result(file);
}

/* ------------------------------------------------------------------------------------------------------------ files */

static int uring_file_open(struct msl_disk *disk, const char *name, int how, struct msl_file **file)
{
	struct uring_file *uring = msl_alloc(sizeof(*uring));
	int err = uring ? local_file_init(&uring->local, disk, name, how) : -ENOMEM;

	*file = err ? NULL : &uring->local.file;
	if (err) {
		free(uring);
		return err;
	}
	uring->has_ring = how != MSL_FILE_READ && !io_uring_queue_init(2 * PIECES, &uring->ring, 0);
	return 0;
}

/* The kernel may be reading from the pieces until their completions have come; if it cannot be told whether they have, they stay. */
static void uring_file_close(struct msl_file *to)
{
	struct uring_file *file = uring_file_of(to);
	unsigned int i;

	while (!file->broken && (file->flying || file->sync == SYNC_FLYING))
		reap_one(file);
	if (file->has_ring)
		io_uring_queue_exit(&file->ring);
	for (i = 0; !file->broken && i < PIECES; i++)
		free(file->piece[i].bytes);
	local_file_end(&file->local);
	free(file);
}

const struct msl_disk_ops msl_uring_ops = {
	.name = "io_uring",
	.close = local_close,
	.lock = local_lock,
	.list = local_list,
	.rename = local_rename,
	.unlink = local_unlink,
	.sync_dir = local_sync_dir,
	.file_open = uring_file_open,
	.file_close = uring_file_close,
	.read = local_read,
	.write = uring_write,
	.allocate = local_allocate,
	.truncate = local_truncate,
	.size = local_size,
	.data_end = local_data_end,
	.sync = uring_sync,
	.sync_begin = uring_sync_begin,
	.sync_end = uring_sync_end,
};
