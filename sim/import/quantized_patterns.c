/* quantized_patterns.c - lists of patterns that name modules; see quantized_names.h. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/import/quantized_names.h"

enum { NAME_MAX_ = 256, PATTERN_LENGTH = 1000, LAYERS_MAX = 8192 };

struct pattern {
	const char *text; /* a plain name without what is before "layers." */
	const struct yml *entry;
	const char *within; /* with a star: what is within the modules that it names; NULL: nothing is */
	const regex_t *regex;
	size_t next; /* of the same layer; 0: the last. Counted from 1. */
	bool of_layer, mtp, star;
};

struct quantized_patterns {
	bool whole;
	size_t n, any; /* the first that names no layer by its number */
	size_t *first; /* of each layer */
	struct pattern *at;
};

/* --- regular expressions -------------------------------------------------------------------------- */

/* What Python's re says otherwise than POSIX: groups that are not kept, \d and \w. */
static const char *as_posix(struct arena *a, const char *text)
{
	struct str out = STR_INIT;
	const char *made;

	str_add(&out, "^(");
	for (; *text; text++) {
		if (text[0] == '(' && text[1] == '?' && text[2] == ':') {
			str_add(&out, "(");
			text += 2;
		} else if (text[0] == '\\' && text[1] == 'd') {
			str_add(&out, "[0-9]");
			text++;
		} else if (text[0] == '\\' && text[1] == 'w') {
			str_add(&out, "[A-Za-z0-9_]");
			text++;
		} else {
			str_add_n(&out, text, 1);
			if (text[0] == '\\' && text[1])
				str_add_n(&out, ++text, 1);
		}
	}
	str_add(&out, ")");
	made = arena_strdup(a, out.text);
	str_release(&out);
	return made;
}

static const regex_t *compiled(struct arena *a, const char *text, struct err *err)
{
	regex_t *r = arena_alloc(a, sizeof *r);
	const char *refused = strlen(text) > PATTERN_LENGTH                ? "too long"
			      : strchr(text, '{')                          ? "it counts"
			      : strstr(text, "(?") && !strstr(text, "(?:") ? "it looks around"
									   : NULL;

	if (!refused && regcomp(r, as_posix(a, text), REG_EXTENDED | REG_NOSUB) == 0)
		return r;
	err_set(err, "'%.200s' is no regular expression that is understood%s%s", text, refused ? ": " : "",
		refused ? refused : "");
	return NULL;
}

/* --- reading -------------------------------------------------------------------------------------- */

/* The layer that a plain name is of; -1: none, or several. */
static int64_t layer_named(const char *text)
{
	const char *at = str_starts(text, "layers.") ? text + 7 : NULL;
	char *end;
	long long i;

	if (!at || *at < '0' || *at > '9')
		return -1;
	i = strtoll(at, &end, 10);
	return (*end == '.' || !*end) && i < LAYERS_MAX ? (int64_t)i : -1;
}

static bool is_regex(const char **text, const char *sign)
{
	const bool marked = str_starts(*text, "re:");

	if (marked)
		*text += 3;
	return marked || sign != NULL;
}

static int add(struct arena *a, struct quantized_patterns *p, const char *text, const struct yml *entry,
	       const char *sign, struct err *err)
{
	const char *layers;
	struct pattern *x = &p->at[p->n];
	int64_t layer = -1;

	*x = (struct pattern){.text = text, .entry = entry, .star = strpbrk(text, "*?") != NULL};
	if (is_regex(&x->text, sign)) {
		x->regex = compiled(a, x->text, err);
		if (!x->regex)
			return -1;
	} else {
		layers = strstr(text, "layers.");
		x->mtp = strstr(text, "mtp") != NULL;
		if (layers && !x->mtp)
			x->text = layers;
		if (x->star && !p->whole)
			x->within = arena_printf(a, "%s.*", x->text);
		layer = x->star || x->mtp ? -1 : layer_named(x->text);
	}
	x->of_layer = layer >= 0;
	x->next = layer >= 0 ? p->first[layer] : p->any;
	p->n++;
	*(layer >= 0 ? &p->first[layer] : &p->any) = p->n;
	return 0;
}

