/* likely_causes.c - see likely_causes.h. */
#include "sim/report/likely_causes.h"

#include <math.h>
#include <string.h>

#include "sim/base/jsonw.h"
#include "sim/base/units.h"

static const char *verdict(const struct explained_row *r)
{
	const bool above = r->measured > r->expected;

	if (r->unfit)
		return "does not fit";
	if (r->normal || r->said)
		return r->normal ? "normal" : "ran otherwise";
	if (!strcmp(r->unit, "GB"))
		return above ? "more" : "less";
	return above == r->less ? "slow" : "fast";
}

/* Numbers that a line has no room for beside the run stand below it. most: columns of the terminal. */
static void write_row(struct str *out, const struct explained_row *r, size_t width, size_t most)
{
	struct str numbers = STR_INIT;

	if (isnan(r->expected))
		str_addf(&numbers, "  %9s  %9s  %s", units_figure(r->measured).text, "-", verdict(r));
	else
		str_addf(&numbers, "  %9s  %9s  (%s\xe2\x80\x93%s)  %.2f\xc3\x97  %s",
			 units_figure(r->measured).text, units_figure(r->expected).text,
			 units_figure(r->lo).text, units_figure(r->hi).text, r->measured / r->expected,
			 verdict(r));
	str_add(out, r->run);
	if (width + str_width(numbers.text) > most)
		str_add(out, "\n  ");
	else
		str_pad(out, ' ', width - str_width(r->run));
	str_addf(out, "%s\n", numbers.text);
	if (r->said) {
		str_add(out, "  ");
		str_add_wrapped(out, r->said, 2, 2, most);
	}
	str_release(&numbers);
}

static const char *unit_of(const struct explanation *e)
{
	for (size_t i = 1; i < e->n; i++)
		if (strcmp(e->rows[i].unit, e->rows[0].unit) != 0)
			return "each in its unit";
	return e->rows[0].unit;
}

static void write_rows(struct str *out, const struct explanation *e, size_t most)
{
	struct str head = STR_INIT;
	size_t width = 3;

	for (size_t i = 0; i < e->n; i++)
		width = str_width(e->rows[i].run) > width ? str_width(e->rows[i].run) : width;
	str_addf(&head, "%s under %s", e->machine, e->runtime);
	str_add_wrapped(out, head.text, 0, 2, most);
	str_clear(&head);
	str_addf(&head, "   measured   expected  (P10\xe2\x80\x93P90), %s", unit_of(e));
	str_add(out, "\nrun");
	if (width + str_width(head.text) > most)
		str_add(out, "\n  ");
	else
		str_pad(out, ' ', width - 3);
	str_addf(out, "%s\n", head.text);
	for (size_t i = 0; i < e->n; i++)
		write_row(out, &e->rows[i], width, most);
	str_release(&head);
}

/* The rates that a cause gives, below it. */
static void write_rates(struct str *out, const struct explanation *e, const struct likely_cause *c,
			size_t most)
{
	struct str text = STR_INIT;

	for (size_t k = 0; k < e->n; k++)
		str_addf(&text, "%s ", units_figure(c->rates[k]).text);
	str_addf(&text, "%s predicted", strcmp(unit_of(e), e->rows[0].unit) ? "in their units" : unit_of(e));
	str_add(out, "    ");
	str_add_wrapped(out, text.text, 4, 4, most);
	str_release(&text);
}

static void write_cause(struct str *out, const struct explanation *e, size_t i, size_t most)
{
	const struct likely_cause *c = &e->causes[i];
	struct str text = STR_INIT;

	str_addf(&text, "%2zu. %s: %.0f %% left of %.0f %%", i + 1, c->what, 100 * c->left, 100 * c->of);
	str_add_wrapped(out, text.text, 0, 4, most);
	str_release(&text);
	write_rates(out, e, c, most);
}

/* What rows say of themselves is told, and that it is not why. */
static void write_idle(struct str *out, const struct explanation *e, size_t most)
{
	struct str text = STR_INIT;

	if (!e->idle.what)
		return;
	str_addf(&text, "no cause: %s: %.0f %% with it, %.0f %% without", e->idle.what, 100 * e->idle.left,
		 100 * e->idle.of);
	str_add_wrapped(out, text.text, 0, 4, most);
	str_release(&text);
	write_rates(out, e, &e->idle, most);
}

