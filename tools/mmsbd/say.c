// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "say.h"

/* One write a line, for several threads speak. */
void say(int severity, const char *format, ...)
{
	char line[1024];
	va_list list;
	size_t used = 0;

	if (!isatty(STDERR_FILENO))
		used = (size_t)snprintf(line, sizeof(line), "<%d>", severity);
	va_start(list, format);
	vsnprintf(line + used, sizeof(line) - 1 - used, format, list);
	va_end(list);
	strcat(line, "\n");
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return;
}
