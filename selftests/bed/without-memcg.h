/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before everything else: a kernel that has no memory cgroups, as far as a compiler can tell. */
#undef CONFIG_MEMCG
#undef CONFIG_MEMCG_KMEM
#undef CONFIG_MEMCG_V1
#undef CONFIG_CGROUP_WRITEBACK
