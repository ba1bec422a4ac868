/*
 * check_serve_sched.c - room serve: the schedulers' rules. vLLM's against a simulator that is written here
 * line by line after Scheduler.schedule(), token by token, with nothing of the engine in it.
 */
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "tests/serve_toy.h"

/* ---- vLLM, one token at a time ---- */

struct plain {
	struct request r;
	int64_t computed, made, blocks, limit, scheduled;
	int64_t seated_ns, first_ns, last_ns;
	uint32_t preemptions;
};

struct naive {
	const struct serve_settings *set;
	const struct fixture_time *time;
	VEC(struct plain *) running, waiting;
	int64_t free, ns, fs;
	bool preempted;
};

static int64_t naive_blocks(const struct naive *v, int64_t tokens)
{
	return (tokens + v->set->block - 1) / v->set->block;
}

static int64_t naive_stamp(const struct naive *v)
{
	return v->ns + (v->fs > 0);
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

	return v->set->long_prefill && rest > v->set->long_prefill ? v->set->long_prefill : rest;
}

static void naive_running(struct naive *v, int64_t *budget)
{
	for (size_t i = 0; i<v->running.n && * budget> 0; i++) {
		struct plain *s = v->running.at[i];
		int64_t tokens = naive_wants(v, s), need;

		if (tokens > *budget)
			tokens = *budget;
		need = naive_blocks(v, s->computed + tokens) - s->blocks;
		while (need > v->free) {
			const size_t at = naive_victim(v);
			struct plain *out = v->running.at[at];

			memmove(&v->running.at[at], &v->running.at[at + 1],
				(--v->running.n - at) * sizeof out);
			if (out->scheduled && at < i)
				i--;
			*budget += out->scheduled;
			v->free += out->blocks;
			out->scheduled = out->blocks = out->computed = 0;
			out->preemptions++;
			v->preempted = true;
			wait_at(v, out, 0);
			if (out == s)
				return;
		}
		v->free -= need;
		s->blocks += need;
		s->scheduled = tokens;
		*budget -= tokens;
	}
}

static void naive_admit(struct naive *v, int64_t budget)
{
	while (!v->preempted && v->waiting.n && budget > 0 && (int64_t)v->running.n < v->set->seqs) {
		struct plain *s = v->waiting.at[0];
		int64_t tokens = naive_wants(v, s), need;

		if (v->set->no_chunks && tokens > budget)
			return;
		if (tokens > budget)
			tokens = budget;
		need = naive_blocks(v, tokens);
		if (need > v->free)
			return;
		memmove(v->waiting.at, v->waiting.at + 1, --v->waiting.n * sizeof s);
		VEC_ADD(&v->running, s);
		v->free -= need;
		s->blocks = need;
		s->scheduled = tokens;
		budget -= tokens;
		if (s->seated_ns < 0)
			s->seated_ns = naive_stamp(v);
	}
}

static int64_t naive_pad(const struct naive *v, int64_t rows)
{
	for (size_t i = 0; i < v->set->graphs_n; i++)
		if (v->set->graphs[i] >= rows)
			return v->set->graphs[i];
	return rows;
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
		s->scheduled = 0;
		if (s->made == s->limit) {
			v->free += s->blocks;
			memmove(&v->running.at[i], &v->running.at[i + 1], (--v->running.n - i) * sizeof s);
			i--;
		}
	}
}

static void naive_run(struct naive *v, struct plain *all, size_t n)
{
	size_t next = 0;

	v->free = v->set->kv_blocks;
	while (next < n || v->running.n || v->waiting.n) {
		int64_t budget = v->set->batched_tokens;

		if (!v->running.n && !v->waiting.n && all[next].r.arrive_ns > naive_stamp(v)) {
			v->ns = all[next].r.arrive_ns;
			v->fs = 0;
		}
		for (; next < n && all[next].r.arrive_ns <= naive_stamp(v); next++)
			wait_at(v, &all[next], v->waiting.n);
		v->preempted = false;
		naive_running(v, &budget);
		naive_admit(v, budget);
		naive_step(v);
	}
	VEC_FREE(&v->running);
	VEC_FREE(&v->waiting);
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
		MUST(e->t.seated_ns == s->seated_ns);
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
		struct request *q = fixture_requests(r, N, (double)fixture_draw(r, 5, 300), 60, 50);
		struct serve_settings set;
		struct plain all[N];
		struct naive v = {.set = &set, .time = &time};
		struct fixture_source s = {.at = q, .n = N};
		struct fixture_watch w = {0};
		const struct batch_time bt = fixture_batch_time(&time, 0);
		const struct serve_server server = {&set, &bt, POOL_WHOLE};
		const struct serve_config c = {
			.servers = &server, .servers_n = 1, .each_iteration = seed % 2};
		const struct request_source source = fixture_source(&s);
		const struct observer o = fixture_observer(&w);
		struct serve_result result = {0};

		draw_settings(r, &set, 110);
		for (size_t i = 0; i < N; i++) {
			q[i].priority = (int32_t)fixture_draw(r, 0, 3);
			all[i] = (struct plain){.r = q[i], .seated_ns = -1};
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

Suite *suite_serve_sched(void)
{
	Suite *s = suite_create("serve_sched");
	TCase *t = tcase_create("vllm");

	tcase_add_loop_test(t, vllm_against_the_plain_one, 0, 8);
	suite_add_tcase(s, t);
	return s;
}
