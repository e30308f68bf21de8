/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module allows, and how patient its pollers are, as a test found it and leaves it: programs that follow in the same boot must not see
 * what one has tried. suite-guest looks whether they do.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "rows.h"

static const int settings_attrs[] = {
	MMSB_A_MODULE_MAX_SPACES, MMSB_A_MODULE_MAX_USER_SPACES, MMSB_A_MODULE_MAX_PAGES, MMSB_A_MODULE_MAX_BYTES, MMSB_A_MODULE_MAX_RINGS,
	MMSB_A_MODULE_POLL_IDLE_US, MMSB_A_MODULE_AUDIT, MMSB_A_MODULE_PRESSURE_MS, MMSB_A_MODULE_MAX_USER_PAGES, MMSB_A_MODULE_MAX_USER_BYTES,
	MMSB_A_MODULE_MAX_USER_RINGS,
};

#define SETTINGS	(sizeof(settings_attrs) / sizeof(*settings_attrs))

struct settings {
	uint64_t value[SETTINGS];
};

static inline bool settings_keep(const struct nlc_row *row, void *arg)
{
	struct settings *settings = arg;
	size_t i;

	for (i = 0; i < SETTINGS; i++)
		settings->value[i] = nlc_number(row, settings_attrs[i]);
	return true;
}

static inline int settings_take(struct nlc *nl, struct settings *settings)
{
	return nlc_ask(nl, nlc_request(nl, MMSB_CMD_MODULE_GET, false), &nlc_module, settings_keep, settings);
}

static inline int settings_give_back_limits(struct nlc *nl, const struct settings *settings)
{
	struct nl_msg *msg = nlc_request(nl, MMSB_CMD_MODULE_SET, false);
	size_t i;

	for (i = 0; i < SETTINGS; i++) {
		if (nlc_module.attrs[settings_attrs[i]].type == NLC_U64)
			nla_put_u64(msg, settings_attrs[i], settings->value[i]);
		else
			nla_put_u32(msg, settings_attrs[i], (uint32_t)settings->value[i]);
	}
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

static inline bool settings_calm_poller(const struct nlc_row *row, void *arg)
{
	struct nl_msg *msg;
	struct nlc nl;
	int *err = arg;

	*err = nlc_open(&nl);
	if (*err)
		return false;
	msg = nlc_request(&nl, MMSB_CMD_POLLER_SET, false);
	nla_put_u32(msg, MMSB_A_POLLER_CPU, (uint32_t)nlc_number(row, MMSB_A_POLLER_CPU));
	*err = nlc_ask(&nl, msg, NULL, NULL, NULL);
	nlc_close(&nl);
	return !*err;
}

/* By a socket of its own: in that of a test answers may be left. */
static inline int settings_give_back(const struct settings *settings)
{
	struct nlc nl;
	int err = nlc_open(&nl), of_poller = 0;

	if (err)
		return err;
	err = settings_give_back_limits(&nl, settings) ?:
	      nlc_ask(&nl, nlc_request(&nl, MMSB_CMD_POLLER_GET, true), &nlc_poller, settings_calm_poller, &of_poller) ?: of_poller;
	nlc_close(&nl);
	return err;
}

#endif
