/* wide_head.c - see wide_head.h. */
#include "sim/runs/wide_head.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/headings.h"

/* --- words ---------------------------------------------------------------------------------------- */

enum { WORDS = 16 };

struct words {
	const char *at[WORDS];
	size_t n;
};

/* Bytes of a word: of other letters than ours too, so that "\xce\x94pp", a difference, is no "pp"; arrows and dashes are none. */
static size_t word_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || (n && s[n] && strchr("/.+", s[n])) ||
	       ((unsigned char)s[n] >= 0x80 && !str_starts(s + n, "\xe2")))
		n++;
	while (n && strchr("/.+", s[n - 1]))
		n--;
	return n;
}

static const char *small_letters(struct arena *a, const char *s, size_t n)
{
	char *word = arena_strndup(a, s, n);

	for (char *c = word; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return word;
}

/* The words of a column's name in small letters, "PP_512 (t/s)" as pp, 512, t/s. */
static struct words words_of(struct arena *a, const char *name)
{
	struct words w = {.n = 0};

	while (*name && w.n < WORDS) {
		const size_t n = *name == '@' ? 1 : word_length(name);

		if (n)
			w.at[w.n++] = small_letters(a, name, n);
		name += n ? n : str_starts(name, "\xe2") && name[1] && name[2] ? 3 : 1;
	}
	return w;
}

static bool is_any(const char *word, const char *const *of)
{
	for (; *of; of++)
		if (!strcmp(word, *of))
			return true;
	return false;
}

/* Drops the words that are of a list; returns how many. */
static size_t drop(struct words *w, const char *const *of)
{
	size_t kept = 0, dropped;

	for (size_t i = 0; i < w->n; i++)
		if (!is_any(w->at[i], of))
			w->at[kept++] = w->at[i];
	dropped = w->n - kept;
	w->n = kept;
	return dropped;
}

static bool has_any(const struct words *w, const char *const *of)
{
	for (size_t i = 0; i < w->n; i++)
		if (is_any(w->at[i], of))
			return true;
	return false;
}

static bool all_are(const struct words *w, const char *const *of)
{
	for (size_t i = 0; i < w->n; i++)
		if (!is_any(w->at[i], of))
			return false;
	return true;
}

static const char *const rate_units[] = {"t/s",        "tok/s", "toks/s",        "tk/s",     "token/s",
					 "tokens/s",   "t/sec", "tok/sec",       "toks/sec", "token/sec",
					 "tokens/sec", "tps",   "tokens/second", NULL};
static const char *const rate_words[] = {"speed", "rate", "throughput", "tput", NULL};
static const char *const time_units[] = {"ms", "s", "sec", "secs", "seconds", "us", "min", "time", NULL};
static const char *const byte_units[] = {"gb", "gib", "mb", "mib", NULL};
static const char *const prompt_words[] = {"prompt", "prefill", "pp", "input", "prompts", "in", "isl", NULL};
static const char *const gen_words[] = {"gen", "generation", "generated", "generate", "decode",
					"tg",  "output",     "response",  "eval",     "completion",
					"out", "osl",        "answer",    "new",      NULL};
static const char *const token_words[] = {"tokens", "token", "toks", "tok", "length", "len", "count",
					  "size",   "n",     "num",  "isl", "osl",    NULL};
/* A rate whose unit its cells may have. */
static const char *const short_rates[] = {"pp", "tg", "prefill", "decode", NULL};
/* Words that change nothing in what a rate is of. */
static const char *const plain_words[] = {"processing", "tokens",     "token", "text", "avg",    "average",
					  "mean",       "median",     "the",   "of",   "model",  "only",
					  "eval",       "evaluation", "phase", "per",  "second", NULL};

/* "tokens per second" is three words. */
static bool drop_rate(struct words *w)
{
	static const char *const per[] = {"per", NULL}, *const second[] = {"second", "sec", "s", NULL};
	bool rate = drop(w, rate_units) > 0;

	rate = drop(w, rate_words) > 0 || rate;
	if (has_any(w, per) && has_any(w, second)) {
		drop(w, per);
		drop(w, second);
		rate = true;
	}
	return rate;
}

/* --- tests ---------------------------------------------------------------------------------------- */

/* "512", "4k", "16384"; 0: it is no number of tokens. */
static int64_t tokens_in(const char **at)
{
	char *end;
	const long long n = isdigit((unsigned char)**at) ? strtoll(*at, &end, 10) : 0;

	if (n <= 0 || n > 100000000)
		return 0;
	*at = end + (*end == 'k');
	return *end == 'k' ? n * 1024 : n;
}

static bool read_part(const char **at, struct wide_column *out)
{
	const bool pp = str_starts(*at, "pp"), tg = str_starts(*at, "tg");
	int64_t *n = pp ? &out->prompt : &out->gen;

	if ((!pp && !tg) || *n)
		return false;
	*at += 2;
	*n = tokens_in(at);
	return *n > 0;
}

/* "pp512+tg128@d4096" */
static bool read_joined(const char *at, struct wide_column *out)
{
	if (!read_part(&at, out))
		return false;
	if (*at == '+' && (at++, !read_part(&at, out)))
		return false;
	if (*at == '@') {
		at += at[1] == 'd' ? 2 : 1;
		out->depth = tokens_in(&at);
		if (!out->depth)
			return false;
	}
	return !*at;
}

/* "prefill" and "decode" stand for pp and tg before a number, and for nothing beside "pp512". */
static const char *joined(struct arena *a, const struct words *w)
{
	const char *out = "";

	for (size_t i = 0; i < w->n; i++) {
		const bool number = i + 1 < w->n && isdigit((unsigned char)w->at[i + 1][0]);
		const bool pp = is_any(w->at[i], prompt_words), tg = is_any(w->at[i], gen_words);

		if (pp || tg)
			out = number ? arena_printf(a, "%s%s", out, pp ? "pp" : "tg") : out;
		else if (!is_any(w->at[i], plain_words))
			out = arena_printf(a, "%s%s", out, w->at[i]);
	}
	return out;
}

/* Of the words without the unit of a rate. */
static bool read_test(struct arena *a, const struct words *left, struct wide_column *out)
{
	out->prompt = out->gen = out->depth = 0;
	return read_joined(joined(a, left), out);
}

bool wide_test(struct arena *a, const char *text, struct wide_column *out)
{
	struct words w = words_of(a, text);

	drop_rate(&w);
	return read_test(a, &w, out);
}

/* Does the name say a test among words that are not known, "pp512 (CUDA)"? */
static bool has_test(const struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		if ((str_starts(w->at[i], "pp") || str_starts(w->at[i], "tg")) &&
		    isdigit((unsigned char)w->at[i][2]))
			return true;
	return false;
}

/* --- other columns -------------------------------------------------------------------------------- */

/* Whole names. A column of llama-bench has the names of run_column_names too. */
static const struct {
	enum wide_kind kind;
	enum run_column says;
	const char *names; /* parted by ';' */
} known[] = {
	{WIDE_MODEL, 0, "model;models;model name;llm;model file;modell"},
	{WIDE_QUANT, 0,
	 "quant;quants;quantization;quantisation;quant type;format;fmt;precision;weights;dtype;quant level;"
	 "model quant"},
	{WIDE_SIZE, 0, "size;model size;file size;gguf size;weights size;disk size;size on disk"},
	{WIDE_PARAMS, 0, "params;parameters;total params;total parameters;param;param count;model params"},
	{WIDE_ENGINE, 0,
	 "engine;runtime;backend;backends;software;framework;server;app;tool;program;inference engine;stack;"
	 "inference"},
	{WIDE_BUILD, 0, "build;version;llama.cpp build;llama.cpp version;llama.cpp;commit;build number"},
	{WIDE_CHUNK, 0, "ubatch;ub;n ubatch;micro batch"},
	{WIDE_FLASH, 0, "fa;flash attn;flash attention;flash"},
	{WIDE_SAYS, COLUMN_GPU, "gpu;gpus;chip;card;soc;gpu name;accelerator"},
	{WIDE_SAYS, COLUMN_MACHINE, "machine;hardware;device;system;host;rig;mac;computer;hw;platform;box"},
	{WIDE_SAYS, COLUMN_GPU_LAYERS, "ngl;gpu layers;n gpu layers;layers on gpu"},
	{WIDE_SAYS, COLUMN_THREADS, "threads;n threads;cpu threads"},
	{WIDE_SAYS, COLUMN_KV_K, "kv;kv cache;kv type;kv quant;cache type;ctk;type k;kv cache type"},
	{WIDE_SAYS, COLUMN_KV_V, "ctv;type v"},
	{WIDE_SAYS, COLUMN_CPU_EXPERTS, "ncmoe;n cpu moe;cpu moe"},
	{WIDE_SAYS, COLUMN_OVERRIDES, "ot;override tensor"},
	{WIDE_SAYS, COLUMN_SPLIT_MODE, "sm;split mode"},
	{WIDE_SAYS, COLUMN_TENSOR_SPLIT, "ts;tensor split"},
	{WIDE_TESTS, 0, "test;tests;benchmark;metric;bench;workload"},
	{WIDE_DEPTH, 0, "depth;n depth;kv depth;context depth;cached tokens;n kv"},
	{WIDE_CONTEXT, 0,
	 "context;ctx;context size;context length;n ctx;ctx size;context window;ctx len;context tokens;max "
	 "ctx;"
	 "num ctx;kv size"},
	{WIDE_AT_ONCE, 0,
	 "batch;batch size;concurrency;concurrent;parallel;np;users;streams;sequences;concurrent requests;bs;"
	 "conc"},
	{WIDE_PROMPT, 0, "n prompt;prompt n;prompt eval count"},
	{WIDE_GEN, 0, "n gen;eval count;n predict;predicted n"},
};

/* Names of other results and of notes; a column that holds one of these words alone or with others of them says nothing of
 * how a run was made. */
static const char *const results[] = {
	"notes",        "note",   "comment", "comments",   "remarks",     "vram",       "ram",     "memory",
	"mem",          "peak",   "ttft",    "latency",    "wall",        "total",      "time",    "duration",
	"power",        "watts",  "w",       "temp",       "temperature", "date",       "user",    "author",
	"os",           "driver", "score",   "quality",    "ppl",         "perplexity", "speedup", "link",
	"source",       "load",   "rank",    "id",         "cost",        "price",      "active",  "energy",
	"winner",       "best",   "fits",    "fit",        "status",      "result",     "license", "cpu",
	"cores",        "j/tok",  "tok/w",   "tok/j",      "e2e",         "overall",    "used",    "usage",
	"gb",           "gib",    "mb",      "ms",         "s",           "sec",        "seconds", "first",
	"token",        "to",     "max",     "min",        "end",         "verdict",    "kind",    "type",
	"architecture", "arch",   "params",  "parameters", "per",         "vs",         "bpw",     "cold",
	"warm",         "rss",    "draw",    "avg",        "mean",        "std",        "stdev",   "stddev",
	"runs",         "n",      "trials",  "bottleneck", "use",         "case",       "release", "released",
	"size",         NULL};

static bool name_is(const char *list, const char *name)
{
	const size_t n = strlen(name);

	for (const char *at = list; *at; at += strcspn(at, ";"), at += *at == ';')
		if (strcspn(at, ";") == n && !strncmp(at, name, n))
			return true;
	return false;
}

static const char *spaced(struct arena *a, const struct words *w)
{
	const char *out = "";

	for (size_t i = 0; i < w->n; i++)
		out = arena_printf(a, "%s%s%s", out, i ? " " : "", w->at[i]);
	return out;
}

/* By its whole name; a size may have its unit behind it. */
static bool read_known(struct arena *a, const struct words *all, struct wide_column *c)
{
	struct words w = *all;
	const char *unit = w.n > 1 && is_any(w.at[w.n - 1], byte_units) ? w.at[w.n - 1] : NULL;
	const char *name;

	w.n -= unit != NULL;
	name = spaced(a, &w);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (name_is(known[i].names, name) && (!unit || known[i].kind == WIDE_SIZE)) {
			c->kind = known[i].kind;
			c->says = known[i].says;
			c->unit = unit ? (unit[1] == 'i' ? (*unit == 'g' ? "GiB" : "MiB")
							 : (*unit == 'g' ? "GB" : "MB"))
				       : NULL;
			return true;
		}
	return false;
}

/* --- a column ------------------------------------------------------------------------------------- */

/* Of the words that are left without the unit of a rate. */
static enum wide_kind rate_of(const struct words *left)
{
	struct words w = *left;
	const bool pp = drop(&w, prompt_words) > 0;
	bool tg;

	if (pp && all_are(&w, plain_words)) /* "prompt eval rate" */
		return WIDE_PROMPT_RATE;
	tg = drop(&w, gen_words) > 0;
	if (!all_are(&w, plain_words) || (pp && tg))
		return WIDE_UNKNOWN;
	return tg ? WIDE_GEN_RATE : pp ? WIDE_PROMPT_RATE : WIDE_RATE;
}

/* "Prompt tokens", "generated", "input length" */
static enum wide_kind length_of(const struct words *all)
{
	struct words w = *all;
	const size_t tokens = drop(&w, token_words);
	const bool pp = has_any(all, prompt_words), tg = has_any(all, gen_words);

	drop(&w, prompt_words);
	drop(&w, gen_words);
	if (!tokens || pp == tg || !all_are(&w, plain_words))
		return WIDE_UNKNOWN;
	return pp ? WIDE_PROMPT : WIDE_GEN;
}

static struct wide_column column_of(struct arena *a, const char *name)
{
	struct wide_column c = {.name = name};
	const struct words all = words_of(a, name);
	struct words left = all;
	const bool rate = drop_rate(&left);

	if (read_test(a, &left, &c) && !has_any(&left, time_units))
		c.kind = WIDE_TEST;
	else if (has_test(&all))
		c.of_test = true;
	else if (rate && left.n && all_are(&left, results))
		c.kind = WIDE_RESULT;
	else if (rate)
		c.kind = rate_of(&left);
	else if (!read_known(a, &all, &c))
		c.kind = !strcmp(name, "#") || has_any(&all, time_units) ? WIDE_RESULT : length_of(&all);
	if (c.kind == WIDE_UNKNOWN && !c.of_test && !rate && all.n && all_are(&all, results))
		c.kind = WIDE_RESULT;
	if (c.kind == WIDE_UNKNOWN && all.n == 1 && is_any(all.at[0], short_rates)) {
		c.kind = rate_of(&all);
		c.bare = true;
	}
	return c;
}

/* A chip tells more than the machine around it does; without one the machine is looked up as a chip is. */
static void settle_machine(struct wide_head *h)
{
	bool chip = false;

	for (size_t i = 0; i < h->n; i++)
		chip = chip || (h->at[i].kind == WIDE_SAYS && h->at[i].says == COLUMN_GPU);
	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].kind == WIDE_SAYS && h->at[i].says == COLUMN_MACHINE) {
			h->at[i].kind = chip ? WIDE_RESULT : WIDE_SAYS;
			h->at[i].says = COLUMN_GPU;
		}
}

