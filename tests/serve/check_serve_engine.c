/* check_serve_engine.c - room serve: laws of queues and of conservation, and twins that must agree to the
 * byte. */
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/serve/metrics.h"
#include "tests/serve/serve_toy.h"

static const int64_t graphs[] = {1, 2, 4, 8, 16, 24, 32};

static void must_be_equal(const struct fixture_outcome *a, const struct fixture_outcome *b)
{
	MUST(a->watch.ends.n == b->watch.ends.n);
	for (size_t i = 0; i < a->watch.ends.n; i++) {
		const struct fixture_end *x = &a->watch.ends.at[i], *y = &b->watch.ends.at[i];

		MUST(x->r.id == y->r.id);
		MUST(x->t.admitted_ns == y->t.admitted_ns && x->t.first_ns == y->t.first_ns);
		MUST(x->t.last_ns == y->t.last_ns && x->t.end_ns == y->t.end_ns);
		MUST(x->t.tokens == y->t.tokens && x->t.preemptions == y->t.preemptions);
		MUST(x->t.recomputed == y->t.recomputed && x->t.read == y->t.read &&
		     x->t.cached == y->t.cached);
		MUST(x->t.end == y->t.end && x->t.replica == y->t.replica);
	}
	MUST(a->watch.gaps == b->watch.gaps && a->watch.gaps_hash == b->watch.gaps_hash);
	MUST(a->watch.states.n == b->watch.states.n);
	for (size_t i = 0; i < a->watch.states.n; i++) {
		const struct fixture_state *x = &a->watch.states.at[i], *y = &b->watch.states.at[i];

		MUST(x->replica == y->replica && x->from_ns == y->from_ns && x->to_ns == y->to_ns);
		MUST(x->waiting == y->waiting && x->running == y->running && x->busy == y->busy);
		MUST(x->kv_blocks == y->kv_blocks && x->kv_block_ns == y->kv_block_ns);
	}
	MUST(a->result.end_ns == b->result.end_ns);
	for (size_t i = 0; i < ARRAY_LEN(a->books); i++) {
		const struct serve_books *x = &a->books[i], *y = &b->books[i];

		MUST(x->busy_ns == y->busy_ns && x->iterations == y->iterations && x->tokens == y->tokens);
		MUST(x->rows_read == y->rows_read && x->kv_block_ns == y->kv_block_ns);
		MUST(x->blocks_taken == y->blocks_taken && x->most_blocks == y->most_blocks);
		MUST(x->preemptions == y->preemptions && x->sequence_iterations == y->sequence_iterations);
	}
}

/* ---- jumps ---- */

static void draw_vllm(struct rng *r, struct serve_settings *set, int64_t longest)
{
	*set = (struct serve_settings){.rules = SERVE_VLLM,
				       .seqs = fixture_draw(r, 1, 12),
				       .batched_tokens = fixture_draw(r, 12, 200),
				       .long_prefill = fixture_draw(r, 0, 2) ? 0 : fixture_draw(r, 3, 40),
				       .by_priority = fixture_draw(r, 0, 1),
				       .reserve_all = fixture_draw(r, 0, 5) == 0,
				       .prefill_first = fixture_draw(r, 0, 5) == 0,
				       .block = fixture_draw(r, 1, 20),
				       .cache = fixture_draw(r, 0, 1)   ? CACHE_BLOCKS
						: fixture_draw(r, 0, 1) ? CACHE_RADIX
									: CACHE_NONE};
	set->ahead = set->prefill_first ? 0.5 * (double)fixture_draw(r, 0, 2) : 0;
	if (set->ahead > 0 && set->ahead < 1) { /* one that decays */
		set->ahead_least = 0.1;
		set->ahead_steps = 50;
	}
	set->kv_blocks = (longest * fixture_draw(r, 10, 30) / 10 + set->block) / set->block;
	if (fixture_draw(r, 0, 1)) {
		set->graphs = graphs;
		set->graphs_n = ARRAY_LEN(graphs);
	}
	if (fixture_draw(r, 0, 5) == 0) {
		set->draft = fixture_draw(r, 1, 3);
		set->acceptance = 0.6;
		set->batched_tokens += 12 * 4;
	}
	if (fixture_draw(r, 0, 3) == 0) {
		set->state_blocks = fixture_draw(r, 1, 5);
		set->kv_blocks += set->state_blocks;
	} else if (!set->draft && !set->reserve_all && set->cache != CACHE_RADIX) {
		fixture_groups(r, set);
	}
	set->longest_prefix = !set->by_priority && fixture_draw(r, 0, 2) == 0;
	set->async = fixture_draw(r, 0, 1);
	set->whole_prompt = fixture_draw(r, 0, 1);
}

