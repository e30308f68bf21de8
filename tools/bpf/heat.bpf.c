// SPDX-License-Identifier: GPL-2.0-only
/* Counts changes by page. While it is there, deltas are told one by one and take several times as long. */
#include "steps.bpf.h"
#include "heat.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, HEAT_PAGES);
	__type(key, struct heat_key);
	__type(value, struct heat_count);
} pages SEC(".maps");

static __always_inline void count_change(__u64 space, __u64 page, __u64 derived)
{
	struct heat_key key = { space, page };
	struct heat_count first = { 1, derived }, *count = bpf_map_lookup_elem(&pages, &key);

	if (count)
		__sync_fetch_and_add(&count->changes, 1);
	else
		bpf_map_update_elem(&pages, &key, &first, BPF_ANY);
}

STEP(apply)
{
	count_change(step->space, step->page, 0);
	return 0;
}

STEP(recompute)
{
	count_change(step->space, step->page, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
