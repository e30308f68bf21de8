// SPDX-License-Identifier: MIT
#include "coding.h"

void msl_context_begin(struct msl_context *context, uint32_t shards)
{
	memset(context, 0, sizeof(*context));
	context->shards = shards;
	context->line[0].generation = 1;	/* line 0 is where a line of zeros seems to be that of page 0 */
	context->shape = MSL_SHAPES;
}

uint64_t msl_get_long(struct msl_input *in)
{
	uint64_t value = 0, byte;
	unsigned int shift;

	for (shift = 0; shift < 7 * MSL_VARINT_MAX; shift += 7) {
		byte = msl_get_byte(in);
		if (shift == 63 && byte > 1)
			break;
		value |= (byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	in->bad = true;
	return 0;
}
