/* svg_inline.c - see svg_inline.h. */
#include "sim/report/svg_inline.h"

#include <string.h>

#include "sim/report/html.h"

enum { SVG_DEPTH = 32 };

struct reader {
	struct str *out;
	const char *at;
	bool tips;
	bool kept[SVG_DEPTH]; /* of each open element: was its tag written? */
	size_t depth;
};

/* The value of an attribute of the tag that begins at `tag`; NULL: it has none. */
static const char *attribute(const char *tag, const char *end, const char *name, size_t *len)
{
	const size_t n = strlen(name);

	for (const char *at = tag + 1; at + n + 1 < end; at++) {
		const char *close;

		if ((at[-1] != ' ' && at[-1] != '\n') || strncmp(at, name, n) != 0)
			continue;
		if (at[n] != '=' || at[n + 1] != '"' || !(close = strchr(at + n + 2, '"')) || close >= end)
			continue;
		*len = (size_t)(close - at) - n - 2;
		return at + n + 2;
	}
	return NULL;
}

/* The end of a tag: its '>', which Graphviz writes in no attribute. */
static const char *tag_end(const char *tag)
{
	return strchr(tag, '>');
}

static bool is_tag(const char *at, const char *name)
{
	const size_t n = strlen(name);

	return !strncmp(at + 1, name, n) && strchr(" >\n/", at[1 + n]) != NULL;
}

/* Classes that Graphviz gives all of its elements say nothing; those after them are ours. */
static const char *own_class(const char *value, size_t *len)
{
	static const char *const all[] = {"graph", "node", "edge"};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		const size_t n = strlen(all[i]);

		if (*len < n || strncmp(value, all[i], n) != 0)
			continue;
		*len -= *len > n ? n + 1 : n;
		return value + n + (*len > 0);
	}
	return value;
}

/* Writes <g> where it has a place or a class of ours. Returns whether it did. */
static bool open_group(struct reader *r, const char *end)
{
	size_t moved_n, class_n = 0;
	const char *moved = attribute(r->at, end, "transform", &moved_n);
	const char *class_name = attribute(r->at, end, "class", &class_n);

	class_name = class_name ? own_class(class_name, &class_n) : NULL;
	if (!moved && !class_n)
		return false;
	str_add(r->out, "<g");
	if (class_n)
		str_addf(r->out, " class=\"%.*s\"", (int)class_n, class_name);
	if (moved)
		str_addf(r->out, " transform=\"%.*s\"", (int)moved_n, moved);
	str_add(r->out, ">\n");
	return true;
}

/* Graphviz puts a tooltip into a link that leads nowhere. */
static bool open_tooltip(struct reader *r, const char *end)
{
	size_t len;
	const char *tip = attribute(r->at, end, "xlink:title", &len);

	if (!r->tips || !tip || !len || (len == 1 && *tip == ' '))
		return false;
	str_add(r->out, "<g class=\"tip\"><title>");
	str_add_n(r->out, tip, len);
	str_add(r->out, "</title>\n");
	return true;
}

static void add_attributes(struct reader *r, const char *from, const char *end)
{
	static const char *const dropped[] = {" font-family=\"", " id=\""};

	while (from < end) {
		const char *next = NULL;

		for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
			if (!strncmp(from, dropped[i], strlen(dropped[i])))
				next = strchr(from + strlen(dropped[i]), '"');
		if (next && next < end) {
			from = next + 1;
			continue;
		}
		str_add_n(r->out, from++, 1);
	}
}

static int push(struct reader *r, bool kept, struct err *err)
{
	if (r->depth == SVG_DEPTH)
		return err_set(err, "a picture of Graphviz's is nested too deeply");
	r->kept[r->depth++] = kept;
	return 0;
}

static int close_tag(struct reader *r, const char *end, struct err *err)
{
	const bool wrapper = is_tag(r->at + 1, "g") || is_tag(r->at + 1, "a");

	if (!r->depth)
		return err_set(err, "a picture of Graphviz's closes what was not opened");
	if (!r->kept[--r->depth])
		return 0;
	if (wrapper)
		str_add(r->out, "</g>");
	else
		str_add_n(r->out, r->at, (size_t)(end + 1 - r->at));
	str_add(r->out, "\n");
	return 0;
}

static int open_tag(struct reader *r, const char *end, struct err *err)
{
	if (is_tag(r->at, "g"))
		return push(r, open_group(r, end), err);
	if (is_tag(r->at, "a"))
		return push(r, open_tooltip(r, end), err);
	add_attributes(r, r->at, end);
	str_add(r->out, ">");
	return end[-1] == '/' ? 0 : push(r, true, err);
}

/* Comments, and titles that are names of nodes, are left out. Returns what follows, or NULL. */
static const char *skip(const char *at)
{
	const char *end = !strncmp(at, "<!--", 4) ? strstr(at, "-->")
			  : is_tag(at, "title")   ? strstr(at, "</title>")
						  : NULL;

	return end ? strchr(end, '>') + 1 : NULL;
}

static void open_svg(struct reader *r, const char *end, const char *name)
{
	size_t len;
	const char *box = attribute(r->at, end, "viewBox", &len);

	str_add(r->out, "<svg role=\"img\" aria-label=\"");
	html_text(r->out, name);
	str_add(r->out, "\"");
	if (box)
		str_addf(r->out, " viewBox=\"%.*s\"", (int)len, box);
	str_add(r->out, ">\n");
	r->kept[r->depth++] = true;
}

static int read_on(struct reader *r, struct err *err)
{
	const char *end;

	while (r->depth) {
		const char *after = *r->at == '<' ? skip(r->at) : NULL;

		if (!*r->at)
			return err_set(err, "a picture of Graphviz's is cut off");
		if (after) {
			r->at = after;
		} else if (*r->at == '<') {
			end = tag_end(r->at);
			if (!end)
				return err_set(err, "a picture of Graphviz's is cut off");
			if ((r->at[1] == '/' ? close_tag(r, end, err) : open_tag(r, end, err)) != 0)
				return -1;
			r->at = end + 1;
		} else if (*r->at == '\n') {
			r->at++;
		} else {
			str_add_n(r->out, r->at++, 1);
		}
	}
	return 0;
}

int svg_inline(struct str *out, const char *svg, const char *name, bool tips, struct err *err)
{
	struct reader r = {.out = out, .tips = tips, .at = strstr(svg, "<svg")};
	const char *end = r.at ? tag_end(r.at) : NULL;

	if (!end)
		return err_set(err, "Graphviz has written no SVG");
	open_svg(&r, end, name);
	r.at = end + 1;
	return read_on(&r, err);
}
