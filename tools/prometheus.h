/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel home is doing, in Prometheus's text format: spaces, rings and shards as counters and gauges, the layers of spaces that are
 * timed as histograms in seconds.
 *
 * The format wants all samples of a family together, and netlink gives all fields of a thing together, so a table is filled first and then
 * written family by family. What goes while it is asked for is left out.
 */
#ifndef PROMETHEUS_H
#define PROMETHEUS_H

#include <stdio.h>
#include "nlc.h"

/* 0 or a negative errno. */
int prometheus_write(struct nlc *nl, FILE *to);

#endif
