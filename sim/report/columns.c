/* columns.c - see columns.h. */
#include "sim/report/columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/predict/job.h"

/* A row of which nothing fits has no numbers, whatever it carries. */
static bool has_numbers(const struct assignment_row *row)
{
	return row->fits || row->short_phase;
}

const struct metric *columns_metric(const struct assignment_row *row, const struct column *c)
{
	return has_numbers(row) ? rows_metric(row, c->metric) : NULL;
}

/* As it is printed, so that values that look equal are equal. */
static double printed(const struct metric *m, const struct column *c)
{
	char text[32];

	snprintf(text, sizeof text, "%.3g", m->value * c->scale);
	return strtod(text, NULL);
}

/* Finds the best and the worst value of a column; false if it has none. */
static bool find_range(const struct result *r, struct column *c)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rows_n; i++) {
		const struct metric *m = columns_metric(&r->rows[i], c);
		double value;

		if (!m)
			continue;
		value = printed(m, c);
		if (!n++)
			c->best = c->worst = value;
		c->best = m->less ? fmin(c->best, value) : fmax(c->best, value);
		c->worst = m->less ? fmax(c->worst, value) : fmin(c->worst, value);
	}
	return n > 0;
}

static bool is_column(const struct column *columns, size_t n, const char *metric)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(columns[i].metric, metric))
			return true;
	return false;
}

static size_t unknown_columns(const struct result *r, struct column columns[COLUMNS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < r->rows_n; i++) {
		for (size_t k = 0; k < r->rows[i].metrics_n && n < COLUMNS_MAX; k++) {
			const struct metric *m = &r->rows[i].metrics[k];

			if (!has_numbers(&r->rows[i]) || !isfinite(m->value) ||
			    is_column(columns, n, m->name))
				continue;
			columns[n] = (struct column){.metric = m->name,
						     .head = m->name,
						     .unit = m->unit ? m->unit : "",
						     .scale = 1.0};
			find_range(r, &columns[n++]);
		}
	}
	return n;
}

static int by_column(const void *a, const void *b)
{
	const struct metric_info *const *x = a, *const *y = b;

	return ((*x)->column > (*y)->column) - ((*x)->column < (*y)->column); /* no two are the same */
}

/* Metrics of all jobs that have a column, in the order of columns; returns how many. */
static size_t with_columns(const struct metric_info **out)
{
	size_t n = 0;

	for (size_t i = 0; i < metrics_n(); i++)
		if (metric_at(i)->head)
			out[n++] = metric_at(i);
	qsort(out, n, sizeof *out, by_column);
	return n;
}

size_t columns_of(const struct result *r, struct column columns[COLUMNS_MAX])
{
	const struct metric_info *known[JOB_N * METRICS_MAX];
	const size_t known_n = with_columns(known);
	size_t n = 0;

	for (size_t i = 0; i < known_n && n < COLUMNS_MAX; i++) {
		struct column *c = &columns[n];
		const bool share = !*known[i]->unit;

		*c = (struct column){.metric = known[i]->name,
				     .head = known[i]->head,
				     .unit = share ? "%" : known[i]->unit,
				     .scale = share ? 100 : 1,
				     .no_best = known[i]->no_best};
		if (!find_range(r, c) || (known[i]->less && c->best <= 0 && c->worst <= 0))
			continue; /* that nothing was preempted, say, takes no column */
		if (!strcmp(c->unit, "s") && fmax(fabs(c->best), fabs(c->worst)) < 1.0) {
			c->unit = "ms";
			c->scale = 1e3;
			find_range(r, c);
		}
		n++;
	}
	return n ? n : unknown_columns(r, columns);
}

bool columns_is_best(const struct result *r, const struct column *c, size_t row)
{
	const struct metric *own = columns_metric(&r->rows[row], c);

	return own && !c->no_best && c->best != c->worst && printed(own, c) == c->best;
}

enum provenance columns_from(const struct result *r, const struct column *c)
{
	enum provenance worst = PROVENANCE_MEASURED;

	for (size_t i = 0; i < r->rows_n; i++) {
		const struct metric *m = columns_metric(&r->rows[i], c);

		if (m)
			worst = provenance_worse(worst, m->from);
	}
	return worst;
}

void columns_value(struct str *out, const struct metric *m, const struct column *c)
{
	units_format_number(out, m->value * c->scale);
}

void columns_interval(struct str *out, const struct metric *m, const struct column *c)
{
	if (!isfinite(m->lo) || !isfinite(m->hi) || m->lo == m->hi)
		return;
	units_format_number(out, m->lo * c->scale);
	str_add(out, "\xe2\x80\x93");
	units_format_number(out, m->hi * c->scale);
}

void columns_chance(struct str *out, const struct metric *m, const struct column *c)
{
	char text[32];

	if (m->ci <= 0)
		return;
	snprintf(text, sizeof text, "%.2g", m->ci * c->scale); /* two digits: a width is not known better */
	str_addf(out, "\xc2\xb1%.*f",
		 m->ci * c->scale < 0.1  ? 3
		 : m->ci * c->scale < 10 ? 1
					 : 0,
		 strtod(text, NULL));
}

void columns_size(struct str *out, double bytes)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	double size = bytes / 1024.0;
	size_t i = 0;

	while (size >= 1000.0 && i + 1 < ARRAY_LEN(names)) {
		size /= 1024.0;
		i++;
	}
	units_format_number(out, size);
	str_addf(out, " %s", names[i]);
}

void columns_fits(struct str *out, const struct assignment_row *row)
{
	if (row->fits) {
		str_add(out, "yes");
		return;
	}
	if (row->short_phase) { /* the rest of the row has numbers; 'limited by' says what is missing */
		str_addf(out, "%s no", row->short_phase);
		return;
	}
	str_add(out, "no: ");
	columns_size(out, row->short_B);
	str_add(out, " short");
	if (row->short_on && *row->short_on)
		str_addf(out, " on %s", row->short_on);
}
