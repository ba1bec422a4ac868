/* check_beside.c - adapters, drafts, images and programs that a text names beside its rows. */
#include <string.h>

#include "sim/runs/ingest.h"
#include "tests/suites.h"

static const char
	timings[] = "prompt eval time =     130.00 ms /   512 tokens\n"
		    "       eval time =     900.00 ms /   127 runs\n",
	table[] = "| model | size | params | backend | test | t/s |\n| --- | --- | --- | --- | --- | --- |\n"
		  "| llama 8B Q4_0 | 4.33 GiB | 8.03 B | CUDA | pp512 | 5000.00 |\n";

/* refused: what the error says behind the number of the line; NULL: the rows are read. notes: of images. */
static const struct {
	const char *line, *refused;
	size_t notes;
} lines[] = {
	{"$ llama-cli -m x.gguf --lora a.gguf -n 128", "'--lora': an adapter", 0},
	{"$ llama-cli -m x.gguf --lora=a.gguf -n 128", "'--lora': an adapter", 0},
	{"    --lora-scaled a.gguf 0.5 \\", "'--lora-scaled': an adapter", 0},
	{"$ llama-server -m x.gguf --control-vector v.gguf", "'--control-vector': a vector", 0},
	{"$ llama-server -m x.gguf -md small.gguf -ngl 99", "'-md': a draft model", 0},
	{"$ llama-server -m x.gguf --model-draft small.gguf", "'--model-draft': a draft model", 0},
	{"$ mlx_lm.generate --model x --adapter-path adapters", "'--adapter-path': an adapter", 0},
	{"$ llama-tornado --bench -m x.gguf -p 512", "GPULlama3.java on TornadoVM", 0},
	{"Benchmark of GPULlama3.java on my card:", "GPULlama3.java on TornadoVM", 0},
	{"$ mlx_lm.lora --train --adapter-path adapters", NULL, 0},
	{"$ llama-server -m x.gguf --lora-init-without-apply -ngl 99", NULL, 0},
	{"$ pandoc -md", NULL, 0},
	{"a lora or a draft was not used", NULL, 0},
	{"$ llama-server -m x.gguf --mmproj m.gguf", NULL, 1},
	{"$ llama-server -m x.gguf --no-mmproj -ngl 99", NULL, 0},
};

START_TEST(what_ran_beside)
{
	const size_t k = (size_t)_i % ARRAY_LEN(lines), form = (size_t)_i / ARRAY_LEN(lines);
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(&a, "my numbers\n%s\n%s", lines[k].line, form ? table : timings);
	const char *refused = lines[k].refused;
	struct runs r;
	const int rc = runs_parse(&a, "f", text, strlen(text), &r, &err);

	ck_assert_int_eq(rc, refused ? -1 : 0);
	if (refused) {
		ck_assert_ptr_nonnull(strstr(err.msg, arena_printf(&a, "f:2: %s", refused)));
		ck_assert(err.hint[0]);
	} else {
		ck_assert_uint_eq(r.notes.n, lines[k].notes);
	}
	arena_release(&a);
}
END_TEST

Suite *suite_beside(void)
{
	Suite *s = suite_create("beside");
	TCase *t = tcase_create("beside");

	tcase_add_loop_test(t, what_ran_beside, 0, 2 * ARRAY_LEN(lines));
	suite_add_tcase(s, t);
	return s;
}
