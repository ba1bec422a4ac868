/* check_numbers.c - numbers as people write them: every spelling in every reader is read whole, or is an error. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/base/str.h"
#include "sim/runs/ingest.h"
#include "sim/runs/numbers.h"
#include "tests/suites.h"

/* --- spellings ------------------------------------------------------------------------------------ */

/* What parts thousands and the fraction. */
static const struct {
	const char *group, *point;
} styles[] = {{"", "."}, {"", ","}, {",", "."}, {".", ","}, {" ", "."}, {" ", ","}, {"'", "."}, {"'", ","}};

/* The digits of n with `by` between groups of `size`. */
static const char *grouped(struct arena *a, long long n, const char *by, size_t size)
{
	char text[32];
	const char *out = "";
	const size_t len = (size_t)snprintf(text, sizeof text, "%lld", n);

	for (size_t i = 0; i < len; i++)
		out = arena_printf(a, "%s%s%c", out, i && (len - i) % size == 0 ? by : "", text[i]);
	return out;
}

static const char *spelled(struct arena *a, size_t style, long long whole, int hundredths)
{
	return arena_printf(a, "%s%s%02d", grouped(a, whole, styles[style].group, 3), styles[style].point,
			    hundredths);
}

START_TEST(every_spelling_is_one_number)
{
	struct rng *rng = rng_new(7, "numbers");

	for (int k = 0; k < 400; k++) {
		struct arena a = ARENA_INIT;
		const long long whole = 1 + (long long)(rng_uniform(rng) * (k % 2 ? 2000 : 5e6));
		const int hundredths = (int)(rng_uniform(rng) * 100);
		const char *text = spelled(&a, (size_t)_i, whole, hundredths);
		double x = 0;
		const char *end = number_decimal(arena_printf(&a, "%s t/s", text), &x);

		ck_assert_msg(end && !strcmp(end, " t/s"), "'%s' ends at '%s'", text, end ? end : "NULL");
		ck_assert_msg(fabs(x - (double)whole - hundredths / 100.0) < 1e-6, "'%s': %.9g", text, x);
		end = number_tally(grouped(&a, whole, styles[_i].group, 3), &x);
		ck_assert_msg(end && !*end && x == (double)whole, "'%s': %.9g", text, x);
		arena_release(&a);
	}
	rng_free(rng);
}
END_TEST

/* Groups of another size than three are no number, whatever parts them. */
START_TEST(no_part_is_taken_for_the_whole)
{
	static const char *const gaps[] = {" ", ",", ".", "'", "_", "  "};
	struct arena a = ARENA_INIT;

	for (size_t size = 2; size <= 4; size += 2)
		for (size_t k = 0; k < ARRAY_LEN(gaps); k++)
			for (int f = 0; f < 2; f++) {
				const char *text = arena_printf(
					&a, "%s%s", grouped(&a, 123456789012, gaps[k], size), f ? ".25" : "");
				double x = 0;
				const char *end = number_decimal(text, &x);

				ck_assert_msg(!end, "'%s' is read as %.9g", text, x);
			}
	arena_release(&a);
}
END_TEST

/* --- in every reader ------------------------------------------------------------------------------ */

/* Reports whose first rate, R, and first count, N, are to be spelled. */
static const struct {
	const char *name, *text;
} reports[] = {
	{"llama-bench", "| model | size | params | backend | test | t/s |\n|---|---|---|---|---|---|\n"
			"| llama 8B Q4_0 | 4.33 GiB | 8.03 B | CUDA | pp512 | @R \xc2\xb1 0.5 |\n"},
	{"mlx_lm.generate",
	 "Prompt: @N tokens, 900.5 tokens-per-sec\nGeneration: 257 tokens, @R tokens-per-sec\n"
	 "Peak memory: 5.1 GB\n"},
	{"mlx_lm.benchmark", "Timing with prompt_tokens=@N, generation_tokens=128, batch_size=1.\n"
			     "Trial 1:  prompt_tps=@R, generation_tps=60.1, peak_memory=5.1\n"},
	{"ollama", "prompt eval count: @N token(s)\nprompt eval duration: 2s\neval count: 256 token(s)\n"
		   "eval rate: @R tokens/s\n"},
	{"LM Studio", "@R tok/sec * @N tokens * 0.32s to first token\n"},
	{"koboldcpp", "CtxLimit:2148/4096, Amt:100/100, Process:1s (@RT/s), Generate:2.5s (40.0T/s)\n"},
	{"people's table", "| model | quant | pp512 t/s | tg128 t/s |\n|---|---|---|---|\n| Llama 3.1 8B | "
			   "Q4_0 | @R | 60.5 |\n"},
	{"exo", "prompt_tps=@R gen_tps=60.5 prompt_tokens=4096 gen_tokens=128\n"}};

