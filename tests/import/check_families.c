/* check_families.c - room import: config.json files of the families of 2026 against what is known of each model. */
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"
#include "sim/base/file.h"
#include "sim/import/import.h"
#include "sim/llm/projections.h"

#define FOLDER "tests/data/families/"

struct imported {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	struct import_result result;
	struct model m;
};

static void import_file(struct imported *x, const char *path)
{
	const struct import_ask ask = {.path = path, .tool = "check"};
	struct err err = ERR_INIT;
	struct source *s;
	struct yml *tree;
	int rc;

	*x = (struct imported){.arena = ARENA_INIT};
	diags_init(&x->diags, &x->arena);
	loader_init(&x->loader, &x->arena, &x->diags);
	rc = import_model(&x->loader, &ask, &x->result, &err);
	ck_assert_msg(rc == 0, "%s: %s%s", path, err.msg, x->diags.n ? x->diags.list[0].msg : "");
	s = arena_alloc(&x->arena, sizeof *s);
	*s = (struct source){path, x->result.text.text, x->result.text.len};
	tree = yml_parse(&x->arena, s, &x->diags);
	ck_assert(tree && field_load(&model_table, tree, "model", &x->m, &x->diags) == 0 &&
		  model_check(&x->m, &x->diags) == 0);
}

static void drop(struct imported *x)
{
	str_release(&x->result.text);
	arena_release(&x->arena);
}

/* --- the layers in words -------------------------------------------------------------------------- */

static const char *mixer_word(const struct model *m, const struct attention *a, const struct recurrent *r)
{
	if (!a && !r)
		return "none";
	if (r)
		return r->kind == RECURRENT_MAMBA2 ? "mamba2" : r->decay == DECAY_CHANNEL ? "kda" : "gdn";
	if (a->compress)
		return a->compress->ratio == 4 ? "csa4" : "hca128";
	if (a->sparse && a->sparse->block > 1)
		return "block-sparse";
	if (a->sparse)
		return a->sparse->shared ? "dsa-shared-index" : "dsa";
	if (a->latent)
		return "latent";
	if (a->chunk)
		return "chunked";
	if (a->window)
		return "window";
	return m->layout && !strcmp(m->architecture, "llama4_text") ? "full-nope" : "full";
}

static const char *layer_word(const struct model *m, int64_t layer, bool own_layers)
{
	struct part part = {ROLE_ATTENTION, false, 0};
	bool mixes = !m->layout;

	for (size_t b = model_layer_begin(m, layer); b < model_layer_begin(m, layer + 1); b++)
		if (model_block(m, b).part.role == ROLE_ATTENTION) {
			part = model_block(m, b).part;
			mixes = true;
		}
	if (!mixes)
		return !own_layers ? "none" : model_layer_has_experts(m, layer) ? "moe" : "ffn";
	if (!m->layout)
		return m->attention.latent ? "latent" : part.windowed ? "window" : "full";
	return mixer_word(m, part_attention(m, part), part_recurrent(m, part));
}

static const char *ffn_word(struct imported *x, int64_t layer)
{
	const struct model *m = &x->m;

	if (model_layer_has_experts(m, layer))
		return "moe";
	for (size_t b = model_layer_begin(m, layer); b < model_layer_begin(m, layer + 1); b++)
		if (model_block(m, b).part.role == ROLE_FFN)
			return arena_printf(&x->arena, "%lld",
					    (long long)part_ffn(m, model_block(m, b).part)->inner);
	return "";
}

/* --- the notation of expected.csv: "window*2 + (csa4 hca128)x20 + csa4" --------------------------- */

struct words {
	const char *at[4096];
	size_t n;
};

/* Reads words up to the end or the closing bracket; returns what follows. */
static const char *expand(struct arena *a, const char *text, struct words *out)
{
	while (*text && *text != ')') {
		const size_t begin = out->n;
		size_t group, times = 1;
		char *end;

		if (*text == ' ' || *text == '+') {
			text++;
			continue;
		}
		if (*text == '(') {
			text = expand(a, text + 1, out);
			ck_assert(text[0] == ')' && text[1] == 'x');
			times = strtoul(text + 2, &end, 10);
			text = end;
		} else {
			const size_t len = strcspn(text, " +*)");

			out->at[out->n++] = arena_printf(a, "%.*s", (int)len, text);
			text += len;
			if (*text == '*') {
				times = strtoul(text + 1, &end, 10);
				text = end;
			}
		}
		group = out->n - begin;
		for (size_t i = 1; i < times; i++)
			for (size_t k = 0; k < group; k++)
				out->at[out->n++] = out->at[begin + k];
	}
	return text;
}

