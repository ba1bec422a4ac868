/* typed.c - see typed.h. */
#include "sim/ask/typed.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/ask/typed_cut.h"
#include "sim/base/str.h"

/* ---- tokens of a name ---- */

enum { TOKENS_MAX = 24 };

struct token {
	const char *text;
	size_t n;      /* bytes */
	size_t number; /* the length of a leading number that only a unit follows: 2 in "64gb"; else 0 */
	size_t word;   /* a word at the front that is all but a number behind it: 4 of "qwen3"; else 0 */
	bool size;     /* a number with a unit, such as 64gb, 40c, 30b, or a3b */
	bool plain;    /* no digit in it */
};

struct tokens {
	struct token at[TOKENS_MAX];
	size_t n;
};

static struct token token_of(const struct cut *c, size_t first, size_t end)
{
	const size_t n = end - first, front = atom_size(c, first);
	struct token t = {.text = c->text + c->from[first], .n = c->from[end] - c->from[first]};
	const char *last = c->text + c->from[end - 1];
	const bool number = is_digit(*t.text), unit = is_unit(last, atom_size(c, end - 1));

	t.plain = !has_digit(t.text, t.n);
	t.number = n == 2 && number && unit ? front : 0;
	t.word = n == 2 && !number ? front : 0;
	t.size = n >= 2 && unit && is_digit(c->text[c->from[end - 2]]);
	return t;
}

static void cut_tokens(const struct cut *c, struct tokens *out)
{
	out->n = 0;
	for (size_t i = 0, end; i < c->n && out->n < TOKENS_MAX; i = end) {
		for (end = i + 1; end < c->n && c->token[end] == c->token[i]; end++)
			;
		out->at[out->n++] = token_of(c, i, end);
	}
}

/* ---- covering what was typed ---- */

static const char *const fillers[] = {
	"gpu",     "ram", "vram",  "memory", "unified", "with", "the",     "a",        "card",
	"chip",    "rx",  "apple", "nvidia", "of",      "and",  "geforce", "instruct", "it",
	"meta",    "hf",  "chat",  "model",  "gguf",    "inch", "machine", "graphics", "edition",
	"version", "mlx", "dwq",   "qat",    "my",      "mein", "meine",   "mit",      "und"};

struct covering {
	const struct cut *typed;
	const struct tokens *tokens;
	const struct cut *phrases;  /* trade names */
	const char *const *as_sold; /* as they are written */
	size_t phrases_n;
	unsigned used, open; /* tokens that cover something; those of them whose number is open */
	bool sold_as;        /* a trade name covers something */
	bool whole;          /* and it names the product */
};

/* Where an atom begins at that byte: its number; else the number of atoms. */
static size_t atom_at(const struct cut *c, size_t at)
{
	size_t i = 0;

	while (i < c->n && c->from[i] != at)
		i++;
	return i;
}

/* Bytes of what was typed, from `at` on, that the text is; a number is never cut. */
static size_t taken(const struct cut *typed, size_t at, const char *text, size_t n)
{
	const size_t end = at + n;
	const char *t = typed->text;

	if (end > typed->from[typed->n] || memcmp(t + at, text, n) != 0)
		return 0;
	if (is_digit(t[at]) && atom_at(typed, at) == typed->n)
		return 0;
	return is_digit(t[end - 1]) && end < typed->from[typed->n] && atom_at(typed, end) == typed->n ? 0 : n;
}

static size_t take_token(const struct covering *c, size_t at, const struct token *t, bool *open)
{
	size_t n = taken(c->typed, at, t->text, t->n), next;

	*open = false;
	if (n)
		return n;
	if (t->n > 2 && is_digit(*t->text) && !memcmp(t->text + t->n - 2, ".0", 2)) /* "granite 4" is 4.0 */
		return taken(c->typed, at, t->text, t->n - 2);
	n = t->number ? taken(c->typed, at, t->text, t->number) : 0;
	next = n ? atom_at(c->typed, at + n) : c->typed->n;
	if (n && next < c->typed->n && is_unit(c->typed->text + at + n, atom_size(c->typed, next)))
		return 0; /* 40 GB are no 40 cores */
	if (n)
		return n;
	n = t->word > 1 ? taken(c->typed, at, t->text, t->word) : 0;
	*open = n > 0;
	next = n ? atom_at(c->typed, at + n) : 0; /* qwen3 is no qwen2.5 */
	return next > 0 && next < c->typed->n && c->typed->token[next] == c->typed->token[next - 1] ? 0 : n;
}

