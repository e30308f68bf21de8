// SPDX-License-Identifier: MIT
/*
 * Reading a log from outside: mmsb_log_next(), mmsb_log_info().
 */
#include <time.h>
#include "log.h"
#include "reader.h"

#define LOOK_NS		20000000ull	/* how often one who follows looks whether there is more */

struct mmsb_log_reader {
	struct msl_disk *disk;
	struct msl_reader *reader;
};

int mmsb_log_reader_open(const char *dir, const struct mmsb_log_reader_opts *opts, struct mmsb_log_reader **reader)
{
	struct mmsb_log_reader_opts o;
	struct mmsb_log_reader *r;
	int err = MSL_OPTS(o, opts);

	*reader = NULL;
	if (!err && o.flags & ~MMSB_LOG_FOLLOW)
		err = msl_fail(EINVAL, "flags 0x%x: this library does not know them all", o.flags);
	if (err)
		return err;
	r = msl_alloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	err = msl_disk_open(dir, MSL_DISK_NO_URING, &r->disk);
	if (!err)
		err = msl_reader_open(r->disk, &(struct msl_reader_opts){ MSL_LAST_LIFE, o.from_tick, o.flags & MMSB_LOG_FOLLOW }, &r->reader);
	if (err)
		mmsb_log_reader_close(r);
	else
		*reader = r;
	return err;
}

void mmsb_log_reader_close(struct mmsb_log_reader *reader)
{
	if (!reader)
		return;
	msl_reader_close(reader->reader);
	msl_disk_close(reader->disk);
	free(reader);
}

int mmsb_log_next(struct mmsb_log_reader *reader, const struct mmsb_record **record, uint64_t timeout_ns)
{
	uint64_t end = timeout_ns == MMSB_FOREVER ? MMSB_FOREVER : msl_now() + timeout_ns, now;
	struct timespec pause = { .tv_nsec = LOOK_NS };
	int err;

	for (;;) {
		err = msl_reader_next(reader->reader, record);
		if (err != -EAGAIN)
			return err;
		now = msl_now();
		if (now >= end)
			return msl_fail(ETIME, "the time is up and the log has nothing more");
		pause.tv_nsec = end - now < LOOK_NS ? (long)(end - now) : (long)LOOK_NS;
		nanosleep(&pause, NULL);
	}
}

uint64_t mmsb_log_reader_done(const struct mmsb_log_reader *reader, uint64_t *all)
{
	return msl_reader_done(reader->reader, all);
}
