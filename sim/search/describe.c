/* describe.c - a candidate as rules and in words; see space.h. */
#include <string.h>

#include "sim/search/space.h"

/* "m5" if the machine's name stands for the unit, else "m5.cpu". */
static const char *unit_name(const struct world *w, size_t unit)
{
	const char *machine = w->machines[w->units[unit].machine].origin.name;

	return world_unit(w, machine) == unit ? machine : w->units[unit].name;
}

struct rule_writer {
	const struct world *w;
	const struct layer_map *l;
	const char *phase; /* NULL: all phases */
	struct str *out;
	size_t rules;
};

static void add_roles(struct str *out, unsigned roles)
{
	for (int r = 0, n = 0; r < ROLE_N; r++)
		if (roles >> r & 1)
			str_addf(out, "%s%s", n++ ? ", " : "", role_names[r]);
}

static void add_layers(struct str *out, int64_t first, int64_t last)
{
	str_addf(out, first == last ? "%lld" : "%lld-%lld", (long long)first, (long long)last);
}

/* first < 0: every layer; roles 0: every role. */
static void add_rule(struct rule_writer *k, unsigned roles, int64_t first, int64_t last, size_t unit)
{
	str_add(k->out, k->rules++ ? ", {" : "{");
	if (k->phase)
		str_addf(k->out, "phase: %s, ", k->phase);
	if (roles) {
		str_add(k->out, "op: [");
		add_roles(k->out, roles);
		str_add(k->out, "], ");
	}
	if (first >= 0) {
		str_add(k->out, "layers: ");
		add_layers(k->out, first, last);
		str_add(k->out, ", ");
	}
	str_addf(k->out, "on: \"%s\"}", unit_name(k->w, unit));
}

/* The last layer of the range of group g that begins at `first`. */
static int64_t range_end(const struct layer_map *l, int g, int64_t first, int64_t layers)
{
	int64_t last = first;

	while (last + 1 < layers && l->unit[g][last + 1] == l->unit[g][first])
		last++;
	return last;
}

static bool groups_same(const struct layer_map *l, int64_t layers)
{
	return !memcmp(l->unit[0], l->unit[1], (size_t)layers);
}

static bool is_on_one_unit(const struct layer_map *l, int g, int64_t layers)
{
	return range_end(l, g, 0, layers) == layers - 1;
}

/* Writes a rule for all blocks, then rules for what differs from it. */
static void layer_map_rules(struct rule_writer *k)
{
	const struct layer_map *l = k->l;
	const int64_t layers = k->w->model->layers;
	const size_t base = l->unit[0][0];

	add_rule(k, 0, -1, -1, base);
	for (int64_t i = range_end(l, 0, 0, layers) + 1; i < layers; i = range_end(l, 0, i, layers) + 1)
		add_rule(k, 0, i, range_end(l, 0, i, layers), l->unit[0][i]);
	if (!groups_same(l, layers) && is_on_one_unit(l, 1, layers))
		add_rule(k, l->second, -1, -1, l->unit[1][0]);
	else if (!groups_same(l, layers))
		for (int64_t i = 0; i < layers; i = range_end(l, 1, i, layers) + 1)
			add_rule(k, l->second, i, range_end(l, 1, i, layers), l->unit[1][i]);
	if (k->w->model->ends && l->embedding != base)
		add_rule(k, 1u << ROLE_EMBEDDING, -1, -1, l->embedding);
	if (k->w->model->ends && l->head != base)
		add_rule(k, 1u << ROLE_HEAD, -1, -1, l->head);
}

const char *candidate_rules(struct arena *a, const struct world *w, const struct candidate *c)
{
	struct str s = STR_INIT;
	struct rule_writer k = {w, c->phase_group[1], NULL, &s, 0};
	const char *rules;

	layer_map_rules(&k);
	if (!layer_map_same(w->model, c->phase_group[0], c->phase_group[1])) {
		k.l = c->phase_group[0];
		k.phase = phase_names[job_phases(c->job).first];
		layer_map_rules(&k);
	}
	rules = arena_printf(a, "[%s]", s.text);
	str_release(&s);
	return rules;
}

/* ---- words ---- */

static void add_range(struct str *out, const struct world *w, const struct layer_map *l, int g)
{
	const int64_t layers = w->model->layers;

	if (is_on_one_unit(l, g, layers)) {
		str_addf(out, "on %s", unit_name(w, l->unit[g][0]));
		return;
	}
	for (int64_t i = 0, last; i < layers; i = last + 1) {
		last = range_end(l, g, i, layers);
		str_add(out, i ? ", " : "layers ");
		add_layers(out, i, last);
		str_addf(out, " on %s", unit_name(w, l->unit[g][i]));
	}
}

static void add_layer_map_words(struct str *out, const struct world *w, const struct layer_map *l)
{
	const struct model *m = w->model;
	const size_t blocks = model_blocks(m);
	const bool same = groups_same(l, m->layers);

	if (same) {
		str_add(out, is_on_one_unit(l, 0, m->layers) ? "all " : "");
		add_range(out, w, l, 0);
	} else {
		unsigned roles = 0;

		for (size_t b = 1; b + 1 < blocks; b++)
			roles |= 1u << model_block(m, b).part.role;
		add_roles(out, roles & ~l->second);
		str_add(out, " ");
		add_range(out, w, l, 0);
		str_add(out, is_on_one_unit(l, 0, m->layers) ? ", " : "; ");
		add_roles(out, roles & l->second);
		str_add(out, " ");
		add_range(out, w, l, 1);
	}
	if (m->ends && l->embedding != layer_map_unit(m, l, 1))
		str_addf(out, ", embedding on %s", unit_name(w, l->embedding));
	if (m->ends && l->head != layer_map_unit(m, l, blocks - 2))
		str_addf(out, ", head on %s", unit_name(w, l->head));
}

const char *candidate_words(struct arena *a, const struct world *w, const struct candidate *c)
{
	const bool same = layer_map_same(w->model, c->phase_group[0], c->phase_group[1]);
	struct str s = STR_INIT;
	const char *words;

	for (int i = same ? 1 : 0; i < PHASE_GROUPS; i++) {
		if (!same)
			str_addf(&s, "%s%s: ", i ? "; " : "", phase_names[(int)job_phases(c->job).first + i]);
		add_layer_map_words(&s, w, c->phase_group[i]);
	}
	if (c->variant_words && *c->variant_words)
		str_addf(&s, ", %s", c->variant_words);
	words = arena_strdup(a, s.text);
	str_release(&s);
	return words;
}
