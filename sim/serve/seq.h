/*
 * seq.h - a request that a server has in hand, and the slab such requests live in.
 *
 * Layer serve. Sequences are named by number. While one decodes, nothing in it changes from iteration to
 * iteration: its context is offset + the iteration's number, and it has finish_at - iteration tokens to go.
 */
#ifndef SIM_SERVE_SEQ_H
#define SIM_SERVE_SEQ_H
#include <stdbool.h>
#include <stdint.h>

#include "sim/load/request.h"
#include "sim/base/clock.h"

enum seq_state {
	SEQ_WAITING,
	SEQ_READING,
	SEQ_DECODING,
	SEQ_STALLED,
	SEQ_MOVING,
	SEQ_ENDED /* its place in the batch and its KV blocks are not given on yet (vllm, async) */
};

#define SEQ_NONE UINT32_MAX

struct seq {
	struct request r;
	struct request_times t;
	int64_t limit;    /* tokens it will give: its output, or what the context leaves */
	int64_t left;     /* tokens to go; not kept up while it decodes */
	int64_t computed; /* tokens in the cache; not kept up while it decodes */
	int64_t goal; /* tokens to read before the next token: the prompt and what was given of the answer */
	int64_t blocks; /* KV blocks held by it alone; not kept up while it decodes and blocks are taken on
			   demand */
	int64_t shared; /* blocks before those, findable in the block cache */
	int64_t window_from; /* the first of its blocks that it holds in windowed groups; of those that it holds alone
				not kept up while it decodes */
	int64_t offset, finish_at; /* while it decodes */
	struct clock last;         /* time of its last token, if the next gap is not one iteration */
	uint64_t admission_no;     /* order of admission */
	uint64_t cache_key;        /* for the prefix cache that holds parts of it */
	uint32_t stamp; /* goes up whenever it leaves the decodes: heap entries with older ones are stale */
	uint32_t before, after; /* neighbours in the order of admission */
	uint32_t slot;          /* llama.cpp: its slot */
	uint32_t place;         /* rows it was given in this iteration, where they are counted one by one */
	uint32_t move;          /* transfer of its KV cache to a decode server, or SEQ_NONE */
	enum seq_state state;
	bool late;        /* its next gap begins at `last` */
	bool cache_known; /* its cached beginning has been counted */
};

enum { SLAB_BITS = 8, SLAB_CHUNK = 1 << SLAB_BITS };
struct slab {
	struct seq **chunks;
	uint32_t used, chunks_n, chunks_room, free; /* free: first of those given back, linked by `after` */
};

struct slab *slab_new(void);
void slab_free(struct slab *s);
uint32_t slab_take(struct slab *s);           /* zeroed */
void slab_give(struct slab *s, uint32_t seq); /* may be handed out again at once */

static inline struct seq *seq_at(const struct slab *s, uint32_t seq)
{
	return &s->chunks[seq >> SLAB_BITS][seq & (SLAB_CHUNK - 1)];
}

#endif
