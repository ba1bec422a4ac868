/*
 * sched_mlx.c - the rules of mlx_lm's server: a batch of prompts beside a batch that decodes.
 *
 * BatchGenerator._next() in mlx_lm/generate.py and ResponseGenerator._generate() in mlx_lm/server.py, read at
 * commit d78bf58e217c904ec282ed8da9b947491f78c022. In one iteration, one after another: a decode step of all
 * that generate; if those are `decodes` or more, nothing else. Then sequences are taken into the prompt
 * batch, up to `prompts`; those with one token left to read (it is kept back) start to generate, in a step of
 * their own; the others read on by at most `step` tokens in one padded pass. Caches of a batch are padded to
 * the longest.
 *
 * Between two looks for new requests iterations go on until they have taken TimeBudget's 0.5 s (`poll`), so that
 * requests which come one after the other are taken in together. The server cuts a prompt into segments, none of which
 * shares a pass with the next (_tokenize()): of a model that thinks, the last tokens from <think> on are one (`tail`).
 *
 * Whoever is found is taken in at once, in the same thread as the iterations: _generate() asks for the next request as long as
 * there is one, and makes a detokenizer for each (tokenizer.detokenizer). BPEStreamingDetokenizer and SPMStreamingDetokenizer
 * (mlx_lm/tokenizer_utils.py) ask the tokenizer twice for all of its vocabulary and make a table of it (`detokenizer`).
 */
#include "sim/base/least.h"
#include "sim/serve/replica.h"

static int64_t rest_of(const struct seq *s)
{
	return s->goal - s->computed;
}

/* completion_batch_size = max(completion_batch_size, prefill_batch_size) */
static int64_t most_decodes(const struct replica *p)
{
	return most(p->set->decodes, p->set->prompts);
}

/* The time since the last look is up, or nothing is left to do: everybody who waits is seen. Returns how many are new. */
static int64_t look(struct replica *p)
{
	const int64_t before = p->poll.seen;

	if (!p->poll.again && (p->dec.n || p->reading.n) &&
	    clock_since(p->now, p->poll.since) <= (span_fs)p->set->poll_ns * FS_PER_NS)
		return 0;
	p->poll.since = p->now;
	p->poll.seen = (int64_t)waiting_n(&p->waiting);
	return p->poll.seen > before ? p->poll.seen - before : 0;
}

/* Those who are new are taken in one after another, and so is who comes meanwhile, before the next iteration. */
static bool takes_in(struct replica *p)
{
	const int64_t n = look(p);

	p->poll.again = n && p->set->take_in_fs;
	if (p->poll.again)
		p->fs += n * p->set->take_in_fs;
	return p->poll.again;
}

/* A request with a seed of its own waits until the batch has drained and is then served alone; who comes after it
 * waits for its end (_is_batchable() and drain_batch in mlx_lm/server.py). */
static bool admits(struct replica *p)
{
	const struct waiter *w = waiting_head(&p->waiting);

	if (!w || (p->set->poll_ns && p->poll.seen < 1))
		return false;
	return !p->running || (!w->r.own_seed && !seq_at(p->slab, p->first)->r.own_seed);
}

static void admit(struct replica *p)
{
	int64_t n = p->set->prompts - (int64_t)p->reading.n;

	if (n > most_decodes(p) - p->dec.n)
		n = most_decodes(p) - p->dec.n;
	for (; n > 0 && admits(p); n--) {
		uint32_t seq;
		struct seq *s = replica_head(p, &seq);
		const int64_t cached = replica_cached(p, s);

		replica_admit(p, seq, cached);
		p->poll.seen--;
		kv_take(&p->kv, cached);
		s->blocks = cached;
	}
}

static void take(struct replica *p, uint32_t seq, int64_t tokens)
{
	struct seq *s = seq_at(p->slab, seq);
	const int64_t blocks = kv_blocks_for(&p->kv, s->computed + tokens) - s->blocks;

	kv_take(&p->kv, blocks);
	s->blocks += blocks;
	replica_piece(p, seq, tokens);
}

/* The kept-back tokens: rows like decodes, in a pass of their own. */
static void begin(struct replica *p, int64_t host)
{
	struct batch_mix mix = {
		.rows_per_decode = 1, .weight_reads = 1, .host_sequences = host, .padded = true};

	for (size_t i = 0; i < p->reading.n; i++) {
		const struct seq *s = seq_at(p->slab, p->reading.at[i]);

		if (rest_of(s) != 1)
			continue;
		mix.decodes++;
		for (size_t w = 0; w < p->dec.windows_n; w++) {
			const int64_t window = p->dec.window[w];

			mix.context_sum[w] += s->computed < window ? s->computed : window;
		}
		if (s->computed > mix.context_max)
			mix.context_max = s->computed;
		take(p, p->reading.at[i], 1);
	}
	if (mix.decodes)
		replica_pass(p, &mix);
}

/* The tokens that it reads next: no pass has some of both the tail and what is before it. */
static int64_t next_tokens(const struct replica *p, const struct seq *s)
{
	const int64_t rest = rest_of(s) - 1, before = rest_of(s) - p->set->tail;
	const int64_t segment = p->set->tail > 1 && before > 0 ? before : rest;

	return least(segment, p->set->step);
}

static void read_on(struct replica *p, int64_t host)
{
	struct batch_mix mix = {.weight_reads = 1, .host_sequences = host, .padded = true};

	p->pieces.n = 0;
	for (size_t i = 0; i < p->reading.n; i++) {
		const struct seq *s = seq_at(p->slab, p->reading.at[i]);
		const int64_t tokens = next_tokens(p, s);

		if (!tokens)
			continue;
		VEC_ADD(&p->pieces, (struct prompt_piece){tokens, s->computed, false});
		take(p, p->reading.at[i], tokens);
	}
	mix.pieces = p->pieces.at;
	mix.pieces_n = p->pieces.n;
	if (mix.pieces_n)
		replica_pass(p, &mix);
}

static void compose(struct replica *p)
{
	struct batch_mix mix;

	p->decodes_run = false;
	if (takes_in(p))
		return;
	replica_mix(p, &mix);
	mix.padded = true;
	p->decodes_run = mix.decodes > 0;
	if (p->decodes_run) {
		replica_pass(p, &mix);
		replica_grow(p);
	}
	if (p->dec.n >= most_decodes(p))
		return;
	admit(p);
	if (!p->reading.n)
		return;
	/* the host works once in an iteration, for the decodes where there are any */
	begin(p, mix.decodes ? 0 : (int64_t)p->reading.n);
	read_on(p, mix.decodes || p->fs ? 0 : (int64_t)p->reading.n);
}

static void after(struct replica *p, uint32_t seq)
{
	if (!rest_of(seq_at(p->slab, seq)))
		replica_token(p, seq);
}

/* Whoever comes makes a jump end where it is seen in the next iteration, even if it finds no seat then. */
static bool open(const struct replica *p)
{
	if (p->set->take_in_fs && !p->set->poll_ns)
		return true;
	return p->dec.n < most_decodes(p) &&
	       (p->arrived.n || (!p->set->poll_ns && (int64_t)p->reading.n < p->set->prompts));
}

static bool join(struct replica *p, uint32_t seq)
{
	if (p->dec.n >= most_decodes(p))
		return false;
	replica_decode(p, seq);
	return true;
}

static int64_t hit(const struct replica *p, const struct request *r)
{
	int64_t most = 0;

	(void)shelf_best(&p->whole, r, &most);
	return most;
}

const struct scheduler scheduler_mlx = {
	.hit = hit, .join = join, .compose = compose, .after = after, .open = open};
