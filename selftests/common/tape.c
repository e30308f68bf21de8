// SPDX-License-Identifier: GPL-2.0-only
#include "tape.h"

void tape_free(struct tape *tape)
{
	free(tape->bytes);
	memset(tape, 0, sizeof(*tape));
}

void tape_forget_times(struct tape *tape)
{
	size_t at = 0;

	for (; at < tape->used; at += tape_at(tape, at)->bytes) {
		struct mmsb_hash_record *record = (struct mmsb_hash_record *)(tape->bytes + at);

		if (record->record.type == MMSB_RECORD_TICK || record->record.type == MMSB_RECORD_HASH)
			record->time = 0;
	}
}

void tape_add(struct tape *tape, const struct mmsb_record *record)
{
	if (record->bytes > tape->room - tape->used) {
		tape->room = 2 * tape->room + record->bytes + 65536;
		tape->bytes = realloc(tape->bytes, tape->room);
		if (!tape->bytes)
			abort();
	}
	memcpy(tape->bytes + tape->used, record, record->bytes);
	tape->used += record->bytes;
	tape->deltas += record->type == MMSB_RECORD_DELTA;
	if (record->type == MMSB_RECORD_WORDS)
		tape->deltas += (record->bytes - sizeof(struct mmsb_words_record)) / sizeof(struct mmsb_word);
	tape->ticks += record->type == MMSB_RECORD_TICK;
	tape->marks += record->type == MMSB_RECORD_HASH || record->type == MMSB_RECORD_RESET;
}

int tape_read(struct tape *tape, struct mmsb_history *history, uint64_t patience)
{
	const struct mmsb_record *record;
	int err;

	while (!(err = mmsb_history_next(history, &record, patience)))
		tape_add(tape, record);
	if (err == -ETIME)
		return 0;
	printf("# reading a history: %s\n", mmsb_strerror_last());
	return err;
}

const struct mmsb_record *tape_find(const struct tape *tape, enum mmsb_record_type type, uint64_t n)
{
	size_t at;

	for (at = 0; at < tape->used; at += tape_at(tape, at)->bytes)
		if (tape_at(tape, at)->type == type && !n--)
			return tape_at(tape, at);
	return NULL;
}

int tape_replay(const struct tape *tape, struct mmsb_ring *ring, struct mmsb_history *read, struct tape *copy)
{
	size_t at;
	int err = 0;

	for (at = 0; !err && at < tape->used; at += tape_at(tape, at)->bytes) {
		err = mmsb_replay(ring, tape_at(tape, at));
		if (!err && read && at % 5 == 0)
			err = tape_read(copy, read, 0);
	}
	if (!err)
		err = mmsb_replay(ring, NULL);
	if (!err && read)
		err = tape_read(copy, read, 0);
	if (err)
		printf("# replaying: %s\n", mmsb_strerror_last());
	return err;
}
