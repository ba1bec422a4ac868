/* closer.c - see closer.h. */
#include "sim/plan/closer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plan/rows.h"
#include "sim/predict/draws.h"
#include "sim/stats/ci.h"
#include "sim/stats/band.h"

/* ---- how much a fleet holds ---- */

struct holding {
	const struct plan_result *r;
	size_t *simulations; /* counted here */
	struct service *s;
	int replication; /* -1: all of them */
	const struct params *z;
};

static int holds(void *self, double load)
{
	const struct holding *h = self;

	++*h->simulations;
	return h->replication < 0 ? plan_load_holds(&h->r->load, h->s, load)
				  : plan_load_holds_one(&h->r->load, h->s, load, h->replication, h->z);
}

/* A load whose rate is beyond what all servers can do holds for a while only. */
static double most_of(const struct plan_result *r, const struct plan_row *row)
{
	double rate = 0, prompt = 0, answer = 0;

	for (size_t i = 0; i < row->parts_n; i++) {
		const struct group *g = row->parts[i].group;
		const int n = row->parts[i].count;

		rate += n * g->bound.rate;
		prompt += g->pool != POOL_DECODE ? n / (g->bound.prompt_s * g->bound.rows) : 0;
		answer += g->pool != POOL_PREFILL ? n / (g->bound.token_s * g->bound.tokens) : 0;
	}
	if (row->parts_n > 1) /* lengths may be shared out unevenly */
		rate = fmin(prompt, answer);
	if (!(plan_load_work(&r->load) > 0))
		return INFINITY;
	return r->load.needed * rate / plan_load_work(&r->load);
}

static struct capacity search(struct holding h, double start, double most)
{
	const struct capacity_ask ask = {.holds = holds,
					 .self = &h,
					 .start = start,
					 .most = most,
					 .least = h.r->load.whole ? 1 : h.r->load.asked / 1024,
					 .whole = h.r->load.whole};

	return capacity_find(&ask);
}

static struct plan_capacity capacity_of(struct plan_result *r, struct service *s, double start, double most)
{
	const struct capacity c =
		search((struct holding){r, &r->counts.simulations, s, -1, NULL}, start, most);

	return (struct plan_capacity){.load = c.load,
				      .lo = NAN,
				      .hi = NAN,
				      .mean = NAN,
				      .half = NAN,
				      .known = !c.undecided,
				      .hole = c.hole};
}

/* A batch is not made larger by bisection: its throughput says how large it may be. */
static struct plan_capacity capacity_of_row(struct plan_result *r, const struct plan_row *row,
					    struct service *s)
{
	if (r->load.finish)
		return (struct plan_capacity){.load = 1 / plan_row_over(r, row),
					      .lo = NAN,
					      .hi = NAN,
					      .mean = NAN,
					      .half = NAN,
					      .known = row->ran};
	return capacity_of(r, s, r->load.needed, most_of(r, row));
}

/* Capacities of one service that do not depend on one another. */
struct capacities {
	const struct plan_result *r;
	struct service *s;
	const struct draws *draws; /* one for each of replication 0; NULL: replications, as calibrated */
	double start, most;
	double *load;        /* of each */
	size_t *simulations; /* of each */
};

static int find_capacity(void *self, size_t thread, size_t i)
{
	const struct capacities *x = self;
	const struct draws *d = x->draws;
	const struct holding h = {x->r, &x->simulations[i], service_twin(x->s, thread), d ? 0 : (int)i,
				  d ? &d->z[i * d->sources] : NULL};

	x->load[i] = search(h, x->start, x->most).load;
	return 0;
}

static void find_capacities(struct plan_result *r, struct capacities *x, size_t n)
{
	const struct workers_task work = {.n = n, .item = find_capacity, .self = x};
	const size_t threads = workers_count((int64_t)r->load.threads, n);

	x->r = r;
	x->simulations = xcalloc(n, sizeof *x->simulations);
	for (size_t i = 0; i < threads; i++)
		service_twin(x->s, i);
	workers_run(&work, threads);
	for (size_t i = 0; i < n; i++)
		r->counts.simulations += x->simulations[i];
	free(x->simulations);
}

/* Each run of the load has a largest size of its own: the confidence interval of their mean. */
static void add_confidence(struct plan_result *r, struct service *s, struct plan_capacity *c, double most)
{
	const int n = plan_load_replications(&r->load);
	struct capacities x = {.s = s, .start = c->load, .most = most};
	struct summary sum = summary_empty();

	x.load = xcalloc((size_t)n, sizeof *x.load);
	if (n > 1)
		find_capacities(r, &x, (size_t)n);
	for (int i = 0; i < n && n > 1; i++)
		summary_add(&sum, x.load[i]);
	free(x.load);
	if (n > 1) {
		const struct ci ci = ci_mean(&sum, 0.95);

		c->mean = ci.mean;
		c->half = ci.half;
	}
}

