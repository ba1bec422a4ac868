/* generate.c - see generate.h. */
#include "sim/step/generate.h"

#include <stdlib.h>
#include <string.h>

#include "sim/step/steady.h"

struct generate_request generate_request(const struct placement *at)
{
	const struct generate g = placement_generate(at);
	const size_t head = walk_last(at->world);

	/* the last token of a prompt is part of the prefill here: the first step checks a draft that comes
	 * after it */
	return (struct generate_request){
		.prompt = g.prompt,
		.decoded = g.tokens - 1,
		.batch = g.batch,
		.chunk = g.options.chunk,
		.last_apart = !at->draft &&
			      shard_group_last_apart(at->world, &at->shard_groups[PHASE_PREFILL][head]),
		.draft = at->draft ? g.options.speculative->draft : 0,
		.per_step = at->draft ? speculative_tokens(g.options.speculative) : 1};
}

/* A request divided into groups of sequences. */
struct plan {
	const struct placement *at;
	struct generate_request request;
	struct arena arena;
	struct request_pass *passes[GENERATE_GROUPS];
	size_t passes_n; /* sequences of each group */
	int64_t groups;
	bool in_turn; /* chunks of a prompt */
	bool joins;   /* struct passes */
};

static bool one_process(const struct world *w)
{
	for (size_t i = 0; i < w->link_uses_n; i++)
		if (!w->link_uses[i].link->local)
			return false;
	return true;
}

/* Chunks that a scenario asks for are on several devices at once. Those that a runtime makes by itself wait for one another,
 * unless it says otherwise: llama_decode() queues its ubatches, and ggml_backend_sched copies what passes between
 * devices where all backends have events, as CUDA's have and RPC has not (pipeline_parallel in src/llama-context.cpp,
 * caps.events of ggml-cuda.cu and ggml-rpc.cpp; ggml-org/llama.cpp@d775b896). */
static bool chunks_in_turn(const struct placement *at)
{
	const struct generate g = placement_generate(at);
	const struct world *w = at->world;
	const size_t first = at->shard_groups[PHASE_PREFILL][walk_first(w)].unit[0];
	const struct profile *p = w->units[first].profile;

	return !g.chunk_asked && g.options.chunk == p->chunk && !(p->chunks_overlap && one_process(w));
}

static struct plan plan_make(const struct placement *at, const struct generate_request *r, bool joins)
{
	const struct generate g = placement_generate(at);
	const struct model *m = placement_decoding_model(at);
	struct plan p = {.at = at,
			 .request = *r,
			 .arena = ARENA_INIT,
			 .groups = passes_groups(&g),
			 .in_turn = chunks_in_turn(at),
			 .joins = joins};

	for (int64_t i = 0; i < p.groups; i++) {
		struct generate_request of_group = *r;

		of_group.batch = passes_group_batch(&g, i);
		p.passes_n = request_passes(&p.arena, m, &of_group, &p.passes[i]);
	}
	return p;
}

static void add_pass(struct passes *f, const struct request_pass *from, int64_t group, int next)
{
	struct pass pass = {.at = from->drafts ? f->at->draft : f->at,
			    .of = *from,
			    .group = (uint32_t)group,
			    .first = from->answers && from->part == REQUEST_PROMPT,
			    .next = next,
			    .behind = PASS_NONE};

	VEC_ADD(&f->list, pass);
}

/* Appends a group's passes of the parts first .. last, each of which begins when the one before has ended.
 * Chunks of a prompt instead follow one another through the order of the queues of their devices, and the
 * last chunk begins the pass after the prompt. */
static void add_parts(struct passes *f, const struct plan *plan, int64_t group, int first, int last)
{
	const struct request_pass *passes = plan->passes[group];
	size_t begin = 0, end, decode;
	int offset;

	while (begin < plan->passes_n && passes[begin].part < first)
		begin++;
	for (end = begin; end < plan->passes_n && passes[end].part <= last;)
		end++;
	for (decode = begin; decode < end && passes[decode].phase == PHASE_PREFILL;)
		decode++;
	offset = (int)f->list.n - (int)begin;
	for (size_t i = begin; i < end; i++) {
		const bool chunk = i < decode && !passes[i].reads_last;
		const size_t next = i >= decode || (chunk && plan->in_turn) ? i + 1 : chunk ? end : decode;

		add_pass(f, &passes[i], group, next < end ? (int)next + offset : PASS_NONE);
	}
}

