/* beside_model.c - see beside_model.h. */
#include "sim/runs/beside_model.h"

#include <stdbool.h>
#include <string.h>

#include "sim/base/str.h"

static const char
	*const adapter = "an adapter ran beside the weights, whose products these rows do not predict",
	       *const vector = "a vector was added in each layer, which these rows do not predict",
	       *const draft = "a draft model guessed tokens, which these rows do not predict",
	       *const merge = "merge it into the weights (llama-export-lora, mlx_lm.fuse), or run without it",
	       *const plain = "give what the program prints without it";

/* Options of common/arg.cpp of ggml-org/llama.cpp and of mlx_lm; program: the line has that too. mlx_lm.lora writes its adapter to that
 * path. To refuse another one, add a row. */
static const struct {
	const char *option, *program, *is, *hint;
} options[] = {
	{"--lora", "", adapter, merge},
	{"--lora-scaled", "", adapter, merge},
	{"--adapter-path", "generate", adapter, merge},
	{"--control-vector", "", vector, plain},
	{"--control-vector-scaled", "", vector, plain},
	{"-md", "llama", draft, plain},
	{"--model-draft", "", draft, plain},
	{"--spec-draft-model", "", draft, plain},
	{"--spec-draft-hf", "", draft, plain},
};

/* Programs whose bench writes llama-bench's table: beehive-lab/GPULlama3.java (pull 133), jllm since 2026. */
static const char *const programs[] = {"llama-tornado", "GPULlama3", "TornadoVM", "./jllm "};

/* Does the option stand in the line as a word of its own, and a value behind it? */
static bool has_option(const char *line, const char *option)
{
	const size_t n = strlen(option);

	for (const char *at = strstr(line, option); at; at = strstr(at + n, option))
		if ((at == line || at[-1] == ' ') &&
		    (at[n] == '=' || (at[n] == ' ' && at[n + 1] && at[n + 1] != '-')))
			return true;
	return false;
}

static int refuse_option(struct reading *r, const char *line, int at)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (has_option(line, options[i].option) && strstr(line, options[i].program)) {
			err_set(r->err, "%s:%d: '%s': %s", r->path, at, options[i].option, options[i].is);
			return err_hint(r->err, "%s", options[i].hint);
		}
	return 0;
}

static int refuse_program(struct reading *r, const char *line, int at)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (strstr(line, programs[i])) {
			err_set(r->err, "%s:%d: GPULlama3.java on TornadoVM, a runtime that no profile is of",
				r->path, at);
			return err_hint(r->err, "run llama-bench; or leave out what is of the other program");
		}
	return 0;
}

int text_refuse_beside(struct reading *r, const char *text)
{
	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);

		if (refuse_option(r, line, at) != 0 || refuse_program(r, line, at) != 0)
			return -1;
		if (has_option(line, "--mmproj"))
			reading_note(
				r, at,
				"'--mmproj': tokens of an image are read by another model first, which is "
				"not predicted; of text alone the rows are as without it");
	}
	return 0;
}
