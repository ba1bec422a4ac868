/* check_scenario_rows.c - rows of a report held against a scenario: each setting of a row with each kind of scenario. */
#include <string.h>

#include "sim/base/str.h"
#include "sim/validate/scenario_rows.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

enum { MAC = 1, PAIR = 2, CARD = 4, SPILLED = 8, EVERY = 15 };

/* One Mac, two of them, a card, and a card whose experts are in its host's memory. */
static const struct {
	int is;
	const char *model, *runtime, *machines, *links, *place;
} scenarios[] = {
	{MAC, "mistral-7b", "llama.cpp", "{m: apple-m4-pro-20c-24gb}", "", "{name: a, place: [{on: m}]}"},
	{PAIR, "mistral-7b", "llama.cpp", "{m: apple-m4-pro-20c-24gb, n: apple-m4-pro-20c-24gb}",
	 "links: {tb: {base: thunderbolt-5-tcp, between: [m, n]}}\n",
	 "{name: a, place: [{layers: 0-15, on: m}, {layers: 16-31, on: n}, {op: embedding, on: m}, {op: "
	 "head, on: n}]}"},
	{CARD, "mistral-7b", "cuda", "{m: nvidia-rtx-3090-24gb}", "", "{name: a, place: [{on: m}]}"},
	{SPILLED, "gpt-oss-20b", "{default: cuda, host: llama.cpp}",
	 "{m: nvidia-rtx-3090-24gb, host: host-ryzen-9-7950x-64gb}",
	 "links: {pcie: {base: pcie-4-x16, between: [m, host]}}\n",
	 "{name: a, place: [{on: m}], offload: {experts: 8, to: host}}"},
};

/* A column, what a row says there, and the scenarios that such a row may be of. */
static const struct {
	const char *column, *says;
	int fine;
} settings[] = {
	{"backend", "Metal,BLAS", MAC | PAIR},
	{"backend", "CUDA", CARD | SPILLED},
	{"backend", "Vulkan", 0},
	{"backend", "ROCm", 0},
	{"backend", "CPU", SPILLED},
	{"backend", "Metal,RPC", PAIR},
	{"ngl", "99", EVERY},
	{"ngl", "-1", EVERY},
	{"ngl", "33", EVERY},
	{"ngl", "10", SPILLED},
	{"ngl", "0", SPILLED},
	{"sm", "none", EVERY},
	{"sm", "layer", EVERY},
	{"sm", "row", PAIR},
	{"sm", "tensor", PAIR},
	{"ts", "1.00/1.00", PAIR},
	{"ts", "1.00/0.00", EVERY},
	{"ts", "1.00/1.00/1.00", 0},
	{"dev", "auto", EVERY},
	{"dev", "CUDA0/CUDA1", PAIR},
	{"rpc", "10.0.0.2:50052", PAIR | SPILLED}, /* a host is a machine */
	{"n_cpu_moe", "8", SPILLED},
	{"n_cpu_moe", "0", EVERY},
	{"ot", "exps=CPU", SPILLED},
	{"ot", "none", EVERY},
	{"nkvo", "1", 0},
	{"nkvo", "0", EVERY},
	{"embd", "1", 0},
	/* the chip */
	{"gpu_info", "Apple M4 Pro", MAC | PAIR},
	{"gpu_info", "Apple M4 Max", 0},
	{"gpu_info", "NVIDIA GeForce RTX 3090", CARD | SPILLED},
	{"gpu_info", "NVIDIA GeForce RTX 4090", 0},
	{"gpu_info", "somebody's own", EVERY},
};

static const char *yaml(struct arena *a, size_t i)
{
	return arena_printf(a,
			    "schema: lemursim/scenario/1\ntitle: a\nmodel: %s\n"
			    "precision: {weights: q4_0, kv: f16}\nruntime: %s\nmachines: %s\n%s"
			    "workload: {generate: {prompt: 512 tok, tokens: 16 tok}}\nassignments:\n  - %s\n",
			    scenarios[i].model, scenarios[i].runtime, scenarios[i].machines,
			    scenarios[i].links, scenarios[i].place);
}

START_TEST(each_setting_with_each_scenario)
{
	struct arena texts = ARENA_INIT;

	for (size_t k = 0; k < ARRAY_LEN(scenarios); k++) {
		const bool fine = settings[_i].fine & scenarios[k].is;
		struct fixture t;
		struct err err = ERR_INIT;
		enum run_column column;
		struct model_shelf shelf;
		struct runs runs;
		const char *text;
		int rc;

		fixture_text(&t, yaml(&texts, k), NULL);
		shelf = (struct model_shelf){.loader = &t.loader};
		text = arena_printf(&t.arena, "kind,prompt,tok_per_s,%s\npp,512,900,\"%s\"\n",
				    settings[_i].column, settings[_i].says);
		MUST(runs_parse(&t.arena, "f", text, strlen(text), &runs, &err) == 0);
		rc = scenario_rows_check(&shelf, t.world, &runs.at[0], &column, &err);
		ck_assert_msg((rc == 0) == fine, "%s %s in scenario %d: %s", settings[_i].column,
			      settings[_i].says, scenarios[k].is, err.msg);
		if (rc != 0) {
			ck_assert_str_eq(run_column_name(&runs.at[0], column), settings[_i].column);
			ck_assert_ptr_nonnull(strstr(err.hint, "--skip-foreign"));
		}
		fixture_release(&t);
	}
	arena_release(&texts);
}
END_TEST

Suite *suite_scenario_rows(void)
{
	Suite *s = suite_create("scenario_rows");
	TCase *t = tcase_create("scenario_rows");

	tcase_add_loop_test(t, each_setting_with_each_scenario, 0, ARRAY_LEN(settings));
	suite_add_tcase(s, t);
	return s;
}
