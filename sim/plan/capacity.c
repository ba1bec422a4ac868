/* capacity.c - see capacity.h. */
#include "sim/plan/capacity.h"

#include <math.h>

enum { DOUBLINGS = 40 };
static const double within = 1.01;

struct bisection {
	const struct capacity_ask *ask;
	struct capacity c;
};

static bool holds(struct bisection *b, double load)
{
	int verdict;

	if (b->c.undecided || load > b->ask->most)
		return false;
	verdict = b->ask->holds(b->ask->self, load);
	b->c.runs++;
	b->c.undecided = verdict < 0;
	return verdict > 0;
}

static double between(const struct bisection *b, double low, double high)
{
	const double middle = sqrt(low * high);

	return b->ask->whole ? fmin(fmax(round(middle), low + 1), high - 1) : middle;
}

static bool apart(const struct bisection *b, double low, double high)
{
	return b->ask->whole ? high - low > 1 : high > low * within;
}

/* The bracket: low holds or is 0, high does not. */
static void bracket(struct bisection *b, double *low, double *high)
{
	double at = fmin(b->ask->start, b->ask->whole ? floor(b->ask->most) : b->ask->most);
	int steps = 0;

	*low = 0;
	*high = INFINITY;
	if (at < b->ask->least)
		at = b->ask->least;
	if (holds(b, at)) {
		for (*low = at; steps < DOUBLINGS && holds(b, at *= 2); steps++)
			*low = at;
		*high = at;
		return;
	}
	for (*high = at; steps < DOUBLINGS && at > b->ask->least && !b->c.undecided; steps++) {
		at = b->ask->whole ? floor(at / 2) : at / 2;
		at = fmax(at, b->ask->least);
		if (holds(b, at)) {
			*low = at;
			return;
		}
		*high = at;
	}
}

static void narrow(struct bisection *b, double *low, double *high)
{
	while (!b->c.undecided && *low > 0 && apart(b, *low, *high)) {
		const double middle = between(b, *low, *high);

		if (holds(b, middle))
			*low = middle;
		else
			*high = middle;
	}
}

/* A load below the answer that fails: the first of those looked at, from the answer down; 0: none. */
static double hole(struct bisection *b, double load)
{
	static const double at[] = {0.97, 0.93, 0.88, 0.8};
	double last = load;

	for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
		const double below = b->ask->whole ? fmin(floor(load * at[i] + 0.5), last - 1) : load * at[i];

		if (below < b->ask->least || below <= 0)
			return 0;
		if (!holds(b, below) && !b->c.undecided)
			return below;
		last = below;
	}
	return 0;
}

struct capacity capacity_find(const struct capacity_ask *ask)
{
	struct bisection b = {ask, {.fails = INFINITY}};
	double low, high;

	bracket(&b, &low, &high);
	narrow(&b, &low, &high);
	b.c.hole = low > 0 ? hole(&b, low) : 0;
	b.c.load = low;
	b.c.fails = high;
	return b.c;
}
