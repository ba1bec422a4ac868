/* heat.c - what a machine keeps of its arithmetic when it has worked for a while; see cost.h. */
#include "sim/cost/cost.h"

#include <math.h>

#include "sim/base/exact_math.h"

/* The mean of exp(-t / tau) over a stretch of work. */
static double mean_decay(struct work_span span, double tau)
{
	const double from = exact_exp(-span.from_s / tau), long_s = span.to_s - span.from_s;

	if (isinf(span.from_s))
		return 0;
	if (!(long_s > 1e-9 * tau))
		return from;
	return isinf(long_s) ? 0 : tau / long_s * (from - exact_exp(-span.to_s / tau));
}

void device_model_sustain(struct device_model *device_model, struct work_span span)
{
	const struct qty *sustained = &device_model->machine->sustained,
			 *after = &device_model->machine->sustained_after;
	double cool, later, by_share, by_time;

	if (!sustained->given || !(span.to_s > 0) || (!after->given && !isinf(span.to_s)))
		return;
	device_model->kept = *sustained;
	if (isinf(span.from_s) || !after->given)
		return;
	/* how far it moves with its two numbers, each by its spread */
	cool = mean_decay(span, after->value);
	later = mean_decay(span, after->value * (1 + after->spread));
	by_share = (1 - cool) * sustained->value * sustained->spread;
	by_time = (1 - sustained->value) * (later - cool);
	device_model->kept.value = sustained->value + (1 - sustained->value) * cool;
	device_model->kept.spread = exact_hypot(by_share, by_time) / device_model->kept.value;
	device_model->kept.provenance = provenance_worse(sustained->provenance, after->provenance);
}
