// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "calls.h"

#define KNOWN	10u

static void mark(void)
{
	syscall(SYS_getppid);
}

/* Between the first two marks are calls that must be found, between the next two is the work. */
static void traced_child(void *state, void (*work)(void *state))
{
	unsigned int i;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		bench_die("tracing is not allowed here");
	raise(SIGSTOP);
	mark();
	for (i = 0; i < KNOWN; i++)
		syscall(SYS_getuid);
	mark();
	mark();
	work(state);
	mark();
	_exit(0);
}

static bool entering(pid_t child, uint64_t *number)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) < 0)
		bench_die("PTRACE_GET_SYSCALL_INFO failed");
	*number = info.entry.nr;
	return info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

static uint64_t traced_count(pid_t child)
{
	uint64_t found[3] = { 0 }, number;
	unsigned int marks = 0;
	int status;

	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && entering(child, &number)) {
			if (number == SYS_getppid)
				marks++;
			else if (marks == 1 || marks == 3)
				found[marks / 2]++;
		}
		ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
		if (ptrace(PTRACE_SYSCALL, child, NULL, NULL))
			bench_die("PTRACE_SYSCALL failed");
	}
	if (marks != 4 || found[0] != KNOWN || !WIFEXITED(status) || WEXITSTATUS(status))
		bench_die("system calls were not counted right: %u marks, %lu of %u", marks, (unsigned long)found[0], KNOWN);
	return found[1];
}

uint64_t calls_of(const struct bench_opts *bench, void *(*open)(const struct bench_opts *bench), void (*work)(void *state))
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		bench_die("no process");
	if (!child)
		traced_child(open(bench), work);
	return traced_count(child);
}
