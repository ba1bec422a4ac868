/* bars.c - see bars.h. */
#include "sim/draw/bars.h"

#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

/* Sorts the boxes by lane and keeps the order within a lane: a counting sort. */
static size_t *sort_by_lane(const struct schedule *s)
{
	size_t *next = xcalloc(s->lanes_n + 1, sizeof *next);
	size_t *order = xcalloc(s->boxes_n + 1, sizeof *order);

	for (size_t i = 0; i < s->boxes_n; i++) {
		BUG_ON(s->boxes[i].lane >= s->lanes_n || s->boxes[i].kind >= BOX_KIND_N);
		next[s->boxes[i].lane + 1]++;
	}
	for (size_t l = 1; l <= s->lanes_n; l++)
		next[l] += next[l - 1];
	for (size_t i = 0; i < s->boxes_n; i++)
		order[next[s->boxes[i].lane]++] = i;
	free(next);
	return order;
}

static struct bar bar_of_box(const struct schedule *s, size_t i)
{
	const struct box *box = &s->boxes[i];
	struct bar bar = {.lane = box->lane, .kind = box->kind, .first = i, .last = i, .boxes_n = 1};

	bar.start_ns = box->start_ns > s->from_ns ? box->start_ns : s->from_ns;
	bar.end_ns = box->end_ns < s->to_ns ? box->end_ns : s->to_ns;
	bar.busy_ns = bar.kind_ns[box->kind] = bar.end_ns - bar.start_ns;
	bar.critical = box->critical;
	return bar;
}

/* A box without duration at the edge of the window is inside; a longer one that only touches the edge is
 * outside. */
static bool is_outside(const struct box *box, const struct bar *cut)
{
	return cut->end_ns < cut->start_ns || (cut->end_ns == cut->start_ns && box->end_ns > box->start_ns);
}

static double width(double pt_per_ns, const struct bar *left, const struct bar *right)
{
	return (double)(right->end_ns - left->start_ns) * pt_per_ns;
}

/* How boxes are merged: the scale, and by how much all limits are wider than usual. */
struct merging {
	double pt_per_ns, coarse;
};

/* Whether the bars are in one lane, narrower than a limit and not further apart than the usual one. */
static bool both_narrow(const struct bar *left, const struct bar *right, double limit_pt,
			const struct merging *m)
{
	const double limit = limit_pt * m->coarse;
	const bool left_narrow = left->boxes_n > 1 || width(m->pt_per_ns, left, left) < limit;

	return left->lane == right->lane && left_narrow && width(m->pt_per_ns, right, right) < limit &&
	       (double)(right->start_ns - left->end_ns) * m->pt_per_ns < BAR_NARROW_PT * m->coarse;
}

/* turns: whether the next box is of another kind than the right one. A mixed bar is on the critical path or not: it is too
 * wide to be so for one of its boxes. */
static bool can_merge(const struct bar *left, const struct bar *right, bool turns, const struct merging *m)
{
	const bool one_kind = left->kind == right->kind && left->kind_ns[left->kind] == left->busy_ns;
	const bool may_mix = !one_kind && turns && left->critical == right->critical;
	const double both = width(m->pt_per_ns, left, right) / m->coarse;

	if (may_mix && both < BAR_MIXED_PT && both_narrow(left, right, BAR_TURN_PT, m))
		return true;
	return both_narrow(left, right, BAR_NARROW_PT, m) &&
	       (both < BAR_NARROW_PT || (one_kind && both < BAR_MERGED_PT));
}

static void merge_bars(struct bar *left, const struct bar *right)
{
	if (right->end_ns > left->end_ns)
		left->end_ns = right->end_ns;
	left->busy_ns += right->busy_ns;
	left->kind_ns[right->kind] += right->busy_ns;
	if (left->kind_ns[right->kind] > left->kind_ns[left->kind])
		left->kind = right->kind;
	left->last = right->last;
	left->boxes_n++;
	left->critical |= right->critical;
}

/* Returns whether the box after k of the order is in its lane and of another kind. */
static bool takes_turns(const struct schedule *s, const size_t *order, size_t k)
{
	const struct box *box = &s->boxes[order[k]];
	const struct box *next = k + 1 < s->boxes_n ? &s->boxes[order[k + 1]] : NULL;

	return next && next->lane == box->lane && next->kind != box->kind;
}

static void make_bars(struct bars *b, const struct schedule *s, const size_t *order, const struct merging *m)
{
	b->n = b->shown_boxes = 0;
	for (size_t k = 0; k < s->boxes_n; k++) {
		const size_t i = order[k];
		const struct bar bar = bar_of_box(s, i);

		b->of_box[i] = BARS_NONE;
		if (is_outside(&s->boxes[i], &bar))
			continue;
		if (b->n && can_merge(&b->at[b->n - 1], &bar, takes_turns(s, order, k), m))
			merge_bars(&b->at[b->n - 1], &bar);
		else
			b->at[b->n++] = bar;
		b->of_box[i] = b->n - 1;
		b->shown_boxes++;
	}
}

void bars_init(struct bars *b, const struct schedule *s, double pt_per_ns)
{
	size_t *order = sort_by_lane(s);
	struct merging m = {pt_per_ns, 1};

	*b = (struct bars){.at = xcalloc(s->boxes_n + 1, sizeof *b->at),
			   .of_box = xcalloc(s->boxes_n + 1, sizeof *b->of_box)};
	make_bars(b, s, order, &m);
	while (b->n > BARS_MANY && m.coarse < BAR_COARSEST) {
		m.coarse *= 2;
		make_bars(b, s, order, &m);
	}
	free(order);
}

void bars_release(struct bars *b)
{
	free(b->at);
	free(b->of_box);
	*b = (struct bars){0};
}
