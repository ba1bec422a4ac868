/* likely_causes.c - see likely_causes.h. */
#include "sim/validate/likely_causes.h"

#include "sim/validate/explained_jobs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/vec.h"
#include "sim/family/report_rows.h"
#include "sim/stats/band.h"

enum { DRAWS = 200, STEPS = 100 };

/* A number that was fitted must explain at least this much to be preferred to none; a cause leaves at most this share of
 * what there is to explain. */
static const double fitted_worth = 0.03, leaves_at_most = 0.75;

/* A row with its prediction on the device as asked. */
struct case_row {
	struct report_row row;
	struct run_plan plan;
	struct predicted_run run; /* the plan's run, operator by operator */
	double measured_s, expected_s;
};

struct search {
	const struct validate_ask *ask;
	struct catalogue_device device;
	struct case_row *rows;
	size_t n;
	bool says_weights, says_flash, says_build; /* every row does, so that it is no question */
	VEC(struct likely_cause) causes;
	VEC(double) keys; /* each cause's key, by which causes are ranked */
};

static struct arena *arena_of(const struct search *s)
{
	return s->ask->loader->arena;
}

/* --- how well ------------------------------------------------------------------------------------- */

/* Of two times the larger over the smaller, less 1: the same error either way, and no logarithm. */
static double apart(double a, double b)
{
	return fmax(a / b, b / a) - 1;
}

static double left_of(const struct search *s, const double *seconds)
{
	double sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += apart(seconds[i], s->rows[i].measured_s) * apart(seconds[i], s->rows[i].measured_s);
	return sqrt(sum / (double)s->n);
}

/* fitted: numbers of its own. */
static void add_cause(struct search *s, const char *what, const double *seconds, int fitted)
{
	double *rates = arena_array(arena_of(s), s->n, sizeof *rates);
	const double left = left_of(s, seconds);

	for (size_t i = 0; i < s->n; i++)
		rates[i] = run_rate_of(s->rows[i].row.run, seconds[i]);
	VEC_ADD(&s->causes, ((struct likely_cause){what, left, rates}));
	VEC_ADD(&s->keys, left + fitted_worth * fitted);
}

/* --- causes that change what runs ----------------------------------------------------------------- */

static double seconds_with(const struct search *s, const struct case_row *r, const struct precision *p,
			   const struct profile *profile)
{
	struct arena scratch = ARENA_INIT;
	const struct device_model m = report_device_model(&scratch, &s->device, &r->row, profile);
	const struct predicted_run run = predicted_run_make(&scratch, r->row.model, p, &m, r->row.run);
	const double seconds = predicted_run_seconds(&run);

	arena_release(&scratch);
	return seconds;
}

/* Formats that files are commonly of; those of MLX for what MLX ran. */
static const enum mix_id llama_formats[] = {(enum mix_id)FORMAT_F16, (enum mix_id)FORMAT_Q8_0, MIX_Q5_K_M,
					    MIX_Q4_K_M, (enum mix_id)FORMAT_Q4_0},
			 mlx_formats[] = {(enum mix_id)FORMAT_BF16, (enum mix_id)FORMAT_MLX_Q8,
					  (enum mix_id)FORMAT_MLX_Q6, (enum mix_id)FORMAT_MLX_Q4};

static void try_formats(struct search *s)
{
	const bool mlx = str_starts(s->device.profile->origin.name, "mlx");
	const enum mix_id *formats_of = mlx ? mlx_formats : llama_formats;
	const size_t n = mlx ? ARRAY_LEN(mlx_formats) : ARRAY_LEN(llama_formats);
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);

	for (size_t f = 0; f < n && !s->says_weights; f++) {
		bool other = false;

		for (size_t i = 0; i < s->n; i++) {
			struct precision p = s->rows[i].row.precision;

			other = other || p.weights != (int)formats_of[f];
			p.weights = (int)formats_of[f];
			seconds[i] = seconds_with(s, &s->rows[i], &p, s->rows[i].row.profile);
		}
		if (other)
			add_cause(s, arena_printf(arena_of(s), "weights in %s", mix_names[formats_of[f]]),
				  seconds, 0);
	}
}