static void check_words(struct imported *x, const char *file, const char *kinds, const char *ffn)
{
	struct words *words = xcalloc(1, sizeof *words);
	const bool own = !strcmp(ffn, "own layers");

	expand(&x->arena, kinds, words);
	ck_assert_msg(words->n == (size_t)x->m.layers, "%s: %zu kinds for %lld layers", file, words->n,
		      (long long)x->m.layers);
	for (int64_t i = 0; i < x->m.layers; i++)
		ck_assert_msg(!strcmp(layer_word(&x->m, i, own), words->at[i]), "%s: layer %lld: %s, not %s",
			      file, (long long)i, layer_word(&x->m, i, own), words->at[i]);
	*words = (struct words){.n = 0};
	if (!own)
		expand(&x->arena, ffn, words);
	for (size_t i = 0; i < words->n; i++) {
		const int64_t layer = words->n == 1 ? x->m.layers - 1 : (int64_t)i;
		const char *word = ffn_word(x, layer);

		ck_assert_msg(!strcmp(word, words->at[i]) ||
				      (strcmp(word, "moe") != 0 && !strcmp(words->at[i], "dense")),
			      "%s: layer %lld: %s, not %s", file, (long long)layer, word, words->at[i]);
	}
	free(words);
}

/* --- the figures ---------------------------------------------------------------------------------- */

/* Of a block; of experts the active ones. */
static double read_of_part(const struct model *m, struct part part)
{
	struct tensor_row rows[PART_TENSORS];
	const size_t n = model_tensors(m, part, rows);
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		const enum tensor t = rows[i].tensor;
		const bool expert = part.role == ROLE_EXPERTS && t != TENSOR_OTHER;

		sum += rows[i].numbers *
		       (expert ? (double)m->experts->active / (double)m->experts->count : 1);
	}
	return sum;
}

/* What a step of one sequence reads; of tables only a tied head's. */
static double read_by_a_step(const struct model *m)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	double sum = m->tied_head ? (double)m->vocabulary * (double)m->hidden : 0;

	for (size_t i = 0; i < n; i++)
		if (parts[i].part.role != ROLE_EMBEDDING)
			sum += parts[i].blocks * read_of_part(m, parts[i].part);
	return sum;
}

struct sums {
	double growth, cache, state_f32, state_16;
};

static struct sums caches(const struct model *m, int64_t tokens)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	struct sums s = {0};

	for (size_t i = 0; i < n; i++) {
		if (parts[i].part.role != ROLE_ATTENTION)
			continue;
		s.growth += 2 * parts[i].blocks * part_cache_growth(m, parts[i].part);
		s.cache += 2 * parts[i].blocks * part_cache_numbers(m, parts[i].part, tokens);
		s.state_f32 += parts[i].blocks * part_state_B(m, FORMAT_F32, parts[i].part);
		s.state_16 += parts[i].blocks * part_state_B(m, FORMAT_BF16, parts[i].part);
	}
	return s;
}

static void near(const char *file, const char *what, double ours, double expected, double tolerance)
{
	ck_assert_msg(fabs(ours - expected) <= tolerance * fmax(expected, 1),
		      "%s: %s: %.0f, expected %.0f (%+.4f %%)", file, what, ours, expected,
		      100 * (ours / expected - 1));
}

START_TEST(families_are_as_expected)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct csv csv = {.rows = NULL};
	char *text;
	size_t len;

	ck_assert_int_eq(file_read(&a, FOLDER "expected.csv", 1 << 20, &text, &len, &err), 0);
	ck_assert_int_eq(csv_read(&a, FOLDER "expected.csv", text, &csv, &err), 0);
	ck_assert_uint_ge(csv.n, 57);
	for (size_t i = 0; i < csv.n; i++) {
		const struct csv_row *row = &csv.rows[i];
		const char *file = csv_get(&csv, row, "file");
		struct imported x;
		struct sums s;
#define EXPECTED(head) strtod(csv_get(&csv, row, head), NULL)
		import_file(&x, arena_printf(&a, FOLDER "%s", file));
		s = caches(&x.m, 32768);
		ck_assert_int_eq(x.m.layers, (int64_t)EXPECTED("layers"));
		ck_assert_int_eq(x.m.tied_head, !strcmp(csv_get(&csv, row, "tied"), "true"));
		check_words(&x, file, csv_get(&csv, row, "layer_kinds"), csv_get(&csv, row, "ffn"));
		near(file, "cache of a token", s.growth, EXPECTED("kv_bytes_per_token_f16"), 0);
		near(file, "cache of 32768", s.cache, EXPECTED("kv_bytes_32768_f16"), 0);
		near(file, "state, f32", s.state_f32, EXPECTED("state_bytes_llamacpp"), 0);
		near(file, "state, 16 bits", s.state_16, EXPECTED("state_bytes_mlx"), 0);
		near(file, "parameters", model_weights(&x.m), EXPECTED("parameters_text"), 0.001);
		near(file, "of predictors", model_mtp_weights(&x.m), EXPECTED("parameters_mtp"), 0.001);
		near(file, "read by a step", read_by_a_step(&x.m), EXPECTED("weights_read_batch1"), 0.002);
		drop(&x);
#undef EXPECTED
	}
	arena_release(&a);
}
END_TEST

Suite *suite_families(void)
{
	Suite *s = suite_create("families");
	TCase *tc = tcase_create("families");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, families_are_as_expected);
	suite_add_tcase(s, tc);
	return s;
}