static void draw_llamacpp(struct rng *r, struct serve_settings *set, int64_t longest)
{
	*set = (struct serve_settings){.rules = SERVE_LLAMACPP,
				       .slots = fixture_draw(r, 1, 9),
				       .batch = fixture_draw(r, 12, 120),
				       .block = 1,
				       .cache = fixture_draw(r, 0, 1) ? CACHE_SLOTS : CACHE_NONE,
				       .kv_unified = fixture_draw(r, 0, 1),
				       .waiting_room = fixture_draw(r, 0, 3) ? 0 : fixture_draw(r, 1, 9)};
	set->ubatch = fixture_draw(r, 4, set->batch);
	set->context = longest * fixture_draw(r, 5, 12) / 10;
	set->kv_blocks =
		set->kv_unified ? set->context * fixture_draw(r, 10, 30) / 10 : set->context * set->slots;
	set->host_cache = fixture_draw(r, 0, 2) ? 0 : 3 * longest;
	set->host_copy_fs = 1000000000;
}

static void draw_mlx(struct rng *r, struct serve_settings *set, int64_t longest)
{
	*set = (struct serve_settings){
		.rules = SERVE_MLX,
		.prompts = fixture_draw(r, 1, 8),
		.decodes = fixture_draw(r, 1, 16),
		.step = fixture_draw(r, 3, 80),
		.tail = fixture_draw(r, 0, 1) ? 0 : fixture_draw(r, 1, 9),
		.poll_ns = fixture_draw(r, 0, 1) ? 0 : fixture_draw(r, 1, 30000000),
		.take_in_fs = fixture_draw(r, 0, 1) ? 0 : 1000000 * fixture_draw(r, 1, 5000000),
		.block = 1,
		.cache = fixture_draw(r, 0, 1) ? CACHE_WHOLE : CACHE_NONE,
		.host_cache = 10,
		.context = longest};
}

static void draw_static(struct rng *r, struct serve_settings *set, int64_t longest)
{
	*set = (struct serve_settings){.rules = SERVE_STATIC,
				       .seqs = fixture_draw(r, 1, 9),
				       .window_ns = fixture_draw(r, 0, 1) ? fixture_draw(r, 0, 100000000) : 0,
				       .block = fixture_draw(r, 1, 20)};
	set->kv_blocks = longest * fixture_draw(r, 10, 50) / 10 / set->block + 1;
}

static void draw_settings(struct rng *r, struct serve_settings *set, enum serve_rules rules, int64_t longest)
{
	static void (*const draw[SERVE_RULES_N])(struct rng *, struct serve_settings *,
						 int64_t) = {draw_vllm, draw_llamacpp, draw_mlx, draw_static};

	draw[rules](r, set, longest);
}

/* Blocks, tokens, prompt tokens and requests: nothing is lost, nothing is made. */
static void must_conserve(const struct fixture_outcome *o, size_t n, size_t servers)
{
	int64_t asked = 0, tokens = 0, read = 0, given = 0;

	MUST(o->watch.ends.n == n && o->result.arrived == (int64_t)n);
	MUST(o->result.finished + o->result.refused + o->result.truncated == (int64_t)n);
	for (size_t i = 0; i < n; i++) {
		const struct fixture_end *e = &o->watch.ends.at[i];

		asked += e->t.read; /* of one that is refused, by a server that failed */
		if (e->t.end == REQUEST_REFUSED)
			continue;
		tokens += e->t.tokens;
		MUST(e->t.admitted_ns >= e->t.queued_ns);
		if (!e->t.tokens) { /* llama.cpp gave up before its prompt was read */
			MUST(e->t.end == REQUEST_TRUNCATED && e->t.first_ns < 0);
			continue;
		}
		MUST(e->t.read == e->r.prompt - e->t.cached + e->t.recomputed);
		MUST(e->t.end != REQUEST_DONE || e->t.tokens == e->r.output);
		MUST(e->t.admitted_ns < e->t.first_ns);
		MUST(e->t.first_ns <= e->t.last_ns && e->t.last_ns <= e->t.end_ns);
	}
	for (size_t i = 0; i < servers; i++) {
		MUST(o->books[i].blocks_taken == o->books[i].blocks_given);
		read += o->books[i].rows_read;
		given += o->books[i].tokens;
	}
	MUST(read == asked && given == tokens);
}

