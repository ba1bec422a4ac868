/* check_serve_passes.c - room serve: what each pass of the schedulers was, in order, and what prefix caches hold. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "tests/serve/serve_toy.h"
#include "tests/suites.h"

struct pass {
	int64_t decodes, weight_reads, context_max, host, pieces, tokens, context_sum;
};

struct passes {
	VEC(struct pass) seen;
};

static struct batch_step record(void *self, const struct batch_mix *mix)
{
	struct passes *p = self;
	struct pass x = {mix->decodes,        mix->weight_reads,      mix->context_max,
			 mix->host_sequences, (int64_t)mix->pieces_n, 0,
			 mix->context_sum[0]};

	for (size_t i = 0; i < mix->pieces_n; i++)
		x.tokens += mix->pieces[i].tokens;
	VEC_ADD(&p->seen, x);
	return (struct batch_step){.fs = 1000000000000, .slope_fs = 0, .steps = INT64_MAX}; /* 1 ms a pass */
}

static void run_recorded(const struct serve_settings *set, const struct request *q, size_t n,
			 struct passes *passes, struct fixture_watch *w)
{
	const struct batch_time time = {.of = record, .self = passes, .windows = {INT64_MAX}, .windows_n = 1};
	const struct serve_server server = {set, &time, POOL_WHOLE, 0, 0};
	const struct serve_config c = {.servers = &server, .servers_n = 1, .each_iteration = true};
	struct fixture_source s = {.at = q, .n = n};
	const struct request_source source = fixture_source(&s);
	const struct observer o = fixture_observer(w);
	struct serve_result result = {0};

	serve_run(&c, &source, &o, &result);
}

/* The rows of the passes that are the first with so many. */
struct new_rows {
	VEC(int64_t) seen;
};

static struct batch_step record_new(void *self, const struct batch_mix *mix)
{
	struct new_rows *n = self;
	int64_t rows = mix->decodes + mix->pad_rows;

	for (size_t i = 0; i < mix->pieces_n; i++)
		rows += mix->pieces[i].tokens;
	if (mix->new_rows)
		VEC_ADD(&n->seen, rows);
	return (struct batch_step){
		.fs = 1000000000000, .slope_fs = 0, .steps = mix->new_rows ? 1 : INT64_MAX};
}

/* Prompts of 100, 100 and 120 one after the other in batches of 64: a batch of 64 and the graphs are met at the start, 36
 * and 56 are not, and a server that failed meets all anew. Where nothing is told, nobody is asked to keep it. */
START_TEST(rows_are_met_once)
{
	enum { S = 1000000000 };
	static const int64_t captured[] = {1, 4};
	const struct serve_settings set = {.rules = SERVE_VLLM,
					   .seqs = 4,
					   .batched_tokens = 64,
					   .block = 16,
					   .graphs = captured,
					   .graphs_n = ARRAY_LEN(captured)};
	const struct request q[] = {{.id = 0, .prompt = 100, .output = 9},
				    {.id = 1, .arrive_ns = S, .prompt = 100, .output = 9},
				    {.id = 2, .arrive_ns = 2 * (int64_t)S, .prompt = 120, .output = 9},
				    {.id = 3, .arrive_ns = 4 * (int64_t)S, .prompt = 100, .output = 9}};
	static const int64_t told[] = {36, 56, 36};
	const struct serve_down down = {0, 3 * (int64_t)S, S / 2};

	for (int i = 0; i < 4; i++) {
		struct new_rows n = {{0}};
		const struct batch_time time = {.of = record_new,
						.self = &n,
						.windows = {INT64_MAX},
						.windows_n = 1,
						.meets_rows = i < 2};
		const struct serve_server server = {&set, &time, POOL_WHOLE, 0, 0};
		const struct serve_config c = {.servers = &server,
					       .servers_n = 1,
					       .downs = &down,
					       .downs_n = 1,
					       .each_iteration = i % 2};
		struct fixture_source s = {.at = q, .n = ARRAY_LEN(q)};
		const struct request_source source = fixture_source(&s);
		struct fixture_watch w = {0};
		const struct observer o = fixture_observer(&w);
		struct serve_result result = {0};

		serve_run(&c, &source, &o, &result);
		ck_assert_int_eq(result.finished, (int)ARRAY_LEN(q));
		ck_assert_uint_eq(n.seen.n, i < 2 ? ARRAY_LEN(told) : 0);
		for (size_t k = 0; k < n.seen.n; k++)
			ck_assert_int_eq(n.seen.at[k], told[k]);
		VEC_FREE(&n.seen);
		fixture_watch_release(&w);
	}
}
END_TEST

