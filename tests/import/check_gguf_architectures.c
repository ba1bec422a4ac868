/*
 * check_gguf_architectures.c - room import: whole headers of GGUF files, tensor by tensor as llama.cpp writes them (names and shapes of
 * src/models at 3f545be, in small), of the architectures of 2025 and 2026. Each is imported; its layers hold as many weights as
 * the table of tensors, and a scenario that names the file takes its bytes.
 */
#include "tests/suites.h"

#include <math.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/import/import.h"
#include "sim/import/weights_file.h"
#include "tests/folder.h"
#include "tests/import/ggufwhole.h"

/* --- what is made of them ------------------------------------------------------------------------- */

static const struct {
	void (*make)(struct file *f);
	const char
		*pattern; /* a part of the model file; NULL: layers are alike, or differ in their FFN alone */
	const char *note; /* of what is told; NULL: nothing is */
} files[] = {
	{whole_qwen3next, "pattern: [3 delta, full]", NULL},
	{whole_qwen35_with_mtp, "mtp: {layers: 1", "counted apart"},
	{whole_qwen35moe_by_flags, "pattern: [delta, full]", NULL},
	{whole_nemotron_latent, "pattern: [mamba2, moe, full, moe]", NULL},
	{whole_granite_hybrid, "pattern: [mamba2, full]", NULL},
	{whole_lfm2_moe, "pattern: [conv_ffn, conv_moe, full, conv_moe]", NULL},
	{whole_falcon_h1, "attention | mamba2, ffn", NULL},
	{whole_deepseek_mla, "latent: {q_rank: 128", NULL},
	{whole_deepseek_of_whole_heads, "expanded: true", "caches keys and values of all heads"},
	{whole_glm_with_shared_indices, "pattern: [sparse_ffn, 2 sparse_shared, sparse_moe]", NULL},
	{whole_kimi_linear, "pattern: [delta_ffn, 2 delta_moe, full]", "queries are taken as not compressed"},
	{whole_gemma4_experts, "pattern: [2 window, full]", NULL},
	{whole_gemma4_wide, "pattern: [window, full, window_shared, full_shared]", NULL},
	{whole_glm4_moe, "first_dense: 1", "predict further tokens are left out"},
	{whole_minimax_m2, NULL, NULL},
	{whole_gpt_oss, "window: 128 tok\n  full_every: 2", NULL},
	{whole_step35, "pattern: [full_ffn, 2 window, full_moe]", NULL},
	{whole_mimo2, "pattern: [full_ffn, 2 window, full_moe]", NULL}};

struct whole {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	struct import_result r;
	struct model m;
	const char *text;
};

static void write_and_import(struct whole *x, struct file *f)
{
	const struct import_ask ask = {.path = "whole.gguf", .tool = "check"};
	struct source *s;
	struct err err = ERR_INIT;
	struct str out = STR_INIT;

	gguf_finish(&f->g, &out);
	MUST(file_write("whole.gguf", out.text, out.len, true, &err) == 0);
	str_release(&out);
	*x = (struct whole){.arena = ARENA_INIT};
	diags_init(&x->diags, &x->arena);
	loader_init(&x->loader, &x->arena, &x->diags);
	ck_assert_msg(import_model(&x->loader, &ask, &x->r, &err) == 0, "%s: %s%s", f->arch, err.msg,
		      x->diags.n ? x->diags.list[0].msg : "");
	x->text = arena_strdup(&x->arena, x->r.text.text);
	str_release(&x->r.text);
	s = arena_alloc(&x->arena, sizeof *s);
	*s = (struct source){"made", x->text, strlen(x->text)};
	MUST(field_load(&model_table, yml_parse(&x->arena, s, &x->diags), "model", &x->m, &x->diags) == 0);
	MUST(model_check(&x->m, &x->diags) == 0);
}

