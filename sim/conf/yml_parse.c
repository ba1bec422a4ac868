/* yml_parse.c - builds a tree from the events of libyaml, with a stack of open collections. */
#include "sim/conf/yml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "sim/base/map.h"
#include "sim/base/utf8.h"
#include "sim/base/vec.h"

struct open {
	struct yml *node;
	const char *anchor;
	struct yml *key; /* a key whose value has not been read yet */
	VEC(struct yml *) items, keys;
	struct map seen;
};

struct builder {
	struct arena *arena;
	const struct source *source;
	struct diags *diags;
	struct open stack[YML_DEPTH];
	size_t depth, nodes;
	struct map anchors;
	VEC(struct yml *) anchored;
	struct yml *root;
	bool failed;
};

static struct place place_of(const struct builder *b, yaml_mark_t start, yaml_mark_t end)
{
	const int width =
		end.line == start.line && end.column > start.column ? (int)(end.column - start.column) : 1;

	return (struct place){b->source, (int)start.line + 1, (int)start.column + 1, width};
}

static int fail(struct builder *b, struct place place, const char *hint, const char *msg)
{
	b->failed = true;
	return diag_add(b->diags, place, hint, "%s", msg);
}

static void set_anchor(struct builder *b, const char *anchor, struct yml *node)
{
	const size_t i = map_add(&b->anchors, anchor);

	if (i < b->anchored.n)
		/* in YAML a later anchor replaces an earlier one of the same name */
		b->anchored.at[i] = node;
	else
		VEC_ADD(&b->anchored, node);
}

/* Adds a key to the mapping `top`; it must be plain text and not repeated. */
static void add_key(struct builder *b, struct open *top, struct yml *key)
{
	top->key = key;
	if (key->kind != YML_SCALAR) {
		fail(b, key->place, "write 'key: value'", "a key must be plain text");
		return;
	}
	if (key->text[strcspn(key->text, "\n\t")])
		fail(b, key->place, NULL, "a key may not hold a line break or a tab");
	if (!strcmp(key->text, "<<") && !key->quoted)
		fail(b, key->place, "inherit with 'base: NAME'", "merge keys '<<' are not supported");
	if (top->keys.n == YML_KEYS)
		fail(b, key->place, NULL, "a mapping may hold %d keys, this is one more");
	if (map_find(&top->seen, key->text) != MAP_NONE) {
		const size_t first = map_find(&top->seen, key->text);

		diag_add(b->diags, key->place, "keep one of them",
			 "key '%s' is repeated; first given at line %d", key->text,
			 top->keys.at[first]->place.line);
	}
}

/* Adds a finished node to the innermost open collection, or makes it the root. */
static void add_node(struct builder *b, struct yml *node, bool by_alias)
{
	struct open *top = b->depth ? &b->stack[b->depth - 1] : NULL;

	b->nodes += by_alias ? node->weight : 1;
	if (b->nodes > YML_NODES) {
		fail(b, node->place, "write it out, or use fewer aliases",
		     "the file has too many nodes once aliases are followed");
		return;
	}
	if (!top) {
		b->root = node;
	} else if (top->node->kind == YML_LIST) {
		VEC_ADD(&top->items, node);
	} else if (!top->key) {
		add_key(b, top, node);
	} else {
		if (top->key->kind == YML_SCALAR && map_find(&top->seen, top->key->text) == MAP_NONE) {
			map_add(&top->seen, top->key->text);
			VEC_ADD(&top->keys, top->key);
			VEC_ADD(&top->items, node);
		}
		top->key = NULL;
	}
	if (top) {
		top->node->weight += node->weight;
		if (top->node->height <= node->height)
			top->node->height = node->height + 1;
	}
}

static void refuse_tag(struct builder *b, const yaml_event_t *e, const yaml_char_t *tag)
{
	if (tag && strcmp((const char *)tag, "!") != 0)
		fail(b, place_of(b, e->start_mark, e->end_mark),
		     "leave it out: a value's place says what it is", "tags such as '!x' are not supported");
}

static const char bidi_hint[] = "take it out: it shows text in another order than it has";

/* Refuses characters that may not be in the file itself but that an escape in double quotes can produce. A
 * text may contain line breaks and tabs. */
static void check_text(struct builder *b, const struct yml *y, size_t len)
{
	uint32_t c;
	const char *at;
	char msg[80];

	if (utf8_plain(y->text, len) == len)
		return;
	at = utf8_control(y->text, &c);
	if (at && utf8_is_bidi_control(c)) {
		snprintf(msg, sizeof msg, "text may not hold the bidirectional control U+%04X", (unsigned)c);
		fail(b, y->place, bidi_hint, msg);
	} else if (at) {
		snprintf(msg, sizeof msg, "text may not hold the control character 0x%02x", (unsigned)c);
		fail(b, y->place, NULL, msg);
	} else if (strlen(y->text) != len) {
		fail(b, y->place, NULL, "text may not hold a NUL character");
	}
}

static bool plain_null(const char *text)
{
	return !*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") ||
	       !strcmp(text, "NULL");
}

