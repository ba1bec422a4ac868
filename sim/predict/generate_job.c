/* generate_job.c - see generate_job.h. */
#include "sim/predict/generate_job.h"

#include <math.h>

#include "sim/predict/energy_cost.h"
#include "sim/predict/explain.h"
#include "sim/step/queue.h"

enum { PREFILL, TTFT, DECODE, EACH, TPOT, E2EL, PER_USD, ENERGY, USD, GENERATE_METRICS };

static const struct metric_info metrics[GENERATE_METRICS] = {
	[PREFILL] = {"prefill_tok_per_s", "tok/s", "prefill", JOB_GENERATE, false, METRIC_OF_TIMES, 10,
		     "tokens of the prompts read in a second, all sequences together", false},
	[TTFT] = {"ttft_s", "s", "TTFT", JOB_GENERATE, true, METRIC_OF_TIMES, 11,
		  "until the first token of the answers", false},
	[DECODE] = {"decode_tok_per_s", "tok/s", "decode", JOB_GENERATE, false, METRIC_OF_TIMES, 12,
		    "tokens generated in a second after the first, all sequences together", false},
	[EACH] = {"decode_tok_per_s_per_seq", "tok/s", "decode each", JOB_GENERATE, false, METRIC_OF_TIMES,
		  13, "the same of each sequence, where there are several", false},
	[TPOT] = {"tpot_s", "s", NULL, JOB_GENERATE, true, METRIC_OF_TIMES, 0,
		  "from one token of a sequence to its next, on average", false},
	[E2EL] = {"e2el_s", "s", NULL, JOB_GENERATE, true, METRIC_OF_TIMES, 0, "until the last token", false},
	[PER_USD] = {"decode_tok_per_s_per_kUSD", "tok/s/kUSD", "decode per price", JOB_GENERATE, false,
		     METRIC_OF_PRICE, 14, "decode rate for a thousand dollars of the machines' list prices",
		     false},
	[ENERGY] = {"energy_J_per_tok", "J/tok", "energy", JOB_GENERATE, true, METRIC_OF_POWER, 48,
		    "at the wall, for each token generated, the prompt's energy included", false},
	[USD] = {"usd_per_Mtok", "USD/Mtok", "cost", JOB_GENERATE, true, METRIC_OF_POWER_AND_PRICE, 49,
		 "price over its years and electricity, for a million tokens generated", false},
};

/* ---- programs ---- */

_Static_assert(GENERATE_LATER + GENERATE_STEPS <= JOB_PROGRAMS, "room for the programs of a generation");

/* Does a machine with work to do get warm within a request? */
static bool gets_warm(const struct placement *at)
{
	const struct world *w = at->world;
	bool warm = false;

	for (size_t u = 0; u < w->units_n; u++) {
		const struct machine *m = &w->machines[w->units[u].machine];

		warm |= m->sustained.given && m->sustained_after.given &&
			(placement_uses(at, PHASE_PREFILL, u) || placement_uses(at, PHASE_DECODE, u));
	}
	return warm;
}

/* How warm machines get hangs on how long they take, and the other way round. Each turn is nearer by the share that a second more of
 * work slows a second of it, some hundredths at most: three are exact to what is printed. */
static void warm_up(const struct placement *at, struct generate_programs *g)
{
	enum { TURNS = 3 };
	const struct generate asked = placement_generate(at);

	for (int turn = 0; turn < TURNS; turn++) {
		double later[GENERATE_STEPS] = {0}, first_s, whole_s;
		const struct compiled_ends first = program_job_ends(g->first);

		for (size_t i = 0; i < GENERATE_STEPS && g->later[i]; i++) {
			const struct compiled_ends ends = program_job_ends(g->later[i]);

			later[i] = generate_step_s(g, &ends);
		}
		first_s = sim_s_of_ns(first.makespan_ns);
		whole_s = generate_times(g, &asked, sim_s_of_ns(first.marks_ns[MARK_FIRST_TOKEN]), first_s,
					 later)
				  .e2el_s;
		generate_free(g);
		*g = generate_build_warm(at, first_s, fmax(first_s, whole_s));
	}
}

