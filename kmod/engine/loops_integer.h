/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The loops of one integer lane type. Included once for each, with
 *
 *	LANE		the type
 *	UNSIGNED	the unsigned type of its width, in which sums and products wrap
 *	LEAST, MOST	the ends of its range
 *	IS_SIGNED	0 or 1
 *	WIDE		a type that holds the product of any two; undefined for 64 bits
 *	PARTIAL		a type that holds the sum of 64 KiB of lanes
 *
 * Saturating sums are made from wrapping ones and their signs, in the lane's own width, so that compilers find vector
 * instructions for them.
 */
#define PASTE2(a, b)	a ## _ ## b
#define PASTE(a, b)	PASTE2(a, b)
#define NAME(name)	PASTE(name, LANE)

static inline LANE NAME(mul)(LANE a, LANE b)
{
	return (LANE)(((UNSIGNED)a + 0u) * (UNSIGNED)b);
}

static inline LANE NAME(add)(LANE a, LANE b)
{
	return (LANE)(UNSIGNED)((UNSIGNED)a + (UNSIGNED)b);
}

static inline LANE NAME(add_clamped)(LANE a, LANE b)
{
	UNSIGNED sum = (UNSIGNED)((UNSIGNED)a + (UNSIGNED)b);

#if IS_SIGNED
	LANE end = a < 0 ? LEAST : MOST;
	LANE overflow = (LANE)((UNSIGNED)(a ^ sum) & (UNSIGNED)(b ^ sum));

	return overflow < 0 ? end : (LANE)sum;
#else
	return sum < a ? MOST : sum;
#endif
}

static inline LANE NAME(mul_clamped)(LANE a, LANE b)
{
#ifdef WIDE
	WIDE product = (WIDE)a * (WIDE)b;

#if IS_SIGNED
	product = product < LEAST ? LEAST : product;
#endif
	return (LANE)(product > MOST ? MOST : product);
#else
#if IS_SIGNED
	__int128 product = (__int128)a * b;
	LANE end = (a < 0) == (b < 0) ? MOST : LEAST;

	return (LANE)(product >> 64) == (LANE)product >> 63 ? (LANE)product : end;
#else
	__uint128_t product = (__uint128_t)a * b;

	return product >> 64 ? MOST : (LANE)product;
#endif
#endif
}

static inline LANE NAME(min)(LANE a, LANE b)
{
	return a < b ? a : b;
}

static inline LANE NAME(max)(LANE a, LANE b)
{
	return a > b ? a : b;
}

static inline LANE NAME(and)(LANE a, LANE b)
{
	return a & b;
}

static inline LANE NAME(or)(LANE a, LANE b)
{
	return a | b;
}

static inline LANE NAME(xor)(LANE a, LANE b)
{
	return a ^ b;
}

/* The folds that stand in the table: first_INNER, next_OUTER_INNER, same_OUTER. */
#define FIRST(inner)									\
static void NAME(first_ ## inner)(void *to, const void *from, u32 lanes, u64 weight)	\
{											\
	const LANE *in = from, w = (LANE)weight;					\
	LANE *__restrict out = to;							\
	u32 i;										\
											\
	for (i = 0; i < lanes; i++)							\
		out[i] = NAME(inner)(in[i], w);						\
}

#define NEXT(outer, inner)								\
static void NAME(next_ ## outer ## _ ## inner)(void *to, const void *from, u32 lanes, u64 weight)	\
{											\
	const LANE *in = from, w = (LANE)weight;					\
	LANE *__restrict out = to;							\
	u32 i;										\
											\
	for (i = 0; i < lanes; i++)							\
		out[i] = NAME(outer)(out[i], NAME(inner)(in[i], w));			\
}

#define SAME(outer)									\
static void NAME(same_ ## outer)(void *to, const void *from, u32 lanes)			\
{											\
	const LANE *in = from;								\
	LANE *__restrict out = to;							\
	u32 i;										\
											\
	for (i = 0; i < lanes; i++)							\
		out[i] = NAME(outer)(out[i], in[i]);					\
}

FIRST(mul)
FIRST(mul_clamped)
FIRST(add)
FIRST(add_clamped)
FIRST(and)
FIRST(min)
NEXT(add, mul)
NEXT(add_clamped, mul_clamped)
NEXT(min, add)
NEXT(min, add_clamped)
NEXT(max, add)
NEXT(max, add_clamped)
NEXT(or, and)
NEXT(max, min)
NEXT(xor, and)
SAME(add)
SAME(add_clamped)
SAME(min)
SAME(max)
SAME(or)
SAME(xor)

#undef FIRST
#undef NEXT
#undef SAME

/* -------------------------------------------------------------------------------------------------------- reductions */

static void NAME(sum)(struct ms_reduction *reduction, const void *from, u32 lanes)
{
	const LANE *in = from;
	PARTIAL sum = 0;
	u32 i;

	for (i = 0; i < lanes; i++)
		sum += in[i];
	reduction->sum += sum;
}

static void NAME(count)(struct ms_reduction *reduction, const void *from, u32 lanes)
{
	const LANE *in = from;
	u32 count = 0, i;

	for (i = 0; i < lanes; i++)
		count += in[i] != 0;
	reduction->count += count;
}

static void NAME(least)(struct ms_reduction *reduction, const void *from, u32 lanes)
{
	const LANE *in = from;
	LANE least = reduction->lanes ? (LANE)reduction->least : MOST;
	u32 i;

	for (i = 0; i < lanes; i++)
		least = in[i] < least ? in[i] : least;
	reduction->least = (u64)least;
}

static void NAME(most)(struct ms_reduction *reduction, const void *from, u32 lanes)
{
	const LANE *in = from;
	LANE most = reduction->lanes ? (LANE)reduction->most : LEAST;
	u32 i;

	for (i = 0; i < lanes; i++)
		most = in[i] > most ? in[i] : most;
	reduction->most = (u64)most;
}

#undef PASTE2
#undef PASTE
#undef NAME
#undef LANE
#undef UNSIGNED
#undef LEAST
#undef MOST
#undef IS_SIGNED
#undef WIDE
#undef PARTIAL
