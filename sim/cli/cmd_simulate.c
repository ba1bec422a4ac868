/* cmd_simulate.c - lemursim simulate SCENARIO...: one row for each assignment. */
#include <stdio.h>

#include "sim/cli/cmd.h"
#include "sim/report/scenario_result.h"

struct simulate_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
};

static const struct opt_table tables[] = {OPTS_SET(struct simulate_options, load),
					  OPTS_PATH(struct simulate_options, load),
					  OPTS_RESULT_FORMAT(struct simulate_options, output),
					  OPTS_OUTPUT(struct simulate_options, output),
					  OPTS_SEED(struct simulate_options, draws),
					  OPTS_DRAWS(struct simulate_options, draws)};

static int cmd_simulate(const void *options, const struct texts *files)
{
	const struct simulate_options *o = options;
	struct str out = STR_INIT;
	enum result_format format;
	struct err err = ERR_INIT;
	int rc = choose_format(&o->output, &format);
	bool fits = false;

	if (rc == EXIT_FINE && format == RESULT_CSV && files->n > 1) {
		err_set(&err, "csv takes one scenario: each has columns of its own");
		err_hint(&err, "use --format jsonl");
		rc = complain(&err, EXIT_USAGE);
	}
	if (format == RESULT_JSON && files->n > 1)
		str_add(&out, "[");
	for (size_t i = 0; i < files->n && rc == EXIT_FINE; i++) {
		struct session s;
		const struct world *w;
		const struct placement *at;
		struct scenario_result r;

		session_begin(&s, &o->load, &o->output);
		w = session_world(&s, &o->load.sets, files->at[i]);
		at = w ? session_placements(&s, w) : NULL;
		if (at) {
			str_add(&out, !i                       ? ""
				      : format == RESULT_JSON  ? ","
				      : format == RESULT_JSONL ? ""
							       : "\n");
			r = scenario_result_make(&s.loader, at, &o->draws, VERSION);
			result_write(&out, &r.result, format, output_width(&o->output));
			fits |= r.any_fits;
		}
		rc = at ? EXIT_FINE : EXIT_USAGE;
		session_end(&s);
	}
	if (format == RESULT_JSON && files->n > 1)
		str_add(&out, "]\n");
	if (rc == EXIT_FINE)
		rc = deliver(&o->output, &out);
	str_release(&out);
	return rc == EXIT_FINE && !fits ? EXIT_NOTHING_FITS : rc;
}

const struct verb verb_simulate = {
	.name = "simulate",
	.arguments = "SCENARIO...",
	.help = "one row for each assignment: fits, how fast, what limits it, how sure",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct simulate_options),
	.run = cmd_simulate,
	.tries = "simulate scenarios/m5-vs-m4pro.yaml --set workload.generate.batch=8\n"};
