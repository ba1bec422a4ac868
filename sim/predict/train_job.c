/* train_job.c - see train_job.h. */
#include "sim/predict/train_job.h"

#include <math.h>

#include "sim/predict/train_idle.h"
#include "sim/train/stages.h"
#include "sim/train/train.h"
#include "sim/train/train_work.h"

enum {
	RATE,
	STEP,
	FORWARD,
	BACKWARD,
	OPTIMIZER,
	WAITING,
	BUBBLE,
	MFU,
	OF_BEST_GEMM,
	ENERGY,
	USD,
	TRAIN_METRICS
};

static const struct metric_info metrics[TRAIN_METRICS] = {
	[RATE] = {"train_tok_per_s", "tok/s", "train", JOB_TRAIN, false, METRIC_OF_TIMES, 20,
		  "tokens trained on in a second", false},
	[STEP] = {"train_step_s", "s", "step", JOB_TRAIN, true, METRIC_OF_TIMES, 21,
		  "one step of the optimizer, all micro-batches", false},
	[FORWARD] = {"forward_s", "s", NULL, JOB_TRAIN, true, METRIC_OF_TIMES, 0,
		     "forward passes of a step, mean of the devices that run any", false},
	[BACKWARD] = {"backward_s", "s", NULL, JOB_TRAIN, true, METRIC_OF_TIMES, 0,
		      "backward passes of a step, recomputation included, mean of the devices that run any",
		      false},
	[OPTIMIZER] = {"optimizer_s", "s", NULL, JOB_TRAIN, true, METRIC_OF_TIMES, 0,
		       "update of the weights, mean of the devices that run any", false},
	[WAITING] = {"waiting_s", "s", NULL, JOB_TRAIN, true, METRIC_OF_TIMES, 0,
		     "the rest of the step: waiting for other devices and links, mean of all devices", false},
	[BUBBLE] = {"bubble", "", NULL, JOB_TRAIN, true, METRIC_OF_TIMES, 0,
		    "share of the step in which devices do nothing, mean of all devices", false},
	[MFU] = {"mfu", "", "MFU", JOB_TRAIN, false, METRIC_OF_TIMES, 22,
		 "share: useful FLOP of a step over its time and the stated peak of the devices", false},
	[OF_BEST_GEMM] = {"of_best_gemm", "", "of best GEMM", JOB_TRAIN, false, METRIC_OF_TIMES, 23,
			  "the same over the fastest single product of matrices that is known", false},
	[ENERGY] = {"energy_J_per_train_tok", "J/tok", "train energy", JOB_TRAIN, true, METRIC_OF_POWER, 60,
		    "at the wall, for each token trained on", false},
	[USD] = {"usd_per_train_Mtok", "USD/Mtok", "train cost", JOB_TRAIN, true, METRIC_OF_POWER_AND_PRICE,
		 61, "price over its years and electricity, for a million tokens trained on", false},
};

/* ---- the program ---- */

struct step_facts {                          /* what every draw needs of the program */
	double flop, peak_flops, gemm_flops; /* of a step; of the devices that train, per second */
	const struct train_work *work;
};

static double weight(const struct program_runs *r, size_t program)
{
	(void)r;
	(void)program;
	return 1;
}

static struct program_covers covers(const struct program_runs *r, size_t program)
{
	(void)r;
	(void)program;
	return (struct program_covers){1, 1};
}

/* ---- metrics ---- */

static bool trains(const struct placement *at, size_t unit)
{
	const struct job_phases phases = job_phases(JOB_TRAIN);
	bool used = false;

	for (int x = (int)phases.first; x <= (int)phases.last; x++)
		used |= placement_uses(at, (enum phase)x, unit);
	return used;
}

/* Of a device: the arithmetic limit of its data sheet, and the fastest single product of matrices. */
static double peak_flops(const struct world *w, size_t unit)
{
	return w->units[unit].device->peak[w->scenario->precision.compute].value;
}

