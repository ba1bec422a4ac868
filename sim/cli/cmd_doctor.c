/* cmd_doctor.c - lemursim doctor: whether this machine is in a state to be measured, and what to do. */
#include <stdio.h>

#include "sim/cli/backends.h"
#include "sim/cli/cmd.h"
#include "sim/measure/doctor.h"

struct doctor_options {
	struct output_options output;
};

static const struct opt_table tables[] = {OPTS_OUTPUT(struct doctor_options, output)};

/* width: 0: as wide as it takes */
static void write_findings(const struct doctor_report *r, size_t width, struct str *out)
{
	enum { SEEN = 17 };
	const size_t most = width ? width : (size_t)-1;

	for (size_t i = 0; i < r->n; i++) {
		const struct doctor_finding *f = &r->at[i];

		str_addf(out, "%-5s  %-8s  ", doctor_state_names[f->state], f->what);
		str_add_wrapped(out, f->seen, SEEN, SEEN, most);
		if (!f->what_to_do)
			continue;
		str_pad(out, ' ', SEEN);
		str_add_wrapped(out, f->what_to_do, SEEN, SEEN, most);
	}
	str_add_wrapped(out,
			r->worst == DOCTOR_BAD
				? "what is bad would be in every figure"
				: "'lemursim calibrate --dry-run' shows what would be measured",
			0, 2, most);
}

static int cmd_doctor(const void *options, const struct texts *files)
{
	const struct doctor_options *o = options;
	struct arena arena = ARENA_INIT;
	const struct doctor_system system = doctor_system_read(&arena);
	const struct doctor_report r = doctor_examine(&arena, cli_backends, cli_backends_n, &system);
	struct str text = STR_INIT;
	int rc;

	if (files->n) {
		struct err err = ERR_INIT;

		err_set(&err, "doctor does not take '%.100s'", files->at[0]);
		err_hint(&err, "it looks at the machine that it runs on: lemursim doctor");
		rc = complain(&err, EXIT_USAGE);
	} else {
		write_findings(&r, (size_t)(o->output.path ? 0 : terminal_width(0)), &text);
		rc = deliver(&o->output, &text);
	}
	str_release(&text);
	rc = rc == EXIT_FINE && r.worst == DOCTOR_BAD ? EXIT_TARGET_MISSED : rc;
	arena_release(&arena);
	return rc;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.arguments = "[-o FILE]",
	.help = "is this machine fit to be calibrated? devices, power, load, memory, heat; exit 3 where not",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct doctor_options),
	.run = cmd_doctor,
	.tries = "doctor\n"};
