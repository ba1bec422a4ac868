/* cmd_schedule.c - lemursim schedule SCENARIO: the schedule of one assignment, drawn or as a trace. */
#include <stdio.h>
#include <string.h>

#include "sim/cli/cmd.h"
#include "sim/predict/predict.h"
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

/* A program of a job, as it can be drawn. */
struct drawn {
	const struct job_run *run;
	const struct drawn_part *part;
};

static void complain_unknown(const char *name)
{
	struct str known = STR_INIT;
	struct err err = ERR_INIT;

	for (int j = 0; j < JOB_N; j++)
		for (size_t i = 0; job_types[j]->programs && i < job_types[j]->programs->parts_n; i++)
			str_addf(&known, "%s%s", known.len ? ", " : "",
				 job_types[j]->programs->parts[i].name);
	err_set(&err, "unknown phase '%.40s'", name);
	err_hint(&err, "one of: %s", known.text);
	complain(&err, EXIT_USAGE);
	str_release(&known);
}

/* The part of that name, or the first that ran; false with a complaint: there is none. */
static bool choose(const struct prediction *p, const char *name, struct drawn *out)
{
	struct err err = ERR_INIT;

	for (int j = 0; j < JOB_N; j++) {
		const struct program_job *job = job_types[j]->programs;

		for (size_t i = 0; job && i < job->parts_n; i++) {
			const struct program_runs *runs = program_runs(&p->jobs[j]);
			const bool ran = runs && runs->run[job->parts[i].program].program;

			*out = (struct drawn){&p->jobs[j], &job->parts[i]};
			if (ran && (!name || !strcmp(name, job->parts[i].name)))
				return true;
			if (!name || strcmp(name, job->parts[i].name) != 0)
				continue;
			err_set(&err,
				"'%s' has no phase '%s': the scenario does not ask for it, or it does not "
				"fit",
				p->at.assignment->name, name);
			complain(&err, EXIT_NOTHING_FITS);
			return false;
		}
	}
	if (name) {
		complain_unknown(name);
		return false;
	}
	if (p->jobs[JOB_SERVE].asked && p->jobs[JOB_SERVE].fits) {
		err_set(&err, "'%s' serves: no two iterations need be alike, so there is no schedule to draw",
			p->at.assignment->name);
		err_hint(&err, "'lemursim simulate --requests FILE.csv' writes when each request was served");
		complain(&err, EXIT_USAGE);
		return false;
	}
	err_set(&err, "nothing of '%s' fits in memory", p->at.assignment->name);
	err_hint(&err, "'lemursim simulate' says how much is missing");
	complain(&err, EXIT_NOTHING_FITS);
	return false;
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

static struct schedule schedule_of(struct arena *a, const struct drawn *d, bool trace)
{
	const struct placement *at = d->run->at;
	const struct program_job *job = d->run->type->programs;
	const struct program_runs *runs = program_runs(d->run);
	/* a trace keeps every block; a picture of many micro-batches shows their passes */
	const bool passes = !trace && job->many_micro_batches && job->many_micro_batches(at->world);
	struct schedule s = lanes_of(a, &runs->run[d->part->program], passes ? BOXES_PASSES : BOXES_BLOCKS);

	if (d->run->memory)
		lanes_memory(a, d->run, &s);
	s.title = at->assignment->name;
	s.subtitle = arena_printf(a, "%s, %s: %s", at->world->model->title,
				  mix_names[at->world->scenario->precision.weights],
				  job->subtitle(a, at, runs, d->part->program));
	return s;
}

static int draw(struct session *s, const struct schedule_options *o, const struct placement *at)
{
	struct prediction p;
	struct drawn drawn;
	int rc;

	prediction_make(&s->arena, at, &p);
	if (choose(&p, o->phase, &drawn)) {
		const struct schedule schedule =
			schedule_of(&s->arena, &drawn, str_ends(o->output.path, ".json"));

		rc = write_picture(&o->output, &schedule);
	} else {
		rc = prediction_fits(&p) ? EXIT_USAGE : EXIT_NOTHING_FITS;
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
