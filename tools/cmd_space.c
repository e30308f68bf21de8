// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb space: make, list, show, remove and reset spaces.
 *
 * A space made here is pinned, for nothing would hold it once this process ends. Whatever else a program wants it asks
 * of the library.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include "args.h"
#include "json.h"
#include "out.h"
#include "space.h"
#include "value.h"

static bool number_or_name(const char *text, uint32_t *id, bool group)
{
	struct passwd *user = group ? NULL : getpwnam(text);
	struct group *members = group ? getgrnam(text) : NULL;
	uint64_t number;

	if (user || members)
		number = user ? user->pw_uid : members->gr_gid;
	else if (!value_u64(text, &number) || number >= UINT32_MAX)
		return false;
	*id = (uint32_t)number;
	return true;
}

static bool owner_options(struct cli *cli, const struct args *args, struct mmsb_space_opts *opts)
{
	const char *owner = args->value[OPT_OWNER], *group = args->value[OPT_GROUP];

	opts->uid = opts->gid = UINT32_MAX;
	opts->own_set = owner || group;
	if (owner && !number_or_name(owner, &opts->uid, false))
		return fail_usage(cli, "there is no user '%s'", owner), false;
	if (group && !number_or_name(group, &opts->gid, true))
		return fail_usage(cli, "there is no group '%s'", group), false;
	return true;
}

bool space_options(struct cli *cli, const struct args *args, struct mmsb_space_opts *opts)
{
	uint64_t shards = 0, rings = 0;

	opts->flags = MMSB_SPACE_CREATE | MMSB_SPACE_PIN;
	opts->flags |= arg_has(args, OPT_EXIST_OK) ? 0 : MMSB_SPACE_EXCL;
	opts->flags |= arg_has(args, OPT_HASH) ? MMSB_SPACE_HASH : 0;
	opts->flags |= arg_has(args, OPT_INLINE) ? MMSB_SPACE_INLINE : 0;
	opts->flags |= arg_has(args, OPT_LAZY) ? MMSB_SPACE_LAZY : 0;
	opts->flags |= arg_has(args, OPT_TIMING) ? MMSB_SPACE_TIMING : 0;
	if (!arg_u64(cli, args, OPT_SHARDS, 1, MMSB_SHARDS_MAX, &shards) ||
	    !arg_u64(cli, args, OPT_MAX_PAGES, 1, UINT32_MAX, &opts->max_pages) ||
	    !arg_size(cli, args, OPT_MAX_BYTES, MMSB_PAGE_MIN, 1ULL << 40, &opts->max_bytes) ||
	    !arg_u64(cli, args, OPT_MAX_RINGS, 1, UINT32_MAX, &rings))
		return false;
	if (args->value[OPT_MODE] && !value_mode(args->value[OPT_MODE], &opts->mode))
		return fail_usage(cli, "--mode '%s' is no mode, such as 0660", args->value[OPT_MODE]), false;
	opts->shards = (uint32_t)shards;
	opts->max_rings = (uint32_t)rings;
	return owner_options(cli, args, opts);
}

static void json_name_done(const char *name, const char *done)
{
	struct json json;

	json_begin(&json, stdout);
	json_string(&json, "space", name);
	json_bool(&json, done, true);
	json_end(&json);
}

enum cli_exit cmd_space_create(struct cli *cli, const struct args *args)
{
	struct mmsb_space_opts opts = { .size = sizeof(opts) };
	const char *name = args->operand[0];
	struct mmsb_space *space;
	int err;

	if (!*name)
		return fail_usage(cli, "the name of a space cannot be empty");
	if (!space_options(cli, args, &opts))
		return CLI_USAGE;
	err = mmsb_space_open(cli->mmsb, name, &opts, &space);
	if (err)
		return fail_lib(cli, err, "cannot create space '%s'", name);
	mmsb_space_close(space);
	if (cli->json)
		json_name_done(name, "created");
	return CLI_OK;
}

static void json_info(struct json *json, const struct mmsb_space_info_args *info)
{
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", info->mode);
	json_string(json, "name", info->name);
	json_u64(json, "id", info->id);
	json_u64(json, "uid", info->uid);
	json_u64(json, "gid", info->gid);
	json_string(json, "mode", mode);
	json_u64(json, "shards", info->shards);
	json_u64(json, "rings", info->rings);
	json_u64(json, "max_rings", info->max_rings);
	json_u64(json, "pages", info->pages);
	json_u64(json, "max_pages", info->max_pages);
	json_u64(json, "bytes", info->bytes);
	json_u64(json, "max_bytes", info->max_bytes);
	json_u64(json, "memory", info->memory);
	json_u64(json, "tick", info->tick);
	json_u64(json, "deltas", info->deltas);
	json_u64(json, "incarnation", info->incarnation);
	json_u64(json, "derived", info->derived);
	json_u64(json, "edges", info->edges);
	json_u64(json, "recomputed", info->recomputed);
	json_u64(json, "skipped", info->skipped);
	json_u64(json, "cut", info->cut);
	json_u64(json, "suspect", info->suspect);
	json_u64(json, "meetings", info->meetings);
	json_u64(json, "shared", info->shared);
	json_u64(json, "audit", info->audit);
	json_bool(json, "pinned", info->flags & MMSB_SPACE_PIN);
	json_bool(json, "hash", info->flags & MMSB_SPACE_HASH);
	json_bool(json, "inline", info->flags & MMSB_SPACE_INLINE);
	json_bool(json, "lazy", info->flags & MMSB_SPACE_LAZY);
	json_bool(json, "shut", info->flags & MMSB_SPACE_SHUT);
	json_bool(json, "timing", info->flags & MMSB_SPACE_TIMING);
}

