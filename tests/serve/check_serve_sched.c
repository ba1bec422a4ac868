/*
 * check_serve_sched.c - room serve: vLLM's scheduler against a simulator that is written here
 * line by line after Scheduler.schedule(), token by token, with nothing of the engine in it.
 */
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "tests/serve/serve_toy.h"

struct plain {
	struct request r;
	int64_t computed, made, blocks, limit, scheduled;
	int64_t admitted_ns, first_ns, last_ns;
	uint32_t preemptions;
	bool seen_ended; /* an iteration has been planned since its last token */
};

/* A block that nobody uses: of whose text, and which; owner NULL: of nobody's. */
struct naive_block {
	const struct plain *owner;
	int64_t index;
};

struct naive {
	const struct serve_settings *set;
	VEC(struct naive_block)
	queue; /* where blocks stay findable: what is free, in the order in which it is taken */
	const struct fixture_time *time;
	VEC(struct plain *) running, waiting;
	int64_t free, ns, fs, planned_ns;
	bool preempted;
};

/* Blocks of one table with places for so many tokens, of which `computed` are there. In a windowed group a block
 * stays while the next token sees one of its tokens. */
static int64_t naive_table(const struct naive *v, int64_t tokens, int64_t computed, bool windowed)
{
	const int64_t block = v->set->block;
	int64_t n = 0;

	for (int64_t from = 0; from < tokens; from += block) {
		bool seen = !windowed;

		for (int64_t j = from; j < from + block; j++)
			seen |= computed - j < v->set->groups.window;
		n += seen;
	}
	return n;
}

static int64_t naive_blocks(const struct naive *v, int64_t tokens, int64_t computed)
{
	const struct kv_groups *g = &v->set->groups;
	const int64_t full = g->full + g->windowed ? g->full : 1;

	return full * naive_table(v, tokens, computed, false) +
	       g->windowed * naive_table(v, tokens, computed, true) + v->set->state_blocks;
}

static int64_t naive_stamp(const struct naive *v)
{
	return v->ns + (v->fs > 0);
}

static void naive_take(struct naive *v, int64_t n)
{
	v->free -= n;
	if (v->set->cache != CACHE_BLOCKS || !n)
		return;
	v->queue.n -= (size_t)n;
	memmove(v->queue.at, v->queue.at + n, v->queue.n * sizeof *v->queue.at);
}

/* All blocks of a sequence, those that are not full first, then the last before the first. */
static void naive_give(struct naive *v, struct plain *s)
{
	const int64_t full = s->computed / v->set->block;

	v->free += s->blocks;
	for (int64_t i = 0; v->set->cache == CACHE_BLOCKS && i < s->blocks - full; i++)
		VEC_ADD(&v->queue, (struct naive_block){NULL, 0});
	for (int64_t i = full; v->set->cache == CACHE_BLOCKS && i-- > 0;)
		VEC_ADD(&v->queue, (struct naive_block){s, i});
	s->blocks = 0;
}

static size_t naive_place(const struct naive *v, const struct plain *s, int64_t index)
{
	size_t i = 0;

	while (i < v->queue.n && (v->queue.at[i].owner != s || v->queue.at[i].index != index))
		i++;
	return i;
}

/* Whole blocks that a preempted sequence has computed and nobody has taken; never all that it has to read. */
static int64_t naive_hits(const struct naive *v, const struct plain *s)
{
	const int64_t most = (s->r.prompt + s->made - 1) / v->set->block;
	int64_t n = 0;

	while (n < most && naive_place(v, s, n) < v->queue.n)
		n++;
	return n;
}

static void naive_hold(struct naive *v, const struct plain *s, int64_t hits)
{
	v->free -= hits;
	for (int64_t i = 0; i < hits; i++) {
		const size_t at = naive_place(v, s, i);

		memmove(&v->queue.at[at], &v->queue.at[at + 1], (--v->queue.n - at) * sizeof *v->queue.at);
	}
}