static const struct qty *best_gemm(const struct world *w, size_t unit)
{
	return &w->units[unit].profile->gemm[w->scenario->precision.compute]->roof;
}

/* The devices that each one of a placement stands for. */
static double stands_for(const struct placement *at)
{
	const struct train_options o = placement_train(at).options;

	return (double)(o.tensor_parallel * train_gradient_ranks(&o));
}

static void build(struct arena *a, const struct placement *at, struct program *out[JOB_PROGRAMS], void **own)
{
	struct step_facts *facts = arena_alloc(a, sizeof *facts);
	const double equals = stands_for(at);

	out[0] = train_build_short(at);
	*facts = (struct step_facts){.flop = train_flop(at->world), .work = train_work(a, out[0])};
	for (size_t u = 0; u < at->world->units_n; u++) {
		facts->peak_flops += trains(at, u) ? equals * peak_flops(at->world, u) : 0;
		facts->gemm_flops += trains(at, u) ? equals * best_gemm(at->world, u)->value : 0;
	}
	*own = facts;
}

static size_t devices_used(const struct job_run *r)
{
	const struct program_runs *runs = r->state;
	size_t n = 0;

	for (size_t q = 0; q < r->at->world->units_n; q++)
		n += runs->run[0].run.busy_ns[q] > 0;
	return n ? n : 1;
}

static void values(const struct job_run *r, const struct compiled_ends ends[JOB_PROGRAMS],
		   const struct class_times t[JOB_PROGRAMS], const double *busy_ns, double *of)
{
	const struct program_runs *runs = r->state;
	const struct world *w = r->at->world;
	const struct step_facts *facts = runs->own;
	const struct train_times times = train_times(facts->work, &t[0], ends->makespan_ns);
	const double step = sim_s_of_ns(ends->makespan_ns), flops = facts->flop / step;
	double busy = 0;

	for (size_t u = 0; u < w->units_n; u++)
		busy += busy_ns[u]; /* devices only, no links */
	of[STEP] = step;
	of[RATE] = train_tokens(w->scenario->workload.train) / step;
	of[FORWARD] = times.forward_s;
	of[BACKWARD] = times.backward_s;
	of[OPTIMIZER] = times.optimizer_s;
	of[WAITING] = times.waiting_s;
	of[BUBBLE] = fmax(0, 1 - sim_s_of_ns((sim_ns)busy) / ((double)devices_used(r) * step));
	of[MFU] = flops / facts->peak_flops;
	of[OF_BEST_GEMM] =
		fmin(1, flops / facts->gemm_flops); /* a draw beyond it had a better best product */
}

static double tokens(const struct world *w)
{
	return train_tokens(w->scenario->workload.train);
}

static double busy_share(const struct job_run *r, size_t queue)
{
	const struct program_runs *runs = r->state;

	return (double)runs->run[0].run.busy_ns[queue] / (double)runs->run[0].run.makespan_ns;
}

static enum provenance from(const struct job_run *r, size_t metric)
{
	const struct program_runs *runs = r->state;
	enum provenance worst = simulated_from(&runs->run[0], PHASE_N);

	for (size_t u = 0; u < r->at->world->units_n && metric == OF_BEST_GEMM; u++)
		if (trains(r->at, u))
			worst = provenance_worse(worst, best_gemm(r->at->world, u)->provenance);
	return worst;
}

static struct advised advised(const struct job_run *r)
{
	(void)r;
	return (struct advised){RATE, "training"};
}

/* The units from u on that are equal devices, as `count: 16` makes them. */
static size_t equal_units(const struct world *w, size_t u)
{
	size_t n = 1;

	while (u + n < w->units_n && peak_flops(w, u + n) == peak_flops(w, u) &&
	       best_gemm(w, u + n)->value == best_gemm(w, u)->value &&
	       best_gemm(w, u + n)->provenance == best_gemm(w, u)->provenance)
		n++;
	return n;
}

