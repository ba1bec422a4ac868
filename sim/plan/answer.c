/* answer.c - see answer.h. */
#include "sim/plan/answer.h"

#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/plan/rows.h"

enum { NAMES = 8 }; /* machines that were left out, at most so many are named */

/* A number in a sentence; of an expression's lifetime. */
#define of_3(x) (units_digits(x, 3).text)

/* In the unit that people say it in. */
static const char *duration(struct arena *a, double s)
{
	if (s >= 7200)
		return arena_printf(a, "%s h", of_3(s / 3600));
	return s >= 600 ? arena_printf(a, "%s min", units_digits(s / 60, 3).text)
			: units_text(a, s, DIM_TIME, 3);
}

/* Whole dollars with three digits or more. */
static const char *usd(struct arena *a, double value)
{
	return value >= 100 ? arena_printf(a, "%.0f USD", value)
			    : arena_printf(a, "%s USD", units_digits(value, 3).text);
}

const char *plan_bound_name(enum slo_metric metric, enum slo_stat stat)
{
	static const char *const names[SLO_METRICS][SLO_STATS] = {
		{"mean TTFT", "TTFT p50", "TTFT p90", "TTFT p95", "TTFT p99"},
		{"mean TPOT", "TPOT p50", "TPOT p90", "TPOT p95", "TPOT p99"},
		{"mean ITL", "ITL p50", "ITL p90", "ITL p95", "ITL p99"},
		{"mean E2EL", "E2EL p50", "E2EL p90", "E2EL p95", "E2EL p99"}};

	return names[metric][stat];
}

const char *plan_load_text(struct arena *a, const struct plan_load *load, double size)
{
	if (load->whole)
		return arena_printf(a, "%.0f %s", size, size > 1 || size < 1 ? load->unit : load->one);
	return arena_printf(a, "%s %s", of_3(size), load->unit);
}

/* ---- why not ---- */

static const char *slow(struct arena *a, const struct serve *load, const struct plan_row *row)
{
	const struct load_class *c = load->classes.at;
	const struct service_bound *b = &row->parts[0].group->bound;

	if (b->miss.unserved)
		return "requests are longer than its context";
	return arena_printf(
		a,
		"on an idle machine already %s%s%s is %s where %s is allowed, and no number of such "
		"machines changes that",
		plan_bound_name(b->miss.metric, b->miss.stat), load->classes.n > 1 ? " of class " : "",
		load->classes.n > 1 ? c[b->miss.class_id].origin.name : "", duration(a, b->least),
		duration(a, b->miss.bound));
}

static const char *misses(struct arena *a, const struct plan_result *r, const struct plan_row *row)
{
	const struct service_slo *t = &row->m.tightest;
	const double over = plan_row_over(r, row);

	if (!row->ran)
		return "it was not run";
	if (r->load.finish)
		return arena_printf(a, "the batch takes %s where %s are allowed",
				    duration(a, over * r->load.finish->within),
				    duration(a, r->load.finish->within));
	if (row->m.overloaded)
		return arena_printf(a, "more requests come than it serves, %s a second",
				    of_3(row->m.of[SERVICE_REQUESTS_PER_S]));
	if (row->m.of[SERVICE_REFUSED] > 0)
		return arena_printf(a, "%s %% of requests are refused or cut short",
				    units_digits(row->m.of[SERVICE_REFUSED] * 100, 3).text);
	if (over > 1)
		return arena_printf(a, "%s is %s where %s is allowed, %.0f %% too much",
				    plan_bound_name(t->metric, t->stat), duration(a, t->value),
				    duration(a, t->bound), (over - 1) * 100);
	return arena_printf(a, "it holds the load as asked, %s at %s of %s, but not with the headroom",
			    plan_bound_name(t->metric, t->stat), duration(a, t->value),
			    duration(a, t->bound));
}

const char *plan_row_why(struct arena *a, const struct plan_result *r, const struct plan_row *row)
{
	switch (row->why) {
	case PLAN_HOLDS:
		return "";
	case PLAN_MISSES:
		return misses(a, r, row);
	case PLAN_NO_SPARE:
		return "it holds the load, but not when one of its servers is gone";
	case PLAN_SLOW:
		return slow(a, r->load.base, row);
	case PLAN_TOO_MUCH:
		return arena_printf(a, "it can do %s requests a second at most",
				    of_3(row->servers * row->parts[0].group->bound.rate));
	case PLAN_TOO_DEAR:
		return arena_printf(a, "that is above the budget of %s", usd(a, r->budget));
	case PLAN_UNFIT:
		break;
	}
	return arena_printf(a, "the weights and a cache do not fit: %.1f GiB are missing",
			    row->parts[0].group->short_B / 1073741824.0);
}

