/* changed_world.c - see changed_world.h. */
#include "sim/validate/changed_world.h"

#include <string.h>

int validate_at_line(struct err *err, const char *path, int line, const struct err *why)
{
	err_set(err, "%s:%d: %s", path, line, why->msg);
	return why->hint[0] ? err_hint(err, "%s", why->hint) : -1;
}

const char *changed_world_runtime(struct arena *a, const struct world *w)
{
	const struct yml *runtime = w->scenario->runtime;

	return runtime->kind == YML_SCALAR ? arena_strdup(a, runtime->text) : "by machine";
}

int changed_world_open(struct changed_world *c, const struct validate_ask *ask, const char *changes,
		       const char *path, int line, struct err *err)
{
	struct arena *keep = ask->loader->arena;
	const struct texts list = texts_cut(keep, changes, ';');
	const size_t complaints = ask->loader->diags->total;
	struct texts sets;

	for (size_t i = 0; i < list.n; i++)
		list.at[i] += strspn(list.at[i], " ");
	sets = texts_join(keep, &ask->sets, list.at, *changes ? list.n : 0);
	*c = (struct changed_world){.arena = ARENA_INIT, .outer = ask->loader};
	loader_begin_inner(&c->inner, &c->arena, c->outer);
	c->world = !ask->made || load_text(&c->inner, ask->subjects.at[0], ask->made) == 0
			   ? scenario_load(&c->inner, ask->subjects.at[0], &sets)
			   : NULL;
	c->at = c->world ? scenario_place(&c->inner, c->world) : NULL;
	if (c->at)
		return 0;
	/* of a scenario that is made here nothing is the user's but what was complained of */
	if (!*changes || (ask->made && c->inner.diags->total > complaints))
		return -1;
	return err_set(err, "%s:%d: the scenario cannot be changed so: %s", path, line, changes);
}

void changed_world_close(struct changed_world *c)
{
	loader_end_inner(&c->inner, c->outer);
}
