/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kselftest's harness, with two wishes of ours: the child that runs a test ends by _exit(), past the leak check that AddressSanitizer
 * does at exit(), so it is asked for here; and 30 seconds are little on an emulated machine that shares its CPUs.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>

static inline __attribute__((noreturn)) void harness_exit(int status)
{
	if (__lsan_do_recoverable_leak_check() && !status)
		status = 1;
	_exit(status);
}

#define _exit(status) harness_exit(status)
#endif

#include "kselftest_harness.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 100

#endif
