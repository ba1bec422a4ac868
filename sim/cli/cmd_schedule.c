/* cmd_schedule.c - lemursim schedule SCENARIO: the schedule of one assignment, drawn or as a trace. */
#include <stdio.h>
#include <string.h>

#include "sim/cli/cmd.h"
#include "sim/report/lanes.h"
#include "sim/report/draw.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

struct schedule_options {
	struct load_options load;
	struct output_options output;
	const char *assignment, *phase;
};

static const struct opt own[] = {
	OPT_TEXT_ROW(struct schedule_options, assignment, "assignment", 'a', "NAME",
		     "which assignment; the first if not said"),
	OPT_TEXT_ROW(struct schedule_options, phase, "phase", 0, "PHASE",
		     "generate, decode or train; the first that is asked if not said")};
static const struct opt_table tables[] = {OPTS_SET(struct schedule_options, load),
					  OPTS_PATH(struct schedule_options, load), OPT_OWN(own),
					  OPTS_OUTPUT(struct schedule_options, output)};

enum drawn { DRAWN_GENERATE, DRAWN_DECODE, DRAWN_TRAIN, DRAWN_N };
static const char *const parts[] = {
	[DRAWN_GENERATE] = "generate", [DRAWN_DECODE] = "decode", [DRAWN_TRAIN] = "train"};

static const struct simulated *choose(const struct prediction *p, const char *name, enum drawn *part)
{
	const struct simulated *of[DRAWN_N] = {&p->first, &p->later[1], &p->train};
	struct err err = ERR_INIT;

	for (int i = 0; i < DRAWN_N; i++) {
		*part = (enum drawn)i;
		if ((!name && of[i]->program) || (name && !strcmp(name, parts[i]) && of[i]->program))
			return of[i];
		if (name && !strcmp(name, parts[i])) {
			err_set(&err,
				"'%s' has no phase '%s': the scenario does not ask for it, or it does not "
				"fit",
				p->at.assignment->name, name);
			complain(&err, EXIT_NOTHING_FITS);
			return NULL;
		}
	}
	if (name) {
		err_set(&err, "unknown phase '%.40s'", name);
		err_hint(&err, "one of: generate, decode, train");
		complain(&err, EXIT_USAGE);
	} else {
		err_set(&err, "nothing of '%s' fits in memory", p->at.assignment->name);
		err_hint(&err, "'lemursim simulate' says how much is missing");
		complain(&err, EXIT_NOTHING_FITS);
	}
	return NULL;
}

/* ", 2 groups in flight, chunks of 512 tokens" */
static const char *groups_text(struct arena *a, const struct placement *at)
{
	const struct generate g = placement_generate(at);
	const long long groups = (long long)g.options.micro_batches, chunk = (long long)g.options.chunk;

	return arena_printf(a, "%s%s%s", groups > 1 ? arena_printf(a, ", %lld groups in flight", groups) : "",
			    chunk > 0 ? arena_printf(a, ", chunks of %lld tokens", chunk) : "",
			    at->draft ? arena_printf(a, ", drafts of %lld tokens by %s",
						     (long long)g.options.speculative->draft,
						     at->draft->world->model->title)
				      : "");
}

/* repeat: how often the program holds a step. */
static const char *subtitle(struct arena *a, const struct placement *at, enum drawn part, int repeat)
{
	const struct world *w = at->world;
	const struct generate *g = w->scenario->workload.generate;
	const char *groups = g ? groups_text(a, at) : "";
	const struct train *t = w->scenario->workload.train;

	if (part == DRAWN_TRAIN)
		return arena_printf(
			a, "%s: one training step, %lld x %lld tokens, %lld micro-batch%s%s", w->model->title,
			(long long)t->batch, (long long)t->tokens, (long long)t->micro_batches,
			t->micro_batches == 1 ? "" : "es in order ",
			t->micro_batches == 1 ? "" : schedule_names[placement_train(at).options.schedule]);
	if (part == DRAWN_DECODE)
		return arena_printf(a, "%s: %s in the middle of %lld tokens, batch %lld%s", w->model->title,
				    repeat > 1  ? arena_printf(a, "%d decode steps", repeat)
				    : at->draft ? "one draft and its check"
						: "one decode step",
				    (long long)g->tokens, (long long)g->batch, groups);
	return arena_printf(a, "%s: prefill of %lld tokens and the first decode step, batch %lld%s",
			    w->model->title, (long long)g->prompt, (long long)g->batch, groups);
}

static int write_picture(const struct output_options *o, const struct schedule *s)
{
	struct str out = STR_INIT;
	int rc;

	if (str_ends(o->path, ".json")) {
		schedule_trace(&out, s, VERSION);
		rc = deliver(o, &out);
	} else {
		schedule_dot(&out, s);
		rc = deliver_by(o, &out, draw_write);
	}
	str_release(&out);
	return rc;
}

static int draw(struct session *s, const struct schedule_options *o, const struct placement *at)
{
	struct prediction p;
	const struct simulated *r;
	enum drawn part;
	int rc = EXIT_USAGE;

	prediction_make(&s->arena, at, &p);
	r = choose(&p, o->phase, &part);
	if (r) {
		const struct train *t = at->world->scenario->workload.train;
		/* a trace keeps every block; a picture of many micro-batches shows their passes */
		const bool passes =
			part == DRAWN_TRAIN && t->micro_batches > 1 && !str_ends(o->output.path, ".json");
		struct schedule schedule = lanes_of(&s->arena, r, passes ? BOXES_PASSES : BOXES_BLOCKS);

		if (part == DRAWN_TRAIN)
			lanes_memory(&s->arena, &p, &schedule);

		schedule.title = at->assignment->name;
		schedule.subtitle = subtitle(&s->arena, at, part, p.programs.repeat);
		rc = write_picture(&o->output, &schedule);
	} else if (!p.generate_fits && !p.train_fits) {
		rc = EXIT_NOTHING_FITS;
	}
	prediction_release(&p);
	return rc;
}

static int cmd_schedule(const void *options, const struct texts *files)
{
	const struct schedule_options *o = options;
	const char *out = o->output.path;
	struct err err = ERR_INIT;
	struct session s;
	const struct world *w;
	const struct placement *all, *at;
	int rc = EXIT_USAGE;

	if (!out || (!draw_format(out) && !str_ends(out, ".json"))) {
		err_set(&err, out ? "cannot tell from '%.100s' what to write" : "where to? -o is missing%.0s",
			out ? out : "");
		err_hint(&err, "add -o FILE.svg, .png, .pdf, .dot or .trace.json");
		return complain(&err, EXIT_USAGE);
	}
	session_begin(&s, &o->load, &o->output);
	w = session_world(&s, &o->load.sets, files->at[0]);
	all = w ? session_placements(&s, w) : NULL;
	at = all ? session_choose(&s, all, w, o->assignment) : NULL;
	if (at)
		rc = draw(&s, o, at);
	session_end(&s);
	return rc;
}

const struct verb verb_schedule = {
	.name = "schedule",
	.arguments = "SCENARIO",
	.help = "draw the schedule: -o FILE.svg, .png, .pdf, .dot, or .trace.json for Perfetto",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct schedule_options),
	.run = cmd_schedule,
	.tries = "schedule scenarios/m5-vs-m4pro.yaml -a \"prefill M5, decode M4 Pro\" -o schedule.svg\n"};
