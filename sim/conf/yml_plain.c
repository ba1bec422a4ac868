/* yml_plain.c - see yml_plain.h. A descent over the text; a function that returns NULL has given up. */
#include "sim/conf/yml_plain.h"

#include <string.h>

#include "sim/base/vec.h"

/* Limits at or below those of yml.h, beyond which libyaml decides. It takes no key that is 1,024 bytes long. */
enum { DEPTH = YML_DEPTH - 2, KEYS = 256, KEY_BYTES = 1000 };

struct reader {
	struct arena *arena;
	const struct source *source;
	const char *at, *line_start; /* the text ends with a NUL */
	int line;
	size_t depth, nodes;
	VEC(struct yml *)
	open;            /* items of the open collections, the innermost last; in mappings after their keys */
	struct str text; /* of a scalar that is not as it is in the file */
};

static bool is_blank_or_end(char c)
{
	return c == ' ' || c == '\n' || c == '\0';
}

static bool is_bracket_or_comma(char c)
{
	return c == ',' || c == '[' || c == ']' || c == '{' || c == '}';
}

static int column(const struct reader *r)
{
	return (int)(r->at - r->line_start);
}

static void skip_spaces(struct reader *r)
{
	while (*r->at == ' ')
		r->at++;
}

/* Whether a document or a directive may begin here, at the start of a line. */
static bool is_marker(const char *s)
{
	return *s == '%' || !strncmp(s, "---", 3) || !strncmp(s, "...", 3);
}

/* Skips spaces, comments and line feeds. Returns false at the end of the text, and at a marker. */
static bool skip_to_content(struct reader *r)
{
	for (;;) {
		skip_spaces(r);
		if (*r->at == '#' && (r->at == r->line_start || r->at[-1] == ' '))
			r->at += strcspn(r->at, "\n");
		if (*r->at != '\n')
			return *r->at && !(r->at == r->line_start && is_marker(r->at));
		r->line_start = ++r->at;
		r->line++;
	}
}

/* Whether nothing but a comment is left of the line. */
static bool line_ends(struct reader *r)
{
	skip_spaces(r);
	return *r->at == '\n' || !*r->at || (*r->at == '#' && r->at[-1] == ' ');
}

static struct yml *new_node(struct reader *r, enum yml_kind kind)
{
	r->nodes++;
	return yml_new(r->arena, kind, (struct place){r->source, r->line, column(r) + 1, 1});
}

/* ---- scalars ---- */

/* The end of what a scalar without quotes has on this line, spaces after it left out; NULL: give up. */
static const char *plain_end(const char *s, bool in_brackets)
{
	const char *end = s;

	for (; *s && *s != '\n'; s++) {
		if (*s == ' ')
			continue;
		if ((*s == '#' && s > end) || (*s == ':' && is_blank_or_end(s[1])))
			break;
		if (in_brackets && is_bracket_or_comma(*s))
			break;
		if (in_brackets && (*s == '?' || (*s == ':' && is_bracket_or_comma(s[1]))))
			return NULL;
		end = s + 1;
	}
	return end;
}

/* Where a scalar goes on in a later line: with text that is indented by more than `parent`. NULL: it does not. */
static const char *later_line(const struct reader *r, int parent, bool in_brackets, const char **line_start)
{
	const char *s = r->at;

	for (*line_start = NULL; *s == ' ' || *s == '\n'; s++)
		if (*s == '\n')
			*line_start = s + 1;
	if (!*s || !*line_start || *s == '#' || (s == *line_start && is_marker(s)))
		return NULL;
	return in_brackets || s - *line_start > parent ? s : NULL;
}

/* Adds the lines that follow the first one of a scalar. A blank line among them is left to libyaml. */
static bool fold_plain(struct reader *r, int parent, bool in_brackets)
{
	const char *line_start, *next;

	while ((next = later_line(r, parent, in_brackets, &line_start))) {
		const char *const end = plain_end(next, in_brackets);

		if (!end || end == next)
			return end != NULL;
		if (r->at + strcspn(r->at, "\n") + 1 != line_start)
			return false;
		str_add(&r->text, " ");
		str_add_n(&r->text, next, (size_t)(end - next));
		r->line_start = line_start;
		r->line++;
		r->at = end;
	}
	return true;
}

