// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb doctor: what may run out. Memory that the kernel home holds is charged to the memory cgroup of who made it hold it; the mappings
 * are sparse and large, so a limit on address space or strict overcommit strikes before memory is short.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "doctor.h"
#include "out.h"
#include "value.h"

#define LITTLE_MEMORY	(64ULL << 20)
#define LONG_IDLE	100000ULL	/* us; above, an idle poller is felt */
#define FEW_FILES	64u

/* The path of our cgroup in the unified hierarchy. */
static bool own_cgroup(const struct doctor *doctor, char *path, size_t bytes)
{
	const char *line = doctor_line(doctor, "/proc/self/cgroup");

	if (!line || strncmp(line, "0::", 3))
		return false;
	snprintf(path, bytes, "%s", strcmp(line + 3, "/") ? line + 3 : "");
	return true;
}

static void check_cgroup(struct doctor *doctor)
{
	uint64_t most, now = 0;
	const char *line;
	char path[384];

	if (!own_cgroup(doctor, path, sizeof(path))) {
		doctor_say(doctor, DOCTOR_OK, "memcg", NULL, "no unified cgroup here: memory is not charged to one, or to a v1 group");
		return;
	}
	line = doctor_line(doctor, "/sys/fs/cgroup%s/memory.max", path);
	if (!line || !value_u64(line, &most)) {
		doctor_say(doctor, DOCTOR_OK, "memcg", NULL, "the memory cgroup %s sets no limit", *path ? path : "/");
		return;
	}
	line = doctor_line(doctor, "/sys/fs/cgroup%s/memory.current", path);
	if (line)
		value_u64(line, &now);
	if (now + LITTLE_MEMORY > most)
		doctor_say(doctor, DOCTOR_WARN, "memcg", "raise memory.max of that cgroup (systemctl set-property UNIT MemoryMax=...)",
			   "the memory cgroup %s holds %s of at most %s: spaces will soon fail with ENOMEM", path,
			   text_bytes(now).s, text_bytes(most).s);
	else
		doctor_say(doctor, DOCTOR_OK, "memcg", NULL, "the memory cgroup %s holds %s of at most %s", path,
			   text_bytes(now).s, text_bytes(most).s);
}

static const char *limit_text(rlim_t limit, char *to, size_t bytes)
{
	if (limit == RLIM_INFINITY)
		return "unlimited";
	snprintf(to, bytes, "%s", text_bytes(limit).s);
	return to;
}

static void check_rlimits(struct doctor *doctor)
{
	struct rlimit files, space, locked;
	char text[48];

	if (getrlimit(RLIMIT_NOFILE, &files) || getrlimit(RLIMIT_AS, &space) || getrlimit(RLIMIT_MEMLOCK, &locked))
		return;
	if (files.rlim_cur < FEW_FILES)
		doctor_say(doctor, DOCTOR_WARN, "files", "ulimit -n 1024", "a process may open only %llu files; each space and ring takes one",
			   (unsigned long long)files.rlim_cur);
	else
		doctor_say(doctor, DOCTOR_OK, "files", NULL, "a process may open %llu files; each space and ring takes one",
			   (unsigned long long)files.rlim_cur);
	if (space.rlim_cur != RLIM_INFINITY)
		doctor_say(doctor, DOCTOR_WARN, "addresses", "ulimit -v unlimited, or give spaces a smaller --max-bytes",
			   "address space is limited to %s, and a space maps its --max-bytes whole",
			   limit_text(space.rlim_cur, text, sizeof(text)));
	else
		doctor_say(doctor, DOCTOR_OK, "addresses", NULL, "address space is not limited");
	doctor_say(doctor, DOCTOR_OK, "memlock", NULL, "%s; MMSB locks no memory of its clients, so this limit does not matter to it",
		   limit_text(locked.rlim_cur, text, sizeof(text)));
}

static void check_overcommit(struct doctor *doctor)
{
	const char *mode = doctor_line(doctor, "/proc/sys/vm/overcommit_memory");

	if (mode && !strcmp(mode, "2"))
		doctor_say(doctor, DOCTOR_WARN, "overcommit", "sysctl vm.overcommit_memory=0, or give spaces a smaller max_bytes",
			   "strict overcommit counts the whole of an embedded space's sparse mappings");
	else
		doctor_say(doctor, DOCTOR_OK, "overcommit", NULL, "sparse mappings cost what is used of them");
}

static void check_pollers(struct doctor *doctor)
{
	const char *line = doctor_line(doctor, "/sys/module/mmsb/parameters/poll_idle_us");
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t idle = 0;

	if (line && value_u64(line, &idle) && idle > LONG_IDLE)
		doctor_say(doctor, DOCTOR_WARN, "pollers", "echo 1000 > /sys/module/mmsb/parameters/poll_idle_us, and in modprobe.d",
			   "pollers look for %s before they sleep: an idle one costs a CPU that long",
			   text_ns(idle * 1000).s);
	else if (doctor_live(doctor) && cpus < 2)
		doctor_say(doctor, DOCTOR_WARN, "pollers", "use inline rings: mmsb space create --inline, flags 0 at mmsb_ring_open()",
			   "there is one CPU: a poller takes it from its clients");
	else if (line)
		doctor_say(doctor, DOCTOR_OK, "pollers", NULL, "%ld CPUs; pollers sleep after %s without work", cpus,
			   text_ns(idle * 1000).s);
	else
		doctor_say(doctor, DOCTOR_OK, "pollers", NULL, "%ld CPUs: there is room for a poller", cpus);
}

void doctor_limits(struct doctor *doctor)
{
	check_cgroup(doctor);
	if (doctor_live(doctor))
		check_rlimits(doctor);
	check_overcommit(doctor);
	check_pollers(doctor);
}
