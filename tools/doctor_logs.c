// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb doctor: logs. Does mmsbd run, has every space that has a log a writer, is any of them in trouble, and is there room where they are
 * written?
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>
#include <mmsb/logging.h>
#include "control.h"
#include "doctor.h"
#include "out.h"

#define CONFIG		"/etc/mmsbd.conf"
#define LITTLE_ROOM	(256ULL << 20)	/* some segments */

struct daemon {
	struct doctor *doctor;
	unsigned int spaces;
};

static void check_room(struct doctor *doctor, const char *space, const char *dir)
{
	struct statvfs room;
	uint64_t left;

	if (statvfs(dir, &room))
		return;
	left = (uint64_t)room.f_bavail * room.f_frsize;
	if (left < LITTLE_ROOM)
		doctor_say(doctor, DOCTOR_WARN, "room", "make room there, or let fewer checkpoints be kept",
			   "there is only %s left at %s: when nothing is, the rings of '%s' stand still", text_bytes(left).s, dir, space);
	else
		doctor_say(doctor, DOCTOR_OK, "room", NULL, "%s left at %s", text_bytes(left).s, dir);
}

static void check_kept(void *arg, char **words, unsigned int n)
{
	struct daemon *daemon = arg;

	if (n < CONTROL_WORDS)
		return;
	daemon->spaces++;
	check_room(daemon->doctor, words[CONTROL_SPACE], words[CONTROL_DIR]);
	if (strcmp(words[CONTROL_STATE], "writing"))
		doctor_say(daemon->doctor, DOCTOR_WARN, "log", "see journalctl -u mmsbd, and mmsbd(8)", "mmsbd and space '%s': %s%s%s",
			   words[CONTROL_SPACE], words[CONTROL_STATE], *words[CONTROL_WHY] ? ": " : "", words[CONTROL_WHY]);
}

static void check_daemon(struct doctor *doctor)
{
	struct daemon daemon = { .doctor = doctor };
	struct control_answer answer = { .line = check_kept, .arg = &daemon };
	int result = control_ask(CONTROL_SOCKET, "status", &answer);

	if (!result)
		doctor_say(doctor, DOCTOR_OK, "mmsbd", NULL, "it runs, and sees to the logs of %u space%s", daemon.spaces, daemon.spaces == 1 ? "" : "s");
	else if (result == -EACCES)
		doctor_say(doctor, DOCTOR_OK, "mmsbd", NULL, "it runs, and speaks to root and group mmsb only");
	else if (doctor_has(doctor, CONFIG))
		doctor_say(doctor, DOCTOR_WARN, "mmsbd", "systemctl enable --now mmsbd; if it ended, see journalctl -u mmsbd",
			   "there is a " CONFIG ", but mmsbd does not run");
	else
		doctor_say(doctor, DOCTOR_OK, "mmsbd", NULL, "it does not run, and there is no " CONFIG " for it: spaces are in memory only");
}

static void check_space(struct doctor *doctor, const char *name, const struct mmsb_durability_args *now)
{
	if (!(now->log_id[0] | now->log_id[1]))
		return;
	if (now->failed)
		doctor_say(doctor, DOCTOR_FAIL, "log", "see to its disk, then mmsb durability SPACE memory, and begin another log",
			   "the log of space '%s' failed behind tick %" PRIu64 ": the space refuses deltas", name, (uint64_t)now->durable);
	else if (!now->writer)
		doctor_say(doctor, DOCTOR_WARN, "log", "systemctl start mmsbd, or mmsb log write SPACE DIR; or end the log: mmsb durability SPACE memory",
			   "space '%s' has a log and no writer: %s wait in memory, and at %s its rings stand still", name,
			   text_bytes(now->waiting).s, text_bytes(now->limit).s);
	else
		doctor_say(doctor, DOCTOR_OK, "log", NULL, "the log of space '%s' is written, tick %" PRIu64 " of %" PRIu64 " is on disk", name,
			   (uint64_t)now->durable, (uint64_t)now->tick);
}

static void check_spaces(struct doctor *doctor)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_durability_args now;
	struct mmsb_space *space;
	struct mmsb *mmsb;
	uint64_t cursor = 0;

	if (mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "kernel", .device = doctor->cli->device)))
		return;
	while (!mmsb_space_next(mmsb, &cursor, &info)) {
		now = (struct mmsb_durability_args){ 0 };
		if (mmsb_space_open(mmsb, info.name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY), &space))
			continue;
		if (!mmsb_durability(space, &now))
			check_space(doctor, info.name, &now);
		mmsb_space_close(space);
	}
	mmsb_close(mmsb);
}

void doctor_logs(struct doctor *doctor)
{
	check_daemon(doctor);
	check_spaces(doctor);
}
