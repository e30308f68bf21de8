// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log's files: records come out as they went in, through either way of writing, compressed or not.
 *
 * `logformat --seed N` draws what a failure printed. $MMSB_SOAK: goes on with new seeds.
 */
#include "kselftest.h"
#include "common/logs.h"
#include "common/seeded.h"
#include "log/crc32c.h"

static uint64_t seed;

/* ------------------------------------------------------------------------------------------------------------ checksums */

static int crc_vectors(void)
{
	uint8_t bytes[32];
	unsigned int i;
	int bad = msl_crc32c(0, "123456789", 9) != 0xe3069283;

	memset(bytes, 0, sizeof(bytes));
	bad |= msl_crc32c(0, bytes, 32) != 0x8a9136aa;
	memset(bytes, 0xff, sizeof(bytes));
	bad |= msl_crc32c(0, bytes, 32) != 0x62a8ab43;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	return bad | (msl_crc32c(0, bytes, 32) != 0x46dd794e) | (msl_crc32c_table(0, bytes, 32) != 0x46dd794e);
}

static int crc_same(void)
{
	struct rng rng = { seed };
	uint8_t bytes[300];
	unsigned int i;
	int bad = 0;

	for (i = 0; i < 2000 && !bad; i++) {
		size_t at = rng_below(&rng, 40), n = rng_below(&rng, sizeof(bytes) - at), cut = rng_below(&rng, n + 1);
		uint32_t crc;

		rng_fill(&rng, bytes, sizeof(bytes));
		crc = msl_crc32c_table(0, bytes + at, n);
		bad |= msl_crc32c(0, bytes + at, n) != crc;
		bad |= msl_crc32c(msl_crc32c(0, bytes + at, cut), bytes + at + cut, n - cut) != crc;
	}
	return bad;
}

/* -------------------------------------------------------------------------------------------------------------- numbers */

static int number_is_kept(uint64_t value)
{
	uint8_t bytes[MSL_VARINT_MAX];
	size_t n = (size_t)(msl_put(bytes, value) - bytes), cut;
	struct msl_input in = { bytes, bytes + n, false };
	int bad = msl_get(&in) != value || in.bad || in.at != in.end;

	for (cut = 0; cut < n; cut++) {
		in = (struct msl_input){ bytes, bytes + cut, false };
		msl_get(&in);
		bad |= !in.bad;
	}
	return bad | (msl_zigzag(msl_unzigzag(value)) != value);
}

static int numbers(void)
{
	uint8_t longest[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2 };
	struct msl_input in = { longest, longest + sizeof(longest), false };
	unsigned int i;
	int bad = 0;

	for (i = 0; i < 64; i++)
		bad |= number_is_kept(1ull << i) | number_is_kept((1ull << i) - 1) | number_is_kept(-(1ull << i));
	msl_get(&in);
	return bad | !in.bad;
}

/* --------------------------------------------------------------------------------------------------------- there and back */

struct way {
	const char *name;
	uint32_t disk, header;
	bool slow_sync;
};

static const struct way ways[] = {
	{ "plain", MSL_DISK_NO_URING, 0, false }, { "io_uring", 0, 0, true },
	{ "plain, compressed", MSL_DISK_NO_URING, MSL_HEADER_ZSTD, true }, { "io_uring, compressed", 0, MSL_HEADER_ZSTD, false },
};
#define WAYS (sizeof(ways) / sizeof(*ways))

static int sync_somehow(struct msl_segment *segment, struct rng *rng, bool slow)
{
	int err;

	if (rng_once_in(rng, 3))
		return msl_segment_flush(segment);
	if (!slow || rng_below(rng, 2))
		return msl_segment_sync(segment);
	err = msl_segment_sync_begin(segment);
	return err ? err : msl_segment_sync_end(segment, true);
}

