/* footprint_table.c - see footprint_table.h. */
#include "sim/place/footprint_table.h"

#include <math.h>

#include "sim/place/loading.h"

/* The shapes of a prefill's largest pass differ by the runtime of its first device: whether sequences share a pass. */
enum { SHAPES = 2 };

struct cache_pair { /* of a block, on the machine that prefills it and on the one that decodes it */
	double prefill_B, decode_B;
};

struct footprint_table {
	const struct world *w;
	size_t units, blocks, first;
	double *weights_B;      /* [block] */
	double tied_B;          /* what a machine with the head and without the embedding holds besides */
	double all_B;           /* the whole model */
	enum load_holds *holds; /* [unit]: while a placement on it is loaded */
	struct unit_slots slots;
	/* [block * slots.n^2 + pair]: with prefill on u and decode on v */
	struct cache_pair *cache;
	double *live_B[SHAPES]; /* [block * units + unit] */
	struct shape shapes[SHAPES];
	size_t shapes_n;
	uint8_t *shape_of; /* [unit]: of a placement whose first block is on it */
};

static size_t machine_of(const struct footprint_table *t, size_t unit)
{
	return t->w->units[unit].machine;
}

/* ---- the table ---- */

/* All blocks on one unit; [block]. */
static struct shards *all_on(struct arena *a, const struct footprint_table *t, size_t unit)
{
	struct shards *s = arena_array(a, t->blocks, sizeof *s);

	for (size_t b = 0; b < t->blocks; b++)
		s[b] = (struct shards){.n = 1, .unit = {unit}, .share = {1}};
	return s;
}

static void tabulate_weights(struct arena *a, struct footprint_table *t, const struct placement *p)
{
	static const enum phase phase = PHASE_PREFILL;
	const struct model *m = t->w->model;

	t->weights_B = arena_array(a, t->blocks, sizeof *t->weights_B);
	for (size_t b = 0; b < t->blocks; b++)
		t->weights_B[b] = footprint_block_B(p, &phase, 1, b,
						    machine_of(t, p->shard_groups[PHASE_PREFILL][b].unit[0]));
	for (size_t b = 0; b < t->blocks; b++)
		t->all_B += t->weights_B[b];
	t->holds = arena_array(a, t->units, sizeof *t->holds);
	for (size_t u = 0; u < t->units; u++)
		t->holds[u] = loading_holds(&p[u], machine_of(t, u));
	if (m->tied_head && m->ends)
		t->tied_B = part_weights_B(m, &t->w->scenario->precision,
					   (struct part){ROLE_EMBEDDING, false, 0});
}

/* p: prefill on u, decode on v. Blocks of one part need the same, and those of a model follow one another. */
static void tabulate_cache(struct footprint_table *t, const struct placement *p, size_t u, size_t v)
{
	const struct generate g = placement_generate(p);
	struct cache_pair c = {0, 0};
	struct part before = {.role = ROLE_N};

	for (size_t b = 0; b < t->blocks; b++) {
		const struct part part = model_block(t->w->model, b).part;

		if (part.role != ROLE_ATTENTION)
			continue;
		if (!part_same(part, before))
			c = (struct cache_pair){footprint_cache_B(p, &g, b, machine_of(t, u)),
						footprint_cache_B(p, &g, b, machine_of(t, v))};
		t->cache[b * t->slots.n * t->slots.n + unit_slots_pair(&t->slots, u, v)] = c;
		before = part;
	}
}

static uint8_t find_or_add_shape(struct footprint_table *t, const struct shape *s)
{
	size_t i = 0;

	while (i < t->shapes_n && t->shapes[i].batch != s->batch)
		i++;
	BUG_ON(i == SHAPES);
	t->shapes[i] = *s;
	t->shapes_n += i == t->shapes_n;
	return (uint8_t)i;
}

/* That of a block on u; of those that share a slot the first has been found. */
static double live_B(const struct footprint_table *t, const struct placement *p, size_t shape, size_t block,
		     size_t u)
{
	const size_t known = t->slots.unit[t->slots.first[u]];

	return known < u ? t->live_B[shape][block * t->units + known]
			 : footprint_live_B(&p[u], &t->shapes[shape], block, machine_of(t, u));
}

