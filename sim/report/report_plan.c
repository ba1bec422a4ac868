/*
 * report_plan.c - the sections of a report about a plan: its sentences, the fleets, and the figures of the catalogue
 * and of the scenario that prices, power and times rest on.
 *
 * Layer report.
 */
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/units.h"
#include "sim/report/html.h"
#include "sim/report/plan.h"
#include "sim/report/report_sections.h"

void section_plan(struct str *out, const struct section_place *at, const struct plan_result *r)
{
	struct arena a = ARENA_INIT;
	const struct html_table table = plan_html_table(&a, r);

	section_open(out, at, "answer", "Answer");
	str_add(out, "<div class=\"answer\">\n");
	for (size_t i = 0; i < r->notes_n; i++)
		html_element(out, "p", NULL, r->notes[i]);
	str_add(out, "</div>\n");
	section_close(out);
	if (r->rows_n) {
		section_open(out, at, "table", "The fleets");
		html_table(out, &table);
		str_add(out, "<p class=\"note\">'holds' is the largest load that meets the SLO; what stands "
			     "after it is "
			     "under the load as asked, without headroom.</p>\n");
		section_close(out);
	}
	arena_release(&a);
}

/* ---- what it rests on ---- */

static const struct html_column source_columns[] = {{"figure", NULL, false}, {"value", NULL, false},
						    {"spread", NULL, true},  {"how", NULL, false},
						    {"from", NULL, false},   {"source", NULL, false}};
enum { SOURCE_COLUMNS = ARRAY_LEN(source_columns), PRICES = 3, DEVICE_RATES = 4 };

/* Rows of figures, of which there is room for `most`. */
struct figures {
	struct arena *a;
	struct html_cell *cells;
	size_t n, most;
	const char *
		scenario; /* its file: a bare number there is an assumption of its author's, not a measurement */
};

static const char *place_text(struct arena *a, const struct yml *node)
{
	if (!node || !node->place.source)
		return "";
	if (node->is_default || !node->place.line)
		return node->place.source->path;
	return arena_printf(a, "%s:%d", node->place.source->path, node->place.line);
}

static struct html_cell *add_figure_row(struct figures *f, const char *name, const char *value)
{
	struct html_cell *cells = f->cells + f->n++ * SOURCE_COLUMNS;

	BUG_ON(f->n > f->most);
	for (size_t c = 0; c < SOURCE_COLUMNS; c++)
		cells[c] = (struct html_cell){.text = "", .value = NAN};
	cells[0].text = name;
	cells[1].text = value;
	return cells;
}

/* The same figure of two groups is shown once. */
static bool has_figure(const struct figures *f, const char *name, const char *value)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->cells[i * SOURCE_COLUMNS].text, name) &&
		    !strcmp(f->cells[i * SOURCE_COLUMNS + 1].text, value))
			return true;
	return false;
}

static bool is_stated(const struct figures *f, const struct qty *q)
{
	return q->node && q->node->kind == YML_SCALAR && q->node->place.source &&
	       !strcmp(q->node->place.source->path, f->scenario);
}

static void add_qty(struct figures *f, const char *of, const char *what, const struct qty *q, enum dim dim)
{
	const char *name = arena_printf(f->a, "%s: %s", of, what), *value;
	struct html_cell *cells;

	if (!q->given)
		return;
	value = units_text(f->a, q->value, dim, 4);
	if (has_figure(f, name, value))
		return;
	cells = add_figure_row(f, name, value);
	if (q->spread > 0)
		cells[2] = (struct html_cell){
			.text = arena_printf(f->a, "%s %%", units_digits(100 * q->spread, 2).text),
			.value = q->spread};
	cells[3].text = is_stated(f, q) ? "as the scenario says" : provenance_names[q->provenance];
	cells[4].text = place_text(f->a, q->node);
	cells[5].text = q->source ? q->source : "";
}

