/* causes.c - see causes.h. */
#include "sim/validate/causes.h"

#include <math.h>
#include <string.h>

#include "sim/family/report_backends.h"
#include "sim/family/run_machine.h"

enum { STEPS = 100 };

static struct arena *arena_of(const struct cause_search *s)
{
	return s->ask->loader->arena;
}

/* --- how well ------------------------------------------------------------------------------------- */

double causes_left(const struct cause_search *s, const double *seconds)
{
	double sum = 0, n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->judged[i]) {
			const double by = cause_apart(seconds[i], s->rows[i].measured_s);

			sum += by * by;
			n++;
		}
	return sqrt(sum / n);
}

static double left_with_none(const struct cause_search *s)
{
	struct arena scratch = ARENA_INIT;
	double *seconds = arena_array(&scratch, s->n, sizeof *seconds), left;

	for (size_t i = 0; i < s->n; i++)
		seconds[i] = s->rows[i].expected_s;
	left = causes_left(s, seconds);
	arena_release(&scratch);
	return left;
}

static struct likely_cause cause_of(const struct cause_search *s, const char *what, const double *seconds)
{
	double *rates = arena_array(arena_of(s), s->n, sizeof *rates);

	for (size_t i = 0; i < s->n; i++)
		rates[i] = s->judged[i] ? run_rate_of(s->rows[i].row.run, seconds[i]) : NAN;
	return (struct likely_cause){what, causes_left(s, seconds), left_with_none(s), rates};
}

/* fitted: numbers of its own. */
static void add_cause(struct cause_search *s, const char *what, const double *seconds, int fitted)
{
	cause_list_add(&s->tried, cause_of(s, what, seconds), fitted);
}

void causes_add(struct cause_search *s, const char *what, const double *seconds)
{
	add_cause(s, what, seconds, 0);
}

/* --- causes that change what runs ----------------------------------------------------------------- */

static double seconds_with(const struct catalogue_device *d, const struct case_row *r,
			   const struct precision *p, const struct profile *profile)
{
	struct arena scratch = ARENA_INIT;
	const struct device_model m = report_device_model(&scratch, d, &r->row, profile);
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

static void try_formats(struct cause_search *s)
{
	const bool mlx = str_starts(s->device.profile->origin.name, "mlx");
	const enum mix_id *formats_of = mlx ? mlx_formats : llama_formats;
	const size_t n = mlx ? ARRAY_LEN(mlx_formats) : ARRAY_LEN(llama_formats);
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);

	for (size_t f = 0; f < n; f++) {
		bool other = false;

		for (size_t i = 0; i < s->n; i++) {
			struct precision p = s->rows[i].row.precision;

			seconds[i] = s->rows[i].expected_s;
			if (s->rows[i].says_weights || p.weights == (int)formats_of[f])
				continue;
			other = true;
			p.weights = (int)formats_of[f];
			p.stretch = 0;
			seconds[i] = seconds_with(&s->device, &s->rows[i], &p, s->rows[i].row.profile);
		}
		if (other)
			add_cause(s, arena_printf(arena_of(s), "weights in %s", mix_names[formats_of[f]]),
				  seconds, 0);
	}
}

static void try_flash(struct cause_search *s)
{
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);

	if (!report_runs(s->device.profile, "llama"))
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct profile p = *s->rows[i].row.profile;

		report_attention(&p, FLASH_OFF);
		seconds[i] = s->rows[i].says_flash
				     ? s->rows[i].expected_s
				     : seconds_with(&s->device, &s->rows[i], &s->rows[i].row.precision, &p);
	}
	add_cause(s, "no flash attention", seconds, 0);
}

/* Other dates of the runtime on this device. */
static void try_builds(struct cause_search *s)
{
	const struct profile *all = s->device.device->runtimes.at;
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);

	for (size_t k = 0; k < s->device.device->runtimes.n; k++) {
		if (&all[k] == s->device.profile || !report_same_runtime(&all[k], s->device.profile) ||
		    !all[k].gemm[s->device.compute])
			continue;
		for (size_t i = 0; i < s->n; i++)
			seconds[i] = s->rows[i].says_build ? s->rows[i].expected_s
							   : seconds_with(&s->device, &s->rows[i],
									  &s->rows[i].row.precision, &all[k]);
		add_cause(s, arena_printf(arena_of(s), "a version as of %s", all[k].origin.name), seconds, 0);
	}
}

