/* run_model.c - the model of a row, by its name or its number of parameters; see run_weights.h. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "sim/ask/typed.h"
#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/family/fit_runtime.h"
#include "sim/family/model_words.h"
#include "sim/family/run_params.h"
#include "sim/family/run_weights.h"

/* Numbers of parameters are printed to two decimals, 7.24 B, which tells alike models apart; or less exactly. */
static const double params_near = 0.0007, params_off = 0.01;
/* half of the last decimal of "2.03 B" */
static const double params_printed = 0.0025;

static void open_shelf(struct model_shelf *s)
{
	struct load_found *found;

	if (s->at)
		return;
	s->n = load_list(s->loader, "./command line", "models", &found);
	s->at = arena_array(s->loader->arena, s->n ? s->n : 1, sizeof *s->at);
	for (size_t i = 0; i < s->n; i++)
		s->at[i] = (struct named_model){.name = found[i].name,
						.words = model_words(s->loader->arena, found[i].name)};
}

static const struct model *model_of(struct model_shelf *s, size_t i)
{
	if (!s->at[i].model)
		s->at[i].model = catalogue_model_load(s->loader, s->at[i].name);
	return s->at[i].model;
}

/* Is a word behind a name one by which models of the catalogue are told apart, "mini" or "flash"? */
static bool tells_apart(const struct model_shelf *s, const char *behind)
{
	for (size_t i = 0; i < s->n; i++)
		if (model_words_share(behind, s->at[i].words))
			return true;
	return false;
}

/* A name with a size names its model, whatever it was trained for since; one without may be the front of another's. */
static bool is_front_of_other(struct model_shelf *s, size_t i, const char *behind)
{
	const struct model *m;

	if (model_words_have_size(s->at[i].words))
		return false;
	m = model_of(s, i);
	return tells_apart(s, behind) ||
	       (m && !(m->experts && strstr(behind, "-e-")) && /* "17B-16E" is of what is active */
		model_words_other_size(behind, model_weights(m)));
}

/* The model whose name is the longest of those that stand in the text and are no front of another's; -1: none is. */
static long named_within(struct model_shelf *s, const char *text)
{
	const char *words = model_words(s->loader->arena, text);
	size_t longest = 0;
	long found = -1;

	for (size_t i = 0; i < s->n; i++) {
		const char *name = s->at[i].words, *behind = model_words_behind(words, name);

		if (!behind || strlen(name) <= longest || is_front_of_other(s, i, behind))
			continue;
		longest = strlen(name);
		found = (long)i;
	}
	return found;
}

static long called(struct model_shelf *s, const char *text);

/* The last part of a path is the model's; folders above it may be of others. */
static long by_name(struct model_shelf *s, const struct run *run)
{
	const char *text = run->model ? run->model : "", *slash = strrchr(text, '/');
	long found = named_within(s, slash ? slash + 1 : text);

	if (found < 0 && slash)
		found = named_within(s, text);
	return found < 0 && run->model && !(run->params > 0) ? called(s, text) : found;
}

static size_t of_params(struct model_shelf *s, const struct run *run, double off, size_t *candidates)
{
	size_t n = 0;

	for (size_t i = 0; run->params > 0 && i < s->n; i++) {
		const struct model *m = model_of(s, i);

		if (m && run_params_are(m, run->params, off) && !run_is_other_architecture(m, run))
			candidates[n++] = i;
	}
	return n;
}

/* The architectures of llama.cpp and of config.json differ by '_' and '-': "qwen3moe", "qwen3_moe". */
static bool same_architecture(const struct model *m, const char *text)
{
	const char *at = m->architecture ? m->architecture : "";

	for (; *text && *text != ' '; text++) {
		if (*text == '-' || *text == '_')
			continue;
		at += *at == '_';
		if (tolower((unsigned char)*text) != tolower((unsigned char)*at))
			return false;
		at++;
	}
	return !*at;
}

/* Models of the same dimensions are predicted alike, so that either will do. */
static bool alike(const struct model *a, const struct model *b)
{
	return a->layers == b->layers && a->hidden == b->hidden && a->vocabulary == b->vocabulary &&
	       a->attention.heads == b->attention.heads && a->attention.kv_heads == b->attention.kv_heads &&
	       a->attention.window == b->attention.window && model_weights(a) == model_weights(b);
}

/* Drops the candidates of another architecture where some are of the row's. */
static size_t of_architecture(struct model_shelf *s, const struct run *run, size_t *candidates, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; run->model && i < n; i++)
		if (same_architecture(s->at[candidates[i]].model, run->model))
			candidates[kept++] = candidates[i];
	return kept ? kept : n;
}

