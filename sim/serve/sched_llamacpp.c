/*
 * sched_llamacpp.c - the rules of llama.cpp's server, and with other settings those of Ollama and LM Studio.
 *
 * server_context_impl::get_available_slot(), pre_decode(), update_slots() and decode() in
 * tools/server/server-context.cpp, server_prompt_cache in server-task.cpp beside it, and llama_batch_allocr in
 * src/llama-batch.cpp, read in ngxson/llama.cpp at commit 3f545beccee69d9975f466ec7e45fd9aacd8ba90, whose
 * master is that of ggml-org/llama.cpp. An iteration has one token of each slot that generates, then prompts
 * in the order of slots until the batch holds `batch` tokens; it runs as micro-batches of `ubatch`, and all
 * its tokens appear at its end. With a KV cache split by slots a micro-batch takes consecutive slots only, so
 * decodes read the weights once for each run of neighbours.
 *
 * Left out: models with sliding windows or recurrent states read the last 4 tokens of a prompt, and the
 * ubatch before them, in iterations of their own to make a checkpoint before each (pre_decode(),
 * do_checkpoint).
 */
#include "sim/base/err.h"
#include "sim/base/least.h"
#include "sim/serve/chain.h"
#include "sim/serve/replica.h"

struct slot {
	uint32_t seq; /* SEQ_NONE: idle */
	bool decodes;
	int64_t given, rows; /* rows in the current batch: in all, and those that no micro-batch holds yet */
	uint64_t released;   /* when it was last given back: 0 never, else by order */
	struct chain keeps;  /* text in its cache while it is idle */
};

struct slots {
	struct slot *at;
	int64_t n, idle, runs;
	uint64_t releases;
	int64_t kept;      /* tokens in the caches of idle slots */
	struct shelf host; /* caches saved to host memory */
	int64_t copied;    /* tokens copied to and from host memory since the last iteration */
};

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

struct chosen {
	int64_t slot;   /* -1: all are busy */
	int64_t common; /* tokens of the prompt that its cache begins with */
	bool similar;   /* chosen for them */
};

/* server_context_impl::get_available_slot(): the idle slot whose cache shares the longest beginning with the
 * prompt, if that is more than a tenth of the prompt (slot_prompt_similarity); else the one released longest ago,
 * of those never used the last one. */
static struct chosen choose(const struct slots *o, const struct replica *p, const struct request *r)
{
	struct chosen best = {-1, r->prompt / 10, true}, oldest = {-1, 0, false};

	for (int64_t i = 0; i < o->n; i++) {
		int64_t common;

		if (o->at[i].seq != SEQ_NONE)
			continue;
		common = p->set->cache == CACHE_SLOTS ? chain_common(&o->at[i].keeps, r) : 0;
		if (oldest.slot < 0 || o->at[i].released <= o->at[oldest.slot].released)
			oldest = (struct chosen){i, common, false};
		if (common > best.common)
			best = (struct chosen){i, common, true};
	}
	return best.slot >= 0 ? best : oldest;
}

static void forget(struct slots *o, struct slot *s)
{
	o->kept -= s->keeps.tokens;
	s->keeps.tokens = 0;
	s->keeps.n = 0;
}

/* ---- the cache in host memory ---- */

/* server_prompt_cache::alloc() and server_slot::prompt_save(): a copy is made unless one that begins with all of it
 * is there; copies that it begins with go, and the oldest where there is no room. */
static void save(struct slots *o, const struct replica *p, const struct slot *s)
{
	size_t i = 0;

	if (!s->keeps.tokens || s->keeps.tokens > p->set->host_cache)
		return;
	for (size_t k = 0; k < o->host.n; k++)
		if (chain_begins(&o->host.at[k], &s->keeps))
			return;
	while (i < o->host.n)
		if (chain_begins(&s->keeps, &o->host.at[i]))
			shelf_drop(&o->host, i);
		else
			i++;
	shelf_put(&o->host, &s->keeps, SIZE_MAX, p->set->host_cache);
	o->copied += s->keeps.tokens;
}

/* server_prompt_cache::load(): the saved cache takes the slot's place that shares more with the prompt, and of which
 * a larger part is shared, than the slot's own; a quarter of it at least. It is no longer in the host's memory. */
static int64_t load(struct slots *o, const struct slot *s, const struct request *r, int64_t common)
{
	int64_t best = common, of = s->keeps.tokens;
	size_t at = o->host.n;

	for (size_t i = 0; i < o->host.n; i++) {
		const int64_t here = chain_common(&o->host.at[i], r), tokens = o->host.at[i].tokens;

		if (4 * here < tokens || here <= best || (of && here * of <= best * tokens))
			continue;
		best = here;
		of = tokens;
		at = i;
	}
	if (at < o->host.n) {
		o->copied += of;
		shelf_drop(&o->host, at);
	}
	return best;
}

/* With cache_idle_slots, which is on unless told otherwise, whatever idle slots hold is saved when a request takes a
 * slot (process_single_task()); in a unified cache their cells are free then. */
static void save_idle(struct slots *o, const struct replica *p)
{
	for (int64_t i = 0; i < o->n; i++) {
		if (o->at[i].seq != SEQ_NONE)
			continue;
		save(o, p, &o->at[i]);
		if (p->set->kv_unified)
			forget(o, &o->at[i]);
	}
}

/* ---- slots ---- */

/* Tokens of the prompt that the slot's cache begins with, after an exchange with the host's memory: that is looked at
 * where the slot was not chosen for what it has, or is about to lose more than half of it. */
