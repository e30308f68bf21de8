// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb doctor: generic netlink, by which stat, limits and events look at the kernel home and change it. Looking is tried; whether one may change
 * something is told from what the process is, because nothing is changed here.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "doctor.h"
#include "nlc.h"

#define CAP_SYS_ADMIN_BIT	21

static bool keep_version(const struct nlc_row *row, void *arg)
{
	snprintf(arg, 32, "%s", nlc_text(row, MMSB_A_MODULE_VERSION));
	return true;
}

static bool has_capability(const struct doctor *doctor)
{
	unsigned long long capabilities = 0;
	char line[128], path[384];
	FILE *status;

	doctor_path(doctor, "/proc/self/status", path, sizeof(path));
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %llx", &capabilities) == 1)
			break;
	if (status)
		fclose(status);
	return capabilities >> CAP_SYS_ADMIN_BIT & 1;
}

/* A container's root is one in a user namespace of its own, where all of 32 bits is not mapped to itself. */
static bool is_administrator(const struct doctor *doctor)
{
	const char *map = doctor_line(doctor, "/proc/self/uid_map");
	unsigned long from, to, count;

	return has_capability(doctor) && map && sscanf(map, "%lu %lu %lu", &from, &to, &count) == 3 && !from && !to && count == UINT32_MAX;
}

static void check_family(struct doctor *doctor, struct nlc *nl)
{
	char version[32] = "";
	int err = nlc_ask(nl, nlc_request(nl, MMSB_CMD_MODULE_GET, false), &nlc_module, keep_version, version);

	if (err)
		doctor_say(doctor, DOCTOR_FAIL, "netlink", "install command and module from one tree, then: modprobe -r mmsb; modprobe mmsb",
			   "the family %s does not answer: %s", MMSB_GENL_NAME, nl->refusal[0] ? nl->refusal : strerror(-err));
	else if (strcmp(version, mmsb_version()))
		doctor_say(doctor, DOCTOR_WARN, "netlink", "install command and module from one tree, then: modprobe -r mmsb; modprobe mmsb",
			   "the family %s is of version %s, this command of %s", MMSB_GENL_NAME, version, mmsb_version());
	else
		doctor_say(doctor, DOCTOR_OK, "netlink", NULL, "the family %s answers, version %s; you may change %s", MMSB_GENL_NAME, version,
			   is_administrator(doctor) ? "every limit, and hear of all spaces" :
			   "your own spaces, and for more it takes CAP_SYS_ADMIN");
}

void doctor_netlink(struct doctor *doctor)
{
	struct nlc nl;
	int err = nlc_open(&nl);

	if (err == -ENOENT)
		doctor_say(doctor, DOCTOR_FAIL, "netlink", "modprobe -r mmsb; modprobe mmsb, of the version of this command",
			   "the module is loaded, and has no generic netlink family %s", MMSB_GENL_NAME);
	else if (err)
		doctor_say(doctor, DOCTOR_FAIL, "netlink", "does a sandbox forbid sockets of AF_NETLINK?", "no netlink socket can be opened: %s",
			   strerror(-err));
	if (err)
		return;
	check_family(doctor, &nl);
	nlc_close(&nl);
}
