// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb log: what lies in the directory of a log. All of it only reads, and none of it needs a space or a home; a writer may be at work
 * meanwhile.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "json.h"
#include "out.h"
#include "record.h"
#include "ticks.h"

static const char *what_name(uint32_t what)
{
	return what == MMSB_LOG_CHECKPOINT ? "checkpoint" : "segment";
}

static void json_file(struct json *json, const struct mmsb_log_file *file)
{
	json_string(json, "name", file->name);
	json_string(json, "what", what_name(file->what));
	json_u64(json, "number", file->number);
	json_u64(json, "bytes", file->bytes);
	json_u64(json, "first_tick", file->first_tick);
	json_u64(json, "last_tick", file->last_tick);
	json_u64(json, "first_time", file->first_time);
	json_u64(json, "last_time", file->last_time);
	json_u64(json, "term", file->term);
	json_u64(json, "ticks", file->ticks);
	json_u64(json, "deltas", file->deltas);
	json_u64(json, "images", file->images);
	json_string(json, "hash", file->flags & MMSB_LOG_FILE_HASHED ? text_hash(file->hash).s : NULL);
	json_bool(json, "open", file->flags & MMSB_LOG_FILE_OPEN);
	json_bool(json, "zstd", file->flags & MMSB_LOG_FILE_ZSTD);
	json_bool(json, "torn", file->flags & MMSB_LOG_FILE_TORN);
}

/* --------------------------------------------------------------------------------------------------------------- ls */

#define LS_ROW	"%-10s %-25s %10s %12s %12s %12s  %s\n"

struct listing {
	struct cli *cli;
	struct json *json;	/* NULL: for people */
	unsigned int files;
};

static int list_one(void *arg, const struct mmsb_log_file *file)
{
	struct listing *listing = arg;
	uint64_t holds = file->what == MMSB_LOG_CHECKPOINT ? file->images : file->deltas;
	char first[24], last[24], count[24];

	if (listing->json) {
		json_object(listing->json, NULL);
		json_file(listing->json, file);
		json_close(listing->json);
		return 0;
	}
	if (!listing->files++)
		printf(LS_ROW, "WHAT", "NAME", "SIZE", "FIRST TICK", "LAST TICK", "HOLDS", "LAST WRITTEN");
	snprintf(first, sizeof(first), file->first_tick ? "%" PRIu64 : "-", file->first_tick);
	snprintf(last, sizeof(last), file->last_tick ? "%" PRIu64 : "-", file->last_tick);
	snprintf(count, sizeof(count), "%" PRIu64, holds);
	printf(LS_ROW, what_name(file->what), file->name, text_bytes(file->bytes).s, first, last, count,
	       file->last_time ? text_date(file->last_time).s : "-");
	return 0;
}

enum cli_exit cmd_log_ls(struct cli *cli, const struct args *args)
{
	struct listing listing = { .cli = cli };
	struct json json;
	int err;

	if (cli->json) {
		listing.json = &json;
		json_begin(&json, stdout);
		json_array(&json, "files");
	}
	err = mmsb_log_files(args->operand[0], list_one, &listing);
	if (cli->json) {
		json_close(&json);
		json_end(&json);
	}
	return err ? fail_lib(cli, err, "cannot list the log %s", args->operand[0]) : CLI_OK;
}

/* ------------------------------------------------------------------------------------------------------------- stat */

struct tallied {
	uint64_t bytes, deltas, ticks;	/* of the segments */
	bool torn;
};

static int tally_one(void *arg, const struct mmsb_log_file *file)
{
	struct tallied *tallied = arg;

	tallied->torn |= file->flags & MMSB_LOG_FILE_TORN;
	if (file->what != MMSB_LOG_SEGMENT)
		return 0;
	tallied->bytes += file->bytes;
	tallied->deltas += file->deltas;
	tallied->ticks += file->ticks;
	return 0;
}