static const char *user_name(uint32_t uid)
{
	struct passwd *user = getpwuid(uid);
	static char number[16];

	snprintf(number, sizeof(number), "%" PRIu32, uid);
	return user ? user->pw_name : number;
}

static const char *group_name(uint32_t gid)
{
	struct group *group = getgrgid(gid);
	static char number[16];

	snprintf(number, sizeof(number), "%" PRIu32, gid);
	return group ? group->gr_name : number;
}

static void print_row(const struct mmsb_space_info_args *info)
{
	char who[72];

	snprintf(who, sizeof(who), "%s:%s", user_name(info->uid), group_name(info->gid));
	printf("%-24s %10llu %10s %6u %5u %12llu %04o %s\n",
	       *info->name ? info->name : "(no name)", info->pages, text_bytes(info->memory).s, info->shards, info->rings,
	       info->tick, info->mode, who);
}

enum cli_exit cmd_space_list(struct cli *cli, const struct args *args)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	unsigned int found = 0;
	uint64_t cursor = 0;
	struct json json;
	int err;

	(void)args;
	if (cli->json) {
		json_begin(&json, stdout);
		json_array(&json, "spaces");
	}
	for (; !(err = mmsb_space_next(cli->mmsb, &cursor, &info)); found++) {
		if (cli->json) {
			json_object(&json, NULL);
			json_info(&json, &info);
			json_close(&json);
			continue;
		}
		if (!found)
			printf("%-24s %10s %10s %6s %5s %12s %4s %s\n", "NAME", "PAGES", "MEMORY", "SHARDS", "RINGS",
			       "TICK", "MODE", "OWNER");
		print_row(&info);
	}
	if (cli->json) {
		json_close(&json);
		json_end(&json);
	}
	return err == -ENOENT ? CLI_OK : fail_lib(cli, err, "cannot list the spaces");
}

static void print_info(const struct mmsb_space_info_args *info)
{
	printf("name         %s\n", info->name);
	printf("owner        %s:%s, mode %04o\n", user_name(info->uid), group_name(info->gid), info->mode);
	printf("pages        %s of at most %s\n", text_grouped(info->pages).s, text_grouped(info->max_pages).s);
	printf("bytes        %s of at most %s\n", text_bytes(info->bytes).s, text_bytes(info->max_bytes).s);
	printf("memory       %s in all\n", text_bytes(info->memory).s);
	printf("shards       %" PRIu32 "\n", info->shards);
	printf("rings        %" PRIu32 " of at most %" PRIu32 "\n", info->rings, info->max_rings);
	printf("tick         %llu\n", info->tick);
	printf("deltas       %s applied\n", text_grouped(info->deltas).s);
	printf("incarnation  %llu\n", info->incarnation);
	printf("derived      %s pages by %s edges%s\n", text_grouped(info->derived).s, text_grouped(info->edges).s,
	       info->flags & MMSB_SPACE_LAZY ? ", all of them lazy" : "");
	printf("recomputed   %s, of which %s came out the same; %s more were looked at and not computed\n",
	       text_grouped(info->recomputed).s, text_grouped(info->cut).s, text_grouped(info->skipped).s);
	if (info->audit)
		printf("audit        one of %s recomputes is done twice and compared\n", text_grouped(info->audit).s);
	if (info->suspect)
		printf("suspect      %s audits saw a rule come to two results\n", text_grouped(info->suspect).s);
	printf("meetings     %s ticks in which shards stood still together\n", text_grouped(info->meetings).s);
	printf("shared       %s levels of pages that several threads computed together\n", text_grouped(info->shared).s);
	printf("state hash   %s\n", info->flags & MMSB_SPACE_HASH ? "kept" : "off");
	printf("timing       %s\n", info->flags & MMSB_SPACE_TIMING ? "on" : "off");
	printf("run by       %s\n", info->flags & MMSB_SPACE_INLINE ? "who submits" : "pollers");
	if (info->flags & MMSB_SPACE_SHUT)
		printf("shut         nobody can write: it is not restored to the end\n");
	printf("stays        %s\n", info->flags & MMSB_SPACE_PIN ? "until removed" : "as long as somebody has it open");
}

enum cli_exit cmd_space_show(struct cli *cli, const struct args *args)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_space *space;
	struct json json;
	int err;

	if (!cli_space(cli, args->operand[0], MMSB_SPACE_READ_ONLY, &space))
		return CLI_FAILED;
	err = mmsb_space_info(space, &info);
	mmsb_space_close(space);
	if (err)
		return fail_lib(cli, err, "space '%s'", args->operand[0]);
	if (!cli->json) {
		print_info(&info);
		return CLI_OK;
	}
	json_begin(&json, stdout);
	json_info(&json, &info);
	json_end(&json);
	return CLI_OK;
}

enum cli_exit cmd_space_rm(struct cli *cli, const struct args *args)
{
	enum cli_exit status = CLI_OK;
	unsigned int i;
	int err;

	for (i = 0; i < args->operands; i++) {
		err = mmsb_space_remove(cli->mmsb, args->operand[i]);
		if (err)
			status = fail_lib(cli, err, "cannot remove space '%s'", args->operand[i]);
		else if (cli->json)
			json_name_done(args->operand[i], "removed");
	}
	return status;
}

enum cli_exit cmd_space_reset(struct cli *cli, const struct args *args)
{
	struct mmsb_space *space;
	int err;

	if (!cli_space(cli, args->operand[0], 0, &space))
		return CLI_FAILED;
	err = mmsb_space_reset(space);
	mmsb_space_close(space);
	if (err)
		return fail_lib(cli, err, "cannot reset space '%s'", args->operand[0]);
	if (cli->json)
		json_name_done(args->operand[0], "reset");
	return CLI_OK;
}
