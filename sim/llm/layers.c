/* layers.c - the blocks of a model in order, and the layout of one that says its kinds of layers; see model.h.
 *
 * A model without kinds has the same blocks in every layer, or experts in a regular part of them: where a
 * layer begins is then a product. One with kinds has a table, made once by layout_make(). */
#include "sim/base/nearest.h"
#include "sim/llm/layers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct layer_kind *kind_at(const struct model *m, int64_t layer)
{
	return &m->layout->kind[m->layout->kind_of[layer]];
}

bool model_layer_has_experts(const struct model *m, int64_t layer)
{
	const struct experts *x = m->experts;

	if (m->layout)
		return kind_at(m, layer)->experts;
	return x && layer >= x->first_dense && (layer - x->first_dense) % x->every == x->every - 1;
}

bool model_layer_has_ffn(const struct model *m, int64_t layer)
{
	return m->layout ? kind_at(m, layer)->ffn != NULL : !model_layer_has_experts(m, layer);
}

int64_t layers_with_experts(const struct model *m)
{
	const struct experts *x = m->experts;
	int64_t n = 0;

	if (!m->layout)
		return x && m->layers > x->first_dense ? (m->layers - x->first_dense) / x->every : 0;
	for (int64_t i = 0; i < m->layers; i++)
		n += kind_at(m, i)->experts;
	return n;
}

/* Blocks of experts: router, shared experts where there are some, experts. */
static size_t expert_blocks(const struct model *m)
{
	return m->experts->shared ? 3 : 2;
}

size_t model_layer_begin(const struct model *m, int64_t layer)
{
	const struct experts *x = m->experts;
	const int64_t before = x && layer > x->first_dense ? (layer - x->first_dense) / x->every : 0;

	if (m->layout)
		return m->layout->begin[layer];
	return (size_t)(1 + 2 * layer) + (x ? expert_blocks(m) - 1 : 0) * (size_t)before;
}

static bool is_windowed(const struct model *m, int64_t layer)
{
	const struct attention *a = &m->attention;

	return a->window && !(a->full_every && (layer + 1) % a->full_every == 0);
}

size_t model_blocks(const struct model *m)
{
	return model_layer_begin(m, m->layers) + 1;
}

static struct part mixer_of(const struct model_layout *l, int kind)
{
	const struct attention *a = l->kind[kind].attention;

	return (struct part){ROLE_ATTENTION, a && (a->window || a->chunk), l->kind[kind].mixer};
}

/* The at-th block of a layer with a kind. */
static struct part part_in(const struct model *m, int64_t layer, size_t at)
{
	const struct model_layout *l = m->layout;
	const struct layer_kind *k = kind_at(m, layer);
	const bool mixes = k->attention || k->recurrent;

	if (mixes && at == 0)
		return mixer_of(l, l->kind_of[layer]);
	at -= mixes;
	if (k->ffn && at == 0)
		return (struct part){ROLE_FFN, false, k->feed};
	at -= k->ffn != NULL;
	if (at == 0)
		return (struct part){ROLE_ROUTER, false, 0};
	return (struct part){at == 1 && m->experts->shared ? ROLE_SHARED : ROLE_EXPERTS, false, 0};
}

static struct part part_without_kinds(const struct model *m, int64_t layer, size_t at)
{
	if (at == 0)
		return (struct part){ROLE_ATTENTION, is_windowed(m, layer), 0};
	if (!model_layer_has_experts(m, layer))
		return (struct part){ROLE_FFN, false, 0};
	if (at == 1)
		return (struct part){ROLE_ROUTER, false, 0};
	return (struct part){at == 2 && m->experts->shared ? ROLE_SHARED : ROLE_EXPERTS, false, 0};
}

/* The layer of a block without a table: pairs of attention and FFN up to the first layer that may have experts, from there
 * groups of `every` layers, of which the last has experts. */
