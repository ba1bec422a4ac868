/* weights_file.c - see weights_file.h. */
#include "sim/import/weights_file.h"

#include <math.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/import/import.h"
#include "sim/import/quantized.h"

/* A file may hold a few more numbers than the model: rotary factors among the layers, scales. */
static const double COUNT_TOLERANCE = 0.005;

enum { CONFIG_MAX = 64 << 20 };

/* The names of llama.cpp's gguf-py/gguf/constants.py. The first match counts. */
static const struct {
	const char *word;
	enum tensor t;
} words[] = {
	{"per_layer_token_embd", TENSOR_EMBEDDING},
	{"token_embd", TENSOR_EMBEDDING},
	{"per_layer_model_proj", TENSOR_SMALL},
	{"ffn_gate_inp_shexp", TENSOR_SMALL},
	{"ffn_gate_inp", TENSOR_ROUTER},
	{"conv1d", TENSOR_SMALL},
	{"shortconv.conv", TENSOR_SMALL},
	{"ffn_down_exps", TENSOR_EXPERT_DOWN},
	{"ffn_up_exps", TENSOR_EXPERT_UP},
	{"ffn_gate_exps", TENSOR_EXPERT_UP},
	{"ffn_gate_up_exps", TENSOR_EXPERT_UP},
	{"ffn_down_shexp", TENSOR_SHARED_DOWN},
	{"ffn_up_shexp", TENSOR_SHARED_UP},
	{"ffn_gate_shexp", TENSOR_SHARED_UP},
	{"channel_mix_value", TENSOR_DOWN},
	{"channel_mix_key", TENSOR_UP},
	{"ffn_down.weight", TENSOR_DOWN},
	{"ffn_up.weight", TENSOR_UP},
	{"ffn_gate.weight", TENSOR_UP},
	{"indexer", TENSOR_OTHER},
	{"attn_qkv.weight", TENSOR_QKV},
	{"attn_q.weight", TENSOR_Q},
	{"attn_q_a.weight", TENSOR_Q},
	{"attn_q_b.weight", TENSOR_Q},
	{"attn_k.weight", TENSOR_K},
	{"attn_kv_a_mqa.weight", TENSOR_K},
	{"attn_v.weight", TENSOR_V},
	{"attn_kv_b.weight", TENSOR_V},
	{"attn_k_b.weight", TENSOR_V},
	{"attn_v_b.weight", TENSOR_V},
	{"attn_output", TENSOR_O},
};

enum tensor weights_file_class(const char *name, size_t dims, int64_t layers, bool fused)
{
	int64_t layer;
	const enum tensor_class class = tensor_class_of(name, layers, &layer);

	if (class == CLASS_BEYOND || class == CLASS_OTHER || class == CLASS_NONE || class == CLASS_UNKNOWN)
		return TENSOR_N;
	if (dims < 2 || str_ends(name, ".bias")) /* experts' biases have a row for each */
		return TENSOR_SMALL;
	if (layer < 0 && !strcmp(name, "output.weight"))
		return TENSOR_HEAD;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(name, words[i].word))
			return words[i].t == TENSOR_QKV && fused ? TENSOR_Q : words[i].t;
	return TENSOR_OTHER;
}

/* ggml calls Q4_K what file types call q4_K. FORMAT_N: there is none. */
static enum format_id format_of_type(const char *type)
{
	for (int f = 0; f < FORMAT_N; f++) {
		size_t i = 0;

		while (type[i] && (type[i] | 0x20) == (formats[f].name[i] | 0x20))
			i++;
		if (!type[i] && !formats[f].name[i])
			return (enum format_id)f;
	}
	return FORMAT_N;
}

static bool is_fused(const struct model *m)
{
	bool fused = m->attention.fused;

	for (size_t i = 0; m->layout && i < m->layout->kinds_n; i++)
		fused |= m->layout->kind[i].attention && m->layout->kind[i].attention->fused;
	return fused;
}

/* The weights of each class in each format. */
struct counted {
	double numbers[TENSOR_N][FORMAT_N];
	double all, bytes;
};

