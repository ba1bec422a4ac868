/* generate_search.c - see generate_search.h. */
#include "sim/search/generate_search.h"

#include <math.h>
#include <string.h>

#include "sim/place/footprint.h"
#include "sim/step/generate.h"

/* ---- metrics ---- */

static double prompt_tokens(const struct workload *k)
{
	return (double)(k->generate->batch * k->generate->prompt);
}

static double sequences(const struct workload *k)
{
	return (double)k->generate->batch;
}

/* If groups of sequences overlap, the first decode step may run before the first token of the last group
 * exists; the bound therefore leaves that step out. */
static struct rate tpot_rate(const struct block_costs *p)
{
	const double tokens = (double)p->w->scenario->workload.generate->tokens;
	const double step = 1 / (tokens - 1), later = step * (tokens - 2) / (tokens - 1);

	return (struct rate){.phase_group = {0, p->in_flight[1] > 1 ? later : step},
			     .busiest = {0, later, 0}};
}

static const struct search_metric metrics[] = {
	{"prefill_tok_per_s", "ttft_s", true, prompt_tokens, NULL},
	{"ttft_s", "ttft_s", true, NULL, rate_of_first_group},
	{"decode_tok_per_s", "tpot_s", true, sequences, NULL},
	{"tpot_s", "tpot_s", true, NULL, tpot_rate},
	{"e2el_s", "e2el_s", true, NULL, rate_of_whole},
	{"energy_J_per_tok", "energy_J_per_tok", true, NULL, NULL},
	{"usd_per_Mtok", "usd_per_Mtok", true, NULL, NULL},
};

/* ---- variants: groups of sequences that follow one another ---- */

static bool set_groups(struct workload *k, int64_t groups)
{
	if (groups > k->generate->batch || groups == k->generate->options.micro_batches)
		return false;
	k->generate->options.micro_batches = groups;
	return true;
}

static const char *groups_text(struct arena *a, int64_t groups)
{
	return arena_printf(a, "%d", (int)groups);
}

static const char *groups_words(struct arena *a, const char *text)
{
	return arena_printf(a, "%s group%s", text, strcmp(text, "1") != 0 ? "s" : "");
}

static const struct trial trials[] = {
	{"micro_batches", 1, set_groups},
	{"micro_batches", 2, set_groups},
	{"micro_batches", 3, set_groups},
	{"micro_batches", 4, set_groups},
};

/* ---- costs ---- */

/* Adds the transfers between the phases for prefill on the unit of a slot and decode on each device that it can reach. */
static void add_handovers(struct arena *a, struct block_costs *p, size_t slot)
{
	const size_t unit = p->slots.unit[slot];
	const struct layer_map here = layer_map_all_on(a, p->w, unit);

	for (size_t i = 0; i < p->slots.n; i++) {
		const size_t v = p->slots.unit[i];
		const struct layer_map there = layer_map_all_on(a, p->w, v);
		const struct candidate apart = {.job = JOB_GENERATE, .phase_group = {&here, &there}};
		const struct placement at = candidate_place(a, p->w, &apart);
		struct program *first;

		if (!block_costs_joined(p, unit, v) || !unit_slots_own(&p->slots, slot, i))
			continue;
		first = generate_build_first(&at);
		block_costs_add_transfers(p, first, unit, v, 1);
		program_free(first);
	}
}

static void add_costs(struct arena *a, struct block_costs *p)
{
	for (size_t s = 0; s < p->slots.n; s++) {
		const size_t unit = p->slots.unit[s];
		const struct layer_map l = layer_map_all_on(a, p->w, unit);
		const struct candidate c = {.job = JOB_GENERATE, .phase_group = {&l, &l}};
		const struct placement at = candidate_place(a, p->w, &c);
		struct generate_programs g = generate_build(&at);

		block_costs_add_program(p, g.first, unit, BY_PHASE, 1, 1);
		for (int i = 0; i < GENERATE_STEPS && g.later[i]; i++) {
			double one[GENERATE_STEPS] = {0};

			one[i] = 1.0 / generate_steps(&g);
			block_costs_add_program(p, g.later[i], unit, BY_PHASE, generate_over_steps(&g, one),
						1);
		}
		generate_free(&g);
		add_handovers(a, p, s);
	}
}

static bool in_pass(const struct workload *k, enum phase phase, const struct op *op)
{
	(void)k;
	(void)phase;
	(void)op;
	return true;
}

static struct shape shape(const struct workload *k, int phase_group)
{
	const struct generate *g = k->generate;

	return phase_group == 0 ? prefill_shape(g)
				: (struct shape){.batch = g->batch, .tokens = 1, .past = g->prompt};
}

static double passes(const struct workload *k, int phase_group)
{
	return phase_group == 0 ? 1 : (double)(k->generate->tokens - 1);
}

/* The groups of sequences; in prefill, times the chunks of a prompt. */
static double in_flight(const struct workload *k, int phase_group)
{
	const struct generate *g = k->generate;
	const double n = (double)(g->options.micro_batches < g->batch ? g->options.micro_batches : g->batch);

	return phase_group || !g->options.chunk ? n : n * ceil((double)g->prompt / (double)g->options.chunk);
}

/* The last token is not sent; the first token ends the prefill. */
static struct token_trips token(const struct workload *k, int phase_group)
{
	const struct generate *g = k->generate;

	return (struct token_trips){phase_group ? fmax(0, passes(k, 1) - 1) : g->tokens > 1,
				    4.0 * (double)g->batch};
}

static bool streams(const struct workload *k)
{
	return k->generate->options.overflow == OFFLOAD_STREAM;
}

static struct footprint_table *memory(struct arena *a, const struct world *w, const struct unit_slots *slots)
{
	return streams(&w->scenario->workload) ? NULL : footprint_table_make(a, w, slots);
}

const struct search_job generate_search = {
	.metrics = metrics,
	.metrics_n = ARRAY_LEN(metrics),
	.trials = trials,
	.trials_n = ARRAY_LEN(trials),
	.value_text = groups_text,
	.trial_words = groups_words,
	.add_costs = add_costs,
	.in_pass = in_pass,
	.shape = shape,
	.passes = passes,
	.in_flight = in_flight,
	.token = token,
	.streams = streams,
	.memory = memory,
};