static int64_t layer_without_kinds(const struct model *m, size_t block)
{
	const struct experts *x = m->experts;
	const int64_t pair = (int64_t)(block - 1) / 2;
	int64_t behind, group, rest;

	if (!x || pair < x->first_dense)
		return pair;
	behind = (int64_t)block - 1 - 2 * x->first_dense;
	group = 2 * x->every + (int64_t)expert_blocks(m) - 1;
	rest = behind % group / 2;
	return x->first_dense + behind / group * x->every + (rest < x->every ? rest : x->every - 1);
}

/* The blocks behind the embedding of a model of equal layers, which are asked for most: attention and FFN take turns. */
static struct block block_of_equals(const struct model *m, size_t i)
{
	const int64_t layer = (int64_t)(i / 2);

	if (layer >= m->layers)
		return (struct block){{ROLE_HEAD, false, 0}, -1};
	return (struct block){{i % 2 ? ROLE_FFN : ROLE_ATTENTION, i % 2 == 0 && is_windowed(m, layer), 0},
			      layer};
}

struct block model_block(const struct model *m, size_t i)
{
	int64_t layer;
	size_t at;

	if (i == 0)
		return (struct block){{ROLE_EMBEDDING, false, 0}, -1};
	if (!m->layout && !m->experts)
		return block_of_equals(m, i - 1);
	if (i + 1 == model_blocks(m))
		return (struct block){{ROLE_HEAD, false, 0}, -1};
	layer = m->layout ? m->layout->layer_of[i] : layer_without_kinds(m, i);
	at = i - model_layer_begin(m, layer);
	return (struct block){m->layout ? part_in(m, layer, at) : part_without_kinds(m, layer, at), layer};
}

size_t model_first_block(const struct model *m)
{
	return m->ends ? 0 : 1;
}

size_t model_last_block(const struct model *m)
{
	return model_blocks(m) - (m->ends ? 1 : 2);
}

bool block_is_tail(const struct model *m, struct block b)
{
	return b.layer == m->layers - 1 && b.part.role != ROLE_ATTENTION;
}

bool model_has_recurrent(const struct model *m)
{
	for (size_t i = 0; m->layout && i < m->layout->kinds_n; i++)
		if (m->layout->kind[i].recurrent)
			return true;
	return false;
}

bool model_has_latent(const struct model *m)
{
	for (size_t i = 0; m->layout && i < m->layout->kinds_n; i++)
		if (m->layout->kind[i].attention && m->layout->kind[i].attention->latent)
			return true;
	return !m->layout && m->attention.latent;
}

int64_t model_last_cache(const struct model *m)
{
	int64_t last = m->layers - 1;

	while (m->layout && last > 0 && kind_at(m, last)->attention &&
	       kind_at(m, last)->attention->shares_cache)
		last--;
	return last;
}

size_t model_block_of(const struct model *m, enum role role, int64_t layer)
{
	if (role == ROLE_EMBEDDING)
		return 0;
	if (role == ROLE_HEAD)
		return model_blocks(m) - 1;
	for (size_t i = model_layer_begin(m, layer); i < model_layer_begin(m, layer + 1); i++)
		if (model_block(m, i).part.role == role)
			return i;
	BUG("layer %lld has no %s", (long long)layer, role_names[role]);
}

bool part_same(struct part a, struct part b)
{
	return a.role == b.role && a.windowed == b.windowed && a.kind == b.kind;
}

/* --- parts ---------------------------------------------------------------------------------------- */

static void add_part(struct part_count out[MODEL_PARTS], size_t *n, struct part part, double blocks)
{
	if (blocks <= 0)
		return;
	for (size_t i = 0; i < *n; i++) {
		if (!part_same(out[i].part, part))
			continue;
		out[i].blocks += blocks;
		return;
	}
	BUG_ON(*n == MODEL_PARTS);
	out[(*n)++] = (struct part_count){part, blocks};
}

