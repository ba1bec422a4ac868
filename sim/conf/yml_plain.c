/*
 * yml_plain.c - see yml_plain.h.
 *
 * A recursive descent over lines. Every function that meets a form which it does not know sets `foreign`, after which nothing
 * more is read. Columns are those of characters, as libyaml counts them: bytes of the line less the later bytes of UTF-8.
 */
#include "sim/conf/yml_plain.h"

#include <string.h>

#include "sim/base/map.h"
#include "sim/base/vec.h"

enum {
	TEXT_MOST = 1 << 19, /* bytes: too few for YML_NODES or YML_KEYS */
	KEY_MOST = 1000,     /* bytes; libyaml takes 1024 characters */
	FEW_KEYS = 12        /* so many are compared one by one */
};

struct reader {
	struct arena *arena;
	const struct source *source;
	const char *at, *end;
	const char *line; /* its first byte */
	int line_n;
	int later;  /* bytes of the line before `at` that are not the first of a character */
	int indent; /* of the content line that next_line() has come to; -1: there is none */
	size_t depth;
	bool foreign;
	VEC(struct yml *) nodes; /* of the collections that are open: keys and items */
};

static struct yml *foreign(struct reader *r)
{
	r->foreign = true;
	return NULL;
}

static int column(const struct reader *r)
{
	return (int)(r->at - r->line) - r->later;
}

static struct place place_here(const struct reader *r)
{
	return (struct place){r->source, r->line_n, column(r) + 1, 1};
}

/* ---- lines ---- */

static char peek(const struct reader *r, size_t ahead)
{
	return (size_t)(r->end - r->at) > ahead ? r->at[ahead] : '\n';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n';
}

static void skip_spaces(struct reader *r)
{
	while (r->at < r->end && *r->at == ' ')
		r->at++;
}

static void begin_line(struct reader *r)
{
	r->at++;
	r->line = r->at;
	r->line_n++;
	r->later = 0;
}

/* The end of the line, or a comment, which is skipped: true. */
static bool line_ends(struct reader *r)
{
	skip_spaces(r);
	if (r->at < r->end && *r->at == '#' && (r->at == r->line || r->at[-1] == ' ')) {
		const char *n = memchr(r->at, '\n', (size_t)(r->end - r->at));

		r->at = n ? n : r->end;
	}
	return r->at == r->end || *r->at == '\n';
}

/* From the end of a line to the content of the next one that has some. */
static void next_line(struct reader *r)
{
	while (line_ends(r)) {
		if (r->at == r->end) {
			r->indent = -1;
			return;
		}
		begin_line(r);
	}
	r->indent = column(r);
	/* "---", "..." and "%" at the start of a line are no content */
	if (!r->indent && (*r->at == '%' || str_starts(r->at, "---") || str_starts(r->at, "...")))
		foreign(r);
}

/* ---- scalars ---- */

static int later_bytes(const char *text, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) == 0x80;
	return n;
}

static struct yml *scalar(struct reader *r, const char *text, size_t len, bool quoted)
{
	struct yml *y = yml_new(r->arena, YML_SCALAR, place_here(r));
	const int later = later_bytes(text, len);

	y->place.width = (int)len - later + 2 * quoted;
	y->text = arena_strndup(r->arena, text, len);
	y->quoted = quoted;
	if (!quoted && yml_is_null(y->text))
		y->kind = YML_NULL;
	r->at += len + 2 * (size_t)quoted;
	r->later += later;
	return y;
}

/* The quote that closes the scalar; NULL: there is an escape in it, or none closes it. */
static const char *closing_quote(const struct reader *r)
{
	const char quote = *r->at, *to = r->at + 1;

	while (to < r->end && *to != quote && (*to != '\\' || quote == '\''))
		to++;
	if (to == r->end || *to != quote || (quote == '\'' && to + 1 < r->end && to[1] == '\''))
		return NULL;
	return to;
}

/* A quoted scalar of several lines, none of which is empty: each break and the spaces around it are one space. */
static struct yml *folded_scalar(struct reader *r, const char *close)
{
	struct yml *y = yml_new(r->arena, YML_SCALAR, place_here(r));
	char *text = arena_room(r->arena, (size_t)(close - r->at), 1), *to = text;

