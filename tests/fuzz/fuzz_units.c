/* fuzz_units.c - any text as a quantity of each dimension; what is read can be written and read again. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

#include "sim/base/mem.h"
#include "sim/base/units.h"

static void round_trip(const char *text, enum dim dim)
{
	struct str shown = STR_INIT;
	struct err err = ERR_INIT, again = ERR_INIT;
	double value = 0.125, back = 0;

	if (units_parse(text, dim, &value, &err) != 0) {
		BUG_ON(!err.msg[0] || value != 0.125);
		return;
	}
	BUG_ON(err.msg[0]);
	if (isfinite(value)) { /* what overflows in its unit is for the limits of a field to refuse */
		units_format(&shown, value, dim, 17);
		if (units_parse(shown.text, dim, &back, &again) != 0)
			BUG("'%s' was shown as '%s', which cannot be read: %s", text, shown.text, again.msg);
		BUG_ON(fabs(back - value) > 1e-14 * fabs(value) && fabs(value) > 1e-300);
	}
	str_release(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);

	for (int dim = 0; dim < DIM_N; dim++)
		round_trip(text, (enum dim)dim);
	arena_release(&arena);
	return 0;
}