/* Three slots decode; when the middle one is done, what is left are two runs of neighbours. */
START_TEST(llamacpp_reads_weights_for_each_run_of_slots)
{
	const struct request q[] = {{.id = 0, .prompt = 5, .output = 6},
				    {.id = 1, .prompt = 5, .output = 3},
				    {.id = 2, .prompt = 5, .output = 6}};
	struct serve_settings set = {.rules = SERVE_LLAMACPP,
				     .slots = 4,
				     .batch = 2048,
				     .ubatch = 512,
				     .block = 1,
				     .context = 100};
	static const int64_t decodes[] = {3, 3, 2, 2, 2}, reads[] = {1, 1, 2, 2, 2};
	struct passes p = {{0}};
	struct fixture_watch w = {0};
	size_t at = 0;

	run_recorded(&set, q, 3, &p, &w);
	for (size_t i = 0; i < p.seen.n; i++)
		if (p.seen.at[i].decodes) {
			ck_assert_int_eq(p.seen.at[i].decodes, decodes[at]);
			ck_assert_int_eq(p.seen.at[i].weight_reads, reads[at++]);
		}
	ck_assert_uint_eq(at, ARRAY_LEN(decodes));
	p.seen.n = 0;
	set.kv_unified = true;
	run_recorded(&set, q, 3, &p, &w);
	for (size_t i = 0; i < p.seen.n; i++)
		ck_assert_int_eq(p.seen.at[i].weight_reads, 1);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* A prompt of 100 beside one that decodes, batch 40, ubatch 16: 39 + 39 + 22 tokens; each iteration in passes
 * of 16, decodes in the first. */
START_TEST(llamacpp_fills_micro_batches)
{
	const struct request q[] = {{.id = 0, .prompt = 4, .output = 20},
				    {.id = 1, .arrive_ns = 1, .prompt = 100, .output = 1}};
	const struct serve_settings set = {.rules = SERVE_LLAMACPP,
					   .slots = 2,
					   .batch = 40,
					   .ubatch = 16,
					   .block = 1,
					   .context = 200,
					   .kv_unified = true};
	static const struct pass want[] = {{0, 1, 0, 1, 1, 4, 0},  {1, 1, 4, 2, 1, 15, 4},
					   {0, 1, 0, 0, 1, 16, 0}, {0, 1, 0, 0, 1, 8, 0},
					   {1, 1, 5, 2, 1, 15, 5}, {0, 1, 0, 0, 1, 16, 0},
					   {0, 1, 0, 0, 1, 8, 0},  {1, 1, 6, 2, 1, 15, 6},
					   {0, 1, 0, 0, 1, 7, 0},  {1, 1, 7, 1, 0, 0, 7}};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, 2, &p, &w);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct pass *x = &p.seen.at[i];

		ck_assert_int_eq(x->decodes, want[i].decodes);
		ck_assert_int_eq(x->host, want[i].host);
		ck_assert_int_eq(x->tokens, want[i].tokens);
		ck_assert_int_eq(x->context_sum, want[i].context_sum);
	}
	/* passes before it: 1, then 3 + 3 + 2 of 1 ms */
	ck_assert_int_eq(fixture_end_of(&w, 1)->t.first_ns, 9000000);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* The idle slot that shares most is taken; the others go by who was released first. */
