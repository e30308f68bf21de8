// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: every command with right and wrong requests; what is told against what was done; refusals that name the attribute
 * and change nothing; who pays; memory that fails; dumps while spaces and edges come and go; and, seeded, garbage of the right structure, after
 * which all is as before. Who may what is netlink_access, and what listeners hear netlink_events.
 */
#include <pthread.h>
#include <sys/stat.h>
#include <netlink/socket.h>
#include "common/netlink_space.h"
#include "common/starve.h"
#include "../tools/prometheus.h"

static struct rows more;

/* ------------------------------------------------------------------------------------------------------------- looking */

TEST_F(netlink, the_module_says_what_it_allows)
{
	struct mmsb_info_args info = { .size = sizeof(info) };

	ASSERT_EQ(0, mmsb_info(self->mmsb, &info));
	ASSERT_EQ(0, ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_MODULE_GET, false), &nlc_module, &rows));
	ASSERT_EQ(1, rows.n);
	EXPECT_EQ(info.abi, rows.number[0][MMSB_A_MODULE_ABI]);
	EXPECT_EQ(info.features, rows.number[0][MMSB_A_MODULE_FEATURES]);
	EXPECT_EQ(info.spaces, rows.number[0][MMSB_A_MODULE_SPACES]);
	EXPECT_EQ(info.max_spaces, rows.number[0][MMSB_A_MODULE_MAX_SPACES]);
	EXPECT_EQ(info.max_pages, rows.number[0][MMSB_A_MODULE_MAX_PAGES]);
	EXPECT_EQ(info.max_bytes, rows.number[0][MMSB_A_MODULE_MAX_BYTES]);
	EXPECT_EQ(info.max_rings, rows.number[0][MMSB_A_MODULE_MAX_RINGS]);
	EXPECT_EQ(info.poll_idle_us, rows.number[0][MMSB_A_MODULE_POLL_IDLE_US]);
	EXPECT_STREQ(info.version, rows.text[0]);
}

TEST_F(netlink, a_space_is_told_as_its_descriptor_tells_it)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint64_t page;
	int i;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	ASSERT_EQ(0, mmsb_space_info(self->space, &info));
	ASSERT_EQ(0, get_space(&self->nl, self->name, &rows));
	ASSERT_EQ(1, rows.n);
	EXPECT_STREQ(self->name, rows.text[0]);
	EXPECT_EQ(info.id, rows.number[0][MMSB_A_SPACE_ID]);
	EXPECT_EQ(1, rows.number[0][MMSB_A_SPACE_PAGES]);
	EXPECT_EQ(11, rows.number[0][MMSB_A_SPACE_DELTAS]);
	EXPECT_EQ(info.tick, rows.number[0][MMSB_A_SPACE_TICK]);
	EXPECT_EQ(info.memory, rows.number[0][MMSB_A_SPACE_MEMORY]);
	EXPECT_EQ(1000, rows.number[0][MMSB_A_SPACE_MAX_PAGES]);
	EXPECT_EQ(1000, rows.number[0][MMSB_A_SPACE_MADE_FOR_PAGES]);
	EXPECT_EQ(16 << 20, rows.number[0][MMSB_A_SPACE_MADE_FOR_BYTES]);
	EXPECT_EQ(0600, rows.number[0][MMSB_A_SPACE_MODE]);
	EXPECT_EQ(2, rows.number[0][MMSB_A_SPACE_SHARDS]);
	EXPECT_EQ(0, rows.number[0][MMSB_A_SPACE_PINNED]);
}

TEST_F(netlink, a_ring_says_who_opened_it_and_what_it_did)
{
	uint64_t page;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	EXPECT_EQ(-ENOENT, mmsb_add(self->ring, page + 1, 0, 1, NULL));
	ASSERT_EQ(0, ask(&self->nl, about(&self->nl, MMSB_CMD_RING_GET, true, MMSB_A_RING_SPACE_NAME, self->name), &nlc_ring, &rows));
	ASSERT_EQ(1, rows.n);
	EXPECT_EQ(1, rows.number[0][MMSB_A_RING_ID]);
	EXPECT_EQ(getpid(), rows.number[0][MMSB_A_RING_PID]);
	EXPECT_EQ(0, rows.number[0][MMSB_A_RING_UID]);
	EXPECT_EQ(4711, rows.number[0][MMSB_A_RING_SOURCE]);
	EXPECT_EQ(64, rows.number[0][MMSB_A_RING_SQ_ENTRIES]);
	EXPECT_EQ(2, rows.number[0][MMSB_A_RING_TAKEN]);
	EXPECT_EQ(1, rows.number[0][MMSB_A_RING_FAILED]);
	EXPECT_EQ(0, rows.number[0][MMSB_A_RING_PENDING]);
	EXPECT_EQ(0, rows.number[0][MMSB_A_RING_BROKEN]);
	EXPECT_NE(0, rows.number[0][MMSB_A_RING_OPENED]);
	EXPECT_STREQ("netlink", rows.text[0]);
}

