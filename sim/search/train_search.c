/* train_search.c - see train_search.h. */
#include "sim/search/train_search.h"

#include "sim/train/pipeline.h"
#include "sim/train/train.h"
#include "sim/train/train_work.h"
#include "sim/train/trainable.h"

/* ---- metrics ---- */

static double tokens(const struct workload *k)
{
	return train_tokens(k->train);
}

static const struct search_metric metrics[] = {
	{"train_tok_per_s", "train_step_s", true, tokens, NULL},
	{"train_step_s", "train_step_s", true, NULL, rate_of_whole},
	{"energy_J_per_train_tok", "energy_J_per_train_tok", true, NULL, NULL},
	{"usd_per_train_Mtok", "usd_per_train_Mtok", true, NULL, NULL},
};

/* ---- variants: schedules ---- */

/* With one micro-batch all schedules are the same, except those that delay weight gradients. */
static bool set_schedule(struct workload *k, int64_t schedule)
{
	if (schedule == k->train->options.schedule ||
	    (k->train->micro_batches == 1 && schedule != SCHEDULE_ZB_H1))
		return false;
	k->train->options.schedule = (int)schedule;
	return true;
}

static const char *schedule_text(struct arena *a, int64_t schedule)
{
	(void)a;
	return schedule_names[schedule];
}

static const char *schedule_words(struct arena *a, const char *text)
{
	return arena_printf(a, "schedule %s", text);
}

/* Interleaved and zb-v schedules give a device several ranges of layers, which space.h does not include. */
static const struct trial trials[] = {
	{"schedule", SCHEDULE_1F1B, set_schedule},
	{"schedule", SCHEDULE_GPIPE, set_schedule},
	{"schedule", SCHEDULE_ZB_H1, set_schedule},
	{"schedule", SCHEDULE_ZB_H2, set_schedule},
};

static bool as_given(const struct workload *k)
{
	return k->train->options.schedule != SCHEDULE_ZB_V;
}

/* ---- costs ---- */

/* A world whose step has few micro-batches, of which the second stands for `seconds` of them: but for the first and the last they do the
 * same work. */
static const struct world *few_micro_batches(struct arena *a, const struct world *w, double *seconds)
{
	enum { FEW = 4 };
	const struct train *t = w->scenario->workload.train;
	const int64_t each = t->micro_batches / t->options.data_parallel;
	struct world *few = arena_alloc(a, sizeof *few);
	struct scenario *s = arena_alloc(a, sizeof *s);

	*seconds = 1;
	if (each <= FEW)
		return w;
	*few = *w;
	*s = *w->scenario;
	s->workload = workload_copy(a, &w->scenario->workload);
	s->workload.train->micro_batches = FEW * t->options.data_parallel;
	few->scenario = s;
	*seconds = (double)(each - FEW + 1);
	return few;
}

/* Adds the costs of a step with the forward pass on u and the backward pass on v: forward operators
 * recomputed in the backward pass are told from those of the forward pass by their device. transfers: those between the
 * two are added. */
static void add_split_costs(struct arena *a, struct block_costs *p, size_t u, size_t v,
			    const bool want[PHASE_GROUPS], bool transfers)
{
	double seconds;
	const struct world *w = few_micro_batches(a, p->w, &seconds);
	const struct layer_map here = layer_map_all_on(a, w, u), there = layer_map_all_on(a, w, v);
	const struct candidate c = {.job = JOB_TRAIN, .phase_group = {&here, &there}};
	const struct placement at = candidate_place(a, w, &c);
	struct program *program = train_build(&at);

	if (want[0])
		block_costs_add_program(p, program, u, u == v ? BY_PHASE : 0, 1, seconds);
	if (want[1] && u != v)
		block_costs_add_program(p, program, v, 1, 1, seconds);
	if (transfers)
		block_costs_add_transfers(p, program, u, v, seconds);
	program_free(program);
}

/* A device that reaches no other one runs both groups. */
static void add_costs(struct arena *a, struct block_costs *p)
{
	bool have[PHASE_GROUPS][SPACE_UNITS] = {{false}};

	for (size_t i = 0; i < p->pairs; i++) {
		const size_t u = p->slots.unit[i / p->slots.n], v = p->slots.unit[i % p->slots.n];

		if (!block_costs_joined(p, u, v))
			continue;
		add_split_costs(a, p, u, v, (const bool[]){!have[0][u], !have[1][v]},
				unit_slots_own(&p->slots, i / p->slots.n, i % p->slots.n));
		have[0][u] = have[1][v] = true;
	}
	for (size_t s = 0; s < p->slots.n; s++) {
		const size_t u = p->slots.unit[s];

		if (!have[0][u])
			add_split_costs(a, p, u, u, (const bool[]){true, false}, true);
	}
}

/* Updates are not part of a pass, nor are weight gradients where the schedule delays them. */
static bool in_pass(const struct workload *k, enum phase phase, const struct op *op)
{
	return phase != PHASE_UPDATE &&
	       !(op->gradient && schedule_splits((enum train_schedule)k->train->options.schedule));
}

static struct shape shape(const struct workload *k, int phase_group)
{
	(void)phase_group;
	return train_shape(k->train);
}

static double passes(const struct workload *k, int phase_group)
{
	(void)k;
	(void)phase_group;
	return 1;
}

static double in_flight(const struct workload *k, int phase_group)
{
	(void)phase_group;
	return (double)k->train->micro_batches;
}

const struct search_job train_search = {
	.metrics = metrics,
	.metrics_n = ARRAY_LEN(metrics),
	.trials = trials,
	.trials_n = ARRAY_LEN(trials),
	.value_text = schedule_text,
	.trial_words = schedule_words,
	.as_given = as_given,
	.add_costs = add_costs,
	.in_pass = in_pass,
	.shape = shape,
	.passes = passes,
	.in_flight = in_flight,
	.backward = true,
};
