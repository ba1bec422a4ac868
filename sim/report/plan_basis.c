/* plan_basis.c - see plan_basis.h. */
#include "sim/report/plan_basis.h"

#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/plan/closer.h"
#include "sim/predict/scenario_load.h"
#include "sim/report/plan.h"
#include "sim/report/scenario_result.h"

/* A fleet's scenario, predicted as simulate does; false where it cannot be built. The loader is a copy with complaints
 * of its own: a fleet without numbers is shown without them. */
static bool predict(struct loader *l, struct plan_result *r, struct plan_row *row,
		    const struct draws_ask *ask, struct result *out)
{
	struct loader inner = *l;
	struct scenario_result found;
	const struct placement *at;
	const struct world *w;
	struct diags own;

	diags_init(&own, l->arena);
	inner.diags = &own;
	w = plan_world(&inner, r->from.plan, r->from.root, row);
	at = w ? scenario_place(&inner, w) : NULL;
	if (!at || scenario_result_make(&inner, at, ask, "", &found) != 0)
		return false;
	if (row->holds.known && !isfinite(row->holds.lo))
		plan_hold_surely(&inner, r, w, row, ask->n);
	*out = found.result;
	return true;
}

/* The source of the fleet's prices: the worst of its machines'. */
static enum provenance price_from(const struct plan_row *row)
{
	enum provenance worst = PROVENANCE_MEASURED;

	for (size_t i = 0; i < row->parts_n; i++) {
		const struct world *w = row->parts[i].group->world;

		for (size_t m = 0; m < w->machines_n; m++)
			worst = provenance_worse(worst, w->machines[m].price.provenance);
	}
	return worst;
}

/* The interval of a number that grows in proportion to another: `part` of it, the rest being certain. */
static void scale_band(struct metric *m, double part, const struct metric *by)
{
	m->lo = m->value - part * (1 - by->lo / by->value);
	m->hi = m->value + part * (by->hi / by->value - 1);
	m->from = provenance_worse(m->from, by->from);
}

/* The plan's own number with what the prediction says of it, or of what it follows from. */
static void complete(const struct plan_result *r, const struct plan_row *row,
		     const struct assignment_row *found, struct metric *m)
{
	const struct metric *same = rows_metric(found, m->name), *rate = rows_metric(found, "req_per_s"),
			    *power = rows_metric(found, "power_W");

	m->from = price_from(row);
	if (!strcmp(m->name, "holds")) { /* of simulate's own, the share of runs that hold, it is not */
		m->from = rate ? rate->from : m->from;
		if (r->load.finish && rate) {
			scale_band(m, m->value, rate);
			m->ci = m->value * rate->ci / rate->value;
		}
	} else if (same) {
		m->lo = same->lo;
		m->hi = same->hi;
		m->ci = same->ci;
		m->from = same->from;
	} else if (!strcmp(m->name, "usd_per_month") && power) {
		scale_band(m, m->value - plan_month_price(&r->from.plan->scenario->money, row->usd), power);
	}
}

static void fill_row(struct arena *a, const struct plan_result *r, const struct plan_row *row,
		     const struct assignment_row *found, struct assignment_row *out)
{
	size_t n, own_n;
	const struct metric *own = plan_row_metrics(a, r, row, &own_n);
	struct metric *all = arena_array(a, own_n + found->metrics_n, sizeof *all);

	*out = *found;
	for (n = 0; n < own_n; n++) {
		all[n] = own[n];
		complete(r, row, found, &all[n]);
	}
	out->metrics = all;
	out->metrics_n = own_n; /* rows_metric() looks among these */
	for (size_t k = 0; k < found->metrics_n; k++)
		if (!rows_metric(out, found->metrics[k].name))
			all[n++] = found->metrics[k];
	out->metrics_n = n;
	out->name = row->name;
}

int plan_basis(struct loader *l, struct plan_result *r, const struct plan_basis_ask *ask, struct result *out)
{
	struct assignment_row *rows = arena_array(l->arena, r->rows_n + 1, sizeof *rows);
	struct draws_ask draws = ask->draws;

	draws.n = draws.n > 1 ? draws.n : PLAN_DRAWS;
	draws.seed = (int64_t)r->seed;
	out->rows = rows;
	for (size_t i = 0; i < r->rows_n && !(ask->stop && *ask->stop); i++) {
		struct result found;

		if (!r->rows[i].ran || !predict(l, r, &r->rows[i], &draws, &found))
			continue;
		fill_row(l->arena, r, &r->rows[i], &found.rows[0], &rows[out->rows_n++]);
		out->draws = found.draws;
	}
	return ask->stop && *ask->stop ? -1 : 0;
}
