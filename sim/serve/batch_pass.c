/* batch_pass.c - see batch_pass.h. */
#include "sim/serve/batch_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/step/compile.h"
#include "sim/step/walk.h"

enum { UNFILLED = -1, PROGRAMS = 128, PIECES_BITS = 12, PIECES = 1 << PIECES_BITS };

/* A pass that reads a piece of one prompt and nothing else: where prompts are alike, the same ones come again. */
struct piece_pass {
	int64_t rows, logits; /* rows 0: none is kept here */
	struct shape_piece piece;
	sim_ns ns;
};

/* Blocks up to the last attention and those behind it; of both, those that a prompt goes through of which nothing but the
 * caches is asked for. */
enum span { SPAN_BODY, SPAN_TAIL, SPAN_CACHES_BODY, SPAN_CACHES_TAIL, SPANS_N };

typedef VEC(sim_ns) row_times; /* by the number of rows; UNFILLED until asked for */

struct batch_pass {
	const struct placement *at;
	const struct world *w;
	struct arena arena;
	struct params *z; /* deviate of each source; NULL: as calibrated */
	/* one device */
	bool alone;
	struct device_model device_model;
	size_t unit;
	struct part_count parts[MODEL_PARTS];
	size_t parts_n;
	double of[SPANS_N][MODEL_PARTS]; /* blocks of each part */
	bool all_logits, last_row;       /* which rows of a prefill have logits */
	bool caches_only; /* a prompt's piece without logits goes no further than the last cache */
	row_times rows[SPANS_N], head;
	struct piece_pass pieces[PIECES]; /* the last one of each hash */
	/* several devices */
	struct pass_program *programs;
	struct params *calibrated; /* all ones */
	uint32_t *stages;          /* queues of a pipeline, in the order in which a pass comes by */
	size_t stages_n;
};

/* Is nothing that the block makes in any cache, or needed for what is? (request_pass_block()) */
static bool behind_caches(const struct model *m, struct block b)
{
	return b.part.role == ROLE_HEAD || b.layer > model_last_cache(m);
}

/* ---- one device ---- */

static sim_ns op_ns(const struct batch_pass *p, const struct op *op)
{
	const struct cost c = cost_of(op, &p->device_model, 1);

	return sim_ns_of_s(p->z ? cost_seconds_drawn(&c, &p->z[p->unit]) : cost_seconds(&c));
}

/* What of a block hangs on rows, or what hangs on contexts. */
static sim_ns ops_ns(const struct batch_pass *p, const struct op *ops, size_t n, bool attends)
{
	sim_ns sum = 0;

	for (size_t i = 0; i < n; i++)
		if (op_attends(&ops[i]) == attends)
			sum += op_ns(p, &ops[i]);
	return sum;
}

static sim_ns block_ns(const struct batch_pass *p, struct part part, int64_t rows)
{
	const struct shape_piece any = {.tokens = 1};
	const struct shape_mix x = {.rows = rows, .logits = rows, .pieces = &any, .pieces_n = 1};
	const struct shape s = {.mix = &x};
	struct op ops[GRAPH_OPS];
	const size_t n = graph_block(p->w->units[p->unit].model, &p->w->scenario->precision, &s, part,
				     PHASE_PREFILL, ops);

	return ops_ns(p, ops, n, false);
}

static sim_ns blocks_ns(const struct batch_pass *p, enum span span, int64_t rows)
{
	sim_ns sum = 0;

	for (size_t i = 0; i < p->parts_n; i++)
		if (p->parts[i].part.role != ROLE_HEAD && p->of[span][i] > 0)
			sum += (sim_ns)p->of[span][i] * block_ns(p, p->parts[i].part, rows);
	return sum;
}

static sim_ns *place_of(row_times *t, int64_t rows)
{
	while ((int64_t)t->n <= rows)
		VEC_ADD(t, UNFILLED);
	return &t->at[rows];
}

static sim_ns rows_ns(struct batch_pass *p, enum span span, int64_t rows)
{
	sim_ns *ns = place_of(&p->rows[span], rows);

	if (*ns == UNFILLED)
		*ns = blocks_ns(p, span, rows);
	return *ns;
}

