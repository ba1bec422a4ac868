/* best_first.c - see best_first.h. */
#include "sim/search/best_first.h"

#include <math.h>
#include <string.h>

#include "sim/base/heap.h"

enum { NODES_MAX = 2000000, NO_NODE = UINT32_MAX };

struct group_state { /* the position of one group of roles */
	/* its device; visited: devices used so far, as bits, `unit` included */
	uint8_t unit, visited;
	/* indices of the positions possible in the next layer, this one included */
	uint8_t next[EXACT_UNITS], next_n;
};

/* A root of the search: the roles of the second group and the device of the embedding. */
struct root {
	unsigned second;
	uint8_t embedding;
	bool embedding_apart;      /* the embedding is not on the device of the first layer */
	bool *has_second;          /* [layer]: it has a role of the second group */
	size_t first_second_layer; /* the first such layer */
	uint32_t *live,
		*live_index; /* the states that can be reached; [state]: its index among them, NO_NODE: none */
	size_t live_n;
	double *cost_to_go; /* [layer * live_n + index]: least cost of the later layers and the head */
	double *layers;     /* [layer * maps + (unit before * units + first group) * units + second group] */
};

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
	struct best_first_ask ask;
	const struct model *m;
	size_t units, layers, states;
	size_t *layer_begin; /* [layer], and the head's block after the last */
	struct group_state group_states[EXACT_UNITS << (EXACT_UNITS - 1)];
	size_t group_states_n;
	size_t twin_before
		[EXACT_UNITS]; /* [unit]: the last twin before it that is to be used, too; WORLD_NONE: none */
	struct root *roots;
	size_t roots_n;
	struct nodes nodes;
	struct node_heap heap;
	VEC(const struct found *) found;
	bool truncated;
	double least;
	struct arena arena;
};

/* The index of a state: the positions of both groups, and whether they were on different devices in any
 * layer. */
static size_t state_index(const struct best_first *s, size_t a, size_t b, bool apart)
{
	return ((a * s->group_states_n) + b) * 2 + apart;
}

static const struct group_state *first_group(const struct best_first *s, size_t state)
{
	return &s->group_states[state / 2 / s->group_states_n];
}

static const struct group_state *second_group(const struct best_first *s, size_t state)
{
	return &s->group_states[state / 2 % s->group_states_n];
}

/* ---- cost of blocks and layers ---- */

static bool includes_phase_group(const struct best_first *s, int phase_group)
{
	return s->ask.phase_groups >> phase_group & 1;
}

/* The cost of a block on v whose feed is on u; `before` is the unit of the block before it. */
static double block_cost(const struct best_first *s, size_t block, const size_t u_v_before[3],
			 enum counted counted)
{
	const struct block_costs *p = s->ask.block_costs;
	const size_t v = u_v_before[1];
	double cost = 0;

