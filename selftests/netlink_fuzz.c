// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests made up at random of what uapi/mmsb.yaml says (common/netlink_requests.h): right ones, and such with one thing wrong, as root and as a
 * stranger, while spaces are made and removed by other threads.
 *
 * What is surely wrong must be refused for that, what comes back must be sound, a stranger must leave all that is not his as it was, and afterwards
 * everything works. A seed and a number name a message: MMSB_SEED=... has the same ones again, in the same order.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include "common/harness.h"
#include "common/home.h"
#include "common/netlink_requests.h"
#include "common/rows.h"

#define MOVERS		2
#define NAMES		4		/* that a mover's spaces take in turn */
#define MESSAGE_MAX	1024

FIXTURE(netlink_fuzz) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct nlc nl;
	char name[32];
};

static struct rows rows;	/* too large for a stack */

static int make(struct mmsb *mmsb, const char *name, uint32_t mode, struct mmsb_space **space)
{
	return mmsb_space_open(mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .mode = mode, .shards = 2, .max_pages = 1000, .max_bytes = 16 << 20,
			       .max_rings = 8, .flags = MMSB_SPACE_CREATE), space);
}

FIXTURE_SETUP(netlink_fuzz)
{
	if (!home_is_kernel())
		SKIP(return, "generic netlink is the kernel home's");
	ASSERT_EQ(0, getuid()) TH_LOG("run it as root, who can become others");
	snprintf(self->name, sizeof(self->name), "test-fuzz-%d", getpid());
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, make(self->mmsb, self->name, 0604, &self->space));
	ASSERT_EQ(0, nlc_open(&self->nl));
}