static int64_t cached(struct slots *o, const struct replica *p, const struct chosen *c,
		      const struct request *r)
{
	const struct slot *slot = &o->at[c->slot];

	if (!p->set->host_cache || (c->similar && 2 * c->common >= slot->keeps.tokens))
		return c->common;
	save(o, p, slot);
	return load(o, slot, r, c->common);
}

static void take_slot(struct replica *p, struct slots *o, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);
	const struct chosen c = choose(o, p, &s->r);
	int64_t found = 0;

	if (p->set->cache == CACHE_SLOTS) /* the last token is read in any case, it gives the first one */
		found = least(cached(o, p, &c, &s->r), s->goal - 1);
	forget(o, &o->at[c.slot]);
	o->at[c.slot].seq = seq;
	o->idle--;
	replica_admit(p, seq, found);
	s->slot = (uint32_t)c.slot;
	kv_take(&p->kv, found);
	s->blocks = found;
	if (p->set->cache == CACHE_SLOTS && p->set->host_cache)
		save_idle(o, p);
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

/* Idle slots lose their caches in the order of their numbers until there is room for n more tokens
 * (server_context_impl::try_clear_idle_slots(), one slot for each try). */
static int64_t room_for(struct replica *p, struct slots *o, int64_t n)
{
	for (int64_t i = 0; i < o->n && kv_free(&p->kv) - o->kept < n && o->kept > 0; i++)
		if (o->at[i].seq == SEQ_NONE)
			forget(o, &o->at[i]);
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

/* One cache for all slots: llama_batch_allocr::split_simple(), the rows in their order, `ubatch` at a time. */
static void unified_passes(struct replica *p, struct filling *f)
{
	if (f->mix.decodes && f->room <= 0)
		flush(p, f);
	for (size_t i = 0; i < p->reads.n; i++) {
		const struct seq *s = seq_at(p->slab, p->reads.at[i].seq);

		for (int64_t done = 0, n; done < p->reads.at[i].tokens; done += n) {
			const int64_t context = s->computed + done;

			n = least(p->reads.at[i].tokens - done, f->room);
			VEC_ADD(&p->pieces, (struct prompt_piece){n, context, context + n == s->goal});
			if (!(f->room -= n))
				flush(p, f);
		}
	}
	flush(p, f);
}

/* The slot that begins the next micro-batch: rows of decodes stand before those of prompts. -1: none is left. */
static int64_t first_left(const struct slots *o)
{
	int64_t first = -1;

	for (int64_t i = 0; i < o->n; i++)
		if (o->at[i].rows && (first < 0 || (o->at[i].decodes && !o->at[first].decodes)))
			first = i;
	return first;
}

/* Slots from the first on that share its micro-batch: each has the number after the one before it, and stands behind
 * it in the batch. least_rows: of the one that has fewest. */
static int64_t last_beside(const struct slots *o, int64_t first, int64_t *least_rows)
{
	int64_t last = first;

	*least_rows = o->at[first].rows;
	while (last + 1 < o->n && o->at[last + 1].rows && (o->at[last].decodes || !o->at[last + 1].decodes)) {
		last++;
		*least_rows = least(*least_rows, o->at[last].rows);
	}
	return last;
}

static void count_rows(struct replica *p, struct slots *o)
{
	for (int64_t i = 0; i < o->n; i++)
		o->at[i].given = o->at[i].decodes ? p->set->draft + 1 : 0;
	for (size_t i = 0; i < p->reads.n; i++)
		o->at[seq_at(p->slab, p->reads.at[i].seq)->slot].given = p->reads.at[i].tokens;
	for (int64_t i = 0; i < o->n; i++)
		o->at[i].rows = o->at[i].given;
}

/* A cache for each slot: llama_batch_allocr::split_equal() gives a micro-batch as many rows of each of its slots,
 * whose numbers follow one another. Decodes are one pass for each run of such slots, and the first rows of a prompt in
 * the slot behind a run are computed in it; they are so few that they cost nothing beside the weights. */
static void split_passes(struct replica *p, struct slots *o, struct filling *f)
{
	flush(p, f);
	count_rows(p, o);
	for (int64_t first; (first = first_left(o)) >= 0;) {
		int64_t rows;
		const int64_t last = last_beside(o, first, &rows),
			      share = p->set->ubatch / (last - first + 1);

		rows = least(rows, share > 1 ? share : 1);
		for (int64_t i = first; i <= last; i++) {
			struct slot *slot = &o->at[i];
			const struct seq *s = seq_at(p->slab, slot->seq);
			const int64_t context = s->computed + slot->given - slot->rows;

			slot->rows -= rows;
			if (!o->at[first].decodes)
				VEC_ADD(&p->pieces,
					(struct prompt_piece){rows, context, context + rows == s->goal});
		}
		flush(p, f);
	}
}

static void passes(struct replica *p, struct slots *o)
{
	struct filling f = {.room = p->set->ubatch};

	replica_mix(p, &f.mix);
	f.mix.host_sequences += (int64_t)p->reads.n;
	f.mix.weight_reads = p->set->kv_unified || !o->runs ? 1 : o->runs;
	f.room -= f.mix.decodes * f.mix.rows_per_decode;
	p->pieces.n = 0;
	if (p->set->kv_unified || !p->reads.n)
		unified_passes(p, &f);
	else
		split_passes(p, o, &f);
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
		take_slot(p, o, seq);
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
	i = choose(o, p, &s->r).slot;
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
