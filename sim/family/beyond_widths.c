/* beyond_widths.c - the widths of kinds that a fit never saw, from the evidence of other families; see beyond_fit.h. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/csv.h"
#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/family/beyond_fit.h"
#include "sim/stats/quantile.h"

enum { EVIDENCE_MAX = 1024 * 1024, FAMILIES = 256 };

/* Where no family says anything; and the most for contexts in prompts. */
static const double no_evidence = 0.30, context_most = 0.20;

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

struct evidence {
	double error[BEYOND_HOLES][REACH_PHASES][BEYOND_KINDS][FAMILIES];
	size_t n[BEYOND_HOLES][REACH_PHASES][BEYOND_KINDS];
};

static int take_row(const struct csv *c, const struct csv_row *row, const char *own, struct evidence *e,
		    struct err *err)
{
	const char *kind = csv_get(c, row, "kind"), *phase = csv_get(c, row, "phase"),
		   *hole = csv_get(c, row, "left_out");
	const size_t k = str_find(kind, beyond_keys, BEYOND_KINDS),
		     p = str_find(phase, reach_phases, REACH_PHASES),
		     h = str_find(hole, beyond_left_out, BEYOND_HOLES);
	struct err why = ERR_INIT;
	double error;

	if (k == BEYOND_KINDS || p == REACH_PHASES || h == BEYOND_HOLES)
		return err_set(err, "%s:%d: no kind, phase or hole is called '%s', '%s', '%s'", c->path,
			       row->line, kind, phase, hole);
	if (units_parse(csv_get(c, row, "error"), DIM_SHARE, &error, &why) != 0 || !(error >= 0))
		return err_set(err, "%s:%d: error: expected a share such as 12.5 %%", c->path, row->line);
	if (strcmp(csv_get(c, row, "family"), own) != 0 && e->n[h][p][k] < FAMILIES)
		e->error[h][p][k][e->n[h][p][k]++] = error;
	return 0;
}

/* The error that four in five further families stay below, as a standard deviation. */
static double width_of(double *error, size_t n)
{
	const size_t rank = (size_t)ceil(0.8 * (double)(n + 1));

	quantile_sort(error, n);
	return error[rank < n ? rank - 1 : n - 1] / NORMAL_P90;
}

static double or_else(double width, double other)
{
	return width > 0 ? width : other;
}

static void fill_gaps(struct beyond_widths *w)
{
	for (int p = 0; p < REACH_PHASES; p++) {
		double widest = 0, batch = 0, *kind = w->of[BEYOND_KIND][p], *chip = w->of[BEYOND_CHIP][p];

		for (int k = 0; k < BEYOND_KINDS; k++)
			widest = fmax(widest, fmax(kind[k], chip[k]));
		for (int k = BEYOND_BATCH_F16; k <= BEYOND_BATCH_FP4; k++)
			batch = fmax(batch, kind[k]);
		for (int k = BEYOND_BATCH_F16; k <= BEYOND_BATCH_FP4; k++)
			kind[k] = or_else(kind[k], batch);
		kind[BEYOND_LATENT] = or_else(kind[BEYOND_LATENT], kind[BEYOND_MIXTURES]);
		for (int k = 0; k < BEYOND_KINDS; k++) {
			kind[k] = or_else(kind[k], or_else(chip[k], or_else(widest, no_evidence)));
			chip[k] = or_else(chip[k], kind[k]);
		}
	}
	w->of[BEYOND_KIND][REACH_PREFILL][BEYOND_CONTEXT] =
		fmin(context_most, w->of[BEYOND_KIND][REACH_PREFILL][BEYOND_CONTEXT]);
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

int beyond_widths_load(struct arena *a, const char *family_path, struct beyond_widths *w, struct err *err)
{
	struct evidence *e = arena_alloc(a, sizeof *e);
	const char *path = evidence_path(a, family_path);

	*w = (struct beyond_widths){{{{0}}}};
	memset(e->n, 0, sizeof e->n);
	if (access(path, F_OK) == 0 &&
	    read_evidence(a, path, beyond_family_name(a, family_path), e, err) != 0)
		return -1;
	for (int h = 0; h < BEYOND_HOLES; h++)
		for (int p = 0; p < REACH_PHASES; p++)
			for (int k = 0; k < BEYOND_KINDS; k++)
				if (e->n[h][p][k])
					w->of[h][p][k] = width_of(e->error[h][p][k], e->n[h][p][k]);
	fill_gaps(w);
	return 0;
}
