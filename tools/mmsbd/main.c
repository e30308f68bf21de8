// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsbd: writes the logs of spaces of the kernel home.
 *
 * The main thread takes signals and questions, and looks after one keeper a space. It can be killed at any moment: the spaces stay, with what was not
 * on disk yet, and its successor goes on where it was.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "../control.h"
#include "conf.h"
#include "keeper.h"
#include "notify.h"
#include "say.h"
#include "server.h"

#define CONFIG		"/etc/mmsbd.conf"
#define TURN_MS		500
#define USAGE		2

struct mmsbd {
	const char *config, *device, *socket;
	struct keeper **keeper;
	unsigned int n;
	int signals, server;
	bool stop, ready;
	uint64_t watchdog, watchdog_due;
	char status[128];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* --------------------------------------------------------------------------------------------------------- keepers */

static void add_keeper(struct mmsbd *mmsbd, struct conf_space *conf)
{
	struct keeper **more = reallocarray(mmsbd->keeper, mmsbd->n + 1, sizeof(*more));

	if (!more) {
		say(LOG_ERR, "space '%s': out of memory", conf->name);
		conf_space_free(conf);
		return;
	}
	mmsbd->keeper = more;
	mmsbd->keeper[mmsbd->n] = keeper_start(conf, mmsbd->device);
	mmsbd->n += mmsbd->keeper[mmsbd->n] != NULL;
}

static void start_all(struct mmsbd *mmsbd, struct conf *conf)
{
	struct conf_space *space;

	while ((space = conf->spaces)) {
		conf->spaces = space->next;
		space->next = NULL;
		add_keeper(mmsbd, space);
	}
}

static void stop_all(struct mmsbd *mmsbd)
{
	unsigned int i;

	for (i = 0; i < mmsbd->n; i++)
		keeper_ask_stop(mmsbd->keeper[i]);
	for (i = 0; i < mmsbd->n; i++)
		keeper_join(mmsbd->keeper[i]);
	mmsbd->n = 0;
}

/* Takes out of the configuration what is kept already, in the same way and without trouble. */
static bool goes_on(struct keeper *keeper, struct conf *conf)
{
	struct conf_space **at = &conf->spaces, *same;

	while (*at && !keeper_is_as(keeper, *at))
		at = &(*at)->next;
	if (!*at || keeper_state(keeper) == KEEPER_FAILED)
		return false;
	same = *at;
	*at = same->next;
	conf_space_free(same);
	return true;
}

static void reload(struct mmsbd *mmsbd)
{
	unsigned int i, kept = 0;
	struct conf conf;

	notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_ns() / 1000);
	if (!conf_read(&conf, mmsbd->config)) {
		say(LOG_ERR, "%s is wrong: all goes on as before", mmsbd->config);
	} else {
		for (i = 0; i < mmsbd->n; i++) {
			if (goes_on(mmsbd->keeper[i], &conf))
				mmsbd->keeper[kept++] = mmsbd->keeper[i];
			else
				keeper_join(mmsbd->keeper[i]);
		}
		mmsbd->n = kept;
		start_all(mmsbd, &conf);
		say(LOG_NOTICE, "%s was read again: %u space%s", mmsbd->config, mmsbd->n, mmsbd->n == 1 ? "" : "s");
	}
	conf_free(&conf);
	notify("READY=1");
}

/* -------------------------------------------------------------------------------------------------------- questions */

static struct keeper *find_keeper(const struct mmsbd *mmsbd, const char *name)
{
	unsigned int i;

	for (i = 0; i < mmsbd->n; i++)
		if (!strcmp(keeper_name(mmsbd->keeper[i]), name))
			return mmsbd->keeper[i];
	return NULL;
}

static void answer(struct mmsbd *mmsbd, FILE *to, const char *question)
{
	struct keeper *keeper = NULL;
	unsigned int i;

	if (!strncmp(question, "checkpoint ", 11)) {
		keeper = find_keeper(mmsbd, question + 11);
		if (keeper) {
			keeper_checkpoint(keeper, to);
			return;
		}
		fprintf(to, "error\tit writes no log of a space '%s'\n", question + 11);
	} else if (!strcmp(question, "status")) {
		for (i = 0; i < mmsbd->n; i++)
			keeper_status(mmsbd->keeper[i], to);
		fprintf(to, "ok\n");
	} else {
		fprintf(to, "error\tit does not know what '%s' means\n", question);
	}
	fclose(to);
}

static void take_question(struct mmsbd *mmsbd)
{
	char line[CONTROL_LINE];
	FILE *to = server_take(mmsbd->server, line, sizeof(line));

	if (to)
		answer(mmsbd, to, line);
}

