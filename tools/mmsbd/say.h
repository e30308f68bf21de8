/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What mmsbd says: lines on the standard error, each with its severity as journald reads it, "<4>" for a warning. On a terminal without.
 */
#ifndef SAY_H
#define SAY_H

#include <syslog.h>

void say(int severity, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
