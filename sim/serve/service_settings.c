/* service_settings.c - the settings of a server, as the engine takes them; see service_parts.h. */
#include <math.h>

#include "sim/serve/service_parts.h"

/* mlx_lm.server keeps the caches of so many ended requests: --prompt-cache-size, mlx_lm/server.py of
 * ml-explore/mlx-lm@d78bf58e. */
enum { MLX_CACHES = 10, ANY_NUMBER = 1 << 30 };

/* SGLANG_MIN_NEW_TOKEN_RATIO_FACTOR and SGLANG_NEW_TOKEN_RATIO_DECAY_STEPS in python/sglang/srt/environ.py of
 * sgl-project/sglang@21ff4b08a19649d55c59ed4bd8383ab9a19e6430. */
static const double AHEAD_LEAST = 0.14;
enum { AHEAD_STEPS = 600 };

static int64_t or_any(int64_t n)
{
	return n ? n : ANY_NUMBER;
}

static bool says(const struct serve_how *said, const char *key)
{
	return said && yml_get(said->origin.node, key);
}

static double value_or_none(const struct qty *q)
{
	return q->given ? q->value : 0;
}

/* A server with a draft model serves each request by itself, and nobody beside it: ModelProvider.load() and
 * ResponseGenerator._generate(), mlx_lm/server.py of ml-explore/mlx-lm@d78bf58e. */
static void serve_alone(struct serve_settings *s)
{
	s->prompts = s->decodes = 1;
}

static void set_draft(struct serve_settings *s, const struct speculative *sp)
{
	s->draft = sp->draft;
	s->acceptance = sp->acceptance;
	if (s->rules == SERVE_MLX)
		serve_alone(s);
}

/* The caches of prefixes that runtimes keep unless told not to; vLLM keeps none of a model with recurrent layers unless
 * told to (ModelConfig.is_prefix_caching_supported in vllm/config/model.py, up to 0.23). */
static enum serve_cache cache_of(const struct serving *how, const struct serve_how *said,
				 const struct batch_kv *kv)
{
	static const enum serve_cache kept[] = {[SERVING_VLLM] = CACHE_BLOCKS,
						[SERVING_LLAMACPP] = CACHE_SLOTS,
						[SERVING_MLX] = CACHE_WHOLE,
						[SERVING_STATIC] = CACHE_NONE};

	if (says(said, "prefix_cache") ? !said->prefix_cache : kv->state_blocks > 0)
		return CACHE_NONE;
	return how->radix && how->scheduler == SERVING_VLLM ? CACHE_RADIX : kept[how->scheduler];
}

/* One of vLLM's blocks stands for those that windows have passed and is given to nobody; its own usage leaves it out
 * (BlockPool.__init__() and get_usage(), vllm/v1/core/block_pool.py of vllm-project/vllm@002f3491). SGLang's pool of tokens
 * has a row more than it gives out. */
static bool has_null_block(const struct serving *how)
{
	return how->scheduler == SERVING_VLLM && !how->radix;
}

static void set_vllm(struct arena *a, struct serve_settings *s, const struct serving *how,
		     const struct serve_how *said)
{
	int64_t *graphs = arena_array(a, how->graphs.n, sizeof *graphs);

	for (size_t i = 0; i < how->graphs.n; i++)
		graphs[i] = (int64_t)((const double *)how->graphs.at)[i];
	s->graphs = graphs;
	s->graphs_n = how->eager ? 0 : how->graphs.n;
	s->seqs = how->seqs;
	s->batched_tokens = or_any(how->batch);
	s->prefill_first = how->prefill_first;
	s->ahead = value_or_none(&how->ahead);
	s->ahead_least = AHEAD_LEAST * s->ahead;
	s->ahead_steps = s->ahead > 0 ? AHEAD_STEPS : 0;
	s->async = how->async;
	s->reserve_all = how->reserve;
	s->whole_prompt = how->whole_prompt;
	s->long_prefill = said ? said->long_prefill : 0;
	s->no_chunks = says(said, "chunked") && !said->chunked;
	s->by_priority = said && said->policy == POLICY_PRIORITY;
	s->longest_prefix = said && said->policy == POLICY_LONGEST_PREFIX;
	if (said && said->kv_blocks)
		s->kv_blocks = said->kv_blocks;
	s->kv_blocks -= has_null_block(how) && s->kv_blocks > 1;
}

/* Its cache is one of cells; split over slots, a request has the cells of its slot. */
static void set_llamacpp(struct serve_settings *s, const struct serving *how, const struct batch_kv *kv)
{
	s->slots = how->seqs;
	s->batch = or_any(how->batch);
	s->ubatch = how->ubatch ? how->ubatch : s->batch;
	s->kv_unified = how->kv != SERVING_SPLIT;
	s->context = s->kv_unified ? kv->tokens : kv->tokens / how->seqs;
	s->cache_as_asked = how->context && kv->tokens >= how->context;
	if (kv->token_B > 0 && s->cache == CACHE_SLOTS)
		s->host_cache = (int64_t)(value_or_none(&how->host_cache) / kv->token_B);
	if (how->host_copy.given)
		s->host_copy_fs = llround(kv->token_B / how->host_copy.value * 1e15);
}

static void set_mlx(struct serve_settings *s, const struct serving *how, int64_t vocabulary)
{
	s->prompts = or_any(how->prompts);
	s->decodes = how->seqs;
	s->step = or_any(how->step);
	s->tail = how->tail;
	s->poll_ns = llround(value_or_none(&how->poll) * 1e9);
	s->take_in_fs = llround(value_or_none(&how->detokenizer) * (double)vocabulary * 1e15);
	s->host_cache = MLX_CACHES;
}

struct serve_settings service_settings_of(struct arena *a, const struct serving *how,
					  const struct serve_how *said, const struct batch_kv *kv,
					  int64_t vocabulary)
{
	static const enum serve_rules rules[] = {[SERVING_VLLM] = SERVE_VLLM,
						 [SERVING_LLAMACPP] = SERVE_LLAMACPP,
						 [SERVING_MLX] = SERVE_MLX,
						 [SERVING_STATIC] = SERVE_STATIC};
	const bool cells = how->scheduler == SERVING_LLAMACPP || how->scheduler == SERVING_MLX;
	struct serve_settings s = {.rules = rules[how->scheduler],
				   .waiting_room = how->queue,
				   .context =
					   how->context, /* llama.cpp's is of all slots, see set_llamacpp() */
				   .block = cells ? 1 : kv->block,
				   .kv_blocks = cells ? kv->tokens : kv->blocks,
				   .state_blocks = kv->state_blocks,
				   .groups = kv->groups,
				   .cache = cache_of(how, said, kv)};

	s.request_ns = llround(value_or_none(&how->request) * 1e9);
	s.prompt_token_fs = llround(value_or_none(&how->request_per_token) * 1e15);
	if (s.rules == SERVE_LLAMACPP)
		set_llamacpp(&s, how, kv);
	else if (s.rules == SERVE_MLX)
		set_mlx(&s, how, vocabulary);
	else
		set_vllm(a, &s, how, said);
	if (said && said->speculative)
		set_draft(&s, said->speculative);
	s.window_ns = said ? llround(said->window * 1e9) : 0;
	return s;
}
