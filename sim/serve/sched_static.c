/*
 * sched_static.c - batches as papers have them for a baseline: up to `seqs` requests are read together,
 * padded to the longest, and decode until the longest answer is done; nobody joins, and who is done keeps his
 * rows.
 */
#include "sim/serve/replica.h"

struct batch {
	int64_t n;    /* sequences that it began with; 0: none */
	int64_t base; /* longest prompt */
	int64_t from; /* iteration of its first decode */
};

static void start(struct replica *p)
{
	p->own = xcalloc(1, sizeof(struct batch));
}

static void stop(struct replica *p)
{
	free(p->own);
}

/* Full, or the first has waited long enough. */
static bool ready(struct replica *p)
{
	const struct waiter *head = waiting_head(&p->waiting);
	const int64_t at_ns = clock_stamp(p->now);

	if (!head)
		return false;
	if ((int64_t)waiting_n(&p->waiting) >= p->set->seqs || at_ns >= head->queued_ns + p->set->window_ns)
		return true;
	replica_wake(p, head->queued_ns + p->set->window_ns);
	return false;
}

static void read_all(struct replica *p, struct batch *b)
{
	struct batch_mix mix = {.weight_reads = 1, .padded = true};
	uint32_t seq;
	struct seq *s;

	*b = (struct batch){.from = p->dec.iteration};
	p->pieces.n = 0;
	while (b->n < p->set->seqs && (s = replica_head(p, &seq))) {
		const int64_t blocks = kv_blocks_for(&p->kv, s->r.prompt + s->limit);

		if (blocks > kv_free(&p->kv))
			break;
		replica_admit(p, seq, 0);
		kv_take(&p->kv, blocks);
		s->blocks = blocks;
		replica_piece(p, seq, s->goal);
		VEC_ADD(&p->pieces, (struct prompt_piece){s->goal, 0, true});
		b->n++;
		if (s->goal > b->base)
			b->base = s->goal;
	}
	mix.pieces = p->pieces.at;
	mix.pieces_n = p->pieces.n;
	mix.host_sequences = b->n;
	replica_pass(p, &mix);
}

static void compose(struct replica *p)
{
	struct batch *b = p->own;
	struct batch_mix mix;

	if (!p->dec.n) {
		if (ready(p))
			read_all(p, b);
		return;
	}
	replica_mix(p, &mix);
	mix.padded = true;
	mix.decodes = mix.host_sequences = b->n;
	mix.context_max = b->base + p->dec.iteration - b->from;
	for (size_t w = 0; w < p->dec.windows_n; w++) {
		const bool grows = mix.context_max < p->dec.window[w];

		mix.context_sum[w] = b->n * (grows ? mix.context_max : p->dec.window[w]);
		mix.context_growth[w] = grows ? b->n : 0;
	}
	p->decodes_run = true;
	replica_pass(p, &mix);
	for (size_t w = 1; w < p->dec.windows_n;
	     w++) /* the padded cache fills a window where nobody in it does */
		if (mix.context_max < p->dec.window[w] && p->dec.window[w] - mix.context_max < p->steps)
			p->steps = p->dec.window[w] - mix.context_max;
}

static void after(struct replica *p, uint32_t seq)
{
	replica_token(p, seq);
}

static bool open(const struct replica *p)
{
	(void)p;
	return false;
}

const struct scheduler scheduler_static = {
	.start = start, .compose = compose, .after = after, .open = open, .stop = stop};
