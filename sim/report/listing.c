/* listing.c - see listing.h. */
#include "sim/report/listing.h"

#include <string.h>

#include "sim/base/jsonw.h"
#include "sim/base/map.h"
#include "sim/base/units.h"
#include "sim/conf/field.h"
#include "sim/hw/derive.h"
#include "sim/hw/hw.h"
#include "sim/llm/model.h"
#include "sim/report/listing_grid.h"

struct listing {
	struct loader *loader;
	struct jsonw *json; /* NULL: text */
	struct str *out;
	size_t width; /* of the text; 0: as wide as it takes */
	bool lines;   /* JSON by lines */
};

static const char *shown(struct listing *l, const struct qty *q, enum dim dim, int digits)
{
	return q->given ? units_text(l->loader->arena, q->value, dim, digits) : NULL;
}

static void key_qty(struct jsonw *w, const char *key, const struct qty *q)
{
	if (q->given)
		jsonw_key_number(w, key, q->value);
}

/* ---- machines ---- */

/* The devices without their runtimes. */
static struct yml *bare_devices(struct arena *a, const struct yml *devices)
{
	struct yml *all = yml_new(a, YML_MAP, devices->place);

	for (size_t i = 0; i < devices->n; i++) {
		const struct yml *d = devices->items[i];
		struct yml *bare = yml_new(a, YML_MAP, d->place);

		bare->items = arena_room(a, d->n, sizeof *bare->items);
		bare->keys = arena_room(a, d->n, sizeof *bare->keys);
		for (size_t k = 0; k < d->n; k++) {
			if (!strcmp(d->keys[k]->text, "runtimes"))
				continue;
			bare->keys[bare->n] = d->keys[k];
			bare->items[bare->n++] = d->items[k];
		}
		yml_put(a, all, devices->keys[i]->text, devices->keys[i]->place, bare);
	}
	return all;
}

/* A machine of files that ship, which are right, so that no one need read all of them to find out: the profiles of its
 * runtimes, which are most of it, are not. */
static bool load_shown(struct listing *l, struct yml *tree, const char *name, struct machine *m)
{
	struct diags *d = l->loader->diags;
	const struct yml *devices = yml_get(tree, "devices");

	if (!devices)
		return false;
	yml_put(l->loader->arena, tree, "devices", devices->place, bare_devices(l->loader->arena, devices));
	if (field_load_part(&machine_table, tree, name, m, d) != 0)
		return false;
	derive_facts(m, d);
	return !d->total && m->devices.n;
}

/* Complains of nothing: a file that cannot be read is listed as such. */
static bool load_machine(struct listing *l, struct yml *tree, const char *name, struct machine *m)
{
	struct diags *d = l->loader->diags;

	*m = (struct machine){0};
	if (tree && !d->total && !l->loader->foreign && !l->json)
		return load_shown(l, tree, name, m);
	return tree && !d->total && field_load(&machine_table, tree, name, m, d) == 0 &&
	       machine_check(m, d) == 0;
}

/* What is listed of a machine as each of its variants, or of the machine as it is where it has none. */
struct options {
	const struct load_found *f;
	struct yml *shared;         /* the keys that such a listing is read from, of the machine itself */
	const struct yml *variants; /* NULL: there are none */
	const struct yml *devices;  /* with the names of their runtimes */
	const struct machine *itself;
};

static struct yml *option_keys(struct arena *a, const struct yml *tree)
{
	static const char *const keys[] = {"system", "memory", "price"};
	struct yml *part = yml_new(a, YML_MAP, tree->place);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct yml *value = yml_get(tree, keys[i]);

		if (value)
			yml_put(a, part, keys[i], value->place, value);
	}
	return part;
}

/* tree: as loaded, without the defaults that reading the machine adds. */
static struct options options_of(struct listing *l, const struct load_found *f, const struct yml *tree)
{
	const struct yml *v = tree ? yml_get(tree, "variants") : NULL;
	struct options o = {
		.f = f, .variants = v && v->kind == YML_MAP ? v : NULL, .devices = yml_get(tree, "devices")};

	if (o.variants)
		o.shared = yml_merge(l->loader->arena, NULL, option_keys(l->loader->arena, tree));
	return o;
}

