// SPDX-License-Identifier: GPL-2.0-only
/* mmsb limits: what the module and a space allow, and changing that. */
#include <inttypes.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include "args.h"
#include "control_nlc.h"

/* An option and the attribute that it becomes; 8 bytes or 4. */
struct limit {
	enum opt opt;
	int attr, bytes;
	uint64_t least, most;
	bool size;
	const char *text;
};

#define OF_THE_MODULE	(OPT_BIT(OPT_MAX_SPACES) | OPT_BIT(OPT_MAX_USER_SPACES) | OPT_BIT(OPT_MAX_USER_PAGES) | OPT_BIT(OPT_MAX_USER_BYTES) | \
			 OPT_BIT(OPT_MAX_USER_RINGS) | OPT_BIT(OPT_POLL_IDLE_US) | OPT_BIT(OPT_PRESSURE_MS))

static const struct limit module_limits[] = {
	{ OPT_MAX_SPACES, MMSB_A_MODULE_MAX_SPACES, 4, 1, 1 << 20, false, "spaces in all" },
	{ OPT_MAX_USER_SPACES, MMSB_A_MODULE_MAX_USER_SPACES, 4, 1, 1 << 20, false, "spaces of one user without CAP_SYS_RESOURCE" },
	{ OPT_MAX_USER_PAGES, MMSB_A_MODULE_MAX_USER_PAGES, 8, 1, 1ULL << 40, false, "pages in all spaces of such a user" },
	{ OPT_MAX_USER_BYTES, MMSB_A_MODULE_MAX_USER_BYTES, 8, 65536, 1ULL << 50, true, "bytes of arena in all of them" },
	{ OPT_MAX_USER_RINGS, MMSB_A_MODULE_MAX_USER_RINGS, 4, 1, 1 << 24, false, "rings in all of them" },
	{ OPT_MAX_PAGES, MMSB_A_MODULE_MAX_PAGES, 8, 1, UINT32_MAX, false, "pages that a space may ask for" },
	{ OPT_MAX_BYTES, MMSB_A_MODULE_MAX_BYTES, 8, 65536, 1ULL << 40, true, "bytes that a space may ask for" },
	{ OPT_MAX_RINGS, MMSB_A_MODULE_MAX_RINGS, 4, 1, 1 << 20, false, "rings that a space may ask for" },
	{ OPT_POLL_IDLE_US, MMSB_A_MODULE_POLL_IDLE_US, 4, 0, 1000000, false, "us that pollers look in vain before they sleep" },
	{ OPT_PRESSURE_MS, MMSB_A_MODULE_PRESSURE_MS, 4, 1, 60000, false, "ms that queues are held up before that is told" },
	{ OPT_AUDIT, MMSB_A_MODULE_AUDIT, 4, 0, UINT32_MAX, false, "of so many recomputes one is audited, in new spaces" },
	{ OPT_LAST, 0, 0, 0, 0, false, NULL },
};

static const struct limit space_limits[] = {
	{ OPT_MAX_PAGES, MMSB_A_SPACE_MAX_PAGES, 8, 1, UINT32_MAX, false, "pages" },
	{ OPT_MAX_BYTES, MMSB_A_SPACE_MAX_BYTES, 8, 65536, 1ULL << 40, true, "bytes of arena" },
	{ OPT_MAX_RINGS, MMSB_A_SPACE_MAX_RINGS, 4, 1, 1 << 20, false, "rings" },
	{ OPT_AUDIT, MMSB_A_SPACE_AUDIT, 4, 0, UINT32_MAX, false, "of so many recomputes one is audited" },
	{ OPT_LAST, 0, 0, 0, 0, false, NULL },
};

static bool put_limit(struct cli *cli, const struct args *args, const struct limit *limit, struct nl_msg *msg)
{
	uint64_t value = 0;
	bool fine = limit->size ? arg_size(cli, args, limit->opt, limit->least, limit->most, &value) :
				  arg_u64(cli, args, limit->opt, limit->least, limit->most, &value);

	if (!fine || !arg_has(args, limit->opt))
		return fine;
	return !(limit->bytes == 8 ? nla_put_u64(msg, limit->attr, value) : nla_put_u32(msg, limit->attr, (uint32_t)value));
}

static bool put_limits(struct cli *cli, const struct args *args, const struct limit *limits, struct nl_msg *msg)
{
	for (; limits->opt != OPT_LAST; limits++)
		if (!put_limit(cli, args, limits, msg))
			return false;
	return true;
}

static void print_limit(const char *text, const char *now, const char *most, const char *beyond)
{
	printf("%-46s %16s %16s%s%s\n", text, now, most, beyond ? "   can be set up to " : "", beyond ?: "");
}

static bool print_module(const struct nlc_row *row, void *arg)
{
	const struct limit *limit;

	(void)arg;
	print_limit("LIMIT", "NOW", "MOST", NULL);
	for (limit = module_limits; limit->opt != OPT_LAST; limit++) {
		uint64_t most = nlc_number(row, limit->attr);

		print_limit(limit->text, limit->opt == OPT_MAX_SPACES ? text_grouped(nlc_number(row, MMSB_A_MODULE_SPACES_ALL)).s : "",
			    limit->size ? text_bytes(most).s : text_grouped(most).s, NULL);
	}
	return true;
}

