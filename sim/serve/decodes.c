/* decodes.c - see decodes.h. */
#include "sim/serve/decodes.h"

#include <string.h>

#include "sim/base/err.h"

void decodes_init(struct decodes *d, struct slab *slab, const struct batch_time *t, int64_t block)
{
	*d = (struct decodes){.slab = slab, .windows_n = t->windows_n, .block = block};
	BUG_ON(t->windows_n < 1 || t->windows_n > BATCH_WINDOWS);
	memcpy(d->window, t->windows, sizeof d->window);
	d->by_offset = xcalloc(block > 0 ? (size_t)block : 1, sizeof *d->by_offset);
}

void decodes_release(struct decodes *d)
{
	dues_release(&d->finish);
	dues_release(&d->longest);
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
}

int64_t decodes_quiet(struct decodes *d)
{
	const struct decode_due *e = top(d, &d->finish);
	int64_t at = e ? e->at : INT64_MAX;

	for (size_t w = 1; w < d->windows_n; w++)
		if ((e = top(d, &d->fills[w])) && e->at < at)
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

int64_t decodes_covered(const struct decodes *d, int64_t i, int64_t most, int64_t free)
{
	int64_t k = 0, turns;

	if (!d->block || !d->n)
		return most;
	if (free < 0) /* mlx, which does not look at what is left */
		return 0;
	turns = free / d->n; /* in a whole turn of `block` iterations each sequence takes one block */
	if (turns > most / d->block)
		return most;
	k = turns * d->block;
	free -= turns * d->n;
	while (k < most && (free -= decodes_wanted(d, i + k)) >= 0)
		k++;
	return k;
}
