/* idle_setting.c - see idle_setting.h. */
#include "sim/world/idle_setting.h"

#include <string.h>

#include "sim/base/str.h"

/* Is it a setting of folder.name and that key, or of the key's value? A name holds no point. */
static bool is_of(struct arena *a, const char *setting, const char *folder, const char *name, const char *key)
{
	const char *const path = arena_printf(a, "%s.%s.%s", folder, name, key);
	const char *rest = setting + strlen(path);

	if (!str_starts(setting, path))
		return false;
	rest += str_starts(rest, ".value") ? strlen(".value") : 0;
	return *rest == '=';
}

/* Bytes per second, not a share of the bus: as it stands in the file, since loading makes rates of shares. */
static bool is_absolute(const struct qty *rate)
{
	const struct yml *said = rate->node;

	if (said && said->kind == YML_MAP)
		said = yml_get(said, "value");
	return rate->given && said && said->kind == YML_SCALAR && !strchr(said->text, '%');
}

/* NULL where one of the rates of reading follows the bus. */
static const char *rates_beside(struct arena *a, const struct unit *u)
{
	const struct profile *p = u->profile;
	const struct {
		const char *key;
		const struct qty *rate;
	} all[] = {{"read", &p->read},       {"copy", &p->copy},
		   {"gemv", &p->gemv},       {"gemv_q8", &p->gemv_q8},
		   {"gemv_q4", &p->gemv_q4}, {"attention.decode", &p->attention.decode}};
	struct str keys = STR_INIT;
	bool any = false, follows = false;
	const char *kept;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (!all[i].rate->given)
			continue;
		if (is_absolute(all[i].rate))
			str_addf(&keys, "%s%s", any ? ", " : "", all[i].key);
		any |= is_absolute(all[i].rate);
		follows |= !is_absolute(all[i].rate);
	}
	kept = any && !follows ? arena_strdup(a, keys.text) : NULL;
	str_release(&keys);
	return kept;
}

static const char *of_machine(struct arena *a, const struct world *w, size_t machine)
{
	const char *const name = w->machines[machine].origin.name;
	const char *keys = NULL, *device = NULL;
	const struct profile *p = NULL;

	for (size_t i = 0; i < w->units_n; i++) {
		if (w->units[i].machine != machine)
			continue;
		p = w->units[i].profile;
		keys = rates_beside(a, &w->units[i]);
		if (!keys)
			return NULL;
		device = w->units[i].device->origin.name;
	}
	return keys ? arena_printf(
			      a,
			      "machines.%s.memory.bandwidth changes no rate of %s: they were measured in "
			      "bytes per "
			      "second (%s of machines.%s.devices.%s.runtimes.%s), and do not follow the bus; "
			      "change them instead",
			      name, p->origin.name, keys, name, device, p->origin.name)
		    : NULL;
}

static const char *of_link(struct arena *a, const struct link *l)
{
	return l->bandwidth_by_size.n ? arena_printf(a,
						     "links.%s.bandwidth changes no rate: "
						     "links.%s.bandwidth_by_size has that of each "
						     "message; change its points, or remove them (--set "
						     "links.%s.bandwidth_by_size=null)",
						     l->origin.name, l->origin.name, l->origin.name)
				      : NULL;
}

const char *idle_setting(struct arena *a, const struct world *w, const char *setting)
{
	for (size_t i = 0; i < w->machines_n; i++)
		if (is_of(a, setting, "machines", w->machines[i].origin.name, "memory.bandwidth"))
			return of_machine(a, w, i);
	for (size_t i = 0; i < w->links_n; i++)
		if (is_of(a, setting, "links", w->links[i].origin.name, "bandwidth"))
			return of_link(a, &w->links[i]);
	return NULL;
}
