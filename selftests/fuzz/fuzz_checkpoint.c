// SPDX-License-Identifier: GPL-2.0-only
/* The reader of checkpoints: see logfile.h. */
#include "logfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return look_at_file(data, size, true);
}
