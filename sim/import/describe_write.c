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
	{FIELD_KEY(struct extras, parameters), .type = FIELD_COUNT, .min = 0, .max = 1e14, .def = "0",
	 .help = "as published"},
	{FIELD_KEY(struct extras, skew), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 0, .max = 4,
	 .def = "0", .help = "popularity of its i-th expert ~ i^-skew"},
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
	if (d->sinks)
		str_add(out, "  sinks: true\n");
	if (d->fused)
		str_add(out, "  fused: true\n");
	if (d->latent)
		str_addf(out,
			 "  latent: {q_rank: %lld, kv_rank: %lld, nope_dim: %lld, rope_dim: %lld, value_dim: "
			 "%lld}\n",
			 (long long)d->q_rank, (long long)d->kv_rank, (long long)d->nope_dim,
			 (long long)d->rope_dim, (long long)d->value_dim);
}

static void feed_forward(const struct described *d, const struct extras *x, struct str *out)
{
	if (d->inner)
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
	if (d->first_dense)
		str_addf(out, "  first_dense: %lld\n", (long long)d->first_dense);
	if (d->every > 1)
		str_addf(out, "  every: %lld\n", (long long)d->every);
	if (d->expert_bias)
		str_add(out, "  bias: true\n");
	if (x && x->skew > 0)
		str_addf(out, "  skew: %.3g\n", x->skew);
}

/* What a runtime is chosen by, and how long a sequence may be. */
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
	str_addf(out, "layers: %lld\nhidden: %lld\nvocabulary: %lld\n", (long long)d->layers,
		 (long long)d->hidden, (long long)d->vocabulary);
	attention(d, out);
	feed_forward(d, x, out);
	str_addf(out, "tied_head: %s\n", d->tied ? "true" : "false");
	if (d->post_norms)
		str_add(out, "post_norms: true\n");
	if (parameters)
		str_addf(out, "parameters: %lld\n", (long long)parameters);
	sizes(x, out);
}