static bool is_number(const char *name)
{
	const size_t n = strspn(name, "0123456789.,+- ");

	return n && !name[n];
}

/* Beside a column of tests rates may stand in columns that are called by chips, or by models with their sizes; "master" and "PR" are
 * neither. */
static bool name_columns(struct arena *a, struct wide_head *h)
{
	size_t named = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct wide_column *c = &h->at[i];
		const char *chip = c->kind == WIDE_UNKNOWN ? chip_in(a, c->name) : NULL;

		if (c->kind != WIDE_UNKNOWN)
			continue;
		if (!chip && !names_model_size(a, c->name))
			return false;
		c->kind = chip ? WIDE_OF_CHIP : WIDE_OF_MODEL;
		named++;
	}
	return named > 0;
}

bool wide_head_read(struct arena *a, const struct cells *names, struct wide_head *out)
{
	bool rates = false, tests = false, rate = false;

	*out = (struct wide_head){.n = 0};
	for (size_t i = 0; i < names->n; i++)
		if (is_number(names->at[i])) /* a row of values, above a rule */
			return false;
	for (size_t i = 0; i < names->n && i < CELLS; i++) {
		const struct wide_column c = column_of(a, names->at[i]);

		out->at[out->n++] = c;
		rates = rates || c.kind == WIDE_TEST || c.of_test || c.kind == WIDE_PROMPT_RATE ||
			c.kind == WIDE_GEN_RATE;
		tests = tests || c.kind == WIDE_TESTS;
		rate = rate || c.kind == WIDE_RATE;
	}
	settle_machine(out);
	return rates || (tests && (rate || name_columns(a, out)));
}

