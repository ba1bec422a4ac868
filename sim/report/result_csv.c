/*
 * result_csv.c - a result as CSV: one row an assignment, four columns for every metric that any row has, five where
 * some metric is left to chance.
 *
 * Layer report. Quoting as in RFC 4180; lines end in LF. What does not apply is an empty cell, never zero.
 */
#include <math.h>
#include <string.h>

#include "sim/base/jsonw.h"
#include "sim/base/map.h"
#include "sim/base/mem.h"
#include "sim/report/writers.h"

const struct output_column result_csv_first[RESULT_CSV_FIRST] = {
	{"name", "", "the assignment's"},
	{"fits", "", "true or false: has every machine the memory?"},
	{"short_B", "B", "where it does not fit, what the machine that is shortest lacks"},
	{"bound", "", "what limits it, in words"}};
const struct output_column result_csv_metric[RESULT_CSV_METRIC] = {
	{"METRIC", "its own", "the value, as calibrated, for each metric that any assignment has"},
	{"METRIC_lo", "its own", "P10 over draws of what is not known for certain"},
	{"METRIC_hi", "its own", "P90 of the same"},
	{"METRIC_ci", "its own",
	 "value +- ci is the 95 % interval of chance; the column is there where any metric has one"},
	{"METRIC_from", "",
	 "the worst source behind it: measured, interpolated, transferred, datasheet, ..."}};
const struct output_column result_csv_last[1] = {
	{"computed", "", "the workload in words: model, formats, runtime, lengths, seed"}};

/* As in JSON: the shortest text that reads back the same. */
static void add_number(struct str *out, double number)
{
	struct jsonw w;

	if (!isfinite(number))
		return;
	jsonw_init(&w, out, 0);
	jsonw_number(&w, number);
}

/* chance: some row has an interval of chance. */
static void add_metric(struct str *out, const struct metric *m, bool chance)
{
	str_add(out, ",");
	if (m)
		add_number(out, m->value);
	str_add(out, ",");
	if (m)
		add_number(out, m->lo);
	str_add(out, ",");
	if (m)
		add_number(out, m->hi);
	str_add(out, chance ? "," : "");
	if (m && chance && m->ci > 0)
		add_number(out, m->ci);
	str_add(out, ",");
	if (m)
		str_add(out, provenance_names[m->from]);
}

static bool has_chance(const struct result *r)
{
	bool chance = false;

	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t k = 0; k < r->rows[i].metrics_n; k++)
			chance |= r->rows[i].metrics[k].ci > 0;
	return chance;
}

/* The metric of a column, "ttft_s_p95" of the assignment or "chat.ttft_s_p95" of a class. */
static const struct metric *metric_of(const struct assignment_row *row, const char *column)
{
	const struct metric *m = rows_metric(row, column);

	for (size_t k = 0; !m && k < row->classes_n; k++) {
		const char *name = row->classes[k].name;
		const size_t len = strlen(name);

		if (!strncmp(column, name, len) && column[len] == '.')
			m = rows_metric(&row->classes[k], column + len + 1);
	}
	return m;
}

/* Metrics of classes stand after those of assignments. Names that are made up live in the arena. */
static void add_names(struct arena *a, struct map *names, const struct result *r)
{
	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t k = 0; k < r->rows[i].metrics_n; k++)
			map_add(names, r->rows[i].metrics[k].name);
	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t k = 0; k < r->rows[i].classes_n; k++) {
			const struct assignment_row *class_row = &r->rows[i].classes[k];

			for (size_t m = 0; m < class_row->metrics_n; m++)
				map_add(names, arena_printf(a, "%s.%s", class_row->name,
							    class_row->metrics[m].name));
		}
}

static void add_head(struct str *out, const struct map *names, bool chance, bool computed)
{
	output_columns_head(out, result_csv_first, RESULT_CSV_FIRST);
	for (size_t i = 0; i < names->n; i++) {
		for (size_t k = 0; k < RESULT_CSV_METRIC; k++) {
			const char *end = result_csv_metric[k].name + strlen("METRIC");
			struct str name = STR_INIT;

			if (!chance && !strcmp(end, "_ci"))
				continue;
			str_addf(&name, "%s%s", names->keys[i], end);
			str_add(out, ",");
			str_add_csv(out, name.text);
			str_release(&name);
		}
	}
	str_addf(out, computed ? ",%s\n" : "\n", result_csv_last[0].name);
}

void result_csv(struct str *out, const struct result *r)
{
	struct map names = MAP_INIT;
	struct arena a = ARENA_INIT;
	const bool chance = has_chance(r);

	add_names(&a, &names, r);
	add_head(out, &names, chance, r->computed != NULL);
	for (size_t i = 0; i < r->rows_n; i++) {
		const struct assignment_row *row = &r->rows[i];

		str_add_csv(out, row->name);
		str_add(out, row->fits ? ",true," : ",false,");
		if (!row->fits)
			add_number(out, row->short_B);
		str_add(out, ",");
		str_add_csv(out, row->bound);
		for (size_t k = 0; k < names.n; k++)
			add_metric(out, metric_of(row, names.keys[k]), chance);
		str_add(out, r->computed ? "," : "");
		if (r->computed)
			str_add_csv(out, r->computed);
		str_add(out, "\n");
	}
	map_release(&names);
	arena_release(&a);
}
