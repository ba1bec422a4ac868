/* anneal_state.c - see anneal_state.h. */
#include "sim/search/anneal_state.h"

#include <math.h>
#include <string.h>

#include "sim/search/twins.h"

static void list_twins(struct anneal_space *s)
{
	twins_find(s->w, s->twins);
	for (size_t u = 0; u < s->w->units_n; u++) {
		const size_t before = s->twins[u];

		s->next_twin[u] = SPACE_UNITS;
		s->first_twin[u] = before == WORLD_NONE ? (uint8_t)u : s->first_twin[before];
		if (before != WORLD_NONE)
			s->next_twin[before] = (uint8_t)u;
	}
}

void anneal_space_make(struct arena *a, const struct world *w, size_t variants, struct anneal_space *s)
{
	struct unit_set all;

	*s = (struct anneal_space){.w = w,
				   .variants_n = variants,
				   .layers = (size_t)w->model->layers,
				   .blocks = model_blocks(w->model)};
	s->splits_n = space_splits(w->model, s->splits);
	list_twins(s);
	all = unit_set_all(w->units_n);
	s->all_joined = !space_unjoined(w, &all);
	s->has = arena_array(a, s->layers, sizeof *s->has);
	s->role = arena_array(a, s->blocks, sizeof *s->role);
	s->layer = arena_array(a, s->blocks, sizeof *s->layer);
	for (size_t b = 0; b < s->blocks; b++) {
		const struct block k = model_block(w->model, b);

		s->role[b] = (uint8_t)k.part.role;
		s->layer[b] = (int32_t)k.layer;
		if (k.layer >= 0)
			s->has[k.layer] |= 1u << k.part.role;
	}
}

/* ---- from a state to a layer map ---- */

static void fill_ranges(const struct range_list *r, uint8_t *unit)
{
	for (size_t i = 0; i < r->n; i++) {
		memset(unit, r->at[i].unit, (size_t)r->at[i].layers);
		unit += r->at[i].layers;
	}
}

/* In a layer that has no role of the group, the group keeps its device of the layer before. */
static void fill_gaps(const struct anneal_space *s, unsigned roles, uint8_t *unit)
{
	size_t first = 0;

	while (first < s->layers && !(s->has[first] & roles))
		first++;
	for (size_t i = 0; i < first && first < s->layers; i++)
		unit[i] = unit[first];
	for (size_t i = first + 1; i < s->layers; i++)
		if (!(s->has[i] & roles))
			unit[i] = unit[i - 1];
}

void anneal_state_layer_map(const struct anneal_space *s, const struct anneal_phase_group *phase_group,
			    struct layer_map *out, uint8_t *at)
{
	const bool ends = s->w->model->ends;
	const size_t last = s->blocks - 1;

	out->second = s->splits[phase_group->roles_split ? phase_group->split : 0].second;
	fill_ranges(&phase_group->group[0], out->unit[0]);
	fill_ranges(&phase_group->group[phase_group->roles_split ? 1 : 0], out->unit[1]);
	if (phase_group->roles_split)
		fill_gaps(s, out->second, out->unit[1]);
	for (size_t b = 1; b < last; b++)
		at[b] = out->unit[out->second >> s->role[b] & 1][s->layer[b]];
	at[0] = out->embedding =
		ends && phase_group->embedding != WITH_LAYER ? phase_group->embedding : at[1];
	at[last] = out->head = ends && phase_group->head != WITH_LAYER ? phase_group->head : at[last - 1];
}

unsigned anneal_state_kind(const struct anneal_space *s, const struct layer_map *l, const uint8_t *at)
{
	int before[GROUPS] = {-1, -1};
	unsigned kind = 0;

	for (size_t i = 0; i < s->layers; i++) {
		const bool both = s->has[i] & l->second;

		for (int g = 0; g < (both ? GROUPS : 1); g++) {
			kind |= before[g] >= 0 && l->unit[g][i] != before[g] ? HAS_CUT : 0;
			before[g] = l->unit[g][i];
		}
		kind |= both && l->unit[0][i] != l->unit[1][i] ? HAS_ROLES : 0;
	}
	return kind | (at[0] != at[1] || at[s->blocks - 1] != at[s->blocks - 2] ? HAS_ENDS : 0);
}

/* ---- initial states ---- */

struct anneal_state anneal_state_alone(const struct anneal_space *s, size_t unit)
{
	struct anneal_state p = {.variant = 0};

	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		struct anneal_phase_group *l = &p.phase_group[phase_group];

