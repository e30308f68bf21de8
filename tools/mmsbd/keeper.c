// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../control.h"
#include "keeper.h"
#include "say.h"

#define LOOK_NS		500000000ULL	/* how often it is looked at how the log stands */
#define RETRY_NS	1000000000ULL	/* after a first failure; twice as long after each further one, up to */
#define RETRY_MAX_NS	30000000000ULL
#define ANSWERS		16

struct keeper {
	struct conf_space *conf;
	const char *device;
	pthread_t thread;
	pthread_mutex_t lock;		/* of all below */
	pthread_cond_t changed;
	bool stop;
	enum keeper_state state;
	char why[512];			/* the last that went wrong */
	struct mmsb_durability_args now;
	struct mmsb_log_stat stat;
	FILE *answer[ANSWERS];		/* who waits for a checkpoint */
	unsigned int answers;
	/* The thread's own. */
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_log *log;
	bool held;			/* it made the space, which nobody can write to until its log is open */
	uint64_t checkpoint_due, checkpoint_tick;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* why NULL: nothing new. True: that was not known yet. */
static bool set_state(struct keeper *keeper, enum keeper_state state, const char *why)
{
	bool news;

	pthread_mutex_lock(&keeper->lock);
	news = why && strcmp(why, keeper->why);
	keeper->state = state;
	if (news)
		snprintf(keeper->why, sizeof(keeper->why), "%s", why);
	pthread_mutex_unlock(&keeper->lock);
	return news;
}

/* False: it is time to stop. Ends early when there is something to do. */
static bool pause_ns(struct keeper *keeper, uint64_t ns)
{
	uint64_t until = now_ns() + ns;
	struct timespec ts = { .tv_sec = (time_t)(until / 1000000000), .tv_nsec = (long)(until % 1000000000) };
	bool go_on;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->stop && !keeper->answers && !pthread_cond_timedwait(&keeper->changed, &keeper->lock, &ts))
		;
	go_on = !keeper->stop;
	pthread_mutex_unlock(&keeper->lock);
	return go_on;
}

static bool is_stopping(struct keeper *keeper)
{
	bool stop;

	pthread_mutex_lock(&keeper->lock);
	stop = keeper->stop;
	pthread_mutex_unlock(&keeper->lock);
	return stop;
}

/* The library's sentence, for log and status. */
static int failed(struct keeper *keeper, int err, const char *what)
{
	char why[512];

	snprintf(why, sizeof(why), "%s: %s", what, mmsb_strerror_last());
	/* Said once, and not at each try. */
	if (set_state(keeper, KEEPER_WAITING, why))
		say(LOG_ERR, "space '%s': %s", keeper->conf->name, why);
	return err;
}

static void on_tell(void *arg, int severity, const char *text)
{
	struct keeper *keeper = arg;

	say(severity, "space '%s': %s", keeper->conf->name, text);
	if (severity > LOG_WARNING)
		return;
	pthread_mutex_lock(&keeper->lock);
	snprintf(keeper->why, sizeof(keeper->why), "%s", text);
	pthread_mutex_unlock(&keeper->lock);
}

/* -------------------------------------------------------------------------------------------------------- the space */

static bool has_log(const char *dir, struct mmsb_log_info *info, int *err)
{
	*info = (struct mmsb_log_info){ .size = sizeof(*info) };
	*err = mmsb_log_info(dir, info);
	if (*err == -ENOENT)
		*err = 0;
	return !*err && info->format;
}

static int restore(struct keeper *keeper)
{
	struct mmsb_restored restored = { .size = sizeof(restored) };
	int err;

	set_state(keeper, KEEPER_RESTORING, NULL);
	say(LOG_INFO, "space '%s': restoring it from %s", keeper->conf->name, keeper->conf->dir);
	err = mmsb_restore(keeper->space, keeper->conf->dir,
			   MMSB_OPTS(struct mmsb_restore_opts, .flags = MMSB_RESTORE_HOLD, .tell = on_tell, .arg = keeper), &restored);
	if (err)
		return failed(keeper, err, "it cannot be restored");
	say(LOG_NOTICE, "space '%s': restored to tick %" PRIu64 ", %" PRIu64 " ticks done again behind tick %" PRIu64, keeper->conf->name,
	    restored.tick, restored.ticks, restored.checkpoint);
	return 0;
}