bool wide_head_describes(const struct wide_head *h)
{
	bool describes = false;

	for (size_t i = 0; i < h->n; i++)
		describes = describes || h->at[i].kind >= WIDE_MODEL || h->at[i].kind == WIDE_OF_CHIP ||
			    h->at[i].kind == WIDE_OF_MODEL;
	return describes || (wide_head_column(h, WIDE_PROMPT) && wide_head_column(h, WIDE_GEN));
}

const struct wide_column *wide_head_column(const struct wide_head *h, enum wide_kind kind)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].kind == kind)
			return &h->at[i];
	return NULL;
}

/* --- what is not certain -------------------------------------------------------------------------- */

static bool same(const struct wide_column *a, const struct wide_column *b)
{
	return a->kind == b->kind && a->kind != WIDE_RESULT && a->kind != WIDE_ENGINE &&
	       (a->kind != WIDE_SAYS || a->says == b->says) &&
	       ((a->kind != WIDE_OF_CHIP && a->kind != WIDE_OF_MODEL) || !strcmp(a->name, b->name)) &&
	       a->prompt == b->prompt && a->gen == b->gen && a->depth == b->depth;
}

/* Two columns of one meaning, as of two builds; a column that is not known. */
static const char *refuse_columns(struct arena *a, const struct wide_head *h)
{
	for (size_t i = 0; i < h->n; i++)
		for (size_t k = 0; k < i; k++)
			if (h->at[i].kind != WIDE_UNKNOWN && same(&h->at[i], &h->at[k]))
				return arena_printf(a, "both '%.40s' and '%.40s': which is meant is not said",
						    h->at[k].name, h->at[i].name);
	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].kind == WIDE_UNKNOWN)
			return arena_printf(a, "what the column '%.40s' says is not known", h->at[i].name);
	return NULL;
}

