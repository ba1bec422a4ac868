/* check_serve_engine.c - room serve: laws of queues and of conservation, and twins that must agree to the
 * byte. */
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "tests/serve_toy.h"

static const int64_t graphs[] = {1, 2, 4, 8, 16, 24, 32};

struct outcome {
	struct fixture_watch watch;
	struct serve_result result;
	struct serve_books books[8];
};

static void run(const struct serve_config *c, struct fixture_source s, struct outcome *out)
{
	struct observer o;
	struct request_source source;

	*out = (struct outcome){.result = {.books = NULL}};
	out->result.books = out->books;
	o = fixture_observer(&out->watch);
	source = fixture_source(&s);
	serve_run(c, &source, &o, &out->result);
	VEC_FREE(&s.due);
}

static void must_be_equal(const struct outcome *a, const struct outcome *b)
{
	MUST(a->watch.ends.n == b->watch.ends.n);
	for (size_t i = 0; i < a->watch.ends.n; i++) {
		const struct fixture_end *x = &a->watch.ends.at[i], *y = &b->watch.ends.at[i];

		MUST(x->r.id == y->r.id);
		MUST(x->t.seated_ns == y->t.seated_ns && x->t.first_ns == y->t.first_ns);
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

/* ---- queues ---- */

static const struct serve_settings one_seat = {
	.rules = SERVE_VLLM, .seqs = 1, .batched_tokens = 1 << 20, .block = 16};

/* Mean wait for a seat, in seconds, over all but the first tenth. */
static double mean_wait_s(const struct fixture_watch *w)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = w->ends.n / 10; i < w->ends.n; i++, n++)
		sum += 1e-9 * (double)(w->ends.at[i].t.seated_ns - w->ends.at[i].t.queued_ns);
	return sum / (double)n;
}

enum { QUEUED = 200000 };