static void drop_space(struct keeper *keeper)
{
	mmsb_space_close(keeper->space);
	keeper->space = NULL;
	keeper->held = false;
	mmsb_space_remove(keeper->mmsb, keeper->conf->name);
}

static void log_space_opts(const struct mmsb_log_info *info, struct mmsb_space_opts *opts)
{
	opts->flags |= info->space_flags & (MMSB_SPACE_HASH | MMSB_SPACE_LAZY | MMSB_SPACE_INLINE);
	if (!opts->max_bytes)
		opts->max_bytes = info->max_bytes;
	if (!opts->max_rings)
		opts->max_rings = info->max_rings;
	if (!opts->shards)
		opts->shards = info->shards;
	/* Of an uneven log one shard may hold what all of them may. */
	if (!opts->max_pages)
		opts->max_pages = opts->shards == info->shards ? info->max_pages : info->max_pages * info->shards;
}

static int make_space(struct keeper *keeper)
{
	struct mmsb_space_opts opts = keeper->conf->space;
	struct mmsb_log_info info;
	bool logged;
	int err;

	logged = has_log(keeper->conf->dir, &info, &err);
	if (err)
		return failed(keeper, err, "its log cannot be read");
	if (logged)
		log_space_opts(&info, &opts);
	opts.flags |= MMSB_SPACE_CREATE | MMSB_SPACE_EXCL | MMSB_SPACE_PIN | MMSB_SPACE_SHUT;
	err = mmsb_space_open(keeper->mmsb, keeper->conf->name, &opts, &keeper->space);
	if (err)
		return failed(keeper, err, "it cannot be made");
	if (logged)
		err = restore(keeper);
	else if (mmsb_log_hold(keeper->space))
		err = failed(keeper, -EBUSY, "others cannot be kept from it until its log is open");
	keeper->held = !err;
	if (err)
		drop_space(keeper);
	return err;
}

/* It was made, and not restored to the end: by somebody who still is at it, or by a mmsbd that was killed. */
static int open_shut(struct keeper *keeper)
{
	int err = mmsb_log_hold(keeper->space);

	if (err)
		return failed(keeper, err, "somebody restores it");
	drop_space(keeper);
	return make_space(keeper);
}

static int open_space(struct keeper *keeper)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	int err = mmsb_space_open(keeper->mmsb, keeper->conf->name, NULL, &keeper->space);

	if (err == -ENOENT)
		return make_space(keeper);
	if (!err)
		err = mmsb_space_info(keeper->space, &info);
	if (err)
		return failed(keeper, err, "it cannot be opened");
	return info.flags & MMSB_SPACE_SHUT ? open_shut(keeper) : 0;
}

static void put_down(struct keeper *keeper)
{
	if (keeper->held)
		drop_space(keeper);
	mmsb_space_close(keeper->space);
	mmsb_close(keeper->mmsb);
	keeper->space = NULL;
	keeper->mmsb = NULL;
}

static int open_log(struct keeper *keeper)
{
	struct mmsb_log_opts opts = keeper->conf->log;
	int err;

	opts.tell = on_tell;
	opts.arg = keeper;
	err = mmsb_log_open(keeper->space, keeper->conf->dir, &opts, &keeper->log);
	if (err)
		return failed(keeper, err, "its log cannot be opened");
	keeper->held = false;
	set_state(keeper, KEEPER_WRITING, "");
	keeper->checkpoint_due = now_ns() + keeper->conf->checkpoint_ns;
	say(LOG_INFO, "space '%s': its log is written to %s", keeper->conf->name, keeper->conf->dir);
	return 0;
}

