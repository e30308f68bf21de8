// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "joint.h"
#include "node.h"
#include "wave.h"

/* --------------------------------------------------------------------------------------------------------------- room */

static u64 hand_bytes(const struct ms_space *space)
{
	return (space->nshards * sizeof(u32) + 63) / 64 * 64;
}

static u32 hands_of(const struct ms_space *space)
{
	return space->nshards < MS_JOINT_HANDS ? space->nshards : MS_JOINT_HANDS;
}

static enum mmsb_reason hand_make(struct ms_space *space, struct ms_hand *hand)
{
	u32 i;

	for (i = 0; i < 2; i++) {
		hand->sent[i] = pf_alloc(hand_bytes(space), -1);
		if (!hand->sent[i])
			return MMSB_REASON_NO_MEMORY;
	}
	return MMSB_REASON_NONE;
}

enum mmsb_reason ms_joint_open(struct ms_space *space)
{
	struct ms_joint *joint = &space->meeting.joint;
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u32 i;

	pf_waitq_init(&joint->waitq);
	joint->expected = MS_WAVE_NONE;
	if (space->nshards == 1)
		return reason;
	joint->offer = pf_alloc(space->nshards * sizeof(*joint->offer), -1);
	joint->hand = pf_alloc(hands_of(space) * sizeof(*joint->hand), -1);
	if (!joint->offer || !joint->hand)
		reason = MMSB_REASON_NO_MEMORY;
	for (i = 0; !reason && i < hands_of(space); i++)
		reason = hand_make(space, &joint->hand[i]);
	if (reason)
		ms_joint_close(space);
	return reason;
}

void ms_joint_close(struct ms_space *space)
{
	struct ms_joint *joint = &space->meeting.joint;
	u32 i;

	for (i = 0; joint->hand && i < hands_of(space); i++) {
		pf_free(joint->hand[i].sent[0]);
		pf_free(joint->hand[i].sent[1]);
	}
	pf_free(joint->hand);
	pf_free(joint->offer);
	pf_waitq_destroy(&joint->waitq);
}

u64 ms_joint_memory(const struct ms_space *space)
{
	if (space->nshards == 1)
		return 0;
	return space->nshards * sizeof(u16) + hands_of(space) * (sizeof(struct ms_hand) + 2 * hand_bytes(space));
}

void ms_joint_forget(struct ms_space *space)
{
	struct ms_joint *joint = &space->meeting.joint;

	memset(joint->busy, 0, sizeof(joint->busy));
}

/* ------------------------------------------------------------------------------------------------------------- shards */

static u32 set_words(const struct ms_space *space)
{
	return (space->nshards + 63) / 64;
}

static bool set_has(const u64 *set, u32 shard)
{
	return set[shard / 64] >> (shard % 64) & 1;
}

bool ms_joint_is_empty(const struct ms_space *space)
{
	u64 any = space->meeting.joint.expected != MS_WAVE_NONE;
	u32 w;

	for (w = 0; w < set_words(space); w++)
		any |= space->meeting.joint.busy[w];
	return !any;
}

/* What was sent to the shard when those lists were written goes into its wave. */
static void take_in(struct ms_joint *joint, struct ms_shard *shard, u32 turn)
{
	u32 i;

	if (likely(!set_has(joint->expect, shard->number)))
		return;
	for (i = 0; i < joint->senders; i++) {
		u32 *first = &joint->hand[i].sent[turn][shard->number];

		ms_wave_take_in(shard, *first);
		*first = 0;
	}
}

struct survey {
	u32 height, offers;
};

/* The shards of these 64 that have pages in the lowest level; those that have none at all are busy no more. */
static inline void survey_word(struct ms_space *space, u32 word, struct survey *found)
{
	struct ms_joint *joint = &space->meeting.joint;
	u64 bits, idle = 0;

	for (bits = joint->busy[word]; bits; bits &= bits - 1) {
		u32 number = word * 64 + (u32)__builtin_ctzll(bits), height;
		struct ms_wave *wave = &space->shards[number]->graph.wave;

		if (unlikely(ms_wave_is_empty(wave)))
			idle |= bits & -bits;
		height = ms_wave_lowest(wave);
		if (height > found->height || height == MS_WAVE_NONE)
			continue;
		if (height < found->height)
			*found = (struct survey){ .height = height };
		joint->offer[found->offers++] = (u16)number;
	}
	joint->busy[word] &= ~idle;
}

