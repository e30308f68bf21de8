// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "control.h"

static int dial(const char *path, FILE **stream)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	*stream = err ? NULL : fdopen(fd, "r+");
	if (!*stream) {
		err = err ? err : -errno;
		close(fd);
	}
	return err;
}

static unsigned int split(char *line, char **words)
{
	unsigned int n = 0;

	line[strcspn(line, "\n")] = '\0';
	while (line && n < CONTROL_WORDS)
		words[n++] = strsep(&line, "\t");
	return n;
}

static int listen_to(FILE *stream, struct control_answer *answer)
{
	char line[CONTROL_LINE], *words[CONTROL_WORDS];
	unsigned int n;

	while (fgets(line, sizeof(line), stream)) {
		n = split(line, words);
		if (!strcmp(words[0], "ok"))
			return 0;
		if (!strcmp(words[0], "error")) {
			snprintf(answer->why, sizeof(answer->why), "%s", n > 1 ? words[1] : "");
			return 1;
		}
		if (answer->line)
			answer->line(answer->arg, words, n);
	}
	return -EPIPE;
}

int control_ask(const char *path, const char *question, struct control_answer *answer)
{
	FILE *stream;
	int err = dial(path, &stream);

	if (err)
		return err;
	fprintf(stream, "%s\n", question);
	fflush(stream);
	err = listen_to(stream, answer);
	fclose(stream);
	return err;
}
