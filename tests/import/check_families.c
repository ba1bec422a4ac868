/* check_families.c - room import: config.json files of the families of 2026 against what is known of each model. */
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/csv.h"
#include "sim/base/file.h"
#include "sim/import/families.h"
#include "sim/import/import.h"
#include "sim/llm/projections.h"
#include "tests/import/ggufmake.h"
#include "tests/import/imported.h"

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

/* Models of scans alone, as state-spaces published them (mamba-2.8b, mamba2-2.7b): parameters, counted from the tensors of
 * transformers' modeling_mamba.py and modeling_mamba2.py, and the state, which is all they keep. */
#define SCANS                                                                                                \
	"\"hidden_size\":2560,\"num_hidden_layers\":64,\"conv_kernel\":4,\"expand\":2,\"use_conv_bias\":"    \
	"true"
static const struct {
	const char *config;
	double parameters, state_B;
} scans[] = {
	{"{\"model_type\":\"mamba2\"," SCANS
	 ",\"num_heads\":80,\"head_dim\":64,\"state_size\":128,\"n_groups\":1,"
	 "\"vocab_size\":50288,\"tie_word_embeddings\":true}",
	 2702599680, 171900928},
	{"{\"model_type\":\"mamba\"," SCANS
	 ",\"intermediate_size\":5120,\"state_size\":16,\"time_step_rank\":160,"
	 "\"vocab_size\":50280}",
	 2768345600, 24903680},
	{"{\"model_type\":\"falcon_mamba\"," SCANS ",\"intermediate_size\":5120,\"state_size\":16,"
	 "\"time_step_rank\":\"auto\",\"vocab_size\":50280}",
	 2768345600, 24903680},
};

START_TEST(scans_alone)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *path = arena_printf(&a, "/tmp/lemursim-scans-%d.json", (int)getpid());
	struct imported x;
	struct sums s;

	ck_assert_int_eq(file_write(path, scans[_i].config, strlen(scans[_i].config), true, &err), 0);
	import_file(&x, path);
	remove(path);
	s = caches(&x.m, 32768);
	near(path, "parameters", model_weights(&x.m), scans[_i].parameters, 0);
	near(path, "read by a step", read_by_a_step(&x.m), scans[_i].parameters, 0);
	near(path, "state", s.state_f32, scans[_i].state_B, 0);
	ck_assert_double_eq(s.cache, 0);
	drop(&x);
	arena_release(&a);
}
END_TEST

/* Text models within others, whose parameters are those of the text model that they are made of: Qwen3-8B in InternVL3.5-8B,
 * Qwen3-30B-A3B in Qwen3-Omni (keras_hub's qwen3_omni_presets.py has the same number), GLM-4.5-Air in GLM-4.5V. */
#define QWEN3_8B                                                                                             \
	"\"model_type\":\"qwen3\",\"hidden_size\":4096,\"num_hidden_layers\":36,\"num_attention_heads\":32," \
	"\"num_key_value_heads\":8,\"head_dim\":128,\"intermediate_size\":12288,\"vocab_size\":151936,"      \
	"\"max_position_embeddings\":40960,\"tie_word_embeddings\":false"
#define QWEN3_30B                                                                                            \
	"\"hidden_size\":2048,\"num_hidden_layers\":48,\"num_attention_heads\":32,\"num_key_value_heads\":"  \
	"4,"                                                                                                 \
	"\"head_dim\":128,\"intermediate_size\":768,\"moe_intermediate_size\":768,\"num_experts\":128,"      \
	"\"num_experts_per_tok\":8,\"vocab_size\":152064,\"max_position_embeddings\":65536,"                 \
	"\"tie_word_embeddings\":false"
#define GLM_45_AIR                                                                                           \
	"\"hidden_size\":4096,\"num_hidden_layers\":46,\"num_attention_heads\":96,\"num_key_value_heads\":"  \
	"8,"                                                                                                 \
	"\"head_dim\":128,\"attention_bias\":true,\"intermediate_size\":10944,\"moe_intermediate_size\":"    \
	"1408,"                                                                                              \
	"\"n_routed_experts\":128,\"n_shared_experts\":1,\"num_experts_per_tok\":8,"                         \
	"\"first_k_dense_replace\":1,\"vocab_size\":151552,\"max_position_embeddings\":65536"