static void load_option(struct listing *l, const struct options *o, size_t i, const char *name,
			struct machine *m)
{
	struct diags *d = l->loader->diags;
	struct yml *over = o->variants->items[i], *part;

	*m = (struct machine){0};
	diags_init(d, l->loader->arena);
	over = over->kind == YML_MAP ? load_inherit(l->loader, over, "hardware", HW_SCHEMA) : NULL;
	if (!over)
		return;
	part = yml_merge(l->loader->arena, o->shared, option_keys(l->loader->arena, over));
	if (!field_load_part(&machine_table, part, name, m, d) && l->json)
		derive_facts(m, d); /* a table has no figure of theirs */
}

/* Returns false where there is no more. */
static bool nth_option(struct listing *l, const struct options *o, size_t i, const char **name,
		       struct machine *m)
{
	const struct yml *v = o->variants;

	if (i >= (v ? v->n : 1))
		return false;
	*name = v ? arena_printf(l->loader->arena, "%s-%s", o->f->name, v->keys[i]->text) : o->f->name;
	if (v)
		load_option(l, o, i, *name, m);
	else
		*m = *o->itself;
	return true;
}

/* "24 48 64 GiB" and "from 1399 USD": every memory it is sold with, the lowest price that is known. */
static void add_options(struct listing *l, const struct options *o, const char **ram, const char **price)
{
	struct str all = STR_INIT;
	struct qty least = {.given = false};
	const char *name;
	struct machine m;

	for (size_t i = 0; nth_option(l, o, i, &name, &m); i++) {
		str_addf(&all, "%s%.4g", i ? " " : "", m.memory.capacity.value / 1073741824.0);
		if (m.price.given && (!least.given || m.price.value < least.value))
			least = m.price;
	}
	*ram = arena_printf(l->loader->arena, "%s GiB", all.text);
	*price = shown(l, &least, DIM_MONEY, 6);
	str_release(&all);
}

static const char *runtimes(struct listing *l, const struct yml *devices)
{
	struct str all = STR_INIT;
	const char *kept;

	for (size_t i = 0; i < devices->n; i++) {
		const struct yml *of = yml_get(devices->items[i], "runtimes");

		for (size_t j = 0; of && j < of->n; j++)
			str_addf(&all, "%s%s%s", all.len ? " " : "",
				 i ? arena_printf(l->loader->arena, "%s:", devices->keys[i]->text) : "",
				 of->keys[j]->text);
	}
	kept = arena_strdup(l->loader->arena, all.text);
	str_release(&all);
	return kept;
}

static void machine_text(struct listing *l, struct listing_grid *g, const struct options *o)
{
	const struct machine *m = o->itself;
	const struct device *d = m->devices.at;
	const char **row = grid_row(l->loader->arena, g, o->f->name);

	row[1] = arena_printf(l->loader->arena, "%lld", (long long)d->cores);
	row[2] = units_text(l->loader->arena, m->memory.bandwidth.value, DIM_BANDWIDTH, 4);
	row[3] = shown(l, &d->peak[DTYPE_F16], DIM_FLOPS, 4);
	add_options(l, o, &row[4], &row[5]);
	row[6] = runtimes(l, o->devices);
}

