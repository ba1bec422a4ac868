/* config.c - see config.h. */
#include "sim/import/config.h"

#include <stdlib.h>
#include <string.h>

/* A value that several kinds of layers read is complained of once. */
static bool complained(const struct diags *diags, const struct yml *at)
{
	for (size_t i = 0; i < diags->n; i++)
		if (diags->list[i].place.source == at->place.source &&
		    diags->list[i].place.line == at->place.line && diags->list[i].place.col == at->place.col)
			return true;
	return false;
}

void config_wrong(struct config_reading *r, const struct yml *at, const char *key, const char *expected)
{
	r->failed = true;
	if (complained(r->diags, at))
		return;
	diag_add(r->diags, at->place, NULL, "config: '%s': expected %s, got %s%s%s", key, expected,
		 at->kind == YML_SCALAR ? "'" : "", at->kind == YML_SCALAR ? at->text : yml_kind_name(at),
		 at->kind == YML_SCALAR ? "'" : "");
}

const struct yml *config_find(const struct yml *map, const char *key)
{
	const struct yml *y = map ? yml_get(map, key) : NULL;

	return y && y->kind != YML_NULL ? y : NULL;
}

bool config_says(const struct yml *value)
{
	static const char *const nothing[] = {"0", "false", "null", "1"};

	for (size_t i = 0; value->kind == YML_SCALAR && i < ARRAY_LEN(nothing); i++)
		if (!strcmp(value->text, nothing[i]))
			return false;
	return value->kind != YML_NULL && !(value->kind == YML_LIST && !value->n);
}

/* One number for each layer, all the same (Hunyuan). */
static bool all_alike(const struct yml *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i]->kind != YML_SCALAR ||
		    strcmp(list->items[i]->text, list->items[0]->text) != 0)
			return false;
	return true;
}

enum said config_number(struct config_reading *r, const char *key, int64_t *to)
{
	const struct yml *y = config_find(r->config, key);
	char *end;
	double x;

	if (y && y->kind == YML_LIST && y->n > 1 && all_alike(y))
		y = y->items[0];
	if (!y)
		return SAID_NOT;
	x = y->kind == YML_SCALAR && !y->quoted && *y->text ? strtod(y->text, &end) : -1;
	if (!(x >= 0 && x <= 1e12) || *end || x != (double)(int64_t)x || strpbrk(y->text, "xXnN")) {
		config_wrong(r, y, key, "a whole number");
		return SAID_WRONG;
	}
	*to = (int64_t)x;
	return SAID_RIGHT;
}

int64_t config_any(struct config_reading *r, const char *const *keys, int64_t def)
{
	int64_t x = 0;

	for (size_t i = 0; keys[i]; i++) {
		const enum said said = config_number(r, keys[i], &x);

		if (said == SAID_WRONG)
			return 1; /* goes on, to say all that is wrong */
		if (said == SAID_RIGHT && !x && !def && !keys[i + 1])
			config_wrong(r, config_find(r->config, keys[i]), keys[i], "a whole number above 0");
		if (said == SAID_RIGHT && (x || !def))
			return x;
	}
	if (def)
		return def;
	config_missing(r, keys[0], NULL, arena_printf(r->diags->arena, "which a %s model needs", r->f->type));
	return 1;
}

static bool any_said(const struct yml *map, const char *const *keys)
{
	for (size_t i = 0; keys[i]; i++)
		if (map && yml_get(map, keys[i]))
			return true;
	return false;
}

/* "'a' or 'b'" */
static const char *either(struct arena *a, const char *const *keys)
{
	const char *text = arena_printf(a, "'%s'", keys[0]);

	for (size_t i = 1; keys[i]; i++)
		text = arena_printf(a, "%s or '%s'", text, keys[i]);
	return text;
}