	for (const char *c = r->at + 1, *n;; c = n + 1 + strspn(n + 1, " ")) {
		const char *end = n = memchr(c, '\n', (size_t)(close - c));

		if (!n)
			end = close;
		else
			while (end > c && end[-1] == ' ')
				end--;
		if (end == c || (c > r->at + 1 && c[-1] == '\n'))
			return foreign(r);
		memcpy(to, c, (size_t)(end - c));
		to += end - c;
		if (!n)
			break;
		*to++ = ' ';
		r->line = n + 1;
		r->line_n++;
	}
	*to = '\0';
	y->text = text;
	y->quoted = true;
	r->at = close + 1;
	r->later = later_bytes(r->line, (size_t)(r->at - r->line));
	return y;
}

static struct yml *quoted_scalar(struct reader *r)
{
	const char *from = r->at + 1, *close = closing_quote(r);

	if (!close)
		return foreign(r);
	return memchr(from, '\n', (size_t)(close - from)) ? folded_scalar(r, close)
							  : scalar(r, from, (size_t)(close - from), true);
}

/* What a sign may do. NO_BEGIN: a plain scalar does not begin with it (more signs than YAML has). */
enum { NO_BEGIN = 1, ENDS_BLOCK = 2, ENDS_FLOW = 4, MAY_END = 8 };
static const unsigned char signs[256] = {
	['\n'] = NO_BEGIN | ENDS_BLOCK | ENDS_FLOW,
	[' '] = NO_BEGIN | MAY_END,
	[':'] = NO_BEGIN | MAY_END,
	[','] = NO_BEGIN | ENDS_FLOW,
	['['] = NO_BEGIN | ENDS_FLOW,
	[']'] = NO_BEGIN | ENDS_FLOW,
	['{'] = NO_BEGIN | ENDS_FLOW,
	['}'] = NO_BEGIN | ENDS_FLOW,
	['?'] = NO_BEGIN | ENDS_FLOW,
	['#'] = NO_BEGIN,
	['&'] = NO_BEGIN,
	['*'] = NO_BEGIN,
	['!'] = NO_BEGIN,
	['|'] = NO_BEGIN,
	['>'] = NO_BEGIN,
	['\''] = NO_BEGIN,
	['"'] = NO_BEGIN,
	['%'] = NO_BEGIN,
	['@'] = NO_BEGIN,
	['`'] = NO_BEGIN,
	['-'] = NO_BEGIN, /* but before a sign that may begin one */
};

static unsigned sign(char c)
{
	return signs[(unsigned char)c];
}

static bool begins_plain(const struct reader *r)
{
	return !(sign(*r->at) & NO_BEGIN) || (*r->at == '-' && !(sign(peek(r, 1)) & NO_BEGIN));
}

/* A colon before a blank, or a blank before a comment. */
static bool may_end(const char *at, const char *end, bool flow)
{
	if (*at == ' ')
		return at + 1 < end && at[1] == '#';
	return at + 1 == end || is_blank(at[1]) || (flow && sign(at[1]) & ENDS_FLOW);
}

static struct yml *plain_scalar(struct reader *r, bool flow)
{
	const unsigned ends = flow ? ENDS_FLOW : ENDS_BLOCK;
	const char *to = r->at;

	if (!begins_plain(r))
		return foreign(r);
	for (; to < r->end && !(sign(*to) & ends); to++)
		if (sign(*to) & MAY_END && may_end(to, r->end, flow))
			break;
	if (to < r->end && *to == ':' && to + 1 < r->end && !is_blank(to[1]))
		return foreign(r);
	while (to[-1] == ' ')
		to--;
	return scalar(r, r->at, (size_t)(to - r->at), false);
}

static struct yml *scalar_here(struct reader *r, bool flow)
{
	return *r->at == '"' || *r->at == '\'' ? quoted_scalar(r) : plain_scalar(r, flow);
}

/* ---- collections ---- */

static struct yml *open_collection(struct reader *r, enum yml_kind kind)
{
	struct yml *y = yml_new(r->arena, kind, place_here(r));

