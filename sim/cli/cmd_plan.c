/* cmd_plan.c - lemursim plan SCENARIO: which machines hold its load for the least. */
#include "sim/cli/cmd.h"
#include "sim/plan/plan.h"
#include "sim/plan/range.h"
#include "sim/report/draw.h"
#include "sim/report/plan.h"
#include "sim/report/plan_curves.h"

struct plan_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
};

static const struct opt_table tables[] = {OPTS_SET(struct plan_options, load),
					  OPTS_PATH(struct plan_options, load),
					  OPTS_RESULT_FORMAT(struct plan_options, output),
					  OPTS_OUTPUT(struct plan_options, output),
					  OPTS_SEED(struct plan_options, draws),
					  OPTS_DRAWS(struct plan_options, draws),
					  OPTS_JOBS(struct plan_options, draws.workers)};

static bool writes_scenario(const struct plan_options *o)
{
	return o->output.path && str_ends(o->output.path, ".yaml");
}

static bool draws_picture(const struct plan_options *o)
{
	return o->output.path && draw_format(o->output.path);
}

/* The answer itself goes to the standard output. */
static bool writes_beside(const struct plan_options *o)
{
	return writes_scenario(o) || draws_picture(o);
}

static int write_scenario(const struct session *s, const struct plan_result *r)
{
	struct str text = STR_INIT;
	int rc = EXIT_FINE;

	if (r->best && r->world) {
		field_show(r->world->tree, &text);
		rc = session_deliver(s, &text);
	}
	str_release(&text);
	return rc;
}

static int draw_picture(struct session *s, struct plan_result *r)
{
	struct str text = STR_INIT;
	struct plan_range range;
	struct curves c;
	bool ran = false;
	int rc;

	for (size_t i = 0; i < r->rows_n; i++)
		ran |= r->rows[i].ran;
	if (!ran)
		return EXIT_FINE; /* the answer says why nothing was run */
	if (plan_range_of(r, &range) != 0)
		return EXIT_INTERRUPTED;
	c = plan_curves(&s->arena, r, &range);
	curves_dot(&text, &c);
	rc = deliver_by(s->output, &text, draw_write);
	str_release(&text);
	return rc;
}

static int show(struct session *s, const struct plan_options *o, struct plan_result *r,
		enum result_format format)
{
	struct output_options table = o->output;
	struct str out = STR_INIT;
	int rc;

	if (writes_beside(o))
		table.path = NULL;
	plan_write(&out, r, format, VERSION);
	rc = deliver(&table, &out);
	str_release(&out);
	if (rc == EXIT_FINE && writes_scenario(o))
		rc = write_scenario(s, r);
	if (rc == EXIT_FINE && draws_picture(o))
		rc = draw_picture(s, r);
	if (rc != EXIT_FINE || r->best)
		return rc;
	return r->nearest && r->nearest->why != PLAN_UNFIT ? EXIT_TARGET_MISSED : EXIT_NOTHING_FITS;
}

static int cmd_plan(const void *options, const struct texts *files)
{
	const struct plan_options *o = options;
	struct output_options table = o->output;
	struct plan_ask ask = {.sets = &o->load.sets,
			       .seed = o->draws.seed,
			       .draws = o->draws.n,
			       .workers = o->draws.workers,
			       .stop = session_interrupted()};
	struct plan_result r;
	struct session s;
	enum result_format format;
	int rc;

	if (writes_beside(o))
		table.path = NULL;
	rc = choose_format(&table, &format);
	if (rc != EXIT_FINE)
		return rc;
	session_begin(&s, &o->load, &o->output);
	ask.path = session_scenario(&s, files->at[0]);
	rc = session_reads(&s, ask.path);
	if (rc == EXIT_FINE) {
		session_catch_interrupt();
		if (plan_make(&s.loader, &ask, &r) == 0)
			rc = show(&s, o, &r, format);
		else
			rc = *session_interrupted() ? EXIT_INTERRUPTED : session_complain(&s);
		plan_free(&r);
	}
	session_end(&s);
	return rc;
}

const struct verb verb_plan = {
	.name = "plan",
	.arguments = "SCENARIO",
	.help = "which machines hold the load for the least; -o FILE.yaml writes the winner as a scenario, "
		"FILE.svg draws the choice",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct plan_options),
	.run = cmd_plan,
	.tries = "plan scenarios/plan-four-users-70b.yaml -o best.yaml\n"};