/* Bytes of a first version, "v0.1", which names have no word for: "Mistral-7B-v0.1" is mistral-7b. Later versions are of
 * other weights. */
static size_t take_first_version(const struct cut *c, size_t i)
{
	const bool is = atom_is(c, i, "v") && atom_is(c, i + 1, "0.1") && c->token[i] == c->token[i + 1];

	return is ? atom_size(c, i) + atom_size(c, i + 1) : 0;
}

/* Bytes of the CPU's cores, of which machines have no word: "16 core CPU", or "16c" before the GPU's "40c". */
static size_t take_cpu_cores(const struct cut *c, size_t i)
{
	const bool cores = i + 2 < c->n && is_digit(c->text[c->from[i]]) && atom_is(c, i + 1, "c");
	const size_t n = cores ? c->from[i + 2] - c->from[i] : 0;

	if (cores && atom_is(c, i + 2, "cpu"))
		return n + atom_size(c, i + 2);
	return cores && is_digit(c->text[c->from[i + 2]]) && atom_is(c, i + 3, "c") ? n : 0;
}

/* Bytes of a screen's inches behind the trade name of what has one, "MacBook Pro 14": machines are told apart by their chips. */
static size_t take_inches(const struct covering *c, size_t i)
{
	static const char *const sizes[] = {"13", "14", "15", "16", "24", "27"}, *const with_screen[] = {
											 "pro", "air",
											 "macbook", "imac"};
	bool size = false, screen = false;

	for (size_t k = 0; k < ARRAY_LEN(sizes); k++)
		size |= atom_is(c->typed, i, sizes[k]);
	for (size_t k = 0; i && k < ARRAY_LEN(with_screen); k++)
		screen |= atom_is(c->typed, i - 1, with_screen[k]);
	return c->sold_as && size && screen ? atom_size(c->typed, i) : 0;
}

static bool is_filler(const char *s, size_t n)
{
	for (size_t k = 0; k < ARRAY_LEN(fillers); k++)
		if (strlen(fillers[k]) == n && !memcmp(s, fillers[k], n))
			return true;
	return false;
}

static size_t take_filler(const struct covering *c, size_t at)
{
	const size_t i = atom_at(c->typed, at), n = i < c->typed->n ? take_cpu_cores(c->typed, i) : 0;
	const size_t inches = i < c->typed->n ? take_inches(c, i) : 0;

	if (n)
		return n;
	if (i < c->typed->n && is_filler(c->typed->text + at, atom_size(c->typed, i)))
		return atom_size(c->typed, i);
	if (inches)
		return inches;
	return take_first_version(c->typed, i);
}

static bool cover(struct covering *c, size_t at);

enum { LETTERS_LEAST = 3 };

/* The last word of a trade name stands for it, "air", but for those by which chips are told apart: the "M2 Pro" is no MacBook
 * Pro. */
static size_t take_last_word(const struct cut *typed, size_t at, const struct cut *p)
{
	static const char *const of_chips[] = {"pro", "max", "ultra"};
	const size_t last = p->n - 1, n = atom_size(p, last), i = atom_at(typed, at);
	const char *word = p->text + p->from[last];

	for (size_t k = 0; k < ARRAY_LEN(of_chips); k++)
		if (atom_is(p, last, of_chips[k]))
			return 0;
	return p->n > 1 && n >= LETTERS_LEAST && !has_digit(word, n) && i < typed->n &&
			       atom_size(typed, i) == n
		       ? taken(typed, at, word, n)
		       : 0;
}

