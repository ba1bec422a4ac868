/* best_first.c - see best_first.h. */
#include "sim/search/best_first.h"

#include <math.h>
#include <string.h>

#include "sim/base/heap.h"

enum { NODES_MAX = 2000000, NO_NODE = UINT32_MAX };

struct where {                             /* of one group */
	uint8_t unit, been;                /* been: bits, unit included */
	uint8_t next[EXACT_UNITS], next_n; /* where it may be in the layer behind; the same place included */
};

/* One way to begin: which roles are in the second group, where the embedding is. */
struct root {
	unsigned second;
	uint8_t embedding;
	bool away;      /* the embedding is not where the first layer begins */
	size_t begins;  /* the first layer that has something of the second group */
	double *to_go;  /* [layer * states + state]: the least that the layers behind and the head cost */
	double *layers; /* [layer * maps + (unit before * units + first group) * units + second group] */
};

struct node {
	double bound, cost;
	double busy_s[EXACT_UNITS], weights_B[EXACT_UNITS]; /* weights: by the machine's first unit */
	uint32_t parent, state;
	int32_t layer; /* as many as there are: the head is placed too */
	uint16_t root, head;
};

/* By bound; of equals the one that is further on. ctx: where the nodes are. */
struct nodes {
	struct node *at;
	size_t n, room;
};

static inline bool node_before(void *ctx, const uint32_t *x, const uint32_t *y)
{
	const struct nodes *nodes = ctx;
	const struct node *a = &nodes->at[*x], *b = &nodes->at[*y];

	if (a->bound != b->bound)
		return a->bound < b->bound;
	return a->layer != b->layer ? a->layer > b->layer : *x < *y;
}

HEAP_DEFINE(node_heap, uint32_t, node_before, HEAP_UNTRACKED);

struct best_first {
	struct best_first_ask ask;
	const struct model *m;
	size_t units, layers, states;
	struct where wheres[EXACT_UNITS << (EXACT_UNITS - 1)];
	size_t wheres_n;
	struct root *roots;
	size_t roots_n;
	struct nodes nodes;
	struct node_heap heap;
	VEC(const struct found *) found;
	bool cut;
	double least;
	struct arena arena;
};

/* A state: where both groups are, and whether they have been apart. */
static size_t state_of(const struct best_first *s, size_t a, size_t b, bool apart)
{
	return ((a * s->wheres_n) + b) * 2 + apart;
}

static const struct where *first_group(const struct best_first *s, size_t state)
{
	return &s->wheres[state / 2 / s->wheres_n];
}

static const struct where *second_group(const struct best_first *s, size_t state)
{
	return &s->wheres[state / 2 % s->wheres_n];
}

/* ---- what a step costs ---- */

static bool asks_for(const struct best_first *s, int phase_group)
{
	return s->ask.phase_groups >> phase_group & 1;
}

/* A block on v whose feed is on u, and the one before it where that says. */
static double block_cost(const struct best_first *s, size_t block, const size_t u_v_before[3],
			 enum counted counted)
{
	const struct block_costs *p = s->ask.block_costs;
	const size_t v = u_v_before[1];
	double cost = 0;

	for (int phase_group = 0; phase_group < PHASE_GROUPS && counted != COUNT_NOTHING; phase_group++) {
		const double weight = s->ask.rate.phase_group[phase_group];
		double hop;

		if (!asks_for(s, phase_group))
			continue;
		cost += s->ask.rate.busy[v] * p->busy_s[phase_group][block * p->units + v];
		if (counted != COUNT_CHAIN)
			continue;
		hop = block_costs_hop_s(p, phase_group, block, u_v_before);
		cost += weight * p->chain_s[phase_group][block * p->units + v] +
			(isinf(hop) ? hop : weight * hop);
	}
	return cost;
}

static size_t layer_begin(const struct best_first *s, size_t layer)
{
	return model_block_of(s->m, ROLE_ATTENTION, (int64_t)layer);
}

