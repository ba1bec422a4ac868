/*
 * lemursim.h - the simulator as a library: load a scenario, simulate it, sweep a grid of what-ifs, plan a fleet.
 *
 * The only header that is installed. Nothing is printed but in the case of the next paragraph, and no state is kept outside
 * the handles.
 *
 * Bad input is an error, not the end of the process: a bad file, setting, option, format or file name, and NULL where a text
 * or a handle belongs. Two things do end it, with a line on the standard error and abort(): want of memory, and a fault of
 * the library itself, which checks what it takes for granted in release builds too. Such an abort on any input is our fault
 * to mend; a process that must outlive it runs the library in a child. Pointers that are neither NULL nor valid, and handles
 * that have been freed, are not found out.
 *
 * NULL for a handle: the call does nothing and returns NULL or 0, and there is no handle to hold the reason;
 * lemursim_error_text(NULL) says that much. NULL for a text: an error of that handle. The calls that return nothing,
 * lemursim_add_path() and lemursim_set(), keep it for those after them: loading, or answering, then fails with it.
 *
 * A function that can fail returns NULL or -1; lemursim_errors() of the handle then says why, with file, line, column and
 * hint. A handle, its scenarios and their results are used by one thread at a time; different handles are independent.
 * Texts belong to the handle that they come from and live as long as it does. Names are UTF-8. Same inputs and seed, same
 * results, for any number of threads.
 *
 * While the version is 0.x, functions may change between releases.
 */
#ifndef LEMURSIM_H
#define LEMURSIM_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LEMURSIM_PUBLIC __attribute__((visibility("default")))
#else
#define LEMURSIM_PUBLIC
#endif

typedef struct lemursim lemursim;                   /* where files are looked for, and the last errors */
typedef struct lemursim_scenario lemursim_scenario; /* a scenario file and what was set in it */
typedef struct lemursim_result lemursim_result;     /* what was found out, as rows or as text */

LEMURSIM_PUBLIC const char *lemursim_version(void); /* "0.1.0" */

/* ---- where files are looked for ---- */

/* A handle that finds hardware/, models/ and scenarios/ as the program does: beside a file that names them, above the
 * current directory, in the folders added below, in those of LEMURSIM_PATH and in the installed share directory. Never
 * NULL. Freed last, after its scenarios and results. */
LEMURSIM_PUBLIC lemursim *lemursim_new(void);
LEMURSIM_PUBLIC void lemursim_free(lemursim *l);
/* Adds a folder that holds hardware/, models/ and scenarios/, for scenarios that are loaded from now on. */
LEMURSIM_PUBLIC void lemursim_add_path(lemursim *l, const char *folder);

/* ---- errors ---- */

struct lemursim_error {
	const char *file; /* as it was named; "--set": a setting; NULL: no place in an input */
	int line, column; /* counted from 1, columns in code points; 0: the whole file */
	const char *message;
	const char *hint; /* the remedy; NULL: none is known */
};

/* The errors of the last call that failed. They live until the next call that takes l or one of its scenarios. */
LEMURSIM_PUBLIC size_t lemursim_errors(const lemursim *l);
LEMURSIM_PUBLIC const struct lemursim_error *lemursim_error(const lemursim *l,
							    size_t i); /* NULL: no such one */
/* All of them as the program prints them, each with its line and a caret; "" where there are none. */
LEMURSIM_PUBLIC const char *lemursim_error_text(const lemursim *l);

/* ---- scenarios ---- */

/* Reads a scenario: a path, or a name that `lemursim list scenarios` shows. What its values mean is checked by the calls
 * that use it, after what is set. NULL: it cannot be read or is no YAML. */
LEMURSIM_PUBLIC lemursim_scenario *lemursim_load(lemursim *l, const char *name);
/* The same of a text. name: as errors call it; names of files in it are looked for as if it were a file of that name. */
LEMURSIM_PUBLIC lemursim_scenario *lemursim_load_text(lemursim *l, const char *name, const char *yaml);
/* Changes one value, as --set does: "workload.generate.batch=8". A later setting wins. What is wrong with it is told by
 * the calls below, as with the file's own values. */