/* Those whose names have the most whole words in common with the front of the row's, ", "-joined; of_size: only of a size that the
 * row says. "": none begins with its first word, or there is no word. */
static const char *alike_in_words(const struct model_shelf *s, const char *words, bool of_size)
{
	enum { WORD_LEAST = 3, SHOWN = 8 };
	struct arena *a = s->loader->arena;
	const char *all = "";
	size_t most = 0, shown = 0;

	for (size_t i = 0; strcspn(words + 1, "-") >= WORD_LEAST && i < s->n; i++) {
		const size_t common = of_size && !model_words_of_size(words, s->at[i].words)
					      ? 0
					      : model_words_in_common(words, s->at[i].words);

		if (!common || common < most)
			continue;
		shown = common > most ? 0 : shown;
		all = common > most ? "" : all;
		most = common;
		if (shown++ <= SHOWN)
			all = arena_printf(a, "%s%s%s", all, *all ? ", " : "",
					   shown <= SHOWN ? s->at[i].name : "...");
	}
	return all;
}

/* What "mistral" under ollama may be, whose own default may change from month to month; of "deepseek-r1:8b" those of that size,
 * if there are any. */
static const char *of_same_words(const struct model_shelf *s, const struct run *run)
{
	const char *slash = run->model ? strrchr(run->model, '/') : NULL;
	const char *words = model_words(s->loader->arena, slash ? slash + 1 : run->model ? run->model : "");
	const char *all = alike_in_words(s, words, true);

	return *all ? all : alike_in_words(s, words, false);
}

static int refuse(struct model_shelf *s, const struct run *run, const size_t *candidates, size_t n,
		  enum run_column *column, struct err *err)
{
	const char *all = "";

	*column = run->params > 0 ? COLUMN_PARAMS : COLUMN_MODEL;
	if (!n && !run->model && !(run->params > 0)) {
		err_set(err, "the report does not say which model ran");
		return err_hint(err, "say --model NAME; 'lemursim list' has the names");
	}
	if (!n) {
		all = of_same_words(s, run);
		if (run->model)
			err_set(err, "no model of the catalogue is '%.80s'", run->model);
		else
			err_set(err, "no model of the catalogue has %s B parameters",
				units_digits(run->params / 1e9, 4).text);
		if (*all)
			return err_hint(err, "say --model, such as %s; or --skip-foreign", all);
		return err_hint(err, "say --model NAME ('lemursim list' has the names, 'lemursim import' "
				     "makes a new one), or "
				     "--skip-foreign");
	}
	for (size_t i = 0; i < n && i < 8; i++)
		all = arena_printf(s->loader->arena, "%s%s%s", all, *all ? ", " : "",
				   s->at[candidates[i]].name);
	err_set(err, "'%.80s' may be any of %s%s", run->model ? run->model : "?", all, n > 8 ? ", ..." : "");
	return err_hint(err, "say --model NAME");
}

static const char *others(struct model_shelf *s, const char *name, const size_t *candidates, size_t n)
{
	const char *all = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *other = s->at[candidates[i]].name;

		if (strcmp(other, name) != 0)
			all = all ? arena_printf(s->loader->arena, "%s, %s", all, other) : other;
	}
	return all;
}

static int by_params(struct model_shelf *s, const struct run *run, struct named_model *found,
		     enum run_column *column, struct err *err)
{
	size_t *candidates = arena_array(s->loader->arena, s->n ? s->n : 1, sizeof *candidates);
	size_t n = of_params(s, run, params_near, candidates);

	n = n ? n : of_params(s, run, params_off, candidates);
	n = of_architecture(s, run, candidates, n);
	for (size_t i = 1; i < n; i++)
		if (!alike(s->at[candidates[0]].model, s->at[candidates[i]].model))
			return refuse(s, run, candidates, n, column, err);
	if (!n)
		return refuse(s, run, candidates, n, column, err);
	*found = s->at[candidates[0]]; /* of those alike, the one of the shortest name */
	for (size_t i = 1; i < n; i++)
		if (strlen(s->at[candidates[i]].name) < strlen(found->name))
			*found = s->at[candidates[i]];
	found->alike = others(s, found->name, candidates, n);
	return 0;
}

int run_model(struct model_shelf *s, const struct run *run, struct named_model *found,
	      enum run_column *column, struct err *err)
{
	long i;

