// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include "limits.h"
#include "names.h"
#include "pressure.h"
#include "ring_file.h"

enum pressure_pace { NEVER, SLOWLY, SOON };

#define LOOKS_IN_PATIENCE	2	/* so a queue is told of after between one time and one and a half, or a second later */

static struct workqueue_struct *pressure_looks;

static unsigned long pressure_patience(void)
{
	return msecs_to_jiffies(clamp(READ_ONCE(mmsb_pressure_ms), 1u, MMSB_PRESSURE_MAX_MS));
}

/* SOON is never later than SLOWLY: who waits for a look in a second is not held up by one that is patient with queues. */
static unsigned long pressure_delay(enum pressure_pace pace)
{
	return pace == SLOWLY ? HZ : clamp(pressure_patience() / LOOKS_IN_PATIENCE, 1ul, (unsigned long)HZ);
}

/* ------------------------------------------------------------------------------------------------------------ telling */

static void pressure_turn(struct mmsb_space *space, u32 bit, bool on, struct mmsb_news news)
{
	struct mmsb_pressure_watch *pressure = &space->pressure;

	if (on == !!(pressure->told & bit))
		return;
	WRITE_ONCE(pressure->told, on ? pressure->told | bit : pressure->told & ~bit);
	news.group = MMSB_NL_PRESSURE;
	mmsb_names_tell(space, &news);
}

static void pressure_limit(struct mmsb_space *space, u32 bit, u64 used, u64 most, enum mmsb_reason reason)
{
	bool on = space->pressure.told & bit ? !ms_is_far(used, most) : ms_is_near(used, most);

	pressure_turn(space, bit, on, (struct mmsb_news){ .what = on ? MMSB_WHAT_LIMIT_NEAR : MMSB_WHAT_LIMIT_FAR, .reason = reason });
}

/* ------------------------------------------------------------------------------------------------------------ looking */

static enum pressure_pace pressure_limits(struct mmsb_space *space)
{
	struct ms_space_stat stat;

	ms_space_stat(space->engine, &stat);
	pressure_limit(space, MMSB_PRESSURE_PAGES, stat.pages, stat.max_pages, MMSB_REASON_PAGES_LIMIT);
	pressure_limit(space, MMSB_PRESSURE_BYTES, stat.bytes, stat.max_bytes, MMSB_REASON_BYTES_LIMIT);
	pressure_limit(space, MMSB_PRESSURE_RINGS, stat.rings, stat.max_rings, MMSB_REASON_RINGS_LIMIT);
	if (space->pressure.told & (MMSB_PRESSURE_PAGES | MMSB_PRESSURE_BYTES | MMSB_PRESSURE_RINGS))
		return SLOWLY;
	return ms_is_near(stat.granted, stat.max_pages) ? SLOWLY : NEVER;	/* shards make what they have in hand without asking */
}

static enum pressure_pace pressure_queues(struct mmsb_space *space)
{
	struct mmsb_ring_looks looks = { .patience = pressure_patience() };
	bool log;

	mmsb_ring_look(space, &looks);
	WRITE_ONCE(space->pressure.told, looks.told ? space->pressure.told | MMSB_PRESSURE_QUEUES : space->pressure.told & ~MMSB_PRESSURE_QUEUES);
	log = xchg(&space->pressure.log_hit, 0) || looks.by_log;
	pressure_turn(space, MMSB_PRESSURE_LOG, log, (struct mmsb_news){ .what = log ? MMSB_WHAT_LOG_BLOCKED : MMSB_WHAT_LOG_FREE });
	return looks.held || log ? SOON : NEVER;
}

/* From before it looks on, who presses makes it come again. */
static void pressure_look(struct work_struct *work)
{
	struct mmsb_space *space = container_of(to_delayed_work(work), struct mmsb_space, pressure.work);
	enum pressure_pace pace;

	WRITE_ONCE(space->pressure.coming, NEVER);
	smp_mb();	/* partner: pressure_come() */
	pace = max(pressure_limits(space), pressure_queues(space));
	if (pace == NEVER)
		return;
	WRITE_ONCE(space->pressure.coming, pace);
	queue_delayed_work(pressure_looks, &space->pressure.work, pressure_delay(pace));
}

static void pressure_come(struct mmsb_space *space, enum pressure_pace pace, unsigned long delay)
{
	smp_mb();	/* partner: pressure_look() */
	if (READ_ONCE(space->pressure.coming) >= pace)
		return;
	WRITE_ONCE(space->pressure.coming, pace);
	mod_delayed_work(pressure_looks, &space->pressure.work, delay);
}

void mmsb_pressure_press(void *arg, enum ms_pressure what)
{
	struct mmsb_space *space = arg;

	if (what == MS_PRESSURE_LOG)
		WRITE_ONCE(space->pressure.log_hit, 1);
	if (what == MS_PRESSURE_LIMIT)
		pressure_come(space, SLOWLY, 0);
	else
		pressure_come(space, SOON, pressure_delay(SOON));
}

void mmsb_pressure_hurry(struct mmsb_space *space)
{
	mod_delayed_work(pressure_looks, &space->pressure.work, 0);
}

/* --------------------------------------------------------------------------------------------------------------- life */

void mmsb_pressure_open(struct mmsb_space *space)
{
	INIT_DELAYED_WORK(&space->pressure.work, pressure_look);
}

void mmsb_pressure_close(struct mmsb_space *space)
{
	cancel_delayed_work_sync(&space->pressure.work);
}

int mmsb_pressure_init(void)
{
	pressure_looks = alloc_workqueue("mmsb-pressure", WQ_UNBOUND, 0);
	return pressure_looks ? 0 : -ENOMEM;
}

void mmsb_pressure_exit(void)
{
	destroy_workqueue(pressure_looks);
}
