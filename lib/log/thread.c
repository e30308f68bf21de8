// SPDX-License-Identifier: MIT
#include <time.h>
#include "../spawn.h"
#include "log.h"

uint64_t msl_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

void msl_log_pause(struct mmsb_log *log, uint64_t until)
{
	struct timespec ts = { .tv_sec = (time_t)(until / 1000000000), .tv_nsec = (long)(until % 1000000000) };

	pthread_cond_timedwait(&log->changed, &log->space->log_lock, &ts);
}

/* A writer that has stopped leaves the directory to the next. */
static void release(struct mmsb_log *log)
{
	msl_writer_end(&log->writer);
	msl_disk_close(log->disk);
	log->disk = NULL;
}

int msl_log_step_locked(struct mmsb_log *log)
{
	int err = msl_writer_step(&log->writer, msl_now());

	if ((err || log->writer.over) && log->disk)
		release(log);
	pthread_cond_broadcast(&log->changed);
	return err;
}

/* With room wanting, the source has something all the time, so that is no reason to wake up. */
static void rest(struct mmsb_log *log, uint64_t due)
{
	uint64_t now = msl_now();

	if (due <= now)
		return;
	if (log->writer.stalled) {
		msl_log_pause(log, due);
		return;
	}
	pthread_mutex_unlock(&log->space->log_lock);
	log->source->ops->wait(log->source, due - now);
	pthread_mutex_lock(&log->space->log_lock);
}

static void *run(void *arg)
{
	struct mmsb_log *log = arg;
	pthread_mutex_t *lock = &log->space->log_lock;

	pthread_mutex_lock(lock);
	while (log->running && !msl_log_step_locked(log) && !log->writer.over) {
		rest(log, log->writer.due);
		/* Whoever wants the lock shall not wait for us to sleep once. */
		pthread_mutex_unlock(lock);
		pthread_mutex_lock(lock);
	}
	pthread_mutex_unlock(lock);
	return NULL;
}

int msl_thread_start(struct mmsb_log *log)
{
	int err = 0;

	pthread_mutex_lock(&log->space->log_lock);
	log->running = true;
	if (!(log->flags & MMSB_LOG_OPT_NO_THREAD))
		err = msl_spawn(&log->thread, run, log);
	log->has_thread = !err && !(log->flags & MMSB_LOG_OPT_NO_THREAD);
	pthread_mutex_unlock(&log->space->log_lock);
	return err ? msl_fail(err, "starting the log's thread: %s", strerror(err)) : 0;
}

void msl_thread_stop(struct mmsb_log *log)
{
	pthread_mutex_lock(&log->space->log_lock);
	log->running = false;
	pthread_cond_broadcast(&log->changed);
	pthread_mutex_unlock(&log->space->log_lock);
	if (log->has_thread)
		pthread_join(log->thread, NULL);
	log->has_thread = false;
}

/* ---------------------------------------------------------------------------------------------------------- helping */

bool msl_log_help(struct mmsb_space *space)
{
	struct msl_writer *writer;
	uint64_t before;
	bool helped = false;

	if (!msl_load(space->log) || pthread_mutex_trylock(&space->log_lock))
		return false;
	if (space->log && space->log->running) {
		writer = &space->log->writer;
		before = writer->reported;
		helped = !msl_log_step_locked(space->log) && writer->reported > before;
	}
	pthread_mutex_unlock(&space->log_lock);
	return helped;
}
