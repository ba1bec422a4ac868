/* generate.c - see generate.h. */
#include "sim/step/generate.h"

#include <stdlib.h>
#include <string.h>

#include "sim/step/steady.h"

/* Is the prompt's last token a step of its own? One that drafts follow is read with the others. */
static bool last_apart(const struct passes *f)
{
	return f->g.prompt > 1 && !f->at->draft &&
	       shard_group_last_apart(f->w, &f->at->shard_groups[PHASE_PREFILL][walk_last(f->w)]);
}

/* Tokens of a prompt that its chunks read. */
static int64_t to_read(const struct passes *f)
{
	return f->g.prompt - last_apart(f);
}

static int64_t chunk_of(const struct passes *f)
{
	return f->g.options.chunk > 0 && f->g.options.chunk < to_read(f) ? f->g.options.chunk : to_read(f);
}

/* A pass of a group in decode, behind so many tokens; returns it until the next is added. */
static struct pass *add_decode(struct passes *f, const struct placement *at, int64_t group, int64_t past)
{
	struct pass s = {.at = at,
			 .phase = PHASE_DECODE,
			 .answers = true,
			 .gives = 1,
			 .next = PASS_NONE,
			 .behind = PASS_NONE};

	s.group = (uint32_t)group;
	s.shape = (struct shape){.batch = passes_group_batch(&f->g, group), .tokens = 1, .past = past};
	VEC_ADD(&f->list, s);
	return &f->list.at[f->list.n - 1];
}

/* A token of a group; or a draft, written token by token, and its check in one pass, as long as the draft and
 * the token before it. Returns the last pass, until the next is added. */
static struct pass *add_step(struct passes *f, int64_t group, int64_t past)
{
	const int64_t draft = f->at->draft ? f->g.options.speculative->draft : 0;
	struct pass *s;

	for (int64_t i = 0; i < draft; i++) {
		s = add_decode(f, f->at->draft, group, past + i);
		s->gives = i == draft - 1 ? draft : 1;
		s->next = (int)f->list.n;
	}
	s = add_decode(f, f->at, group, past);
	s->shape.tokens = s->gives = draft + 1;
	s->checks = draft > 0;
	return s;
}

/* Passes of a step. */
static int step_legs(const struct passes *f)
{
	return 1 + (f->at->draft ? (int)f->g.options.speculative->draft : 0);
}

/* next: the pass that the prompt's last chunk starts, PASS_NONE. */
static void add_prompt(struct passes *f, const struct placement *at, int64_t group, int next)
{
	const int64_t chunk = chunk_of(f);

	for (int64_t past = 0; past < to_read(f); past += chunk) {
		const int64_t left = to_read(f) - past;
		struct pass s = {.at = at, .phase = PHASE_PREFILL, .next = PASS_NONE, .behind = PASS_NONE};

		s.shape = (struct shape){.batch = passes_group_batch(&f->g, group),
					 .tokens = left <= chunk ? left : chunk,
					 .past = past};
		s.group = (uint32_t)group;
		s.reads_all = left <= chunk && at == f->at;
		s.answers = s.first = s.reads_all && !last_apart(f);
		s.gives = s.reads_all; /* what was chosen, or the prompt's last */
		if (left <= chunk)
			s.next = next;
		VEC_ADD(&f->list, s);
	}
}

/* The prompt goes through both models; then the first step. */
static void add_prefill(struct passes *f, int64_t group, bool decodes)
{
	const int chunks = (int)((to_read(f) + chunk_of(f) - 1) / chunk_of(f));
	const int next = (int)f->list.n + chunks * (f->at->draft ? 2 : 1);
	const bool apart = last_apart(f);
	struct pass *last;

	add_prompt(f, f->at, group, decodes || apart ? next : PASS_NONE);
	if (f->at->draft)
		add_prompt(f, f->at->draft, group, decodes ? next : PASS_NONE);
	if (apart) {
		last = add_decode(f, f->at, group, f->g.prompt - 1);
		last->first = true;
		last->next = decodes ? next + 1 : PASS_NONE;
	}
	if (decodes)
		add_step(f, group, f->g.prompt);
}

static struct program *build_first(const struct placement *at)
{
	struct passes f = passes_begin(at, true);
	const int64_t groups = passes_groups(&f.g);

	for (int64_t i = 0; i < groups; i++)
		add_prefill(&f, i, f.g.tokens > 1);
	return passes_end(&f);
}

/* One step, or as many as show what a step costs once the groups have spread out. They begin their steps in
 * turn: none gets ahead of the others by more than one. */
static struct program *build_later(const struct placement *at, int64_t past, int repeat)
{
	struct passes f = passes_begin(at, false);
	const int64_t groups = passes_groups(&f.g);