static size_t long_dims(const struct file_tensor *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->dims_n; i++)
		n += x->dims[i] > 1;
	return n;
}

/* The class that the model has a tensor of this layer in: an FFN beside experts is a shared expert (Gemma 4), and what leaves a
 * recurrence is no attention's (Kimi). */
static enum tensor class_in_layer(const struct model *m, const char *name, enum tensor class)
{
	const struct layer_kind *k;
	int64_t layer;

	tensor_class_of(name, m->layers, &layer);
	if (layer < 0 || layer >= m->layers)
		return class;
	k = m->layout ? &m->layout->kind[m->layout->kind_of[layer]] : NULL;
	if ((class == TENSOR_UP || class == TENSOR_DOWN) && model_layer_has_experts(m, layer))
		return class == TENSOR_UP ? TENSOR_SHARED_UP : TENSOR_SHARED_DOWN;
	return class == TENSOR_O && k && k->recurrent && !k->attention ? TENSOR_OTHER : class;
}

static int count(const struct tensor_table *t, const struct model *m, struct counted *c, struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct file_tensor *x = &t->at[i];
		const enum tensor class = class_in_layer(
			m, x->name, weights_file_class(x->name, long_dims(x), m->layers, is_fused(m)));
		const enum format_id f = format_of_type(x->type);

		if (class == TENSOR_N)
			continue;
		if (f == FORMAT_N)
			return err_set(err, "%s:byte %llu: tensor '%s' is in %s, which is no format here",
				       x->file, (unsigned long long)x->at, x->name, x->type);
		c->numbers[class][f] += x->numbers;
		c->all += x->numbers;
		c->bytes += x->bytes;
	}
	return 0;
}

static void settle(const struct counted *c, enum tensor t, struct file_formats *out)
{
	double most = 0;

	for (int f = 0; f < FORMAT_N; f++) {
		const double n = c->numbers[t][f];

		out->numbers[t] += n;
		out->bytes[t] += format_bytes((enum format_id)f, n);
		if (n > most || (n > 0 && n == most &&
				 format_bytes((enum format_id)f, 1) < format_bytes(out->most[t], 1))) {
			most = n;
			out->most[t] = (enum format_id)f;
		}
	}
}

static void copy_class(struct file_formats *f, enum tensor from, enum tensor to)
{
	f->numbers[to] = f->numbers[from];
	f->bytes[to] = f->bytes[from];
	f->most[to] = f->most[from];
}

static const struct file_formats *formats_of(struct arena *a, const struct counted *c, const struct model *m)
{
	struct file_formats *out = arena_alloc(a, sizeof *out);

	*out = (struct file_formats){.numbers = {0}};
	for (int t = 0; t < TENSOR_N; t++)
		settle(c, (enum tensor)t, out);
	if (m->tied_head) /* the head is a product with the table */
		copy_class(out, TENSOR_EMBEDDING, TENSOR_HEAD);
	if (is_fused(m)) {
		copy_class(out, TENSOR_Q, TENSOR_K);
		copy_class(out, TENSOR_Q, TENSOR_V);
	}
	return out;
}

static int check_count(const char *path, const struct counted *c, const struct model *m, struct err *err)
{
	const double ours = model_weights(m);

	if (fabs(c->all / ours - 1) <= COUNT_TOLERANCE)
		return 0;
	err_set(err, "'%s' holds %s weights, %s has %s", path, units_digits(c->all, 4).text, m->title,
		units_digits(ours, 4).text);
	return err_hint(err, "name a file of this model, or make the model of it: lemursim import FILE");
}

static const char *beside(struct arena *a, const struct yml *node, const char *path)
{
	const char *from = node->place.source ? node->place.source->path : "";
	const char *slash = strrchr(from, '/');

	return *path == '/' || !slash ? path : arena_printf(a, "%.*s%s", (int)(slash + 1 - from), from, path);
}

/* The file type that the file says it has, else the one that is nearest to its bytes: for tables, and for what a runtime
 * can read. */
