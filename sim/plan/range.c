/* range.c - see range.h. */
#include "sim/plan/range.h"

#include <math.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/exact_math.h"
#include "sim/base/mem.h"
#include "sim/plan/closer.h"
#include "sim/plan/rows.h"

/* ---- what is drawn ---- */

/* What is drawn first where there is room for few; all of them are values of a service. */
static const struct {
	enum slo_metric metric;
	enum slo_stat stat;
} known[] = {{SLO_TTFT, SLO_P95}, {SLO_TPOT, SLO_P95},  {SLO_TTFT, SLO_P50},
	     {SLO_TTFT, SLO_P99}, {SLO_TTFT, SLO_MEAN}, {SLO_TPOT, SLO_P50},
	     {SLO_ITL, SLO_P95},  {SLO_ITL, SLO_P99},   {SLO_E2EL, SLO_P95}};

/* The SLO's bounds that a run has a number for; TTFT and TPOT where there are none. */
static void choose_bounds(const struct plan_load *load, struct plan_range *out)
{
	const struct slo *slo = load->base->all.slo;

	for (size_t i = 0; slo && i < ARRAY_LEN(known) && out->bounds_n < RANGE_BOUNDS; i++) {
		const double bound = slo->bound[known[i].metric][known[i].stat];

		if (bound > 0)
			out->bounds[out->bounds_n++] =
				(struct range_bound){known[i].metric, known[i].stat, bound};
	}
	if (out->bounds_n)
		return;
	for (; out->bounds_n < 2; out->bounds_n++)
		out->bounds[out->bounds_n] =
			(struct range_bound){known[out->bounds_n].metric, known[out->bounds_n].stat, NAN};
}

enum { BELOW = 2 }; /* loads drawn that are smaller than the one asked */

/* A fourth and a half of the load asked, and in equal ratios to beyond what the rows hold. */
static void choose_loads(const struct plan_result *r, struct plan_range *out)
{
	const double asked = r->load.asked;
	double most = asked, last = 0;

	for (size_t i = 0; i < r->rows_n; i++)
		if (r->rows[i].holds.known)
			most = fmax(most, r->rows[i].holds.load);
	most = 1.25 * fmin(most, 6 * asked);
	for (; out->loads_n < RANGE_STEPS; out->loads_n++) {
		const double step = (double)out->loads_n - BELOW;
		const double load =
			step < 0 ? asked * exact_pow(2, step)
				 : asked * exact_pow(most / asked, step / (RANGE_STEPS - 1 - BELOW));

		last = r->load.whole ? fmax(last + 1, round(load)) : load;
		out->loads[out->loads_n] = last;
	}
}

/* ---- running it ---- */

static bool is_first(const struct plan_result *r, const struct plan_row *row)
{
	const struct plan_row *same = r->rows;

	while (same != row && (same->parts_n != 1 || same->parts[0].group != row->parts[0].group))
		same++;
	return same == row;
}

/* Servers like those of a row, from a few less to a few more. */
static void add_sizes(struct plan_result *r, const struct plan_row *row, struct range_row *out)
{
	const struct group *g = row->parts[0].group;
	const int own = row->parts[0].count, fleet = r->up_to / g->machines,
		  most = fleet < g->up_to ? fleet : g->up_to,
		  first = own > RANGE_STEPS / 2 ? own - RANGE_STEPS / 2 : 1;

	for (int n = first; n <= most && out->sizes_n < RANGE_STEPS && !plan_load_stopped(&r->load); n++) {
		const struct plan_capacity c =
			n == own && row->holds.known ? row->holds : plan_holds_with(r, row, n - own);

		out->sizes[out->sizes_n++] =
			(struct range_size){n, g->usd * n, c.known ? c.load : (double)NAN};
		if (n > own &&
		    (g->usd * (n + 1) > r->budget || c.load > 2.5 * fmax(r->load.needed, row->holds.load)))
			break;
	}
}

static void add_latencies(const struct plan_result *r, const struct plan_row *row, struct plan_range *out,
			  struct range_row *to)
{
	struct arena a = ARENA_INIT;
	struct service *s = plan_row_service(&a, r, row);

	for (size_t i = 0; i < out->loads_n; i++) {
		struct service_summary m;
		const bool ran = s && !plan_load_stopped(&r->load) &&
				 plan_load_run(&r->load, s, out->loads[i], &m) == 0;

		to->at[i].overloaded = ran && m.overloaded;
		for (size_t b = 0; b < out->bounds_n; b++)
			to->at[i].of[b] =
				ran ? m.of[service_value_of(out->bounds[b].metric, out->bounds[b].stat)]
				    : (double)NAN;
	}
	service_free(s);
	arena_release(&a);
}

int plan_range_of(struct plan_result *r, struct plan_range *out)
{
	*out = (struct plan_range){.loads_n = 0};
	if (!r->load.finish) {
		choose_bounds(&r->load, out);
		choose_loads(r, out);
	}
	for (size_t i = 0; i < r->rows_n && !plan_load_stopped(&r->load); i++) {
		const struct plan_row *row = &r->rows[i];

		if (!row->ran)
			continue;
		if (row->parts_n == 1 && is_first(r, row))
			add_sizes(r, row, &out->rows[i]);
		else
			out->rows[i].sizes[out->rows[i].sizes_n++] = (struct range_size){
				row->servers, row->usd, row->holds.known ? row->holds.load : (double)NAN};
		add_latencies(r, row, out, &out->rows[i]);
	}
	return plan_load_stopped(&r->load) ? -1 : 0;
}
