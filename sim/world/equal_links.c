/* equal_links.c - see equal_links.h. */
#include "sim/world/equal_links.h"

#include "sim/world/scenario.h"

/* Whether a key stands where the link is given to equals: a link of the catalogue may have one for other uses. */
static bool says_itself(const struct yml *link, const char *key)
{
	const struct yml *value = yml_get(link, key);

	return value && value->place.source == yml_get(link, "equals")->place.source;
}

/* What such a link cannot have: each of the equal machines is joined to a switch that blocks nothing. */
static void check_keys(const struct link *l, struct diags *diags)
{
	static const char *const keys[] = {"backplane",         "switch_latency", "leaf",
					   "oversubscription",  "forward",        "forward_latency",
					   "forward_bandwidth", "port",           "port_bandwidth"};
	const struct yml *node = l->origin.node;
	const char *hint = "equal machines have a port each, full duplex, on a switch that blocks nothing";
	const struct yml *algorithm = yml_get(node, "all_reduce");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (says_itself(node, keys[i]))
			diag_add(diags, yml_get(node, keys[i])->place, hint,
				 "link '%s': '%s' says nothing of 'equals'", l->origin.name, keys[i]);
	if (l->duplex == DUPLEX_HALF || l->send_copy.given || l->receive_copy.given)
		diag_add(diags, yml_get(node, "equals")->place, hint,
			 "link '%s': it cannot join equals, it %s", l->origin.name,
			 l->duplex == DUPLEX_HALF ? "is half duplex" : "needs copies by the host");
	if (algorithm && l->all_reduce != REDUCE_AUTO && !reduce_of_equals((enum reduce_way)l->all_reduce))
		diag_add(diags, algorithm->place, "ring, tree, halving, or auto: the quickest of these",
			 "link '%s': equal devices cannot all-reduce by '%s'", l->origin.name,
			 reduce_way_names[l->all_reduce]);
}

void equal_links_check(const struct world *w, const struct link *l, struct diags *diags)
{
	check_keys(l, diags);
	if (!w->scenario->workload.train)
		diag_add(diags, yml_get(l->origin.node, "equals")->place,
			 "name the machines that it joins: 'between: [a, b]'",
			 "link '%s': equal devices are for training, which the workload lacks",
			 l->origin.name);
}

size_t equal_links_distances(const struct world *w, enum equals e)
{
	const int64_t ranks = train_equals(w->scenario, e);
	size_t n = 1;

	while (ranks > INT64_C(1) << (n - 1))
		n++;
	return n;
}

size_t world_equals_use(const struct world *w, enum equals e, size_t machine, int distance)
{
	size_t at = 0;

	while (distance >> at)
		at++;
	return w->equals[e] + at * w->machines_n + machine;
}