TEST_F(netlink, shards_add_up_to_the_space)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint64_t pages[2], sum = 0;
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &pages[i]));
	ASSERT_EQ(0, mmsb_space_info(self->space, &info));
	ASSERT_EQ(0, ask(&self->nl, about(&self->nl, MMSB_CMD_SHARD_GET, true, MMSB_A_SHARD_SPACE_NAME, self->name), &nlc_shard, &rows));
	ASSERT_EQ(2, rows.n);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(i, rows.number[i][MMSB_A_SHARD_NUMBER]);
		sum += rows.number[i][MMSB_A_SHARD_DELTAS];
	}
	EXPECT_EQ(info.deltas, sum);
	EXPECT_EQ(2, rows.number[0][MMSB_A_SHARD_PAGES] + rows.number[1][MMSB_A_SHARD_PAGES]);
	EXPECT_EQ(1, rows.number[0][MMSB_A_SHARD_RINGS] + rows.number[1][MMSB_A_SHARD_RINGS]);
	ASSERT_EQ(0, ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_POLLER_GET, true), &nlc_poller, &rows));
	EXPECT_GE(rows.n, 1);
	EXPECT_NE(0, rows.number[0][MMSB_A_POLLER_PID]);
}

/* More than one message holds, begun in the middle, too. */
TEST_F(netlink, pages_come_in_order_and_from_where_one_asks)
{
	enum { PAGES = 400 };
	uint64_t page, last = 0;
	struct nl_msg *msg;
	int i;

	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(0, mmsb_create(self->ring, 128, &page));
	ASSERT_EQ(0, ask(&self->nl, about(&self->nl, MMSB_CMD_PAGE_GET, true, MMSB_A_PAGE_SPACE_NAME, self->name), &nlc_page, &rows));
	ASSERT_EQ(PAGES, rows.n);
	for (i = 0; i < PAGES; i++) {
		EXPECT_EQ(128, rows.number[i][MMSB_A_PAGE_SIZE]);
		EXPECT_TRUE(!i || MMSB_PAGE_INDEX(rows.number[i][MMSB_A_PAGE_ID]) > last);
		last = MMSB_PAGE_INDEX(rows.number[i][MMSB_A_PAGE_ID]);
	}
	msg = about(&self->nl, MMSB_CMD_PAGE_GET, true, MMSB_A_PAGE_SPACE_NAME, self->name);
	nla_put_u32(msg, MMSB_A_PAGE_FROM, MMSB_PAGE_INDEX(rows.number[300][MMSB_A_PAGE_ID]));
	ASSERT_EQ(0, ask(&self->nl, msg, &nlc_page, &more));
	EXPECT_EQ(100, more.n);
	EXPECT_EQ(rows.number[300][MMSB_A_PAGE_ID], more.number[0][MMSB_A_PAGE_ID]);
}

/* Two parents each, of both shards; more edges than one message holds, begun in the middle, too. */
TEST_F(netlink, edges_come_in_the_order_of_the_pages_that_follow)
{
	enum { PAGES = 200 };
	uint64_t source[2], page[PAGES], weights[2] = { 3, 5 };
	struct nl_msg *msg;
	int i, k, row;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &source[i]));
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &page[i]));
		ASSERT_EQ(0, mmsb_derive_fold(self->ring, page[i], MMSB_RULE_ADD_MUL, MMSB_LANE_I64, source, weights, 2, NULL));
	}
	ASSERT_EQ(0, ask(&self->nl, about(&self->nl, MMSB_CMD_GRAPH_GET, true, MMSB_A_EDGE_SPACE_NAME, self->name), &nlc_edge, &rows));
	ASSERT_EQ(2 * PAGES, rows.n);
	for (i = row = 0; i < PAGES; i++)
		for (k = 0; k < 2; k++, row++) {
			ASSERT_EQ(page[i], rows.number[row][MMSB_A_EDGE_PAGE]);
			ASSERT_EQ(k, rows.number[row][MMSB_A_EDGE_NUMBER]);
			ASSERT_EQ(source[k], rows.number[row][MMSB_A_EDGE_PARENT]);
			ASSERT_EQ(weights[k], rows.number[row][MMSB_A_EDGE_WEIGHT]);
			ASSERT_EQ(MMSB_EDGE_DATA, rows.number[row][MMSB_A_EDGE_TYPE]);
		}
	msg = about(&self->nl, MMSB_CMD_GRAPH_GET, true, MMSB_A_EDGE_SPACE_NAME, self->name);
	nla_put_u32(msg, MMSB_A_EDGE_FROM, MMSB_PAGE_INDEX(page[150]));
	ASSERT_EQ(0, ask(&self->nl, msg, &nlc_edge, &more));
	ASSERT_EQ(100, more.n);
	EXPECT_EQ(page[150], more.number[0][MMSB_A_EDGE_PAGE]);
	msg = about(&self->nl, MMSB_CMD_GRAPH_GET, true, MMSB_A_EDGE_SPACE_NAME, self->name);
	nla_put_u32(msg, MMSB_A_EDGE_FROM, ~0u);
	ASSERT_EQ(0, ask(&self->nl, msg, &nlc_edge, &more));
	EXPECT_EQ(0, more.n);
}

