/* published_schedules.c - see published_schedules.h. */
#include "sim/train/published_schedules.h"

#include <string.h>

#include "sim/base/err.h"
#include "sim/base/least.h"

struct writer {
	const struct pipeline *p;
	size_t stage;
	struct stage_order *o;
	int64_t next[PASS_N][2]; /* the next micro-batch, by pass and, in ZB-V, by chunk of the stage */
};

static void put(struct stage_order *o, int64_t micro, size_t chunk, enum pass_kind pass)
{
	o->at[o->n++] = (struct action){(uint32_t)micro, (uint32_t)chunk, pass};
}

/* ---- any layout ---- */

static void passes(const struct pipeline *p, struct stage_orders *o, uint32_t micro, enum pass_kind pass)
{
	for (size_t i = 0; i < p->chunks_n; i++) {
		const size_t c = pass == PASS_FORWARD ? i : p->chunks_n - 1 - i;

		if (p->chunks[c].ns[pass] >= 0)
			put(&o->stages[p->chunks[c].stage[pass]], micro, c, pass);
	}
}

static void serial(const struct pipeline *p, struct stage_orders *o)
{
	for (uint32_t k = 0; k < p->micros; k++) {
		passes(p, o, k, PASS_FORWARD);
		passes(p, o, k, PASS_INPUT);
	}
}

static void gpipe(const struct pipeline *p, struct stage_orders *o)
{
	for (uint32_t k = 0; k < p->micros; k++)
		passes(p, o, k, PASS_FORWARD);
	for (uint32_t k = 0; k < p->micros; k++)
		passes(p, o, k, PASS_INPUT);
}

/* ---- chains: chunk c on stage c ---- */

static void write(struct writer *w, enum pass_kind pass)
{
	int64_t *next = &w->next[pass][0];

	if (*next < w->p->micros && w->p->chunks[w->stage].ns[pass] >= 0)
		put(w->o, *next, w->stage, pass);
	++*next;
}

/* `warm` forwards, then B and F in alternation; W runs `late` micro-batches behind B, and the rest of W comes
 * last. */
static void alternate(struct writer *w, int64_t warm, int64_t late, bool forward_first)
{
	const int64_t m = w->p->micros;

	for (int64_t i = 0; i < least(warm, m); i++)
		write(w, PASS_FORWARD);
	for (int64_t k = 0; k < m; k++) {
		if (forward_first)
			write(w, PASS_FORWARD);
		write(w, PASS_INPUT);
		if (k >= late)
			write(w, PASS_WEIGHTS);
		if (!forward_first)
			write(w, PASS_FORWARD);
	}
	while (w->next[PASS_WEIGHTS][0] < m)
		write(w, PASS_WEIGHTS);
}

static void chain(enum train_schedule s, const struct pipeline *p, struct stage_orders *o)
{
	const int64_t n = (int64_t)p->stages_n;

	for (size_t i = 0; i < p->stages_n; i++) {
		const int64_t rank = (int64_t)i;
		struct writer w = {p, i, &o->stages[i], {{0}}};

		if (s == SCHEDULE_ZB_H2) /* runs forwards while it waits for the first B */
			alternate(&w, 2 * (n - rank) - 1, 2 * rank, false);
		else /* ZB-H1 is 1F1B with late W: p micro-batches everywhere, not p - rank */
			alternate(&w, n - 1 - rank, rank, true);
	}
}

/* ---- interleaved ---- */

/* The j-th forward (or backward) of a stage: micro-batches go in groups of p through all chunks of the stage.
 */
static void put_virtual(const struct pipeline *p, size_t stage, int64_t j, enum pass_kind pass,
			struct stage_order *o)
{
	const int64_t n = (int64_t)p->stages_n, v = (int64_t)p->chunks_n / n, m = p->micros;
	const int64_t group = j / (n * v), first = group * n;
	const int64_t size = least(n, m - first), at = j - first * v;
	const int64_t local = pass == PASS_FORWARD ? at / size : v - 1 - at / size;
	const size_t chunk = (size_t)(local * n) + stage;

	if (p->chunks[chunk].ns[pass] >= 0)
		put(o, first + at % size, chunk, pass);
}

