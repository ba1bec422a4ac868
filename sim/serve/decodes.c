/* decodes.c - see decodes.h. */
#include "sim/serve/decodes.h"

#include <string.h>

#include "sim/base/err.h"

void decodes_init(struct decodes *d, struct slab *slab, const struct batch_time *t, int64_t block,
		  const struct kv_groups *groups)
{
	*d = (struct decodes){.slab = slab, .windows_n = t->windows_n, .block = block, .groups = *groups};
	BUG_ON(t->windows_n < 1 || t->windows_n > BATCH_WINDOWS);
	memcpy(d->window, t->windows, sizeof d->window);
	d->tables = groups->full + groups->windowed;
	if (!block)
		d->groups.windowed = 0;
	d->by_offset = xcalloc(block > 0 ? 2 * (size_t)block : 1, sizeof *d->by_offset);
	d->passing = d->by_offset + block;
}

void decodes_release(struct decodes *d)
{
	dues_release(&d->finish);
	dues_release(&d->longest);
	dues_release(&d->passes);
	for (size_t w = 0; w < BATCH_WINDOWS; w++)
		dues_release(&d->fills[w]);
	free(d->by_offset);
}

static inline bool stale(const struct decodes *d, const struct decode_due *e)
{
	return seq_at(d->slab, e->seq)->stamp != e->stamp;
}

/* Entries that cannot come to the top would pile up: once they are most of a heap, they go together. */
static void sweep(const struct decodes *d, struct dues *h)
{
	size_t n = 0;

	if (h->n <= 2 * (size_t)d->n + 64)
		return;
	for (size_t i = 0; i < h->n; i++)
		if (!stale(d, &h->at[i]))
			h->at[n++] = h->at[i];
	h->n = 0;
	for (size_t i = 0; i < n; i++)
		dues_put(h, h->at[i]);
}

static inline const struct decode_due *top(const struct decodes *d, struct dues *h)
{
	while (h->n && stale(d, &h->at[0]))
		dues_take(h);
	return h->n ? &h->at[0] : NULL;
}

static void put(struct decodes *d, struct dues *h, int64_t at, uint32_t seq)
{
	const struct seq *s = seq_at(d->slab, seq);

	sweep(d, h);
	dues_put(h, (struct decode_due){at, s->r.id, seq, s->stamp});
}

static size_t residue(const struct decodes *d, int64_t offset)
{
	const int64_t r = offset % d->block;

	return (size_t)(r < 0 ? r + d->block : r);
}

/* The context with which a block that it holds alone is the next to leave the windows. */
static int64_t passes_at(const struct decodes *d, const struct seq *s)
{
	return s->shared * d->block + d->groups.window;
}

static void pass(struct decodes *d, const struct seq *s, int64_t n)
{
	d->passing[residue(d, s->offset)] += n;
	d->passing_n += n;
}

static void put_windowed(struct decodes *d, uint32_t seq)
{
	const struct seq *s = seq_at(d->slab, seq);

	if (s->computed >= passes_at(d, s))
		pass(d, s, 1);
	else
		put(d, &d->passes, passes_at(d, s) - s->offset, seq);
}

uint32_t decodes_passes(struct decodes *d)
{
	const struct decode_due *e = d->passes.n ? top(d, &d->passes) : NULL;
	uint32_t seq;

	if (!e || e->at > d->iteration)
		return SEQ_NONE;
	seq = dues_take(&d->passes).seq;
	pass(d, seq_at(d->slab, seq), 1);
	return seq;
}

void decodes_put(struct decodes *d, uint32_t seq)
{
	struct seq *s = seq_at(d->slab, seq);

	BUG_ON(s->left <= 0);
	s->state = SEQ_DECODING;
	s->offset = s->computed - d->iteration;
	s->finish_at = d->iteration + s->left;
	d->n++;
	d->sum[0] += s->computed;
	d->finish_sum += s->finish_at;
	d->growing[0]++;
	for (size_t w = 1; w < d->windows_n; w++) {
		d->sum[w] += s->computed < d->window[w] ? s->computed : d->window[w];
		if (s->computed < d->window[w]) {
			d->growing[w]++;
			put(d, &d->fills[w], d->window[w] - s->offset, seq);
		}
	}
	if (d->block)
		d->by_offset[residue(d, s->offset)]++;
	if (d->groups.windowed)
		put_windowed(d, seq);
	put(d, &d->finish, s->finish_at, seq);
	if (d->padded)
		put(d, &d->longest, -s->offset, seq);
}

