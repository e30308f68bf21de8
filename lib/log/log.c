// SPDX-License-Identifier: MIT
/*
 * Opening a log. The order matters: the directory is ours before anything in it is believed, and before the space's log is opened the
 * directory has a segment with the log's id, so that whoever comes after a sudden end finds out which log this is. With TAKE_OVER the writer
 * who has the directory is fenced first; he lets go of it when he notices.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include "log.h"

#define INTERVAL_MS	100u
#define FLUSH_BYTES	(1u << 20)
#define SEGMENT_BYTES	(64u << 20)
#define TICK_BYTES	96u		/* of records, that a tick comes to at least */
#define KEEP		2u
#define NO_TICK		UINT64_MAX
#define CHECKPOINT_LOOK_NS	1000000ull
#define FENCE_NS	10000000000ull	/* how long one who was fenced may take to notice */
#define OPT_KNOWN	(MMSB_LOG_OPT_ZSTD | MMSB_LOG_OPT_NO_URING | MMSB_LOG_OPT_TAKE_OVER | MMSB_LOG_OPT_NO_THREAD | \
			 MMSB_LOG_OPT_KEEP_ALL | MMSB_LOG_OPT_NO_CREATE)

struct opening {
	struct mmsb_log *log;
	struct mmsb_log_opts opts;
	uint32_t asked_mode;
	struct mmsb_durability_args before;	/* how the space stood */
	struct mmsb_history_open_args args;
	struct msl_start start;
	uint64_t hash[2], hash_tick;	/* of the space, before its log was opened; hash_tick NO_TICK: not looked at */
};

static bool had_log(const struct opening *o)
{
	return o->before.log_id[0] | o->before.log_id[1];
}

static void tell_stderr(void *arg, int severity, const char *text)
{
	const struct mmsb_log *log = arg;

	if (severity <= LOG_WARNING)
		fprintf(stderr, "mmsb: log %s: %s\n", log->dir, text);
}

/* --------------------------------------------------------------------------------------------------------- directory */

static int directory_open(struct opening *o)
{
	uint32_t flags = o->opts.flags & MMSB_LOG_OPT_NO_CREATE ? 0 : MSL_DISK_CREATE;

	if (o->opts.flags & MMSB_LOG_OPT_NO_URING)
		flags |= MSL_DISK_NO_URING;
	return msl_disk_open(o->log->dir, flags, &o->log->disk);
}

static int history_open(struct opening *o, const uint64_t id[2])
{
	struct mmsb_history_open_args *args = &o->args;

	args->size = sizeof(*args);
	args->flags = MMSB_HISTORY_LOG | MMSB_HISTORY_COMPACT;
	args->flags |= o->opts.flags & MMSB_LOG_OPT_TAKE_OVER ? MMSB_HISTORY_TAKE_OVER : 0;
	args->flags |= o->log->space->hold ? MMSB_HISTORY_HELD : 0;
	args->limit = o->opts.limit;
	args->mode = o->opts.mode;
	args->log_id[0] = id[0];
	args->log_id[1] = id[1];
	if (o->opts.flush_ticks && o->opts.flush_ticks < MMSB_HISTORY_WAKE / TICK_BYTES)
		args->wake_bytes = o->opts.flush_ticks * TICK_BYTES;
	if (o->opts.flush_bytes < MMSB_HISTORY_WAKE && (!args->wake_bytes || o->opts.flush_bytes < args->wake_bytes))
		args->wake_bytes = o->opts.flush_bytes;
	return msl_source_open(o->log->space, args, &o->log->source);
}

static int wait_for_lock(struct opening *o)
{
	uint64_t end = msl_now() + FENCE_NS;
	struct timespec pause = { .tv_nsec = 5000000 };
	int err;

	while ((err = msl_dir_lock(o->log->disk)) == -EWOULDBLOCK && msl_now() < end)
		nanosleep(&pause, NULL);
	return err;
}

