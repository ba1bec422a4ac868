/* serve_toy.c - see serve_toy.h. */
#include "tests/serve/serve_toy.h"

#include <math.h>

#include "sim/base/mem.h"

static struct batch_step fixture_step(void *self, const struct batch_mix *mix)
{
	struct fixture_time *t = self;
	int64_t rows = mix->decodes * mix->rows_per_decode + mix->pad_rows, contexts = mix->context_sum[1];
	int64_t growth = mix->context_growth[1], longest = 0;

	t->calls++;
	if (mix->padded) {
		contexts = mix->decodes * mix->context_max;
		growth = mix->decodes;
	}
	for (size_t i = 0; i < mix->pieces_n; i++) {
		rows += mix->pieces[i].tokens;
		contexts += mix->pieces[i].context;
		if (mix->pieces[i].tokens > longest)
			longest = mix->pieces[i].tokens;
	}
	if (mix->padded && mix->pieces_n)
		rows = longest * (int64_t)mix->pieces_n;
	return (struct batch_step){.fs = t->base_fs * (mix->weight_reads > 1 ? mix->weight_reads : 1) +
					 t->per_row_fs * rows + t->per_context_fs * contexts,
				   .slope_fs = t->per_context_fs * growth,
				   .steps = t->steps ? t->steps : INT64_MAX};
}

struct batch_time fixture_batch_time(struct fixture_time *t, int64_t window)
{
	return (struct batch_time){.of = fixture_step,
				   .self = t,
				   .windows = {INT64_MAX, window ? window : INT64_MAX / 4},
				   .windows_n = 2};
}

/* ---- sources ---- */

static bool listed(void *self, int64_t by_ns, struct request *out)
{
	struct fixture_source *s = self;

	if (s->next == s->n || s->at[s->next].arrive_ns > by_ns)
		return false;
	*out = s->at[s->next++];
	return true;
}

static bool closed(void *self, int64_t by_ns, struct request *out)
{
	struct fixture_source *s = self;
	size_t first = 0;

	if (s->next == s->n)
		return false;
	while (s->in_flight < s->users) {
		s->in_flight++;
		VEC_ADD(&s->due, 0);
	}
	for (size_t i = 1; i < s->due.n; i++)
		if (s->due.at[i] < s->due.at[first])
			first = i;
	if (!s->due.n || s->due.at[first] > by_ns)
		return false;
	*out = s->at[s->next++];
	out->arrive_ns = s->due.at[first];
	s->due.at[first] = s->due.at[--s->due.n];
	return true;
}

static void closed_ended(void *self, const struct request *r, const struct request_times *t)
{
	struct fixture_source *s = self;

	(void)r;
	VEC_ADD(&s->due, t->end_ns + s->think_ns);
}

struct request_source fixture_source(struct fixture_source *s)
{
	return s->users ? (struct request_source){closed, closed_ended, s}
			: (struct request_source){listed, NULL, s};
}

/* ---- the observer ---- */

static void ended(void *self, const struct request *r, const struct request_times *t)
{
	struct fixture_watch *w = self;

	VEC_ADD(&w->ends, (struct fixture_end){*r, *t});
}

static void gaps(void *self, struct clock end, int64_t first_fs, int64_t slope_fs, int64_t n, int64_t weight)
{
	struct fixture_watch *w = self;

	for (int64_t i = 0; i < n; i++) {
		const int64_t gap = first_fs + i * slope_fs;
		uint64_t x = (uint64_t)gap + (uint64_t)end.ns * FS_PER_NS + (uint64_t)end.fs;

		w->gaps_fs += (double)gap * (double)weight;
		x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
		x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
		w->gaps_hash += (x ^ (x >> 31)) * (uint64_t)weight;
		end = clock_after(end, gap + slope_fs);
	}
	w->gaps += (uint64_t)(n * weight);
}

static void state(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t waiting,
		  int64_t running, int64_t kv_blocks, int64_t kv_block_ns, bool busy)
{
	struct fixture_watch *w = self;

	VEC_ADD(&w->states, (struct fixture_state){replica, from_ns, to_ns, waiting, running, kv_blocks,
						   kv_block_ns, busy});
}

struct observer fixture_observer(struct fixture_watch *w)
{
	return (struct observer){.ended = ended, .gaps = gaps, .state = state, .self = w};
}

void fixture_watch_release(struct fixture_watch *w)
{
	VEC_FREE(&w->ends);
	VEC_FREE(&w->states);
}

const struct fixture_end *fixture_end_of(const struct fixture_watch *w, uint64_t id)
{
	for (size_t i = 0; i < w->ends.n; i++)
		if (w->ends.at[i].r.id == id)
			return &w->ends.at[i];
	return NULL;
}

void fixture_serve(const struct serve_config *c, struct fixture_source s, struct fixture_outcome *out)
{
	const struct observer o = fixture_observer(&out->watch);
	const struct request_source source = fixture_source(&s);

	*out = (struct fixture_outcome){.result = {.books = NULL}};
	out->result.books = out->books;
	serve_run(c, &source, &o, &out->result);
	VEC_FREE(&s.due);
}

/* ---- loads ---- */

int64_t fixture_draw(struct rng *r, int64_t least, int64_t most)
{
	return least + (int64_t)(rng_uniform(r) * (double)(most - least + 1)) % (most - least + 1);
}

struct request *fixture_requests(struct rng *r, size_t n, double rate, int64_t prompt_most,
				 int64_t output_most)
{
	struct request *q = xcalloc(n, sizeof *q);
	double at_s = 0;

	for (size_t i = 0; i < n; i++) {
		at_s -= log1p(-rng_uniform(r)) / rate;
		q[i] = (struct request){.id = i,
					.arrive_ns = (int64_t)(at_s * 1e9),
					.prompt = fixture_draw(r, 1, prompt_most),
					.output = fixture_draw(r, 1, output_most)};
	}
	return q;
}

void fixture_groups(struct rng *r, struct serve_settings *set)
{
	if (fixture_draw(r, 0, 1))
		return;
	set->groups =
		(struct kv_groups){fixture_draw(r, 0, 2), fixture_draw(r, 1, 3), fixture_draw(r, 1, 60)};
	set->kv_blocks *= set->groups.full + set->groups.windowed;
}
