/* arrows.c - see arrows.h. */
#include "sim/draw/arrows.h"

#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

enum { GREY_ARROWS_MAX = 150, RED_ARROWS_MAX = 300 };

/* What is compared to find arrows that lie on each other. */
struct place_of_arrow {
	uint32_t from_lane, to_lane;
	bool critical;
	sim_ns arrives_ns;
	size_t at;
};

static void find(struct arrows *out, const struct schedule *s, const struct bars *bars)
{
	const struct arrow *last = NULL;

	out->at = xcalloc(s->boxes_n + 1, sizeof *out->at);
	for (size_t i = 0; i < s->boxes_n; i++) {
		const uint32_t cause = s->boxes[i].cause;
		struct arrow a;

		if (cause == UINT32_MAX || bars->of_box[i] == BARS_NONE)
			continue;
		BUG_ON(cause >= s->boxes_n);
		if (bars->of_box[cause] == BARS_NONE || s->boxes[cause].lane == s->boxes[i].lane)
			continue;
		a = (struct arrow){bars->of_box[cause], bars->of_box[i],
				   s->boxes[cause].critical && s->boxes[i].critical};
		if (last && last->from == a.from && last->to == a.to && last->critical == a.critical)
			continue;
		out->at[out->n] = a;
		last = &out->at[out->n++];
	}
}

static int compare(const void *x, const void *y)
{
	const struct place_of_arrow *a = x, *b = y;

	if (a->from_lane != b->from_lane)
		return a->from_lane < b->from_lane ? -1 : 1;
	if (a->to_lane != b->to_lane)
		return a->to_lane < b->to_lane ? -1 : 1;
	if (a->critical != b->critical)
		return a->critical ? -1 : 1;
	if (a->arrives_ns != b->arrives_ns)
		return a->arrives_ns < b->arrives_ns ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static bool same_lanes(const struct place_of_arrow *a, const struct place_of_arrow *b)
{
	return a->from_lane == b->from_lane && a->to_lane == b->to_lane && a->critical == b->critical;
}

/* Sets crowded[i] of each arrow that arrives too near to one that is drawn. */
static void mark_crowded(const struct arrows *arrows, const struct bars *bars, double pt_per_ns,
			 bool *crowded)
{
	struct place_of_arrow *places = xcalloc(arrows->n + 1, sizeof *places);
	const struct place_of_arrow *drawn = places;

	for (size_t i = 0; i < arrows->n; i++) {
		const struct arrow *a = &arrows->at[i];

		places[i] = (struct place_of_arrow){bars->at[a->from].lane, bars->at[a->to].lane, a->critical,
						    bars->at[a->to].start_ns, i};
	}
	qsort(places, arrows->n, sizeof *places, compare);
	for (size_t i = 1; i < arrows->n; i++) {
		const double gap = (double)(places[i].arrives_ns - drawn->arrives_ns) * pt_per_ns;

		if (same_lanes(&places[i], drawn) && gap < ARROW_GAP_PT)
			crowded[places[i].at] = true;
		else
			drawn = &places[i];
	}
	free(places);
}

/* Keeps the arrows that `dropped` does not name, in their order. */
static void drop(struct arrows *arrows, const bool *dropped)
{
	size_t kept = 0;

	for (size_t i = 0; i < arrows->n; i++)
		if (!dropped[i])
			arrows->at[kept++] = arrows->at[i];
	arrows->left_out += arrows->n - kept;
	arrows->n = kept;
}

static void drop_too_many(struct arrows *arrows, bool *dropped)
{
	size_t red = 0;

	for (size_t i = 0; i < arrows->n; i++)
		red += arrows->at[i].critical;
	for (size_t i = 0; i < arrows->n; i++)
		dropped[i] =
			arrows->at[i].critical ? red > RED_ARROWS_MAX : arrows->n - red > GREY_ARROWS_MAX;
	drop(arrows, dropped);
}

void arrows_init(struct arrows *a, const struct schedule *s, const struct bars *bars, double pt_per_ns)
{
	bool *dropped;

	*a = (struct arrows){0};
	find(a, s, bars);
	dropped = xcalloc(a->n + 1, sizeof *dropped);
	mark_crowded(a, bars, pt_per_ns, dropped);
	drop(a, dropped);
	drop_too_many(a, dropped);
	free(dropped);
}

void arrows_release(struct arrows *a)
{
	free(a->at);
	*a = (struct arrows){0};
}
