/* trace_jsonl.c - rows of a Mooncake trace: one JSON object a line; see trace.h. */
#include <string.h>

#include "sim/load/trace_parts.h"

enum { JSON_DEPTH = 32 };
enum { TIMESTAMP, INPUT, OUTPUT, HASHES, KEYS };
static const char *const keys[KEYS] = {"timestamp", "input_length", "output_length", "hash_ids"};

struct scan {
	struct trace *t;
	const char *at; /* the rest of the line, which ends in NUL */
	struct err *err;
	unsigned seen; /* bit for each key found */
};

static int wrong(const struct scan *s, const char *msg)
{
	return lines_wrong(&s->t->lines, s->at, s->err, NULL, "%s", msg);
}

static void space(struct scan *s)
{
	s->at += strspn(s->at, " \t\r");
}

static bool take(struct scan *s, char c)
{
	space(s);
	if (*s->at != c)
		return false;
	s->at++;
	return true;
}

/* A string, escapes left as they are: no key of ours has one. */
static int string(struct scan *s, struct cell *out)
{
	if (!take(s, '"'))
		return wrong(s, "a text in double quotes is wanted");
	out->text = s->at;
	for (; *s->at && *s->at != '"'; s->at++)
		s->at += *s->at == '\\' && s->at[1];
	if (!*s->at)
		return wrong(s, "the text does not end");
	out->len = (size_t)(s->at - out->text);
	s->at++;
	return 0;
}

static struct cell word(struct scan *s)
{
	struct cell c = {s->at, 0};

	space(s);
	c.text = s->at;
	c.len = strcspn(s->at, ",:]}[{\" \t\r");
	s->at += c.len;
	return c;
}

/* Any value. Brackets are counted, not recursed into: a line of brackets must not use up the stack. */
static int skip(struct scan *s)
{
	char closing[JSON_DEPTH];
	struct cell text;
	int depth = 0;

	do {
		space(s);
		if (*s->at == '"') {
			if (string(s, &text) != 0)
				return -1;
		} else if (*s->at == '[' || *s->at == '{') {
			if (depth == JSON_DEPTH)
				return wrong(s, "nested too deeply");
			closing[depth++] = *s->at++ == '[' ? ']' : '}';
		} else if (depth && *s->at == closing[depth - 1]) {
			depth--;
			s->at++;
		} else if (depth && (*s->at == ',' || *s->at == ':')) {
			s->at++;
		} else if (!word(s).len) {
			return wrong(s, "a value is wanted");
		}
	} while (depth);
	return 0;
}

static int block(struct scan *s)
{
	const struct cell c = word(s);
	int64_t id = 0;
	bool exact = true;

	if (decimal_parse(c.text, c.len, 0, &id, &exact) != DECIMAL_FINE || !exact) {
		s->at = c.text;
		return wrong(s, "hash_ids: a whole number is wanted");
	}
	VEC_ADD(&s->t->blocks, (uint64_t)id);
	return 0;
}

static int blocks(struct scan *s)
{
	s->t->blocks.n = 0;
	if (!take(s, '['))
		return wrong(s, "hash_ids: a list is wanted");
	if (take(s, ']'))
		return 0;
	do {
		if (block(s) != 0)
			return -1;
	} while (take(s, ','));
	return take(s, ']') ? 0 : wrong(s, "hash_ids: the list does not end");
}

static int value(struct scan *s, size_t key, struct trace_row *row)
{
	const struct lines *l = &s->t->lines;

	switch (key) {
	case TIMESTAMP:
		return lines_time(l, word(s), 6, &row->arrive_ns, s->err);
	case INPUT:
		return lines_tokens(l, word(s), keys[key], &row->prompt, s->err);
	case OUTPUT:
		return lines_tokens(l, word(s), keys[key], &row->output, s->err);
	case HASHES:
		return blocks(s);
	}
	return skip(s);
}

static int pair(struct scan *s, struct trace_row *row)
{
	struct cell name;
	size_t key = 0;

	if (string(s, &name) != 0)
		return -1;
	while (key < KEYS && (strlen(keys[key]) != name.len || memcmp(keys[key], name.text, name.len) != 0))
		key++;
	if (key < KEYS && s->seen & 1u << key)
		return lines_wrong(&s->t->lines, name.text, s->err, NULL, "key '%s' is there twice",
				   keys[key]);
	s->seen |= key < KEYS ? 1u << key : 0;
	if (!take(s, ':'))
		return wrong(s, "':' is wanted");
	return value(s, key, row);
}

static int check_keys(const struct scan *s, struct trace_row *row)
{
	const struct lines *l = &s->t->lines;
	const int64_t most = (row->prompt + TRACE_BLOCK - 1) / TRACE_BLOCK;

	for (size_t i = 0; i < HASHES; i++)
		if (!(s->seen & 1u << i))
			return lines_wrong(l, NULL, s->err, "timestamp (ms), input_length, output_length",
					   "key '%s' is missing", keys[i]);
	if ((int64_t)s->t->blocks.n > most)
		return lines_wrong(l, NULL, s->err, "one for each 512 tokens of the prompt",
				   "hash_ids: %zu blocks for a prompt of %lld tokens", s->t->blocks.n,
				   (long long)row->prompt);
	row->blocks = s->t->blocks.at;
	row->blocks_n = s->t->blocks.n;
	return 0;
}

int trace_jsonl_row(struct trace *t, struct trace_row *row, struct err *err)
{
	struct scan s = {t, t->lines.line.at, err, 0};

	t->blocks.n = 0;
	if (!take(&s, '{'))
		return wrong(&s, "a JSON object is wanted");
	if (!take(&s, '}')) {
		do {
			if (pair(&s, row) != 0)
				return -1;
		} while (take(&s, ','));
		if (!take(&s, '}'))
			return wrong(&s, "',' or '}' is wanted");
	}
	space(&s);
	if (*s.at)
		return wrong(&s, "something follows the object");
	return check_keys(&s, row);
}