int64_t config_usual(struct config_reading *r, const char *const *keys, int64_t def)
{
	/* a part of a model of several holds what differs from its class alone (Gemma 3 as published) */
	if (def && r->config == r->top && !any_said(r->config, keys))
		describe_note(r->d, r->diags->arena, "%s is missing: taken as %lld, as is usual in %s",
			      either(r->diags->arena, keys), (long long)def, r->f->type);
	for (size_t i = 0; def && keys[i] && r->f->plan != PLAN_BLOCKS; i++) {
		const struct yml *y = yml_get(r->config, keys[i]);

		if (y && y->kind == YML_NULL && strcmp(keys[i], "head_dim") != 0)
			describe_note(r->d, r->diags->arena, "'%s' is null: taken as %lld, as is usual in %s",
				      keys[i], (long long)def, r->f->type);
	}
	return config_any(r, keys, def);
}

void config_note_absent(struct config_reading *r, const char *const *keys, const char *taken)
{
	if (!any_said(r->config, keys))
		describe_note(r->d, r->diags->arena, "%s is missing: %s", either(r->diags->arena, keys),
			      taken);
}

int64_t config_any_or_0(struct config_reading *r, const char *const *keys)
{
	int64_t x = 0;

	for (size_t i = 0; keys[i]; i++)
		if (config_number(r, keys[i], &x) != SAID_NOT)
			return x;
	return 0;
}

void config_missing(struct config_reading *r, const char *key, const char *hint, const char *why)
{
	r->failed = true;
	diag_add(r->diags, r->config->place, hint, "config: '%s' is missing, %s", key, why);
}

const struct yml *config_mapping(struct config_reading *r, const char *key, const char *hint, const char *why)
{
	const struct yml *y = config_find(r->config, key);

	if (y && y->kind == YML_MAP)
		return y;
	if (y)
		config_wrong(r, y, key, "a mapping");
	else
		config_missing(r, key, hint, why);
	return NULL;
}

int64_t config_item_within(struct config_reading *r, const struct yml *list, size_t i, const char *key,
			   int64_t least, int64_t most)
{
	const struct yml *y = list->items[i];
	char *end = NULL;
	const long long x = y->kind == YML_SCALAR && !y->quoted ? strtoll(y->text, &end, 10) : least - 1;

	if (end && end != y->text && !*end && x >= least && x <= most)
		return x;
	config_wrong(r, y, key,
		     arena_printf(r->diags->arena, "a whole number from %lld to %lld", (long long)least,
				  (long long)most));
	return least - 1;
}

bool config_flag(struct config_reading *r, const struct yml *map, const char *key, bool def)
{
	const struct yml *y = config_find(map, key);

	if (!y)
		return def;
	if (y->kind == YML_SCALAR && !y->quoted && !strcmp(y->text, "true"))
		return true;
	if (y->kind != YML_SCALAR || y->quoted || strcmp(y->text, "false") != 0)
		config_wrong(r, y, key, "true or false");
	return false;
}

const char *config_word(const struct yml *map, const char *key, const char *def)
{
	const struct yml *y = config_find(map, key);

	return y && y->kind == YML_SCALAR ? y->text : def;
}

const char *config_item(const struct yml *list, size_t i)
{
	return i < list->n && list->items[i]->kind == YML_SCALAR ? list->items[i]->text : "";
}

const struct yml *config_by_layer(struct config_reading *r, const char *key)
{
	const struct yml *y = config_find(r->config, key);
	const int64_t more = r->d->mtp_layers;

	if (!y)
		return NULL;
	if (y->kind == YML_LIST && (int64_t)y->n >= r->d->layers && (int64_t)y->n <= r->d->layers + more)
		return y;
	if (y->kind == YML_LIST && !complained(r->diags, y))
		diag_add(r->diags, y->place, NULL,
			 "config: '%s': expected an entry for each of the %lld layers, got a list of %zu",
			 key, (long long)r->d->layers, y->n);
	else if (y->kind != YML_LIST)
		config_wrong(r, y, key, "a list with an entry for each layer");
	r->failed = true;
	return NULL;
}