static void device_json(struct jsonw *w, const struct device *d)
{
	static const char *const peaks[DTYPE_N] = {"f32", "f16", "bf16"};
	const struct profile *p = d->runtimes.at;

	jsonw_object(w);
	jsonw_key_string(w, "name", d->origin.name);
	jsonw_key_int(w, "cores", d->cores);
	if (d->fast_cores)
		jsonw_key_int(w, "fast_cores", d->fast_cores);
	key_qty(w, "clock_Hz", &d->clock);
	jsonw_key(w, "peak_flops");
	jsonw_object(w);
	for (int t = 0; t < DTYPE_N; t++)
		key_qty(w, peaks[t], &d->peak[t]);
	jsonw_end(w);
	key_qty(w, "active_W", &d->active_power);
	jsonw_key(w, "runtimes");
	jsonw_array(w);
	for (size_t i = 0; i < d->runtimes.n; i++) {
		jsonw_object(w);
		jsonw_key_string(w, "name", p[i].origin.name);
		jsonw_key_string(w, "version", p[i].version);
		key_qty(w, "read_Bps", &p[i].read);
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_end(w);
}

static void options_json(struct listing *l, const struct options *o)
{
	const char *name;
	struct machine m;

	jsonw_key(l->json, "options");
	jsonw_array(l->json);
	for (size_t i = 0; nth_option(l, o, i, &name, &m); i++) {
		jsonw_object(l->json);
		jsonw_key_string(l->json, "name", name);
		key_qty(l->json, "capacity_B", &m.memory.capacity);
		key_qty(l->json, "usable_B", &m.memory.usable);
		key_qty(l->json, "bandwidth_Bps", &m.memory.bandwidth);
		key_qty(l->json, "price_USD", &m.price);
		jsonw_end(l->json);
	}
	jsonw_end(l->json);
}

static void machine_json(struct listing *l, const struct options *o)
{
	const struct machine *m = o->itself;
	const struct device *d = m->devices.at;
	struct jsonw *w = l->json;

	jsonw_key_string(w, "is", "machine");
	jsonw_key_string(w, "chip", m->chip);
	jsonw_key_int(w, "dies", m->dies);
	key_qty(w, "bandwidth_Bps", &m->memory.bandwidth);
	key_qty(w, "cache_B", &m->memory.cache);
	if (m->disk)
		key_qty(w, "disk_read_Bps", &m->disk->read);
	key_qty(w, "price_USD", &m->price);
	key_qty(w, "idle_W", &m->idle_power);
	key_qty(w, "active_W", &m->active_power);
	jsonw_key(w, "devices");
	jsonw_array(w);
	for (size_t i = 0; i < m->devices.n; i++)
		device_json(w, &d[i]);
	jsonw_end(w);
	options_json(l, o);
}

/* ---- links, models, scenarios ---- */

static void link_text(struct listing *l, struct listing_grid *g, const struct load_found *f,
		      const struct link *k)
{
	const char **row = grid_row(l->loader->arena, g, f->name);

	row[1] = units_text(l->loader->arena, k->bandwidth.value, DIM_BANDWIDTH, 3);
	row[2] = units_text(l->loader->arena, k->latency.value, DIM_TIME, 3);
	row[3] = arena_printf(l->loader->arena, "%s%s", k->title,
			      k->duplex == DUPLEX_HALF ? "; half duplex" : "");
}

static void link_json(struct listing *l, const struct link *k)
{
	const struct link_point *p = k->bandwidth_by_size.at;
	struct jsonw *w = l->json;

	jsonw_key_string(w, "is", "link");
	key_qty(w, "latency_s", &k->latency);
	key_qty(w, "bandwidth_Bps", &k->bandwidth);
	key_qty(w, "nominal_Bps", &k->nominal);
	jsonw_key_string(w, "duplex", k->duplex == DUPLEX_HALF ? "half" : "full");
	if (k->bandwidth_by_size.n)
		jsonw_key(w, "bandwidth_by_size");
	if (k->bandwidth_by_size.n)
		jsonw_array(w);
	for (size_t i = 0; i < k->bandwidth_by_size.n; i++) {
		jsonw_object(w);
		key_qty(w, "size_B", &p[i].size);
		key_qty(w, "bandwidth_Bps", &p[i].bandwidth);
		jsonw_end(w);
	}
	if (k->bandwidth_by_size.n)
		jsonw_end(w);
}

static void model_text(struct listing *l, struct listing_grid *g, const struct load_found *f,
		       const struct model *m)
{
	const char **row = grid_row(l->loader->arena, g, f->name);

	row[1] = arena_printf(l->loader->arena, "%.4g", model_weights(m) / 1e9);
	row[2] = arena_printf(l->loader->arena, "%lld", (long long)m->layers);
	if (m->experts)
		row[3] = arena_printf(l->loader->arena, "%lld of %lld", (long long)m->experts->active,
				      (long long)m->experts->count);
	row[4] = m->title;
}

static void model_json(struct listing *l, const struct model *m)
{
	struct jsonw *w = l->json;

	jsonw_key_number(w, "parameters", m->parameters ? (double)m->parameters : model_weights(m));
	jsonw_key_int(w, "layers", m->layers);
	jsonw_key_int(w, "hidden", m->hidden);
	jsonw_key_int(w, "vocabulary", m->vocabulary);
	if (m->attention.heads) { /* else each kind of layer has its own */
		jsonw_key_int(w, "heads", m->attention.heads);
		jsonw_key_int(w, "kv_heads", m->attention.kv_heads);
	}
	jsonw_key_number(w, "kv_numbers_per_token_and_layer",
			 part_kv_numbers(m, (struct part){ROLE_ATTENTION, false, 0}));
	if (!m->experts)
		return;
	jsonw_key(w, "experts");
	jsonw_object(w);
	jsonw_key_int(w, "count", m->experts->count);
	jsonw_key_int(w, "active", m->experts->active);
	jsonw_key_int(w, "shared", m->experts->shared);
	jsonw_end(w);
}

/* ---- files of each kind ---- */

const char *const listing_format_names[LISTING_FORMAT_N + 1] = {"table", "json", "jsonl", "names", NULL};
const char *const listing_kinds[LISTING_N + 1] = {"hardware", "models", "scenarios", NULL};

struct grids {
	struct listing_grid machines, links, models, scenarios;
};

static const char *title_of(const struct yml *tree)
{
	const struct yml *title = tree ? yml_get(tree, "title") : NULL;

	return title && title->kind == YML_SCALAR ? title->text : "(cannot be read: try 'lemursim check')";
}

static void plain(struct listing *l, struct listing_grid *g, size_t column, const struct load_found *f,
		  const char *title)
{
	if (!l->json)
		grid_row(l->loader->arena, g, f->name)[column] = title;
}

static void list_machine(struct listing *l, struct grids *g, const struct load_found *f, struct yml *tree)
{
	struct options o = options_of(l, f, tree);
	struct machine m;

	o.itself = &m;
	if (!load_machine(l, tree, f->name, &m))
		plain(l, &g->machines, 6, f, title_of(NULL));
	else if (l->json)
		machine_json(l, &o);
	else
		machine_text(l, &g->machines, &o);
}

static void list_link(struct listing *l, struct grids *g, const struct load_found *f, struct yml *tree)
{
	struct link k = {0};

	if (field_load(&link_table, tree, f->name, &k, l->loader->diags) != 0 ||
	    link_check(&k, l->loader->diags) != 0)
		plain(l, &g->links, 3, f, title_of(NULL));
	else if (l->json)
		link_json(l, &k);
	else
		link_text(l, &g->links, f, &k);
}

/* Published sizes of files that ship are right. */
static int check_model(struct listing *l, struct model *m)
{
	return l->loader->foreign ? model_check(m, l->loader->diags)
				  : model_check_layers(m, l->loader->diags);
}

static void list_model(struct listing *l, struct grids *g, const struct load_found *f, struct yml *tree)
{
	struct model m = {0};

	if (!tree || field_load(&model_table, tree, f->name, &m, l->loader->diags) != 0 ||
	    check_model(l, &m) != 0)
		plain(l, &g->models, 4, f, title_of(NULL));
	else if (l->json)
		model_json(l, &m);
	else
		model_text(l, &g->models, f, &m);
}

/* The kind that a file states: a "family" or a "server" is neither machine nor link, and is not listed. */
static const char *said(const struct yml *tree)
{
	const struct yml *kind = tree ? yml_get(tree, "kind") : NULL;

	return kind && kind->kind == YML_SCALAR ? kind->text : "machine";
}

static struct yml *load_listed(struct listing *l, enum listing_kind kind, const struct load_found *f,
			       const char *shallow)
{
	diags_init(l->loader->diags, l->loader->arena);
	l->loader->shallow = shallow;
	return load_file(l->loader, f->path, listing_kinds[kind], NULL);
}

static void list_file(struct listing *l, struct grids *g, enum listing_kind kind, const struct load_found *f)
{
	struct yml *tree = load_listed(l, kind, f, l->json ? NULL : "runtimes");

	if (l->loader->foreign && l->loader->shallow)
		tree = load_listed(l, kind, f, NULL);
	if (kind == LISTING_HARDWARE && (!strcmp(said(tree), "family") || !strcmp(said(tree), "server")))
		return;
	if (l->json) {
		if (l->lines)
			jsonw_init(l->json, l->out, 0);
		jsonw_object(l->json);
		jsonw_key_string(l->json, "kind", listing_kinds[kind]);
		jsonw_key_string(l->json, "name", f->name);
		jsonw_key_string(l->json, "title", title_of(tree));
		jsonw_key_string(l->json, "path", f->path);
	}
	if (kind == LISTING_MODELS)
		list_model(l, g, f, tree);
	else if (kind == LISTING_SCENARIOS)
		plain(l, &g->scenarios, 1, f, title_of(tree));
	else if (!strcmp(said(tree), "link"))
		list_link(l, g, f, tree);
	else
		list_machine(l, g, f, tree);
	if (l->json)
		jsonw_end(l->json);
	str_add(l->out, l->lines ? "\n" : "");
}

static void list_kind(struct listing *l, enum listing_kind kind)
{
	struct grids g = {
		{.heading = "Machines: append -24gb or the like for one of the sizes of its memory",
		 .heads = {"", "cores", "memory", "f16", "sizes", "from", "runtimes"},
		 .numbers = 1U << 1 | 1U << 2 | 1U << 3 | 1U << 5},
		{.heading = "Links", .heads = {"", "rate", "latency", "title"}, .numbers = 1U << 1 | 1U << 2},
		{.heading = "Models",
		 .heads = {"", "billion", "layers", "experts", "title"},
		 .numbers = 1U << 1 | 1U << 2 | 1U << 3},
		{.heading = "Scenarios", .heads = {"", ""}}};
	struct load_found *found;
	const size_t n = load_list(l->loader, ".", listing_kinds[kind], &found);

	for (size_t i = 0; i < n; i++)
		list_file(l, &g, kind, &found[i]);
	grid_write(&g.machines, l->width, l->out);
	grid_write(&g.links, l->width, l->out);
	grid_write(&g.models, l->width, l->out);
	grid_write(&g.scenarios, l->width, l->out);
}

/* Names are asked for by a shell that completes a word, so that no file is loaded beyond its kind and variants. A machine
 * that is a variant of one file and has a file of its own is named once. */
static void list_names(struct loader *loader, enum listing_kind kind, struct str *out)
{
	struct load_found *found;
	const size_t n = load_list(loader, ".", listing_kinds[kind], &found);
	struct map names = MAP_INIT;

	for (size_t i = 0; i < n; i++) {
		const struct yml *variants;

		diags_init(loader->diags, loader->arena);
		map_add(&names, found[i].name);
		variants = kind == LISTING_SCENARIOS ? NULL : load_variants(loader, found[i].path);
		for (size_t v = 0; variants && v < variants->n; v++)
			map_add(&names,
				arena_printf(loader->arena, "%s-%s", found[i].name, variants->keys[v]->text));
	}
	for (size_t i = 0; i < names.n; i++)
		str_addf(out, "%s\n", names.keys[i]);
	map_release(&names);
}

static void list_json(struct loader *loader, const bool kinds[LISTING_N], bool lines, struct str *out)
{
	struct jsonw json;
	struct listing l = {loader, &json, out, 0, lines};

	jsonw_init(&json, out, 2);
	if (!lines)
		jsonw_array(&json);
	for (int k = 0; k < LISTING_N; k++)
		if (kinds[k])
			list_kind(&l, (enum listing_kind)k);
	if (!lines)
		jsonw_end(&json);
	str_add(out, lines ? "" : "\n");
}

void listing_write(struct loader *loader, const bool kinds[LISTING_N], enum listing_format format, int width,
		   struct str *out)
{
	struct listing l = {loader, NULL, out, width > 0 ? (size_t)width : 0, false};

	if (format == LISTING_JSON || format == LISTING_JSONL) {
		list_json(loader, kinds, format == LISTING_JSONL, out);
		return;
	}
	for (int k = 0; k < LISTING_N; k++) {
		if (kinds[k] && format == LISTING_NAMES)
			list_names(loader, (enum listing_kind)k, out);
		else if (kinds[k])
			list_kind(&l, (enum listing_kind)k);
	}
}
