/*
 * table_fit.h - private to the room: the cells of a utilisation table while it is made, which utilisation_table.c and
 * table_error.c share.
 *
 * Layer calib.
 */
#ifndef SIM_CALIB_TABLE_FIT_H
#define SIM_CALIB_TABLE_FIT_H
#include "sim/calib/profile_fit.h"

/* The samples of one shape, of its fastest implementation, averaged. */
struct table_cell {
	int64_t m, n, k, per; /* per: see struct utilisation_point */
	double flop, t, sd;   /* seconds of one call, or of one of a batch; sd relative */
	double sustained;     /* seconds of the same product back to back; 0: not measured */
	double sustained_sd;
	int64_t count, sustained_n;
	const char *path, *name, *source;
	const char *why; /* the reason it is left out; NULL: it is used */
	double u, u_sd;
};

struct table_fit {
	struct profile_fitting *g;
	struct table_cell *at;
	size_t n;
	double t0, t0_sd; /* seconds */
	const char *t0_source;
	enum provenance t0_provenance;
	bool t0_known;
};

static inline double cell_rows(const struct table_cell *c)
{
	return c->per ? (double)c->m / (double)c->per : (double)c->m;
}

static inline double cell_width(const struct table_cell *c)
{
	return (double)c->n * (double)c->k;
}

/* Adds a sample's time to the cell of the shape that `as` has; its rows are of `per` experts together, or, where that is 0,
 * of each. */
void table_add(struct table_fit *t, const struct sample *s, const struct sample *as, int64_t per);

/* The rate without t0, FLOP/s; sets c->u_sd, and c->why where the cell cannot be used. */
double table_work_rate(struct table_fit *t, struct table_cell *c);

/* Makes the points of the cells that can be used; a utilisation is held at `most`. */
void table_write(struct table_fit *t, struct utilisation_table *table, double most, enum sample_kind kind,
		 enum sample_dtype dtype);

/* The finished table, prepared to be asked. */
struct util_table;
const struct util_table *table_prepare(struct arena *a, const struct utilisation_table *t);

/* The table's errors on shapes that it was not made of (model_error.h): each shape within the others' rows and widths is
 * predicted from them, which gives table->between; the outermost shapes of each side are predicted from all further in,
 * which gives table->beyond. With fewer than four of a kind that number is
 * not below the usual one (sim/cost/util.h). */
void table_error(struct table_fit *t, struct utilisation_table *table, const char *what);

#endif