static void try_flash(struct search *s)
{
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);

	if (s->says_flash || !report_runs(s->device.profile, "llama"))
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct profile p = *s->rows[i].row.profile;

		report_attention(&p, FLASH_OFF);
		seconds[i] = seconds_with(s, &s->rows[i], &s->rows[i].row.precision, &p);
	}
	add_cause(s, "no flash attention", seconds, 0);
}

/* Other dates of the runtime on this device. */
static void try_builds(struct search *s)
{
	const struct profile *all = s->device.device->runtimes.at;
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);

	for (size_t k = 0; k < s->device.device->runtimes.n && !s->says_build; k++) {
		if (&all[k] == s->device.profile || !report_same_runtime(&all[k], s->device.profile) ||
		    !all[k].gemm[s->device.compute])
			continue;
		for (size_t i = 0; i < s->n; i++)
			seconds[i] = seconds_with(s, &s->rows[i], &s->rows[i].row.precision, &all[k]);
		add_cause(s, arena_printf(arena_of(s), "a version as of %s", all[k].origin.name), seconds, 0);
	}
}

/* --- causes with a number ------------------------------------------------------------------------- */

/* What a cause makes of a row, when its number is x. */
typedef double changed_s(const struct search *s, const struct case_row *r, double x);

/* Tries first, first + 1, ... last hundredths. */
static int best_hundredth(struct search *s, changed_s *change, int first, int last, double *seconds)
{
	double best = INFINITY;
	int at = first;

	for (int k = first; k <= last + 1; k++) {
		const double x = (k > last ? at : k) / (double)STEPS;
		double left;

		for (size_t i = 0; i < s->n; i++)
			seconds[i] = change(s, &s->rows[i], x);
		left = left_of(s, seconds);
		if (left < best) {
			best = left;
			at = k;
		}
	}
	return at;
}

static double at_factors(const struct case_row *r, double arithmetic, double memory)
{
	const double factor[FACTORS] = {arithmetic, memory, 1, 1};

	return predicted_run_seconds_at(&r->run, factor);
}

static double at_clock(const struct search *s, const struct case_row *r, double x)
{
	(void)s;
	return at_factors(r, x, 1);
}

static double at_bandwidth(const struct search *s, const struct case_row *r, double x)
{
	(void)s;
	return at_factors(r, 1, x);
}

static double at_both(const struct search *s, const struct case_row *r, double x)
{
	(void)s;
	return at_factors(r, x, x);
}

/* What was timed before the first operator: compiling kernels, paging weights in. */
static double with_start(const struct search *s, const struct case_row *r, double x)
{
	(void)s;
	return r->expected_s + x;
}

/* Part of the prompt was in the cache already, so that fewer tokens ran than were counted. */
static double with_cached(const struct search *s, const struct case_row *r, double x)
{
	(void)s;
	return r->row.run->prompt > r->row.run->gen ? r->expected_s * (1 - x) : r->expected_s;
}

/* Products of a prompt's rows by experts take the time over x; all else as expected. */
static double with_slow_experts(const struct search *s, const struct case_row *r, double x)
{
	double sum = r->expected_s;

	(void)s;
	for (size_t i = 0; i < r->plan.n; i++) {
		const struct op *op = &r->plan.at[i].op;

		if (op->experts && op->phase == PHASE_PREFILL)
			sum += r->run.at[i].times * cost_seconds(&r->run.at[i].cost) * (1 / x - 1);
	}
	return sum;
}

