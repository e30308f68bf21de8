// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which spaces there are, in which network namespace, under which name, and who may open them.
 *
 * One lock for all lists: it is held for looks at a list and for telling of a change, never while a space is made or destroyed. Engines tell
 * of theirs under locks of their own, so nothing is asked of an engine under this one. The lists hold no
 * references. The last reference is dropped with the lock held (kref_put_mutex()), so what is found on a list is alive.
 *
 * A space may outlive its network namespace in the hands of those who have it open; then it is on no list and has no name.
 * Pinned spaces are what nobody needs to have open: their pin is a reference, given back by removal or by the namespace's end.
 */
#include <linux/capability.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include "limits.h"
#include "names.h"
#include "netlink.h"

struct mmsb_names {
	struct list_head spaces;	/* by id */
	struct net *net;
	u32 count;
	u64 generation[MMSB_NL_GROUPS];	/* of what was told */
};

static DEFINE_MUTEX(names_lock);
static unsigned int names_net_id;
static u64 names_last_id;		/* under names_lock */
static atomic_t names_spaces = ATOMIC_INIT(0);	/* of all network namespaces, also those being made */

static struct mmsb_names *names_of(const struct net *net)
{
	return net_generic(net, names_net_id);
}

/* -------------------------------------------------------------------------------------------------------- references */

static void names_tell(struct mmsb_space *space, const struct mmsb_news *news)
{
	lockdep_assert_held(&names_lock);
	if (space->names)
		mmsb_netlink_tell(space->names->net, ++space->names->generation[news->group], space->id, space->name, news);
}

void mmsb_names_tell(struct mmsb_space *space, const struct mmsb_news *news)
{
	mutex_lock(&names_lock);
	names_tell(space, news);
	mutex_unlock(&names_lock);
}

static struct mmsb_news news_done(enum mmsb_what what)
{
	return (struct mmsb_news){
		.what = what,
		.pid = task_tgid_nr(current),
		.uid = from_kuid(&init_user_ns, current_euid()),
	};
}

static void names_tell_done(struct mmsb_space *space, enum mmsb_what what)
{
	struct mmsb_news news = news_done(what);

	names_tell(space, &news);
}

void mmsb_names_tell_done(struct mmsb_space *space, enum mmsb_what what)
{
	struct mmsb_news news = news_done(what);

	mmsb_names_tell(space, &news);
}

u64 mmsb_names_generation(struct net *net, enum mmsb_nl_group group)
{
	u64 generation;

	mutex_lock(&names_lock);
	generation = names_of(net)->generation[group];
	mutex_unlock(&names_lock);
	return generation;
}

static void names_unlink(struct mmsb_space *space)
{
	lockdep_assert_held(&names_lock);
	if (!space->names)
		return;
	list_del_init(&space->node);
	space->names->count--;
	space->names = NULL;
}

/* Called with names_lock held, and gives it back. */
static void space_release(struct kref *ref)
{
	struct mmsb_space *space = container_of(ref, struct mmsb_space, ref);

	names_tell_done(space, MMSB_WHAT_SPACE_GONE);
	names_unlink(space);
	mutex_unlock(&names_lock);
	mmsb_space_destroy(space);
	atomic_dec(&names_spaces);
}

struct mmsb_space *mmsb_space_get(struct mmsb_space *space)
{
	kref_get(&space->ref);
	return space;
}

void mmsb_space_put(struct mmsb_space *space)
{
	kref_put_mutex(&space->ref, space_release, &names_lock);
}

/* ------------------------------------------------------------------------------------------------------- permissions */

static bool names_allow(const struct mmsb_space *space, const struct net *net, umode_t want)
{
	umode_t mode = READ_ONCE(space->mode);

	if (uid_eq(current_fsuid(), space->uid))
		mode >>= 6;
	else if (in_group_p(space->gid))
		mode >>= 3;
	return !(want & ~mode) || ns_capable(net->user_ns, CAP_DAC_OVERRIDE);
}

bool mmsb_space_readable(const struct mmsb_space *space, const struct net *net)
{
	return names_allow(space, net, 04);
}