static sim_ns head_ns(struct batch_pass *p, int64_t rows)
{
	sim_ns *ns = place_of(&p->head, rows);

	if (*ns == UNFILLED)
		*ns = block_ns(p, (struct part){ROLE_HEAD, false, 0}, rows);
	return *ns;
}

static sim_ns attention_ns(const struct batch_pass *p, const struct shape *s, enum span span)
{
	const enum phase phase = s->mix->pieces_n ? PHASE_PREFILL : PHASE_DECODE;
	sim_ns sum = 0;

	for (size_t i = 0; i < p->parts_n; i++) {
		struct op ops[GRAPH_OPS];
		size_t n;

		if (p->parts[i].part.role != ROLE_ATTENTION || p->of[span][i] <= 0)
			continue;
		n = graph_attends(p->w->units[p->unit].model, &p->w->scenario->precision, s, p->parts[i].part,
				  phase, ops);
		sum += (sim_ns)p->of[span][i] * ops_ns(p, ops, n, true);
	}
	return sum;
}

/* The host's part of a pass on a device; alike for all passes, unless the runtime says what it hangs on. The logits of a
 * pass in which no prompt ends are fetched by nobody. */
static struct op step_of(const struct batch_pass *p, const struct shape_mix *x, size_t unit, bool all_logits)
{
	const enum phase phase = x->pieces_n ? PHASE_PREFILL : PHASE_DECODE;
	const struct shape s = {.mix = x, .all_logits = all_logits && x->pieces_n && x->logits};

	if (cost_counts_step(p->w->units[unit].profile))
		return graph_step(p->w->model, &s, phase);
	return (struct op){.name = "step", .kind = OP_STEP, .phase = phase, .role = ROLE_HEAD};
}

/* For how long the device waits for the host to launch the kernels of a block: launches_of() in step/program.c. */
static sim_ns launches_ns(const struct batch_pass *p, const struct shape *s, struct part part)
{
	const enum phase phase = s->mix->pieces_n ? PHASE_PREFILL : PHASE_DECODE;
	struct op ops[GRAPH_OPS], launches;
	const size_t n =
		graph_block(p->w->units[p->unit].model, &p->w->scenario->precision, s, part, phase, ops);
	double kernels = 0;
	sim_ns left;

	for (size_t i = 0; i < n; i++)
		kernels += cost_kernels(p->device_model.profile, &ops[i]);
	if (!cost_launches(p->device_model.profile, phase, kernels, &launches))
		return 0;
	left = op_ns(p, &launches);
	for (size_t i = 0; i < n; i++)
		left -= op_ns(p, &ops[i]);
	return left > 0 ? left : 0;
}

static sim_ns waits_ns(const struct batch_pass *p, const struct shape_mix *x, enum span span)
{
	const struct shape s = {.mix = x};
	sim_ns sum = 0;

	for (size_t i = 0; i < p->parts_n && p->device_model.profile->overhead.host.given; i++)
		if (p->parts[i].part.role != ROLE_HEAD && p->of[span][i] > 0)
			sum += (sim_ns)p->of[span][i] * launches_ns(p, &s, p->parts[i].part);
	return sum;
}

/* The blocks of a span with all that is in them. */
static sim_ns span_ns(struct batch_pass *p, const struct shape_mix *x, enum span span)
{
	const struct shape s = {.mix = x};

	return rows_ns(p, span, x->rows) + attention_ns(p, &s, span) + waits_ns(p, x, span);
}

static sim_ns with_head_ns(struct batch_pass *p, const struct shape_mix *x, int64_t logits)
{
	struct shape_mix of_head = *x;
	const struct shape s = {.mix = &of_head};

	if (!logits || !p->w->model->ends)
		return 0;
	of_head.logits = logits;
	return head_ns(p, logits) + (p->device_model.profile->overhead.host.given
					     ? launches_ns(p, &s, (struct part){ROLE_HEAD, false, 0})
					     : 0);
}

