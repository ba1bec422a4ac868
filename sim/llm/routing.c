/* routing.c - see routing.h. */
#include "sim/llm/routing.h"
#include "sim/base/exact_math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* z of a normal deviate that is above z with chance `p`, 1e-12 < p <= 1/2, to seven digits: rational approximations of Wichura,
 * Applied Statistics 37(3), 1988, algorithm AS 241, PPND7. */
static double normal_above(double p)
{
	const double q = 0.5 - p, r = 0.180625 - q * q, t = sqrt(-exact_log(p)) - 1.6;

	if (q <= 0.425)
		return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
		       (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1);
	return (((0.17023821103 * t + 1.3067284816) * t + 2.7568153900) * t + 1.4234372777) /
	       ((0.12021132975 * t + 0.73700164250) * t + 1);
}

/* The middle of the i-th of n equal parts of a normal distribution, from above. */
static double normal_at(int64_t i, int64_t n)
{
	const double above = ((double)i + 0.5) / (double)n;

	return above <= 0.5 ? normal_above(above) : -normal_above(1 - above);
}

static double popularity(const struct experts *x, int64_t i)
{
	return x->popularity_sd > 0 ? exact_exp(x->popularity_sd * normal_at(i, x->count))
				    : exact_pow((double)(i + 1), -x->skew);
}

/* Shares p_i = active * popularity / sum, those above 1 cut to it and their excess given to the others, until
 * none is above. */
void routing_popularity(const struct experts *x, double *share)
{
	const double k = fmin((double)x->active, (double)x->count);
	int64_t certain = 0;
	double sum = 0;

	for (int64_t i = 0; i < x->count; i++)
		sum += share[i] = popularity(x, i);
	while (certain < x->count && (k - (double)certain) * share[certain] >= sum) {
		sum -= share[certain];
		share[certain++] = 1;
	}
	for (int64_t i = certain; i < x->count; i++)
		share[i] = fmin(1, (k - (double)certain) * share[i] / sum);
}

void routing_deal(const struct experts *x, const int64_t *counts, int n, int *owner)
{
	int64_t *dealt = xcalloc((size_t)n, sizeof *dealt);

	for (int64_t i = 0; i < x->count; i++) {
		int to = -1;

		for (int d = 0; d < n; d++) { /* (dealt + 1/2) / count: Webster's method */
			if (dealt[d] < counts[d] &&
			    (to < 0 || (double)(2 * dealt[d] + 1) * (double)counts[to] <
					       (double)(2 * dealt[to] + 1) * (double)counts[d]))
				to = d;
		}
		BUG_ON(to < 0);
		owner[i] = to;
		dealt[to]++;
	}
	free(dealt);
}

/* ---- a token's choice of k experts: a conditional Poisson sample ---- */

/* The chance of a choice goes as the product of the odds of what is chosen; sum[i * (k + 1) + j] is that of
 * all choices of j of the first i (or, backward, of those from i on): elementary symmetric polynomials. */
struct sample {
	double *odds, *sum, *back;
	int64_t n, k;
};

static void fill_sums(const struct sample *s)
{
	const int64_t k = s->k, n = s->n;

	for (int64_t j = 0; j <= k; j++)
		s->sum[j] = s->back[n * (k + 1) + j] = j == 0;
	for (int64_t i = 0; i < n; i++) {
		const double *from = &s->sum[i * (k + 1)], *behind = &s->back[(n - i) * (k + 1)];
		double *to = &s->sum[(i + 1) * (k + 1)], *before = &s->back[(n - i - 1) * (k + 1)];

		for (int64_t j = 0; j <= k; j++) {
			to[j] = from[j] + (j ? s->odds[i] * from[j - 1] : 0);
			before[j] = behind[j] + (j ? s->odds[n - i - 1] * behind[j - 1] : 0);
		}
	}
}

/* The chance that i is chosen. */
static double chosen(const struct sample *s, int64_t i)
{
	double others = 0;

	for (int64_t j = 0; j < s->k; j++)
		others += s->sum[i * (s->k + 1) + j] * s->back[(i + 1) * (s->k + 1) + s->k - 1 - j];
	return s->odds[i] * others / s->sum[s->n * (s->k + 1) + s->k];
}

/* Moves the odds until each is chosen as often as its share says (Chen, Dempster & Liu, section 3). */
static void calibrate(const struct sample *s, const double *share)
{
	enum { ROUNDS = 200 };
	double *next = xcalloc((size_t)s->n, sizeof *next), off = 1;

	for (int round = 0; round < ROUNDS && off > 1e-12; round++) {
		fill_sums(s);
		off = 0;
		for (int64_t i = 0; i < s->n; i++) {
			const double is = chosen(s, i);

			off = fmax(off, fabs(is / share[i] - 1));
			next[i] = s->odds[i] * share[i] / (1 - share[i]) * (1 - is) / is;
		}
		memcpy(s->odds, next, (size_t)s->n * sizeof *next);
	}
	fill_sums(s);
	free(next);
}

/* The chance that none of a token's experts is among those here. */
static double misses(const struct experts *x, const double *share, const bool *here)
{
	int64_t certain = 0;
	struct sample s = {0};
	double none = 1, *rest;

	while (certain < x->count && share[certain] > 1 - 1e-12)
		none = here[certain++] ? 0 : none;
	s.n = x->count - certain;
	s.k = x->active - certain;
	if (none <= 0 || s.k <= 0)
		return none;
	s.odds = xcalloc((size_t)s.n, sizeof *s.odds);
	s.sum = xcalloc((size_t)((s.n + 1) * (s.k + 1)), sizeof *s.sum);
	s.back = xcalloc((size_t)((s.n + 1) * (s.k + 1)), sizeof *s.back);
	rest = xcalloc((size_t)s.k + 1, sizeof *rest);
	for (int64_t i = 0; i < s.n; i++)
		s.odds[i] = share[certain + i] / (1 - share[certain + i]);
	calibrate(&s, share + certain);
	rest[0] = 1;
	for (int64_t i = 0; i < s.n; i++)
		for (int64_t j = s.k; !here[certain + i] && j > 0; j--)
			rest[j] += s.odds[i] * rest[j - 1];
	none = rest[s.k] / s.sum[s.n * (s.k + 1) + s.k];
	free(s.odds);
	free(s.sum);
	free(s.back);
	free(rest);
	return none;
}

struct routed routing_to(const struct experts *x, const int *owner, uint64_t devices, double tokens)
{
	double *share = xcalloc((size_t)x->count, sizeof *share);
	bool *here = xcalloc((size_t)x->count, sizeof *here);
	struct routed r = {0, 0, 0};

	routing_popularity(x, share);
	for (int64_t i = 0; i < x->count; i++) {
		here[i] = devices >> owner[i] & 1;
		if (!here[i])
			continue;
		r.rows += tokens * share[i];
		r.hit -= exact_expm1(tokens * exact_log1p(-share[i]));
	}
	r.tokens = tokens * (1 - misses(x, share, here));
	free(share);
	free(here);
	return r;
}
