/* command_buffers.c - see command_buffers.h. */
#include "sim/cost/command_buffers.h"

#include <math.h>

/* Weights in blocks are packed in numbers of 32 bits; each 64 have a scale and a bias of 16 bits beside them, which count as one
 * each: of b bits in all, b - 0.5 are packed. */
static double numbers_of_weight(double bits)
{
	enum { PACKED_BITS = 32, GROUP = 64 };
	const double scale_bits = 0.5;

	return bits >= 16 ? 1 : (bits - scale_bits) / PACKED_BITS + 2.0 / GROUP;
}

double command_buffers(const struct overhead *o, const struct op *op, double share)
{
	const double shape = (double)op->n * (double)op->k, weights = op->copies * shape;
	const double arrays = op->experts ? (double)op->experts_all : 1;
	double numbers;

	if (!o->buffer.given || !o->buffer_inputs || !(weights > 0) || op->gradient)
		return 0;
	numbers = arrays * shape * numbers_of_weight(8 * op->weight_B / weights) * share;
	/* products alike: so many are within the limit, and the next one passes it and ends the buffer */
	return op->times / (floor((double)o->buffer_inputs / numbers) + 1);
}
