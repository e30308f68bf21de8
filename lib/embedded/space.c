// SPDX-License-Identifier: MIT
/*
 * Spaces of the embedded home: names, who uses them, and when they go. Making and freeing an engine happens outside of the home's lock,
 * for both may take their time; a name is checked once more before a new instance is listed.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "embedded.h"

#define DEFAULT_PAGES	(1ull << 20)
#define DEFAULT_BYTES	(1ull << 30)
#define DEFAULT_RINGS	4096u

/* ------------------------------------------------------------------------------------------------------------- audit */

/* Sanitizers slow everything down anyway. */
#if defined(__SANITIZE_ADDRESS__) || MSL_TSAN
#define AUDIT_DEFAULT	1
#else
#define AUDIT_DEFAULT	0
#endif

static uint32_t default_audit(void)
{
	const char *text = getenv("MMSB_AUDIT");
	unsigned long every;
	char *end;

	if (!text || !*text)
		return AUDIT_DEFAULT;
	every = strtoul(text, &end, 10);
	return *end || every > UINT32_MAX ? AUDIT_DEFAULT : (uint32_t)every;
}

/* -------------------------------------------------------------------------------------------------------- instances */

static void space_config(struct ms_space_config *config, const struct mmsb_space_opts *opts)
{
	memset(config, 0, sizeof(*config));
	config->shards = opts->shards ? opts->shards : 1;
	config->max_rings = opts->max_rings ? opts->max_rings : DEFAULT_RINGS;
	config->max_pages = opts->max_pages ? opts->max_pages : DEFAULT_PAGES;
	config->max_bytes = opts->max_bytes ? opts->max_bytes : DEFAULT_BYTES;
	config->hash = opts->flags & MMSB_SPACE_HASH;
	config->pollers = !(opts->flags & MMSB_SPACE_INLINE);
	config->lazy = opts->flags & MMSB_SPACE_LAZY;
	config->shut = opts->flags & MMSB_SPACE_SHUT;
	config->timing = opts->flags & MMSB_SPACE_TIMING;
	config->audit = opts->audit ? opts->audit : default_audit();
}

static int instance_start(struct embedded_instance *instance, const struct mmsb_space_opts *opts)
{
	struct ms_space_config config;
	enum mmsb_reason reason;
	int err;

	space_config(&config, opts);
	reason = ms_space_create(&config, &instance->engine);
	if (reason)
		return msl_fail_reason(reason);
	instance->shards = config.shards;
	if (!config.pollers)
		return 0;
	err = embedded_pollers_start(instance, opts->pollers ? opts->pollers : config.shards);
	if (err)
		ms_space_destroy(instance->engine);
	return err;
}

static int instance_make(struct embedded_home *home, const char *name, const struct mmsb_space_opts *opts,
			 struct embedded_instance **out)
{
	struct embedded_instance *instance = msl_alloc(sizeof(*instance));
	int err;

	if (!instance)
		return -ENOMEM;
	instance->home = home;
	instance->users = 1 + !!(opts->flags & MMSB_SPACE_PIN);
	instance->flags = opts->flags & (MMSB_SPACE_INLINE | MMSB_SPACE_PIN);
	strncpy(instance->name, name, sizeof(instance->name) - 1);
	instance->uid = opts->own_set && opts->uid != ~0u ? opts->uid : geteuid();
	instance->gid = opts->own_set && opts->gid != ~0u ? opts->gid : getegid();
	instance->mode = opts->mode ? opts->mode : 0600;
	err = instance_start(instance, opts);
	if (err) {
		free(instance);
		return err;
	}
	*out = instance;
	return 0;
}

void embedded_instance_free(struct embedded_instance *instance)
{
	embedded_pollers_stop(instance);
	ms_space_destroy(instance->engine);
	free(instance);
}

/* -------------------------------------------------------------------------------------------------------- the list */

static struct embedded_instance **find_name(struct embedded_home *home, const char *name)
{
	struct embedded_instance **at;

	for (at = &home->instances; *at; at = &(*at)->next)
		if (*name && !strcmp((*at)->name, name))
			break;
	return at;
}

/* The one of that name, with a user more; NULL: there is none. */
static struct embedded_instance *instance_get(struct embedded_home *home, const char *name)
{
	struct embedded_instance *instance;

	pthread_mutex_lock(&home->lock);
	instance = *find_name(home, name);
	if (instance)
		instance->users++;
	pthread_mutex_unlock(&home->lock);
	return instance;
}

static void instance_drop(struct embedded_instance *instance)
{
	struct embedded_home *home = instance->home;
	struct embedded_instance **at;
	bool last;

	pthread_mutex_lock(&home->lock);
	last = --instance->users == 0;
	for (at = &home->instances; last && *at; at = &(*at)->next) {
		if (*at == instance) {
			*at = instance->next;
			break;
		}
	}
	pthread_mutex_unlock(&home->lock);
	if (last)
		embedded_instance_free(instance);
}