static void on_scalar(struct builder *b, const yaml_event_t *e)
{
	struct yml *y = yml_new(b->arena, YML_SCALAR, place_of(b, e->start_mark, e->end_mark));

	y->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	y->text = arena_strndup(b->arena, (const char *)e->data.scalar.value, e->data.scalar.length);
	check_text(b, y, e->data.scalar.length);
	refuse_tag(b, e, e->data.scalar.tag);
	if (!y->quoted && plain_null(y->text))
		y->kind = YML_NULL;
	if (e->data.scalar.anchor)
		set_anchor(b, arena_strdup(b->arena, (const char *)e->data.scalar.anchor), y);
	add_node(b, y, false);
}

static void on_alias(struct builder *b, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	const size_t i = map_find(&b->anchors, name);
	const struct place place = place_of(b, e->start_mark, e->end_mark);

	if (i == MAP_NONE) {
		fail(b, place, NULL, "this alias names nothing that is complete before it");
		return;
	}
	if (b->depth + b->anchored.at[i]->height > YML_DEPTH) {
		fail(b, place, NULL, "nested too deeply: 64 levels are allowed");
		return;
	}
	add_node(b, yml_copy(b->arena, b->anchored.at[i]), true);
}

static void on_open(struct builder *b, const yaml_event_t *e, enum yml_kind kind)
{
	const bool list = kind == YML_LIST;
	const yaml_char_t *anchor = list ? e->data.sequence_start.anchor : e->data.mapping_start.anchor;
	const struct place place = place_of(b, e->start_mark, e->end_mark);

	refuse_tag(b, e, list ? e->data.sequence_start.tag : e->data.mapping_start.tag);
	if (b->depth == YML_DEPTH) {
		fail(b, place, NULL, "nested too deeply: 64 levels are allowed");
		return;
	}
	b->stack[b->depth] = (struct open){.node = yml_new(b->arena, kind, place), .seen = MAP_INIT};
	b->stack[b->depth].node->place.width = 1;
	b->stack[b->depth].node->height = 1;
	if (anchor)
		b->stack[b->depth].anchor = arena_strdup(b->arena, (const char *)anchor);
	b->depth++;
}

static void *copy_array(struct arena *a, const void *from, size_t n, size_t size)
{
	void *to = arena_array(a, n, size);

	return n ? memcpy(to, from, n * size) : to;
}

static void release_open(struct open *o)
{
	VEC_FREE(&o->items);
	VEC_FREE(&o->keys);
	map_release(&o->seen);
}

static void on_close(struct builder *b)
{
	struct open *o = &b->stack[--b->depth];
	struct yml *y = o->node;

	y->n = o->items.n;
	y->items = copy_array(b->arena, o->items.at, y->n, sizeof *y->items);
	if (y->kind == YML_MAP)
		y->keys = copy_array(b->arena, o->keys.at, y->n, sizeof *y->keys);
	if (o->anchor)
		set_anchor(b, o->anchor, y);
	release_open(o);
	add_node(b, y, false);
}

static void on_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		on_scalar(b, e);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(b, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_open(b, e, YML_LIST);
		break;
	case YAML_MAPPING_START_EVENT:
		on_open(b, e, YML_MAP);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_close(b);
		break;
	case YAML_DOCUMENT_START_EVENT:
		if (b->root)
			fail(b, place_of(b, e->start_mark, e->end_mark), NULL,
			     "a file holds one document, this starts a second");
		break;
	default:
		break;
	}
}

/* Refuses bytes for which libyaml would report an error without line and column. */
static int check_bytes(const struct source *source, struct diags *diags)
{
	struct place place = {source, 1, 1, 1};
	const char *s = source->text, *end = s + source->len;

	if (source->len >= 3 && !memcmp(s, "\xef\xbb\xbf", 3))
		s += 3; /* a byte order mark is allowed and takes no column */
	while (s < end) {
		uint32_t c;
		size_t n, line_break;

		if (place.col == 1 && str_starts(s, "%TAG")) /* libyaml takes quadratic time for them */
			return diag_add(diags, place, "leave the line out", "%%TAG is not supported");
		n = utf8_plain(s, (size_t)(end - s));
		place.col += (int)n;
		s += n;
		if (s == end)
			break;
		line_break = diag_line_break(s, end);
		if (line_break) {
			place.line++;
			place.col = 1;
			s += line_break;
			continue;
		}
		n = *s ? utf8_decode(s, &c) : 0;
		if (!n && *s)
			return diag_add(diags, place, "save the file as UTF-8",
					"this byte (0x%02x) is not UTF-8", (unsigned char)*s);
		if (!n)
			return diag_add(diags, place, NULL, "a NUL character is not allowed");
		if (utf8_is_bidi_control(c))
			return diag_add(diags, place, bidi_hint,
					"the bidirectional control U+%04X is not allowed", (unsigned)c);
		if (utf8_is_control(c) && c != '\t')
			return diag_add(diags, place, NULL, "the control character 0x%02x is not allowed",
					(unsigned)c);
		if (c == 0xfeff || c == 0xfffe || c == 0xffff) /* libyaml refuses them without a place */
			return diag_add(diags, place, NULL, "the character U+%04X is not allowed",
					(unsigned)c);
		s += n;
		place.col++;
	}
	return 0;
}