/* And so does each draw of the calibration, under common random numbers. */
static void add_draws(struct loader *l, struct plan_result *r, const struct world *w, struct service *s,
		      size_t n, struct plan_capacity *c)
{
	const struct draws d = draws_make(l->arena, w, r->seed, n);
	const double base =
		search((struct holding){r, &r->counts.simulations, s, 0, NULL}, c->load, INFINITY).load;
	double *x = arena_array(l->arena, n, sizeof *x);
	struct capacities drawn = {.s = s, .draws = &d, .start = base, .most = INFINITY, .load = x};
	struct band band;

	find_capacities(r, &drawn, n);
	service_calibrated(s);
	band = band_of(base, x, n);
	c->lo = c->load * band.lo / base;
	c->hi = c->load * band.hi / base;
}

/* ---- one server more, one fewer ---- */

static struct service *join_changed(struct arena *a, const struct plan_result *r, const struct plan_row *row,
				    size_t part, int by)
{
	struct fleet_share *parts = arena_array(a, row->parts_n, sizeof *parts);

	for (size_t i = 0; i < row->parts_n; i++) {
		parts[i] = row->parts[i];
		parts[i].count += i == part ? by : 0;
	}
	return plan_parts_service(a, r, parts, row->parts_n);
}

/* Of a fleet that is like a row but for a server. */
static struct plan_capacity holds_changed(struct plan_result *r, const struct plan_row *row,
					  struct service *s)
{
	struct plan_row run = {.parts = row->parts, .parts_n = row->parts_n};
	struct service_summary m;

	if (!r->load.finish)
		return capacity_of(r, s, fmax(1e-9, row->holds.load), INFINITY);
	if (plan_load_run(&r->load, s, r->load.asked, &m) != 0)
		return (struct plan_capacity){.load = 0};
	run.m = m;
	run.ran = true;
	return capacity_of_row(r, &run, s);
}

/* ---- several fleets, each by itself ---- */

struct held {
	const struct plan_row *row;
	bool changed;      /* the service has one server more or fewer than the row */
	struct service *s; /* NULL: none can be built */
	struct arena arena;
	struct plan_capacity c;
	size_t simulations;
};

struct held_all {
	const struct plan_result *r;
	struct held *at;
	size_t threads; /* that one fleet's replications may use */
};

static int hold_one(void *self, size_t thread, size_t i)
{
	const struct held_all *x = self;
	struct held *h = &x->at[i];
	struct plan_result own = *x->r;
	struct service *s = h->s ? service_twin(h->s, thread) : NULL;

	own.load.threads = x->threads;
	own.counts.simulations = 0;
	if (s)
		h->c = h->changed ? holds_changed(&own, h->row, s) : capacity_of_row(&own, h->row, s);
	h->simulations = own.counts.simulations;
	return 0;
}

/* A thread takes whole fleets where there are enough: a load that one replication does not hold needs no other, which a second
 * thread would have begun in vain. */
static void hold_all(struct plan_result *r, struct held *at, size_t n)
{
	const size_t threads = n >= r->load.threads ? r->load.threads : 1;
	struct held_all x = {r, at, threads > 1 ? 1 : r->load.threads};

	for (size_t i = 0; i < n; i++)
		if (at[i].s)
			service_twin(at[i].s, threads - 1);
	if (n)
		workers_run(&(const struct workers_task){.n = n, .item = hold_one, .self = &x}, threads);
	for (size_t i = 0; i < n; i++) {
		r->counts.simulations += at[i].simulations;
		service_free(at[i].s);
		arena_release(&at[i].arena);
	}
}

static struct held changed_row(const struct plan_result *r, const struct plan_row *row, size_t part, int by)
{
	struct held h = {.row = row, .changed = true};

	h.s = join_changed(&h.arena, r, row, part, by);
	return h;
}

struct plan_capacity plan_holds_with(struct plan_result *r, const struct plan_row *row, int more)
{
	struct held h = changed_row(r, row, 0, more);

	hold_all(r, &h, 1);
	return h.c;
}

struct service *plan_row_service(struct arena *a, const struct plan_result *r, const struct plan_row *row)
{
	return plan_parts_service(a, r, row->parts, row->parts_n);
}

/* The half of pools that gains most by a server; the one whose loss hurts most. */
static void change(struct plan_result *r, struct plan_row *best)
{
	const bool pools = best->parts[0].group->pool != POOL_WHOLE;
	const size_t more = pools ? 2 : 1, n = more + (best->servers > 1 ? best->parts_n : 0);
	struct held *at = xcalloc(n, sizeof *at);

	for (size_t i = 0; i < n; i++)
		at[i] = i < more ? changed_row(r, best, i, 1) : changed_row(r, best, i - more, -1);
	hold_all(r, at, n);
	r->more = at[0].c;
	if (pools && at[1].c.load > r->more.load)
		r->more = at[1].c;
	for (size_t i = more; i < n; i++)
		if (!r->fewer.known || at[i].c.load < r->fewer.load)
			r->fewer = at[i].c;
	free(at);
}

