/* serve_how.c - the servers of an assignment: tables and checks; see serve.h. */
#include "sim/world/serve.h"

#include <string.h>

#include "sim/world/scenario.h"
#include "sim/world/serve_parts.h"

const char *const serve_schedulers[] = {
	[SCHEDULER_UNSAID] = "runtime's",   [SCHEDULER_VLLM] = "vllm",
	[SCHEDULER_LLAMACPP] = "llama.cpp", [SCHEDULER_MLX] = "mlx",
	[SCHEDULER_STATIC] = "static",      [SCHEDULER_SGLANG] = "sglang",
	[SCHEDULER_OLLAMA] = "ollama",      [SCHEDULER_LMSTUDIO] = "lm-studio",
	[SCHEDULER_OMLX] = "omlx",          NULL};
const char *const route_policies[] = {[ROUTED_ROUND_ROBIN] = "round_robin",
				      [ROUTED_RANDOM] = "random",
				      [ROUTED_LEAST_REQUESTS] = "least_requests",
				      [ROUTED_LEAST_TOKENS] = "least_tokens",
				      [ROUTED_TWO_CHOICES] = "two_choices",
				      [ROUTED_PREFIX] = "prefix",
				      [ROUTED_SESSION] = "session",
				      NULL};
static const char *const kvs[] = {
	[SERVE_KV_UNSAID] = "runtime's", [SERVE_KV_UNIFIED] = "unified", [SERVE_KV_SPLIT] = "split",
	[SERVE_KV_PAGED] = "paged",      [SERVE_KV_PADDED] = "padded",   NULL};
static const char *const policies[] = {[POLICY_UNSAID] = "runtime's",
				       [POLICY_FCFS] = "fcfs",
				       [POLICY_PRIORITY] = "priority",
				       [POLICY_LONGEST_PREFIX] = "longest_prefix",
				       NULL};
static const char *const reserves[] = {
	[RESERVE_UNSAID] = "runtime's", [RESERVE_NEEDED] = "none", [RESERVE_ALL] = "all", NULL};
static const char *const firsts[] = {
	[FIRST_TOKEN_PREFILL] = "prefill", [FIRST_TOKEN_DECODE] = "decode", NULL};

#define HOW(member) FIELD_KEY(struct serve_how, member), .optional = true
#define TOK(member, text)                                                                                    \
	{                                                                                                    \
		HOW(member), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 1, .max = LENGTH_MAX,            \
			     .help = text                                                                    \
	}
#define NUM(member, hi, text)                                                                                \
	{                                                                                                    \
		HOW(member), .type = FIELD_COUNT, .min = 1, .max = hi, .help = text                          \
	}
#define SEC(member, hi, text)                                                                                \
	{                                                                                                    \
		HOW(member), .type = FIELD_DOUBLE, .dim = DIM_TIME, .min = 0, .max = hi, .help = text        \
	}