/* More pages without a parent than are looked at in one go, and then one that has some. */
TEST_F(netlink, edges_are_found_however_few_they_are)
{
	enum { PAGES = 6 << 10 };
	uint64_t source[PAGES >> 10], page, last;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	char name[40];
	int i;

	snprintf(name, sizeof(name), "%s-wide", self->name);
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .max_pages = 2 * PAGES, .flags = MMSB_SPACE_CREATE), &space));
	ASSERT_EQ(0, mmsb_ring_open(space, NULL, &ring));
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(0, mmsb_create(ring, 64, &page));
		if (i % 1024 == 512)
			source[i >> 10] = page;
	}
	ASSERT_EQ(0, mmsb_create(ring, 64, &last));
	ASSERT_EQ(0, mmsb_derive_fold(ring, last, MMSB_RULE_ADD_MUL, MMSB_LANE_I64, source, NULL, PAGES >> 10, NULL));
	ASSERT_EQ(0, ask(&self->nl, about(&self->nl, MMSB_CMD_GRAPH_GET, true, MMSB_A_EDGE_SPACE_NAME, name), &nlc_edge, &rows));
	ASSERT_EQ(PAGES >> 10, rows.n);
	EXPECT_EQ(last, rows.number[0][MMSB_A_EDGE_PAGE]);
	EXPECT_EQ(source[1], rows.number[1][MMSB_A_EDGE_PARENT]);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
}

/* ------------------------------------------------------------------------------------------------------------- changing */

TEST_F(netlink, limits_hold_at_once_and_can_be_raised_again)
{
	uint64_t page;
	int i, made = 0;

	ASSERT_EQ(0, set_u64(&self->nl, self->name, MMSB_A_SPACE_MAX_PAGES, 10));
	for (i = 0; i < 1000 && !mmsb_create(self->ring, 64, &page); i++)
		made++;
	EXPECT_EQ(10, made);
	EXPECT_NE(NULL, strstr(mmsb_strerror_last(), "mmsb limits"));
	ASSERT_EQ(0, set_u64(&self->nl, self->name, MMSB_A_SPACE_MAX_PAGES, 12));
	EXPECT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, set_u64(&self->nl, self->name, MMSB_A_SPACE_MAX_PAGES, 5));	/* below what is there: nothing goes */
	EXPECT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	for (i = 0; i < 1000 && !mmsb_create(self->ring, 64, &page); i++)
		;
	EXPECT_LE(i, 2 * 64);	/* what shards had in hand */
	ASSERT_EQ(0, set_u64(&self->nl, self->name, MMSB_A_SPACE_MAX_PAGES, 1000));
	ASSERT_EQ(0, set_u64(&self->nl, self->name, MMSB_A_SPACE_MAX_BYTES, 65536));
	EXPECT_EQ(-EDQUOT, mmsb_create(self->ring, 1 << 20, &page));
	ASSERT_EQ(0, set_u64(&self->nl, self->name, MMSB_A_SPACE_MAX_BYTES, 16 << 20));
	EXPECT_EQ(0, mmsb_create(self->ring, 1 << 20, &page));
}

TEST_F(netlink, rings_have_a_limit)
{
	struct mmsb_ring *ring;

	ASSERT_EQ(0, set_u32(&self->nl, self->name, MMSB_A_SPACE_MAX_RINGS, 1));
	EXPECT_EQ(-EDQUOT, mmsb_ring_open(self->space, NULL, &ring));
	ASSERT_EQ(0, set_u32(&self->nl, self->name, MMSB_A_SPACE_MAX_RINGS, 2));
	ASSERT_EQ(0, mmsb_ring_open(self->space, NULL, &ring));
	mmsb_ring_close(ring);
}

/* One bad wish among good ones: nothing is done. */
TEST_F(netlink, a_refusal_changes_nothing)
{
	struct nl_msg *msg = about(&self->nl, MMSB_CMD_SPACE_SET, false, MMSB_A_SPACE_NAME, self->name);

	nla_put_u32(msg, MMSB_A_SPACE_MAX_RINGS, 3);
	nla_put_u32(msg, MMSB_A_SPACE_MODE, 0666);
	nla_put_u8(msg, MMSB_A_SPACE_PINNED, 1);
	nla_put_u8(msg, MMSB_A_SPACE_HASH, 1);
	nla_put_u8(msg, MMSB_A_SPACE_TIMING, 1);
	nla_put_u32(msg, MMSB_A_SPACE_AUDIT, 4711);
	nla_put_u32(msg, MMSB_A_SPACE_DURABILITY, 2);	/* without a log */
	EXPECT_EQ(-EOPNOTSUPP, nlc_ask(&self->nl, msg, NULL, NULL, NULL));
	EXPECT_NE(NULL, strstr(self->nl.refusal, "has no log"));
	EXPECT_EQ(-EINVAL, set_u64(&self->nl, self->name, MMSB_A_SPACE_MAX_PAGES, 1001));	/* more than it was made for */
	ASSERT_EQ(0, get_space(&self->nl, self->name, &rows));
	EXPECT_EQ(8, rows.number[0][MMSB_A_SPACE_MAX_RINGS]);
	EXPECT_EQ(0600, rows.number[0][MMSB_A_SPACE_MODE]);
	EXPECT_EQ(0, rows.number[0][MMSB_A_SPACE_PINNED]);
	EXPECT_EQ(0, rows.number[0][MMSB_A_SPACE_HASH]);
	EXPECT_EQ(0, rows.number[0][MMSB_A_SPACE_TIMING]);
	EXPECT_NE(4711, rows.number[0][MMSB_A_SPACE_AUDIT]);
	EXPECT_EQ(1000, rows.number[0][MMSB_A_SPACE_MAX_PAGES]);
}