/* The row on another machine, under the same runtime; INFINITY where that machine has none of it. */
static double seconds_on(const struct catalogue_device *d, const struct case_row *r)
{
	struct arena scratch = ARENA_INIT;
	const char *name = r->row.profile->origin.name;
	const struct profile *p = device_runtime(d->device, name);

	p = p ? p : device_runtime(d->device, runtime_undated(&scratch, name));
	arena_release(&scratch);
	return p && p->gemm[compute_dtype_of_profile(p)] ? seconds_with(d, r, &r->row.precision, p)
							 : INFINITY;
}

/* Another machine that the words mean as well: nobody types the number of cores. false: it has not every row's runtime. */
static bool is_predicted(const struct cause_search *s, const char *id, double *seconds)
{
	struct catalogue_device d;
	bool known = catalogue_is_machine(s->ask->loader, id, NULL, &d);

	for (size_t i = 0; known && i < s->n; i++) {
		seconds[i] = seconds_on(&d, &s->rows[i]);
		known = isfinite(seconds[i]);
	}
	return known;
}

static struct texts machines_meant_too(const struct cause_search *s)
{
	return s->typed ? run_machines_like(s->ask->loader, s->typed, s->device.ref, &s->memory)
			: (struct texts){NULL, 0};
}

static void try_machines(struct cause_search *s)
{
	const struct texts others = machines_meant_too(s);
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);

	for (size_t k = 0; k < others.n; k++)
		if (is_predicted(s, others.at[k], seconds))
			add_cause(s,
				  arena_printf(arena_of(s), "another machine, which '%s' may mean too: %s",
					       s->typed, others.at[k]),
				  seconds, 0);
}

void causes_tell_machines(const struct cause_search *s, struct texts *notes)
{
	enum { ROWS_TOLD = 4 };
	struct arena *a = arena_of(s);
	const struct texts others = machines_meant_too(s);
	double *seconds = arena_array(a, s->n, sizeof *seconds);

	for (size_t k = 0; k < others.n; k++) {
		const char *note;

		if (!is_predicted(s, others.at[k], seconds))
			continue;
		note = arena_printf(a, "were it %s, which '%s' may mean too,", others.at[k], s->typed);
		for (size_t i = 0; i < s->n && i < ROWS_TOLD; i++)
			note = arena_printf(a, "%s %s", note,
					    units_digits(run_work(s->rows[i].row.run) / seconds[i], 4).text);
		note = arena_printf(a, "%s tok/s would be expected of the %s", note,
				    s->n > ROWS_TOLD ? "first rows" : "rows");
		*notes = texts_join(a, notes, &note, 1);
	}
}

/* --- causes with a number ------------------------------------------------------------------------- */

/* What a cause makes of a row, when its number is x. */
typedef double changed_s(const struct cause_search *s, const struct case_row *r, double x);

/* Tries first, first + 1, ... last hundredths. */
static int best_hundredth(struct cause_search *s, changed_s *change, int first, int last, double *seconds)
{
	double best = INFINITY;
	int at = first;

	for (int k = first; k <= last + 1; k++) {
		const double x = (k > last ? at : k) / (double)STEPS;
		double left;

		for (size_t i = 0; i < s->n; i++)
			seconds[i] = change(s, &s->rows[i], x);
		left = causes_left(s, seconds);
		if (left < best) {
			best = left;
			at = k;
		}
	}
	return at;
}

static double at_factors(const struct case_row *r, double arithmetic, double memory)
{
	double factor[FACTORS];

	run_factors_set(factor, arithmetic, memory, 1, 1);
	return predicted_run_seconds_at(&r->run, factor);
}

static double at_clock(const struct cause_search *s, const struct case_row *r, double x)
{
	(void)s;
	return at_factors(r, x, 1);
}

static double at_bandwidth(const struct cause_search *s, const struct case_row *r, double x)
{
	(void)s;
	return at_factors(r, 1, x);
}

static double at_both(const struct cause_search *s, const struct case_row *r, double x)
{
	(void)s;
	return at_factors(r, x, x);
}

/* What was timed before the first operator: compiling kernels, paging weights in. */
static double with_start(const struct cause_search *s, const struct case_row *r, double x)
{
	(void)s;
	return r->expected_s + x;
}