static const char *filled(struct arena *a, const char *text, const char *rate, const char *count)
{
	const char *out = "";

	while (*text) {
		const size_t n = strcspn(text, "@");

		out = arena_printf(a, "%s%.*s%s", out, (int)n, text,
				   !text[n]             ? ""
				   : text[n + 1] == 'R' ? rate
							: count);
		text += n + (text[n] ? 2 : 0);
	}
	return out;
}

static bool holds_rate(const struct runs *r, double rate)
{
	for (size_t i = 0; i < r->n; i++)
		if (fabs(run_rate(&r->at[i]) / rate - 1) < 0.01)
			return true;
	return false;
}

static bool holds_count(const struct runs *r, int64_t n)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->at[i].prompt == n || r->at[i].prompt + 1 == n || r->at[i].gen == n ||
		    r->at[i].depth == n)
			return true;
	return false;
}

/* A reader may leave out what it does not take, but no rate or count is a part of one. */
static void check_report(size_t k, const char *rate, const char *count, bool read)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;
	const char *text = filled(&a, reports[k].text, rate, count);
	const bool got = runs_parse(&a, "f", text, strlen(text), &r, &err) == 0;

	ck_assert_msg(got == read, "%s, %s: %s", reports[k].name, text, got ? "is read" : err.msg);
	if (got && strstr(reports[k].text, "@R"))
		ck_assert_msg(holds_rate(&r, 1530.25), "%s: no such rate:\n%s", reports[k].name, text);
	if (got && strstr(reports[k].text, "@N"))
		ck_assert_msg(holds_count(&r, 4096), "%s: no such count:\n%s", reports[k].name, text);
	arena_release(&a);
}

START_TEST(every_reader_reads_every_spelling)
{
	for (size_t k = 0; k < ARRAY_LEN(styles); k++) {
		struct arena a = ARENA_INIT;

		check_report((size_t)_i, spelled(&a, k, 1530, 25), grouped(&a, 4096, styles[k].group, 3),
			     true);
		arena_release(&a);
	}
}
END_TEST

START_TEST(every_reader_refuses_what_is_no_number)
{
	static const char *const wrong[] = {"15,30.25", "15 30.25", "1 53",   "1'53",
					    "1_530.25", "1.5.3",    "1 530 2"};

	for (size_t k = 0; k < ARRAY_LEN(wrong); k++) {
		check_report((size_t)_i, wrong[k], "4096", false);
		if (strstr(reports[_i].text, "@N"))
			check_report((size_t)_i, "1530.25", wrong[k], false);
	}
}
END_TEST

/* A unit that is no rate's, in a column or a line of rates. */
START_TEST(another_unit_is_refused)
{
	static const char *const units[] = {" ms", "ms", " s", " s/tok", " GB/s", " ms/tok", " tokens", "k"};

	for (size_t k = 0; k < ARRAY_LEN(units); k++) {
		struct arena a = ARENA_INIT;

		check_report(0, arena_printf(&a, "1530.25%s", units[k]), "", false);
		check_report(6, arena_printf(&a, "1530.25%s", units[k]), "", false);
		check_report(1, arena_printf(&a, "1530.25%s", units[k]), "4096", false);
		arena_release(&a);
	}
}
END_TEST

/* --- ---------------------------------------------------------------------------------------------- */

Suite *suite_numbers(void)
{
	Suite *s = suite_create("numbers");
	TCase *t = tcase_create("spelled");

	tcase_add_loop_test(t, every_spelling_is_one_number, 0, ARRAY_LEN(styles));
	tcase_add_test(t, no_part_is_taken_for_the_whole);
	suite_add_tcase(s, t);
	t = tcase_create("read");
	tcase_add_loop_test(t, every_reader_reads_every_spelling, 0, ARRAY_LEN(reports));
	tcase_add_loop_test(t, every_reader_refuses_what_is_no_number, 0, ARRAY_LEN(reports));
	tcase_add_test(t, another_unit_is_refused);
	suite_add_tcase(s, t);
	return s;
}
