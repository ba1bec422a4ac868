/* pipelines.c - see pipelines.h. */
#include "sim/search/pipelines.h"

#include <math.h>

#include "sim/search/search_job.h"

/* ---- the order of the network ---- */

/* Seconds of a transfer between two layers; INFINITY: the machines are not joined. */
static double apart_s(const struct pipelines *p, size_t u, size_t v)
{
	return block_costs_hop_s(p->costs, 0, p->costs->blocks / 2, (const size_t[]){u, v, u});
}

static size_t nearest(const struct pipelines *p, const struct unit_set *left, size_t from)
{
	size_t found = WORLD_NONE;

	for (size_t u = 0; u < p->costs->units; u++)
		if (unit_set_has(left, u) &&
		    (found == WORLD_NONE || apart_s(p, from, u) < apart_s(p, from, found)))
			found = u;
	return found;
}

/* From a unit on always to the nearest that is left. Returns the seconds between all. */
static double walk(const struct pipelines *p, size_t first, uint8_t *order)
{
	struct unit_set left = unit_set_all(p->costs->units);
	double sum = 0;

	order[0] = (uint8_t)first;
	unit_set_drop(&left, first);
	for (size_t i = 1; i < p->costs->units; i++) {
		order[i] = (uint8_t)nearest(p, &left, order[i - 1]);
		unit_set_drop(&left, order[i]);
		sum += apart_s(p, order[i - 1], order[i]);
	}
	return sum;
}

/* A walk from the middle of a chain ends at one of its ends, from which a second walk goes through all of it. */
static void order_network(struct pipelines *p)
{
	uint8_t again[SPACE_UNITS];
	const double sum = walk(p, 0, p->network);

	if (walk(p, p->network[p->costs->units - 1], again) < sum)
		memcpy(p->network, again, p->costs->units);
}

/* ---- classes of devices ---- */

static bool is_faster(const struct pipelines *p, const double *memory, size_t u, size_t v)
{
	return p->speed[u] != p->speed[v] ? p->speed[u] > p->speed[v] : memory[u] > memory[v];
}

static void sort_by_class(struct pipelines *p, const double *memory)
{
	for (size_t i = 0; i < p->costs->units; i++) {
		size_t at = i;

		for (; at > 0 && is_faster(p, memory, p->network[i], p->fast[at - 1]); at--)
			p->fast[at] = p->fast[at - 1];
		p->fast[at] = p->network[i];
	}
	for (size_t i = 0; i < p->costs->units; i++)
		if (!i || is_faster(p, memory, p->fast[i - 1], p->fast[i]))
			p->class_begin[p->classes_n++] = i;
	p->class_begin[p->classes_n] = p->costs->units;
}

void pipelines_make(struct pipelines *p, const struct anneal_space *space, const struct block_costs *costs,
		    const double *speed, const double *memory)
{
	*p = (struct pipelines){.space = space, .costs = costs, .speed = speed};
	order_network(p);
	sort_by_class(p, memory);
}

/* ---- sets ---- */

static bool has_class(const struct pipelines *p, size_t class)
{
	return p->classes_n > PIPELINE_CLASSES ? class < p->subset : p->subset >> class & 1;
}

static bool next_subset(struct pipelines *p)
{
	const size_t last = p->classes_n > PIPELINE_CLASSES ? p->classes_n : ((size_t)1 << p->classes_n) - 1;

	if (p->subset++ >= last)
		return false;
	for (size_t c = 0; c < p->classes_n; c++)
		p->slowest_at = has_class(p, c) ? c : p->slowest_at;
	p->slowest_n = 0;
	return true;
}

static bool next_number(struct pipelines *p)
{
	if (!p->subset || p->slowest_n == p->class_begin[p->slowest_at + 1] - p->class_begin[p->slowest_at])
		if (!next_subset(p))
			return false;
	p->slowest_n++;
	return true;
}

