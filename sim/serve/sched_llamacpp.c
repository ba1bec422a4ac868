/*
 * sched_llamacpp.c - the rules of llama.cpp's server, and with other settings those of Ollama and LM Studio.
 *
 * server_context_impl::get_available_slot(), pre_decode(), update_slots() and decode() in
 * tools/server/server-context.cpp, read at commit 001d906a6d86e2490e394361e7cc6f478b100088. An iteration has
 * one token of each slot that generates, then prompts in the order of slots until the batch holds `batch`
 * tokens; it runs as micro-batches of `ubatch`, and all its tokens appear at its end. With a KV cache split
 * by slots a micro-batch takes consecutive slots only (llama_batch_allocr::split_equal(),
 * src/llama-batch.cpp), so decodes read the weights once for each run of neighbours.
 */
#include "sim/base/err.h"
#include "sim/serve/chain.h"
#include "sim/serve/replica.h"

struct slot {
	uint32_t seq; /* SEQ_NONE: idle */
	bool decodes;
	uint64_t released;  /* when it was last given back: 0 never, else by order */
	struct chain keeps; /* what its cache holds while it is idle */
};

struct slots {
	struct slot *at;
	int64_t n, idle, runs;
	uint64_t releases;
	int64_t kept;      /* tokens in the caches of idle slots */
	struct shelf host; /* caches saved to host memory */
	int64_t copied;    /* tokens copied to and from host memory since the last iteration */
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void start(struct replica *p)
{
	struct slots *o = xcalloc(1, sizeof *o);

	o->n = o->idle = p->set->slots;
	o->at = xcalloc((size_t)o->n, sizeof *o->at);
	for (int64_t i = 0; i < o->n; i++)
		o->at[i].seq = SEQ_NONE;
	p->own = o;
}

static void stop(struct replica *p)
{
	struct slots *o = p->own;

	for (int64_t i = 0; i < o->n; i++)
		chain_release(&o->at[i].keeps);
	shelf_release(&o->host);
	free(o->at);
	free(o);
}

/* ---- slots ---- */

static void set_decodes(struct slots *o, int64_t i, bool decodes)
{
	const bool left = i > 0 && o->at[i - 1].decodes, right = i + 1 < o->n && o->at[i + 1].decodes;

	if (o->at[i].decodes == decodes)
		return;
	o->at[i].decodes = decodes;
	o->runs += decodes ? 1 - left - right : left + right - 1;
}

/* The idle slot whose cache shares the longest beginning with the prompt, if that is more than a tenth of the
 * prompt (slot_prompt_similarity); else the one released longest ago. */
static int64_t pick(const struct slots *o, const struct replica *p, const struct request *r)
{
	int64_t best = -1, oldest = -1, most = r->prompt / 10;

	for (int64_t i = 0; i < o->n; i++) {
		int64_t common;

		if (o->at[i].seq != SEQ_NONE)
			continue;
		if (oldest < 0 || o->at[i].released < o->at[oldest].released)
			oldest = i;
		common = p->set->cache == CACHE_SLOTS ? chain_common(&o->at[i].keeps, r) : 0;
		if (common > most) {
			most = common;
			best = i;
		}
	}
	return best >= 0 ? best : oldest;
}

static void forget(struct slots *o, struct slot *s)
{
	o->kept -= s->keeps.tokens;
	s->keeps.tokens = 0;
	s->keeps.n = 0;
}

/* ---- the cache in host memory ---- */

/* What the slot is about to lose more than half of is saved (server_slot::prompt_save(), called where f_keep
 * < 0.5); the oldest go when there is no room. */
static void save(struct slots *o, const struct replica *p, const struct slot *s, int64_t common)
{
	if (2 * common >= s->keeps.tokens || s->keeps.tokens > p->set->host_cache)
		return;
	shelf_put(&o->host, &s->keeps, SIZE_MAX, p->set->host_cache);
	o->copied += s->keeps.tokens;
}

/* A saved cache that shares more with the prompt than the slot does takes its place
 * (server_prompt_cache::load()). */
static int64_t load(struct slots *o, const struct request *r, int64_t common)
{
	const size_t best = shelf_best(&o->host, r, &common);

	if (best < o->host.n) {
		o->copied += o->host.at[best].tokens;
		shelf_drop(&o->host, best);
	}
	return common;
}

/* ---- seats ---- */

static void shards(struct replica *p, struct slots *o, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);
	const int64_t i = pick(o, p, &s->r);
	struct slot *slot = &o->at[i];
	int64_t cached = 0;