START_TEST(layers_hold_what_the_table_has)
{
	struct file f;
	struct whole x;

	files[_i].make(&f);
	write_and_import(&x, &f);
	ck_assert_msg(fabs(model_weights(&x.m) / x.r.described.parameters - 1) < 1e-5,
		      "%s: %.0f by layers, %.0f in the table", f.arch, model_weights(&x.m),
		      x.r.described.parameters);
	ck_assert_msg(!files[_i].pattern || strstr(x.text, files[_i].pattern), "%s: no %s in\n%s", f.arch,
		      files[_i].pattern, x.text);
	ck_assert_msg(files[_i].note ? strstr(x.text, files[_i].note) != NULL
				     : !strstr(x.text, "not modelled"),
		      "%s:\n%s", f.arch, x.text);
	arena_release(&x.arena);
}
END_TEST

/* Types differ by layer and by class: the scenario takes the file's bytes, whatever its name says. */
START_TEST(scenarios_take_its_bytes)
{
	struct precision p = {.weights = 0};
	struct source s = {"s.yaml", "weights: {file: whole.gguf}\n", 28};
	struct file f;
	struct whole x;

	files[_i].make(&f);
	write_and_import(&x, &f);
	MUST(field_load(&precision_table, yml_parse(&x.arena, &s, &x.diags), "precision", &p, &x.diags) == 0);
	ck_assert_msg(weights_file_load(&x.loader, &x.m, &p) == 0, "%s: %s", f.arch,
		      x.diags.n ? x.diags.list[0].msg : "");
	ck_assert_msg(fabs(model_weights_B(&x.m, &p) / x.r.described.bytes - 1) < 1e-3,
		      "%s: %.0f, the table %.0f", f.arch, model_weights_B(&x.m, &p), x.r.described.bytes);
	arena_release(&x.arena);
}
END_TEST

/* Keys that change what layers hold or do, of an architecture that has no such thing. */
static const struct {
	const char *key, *says;
	bool refused;
} changes[] = {{"num_loops", "its layers run several times over", true},
	       {"hyper_connection.count", "several residual streams", true},
	       {"attention.kv_lora_rank_swa", "ranks of their own", true},
	       {"attention.shared_kv_layers", "share keys and values", false},
	       {"embedding_length_per_layer_input", "embeddings of each layer", false},
	       {"attention.indexer.top_k", "chosen tokens", false},
	       {"classifier.output_labels", "no head over the vocabulary", false}};

START_TEST(keys_that_change_layers_are_told)
{
	const struct import_ask ask = {.path = "whole.gguf", .tool = "check"};
	struct arena a = ARENA_INIT;
	struct diags diags;
	struct loader loader;
	struct import_result r;
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct file f;

	whole_minimax_m2(&f);
	whole_key(&f, changes[_i].key, 2);
	gguf_finish(&f.g, &out);
	MUST(file_write("whole.gguf", out.text, out.len, true, &err) == 0);
	str_release(&out);
	diags_init(&diags, &a);
	loader_init(&loader, &a, &diags);
	ck_assert_int_eq(import_model(&loader, &ask, &r, &err), changes[_i].refused ? -1 : 0);
	ck_assert_msg(strstr(changes[_i].refused ? err.msg : r.text.text, changes[_i].says), "%s: %s",
		      changes[_i].key, err.msg);
	str_release(&r.text);
	arena_release(&a);
}
END_TEST

Suite *suite_gguf_architectures(void)
{
	Suite *s = suite_create("gguf_architectures");
	TCase *t = tcase_create("gguf_architectures");

	tcase_add_checked_fixture(t, folder_enter, folder_leave);
	tcase_add_loop_test(t, layers_hold_what_the_table_has, 0, ARRAY_LEN(files));
	tcase_add_loop_test(t, scenarios_take_its_bytes, 0, ARRAY_LEN(files));
	tcase_add_loop_test(t, keys_that_change_layers_are_told, 0, ARRAY_LEN(changes));
	suite_add_tcase(s, t);
	return s;
}