/* seqs: 1 and constant lengths: M/D/1, mean wait rho s / (2 (1 - rho)). */
START_TEST(one_seat_is_m_d_1)
{
	const double service_s = 1e-3 * 16, rho = 0.3 + 0.2 * _i;
	struct fixture_time time = {.base_fs =
					    1000000000000}; /* 1 ms an iteration, 16 iterations a request */
	const struct batch_time bt = fixture_batch_time(&time, 0);
	const struct serve_server server = {&one_seat, &bt, POOL_WHOLE};
	const struct serve_config c = {.servers = &server, .servers_n = 1};
	struct rng *r = rng_new((uint64_t)_i, "m/d/1");
	struct request *q = fixture_requests(r, QUEUED, rho / service_s, 1, 1);
	struct outcome out;
	double theory;

	for (size_t i = 0; i < QUEUED; i++)
		q[i].output = 16;
	run(&c, (struct fixture_source){.at = q, .n = QUEUED}, &out);
	theory = rho * service_s / (2 * (1 - rho));
	ck_assert_double_eq_tol(mean_wait_s(&out.watch) / theory, 1, 0.05);
	ck_assert_int_eq(out.result.finished, QUEUED);
	fixture_watch_release(&out.watch);
	free(q);
	rng_free(r);
}
END_TEST

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
				       .cache = fixture_draw(r, 0, 1) ? CACHE_BLOCKS : CACHE_NONE};
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
	*set = (struct serve_settings){.rules = SERVE_MLX,
				       .prompts = fixture_draw(r, 1, 8),
				       .decodes = fixture_draw(r, 1, 16),
				       .step = fixture_draw(r, 3, 80),
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
static void must_conserve(const struct outcome *o, size_t n, size_t servers)
{
	int64_t asked = 0, tokens = 0, read = 0, given = 0;

	MUST(o->watch.ends.n == n && o->result.arrived == (int64_t)n);
	MUST(o->result.finished + o->result.refused + o->result.truncated == (int64_t)n);
	for (size_t i = 0; i < n; i++) {
		const struct fixture_end *e = &o->watch.ends.at[i];

		if (e->t.end == REQUEST_REFUSED)
			continue;
		asked += e->t.read;
		tokens += e->t.tokens;
		MUST(e->t.seated_ns >= e->t.queued_ns);
		if (!e->t.tokens) { /* llama.cpp gave up before its prompt was read */
			MUST(e->t.end == REQUEST_TRUNCATED && e->t.first_ns < 0);
			continue;
		}
		MUST(e->t.read == e->r.prompt - e->t.cached + e->t.recomputed);
		MUST(e->t.end != REQUEST_DONE || e->t.tokens == e->r.output);
		MUST(e->t.seated_ns < e->t.first_ns);
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
 * the sum of the times in it, in nanoseconds; the same for seats where nobody is preempted. */
static void must_obey_little(const struct outcome *o, const struct serve_config *c)
{
	const size_t servers = c->servers_n;
	int64_t there = 0, seated = 0, spent = 0, sat = 0, kv = 0, kv_books = 0, busy = 0, all = 0,
		preemptions = 0;

	for (size_t i = 0; i < o->watch.states.n; i++) {
		const struct fixture_state *s = &o->watch.states.at[i];

		there += (s->to_ns - s->from_ns) * (s->waiting + s->running);
		seated += (s->to_ns - s->from_ns) * s->running;
		kv += s->kv_block_ns;
		busy += s->busy ? s->to_ns - s->from_ns : 0;
		all += s->to_ns - s->from_ns;
	}
	for (size_t i = 0; i < o->watch.ends.n; i++) {
		const struct request_times *t = &o->watch.ends.at[i].t;

		spent += t->end_ns - t->queued_ns;
		sat += t->end == REQUEST_REFUSED ? 0 : t->end_ns - t->seated_ns;
		preemptions += t->preemptions;
	}
	/* while all servers are down, requests are at none; a hand-over waits for its second seat */
	MUST(c->downs_n || there == spent);
	MUST(preemptions || c->downs_n || c->servers[0].pool != POOL_WHOLE || seated == sat);
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

static void draw_world(struct world *w, struct rng *r, enum serve_rules rules, size_t servers)
{
	*w = (struct world){0};
	w->time = (struct fixture_time){.base_fs = 7000000000000 + fixture_draw(r, 0, 1000),
					.per_row_fs = 90000000001,
					.per_context_fs = 300000007,
					.steps = fixture_draw(r, 0, 1) * 5};
	w->q = fixture_requests(r, TWINS, (double)fixture_draw(r, 5, 300), 60, 50);
	w->bt = fixture_batch_time(&w->time, fixture_draw(r, 0, 1) ? 40 : 0);
	w->pieces = draw_prefixes(r, w->q, TWINS);
	for (size_t i = 0; i < TWINS; i++)
		w->q[i].priority = (int32_t)fixture_draw(r, 0, 3);
	for (size_t i = 0; i < servers; i++) {
		draw_settings(r, &w->set[i], rules, 110);
		w->servers[i] = (struct serve_server){&w->set[i], &w->bt, POOL_WHOLE};
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
	const size_t n = w->c.servers_n, prefills = (size_t)fixture_draw(r, 1, (int64_t)n - 1);

	for (size_t i = 0; i < n; i++)
		w->servers[i].pool = i < prefills ? POOL_PREFILL : POOL_DECODE;
	for (size_t i = 0; i < SERVERS * SERVERS; i++)
		w->paths[i] = (struct serve_path){.wires = {0, 1},
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
	struct outcome a, b;

	w->c.each_iteration = false;
	run(&w->c, (struct fixture_source){.at = w->q, .n = TWINS}, &a);
	w->c.each_iteration = true;
	run(&w->c, (struct fixture_source){.at = w->q, .n = TWINS}, &b);
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

		draw_world(&w, r, (enum serve_rules)_i, 1);
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

		draw_world(&w, r, (enum serve_rules)_i, (size_t)fixture_draw(r, 2, SERVERS));
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

Suite *suite_serve_engine(void)
{
	Suite *s = suite_create("serve_engine");
	TCase *t = tcase_create("queues");

	tcase_add_loop_test(t, one_seat_is_m_d_1, 0, 4);
	suite_add_tcase(s, t);
	t = tcase_create("twins");
	tcase_add_loop_test(t, a_jump_is_its_iterations, 0, SERVE_RULES_N);
	tcase_add_loop_test(t, a_jump_is_its_iterations_in_a_fleet, 0, SERVE_RULES_N);
	suite_add_tcase(s, t);
	return s;
}