static sim_ns alone_ns(struct batch_pass *p, const struct shape_mix *x)
{
	const struct op step = step_of(p, x, p->unit, p->all_logits);
	const bool prompt = x->pieces_n > 0;
	const bool caches = p->caches_only && prompt && !x->decodes && !x->logits;
	struct shape_mix last = *x;

	if (prompt && p->last_row && !p->all_logits)
		last.rows = x->logits ? x->logits : 1;
	return span_ns(p, x, caches ? SPAN_CACHES_BODY : SPAN_BODY) +
	       span_ns(p, &last, caches ? SPAN_CACHES_TAIL : SPAN_TAIL) +
	       with_head_ns(p, x, prompt && p->all_logits ? x->rows : x->logits) + op_ns(p, &step);
}

static struct piece_pass *kept_pass(struct batch_pass *p, const struct shape_mix *x)
{
	const struct shape_piece *piece = &x->pieces[0];
	const uint64_t key = (uint64_t)piece->past * 2 + (uint64_t)piece->tokens * 3 + (uint64_t)x->logits;

	return &p->pieces[(key * 0x9e3779b97f4a7c15u) >> (64 - PIECES_BITS)];
}

static sim_ns piece_ns(struct batch_pass *p, const struct shape_mix *x)
{
	struct piece_pass *kept = kept_pass(p, x);
	const struct shape_piece piece = x->pieces[0];

	if (kept->rows != x->rows || kept->logits != x->logits || kept->piece.tokens != piece.tokens ||
	    kept->piece.past != piece.past)
		*kept = (struct piece_pass){x->rows, x->logits, piece, alone_ns(p, x)};
	return kept->ns;
}

/* ---- several devices ---- */

/* Passes of as many rows have the same tasks and messages: only what attends is made again for each. */
struct pass_program {
	struct shape_mix mix;  /* shape of the pass */
	struct shape_mix last; /* shape of the part that runs for rows with logits alone */
	struct program *program;
	uint32_t step;  /* its task of the host's part */
	size_t on_unit; /* and where that is */
	struct arena arena;
	struct compiled *compiled;
	struct class_times times;
};

static bool last_all_logits(const struct batch_pass *p, enum phase phase)
{
	return shard_group_all_logits(p->w, &p->at->shard_groups[phase][walk_last(p->w)]);
}

static struct program *program_lasting(const struct world *w)
{
	struct program *p = program_new(w);

	p->span = (struct work_span){INFINITY, INFINITY};
	return p;
}

static void write_pass(struct batch_pass *p, struct pass_program *pp)
{
	const struct shape_mix *x = &pp->mix;
	const struct world *w = p->w;
	const enum phase phase = x->pieces_n ? PHASE_PREFILL : PHASE_DECODE;
	const struct shards *shard_groups = p->at->shard_groups[phase];
	const struct label label = {.phase = phase, .part = {ROLE_HEAD, false, 0}, .layer = -1};
	const bool all = last_all_logits(p, phase) && x->pieces_n;
	struct program *program = pp->program = program_lasting(w);
	struct walk k = walk_begin(program, p->at, phase, (struct shape){.mix = x}, 0);
	size_t done = walk_first(w);
	struct deps end = {.n = 0};
	struct op step;

	for (size_t b = walk_first(w); b <= walk_last(w); b++) {
		const struct block block = model_block(w->model, b);

		if (block.part.role == ROLE_HEAD && !x->logits && !all)
			continue;
		if (x->pieces_n && !x->decodes && !x->logits && behind_caches(w->model, block) &&
		    shard_group_caches_only(w, &shard_groups[b]))
			continue;
		k.shape.all_logits = block.part.role == ROLE_HEAD && all;
		if (x->pieces_n && !all && block_is_tail(w->model, block) &&
		    shard_group_last_row(w, &shard_groups[b]))
			k.shape.mix = &pp->last;
		else
			k.shape.mix = x;
		end = walk_block(&k, b, NULL);
		done = b;
	}
	pp->on_unit = walk_out(&k, done)->unit[0];
	step = step_of(p, x, pp->on_unit, all);
	pp->step = program_op(program, &step, pp->on_unit, 1, label, &end);
	end = deps_of(program, pp->step);
	program_hand_over(program, walk_out(&k, done), &shard_groups[walk_first(w)], 4.0 * (double)x->logits,
			  label, &end);
}