FIXTURE_TEARDOWN(netlink_fuzz)
{
	if (!self->mmsb)
		return;
	nlc_close(&self->nl);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* ------------------------------------------------------------------------------------------------------------ messages */

enum fault {
	SOUND, WRONG_LENGTH, OUT_OF_RANGE, UNKNOWN_ATTR, NOT_TAKEN, NESTED, NO_END, TOO_LONG, CUT_SHORT, NO_LENGTH, LEFTOVER, WRONG_WAY, UNKNOWN_CMD,
	DUPLICATE, JUNK, FAULTS
};

/* These two may come to anything. */
static bool surely_wrong(enum fault fault)
{
	return fault != SOUND && fault != DUPLICATE && fault != JUNK;
}

struct message {
	union {
		struct nlmsghdr head;
		uint8_t bytes[MESSAGE_MAX];
	};
	const struct request *request;
	enum fault fault;
};

struct fuzz {
	struct rng rng;
	const char *name;		/* of a space that stays; the movers' begin with it */
	uint64_t id;			/* about which ids are */
	uint32_t seq;
	int sock, family;
	uint64_t done, refused[FAULTS];
	char wrong[128];		/* the first thing that was not as it should */
};

static void put(struct message *message, uint16_t type, const void *bytes, uint16_t len)
{
	struct nlattr *attr = (void *)(message->bytes + message->head.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy(attr + 1, bytes, len);
	memset((uint8_t *)(attr + 1) + len, 0, NLA_ALIGN(len) - len);
	message->head.nlmsg_len += NLA_HDRLEN + NLA_ALIGN(len);
}

static size_t a_name(struct fuzz *fuzz, char *text)
{
	if (rng_once_in(&fuzz->rng, 3))
		return sprintf(text, "%s", fuzz->name) + 1;
	if (rng_once_in(&fuzz->rng, 4))
		return sprintf(text, "%.*s", (int)rng_below(&fuzz->rng, 8), "nothing") + 1;
	return sprintf(text, "%s-%u-%u", fuzz->name, (unsigned int)rng_below(&fuzz->rng, MOVERS), (unsigned int)rng_below(&fuzz->rng, NAMES)) + 1;
}

/* At the ends of its range, small, or anywhere. */
static uint64_t a_number(struct fuzz *fuzz, const struct request_attr *attr)
{
	uint64_t span = attr->most - attr->least, value;

	if (attr->type == NLC_U64 && attr->most == ~0ull)
		return fuzz->id + rng_below(&fuzz->rng, 40) - 4;
	switch (rng_below(&fuzz->rng, 4)) {
	case 0:
		return attr->least;
	case 1:
		return attr->most;
	case 2:
		value = attr->least + rng_below(&fuzz->rng, 4);
		return value < attr->most ? value : attr->most;
	default:
		return attr->least + rng_below(&fuzz->rng, span + 1);
	}
}

static uint16_t width(enum nlc_type type)
{
	return type == NLC_U8 ? 1 : type == NLC_U32 ? 4 : 8;
}

static void put_right(struct fuzz *fuzz, struct message *message, const struct request_attr *attr)
{
	char text[80];
	uint64_t value;

	if (attr->type == NLC_STRING) {
		put(message, attr->attr, text, (uint16_t)a_name(fuzz, text));
	} else {
		value = a_number(fuzz, attr);
		put(message, attr->attr, &value, width(attr->type));
	}
}

/* False: the fault is none that this attribute can have. */
static bool put_wrong(struct fuzz *fuzz, struct message *message, const struct request_attr *attr, enum fault fault)
{
	uint8_t bytes[256] = { 0 };
	bool text = attr->type == NLC_STRING;
	uint64_t value = attr->most + 1;
	uint16_t len = width(attr->type);

	if (text != (fault == NO_END || fault == TOO_LONG))
		return false;
	memset(bytes, 'x', sizeof(bytes));
	switch (fault) {
	case WRONG_LENGTH:
		len = (uint16_t)rng_below(&fuzz->rng, 12);
		if (len == width(attr->type))
			return false;
		break;
	case OUT_OF_RANGE:
		if (!value || (len < 8 && value >> 8 * len))
			return false;
		memcpy(bytes, &value, sizeof(value));
		break;
	case NESTED:
		put(message, attr->attr | NLA_F_NESTED, bytes, len);
		return true;
	case NO_END:
		len = (uint16_t)(1 + rng_below(&fuzz->rng, attr->most));
		break;
	default:
		len = (uint16_t)(attr->most + 2 + rng_below(&fuzz->rng, 100));
		bytes[len - 1] = '\0';
		break;
	}
	put(message, attr->attr, bytes, len);
	return true;
}

static bool is_taken(uint8_t cmd, uint16_t attr)
{
	unsigned int i;
	int k;

	for (i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		for (k = 0; requests[i].cmd == cmd && k < requests[i].attrs; k++)
			if (requests[i].attr[k].attr == attr)
				return true;
	return false;
}

static bool put_strange(struct fuzz *fuzz, struct message *message)
{
	const struct request *request = message->request;
	uint16_t attr = (uint16_t)(request->last + 1 + rng_below(&fuzz->rng, 5));
	uint64_t value = 0;

	if (message->fault == NOT_TAKEN)
		attr = (uint16_t)(1 + rng_below(&fuzz->rng, (uint64_t)request->last));
	if (message->fault == NOT_TAKEN && is_taken(request->cmd, attr))
		return false;
	put(message, attr, &value, (uint16_t)(1u << rng_below(&fuzz->rng, 4)));
	return true;
}

static void put_junk(struct fuzz *fuzz, struct message *message)
{
	uint8_t bytes[64];

	rng_fill(&fuzz->rng, bytes, sizeof(bytes));
	put(message, (uint16_t)rng_next(&fuzz->rng), bytes, (uint16_t)rng_below(&fuzz->rng, sizeof(bytes)));
}

/* What is behind the last attribute, or instead of its end. */
static bool spoil_end(struct fuzz *fuzz, struct message *message)
{
	struct nlattr *attr = (void *)(message->bytes + message->head.nlmsg_len);

	memset(attr, 0, NLA_HDRLEN);
	if (message->fault == LEFTOVER) {
		message->head.nlmsg_len += 1 + (uint32_t)rng_below(&fuzz->rng, NLA_HDRLEN - 1);
		return true;
	}
	attr->nla_type = 1;
	attr->nla_len = message->fault == NO_LENGTH ? (uint16_t)rng_below(&fuzz->rng, NLA_HDRLEN) : (uint16_t)(NLA_HDRLEN + 1 + rng_below(&fuzz->rng, 60000));
	message->head.nlmsg_len += NLA_HDRLEN;
	return true;
}

static bool spoil(struct fuzz *fuzz, struct message *message)
{
	const struct request *request = message->request;
	struct genlmsghdr *genl = (void *)(message->bytes + NLMSG_HDRLEN);

	switch (message->fault) {
	case SOUND:
		return true;
	case UNKNOWN_ATTR:
	case NOT_TAKEN:
		return put_strange(fuzz, message);
	case CUT_SHORT:
	case NO_LENGTH:
	case LEFTOVER:
		return spoil_end(fuzz, message);
	case WRONG_WAY:
		message->head.nlmsg_flags ^= NLM_F_DUMP;
		return request->cmd != MMSB_CMD_SPACE_GET;	/* which goes both ways */
	case UNKNOWN_CMD:
		genl->cmd = (uint8_t)(MMSB_CMD_MAX + 1 + rng_below(&fuzz->rng, 20));
		return true;
	case JUNK:
		put_junk(fuzz, message);
		return true;
	case DUPLICATE:
		if (request->attrs)
			put_right(fuzz, message, &request->attr[rng_below(&fuzz->rng, (uint64_t)request->attrs)]);
		return true;
	default:
		return request->attrs && put_wrong(fuzz, message, &request->attr[rng_below(&fuzz->rng, (uint64_t)request->attrs)], message->fault);
	}
}

static void begin(struct fuzz *fuzz, struct message *message, const struct request *request)
{
	struct genlmsghdr *genl = (void *)(message->bytes + NLMSG_HDRLEN);

	memset(message, 0, sizeof(*message));
	message->request = request;
	message->head = (struct nlmsghdr){
		.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN,
		.nlmsg_type = (uint16_t)fuzz->family,
		.nlmsg_flags = NLM_F_REQUEST | (request->dump ? NLM_F_DUMP : NLM_F_ACK),
		.nlmsg_seq = ++fuzz->seq,
	};
	*genl = (struct genlmsghdr){ .cmd = request->cmd, .version = 1 };
}

/* A third of all are sound; which attributes of a request are there is up to chance, the space by one name or id mostly. */
static void make_up(struct fuzz *fuzz, struct message *message)
{
	const struct request *request = &requests[rng_below(&fuzz->rng, sizeof(requests) / sizeof(*requests))];
	int first = (int)rng_below(&fuzz->rng, 2), i;

	begin(fuzz, message, request);
	for (i = 0; i < request->attrs; i++)
		if (i < 2 && request->cmd != MMSB_CMD_MODULE_SET ? (i == first) != rng_once_in(&fuzz->rng, 10) : rng_below(&fuzz->rng, 2))
			put_right(fuzz, message, &request->attr[i]);
	message->fault = rng_once_in(&fuzz->rng, 3) ? SOUND : (enum fault)rng_below(&fuzz->rng, FAULTS);
	if (!spoil(fuzz, message)) {
		begin(fuzz, message, request);
		message->fault = SOUND;
	}
}

/* ------------------------------------------------------------------------------------------------------------- answers */

static bool attrs_are_sound(const struct nlmsghdr *head)
{
	int left = (int)head->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	const uint8_t *at = (const uint8_t *)head + NLMSG_HDRLEN + GENL_HDRLEN;

	while (left >= NLA_HDRLEN) {
		const struct nlattr *attr = (const void *)at;

		if (attr->nla_len < NLA_HDRLEN || attr->nla_len > left)
			return false;
		at += NLA_ALIGN(attr->nla_len);
		left -= NLA_ALIGN(attr->nla_len);
	}
	return left == 0;
}

struct answer {
	bool ended, sound;
	int error;
};

static void take_answer(struct nlmsghdr *head, int len, struct answer *answer)
{
	for (; NLMSG_OK(head, len); head = NLMSG_NEXT(head, len)) {
		if (head->nlmsg_type == NLMSG_ERROR || head->nlmsg_type == NLMSG_DONE) {
			answer->ended = true;
			answer->error = head->nlmsg_len >= NLMSG_HDRLEN + sizeof(int) ? *(int *)NLMSG_DATA(head) : 0;
		} else if (!attrs_are_sound(head)) {
			answer->sound = false;
		}
	}
}

/* Netlink answers within the call, and goes on with a dump as it is read: what does not come at once does not come. */
static struct answer send_one(struct fuzz *fuzz, const struct message *message)
{
	static uint8_t bytes[32768];
	struct answer answer = { .sound = true };
	ssize_t len = send(fuzz->sock, message->bytes, message->head.nlmsg_len, 0);

	while (len >= 0 && !answer.ended) {
		len = recv(fuzz->sock, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (len > 0)
			take_answer((void *)bytes, (int)len, &answer);
	}
	return answer;
}

/* By the family's policy, before anybody asked whether there is such a space or whose it is. */
static bool is_refused_at_once(int error)
{
	return error == -EINVAL || error == -ERANGE || error == -EOPNOTSUPP;
}

static void judge(struct fuzz *fuzz, const struct message *message, const struct answer *answer)
{
	if (answer->error < 0)
		fuzz->refused[message->fault]++;
	else
		fuzz->done++;
	if (fuzz->wrong[0])
		return;
	if (!answer->ended || !answer->sound)
		snprintf(fuzz->wrong, sizeof(fuzz->wrong), "message %u, %s, fault %d: %s", fuzz->seq, message->request->name, message->fault,
			 answer->ended ? "an answer with attributes that do not add up" : "no answer");
	else if (surely_wrong(message->fault) && !is_refused_at_once(answer->error))
		snprintf(fuzz->wrong, sizeof(fuzz->wrong), "message %u, %s, fault %d: %d, as if it were sound", fuzz->seq, message->request->name,
			 message->fault, answer->error);
	else if (answer->error < -200)
		snprintf(fuzz->wrong, sizeof(fuzz->wrong), "message %u, %s: error %d", fuzz->seq, message->request->name, answer->error);
}

static int fuzz_open(struct fuzz *fuzz, int family, const char *name, uint64_t id)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	*fuzz = (struct fuzz){ .rng = { rng_seed() }, .name = name, .id = id, .family = family };
	fuzz->sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	printf("# MMSB_SEED=%llu as %u\n", (unsigned long long)fuzz->rng.state, getuid());
	fflush(stdout);
	return fuzz->sock < 0 || connect(fuzz->sock, (void *)&kernel, sizeof(kernel)) ? -errno : 0;
}

/* 0: all was as it should. */
static int fuzz_run(int family, const char *name, uint64_t id, bool stranger)
{
	uint64_t messages = scaled(100000), end = now_ns() + soak_seconds() * SECOND, i;
	static struct message message;
	struct answer answer;
	struct fuzz fuzz;

	if (stranger && (setgroups(0, NULL) || setresgid(1234, 1234, 1234) || setresuid(1234, 1234, 1234)))
		return 2;
	if (fuzz_open(&fuzz, family, name, id))
		return 3;
	for (i = 0; !fuzz.wrong[0] && (i < messages || now_ns() < end); i++) {
		make_up(&fuzz, &message);
		answer = send_one(&fuzz, &message);
		judge(&fuzz, &message, &answer);
	}
	printf("# %llu messages, %llu done, %llu sound ones refused%s%s\n", (unsigned long long)i, (unsigned long long)fuzz.done,
	       (unsigned long long)fuzz.refused[SOUND], fuzz.wrong[0] ? "; " : "", fuzz.wrong);
	close(fuzz.sock);
	return fuzz.wrong[0] || !fuzz.done ? 1 : 0;
}

/* -------------------------------------------------------------------------------------------------------------- movers */

struct mover {
	struct mmsb *mmsb;
	const char *name;
	unsigned int number;
	int stop;
	uint64_t made;
	pthread_t thread;
};

/* Whatever becomes of them meanwhile. */
static void live_and_go(struct mover *mover, const char *name)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page;
	int i;

	if (make(mover->mmsb, name, 0600, &space))
		return;
	mover->made++;
	if (!mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = mover->number ? MMSB_RING_POLLED : 0), &ring)) {
		for (i = 0; i < 20; i++)
			if (!mmsb_create(ring, 64, &page))
				mmsb_add(ring, page, 0, 1, NULL);
		mmsb_ring_close(ring);
	}
	mmsb_space_close(space);
}