void decodes_out(struct decodes *d, uint32_t seq)
{
	struct seq *s = seq_at(d->slab, seq);

	s->computed = decodes_context(d, s);
	s->left = s->finish_at - d->iteration;
	s->stamp++;
	d->n--;
	d->sum[0] -= s->computed;
	d->finish_sum -= s->finish_at;
	d->growing[0]--;
	for (size_t w = 1; w < d->windows_n; w++) {
		d->sum[w] -= s->computed < d->window[w] ? s->computed : d->window[w];
		d->growing[w] -= s->computed < d->window[w];
	}
	if (d->block)
		d->by_offset[residue(d, s->offset)]--;
	if (d->groups.windowed && s->computed >= passes_at(d, s))
		pass(d, s, -1);
}

int64_t decodes_quiet(struct decodes *d)
{
	const struct decode_due *e = top(d, &d->finish);
	int64_t at = e ? e->at : INT64_MAX;

	for (size_t w = 1; w < d->windows_n; w++)
		if ((e = top(d, &d->fills[w])) && e->at < at)
			at = e->at;
	if (d->passes.n && (e = top(d, &d->passes)) && e->at < at)
		at = e->at;
	return at == INT64_MAX ? at : at - d->iteration;
}

void decodes_fill(struct decodes *d)
{
	const struct decode_due *e;

	for (size_t w = 1; w < d->windows_n; w++)
		while ((e = top(d, &d->fills[w])) && e->at <= d->iteration) {
			d->growing[w]--;
			dues_take(&d->fills[w]);
		}
}

uint32_t decodes_finished(struct decodes *d)
{
	uint32_t seq;

	if (!decodes_any_finished(d) || !top(d, &d->finish) || d->finish.at[0].at > d->iteration)
		return SEQ_NONE;
	seq = dues_take(&d->finish).seq;
	decodes_out(d, seq);
	return seq;
}

int64_t decodes_longest(struct decodes *d)
{
	const struct decode_due *e = d->padded ? top(d, &d->longest) : NULL;

	return e ? d->iteration - e->at : 0;
}

/* How far below `free` the blocks fall in a turn of `block` iterations at least; *net: and at its end. */
static int64_t least_of_turn(const struct decodes *d, int64_t i, int64_t *net)
{
	int64_t sum = 0, least = INT64_MAX;

	for (int64_t j = i; j < i + d->block; j++) {
		sum += decodes_left(d, j) - decodes_wanted(d, j);
		least = sum < least ? sum : least;
	}
	*net = sum;
	return least;
}

int64_t decodes_covered(const struct decodes *d, int64_t i, int64_t most, int64_t free)
{
	int64_t k = 0, turns, taken, lowest;

	if (!d->block || !d->n)
		return most;
	if (free < 0) /* mlx, which does not look at what is left */
		return 0;
	taken = d->tables * d->n; /* in a whole turn of `block` iterations */
	lowest = -taken;
	if (d->passing_n) {
		lowest = least_of_turn(d, i, &taken);
		taken = -taken;
	}
	if (taken <= 0 && free + lowest >= 0)
		return most;
	turns = free + lowest < 0 ? 0 : (free + lowest) / taken + 1;
	if (turns > most / d->block)
		return most;
	k = turns * d->block;
	free -= turns * taken;
	while (k < most && (free += decodes_left(d, i + k) - decodes_wanted(d, i + k)) >= 0)
		k++;
	return k;
}

/* A turn of `block` iterations takes no less than it gives back: what it does not free none does. */
int64_t decodes_frees(const struct decodes *d, int64_t lacking)
{
	int64_t freed = 0;

	for (int64_t i = 1; d->passing_n && i <= d->block; i++) {
		freed += decodes_left(d, i) - decodes_wanted(d, i);
		if (freed >= lacking)
			return i;
	}
	return INT64_MAX;
}