/* Little's law, exactly: over a run that begins and ends empty the integral of the number in the system is
 * the sum of the times in it, in nanoseconds; the same for those that run where nobody is preempted. */
static void must_obey_little(const struct fixture_outcome *o, const struct serve_config *c)
{
	const size_t servers = c->servers_n;
	int64_t there = 0, admitted = 0, spent = 0, sat = 0, kv = 0, kv_books = 0, busy = 0, all = 0,
		preemptions = 0;

	for (size_t i = 0; i < o->watch.states.n; i++) {
		const struct fixture_state *s = &o->watch.states.at[i];

		there += (s->to_ns - s->from_ns) * (s->waiting + s->running);
		admitted += (s->to_ns - s->from_ns) * s->running;
		kv += s->kv_block_ns;
		busy += s->busy ? s->to_ns - s->from_ns : 0;
		all += s->to_ns - s->from_ns;
	}
	for (size_t i = 0; i < o->watch.ends.n; i++) {
		const struct request_times *t = &o->watch.ends.at[i].t;

		spent += t->end_ns - t->queued_ns;
		sat += t->end == REQUEST_REFUSED ? 0 : t->end_ns - t->admitted_ns;
		preemptions += t->preemptions;
	}
	/* while all servers are down, requests are at none; a hand-over waits to be admitted again */
	MUST(c->downs_n || there == spent);
	MUST(preemptions || c->downs_n || c->servers[0].pool != POOL_WHOLE || admitted == sat);
	for (size_t i = 0; i < servers; i++)
		kv_books += o->books[i].kv_block_ns;
	MUST(kv == kv_books);
	MUST(all == o->result.end_ns * (int64_t)servers);
	MUST(busy <= all);
}

/* Conversations: some requests begin alike, some go on where others ended. */
static struct prefix_piece *draw_prefixes(struct rng *r, struct request *q, size_t n)
{
	struct prefix_piece *pieces = xcalloc(2 * n, sizeof *pieces);

	for (size_t i = 0; i < n; i++) {
		struct prefix_piece *at = &pieces[2 * i];

		q[i].session = (uint64_t)fixture_draw(r, 1, 5);
		at[0] = (struct prefix_piece){(uint64_t)fixture_draw(r, 1, 3),
					      fixture_draw(r, 1, q[i].prompt)};
		at[1] = (struct prefix_piece){100 + q[i].session, q[i].prompt - at[0].tokens};
		q[i].prefix = at;
		q[i].prefix_n = fixture_draw(r, 0, 3) ? 1 + (at[1].tokens > 0) : 0;
		q[i].own_seed = fixture_draw(r, 0, 9) == 0;
	}
	return pieces;
}

enum { TWINS = 80, SERVERS = 4 };

/* A load and servers for it, all drawn from one number. */
struct world {
	struct fixture_time time;
	struct batch_time bt;
	struct request *q;
	struct prefix_piece *pieces;
	struct serve_settings set[SERVERS];
	struct serve_server servers[SERVERS];
	struct serve_path paths[SERVERS * SERVERS];
	double Bps[2];
	struct serve_down downs[2];
	struct serve_config c;
};

static void draw_world(struct world *w, struct rng *r, enum serve_rules rules, size_t servers,
		       size_t requests)
{
	*w = (struct world){0};
	w->time = (struct fixture_time){.base_fs = 7000000000000 + fixture_draw(r, 0, 1000),
					.per_row_fs = 90000000001,
					.per_context_fs = 300000007,
					.steps = fixture_draw(r, 0, 1) * 5};
	w->q = fixture_requests(r, requests, (double)fixture_draw(r, 5, 300), 60, 50);
	w->bt = fixture_batch_time(&w->time, fixture_draw(r, 0, 1) ? 40 : 0);
	w->pieces = draw_prefixes(r, w->q, requests);
	for (size_t i = 0; i < requests; i++)
		w->q[i].priority = (int32_t)fixture_draw(r, 0, 3);
	for (size_t i = 0; i < servers; i++) {
		draw_settings(r, &w->set[i], rules, 110);
		w->servers[i] = (struct serve_server){&w->set[i], &w->bt, POOL_WHOLE, 0, 0};
	}
	w->c = (struct serve_config){.servers = w->servers,
				     .servers_n = servers,
				     .seed = (uint64_t)fixture_draw(r, 0, 99),
				     .until_ns = 1000000000000};
}