static void add_mixers(const struct model *m, struct part_count out[MODEL_PARTS], size_t *n)
{
	const int64_t full = m->attention.window ? m->attention.full_every : 1;
	const double all = (double)(full ? m->layers / full : 0);

	if (!m->layout) {
		add_part(out, n, (struct part){ROLE_ATTENTION, true, 0}, (double)m->layers - all);
		add_part(out, n, (struct part){ROLE_ATTENTION, false, 0}, all);
	}
	for (int64_t i = 0; m->layout && i < m->layers; i++)
		if (kind_at(m, i)->attention || kind_at(m, i)->recurrent)
			add_part(out, n, mixer_of(m->layout, m->layout->kind_of[i]), 1);
}

static void add_feeds(const struct model *m, struct part_count out[MODEL_PARTS], size_t *n)
{
	if (!m->layout)
		add_part(out, n, (struct part){ROLE_FFN, false, 0},
			 (double)(m->layers - layers_with_experts(m)));
	for (int64_t i = 0; m->layout && i < m->layers; i++)
		if (kind_at(m, i)->ffn)
			add_part(out, n, (struct part){ROLE_FFN, false, kind_at(m, i)->feed}, 1);
}

size_t model_parts(const struct model *m, struct part_count out[MODEL_PARTS])
{
	const double moe = (double)layers_with_experts(m);
	size_t n = 0;

	add_part(out, &n, (struct part){ROLE_EMBEDDING, false, 0}, m->ends);
	add_mixers(m, out, &n);
	add_feeds(m, out, &n);
	add_part(out, &n, (struct part){ROLE_ROUTER, false, 0}, moe);
	add_part(out, &n, (struct part){ROLE_SHARED, false, 0}, m->experts && m->experts->shared ? moe : 0);
	add_part(out, &n, (struct part){ROLE_EXPERTS, false, 0}, moe);
	add_part(out, &n, (struct part){ROLE_HEAD, false, 0}, m->ends);
	return n;
}

bool model_has(const struct model *m, enum role role)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);

	for (size_t i = 0; i < n; i++)
		if (parts[i].part.role == role)
			return true;
	return false;
}

const struct attention *part_attention(const struct model *m, struct part part)
{
	return m->layout ? m->layout->kind[part.kind].attention : &m->attention;
}

const struct recurrent *part_recurrent(const struct model *m, struct part part)
{
	return m->layout ? m->layout->kind[part.kind].recurrent : NULL;
}

const struct ffn *part_ffn(const struct model *m, struct part part)
{
	return m->layout ? m->layout->kind[part.kind].ffn : m->ffn;
}

/* --- the layout ----------------------------------------------------------------------------------- */

static const char *const block_names[] = {"delta", "mamba2",    "mamba1", "rwkv",    "lightning",
					  "conv",  "attention", "ffn",    "experts", NULL};
enum { BLOCK_ATTENTION = RECURRENT_N, BLOCK_FFN, BLOCK_EXPERTS, BLOCK_N };

static int bad_block(const struct model_kind *k, const char *name, struct diags *diags)
{
	const char *near = nearest_of(name, block_names, BLOCK_N);

	return diag_add(diags, k->origin.node->place,
			near ? arena_printf(diags->arena, "the closest is '%s'", near)
			     : "attention, delta, mamba2, mamba1, rwkv, lightning, conv, ffn, experts",
			"model: kind '%s': there is no block '%.40s'", k->origin.name, name);
}

static int add_block(const struct model *m, const struct model_kind *k, int block, struct layer_kind *out,
		     struct diags *diags)
{
	const struct yml *at = k->origin.node;
	bool twice;

