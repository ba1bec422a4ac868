/* check_shipped.c - conf/shipped: what was parsed when the program was built is what libyaml makes of the files now. */
#include "tests/suites.h"

#include <string.h>

#include "sim/base/file.h"
#include "sim/base/sha256.h"
#include "sim/conf/load.h"
#include "sim/conf/shipped.h"
#include "sim/conf/sources.h"

static struct arena arena;

static void end(void)
{
	arena_release(&arena);
}

static void same_node(const struct yml *x, const struct yml *y, const char *path)
{
	ck_assert_msg(x->kind == y->kind && x->quoted == y->quoted && x->n == y->n && !x->is_default &&
			      x->place.source == y->place.source && x->place.line == y->place.line &&
			      x->place.col == y->place.col && x->place.width == y->place.width,
		      "%s:%d:%d", path, y->place.line, y->place.col);
	ck_assert_msg(!x->text == !y->text && (!x->text || !strcmp(x->text, y->text)), "%s:%d: %s", path,
		      y->place.line, y->text ? y->text : "no text");
	ck_assert_msg((x->kind == YML_MAP && x->n) == (x->keys && x->n), "%s:%d", path, x->place.line);
	for (size_t i = 0; i < x->n; i++) {
		if (x->kind == YML_MAP)
			same_node(x->keys[i], y->keys[i], path);
		same_node(x->items[i], y->items[i], path);
	}
}

static void same_tree(const struct source *source, const struct shipped_file *file)
{
	struct diags diags;
	struct yml *tree;

	diags_init(&diags, &arena);
	tree = yml_parse(&arena, source, &diags);
	ck_assert_ptr_nonnull(tree);
	sources_resolve(&arena, tree, &diags);
	ck_assert_uint_eq(diags.total, 0);
	same_node(shipped_tree(&arena, file, source, NULL), tree, source->path);
}

/* below: how many collections further down mappings are empty; -1: none are */
static void same_shallow(const struct yml *x, const struct yml *y, int below)
{
	ck_assert(x->kind == y->kind && x->place.line == y->place.line && x->place.col == y->place.col);
	if (!below && x->kind == YML_MAP) {
		ck_assert_uint_eq(x->n, 0);
		return;
	}
	ck_assert_uint_eq(x->n, y->n);
	ck_assert(!x->text == !y->text && (!x->text || !strcmp(x->text, y->text)));
	for (size_t i = 0; i < x->n; i++) {
		const bool here = below < 0 && y->keys && !strcmp(y->keys[i]->text, "runtimes");

		if (y->keys)
			same_shallow(x->keys[i], y->keys[i], -1);
		same_shallow(x->items[i], y->items[i], here ? 1 : below > 0 ? below - 1 : -1);
	}
}

/* As it stands, as it is installed, and with a byte more, less or changed, when it is no shipped file any more. */
static bool check_text(const char *path, char *text, size_t len)
{
	static const char line[] = "# yaml-language-server: $schema=../schema/machine.json\n";
	const struct source as_is = {path, text, len},
			    installed = {path, arena_printf(&arena, "%s%s", text, line),
					 len + sizeof line - 1},
			    longer = {path, arena_printf(&arena, "%s\n", text), len + 1},
			    shorter = {path, text, len - 1};
	const struct shipped_file *file = shipped_find(&as_is);

	if (!file)
		return false;
	same_tree(&as_is, file);
	same_shallow(shipped_tree(&arena, file, &as_is, "runtimes"), shipped_tree(&arena, file, &as_is, NULL),
		     -1);
	ck_assert_ptr_eq(shipped_find(&installed), file);
	same_tree(&installed, file);
	ck_assert_ptr_null(shipped_find(&longer));
	ck_assert_ptr_null(shipped_find(&shorter));
	text[len / 2] ^= 1;
	ck_assert_ptr_null(shipped_find(&as_is));
	return true;
}

START_TEST(each_file)
{
	static const char *const folders[] = {"hardware", "models", "scenarios"};
	struct diags diags;
	struct loader loader;
	size_t seen = 0;

	diags_init(&diags, &arena);
	loader_init(&loader, &arena, &diags);
	for (size_t k = 0; k < ARRAY_LEN(folders); k++) {
		struct load_found *found;
		const size_t n = load_list(&loader, ".", folders[k], &found);

		for (size_t i = 0; i < n; i++) {
			struct err err = ERR_INIT;
			size_t len;
			char *text;

			ck_assert_int_eq(file_read(&arena, found[i].path, LOAD_FILE_MAX, &text, &len, &err),
					 0);
			seen += check_text(found[i].path, text, len);
		}
	}
	ck_assert_uint_eq(seen, shipped_n);
	ck_assert_uint_gt(seen, 250);
}
END_TEST

/* What comes of a file is the same by either way: its inputs with their hashes, too. */
START_TEST(hashes)
{
	static const char path[] = "models/llama-3.1-8b.yaml";
	struct diags diags;
	struct loader loader;
	char sha256[65];

	diags_init(&diags, &arena);
	loader_init(&loader, &arena, &diags);
	ck_assert_ptr_nonnull(load_file(&loader, path, "models", NULL));
	ck_assert_int_eq(sha256_file(path, sha256), 0);
	ck_assert_uint_eq(loader.inputs_n, 1);
	ck_assert_str_eq(loader.inputs[0].sha256, sha256);
}
END_TEST

Suite *suite_shipped(void)
{
	Suite *s = suite_create("shipped");
	TCase *t = tcase_create("trees");

	tcase_add_checked_fixture(t, NULL, end);
	tcase_add_test(t, each_file);
	tcase_add_test(t, hashes);
	suite_add_tcase(s, t);
	return s;
}