static int directory_lock(struct opening *o)
{
	int err = msl_dir_lock(o->log->disk);

	if (err == -EWOULDBLOCK && o->opts.flags & MMSB_LOG_OPT_TAKE_OVER) {
		err = msl_start_peek(o->log->disk, &o->start.header);
		if (!err)
			err = history_open(o, o->start.header.id);
		if (!err)
			err = wait_for_lock(o);
	}
	if (err == -EWOULDBLOCK)
		return msl_fail(EBUSY, "%s: another process writes to it: end that one, or take the log over", o->log->dir);
	return err;
}

/* ------------------------------------------------------------------------------------------------------------ header */

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static int describe_space(struct opening *o)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct msl_header *header = &o->start.header;
	int err = mmsb_space_info(o->log->space, &info);

	if (err)
		return err;
	header->made = wall_ns();
	header->shards = info.shards;
	header->max_pages = info.max_pages;
	header->max_bytes = info.max_bytes;
	header->max_rings = info.max_rings;
	header->space_flags = info.flags;
	memcpy(header->name, info.name, sizeof(header->name));
	header->name[MMSB_NAME_MAX - 1] = 0;
	header->flags &= ~MSL_HEADER_ZSTD;
	header->flags |= o->opts.flags & MMSB_LOG_OPT_ZSTD ? MSL_HEADER_ZSTD : 0;
	return 0;
}

static int make_id(uint64_t id[2])
{
	if (getrandom(id, 2 * sizeof(*id), 0) != 2 * (ssize_t)sizeof(*id))
		return msl_fail(errno, "random numbers for the log's id: %s", strerror(errno));
	id[0] |= 1;
	return 0;
}

/* A log's first segment, which says no more than which log it is: it is made anew as soon as it is known where the log begins. */
static int begin_directory(struct opening *o)
{
	struct msl_header *header = &o->start.header;
	struct msl_segment *segment;
	char name[MSL_NAME_BYTES];
	int err;

	if (had_log(o))
		return msl_fail(ENODATA, "%s holds no log, but the space has one: name the directory that it is in, or set the space to MEMORY to "
				"end it", o->log->dir);
	if (o->opts.flags & MMSB_LOG_OPT_NO_CREATE)
		return msl_fail(ENOENT, "%s holds no log", o->log->dir);
	err = make_id(header->id);
	if (err)
		return err;
	header->tick = o->before.tick;
	o->start.virgin = true;
	msl_segment_name(name, 0);
	err = msl_segment_create(o->log->disk, name, header, 0, &segment);
	if (!err)
		msl_segment_close(segment);
	return err;
}

/* ------------------------------------------------------------------------------------------------- does it fit the space */

static int fail_other_state(const struct opening *o)
{
	return msl_fail(EBADMSG, "%s holds a log that ends at tick %" PRIu64 ", and the space, at tick %" PRIu64 ", does not stand as it says: "
			"restore the space from it, or begin another log", o->log->dir, o->start.tick, (uint64_t)o->args.durable);
}

/* Before the log is opened, for others may write as soon as it is; the tick says whether anybody did in between. */
static int look_at_hash(struct opening *o)
{
	struct mmsb_space *space = o->log->space;
	int err;

	if (had_log(o) || !(o->start.header.flags & MSL_HEADER_HASHED))
		return 0;
	err = mmsb_hash(space, 0, o->hash, &o->hash_tick);
	return err == -ENODATA ? mmsb_hash(space, MMSB_HASH_RECOMPUTE, o->hash, &o->hash_tick) : err;
}

/* The space, which had no log until now, has come to where the files end: by being restored from them, say. */
static int check_state(const struct opening *o)
{
	const struct msl_header *header = &o->start.header;

	if (o->args.durable < o->start.tick)
		return fail_other_state(o);
	if (!(header->flags & MSL_HEADER_HASHED))
		return o->args.durable == o->start.tick ? 0 : fail_other_state(o);
	if (o->hash_tick != o->args.durable)
		return msl_fail(EBADMSG, "%s: the space was written to while its log was being opened", o->log->dir);
	return memcmp(o->hash, header->hash, sizeof(o->hash)) ? fail_other_state(o) : 0;
}

