/* job_causes.c - see job_causes.h. */
#include "sim/validate/job_causes.h"

#include <math.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/family/report_rows.h"
#include "sim/family/run_machine.h"
#include "sim/validate/cause_list.h"

struct job_search {
	const struct validate_ask *ask;
	job_make *make;
	const struct validation *asked;
	double none; /* what is left as asked */
	struct cause_list tried;
};

static struct arena *arena_of(const struct job_search *s)
{
	return s->ask->loader->arena;
}

/* What is left between the rows' values and what is measured, as of a cause. NAN where some row has no value. */
static double job_left(const struct validation *v)
{
	double sum = 0;

	for (size_t i = 0; i < v->n; i++) {
		const double off = cause_apart(v->at[i].predicted / v->at[i].measured, 1);

		sum += off * off;
	}
	return sqrt(sum / (double)v->n);
}

/* Simulates the job as changed, and says nothing where that cannot be; the cause in *c. */
static bool try_job(const struct job_search *s, const struct validate_ask *changed, struct likely_cause *c)
{
	struct diags quiet, *loud = s->ask->loader->diags;
	struct err why = ERR_INIT;
	struct texts notes = {NULL, 0};
	struct validation v = {.n = 0};
	int rc;

	diags_init(&quiet, arena_of(s));
	s->ask->loader->diags = &quiet;
	rc = s->make(changed, &v, &notes, &why);
	s->ask->loader->diags = loud;
	if (rc != 0 || v.n != s->asked->n)
		return false;
	c->left = job_left(&v);
	c->of = s->none;
	c->rates = arena_array(arena_of(s), v.n, sizeof *c->rates);
	for (size_t i = 0; i < v.n; i++)
		c->rates[i] = v.at[i].predicted;
	return isfinite(c->left);
}

static void keep(struct job_search *s, struct likely_cause c, const char *what, int fitted)
{
	c.what = what;
	cause_list_add(&s->tried, c, fitted);
}

/* Draws are for intervals, of which causes have none. */
static struct validate_ask once(const struct job_search *s)
{
	struct validate_ask ask = *s->ask;

	ask.draws.n = 2;
	return ask;
}

/* --- other things that ran ------------------------------------------------------------------------ */

static void try_machines(struct job_search *s)
{
	const char *taken = s->ask->subjects.at[0];
	const struct texts others = s->ask->typed
					    ? run_machines_like(s->ask->loader, s->ask->typed, taken, NULL)
					    : (struct texts){NULL, 0};

	for (size_t i = 0; i < others.n; i++) {
		struct validate_ask ask = once(s);
		struct likely_cause c;

		ask.subjects = (struct texts){&others.at[i], 1};
		if (try_job(s, &ask, &c))
			keep(s, c,
			     arena_printf(arena_of(s), "another machine, which '%s' may mean too: %s",
					  s->ask->typed, others.at[i]),
			     0);
	}
}

/* Formats that files of these programs are commonly of; where none was asked for the report says it. */
static void try_formats(struct job_search *s, bool trains)
{
	static const char *const served[] = {"bf16", "fp8", "mxfp4", "q4_K_M", "q8_0", "mlx_q4", "mlx_q8"},
				 *const trained[] = {"bf16", "f16", "mlx_q8", "mlx_q6", "mlx_q4"};
	const char *const *all = trains ? trained : served;
	const size_t n = trains ? ARRAY_LEN(trained) : ARRAY_LEN(served);

	for (size_t i = 0; s->ask->weights && i < n; i++) {
		struct validate_ask ask = once(s);
		struct likely_cause c;

		ask.weights = all[i];
		if (strcmp(all[i], s->ask->weights) != 0 && try_job(s, &ask, &c))
			keep(s, c, arena_printf(arena_of(s), "weights in %s", all[i]), 0);
	}
}