static void build(struct arena *a, const struct placement *at, struct program *out[JOB_PROGRAMS], void **own)
{
	struct generate_programs *g = arena_alloc(a, sizeof *g);

	*g = generate_build_short(at);
	if (gets_warm(at))
		warm_up(at, g);
	out[GENERATE_FIRST] = g->first;
	for (size_t i = 0; i < GENERATE_STEPS; i++)
		out[GENERATE_LATER + i] = g->later[i];
	*own = g;
}

/* A program of later steps holds several: each of them stands for its share of the steps there are. */
static double weight(const struct program_runs *r, size_t program)
{
	const struct generate_programs *g = r->own;
	double one[GENERATE_STEPS] = {0};

	if (program == GENERATE_FIRST)
		return 1;
	one[program - GENERATE_LATER] = 1.0 / generate_steps(g);
	return generate_over_steps(g, one);
}

/* Decode in the middle of the answer; prefill where there is no more than one token. */
static size_t main_program(const struct program_runs *r)
{
	return r->run[GENERATE_LATER + 1].program ? GENERATE_LATER + 1 : GENERATE_FIRST;
}

static struct program_covers covers(const struct program_runs *r, size_t program)
{
	const struct generate_programs *g = r->own;

	if (program == GENERATE_FIRST)
		return (struct program_covers){1, 1};
	return (struct program_covers){generate_steps(g), generate_steps(g) * g->per_step};
}

/* ---- metrics ---- */

static struct generate_times times_of(const struct job_run *r, const struct compiled_ends ends[JOB_PROGRAMS])
{
	const struct program_runs *runs = r->state;
	const struct compiled_ends *first = &ends[GENERATE_FIRST];
	const struct generate g = placement_generate(r->at);
	double later[GENERATE_STEPS] = {0};

	for (size_t i = 0; i < GENERATE_STEPS; i++)
		if (runs->run[GENERATE_LATER + i].program)
			later[i] = generate_step_s(runs->own, &ends[GENERATE_LATER + i]);
	return generate_times(runs->own, &g, sim_s_of_ns(first->marks_ns[MARK_FIRST_TOKEN]),
			      sim_s_of_ns(first->makespan_ns), later);
}

struct generate_times generate_job_times(const struct job_run *r)
{
	const struct program_runs *runs = r->state;
	struct compiled_ends ends[JOB_PROGRAMS];

	if (!runs)
		return (struct generate_times){0};
	for (size_t i = 0; i < JOB_PROGRAMS; i++)
		ends[i] = simulated_ends(&runs->run[i], &runs->run[i].times);
	return times_of(r, ends);
}

static bool asks_for_money(const struct world *w)
{
	const struct yml *money = w->scenario->money.origin.node;

	return money && !money->is_default;
}

static void values(const struct job_run *r, const struct compiled_ends ends[JOB_PROGRAMS],
		   const struct class_times t[JOB_PROGRAMS], const double *busy_ns, double *of)
{
	const struct generate_times g = times_of(r, ends);
	const struct world *w = r->at->world;
	const struct generate *generate = w->scenario->workload.generate;
	const bool decodes = g.decode_tok_per_s > 0; /* one token is no rate */

	(void)t;
	(void)busy_ns;
	of[PREFILL] = g.prefill_tok_per_s;
	of[TTFT] = g.ttft_s;
	of[DECODE] = decodes ? g.decode_tok_per_s : NAN;
	/* of one sequence there is one rate */
	of[EACH] = decodes && generate->batch > 1 ? g.decode_tok_per_s / (double)generate->batch : NAN;
	of[TPOT] = decodes ? g.tpot_s : NAN;
	of[E2EL] = g.e2el_s;
	of[PER_USD] = decodes && asks_for_money(w)
			      ? 1000 * g.decode_tok_per_s / energy_cost_price(w, r->uses).usd
			      : NAN;
}

static double tokens(const struct world *w)
{
	const struct generate *g = w->scenario->workload.generate;

	return (double)(g->batch * g->tokens); /* those that are generated pay for reading the prompt too */
}

static double busy_share(const struct job_run *r, size_t queue)
{
	const struct program_runs *runs = r->state;
	const struct generate_programs *g = runs->own;
	double later[GENERATE_STEPS] = {0};

	for (size_t i = 0; i < GENERATE_STEPS && g->later[i]; i++)
		later[i] = sim_s_of_ns(runs->run[GENERATE_LATER + i].run.busy_ns[queue]) / generate_steps(g);
	return (sim_s_of_ns(runs->run[GENERATE_FIRST].run.busy_ns[queue]) + generate_over_steps(g, later)) /
	       r->values[E2EL];
}