	for (int phase_group = 0; phase_group < PHASE_GROUPS && counted != COUNT_NOTHING; phase_group++) {
		const double weight = s->ask.rate.phase_group[phase_group];
		double hop;

		if (!includes_phase_group(s, phase_group))
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

static size_t unit_of_role(const struct root *r, enum role role, size_t a, size_t b)
{
	return r->second >> role & 1 ? b : a;
}

/* The cost of a layer whose groups are on a and b, where the block before the layer is on u. */
static double layer_cost(const struct best_first *s, const struct root *r, size_t layer, const size_t uab[3])
{
	const struct block_costs *p = s->ask.block_costs;
	const size_t begin = s->layer_begin[layer], end = s->layer_begin[layer + 1];
	size_t before = uab[0];
	double cost = 0;

	for (size_t i = begin; i < end; i++) {
		const enum role role = p->role[i];
		const size_t v = unit_of_role(r, role, uab[1], uab[2]), from = p->feed[i];
		const size_t u = i > p->first && from >= begin
					 ? unit_of_role(r, p->role[from], uab[1], uab[2])
					 : uab[0];

		cost += block_cost(
			s, i, (const size_t[]){u, v, before},
			block_costs_count(role, u, v, unit_of_role(r, ROLE_EXPERTS, uab[1], uab[2])));
		before = v;
	}
	return cost;
}

/* The unit that holds the output of a layer's last block. */
static size_t output_unit(const struct best_first *s, const struct root *r, size_t layer, size_t state)
{
	return unit_of_role(r, s->ask.block_costs->role[s->layer_begin[layer + 1] - 1],
			    first_group(s, state)->unit, second_group(s, state)->unit);
}

static double cached_layer_cost(const struct best_first *s, const struct root *r, size_t layer, size_t before,
				size_t state)
{
	const size_t n = s->units, maps = n * n * n;

	return r->layers[layer * maps + (before * n + first_group(s, state)->unit) * n +
			 second_group(s, state)->unit];
}

/* The cost of the head on h and of returning the tokens; INFINITY if the layer map would not have the
 * units and features asked for. */
static double head_cost(const struct best_first *s, const struct root *r, size_t state, size_t h)
{
	const struct block_costs *p = s->ask.block_costs;
	const size_t out = output_unit(s, r, s->layers - 1, state);
	const struct group_state *a = first_group(s, state), *b = second_group(s, state);
	const unsigned used = (unsigned)(a->visited | b->visited) | 1u << r->embedding | 1u << h;
	const unsigned kind = (a->visited & (a->visited - 1) || b->visited & (b->visited - 1) ? HAS_CUT : 0) |
			      (state % 2 ? HAS_ROLES : 0) | (r->embedding_apart || h != out ? HAS_ENDS : 0);
	double cost;

	if (used != s->ask.units || kind != s->ask.kind || (!s->m->ends && h != out))
		return INFINITY;
	cost = block_cost(s, model_blocks(s->m) - 1, (const size_t[]){out, h, out}, COUNT_CHAIN);
	for (int phase_group = includes_phase_group(s, 0) ? 0 : 1; phase_group < PHASE_GROUPS;
	     phase_group++) {
		const double token = p->token_s[phase_group][h * p->units + r->embedding];

		if (includes_phase_group(s, 1))
			cost += isinf(token) ? token : s->ask.rate.phase_group[1] * token;
	}
	return cost;
}

static double least_head_cost(const struct best_first *s, const struct root *r, size_t state)
{
	double least = INFINITY;

	for (size_t h = 0; h < s->units; h++)
		if (s->ask.units >> h & 1)
			least = fmin(least, head_cost(s, r, state, h));
	return least;
}

/* ---- the dynamic program ---- */

/* May a group change from one position to the other between two layers? It may not return to a device that
 * it has left. */
static bool may_follow(const struct group_state *from, const struct group_state *to)
{
	return to->unit == from->unit
		       ? to->visited == from->visited
		       : !(from->visited >> to->unit & 1) && to->visited == (from->visited | 1u << to->unit);
}

/* Whether units that have been used (bits) may be joined by another one: of twins the first is used first. */
static bool in_order(const struct best_first *s, unsigned used, size_t unit)
{
	const size_t before = s->twin_before[unit];

	return used >> unit & 1 || before == WORLD_NONE || used >> before & 1;
}

static bool both_in_order(const struct best_first *s, unsigned used, const size_t ab[2])
{
	const size_t a = s->group_states[ab[0]].unit, b = s->group_states[ab[1]].unit;

	return in_order(s, used, a) && in_order(s, used | 1u << a, b);
}

/* What the second group may do in a layer: nothing where the layer has none of its roles; it does not move up to its first
 * layer. */
struct second_group_rule {
	bool has, moves;
};

static struct second_group_rule second_group_rule(const struct root *r, size_t layer)
{
	return (struct second_group_rule){r->has_second[layer],
					  r->has_second[layer] && layer > r->first_second_layer};
}

/* The state in which a layer's groups have the positions ab[0] and ab[1]; apart: they were on different devices in a layer
 * before. Returns -1 if the state is excluded. */
static int64_t state_of(const struct best_first *s, bool has_second, const size_t ab[2], bool apart)
{
	apart |= has_second && s->group_states[ab[0]].unit != s->group_states[ab[1]].unit;
	return apart && !(s->ask.kind & HAS_ROLES) ? -1 : (int64_t)state_index(s, ab[0], ab[1], apart);
}

/* The state of a layer that follows a state of the layer before. */
static int64_t next_state(const struct best_first *s, const struct root *r, struct second_group_rule rule,
			  size_t from, const size_t ab[2])
{
	const struct group_state *a = first_group(s, from), *b = second_group(s, from);
	const bool stays = b == &s->group_states[ab[1]];

	if (!stays && !rule.moves)
		return -1;
	if (!both_in_order(s, (unsigned)(a->visited | b->visited) | 1u << r->embedding, ab))
		return -1;
	return state_of(s, rule.has, ab, from % 2);
}

/* The state of the first layer. */
static int64_t first_state(const struct best_first *s, const struct root *r, const size_t ab[2])
{
	const struct group_state *a = &s->group_states[ab[0]], *b = &s->group_states[ab[1]];

	if (a->visited != 1u << a->unit || b->visited != 1u << b->unit ||
	    r->embedding_apart != (a->unit != r->embedding) || !both_in_order(s, 1u << r->embedding, ab))
		return -1;
	return state_of(s, r->has_second[0], ab, false);
}

static void add_live(struct root *r, int64_t state)
{
	if (state < 0 || r->live_index[state] != NO_NODE)
		return;
	r->live_index[state] = (uint32_t)r->live_n;
	r->live[r->live_n++] = (uint32_t)state;
}

/* Adds the states that follow a state in a layer of some rule. */
static void add_live_after(const struct best_first *s, struct root *r, size_t state,
			   struct second_group_rule rule)
{
	const struct group_state *x = first_group(s, state), *y = second_group(s, state);

	for (size_t i = 0; i < x->next_n; i++)
		for (size_t j = 0; j < y->next_n; j++)
			add_live(r, next_state(s, r, rule, state, (const size_t[]){x->next[i], y->next[j]}));
}

static void list_live(struct best_first *s, struct root *r)
{
	r->live = arena_room(&s->arena, s->states, sizeof *r->live);
	r->live_index = arena_room(&s->arena, s->states, sizeof *r->live_index);
	for (size_t i = 0; i < s->states; i++)
		r->live_index[i] = NO_NODE;
	for (size_t a = 0; a < s->group_states_n; a++)
		for (size_t b = 0; b < s->group_states_n; b++)
			add_live(r, first_state(s, r, (const size_t[]){a, b}));
	for (size_t i = 0; i < r->live_n; i++) {
		add_live_after(s, r, r->live[i], (struct second_group_rule){false, false});
		add_live_after(s, r, r->live[i], (struct second_group_rule){true, false});
		add_live_after(s, r, r->live[i], (struct second_group_rule){true, true});
	}
}

static void compute_layer_costs(struct best_first *s, struct root *r)
{
	const size_t n = s->units, maps = n * n * n;

	r->layers = arena_room(&s->arena, s->layers * maps, sizeof *r->layers);
	for (size_t l = 0; l < s->layers; l++)
		for (size_t i = 0; i < maps; i++)
			r->layers[l * maps + i] =
				layer_cost(s, r, l, (const size_t[]){i / n / n, i / n % n, i % n});
}

static double cost_to_go(const struct root *r, size_t layer, size_t state)
{
	return r->cost_to_go[layer * r->live_n + r->live_index[state]];
}

static double least_cost_to_go(const struct best_first *s, const struct root *r, size_t layer, size_t state)
{
	const struct group_state *x = first_group(s, state), *y = second_group(s, state);
	const struct second_group_rule rule = second_group_rule(r, layer + 1);
	const size_t out = output_unit(s, r, layer, state);
	double least = INFINITY;

	for (size_t i = 0; i < x->next_n; i++)
		for (size_t j = 0; j < y->next_n; j++) {
			const int64_t next =
				next_state(s, r, rule, state, (const size_t[]){x->next[i], y->next[j]});
			double cost;

			if (next < 0)
				continue;
			cost = cached_layer_cost(s, r, layer + 1, out, (size_t)next) +
			       cost_to_go(r, layer + 1, (size_t)next);
			least = cost < least ? cost : least;
		}
	return least;
}

static void compute_cost_to_go(struct best_first *s, struct root *r)
{
	r->cost_to_go = arena_room(&s->arena, s->layers * r->live_n, sizeof *r->cost_to_go);
	for (size_t i = 0; i < r->live_n; i++)
		r->cost_to_go[(s->layers - 1) * r->live_n + i] = least_head_cost(s, r, r->live[i]);
	for (size_t l = s->layers - 1; l-- > 0;)
		for (size_t i = 0; i < r->live_n; i++)
			r->cost_to_go[l * r->live_n + i] = least_cost_to_go(s, r, l, r->live[i]);
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

static void add_block(const struct best_first *s, struct node *k, size_t block, size_t unit)
{
	const struct block_costs *p = s->ask.block_costs;

	k->weights_B[machine_slot(s, unit)] += p->weights_B[block];
	for (int phase_group = 0; phase_group < PHASE_GROUPS;
	     /* shared experts are left out: they may run beside the others, and less is still a bound */
	     phase_group++)
		if (includes_phase_group(s, phase_group) && p->role[block] != ROLE_SHARED)
			k->busy_s[unit] += p->busy_s[phase_group][block * p->units + unit];
}

static bool exceeds_memory(const struct best_first *s, const struct node *k)
{
	const struct world *w = s->ask.block_costs->w;

	for (size_t u = 0; u < s->units; u++)
		if (k->weights_B[u] > w->machines[w->units[u].machine].memory.usable.value)
			return true;
	return false;
}

/* If passes overlap, the busiest device is the bottleneck instead of the chain of one pass. */
static double busy_bound(const struct best_first *s, const struct node *k)
{
	const struct block_costs *p = s->ask.block_costs;
	const struct rate *r = &s->ask.rate;
	struct phase_group_sum phase_groups[PHASE_GROUPS] = {{.chain_s = 0}};

	if (p->in_flight[0] <= 1 && p->in_flight[1] <= 1)
		return 0;
	memcpy(phase_groups[includes_phase_group(s, 0) ? 0 : 1].busy_s, k->busy_s, sizeof k->busy_s);
	return rate_bound(p, r, phase_groups);
}

static void push_node(struct best_first *s, struct node k)
{
	const struct root *r = &s->roots[k.root];
	const bool whole = (size_t)k.layer == s->layers;

	k.bound = k.cost + (whole ? 0 : cost_to_go(r, (size_t)k.layer, k.state));
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
	const struct root *r = &s->roots[k.root];
	const size_t a = first_group(s, state)->unit, b = second_group(s, state)->unit;
	const size_t out = parent == NO_NODE ? r->embedding
					     : output_unit(s, r, (size_t)k.layer, s->nodes.at[parent].state);

	k.parent = parent;
	k.layer++;
	k.cost += cached_layer_cost(s, r, (size_t)k.layer, out, state);
	k.state = (uint32_t)state;
	for (size_t i = s->layer_begin[k.layer]; i < s->layer_begin[k.layer + 1]; i++)
		add_block(s, &k, i, unit_of_role(r, s->ask.block_costs->role[i], a, b));
	push_node(s, k);
}

static void expand(struct best_first *s, uint32_t parent, const struct node *from)
{
	const struct group_state *x = first_group(s, from->state), *y = second_group(s, from->state);
	const struct root *r = &s->roots[from->root];
	const struct second_group_rule rule = second_group_rule(r, (size_t)from->layer + 1);

	for (size_t i = 0; i < x->next_n; i++)
		for (size_t j = 0; j < y->next_n; j++) {
			const int64_t state =
				next_state(s, r, rule, from->state, (const size_t[]){x->next[i], y->next[j]});

			if (state >= 0)
				push_layer(s, parent, *from, (size_t)state);
		}
}

static void push_heads(struct best_first *s, uint32_t parent, const struct node *from)
{
	for (size_t h = 0; h < s->units; h++) {
		struct node k = *from;

		if (!(s->ask.units >> h & 1))
			continue;
		k.cost += head_cost(s, &s->roots[k.root], k.state, h);
		k.parent = parent;
		k.layer++;
		k.head = (uint16_t)h;
		add_block(s, &k, model_blocks(s->m) - 1, h);
		push_node(s, k);
	}
}

static void push_first_layers(struct best_first *s, size_t root)
{
	struct node k = {.layer = -1, .root = (uint16_t)root, .parent = NO_NODE};
	const struct root *r = &s->roots[root];
	const size_t e = r->embedding;

	if (s->m->ends) {
		k.cost = block_cost(s, 0, (const size_t[]){e, e, e}, COUNT_CHAIN);
		add_block(s, &k, 0, e);
	}
	for (size_t a = 0; a < s->group_states_n; a++)
		for (size_t b = 0; b < s->group_states_n; b++) {
			const int64_t state = first_state(s, r, (const size_t[]){a, b});

			if (state >= 0)
				push_layer(s, NO_NODE, k, (size_t)state);
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
		if (includes_phase_group(s, phase_group))
			f->sums[phase_group] = block_costs_sum(s->ask.block_costs, phase_group, f->at);
	VEC_ADD(&s->found, f);
}

const struct found *best_first_at(struct best_first *s, size_t i)
{
	while (s->found.n <= i && s->heap.n && !s->truncated) {
		const uint32_t node = node_heap_take(&s->heap);
		const struct node k = s->nodes.at[node];

		if ((size_t)k.layer == s->layers)
			add_found(s, node);
		else if ((size_t)k.layer == s->layers - 1)
			push_heads(s, node, &k);
		else
			expand(s, node, &k);
	}
	return i < s->found.n ? s->found.at[i] : NULL;
}

static void list_group_states(struct best_first *s)
{
	for (size_t u = 0; u < s->units; u++)
		for (unsigned visited = 0; visited < 1u << s->units; visited++)
			if ((visited & s->ask.units) == visited && visited >> u & 1 &&
			    (s->ask.kind & HAS_CUT || space_on_one(visited)))
				s->group_states[s->group_states_n++] =
					(struct group_state){.unit = (uint8_t)u, .visited = (uint8_t)visited};
	for (size_t i = 0; i < s->group_states_n; i++)
		for (size_t j = 0; j < s->group_states_n; j++)
			if (may_follow(&s->group_states[i], &s->group_states[j]))
				s->group_states[i].next[s->group_states[i].next_n++] = (uint8_t)j;
	s->states = s->group_states_n * s->group_states_n * 2;
}

/* The twins among the units that are to be used. */
static void list_twins(struct best_first *s)
{
	for (size_t u = 0; u < s->units; u++) {
		size_t before = s->ask.twins ? s->ask.twins[u] : WORLD_NONE;

		while (before != WORLD_NONE && !(s->ask.units >> before & 1))
			before = s->ask.twins[before];
		s->twin_before[u] = before;
	}
}

static void list_layers(struct best_first *s)
{
	s->layer_begin = arena_array(&s->arena, s->layers + 1, sizeof *s->layer_begin);
	for (size_t i = 0; i < s->layers; i++)
		s->layer_begin[i] = model_layer_begin(s->m, (int64_t)i);
	s->layer_begin[s->layers] = model_blocks(s->m) - 1;
}

static bool *layers_with(struct best_first *s, unsigned roles)
{
	bool *has = arena_array(&s->arena, s->layers, sizeof *has);

	for (size_t i = 0; i < s->layers; i++)
		has[i] = layer_has_roles(s->m, roles, i);
	return has;
}

static size_t first_true(const bool *of, size_t n)
{
	size_t i = 0;

	while (i < n && !of[i])
		i++;
	return i;
}

static void list_roots(struct best_first *s)
{
	struct split splits[SPLITS];
	size_t n = space_splits(s->m, splits);

	if (!(s->ask.kind & HAS_ROLES) && n > 1)
		n = 1; /* without HAS_ROLES all splits give the same layer maps */
	s->roots = arena_array(&s->arena, 2 * n * s->units, sizeof *s->roots);
	for (size_t i = 0; i < n; i++) {
		bool *has_second = layers_with(s, splits[i].second);

		for (size_t e = 0; e < s->units; e++)
			for (int embedding_apart = 0;
			     embedding_apart <= (s->m->ends && s->ask.kind & HAS_ENDS); embedding_apart++)
				if (s->ask.units >> e & 1 && in_order(s, 0, e))
					s->roots[s->roots_n++] = (struct root){
						.second = splits[i].second,
						.embedding = (uint8_t)e,
						.embedding_apart = embedding_apart != 0,
						.has_second = has_second,
						.first_second_layer = first_true(has_second, s->layers)};
	}
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
	list_layers(s);
	list_group_states(s);
	list_twins(s);
	list_roots(s);
	return s;
}

void best_first_begin(struct best_first *s)
{
	for (size_t i = 0; i < s->roots_n; i++) {
		struct root *r = &s->roots[i];

		if (i && r->second == r[-1].second)
			r->layers = r[-1].layers;
		else
			compute_layer_costs(s, r);
		list_live(s, r);
		compute_cost_to_go(s, r);
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
