// SPDX-License-Identifier: MIT
/*
 * Why a call failed, in words. Each thread keeps the text of its last failure; a call that succeeds leaves it alone, as with
 * errno. The engine's reasons come from one table (mmsb/reasons.h), so text and errno cannot drift apart.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "home.h"

static __thread char last[512];

struct reason {
	const char *name;
	int err;
	const char *text;
};

#define REASON(name, err, text) { #name, err, text },
static const struct reason reasons[] = { MMSB_REASONS(REASON) };
#undef REASON

static const struct reason *reason_at(enum mmsb_reason reason)
{
	static const struct reason unknown = { "UNKNOWN", EIO, "a reason that this library does not know: it is older than the engine" };

	return (unsigned int)reason < MMSB_REASON_LAST ? &reasons[reason] : &unknown;
}

const char *mmsb_reason_text(enum mmsb_reason reason)
{
	return reason_at(reason)->text;
}

const char *mmsb_reason_name(enum mmsb_reason reason)
{
	return reason_at(reason)->name;
}

const char *mmsb_strerror_last(void)
{
	return last[0] ? last : "no call of this thread has failed";
}

int msl_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last, sizeof(last), format, args);
	va_end(args);
	return -err;
}

int msl_fail_reason(enum mmsb_reason reason)
{
	const struct reason *why = reason_at(reason);

	return msl_fail(why->err, "%s (%s)", why->text, why->name);
}

int msl_opts(void *to, size_t known, const void *from)
{
	const unsigned char *bytes = from;
	size_t size = known, i;

	memset(to, 0, known);
	if (!from)
		return 0;
	memcpy(&size, from, sizeof(size));
	if (size < sizeof(size))
		return msl_fail(EINVAL, "an options struct begins with its size: initialise it with MMSB_OPTS()");
	for (i = known; i < size; i++) {
		if (bytes[i])
			return msl_fail(E2BIG, "an options struct sets a field that libmmsb-user %s does not know: update the library",
					mmsb_version());
	}
	memcpy(to, from, size < known ? size : known);
	return 0;
}

void msl_args_out(void *to, const void *args, size_t known)
{
	uint32_t size;

	memcpy(&size, to, sizeof(size));
	if (size == 0 || size > known)
		size = (uint32_t)known;
	memcpy(to, args, size);
	if (size >= sizeof(size))
		memcpy(to, &size, sizeof(size));
}
