// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time and place: clocks, memory, CPUs, and how a benchmark gives up.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

void bench_die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("mmsb-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

long bench_check(long result, const char *what)
{
	if (result < 0)
		bench_die("%s: %s: %s", what, strerror((int)-result), mmsb_strerror_last());
	return result;
}

void *bench_alloc(size_t bytes)
{
	void *ptr = aligned_alloc(64, (bytes + 63) & ~(size_t)63);

	if (!ptr)
		bench_die("no memory for %zu bytes", bytes);
	return memset(ptr, 0, bytes);
}

uint64_t bench_resident(void)
{
	unsigned long pages;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		bench_die("/proc/self/statm does not say what is resident");
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

uint64_t bench_now(void)
{
	return clock_now(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_now(void)
{
	return clock_now(CLOCK_THREAD_CPUTIME_ID);
}

/* Found once, over 20 ms: better than one in ten thousand, and far below what is measured with it. */
double bench_ns_per_tick(void)
{
	static double ratio;
	uint64_t ns, ticks;

	if (ratio != 0)
		return ratio;
	ns = bench_now();
	ticks = bench_ticks();
	while (bench_now() - ns < 20000000)
		;
	ns = bench_now() - ns;
	ticks = bench_ticks() - ticks;
	ratio = (double)ns / (double)ticks;
	return ratio;
}

static cpu_set_t *cpu_set(void)
{
	static cpu_set_t set;
	static bool known;

	if (!known && sched_getaffinity(0, sizeof(set), &set))
		bench_die("sched_getaffinity failed");
	known = true;
	return &set;
}

unsigned int bench_cpus(void)
{
	return (unsigned int)CPU_COUNT(cpu_set());
}

static cpu_set_t nth_cpu(unsigned int nth)
{
	cpu_set_t one;
	int cpu = 0;

	while (!CPU_ISSET(cpu, cpu_set()) || nth--)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return one;
}

void bench_place(bool last)
{
	cpu_set_t one = nth_cpu(last ? bench_cpus() - 1 : 0);

	if (sched_setaffinity(0, sizeof(one), &one))
		bench_die("sched_setaffinity failed");
}

void bench_place_anywhere(void)
{
	if (sched_setaffinity(0, sizeof(cpu_set_t), cpu_set()))
		bench_die("sched_setaffinity failed");
}

pthread_t bench_thread_at(unsigned int nth, void *(*run)(void *arg), void *arg)
{
	cpu_set_t one = nth_cpu(nth);
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	if (pthread_attr_setaffinity_np(&attr, sizeof(one), &one) || pthread_create(&thread, &attr, run, arg))
		bench_die("no thread");
	pthread_attr_destroy(&attr);
	return thread;
}

pthread_t bench_thread(void *(*run)(void *arg), void *arg)
{
	return bench_thread_at(bench_cpus() - 1, run, arg);
}
