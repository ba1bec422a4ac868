/* sweep_output.c - see sweep_output.h. */
#include "sim/cli/sweep_output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/draw/curves.h"
#include "sim/draw/draw.h"
#include "sim/report/heat.h"
#include "sim/report/sweep.h"
#include "sim/report/sweep_curves.h"

const struct opt opts_plot[1] = {
	OPT_FLAG_ROW(struct sweep_output, plot, "plot", 0,
		     "a plot of characters below the table of one axis; in a terminal without being asked")};

static bool is_picture(const struct sweep_output *o)
{
	return o->file.path && !o->file.format && draw_format(o->file.path);
}

/* Refuses what is asked of a picture where none is drawn. */
static int check_look(const struct sweep_output *o)
{
	const struct {
		const char *name;
		bool given;
	} all[] = {{"style", o->look.style != NULL}, {"title", o->look.title != NULL},
		   {"no-title", o->look.no_title},   {"caption", o->look.caption != NULL},
		   {"width", o->look.width > 0},     {"font-size", o->look.font_size > 0}};
	struct err err = ERR_INIT;
	struct picture_look look;

	for (size_t i = 0; !is_picture(o) && i < ARRAY_LEN(all); i++) {
		if (!all[i].given)
			continue;
		err_set(&err, "--%s is of a picture", all[i].name);
		err_hint(&err, "-o FILE.svg, .png, .pdf or .dot draws one");
		return complain(&err, EXIT_USAGE);
	}
	return choose_look(&o->look, &look);
}

int sweep_output_format(const struct sweep_output *o, enum result_format *format)
{
	*format = RESULT_TABLE;
	if (check_look(o) != EXIT_FINE)
		return EXIT_USAGE;
	return is_picture(o) ? EXIT_FINE : choose_format(&o->file, format);
}

static int draw_sweep(struct session *s, const struct sweep *sweep, const struct picture_look *look,
		      struct str *out)
{
	if (sweep->axes_n == 1) {
		struct curves c = sweep_curves(&s->arena, sweep);

		c.look = *look;
		curves_dot(out, &c);
	} else {
		heat_dot(out, sweep, look);
	}
	return deliver_by(s->output, out, draw_write);
}

/* Does the terminal show UTF-8, by the first of the variables that says which characters it has? */
static bool is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *said = NULL;

	for (size_t i = 0; i < ARRAY_LEN(names) && (!said || !*said); i++)
		said = getenv(names[i]);
	return said && (strstr(said, "UTF-8") || strstr(said, "utf8") || strstr(said, "utf-8") ||
			strstr(said, "UTF8"));
}

/* Below the table where somebody looks at it: one axis, a terminal or --plot. */
static void add_plot(struct session *s, const struct sweep_output *o, const struct sweep *sweep,
		     struct str *out)
{
	const bool looked_at = !o->file.path && isatty(STDOUT_FILENO);
	struct curves c;

	if (sweep->axes_n != 1 || sweep->cells_n < 2 || !(o->plot || looked_at))
		return;
	c = sweep_curves(&s->arena, sweep);
	str_add(out, "\n");
	curves_plot(out, &c, (size_t)output_width(&o->file), is_utf8());
}

int sweep_output_check(const struct sweep_output *o, size_t axes, size_t metrics)
{
	struct err err = ERR_INIT;

	if (is_picture(o) && axes > 2) {
		err_set(&err, "a picture has one axis or two, not %zu", axes);
		err_hint(&err, "set the others with --set, or write a .csv");
		return complain(&err, EXIT_USAGE);
	}
	if (is_picture(o) && axes == 2 && metrics > 1) {
		err_set(&err, "a picture of two axes has one metric, not %zu", metrics);
		err_hint(&err, "a picture for each --metric, or one axis, or a .csv");
		return complain(&err, EXIT_USAGE);
	}
	if (o->plot && axes > 1) {
		err_set(&err, "--plot has one axis, not %zu", axes);
		err_hint(&err, "-o FILE.svg draws two");
		return complain(&err, EXIT_USAGE);
	}
	return EXIT_FINE;
}

int sweep_output_deliver(struct session *s, const struct sweep_output *o, const struct sweep *sweep,
			 enum result_format format)
{
	struct picture_look look;
	struct str out = STR_INIT;
	int rc = choose_look(&o->look, &look);

	if (rc != EXIT_FINE)
		return rc;
	if (is_picture(o)) {
		rc = draw_sweep(s, sweep, &look, &out);
	} else {
		sweep_write(&out, sweep, format, o->file.path ? 0 : terminal_width(0));
		if (format == RESULT_TABLE)
			add_plot(s, o, sweep, &out);
		rc = session_deliver(s, &out);
	}
	str_release(&out);
	return rc == EXIT_FINE && !sweep_found(sweep) ? EXIT_NOTHING_FITS : rc;
}