/* ", 25.37 TFLOPS (transferred)": a rate that no run of this very chip has shown is never called measured. */
static void add_devices(struct str *out, const struct world *w, size_t unit, size_t n)
{
	const struct qty *gemm = best_gemm(w, unit);

	str_addf(out, "%s%s", unit ? "; " : "", w->units[unit].name);
	if (n > 1)
		str_addf(out, " to %s", w->units[unit + n - 1].name);
	str_add(out, " ");
	units_format(out, peak_flops(w, unit), DIM_FLOPS, 4);
	str_add(out, " and ");
	units_format(out, gemm->value, DIM_FLOPS, 4);
	str_addf(out, " (%s)", provenance_names[gemm->provenance]);
}

enum { FEW_EQUAL = 2 }; /* so many are named one by one */

static const char *note(struct arena *a, const struct world *w)
{
	struct str s = STR_INIT;
	const char *text;

	str_add(&s,
		"MFU is stated against the stated peak of the devices that train, 'of best GEMM' against the "
		"fastest single product of matrices that is known of them: ");
	for (size_t u = 0, n; u < w->units_n; u += n) {
		n = equal_units(w, u);
		n = n > FEW_EQUAL ? n : 1;
		add_devices(&s, w, u, n);
	}
	str_add(&s, ".");
	train_idle_say(&s, w);
	text = arena_printf(a, "%s", s.text);
	str_release(&s);
	return text;
}

/* Megatron-LM refuses such a number, since it leaves bubbles (NVIDIA/Megatron-LM@d98e8a64
 * megatron/core/pipeline_parallel/schedules.py: "introduces dependency bubbles in the pipeline and reduces throughput"). */
static void remark(struct str *out, const struct job_run *r)
{
	const struct train t = placement_train(r->at);
	const size_t micros = (size_t)(t.micro_batches / t.options.data_parallel);
	size_t stages_n;
	const size_t left = stages_last_group(r->at, &stages_n), whole = micros - left;

	if (!left)
		return;
	str_addf(out,
		 "%zu micro-batches are no multiple of %zu stages, so that stages idle in the last group, "
		 "which "
		 "Megatron-LM refuses; give each replica ",
		 micros, stages_n);
	if (whole)
		str_addf(out, "%zu or ", whole);
	str_addf(out, "%zu", whole + stages_n);
}

/* ---- pictures ---- */

static const struct drawn_part parts[] = {{"train", 0}};

static const char *subtitle(struct arena *a, const struct placement *at, const struct program_runs *r,
			    size_t program)
{
	const struct train *t = at->world->scenario->workload.train;
	const bool one = t->micro_batches == 1;

	(void)r;
	(void)program;
	return arena_printf(a, "one training step, %lld x %lld tokens, %lld micro-batch%s%s",
			    (long long)t->batch, (long long)t->tokens, (long long)t->micro_batches,
			    one ? "" : "es in order ",
			    one ? "" : schedule_names[placement_train(at).options.schedule]);
}

/* Blocks of many micro-batches are too many to be told apart. */
static bool many_micro_batches(const struct world *w)
{
	return w->scenario->workload.train->micro_batches > 1;
}

static const struct program_job programs = {
	.memory = train_memory,
	.build = build,
	.weight = weight,
	.values = values,
	.classes = true,
	.tokens = tokens,
	.busy_share = busy_share,
	.stands_for = stands_for,
	.covers = covers,
	.when = {"for each step"},
	.parts = parts,
	.parts_n = ARRAY_LEN(parts),
	.subtitle = subtitle,
	.many_micro_batches = many_micro_batches,
};

const struct job_type train_job = {
	.noun = "training",
	.metrics = metrics,
	.metrics_n = TRAIN_METRICS,
	.compared = STEP,
	PROGRAM_JOB_TYPE(programs),
	.from = from,
	.advised = advised,
	.note = note,
	.remark = remark,
};
