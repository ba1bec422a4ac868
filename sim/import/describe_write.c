/* describe_write.c - a description as a model file. */
#include <string.h>

#include "sim/import/describe.h"
#include "sim/llm/model.h"

static const struct field size_fields[] = {
	{FIELD_KEY(struct extra_size, weights), .type = FIELD_TEXT, .help = "format of the weights"},
	{FIELD_KEY(struct extra_size, bytes), .type = FIELD_TEXT, .help = "size, as in '4.92 GB'"},
	{FIELD_KEY(struct extra_size, source), .type = FIELD_TEXT, .help = "where it is published"},
};
static const struct table size_table = {"size", sizeof(struct extra_size), size_fields,
					ARRAY_LEN(size_fields)};

static const struct field extras_fields[] = {
	{FIELD_KEY(struct extras, title), .type = FIELD_TEXT, .optional = true,
	 .help = "its name, for people"},
	{FIELD_KEY(struct extras, source), .type = FIELD_TEXT, .optional = true,
	 .help = "where its figures come from"},
	{FIELD_KEY(struct extras, mlx_dtype), .type = FIELD_TEXT, .optional = true,
	 .help = "dtype that its files for MLX keep, f16 or bf16"},
	{FIELD_KEY(struct extras, mlx_dtype_source), .type = FIELD_TEXT, .optional = true,
	 .help = "how that is known"},
	{FIELD_KEY(struct extras, parameters), .type = FIELD_COUNT, .min = 0, .max = 1e14, .def = "0",
	 .help = "as published"},
	{FIELD_KEY(struct extras, skew), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 0, .max = 4,
	 .def = "0", .help = "popularity of its i-th expert ~ i^-skew"},
	{FIELD_KEY(struct extras, popularity_sd), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 0, .max = 6,
	 .def = "0", .help = "or the standard deviation of its logarithm, which is normal"},
	{FIELD_KEY(struct extras, sizes), .type = FIELD_LIST, .sub = &size_table, .optional = true,
	 .help = "published sizes of its files"},
	{FIELD_KEY(struct extras, notes), .type = FIELD_TEXTS, .optional = true, .help = "comments"},
};
const struct table extras_table = {"facts", sizeof(struct extras), extras_fields, ARRAY_LEN(extras_fields)};

/* Text in double quotes; what may not stand in YAML is left out. */
static void quoted(struct str *out, const char *text)
{
	str_add(out, "\"");
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			continue;
		if (*text == '"' || *text == '\\')
			str_add(out, "\\");
		str_add_n(out, text, 1);
	}
	str_add(out, "\"");
}

static void text_row(struct str *out, const char *key, const char *text)
{
	str_addf(out, "%s: ", key);
	quoted(out, text);
	str_add(out, "\n");
}

static void attention(const struct described *d, struct str *out)
{
	str_addf(out, "attention:\n  heads: %lld\n  kv_heads: %lld\n  head_dim: %lld\n", (long long)d->heads,
		 (long long)d->kv_heads, (long long)d->head_dim);
	if (d->window)
		str_addf(out, "  window: %lld tok\n", (long long)d->window);
	if (d->window && d->full_every)
		str_addf(out, "  full_every: %lld\n", (long long)d->full_every);
	if (strcmp(d->bias, "none") != 0)
		str_addf(out, "  bias: %s\n", d->bias);
	if (d->qk_norm)
		str_add(out, "  qk_norm: true\n");
	if (d->qk_norm_wide)
		str_add(out, "  qk_norm_wide: true\n");
	if (d->sinks)
		str_add(out, "  sinks: true\n");
	if (d->fused)
		str_add(out, "  fused: true\n");
	if (d->latent)
		str_addf(out,
			 "  latent: {q_rank: %lld, kv_rank: %lld, nope_dim: %lld, rope_dim: %lld, value_dim: "
			 "%lld%s}\n",
			 (long long)d->q_rank, (long long)d->kv_rank, (long long)d->nope_dim,
			 (long long)d->rope_dim, (long long)d->value_dim,
			 d->expanded ? ", expanded: true" : "");
}