/* Part of the prompt was in the cache already, so that fewer tokens ran than were counted. */
static double with_cached(const struct cause_search *s, const struct case_row *r, double x)
{
	(void)s;
	return r->row.run->prompt > r->row.run->gen ? r->expected_s * (1 - x) : r->expected_s;
}

/* Products of a prompt's rows by experts take the time over x; all else as expected. */
static double with_slow_experts(const struct cause_search *s, const struct case_row *r, double x)
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
 * weights use: ggml_vec_dot_q4_0_q8_0() of ggml-cpu), half of it reached. Memory: what llama.cpp reads of weights in decode,
 * 104 GB/s for each die of an M2 Ultra (27 tokens/s of Mistral 7B in Q8_0 on 24 cores: justine.lol/matmul, March 2024), and
 * 73 % of a narrower bus (68 % of DDR5-6400 on an i9-13900K, ggml-org/llama.cpp#34; 78 % of DDR5-5600 on a Ryzen AI 9 HX
 * 370, #19480). A card's host is not described: two channels of DDR5-5600 and eight cores are taken. */
struct cpu_rates {
	double flops, bandwidth;
};

static const double cpu_bus_share = 0.73, cpu_die_Bps = 104e9;

static struct cpu_rates cpu_of(const struct cause_search *s)
{
	const struct machine *m = s->device.machine;
	const struct device *d = m->devices.at;

	for (size_t i = 0; i < m->devices.n; i++)
		if (!strcmp(d[i].origin.name, "cpu") && d[i].cores)
			return (struct cpu_rates){(double)(d[i].fast_cores ? d[i].fast_cores : d[i].cores) *
							  32 * 0.5 *
							  (d[i].clock.given ? d[i].clock.value : 3.5e9),
						  fmin(cpu_bus_share * m->memory.bandwidth.value,
						       cpu_die_Bps * (double)(m->dies ? m->dies : 1))};
	return (struct cpu_rates){8 * 64 * 4.5e9, cpu_bus_share * 89.6e9};
}

/* share: of the layers, on the CPU, whose operators compute or read, whichever takes longer. Each waits for all threads at its
 * end (ggml_barrier() of ggml-cpu), for which it is taken to need as long as the device needs to start a kernel. */
double cause_on_cpu(const struct cause_search *s, const struct case_row *r, double share)
{
	const struct cpu_rates cpu = cpu_of(s);
	double sum = 0;

	for (size_t i = 0; i < r->run.n; i++) {
		const struct cost *c = &r->run.at[i].cost;

		sum += r->run.at[i].times *
		       (fmax(c->flop / cpu.flops, c->bytes / cpu.bandwidth) + c->overhead.s);
	}
	return (1 - share) * r->expected_s + share * sum;
}

/* The same of rows that do not say how many layers were the device's. */
static double some_on_cpu(const struct cause_search *s, const struct case_row *r, double share)
{
	return r->says_layers ? r->expected_s : cause_on_cpu(s, r, share);
}

/* Attention alone, at that share of the CPU's rates: its kernel there takes one query at a time
 * (ggml_compute_forward_flash_attn_ext() of ggml-cpu), so that the share is small. Queries, keys, values, mask and result are each
 * copied and waited for, about 10 us each. The share that fits best is 12 % on a GB10 (am17an/llama.cpp#28: 1,899 to 379
 * tokens/s of a prompt, 27 to 9.4 of decode), 1 % beside an RTX 4080 (ggml-org/llama.cpp#28456). */
static const double cpu_attention_start_s = 50e-6;

static double attention_on_cpu(const struct cause_search *s, const struct case_row *r, double x)
{
	const struct cpu_rates cpu = cpu_of(s);
	double sum = r->expected_s;

	for (size_t i = 0; i < r->run.n; i++) {
		const struct cost *c = &r->run.at[i].cost;

		if (r->plan.at[i].op.kind == OP_SCORES &&
		    report_cache_lacks_kernel(s->device.profile, &r->row.precision))
			sum += r->run.at[i].times * ((fmax(c->flop / cpu.flops, c->bytes / cpu.bandwidth) +
						      cpu_attention_start_s) /
							     x -
						     cost_seconds(c));
	}
	return sum;
}

static bool is_slow(const struct cause_search *s)
{
	size_t slower = 0, n = 0;

	for (size_t i = 0; i < s->n; i++) {
		n += s->judged[i];
		slower += s->judged[i] && s->rows[i].measured_s > s->rows[i].expected_s;
	}
	return 2 * slower >= n;
}

/* Memory that the largest row takes, of what can be used. */
static double memory_share(const struct cause_search *s)
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

static void try_offload(struct cause_search *s, double *seconds)
{
	const int layers = (int)s->rows[0].row.model->layers + 1, one = (STEPS + layers - 1) / layers;
	int k;

	for (size_t i = 0; i < s->n; i++)
		seconds[i] = cause_on_cpu(s, &s->rows[i], 1);
	add_cause(s, "on the CPU (a rough estimate of its rates)", seconds, 0);
	k = best_hundredth(s, some_on_cpu, one, STEPS - one, seconds);
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

	if (ngl && strchr(ngl, '%')) /* of `ollama ps`, as "11%/89% CPU/GPU" */
		return strstr(ngl, "CPU/GPU") ? n / 100 : 0;
	if (backend && (!strcmp(backend, "CPU") || !strcmp(backend, "BLAS")))
		return 1;
	return n >= 0 && n < all ? 1 - n / all : 0;
}

void causes_try_said(struct cause_search *s, struct likely_cause *idle)
{
	static const char what[] = "layers on the CPU, as the report says (a rough estimate of its rates)";
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);
	bool any = false;

	for (size_t i = 0; i < s->n; i++) {
		const double share = said_share(&s->rows[i]);

		any = any || (s->judged[i] && share > 0);
		seconds[i] = cause_on_cpu(s, &s->rows[i], share);
	}
	if (any) {
		const struct likely_cause c = cause_of(s, what, seconds);

		if (!cause_list_add_said(&s->tried, c))
			*idle = c;
	}
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
	bool cache;         /* only of a cache for which a default build has no kernel */
} numbered[] = {
	{"throttling, or a low power mode: the GPU's clock at %d %%", at_clock, 30, 97, 0, .slow = true},
	{"less memory bandwidth, as other programs take it: %d %%", at_bandwidth, 40, 97, 0, .slow = true},
	{"clock and bandwidth both at %d %%: another power mode, or other programs", at_both, 30, 97, 0,
	 .slow = true},
	{"memory pressure: weights read at %d %% of the rate, the rest swapped or compressed", at_bandwidth,
	 1, 40, 0.8, .slow = true},
	{"a short run: %d0 ms of start were timed too", with_start, 1, 100, 0, .slow = true, .cold = true},
	/* the pull request has 1.8 to 4.1 times for prompts of a model of 128 experts */
	{"a build before May 2025, whose products of experts in a prompt reach %d %% "
	 "(ggml-org/llama.cpp#13388)",
	 with_slow_experts, 20, 60, 0, .slow = true, .experts = true},
	{"attention left to the CPU, at %d %% of its rate: a default build has no kernel for this cache "
	 "(fattn.cu; GGML_CUDA_FA_ALL_QUANTS=ON has it)",
	 attention_on_cpu, 1, 100, 0, .slow = true, .cache = true},
	{"%d %% of the prompt was in the cache already", with_cached, 5, 99, 0, .cold = true},
};

