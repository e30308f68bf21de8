// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file of the log that is not as it was written: cut anywhere, it gives the ticks that are whole and no more; with any one bit turned it
 * never gives what lies in that frame or behind it, and says where the trouble is: damage if it was on disk by what the file itself says, a
 * torn tail otherwise.
 *
 * `logdamage --seed N` draws what a failure printed.
 */
#include <fcntl.h>
#include <getopt.h>
#include "kselftest.h"
#include "common/logs.h"

#define FRAMES		64u
#define ROOM		8192u		/* reserved for a segment */

static uint64_t seed;

/* A segment, and what its writer knew of it. */
struct sample {
	struct tape tape;
	struct records records;
	struct msl_header header;
	struct msl_tally tally;
	uint32_t chain;
	uint64_t end;			/* of what was written */
	bool sealed;
	unsigned int frames;
	unsigned int synced;		/* so many, which the next frame will say */
	struct {
		uint64_t at, end;
		size_t whole;		/* records of ticks that are whole with this frame */
		bool durable;		/* a frame behind it says that it was on disk */
	} frame[FRAMES];
};

static int sample_frame(struct sample *sample, struct msl_segment *segment, size_t whole)
{
	uint64_t at = segment->at;
	int err = msl_segment_flush(segment);
	unsigned int i;

	if (err || segment->at == at)
		return err;
	for (i = 0; i < sample->synced; i++)
		sample->frame[i].durable = true;
	sample->frame[sample->frames].at = at;
	sample->frame[sample->frames].end = segment->at;
	sample->frame[sample->frames].whole = whole;
	sample->frames++;
	return sample->frames == FRAMES ? msl_fail(E2BIG, "too many frames") : 0;
}

static int sample_sync(struct sample *sample, struct msl_segment *segment)
{
	sample->synced = sample->frames;
	return msl_segment_sync(segment);
}

static int sample_seal(struct sample *sample, struct msl_segment *segment)
{
	uint64_t at = segment->at;
	int err = msl_segment_seal(segment);
	unsigned int i;

	for (i = 0; i < sample->frames; i++)
		sample->frame[i].durable = true;
	sample->frame[sample->frames].at = at;
	sample->frame[sample->frames].end = segment->at;
	sample->frame[sample->frames].whole = tape_count(&sample->tape);
	sample->frames++;
	return err;
}

/* `each`: records in a frame, about. */
static int sample_fill(struct sample *sample, struct msl_segment *segment, uint64_t each)
{
	struct rng rng = { seed };
	size_t at, n = 0, whole = 0;
	int err = 0;

	for (at = 0; !err && at < sample->tape.used; at += tape_at(&sample->tape, at)->bytes) {
		err = msl_segment_append(segment, tape_at(&sample->tape, at));
		n++;
		whole = segment->tally.open ? whole : n;
		if (err || !rng_once_in(&rng, each))
			continue;
		err = sample_frame(sample, segment, whole);
		if (!err && rng_once_in(&rng, 3))
			err = sample_sync(sample, segment);
	}
	return err ? err : sample_frame(sample, segment, whole);
}

static int sample_make(struct sample *sample, struct msl_disk *disk, uint32_t flags, bool sealed)
{
	struct msl_segment *segment;
	char name[MSL_NAME_BYTES];
	int err;

	memset(sample, 0, sizeof(*sample));
	place_empty();
	records_begin(&sample->records, seed);
	sample->records.plain = true;
	sample->records.per_tick = 6;
	tape_draw(&sample->tape, &sample->records, flags & MSL_HEADER_ZSTD ? 600 : 60);
	sample->header = header_for(flags, sample->records.shards);
	sample->sealed = sealed;
	msl_segment_name(name, 0);
	err = msl_segment_create(disk, name, &sample->header, ROOM, &segment);
	if (!err)
		err = sample_fill(sample, segment, flags & MSL_HEADER_ZSTD ? 100 : 6);
	if (!err)
		err = sealed ? sample_seal(sample, segment) : msl_segment_sync(segment);
	if (!err) {
		sample->header = segment->header;
		sample->tally = segment->tally;
		sample->chain = segment->chain;
		sample->end = segment->at;
	}
	msl_segment_close(segment);
	return err ? said("making a sample") : 0;
}

static void sample_free(struct sample *sample)
{
	tape_free(&sample->tape);
	records_end(&sample->records);
}