const char *wide_head_refused(struct arena *a, const struct wide_head *h, bool lengths)
{
	const struct wide_column *context = wide_head_column(h, WIDE_CONTEXT),
				 *prompt_rate = wide_head_column(h, WIDE_PROMPT_RATE),
				 *gen_rate = wide_head_column(h, WIDE_GEN_RATE);
	const bool prompt = lengths || wide_head_column(h, WIDE_PROMPT),
		   gen = lengths || wide_head_column(h, WIDE_GEN);
	const char *why = refuse_columns(a, h);

	if (why)
		return why;
	if (context && !wide_head_column(h, WIDE_PROMPT) && !wide_head_column(h, WIDE_DEPTH))
		return arena_printf(a,
				    "whether '%.40s' is the prompt's length, what was cached before it, or "
				    "room for both is not said",
				    context->name);
	if ((prompt_rate || gen_rate) && !prompt)
		return arena_printf(a, "how many tokens the prompts of '%.40s' had is not said",
				    (prompt_rate ? prompt_rate : gen_rate)->name);
	if (gen_rate && !gen)
		return arena_printf(a, "how many tokens were generated of '%.40s' is not said",
				    gen_rate->name);
	if (wide_head_column(h, WIDE_RATE) && !wide_head_column(h, WIDE_TESTS))
		return arena_printf(a,
				    "which tokens '%.40s' counts, the prompt's or the answer's, is not said",
				    wide_head_column(h, WIDE_RATE)->name);
	return NULL;
}

const char wide_head_hint[] =
	"columns that are read: Model, Quant and pp512, tg128, or Model, Quant, Prompt tokens, Prompt t/s, "
	"Generated tokens, Generation t/s; and Machine, Engine, Size, Depth, FA, KV, ngl, Build. Lengths "
	"that the text tells go into the head: 'pp512' for 'Prompt t/s', 'tg128' for 'Gen t/s'";