	y->height = 1;
	if (++r->depth > YML_DEPTH)
		return foreign(r);
	return y;
}

static void add(struct reader *r, struct yml *to, struct yml *node)
{
	if (!node)
		return;
	VEC_ADD(&r->nodes, node);
	to->weight += node->weight;
	if (to->height <= node->height)
		to->height = node->height + 1;
}

/* Keys that repeat are for libyaml to complain of. */
static bool keys_repeat(const struct yml *y)
{
	struct map seen = MAP_INIT;
	bool repeat = false;

	for (size_t i = 0; i < y->n && y->n > FEW_KEYS; i++)
		repeat |= map_add(&seen, y->keys[i]->text) < i;
	for (size_t i = 0; i < y->n && y->n <= FEW_KEYS; i++)
		for (size_t k = 0; k < i; k++)
			repeat |= y->keys[i]->text[0] == y->keys[k]->text[0] &&
				  !strcmp(y->keys[i]->text, y->keys[k]->text);
	map_release(&seen);
	return repeat;
}

/* Takes what has been added from first on. */
static struct yml *close_collection(struct reader *r, struct yml *y, size_t first)
{
	struct yml *const *from = r->nodes.at + first;
	const size_t n = r->nodes.n - first, each = y->kind == YML_MAP ? 2 : 1;

	r->nodes.n = first;
	r->depth--;
	if (r->foreign)
		return NULL;
	y->n = n / each;
	y->items = arena_array(r->arena, y->n, sizeof *y->items);
	if (y->kind == YML_MAP)
		y->keys = arena_array(r->arena, y->n, sizeof *y->keys);
	for (size_t i = 0; i < y->n; i++) {
		y->items[i] = from[each * i + each - 1];
		if (y->keys)
			y->keys[i] = from[2 * i];
	}
	return y->keys && keys_repeat(y) ? foreign(r) : y;
}

static struct yml *key_here(struct reader *r, bool flow)
{
	const char *from = r->at;
	const int line_n = r->line_n;
	struct yml *key = scalar_here(r, flow);

	if (!key || r->line_n != line_n || key->kind != YML_SCALAR ||
	    (!key->quoted && !strcmp(key->text, "<<")) || r->at - from > KEY_MOST || peek(r, 0) != ':' ||
	    !is_blank(peek(r, 1)))
		return foreign(r);
	r->at++;
	return key;
}

/* ---- flow collections ---- */

static void skip_to_token(struct reader *r)
{
	while (line_ends(r) && r->at < r->end) {
		begin_line(r);
		/* such a line is perhaps no content */
		if (r->at < r->end && strchr("-.%", *r->at))
			foreign(r);
	}
}

static struct yml *flow_node(struct reader *r);

static void flow_entry(struct reader *r, struct yml *y)
{
	if (y->kind == YML_MAP) {
		add(r, y, key_here(r, true));
		skip_to_token(r);
	}
	if (!r->foreign && r->at < r->end)
		add(r, y, flow_node(r));
	else
		foreign(r);
}

/* Ends behind the bracket. */
static struct yml *flow_collection(struct reader *r)
{
	const char close = *r->at == '[' ? ']' : '}';
	struct yml *y = open_collection(r, *r->at == '[' ? YML_LIST : YML_MAP);
	const size_t first = r->nodes.n;
	bool more = true;

	if (!y)
		return NULL;
	r->at++;
	skip_to_token(r);
	if (peek(r, 0) == close) {
		r->at++;
		return close_collection(r, y, first);
	}
	while (more && !r->foreign && r->at < r->end) {
		flow_entry(r, y);
		skip_to_token(r);
		more = peek(r, 0) == ',';
		if (!more && peek(r, 0) != close)
			foreign(r);
		r->at += r->at < r->end;
		if (more)
			skip_to_token(r);
	}
	if (more)
		foreign(r);
	return close_collection(r, y, first);
}

static struct yml *flow_node(struct reader *r)
{
	return *r->at == '[' || *r->at == '{' ? flow_collection(r) : scalar_here(r, true);
}

/* ---- block collections ---- */

static struct yml *block_map(struct reader *r, int indent);
static struct yml *block_list(struct reader *r, int indent);

