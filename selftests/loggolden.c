// SPDX-License-Identifier: GPL-2.0-only
/*
 * Golden files: what a log of format 1 looks like to the byte. Each record below stands in selftests/golden/ as one library wrote it
 * once; every later one must read the same out of it, and write the same.
 *
 * Runs from the root of the tree. `loggolden --write` makes the files anew, which is only right for a new format.
 */
#include "kselftest.h"
#include "common/logs.h"

#define GOLDEN	"selftests/golden"

static void add_state(struct tape *tape, uint8_t type, uint8_t flags, uint64_t tick, uint64_t time)
{
	struct mmsb_hash_record record = { { sizeof(record), type, flags, 0, tick }, { 0, 0 }, time };

	if (flags & MMSB_RECORD_HASHED) {
		record.hash[0] = 0x0123456789abcdef * tick;
		record.hash[1] = ~record.hash[0];
	}
	tape_add(tape, &record.record);
}

static void add_plain(struct tape *tape, uint8_t type, uint64_t tick)
{
	struct mmsb_record record = { sizeof(record), type, 0, 0, tick };

	tape_add(tape, &record);
}

static void add_word(struct tape *tape, uint64_t tick, uint8_t op, uint8_t lane, uint8_t len, uint64_t page, uint32_t offset, uint64_t word)
{
	uint64_t room[(sizeof(struct mmsb_words_record) + sizeof(struct mmsb_word)) / 8];
	struct mmsb_words_record *record = (struct mmsb_words_record *)room;

	record->record = (struct mmsb_record){ sizeof(room), MMSB_RECORD_WORDS, 0, MMSB_PAGE_INDEX(page) / 1024 % 2, tick };
	record->origin = (struct mmsb_origin){ 77, 1000, 4242 };
	record->words[0] = (struct mmsb_word){ page, word, offset, op, lane, len, 0 };
	tape_add(tape, &record->record);
}

static void add_delta(struct tape *tape, uint64_t tick, const struct mmsb_sqe *sqe, const void *operand, size_t bytes)
{
	uint64_t room[64] = { 0 };
	struct mmsb_delta_record *record = (struct mmsb_delta_record *)room;

	record->record = (struct mmsb_record){ (uint32_t)(sizeof(*record) + (bytes + 7) / 8 * 8), MMSB_RECORD_DELTA, 0, 1, tick };
	record->origin = (struct mmsb_origin){ 0xfedcba9876543210, 0, 1 };
	record->operand_bytes = bytes;
	record->sqe = *sqe;
	if (bytes)
		memcpy(record + 1, operand, bytes);
	tape_add(tape, &record->record);
}

static const struct mmsb_edge edges[] = {
	{ MMSB_PAGE_ID(1, 5), 1, MMSB_EDGE_DATA, 0 }, { MMSB_PAGE_ID(3, 2000), -1ull, MMSB_EDGE_DATA, 0 },
	{ MMSB_PAGE_ID(1, 4), 0, MMSB_EDGE_CONTROL, 0 },
};

static const struct mmsb_derive derive = { .rule = MMSB_RULE_ADD_MUL, .version = 1, .edges = 3, .lane = MMSB_LANE_I64,
					   .flags = MMSB_DERIVE_SATURATE, .param = { 0, 300 } };