bool mmsb_space_owned(const struct mmsb_space *space, const struct net *net)
{
	return uid_eq(current_fsuid(), space->uid) || ns_capable(net->user_ns, CAP_SYS_ADMIN);
}

/* -------------------------------------------------------------------------------------------------------------- names */

static struct mmsb_space *names_find(const struct mmsb_names *names, const char *name)
{
	struct mmsb_space *space;

	lockdep_assert_held(&names_lock);
	list_for_each_entry(space, &names->spaces, node)
		if (!strcmp(space->name, name))
			return space;
	return NULL;
}

/* A full descriptor reads too, so it takes both bits. */
static enum mmsb_reason names_open_found(struct net *net, const struct mmsb_space_wish *wish, struct mmsb_space *found)
{
	umode_t want = wish->flags & MMSB_SPACE_READ_ONLY ? 04 : 06;

	if (wish->flags & MMSB_SPACE_EXCL)
		return MMSB_REASON_NAME_TAKEN;
	if (!names_allow(found, net, want))
		return MMSB_REASON_NO_PERMISSION;
	mmsb_space_get(found);
	return MMSB_REASON_NONE;
}

static void names_link(struct mmsb_names *names, const struct mmsb_space_wish *wish, struct mmsb_space *space)
{
	lockdep_assert_held(&names_lock);
	strscpy(space->name, wish->name, sizeof(space->name));
	space->id = ++names_last_id;
	ms_space_identify(space->engine, space->id);
	space->names = names;
	list_add_tail(&space->node, &names->spaces);
	names->count++;
	if (wish->flags & MMSB_SPACE_PIN) {
		space->pinned = true;
		mmsb_space_get(space);
	}
	names_tell_done(space, MMSB_WHAT_SPACE_MADE);
}

static enum mmsb_reason names_create(const struct mmsb_space_wish *wish, struct mmsb_space **space)
{
	enum mmsb_reason reason = MMSB_REASON_SPACES_LIMIT;
	int limit = min_t(unsigned int, READ_ONCE(mmsb_max_spaces), INT_MAX);

	if (atomic_inc_return(&names_spaces) > limit)
		goto err_count;
	reason = mmsb_space_create(wish, space);
	if (reason)
		goto err_count;
	return MMSB_REASON_NONE;

err_count:
	atomic_dec(&names_spaces);
	return reason;
}

/* Making a space takes long, so it is made aside; whoever is first to link one of the name wins, the other opens that. */
enum mmsb_reason mmsb_names_open(struct net *net, const struct mmsb_space_wish *wish, struct mmsb_space **space, bool *owner)
{
	struct mmsb_space *found, *fresh = NULL;
	enum mmsb_reason reason;

	for (;;) {
		mutex_lock(&names_lock);
		found = wish->name[0] ? names_find(names_of(net), wish->name) : NULL;
		if (found || fresh || !(wish->flags & MMSB_SPACE_CREATE))
			break;
		mutex_unlock(&names_lock);
		reason = names_create(wish, &fresh);
		if (reason)
			return reason;
	}
	if (found) {
		reason = names_open_found(net, wish, found);
	} else if (fresh) {
		names_link(names_of(net), wish, fresh);
		found = fresh;
		fresh = NULL;
		reason = MMSB_REASON_NONE;
	} else {
		reason = MMSB_REASON_NO_SPACE;
	}
	if (!reason) {
		*space = found;
		*owner = mmsb_space_owned(found, net);
	}
	mutex_unlock(&names_lock);
	if (fresh)
		mmsb_space_put(fresh);
	return reason;
}

/* The name is free at once; the space goes when the last who has it open is gone. True: the caller gives back its pin. */
static bool names_unname(struct mmsb_space *space)
{
	bool pinned = space->pinned;

	lockdep_assert_held(&names_lock);
	names_tell_done(space, MMSB_WHAT_SPACE_REMOVED);
	space->name[0] = '\0';
	space->pinned = false;
	return pinned;
}

enum mmsb_reason mmsb_names_remove(struct net *net, const char *name)
{
	struct mmsb_space *space;
	enum mmsb_reason reason = MMSB_REASON_NO_SPACE;
	bool pinned = false;