TEST_F(netlink, features_are_switched)
{
	uint64_t hash[2];

	EXPECT_EQ(-ENODATA, mmsb_hash(self->space, 0, hash, NULL));
	ASSERT_EQ(0, set_u8(&self->nl, self->name, MMSB_A_SPACE_HASH, 1));
	EXPECT_EQ(0, mmsb_hash(self->space, 0, hash, NULL));
	ASSERT_EQ(0, set_u8(&self->nl, self->name, MMSB_A_SPACE_HASH, 0));
	EXPECT_EQ(-ENODATA, mmsb_hash(self->space, 0, hash, NULL));
	ASSERT_EQ(0, set_u32(&self->nl, self->name, MMSB_A_SPACE_MODE, 0640));
	ASSERT_EQ(0, set_u32(&self->nl, self->name, MMSB_A_SPACE_AUDIT, 12));
	ASSERT_EQ(0, get_space(&self->nl, self->name, &rows));
	EXPECT_EQ(0640, rows.number[0][MMSB_A_SPACE_MODE]);
	EXPECT_EQ(12, rows.number[0][MMSB_A_SPACE_AUDIT]);
}

static bool sum_octaves(const struct nlc_row *row, void *arg)
{
	uint64_t *last = arg, below = 0;
	unsigned int i;

	for (i = 0; i < 30; i++) {
		if (nlc_element(row, MMSB_A_TIMING_OCTAVES, i) < below)
			return false;
		below = nlc_element(row, MMSB_A_TIMING_OCTAVES, i);
	}
	*last += below;
	return !nlc_element(row, MMSB_A_TIMING_OCTAVES, 30);
}

/* As the descriptor tells it; the octaves rise, and the last has all that took less than 16 s. */
TEST_F(netlink, layers_are_timed)
{
	struct mmsb_timing_args args = { .layer = MMSB_LAYER_QUEUE, .shard = MMSB_TIMING_ALL };
	uint64_t page, sum = 0, counts = 0;
	int i;

	EXPECT_EQ(0, get_timing(&self->nl, self->name));
	EXPECT_EQ(0, rows.n);
	ASSERT_EQ(0, switch_timing(&self->nl, self->name));
	ASSERT_EQ(0, get_space(&self->nl, self->name, &rows));
	EXPECT_EQ(1, rows.number[0][MMSB_A_SPACE_TIMING]);
	for (i = 0; i < 40; i++)
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_timing(self->space, &args));
	EXPECT_EQ(40, args.count);
	ASSERT_EQ(0, get_timing(&self->nl, self->name));
	ASSERT_EQ(3, rows.n);				/* queue, apply, complete */
	EXPECT_STREQ("queue", rows.text[0]);
	EXPECT_STREQ("complete", rows.text[2]);
	EXPECT_EQ(40, rows.number[0][MMSB_A_TIMING_COUNT]);
	EXPECT_EQ(args.sum, rows.number[0][MMSB_A_TIMING_SUM]);
	EXPECT_EQ(args.min, rows.number[0][MMSB_A_TIMING_SHORTEST]);
	EXPECT_EQ(args.max, rows.number[0][MMSB_A_TIMING_LONGEST]);
	EXPECT_EQ(args.p50, rows.number[0][MMSB_A_TIMING_P50]);
	EXPECT_EQ(args.p999, rows.number[0][MMSB_A_TIMING_P999]);
	for (i = 0; i < 3; i++)
		counts += rows.number[i][MMSB_A_TIMING_COUNT];
	ASSERT_EQ(0, nlc_ask(&self->nl, about(&self->nl, MMSB_CMD_TIMING_GET, true, MMSB_A_TIMING_SPACE_NAME, self->name), &nlc_timing, sum_octaves, &sum));
	EXPECT_EQ(counts, sum);
	ASSERT_EQ(0, reset_timing(&self->nl, self->name));
	ASSERT_EQ(0, get_timing(&self->nl, self->name));
	EXPECT_EQ(0, rows.n);
	EXPECT_EQ(-ENOENT, reset_timing(&self->nl, "no-such-space"));
	EXPECT_EQ(-ENOENT, get_timing(&self->nl, "no-such-space"));
	ASSERT_EQ(0, set_u8(&self->nl, self->name, MMSB_A_SPACE_TIMING, 0));
	ASSERT_EQ(0, mmsb_timing(self->space, &args));
	EXPECT_EQ(0, args.on);
	EXPECT_EQ(-ERANGE, set_u8(&self->nl, self->name, MMSB_A_SPACE_TIMING, 2));
}

