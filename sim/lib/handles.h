/*
 * handles.h - what stands behind the handles of lemursim.h, for the library and the program, which draws and compares what
 * results hold.
 *
 * Layer lib. The verbs read these and change none of them.
 */
#ifndef SIM_LIB_HANDLES_H
#define SIM_LIB_HANDLES_H
#include "sim/lib/lemursim.h"
#include "sim/plan/plan.h"
#include "sim/report/scenario_result.h"
#include "sim/sweep/sweep.h"

struct lemursim {
	struct arena arena;
	struct texts paths;   /* as added */
	const char *checkout; /* NULL: none is looked in */
	/* a loader that outlives all scenarios and whose files, the standard input among them, are not read again; NULL: none */
	const struct loader *outer;
	/* of the last call that failed: first those with a place, then one without */
	struct arena failed;
	struct lemursim_error *errors;
	size_t errors_n;
	const char *text; /* all, as the program prints them; "" */
	/* A call without an error to return was given NULL: the next call that can fail says so. NULL: none was. */
	const char *misuse;
};

struct lemursim_scenario {
	struct lemursim *of;
	struct arena arena;
	struct diags diags;
	struct loader loader; /* what it has parsed serves all results */
	const char *path;
	struct texts sets;
	const char *misuse;             /* as of struct lemursim, of what was set */
	struct plan_verdicts *verdicts; /* of its plans; NULL: none are kept. The verb's own */
	size_t users;                   /* the handle of the scenario and results, which borrow its texts */
};

enum lemursim_answer { LEMURSIM_SIMULATED, LEMURSIM_SWEPT, LEMURSIM_PLANNED };

struct lemursim_row {
	struct lemursim_value *values; /* NULL: not asked for yet */
	size_t n;
};

struct lemursim_result {
	struct lemursim_scenario *scenario;
	struct arena arena;
	struct loader loader; /* has read all that the result depends on */
	enum lemursim_answer answer;
	struct lemursim_row *rows;
	size_t rows_n;
	struct scenario_result simulated;
	struct sweep swept;
	struct plan_result planned;
};

/* Forgets the last errors. */
void lemursim_begin(struct lemursim *l);
/* Keeps as the last errors what is in the diagnostics and in err, which may be NULL, and forgets the diagnostics. */
void lemursim_fail(struct lemursim *l, struct diags *d, const struct err *err);
/* Keeps as the last error that a call was given NULL: "lemursim_load: the name is NULL". */
void lemursim_misused(struct lemursim *l, const char *how);

/* Appends the result in a format; width: columns of a table, 0: as many as it takes. */
void lemursim_write(struct str *out, const struct lemursim_result *r, enum result_format format, int width);

#endif
