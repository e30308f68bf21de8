// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "folder.h"

static void __attribute__((noreturn)) give_up(const char *what)
{
	perror(what);
	exit(1);
}

void folder_make(char folder[FOLDER_MAX])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, FOLDER_MAX, "%s/mmsb-log.XXXXXX", tmp && strlen(tmp) < FOLDER_MAX / 2 ? tmp : "/tmp");
	if (!mkdtemp(folder))
		give_up(folder);
}

static bool ends_like(const char *name, const char *ending)
{
	size_t n = strlen(name), m = strlen(ending);

	return name[0] != '.' && n >= m && !strcmp(name + n - m, ending);
}

/* The next name, in the order of the directory; "" ends. */
static void each(const char *folder, void (*call)(const char *folder, const char *name, void *arg), void *arg)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		give_up(folder);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			call(folder, entry->d_name, arg);
	closedir(dir);
}

static void remove_one(const char *folder, const char *name, void *arg)
{
	char path[2 * FOLDER_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

void folder_empty(const char *folder)
{
	each(folder, remove_one, NULL);
}

void folder_remove(const char *folder)
{
	folder_empty(folder);
	rmdir(folder);
}

static void copy_bytes(int from, int to)
{
	static char buffer[1 << 16];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)n) != n)
			give_up("copying");
}

static void copy_one(const char *folder, const char *name, void *arg)
{
	char path[2 * FOLDER_MAX];
	int from, to;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	from = open(path, O_RDONLY);
	if (from < 0)
		return;	/* gone meanwhile */
	snprintf(path, sizeof(path), "%s/%s", (char *)arg, name);
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (to < 0)
		give_up(path);
	copy_bytes(from, to);
	close(from);
	close(to);
}

void folder_copy(const char *from, char to[FOLDER_MAX])
{
	folder_make(to);
	each(from, copy_one, to);
}

struct counting {
	const char *ending;
	char last[FOLDER_MAX];
	unsigned int n;
};

static void count_one(const char *folder, const char *name, void *arg)
{
	struct counting *counting = arg;

	if (!ends_like(name, counting->ending))
		return;
	counting->n++;
	if (strcmp(name, counting->last) > 0)
		snprintf(counting->last, sizeof(counting->last), "%s", name);
}

unsigned int folder_count(const char *folder, const char *ending, char name[FOLDER_MAX])
{
	struct counting counting = { .ending = ending };

	each(folder, count_one, &counting);
	if (name)
		snprintf(name, FOLDER_MAX, "%.120s/%.120s", folder, counting.last);
	return counting.n;
}

void folder_cut(const char *path, uint64_t bytes)
{
	struct stat stat;

	if (lstat(path, &stat) || truncate(path, stat.st_size - (off_t)bytes))
		give_up(path);
}

void folder_flip(const char *path, uint64_t before_end)
{
	int fd = open(path, O_RDWR);
	off_t at = lseek(fd, 0, SEEK_END);
	char byte = 0;

	if (fd < 0)
		give_up(path);
	while (at && !byte)
		if (pread(fd, &byte, 1, --at) != 1)
			give_up(path);
	at -= (off_t)before_end;
	if (pread(fd, &byte, 1, at) != 1)
		give_up(path);
	byte ^= 4;
	if (pwrite(fd, &byte, 1, at) != 1)
		give_up(path);
	close(fd);
}
