/* service_length.c - when a load without an end has been simulated long enough; see service_parts.h. */
#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/serve/service_parts.h"
#include "sim/stats/ci.h"

#define LEVEL 0.95

static void seek(struct sought *s, uint32_t class_id, enum slo_metric metric, enum slo_stat stat,
		 double bound)
{
	VEC_ADD(&s->at,
		(struct sought_value){
			class_id, metric, stat, bound, summary_empty(), {NAN, INFINITY, 0, NAN, false}});
}

struct sought sought_of(const struct serve *load)
{
	const struct load_class *c = load->classes.at;
	struct sought s = {.at = {0}};

	for (uint32_t k = 0; k < load->classes.n; k++)
		for (int m = 0; c[k].slo && m < SLO_METRICS; m++)
			for (int st = 0; st < SLO_STATS; st++)
				if (c[k].slo->bound[m][st] > 0)
					seek(&s, k, (enum slo_metric)m, (enum slo_stat)st,
					     c[k].slo->bound[m][st]);
	if (!s.at.n) {
		seek(&s, UINT32_MAX, SLO_TTFT, SLO_P95, NAN);
		seek(&s, UINT32_MAX, SLO_TPOT, SLO_P95, NAN);
		seek(&s, UINT32_MAX, SLO_E2EL, SLO_P95, NAN);
	}
	return s;
}

/* Of one run, from batches of its requests; gaps between tokens are not kept one by one. */
static struct steady_value of_one(const struct sought_value *v, const struct metrics *m, int64_t cut_ns)
{
	struct steady_value value = {NAN, INFINITY, 0, NAN, false};
	double *x;
	size_t n;

	if (v->metric == SLO_ITL)
		return value;
	n = metrics_series(m, metrics_latency_of[v->metric], v->class_id, cut_ns, &x);
	if (n)
		value = v->stat == SLO_MEAN ? steady_mean(x, n) : steady_quantile(x, n, slo_shares[v->stat]);
	free(x);
	return value;
}

void sought_add(struct sought *s, const struct metrics *m, int64_t cut_ns)
{
	for (size_t i = 0; i < s->at.n; i++) {
		struct sought_value *v = &s->at.at[i];

		v->one = of_one(v, m, cut_ns);
		if (isfinite(v->metric == SLO_ITL
				     ? metrics_slo_value(m, v->class_id, v->metric, v->stat, cut_ns)
				     : v->one.value))
			summary_add(&v->each,
				    v->metric == SLO_ITL
					    ? metrics_slo_value(m, v->class_id, v->metric, v->stat, cut_ns)
					    : v->one.value);
	}
}

/* Replications do not hang on one another. */
static struct steady_value over_replications(const struct summary *each)
{
	const struct ci ci = ci_mean(each, LEVEL);

	return (struct steady_value){ci.mean, ci.half, each->n, 0, true};
}

enum steady_stop sought_stop(const struct sought *s, uint64_t requests)
{
	struct steady_bound *b = xcalloc(s->at.n + 1, sizeof *b);
	enum steady_stop stop;
	size_t n = 0;

	for (size_t i = 0; i < s->at.n; i++) {
		const struct sought_value *v = &s->at.at[i];
		const bool one = v->each.n == 1;

		if (!v->each.n || (one && v->metric == SLO_ITL))
			continue;
		b[n].bound = v->bound;
		b[n++].value = one ? v->one : over_replications(&v->each);
	}
	stop = steady_stop(b, n, requests);
	free(b);
	return stop;
}

void sought_release(struct sought *s)
{
	VEC_FREE(&s->at);
}
