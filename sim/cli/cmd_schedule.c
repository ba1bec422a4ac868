/* cmd_schedule.c - lemursim schedule SCENARIO: the schedule of one assignment, drawn or as a trace. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/cli/cmd.h"
#include "sim/draw/draw.h"
#include "sim/draw/lane_choice.h"
#include "sim/predict/predict.h"
#include "sim/predict/served.h"
#include "sim/report/job_schedule.h"
#include "sim/report/load_trace.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

struct schedule_options {
	struct load_options load;
	struct output_options output;
	const char *assignment, *phase, *from, *to;
	struct look_options look;
	struct texts lanes;
	bool no_memory, anyway;
};

static const struct opt own[] = {
	OPT_TEXT_ROW(struct schedule_options, assignment, "assignment", 'a', "NAME",
		     "which assignment; the first if not said"),
	OPT_TEXT_ROW(struct schedule_options, phase, "phase", 0, "PHASE",
		     "generate, decode, train or serve; the first that is asked if not said"),
	OPT_TEXT_ROW(
		struct schedule_options, from, "from", 0, "TIME",
		"where the picture begins, such as \"90 s\"; of a load, if not said, where what is measured "
		"begins"),
	OPT_TEXT_ROW(struct schedule_options, to, "to", 0, "TIME", "where it ends; with the run if not said"),
	OPT_FLAG_ROW(struct schedule_options, anyway, "anyway", 0,
		     "draw an assignment that does not fit, with a mark that says so")};
static const struct opt of_boxes[] = {
	OPT_TEXTS_ROW(struct schedule_options, lanes, "lanes", 0, "NAME",
		      "only the lanes of this machine, device or link; may be given again"),
	OPT_FLAG_ROW(struct schedule_options, no_memory, "no-memory", 0,
		     "without the memory in use on each machine")};
static const struct opt_table tables[] = {OPTS_SET(struct schedule_options, load),
					  OPTS_PATH(struct schedule_options, load),
					  OPT_OWN(own),
					  OPTS_LOOK(struct schedule_options, look),
					  OPT_OWN(of_boxes),
					  OPTS_OUTPUT(struct schedule_options, output)};

static bool writes_trace(const struct output_options *o)
{
	return o->path && str_ends(o->path, ".json");
}

/* A program of a job, as it can be drawn. */
struct drawn {
	const struct job_run *run;
	const struct drawn_part *part;
};

/* ---- the part of the time that is shown ---- */

struct window {
	sim_ns from_ns, to_ns;
};

static int read_time(const char *option, const char *text, sim_ns *at_ns)
{
	struct err err = ERR_INIT, out = ERR_INIT;
	double s;

	if (!text)
		return EXIT_FINE;
	if (units_parse(text, DIM_TIME, &s, &err) == 0 && s >= 0 && s < 9e9) {
		*at_ns = llround(s * 1e9);
		return EXIT_FINE;
	}
	err_set(&out, "--%s: %s", option, err.msg[0] ? err.msg : "expected a time from 0 s on");
	if (err.hint[0])
		err_hint(&out, "%s", err.hint);
	return complain(&out, EXIT_USAGE);
}

/* What --from and --to say instead of the window; an exit code. */
static int window_asked(const struct schedule_options *o, struct window *w)
{
	const sim_ns end_ns = w->to_ns;
	struct err err = ERR_INIT;

	if (read_time("from", o->from, &w->from_ns) != EXIT_FINE ||
	    read_time("to", o->to, &w->to_ns) != EXIT_FINE)
		return EXIT_USAGE;
	if (w->to_ns > end_ns)
		w->to_ns = end_ns;
	if (w->from_ns < w->to_ns || (!o->from && !o->to))
		return EXIT_FINE;
	if (w->from_ns >= end_ns)
		err_set(&err, "nothing happens after %.9g s", (double)w->from_ns / 1e9);
	else
		err_set(&err, "--to %.9g s is not after --from %.9g s", (double)w->to_ns / 1e9,
			(double)w->from_ns / 1e9);
	err_hint(&err, "the run ends at %.9g s", (double)end_ns / 1e9);
	return complain(&err, EXIT_USAGE);
}

static void complain_unknown(const char *name)
{
	struct str known = STR_INIT;
	struct err err = ERR_INIT;

	for (int j = 0; j < JOB_N; j++)
		for (size_t i = 0; job_types[j]->programs && i < job_types[j]->programs->parts_n; i++)
			str_addf(&known, "%s%s", known.len ? ", " : "",
				 job_types[j]->programs->parts[i].name);
	str_addf(&known, ", %s", job_name(JOB_SERVE));
	err_set(&err, "unknown phase '%.40s'", name);
	err_hint(&err, "one of: %s", known.text);
	complain(&err, EXIT_USAGE);
	str_release(&known);
}

