/* sources.c - see sources.h. */
#include "sim/conf/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/map.h"
#include "sim/base/nearest.h"
#include "sim/base/vec.h"

/* ---- reading: from keys to texts ---- */

struct resolver {
	struct arena *arena;
	const struct yml *list;
	const char **names; /* keys, for hints */
	bool *used;
	struct map index; /* from a key to its index in the list */
	struct diags *diags;
};

static int check_list(struct resolver *r)
{
	if (r->list->kind != YML_MAP)
		return diag_add(r->diags, r->list->place, "write sources: {KEY: \"where it comes from\"}",
				"sources: expected a mapping, got %s", yml_kind_name(r->list));
	for (size_t i = 0; i < r->list->n; i++) {
		const struct yml *text = r->list->items[i];

		if (text->kind != YML_SCALAR)
			return diag_add(r->diags, text->place, NULL, "sources: expected text, got %s",
					yml_kind_name(text));
		r->names[i] = r->list->keys[i]->text;
		map_add(&r->index, r->names[i]);
	}
	return 0;
}

static void resolve_scalar(struct resolver *r, struct yml *node)
{
	const size_t i = map_find(&r->index, node->text);
	const char *near;

	if (i != MAP_NONE) {
		r->used[i] = true;
		node->text = r->list->items[i]->text;
		node->quoted = true;
		return;
	}
	near = node->quoted || strchr(node->text, ' ') ? NULL : nearest_of(node->text, r->names, r->list->n);
	if (near)
		diag_add(r->diags, node->place, arena_printf(r->arena, "did you mean '%.60s'?", near),
			 "'%.60s' is not in the file's list of sources", node->text);
}

static void resolve_all(struct resolver *r, struct yml *node)
{
	for (size_t i = 0; i < node->n; i++) {
		struct yml *item = node->items[i];

		if (item == r->list)
			continue;
		if (node->keys && item->kind == YML_SCALAR && !strcmp(node->keys[i]->text, "source"))
			resolve_scalar(r, item);
		else
			resolve_all(r, item);
	}
}

void sources_resolve(struct arena *a, struct yml *tree, struct diags *diags)
{
	struct resolver r = {.arena = a, .list = yml_get(tree, "sources"), .index = MAP_INIT, .diags = diags};

	if (!r.list)
		return;
	r.names = arena_array(a, r.list->n + 1, sizeof *r.names);
	r.used = arena_array(a, r.list->n + 1, sizeof *r.used);
	if (check_list(&r) == 0) {
		resolve_all(&r, tree);
		for (size_t i = 0; i < r.list->n; i++)
			if (!r.used[i])
				diag_add(diags, r.list->keys[i]->place, "take it out, or name it in a figure",
					 "no figure of this file has the source '%.60s'", r.names[i]);
	}
	map_release(&r.index);
	yml_drop(tree, "sources");
}

/* ---- writing: from texts to keys ---- */

struct listed {
	const char *quoted; /* the source as written, with its quotes */
	const char *key;
	size_t times;
	bool long_line;
};

struct lister {
	struct arena arena;
	VEC(struct listed) sources; /* in order of appearance */
	struct map by_text, by_key;
};

/* Finds the next `source: "` in a line and returns the quoted text, its quotes included; NULL if there is
 * none. */
static const char *find_quoted(const char *from, const char *end, size_t *len)
{
	static const char mark[] = "source: \"";

	for (const char *s = from; s + sizeof mark - 1 < end; s++) {
		const char *close = s + sizeof mark - 1;

		if (strncmp(s, mark, sizeof mark - 1) != 0)
			continue;
		while (close < end && *close != '"')
			close += *close == '\\' && close + 1 < end ? 2 : 1;
		if (close >= end)
			return NULL;
		s += sizeof mark - 2;
		*len = (size_t)(close + 1 - s);
		return s;
	}
	return NULL;
}

static const char *line_end(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end : line + strlen(line);
}

static size_t columns_of(struct arena *a, const char *line, const char *end)
{
	return str_width(arena_strndup(a, line, (size_t)(end - line)));
}

static void count_line(struct lister *l, const char *line, const char *end)
{
	size_t len;

	for (const char *q = line; (q = find_quoted(q, end, &len)); q += len) {
		const char *text = arena_strndup(&l->arena, q, len);
		const size_t i = map_add(&l->by_text, text);

		if (i == l->sources.n)
			VEC_ADD(&l->sources, (struct listed){.quoted = text});
		l->sources.at[i].times++;
		l->sources.at[i].long_line |= columns_of(&l->arena, line, end) > SOURCES_COLUMNS;
	}
}

