// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "layers.h"
#include "out.h"

void layer_print(const struct layer *layer, bool *begun)
{
	if (!*begun)
		printf("%-9s %14s %10s %10s %10s %10s %10s %10s %10s\n", "LAYER", "DELTAS", "MEAN", "SHORTEST", "P50", "P90", "P99", "P99.9", "LONGEST");
	*begun = true;
	printf("%-9s %14s %10s %10s %10s %10s %10s %10s %10s\n", layer->name, text_grouped(layer->count).s,
	       text_ns(layer->count ? layer->sum / layer->count : 0).s, text_ns(layer->shortest).s, text_ns(layer->p50).s, text_ns(layer->p90).s,
	       text_ns(layer->p99).s, text_ns(layer->p999).s, text_ns(layer->longest).s);
}

void layer_json(struct json *json, const struct layer *layer)
{
	json_object(json, NULL);
	json_string(json, "layer", layer->name);
	json_u64(json, "count", layer->count);
	json_u64(json, "sum", layer->sum);
	json_u64(json, "shortest", layer->shortest);
	json_u64(json, "longest", layer->longest);
	json_u64(json, "p50", layer->p50);
	json_u64(json, "p90", layer->p90);
	json_u64(json, "p99", layer->p99);
	json_u64(json, "p999", layer->p999);
	json_close(json);
}
