/* samples_csv.c - see samples_csv.h. */
#include "sim/calib/samples_csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"
#include "sim/base/file.h"
#include "sim/base/nearest.h"
#include "sim/base/units.h"

static const struct {
	const char *key;
	size_t offset;
	enum dim dim; /* DIM_N: text */
} heads[] = {
	{"chip", offsetof(struct sample_set, chip), DIM_N},
	{"os", offsetof(struct sample_set, os), DIM_N},
	{"build", offsetof(struct sample_set, build), DIM_N},
	{"tool", offsetof(struct sample_set, tool), DIM_N},
	{"date", offsetof(struct sample_set, date), DIM_N},
	{"device", offsetof(struct sample_set, device), DIM_N},
	{"runtime", offsetof(struct sample_set, runtime), DIM_N},
	{"power_before", offsetof(struct sample_set, power_before), DIM_N},
	{"power_after", offsetof(struct sample_set, power_after), DIM_N},
	{"load", offsetof(struct sample_set, load), DIM_N},
	{"canary", offsetof(struct sample_set, canary), DIM_N},
	{"cores", offsetof(struct sample_set, cores), DIM_COUNT},
	{"ram", offsetof(struct sample_set, ram_B), DIM_BYTES},
	{"working_set", offsetof(struct sample_set, working_set_B), DIM_BYTES},
};

static const struct {
	const char *key;
	size_t offset;
} counts[] = {
	{"m", offsetof(struct sample, m)},
	{"n", offsetof(struct sample, n)},
	{"k", offsetof(struct sample, k)},
	{"heads", offsetof(struct sample, heads)},
	{"kv_heads", offsetof(struct sample, kv_heads)},
	{"head_dim", offsetof(struct sample, head_dim)},
	{"threads", offsetof(struct sample, threads)},
};

/* The columns, in the order in which they are written. */
static const struct {
	const char *names, *help;
} columns[] = {
	{"kind", "what was timed; required"},
	{"dtype", "of the arithmetic, or of the weights of gemv, moe, layer and parts: f32, f16, bf16, q8, "
		  "q4; f32 if absent"},
	{"path",
	 "which implementation; of several the fastest counts for a product. of moe, called: the host "
	 "started the product of each expert, or how many of how many experts each token uses; of gemm, "
	 "converted: x and the result are rounded and widened by kernels of their own (facts: linear.path); "
	 "of "
	 "dispatch, training: launches of a training step"},
	{"m n k",
	 "gemm, sustained: m x k by k x n; gemv: m rows through k x n weights; prefill: m queries over n "
	 "keys; decode: "
	 "one "
	 "query over n keys; moe: m tokens to k experts of n x n; dispatch: m kernels, k 1 where each waits; "
	 "layer: m kernels of "
	 "a layer k wide with a feed-forward n wide, one behind another, ten of which do work; parts: the "
	 "same kernels, each again and "
	 "again among its like, with the same m, n and k"},
	{"heads kv_heads head_dim", "of prefill, decode, layer and parts"},
	{"threads", "of a CPU; rows of another number than products have are not used"},
	{"bytes flop",
	 "of one repetition; derived from the shape where they are absent and the kind allows it"},
	{"samples sd_s", "of a published number: how many are behind it, and their standard deviation"},
	{"rejected", "the reason for which a row is not used; 'unsettled: ...' is used for want of better, "
		     "'failed: ...' has no seconds"},
	{"source", "of a published number"},
	{"seconds", "of one repetition: a number, or several with ';' between them, of sustained in the "
		    "order of time; required"},
};

static void add_words(struct str *out, const struct str *words, size_t width)
{
	str_add(out, "  ");
	str_add_wrapped(out, words->text, 2, 2, width);
}