static void json_stat(const struct mmsb_log_info *info, const struct tallied *tallied)
{
	struct json json;

	json_begin(&json, stdout);
	json_string(&json, "id", text_hash(info->id).s);
	json_string(&json, "name", info->name);
	json_u64(&json, "format", info->format);
	json_u64(&json, "segments", info->segments);
	json_u64(&json, "checkpoints", info->checkpoints);
	json_u64(&json, "bytes", info->bytes);
	json_u64(&json, "first_tick", info->first_tick);
	json_u64(&json, "last_tick", info->last_tick);
	json_u64(&json, "first_time", info->first_time);
	json_u64(&json, "last_time", info->last_time);
	json_u64(&json, "checkpoint_tick", info->checkpoint_tick);
	json_u64(&json, "ticks", tallied->ticks);
	json_u64(&json, "deltas", tallied->deltas);
	json_bool(&json, "torn", tallied->torn);
	json_u64(&json, "shards", info->shards);
	json_u64(&json, "max_pages", info->max_pages);
	json_u64(&json, "max_bytes", info->max_bytes);
	json_u64(&json, "max_rings", info->max_rings);
	json_bool(&json, "hash", info->space_flags & MMSB_SPACE_HASH);
	json_bool(&json, "lazy", info->space_flags & MMSB_SPACE_LAZY);
	json_end(&json);
}

static void print_stat(const struct mmsb_log_info *info, const struct tallied *tallied)
{
	printf("log          %s, format %" PRIu32 "\n", text_hash(info->id).s, info->format);
	printf("space        %s%s%" PRIu32 " shard%s, at most %s pages and %s\n", info->name, *info->name ? ", " : "", info->shards,
	       info->shards == 1 ? "" : "s", text_grouped(info->max_pages).s, text_bytes(info->max_bytes).s);
	printf("files        %" PRIu64 " segment%s, %" PRIu64 " checkpoint%s, %s\n", info->segments, info->segments == 1 ? "" : "s",
	       info->checkpoints, info->checkpoints == 1 ? "" : "s", text_bytes(info->bytes).s);
	if (info->first_tick)
		printf("ticks        %" PRIu64 " to %" PRIu64 ", %s to %s\n", info->first_tick, info->last_tick, text_date(info->first_time).s,
		       text_date(info->last_time).s);
	else
		printf("ticks        none\n");
	if (info->checkpoint_tick)
		printf("checkpoint   of tick %" PRIu64 "\n", info->checkpoint_tick);
	printf("deltas       %s in %s tick%s", text_grouped(tallied->deltas).s, text_grouped(tallied->ticks).s, tallied->ticks == 1 ? "" : "s");
	if (tallied->deltas)
		printf(", %.1f bytes each", (double)tallied->bytes / (double)tallied->deltas);
	printf("\n");
	if (tallied->torn)
		printf("tail         torn: what was being written when the writer ended counts for nothing\n");
}

enum cli_exit cmd_log_stat(struct cli *cli, const struct args *args)
{
	struct mmsb_log_info info = { .size = sizeof(info) };
	struct tallied tallied = { 0 };
	int err = mmsb_log_info(args->operand[0], &info);

	if (!err)
		err = mmsb_log_files(args->operand[0], tally_one, &tallied);
	if (err)
		return fail_lib(cli, err, "cannot look at the log %s", args->operand[0]);
	if (cli->json)
		json_stat(&info, &tallied);
	else
		print_stat(&info, &tallied);
	return CLI_OK;
}

/* ----------------------------------------------------------------------------------------------------------- verify */

struct verifying {
	struct json *json;
	struct progress progress;
	uint64_t done, all;
	unsigned int files, damaged;
};

static int verify_one(void *arg, const struct mmsb_log_file *file, int result, const char *text)
{
	struct verifying *verifying = arg;

	verifying->files++;
	verifying->damaged += result != 0;
	verifying->done += file->bytes;
	progress_show(&verifying->progress, verifying->done, verifying->all);
	if (cli_stopped)
		return -EINTR;
	if (verifying->json) {
		json_object(verifying->json, NULL);
		json_file(verifying->json, file);
		json_bool(verifying->json, "ok", !result);
		json_string(verifying->json, "damage", result ? text : NULL);
		json_close(verifying->json);
		return 0;
	}
	progress_end(&verifying->progress);
	out_colour(stdout, result ? COLOUR_RED : COLOUR_GREEN, result ? "damaged" : "ok     ");
	printf("  %-25s  %s", file->name, text_bytes(file->bytes).s);
	if (result)
		printf("\n         %s", text);
	else if (file->flags & MMSB_LOG_FILE_TORN)
		printf(", with a torn tail, which counts for nothing");
	putchar('\n');
	return 0;
}