/* The rates of a CPU beside the device. Arithmetic: cores that are not there to save power, at 3.5 GHz where that is not
 * said, by 128 operations a cycle (four pipes of sixteen multiply-adds of 8 bits, which llama.cpp's kernels for blocks of
 * weights use: ggml_vec_dot_q4_0_q8_0() of ggml-cpu), half of it reached. Memory: all clusters of an
 * M1 Max read 243 GB/s of its 400 (AnandTech, "Apple's M1 Pro, M1 Max SoCs Investigated", 25 October 2021); a narrower bus
 * is read at 85 %. A card's host is not described: two channels of DDR5-5600 and eight cores are taken. */
struct cpu_rates {
	double flops, bandwidth;
};

static struct cpu_rates cpu_of(const struct search *s)
{
	const struct machine *m = s->device.machine;
	const struct device *d = m->devices.at;

	for (size_t i = 0; i < m->devices.n; i++)
		if (!strcmp(d[i].origin.name, "cpu") && d[i].cores)
			return (struct cpu_rates){(double)(d[i].fast_cores ? d[i].fast_cores : d[i].cores) *
							  32 * 0.5 *
							  (d[i].clock.given ? d[i].clock.value : 3.5e9),
						  fmin(0.85 * m->memory.bandwidth.value,
						       243e9 * (double)(m->dies ? m->dies : 1))};
	return (struct cpu_rates){8 * 64 * 4.5e9, 0.85 * 89.6e9};
}

/* share: of the layers, on the CPU, whose operators compute or read, whichever takes longer. */
static double on_cpu(const struct search *s, const struct case_row *r, double share)
{
	const struct cpu_rates cpu = cpu_of(s);
	double sum = 0;

	for (size_t i = 0; i < r->run.n; i++) {
		const struct cost *c = &r->run.at[i].cost;

		sum += r->run.at[i].times * fmax(c->flop / cpu.flops, c->bytes / cpu.bandwidth);
	}
	return (1 - share) * r->expected_s + share * fmax(sum, r->expected_s);
}

static bool is_slow(const struct search *s)
{
	double slower = 0;

	for (size_t i = 0; i < s->n; i++)
		slower += s->rows[i].measured_s > s->rows[i].expected_s;
	return 2 * slower >= (double)s->n;
}

/* Memory that the largest row takes, of what can be used. */
static double memory_share(const struct search *s)
{
	const struct qty *room = &s->device.machine->memory.usable;
	double most = 0;

	for (size_t i = 0; room->given && i < s->n; i++)
		most = fmax(most,
			    (model_weights_B(s->rows[i].row.model, &s->rows[i].row.precision) +
			     run_kv_B(s->rows[i].row.model, &s->rows[i].row.precision, s->rows[i].row.run)) /
				    room->value);
	return most;
}

static void try_offload(struct search *s, double *seconds)
{
	const int layers = (int)s->rows[0].row.model->layers + 1, one = (STEPS + layers - 1) / layers;
	int k;

	for (size_t i = 0; i < s->n; i++)
		seconds[i] = on_cpu(s, &s->rows[i], 1);
	add_cause(s, "on the CPU (a rough estimate of its rates)", seconds, 0);
	k = best_hundredth(s, on_cpu, one, STEPS - one, seconds);
	k = (k * layers + STEPS / 2) / STEPS;
	add_cause(s,
		  arena_printf(arena_of(s), "about %d of %d layers left to the CPU (-ngl %d)", k, layers,
			       layers - k),
		  seconds, 1);
}

/* The share of the layers that the row says it left to the CPU; 0 where it says none. */
static double said_share(const struct case_row *r)
{
	const struct run *run = r->row.run;
	const char *ngl = run->says[COLUMN_GPU_LAYERS], *backend = run->says[COLUMN_BACKEND];
	const double all = (double)r->row.model->layers + 1, n = ngl ? strtod(ngl, NULL) : -1;

	if (backend && (!strcmp(backend, "CPU") || !strcmp(backend, "BLAS")))
		return 1;
	return n >= 0 && n < all ? 1 - n / all : 0;
}