static void free_world(struct world *w)
{
	free(w->pieces);
	free(w->q);
}

/* Some prefill, some decode, over two wires, one of them shared by all. */
static void draw_pools(struct world *w, struct rng *r)
{
	static const size_t wires[] = {0, 1};
	const size_t n = w->c.servers_n, prefills = (size_t)fixture_draw(r, 1, (int64_t)n - 1);

	for (size_t i = 0; i < n; i++)
		w->servers[i].pool = i < prefills ? POOL_PREFILL : POOL_DECODE;
	for (size_t i = 0; i < n; i++)
		w->set[i].groups = (struct kv_groups){0};
	for (size_t i = 0; i < SERVERS * SERVERS; i++)
		w->paths[i] = (struct serve_path){.wires = wires,
						  .wires_n = (size_t)fixture_draw(r, 0, 2),
						  .latency_ns = fixture_draw(r, 0, 1) * 100000};
	w->Bps[0] = 1e6;
	w->Bps[1] = 3e5;
	w->c.links = (struct serve_links){.Bps = w->Bps,
					  .wires_n = 2,
					  .paths = w->paths,
					  .kv_B_per_token = 100,
					  .kv_B_per_sequence = 1000,
					  .relay_fs_per_token = fixture_draw(r, 0, 1) * 1000000000,
					  .stream = fixture_draw(r, 0, 1),
					  .first_token_by_decode = fixture_draw(r, 0, 1)};
	w->c.route_decode = (enum serve_route)fixture_draw(r, 0, ROUTE_N - 1);
}

static void draw_fleet(struct world *w, struct rng *r)
{
	w->c.route = (enum serve_route)fixture_draw(r, 0, ROUTE_N - 1);
	w->c.refresh_ns = fixture_draw(r, 0, 2) ? 0 : fixture_draw(r, 1, 300000000);
	if (fixture_draw(r, 0, 1))
		return;
	w->c.downs = w->downs;
	w->c.downs_n = 2;
	for (size_t i = 0; i < 2; i++)
		w->downs[i] =
			(struct serve_down){.server = (size_t)fixture_draw(r, 0, (int64_t)w->c.servers_n - 1),
					    .from_ns = fixture_draw(r, 0, 1000000000),
					    .for_ns = fixture_draw(r, 1, 1000000000)};
}

static void twins(struct world *w, struct serve_books *sum)
{
	struct fixture_outcome a, b;

	w->c.each_iteration = false;
	fixture_serve(&w->c, (struct fixture_source){.at = w->q, .n = TWINS}, &a);
	w->c.each_iteration = true;
	fixture_serve(&w->c, (struct fixture_source){.at = w->q, .n = TWINS}, &b);
	must_be_equal(&a, &b);
	must_conserve(&a, TWINS, w->c.servers_n);
	must_obey_little(&a, &w->c);
	for (size_t i = 0; i < w->c.servers_n; i++) {
		sum->preemptions += a.books[i].preemptions;
		sum->jumps += a.books[i].jumps;
		sum->iterations += a.books[i].iterations;
	}
	fixture_watch_release(&a.watch);
	fixture_watch_release(&b.watch);
}

START_TEST(a_jump_is_its_iterations)
{
	struct serve_books sum = {0};

	for (uint64_t seed = 0; seed < 200; seed++) {
		struct rng *r = rng_new(seed, "jump");
		struct world w;

		draw_world(&w, r, (enum serve_rules)_i, 1, TWINS);
		twins(&w, &sum);
		free_world(&w);
		rng_free(r);
	}
	ck_assert_int_lt(sum.jumps, sum.iterations);
	if (_i == SERVE_VLLM)
		ck_assert_int_gt(sum.preemptions, 1000);
}
END_TEST