/* False: there is no level any more. */
static inline bool survey(struct ms_space *space)
{
	struct ms_joint *joint = &space->meeting.joint;
	struct survey found = { .height = MS_WAVE_NONE };
	u32 w = 0;

	do {
		survey_word(space, w, &found);
	} while (unlikely(++w < set_words(space)));
	joint->height = found.height;
	joint->offers = found.offers;
	return found.offers;
}

/* The same where something is expected: who expects any is offered too, for it may lie in that level. */
static void survey_expecting(struct ms_space *space)
{
	struct ms_joint *joint = &space->meeting.joint;
	u32 i;

	joint->height = joint->height < joint->expected ? joint->height : joint->expected;
	joint->offers = 0;
	for (i = 0; i < space->nshards; i++) {
		if (!set_has(joint->expect, i) && ms_wave_lowest(&space->shards[i]->graph.wave) != joint->height)
			continue;
		joint->offer[joint->offers++] = (u16)i;
		ms_joint_stir(joint, i);
	}
}

/* -------------------------------------------------------------------------------------------------------------- alone */

static void take_in_all(struct ms_space *space)
{
	struct ms_joint *joint = &space->meeting.joint;
	u32 i;

	for (i = 0; i < joint->offers; i++)
		take_in(joint, space->shards[joint->offer[i]], joint->turn);
	memset(joint->expect, 0, sizeof(joint->expect));
	joint->expected = MS_WAVE_NONE;
}

/* Returns what is left of the budget; 0: the level may not have ended. */
static u64 level_alone(struct ms_space *space, u64 budget)
{
	struct ms_joint *joint = &space->meeting.joint;
	u32 i;

	for (i = 0; budget && i < joint->offers; i++)
		budget = ms_wave_level_together(space->shards[joint->offer[i]], joint->height, budget);
	return budget;
}

/* ------------------------------------------------------------------------------------------------------------ sharing */

/*
 * The state of a level that is shared: how many of the shards on offer were taken, how many there are, how many hands work, and which
 * round this is. It changes by one swap, so who takes a shard has a hand for it, and nobody takes what was offered in a round
 * that is over.
 */
#define ONE_TAKEN	1ull
#define ONE_HAND	(1ull << 24)
#define ONE_ROUND	(1ull << 32)

static u32 state_taken(u64 state)
{
	return state & 0xfff;
}

static u32 state_offers(u64 state)
{
	return state >> 12 & 0xfff;
}

static u32 state_hands(u64 state)
{
	return state >> 24 & 0xff;
}

static u64 state_of(u64 round, u32 hands, u32 offers, u32 taken)
{
	return round * ONE_ROUND | hands * ONE_HAND | (u64)offers << 12 | taken;
}

/* Who comes for the first time gets a hand. False: nothing is left, or the round is not his any more. */
static bool take_one(struct ms_space *space, struct ms_hand **hand, u64 *round, struct ms_shard **shard)
{
	struct ms_joint *joint = &space->meeting.joint;
	u64 state, more = *hand ? ONE_TAKEN : ONE_TAKEN + ONE_HAND;

	do {
		state = pf_read(joint->state);
		if (likely(state_taken(state) == state_offers(state)))
			return false;
		if (*hand ? *round != state / ONE_ROUND : state_hands(state) == hands_of(space))
			return false;
	} while (!pf_swap64(&joint->state, state, state + more));
	if (!*hand)
		*hand = &joint->hand[state_hands(state)];
	*round = state / ONE_ROUND;
	*shard = space->shards[joint->offer[state_taken(state)]];
	return true;
}

static u64 compute_one(struct ms_joint *joint, struct ms_hand *hand, struct ms_shard *shard, u64 budget)
{
	u64 left = budget;

	pf_runlock_adopt(&shard->run);
	take_in(joint, shard, joint->turn ^ 1);
	if (ms_wave_lowest(&shard->graph.wave) == joint->height)
		left = ms_wave_level_shared(shard, hand, joint->height, budget);
	hand->spent += budget - left;
	pf_runlock_give(&shard->run);
	return left;
}

