/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps that can be traced, as BPF programs see them: of a raw tracepoint the context is its arguments, 64 bits each, and
 * those of the steps are their fields in the order of mmsb/trace.h. So a program needs no type of the kernel's or the module's, no BTF of either
 * and no layout of a record, and runs on every kernel as it was compiled; fields that come later stand behind these.
 */
#ifndef STEPS_BPF_H
#define STEPS_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <mmsb/trace.h>

#define STEP_FIELD_(name)		__u64 name;
#define STEP_STRUCT_(step, n, ...)	struct step_##step { MMSB_EACH(n, STEP_FIELD_, __VA_ARGS__) };
MMSB_STEPS(STEP_STRUCT_)

#define STEP(name)	SEC("raw_tp/mmsb_" #name) int on_##name(const struct step_##name *step)

#endif
