/* time_axis.c - see time_axis.h. */
#include "sim/draw/time_axis.h"

#include <inttypes.h>
#include <math.h>

#include "sim/base/mem.h"
#include "sim/base/units.h"
#include "sim/draw/textsize.h"

static const char grey[] = "#5a5a5a";
static const double number_room = 40; /* of one number and the gap beside it, in points */

void time_axis_add(struct str *out, sim_ns ns)
{
	units_format(out, (double)ns * 1e-9, DIM_TIME, 4);
}

double time_axis_at(const struct time_axis *a, sim_ns at_ns)
{
	return a->left + (double)(at_ns - a->from_ns) * (a->width / (double)(a->to_ns - a->from_ns));
}

static const struct unit {
	const char *name;
	sim_ns ns;
} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"\xc2\xb5s", 1000}, {"ns", 1}};

/* The largest unit that fits at least twice into the window. */
static const struct unit *unit_for(sim_ns span_ns)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(units) && span_ns < 2 * units[i].ns)
		i++;
	return &units[i];
}

sim_ns time_axis_tick(sim_ns span_ns, int most)
{
	static const int steps[] = {1, 2, 5};

	for (sim_ns ten = 1;; ten *= 10)
		for (size_t i = 0; i < ARRAY_LEN(steps); i++)
			if (span_ns / (ten * steps[i]) < most)
				return ten * steps[i];
}

/* Appends at_ns in the unit, with the decimals that a step of tick_ns needs. */
static void add_tick(struct str *out, sim_ns at_ns, sim_ns tick_ns, const struct unit *unit)
{
	sim_ns part = unit->ns;
	int decimals = 0;

	while (tick_ns % part != 0) {
		part /= 10;
		decimals++;
	}
	str_addf(out, "%" PRId64, at_ns / unit->ns);
	if (decimals)
		str_addf(out, ".%0*" PRId64, decimals, at_ns % unit->ns / part);
}

void time_axis_draw(struct canvas *c, const struct time_axis *a, double top, double bottom)
{
	const sim_ns span = a->to_ns - a->from_ns,
		     tick = time_axis_tick(span, (int)fmin(fmax(a->width / number_room, 3), 13));
	const bool relative = a->from_ns < 0 || a->from_ns / 20 > span;
	const sim_ns zero = relative ? a->from_ns : 0;
	const struct unit *unit = unit_for(span);
	const struct ink line = {.fill = "#d9dadb"};
	const struct type type = {.size = 8.5, .align = 'c', .color = grey};
	const struct type end = {.size = 8.5, .align = 'l', .color = grey};
	double unit_x = a->left + a->width + a->gutter + 2; /* or beyond the last number */
	struct str text = STR_INIT;

	for (sim_ns at = (a->from_ns - zero + tick - 1) / tick * tick; at <= a->to_ns - zero; at += tick) {
		const double x = time_axis_at(a, at + zero);

		str_clear(&text);
		add_tick(&text, at, tick, unit);
		canvas_shape(c, (struct rect){x - 0.3, top, 0.6, bottom - top + 3}, &line, NULL);
		canvas_text(c, (struct point){x, bottom + 11}, &type, text.text, NULL);
		unit_x = fmax(unit_x, x + textsize_width(text.text, type.size, false) / 2 + 4);
	}
	canvas_text(c, (struct point){unit_x, bottom + 11}, &end, unit->name, NULL);
	if (relative) {
		str_clear(&text);
		str_add(&text, "from ");
		time_axis_add(&text, zero);
		canvas_text(c, (struct point){a->left - a->gutter, bottom + 11},
			    &(struct type){.size = 8.5, .align = 'r', .color = grey}, text.text, NULL);
	}
	str_release(&text);
}
