/* batch_cost.c - see batch_cost.h. */
#include "sim/serve/batch_cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/llm/memory.h"
#include "sim/serve/batch_pass.h"

enum { OCTAVES = 63, KNOTS = 16, FS_PER_NS = 1000000, NOT_FOLLOWED = -1 };

/* Attention from one sum of contexts to the next: exact at `at`, then `slope` for each token. */
struct knot {
	int64_t at, next; /* next 0: not asked for yet */
	int64_t fs, slope;
	double *shares; /* share of each pipeline stage, with contexts as at the knot; NULL: not computed yet */
};

/* Decodes of one kind of batch. */
struct decodes {
	int64_t n, rows_each, pad, reads;
	struct decodes *next; /* next entry for the same number of sequences */
	int64_t fs;           /* with contexts of one token each */
	struct knot *octaves[BATCH_WINDOWS][OCTAVES];
};

struct batch_cost {
	const struct placement *at;
	const struct serving *how;
	struct batch_pass *pass;
	size_t stages, devices;   /* stages and devices of the pipeline; 0: the placement is none */
	double *shares;           /* share of each stage in one pass */
	struct batch_cost *draft; /* costs of the draft model; NULL: nothing is drafted */
	int64_t windows[BATCH_WINDOWS];
	size_t windows_n;
	int followed[BATCH_WINDOWS]; /* index of the batch sum of each window; NOT_FOLLOWED */
	int64_t host_fs, host_per_seq_fs, rebuild_fs, new_rows_fs;
	struct arena tables;
	VEC(struct decodes *) by_n;
	VEC(struct shape_piece) pieces; /* room for those of a pass */
};

/* ---- what a pass is, for the graph ---- */

/* Of the decodes; sums[w] counts the rows of this pass that window w sees. In a unified cache all rows look
 * at all cells, masked, as if they were rows of one sequence. */
static struct shape_mix mix_of(const struct batch_cost *c, int64_t n, int64_t rows_each, const int64_t *sums)
{
	struct shape_mix x = {.rows = n * rows_each,
			      .logits = n * rows_each,
			      .decodes = n,
			      .rows_each = rows_each,
			      .context = sums[0],
			      .windowed = sums[c->windows_n - 1]};

	if (c->how->kv != SERVING_UNIFIED || n < 2)
		return x;
	x.decodes = 1;
	x.rows_each = n * rows_each;
	x.context = sums[0] + n * (rows_each - 1) - (x.rows_each - 1);
	x.windowed = x.windowed + n * (rows_each - 1) - (x.rows_each - 1);
	return x;
}

/* Decodes in several passes: as equal as they can be. */
static int64_t decodes_ns(const struct batch_cost *c, const struct decodes *d, const int64_t *sums)
{
	int64_t ns = 0;

	for (int64_t i = 0; i < d->reads; i++) {
		const int64_t n = d->n * (i + 1) / d->reads - d->n * i / d->reads;
		int64_t part[BATCH_WINDOWS];
		struct shape_mix x;

		for (size_t w = 0; w < c->windows_n; w++)
			part[w] = sums[w] * n / d->n;
		x = mix_of(c, n, d->rows_each, part);
		x.rows += d->reads == 1 ? d->pad : 0;
		ns += batch_pass_ns(c->pass, &x);
	}
	return ns;
}

/* ---- tables ---- */

static int64_t alike_fs(const struct batch_cost *c, const struct decodes *d, size_t window, int64_t sum)
{
	int64_t sums[BATCH_WINDOWS];

	for (size_t w = 0; w < c->windows_n; w++)
		sums[w] = w == window ? sum : d->n;
	return decodes_ns(c, d, sums) * FS_PER_NS;
}

static struct decodes *decodes_new(struct batch_cost *c, const struct batch_mix *m)
{
	struct decodes *d = arena_alloc(&c->tables, sizeof *d);