static bool may_begin(const char *s, bool in_brackets)
{
	if (strchr(",[]{}#&*!|>'\"%@`?:", *s)) /* the NUL too */
		return false;
	return *s != '-' || !(is_blank_or_end(s[1]) || (in_brackets && is_bracket_or_comma(s[1])));
}

static bool plain_null(const char *text)
{
	if (*text != '~' && *text != 'n' && *text != 'N')
		return false;
	return !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") || !strcmp(text, "NULL");
}

/* A scalar without quotes, with further lines unless it is a key. */
static bool read_plain(struct reader *r, int parent, bool in_brackets)
{
	const char *const end = may_begin(r->at, in_brackets) ? plain_end(r->at, in_brackets) : NULL;

	if (!end)
		return false;
	str_add_n(&r->text, r->at, (size_t)(end - r->at));
	r->at = end;
	return end[strspn(end, " ")] == ':' || fold_plain(r, parent, in_brackets);
}

/* Goes from the end of a line of a text in quotes to what follows on the next one, which a space stands for. */
static bool fold_quoted(struct reader *r)
{
	str_add(&r->text, " ");
	r->line_start = ++r->at;
	r->line++;
	skip_spaces(r);
	return *r->at != '\n' && !(r->at == r->line_start && is_marker(r->at));
}

static bool read_quoted(struct reader *r)
{
	const char quote = *r->at++, *const stops = quote == '"' ? "\"\\\n" : "'\n";

	for (;;) {
		const char *const end = r->at + strcspn(r->at, stops);
		size_t n = (size_t)(end - r->at);

		while (*end == '\n' && n && r->at[n - 1] == ' ')
			n--;
		str_add_n(&r->text, r->at, n);
		r->at = end;
		if (*r->at == '\n') {
			if (!fold_quoted(r))
				return false;
		} else if (*r->at != quote) {
			return false;
		} else if (*++r->at != '\'' || quote != '\'') {
			return true;
		} else {
			str_add_n(&r->text, r->at++, 1);
		}
	}
}

static struct yml *scalar(struct reader *r, int parent, bool in_brackets)
{
	struct yml *y = new_node(r, YML_SCALAR);
	const char *const from = r->at;

	str_clear(&r->text);
	y->quoted = *r->at == '"' || *r->at == '\'';
	if (!(y->quoted ? read_quoted(r) : read_plain(r, parent, in_brackets)))
		return NULL;
	y->text = arena_strndup(r->arena, r->text.text, r->text.len);
	if (r->line == y->place.line)
		y->place.width = (int)(r->at - from);
	if (!y->quoted && plain_null(y->text))
		y->kind = YML_NULL;
	return y;
}

/* ---- collections ---- */

/* Whether a scalar is the key of what follows it, on the line that it begins on. */
static bool is_key(struct reader *r, const struct yml *y)
{
	skip_spaces(r);
	return *r->at == ':' && is_blank_or_end(r->at[1]) && r->line == y->place.line &&
	       column(r) - y->place.col < KEY_BYTES;
}

/* Adds a key to the mapping whose keys and values are open from `first` on. */
static bool add_key(struct reader *r, size_t first, struct yml *key)
{
	if (key->kind != YML_SCALAR || (!key->quoted && !strcmp(key->text, "<<")))
		return false;
	for (size_t i = first; i < r->open.n; i += 2)
		if (r->open.at[i]->text[0] == key->text[0] && !strcmp(r->open.at[i]->text, key->text))
			return false;
	VEC_ADD(&r->open, key);
	return (r->open.n - first) / 2 < KEYS;
}

/* The collection of what is open from `first` on. */
static struct yml *close_from(struct reader *r, struct yml *y, size_t first)
{
	const size_t step = y->kind == YML_MAP ? 2 : 1;

	y->n = (r->open.n - first) / step;
	y->items = arena_array(r->arena, y->n, sizeof *y->items);
	if (y->kind == YML_MAP)
		y->keys = arena_array(r->arena, y->n, sizeof *y->keys);
	y->height = 1;
	for (size_t i = 0; i < y->n; i++) {
		struct yml *const *const pair = r->open.at + first + i * step;

		y->items[i] = pair[step - 1];
		if (y->kind == YML_MAP)
			y->keys[i] = pair[0];
		y->weight += y->items[i]->weight + step - 1;
		if (y->height <= y->items[i]->height)
			y->height = y->items[i]->height + 1;
	}
	r->open.n = first;
	r->depth--;
	return y;
}

