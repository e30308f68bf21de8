// SPDX-License-Identifier: MIT
/* A total that follows three counters by itself, and twice the total that follows that. */
#include <inttypes.h>
#include <mmsb/mmsb.h>
#include <stdio.h>

static int show(struct mmsb_space *space, uint64_t page)
{
	struct mmsb_node node;
	uint64_t value;
	int err = mmsb_node(space, page, &node);

	if (err || mmsb_read(space, page, 0, &value, sizeof(value), NULL) < 0)
		return -1;
	printf("%" PRIu64 ": %s of %u, height %u, epoch %llu\n", value, mmsb_rule_name(node.rule), node.parents, node.height, node.epoch);
	return 0;
}

int main(void)
{
	uint64_t counter[3], total, twice, two = 2, way[3];
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	int i;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, NULL, NULL, &space) || mmsb_ring_open(space, NULL, &ring) ||
	    mmsb_create(ring, 64, &total) || mmsb_create(ring, 64, &twice))
		goto failed;
	for (i = 0; i < 3; i++)
		if (mmsb_create(ring, 64, &counter[i]))
			goto failed;
	if (mmsb_derive_fold(ring, total, MMSB_RULE_ADD_MUL, MMSB_LANE_I64, counter, NULL, 3, NULL) ||
	    mmsb_derive_fold(ring, twice, MMSB_RULE_ADD_MUL, MMSB_LANE_I64, &total, &two, 1, NULL))
		goto failed;

	for (i = 0; i < 3; i++)				/* each is one tick, and both pages follow within it */
		if (mmsb_add(ring, counter[i], 0, 10 + i, NULL))
			goto failed;
	if (show(space, total) || show(space, twice))
		goto failed;
	printf("%d pages from counter to double\n", mmsb_path(space, counter[0], twice, 0, way, 3));

	if (mmsb_link(ring, total, &(struct mmsb_edge){ .parent = twice, .weight = 1 }, 1, NULL) == -ELOOP)
		printf("refused: %s\n", mmsb_strerror_last());
	mmsb_ring_close(ring);
	mmsb_close(mmsb);
	return 0;
failed:
	fprintf(stderr, "graph: %s\n", mmsb_strerror_last());
	return 1;
}
