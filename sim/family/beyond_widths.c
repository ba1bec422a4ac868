/* beyond_widths.c - the widths of kinds that a fit never saw, from the evidence of other families; see beyond_fit.h. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/csv.h"
#include "sim/base/exact_math.h"
#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/family/beyond_fit.h"
#include "sim/stats/quantile.h"

enum { EVIDENCE_MAX = 1024 * 1024, LINES = 1024, MAKERS = 16, ROUNDS = 20, LEAST_LINES = 3 };

/* Where no family says anything; the most for contexts in prompts; and the least error that a logarithm is taken of. */
static const double no_evidence = 0.30, context_most = 0.20, least_error = 0.005;

const char *beyond_family_name(struct arena *a, const char *family_path)
{
	const char *slash = strrchr(family_path, '/'), *name = slash ? slash + 1 : family_path;
	const char *end = strstr(name, ".family.yaml");

	return end ? arena_strndup(a, name, (size_t)(end - name)) : name;
}

static const char *evidence_path(struct arena *a, const char *family_path)
{
	const char *slash = strrchr(family_path, '/');

	return arena_printf(a, "%.*sbeyond.csv", slash ? (int)(slash - family_path) + 1 : 0, family_path);
}

/* A line of the file: the error of one family, as a logarithm. */
struct line {
	size_t hole, phase, kind, maker;
	double log_error;
};

struct evidence {
	struct line line[LINES];
	size_t n, makers_n;
	const char *makers[MAKERS];
};

/* The maker's number; the last place is for all that are one too many. */
static size_t maker_of(struct evidence *e, const char *name)
{
	const size_t at = str_find(name, e->makers, e->makers_n);

	if (at == e->makers_n && e->makers_n < MAKERS)
		e->makers[e->makers_n++] = name;
	return at < MAKERS ? at : MAKERS - 1;
}

static int take_row(const struct csv *c, const struct csv_row *row, const char *own, struct evidence *e,
		    struct err *err)
{
	const char *kind = csv_get(c, row, "kind"), *phase = csv_get(c, row, "phase"),
		   *hole = csv_get(c, row, "left_out");
	struct line line = {
		str_find(hole, beyond_left_out, BEYOND_HOLES), str_find(phase, reach_phases, REACH_PHASES),
		str_find(kind, beyond_keys, BEYOND_KINDS), maker_of(e, csv_get(c, row, "maker")), 0};
	struct err why = ERR_INIT;
	double error;

	if (line.kind == BEYOND_KINDS || line.phase == REACH_PHASES || line.hole == BEYOND_HOLES)
		return err_set(err, "%s:%d: no kind, phase or hole is called '%s', '%s', '%s'", c->path,
			       row->line, kind, phase, hole);
	if (units_parse(csv_get(c, row, "error"), DIM_SHARE, &error, &why) != 0 || !(error >= 0))
		return err_set(err, "%s:%d: error: expected a share such as 12.5 %%", c->path, row->line);
	line.log_error = exact_log(fmax(error, least_error));
	if (strcmp(csv_get(c, row, "family"), own) != 0 && e->n < LINES)
		e->line[e->n++] = line;
	return 0;
}

/* ---- effects of kinds and makers ---- */

enum {
	SIDE_KIND,
	SIDE_MAKER,
	SIDES,
	LEVELS = (int)BEYOND_KINDS > (int)MAKERS ? (int)BEYOND_KINDS : (int)MAKERS
};

/* Logarithms of errors in one hole and phase: mean + effect of the kind + effect of the maker + what is left. Effects are drawn
 * towards 0 as far as their variance is smaller than that of what is left in the mean of their lines (best linear unbiased
 * prediction; Robinson, Statistical Science 6(1), 1991). Variances are of the classical analysis by one factor (Henderson's first
 * method), with the other side's effects taken off. */
struct effects {
	const struct line *line[LINES];
	size_t n;
	double mean, effect[SIDES][LEVELS], variance[SIDES], left;
	size_t lines[SIDES][LEVELS];
};

static size_t level_of(const struct line *line, int side)
{
	return side == SIDE_KIND ? line->kind : line->maker;
}

static double without_other(const struct effects *x, const struct line *line, int side)
{
	const int other = side == SIDE_KIND ? SIDE_MAKER : SIDE_KIND;

	return line->log_error - x->mean - x->effect[other][level_of(line, other)];
}

/* One factor's sums: of each level, of squares within and between levels. */
struct one_way {
	double sum[LEVELS], within, between, squares; /* squares: of numbers of lines */
	size_t levels;
};

static struct one_way one_way(const struct effects *x, int side)
{
	struct one_way w = {.levels = 0};

	for (size_t i = 0; i < x->n; i++)
		w.sum[level_of(x->line[i], side)] += without_other(x, x->line[i], side);
	for (size_t i = 0; i < x->n; i++) {
		const size_t l = level_of(x->line[i], side);
		const double off = without_other(x, x->line[i], side) - w.sum[l] / (double)x->lines[side][l];

		w.within += off * off;
	}
	for (size_t l = 0; l < LEVELS; l++) {
		const double n = (double)x->lines[side][l];

		w.between += n > 0 ? w.sum[l] * w.sum[l] / n : 0;
		w.squares += n * n;
		w.levels += n > 0;
	}
	return w;
}