static enum cli_exit verified(struct cli *cli, const struct verifying *verifying, const char *dir, int err)
{
	if (err == -EBADMSG && verifying->damaged)
		return fail(cli, "mmsb restore makes the state again as far as it is whole; mmsb restore --tick up to before the damage",
			    "%s: %u of %u files are damaged", dir, verifying->damaged, verifying->files);
	if (err)
		return fail_lib(cli, err, "cannot verify the log %s", dir);
	if (!cli->json)
		printf("%u file%s checked, nothing is wrong\n", verifying->files, verifying->files == 1 ? "" : "s");
	return CLI_OK;
}

enum cli_exit cmd_log_verify(struct cli *cli, const struct args *args)
{
	struct mmsb_log_info info = { .size = sizeof(info) };
	struct verifying verifying = { 0 };
	struct json json;
	int err;

	if (!mmsb_log_info(args->operand[0], &info))
		verifying.all = info.bytes;
	if (cli->json) {
		verifying.json = &json;
		json_begin(&json, stdout);
		json_array(&json, "files");
	}
	cli_catch_signals();
	progress_begin(&verifying.progress, cli, "verifying");
	err = mmsb_log_verify(args->operand[0], verify_one, &verifying);
	progress_end(&verifying.progress);
	if (cli->json) {
		json_close(&json);
		json_u64(&json, "damaged", verifying.damaged);
		json_bool(&json, "ok", !err);
		json_end(&json);
	}
	return verified(cli, &verifying, args->operand[0], err);
}

/* ---------------------------------------------------------------------------------------------- show, export, follow */

struct showing {
	struct cli *cli;
	struct ticks ticks;
	FILE *to;
	bool json;
	uint64_t last, count;	/* ticks: up to which one, and how many at most */
};

static const char *closed_name(const struct mmsb_record *record)
{
	switch (record->type) {
	case MMSB_RECORD_TICK:
		return "tick";
	case MMSB_RECORD_RESET:
		return "reset";
	case MMSB_RECORD_END:
		return "end";
	default:
		return "hash";
	}
}

static bool has_state(const struct mmsb_record *record)
{
	return record->type == MMSB_RECORD_TICK || record->type == MMSB_RECORD_HASH;
}

static void export_tick(struct showing *showing, const struct mmsb_hash_record *closed)
{
	struct json json;
	unsigned int i;

	for (i = 0; i < showing->ticks.n; i++) {
		json_begin(&json, showing->to);
		json_string(&json, "record", "delta");
		json_u64(&json, "tick", closed->record.tick);
		record_json(&json, showing->ticks.delta[i]);
		json_end(&json);
	}
	json_begin(&json, showing->to);
	json_string(&json, "record", closed_name(&closed->record));
	json_u64(&json, "tick", closed->record.tick);
	if (has_state(&closed->record)) {
		json_u64(&json, "time", closed->time);
		json_string(&json, "hash", closed->record.flags & MMSB_RECORD_HASHED ? text_hash((const uint64_t *)closed->hash).s : NULL);
	}
	json_end(&json);
}

static void print_closed(struct showing *showing, const struct mmsb_hash_record *closed)
{
	uint64_t tick = closed->record.tick;

	if (closed->record.type == MMSB_RECORD_RESET)
		fprintf(showing->to, "the space was reset: it is as new, and its ticks begin again\n");
	else if (closed->record.type == MMSB_RECORD_END)
		fprintf(showing->to, "the log ends: from tick %" PRIu64 " on the space was in memory only\n", tick);
	else
		fprintf(showing->to, "%s %" PRIu64 "  %s", closed_name(&closed->record), tick, text_date(closed->time).s);
	if (!has_state(&closed->record))
		return;
	if (closed->record.flags & MMSB_RECORD_HASHED)
		fprintf(showing->to, "  hash %s", text_hash((const uint64_t *)closed->hash).s);
	putc('\n', showing->to);
}

