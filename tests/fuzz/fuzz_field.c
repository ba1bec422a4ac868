/* fuzz_field.c - any YAML as a scenario, machine, model and link; what was loaded is shown, checked and set.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sim/conf/load.h"
#include "sim/hw/hw.h"
#include "sim/llm/model.h"
#include "sim/world/scenario.h"

union anything {
	struct scenario scenario;
	struct machine machine;
	struct model model;
	struct link link;
};

static void load_all(struct arena *a, const struct source *source, const struct table *table)
{
	struct diags diags;
	union anything *to = arena_alloc(a, sizeof *to);
	struct str out = STR_INIT;
	struct jsonw json;
	struct yml *tree;

	diags_init(&diags, a);
	tree = yml_parse(a, source, &diags);
	if (tree)
		field_load_part(table, tree, "part", arena_alloc(a, sizeof *to), &diags);
	if (tree && field_load(table, tree, "fuzz", to, &diags) == 0) {
		if (table == &machine_table)
			machine_check(&to->machine, &diags);
		if (table == &link_table)
			link_check(&to->link, &diags);
		if (table == &model_table)
			model_check(&to->model, &diags);
	}
	if (tree) {
		field_show(tree, &out);
		jsonw_init(&json, &out, 0);
		field_json(tree, &json);
	}
	diags_format(&diags, &out);
	str_release(&out);
}

/* The first line as a --set argument to the rest. */
static void set_first_line(struct arena *a, const char *text)
{
	const char *rest = strchr(text, '\n');
	struct source source = {"rest", rest ? rest + 1 : "", rest ? strlen(rest + 1) : 0};
	struct diags diags;
	struct loader loader;
	struct str out = STR_INIT;
	struct yml *tree;

	diags_init(&diags, a);
	loader_init(&loader, a, &diags);
	tree = yml_parse(a, &source, &diags);
	if (tree && tree->kind == YML_MAP) {
		load_set(&loader, tree, arena_strndup(a, text, strcspn(text, "\n")));
		field_show(tree, &out);
	}
	diags_format(&diags, &out);
	str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct table *const tables[] = {&scenario_table, &machine_table, &model_table,
						     &link_table};
	struct arena arena = ARENA_INIT;
	const struct source source = {"input", arena_strndup(&arena, (const char *)data, size), size};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		load_all(&arena, &source, tables[i]);
	set_first_line(&arena, source.text);
	arena_release(&arena);
	return 0;
}