/* ---- hour by hour ---- */

/* The number of servers is raised until it holds the largest hour. */
static void add_hours(struct loader *l, const struct world *plan, struct plan_result *r,
		      const struct plan_row *best)
{
	const int up_to = (int)plan->scenario->plan->up_to;
	double *loads, span_s, largest = 0, *holds = arena_array(l->arena, (size_t)up_to + 1, sizeof *holds);
	const size_t n = plan_hour_loads(l->arena, plan, &r->load, &loads, &span_s);
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, loads[i]);
	if (!n || best->parts_n > 1 || r->load.finish)
		return;
	while (most < (size_t)up_to && (!most || holds[most - 1] < largest)) {
		struct arena a = ARENA_INIT;
		struct service *s = join_changed(&a, r, best, 0, (int)most + 1 - best->parts[0].count);

		holds[most] = capacity_of(r, s, most ? holds[most - 1] : r->load.needed, INFINITY).load;
		most++;
		service_free(s);
		arena_release(&a);
	}
	r->hours = plan_hours_of(l->arena, loads, n, holds, most,
				 plan_load_work(&r->load) > 0 ? best->parts[0].group->bound.rate : INFINITY);
	r->hours.span_s = span_s;
}

/* ---- money ---- */

static double share_of_day(const struct plan_result *r, const struct world *plan, const struct plan_row *row)
{
	if (!r->load.finish)
		return plan->scenario->money.utilisation;
	return fmin(1, (double)r->load.finish->requests / row->m.of[SERVICE_REQUESTS_PER_S] / 86400);
}

static struct plan_use use_of(const struct plan_result *r, const struct world *plan,
			      const struct plan_row *row)
{
	const struct service_bound *b = &row->parts[0].group->bound;
	const double share = share_of_day(r, plan, row);

	return (struct plan_use){.price = row->usd,
				 .idle_W = plan_row_idle_W(row),
				 .load_W = row->watts,
				 .share = share,
				 .requests = share * 86400 * row->m.of[SERVICE_REQUESTS_PER_S],
				 .prompt = b->prompt,
				 .output = b->output};
}

static void add_money(struct plan_result *r, const struct world *plan)
{
	const struct planning *p = plan->scenario->plan;

	for (size_t i = 0; i < r->rows_n; i++) {
		struct plan_row *row = &r->rows[i];
		struct plan_use use;
		struct plan_money m;

		if (!row->ran)
			continue;
		use = use_of(r, plan, row);
		m = plan_money_of(&plan->scenario->money, p->api, &use);
		row->usd_month = m.price_month + m.electricity_month;
		if (row == r->best)
			r->money = m;
	}
}

/* ---- all of it ---- */

const struct world *plan_world(struct loader *l, const struct world *plan, const struct yml *root,
			       const struct plan_row *row)
{
	return groups_world(l, plan, root, row->parts, row->parts_n, row->name);
}

static void hold_rows(struct plan_result *r)
{
	struct held *at = xcalloc(PLAN_ROWS, sizeof *at);
	size_t n = 0;

	for (size_t i = 0; i < r->rows_n; i++) {
		if (!r->rows[i].ran)
			continue;
		at[n].row = &r->rows[i];
		at[n].s = plan_row_service(&at[n].arena, r, &r->rows[i]);
		n++;
	}
	hold_all(r, at, n);
	for (size_t i = 0; i < n; i++)
		r->rows[at[i].row - r->rows].holds = at[i].c;
	free(at);
}

void plan_hold_surely(struct loader *l, struct plan_result *r, const struct world *w, struct plan_row *row,
		      int64_t draws)
{
	struct service *s = service_new(l->arena, w, w->scenario->assignments.at, l->diags);

	if (s && !r->load.finish && row->holds.load > 0) {
		add_confidence(r, s, &row->holds, most_of(r, row));
		add_draws(l, r, w, s, draws > 1 ? (size_t)draws : PLAN_DRAWS, &row->holds);
	}
	service_free(s);
}

void plan_look_closer(struct loader *l, const struct world *plan, const struct yml *root,
		      const struct plan_ask *ask, struct plan_result *r)
{
	struct plan_row *best = &r->rows[r->best - r->rows];

	hold_rows(r);
	r->world = plan_world(l, plan, root, best);
	if (r->world)
		plan_hold_surely(l, r, r->world, best, ask->draws);
	change(r, best);
	add_hours(l, plan, r, best);
	add_money(r, plan);
}
