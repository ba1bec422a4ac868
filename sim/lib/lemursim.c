/* lemursim.c - handles, errors and scenarios; see lemursim.h. */
#include "sim/lib/lemursim.h"

#include <stdlib.h>
#include <string.h>

#include "sim/lib/handles.h"
#include "sim/lib/search_paths.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

const char *lemursim_version(void)
{
	return VERSION;
}

lemursim *lemursim_new(void)
{
	lemursim *l = xcalloc(1, sizeof *l);

	l->text = "";
	return l;
}

void lemursim_free(lemursim *l)
{
	if (!l)
		return;
	arena_release(&l->failed);
	arena_release(&l->arena);
	free(l);
}

void lemursim_add_path(lemursim *l, const char *folder)
{
	const char *own;

	if (!l)
		return;
	if (!folder) {
		l->misuse = "lemursim_add_path: the folder is NULL";
		return;
	}
	own = arena_strdup(&l->arena, folder);
	l->paths = texts_join(&l->arena, &l->paths, &own, 1);
}

/* ---- errors ---- */

void lemursim_begin(struct lemursim *l)
{
	arena_release(&l->failed);
	l->errors = NULL;
	l->errors_n = 0;
	l->text = "";
}

static void add_diag(struct lemursim *l, const struct diag *d)
{
	const struct source *const source = d->place.source;
	struct lemursim_error *e = &l->errors[l->errors_n++];

	*e = (struct lemursim_error){.file = source ? arena_strdup(&l->failed, source->path) : NULL,
				     .message = arena_strdup(&l->failed, d->msg),
				     .hint = d->hint ? arena_strdup(&l->failed, d->hint) : NULL};
	if (!source || !d->place.line)
		return;
	e->line = d->place.line;
	e->column = d->place.col;
}

void lemursim_fail(struct lemursim *l, struct diags *d, const struct err *err)
{
	struct str text = STR_INIT;

	l->errors = arena_array(&l->failed, d->n + 1, sizeof *l->errors);
	for (size_t i = 0; i < d->n; i++)
		add_diag(l, &d->list[i]);
	diags_format(d, &text);
	diags_init(d, d->arena);
	if (err && err->msg[0]) {
		l->errors[l->errors_n++] = (struct lemursim_error){
			.message = arena_strdup(&l->failed, err->msg),
			.hint = err->hint[0] ? arena_strdup(&l->failed, err->hint) : NULL};
		str_addf(&text, "lemursim: %s\n", err->msg);
		str_addf(&text, err->hint[0] ? "  hint: %s\n" : "%s", err->hint);
	}
	l->text = arena_strdup(&l->failed, text.text);
	str_release(&text);
}

void lemursim_misused(struct lemursim *l, const char *how)
{
	struct arena a = ARENA_INIT;
	struct diags none;
	struct err err = ERR_INIT;

	lemursim_begin(l);
	diags_init(&none, &a);
	err_set(&err, "%s", how);
	lemursim_fail(l, &none, &err);
	arena_release(&a);
}

size_t lemursim_errors(const lemursim *l)
{
	return l ? l->errors_n : 0;
}

const struct lemursim_error *lemursim_error(const lemursim *l, size_t i)
{
	return l && i < l->errors_n ? &l->errors[i] : NULL;
}

const char *lemursim_error_text(const lemursim *l)
{
	return l ? l->text : "the handle is NULL\n";
}

/* ---- scenarios ---- */

static lemursim_scenario *scenario_new(lemursim *l)
{
	lemursim_scenario *s = xcalloc(1, sizeof *s);
	struct texts paths;

	lemursim_begin(l);
	s->of = l;
	s->users = 1;
	diags_init(&s->diags, &s->arena);
	loader_init(&s->loader, &s->arena, &s->diags);
	paths = search_paths(&s->arena, &l->paths, l->checkout);
	s->loader.paths = paths.at;
	s->loader.paths_n = paths.n;
	s->loader.outer = l->outer;
	return s;
}

static lemursim_scenario *refuse(lemursim_scenario *s)
{
	lemursim_fail(s->of, &s->diags, NULL);
	lemursim_scenario_free(s);
	return NULL;
}

/* 0, or -1 with the error: a text that a scenario is made of is NULL, or an earlier call was given NULL. */
static int check_texts(lemursim *l, const char *text, const char *missing)
{
	if (!l)
		return -1;
	if (text && !l->misuse)
		return 0;
	lemursim_misused(l, text ? l->misuse : missing);
	return -1;
}

lemursim_scenario *lemursim_load(lemursim *l, const char *name)
{
	lemursim_scenario *s;

	if (check_texts(l, name, "lemursim_load: the name is NULL") != 0)
		return NULL;
	s = scenario_new(l);
	s->path = load_path(&s->loader, arena_strdup(&s->arena, name), "scenarios");
	return load_schema(&s->loader, s->path) ? s : refuse(s);
}

lemursim_scenario *lemursim_load_text(lemursim *l, const char *name, const char *yaml)
{
	lemursim_scenario *s;

	if (check_texts(l, name, "lemursim_load_text: the name is NULL") != 0 ||
	    check_texts(l, yaml, "lemursim_load_text: the text is NULL") != 0)
		return NULL;
	s = scenario_new(l);
	s->path = arena_strdup(&s->arena, name);
	return load_text(&s->loader, s->path, arena_strdup(&s->arena, yaml)) == 0 ? s : refuse(s);
}

void lemursim_set(lemursim_scenario *s, const char *setting)
{
	const char *own;

	if (!s)
		return;
	if (!setting) {
		s->misuse = "lemursim_set: the setting is NULL";
		return;
	}
	own = arena_strdup(&s->arena, setting);
	s->sets = texts_join(&s->arena, &s->sets, &own, 1);
}

void lemursim_scenario_free(lemursim_scenario *s)
{
	if (!s || --s->users)
		return;
	arena_release(&s->arena);
	free(s);
}