static void show_tick(struct showing *showing, const struct mmsb_hash_record *closed)
{
	unsigned int i;

	print_closed(showing, closed);
	for (i = 0; i < showing->ticks.n; i++) {
		fputs("  ", showing->to);
		record_print(showing->to, showing->ticks.delta[i]);
		putc('\n', showing->to);
	}
}

static enum cli_exit show_ticks(struct showing *showing, uint64_t timeout_ns)
{
	const struct mmsb_hash_record *closed;
	int more = 1;

	while (showing->count && (more = ticks_next(&showing->ticks, &closed, timeout_ns)) > 0) {
		if (closed->record.tick > showing->last && closed->record.type != MMSB_RECORD_RESET)
			break;
		progress_end(&showing->ticks.progress);
		if (showing->json)
			export_tick(showing, closed);
		else
			show_tick(showing, closed);
		showing->count -= closed->record.type == MMSB_RECORD_TICK;
		if (timeout_ns)
			fflush(showing->to);
	}
	if (more < 0)
		return CLI_FAILED;
	if (!more && timeout_ns && timeout_ns != MMSB_FOREVER && !cli_stopped)
		return fail(showing->cli, "give a longer --timeout, or see with mmsb durability whether it has a writer",
			    "nothing was written for %s", text_ns(timeout_ns).s);
	return CLI_OK;
}

static bool show_options(struct showing *showing, const struct args *args, uint64_t *from)
{
	showing->last = UINT64_MAX;
	showing->count = UINT64_MAX;
	*from = arg_has(args, OPT_TO) ? 1 : 0;
	return arg_u64(showing->cli, args, OPT_FROM, 1, UINT64_MAX, from) && arg_u64(showing->cli, args, OPT_TO, 1, UINT64_MAX, &showing->last) &&
	       arg_u64(showing->cli, args, OPT_COUNT, 1, UINT64_MAX, &showing->count);
}

static enum cli_exit show_log(struct showing *showing, const struct args *args, uint64_t from, uint64_t timeout_ns)
{
	enum cli_exit status;

	cli_catch_signals();
	if (!ticks_open(&showing->ticks, showing->cli, args->operand[0], from, timeout_ns))
		return CLI_FAILED;
	/* A bar between lines on one terminal is in the way. */
	showing->ticks.progress.wanted &= showing->to != stdout || !out_coloured(stdout);
	status = show_ticks(showing, timeout_ns);
	ticks_close(&showing->ticks);
	return status;
}

enum cli_exit cmd_log_show(struct cli *cli, const struct args *args)
{
	struct showing showing = { .cli = cli, .to = stdout, .json = cli->json };
	uint64_t from;

	if (!show_options(&showing, args, &from))
		return CLI_USAGE;
	return show_log(&showing, args, from, 0);
}

enum cli_exit cmd_log_export(struct cli *cli, const struct args *args)
{
	struct showing showing = { .cli = cli, .to = stdout, .json = true };
	const char *path = args->value[OPT_OUTPUT];
	enum cli_exit status;
	uint64_t from;

	if (!show_options(&showing, args, &from))
		return CLI_USAGE;
	showing.to = out_open(cli, path);
	if (!showing.to)
		return CLI_FAILED;
	status = show_log(&showing, args, from, 0);
	if (!out_close(cli, showing.to, path) && status == CLI_OK)
		status = CLI_FAILED;
	return status;
}

enum cli_exit cmd_log_follow(struct cli *cli, const struct args *args)
{
	struct showing showing = { .cli = cli, .to = stdout, .json = cli->json };
	struct mmsb_log_info info = { .size = sizeof(info) };
	uint64_t from, timeout = MMSB_FOREVER;
	int err;

	if (!show_options(&showing, args, &from) || !arg_time(cli, args, OPT_TIMEOUT, &timeout))
		return CLI_USAGE;
	err = mmsb_log_info(args->operand[0], &info);
	if (err)
		return fail_lib(cli, err, "cannot follow the log %s", args->operand[0]);
	return show_log(&showing, args, arg_has(args, OPT_FROM) ? from : info.last_tick + 1, timeout ? timeout : 1);
}
