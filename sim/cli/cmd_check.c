/* cmd_check.c - lemursim check FILE...: every complaint about files of any kind. */
#include <stdio.h>
#include <string.h>

#include "sim/cli/cmd.h"
#include "sim/place/place.h"

static void check_scenario(struct session *s, const struct opts *o, const char *path)
{
	const struct world *w = world_load(&s->loader, path, o->sets.at, o->sets.n);
	const struct assignment *a = w ? w->scenario->assignments.at : NULL;

	for (size_t i = 0; w && i < w->scenario->assignments.n; i++) {
		struct placement p;

		placement_make(&s->arena, w, &a[i], &p, &s->diags);
	}
}

static void check_hardware(struct session *s, struct yml *tree, const char *name)
{
	const struct yml *kind = yml_get(tree, "kind");

	if (kind && kind->kind == YML_SCALAR && !strcmp(kind->text, "link")) {
		struct link l = {0};

		field_load(&link_table, tree, name, &l, &s->diags);
	} else {
		struct machine m = {0};

		if (field_load(&machine_table, tree, name, &m, &s->diags) == 0)
			machine_check(&m, &s->diags);
	}
}

static void check_model(struct session *s, struct yml *tree)
{
	struct model m = {0};

	if (field_load(&model_table, tree, "model", &m, &s->diags) == 0)
		model_check(&m, &s->diags);
}

/* The schema decides the kind; a base is looked up in that kind's folder. */
static void check_file(struct session *s, const struct opts *o, const char *path)
{
	struct yml *tree = load_file(&s->loader, path, "hardware", NULL);
	const struct yml *schema = tree ? yml_get(tree, "schema") : NULL;
	const char *known[] = {HW_SCHEMA, MODEL_SCHEMA, SCENARIO_SCHEMA}, *near;
	struct err err = ERR_INIT;

	if (!tree || s->diags.total)
		return;
	if (!strcmp(schema->text, SCENARIO_SCHEMA)) {
		s->loader.inputs_n = 0;
		check_scenario(s, o, path);
	} else if (!strcmp(schema->text, HW_SCHEMA)) {
		check_hardware(s, tree, path);
	} else if (!strcmp(schema->text, MODEL_SCHEMA)) {
		check_model(s, tree);
	} else {
		near = str_closest(schema->text, known, ARRAY_LEN(known));
		err_set(&err, "unknown schema '%.100s'", schema->text);
		err_hint(&err,
			 near ? "did you mean '%s'?"
			      : "one of: " HW_SCHEMA ", " MODEL_SCHEMA ", " SCENARIO_SCHEMA "%.0s",
			 near ? near : "");
		diag_err(&s->diags, schema->place, &err);
	}
}

int cmd_check(const struct opts *o)
{
	int rc = EXIT_FINE;

	for (size_t i = 0; i < o->files.n; i++) {
		struct session s;

		session_begin(&s, o);
		check_file(&s, o, o->files.at[i]);
		if (s.diags.total)
			rc = session_complain(&s);
		else
			printf("%s: fine\n", o->files.at[i]);
		session_end(&s);
	}
	return rc;
}
