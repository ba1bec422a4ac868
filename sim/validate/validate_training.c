/* validate_training.c - see validate_training.h. */
#include "sim/validate/validate_training.h"

#include <math.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/base/vec.h"
#include "sim/predict/metrics.h"
#include "sim/predict/predict.h"
#include "sim/runs/training_log.h"
#include "sim/train/train.h"
#include "sim/train/train_work.h"
#include "sim/train/trainable.h"
#include "sim/validate/changed_world.h"
#include "sim/validate/made_scenario.h"
#include "sim/world/computed.h"

struct training {
	const struct validate_ask *ask;
	struct texts *notes;
	struct err *err;
	VEC(struct validation_row) rows;
};

static struct arena *arena_of(const struct training *t)
{
	return t->ask->loader->arena;
}

static void tell(struct training *t, const char *note)
{
	*t->notes = texts_join(arena_of(t), t->notes, &note, 1);
}

/* ---- is the scenario that of the log? ---- */

/* mlx_lm prints three digits behind the point of a million. */
static bool alike(double said, double ours)
{
	return fabs(ours - said) <= 0.005 * said + 1000;
}

static double trained_numbers(struct arena *a, const struct world *w)
{
	const struct trainable x = trainable_make(a, w, w->scenario->workload.train);
	double sum = 0;

	for (size_t i = 0; i < model_blocks(w->model); i++)
		sum += x.blocks[i].numbers;
	return sum;
}

static int check_world(struct training *t, const struct training_log *log, struct changed_world *c)
{
	const struct world *w = c->world;
	double numbers;

	if (!w->scenario->workload.train) {
		err_set(t->err, "%s: a training run, and the scenario trains nothing", log->path);
		return err_hint(t->err, "workload: {train: {method: lora, ...}}");
	}
	if (log->total > 0 && fabs(model_weights(w->model) / log->total - 1) > 0.02) {
		err_set(t->err, "%s: the log is of a model of %s B parameters, and %s has %s B", log->path,
			units_digits(log->total / 1e9, 4).text, w->model->title,
			units_digits(model_weights(w->model) / 1e9, 4).text);
		return err_hint(t->err, "say the model that was trained");
	}
	numbers = trained_numbers(&c->arena, w);
	if (log->trainable <= 0 || alike(log->trainable, numbers))
		return 0;
	err_set(t->err, "%s: the log trains %s M numbers, the scenario %s M", log->path,
		units_digits(log->trainable / 1e6, 4).text, units_digits(numbers / 1e6, 4).text);
	return err_hint(t->err, "rank, targets or layers of workload.train differ");
}

/* The change that gives a step as many tokens as the log's had; "" where it has them. */
static const char *tokens_as(struct training *t, const struct training_log *log, const struct train *train)
{
	const double logged = log->tokens / log->steps, ours = train_tokens(train);
	const double sequences = (double)(train->batch * train->micro_batches) * (1 - train->padding);
	const long long tokens = llround(fmax(1, logged / sequences));

	if (fabs(ours / logged - 1) <= 0.02)
		return "";
	tell(t, arena_printf(arena_of(t),
			     "%s: its steps had %.0f tokens, so %lld in each of %lld sequences; the scenario "
			     "says %lld",
			     log->path, logged, tokens, (long long)(train->batch * train->micro_batches),
			     (long long)train->tokens));
	return arena_printf(arena_of(t), "workload.train.tokens=%lld tok", tokens);
}

/* ---- rows ---- */

static double need_B(const struct assignment_row *row)
{
	double most = 0;

	for (size_t i = 0; i < row->memory_n; i++)
		most = fmax(most, row->memory[i].need_B);
	return most;
}

static void add_row(struct training *t, const struct training_log *log, struct validation_row r,
		    double measured)
{
	r.set = isnan(r.lo) ? "memory" : "training";
	r.file = log->path;
	r.measured = measured;
	r.no_model.error = r.no_chip.error = NAN;
	r.held_out = true;
	if (measured > 0)
		VEC_ADD(&t->rows, r);
}

