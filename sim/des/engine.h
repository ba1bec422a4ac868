/*
 * engine.h - the clock: takes events in order and fires them. One engine for each run; there is no global
 * one.
 *
 * Layer des.
 */
#ifndef SIM_DES_ENGINE_H
#define SIM_DES_ENGINE_H
#include "sim/base/err.h"
#include "sim/des/evq.h"

struct engine; /* opaque */

struct engine *engine_new(void); /* at time 0; never NULL */
void engine_free(struct engine *e);

sim_ns engine_now(const struct engine *e);

/* fire(self, now) at at_ns; a time before now is a BUG, overflow past INT64_MAX too. */
void engine_at(struct engine *e, sim_ns at_ns, enum ev_class class, void (*fire)(void *, sim_ns), void *self);
void engine_after(struct engine *e, sim_ns delay_ns, enum ev_class class, void (*fire)(void *, sim_ns),
		  void *self);

void engine_run(struct engine *e);             /* until nothing is pending */
uint64_t engine_fired(const struct engine *e); /* events fired so far */

static inline sim_ns sim_later(sim_ns a, sim_ns b)
{
	return a > b ? a : b;
}

/* Seconds to the clock's nanoseconds: rounds half away from zero. Negative, NaN or past 292 years is a
 * BUG. */
static inline sim_ns sim_ns_of_s(double seconds)
{
	const double ns = seconds * 1e9;
	sim_ns whole;

	if (!(ns >= 0 && ns < 0x1p63)) /* NaN fails too */
		BUG("%g s does not fit on the clock", seconds);
	whole = (sim_ns)ns; /* llround() without its call: the difference is exact */
	return whole + (ns - (double)whole >= 0.5);
}

static inline double sim_s_of_ns(sim_ns ns)
{
	return (double)ns / 1e9;
}

#endif
