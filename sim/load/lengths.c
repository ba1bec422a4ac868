/* lengths.c - see lengths.h. */
#include "sim/load/lengths.h"

#include <math.h>

#include "sim/base/exact_math.h"
#include "sim/load/variates.h"
#include "sim/stats/quantile.h"

static void lognormal_of(const struct lognormal_law *n, struct lengths *l)
{
	if (n->p50 > 0) {
		l->mu = exact_log(n->p50);
		l->sigma = exact_log(n->p90 / n->p50) / NORMAL_P90;
	} else {
		l->sigma = n->sigma;
		l->mu = exact_log(n->mean) - n->sigma * n->sigma / 2;
	}
}

static void histogram_of(struct arena *a, const struct field_list *bins, struct lengths *l)
{
	double *upto = arena_array(a, bins->n, sizeof *upto), sum = 0;

	l->bins = bins->at;
	l->bins_n = bins->n;
	for (size_t i = 0; i < bins->n; i++)
		upto[i] = sum += l->bins[i].weight;
	for (size_t i = 0; i < bins->n; i++)
		upto[i] /= sum;
	l->upto = upto;
}

struct lengths lengths_of(struct arena *a, const struct length_law *law)
{
	struct lengths l = {.kind = law->kind, .low = law->fixed, .high = law->fixed, .max = law->max};

	switch (law->kind) {
	case LENGTH_UNIFORM:
		l.low = (int64_t)((const double *)law->uniform.at)[0];
		l.high = (int64_t)((const double *)law->uniform.at)[1];
		break;
	case LENGTH_LOGNORMAL:
		lognormal_of(law->lognormal, &l);
		break;
	case LENGTH_HISTOGRAM:
		histogram_of(a, &law->histogram, &l);
		break;
	}
	return l;
}

/* Each of low..high as likely. rng_uniform() is below 1, but its product with a large span may round up to
 * it. */
static int64_t whole(struct rng *r, int64_t low, int64_t high)
{
	const int64_t n = low + (int64_t)(rng_uniform(r) * (double)(high - low + 1));

	return n < high ? n : high;
}

static int64_t draw_lognormal(const struct lengths *l, struct rng *r)
{
	const double x = floor(exact_lognormal(r, l->mu, l->sigma) + 0.5);

	return x < 1 ? 1 : x < (double)l->max ? (int64_t)x : l->max;
}

static int64_t draw_bin(const struct lengths *l, struct rng *r)
{
	const double u = rng_uniform(r);
	const struct length_bin *b;
	size_t low = 0, high = l->bins_n - 1;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (u <= l->upto[mid])
			high = mid;
		else
			low = mid + 1;
	}
	b = &l->bins[low];
	return whole(r, b->from ? b->from : b->to, b->to);
}

int64_t lengths_draw(const struct lengths *l, struct rng *r)
{
	int64_t n = l->low;

	switch (l->kind) {
	case LENGTH_UNIFORM:
		n = whole(r, l->low, l->high);
		break;
	case LENGTH_LOGNORMAL:
		n = draw_lognormal(l, r);
		break;
	case LENGTH_HISTOGRAM:
		n = draw_bin(l, r);
		break;
	}
	return n < l->max ? n : l->max;
}

/* The mean of a whole length from low to high, each as likely, where what is above max becomes max. */
static double mean_cut(int64_t low, int64_t high, int64_t max)
{
	const double n = (double)(high - low + 1);

	if (high <= max)
		return (double)(low + high) / 2;
	if (low >= max)
		return (double)max;
	return ((double)(max - low + 1) * (double)(low + max) / 2 + (double)(high - max) * (double)max) / n;
}

/* The standard normal's distribution function. */
static double normal_below(double z)
{
	return 0.5 * exact_erfc(-z * 0.70710678118654752440);
}

double lengths_mean(const struct lengths *l)
{
	double sum = 0, z;

	switch (l->kind) {
	case LENGTH_LOGNORMAL:
		z = (exact_log((double)l->max) - l->mu) / l->sigma;
		return exact_exp(l->mu + l->sigma * l->sigma / 2) * normal_below(z - l->sigma) +
		       (double)l->max * normal_below(-z);
	case LENGTH_HISTOGRAM:
		for (size_t i = 0; i < l->bins_n; i++) {
			const struct length_bin *b = &l->bins[i];

			sum += (l->upto[i] - (i ? l->upto[i - 1] : 0)) *
			       mean_cut(b->from ? b->from : b->to, b->to, l->max);
		}
		return sum;
	}
	return mean_cut(l->low, l->high, l->max);
}