	while ((int64_t)c->by_n.n <= m->decodes)
		VEC_ADD(&c->by_n, NULL);
	d->n = m->decodes;
	d->rows_each = m->rows_per_decode;
	d->pad = m->pad_rows;
	d->reads = m->weight_reads;
	d->next = c->by_n.at[d->n];
	c->by_n.at[d->n] = d;
	d->fs = alike_fs(c, d, 0, d->n);
	return d;
}

static struct decodes *find_decodes(struct batch_cost *c, const struct batch_mix *m)
{
	struct decodes *d = m->decodes < (int64_t)c->by_n.n ? c->by_n.at[m->decodes] : NULL;

	while (d &&
	       (d->rows_each != m->rows_per_decode || d->pad != m->pad_rows || d->reads != m->weight_reads))
		d = d->next;
	return d ? d : decodes_new(c, m);
}

static void fill_knot(const struct batch_cost *c, const struct decodes *d, size_t window, struct knot *k)
{
	const int64_t from = k->at > d->n ? k->at : d->n; /* no sequence has less than a token */
	const int64_t begin = alike_fs(c, d, window, from);

	k->fs = begin - d->fs;
	k->slope = (alike_fs(c, d, window, k->next > from ? k->next : from + 1) - begin) /
		   (k->next > from ? k->next - from : 1);
	k->fs -= (from - k->at) * k->slope;
}

/* Sixteen knots an octave, and below sixteen every whole number. */
static struct knot *knot_at(struct batch_cost *c, struct decodes *d, size_t window, int64_t sum)
{
	const int octave = 63 - __builtin_clzll((unsigned long long)sum), shift = octave > 4 ? octave - 4 : 0;
	const int64_t first = (int64_t)1 << octave, i = (sum - first) >> shift;
	struct knot **row = &d->octaves[window][octave], *k;

	if (!*row)
		*row = arena_array(&c->tables, KNOTS, sizeof **row);
	k = &(*row)[i];
	if (!k->next) {
		k->at = first + (i << shift);
		k->next = k->at + ((int64_t)1 << shift);
		fill_knot(c, d, window, k);
	}
	return k;
}

/* ---- a pass ---- */

/* Rows that a window sees in a pass, how many more in the next, and where that ends. */
struct sum {
	int64_t now, growth, full;
};

/* Each decode's own row joins those before it, unless it pushes one out. A window of a draft's model that its
 * large one lacks is taken to be full in all sequences at once. */
static struct sum seen(const struct batch_cost *c, const struct batch_mix *m, size_t w)
{
	const int64_t n = m->decodes, longest = m->context_max + 1, window = c->windows[w];
	const int64_t full = w ? n * window : INT64_MAX, all = m->context_sum[0] + m->context_growth[0];

	if (m->padded)
		return (struct sum){n * (longest < window ? longest : window), longest < window ? n : 0,
				    full};
	if (c->followed[w] != NOT_FOLLOWED)
		return (struct sum){m->context_sum[c->followed[w]] + m->context_growth[c->followed[w]],
				    m->context_growth[c->followed[w]], INT64_MAX};
	return (struct sum){all < full ? all : full, all < full ? n : 0, full};
}

static void add_step(struct batch_step *to, const struct batch_step *more, int64_t times)
{
	to->fs += more->fs * times;
	to->slope_fs += more->slope_fs * times;
	to->steps = more->steps < to->steps ? more->steps : to->steps;
}

static struct batch_step decode_step(struct batch_cost *c, const struct batch_mix *m)
{
	struct decodes *d = find_decodes(c, m);
	struct batch_step s = {d->fs, 0, INT64_MAX};

	for (size_t w = 0; w < c->windows_n; w++) {
		const struct sum x = seen(c, m, w);
		const struct knot *k = knot_at(c, d, w, x.now);
		const int64_t end = k->next < x.full ? k->next : x.full;
		const int64_t steps = x.growth > 0 ? (end - x.now + x.growth - 1) / x.growth : INT64_MAX;

		s.fs += k->fs + k->slope * (x.now - k->at);
		s.slope_fs += k->slope * x.growth;
		s.steps = steps < s.steps ? steps : s.steps;
	}
	return s;
}

