/* check_slots.c - logs of llama-server with several slots, and the times that benchmarks print beside their tables. */
#include <string.h>

#include "sim/runs/ingest.h"
#include "tests/suites.h"

/* A request of `prompt` tokens of which the slot held `cached`, with 200 made. */
struct request {
	int slot, task, prompt, cached;
};

static const char *launch(struct arena *a, const struct request *q)
{
	return arena_printf(a, "slot launch_slot_: id  %d | task %d | processing task, is_child = 0\n",
			    q->slot, q->task);
}

static const char *times(struct arena *a, const struct request *q)
{
	return arena_printf(a,
			    "slot print_timing: id  %d | task %d | \n"
			    "prompt eval time =     130.00 ms /   %d tokens (    0.25 ms per token)\n"
			    "       eval time =    3200.00 ms /   200 tokens (   16.00 ms per token)\n",
			    q->slot, q->task, q->prompt - q->cached);
}

static const char *release(struct arena *a, const struct request *q, const char *count)
{
	return arena_printf(a,
			    "slot      release: id  %d | task %d | stop processing: %s = %d, truncated = 0\n",
			    q->slot, q->task, count, q->prompt + 200 - 1);
}

static void read_text(struct arena *a, const char *text, struct runs *r)
{
	struct err err = ERR_INIT;

	ck_assert_msg(runs_parse(a, "f", text, strlen(text), r, &err) == 0, "%s", err.msg);
}

/* A prompt that its slot held in part: told by the release behind the times (since autumn 2025), by that before them, by the place
 * from which the cache was cleared, with and without the launch. */
START_TEST(a_prompt_that_was_cached)
{
	static const int held[] = {0, 357, 18873};
	const struct request q = {3, 1941, held[_i % 3] + 104, held[_i % 3]};
	const int way = _i / 3 % 3;
	const bool launched = way == 2 || _i / 9;
	struct arena a = ARENA_INIT;
	const char *rm = arena_printf(&a,
				      "slot update_slots: id  3 | task 1941 | kv cache rm [%d, end)\n"
				      "slot update_slots: id  3 | task 1941 | kv cache rm [%d, end)\n",
				      q.cached, q.cached + 50);
	const char *text = arena_printf(&a, "%s%s%s%s%s", launched ? launch(&a, &q) : "", way == 2 ? rm : "",
					way == 1 ? release(&a, &q, "n_past") : "", times(&a, &q),
					way == 0 ? release(&a, &q, "n_tokens") : "");
	struct runs r;

	read_text(&a, text, &r);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_int_eq(r.at[0].prompt, 104);
	ck_assert_int_eq(r.at[0].depth, q.cached);
	ck_assert_int_eq(r.at[1].gen, 199);
	ck_assert_int_eq(r.at[1].depth, q.prompt);
	arena_release(&a);
}
END_TEST

/* Requests one behind another in slots of their own, each with its own cache. */
START_TEST(requests_one_by_one)
{
	static const struct request q[] = {{0, 1, 512, 0}, {2, 7, 4096, 3000}, {0, 9, 900, 711}};
	struct arena a = ARENA_INIT;
	const char *text = "";
	struct runs r;

	for (size_t i = 0; i < ARRAY_LEN(q); i++)
		text = arena_printf(&a, "%s%s%s%s", text, launch(&a, &q[i]), times(&a, &q[i]),
				    release(&a, &q[i], "n_tokens"));
	read_text(&a, text, &r);
	ck_assert_uint_eq(r.n, 2 * ARRAY_LEN(q));
	for (size_t i = 0; i < ARRAY_LEN(q); i++) {
		ck_assert_int_eq(r.at[2 * i].depth, q[i].cached);
		ck_assert_int_eq(r.at[2 * i + 1].depth, q[i].prompt);
	}
	ck_assert_uint_eq(r.notes.n, 0);
	arena_release(&a);
}
END_TEST

/* Two of three ran at once: they are no rows, which is told; and of none alone an error. */
START_TEST(requests_beside_others)
{
	static const struct request q[] = {{0, 1, 512, 0}, {1, 2, 512, 0}, {0, 5, 256, 0}};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(&a, "%s%s%s%s%s%s", launch(&a, &q[0]), launch(&a, &q[1]),
					times(&a, &q[0]), release(&a, &q[0], "n_tokens"), times(&a, &q[1]),
					release(&a, &q[1], "n_tokens"));
	struct runs r;

	if (_i) {
		read_text(&a,
			  arena_printf(&a, "%s%s%s%s", text, launch(&a, &q[2]), times(&a, &q[2]),
				       release(&a, &q[2], "n_tokens")),
			  &r);
		ck_assert_uint_eq(r.n, 2);
		ck_assert_int_eq(r.at[0].prompt, 256);
		ck_assert_uint_eq(r.notes.n, 1);
		ck_assert_ptr_nonnull(strstr(r.notes.at[0], "f:4: "));
		ck_assert_ptr_nonnull(strstr(r.notes.at[0], ": 4 are left out"));
	} else {
		ck_assert_int_eq(runs_parse(&a, "f", text, strlen(text), &r, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.msg, "f:4: every request ran beside others"));
	}
	arena_release(&a);
}
END_TEST