		l->embedding = l->head = WITH_LAYER;
		for (int g = 0; g < GROUPS; g++) {
			l->group[g].n = 1;
			l->group[g].at[0] = (struct range){(uint8_t)unit, (int32_t)s->layers};
		}
	}
	return p;
}

static void copy_phase_group(const struct anneal_phase_group *from, struct anneal_phase_group *to)
{
	for (int g = 0; g < GROUPS; g++) {
		to->group[g].n = from->group[g].n;
		for (size_t i = 0; i < from->group[g].n; i++)
			to->group[g].at[i] = from->group[g].at[i];
	}
	to->roles_split = from->roles_split;
	to->split = from->split;
	to->embedding = from->embedding;
	to->head = from->head;
}

void anneal_state_copy(const struct anneal_state *from, struct anneal_state *to)
{
	to->variant = from->variant;
	to->phases_split = from->phases_split;
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		copy_phase_group(&from->phase_group[phase_group], &to->phase_group[phase_group]);
}

static size_t ranges_of(const struct anneal_state *p)
{
	size_t n = 0;

	for (int i = 0; i < PHASE_GROUPS; i++)
		for (int g = 0; g < GROUPS; g++)
			n += p->phase_group[i].group[g].n;
	return n;
}

struct packed_state *anneal_state_pack(struct arena *a, struct packed_state *old,
				       const struct anneal_state *p)
{
	const size_t n = ranges_of(p);
	struct packed_state *to =
		old && old->room >= n ? old : arena_alloc(a, sizeof *to + n * sizeof *to->at);
	struct range *at = to->at;

	to->room = to == old ? old->room : n;
	to->variant = p->variant;
	to->phases_split = p->phases_split;
	for (int i = 0; i < PHASE_GROUPS; i++) {
		const struct anneal_phase_group *from = &p->phase_group[i];

		to->phase_group[i] = (struct packed_group){{from->group[0].n, from->group[1].n},
							   from->roles_split,
							   from->split,
							   from->embedding,
							   from->head};
		for (int g = 0; g < GROUPS; g++)
			for (size_t k = 0; k < from->group[g].n; k++)
				*at++ = from->group[g].at[k];
	}
	return to;
}

void anneal_state_unpack(const struct packed_state *from, struct anneal_state *to)
{
	const struct range *at = from->at;

	to->variant = from->variant;
	to->phases_split = from->phases_split;
	for (int i = 0; i < PHASE_GROUPS; i++) {
		const struct packed_group *k = &from->phase_group[i];
		struct anneal_phase_group *own = &to->phase_group[i];

		own->roles_split = k->roles_split;
		own->split = k->split;
		own->embedding = k->embedding;
		own->head = k->head;
		for (int g = 0; g < GROUPS; g++) {
			own->group[g].n = k->n[g];
			for (size_t r = 0; r < k->n[g]; r++)
				own->group[g].at[r] = *at++;
		}
	}
}

static bool joins_all(const struct anneal_space *s, const struct range_list *r, size_t unit)
{
	const struct unit *units = s->w->units;

	for (size_t i = 0; i < r->n && !s->all_joined; i++) {
		const size_t a = units[r->at[i].unit].machine, b = units[unit].machine;

		if (a != b && world_link_use(s->w, a, b) == WORLD_NONE)
			return false;
	}
	return true;
}

/* The fastest of the units that is joined to all of the list; WORLD_NONE if there is none. */
static size_t next_unit(const struct anneal_space *s, const struct unit_set *units,
			const struct range_list *r, const double *speed)
{
	size_t next = WORLD_NONE;

	for (size_t u = 0; u < s->w->units_n; u++)
		if (unit_set_has(units, u) && (next == WORLD_NONE || speed[u] > speed[next]) &&
		    joins_all(s, r, u))
			next = u;
	return next;
}

/* Divides the layers over the devices of a list in proportion to their speeds, which are `sum` together. */
static void divide_layers(const struct anneal_space *s, struct range_list *r, const double *speed, double sum)
{
	double before = 0;
	int32_t assigned = 0;

	for (size_t i = 0; i < r->n; i++) {
		/* each later device needs at least one layer */
		const int32_t behind = (int32_t)(r->n - 1 - i);
		int32_t until;

		before += speed[r->at[i].unit];
		until = (int32_t)lround((double)s->layers * before / sum);
		until = until > (int32_t)s->layers - behind ? (int32_t)s->layers - behind : until;
		until = until > assigned ? until : assigned + 1;
		r->at[i].layers = (i + 1 < r->n ? until : (int32_t)s->layers) - assigned;
		assigned += r->at[i].layers;
	}
}

