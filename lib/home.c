// SPDX-License-Identifier: MIT
/*
 * Choosing a home. `auto` takes the kernel's where its device is there, and the process's own where it is not. A device
 * that is there but closed to the caller is an error, not a reason to go on alone: a program that silently got a state
 * of its own would look as if it worked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "home.h"

#define TEXT_(x)	#x
#define TEXT(x)		TEXT_(x)

const char *mmsb_version(void)
{
	return TEXT(MMSB_VERSION_MAJOR) "." TEXT(MMSB_VERSION_MINOR) "." TEXT(MMSB_VERSION_PATCH);
}

void msl_mmsb_init(struct mmsb *mmsb, const struct msl_home *home)
{
	mmsb->home = home;
	mmsb->users = 1;
	mmsb->spaces = NULL;
	pthread_mutex_init(&mmsb->lock, NULL);
}

static void mmsb_put(struct mmsb *mmsb)
{
	if (__atomic_sub_fetch(&mmsb->users, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_mutex_destroy(&mmsb->lock);
	mmsb->home->close(mmsb);
}

static int open_auto(struct mmsb **mmsb, const struct mmsb_open_opts *opts)
{
	int err = msl_home_kernel.open(mmsb, opts);

	if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
		return msl_home_embedded.open(mmsb, opts);
	return err;
}

int mmsb_open(struct mmsb **mmsb, const struct mmsb_open_opts *opts)
{
	struct mmsb_open_opts o;
	const char *name;
	int err = MSL_OPTS(o, opts);

	*mmsb = NULL;
	if (err)
		return err;
	name = o.home ? o.home : getenv("MMSB_HOME");
	if (!name || !*name || !strcmp(name, "auto"))
		return open_auto(mmsb, &o);
	if (!strcmp(name, "kernel"))
		return msl_home_kernel.open(mmsb, &o);
	if (!strcmp(name, "embedded"))
		return msl_home_embedded.open(mmsb, &o);
	return msl_fail(EINVAL, "there is no home '%s': say kernel, embedded or auto", name);
}

void mmsb_close(struct mmsb *mmsb)
{
	if (!mmsb)
		return;
	while (mmsb->spaces)
		mmsb_space_close(mmsb->spaces);
	mmsb_put(mmsb);
}

const char *mmsb_home(const struct mmsb *mmsb)
{
	return mmsb->home->name;
}

int mmsb_info(struct mmsb *mmsb, struct mmsb_info_args *info)
{
	struct mmsb_info_args args = { .size = sizeof(args) };
	int err = mmsb->home->info(mmsb, &args);

	if (!err)
		msl_args_out(info, &args, sizeof(args));
	return err;
}

/* ---------------------------------------------------------------------------------------------- handles of its spaces */

void msl_space_init(struct mmsb_space *space, struct mmsb *mmsb, const struct mmsb_space_page *page, const void *directory,
		    const void *arena)
{
	space->home = mmsb->home;
	space->page = page;
	space->lines = directory;
	space->nlines = page->directory_bytes / sizeof(struct mmsb_line);
	space->arena = arena;
	space->arena_bytes = page->arena_bytes;
	space->mmsb = mmsb;
	space->users = 1;
	space->helper = NULL;
	space->hold = NULL;
	space->access = 0;
	pthread_mutex_init(&space->helper_lock, NULL);
	pthread_mutex_init(&space->log_lock, NULL);
	space->log = NULL;
	__atomic_add_fetch(&mmsb->users, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&mmsb->lock);
	space->prev = NULL;
	space->next = mmsb->spaces;
	if (space->next)
		space->next->prev = space;
	mmsb->spaces = space;
	pthread_mutex_unlock(&mmsb->lock);
}

static void space_unlist(struct mmsb_space *space)
{
	struct mmsb *mmsb = space->mmsb;

	pthread_mutex_lock(&mmsb->lock);
	if (space->next)
		space->next->prev = space->prev;
	if (space->prev)
		space->prev->next = space->next;
	else
		mmsb->spaces = space->next;
	pthread_mutex_unlock(&mmsb->lock);
}

void msl_space_get(struct mmsb_space *space)
{
	__atomic_add_fetch(&space->users, 1, __ATOMIC_RELAXED);
}

void msl_space_put(struct mmsb_space *space)
{
	struct mmsb *mmsb = space->mmsb;

	if (__atomic_sub_fetch(&space->users, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_mutex_destroy(&space->helper_lock);
	pthread_mutex_destroy(&space->log_lock);
	space->home->space_close(space);
	mmsb_put(mmsb);
}

void mmsb_space_close(struct mmsb_space *space)
{
	if (!space)
		return;
	space_unlist(space);
	if (space->helper)
		mmsb_ring_close(space->helper);
	msl_space_unhold(space);
	msl_space_put(space);
}
