/* chain.c - see chain.h. */
#include "sim/step/chain.h"

#include "sim/step/queue.h"

void segment_list_free(struct segment_list *l)
{
	VEC_FREE(&l->segments);
	VEC_FREE(&l->pieces);
	VEC_FREE(&l->deps);
}

struct piece *segment_piece(struct segment_list *l, struct task_segment *s, uint32_t *piece_of,
			    uint32_t op_class)
{
	const uint32_t i = piece_of[op_class];

	if (i >= s->pieces.first_piece && i < l->pieces.n && l->pieces.at[i].op_class == op_class)
		return &l->pieces.at[i];
	piece_of[op_class] = (uint32_t)l->pieces.n;
	VEC_ADD(&l->pieces, (struct piece){.op_class = op_class});
	s->pieces.pieces_n++;
	return &l->pieces.at[l->pieces.n - 1];
}

static bool has_lag(const struct program *p, const struct task_segment *s)
{
	return p->op_classes.at[s->last_class].lag_s > 0;
}

/* The segments that no later one has been found to wait for. */
struct open_ends {
	bool *closed; /* [segment] */
	size_t n;
};

static void close_end(struct open_ends *ends, uint32_t segment)
{
	ends->n -= !ends->closed[segment];
	ends->closed[segment] = true;
}

/* Finds the segments before whose start all earlier ones have come through. Another one needs the ends of what it
 * waits for: its dependencies, and the segment before it on its queue. */
static void find_alone(struct arena *scratch, const struct segment_list *l, const struct program *p,
		       bool *alone, bool *kept)
{
	const size_t n = l->segments.n;
	uint32_t *newest = arena_array(scratch, program_queues(p->world), sizeof *newest); /* segment + 1 */
	struct open_ends ends = {arena_array(scratch, n, sizeof *ends.closed), 0};

	for (size_t i = 0; i < n; i++) {
		const struct task_segment *s = &l->segments.at[i];
		const uint32_t before = newest[s->first_queue];

		for (uint32_t d = 0; d < s->deps_n; d++)
			close_end(&ends, l->deps.at[s->first_dep + d]);
		if (before && !has_lag(p, &l->segments.at[before - 1]))
			close_end(&ends, before - 1);
		alone[i] = ends.n == 0;
		for (uint32_t d = 0; d < s->deps_n && !alone[i]; d++)
			kept[l->deps.at[s->first_dep + d]] = true;
		if (before && !alone[i])
			kept[before - 1] = true;
		ends.n++;
		newest[s->queue] = (uint32_t)i + 1;
	}
}

/* Whether a segment waits for the one just before it. */
static bool follows(const struct segment_list *l, const struct program *p, size_t i)
{
	const struct task_segment *s = &l->segments.at[i], *before = s - 1;

	for (uint32_t d = 0; d < s->deps_n; d++)
		if (l->deps.at[s->first_dep + d] == i - 1)
			return true;
	return s->first_queue == before->queue && !has_lag(p, before);
}

void segment_append(struct segment_list *to, uint32_t *piece_of, const struct segment_list *from, size_t i,
		    bool joins)
{
	const struct task_segment *s = &from->segments.at[i];
	struct task_segment *last;

	if (joins) {
		last = &to->segments.at[to->segments.n - 1];
		segment_piece(to, last, piece_of, last->last_class)->lags++;
	} else {
		VEC_ADD(&to->segments, *s);
		last = &to->segments.at[to->segments.n - 1];
		last->pieces = (struct body){(uint32_t)to->pieces.n, 0};
		last->first_dep = (uint32_t)to->deps.n;
		last->deps_n = 0;
	}
	for (uint32_t k = 0; k < s->pieces.pieces_n; k++) {
		const struct piece *piece = &from->pieces.at[s->pieces.first_piece + k];

		struct piece *same = segment_piece(to, last, piece_of, piece->op_class);

		same->n += piece->n;
		same->lags += piece->lags;
	}
	last->queue = s->queue;
	last->last_class = s->last_class;
}

void chains_join(struct segment_list *l, const struct program *p, bool *kept, uint32_t *joined)
{
	struct arena scratch = ARENA_INIT;
	const size_t n = l->segments.n;
	bool *alone = arena_array(&scratch, n, sizeof *alone);
	bool *inside = arena_array(&scratch, n, sizeof *inside); /* of a chain that goes on */
	uint32_t *piece_of = arena_array(&scratch, p->op_classes.n, sizeof *piece_of);
	struct segment_list out = {.segments.n = 0};

	find_alone(&scratch, l, p, alone, kept);
	for (size_t i = 1; i < n; i++)
		inside[i - 1] = alone[i - 1] && !kept[i - 1] && follows(l, p, i);
	for (size_t i = 0; i < n; i++) {
		const struct task_segment *s = &l->segments.at[i];
		const bool joins = i && inside[i - 1];

		segment_append(&out, piece_of, l, i, joins);
		joined[i] = (uint32_t)out.segments.n - 1;
		/* who waits for the inside of a chain waits for its end too: it begins when all before it is through */
		for (uint32_t d = 0; d < s->deps_n && !joins; d++) {
			const uint32_t dep = l->deps.at[s->first_dep + d];

			if (inside[dep])
				continue;
			VEC_ADD(&out.deps, joined[dep]);
			out.segments.at[joined[i]].deps_n++;
		}
	}
	segment_list_free(l);
	*l = out;
	arena_release(&scratch);
}