static bool goes_before(const struct naive *v, const struct plain *a, const struct plain *b)
{
	(void)v;
	if (a->r.priority != b->r.priority)
		return a->r.priority < b->r.priority;
	return a->r.arrive_ns != b->r.arrive_ns ? a->r.arrive_ns < b->r.arrive_ns : a->r.id < b->r.id;
}

static void wait_at(struct naive *v, struct plain *s, size_t at)
{
	VEC_ADD(&v->waiting, s);
	if (v->set->by_priority)
		for (at = 0; at + 1 < v->waiting.n && goes_before(v, v->waiting.at[at], s); at++)
			;
	memmove(&v->waiting.at[at + 1], &v->waiting.at[at], (v->waiting.n - 1 - at) * sizeof s);
	v->waiting.at[at] = s;
}

static size_t naive_victim(const struct naive *v)
{
	size_t worst = v->running.n - 1;

	for (size_t i = 0; v->set->by_priority && i < v->running.n; i++)
		if (goes_before(v, v->running.at[worst], v->running.at[i]))
			worst = i;
	return worst;
}

static int64_t naive_wants(const struct naive *v, const struct plain *s)
{
	const int64_t rest = s->r.prompt + s->made - s->computed;

	if (s->made == s->limit)
		return 0;
	return v->set->long_prefill && rest > v->set->long_prefill ? v->set->long_prefill : rest;
}

static void naive_running(struct naive *v, int64_t *budget)
{
	for (size_t i = 0; i<v->running.n && * budget> 0; i++) {
		struct plain *s = v->running.at[i];
		int64_t tokens = naive_wants(v, s), need;

		if (tokens > *budget)
			tokens = *budget;
		if (!tokens)
			continue;
		need = naive_blocks(v, s->computed + tokens, s->computed) - s->blocks;
		while (need > v->free) {
			const size_t at = naive_victim(v);
			struct plain *out = v->running.at[at];

			memmove(&v->running.at[at], &v->running.at[at + 1],
				(--v->running.n - at) * sizeof out);
			if (at < i)
				i--;
			*budget += out->scheduled;
			naive_give(v, out);
			v->preempted = true;
			if (out->made == out->limit) /* its last output is on the way */
				continue;
			out->scheduled = out->computed = 0;
			out->preemptions++;
			wait_at(v, out, 0);
			if (out == s)
				return;
		}
		naive_take(v, need);
		s->blocks += need;
		s->scheduled = tokens;
		*budget -= tokens;
	}
}

/* Was it there when this iteration was planned, which an asynchronous scheduler does one ahead? */
static bool naive_seen(const struct naive *v)
{
	return !v->set->async || v->waiting.at[0]->r.arrive_ns <= v->planned_ns;
}

/* Those who have ended leave; with an asynchronous scheduler not in the first plan after their last token, unless that
 * plan was for nothing. */
static void naive_ended_leave(struct naive *v, bool all)
{
	for (size_t i = 0; i < v->running.n; i++) {
		struct plain *s = v->running.at[i];

		if (s->made != s->limit)
			continue;
		if (v->set->async && !s->seen_ended && !all) {
			s->seen_ended = true;
			continue;
		}
		naive_give(v, s);
		memmove(&v->running.at[i], &v->running.at[i + 1], (--v->running.n - i) * sizeof s);
		i--;
	}
}

/* Blocks for all that it has to read, beyond those it found; in a windowed group never more than an iteration reads behind a
 * window, less what is in front of it. */
static int64_t naive_whole(const struct naive *v, const struct plain *s, int64_t hits)
{
	const struct kv_groups *g = &v->set->groups;
	const int64_t block = v->set->block, full = g->full + g->windowed ? g->full : 1;
	const int64_t all = naive_table(v, s->r.prompt + s->made, 0, false);
	const int64_t most = (g->window - 1 + v->set->batched_tokens + block - 1) / block + 1;
	const int64_t left = (all < most ? all : most) - (naive_table(v, s->computed, s->computed, false) -
							  naive_table(v, s->computed, s->computed, true));

	return full * (all - hits) + (g->windowed && left > 0 ? g->windowed * left : 0) +
	       v->set->state_blocks;
}

