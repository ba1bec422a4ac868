/* labels.c - see labels.h. */
#include "sim/draw/labels.h"

#include <math.h>

#include "sim/base/err.h"

static const double gap = 2.0;        /* distance between a label and anything else */
static const double near_pt = 7.0;    /* distance from the anchor's rim up to which no leader is needed */
static const double reach_pt = 230;   /* largest distance */
static const double crossing_pt = 30; /* extra distance that is preferred to a leader across a line */

void labels_init(struct labels *l, struct rect area)
{
	*l = (struct labels){.area = area};
}

void labels_release(struct labels *l)
{
	VEC_FREE(&l->blocks);
	VEC_FREE(&l->lines);
	VEC_FREE(&l->leaders);
}

void labels_block(struct labels *l, struct rect r)
{
	VEC_ADD(&l->blocks, r);
}

void labels_line(struct labels *l, struct point a, struct point b)
{
	VEC_ADD(&l->lines, (struct segment){a, b});
}

static bool overlap(struct rect a, struct rect b)
{
	return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/* One side of Liang and Barsky's clipping; false if nothing of the segment is left. */
static bool clip(double p, double q, double *from, double *to)
{
	if (p == 0.0)
		return q >= 0.0;
	if (p < 0.0)
		*from = fmax(*from, q / p);
	else
		*to = fmin(*to, q / p);
	return *from <= *to;
}

static bool segment_crosses_rect(struct segment s, struct rect r)
{
	const double dx = s.b.x - s.a.x, dy = s.b.y - s.a.y;
	double from = 0.0, to = 1.0;

	return clip(-dx, s.a.x - r.x, &from, &to) && clip(dx, r.x + r.w - s.a.x, &from, &to) &&
	       clip(-dy, s.a.y - r.y, &from, &to) && clip(dy, r.y + r.h - s.a.y, &from, &to);
}

bool labels_is_free(const struct labels *l, struct rect r)
{
	const struct rect wide = {r.x - gap, r.y - gap, r.w + 2 * gap, r.h + 2 * gap};

	if (wide.x < l->area.x || wide.y < l->area.y || wide.x + wide.w > l->area.x + l->area.w ||
	    wide.y + wide.h > l->area.y + l->area.h)
		return false;
	for (size_t i = 0; i < l->blocks.n; i++)
		if (overlap(wide, l->blocks.at[i]))
			return false;
	for (size_t i = 0; i < l->lines.n; i++)
		if (segment_crosses_rect(l->lines.at[i], wide))
			return false;
	for (size_t i = 0; i < l->leaders.n; i++)
		if (segment_crosses_rect(l->leaders.at[i], wide))
			return false;
	return true;
}

/* The side of the line through a and b on which the point lies: the sign of the cross product. */
static double side(struct segment s, struct point p)
{
	return (s.b.x - s.a.x) * (p.y - s.a.y) - (s.b.y - s.a.y) * (p.x - s.a.x);
}

static bool segments_cross(struct segment s, struct segment t)
{
	return side(s, t.a) * side(s, t.b) < 0.0 && side(t, s.a) * side(t, s.b) < 0.0;
}

/* A leader may not cross other leaders, labels or blocked areas, except that of its own anchor. */
static bool leader_is_free(const struct labels *l, struct segment s, struct rect own)
{
	for (size_t i = 0; i < l->blocks.n; i++)
		if (!overlap(own, l->blocks.at[i]) && segment_crosses_rect(s, l->blocks.at[i]))
			return false;
	for (size_t i = 0; i < l->leaders.n; i++)
		if (segments_cross(s, l->leaders.at[i]))
			return false;
	return true;
}

static double lines_crossed(const struct labels *l, struct segment s)
{
	double n = 0.0;

	for (size_t i = 0; i < l->lines.n; i++)
		n += segments_cross(s, l->lines.at[i]);
	return n;
}

static double clamp(double low, double x, double high)
{
	return fmin(fmax(x, low), high);
}

/* Sixteen directions in order of preference: right, left, below, above, then the diagonals. */
static const struct point directions[] = {
	{1, 0},         {-1, 0},         {0, 1},          {0, -1},          {0.924, 0.383},  {0.924, -0.383},
	{0.707, 0.707}, {0.707, -0.707}, {-0.924, 0.383}, {-0.924, -0.383}, {-0.707, 0.707}, {-0.707, -0.707},
	{0.383, 0.924}, {0.383, -0.924}, {-0.383, 0.924}, {-0.383, -0.924},
};

/* The label whose border is at distance r from the anchor in the given direction. */
static struct rect label_at_distance(struct point anchor, struct point direction, double r, double w,
				     double h)
{
	const double x = anchor.x + direction.x * r, y = anchor.y + direction.y * r;
	const double px = direction.x > 0.6 ? 0.0 : direction.x < -0.6 ? -1.0 : -0.5;
	const double py = direction.y > 0.6 ? 0.0 : direction.y < -0.6 ? -1.0 : -0.5;

	return (struct rect){x + px * w, y + py * h, w, h};
}

bool labels_find(const struct labels *l, const struct label_anchor *anchor, double w, double h,
		 struct label_place *best)
{
	const struct point p = anchor->at;
	bool found = false;

	for (double far = 3.0; far <= reach_pt && !(found && far >= best->cost); far += 4.0) {
		for (size_t i = 0; i < ARRAY_LEN(directions); i++) {
			const struct rect at = label_at_distance(p, directions[i], anchor->clear + far, w, h);
			const struct point to = {clamp(at.x, p.x, at.x + w), clamp(at.y, p.y, at.y + h)};
			const struct segment leader = {p, to};
			const double cost = far + crossing_pt * lines_crossed(l, leader);

			if ((found && cost >= best->cost) || !labels_is_free(l, at) ||
			    (far > near_pt && !leader_is_free(l, leader, anchor->own)))
				continue;
			*best = (struct label_place){at, cost, far > near_pt, leader};
			found = true;
		}
	}
	return found;
}

void labels_take(struct labels *l, const struct label_place *place)
{
	labels_block(l, place->at);
	if (place->led)
		VEC_ADD(&l->leaders, place->leader);
}
