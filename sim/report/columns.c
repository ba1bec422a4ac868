/* columns.c - see columns.h. */
#include "sim/report/columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column known[] = {
	{"prefill_tok_per_s", "prefill", "tok/s", 1.0},
	{"ttft_s", "TTFT", "s", 1.0},
	{"decode_tok_per_s", "decode", "tok/s", 1.0},
	{"decode_tok_per_s_per_kUSD", "decode per price", "tok/s/kUSD", 1.0},
	{"train_tok_per_s", "train", "tok/s", 1.0},
	{"train_step_s", "step", "s", 1.0},
	{"mfu", "MFU", "%", 100.0},
	{"energy_J_per_tok", "energy", "J/tok", 1.0},
	{"usd_per_Mtok", "cost", "USD/Mtok", 1.0},
	{"energy_J_per_train_tok", "train energy", "J/tok", 1.0},
	{"usd_per_train_Mtok", "train cost", "USD/Mtok", 1.0},
};

/* A row of which nothing fits has no numbers, whatever it carries. */
static bool has_numbers(const struct assignment_row *row)
{
	return row->fits || row->short_phase;
}

const struct metric *columns_metric(const struct assignment_row *row, const struct column *c)
{
	return has_numbers(row) ? rows_metric(row, c->metric) : NULL;
}

/* The largest size of a value in the column, or -1 if it has none. */
static double largest(const struct result *r, const struct column *c)
{
	double most = -1.0;

	for (size_t i = 0; i < r->rows_n; i++) {
		const struct metric *m = columns_metric(&r->rows[i], c);

		if (m)
			most = fmax(most, fabs(m->value));
	}
	return most;
}

static bool is_column(const struct column *columns, size_t n, const char *metric)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(columns[i].metric, metric))
			return true;
	return false;
}

static size_t unknown_columns(const struct result *r, struct column columns[COLUMNS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < r->rows_n; i++) {
		for (size_t k = 0; k < r->rows[i].metrics_n && n < COLUMNS_MAX; k++) {
			const struct metric *m = &r->rows[i].metrics[k];

			if (!has_numbers(&r->rows[i]) || !isfinite(m->value) ||
			    is_column(columns, n, m->name))
				continue;
			columns[n++] = (struct column){m->name, m->name, m->unit ? m->unit : "", 1.0};
		}
	}
	return n;
}

size_t columns_of(const struct result *r, struct column columns[COLUMNS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const double most = largest(r, &known[i]);

		if (most < 0.0)
			continue;
		columns[n] = known[i];
		if (!strcmp(known[i].unit, "s") && most < 1.0) {
			columns[n].unit = "ms";
			columns[n].scale = 1e3;
		}
		n++;
	}
	return n ? n : unknown_columns(r, columns);
}

/* As it is printed, so that what looks equal is equal. */
static double printed(const struct metric *m, const struct column *c)
{
	char text[32];

	snprintf(text, sizeof text, "%.3g", m->value * c->scale);
	return strtod(text, NULL);
}

bool columns_is_best(const struct result *r, const struct column *c, size_t row)
{
	const struct metric *own = columns_metric(&r->rows[row], c);
	bool beaten = false, beats = false;

	if (!own)
		return false;
	for (size_t i = 0; i < r->rows_n; i++) {
		const struct metric *m = columns_metric(&r->rows[i], c);
		const double lead = m ? printed(own, c) - printed(m, c) : 0.0;

		beaten |= own->less ? lead > 0.0 : lead < 0.0;
		beats |= own->less ? lead < 0.0 : lead > 0.0;
	}
	return beats && !beaten;
}

enum provenance columns_from(const struct result *r, const struct column *c)
{
	enum provenance worst = PROVENANCE_MEASURED;

	for (size_t i = 0; i < r->rows_n; i++) {
		const struct metric *m = columns_metric(&r->rows[i], c);

		if (m)
			worst = provenance_worse(worst, m->from);
	}
	return worst;
}

void columns_number(struct str *out, double value)
{
	char text[32];
	int power;

	snprintf(text, sizeof text, "%.2e", value); /* rounds once: 999.6 is 1.00e+03 */
	power = atoi(strchr(text, 'e') ? strchr(text, 'e') + 1 : "0");
	if (value == 0.0 || !isfinite(value))
		str_addf(out, "%g", value);
	else if (power < -4 || power > 8)
		str_add(out, text);
	else
		str_addf(out, "%.*f", power < 2 ? 2 - power : 0, strtod(text, NULL));
}

void columns_value(struct str *out, const struct metric *m, const struct column *c)
{
	columns_number(out, m->value * c->scale);
}

void columns_interval(struct str *out, const struct metric *m, const struct column *c)
{
	if (!isfinite(m->lo) || !isfinite(m->hi) || m->lo == m->hi)
		return;
	columns_number(out, m->lo * c->scale);
	str_add(out, "\xe2\x80\x93");
	columns_number(out, m->hi * c->scale);
}

void columns_size(struct str *out, double bytes)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	double size = bytes / 1024.0;
	size_t i = 0;

	while (size >= 1000.0 && i + 1 < ARRAY_LEN(names)) {
		size /= 1024.0;
		i++;
	}
	columns_number(out, size);
	str_addf(out, " %s", names[i]);
}

void columns_fits(struct str *out, const struct assignment_row *row)
{
	if (row->fits) {
		str_add(out, "yes");
		return;
	}
	if (row->short_phase) { /* the rest of the row has numbers; 'limited by' says what is missing */
		str_addf(out, "%s no", row->short_phase);
		return;
	}
	str_add(out, "no: ");
	columns_size(out, row->short_B);
	str_add(out, " short");
	if (row->short_on && *row->short_on)
		str_addf(out, " on %s", row->short_on);
}
