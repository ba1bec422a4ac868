/* verdicts.c - see verdicts.h. */
#include "sim/plan/verdicts.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/jsonr.h"
#include "sim/base/jsonw.h"
#include "sim/base/sha256.h"

static const char format[] = "lemursim/plan-verdicts/1";
static const char *const questions[PLAN_QUESTIONS] = {"holds", "value"};

void plan_verdicts_release(struct plan_verdicts *v)
{
	for (int q = 0; q < PLAN_QUESTIONS; q++) {
		map_release(&v->keys[q]);
		VEC_FREE(&v->numbers[q]);
		VEC_FREE(&v->places[q]);
	}
}

/* ---- what is known ---- */

const char *plan_fleet_name(struct arena *a, const int *counts, size_t n)
{
	struct str s = STR_INIT;
	const char *name;

	for (size_t i = 0; i < n; i++)
		if (counts[i])
			str_addf(&s, "%s%zu:%d", s.len ? "," : "", i, counts[i]);
	name = arena_strdup(a, s.len ? s.text : "");
	str_release(&s);
	return name;
}

bool plan_verdicts_share(const struct plan_verdicts *v, const char *fleet)
{
	uint64_t h = 1469598103934665603u; /* FNV-1a */

	for (const char *c = fleet; *c; c++)
		h = (h ^ (unsigned char)*c) * 1099511628211u;
	return !v->n || (h ^ (h >> 32)) % v->n == v->k - 1;
}

bool plan_verdicts_find(const struct plan_verdicts *v, enum plan_question question, const char *fleet,
			double *number)
{
	const size_t at = map_find(&v->keys[question], fleet);

	if (at == MAP_NONE)
		return false;
	*number = v->numbers[question].at[at];
	return true;
}

/* Keeps a verdict, unless there is one; returns whether that one is the same. */
static bool keep(struct plan_verdicts *v, enum plan_question question, const char *fleet, double number,
		 struct place place)
{
	double known;

	if (plan_verdicts_find(v, question, fleet, &known))
		return !(known < number) && !(known > number);
	map_add(&v->keys[question], arena_strdup(v->arena, fleet));
	VEC_ADD(&v->numbers[question], number);
	VEC_ADD(&v->places[question], place);
	return true;
}

int plan_verdicts_add(struct plan_verdicts *v, enum plan_question question, const char *fleet, double number)
{
	keep(v, question, fleet, number, (struct place){0});
	return v->take ? v->take(v->self, question, fleet, number) : 0;
}

/* The servers of each kind by a fleet's name; -1 where it names a kind that there is not, or is no name. */
static int read_fleet(const char *fleet, int *counts, size_t n)
{
	memset(counts, 0, n * sizeof *counts);
	for (const char *at = fleet; *at;) {
		char *end;
		const unsigned long kind = strtoul(at, &end, 10);
		const long count = *end == ':' ? strtol(end + 1, &end, 10) : 0;

		if (kind >= n || count < 1 || count > INT_MAX || (*end && *end != ','))
			return -1;
		counts[kind] = (int)count;
		at = end + (*end == ',');
	}
	return 0;
}

static bool exists(const char *fleet, const struct fleet_kind *kinds, int *counts, size_t n, int up_to)
{
	struct arena scratch = ARENA_INIT;
	double machines = 0; /* counts are anything that a file says */
	bool fine = read_fleet(fleet, counts, n) == 0;

	fine = fine && !strcmp(plan_fleet_name(&scratch, counts, n), fleet);
	for (size_t i = 0; i < n && fine; i++) {
		fine = counts[i] <= kinds[i].up_to;
		machines += (double)counts[i] * kinds[i].machines;
	}
	arena_release(&scratch);
	return fine && machines > 0 && machines <= up_to;
}

int plan_verdicts_begin(const struct plan_verdicts *v, struct diags *d, const struct fleet_kind *kinds,
			size_t n, int up_to)
{
	struct arena scratch = ARENA_INIT;
	int *counts = arena_array(&scratch, n + 1, sizeof *counts);
	int rc = v->begin ? v->begin(v->self) : 0;

	for (int q = 0; q < PLAN_QUESTIONS && rc == 0; q++)
		for (size_t i = 0; i < v->keys[q].n; i++)
			if (!exists(v->keys[q].keys[i], kinds, counts, n, up_to))
				rc = diag_add(d, v->places[q].at[i],
					      "the file is not as plan wrote it: run that share again",
					      "the plan has no fleet '%.100s'", v->keys[q].keys[i]);
	arena_release(&scratch);
	return rc;
}

