// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb doctor: the device node, its group, and whether what answers behind it speaks our ABI.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "doctor.h"

#define GROUP	"mmsb"

/* The group of that name as the system knows it, or as the looked-at tree's /etc/group has it. */
static struct group *find_group(const struct doctor *doctor)
{
	struct group *group;
	char path[512];
	FILE *file;

	if (doctor_live(doctor))
		return getgrnam(GROUP);
	doctor_path(doctor, "/etc/group", path, sizeof(path));
	file = fopen(path, "re");
	do
		group = file ? fgetgrent(file) : NULL;
	while (group && strcmp(group->gr_name, GROUP));
	if (file)
		fclose(file);
	return group;
}

static bool in_group(gid_t gid)
{
	gid_t groups[1024];
	int n = getgroups(1024, groups);

	while (n-- > 0)
		if (groups[n] == gid)
			return true;
	return getegid() == gid;
}

static void check_group(struct doctor *doctor, const struct group *group)
{
	const char *me = getlogin() ?: getenv("USER");
	char remedy[160];

	if (!group) {
		doctor_say(doctor, DOCTOR_WARN, "group", "make install ships a sysusers file; or: groupadd --system mmsb",
			   "there is no group mmsb, so only root can use the device");
		return;
	}
	snprintf(remedy, sizeof(remedy), "usermod -aG mmsb %s, then log in again", me ?: "YOU");
	if (!doctor_live(doctor))
		doctor_say(doctor, DOCTOR_OK, "group", NULL, "group mmsb is there (%u)", group->gr_gid);
	else if (!geteuid())
		doctor_say(doctor, DOCTOR_OK, "group", NULL, "group mmsb is there; you are root and need no group");
	else if (in_group(group->gr_gid))
		doctor_say(doctor, DOCTOR_OK, "group", NULL, "you are in group mmsb");
	else
		doctor_say(doctor, DOCTOR_WARN, "group", remedy, "you are not in group mmsb");
}

static void check_node(struct doctor *doctor, const char *path, const struct group *group)
{
	static const char udev[] = "make install ships the udev rule; then: udevadm control --reload; udevadm trigger /dev/mmsb";
	struct stat st;
	unsigned int mode;

	if (!doctor_stat(doctor, path, &st)) {
		doctor_say(doctor, DOCTOR_FAIL, "device", doctor->loaded ? "is /dev a devtmpfs? in a container, pass the device in" :
			   "modprobe mmsb makes it", "%s is not there", path);
		return;
	}
	mode = st.st_mode & 07777;
	if (!S_ISCHR(st.st_mode) && doctor_live(doctor))
		doctor_say(doctor, DOCTOR_FAIL, "device", "remove it, then: modprobe -r mmsb; modprobe mmsb",
			   "%s is no character device", path);
	else if (mode & 07)
		doctor_say(doctor, DOCTOR_WARN, "device", udev, "%s has mode %04o: anybody may open it", path, mode);
	else if (group && (st.st_gid != group->gr_gid || (mode & 060) != 060))
		doctor_say(doctor, DOCTOR_WARN, "device", udev, "%s has mode %04o and group %u, which lets group mmsb out", path,
			   mode, st.st_gid);
	else
		doctor_say(doctor, DOCTOR_OK, "device", NULL, "%s, mode %04o, group %u", path, mode, st.st_gid);
}

static void check_answer(struct doctor *doctor)
{
	struct mmsb_info_args info = { .size = sizeof(info) };
	struct mmsb *mmsb;
	int err;

	err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "kernel", .device = doctor->cli->device));
	if (err) {
		doctor_say(doctor, DOCTOR_FAIL, "answer", err == -EACCES || err == -EPERM ? "see the lines on device and group" : NULL,
			   "the device cannot be opened: %s", mmsb_strerror_last());
		return;
	}
	err = mmsb_info(mmsb, &info);
	mmsb_close(mmsb);
	doctor->answers = !err && info.abi == MMSB_ABI_VERSION;
	if (err)
		doctor_say(doctor, DOCTOR_FAIL, "answer", NULL, "the device does not answer: %s", mmsb_strerror_last());
	else if (info.abi != MMSB_ABI_VERSION)
		doctor_say(doctor, DOCTOR_FAIL, "answer", "install both from one tree, then modprobe -r mmsb; modprobe mmsb",
			   "the module speaks ABI %u, this command %d", info.abi, MMSB_ABI_VERSION);
	else if (info.spaces >= info.max_spaces)
		doctor_say(doctor, DOCTOR_WARN, "answer", "mmsb space rm some, or raise the module parameter max_spaces",
			   "all %u spaces that may be are there", info.max_spaces);
	else
		doctor_say(doctor, DOCTOR_OK, "answer", NULL, "ABI %u; %u of at most %u spaces in this network namespace", info.abi,
			   info.spaces, info.max_spaces);
}

void doctor_device(struct doctor *doctor)
{
	const char *path = doctor->cli->device ?: "/dev/mmsb";
	struct group *group = find_group(doctor);
	bool there = doctor_stat(doctor, path, NULL);

	check_group(doctor, group);
	check_node(doctor, path, group);
	if (there && doctor_live(doctor))
		check_answer(doctor);
}
