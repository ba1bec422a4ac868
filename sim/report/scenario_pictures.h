/*
 * scenario_pictures.h - every picture of a scenario's report, as SVG elements for an HTML page.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_SCENARIO_PICTURES_H
#define SIM_REPORT_SCENARIO_PICTURES_H
#include "sim/base/err.h"
#include "sim/base/texts.h"
#include "sim/draw/curves.h"
#include "sim/place/place.h"
#include "sim/plan/plan.h"
#include "sim/report/result.h"
#include "sim/sweep/sweep.h"

enum picture_kind {
	PICTURE_SCHEDULE,
	PICTURE_LOAD,
	PICTURE_LATENCY,
	PICTURE_ROOFLINE,
	PICTURE_PLAN,
	PICTURE_FRONT,
	PICTURE_SWEEP
};

struct picture {
	enum picture_kind kind;
	const char *name;             /* "prefill M5, decode M4 Pro: generate" */
	const char *caption;          /* a sentence on what is seen */
	const char *svg, *narrow_svg; /* the same picture twice: for a screen, and for a phone held upright */
	const char *of;               /* the assignment that a schedule or load is of; else NULL */
	enum job job;                 /* likewise */
	bool open; /* shown at once; the others of a long list are unfolded by the reader */
};

enum { PICTURES_MAX = 40 };
struct pictures {
	struct picture at[PICTURES_MAX];
	size_t n, left_out; /* schedules that PICTURES_MAX leaves no room for */
};

struct pictures_ask {
	const struct texts *assignments; /* whose schedules; empty: of all that fit */
	const char *shown[JOB_N]; /* for each job, whose schedule is open; NULL: the first that is drawn */
	uint64_t seed;
	bool each_iteration;
	const volatile int *stop; /* may be NULL */
};

/* A roofline, a schedule for each part of each assignment that fits, loads over time and their latencies. Texts are in
 * the arena. 0, or -1 with err: Graphviz is missing or failed, *stop became non-zero. */
int scenario_pictures(struct arena *a, const struct placement *all, const struct pictures_ask *ask,
		      struct pictures *out, struct err *err);

/* What fleets of a plan hold for their price. Simulates; no picture where no fleet was run. */
int plan_pictures(struct arena *a, struct plan_result *r, struct pictures *out, struct err *err);

/* Adds a sweep: lines over one axis, heat maps over two, nothing over more. Every cell has been run. */
int sweep_picture(struct arena *a, const struct sweep *s, struct pictures *out, struct err *err);

/* Adds the Pareto front of a result that is one, front_is(). */
int front_picture(struct arena *a, const struct result *r, struct pictures *out, struct err *err);

#endif