START_TEST(llamacpp_keeps_what_a_slot_held)
{
	const struct prefix_piece a[] = {{1, 40}}, b[] = {{2, 40}}, a2[] = {{1, 60}};
	const struct request q[] = {
		{.id = 0, .prompt = 40, .output = 5, .prefix = a, .prefix_n = 1},
		{.id = 1, .prompt = 40, .output = 5, .prefix = b, .prefix_n = 1},
		/* the answer went on with group 1: 40 + 4 tokens of it are in the slot's cache, one was not
		   fed back */
		{.id = 2, .arrive_ns = 100000000, .prompt = 60, .output = 5, .prefix = a2, .prefix_n = 1},
		{.id = 3, .arrive_ns = 200000000, .prompt = 40, .output = 5, .prefix = b, .prefix_n = 1}};
	const struct serve_settings set = {.rules = SERVE_LLAMACPP,
					   .slots = 2,
					   .batch = 100,
					   .ubatch = 100,
					   .block = 1,
					   .context = 200,
					   .cache = CACHE_SLOTS};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, 4, &p, &w);
	ck_assert_int_eq(fixture_end_of(&w, 2)->t.cached, 44);
	ck_assert_int_eq(fixture_end_of(&w, 3)->t.cached, 39); /* all but the last token */
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* Prompts of 6, 20 and 20 tokens in slots 0, 1 and 2, each with its own cache, ubatch 16: a micro-batch has as many
 * tokens of each slot, 5 + 5 + 5, until the shortest is read, and then 8 + 8 of the others. The first request has the
 * last slot. */
START_TEST(llamacpp_splits_slots_equally)
{
	const struct request q[] = {{.id = 0, .prompt = 20, .output = 2},
				    {.id = 1, .prompt = 20, .output = 2},
				    {.id = 2, .prompt = 6, .output = 2}};
	const struct serve_settings set = {
		.rules = SERVE_LLAMACPP, .slots = 3, .batch = 100, .ubatch = 16, .block = 1, .context = 100};
	static const int64_t tokens[] = {15, 3, 16, 12, 0}, pieces[] = {3, 3, 2, 2, 0};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, 3, &p, &w);
	ck_assert_uint_eq(p.seen.n, ARRAY_LEN(tokens));
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		ck_assert_int_eq(p.seen.at[i].tokens, tokens[i]);
		ck_assert_int_eq(p.seen.at[i].pieces, pieces[i]);
	}
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* One slot: what it held goes to the host's memory when another text takes it, and comes back; the loop waits a
 * microsecond for each token. Where the slot keeps more than half of what it has, nothing is copied. */
START_TEST(llamacpp_copies_to_the_host)
{
	const struct prefix_piece a[] = {{1, 40}}, b[] = {{2, 40}}, a2[] = {{1, 60}};
	const struct request q[] = {
		{.id = 0, .prompt = 40, .output = 5, .prefix = a, .prefix_n = 1},
		{.id = 1, .arrive_ns = 100000000, .prompt = 40, .output = 5, .prefix = b, .prefix_n = 1},
		{.id = 2, .arrive_ns = 200000000, .prompt = 60, .output = 5, .prefix = a2, .prefix_n = 1},
		{.id = 3, .arrive_ns = 300000000, .prompt = 60, .output = 5, .prefix = a2, .prefix_n = 1}};
	struct serve_settings set = {.rules = SERVE_LLAMACPP,
				     .slots = 1,
				     .batch = 100,
				     .ubatch = 100,
				     .block = 1,
				     .context = 200,
				     .cache = CACHE_SLOTS,
				     .host_cache = 1000,
				     .host_copy_fs = 1000000000};
	static const int64_t cached[] = {0, 0, 44, 59}, copied_us[] = {0, 44, 88, 0};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, 4, &p, &w);
	for (uint64_t i = 0; i < 4; i++) {
		const struct request_times *t = &fixture_end_of(&w, i)->t;

		ck_assert_int_eq(t->cached, cached[i]);
		ck_assert_int_eq(t->first_ns, q[i].arrive_ns + 1000000 + 1000 * copied_us[i]);
	}
	/* of two slots the idle one is saved when the other is taken, once */
	set.slots = 2;
	set.kv_unified = true;
	w.ends.n = 0;
	run_recorded(&set, q, 3, &p, &w);
	ck_assert_int_eq(fixture_end_of(&w, 1)->t.first_ns, q[1].arrive_ns + 1044000);
	ck_assert_int_eq(fixture_end_of(&w, 2)->t.first_ns, q[2].arrive_ns + 1088000);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* Two prompts come while one decodes: decode step, then one padded pass of both; the kept-back tokens start
 * in the next iteration, in a pass between. */
