/* cells_file.c - cells written, shared out, and the files that they name; see cells_file.h. */
#include "sim/sweep/cells_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/jsonw.h"
#include "sim/base/sha256.h"
#include "sim/base/vec.h"

const char cells_format[] = "lemursim/sweep-cells/1";
const char *const cells_lacks[SWEEP_NO_VALUE + 1] = {[SWEEP_LACKS_NOTHING] = "nothing",
						     [SWEEP_UNFIT] = "memory",
						     [SWEEP_OVERLOADED] = "time",
						     [SWEEP_NO_VALUE] = "value"};

/* ---- writing ---- */

/* JSON has no infinity: it is written as text. NAN is null. */
static void put_number(struct jsonw *w, double number)
{
	if (isinf(number))
		jsonw_string(w, number > 0 ? "inf" : "-inf");
	else
		jsonw_number(w, number);
}

static void put_key_number(struct jsonw *w, const char *key, double number)
{
	jsonw_key(w, key);
	put_number(w, number);
}

static void put_texts(struct jsonw *w, const char *key, const char *const *texts, size_t n)
{
	jsonw_key(w, key);
	jsonw_array(w);
	for (size_t i = 0; i < n; i++)
		jsonw_string(w, texts[i]);
	jsonw_end(w);
}

static void put_inputs(struct jsonw *w, const struct load_input *inputs, size_t n)
{
	jsonw_key(w, "inputs");
	jsonw_array(w);
	for (size_t i = 0; i < n; i++) {
		jsonw_object(w);
		jsonw_key_string(w, "file", inputs[i].path);
		jsonw_key_string(w, "sha256", inputs[i].sha256);
		jsonw_end(w);
	}
	jsonw_end(w);
}

/* The metric's value, its interval and its chance; null: it has none. */
static void put_metric(struct jsonw *w, const struct metric *m)
{
	if (!m) {
		jsonw_null(w);
		return;
	}
	jsonw_array(w);
	put_number(w, m->value);
	put_number(w, m->lo);
	put_number(w, m->hi);
	put_number(w, m->ci);
	jsonw_end(w);
}

