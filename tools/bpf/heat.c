// SPDX-License-Identifier: GPL-2.0-only
/* See tracing.h: loads heat.bpf.c, and reads what it has counted. */
#include <errno.h>
#include <stdlib.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "heat.h"
#include <heat.skel.h>
#include "tracing.h"

struct heat {
	struct heat_bpf *bpf;
};

struct heat *heat_open(struct why *why)
{
	struct heat *heat = calloc(1, sizeof(*heat));
	int err = -ENOMEM;

	if (heat)
		heat->bpf = heat_bpf__open_and_load();
	if (heat && heat->bpf)
		err = heat_bpf__attach(heat->bpf);
	else if (heat)
		err = -errno;
	if (!err)
		return heat;
	bpf_why(why, err, "load BPF programs");
	heat_close(heat);
	return NULL;
}

void heat_close(struct heat *heat)
{
	if (heat)
		heat_bpf__destroy(heat->bpf);
	free(heat);
}

size_t heat_read(struct heat *heat, struct heat_page *pages, size_t most)
{
	int fd = bpf_map__fd(heat->bpf->maps.pages);
	struct heat_key key, *last = NULL;
	struct heat_count count;
	size_t n = 0, steps;

	for (steps = 0; steps < 2 * HEAT_PAGES && n < most && !bpf_map_get_next_key(fd, last, &key); last = &key, steps++)
		if (!bpf_map_lookup_elem(fd, &key, &count))
			pages[n++] = (struct heat_page){ key.space, key.page, count.changes, count.derived };
	return n;
}
