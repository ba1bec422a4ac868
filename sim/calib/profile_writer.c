/* profile_writer.c - see profile_writer.h. */
#include "sim/calib/profile_writer.h"

#include <math.h>
#include <string.h>

#include "sim/base/jsonw.h"
#include "sim/conf/sources.h"

void profile_writer_text(struct str *out, const char *text)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	jsonw_string(&w, text);
}

static void add_datasheet_row(struct profile_writer *w, int indent, const char *key,
			      const struct datasheet_row *f)
{
	str_pad(w->out, ' ', (size_t)indent);
	str_addf(w->out, "%s: {value: %s", key, f->value);
	if (f->sd)
		str_addf(w->out, ", sd: %s", f->sd);
	if (f->n)
		str_addf(w->out, ", n: %s", f->n);
	if (f->provenance)
		str_addf(w->out, ", how: %s", f->provenance);
	if (f->source) {
		str_add(w->out, ", source: ");
		profile_writer_text(w->out, f->source);
	}
	str_add(w->out, "}\n");
}

void profile_writer_number(struct str *out, const struct number *x, enum dim dim)
{
	str_add(out, "{value: ");
	units_format(out, x->value, dim, 6);
	if (x->sd > 0) {
		str_add(out, ", sd: ");
		units_format(out, x->sd, dim, 3);
	}
	if (x->n > 0)
		str_addf(out, ", n: %lld", (long long)x->n);
	str_addf(out, ", how: %s", provenance_names[x->provenance]);
	if (x->source) {
		str_add(out, ", source: ");
		profile_writer_text(out, x->source);
	}
	str_add(out, "}");
}

void profile_writer_key(struct profile_writer *w, int indent, const char *key, const struct number *x,
			enum dim dim)
{
	const char *dot = strrchr(key, '.'), *last = dot ? dot + 1 : key;
	const struct datasheet_row *f = datasheet_find(w->datasheet, key);

	if (f) {
		add_datasheet_row(w, indent, last, f);
	} else if (x && x->given) {
		str_pad(w->out, ' ', (size_t)indent);
		str_addf(w->out, "%s: ", last);
		profile_writer_number(w->out, x, dim);
		str_add(w->out, "\n");
	}
}

void profile_writer_rate(struct profile_writer *w, int indent, const char *key, struct number x)
{
	if (x.value > w->bus) {
		x.sd = fmax(x.sd, x.value - w->bus);
		x.value = w->bus;
		x.source = "measured above the memory's bus, held at it: part of it came from a cache";
	}
	profile_writer_key(w, indent, key, &x, DIM_BANDWIDTH);
}

const char *profile_writer_said(const struct profile_writer *w, const char *key, const char *otherwise)
{
	const struct datasheet_row *f = datasheet_find(w->datasheet, key);

	return f ? f->value : otherwise ? otherwise : "unknown";
}

void profile_writer_line(struct str *out, const char *before, const char *text)
{
	size_t column = strlen(before);

	str_add(out, before);
	while (*text) {
		const size_t word = strcspn(text, " ");

		if (column + word > SOURCES_COLUMNS && column > strlen(before)) {
			out->text[--out->len] = '\0'; /* the blank before the word */
			str_addf(out, "\n#%*s", (int)strlen(before) - 1, "");
			column = strlen(before);
		}
		for (size_t i = 0; i < word; i++)
			str_addf(out, "%c", (unsigned char)text[i] < ' ' || text[i] == 127 ? ' ' : text[i]);
		column += word + 1;
		text += word;
		if (*text == ' ') {
			str_add(out, " ");
			text++;
		}
	}
	while (out->len && out->text[out->len - 1] == ' ')
		out->text[--out->len] = '\0';
	str_add(out, "\n");
}