/* Other versions of the runtime that the rows were predicted under. */
static void try_versions(struct job_search *s)
{
	const char *usual = s->asked->at[0].runtime;
	const struct profile *all;
	struct catalogue_device d;

	if (!catalogue_is_machine(s->ask->loader, s->ask->subjects.at[0], NULL, &d))
		return;
	all = d.device->runtimes.at;
	for (size_t i = 0; i < d.device->runtimes.n; i++) {
		const char *other = all[i].origin.name;
		struct validate_ask ask = once(s);
		struct likely_cause c;

		ask.runtime = other;
		if (strcmp(other, usual) != 0 && runtime_same(other, usual) && try_job(s, &ask, &c))
			keep(s, c, arena_printf(arena_of(s), "a version as of %s", other), 0);
	}
}

/* --- other settings ------------------------------------------------------------------------------- */

static bool try_set(const struct job_search *s, const char *set, struct likely_cause *c)
{
	struct validate_ask ask = once(s);

	ask.sets = texts_join(arena_of(s), &s->ask->sets, &set, 1);
	return try_job(s, &ask, c);
}

/* A change with a number, of which the best is kept. said: options by which a command above the report says it. */
static const struct {
	const char *set, *what;
	int numbers[12]; /* 0 ends */
	const char *said[2];
} numbered[] = {
	{"machines.m.sustained=%d %%",
	 "throttling, or a low power mode: arithmetic at %d %% of its rate",
	 {95, 90, 85, 80, 75, 70, 60, 50, 40, 30},
	 {NULL}},
	{"assignments.0.serve.seqs=%d",
	 "a limit of %d sequences at once (--max-num-seqs, --parallel)",
	 {1, 2, 4, 8, 16, 32, 64, 128, 256},
	 {"--max-num-seqs", "--max-running-requests"}},
	{"assignments.0.serve.batch=%d tok",
	 "a limit of %d tokens an iteration (--max-num-batched-tokens)",
	 {512, 1024, 2048, 4096, 8192, 16384},
	 {"--max-num-batched-tokens"}},
};

/* What a report says of itself is no question. */
static bool is_said(const struct job_search *s, const char *const options[2])
{
	const struct texts *files = &s->ask->from;

	for (size_t i = 0; options[0] && i < files->n; i++) {
		struct err unread = ERR_INIT;
		size_t len;
		char *text;

		if (file_read(arena_of(s), files->at[i], RUNS_FILE_MAX, &text, &len, &unread) != 0)
			continue;
		for (int k = 0; k < 2 && options[k]; k++)
			if (strstr(text, options[k]))
				return true;
	}
	return false;
}

static void try_numbers(struct job_search *s, size_t k)
{
	struct likely_cause best = {.left = INFINITY};
	int at = 0;

	if (is_said(s, numbered[k].said))
		return;
	for (size_t i = 0; numbered[k].numbers[i]; i++) {
		const int x = numbered[k].numbers[i];
		struct likely_cause c;

		if (try_set(s, arena_printf(arena_of(s), numbered[k].set, x), &c) && c.left < best.left) {
			best = c;
			at = x;
		}
	}
	if (at)
		keep(s, best, arena_printf(arena_of(s), numbered[k].what, at), 1);
}

static void try_recompute(struct job_search *s)
{
	struct likely_cause c;

	if (try_set(s, "workload.train.recompute=full", &c))
		keep(s, c, "activations that are computed again (mlx_lm.lora --grad-checkpoint)", 0);
}

/* --- all ------------------------------------------------------------------------------------------ */

void job_causes(const struct validate_ask *ask, job_make *make, bool trains, const struct validation *asked,
		struct explanation *e)
{
	struct job_search s = {.ask = ask, .make = make, .asked = asked, .none = job_left(asked)};

	if (!isfinite(s.none))
		return;
	try_machines(&s);
	try_formats(&s, trains);
	try_versions(&s);
	if (trains)
		try_recompute(&s);
	for (size_t k = 0; !trains && k < ARRAY_LEN(numbered); k++)
		try_numbers(&s, k);
	cause_list_rank(&s.tried, arena_of(&s), e);
}
