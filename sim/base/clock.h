/*
 * clock.h - the time of a server: whole nanoseconds and the femtoseconds beyond them.
 *
 * Layer base. Iterations take whole femtoseconds; an int64_t of those holds 2.5 hours, so the clock keeps
 * nanoseconds apart and spans are 128 bits wide. Sums are exact in whatever order they are made.
 */
#ifndef SIM_BASE_CLOCK_H
#define SIM_BASE_CLOCK_H
#include <stdint.h>

__extension__ typedef __int128 span_fs;

enum { FS_PER_NS = 1000000 };

struct clock {
	int64_t ns, fs; /* 0 <= fs < FS_PER_NS */
};

static inline struct clock clock_after(struct clock c, span_fs span)
{
	if (span <= INT64_MAX - FS_PER_NS) {
		const int64_t fs = c.fs + (int64_t)span;

		return (struct clock){c.ns + fs / FS_PER_NS, fs % FS_PER_NS};
	}
	span += c.fs;
	return (struct clock){c.ns + (int64_t)(span / FS_PER_NS), (int64_t)(span % FS_PER_NS)};
}

static inline int64_t clock_stamp(struct clock c) /* rounded up: when the world sees it */
{
	return c.ns + (c.fs > 0);
}

static inline span_fs clock_since(struct clock late, struct clock early)
{
	return (span_fs)(late.ns - early.ns) * FS_PER_NS + late.fs - early.fs;
}

/* fs + (fs + slope) + ...: k iterations together. */
static inline span_fs span_of(int64_t fs, int64_t slope_fs, int64_t k)
{
	return k == 1 ? fs : (span_fs)fs * k + (span_fs)slope_fs * ((span_fs)k * (k - 1) / 2);
}

/* The most of them that together take at most `span`, and at most `most`; fs > 0, slope_fs >= 0. */
int64_t span_holds(int64_t fs, int64_t slope_fs, span_fs span, int64_t most);

#endif
