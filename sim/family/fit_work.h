/*
 * fit_work.h - private to the room: the work of one fit of a runtime, which fit_base.c, fit_runtime.c, fit_write.c and
 * fit_judge.c share.
 *
 * Layer family. A fit goes through these files in that order: the profile whose tables are taken over, the factors on
 * it, the file, and the file held against the rows that it was made from.
 */
#ifndef SIM_FAMILY_FIT_WORK_H
#define SIM_FAMILY_FIT_WORK_H
#include "sim/base/vec.h"
#include "sim/calib/fit.h"
#include "sim/family/fit_runtime.h"
#include "sim/family/report_rows.h"
#include "sim/runs/runtime_kernels.h"

/* What a profile's numbers are multiplied by as it is written. */
struct fit_scale {
	double factor, se; /* relative */
	bool fitted;       /* else taken over */
	double extra_sd;   /* relative, added to each number's own: of a transfer to another machine */
	/* Relative: what the factor was unsure by before the runs, which each number's own spread has in it too; and the most of that
	 * spread that models scatter by, which the factor says nothing of. */
	double told_sd, models_sd;
};

/* How many times as fast as the profile's numbers say one model of the runs is. */
struct fit_model_reach {
	const char *title;
	struct fit_scale prefill, decode;
	struct fit_scale prefill_attention, decode_attention; /* besides, of attention alone */
	struct fit_scale ramp, context;
	bool far; /* further off than models scatter: three of their standard deviations */
};

/* How many times as fast as the profile's numbers say the runs of one phase are, in the mean of models. */
struct fit_together {
	double factor;
	size_t models_n; /* 0: none has runs in it */
	bool far;        /* further off than machines and models were expected to be */
};

struct runtime_fit {
	struct loader *loader;
	struct arena *arena; /* the loader's */
	const struct fit_runtime_ask *ask;
	struct runs all;               /* the rows of every input that are of what is asked */
	struct catalogue_device base;  /* its profile's tables are taken over */
	bool own_program;              /* the base's profile is of the program that made the runs */
	bool from_neighbour;           /* the base's profile is another machine's, as shares of the peaks */
	bool bare;                     /* the machine's device has no runtime of its own */
	double assumed_peak;           /* FLOP/s in f16, of a device whose file says none; else 0 */
	bool from_rows;                /* no profile was there: the base's is made of typical numbers */
	struct profile profile;        /* the base's, with the kernels of the program that made the runs */
	const struct report_row *rows; /* of each run */
	struct predicted_run *predicted;
	struct fit_point *points;
	size_t n, decode_n, prompt_n;
	bool is_free[FACTORS];
	bool by_parts; /* some factor is on some operators alone: overheads are then fitted as logarithms too */
	bool at_bus[FACTORS]; /* held, since its rate would pass the memory's bus */
	double held[FACTORS]; /* of those that are not free; of the others, where a fit starts */
	const struct runtime_kernels
		*runtime_kernels; /* of the program that made the runs; NULL: unknown, or the base's */
	double bandwidth_max; /* the factor on bandwidths at which the fastest of them reaches the bus's */
	double layer_kernels,
		layer_s;          /* of the first model: kernels of a layer, and their overhead at factor 1 */
	double unscaled[FACTORS]; /* what is held where nothing was fitted */
	double fitted[FACTORS], se[FACTORS];
	double told_sd[FACTORS], models_sd[FACTORS]; /* as in struct fit_scale, of one factor */
	struct fit_model_reach
		*reaches; /* of the models of the runs, where they were told apart from the machine */
	size_t reaches_n;
	double others_sd
		[2]; /* decode, prefill: what other models may be off by where one alone is far off; 0: no such doubt */
	struct fit_together together[2]; /* decode, prefill; of an update of the program's own profile */
	struct fit fit;
	VEC(const char *) notes; /* for the file's head */
	struct texts told;       /* for the user, besides */
};

/* Chooses f->base for runs of a program (a tool's name) and a build of llama.cpp (0: not known), as fit_runtime.h says.
 * -1 with err, or with reasons in the loader's diags. */
int fit_base_choose(struct runtime_fit *f, const char *tool, int64_t build, struct err *err);
/* The one runtime that the rows must be of where it has known back ends: what was asked for, or what their back end says; NULL: not
 * told. */
const char *fit_ran(const struct runtime_fit *f);

/* Reads the rows of all inputs: f->all, f->rows and f->n, with notes; and chooses the base. -1 with err, or with reasons in
 * the loader's diags. */
