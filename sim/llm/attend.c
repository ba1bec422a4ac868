/* attend.c - see attend.h. */
#include "sim/llm/attend.h"

#include <math.h>

#include "sim/llm/memory.h"

/* Pairs of one sequence: the sum of min(past + i, window) over its queries i = 1..q. */
static double pairs_of(int64_t q, int64_t past, int64_t window, bool causal)
{
	const int64_t all = past + q;
	const int64_t before =
		window && window > past ? window - past : 0; /* queries that see less than the window */

	if (!causal)
		return (double)q * (double)(window && window < all ? window : all);
	if (!window || before >= q)
		return (double)q * (double)past + (double)q * ((double)q + 1) / 2;
	return (double)before * (double)past + (double)before * ((double)before + 1) / 2 +
	       (double)(q - before) * (double)window;
}

/* Pairs where tokens see only their own chunk: of the first n tokens of a sequence. */
static double pairs_in_chunks(int64_t n, int64_t chunk)
{
	const double whole = (double)(n / chunk), rest = (double)(n % chunk), c = (double)chunk;

	return whole * c * (c + 1) / 2 + rest * (rest + 1) / 2;
}

/* How far queries of a part see. */
struct sight {
	int64_t window; /* 0: everything */
	int64_t chunk; /* the length of the chunks of a prompt; a cache in chunks is kept and read as a window of that length
			   (ml-explore/mlx-lm cache.py ChunkedKVCache, llama-kv-cache-iswa.cpp) */
	bool causal;
};

static struct sight sight_of(const struct model *m, struct part part, bool decodes)
{
	const struct attention *a = part_attention(m, part);
	const struct sparse *s = a->compress ? NULL : a->sparse;
	struct sight x = {part_window(m, part), decodes ? 0 : a->chunk, a->causal};

	if (s && (decodes ? s->in_decode : s->in_prefill) && (!x.window || s->top < x.window))
		x.window = s->top;
	return x;
}

static double pairs_seen(int64_t q, int64_t past, const struct sight *x)
{
	if (x->chunk && x->causal)
		return pairs_in_chunks(past + q, x->chunk) - pairs_in_chunks(past, x->chunk);
	return pairs_of(q, past, x->window, x->causal);
}

static struct attend alike(const struct model *m, const struct shape *s, struct part part, enum phase phase)
{
	const struct sight x = sight_of(m, part, phase == PHASE_DECODE);
	int64_t context = graph_seen(m, s, part);

	if (phase == PHASE_DECODE && x.window && x.window - 1 + s->tokens < context)
		context = x.window - 1 + s->tokens;
	return (struct attend){
		.decodes = phase == PHASE_DECODE,
		.query = s->tokens,
		.context = context,
		.sequences = phase == PHASE_DECODE ? s->batch : 0,
		.seen = s->batch * context,
		.pairs = (double)s->batch * pairs_seen(s->tokens, s->past, &x),
		.rectangle = (double)s->batch * (double)s->tokens * (double)context,
	};
}

/* Without a window, or with one row for each sequence, the sums say all. Where several rows of a sequence
 * cross the window's edge, unlike sequences are taken as alike: no more pairs than the window allows. */
static double decode_pairs(const struct shape_mix *x, int64_t sum, int64_t window, bool causal)
{
	const double n = (double)x->decodes, rows = (double)x->rows_each;
	const double open = rows * (double)sum + n * rows * (rows - 1) / 2, full = n * rows * (double)window;

	if ((window || !causal) && sum % x->decodes == 0)
		return n * pairs_of(x->rows_each, sum / x->decodes - 1, window, causal);
	if (!causal)
		return rows * ((double)sum + n * (rows - 1));
	return window && open > full ? full : open;
}

static struct attend decodes(const struct model *m, const struct shape_mix *x, struct part part)
{
	const int64_t own = part_window(m, part), window = sight_of(m, part, true).window;
	const int64_t all = own ? x->windowed : x->context;
	const int64_t sum = window && window != own && window * x->decodes < all ? window * x->decodes : all;
	const int64_t seen = sum + x->decodes * (x->rows_each - 1);

	return (struct attend){
		.decodes = true,
		.query = x->rows_each,
		.context = seen / x->decodes,
		.sequences = x->decodes,
		.seen = seen,
		.pairs = decode_pairs(x, sum, window, part_attention(m, part)->causal),
		.rectangle = (double)x->rows_each * (double)seen,
	};
}

