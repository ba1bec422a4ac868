/* max_min.c - see max_min.h. */
#include "sim/des/max_min.h"

#include <math.h>
#include <stdbool.h>

#include "sim/base/err.h"
#include "sim/base/heap.h"

/* The wire that gives each of its flows least; of equals the first. */
static bool is_tighter(void *ctx, const uint32_t *a, const uint32_t *b)
{
	const struct share *shares = ctx, *x = &shares[*a], *y = &shares[*b];

	return x->each_Bps < y->each_Bps || (!(y->each_Bps < x->each_Bps) && *a < *b);
}

static void stands_at(void *ctx, const uint32_t *share, size_t at)
{
	((struct share *)ctx)[*share].at = at;
}
HEAP_DEFINE(tight_shares, uint32_t, is_tighter, stands_at);

struct filling {
	struct max_min *m;
	struct tight_shares tight;
	size_t open;
};

/* ---- lists ---- */

/* The flows of each wire in ascending order, by counting. */
static void list_members(struct max_min *m)
{
	size_t all = 0;

	for (size_t i = 0; i < m->shares.n; i++)
		m->shares.at[i].users = m->shares.at[i].n = 0;
	for (size_t i = 0; i < m->claims.n; i++)
		for (size_t k = 0; k < m->claims.at[i].path_n; k++)
			m->shares.at[m->claims.at[i].path[k]].users++;
	for (size_t i = 0; i < m->shares.n; i++) {
		m->shares.at[i].first = (uint32_t)all;
		all += m->shares.at[i].users;
	}
	BUG_ON(all > UINT32_MAX);
	m->members.n = 0;
	VEC_RESERVE(&m->members, all);
	for (size_t i = 0; i < m->claims.n; i++)
		for (size_t k = 0; k < m->claims.at[i].path_n; k++) {
			struct share *s = &m->shares.at[m->claims.at[i].path[k]];

			m->members.at[s->first + s->n++] = (uint32_t)i;
		}
}

static int by_cap(const void *a, const void *b)
{
	const struct max_min_cap *x = a, *y = b;

	if (x->cap_Bps < y->cap_Bps || y->cap_Bps < x->cap_Bps)
		return x->cap_Bps < y->cap_Bps ? -1 : 1;
	return (x->claim > y->claim) - (x->claim < y->claim);
}

static void list_caps(struct max_min *m)
{
	m->caps.n = m->caps_done = 0;
	for (size_t i = 0; i < m->claims.n; i++)
		if (!isinf(m->claims.at[i].cap_Bps))
			VEC_ADD(&m->caps, (struct max_min_cap){m->claims.at[i].cap_Bps, (uint32_t)i});
	if (m->caps.n > 1)
		qsort(m->caps.at, m->caps.n, sizeof *m->caps.at, by_cap);
}

/* ---- filling ---- */

static void weigh(struct share *s)
{
	s->each_Bps = s->spare_Bps / (double)s->users;
}

static void leave(struct filling *f, size_t share, double rate_Bps)
{
	struct share *s = &f->m->shares.at[share];

	if (s->closed)
		return;
	s->spare_Bps -= rate_Bps;
	if (!--s->users) {
		tight_shares_remove(&f->tight, s->at);
		return;
	}
	weigh(s);
	tight_shares_fix(&f->tight, s->at);
}

static void assign(struct filling *f, uint32_t claim, double level, uint32_t held_by)
{
	struct claim *c = &f->m->claims.at[claim];

	if (c->rate_Bps >= 0)
		return;
	c->rate_Bps = fmin(level, c->cap_Bps);
	c->held_by = held_by;
	f->open--;
	for (size_t i = 0; i < c->path_n; i++)
		leave(f, c->path[i], c->rate_Bps);
}

static double least_open_cap(struct max_min *m)
{
	while (m->caps_done < m->caps.n && m->claims.at[m->caps.at[m->caps_done].claim].rate_Bps >= 0)
		m->caps_done++;
	return m->caps_done < m->caps.n ? m->caps.at[m->caps_done].cap_Bps : INFINITY;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Flows whose cap is no higher than the level, in their order. */
static void close_capped(struct filling *f, double level)
{
	struct max_min *m = f->m;

	m->closing.n = 0;
	for (; m->caps_done < m->caps.n && m->caps.at[m->caps_done].cap_Bps <= level; m->caps_done++)
		VEC_ADD(&m->closing, m->caps.at[m->caps_done].claim);
	if (m->closing.n > 1)
		qsort(m->closing.at, m->closing.n, sizeof *m->closing.at, by_number);
	for (size_t i = 0; i < m->closing.n; i++)
		assign(f, m->closing.at[i], level, NO_SHARE);
}

/* All flows of the tightest wire get their rates: it leaves the heap first, not bit by bit with each of them. */
static void close_tightest(struct filling *f, double level)
{
	const uint32_t share = tight_shares_take(&f->tight);
	struct share *s = &f->m->shares.at[share];

	s->closed = true;
	for (uint32_t i = 0; i < s->n; i++)
		assign(f, f->m->members.at[s->first + i], level, share);
}

static void begin(struct filling *f)
{
	struct max_min *m = f->m;

	list_members(m);
	list_caps(m);
	f->tight.ctx = m->shares.at;
	for (size_t i = 0; i < m->claims.n; i++)
		m->claims.at[i].rate_Bps = -1;
	for (size_t i = 0; i < m->shares.n; i++) {
		if (!m->shares.at[i].users)
			continue;
		weigh(&m->shares.at[i]);
		tight_shares_put(&f->tight, (uint32_t)i);
	}
}

/* The rates of all open flows rise together until a flow meets its cap or a wire is full; those flows are closed at that
 * level, and the others rise on. */
void max_min_fill(struct max_min *m)
{
	struct filling f = {.m = m, .tight = {m->tight.at, 0, m->tight.room, NULL}, .open = m->claims.n};
	double level = 0;

	begin(&f);
	while (f.open) {
		const double each = f.tight.n ? m->shares.at[f.tight.at[0]].each_Bps : INFINITY;
		const double cap = least_open_cap(m);

		level = fmax(level, cap <= each ? cap : each); /* it never falls; by rounding it might */
		BUG_ON(isinf(level));
		if (cap <= each)
			close_capped(&f, level);
		else
			close_tightest(&f, level);
	}
	m->tight.at = f.tight.at;
	m->tight.room = f.tight.room;
}

void max_min_release(struct max_min *m)
{
	VEC_FREE(&m->claims);
	VEC_FREE(&m->shares);
	VEC_FREE(&m->members);
	VEC_FREE(&m->closing);
	VEC_FREE(&m->caps);
	VEC_FREE(&m->tight);
}
