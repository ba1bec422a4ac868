/*
 * ship.c - a program of the build: FILE... >shipped_files.c, the trees of those files as the C source that conf/shipped.h reads.
 *
 * A file that is not valid is left out: whoever loads it is told by libyaml what is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/map.h"
#include "sim/base/sha256.h"
#include "sim/base/vec.h"
#include "sim/conf/shipped.h"
#include "sim/conf/sources.h"

/* this program is built with a room conf that knows of no shipped file yet */
const char shipped_bytes[] = "";
const struct shipped_file shipped_files[1];
const size_t shipped_n = 0;

struct file {
	struct source source;
	const struct yml *tree;
	struct shipped_file as;
};

struct shipment {
	struct arena arena;
	VEC(struct file) files;
	VEC(char) bytes;
	struct map texts;      /* of scalars */
	VEC(uint32_t) text_at; /* where each stands in bytes */
};

static uint32_t put(struct shipment *s, const char *bytes, size_t n)
{
	const size_t at = s->bytes.n;

	VEC_RESERVE(&s->bytes, n);
	memcpy(s->bytes.at + at, bytes, n);
	s->bytes.n += n;
	BUG_ON(s->bytes.n > UINT32_MAX);
	return (uint32_t)at;
}

static void put_number(struct shipment *s, size_t n)
{
	BUG_ON(n > UINT32_MAX);
	for (; n > 0x7f; n >>= 7)
		VEC_ADD(&s->bytes, (char)(unsigned char)((n & 0x7f) | 0x80));
	VEC_ADD(&s->bytes, (char)n);
}

static void put_texts(struct shipment *s, const struct yml *y)
{
	if (y->text && map_add(&s->texts, y->text) == s->text_at.n)
		VEC_ADD(&s->text_at, put(s, y->text, strlen(y->text) + 1));
	for (size_t i = 0; i < y->n; i++) {
		if (y->keys)
			put_texts(s, y->keys[i]);
		put_texts(s, y->items[i]);
	}
}

static void put_node(struct shipment *s, struct shipped_file *f, const struct yml *y, int line);

/* How many bytes there are is written before them, which moves them. */
static void put_items(struct shipment *s, struct shipped_file *f, const struct yml *y)
{
	const size_t at = s->bytes.n;
	size_t bytes, moved;

	put_number(s, y->n);
	for (size_t i = 0; i < y->n; i++) {
		if (y->kind == YML_MAP)
			put_node(s, f, y->keys[i], y->place.line);
		put_node(s, f, y->items[i], y->place.line);
	}
	bytes = s->bytes.n - at;
	put_number(s, bytes);
	moved = s->bytes.n - at - bytes;
	VEC_RESERVE(&s->bytes, moved);
	memmove(s->bytes.at + at + moved, s->bytes.at + at, bytes + moved);
	memmove(s->bytes.at + at, s->bytes.at + at + moved + bytes, moved);
}

/* line: that of the collection that holds it */
static void put_node(struct shipment *s, struct shipped_file *f, const struct yml *y, int line)
{
	const int lines = y->place.line - line;

	VEC_ADD(&s->bytes, (char)((unsigned)y->kind | (y->quoted ? 4U : 0U) | (lines < 0 ? 8U : 0U)));
	put_number(s, (size_t)abs(lines));
	put_number(s, (size_t)y->place.col);
	put_number(s, (size_t)y->place.width);
	f->nodes++;
	f->held += (uint32_t)(y->n * (y->keys ? 2 : 1));
	if (y->kind == YML_SCALAR || y->kind == YML_NULL)
		put_number(s, s->text_at.at[map_find(&s->texts, y->text)]);
	else
		put_items(s, f, y);
}

static void read_file(struct shipment *s, const char *path)
{
	struct file f = {.source = {.path = path}};
	struct err err = ERR_INIT;
	struct diags diags;
	struct yml *tree;
	char *text;

	diags_init(&diags, &s->arena);
	if (file_read(&s->arena, path, SIZE_MAX / 4, &text, &f.source.len, &err) != 0) {
		fprintf(stderr, "ship: %s\n", err.msg);
		exit(1);
	}
	f.source.text = text;
	tree = yml_parse(&s->arena, &f.source, &diags);
	if (tree)
		sources_resolve(&s->arena, tree, &diags);
	f.tree = tree;
	if (tree && !diags.total)
		VEC_ADD(&s->files, f);
}

static int by_text(const void *a, const void *b)
{
	const struct source *x = &((const struct file *)a)->source, *y = &((const struct file *)b)->source;

	return shipped_compare(x->text, x->len, y->text, y->len);
}

static void encode(struct shipment *s)
{
	for (size_t i = 0; i < s->files.n; i++)
		put_texts(s, s->files.at[i].tree);
	for (size_t i = 0; i < s->files.n; i++) {
		struct file *f = &s->files.at[i];

		f->as.len = (uint32_t)f->source.len;
		f->as.text = put(s, f->source.text, f->source.len);
		f->as.tree = (uint32_t)s->bytes.n;
		sha256_hex(f->source.text, f->source.len, f->as.sha256);
		put_node(s, &f->as, f->tree, 0);
	}
}

/* As a string, which compilers read many times faster than numbers. A question mark might begin a trigraph. */
static void write_bytes(const struct shipment *s)
{
	enum { A_LINE = 96 };

	printf("const char shipped_bytes[] =");
	for (size_t i = 0; i < s->bytes.n; i++) {
		const unsigned char c = (unsigned char)s->bytes.at[i];

		if (i % A_LINE == 0)
			printf("%s\n\t\"", i ? "\"" : "");
		printf(c < ' ' || c > '~' || strchr("\"\\?", c) ? "\\%03o" : "%c", c);
	}
	printf("%s;\n", s->bytes.n ? "\"" : " \"\"");
}

static void write_files(const struct shipment *s)
{
	printf("const struct shipped_file shipped_files[] = {\n");
	for (size_t i = 0; i < s->files.n; i++) {
		const struct shipped_file *f = &s->files.at[i].as;

		printf("\t{%lu, %lu, %lu, %lu, %lu, \"%s\"}, /* %s */\n", (unsigned long)f->text,
		       (unsigned long)f->len, (unsigned long)f->tree, (unsigned long)f->nodes,
		       (unsigned long)f->held, f->sha256, s->files.at[i].source.path);
	}
	printf("\t{0, 0, 0, 0, 0, \"\"}};\nconst size_t shipped_n = %zu;\n", s->files.n);
}

int main(int argc, char **argv)
{
	struct shipment s = {.arena = ARENA_INIT, .texts = MAP_INIT};

	for (int i = 1; i < argc; i++)
		read_file(&s, argv[i]);
	if (s.files.n)
		qsort(s.files.at, s.files.n, sizeof *s.files.at, by_text);
	encode(&s);
	printf("/* made by sim/ship.c: do not edit */\n#include \"sim/conf/shipped.h\"\n\n");
	write_bytes(&s);
	write_files(&s);
	VEC_FREE(&s.files);
	VEC_FREE(&s.bytes);
	VEC_FREE(&s.text_at);
	map_release(&s.texts);
	arena_release(&s.arena);
	return ferror(stdout) || fflush(stdout) != 0;
}