static const struct {
	const char *config;
	double parameters;
} within[] = {
	{"{\"model_type\":\"internvl_chat\",\"vision_config\":{\"hidden_size\":1024},\"llm_config\":"
	 "{" QWEN3_8B "}}",
	 8190735360},
	{"{\"model_type\":\"internvl\",\"text_config\":{" QWEN3_8B
	 "},\"vision_config\":{\"hidden_size\":1024}}",
	 8190735360},
	{"{\"model_type\":\"qwen3_omni_moe\",\"talker_config\":{\"hidden_size\":1024},"
	 "\"thinker_config\":{\"model_type\":\"qwen3_omni_moe_thinker\",\"audio_config\":{\"d_model\":1280},"
	 "\"text_config\":{\"model_type\":\"qwen3_omni_moe_text\"," QWEN3_30B "}}}",
	 30532122624},
	{"{\"model_type\":\"glm4v_moe\",\"text_config\":{\"model_type\":\"glm4v_moe_text\"," GLM_45_AIR "}}",
	 106852251264},
	{"{\"model_type\":\"glm4v_moe\"," GLM_45_AIR "}", 106852251264},
};

START_TEST(text_within_others)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *path = arena_printf(&a, "/tmp/lemursim-within-%d.json", (int)getpid());
	struct imported x;

	ck_assert_int_eq(file_write(path, within[_i].config, strlen(within[_i].config), true, &err), 0);
	import_file(&x, path);
	remove(path);
	near(within[_i].config, "parameters", model_weights(&x.m), within[_i].parameters, 0.001);
	drop(&x);
	arena_release(&a);
}
END_TEST

/* Figures at 262,144 tokens of one sequence. Behind all windows a cache grows by what each token adds, whole
 * blocks of 128 tokens counted (the rows of DeepSeek V4); states do not grow. */
START_TEST(long_contexts)
{
	enum { SHORT = 32768, LONG = 262144 };
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct csv csv = {.rows = NULL};
	char *text;
	size_t len;

	ck_assert_int_eq(file_read(&a, FOLDER "expected.csv", 1 << 20, &text, &len, &err), 0);
	ck_assert_int_eq(csv_read(&a, FOLDER "expected.csv", text, &csv, &err), 0);
	for (size_t i = 0; i < csv.n; i++) {
		const char *file = csv_get(&csv, &csv.rows[i], "file");
#define EXPECTED(head) strtod(csv_get(&csv, &csv.rows[i], head), NULL)
		const double at_short = EXPECTED("kv_bytes_32768_f16"),
			     each = EXPECTED("kv_bytes_per_token_f16");
		struct imported x;
		struct sums s;

		import_file(&x, arena_printf(&a, FOLDER "%s", file));
		s = caches(&x.m, LONG);
		near(file, "cache of 262144", s.cache, at_short + (LONG - SHORT) * each, 0);
		near(file, "state, f32", s.state_f32, EXPECTED("state_bytes_llamacpp"), 0);
		near(file, "state, 16 bits", s.state_16, EXPECTED("state_bytes_mlx"), 0);
		drop(&x);
#undef EXPECTED
	}
	arena_release(&a);
}
END_TEST

/* The sums of llama.cpp's llama-hparams.cpp (n_embd_k_gqa(), n_embd_v_gqa(), n_embd_r(), n_embd_s(); ngxson/llama.cpp@
 * 3f545be), written out for models of the catalogue: f16 caches, states in f32. */
#define GQA(layers, kv_heads, k, v) (2.0 * (layers) * (kv_heads) * ((k) + (v)))
#define DELTA_R(width, key_heads, dk, heads, dv)                                                             \
	(4.0 * ((width)-1) * (2.0 * (key_heads) * (dk) + (heads) * (dv)))
