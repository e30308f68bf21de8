// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "say.h"
#include "server.h"

static bool name_socket(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address->sun_path))
		return false;
	strcpy(address->sun_path, path);
	return true;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool listens = fd >= 0 && !connect(fd, (const struct sockaddr *)address, sizeof(*address));

	if (fd >= 0)
		close(fd);
	return listens;
}

static void make_parent(const char *path)
{
	char parent[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return;
	*slash = '\0';
	mkdir(parent, 0755);
}

/* Nobody may get in between bind and chmod. */
static int bind_closed(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0177);
	int err = bind(fd, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;

	umask(before);
	return err;
}

static void open_to_group(const char *path)
{
	struct group *group = getgrnam("mmsb");

	if (group && !chown(path, (uid_t)-1, group->gr_gid) && !chmod(path, 0660))
		return;
	if (group)
		say(LOG_WARNING, "group mmsb cannot be let in at %s: %s", path, strerror(errno));
}

int server_open(const char *path)
{
	struct sockaddr_un address;
	int fd = -1, err = ENAMETOOLONG;

	if (!name_socket(&address, path))
		goto failed;
	if (somebody_listens(&address)) {
		say(LOG_ERR, "another mmsbd runs, and listens at %s", path);
		return -1;
	}
	make_parent(path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = fd < 0 ? errno : bind_closed(fd, &address);
	if (!err && listen(fd, 16))
		err = errno;
	if (err)
		goto failed;
	open_to_group(path);
	return fd;
failed:
	say(LOG_ERR, "cannot listen at %s: %s", path, strerror(err));
	if (fd >= 0)
		close(fd);
	return -1;
}

void server_close(int fd, const char *path)
{
	unlink(path);
	close(fd);
}

FILE *server_take(int fd, char *line, int bytes)
{
	struct timeval patience = { .tv_sec = 1 };
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	FILE *stream;

	if (peer < 0)
		return NULL;
	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	stream = fdopen(peer, "r+");
	if (!stream) {
		close(peer);
		return NULL;
	}
	if (!fgets(line, bytes, stream) || !strchr(line, '\n')) {
		fclose(stream);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return stream;
}
