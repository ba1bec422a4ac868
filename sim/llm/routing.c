/* routing.c - see routing.h. */
#include "sim/llm/routing.h"
#include "sim/base/exact_math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Shares p_i = active * i^-skew / sum, those above 1 cut to it and their excess given to the others, until
 * none is above. */
void routing_popularity(const struct experts *x, double *share)
{
	const double k = fmin((double)x->active, (double)x->count);
	int64_t certain = 0;
	double sum = 0;

	for (int64_t i = 0; i < x->count; i++)
		sum += share[i] = exact_pow((double)(i + 1), -x->skew);
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