/* Messages of libyaml, and the messages shown in their place. context: libyaml's context of the error;
 * NULL: any. */
static const struct complaint {
	const char *problem, *context, *msg, *hint;
	bool at_context; /* the caret is at the start of the context */
} complaints[] = {
	{"found unexpected end of stream", "while scanning a quoted scalar",
	 "the quote that opens here is never closed", "close it, or leave the quotes out", true},
	{"could not find expected ':'", "while scanning a simple key", "expected 'key: value'",
	 "a colon and a space follow a key of at most 1024 characters", true},
	{"mapping values are not allowed in this context", NULL, "a ':' is not expected here",
	 "quote text that holds ': ', and check the indentation", false},
	{"did not find expected key", "while parsing a block mapping", "expected a key here",
	 "check the indentation, and the quotes and brackets before it", false},
	{"did not find expected '-' indicator", NULL, "expected '- ' here, for the next entry of a list",
	 "a dash and a blank begin it ('- name: ...'); check the indentation too", false},
	{"found unexpected ':'", "while scanning a plain scalar", "a ':' ends no value",
	 "leave it out, or quote the text", false},
	{"did not find expected ',' or '}'", NULL, NULL, "a comma is missing, or a '}'", false},
	{"did not find expected ',' or ']'", NULL, NULL, "a comma is missing, or a ']'", false},
	{"did not find expected node content", "while parsing a flow node",
	 "a value is missing in the list or mapping",
	 "close the brackets and braces before it; '#' after a blank begins a comment", false},
	{"did not find expected <document start>", NULL, "the mapping has ended before this line",
	 "check the indentation of the lines before", false},
	{"block sequence entries are not allowed in this context", NULL, "a list may not begin here",
	 "begin it on a line of its own, or write it in brackets", false},
	{"found unknown escape character", NULL, NULL,
	 "in double quotes write '\\\\' for a backslash, or use single quotes", false},
	{"did not find expected alphabetic or numeric character", NULL, NULL,
	 "quote text that begins with '&' or '*'", false},
	{"found incompatible YAML document", NULL, NULL, "leave the %YAML line out", false},
};

static const struct complaint *known_complaint(const yaml_parser_t *p)
{
	for (size_t i = 0; p->problem && i < sizeof complaints / sizeof complaints[0]; i++) {
		const struct complaint *c = &complaints[i];

		if (!strcmp(p->problem, c->problem) &&
		    (!c->context || (p->context && !strcmp(p->context, c->context))))
			return c;
	}
	return NULL;
}

/* Is the text from a line (counted from 0) to the end blank? The fault is then before that line. */
static bool at_end(const struct source *source, size_t line)
{
	const char *at = source->text, *end = at + source->len;

	while (at < end && line) {
		const size_t n = diag_line_break(at, end);

		line -= n > 0;
		at += n ? n : 1;
	}
	return at + strspn(at, " \t\r\n") >= end;
}

static void syntax_error(struct builder *b, const yaml_parser_t *p)
{
	const struct complaint *known = known_complaint(p);
	const bool ended = at_end(b->source, p->problem_mark.line),
		   begun = p->context && ((known && known->at_context) || ended);
	const yaml_mark_t at = begun ? p->context_mark : p->problem_mark;
	const char *hint = known ? known->hint : NULL;
	struct str msg = STR_INIT;

	str_add(&msg, known && known->msg ? known->msg : p->problem ? p->problem : "not YAML");
	if (p->context && (!known || !known->msg))
		str_addf(&msg, " %s", p->context);
	if (begun && ended && !(known && known->at_context))
		str_add(&msg, " that begins here");
	else if (p->context && !begun && p->context_mark.line != p->problem_mark.line)
		str_addf(&msg, "%s that began at line %zu", known && known->msg ? ", in what" : "",
			 p->context_mark.line + 1);
	if (p->problem && strstr(p->problem, "cannot start any token"))
		hint = "indent by spaces, not tabs, and quote text that begins with a sign";
	fail(b, place_of(b, at, at), hint, msg.text);
	str_release(&msg);
}

struct yml *yml_parse(struct arena *a, const struct source *source, struct diags *diags)
{
	struct builder b = {.arena = a, .source = source, .diags = diags, .anchors = MAP_INIT};
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;

	if (check_bytes(source, diags) != 0)
		return NULL;
	if (!yaml_parser_initialize(&parser))
		BUG("out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)source->text, source->len);
	while (more && !b.failed) {
		if (!yaml_parser_parse(&parser, &event)) {
			syntax_error(&b, &parser);
			break;
		}
		on_event(&b, &event);
		more = event.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	while (b.depth)
		release_open(&b.stack[--b.depth]);
	map_release(&b.anchors);
	VEC_FREE(&b.anchored);
	if (!b.failed && !b.root)
		diag_add(diags, (struct place){source, 0, 0, 0}, NULL, "the file is empty");
	return b.failed ? NULL : b.root;
}