	if (p->set->cache == CACHE_SLOTS) {
		cached = chain_common(&slot->keeps, &s->r);
		if (p->set->host_cache) {
			save(o, p, slot, cached);
			cached = load(o, &s->r, cached);
		}
		cached = least(cached, s->goal - 1); /* the last token is read, it gives the first one */
	}
	forget(o, slot);
	slot->seq = seq;
	o->idle--;
	replica_seat(p, seq, cached);
	s->slot = (uint32_t)i;
	kv_take(&p->kv, cached);
	s->blocks = cached;
}

static void left(struct replica *p, uint32_t seq)
{
	struct slots *o = p->own;
	const struct seq *s = seq_at(p->slab, seq);
	struct slot *slot = &o->at[s->slot];

	set_decodes(o, s->slot, false);
	slot->seq = SEQ_NONE;
	slot->released = ++o->releases;
	o->idle++;
	if (p->set->cache == CACHE_SLOTS) {
		chain_of(&slot->keeps, &s->r, s->computed);
		o->kept += s->computed;
	}
}

/* ---- room in a unified cache ---- */

/* Idle slots lose their caches, the longest idle first, until there is room for n more tokens
 * (server_context_impl::try_clear_idle_slots()). */
static int64_t room_for(struct replica *p, struct slots *o, int64_t n)
{
	while (kv_free(&p->kv) - o->kept < n && o->kept > 0) {
		int64_t oldest = -1;

		for (int64_t i = 0; i < o->n; i++)
			if (o->at[i].seq == SEQ_NONE && o->at[i].keeps.tokens &&
			    (oldest < 0 || o->at[i].released < o->at[oldest].released))
				oldest = i;
		forget(o, &o->at[oldest]);
	}
	return kv_free(&p->kv) - o->kept;
}

/* Not even one token each: "Context size has been exceeded" goes to every slot (decode(), ret != 0 with a
 * batch of one token), and all are released. */
static void give_up(struct replica *p)
{
	for (uint32_t seq = p->first, next; seq != SEQ_NONE; seq = next) {
		next = seq_at(p->slab, seq)->after;
		if (seq_at(p->slab, seq)->state != SEQ_MOVING)
			replica_end(p, seq, REQUEST_TRUNCATED);
	}
}

/* ---- the batch ---- */

static void read_on(struct replica *p, struct slots *o)
{
	const int64_t rows = p->dec.n * (p->set->draft + 1);
	int64_t left_in_batch = p->set->batch - rows;

	for (int64_t i = 0; i < o->n && left_in_batch > 0 && p->reading.n > p->reads.n; i++) {
		const uint32_t seq = o->at[i].seq;
		struct seq *s;
		int64_t tokens;

		if (seq == SEQ_NONE || seq_at(p->slab, seq)->state != SEQ_READING)
			continue;
		s = seq_at(p->slab, seq);
		tokens = least(s->goal - s->computed, left_in_batch);
		tokens = least(tokens, room_for(p, o, tokens + rows) - rows);
		if (tokens <= 0)
			break;
		kv_take(&p->kv, tokens);
		s->blocks += tokens;
		replica_piece(p, seq, tokens);
		left_in_batch -= tokens;
	}
}

/* Prompt pieces as they fill micro-batches, the first of which holds `taken` rows already. */
struct filling {
	struct batch_mix mix;
	int64_t room;
};

static void flush(struct replica *p, struct filling *f)
{
	f->mix.pieces = p->pieces.at;
	f->mix.pieces_n = p->pieces.n;
	if (f->mix.decodes || f->mix.pieces_n)
		replica_pass(p, &f->mix);
	f->mix = (struct batch_mix){.rows_per_decode = 1, .weight_reads = 1};
	f->room = p->set->ubatch;
	p->pieces.n = 0;
}