static void feed_forward(const struct described *d, const struct extras *x, struct str *out)
{
	if (d->inner && !d->kinds)
		str_addf(out, "ffn: {kind: %s, inner: %lld%s}\n", d->gelu ? "gelu" : "swiglu",
			 (long long)d->inner, d->ffn_bias ? ", bias: true" : "");
	if (!d->experts)
		return;
	str_addf(out, "experts:\n  count: %lld\n  active: %lld\n  inner: %lld\n", (long long)d->experts,
		 (long long)d->active, (long long)d->expert_inner);
	if (d->shared)
		str_addf(out, "  shared: %lld\n", (long long)d->shared);
	if (d->shared && d->shared_inner)
		str_addf(out, "  shared_inner: %lld\n", (long long)d->shared_inner);
	if (d->expert_latent)
		str_addf(out, "  latent: %lld\n", (long long)d->expert_latent);
	if (d->latent_norm)
		str_add(out, "  latent_norm: true\n");
	if (d->ffn_kind && strcmp(d->ffn_kind, "swiglu") != 0)
		str_addf(out, "  kind: %s\n", d->ffn_kind);
	if (d->shared_gate)
		str_add(out, "  shared_gate: true\n");
	if (d->router_bias)
		str_add(out, "  router_bias: true\n");
	if (d->first_dense && !d->kinds)
		str_addf(out, "  first_dense: %lld\n", (long long)d->first_dense);
	if (d->every > 1 && !d->kinds)
		str_addf(out, "  every: %lld\n", (long long)d->every);
	if (d->expert_bias)
		str_add(out, "  bias: true\n");
	if (x && x->skew > 0)
		str_addf(out, "  skew: %.3g\n", x->skew);
	if (x && x->popularity_sd > 0)
		str_addf(out, "  popularity_sd: %.3g\n", x->popularity_sd);
}

/* The name by which a runtime is chosen, and the longest sequence. */
/* One member of a mapping in braces, where it is not 0. */
static void member(struct str *out, const char *key, int64_t x)
{
	if (x)
		str_addf(out, "%s%s: %lld", out->text[out->len - 1] == '{' ? "" : ", ", key, (long long)x);
}

static void text_member(struct str *out, const char *key, const char *text)
{
	str_addf(out, "%s%s: %s", out->text[out->len - 1] == '{' ? "" : ", ", key, text);
}

static void flag_member(struct str *out, const char *key, bool on)
{
	if (on)
		text_member(out, key, "true");
}

static void tokens_member(struct str *out, const char *key, int64_t x)
{
	if (x)
		str_addf(out, "%s%s: %lld tok", out->text[out->len - 1] == '{' ? "" : ", ", key,
			 (long long)x);
}

static void sparse_member(const struct sparse *s, struct str *out)
{
	str_addf(out, ", sparse: {top: %lld tok", (long long)s->top);
	member(out, "heads", s->heads);
	member(out, "dim", s->dim);
	member(out, "block", s->block > 1 ? s->block : 0);
	member(out, "pool", s->pool > 1 ? s->pool : 0);
	flag_member(out, "shared", s->shared);
	flag_member(out, "from_hidden", s->from_hidden);
	str_add(out, "}");
}

/* Attention of a kind in braces. */
static void attention_flow(const struct attention *a, struct str *out)
{
	static const char *const bias[] = {"none", "qkv", "qkvo"},
				 *const gate[] = {"none", "head", "element"},
				 *const values[] = {"own", "of_keys", "keys"};
	const struct latent *l = a->latent;

	str_add(out, "{");
	member(out, "heads", a->heads);
	member(out, "kv_heads", a->kv_heads);
	member(out, "head_dim", a->head_dim);
	member(out, "value_dim", a->value_dim != a->head_dim ? a->value_dim : 0);
	member(out, "q_rank", a->q_rank);
	tokens_member(out, "window", a->window);
	tokens_member(out, "chunk", a->chunk);
	if (a->bias)
		text_member(out, "bias", bias[a->bias]);
	if (a->gate)
		text_member(out, "gate", gate[a->gate]);
	if (a->values)
		text_member(out, "values", values[a->values]);
	if (!a->rope)
		str_add(out, ", rope: false");
	flag_member(out, "qk_norm", a->qk_norm);
	flag_member(out, "qk_norm_wide", a->qk_norm_wide);
	flag_member(out, "sinks", a->sinks);
	flag_member(out, "fused", a->fused);
	flag_member(out, "shares_cache", a->shares_cache);
	flag_member(out, "keeps_weights", a->keeps_weights);
	member(out, "out_groups", a->out_groups);
	member(out, "out_rank", a->out_rank);
	if (l) {
		str_add(out, ", latent: {");
		str_addf(out, "q_rank: %lld, kv_rank: %lld, nope_dim: %lld, rope_dim: %lld, value_dim: %lld}",
			 (long long)l->q_rank, (long long)l->kv_rank, (long long)l->nope_dim,
			 (long long)l->rope_dim, (long long)l->value_dim);
	}
	if (a->sparse)
		sparse_member(a->sparse, out);
	if (a->compress)
		str_addf(out, ", compress: {ratio: %lld%s}", (long long)a->compress->ratio,
			 a->compress->overlap > 1 ? ", overlap: 2" : "");
	str_add(out, "}");
}

