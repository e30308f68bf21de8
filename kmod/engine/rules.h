/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The rules that every home has, one function each: what ms_rule.run is. Documentation/rules.md says what they compute.
 */
#ifndef MS_RULES_H
#define MS_RULES_H

#include "rule.h"

void ms_rule_none(const struct ms_rule_call *call);
void ms_rule_copy(const struct ms_rule_call *call);
void ms_rule_slice(const struct ms_rule_call *call);
void ms_rule_concat(const struct ms_rule_call *call);
void ms_rule_hash(const struct ms_rule_call *call);

ms_plain_fold ms_fold_plain(u32 number, u8 lane, bool saturate);
u64 ms_fold_neutral(u32 number, u8 lane, u64 *mask);

void ms_rule_add_mul(const struct ms_rule_call *call);
void ms_rule_min_add(const struct ms_rule_call *call);
void ms_rule_max_add(const struct ms_rule_call *call);
void ms_rule_or_and(const struct ms_rule_call *call);
void ms_rule_max_min(const struct ms_rule_call *call);
void ms_rule_xor_and(const struct ms_rule_call *call);

void ms_rule_sum(const struct ms_rule_call *call);
void ms_rule_count(const struct ms_rule_call *call);
void ms_rule_min(const struct ms_rule_call *call);
void ms_rule_max(const struct ms_rule_call *call);
void ms_rule_mean(const struct ms_rule_call *call);

#endif