/* ---- sentences ---- */

struct saying {
	struct arena *a;
	const struct world *plan;
	struct plan_result *r;
};

static void say(struct saying *s, const char *text)
{
	if (s->r->notes_n < PLAN_NOTES)
		s->r->notes[s->r->notes_n++] = text;
}

static const char *asked(struct saying *s)
{
	const struct plan_load *l = &s->r->load;
	const char *what =
		l->finish ? arena_printf(s->a, "%lld requests within %s", (long long)l->finish->requests,
					 duration(s->a, l->finish->within))
			  : plan_load_text(s->a, l, l->asked);
	const struct planning *p = s->plan->scenario->plan;

	if (p->headroom > 1)
		what = arena_printf(s->a, "%s and %.0f %% headroom", what, (p->headroom - 1) * 100);
	return p->spare ? arena_printf(s->a, "%s with %lld of its servers gone", what, (long long)p->spare)
			: what;
}

static void say_best(struct saying *s)
{
	static const char *const least[PLAN_GOALS] = {[PLAN_PRICE] = "is the cheapest that holds",
						      [PLAN_ENERGY] =
							      "takes the least energy of those that hold",
						      [PLAN_LATENCY] = "is the quickest of those that hold"};
	const struct plan_row *b = s->r->best;
	const struct service_slo *t = &b->m.tightest;

	say(s, arena_printf(s->a, "%s (%s) for %s %s %s.", b->name, b->settings, usd(s->a, b->usd),
			    least[s->plan->scenario->plan->goal], asked(s)));
	if (t->bound > 0)
		say(s, arena_printf(s->a, "At %s the closest to its bound is %s: %s where %s is allowed.",
				    plan_load_text(s->a, &s->r->load, s->r->load.asked),
				    plan_bound_name(t->metric, t->stat), duration(s->a, t->value),
				    duration(s->a, t->bound)));
}

/* The cheapest of the rows that holds; of another goal than the price it may cost less than the best. */
static const struct plan_row *cheapest(const struct plan_result *r)
{
	const struct plan_row *least = r->best;

	for (size_t i = 0; i < r->rows_n; i++)
		if (r->rows[i].why == PLAN_HOLDS && r->rows[i].usd < least->usd)
			least = &r->rows[i];
	return least;
}

static void say_below(struct saying *s)
{
	const struct plan_row *b = s->r->below, *least = cheapest(s->r);

	if (least != s->r->best && isfinite(least->energy))
		say(s, arena_printf(s->a, "%s (%s) for %s holds it too, with %s J/tok instead of %s.",
				    least->name, least->settings, usd(s->a, least->usd), of_3(least->energy),
				    of_3(s->r->best->energy)));
	else if (least != s->r->best)
		say(s, arena_printf(s->a, "%s (%s) for %s holds it too.", least->name, least->settings,
				    usd(s->a, least->usd)));
	else if (!b)
		say(s, "Nothing cheaper can hold it: bounds alone rule out every cheaper fleet, if there is "
		       "any.");
	if (b)
		say(s, arena_printf(s->a, "%s, %s (%s) for %s, does not: %s.",
				    least == s->r->best ? "The next cheaper" : "A cheaper one", b->name,
				    b->settings, usd(s->a, b->usd), plan_row_why(s->a, s->r, b)));
}

static void say_holds(struct saying *s)
{
	const struct plan_capacity *c = &s->r->best->holds;
	const struct plan_load *l = &s->r->load;
	struct str text = STR_INIT;

	if (!c->known || !(c->load > 0))
		return;
	if (l->finish) {
		say(s, arena_printf(s->a,
				    "The batch ends after %s; %s times as many requests would end in time.",
				    duration(s->a, l->finish->within / c->load), of_3(c->load)));
		return;
	}
	str_addf(&text, "It holds %s%s: with so many each simulated run of the load keeps the SLO.",
		 c->hole > 0 ? "" : "up to ", plan_load_text(s->a, l, c->load));
	if (c->hole > 0)
		str_addf(&text,
			 " Not every smaller load is held, though: with %s a run misses the SLO. Either a "
			 "larger batch "
			 "is the quicker one, or the load is too short to tell, which more 'requests' would.",
			 plan_load_text(s->a, l, c->hole));
	if (isfinite(c->half))
		str_addf(&text, " Taken one by one, runs hold %s %s%s in the mean (95 %%).", of_3(c->mean),
			 "\xc2\xb1", of_3(c->half));
	if (isfinite(c->lo))
		str_addf(&text,
			 " How fast the machines are is known only so well that %s to %s are possible "
			 "(P10 to "
			 "P90).",
			 of_3(c->lo), of_3(c->hi));
	say(s, arena_strdup(s->a, text.text));
	str_release(&text);
}

