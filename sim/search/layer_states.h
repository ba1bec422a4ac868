/*
 * layer_states.h - the states that a layer map goes through from layer to layer, what each layer costs in them, and the least
 * that all after it cost: a dynamic program, which is the bound of the best-first search.
 *
 * Layer search; for best_first.c. A state is the positions of both groups of roles in a layer. Costs are in the units of the
 * rate that is asked for. Everything lives in the arena.
 */
#ifndef SIM_SEARCH_LAYER_STATES_H
#define SIM_SEARCH_LAYER_STATES_H
#include "sim/search/best_first.h"

struct group_state { /* the position of one group of roles */
	/* its device; visited: devices used so far, as bits, `unit` included */
	uint8_t unit, visited;
	/* indices of the positions possible in the next layer, this one included */
	uint8_t next[EXACT_UNITS], next_n;
};

/* A root of the search: the roles of the second group and the device of the embedding. */
struct layer_root {
	unsigned second;
	uint8_t embedding;
	bool embedding_apart;      /* the embedding is not on the device of the first layer */
	bool *has_second;          /* [layer]: it has a role of the second group */
	size_t first_second_layer; /* the first such layer */
	uint32_t *live,
		*live_index; /* the states that can be reached; [state]: its index among them, UINT32_MAX: none */
	size_t live_n;
	double *cost_to_go; /* [layer * live_n + index]: least cost of the later layers and the head */
	double *layers;     /* [layer * maps + (unit before * units + first group) * units + second group] */
};

struct layer_states {
	struct best_first_ask ask;
	struct arena *arena;
	const struct model *m;
	size_t units, layers, states;
	size_t *layer_begin; /* [layer], and the head's block after the last */
	struct group_state group_states[EXACT_UNITS << (EXACT_UNITS - 1)];
	size_t group_states_n;
	size_t twin_before
		[EXACT_UNITS]; /* [unit]: the last twin before it that is to be used, too; WORLD_NONE: none */
	struct layer_root *roots;
	size_t roots_n;
};

/* What the second group may do in a layer: nothing where the layer has none of its roles; it does not move up to its first
 * layer. */
struct group_rule {
	bool has, moves;
};

/* Lists the states and the roots; layer_states_compute() then computes a root's costs, the roots in their order. */
void layer_states_make(struct layer_states *s, struct arena *a, const struct best_first_ask *ask);
void layer_states_compute(struct layer_states *s, size_t root);

/* The positions of the two groups of roles in a state. */
static inline const struct group_state *layer_states_first(const struct layer_states *s, size_t state)
{
	return &s->group_states[state / 2 / s->group_states_n];
}

static inline const struct group_state *layer_states_second(const struct layer_states *s, size_t state)
{
	return &s->group_states[state / 2 % s->group_states_n];
}

/* Whether the bound is of this phase group, too. */
static inline bool layer_states_has(const struct layer_states *s, int phase_group)
{
	return s->ask.phase_groups >> phase_group & 1;
}

/* The device of a role, where its group is on a or b. */
static inline size_t layer_states_unit(const struct layer_root *r, enum role role, size_t a, size_t b)
{
	return r->second >> role & 1 ? b : a;
}

/* The unit that holds the output of a layer's last block. */
size_t layer_states_output(const struct layer_states *s, const struct layer_root *r, size_t layer,
			   size_t state);
/* The state of the first layer in which the groups have the positions ab[0] and ab[1], and of a layer that follows a state of
 * the layer before; -1: it is excluded. */
int64_t layer_states_begin(const struct layer_states *s, const struct layer_root *r, const size_t ab[2]);
int64_t layer_states_next(const struct layer_states *s, const struct layer_root *r, struct group_rule rule,
			  size_t from, const size_t ab[2]);
/* The rule of a layer after the first. */
struct group_rule layer_states_rule(const struct layer_root *r, size_t layer);

/* The cost of a block on v whose feed is on u; `before` is the unit of the block before it. */
double layer_states_block_cost(const struct layer_states *s, size_t block, const size_t u_v_before[3],
			       enum counted counted);
/* The cost of a layer in a state, where the block before the layer is on that unit. */
double layer_states_layer_cost(const struct layer_states *s, const struct layer_root *r, size_t layer,
			       size_t before, size_t state);
/* The cost of the head on h and of returning the tokens; INFINITY if the layer map would not have the units and features
 * asked for. */
double layer_states_head_cost(const struct layer_states *s, const struct layer_root *r, size_t state,
			      size_t h);
/* The least cost of the later layers and the head. */
double layer_states_to_go(const struct layer_root *r, size_t layer, size_t state);

#endif
