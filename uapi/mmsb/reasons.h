/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * Every way in which the engine says no, once: a name, the errno it becomes at the border, and a sentence that names the
 * cause and the remedy. The order is ABI: append only.
 */
#ifndef MMSB_REASONS_H
#define MMSB_REASONS_H

#define MMSB_REASONS(X) \
	X(NONE, 0, "no failure") \
	X(BAD_OP, EINVAL, "unknown operation: check mmsb_sqe.op against the engine's ABI version") \
	X(BAD_FLAGS, EINVAL, "unknown flag, or a flag that this operation does not take") \
	X(BAD_RESERVED, EINVAL, "a field that this operation does not use is not zero") \
	X(BAD_LANE, EINVAL, "unknown lane type") \
	X(BAD_ALIGN, EINVAL, "offset, length or payload offset is not a multiple of what the operation needs") \
	X(BAD_LENGTH, EINVAL, "length is zero, or does not fit 24 inline bytes: put the operand in the payload area") \
	X(TOO_LONG, EMSGSIZE, "one delta may cover 16 MiB, one entry of words 1 MiB: split it") \
	X(OUT_OF_PAGE, ERANGE, "offset + length reach beyond the page") \
	X(OUT_OF_PAYLOAD, EFAULT, "the operand reaches beyond the ring's payload area") \
	X(NO_PAGE, ENOENT, "no page was ever made under this id") \
	X(STALE_PAGE, ESTALE, "the page with this id has been destroyed") \
	X(EPOCH_DIFFERS, ECANCELED, "the page's epoch is not the expected one: read again and retry") \
	X(BYTES_DIFFER, ECANCELED, "the page's bytes are not the expected ones: read again and retry") \
	X(BAD_SIZE, EINVAL, "a page has 64 bytes to 1 GiB") \
	X(PAGES_LIMIT, EDQUOT, "the space's page limit is reached: destroy pages, have its owner raise it (mmsb limits), or make the space with a higher max_pages") \
	X(BYTES_LIMIT, EDQUOT, "the space's limit of bytes is reached, or its arena too fragmented: destroy pages, have its owner raise it (mmsb limits), or make the space with a higher max_bytes") \
	X(NO_MEMORY, ENOMEM, "out of memory, or over the memory cgroup's limit") \
	X(PAGE_EXISTS, EEXIST, "a page lives under this id already") \
	X(GENERATIONS_SPENT, EOVERFLOW, "this directory line has used up its generations") \
	X(APPEND_FULL, ENOSPC, "the area behind the cursor has no room for these bytes") \
	X(APPEND_CURSOR, ERANGE, "the cursor points beyond the page: somebody overwrote it") \
	X(READ_ONLY, EPERM, "the ring was opened through a read-only space") \
	X(SQ_INDEX, EPIPE, "the client wrote a submission tail more than a queue ahead of the head: the ring is broken, open another") \
	X(CQ_INDEX, EPIPE, "the client wrote a completion head beyond the tail: the ring is broken, open another") \
	X(BAD_SHARDS, EINVAL, "a space has 1 to 1024 shards") \
	X(BAD_LIMIT, EINVAL, "a limit is beyond what the home allows, the space was made for, or the ABI can address") \
	X(RINGS_LIMIT, EDQUOT, "the space's ring limit is reached: close rings, or have its owner raise it (mmsb limits)") \
	X(BAD_ENTRIES, EINVAL, "a ring has 1 to 32768 submission entries, at least as many completions (65536 at most), and at most 64 MiB of payload") \
	X(BAD_SHARD, EINVAL, "the space has no shard of that number") \
	X(NO_POLLERS, EOPNOTSUPP, "the space was made without pollers: open an inline ring") \
	X(BAD_NAME, EINVAL, "a name has 1 to 63 letters, digits, '.', '_', '-' and does not begin with '.'") \
	X(NAME_TAKEN, EEXIST, "a space of that name exists: open it without EXCL or choose another name") \
	X(NO_SPACE, ENOENT, "no space of that name: create it, or look at 'mmsb space list'") \
	X(NO_PERMISSION, EACCES, "the space's owner, group and mode do not allow that to you") \
	X(SPACES_LIMIT, EDQUOT, "the home's limit on spaces is reached: remove some or raise the module parameter max_spaces") \
	X(TOO_MANY_PAGES, EINVAL, "a snapshot has 1 to 4096 pages") \
	X(SNAPSHOT_ROOM, ENOBUFS, "the payload area has too little room for the snapshot: open the ring with a larger one") \
	X(SPACE_GONE, ESHUTDOWN, "the space is being torn down") \
	X(IS_DERIVED, EPERM, "a derived page follows its parents: change those, or underive it first") \
	X(NOT_DERIVED, EINVAL, "the page is a source page: derive it first") \
	X(HAS_CHILDREN, EBUSY, "pages are derived from this one: underive them first, or destroy it with the DETACH flag") \
	X(CYCLE, ELOOP, "one of the parents follows this page already: the completion names it, 'mmsb graph path' the way between them") \
	X(BAD_RULE, EINVAL, "no rule of that number and version in this home") \
	X(BAD_RULE_LANE, EINVAL, "the rule does not know this lane type") \
	X(BAD_PARAM, EINVAL, "the rule does not take these parameters or flags") \
	X(BAD_EDGE, EINVAL, "unknown edge type, a reserved field that is not zero, or a weight for a rule that has none") \
	X(BAD_PARENTS, EINVAL, "the rule takes another number of parents, or none of them is data") \
	X(TOO_MANY_PARENTS, E2BIG, "a page is derived from at most 4096 parents: derive in two steps") \
	X(NO_SUCH_EDGE, ENOENT, "no edge leads from that parent to this page") \
	X(PARENT_GONE, ENOENT, "one of the parents is not there: the completion names it") \
	X(NO_FLOAT, EOPNOTSUPP, "this home cannot compute floating point: use integer lanes or the embedded home") \
	X(TOO_MANY_CHILDREN, EMLINK, "a page has at most 2^30 children") \
	X(REPLAYING, EBUSY, "a replay ring is open on the space: nobody else may write until it is closed") \
	X(NOT_REPLAYING, EPERM, "only a ring opened with the REPLAY flag numbers ticks, loads images and applies words in bulk") \
	X(BAD_TICK, EINVAL, "ticks rise: this number is not above the last tick of the space") \
	X(HISTORY_TAKEN, EBUSY, "the space's history is being read already: one reader at a time") \
	X(RULE_EXISTS, EEXIST, "a rule of that name and version is registered already, or its version is 0: rules never change, raise the version") \
	X(BAD_EVENTS, EINVAL, "an event ring has at most 65536 entries, and filters by as many pages as it was opened for, at most 4096") \
	X(EVENTS_HEAD, EPIPE, "the client wrote a head beyond the tail: the event ring is broken, open another") \
	X(NO_LOG, EOPNOTSUPP, "the space has no log, so nothing in it can be durable: give it one with mmsb_log_open() or mmsbd") \
	X(BAD_MODE, EINVAL, "a space is MEMORY, BUFFERED or STRICT, and a log has an id that is not 0") \
	X(OTHER_LOG, EBUSY, "the space has a log of another id: end that first, or write to the directory that it belongs to") \
	X(LOG_TAKEN, EBUSY, "the space's log has a writer already: stop that one, or take the log over") \
	X(FENCED, ESTALE, "another writer has taken the log over: this one has to stop") \
	X(NOT_TOLD, EINVAL, "a writer can make durable only what it was told: the tick is above the last bound that it read") \
	X(LOG_FAILED, EIO, "the log failed, and what it did not hold by then is not durable: see to its disk, end the log, begin another") \
	X(LOGGED, EBUSY, "the space has a log, whose history goes on: end the log before the space is reset") \
	X(CAPTURING, EBUSY, "a capture of the space is under way: read its history to the CAPTURED record first") \
	X(BAD_IMAGE, EINVAL, "an image that no capture writes: cut short, or its kind, lengths, flags or edges contradict each other") \
	X(LINE_USED, EEXIST, "an image goes where no page ever was: load into a new space, or reset it first") \
	X(BAD_WORD, EINVAL, "a word that no history tells: its operation, lane, length and offset are not those of one aligned lane") \
	X(USER_SPACES, EDQUOT, "you have made as many spaces as one user may: remove some, or have the module's max_user_spaces raised (mmsb limits)") \
	X(UNNAMED, EINVAL, "a space without a name cannot be pinned: nobody could find it to remove it") \
	X(SHUT, ESHUTDOWN, "the space is not restored to the end: wait for who does it, or, if nobody does, restore it again, reset or remove it") \
	X(BAD_LAYER, EINVAL, "no layer of that number: mmsb/timing.h lists those that are timed") \
	X(NO_CPU, ENODEV, "there is no such CPU, or it is not online: choose one of /sys/devices/system/cpu/online") \
	X(FOREIGN_CPU, EPERM, "you may not run on that CPU yourself (taskset -p $$), so you may not put a shard there: choose another, or ask root") \
	X(NO_POLLER, ENODEV, "that CPU has no poller: no polled space ever had a shard there") \
	X(USER_PAGES, EDQUOT, "the space's maker has as many pages in all spaces as one user may: destroy some, or have the module's max_user_pages raised (mmsb limits)") \
	X(USER_BYTES, EDQUOT, "the space's maker has as many bytes of pages in all spaces as one user may: destroy some, or have the module's max_user_bytes raised (mmsb limits)") \
	X(USER_RINGS, EDQUOT, "the space's maker has as many rings in all spaces as one user may: close some, or have the module's max_user_rings raised (mmsb limits)")

#define MMSB_REASON_ENUM_(name, err, text) MMSB_REASON_##name,
enum mmsb_reason {
	MMSB_REASONS(MMSB_REASON_ENUM_)
	MMSB_REASON_LAST
};
#undef MMSB_REASON_ENUM_

#endif
