// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb version: the command is linked with its library, so both have one version; the kernel home has its own, shown if
 * it can be asked. Probes are what 'mmsb trace' watches the embedded home by.
 */
#include <stdio.h>
#include "args.h"
#include "json.h"
#include "out.h"

enum cli_exit cmd_version(struct cli *cli, const struct args *args)
{
	struct mmsb_info_args info = { .size = sizeof(info) };
	struct mmsb *kernel = NULL;
	struct json json;
	bool there;

	(void)args;
	there = !mmsb_open(&kernel, MMSB_OPTS(struct mmsb_open_opts, .home = "kernel", .device = cli->device)) &&
		!mmsb_info(kernel, &info);
	mmsb_close(kernel);
	if (cli->json) {
		json_begin(&json, stdout);
		json_string(&json, "version", mmsb_version());
		json_u64(&json, "abi", MMSB_ABI_VERSION);
		json_bool(&json, "probes", CLI_PROBES);
		json_string(&json, "kernel_version", there ? info.version : NULL);
		if (there)
			json_u64(&json, "kernel_abi", info.abi);
		json_end(&json);
		return CLI_OK;
	}
	printf("mmsb %s, ABI %d; %s; ", mmsb_version(), MMSB_ABI_VERSION, CLI_PROBES ? "with probes" : "without probes");
	if (there)
		printf("kernel home %s, ABI %u\n", info.version, info.abi);
	else
		printf("no kernel home here ('mmsb doctor' says why)\n");
	return CLI_OK;
}