	mutex_lock(&names_lock);
	space = names_find(names_of(net), name);
	if (space)
		reason = mmsb_space_owned(space, net) ? MMSB_REASON_NONE : MMSB_REASON_NO_PERMISSION;
	if (!reason)
		pinned = names_unname(space);
	mutex_unlock(&names_lock);
	if (pinned)
		mmsb_space_put(space);
	return reason;
}

enum mmsb_reason mmsb_names_unname(struct mmsb_space *space)
{
	bool named, pinned = false;

	mutex_lock(&names_lock);
	named = space->name[0];
	if (named)
		pinned = names_unname(space);
	mutex_unlock(&names_lock);
	if (pinned)
		mmsb_space_put(space);
	return named ? MMSB_REASON_NONE : MMSB_REASON_NO_SPACE;
}

enum mmsb_reason mmsb_names_pin(struct mmsb_space *space, bool pin)
{
	bool was;

	mutex_lock(&names_lock);
	if (pin && !space->name[0]) {
		mutex_unlock(&names_lock);
		return MMSB_REASON_UNNAMED;
	}
	was = space->pinned;
	space->pinned = pin;
	if (pin && !was)
		mmsb_space_get(space);
	mutex_unlock(&names_lock);
	if (was && !pin)
		mmsb_space_put(space);
	return MMSB_REASON_NONE;
}

void mmsb_names_mode(struct mmsb_space *space, umode_t mode)
{
	WRITE_ONCE(space->mode, mode);
}

struct mmsb_space *mmsb_names_find(struct net *net, const char *name, u64 id)
{
	struct mmsb_space *space, *found = NULL;

	mutex_lock(&names_lock);
	list_for_each_entry(space, &names_of(net)->spaces, node) {
		if (name ? !strcmp(space->name, name) : space->id == id) {
			found = mmsb_space_get(space);
			break;
		}
	}
	mutex_unlock(&names_lock);
	return found;
}

struct mmsb_space *mmsb_names_next(struct net *net, u64 cursor)
{
	struct mmsb_space *space, *found = NULL;

	mutex_lock(&names_lock);
	list_for_each_entry(space, &names_of(net)->spaces, node) {
		if (space->id > cursor) {
			found = mmsb_space_get(space);
			break;
		}
	}
	mutex_unlock(&names_lock);
	return found;
}

void mmsb_names_info(struct mmsb_space *space, struct mmsb_space_info_args *info)
{
	mmsb_space_info(space, info);
	mutex_lock(&names_lock);
	info->id = space->id;
	memcpy(info->name, space->name, sizeof(info->name));
	if (space->pinned)
		info->flags |= MMSB_SPACE_PIN;
	mutex_unlock(&names_lock);
}

u32 mmsb_names_count(struct net *net)
{
	return READ_ONCE(names_of(net)->count);
}

u32 mmsb_names_count_all(void)
{
	return atomic_read(&names_spaces);
}

/* ------------------------------------------------------------------------------------------------- network namespaces */

static int __net_init names_net_init(struct net *net)
{
	INIT_LIST_HEAD(&names_of(net)->spaces);
	names_of(net)->net = net;
	return 0;
}

static struct mmsb_space *names_pop(struct mmsb_names *names)
{
	struct mmsb_space *space = list_first_entry_or_null(&names->spaces, struct mmsb_space, node);

	if (space) {
		names_unlink(space);
		space->name[0] = '\0';
	}
	return space;
}

static void __net_exit names_net_exit(struct net *net)
{
	struct mmsb_space *space;
	bool pinned;

	do {
		mutex_lock(&names_lock);
		space = names_pop(names_of(net));
		pinned = space && space->pinned;
		if (pinned)
			space->pinned = false;
		mutex_unlock(&names_lock);
		if (pinned)
			mmsb_space_put(space);
	} while (space);
}

static struct pernet_operations names_net_ops = {
	.init = names_net_init,
	.exit = names_net_exit,
	.id = &names_net_id,
	.size = sizeof(struct mmsb_names),
};

int mmsb_names_init(void)
{
	return register_pernet_subsys(&names_net_ops);
}

void mmsb_names_exit(void)
{
	unregister_pernet_subsys(&names_net_ops);
}
