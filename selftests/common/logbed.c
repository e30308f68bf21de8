// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "logbed.h"
#include "log/ahead.h"
#include "log/log.h"

struct ear ear_ignored;
uint64_t logbed_two_behind;

int logbed_said(const char *what)
{
	printf("# %s: %s\n", what, mmsb_strerror_last());
	return -1;
}

int logbed_differs(const char *what)
{
	printf("# %s\n", what);
	return -1;
}

void ear_hear(void *arg, int severity, const char *text)
{
	struct ear *ear = arg;

	ear->n++;
	ear->worst = severity < ear->worst ? severity : ear->worst;
	snprintf(ear->last, sizeof(ear->last), "%s", text);
}

static int restore_once(struct mmsb *mmsb, const char *place, const struct wild_config *config, const struct mmsb_restore_opts *opts,
			struct mmsb_restored *restored, struct mmsb_space **space)
{
	int err = wild_space(mmsb, config, WILD_PAGES * (LOGBED_SHARDS + 1), space);

	memset(restored, 0, sizeof(*restored));
	restored->size = sizeof(*restored);
	return err ?: mmsb_restore(*space, place, opts, restored);
}

int logbed_restore(struct mmsb *mmsb, const char *place, uint32_t shards, bool lazy, const struct mmsb_restore_opts *opts,
		   struct mmsb_restored *restored, struct mmsb_space **space)
{
	struct wild_config config = { .shards = shards, .lazy = lazy };
	struct mmsb_restore_opts o = opts ? *opts : (struct mmsb_restore_opts){ .size = sizeof(o) };
	struct mmsb_restored alone;
	char text[512];
	int err;

	if (!o.tell) {
		o.tell = ear_hear;
		o.arg = &ear_ignored;
	}
	msl_ahead_behind = UINT64_MAX;
	err = restore_once(mmsb, place, &config, &o, &alone, space);
	snprintf(text, sizeof(text), "%s", mmsb_strerror_last());
	mmsb_space_close(*space);
	msl_ahead_behind = logbed_two_behind;
	if (restore_once(mmsb, place, &config, &o, restored, space) != err || (err && strcmp(text, mmsb_strerror_last())))
		return logbed_said(text);
	if (memcmp(&alone, restored, sizeof(alone)))
		return logbed_differs("two threads made something else of it than one");
	return err ? logbed_said("restoring") : 0;
}

int logbed_holds(const char *place, struct mmsb_space *original, const char *home, uint32_t shards)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb *mmsb;
	int err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = home));

	err = err ?: mmsb_space_info(original, &info);
	err = err ?: logbed_restore(mmsb, place, shards, info.flags & MMSB_SPACE_LAZY, NULL, &restored, &space);
	if (!err && !restored.hashed && restored.ticks)
		err = logbed_differs("the log does not say the state hash");
	err = err ?: wild_compare(original, space);
	mmsb_close(mmsb);
	return err;
}

int logbed_holds_now(const char *place, struct mmsb_space *original)
{
	char copy[FOLDER_MAX];
	int err;

	folder_copy(place, copy);
	err = logbed_holds(copy, original, "embedded", 1);
	folder_remove(copy);
	return err;
}

int logbed_holds_everywhere(const char *place, struct mmsb_space *original)
{
	static const uint32_t shards[] = { 1, 3, 8 };
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < 3; i++)
		err = logbed_holds(place, original, "embedded", shards[i]);
	if (!err && home_is_kernel())
		err = logbed_holds(place, original, "kernel", 2);
	return err;
}

static int make_space(struct logbed *bed)
{
	snprintf(bed->name, sizeof(bed->name), "log-%d", getpid());
	return mmsb_space_open(bed->mmsb, bed->name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL |
			       MMSB_SPACE_HASH | MMSB_SPACE_INLINE, .shards = 1, .max_pages = WILD_PAGES), &bed->space);
}

int logbed_open(struct logbed *bed, const struct mmsb_log_opts *opts)
{
	int err;

	memset(bed, 0, sizeof(*bed));
	folder_make(bed->place);
	err = mmsb_open(&bed->mmsb, NULL);
	err = err ?: make_space(bed);
	err = err ?: mmsb_ring_open(bed->space, NULL, &bed->ring);
	err = err ?: mmsb_log_open(bed->space, bed->place, opts, &bed->log);
	err = err ?: mmsb_create(bed->ring, 64, &bed->page);
	return err ? logbed_said("a space with a log") : 0;
}

void logbed_close(struct logbed *bed)
{
	if (bed->log)
		mmsb_log_close(bed->log);
	mmsb_ring_close(bed->ring);
	mmsb_close(bed->mmsb);
	folder_remove(bed->place);
}

int logbed_shut(struct logbed *bed, int (*how)(struct mmsb_log *log))
{
	struct mmsb_log *log = bed->log;

	bed->log = NULL;
	return how(log);
}

int logbed_add(struct logbed *bed, bool durable, struct mmsb_cqe *cqe)
{
	struct mmsb_sqe sqe;

	bed->value++;
	mmsb_prep_add(&sqe, bed->page, 8 * (bed->value % 8), (int64_t)bed->value);
	if (durable)
		mmsb_sqe_durable(&sqe);
	return run_entry(bed->ring, &sqe, cqe);
}

int logbed_adds(struct logbed *bed, unsigned int n)
{
	struct mmsb_cqe cqe;
	int err = 0;

	while (!err && n--)
		err = logbed_add(bed, false, &cqe) ?: cqe.result;
	return err;
}

int logbed_see_nothing(void *arg, const struct mmsb_log_file *file, int result, const char *text)
{
	return 0;
}

void logbed_abandon(struct mmsb_log *log)
{
	struct mmsb_space *space = log->space;

	msl_thread_stop(log);
	space->log = NULL;
	msl_writer_end(&log->writer);
	log->source->ops->close(log->source);
	msl_disk_close(log->disk);
	pthread_cond_destroy(&log->changed);
	free(log->dir);
	free(log);
	msl_space_put(space);
}
