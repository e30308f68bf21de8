// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "../value.h"
#include "notify.h"

static void send_to(const char *path, const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t bytes;
	int fd;

	if ((*path != '/' && *path != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	strcpy(address.sun_path, path);
	bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	/* The abstract namespace, whose names begin with a NUL. */
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, bytes);
	close(fd);
}

void notify(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	char text[512];
	va_list list;

	if (!path || !*path)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	send_to(path, text);
}

uint64_t notify_watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t us, us_of;

	if (!usec || !value_u64(usec, &us))
		return 0;
	if (pid && (!value_u64(pid, &us_of) || us_of != (uint64_t)getpid()))
		return 0;
	return us * 1000 / 2;
}