bool pipelines_next(struct pipelines *p, struct unit_set *out)
{
	do {
		if (!next_number(p))
			return false;
		*out = (struct unit_set){{0}};
		for (size_t c = 0; c <= p->slowest_at; c++) {
			const size_t begin = p->class_begin[c];
			const size_t end = c == p->slowest_at ? begin + p->slowest_n : p->class_begin[c + 1];

			for (size_t i = begin; i < end && has_class(p, c); i++)
				unit_set_add(out, p->fast[i]);
		}
	} while (unit_set_on_one(out));
	return true;
}

/* ---- cuts ---- */

/* The units of a set in the order of the network, from the one behind the widest gap; a ring closes at the widest. */
static size_t order_units(const struct pipelines *p, const struct unit_set *units, uint8_t *out)
{
	uint8_t row[SPACE_UNITS] = {0};
	size_t n = 0, first = 0;
	double widest;

	for (size_t i = 0; i < p->costs->units; i++)
		if (unit_set_has(units, p->network[i]))
			row[n++] = p->network[i];
	widest = apart_s(p, row[n ? n - 1 : 0], row[0]);
	for (size_t i = 1; i < n; i++)
		if (apart_s(p, row[i - 1], row[i]) > widest) {
			widest = apart_s(p, row[i - 1], row[i]);
			first = i;
		}
	for (size_t i = 0; i < n; i++)
		out[i] = row[(first + i) % n];
	return n;
}

bool pipelines_cut(const struct pipelines *p, const struct unit_set *units, const double *rates,
		   const size_t *most, struct anneal_state *out)
{
	size_t layers[SPACE_UNITS] = {0};
	uint8_t row[SPACE_UNITS];
	const size_t n = order_units(p, units, row);
	struct range_list r = {.n = 0};

	for (size_t i = 0; i < p->space->layers; i++) {
		size_t to =
			WORLD_NONE; /* the device that is done with one layer more before the others are */

		for (size_t k = 0; k < n; k++)
			if (layers[row[k]] < most[row[k]] &&
			    (to == WORLD_NONE || (double)(layers[row[k]] + 1) * rates[to] <
							 (double)(layers[to] + 1) * rates[row[k]]))
				to = row[k];
		if (to == WORLD_NONE)
			return false;
		layers[to]++;
	}
	for (size_t k = 0; k < n; k++)
		if (layers[row[k]])
			r.at[r.n++] = (struct range){row[k], (int32_t)layers[row[k]]};
	*out = anneal_state_alone(p->space, r.at[0].unit);
	for (int i = 0; i < PHASE_GROUPS; i++)
		for (int g = 0; g < GROUPS; g++)
			out->phase_group[i].group[g] = r;
	return true;
}

void pipelines_limit(const struct pipelines *p, const struct anneal_state *of, const double *over,
		     size_t *most)
{
	const struct range_list *r = &of->phase_group[0].group[0];

	for (size_t i = 0; i < r->n; i++) {
		const double excess = over[p->costs->w->units[r->at[i].unit].machine];
		const int32_t fit = (int32_t)((double)r->at[i].layers / (1 + excess));

		if (excess > 0)
			most[r->at[i].unit] = (size_t)(fit < r->at[i].layers ? fit : r->at[i].layers - 1);
	}
}

double pipelines_estimate(const struct block_costs *p, const struct rate *r,
			  const struct phase_group_sum sums[PHASE_GROUPS])
{
	struct phase_group_sum filled[PHASE_GROUPS];

	for (int g = 0; g < PHASE_GROUPS; g++) {
		const double fill_s = sums[g].chain_s / p->search->passes(&p->w->scenario->workload, g);
		double busiest_s = 0;

		for (size_t u = 0; u < p->units; u++)
			busiest_s = fmax(busiest_s, sums[g].busy_s[u]);
		filled[g] = sums[g];
		filled[g].chain_s = fmax(sums[g].chain_s, fill_s + (1 - 1 / p->in_flight[g]) * busiest_s);
	}
	return rate_bound(p, r, filled);
}