static const struct field how_fields[] = {
	{HOW(server), .type = FIELD_TEXT, .help = "whose defaults hold; the runtime's own if not said"},
	{HOW(scheduler), .type = FIELD_CHOICE, .choices = serve_schedulers, .help = "whose rules"},
	NUM(seqs, 65536, "sequences at once"),
	NUM(slots, 65536, "llama.cpp: the same"),
	NUM(decodes, 65536, "mlx: the same"),
	TOK(batch, "tokens of one iteration"),
	TOK(batched_tokens, "vllm: the same"),
	TOK(ubatch, "llama.cpp: tokens of one pass"),
	TOK(context, "tokens that all slots or one sequence may have"),
	TOK(block, "vllm: tokens of a block of KV cache"),
	TOK(long_prefill, "vllm: most tokens of one prompt in an iteration"),
	NUM(prompts, 4096, "mlx: prompts that are read at once"),
	TOK(step, "mlx: tokens of a prompt in one pass"),
	TOK(tail, "mlx: last tokens of a prompt that are read by themselves, as of models that think"),
	SEC(poll, 100, "mlx: of iterations before it looks for new requests; 0 s: after each"),
	SEC(window, 86400, "static: how long it waits for a batch to fill"),
	{HOW(kv), .type = FIELD_CHOICE, .choices = kvs,
	 .help = "one cache for all, a part for each slot, blocks, or padded to the longest"},
	{HOW(policy), .type = FIELD_CHOICE, .choices = policies, .help = "which waiting request is next"},
	{HOW(reserve), .type = FIELD_CHOICE, .choices = reserves,
	 .help = "KV cache taken at admission for the whole answer, or as needed"},
	{HOW(chunked), .type = FIELD_BOOL, .help = "vllm: a prompt may be read in pieces"},
	{HOW(whole_prompt), .type = FIELD_BOOL,
	 .help = "vllm: a prompt is admitted only where free blocks hold all of it"},
	{HOW(prefill_first), .type = FIELD_BOOL,
	 .help = "vllm: a new prompt stops decoding until it is read"},
	{HOW(pipelined), .type = FIELD_BOOL,
	 .help = "a pipeline of devices has as many batches in flight as devices"},
	{HOW(eager), .type = FIELD_BOOL,
	 .help = "vllm: no pass is recorded (CUDA graphs), the host launches each kernel: --enforce-eager"},
	{HOW(piecewise), .type = FIELD_BOOL,
	 .help = "vllm: passes are recorded in pieces, between which the host launches attention, as before "
		 "0.11 or in cudagraph_mode PIECEWISE"},
	{HOW(async), .type = FIELD_BOOL,
	 .help = "vllm: an iteration is planned while the one before it runs, the default since 0.14"},
	{HOW(prefix_cache), .type = FIELD_BOOL, .help = "beginnings that were read are kept"},
	NUM(kv_blocks, 1e9,
	    "vllm: blocks of KV cache, the one that it gives to nobody included; what the memory holds if "
	    "not said"),
	{HOW(host_cache), .type = FIELD_DOUBLE, .dim = DIM_BYTES, .min = 0, .max = 1e15,
	 .help = "llama.cpp: host memory for caches of prompts that slots lose; 0 B: none"},
	{HOW(memory), .type = FIELD_DOUBLE, .dim = DIM_SHARE, .min = 0.01, .max = 1,
	 .help = "share of the memory that the server may take"},
	{HOW(reserved), .type = FIELD_DOUBLE, .dim = DIM_BYTES, .min = 0, .max = 1e12,
	 .help = "of it for what is no weight, cache or activation"},
	NUM(queue, 1e9, "requests that may wait; more are refused"),
	{HOW(graphs), .type = FIELD_DOUBLES, .dim = DIM_COUNT, .min = 1, .max = 65536,
	 .help = "batch sizes with a captured graph, rising; others run padded"},
	SEC(new_rows, 100,
	    "of a pass of so many rows as none before it had and no graph was captured for: vLLM on GB10, "
	    "fp8"),
	SEC(host, 10, "of an iteration in which the device waits for the host"),
	SEC(host_per_seq, 1, "and more for each sequence in it"),
	SEC(detokenizer, 1,
	    "for each entry of the vocabulary, of a request that is taken in while the loop waits: mlx"),
	SEC(request, 100, "HTTP, template and tokenizer before a request is queued"),
	SEC(request_per_token, 1, "and more for each token of its prompt"),
	{HOW(speculative), .type = FIELD_MAYBE, .sub = &speculative_table,
	 .help = "each decode drafts tokens that the model checks in one pass"},
};
const struct table serve_how_table = {"serve", sizeof(struct serve_how), how_fields, ARRAY_LEN(how_fields)};

static const struct field replica_fields[] = {
	{FIELD_KEY(struct replica_said, place), .type = FIELD_LIST, .sub = &rule_table, .max = 100,
	 .help = "rules; the later wins"},
	{FIELD_KEY(struct replica_said, serve), .type = FIELD_MAYBE, .sub = &serve_how_table,
	 .optional = true, .help = "what is not as the assignment says"},
	{FIELD_KEY(struct replica_said, weight), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 0.001,
	 .max = 1e6, .optional = true,
	 .help = "requests it gets against those of the others, such as its capacity; 1"},
};
const struct table replica_table = {"replica", sizeof(struct replica_said), replica_fields,
				    ARRAY_LEN(replica_fields)};

static const struct field pools_fields[] = {
	{FIELD_KEY(struct pools, prefill), .type = FIELD_LIST, .sub = &replica_table, .max = 1024,
	 .help = "servers that read prompts"},
	{FIELD_KEY(struct pools, decode), .type = FIELD_LIST, .sub = &replica_table, .max = 1024,
	 .help = "servers that generate"},
};
const struct table pools_table = {"pools", sizeof(struct pools), pools_fields, ARRAY_LEN(pools_fields)};

