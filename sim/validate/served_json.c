/* served_json.c - what vLLM's `bench serve --save-result` writes; see served.h. */
#include <math.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/validate/served.h"

enum { JSON_DEPTH = 16, VALUE_MAX = 64 };

struct scan {
	struct arena *arena;
	const char *path, *text, *at;
	struct err *err;
};

/* What is said of the run besides its metrics, and spreads and lists of which the metrics are the sums. */
static const char *const passed_over[] = {"date",
					  "endpoint_type",
					  "backend",
					  "label",
					  "model_id",
					  "tokenizer_id",
					  "duration",
					  "completed",
					  "failed",
					  "total_input_tokens",
					  "total_input",
					  "total_output_tokens",
					  "total_output",
					  "request_goodput",
					  "max_output_tokens_per_s",
					  "rtfx",
					  "input_lens",
					  "output_lens",
					  "max_concurrent_requests",
					  "ttfts",
					  "itls",
					  "generated_texts",
					  "errors",
					  "start_times",
					  "std_ttft_ms",
					  "std_tpot_ms",
					  "std_itl_ms",
					  "std_e2el_ms"};

static int wrong(const struct scan *s, const char *msg)
{
	int line = 1;
	const char *begin = s->text;

	for (const char *c = s->text; c < s->at; c++)
		if (*c == '\n') {
			line++;
			begin = c + 1;
		}
	return err_set(s->err, "%s:%d:%d: %s", s->path, line, (int)(s->at - begin) + 1, msg);
}

static void space(struct scan *s)
{
	s->at += strspn(s->at, " \t\r\n");
}

static int text(struct scan *s, const char **out)
{
	const char *begin = s->at + 1;

	if (*s->at != '"')
		return wrong(s, "a text in double quotes is wanted");
	for (s->at++; *s->at && *s->at != '"'; s->at++)
		s->at += *s->at == '\\' && s->at[1];
	if (!*s->at)
		return wrong(s, "the text does not end");
	*out = arena_printf(s->arena, "%.*s", (int)(s->at - begin < VALUE_MAX ? s->at - begin : VALUE_MAX),
			    begin);
	s->at++;
	return 0;
}

/* A list or an object, passed over: brackets are counted, so that none of them uses up the stack. */
static int skip_nested(struct scan *s)
{
	char closing[JSON_DEPTH];
	const char *ignored;
	int depth = 0;

	do {
		if (!*s->at)
			return wrong(s, "the object does not end");
		if (*s->at == '"') {
			if (text(s, &ignored) != 0)
				return -1;
			continue;
		}
		if (*s->at == '[' || *s->at == '{') {
			if (depth == JSON_DEPTH)
				return wrong(s, "nested too deeply");
			closing[depth++] = *s->at == '[' ? ']' : '}';
		} else if (*s->at == ']' || *s->at == '}') {
			if (*s->at != closing[--depth])
				return wrong(s, "the brackets do not match");
		}
		s->at++;
	} while (depth);
	return 0;
}

/* A value as text; NULL for a list, an object or null. */
static int value(struct scan *s, const char **out)
{
	size_t n;

	*out = NULL;
	if (*s->at == '[' || *s->at == '{')
		return skip_nested(s);
	if (*s->at == '"')
		return text(s, out);
	n = strcspn(s->at, ",}] \t\r\n");
	if (!n || n > VALUE_MAX)
		return wrong(s, "a value is wanted");
	if (strncmp(s->at, "null", n) != 0)
		*out = arena_printf(s->arena, "%.*s", (int)n, s->at);
	s->at += n;
	return 0;
}

/* What the run was, of which a scenario can be made. */
static int take_facts(struct scan *s, struct served_run *r, const char *key, const char *said)
{
	static const char *const texts[] = {"backend", "model_id"};
	static const char *const numbers[] = {"completed", "total_input_tokens", "total_output_tokens",
					      "request_rate"};
	const char **const text[] = {&r->program, &r->model};
	double *const number[] = {&r->completed, &r->prompts, &r->outputs, &r->rate};
	const size_t as_text = str_find(key, texts, ARRAY_LEN(texts)),
		     as_number = str_find(key, numbers, ARRAY_LEN(numbers));
	struct err why = ERR_INIT;

	if (said && as_text < ARRAY_LEN(texts))
		*text[as_text] = said;
	if (said && !strcmp(key, "date"))
		server_said_date(said, &r->own);
	if (!said || as_number == ARRAY_LEN(numbers) || !strcmp(said, "inf"))
		return 0;
	if (units_parse(said, DIM_COUNT, number[as_number], &why) != 0 || !(*number[as_number] >= 0) ||
	    !isfinite(*number[as_number]))
		return wrong(s,
			     arena_printf(s->arena, "%s: a plain number is wanted, got '%.60s'", key, said));
	return 0;
}

static int take(struct scan *s, struct served_runs *runs, const char *key, const char *said)
{
	struct err why = ERR_INIT;
	int known = 0;

	if (take_facts(s, runs->at, key, said) != 0)
		return -1;
	/* all at once is no rate: the scenario says so itself, or has as many in flight as the run had */
	if (!strcmp(key, "request_rate") && said && !strcmp(said, "inf"))
		return 0;
	/* how many ran at a time in the mean, of SGLang's bench_serving: no setting */
	if (!strcmp(key, "concurrency") && said && strchr(said, '.'))
		return 0;
	if (said)
		known = served_set(s->arena, runs->at, key, said, &why);
	if (known < 0)
		return wrong(s, why.msg);
	for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over && !known; i++)
		known = !strcmp(key, passed_over[i]);
	if (!known && said) {
		const char *note = arena_printf(s->arena, "%s: '%s' is not compared", s->path, key);

		runs->notes = texts_join(s->arena, &runs->notes, &note, 1);
	}
	return 0;
}

static int pair(struct scan *s, struct served_runs *runs)
{
	const char *key, *said;

	space(s);
	if (text(s, &key) != 0)
		return -1;
	space(s);
	if (*s->at != ':')
		return wrong(s, "':' is wanted after a key");
	s->at++;
	space(s);
	if (value(s, &said) != 0 || take(s, runs, key, said) != 0)
		return -1;
	space(s);
	return 0;
}

int served_read_json(struct arena *a, const char *path, const char *text_at, struct served_runs *runs,
		     struct err *err)
{
	struct scan s = {a, path, text_at, text_at, err};

	space(&s);
	do {
		s.at++; /* '{' or ',' */
		if (pair(&s, runs) != 0)
			return -1;
	} while (*s.at == ',');
	if (*s.at != '}')
		return wrong(&s, "',' or '}' is wanted");
	s.at++;
	space(&s);
	return *s.at ? wrong(&s, "text after the object: --append-result makes a file of several runs") : 0;
}
