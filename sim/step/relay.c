/* relay.c - see relay.h. */
#include "sim/step/relay.h"

#include "sim/step/queue.h"

enum { NONE = UINT32_MAX };

struct relays {
	const struct segment_list *l;
	bool *kept;
	uint32_t *before, *after; /* [segment]: the one before and after it on its queue */
	uint32_t *waiting;        /* [segment]: how many wait for it */
	uint32_t *head, *next;    /* [segment]: the first of its relay, and the one after it in that */
};

static const struct task_segment *at(const struct relays *r, uint32_t segment)
{
	return &r->l->segments.at[segment];
}

static bool depends(const struct relays *r, uint32_t segment, uint32_t on)
{
	const struct task_segment *s = at(r, segment);

	for (uint32_t d = 0; d < s->deps_n; d++)
		if (r->l->deps.at[s->first_dep + d] == on)
			return true;
	return false;
}

static void find_neighbours(struct arena *scratch, struct relays *r, size_t queues)
{
	uint32_t *last = arena_array(scratch, queues, sizeof *last); /* + 1 */

	for (uint32_t i = 0; i < r->l->segments.n; i++) {
		const struct task_segment *s = at(r, i);

		r->before[i] = last[s->queue] - 1; /* NONE is 0 - 1 */
		r->after[i] = r->next[i] = NONE;
		r->head[i] = i;
		if (last[s->queue])
			r->after[last[s->queue] - 1] = i;
		last[s->queue] = i + 1;
		for (uint32_t d = 0; d < s->deps_n; d++)
			r->waiting[r->l->deps.at[s->first_dep + d]]++;
	}
}

/* The segment that another takes over from, of those that it waits for the latest; NONE: it waits for others beside its relay. */
static uint32_t taken_from(const struct relays *r, uint32_t i)
{
	const struct task_segment *s = at(r, i);
	uint32_t from = NONE;

	for (uint32_t d = 0; d < s->deps_n; d++) {
		const uint32_t dep = r->l->deps.at[s->first_dep + d];

		from = from == NONE || dep > from ? dep : from;
	}
	for (uint32_t d = 0; d < s->deps_n; d++)
		if (r->head[r->l->deps.at[s->first_dep + d]] != r->head[from])
			return NONE;
	return from;
}

static bool takes_over(const struct relays *r, uint32_t i, uint32_t from)
{
	const uint32_t head = r->head[from], before = r->before[i], after = r->after[from];

	if (r->waiting[from] != 1 || r->kept[from])
		return false;
	if (before != NONE && r->head[before] != head && !depends(r, head, before))
		return false;
	return after == NONE || after == i || depends(r, after, i);
}

static void find_relays(const struct relays *r)
{
	for (uint32_t i = 0; i < r->l->segments.n; i++) {
		const uint32_t from = taken_from(r, i);

		if (from == NONE || !takes_over(r, i, from))
			continue;
		r->next[from] = i;
		r->head[i] = r->head[from];
	}
}

/* The relay of a head as one segment of another list. */
static void put_relay(struct segment_list *out, const struct relays *r, uint32_t head, uint32_t *piece_of,
		      uint32_t *joined)
{
	const struct task_segment *s = at(r, head);
	const uint32_t number = (uint32_t)out->segments.n;
	bool keep = false;

	for (uint32_t i = head; i != NONE; i = r->next[i]) {
		segment_append(out, piece_of, r->l, i, i != head);
		joined[i] = number;
		keep |= r->kept[i];
	}
	for (uint32_t d = 0; d < s->deps_n; d++)
		VEC_ADD(&out->deps, joined[r->l->deps.at[s->first_dep + d]]);
	out->segments.at[number].deps_n = s->deps_n;
	r->kept[number] = keep; /* no number is above that of its first */
}

void relays_join(struct segment_list *l, const struct program *p, bool *kept, uint32_t *joined)
{
	struct arena scratch = ARENA_INIT;
	const size_t n = l->segments.n;
	struct relays r = {l,
			   kept,
			   arena_room(&scratch, n, sizeof *r.before),
			   arena_room(&scratch, n, sizeof *r.after),
			   arena_array(&scratch, n, sizeof *r.waiting),
			   arena_room(&scratch, n, sizeof *r.head),
			   arena_room(&scratch, n, sizeof *r.next)};
	uint32_t *piece_of = arena_array(&scratch, p->op_classes.n, sizeof *piece_of);
	struct segment_list out = {.segments.n = 0};

	find_neighbours(&scratch, &r, program_queues(p->world));
	find_relays(&r);
	for (uint32_t i = 0; i < n; i++)
		if (r.head[i] == i)
			put_relay(&out, &r, i, piece_of, joined);
	segment_list_free(l);
	*l = out;
	arena_release(&scratch);
}