/* ----------------------------------------------------------------------------------------------------------- Prometheus */

/* Every line is a comment or a sample of the family whose type was told last; families come once; buckets rise to their count. */
static const char *fault_of(char *text, const char *name, unsigned int *layers)
{
	char family[80] = "", type[16] = "", other[80], *line, *rest = NULL;
	uint64_t value, last = 0;
	const char *brace;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strncmp(line, "# HELP ", 7))
			continue;
		if (sscanf(line, "# TYPE %79s %15s", other, type) == 2) {
			if (!strcmp(other, family))
				return line;
			strcpy(family, other);
			continue;
		}
		brace = strchr(line, '{');
		if (!brace || strncmp(line, family, strlen(family)) || !strstr(line, "} "))
			return line;
		if (strcmp(type, "histogram"))
			continue;
		value = strtoull(strstr(line, "} ") + 2, NULL, 10);
		if (strstr(line, "_bucket{")) {
			if (value < last)
				return line;
			last = strstr(line, "+Inf") ? 0 : value;
			*layers += strstr(line, name) && strstr(line, "+Inf") && value == 40;
		}
	}
	return strcmp(family, "mmsb_space_layer_seconds") ? "the last family" : NULL;
}

TEST_F(netlink, prometheus_can_read_it)
{
	unsigned int layers = 0;
	const char *fault;
	char *text = NULL;
	uint64_t page;
	size_t bytes;
	FILE *to;
	int i;

	ASSERT_EQ(0, switch_timing(&self->nl, self->name));
	for (i = 0; i < 40; i++)
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	to = open_memstream(&text, &bytes);
	ASSERT_NE(NULL, to);
	EXPECT_EQ(0, prometheus_write(&self->nl, to));
	fclose(to);
	EXPECT_NE(NULL, strstr(text, "mmsb_ring_taken_total{"));
	EXPECT_NE(NULL, strstr(text, "mmsb_shard_deltas_total{"));
	fault = fault_of(text, self->name, &layers);
	EXPECT_EQ(NULL, fault) {
		TH_LOG("%s", fault);
	}
	EXPECT_EQ(3, layers);
	free(text);
}

TEST_F(netlink, what_is_pinned_stays_until_it_is_unpinned)
{
	struct mmsb_space *space;
	char name[48];

	snprintf(name, sizeof(name), "%s-pin", self->name);
	ASSERT_EQ(0, make(self->mmsb, name, 0600, &space));
	ASSERT_EQ(0, set_u8(&self->nl, name, MMSB_A_SPACE_PINNED, 1));
	mmsb_space_close(space);
	ASSERT_EQ(0, get_space(&self->nl, name, &rows));
	EXPECT_EQ(1, rows.number[0][MMSB_A_SPACE_PINNED]);
	ASSERT_EQ(0, set_u8(&self->nl, name, MMSB_A_SPACE_PINNED, 0));
	EXPECT_EQ(-ENOENT, get_space(&self->nl, name, &rows));
}

TEST_F(netlink, a_space_is_reset_and_removed)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint64_t page;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, do_space(&self->nl, MMSB_CMD_SPACE_RESET, self->name));
	ASSERT_EQ(0, mmsb_space_info(self->space, &info));
	EXPECT_EQ(0, info.pages);
	ASSERT_EQ(0, do_space(&self->nl, MMSB_CMD_SPACE_REMOVE, self->name));
	EXPECT_EQ(-ENOENT, do_space(&self->nl, MMSB_CMD_SPACE_REMOVE, self->name));
	EXPECT_EQ(0, mmsb_create(self->ring, 64, &page));	/* who has it open keeps it */
}

/* ------------------------------------------------------------------------------------------------------------- who pays */

#define GROUPS	"/sys/fs/cgroup"

static bool write_group(const char *group, const char *file, const char *text)
{
	char path[128];
	bool written;
	FILE *f;

	snprintf(path, sizeof(path), GROUPS "/%s/%s", group, file);
	f = fopen(path, "w");
	if (!f)
		return false;
	written = fputs(text, f) >= 0;
	return !fclose(f) && written;
}

struct payer {
	uint64_t id;
	char path[64];
};

static bool keep_payer(const struct nlc_row *row, void *arg)
{
	struct payer *payer = arg;

	payer->id = nlc_number(row, MMSB_A_SPACE_MEMCG);
	snprintf(payer->path, sizeof(payer->path), "%s", nlc_text(row, MMSB_A_SPACE_MEMCG_PATH));
	return true;
}

static struct payer payer_of(struct nlc *nl, const char *name)
{
	struct payer payer = { 0 };