static bool print_space(const struct nlc_row *row, void *arg)
{
	(void)arg;
	print_limit("LIMIT", "NOW", "MOST", NULL);
	print_limit("pages", text_grouped(nlc_number(row, MMSB_A_SPACE_PAGES)).s, text_grouped(nlc_number(row, MMSB_A_SPACE_MAX_PAGES)).s,
		    text_grouped(nlc_number(row, MMSB_A_SPACE_MADE_FOR_PAGES)).s);
	print_limit("bytes of arena", text_bytes(nlc_number(row, MMSB_A_SPACE_BYTES)).s, text_bytes(nlc_number(row, MMSB_A_SPACE_MAX_BYTES)).s,
		    text_bytes(nlc_number(row, MMSB_A_SPACE_MADE_FOR_BYTES)).s);
	print_limit("rings", text_grouped(nlc_number(row, MMSB_A_SPACE_RINGS)).s, text_grouped(nlc_number(row, MMSB_A_SPACE_MAX_RINGS)).s, NULL);
	print_limit("of so many recomputes one is audited", "", text_grouped(nlc_number(row, MMSB_A_SPACE_AUDIT)).s, NULL);
	return true;
}

static bool json_limits(const struct nlc_row *row, void *arg)
{
	const struct limit *limit = arg;
	struct json json;

	json_begin(&json, stdout);
	for (; limit->opt != OPT_LAST; limit++)
		json_u64(&json, row->set->attrs[limit->attr].name, nlc_number(row, limit->attr));
	json_end(&json);
	return true;
}

static int show(struct cli *cli, struct nlc *nl, const char *space)
{
	nlc_each *each = cli->json ? json_limits : space ? print_space : print_module;
	bool begun = false;
	int err;

	err = nlc_ask(nl, nlc_about(nl, space ? MMSB_CMD_SPACE_GET : MMSB_CMD_MODULE_GET, false, space), space ? &nlc_space : &nlc_module, each,
		      (void *)(space ? space_limits : module_limits));
	if (err || space || cli->json)
		return err;
	return nlc_ask(nl, nlc_request(nl, MMSB_CMD_USER_GET, true), &nlc_user, user_print, &begun);
}

static int set_poller(struct nlc *nl, const struct args *args, uint64_t cpu, uint64_t idle_us)
{
	struct nl_msg *msg = nlc_request(nl, MMSB_CMD_POLLER_SET, false);

	if (msg)
		nla_put_u32(msg, MMSB_A_POLLER_CPU, (uint32_t)cpu);
	if (msg && arg_has(args, OPT_POLL_IDLE_US))
		nla_put_u32(msg, MMSB_A_POLLER_IDLE_US, (uint32_t)idle_us);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

/* mmsb stat shows what came of it. */
static enum cli_exit limit_poller(struct cli *cli, const struct args *args)
{
	uint64_t cpu, idle_us = 0;
	struct nlc nl;

	if (args->operands || args->given & ~(OPT_GLOBAL | OPT_BIT(OPT_CPU) | OPT_BIT(OPT_POLL_IDLE_US)))
		return fail_usage(cli, "--cpu goes with --poll-idle-us or alone: a poller has no other limits");
	if (!arg_u64(cli, args, OPT_CPU, 0, UINT32_MAX, &cpu) || !arg_u64(cli, args, OPT_POLL_IDLE_US, 0, 1000000, &idle_us))
		return CLI_USAGE;
	if (!nlc_ready(cli, &nl))
		return CLI_FAILED;
	return nlc_finish(cli, &nl, set_poller(&nl, args, cpu, idle_us), "the poller of CPU %" PRIu64, cpu);
}

enum cli_exit cmd_limits(struct cli *cli, const struct args *args)
{
	const char *space = args->operands ? args->operand[0] : NULL;
	const struct limit *limits = space ? space_limits : module_limits;
	struct nl_msg *msg;
	struct nlc nl;
	int err = 0;

	if (arg_has(args, OPT_CPU))
		return limit_poller(cli, args);
	if (space && args->given & OF_THE_MODULE)
		return fail_usage(cli, "--max-spaces, --max-user-..., --poll-idle-us and --pressure-ms are the module's: leave '%s' out", space);
	if (!nlc_ready(cli, &nl))
		return CLI_FAILED;
	if (args->given & ~OPT_GLOBAL) {
		msg = nlc_about(&nl, space ? MMSB_CMD_SPACE_SET : MMSB_CMD_MODULE_SET, false, space);
		if (msg && !put_limits(cli, args, limits, msg)) {
			nlmsg_free(msg);
			nlc_close(&nl);
			return CLI_USAGE;
		}
		err = nlc_ask(&nl, msg, NULL, NULL, NULL);
	}
	err = err ?: show(cli, &nl, space);
	return nlc_finish(cli, &nl, err, "limits of %s%s%s", space ? "space '" : "the module", space ?: "", space ? "'" : "");
}