START_TEST(mlx_decodes_then_reads_padded)
{
	const struct request q[] = {{.id = 0, .prompt = 1, .output = 9},
				    {.id = 1, .arrive_ns = 1, .prompt = 257, .output = 2},
				    {.id = 2, .arrive_ns = 1, .prompt = 129, .output = 2}};
	const struct serve_settings set = {
		.rules = SERVE_MLX, .prompts = 8, .decodes = 32, .step = 2048, .block = 1, .context = 1000};
	static const struct pass want[] = {
		{1, 1, 0, 1, 0, 0, 0},   /* the first prompt's only token is kept back, and starts at once */
		{1, 1, 1, 1, 0, 0, 1},   /* a decode step ... */
		{0, 1, 0, 0, 2, 384, 0}, /* ... then both prompts, 256 + 128 */
		{1, 1, 2, 1, 0, 0, 2},   /* the next one ... */
		{2, 1, 256, 0, 0, 0, 384},  /* ... then the kept-back tokens */
		{3, 1, 257, 3, 0, 0, 389}}; /* all decode, padded to the longest */
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, 3, &p, &w);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct pass *x = &p.seen.at[i];

		ck_assert_int_eq(x->decodes, want[i].decodes);
		ck_assert_int_eq(x->context_max, want[i].context_max);
		ck_assert_int_eq(x->host, want[i].host);
		ck_assert_int_eq(x->tokens, want[i].tokens);
		ck_assert_int_eq(x->context_sum, want[i].context_sum);
	}
	ck_assert_int_eq(fixture_end_of(&w, 1)->t.first_ns, 5000000);
	ck_assert_int_eq(fixture_end_of(&w, 2)->t.first_ns, 5000000);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* Of two prompts the last four tokens are read by themselves, all but the very last, which is kept back. */
START_TEST(mlx_reads_a_tail_by_itself)
{
	const struct request q[] = {{.id = 0, .prompt = 300, .output = 2},
				    {.id = 1, .prompt = 100, .output = 2}};
	const struct serve_settings set = {.rules = SERVE_MLX,
					   .prompts = 8,
					   .decodes = 32,
					   .step = 256,
					   .tail = 4,
					   .block = 1,
					   .context = 1000};
	static const int64_t tokens[] = {256 + 96, 40 + 3, 0, 3, 0};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, 2, &p, &w);
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
		ck_assert_int_eq(p.seen.at[i].tokens, tokens[i]);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* A pass takes 1 ms. Request 1 and 2 come while 0 decodes, and are taken in together once 10 ms of iterations are over;
 * who comes when nobody runs is taken in at once. */
START_TEST(mlx_looks_for_requests_now_and_then)
{
	const struct request q[] = {{.id = 0, .prompt = 1, .output = 40},
				    {.id = 1, .arrive_ns = 2500000, .prompt = 10, .output = 3},
				    {.id = 2, .arrive_ns = 9500000, .prompt = 10, .output = 3},
				    {.id = 3, .arrive_ns = 90000000, .prompt = 10, .output = 3}};
	const struct serve_settings set = {.rules = SERVE_MLX,
					   .prompts = 8,
					   .decodes = 32,
					   .step = 2048,
					   .poll_ns = 10000000,
					   .block = 1,
					   .context = 1000};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, 4, &p, &w);
	ck_assert_int_eq(fixture_end_of(&w, 0)->t.admitted_ns, 0);
	ck_assert_int_eq(fixture_end_of(&w, 1)->t.admitted_ns, 11000000);
	ck_assert_int_eq(fixture_end_of(&w, 2)->t.admitted_ns, 11000000);
	ck_assert_int_eq(fixture_end_of(&w, 3)->t.admitted_ns, 90000000);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* A pass takes 1 ms, to take one in 3 ms: 1 comes while 0 is taken in and is taken in behind it, before anybody reads;
 * 2 comes while they decode, 3 while 2 is taken in, and those who decode wait for both. */