static void take_signal(struct mmsbd *mmsbd)
{
	struct signalfd_siginfo info;

	if (read(mmsbd->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		reload(mmsbd);
	else
		mmsbd->stop = true;
}

/* ------------------------------------------------------------------------------------------------------------- turns */

/* Ready is who has tried with each of its spaces; one that cannot be had is no reason for others to wait. */
static void tell_manager(struct mmsbd *mmsbd)
{
	unsigned int count[KEEPER_STOPPED + 1] = { 0 }, i;
	char status[128];

	for (i = 0; i < mmsbd->n; i++)
		count[keeper_state(mmsbd->keeper[i])]++;
	if (!mmsbd->ready && !count[KEEPER_STARTING] && !count[KEEPER_RESTORING]) {
		mmsbd->ready = true;
		notify("READY=1");
	} else if (!mmsbd->ready) {
		notify("EXTEND_TIMEOUT_USEC=30000000");
	}
	snprintf(status, sizeof(status), "%u written, %u being restored, %u waiting for room, %u in trouble", count[KEEPER_WRITING],
		 count[KEEPER_STARTING] + count[KEEPER_RESTORING], count[KEEPER_FULL], count[KEEPER_WAITING] + count[KEEPER_FAILED]);
	if (strcmp(status, mmsbd->status))
		notify("STATUS=%s", status);
	strcpy(mmsbd->status, status);
}

static void turn(struct mmsbd *mmsbd)
{
	struct pollfd fds[] = { { .fd = mmsbd->signals, .events = POLLIN }, { .fd = mmsbd->server, .events = POLLIN } };
	int timeout = mmsbd->watchdog && mmsbd->watchdog / 1000000 < TURN_MS ? (int)(mmsbd->watchdog / 1000000) : TURN_MS;

	if (poll(fds, 2, timeout) > 0) {
		if (fds[0].revents)
			take_signal(mmsbd);
		if (fds[1].revents)
			take_question(mmsbd);
	}
	tell_manager(mmsbd);
	if (mmsbd->watchdog && now_ns() >= mmsbd->watchdog_due) {
		notify("WATCHDOG=1");
		mmsbd->watchdog_due = now_ns() + mmsbd->watchdog / 2;
	}
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(struct mmsbd *mmsbd)
{
	struct conf conf;

	if (!conf_read(&conf, mmsbd->config)) {
		conf_free(&conf);
		return EXIT_FAILURE;
	}
	mmsbd->server = server_open(mmsbd->socket);
	if (mmsbd->server < 0) {
		conf_free(&conf);
		return EXIT_FAILURE;
	}
	mmsbd->signals = open_signals();
	mmsbd->watchdog = notify_watchdog_ns();
	say(LOG_NOTICE, "mmsbd %s: %u space%s in %s", mmsb_version(), conf.n, conf.n == 1 ? "" : "s", mmsbd->config);
	start_all(mmsbd, &conf);
	while (!mmsbd->stop)
		turn(mmsbd);
	notify("STOPPING=1");
	say(LOG_NOTICE, "stopping");
	stop_all(mmsbd);
	server_close(mmsbd->server, mmsbd->socket);
	free(mmsbd->keeper);
	return EXIT_SUCCESS;
}

static int check(const char *path)
{
	const struct conf_space *space;
	struct conf conf;
	bool ok = conf_read(&conf, path);

	for (space = conf.spaces; ok && space; space = space->next)
		printf("space '%s': %s, to %s\n", space->name, space->log.mode == MMSB_STRICT ? "strict" : "buffered", space->dir);
	if (ok && !conf.n)
		printf("no space at all\n");
	conf_free(&conf);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(FILE *to)
{
	fprintf(to, "mmsbd writes the logs of spaces of the kernel home, as " CONFIG " says.\n\n"
		"  mmsbd [OPTIONS]\n\n"
		"  --config FILE   read that file instead\n"
		"  --check         only check the file, and say what is wrong with it\n"
		"  --socket PATH   listen there, not at " CONTROL_SOCKET "\n"
		"  --device PATH   the device node, if not /dev/mmsb\n"
		"  --home HOME     kernel, which is the only one that it can serve\n"
		"  --foreground    do not go into the background, which it never does\n"
		"  --version, --help\n");
	return to == stdout ? EXIT_SUCCESS : USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "check", no_argument, NULL, 'k' }, { "socket", required_argument, NULL, 's' },
		{ "device", required_argument, NULL, 'd' }, { "home", required_argument, NULL, 'H' }, { "foreground", no_argument, NULL, 'f' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct mmsbd mmsbd = { .config = CONFIG, .socket = CONTROL_SOCKET };
	const char *home = getenv("MMSB_HOME");
	bool only_check = false;
	int option;

	home = home && *home ? home : "kernel";
	while ((option = getopt_long(argc, argv, "hV", options, NULL)) >= 0) {
		switch (option) {
		case 'c':
			mmsbd.config = optarg;
			break;
		case 'k':
			only_check = true;
			break;
		case 's':
			mmsbd.socket = optarg;
			break;
		case 'd':
			mmsbd.device = optarg;
			break;
		case 'H':
			home = optarg;
			break;
		case 'f':
			break;
		case 'V':
			printf("mmsbd %s\n", mmsb_version());
			return EXIT_SUCCESS;
		case 'h':
			return usage(stdout);
		default:
			return usage(stderr);
		}
	}
	if (optind < argc)
		return usage(stderr);
	if (only_check)
		return check(mmsbd.config);
	if (!strcmp(home, "embedded")) {
		fprintf(stderr, "mmsbd: an embedded space lives in its own process, which writes its log itself (mmsb_log_open(), mmsb log write)\n");
		return EXIT_FAILURE;
	}
	return run(&mmsbd);
}