START_TEST(a_jump_is_its_iterations_in_a_fleet)
{
	struct serve_books sum = {0};

	for (uint64_t seed = 0; seed < 100; seed++) {
		struct rng *r = rng_new(seed, "fleet");
		struct world w;

		draw_world(&w, r, (enum serve_rules)_i, (size_t)fixture_draw(r, 2, SERVERS), TWINS);
		draw_fleet(&w, r);
		if (_i != SERVE_STATIC && fixture_draw(r, 0, 1))
			draw_pools(&w, r);
		twins(&w, &sum);
		free_world(&w);
		rng_free(r);
	}
	ck_assert_int_lt(sum.jumps, sum.iterations);
}
END_TEST

/* ---- what metrics make of jumps ---- */

enum { MEASURED = 6000 }; /* requests: the parts of the gaps between tokens are merged once */

static struct metrics *measured(struct world *w, bool each)
{
	struct fixture_source source = {.at = w->q, .n = MEASURED};
	const struct request_source from = fixture_source(&source);
	struct metrics *m = metrics_new(&(struct metrics_how){.classes_n = 0});
	const struct observer o = metrics_observer(m);
	struct serve_result result = {.books = NULL};

	w->c.each_iteration = each;
	serve_run(&w->c, &from, &o, &result);
	VEC_FREE(&source.due);
	return m;
}

static bool spreads_are_same(const struct metrics_spread *a, const struct metrics_spread *b)
{
	const double x[] = {a->mean, a->p50, a->p90, a->p95, a->p99, a->max},
		     y[] = {b->mean, b->p50, b->p90, b->p95, b->p99, b->max};
	bool same = a->n == b->n;

	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		same &= x[i] == y[i] || (isnan(x[i]) && isnan(y[i]));
	return same;
}

/* From wherever the run is cut. */
static void must_measure_the_same(const struct metrics *a, const struct metrics *b, int64_t end_ns)
{
	enum { CUTS = 40 };

	for (int64_t i = 0; i < CUTS; i++) {
		struct metrics_summary x, y;

		metrics_summarise(a, end_ns / CUTS * i, &x);
		metrics_summarise(b, end_ns / CUTS * i, &y);
		MUST(spreads_are_same(&x.itl, &y.itl));
		MUST(x.stalled_share == y.stalled_share && x.batch == y.batch);
		MUST(x.in_system == y.in_system && x.kv_blocks == y.kv_blocks);
		for (int k = 0; k < LATENCY_N; k++)
			MUST(spreads_are_same(&x.latency[k], &y.latency[k]));
	}
}

/* A jump is told after what has ended elsewhere meanwhile: the same gaps are cut off, whatever came first. */
START_TEST(a_jump_measures_as_its_iterations)
{
	for (uint64_t seed = 0; seed < 12; seed++) {
		struct rng *r = rng_new(seed, "measured");
		struct world w;
		struct metrics *jumps, *each;

		draw_world(&w, r, (enum serve_rules)_i, (size_t)fixture_draw(r, 1, SERVERS), MEASURED);
		draw_fleet(&w, r);
		if (_i != SERVE_STATIC && w.c.servers_n > 1 && seed % 2)
			draw_pools(&w, r);
		jumps = measured(&w, false);
		each = measured(&w, true);
		must_measure_the_same(jumps, each, w.q[MEASURED - 1].arrive_ns);
		metrics_free(jumps);
		metrics_free(each);
		free_world(&w);
		rng_free(r);
	}
}
END_TEST

/* ---- twins in other clothes ---- */

static void vllm_world(struct world *w, struct rng *r, size_t servers)
{
	draw_world(w, r, SERVE_VLLM, servers, TWINS);
	for (size_t i = 0; i < servers; i++)
		w->set[i] = (struct serve_settings){
			.rules = SERVE_VLLM, .seqs = 6, .batched_tokens = 100, .block = 8, .kv_blocks = 40};
}

/* One user: each request takes what it takes alone, and they follow each other without a gap; as pools on a
 * free link too. */
