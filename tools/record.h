/* SPDX-License-Identifier: GPL-2.0-only */
/* A delta of a log, for people and for programs: what it does, to which bytes of which page, and who made it. */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <mmsb/logging.h>
#include "json.h"

const char *record_op(const struct mmsb_sqe *sqe);	/* "add" */
/* Its operand, wherever it lies; *len bytes of it. */
const void *record_operand(const struct mmsb_delta_record *delta, size_t *len);
void record_print(FILE *to, const struct mmsb_delta_record *delta);	/* one line, without its end */
void record_json(struct json *json, const struct mmsb_delta_record *delta);	/* keys and values, into the object that is open */

#endif