/* Of all homes in this process: whoever traces it knows nothing of homes. */
static uint64_t last_id;

/* Lists a new one, last. False: somebody took its name meanwhile. */
static bool instance_list(struct embedded_home *home, struct embedded_instance *instance)
{
	struct embedded_instance **at;
	bool free;

	pthread_mutex_lock(&home->lock);
	free = !*find_name(home, instance->name);
	if (free) {
		for (at = &home->instances; *at;)
			at = &(*at)->next;
		*at = instance;
		instance->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
		ms_space_identify(instance->engine, instance->id);
	}
	pthread_mutex_unlock(&home->lock);
	return free;
}

static int instance_new(struct embedded_home *home, const char *name, const struct mmsb_space_opts *opts,
			struct embedded_instance **out)
{
	int err = instance_make(home, name, opts, out);

	if (err)
		return err;
	if (instance_list(home, *out))
		return 0;
	embedded_instance_free(*out);
	return -EAGAIN;
}

static int instance_open(struct embedded_home *home, const char *name, const struct mmsb_space_opts *opts,
			 struct embedded_instance **out)
{
	int err;

	do {
		*out = instance_get(home, name);
		if (*out && (opts->flags & MMSB_SPACE_EXCL)) {
			instance_drop(*out);
			return msl_fail_reason(MMSB_REASON_NAME_TAKEN);
		}
		if (*out)
			return 0;
		if (!(opts->flags & MMSB_SPACE_CREATE))
			return msl_fail_reason(MMSB_REASON_NO_SPACE);
		err = instance_new(home, name, opts, out);
	} while (err == -EAGAIN);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------- handles */

int embedded_space_open(struct mmsb *mmsb, const char *name, const struct mmsb_space_opts *opts, struct mmsb_space **out)
{
	struct embedded_space *space = msl_alloc(sizeof(*space));
	struct ms_space *engine;
	int err;

	if (!space)
		return -ENOMEM;
	err = instance_open((struct embedded_home *)mmsb, name, opts, &space->instance);
	if (err) {
		free(space);
		return err;
	}
	space->read_only = opts->flags & MMSB_SPACE_READ_ONLY;
	pthread_mutex_init(&space->verifying, NULL);
	engine = space->instance->engine;
	msl_space_init(&space->space, mmsb, pf_shared_ptr(ms_space_page(engine)),
		       pf_region_base(ms_region_home(ms_space_directory(engine))),
		       pf_region_base(ms_region_home(ms_space_arena(engine))));
	*out = &space->space;
	return 0;
}

void embedded_space_close(struct mmsb_space *handle)
{
	struct embedded_space *space = (struct embedded_space *)handle;

	ms_verify_free(space->verify);
	pthread_mutex_destroy(&space->verifying);
	instance_drop(space->instance);
	free(space);
}

int embedded_space_remove(struct mmsb *mmsb, const char *name)
{
	struct embedded_home *home = (struct embedded_home *)mmsb;
	struct embedded_instance *instance;
	bool pinned = false;

	pthread_mutex_lock(&home->lock);
	instance = *find_name(home, name);
	if (instance) {
		pinned = instance->flags & MMSB_SPACE_PIN;
		instance->flags &= ~MMSB_SPACE_PIN;
		memset(instance->name, 0, sizeof(instance->name));
	}
	pthread_mutex_unlock(&home->lock);
	if (!instance)
		return msl_fail_reason(MMSB_REASON_NO_SPACE);
	if (pinned)
		instance_drop(instance);
	return 0;
}

static void info_fill(struct embedded_instance *instance, struct mmsb_space_info_args *info)
{
	struct ms_space_stat stat;

	ms_space_stat(instance->engine, &stat);
	info->flags = instance->flags | (stat.hash ? MMSB_SPACE_HASH : 0) | (stat.lazy ? MMSB_SPACE_LAZY : 0) |
		      (stat.shut ? MMSB_SPACE_SHUT : 0) | (stat.timing ? MMSB_SPACE_TIMING : 0);
	info->id = instance->id;
	memcpy(info->name, instance->name, sizeof(info->name));
	info->uid = instance->uid;
	info->gid = instance->gid;
	info->mode = instance->mode;
	info->shards = stat.shards;
	info->rings = stat.rings;
	info->max_rings = stat.max_rings;
	info->pages = stat.pages;
	info->max_pages = stat.max_pages;
	info->bytes = stat.bytes;
	info->max_bytes = stat.max_bytes;
	info->memory = stat.memory;
	info->tick = stat.tick;
	info->deltas = stat.deltas;
	info->incarnation = stat.incarnation;
	info->derived = stat.derived;
	info->edges = stat.edges;
	info->recomputed = stat.recomputed;
	info->skipped = stat.skipped;
	info->cut = stat.cut;
	info->suspect = stat.suspect;
	info->meetings = stat.meetings;
	info->shared = stat.shared;
	info->audit = stat.audit;
}

int embedded_space_info(struct mmsb_space *handle, struct mmsb_space_info_args *info)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	struct embedded_home *home = space->instance->home;