static void *move(void *arg)
{
	struct mover *mover = arg;
	char name[64];
	unsigned int i;

	for (i = 0; !__atomic_load_n(&mover->stop, __ATOMIC_RELAXED); i++) {
		snprintf(name, sizeof(name), "%s-%u-%u", mover->name, mover->number, i % NAMES);
		live_and_go(mover, name);
		mmsb_space_remove(mover->mmsb, name);	/* it may have been pinned */
	}
	return NULL;
}

static void start(struct __test_metadata *_metadata, struct mover *movers, struct mmsb *mmsb, const char *name)
{
	unsigned int i;

	for (i = 0; i < MOVERS; i++) {
		movers[i] = (struct mover){ .mmsb = mmsb, .name = name, .number = i };
		ASSERT_EQ(0, pthread_create(&movers[i].thread, NULL, move, &movers[i]));
	}
}

static uint64_t stop(struct mover *movers)
{
	uint64_t made = 0;
	unsigned int i;

	for (i = 0; i < MOVERS; i++) {
		__atomic_store_n(&movers[i].stop, 1, __ATOMIC_RELAXED);
		pthread_join(movers[i].thread, NULL);
		made += movers[i].made;
	}
	return made;
}

/* What of the module can be set, and of a space: up to a 0. */
static const int module_kept[] = {
	MMSB_A_MODULE_MAX_SPACES, MMSB_A_MODULE_MAX_USER_SPACES, MMSB_A_MODULE_MAX_PAGES, MMSB_A_MODULE_MAX_BYTES, MMSB_A_MODULE_MAX_RINGS,
	MMSB_A_MODULE_POLL_IDLE_US, MMSB_A_MODULE_AUDIT, MMSB_A_MODULE_PRESSURE_MS, MMSB_A_MODULE_MAX_USER_PAGES, MMSB_A_MODULE_MAX_USER_BYTES,
	MMSB_A_MODULE_MAX_USER_RINGS, 0,
};
static const int space_kept[] = {
	MMSB_A_SPACE_ID, MMSB_A_SPACE_MODE, MMSB_A_SPACE_UID, MMSB_A_SPACE_MAX_RINGS, MMSB_A_SPACE_MAX_PAGES, MMSB_A_SPACE_MAX_BYTES, MMSB_A_SPACE_PAGES,
	MMSB_A_SPACE_DURABILITY, MMSB_A_SPACE_HASH, MMSB_A_SPACE_PINNED, MMSB_A_SPACE_INCARNATION, MMSB_A_SPACE_TICK, 0,
};