static void delta_flow(const struct recurrent *r, struct str *out)
{
	member(out, "key_heads", r->key_heads);
	member(out, "heads", r->heads);
	member(out, "key_dim", r->key_dim);
	member(out, "value_dim", r->value_dim);
	member(out, "width", r->width);
	if (r->decay == DECAY_CHANNEL)
		text_member(out, "decay", "channel");
	member(out, "decay_rank", r->decay_rank);
	member(out, "gate_rank", r->gate_rank);
}

static void mamba_flow(const struct recurrent *r, struct str *out)
{
	member(out, "inner", r->inner);
	member(out, "heads", r->heads);
	member(out, "head_dim", r->value_dim);
	member(out, "state", r->key_dim);
	member(out, "groups", r->groups);
	member(out, "decay_rank", r->decay_rank);
	member(out, "width", r->width);
	text_member(out, "conv_bias", r->conv_bias ? "true" : "false");
	text_member(out, "norm", r->norm ? "true" : "false");
}

static void lightning_flow(const struct recurrent *r, struct str *out)
{
	member(out, "key_heads", r->key_heads);
	member(out, "heads", r->heads);
	member(out, "key_dim", r->key_dim);
	member(out, "value_dim", r->value_dim);
	text_member(out, "gated", r->gated ? "true" : "false");
	text_member(out, "norm", r->norm ? "true" : "false");
}

static void recurrent_flow(const struct recurrent *r, struct str *out)
{
	static const char *const names[] = {
		[RECURRENT_DELTA] = "delta",         [RECURRENT_MAMBA2] = "mamba2",
		[RECURRENT_MAMBA1] = "mamba1",       [RECURRENT_RWKV] = "rwkv",
		[RECURRENT_LIGHTNING] = "lightning", [RECURRENT_CONV] = "conv"};

	str_addf(out, "    %s: {", names[r->kind]);
	if (r->kind == RECURRENT_DELTA) {
		delta_flow(r, out);
	} else if (r->kind == RECURRENT_LIGHTNING) {
		lightning_flow(r, out);
	} else if (r->kind == RECURRENT_CONV) {
		member(out, "width", r->width);
		flag_member(out, "conv_bias", r->conv_bias);
	} else if (r->kind == RECURRENT_RWKV) {
		member(out, "heads", r->heads);
		member(out, "key_dim", r->key_dim);
		member(out, "value_dim", r->value_dim);
		member(out, "decay_rank", r->decay_rank);
		member(out, "value_rank", r->value_rank);
		member(out, "gate_rank", r->gate_rank);
	} else {
		mamba_flow(r, out);
	}
	str_add(out, "}\n");
}

/* The shortest begin of the layers that, repeated, makes all of them; equal neighbours are counted. */
static void pattern(const struct described *d, struct str *out)
{
	int64_t period = 1, run;

	for (int64_t i = 0; i < d->layers; i++)
		if (d->kind_of[i] != d->kind_of[i % period]) {
			period++;
			i = -1;
		}
	str_add(out, "pattern: [");
	for (int64_t i = 0; i < period; i += run) {
		for (run = 1; i + run < period && d->kind_of[i + run] == d->kind_of[i];)
			run++;
		str_addf(out, i ? ", " : "");
		if (run > 1)
			str_addf(out, "%lld ", (long long)run);
		str_add(out, d->kinds[d->kind_of[i]].name);
	}
	str_add(out, "]\n");
}

static void kinds(const struct described *d, struct str *out)
{
	str_add(out, "kinds:\n");
	for (size_t i = 0; i < d->kinds_n; i++) {
		const struct described_kind *k = &d->kinds[i];

		str_addf(out, "  %s:\n    blocks: [%s]\n", k->name, k->blocks);
		if (k->attention) {
			str_add(out, "    attention: ");
			attention_flow(k->attention, out);
			str_add(out, "\n");
		}
		if (k->recurrent)
			recurrent_flow(k->recurrent, out);
		if (k->inner)
			str_addf(out, "    ffn: {kind: %s, inner: %lld%s}\n", d->ffn_kind,
				 (long long)k->inner, d->ffn_bias ? ", bias: true" : "");
		if (k->extra)
			str_addf(out, "    extra: %lld\n", (long long)k->extra);
	}
	pattern(d, out);
}

