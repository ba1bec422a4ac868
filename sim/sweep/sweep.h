/*
 * sweep.h - a grid of what-ifs: for each cell of it how every assignment does, and what splitting gains.
 *
 * Layer sweep. sweep_grid() lays the grid out, sweep_run() runs its cells, several at a time. Cells differ
 * only in what the axes change; the assignments are the same in all of them. Everything lives in the arena of
 * the request's loader; what a cell's run needs besides is released with it.
 */
#ifndef SIM_SWEEP_SWEEP_H
#define SIM_SWEEP_SWEEP_H
#include "sim/predict/draws.h"
#include "sim/predict/job.h"
#include "sim/predict/rows.h"
#include "sim/predict/scenario_load.h"

enum { SWEEP_CELLS = 1000000 };

struct sweep;

struct sweep_ask {
	struct loader *loader;
	const char *scenario; /* path */
	struct texts sets;    /* "path=value", in every cell */
	struct texts over;    /* "path=value,value...": the axes, the last changes fastest */
	struct texts
		metrics; /* the first is compared; none: e2el_s, or train_step_s where nothing is generated */
	struct draws_ask draws; /* and in how many threads */
	/* Given each cell that was run, one call at a time, in the order in which they end; 0, or -1 with an error of its own,
	 * which ends the run. NULL: nobody takes them. */
	int (*take)(void *watcher, const struct sweep *s, size_t cell);
	/* told, one call at a time, when one more cell is done; NULL: nobody wants to know */
	void (*tell)(void *watcher, size_t done, size_t of);
	void *watcher;
	const volatile int *stop; /* no cell is begun after it has become non-zero; NULL: never */
};

enum sweep_lack {
	SWEEP_LACKS_NOTHING,
	SWEEP_UNFIT,      /* it does not fit in memory */
	SWEEP_OVERLOADED, /* a load is too much for it: latencies are a function of the run's length */
	SWEEP_NO_VALUE    /* the metric does not apply */
};

struct sweep_entry { /* an assignment in a cell */
	bool alone;  /* it uses one machine */
	bool fits;   /* it has the metric that is compared */
	bool overloaded;
	double holds;         /* does the SLO of a load hold? 0, 1 or the share of runs; NAN: there is none */
	enum sweep_lack lack; /* why the metric that is compared has no value */
	const struct metric *metric; /* NULL: it has none; its draws are not kept, nor are those of shown */
	/* of each of sweep.shown, and its median: 2 * shown_n; NULL: it has none */
	const struct metric *const *shown;
	/* Against the best that uses one machine: how many times as good, and the share of draws in which it
	 * is better. NAN where one of the two has no value. */
	double times, won;
};

struct sweep_cell {
	const char *const *values;         /* one for each axis, as written */
	const struct sweep_entry *entries; /* one for each assignment; NULL: not run yet */
	const char *computed;              /* what was computed in it */
	const double *bounds;              /* the SLO's limits of sweep.shown in this cell; NAN: none */
	/* files that it read besides those of the first cell */
	const struct load_input *inputs;
	size_t inputs_n;
	bool left_out;     /* it is another process's: sweep_run() passes it over */
	size_t best_alone; /* an entry; names_n where no single machine runs it */
};

struct sweep_shown {
	const struct metric_info *metric;
	const struct metric_info *median; /* the same at p50, where the metric is a p95; or NULL */
	double bound;                     /* the SLO's limit, where it is the same in all cells; NAN: none */
};

struct sweep_axis {
	const char *path; /* "workload.generate.batch" */
	struct texts values;
};

struct sweep {
	const struct sweep_axis *axes;
	size_t axes_n;
	struct sweep_cell *cells;
	size_t cells_n;
	/* set by the first cell, whether it is run or left out */
	const char *title, *metric;
	char key[65]; /* SHA-256 of all that the cells are computed from but for the files that are not the first cell's */
	const struct load_input *inputs; /* the first cell's */
	size_t inputs_n;
	const char *unit; /* the metric's unit; "" for a share */
	struct sweep_shown
		*shown; /* the metrics that pictures show; the compared one need not be among them */
	size_t shown_n;
	const char *computed;     /* the computed workload of the first cell; the axes change it */
	const char *const *names; /* the assignments' names */
	size_t names_n;
};

/* The axes and the cells of a request, none of them run. 0, or -1 with err: no axis, one given twice, an
 * empty value, more than SWEEP_CELLS cells, an unknown metric. */
int sweep_grid(const struct sweep_ask *ask, struct sweep *s, struct err *err);

/* The same of axes alone: what sweep_grid() and a file of cells have in common. */
int sweep_lay_out(struct arena *a, const struct texts *over, struct sweep *s, struct err *err);

/* The metric at its median where m is a p95, "ttft_s_p50"; NULL where it is none or has none. */
const struct metric_info *sweep_median_of(struct arena *a, const struct metric_info *m);

/* Sets what the first cell says, without running it: title, key, names and so on. 0, or -1 with the reasons in the loader's
 * diags. */
int sweep_begin(const struct sweep_ask *ask, struct sweep *s);

/* Predicts every assignment in every cell that is neither left out nor run. The result is the same for any number of
 * threads. 0, or -1 with the reasons of the first cell that failed, in err or in the loader's diags. */
int sweep_run(const struct sweep_ask *ask, struct sweep *s, struct err *err);

/* Runs one cell of a sweep that was begun, gives it to ask->take, and keeps nothing of it. 0, or -1 with the reasons in err or
 * in the loader's diags. */
int sweep_run_cell(const struct sweep_ask *ask, struct sweep *s, size_t cell, struct err *err);

/* A bound that an axis changes is no line of a picture. Every cell must have been run. */
void sweep_settle_bounds(struct sweep *s);

bool sweep_found(const struct sweep *s); /* has any assignment of any cell a value of the metric? */

#endif