static const struct field hand_over_fields[] = {
	{FIELD_KEY(struct hand_over, kv), .type = FIELD_CHOICE, .choices = kv_whens, .def = "stream",
	 .help = "layer by layer while the rest is computed, or all at the end"},
	{FIELD_KEY(struct hand_over, first_token), .type = FIELD_CHOICE, .choices = firsts, .def = "prefill",
	 .help = "who shows it: prefill before the transfer, decode after it"},
};
const struct table hand_over_table = {"hand_over", sizeof(struct hand_over), hand_over_fields,
				      ARRAY_LEN(hand_over_fields)};

static const struct field outage_fields[] = {
	{FIELD_KEY(struct outage, machine), .type = FIELD_TEXT, .help = "its name"},
	{FIELD_KEY(struct outage, from), .type = FIELD_DOUBLE, .dim = DIM_TIME, .min = 0, .max = 1e9,
	 .help = "when it fails"},
	{.key = "for",
	 .offset = offsetof(struct outage, span),
	 .type = FIELD_DOUBLE,
	 .dim = DIM_TIME,
	 .min = 1e-3,
	 .max = 1e9,
	 .help = "how long it is away; longer than the load lasts: for good"},
};
const struct table outage_table = {"outage", sizeof(struct outage), outage_fields, ARRAY_LEN(outage_fields)};

/* Which schedulers know a key; the others would pass it over in silence. */
#define V (1u << SCHEDULER_VLLM | 1u << SCHEDULER_SGLANG)
#define L (1u << SCHEDULER_LLAMACPP | 1u << SCHEDULER_OLLAMA | 1u << SCHEDULER_LMSTUDIO)
#define X (1u << SCHEDULER_MLX | 1u << SCHEDULER_OMLX)
#define S (1u << SCHEDULER_STATIC)
static const struct {
	const char *key;
	unsigned of;
	const char *hint;
} owners[] = {
	{"slots", L, "it is a key of llama.cpp"},
	{"ubatch", L, "it is a key of llama.cpp"},
	{"host_cache", L, "it is a key of llama.cpp"},
	{"batched_tokens", V, "it is a key of vllm and sglang"},
	{"block", V, "it is a key of vllm and sglang"},
	{"long_prefill", V, "it is a key of vllm and sglang"},
	{"kv_blocks", V, "it is a key of vllm and sglang"},
	{"chunked", V, "it is a key of vllm and sglang"},
	{"whole_prompt", V, "it is a key of vllm and sglang"},
	{"policy", V, "it is a key of vllm and sglang"},
	{"reserve", V, "it is a key of vllm and sglang"},
	{"prefill_first", V, "it is a key of vllm and sglang"},
	{"graphs", V, "it is a key of vllm and sglang"},
	{"eager", V, "it is a key of vllm and sglang"},
	{"piecewise", V, "it is a key of vllm and sglang"},
	{"async", V, "it is a key of vllm and sglang"},
	{"prompts", X, "it is a key of mlx"},
	{"decodes", X, "it is a key of mlx"},
	{"step", X, "it is a key of mlx"},
	{"tail", X, "it is a key of mlx"},
	{"poll", X, "it is a key of mlx"},
	{"window", S, "it is a key of static"},
	{"speculative", V | L | X, "drafts need a server that decodes each request by itself"},
};
#undef V
#undef L
#undef X
#undef S

/* One quantity by two names: *first has it afterwards. */
static void same(const struct yml *node, const char *first, const char *second, int64_t *value, int64_t other,
		 struct diags *d)
{
	if (yml_get(node, first) && yml_get(node, second))
		diag_add(d, yml_get(node, second)->place, "leave one out",
			 "serve: '%s' and '%s' are the same quantity", first, second);
	else if (other)
		*value = other;
}

static void check_graphs(const struct serve_how *h, struct diags *d)
{
	const double *g = h->graphs.at;

	for (size_t i = 1; i < h->graphs.n; i++)
		if (g[i] <= g[i - 1]) {
			serve_wrong(d, h->origin.node, "graphs", "such as [1, 2, 4, 8]",
				    "serve: the sizes of graphs must rise");
			return;
		}
}