/* `first`, and then of `units` those that follow it. */
static struct anneal_state divided(const struct anneal_space *s, size_t first, struct unit_set units,
				   const double *speed)
{
	struct anneal_state p = anneal_state_alone(s, first);
	struct range_list r = {.n = 1, .at = {{(uint8_t)first, 1}}};
	double sum = speed[first];

	unit_set_drop(&units, first);
	for (size_t next; r.n < s->layers && (next = next_unit(s, &units, &r, speed)) != WORLD_NONE; r.n++) {
		r.at[r.n].unit = (uint8_t)next;
		unit_set_drop(&units, next);
		sum += speed[next];
	}
	divide_layers(s, &r, speed, sum);
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		for (int g = 0; g < GROUPS; g++)
			p.phase_group[phase_group].group[g] = r;
	return p;
}

struct anneal_state anneal_state_by_speed(const struct anneal_space *s, size_t first, const double *speed)
{
	return divided(s, first, unit_set_all(s->w->units_n), speed);
}

struct anneal_state anneal_state_over(const struct anneal_space *s, const struct unit_set *units,
				      const double *speed)
{
	const struct range_list none = {.n = 0};

	return divided(s, next_unit(s, units, &none, speed), *units, speed);
}

/* ---- equal machines ---- */

struct exchange { /* of units for their twins, as far as it is decided */
	const struct anneal_space *space;
	struct unit_set decided;
	uint8_t to[SPACE_UNITS];
	struct unit_set taken;     /* first twins that a unit has become */
	uint8_t next[SPACE_UNITS]; /* [first twin]: which of its twins is the next, once it is taken itself */
};

/* A unit becomes the first of its twins that none has become yet. */
static void exchange_unit(struct exchange *x, uint8_t *unit)
{
	const uint8_t first = x->space->first_twin[*unit];

	if (!unit_set_has(&x->decided, *unit)) {
		const uint8_t to = unit_set_has(&x->taken, first) ? x->next[first] : first;

		unit_set_add(&x->decided, *unit);
		x->to[*unit] = to;
		unit_set_add(&x->taken, first);
		x->next[first] = x->space->next_twin[to];
	}
	*unit = x->to[*unit];
}

static void exchange_phase_group(struct exchange *x, struct anneal_phase_group *l)
{
	for (int g = 0; g < (l->roles_split ? GROUPS : 1); g++)
		for (size_t i = 0; i < l->group[g].n; i++)
			exchange_unit(x, &l->group[g].at[i].unit);
	if (l->embedding != WITH_LAYER)
		exchange_unit(x, &l->embedding);
	if (l->head != WITH_LAYER)
		exchange_unit(x, &l->head);
}

void anneal_state_order_twins(const struct anneal_space *s, struct anneal_state *p)
{
	struct exchange x;

	x.space = s;
	x.decided = x.taken = (struct unit_set){{0}};
	for (int i = 0; i < (p->phases_split ? PHASE_GROUPS : 1); i++)
		exchange_phase_group(&x, &p->phase_group[i]);
}

/* ---- moves ---- */

static size_t draw(struct rng *rng, size_t n)
{
	return (size_t)(rng_uniform(rng) * (double)n);
}

static void remove_range(struct range_list *r, size_t i)
{
	memmove(&r->at[i], &r->at[i + 1], (r->n - i - 1) * sizeof r->at[0]);
	r->n--;
}

/* Moves layers from a range to an adjacent one; a range that becomes empty is removed. */
static bool shift_cut(const struct anneal_space *s, struct range_list *r, struct rng *rng)
{
	size_t from, to;
	int32_t layers;

	(void)s;
	if (r->n < 2)
		return false;
	from = draw(rng, r->n - 1);
	to = from + 1;
	if (draw(rng, 2)) {
		to = from;
		from = to + 1;
	}
	layers = 1 << draw(rng, 4);
	layers = layers < r->at[from].layers ? layers : r->at[from].layers;
	r->at[from].layers -= layers;
	r->at[to].layers += layers;
	if (!r->at[from].layers)
		remove_range(r, from);
	return true;
}

/* Exchanges the devices of two ranges, or replaces a device by one that is not in the list. */
static bool swap_units(const struct anneal_space *s, struct range_list *r, struct rng *rng)
{
	const size_t i = draw(rng, r->n);
	const uint8_t was = r->at[i].unit, now = (uint8_t)draw(rng, s->w->units_n);

	for (size_t j = 0; j < r->n; j++)
		if (r->at[j].unit == now)
			r->at[j].unit = was;
	r->at[i].unit = now;
	return now != was;
}