void samples_csv_help(size_t width, struct str *out)
{
	struct str words = STR_INIT;

	str_add_wrapped(out,
			"samples: csv of measured times of single operations, for 'calibrate --from FILE'", 0,
			2, width);
	str_add(out, "\nlines '# key: value' before the head\n");
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		str_addf(&words, "%s%s", i ? " " : "", heads[i].key);
	add_words(out, &words, width);
	str_clear(&words);
	str_add(out, "\n");
	str_add(&words, "ram and working_set with a unit (16 GiB), cores a count, the others text");
	add_words(out, &words, width);
	str_clear(&words);
	str_add(out, "\nkinds\n");
	for (int k = 0; sample_kind_names[k]; k++)
		str_addf(&words, "%s%s", k ? " " : "", sample_kind_names[k]);
	add_words(out, &words, width);
	str_release(&words);
	str_add(out, "\n");
	str_add_wrapped(out, "columns, by name and in any order; others are named and ignored", 0, 2, width);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		str_addf(out, "  %s\n      ", columns[i].names);
		str_add_wrapped(out, columns[i].help, 6, 6, width);
	}
	str_add(out, "\n");
	str_add_wrapped(out,
			"Samples that no number is made of are counted on the terminal, by kind and reason.",
			0, 2, width);
}

bool samples_csv_is(const char *text)
{
	const char *end;
	bool kind = false, seconds = false, runs = false;

	while (*text == '#' || *text == '\n') {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	end = text + strcspn(text, "\n");
	while (text < end) {
		const size_t len = strcspn(text, ",\r\n");

		kind |= len == 4 && !strncmp(text, "kind", len);
		seconds |= len == 7 && !strncmp(text, "seconds", len);
		runs |= (len == 6 && !strncmp(text, "prompt", len)) ||
			(len == 3 && !strncmp(text, "gen", len));
		text += len + 1;
	}
	return kind && seconds && !runs;
}

static void say(struct arena *a, struct sample_set *set, const char *what, const char *near)
{
	const char *line = near ? arena_printf(a, "%s; did you mean '%s'?", what, near) : what;

	set->said = texts_join_once(a, &set->said, line);
}

/* A comment may have a colon, too: what is a single word before it is meant as a key. */
static void say_unknown_key(struct arena *a, const char *path, int line, const char *from, size_t len,
			    struct sample_set *set)
{
	const char *names[ARRAY_LEN(heads)], *key = arena_strndup(a, from, len);

	if (!len || strspn(key, "abcdefghijklmnopqrstuvwxyz_-") != len)
		return;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		names[i] = heads[i].key;
	say(a, set,
	    arena_printf(a, "%s:%d: no line before the head is called '%.60s': not used", path, line, key),
	    nearest_of(key, names, ARRAY_LEN(heads)));
}

/* "# chip: Apple M5" */
static int read_heads(struct arena *a, const char *path, const char *text, struct sample_set *set,
		      struct err *err)
{
	int line = 1;

	for (; *text == '#'; text += strcspn(text, "\n"), text += *text == '\n', line++) {
		const size_t len = strcspn(text, "\r\n");
		const char *from = text + 1 + strspn(text + 1, " "), *colon = memchr(text, ':', len), *value;
		bool known = false;

		if (!colon)
			continue;
		value = colon + 1 + strspn(colon + 1, " ");
		for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
			const char *word = arena_strndup(
				a, value, value < text + len ? (size_t)(text + len - value) : 0);
			struct err why = ERR_INIT;
			double number = 0;

			if (strlen(heads[i].key) != (size_t)(colon - from) ||
			    strncmp(heads[i].key, from, (size_t)(colon - from)))
				continue;
			known = true;
			if (heads[i].dim == DIM_N) {
				*(const char **)((char *)set + heads[i].offset) = word;
				continue;
			}
			if (units_parse(word, heads[i].dim, &number, &why) != 0 || number < 0 ||
			    number > 1e15)
				return err_set(err, "%s:%d: %s: %s", path, line, heads[i].key,
					       why.msg[0] ? why.msg : "out of range");
			*(int64_t *)((char *)set + heads[i].offset) = (int64_t)number;
		}
		if (!known)
			say_unknown_key(a, path, line, from, (size_t)(colon - from), set);
	}
	return 0;
}

