/* SPDX-License-Identifier: GPL-2.0-only */
/* The control socket: who may speak to it is root, and group mmsb where there is one. What is said there is in control.h. */
#ifndef SERVER_H
#define SERVER_H

#include <stdio.h>

int server_open(const char *path);	/* its fd; -1: it was said why not */
void server_close(int fd, const char *path);
/* Takes one question. NULL: none came, or it was nonsense. The question, without its newline, is in `line`; the answer goes to the stream. */
FILE *server_take(int fd, char *line, int bytes);

#endif
