/* rows.c - results as rows of named values; see lemursim.h. */
#include <math.h>
#include <string.h>

#include "sim/lib/handles.h"
#include "sim/report/plan.h"

struct filling { /* the values of a row, with room for all that it may have */
	struct lemursim_value *at;
	size_t n;
};

static void add_text(struct filling *f, const char *name, const char *text)
{
	f->at[f->n++] = (struct lemursim_value){
		.name = name, .unit = "", .text = text, .value = NAN, .lo = NAN, .hi = NAN};
}

static void add_bool(struct filling *f, const char *name, bool value)
{
	add_text(f, name, value ? "true" : "false");
}

static void add_number(struct filling *f, const char *name, const char *unit, double value)
{
	if (isfinite(value))
		f->at[f->n++] = (struct lemursim_value){
			.name = name, .unit = unit, .value = value, .lo = value, .hi = value};
}

static void add_metric(struct filling *f, const struct metric *m)
{
	if (!isfinite(m->value))
		return;
	f->at[f->n++] = (struct lemursim_value){.name = m->name,
						.unit = m->unit,
						.value = m->value,
						.lo = isfinite(m->lo) ? m->lo : m->value,
						.hi = isfinite(m->hi) ? m->hi : m->value,
						.ci = m->ci,
						.from = provenance_names[m->from]};
}

enum { SIMULATED_MORE = 4, SWEPT_MORE = 4, PLANNED_MORE = 5 }; /* values beside metrics and axes */

static struct filling begin(lemursim_result *r, size_t room)
{
	return (struct filling){arena_array(&r->arena, room, sizeof(struct lemursim_value)), 0};
}

static size_t metrics_of_classes(const struct assignment_row *a)
{
	size_t n = 0;

	for (size_t k = 0; k < a->classes_n; k++)
		n += a->classes[k].metrics_n;
	return n;
}

static void add_classes(lemursim_result *r, struct filling *f, const struct assignment_row *a)
{
	for (size_t k = 0; k < a->classes_n; k++)
		for (size_t i = 0; i < a->classes[k].metrics_n; i++) {
			struct metric m = a->classes[k].metrics[i];

			m.name = arena_printf(&r->arena, "%s.%s", a->classes[k].name, m.name);
			add_metric(f, &m);
		}
}

static struct filling fill_simulated(lemursim_result *r, size_t row)
{
	const struct assignment_row *a = &r->simulated.result.rows[row];
	struct filling f = begin(r, a->metrics_n + metrics_of_classes(a) + SIMULATED_MORE);

	add_bool(&f, "fits", a->fits);
	if (!a->fits)
		add_number(&f, "short_B", "B", a->short_B);
	add_text(&f, "bound", a->bound);
	if (a->advice)
		add_text(&f, "advice", a->advice);
	for (size_t i = 0; i < a->metrics_n; i++)
		add_metric(&f, &a->metrics[i]);
	add_classes(r, &f, a);
	return f;
}

static struct filling fill_swept(lemursim_result *r, size_t row)
{
	const struct sweep *s = &r->swept;
	const struct sweep_cell *c = &s->cells[row / s->names_n];
	const struct sweep_entry *e = &c->entries[row % s->names_n];
	struct filling f = begin(r, s->axes_n + SWEPT_MORE);

	for (size_t i = 0; i < s->axes_n; i++)
		add_text(&f, s->axes[i].path, c->values[i]);
	add_bool(&f, "fits", e->fits);
	if (e->metric)
		add_metric(&f, e->metric);
	add_number(&f, "times_best_alone", "", e->times);
	add_number(&f, "won", "", e->won);
	return f;
}

static struct filling fill_planned(lemursim_result *r, size_t row)
{
	const struct plan_row *p = &r->planned.rows[row];
	size_t n;
	const struct metric *numbers = plan_row_metrics(&r->arena, &r->planned, p, &n);
	struct filling f = begin(r, n + PLANNED_MORE);

	add_text(&f, "settings", p->settings);
	add_text(&f, "verdict", plan_row_verdict(p));
	add_bool(&f, "best", p == r->planned.best);
	add_bool(&f, "pareto", p->pareto);
	add_number(&f, "machines", "", p->machines);
	for (size_t i = 0; i < n; i++) {
		add_metric(&f, &numbers[i]);
		f.at[f.n - 1].from = NULL; /* a plan's numbers rest on many sources */
	}
	return f;
}

static const struct lemursim_row *filled(lemursim_result *r, size_t row)
{
	struct filling f;

	if (!r || row >= r->rows_n)
		return NULL;
	if (!r->rows[row].values) {
		f = r->answer == LEMURSIM_SIMULATED ? fill_simulated(r, row)
		    : r->answer == LEMURSIM_SWEPT   ? fill_swept(r, row)
						    : fill_planned(r, row);
		r->rows[row] = (struct lemursim_row){f.at, f.n};
	}
	return &r->rows[row];
}

size_t lemursim_rows(const lemursim_result *r)
{
	return r ? r->rows_n : 0;
}

const char *lemursim_row_name(const lemursim_result *r, size_t row)
{
	if (!r || row >= r->rows_n)
		return NULL;
	return r->answer == LEMURSIM_SIMULATED ? r->simulated.result.rows[row].name
	       : r->answer == LEMURSIM_SWEPT   ? r->swept.names[row % r->swept.names_n]
					       : r->planned.rows[row].name;
}

size_t lemursim_values(lemursim_result *r, size_t row)
{
	const struct lemursim_row *at = filled(r, row);

	return at ? at->n : 0;
}

const struct lemursim_value *lemursim_value(lemursim_result *r, size_t row, size_t i)
{
	const struct lemursim_row *at = filled(r, row);

	return at && i < at->n ? &at->values[i] : NULL;
}

const struct lemursim_value *lemursim_find(lemursim_result *r, size_t row, const char *name)
{
	const struct lemursim_row *at = filled(r, row);

	for (size_t i = 0; at && name && i < at->n; i++)
		if (!strcmp(at->values[i].name, name))
			return &at->values[i];
	return NULL;
}