/* The kernel's efficiency hangs on query and context: the mean of those over the rows. */
static struct attend pieces(const struct model *m, const struct shape_mix *x, struct part part)
{
	const struct sight sight = sight_of(m, part, false);
	struct attend a = {.decodes = false};
	double rows = 0, squares = 0;

	for (size_t i = 0; i < x->pieces_n; i++) {
		const struct shape one = {
			.batch = 1, .tokens = x->pieces[i].tokens, .past = x->pieces[i].past};
		const int64_t seen = graph_seen(m, &one, part);

		rows += (double)one.tokens;
		squares += (double)one.tokens * (double)one.tokens;
		a.seen += seen;
		a.rectangle += (double)one.tokens * (double)seen;
		a.pairs += pairs_seen(one.tokens, one.past, &sight);
	}
	a.query = (int64_t)(squares / rows);
	a.context = (int64_t)(a.rectangle / rows);
	return a;
}

/* The rows that are seen beyond the window: a row for each `ratio` tokens, and the best `top` of them where the runtime
 * reads only those. Of whole contexts: the window's own share of them is not worth a term. */
static void add_rows(const struct attention *a, const struct attend *whole, int64_t sequences,
		     struct attend *x)
{
	const int64_t ratio = a->compress->ratio;
	const bool chosen = a->sparse && (x->decodes ? a->sparse->in_decode : a->sparse->in_prefill);
	const double most = chosen ? (double)a->sparse->top : INFINITY,
		     each = fmin(most, (double)(whole->context / ratio)),
		     share = each / fmax(1, (double)whole->context);

	x->context += (int64_t)each;
	x->seen += chosen && x->decodes ? sequences * (int64_t)each : whole->seen / ratio;
	x->pairs += whole->pairs * share;
	x->rectangle += whole->rectangle * share;
}

/* Everything before a query, whatever of it attention sees: what an indexer scores. */
static struct attend whole_of(const struct model *m, const struct shape *s, enum phase phase, size_t group)
{
	const struct attention all = {.causal = true};
	struct model_layout l = {.kinds_n = 1};
	struct model open = *m;
	struct attend out[ATTENDS];

	l.kind[0].attention = &all;
	open.layout = &l;
	BUG_ON(attend_groups(&open, s, (struct part){ROLE_ATTENTION, false, 0}, phase, out) <= group);
	return out[group];
}

size_t attend_whole(const struct model *m, const struct shape *s, enum phase phase,
		    struct attend out[ATTENDS])
{
	const size_t n = s->mix && s->mix->decodes && s->mix->pieces_n ? 2 : 1;

	for (size_t i = 0; i < n; i++)
		out[i] = whole_of(m, s, phase, i);
	return n;
}

size_t attend_groups(const struct model *m, const struct shape *s, struct part part, enum phase phase,
		     struct attend out[ATTENDS])
{
	const struct shape_mix *x = s->mix;
	const struct attention *a = part_attention(m, part);
	struct attend whole[ATTENDS];
	size_t n = 0;

	if (!x)
		out[n++] = alike(m, s, part, phase);
	if (x && x->decodes)
		out[n++] = decodes(m, x, part);
	if (x && x->pieces_n)
		out[n++] = pieces(m, x, part);
	BUG_ON(!n);
	if (a->compress)
		attend_whole(m, s, phase, whole);
	for (size_t i = 0; x && x->decodes && i < x->pieces_n; i++)
		if (out[0].beside < x->pieces[i].tokens)
			out[0].beside = x->pieces[i].tokens;
	for (size_t i = 0; a->compress && i < n; i++)
		add_rows(a, &whole[i],
			 !x               ? s->batch
			 : out[i].decodes ? x->decodes
					  : (int64_t)x->pieces_n,
			 &out[i]);
	return n;
}

int64_t attend_seen(const struct model *m, const struct shape *s, struct part part)
{
	struct attend groups[ATTENDS];
	const size_t n = attend_groups(m, s, part, PHASE_DECODE, groups);
	int64_t seen = 0;

	for (size_t i = 0; i < n; i++)
		seen += groups[i].seen;
	return seen;
}