static void keep_numbers(const int *attrs, uint64_t *numbers)
{
	int i;

	for (i = 0; attrs[i]; i++)
		numbers[i] = rows.number[0][attrs[i]];
}

static int put_back(struct nlc *nl, const uint64_t *numbers)
{
	struct nl_msg *msg = nlc_request(nl, MMSB_CMD_MODULE_SET, false);
	int i;

	for (i = 0; module_kept[i]; i++) {
		if (nlc_module.attrs[module_kept[i]].type == NLC_U64)
			nla_put_u64(msg, module_kept[i], numbers[i]);
		else
			nla_put_u32(msg, module_kept[i], (uint32_t)numbers[i]);
	}
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

/* In a process of its own, which began before there were threads. What root does to the module would end all moving, so it is put back. */
static int fuzz_beside_movers(struct __test_metadata *_metadata, struct mmsb *mmsb, struct nlc *nl, const char *name, const uint64_t *module)
{
	struct mover movers[MOVERS];
	uint64_t id, made;
	int status;
	pid_t child;

	if (get_space(nl, name, &rows))
		return -1;
	id = rows.number[0][MMSB_A_SPACE_ID];
	fflush(stdout);
	child = fork();
	if (!child)
		exit(fuzz_run(nl->family, name, id, !module));
	start(_metadata, movers, mmsb, name);
	while (!waitpid(child, &status, WNOHANG)) {
		if (module)
			put_back(nl, module);
		usleep(10000);
	}
	made = stop(movers);
	TH_LOG("%llu spaces came and went", (unsigned long long)made);
	return made ? status : -1;
}

/* --------------------------------------------------------------------------------------------------------------- tests */

static int idle_as_module(struct nlc *nl, int cpu)
{
	struct nl_msg *msg = nlc_request(nl, MMSB_CMD_POLLER_SET, false);

	nla_put_u32(msg, MMSB_A_POLLER_CPU, (uint32_t)cpu);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

TEST_F_TIMEOUT(netlink_fuzz, a_stranger_changes_nothing, 110)
{
	uint64_t module[16], space[16], now[16];

	ASSERT_EQ(0, ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_MODULE_GET, false), &nlc_module, &rows));
	keep_numbers(module_kept, module);
	ASSERT_EQ(0, get_space(&self->nl, self->name, &rows));
	keep_numbers(space_kept, space);
	EXPECT_EQ(0, fuzz_beside_movers(_metadata, self->mmsb, &self->nl, self->name, NULL));
	ASSERT_EQ(0, ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_MODULE_GET, false), &nlc_module, &rows));
	keep_numbers(module_kept, now);
	EXPECT_EQ(0, memcmp(module, now, (sizeof(module_kept) / sizeof(int) - 1) * sizeof(*now)));
	ASSERT_EQ(0, get_space(&self->nl, self->name, &rows));
	keep_numbers(space_kept, now);
	EXPECT_EQ(0, memcmp(space, now, (sizeof(space_kept) / sizeof(int) - 1) * sizeof(*now)));
}

/* Who may do everything; what he did to the module is put back. */
TEST_F_TIMEOUT(netlink_fuzz, root_breaks_nothing, 110)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t module[16], page;
	int cpu;

	ASSERT_EQ(0, ask(&self->nl, nlc_request(&self->nl, MMSB_CMD_MODULE_GET, false), &nlc_module, &rows));
	keep_numbers(module_kept, module);
	EXPECT_EQ(0, fuzz_beside_movers(_metadata, self->mmsb, &self->nl, self->name, module));
	ASSERT_EQ(0, put_back(&self->nl, module));
	for (cpu = 0; cpu < 64; cpu++)
		idle_as_module(&self->nl, cpu);
	ASSERT_EQ(0, make(self->mmsb, NULL, 0600, &space));
	ASSERT_EQ(0, mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED), &ring));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page));
	EXPECT_EQ(0, mmsb_add(ring, page, 0, 1, NULL));
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_space_remove(self->mmsb, self->name);	/* it may be pinned */
}

TEST_HARNESS_MAIN
