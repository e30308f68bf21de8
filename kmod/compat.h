/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels, and only here. Kbuild looks for each feature in the headers and says so with a
 * MMSB_HAVE_*; no version is tested, for distributions backport.
 */
#ifndef MMSB_COMPAT_H
#define MMSB_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <net/genetlink.h>

/* bc292ab00f6c ("mm: introduce vma->vm_flags wrapper functions"), Linux 6.3 */
#ifndef MMSB_HAVE_VM_FLAGS_MOD
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/* "hrtimers: Introduce hrtimer_setup_sleeper_on_stack()", Linux 6.13; the old name went later */
#ifndef MMSB_HAVE_HRTIMER_SETUP
#define hrtimer_setup_sleeper_on_stack	hrtimer_init_sleeper_on_stack
#endif

/* 21aa65bf82a7 ("mm: remove callers of pfn_t functionality"), Linux 6.17: vmf_insert_mixed() takes a plain number */
#ifdef MMSB_HAVE_PFN_T
#include <linux/pfn_t.h>
#define mmsb_pfn(pfn)	pfn_to_pfn_t(pfn)
#else
#define mmsb_pfn(pfn)	(pfn)
#endif

/* 7288dd2fd488 ("genetlink: use attrs from struct genl_info"), Linux 6.6: a dump has a struct genl_info too */
static inline struct nlattr **mmsb_dump_attrs(struct netlink_callback *cb)
{
#ifdef MMSB_HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

#endif
