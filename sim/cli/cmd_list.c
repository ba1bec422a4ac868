/* cmd_list.c - lemursim list [hardware|models]: what can be named. */
#include <string.h>

#include "sim/cli/cmd.h"

static const struct {
	const char *folder, *heading;
} kinds[] = {{"hardware", "Hardware (machines and links)"}, {"models", "Models"}, {"scenarios", "Scenarios"}};

struct row {
	const char *kind, *name, *title, *path;
};

static const char *title_of(struct session *s, const char *path, const char *folder)
{
	struct yml *tree = load_file(&s->loader, path, folder, NULL);
	const struct yml *title = tree ? yml_get(tree, "title") : NULL;

	return title && title->kind == YML_SCALAR ? title->text : "(cannot be read: try 'lemursim check')";
}

static void add_text(struct str *out, const struct row *r, size_t widest)
{
	str_addf(out, "  %s", r->name);
	str_pad(out, ' ', widest + 2 - str_width(r->name));
	str_addf(out, "%s\n", r->title);
}

static void add_json(struct jsonw *w, const struct row *r)
{
	jsonw_object(w);
	jsonw_key_string(w, "kind", r->kind);
	jsonw_key_string(w, "name", r->name);
	jsonw_key_string(w, "title", r->title);
	jsonw_key_string(w, "path", r->path);
	jsonw_end(w);
}

static void list_kind(struct session *s, size_t k, struct str *out, struct jsonw *json)
{
	struct load_found *found;
	const size_t n = load_list(&s->loader, ".", kinds[k].folder, &found);
	size_t widest = 0;

	for (size_t i = 0; i < n; i++)
		widest = str_width(found[i].name) > widest ? str_width(found[i].name) : widest;
	if (!json && n)
		str_addf(out, "%s%s\n", out->len ? "\n" : "", kinds[k].heading);
	for (size_t i = 0; i < n; i++) {
		const struct row r = {kinds[k].folder, found[i].name,
				      title_of(s, found[i].path, kinds[k].folder), found[i].path};

		if (json)
			add_json(json, &r);
		else
			add_text(out, &r, widest);
	}
}

int cmd_list(const struct opts *o)
{
	const bool as_json = o->format && !strcmp(o->format, "json");
	struct str out = STR_INIT;
	struct session s;
	struct jsonw json;
	struct err err = ERR_INIT;
	bool any = false;
	int rc;

	if (o->format && !as_json && strcmp(o->format, "table")) {
		err_set(&err, "list writes 'table' or 'json', not '%.40s'", o->format);
		return complain(&err, EXIT_USAGE);
	}
	session_begin(&s, o);
	jsonw_init(&json, &out, 2);
	if (as_json)
		jsonw_array(&json);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		if (o->files.n && strcmp(o->files.at[0], kinds[k].folder))
			continue;
		any = true;
		list_kind(&s, k, &out, as_json ? &json : NULL);
	}
	if (as_json) {
		jsonw_end(&json);
		str_add(&out, "\n");
	}
	if (any) {
		rc = deliver(o, &out);
	} else {
		err_set(&err, "cannot list '%.40s'", o->files.at[0]);
		err_hint(&err, "one of: hardware, models, scenarios");
		rc = complain(&err, EXIT_USAGE);
	}
	session_end(&s);
	str_release(&out);
	return rc;
}