void cells_write_head(struct str *out, const struct sweep *s, const char *version)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	jsonw_object(&w);
	jsonw_key_string(&w, "format", cells_format);
	jsonw_key_string(&w, "version", version);
	jsonw_key_string(&w, "key", s->key);
	jsonw_key_string(&w, "title", s->title);
	jsonw_key_string(&w, "metric", s->metric);
	jsonw_key_string(&w, "computed", s->computed);
	put_texts(&w, "assignments", s->names, s->names_n);
	jsonw_key(&w, "axes");
	jsonw_array(&w);
	for (size_t k = 0; k < s->axes_n; k++) {
		jsonw_object(&w);
		jsonw_key_string(&w, "path", s->axes[k].path);
		put_texts(&w, "values", s->axes[k].values.at, s->axes[k].values.n);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_key(&w, "shown");
	jsonw_array(&w);
	for (size_t k = 0; k < s->shown_n; k++) {
		jsonw_object(&w);
		jsonw_key_string(&w, "metric", s->shown[k].metric->name);
		put_key_number(&w, "bound", s->shown[k].bound);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	put_inputs(&w, s->inputs, s->inputs_n);
	jsonw_end(&w);
	str_add(out, "\n");
}

static void put_entry(struct jsonw *w, const struct sweep *s, const struct sweep_entry *e)
{
	jsonw_object(w);
	jsonw_key_bool(w, "alone", e->alone);
	jsonw_key_string(w, "lacks", cells_lacks[e->lack]);
	jsonw_key_bool(w, "overloaded", e->overloaded);
	put_key_number(w, "holds", e->holds);
	jsonw_key(w, "value");
	put_metric(w, e->metric);
	put_key_number(w, "times", e->times);
	put_key_number(w, "won", e->won);
	jsonw_key(w, "shown");
	jsonw_array(w);
	for (size_t k = 0; k < 2 * s->shown_n; k++)
		put_metric(w, e->shown[k]);
	jsonw_end(w);
	jsonw_end(w);
}

void cells_put(struct jsonw *w, const struct sweep *s, size_t cell, const struct sweep_cell *c)
{
	jsonw_object(w);
	jsonw_key_int(w, "cell", (int64_t)cell);
	jsonw_key_string(w, "computed", c->computed);
	jsonw_key_int(w, "best_alone", (int64_t)c->best_alone);
	jsonw_key(w, "bounds");
	jsonw_array(w);
	for (size_t k = 0; k < s->shown_n; k++)
		put_number(w, c->bounds[k]);
	jsonw_end(w);
	jsonw_key(w, "entries");
	jsonw_array(w);
	for (size_t i = 0; i < s->names_n; i++)
		put_entry(w, s, &c->entries[i]);
	jsonw_end(w);
}

void cells_write_cell(struct str *out, const struct sweep *s, size_t cell)
{
	const struct sweep_cell *c = &s->cells[cell];
	struct jsonw w;

	jsonw_init(&w, out, 0);
	cells_put(&w, s, cell, c);
	put_inputs(&w, c->inputs, c->inputs_n);
	jsonw_end(&w);
	str_add(out, "\n");
}

/* ---- files that cells name ---- */

static int check_input(const struct load_input *in, struct err *err)
{
	char sha[65];

	if (sha256_file(in->path, sha) != 0)
		return err_set(err, "cannot read '%s', with which cells were run", in->path);
	if (strcmp(sha, in->sha256) == 0)
		return 0;
	err_set(err, "%s has changed since cells were run with it", in->path);
	return err_hint(err, "begin anew with -f");
}

int cells_check_inputs(const struct sweep *s, struct err *err)
{
	VEC(struct load_input) seen = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->cells_n; i++)
		for (size_t k = 0; rc == 0 && k < s->cells[i].inputs_n; k++) {
			const struct load_input *in = &s->cells[i].inputs[k];
			size_t at = 0;

			while (at < seen.n && (strcmp(seen.at[at].path, in->path) != 0 ||
					       strcmp(seen.at[at].sha256, in->sha256) != 0))
				at++;
			if (at < seen.n)
				continue;
			VEC_ADD(&seen, *in);
			rc = check_input(in, err);
		}
	VEC_FREE(&seen);
	return rc;
}

/* ---- shares ---- */

int cells_share_parse(const char *text, struct cells_share *share, struct err *err)
{
	char *end;
	unsigned long long k = 0, n = 0;

	if (*text >= '1' && *text <= '9') {
		k = strtoull(text, &end, 10);
		if (*end == '/' && end[1] >= '1' && end[1] <= '9') {
			n = strtoull(end + 1, &end, 10);
			n = *end ? 0 : n;
		}
	}
	if (k < 1 || k > n || n > SWEEP_CELLS) {
		err_set(err, "expected K/N with K from 1 to N, got '%.40s'", text);
		return err_hint(err, "such as 3/8: the third of eight processes");
	}
	*share = (struct cells_share){(size_t)k, (size_t)n};
	return 0;
}

static bool has_cell(const struct cells_share *share, size_t cell)
{
	return cell % share->n == share->k - 1;
}

void cells_leave_out(struct sweep *s, const struct cells_share *share)
{
	for (size_t i = 0; i < s->cells_n; i++)
		s->cells[i].left_out = !has_cell(share, i);
}

int cells_check_share(const struct sweep *s, const struct cells_share *share, const char *path,
		      struct err *err)
{
	for (size_t i = 0; i < s->cells_n; i++) {
		if (!s->cells[i].entries || has_cell(share, i))
			continue;
		err_set(err, "%s is of another share: it has cell %zu, which is none of %zu/%zu", path, i,
			share->k, share->n);
		return err_hint(err, "give each share a file of its own; --shard 1/1 goes on with any file, "
				     "to the last cell of the grid");
	}
	return 0;
}