static void try_said(struct search *s, double *seconds)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++) {
		const double share = said_share(&s->rows[i]);

		any = any || share > 0;
		seconds[i] = on_cpu(s, &s->rows[i], share);
	}
	if (!any)
		return;
	add_cause(s, "layers on the CPU, as the report says (a rough estimate of its rates)", seconds, 0);
	s->keys.at[s->keys.n - 1] = -1; /* no guess */
}

/* Which numbers a cause may take, in hundredths, and how it is told. Throttling and a low power mode lower the clock of the
 * GPU, the latter down to about half. */
static const struct {
	const char *what;
	changed_s *change;
	int first, last;
	double memory_from; /* share of the memory taken from which it is thought of */
	bool slow;          /* explains rows that are too slow, else too fast */
	bool cold;          /* only of programs that do not warm up before they measure */
	bool experts;       /* only of mixtures of experts under llama.cpp whose build is not said */
} numbered[] = {
	{"throttling, or a low power mode: the GPU's clock at %d %%", at_clock, 30, 97, 0, true, false,
	 false},
	{"less memory bandwidth, as other programs take it: %d %%", at_bandwidth, 40, 97, 0, true, false,
	 false},
	{"clock and bandwidth both at %d %%: another power mode, or other programs", at_both, 30, 97, 0, true,
	 false, false},
	{"memory pressure: weights read at %d %% of the rate, the rest swapped or compressed", at_bandwidth,
	 1, 40, 0.8, true, false, false},
	{"a short run: %d0 ms of start were timed too", with_start, 1, 100, 0, true, true, false},
	/* the pull request has 1.8 to 4.1 times for prompts of a model of 128 experts */
	{"a build before May 2025, whose products of experts in a prompt reach %d %% "
	 "(ggml-org/llama.cpp#13388)",
	 with_slow_experts, 20, 60, 0, true, false, true},
	{"%d %% of the prompt was in the cache already", with_cached, 5, 99, 0, false, true, false},
};

/* llama-bench and mlx_lm.benchmark run once before they measure, with a cache of their own. */
static bool warms_up(const struct search *s)
{
	const char *tool = s->rows[0].row.run->tool;

	return tool && (str_starts(tool, "llama-b") || str_starts(tool, "llama-sweep"));
}

static bool may_apply(const struct search *s, size_t i)
{
	const bool old_experts =
		s->rows[0].row.model->experts && !s->says_build &&
		str_starts(s->device.profile->origin.name, "llama.cpp"); /* Metal's kernels */

	return numbered[i].slow == is_slow(s) && memory_share(s) >= numbered[i].memory_from &&
	       !(numbered[i].cold && warms_up(s)) && !(numbered[i].experts && !old_experts);
}

/* Only llama.cpp and what is built on it run some layers on the CPU. */
static bool splits_layers(const struct search *s)
{
	return report_runs(s->device.profile, "llama");
}

static void try_numbered(struct search *s)
{
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);

	for (size_t i = 0; i < ARRAY_LEN(numbered); i++)
		if (may_apply(s, i)) {
			const int k = best_hundredth(s, numbered[i].change, numbered[i].first,
						     numbered[i].last, seconds);

			add_cause(s, arena_printf(arena_of(s), numbered[i].what, k), seconds, 1);
		}
	if (is_slow(s) && splits_layers(s))
		try_offload(s, seconds);
	try_said(s, seconds);
}

/* --- rows ----------------------------------------------------------------------------------------- */

static struct explained_row explain_row(struct search *s, struct case_row *c)
{
	const struct catalogue_device *d = &s->device;
	struct arena *a = arena_of(s);
	struct device_model m = report_device_model(a, d, &c->row, c->row.profile);
	const size_t n = s->ask->draws.n > 0 ? (size_t)s->ask->draws.n : DRAWS;
	const struct params *z = draws_of_device(
		a, d->machine, d->device, s->ask->draws.seed >= 0 ? (uint64_t)s->ask->draws.seed : 1, n);
	double *rate = arena_array(a, n, sizeof *rate);
	struct explained_row e = {.unit = run_unit(c->row.run),
				  .file = c->row.run->path,
				  .line = c->row.run->line,
				  .measured = run_rate(c->row.run)};
	struct band band;

