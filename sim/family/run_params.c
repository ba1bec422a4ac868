/* run_params.c - see run_params.h. */
#include "sim/family/run_params.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

/* The table of tokens, and as many numbers again of a head. */
static double table(const struct model *m)
{
	return (double)m->vocabulary * (double)m->hidden;
}

enum { COUNTS = 5 };

/* What a file of the model may have; 0: not of this model. GLM-4.5's further layers have a table and a head of their own. */
static void counts_of(const struct model *m, double count[COUNTS])
{
	const double all = model_weights(m), more = m->mtp ? model_mtp_weights(m) : 0;

	count[0] = all;
	count[1] = (double)m->parameters;
	count[2] = m->tied_head ? all + table(m) : 0;
	count[3] = more > 0 ? all + more : 0;
	count[4] = more > 0 ? all + more + 2 * table(m) : 0;
}

bool run_params_are(const struct model *m, double params, double off)
{
	double count[COUNTS];

	counts_of(m, count);
	for (int i = 0; i < COUNTS; i++)
		if (count[i] > 0 && fabs(count[i] / params - 1) < off)
			return true;
	return false;
}

double run_bytes_that_run(const struct model *m, const struct run *run)
{
	static const double near = 0.0025; /* half of the last decimal of "2.03 B" */
	double count[COUNTS];

	counts_of(m, count);
	for (int i = 3; i < COUNTS; i++)
		if (run->params > 0 && count[i] > 0 && fabs(count[i] / run->params - 1) < near &&
		    fabs(count[0] / run->params - 1) > near)
			return run->bytes * count[0] / run->params;
	return run->bytes;
}

/* llama.cpp's names of architectures (src/llama-arch.cpp) by which it runs families that config.json calls otherwise. */
static const struct {
	const char *llama_cpp, *config;
} others[] = {{"llama", "mistral"},     {"llama", "mixtral"},  {"deepseek", "kimi"}, {"deepseek", "glm"},
	      {"mistral", "ministral"}, {"command", "cohere"}, {"chatglm", "glm"},   {"deci", "nemotron"}};

/* Letters that both names begin with, case and separators left out. */
static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	for (;; a++, b++, n++) {
		a += strspn(a, "-_");
		b += strspn(b, "-_");
		if (!*a || !isalpha((unsigned char)*a) ||
		    tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return n;
	}
}

bool run_is_other_architecture(const struct model *m, const struct run *run)
{
	enum { LIKE = 3 };
	const char *said = run->arch, *ours = m->architecture;

	if (!said || !ours || common(said, ours) >= LIKE)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_starts(said, others[i].llama_cpp) && str_starts(ours, others[i].config))
			return false;
	return true;
}
