/* fit_write_models.c - what a fit says of single models, as text; see fit_work.h. */
#include <math.h>
#include <string.h>

#include "sim/family/fit_work.h"

static bool is_told(const struct fit_written *w, const char *title)
{
	for (size_t i = 0; i < w->reaches_n; i++)
		if (!strcmp(w->reaches[i].title, title))
			return true;
	return false;
}

static void add_reach_number(const struct fit_written *w, struct str *out, const char *key,
			     const struct fit_scale *s)
{
	const double value = fmin(fmax(s->factor, 0.01), 100);

	if (!s->fitted)
		return;
	str_pad(out, ' ', 12);
	str_addf(out, "%s: {value: ", key);
	units_format(out, value, DIM_SHARE, 6);
	str_add(out, ", sd: ");
	units_format(out, value * s->se, DIM_SHARE, 3);
	str_addf(out, ", how: measured, source: \"runs of it, against '%s'\"}\n", w->from->origin.name);
}

/* What models are by themselves; those of other models in the base stay. */
void fit_write_models(const struct fit_written *w, struct str *out)
{
	const struct field_list *base = &w->at->profile->models;
	const struct model_reach *kept = base->at;

	if (!w->reaches_n && !base->n)
		return;
	str_add(out, "        models:\n");
	for (size_t i = 0; i < base->n; i++) {
		if (is_told(w, kept[i].origin.name))
			continue;
		str_pad(out, ' ', 10);
		fit_write_quoted(out, kept[i].origin.name);
		str_add(out, ": ");
		fit_write_tree(out, kept[i].origin.node);
		str_add(out, "\n");
	}
	for (size_t i = 0; i < w->reaches_n; i++) {
		str_pad(out, ' ', 10);
		fit_write_quoted(out, w->reaches[i].title);
		str_add(out, ":\n");
		add_reach_number(w, out, "prefill", &w->reaches[i].prefill);
		add_reach_number(w, out, "decode", &w->reaches[i].decode);
		add_reach_number(w, out, "prompt_attention", &w->reaches[i].prefill_attention);
		add_reach_number(w, out, "token_attention", &w->reaches[i].decode_attention);
		add_reach_number(w, out, "ramp", &w->reaches[i].ramp);
		add_reach_number(w, out, "context", &w->reaches[i].context);
	}
}
