/* cmd_roofline.c - lemursim roofline SCENARIO: ceilings, ridge points and the model's operators. */
#include "sim/cli/cmd.h"
#include "sim/draw/draw.h"
#include "sim/report/workload_roofline.h"

struct roofline_options {
	struct load_options load;
	struct output_options output;
	struct look_options look;
};

static const struct opt_table tables[] = {
	OPTS_SET(struct roofline_options, load), OPTS_PATH(struct roofline_options, load),
	OPTS_LOOK(struct roofline_options, look), OPTS_OUTPUT(struct roofline_options, output)};

enum { ROOFS_MAX = 64 }; /* beyond, the lines cannot be told apart, and labels find no place */

static int draw(struct session *s, const struct roofline_options *o, const struct picture_look *look,
		const struct world *w)
{
	struct roofline line = workload_roofline(&s->arena, w);
	struct str out = STR_INIT;
	int rc;

	line.look = *look;
	roofline_dot(&out, &line);
	rc = deliver_picture(&o->output, &out);
	str_release(&out);
	return rc;
}

static int cmd_roofline(const void *options, const struct texts *files)
{
	const struct roofline_options *o = options;
	const char *out = o->output.path;
	struct picture_look look;
	struct err err = ERR_INIT;
	struct session s;
	const struct world *w;
	int rc = EXIT_USAGE;

	if (choose_look(&o->look, &look) != EXIT_FINE)
		return EXIT_USAGE;
	if (!o->output.standard && (!out || !draw_format(out))) {
		err_set(&err, out ? "cannot tell from '%.100s' what to draw" : "where to? -o is missing%.0s",
			out ? out : "");
		err_hint(&err, "add -o FILE.svg, .png, .pdf or .dot; -o - is SVG on the standard output");
		return complain(&err, EXIT_USAGE);
	}
	session_begin(&s, &o->load, &o->output);
	w = session_world(&s, &o->load.sets, files->at[0]);
	if (w && w->units_n > ROOFS_MAX) {
		err_set(&err, "%s has %zu devices, up to %d can be drawn", w->path, w->units_n, ROOFS_MAX);
		complain(&err, EXIT_USAGE);
	} else if (w && scenario_check_placed(&s.loader, w) != 0) {
		rc = session_complain(&s);
	} else if (w) {
		rc = draw(&s, o, &look, w);
	}
	session_end(&s);
	return rc;
}

const struct verb verb_roofline = {
	.name = "roofline",
	.arguments = "SCENARIO",
	.help = "draw ceilings, ridge points and operators: -o FILE.svg, .png, .pdf, .dot",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct roofline_options),
	.run = cmd_roofline,
	.tries = "roofline scenarios/m5-vs-m4pro.yaml -o roofline.svg\n"};