const struct quantized_patterns *quantized_patterns_read(struct arena *a, const struct yml *list, bool whole,
							 const char *sign, struct err *err)
{
	struct quantized_patterns *p = arena_alloc(a, sizeof *p);
	const size_t n = list && (list->kind == YML_LIST || list->kind == YML_MAP) ? list->n : 0;

	*p = (struct quantized_patterns){.whole = whole};
	p->at = arena_array(a, n + 1, sizeof *p->at);
	p->first = arena_array(a, LAYERS_MAX, sizeof *p->first);
	for (size_t i = 0; i < n; i++) {
		const bool mapped = list->kind == YML_MAP;
		const char *text = mapped                               ? list->keys[i]->text
				   : list->items[i]->kind == YML_SCALAR ? list->items[i]->text
									: "";

		if (!*text || (sign && !str_starts(text, sign)))
			continue;
		if (add(a, p, text + (sign ? strlen(sign) : 0), list->items[i], sign, err) != 0) {
			quantized_patterns_release(p);
			return NULL;
		}
	}
	return p;
}

void quantized_patterns_release(const struct quantized_patterns *p)
{
	for (size_t i = 0; p && i < p->n; i++)
		if (p->at[i].regex)
			regfree((regex_t *)(uintptr_t)p->at[i].regex);
}

/* --- matching ------------------------------------------------------------------------------------- */

/* * and ? as the shell has them, dots included. */
static bool glob(const char *pattern, const char *text)
{
	const char *star = NULL, *back = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			back = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* The name has the words somewhere, between dots. */
static bool has_part(const char *name, const char *part)
{
	const size_t n = strlen(part);

	for (const char *at = name; (at = strstr(at, part)); at++)
		if ((at == name || at[-1] == '.') && (!at[n] || at[n] == '.'))
			return true;
	return false;
}

static bool names_it(const struct quantized_patterns *p, const struct pattern *x, const char *name)
{
	static const char *const before[] = {"model.", "model.language_model.", "language_model.model.", "",
					     "backbone."};
	char full[NAME_MAX_ + 64];

	if (!x->regex && !x->star)
		return !strcmp(x->text, name) || (!p->whole && has_part(name, x->text));
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		snprintf(full, sizeof full, "%s%s", before[i], name);
		if (x->regex ? regexec(x->regex, full, 0, NULL, 0) == 0
			     : glob(x->text, full) || (x->within && glob(x->within, full)))
			return true;
	}
	return false;
}

static const struct pattern *find_in(const struct quantized_patterns *p, size_t first, const char *name)
{
	for (size_t i = first; i; i = p->at[i - 1].next)
		if (names_it(p, &p->at[i - 1], name))
			return &p->at[i - 1];
	return NULL;
}

static void name_of(char *out, const struct quantized_module *m, bool mtp, const char *block,
		    const char *leaf)
{
	const char *dot = *block && *leaf ? "." : "";

	if (m->layer < 0)
		snprintf(out, NAME_MAX_, "%s%s%s", block, dot, leaf);
	else if (mtp)
		snprintf(out, NAME_MAX_, "mtp.layers.%lld.%s%s%s", (long long)m->mtp, block, dot, leaf);
	else
		snprintf(out, NAME_MAX_, "layers.%lld.%s%s%s", (long long)m->layer, block, dot, leaf);
}

const struct yml *quantized_patterns_find(const struct quantized_patterns *p,
					  const struct quantized_module *m)
{
	char name[NAME_MAX_];

	for (int mtp = 0; mtp <= (m->mtp >= 0); mtp++)
		for (const char *const *block = m->blocks; *block; block++)
			for (const char *const *leaf = m->leaves; *leaf; leaf++) {
				const struct pattern *x;
				const bool numbered = m->layer >= 0 && m->layer < LAYERS_MAX && !mtp;

				name_of(name, m, mtp, *block, *leaf);
				x = numbered ? find_in(p, p->first[m->layer], name) : NULL;
				x = x ? x : find_in(p, p->any, name);
				if (x)
					return x->entry;
			}
	return NULL;
}