	switch (block) {
	case BLOCK_ATTENTION:
		twice = out->attention;
		out->attention = k->attention ? k->attention : &m->attention;
		if (!out->attention->heads)
			return diag_add(diags, at->place, "say 'attention: {...}' in it or for the model",
					"model: kind '%s' needs an 'attention'", k->origin.name);
		break;
	case BLOCK_FFN:
		twice = out->ffn;
		out->ffn = k->ffn ? k->ffn : m->ffn;
		if (!out->ffn)
			return diag_add(diags, at->place, "say 'ffn: {inner: ...}' in it or for the model",
					"model: kind '%s' needs an 'ffn'", k->origin.name);
		break;
	case BLOCK_EXPERTS:
		twice = out->experts;
		out->experts = true;
		if (!m->experts)
			return diag_add(diags, at->place, "say 'experts: {...}' for the model",
					"model: kind '%s' needs 'experts'", k->origin.name);
		break;
	default:
		twice = out->recurrent;
		out->recurrent = k->recurrent[block];
		if (!out->recurrent)
			return diag_add(diags, at->place, NULL, "model: kind '%s' needs a '%s'",
					k->origin.name, block_names[block]);
		k->recurrent[block]->kind = block;
	}
	if (twice)
		return diag_add(diags, at->place, "write two kinds, and both in the pattern",
				"model: kind '%s' has two blocks of one sort", k->origin.name);
	return 0;
}

/* One entry of `blocks`: "ffn", "attention | mamba2". */
static int add_entry(const struct model *m, const struct model_kind *k, const char *entry,
		     struct layer_kind *out, struct diags *diags)
{
	int mixers = 0, feeds = 0;

	while (*entry) {
		const size_t skip = strspn(entry, " |"), len = strcspn(entry + skip, " |");
		char name[32];
		int block = 0;

		entry += skip;
		if (!len)
			break;
		snprintf(name, sizeof name, "%.*s", (int)len, entry);
		entry += len;
		while (block < BLOCK_N && strcmp(name, block_names[block]) != 0)
			block++;
		if (block == BLOCK_N)
			return bad_block(k, name, diags);
		if (add_block(m, k, block, out, diags) != 0)
			return -1;
		mixers += block <= BLOCK_ATTENTION;
		feeds += block > BLOCK_ATTENTION;
	}
	out->one_norm |= mixers && feeds;
	return 0;
}

static int make_kind(const struct model *m, const struct model_kind *k, struct layer_kind *out,
		     struct diags *diags)
{
	const char *const *blocks = k->blocks.at;

	*out = (struct layer_kind){.name = k->origin.name, .extra = (double)k->extra};
	for (size_t i = 0; i < k->blocks.n; i++)
		if (add_entry(m, k, blocks[i], out, diags) != 0)
			return -1;
	return 0;
}

/* Kinds with the same mixer or the same FFN share a part. */
static void find_same(struct model_layout *l, int at)
{
	struct layer_kind *k = &l->kind[at];
	const bool mixes = k->attention || k->recurrent; /* then `extra` is its mixer's */

	k->mixer = k->feed = at;
	for (int i = at - 1; i >= 0; i--) {
		const struct layer_kind *o = &l->kind[i];

		if (o->attention == k->attention && o->recurrent == k->recurrent && o->extra == k->extra &&
		    o->one_norm == k->one_norm)
			k->mixer = o->mixer;
		if (o->ffn == k->ffn && o->one_norm == k->one_norm && (mixes || o->extra == k->extra))
			k->feed = o->feed;
	}
}

/* "3 linear" or "full": the kind's index and how often; -1 with a diagnostic. */
static int read_pattern(const struct model *m, const char *text, int64_t *times, struct diags *diags)
{
	const struct model_kind *kinds = m->kinds.at;
	const char *names[KINDS_MAX + 1] = {NULL}, *near;
	char *end = NULL;

	*times = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : 1;
	text = end ? end + strspn(end, " ") : text;
	for (size_t i = 0; i < m->kinds.n; i++) {
		names[i] = kinds[i].origin.name;
		if (!strcmp(text, kinds[i].origin.name) && *times >= 1 && *times <= m->layers)
			return (int)i;
	}
	near = nearest_of(text, names, m->kinds.n);
	diag_add(diags, yml_get(m->origin.node, "pattern")->place,
		 near ? arena_printf(diags->arena, "the closest is '%s'", near)
		      : "entries are names of kinds, or '3 name'",
		 "model: pattern: '%.60s' names no kind, or more layers than there are", text);
	return -1;
}