#define DELTA_S(heads, dk, dv)           (4.0 * (heads) * (dk) * (dv))
#define MAMBA_R(width, inner, groups, n) (4.0 * ((width)-1) * ((inner) + 2.0 * (groups) * (n)))
#define MAMBA_S(inner, n)                (4.0 * (inner) * (n))
static const struct {
	const char *model;
	double each;    /* bytes that a token adds behind all windows */
	double windows; /* bytes of full windows */
	double state;   /* bytes of states in f32 */
} kept[] = {
	{"qwen3.5-4b", GQA(8, 4, 256, 256), 0, 24 * (DELTA_R(4, 16, 128, 32, 128) + DELTA_S(32, 128, 128))},
	{"qwen3.5-9b", GQA(8, 4, 256, 256), 0, 24 * (DELTA_R(4, 16, 128, 32, 128) + DELTA_S(32, 128, 128))},
	{"qwen3.5-35b-a3b", GQA(10, 2, 256, 256), 0,
	 30 * (DELTA_R(4, 16, 128, 32, 128) + DELTA_S(32, 128, 128))},
	{"qwen3-next-80b-a3b", GQA(12, 2, 256, 256), 0,
	 36 * (DELTA_R(4, 16, 128, 32, 128) + DELTA_S(32, 128, 128))},
	{"gemma-4-31b", GQA(10, 4, 512, 512), 1024 * GQA(50, 16, 256, 256), 0},
	{"gemma-4-e4b", GQA(4, 2, 512, 512), 512 * GQA(20, 2, 256, 256), 0},
	{"gemma-3n-e4b", GQA(4, 2, 256, 256), 512 * GQA(16, 2, 256, 256), 0},
	{"glm-4.7-flash", 2.0 * 47 * (512 + 64), 0, 0},
	{"granite-4.0-h-small", GQA(4, 8, 128, 128), 0, 36 * (MAMBA_R(4, 8192, 1, 128) + MAMBA_S(8192, 128))},
	{"granite-4.0-h-tiny", GQA(4, 4, 128, 128), 0, 36 * (MAMBA_R(4, 3072, 1, 128) + MAMBA_S(3072, 128))},
	{"nemotron-3-nano", GQA(6, 2, 128, 128), 0, 23 * (MAMBA_R(4, 4096, 8, 128) + MAMBA_S(4096, 128))},
	{"lfm2-1.2b", GQA(6, 8, 64, 64), 0, 10 * 4.0 * 2048 * 2},
	{"lfm2-8b-a1b", GQA(6, 8, 64, 64), 0, 18 * 4.0 * 2048 * 2},
	{"smollm3-3b", GQA(36, 4, 128, 128), 0, 0},
	{"seed-oss-36b", GQA(64, 8, 128, 128), 0, 0},
	{"olmo-3-7b", GQA(8, 32, 128, 128), 4096 * GQA(24, 32, 128, 128), 0},
	{"olmo-3-32b", GQA(16, 8, 128, 128), 4096 * GQA(48, 8, 128, 128), 0},
	{"command-r7b", GQA(8, 8, 128, 128), 4096 * GQA(24, 8, 128, 128), 0},
	{"command-a", GQA(16, 8, 128, 128), 4096 * GQA(48, 8, 128, 128), 0},
	{"phi-3.5-moe", GQA(32, 8, 128, 128), 0, 0},
	/* indexers keep a key of their own, one for several layers in GLM-5.2; caches of a window or a chunk stop growing */
	{"gpt-oss-120b", GQA(18, 8, 64, 64), 128 * GQA(18, 8, 64, 64), 0},
	{"gpt-oss-20b", GQA(12, 8, 64, 64), 128 * GQA(12, 8, 64, 64), 0},
	{"gemma-4-26b-a4b", GQA(5, 2, 512, 512), 1024 * GQA(25, 8, 256, 256), 0},
	{"glm-5.2", 2.0 * (78 * (512 + 64) + 21 * 128), 0, 0},
	{"glm-5", 2.0 * 78 * (512 + 64 + 128), 0, 0},
	{"deepseek-v3.2", 2.0 * 61 * (512 + 64 + 128), 0, 0},
	{"kimi-k2", 2.0 * 61 * (512 + 64), 0, 0},
	{"mimo-v2-flash", GQA(9, 4, 192, 128), 128 * GQA(39, 8, 192, 128), 0},
	{"llama-4-scout", GQA(12, 8, 128, 128), 8192 * GQA(36, 8, 128, 128), 0},
	{"qwen3.6-27b", GQA(16, 4, 256, 256), 0, 48 * (DELTA_R(4, 16, 128, 48, 128) + DELTA_S(48, 128, 128))},
	{"minimax-m2.7", GQA(62, 8, 128, 128), 0, 0},
	{"minimax-m3", GQA(60, 4, 128, 128) + 2.0 * 57 * 128, 0, 0},
	{"nemotron-3-super", GQA(8, 2, 128, 128), 0, 40 * (MAMBA_R(4, 8192, 8, 128) + MAMBA_S(8192, 128))},
	{"qwen3-235b-a22b", GQA(94, 4, 128, 128), 0, 0},
	/* KDA: a convolution of q, k and v each; the others keep the latent */
	{"kimi-linear-48b-a3b", 2.0 * 7 * (512 + 64), 0, 20 * (4.0 * 3 * 3 * 4096 + DELTA_S(32, 128, 128))},
	{"falcon-h1-34b", GQA(72, 4, 128, 128), 0, 72 * (MAMBA_R(4, 4096, 2, 256) + MAMBA_S(4096, 256))},
	{"jamba-mini", GQA(4, 8, 128, 128), 0, 28 * (MAMBA_R(4, 8192, 0, 16) + MAMBA_S(8192, 16))},
};