static void add_metric(struct training *t, const struct training_log *log, const struct validation_row *who,
		       const struct assignment_row *row, const char *name, double measured)
{
	const struct metric *m = rows_metric(row, name);
	struct validation_row r = *who;

	r.metric = name;
	r.unit = !strcmp(name, "train_step_s") ? "s" : "tok/s";
	r.predicted = m ? m->value : NAN;
	r.lo = m ? m->lo : NAN;
	r.hi = m ? m->hi : NAN;
	add_row(t, log, r, measured);
}

static int add_rows(struct training *t, const struct training_log *log, struct changed_world *c,
		    struct err *err)
{
	const struct draws draws = draws_asked(&c->arena, c->world, &t->ask->draws);
	const char *computed =
		world_computed(arena_of(t), c->world, draws_asked_seed(&t->ask->draws, c->world));

	for (size_t i = 0; i < c->world->scenario->assignments.n; i++) {
		struct validation_row who = {.assignment =
						     arena_strdup(arena_of(t), c->at[i].assignment->name),
					     .runtime = changed_world_runtime(arena_of(t), c->world),
					     .computed = computed};
		struct assignment_row row;
		struct prediction p;
		int rc;

		prediction_make(&c->arena, &c->at[i], &p);
		rc = prediction_row(&c->arena, &p, &draws, &row, err);
		prediction_release(&p);
		if (rc != 0)
			return -1;
		add_metric(t, log, &who, &row, "train_tok_per_s", log->tokens / log->seconds);
		add_metric(t, log, &who, &row, "train_step_s", log->seconds / log->steps);
		who.metric = "memory";
		who.unit = "GB";
		who.predicted = need_B(&row) / 1e9;
		who.lo = who.hi = NAN; /* bytes are not drawn */
		add_row(t, log, who, log->peak_B / 1e9);
	}
	return 0;
}

/* The log under a scenario. */
static int compare(struct training *t, const struct validate_ask *ask, const struct training_log *log)
{
	struct changed_world c;
	const char *changes = "";
	int rc = changed_world_open(&c, ask, "", log->path, log->line, t->err);

	rc = rc == 0 ? check_world(t, log, &c) : rc;
	if (rc == 0)
		changes = tokens_as(t, log, c.world->scenario->workload.train);
	if (rc == 0 && *changes) {
		changed_world_close(&c);
		rc = changed_world_open(&c, ask, changes, log->path, log->line, t->err);
	}
	if (rc == 0)
		rc = add_rows(t, log, &c, t->err);
	changed_world_close(&c);
	return rc;
}

/* ---- a machine alone ---- */

/* What mlx_lm.lora adapts where nobody says: all projections since ml-explore/mlx-lm@16ca0b3a of September 2025
 * (linear_to_lora_layers() in mlx_lm/tuner/utils.py), queries and values before. Its rank is 8, its layers the last 16, a batch has 4 sequences
 * (CONFIG_DEFAULTS in mlx_lm/lora.py of ml-explore/mlx-lm@d78bf58). */
static const char *const targets[] = {"[q, v]", "[q, k, v, o, gate, up, down]"};
enum { BATCH = 4 };

/* A batch is as long as its longest sequence, up to a multiple of 32 tokens (pad_to of iterate_batches() in
 * mlx_lm/tuner/trainer.py): half of that is padding where all are of one length, and no more is known. */
enum { PAD_TO = 32 };

static const char *workload_of(struct arena *a, const struct training_log *log, const char *of)
{
	const double trained = fmax(1, log->tokens / log->steps / BATCH);
	const long long tokens = llround(trained + PAD_TO / 2.0);

	return arena_printf(
		a,
		"{train: {method: lora, rank: 8, targets: %s, layers: 16, optimizer: adam, tokens: %lld tok, "
		"padding: %.3f %%, batch: %d}}",
		of, tokens, 100 * (1 - trained / (double)tokens), BATCH);
}

/* Of one world of it: the numbers that it trains, and the memory that it needs. -1 with the reasons. */
static int try_made(struct training *t, const struct made_scenario *m, double *numbers, double *peak_B)
{
	const struct validate_ask ask = made_scenario_ask(t->ask, m);
	struct footprint *need;
	struct changed_world c;
	const int rc = changed_world_open(&c, &ask, "", t->ask->from.at[0], 1, t->err);

	if (rc == 0) {
		*numbers = trained_numbers(&c.arena, c.world);
		need = arena_array(&c.arena, c.world->machines_n, sizeof *need);
		train_footprint(c.at, need);
		*peak_B = footprint_need_B(need);
	}
	changed_world_close(&c);
	return rc;
}

