/*
 * describe_gguf.c - the keys and tensors of a GGUF as a description.
 *
 * Shapes are taken from the tensors, which cannot lie about them; what shapes do not tell (heads, active
 * experts, windows) from the keys. So an architecture that is built of the parts we know is read though its
 * name is new, with a note; a tensor we do not know is an error that names it.
 */
#include <stdio.h>
#include <string.h>

#include "sim/import/describe.h"
#include "sim/import/describe_gguf_config.h"

struct reading {
	struct arena *arena;
	struct described *d;
	const struct gguf *g;
	const struct tensor_table *t;
	const char *arch;
	struct err *err;
};

static const struct gguf_key *find(const struct reading *r, const char *key)
{
	char full[400];

	snprintf(full, sizeof full, "%s.%s", r->arch, key);
	return gguf_find(r->g, full);
}

/* A whole number, or a list of one for each layer that are all alike (or 0, where a layer has none). */
static int number(struct reading *r, const char *key, int64_t *to)
{
	const struct gguf_key *k = find(r, key);
	double x = 0;

	if (!k)
		return 0;
	if (k->kind == GGUF_NUMBER)
		x = k->number;
	else if (k->kind == GGUF_ARRAY && k->numbers)
		for (uint64_t i = 0; i < k->n; i++) {
			if (x > 0 && k->numbers[i] != 0 && k->numbers[i] != x)
				return err_set(r->err,
					       "%s:byte %llu: '%s.%s' differs from layer to layer, which is "
					       "not modelled",
					       r->g->path, (unsigned long long)k->at, r->arch, key);
			x = k->numbers[i] != 0 ? k->numbers[i] : x;
		}
	else
		x = -1;
	if (!(x >= 0 && x <= 1e12) || x != (double)(int64_t)x)
		return err_set(r->err, "%s:byte %llu: '%s.%s' is no whole number", r->g->path,
			       (unsigned long long)k->at, r->arch, key);
	*to = (int64_t)x;
	return 0;
}

static int due(struct reading *r, const char *key, int64_t *to)
{
	*to = 0;
	if (number(r, key, to) != 0)
		return -1;
	if (*to)
		return 0;
	err_set(r->err, "%s: key '%s.%s' is missing", r->g->path, r->arch, key);
	return err_hint(r->err, "without it the shape of the model is not known");
}

/* The tensor of the first layer that has it: "ffn_up.weight". */
static const struct file_tensor *in_layers(const struct reading *r, const char *name, int64_t *layer)
{
	char full[300];

	for (int64_t i = 0; i < r->d->layers; i++) {
		const struct file_tensor *x;

		snprintf(full, sizeof full, "blk.%lld.%s", (long long)i, name);
		x = tensors_find(r->t, full);
		if (x) {
			if (layer)
				*layer = i;
			return x;
		}
	}
	return NULL;
}

static int64_t dim(const struct file_tensor *x, size_t i)
{
	return x && i < x->dims_n ? (int64_t)x->dims[i] : 0;
}

static bool has(const struct reading *r, const char *name)
{
	return in_layers(r, name, NULL) != NULL;
}

static int latent(struct reading *r)
{
	struct described *d = r->d;
	const struct file_tensor *kv = in_layers(r, "attn_kv_a_mqa.weight", NULL);
	int64_t key = 0, value = 0;

	if (!kv)
		return 0;
	d->latent = true;
	if (due(r, "attention.kv_lora_rank", &d->kv_rank) != 0 ||
	    number(r, "attention.q_lora_rank", &d->q_rank) != 0 ||
	    number(r, "attention.key_length_mla", &key) != 0 ||
	    number(r, "attention.value_length_mla", &value) != 0)
		return -1;
	/* files made before the caches held the latent had the plain widths in key_length */
	d->expanded = !key;
	if (d->expanded)
		describe_note(
			d, r->arena,
			"made before 'attention.key_length_mla': llama.cpp caches keys and values of all "
			"heads, not the latent");
	if (!key &&
	    (due(r, "attention.key_length", &key) != 0 || due(r, "attention.value_length", &value) != 0))
		return -1;
	d->rope_dim = dim(kv, 1) - d->kv_rank;
	d->nope_dim = key - d->rope_dim;
	d->value_dim = value;
	d->kv_heads = d->heads;
	d->head_dim = key;
	if (!has(r, "attn_q_a.weight"))
		d->q_rank = 0;
	if (d->rope_dim < 0 || d->nope_dim <= 0 || value <= 0)
		return err_set(r->err, "%s: the widths of attention.*_mla and attn_kv_a_mqa do not agree",
			       r->g->path);
	return 0;
}

