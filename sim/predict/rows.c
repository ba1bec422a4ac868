/* rows.c - see rows.h. */
#include "sim/predict/rows.h"

#include <math.h>
#include <string.h>

bool notes_alike(const struct note *a, const struct note *b)
{
	return a->about == b->about && !memcmp(a->text, b->text, a->about);
}

const struct metric *rows_metric(const struct assignment_row *row, const char *name)
{
	for (size_t i = 0; i < row->metrics_n; i++)
		if (!strcmp(row->metrics[i].name, name) && isfinite(row->metrics[i].value))
			return &row->metrics[i];
	return NULL;
}