static bool program_fits(const struct pass_program *pp, const struct shape_mix *x)
{
	return pp->program && pp->mix.rows == x->rows && pp->mix.logits == x->logits &&
	       (pp->mix.decodes > 0) == (x->decodes > 0) && (pp->mix.pieces_n > 0) == (x->pieces_n > 0);
}

static void pass_program_free(struct pass_program *pp)
{
	program_free(pp->program);
	arena_release(&pp->arena);
	*pp = (struct pass_program){.arena = ARENA_INIT};
}

static void set_mix(struct pass_program *pp, const struct shape_mix *x)
{
	pp->mix = pp->last = *x;
	pp->last.rows = x->logits ? x->logits : 1;
}

/* The order of tasks is that of a pass with no contexts, as calibrated: it hangs on rows alone, whatever was
 * asked before and under which draw. */
static void program_make(struct batch_pass *p, struct pass_program *pp, const struct shape_mix *x)
{
	const struct shape_piece piece = {.tokens = x->rows};
	const struct shape_mix plain = {.rows = x->rows,
					.logits = x->logits,
					.decodes = x->decodes ? 1 : 0,
					.rows_each = 1,
					.context = 1,
					.windowed = 1,
					.pieces = &piece,
					.pieces_n = x->pieces_n ? 1 : 0};
	struct arena scratch = ARENA_INIT;
	struct task_run run;

	pass_program_free(pp);
	set_mix(pp, &plain);
	write_pass(p, pp);
	pp->times = program_times_new(&pp->arena, pp->program);
	program_times_at(pp->program, p->calibrated, &pp->times);
	run = program_run(&scratch, pp->program, &pp->times, NULL);
	pp->compiled = compile(&pp->arena, pp->program, &run);
	arena_release(&scratch);
}

/* The program of the pass with its times. */
static struct pass_program *program_at(struct batch_pass *p, const struct shape_mix *x)
{
	/* a place for each number of rows, of decodes and of prompts; the last to come takes it */
	struct pass_program *pp = &p->programs[(x->rows + (x->pieces_n ? PROGRAMS / 2 : 0)) % PROGRAMS];
	struct op step;

	if (!program_fits(pp, x))
		program_make(p, pp, x);
	set_mix(pp, x);
	program_remake(pp->program);
	step = step_of(p, x, pp->on_unit, last_all_logits(p, PHASE_PREFILL));
	program_remake_op(pp->program, pp->step, &step);
	if (p->z)
		program_times_drawn(pp->program, p->z, &pp->times);
	else
		program_times_at(pp->program, p->calibrated, &pp->times);
	return pp;
}

static sim_ns program_ns(struct batch_pass *p, const struct shape_mix *x)
{
	const struct pass_program *pp = program_at(p, x);

	return compiled_run(pp->compiled, &pp->times).makespan_ns;
}

/* ---- pipelines ---- */

/* Does a device come back after another one, or share a block? */
static bool goes_straight(const struct batch_pass *p, size_t *devices)
{
	const struct shards *s = p->at->shard_groups[PHASE_DECODE];
	const size_t first = walk_first(p->w), last = walk_last(p->w);

	*devices = 1;
	for (size_t b = first; b <= last; b++) {
		if (s[b].n != 1)
			return false;
		if (b == first || s[b].unit[0] == s[b - 1].unit[0])
			continue;
		++*devices;
		for (size_t k = first; k < b; k++)
			if (s[k].unit[0] == s[b].unit[0])
				return false;
	}
	return true;
}

static size_t stage_of(const struct batch_pass *p, uint32_t queue)
{
	size_t i = 0;

	while (i < p->stages_n && p->stages[i] != queue)
		i++;
	return i;
}

size_t batch_pass_stages(struct batch_pass *p, size_t *devices)
{
	const struct shape_mix one = {
		.rows = 1, .logits = 1, .decodes = 1, .rows_each = 1, .context = 1, .windowed = 1};
	const struct program *program;

	if (p->alone || !goes_straight(p, devices))
		return 0;
	program = program_at(p, &one)->program;
	p->stages = arena_array(&p->arena, program_queues(p->w), sizeof *p->stages);
	p->stages_n = 0;
	for (size_t i = 0; i < program->tasks.n; i++)
		if (stage_of(p, program->tasks.at[i].queue) == p->stages_n)
			p->stages[p->stages_n++] = program->tasks.at[i].queue;
	return p->stages_n;
}