/* A number that the scenario states, or its table's default: an assumption, without a spread. */
static void add_stated(struct figures *f, const char *name, const char *value, const struct yml *table,
		       const char *key)
{
	const struct yml *node = table ? yml_get(table, key) : NULL;
	struct html_cell *cells = add_figure_row(f, name, value);

	cells[3].text = !node || node->is_default ? "assumed" : "as the scenario says";
	cells[4].text = place_text(f->a, node);
}

static void add_machine(struct figures *f, const struct machine *m, const char *name)
{
	add_qty(f, name, "price", &m->price, DIM_MONEY);
	add_qty(f, name, "power when idle", &m->idle_power, DIM_POWER);
	add_qty(f, name, "power when busy", &m->active_power, DIM_POWER);
}

static void add_group(struct figures *f, const struct group *g)
{
	const struct world *w = g->world;

	for (size_t m = 0; m < w->machines_n; m++)
		add_machine(f, &w->machines[m], g->name);
	for (size_t u = 0; u < w->units_n; u++) {
		const struct unit *unit = &w->units[u];
		const enum dtype compute = (enum dtype)w->scenario->precision.compute;
		const char *of = arena_printf(f->a, "%s.%s", g->name, unit->device->origin.name),
			   *runs = arena_printf(f->a, "%s, %s", of, g->runtime);

		if (!placement_uses(service_placement(g->service, 0), PHASE_DECODE, u))
			continue;
		add_qty(f, of, arena_printf(f->a, "peak in %s", dtype_names[compute]),
			&unit->device->peak[compute], DIM_FLOPS);
		add_qty(f, runs, "reading memory", &unit->profile->read, DIM_BANDWIDTH);
		add_qty(f, runs, "matrix-vector products", &unit->profile->gemv, DIM_BANDWIDTH);
	}
	for (size_t i = 0; i < w->links_n; i++)
		add_qty(f, w->links[i].origin.name, "bandwidth", &w->links[i].bandwidth, DIM_BANDWIDTH);
}

static void add_money(struct figures *f, const struct plan_result *r)
{
	const struct scenario *s = r->from.plan->scenario;
	const struct yml *money = s->money.origin.node;
	const struct plan_api *api = s->plan->api;

	add_stated(f, "electricity", units_text(f->a, s->money.electricity, DIM_TARIFF, 4), money,
		   "electricity");
	add_stated(f, "life of a machine", units_text(f->a, s->money.life, DIM_LIFE, 4), money, "life");
	if (!r->load.finish)
		add_stated(f, "share of the day that the load lasts",
			   units_text(f->a, s->money.utilisation, DIM_SHARE, 4), money, "utilisation");
	if (!api)
		return;
	add_stated(f, "the API's million tokens of prompts",
		   arena_printf(f->a, "%s USD", units_digits(api->input, 4).text), api->origin.node, "input");
	add_stated(f, "the API's million tokens of answers",
		   arena_printf(f->a, "%s USD", units_digits(api->output, 4).text), api->origin.node,
		   "output");
}

static size_t figures_most(const struct plan_result *r)
{
	size_t most = 5;

	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t k = 0; k < r->rows[i].parts_n; k++) {
			const struct world *w = r->rows[i].parts[k].group->world;

			most += PRICES * w->machines_n + DEVICE_RATES * w->units_n + w->links_n;
		}
	return most;
}

void section_plan_sources(struct str *out, const struct section_place *at, const struct plan_result *r)
{
	struct arena a = ARENA_INIT;
	struct figures f = {.a = &a, .most = figures_most(r), .scenario = r->from.plan->path};

	f.cells = arena_array(&a, f.most * SOURCE_COLUMNS, sizeof *f.cells);
	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t k = 0; k < r->rows[i].parts_n; k++)
			add_group(&f, r->rows[i].parts[k].group);
	add_money(&f, r);
	section_open(out, at, "sources", "Prices, power and rates");
	html_table(out, &(struct html_table){"Figures of the catalogue and of the scenario", source_columns,
					     SOURCE_COLUMNS, f.cells, f.n});
	str_add(out,
		"<p class=\"note\">Spread: the standard deviation from which the draws are made. Prices are "
		"taken as they stand.</p>\n");
	section_close(out);
	arena_release(&a);
}