u32 ms_joint_help(struct ms_space *space)
{
	struct ms_joint *joint = &space->meeting.joint;
	struct ms_hand *hand = NULL;
	struct ms_shard *shard;
	u64 budget = PF_WAVE_BUDGET, round = 0;
	u32 n = 0;

	while (budget && take_one(space, &hand, &round, &shard)) {
		budget = budget < joint->budget ? budget : joint->budget;
		budget = compute_one(joint, hand, shard, budget);
		n++;
		pf_next(&joint->returned);
		pf_mb();	/* partner: the barrier between registering and looking, in pf_waitq_await() */
		if (pf_waitq_active(&joint->waitq))
			pf_waitq_wake(&joint->waitq);
	}
	return n;
}

static void hand_begin(struct ms_joint *joint, struct ms_hand *hand)
{
	memset(hand->to, 0, sizeof(hand->to));
	hand->sending = hand->sent[joint->turn];
	hand->lowest = MS_WAVE_NONE;
	hand->kept = 0;
	hand->spent = 0;
}

/* Behind this anybody may take the shards. */
static void share_begin(struct ms_space *space, u64 budget, u64 *round)
{
	struct ms_joint *joint = &space->meeting.joint;
	u32 i;

	*round = pf_read(joint->state) / ONE_ROUND + 1;
	joint->turn ^= 1;
	joint->budget = budget;
	for (i = 0; i < hands_of(space); i++)
		hand_begin(joint, &joint->hand[i]);
	for (i = 0; i < joint->offers; i++)
		pf_runlock_give(&space->shards[joint->offer[i]]->run);
	pf_write(joint->returned, 0);
	pf_release(&joint->state, state_of(*round, 1, joint->offers, 0));	/* partner: take_one() */
}

/* As many as are needed, of those that sleep. */
static void share_call(struct ms_space *space)
{
	struct ms_joint *joint = &space->meeting.joint;
	u32 i;

	for (i = 1; i < joint->offers; i++) {
		struct ms_shard *shard = space->shards[joint->offer[i]];

		if (pf_read(shard->asleep))
			pf_shard_kick(&shard->home);
	}
}

#define LOOKS		200u		/* before it is worth to fall asleep */
#define PATIENCE	63u		/* pieces of work that are left alone at most */

static bool all_returned(void *arg)
{
	struct ms_joint *joint = arg;

	return pf_acquire(&joint->returned) == state_taken(pf_read(joint->state));
}

/* What nobody took is on offer no more; what was taken comes back. Returns the number of hands. */
static u32 share_end(struct ms_space *space)
{
	struct ms_joint *joint = &space->meeting.joint;
	u32 looks, i;
	u64 state;

	do {
		state = pf_read(joint->state);
	} while (!pf_swap64(&joint->state, state, state_of(state / ONE_ROUND, state_hands(state), state_taken(state), state_taken(state))));
	for (looks = 0; looks < LOOKS && !all_returned(joint); looks++)
		pf_relax();
	pf_waitq_await(&joint->waitq, all_returned, joint);
	for (i = 0; i < joint->offers; i++)
		pf_runlock_adopt_nested(&space->shards[joint->offer[i]]->run, &space->control);
	for (i = state_taken(state); i < joint->offers; i++)
		take_in(joint, space->shards[joint->offer[i]], joint->turn ^ 1);
	return state_hands(state);
}

static void tell_kept(struct ms_space *space, u32 first)
{
	while (first) {
		ms_wave_tell_elsewhere(space, first - 1);
		first = ms_node_at(space, first - 1)->next;
	}
}

/* What the hands left. Returns what they spent. */
static u64 share_gather(struct ms_space *space, u32 hands)
{
	struct ms_joint *joint = &space->meeting.joint;
	u64 spent = 0;
	u32 i, w;

	memset(joint->expect, 0, sizeof(joint->expect));
	joint->expected = MS_WAVE_NONE;
	joint->senders = hands;
	for (i = 0; i < hands; i++) {
		const struct ms_hand *hand = &joint->hand[i];

		for (w = 0; w < set_words(space); w++) {
			joint->expect[w] |= hand->to[w];
			joint->busy[w] |= hand->to[w];
		}
		joint->expected = hand->lowest < joint->expected ? hand->lowest : joint->expected;
		spent += hand->spent;
		tell_kept(space, hand->kept);
	}
	return spent;
}

