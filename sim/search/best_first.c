/* best_first.c - see best_first.h. */
#include "sim/search/best_first.h"

#include <math.h>
#include <string.h>

#include "sim/base/heap.h"
#include "sim/search/layer_states.h"

enum { NODES_MAX = 2000000, NO_NODE = UINT32_MAX };

struct node {
	double bound, cost;
	/* weights: indexed by the first unit of the machine */
	double busy_s[EXACT_UNITS], weights_B[EXACT_UNITS];
	uint32_t parent, state;
	int32_t layer; /* the last layer placed; the number of layers if the head is placed, too */
	uint16_t root, head;
};

/* The order of nodes: by bound, then the one with more layers placed, then by index. ctx: the array of
 * nodes. */
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
	struct layer_states of;
	struct nodes nodes;
	struct node_heap heap;
	VEC(const struct found *) found;
	bool truncated;
	double least;
	struct arena arena;
};

static size_t machine_slot(const struct best_first *s, size_t unit)
{
	const struct unit *units = s->of.ask.block_costs->w->units;
	size_t slot = 0;

	while (units[slot].machine != units[unit].machine)
		slot++;
	return slot;
}

static void add_block(const struct best_first *s, struct node *k, size_t block, size_t unit)
{
	const struct block_costs *p = s->of.ask.block_costs;

	k->weights_B[machine_slot(s, unit)] += p->weights_B[block];
	for (int phase_group = 0; phase_group < PHASE_GROUPS;
	     /* shared experts are left out: they may run beside the others, and less is still a bound */
	     phase_group++)
		if (layer_states_has(&s->of, phase_group) && p->role[block] != ROLE_SHARED)
			k->busy_s[unit] += p->busy_s[phase_group][block * p->units + unit];
}

static bool exceeds_memory(const struct best_first *s, const struct node *k)
{
	const struct world *w = s->of.ask.block_costs->w;

	for (size_t u = 0; u < s->of.units; u++)
		if (k->weights_B[u] > w->machines[w->units[u].machine].memory.usable.value)
			return true;
	return false;
}

/* If passes overlap, the busiest device is the bottleneck instead of the chain of one pass. */
static double busy_bound(const struct best_first *s, const struct node *k)
{
	const struct block_costs *p = s->of.ask.block_costs;
	const struct rate *r = &s->of.ask.rate;
	struct phase_group_sum phase_groups[PHASE_GROUPS] = {{.chain_s = 0}};

	if (p->in_flight[0] <= 1 && p->in_flight[1] <= 1)
		return 0;
	memcpy(phase_groups[layer_states_has(&s->of, 0) ? 0 : 1].busy_s, k->busy_s, sizeof k->busy_s);
	return rate_bound(p, r, phase_groups);
}

static void push_node(struct best_first *s, struct node k)
{
	const struct layer_root *r = &s->of.roots[k.root];
	const bool whole = (size_t)k.layer == s->of.layers;

	k.bound = k.cost + (whole ? 0 : layer_states_to_go(r, (size_t)k.layer, k.state));
	k.bound = fmax(k.bound, busy_bound(s, &k));
	if (isinf(k.bound) || exceeds_memory(s, &k))
		return;
	if (s->nodes.n >= NODES_MAX) {
		s->truncated = true;
		return;
	}
	VEC_ADD(&s->nodes, k);
	node_heap_put(&s->heap, (uint32_t)s->nodes.n - 1);
}

static void push_layer(struct best_first *s, uint32_t parent, struct node k, size_t state)
{
	const struct layer_root *r = &s->of.roots[k.root];
	const size_t a = layer_states_first(&s->of, state)->unit,
		     b = layer_states_second(&s->of, state)->unit;
	const size_t out = parent == NO_NODE ? r->embedding
					     : layer_states_output(&s->of, r, (size_t)k.layer,
								   s->nodes.at[parent].state);

	k.parent = parent;
	k.layer++;
	k.cost += layer_states_layer_cost(&s->of, r, (size_t)k.layer, out, state);
	k.state = (uint32_t)state;
	for (size_t i = s->of.layer_begin[k.layer]; i < s->of.layer_begin[k.layer + 1]; i++)
		add_block(s, &k, i, layer_states_unit(r, s->of.ask.block_costs->role[i], a, b));
	push_node(s, k);
}