static void interleaved(const struct pipeline *p, struct stage_orders *o)
{
	const int64_t n = (int64_t)p->stages_n, v = (int64_t)p->chunks_n / n, all = p->micros * v;

	for (size_t i = 0; i < p->stages_n; i++) {
		const int64_t warm = least(all, 2 * (n - 1 - (int64_t)i) + (v - 1) * n);

		for (int64_t j = 0; j < warm; j++)
			put_virtual(p, i, j, PASS_FORWARD, &o->stages[i]);
		for (int64_t j = 0; j < all; j++) {
			if (warm + j < all)
				put_virtual(p, i, warm + j, PASS_FORWARD, &o->stages[i]);
			put_virtual(p, i, j, PASS_INPUT, &o->stages[i]);
		}
	}
}

/* ---- ZB-V ---- */

/* The next micro-batch of a pass in the stage's first (0) or second (1) chunk. Micro-batches beyond the last
 * are counted but not written: a short run is a long one without them. */
static void vee_put(struct writer *w, enum pass_kind pass, int which)
{
	const size_t chunk = which ? w->p->chunks_n - 1 - w->stage : w->stage;
	int64_t *next = &w->next[pass][which];

	if (*next < w->p->micros && w->p->chunks[chunk].ns[pass] >= 0)
		put(w->o, *next, chunk, pass);
	++*next;
}

static void vee_both(struct writer *w, int which)
{
	vee_put(w, PASS_INPUT, which);
	vee_put(w, PASS_WEIGHTS, which);
}

static void vee_start(struct writer *w, int64_t n, int64_t rank)
{
	for (int64_t i = 0; i < 2 * (n - rank) - 1; i++)
		vee_put(w, PASS_FORWARD, 0);
	for (int64_t i = 0; i < rank; i++) {
		vee_put(w, PASS_FORWARD, 1);
		vee_put(w, PASS_FORWARD, 0);
	}
	for (int64_t i = 0; i < n - rank; i++) {
		vee_put(w, PASS_FORWARD, 1);
		vee_both(w, 1);
	}
}

static void vee(const struct pipeline *p, struct stage_orders *o)
{
	const int64_t n = (int64_t)p->stages_n;
	const int64_t m = p->micros > 2 * n - 1 ? p->micros : 2 * n - 1;

	for (size_t i = 0; i < p->stages_n; i++) {
		struct writer w = {p, i, &o->stages[i], {{0}}};
		int64_t *f = w.next[PASS_FORWARD];

		vee_start(&w, n, (int64_t)i);
		while (f[1] < f[0] || f[0] < m) {
			if (f[0] < m)
				vee_put(&w, PASS_FORWARD, 0);
			vee_both(&w, 0);
			vee_put(&w, PASS_FORWARD, 1);
			vee_both(&w, 1);
		}
		for (int64_t k = 0; k < (int64_t)i; k++) {
			vee_put(&w, PASS_INPUT, 0);
			vee_put(&w, PASS_INPUT, 1);
		}
		for (int64_t k = 0; k < n - (int64_t)i; k++) {
			vee_put(&w, PASS_INPUT, 0);
			vee_put(&w, PASS_WEIGHTS, 0);
		}
		for (int which = 1; which >= 0; which--)
			while (w.next[PASS_WEIGHTS][which] < w.next[PASS_INPUT][which])
				vee_put(&w, PASS_WEIGHTS, which);
	}
}

bool published(struct arena *a, enum train_schedule s, const struct pipeline *p, struct stage_orders *o)
{
	*o = (struct stage_orders){.stages = arena_array(a, p->stages_n, sizeof *o->stages),
				   .joined = !schedule_splits(s),
				   .published = true,
				   .cycle = s != SCHEDULE_GPIPE};
	for (size_t i = 0; i < p->stages_n; i++)
		o->stages[i].at = arena_array(a, p->micros * p->chunks_n * PASS_N, sizeof *o->stages[i].at);
	if (s == SCHEDULE_SERIAL)
		serial(p, o);
	else if (s == SCHEDULE_INTERLEAVED && pipeline_is(p, LAYOUT_LOOPED))
		interleaved(p, o);
	else if (s == SCHEDULE_ZB_V && pipeline_is(p, LAYOUT_VEE))
		vee(p, o);
	else if (s == SCHEDULE_INTERLEAVED || s == SCHEDULE_ZB_V || !pipeline_is(p, LAYOUT_CHAIN))
		return false;
	else if (s == SCHEDULE_GPIPE)
		gpipe(p, o);
	else
		chain(s, p, o);
	return true;
}