static struct program *build_first(const struct plan *plan)
{
	struct passes f = passes_begin(plan->at, true);

	f.joins = plan->joins;
	f.span = (struct work_span){0, plan->request.first_s};
	for (int64_t i = 0; i < plan->groups; i++)
		add_parts(&f, plan, i, REQUEST_PROMPT, REQUEST_FIRST_STEP);
	return passes_end(&f);
}

/* Builds the program of a sampled step; with several groups, of enough equal steps to reach a steady
 * state. The groups begin their steps in turn, so that no group is more than one step ahead of another. */
static struct program *build_later(const struct plan *plan, int sample, int repeat)
{
	const int part = REQUEST_FIRST_STEP + 1 + sample, in_step = 1 + (int)plan->request.draft;
	struct passes f = passes_begin(plan->at, false);

	f.token_at_end = true;
	f.joins = plan->joins;
	f.span = (struct work_span){plan->request.first_s, plan->request.whole_s};
	for (int step = 0; step < repeat; step++) {
		for (int64_t i = 0; i < plan->groups; i++) {
			const int first = (int)f.list.n;

			add_parts(&f, plan, i, part, part);
			if (step + 1 < repeat) /* the other groups begin this step first */
				f.list.at[f.list.n - 1].next =
					(int)f.list.n + (int)(plan->groups - 1) * in_step;
			if (plan->groups > 1 && first)
				f.list.at[first].behind = first - in_step;
		}
	}
	return passes_end(&f);
}

static void add_later(struct generate_programs *r, const struct plan *plan, size_t samples)
{
	for (size_t i = 0; i < samples; i++)
		r->later[i] = build_later(plan, (int)i, r->repeat);
}

static void free_later(struct generate_programs *r)
{
	for (int i = 0; i < GENERATE_STEPS; i++) {
		program_free(r->later[i]);
		r->later[i] = NULL;
	}
}

/* Builds the programs of so many steps; returns whether they are in a steady state. all: the rest, too, where one is not. */
static bool build_paced(struct generate_programs *r, const struct plan *plan, size_t samples,
			struct steady_window pace, bool all, bool *saturated)
{
	bool settled = true, busy;

	free_later(r);
	r->repeat = steady_steps(pace);
	r->timed = pace.timed;
	*saturated = true;
	for (size_t i = 0; i < samples && (settled || all); i++) {
		r->later[i] = build_later(plan, (int)i, r->repeat);
		settled &= steady_put(r->later[i], pace, &busy);
		*saturated &= busy;
	}
	return settled;
}

/* Devices that blocks are on in decode: stages that groups go through. */
static size_t stages_of(const struct placement *at)
{
	size_t n = 0;

	for (size_t u = 0; u < at->world->units_n; u++)
		n += placement_uses(at, PHASE_DECODE, u);
	return n;
}

static const struct steady_window paces[] = {{2, 4, 1}, {6, 12, 2}, {24, 12, 2}};

/* Of many equal groups only as many as keep one device busy all the time, which are about as many as there are stages: a step of
 * all takes as many times the work of that device for one, since more groups in a closed line of queues never make it slower
 * (a timed event graph is monotone: Baccelli, Cohen, Olsder, Quadrat, section 2.3), and no faster than its busiest device.
 * Returns whether they do. */
static bool add_few(struct generate_programs *r, const struct plan *plan, size_t samples)
{
	enum { TRIES = 3 };
	const size_t stages = stages_of(plan->at);
	struct plan few = *plan;
	bool saturated;

	if (plan->at->draft || plan->request.batch % plan->groups ||
	    (size_t)plan->groups < 2 * (stages + TRIES))
		return false;
	for (size_t i = 0; i < TRIES; i++) {
		few.groups = (int64_t)(stages + i);
		r->share = (double)few.groups / (double)plan->groups;
		if (few.groups > 1 && build_paced(r, &few, samples, paces[0], false, &saturated) && saturated)
			return true;
	}
	r->share = 1;
	return false;
}

