/* bar_letters.c - see bar_letters.h. */
#include "sim/draw/bar_letters.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/draw/kinds.h"
#include "sim/draw/textsize.h"

#define RUN_GAP_PT 12.0 /* bars of a run are nearer to each other */

static const double layer_letter_h = 11; /* a lower layer of a mixed bar has no letter */

double bar_width(const struct bar_letters *v, const struct bar *bar)
{
	return fmax((double)(bar->end_ns - bar->start_ns) * v->pt_per_ns, 0.4);
}

/* The largest font size at which the letter does not touch the outline, or 0. */
double letter_fit(const char *letter, double w)
{
	static const double sizes[] = {9, 8, 7};

	for (size_t i = 0; letter && i < ARRAY_LEN(sizes); i++)
		if (textsize_width(letter, sizes[i], false) + 1.6 <= w)
			return sizes[i];
	return 0.0;
}

double letter_fit_layer(const char *letter, double w, double h)
{
	return h >= layer_letter_h ? letter_fit(letter, w) : 0;
}

/* As much of a box's letters as has room: "Fa3", "Fa", "F"; never a part of a number. */
double letters_fit(char out[16], const char *full, double w)
{
	size_t n[] = {strlen(full), strcspn(full, "0123456789"), 1};
	double size = 0;

	n[2] = (unsigned char)full[0] < 0x80 ? 1 : n[0];
	for (size_t i = 0; i < ARRAY_LEN(n) && size <= 0; i++) {
		snprintf(out, 16, "%.*s", (int)n[i], full);
		size = *out ? letter_fit(out, w) : 0;
	}
	return size;
}

/* Returns whether the bar is drawn in layers: one as narrow as a box that is left alone has the colour of what took longest. */
bool bar_is_layered(const struct bar_letters *v, const struct bar *bar)
{
	return bar->kind_ns[bar->kind] != bar->busy_ns && bar_width(v, bar) >= BAR_NARROW_PT;
}

static bool layer_is_lettered(const struct bar_letters *v, const struct bar *bar, int kind)
{
	const double h = BAR_H * (double)bar->kind_ns[kind] / (double)bar->busy_ns;

	return bar->kind_ns[kind] &&
	       letter_fit_layer(kind_letter((enum box_kind)kind), bar_width(v, bar), h) > 0;
}

static bool any_layer_is_lettered(const struct bar_letters *v, const struct bar *bar)
{
	bool any = false;

	for (int k = 0; k < BOX_KIND_N; k++)
		any |= layer_is_lettered(v, bar, k);
	return any;
}

bool bar_is_lettered(const struct bar_letters *v, const struct bar *bar)
{
	const char *full = bar->boxes_n == 1 ? v->s->boxes[bar->first].letter : NULL;
	char letters[16];

	if (bar_is_layered(v, bar))
		return any_layer_is_lettered(v, bar);
	return full && *full && letters_fit(letters, full, bar_width(v, bar)) > 0;
}

/* The last bar of a run, from bar i on, of bars that are of one kind, have no letters, and hardly have gaps. */
size_t bar_run_end(const struct bar_letters *v, size_t i)
{
	const struct bar *at = v->bars->at;

	while (i + 1 < v->bars->n && at[i + 1].lane == at[i].lane && at[i + 1].kind == at[i].kind &&
	       !bar_is_lettered(v, &at[i + 1]) &&
	       (double)(at[i + 1].start_ns - at[i].end_ns) * v->pt_per_ns < RUN_GAP_PT)
		i++;
	return i;
}

double bar_run_letters(const struct bar_letters *v, size_t first, size_t last, char out[16])
{
	const struct bar *a = &v->bars->at[first], *z = &v->bars->at[last];
	const double w = (double)(z->end_ns - a->start_ns) * v->pt_per_ns;
	bool has[BOX_KIND_N] = {false};
	double size;

	if (last < first + 2 && last > first && a->busy_ns + z->busy_ns < (z->end_ns - a->start_ns) / 2) {
		*out = '\0'; /* two bars far apart: the letter would stand where nothing is done */
		return 0;
	}
	snprintf(out, 16, "%s", kind_letter(a->kind));
	for (size_t i = first; i <= last; i++)
		for (int k = 0; k < BOX_KIND_N && bar_is_layered(v, &v->bars->at[i]); k++)
			has[k] |= v->bars->at[i].kind_ns[k] > 0;
	for (int k = 0; k < BOX_KIND_N; k++)
		if (has[k] && k != (int)a->kind && strlen(out) < 14)
			strcat(out, kind_letter((enum box_kind)k));
	size = letter_fit(out, w);
	if (size > 0)
		return size;
	out[1] = '\0';
	return letter_fit(out, w);
}

/* ---- which letters there are ---- */

static void see_run(struct bar_letters *v, size_t first, size_t last)
{
	char letters[16];

	if (bar_run_letters(v, first, last, letters) <= 0)
		return;
	for (int k = 0; k < BOX_KIND_N; k++)
		v->kind[k] |= strchr(letters, *kind_letter((enum box_kind)k)) != NULL;
}

void bar_letters_init(struct bar_letters *v, const struct schedule *s, const struct bars *bars,
		      double pt_per_ns)
{
	*v = (struct bar_letters){.s = s, .bars = bars, .pt_per_ns = pt_per_ns};
	for (size_t i = 0; i < bars->n; i++) {
		const struct bar *bar = &bars->at[i];

		if (!bar_is_lettered(v, bar)) {
			const size_t last = bar_run_end(v, i);

			see_run(v, i, last);
			i = last;
		} else if (bar_is_layered(v, bar)) {
			for (int k = 0; k < BOX_KIND_N; k++)
				v->kind[k] |= layer_is_lettered(v, bar, k);
		} else {
			v->kind[bar->kind] = true;
		}
	}
}

/* Is a letter of the schedule's in some bar? That of a part of the model stands behind the letter of the kind. */
static bool is_drawn(const struct bar_letters *v, const struct schedule_letter *l)
{
	for (size_t i = 0; i < v->bars->n; i++) {
		const struct bar *bar = &v->bars->at[i];
		const char *full = bar->boxes_n == 1 ? v->s->boxes[bar->first].letter : NULL;
		char text[16];

		if (!full || !*full || l->sent != (bar->kind == BOX_TRANSFER) || bar_is_layered(v, bar) ||
		    letters_fit(text, full, bar_width(v, bar)) <= 0)
			continue;
		if (l->sent ? !strcmp(text, l->text) : text[1] == l->text[0])
			return true;
	}
	return false;
}

void bar_letters_note(struct str *out, const struct bar_letters *v)
{
	bool any = false, sent = false;

	for (size_t i = 0; i < v->s->letters_n; i++) {
		const struct schedule_letter *l = &v->s->letters[i];

		if (!is_drawn(v, l))
			continue;
		str_add(out, any ? (l->sent && !sent ? "; " : ", ") : out->len ? " \xc2\xb7 " : "");
		str_add(out, l->sent && !sent ? "sent: " : "");
		str_addf(out, *l->word ? "%s %s" : "%s%s", l->text, l->word);
		any = true;
		sent |= l->sent;
	}
}