void plan_verdicts_key(const struct loader *l, const struct texts *sets, int64_t seed, int64_t draws,
		       char key[65])
{
	struct str all = STR_INIT;

	for (size_t i = 0; i < l->inputs_n; i++)
		str_addf(&all, "%s\n", l->inputs[i].sha256);
	str_add(&all, "\n");
	for (size_t i = 0; i < sets->n; i++)
		str_addf(&all, "%s\n", sets->at[i]);
	str_addf(&all, "\n%lld %lld\n", (long long)seed, (long long)draws);
	sha256_hex(all.text, all.len, key);
	str_release(&all);
}

/* ---- lines ---- */

void plan_verdicts_write_head(struct str *out, const struct plan_verdicts_head *h, const char *version)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	jsonw_object(&w);
	jsonw_key_string(&w, "format", format);
	jsonw_key_string(&w, "version", version);
	jsonw_key_string(&w, "key", h->key);
	jsonw_key_string(&w, "scenario", h->scenario);
	jsonw_key(&w, "sets");
	jsonw_array(&w);
	for (size_t i = 0; i < h->sets.n; i++)
		jsonw_string(&w, h->sets.at[i]);
	jsonw_end(&w);
	jsonw_key_number(&w, "seed", (double)h->seed);
	jsonw_key_number(&w, "draws", (double)h->draws);
	jsonw_key_int(&w, "share", (int64_t)h->k);
	jsonw_key_int(&w, "of", (int64_t)h->n);
	jsonw_end(&w);
	str_add(out, "\n");
}

/* JSON has no infinity: a goal of which nothing is known is null. */
void plan_verdicts_write(struct str *out, enum plan_question question, const char *fleet, double number)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	jsonw_object(&w);
	jsonw_key_string(&w, "fleet", fleet);
	jsonw_key(&w, questions[question]);
	if (isfinite(number))
		jsonw_number(&w, number);
	else
		jsonw_null(&w);
	jsonw_end(&w);
	str_add(out, "\n");
}

void plan_verdicts_write_end(struct str *out)
{
	str_add(out, "{\"ended\":true}\n");
}

struct verdicts_reading {
	struct jsonr j;
	struct arena *arena;
	struct plan_verdicts *v;
	struct plan_verdicts_head *head;
	const char *version;
	const struct source *source;
	struct jsonr_lines lines;
	struct err *err;
};

static int wrong(struct verdicts_reading *r, const char *what)
{
	return r->err->msg[0] ? -1 : err_set(r->err, "%s:line %zu: %s", r->lines.path, r->lines.line, what);
}

/* The key comes next: all are written in one order. */
static int want_key(struct verdicts_reading *r, const char *key)
{
	const char *got;

	if (jsonr_key(&r->j, &got) == 1 && !strcmp(got, key))
		return 0;
	return wrong(r, "a key is missing, or there is one that this program does not know");
}

static int read_key_text(struct verdicts_reading *r, const char *key, const char **to)
{
	return want_key(r, key) == 0 ? jsonr_text(&r->j, to) : -1;
}

static int read_key_whole(struct verdicts_reading *r, const char *key, double least, double most, double *to)
{
	if (want_key(r, key) != 0 || jsonr_number(&r->j, to) != 0)
		return -1;
	return *to >= least && *to <= most && *to == floor(*to) ? 0 : wrong(r, "a number is out of range");
}

static int end_line(struct verdicts_reading *r)
{
	const char *more;

	if (jsonr_key(&r->j, &more) == 0 && jsonr_end(&r->j) == 0)
		return 0;
	return wrong(r, "the line says more than this program knows");
}

static int check_version(struct verdicts_reading *r, const char *version)
{
	if (!strcmp(version, r->version))
		return 0;
	err_set(r->err, "%s was written by version %s, this is %s", r->lines.path, version, r->version);
	return err_hint(r->err, "numbers of two versions are not put together: run all of it with one");
}

