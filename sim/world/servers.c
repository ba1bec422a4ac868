/* servers.c - the settings that the servers of a scenario run with; see serve.h. */
#include <string.h>

#include "sim/hw/programs.h"
#include "sim/hw/serving.h"
#include "sim/world/world.h"

/* The defaults of each scheduler, and the rules by which it runs. */
static const struct {
	const char *server;
	enum serving_scheduler rules;
} servers[] = {
	[SCHEDULER_UNSAID] = {NULL, SERVING_SCHEDULERS},
	[SCHEDULER_VLLM] = {"serve-vllm", SERVING_VLLM},
	[SCHEDULER_LLAMACPP] = {"serve-llama.cpp", SERVING_LLAMACPP},
	[SCHEDULER_MLX] = {"serve-mlx", SERVING_MLX},
	[SCHEDULER_STATIC] = {"serve-static", SERVING_STATIC},
	[SCHEDULER_SGLANG] = {"serve-sglang", SERVING_VLLM},
	[SCHEDULER_OLLAMA] = {"serve-ollama", SERVING_LLAMACPP},
	[SCHEDULER_LMSTUDIO] = {"serve-lm-studio", SERVING_LLAMACPP},
	[SCHEDULER_OMLX] = {"serve-omlx", SERVING_MLX},
};

static void count(int64_t *value, int64_t said)
{
	if (said)
		*value = said;
}

/* A quantity that the scenario states is exact: it is what the server is told. */
static void quantity(struct qty *q, const struct serve_how *h, const char *key, double said)
{
	if (yml_get(h->origin.node, key))
		*q = (struct qty){.value = said, .given = true, .node = yml_get(h->origin.node, key)};
}

static void take_layout(struct serving *s, const struct serve_how *h)
{
	static const int kv[] = {[SERVE_KV_UNIFIED] = SERVING_UNIFIED,
				 [SERVE_KV_SPLIT] = SERVING_SPLIT,
				 [SERVE_KV_PAGED] = SERVING_PAGED,
				 [SERVE_KV_PADDED] = SERVING_PADDED};

	if (h->scheduler != SCHEDULER_UNSAID)
		s->scheduler = (int)servers[h->scheduler].rules;
	if (h->kv != SERVE_KV_UNSAID)
		s->kv = kv[h->kv];
	else if (s->scheduler == SERVING_LLAMACPP && h->seqs)
		s->kv = SERVING_SPLIT; /* llama-server splits the cache over slots whose number is said */
	if (h->reserve != RESERVE_UNSAID)
		s->reserve = h->reserve == RESERVE_ALL;
	if (yml_get(h->origin.node, "pipelined"))
		s->pipelined = h->pipelined;
	if (yml_get(h->origin.node, "whole_prompt"))
		s->whole_prompt = h->whole_prompt;
	if (yml_get(h->origin.node, "prefill_first"))
		s->prefill_first = h->prefill_first;
	if (yml_get(h->origin.node, "eager"))
		s->eager = h->eager;
	if (yml_get(h->origin.node, "piecewise"))
		s->piecewise = h->piecewise;
	if (yml_get(h->origin.node, "async"))
		s->async = h->async;
	if (h->graphs.n)
		s->graphs = h->graphs;
}

static void take(struct serving *s, const struct serve_how *h)
{
	take_layout(s, h);
	count(&s->seqs, h->seqs);
	count(&s->batch, h->batch);
	count(&s->ubatch, h->ubatch);
	count(&s->block, h->block);
	count(&s->context, h->context);
	count(&s->prompts, h->prompts);
	count(&s->step, h->step);
	count(&s->tail, h->tail);
	count(&s->queue, h->queue);
	if (s->ubatch > s->batch && s->batch)
		s->ubatch = s->batch;
	quantity(&s->memory, h, "memory", h->memory);
	quantity(&s->reserved, h, "reserved", h->reserved);
	quantity(&s->host_cache, h, "host_cache", h->host_cache);
	quantity(&s->poll, h, "poll", h->poll);
	quantity(&s->new_rows, h, "new_rows", h->new_rows);
	quantity(&s->host, h, "host", h->host);
	quantity(&s->host_per_seq, h, "host_per_seq", h->host_per_seq);
	quantity(&s->detokenizer, h, "detokenizer", h->detokenizer);
	quantity(&s->request, h, "request", h->request);
	quantity(&s->request_per_token, h, "request_per_token", h->request_per_token);
}

/* The first device that a part names; WORLD_NONE where placement will complain of its rules. */
static size_t first_unit(const struct world *w, const struct assignment *part)
{
	const struct rule *r = part->place.at;

	return part->place.n && r->on.n ? world_unit(w, *(const char *const *)r->on.at) : WORLD_NONE;
}

static const char *server_of(struct loader *l, const struct world *w, const struct served_part *p)
{
	const size_t unit = first_unit(w, p->part);
	const char *runtime = unit == WORLD_NONE ? NULL : w->units[unit].profile->origin.name, *server;

	if (p->said && p->said->server)
		return p->said->server;
	if (p->said && p->said->scheduler != SCHEDULER_UNSAID)
		return servers[p->said->scheduler].server;
	server = runtime ? serving_of_runtime(runtime) : NULL;
	if (!server && runtime)
		diag_add(l->diags, p->part->origin.node->place, "add 'serve: {scheduler: llama.cpp}'",
			 "assignment '%s': runtime '%s' has no server of its own", p->part->name, runtime);
	return server;
}

/* Servers of one assignment that say the same share their settings. */
static const struct serving *settings_of(struct loader *l, const struct world *w, struct served_part *all,
					 size_t i)
{
	const struct served_part *p = &all[i];
	const struct yml *node = p->said ? p->said->origin.node : p->part->origin.node;
	const char *server = server_of(l, w, p);
	const struct serving *base;
	struct serving *own;

	if (!server)
		return NULL;
	base = serving_load(l, server, node->place, NULL);
	if (!base || !p->said)
		return base;
	own = arena_alloc(l->arena, sizeof *own);
	*own = *base;
	take(own, p->said);
	own->origin.node = node; /* what is wrong with both is told where the scenario says its part */
	return serving_check(own, l->diags) == 0 ? own : NULL;
}

static bool alike(const struct world *w, const struct served_part *a, const struct served_part *b)
{
	const size_t x = first_unit(w, a->part), y = first_unit(w, b->part);

	return a->said == b->said && x != WORLD_NONE && y != WORLD_NONE &&
	       !strcmp(w->units[x].profile->origin.name, w->units[y].profile->origin.name);
}

static void load_assignment(struct loader *l, const struct world *w, struct assignment *a)
{
	const struct assignment *parts;
	struct served_part *all;

	a->serving.servers_n = serving_parts(l->arena, a, &parts);
	a->serving.servers = all = arena_array(l->arena, a->serving.servers_n, sizeof *all);
	for (size_t i = 0; i < a->serving.servers_n; i++) {
		all[i] = (struct served_part){&parts[i], NULL, parts[i].serving.serve};
		for (size_t j = 0; j < i && !all[i].settings; j++)
			if (alike(w, &all[i], &all[j]))
				all[i].settings = all[j].settings;
		if (!all[i].settings)
			all[i].settings = settings_of(l, w, all, i);
	}
}

void world_load_servers(struct loader *l, const struct world *w)
{
	struct assignment *a = w->scenario->assignments.at;

	for (size_t i = 0; i < w->scenario->assignments.n; i++)
		load_assignment(l, w, &a[i]);
}
