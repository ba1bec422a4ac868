/* timeline.c - see timeline.h. */
#include "sim/serve/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

void timeline_begin(struct timeline *t, size_t channels)
{
	*t = (struct timeline){
		.channels = channels, .width_ns = 1 << TIMELINE_FIRST_BITS, .bits = TIMELINE_FIRST_BITS};
	t->cells = xcalloc(channels * TIMELINE_CELLS, sizeof *t->cells);
}

void timeline_release(struct timeline *t)
{
	free(t->cells);
	t->cells = NULL;
}

static void widen(struct timeline *t)
{
	const size_t half = TIMELINE_CELLS / 2 * t->channels;

	for (size_t i = 0; i < TIMELINE_CELLS / 2; i++)
		for (size_t c = 0; c < t->channels; c++) {
			struct timeline_cell *to = &t->cells[i * t->channels + c];
			const struct timeline_cell *a = &t->cells[2 * i * t->channels + c],
						   *b = a + t->channels;

			*to = (struct timeline_cell){a->moment + b->moment, a->step + b->step};
		}
	memset(t->cells + half, 0, half * sizeof *t->cells);
	t->width_ns *= 2;
	t->bits++;
}

static inline struct timeline_cell *cells_at(struct timeline *t, int64_t at_ns)
{
	BUG_ON(at_ns < 0);
	while (at_ns >> t->bits >= TIMELINE_CELLS)
		widen(t);
	t->end_ns = at_ns > t->end_ns ? at_ns : t->end_ns;
	return t->cells + (size_t)(at_ns >> t->bits) * t->channels;
}

void timeline_step(struct timeline *t, size_t channel, int64_t at_ns, int64_t by)
{
	struct timeline_cell *c = cells_at(t, at_ns) + channel;

	c->step += by;
	c->moment += (wide_int)by * at_ns;
}

void timeline_add(struct timeline *t, size_t channel, int64_t at_ns, int64_t by)
{
	cells_at(t, at_ns)[channel].moment -= by;
}

void timeline_hold(struct timeline *t, size_t first, size_t n, int64_t from_ns, int64_t to_ns,
		   const int64_t *values)
{
	struct timeline_cell *to = cells_at(t, to_ns) + first, *from = cells_at(t, from_ns) + first;

	for (size_t i = 0; i < n && from == to; i++) /* both steps at once */
		to[i].moment -= (wide_int)values[i] * (to_ns - from_ns);
	for (size_t i = 0; i < n && from != to; i++) {
		from[i].step += values[i];
		from[i].moment += (wide_int)values[i] * from_ns;
		to[i].step -= values[i];
		to[i].moment -= (wide_int)values[i] * to_ns;
	}
}

size_t timeline_cells(const struct timeline *t)
{
	return (size_t)(t->end_ns / t->width_ns);
}

/* The integral from 0 to an edge or the end: everything before it, of steps and their times. */
static wide_int until(const struct timeline *t, size_t channel, size_t cells, int64_t at_ns)
{
	const struct timeline_cell *x = t->cells + channel;
	wide_int steps = 0, moments = 0;

	for (size_t i = 0; i < cells; i++, x += t->channels) {
		steps += x->step;
		moments += x->moment;
	}
	return steps * at_ns - moments;
}

void timeline_means(const struct timeline *t, size_t channel, size_t n, double *means)
{
	const struct timeline_cell *x = t->cells + channel;
	wide_int steps = 0, moments = 0, before = 0;

	for (size_t i = 0; i < n; i++, x += t->channels) {
		wide_int now;

		steps += x->step;
		moments += x->moment;
		now = steps * ((int64_t)(i + 1) * t->width_ns) - moments;
		means[i] = (double)(now - before) / (double)t->width_ns;
		before = now;
	}
}

int64_t timeline_edge(const struct timeline *t, int64_t from_ns)
{
	const int64_t edge = (from_ns + t->width_ns - 1) / t->width_ns * t->width_ns;

	return edge < t->end_ns ? edge : t->end_ns;
}

double timeline_integral(const struct timeline *t, size_t channel, int64_t from_ns)
{
	const int64_t edge = timeline_edge(t, from_ns);
	const size_t cells = (size_t)((edge + t->width_ns - 1) / t->width_ns);
	const wide_int whole = until(t, channel, TIMELINE_CELLS, t->end_ns);

	return edge >= t->end_ns ? 0 : (double)(whole - until(t, channel, cells, edge));
}
