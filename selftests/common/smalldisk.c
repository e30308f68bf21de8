// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>
#include "smalldisk.h"

static void put_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

/* In a user namespace of his own. */
static int become_root(uid_t uid, gid_t gid)
{
	char map[32];

	if (unshare(CLONE_NEWUSER))
		return -errno;
	put_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %d 1\n", (int)uid);
	put_text("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %d 1\n", (int)gid);
	put_text("/proc/self/gid_map", map);
	return 0;
}

int smalldisk_mount(const char *place)
{
	int err = geteuid() ? become_root(geteuid(), getegid()) : 0;

	if (err || unshare(CLONE_NEWNS))
		return err ?: -errno;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("none", place, "tmpfs", 0, SMALLDISK_SIZE) ? -errno : 0;
}