/* So do its capitals, where they are three: "MBP". */
static size_t take_capitals(const struct cut *typed, size_t at, const char *as_sold)
{
	const size_t i = atom_at(typed, at), n = i < typed->n ? atom_size(typed, i) : 0;
	size_t k = 0;

	for (; *as_sold; as_sold++)
		if (is_digit(*as_sold))
			return 0;
		else if (is_letter(*as_sold) && lower(*as_sold) != *as_sold &&
			 (k == n || typed->text[at + k++] != lower(*as_sold)))
			return 0;
	return k == n && n >= LETTERS_LEAST ? n : 0;
}

static bool cover_by_phrase(struct covering *c, size_t at)
{
	for (size_t i = 0; i < c->phrases_n; i++) {
		const struct cut *p = &c->phrases[i];
		const size_t whole = p->n ? taken(c->typed, at, p->text, p->from[p->n]) : 0,
			     last = whole || !p->n ? whole : take_last_word(c->typed, at, p),
			     n = last ? last : take_capitals(c->typed, at, c->as_sold[i]);
		const struct covering before = *c;

		if (!n)
			continue;
		c->sold_as |= whole > 0; /* "studio" alone is somebody's own name */
		c->whole |= whole && has_digit(p->text, p->from[p->n]);
		if (cover(c, at + n))
			return true;
		*c = before;
	}
	return false;
}

static bool cover_by_token(struct covering *c, size_t at)
{
	for (size_t i = 0; i < c->tokens->n; i++) {
		const struct covering before = *c;
		bool open;
		const size_t n = c->used >> i & 1 ? 0 : take_token(c, at, &c->tokens->at[i], &open);

		if (!n)
			continue;
		c->used |= 1U << i;
		c->open |= (unsigned)open << i;
		if (cover(c, at + n))
			return true;
		*c = before;
	}
	return false;
}

/* Whether the rest of what was typed, from that byte on, is covered. */
static bool cover(struct covering *c, size_t at)
{
	size_t n;

	if (at == c->typed->from[c->typed->n])
		return true;
	if (cover_by_phrase(c, at) || cover_by_token(c, at))
		return true;
	n = take_filler(c, at);
	return n && cover(c, at + n);
}

/* ---- choosing ---- */

enum { PHRASES_MAX = 12 };

struct match {
	bool covers;
	bool other; /* a word that was not said follows one that was, and no number is open: perhaps another */
	size_t unsaid; /* words, and numbers of words, that were not said */
	bool number;   /* one of them has a number, without which a shorter name is no nearer */
	bool sizes;    /* some size was not said */
};

/* By trade names where they name something, else by the words of the name alone: "thor" is the last word of a trade name, which
 * says nothing by itself, and a word of the name. */
static bool covers(struct covering *c)
{
	const struct covering before = *c;

	if (!c->typed->n)
		return false;
	if (cover(c, 0) && (c->used || c->sold_as))
		return true;
	*c = before;
	c->phrases_n = 0;
	return cover(c, 0) && c->used;
}

static struct match match_name(const struct cut *typed, const struct known_name *name)
{
	struct cut id, phrases[PHRASES_MAX];
	struct tokens tokens;
	struct covering c = {.typed = typed, .tokens = &tokens, .phrases = phrases, .as_sold = name->sold_as};
	struct match m = {.covers = false};
	bool said = false;

	cut_text(&id, name->id);
	cut_tokens(&id, &tokens);
	for (; c.phrases_n < name->sold_as_n && c.phrases_n < PHRASES_MAX; c.phrases_n++)
		cut_text(&phrases[c.phrases_n], name->sold_as[c.phrases_n]);
	m.covers = covers(&c);
	for (size_t i = 0; i < tokens.n; i++) {
		const struct token *t = &tokens.at[i];
		const bool used = c.used >> i & 1;

		said |= used;
		m.sizes |= t->size && !used;
		m.unsaid += c.whole || t->size ? 0 : (size_t)(!used || c.open >> i & 1);
		m.number |= !c.whole && !t->size && !used && has_digit(t->text, t->n);
		m.other |= !c.whole && t->plain && !used && said && !is_filler(t->text, t->n);
	}
	m.other &= !m.number;
	return m;
}

