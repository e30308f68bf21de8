// SPDX-License-Identifier: GPL-2.0-only
/* See tracing.h: loads way.bpf.c, and reads what it has counted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "tracing.h"
#include <way.skel.h>

struct way {
	struct way_bpf *bpf;
};

struct ring_key {
	uint64_t space, ring;
};

void bpf_why(struct why *why, int err, const char *what)
{
	const char *remedy = "";

	if (err == -EPERM || err == -EACCES)
		remedy = ": it takes root, or CAP_BPF and CAP_PERFMON, and a kernel that is not locked down";
	else if (err == -ENOENT)
		remedy = ": modprobe mmsb";
	else if (err == -ENOMEM)
		remedy = ": too little memory, or the cgroup's or 'ulimit -l' is used up";
	snprintf(why->text, sizeof(why->text), "cannot %s: %s%s", what, strerror(-err), remedy);
}

struct way *way_open(uint64_t space, struct why *why)
{
	struct way *way = calloc(1, sizeof(*way));
	int err = -ENOMEM;

	if (!getenv("MMSB_BPF_DEBUG"))
		libbpf_set_print(NULL);
	if (!way)
		goto failed;
	way->bpf = way_bpf__open();
	if (!way->bpf) {
		err = -errno;
		goto failed;
	}
	way->bpf->rodata->only = space;
	err = way_bpf__load(way->bpf);
	err = err ?: way_bpf__attach(way->bpf);
	if (!err)
		return way;
failed:
	bpf_why(why, err, "load BPF programs");
	way_close(way);
	return NULL;
}

void way_close(struct way *way)
{
	if (way)
		way_bpf__destroy(way->bpf);
	free(way);
}

bool way_read(struct way *way, uint64_t space, struct way_space *counts)
{
	return !bpf_map_lookup_elem(bpf_map__fd(way->bpf->maps.spaces), &space, counts);
}

void way_prune(struct way *way, bool (*is_there)(const void *arg, uint64_t space), const void *arg)
{
	int fd = bpf_map__fd(way->bpf->maps.spaces);
	uint64_t id, next;
	bool more = !bpf_map_get_next_key(fd, NULL, &id);

	for (; more; id = next) {
		more = !bpf_map_get_next_key(fd, &id, &next);
		if (!is_there(arg, id))
			bpf_map_delete_elem(fd, &id);
	}
}

static void add_space(struct way_space *to, const struct way_space *from)
{
	unsigned int layer, bucket;

	for (bucket = 0; bucket < WAY_BUCKETS; bucket++) {
		for (layer = 0; layer < WAY_HISTS; layer++)
			to->hist[layer][bucket] += from->hist[layer][bucket];
		for (layer = 0; layer < WAY_LAYERS; layer++)
			to->spent[bucket][layer] += from->spent[bucket][layer];
	}
}

/* What wants no completion is told of by nobody: it has come to its end when its entry was free. What was not even that is not counted. */
static void add_ring(struct way_space *to, const struct way_ring *ring)
{
	uint32_t i;

	for (i = ring->first; i != ring->open; i++) {
		const struct way_batch *batch = &ring->batch[i % WAY_BATCHES];

		if (batch->left)
			way_count(to, batch, batch->left, 0);
	}
}

uint64_t way_end(struct way *way, struct way_space *counts)
{
	int spaces = bpf_map__fd(way->bpf->maps.spaces), rings = bpf_map__fd(way->bpf->maps.rings);
	struct way_space *space = malloc(sizeof(*space));
	struct way_ring *ring = malloc(sizeof(*ring));
	struct ring_key key, *last_ring = NULL;
	uint64_t id, *last = NULL;

	way_bpf__detach(way->bpf);
	memset(counts, 0, sizeof(*counts));
	for (; space && !bpf_map_get_next_key(spaces, last, &id); last = &id)
		if (!bpf_map_lookup_elem(spaces, &id, space))
			add_space(counts, space);
	for (; ring && !bpf_map_get_next_key(rings, last_ring, &key); last_ring = &key)
		if (!bpf_map_lookup_elem(rings, &key, ring))
			add_ring(counts, ring);
	free(space);
	free(ring);
	return way->bpf->bss->spaces_lost;
}