/* Ends the segment in hand, or leaves it as a writer does who dies, and begins the next. */
static int next_segment(struct msl_disk *disk, const struct way *way, uint32_t shards, struct rng *rng, struct msl_segment **segment)
{
	struct msl_header header = header_for(way->header, shards);
	char name[MSL_NAME_BYTES];
	struct msl_segment *before = *segment;
	int err = 0;

	if (before) {
		header.number = before->header.number + 1;
		err = rng_below(rng, 2) ? msl_segment_seal(before) : msl_segment_sync(before);
		msl_header_follow(&header, &before->tally, before->at, before->chain);
	}
	msl_segment_close(before);
	*segment = NULL;
	msl_segment_name(name, header.number);
	return err ? err : msl_segment_create(disk, name, &header, 1 << 20, segment);
}

/* A new segment now and then between ticks, and behind each reset. */
static int write_log(struct msl_disk *disk, const struct way *way, const struct tape *tape, uint32_t shards, uint64_t each, bool seal)
{
	struct msl_segment *segment = NULL;
	struct rng rng = { seed };
	size_t at;
	int err = next_segment(disk, way, shards, &rng, &segment);

	for (at = 0; !err && at < tape->used; at += tape_at(tape, at)->bytes) {
		err = msl_segment_append(segment, tape_at(tape, at));
		if (!err && rng_once_in(&rng, 50))
			err = sync_somehow(segment, &rng, way->slow_sync);
		if (!err && !segment->tally.open && (segment->tally.records > each || tape_at(tape, at)->type == MMSB_RECORD_RESET))
			err = next_segment(disk, way, shards, &rng, &segment);
	}
	if (!err)
		err = seal ? msl_segment_seal(segment) : msl_segment_sync(segment);
	msl_segment_close(segment);
	return err ? said("writing") : 0;
}

static int there_and_back(const struct way *way, uint64_t ops)
{
	const struct msl_reader_opts all = { .life = MSL_LAST_LIFE };
	struct msl_disk *disk = place_open(way->disk);
	struct records records;
	struct tape tape = { 0 };
	struct msl_log_end end;
	size_t n;
	int err;

	place_empty();
	records_begin(&records, seed);
	tape_draw(&tape, &records, ops);
	err = write_log(disk, way, &tape, records.shards, 1 + ops / 4, seed % 2);
	if (!err && read_against(disk, &all, &tape, 0, &n, &end) != -ENODATA)
		err = said("reading");
	if (!err && n != tape_count(&tape)) {
		printf("# %zu of %zu records came\n", n, tape_count(&tape));
		err = -1;
	}
	if (!err && end.end != (seed % 2 ? MSL_END_SEALED : MSL_END_OPEN)) {
		printf("# the log ends in way %u\n", end.end);
		err = -1;
	}
	tape_free(&tape);
	records_end(&records);
	msl_disk_close(disk);
	return err;
}

/* -------------------------------------------------------------------------------------------------------------- in bulk */

/* The same `n` times, to a page whose generation is not what is guessed at first. */
static void add_words(struct tape *tape, uint64_t tick, unsigned int i, unsigned int n)
{
	uint64_t room[(sizeof(struct mmsb_words_record) + sizeof(struct mmsb_word)) / 8];
	struct mmsb_words_record *record = (struct mmsb_words_record *)room;

	*record = (struct mmsb_words_record){ .record = { sizeof(room), MMSB_RECORD_WORDS, 0, 0, tick } };
	record->words[0] = (struct mmsb_word){ .op = MMSB_OP_ADD, .lane = MMSB_LANE_I64, .len = 8, .offset = 8, .word = i,
					       .page = MMSB_PAGE_ID(3 + tick / 20, i % 7) };
	while (n--)
		tape_add(tape, &record->record);
}

static void add_tick(struct tape *tape, uint64_t tick)
{
	struct mmsb_hash_record close = { .record = { sizeof(close), MMSB_RECORD_TICK, 0, 0, tick } };
	unsigned int i;

	for (i = 0; i < 20; i++)
		add_words(tape, tick, i, 1);
	add_words(tape, tick, 20, (unsigned int)(tick % 2 ? MSL_WORDS - 50 + tick : tick * 40));
	tape_add(tape, &close.record);
}