static void say_changes(struct saying *s)
{
	const struct plan_result *r = s->r;
	const double now = r->best->holds.load;

	if (r->more.known && r->more.load > now)
		say(s, arena_printf(s->a, "With one server more it holds %s instead of %s.",
				    plan_load_text(s->a, &r->load, r->more.load),
				    plan_load_text(s->a, &r->load, now)));
	if (r->best->servers == 1)
		say(s, "If it dies nothing is left: 'spare: 1' asks for a fleet that goes on.");
	else if (r->fewer.known && r->fewer.load < r->load.asked / 100)
		say(s, "If one dies the rest holds next to nothing.");
	else if (r->fewer.known)
		say(s, arena_printf(s->a, "If one dies the rest holds %s, %s the load as asked.",
				    plan_load_text(s->a, &r->load, r->fewer.load),
				    r->fewer.load >= r->load.asked ? "still" : "less than"));
}

static void say_hours(struct saying *s)
{
	const struct plan_hours *h = &s->r->hours;
	struct str text = STR_INIT;

	if (!h->n)
		return;
	str_addf(&text, "By %s it takes", h->span_s < 3600 ? duration(s->a, h->span_s) : "hour");
	for (size_t i = 0; i < h->n; i++)
		str_addf(&text, "%s%d", i ? ", " : " ", h->at[i].servers);
	str_addf(&text,
		 " servers like these, %d at the peak and %s on average; load over what one holds, rounded "
		 "up, "
		 "says %s",
		 h->peak, units_digits(h->mean, 3).text, units_digits(h->mean_by_one, 3).text);
	if (h->mean_by_bound > 0)
		str_addf(&text,
			 ", and over the most work that one can do %s: queueing adds %s to perfect "
			 "scaling",
			 units_digits(h->mean_by_bound, 3).text,
			 units_digits(h->mean - h->mean_by_bound, 3).text);
	str_addf(&text, "%s.", h->above ? "; the largest needs more than may be bought" : "");
	say(s, arena_strdup(s->a, text.text));
	str_release(&text);
}

/* One large machine against two or more small ones, where both hold. */
static void say_few(struct saying *s)
{
	const struct plan_row *one = NULL, *two = NULL;

	for (size_t i = 0; i < s->r->rows_n; i++) {
		const struct plan_row *row = &s->r->rows[i];

		if (row->why != PLAN_HOLDS)
			continue;
		if (row->servers == 1 && (!one || row->usd < one->usd))
			one = row;
		if (row->servers > 1 && (!two || row->usd < two->usd))
			two = row;
	}
	if (!one || !two)
		return;
	say(s,
	    arena_printf(s->a,
			 "One against several: %s costs %s and holds %s; %s cost %s and hold %s, and go on "
			 "with %d when one dies.",
			 one->name, usd(s->a, one->usd), plan_load_text(s->a, &s->r->load, one->holds.load),
			 two->name, usd(s->a, two->usd), plan_load_text(s->a, &s->r->load, two->holds.load),
			 two->servers - 1));
}

/* What a smaller format of the weights bought. */
static void say_traded(struct saying *s)
{
	const struct group *g = s->r->best->parts[0].group;
	const struct field_list *w = &s->plan->scenario->plan->weights;

	if (w->n > 1 && g->format > 0)
		say(s, arena_printf(s->a,
				    "Quality is traded for it: its weights are in %s; in %s no fleet of that "
				    "price holds the load.",
				    g->weights, ((const char *const *)w->at)[0]));
	else if (w->n > 1)
		say(s, arena_printf(s->a, "No quality is traded: %s is the format named first.", g->weights));
	if (w->n > 1)
		say(s, "Formats are compared by price and speed alone: what answers lose by a smaller one is "
		       "not "
		       "modelled.");
}

static const char *months(struct arena *a, double m)
{
	return m > 1200 ? "never" : arena_printf(a, "%s months", of_3(m));
}