/* The progress of another slot tells that it ran, where its launch was not pasted. */
START_TEST(progress_of_another)
{
	static const struct request q = {0, 1, 512, 0};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(
		&a, "%sslot print_timing: id  2 | task 9 | n_decoded =    697, tg =  63.36 t/s\n%s",
		launch(&a, &q), times(&a, &q));
	struct runs r;

	ck_assert_int_eq(runs_parse(&a, "f", text, strlen(text), &r, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "beside others"));
	arena_release(&a);
}
END_TEST

/* Two servers of one number of slot, as ollama starts for two models. */
START_TEST(two_servers_of_one_log)
{
	static const struct request q = {0, 1549, 512, 0}, other = {0, 4121, 512, 0};
	static const char progress[] =
		"slot print_timing: id  0 | task 4121 | n_gen =    215, tg =  18.96 t/s\n";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = _i ? arena_printf(&a, "%s%s%s", launch(&a, &q), progress, times(&a, &q))
			      : arena_printf(&a, "%s%s%s", launch(&a, &q), launch(&a, &other), times(&a, &q));
	struct runs r;

	ck_assert_int_eq(runs_parse(&a, "f", text, strlen(text), &r, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "beside others"));
	/* one after the other, though no release was pasted */
	text = arena_printf(&a, "%s%s%s%s", launch(&a, &q), times(&a, &q), launch(&a, &other),
			    times(&a, &other));
	read_text(&a, text, &r);
	ck_assert_uint_eq(r.n, 4);
	arena_release(&a);
}
END_TEST

static const char *const tables[] = {
	"| model | size | params | backend | ngl | test | t/s |\n| --- | --- | --- | --- | --- | --- | --- "
	"|\n"
	"| llama 8B Q4_K - Medium | 4.58 GiB | 8.03 B | CUDA | 99 | pp512 | 12000.00 |\n",
	"|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s "
	"|\n|---|---|---|---|---|---|---|---|\n"
	"|   512 |      0 |    1 |    512 |    0.050 | 10240.00 |    0.000 |     0.00 |\n",
	"|    PP |     TG |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s "
	"|\n|---|---|---|---|---|---|---|\n"
	"|   512 |      0 |      0 |    0.050 | 10240.00 |    0.000 |     0.00 |\n"};

/* What a benchmark's context took in all is no row; what another program wrote behind it is. */
START_TEST(times_of_a_benchmark)
{
	static const char inner[] =
		"llama_perf_context_print: prompt eval time =     256.00 ms /  3072 tokens\n"
		"llama_perf_context_print:        eval time =     900.00 ms /   127 runs\n";
	static const char *const behind[] = {"", "build: abcdef12 (5600)\n",
					     "$ llama-cli -m x.gguf -n 128\n"};
	const size_t other = (size_t)_i / 3;
	struct arena a = ARENA_INIT;
	struct runs r;

	read_text(&a, arena_printf(&a, "%s%s%s%s", tables[_i % 3], inner, behind[other], other ? inner : ""),
		  &r);
	ck_assert_uint_eq(r.n, other ? 3 : 1);
	ck_assert_int_eq(r.at[0].prompt, 512);
	ck_assert_uint_eq(r.notes.n, 1);
	ck_assert_ptr_nonnull(strstr(r.notes.at[0], "f:4: times of a benchmark's context"));
	arena_release(&a);
}
END_TEST

Suite *suite_slots(void)
{
	Suite *s = suite_create("slots");
	TCase *t = tcase_create("slots");

	tcase_add_loop_test(t, a_prompt_that_was_cached, 0, 18);
	tcase_add_test(t, requests_one_by_one);
	tcase_add_loop_test(t, requests_beside_others, 0, 2);
	tcase_add_test(t, progress_of_another);
	tcase_add_loop_test(t, two_servers_of_one_log, 0, 2);
	tcase_add_loop_test(t, times_of_a_benchmark, 0, 9);
	suite_add_tcase(s, t);
	return s;
}
