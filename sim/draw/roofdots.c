/* roofdots.c - see roofdots.h. */
#include "sim/draw/roofdots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

static const double near_x_pt = 9.0, near_y_pt = 12.0;
enum { LINE_COLUMNS = 34 };

static bool is_near(const struct roofline *r, const struct point *place, size_t a, size_t b)
{
	return r->dots[a].roof == r->dots[b].roof && !strcmp(r->dots[a].group, r->dots[b].group) &&
	       fabs(place[a].x - place[b].x) <= near_x_pt && fabs(place[a].y - place[b].y) <= near_y_pt;
}

/* Numbers the clusters: each dot gets the index of the first dot that it is connected to through near
 * neighbours. */
static size_t *number_clusters(const struct roofline *r, const struct point *place)
{
	size_t *cluster_of = xcalloc(r->dots_n + 1, sizeof *cluster_of);

	for (size_t i = 0; i < r->dots_n; i++) {
		cluster_of[i] = i;
		for (size_t j = 0; j < i; j++) {
			const size_t old = cluster_of[i] > cluster_of[j] ? cluster_of[i] : cluster_of[j];
			const size_t new = cluster_of[i] > cluster_of[j] ? cluster_of[j] : cluster_of[i];

			if (old == new || !is_near(r, place, i, j))
				continue;
			for (size_t k = 0; k <= i; k++)
				if (cluster_of[k] == old)
					cluster_of[k] = new;
		}
	}
	return cluster_of;
}

/* The label without the group at its begin: "ffn gate" for "decode ffn gate" of group "decode". */
static const char *without_group(const struct roof_dot *dot)
{
	const size_t n = strlen(dot->group);

	return str_starts(dot->label, dot->group) && dot->label[n] == ' ' ? dot->label + n + 1 : dot->label;
}

/* Adds a word to the label, on a new line if the last one is full. Returns false if no line is left. */
static bool add_word(struct cluster *c, const char *word, bool first)
{
	struct str *line = &c->lines[c->lines_n - 1];

	if (!first) {
		str_add(line, ",");
		if (str_width(line->text) + 1 + str_width(word) > LINE_COLUMNS) {
			if (c->lines_n == CLUSTER_LINES_MAX)
				return false;
			str_add(&c->lines[c->lines_n++], word);
			return true;
		}
	}
	str_addf(line, " %s", word);
	return true;
}

/* Writes the label of a cluster, such as "decode q, k, v, o"; an operator that occurs twice is named once. */
static void write_label(struct cluster *c, const struct roofline *r, const size_t *cluster_of, size_t number)
{
	size_t named = 0, more = 0;

	c->lines_n = 1;
	str_add(&c->lines[0], r->dots[number].group);
	for (size_t i = number; i < r->dots_n; i++) {
		bool known = cluster_of[i] != number;

		for (size_t j = number; j < i && !known; j++)
			known = cluster_of[j] == number && !strcmp(r->dots[i].label, r->dots[j].label);
		if (known)
			continue;
		if (more || !add_word(c, without_group(&r->dots[i]), named == 0))
			more++;
		named++;
	}
	if (more)
		str_addf(&c->lines[c->lines_n - 1], " +%zu", more);
}

static int by_share(const void *a, const void *b)
{
	const struct cluster *x = a, *y = b;

	if (x->share != y->share)
		return x->share < y->share ? 1 : -1;
	return x->lead > y->lead ? 1 : -1;
}

/* Adds dot i to the bounds, share and lead of a cluster. */
static void add_to_cluster(struct cluster *c, const struct roofline *r, const struct point *place, size_t i)
{
	const struct point p = place[i];
	const double x1 = fmax(c->bounds.x + c->bounds.w, p.x), y1 = fmax(c->bounds.y + c->bounds.h, p.y);

	c->bounds.x = fmin(c->bounds.x, p.x);
	c->bounds.y = fmin(c->bounds.y, p.y);
	c->bounds.w = x1 - c->bounds.x;
	c->bounds.h = y1 - c->bounds.y;
	c->share += r->dots[i].share;
	if (r->dots[i].share > r->dots[c->lead].share)
		c->lead = i;
}

void clusters_init(struct clusters *c, const struct roofline *r, const struct point *place)
{
	size_t *cluster_of = number_clusters(r, place);

	*c = (struct clusters){.at = xcalloc(r->dots_n + 1, sizeof *c->at)};
	for (size_t i = 0; i < r->dots_n; i++) {
		struct cluster *new = &c->at[c->n];

		if (cluster_of[i] != i)
			continue;
		*new = (struct cluster){.lead = i,
					.bounds = {place[i].x, place[i].y, 0, 0},
					.lines = {STR_INIT, STR_INIT, STR_INIT}};
		for (size_t j = i; j < r->dots_n; j++)
			if (cluster_of[j] == i)
				add_to_cluster(new, r, place, j);
		write_label(new, r, cluster_of, i);
		c->n++;
	}
	qsort(c->at, c->n, sizeof *c->at, by_share);
	free(cluster_of);
}

void clusters_release(struct clusters *c)
{
	for (size_t i = 0; i < c->n; i++)
		for (int k = 0; k < CLUSTER_LINES_MAX; k++)
			str_release(&c->at[i].lines[k]);
	free(c->at);
	*c = (struct clusters){0};
}

bool cluster_same_text(const struct cluster *a, const struct cluster *b)
{
	for (int k = 0; k < CLUSTER_LINES_MAX; k++)
		if (strcmp(a->lines[k].text, b->lines[k].text) != 0)
			return false;
	return true;
}