/* The one format that needs about what was taken. */
static int find_weights(struct training *t, const struct training_log *log, struct made_scenario *m)
{
	const char *const candidates[] = {m->compute, "mlx_q8", "mlx_q6", "mlx_q4", "mlx_q3"};
	const char *found = NULL;
	double numbers, peak;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(candidates) && log->peak_B > 0; i++) {
		m->weights = candidates[i];
		if (try_made(t, m, &numbers, &peak) != 0)
			return -1;
		if (fabs(peak / log->peak_B - 1) > 0.15)
			continue;
		found = candidates[i];
		n++;
	}
	m->weights = found;
	if (n == 1) {
		tell(t, arena_printf(arena_of(t),
				     "%s: taken for %s, which needs about the %s GB that were taken",
				     log->path, found, units_digits(log->peak_B / 1e9, 4).text));
		return 0;
	}
	err_set(t->err, "%s: the format of the weights is not said", log->path);
	return err_hint(t->err, "say --weights FORMAT, such as f16, mlx_q8, mlx_q4");
}

/* Adapters that train as many numbers as the log says. */
static int find_targets(struct training *t, const struct training_log *log, struct made_scenario *m)
{
	double numbers = 0, peak;

	if (!m->weights)
		m->weights = m->compute;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		m->workload = workload_of(arena_of(t), log, targets[i]);
		if (try_made(t, m, &numbers, &peak) != 0)
			return -1;
		if (!alike(log->trainable, numbers))
			continue;
		tell(t, arena_printf(arena_of(t),
				     "%s: taken for adapters of rank 8 on %s of 16 layers and %d sequences a "
				     "step, as mlx_lm "
				     "has by default",
				     log->path, targets[i], BATCH));
		return 0;
	}
	if (log->trainable > 0)
		err_set(t->err, "%s: which adapters train %s M numbers, and with how many sequences a step?",
			log->path, units_digits(log->trainable / 1e6, 4).text);
	else
		err_set(t->err,
			"%s: how many numbers are trained is not said, nor how many sequences a step has",
			log->path);
	return err_hint(
		t->err,
		"a scenario says it: lemursim validate SCENARIO --from %s, with 'workload: {train: ...}'",
		log->path);
}

static int compare_made(struct training *t, const struct training_log *log)
{
	struct made_scenario m;
	struct validate_ask ask;

	if (made_scenario_begin(t->ask, "mlx_lm", NULL, &m, t->notes, t->err) != 0 ||
	    find_targets(t, log, &m) != 0)
		return -1;
	if (!t->ask->weights && find_weights(t, log, &m) != 0)
		return -1;
	ask = made_scenario_ask(t->ask, &m);
	return compare(t, &ask, log);
}

/* ---- all of it ---- */

static int check_ask(const struct validate_ask *ask, bool scenario, struct err *err)
{
	if (ask->family || (scenario && (ask->models.n || ask->runtime || ask->weights)))
		return err_set(err,
			       "%s: under a scenario a training run takes no --family, --model, --runtime or "
			       "--weights",
			       ask->from.at[0]);
	return 0;
}

int validate_training_make(const struct validate_ask *ask, struct validation *v, struct texts *notes,
			   struct err *err)
{
	struct arena *a = ask->loader->arena;
	struct training t = {.ask = ask, .notes = notes, .err = err};
	const bool scenario = made_scenario_is_file(ask);
	int rc = check_ask(ask, scenario, err);

	*notes = (struct texts){.n = 0};
	for (size_t i = 0; i < ask->from.n && rc == 0; i++) {
		struct training_log log;

		rc = training_log_read(a, ask->from.at[i], &log, err);
		if (rc == 0)
			rc = scenario ? compare(&t, ask, &log) : compare_made(&t, &log);
	}
	*v = (struct validation){
		.at = arena_array(a, t.rows.n, sizeof *v->at), .n = t.rows.n, .kind = VALIDATION_OUTCOMES};
	if (t.rows.n)
		memcpy(v->at, t.rows.at, t.rows.n * sizeof *v->at);
	VEC_FREE(&t.rows);
	return rc;
}
