/* rows.c - see rows.h. */
#include "sim/plan/rows.h"

#include <math.h>
#include <string.h>

/* The scenario and what is read for it end with the arena: the loader is a copy, which has all that the plan's has
 * read and adds nothing to it. */
static struct service *pools_service(struct arena *a, const struct plan_result *r,
				     const struct fleet_share *parts)
{
	struct service *s = NULL;
	struct loader inner = *r->from.l;
	struct diags own;
	const struct world *w;

	diags_init(&own, a);
	inner.arena = a;
	inner.diags = &own;
	w = groups_world(&inner, r->from.plan, r->from.root, parts, 2, "pools");
	if (w)
		s = service_new(a, w, w->scenario->assignments.at, &own);
	if (!s && own.n && !*r->from.unbuilt)
		*r->from.unbuilt = arena_strdup(r->from.l->arena, own.list[0].msg);
	if (s && service_fits(s))
		return s;
	service_free(s);
	return NULL;
}

struct service *plan_parts_service(struct arena *a, const struct plan_result *r,
				   const struct fleet_share *parts, size_t n)
{
	struct service_share *shares = arena_array(a, n, sizeof *shares);

	if (n && parts[0].group->pool != POOL_WHOLE)
		return n == 2 && parts[0].count && parts[1].count ? pools_service(a, r, parts) : NULL;
	for (size_t i = 0; i < n; i++)
		shares[i] = (struct service_share){parts[i].group->service, (size_t)parts[i].count,
						   fleet_weight(parts, n, i)};
	return service_join(a, shares, n);
}

void plan_row_parts(struct arena *a, const struct plan_result *r, const int *counts, struct plan_row *row)
{
	struct str name = STR_INIT, settings = STR_INIT;
	const struct group_list *g = &r->groups;

	row->parts = arena_array(a, g->n, sizeof *row->parts);
	for (size_t i = 0; i < g->n; i++) {
		const struct group *x = &g->at[i];

		if (!counts[i])
			continue;
		row->parts[row->parts_n++] = (struct fleet_share){x, counts[i]};
		row->usd += counts[i] * x->usd;
		row->machines += counts[i] * x->machines;
		row->servers += counts[i];
		str_addf(&name, "%s%d x %s%s", name.len ? " + " : "", counts[i] * x->machines, x->name,
			 x->pool == POOL_PREFILL  ? " prefill"
			 : x->pool == POOL_DECODE ? " decode"
						  : "");
		if (x->pool == POOL_WHOLE || !settings.len ||
		    strcmp(settings.text, group_settings(a, x)) != 0)
			str_addf(&settings, "%s%s", settings.len ? " + " : "", group_settings(a, x));
	}
	row->name = arena_strdup(a, name.text ? name.text : "");
	row->settings = arena_strdup(a, settings.text ? settings.text : "");
	str_release(&name);
	str_release(&settings);
}

double plan_row_idle_W(const struct plan_row *row)
{
	double W = 0;

	for (size_t i = 0; i < row->parts_n; i++)
		W += row->parts[i].count * row->parts[i].group->idle_W;
	return W;
}

/* Servers stand in the order of parts; each adds its power while it is busy. */
static double busy_W(const struct plan_row *row)
{
	double W = 0;
	size_t server = 0;

	for (size_t i = 0; i < row->parts_n; i++)
		for (int k = 0; k < row->parts[i].count; k++)
			W += row->parts[i].group->busy_W * row->m.busy_ns[server++] / 1e9 / row->m.span_s;
	return W;
}

void plan_row_run(const struct plan_result *r, struct service *s, struct plan_row *row)
{
	if (plan_load_run(&r->load, s, r->load.asked, &row->m) != 0)
		return;
	row->ran = true;
	row->watts = plan_row_idle_W(row) + busy_W(row);
	row->energy = row->watts * row->m.span_s / row->m.tokens;
	row->m.busy_ns = NULL; /* the service's, which may end before the row, as is `each` */
	row->m.each = NULL;
}

bool plan_row_is(const struct plan_row *row, const struct plan_result *r, const int *counts)
{
	bool same = true;

	for (size_t i = 0; i < r->groups.n && same; i++) {
		int count = 0;

		for (size_t k = 0; k < row->parts_n; k++)
			if (row->parts[k].group == &r->groups.at[i])
				count = row->parts[k].count;
		same = count == counts[i];
	}
	return same;
}

double plan_row_over(const struct plan_result *r, const struct plan_row *row)
{
	if (!row->ran)
		return INFINITY;
	if (row->m.of[SERVICE_REFUSED] > 0) /* whatever the others got */
		return 1e3 * (1 + row->m.of[SERVICE_REFUSED]);
	if (r->load.finish)
		return (double)r->load.finish->requests / row->m.of[SERVICE_REQUESTS_PER_S] /
		       r->load.finish->within;
	return row->m.tightest.bound > 0 ? row->m.tightest.value / row->m.tightest.bound : INFINITY;
}
