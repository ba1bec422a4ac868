/* serveload.c - see serveload.h. */
#include "tests/serve/serveload.h"

#include <check.h>
#include <string.h>

const struct serve *serveload(struct arena *a, const char *yaml)
{
	struct source *source = arena_alloc(a, sizeof *source);
	struct scenario *s = arena_alloc(a, sizeof *s);
	struct str text = STR_INIT;
	struct diags d;
	struct yml *tree;

	diags_init(&d, a);
	*source = (struct source){"load", arena_strdup(a, yaml), strlen(yaml)};
	tree = yml_parse(a, source, &d);
	s->workload.serve = arena_alloc(a, sizeof *s->workload.serve);
	if (tree && field_load(&serve_table, tree, "serve", s->workload.serve, &d) == 0)
		scenario_check_serve(s, &d);
	diags_format(&d, &text);
	if (d.total)
		ck_abort_msg("%s", text.text);
	str_release(&text);
	return s->workload.serve;
}
