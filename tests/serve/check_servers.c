/* check_servers.c - the servers that ship, and the blocks of KV cache that their machines hold. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/hw/programs.h"
#include "sim/serve/batch_cost.h"
#include "tests/fixtures.h"
#include "tests/serve/serve_toy.h"
#include "tests/suites.h"

static struct fixture fixture;

static const char *const servers[] = {"serve-llama.cpp", "serve-ollama",    "serve-mlx",
				      "serve-omlx",      "serve-lm-studio", "serve-vllm",
				      "serve-sglang",    "serve-static",    "serve-vllm-70gb"};
START_TEST(servers_load)
{
	const struct serving *s;

	fixture_text(&fixture, FIXTURE_PAIR, NULL);
	s = serving_load(&fixture.loader, servers[_i], (struct place){0}, NULL);
	ck_assert_msg(s != NULL, "%s", fixture_complaints(&fixture));
	ck_assert_int_ge(s->seqs, 1);
	for (size_t i = 0; i < serving_table.n; i++) {
		const struct qty *q = (const void *)((const char *)s + serving_table.fields[i].offset);

		if (serving_table.fields[i].type == FIELD_QTY && q->given &&
		    q->provenance != PROVENANCE_MEASURED)
			ck_assert_msg(q->source != NULL, "%s: %s has no source", servers[_i],
				      serving_table.fields[i].key);
	}
	fixture_release(&fixture);
}
END_TEST

START_TEST(no_server)
{
	fixture_text(&fixture, FIXTURE_PAIR, NULL);
	ck_assert_ptr_null(serving_load(&fixture.loader, "apple-m4-10c", (struct place){0}, NULL));
	ck_assert_ptr_nonnull(strstr(fixture_complaints(&fixture), "is no server"));
	ck_assert_ptr_null(serving_load(&fixture.loader, "serve-nobody", (struct place){0}, NULL));
	fixture_release(&fixture);
}
END_TEST

START_TEST(servers_of_runtimes)
{
	ck_assert_str_eq(serving_of_runtime("cuda@2026-08"), "serve-llama.cpp-cuda");
	ck_assert_str_eq(serving_of_runtime("llama.cpp"), "serve-llama.cpp");
	ck_assert_str_eq(serving_of_runtime("mlx@2025-12"), "serve-mlx");
	ck_assert_str_eq(serving_of_runtime("vllm"), "serve-vllm");
	ck_assert_ptr_null(serving_of_runtime("llama"));
}
END_TEST

/* vLLM 0.19 said 2588 blocks of 16 tokens on that card (casys-kaist/LLMServingSim@5daddb2, bench/examples).
 */
START_TEST(blocks_of_vllm)
{
	const struct serving *provenance;
	struct placement at;
	struct batch_kv kv;

	fixture_text(&fixture, VLLM_4090, NULL);
	provenance = serving_load(&fixture.loader, "serve-vllm", (struct place){0}, NULL);
	at = fixture_place(&fixture, 0);
	kv = batch_kv_of(&at, provenance, true);
	ck_assert_double_eq(kv.token_B, 131072);
	ck_assert_int_eq(kv.tokens, kv.blocks * 16);
	ck_assert_double_le(fabs((double)kv.blocks / 2588 - 1), 0.05);
	fixture_release(&fixture);
}
END_TEST

/* Blocks of a model with recurrent layers. */
static struct batch_kv kv_of_hybrid(const char *model, const char *server)
{
	char said[64];
	const char *const sets[] = {said, "machines={a: nvidia-rtx-pro-6000-blackwell-96gb}", NULL};
	const struct serving *how;
	struct placement at;
	struct batch_kv kv;

	snprintf(said, sizeof said, "model=%s", model);
	fixture_text(&fixture, VLLM_4090, sets);
	how = serving_load(&fixture.loader, server, (struct place){0}, NULL);
	at = fixture_place(&fixture, 0);
	kv = batch_kv_of(&at, how, true);
	fixture_release(&fixture);
	return kv;
}