	open_shelf(s);
	*column = COLUMN_MODEL;
	i = by_name(s, run);
	if (i < 0)
		return by_params(s, run, found, column, err);
	if (!model_of(s, (size_t)i))
		return err_set(err, "the model '%s' cannot be read", s->at[i].name);
	*found = s->at[i];
	return 0;
}

/* Do files keep the tied head apart from the embedding? They hold its weights twice then, and llama-bench counts both: the
 * 751.63 M of Qwen's own qwen3-0.6b, of 596.05 M. */
static bool keeps_head_apart(const struct model *m, const struct run *run)
{
	const double both = model_weights(m) + (double)m->vocabulary * (double)m->hidden;

	return m->tied_head && run->params > 0 && fabs(both / run->params - 1) < params_printed;
}

void run_model_as_kept(struct arena *a, const struct run *run, struct named_model *found)
{
	struct model *m;

	if (!keeps_head_apart(found->model, run))
		return;
	m = arena_alloc(a, sizeof *m);
	*m = *found->model;
	m->tied_head = false;
	m->parameters = 0;
	found->model = m;
}

/* --- a row's own name of a model, beside the one that is asked ------------------------------------- */

/* Behind the name a tag says the format or the least of a tuning: "q4_K_M", "8bit", "latest"; "7b" is of the name, and a word
 * such as "mini" or "vision" makes another model. */
static bool is_tag(const char *part, size_t n)
{
	const bool size =
		n > 1 && tolower((unsigned char)part[n - 1]) == 'b' && isdigit((unsigned char)part[n - 2]);
	bool digit = false;

	for (size_t i = 0; i < n; i++)
		digit = digit || isdigit((unsigned char)part[i]);
	return n < 2 || (digit && !size) || (n == 6 && !strncmp(part, "latest", n)) ||
	       (n == 2 && strchr("xXkK", part[0]));
}

/* Shortens the name by its last tag; false: it has none. */
static bool drop_tag(char *name)
{
	char *at = name + strlen(name);

	while (at > name && !strchr("-_: ", at[-1]))
		at--;
	if (at == name || !is_tag(at, strlen(at)))
		return false;
	at[-1] = '\0';
	return true;
}

/* Does the name say every number of the model's, in their order? llama.cpp's "llama 7B" is any of that architecture and size,
 * and Ollama's "mistral" of any size and version. What is active of experts goes with the whole. */
static bool says_numbers(const char *name, const char *id)
{
	for (const char *at = id; *at;) {
		const size_t n = strspn(at, "0123456789.");
		char number[16] = "";

		if (n && n < sizeof number && !(at - id >= 2 && at[-1] == 'a' && at[-2] == '-')) {
			memcpy(number, at, n);
			name = strstr(name, number);
			if (!name)
				return false;
			name += n;
		}
		at += n ? n : 1;
	}
	return true;
}

/* The model of the catalogue that the row's whole name is a name of, tags left out; -1: none is, or it may be several. */
static long called(struct model_shelf *s, const char *text)
{
	const char *slash = strrchr(text, '/');
	char *name = arena_strdup(s->loader->arena, slash ? slash + 1 : text);
	struct known_name *known = arena_array(s->loader->arena, s->n ? s->n : 1, sizeof *known);

	if (str_ends(name, ".gguf"))
		name[strlen(name) - strlen(".gguf")] = '\0';
	for (size_t i = 0; i < s->n; i++)
		known[i] = (struct known_name){.id = s->at[i].name};
	do {
		const struct typed_found f = typed_find(name, known, s->n, TYPED_SIZES_NAMED);

		if (f.found)
			return says_numbers(name, known[f.at].id) ? (long)f.at : -1;
	} while (drop_tag(name));
	return -1;
}

static bool is_file_of(const char *asked, const char *name)
{
	const char *slash = strrchr(asked, '/'), *base = slash ? slash + 1 : asked;
	const size_t n = strlen(name);

	return !strncmp(base, name, n) && (!base[n] || !strcmp(base + n, ".yaml"));
}

const char *run_other_model(struct model_shelf *s, const struct run *run, const char *asked,
			    const struct model *given)
{
	const struct model *m;
	long i;

	if (!run->model || run->params > 0)
		return NULL;
	open_shelf(s);
	if (!s->last_said || strcmp(s->last_said, run->model) != 0)
		s->last_called = called(s, run->model);
	s->last_said = run->model;
	i = s->last_called;
	m = i < 0 || is_file_of(asked, s->at[i].name) ? NULL : model_of(s, (size_t)i);
	return m && !run_params_are(given, model_weights(m), params_off) ? s->at[i].name : NULL;
}
