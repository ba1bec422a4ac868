/*
 * fit_update.h - private to the room: what a profile's update by a few runs has to find out (fit_update.c), and how unsure
 * that is before (fit_priors.c).
 *
 * Layer family.
 */
#ifndef SIM_FAMILY_FIT_UPDATE_H
#define SIM_FAMILY_FIT_UPDATE_H
#include "sim/family/fit_work.h"

/* What a model is by itself: in all of a phase, and besides in its attention and in how its prompts hang on lengths. */
enum {
	DECODE,
	PREFILL,
	PHASES,
	DECODE_ATTENTION = PHASES,
	PREFILL_ATTENTION,
	PREFILL_RAMP,
	PREFILL_CONTEXT,
	REACHES
};

/* What models are off by has Student's t with so many degrees of freedom (fit_shared.c). */
enum { MODELS_DEGREES = 4 };

struct update {
	struct runtime_fit *f;
	enum run_factor factor[FACTORS]; /* the unknown ones */
	double sd[FACTORS];              /* of their priors, by place in `factor` */
	double start[FACTORS];           /* where the estimate begins, likewise */
	size_t factors_n;
	const struct model **models; /* that the runs are of */
	size_t models_n, n, p;       /* rows; unknowns */
	size_t *model_of;            /* of each row */
	double model_sd[PHASES], arithmetic_max;
	size_t *reach_at; /* [model][REACHES]: the unknown's place; SIZE_MAX: no run tells it, and it is 0 */
	double *reach_sd; /* of their priors */
	bool knows_chip;
	double models_scale[PHASES]; /* of model_sd's squares, as the runs say; 0: 1 */
	double shared_sd[PHASES];    /* of what all models are off by together, before the runs */
	double lengths_sd; /* of a model's prompts of other lengths about what they have in common; 0: none but their noise */
};

/* The phase that most of a run's time is of: DECODE or PREFILL. */
size_t update_phase_of(const struct run *r);

/* Chooses the unknowns and their priors, of a profile of the program that ran, or else of another's: factors, each model's
 * terms, their places and their number u->p. Arrays are in the fit's arena. */
void update_set_priors(struct update *u);

/* Lists an unknown factor, whose prior has that relative standard deviation. */
void update_add_factor(struct update *u, enum run_factor which, double sd);

/* Lists the factors on struct ramp that the runs tell (fit_lengths.c). Do those of a model tell its own, PREFILL_RAMP or
 * PREFILL_CONTEXT; and the relative standard deviation of that prior. */
void update_add_lengths(struct update *u);
bool update_tells_lengths(const struct update *u, size_t model, size_t which);
double update_lengths_sd(const struct update *u, size_t model, size_t which);

/* What a row is off by itself, relative. */
double update_row_sd(const struct update *u, size_t row);

/* Of models and factors that are listed with their priors: widens those of the machine, and of models about it, as far as the
 * runs say (fit_shared.c); sets f->together and where the estimate starts. */
void update_set_shared(struct update *u);

/* How likely it is that what one model alone is off by, a logarithm, is of the machine and not of the model. */
double update_machine_odds(double off, double machine_sd, double model_sd);

/* Variances of models' means in one phase, of logarithms: what all models share by the factors that may be wider than they are
 * told, and by others; of models about that; of noise, the mean over models. */
struct shared_variances {
	double machine, other, models, noise;
};
/* What the variances of the machine and of models are multiplied by: 1 or more. */
struct shared_scales {
	double machine, models;
};

/* The scales that n models say which are off by off[n]. One model says nothing of them: 1. */
struct shared_scales shared_scales(const double *off, size_t n, const struct shared_variances *v);

#endif
