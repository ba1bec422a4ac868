/* attend.c - see attend.h. */
#include "sim/llm/attend.h"

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

static struct attend alike(const struct model *m, const struct shape *s, struct part part, enum phase phase)
{
	const int64_t context = graph_seen(m, s, part);

	return (struct attend){
		.decodes = phase == PHASE_DECODE,
		.query = s->tokens,
		.context = context,
		.seen = s->batch * context,
		.pairs = (double)s->batch *
			 pairs_of(s->tokens, s->past, part_window(m, part), m->attention.causal),
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
	const int64_t window = part_window(m, part), sum = window ? x->windowed : x->context;
	const int64_t seen = sum + x->decodes * (x->rows_each - 1);

	return (struct attend){
		.decodes = true,
		.query = x->rows_each,
		.context = seen / x->decodes,
		.seen = seen,
		.pairs = decode_pairs(x, sum, window, m->attention.causal),
		.rectangle = (double)x->rows_each * (double)seen,
	};
}

/* The kernel's efficiency hangs on query and context: the mean of those over the rows. */
static struct attend pieces(const struct model *m, const struct shape_mix *x, struct part part)
{
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
		a.pairs += pairs_of(one.tokens, one.past, part_window(m, part), m->attention.causal);
	}
	a.query = (int64_t)(squares / rows);
	a.context = (int64_t)(a.rectangle / rows);
	return a;
}

size_t attend_groups(const struct model *m, const struct shape *s, struct part part, enum phase phase,
		     struct attend out[ATTENDS])
{
	const struct shape_mix *x = s->mix;
	size_t n = 0;

	if (!x)
		out[n++] = alike(m, s, part, phase);
	if (x && x->decodes)
		out[n++] = decodes(m, x, part);
	if (x && x->pieces_n)
		out[n++] = pieces(m, x, part);
	BUG_ON(!n);
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