START_TEST(caches_of_the_catalogue)
{
	struct arena a = ARENA_INIT;
	struct imported x;

	import_file(&x, arena_printf(&a, "tests/data/configs/%s.json", kept[_i].model));
	for (int64_t tokens = 32768; tokens <= 262144; tokens *= 8) {
		const struct sums s = caches(&x.m, tokens);

		near(kept[_i].model, "cache", s.cache, kept[_i].windows + (double)tokens * kept[_i].each, 0);
		near(kept[_i].model, "state, f32", s.state_f32, kept[_i].state, 0);
	}
	drop(&x);
	arena_release(&a);
}
END_TEST

/* The published counts of every model that has one, closer than model_check() asks for. */
START_TEST(counts_of_the_catalogue)
{
	struct arena a = ARENA_INIT;
	struct diags diags;
	struct loader l;
	struct load_found *found;
	size_t n, counted = 0;

	diags_init(&diags, &a);
	loader_init(&l, &a, &diags);
	n = load_list(&l, ".", "models", &found);
	for (size_t i = 0; i < n; i++) {
		struct model m = {.layers = 0};
		struct yml *tree = load_file(&l, found[i].path, "models", MODEL_SCHEMA);

		ck_assert_ptr_nonnull(tree);
		ck_assert_int_eq(field_load(&model_table, tree, "model", &m, &diags), 0);
		ck_assert_int_eq(model_check(&m, &diags), 0);
		if (!m.parameters)
			continue;
		near(found[i].name, "parameters", model_weights(&m), (double)m.parameters, 0.001);
		counted++;
	}
	ck_assert_uint_ge(counted, 115);
	arena_release(&a);
}
END_TEST

/* --- the table of families ------------------------------------------------------------------------ */

static const char *row_in_readme(struct arena *a, const struct family *f)
{
	return arena_printf(a, "| `%s` | %s%s%s |\n", f->type,
			    f->refused ? "refused: "
			    : f->like  ? "as `"
				       : "imported",
			    f->refused ? f->refused
			    : f->like  ? f->like
				       : "",
			    f->like && !f->refused ? "`" : "");
}

/* models/README.md says of each row what becomes of it. */
START_TEST(readme_lists_the_families)
{
	struct arena a = ARENA_INIT;
	const char *readme = read_text(&a, "models/README.md");

	for (size_t i = 0; family_at(i); i++) {
		const char *row = row_in_readme(&a, family_at(i));

		ck_assert_msg(strstr(readme, row), "models/README.md lacks: %s", row);
	}
	arena_release(&a);
}
END_TEST

START_TEST(families_have_one_row_each)
{
	for (size_t i = 0; family_at(i); i++) {
		ck_assert_msg(!family_at(i)->like || family_of(family_at(i)->type), "%s is like nothing",
			      family_at(i)->type);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(family_at(i)->type, family_at(k)->type);
	}
}
END_TEST

