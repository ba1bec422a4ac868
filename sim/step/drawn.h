/*
 * drawn.h - the times of the classes of some programs under several draws at a time.
 *
 * Layer step. Programs of one world are drawn together: classes that no draw can tell apart are computed once. A few draws are
 * computed side by side, so that what a class and a segment cost to look up is paid once for them; each draw's times are those
 * that program_times_drawn() and compiled_run() give, to the nanosecond.
 */
#ifndef SIM_STEP_DRAWN_H
#define SIM_STEP_DRAWN_H
#include "sim/step/compile.h"

enum { DRAWN_AT_ONCE = 8 };

/* As struct class_times: [class * DRAWN_AT_ONCE + draw]. */
struct drawn_times {
	sim_ns *ns, *lag_ns, *ahead_ns;
};
/* p may be NULL. */
struct drawn_times drawn_times_new(struct arena *a, const struct program *p);

/* n draws, of 1 to DRAWN_AT_ONCE: z[draw * sources + source]. */
struct draws_at {
	const struct params *z;
	size_t sources, n;
};

/* Some programs, NULL where there is none, which must outlive it. */
struct drawn_programs;
struct drawn_programs *drawn_programs_make(struct arena *a, struct program *const *programs, size_t n);
/* t: [program]. The times of joined classes are left as they are, since a compiled program adds up those of their parts. */
void drawn_programs_times(const struct drawn_programs *d, const struct draws_at *at,
			  const struct drawn_times *t);

/* The times under one of the draws, but for joined classes. z: [source], of that draw, for what is shared; NULL: leaves that out. */
void drawn_times_of(const struct program *p, const struct drawn_times *t, const struct params *z, size_t draw,
		    struct class_times *out);

/* Returns whether compiled_draws() can be asked: nothing is shared, no cycles are left out, and no pass of a stage is one task. */
bool compiled_draws_may(const struct compiled *c);
/* compiled_run() under each of DRAWN_AT_ONCE draws: ends[draw * step]. */
void compiled_draws(const struct compiled *c, const struct drawn_times *t, struct compiled_ends *ends,
		    size_t step);

#endif