START_TEST(mlx_takes_in_one_after_another)
{
	const struct request q[] = {{.id = 0, .prompt = 10, .output = 4},
				    {.id = 1, .arrive_ns = 2000000, .prompt = 10, .output = 4},
				    {.id = 2, .arrive_ns = 8500000, .prompt = 10, .output = 2},
				    {.id = 3, .arrive_ns = 11000000, .prompt = 10, .output = 2}};
	const struct serve_settings set = {.rules = SERVE_MLX,
					   .prompts = 8,
					   .decodes = 32,
					   .step = 2048,
					   .take_in_fs = 3000000000000,
					   .block = 1,
					   .context = 1000};
	/* 6 ms; prompts at 6 to 7, first tokens 8, second 9; 6 ms; 16: thirds, prompts 17; fourths 18, first tokens 19 */
	static const int64_t admitted[] = {6000000, 6000000, 15000000, 15000000};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, 4, &p, &w);
	for (uint64_t i = 0; i < 4; i++)
		ck_assert_int_eq(fixture_end_of(&w, i)->t.admitted_ns, admitted[i]);
	ck_assert_int_eq(fixture_end_of(&w, 0)->t.first_ns, 8000000);
	ck_assert_int_eq(fixture_end_of(&w, 1)->t.first_ns, 8000000);
	ck_assert_int_eq(fixture_end_of(&w, 2)->t.first_ns, fixture_end_of(&w, 3)->t.first_ns);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* Request 1 names a seed: it waits for 0, runs alone, and 2 and 3, which came while it waited, wait for its end. */
