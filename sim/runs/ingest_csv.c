/* ingest_csv.c - csv, of llama-bench and our own, and llama-bench's SQL; see ingest.h. */
#include <string.h>

#include "sim/base/csv.h"
#include "sim/base/str.h"
#include "sim/runs/ingest.h"
#include "sim/runs/table_words.h"

static bool is_llama_head(const char *line)
{
	return strstr(line, "n_prompt") && strchr(line, ',');
}

/* The table of llama-bench within another text: from its head to the first line that has no comma, what comes before made
 * comments, so that lines keep their numbers. The whole text where there is no such head. */
static const char *csv_begin(struct reading *r, const char *text)
{
	const char *head = text, *at = text, *end;
	char *copy;

	while (*at && !is_llama_head(reading_line(r, &at)))
		head = at;
	if (!*head)
		return text;
	for (end = head, at = head; *at && strchr(reading_line(r, &at), ',');)
		end = at;
	copy = arena_strndup(r->arena, text, (size_t)(end - text));
	for (char *c = copy; c < copy + (head - text); c++)
		*c = *c == '\n' ? '\n' : '#';
	return copy;
}

int reading_rate_line(struct reading *r, const char *text)
{
	static const char *const units[] = {
		"t/s", "tok/s", "tok/sec", "tokens/s", "tokens per second", "tokens-per-sec", "T/s", "tps"};

	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);

		for (size_t i = 0; i < ARRAY_LEN(units); i++)
			if (strstr(line, units[i]) && line[strcspn(line, "0123456789")])
				return at;
	}
	return 0;
}

static int refuse_unknown(struct reading *r, const char *text)
{
	const int at = reading_rate_line(r, text);

	if (at)
		err_set(r->err, "%s:%d: not a report that is known here: a rate in a form that no reader has",
			r->path, at);
	else
		err_set(r->err, "%s: not a report that is known here", r->path);
	return err_hint(r->err,
			"llama-bench, llama-batched-bench, llama-sweep-bench, timings of llama.cpp, "
			"mlx_lm.benchmark, .generate or .lora, ollama --verbose, LM Studio, koboldcpp, "
			"vllm bench, csv with the columns kind, prompt, gen, seconds, or a table with Model, "
			"Quant, pp512, tg128");
}

/* The first line that is no comment, of which csv takes the names of columns; prose has one too. */
static bool names_columns(struct reading *r, const char *text)
{
	const char *line = "";

	while (*text && (!*line || *line == '#'))
		line = reading_line(r, &text);
	return is_llama_head(line) || (strstr(line, "kind") && strchr(line, ','));
}

int ingest_csv(struct reading *r, const char *text)
{
	static const char *const measures[] = {"seconds", "tok_per_s", "rate", "ratio"};
	struct csv csv = {0};
	bool llama, own = false;

	if (*text && !names_columns(r, csv_begin(r, text)))
		return refuse_unknown(r, text);
	if (csv_read(r->arena, r->path, csv_begin(r, text), &csv, r->err) != 0)
		return -1;
	llama = csv_column(&csv, "n_prompt") != (size_t)-1;
	for (size_t i = 0; i < ARRAY_LEN(measures); i++)
		own = own || csv_column(&csv, measures[i]) != (size_t)-1;
	own = own && csv_column(&csv, "kind") != (size_t)-1;
	if (!llama && !own)
		return refuse_unknown(r, text);
	r->tool = llama ? "llama-bench" : NULL;
	if (!llama)
		csv_note_unknown(r, csv.head_line, csv.heads, csv.heads_n);
	for (size_t i = 0; i < csv.n; i++) {
		const struct record c = {.r = r, .line = csv.rows[i].line, .csv = &csv, .row = &csv.rows[i]};

		if ((llama ? ingest_llama_bench : ingest_own)(&c) != 0)
			return -1;
	}
	return 0;
}

static int newlines(const char *from, const char *to)
{
	int n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

/* The names or the values of "(a, b, 'c')"; the text behind the bracket, NULL where it is none. */
static const char *sql_list(struct reading *r, const char *at, struct cells *out)
{
	out->n = 0;
	at += strspn(at, " \n");
	if (*at++ != '(')
		return NULL;
	while (*at && *at != ')' && out->n < CELLS) {
		size_t len;

		at += strspn(at, " ,\n");
		len = *at == '\'' ? strcspn(at + 1, "'") : strcspn(at, " ,)\n");
		out->at[out->n++] = arena_strndup(r->arena, at + (*at == '\''), len);
		at += len + (*at == '\'' ? 2 : 0);
		at += strspn(at, " ");
	}
	return *at == ')' ? at + 1 : NULL;
}

/* "INSERT INTO llama_bench (build_commit, ...) VALUES ('..', ...);", a test each. */
int ingest_sql(struct reading *r, const char *text)
{
	static const char begin[] = "INSERT INTO llama_bench";
	int line = 1;

	r->tool = "llama-bench";
	for (const char *at = strstr(text, begin), *from = text; at; from = at, at = strstr(at, begin)) {
		struct cells head, row;
		const struct record c = {
			.r = r, .line = line + newlines(from, at), .head = &head, .cells = &row};

		line = c.line;
		at = sql_list(r, at + sizeof begin - 1, &head);
		at = at ? strstr(at, "VALUES") : NULL;
		at = at ? sql_list(r, at + 6, &row) : NULL;
		if (!at || head.n != row.n)
			return err_set(r->err, "%s:%d: an INSERT whose columns and values do not agree",
				       r->path, line);
		if (ingest_llama_bench(&c) != 0)
			return -1;
	}
	return 0;
}
