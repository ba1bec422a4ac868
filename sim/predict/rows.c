/* rows.c - see rows.h. */
#include "sim/predict/rows.h"

#include <math.h>
#include <string.h>

const struct metric *rows_metric(const struct assignment_row *row, const char *name)
{
	for (size_t i = 0; i < row->metrics_n; i++)
		if (!strcmp(row->metrics[i].name, name) && isfinite(row->metrics[i].value))
			return &row->metrics[i];
	return NULL;
}
