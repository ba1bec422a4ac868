/* cmd_simulate.c - lemursim simulate SCENARIO...: one row for each assignment. */
#include <stdio.h>

#include "sim/cli/answer.h"

int cmd_simulate(const struct opts *o)
{
	struct str out = STR_INIT;
	enum result_format format;
	struct err err = ERR_INIT;
	int rc = choose_format(o, &format);
	bool fits = false;

	if (rc == EXIT_FINE && format == RESULT_CSV && o->files.n > 1) {
		err_set(&err, "csv takes one scenario: each has columns of its own");
		err_hint(&err, "use --format jsonl");
		rc = complain(&err, EXIT_USAGE);
	}
	if (format == RESULT_JSON && o->files.n > 1)
		str_add(&out, "[");
	for (size_t i = 0; i < o->files.n && rc == EXIT_FINE; i++) {
		struct session s;
		const struct world *w;
		const struct placement *at;
		struct answer r;

		session_begin(&s, o);
		w = session_world(&s, o, o->files.at[i]);
		at = w ? session_placements(&s, w) : NULL;
		if (at) {
			str_add(&out, !i                       ? ""
				      : format == RESULT_JSON  ? ","
				      : format == RESULT_JSONL ? ""
							       : "\n");
			r = answer_make(&s, o, at);
			result_write(&out, &r.result, format, answer_width(o));
			fits |= r.any_fits;
		}
		rc = at ? EXIT_FINE : EXIT_USAGE;
		session_end(&s);
	}
	if (format == RESULT_JSON && o->files.n > 1)
		str_add(&out, "]\n");
	if (rc == EXIT_FINE)
		rc = deliver(o, &out);
	str_release(&out);
	return rc == EXIT_FINE && !fits ? EXIT_NOTHING_FITS : rc;
}