/* A number before a unit that begins with that letter, as in "40c"; 0: none. */
static double size_of(const char *id, char unit)
{
	struct cut c;
	double size = 0;

	cut_text(&c, id);
	for (size_t i = 0; i + 1 < c.n; i++) {
		double number = 0;

		if (!is_digit(c.text[c.from[i]]) || c.text[c.from[i + 1]] != unit ||
		    !is_unit(c.text + c.from[i + 1], atom_size(&c, i + 1)))
			continue;
		for (size_t k = c.from[i]; k < c.from[i + 1] && is_digit(c.text[k]); k++)
			number = number * 10 + (c.text[k] - '0');
		size = number;
	}
	return size;
}

/* Whether two names differ in their sizes alone. */
static bool same_but_sizes(const char *a, const char *b)
{
	struct cut ca, cb;
	struct tokens ta, tb;
	size_t i = 0, k = 0;

	cut_text(&ca, a);
	cut_text(&cb, b);
	cut_tokens(&ca, &ta);
	cut_tokens(&cb, &tb);
	for (;; i++, k++) {
		while (i < ta.n && ta.at[i].size)
			i++;
		while (k < tb.n && tb.at[k].size)
			k++;
		if (i == ta.n || k == tb.n)
			return i == ta.n && k == tb.n;
		if (ta.at[i].n != tb.at[k].n || memcmp(ta.at[i].text, tb.at[k].text, ta.at[i].n) != 0)
			return false;
	}
}

static bool smaller(const char *a, const char *b)
{
	const double cores = size_of(a, 'c') - size_of(b, 'c'), memory = size_of(a, 'g') - size_of(b, 'g');

	return cores != 0 ? cores < 0 : memory != 0 ? memory < 0 : strcmp(a, b) < 0;
}

/* Puts one of equals in its place: a shorter name is nearer, then the alphabet tells. */
static void add_candidate(struct typed_found *f, const struct known_name *names, size_t i)
{
	size_t at = f->n < TYPED_CANDIDATES ? f->n : TYPED_CANDIDATES;

	f->n++;
	for (; at > 0; at--) {
		const char *before = names[f->candidates[at - 1]].id;
		const size_t a = strlen(before), b = strlen(names[i].id);

		if (a < b || (a == b && strcmp(before, names[i].id) <= 0))
			break;
		if (at < TYPED_CANDIDATES)
			f->candidates[at] = f->candidates[at - 1];
	}
	if (at < TYPED_CANDIDATES)
		f->candidates[at] = i;
}

static bool settle(struct typed_found *f, const struct known_name *names, const size_t *equals, size_t n,
		   enum typed_sizes sizes)
{
	f->at = equals[0];
	f->equals = n;
	for (size_t i = 1; i < n; i++) {
		if (sizes == TYPED_SIZES_NAMED || !same_but_sizes(names[f->at].id, names[equals[i]].id))
			return false;
		if (smaller(names[equals[i]].id, names[f->at].id))
			f->at = equals[i];
	}
	return true;
}

/* Characters of the words that both have, one for each shorter number of both; sizes do not count. */
static size_t in_common(const struct cut *typed, const char *id)
{
	enum { LETTERS = 3 };
	struct cut c;
	size_t common = 0;

	cut_text(&c, id);
	for (size_t i = 0; i < c.n; i++) {
		const char *atom = c.text + c.from[i];
		const size_t n = atom_size(&c, i);
		const bool number = is_digit(*atom),
			   size = number && i + 1 < c.n && is_unit(atom + n, atom_size(&c, i + 1));
		bool both = false;

		for (size_t k = 0; k < typed->n && !both && !size && (number || n >= LETTERS); k++)
			both = atom_size(typed, k) == n && !memcmp(typed->text + typed->from[k], atom, n);
		common += both ? (n >= LETTERS ? n : 1) : 0;
	}
	return common;
}