/* The names of `columns`, one by one. */
static struct texts column_names(struct arena *a)
{
	struct texts names = {NULL, 0};

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const struct texts more = texts_cut(a, columns[i].names, ' ');

		names = texts_join(a, &names, more.at, more.n);
	}
	return names;
}

static void say_unknown_columns(struct arena *a, const struct csv *csv, struct sample_set *set)
{
	const struct texts names = column_names(a);

	for (size_t i = 0; i < csv->heads_n; i++) {
		bool known = !*csv->heads[i];

		for (size_t j = 0; j < names.n; j++)
			known |= !strcmp(names.at[j], csv->heads[i]);
		if (!known)
			say(a, set,
			    arena_printf(a, "%s:%d: no column of samples is called '%.60s': not used",
					 csv->path, csv->head_line, csv->heads[i]),
			    nearest_of(csv->heads[i], names.at, names.n));
	}
}

struct row {
	const struct csv *csv;
	const struct csv_row *row;
	struct arena *arena;
};

static const char *get(const struct row *r, const char *head)
{
	return csv_get(r->csv, r->row, head);
}

static int fail(const struct row *r, struct err *err, const char *what, const char *value)
{
	return err_set(err, "%s:%d: %s '%.60s'", r->csv->path, r->row->line, what, value);
}

static int number(const struct row *r, const char *head, double max, double *value, struct err *err)
{
	const char *text = get(r, head);
	char *end;
	double x;

	if (!*text)
		return 0;
	x = strtod(text, &end);
	if (*end || end == text || !isfinite(x) || x < 0 || x > max)
		return fail(r, err, "not a positive number in reach:", text);
	*value = x;
	return 0;
}

static int choice(const struct row *r, const char *head, const char *const *names, int *value,
		  struct err *err)
{
	const char *text = get(r, head);
	size_t n = 0;

	for (; names[n]; n++) {
		if (!strcmp(names[n], text)) {
			*value = (int)n;
			return 0;
		}
	}
	fail(r, err, !strcmp(head, "kind") ? "unknown kind" : "unknown dtype", text);
	err_hint_names(err, text, names, n);
	return -1;
}

static int read_seconds(const struct row *r, struct sample *s, struct err *err)
{
	const char *text = get(r, "seconds"), *at = text;
	size_t room = 1;
	double *seconds;

	if (!*text && str_starts(get(r, "rejected"), "failed: "))
		return 0;
	for (const char *c = text; *c; c++)
		room += *c == ';';
	seconds = arena_array(r->arena, room, sizeof *seconds);
	for (;;) {
		char *end;
		const double x = strtod(at, &end);

		if (end == at || (*end && *end != ';') || !isfinite(x) || !(x > 0) || x > 1e6)
			return fail(r, err, "a time must be a positive number of seconds, got", at);
		seconds[s->seconds_n++] = x;
		if (!*end)
			break;
		at = end + 1;
	}
	s->seconds = seconds;
	return 0;
}

/* Derives byte and FLOP from the shape, where the row does not give them. */
static void fill_work(struct sample *s)
{
	static const double width[SAMPLE_DTYPE_N] = {4, 2, 2, 34.0 / 32, 18.0 / 32};
	const double m = (double)s->m, n = (double)s->n, k = (double)s->k;
	const double d = (double)(s->heads * s->head_dim),
		     kv = (double)((s->kv_heads ? s->kv_heads : s->heads) * s->head_dim);

	if (s->flop <= 0) {
		if (s->kind == SAMPLE_GEMM || s->kind == SAMPLE_GEMV || s->kind == SAMPLE_SUSTAINED)
			s->flop = 2 * m * n * k;
		else if (s->kind == SAMPLE_PREFILL) /* the causal half */
			s->flop = 4 * d * m * (n - (m - 1) / 2);
	}
	if (s->bytes <= 0) {
		if (s->kind == SAMPLE_GEMV)
			s->bytes = width[s->dtype] * n * k;
		else if (s->kind == SAMPLE_DECODE)
			s->bytes = 2 * width[s->dtype] * n * kv;
		else if (s->kind == SAMPLE_MOE) /* of the experts that are hit */
			s->bytes = width[s->dtype] * k * n * n;
	}
}