static void add_graph(struct tape *tape, uint64_t tick)
{
	const uint64_t parents[] = { MMSB_PAGE_ID(1, 5), MMSB_PAGE_ID(3, 2000) };
	uint8_t operand[sizeof(derive) + sizeof(edges)];
	struct mmsb_sqe sqe = { .op = MMSB_OP_DERIVE, .flags = MMSB_SQE_PAYLOAD, .len = sizeof(operand), .page = MMSB_PAGE_ID(2, 9) };

	memcpy(operand, &derive, sizeof(derive));
	memcpy(operand + sizeof(derive), edges, sizeof(edges));
	add_delta(tape, tick, &sqe, operand, sizeof(operand));
	sqe = (struct mmsb_sqe){ .op = MMSB_OP_LINK, .len = sizeof(edges[0]), .page = MMSB_PAGE_ID(2, 9) };
	memcpy(sqe.operand, &edges[0], sizeof(edges[0]));
	add_delta(tape, tick, &sqe, NULL, 0);
	sqe = (struct mmsb_sqe){ .op = MMSB_OP_UNLINK, .len = sizeof(parents), .page = MMSB_PAGE_ID(2, 9) };
	memcpy(sqe.operand, parents, sizeof(parents));
	add_delta(tape, tick, &sqe, NULL, 0);
}

static void add_deltas(struct tape *tape, uint64_t tick)
{
	struct mmsb_sqe sqe = { .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .len = 4096, .page = MMSB_PAGE_ID(2, 9) };
	uint8_t operand[100] = { 1, 2, 3, 0, 5 };

	add_delta(tape, tick, &sqe, NULL, 0);
	sqe = (struct mmsb_sqe){ .op = MMSB_OP_SET, .flags = MMSB_SQE_PAYLOAD, .len = 100, .page = MMSB_PAGE_ID(2, 9), .offset = 700 };
	add_delta(tape, tick, &sqe, operand, sizeof(operand));
	sqe = (struct mmsb_sqe){ .op = MMSB_OP_CAS, .flags = MMSB_SQE_IF_EPOCH, .len = 4, .page = MMSB_PAGE_ID(1, 5), .epoch = 1000 };
	memcpy(sqe.operand, operand, 8);
	add_delta(tape, tick, &sqe, NULL, 0);
	sqe = (struct mmsb_sqe){ .op = MMSB_OP_FILL, .lane = MMSB_LANE_U16, .len = 64, .page = MMSB_PAGE_ID(1, 5), .word = { 0xabcd } };
	add_delta(tape, tick, &sqe, NULL, 0);
	sqe = (struct mmsb_sqe){ .op = MMSB_OP_DESTROY, .flags = MMSB_SQE_DETACH, .page = MMSB_PAGE_ID(1, 70000) };
	add_delta(tape, tick, &sqe, NULL, 0);
}

static void segment_tape(struct tape *tape)
{
	unsigned int i;

	add_state(tape, MMSB_RECORD_HASH, MMSB_RECORD_HASHED, 6, 1700000000000000000);
	for (i = 0; i < 300; i++)
		add_word(tape, 7, MMSB_OP_ADD, MMSB_LANE_I64, 8, MMSB_PAGE_ID(1, 5), 64, 1);
	add_word(tape, 7, MMSB_OP_ADD, MMSB_LANE_I64, 8, MMSB_PAGE_ID(1, 2000), 4088, -3ull);
	add_word(tape, 7, MMSB_OP_SET, 0, 2, MMSB_PAGE_ID(3, 2000), 10, 0xffff);
	add_word(tape, 7, MMSB_OP_MAX, MMSB_LANE_U32, 4, MMSB_PAGE_ID(3, 2000), 1 << 20, 0x12345678);
	add_word(tape, 7, MMSB_OP_AND, MMSB_LANE_U64, 8, MMSB_PAGE_ID(1, 0xffffffff), 0, 0);
	add_state(tape, MMSB_RECORD_TICK, MMSB_RECORD_HASHED, 7, 1700000000000001234);
	add_deltas(tape, 9);
	add_graph(tape, 9);
	add_state(tape, MMSB_RECORD_TICK, MMSB_RECORD_HASHED, 9, 1699999999999999999);
	add_plain(tape, MMSB_RECORD_RESET, 9);
	add_word(tape, 1, MMSB_OP_XOR, MMSB_LANE_U8, 1, MMSB_PAGE_ID(1, 0), 3, 0x80);
	add_state(tape, MMSB_RECORD_TICK, 0, 1, 1700000001000000000);
	add_plain(tape, MMSB_RECORD_END, 1);
}

