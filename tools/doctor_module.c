// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb doctor: is the module built for this kernel, may it be loaded, is it loaded, does it match this command?
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doctor.h"
#include "value.h"

#define SECURE_BOOT	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static void check_kernel(struct doctor *doctor)
{
	const char *release = doctor_line(doctor, "/proc/sys/kernel/osrelease");
	unsigned int major, minor;

	if (!release || sscanf(release, "%u.%u", &major, &minor) != 2) {
		doctor_say(doctor, DOCTOR_WARN, "kernel", "mount /proc", "cannot tell which kernel runs: no /proc/sys/kernel");
		return;
	}
	snprintf(doctor->release, sizeof(doctor->release), "%s", release);
	if (major < 6 || (major == 6 && minor < 1))
		doctor_say(doctor, DOCTOR_FAIL, "kernel", "use the embedded home, or a kernel of 6.1 or later",
			   "Linux %s is older than the 6.1 that the module needs", doctor->release);
	else
		doctor_say(doctor, DOCTOR_OK, "kernel", NULL, "Linux %s", doctor->release);
}

/* depmod's list is what modprobe goes by; a module that it does not name cannot be loaded by its name. */
static bool listed_by_depmod(const struct doctor *doctor, char *where, size_t bytes)
{
	char path[512], line[1024], *colon, *name;
	bool found = false;
	FILE *list;

	snprintf(path, sizeof(path), "%s/lib/modules/%s/modules.dep", doctor->root, doctor->release);
	list = fopen(path, "re");
	while (list && !found && fgets(line, sizeof(line), list)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		name = strrchr(line, '/') ? strrchr(line, '/') + 1 : line;
		found = !strncmp(name, "mmsb.ko", 7);
		if (found)
			snprintf(where, bytes, "%s", line);
	}
	if (list)
		fclose(list);
	return found;
}

static void check_headers(struct doctor *doctor)
{
	char remedy[256];

	snprintf(remedy, sizeof(remedy), "apt install linux-headers-%s", doctor->release);
	if (doctor_has(doctor, "/lib/modules/%s/build/Makefile", doctor->release))
		doctor_say(doctor, DOCTOR_OK, "headers", NULL, "kernel headers are at /lib/modules/%s/build", doctor->release);
	else
		doctor_say(doctor, doctor->installed ? DOCTOR_WARN : DOCTOR_FAIL, "headers", remedy,
			   "no headers for the running kernel, so the module cannot be built for it");
}

static void check_installed(struct doctor *doctor)
{
	char where[256] = "";

	doctor->installed = listed_by_depmod(doctor, where, sizeof(where));
	if (doctor->installed)
		doctor_say(doctor, DOCTOR_OK, "installed", NULL, "/lib/modules/%s/%s", doctor->release, where);
	else
		doctor_say(doctor, doctor->loaded ? DOCTOR_WARN : DOCTOR_FAIL, "installed",
			   "in the source tree: make dkms (rebuilds it with every kernel), or make module install; then depmod",
			   "no mmsb.ko is installed for %s", doctor->release);
}

static void check_dkms(struct doctor *doctor)
{
	static const char again[] = "in the source tree: make dkms";
	char path[512], version[128] = "";
	struct dirent *entry;
	DIR *dir;

	doctor_path(doctor, "/var/lib/dkms/mmsb", path, sizeof(path));
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.' || !strncmp(entry->d_name, "kernel-", 7) || strchr(entry->d_name, '/'))
			continue;
		snprintf(version, sizeof(version), "%.127s", entry->d_name);
		if (doctor_has(doctor, "/var/lib/dkms/mmsb/%s/%s", version, doctor->release))
			break;
	}
	if (dir)
		closedir(dir);
	if (!*version)
		doctor_say(doctor, DOCTOR_WARN, "dkms", again,
			   "DKMS does not know mmsb: the next kernel update will leave it without a module");
	else if (!doctor_has(doctor, "/var/lib/dkms/mmsb/%s/%s", version, doctor->release))
		doctor_say(doctor, DOCTOR_WARN, "dkms", "install the headers, then: dkms autoinstall",
			   "DKMS knows mmsb %s, but has not built it for %s", version, doctor->release);
	else
		doctor_say(doctor, DOCTOR_OK, "dkms", NULL, "DKMS built mmsb %s for %s", version, doctor->release);
}

/* An EFI variable is four bytes of attributes, then its value. */
static bool secure_boot_on(const struct doctor *doctor)
{
	unsigned char bytes[5] = { 0 };
	char path[512];
	FILE *file;
	size_t got;

	doctor_path(doctor, SECURE_BOOT, path, sizeof(path));
	file = fopen(path, "re");
	if (!file)
		return false;
	got = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return got == sizeof(bytes) && bytes[4] == 1;
}

static bool locked_down(const struct doctor *doctor)
{
	const char *line = doctor_line(doctor, "/sys/kernel/security/lockdown");

	return line && (strstr(line, "[integrity]") || strstr(line, "[confidentiality]"));
}

