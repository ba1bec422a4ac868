/* rounds.c - see rounds.h. */
#include "sim/step/rounds.h"

#include "sim/base/err.h"

static int log2_below(int n)
{
	int log = 0;

	while (n >> (log + 1))
		log++;
	return log;
}

static bool is_power_of_two(int n)
{
	return !(n & (n - 1));
}

static void put(hop_list *out, int from, int to, double part)
{
	VEC_ADD(out, (struct hop){from, to, part});
}

/* ---- all to all ---- */

static void put_all(const struct rounds *r, hop_list *out)
{
	const double part = r->way == REDUCE_SCATTER ? 1.0 / r->n : 1;

	for (int i = 0; i < r->n; i++)
		for (int j = 0; j < r->n; j++)
			if (i != j)
				put(out, i, j, !r->gather ? part : r->share ? r->share[i] : 1.0 / r->n);
}

/* ---- recursive doubling and halving ---- */

/* Ranks beyond a power of two give their data to a lower one before the first round, and get the sum after the last. */
static int folds(const struct rounds *r)
{
	return is_power_of_two(r->n) ? 0 : 1;
}

static void put_fold(const struct rounds *r, bool back, hop_list *out)
{
	const int m = 1 << log2_below(r->n);

	for (int i = m; i < r->n; i++)
		put(out, back ? i - m : i, back ? i : i - m, 1);
}

/* Every rank swaps with the one so far away. */
static void put_swaps(int n, int far, double part, hop_list *out)
{
	for (int i = 0; i < n; i++)
		put(out, i, i ^ far, part);
}

static void tree_hops(const struct rounds *r, int round, hop_list *out)
{
	const int log = log2_below(r->n), step = round - folds(r);

	if (step < 0 || step == log)
		put_fold(r, step == log, out);
	else
		put_swaps(1 << log, 1 << step, 1, out);
}

/* First halves, quarters ... are swapped until each rank has the sum of its part, then they are given back. */
static int halving_far(int log, int step)
{
	return 1 << (step < log ? log - 1 - step : step - log);
}

static void halving_swaps(int log, int step, double whole, hop_list *out)
{
	const int far = halving_far(log, step);

	put_swaps(1 << log, far, whole * (double)far / (double)(1 << log), out);
}

static void halving_hops(const struct rounds *r, int round, hop_list *out)
{
	const int log = log2_below(r->n), step = round - folds(r);

	if (r->gather)
		halving_swaps(log, log + round, 1, out);
	else if (step < 0 || step == 2 * log)
		put_fold(r, step == 2 * log, out);
	else
		halving_swaps(log, step, 1, out);
}

/* ---- in boxes and between them ---- */

static void put_in_boxes(const struct rounds *r, hop_list *out)
{
	const double part = 1.0 / r->box_n;

	for (int b = 0; b < r->n; b += r->box_n)
		for (int i = 0; i < r->box_n; i++)
			for (int j = 0; j < r->box_n; j++)
				if (i != j)
					put(out, r->box[b + i], r->box[b + j], part);
}

/* The ranks in one place of all boxes sum their part: as a ring, or by halving. */
static void put_between_boxes(const struct rounds *r, int round, hop_list *out)
{
	const int boxes = r->n / r->box_n;
	hop_list of_boxes = {0};

	if (is_power_of_two(boxes))
		halving_swaps(log2_below(boxes), round, 1.0 / r->box_n, &of_boxes);
	for (int b = 0; b < boxes && !is_power_of_two(boxes); b++)
		put(&of_boxes, b, (b + 1) % boxes, 1.0 / r->n);
	for (size_t h = 0; h < of_boxes.n; h++)
		for (int i = 0; i < r->box_n; i++)
			put(out, r->box[of_boxes.at[h].from * r->box_n + i],
			    r->box[of_boxes.at[h].to * r->box_n + i], of_boxes.at[h].part);
	VEC_FREE(&of_boxes);
}

static int rounds_between_boxes(const struct rounds *r)
{
	const int boxes = r->n / r->box_n;

	return is_power_of_two(boxes) ? 2 * log2_below(boxes) : 2 * (boxes - 1);
}

static void hierarchical_hops(const struct rounds *r, int round, hop_list *out)
{
	if (round == 0 || round == rounds_between_boxes(r) + 1)
		put_in_boxes(r, out);
	else
		put_between_boxes(r, round - 1, out);
}

/* ---- all of them ---- */

/* By a tree, a gather is the second half of halving. What it has no algorithm of its own for, each rank sends to all others
 * at once. */
static enum reduce_way way_of(const struct rounds *r)
{
	const bool doubles = (r->way == REDUCE_HALVING || r->way == REDUCE_TREE) && is_power_of_two(r->n);

	if (!r->gather || r->way == REDUCE_RING)
		return r->way;
	return doubles ? REDUCE_HALVING : REDUCE_DIRECT;
}

int rounds_count(const struct rounds *r)
{
	switch (way_of(r)) {
	case REDUCE_RING:
		return (r->gather ? 1 : 2) * (r->n - 1);
	case REDUCE_DIRECT:
		return 1;
	case REDUCE_SCATTER:
		return 2;
	case REDUCE_TREE:
		return log2_below(r->n) + 2 * folds(r);
	case REDUCE_HALVING:
		return r->gather ? log2_below(r->n) : 2 * (log2_below(r->n) + folds(r));
	case REDUCE_HIERARCHICAL:
		return 2 + rounds_between_boxes(r);
	case REDUCE_AUTO:
		break;
	}
	BUG("way %d", (int)r->way);
}

void rounds_hops(const struct rounds *r, int round, hop_list *out)
{
	out->n = 0;
	switch (way_of(r)) {
	case REDUCE_RING:
		for (int i = 0; i < r->n; i++)
			put(out, i, (i + 1) % r->n, 1.0 / r->n);
		return;
	case REDUCE_DIRECT:
	case REDUCE_SCATTER:
		put_all(r, out);
		return;
	case REDUCE_TREE:
		tree_hops(r, round, out);
		return;
	case REDUCE_HALVING:
		halving_hops(r, round, out);
		return;
	case REDUCE_HIERARCHICAL:
		hierarchical_hops(r, round, out);
		return;
	case REDUCE_AUTO:
		break;
	}
	BUG("way %d", (int)r->way);
}

int rounds_distance(const struct rounds *r, int round)
{
	if (way_of(r) == REDUCE_TREE)
		return 1 << round;
	return way_of(r) == REDUCE_HALVING
		       ? halving_far(log2_below(r->n), r->gather ? log2_below(r->n) + round : round)
		       : 0;
}

double rounds_each(const struct rounds *r, int round)
{
	const enum reduce_way way = way_of(r);
	const int log = log2_below(r->n);

	if (way == REDUCE_RING)
		return 1.0 / r->n;
	if (!is_power_of_two(r->n))
		return 0;
	if (way == REDUCE_TREE)
		return 1;
	if (way == REDUCE_HALVING)
		return (double)halving_far(log, r->gather ? log + round : round) / (double)(1 << log);
	return 0;
}