START_TEST(one_user_is_one_after_another)
{
	struct rng *r = rng_new(7, "one user");
	struct world w;
	struct fixture_outcome one, pools;
	int64_t before_ns = 0;

	vllm_world(&w, r, 2);
	w.c.servers_n = 1;
	fixture_serve(&w.c, (struct fixture_source){.at = w.q, .n = TWINS, .users = 1}, &one);
	for (size_t i = 0; i < TWINS; i++) {
		const struct fixture_end *e = &one.watch.ends.at[i];
		struct request alone_q = e->r;
		struct fixture_outcome alone;

		alone_q.arrive_ns = 0;
		fixture_serve(&w.c, (struct fixture_source){.at = &alone_q, .n = 1}, &alone);
		MUST(e->t.admitted_ns == before_ns && e->r.arrive_ns == before_ns);
		/* the sum of femtoseconds is rounded up once, not for each */
		MUST(llabs(e->t.end_ns - before_ns - alone.watch.ends.at[0].t.end_ns) <= 1);
		before_ns = e->t.end_ns;
		fixture_watch_release(&alone.watch);
	}
	w.c.servers_n = 2;
	w.servers[0].pool = POOL_PREFILL;
	w.servers[1].pool = POOL_DECODE;
	w.c.links = (struct serve_links){.paths = w.paths, .kv_B_per_token = 100};
	fixture_serve(&w.c, (struct fixture_source){.at = w.q, .n = TWINS, .users = 1}, &pools);
	for (size_t i = 0; i < TWINS; i++) {
		const struct request_times *a = &one.watch.ends.at[i].t, *b = &pools.watch.ends.at[i].t;

		/* a prefill server that is idle begins at a whole nanosecond */
		MUST(llabs(a->first_ns - b->first_ns) <= (int64_t)i + 1 &&
		     llabs(a->last_ns - b->last_ns) <= (int64_t)i + 1);
	}
	fixture_watch_release(&one.watch);
	fixture_watch_release(&pools.watch);
	free_world(&w);
	rng_free(r);
}
END_TEST

/* Random routing to two servers: each is as if it were alone with those it got. */
START_TEST(two_servers_are_two_queues)
{
	struct rng *r = rng_new(8, "two");
	struct world w;
	struct fixture_outcome both, alone;

	vllm_world(&w, r, 2);
	w.c.route = ROUTE_RANDOM;
	fixture_serve(&w.c, (struct fixture_source){.at = w.q, .n = TWINS}, &both);
	w.c.servers_n = 1;
	for (uint32_t server = 0; server < 2; server++) {
		struct request mine[TWINS];
		size_t n = 0, seen = 0;

		for (size_t i = 0; i < TWINS; i++)
			if (fixture_end_of(&both.watch, i)->t.replica == server)
				mine[n++] = w.q[i];
		ck_assert_uint_gt(n, TWINS / 4);
		fixture_serve(&w.c, (struct fixture_source){.at = mine, .n = n}, &alone);
		for (size_t i = 0; i < TWINS; i++) {
			const struct fixture_end *e = &both.watch.ends.at[i];

			if (e->t.replica != server)
				continue;
			MUST(alone.watch.ends.at[seen].r.id == e->r.id);
			MUST(alone.watch.ends.at[seen].t.first_ns == e->t.first_ns);
			MUST(alone.watch.ends.at[seen++].t.last_ns == e->t.last_ns);
		}
		fixture_watch_release(&alone.watch);
	}
	fixture_watch_release(&both.watch);
	free_world(&w);
	rng_free(r);
}
END_TEST

/* Gaps and steps twice as long: everything happens at twice the time. */
START_TEST(twice_as_slow_is_twice_the_time)
{
	struct rng *r = rng_new((uint64_t)_i, "twice");
	struct world w;
	struct fixture_outcome a, b;

	draw_world(&w, r, (enum serve_rules)_i, 1, TWINS);
	w.set[0].window_ns = 0;
	w.set[0].host_copy_fs = 0;
	w.time = (struct fixture_time){
		.base_fs = 7000000000000, .per_row_fs = 90000000000, .per_context_fs = 300000000};
	fixture_serve(&w.c, (struct fixture_source){.at = w.q, .n = TWINS}, &a);
	w.time = (struct fixture_time){
		.base_fs = 14000000000000, .per_row_fs = 180000000000, .per_context_fs = 600000000};
	w.set[0].take_in_fs *= 2;
	w.set[0].poll_ns *= 2;
	for (size_t i = 0; i < TWINS; i++)
		w.q[i].arrive_ns *= 2;
	fixture_serve(&w.c, (struct fixture_source){.at = w.q, .n = TWINS}, &b);
	for (size_t i = 0; i < TWINS; i++) {
		const struct request_times *x = &a.watch.ends.at[i].t, *y = &b.watch.ends.at[i].t;

		MUST(a.watch.ends.at[i].r.id == b.watch.ends.at[i].r.id && 2 * x->end_ns == y->end_ns);
		MUST(x->end == REQUEST_REFUSED ||
		     (2 * x->admitted_ns == y->admitted_ns && x->preemptions == y->preemptions));
	}
	fixture_watch_release(&a.watch);
	fixture_watch_release(&b.watch);
	free_world(&w);
	rng_free(r);
}
END_TEST

