/* builds.c - see builds.h. */
#include "sim/hw/builds.h"

/* The entry of the latest build below `below` and above the run's own; NULL: there is none. */
static const struct build_before *latest_below(const struct profile *p, int64_t build, int64_t below)
{
	const struct build_before *all = p->before.at, *found = NULL;

	for (size_t i = 0; i < p->before.n; i++)
		if (all[i].build > build && all[i].build < below && (!found || all[i].build > found->build))
			found = &all[i];
	return found;
}

static void add_time(struct qty *to, const struct qty *more)
{
	const double s = to->value + more->value;

	if (!more->given)
		return;
	to->spread = s > 0 ? (to->value * to->spread + more->value * more->spread) / s : 0;
	to->value = s;
	to->given = true;
	to->provenance = provenance_worse(to->provenance, more->provenance);
}

static void apply(struct profile *p, const struct build_before *b)
{
	if (b->gather)
		p->few.gather = b->gather;
	if (p->overhead.tiles_experts.given)
		add_time(&p->overhead.tiles_experts, &b->tiles_experts);
	if (b->route.origin.node)
		p->route = b->route;
	if (b->combine.origin.node)
		p->combine = b->combine;
}

const struct profile *profile_at_build(struct arena *a, const struct profile *p, int64_t build)
{
	const struct build_before *b = build > 0 ? latest_below(p, build, INT64_MAX) : NULL;
	struct profile *own;

	if (!b)
		return p;
	own = arena_alloc(a, sizeof *own);
	*own = *p;
	for (; b;
	     b = latest_below(p, build, b->build)) /* what was earlier still holds over what came after it */
		apply(own, b);
	return own;
}