/* Adds a device, which takes some layers from the range before or behind it. */
static bool add_unit(const struct anneal_space *s, struct range_list *r, struct rng *rng)
{
	const uint8_t unit = (uint8_t)draw(rng, s->w->units_n);
	const size_t i = draw(rng, r->n), behind = draw(rng, 2);
	int32_t layers;

	for (size_t j = 0; j < r->n; j++)
		if (r->at[j].unit == unit)
			return false;
	if (r->at[i].layers < 2)
		return false;
	layers = 1 + (int32_t)draw(rng, (size_t)r->at[i].layers - 1);
	r->at[i].layers -= layers;
	memmove(&r->at[i + behind + 1], &r->at[i + behind], (r->n - i - behind) * sizeof r->at[0]);
	r->at[i + behind] = (struct range){unit, layers};
	r->n++;
	return true;
}

/* Removes a device; an adjacent range takes its layers. */
static bool drop_unit(const struct anneal_space *s, struct range_list *r, struct rng *rng)
{
	const size_t i = draw(rng, r->n), behind = draw(rng, 2);
	size_t to;

	(void)s;
	if (r->n < 2)
		return false;
	to = i == 0 || (behind && i + 1 < r->n) ? i + 1 : i - 1;
	r->at[to].layers += r->at[i].layers;
	remove_range(r, i);
	return true;
}

static bool move_range(const struct anneal_space *s, struct anneal_phase_group *l, struct rng *rng)
{
	static bool (*const moves[])(const struct anneal_space *s, struct range_list *r, struct rng *rng) = {
		shift_cut, shift_cut, shift_cut, swap_units, add_unit, drop_unit};
	/* drawn in a statement of its own: the order of draws must not depend on the compiler */
	const size_t group = l->roles_split ? draw(rng, GROUPS) : 0;

	return moves[draw(rng, ARRAY_LEN(moves))](s, &l->group[group], rng);
}

/* Joins the two groups of roles, or splits them; after a split the second group begins as a copy of the
 * first with one move, or on one device. */
static bool split_roles(const struct anneal_space *s, struct anneal_phase_group *l, struct rng *rng)
{
	l->roles_split = !l->roles_split;
	if (!l->roles_split) {
		l->group[0] = l->group[draw(rng, GROUPS)];
		return true;
	}
	l->split = (uint8_t)draw(rng, s->splits_n);
	l->group[1] = l->group[0];
	if (draw(rng, 2))
		return move_range(s, l, rng);
	l->group[1].n = 1;
	l->group[1].at[0] = (struct range){(uint8_t)draw(rng, s->w->units_n), (int32_t)s->layers};
	return true;
}

static bool move_end(const struct anneal_space *s, struct anneal_phase_group *l, struct rng *rng)
{
	uint8_t *end = draw(rng, 2) ? &l->head : &l->embedding;
	const uint8_t was = *end;

	*end = draw(rng, 2) ? WITH_LAYER : (uint8_t)draw(rng, s->w->units_n);
	return s->w->model->ends && *end != was;
}

static bool split_phase_groups(const struct anneal_space *s, struct anneal_state *p, struct rng *rng)
{
	struct anneal_phase_group alone;

	p->phases_split = !p->phases_split;
	if (!p->phases_split) {
		p->phase_group[0] = p->phase_group[draw(rng, PHASE_GROUPS)];
		return true;
	}
	p->phase_group[1] = p->phase_group[0];
	if (draw(rng, 2))
		return move_range(s, &p->phase_group[draw(rng, PHASE_GROUPS)], rng);
	alone = anneal_state_alone(s, draw(rng, s->w->units_n)).phase_group[0];
	p->phase_group[draw(rng, PHASE_GROUPS)] = alone;
	return true;
}

static bool move_variant(const struct anneal_space *s, struct anneal_state *p, struct rng *rng)
{
	const size_t was = p->variant;

	p->variant = draw(rng, s->variants_n);
	return p->variant != was;
}

bool anneal_state_move(const struct anneal_space *s, struct anneal_state *p, struct rng *rng)
{
	const double drawn = rng_uniform(rng);
	struct anneal_phase_group *l = &p->phase_group[p->phases_split ? draw(rng, PHASE_GROUPS) : 0];

	if (drawn < 0.7)
		return move_range(s, l, rng);
	if (drawn < 0.8)
		return split_roles(s, l, rng);
	if (drawn < 0.9)
		return move_end(s, l, rng);
	return drawn < 0.95 ? split_phase_groups(s, p, rng) : move_variant(s, p, rng);
}
