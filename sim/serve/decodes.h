/*
 * decodes.h - the sequences of a replica that decode: sums and heaps, nothing per sequence and iteration.
 *
 * Layer serve. Iterations are numbered. A sequence with context c in iteration i has offset c - i, which does
 * not change; so the sum of contexts grows by n in an iteration, the iteration in which a sequence finishes
 * or fills an attention window is known when it comes in, and the blocks wanted in iteration i are the number
 * of offsets with (offset + i) mod block = 0. In a windowed group of layers a sequence has given back the blocks that
 * end before offset + i - window + 1, so that it gives one back in the iterations in which that is a multiple of block.
 */
#ifndef SIM_SERVE_DECODES_H
#define SIM_SERVE_DECODES_H
#include "sim/base/heap.h"
#include "sim/serve/batch_time.h"
#include "sim/serve/seq.h"
#include "sim/serve/settings.h"

struct decode_due {
	int64_t at;  /* iteration; for the longest contexts: minus the offset */
	uint64_t id; /* number of the request: makes the order total */
	uint32_t seq, stamp;
};

static inline bool decode_due_before(const void *ctx, const struct decode_due *a, const struct decode_due *b)
{
	(void)ctx;
	return a->at != b->at ? a->at < b->at : a->id < b->id;
}
HEAP_DEFINE(dues, struct decode_due, decode_due_before, HEAP_UNTRACKED);

/* What every iteration asks for stands first, in as few cache lines as can be: of many servers none is in the nearest cache
 * when its turn comes. */
struct decodes {
	int64_t n, iteration; /* sequences that decode; number of the next iteration */
	int64_t finish_sum;   /* over the sequences: less n times the iteration, the tokens they have to go */
	int64_t block;        /* tokens of a KV block; 0: blocks are not taken on demand */
	int64_t phase;        /* iteration mod block */
	int64_t *by_offset;   /* sequences by offset mod block */
	int64_t tables;       /* of blocks that each sequence has */
	size_t windows_n;
	struct dues finish; /* lazy, as the others are: what left is dropped when it comes to the top */
	int64_t sum[BATCH_WINDOWS], growing[BATCH_WINDOWS];
	struct slab *slab;
	int64_t passing_n, *passing; /* of those whose windows have passed what they share: as by_offset */
	bool padded;                 /* the longest context is asked for */

	int64_t window[BATCH_WINDOWS];
	struct kv_groups groups; /* tables of blocks that each sequence has */
	struct dues longest, fills[BATCH_WINDOWS];
	struct dues passes; /* those whose windows have not passed what they share: when they will have */
};

void decodes_init(struct decodes *d, struct slab *slab, const struct batch_time *t, int64_t block,
		  const struct kv_groups *groups);
void decodes_release(struct decodes *d);

/* The sequence's computed and left say where it stands; left > 0. Taking one out sets both again. */
void decodes_put(struct decodes *d, uint32_t seq);
void decodes_out(struct decodes *d, uint32_t seq);

/* Iterations until somebody finishes or fills a window: the longest jump; INT64_MAX when there is nobody. */
int64_t decodes_quiet(struct decodes *d);
uint32_t decodes_finished(struct decodes *d); /* takes out one that is at its end, by id; or SEQ_NONE */
int64_t decodes_longest(struct decodes *d);   /* context; 0 when there is nobody */
/* The most iterations, at most `most`, for which `free` blocks and those given back meanwhile suffice, beginning with
 * the i-th. */
int64_t decodes_covered(const struct decodes *d, int64_t i, int64_t most, int64_t free);

/* Blocks that the i-th iteration from now takes. */
static inline int64_t decodes_wanted(const struct decodes *d, int64_t i)
{
	int64_t phase;

	if (!d->block)
		return 0;
	phase = d->phase + i;
	if (phase >= d->block)
		phase %= d->block;
	return d->tables * d->by_offset[phase ? d->block - phase : 0];
}

/* Blocks that are given back before it. */
static inline int64_t decodes_left(const struct decodes *d, int64_t i)
{
	int64_t phase;

	if (!d->passing_n)
		return 0;
	phase = (d->phase + i - d->groups.window + 1) % d->block;
	if (phase < 0)
		phase += d->block;
	return d->groups.windowed * d->passing[phase ? d->block - phase : 0];
}

/* The first iteration, from the next one on, in which `lacking` more blocks are free than in this one, as long as
 * nothing changes; INT64_MAX: none. */
int64_t decodes_frees(const struct decodes *d, int64_t lacking);

/* One whose windows pass what it shares by now: from here on it gives back blocks; or SEQ_NONE. */
uint32_t decodes_passes(struct decodes *d);

/* Nobody's end is earlier than the first entry's, stale or not: without one that is due nobody has ended. */
static inline bool decodes_any_finished(const struct decodes *d)
{
	return d->finish.n && d->finish.at[0].at <= d->iteration;
}

void decodes_fill(struct decodes *d); /* windows that are full by now do not grow any more */

static inline void decodes_advance(struct decodes *d, int64_t k) /* k <= decodes_quiet(d) */
{
	d->iteration += k;
	d->sum[0] += k * d->growing[0];
	for (size_t w = 1; w < d->windows_n; w++)
		d->sum[w] += k * d->growing[w];
	if (d->windows_n > 1)
		decodes_fill(d);
	if (d->block && (d->phase += k) >= d->block)
		d->phase %= d->block;
}

static inline int64_t decodes_context(const struct decodes *d, const struct seq *s)
{
	return s->offset + d->iteration;
}

#endif