void batch_pass_shares(struct batch_pass *p, const struct shape_mix *x, double *shares)
{
	const struct pass_program *pp = program_at(p, x);
	const sim_ns all = compiled_run(pp->compiled, &pp->times).makespan_ns;

	for (size_t i = 0; i < p->stages_n; i++)
		shares[i] = 0;
	for (size_t i = 0; i < pp->program->tasks.n; i++) {
		const struct program_task *t = &pp->program->tasks.at[i];
		const size_t stage = stage_of(p, t->queue);

		if (stage < p->stages_n && all)
			shares[stage] += (double)pp->times.ns[t->op_class] / (double)all;
	}
}

/* ---- both ---- */

static bool is_alone(const struct placement *at)
{
	const struct shards *s = at->shard_groups[PHASE_DECODE];

	for (size_t b = walk_first(at->world); b <= walk_last(at->world); b++)
		if (s[b].n != 1 || s[b].unit[0] != s[walk_first(at->world)].unit[0])
			return false;
	return true;
}

static int check(const struct placement *at, struct err *err)
{
	const struct world *w = at->world;

	if (!at->shard_groups[PHASE_PREFILL] || !at->shard_groups[PHASE_DECODE])
		return err_set(err, "the workload neither reads prompts nor writes answers");
	for (size_t b = walk_first(w); b <= walk_last(w); b++)
		if (!shard_group_same(&at->shard_groups[PHASE_PREFILL][b],
				      &at->shard_groups[PHASE_DECODE][b])) {
			err_set(err, "a replica reads prompts and writes answers on the same devices");
			return err_hint(err, "make two pools of them: 'pools: {prefill: ..., decode: ...}'");
		}
	for (size_t b = walk_first(w); b <= walk_last(w); b++)
		for (int i = 0; i < at->shard_groups[PHASE_DECODE][b].n; i++) {
			struct arena a = ARENA_INIT;
			const struct device_model device_model =
				program_device_model(&a, w, at->shard_groups[PHASE_DECODE][b].unit[i]);
			const int bad = device_model_check(&device_model, err);

			arena_release(&a);
			if (bad)
				return -1;
		}
	return 0;
}

static void count_blocks(struct batch_pass *p)
{
	const struct model *m = p->w->model;

	p->parts_n = model_parts(m, p->parts);
	for (size_t b = 0; b < model_blocks(m); b++) {
		const struct block block = model_block(m, b);
		const bool tail = block_is_tail(m, block), behind = behind_caches(m, block);

		for (size_t i = 0; i < p->parts_n; i++) {
			if (!part_same(block.part, p->parts[i].part))
				continue;
			p->of[tail ? SPAN_TAIL : SPAN_BODY][i]++;
			p->of[tail ? SPAN_CACHES_TAIL : SPAN_CACHES_BODY][i] += !behind;
		}
	}
}

static void make_room(struct batch_pass *p)
{
	const size_t n = program_sources(p->w);

	p->programs = xcalloc(PROGRAMS, sizeof *p->programs);
	p->calibrated = arena_array(&p->arena, n, sizeof *p->calibrated);
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < PARAM_N; k++)
			p->calibrated[i].of[k] = 1;
}

/* What a host costs between kernels, or between what was recorded, is not known of several devices, which wait for one another
 * besides. `key` is that of `serve`. */
static int check_launches(const struct batch_pass *p, const struct qty *each, const char *key,
			  struct err *err)
{
	if (!p->alone) {
		err_set(err, "passes that are not recorded whole (%s) are predicted of one device", key);
		return err_hint(err, "leave '%s' out for what CUDA graphs bring", key);
	}
	if (!each->given) {
		err_set(err, "runtime '%s' does not say what a launch costs where passes are not recorded",
			p->device_model.profile->origin.name);
		return err_hint(err, "overhead.%s of its profile says it",
				strcmp(key, "eager") ? "piece" : "eager");
	}
	return 0;
}