/* Drafts are written token by token by their own model, each a pass over the same sequences. */
static struct batch_step draft_step(struct batch_cost *c, const struct batch_mix *m)
{
	struct batch_mix one = *m;

	one.rows_per_decode = 1;
	one.pad_rows = 0;
	one.weight_reads = 1;
	return decode_step(c->draft, &one);
}

static void add_pieces(struct batch_cost *c, const struct batch_mix *m, struct shape_mix *x)
{
	int64_t tokens = 0, past = 0;

	c->pieces.n = 0;
	for (size_t i = 0; i < m->pieces_n; i++) {
		const struct prompt_piece *p = &m->pieces[i];

		tokens = p->tokens > tokens ? p->tokens : tokens;
		past = p->context > past ? p->context : past;
		x->logits += p->last ? 1 : 0;
	}
	for (size_t i = 0; i < m->pieces_n; i++) {
		const struct prompt_piece *p = &m->pieces[i];
		const struct shape_piece one = {m->padded ? tokens : p->tokens,
						m->padded ? past : p->context};

		VEC_ADD(&c->pieces, one);
		x->rows += one.tokens;
	}
	x->pieces = c->pieces.at;
	x->pieces_n = c->pieces.n;
}

/* All rows of the pass look at all cells of a unified cache. */
static void unify(struct batch_cost *c, struct shape_mix *x)
{
	struct shape_piece all = {x->rows, x->decodes ? x->context - 1 : 0};

	for (size_t i = 0; i < x->pieces_n; i++)
		all.past += x->pieces[i].past;
	c->pieces.at[0] = all;
	x->decodes = 0; /* their contexts are the piece's past */
	x->context = x->windowed = 0;
	x->pieces_n = 1;
}

static struct shape_mix mixed_shape(struct batch_cost *c, const struct batch_mix *m)
{
	struct shape_mix x = {0};
	int64_t sums[BATCH_WINDOWS];

	for (size_t w = 0; w < c->windows_n && m->decodes; w++)
		sums[w] = seen(c, m, w).now;
	if (m->decodes)
		x = mix_of(c, m->decodes, m->rows_per_decode, sums);
	add_pieces(c, m, &x);
	if (c->how->kv == SERVING_UNIFIED && m->decodes + (int64_t)m->pieces_n > 1)
		unify(c, &x);
	x.rows += m->pad_rows;
	return x;
}

static struct batch_step mixed_step(struct batch_cost *c, const struct batch_mix *m)
{
	const struct shape_mix x = mixed_shape(c, m);

	return (struct batch_step){batch_pass_ns(c->pass, &x) * FS_PER_NS, 0, 1};
}

/* ---- the stages of a pipeline ---- */

/* Of decodes, from one knot of their contexts to the next. */
static const double *decode_shares(struct batch_cost *c, const struct batch_mix *m)
{
	struct decodes *d = find_decodes(c, m);
	struct knot *k = knot_at(c, d, 0, seen(c, m, 0).now);
	const int64_t sum = k->at > d->n ? k->at : d->n;
	int64_t sums[BATCH_WINDOWS];
	struct shape_mix x;

	if (k->shares)
		return k->shares;
	for (size_t w = 0; w < c->windows_n; w++)
		sums[w] = sum / d->n < c->windows[w] ? sum : d->n * c->windows[w];
	x = mix_of(c, d->n, d->rows_each, sums);
	x.rows += d->pad;
	k->shares = arena_array(&c->tables, c->stages, sizeof *k->shares);
	batch_pass_shares(c->pass, &x, k->shares);
	return k->shares;
}