static int read_head(struct verdicts_reading *r)
{
	struct plan_verdicts_head *h = r->head;
	const char *said, *version, *key;
	double seed, draws, k, n;

	if (jsonr_object(&r->j) != 0 || read_key_text(r, "format", &said) != 0 || strcmp(said, format) != 0) {
		*r->err = (struct err)ERR_INIT; /* that it is another file says more than where it is */
		err_set(r->err, "%s is no file of the verdicts of a plan", r->lines.path);
		return err_hint(r->err, "plan writes one by --shard K/N -o FILE.jsonl");
	}
	if (read_key_text(r, "version", &version) != 0 || check_version(r, version) != 0 ||
	    read_key_text(r, "key", &key) != 0 || read_key_text(r, "scenario", &h->scenario) != 0 ||
	    want_key(r, "sets") != 0 || jsonr_texts(&r->j, &h->sets) != 0 ||
	    read_key_whole(r, "seed", -1, 9e15, &seed) != 0 ||
	    read_key_whole(r, "draws", -1, 9e15, &draws) != 0 ||
	    read_key_whole(r, "share", 1, PLAN_SHARES, &k) != 0 ||
	    read_key_whole(r, "of", k, PLAN_SHARES, &n) != 0 || end_line(r) != 0)
		return -1;
	if (strlen(key) != 64)
		return wrong(r, "expected a key of 64 digits");
	memcpy(h->key, key, sizeof h->key);
	h->seed = (int64_t)seed;
	h->draws = (int64_t)draws;
	h->k = (size_t)k;
	h->n = (size_t)n;
	return 0;
}

static int read_verdict(struct verdicts_reading *r, const char *fleet)
{
	const char *key;
	int q = 0;
	double number = INFINITY;

	if (jsonr_key(&r->j, &key) != 1)
		return wrong(r, "a verdict is missing");
	while (q < PLAN_QUESTIONS && strcmp(questions[q], key) != 0)
		q++;
	if (q == PLAN_QUESTIONS)
		return wrong(r, "expected 'holds' or 'value'");
	if (!jsonr_null(&r->j) && jsonr_number(&r->j, &number) != 0)
		return -1;
	if (q == PLAN_ASK_HOLDS && number != 0 && number != 1)
		return wrong(r, "'holds' is 0 or 1");
	if (end_line(r) != 0)
		return -1;
	return keep(r->v, (enum plan_question)q, fleet, number,
		    (struct place){r->source, (int)r->lines.line, 1, 1})
		       ? 0
		       : wrong(r, "this fleet was read before, with another verdict");
}

static int read_line(struct verdicts_reading *r)
{
	const char *key, *fleet;

	if (jsonr_object(&r->j) != 0 || jsonr_key(&r->j, &key) != 1)
		return wrong(r, "expected a verdict");
	if (!strcmp(key, "ended")) {
		if (jsonr_bool(&r->j, &r->head->ended) != 0)
			return -1;
		return end_line(r);
	}
	if (strcmp(key, "fleet") != 0)
		return wrong(r, "expected a verdict");
	return jsonr_text(&r->j, &fleet) == 0 ? read_verdict(r, fleet) : -1;
}

bool plan_verdicts_is(const char *text, size_t len)
{
	return jsonr_lines_are(text, len, "lemursim/plan-verdicts/");
}

int plan_verdicts_read(struct arena *a, struct plan_verdicts *v, const char *path, const char *text,
		       size_t len, const char *version, struct plan_verdicts_head *head, struct err *err)
{
	struct source *source = arena_alloc(a, sizeof *source);
	struct verdicts_reading r = {
		.arena = a,
		.v = v,
		.head = head,
		.version = version,
		.source = source,
		.lines = {.arena = a, .path = path, .text = text, .len = len, .err = err},
		.err = err};
	int rc = 0;

	*source = (struct source){path, text, len};
	*head = (struct plan_verdicts_head){.k = 0};
	if (!len)
		return err_set(err, "%s is empty", path);
	while (rc == 0 && jsonr_line(&r.lines, &r.j))
		rc = r.lines.line == 1 ? read_head(&r) : read_line(&r);
	return rc;
}
