/* tensors.c - see tensors.h. */
#include "sim/import/tensors.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"

const char *const tensor_class_names[CLASS_N] = {[CLASS_EMBEDDING] = "embedding",
						 [CLASS_ATTENTION] = "attention",
						 [CLASS_FFN] = "ffn",
						 [CLASS_ROUTER] = "router",
						 [CLASS_SHARED] = "shared_experts",
						 [CLASS_EXPERTS] = "experts",
						 [CLASS_HEAD] = "head",
						 [CLASS_BEYOND] = "multi-token prediction",
						 [CLASS_OTHER] = "vision or audio",
						 [CLASS_NONE] = "no weights",
						 [CLASS_UNKNOWN] = "unknown"};

struct file_tensor *tensors_add(struct tensor_table *t)
{
	if (t->n == t->room) {
		struct file_tensor *more =
			arena_array(t->arena, t->room = t->room ? 2 * t->room : 64, sizeof *more);

		if (t->n)
			memcpy(more, t->at, t->n * sizeof *more);
		t->at = more;
	}
	return &t->at[t->n++];
}

static int by_name(const void *a, const void *b)
{
	const struct file_tensor *x = a, *y = b;
	const int order = strcmp(x->name, y->name);

	return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

int tensors_sort(struct tensor_table *t, struct err *err)
{
	if (t->n)
		qsort(t->at, t->n, sizeof *t->at, by_name);
	for (size_t i = 1; i < t->n; i++) {
		const struct file_tensor *x = &t->at[i];

		if (strcmp(t->at[i - 1].name, x->name) != 0)
			continue;
		err_set(err, "%s:byte %llu: tensor '%s' is there twice", x->file, (unsigned long long)x->at,
			x->name);
		return err_hint(err, "the other one: %s:byte %llu", t->at[i - 1].file,
				(unsigned long long)t->at[i - 1].at);
	}
	return 0;
}

static int compare_name(const void *name, const void *tensor)
{
	return strcmp(name, ((const struct file_tensor *)tensor)->name);
}

const struct file_tensor *tensors_find(const struct tensor_table *sorted, const char *name)
{
	return sorted->n ? bsearch(name, sorted->at, sorted->n, sizeof *sorted->at, compare_name) : NULL;
}

static int by_offset(const void *a, const void *b)
{
	const struct file_tensor *const *x = a, *const *y = b;

	if ((*x)->from != (*y)->from)
		return (*x)->from < (*y)->from ? -1 : 1;
	return (*x)->bytes < (*y)->bytes ? -1 : (*x)->bytes > (*y)->bytes;
}

const struct file_tensor **tensors_by_offset(struct arena *a, const struct file_tensor *at, size_t n)
{
	const struct file_tensor **order = arena_array(a, n + 1, sizeof *order);

	for (size_t i = 0; i < n; i++)
		order[i] = &at[i];
	if (n)
		qsort(order, n, sizeof *order, by_offset);
	return order;
}

/* Returns the rest of a name after the layer's number ("attn_q.weight", "self_attn.q_proj.weight") and the
 * number; NULL if the name has none. */
static const char *after_layer(const char *name, int64_t *layer)
{
	static const char *const before[] = {"blk.", "layers.", "encoder.layers."};
	const char *at = NULL;
	char *end;

	for (size_t i = 0; i < ARRAY_LEN(before) && !at; i++) {
		at = strstr(name, before[i]);
		at = at ? at + strlen(before[i]) : NULL;
	}
	if (!at || *at < '0' || *at > '9' || strlen(at) > 4096)
		return NULL;
	*layer = strtoll(at, &end, 10);
	return *end == '.' ? end + 1 : NULL;
}

static bool contains_any(const char *name, const char *const *words)
{
	for (; *words; words++)
		if (strstr(name, *words))
			return true;
	return false;
}

/* The first match counts: the name of a shared expert contains that of an expert. */
static const struct {
	enum tensor_class class;
	const char *words[24];
} in_layer[] = {
	{CLASS_NONE, {"rotary_emb", "rope_freqs", "rope_factors", "masked_bias"}},
	{CLASS_BEYOND, {"nextn", "eh_proj", "enorm", "hnorm", "shared_head"}},
	{CLASS_SHARED, {"shexp", "shared_expert"}},
	{CLASS_EXPERTS, {"_exps", ".experts."}},
	{CLASS_ROUTER,
	 {"ffn_gate_inp", "exp_probs_b", "mlp.gate.", "mlp.router", "block_sparse_moe.gate.", "mixer.gate.",
	  "feed_forward.router", "feed_forward.gate."}},
	{CLASS_ATTENTION,
	 {"ssm_", "shortconv", "indexer", "linear_attn", "mamba.", "mixer.", "time_mix", "laurel", "altup",
	  "operator_norm", ".conv.", "conv.", "self_attn", "attn_", "attention_norm", "input_layernorm",
	  "self_attention", ".attention.", "post_self_attn_layernorm"}},
	{CLASS_FFN,
	 {"ffn_", "mlp.", "inp_gate", "per_layer", "proj.weight", "post_norm", "layer_output_scale",
	  "layer_scalar", "pre_ffw", "channel_mix", "ffn_norm", "latent", "post_attention_layernorm",
	  "feedforward_layernorm", "post_mlp_layernorm", "post_ffw", "feed_forward.",
	  "block_sparse_moe.norm"}},
};

static enum tensor_class class_in_layer(const char *rest)
{
	if (!strcmp(rest, "post_attention_norm.weight")) /* the second norm of Gemma's attention in GGUF */
		return CLASS_ATTENTION;
	for (size_t i = 0; i < ARRAY_LEN(in_layer); i++)
		if (contains_any(rest, in_layer[i].words))
			return in_layer[i].class;
	return CLASS_UNKNOWN;
}

enum tensor_class tensor_class_of(const char *name, int64_t layers, int64_t *layer)
{
	static const char *const other[] = {"vision", "visual",  "multi_modal", "mm_projector",  "audio",
					    "mm.",    "v.patch", "v.blk",       "image_newline", NULL};
	static const char *const head[] = {
		"altup_",      "output_hc",    "hc_head",         "embedding_norm", "lm_head",
		"output_norm", "output_layer", "final_layernorm", "model.norm.",    "transformer.norm",
		NULL};
	static const char *const embedding[] = {"per_layer_",      "token_embd",     "embed_tokens",
						"word_embeddings", "tok_embeddings", NULL};
	static const char *const none[] = {"rope_freqs", "rotary_", "rope_factors", "inv_freq", NULL};
	const char *rest;

	*layer = -1;
	if (contains_any(name, other))
		return CLASS_OTHER;
	if (str_starts(name, "mtp.") || strstr(name, ".mtp."))
		return CLASS_BEYOND;
	rest = after_layer(name, layer);
	if (rest)
		return layers && *layer >= layers ? CLASS_BEYOND : class_in_layer(rest);
	*layer = -1;
	if (contains_any(name, none))
		return CLASS_NONE;
	if (contains_any(name, embedding))
		return CLASS_EMBEDDING;
	if (contains_any(name, head) || str_starts(name, "output.") || str_starts(name, "norm."))
		return CLASS_HEAD;
	return CLASS_UNKNOWN;
}

void tensors_sum(const struct tensor_table *t, int64_t layers, struct tensor_sums *s)
{
	*s = (struct tensor_sums){.unknown_n = 0};
	for (size_t i = 0; i < t->n; i++) {
		const struct file_tensor *x = &t->at[i];
		int64_t layer;
		const enum tensor_class class = tensor_class_of(x->name, layers, &layer);

		s->numbers[class] += x->numbers;
		s->bytes[class] += x->bytes;
		if (class == CLASS_UNKNOWN && !s->unknown_n++)
			s->unknown = x;
	}
}

static double sum_modelled(const double *of)
{
	double sum = 0;

	for (int c = 0; c <= CLASS_HEAD; c++)
		sum += of[c];
	return sum;
}

double tensor_sums_numbers(const struct tensor_sums *s)
{
	return sum_modelled(s->numbers);
}

double tensor_sums_bytes(const struct tensor_sums *s)
{
	return sum_modelled(s->bytes);
}