static void check_signing(struct doctor *doctor)
{
	const char *enforced = doctor_line(doctor, "/sys/module/module/parameters/sig_enforce");
	bool enforces = enforced && *enforced == 'Y', locked = locked_down(doctor), secure = secure_boot_on(doctor);

	if (!secure && !locked && !enforces)
		doctor_say(doctor, DOCTOR_OK, "signing", NULL, "Secure Boot and lockdown are off: no signature is asked for");
	else if (doctor->loaded)
		doctor_say(doctor, DOCTOR_OK, "signing", NULL, "signatures are asked for, and the module was let in");
	else
		doctor_say(doctor, DOCTOR_WARN, "signing",
			   "if modprobe says \"Key was rejected by service\": mokutil --import /var/lib/dkms/mok.pub, choose a "
			   "password, reboot, choose \"Enroll MOK\" and give it; then make dkms again (mokutil --list-enrolled shows the key)",
			   "%s: only a module signed with an enrolled key can be loaded", secure ?
			   "Secure Boot is on" : locked ? "the kernel is locked down" : "the kernel enforces module signatures");
}

static void check_loaded(struct doctor *doctor)
{
	const char *version;

	if (!doctor->loaded) {
		doctor_say(doctor, DOCTOR_FAIL, "loaded", doctor->installed ? "modprobe mmsb" :
			   "build and install the module, then modprobe mmsb; until then there is the embedded home",
			   "the module is not loaded");
		return;
	}
	version = doctor_line(doctor, "/sys/module/mmsb/version");
	if (version && *version && strcmp(version, mmsb_version()))
		doctor_say(doctor, DOCTOR_WARN, "loaded", "install both from one tree, then modprobe -r mmsb; modprobe mmsb",
			   "the module is loaded, but is version %s and this command %s", version, mmsb_version());
	else
		doctor_say(doctor, DOCTOR_OK, "loaded", NULL, "the module is loaded, version %s",
			   version && *version ? version : "unknown");
}

static bool parameter(const struct doctor *doctor, const char *name, uint64_t *value)
{
	const char *line = doctor_line(doctor, "/sys/module/mmsb/parameters/%s", name);

	return line && value_u64(line, value);
}

/* False: something is set so that it cannot be meant, which was said. */
static bool parameters_make_sense(struct doctor *doctor)
{
	static const char *const limits[] = { "max_spaces", "max_user_spaces", "max_user_pages", "max_user_bytes", "max_user_rings", "max_pages", "max_bytes",
					      "max_rings" };
	uint64_t value, most;
	unsigned int i;

	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (parameter(doctor, limits[i], &value) && !value) {
			doctor_say(doctor, DOCTOR_WARN, "parameters", "raise it: mmsb limits, and in /etc/modprobe.d",
				   "%s is 0: nobody can make a space that is of any use", limits[i]);
			return false;
		}
	if (parameter(doctor, "max_user_spaces", &value) && parameter(doctor, "max_spaces", &most) && value > most) {
		doctor_say(doctor, DOCTOR_WARN, "parameters", "lower it: mmsb limits --max-user-spaces N, and in /etc/modprobe.d",
			   "max_user_spaces is above max_spaces: one user can take them all");
		return false;
	}
	if (!parameter(doctor, "audit", &value) || !value)
		return true;
	doctor_say(doctor, DOCTOR_WARN, "parameters", "echo 0 > /sys/module/mmsb/parameters/audit, unless it is wanted, as in a debug kernel",
		   "audit is %llu: of so many recomputes of derived pages one is done twice", (unsigned long long)value);
	return false;
}

static void check_parameters(struct doctor *doctor)
{
	static const char *const names[] = { "max_spaces", "max_user_spaces", "max_user_pages", "max_user_bytes", "max_user_rings", "max_pages", "max_bytes",
					     "max_rings", "poll_idle_us", "pressure_ms" };
	char all[384] = "";
	const char *value;
	unsigned int i;
	size_t used;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		value = doctor_line(doctor, "/sys/module/mmsb/parameters/%s", names[i]);
		used = strlen(all);
		if (value)
			snprintf(all + used, sizeof(all) - used, "%s%s=%s", used ? " " : "", names[i], value);
	}
	if (*all && !parameters_make_sense(doctor))
		return;
	if (*all)
		doctor_say(doctor, DOCTOR_OK, "parameters", NULL, "%s", all);
	else
		doctor_say(doctor, DOCTOR_WARN, "parameters", "mount /sys", "the module's parameters cannot be read");
}

void doctor_module(struct doctor *doctor)
{
	check_kernel(doctor);
	doctor->loaded = doctor_has(doctor, "/sys/module/mmsb");
	check_installed(doctor);
	check_headers(doctor);
	check_dkms(doctor);
	check_signing(doctor);
	check_loaded(doctor);
	if (doctor->loaded)
		check_parameters(doctor);
}
