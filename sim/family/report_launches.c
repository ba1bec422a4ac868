/* report_launches.c - see report_launches.h. */
#include "sim/family/report_launches.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

/* Relative standard deviations: of a machine's reading against the fit without its chip, and of a run of a model about both.
 * They are what tokens of dense models under MLX and llama.cpp are off by, chips and models left out (hardware/ACCURACY.md). */
static const double reads_sd = 0.06, row_sd = 0.05;
/* A report whose rows tell its starts worse than this tells nothing of how reports differ. */
static const double unsure_sd = 1;

struct report {
	double starts, variance;
};

/* "owner/repository" of "owner/repository@commit path", which all of a person's submissions share. */
static size_t source_length(const char *source)
{
	return source ? strcspn(source, "@ ") : 0;
}

static bool same_report(const struct launch_row *a, const struct launch_row *b)
{
	const size_t n = source_length(a->source);

	return n == source_length(b->source) && !strcmp(a->machine, b->machine) &&
	       (!n || !strncmp(a->source, b->source, n));
}

static bool is_first(const struct launch_row *rows, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (same_report(&rows[i], &rows[at]))
			return false;
	return true;
}

/* Solves for the two unknowns by weighted squares: reads has a prior, starts has none. */
static struct report solve(const struct launch_row *rows, size_t n, size_t first)
{
	double rr = 1 / (reads_sd * reads_sd), rs = 0, ss = 0, ry = 0, sy = 0, det;
	const double w = 1 / (row_sd * row_sd);

	for (size_t i = first; i < n; i++) {
		const double r = 1 - rows[i].share, s = rows[i].share;

		if (!same_report(&rows[i], &rows[first]))
			continue;
		rr += w * r * r;
		rs += w * r * s;
		ss += w * s * s;
		ry += w * r * rows[i].off;
		sy += w * s * rows[i].off;
	}
	det = rr * ss - rs * rs;
	if (!(det > 0))
		return (struct report){0, INFINITY};
	return (struct report){(rr * sy - rs * ry) / det, rr / det};
}

/* The sum of squares that is the number of reports where `between` is their variance. */
static double squares(const struct report *r, size_t n, double between)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += r[i].starts * r[i].starts / (r[i].variance + between);
	return sum;
}

static double variance_between(const struct report *r, size_t n)
{
	double low = 0, high = 4; /* starts that differ by twice their value are no spread of one program's */

	if (squares(r, n, low) <= (double)n)
		return 0;
	for (int i = 0; i < 60; i++) {
		const double mid = (low + high) / 2;

		if (squares(r, n, mid) > (double)n)
			low = mid;
		else
			high = mid;
	}
	return low;
}

double report_launch_spread(const struct launch_row *rows, size_t n)
{
	struct report *reports = xcalloc(n + 1, sizeof *reports);
	size_t reports_n = 0;
	double spread;

	for (size_t i = 0; i < n; i++) {
		if (!is_first(rows, i))
			continue;
		reports[reports_n] = solve(rows, n, i);
		reports_n += reports[reports_n].variance < unsure_sd * unsure_sd;
	}
	spread = reports_n >= LAUNCH_REPORTS ? sqrt(variance_between(reports, reports_n)) : 0;
	free(reports);
	return spread;
}