/* Keys that few models have. */
static void options(const struct described *d, struct str *out)
{
	static const struct {
		const char *key;
		size_t offset;
	} rows[] = {{"per_layer_embedding", offsetof(struct described, per_layer_embedding)},
		    {"streams", offsetof(struct described, streams)},
		    {"positions", offsetof(struct described, positions)},
		    {"extra", offsetof(struct described, extra)}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const int64_t *x = (const int64_t *)(const void *)((const char *)d + rows[i].offset);

		if (*x)
			str_addf(out, "%s: %lld\n", rows[i].key, (long long)*x);
	}
	if (d->norm_bias)
		str_add(out, "norm_bias: true\n");
	if (d->tables)
		str_addf(out, "stored_only: [{name: \"tables of n-grams\", parameters: %lld}]\n",
			 (long long)d->tables);
	if (!d->mtp_layers)
		return;
	str_addf(out, "mtp: {layers: %lld", (long long)d->mtp_layers);
	if (d->mtp_kinds)
		str_addf(out, ", kinds: [%s]", d->mtp_kinds);
	str_add(out, "}\n");
}

static void context(const struct described *d, struct str *out)
{
	if (d->architecture)
		text_row(out, "architecture", d->architecture);
	if (d->context)
		str_addf(out, "context: %lld tok\n", (long long)d->context);
	if (!d->rope_kind)
		return;
	str_add(out, "rope_scaling: {kind: ");
	quoted(out, d->rope_kind);
	str_addf(out, ", factor: %g", d->rope_factor);
	if (d->rope_original)
		str_addf(out, ", original: %lld tok", (long long)d->rope_original);
	str_add(out, "}\n");
}

static void sizes(const struct extras *x, struct str *out)
{
	const struct extra_size *s = x ? x->sizes.at : NULL;

	if (!x || !x->sizes.n)
		return;
	str_add(out, "sizes:\n");
	for (size_t i = 0; i < x->sizes.n; i++) {
		str_addf(out, "  - {weights: %s, bytes: %s, source: ", s[i].weights, s[i].bytes);
		quoted(out, s[i].source);
		str_add(out, "}\n");
	}
}

static void comments(const struct described *d, const struct extras *x, const char *provenance,
		     struct str *out)
{
	const char *const *notes = x ? x->notes.at : NULL;

	str_addf(out, "# %s\n", provenance);
	if (d->stored)
		str_addf(out, "# weights are kept as: %s\n", d->stored);
	for (size_t i = 0; i < d->notes_n; i++)
		str_addf(out, "# not modelled: %s\n", d->notes[i]);
	for (size_t i = 0; x && i < x->notes.n; i++)
		str_addf(out, "# %s\n", notes[i]);
}

void describe_write(const struct described *d, const struct extras *x, const char *provenance,
		    struct str *out)
{
	const char *title = x && x->title ? x->title : d->title ? d->title : d->family;
	const int64_t parameters = x && x->parameters ? x->parameters : (int64_t)d->parameters;

	comments(d, x, provenance, out);
	str_addf(out, "schema: %s\n", MODEL_SCHEMA);
	text_row(out, "title", title);
	text_row(out, "source", x && x->source ? x->source : d->source);
	context(d, out);
	if (x && x->mlx_dtype)
		str_addf(out, "mlx_dtype: %s%s%s\n", x->mlx_dtype, x->mlx_dtype_source ? " # " : "",
			 x->mlx_dtype_source ? x->mlx_dtype_source : "");
	str_addf(out, "layers: %lld\nhidden: %lld\nvocabulary: %lld\n", (long long)d->layers,
		 (long long)d->hidden, (long long)d->vocabulary);
	if (!d->kinds)
		attention(d, out);
	feed_forward(d, x, out);
	if (d->kinds)
		kinds(d, out);
	options(d, out);
	str_addf(out, "tied_head: %s\n", d->tied ? "true" : "false");
	if (d->post_norms)
		str_add(out, "post_norms: true\n");
	if (parameters)
		str_addf(out, "parameters: %lld\n", (long long)parameters);
	sizes(x, out);
}