/* Flags of the layers that have a window: each so many-th has none. */
static int flags_of_windows(struct reading *r, const struct gguf_key *k)
{
	const uint64_t n = k->n < (uint64_t)r->d->layers ? k->n : (uint64_t)r->d->layers;
	uint64_t every = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (k->numbers[i] == 0 && !every)
			every = i + 1;
		if ((k->numbers[i] == 0) != (every && (i + 1) % every == 0))
			return err_set(
				r->err,
				"%s:byte %llu: '%s.attention.sliding_window_pattern': layer %llu breaks the "
				"pattern of one full layer in %llu",
				r->g->path, (unsigned long long)k->at, r->arch, (unsigned long long)i,
				(unsigned long long)every);
	}
	r->d->full_every = (int64_t)every;
	if (every == 1)
		r->d->window = r->d->full_every = 0;
	return 0;
}

/* "sliding_window_pattern": a number, or a flag for each layer; else what the architecture has. */
static int window(struct reading *r)
{
	static const struct {
		const char *arch;
		int64_t full_every;
	} patterns[] = {{"gemma2", 2}, {"gemma3", 6},  {"gemma-embedding", 6}, {"gpt-oss", 2},
			{"olmo2", 4},  {"exaone4", 4}, {"plamo3", 8}};
	struct described *d = r->d;
	const struct gguf_key *k = find(r, "attention.sliding_window_pattern");
	int64_t context = 0;

	if (number(r, "attention.sliding_window", &d->window) != 0 ||
	    number(r, "context_length", &context) != 0)
		return -1;
	if (!d->window || (context && d->window >= context)) {
		d->window = 0;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (!strcmp(r->arch, patterns[i].arch))
			d->full_every = patterns[i].full_every;
	if (k && k->kind == GGUF_NUMBER)
		return number(r, "attention.sliding_window_pattern", &d->full_every);
	return k && k->numbers ? flags_of_windows(r, k) : 0;
}

static int attention(struct reading *r)
{
	struct described *d = r->d;
	const struct file_tensor *q = in_layers(r, "attn_q.weight", NULL),
				 *qkv = in_layers(r, "attn_qkv.weight", NULL);
	int64_t key = 0;

	if (due(r, "attention.head_count", &d->heads) != 0)
		return -1;
	d->kv_heads = d->heads;
	if (number(r, "attention.head_count_kv", &d->kv_heads) != 0 ||
	    number(r, "attention.key_length", &key) != 0)
		return -1;
	d->head_dim = q     ? dim(q, 1) / d->heads
		      : key ? key
		      : qkv ? dim(qkv, 1) / (d->heads + 2 * d->kv_heads)
			    : 0;
	d->bias = has(r, "attn_output.bias")                         ? "qkvo"
		  : has(r, "attn_q.bias") || has(r, "attn_qkv.bias") ? "qkv"
								     : "none";
	d->qk_norm = has(r, "attn_q_norm.weight");
	d->fused = qkv != NULL;
	d->sinks = has(r, "attn_sinks.weight") || has(r, "attn_sinks");
	d->post_norms = has(r, "post_ffw_norm.weight");
	if (latent(r) != 0 || window(r) != 0)
		return -1;
	if (!d->head_dim)
		return err_set(r->err, "%s: no tensor blk.*.attn_q.weight or attn_qkv.weight", r->g->path);
	return 0;
}

/* The name of the architecture in a config.json, which llama.cpp has another one for. Its "deepseek2" is both
 * of DeepSeek's: the bias that corrects how experts are chosen came with the third. */
static const char *architecture(const struct reading *r)
{
	static const char *const names[][2] = {{"gemma3", "gemma3_text"}, {"gpt-oss", "gpt_oss"},
					       {"qwen2moe", "qwen2_moe"}, {"qwen3moe", "qwen3_moe"},
					       {"glm4moe", "glm4_moe"},   {"mistral3", "ministral3"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(r->arch, names[i][0]))
			return names[i][1];
	if (!strcmp(r->arch, "deepseek2"))
		return has(r, "exp_probs_b.bias") ? "deepseek_v3" : "deepseek_v2";
	return r->arch;
}

/* As describe_hf.c has it: the context, or the factor times the original where that is more. */
static int context(struct reading *r)
{
	struct described *d = r->d;
	const struct gguf_key *kind = find(r, "rope.scaling.type"), *by = find(r, "rope.scaling.factor");

	if (number(r, "context_length", &d->context) != 0 ||
	    number(r, "rope.scaling.original_context_length", &d->rope_original) != 0)
		return -1;
	if (!by || by->kind != GGUF_NUMBER || !(by->number > 1 && by->number <= 4096)) {
		d->rope_original = 0;
		return 0;
	}
	d->rope_kind = kind && kind->kind == GGUF_STRING && kind->text ? kind->text : "linear";
	d->rope_factor = by->number;
	if (d->rope_factor * (double)d->rope_original > (double)d->context)
		d->context = (int64_t)(d->rope_factor * (double)d->rope_original);
	return 0;
}

static int experts(struct reading *r)
{
	struct described *d = r->d;
	int64_t first = 0;
	const struct file_tensor *up = in_layers(r, "ffn_up_exps.weight", &first), *split = NULL;
	const struct file_tensor *shared = in_layers(r, "ffn_up_shexp.weight", NULL);

	if (!up && (split = in_layers(r, "ffn_up.0.weight", &first))) /* each expert alone, as in 2023 */
		up = split;
	if (!up)
		return 0;
	if (due(r, "expert_count", &d->experts) != 0 || due(r, "expert_used_count", &d->active) != 0)
		return -1;
	d->expert_inner = dim(up, 1);
	d->first_dense = first;
	d->every = 1;
	d->expert_bias = has(r, "ffn_up_exps.bias");
	for (int64_t i = first; i < d->layers; i++) {
		char name[64];

		snprintf(name, sizeof name, "blk.%lld.ffn_gate_inp.weight", (long long)i);
		if (!tensors_find(r->t, name))
			return err_set(r->err,
				       "%s: layer %lld has no experts but those before it have: not modelled",
				       r->g->path, (long long)i);
	}
	if (shared) {
		d->shared = 1;
		if (number(r, "expert_shared_count", &d->shared) != 0)
			return -1;
		d->shared = d->shared ? d->shared : 1;
		d->shared_inner = dim(shared, 1) == d->shared * d->expert_inner ? 0 : dim(shared, 1);
	}
	return 0;
}

static void feed_forward(struct reading *r)
{
	struct described *d = r->d;
	const struct file_tensor *up = in_layers(r, "ffn_up.weight", NULL);
	const bool gate = has(r, "ffn_gate.weight");

	d->inner = dim(up, 1);
	d->ffn_bias = has(r, "ffn_up.bias");
	if (!up || gate || d->experts)
		return;
	/* no gate: Phi and GLM keep gate and up in one tensor, twice as wide as down is deep */
	const struct file_tensor *down = in_layers(r, "ffn_down.weight", NULL);

	if (dim(down, 0) * 2 == d->inner)
		d->inner = dim(down, 0);
	else
		d->gelu = true;
}

static int ends(struct reading *r)
{
	struct described *d = r->d;
	const struct file_tensor *embedding = tensors_find(r->t, "token_embd.weight");

	if (!embedding || embedding->dims_n != 2)
		return err_set(r->err, "%s: no tensor token_embd.weight of two dimensions", r->g->path);
	d->hidden = dim(embedding, 0);
	d->vocabulary = dim(embedding, 1);
	d->tied = !tensors_find(r->t, "output.weight");
	return 0;
}

static int check_classes(struct reading *r)
{
	struct tensor_sums sums;

	tensors_sum(r->t, r->d->layers, &sums);
	if (sums.unknown_n) {
		err_set(r->err, "%s:byte %llu: tensor '%s' is of no part that is modelled, %zu in all",
			sums.unknown->file, (unsigned long long)sums.unknown->at, sums.unknown->name,
			sums.unknown_n);
		return err_hint(r->err, "architecture '%.100s' has parts that this program does not know",
				r->arch);
	}
	return 0;
}

static const struct file_tensor *first_holding(const struct tensor_table *t, const char *word)
{
	for (size_t i = 0; i < t->n; i++)
		if (strstr(t->at[i].name, word))
			return &t->at[i];
	return NULL;
}

static int known_architecture(struct reading *r)
{
	static const char *const known[] = {"llama",      "qwen2",    "qwen2moe", "qwen3",   "qwen3moe",
					    "gemma",      "gemma2",   "gemma3",   "phi3",    "gpt-oss",
					    "deepseek2",  "glm4",     "chatglm",  "glm4moe", "mistral3",
					    "starcoder2", "internlm2"};
	static const char *const foreign[] = {".ssm_", ".time_mix", ".attn_rel_b", ".cross_attn", "altup"};

	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		const struct file_tensor *x = first_holding(r->t, foreign[i]);

		if (x) {
			err_set(r->err, "%s:byte %llu: tensor '%s' is of no part that is modelled", x->file,
				(unsigned long long)x->at, x->name);
			return err_hint(r->err, "architecture '%.100s' is no plain transformer", r->arch);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(r->arch, known[i]))
			return 0;
	describe_note(r->d, r->arena,
		      "architecture '%.60s' is new here: read from its tensors as a transformer", r->arch);
	return 0;
}

/* enum llama_ftype of llama.h; the tensors have the last word. */
const char *describe_gguf_file_type(const struct gguf *g)
{
	static const char *const names[] = {
		[0] = "f32",      [1] = "f16",      [2] = "q4_0",    [3] = "q4_1",    [7] = "q8_0",
		[8] = "q5_0",     [9] = "q5_1",     [10] = "q2_K",   [11] = "q3_K_S", [12] = "q3_K_M",
		[13] = "q3_K_L",  [14] = "q4_K_S",  [15] = "q4_K_M", [16] = "q5_K_S", [17] = "q5_K_M",
		[18] = "q6_K",    [19] = "iq2_xxs", [20] = "iq2_xs", [21] = "q2_K_S", [22] = "iq3_xs",
		[23] = "iq3_xxs", [24] = "iq1_s",   [26] = "iq3_s",  [27] = "iq3_m",  [28] = "iq2_s",
		[29] = "iq2_m",   [31] = "iq1_m",   [36] = "tq1_0",  [37] = "tq2_0",  [39] = "nvfp4",
		[40] = "q1_0",    [41] = "q2_0",    [25] = "iq4_nl", [30] = "iq4_xs", [32] = "bf16",
		[38] = "mxfp4"};
	const struct gguf_key *k = gguf_find(g, "general.file_type");

	if (!k || k->kind != GGUF_NUMBER || !(k->number >= 0 && k->number < (double)ARRAY_LEN(names)))
		return NULL;
	return names[(size_t)k->number];
}

/* Keys that change what layers hold or do, and the architectures whose reading knows them; with another one the file is refused,
 * or a note says what is left out. Names of gguf-py/gguf/constants.py @3f545be. */
static const struct {
	const char *key, *archs[5], *what;
	bool refused;
} changing_keys[] = {
	{"num_loops", {NULL}, "its layers run several times over", true},
	{"adapters.count", {NULL}, "its layers have adapters that tokens switch", true},
	{"target_layers", {NULL}, "it drafts tokens from the hidden states of another model", true},
	{"attention.kv_lora_rank_swa",
	 {NULL},
	 "layers with a window have latent attention of ranks of their own",
	 true},
	{"attention.compress_ratios", {NULL}, "its caches have rows for several tokens", true},
	{"hyper_connection.count", {NULL}, "it has several residual streams", true},
	{"altup.num_inputs", {"gemma3n"}, "it has several residual streams", true},
	{"attention.shared_kv_layers",
	 {"gemma4", "gemma3n"},
	 "layers that share keys and values are taken to have their own",
	 false},
	{"embedding_length_per_layer_input",
	 {"gemma4", "gemma3n"},
	 "embeddings of each layer are left out",
	 false},
	{"attention.indexer.top_k",
	 {"deepseek32", "glm-dsa"},
	 "attention over chosen tokens only is taken as full attention",
	 false},
	{"attn_res.block_size", {NULL}, "attention over the residuals of earlier layers is left out", false},
	{"moe_latent_size",
	 {"nemotron_h", "nemotron_h_moe"},
	 "the width that experts work in is left out",
	 false},
	{"expert_latent_length", {NULL}, "the width that experts work in is left out", false},
	{"classifier.output_labels",
	 {NULL},
	 "it has no head over the vocabulary: one is counted here",
	 false},
	{"pooling_type", {NULL}, "it makes embeddings: a head over the vocabulary is counted here", false},
};

static bool knows(const char *const *archs, size_t n, const char *arch)
{
	for (size_t i = 0; i < n && archs[i]; i++)
		if (!strcmp(archs[i], arch))
			return true;
	return false;
}

/* A list, a text, or a number that says something: num_loops of 1 and experts of no latent width do not. */
static bool says(const struct gguf_key *k, const char *key)
{
	return k && (k->kind != GGUF_NUMBER || k->number > (!strcmp(key, "num_loops") ? 1 : 0));
}

static int keys_that_change(struct reading *r)
{
	for (size_t i = 0; i < ARRAY_LEN(changing_keys); i++) {
		const struct gguf_key *k = find(r, changing_keys[i].key);

		if (!says(k, changing_keys[i].key) ||
		    knows(changing_keys[i].archs, ARRAY_LEN(changing_keys[i].archs), r->arch))
			continue;
		if (changing_keys[i].refused)
			return err_set(r->err, "%s:byte %llu: '%s.%s': %s, which is not modelled", r->g->path,
				       (unsigned long long)k->at, r->arch, changing_keys[i].key,
				       changing_keys[i].what);
		describe_note(r->d, r->arena, "'%.60s.%s': %s", r->arch, changing_keys[i].key,
			      changing_keys[i].what);
	}
	return 0;
}

/* A family whose layers are of several kinds is described as its config.json would be. */
static int by_config(struct reading *r, const struct yml *config)
{
	const struct described before = *r->d;
	struct diags diags;

	diags_init(&diags, r->arena);
	if (describe_hf(r->d, config, false, &diags) != 0)
		return err_set(r->err, "%s: %s", r->g->path,
			       diags.n ? diags.list[0].msg : "its keys do not describe a model");
	r->d->title = before.title;
	r->d->stored = before.stored;
	r->d->file_type = before.file_type;
	return keys_that_change(r) != 0 ? -1 : check_classes(r);
}

int describe_gguf(struct arena *a, struct described *d, const struct gguf *g, const struct tensor_table *t,
		  struct err *err)
{
	const struct gguf_key *arch = gguf_find(g, "general.architecture");
	const struct gguf_key *name = gguf_find(g, "general.name");
	struct reading r = {a, d, g, t, "", err};
	const struct yml *config;
	int64_t beyond = 0;

	*d = (struct described){.bias = "none"};
	if (!arch || arch->kind != GGUF_STRING || !arch->text || !*arch->text)
		return err_set(err, "%s: key 'general.architecture' is missing", g->path);
	d->family = r.arch = arch->text;
	if (strlen(r.arch) > 64)
		return err_set(err, "%s:byte %llu: 'general.architecture' is too long", g->path,
			       (unsigned long long)arch->at);
	if (name && name->kind == GGUF_STRING && name->text)
		d->title = name->text;
	d->stored = d->file_type = describe_gguf_file_type(g);
	if (due(&r, "block_count", &d->layers) != 0 || number(&r, "nextn_predict_layers", &beyond) != 0)
		return -1;
	if (d->layers > 4096)
		return err_set(err, "%s: %lld layers are too many", g->path, (long long)d->layers);
	if (beyond && beyond < d->layers) { /* counted among the blocks */
		describe_note(d, a, "%lld layers that predict further tokens are left out",
			      (long long)beyond);
		d->layers -= beyond;
	}
	config = describe_gguf_config(a, g, t, r.arch, d->layers);
	if (config)
		return by_config(&r, config);
	if (known_architecture(&r) != 0 || keys_that_change(&r) != 0 || check_classes(&r) != 0 ||
	    ends(&r) != 0 || attention(&r) != 0 || context(&r) != 0 || experts(&r) != 0)
		return -1;
	d->architecture = architecture(&r);
	feed_forward(&r);
	if (!d->inner && !d->experts)
		return err_set(err, "%s: no tensor blk.*.ffn_up.weight", g->path);
	return 0;
}
