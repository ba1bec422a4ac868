/* cmd_check.c - lemursim check FILE...: every complaint about files of any kind. */
#include <stdio.h>
#include <string.h>

#include "sim/base/nearest.h"
#include "sim/cli/cmd.h"
#include "sim/hw/serving.h"
#include "sim/place/place.h"
#include "sim/train/stages.h"

struct check_options {
	struct load_options load;
};

static const struct opt_table tables[] = {OPTS_SET(struct check_options, load),
					  OPTS_PATH(struct check_options, load)};

static void check_parts(struct session *s, const struct world *w, const struct assignment *from)
{
	struct arena scratch = ARENA_INIT;
	const struct assignment *parts;
	const size_t n = serving_parts(&scratch, from, &parts);
	struct placement p;

	for (size_t i = 0; i < n; i++)
		if (placement_make(&scratch, w, &parts[i], &p, &s->diags) == 0)
			stages_check(&p, &s->diags);
	arena_release(&scratch);
}

static void check_scenario(struct session *s, const struct texts *sets, const char *path)
{
	const struct world *w = world_load(&s->loader, path, sets->at, sets->n);
	const struct assignment *a = w ? w->scenario->assignments.at : NULL;

	if (w) {
		scenario_check_devices(&s->loader, w);
		scenario_check_load(&s->loader, w);
	}
	for (size_t i = 0; w && i < w->scenario->assignments.n; i++)
		check_parts(s, w, &a[i]);
}

static void check_machine(struct session *s, struct yml *tree, const char *name)
{
	struct machine m = {0};

	if (field_load(&machine_table, tree, name, &m, &s->diags) == 0)
		machine_check(&m, &s->diags);
}

/* Checks each variant as if a scenario named it. */
static void check_variants(struct session *s, const char *path)
{
	const struct yml *variants = load_variants(&s->loader, path);

	for (size_t i = 0; variants && i < variants->n; i++) {
		struct yml *tree =
			load_variant(&s->loader, path, variants->keys[i]->text, "hardware", HW_SCHEMA);

		if (tree)
			check_machine(s, tree, path);
	}
}

static void check_hardware(struct session *s, const struct texts *sets, const char *path)
{
	struct yml *tree = load_file(&s->loader, path, "hardware", HW_SCHEMA);
	const struct yml *kind = tree ? yml_get(tree, "kind") : NULL;
	const char *said = !kind ? "machine" : kind->kind == YML_SCALAR ? kind->text : "";

	(void)sets;
	if (!tree)
		return;
	if (!strcmp(said, "link")) {
		struct link l = {0};

		if (field_load(&link_table, tree, path, &l, &s->diags) == 0)
			link_check(&l, &s->diags);
	} else if (!strcmp(said, "family")) {
		struct machine m = {0};

		field_load_part(&machine_table, tree, path, &m, &s->diags);
	} else if (!strcmp(said, "server")) {
		struct server_file f = {0};

		if (field_load(&server_table, tree, path, &f, &s->diags) == 0)
			serving_check(&f.serving, &s->diags);
	} else if (!strcmp(said, "machine")) {
		check_machine(s, tree, path);
		check_variants(s, path);
	} else {
		diag_add(&s->diags, kind->place, "one of: machine, link, family, server",
			 "kind: nobody knows what this is");
	}
}

static void check_model(struct session *s, const struct texts *sets, const char *path)
{
	struct yml *tree = load_file(&s->loader, path, "models", MODEL_SCHEMA);
	struct model m = {0};

	(void)sets;
	if (tree && field_load(&model_table, tree, "model", &m, &s->diags) == 0)
		model_check(&m, &s->diags);
}

static const struct kind {
	const char *schema;
	void (*check)(struct session *s, const struct texts *sets, const char *path);
} kinds[] = {{SCENARIO_SCHEMA, check_scenario}, {HW_SCHEMA, check_hardware}, {MODEL_SCHEMA, check_model}};

static int unknown_schema(struct session *s, const struct yml *schema)
{
	const char *known[ARRAY_LEN(kinds)], *near;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		known[i] = kinds[i].schema;
	near = nearest_of(schema->text, known, ARRAY_LEN(known));
	err_set(&err, "unknown schema '%.100s'", schema->text);
	if (near)
		err_hint(&err, "did you mean '%s'?", near);
	else
		err_hint(&err, "one of: %s, %s, %s", known[0], known[1], known[2]);
	return diag_err(&s->diags, schema->place, &err);
}

/* The file that is meant: a path, or a name of any folder. */
static const char *file_named(struct session *s, const char *name)
{
	static const char *const folders[] = {"scenarios", "hardware", "models"};
	const char *path = name;

	for (size_t i = 0; i < ARRAY_LEN(folders) && path == name; i++)
		path = load_path(&s->loader, name, folders[i]);
	return path;
}

/* The schema that a file names decides the kind; reading it twice is cheap. */
static void check_file(struct session *s, const struct texts *sets, const char *path)
{
	const struct yml *schema;

	path = file_named(s, path);
	schema = load_schema(&s->loader, path);
	if (!schema)
		return;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!strcmp(schema->text, kinds[i].schema)) {
			diags_init(&s->diags, &s->arena); /* it will say it all again */
			kinds[i].check(s, sets, path);
			return;
		}
	}
	unknown_schema(s, schema);
}

static int cmd_check(const void *options, const struct texts *files)
{
	const struct check_options *o = options;
	int rc = EXIT_FINE;

	for (size_t i = 0; i < files->n; i++) {
		struct session s;

		session_begin(&s, &o->load, NULL);
		s.loader.unhashed = true;
		check_file(&s, &o->load.sets, files->at[i]);
		if (s.diags.total)
			rc = session_complain(&s);
		else
			printf("%s: fine\n", files->at[i]);
		session_end(&s);
	}
	return rc;
}

const struct verb verb_check = {.name = "check",
				.arguments = "FILE...",
				.help = "say all that is wrong with scenario, hardware and model files",
				.options = tables,
				.options_n = ARRAY_LEN(tables),
				.size = sizeof(struct check_options),
				.run = cmd_check,
				.tries = "check scenarios/m5-vs-m4pro.yaml models/mistral-7b.yaml\n"};