static size_t layer_end(const struct best_first *s, size_t layer)
{
	return layer + 1 < s->layers ? layer_begin(s, layer + 1) : model_blocks(s->m) - 1;
}

static size_t pick(const struct root *r, enum role role, size_t a, size_t b)
{
	return r->second >> role & 1 ? b : a;
}

/* A layer whose groups are on a and b, behind a block on u. */
static double layer_cost(const struct best_first *s, const struct root *r, size_t layer, const size_t uab[3])
{
	const struct block_costs *p = s->ask.block_costs;
	const size_t begin = layer_begin(s, layer), end = layer_end(s, layer);
	size_t before = uab[0];
	double cost = 0;

	for (size_t i = begin; i < end; i++) {
		const enum role role = model_block(s->m, i).part.role;
		const size_t v = pick(r, role, uab[1], uab[2]), from = p->feed[i];
		const size_t u = i > p->first && from >= begin
					 ? pick(r, model_block(s->m, from).part.role, uab[1], uab[2])
					 : uab[0];

		cost += block_cost(s, i, (const size_t[]){u, v, before},
				   block_costs_count(role, u, v, pick(r, ROLE_EXPERTS, uab[1], uab[2])));
		before = v;
	}
	return cost;
}

/* Where the output of a layer's last block is. */
static size_t out_of(const struct best_first *s, const struct root *r, size_t layer, size_t state)
{
	return pick(r, model_block(s->m, layer_end(s, layer) - 1).part.role, first_group(s, state)->unit,
		    second_group(s, state)->unit);
}

static double step_cost(const struct best_first *s, const struct root *r, size_t layer, size_t before,
			size_t state)
{
	const size_t n = s->units, maps = n * n * n;

	return r->layers[layer * maps + (before * n + first_group(s, state)->unit) * n +
			 second_group(s, state)->unit];
}

/* The head on h, and the tokens' way back; INFINITY where the layer map would not be what is asked for. */
static double head_cost(const struct best_first *s, const struct root *r, size_t state, size_t h)
{
	const struct block_costs *p = s->ask.block_costs;
	const size_t out = out_of(s, r, s->layers - 1, state);
	const struct where *a = first_group(s, state), *b = second_group(s, state);
	const unsigned used = (unsigned)(a->been | b->been) | 1u << r->embedding | 1u << h;
	const unsigned kind = (a->been & (a->been - 1) || b->been & (b->been - 1) ? HAS_CUT : 0) |
			      (state % 2 ? HAS_ROLES : 0) | (r->away || h != out ? HAS_ENDS : 0);
	double cost;

	if (used != s->ask.units || kind != s->ask.kind || (!s->m->ends && h != out))
		return INFINITY;
	cost = block_cost(s, model_blocks(s->m) - 1, (const size_t[]){out, h, out}, COUNT_CHAIN);
	for (int phase_group = asks_for(s, 0) ? 0 : 1; phase_group < PHASE_GROUPS; phase_group++) {
		const double token = p->token_s[phase_group][h * p->units + r->embedding];

		if (asks_for(s, 1))
			cost += isinf(token) ? token : s->ask.rate.phase_group[1] * token;
	}
	return cost;
}

static double least_head(const struct best_first *s, const struct root *r, size_t state)
{
	double least = INFINITY;

	for (size_t h = 0; h < s->units; h++)
		if (s->ask.units >> h & 1)
			least = fmin(least, head_cost(s, r, state, h));
	return least;
}

/* ---- the program ---- */

/* May a group go from one place to the other in the next layer? Back it may not. */
static bool follows(const struct where *from, const struct where *to)
{
	return to->unit == from->unit
		       ? to->been == from->been
		       : !(from->been >> to->unit & 1) && to->been == (from->been | 1u << to->unit);
}

/* The state that puts a layer's groups on wheres a and b; from: the state of the layer before, NO_NODE in the
 * first. -1: not asked for. A group does not move where a layer has nothing of it, nor before its first. */
