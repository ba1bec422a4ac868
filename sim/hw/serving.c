/* serving.c - the tables of servers; see serving.h. */
#include "sim/hw/serving.h"

#include <string.h>

const char *const serving_scheduler_names[SERVING_SCHEDULERS + 1] = {[SERVING_VLLM] = "vllm",
								     [SERVING_LLAMACPP] = "llama.cpp",
								     [SERVING_MLX] = "mlx",
								     [SERVING_STATIC] = "static",
								     [SERVING_SCHEDULERS] = NULL};
const char *const serving_kv_names[SERVING_KVS + 1] = {[SERVING_UNIFIED] = "unified",
						       [SERVING_SPLIT] = "split",
						       [SERVING_PAGED] = "paged",
						       [SERVING_PADDED] = "padded",
						       [SERVING_KVS] = NULL};
static const char *const kinds[] = {
	[HW_MACHINE] = "machine", [HW_LINK] = "link", [HW_FAMILY] = "family", [HW_SERVER] = "server", NULL};

#define CHOICE(member, names, text)                                                                          \
	{                                                                                                    \
		FIELD_KEY(struct serving, member), .type = FIELD_CHOICE, .choices = names, .help = text      \
	}
#define COUNT(member, dimension, lo, hi, text)                                                               \
	{                                                                                                    \
		FIELD_KEY(struct serving, member), .type = FIELD_COUNT, .dim = dimension, .min = lo,         \
						   .max = hi, .help = text                                   \
	}
#define COUNT_OR(member, dimension, hi, without, text)                                                       \
	{                                                                                                    \
		FIELD_KEY(struct serving, member), .type = FIELD_COUNT, .dim = dimension, .min = 0,          \
						   .max = hi, .def = without, .help = text                   \
	}
#define FLAG(member, text)                                                                                   \
	{                                                                                                    \
		FIELD_KEY(struct serving, member), .type = FIELD_BOOL, .def = "false", .help = text          \
	}
#define SECONDS(member, hi, text)                                                                            \
	{                                                                                                    \
		FIELD_KEY(struct serving, member), .type = FIELD_QTY, .dim = DIM_TIME, .min = 0, .max = hi,  \
						   .optional = true, .help = text                            \
	}

enum { TOKENS_MAX = 1 << 30 };

static const struct field serving_fields[] = {
	CHOICE(scheduler, serving_scheduler_names, "who joins a batch and when"),
	CHOICE(kv, serving_kv_names, "how the cache is laid out over sequences"),
	COUNT(seqs, DIM_COUNT, 1, 1 << 20, "sequences that run at once"),
	COUNT_OR(batch, DIM_TOKENS, TOKENS_MAX, "0 tok", "most tokens of an iteration; 0: any number"),
	COUNT_OR(ubatch, DIM_TOKENS, TOKENS_MAX, "0 tok", "most tokens of one pass; 0: as the iteration has"),
	COUNT_OR(block, DIM_TOKENS, 1 << 20, "1 tok", "tokens of a block of the cache"),
	COUNT_OR(context, DIM_TOKENS, TOKENS_MAX, "0 tok",
		 "tokens of the cache under llama.cpp, else of one sequence; 0: what the memory holds"),
	COUNT_OR(prompts, DIM_COUNT, 1 << 20, "0", "prompts that are read at once; 0: any number"),
	COUNT_OR(step, DIM_TOKENS, TOKENS_MAX, "0 tok", "by which each of them advances; 0: all of it"),
	COUNT_OR(tail, DIM_TOKENS, TOKENS_MAX, "0 tok", "last ones of a prompt, read by themselves"),
	COUNT_OR(queue, DIM_COUNT, 1 << 30, "0", "requests that may wait, more are refused; 0: any number"),
	FLAG(prefill_first, "a new prompt stops decoding until it is read"),
	FLAG(radix, "the prefix cache is a radix tree, from which the leaf used longest ago goes first"),
	FLAG(pipelined, "a pipeline of devices has as many batches in flight as devices"),
	FLAG(async, "an iteration is planned while the one before it runs"),
	FLAG(eager, "no pass is recorded (CUDA graphs): the host launches each kernel, overhead.eager"),
	FLAG(piecewise, "passes are recorded in pieces, between which the host launches attention: "
			"overhead.piece"),
	FLAG(reserve, "blocks of the longest answer are set aside at admission"),
	FLAG(whole_prompt,
	     "a prompt is admitted only where free blocks hold all of it, read in pieces or not"),
	{FIELD_KEY(struct serving, ahead), .type = FIELD_QTY, .dim = DIM_SHARE, .min = 0, .max = 1,
	 .optional = true,
	 .help = "of what running requests have to go, that stays free when one is admitted, at first"},
	{FIELD_KEY(struct serving, memory), .type = FIELD_QTY, .dim = DIM_SHARE, .min = 0.01, .max = 1,
	 .optional = true,
	 .help = "share of the device's memory that the server takes; not given: all usable"},
	{FIELD_KEY(struct serving, driver), .type = FIELD_QTY, .dim = DIM_BYTES, .min = 0, .max = 1e12,
	 .optional = true, .help = "of the device's memory, kept by the driver: the share is of the rest"},
	{FIELD_KEY(struct serving, sampling), .type = FIELD_QTY, .dim = DIM_BYTES, .min = 0, .max = 1000,
	 .optional = true, .help = "for each logit while tokens are chosen"},
	{FIELD_KEY(struct serving, reserved), .type = FIELD_QTY, .dim = DIM_BYTES, .min = 0, .max = 1e12,
	 .optional = true, .help = "of it, for what is no weight, cache or activation"},
	{FIELD_KEY(struct serving, host_cache), .type = FIELD_QTY, .dim = DIM_BYTES, .min = 0, .max = 1e15,
	 .optional = true, .help = "of host memory for caches of prompts that slots lose; 0: none"},
	{FIELD_KEY(struct serving, host_copy), .type = FIELD_QTY, .dim = DIM_BANDWIDTH, .min = 1e6,
	 .max = 1e15, .optional = true,
	 .help = "of a cache to and from there, while the server's loop waits"},
	{FIELD_KEY(struct serving, graphs), .type = FIELD_DOUBLES, .optional = true, .dim = DIM_COUNT,
	 .max = 1024, .help = "rows of a pass that have a captured graph; others are padded to the next"},
	SECONDS(rebuild, 1, "for each layer of the model, of a pass that follows one of another shape"),
	SECONDS(new_rows, 100,
		"of a pass of so many rows as none before it had and no graph was captured for"),
	SECONDS(poll, 100, "of iterations before it looks for new requests; not given: after each"),
	SECONDS(host, 10, "of an iteration in which the device waits for the host"),
	SECONDS(host_per_seq, 1, "and more for each sequence in it"),
	SECONDS(detokenizer, 1,
		"for each entry of the vocabulary, of a request that is taken in while the loop waits: a "
		"table "
		"for the text of its answer"),
	SECONDS(request, 100, "of HTTP, template and tokenizer before a request is queued"),
	SECONDS(request_per_token, 1, "and more for each token of its prompt"),
};
const struct table serving_table = {"serve", sizeof(struct serving), serving_fields,
				    ARRAY_LEN(serving_fields)};