static const char *without_causes(const struct explanation *e)
{
	if (e->otherwise == e->n && !e->idle.what && !e->rows[0].unfit)
		return "the rows say that they ran otherwise; what that does is not predicted here; a "
		       "scenario's 'offload:' predicts layers and experts that stay with the CPU";
	if (e->otherwise)
		return "beyond what rows say of themselves no cause that is known here explains them better";
	return "no cause that is known here explains the rows better";
}

static void write_causes(struct str *out, const struct explanation *e, size_t most)
{
	struct str text = STR_INIT;

	if (!isnan(e->left)) {
		str_addf(&text, "unlike what is expected, by %.0f %% (root mean square)", 100 * e->left);
		str_add_wrapped(out, text.text, 0, 2, most);
	}
	str_release(&text);
	if (!e->sought)
		return;
	if (e->causes_n)
		str_add_wrapped(out, "likely causes, by how little each leaves of that:", 0, 2, most);
	else
		str_add_wrapped(out, without_causes(e), 0, 2, most);
	for (size_t i = 0; i < e->causes_n; i++)
		write_cause(out, e, i, most);
	write_idle(out, e, most);
}

static void json_row(struct jsonw *w, const struct explained_row *r)
{
	jsonw_object(w);
	jsonw_key_string(w, "run", r->run);
	jsonw_key_string(w, "file", r->file);
	jsonw_key_int(w, "line", r->line);
	jsonw_key_string(w, "unit", r->unit);
	jsonw_key_number(w, "measured", r->measured);
	jsonw_key_number(w, "expected", r->expected);
	jsonw_key_number(w, "lo", r->lo);
	jsonw_key_number(w, "hi", r->hi);
	jsonw_key_number(w, "ratio", r->measured / r->expected);
	jsonw_key_bool(w, "normal", r->normal);
	if (r->said)
		jsonw_key_string(w, "said", r->said);
	jsonw_end(w);
}

static void json_cause(struct jsonw *w, const struct likely_cause *c, size_t rows)
{
	jsonw_object(w);
	jsonw_key_string(w, "what", c->what);
	jsonw_key_number(w, "left", c->left);
	jsonw_key_number(w, "of", c->of);
	jsonw_key(w, "rates");
	jsonw_array(w);
	for (size_t i = 0; i < rows; i++)
		jsonw_number(w, c->rates[i]);
	jsonw_end(w);
	jsonw_end(w);
}

static void write_json(struct str *out, const struct explanation *e)
{
	struct jsonw w;

	jsonw_init(&w, out, 1);
	jsonw_object(&w);
	jsonw_key_string(&w, "schema", "lemursim/explanation/1");
	jsonw_key_string(&w, "machine", e->machine);
	jsonw_key_string(&w, "runtime", e->runtime);
	jsonw_key_bool(&w, "normal", e->normal);
	jsonw_key_number(&w, "left", e->left);
	jsonw_key(&w, "rows");
	jsonw_array(&w);
	for (size_t i = 0; i < e->n; i++)
		json_row(&w, &e->rows[i]);
	jsonw_end(&w);
	jsonw_key(&w, "causes");
	jsonw_array(&w);
	for (size_t i = 0; i < e->causes_n; i++)
		json_cause(&w, &e->causes[i], e->n);
	jsonw_end(&w);
	if (e->idle.what) {
		jsonw_key(&w, "no_cause");
		json_cause(&w, &e->idle, e->n);
	}
	jsonw_end(&w);
	str_add(out, "\n");
}

/* A row that alone is outside is no reason to look for any. */
static void write_normal(struct str *out, const struct explanation *e, size_t most)
{
	struct str text = STR_INIT;
	size_t outside = 0;

	for (size_t i = 0; i < e->n; i++)
		outside += !e->rows[i].normal;
	str_add(&text, "normal: the numbers are what this machine, runtime and model give");
	if (outside)
		str_addf(&text, "; %zu of %zu rows %s outside P10 to P90, where one in five is by chance",
			 outside, e->n, outside == 1 ? "is" : "are");
	str_add_wrapped(out, text.text, 0, 2, most);
	str_release(&text);
}

void explanation_write(struct str *out, const struct explanation *e, bool json, int width)
{
	const size_t most = width > 0 ? (size_t)width : (size_t)-1;

	if (json) {
		write_json(out, e);
		return;
	}
	write_rows(out, e, most);
	str_add(out, "\n");
	if (e->normal)
		write_normal(out, e, most);
	else
		write_causes(out, e, most);
}
