/* passes.c - see passes.h. */
#include "sim/cost/passes.h"

#include "sim/cost/terms.h"

struct term term_passes(double bytes, double tensor_B, const struct device_model *device_model)
{
	const struct qty *cache = &device_model->device->cache, *held = &device_model->profile->copy_held;
	struct term t = term_stream(bytes, &device_model->profile->copy);

	if (held->given && cache->given && tensor_B > 0)
		t.s *= 1 - (1 - held->value) * fmin(1, cache->value / (2 * tensor_B));
	return t;
}