/* Is a size of billions that was typed one of the name's too? */
static bool size_in_common(const struct cut *typed, const char *id)
{
	struct cut c;

	cut_text(&c, id);
	for (size_t i = 0; i + 1 < typed->n; i++)
		for (size_t k = 0; atom_is(typed, i + 1, "b") && k + 1 < c.n; k++)
			if (is_digit(c.text[c.from[k]]) && atom_is(&c, k + 1, "b") &&
			    atom_size(&c, k) == atom_size(typed, i) &&
			    !memcmp(c.text + c.from[k], typed->text + typed->from[i], atom_size(&c, k)))
				return true;
	return false;
}

/* Where some of the near names are of the size that was typed, the others are not meant. */
static void keep_of_size(const struct cut *typed, const struct known_name *names, size_t n,
			 size_t *common_with)
{
	size_t most = 0, most_of_size = 0;

	for (size_t i = 0; i < n; i++) {
		most = common_with[i] > most ? common_with[i] : most;
		if (common_with[i] > most_of_size && size_in_common(typed, names[i].id))
			most_of_size = common_with[i];
	}
	for (size_t i = 0; most_of_size && most_of_size == most && i < n; i++)
		common_with[i] = size_in_common(typed, names[i].id) ? common_with[i] : 0;
}

/* Names that have at least half as much in common with what was typed as the best has, the best first, where none covers
 * it. */
static void add_near(struct typed_found *f, const struct cut *typed, const struct known_name *names, size_t n)
{
	enum { LEAST = 3 };
	size_t *common_with = xcalloc(n + 1, sizeof *common_with), most = 0;

	for (size_t i = 0; i < n; i++)
		common_with[i] = in_common(typed, names[i].id);
	keep_of_size(typed, names, n, common_with);
	for (size_t i = 0; i < n; i++)
		most = common_with[i] > most ? common_with[i] : most;
	for (size_t common = most; common >= LEAST && 2 * common >= most; common--)
		for (size_t i = 0; i < n; i++) {
			if (common_with[i] != common)
				continue;
			if (f->n < TYPED_CANDIDATES)
				f->candidates[f->n] = i;
			f->n++;
		}
	f->near = f->n > 0;
	free(common_with);
}

struct typed_found typed_find(const char *text, const struct known_name *names, size_t n,
			      enum typed_sizes sizes)
{
	struct typed_found f = {.found = false};
	struct cut typed;
	struct match *all = xcalloc(n + 1, sizeof *all);
	size_t *equals = xcalloc(n + 1, sizeof *equals), equals_n = 0, least = (size_t)-1;
	bool number = false; /* of the nearest */

	cut_text(&typed, text);
	for (size_t i = 0; i < n && !f.found; i++) {
		all[i] = match_name(&typed, &names[i]);
		f.found = !strcmp(text, names[i].id);
		f.at = i;
		if (all[i].covers && !all[i].other && all[i].unsaid < least) {
			least = all[i].unsaid;
			number = all[i].number;
		}
	}
	for (size_t i = 0; i < n && !f.found; i++) {
		const bool near = all[i].covers && !all[i].other &&
				  (all[i].unsaid == least || (number && all[i].number));

		if (near)
			equals[equals_n++] = i;
		if (near || (all[i].covers && least == (size_t)-1))
			add_candidate(&f, names, i);
	}
	f.found = f.found || (equals_n && settle(&f, names, equals, equals_n, sizes));
	if (!f.found && !f.n)
		add_near(&f, &typed, names, n);
	free(all);
	free(equals);
	return f;
}

size_t typed_common(const char *text, const char *id)
{
	struct cut typed, c;
	struct tokens tokens;
	size_t common = 0;

	cut_text(&typed, text);
	cut_text(&c, id);
	cut_tokens(&c, &tokens);
	for (size_t i = 0; i < tokens.n; i++) {
		const struct token *t = &tokens.at[i];
		bool any = false;

		for (size_t at = 0; at < typed.n && !any && !t->size && (!t->plain || t->n >= 4); at++)
			any = taken(&typed, typed.from[at], t->text, t->n) > 0;
		common += any ? t->n : 0;
	}
	return common;
}

bool typed_larger(const char *a, const char *b)
{
	return same_but_sizes(a, b) && size_of(a, 'c') == size_of(b, 'c') &&
	       size_of(a, 'g') > size_of(b, 'g');
}
