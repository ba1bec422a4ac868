/* front_curves.c - see front_curves.h. */
#include "sim/report/front_curves.h"

#include <math.h>
#include <stdlib.h>

#include "sim/predict/job.h"
#include "sim/report/columns.h"

struct front {
	struct arena *a;
	size_t n; /* rows with both values */
	const struct assignment_row **rows;
	const struct metric **x, **y;
};

static struct front front_of(struct arena *a, const struct result *r)
{
	struct front f = {.a = a};

	f.rows = arena_array(a, r->rows_n + 1, sizeof *f.rows);
	f.x = arena_array(a, r->rows_n + 1, sizeof *f.x);
	f.y = arena_array(a, r->rows_n + 1, sizeof *f.y);
	for (size_t i = 0; r->goal && r->pareto && i < r->rows_n; i++) {
		const struct metric *x = rows_metric(&r->rows[i], r->pareto),
				    *y = rows_metric(&r->rows[i], r->goal);

		if (!x || !y || !r->rows[i].fits)
			continue;
		f.rows[f.n] = &r->rows[i];
		f.x[f.n] = x;
		f.y[f.n++] = y;
	}
	return f;
}

bool front_is(const struct result *r)
{
	struct arena a = ARENA_INIT;
	const bool is = front_of(&a, r).n > 1;

	arena_release(&a);
	return is;
}

/* The name of the column, where the metric has one. */
static const char *head_of(const struct metric *m)
{
	struct err err = ERR_INIT;
	const struct metric_info *info = metric_find(m->name, &err);

	return info && info->head ? info->head : m->name;
}

/* A metric's own name ends with its unit. */
static const char *axis_unit(const struct metric *m)
{
	return head_of(m) == m->name ? "" : m->unit;
}

static const char *value_text(struct arena *a, const struct metric *m)
{
	struct str s = STR_INIT;
	const char *text;

	units_format_number(&s, m->value);
	text = arena_printf(a, "%s %s%s%s", head_of(m), s.text, *m->unit ? " " : "", m->unit);
	str_release(&s);
	return text;
}

static int by_x(const void *a, const void *b)
{
	const struct curve_step *p = a, *q = b;

	return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y > q->y) - (p->y < q->y);
}

static void add_steps(const struct front *f, struct panel *p)
{
	struct curve_step *steps = arena_array(f->a, f->n, sizeof *steps);

	for (size_t i = 0; i < f->n; i++)
		steps[i] = (struct curve_step){f->x[i]->value, f->y[i]->value};
	qsort(steps, f->n, sizeof *steps, by_x);
	p->steps = steps;
	p->steps_n = f->n;
	p->steps_back = !f->x[0]->less;
	p->steps_name = "grey steps: no assignment is better in both";
}

static struct panel panel_of(const struct front *f)
{
	struct curve_point *points = arena_array(f->a, f->n, sizeof *points);
	double *x = arena_array(f->a, f->n, sizeof *x);
	struct panel p = {.head = head_of(f->y[0]),
			  .unit = axis_unit(f->y[0]),
			  .bound = NAN,
			  .points = points,
			  .x = x,
			  .x_name = head_of(f->x[0]),
			  .x_unit = axis_unit(f->x[0]),
			  .about = true};

	for (size_t i = 0; i < f->n; i++) {
		points[i] = (struct curve_point){.state = CURVE_HAS,
						 .value = f->y[i]->value,
						 .lo = f->y[i]->lo,
						 .hi = f->y[i]->hi,
						 .median = NAN};
		x[i] = f->x[i]->value;
	}
	add_steps(f, &p);
	return p;
}

struct curves front_curves(struct arena *a, const struct result *r)
{
	static const double place[] = {0};
	static const char *const text[] = {""};
	const struct front f = front_of(a, r);
	const char **names = arena_array(a, f.n, sizeof *names),
		   **remarks = arena_array(a, f.n, sizeof *remarks);
	struct panel *panel = arena_array(a, 1, sizeof *panel);

	for (size_t i = 0; i < f.n; i++) {
		names[i] = arena_printf(a, "%zu. %s", i + 1, f.rows[i]->name);
		remarks[i] = arena_printf(a, "%s, %s", value_text(a, f.y[i]), value_text(a, f.x[i]));
	}
	*panel = panel_of(&f);
	return (struct curves){.title = r->title,
			       .x_name = panel->x_name,
			       .x_unit = panel->x_unit,
			       .x_texts = text,
			       .x = place,
			       .x_n = 1,
			       .names = names,
			       .remarks = remarks,
			       .names_n = f.n,
			       .panels = panel,
			       .panels_n = 1};
}
