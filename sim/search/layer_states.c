/* layer_states.c - see layer_states.h. */
#include "sim/search/layer_states.h"

#include <math.h>

#define NO_STATE UINT32_MAX

/* The index of a state: the positions of both groups, and whether they were on different devices in any
 * layer. */
static size_t state_index(const struct layer_states *s, size_t a, size_t b, bool apart)
{
	return ((a * s->group_states_n) + b) * 2 + apart;
}

/* ---- cost of blocks and layers ---- */

/* The cost of a block on v whose feed is on u; `before` is the unit of the block before it. */
double layer_states_block_cost(const struct layer_states *s, size_t block, const size_t u_v_before[3],
			       enum counted counted)
{
	const struct block_costs *p = s->ask.block_costs;
	const size_t v = u_v_before[1];
	double cost = 0;

	for (int phase_group = 0; phase_group < PHASE_GROUPS && counted != COUNT_NOTHING; phase_group++) {
		const double weight = s->ask.rate.phase_group[phase_group];
		double hop;

		if (!layer_states_has(s, phase_group))
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

/* The cost of a layer whose groups are on a and b, where the block before the layer is on u. */
static double layer_cost(const struct layer_states *s, const struct layer_root *r, size_t layer,
			 const size_t uab[3])
{
	const struct block_costs *p = s->ask.block_costs;
	const size_t begin = s->layer_begin[layer], end = s->layer_begin[layer + 1];
	size_t before = uab[0];
	double cost = 0;

	for (size_t i = begin; i < end; i++) {
		const enum role role = p->role[i];
		const size_t v = layer_states_unit(r, role, uab[1], uab[2]), from = p->feed[i];
		const size_t u = i > p->first && from >= begin
					 ? layer_states_unit(r, p->role[from], uab[1], uab[2])
					 : uab[0];

		cost += layer_states_block_cost(
			s, i, (const size_t[]){u, v, before},
			block_costs_count(role, u, v, layer_states_unit(r, ROLE_EXPERTS, uab[1], uab[2])));
		before = v;
	}
	return cost;
}

/* The unit that holds the output of a layer's last block. */
size_t layer_states_output(const struct layer_states *s, const struct layer_root *r, size_t layer,
			   size_t state)
{
	return layer_states_unit(r, s->ask.block_costs->role[s->layer_begin[layer + 1] - 1],
				 layer_states_first(s, state)->unit, layer_states_second(s, state)->unit);
}

double layer_states_layer_cost(const struct layer_states *s, const struct layer_root *r, size_t layer,
			       size_t before, size_t state)
{
	const size_t n = s->units, maps = n * n * n;

	return r->layers[layer * maps + (before * n + layer_states_first(s, state)->unit) * n +
			 layer_states_second(s, state)->unit];
}

/* The cost of the head on h and of returning the tokens; INFINITY if the layer map would not have the
 * units and features asked for. */
double layer_states_head_cost(const struct layer_states *s, const struct layer_root *r, size_t state,
			      size_t h)
{
	const struct block_costs *p = s->ask.block_costs;
	const size_t out = layer_states_output(s, r, s->layers - 1, state);
	const struct group_state *a = layer_states_first(s, state), *b = layer_states_second(s, state);
	const unsigned used = (unsigned)(a->visited | b->visited) | 1u << r->embedding | 1u << h;
	const unsigned kind = (a->visited & (a->visited - 1) || b->visited & (b->visited - 1) ? HAS_CUT : 0) |
			      (state % 2 ? HAS_ROLES : 0) | (r->embedding_apart || h != out ? HAS_ENDS : 0);
	double cost;

	if (used != s->ask.units || kind != s->ask.kind || (!s->m->ends && h != out))
		return INFINITY;
	cost = layer_states_block_cost(s, model_blocks(s->m) - 1, (const size_t[]){out, h, out}, COUNT_CHAIN);
	for (int phase_group = layer_states_has(s, 0) ? 0 : 1; phase_group < PHASE_GROUPS; phase_group++) {
		const double token = block_costs_token_between_s(p, phase_group, h, r->embedding);

		if (layer_states_has(s, 1))
			cost += isinf(token) ? token : s->ask.rate.phase_group[1] * token;
	}
	return cost;
}

static double least_head_cost(const struct layer_states *s, const struct layer_root *r, size_t state)
{
	double least = INFINITY;

	for (size_t h = 0; h < s->units; h++)
		if (s->ask.units >> h & 1)
			least = fmin(least, layer_states_head_cost(s, r, state, h));
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
static bool in_order(const struct layer_states *s, unsigned used, size_t unit)
{
	const size_t before = s->twin_before[unit];

	return used >> unit & 1 || before == WORLD_NONE || used >> before & 1;
}

static bool both_in_order(const struct layer_states *s, unsigned used, const size_t ab[2])
{
	const size_t a = s->group_states[ab[0]].unit, b = s->group_states[ab[1]].unit;

	return in_order(s, used, a) && in_order(s, used | 1u << a, b);
}

struct group_rule layer_states_rule(const struct layer_root *r, size_t layer)
{
	return (struct group_rule){r->has_second[layer],
				   r->has_second[layer] && layer > r->first_second_layer};
}

/* The state in which a layer's groups have the positions ab[0] and ab[1]; apart: they were on different devices in a layer
 * before. Returns -1 if the state is excluded. */
static int64_t state_of(const struct layer_states *s, bool has_second, const size_t ab[2], bool apart)
{
	apart |= has_second && s->group_states[ab[0]].unit != s->group_states[ab[1]].unit;
	return apart && !(s->ask.kind & HAS_ROLES) ? -1 : (int64_t)state_index(s, ab[0], ab[1], apart);
}

/* The state of a layer that follows a state of the layer before. */
int64_t layer_states_next(const struct layer_states *s, const struct layer_root *r, struct group_rule rule,
			  size_t from, const size_t ab[2])
{
	const struct group_state *a = layer_states_first(s, from), *b = layer_states_second(s, from);
	const bool stays = b == &s->group_states[ab[1]];

	if (!stays && !rule.moves)
		return -1;
	if (!both_in_order(s, (unsigned)(a->visited | b->visited) | 1u << r->embedding, ab))
		return -1;
	return state_of(s, rule.has, ab, from % 2);
}

/* The state of the first layer. */
int64_t layer_states_begin(const struct layer_states *s, const struct layer_root *r, const size_t ab[2])
{
	const struct group_state *a = &s->group_states[ab[0]], *b = &s->group_states[ab[1]];

	if (a->visited != 1u << a->unit || b->visited != 1u << b->unit ||
	    r->embedding_apart != (a->unit != r->embedding) || !both_in_order(s, 1u << r->embedding, ab))
		return -1;
	return state_of(s, r->has_second[0], ab, false);
}

static void add_live(struct layer_root *r, int64_t state)
{
	if (state < 0 || r->live_index[state] != NO_STATE)
		return;
	r->live_index[state] = (uint32_t)r->live_n;
	r->live[r->live_n++] = (uint32_t)state;
}

/* Adds the states that follow a state in a layer of some rule. */
static void add_live_after(const struct layer_states *s, struct layer_root *r, size_t state,
			   struct group_rule rule)
{
	const struct group_state *x = layer_states_first(s, state), *y = layer_states_second(s, state);

	for (size_t i = 0; i < x->next_n; i++)
		for (size_t j = 0; j < y->next_n; j++)
			add_live(r, layer_states_next(s, r, rule, state,
						      (const size_t[]){x->next[i], y->next[j]}));
}

static void list_live(struct layer_states *s, struct layer_root *r)
{
	r->live = arena_room(s->arena, s->states, sizeof *r->live);
	r->live_index = arena_room(s->arena, s->states, sizeof *r->live_index);
	for (size_t i = 0; i < s->states; i++)
		r->live_index[i] = NO_STATE;
	for (size_t a = 0; a < s->group_states_n; a++)
		for (size_t b = 0; b < s->group_states_n; b++)
			add_live(r, layer_states_begin(s, r, (const size_t[]){a, b}));
	for (size_t i = 0; i < r->live_n; i++) {
		add_live_after(s, r, r->live[i], (struct group_rule){false, false});
		add_live_after(s, r, r->live[i], (struct group_rule){true, false});
		add_live_after(s, r, r->live[i], (struct group_rule){true, true});
	}
}

static void compute_layer_costs(struct layer_states *s, struct layer_root *r)
{
	const size_t n = s->units, maps = n * n * n;

	r->layers = arena_room(s->arena, s->layers * maps, sizeof *r->layers);
	for (size_t l = 0; l < s->layers; l++)
		for (size_t i = 0; i < maps; i++)
			r->layers[l * maps + i] =
				layer_cost(s, r, l, (const size_t[]){i / n / n, i / n % n, i % n});
}

double layer_states_to_go(const struct layer_root *r, size_t layer, size_t state)
{
	return r->cost_to_go[layer * r->live_n + r->live_index[state]];
}

static double least_cost_to_go(const struct layer_states *s, const struct layer_root *r, size_t layer,
			       size_t state)
{
	const struct group_state *x = layer_states_first(s, state), *y = layer_states_second(s, state);
	const struct group_rule rule = layer_states_rule(r, layer + 1);
	const size_t out = layer_states_output(s, r, layer, state);
	double least = INFINITY;

	for (size_t i = 0; i < x->next_n; i++)
		for (size_t j = 0; j < y->next_n; j++) {
			const int64_t next = layer_states_next(s, r, rule, state,
							       (const size_t[]){x->next[i], y->next[j]});
			double cost;

			if (next < 0)
				continue;
			cost = layer_states_layer_cost(s, r, layer + 1, out, (size_t)next) +
			       layer_states_to_go(r, layer + 1, (size_t)next);
			least = cost < least ? cost : least;
		}
	return least;
}

static void compute_cost_to_go(struct layer_states *s, struct layer_root *r)
{
	r->cost_to_go = arena_room(s->arena, s->layers * r->live_n, sizeof *r->cost_to_go);
	for (size_t i = 0; i < r->live_n; i++)
		r->cost_to_go[(s->layers - 1) * r->live_n + i] = least_head_cost(s, r, r->live[i]);
	for (size_t l = s->layers - 1; l-- > 0;)
		for (size_t i = 0; i < r->live_n; i++)
			r->cost_to_go[l * r->live_n + i] = least_cost_to_go(s, r, l, r->live[i]);
}

static void list_group_states(struct layer_states *s)
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
static void list_twins(struct layer_states *s)
{
	for (size_t u = 0; u < s->units; u++) {
		size_t before = s->ask.twins ? s->ask.twins[u] : WORLD_NONE;

		while (before != WORLD_NONE && !(s->ask.units >> before & 1))
			before = s->ask.twins[before];
		s->twin_before[u] = before;
	}
}

static void list_layers(struct layer_states *s)
{
	s->layer_begin = arena_array(s->arena, s->layers + 1, sizeof *s->layer_begin);
	for (size_t i = 0; i < s->layers; i++)
		s->layer_begin[i] = model_layer_begin(s->m, (int64_t)i);
	s->layer_begin[s->layers] = model_blocks(s->m) - 1;
}

static bool *layers_with(struct layer_states *s, unsigned roles)
{
	bool *has = arena_array(s->arena, s->layers, sizeof *has);

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

static void list_roots(struct layer_states *s)
{
	struct split splits[SPLITS];
	size_t n = space_splits(s->m, splits);

	if (!(s->ask.kind & HAS_ROLES) && n > 1)
		n = 1; /* without HAS_ROLES all splits give the same layer maps */
	s->roots = arena_array(s->arena, 2 * n * s->units, sizeof *s->roots);
	for (size_t i = 0; i < n; i++) {
		bool *has_second = layers_with(s, splits[i].second);

		for (size_t e = 0; e < s->units; e++)
			for (int embedding_apart = 0;
			     embedding_apart <= (s->m->ends && s->ask.kind & HAS_ENDS); embedding_apart++)
				if (s->ask.units >> e & 1 && in_order(s, 0, e))
					s->roots[s->roots_n++] = (struct layer_root){
						.second = splits[i].second,
						.embedding = (uint8_t)e,
						.embedding_apart = embedding_apart != 0,
						.has_second = has_second,
						.first_second_layer = first_true(has_second, s->layers)};
	}
}

void layer_states_make(struct layer_states *s, struct arena *a, const struct best_first_ask *ask)
{
	BUG_ON(ask->block_costs->units > EXACT_UNITS);
	*s = (struct layer_states){
		.ask = *ask, .arena = a, .m = ask->block_costs->w->model, .units = ask->block_costs->units};
	s->layers = (size_t)s->m->layers;
	list_layers(s);
	list_group_states(s);
	list_twins(s);
	list_roots(s);
}

void layer_states_compute(struct layer_states *s, size_t root)
{
	struct layer_root *r = &s->roots[root];

	if (root && r->second == r[-1].second)
		r->layers = r[-1].layers;
	else
		compute_layer_costs(s, r);
	list_live(s, r);
	compute_cost_to_go(s, r);
}