static int lay_pattern(const struct model *m, unsigned char *kind_of, struct diags *diags)
{
	const char *const *entries = m->pattern.at;
	int64_t n = 0, period, times;

	for (size_t i = 0; i < m->pattern.n; i++) {
		const int kind = read_pattern(m, entries[i], &times, diags);

		if (kind < 0)
			return -1;
		if (n + times > m->layers)
			return diag_add(diags, yml_get(m->origin.node, "pattern")->place, NULL,
					"model: pattern: more entries than the model has layers");
		for (; times; times--)
			kind_of[n++] = (unsigned char)kind;
	}
	for (period = n; n < m->layers; n++)
		kind_of[n] = kind_of[n - period];
	return 0;
}

static size_t blocks_of(const struct model *m, const struct layer_kind *k)
{
	return (k->attention || k->recurrent ? 1u : 0u) + (k->ffn ? 1u : 0u) +
	       (k->experts ? expert_blocks(m) : 0u);
}

void layout_count(const struct model *m, struct model_layout *l, struct arena *a)
{
	size_t *begin = arena_array(a, (size_t)m->layers + 1, sizeof *begin);
	int64_t *mixers = arena_array(a, (size_t)m->layers, sizeof *mixers),
		*feeds = arena_array(a, (size_t)m->layers, sizeof *feeds), mixed = 0, fed = 0, *layer_of;

	begin[0] = 1;
	for (int64_t i = 0; i < m->layers; i++) {
		const struct layer_kind *k = &l->kind[l->kind_of[i]];

		begin[i + 1] = begin[i] + blocks_of(m, k);
		mixers[i] = mixed;
		feeds[i] = fed;
		mixed += k->attention || k->recurrent;
		fed += k->ffn || k->experts;
	}
	layer_of = arena_array(a, begin[m->layers] + 1, sizeof *layer_of);
	for (int64_t i = 0; i < m->layers; i++)
		for (size_t b = begin[i]; b < begin[i + 1]; b++)
			layer_of[b] = i;
	l->begin = begin;
	l->layer_of = layer_of;
	l->mixers = mixers;
	l->feeds = feeds;
}

int layout_make(struct model *m, struct diags *diags)
{
	struct model_layout *l = arena_alloc(diags->arena, sizeof *l);
	unsigned char *kind_of = arena_array(diags->arena, (size_t)m->layers, 1);
	const struct model_kind *kinds = m->kinds.at;

	if (m->kinds.n > KINDS_MAX)
		return diag_add(diags, yml_get(m->origin.node, "kinds")->place, NULL,
				"model: %zu kinds, no more than %d are possible", m->kinds.n, KINDS_MAX);
	if (!m->pattern.n)
		return diag_add(diags, yml_get(m->origin.node, "kinds")->place,
				"pattern: [3 linear, full], repeated to fill the layers",
				"model: kinds need a 'pattern'");
	for (size_t i = 0; i < m->kinds.n; i++) {
		if (make_kind(m, &kinds[i], &l->kind[i], diags) != 0)
			return -1;
		find_same(l, (int)i);
	}
	l->kinds_n = m->kinds.n;
	l->kind_of = kind_of;
	if (lay_pattern(m, kind_of, diags) != 0)
		return -1;
	layout_count(m, l, diags->arena);
	m->layout = l;
	return 0;
}

bool layout_mixer(const struct model *m, int64_t layer, struct part part)
{
	const struct layer_kind *k = m->layout ? kind_at(m, layer) : NULL;

	return !k || ((k->attention || k->recurrent) && k->mixer == part.kind);
}

bool layout_is_first(const struct model *m, int64_t layer, const char *kind)
{
	if (!m->layout || strcmp(kind_at(m, layer)->name, kind) != 0)
		return false;
	for (int64_t i = 0; i < layer; i++)
		if (m->layout->kind_of[i] == m->layout->kind_of[layer])
			return false;
	return true;
}
