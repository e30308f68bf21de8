/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of mmsb/trace.h as tracepoints. All are made alike, so all are made by one macro; what is shown otherwise than as a number, ids of
 * pages and what has names, is said once for each field that is.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mmsb

#if !defined(MMSB_KMOD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MMSB_KMOD_TRACE_H

#include <linux/tracepoint.h>
#include <mmsb/abi.h>
#include <mmsb/reasons.h>
#include <mmsb/trace.h>

#define MMSB_OPS_(X)								\
	X(NOP) X(FENCE) X(CREATE) X(DESTROY) X(SET) X(MASK) X(MASK_SPARSE) X(FILL) \
	X(ADD) X(SUB) X(MIN) X(MAX) X(AND) X(OR) X(XOR) X(CAS) \
	X(APPEND) X(DERIVE) X(UNDERIVE) X(LINK) X(UNLINK) X(REFRESH) X(TICK) X(LOAD) \
	X(WORDS)

/* Whoever reads a trace elsewhere knows no enums. */
#define MMSB_DEFINE_OP_(name) TRACE_DEFINE_ENUM(MMSB_OP_##name);
#define MMSB_DEFINE_REASON_(name, err, text) TRACE_DEFINE_ENUM(MMSB_REASON_##name);
#define MMSB_DEFINE_STALL_(name, text) TRACE_DEFINE_ENUM(MMSB_STALL_##name);
MMSB_OPS_(MMSB_DEFINE_OP_)
MMSB_REASONS(MMSB_DEFINE_REASON_)
MMSB_STALLS(MMSB_DEFINE_STALL_)

#define MMSB_NAME_OP_(name) { MMSB_OP_##name, #name },
#define MMSB_NAME_REASON_(name, err, text) { MMSB_REASON_##name, #name },
#define MMSB_NAME_STALL_(name, text) { MMSB_STALL_##name, #name },

#define MMSB_FORMAT_space	"%llu"
#define MMSB_FORMAT_shard	"%llu"
#define MMSB_FORMAT_to		"%llu"
#define MMSB_FORMAT_ring	"%llu"
#define MMSB_FORMAT_pid		"%llu"
#define MMSB_FORMAT_uid		"%llu"
#define MMSB_FORMAT_source	"0x%llx"
#define MMSB_FORMAT_op		"%s"
#define MMSB_FORMAT_count	"%llu"
#define MMSB_FORMAT_pending	"%llu"
#define MMSB_FORMAT_taken	"%llu"
#define MMSB_FORMAT_completions	"%llu"
#define MMSB_FORMAT_waiting	"%llu"
#define MMSB_FORMAT_pages	"%llu"
#define MMSB_FORMAT_depth	"%llu"
#define MMSB_FORMAT_deltas	"%llu"
#define MMSB_FORMAT_epoch	"%llu"
#define MMSB_FORMAT_tick	"%llu"
#define MMSB_FORMAT_last	"%llu"
#define MMSB_FORMAT_user_data	"0x%llx"
#define MMSB_FORMAT_failed	"%llu"
#define MMSB_FORMAT_stalls	"%llu"
#define MMSB_FORMAT_page	"0x%llx"
#define MMSB_FORMAT_reason	"%s"
#define MMSB_FORMAT_cause	"%s"

#define MMSB_SHOW_space		__entry->space
#define MMSB_SHOW_shard		__entry->shard
#define MMSB_SHOW_to		__entry->to
#define MMSB_SHOW_ring		__entry->ring
#define MMSB_SHOW_pid		__entry->pid
#define MMSB_SHOW_uid		__entry->uid
#define MMSB_SHOW_source	__entry->source
#define MMSB_SHOW_op		__print_symbolic(__entry->op, MMSB_OPS_(MMSB_NAME_OP_) { -1, "" })
#define MMSB_SHOW_count		__entry->count
#define MMSB_SHOW_pending	__entry->pending
#define MMSB_SHOW_taken		__entry->taken
#define MMSB_SHOW_completions	__entry->completions
#define MMSB_SHOW_waiting	__entry->waiting
#define MMSB_SHOW_pages		__entry->pages
#define MMSB_SHOW_depth		__entry->depth
#define MMSB_SHOW_deltas	__entry->deltas
#define MMSB_SHOW_epoch		__entry->epoch
#define MMSB_SHOW_tick		__entry->tick
#define MMSB_SHOW_last		__entry->last
#define MMSB_SHOW_user_data	__entry->user_data
#define MMSB_SHOW_failed	__entry->failed
#define MMSB_SHOW_stalls	__entry->stalls
#define MMSB_SHOW_page		__entry->page
#define MMSB_SHOW_reason	__print_symbolic(__entry->reason, MMSB_REASONS(MMSB_NAME_REASON_) { -1, "" })
#define MMSB_SHOW_cause		__print_symbolic(__entry->cause, MMSB_STALLS(MMSB_NAME_STALL_) { -1, "" })

#define MMSB_PROTO_(name)	u64 name
#define MMSB_ARG_(name)		name
#define MMSB_FIELD_(name)	__field(u64, name)
#define MMSB_ASSIGN_(name)	__entry->name = name;
#define MMSB_PRINT_(name)	#name "=" MMSB_FORMAT_##name " "
#define MMSB_VALUE_(name)	MMSB_SHOW_##name

#define MMSB_EVENT_(step, n, ...)						\
	TRACE_EVENT(mmsb_##step,						\
		TP_PROTO(MMSB_LIST(n, MMSB_PROTO_, __VA_ARGS__)),		\
		TP_ARGS(MMSB_LIST(n, MMSB_ARG_, __VA_ARGS__)),			\
		TP_STRUCT__entry(MMSB_EACH(n, MMSB_FIELD_, __VA_ARGS__)),	\
		TP_fast_assign(MMSB_EACH(n, MMSB_ASSIGN_, __VA_ARGS__)),	\
		TP_printk(MMSB_EACH(n, MMSB_PRINT_, __VA_ARGS__),		\
			  MMSB_LIST(n, MMSB_VALUE_, __VA_ARGS__)));

MMSB_STEPS(MMSB_EVENT_)

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