static void fit_side(struct effects *x, int side)
{
	const struct one_way w = one_way(x, side);
	const double n = (double)x->n, levels = (double)w.levels, within = w.within / fmax(1, n - levels),
		     each = (n - w.squares / n) / fmax(1, levels - 1);

	x->variance[side] = w.levels > 1 ? fmax(0, (w.between / (levels - 1) - within) / each) : 0;
	for (size_t l = 0; l < LEVELS; l++) {
		const double of = (double)x->lines[side][l] * x->variance[side];

		x->effect[side][l] = of > 0 ? w.sum[l] * x->variance[side] / (of + within) : 0;
	}
}

static double levels_of(const struct effects *x, int side)
{
	size_t n = 0;

	for (size_t l = 0; l < LEVELS; l++)
		n += x->lines[side][l] > 0;
	return (double)n;
}

/* Degrees of freedom that are left; an effect that is drawn in counts half. */
static double freedom(const struct effects *x)
{
	return fmax(1, (double)x->n - (levels_of(x, SIDE_KIND) + levels_of(x, SIDE_MAKER)) / 2);
}

static void find_left(struct effects *x)
{
	double sum = 0;

	for (size_t i = 0; i < x->n; i++) {
		const double off =
			without_other(x, x->line[i], SIDE_KIND) - x->effect[SIDE_KIND][x->line[i]->kind];

		sum += off * off;
	}
	x->left = sum / freedom(x);
}

static void find_effects(const struct evidence *e, size_t hole, size_t phase, struct effects *x)
{
	*x = (struct effects){.n = 0};
	for (size_t i = 0; i < e->n; i++) {
		const struct line *line = &e->line[i];

		if (line->hole != hole || line->phase != phase)
			continue;
		x->line[x->n++] = line;
		x->mean += line->log_error;
		for (int side = 0; side < SIDES; side++)
			x->lines[side][level_of(line, side)]++;
	}
	x->mean /= fmax(1, (double)x->n);
	for (int i = 0; x->n >= LEAST_LINES && i < ROUNDS; i++)
		for (int side = 0; side < SIDES; side++)
			fit_side(x, side);
	find_left(x);
}

/* The variance that an effect still has: all of it where no line is of that level. */
static double unknown(const struct effects *x, int side, size_t level)
{
	const double of = (double)x->lines[side][level] * x->variance[side];

	return of > 0 ? x->variance[side] * (1 - of / (of + x->left)) : x->variance[side];
}

/* Four in five of Student's t of so many degrees of freedom, by the first term of Cornish and Fisher's expansion. */
static double four_in_five(double freedom)
{
	const double z = 0.8416212;

	return z + (z * z * z + z) / (4 * freedom);
}

/* The variance of a further family's error, in logarithms. */
static double variance_of(const struct effects *x, size_t kind, size_t maker)
{
	return x->left + unknown(x, SIDE_KIND, kind) + unknown(x, SIDE_MAKER, maker);
}

/* How many errors of the family's own a width is worth: those whose mean square has a logarithm as unsure, 2 / n = 4 times that of
 * the error's; one where no family says anything. */
static double worth_of(const struct effects *x, size_t kind, size_t maker)
{
	return x->n < LEAST_LINES ? 1 : 1 / (2 * variance_of(x, kind, maker));
}

/* The error that four in five further families of that maker stay below, as a standard deviation. */
static double width_of(const struct effects *x, size_t kind, size_t maker)
{
	const double variance = variance_of(x, kind, maker);

	if (x->n < LEAST_LINES)
		return no_evidence;
	return exact_exp(x->mean + x->effect[SIDE_KIND][kind] + x->effect[SIDE_MAKER][maker] +
			 four_in_five(freedom(x)) * sqrt(variance)) /
	       NORMAL_P90;
}

static int read_evidence(struct arena *a, const char *path, const char *own, struct evidence *e,
			 struct err *err)
{
	struct csv c;
	char *text;
	size_t len;

	if (file_read(a, path, EVIDENCE_MAX, &text, &len, err) != 0 || csv_read(a, path, text, &c, err) != 0)
		return -1;
	for (size_t i = 0; i < c.n; i++)
		if (take_row(&c, &c.rows[i], own, e, err) != 0)
			return -1;
	return 0;
}

int beyond_widths_load(struct arena *a, const char *family_path, const char *maker, struct beyond_widths *w,
		       struct err *err)
{
	struct evidence *e = arena_alloc(a, sizeof *e);
	struct effects *x = arena_alloc(a, sizeof *x);
	const char *path = evidence_path(a, family_path);
	size_t of;

	*w = (struct beyond_widths){.own = {{{0}}}};
	*e = (struct evidence){.n = 0};
	if (access(path, F_OK) == 0 &&
	    read_evidence(a, path, beyond_family_name(a, family_path), e, err) != 0)
		return -1;
	of = maker_of(e, maker);
	for (size_t h = 0; h < BEYOND_HOLES; h++)
		for (size_t p = 0; p < REACH_PHASES; p++) {
			find_effects(e, h, p, x);
			for (size_t k = 0; k < BEYOND_KINDS; k++) {
				w->of[h][p][k] = width_of(x, k, of);
				w->own[p][k].prior = h == BEYOND_CHIP ? worth_of(x, k, of) : 0;
			}
		}
	w->of[BEYOND_KIND][REACH_PREFILL][BEYOND_CONTEXT] =
		fmin(context_most, w->of[BEYOND_KIND][REACH_PREFILL][BEYOND_CONTEXT]);
	return 0;
}