static void naive_admit(struct naive *v, int64_t budget)
{
	while (!v->preempted && v->waiting.n && budget > 0 && (int64_t)v->running.n < v->set->seqs &&
	       naive_seen(v)) {
		struct plain *s = v->waiting.at[0];
		const int64_t hits = naive_hits(v, s);
		int64_t tokens, need;

		s->computed = hits * v->set->block;
		tokens = naive_wants(v, s);
		if (v->set->no_chunks && tokens > budget)
			return;
		if (tokens > budget)
			tokens = budget;
		need = naive_blocks(v, s->computed + tokens, s->computed);
		if (need > v->free || (v->set->whole_prompt && naive_whole(v, s, hits) > v->free - hits))
			return;
		memmove(v->waiting.at, v->waiting.at + 1, --v->waiting.n * sizeof s);
		VEC_ADD(&v->running, s);
		naive_hold(v, s, hits);
		naive_take(v, need - hits);
		s->blocks = need;
		s->scheduled = tokens;
		budget -= tokens;
		if (s->admitted_ns < 0)
			s->admitted_ns = naive_stamp(v);
	}
}

static int64_t naive_pad(const struct naive *v, int64_t rows)
{
	for (size_t i = 0; i < v->set->graphs_n; i++)
		if (v->set->graphs[i] >= rows)
			return v->set->graphs[i];
	return rows;
}

static bool naive_plan(struct naive *v)
{
	int64_t budget = v->set->batched_tokens;
	bool any = false;

	v->preempted = false;
	naive_running(v, &budget);
	naive_admit(v, budget);
	for (size_t i = 0; i < v->running.n; i++)
		any |= v->running.at[i]->scheduled > 0;
	return any;
}

/* The time of the iteration by the formula of serve_toy.h; then every sequence that ran goes on. */
static void naive_step(struct naive *v)
{
	int64_t rows = 0, contexts = 0, fs;

	for (size_t i = 0; i < v->running.n; i++) {
		rows += v->running.at[i]->scheduled;
		contexts += v->running.at[i]->scheduled ? v->running.at[i]->computed : 0;
	}
	if (!rows) /* the first to ask was preempted: the batch is empty and takes no time */
		return;
	v->planned_ns = naive_stamp(v);
	fs = v->time->base_fs + v->time->per_row_fs * naive_pad(v, rows) + v->time->per_context_fs * contexts;
	v->fs += fs;
	v->ns += v->fs / 1000000;
	v->fs %= 1000000;
	for (size_t i = 0; i < v->running.n; i++) {
		struct plain *s = v->running.at[i];

		s->computed += s->scheduled;
		if (s->scheduled && s->computed == s->r.prompt + s->made) {
			s->made++;
			s->last_ns = naive_stamp(v);
			if (s->made == 1)
				s->first_ns = s->last_ns;
		}
		if (s->scheduled) { /* what no later token sees is free */
			v->free += s->blocks - naive_blocks(v, s->computed, s->computed);
			s->blocks = naive_blocks(v, s->computed, s->computed);
		}
		s->scheduled = 0;
	}
}

static void naive_run(struct naive *v, struct plain *all, size_t n)
{
	size_t next = 0;

	v->free = v->set->kv_blocks;
	for (int64_t i = 0; v->set->cache == CACHE_BLOCKS && i < v->free; i++)
		VEC_ADD(&v->queue, (struct naive_block){NULL, 0});
	while (next < n || v->running.n || v->waiting.n) {
		if (!v->running.n && !v->waiting.n && all[next].r.arrive_ns > naive_stamp(v)) {
			v->ns = all[next].r.arrive_ns;
			v->fs = 0;
			v->planned_ns = INT64_MAX;
		}
		for (; next < n && all[next].r.arrive_ns <= naive_stamp(v); next++)
			wait_at(v, &all[next], v->waiting.n);
		naive_ended_leave(v, false);
		if (!naive_plan(v)) {
			naive_ended_leave(v, true);
			v->planned_ns = INT64_MAX;
			(void)naive_plan(v);
		}
		naive_step(v);
	}
	VEC_FREE(&v->running);
	VEC_FREE(&v->waiting);
	VEC_FREE(&v->queue);
}

