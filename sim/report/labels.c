/* labels.c - see labels.h. */
#include "sim/report/labels.h"

#include <math.h>

#include "sim/base/err.h"

static const double gap = 2.0;        /* between a label and anything else */
static const double near_pt = 7.0;    /* from the anchor's rim: needs no leader */
static const double reach_pt = 230;   /* no farther */
static const double crossing_pt = 30; /* how much farther is better than a leader across a line */

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

/* Liang and Barsky's clipping, one side: false if nothing of the segment is left. */
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

static bool crosses(struct segment s, struct rect r)
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
		if (crosses(l->lines.at[i], wide))
			return false;
	for (size_t i = 0; i < l->leaders.n; i++)
		if (crosses(l->leaders.at[i], wide))
			return false;
	return true;
}

/* On which side of the line through a and b the point lies: the sign of the cross product. */
static double side(struct segment s, struct point p)
{
	return (s.b.x - s.a.x) * (p.y - s.a.y) - (s.b.y - s.a.y) * (p.x - s.a.x);
}

static bool cross(struct segment s, struct segment t)
{
	return side(s, t.a) * side(s, t.b) < 0.0 && side(t, s.a) * side(t, s.b) < 0.0;
}

/* A leader may cross no label, no other leader and nothing blocked that is not its own. */
static bool leader_is_free(const struct labels *l, struct segment s, struct rect own)
{
	for (size_t i = 0; i < l->blocks.n; i++)
		if (!overlap(own, l->blocks.at[i]) && crosses(s, l->blocks.at[i]))
			return false;
	for (size_t i = 0; i < l->leaders.n; i++)
		if (cross(s, l->leaders.at[i]))
			return false;
	return true;
}

static double lines_crossed(const struct labels *l, struct segment s)
{
	double n = 0.0;

	for (size_t i = 0; i < l->lines.n; i++)
		n += cross(s, l->lines.at[i]);
	return n;
}

static double between(double low, double x, double high)
{
	return fmin(fmax(x, low), high);
}

/* Sixteen directions, the ones a reader expects first: right, left, below, above, then the diagonals. */
static const struct point class_times_set[] = {
	{1, 0},         {-1, 0},         {0, 1},          {0, -1},          {0.924, 0.383},  {0.924, -0.383},
	{0.707, 0.707}, {0.707, -0.707}, {-0.924, 0.383}, {-0.924, -0.383}, {-0.707, 0.707}, {-0.707, -0.707},
	{0.383, 0.924}, {0.383, -0.924}, {-0.383, 0.924}, {-0.383, -0.924},
};

/* The label whose border is touched by a ray from the anchor at distance r. */
static struct rect beside(struct point anchor, struct point way, double r, double w, double h)
{
	const double x = anchor.x + way.x * r, y = anchor.y + way.y * r;
	const double px = way.x > 0.6 ? 0.0 : way.x < -0.6 ? -1.0 : -0.5;
	const double py = way.y > 0.6 ? 0.0 : way.y < -0.6 ? -1.0 : -0.5;

	return (struct rect){x + px * w, y + py * h, w, h};
}

bool labels_find(const struct labels *l, const struct label_anchor *anchor, double w, double h,
		 struct label_place *best)
{
	const struct point p = anchor->at;
	bool found = false;

	for (double far = 3.0; far <= reach_pt && !(found && far >= best->cost); far += 4.0) {
		for (size_t i = 0; i < ARRAY_LEN(class_times_set); i++) {
			const struct rect at = beside(p, class_times_set[i], anchor->clear + far, w, h);
			const struct point to = {between(at.x, p.x, at.x + w), between(at.y, p.y, at.y + h)};
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
