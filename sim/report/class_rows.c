/* class_rows.c - see class_rows.h. */
#include "sim/report/class_rows.h"

struct result class_rows(struct arena *a, const struct result *r)
{
	struct result classes = {.draws = r->draws};
	struct assignment_row *rows;

	for (size_t i = 0; i < r->rows_n; i++)
		classes.rows_n += r->rows[i].classes_n;
	classes.rows = rows = arena_array(a, classes.rows_n, sizeof *rows);
	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t k = 0; k < r->rows[i].classes_n; k++, rows++) {
			*rows = r->rows[i].classes[k];
			if (r->rows_n > 1)
				rows->name = arena_printf(a, "%s: %s", r->rows[i].name, rows->name);
		}
	return classes;
}

size_t class_rows_columns(const struct result *classes, struct column columns[COLUMNS_MAX])
{
	const size_t n = columns_of(classes, columns);

	for (size_t k = 0; k < n; k++)
		columns[k].best = columns[k].worst;
	return n;
}
