/*
 * curves.h - quantities of several assignments over a swept value: lines with bands, drawn as DOT text or with
 * characters for a terminal.
 *
 * Layer draw. All fields are borrowed.
 */
#ifndef SIM_DRAW_CURVES_H
#define SIM_DRAW_CURVES_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/str.h"
#include "sim/draw/look.h"

enum curve_state {
	CURVE_HAS,       /* a value */
	CURVE_NOTHING,   /* does not fit, or does not apply: the line has a gap */
	CURVE_OVERLOADED /* no value, as a load is too much: the line leaves through the top */
};

struct curve_point { /* one for each swept value */
	enum curve_state state;
	double value, lo, hi; /* lo, hi: the band, NAN: none */
	double ci;            /* value +- ci: an interval of chance; 0: none */
	double median;        /* a second, lighter line; NAN: none */
};

struct curve_step {
	double x, y;
};

struct panel {
	const char *head, *unit;          /* "TTFT p95", "s" */
	double bound;                     /* a horizontal line, of an SLO; NAN: none */
	const struct curve_point *points; /* [curve * x_n + value] */
	const char *bound_name;           /* NULL: "SLO" */
	/* A picture's panel may have places of its own, [curve * x_n + value], such as a price for each point; all
	 * of its points then have a state of CURVE_HAS or CURVE_NOTHING. NULL: those of the curves. */
	const double *x;
	const char *x_name, *x_unit;
	const struct curve_step *steps; /* a frontier in grey, by ascending x: y holds from x on */
	size_t steps_n;
	bool about;             /* both axes show what the points take, not all from 0 */
	bool steps_back;        /* y holds up to x instead: more of x is better */
	const char *steps_name; /* what the legend says of them; NULL: as of fleets and prices */
};

struct curves {
	const char *title;
	const char *x_name, *x_unit; /* "rate", "req/s"; the unit may be "" */
	const char *const *x_texts;  /* as written, without the unit: "0.2" */
	const double *x;             /* ascending; 0, 1, ... where a value is no quantity */
	size_t x_n;
	bool x_named;             /* the values are names */
	bool x_linear;            /* never a logarithmic axis, as for shares */
	const char *const *names; /* the curves' names */
	const char *const
		*remarks; /* each curve's remark in the legend: "SLO holds to 0.4 req/s"; may be NULL */
	size_t names_n;
	const struct panel *panels;
	size_t panels_n;
	bool chance; /* some point has an interval of chance */
	bool medians;
	struct picture_look look; /* of the drawing; not of characters */
};

/* Appends text for `dot -Kneato -n2`: a panel for each quantity, at most three in a row. */
void curves_dot(struct str *out, const struct curves *c);

/* Appends a plot of characters, no line wider than width columns: braille dots, or ASCII where utf8 is false,
 * but for names that the user wrote. Nothing in less than 24 columns. */
void curves_plot(struct str *out, const struct curves *c, size_t width, bool utf8);

#endif
