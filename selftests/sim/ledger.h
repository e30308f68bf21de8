/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was submitted, what came back and what was seen, kept until the seed's work is done and then held against the reference model.
 *
 * The order in which the engine applied what several rings sent to one page can be read off the completions. A delta that changed
 * bytes left an epoch that no other delta of that page left, so those have one order; one that changed nothing, or was refused for
 * what it found, says at which epoch that was, and where among its like it stood makes no difference. So the model is led
 * through each page's history in order of epochs, and every result, every epoch, every copy that a reader took and the
 * page as it stands in the end must come out. A page that only one ring knows has that ring's order; there
 * quiet entries, which say nothing when they succeed, can be used, too, and rings that die with completions unread.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "engine.h"

#define OPERAND_MAX	160u
#define PAGE_BYTES_MAX	256u
#define NO_TICK		(~0ull)

struct client;
struct book;

/* One entry and what became of it. Its number is its user_data. */
struct record {
	struct mmsb_sqe sqe;
	u8 operand[OPERAND_MAX];	/* what lies in the payload area, if the entry says so */
	const struct client *client;
	u32 order;			/* in its ring */
	struct book *book;		/* its page's; NULL: none */
	struct record *next;		/* of the book */
	bool came;
	bool far;			/* its page is another shard's */
	bool secret;			/* CREATE: the page shall be its ring's own */
	bool durable;			/* it asked for that: the entry as it was sent says so, `sqe` does not */
	struct mmsb_cqe cqe;
};

/* A page's history: one id, which is never dealt again. */
struct book {
	u64 id;
	u32 size;
	const struct client *owner;	/* NULL: anybody's */
	bool follows;			/* it may be a derived page: see garden.h */
	struct record *first, *last;
	struct sighting *sightings;
	u64 seen;			/* highest epoch in a completion */
};

/* What a reader found. */
struct sighting {
	u64 epoch, tick;
	u64 at_tick;			/* the page stood so at this tick; NO_TICK: it does not say */
	bool gone;
	u32 size;
	u8 bytes[PAGE_BYTES_MAX];
	struct sighting *next;
	bool confirmed;
};

void ledger_begin(struct ms_space *space);
/* Space is reset meanwhile, so ids, epochs and ticks come again: nothing is held against the model. */
void ledger_blur(void);
bool ledger_is_blurred(void);
/* There is a history, so that any delta may want memory. */
void ledger_tells(void);

struct record *ledger_record(void);		/* NULL: enough has been submitted */
u32 ledger_left(void);
u32 ledger_books(void);
u32 ledger_number(const struct record *record);
struct record *ledger_find(u64 number);
void ledger_add(struct book *book, struct record *record);
void ledger_came(struct record *record);
struct book *ledger_book(u64 id, u32 size, const struct client *owner);
struct book *ledger_book_of(u64 id);
struct book *ledger_any(u32 number);		/* the number modulo how many there are; NULL: there are none */
/* NULL: enough has been seen. */
struct sighting *ledger_sight(struct book *book);

/* Nobody runs any more: all of it is judged. */
void ledger_judge(void);

#endif