static bool is_entry(const struct reader *r)
{
	return *r->at == '-' && is_blank(peek(r, 1));
}

/* A node that ends on a line of a collection with this indent; then the next line is come to. What is indented more would
 * belong to the node. */
static struct yml *node_of_line(struct reader *r, int indent)
{
	struct yml *y = *r->at == '[' || *r->at == '{' ? flow_collection(r) : scalar_here(r, false);

	if (r->foreign || !line_ends(r))
		return foreign(r);
	next_line(r);
	return r->indent > indent ? foreign(r) : y;
}

/* A node of one line, or a mapping whose keys stand below the first. */
static struct yml *node_or_map(struct reader *r, int indent)
{
	const struct reader begin = *r;
	bool is_key;

	if (*r->at == '[' || *r->at == '{')
		return node_of_line(r, indent);
	if (!scalar_here(r, false))
		return NULL;
	is_key = peek(r, 0) == ':';
	r->at = begin.at;
	r->line = begin.line;
	r->line_n = begin.line_n;
	r->later = begin.later;
	return is_key ? block_map(r, column(r)) : node_of_line(r, indent);
}

/* Behind the colon. */
static struct yml *value_of_key(struct reader *r, int indent)
{
	const struct place behind = place_here(r);
	struct yml *empty;

	if (!line_ends(r))
		return node_of_line(r, indent);
	empty = yml_scalar(r->arena, "", behind);
	empty->kind = YML_NULL;
	next_line(r);
	if (r->foreign)
		return NULL;
	if (r->indent > indent)
		return is_entry(r) ? block_list(r, r->indent) : node_or_map(r, indent);
	return r->indent == indent && is_entry(r) ? block_list(r, indent) : empty;
}

static struct yml *block_map(struct reader *r, int indent)
{
	struct yml *y = open_collection(r, YML_MAP);
	const size_t first = r->nodes.n;

	if (!y)
		return NULL;
	do {
		add(r, y, key_here(r, false));
		if (!r->foreign)
			add(r, y, value_of_key(r, indent));
	} while (!r->foreign && r->indent == indent && !is_entry(r));
	if (r->indent > indent)
		foreign(r);
	return close_collection(r, y, first);
}

static struct yml *block_list(struct reader *r, int indent)
{
	struct yml *y = open_collection(r, YML_LIST);
	const size_t first = r->nodes.n;

	if (!y)
		return NULL;
	do {
		r->at++;
		add(r, y, line_ends(r) || is_entry(r) ? foreign(r) : node_or_map(r, indent));
	} while (!r->foreign && r->indent == indent && is_entry(r));
	if (r->indent > indent)
		foreign(r);
	return close_collection(r, y, first);
}

/* ---- the file ---- */

/* Tabs, other breaks than line feeds, and a byte order mark. */
static bool has_odd_bytes(const char *text, size_t len)
{
	const char *end = text + len;

	if (memchr(text, '\t', len) || memchr(text, '\r', len) || str_starts(text, "\xef\xbb\xbf"))
		return true;
	for (const char *c = text; (c = memchr(c, 0xc2, (size_t)(end - c))); c++)
		if (c[1] == '\x85')
			return true;
	for (const char *c = text; (c = memchr(c, 0xe2, (size_t)(end - c))); c++)
		if (c[1] == '\x80' && (c[2] == '\xa8' || c[2] == '\xa9'))
			return true;
	return false;
}

static struct yml *root(struct reader *r)
{
	next_line(r);
	if (r->foreign || r->indent != 0)
		return foreign(r);
	if (*r->at == '[' || *r->at == '{')
		return node_of_line(r, -1);
	return is_entry(r) ? block_list(r, 0) : block_map(r, 0);
}

struct yml *yml_read_plain(struct arena *a, const struct source *source)
{
	struct reader r = {.arena = a,
			   .source = source,
			   .at = source->text,
			   .end = source->text + source->len,
			   .line = source->text,
			   .line_n = 1};
	struct yml *y;

	if (source->len > TEXT_MOST || has_odd_bytes(source->text, source->len))
		return NULL;
	y = root(&r);
	VEC_FREE(&r.nodes);
	return r.foreign || r.indent >= 0 ? NULL : y;
}