/* Repetitions of every length around what is given at once, all in few frames. */
static int many_words(const struct way *way)
{
	const struct msl_reader_opts all = { .life = MSL_LAST_LIFE };
	struct msl_disk *disk = place_open(way->disk);
	struct msl_segment *segment = NULL;
	struct rng rng = { seed };
	struct tape tape = { 0 };
	uint64_t tick;
	size_t came, at;
	int err;

	place_empty();
	for (tick = 1; tick < 60; tick++)
		add_tick(&tape, tick);
	err = next_segment(disk, way, 1, &rng, &segment);
	for (at = 0; !err && at < tape.used; at += tape_at(&tape, at)->bytes)
		err = msl_segment_append(segment, tape_at(&tape, at));
	if (!err)
		err = msl_segment_seal(segment);
	msl_segment_close(segment);
	if (!err && read_against(disk, &all, &tape, 0, &came, NULL) != -ENODATA)
		err = said("reading words");
	tape_free(&tape);
	msl_disk_close(disk);
	return err;
}

/* -------------------------------------------------------------------------------------------------------------- images */

static int write_checkpoint(struct msl_disk *disk, const char *name, const struct tape *tape, uint32_t flags)
{
	struct msl_header header = header_for(flags, 2);
	struct msl_segment *segment;
	size_t at;
	int err = msl_checkpoint_create(disk, name, &header, &segment);

	for (at = 0; !err && at < tape->used; at += tape_at(tape, at)->bytes)
		err = msl_segment_append(segment, tape_at(tape, at));
	if (!err)
		err = msl_segment_seal(segment);
	msl_segment_close(segment);
	return err ? said("writing a checkpoint") : 0;
}

static void draw_checkpoint(struct tape *tape, struct records *records, uint64_t n)
{
	struct mmsb_hash_record begin = { { sizeof(begin), MMSB_RECORD_CAPTURE, MMSB_RECORD_HASHED, 0, 1000 }, { 5, 6 }, records->time };
	struct mmsb_record end = { sizeof(end), MMSB_RECORD_CAPTURED, 0, 0, 1000 };

	records->tick = 1000;
	tape_add(tape, &begin.record);
	while (n--)
		tape_add(tape, records_image(records));
	tape_add(tape, &end);
}

static int checkpoint(const struct way *way, uint64_t n)
{
	struct msl_disk *disk = place_open(way->disk);
	struct tape tape = { 0 };
	struct msl_scan *scan = NULL;
	struct records records;
	struct msl_tally tally;
	size_t came;
	int err;

	place_empty();
	records_begin(&records, seed);
	draw_checkpoint(&tape, &records, n);
	err = write_checkpoint(disk, "image", &tape, way->header);
	if (!err && scan_against(disk, "image", true, &tape, &came, &scan) != -ENODATA)
		err = said("reading a checkpoint");
	if (!err && (came != tape_count(&tape) || scan->end != MSL_END_SEALED || msl_scan_seal(scan, &tally) || tally.images != n ||
		     tally.records != n + 2))
		err = said("a checkpoint is not as it was");
	msl_scan_close(scan);
	tape_free(&tape);
	records_end(&records);
	msl_disk_close(disk);
	return err;
}

/* ------------------------------------------------------------------------------------------------------------ gathered */

struct encoded {
	struct msl_encoder encoder;
	struct msl_tally tally;
	uint8_t *bytes;
	size_t used;
};

static int encoded_begin(struct encoded *encoded, const struct tape *tape, uint32_t shards)
{
	struct msl_header header = header_for(0, shards);

	msl_encoder_begin(&encoded->encoder, shards);
	msl_tally_begin(&encoded->tally, &header);
	encoded->used = 0;
	encoded->bytes = malloc(tape->used * 2 + tape_count(tape) * 256);
	return encoded->bytes ? 0 : -1;
}

static int encoded_add(struct encoded *encoded, const struct mmsb_record *record)
{
	ssize_t n = msl_encode(&encoded->encoder, record, encoded->bytes + encoded->used);

	if (n < 0 || (size_t)n > msl_encode_bound(record))
		return said("encoding");
	encoded->used += (size_t)n;
	msl_tally_add(&encoded->tally, record);
	return 0;
}