static void stages_fs(void *self, const struct batch_mix *m, int64_t *fs)
{
	struct batch_cost *c = self;
	const int64_t all = (m->pieces_n ? mixed_step(c, m) : decode_step(c, m)).fs;
	const double *shares = c->shares;

	if (m->pieces_n) {
		const struct shape_mix x = mixed_shape(c, m);

		batch_pass_shares(c->pass, &x, c->shares);
	} else {
		shares = decode_shares(c, m);
	}
	for (size_t i = 0; i < c->stages; i++)
		fs[i] = (int64_t)(shares[i] * (double)all);
}

/* A graph of kernels that is built anew takes this iteration longer, not the next ones: the step is then one
 * by itself. Passes over one run of slots after another differ in every iteration. */
static void add_rebuild(const struct batch_cost *c, const struct batch_mix *m, struct batch_step *s)
{
	if (m->weight_reads > 1) {
		s->fs += c->rebuild_fs * m->weight_reads;
	} else if (m->reshaped && c->rebuild_fs) {
		s->fs += c->rebuild_fs;
		s->steps = 1;
	}
}

static void add_new_rows(const struct batch_cost *c, const struct batch_mix *m, struct batch_step *s)
{
	if (!m->new_rows)
		return;
	s->fs += c->new_rows_fs;
	s->steps = 1;
}

/* What the host does for an iteration: before the device works, or, where iterations are planned ahead, while it does
 * (EngineCore.step_with_batch_queue() in vllm/v1/engine/core.py of vllm-project/vllm@00080ee1 schedules the next
 * batch before it waits for the one that runs). */
static void add_host(const struct batch_cost *c, const struct batch_mix *m, struct batch_step *s)
{
	const int64_t host_fs = c->host_fs + c->host_per_seq_fs * m->host_sequences;

	if (m->host_sequences <= 0)
		return;
	if (!c->how->async)
		s->fs += host_fs;
	else if (s->fs < host_fs)
		*s = (struct batch_step){host_fs, 0, 1};
}

static struct batch_step step_of(void *self, const struct batch_mix *m)
{
	struct batch_cost *c = self;
	struct batch_step s = m->pieces_n ? mixed_step(c, m) : decode_step(c, m), draft;

	if (c->draft && m->pieces_n) { /* it reads the prompts too, beside its first token */
		draft = mixed_step(c->draft, m);
		add_step(&s, &draft, 1);
	}
	if (c->draft && m->decodes && m->rows_per_decode > 1 + (m->pieces_n > 0)) {
		draft = draft_step(c, m);
		add_step(&s, &draft, m->rows_per_decode - 1 - (m->pieces_n > 0));
	}
	add_rebuild(c, m, &s);
	add_new_rows(c, m, &s);
	add_host(c, m, &s);
	return s;
}

/* ---- the replica ---- */

/* Of one of the host's times; z: the deviate that its device's overheads have. */
static int64_t fs_of(const struct qty *q, double z)
{
	const struct term t = {q->value, q->spread, q->provenance};

	return q->given ? (int64_t)llround(term_drawn(&t, z) * 1e9) * FS_PER_NS : 0;
}

static void host_times(struct batch_cost *c, double z)
{
	c->host_fs = fs_of(&c->how->host, z);
	c->host_per_seq_fs = fs_of(&c->how->host_per_seq, z);
	c->rebuild_fs = fs_of(&c->how->rebuild, z) * c->at->world->model->layers;
	c->new_rows_fs = fs_of(&c->how->new_rows, z);
}

static void find_windows(struct batch_cost *c)
{
	struct part_count parts[MODEL_PARTS];
	const struct model *m = placement_decoding_model(c->at);
	const size_t n = model_parts(m, parts);

	c->windows[c->windows_n++] = INT64_MAX;
	for (size_t i = 0; i < n && c->windows_n < 2; i++) /* model_check(): one width */
		if (parts[i].part.role == ROLE_ATTENTION && part_window(m, parts[i].part))
			c->windows[c->windows_n++] = part_window(m, parts[i].part);
	for (size_t w = 0; w < BATCH_WINDOWS; w++)
		c->followed[w] = (int)w;
}

