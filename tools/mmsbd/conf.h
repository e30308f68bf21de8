/* SPDX-License-Identifier: GPL-2.0-only */
/* /etc/mmsbd.conf: which spaces' logs mmsbd writes, and how; mmsbd.conf(5) is its manual. */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <mmsb/logging.h>

struct conf_space {
	struct conf_space *next;
	char name[MMSB_NAME_MAX];
	char *dir;
	struct mmsb_space_opts space;
	struct mmsb_log_opts log;
	uint64_t checkpoint_ns;	/* a checkpoint so often, if anything has changed; 0: not by time */
	char *text;		/* the section as it stands in the file: two that are alike mean the same */
	unsigned int line;	/* where it begins */
};

struct conf {
	struct conf_space *spaces;
	unsigned int n;
};

/* false: something is wrong, and each fault was said, with file and line. */
bool conf_read(struct conf *conf, const char *path);
void conf_free(struct conf *conf);
void conf_space_free(struct conf_space *space);

#endif