	device_model_beyond(&m, c->row.model);
	c->plan = run_plan_make(a, c->row.model, &c->row.precision, c->row.profile, c->row.run);
	c->run = predicted_run_of_plan(a, &c->plan, &m);
	c->measured_s = c->row.run->seconds;
	c->expected_s = predicted_run_seconds(&c->run);
	for (size_t i = 0; i < n; i++)
		rate[i] = run_rate_of(c->row.run, predicted_run_seconds_drawn(&c->run, &z[i]));
	e.run = arena_printf(a, "%s %s %s", c->row.model_name, mix_names[c->row.precision.weights],
			     run_name(a, c->row.run));
	e.expected = run_rate_of(c->row.run, c->expected_s);
	band = band_of(e.expected, rate, n);
	e.lo = band.lo;
	e.hi = band.hi;
	e.normal = e.measured >= e.lo && e.measured <= e.hi;
	return e;
}

/* Columns in which a row may say why it is unlike: it ran, but elsewhere. Another model or format is bad input, and of a
 * dtype without a table nothing is known to compare with. */
static bool tells_where(enum run_column c)
{
	return c < RUN_COLUMNS && c != COLUMN_KV_K && c != COLUMN_KV_V && c != COLUMN_EMBEDDINGS &&
	       c != COLUMN_DTYPE;
}

/* A row that ran elsewhere is predicted all the same, but not in a dtype without a table. */
static int check_compute(const struct search *s, const struct run *run, const struct model *m)
{
	struct err why = ERR_INIT;

	if (run_check_compute(run, m, s->device.device, s->device.profile, &why) == 0)
		return 0;
	return diag_add(s->ask->loader->diags, run_place(run, COLUMN_DTYPE),
			"nothing is known to compare such a row with: leave it out", "%s: %s",
			run_column_name(run, COLUMN_DTYPE), why.msg);
}

static int take_row(struct search *s, const struct report_ask *ask, const struct run *run,
		    struct explanation *e)
{
	struct case_row *c = &s->rows[s->n];
	enum run_column column;
	struct err why = ERR_INIT;
	const int rc = report_row_make(ask, run, &c->row, &e->notes, &column, &why);

	if (rc != 0 && c->row.model && check_compute(s, run, c->row.model) != 0)
		return -1;
	if (rc != 0 && (!tells_where(column) || !c->row.model))
		return diag_add(s->ask->loader->diags, run_place(run, column), why.hint[0] ? why.hint : NULL,
				"%s: %s", run_column_name(run, column), why.msg);
	if (rc != 0)
		c->row.profile = s->device.profile;
	e->rows[s->n] = explain_row(s, c);
	if (rc != 0) {
		e->rows[s->n].said =
			arena_printf(arena_of(s), "%s: %s", run_column_name(run, column), why.msg);
		e->rows[s->n].normal = false;
	}
	s->says_weights =
		s->says_weights && (run->bytes > 0 || run_named_weights(arena_of(s), run, NULL) != MIX_N);
	s->says_flash = s->says_flash && run->flash != FLASH_UNSAID;
	s->says_build = s->says_build && run->build > 0;
	s->n++;
	return 0;
}

static int take_rows(struct search *s, const struct runs *runs, struct model_shelf *shelf,
		     struct explanation *e)
{
	const struct validate_ask *ask = s->ask;
	struct report_ask rows = {.shelf = shelf,
				  .device = &s->device,
				  .model = ask->models.n ? ask->models.at[0] : NULL,
				  .weights = ask->weights,
				  .dated = ask->runtime && strchr(ask->runtime, '@')};
	int rc = 0;