static void expand(struct best_first *s, uint32_t parent, const struct node *from)
{
	const struct group_state *x = layer_states_first(&s->of, from->state),
				 *y = layer_states_second(&s->of, from->state);
	const struct layer_root *r = &s->of.roots[from->root];
	const struct group_rule rule = layer_states_rule(r, (size_t)from->layer + 1);

	for (size_t i = 0; i < x->next_n; i++)
		for (size_t j = 0; j < y->next_n; j++) {
			const int64_t state = layer_states_next(&s->of, r, rule, from->state,
								(const size_t[]){x->next[i], y->next[j]});

			if (state >= 0)
				push_layer(s, parent, *from, (size_t)state);
		}
}

static void push_heads(struct best_first *s, uint32_t parent, const struct node *from)
{
	for (size_t h = 0; h < s->of.units; h++) {
		struct node k = *from;

		if (!(s->of.ask.units >> h & 1))
			continue;
		k.cost += layer_states_head_cost(&s->of, &s->of.roots[k.root], k.state, h);
		k.parent = parent;
		k.layer++;
		k.head = (uint16_t)h;
		add_block(s, &k, model_blocks(s->of.m) - 1, h);
		push_node(s, k);
	}
}

static void push_first_layers(struct best_first *s, size_t root)
{
	struct node k = {.layer = -1, .root = (uint16_t)root, .parent = NO_NODE};
	const struct layer_root *r = &s->of.roots[root];
	const size_t e = r->embedding;

	if (s->of.m->ends) {
		k.cost = layer_states_block_cost(&s->of, 0, (const size_t[]){e, e, e}, COUNT_CHAIN);
		add_block(s, &k, 0, e);
	}
	for (size_t a = 0; a < s->of.group_states_n; a++)
		for (size_t b = 0; b < s->of.group_states_n; b++) {
			const int64_t state = layer_states_begin(&s->of, r, (const size_t[]){a, b});

			if (state >= 0)
				push_layer(s, NO_NODE, k, (size_t)state);
		}
}

static void add_found(struct best_first *s, uint32_t node)
{
	const struct layer_root *r = &s->of.roots[s->nodes.at[node].root];
	struct found *f = arena_alloc(&s->arena, sizeof *f);

	f->layer_map = (struct layer_map){.second = r->second, .embedding = r->embedding};
	f->layer_map.head = (uint8_t)s->nodes.at[node].head;
	f->bound = s->nodes.at[node].bound;
	for (int g = 0; g < GROUPS; g++)
		f->layer_map.unit[g] = arena_array(&s->arena, s->of.layers, 1);
	for (uint32_t i = s->nodes.at[node].parent; i != NO_NODE; i = s->nodes.at[i].parent) {
		const struct node *k = &s->nodes.at[i];

		f->layer_map.unit[0][k->layer] = layer_states_first(&s->of, k->state)->unit;
		f->layer_map.unit[1][k->layer] = layer_states_second(&s->of, k->state)->unit;
	}
	f->at = layer_map_units(&s->arena, s->of.m, &f->layer_map);
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		if (layer_states_has(&s->of, phase_group))
			f->sums[phase_group] = block_costs_sum(s->of.ask.block_costs, phase_group, f->at);
	VEC_ADD(&s->found, f);
}

const struct found *best_first_at(struct best_first *s, size_t i)
{
	while (s->found.n <= i && s->heap.n && !s->truncated) {
		const uint32_t node = node_heap_take(&s->heap);
		const struct node k = s->nodes.at[node];

		if ((size_t)k.layer == s->of.layers)
			add_found(s, node);
		else if ((size_t)k.layer == s->of.layers - 1)
			push_heads(s, node, &k);
		else
			expand(s, node, &k);
	}
	return i < s->found.n ? s->found.at[i] : NULL;
}

struct best_first *best_first_new(const struct best_first_ask *ask)
{
	struct best_first *s = xcalloc(1, sizeof *s);

	s->heap.ctx = &s->nodes;
	layer_states_make(&s->of, &s->arena, ask);
	return s;
}

void best_first_begin(struct best_first *s)
{
	for (size_t i = 0; i < s->of.roots_n; i++) {
		layer_states_compute(&s->of, i);
		push_first_layers(s, i);
	}
	s->least = s->heap.n ? s->nodes.at[s->heap.at[0]].bound : INFINITY;
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

double best_first_lower_bound(const struct best_first *s)
{
	return s->least;
}

bool best_first_truncated(const struct best_first *s)
{
	return s->truncated;
}