/* Makes a key from the first words of a source, with a number appended if the key exists. */
static const char *make_key(struct lister *l, const char *quoted)
{
	enum { KEY_MAX = 22 };
	struct str slug = STR_INIT;
	const char *key, *plain;
	size_t cut;

	str_slug(&slug, quoted);
	cut = slug.len;
	if (cut > KEY_MAX)
		for (cut = KEY_MAX; cut > KEY_MAX / 2 && slug.text[cut] != '-';)
			cut--;
	/* a key of digits only would be read as a number */
	plain = cut && strspn(slug.text, "0123456789-") < cut ? arena_strndup(&l->arena, slug.text, cut)
							      : "source";
	key = plain;
	for (int n = 2; map_find(&l->by_key, key) != MAP_NONE; n++)
		key = arena_printf(&l->arena, "%s-%d", plain, n);
	map_add(&l->by_key, key);
	str_release(&slug);
	return key;
}

static void add_line(struct lister *l, const char *line, const char *end, struct str *out)
{
	const char *from = line, *q;
	size_t len;

	for (q = line; (q = find_quoted(q, end, &len)); q += len) {
		const size_t i = map_find(&l->by_text, arena_strndup(&l->arena, q, len));

		str_add_n(out, from, (size_t)(q - from));
		if (l->sources.at[i].key)
			str_add(out, l->sources.at[i].key);
		else
			str_add_n(out, q, len);
		from = q + len;
	}
	str_add_n(out, from, (size_t)(end - from));
	str_add(out, "\n");
}

/* Bytes up to the next single blank: YAML drops blanks at a line break, so only a single one may become one. */
static size_t unbroken_len(const char *text)
{
	size_t n = strcspn(text, " ");

	while (text[n] && text[n + 1] == ' ') {
		n += strspn(text + n, " ");
		n += strcspn(text + n, " ");
	}
	return n;
}

/* Appends a key and its quoted text, wrapped at blanks: YAML joins the lines of a quoted scalar with one
 * blank. */
static void add_source(const struct listed *s, struct str *out)
{
	size_t column = 4 + strlen(s->key) + 1;
	const char *word = s->quoted;

	str_addf(out, "  %s: ", s->key);
	while (*word) {
		const size_t shown = unbroken_len(word), len = shown + (word[shown] == ' ');

		if (word != s->quoted && column + shown > SOURCES_COLUMNS) {
			out->text[--out->len] = '\0'; /* removes the blank before the word */
			str_add(out, "\n    ");
			column = 4;
		}
		str_add_n(out, word, len);
		column += len;
		word += len;
	}
	str_add(out, "\n");
}

static void read_keys(struct lister *l, const char *list)
{
	for (const char *line = list; *line; line = line_end(line) + (*line_end(line) == '\n')) {
		const char *colon = strchr(line, ':');

		if (line[0] == ' ' && line[1] == ' ' && line[2] != ' ' && colon && colon < line_end(line))
			map_add(&l->by_key, arena_strndup(&l->arena, line + 2, (size_t)(colon - line - 2)));
	}
}

static void name_sources(struct lister *l)
{
	for (size_t i = 0; i < l->sources.n; i++) {
		struct listed *s = &l->sources.at[i];

		if (s->times > 1 || s->long_line)
			s->key = make_key(l, s->quoted);
	}
}

void sources_list(const char *text, struct str *out)
{
	struct lister l = {.arena = ARENA_INIT, .by_text = MAP_INIT, .by_key = MAP_INIT};
	const char *list = strstr(text, "\nsources:\n");
	const char *end = list ? list + 1 : text + strlen(text);
	bool any = list != NULL;

	for (const char *line = text; line < end; line = line_end(line) + 1)
		count_line(&l, line, line_end(line));
	if (list)
		read_keys(&l, list + strlen("\nsources:\n"));
	name_sources(&l);
	for (const char *line = text; line < end; line = line_end(line) + 1)
		add_line(&l, line, line_end(line), out);
	if (list)
		str_add(out, list + 1);
	for (size_t i = 0; i < l.sources.n; i++) {
		if (!l.sources.at[i].key)
			continue;
		str_add(out, any ? "" : "sources:\n");
		any = true;
		add_source(&l.sources.at[i], out);
	}
	VEC_FREE(&l.sources);
	map_release(&l.by_text);
	map_release(&l.by_key);
	arena_release(&l.arena);
}
