// SPDX-License-Identifier: GPL-2.0-only
/*
 * What clients map. Rings and the space page are there in full and are inserted at mmap time. The directory and the arena are
 * sparse: they fill on fault, a chunk at a time.
 *
 * A fault takes the region's lock, looks the chunk up, and inserts its pages, or, where the engine has none, the kernel's
 * page of zeros: looking costs the owner of a space nothing. When a chunk appears or goes, the engine first changes
 * its table and then calls pf_chunk_shown() or pf_chunk_drop(), which take the same lock and unmap the range from all readers,
 * so whoever faulted before is made to look again and whoever faults later finds the new state.
 *
 * Lock order: mmap_lock -> region lock -> page tables; engine locks -> region lock -> i_mmap. Faults take no engine lock.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include "compat.h"
#include "mapping.h"
#include "space.h"

#define CHUNK_PAGES	(PF_CHUNK >> PAGE_SHIFT)

/* The part of a chunk that the mapping covers: addr is where it begins, page which of the chunk's pages lies there. */
struct window {
	unsigned long addr;
	unsigned long page;
	unsigned long nr;
};

static struct window window_of(const struct vm_fault *vmf)
{
	const struct vm_area_struct *vma = vmf->vma;
	unsigned long into = vmf->pgoff % CHUNK_PAGES;
	unsigned long before = min(into, vmf->pgoff - vma->vm_pgoff);
	struct window window = {
		.addr = (vmf->address & PAGE_MASK) - (before << PAGE_SHIFT),
		.page = into - before,
	};

	window.nr = min(CHUNK_PAGES - window.page, (vma->vm_end - window.addr) >> PAGE_SHIFT);
	return window;
}

static struct page *chunk_page(void *chunk, unsigned long number)
{
	if (is_vmalloc_addr(chunk))
		return vmalloc_to_page(chunk + (number << PAGE_SHIFT));
	return virt_to_page(chunk) + number;
}

/* A page that is there already is as good as one inserted now: -EBUSY says no more than that. */
static vm_fault_t insert_chunk(struct vm_area_struct *vma, const struct window *window, void *chunk)
{
	unsigned long i;
	int err;

	for (i = 0; i < window->nr; i++) {
		err = vm_insert_page(vma, window->addr + (i << PAGE_SHIFT), chunk_page(chunk, window->page + i));
		if (err && err != -EBUSY)
			return vmf_error(err);
	}
	return VM_FAULT_NOPAGE;
}

static vm_fault_t insert_zeros(struct vm_area_struct *vma, const struct window *window)
{
	vm_fault_t fault = VM_FAULT_NOPAGE;
	unsigned long i, addr;

	for (i = 0; i < window->nr && fault == VM_FAULT_NOPAGE; i++) {
		addr = window->addr + (i << PAGE_SHIFT);
		fault = vmf_insert_mixed(vma, addr, mmsb_pfn(my_zero_pfn(addr)));
	}
	return fault;
}

static vm_fault_t region_fault(struct vm_fault *vmf, struct ms_region *region)
{
	struct pf_region *home = ms_region_home(region);
	u64 offset = ((u64)vmf->pgoff << PAGE_SHIFT) - home->base;
	struct window window = window_of(vmf);
	vm_fault_t fault;
	void *chunk;

	if (offset >= ms_region_bytes(region))
		return VM_FAULT_SIGBUS;
	mutex_lock(&home->lock);
	chunk = ms_region_chunk(region, offset >> PF_CHUNK_SHIFT);
	fault = chunk ? insert_chunk(vmf->vma, &window, chunk) : insert_zeros(vmf->vma, &window);
	mutex_unlock(&home->lock);
	return fault;
}

static vm_fault_t directory_fault(struct vm_fault *vmf)
{
	struct mmsb_space *space = vmf->vma->vm_private_data;

	return region_fault(vmf, ms_space_directory(space->engine));
}

static const struct vm_operations_struct directory_vm_ops = {
	.fault = directory_fault,
};

static vm_fault_t arena_fault(struct vm_fault *vmf)
{
	struct mmsb_space *space = vmf->vma->vm_private_data;

	return region_fault(vmf, ms_space_arena(space->engine));
}

static const struct vm_operations_struct arena_vm_ops = {
	.fault = arena_fault,
};

/* Shared only: a private mapping would go on showing what its reader once wrote over. */
static int check_shared(const struct vm_area_struct *vma, bool writable)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (!writable && (vma->vm_flags & VM_WRITE))
		return -EACCES;
	return 0;
}

static void set_flags(struct vm_area_struct *vma, bool writable)
{
	vm_flags_mod(vma, VM_MIXEDMAP | VM_DONTEXPAND | VM_DONTDUMP, writable ? 0 : VM_MAYWRITE);
}

static int map_region(struct mmsb_space *space, struct ms_region *region, struct vm_area_struct *vma,
		      const struct vm_operations_struct *ops)
{
	u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) - ms_region_home(region)->base;
	u64 bytes = ms_region_bytes(region);
	int err = check_shared(vma, false);

	if (err)
		return err;
	if (offset > bytes || vma->vm_end - vma->vm_start > bytes - offset)
		return -EINVAL;
	set_flags(vma, false);
	vma->vm_private_data = space;
	vma->vm_ops = ops;
	return 0;
}

static int map_shared(const struct pf_shared *shared, struct vm_area_struct *vma, bool writable)
{
	unsigned long nr = vma_pages(vma);
	int err = check_shared(vma, writable);

	if (err)
		return err;
	if (nr > shared->nr_pages)
		return -EINVAL;
	set_flags(vma, writable);
	return vm_insert_pages(vma, vma->vm_start, shared->pages, &nr);
}

int mmsb_mapping_space(struct mmsb_space *space, struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;

	if (offset >= MMSB_MAP_ARENA)
		return map_region(space, ms_space_arena(space->engine), vma, &arena_vm_ops);
	if (offset == MMSB_MAP_SPACE)
		return map_shared(ms_space_page(space->engine), vma, false);
	return map_region(space, ms_space_directory(space->engine), vma, &directory_vm_ops);
}

int mmsb_mapping_ring(struct ms_ring *ring, struct vm_area_struct *vma)
{
	switch ((u64)vma->vm_pgoff << PAGE_SHIFT) {
	case MMSB_MAP_RING_ENGINE:
		return map_shared(ms_ring_engine_area(ring), vma, false);
	case MMSB_MAP_RING_CLIENT:
		return map_shared(ms_ring_client_area(ring), vma, true);
	default:
		return -EINVAL;
	}
}

int mmsb_mapping_events(struct ms_events *events, struct vm_area_struct *vma)
{
	switch ((u64)vma->vm_pgoff << PAGE_SHIFT) {
	case MMSB_MAP_EVENTS_ENGINE:
		return map_shared(ms_events_engine_area(events), vma, false);
	case MMSB_MAP_EVENTS_CLIENT:
		return map_shared(ms_events_client_area(events), vma, true);
	default:
		return -EINVAL;
	}
}