/* Every family of mlx_lm is imported, or refused for a stated reason; models/README.md says how many. */
START_TEST(mlx_lm_is_covered)
{
	struct arena a = ARENA_INIT;
	char *at = read_text(&a, FOLDER "mlx_lm_models.txt");
	size_t n = 0, refused = 0;

	for (char *end; *at; at = end + 1) {
		end = strchr(at, '\n');
		*end = '\0';
		if (*at == '#')
			continue;
		ck_assert_msg(family_of(at), "%s has no row in families.c", at);
		ck_assert(!family_of(at)->refused || *family_of(at)->refused);
		refused += family_of(at)->refused != NULL;
		n++;
	}
	ck_assert_uint_ge(n, 100);
	ck_assert_ptr_nonnull(strstr(read_text(&a, "models/README.md"),
				     arena_printf(&a, "Of its %zu families %zu are imported and %zu refused",
						  n, n - refused, refused)));
	arena_release(&a);
}
END_TEST

/* --- GGUF ----------------------------------------------------------------------------------------- */

struct described_gguf {
	struct arena arena;
	struct described d;
	struct err err;
	int rc;
};

static void describe(struct described_gguf *x, struct ggufmake *make)
{
	struct tensor_table t = {.arena = &x->arena};
	struct str file = STR_INIT;
	struct gguf g;
	struct bytes b;

	gguf_finish(make, &file);
	bytes_memory(&b, "f.gguf", file.text, file.len);
	ck_assert_msg(gguf_read(&x->arena, &b, &g, &t, &x->err) == 0, "%s", x->err.msg);
	ck_assert_int_eq(tensors_sort(&t, &x->err), 0);
	x->rc = describe_gguf(&x->arena, &x->d, &g, &t, &x->err);
	str_release(&file);
}

START_TEST(gguf_of_a_gated_delta_net)
{
	struct described_gguf x = {.arena = ARENA_INIT, .err = ERR_INIT};
	struct ggufmake make = {.version = 3};

	gguf_key_text(&make, "general.architecture", "qwen35");
#define KEY(name, value) gguf_key_u32(&make, "qwen35." name, value)
	KEY("block_count", 9);
	KEY("nextn_predict_layers", 1);
	KEY("embedding_length", 64);
	KEY("feed_forward_length", 256);
	KEY("attention.head_count", 8);
	KEY("attention.head_count_kv", 2);
	KEY("attention.key_length", 16);
	KEY("full_attention_interval", 4);
	KEY("ssm.state_size", 32);
	KEY("ssm.group_count", 2);
	KEY("ssm.time_step_rank", 6);
	KEY("ssm.inner_size", 192);
	KEY("ssm.conv_kernel", 4);
#undef KEY
	gguf_tensor(&make, "token_embd.weight", 1, (const uint64_t[]){64, 1000, 0});
	describe(&x, &make);
	ck_assert_msg(x.rc == 0, "%s", x.err.msg);
	ck_assert_int_eq(x.d.layers, 8);
	ck_assert_int_eq(x.d.mtp_layers, 1);
	ck_assert_int_eq(x.d.vocabulary, 1000);
	ck_assert(x.d.tied);
	ck_assert_uint_eq(x.d.kinds_n, 2);
	for (int64_t i = 0; i < 8; i++)
		ck_assert_int_eq(x.d.kinds[x.d.kind_of[i]].recurrent != NULL, (i + 1) % 4 != 0);
	ck_assert_int_eq(x.d.kinds[0].recurrent->value_dim, 32);
	ck_assert_int_eq(x.d.kinds[0].recurrent->heads, 6);
	ck_assert_int_eq(x.d.kinds[1].attention->gate, GATE_ELEMENT);
	arena_release(&x.arena);
}
END_TEST