/* Small KV caches and budgets, so that everything happens. */
static const int64_t graphs[] = {1, 2, 4, 8, 16, 24, 32};

static void draw_settings(struct rng *r, struct serve_settings *set, int64_t longest)
{
	*set = (struct serve_settings){.rules = SERVE_VLLM,
				       .seqs = fixture_draw(r, 1, 12),
				       .batched_tokens = fixture_draw(r, 8, 200),
				       .long_prefill = fixture_draw(r, 0, 2) ? 0 : fixture_draw(r, 3, 40),
				       .by_priority = fixture_draw(r, 0, 1),
				       .block = fixture_draw(r, 1, 20)};
	set->kv_blocks = (longest * fixture_draw(r, 10, 30) / 10 + set->block) / set->block;
	if (set->batched_tokens < set->seqs)
		set->batched_tokens = set->seqs;
	if (fixture_draw(r, 0, 1)) {
		set->graphs = graphs;
		set->graphs_n = ARRAY_LEN(graphs);
	}
	if (fixture_draw(r, 0, 4) == 0 && set->batched_tokens > longest)
		set->no_chunks = true;
	set->async = fixture_draw(r, 0, 1);
	set->whole_prompt = fixture_draw(r, 0, 1);
	if (fixture_draw(r, 0, 2) == 0) { /* recurrent states beside the tokens */
		set->state_blocks = fixture_draw(r, 1, 4);
		set->kv_blocks += set->state_blocks;
	} else {
		fixture_groups(r, set);
	}
}

static uint64_t total_preemptions;

static void compare(const struct plain *all, size_t n, const struct fixture_watch *w)
{
	MUST(w->ends.n == n);
	for (size_t i = 0; i < n; i++) {
		const struct fixture_end *e = fixture_end_of(w, i);
		const struct plain *s = &all[i];

		MUST(e && e->t.tokens == s->limit);
		MUST(e->t.preemptions == s->preemptions);
		MUST(e->t.admitted_ns == s->admitted_ns);
		MUST(e->t.first_ns == s->first_ns);
		MUST(e->t.last_ns == s->last_ns);
		total_preemptions += s->preemptions;
	}
}

START_TEST(vllm_against_the_plain_one)
{
	enum { N = 60 };
	total_preemptions = 0;
	for (uint64_t seed = (uint64_t)_i * 50; seed < (uint64_t)_i * 50 + 50; seed++) {
		struct rng *r = rng_new(seed, "vllm");
		struct fixture_time time = {.base_fs = 7000000000000 + (int64_t)seed,
					    .per_row_fs = 90000000001,
					    .per_context_fs = 300000007,
					    .steps = fixture_draw(r, 0, 1) * 5};
		const int64_t output =
			seed % 5 == 4 ? 400 : 50; /* long ones: jumps over many turns of a block */
		struct request *q = fixture_requests(r, N, (double)fixture_draw(r, 5, 300), 60, output);
		struct serve_settings set;
		struct plain all[N];
		struct naive v = {.set = &set, .time = &time};
		struct fixture_source s = {.at = q, .n = N};
		struct fixture_watch w = {0};
		const struct batch_time bt = fixture_batch_time(&time, 0);
		const struct serve_server server = {&set, &bt, POOL_WHOLE, 0, 0};
		const struct serve_config c = {
			.servers = &server, .servers_n = 1, .each_iteration = seed % 2};
		const struct request_source source = fixture_source(&s);
		const struct observer o = fixture_observer(&w);
		struct serve_result result = {0};

		draw_settings(r, &set, 60 + output);
		/* of no use to requests that share nothing, but it knows each free block */
		set.cache = fixture_draw(r, 0, 1) && set.groups.full + set.groups.windowed < 2 &&
					    !set.groups.windowed
				    ? CACHE_BLOCKS
				    : CACHE_NONE;
		for (size_t i = 0; i < N; i++) {
			q[i].priority = (int32_t)fixture_draw(r, 0, 3);
			all[i] = (struct plain){.r = q[i], .admitted_ns = -1};
			all[i].limit = q[i].output;
		}
		naive_run(&v, all, N);
		serve_run(&c, &source, &o, &result);
		compare(all, N, &w);
		fixture_watch_release(&w);
		free(q);
		rng_free(r);
	}
	ck_assert_msg(total_preemptions > 100, "only %d preemptions", (int)total_preemptions);
}
END_TEST