	f.token_at_end = true;
	for (int step = 0; step < repeat; step++) {
		for (int64_t i = 0; i < groups; i++) {
			const int first = (int)f.list.n, list = step_legs(&f);
			struct pass *s = add_step(&f, i, past);

			if (step + 1 < repeat) /* the others come first */
				s->next = (int)f.list.n + (int)(groups - 1) * list;
			if (groups > 1 && first)
				f.list.at[first].behind = first - list;
		}
	}
	return passes_end(&f);
}

/* How often the first, the one h after it and the last of d + 1 steps count, so that the sum over all of them
 * is that of the parabola through the three. */
static void weigh(double h, double d, double *w)
{
	const double n = d + 1, sum = d * n / 2, squares = sum * (2 * d + 1) / 3;

	w[0] = d > 1 ? (squares - (h + d) * sum) / (h * d) + n : 1;
	w[1] = d > 1 ? (squares - d * sum) / (h * (h - d)) : 0;
	w[2] = d > 1 ? (squares - h * sum) / (d * (d - h)) : d;
}

/* Steps behind contexts first .. last grow alike: those of one piece. */
static void add_piece(struct generate_programs *r, const struct placement *at, int64_t first, int64_t last)
{
	const int64_t grad_part = (last - first) / 2;
	const int i = r->later[0] ? GENERATE_STEPS / 2 : 0;

	weigh((double)grad_part, (double)(last - first), &r->weights[i]);
	r->later[i] = build_later(at, first, r->repeat);
	r->later[i + 1] = build_later(at, first + grad_part, r->repeat);
	r->later[i + 2] = build_later(at, last, r->repeat);
}

/* Does a device that decodes keep to a window? */
static bool has_window(const struct placement *at)
{
	for (size_t i = 0; i < at->blocks_n; i++)
		if (part_window(shard_group_model(at->world, &at->shard_groups[PHASE_DECODE][i], WORLD_NONE),
				model_block(at->world->model, i).part))
			return true;
	return false;
}

/* Steps after the first, behind contexts first .. last, in one piece or two. */
static void add_pieces(struct generate_programs *r, const struct placement *at, int64_t first, int64_t last)
{
	const struct model *m = at->world->model;
	const int64_t full = m->attention.window - 1;

	if (!has_window(at) || full < first || full >= last) {
		add_piece(r, at, first, last);
	} else if (full - first >= last - full) {
		add_piece(r, at, first, full);
		add_piece(r, at, full + 1, last);
	} else {
		add_piece(r, at, full + 1, last);
		add_piece(r, at, first, full);
	}
}

static void free_later(struct generate_programs *r)
{
	for (int i = 0; i < GENERATE_STEPS; i++) {
		program_free(r->later[i]);
		r->later[i] = NULL;
	}
}

/* Groups that start together spread out in a few steps as a rule, now and then in many. Where they have not
 * by the last of these, small groups still get ahead of a large one; the longest lap is the large one's, and
 * what counts. */
static void add_paced(struct generate_programs *r, const struct placement *at, int64_t first, int64_t last)
{
	static const struct steady_window paces[] = {{2, 4, 1}, {6, 12, 2}, {24, 12, 2}};
	bool settled = false;

	for (size_t k = 0; k < ARRAY_LEN(paces) && !settled; k++) {
		free_later(r);
		r->repeat = steady_steps(paces[k]);
		r->timed = paces[k].timed;
		add_pieces(r, at, first, last);
		settled = true;
		for (int i = 0; i < GENERATE_STEPS && r->later[i]; i++)
			settled &= steady_put(r->later[i], paces[k]);
	}
}

/* Has a step no time of its own? Where groups follow one another, and where what a step reads from a disk
 * comes in while the one before it runs. */
static bool steps_overlap(const struct placement *at, const struct generate *g)
{
	struct footprint *footprint = passes_streams(at);
	const bool reads = footprint;

	free(footprint);
	return reads || passes_groups(g) > 1;
}

struct generate_programs generate_build(const struct placement *at)
{
	const struct generate g = placement_generate(at);
	struct generate_programs r = {.first = build_first(at), .repeat = 1, .timed = 1, .per_step = 1};
	int64_t first, last;
	double steps;

	if (at->draft)
		r.per_step = speculative_tokens(g.options.speculative);
	steps = ((double)(g.tokens - 1) - r.per_step) / r.per_step;
	if (steps <= 0)
		return r;
	first = g.prompt + (int64_t)r.per_step;
	last = g.prompt + g.tokens - 2;
	last = last > first ? last : first;
	if (steps_overlap(at, &g))
		add_paced(&r, at, first, last);
	else
		add_pieces(&r, at, first, last);
	for (int i = 0; i < GENERATE_STEPS; i++)
		r.weights[i] *= steps / (double)(last - first + 1);
	return r;
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
	return sim_s_of_ns(e->lap_ns) / g->timed;
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
