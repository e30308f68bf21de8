/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The loops of one floating point lane type. Included once for each, with
 *
 *	LANE		the type
 *	BITS, ORDER	the unsigned and the signed type of its width
 *	SIGN		its sign bit
 *	QUIET		the one NaN that ever comes out, of BITS
 *
 * Whatever makes a NaN makes that one, for hardware differs in the sign and the payload of those it makes. Which of two zeros is
 * less is decided by their bits. Extremes are kept as signed integers that are in the order of the numbers, so that they
 * cost what those of integers cost; a NaN is beyond them all.
 */
#define PASTE2(a, b)	a ## _ ## b
#define PASTE(a, b)	PASTE2(a, b)
#define NAME(name)	PASTE(name, LANE)

static inline LANE NAME(of)(BITS bits)
{
	LANE x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static inline BITS NAME(bits)(LANE x)
{
	BITS bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline LANE NAME(canonical)(LANE x)
{
	return x == x ? x : NAME(of)(QUIET);
}

static inline LANE NAME(mul)(LANE a, LANE b)
{
	return a * b;
}

static inline LANE NAME(add)(LANE a, LANE b)
{
	return a + b;
}

/* Neither less: the same number, or zeros of both signs, or a NaN among them, which a sum keeps. */
static inline LANE NAME(min)(LANE a, LANE b)
{
	LANE neither = a == b ? NAME(of)(NAME(bits)(a) | NAME(bits)(b)) : a + b;

	return a < b ? a : b < a ? b : neither;
}

static inline LANE NAME(max)(LANE a, LANE b)
{
	LANE neither = a == b ? NAME(of)(NAME(bits)(a) & NAME(bits)(b)) : a + b;

	return a > b ? a : b > a ? b : neither;
}

static inline LANE NAME(weight)(u64 bits)
{
	double weight;

	memcpy(&weight, &bits, sizeof(weight));
	return (LANE)weight;
}

#define FIRST(inner)									\
static void NAME(first_ ## inner)(void *to, const void *from, u32 lanes, u64 weight)	\
{											\
	const LANE *in = from, w = NAME(weight)(weight);				\
	LANE *__restrict out = to;							\
	u32 i;										\
											\
	for (i = 0; i < lanes; i++)							\
		out[i] = NAME(canonical)(NAME(inner)(in[i], w));			\
}

#define NEXT(outer, inner)								\
static void NAME(next_ ## outer ## _ ## inner)(void *to, const void *from, u32 lanes, u64 weight)	\
{											\
	const LANE *in = from, w = NAME(weight)(weight);				\
	LANE *__restrict out = to;							\
	u32 i;										\
											\
	for (i = 0; i < lanes; i++)							\
		out[i] = NAME(canonical)(NAME(outer)(out[i], NAME(inner)(in[i], w)));	\
}

FIRST(mul)
FIRST(add)
FIRST(min)
NEXT(add, mul)
NEXT(min, add)
NEXT(max, add)
NEXT(max, min)

#undef FIRST
#undef NEXT

/* -------------------------------------------------------------------------------------------------------- reductions */

/* Lane number i of all goes to running sum i mod 8. */
static void NAME(sum)(struct ms_reduction *reduction, const void *from, u32 lanes)
{
	const LANE *in = from;
	double running[8];
	u32 i = 0, k;

	memcpy(running, reduction->running, sizeof(running));
	for (; i < lanes && (reduction->lanes + i) % 8; i++)
		running[(reduction->lanes + i) % 8] += (double)in[i];
	for (; i + 8 <= lanes; i += 8)
		for (k = 0; k < 8; k++)
			running[k] += (double)in[i + k];
	for (k = 0; i < lanes; i++, k++)
		running[k] += (double)in[i];
	memcpy(reduction->running, running, sizeof(running));
}

static void NAME(count)(struct ms_reduction *reduction, const void *from, u32 lanes)
{
	const BITS *in = from;
	u32 count = 0, i;

	for (i = 0; i < lanes; i++)
		count += (in[i] & ~SIGN) != 0;
	reduction->count += count;
}

/* Negative numbers are turned round, so that they are in order as integers are. */
static inline ORDER NAME(order)(BITS bits)
{
	return (ORDER)(bits & SIGN ? bits ^ ~SIGN : bits);
}

static inline bool NAME(is_nan)(BITS bits)
{
	return (ORDER)(bits & ~SIGN) > (ORDER)NAME(bits)((LANE)__builtin_inf());
}

static void NAME(least)(struct ms_reduction *reduction, const void *from, u32 lanes)
{
	ORDER least = reduction->lanes ? (ORDER)reduction->least : NAME(order)(QUIET);
	const BITS *in = from;
	BITS nan = 0;
	u32 i;

	for (i = 0; i < lanes; i++) {
		least = NAME(order)(in[i]) < least ? NAME(order)(in[i]) : least;
		nan |= NAME(is_nan)(in[i]);
	}
	reduction->least = (u64)(nan ? NAME(order)(SIGN | QUIET) : least);
}

static void NAME(most)(struct ms_reduction *reduction, const void *from, u32 lanes)
{
	ORDER most = reduction->lanes ? (ORDER)reduction->most : NAME(order)(SIGN | QUIET);
	const BITS *in = from;
	BITS nan = 0;
	u32 i;

	for (i = 0; i < lanes; i++) {
		most = NAME(order)(in[i]) > most ? NAME(order)(in[i]) : most;
		nan |= NAME(is_nan)(in[i]);
	}
	reduction->most = (u64)(nan ? NAME(order)(QUIET) : most);
}

static u64 NAME(total)(const struct ms_reduction *reduction)
{
	double running[8], total;
	u64 bits;

	memcpy(running, reduction->running, sizeof(running));
	total = ((running[0] + running[1]) + (running[2] + running[3])) + ((running[4] + running[5]) + (running[6] + running[7]));
	if (total != total)
		return QUIET_F64;
	memcpy(&bits, &total, sizeof(bits));
	return bits;
}

/* What turned bits into an integer of the same order turns it back. */
static u64 NAME(extreme)(u64 kept)
{
	BITS found = (BITS)NAME(order)((BITS)kept);
	double number;
	u64 bits;

	if (NAME(is_nan)(found))
		return QUIET_F64;
	number = NAME(of)(found);
	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

#undef PASTE2
#undef PASTE
#undef NAME
#undef LANE
#undef BITS
#undef ORDER
#undef SIGN
#undef QUIET