/* Where nobody comes, trying it again and again would only cost. */
static void share_judge(struct ms_joint *joint, u32 hands, u64 spent)
{
	joint->large = spent >= PF_SHARE_WORTH;
	joint->vain = hands > 1 ? 0 : joint->vain < PATIENCE ? 2 * joint->vain + 1 : joint->vain;
	joint->wait = joint->vain;
	if (hands > 1)
		pf_write(joint->shared, joint->shared + 1);
}

/* The budget is time, so what several spent at once counts once. */
static u64 level_shared(struct ms_space *space, u64 budget)
{
	struct ms_joint *joint = &space->meeting.joint;
	struct ms_hand *hand = &joint->hand[0];
	u64 left = budget, round, spent;
	struct ms_shard *shard;
	u32 hands;

	share_begin(space, budget, &round);
	share_call(space);
	while (left && take_one(space, &hand, &round, &shard)) {
		left = compute_one(joint, hand, shard, left);
		pf_next(&joint->returned);
	}
	hands = share_end(space);
	spent = share_gather(space, hands);
	share_judge(joint, hands, spent);
	spent /= hands;
	return left < budget - spent ? left : budget - spent;
}

/* ----------------------------------------------------------------------------------------------------------- the wave */

/* What a capture has to be told of beforehand, one tells. */
static bool is_to_be_shared(const struct ms_space *space, struct ms_joint *joint)
{
	if (joint->offers == 1 || !joint->large || space->capture)
		return false;
	if (likely(!joint->wait))
		return true;
	joint->wait--;
	return false;
}

/* Returns what is left of the budget; 0: the level may not have ended. */
static u64 level_run(struct ms_space *space, u64 budget)
{
	struct ms_joint *joint = &space->meeting.joint;
	u64 trial = budget < PF_SHARE_WORTH ? budget : PF_SHARE_WORTH, left;

	if (unlikely(joint->expected != MS_WAVE_NONE))
		survey_expecting(space);
	if (is_to_be_shared(space, joint))
		return level_shared(space, budget);
	if (unlikely(joint->expected != MS_WAVE_NONE)) {
		take_in_all(space);
		return budget;
	}
	if (joint->offers == 1)
		return ms_wave_level_together(space->shards[joint->offer[0]], joint->height, budget);
	left = level_alone(space, trial);
	joint->large = !left;
	return budget - (trial - left);
}

static bool is_under_way(struct ms_space *space)
{
	return survey(space) || unlikely(space->meeting.joint.expected != MS_WAVE_NONE);
}

static u64 pages_looked_at(const struct ms_space *space)
{
	u64 pages = 0;
	u32 i;

	for (i = 0; i < space->nshards; i++)
		pages += space->shards[i]->graph.recomputed + space->shards[i]->graph.skipped;
	return pages;
}

static u64 pages_waiting(const struct ms_space *space)
{
	u64 pages = 0;
	u32 i;

	for (i = 0; i < space->nshards; i++)
		pages += space->shards[i]->graph.wave.queued + space->shards[i]->graph.wave.asks;
	return pages;
}

static void trace_begin(struct ms_space *space)
{
	struct ms_wave_told *told = &space->meeting.joint.told;
	u64 tick = space->page->tick;

	if (ms_joint_is_empty(space) || told->tick == tick)
		return;
	*told = (struct ms_wave_told){ .tick = tick, .before = pages_looked_at(space) };
	pf_trace(wave_begin, space->id, MMSB_TRACE_ALL, tick, pages_waiting(space));
}

static void trace_end(struct ms_space *space)
{
	struct ms_wave_told *told = &space->meeting.joint.told;

	if (told->tick == space->page->tick)
		pf_trace(wave_end, space->id, MMSB_TRACE_ALL, told->tick, pages_looked_at(space) - told->before, told->depth);
	told->tick = 0;
}

bool ms_joint_run(struct ms_space *space, u64 budget)
{
	struct ms_joint *joint = &space->meeting.joint;

	if (unlikely(pf_traced(wave_begin) || pf_traced(wave_end)))
		trace_begin(space);
	for (;;) {
		while (is_under_way(space)) {
			budget = level_run(space, budget);
			if (unlikely(joint->told.tick) && joint->told.depth < joint->height)
				joint->told.depth = joint->height;
			if (unlikely(!budget))
				return ms_joint_is_empty(space);
		}
		if (likely(ms_joint_is_empty(space)))
			break;
		ms_waves_demand(space);
	}
	if (unlikely(joint->told.tick))
		trace_end(space);
	return true;
}