static void say_money(struct saying *s)
{
	const struct plan_money *m = &s->r->money;
	const double share = s->r->load.finish ? 0 : s->plan->scenario->money.utilisation;

	if (isnan(m->electricity_month)) {
		say(s, arena_printf(s->a,
				    "A month costs %s for the machines; what they draw, idle and at work, is "
				    "not known, so that "
				    "electricity is left out.",
				    usd(s->a, m->price_month)));
		return;
	}
	say(s,
	    arena_printf(s->a, "A month costs %s for the machines and %s for electricity%s.",
			 usd(s->a, m->price_month), usd(s->a, m->electricity_month),
			 share > 0 ? arena_printf(s->a, ", at this load for %.0f %% of the time", share * 100)
				   : ", one such batch a day"));
	if (!m->asked)
		return;
	say(s, arena_printf(s->a,
			    "The API would cost %s a month for the same %s Mtok a day; the machines are paid "
			    "after %s; both cost the same at %s.",
			    usd(s->a, m->api_month), of_3(m->tokens_day / 1e6), months(s->a, m->months),
			    isfinite(m->even_tokens_day)
				    ? arena_printf(s->a, "%s Mtok a day", of_3(m->even_tokens_day / 1e6))
				    : "no amount"));
	say(s, arena_printf(s->a,
			    "They are paid after %s or %s if their price is a fifth lower or higher, %s or "
			    "%s if that "
			    "of electricity is, %s or %s if the load is.",
			    months(s->a, m->months_by[FACTOR_PRICE][0]),
			    months(s->a, m->months_by[FACTOR_PRICE][1]),
			    months(s->a, m->months_by[FACTOR_ELECTRICITY][0]),
			    months(s->a, m->months_by[FACTOR_ELECTRICITY][1]),
			    months(s->a, m->months_by[FACTOR_LOAD][0]),
			    months(s->a, m->months_by[FACTOR_LOAD][1])));
}

static void say_nearest(struct saying *s)
{
	const struct plan_row *n = s->r->nearest;

	if (!n) {
		const struct plan_any *any = s->plan->scenario->plan->any;

		say(s, any && any->price ? arena_printf(s->a, "No machine of these kinds has a price of %s.",
							any->price)
					 : "There is nothing to choose from.");
		return;
	}
	say(s, arena_printf(s->a, "%s holds %s.",
			    n->why == PLAN_UNFIT ? "Nothing fits, so that nothing"
						 : "Nothing that may be bought",
			    asked(s)));
	say(s, arena_printf(s->a, "The nearest is %s (%s) for %s: %s.", n->name, n->settings,
			    usd(s->a, n->usd), plan_row_why(s->a, s->r, n)));
}

static void say_names(struct saying *s, const struct texts *names, const char *why)
{
	struct str text = STR_INIT;

	for (size_t i = 0; i < names->n && i < NAMES; i++)
		str_addf(&text, "%s%s", i ? ", " : "", names->at[i]);
	if (names->n > NAMES)
		str_addf(&text, " and %zu more", names->n - NAMES);
	if (text.len)
		say(s, arena_printf(s->a, "Left out, %s: %s.", why, text.text));
	str_release(&text);
}

/* Where energy is the goal. */
static void say_unpowered(struct saying *s)
{
	const struct group_list *g = &s->r->groups;
	struct texts names = {arena_array(s->a, g->n + 1, sizeof *names.at), 0};

	for (size_t i = 0; i < g->n && s->plan->scenario->plan->goal == PLAN_ENERGY; i++) {
		bool known = !isnan(g->at[i].idle_W + g->at[i].busy_W);

		for (size_t k = 0; k < names.n; k++)
			known |= !strcmp(names.at[k], g->at[i].name);
		if (!known)
			names.at[names.n++] = g->at[i].name;
	}
	say_names(s, &names, "what they draw, idle and at work, is not known");
}

/* A split that no runtime does is looked at as a question. */
static void say_what_if(struct saying *s)
{
	const struct group_list *g = &s->r->groups;

	for (size_t i = 0; i < g->n; i++)
		if (g->at[i].what_if) {
			say(s, arena_printf(
				       s->a,
				       "Groups with a tensor split under %s are simulated as a question: %s.",
				       g->at[i].runtime, g->at[i].what_if));
			return;
		}
}

static void say_counts(struct saying *s)
{
	const struct plan_counts *c = &s->r->counts;

	say(s, arena_printf(
		       s->a,
		       "%zu kind%s of server; %zu fleets looked at, %zu of them ruled out by bounds; %zu "
		       "verdicts simulated%s.",
		       c->candidates, c->candidates == 1 ? "" : "s", c->bounds, c->ruled_out, c->simulations,
		       c->proved ? "" : "; the search ended early, a cheaper one may have been missed"));
}

void plan_answer(struct arena *a, const struct world *plan, struct plan_result *r)
{
	struct saying s = {a, plan, r};

	if (r->best) {
		say_best(&s);
		say_below(&s);
		say_holds(&s);
		say_changes(&s);
		say_few(&s);
		say_hours(&s);
		say_traded(&s);
		say_money(&s);
	} else {
		say_nearest(&s);
	}
	say_names(&s, &r->groups.unpriced, "no price is known");
	say_names(&s, &r->groups.unread, "no runtime of these reads such weights");
	if (*r->from.unbuilt)
		say(&s, arena_printf(a, "Left out, pools that cannot be built: %s.", *r->from.unbuilt));
	say_what_if(&s);
	say_unpowered(&s);
	say_counts(&s);
}