/* Qwen3.6 35B-A3B: a page of the gated delta net is 3 * 8192 * 2 + 32 * 128 * 128 * 4 = 2146304 bytes, a token of its attention
 * 2048: blocks of 1056 tokens, the first multiple of 16 whose page holds a state. Its 30 recurrent layers are three
 * groups of as many as its 10 of attention. Granite 4.0 H Small: 36 and 4 layers, nine groups. */
START_TEST(blocks_of_vllm_hold_states)
{
	const struct batch_kv delta = kv_of_hybrid("qwen3.6-35b-a3b", "serve-vllm"),
			      mamba = kv_of_hybrid("granite-4.0-h-small", "serve-vllm"),
			      apart = kv_of_hybrid("qwen3.6-35b-a3b", "serve-sglang");

	ck_assert_int_eq(delta.block, 1056);
	ck_assert_int_eq(delta.state_blocks, 3);
	ck_assert_int_eq(delta.tokens, delta.blocks * 1056);
	ck_assert_int_eq(mamba.block % 16, 0);
	ck_assert_int_eq(mamba.state_blocks, 9);
	ck_assert_int_eq(apart.block, 1);
	ck_assert_int_eq(apart.state_blocks, 0);
	/* SGLang sets the states of all that may run apart, vLLM those of running requests */
	ck_assert_int_gt(delta.tokens, apart.tokens);
}
END_TEST

/* gpt-oss 20B: 12 layers that see all and 12 with a window of 128, a group each. Gemma 3 27B: 10 and 52, one group and
 * six, 8 layers of padding. All of Mistral 7B has the window. Gemma 2: 21 and 21. Llama 4 sees in chunks, SGLang keeps
 * pools of its own: whole contexts. */
START_TEST(blocks_of_vllm_leave_windows)
{
	const struct batch_kv oss = kv_of_hybrid("gpt-oss-20b", "serve-vllm"),
			      gemma = kv_of_hybrid("gemma-3-27b", "serve-vllm"),
			      mistral = kv_of_hybrid("mistral-7b", "serve-vllm"),
			      chunks = kv_of_hybrid("llama-4-scout", "serve-vllm"),
			      sglang = kv_of_hybrid("gpt-oss-20b", "serve-sglang");

	ck_assert(oss.groups.full == 1 && oss.groups.windowed == 1 && oss.groups.window == 128);
	ck_assert_int_eq(oss.blocks, 2 * (oss.tokens / 16));
	ck_assert_int_eq(oss.blocks, (int64_t)(oss.bytes / (24 * 2 * 8 * 64 * 2 * 16)) * 2);
	ck_assert(gemma.groups.full == 1 && gemma.groups.windowed == 6 && gemma.groups.window == 1024);
	ck_assert_int_eq(gemma.blocks, 7 * (gemma.tokens / 16));
	ck_assert_int_eq(gemma.tokens / 16, (int64_t)(gemma.bytes / (70 * 2 * 16 * 128 * 2 * 16)));
	ck_assert(mistral.groups.full == 0 && mistral.groups.windowed == 1);
	ck_assert(chunks.groups.full == 1 && chunks.groups.windowed == 0);
	ck_assert(sglang.groups.full == 1 && sglang.groups.windowed == 0);
}
END_TEST

Suite *suite_servers(void)
{
	Suite *s = suite_create("servers");
	TCase *tc = tcase_create("servers");

	tcase_add_loop_test(tc, servers_load, 0, ARRAY_LEN(servers));
	tcase_add_test(tc, no_server);
	tcase_add_test(tc, servers_of_runtimes);
	tcase_add_test(tc, blocks_of_vllm);
	tcase_add_test(tc, blocks_of_vllm_hold_states);
	tcase_add_test(tc, blocks_of_vllm_leave_windows);
	suite_add_tcase(s, tc);
	return s;
}