/* p[u]: all blocks on u. */
static void tabulate_live(struct arena *a, struct footprint_table *t, const struct placement *p)
{
	t->shape_of = arena_array(a, t->units, sizeof *t->shape_of);
	for (size_t u = 0; u < t->units; u++) {
		const struct generate g = placement_generate(&p[u]);
		const struct shape s = footprint_live_shape(&p[u], &g);

		t->shape_of[u] = find_or_add_shape(t, &s);
	}
	for (size_t i = 0; i < t->shapes_n; i++) {
		t->live_B[i] = arena_array(a, t->blocks * t->units, sizeof *t->live_B[i]);
		for (size_t u = 0; u < t->units; u++)
			for (size_t b = 0; b < t->blocks; b++)
				t->live_B[i][b * t->units + u] = live_B(t, p, i, b, u);
	}
}

struct footprint_table *footprint_table_make(struct arena *a, const struct world *w,
					     const struct unit_slots *slots)
{
	struct footprint_table *t = arena_alloc(a, sizeof *t);
	struct arena scratch = ARENA_INIT;
	const struct assignment none = {.name = "table"};
	struct placement *p;

	*t = (struct footprint_table){.w = w,
				      .units = w->units_n,
				      .blocks = model_blocks(w->model),
				      .slots = *slots,
				      .first = model_first_block(w->model)};
	t->cache = arena_array(a, t->blocks * slots->n * slots->n, sizeof *t->cache);
	p = arena_array(&scratch, t->units, sizeof *p);
	for (size_t u = 0; u < t->units; u++) {
		p[u] = (struct placement){.world = w, .assignment = &none, .blocks_n = t->blocks};
		p[u].shard_groups[PHASE_PREFILL] = p[u].shard_groups[PHASE_DECODE] = all_on(&scratch, t, u);
	}
	tabulate_weights(a, t, &p[0]);
	tabulate_live(a, t, p);
	for (size_t i = 0; i < slots->n * slots->n; i++) {
		const size_t u = slots->unit[i / slots->n], v = slots->unit[i % slots->n];
		struct placement apart = p[u];

		apart.shard_groups[PHASE_DECODE] = p[v].shard_groups[PHASE_DECODE];
		tabulate_cache(t, &apart, u, v);
	}
	arena_release(&scratch);
	return t;
}

/* ---- sums ---- */

/* Adds what a machine holds of a block, and what a tied head reads where its machine has no embedding. */
static void add_weights(const struct footprint_table *t, size_t block, bool has_embedding,
			struct footprint *f)
{
	f->weights_B += t->weights_B[block];
	if (t->tied_B > 0 && !has_embedding && model_block(t->w->model, block).part.role == ROLE_HEAD)
		f->weights_B += t->tied_B;
}

/* What machines hold while they load. A layer is whole on one of them here, so that no layer holds more than its blocks do. */
static void add_loading(const struct footprint_table *t, const uint8_t *unit, struct footprint *out)
{
	for (size_t b = 0; b < t->blocks; b++)
		if (t->holds[unit[b]] == LOAD_MODEL)
			out[machine_of(t, unit[b])].load_B = t->all_B;
}

void footprint_table_sum(const struct footprint_table *t, const uint8_t *prefill, const uint8_t *decode,
			 struct footprint *out)
{
	const double *live_B = t->live_B[t->shape_of[prefill[t->first]]];
	const size_t tables[] = {machine_of(t, prefill[0]), machine_of(t, decode[0])};

	for (size_t m = 0; m < t->w->machines_n; m++)
		out[m] = (struct footprint){.usable_B = t->w->machines[m].memory.usable.value};
	for (size_t b = 0; b < t->blocks; b++) {
		const size_t x = machine_of(t, prefill[b]), y = machine_of(t, decode[b]);
		const struct cache_pair *c = &t->cache[b * t->slots.n * t->slots.n +
						       unit_slots_pair(&t->slots, prefill[b], decode[b])];

		add_weights(t, b, y == tables[0] || y == tables[1], &out[y]);
		out[y].kv_B += c->decode_B;
		out[x].activations_B = fmax(out[x].activations_B, live_B[b * t->units + prefill[b]]);
		if (x == y)
			continue;
		add_weights(t, b, x == tables[0] || x == tables[1], &out[x]);
		out[x].kv_B += c->prefill_B;
	}
	add_loading(t, prefill, out);
	add_loading(t, decode, out);
	for (size_t m = 0; m < t->w->machines_n; m++)
		out[m].load_B = fmax(out[m].load_B, out[m].weights_B);
}
