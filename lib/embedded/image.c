// SPDX-License-Identifier: MIT
/*
 * What an image adds to the state hash, without a space to put it in: so whoever reads a checkpoint can tell whether it is what the space was.
 * It comes to the same as ms_page_hash().
 */
#include "engine.h"
#include "hash.h"
#include "home.h"

static void add_derivation(const struct mmsb_image *image, const struct ms_hash_key *key, struct ms_hash *hash)
{
	const struct mmsb_derive *derive = (const struct mmsb_derive *)(image + 1);
	const struct mmsb_edge *edge = (const struct mmsb_edge *)(derive + 1);
	u64 sum[2] = { 0 };
	uint32_t i;

	ms_hash_rule(sum, derive->rule, derive->version, derive->lane, (uint8_t)derive->flags, (const u64 *)derive->param);
	for (i = 0; i < image->edges; i++)
		ms_hash_edge(sum, i, edge[i].parent, edge[i].weight, edge[i].type, 0);
	ms_hash_derivation(hash, key, sum, false);
}

static void add_bytes(const struct mmsb_image *image, const struct ms_hash_key *key, struct ms_hash *hash)
{
	uint64_t graph = image->edges ? sizeof(struct mmsb_derive) + image->edges * (sizeof(struct mmsb_edge) + sizeof(uint64_t)) : 0;
	const uint64_t *words = (const uint64_t *)((const uint8_t *)(image + 1) + graph);
	uint64_t first = image->offset / 8, n = (image->length + 7ull) / 8, i;

	for (i = 0; i < n; i++)
		if (words[i])
			ms_hash_word(hash, key, first + i, 0, words[i]);
}

void embedded_image_hash(const struct mmsb_image *image, uint64_t hash[2])
{
	struct ms_hash_key key = ms_hash_key(image->page);
	struct ms_hash sum = { { hash[0], hash[1] } };

	if (image->kind != MMSB_KIND_NONE) {
		if (!(image->flags & MMSB_IMAGE_AGAIN)) {
			ms_hash_exists(&sum, &key, image->bytes, image->kind, false);
			ms_hash_epochs(&sum, &key, image->epoch);
		}
		if (image->edges)
			add_derivation(image, &key, &sum);
		add_bytes(image, &key, &sum);
	}
	hash[0] = sum.sum[0];
	hash[1] = sum.sum[1];
}