static struct profile *own_profile(struct batch_pass *p)
{
	struct profile *profile = arena_alloc(&p->arena, sizeof *profile);

	*profile = *p->device_model.profile;
	p->device_model.profile = profile;
	return profile;
}

/* Nothing is replayed. Kernels on a queue start one behind the other. */
static int launch_each(struct batch_pass *p, struct err *err)
{
	const struct qty *each = &p->device_model.profile->overhead.eager;
	struct profile *profile;

	if (check_launches(p, each, "eager", err) != 0)
		return -1;
	profile = own_profile(p);
	profile->overhead.host = profile->overhead.eager;
	profile->overhead.replays = REPLAYS_NONE;
	return 0;
}

/* Attention alone is launched: by so much its kernel takes longer than others. */
static int launch_attention(struct batch_pass *p, struct err *err)
{
	const struct qty *each = &p->device_model.profile->overhead.piece;
	struct overhead *o;
	struct qty *attention;

	if (check_launches(p, each, "piecewise", err) != 0)
		return -1;
	o = &own_profile(p)->overhead;
	attention = &o->attention;
	if (!attention->given)
		*attention = o->kernel;
	attention->spread =
		exact_hypot(attention->value * attention->spread, o->piece.value * o->piece.spread) /
		(attention->value + o->piece.value);
	attention->value += o->piece.value;
	return 0;
}

static int launch(struct batch_pass *p, enum recorded recorded, struct err *err)
{
	switch (recorded) {
	case RECORDED_NONE:
		return launch_each(p, err);
	case RECORDED_PIECES:
		return launch_attention(p, err);
	case RECORDED_WHOLE:
		break;
	}
	return 0;
}

struct batch_pass *batch_pass_new(const struct placement *at, enum recorded recorded, struct err *err)
{
	const struct world *w = at->world;
	const struct shards *first;
	struct batch_pass *p;

	if (check(at, err) != 0)
		return NULL;
	p = xcalloc(1, sizeof *p);
	p->at = at;
	p->w = w;
	p->arena = (struct arena)ARENA_INIT;
	p->alone = is_alone(at);
	first = &at->shard_groups[PHASE_DECODE][walk_first(w)];
	p->unit = first->unit[0];
	p->device_model = program_device_model(&p->arena, w, p->unit);
	device_model_sustain(&p->device_model, (struct work_span){INFINITY, INFINITY});
	p->all_logits = shard_group_all_logits(w, first);
	p->last_row = shard_group_last_row(w, first);
	p->caches_only = shard_group_caches_only(w, first);
	count_blocks(p);
	if (!p->alone)
		make_room(p);
	if (launch(p, recorded, err) != 0) {
		batch_pass_free(p);
		return NULL;
	}
	return p;
}

void batch_pass_free(struct batch_pass *p)
{
	if (!p)
		return;
	for (int i = 0; i < SPANS_N; i++)
		VEC_FREE(&p->rows[i]);
	VEC_FREE(&p->head);
	for (size_t i = 0; p->programs && i < PROGRAMS; i++)
		pass_program_free(&p->programs[i]);
	free(p->programs);
	free(p->z);
	arena_release(&p->arena);
	free(p);
}

sim_ns batch_pass_ns(struct batch_pass *p, const struct shape_mix *x)
{
	if (!p->alone)
		return program_ns(p, x);
	return x->pieces_n == 1 && !x->decodes ? piece_ns(p, x) : alone_ns(p, x);
}

size_t batch_pass_unit(const struct batch_pass *p)
{
	return p->unit;
}

void batch_pass_draw(struct batch_pass *p, const struct params *z)
{
	const size_t n = program_sources(p->w);

	for (int i = 0; i < SPANS_N; i++)
		p->rows[i].n = 0;
	p->head.n = 0;
	memset(p->pieces, 0, sizeof p->pieces);
	if (!z) {
		free(p->z);
		p->z = NULL;
		return;
	}
	p->z = xrealloc(p->z, n * sizeof *p->z);
	memcpy(p->z, z, n * sizeof *p->z);
}
