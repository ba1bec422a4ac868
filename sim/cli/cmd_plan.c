/* cmd_plan.c - lemursim plan SCENARIO: which machines hold its load for the least. */
#include "sim/cli/plan_shares.h"
#include "sim/draw/draw.h"
#include "sim/plan/plan.h"
#include "sim/plan/range.h"
#include "sim/report/plan.h"
#include "sim/report/plan_curves.h"

static const struct opt shards[] = {
	OPT_TEXT_ROW(
		struct plan_options, shard, "shard", 0, "K/N",
		"look at the K-th of N shares of the fleets, a line each into -o FILE.jsonl, for 'merge'; "
		"auto: as mpirun, srun or an array job says"),
	OPT_FLAG_ROW(struct plan_options, resume, "resume", 0,
		     "with --shard: go on with FILE.jsonl, which was broken off")};
static const struct opt_table tables[] = {
	OPTS_SET(struct plan_options, load),      OPT_OWN(shards),
	OPTS_PATH(struct plan_options, load),     OPTS_RESULT_FORMAT(struct plan_options, output),
	OPTS_OUTPUT(struct plan_options, output), OPTS_SEED(struct plan_options, draws),
	OPTS_DRAWS(struct plan_options, draws),   OPTS_JOBS(struct plan_options, draws.workers)};

static bool writes_scenario(const struct output_options *o)
{
	return o->path && str_ends(o->path, ".yaml");
}

static bool draws_picture(const struct output_options *o)
{
	return o->path && draw_format(o->path);
}

bool plan_writes_beside(const struct output_options *o)
{
	return writes_scenario(o) || draws_picture(o);
}

static int write_scenario(const struct output_options *o, const struct plan_result *r)
{
	struct str text = STR_INIT;
	int rc = EXIT_FINE;

	if (r->best && r->world) {
		field_show(r->world->tree, &text);
		rc = deliver(o, &text);
	}
	str_release(&text);
	return rc;
}

static int draw_picture(struct session *s, lemursim_result *answer)
{
	struct plan_result *const r = &answer->planned;
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
	c = plan_curves(&answer->arena, r, &range);
	curves_dot(&text, &c);
	rc = deliver_by(s->output, &text, draw_write);
	str_release(&text);
	return rc;
}

/* A bound on the price that leaves no machine is a target that is missed, as a budget is. */
static int exit_of(const struct plan_result *r)
{
	const struct plan_any *any = r->from.plan->scenario->plan->any;

	if (r->best)
		return EXIT_FINE;
	if (!r->nearest)
		return any && any->price ? EXIT_TARGET_MISSED : EXIT_NOTHING_FITS;
	return r->nearest->why == PLAN_UNFIT ? EXIT_NOTHING_FITS : EXIT_TARGET_MISSED;
}

int plan_show(struct session *s, const struct output_options *o, lemursim_result *answer,
	      enum result_format format)
{
	const struct plan_result *const r = &answer->planned;
	struct output_options table = *o;
	struct str out = STR_INIT;
	int rc = session_keeps_result(s, answer);

	if (rc != EXIT_FINE)
		return rc;
	if (plan_writes_beside(o))
		table.path = NULL;
	lemursim_write(&out, answer, format, table.path ? 0 : terminal_width(0));
	rc = deliver(&table, &out);
	str_release(&out);
	if (rc == EXIT_FINE && writes_scenario(o))
		rc = write_scenario(o, r);
	if (rc == EXIT_FINE && draws_picture(o))
		rc = draw_picture(s, answer);
	return rc != EXIT_FINE ? rc : exit_of(r);
}

int plan_interrupted(void)
{
	struct err err = ERR_INIT;

	err_set(&err, "interrupted before the plan was finished; nothing is written");
	err_hint(&err, "--shard 1/1 -o FILE.jsonl keeps what is found as it is found, and --resume goes on");
	return complain(&err, EXIT_INTERRUPTED);
}

static int plan_whole(const struct plan_options *o, const struct texts *files)
{
	struct output_options table = o->output;
	struct lemursim_options ask = session_options(&o->draws);
	lemursim_scenario *scenario;
	lemursim_result *r;
	struct session s;
	enum result_format format;
	int rc;

	if (plan_writes_beside(&o->output))
		table.path = NULL;
	rc = choose_format(&table, &format);
	if (rc != EXIT_FINE)
		return rc;
	session_begin(&s, &o->load, &o->output);
	scenario = session_load(&s, files->at[0]);
	session_catch_interrupt();
	ask.stop = session_interrupted();
	r = scenario ? lemursim_plan(scenario, &ask) : NULL;
	if (r)
		rc = plan_show(&s, &o->output, r, format);
	else if (*session_interrupted())
		rc = plan_interrupted();
	else
		rc = scenario ? session_lament(&s) : EXIT_USAGE;
	lemursim_result_free(r);
	session_end(&s);
	return rc;
}

static int cmd_plan(const void *options, const struct texts *files)
{
	const struct plan_options *o = options;
	struct err err = ERR_INIT;

	if (o->shard)
		return plan_share(o, files->at[0]);
	if (!o->resume)
		return plan_whole(o, files);
	err_set(&err, "--resume goes on with the file of --shard");
	err_hint(&err, "--shard 1/1 -o FILE.jsonl writes all verdicts as they are found");
	return complain(&err, EXIT_USAGE);
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
