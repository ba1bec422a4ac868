/* shipped.c - see shipped.h. */
#include "sim/conf/shipped.h"

#include <string.h>

#include "sim/base/str.h"

int shipped_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len != b_len ? (a_len > b_len) - (a_len < b_len) : memcmp(a, b, a_len);
}

/* The length without the line that packaging/modeline.sh adds, which is a comment. */
static size_t length_in_checkout(const struct source *source)
{
	static const char mark[] = "# yaml-language-server: ";
	size_t at = source->len;

	if (at && source->text[at - 1] == '\n')
		at--;
	while (at && source->text[at - 1] != '\n')
		at--;
	return str_starts(source->text + at, mark) ? at : source->len;
}

const struct shipped_file *shipped_find(const struct source *source)
{
	const size_t len = length_in_checkout(source);
	size_t from = 0, to = shipped_n;

	while (from < to) {
		const struct shipped_file *f = &shipped_files[from + (to - from) / 2];
		const int c = shipped_compare(source->text, len, shipped_bytes + f->text, f->len);

		if (!c)
			return f;
		if (c < 0)
			to = (size_t)(f - shipped_files);
		else
			from = (size_t)(f - shipped_files) + 1;
	}
	return NULL;
}

struct decoder {
	const unsigned char *at;
	const struct source *source;
	const char *shallow;
	struct yml *nodes; /* room for the next ones */
	struct yml **held; /* the same of pointers to them */
};

static uint32_t number(struct decoder *d)
{
	uint32_t n = *d->at++;

	if (n < 0x80)
		return n;
	n &= 0x7f;
	for (unsigned shift = 7;; shift += 7) {
		n |= (uint32_t)(*d->at & 0x7f) << shift;
		if (*d->at++ < 0x80)
			return n;
	}
}

/* What a node is to have below it. */
enum depth { WHOLE, NAMES, NOTHING };

static struct yml *node(struct decoder *d, int line, enum depth depth);

static void items(struct decoder *d, struct yml *y, enum depth depth)
{
	const bool map = y->kind == YML_MAP;

	y->items = d->held;
	y->keys = map ? d->held + y->n : NULL;
	d->held += y->n * (map ? 2 : 1);
	for (size_t i = 0; i < y->n; i++) {
		enum depth below = depth == NAMES ? NOTHING : WHOLE;

		if (map)
			y->keys[i] = node(d, y->place.line, WHOLE);
		if (map && d->shallow && below == WHOLE && !strcmp(y->keys[i]->text, d->shallow))
			below = NAMES;
		y->items[i] = node(d, y->place.line, below);
	}
}

static void collection(struct decoder *d, struct yml *y, enum depth depth)
{
	const uint32_t bytes = number(d);
	const unsigned char *end = d->at + bytes;

	y->n = number(d);
	if (depth == NOTHING && y->kind == YML_MAP) {
		y->n = 0;
		d->at = end;
	} else {
		items(d, y, depth);
	}
}

/* line: that of the collection that holds it */
static struct yml *node(struct decoder *d, int line, enum depth depth)
{
	struct yml *y = d->nodes++;
	const unsigned head = *d->at++;
	const int lines = (int)number(d);

	*y = (struct yml){.kind = (enum yml_kind)(head & 3),
			  .quoted = head & 4,
			  .place = {d->source, line + (head & 8 ? -lines : lines), 0, 0},
			  .weight = 1};
	y->place.col = (int)number(d);
	y->place.width = (int)number(d);
	if (y->kind == YML_SCALAR || y->kind == YML_NULL)
		y->text = shipped_bytes + number(d);
	else
		collection(d, y, depth);
	return y;
}

struct yml *shipped_tree(struct arena *a, const struct shipped_file *file, const struct source *source,
			 const char *shallow)
{
	struct decoder d = {.at = (const unsigned char *)shipped_bytes + file->tree,
			    .source = source,
			    .shallow = shallow};

	d.nodes = arena_room(a, file->nodes, sizeof *d.nodes);
	d.held = arena_room(a, file->held + 1, sizeof(struct yml *));
	return node(&d, 0, WHOLE);
}