/* Long enough to be worth compressing. */
static void zstd_tape(struct tape *tape)
{
	unsigned int i;

	for (i = 0; i < 500; i++)
		add_word(tape, 7, MMSB_OP_ADD, MMSB_LANE_I64, 8, MMSB_PAGE_ID(1, 5 + i % 3), 8 * i, i);
	add_state(tape, MMSB_RECORD_TICK, MMSB_RECORD_HASHED, 7, 1700000000000001234);
}

static void add_image(struct tape *tape, struct mmsb_image image, const void *behind, size_t bytes)
{
	uint64_t room[64] = { 0 };

	image.record = (struct mmsb_record){ (uint32_t)(sizeof(image) + (bytes + 7) / 8 * 8), MMSB_RECORD_IMAGE, 0, 0, 9 };
	memcpy(room, &image, sizeof(image));
	if (bytes)
		memcpy((uint8_t *)room + sizeof(image), behind, bytes);
	tape_add(tape, (const struct mmsb_record *)room);
}

static void checkpoint_tape(struct tape *tape)
{
	const uint8_t bytes[64] = { 9, 8, 7, [40] = 1 };
	uint8_t behind[sizeof(derive) + sizeof(edges) + 3 * sizeof(uint64_t) + sizeof(bytes)] = { 0 };
	const uint64_t seen[] = { 4, 70000, 0 };

	add_state(tape, MMSB_RECORD_CAPTURE, MMSB_RECORD_HASHED, 9, 1700000000000000000);
	add_image(tape, (struct mmsb_image){ .page = MMSB_PAGE_ID(1, 5), .epoch = 301, .tick = 9, .length = 64, .bytes = 64,
					     .kind = MMSB_KIND_SOURCE }, bytes, sizeof(bytes));
	add_image(tape, (struct mmsb_image){ .page = MMSB_PAGE_ID(1, 6), .epoch = 1, .tick = 2, .length = 20, .bytes = 64,
					     .kind = MMSB_KIND_SOURCE }, bytes, 20);
	memcpy(behind, &derive, sizeof(derive));
	memcpy(behind + sizeof(derive), edges, sizeof(edges));
	memcpy(behind + sizeof(derive) + sizeof(edges), seen, sizeof(seen));
	memcpy(behind + sizeof(derive) + sizeof(edges) + sizeof(seen), bytes, sizeof(bytes));
	add_image(tape, (struct mmsb_image){ .page = MMSB_PAGE_ID(2, 9), .epoch = 3, .tick = 9, .length = 64, .bytes = 64, .height = 1,
					     .edges = 3, .kind = MMSB_KIND_DERIVED, .flags = MMSB_IMAGE_STALE }, behind, sizeof(behind));
	add_image(tape, (struct mmsb_image){ .page = MMSB_PAGE_ID(2, 70000), .flags = MMSB_IMAGE_RETIRED }, NULL, 0);
	add_plain(tape, MMSB_RECORD_CAPTURED, 9);
}

/* ------------------------------------------------------------------------------------------------------------------ files */

struct golden {
	const char *name;
	bool checkpoint;
	uint32_t flags;
	void (*fill)(struct tape *tape);
};

static const struct golden goldens[] = {
	{ "format-1.seg", false, MSL_HEADER_HASHED, segment_tape },
	{ "format-1.ckp", true, MSL_HEADER_HASHED, checkpoint_tape },
	{ "format-1-zstd.seg", false, MSL_HEADER_HASHED | MSL_HEADER_ZSTD, zstd_tape },
};
#define GOLDENS (sizeof(goldens) / sizeof(*goldens))

static struct msl_header golden_header(const struct golden *golden)
{
	struct msl_header header = header_for(golden->flags, 2);