	nlc_ask(nl, about(nl, MMSB_CMD_SPACE_GET, false, MMSB_A_SPACE_NAME, name), &nlc_space, keep_payer, &payer);
	return payer;
}

/* To one for whom the group is the root it is that. */
static int make_in_group(FIXTURE_DATA(netlink) *self, const char *name)
{
	struct mmsb_space *space;
	struct nlc nl;

	if (!write_group(name, "cgroup.procs", "0"))
		return 1;
	if (mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_PIN), &space))
		return 2;
	return unshare(CLONE_NEWCGROUP) || nlc_open(&nl) || strcmp(payer_of(&nl, name).path, "/") ? 3 : 0;
}

TEST_F(netlink, who_pays_for_a_space_is_told)
{
	char name[48], group[80], path[64];
	struct payer payer;
	struct stat stat;
	int status;
	pid_t child;

	snprintf(name, sizeof(name), "%s-paid", self->name);
	snprintf(group, sizeof(group), GROUPS "/%s", name);
	snprintf(path, sizeof(path), "/%s", name);
	if (!write_group("", "cgroup.subtree_control", "+memory") || mkdir(group, 0755))
		SKIP(return, "no group of version 2 that accounts for memory can be made here");
	ASSERT_EQ(0, lstat(group, &stat));
	child = fork();
	if (!child)
		_exit(make_in_group(self, name));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	payer = payer_of(&self->nl, name);
	EXPECT_EQ(stat.st_ino, payer.id);
	EXPECT_STREQ(path, payer.path);
	EXPECT_NE(stat.st_ino, payer_of(&self->nl, self->name).id);
	EXPECT_EQ(0, rmdir(group));
	EXPECT_STREQ(path, payer_of(&self->nl, name).path);
	EXPECT_EQ(0, do_space(&self->nl, MMSB_CMD_SPACE_REMOVE, name));
}

/* ------------------------------------------------------------------------------------------------------- wrong requests */

TEST_F(netlink, wrong_requests_are_refused_with_a_word)
{
	struct nl_msg *msg;

	EXPECT_EQ(-EINVAL, ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_SPACE_GET, false), &nlc_space, &rows));
	EXPECT_NE(NULL, strstr(self->nl.refusal, "which space"));
	EXPECT_EQ(-ENOENT, get_space(&self->nl, "no-such-space", &rows));
	EXPECT_NE(NULL, strstr(self->nl.refusal, "mmsb space list"));
	EXPECT_EQ(-ENOENT, get_space(&self->nl, "", &rows));
	EXPECT_EQ(-EINVAL, ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_RING_GET, true), &nlc_ring, &rows));
	EXPECT_EQ(-ERANGE, set_u8(&self->nl, self->name, MMSB_A_SPACE_HASH, 2));
	EXPECT_EQ(-ERANGE, set_u64(&self->nl, self->name, MMSB_A_SPACE_MAX_PAGES, 0));
	EXPECT_EQ(-EINVAL, set_u32(&self->nl, self->name, MMSB_A_SPACE_MODE, 01000));
	EXPECT_EQ(-EINVAL, set_u64(&self->nl, self->name, MMSB_A_SPACE_DELTAS, 1));	/* not to be set */
	EXPECT_EQ(-EOPNOTSUPP, nlc_ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_SPACE_RESET, true), NULL, NULL, NULL));
	EXPECT_EQ(-EOPNOTSUPP, nlc_ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_MAX + 1, false), NULL, NULL, NULL));
	msg = about(&self->nl, MMSB_CMD_SPACE_SET, false, MMSB_A_SPACE_NAME, self->name);
	nla_put_u32(msg, MMSB_A_SPACE_MAX_PAGES, 7);	/* too short */
	EXPECT_GT(0, nlc_ask(&self->nl, msg, NULL, NULL, NULL));	/* kernels differ in the errno */
	msg = about(&self->nl, MMSB_CMD_SPACE_GET, false, MMSB_A_SPACE_NAME, self->name);
	nla_put_u64(msg, MMSB_A_SPACE_ID, 1);		/* by one of them */
	EXPECT_EQ(-EINVAL, nlc_ask(&self->nl, msg, NULL, NULL, NULL));
}

/* --------------------------------------------------------------------------------------------------------- no memory */

static int ask_for_all(struct nlc *nl, const char *name)
{
	int err = get_space(nl, name, &rows);

	err = err ?: ask(nl, nlc_request(nl, MMSB_CMD_SPACE_GET, true), &nlc_space, &rows);
	err = err ?: look_at_rings(nl, name);
	err = err ?: ask(nl, about(nl, MMSB_CMD_SHARD_GET, true, MMSB_A_SHARD_SPACE_NAME, name), &nlc_shard, &rows);
	return err ?: ask(nl, nlc_request(nl, MMSB_CMD_MODULE_GET, false), &nlc_module, &rows);
}