static int64_t next_state(const struct best_first *s, const struct root *r, size_t layer, uint32_t from,
			  const size_t ab[2])
{
	const bool has = layer_map_has(s->m, r->second, layer);
	bool apart = has && s->wheres[ab[0]].unit != s->wheres[ab[1]].unit;

	if (from != NO_NODE) {
		apart |= from % 2;
		if (second_group(s, from) != &s->wheres[ab[1]] && (!has || layer <= r->begins))
			return -1;
	}
	return apart && !(s->ask.kind & HAS_ROLES) ? -1 : (int64_t)state_of(s, ab[0], ab[1], apart);
}

static void price_layers(struct best_first *s, struct root *r)
{
	const size_t n = s->units, maps = n * n * n;

	r->layers = arena_array(&s->arena, s->layers * maps, sizeof *r->layers);
	for (size_t l = 0; l < s->layers; l++)
		for (size_t i = 0; i < maps; i++)
			r->layers[l * maps + i] =
				layer_cost(s, r, l, (const size_t[]){i / n / n, i / n % n, i % n});
}

static double least_behind(const struct best_first *s, const struct root *r, size_t layer, uint32_t state)
{
	const struct where *x = first_group(s, state), *y = second_group(s, state);
	const size_t out = out_of(s, r, layer, state);
	double least = INFINITY;

	for (size_t i = 0; i < x->next_n; i++)
		for (size_t j = 0; j < y->next_n; j++) {
			const int64_t next =
				next_state(s, r, layer + 1, state, (const size_t[]){x->next[i], y->next[j]});

			if (next >= 0)
				least = fmin(least, step_cost(s, r, layer + 1, out, (size_t)next) +
							    r->to_go[(layer + 1) * s->states + (size_t)next]);
		}
	return least;
}

static void fill_to_go(struct best_first *s, struct root *r)
{
	r->to_go = arena_array(&s->arena, s->layers * s->states, sizeof *r->to_go);
	for (uint32_t state = 0; state < s->states; state++)
		r->to_go[(s->layers - 1) * s->states + state] = least_head(s, r, state);
	for (size_t l = s->layers - 1; l-- > 0;)
		for (uint32_t state = 0; state < s->states; state++)
			r->to_go[l * s->states + state] = least_behind(s, r, l, state);
}

/* ---- the search ---- */

static size_t machine_slot(const struct best_first *s, size_t unit)
{
	const struct unit *units = s->ask.block_costs->w->units;
	size_t slot = 0;

	while (units[slot].machine != units[unit].machine)
		slot++;
	return slot;
}

static void take_block(const struct best_first *s, struct node *k, size_t block, size_t unit)
{
	const struct block_costs *p = s->ask.block_costs;

	k->weights_B[machine_slot(s, unit)] += p->weights_B[block];
	for (int phase_group = 0; phase_group < PHASE_GROUPS;
	     phase_group++) /* shared experts may not count: less is a bound, too */
		if (asks_for(s, phase_group) && model_block(s->m, block).part.role != ROLE_SHARED)
			k->busy_s[unit] += p->busy_s[phase_group][block * p->units + unit];
}

static bool overflows(const struct best_first *s, const struct node *k)
{
	const struct world *w = s->ask.block_costs->w;

	for (size_t u = 0; u < s->units; u++)
		if (k->weights_B[u] > w->machines[w->units[u].machine].memory.usable.value)
			return true;
	return false;
}

/* Where passes overlap no chain binds, but what the busiest device has to do. */
static double busy_bound(const struct best_first *s, const struct node *k)
{
	const struct block_costs *p = s->ask.block_costs;
	const struct rate *r = &s->ask.rate;
	struct phase_group_sum phase_groups[PHASE_GROUPS] = {{.chain_s = 0}};

	if (p->chunks[0] <= 1 && p->chunks[1] <= 1)
		return 0;
	memcpy(phase_groups[asks_for(s, 0) ? 0 : 1].busy_s, k->busy_s, sizeof k->busy_s);
	return rate_bound(p, r, phase_groups);
}