/* Layers of one block each, told by lists of key heads and of widths. */
START_TEST(gguf_of_one_block_a_layer)
{
	static const uint32_t kv[] = {0, 0, 2, 0}, ffn[] = {0, 128, 0, 128};
	static const char *const want[] = {"mamba2", "ffn", "full", "ffn"};
	struct described_gguf x = {.arena = ARENA_INIT, .err = ERR_INIT};
	struct ggufmake make = {.version = 3};

	gguf_key_text(&make, "general.architecture", "nemotron_h");
	gguf_key_list(&make, "nemotron_h.attention.head_count_kv", kv, 4);
	gguf_key_list(&make, "nemotron_h.feed_forward_length", ffn, 4);
#define KEY(name, value) gguf_key_u32(&make, "nemotron_h." name, value)
	KEY("block_count", 4);
	KEY("embedding_length", 64);
	KEY("attention.head_count", 4);
	KEY("attention.key_length", 16);
	KEY("ssm.state_size", 32);
	KEY("ssm.group_count", 2);
	KEY("ssm.time_step_rank", 8);
	KEY("ssm.inner_size", 128);
	KEY("ssm.conv_kernel", 4);
#undef KEY
	gguf_tensor(&make, "token_embd.weight", 1, (const uint64_t[]){64, 1000, 0});
	gguf_tensor(&make, "output.weight", 1, (const uint64_t[]){64, 1000, 0});
	describe(&x, &make);
	ck_assert_msg(x.rc == 0, "%s", x.err.msg);
	for (int i = 0; i < 4; i++)
		ck_assert_str_eq(x.d.kinds[x.d.kind_of[i]].name, want[i]);
	ck_assert_int_eq(x.d.kinds[0].recurrent->value_dim, 16);
	arena_release(&x.arena);
}
END_TEST

#define WINDOWS(name)                                                                                        \
	gguf_key_text(&make, "general.architecture", name);                                                  \
	gguf_key_u32(&make, name ".block_count", 8);                                                         \
	gguf_key_u32(&make, name ".context_length", 8192);                                                   \
	gguf_key_u32(&make, name ".embedding_length", 64);                                                   \
	gguf_key_u32(&make, name ".feed_forward_length", 256);                                               \
	gguf_key_u32(&make, name ".attention.head_count_kv", 2);                                             \
	gguf_key_u32(&make, name ".attention.key_length", 16);                                               \
	gguf_key_u32(&make, name ".attention.sliding_window", 128);                                          \
	gguf_tensor(&make, "token_embd.weight", 1, (const uint64_t[]){64, 1000, 0})

static bool sees_all(const struct described_gguf *x, int64_t layer)
{
	return !x->d.kinds[x->d.kind_of[layer]].attention->window;
}

/* Windows of architectures whose files say nothing of their order: llama.cpp has it, and not all layers have one. */
START_TEST(gguf_without_a_pattern)
{
	struct described_gguf x = {.arena = ARENA_INIT, .err = ERR_INIT};
	struct ggufmake make = {.version = 3};

	WINDOWS("cohere2");
	gguf_key_u32(&make, "cohere2.attention.head_count", 8);
	describe(&x, &make);
	ck_assert_msg(x.rc == 0, "%s", x.err.msg);
	for (int64_t i = 0; i < 8; i++)
		ck_assert_int_eq(sees_all(&x, i), i % 4 == 3);
	arena_release(&x.arena);
}
END_TEST

/* The first of each four sees everything, with other heads, and the gate's width says what it is for. */
START_TEST(gguf_of_laguna)
{
	static const uint32_t heads[] = {6, 8, 8, 8, 6, 8, 8, 8};
	struct described_gguf x = {.arena = ARENA_INIT, .err = ERR_INIT};
	struct ggufmake make = {.version = 3};

	WINDOWS("laguna");
	gguf_key_list(&make, "laguna.attention.head_count", heads, 8);
	gguf_key_u32(&make, "laguna.expert_count", 16);
	gguf_key_u32(&make, "laguna.expert_used_count", 2);
	gguf_key_u32(&make, "laguna.expert_feed_forward_length", 32);
	gguf_key_u32(&make, "laguna.leading_dense_block_count", 1);
	gguf_tensor(&make, "blk.0.attn_gate.weight", 1, (const uint64_t[]){64, 6, 0});
	describe(&x, &make);
	ck_assert_msg(x.rc == 0, "%s", x.err.msg);
	for (int64_t i = 0; i < 8; i++) {
		const struct attention *a = x.d.kinds[x.d.kind_of[i]].attention;

		ck_assert_int_eq(sees_all(&x, i), i % 4 == 0);
		ck_assert_int_eq(a->heads, heads[i]);
		ck_assert_int_eq(a->gate, GATE_HEAD);
	}
	arena_release(&x.arena);
}
END_TEST

