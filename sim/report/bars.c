/* bars.c - see bars.h. */
#include "sim/report/bars.h"

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

static bool can_merge(const struct bar *left, const struct bar *right, double pt_per_ns)
{
	const double gap = (double)(right->start_ns - left->end_ns) * pt_per_ns;
	const double both = (double)(right->end_ns - left->start_ns) * pt_per_ns;
	const double own = (double)(right->end_ns - right->start_ns) * pt_per_ns;
	const bool left_narrow =
		left->boxes_n > 1 || (double)(left->end_ns - left->start_ns) * pt_per_ns < BAR_NARROW_PT;

	if (left->lane != right->lane || !left_narrow || own >= BAR_NARROW_PT || gap >= BAR_NARROW_PT)
		return false;
	return both < BAR_NARROW_PT || (left->kind == right->kind &&
					left->kind_ns[left->kind] == left->busy_ns && both < BAR_MERGED_PT);
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

void bars_init(struct bars *b, const struct schedule *s, double pt_per_ns)
{
	size_t *order = sort_by_lane(s);

	*b = (struct bars){.at = xcalloc(s->boxes_n + 1, sizeof *b->at),
			   .of_box = xcalloc(s->boxes_n + 1, sizeof *b->of_box)};
	for (size_t k = 0; k < s->boxes_n; k++) {
		const size_t i = order[k];
		const struct bar bar = bar_of_box(s, i);

		b->of_box[i] = BARS_NONE;
		if (is_outside(&s->boxes[i], &bar))
			continue;
		if (b->n && can_merge(&b->at[b->n - 1], &bar, pt_per_ns))
			merge_bars(&b->at[b->n - 1], &bar);
		else
			b->at[b->n++] = bar;
		b->of_box[i] = b->n - 1;
		b->shown_boxes++;
	}
	free(order);
}

void bars_release(struct bars *b)
{
	free(b->at);
	free(b->of_box);
	*b = (struct bars){0};
}
