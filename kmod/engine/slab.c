// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "slab.h"
#include "quota.h"
#include "space.h"

static const u32 class_bytes[MS_SLAB_CLASSES] = {
	64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 21824, 32768, 65536,
};

static u16 slab_class(u32 bytes)
{
	u16 class = 0;

	while (class_bytes[class] < bytes)
		class++;
	return class;
}

u32 ms_slab_slot_bytes(u32 bytes)
{
	if (bytes > PF_CHUNK)
		return (bytes + PF_CHUNK - 1) & ~(u32)(PF_CHUNK - 1);
	return class_bytes[slab_class(bytes)];
}

static size_t slab_head_bytes(const struct ms_slab *slab)
{
	return sizeof(*slab) + slab->slots * sizeof(slab->given[0]);
}

static void slab_link(struct ms_slabs *slabs, struct ms_slab *slab)
{
	struct ms_slab **head = &slabs->room[slab->class];

	slab->prev = NULL;
	slab->next = *head;
	if (*head)
		(*head)->prev = slab;
	*head = slab;
}

static void slab_unlink(struct ms_slabs *slabs, struct ms_slab *slab)
{
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		slabs->room[slab->class] = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
}

static struct ms_slab *slab_head_make(u16 class, int node)
{
	u16 slots = PF_CHUNK / class_bytes[class];
	struct ms_slab *slab = pf_alloc(sizeof(*slab) + slots * sizeof(slab->given[0]), node);

	if (slab) {
		slab->class = class;
		slab->slot_bytes = class_bytes[class];
		slab->slots = slots;
	}
	return slab;
}

/* Takes a chunk off the arena, under the space's mutex. */
static enum mmsb_reason slab_back(struct ms_space *space, struct ms_slab *slab, int node)
{
	struct ms_arena *arena = &space->arena;
	enum mmsb_reason reason;

	pf_mutex_lock(&space->mutex);
	reason = ms_quota_chunks(space, 1, &slab->chunk);
	if (!reason) {
		reason = ms_region_fill(&arena->region, slab->chunk, node);
		if (reason)
			ms_quota_chunks_back(space, slab->chunk, 1);
		else
			ms_region_slot(&arena->region, slab->chunk)->slab = slab;
	}
	pf_mutex_unlock(&space->mutex);
	return reason;
}

static enum mmsb_reason slab_refill(struct ms_space *space, struct ms_slabs *slabs, u16 class, int node)
{
	struct ms_slab *slab = slab_head_make(class, node);
	enum mmsb_reason reason;

	if (!slab)
		return MMSB_REASON_NO_MEMORY;
	reason = slab_back(space, slab, node);
	if (reason) {
		pf_free(slab);
		return reason;
	}
	pf_write(slabs->memory, slabs->memory + slab_head_bytes(slab));
	slab_link(slabs, slab);
	return MMSB_REASON_NONE;
}

enum mmsb_reason ms_slab_take(struct ms_space *space, struct ms_slabs *slabs, u32 bytes, int node, u64 *place)
{
	u16 class = slab_class(bytes), slot;
	enum mmsb_reason reason;
	struct ms_slab *slab;

	if (unlikely(!slabs->room[class])) {
		reason = slab_refill(space, slabs, class, node);
		if (reason)
			return reason;
	}
	slab = slabs->room[class];
	slot = slab->depth ? slab->given[--slab->depth] : slab->fresh++;
	if (++slab->used == slab->slots)
		slab_unlink(slabs, slab);
	*place = (slab->chunk << PF_CHUNK_SHIFT) + (u64)slot * slab->slot_bytes;
	return MMSB_REASON_NONE;
}

static void slab_release(struct ms_space *space, struct ms_slabs *slabs, struct ms_slab *slab)
{
	slab_unlink(slabs, slab);
	pf_mutex_lock(&space->mutex);
	ms_region_slot(&space->arena.region, slab->chunk)->slab = NULL;
	ms_quota_chunks_back(space, slab->chunk, 1);
	pf_mutex_unlock(&space->mutex);
	pf_write(slabs->memory, slabs->memory - slab_head_bytes(slab));
	pf_free(slab);
}

void ms_slab_give(struct ms_space *space, struct ms_slabs *slabs, u64 place)
{
	struct ms_slab *slab = ms_region_slot(&space->arena.region, place >> PF_CHUNK_SHIFT)->slab;

	slab->given[slab->depth++] = (u16)((u32)(place & (PF_CHUNK - 1)) / slab->slot_bytes);
	if (slab->used-- == slab->slots)
		slab_link(slabs, slab);
	/* One empty slab a class is kept, so that a page made and destroyed in turn does not go to the arena each time. */
	if (!slab->used && (slab->next || slab->prev))
		slab_release(space, slabs, slab);
}

void ms_slabs_forget(struct ms_space *space)
{
	struct ms_region *region = &space->arena.region;
	u64 chunk;

	for (chunk = 0; chunk < region->chunks; chunk++) {
		struct ms_slot *slot = ms_region_slot(region, chunk);

		if (!slot) {
			chunk |= MS_LEAF - 1;
			continue;
		}
		pf_free(slot->slab);
		slot->slab = NULL;
	}
}