/* h: NULL where nothing is said. */
static void check_how(struct serve_how *h, struct diags *d)
{
	const struct yml *node = h ? h->origin.node : NULL;
	const int scheduler = h ? h->scheduler : SCHEDULER_UNSAID;

	if (!h)
		return;
	for (size_t i = 0; i < ARRAY_LEN(owners) && scheduler; i++)
		if (yml_get(node, owners[i].key) && !(owners[i].of & 1u << scheduler))
			diag_add(d, yml_get(node, owners[i].key)->place, owners[i].hint,
				 "serve: scheduler '%s' has no '%s'", serve_schedulers[scheduler],
				 owners[i].key);
	same(node, "seqs", "slots", &h->seqs, h->slots, d);
	same(node, "seqs", "decodes", &h->seqs, h->decodes, d);
	same(node, "batch", "batched_tokens", &h->batch, h->batched_tokens, d);
	check_graphs(h, d);
	if (h->ubatch && h->batch && h->ubatch > h->batch)
		serve_wrong(d, node, "ubatch", "a batch runs as one pass or several",
			    "serve: ubatch is larger than batch");
	if (h->long_prefill && h->batch && h->long_prefill > h->batch)
		serve_wrong(d, node, "long_prefill", NULL,
			    "serve: long_prefill is above the tokens of an iteration");
	if (h->policy == POLICY_LONGEST_PREFIX && scheduler != SCHEDULER_SGLANG)
		serve_wrong(d, node, "policy", "add 'scheduler: sglang', or take fcfs or priority",
			    "serve: longest_prefix is a policy of sglang");
}

/* What a member does not say is as the assignment, above, says it; above may be NULL. */
static void check_members(const struct field_list *members, const struct yml *map, const char *key,
			  const struct serve_how *above, struct diags *d)
{
	struct replica_said *r = members->at;

	if (yml_get(map, key) && !members->n)
		serve_wrong(d, map, key, "such as [{place: [{on: m5}]}]", "the list is empty");
	for (size_t i = 0; i < members->n; i++) {
		if (r[i].serve && above)
			field_load(&serve_how_table,
				   yml_merge(d->arena, above->origin.node, r[i].serve->origin.node), "serve",
				   r[i].serve, d);
		check_how(r[i].serve, d);
	}
}

static void goes_with(const struct yml *node, const char *key, bool fine, const char *hint, struct diags *d)
{
	if (yml_get(node, key) && !fine)
		diag_add(d, yml_get(node, key)->place, hint, "assignment: '%s' has no place here", key);
}

static void check_outage(const struct scenario *s, const struct outage *all, size_t i, struct diags *d)
{
	const struct outage *o = &all[i];
	const struct yml *node = o->origin.node, *machines = s->machines;
	const char *names[256];
	size_t n = 0;
	struct err err = ERR_INIT;

	for (; machines && machines->kind == YML_MAP && n < machines->n && n < ARRAY_LEN(names); n++)
		names[n] = machines->keys[n]->text;
	if (machines && !yml_get(machines, o->machine)) {
		err_unknown(&err, "machine", o->machine, names, n);
		diag_err(d, yml_get(node, "machine")->place, &err);
	}
	for (size_t j = 0; j < i; j++)
		if (!strcmp(all[j].machine, o->machine) && all[j].from < o->from + o->span &&
		    o->from < all[j].from + all[j].span)
			serve_wrong(d, node, "from", "make them one",
				    "down: the machine is away already at that time");
}

static void load_down(const struct scenario *s, struct assign_serving *v, struct diags *d)
{
	const struct yml *at = v->down_said;
	const size_t n = at->kind == YML_LIST ? at->n : 1, before = d->total;
	struct outage *all = arena_array(d->arena, n, sizeof *all);

	if (!n)
		diag_add(d, at->place, "such as {machine: b, from: 300 s, for: 120 s}",
			 "down: the list is empty");
	for (size_t i = 0; i < n; i++)
		field_load(&outage_table, yml_merge(d->arena, NULL, at->kind == YML_LIST ? at->items[i] : at),
			   "outage", &all[i], d);
	for (size_t i = 0; i < n && d->total == before; i++)
		check_outage(s, all, i, d);
	v->down = (struct field_list){all, n};
}