static void put_node(struct best_first *s, struct node k)
{
	const struct root *r = &s->roots[k.root];
	const bool whole = (size_t)k.layer == s->layers;

	k.bound = k.cost + (whole ? 0 : r->to_go[(size_t)k.layer * s->states + k.state]);
	k.bound = fmax(k.bound, busy_bound(s, &k));
	if (isinf(k.bound) || overflows(s, &k))
		return;
	if (s->nodes.n >= NODES_MAX) {
		s->cut = true;
		return;
	}
	VEC_ADD(&s->nodes, k);
	node_heap_put(&s->heap, (uint32_t)s->nodes.n - 1);
}

static void put_layer(struct best_first *s, uint32_t parent, struct node k, size_t state)
{
	const struct root *r = &s->roots[k.root];
	const size_t a = first_group(s, state)->unit, b = second_group(s, state)->unit;
	const size_t out =
		parent == NO_NODE ? r->embedding : out_of(s, r, (size_t)k.layer, s->nodes.at[parent].state);

	k.parent = parent;
	k.layer++;
	k.cost += step_cost(s, r, (size_t)k.layer, out, state);
	k.state = (uint32_t)state;
	for (size_t i = layer_begin(s, (size_t)k.layer); i < layer_end(s, (size_t)k.layer); i++)
		take_block(s, &k, i, pick(r, model_block(s->m, i).part.role, a, b));
	put_node(s, k);
}

static void expand(struct best_first *s, uint32_t parent, const struct node *from)
{
	const struct where *x = first_group(s, from->state), *y = second_group(s, from->state);

	for (size_t i = 0; i < x->next_n; i++)
		for (size_t j = 0; j < y->next_n; j++) {
			const int64_t state =
				next_state(s, &s->roots[from->root], (size_t)from->layer + 1, from->state,
					   (const size_t[]){x->next[i], y->next[j]});

			if (state >= 0)
				put_layer(s, parent, *from, (size_t)state);
		}
}

static void put_heads(struct best_first *s, uint32_t parent, const struct node *from)
{
	for (size_t h = 0; h < s->units; h++) {
		struct node k = *from;

		if (!(s->ask.units >> h & 1))
			continue;
		k.cost += head_cost(s, &s->roots[k.root], k.state, h);
		k.parent = parent;
		k.layer++;
		k.head = (uint16_t)h;
		take_block(s, &k, model_blocks(s->m) - 1, h);
		put_node(s, k);
	}
}

static void begin(struct best_first *s, size_t root)
{
	struct node k = {.layer = -1, .root = (uint16_t)root, .parent = NO_NODE};
	const struct root *r = &s->roots[root];
	const size_t e = r->embedding;

	if (s->m->ends) {
		k.cost = block_cost(s, 0, (const size_t[]){e, e, e}, COUNT_CHAIN);
		take_block(s, &k, 0, e);
	}
	for (size_t a = 0; a < s->wheres_n; a++)
		for (size_t b = 0; b < s->wheres_n; b++) {
			const struct where *x = &s->wheres[a], *y = &s->wheres[b];
			const int64_t state = next_state(s, r, 0, NO_NODE, (const size_t[]){a, b});

			if (state >= 0 && x->been == 1u << x->unit && y->been == 1u << y->unit &&
			    r->away == (x->unit != e))
				put_layer(s, NO_NODE, k, (size_t)state);
		}
}

