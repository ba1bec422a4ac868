/*
 * settings.h - how a server schedules: one struct for every runtime, each reading what it has a use for.
 *
 * Layer serve. Zero means "without" unless it says otherwise. Defaults of a runtime are the runtime
 * profile's.
 */
#ifndef SIM_SERVE_SETTINGS_H
#define SIM_SERVE_SETTINGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum serve_rules { SERVE_VLLM, SERVE_LLAMACPP, SERVE_MLX, SERVE_STATIC, SERVE_RULES_N };

enum serve_pool { POOL_WHOLE, POOL_PREFILL, POOL_DECODE };

enum serve_cache {
	CACHE_NONE,
	CACHE_BLOCKS, /* vllm: blocks by name, least recently freed first */
	CACHE_RADIX,  /* sglang: a tree of texts, its least recently used leaves first */
	CACHE_SLOTS,  /* llama.cpp: what each slot held last, a host cache behind them */
	CACHE_WHOLE,  /* mlx: whole caches of ended requests */
	CACHE_N
};

/*
 * Groups of layers in a pool of KV blocks (vLLM). A sequence has a table of blocks for each group. Those of a group
 * whose layers see all hold every token; those of a windowed group are given back once no later token sees any
 * of theirs. All zero: one group that sees all.
 */
struct kv_groups {
	int64_t full, windowed; /* groups */
	int64_t window;         /* tokens that a token of a windowed group sees, itself included */
};

struct serve_settings {
	enum serve_rules rules;
	int64_t context; /* tokens of prompt and answer of one request; 0: as many as the KV cache holds */
	bool cache_as_asked;  /* llama.cpp: the KV cache has as many cells as its context asks for, or more */
	int64_t waiting_room; /* requests that may wait before the next is refused; 0: any number */
	/* KV cache. Unlimited: kv_blocks = 0. */
	int64_t block, kv_blocks; /* tokens of a block (>= 1), blocks in all */
	int64_t state_blocks;     /* vllm: of a sequence besides those of its tokens, for recurrent states */
	struct kv_groups groups;  /* vllm, without drafts, reserve_all, pools and a radix tree */
	enum serve_cache cache;
	int64_t host_cache; /* tokens the host cache behind llama.cpp's slots holds; whole caches that mlx
			       keeps */

	/* vllm, sglang, static */
	int64_t seqs;           /* sequences that run at once */
	int64_t batched_tokens; /* rows of an iteration */
	int64_t long_prefill;   /* most tokens of one prompt in an iteration; 0: no such bound */
	bool no_chunks;         /* a prompt is read in one iteration */
	bool by_priority;       /* smaller priority first, and the greatest is preempted */
	bool longest_prefix;    /* sglang: who finds most of its prompt in the cache is admitted first */
	bool reserve_all;       /* blocks for prompt and answer are taken when a request is admitted */
	bool whole_prompt;      /* vllm: it is admitted only where free blocks hold all that it has to read */
	/* sglang: the share begins with `ahead` whenever nobody runs, falls to ahead_least over ahead_steps
	 * iterations that decode, and is set anew when a request is retracted. ahead_steps 0: it stays */
	double ahead_least;
	int64_t ahead_steps;
	double ahead; /* sglang: share of what running requests have yet to answer that must stay free when
			 one is admitted (new_token_ratio) */
	bool prefill_first; /* sglang: decodes wait while prompts are read */
	/* vllm: an iteration is planned while the one before it runs, so that a request which comes meanwhile
	 * waits for one iteration more */
	bool async;
	const int64_t *graphs; /* captured graph sizes, ascending: rows are padded up to one of them */
	size_t graphs_n;
	int64_t window_ns; /* static: how long a batch waits to be filled */

	/* llama.cpp */
	int64_t slots, batch, ubatch;
	bool kv_unified;      /* one cache for all slots: decodes are one pass whichever slots they have */
	int64_t host_copy_fs; /* for each token copied to or from the host cache, inside the loop */

	/* mlx */
	int64_t prompts, decodes, step;
	int64_t tail;       /* last tokens of a prompt that are read in a pass of their own; 0: none */
	int64_t poll_ns;    /* of iterations before it looks for new requests; 0: after each */
	int64_t take_in_fs; /* for each request that it finds, before the next iteration */

	/* speculative decoding: tokens drafted, and the probability that each is accepted if those before it were
	 */
	int64_t draft;
	double acceptance;

	/* before the scheduler sees a request: HTTP and tokenizer */
	int64_t request_ns, prompt_token_fs;
};

static inline struct kv_groups settings_groups(const struct serve_settings *s)
{
	return s->groups.full + s->groups.windowed ? s->groups : (struct kv_groups){.full = 1};
}

/* Blocks of a windowed group's table that no token after the first `tokens` sees: get_num_skipped_tokens() of
 * SlidingWindowManager, vllm/v1/core/single_type_kv_cache_manager.py @00b08dc4. */
static inline int64_t kv_passed(const struct kv_groups *g, int64_t block, int64_t tokens)
{
	return tokens >= g->window ? (tokens - g->window + 1) / block : 0;
}

/* Blocks of a windowed group that a sequence holds at most, what an iteration reads behind a window:
 * SlidingWindowSpec.max_memory_usage_bytes(), vllm/v1/kv_cache_interface.py @001cabc1. */
static inline int64_t settings_held(const struct serve_settings *s)
{
	return (s->groups.window - 1 + s->batched_tokens + s->block - 1) / s->block + 1;
}

/* Tokens of a sequence that has the whole cache for itself. */
static inline int64_t settings_tokens(const struct serve_settings *s)
{
	const struct kv_groups *g = &s->groups;
	const int64_t all = g->full + g->windowed, blocks = s->kv_blocks - s->state_blocks;
	const int64_t held = settings_held(s);
	const int64_t left = blocks - g->windowed * held;

	if (!g->windowed)
		return blocks * s->block;
	if (left < g->full * held) /* before anything is given back */
		return blocks / all * s->block;
	return g->full ? left / g->full * s->block : INT64_MAX / 4;
}

#endif