/* Sums over many loads: a single request may be later on a better machine (Graham's anomalies), all together
 * not. */
static int64_t all_waits_ns(struct world *w)
{
	struct fixture_outcome o;
	int64_t sum = 0;

	fixture_serve(&w->c, (struct fixture_source){.at = w->q, .n = TWINS}, &o);
	for (size_t i = 0; i < TWINS; i++)
		sum += o.watch.ends.at[i].t.end_ns - o.watch.ends.at[i].r.arrive_ns;
	fixture_watch_release(&o.watch);
	return sum;
}

START_TEST(better_is_not_slower)
{
	int64_t plain = 0, faster = 0, more_kv = 0, fewer = 0;

	for (uint64_t seed = 0; seed < 60; seed++) {
		struct rng *r = rng_new(seed, "monotone");
		struct world w;

		vllm_world(&w, r, 1);
		plain += all_waits_ns(&w);
		w.set[0].kv_blocks = 60;
		more_kv += all_waits_ns(&w);
		w.set[0].kv_blocks = 40;
		w.time.base_fs = w.time.base_fs * 9 / 10;
		faster += all_waits_ns(&w);
		w.time.base_fs = w.time.base_fs * 10 / 9;
		for (size_t i = 0; i < TWINS; i += 10)
			w.q[i].output = 1;
		fewer += all_waits_ns(&w);
		free_world(&w);
		rng_free(r);
	}
	ck_assert_int_lt(faster, plain);
	ck_assert_int_lt(more_kv, plain);
	ck_assert_int_lt(fewer, plain);
}
END_TEST

START_TEST(unlimited_kv_never_preempts)
{
	struct rng *r = rng_new(9, "unlimited");
	struct world w;
	struct fixture_outcome o;

	vllm_world(&w, r, 1);
	fixture_serve(&w.c, (struct fixture_source){.at = w.q, .n = TWINS}, &o);
	ck_assert_int_gt(o.books[0].preemptions, 0);
	fixture_watch_release(&o.watch);
	w.set[0].kv_blocks = 0;
	fixture_serve(&w.c, (struct fixture_source){.at = w.q, .n = TWINS}, &o);
	ck_assert_int_eq(o.books[0].preemptions, 0);
	fixture_watch_release(&o.watch);
	free_world(&w);
	rng_free(r);
}
END_TEST

/* Too long a prompt is refused at once, too long an answer is cut; a run that is stopped tells who was left.
 */