int fit_read_rows(struct runtime_fit *f, struct err *err);

/* Tells the user something besides what goes into the file. */
void fit_tell(struct runtime_fit *f, const char *note);

/* A runtime as it is written: the numbers of `from`, scaled. */
struct fit_written {
	struct arena *arena;
	const struct profile *from;
	const struct catalogue_device *at; /* whose machine and device `from` is settled on */
	bool as_shares; /* write rates as shares of that machine's peaks, for another machine */
	const struct device *
		to; /* the device that it is written for: tables of dtypes that it has no peak of are left out */
	const char *name, *version;
	const struct profile *kernels; /* numbers of kernels and passes, attention, all_logits */
	struct fit_scale arithmetic, memory, kernel, step;
	/* of operators that have their own: attention's cache (its rate and its arithmetic) and prompts, products of one row (their
	 * arithmetic); by enum weights_rate rates of reading weights, products of many rows (and these against those of whole
	 * weights), and the two of a few rows */
	struct fit_scale cache, cache_u, prompt, other_u, alone_u, first;
	struct fit_scale read[WEIGHTS_RATES], product[WEIGHTS_RATES], dequant[WEIGHTS_RATES];
	struct fit_scale experts[WEIGHTS_RATES]; /* as dequant, of products of experts */
	struct fit_scale read_rows[WEIGHTS_RATES], several[WEIGHTS_RATES];
	struct fit_scale ramp, ramp_experts, ramp_context; /* tokens, not rates */
	bool experts_told;                                 /* some of the runs were of a mixture of experts */
	const char *kernel_source;             /* of an overhead that is not fitted; NULL: that of `from` */
	const struct fit_model_reach *reaches; /* of models; beside those that `from` has of others */
	size_t reaches_n;
	const double *others_sd; /* f->others_sd; NULL: of a profile that no fit made */
	/* the chip is one that the profile's `beyond` counts as measured with the kind */
	bool seen[BEYOND_KINDS];
	const struct yml *
		over; /* a runtime of the same name in the file's base, which this one is merged over; or NULL */
};

/* How unsure a number is by itself once its factor is known: its spread (relative) without what told_sd of the factor has of
 * it, and no less than models scatter by, by half of its variance or models_sd. */
double fit_spread_left(double spread, const struct fit_scale *by);

/* Sets the scales of all operators alike, from those of arithmetic and memory. */
void fit_written_alike(struct fit_written *w);

/* Appends `models:` with what models are by themselves; nothing where none is told. */
void fit_write_models(const struct fit_written *w, struct str *out);
/* Appends text in quotes; and a value as its file had it, on one line. */
void fit_write_quoted(struct str *out, const char *text);
void fit_write_tree(struct str *out, const struct yml *node);

/* Appends "      NAME:" and its keys, as they stand under `runtimes:` of a hardware file. */
void fit_write_runtime(const struct fit_written *w, struct str *out);

/* Appends a mapping's keys, one a line, but not those that are named: what is written as it was. node: NULL for none. */
void fit_write_keys(struct str *out, size_t indent, const struct yml *node, const char *const *not_these,
		    size_t n);

/* Appends a hardware file up to `runtimes:` of the device, to which the runtime `name` is then added: on the machine of f->base,
 * or on what a mapping makes of one. */
void fit_write_head(const struct runtime_fit *f, const char *name, struct str *out);

/* Appends the whole file of a fit. */
void fit_write_file(struct runtime_fit *f, struct str *out);
/* What the written runtime is called: as asked, as the rows name it, or as the program that made them. */
const char *fit_runtime_name(const struct runtime_fit *f);

/* Loads a hardware file's text, its base included, as `lemursim check` would; path: for messages and for finding the base.
 * NULL: reasons in the diags. */
struct machine *fit_load_text(struct loader *l, const char *path, const char *text);

/* The relative standard deviation of a run: that of its samples, and that between people. */
double fit_row_sd(const struct run *r);

/* Fits factors on the numbers of a profile of the program that made the runs, and what each of their models is by itself: sets
 * f->fitted, f->se, f->is_free, f->fit, f->reaches and the marks of outliers. f->held says what is not fitted. */
int fit_update(struct runtime_fit *f, struct err *err);

/* Holds the profile in the written file against the rows. */
void fit_judge(const struct runtime_fit *f, const struct machine *written, struct fit_runtime_result *r);

#endif
