/*
 * serve_toy.h - for the tests of room serve: a hand-made table of step times, sources, and an observer that
 * keeps everything.
 */
#ifndef TESTS_SERVE_TOY_H
#define TESTS_SERVE_TOY_H
#include "sim/base/rng.h"
#include "sim/base/vec.h"
#include "sim/serve/serving.h"

/* A pass takes base + per_row * rows + per_context * contexts (those of the window, where there is one) and,
 * for every read of the weights but the first, base again. Knots every `steps` iterations. */
struct fixture_time {
	int64_t base_fs, per_row_fs, per_context_fs, steps;
	int64_t calls;
};
struct batch_time fixture_batch_time(struct fixture_time *t, int64_t window);

/* Requests of a list; or a closed loop: `users` at a time, each sends its next one think_ns after an end. */
struct fixture_source {
	const struct request *at;
	size_t n, next;
	size_t users, in_flight;
	int64_t think_ns;
	VEC(int64_t) due; /* closed loop: arrivals to come */
};
struct request_source fixture_source(struct fixture_source *s);

struct fixture_end {
	struct request r;
	struct request_times t;
};
struct fixture_state {
	uint32_t replica;
	int64_t from_ns, to_ns, waiting, running, kv_blocks, kv_block_ns;
	bool busy;
};
/* Gaps come in another order in jumps: kept are their number, their sum and a sum over a hash of each and its end. */
struct fixture_watch {
	VEC(struct fixture_end) ends;
	VEC(struct fixture_state) states;
	uint64_t gaps, gaps_hash;
	double gaps_fs;
};
struct observer fixture_observer(struct fixture_watch *w);
void fixture_watch_release(struct fixture_watch *w);
const struct fixture_end *fixture_end_of(const struct fixture_watch *w, uint64_t id);

/* A run and what came of it. */
struct fixture_outcome {
	struct fixture_watch watch;
	struct serve_result result;
	struct serve_books books[8];
};
void fixture_serve(const struct serve_config *c, struct fixture_source s, struct fixture_outcome *out);

/* n requests, Poisson at `rate` a second; lengths uniform between the two bounds. */
struct request *fixture_requests(struct rng *r, size_t n, double rate, int64_t prompt_most,
				 int64_t output_most);
/* Now and then groups of layers with a window, of vLLM's settings, and blocks for them. */
void fixture_groups(struct rng *r, struct serve_settings *set);
int64_t fixture_draw(struct rng *r, int64_t least, int64_t most);

/* A card under vLLM. */
#define VLLM_4090                                                                                            \
	"schema: lemursim/scenario/1\ntitle: one\nprecision: {weights: bf16, kv: bf16, compute: bf16}\n"     \
	"machines: {a: nvidia-rtx-4090-24gb}\nworkload: {generate: {prompt: 30 tok, tokens: 9 tok}}\n"       \
	"assignments: [{name: x, place: [{on: a}]}]\nmodel: llama-3.1-8b\nruntime: vllm\n"

#endif