static int read_row(const struct row *r, struct sample *s, struct err *err)
{
	double x, n = 0;
	int kind = 0, dtype = 0;

	if (choice(r, "kind", sample_kind_names, &kind, err) != 0 ||
	    (*get(r, "dtype") && choice(r, "dtype", sample_dtype_names, &dtype, err) != 0))
		return -1;
	*s = (struct sample){.kind = (enum sample_kind)kind, .dtype = (enum sample_dtype)dtype};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		x = 0;
		if (number(r, counts[i].key, 1e9, &x, err) != 0)
			return -1;
		if (x != floor(x))
			return fail(r, err, "expected a whole number, got", get(r, counts[i].key));
		*(int64_t *)((char *)s + counts[i].offset) = (int64_t)x;
	}
	if (number(r, "bytes", 1e16, &s->bytes, err) != 0 || number(r, "flop", 1e21, &s->flop, err) != 0 ||
	    number(r, "sd_s", 1e6, &s->stated_sd_s, err) != 0 || number(r, "samples", 1e9, &n, err) != 0 ||
	    read_seconds(r, s, err) != 0)
		return -1;
	if (s->kind == SAMPLE_GEMM && !(s->m && s->n && s->k))
		return fail(r, err, "m, n and k are wanted of a", "gemm");
	s->stated_n = (int64_t)n;
	s->path = *get(r, "path") ? get(r, "path") : NULL;
	s->source = *get(r, "source") ? get(r, "source") : NULL;
	s->why = *get(r, "rejected") ? get(r, "rejected") : NULL;
	s->rejected = s->why != NULL;
	fill_work(s);
	return 0;
}

int samples_csv_read(struct arena *a, const char *path, const char *text, struct sample_set *set,
		     struct err *err)
{
	struct sample *samples;
	struct csv csv = {0};

	*set = (struct sample_set){0};
	if (read_heads(a, path, text, set, err) != 0 || csv_read(a, path, text, &csv, err) != 0)
		return -1;
	if (!samples_csv_is(text))
		return err_set(err, "%s: it has no columns 'kind' and 'seconds'", path);
	if (!csv.n)
		return err_set(err, "%s: it has no samples", path);
	samples = arena_array(a, csv.n, sizeof *samples);
	say_unknown_columns(a, &csv, set);
	for (size_t i = 0; i < csv.n; i++)
		if (read_row(&(struct row){&csv, &csv.rows[i], a}, &samples[i], err) != 0)
			/* where a column was left out, it may be the one that the row lacks, misspelt */
			return set->said.n ? err_hint(err, "%.400s", set->said.at[0]) : -1;
	set->samples = samples;
	set->n = csv.n;
	return 0;
}

/* The cell of a head that is meant as that column; NULL: it has it, or none is near it. */
static const char *meant_as(const struct texts *cells, const char *column)
{
	const char *near = NULL;

	for (size_t i = 0; i < cells->n; i++) {
		if (!strcmp(cells->at[i], column))
			return NULL;
		near = nearest_of(cells->at[i], &column, 1) ? cells->at[i] : near;
	}
	return near;
}

static bool has_cell(const struct texts *cells, const char *column)
{
	return str_find(column, cells->at, cells->n) < cells->n;
}