START_TEST(mlx_runs_seeded_requests_alone)
{
	const struct request q[] = {
		{.id = 0, .prompt = 10, .output = 9},
		{.id = 1, .arrive_ns = 1000000, .prompt = 10, .output = 5, .own_seed = true},
		{.id = 2, .arrive_ns = 1500000, .prompt = 10, .output = 5},
		{.id = 3, .arrive_ns = 1600000, .prompt = 10, .output = 5}};
	const struct serve_settings set = {
		.rules = SERVE_MLX, .prompts = 8, .decodes = 32, .step = 2048, .block = 1, .context = 1000};
	struct passes p = {{0}};
	struct fixture_watch w = {0};
	int64_t end[4], admitted[4];

	run_recorded(&set, q, 4, &p, &w);
	for (uint64_t i = 0; i < 4; i++) {
		end[i] = fixture_end_of(&w, i)->t.end_ns;
		admitted[i] = fixture_end_of(&w, i)->t.admitted_ns;
	}
	ck_assert_int_eq(admitted[1], end[0]);
	ck_assert_int_eq(admitted[2], end[1]);
	ck_assert_int_eq(admitted[3], end[1]);
	ck_assert_int_eq(end[2], end[3]);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* ---- prefix caches ---- */

/* Whole blocks, never the whole prompt; turns of a conversation find prompt and answer. */
START_TEST(vllm_finds_blocks)
{
	const struct prefix_piece a[] = {{1, 64}}, b[] = {{1, 50}, {7, 30}}, c[] = {{1, 100}};
	const struct request q[] = {
		{.id = 0, .prompt = 64, .output = 20, .prefix = a, .prefix_n = 1},
		{.id = 1, .arrive_ns = 100000000, .prompt = 64, .output = 5, .prefix = a, .prefix_n = 1},
		{.id = 2, .arrive_ns = 200000000, .prompt = 80, .output = 5, .prefix = b, .prefix_n = 2},
		{.id = 3, .arrive_ns = 300000000, .prompt = 100, .output = 5, .prefix = c, .prefix_n = 1},
		{.id = 4, .arrive_ns = 400000000, .prompt = 70, .output = 5}};
	const struct serve_settings set = {.rules = SERVE_VLLM,
					   .seqs = 4,
					   .batched_tokens = 200,
					   .block = 16,
					   .kv_blocks = 100,
					   .cache = CACHE_BLOCKS};
	static const int64_t cached[] = {0, 48, 48, 80, 0};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, ARRAY_LEN(q), &p, &w);
	for (uint64_t i = 0; i < ARRAY_LEN(q); i++)
		ck_assert_int_eq(fixture_end_of(&w, i)->t.cached, cached[i]);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* One at a time. 2 finds the prompt of 0 in the cache and goes before 1; 4 begins like 3 and is read after it. */
START_TEST(sglang_longest_prefix_first)
{
	const struct prefix_piece a[] = {{1, 64}}, b[] = {{2, 64}};
	const struct request q[] = {
		{.id = 0, .prompt = 64, .output = 20, .prefix = a, .prefix_n = 1},
		{.id = 1, .arrive_ns = 1000000, .prompt = 64, .output = 5},
		{.id = 2, .arrive_ns = 2000000, .prompt = 80, .output = 5, .prefix = a, .prefix_n = 1},
		{.id = 3, .arrive_ns = 3000000, .prompt = 80, .output = 5, .prefix = b, .prefix_n = 1},
		{.id = 4, .arrive_ns = 4000000, .prompt = 80, .output = 5, .prefix = b, .prefix_n = 1},
		{.id = 5, .arrive_ns = 5000000, .prompt = 80, .output = 5}};
	struct serve_settings set = {.rules = SERVE_VLLM,
				     .seqs = 1,
				     .batched_tokens = 200,
				     .block = 1,
				     .kv_blocks = 2000,
				     .cache = CACHE_BLOCKS,
				     .longest_prefix = true};
	/* when 3 has been read, 4 finds all that they share and goes before 5 */
	static const uint64_t order[] = {0, 2, 1, 3, 4, 5}, arrived[] = {0, 1, 2, 3, 4, 5};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, ARRAY_LEN(q), &p, &w);
	for (size_t i = 0; i < ARRAY_LEN(q); i++)
		ck_assert_uint_eq(w.ends.at[i].r.id, order[i]);
	ck_assert_int_eq(fixture_end_of(&w, 2)->t.cached, 64);
	ck_assert_int_eq(fixture_end_of(&w, 4)->t.cached, 64);
	w.ends.n = 0;
	set.cache = CACHE_NONE; /* without a cache: by arrival */
	run_recorded(&set, q, ARRAY_LEN(q), &p, &w);
	for (size_t i = 0; i < ARRAY_LEN(q); i++)
		ck_assert_uint_eq(w.ends.at[i].r.id, arrived[i]);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* Two at a time for three who come together: 1 begins like 0 and waits until that is read, so that 2 goes before it. */
START_TEST(sglang_shared_beginning_waits)
{
	const struct prefix_piece a[] = {{1, 64}};
	const struct request q[] = {{.id = 0, .prompt = 80, .output = 5, .prefix = a, .prefix_n = 1},
				    {.id = 1, .prompt = 80, .output = 5, .prefix = a, .prefix_n = 1},
				    {.id = 2, .prompt = 80, .output = 5}};
	const struct serve_settings set = {.rules = SERVE_VLLM,
					   .seqs = 2,
					   .batched_tokens = 200,
					   .block = 1,
					   .kv_blocks = 2000,
					   .cache = CACHE_BLOCKS,
					   .longest_prefix = true};
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	run_recorded(&set, q, ARRAY_LEN(q), &p, &w);
	ck_assert_int_eq(fixture_end_of(&w, 0)->t.admitted_ns, 0);
	ck_assert_int_eq(fixture_end_of(&w, 2)->t.admitted_ns, 0);
	ck_assert_int_gt(fixture_end_of(&w, 1)->t.admitted_ns, 0);
	ck_assert_int_eq(fixture_end_of(&w, 1)->t.cached, 64);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

/* A queue of blocks as a plain list of names, 0 for none, the one freed first in front. */
struct plain_blocks {
	uint64_t name[4096];
	size_t n;
};

static bool plain_take(struct plain_blocks *b, size_t at)
{
	if (at >= b->n)
		return false;
	memmove(&b->name[at], &b->name[at + 1], (--b->n - at) * sizeof b->name[0]);
	return true;
}

/* A prompt of one block with a name and one without: found or not, used, and freed with the last block first.
 */
static bool plain_prompt(struct plain_blocks *b, uint64_t name)
{
	size_t at = 0;
	bool hit;

	while (at < b->n && b->name[at] != name)
		at++;
	hit = plain_take(b, at);
	if (!hit)
		plain_take(b, 0);
	plain_take(b, 0);
	b->name[b->n++] = 0;
	b->name[b->n++] = name;
	return hit;
}

/* A stream of such prompts: with few blocks the hits are those of the plain list; with as many as it takes,
 * every name is found again. */
START_TEST(blocks_are_an_lru)
{
	enum { N = 1500, GROUPS = 30, BLOCK = 16 };
	struct rng *r = rng_new((uint64_t)_i, "lru");
	struct request *q = xcalloc(N, sizeof *q);
	struct prefix_piece *pieces = xcalloc(N, sizeof *pieces);
	struct plain_blocks *blocks = xcalloc(1, sizeof *blocks);
	const struct serve_settings set = {.rules = SERVE_VLLM,
					   .seqs = 1,
					   .batched_tokens = 100,
					   .block = BLOCK,
					   .kv_blocks = _i ? 0 : 12,
					   .cache = CACHE_BLOCKS};
	size_t hits = 0;
	struct passes p = {{0}};
	struct fixture_watch w = {0};

	blocks->n = _i ? 2 * GROUPS : 12; /* more than that many are never in use or named */
	for (size_t i = 0; i < N; i++) {
		pieces[i] = (struct prefix_piece){(uint64_t)(fixture_draw(r, 1, 5) * fixture_draw(r, 1, 6)),
						  BLOCK};
		q[i] = (struct request){.id = i,
					.arrive_ns = (int64_t)i * 10000000,
					.prompt = BLOCK + 1,
					.output = 1,
					.prefix = &pieces[i],
					.prefix_n = 1};
	}
	run_recorded(&set, q, N, &p, &w);
	for (size_t i = 0; i < N; i++) {
		bool hit = plain_prompt(blocks, pieces[i].group);

		for (size_t j = 0; _i && j < i && !hit; j++)
			hit = pieces[j].group == pieces[i].group;
		MUST(fixture_end_of(&w, i)->t.cached == (hit ? BLOCK : 0));
		hits += hit;
	}
	ck_assert(hits > N / 10 && hits < N - 10);
	free(q);
	free(pieces);
	free(blocks);
	rng_free(r);
	VEC_FREE(&p.seen);
	fixture_watch_release(&w);
}
END_TEST

Suite *suite_serve_passes(void)
{
	Suite *s = suite_create("serve_passes");
	TCase *t = tcase_create("passes");

	tcase_add_test(t, rows_are_met_once);
	tcase_add_test(t, llamacpp_reads_weights_for_each_run_of_slots);
	tcase_add_test(t, llamacpp_fills_micro_batches);
	tcase_add_test(t, llamacpp_keeps_what_a_slot_held);
	tcase_add_test(t, llamacpp_splits_slots_equally);
	tcase_add_test(t, llamacpp_copies_to_the_host);
	tcase_add_test(t, mlx_decodes_then_reads_padded);
	tcase_add_test(t, mlx_reads_a_tail_by_itself);
	tcase_add_test(t, mlx_looks_for_requests_now_and_then);
	tcase_add_test(t, mlx_takes_in_one_after_another);
	tcase_add_test(t, mlx_runs_seeded_requests_alone);
	suite_add_tcase(s, t);
	t = tcase_create("caches");
	tcase_add_test(t, vllm_finds_blocks);
	tcase_add_test(t, sglang_longest_prefix_first);
	tcase_add_test(t, sglang_shared_beginning_waits);
	tcase_add_loop_test(t, blocks_are_an_lru, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
