// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <sys/mount.h>
#include "inject.h"
#include "starve.h"

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int ret = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;

	close(fd);
	return ret;
}

/* By default the kernel spares allocations that may wait, and tells a long story of each that it does not. User memory stays spared. */
static int let_all_fail(void)
{
#define DEBUG "/sys/kernel/debug/"
	mount("debugfs", DEBUG, "debugfs", 0, NULL);
	return put(DEBUG "failslab/ignore-gfp-wait", "N") | put(DEBUG "failslab/verbose", "0") |
	       put(DEBUG "fail_page_alloc/ignore-gfp-wait", "N") | put(DEBUG "fail_page_alloc/min-order", "0") |
	       put(DEBUG "fail_page_alloc/verbose", "0") | put(DEBUG "fail_usercopy/verbose", "0");
#undef DEBUG
}

bool starve_open(struct starve *starve)
{
	starve->fail_nth = -1;
	if (!home_is_kernel())
		return true;
	starve->fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	return starve->fail_nth >= 0 && !let_all_fail();
}

void starve_close(struct starve *starve)
{
	close(starve->fail_nth);
	starve->fail_nth = -1;
}

void starve_arm(const struct starve *starve, unsigned int nth)
{
	char text[16];
	int len;

	if (starve->fail_nth < 0) {
		pf_inject_thread(nth);
		return;
	}
	len = snprintf(text, sizeof(text), "%u", nth);
	/* What was armed before may strike this very call, and is spent then. */
	if (pwrite(starve->fail_nth, text, len, 0) != len && pwrite(starve->fail_nth, text, len, 0) != len)
		abort();
}

bool starve_disarm(const struct starve *starve, unsigned int nth)
{
	char text[16] = {};
	bool came;

	if (starve->fail_nth < 0) {
		came = pf_inject_seen_thread() >= nth;
		pf_inject_thread(0);
		return came;
	}
	/* If it strikes the asking, it had not come before. */
	if (pread(starve->fail_nth, text, sizeof(text) - 1, 0) <= 0)
		return false;
	starve_arm(starve, 0);
	return atoi(text) == 0;
}