/* Builds the programs of more and more steps until they are in a steady state. Groups that start together
 * usually spread out within a few steps, and sometimes need many. If they have not by the largest number
 * tried, small groups still get ahead of a large one; the longest cycle, which is taken, then is that of
 * the large one. Programs that are not in a steady state are thrown away, so that one is enough to go on. */
static void add_paced(struct generate_programs *r, const struct plan *plan, size_t samples)
{
	bool settled = false, saturated;

	for (size_t k = 0; k < ARRAY_LEN(paces) && !settled; k++)
		settled = build_paced(r, plan, samples, paces[k], k + 1 == ARRAY_LEN(paces), &saturated);
}

/* Returns whether steps overlap: those of several groups do, and so do steps that read weights from a disk
 * while the step before runs. */
static bool steps_overlap(const struct placement *at, const struct generate *g)
{
	struct footprint *footprint = passes_streams(at);
	const bool reads = footprint;

	free(footprint);
	return reads || passes_groups(g) > 1;
}

static struct generate_programs build_request(const struct placement *at,
					      const struct generate_request *request, bool joins)
{
	const struct generate g = placement_generate(at);
	struct request_sample samples[REQUEST_SAMPLES];
	const size_t n = request_samples(placement_decoding_model(at), request, samples);
	struct plan plan = plan_make(at, request, joins);
	struct generate_programs r = {.first = build_first(&plan),
				      .repeat = 1,
				      .timed = 1,
				      .share = 1,
				      .per_step = request->per_step};

	if (!steps_overlap(at, &g))
		add_later(&r, &plan, n);
	else if (!add_few(&r, &plan, n))
		add_paced(&r, &plan, n);
	for (size_t i = 0; i < n; i++)
		r.weights[i] = samples[i].weight;
	arena_release(&plan.arena);
	return r;
}

struct generate_programs generate_build_request(const struct placement *at,
						const struct generate_request *request)
{
	return build_request(at, request, false);
}

struct generate_programs generate_build(const struct placement *at)
{
	const struct generate_request request = generate_request(at);

	return build_request(at, &request, false);
}

struct generate_programs generate_build_short(const struct placement *at)
{
	const struct generate_request request = generate_request(at);

	return build_request(at, &request, true);
}

struct generate_programs generate_build_warm(const struct placement *at, double first_s, double whole_s)
{
	struct generate_request request = generate_request(at);

	request.first_s = first_s;
	request.whole_s = whole_s;
	return build_request(at, &request, true);
}

struct program *generate_build_first(const struct placement *at)
{
	const struct generate_request request = generate_request(at);
	struct plan plan = plan_make(at, &request, false);
	struct program *first = build_first(&plan);

	arena_release(&plan.arena);
	return first;
}

void generate_free(struct generate_programs *g)
{
	program_free(g->first);
	free_later(g);
	memset(g, 0, sizeof *g);
}

double generate_step_s(const struct generate_programs *g, const struct compiled_ends *e)
{
	if (g->repeat == 1)
		return sim_s_of_ns(e->makespan_ns);
	return sim_s_of_ns(e->cycle_ns) / (g->timed * g->share);
}

double generate_steps(const struct generate_programs *g)
{
	return g->repeat * g->share;
}

double generate_over_steps(const struct generate_programs *g, const double later[GENERATE_STEPS])
{
	double sum = 0;

	for (int i = 0; i < GENERATE_STEPS; i++)
		sum += g->weights[i] * later[i];
	return sum;
}

struct generate_times generate_times(const struct generate_programs *p, const struct generate *g,
				     double first_token_s, double first_s,
				     const double later_s[GENERATE_STEPS])
{
	struct generate_times t = {.ttft_s = first_token_s, .e2el_s = first_token_s};

	t.prefill_tok_per_s = (double)(g->batch * g->prompt) / first_token_s;
	if (g->tokens < 2)
		return t;
	t.e2el_s = first_s + generate_over_steps(p, later_s);
	t.tpot_s = (t.e2el_s - first_token_s) / (double)(g->tokens - 1);
	t.decode_tok_per_s = (double)g->batch / t.tpot_s;
	return t;
}
