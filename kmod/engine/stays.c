// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "stays.h"
#include "hist.h"

static bool is_behind(u32 a, u32 b)
{
	return (s32)(a - b) > 0;
}

void ms_stays_begin(struct ms_stays *stays, u32 upto)
{
	stays->gone = stays->upto = upto;
	stays->n = 0;
	stays->grain = 0;
}

/* At most nine are left. */
static void thin(struct ms_stays *stays, u64 now)
{
	u32 last = 0, i;

	stays->grain = (now - stays->stay[0].at) / 8 + 1;
	for (i = 1; i < stays->n; i++)
		if (stays->stay[i].at - stays->stay[last].at < stays->grain)
			stays->stay[last].upto = stays->stay[i].upto;
		else
			stays->stay[++last] = stays->stay[i];
	stays->n = last + 1;
}

void ms_stays_add(struct ms_stays *stays, u32 upto, u64 now)
{
	if (!is_behind(upto, stays->upto))
		return;
	stays->upto = upto;
	if (unlikely(stays->n == MS_STAYS))
		thin(stays, now);
	if (stays->n && now - stays->stay[stays->n - 1].at < stays->grain)
		stays->stay[stays->n - 1].upto = upto;
	else
		stays->stay[stays->n++] = (struct ms_stay){ .at = now, .upto = upto };
}

static void drop_first(struct ms_stays *stays)
{
	u32 i;

	for (i = 1; i < stays->n; i++)
		stays->stay[i - 1] = stays->stay[i];
	if (!--stays->n)
		stays->grain = 0;
}

void ms_stays_take(struct ms_stays *stays, u32 upto, u64 now, struct ms_hist *hist)
{
	while (stays->n && is_behind(upto, stays->gone)) {
		const struct ms_stay first = stays->stay[0];
		u32 end = is_behind(first.upto, upto) ? upto : first.upto;

		ms_hist_add(hist, now > first.at ? now - first.at : 0, end - stays->gone);
		stays->gone = end;
		if (end == first.upto)
			drop_first(stays);
	}
	if (unlikely(is_behind(upto, stays->upto)))
		ms_stays_begin(stays, upto);
}