int samples_csv_check_head(struct arena *a, const char *path, const char *text, struct err *err)
{
	static const char *const must[] = {"kind", "seconds"};
	const char *head = text;
	struct texts cells;
	char by = ',';

	while (*head == '#' || *head == '\n') {
		head += strcspn(head, "\n");
		head += *head == '\n';
	}
	head = arena_strndup(a, head, strcspn(head, "\r\n"));
	by = strchr(head, ',') ? ',' : strchr(head, ';') ? ';' : '\t';
	cells = texts_cut(a, head, by);
	if (has_cell(&cells, "prompt") || has_cell(&cells, "gen"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(must); i++) {
		const char *as = meant_as(&cells, must[i]), *other = must[!i];

		if (as && (has_cell(&cells, other) || meant_as(&cells, other))) {
			err_set(err, "%.200s: samples have a column '%s', and this has '%.40s'", path,
				must[i], as);
			return err_hint(err, "'lemursim help samples' has the columns");
		}
	}
	if (by == ',' || !has_cell(&cells, "kind") || !has_cell(&cells, "seconds"))
		return 0;
	err_set(err, "%.200s: columns of samples are parted by ',', these by %s", path,
		by == ';' ? "';'" : "tabs");
	return err_hint(err, "several times of one row are parted by ';'");
}

bool samples_csv_is_file(const char *path)
{
	struct arena a = ARENA_INIT;
	struct err ignored = ERR_INIT;
	char *text;
	size_t len;
	const bool is =
		file_read(&a, path, SAMPLES_FILE_MAX, &text, &len, &ignored) == 0 && samples_csv_is(text);

	arena_release(&a);
	return is;
}

bool samples_csv_is_none(const struct texts *paths, const char *needs, struct err *err)
{
	for (size_t i = 0; i < paths->n; i++) {
		if (!samples_csv_is_file(paths->at[i]))
			continue;
		err_set(err, "%.200s has times of single operations; %s", paths->at[i], needs);
		err_hint(err, "'lemursim calibrate --from %.200s' makes a machine's profile of them",
			 paths->at[i]);
		return false;
	}
	return true;
}

static void add_field(struct str *out, const char *text)
{
	if (!strpbrk(text, ",\"\n\r")) {
		str_add(out, text);
		return;
	}
	str_add(out, "\"");
	for (; *text; text++)
		str_addf(out, *text == '"' ? "\"%c" : "%c", *text);
	str_add(out, "\"");
}

static void add_head(struct str *out)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		str_add(out, i ? "," : "");
		for (const char *c = columns[i].names; *c; c++)
			str_add_n(out, *c == ' ' ? "," : c, 1);
	}
	str_add(out, "\n");
}

void samples_csv_write(const struct sample_set *set, struct str *out)
{
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		const char *at = (const char *)set + heads[i].offset;
		const char *text = heads[i].dim == DIM_N ? *(const char *const *)at : NULL;

		if (text)
			str_addf(out, "# %s: %s\n", heads[i].key, text);
		else if (heads[i].dim != DIM_N && *(const int64_t *)at)
			str_addf(out, "# %s: %lld%s\n", heads[i].key, (long long)*(const int64_t *)at,
				 heads[i].dim == DIM_BYTES ? " B" : "");
	}
	add_head(out);
	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];

		str_addf(out, "%s,%s,", sample_kind_names[s->kind], sample_dtype_names[s->dtype]);
		add_field(out, s->path ? s->path : "");
		for (size_t j = 0; j < ARRAY_LEN(counts); j++)
			str_addf(out, ",%lld",
				 (long long)*(const int64_t *)((const char *)s + counts[j].offset));
		str_addf(out, ",%.17g,%.17g,%lld,%.17g,", s->bytes, s->flop, (long long)s->stated_n,
			 s->stated_sd_s);
		add_field(out, s->rejected ? (s->why ? s->why : "not said why") : "");
		str_add(out, ",");
		add_field(out, s->source ? s->source : "");
		str_add(out, s->seconds_n ? "" : ",");
		for (size_t j = 0; j < s->seconds_n; j++)
			str_addf(out, "%c%.9g", j ? ';' : ',', s->seconds[j]);
		str_add(out, "\n");
	}
}