static enum provenance from(const struct job_run *r, size_t metric)
{
	const struct program_runs *runs = r->state;

	if (metric == PREFILL || metric == TTFT)
		return simulated_from(&runs->run[GENERATE_FIRST], PHASE_PREFILL);
	return simulated_from(&runs->run[main_program(runs)], PHASE_N);
}

static struct advised advised(const struct job_run *r)
{
	const struct program_runs *runs = r->state;

	return runs->run[GENERATE_LATER].program ? (struct advised){DECODE, "decode"}
						 : (struct advised){PREFILL, "prefill"};
}

static const char *lacks(const struct world *w, size_t metric)
{
	return (metric == DECODE || metric == TPOT || metric == PER_USD) &&
			       w->scenario->workload.generate->tokens < 2
		       ? "one token is asked for"
		       : NULL;
}

/* "fits by streaming 12.3 GB of weights from the disk of m5 in each step" */
static void remark(struct str *out, const struct job_run *r)
{
	const struct program_runs *runs = r->state;
	const struct world *w = r->at->world;
	const size_t which = main_program(runs);
	const struct program *program = runs->run[which].program;
	bool any = false;

	for (size_t m = 0; m < w->machines_n; m++) {
		double bytes = 0;

		for (size_t i = 0; i < program->tasks.n; i++)
			if (program->tasks.at[i].queue == queue_index(w, (struct queue){QUEUE_DISK, m, 0}))
				bytes += program->op_classes.at[program->tasks.at[i].op_class].bytes;
		if (bytes <= 0)
			continue;
		str_add(out, any ? ", " : "fits by streaming ");
		units_format(out, bytes / covers(runs, which).steps, DIM_BYTES, 3);
		str_addf(out, " of weights from the disk of %s in each step", w->machines[m].origin.name);
		any = true;
	}
}

/* ---- pictures ---- */

static const struct drawn_part parts[] = {{"generate", GENERATE_FIRST}, {"decode", GENERATE_LATER + 1}};

/* ", 2 groups in flight, chunks of 512 tokens" */
static const char *groups_text(struct arena *a, const struct placement *at)
{
	const struct generate g = placement_generate(at);
	const long long groups = (long long)g.options.micro_batches, chunk = (long long)g.options.chunk;

	return arena_printf(a, "%s%s%s", groups > 1 ? arena_printf(a, ", %lld groups in flight", groups) : "",
			    chunk > 0 ? arena_printf(a, ", chunks of %lld tokens", chunk) : "",
			    at->draft ? arena_printf(a, ", drafts of %lld tokens by %s",
						     (long long)g.options.speculative->draft,
						     at->draft->world->model->title)
				      : "");
}

static const char *subtitle(struct arena *a, const struct placement *at, const struct program_runs *r,
			    size_t program)
{
	const struct generate *g = at->world->scenario->workload.generate;
	const struct generate_programs *of = r->own;
	const int repeat = of->repeat;

	if (program == GENERATE_FIRST)
		return arena_printf(a, "prefill of %lld tokens and the first decode step, batch %lld%s",
				    (long long)g->prompt, (long long)g->batch, groups_text(a, at));
	return arena_printf(a, "%s in the middle of %lld tokens, batch %lld%s",
			    repeat > 1  ? arena_printf(a, "%d decode steps%s", repeat,
                                                      of->share < 1 ? " of a part of the groups" : "")
			    : at->draft ? "one draft and its check"
					: "one decode step",
			    (long long)g->tokens, (long long)g->batch, groups_text(a, at));
}

static const struct program_job programs = {
	.footprint = footprint_generate,
	.build = build,
	.weight = weight,
	.values = values,
	.tokens = tokens,
	.busy_share = busy_share,
	.covers = covers,
	.when = {[GENERATE_FIRST] = "up to the second token",
		 [GENERATE_LATER + 1] = "for each token after it"},
	.parts = parts,
	.parts_n = ARRAY_LEN(parts),
	.subtitle = subtitle,
};

const struct job_type generate_job = {
	.noun = "generation",
	.metrics = metrics,
	.metrics_n = GENERATE_METRICS,
	.compared = E2EL,
	PROGRAM_JOB_TYPE(programs),
	.from = from,
	.advised = advised,
	.remark = remark,
	.lacks = lacks,
};
