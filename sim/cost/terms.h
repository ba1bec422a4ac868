/*
 * terms.h - the times that costs are made of; private to the room.
 *
 * Layer cost.
 */
#ifndef SIM_COST_TERMS_H
#define SIM_COST_TERMS_H
#include <math.h>

#include "sim/cost/cost.h"
#include "sim/cost/util.h"

/* Products of at most so many rows read their weights once and do little else; a matrix-vector kernel runs
 * them. */
enum { GEMV_ROWS = 8 };

static inline struct term term_arithmetic(const struct device_model *device_model, double flop,
					  const struct util *u)
{
	const struct qty *peak = &device_model->device->peak[device_model->compute];

	return (struct term){flop / (peak->value * u->u), u->spread, u->provenance};
}

static inline struct term term_stream(double bytes, const struct qty *rate)
{
	return (struct term){bytes / rate->value, rate->spread, rate->provenance};
}

/* Adds seconds of the host; nothing where they are none, or the quantity behind them is not known. */
static inline void terms_add_host(struct term *t, double s, const struct qty *q)
{
	if (!q->given || s <= 0)
		return;
	t->spread = (t->s * t->spread + s * q->spread) / (t->s + s);
	t->s += s;
	t->from = provenance_worse(t->from, q->provenance);
}

static inline struct util term_util(const struct qty *q)
{
	return (struct util){q->value, q->spread, q->provenance};
}

static inline bool is_given(const struct origin *o)
{
	return o->node != NULL;
}

static inline struct term term_at_share(const struct device_model *device_model, double flop,
					const struct qty *u)
{
	const struct qty *peak = &device_model->device->peak[device_model->compute];

	return u ? (struct term){flop / (peak->value * fmin(u->value, 1)), u->spread, u->provenance}
		 : (struct term){flop / peak->value, 0, PROVENANCE_MEASURED};
}

#endif