/* Two seats or two blocks, three requests of which the second has three tokens: the third one comes into the batch when
 * it ends, and with asynchronous scheduling one iteration later; not so where the second one was alone. */
static int64_t third_admitted_ns(struct serve_settings set, bool async, int64_t first_output)
{
	enum { MS = 1000000 };
	struct fixture_time time = {.base_fs = (int64_t)MS * MS}; /* 1 ms an iteration */
	const struct request q[] = {{.id = 0, .prompt = 4, .output = first_output},
				    {.id = 1, .prompt = 4, .output = 3},
				    {.id = 2, .prompt = 4, .output = 2}};
	const struct batch_time bt = fixture_batch_time(&time, 0);
	const struct serve_server server = {&set, &bt, POOL_WHOLE, 0, 0};
	struct fixture_source s = {.at = q, .n = ARRAY_LEN(q)};
	const struct request_source source = fixture_source(&s);
	int64_t admitted_ns = -1;

	set.async = async;
	for (int each = 0; each < 2; each++) {
		const struct serve_config c = {.servers = &server, .servers_n = 1, .each_iteration = each};
		struct fixture_watch w = {0};
		const struct observer o = fixture_observer(&w);
		struct serve_result result = {0};

		s.next = 0;
		serve_run(&c, &source, &o, &result);
		ck_assert_int_eq(result.finished, (int)ARRAY_LEN(q));
		ck_assert(!each || fixture_end_of(&w, 2)->t.admitted_ns == admitted_ns);
		admitted_ns = fixture_end_of(&w, 2)->t.admitted_ns;
		fixture_watch_release(&w);
	}
	return admitted_ns / MS;
}

START_TEST(vllm_gives_a_place_on_one_iteration_later)
{
	const struct serve_settings seats = {
		.rules = SERVE_VLLM, .seqs = 2, .batched_tokens = 64, .block = 1, .kv_blocks = 4000};
	const struct serve_settings blocks = {
		.rules = SERVE_VLLM, .seqs = 8, .batched_tokens = 64, .block = 8, .kv_blocks = 2};

	ck_assert_int_eq(third_admitted_ns(seats, false, 20), 3);
	ck_assert_int_eq(third_admitted_ns(seats, true, 20), 4);
	ck_assert_int_eq(third_admitted_ns(seats, true, 3), 3); /* nothing else was to be planned */
	ck_assert_int_eq(third_admitted_ns(blocks, false, 5), 3);
	ck_assert_int_eq(third_admitted_ns(blocks, true, 5), 4);
}
END_TEST

Suite *suite_serve_sched(void)
{
	Suite *s = suite_create("serve_sched");
	TCase *t = tcase_create("vllm");

	tcase_add_loop_test(t, vllm_against_the_plain_one, 0, 8);
	tcase_add_test(t, vllm_gives_a_place_on_one_iteration_later);
	suite_add_tcase(s, t);
	return s;
}
