// SPDX-License-Identifier: MIT
/*
 * Rules of the user's own: a C function that gets whole pages, behind the engine's object.
 *
 * A rule is a process's, not a space's, and stays for good, because spaces may hold pages that follow it and a history names it by
 * number. The number comes from the name, so that it is the same in every process that registers it.
 *
 * What the engine laid out for the call is what the function gets: struct mmsb_rule_parent is struct ms_parent, and only of pages that are
 * larger than a chunk the bytes have to be found. The arena is one run of addresses here, which reads as zeros where nothing was
 * written; so any byte of a page that is there says where the page is, and one of which there is none is zeros.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "embedded.h"
#include "rule.h"

#define RULE_NAME	32

struct user_rule {
	struct ms_rule rule;		/* first, and never freed */
	char name[RULE_NAME];
	struct user_rule *next;
	void (*run)(const struct mmsb_rule_call *call);
	void *data;
};

_Static_assert(PF_FLAT, "the pages of the embedded home lie in one run");
_Static_assert(sizeof(struct mmsb_rule_parent) == sizeof(struct ms_parent) &&
	       offsetof(struct mmsb_rule_parent, size) == offsetof(struct ms_parent, size) &&
	       offsetof(struct mmsb_rule_parent, weight) == offsetof(struct ms_parent, weight) &&
	       offsetof(struct mmsb_rule_parent, bytes) == offsetof(struct ms_parent, bytes), "one is shown as the other");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* of what follows */
static struct user_rule *rules;
static const void *zeros;		/* as many as the largest page has */

/* ---------------------------------------------------------------------------------------------------------- running */

static const void *whole_bytes(const struct ms_rule_call *call, u32 parent)
{
	u64 size = call->parent[parent].size, offset, n;
	const u8 *bytes;

	for (offset = 0; offset < size; offset += n) {
		bytes = ms_parent_bytes(call, parent, offset, &n);
		if (bytes)
			return bytes - offset;
	}
	return zeros;
}

static void run(const struct ms_rule_call *call)
{
	const struct user_rule *user = call->data;
	struct ms_parent *parent = (struct ms_parent *)call->parent;	/* the engine lays it out anew for each call */
	const struct mmsb_rule_call shown = {
		.parent = (const struct mmsb_rule_parent *)parent, .parents = call->parents, .lane = call->lane,
		.saturate = call->saturate, .param = (const uint64_t *)call->param, .out = call->out, .bytes = call->size,
		.data = user->data,
	};
	u32 i;

	for (i = 0; i < call->parents; i++)
		if (!parent[i].bytes)
			parent[i].bytes = whole_bytes(call, i);
	memset(call->out, 0, call->size);
	pf_fpu_begin();
	user->run(&shown);
	pf_fpu_end();
}

/* ------------------------------------------------------------------------------------------------------- registering */

static enum mmsb_reason check_from(const struct mmsb_derive *derive, unsigned int first)
{
	for (; first < MMSB_RULE_PARAMS; first++)
		if (derive->param[first])
			return MMSB_REASON_BAD_PARAM;
	return MMSB_REASON_NONE;
}

static enum mmsb_reason check_one(const struct mmsb_derive *derive)
{
	return check_from(derive, 1);
}

static enum mmsb_reason check_two(const struct mmsb_derive *derive)
{
	return check_from(derive, 2);
}

static enum mmsb_reason check_three(const struct mmsb_derive *derive)
{
	return check_from(derive, 3);
}

static enum mmsb_reason check_four(const struct mmsb_derive *derive)
{
	return check_from(derive, 4);
}

static enum mmsb_reason (*const checks[])(const struct mmsb_derive *derive) = { NULL, check_one, check_two, check_three, check_four };

static u32 number_of(const char *name)
{
	u32 hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (u8)*name) * 16777619u;
	return MMSB_RULE_USER | hash;
}