static const struct mmsb_words_record *words_at(const struct tape *tape, size_t at)
{
	bool are = at < tape->used && tape_at(tape, at)->type == MMSB_RECORD_WORDS;

	return are ? (const struct mmsb_words_record *)tape_at(tape, at) : NULL;
}

static bool go_together(const struct mmsb_words_record *first, const struct mmsb_words_record *other)
{
	return other && first->record.tick == other->record.tick && first->record.shard == other->record.shard &&
	       !memcmp(&first->origin, &other->origin, sizeof(first->origin));
}

/* The words from there on that could be one record, up to `most`, as one. How many they were. */
static size_t gather(const struct tape *tape, size_t at, size_t most, struct mmsb_words_record *all)
{
	const struct mmsb_words_record *first = words_at(tape, at);
	size_t n;

	*all = (struct mmsb_words_record){ first->record, first->origin };
	for (n = 0; n < most && go_together(first, words_at(tape, at)); n++, at += first->record.bytes)
		all->words[n] = words_at(tape, at)->words[0];
	all->record.bytes = (uint32_t)(sizeof(*all) + n * sizeof(all->words[0]));
	return n;
}

static int encode_gathered(struct encoded *encoded, const struct tape *tape, size_t *most)
{
	uint64_t room[64 * 3 + 4];
	struct mmsb_words_record *all = (struct mmsb_words_record *)room;
	struct rng rng = { seed };
	size_t at = 0, n;
	int err = 0;

	for (*most = 0; !err && at < tape->used; at += n * tape_at(tape, at)->bytes) {
		n = words_at(tape, at) ? gather(tape, at, 1 + rng_below(&rng, 64), all) : 1;
		err = encoded_add(encoded, words_at(tape, at) ? &all->record : tape_at(tape, at));
		*most = n > *most ? n : *most;
	}
	return err;
}

/* How many words come in one record shows nowhere. */
static int gathered(uint64_t ops)
{
	static struct encoded one_by_one, together;
	struct records records;
	struct tape tape = { 0 };
	size_t at, most = 0;
	int err;

	records_begin(&records, seed);
	records.per_tick = 1000;
	records.origins = 1 + seed % 2;
	tape_draw(&tape, &records, ops);
	err = encoded_begin(&one_by_one, &tape, records.shards) | encoded_begin(&together, &tape, records.shards);
	for (at = 0; !err && at < tape.used; at += tape_at(&tape, at)->bytes)
		err = encoded_add(&one_by_one, tape_at(&tape, at));
	if (!err)
		err = encode_gathered(&together, &tape, &most);
	if (!err && (most < 2 || one_by_one.used != together.used || memcmp(one_by_one.bytes, together.bytes, together.used) ||
		     memcmp(&one_by_one.tally, &together.tally, sizeof(together.tally)))) {
		printf("# up to %zu words together: %zu bytes, %zu one by one\n", most, together.used, one_by_one.used);
		err = -1;
	}
	free(one_by_one.bytes);
	free(together.bytes);
	tape_free(&tape);
	records_end(&records);
	return err;
}

static void run_all(uint64_t ops)
{
	unsigned int i;

	printf("# seed %llu\n", (unsigned long long)seed);
	if (place_make())
		ksft_exit_fail_msg("no directory to write in\n");
	ksft_test_result(!crc_vectors(), "checksums are the known ones\n");
	ksft_test_result(!crc_same(), "with and without the processor's help\n");
	ksft_test_result(!numbers(), "numbers of every length\n");
	ksft_test_result(!gathered(ops), "words come to the same however they are gathered\n");
	for (i = 0; i < WAYS; i++) {
		ksft_test_result(!there_and_back(&ways[i], ops), "records come back: %s\n", ways[i].name);
		ksft_test_result(!many_words(&ways[i]), "words come back in bulk: %s\n", ways[i].name);
		ksft_test_result(!checkpoint(&ways[i], ops / 10), "images come back: %s\n", ways[i].name);
	}
	place_remove();
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(3000) + 40, run_all);
}