static int open_home(struct keeper *keeper)
{
	int err = mmsb_open(&keeper->mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "kernel", .device = keeper->device));

	if (!err)
		return 0;
	keeper->mmsb = NULL;
	return failed(keeper, err, "there is no kernel home");
}

/*
 * A space that was made, and whose log cannot be opened, is there but held: nobody shall take for durable what is not. It is thrown away only if it
 * no longer stands as the log has it.
 */
static int bring_up(struct keeper *keeper)
{
	int err = keeper->held ? 0 : open_home(keeper);

	if (err)
		return err;
	if (!keeper->held)
		err = open_space(keeper);
	if (!err)
		err = open_log(keeper);
	if (err && (!keeper->held || err == -EBADMSG))
		put_down(keeper);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------- writing */

static void answer_all(struct keeper *keeper, int err, uint64_t tick)
{
	FILE *answer[ANSWERS];
	unsigned int n, i;

	pthread_mutex_lock(&keeper->lock);
	n = keeper->answers;
	memcpy(answer, keeper->answer, n * sizeof(*answer));
	keeper->answers = 0;
	pthread_mutex_unlock(&keeper->lock);
	for (i = 0; i < n; i++) {
		if (err)
			fprintf(answer[i], "error\tspace '%s': %s\n", keeper->conf->name, mmsb_strerror_last());
		else
			fprintf(answer[i], "%" PRIu64 "\nok\n", tick);
		fclose(answer[i]);
	}
}

static bool wants_checkpoint(struct keeper *keeper)
{
	bool asked;

	pthread_mutex_lock(&keeper->lock);
	asked = keeper->answers;
	pthread_mutex_unlock(&keeper->lock);
	if (asked)
		return true;
	return keeper->conf->checkpoint_ns && now_ns() >= keeper->checkpoint_due && mmsb_tick(keeper->space) > keeper->checkpoint_tick;
}

static void checkpoint(struct keeper *keeper)
{
	uint64_t tick = 0;
	int err = mmsb_log_checkpoint(keeper->log, &tick);

	if (err)
		say(LOG_ERR, "space '%s': no checkpoint could be made: %s", keeper->conf->name, mmsb_strerror_last());
	else
		say(LOG_INFO, "space '%s': checkpoint of tick %" PRIu64, keeper->conf->name, tick);
	keeper->checkpoint_tick = err ? keeper->checkpoint_tick : tick;
	keeper->checkpoint_due = now_ns() + keeper->conf->checkpoint_ns;
	answer_all(keeper, err, tick);
}

/* False: the log is not written any more. */
static bool look(struct keeper *keeper)
{
	struct mmsb_log_stat stat = { .size = sizeof(stat) };
	struct mmsb_durability_args now = { 0 };

	mmsb_log_stat(keeper->log, &stat);
	mmsb_durability(keeper->space, &now);
	pthread_mutex_lock(&keeper->lock);
	keeper->stat = stat;
	keeper->now = now;
	keeper->state = stat.error ? KEEPER_FAILED : stat.stalled ? KEEPER_FULL : KEEPER_WRITING;
	if (keeper->state == KEEPER_WRITING)
		*keeper->why = '\0';
	pthread_mutex_unlock(&keeper->lock);
	return !stat.error;
}

static void write_log(struct keeper *keeper)
{
	bool writes;

	do {
		writes = look(keeper);
		if (writes && wants_checkpoint(keeper))
			checkpoint(keeper);
	} while (writes && pause_ns(keeper, LOOK_NS));
	if (mmsb_log_close(keeper->log))
		say(LOG_ERR, "space '%s': %s", keeper->conf->name, mmsb_strerror_last());
	else
		say(LOG_INFO, "space '%s': its log is closed, all is on disk", keeper->conf->name);
	keeper->log = NULL;
	put_down(keeper);
	if (writes)
		return;
	say(LOG_CRIT, "space '%s': its log is not written any more: see to it, then reload mmsbd", keeper->conf->name);
	while (pause_ns(keeper, RETRY_MAX_NS))
		answer_all(keeper, -EIO, 0);
}

static void *run(void *arg)
{
	uint64_t wait = RETRY_NS;
	struct keeper *keeper = arg;

	while (!is_stopping(keeper)) {
		if (!bring_up(keeper)) {
			wait = RETRY_NS;
			write_log(keeper);
			continue;
		}
		answer_all(keeper, -EIO, 0);
		pause_ns(keeper, wait);
		wait = 2 * wait < RETRY_MAX_NS ? 2 * wait : RETRY_MAX_NS;
	}
	answer_all(keeper, -ESHUTDOWN, 0);
	put_down(keeper);
	set_state(keeper, KEEPER_STOPPED, NULL);
	return NULL;
}

/* ------------------------------------------------------------------------------------------------- from the main thread */

struct keeper *keeper_start(struct conf_space *conf, const char *device)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	pthread_condattr_t monotonic;
	int err;

	if (!keeper) {
		conf_space_free(conf);
		return NULL;
	}
	keeper->conf = conf;
	keeper->device = device;
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	err = pthread_create(&keeper->thread, NULL, run, keeper);
	if (!err)
		return keeper;
	say(LOG_ERR, "space '%s': cannot start a thread: %s", conf->name, strerror(err));
	conf_space_free(conf);
	free(keeper);
	return NULL;
}