static int switch_all(struct nlc *nl, const char *name)
{
	struct nl_msg *msg = about(nl, MMSB_CMD_SPACE_SET, false, MMSB_A_SPACE_NAME, name);

	nla_put_u64(msg, MMSB_A_SPACE_MAX_PAGES, 500);
	nla_put_u8(msg, MMSB_A_SPACE_PINNED, 1);
	nla_put_u8(msg, MMSB_A_SPACE_HASH, 1);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

/* All was done, or nothing; an acknowledgement that was lost says neither. */
static bool all_or_nothing(struct nlc *nl, const char *name)
{
	bool hash, pinned;

	if (get_space(nl, name, &rows))
		return false;
	hash = rows.number[0][MMSB_A_SPACE_HASH];
	pinned = rows.number[0][MMSB_A_SPACE_PINNED];
	return hash == pinned && rows.number[0][MMSB_A_SPACE_MAX_PAGES] == (hash ? 500 : 1000);
}

static int switch_back(struct nlc *nl, const char *name)
{
	return set_u64(nl, name, MMSB_A_SPACE_MAX_PAGES, 1000) ?: set_u8(nl, name, MMSB_A_SPACE_PINNED, 0) ?: set_u8(nl, name, MMSB_A_SPACE_HASH, 0);
}

/* On a socket of its own, for after a failure answers may be left in it. */
static int starved(struct starve *starve, unsigned int nth, int (*act)(struct nlc *nl, const char *name), const char *name, bool *came)
{
	struct nlc nl;
	int err = nlc_open(&nl);

	if (err)
		return err;
	nl_socket_set_nonblocking(nl.sock);	/* an answer that found no memory does not come */
	starve_arm(starve, nth);
	err = act(&nl, name);
	*came = starve_disarm(starve, nth);
	nlc_close(&nl);
	return err;
}

TEST_F_TIMEOUT(netlink, memory_fails_at_every_site, 110)
{
	unsigned int nth, looked, failed = 0;
	uint64_t roots = spaces_of(&self->nl, 0);
	struct mmsb_space *space;
	struct starve starve;
	bool came;

	if (!starve_open(&starve))
		SKIP(return, "this kernel has no fault injection");
	for (looked = 1, came = true; came && looked < STARVE_SITES; looked++)
		failed += !!starved(&starve, looked, ask_for_all, self->name, &came);
	EXPECT_GT(STARVE_SITES, looked);
	for (nth = 1, came = true; came && nth < STARVE_SITES; nth++) {
		failed += !!starved(&starve, nth, switch_all, self->name, &came);
		ASSERT_TRUE(all_or_nothing(&self->nl, self->name));
		ASSERT_EQ(0, switch_back(&self->nl, self->name));
	}
	EXPECT_GT(STARVE_SITES, nth);
	EXPECT_LT(0, failed);
	for (nth = 1, came = true; came && nth < STARVE_SITES; nth++) {		/* a space, counted for its user */
		starve_arm(&starve, nth);
		if (!mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space))
			mmsb_space_close(space);
		came = starve_disarm(&starve, nth);
	}
	EXPECT_EQ(roots, spaces_of(&self->nl, 0));
	EXPECT_EQ(0, ask_for_all(&self->nl, self->name));
	TH_LOG("%u allocations to look, %u answers did not come", looked - 2, failed);
	starve_close(&starve);
}

/* ------------------------------------------------------------------------------------------------- dumps while all moves */

struct mover {
	struct mmsb *mmsb;
	const char *name;
	int stop;
};

static void *move(void *arg)
{
	struct mover *mover = arg;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	char name[64];
	unsigned int i;

	for (i = 0; !__atomic_load_n(&mover->stop, __ATOMIC_RELAXED); i++) {
		snprintf(name, sizeof(name), "%s-%u", mover->name, i % 7);
		if (make(mover->mmsb, name, 0600, &space))
			continue;
		if (!mmsb_ring_open(space, NULL, &ring))
			mmsb_ring_close(ring);
		mmsb_space_close(space);
	}
	return NULL;
}