	header.number = 12;
	header.life = 1;
	header.tick = golden->checkpoint ? 9 : 6;
	header.time = 1700000000000000000;
	header.hash[0] = 0x1111111111111111;
	header.hash[1] = 0x2222222222222222;
	header.previous_end = 4096;
	header.previous_chain = 0xdeadbeef;
	return header;
}

/* A frame ends behind each tick. */
static int golden_write(const struct golden *golden, struct msl_disk *disk)
{
	struct msl_header header = golden_header(golden);
	struct msl_segment *segment;
	struct tape tape = { 0 };
	size_t at;
	int err;

	golden->fill(&tape);
	err = (golden->checkpoint ? msl_checkpoint_create(disk, golden->name, &header, &segment) :
				    msl_segment_create(disk, golden->name, &header, 0, &segment));
	for (at = 0; !err && at < tape.used; at += tape_at(&tape, at)->bytes) {
		err = msl_segment_append(segment, tape_at(&tape, at));
		if (!err && tape_at(&tape, at)->type == MMSB_RECORD_TICK)
			err = msl_segment_flush(segment);
	}
	if (!err)
		err = msl_segment_seal(segment);
	msl_segment_close(segment);
	tape_free(&tape);
	return err ? said(golden->name) : 0;
}

static int golden_reads(const struct golden *golden)
{
	struct tape tape = { 0 };
	struct msl_scan *scan = NULL;
	struct msl_disk *disk;
	struct msl_header header = golden_header(golden);
	size_t n = 0;
	int err = msl_disk_open(GOLDEN, MSL_DISK_NO_URING, &disk);

	if (err)
		return said("run from the root of the tree");
	golden->fill(&tape);
	err = scan_against(disk, golden->name, golden->checkpoint, &tape, &n, &scan);
	msl_header_close(&header, golden->checkpoint);
	if (err != -ENODATA || n != tape_count(&tape) || scan->end != MSL_END_SEALED || memcmp(&scan->header, &header, sizeof(header)))
		err = said(golden->name);
	else
		err = 0;
	msl_scan_close(scan);
	msl_disk_close(disk);
	tape_free(&tape);
	return err;
}

/* Compressed bytes are whatever the compressor's release makes of them; what they decompress to is not. */
static int golden_writes(const struct golden *golden)
{
	struct msl_disk *disk = place_open(MSL_DISK_NO_URING);
	struct bytes old = file_get(GOLDEN, golden->name), new = { NULL, 0 };
	int err = old.at ? golden_write(golden, disk) : -1;
	size_t i;

	if (!err)
		new = file_get(place, golden->name);
	for (i = 0; !err && i < old.n && i < new.n && old.at[i] == new.at[i]; i++)
		;
	if (!err && (i < old.n || i < new.n)) {
		printf("# %s, of %zu bytes, comes as %zu; the first that differs is at %zu\n", golden->name, old.n, new.n, i);
		err = -1;
	}
	free(old.at);
	free(new.at);
	msl_disk_close(disk);
	return err;
}

static int write_all(void)
{
	struct msl_disk *disk;
	unsigned int i;
	int err = msl_disk_open(GOLDEN, MSL_DISK_NO_URING, &disk);

	for (i = 0; !err && i < GOLDENS; i++)
		err = golden_write(&goldens[i], disk);
	if (!err)
		msl_disk_close(disk);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc == 2 && !strcmp(argv[1], "--write"))
		return write_all();
	ksft_print_header();
	ksft_set_plan(2 * GOLDENS - 1);
	if (place_make())
		ksft_exit_fail_msg("no directory to write in\n");
	for (i = 0; i < GOLDENS; i++) {
		ksft_test_result(!golden_reads(&goldens[i]), "%s is read as it was written\n", goldens[i].name);
		if (!(goldens[i].flags & MSL_HEADER_ZSTD))
			ksft_test_result(!golden_writes(&goldens[i]), "%s would be written as it was\n", goldens[i].name);
	}
	place_remove();
	ksft_finished();
}