	pthread_mutex_lock(&home->lock);
	info_fill(space->instance, info);
	pthread_mutex_unlock(&home->lock);
	if (space->read_only)
		info->flags |= MMSB_SPACE_READ_ONLY;
	return 0;
}

int embedded_space_next(struct mmsb *mmsb, uint64_t *cursor, struct mmsb_space_info_args *info)
{
	struct embedded_home *home = (struct embedded_home *)mmsb;
	struct embedded_instance *instance;

	pthread_mutex_lock(&home->lock);
	for (instance = home->instances; instance; instance = instance->next)
		if (instance->id > *cursor)
			break;
	if (instance) {
		info_fill(instance, info);
		*cursor = info->cursor = instance->id;
	}
	pthread_mutex_unlock(&home->lock);
	return instance ? 0 : -ENOENT;
}

static int fail_read_only(void)
{
	return msl_fail(EPERM, "the space was opened READ_ONLY: open it without (READ_ONLY)");
}

int embedded_space_reset(struct mmsb_space *handle)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	enum mmsb_reason reason;

	if (space->read_only)
		return fail_read_only();
	reason = ms_space_reset(space->instance->engine);
	return reason ? msl_fail_reason(reason) : 0;
}

int embedded_space_hash(struct mmsb_space *handle, struct mmsb_hash_args *args)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	enum mmsb_reason reason;
	uint64_t tick;
	u64 hash[2], at;
	bool off;

	if (space->read_only && (args->flags & (MMSB_HASH_ON | MMSB_HASH_OFF)))
		return fail_read_only();
	if ((args->flags & MMSB_HASH_ON) && (args->flags & MMSB_HASH_OFF))
		return msl_fail_reason(MMSB_REASON_BAD_FLAGS);
	reason = ms_space_hash(space->instance->engine, args->flags, hash, &at, &off);
	if (reason)
		return msl_fail_reason(reason);
	tick = at;
	args->hash[0] = hash[0];
	args->hash[1] = hash[1];
	args->tick = tick;
	if (off && !(args->flags & MMSB_HASH_OFF))
		return msl_fail(ENODATA, "the space keeps no state hash: switch it on with MMSB_HASH_ON, or ask for MMSB_HASH_RECOMPUTE");
	return 0;
}

int embedded_space_limit(struct mmsb_space *handle, struct mmsb_limits_args *args)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	struct ms_space_limits limits = { .max_pages = args->max_pages, .max_bytes = args->max_bytes, .max_rings = args->max_rings };
	enum mmsb_reason reason;

	if (space->read_only)
		return fail_read_only();
	reason = ms_space_limit(space->instance->engine, &limits);
	return reason ? msl_fail_reason(reason) : 0;
}

int embedded_space_verify(struct mmsb_space *handle, struct mmsb_verify_args *args)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	enum mmsb_reason reason;

	if (space->read_only)
		return fail_read_only();
	pthread_mutex_lock(&space->verifying);
	reason = ms_space_verify(space->instance->engine, &space->verify, args);
	pthread_mutex_unlock(&space->verifying);
	return reason ? msl_fail_reason(reason) : 0;
}

int embedded_space_timing(struct mmsb_space *handle, struct mmsb_timing_args *args)
{
	struct embedded_space *space = (struct embedded_space *)handle;

	if (args->flags && space->read_only)
		return fail_read_only();
	args->reason = ms_space_timing(space->instance->engine, args);
	return args->reason ? msl_fail_reason(args->reason) : 0;
}

int embedded_space_audit(struct mmsb_space *handle, struct mmsb_audit_args *args)
{
	struct embedded_space *space = (struct embedded_space *)handle;

	if (space->read_only)
		return fail_read_only();
	ms_space_audit(space->instance->engine, args->every);
	return 0;
}

int embedded_space_wait(struct mmsb_space *handle, struct mmsb_wait_args *args)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	u64 now = 0;
	int err = ms_page_wait(space->instance->engine, args->page, args->epoch, args->timeout_ns, &now);

	args->now = now;
	if (err == -ETIME)
		return msl_fail(ETIME, "the time is up and the page's epoch is not above %llu", (unsigned long long)args->epoch);
	if (err == -ESTALE)
		return msl_fail_reason(MMSB_REASON_STALE_PAGE);
	if (err == -ENOENT)
		return msl_fail_reason(MMSB_REASON_NO_PAGE);
	if (err == -ENOMEM)
		return msl_fail_reason(MMSB_REASON_NO_MEMORY);
	return err == -EINTR ? msl_fail(EINTR, "a signal came") : err;
}