/* The frame that a byte of the file belongs to; as many as there are: none. */
static unsigned int frame_of(const struct sample *sample, uint64_t at)
{
	unsigned int i = 0;

	while (i < sample->frames && sample->frame[i].end <= at)
		i++;
	return i;
}

static size_t whole_before(const struct sample *sample, unsigned int frame)
{
	return frame ? sample->frame[frame - 1].whole : 0;
}

/* ----------------------------------------------------------------------------------------------------------- one bit */

struct expected {
	size_t records;
	int result;
	enum msl_end end;
	uint64_t at;
};

static int held(const struct expected *expected, struct msl_disk *disk, const struct sample *sample)
{
	struct msl_scan *scan = NULL;
	char name[MSL_NAME_BYTES], text[64];
	size_t n;
	int err;

	msl_segment_name(name, 0);
	err = scan_against(disk, name, false, &sample->tape, &n, &scan);
	snprintf(text, sizeof(text), "offset %llu:", (unsigned long long)expected->at);
	if (err == expected->result && n == expected->records && (!scan || (scan->end == expected->end && scan->end_at == expected->at)) &&
	    (expected->end == MSL_END_OPEN || expected->end == MSL_END_SEALED ||
	     strstr(err == -EBADMSG ? mmsb_strerror_last() : scan ? scan->why : "", text)))
		err = 0;
	else
		printf("# %d, %zu records, end %u at %llu (%s); expected %d, %zu, %u at %llu\n", err, n, scan ? scan->end : 0,
		       scan ? (unsigned long long)scan->end_at : 0, err ? mmsb_strerror_last() : "", expected->result, expected->records,
		       expected->end, (unsigned long long)expected->at);
	msl_scan_close(scan);
	return err;
}

static struct expected expect_flip(const struct sample *sample, uint64_t at)
{
	unsigned int i = frame_of(sample, at);

	if (at < MSL_HEADER_BYTES)
		return (struct expected){ 0, -EBADMSG, MSL_END_DAMAGED, 0 };
	if (i == sample->frames)
		return (struct expected){ whole_before(sample, i), -ENODATA, MSL_END_TORN, sample->end };
	if (sample->frame[i].durable)
		return (struct expected){ whole_before(sample, i), -EBADMSG, MSL_END_DAMAGED, sample->frame[i].at };
	return (struct expected){ whole_before(sample, i), -ENODATA, MSL_END_TORN, sample->frame[i].at };
}

static int flip(int fd, uint64_t at, unsigned int bit)
{
	uint8_t byte;

	if (pread(fd, &byte, 1, (off_t)at) != 1)
		return -1;
	byte ^= (uint8_t)(1u << bit);
	return pwrite(fd, &byte, 1, (off_t)at) == 1 ? 0 : -1;
}

static int open_sample(void)
{
	char name[MSL_NAME_BYTES], path[sizeof(place) + MSL_NAME_BYTES + 1];

	msl_segment_name(name, 0);
	snprintf(path, sizeof(path), "%s/%s", place, name);
	return open(path, O_RDWR);
}

