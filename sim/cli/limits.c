/* limits.c - see limits.h. */
#include "sim/cli/limits.h"

#include <math.h>
#include <string.h>

#include "sim/cli/cmd.h"
#include "sim/predict/job.h"
#include "sim/report/columns.h"

int limits_read(struct arena *a, const struct texts *said, struct limit_list *out)
{
	struct err err = ERR_INIT;

	*out = (struct limit_list){arena_array(a, said->n + 1, sizeof *out->at), said->n};
	for (size_t i = 0; i < said->n; i++)
		if (limit_parse(said->at[i], &out->at[i], &err) != 0)
			return complain(&err, EXIT_USAGE);
	return EXIT_FINE;
}

/* Why no assignment has a metric; NULL: some may. */
static const char *lacking(struct arena *a, const struct metric_info *m, const struct world *w)
{
	const struct job_type *job = job_types[m->job];
	const char *why;

	if (!workload_asks(&w->scenario->workload, m->job))
		return arena_printf(a, "%s asks for no %s, which %s is about", w->path, job->noun, m->name);
	why = job->lacks ? job->lacks(w, metric_index(m)) : NULL;
	return why ? arena_printf(a, "%s: %s, so there is no %s", w->path, why, m->name) : NULL;
}

/* The metrics that there may be, as far as a hint has room. */
static void hint_metrics(struct arena *a, const struct world *w, struct err *err)
{
	struct str names = STR_INIT;
	bool whole = true;

	for (size_t i = 0; i < metrics_n(); i++) {
		const char *name = metric_at(i)->name;

		if (lacking(a, metric_at(i), w))
			continue;
		whole &= names.len + strlen(name) + 8 < sizeof err->hint - strlen("metrics: ");
		if (whole)
			str_addf(&names, "%s%s", names.len ? ", " : "", name);
	}
	err_hint(err, "metrics: %s%s", names.text, whole ? "" : ", ...");
	str_release(&names);
}

int limits_apply(struct arena *a, const struct limit_list *l, const struct world *w)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < l->n; i++) {
		const char *why = lacking(a, l->at[i].metric, w);

		if (!why)
			continue;
		err_set(&err, "%s", why);
		hint_metrics(a, w, &err);
		return complain(&err, EXIT_USAGE);
	}
	return EXIT_FINE;
}

/* Appends why a row misses the limits: "tpot_s is 0.123 s"; nothing where it keeps them all. */
static void add_misses(struct str *out, const struct limit_list *l, const struct assignment_row *row)
{
	size_t n = 0;

	if (!row->fits && !row->short_phase) {
		str_add(out, "does not fit");
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		const struct metric_info *info = l->at[i].metric;
		const struct metric *m = rows_metric(row, info->name);

		if (limit_holds(&l->at[i], m ? m->value : NAN))
			continue;
		str_addf(out, "%s%s", n++ ? ", " : "", info->name);
		if (!m) {
			str_add(out, " does not apply");
			continue;
		}
		str_add(out, " is ");
		units_format_number(out, m->value);
		str_addf(out, "%s%s", *info->unit ? " " : "", info->unit);
	}
}

static const char *taken(struct arena *a, struct str *s)
{
	const char *text = arena_strdup(a, s->text);

	str_release(s);
	return text;
}

const char *limits_note(struct arena *a, const struct limit_list *l, const struct result *r, bool *kept)
{
	struct str note = STR_INIT, missed = STR_INIT, why = STR_INIT;
	size_t n = 0;

	if (!l->n)
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		str_addf(&note, "%s%s", i ? " and " : "With ", l->at[i].text);
	for (size_t i = 0; i < r->rows_n; i++) {
		str_clear(&why);
		add_misses(&why, l, &r->rows[i]);
		if (why.len)
			str_addf(&missed, "%s%s (%s)", missed.len ? "; " : "", r->rows[i].name, why.text);
		else
			str_addf(&note, "%s%s", n++ ? ", " : ": ", r->rows[i].name);
	}
	*kept |= n > 0;
	str_add(&note, n ? "" : ": none");
	if (missed.len)
		str_addf(&note, "; missed by: %s", missed.text);
	str_add(&note, ".");
	str_release(&why);
	str_release(&missed);
	return taken(a, &note);
}
