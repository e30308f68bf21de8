/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What mmsb-lat shows, computed once for its table, its JSON and its picture: of each layer the percentiles of all deltas, and of deltas whose
 * whole way took about equally long what they spent in each layer on the average. The latter add up to the whole way, the former need not.
 */
#ifndef LAT_H
#define LAT_H

#include <stdint.h>
#include <stdio.h>
#include "way.h"

struct lat {
	const char *space;
	double seconds;
	uint64_t lost;
	struct way_space counts;
};

extern const char *const lat_names[WAY_HISTS];

uint64_t lat_deltas(const struct lat *lat, unsigned int layer);
uint64_t lat_percentile(const struct lat *lat, unsigned int layer, double part);
double lat_mean(const struct lat *lat, unsigned int layer);		/* of all deltas; none for WAY_DISK */
double lat_share(const struct lat *lat, unsigned int bucket, unsigned int layer);	/* of deltas of that bucket: nanoseconds in a layer, WAY_TOTAL: in all */
unsigned int lat_bucket(const struct lat *lat, double part);		/* where that percentile of the whole way lies */

void lat_svg(FILE *to, const struct lat *lat);

#endif
