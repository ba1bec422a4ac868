/* limits.c - see limits.h. */
#include "sim/cli/limits.h"

#include <math.h>

#include "sim/cli/cmd.h"
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
		columns_number(out, m->value);
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