static void check_place(const struct assignment *a, struct diags *d)
{
	const struct yml *node = a->origin.node;
	const bool replicas = yml_get(node, "replicas"), pools = yml_get(node, "pools"),
		   place = yml_get(node, "place");

	if (replicas && pools)
		serve_wrong(d, node, "pools", "servers in a pool may be several",
			    "assignment: 'replicas' and 'pools' exclude each other");
	else if (place && (replicas || pools))
		serve_wrong(d, node, "place", "each server has a place of its own",
			    replicas ? "assignment: 'place' and 'replicas' exclude each other"
				     : "assignment: 'place' and 'pools' exclude each other");
	else if (!place && !replicas && !pools)
		diag_add(d, node->place, "place: rules; the later wins",
			 "assignment: key 'place' is missing");
}

static void check_route(const struct assignment *a, struct diags *d)
{
	const struct yml *node = a->origin.node;
	const struct assign_serving *v = &a->serving;
	const bool blind =
		v->route == ROUTED_ROUND_ROBIN || v->route == ROUTED_RANDOM || v->route == ROUTED_SESSION;

	goes_with(node, "route", v->replicas.n || v->pools, "there is one server: nothing to choose", d);
	goes_with(node, "hand_over", v->pools, "it goes with 'pools'", d);
	goes_with(node, "refresh", !blind || !yml_get(node, "route"), "this route does not look at loads", d);
	goes_with(node, "refresh", v->replicas.n || v->pools, "there is one server: nothing to choose", d);
}

/* Weights are for routes that share requests out by load or by turn. */
static void check_weights(const struct assignment *a, const struct field_list *members, struct diags *d)
{
	const struct replica_said *r = members->at;
	const int route = a->serving.route;

	for (size_t i = 0; i < members->n; i++) {
		const struct yml *node = r[i].origin.node;

		goes_with(node, "weight", route != ROUTED_SESSION && route != ROUTED_PREFIX,
			  "session and prefix go by what a request begins with, not by weights", d);
		goes_with(node, "weight", members->n > 1, "there is one server: nothing to share out", d);
	}
}

static const char *const serving_keys[] = {"serve",   "replicas",  "pools", "route",
					   "refresh", "hand_over", "down"};

void serve_check_assignment(const struct scenario *s, struct assignment *a, struct diags *d)
{
	const struct yml *node = a->origin.node;
	struct assign_serving *v = &a->serving;

	if (!node || node->kind != YML_MAP)
		return;
	check_place(a, d);
	for (size_t i = 0; i < ARRAY_LEN(serving_keys) && !s->workload.serve; i++)
		if (yml_get(node, serving_keys[i])) {
			diag_add(d, yml_get(node, serving_keys[i])->place, "add 'serve:' to the workload",
				 "assignment '%s': the workload does not serve", a->name ? a->name : "");
			return;
		}
	if (!yml_get(node, "route"))
		v->route = ROUTED_LEAST_REQUESTS;
	check_how(v->serve, d);
	check_members(&v->replicas, node, "replicas", v->serve, d);
	if (v->pools) {
		check_members(&v->pools->prefill, v->pools->origin.node, "prefill", v->serve, d);
		check_members(&v->pools->decode, v->pools->origin.node, "decode", v->serve, d);
	}
	check_route(a, d);
	check_weights(a, &v->replicas, d);
	if (v->pools) {
		check_weights(a, &v->pools->prefill, d);
		check_weights(a, &v->pools->decode, d);
	}
	if (v->down_said)
		load_down(s, v, d);
}

static struct assignment *add_parts(struct arena *arena, const struct assignment *from,
				    const struct field_list *members, const char *kind, struct assignment *to)
{
	const struct replica_said *r = members->at;

	for (size_t i = 0; i < members->n; i++, to++) {
		*to = *from;
		to->name = arena_printf(arena, "%s: %s %zu", from->name, kind, i + 1);
		to->place = r[i].place;
		to->serving = (struct assign_serving){.serve = r[i].serve ? r[i].serve : from->serving.serve,
						      .weight = r[i].weight};
	}
	return to;
}

size_t serving_parts(struct arena *arena, const struct assignment *from, const struct assignment **parts)
{
	const struct assign_serving *v = &from->serving;
	const size_t n = v->replicas.n + (v->pools ? v->pools->prefill.n + v->pools->decode.n : 0);
	struct assignment *all, *end;

	*parts = from;
	if (!n)
		return 1;
	all = end = arena_array(arena, n, sizeof *all);
	end = add_parts(arena, from, &v->replicas, "replica", end);
	if (v->pools) {
		end = add_parts(arena, from, &v->pools->prefill, "prefill", end);
		add_parts(arena, from, &v->pools->decode, "decode", end);
	}
	*parts = all;
	return n;
}
