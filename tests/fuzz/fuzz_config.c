/* fuzz_config.c - any text as a config.json: a description that can be written and read, or complaints with
 * their places; of a model that is right, what its quantisation block makes of it. */
#include "tests/fuzz/fuzz.h"

#include "sim/import/describe.h"
#include "sim/import/quantized.h"
#include "sim/llm/model.h"

static void read_quantized(struct arena *a, const struct yml *config, const struct model *m)
{
	struct err err = ERR_INIT;
	struct quantized_weights quantized;

	if (quantized_read(a, config, m, &quantized, &err) != 0)
		BUG_ON(!*err.msg);
	else
		BUG_ON(!(quantized.bytes > 0));
}

static void read_back(struct arena *a, const struct yml *config, struct described *d)
{
	struct str out = STR_INIT;
	struct diags diags;
	struct source source;
	struct model m = {.layers = 0};
	struct yml *tree;

	d->source = "input";
	describe_write(d, NULL, "fuzz", &out);
	source = (struct source){"made", out.text, out.len};
	diags_init(&diags, a);
	tree = yml_parse(a, &source, &diags);
	if (!tree)
		BUG("cannot be read back: %s", diags.list[0].msg);
	if (field_load(&model_table, tree, "model", &m, &diags) == 0 && model_check(&m, &diags) == 0)
		read_quantized(a, config, &m);
	str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct diags diags;
	struct source source = {"input", arena_strndup(&arena, (const char *)data, size), size};
	struct described d;
	const struct yml *tree;

	diags_init(&diags, &arena);
	tree = yml_parse(&arena, &source, &diags);
	if (tree && describe_hf(&d, tree, true, &diags) == 0)
		read_back(&arena, tree, &d);
	else
		BUG_ON(!diags.total);
	arena_release(&arena);
	return 0;
}