/* What is there all the time is in every dump, once, and ids rise. */
TEST_F(netlink, dumps_miss_nothing_while_spaces_come_and_go)
{
	struct mover mover = { self->mmsb, self->name, 0 };
	uint64_t rounds = scaled(2500), i;
	pthread_t thread;
	int row, seen;

	ASSERT_EQ(0, pthread_create(&thread, NULL, move, &mover));
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_SPACE_GET, true), &nlc_space, &rows));
		for (seen = row = 0; row < rows.n; row++) {
			seen += !strcmp(rows.text[row], self->name);
			if (row)
				EXPECT_GT(rows.number[row][MMSB_A_SPACE_ID], rows.number[row - 1][MMSB_A_SPACE_ID]);
		}
		EXPECT_EQ(1, seen);
		ask(&self->nl, about(&self->nl, MMSB_CMD_RING_GET, true, MMSB_A_RING_SPACE_NAME, self->name), &nlc_ring, &rows);
		EXPECT_EQ(1, rows.n);
	}
	__atomic_store_n(&mover.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* Of a graph: pages that stay as they are, and between them such as are derived and are sources again in turn. */
#define TWIGS	100

struct gardener {
	struct mmsb_ring *ring;
	uint64_t source[2], page[2 * TWIGS];
	int stop, wrong;
};

static int graft(struct gardener *gardener, int i)
{
	return mmsb_derive_fold(gardener->ring, gardener->page[i], MMSB_RULE_ADD_MUL, MMSB_LANE_I64, gardener->source, NULL, 2, NULL);
}

static void *garden(void *arg)
{
	struct gardener *gardener = arg;
	unsigned int i;

	while (!__atomic_load_n(&gardener->stop, __ATOMIC_RELAXED)) {
		for (i = 1; i < 2 * TWIGS; i += 2)
			gardener->wrong |= graft(gardener, i);
		for (i = 1; i < 2 * TWIGS; i += 2)
			gardener->wrong |= mmsb_underive(gardener->ring, gardener->page[i], NULL);
	}
	return NULL;
}

/* False: an edge that stays is not there, one is there twice or out of order, or follows what it never did. */
static bool edges_are_sound(const struct gardener *gardener)
{
	uint64_t at = 0, before = 0;
	int row, stay = 0;

	for (row = 0; row < rows.n; row++, before = at) {
		uint32_t index = MMSB_PAGE_INDEX(rows.number[row][MMSB_A_EDGE_PAGE]), number = (uint32_t)rows.number[row][MMSB_A_EDGE_NUMBER];

		at = ((uint64_t)index << 32) + number + 1;
		if (at <= before || number > 1 || rows.number[row][MMSB_A_EDGE_PARENT] != gardener->source[number])
			return false;
		stay += (index - MMSB_PAGE_INDEX(gardener->page[0])) % 2 == 0;
	}
	return stay == 2 * TWIGS;
}

TEST_F(netlink, dumps_miss_no_edge_while_others_come_and_go)
{
	struct gardener gardener = { .ring = self->ring };
	uint64_t rounds = scaled(1000), i;
	pthread_t thread;
	int fewest = ROWS, most = 0;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &gardener.source[i]));
	for (i = 0; i < 2 * TWIGS; i++)
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &gardener.page[i]));
	for (i = 0; i < 2 * TWIGS; i += 2)
		ASSERT_EQ(0, graft(&gardener, (int)i));
	ASSERT_EQ(0, pthread_create(&thread, NULL, garden, &gardener));
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, ask(&self->nl, about(&self->nl, MMSB_CMD_GRAPH_GET, true, MMSB_A_EDGE_SPACE_NAME, self->name), &nlc_edge, &rows));
		EXPECT_TRUE(edges_are_sound(&gardener));
		fewest = rows.n < fewest ? rows.n : fewest;
		most = rows.n > most ? rows.n : most;
	}
	__atomic_store_n(&gardener.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, gardener.wrong);
	TH_LOG("%d to %d edges at a time", fewest, most);
}

/* -------------------------------------------------------------------------------------------------------------- garbage */

static const struct nlc_set *const sets[] = {
	&nlc_module, &nlc_space, &nlc_ring, &nlc_shard, &nlc_poller, &nlc_page, &nlc_user, &nlc_timing, &nlc_edge,
};

/* Attributes of some set, of the right length mostly, wrong ones in between; never those that would remove or change spaces of others. */
static struct nl_msg *garbage(struct nlc *nl, struct rng *rng, const char *name)
{
	int cmd = rng_below(rng, MMSB_CMD_MAX + 3), attrs = rng_below(rng, 6), len;
	const struct nlc_set *set = sets[rng_below(rng, sizeof(sets) / sizeof(*sets))];
	struct nl_msg *msg = nlc_request(nl, cmd, rng_below(rng, 2));
	uint8_t bytes[80];

	while (attrs--) {
		int attr = rng_below(rng, set->max + 2);

		if (!rng_below(rng, 3)) {
			nla_put_string(msg, attr, name);
			continue;
		}
		for (len = 0; len < (int)sizeof(bytes); len++)
			bytes[len] = rng_below(rng, 4) ? 0 : rng_below(rng, 256);
		len = rng_below(rng, 4) ? 1 << rng_below(rng, 4) : rng_below(rng, sizeof(bytes));
		nla_put(msg, attr, len, bytes);
	}
	return msg;
}

TEST_F(netlink, garbage_is_refused_and_leaves_all_as_it_was)
{
	struct rng rng = { rng_seed() };
	uint64_t times = scaled(250000), i, done = 0;
	struct settings after;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)rng.state);
	for (i = 0; i < times; i++)
		done += !nlc_ask(&self->nl, garbage(&self->nl, &rng, self->name), NULL, NULL, NULL);
	EXPECT_GT(done, 0);
	ASSERT_EQ(0, ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_SPACE_GET, true), &nlc_space, &rows));
	ASSERT_EQ(0, settings_give_back(&self->settings));	/* some of it was right */
	ASSERT_EQ(0, settings_take(&self->nl, &after));
	EXPECT_EQ(0, memcmp(&self->settings, &after, sizeof(after)));
}

TEST_HARNESS_MAIN
