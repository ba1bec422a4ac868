/* requests_in.c - requests_read(); see requests_out.h. */
#include <math.h>
#include <string.h>

#include "sim/load/requests_out.h"
#include "sim/load/trace_parts.h"
#include "sim/stats/steady.h"

enum { PROMPT, OUTPUT, ARRIVED, QUEUED, SCHEDULED, FIRST, LAST, CACHED, PREEMPTED, REPLICA, COLUMNS };
static const char *const names[COLUMNS] = {"prompt_tokens", "output_tokens", "arrived_s",    "queued_s",
					   "scheduled_s",   "first_token_s", "last_token_s", "cached_tokens",
					   "preemptions",   "replica"};

static int find_columns(struct lines *l, size_t *column, struct err *err)
{
	struct cell cells[TRACE_COLUMNS];
	const size_t n = lines_cells(l, cells, TRACE_COLUMNS, err);

	if (!n)
		return -1;
	for (size_t c = 0; c < COLUMNS; c++) {
		column[c] = 0;
		while (column[c] < n && (cells[column[c]].len != strlen(names[c]) ||
					 memcmp(cells[column[c]].text, names[c], cells[column[c]].len) != 0))
			column[c]++;
		if (column[c] == n && c < CACHED)
			return lines_wrong(
				l, NULL, err,
				"request,prompt_tokens,output_tokens,arrived_s,queued_s,scheduled_s,"
				"first_token_s,last_token_s",
				"column '%s' is missing", names[c]);
		for (size_t i = column[c] + 1; i < n; i++)
			if (cells[i].len == strlen(names[c]) &&
			    !memcmp(cells[i].text, names[c], cells[i].len))
				return lines_wrong(l, cells[i].text, err, NULL, "column '%s' is there twice",
						   names[c]);
		column[c] = column[c] < n ? column[c] : TRACE_COLUMNS;
	}
	return 0;
}

static int read_time(const struct lines *l, struct cell c, double *s, struct err *err)
{
	int64_t ns = 0;

	*s = NAN;
	if (!c.len)
		return 0;
	if (lines_time(l, c, 9, &ns, err) != 0)
		return -1;
	*s = (double)ns / 1e9;
	return 0;
}

static int check_row(const struct lines *l, const struct requests_row *r, struct err *err)
{
	const double t[] = {r->arrived_s, r->queued_s, r->scheduled_s, r->first_token_s, r->last_token_s};

	if (isnan(r->arrived_s))
		return lines_wrong(l, NULL, err, NULL, "arrived_s is empty");
	/* A client stamps the arrival and the server queues by its own clock: the two are off by a little in
	 * measured logs. All else must be in order. */
	for (size_t i = 2; i < ARRAY_LEN(t); i++)
		for (size_t j = 0; j < i; j++)
			if (t[i] < t[j])
				return lines_wrong(l, NULL, err, NULL, "%s is before %s", names[ARRIVED + i],
						   names[ARRIVED + j]);
	return 0;
}

static int read_row(struct lines *l, const size_t *column, struct requests_row *r, struct err *err)
{
	double *const times[] = {&r->arrived_s, &r->queued_s, &r->scheduled_s, &r->first_token_s,
				 &r->last_token_s};
	int64_t *const counts[] = {&r->cached, &r->preemptions, &r->replica};
	struct cell cells[TRACE_COLUMNS];
	const size_t n = lines_cells(l, cells, TRACE_COLUMNS, err);

	if (!n)
		return -1;
	for (size_t c = 0; c < COLUMNS; c++)
		if (column[c] < TRACE_COLUMNS && column[c] >= n)
			return lines_wrong(l, NULL, err, NULL, "the line has %zu cells, column %zu is wanted",
					   n, column[c] + 1);
	*r = (struct requests_row){.prompt = 0};
	if (lines_tokens(l, cells[column[PROMPT]], names[PROMPT], &r->prompt, err) != 0 ||
	    lines_tokens(l, cells[column[OUTPUT]], names[OUTPUT], &r->output, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (read_time(l, cells[column[ARRIVED + i]], times[i], err) != 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (column[CACHED + i] < n &&
		    lines_tokens(l, cells[column[CACHED + i]], names[CACHED + i], counts[i], err) != 0)
			return -1;
	return check_row(l, r, err);
}

static int read_rows(struct lines *l, struct requests_row **rows, size_t *n, struct err *err)
{
	VEC(struct requests_row) all = {0};
	size_t column[COLUMNS];
	int rc = lines_next(l, err);

	if (rc == 1)
		rc = find_columns(l, column, err) == 0 ? 1 : -1;
	while (rc == 1 && (rc = lines_next(l, err)) == 1) {
		struct requests_row r;

		if (all.n == STEADY_REQUESTS)
			rc = lines_wrong(l, NULL, err, NULL, "more than %d requests", STEADY_REQUESTS);
		else if (read_row(l, column, &r, err) != 0)
			rc = -1;
		else
			VEC_ADD(&all, r);
	}
	if (rc == 0 && !all.n)
		rc = err_set(err, "%.200s: there is no request in it", l->name);
	if (rc != 0)
		VEC_FREE(&all);
	*rows = all.at;
	*n = all.n;
	return rc;
}

int requests_read(const char *path, struct requests_row **rows, size_t *n, struct err *err)
{
	struct lines l;
	int rc = -1;

	*rows = NULL;
	*n = 0;
	if (lines_open(&l, path, err) == 0)
		rc = read_rows(&l, rows, n, err);
	lines_close(&l);
	return rc;
}