/* ---- how it looks ---- */

/* What the options say of the look; an exit code. */
static int look_asked(const struct schedule_options *o, struct schedule_look *look)
{
	struct picture_look asked;

	if (choose_look(&o->look, &asked) != EXIT_FINE)
		return EXIT_USAGE;
	*look = (struct schedule_look){.style = asked.style,
				       .width = asked.width,
				       .font_size = asked.font_size,
				       .caption = asked.caption,
				       .no_title = asked.no_title,
				       .no_memory = o->no_memory};
	return EXIT_FINE;
}

/* These options are of programs' pictures: that of a load has no boxes, or few. */
static int check_load_options(const struct schedule_options *o)
{
	const struct {
		const char *name;
		bool given;
	} all[] = {{"no-memory", o->no_memory}, {"anyway", o->anyway}, {"lanes", o->lanes.n > 0}};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (!all[i].given)
			continue;
		err_set(&err, "--%s is not of the picture of a load", all[i].name);
		err_hint(&err, "--phase chooses another: generate, decode or train");
		return complain(&err, EXIT_USAGE);
	}
	return EXIT_FINE;
}

/* ---- programs ---- */

static void complain_absent(const struct prediction *p, const char *phase)
{
	struct err err = ERR_INIT;

	err_set(&err, "'%s' has no phase '%s': the scenario does not ask for it, or it does not fit",
		p->at.assignment->name, phase);
	complain(&err, EXIT_NOTHING_FITS);
}