void keeper_ask_stop(struct keeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	keeper->stop = true;
	pthread_cond_signal(&keeper->changed);
	pthread_mutex_unlock(&keeper->lock);
}

void keeper_join(struct keeper *keeper)
{
	keeper_ask_stop(keeper);
	pthread_join(keeper->thread, NULL);
	pthread_cond_destroy(&keeper->changed);
	pthread_mutex_destroy(&keeper->lock);
	conf_space_free(keeper->conf);
	free(keeper);
}

const char *keeper_name(const struct keeper *keeper)
{
	return keeper->conf->name;
}

bool keeper_is_as(const struct keeper *keeper, const struct conf_space *conf)
{
	return !strcmp(keeper->conf->name, conf->name) && !strcmp(keeper->conf->text, conf->text);
}

enum keeper_state keeper_state(struct keeper *keeper)
{
	enum keeper_state state;

	pthread_mutex_lock(&keeper->lock);
	state = keeper->state;
	pthread_mutex_unlock(&keeper->lock);
	return state;
}

void keeper_status(struct keeper *keeper, FILE *to)
{
	static const char *const states[] = {
		[KEEPER_STARTING] = "starting", [KEEPER_RESTORING] = "restoring", [KEEPER_WRITING] = "writing", [KEEPER_FULL] = "full",
		[KEEPER_WAITING] = "waiting", [KEEPER_FAILED] = "failed", [KEEPER_STOPPED] = "stopped",
	};

	pthread_mutex_lock(&keeper->lock);
	fprintf(to, "%s\t%s\t%s\t%s\t", keeper->conf->name, keeper->conf->dir, states[keeper->state],
		keeper->now.mode == MMSB_STRICT ? "strict" : keeper->now.mode == MMSB_BUFFERED ? "buffered" : "memory");
	fprintf(to, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t", (uint64_t)keeper->now.tick, (uint64_t)keeper->now.durable,
		(uint64_t)keeper->now.waiting);
	fprintf(to, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%s\n", keeper->stat.bytes, keeper->stat.checkpoint_tick, keeper->stat.term, keeper->why);
	pthread_mutex_unlock(&keeper->lock);
}

void keeper_checkpoint(struct keeper *keeper, FILE *answer)
{
	bool room;

	pthread_mutex_lock(&keeper->lock);
	room = keeper->answers < ANSWERS && !keeper->stop;
	if (room)
		keeper->answer[keeper->answers++] = answer;
	pthread_cond_signal(&keeper->changed);
	pthread_mutex_unlock(&keeper->lock);
	if (room)
		return;
	fprintf(answer, "error\tspace '%s': too many wait for a checkpoint already\n", keeper->conf->name);
	fclose(answer);
}