static int named_type(const struct model *m, const char *said, double bytes)
{
	const size_t at = said ? str_find(said, mix_names, MIX_N) : MIX_N;

	return at < MIX_N ? (int)at : import_file_type(m, NULL, bytes);
}

/* Is the config of that model, as far as its main widths tell? One of Model Optimizer (hf_quant_config.json) does not say. */
static int check_config(struct loader *l, const char *path, const struct yml *config, const struct model *m,
			struct err *err)
{
	struct described *d = arena_alloc(l->arena, sizeof *d);
	struct diags diags;

	if (config->kind != YML_MAP || (!yml_get(config, "model_type") && !yml_get(config, "text_config")))
		return 0;
	diags_init(&diags, l->arena);
	if (describe_hf(d, config, true, &diags) != 0)
		return err_set(err, "'%s': %s", path, diags.n ? diags.list[0].msg : "it describes no model");
	if (d->layers == m->layers && d->hidden == m->hidden && d->vocabulary == m->vocabulary &&
	    d->experts == (m->experts ? m->experts->count : 0))
		return 0;
	err_set(err, "'%s' has %lld layers of %lld and %lld experts, %s %lld of %lld and %lld", path,
		(long long)d->layers, (long long)d->hidden, (long long)d->experts, m->title,
		(long long)m->layers, (long long)m->hidden, (long long)(m->experts ? m->experts->count : 0));
	return err_hint(err, "name the config of this model, or make the model of it: lemursim import FILE");
}

/* The formats that the quantisation block of a config.json says; the model is made of that config or of its like. */
static int read_config_formats(struct loader *l, const struct model *m, struct precision *p, const char *path,
			       struct err *err)
{
	struct source *s = arena_alloc(l->arena, sizeof *s);
	struct quantized_weights *quantized = arena_alloc(l->arena, sizeof *quantized);
	const struct yml *config;
	char *text;
	size_t len;

	if (file_read(l->arena, path, CONFIG_MAX, &text, &len, err) != 0)
		return -1;
	*s = (struct source){path, text, len};
	config = yml_parse(l->arena, s, l->diags);
	if (!config)
		return err_set(err, "'%s' is no config.json", path);
	if (!config_is_quantized(config)) {
		err_set(err, "'%s' has no quantization block", path);
		return err_hint(err, "its weights are of its dtype: 'weights: bf16'");
	}
	if (check_config(l, path, config, m, err) != 0 ||
	    quantized_read(l->arena, config, m, quantized, err) != 0)
		return -1;
	p->weights = import_file_type(m, NULL, quantized->bytes);
	p->file->holds = &quantized->formats;
	return 0;
}

static int read_formats(struct loader *l, const struct model *m, struct precision *p, const char *path,
			struct err *err)
{
	struct counted *c = arena_alloc(l->arena, sizeof *c);
	struct tensor_table t;
	struct gguf g;

	if (str_ends(path, ".json"))
		return read_config_formats(l, m, p, path, err);
	if (!str_ends(path, ".gguf")) {
		err_set(err, "'%s' is no GGUF and no config.json", path);
		return err_hint(err, "of other files the type is told by its name: 'weights: mlx_q4'");
	}
	*c = (struct counted){.all = 0};
	if (import_gguf_tensors(l, path, &g, &t, err) != 0 || count(&t, m, c, err) != 0 ||
	    check_count(path, c, m, err) != 0)
		return -1;
	p->weights = named_type(m, describe_gguf_file_type(&g), c->bytes);
	p->file->holds = formats_of(l->arena, c, m);
	return 0;
}

int weights_file_load(struct loader *l, const struct model *m, struct precision *p)
{
	struct err err = ERR_INIT;
	const struct yml *node = p->file ? yml_get(p->file->origin.node, "file") : NULL;

	if (!node || !p->file->file || p->file->holds)
		return 0;
	if (read_formats(l, m, p, beside(l->arena, node, p->file->file), &err) == 0)
		return 0;
	diag_err(l->diags, node->place, &err);
	return -1;
}