static const struct field server_fields[] = {
	{FIELD_KEY(struct server_file, schema), .type = FIELD_TEXT, .help = HW_SCHEMA},
	{FIELD_KEY(struct server_file, kind), .type = FIELD_CHOICE, .choices = kinds, .help = "server"},
	{FIELD_KEY(struct server_file, title), .type = FIELD_TEXT, .help = "what it is, in words"},
	{FIELD_KEY(struct server_file, version), .type = FIELD_TEXT, .help = "of the software"},
	{.key = "serve",
	 .offset = offsetof(struct server_file, serving),
	 .type = FIELD_TABLE,
	 .sub = &serving_table,
	 .help = "what it starts with; the keys of an assignment's 'serve' change some of it"},
};
const struct table server_table = {"server", sizeof(struct server_file), server_fields,
				   ARRAY_LEN(server_fields)};

static struct place place_of(const struct serving *s, const char *key)
{
	const struct yml *node = s->origin.node ? yml_get(s->origin.node, key) : NULL;

	return node ? node->place : s->origin.node ? s->origin.node->place : (struct place){0};
}

int serving_check(const struct serving *s, struct diags *diags)
{
	const size_t before = diags->total;
	const double *graph = s->graphs.at;

	for (size_t i = 0; i < s->graphs.n; i++)
		if (graph[i] < 1 || graph[i] != (double)(int64_t)graph[i] || (i && graph[i] <= graph[i - 1]))
			diag_add(diags, place_of(s, "graphs"), "write them in rising order",
				 "serve: graphs: %.6g is no whole number above the one before", graph[i]);
	if (s->batch && s->ubatch > s->batch)
		diag_add(diags, place_of(s, "ubatch"), "a pass is a part of an iteration",
			 "serve: 'ubatch' is more than 'batch'");
	if (s->kv == SERVING_SPLIT && s->context && s->context < s->seqs)
		diag_add(diags, place_of(s, "context"), "it is shared out over the slots",
			 "serve: 'context' leaves less than a token to each of %d sequences", (int)s->seqs);
	if (s->scheduler == SERVING_VLLM && s->batch && s->batch < s->seqs)
		diag_add(diags, place_of(s, "batch"), "each sequence that runs takes one token",
			 "serve: 'batch' is less than 'seqs'");
	return diags->total == before ? 0 : -1;
}

static int of_kind(const struct yml *tree, const char *server, struct place place, struct diags *diags)
{
	const struct yml *kind = yml_get(tree, "kind");

	if (kind && kind->kind == YML_SCALAR && !strcmp(kind->text, kinds[HW_SERVER]))
		return 0;
	return diag_add(diags, place, "such as serve-llama.cpp, serve-vllm, serve-mlx",
			"'%.60s' is no server", server);
}

const struct serving *serving_load(struct loader *l, const char *server, struct place place, struct yml *over)
{
	struct server_file *f = arena_alloc(l->arena, sizeof *f);
	struct yml *name = yml_new(l->arena, YML_SCALAR, place), *tree;

	name->text = arena_strdup(l->arena, server);
	tree = load_inherit(l, name, "hardware", HW_SCHEMA);
	if (!tree || of_kind(tree, server, place, l->diags) != 0)
		return NULL;
	if (over && yml_get(tree, "serve"))
		yml_put(l->arena, tree, "serve", over->place,
			yml_merge(l->arena, yml_get(tree, "serve"), over));
	if (field_load(&server_table, tree, server, f, l->diags) != 0 ||
	    serving_check(&f->serving, l->diags) != 0)
		return NULL;
	return &f->serving;
}