/* The sums of a batch are those of the large model's windows. */
static void follow(struct batch_cost *draft, const struct batch_cost *c)
{
	for (size_t w = 0; w < draft->windows_n; w++) {
		draft->followed[w] = NOT_FOLLOWED;
		for (size_t k = 0; k < c->windows_n; k++)
			if (draft->windows[w] == c->windows[k])
				draft->followed[w] = (int)k;
	}
}

struct batch_cost *batch_cost_new(const struct placement *at, const struct serving *how, struct err *err)
{
	struct batch_pass *pass = batch_pass_new(at,
						 how->eager       ? RECORDED_NONE
						 : how->piecewise ? RECORDED_PIECES
								  : RECORDED_WHOLE,
						 err);
	struct batch_cost *draft = NULL, *c;

	if (!pass)
		return NULL;
	if (at->draft) {
		draft = batch_cost_new(at->draft, how, err);
		if (!draft) {
			batch_pass_free(pass);
			return NULL;
		}
	}
	c = xcalloc(1, sizeof *c);
	*c = (struct batch_cost){.at = at, .how = how, .pass = pass, .draft = draft, .tables = ARENA_INIT};
	host_times(c, 0);
	find_windows(c);
	if (!draft)
		c->stages = batch_pass_stages(pass, &c->devices);
	c->shares = xcalloc(c->stages + 1, sizeof *c->shares);
	if (draft)
		follow(draft, c);
	return c;
}

void batch_cost_free(struct batch_cost *c)
{
	if (!c)
		return;
	batch_cost_free(c->draft);
	batch_pass_free(c->pass);
	free(c->shares);
	VEC_FREE(&c->by_n);
	VEC_FREE(&c->pieces);
	arena_release(&c->tables);
	free(c);
}

void batch_cost_draw(struct batch_cost *c, const struct params *z)
{
	c->by_n.n = 0;
	arena_release(&c->tables);
	batch_pass_draw(c->pass, z);
	host_times(c, z ? z[batch_pass_unit(c->pass)].of[PARAM_OVERHEAD] : 0);
	if (c->draft)
		batch_cost_draw(c->draft, z);
}

/* Watts of the machines that the replica has, each once; NAN where one does not say. */
static void power(const struct batch_cost *c, struct batch_time *t)
{
	const struct world *w = c->at->world;

	for (size_t m = 0; m < w->machines_n; m++) {
		bool used = false;

		for (size_t u = 0; u < w->units_n; u++)
			used |= w->units[u].machine == m && (placement_uses(c->at, PHASE_DECODE, u) ||
							     placement_uses(c->at, PHASE_PREFILL, u));
		if (!used)
			continue;
		t->busy_W += w->machines[m].active_power.given ? w->machines[m].active_power.value : NAN;
		t->idle_W += w->machines[m].idle_power.given ? w->machines[m].idle_power.value : NAN;
	}
}

struct batch_time batch_cost_time(struct batch_cost *c)
{
	struct batch_time t = {.of = step_of,
			       .self = c,
			       .windows_n = c->windows_n,
			       .stages = c->stages,
			       .stages_fs = stages_fs,
			       .meets_rows = c->new_rows_fs > 0};

	memcpy(t.windows, c->windows, sizeof t.windows);
	power(c, &t);
	return t;
}

int64_t batch_cost_pad(const struct batch_cost *c, int64_t rows)
{
	const double *graph = c->how->graphs.at;

	for (size_t i = 0; i < c->how->graphs.n && !c->how->eager; i++)
		if (graph[i] >= (double)rows)
			return (int64_t)graph[i] - rows;
	return 0;
}

size_t batch_cost_in_flight(const struct batch_cost *c)
{
	return c->stages ? c->devices : 1;
}
