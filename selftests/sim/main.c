// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim [--seed S] [--seeds N] [--seconds T] [-v]
 *
 * The engine in simulated parallelism: each seed is a whole history, with every interleaving, every failure and every delayed store
 * decided by it. S alone is run once; else N seeds from S (or from one that the clock gives) on, or as many as T seconds allow
 * (MMSB_SOAK, where it is set). What fails is had again with --seed; -v then tells all that happens.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/random.h"
#include "scenario.h"

static u64 running;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The stack may be what is at fault. */
static void on_crash(int signal)
{
	static char text[160];
	int n = snprintf(text, sizeof(text), "# seed %llu died of signal %d\n# again: build/selftests/sim --seed %llu -v\nnot ok 1 sim\n",
			 (unsigned long long)running, signal, (unsigned long long)running);

	fflush(stdout);
	if (write(STDOUT_FILENO, text, (size_t)n) != n)
		_exit(2);
	_exit(1);
}

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>

const char *__ubsan_default_options(void);

/* Else it ends the program without a word about the seed. */
const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

static void on_report(void)
{
	on_crash(SIGABRT);
}
#endif

static void catch(int signal)
{
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };

	sigaction(signal, &action, NULL);
}

static void catch_crashes(void)
{
	catch(SIGABRT);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_set_death_callback(on_report);
#else
	static char stack[65536];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };

	sigaltstack(&alternative, NULL);
	catch(SIGSEGV);
	catch(SIGBUS);
	catch(SIGFPE);
#endif
}

struct options {
	u64 seed, seeds;
	double seconds;
	bool has_seed, trace;
};

static int usage(void)
{
	fprintf(stderr, "usage: sim [--seed S] [--seeds N] [--seconds T] [-v]\n");
	return 2;
}

static bool options_read(struct options *options, int argc, char **argv)
{
	const char *soak = getenv("MMSB_SOAK");
	int i;

	for (i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "-v")) {
			options->trace = true;
			continue;
		}
		if (!value)
			return false;
		if (!strcmp(argv[i], "--seed")) {
			options->seed = strtoull(value, NULL, 0);
			options->has_seed = true;
		} else if (!strcmp(argv[i], "--seeds")) {
			options->seeds = strtoull(value, NULL, 0);
		} else if (!strcmp(argv[i], "--seconds")) {
			options->seconds = soak ? atof(soak) : atof(value);
		} else {
			return false;
		}
		i++;
	}
	if (!options->seeds && options->seconds <= 0)
		options->seeds = options->has_seed ? 1 : 1000;
	if (!options->has_seed)
		options->seed = rng_seed();
	return true;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	u64 done, steps = 0;
	double began = now(), took;

	if (!options_read(&options, argc, argv))
		return usage();
	catch_crashes();
	mallopt(M_TRIM_THRESHOLD, 1 << 30);	/* what one seed gives back the next one wants */
	printf("TAP version 13\n1..1\n# the first seed is %llu\n", (unsigned long long)options.seed);
	fflush(stdout);
	for (done = 0; !options.seeds || done < options.seeds; done++) {
		if (options.seconds > 0 && now() - began >= options.seconds)
			break;
		running = options.seed + done;
		scenario_run(running, options.trace);
		steps += sim_steps();
	}
	took = now() - began;
	printf("# %llu seeds, %llu steps, %llu levels shared, %.1f s: %.0f seeds a second\nok 1 sim\n", (unsigned long long)done,
	       (unsigned long long)steps, (unsigned long long)scenario_shared(), took, took > 0 ? (double)done / took : 0.0);
	return 0;
}
