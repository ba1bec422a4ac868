/* load_quantiles.c - see load_quantiles.h. */
#include "sim/report/load_quantiles.h"

#include <math.h>

#include "sim/base/mem.h"
#include "sim/serve/metrics.h"

static const double shares[] = {0.01, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3,  0.35, 0.4,  0.45, 0.5,
				0.55, 0.6,  0.65, 0.7,  0.75, 0.8,  0.85, 0.9,  0.95, 0.99};
static const char *const share_texts[] = {"1",  "5",  "10", "15", "20", "25", "30", "35", "40", "45", "50",
					  "55", "60", "65", "70", "75", "80", "85", "90", "95", "99"};

static const enum slo_metric shown[] = {SLO_TTFT, SLO_TPOT, SLO_E2EL};

enum { X = ARRAY_LEN(shares), SHOWN = ARRAY_LEN(shown) };

/* Of the first class with an SLO; NAN: none. */
static double bound_of(const struct serve *load, enum slo_metric metric)
{
	const struct load_class *c = load->classes.at;

	for (size_t i = 0; i < load->classes.n; i++)
		for (int s = SLO_P99; c[i].slo && s >= SLO_P50; s--)
			if (c[i].slo->bound[metric][s] > 0)
				return c[i].slo->bound[metric][s];
	return NAN;
}

/* A server that does not fit has measured nothing. */
static void fill(const struct metrics *m, enum metrics_latency which, int64_t cut_ns, struct curve_point *to)
{
	double at[X];

	metrics_quantiles(m, which, cut_ns, shares, X, at);
	for (size_t i = 0; i < X; i++)
		to[i] = (struct curve_point){.state = isnan(at[i]) ? CURVE_NOTHING : CURVE_HAS,
					     .value = at[i],
					     .lo = NAN,
					     .hi = NAN,
					     .median = NAN};
}

static int run(struct arena *a, const struct placement *at, const struct serve_watch *ask,
	       struct curve_point *points[SHOWN], size_t k, const char **remark, struct err *err)
{
	struct metrics *m = metrics_new(&(struct metrics_how){.classes_n = 0});
	const struct observer observer = metrics_observer(m);
	struct serve_watch watch = *ask;
	struct serve_seen seen = {.fits = false};
	int rc;

	watch.observer = &observer;
	watch.seen = &seen;
	rc = serve_job_watch(a, at, &watch, err);
	for (size_t p = 0; p < SHOWN && rc == 0; p++)
		fill(m, metrics_latency_of[shown[p]], seen.cut_ns, points[p] + k * X);
	*remark = !seen.fits        ? "does not fit"
		  : seen.overloaded ? "overloaded: longer runs wait longer"
				    : NULL;
	metrics_free(m);
	return rc;
}

int load_quantiles(struct arena *a, const struct placement *all, const struct serve_watch *ask,
		   struct curves *out, struct err *err)
{
	const struct world *w = all->world;
	const struct assignment *assignments = w->scenario->assignments.at;
	const size_t n = w->scenario->assignments.n;
	const char **names = arena_array(a, n, sizeof *names), **remarks = arena_array(a, n, sizeof *remarks);
	struct panel *panels = arena_array(a, SHOWN, sizeof *panels);
	struct curve_point *points[SHOWN];
	double *x = arena_array(a, X, sizeof *x);

	for (size_t i = 0; i < X; i++)
		x[i] = 100 * shares[i];
	for (size_t p = 0; p < SHOWN; p++) {
		points[p] = arena_array(a, n * X, sizeof *points[p]);
		panels[p] = (struct panel){.head = slo_heads[shown[p]],
					   .unit = "s",
					   .bound = bound_of(w->scenario->workload.serve, shown[p]),
					   .points = points[p]};
	}
	for (size_t k = 0; k < n; k++) {
		names[k] = assignments[k].name;
		if (run(a, &all[k], ask, points, k, &remarks[k], err) != 0)
			return -1;
	}
	*out = (struct curves){.title = w->scenario->title,
			       .x_name = "share of requests",
			       .x_unit = "%",
			       .x_texts = share_texts,
			       .x = x,
			       .x_n = X,
			       .x_linear = true,
			       .names = names,
			       .remarks = remarks,
			       .names_n = n,
			       .panels = panels,
			       .panels_n = SHOWN};
	return 0;
}
