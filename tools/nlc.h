/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of the generic netlink family, on libnl: one request at a time, each answer a row of attributes, and the kernel's own words
 * where it refuses.
 */
#ifndef NLC_H
#define NLC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netlink/netlink.h>
#include <mmsb/netlink.h>

enum nlc_type { NLC_NONE, NLC_U8, NLC_U32, NLC_U64, NLC_STRING, NLC_BINARY };

struct nlc_attr {
	const char *name;
	enum nlc_type type;
};

struct nlc_set {
	const struct nlc_attr *attrs;
	int max;
};

/* nlc_table.c, made of uapi/mmsb.yaml. */
extern const struct nlc_set nlc_module, nlc_space, nlc_ring, nlc_shard, nlc_poller, nlc_page, nlc_user, nlc_event, nlc_timing, nlc_edge;
extern const char *const nlc_what_names[MMSB_WHAT_LAST];
extern const char *const nlc_pressure_names[];		/* a bit each; NULL: no more */

struct nlc {
	struct nl_sock *sock;
	int family;
	char refusal[256];	/* what the kernel said of the last request; empty: nothing */
};

/* 0 or a negative errno: -ENOENT says that the module is not loaded. */
int nlc_open(struct nlc *nl);
void nlc_close(struct nlc *nl);

/* An answer, or an event. */
struct nlc_row {
	int cmd;
	const struct nlc_set *set;
	struct nlattr **attrs;
};

uint64_t nlc_number(const struct nlc_row *row, int attr);		/* 0 where it is not there */
const char *nlc_text(const struct nlc_row *row, int attr);	/* "" likewise */
uint64_t nlc_element(const struct nlc_row *row, int attr, unsigned int i);	/* of an array of u64; 0 beyond its end */

/* A request, filled in by nla_put_...(); nlc_ask() sends it and frees it. Returns true to go on. */
typedef bool nlc_each(const struct nlc_row *row, void *arg);
struct nl_msg *nlc_request(struct nlc *nl, int cmd, bool dump);
int nlc_ask(struct nlc *nl, struct nl_msg *msg, const struct nlc_set *set, nlc_each *each, void *arg);

/* From here on the socket hears of events of the group, of others that were named before, and of nothing else. */
int nlc_listen(struct nlc *nl, const char *group);
/* Waits for some: 0, -ETIME, -EINTR, -ENOBUFS (some were missed) or what failed. */
int nlc_hear(struct nlc *nl, int timeout_ms, nlc_each *each, void *arg);

#endif
