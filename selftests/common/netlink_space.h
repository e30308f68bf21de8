/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A space of two shards with a ring, that tests ask generic netlink about: the fixture of all programs that try the family by hand. What the module
 * allows is put back behind each test.
 */
#ifndef NETLINK_SPACE_H
#define NETLINK_SPACE_H

#include "harness.h"
#include "home.h"
#include "rows.h"
#include "settings.h"

FIXTURE(netlink) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct nlc nl;
	struct settings settings;
	char name[32];
};

static int make(struct mmsb *mmsb, const char *name, uint32_t mode, struct mmsb_space **space)
{
	return mmsb_space_open(mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .mode = mode, .shards = 2, .max_pages = 1000, .max_bytes = 16 << 20,
			       .max_rings = 8, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL), space);
}

FIXTURE_SETUP(netlink)
{
	if (!home_is_kernel())
		SKIP(return, "generic netlink is the kernel home's");
	ASSERT_EQ(0, getuid()) TH_LOG("run it as root, who can become others");
	snprintf(self->name, sizeof(self->name), "test-netlink-%d", getpid());
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, make(self->mmsb, self->name, 0600, &self->space));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = 64, .source = 4711), &self->ring));
	ASSERT_EQ(0, nlc_open(&self->nl));
	ASSERT_EQ(0, settings_take(&self->nl, &self->settings));
}

FIXTURE_TEARDOWN(netlink)
{
	if (!self->mmsb)
		return;
	EXPECT_EQ(0, settings_give_back(&self->settings));
	nlc_close(&self->nl);
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

static struct rows rows;	/* too large for a stack */

static inline int get_timing(struct nlc *nl, const char *name)
{
	return ask(nl, about(nl, MMSB_CMD_TIMING_GET, true, MMSB_A_TIMING_SPACE_NAME, name), &nlc_timing, &rows);
}

static inline int reset_timing(struct nlc *nl, const char *name)
{
	return nlc_ask(nl, about(nl, MMSB_CMD_TIMING_RESET, false, MMSB_A_TIMING_SPACE_NAME, name), NULL, NULL, NULL);
}

static inline int switch_timing(struct nlc *nl, const char *name)
{
	return set_u8(nl, name, MMSB_A_SPACE_TIMING, 1);
}

static inline int look_at_rings(struct nlc *nl, const char *name)
{
	return ask(nl, about(nl, MMSB_CMD_RING_GET, true, MMSB_A_RING_SPACE_NAME, name), &nlc_ring, &rows);
}

/* 0 for one who has no spaces. */
static inline uint64_t user_number(struct nlc *nl, uint32_t uid, int attr)
{
	int i;

	if (ask(nl, nlc_request(nl, MMSB_CMD_USER_GET, true), &nlc_user, &rows))
		return ~0ull;
	for (i = 0; i < rows.n; i++)
		if (rows.number[i][MMSB_A_USER_UID] == uid)
			return rows.number[i][attr];
	return 0;
}

static inline uint64_t spaces_of(struct nlc *nl, uint32_t uid)
{
	return user_number(nl, uid, MMSB_A_USER_SPACES);
}

#endif