LEMURSIM_PUBLIC void lemursim_set(lemursim_scenario *s, const char *setting);
/* Results stay valid when their scenario is freed. NULL is allowed. */
LEMURSIM_PUBLIC void lemursim_scenario_free(lemursim_scenario *s);

/* ---- answers ---- */

struct lemursim_options {
	int64_t seed, draws; /* -1: as the scenario says */
	int threads;         /* that work at a time; 0: one for each processor */
	int each_iteration;  /* servers do not jump over equal iterations; slower, the same numbers */
	/* Another thread or a signal's handler makes it non-zero, and a sweep or plan ends soon, as an error. May be NULL. */
	const volatile int *stop;
	/* Told how far the work has come, by one thread at a time. what: the assignment whose draws are made; NULL: a cell of a
	 * sweep has been done. May be NULL. */
	void (*tell)(void *self, const char *what, size_t done, size_t of);
	void *self;
};
#define LEMURSIM_OPTIONS_INIT                                                                                \
	{                                                                                                    \
		-1, -1, 0, 0, NULL, NULL, NULL                                                               \
	}

/* Predicts every assignment: a row for each. options may be NULL, here and below. */
LEMURSIM_PUBLIC lemursim_result *lemursim_simulate(lemursim_scenario *s,
						   const struct lemursim_options *options);
/* Predicts every assignment in every cell of a grid: a row for each of both. over: axes, "workload.generate.batch=1,8,64"
 * each, the last changes fastest; metrics: what is compared first, then what pictures show besides. Both end with NULL;
 * metrics may be NULL: end-to-end latency, or the time of a training step. */
LEMURSIM_PUBLIC lemursim_result *lemursim_sweep(lemursim_scenario *s, const char *const *over,
						const char *const *metrics,
						const struct lemursim_options *options);
/* Finds the cheapest machines that hold the load of a scenario with a section `plan`: a row for each fleet that was looked
 * at closely. */
LEMURSIM_PUBLIC lemursim_result *lemursim_plan(lemursim_scenario *s, const struct lemursim_options *options);
LEMURSIM_PUBLIC void lemursim_result_free(lemursim_result *r); /* NULL is allowed */

/* ---- results ---- */

struct lemursim_value {
	/* "decode_tok_per_s"; of a class of a load "chat.ttft_s_p95"; or the path of an axis: "workload.generate.batch" */
	const char *name;
	const char *unit; /* "tok/s", "s", "B"; "" for a share of one, a count, a text */
	const char *
		text; /* of what is no number: "true", "memory bandwidth of m4pro.gpu"; NULL: it is a number */
	double value, lo,
		hi; /* lo, hi: P10 and P90 of the calibration's doubt, or the value itself where none is known */
	double ci;        /* value +- ci is a 95 % interval of chance; 0: none is known, or no chance plays */
	const char *from; /* "measured", "datasheet", "transferred", ...; NULL: it is not said */
};

LEMURSIM_PUBLIC size_t lemursim_rows(const lemursim_result *r);
/* The assignment or fleet of a row; NULL: no such row. */
LEMURSIM_PUBLIC const char *lemursim_row_name(const lemursim_result *r, size_t row);
/* The number of values of a row; a value that does not apply is left out, so that rows may differ. */
LEMURSIM_PUBLIC size_t lemursim_values(lemursim_result *r, size_t row);
LEMURSIM_PUBLIC const struct lemursim_value *lemursim_value(lemursim_result *r, size_t row, size_t i);
/* The value of that name; NULL: the row has none. */
LEMURSIM_PUBLIC const struct lemursim_value *lemursim_find(lemursim_result *r, size_t row, const char *name);
/* Sentences: verdicts and assumptions of a simulation, the answer of a plan; NULL after the last. */
LEMURSIM_PUBLIC const char *lemursim_note(const lemursim_result *r, size_t i);
/* The whole as the program prints it: "table", "md", "csv", "json" or "jsonl". width: columns of a table, 0: as many as it
 * takes. NULL: no such format. Lives as long as the result. */
LEMURSIM_PUBLIC const char *lemursim_text(lemursim_result *r, const char *format, int width);

#ifdef __cplusplus
}
#endif

#endif