/* An architecture that is read from its tensors has one rule for its windows. */
START_TEST(gguf_of_irregular_windows)
{
	static const uint32_t flags[] = {1, 0, 1, 1, 0, 1, 1, 1};
	struct described_gguf x = {.arena = ARENA_INIT, .err = ERR_INIT};
	struct ggufmake make = {.version = 3};

	WINDOWS("brandnew");
	gguf_key_u32(&make, "brandnew.attention.head_count", 8);
	gguf_key_list(&make, "brandnew.attention.sliding_window_pattern", flags, 8);
	gguf_tensor(&make, "blk.0.attn_q.weight", 1, (const uint64_t[]){64, 128, 0});
	describe(&x, &make);
	ck_assert_int_eq(x.rc, -1);
	ck_assert_msg(strstr(x.err.msg, "layer 3 breaks the pattern of one full layer in 2"), "%s",
		      x.err.msg);
	arena_release(&x.arena);
}
END_TEST

/* --- unknown families ----------------------------------------------------------------------------- */

static const struct {
	const char *json, *says; /* in the note, or in the complaint */
	bool assume, right;
} unknowns[] = {
	{"{\"model_type\":\"brandnew\",%s}", "--assume takes it as a plain transformer", false, false},
	{"{\"model_type\":\"brandnew\",%s}", "assumed grouped-query attention, a gated FFN", true, true},
	{"{\"model_type\":\"brandnew\",\"num_experts\":8,\"num_experts_per_tok\":2,%s}",
	 "assumed grouped-query attention, experts", true, true},
	{"{\"model_type\":\"brandnew\",\"ssm_state_size\":16,%s}",
	 "'ssm_state_size' speaks of layers that a plain transformer lacks", true, false},
	{"{\"model_type\":\"recurrent_gemma\",%s}", "cannot be imported: its gated linear recurrence", true,
	 false},
};
START_TEST(unknown_families)
{
	struct arena a = ARENA_INIT;
	struct diags diags;
	struct described d;
	struct source *s = arena_alloc(&a, sizeof *s);
	const char *text =
		arena_printf(&a, unknowns[_i].json,
			     "\"hidden_size\":64,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
			     "\"vocab_size\":100,\"intermediate_size\":128");
	int rc;

	diags_init(&diags, &a);
	*s = (struct source){"config.json", text, strlen(text)};
	rc = describe_hf(&d, yml_parse(&a, s, &diags), unknowns[_i].assume, &diags);
	ck_assert_int_eq(rc, unknowns[_i].right ? 0 : -1);
	if (rc == 0) {
		ck_assert_ptr_nonnull(strstr(d.notes[0], unknowns[_i].says));
	} else {
		struct str out = STR_INIT;

		diags_format(&diags, &out);
		ck_assert_msg(strstr(out.text, unknowns[_i].says), "%s", out.text);
		str_release(&out);
	}
	arena_release(&a);
}
END_TEST

Suite *suite_families(void)
{
	Suite *s = suite_create("families");
	TCase *tc = tcase_create("families");

	tcase_add_loop_test(tc, scans_alone, 0, ARRAY_LEN(scans));
	tcase_add_loop_test(tc, text_within_others, 0, ARRAY_LEN(within));
	tcase_add_test(tc, families_are_as_expected);
	tcase_add_test(tc, long_contexts);
	tcase_add_loop_test(tc, caches_of_the_catalogue, 0, ARRAY_LEN(kept));
	tcase_add_test(tc, counts_of_the_catalogue);
	tcase_add_test(tc, gguf_without_a_pattern);
	tcase_add_test(tc, gguf_of_laguna);
	tcase_add_test(tc, gguf_of_irregular_windows);
	tcase_add_test(tc, readme_lists_the_families);
	tcase_add_test(tc, families_have_one_row_each);
	tcase_add_test(tc, mlx_lm_is_covered);
	tcase_add_test(tc, gguf_of_a_gated_delta_net);
	tcase_add_test(tc, gguf_of_one_block_a_layer);
	tcase_add_loop_test(tc, unknown_families, 0, ARRAY_LEN(unknowns));
	suite_add_tcase(s, tc);
	return s;
}