	rows.given = rows.model ? catalogue_model_load(ask->loader, rows.model) : NULL;
	if (rows.model && !rows.given)
		return -1;
	s->rows = arena_array(arena_of(s), runs->n, sizeof *s->rows);
	e->rows = arena_array(arena_of(s), runs->n, sizeof *e->rows);
	s->says_weights = s->says_flash = s->says_build = true;
	for (size_t i = 0; i < runs->n; i++)
		rc = take_row(s, &rows, &runs->at[i], e) != 0 ? -1 : rc;
	e->n = s->n;
	return rc;
}

/* Of rows that are as expected one in five is outside P10 to P90; none is by more than the interval's own width. */
static bool all_normal(const struct explanation *e)
{
	size_t outside = 0;

	for (size_t i = 0; i < e->n; i++) {
		const struct explained_row *r = &e->rows[i];

		if (r->normal)
			continue;
		if (r->said || r->measured < r->lo - (r->hi - r->lo) || r->measured > r->hi + (r->hi - r->lo))
			return false;
		outside++;
	}
	return 5 * outside <= e->n;
}

/* Those that leave less than nothing does, by their keys; of equal ones the first that was tried. */
static void rank(struct search *s, struct explanation *e)
{
	e->causes = arena_array(arena_of(s), CAUSES_SHOWN, sizeof *e->causes);
	while (e->causes_n < CAUSES_SHOWN) {
		size_t best = s->causes.n;

		for (size_t i = 0; i < s->causes.n; i++)
			if (s->keys.at[i] <
			    (best == s->causes.n ? leaves_at_most * e->left : s->keys.at[best]))
				best = i;
		if (best == s->causes.n)
			return;
		e->causes[e->causes_n++] = s->causes.at[best];
		s->keys.at[best] = INFINITY;
	}
}

static void find_causes(struct search *s, struct explanation *e)
{
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);

	for (size_t i = 0; i < s->n; i++)
		seconds[i] = s->rows[i].expected_s;
	e->left = left_of(s, seconds);
	e->normal = all_normal(e);
	if (e->normal)
		return;
	try_formats(s);
	try_flash(s);
	try_builds(s);
	try_numbered(s);
	rank(s, e);
}

/* The machine that is asked for, or that every row names. */
static const char *machine_of(const struct validate_ask *ask, const struct runs *runs, struct err *err)
{
	const char *name = ask->subjects.n ? ask->subjects.at[0] : runs->at[0].machine;

	for (size_t i = 0; i < runs->n && !ask->subjects.n; i++)
		if (!name || !runs->at[i].machine || strcmp(name, runs->at[i].machine) != 0) {
			err_set(err, "%s: on which machine did it run?", runs->path);
			err_hint(err, "--on MACHINE; 'lemursim list' has the names");
			return NULL;
		}
	return name;
}

int explain_make(const struct validate_ask *ask, struct explanation *e, struct err *err)
{
	struct search s = {.ask = ask};
	struct model_shelf shelf = {.loader = ask->loader};
	struct runs runs = {0};
	int rc;

	*e = (struct explanation){0};
	if (explained_jobs_are(ask))
		return explained_jobs_make(ask, e, err);
	if (runs_read_all(ask->loader->arena, ask->from.at, ask->from.n, &runs, err) != 0 ||
	    runs_of_models(&runs, err) != 0)
		return -1;
	e->machine = machine_of(ask, &runs, err);
	if (!e->machine ||
	    catalogue_device_load(ask->loader, e->machine, NULL,
				  ask->runtime ? ask->runtime
					       : report_runtime(ask->loader, e->machine, &runs),
				  &s.device) != 0)
		return -1;
	e->runtime = s.device.profile->origin.name;
	rc = take_rows(&s, &runs, &shelf, e);
	if (rc == 0)
		find_causes(&s, e);
	VEC_FREE(&s.causes);
	VEC_FREE(&s.keys);
	return rc;
}