START_TEST(limits)
{
	const struct request q[] = {{.id = 0, .prompt = 320, .output = 1},
				    {.id = 1, .prompt = 300, .output = 50},
				    {.id = 2, .arrive_ns = 1, .prompt = 10, .output = 5}};
	struct rng *r = rng_new(10, "limits");
	struct world w;
	struct fixture_outcome o;

	vllm_world(&w, r, 1); /* 40 blocks of 8: 320 tokens */
	fixture_serve(&w.c, (struct fixture_source){.at = q, .n = 3}, &o);
	ck_assert_int_eq(fixture_end_of(&o.watch, 0)->t.end, REQUEST_REFUSED);
	ck_assert_int_eq(fixture_end_of(&o.watch, 0)->t.end_ns, 0);
	ck_assert_int_eq(fixture_end_of(&o.watch, 1)->t.end, REQUEST_TRUNCATED);
	ck_assert_int_eq(fixture_end_of(&o.watch, 1)->t.tokens, 20);
	ck_assert_int_eq(fixture_end_of(&o.watch, 2)->t.end, REQUEST_DONE);
	fixture_watch_release(&o.watch);
	/* after HTTP and tokenizer likewise */
	w.set[0].request_ns = 1000;
	fixture_serve(&w.c, (struct fixture_source){.at = q, .n = 3}, &o);
	ck_assert_int_eq(fixture_end_of(&o.watch, 0)->t.end, REQUEST_REFUSED);
	ck_assert_int_eq(fixture_end_of(&o.watch, 0)->t.end_ns, 1000);
	ck_assert_int_eq(fixture_end_of(&o.watch, 1)->t.tokens, 20);
	fixture_watch_release(&o.watch);
	w.set[0].request_ns = 0;
	w.c.until_ns = 60000000;
	fixture_serve(&w.c, (struct fixture_source){.at = q, .n = 3}, &o);
	ck_assert(o.result.stopped && o.result.unfinished == 2);
	ck_assert_int_eq(o.books[0].blocks_taken, o.books[0].blocks_given);
	fixture_watch_release(&o.watch);
	free_world(&w);
	rng_free(r);
}
END_TEST

/* A request that the tokenizer held up is held against the context of the server that it comes to, not of the
 * first one: too long a prompt is refused, an answer is cut to what is left. */
START_TEST(a_late_request_meets_its_servers_context)
{
	struct fixture_time time = {.base_fs = 1000000000, .per_row_fs = 1000000};
	const struct batch_time batch = fixture_batch_time(&time, 0);
	struct serve_settings set[2];
	struct serve_server servers[2];
	struct request q[3] = {{.id = 0, .prompt = 90, .output = 40},
			       {.id = 1, .prompt = 90, .output = 40, .arrive_ns = 1},
			       {.id = 2, .prompt = 150, .output = 5, .arrive_ns = 2}};
	struct fixture_outcome out;

	for (int i = 0; i < 2; i++) {
		set[i] = (struct serve_settings){.rules = SERVE_VLLM,
						 .context = i ? 100 : 1000,
						 .block = 1,
						 .seqs = 4,
						 .batched_tokens = 512,
						 .request_ns = 1000};
		servers[i] = (struct serve_server){&set[i], &batch, POOL_WHOLE, 0, 0};
	}
	{
		const struct serve_config both = {
			.servers = servers, .servers_n = 2, .route = ROUTE_ROUND_ROBIN};
		const struct serve_config small = {.servers = servers + 1, .servers_n = 1};

		fixture_serve(&both, (struct fixture_source){.at = q, .n = 2}, &out);
		ck_assert_int_eq(fixture_end_of(&out.watch, 0)->t.tokens, 40);
		ck_assert_int_eq(fixture_end_of(&out.watch, 1)->t.tokens, 10);
		ck_assert_int_eq(fixture_end_of(&out.watch, 1)->t.end, REQUEST_TRUNCATED);
		fixture_watch_release(&out.watch);
		fixture_serve(&small, (struct fixture_source){.at = q, .n = 3}, &out);
		ck_assert_int_eq(fixture_end_of(&out.watch, 2)->t.end, REQUEST_REFUSED);
		ck_assert_int_eq(out.result.refused, 1);
		fixture_watch_release(&out.watch);
	}
}
END_TEST

Suite *suite_serve_engine(void)
{
	Suite *s = suite_create("serve_engine");
	TCase *t = tcase_create("twins");

	tcase_add_loop_test(t, a_jump_is_its_iterations, 0, SERVE_RULES_N);
	tcase_add_loop_test(t, a_jump_is_its_iterations_in_a_fleet, 0, SERVE_RULES_N);
	tcase_add_loop_test(t, a_jump_measures_as_its_iterations, 0, SERVE_RULES_N);
	tcase_add_test(t, one_user_is_one_after_another);
	tcase_add_test(t, two_servers_are_two_queues);
	tcase_add_loop_test(t, twice_as_slow_is_twice_the_time, 0, SERVE_RULES_N);
	tcase_add_test(t, better_is_not_slower);
	tcase_add_test(t, unlimited_kv_never_preempts);
	tcase_add_test(t, limits);
	tcase_add_test(t, a_late_request_meets_its_servers_context);
	suite_add_tcase(s, t);
	return s;
}
