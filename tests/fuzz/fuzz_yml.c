/* fuzz_yml.c - any bytes as YAML: the tree keeps its promises, every place lies in the text, merging and
 * showing work. */
#include "tests/fuzz/fuzz.h"

#include "sim/base/err.h"
#include "sim/conf/field.h"

static void check_node(const struct yml *y, const struct source *source, size_t depth, size_t *nodes)
{
	BUG_ON(depth > YML_DEPTH || ++*nodes > YML_NODES);
	BUG_ON(y->place.source != source || y->place.line < 1 || y->place.col < 1 || y->place.width < 1);
	BUG_ON((y->kind == YML_SCALAR) != (y->text != NULL) && y->kind != YML_NULL);
	BUG_ON(y->n && y->kind != YML_LIST && y->kind != YML_MAP);
	for (size_t i = 0; i < y->n; i++) {
		if (y->kind == YML_MAP) {
			BUG_ON(y->keys[i]->kind != YML_SCALAR);
			for (size_t j = 0; j < i && i < 50; j++)
				BUG_ON(yml_get(y, y->keys[j]->text) == y->items[i]);
		}
		check_node(y->items[i], source, depth + 1, nodes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct diags diags;
	struct str out = STR_INIT;
	struct source source = {"input", arena_strndup(&arena, (const char *)data, size), size};
	size_t nodes = 0;
	struct yml *tree;

	diags_init(&diags, &arena);
	tree = yml_parse(&arena, &source, &diags);
	BUG_ON(!tree && !diags.total);
	if (tree) {
		check_node(tree, &source, 0, &nodes);
		field_show(yml_merge(&arena, tree, tree), &out);
	}
	diags_format(&diags, &out);
	str_release(&out);
	arena_release(&arena);
	return 0;
}