/* Every bit of what was written, and some of the zeros behind it. */
static int every_bit(uint32_t flags, bool sealed)
{
	struct msl_disk *disk = place_open(MSL_DISK_NO_URING);
	struct expected expected;
	struct sample sample;
	uint64_t bit, bits;
	int err = sample_make(&sample, disk, flags, sealed), fd = open_sample();

	bits = 8 * (sample.end + (sealed ? 0 : 40));
	for (bit = 0; !err && bit < bits; bit += 1 + (flags || scaled(100) < 100)) {
		expected = expect_flip(&sample, bit / 8);
		err = flip(fd, bit / 8, bit % 8);
		if (!err)
			err = held(&expected, disk, &sample);
		if (!err)
			err = flip(fd, bit / 8, bit % 8);
		if (err)
			printf("# bit %llu of byte %llu, of %llu bytes\n", (unsigned long long)bit % 8, (unsigned long long)bit / 8,
			       (unsigned long long)sample.end);
	}
	close(fd);
	sample_free(&sample);
	msl_disk_close(disk);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------------- torn */

/* Of the file the first `n` bytes are left; `zeros`: and behind them as many zeros as there were bytes. */
static int cut(const struct bytes *bytes, size_t n, bool zeros)
{
	uint8_t *copy = calloc(1, bytes->n);
	char name[MSL_NAME_BYTES];
	int err;

	msl_segment_name(name, 0);
	memcpy(copy, bytes->at, n);
	err = file_put(place, name, copy, zeros ? bytes->n : n);
	free(copy);
	return err;
}

/* A frame is whole if what is missing of it is zeros, and zeros are there. */
static unsigned int frames_left(const struct sample *sample, const struct bytes *bytes, size_t n, bool zeros)
{
	unsigned int i = frame_of(sample, n);
	size_t k;

	for (k = n; zeros && i < sample->frames && k < sample->frame[i].end && !bytes->at[k]; k++)
		;
	return i < sample->frames && zeros && k == sample->frame[i].end ? i + 1 : i;
}

static struct expected expect_cut(const struct sample *sample, const struct bytes *bytes, size_t n, bool zeros)
{
	unsigned int i = frames_left(sample, bytes, n, zeros);
	uint64_t at = i ? sample->frame[i - 1].end : MSL_HEADER_BYTES, k;
	struct expected expected = { whole_before(sample, i), -ENODATA, MSL_END_OPEN, at };

	if (sample->sealed && i == sample->frames)
		expected.end = MSL_END_SEALED;
	for (k = at; k < n && expected.end == MSL_END_OPEN; k++)
		expected.end = bytes->at[k] ? MSL_END_TORN : MSL_END_OPEN;
	return expected;
}

static int every_cut(uint32_t flags, bool sealed, bool zeros)
{
	struct msl_disk *disk = place_open(MSL_DISK_NO_URING);
	struct expected expected;
	struct sample sample;
	struct bytes bytes;
	char name[MSL_NAME_BYTES];
	size_t n;
	int err = sample_make(&sample, disk, flags, sealed);

	msl_segment_name(name, 0);
	bytes = file_get(place, name);
	for (n = MSL_HEADER_BYTES; !err && n <= sample.end; n++) {
		expected = expect_cut(&sample, &bytes, n, zeros);
		err = cut(&bytes, n, zeros);
		if (!err)
			err = held(&expected, disk, &sample);
		if (err)
			printf("# %zu bytes left of %llu\n", n, (unsigned long long)sample.end);
	}
	free(bytes.at);
	sample_free(&sample);
	msl_disk_close(disk);
	return err;
}

/* --------------------------------------------------------------------------------------------------- a segment behind it */

static int follow_with(struct msl_disk *disk, const struct sample *sample, struct tape *tape)
{
	struct msl_header header = sample->header;
	struct records records = sample->records;
	struct msl_segment *segment;
	char name[MSL_NAME_BYTES];
	size_t at;
	int err;

	records.record = NULL;
	records.room = 0;
	header.number = 1;
	msl_header_follow(&header, &sample->tally, sample->end, sample->chain);
	tape_draw(tape, &records, 20);
	records_end(&records);
	msl_segment_name(name, 1);
	err = msl_segment_create(disk, name, &header, 0, &segment);
	for (at = 0; !err && at < tape->used; at += tape_at(tape, at)->bytes)
		err = msl_segment_append(segment, tape_at(tape, at));
	if (!err)
		err = msl_segment_sync(segment);
	msl_segment_close(segment);
	return err ? said("a segment behind it") : 0;
}

/* Nothing of the first may be missing now, at whatever byte it was cut. */
static int cut_in_the_middle(void)
{
	const struct msl_reader_opts all = { .life = MSL_LAST_LIFE };
	struct msl_disk *disk = place_open(MSL_DISK_NO_URING);
	struct sample sample;
	struct bytes bytes;
	char name[MSL_NAME_BYTES];
	struct tape tape = { 0 };
	size_t n, came;
	int err = sample_make(&sample, disk, 0, false);

	if (!err)
		err = follow_with(disk, &sample, &tape);
	msl_segment_name(name, 0);
	bytes = file_get(place, name);
	for (n = MSL_HEADER_BYTES; !err && n < sample.end; n++) {
		if (frames_left(&sample, &bytes, n, true) == sample.frames)
			continue;
		err = cut(&bytes, n, n % 2);
		if (err || (read_against(disk, &all, &sample.tape, 0, &came, NULL) == -EBADMSG && strstr(mmsb_strerror_last(), name) &&
			    came == whole_before(&sample, frames_left(&sample, &bytes, n, n % 2))))
			continue;
		printf("# %zu bytes left of %llu: %zu records came, %s\n", n, (unsigned long long)sample.end, came, mmsb_strerror_last());
		err = -1;
	}
	free(bytes.at);
	tape_free(&tape);
	sample_free(&sample);
	msl_disk_close(disk);
	return err;
}

/* What a writer adds who was replaced does not count, be it whole or not. */
static int written_behind(bool whole)
{
	const struct msl_reader_opts all = { .life = MSL_LAST_LIFE };
	struct msl_disk *disk = place_open(MSL_DISK_NO_URING);
	struct sample sample;
	struct msl_log_end end;
	struct tape tape = { 0 };
	uint64_t noise[8] = { 0x123456789, 1, 2, 3, 4, 5, 6, 7 };
	struct msl_frame frame = { .length = 8, .raw = 8, .type = MSL_FRAME_RECORDS };
	size_t n, at;
	int err = sample_make(&sample, disk, 0, false), fd = open_sample();

	frame.check = msl_frame_check(&frame, &sample.header, sample.end);
	if (whole)
		memcpy(noise, &frame, sizeof(frame));
	if (!err)
		err = follow_with(disk, &sample, &tape);
	if (!err && pwrite(fd, noise, sizeof(noise), (off_t)sample.end) != sizeof(noise))
		err = -1;
	for (at = 0; at < tape.used; at += tape_at(&tape, at)->bytes)
		tape_add(&sample.tape, tape_at(&tape, at));
	if (!err && (read_against(disk, &all, &sample.tape, 0, &n, &end) != -ENODATA || n != tape_count(&sample.tape) ||
		     end.header.number != 1))
		err = said("what lies behind a segment's end");
	close(fd);
	tape_free(&tape);
	sample_free(&sample);
	msl_disk_close(disk);
	return err;
}

/* A file in another's place: each is whole, but they do not follow one another. */
static int exchanged(void)
{
	const struct msl_reader_opts all = { .life = MSL_LAST_LIFE };
	struct msl_disk *disk = place_open(MSL_DISK_NO_URING);
	struct sample sample;
	struct bytes bytes = { NULL, 0 };
	struct tape tape = { 0 };
	char name[MSL_NAME_BYTES];
	size_t n;
	int err = sample_make(&sample, disk, 0, true);

	if (!err)
		err = follow_with(disk, &sample, &tape);
	msl_segment_name(name, 1);
	bytes = file_get(place, name);
	sample_free(&sample);
	seed++;
	if (!err)
		err = sample_make(&sample, disk, 0, true);
	seed--;
	if (!err)
		err = file_put(place, name, bytes.at, bytes.n);
	if (!err && (read_against(disk, &all, &sample.tape, 0, &n, NULL) != -EBADMSG))
		err = said("a segment of another log was not noticed");
	free(bytes.at);
	tape_free(&tape);
	sample_free(&sample);
	msl_disk_close(disk);
	return err;
}

static void run_all(void)
{
	printf("# seed %llu\n", (unsigned long long)seed);
	if (place_make())
		ksft_exit_fail_msg("no directory to write in\n");
	ksft_test_result(!every_bit(0, true), "each bit of a segment that is whole\n");
	ksft_test_result(!every_bit(0, false), "each bit of one that is being written\n");
	ksft_test_result(!every_bit(MSL_HEADER_ZSTD, true), "bits of a compressed one\n");
	ksft_test_result(!every_cut(0, false, false), "cut at each byte\n");
	ksft_test_result(!every_cut(0, false, true), "zeros from each byte on\n");
	ksft_test_result(!every_cut(0, true, false), "cut at each byte when it was whole\n");
	ksft_test_result(!every_cut(MSL_HEADER_ZSTD, false, false), "compressed, and cut at each byte\n");
	ksft_test_result(!cut_in_the_middle(), "cut with a segment behind it\n");
	ksft_test_result(!written_behind(false), "noise behind its end\n");
	ksft_test_result(!written_behind(true), "a frame behind its end\n");
	ksft_test_result(!exchanged(), "another log's segment\n");
	place_remove();
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "seed", required_argument, NULL, 's' }, {} };
	uint64_t end = now_ns() + soak_seconds() * SECOND;
	int c;

	seed = rng_seed();
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?')
			ksft_exit_fail_msg("usage: logdamage [--seed N]\n");
		seed = strtoull(optarg, NULL, 0);
	}
	ksft_print_header();
	do {
		run_all();
		seed++;
	} while (now_ns() < end && !ksft_get_fail_cnt());
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}