static void passes(struct replica *p, const struct slots *o)
{
	struct filling f = {replica_mix(p), p->set->ubatch};

	f.mix.host_sequences += (int64_t)p->reads.n;
	f.mix.weight_reads = p->set->kv_unified || !o->runs ? 1 : o->runs;
	f.room -= f.mix.decodes * f.mix.rows_per_decode;
	p->pieces.n = 0;
	if (f.mix.decodes && (f.room <= 0 || !p->set->kv_unified))
		flush(p, &f);
	for (size_t i = 0; i < p->reads.n; i++) {
		const struct seq *s = seq_at(p->slab, p->reads.at[i].seq);

		for (int64_t done = 0, n; done < p->reads.at[i].tokens; done += n) {
			const int64_t context = s->computed + done;

			n = least(p->reads.at[i].tokens - done, f.room);
			VEC_ADD(&p->pieces, (struct prompt_piece){n, context, context + n == s->goal});
			if (!(f.room -= n))
				flush(p, &f);
		}
		if (!p->set->kv_unified) /* slots apart, or of unequal length: not in one micro-batch */
			flush(p, &f);
	}
	flush(p, &f);
}

/* Iterations before idle slots would have to lose what they keep: then somebody has to look. */
static void look_in_time(struct replica *p, const struct slots *o, int64_t rows)
{
	const int64_t more = rows ? (kv_free(&p->kv) - o->kept) / rows : 0;

	if (o->kept && more < p->steps)
		p->steps = more > 1 ? more : 1;
}

/* False: there was no room for anything. */
static bool fill(struct replica *p, struct slots *o)
{
	const int64_t rows = p->dec.n * (p->set->draft + 1);
	uint32_t seq;

	while (o->idle && replica_head(p, &seq))
		shards(p, o, seq);
	if (room_for(p, o, rows) < rows)
		return false;
	read_on(p, o);
	/* nothing to do, or what hand-overs hold will be free */
	return p->dec.n || p->reads.n || p->running > (int64_t)p->reading.n || !p->running;
}

static void compose(struct replica *p)
{
	struct slots *o = p->own;

	while (!fill(p, o))
		give_up(p);
	p->decodes_run = p->dec.n > 0;
	if (!p->decodes_run && !p->reads.n)
		return;
	passes(p, o);
	look_in_time(p, o, p->dec.n);
	if (o->copied) { /* only this iteration copies */
		p->fs += o->copied * p->set->host_copy_fs;
		o->copied = 0;
		p->steps = 1;
	}
	if (p->decodes_run)
		replica_grow(p);
}

static void after(struct replica *p, uint32_t seq)
{
	struct slots *o = p->own;
	const struct seq *s = seq_at(p->slab, seq);
	const uint32_t slot = s->slot;

	if (s->computed < s->goal)
		return;
	replica_token(p, seq);
	if (o->at[slot].seq == seq && seq_at(p->slab, seq)->state == SEQ_DECODING)
		set_decodes(o, slot, true);
}

static bool open(const struct replica *p)
{
	return ((const struct slots *)p->own)->idle > 0;
}

static bool join(struct replica *p, uint32_t seq)
{
	struct slots *o = p->own;
	struct seq *s = seq_at(p->slab, seq);
	int64_t i;

	if (!o->idle)
		return false;
	i = pick(o, p, &s->r);
	forget(o, &o->at[i]);
	o->at[i].seq = seq;
	o->idle--;
	s->slot = (uint32_t)i;
	replica_decode(p, seq);
	set_decodes(o, i, true);
	return true;
}

static int64_t hit(const struct replica *p, const struct request *r)
{
	const struct slots *o = p->own;
	int64_t most = 0;

	for (int64_t i = 0; i < o->n && p->set->cache == CACHE_SLOTS; i++) {
		const int64_t common = chain_common(&o->at[i].keeps, r);

		most = common > most ? common : most;
	}
	(void)shelf_best(&o->host, r, &most);
	return most;
}

const struct scheduler scheduler_llamacpp = {.hit = hit,
					     .start = start,
					     .join = join,
					     .compose = compose,
					     .after = after,
					     .open = open,
					     .left = left,
					     .stop = stop};