/* llama-bench and mlx_lm.benchmark run once before they measure, with a cache of their own. */
static bool warms_up(const struct cause_search *s)
{
	const char *tool = s->rows[0].row.run->tool;

	return tool && (str_starts(tool, "llama-b") || str_starts(tool, "llama-sweep"));
}

static bool may_apply(const struct cause_search *s, size_t i)
{
	const bool old_experts =
		s->rows[0].row.model->experts && !s->rows[0].says_build &&
		str_starts(s->device.profile->origin.name, "llama.cpp"); /* Metal's kernels */

	return numbered[i].slow == is_slow(s) && memory_share(s) >= numbered[i].memory_from &&
	       !(numbered[i].cold && warms_up(s)) && !(numbered[i].experts && !old_experts) &&
	       !(numbered[i].cache &&
		 !report_cache_lacks_kernel(s->device.profile, &s->rows[0].row.precision));
}

/* Only llama.cpp and what is built on it run some layers on the CPU. */
static bool splits_layers(const struct cause_search *s)
{
	return report_runs(s->device.profile, "llama");
}

static void try_numbered(struct cause_search *s)
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
}

void causes_try(struct cause_search *s)
{
	try_machines(s);
	try_formats(s);
	try_flash(s);
	try_builds(s);
	try_numbered(s);
}