/* The part of that name, or the first that ran; false with a complaint: there is none. */
static bool choose(const struct prediction *p, const char *name, struct drawn *out)
{
	struct err err = ERR_INIT;

	for (int j = 0; j < JOB_N; j++) {
		const struct program_job *job = job_types[j]->programs;

		for (size_t i = 0; job && i < job->parts_n; i++) {
			const bool ran = job_schedule_ran(&p->jobs[j], &job->parts[i]);

			*out = (struct drawn){&p->jobs[j], &job->parts[i]};
			if (ran && (!name || !strcmp(name, job->parts[i].name)))
				return true;
			if (!name || strcmp(name, job->parts[i].name) != 0)
				continue;
			complain_absent(p, name);
			return false;
		}
	}
	if (name) {
		if (!strcmp(name, job_name(JOB_SERVE)))
			complain_absent(p, name);
		else
			complain_unknown(name);
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

	if (writes_trace(o)) {
		schedule_trace(&out, s, VERSION);
		rc = deliver(o, &out);
	} else {
		schedule_dot(&out, s);
		rc = deliver_picture(o, &out);
	}
	str_release(&out);
	return rc;
}

/* Does a job that is asked for, or the one of that phase, not fit? */
static bool is_unfit(const struct prediction *p, const char *phase)
{
	for (int j = 0; j < JOB_N; j++) {
		const struct program_job *job = job_types[j]->programs;

		for (size_t i = 0; job && i < job->parts_n; i++)
			if (p->jobs[j].asked && !p->jobs[j].fits &&
			    (!phase || !strcmp(phase, job->parts[i].name)))
				return true;
	}
	return false;
}

/* real: the world as it is, where the assignment was given more memory to be drawn at all; else NULL. */
static int draw_chosen(struct session *s, const struct schedule_options *o, const struct schedule_look *look,
		       struct prediction *p, const struct world *real)
{
	struct window window = {0};
	struct schedule schedule;
	struct drawn drawn;
	const char *warning = NULL;
	struct err err = ERR_INIT;
	int rc;

	if (!choose(p, o->phase, &drawn))
		return prediction_fits(p) ? EXIT_USAGE : EXIT_NOTHING_FITS;
	if (real)
		warning = job_schedule_missing(&s->arena, &p->jobs[job_of(drawn.run)], real);
	schedule = job_schedule(&s->arena, drawn.run, drawn.part, writes_trace(&o->output), o->lanes.n > 0);
	window.to_ns = schedule.to_ns;
	rc = window_asked(o, &window);
	if (rc == EXIT_FINE && o->lanes.n && lanes_choose(&s->arena, &schedule, &o->lanes, &err) != 0)
		rc = complain(&err, EXIT_USAGE);
	schedule.look = *look;
	schedule.from_ns = window.from_ns;
	schedule.to_ns = window.to_ns;
	schedule.warning = warning;
	if (o->look.title)
		schedule.title = o->look.title;
	return rc == EXIT_FINE ? write_picture(&o->output, &schedule) : rc;
}

static int draw_programs(struct session *s, const struct schedule_options *o,
			 const struct schedule_look *look, const struct placement *at)
{
	struct placement roomy;
	struct prediction p;
	bool anyway;
	int rc;

	prediction_make(&s->arena, at, &p);
	anyway = o->anyway && is_unfit(&p, o->phase);
	if (anyway) {
		prediction_release(&p);
		roomy = job_schedule_roomy(&s->arena, at);
		prediction_make(&s->arena, &roomy, &p);
	}
	rc = draw_chosen(s, o, look, &p, anyway ? at->world : NULL);
	prediction_release(&p);
	return rc;
}

/* ---- a load ---- */

static int trace_load(const struct served *load, const struct window *w, struct str *out, struct err *err)
{
	struct load_trace trace;
	struct served_to to;
	int rc;

	load_trace_open(&trace, out, load, VERSION);
	to = load_trace_listener(&trace);
	rc = served_tell(load, w->from_ns, w->to_ns, &to, err);
	load_trace_close(&trace);
	if (rc != 0 || !trace.full)
		return rc;
	err_set(err, "the trace has more than %d events", LOAD_TRACE_EVENTS);
	return err_hint(err, "choose a part of the time: --from \"60 s\" --to \"90 s\"");
}

static int write_load(struct session *s, const struct schedule_options *o, const struct served *load)
{
	const bool trace = writes_trace(&o->output);
	struct window w = {load->cut_ns, load->end_ns};
	struct picture_look look;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	int rc = check_load_options(o);

	if (rc == EXIT_FINE)
		rc = choose_look(&o->look, &look);
	if (rc == EXIT_FINE)
		rc = window_asked(o, &w);
	if (rc == EXIT_FINE &&
	    (trace ? trace_load(load, &w, &out, &err)
		   : load_schedule_dot(&s->arena, load, w.from_ns, w.to_ns, &look, &out, &err)) != 0)
		rc = complain(&err, *session_interrupted() ? EXIT_INTERRUPTED : EXIT_USAGE);
	if (rc == EXIT_FINE)
		rc = trace ? deliver(&o->output, &out) : deliver_picture(&o->output, &out);
	str_release(&out);
	return rc;
}

static int draw_load(struct session *s, const struct schedule_options *o, const struct placement *at)
{
	struct served load;
	struct err err = ERR_INIT;
	int rc;

	session_catch_interrupt();
	if (served_make(&s->arena, at, session_interrupted(), &load, &err) == 0)
		rc = write_load(s, o, &load);
	else if (*session_interrupted())
		rc = complain(&err, EXIT_INTERRUPTED);
	else
		rc = complain(&err, load.servers_n ? EXIT_FAILED : EXIT_NOTHING_FITS);
	served_release(&load);
	return rc;
}

/* A scenario that serves and does something else too draws the load where that is asked for. */
static bool is_load(const struct world *w, const char *phase)
{
	const struct workload *load = &w->scenario->workload;

	if (!workload_asks(load, JOB_SERVE))
		return false;
	if (phase)
		return !strcmp(phase, job_name(JOB_SERVE));
	for (int j = 0; j < JOB_N; j++)
		if (job_types[j]->programs && workload_asks(load, (enum job)j))
			return false;
	return true;
}

static int cmd_schedule(const void *options, const struct texts *files)
{
	const struct schedule_options *o = options;
	const char *out = o->output.path;
	struct schedule_look look;
	struct err err = ERR_INIT;
	struct session s;
	const struct world *w;
	const struct placement *all, *at;
	int rc = EXIT_USAGE;

	if (!o->output.standard && (!out || (!draw_format(out) && !writes_trace(&o->output)))) {
		err_set(&err, out ? "cannot tell from '%.100s' what to write" : "where to? -o is missing%.0s",
			out ? out : "");
		err_hint(&err, "add -o FILE.svg, .png, .pdf, .dot or .trace.json; -o - is SVG on the "
			       "standard output");
		return complain(&err, EXIT_USAGE);
	}
	if (look_asked(o, &look) != EXIT_FINE)
		return EXIT_USAGE;
	session_begin(&s, &o->load, &o->output);
	w = session_world(&s, &o->load.sets, files->at[0]);
	all = w ? session_placements(&s, w) : NULL;
	at = all ? session_choose(&s, all, w, o->assignment) : NULL;
	if (at)
		rc = is_load(w, o->phase) ? draw_load(&s, o, at) : draw_programs(&s, o, &look, at);
	session_end(&s);
	return rc;
}

const struct verb verb_schedule = {
	.name = "schedule",
	.arguments = "SCENARIO",
	.help = "draw the schedule, or a load over time: -o FILE.svg, .png, .pdf, .dot, or .trace.json for "
		"Perfetto",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct schedule_options),
	.run = cmd_schedule,
	.tries = "schedule scenarios/m5-vs-m4pro.yaml -a \"prefill M5, decode M4 Pro\" -o schedule.svg\n"
		 "schedule scenarios/serve-mac.yaml -a \"four slots\" -o load.svg\n"};
