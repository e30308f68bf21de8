// SPDX-License-Identifier: MIT
#include <string.h>
#include "crc32c.h"

#define POLYNOMIAL	0x82f63b78u	/* reflected */

/* table[k][b]: what byte b does to the rest, k bytes further on; so eight bytes take one step. */
static uint32_t table[8][256];

__attribute__((constructor))
static void table_fill(void)
{
	uint32_t b, k, bit, crc;

	for (b = 0; b < 256; b++) {
		for (crc = b, bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[0][b] = crc;
	}
	for (k = 1; k < 8; k++)
		for (b = 0; b < 256; b++)
			table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
}

static uint32_t step8(uint32_t crc, uint64_t word)
{
	word ^= crc;
	return table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255] ^ table[4][word >> 24 & 255] ^
	       table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^ table[1][word >> 48 & 255] ^ table[0][word >> 56];
}

uint32_t msl_crc32c_table(uint32_t crc, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint64_t word;

	crc = ~crc;
	for (; n >= sizeof(word); n -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		crc = step8(crc, word);
	}
	for (; n; n--)
		crc = crc >> 8 ^ table[0][(crc ^ *at++) & 255];
	return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2")))
static uint32_t crc32c_sse(uint32_t crc, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint64_t word, sum = (uint32_t)~crc;

	for (; n >= sizeof(word); n -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = __builtin_ia32_crc32di(sum, word);
	}
	for (; n; n--)
		sum = __builtin_ia32_crc32qi((uint32_t)sum, *at++);
	return ~(uint32_t)sum;
}

uint32_t msl_crc32c(uint32_t crc, const void *bytes, size_t n)
{
	return __builtin_cpu_supports("sse4.2") ? crc32c_sse(crc, bytes, n) : msl_crc32c_table(crc, bytes, n);
}
#else
uint32_t msl_crc32c(uint32_t crc, const void *bytes, size_t n)
{
	return msl_crc32c_table(crc, bytes, n);
}
#endif