static int check_fit(struct opening *o)
{
	if (!o->start.virgin && !had_log(o))
		return check_state(o);
	if (!o->start.virgin) {
		/*
		 * The space was told that more is durable than the files hold: they were changed behind its back, or a checkpoint was not finished,
		 * whose tick no segment holds. Either way nothing more may be durable before all of it is on disk.
		 */
		if (o->args.durable > o->start.held)
			o->start.based = false;
		return 0;
	}
	o->start.tick = o->args.durable;
	o->start.header.tick = o->args.durable;
	o->start.based = !o->args.durable;
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- opening */

static void fill_options(struct opening *o)
{
	struct mmsb_log_opts *opts = &o->opts;

	opts->mode = opts->mode ? opts->mode : MMSB_BUFFERED;
	opts->interval_ms = opts->interval_ms ? opts->interval_ms : INTERVAL_MS;
	opts->flush_bytes = opts->flush_bytes ? opts->flush_bytes : FLUSH_BYTES;
	opts->segment_bytes = opts->segment_bytes ? opts->segment_bytes : SEGMENT_BYTES;
	if (opts->limit && opts->flush_bytes > opts->limit / 4)
		opts->flush_bytes = opts->limit / 4;
	opts->keep_checkpoints = opts->keep_checkpoints ? opts->keep_checkpoints : KEEP;
	if (!opts->tell) {
		opts->tell = tell_stderr;
		opts->arg = o->log;
	}
}

static int begin_writer(struct opening *o)
{
	const struct mmsb_log_opts *opts = &o->opts;
	const struct msl_writer_opts writer = {
		.interval_ns = opts->interval_ms * 1000000ull,
		.flush_bytes = opts->flush_bytes,
		.flush_ticks = opts->flush_ticks,
		.segment_bytes = opts->segment_bytes,
		.checkpoint_bytes = opts->checkpoint_bytes,
		.keep = opts->keep_checkpoints,
		.keep_all = opts->flags & MMSB_LOG_OPT_KEEP_ALL,
		.tell = opts->tell,
		.arg = opts->arg,
	};
	struct msl_header *header = &o->start.header;
	int err;

	header->term = o->args.term > header->term ? o->args.term : header->term + 1;
	err = msl_writer_begin(&o->log->writer, &writer, o->log->source, o->log->disk, header, o->start.based);
	if (err)
		return err;
	o->log->writer.clock = msl_now;
	o->log->writer.skip = o->start.tick;
	o->log->writer.reported = o->args.durable;
	o->log->term = header->term;
	o->log->uring = msl_disk_is_uring(o->log->disk);
	return 0;
}

/* The mode that was asked for, if the space had another. */
static int set_mode(struct opening *o)
{
	struct mmsb_durability_args args = { .flags = MMSB_DURABILITY_SET, .mode = o->opts.mode };

	if (!had_log(o) || !o->asked_mode || o->before.mode == o->opts.mode)
		return 0;
	return mmsb_durability(o->log->space, &args);
}

static int open_writer(struct opening *o)
{
	int err = mmsb_durability(o->log->space, &o->before);

	if (!err)
		err = directory_open(o);
	if (!err)
		err = directory_lock(o);
	if (!err)
		err = msl_dir_clean(o->log->disk);
	if (!err)
		err = msl_start_find(o->log->disk, &o->start);
	if (!err)
		err = describe_space(o);
	if (!err && o->start.fresh)
		err = begin_directory(o);
	if (!err)
		err = look_at_hash(o);
	if (!err && !o->log->source)
		err = history_open(o, o->start.header.id);
	if (!err)
		err = check_fit(o);
	if (!err)
		err = set_mode(o);
	return err ? err : begin_writer(o);
}

static int attach(struct mmsb_log *log)
{
	struct mmsb_space *space = log->space;
	int err = 0;

	pthread_mutex_lock(&space->log_lock);
	if (space->log)
		err = msl_fail(EBUSY, "the log is open already, through this handle of the space");
	else
		msl_store(space->log, log);
	pthread_mutex_unlock(&space->log_lock);
	return err;
}

static void detach(struct mmsb_log *log)
{
	msl_thread_stop(log);
	pthread_mutex_lock(&log->space->log_lock);
	if (log->space->log == log)
		msl_store(log->space->log, NULL);
	pthread_mutex_unlock(&log->space->log_lock);
}

static void log_free(struct mmsb_log *log)
{
	struct mmsb_space *space = log->space;

	msl_writer_end(&log->writer);
	if (log->source)
		log->source->ops->close(log->source);
	msl_disk_close(log->disk);
	pthread_cond_destroy(&log->changed);
	free(log->dir);
	free(log);
	msl_space_put(space);
}

/* A log that the space has got just now, and that nothing was written of, is no log: it ends, and without a writer at once. */
static void open_failed(struct opening *o)
{
	struct mmsb_durability_args args = { .flags = MMSB_DURABILITY_SET, .mode = MMSB_MEMORY };
	struct mmsb_log *log = o->log;
	char why[256];

	snprintf(why, sizeof(why), "%s", mmsb_strerror_last());
	if (log->source && !had_log(o)) {
		log->source->ops->close(log->source);
		log->source = NULL;
		mmsb_durability(log->space, &args);
		mmsb_durability(log->space, &args);
	}
	detach(log);
	log_free(log);
	msl_fail(EIO, "%s", why);
}

static struct mmsb_log *log_alloc(struct mmsb_space *space, const char *dir)
{
	struct mmsb_log *log = msl_alloc(sizeof(*log));
	char *copy = msl_alloc(strlen(dir) + 1);
	pthread_condattr_t monotonic;

	if (!log || !copy) {
		free(log);
		free(copy);
		return NULL;
	}
	log->space = space;
	log->dir = strcpy(copy, dir);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&log->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	msl_space_get(space);
	return log;
}

int mmsb_log_open(struct mmsb_space *space, const char *dir, const struct mmsb_log_opts *opts, struct mmsb_log **log)
{
	struct opening o = { .hash_tick = NO_TICK };
	int err;

	*log = NULL;
	err = MSL_OPTS(o.opts, opts);
	if (!err && o.opts.flags & ~OPT_KNOWN)
		err = msl_fail(EINVAL, "flags 0x%x: this library does not know them all", o.opts.flags);
	if (err)
		return err;
	o.asked_mode = o.opts.mode;
	o.log = log_alloc(space, dir);
	if (!o.log)
		return -ENOMEM;
	o.log->flags = o.opts.flags;
	fill_options(&o);
	err = attach(o.log);
	if (!err)
		err = open_writer(&o);
	if (!err)
		err = msl_thread_start(o.log);
	if (err) {
		open_failed(&o);
		return err;
	}
	msl_space_unhold(space);
	*log = o.log;
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- closing */

/* Those who help find no log any more. */
static int flush_and_detach(struct mmsb_log *log)
{
	int err;

	msl_thread_stop(log);
	pthread_mutex_lock(&log->space->log_lock);
	log->running = false;
	err = msl_writer_flush(&log->writer, msl_now());
	if (!err && log->disk && !log->writer.over)
		err = msl_writer_seal(&log->writer);
	if (!err && !log->writer.based && !log->writer.over)
		err = msl_fail(ENODATA, "%s: no checkpoint was made yet of what the space had before its log began, so nothing can be restored: "
			       "open the log again, and it is", log->dir);
	msl_store(log->space->log, NULL);
	pthread_mutex_unlock(&log->space->log_lock);
	return err;
}

int mmsb_log_close(struct mmsb_log *log)
{
	int err;

	if (!log)
		return 0;
	err = flush_and_detach(log);
	log_free(log);
	return err;
}

/* The space tells no more; the writer writes what it has told, and says so. */
static int end_and_flush(struct mmsb_log *log)
{
	struct mmsb_durability_args args = { .flags = MMSB_DURABILITY_SET, .mode = MMSB_MEMORY };
	int err = mmsb_durability(log->space, &args);

	if (!err && !args.failed)
		err = flush_and_detach(log);
	else
		detach(log);
	return err;
}

int mmsb_log_end(struct mmsb_log *log)
{
	int err = end_and_flush(log);

	log_free(log);
	return err;
}

/* ------------------------------------------------------------------------------------------------------------- using */

int mmsb_log_step(struct mmsb_log *log, uint64_t timeout_ns)
{
	uint64_t now = msl_now(), due = log->writer.due;
	int err;

	if (timeout_ns && due > now && !log->writer.error)
		log->source->ops->wait(log->source, due - now < timeout_ns ? due - now : timeout_ns);
	pthread_mutex_lock(&log->space->log_lock);
	err = msl_log_step_locked(log);
	pthread_mutex_unlock(&log->space->log_lock);
	return err;
}

int mmsb_log_stat(struct mmsb_log *log, struct mmsb_log_stat *stat)
{
	const struct msl_writer *writer = &log->writer;
	const struct msl_writer_count *count = &writer->count;
	struct mmsb_log_stat s;

	pthread_mutex_lock(&log->space->log_lock);
	s = (struct mmsb_log_stat){
		.size = sizeof(s), .written = writer->told, .durable = writer->reported, .bytes = count->bytes, .deltas = count->deltas,
		.ticks = count->ticks, .syncs = count->syncs, .segments = count->segments, .checkpoints = count->checkpoints,
		.sync_ns = count->sync_ns, .sync_max_ns = count->sync_max_ns, .stalls = count->stalls, .checkpoint_tick = writer->checkpoint.last_tick,
		.term = log->term, .error = writer->error, .uring = log->uring, .stalled = writer->stalled,
		.checkpointing = writer->checkpoint.state != MSL_CHECKPOINT_NONE,
	};
	if (writer->segment) {
		s.bytes += writer->segment->at;
		s.deltas += writer->segment->tally.deltas;
		s.ticks += writer->segment->tally.ticks;
	}
	pthread_mutex_unlock(&log->space->log_lock);
	msl_args_out(stat, &s, sizeof(s));
	return 0;
}

/*
 * Does the writer's work until no checkpoint is being made; the thread may do some of it meanwhile. With the lock held. Nobody waits for room on
 * the disk with it: what is wanted is made when there is some.
 */
static int checkpoint_drive(struct mmsb_log *log)
{
	struct msl_writer *writer = &log->writer;
	int err = 0;

	while (!err && writer->checkpoint.state != MSL_CHECKPOINT_NONE) {
		err = msl_log_step_locked(log);
		if (!err && writer->stalled)
			err = msl_fail(ENOSPC, "%s: the log waits for room, and the checkpoint with it: it is made once there is some", log->dir);
		if (!err && writer->due > msl_now())
			msl_log_pause(log, msl_now() + CHECKPOINT_LOOK_NS);
	}
	return err;
}

int mmsb_log_checkpoint(struct mmsb_log *log, uint64_t *tick)
{
	const struct msl_checkpoint *checkpoint = &log->writer.checkpoint;
	int err;

	pthread_mutex_lock(&log->space->log_lock);
	err = checkpoint_drive(log);
	if (!err)
		err = msl_writer_checkpoint(&log->writer);
	if (!err)
		err = checkpoint_drive(log);
	if (!err && checkpoint->result)
		err = msl_fail(-checkpoint->result, "%s", checkpoint->why);
	if (!err && tick)
		*tick = checkpoint->last_tick;
	pthread_mutex_unlock(&log->space->log_lock);
	return err;
}