static int check_rule(const struct mmsb_user_rule *rule, u32 *number)
{
	size_t len = rule->name ? strlen(rule->name) : 0;
	u32 i;

	if (!len || len >= RULE_NAME)
		return msl_fail(EINVAL, "a rule has a name of 1 to %d characters", RULE_NAME - 1);
	for (i = 0; i < MMSB_RULE_LAST; i++)
		if (!strcmp(mmsb_rule_name(i), rule->name))
			return msl_fail(EEXIST, "'%s' is the name of a built-in rule: choose another", rule->name);
	if (!rule->run || !rule->version)
		return msl_fail(EINVAL, "rule '%s' has no function, or its version is 0", rule->name);
	if (rule->params >= sizeof(checks) / sizeof(*checks) || rule->max_parents > MMSB_PARENTS_MAX || rule->lanes >> MMSB_RULE_LANE_LAST)
		return msl_fail(EINVAL, "rule '%s': a rule has at most %u parameters, %u parents, and lane types up to f64", rule->name,
				MMSB_RULE_PARAMS, MMSB_PARENTS_MAX);
	if (rule->max_parents && rule->min_parents > rule->max_parents)
		return msl_fail(EINVAL, "rule '%s' wants at least %u parents and at most %u", rule->name, rule->min_parents, rule->max_parents);
	*number = number_of(rule->name);
	return 0;
}

static struct user_rule *rule_make(const struct mmsb_user_rule *from, u32 number)
{
	struct user_rule *user = msl_alloc(sizeof(*user));

	if (!user)
		return NULL;
	memcpy(user->name, from->name, strlen(from->name));
	user->run = from->run;
	user->data = from->data;
	user->rule = (struct ms_rule){
		.name = user->name, .number = number, .version = from->version,
		.min_parents = from->min_parents ? from->min_parents : 1,
		.max_parents = from->max_parents ? from->max_parents : MMSB_PARENTS_MAX,
		.lanes = from->lanes, .weights = from->weights, .saturates = from->saturates, .whole = true,
		.check = checks[from->params], .run = run, .data = user,
	};
	return user;
}

static int make_zeros(void)
{
	void *map;

	if (zeros)
		return 0;
	map = mmap(NULL, MMSB_PAGE_MAX, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return msl_fail(ENOMEM, "out of address space");
	zeros = map;
	return 0;
}

static const char *other_name(u32 number, const char *name)
{
	const struct user_rule *user;

	for (user = rules; user; user = user->next)
		if (user->rule.number == number && strcmp(user->name, name))
			return user->name;
	return NULL;
}

/* Under the lock. */
static int rule_enter(struct user_rule *user)
{
	const char *other = other_name(user->rule.number, user->name);
	enum mmsb_reason reason;
	int err;

	if (other)
		return msl_fail(EEXIST, "the names '%s' and '%s' come to the same number: rename one", user->name, other);
	err = make_zeros();
	if (err)
		return err;
	reason = ms_rule_register(&user->rule);
	if (reason)
		return msl_fail_reason(reason);
	user->next = rules;
	rules = user;
	return 0;
}

int embedded_rule_register(struct mmsb *mmsb, const struct mmsb_user_rule *rule, uint32_t *number)
{
	struct user_rule *user;
	u32 own = 0;
	int err = check_rule(rule, &own);

	(void)mmsb;
	if (err)
		return err;
	user = rule_make(rule, own);
	if (!user)
		return -ENOMEM;
	pthread_mutex_lock(&lock);
	err = rule_enter(user);
	pthread_mutex_unlock(&lock);
	if (err)
		free(user);
	else if (number)
		*number = own;
	return err;
}

/* ------------------------------------------------------------------------------------------------------------- names */

static const struct user_rule *rule_find(uint32_t number, const char *name)
{
	const struct user_rule *user;

	pthread_mutex_lock(&lock);
	for (user = rules; user; user = user->next)
		if (name ? !strcmp(user->name, name) : user->rule.number == number)
			break;
	pthread_mutex_unlock(&lock);
	return user;
}

const char *embedded_rule_name(uint32_t number)
{
	const struct user_rule *user = rule_find(number, NULL);

	return user ? user->name : NULL;
}

uint32_t embedded_rule_number(const char *name)
{
	const struct user_rule *user = rule_find(0, name);

	return user ? user->rule.number : 0;
}
