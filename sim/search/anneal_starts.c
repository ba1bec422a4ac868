/* anneal_starts.c - see anneal_starts.h. */
#include "sim/search/anneal_starts.h"

#include <math.h>
#include <string.h>

void anneal_starts_speeds(const struct block_costs *p, const struct metric_info *minimized, double *speed)
{
	const struct unit_set all = unit_set_all(p->units);
	const struct rate r = goal_rate(p, minimized, &all);

	for (size_t u = 0; u < p->units; u++) {
		double cost = 0;

		for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
			for (size_t b = 0; b < p->blocks; b++)
				cost += (r.phase_group[phase_group] + r.busiest[phase_group] + r.busy[u] +
					 goal_tie) *
					p->busy_s[phase_group][b * p->units + u];
		speed[u] = 1 / fmax(cost, 1e-300);
	}
}

static size_t twins_of(const struct anneal_space *space, size_t first)
{
	size_t n = 1;

	for (size_t u = first; space->next_twin[u] != SPACE_UNITS; u = space->next_twin[u])
		n++;
	return n;
}

/* Puts a unit among the fastest; of equally fast ones the first comes first. */
static void add_kind(struct anneal_starts *s, uint8_t unit, const double *speed)
{
	size_t at = s->kinds_n;

	if (s->kinds_n < STARTS_KINDS)
		s->kinds_n++;
	else
		s->all_kinds = false;
	while (at > 0 && speed[s->kinds[at - 1]] < speed[unit]) {
		if (at < STARTS_KINDS)
			s->kinds[at] = s->kinds[at - 1];
		at--;
	}
	if (at < STARTS_KINDS)
		s->kinds[at] = unit;
}

/* In the order of their numbers, so that few are taken as they stand. */
static void sort_kinds(struct anneal_starts *s)
{
	for (size_t i = 1; i < s->kinds_n; i++)
		for (size_t k = i; k > 0 && s->kinds[k] < s->kinds[k - 1]; k--) {
			const uint8_t moved = s->kinds[k];

			s->kinds[k] = s->kinds[k - 1];
			s->kinds[k - 1] = moved;
		}
}

/* 0, 1, 2 ... n, in steps of a share of what there is so far. Returns how many there are. */
static size_t list_levels(uint8_t *levels, size_t n, double step)
{
	size_t k = 0;

	for (size_t number = 0; number < n && k + 1 < STARTS_LEVELS; k++) {
		const size_t more = (size_t)((double)number * step);

		levels[k] = (uint8_t)number;
		number += more > 1 ? more : 1;
	}
	levels[k] = (uint8_t)n;
	return k + 1;
}

static double sets(const struct anneal_starts *s)
{
	double n = 1;

	for (size_t i = 0; i < s->kinds_n; i++)
		n *= (double)s->levels_n[i];
	return n;
}

/* Steps grow until there are few enough sets; at last a kind is left out or taken whole. */
static void choose_levels(struct anneal_starts *s)
{
	static const double steps[] = {0.25, 0.5, 1, 3, 255};

	for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
		for (size_t i = 0; i < s->kinds_n; i++)
			s->levels_n[i] = list_levels(s->levels[i], twins_of(s->space, s->kinds[i]), steps[k]);
		if (sets(s) <= STARTS_SETS)
			return;
	}
}

void anneal_starts_make(struct anneal_starts *s, const struct anneal_space *space, const double *speed)
{
	bool twins = false;

	*s = (struct anneal_starts){.space = space, .all_kinds = true};
	for (size_t u = 0; u < space->w->units_n; u++) {
		if (space->first_twin[u] == u)
			add_kind(s, (uint8_t)u, speed);
		twins |= space->first_twin[u] != u;
	}
	sort_kinds(s);
	if (twins)
		choose_levels(s);
}

static bool turn_odometer(struct anneal_starts *s)
{
	size_t i = 0;

	while (i < s->kinds_n && ++s->at[i] >= s->levels_n[i])
		s->at[i++] = 0;
	return i < s->kinds_n;
}

bool anneal_starts_next(struct anneal_starts *s, struct unit_set *out)
{
	do {
		if (!turn_odometer(s))
			return false;
		memset(out, 0, sizeof *out);
		for (size_t i = 0; i < s->kinds_n; i++) {
			size_t u = s->kinds[i];

			for (size_t n = s->levels[i][s->at[i]]; n > 0; n--, u = s->space->next_twin[u])
				unit_set_add(out, u);
		}
	} while (unit_set_on_one(out));
	return true;
}

void start_list_keep(struct start_list *s, size_t most, const struct anneal_state *p,
		     const struct unit_set *units, double energy)
{
	size_t at = 0;

	while (at < s->n && !unit_set_same(&s->at[at].units, units))
		at++;
	if (at < s->n && energy >= s->at[at].energy)
		return;
	s->n += at == s->n && at < most;

	for (; at > 0 && energy < s->at[at - 1].energy; at--)
		if (at < most)
			s->at[at] = s->at[at - 1];
	if (at < most)
		s->at[at] = (struct start){*p, *units, energy};
}