/* A mapping or list in brackets. */
static struct yml *bracketed(struct reader *r)
{
	const bool map = *r->at == '{';
	const char close = map ? '}' : ']';
	struct yml *y = new_node(r, map ? YML_MAP : YML_LIST), *item;
	const size_t first = r->open.n;

	if (r->depth++ == DEPTH)
		return NULL;
	for (r->at++; skip_to_content(r) && *r->at != close; r->at += *r->at == ',') {
		if (map) {
			struct yml *key = scalar(r, 0, true);

			if (!key || !is_key(r, key) || !add_key(r, first, key))
				return NULL;
			r->at++;
			if (!skip_to_content(r))
				return NULL;
		}
		item = *r->at == '{' || *r->at == '[' ? bracketed(r) : scalar(r, 0, true);
		if (!item || !skip_to_content(r) || (*r->at != ',' && *r->at != close))
			return NULL;
		VEC_ADD(&r->open, item);
	}
	return *r->at++ == close ? close_from(r, y, first) : NULL;
}

static bool at_entry(const struct reader *r)
{
	return *r->at == '-' && is_blank_or_end(r->at[1]);
}

static struct yml *block_node(struct reader *r, int parent, bool after_key);

static struct yml *block_list(struct reader *r)
{
	const int at = column(r);
	struct yml *y = new_node(r, YML_LIST), *item;
	const size_t first = r->open.n;

	if (r->depth++ == DEPTH)
		return NULL;
	do {
		r->at++;
		if (line_ends(r) && !skip_to_content(r))
			return NULL;
		item = column(r) > at ? block_node(r, at, false) : NULL; /* no item is left to libyaml */
		if (!item)
			return NULL;
		VEC_ADD(&r->open, item);
	} while (skip_to_content(r) && column(r) == at && at_entry(r));
	return close_from(r, y, first);
}

/* The value of a key in a column, from the colon on. */
static struct yml *value_of(struct reader *r, int key)
{
	r->at++;
	if (!line_ends(r))
		return block_node(r, key, true);
	if (!skip_to_content(r))
		return NULL;
	if (column(r) == key && at_entry(r))
		return block_list(r);
	return column(r) > key ? block_node(r, key, false) : NULL; /* no value is left to libyaml */
}

static struct yml *block_map(struct reader *r, struct yml *key)
{
	const int at = key->place.col - 1;
	struct yml *y = yml_new(r->arena, YML_MAP, key->place), *value;
	const size_t first = r->open.n;

	if (r->depth++ == DEPTH)
		return NULL;
	r->nodes++;
	y->place.width = 1;
	for (;;) {
		value = add_key(r, first, key) ? value_of(r, at) : NULL;
		if (!value)
			return NULL;
		VEC_ADD(&r->open, value);
		if (!skip_to_content(r) || column(r) < at)
			return close_from(r, y, first);
		key = column(r) == at ? scalar(r, at, false) : NULL;
		if (!key || !is_key(r, key))
			return NULL;
	}
}

/* What is written in lines that are indented by more than `parent`; after_key: in the line of its key, where no list or
 * mapping may begin. */
static struct yml *block_node(struct reader *r, int parent, bool after_key)
{
	struct yml *y;

	if (at_entry(r))
		return after_key ? NULL : block_list(r);
	if (*r->at == '{' || *r->at == '[') {
		y = bracketed(r);
	} else {
		y = scalar(r, parent, false);
		if (y && is_key(r, y))
			return after_key ? NULL : block_map(r, y);
	}
	return y && line_ends(r) ? y : NULL;
}

struct yml *yml_plain(struct arena *a, const struct source *source)
{
	struct reader r = {.arena = a,
			   .source = source,
			   .at = source->text,
			   .line_start = source->text,
			   .line = 1,
			   .text = STR_INIT};
	struct yml *root = skip_to_content(&r) ? block_node(&r, -1, false) : NULL;

	if (root && (skip_to_content(&r) || *r.at || r.nodes > YML_NODES))
		root = NULL;
	VEC_FREE(&r.open);
	str_release(&r.text);
	return root;
}