static void add_found(struct best_first *s, uint32_t node)
{
	const struct root *r = &s->roots[s->nodes.at[node].root];
	struct found *f = arena_alloc(&s->arena, sizeof *f);

	f->layer_map = (struct layer_map){.second = r->second, .embedding = r->embedding};
	f->layer_map.head = (uint8_t)s->nodes.at[node].head;
	f->bound = s->nodes.at[node].bound;
	for (int g = 0; g < GROUPS; g++)
		f->layer_map.unit[g] = arena_array(&s->arena, s->layers, 1);
	for (uint32_t i = s->nodes.at[node].parent; i != NO_NODE; i = s->nodes.at[i].parent) {
		const struct node *k = &s->nodes.at[i];

		f->layer_map.unit[0][k->layer] = first_group(s, k->state)->unit;
		f->layer_map.unit[1][k->layer] = second_group(s, k->state)->unit;
	}
	f->at = layer_map_units(&s->arena, s->m, &f->layer_map);
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		if (asks_for(s, phase_group))
			f->sums[phase_group] = block_costs_sum(s->ask.block_costs, phase_group, f->at);
	VEC_ADD(&s->found, f);
}

const struct found *best_first_at(struct best_first *s, size_t i)
{
	while (s->found.n <= i && s->heap.n && !s->cut) {
		const uint32_t node = node_heap_take(&s->heap);
		const struct node k = s->nodes.at[node];

		if ((size_t)k.layer == s->layers)
			add_found(s, node);
		else if ((size_t)k.layer == s->layers - 1)
			put_heads(s, node, &k);
		else
			expand(s, node, &k);
	}
	return i < s->found.n ? s->found.at[i] : NULL;
}

static void find_wheres(struct best_first *s)
{
	for (size_t u = 0; u < s->units; u++)
		for (unsigned been = 0; been < 1u << s->units; been++)
			if ((been & s->ask.units) == been && been >> u & 1)
				s->wheres[s->wheres_n++] =
					(struct where){.unit = (uint8_t)u, .been = (uint8_t)been};
	for (size_t i = 0; i < s->wheres_n; i++)
		for (size_t j = 0; j < s->wheres_n; j++)
			if (follows(&s->wheres[i], &s->wheres[j]))
				s->wheres[i].next[s->wheres[i].next_n++] = (uint8_t)j;
	s->states = s->wheres_n * s->wheres_n * 2;
}

static size_t first_of(const struct best_first *s, unsigned second)
{
	size_t layer = 0;

	while (layer < s->layers && !layer_map_has(s->m, second, layer))
		layer++;
	return layer;
}

static void find_roots(struct best_first *s)
{
	struct split splits[SPLITS];
	size_t n = space_splits(s->m, splits);

	if (!(s->ask.kind & HAS_ROLES) && n > 1)
		n = 1; /* all ways to split are one */
	s->roots = arena_array(&s->arena, 2 * n * s->units, sizeof *s->roots);
	for (size_t i = 0; i < n; i++)
		for (size_t e = 0; e < s->units; e++)
			for (int away = 0; away <= (s->m->ends && s->ask.kind & HAS_ENDS); away++)
				if (s->ask.units >> e & 1)
					s->roots[s->roots_n++] =
						(struct root){.second = splits[i].second,
							      .embedding = (uint8_t)e,
							      .away = away != 0,
							      .begins = first_of(s, splits[i].second)};
}

struct best_first *best_first_new(const struct best_first_ask *ask)
{
	struct best_first *s = xcalloc(1, sizeof *s);

	BUG_ON(ask->block_costs->units > EXACT_UNITS);
	s->heap.ctx = &s->nodes;
	s->ask = *ask;
	s->m = ask->block_costs->w->model;
	s->units = ask->block_costs->units;
	s->layers = (size_t)s->m->layers;
	find_wheres(s);
	find_roots(s);
	for (size_t i = 0; i < s->roots_n; i++) {
		price_layers(s, &s->roots[i]);
		fill_to_go(s, &s->roots[i]);
		begin(s, i);
	}
	s->least = s->heap.n ? s->nodes.at[s->heap.at[0]].bound : INFINITY;
	return s;
}

void best_first_free(struct best_first *s)
{
	if (!s)
		return;
	VEC_FREE(&s->nodes);
	node_heap_release(&s->heap);
	VEC_FREE(&s->found);
	arena_release(&s->arena);
	free(s);
}

double best_first_least(const struct best_first *s)
{
	return s->least;
}

bool best_first_cut(const struct best_first *s)
{
	return s->cut;
}
