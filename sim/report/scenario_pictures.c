/* scenario_pictures.c - see scenario_pictures.h. */
#include "sim/report/scenario_pictures.h"

#include <string.h>

#include "sim/draw/draw.h"
#include "sim/plan/range.h"
#include "sim/predict/predict.h"
#include "sim/report/front_curves.h"
#include "sim/report/heat.h"
#include "sim/report/job_schedule.h"
#include "sim/report/load_quantiles.h"
#include "sim/report/plan_curves.h"
#include "sim/report/svg_inline.h"
#include "sim/report/sweep_curves.h"
#include "sim/report/workload_roofline.h"

enum {
	ROOFS_MAX = 64, /* beyond, lines cannot be told apart */
	NARROW_W = 276  /* points, the width of a phone of 400 pixels without its margins */
};

struct builder {
	struct arena *arena;
	const struct pictures_ask *ask;
	struct pictures *out;
	struct err *err;
};

/* Appends the DOT text of `what` as a reader asks it to look. 0, or -1 with err. */
typedef int picture_dot(struct str *out, const void *what, const struct picture_look *look, struct err *err);

/* A phone has no pointer that would show tooltips, which are half of a picture's bytes. */
static const char *draw_look(struct builder *b, const char *label, picture_dot *dot, const void *what,
			     const struct picture_look *look)
{
	struct str text = STR_INIT, drawn = STR_INIT, inlined = STR_INIT;
	const char *svg = NULL;

	if (dot(&text, what, look, b->err) == 0 && draw_svg(&drawn, text.text, b->err) == 0 &&
	    svg_inline(&inlined, drawn.text, label, look->width <= 0, b->err) == 0)
		svg = arena_strdup(b->arena, inlined.text);
	str_release(&text);
	str_release(&drawn);
	str_release(&inlined);
	return svg;
}

static int add_picture(struct builder *b, struct picture p, picture_dot *dot, const void *what)
{
	const char *label = arena_printf(b->arena, "%s. %s", p.name, p.caption);

	p.svg = draw_look(b, label, dot, what, &(struct picture_look){.style = STYLE_COLOUR});
	if (p.svg)
		p.narrow_svg = draw_look(b, label, dot, what,
					 &(struct picture_look){.style = STYLE_COLOUR, .width = NARROW_W});
	if (!p.svg || !p.narrow_svg)
		return -1;
	b->out->at[b->out->n++] = p;
	return 0;
}

static int curves_of(struct str *out, const void *what, const struct picture_look *look, struct err *err)
{
	struct curves c = *(const struct curves *)what;

	(void)err;
	c.look = *look;
	curves_dot(out, &c);
	return 0;
}

static bool is_full(struct builder *b)
{
	if (b->out->n < PICTURES_MAX - 3) /* room for the roofline, the latencies and a sweep */
		return false;
	b->out->left_out++;
	return true;
}

static bool is_asked(const struct builder *b, const struct placement *at)
{
	const struct texts *names = b->ask->assignments;

	return !names || !names->n || str_find(at->assignment->name, names->at, names->n) < names->n;
}

/* ---- jobs of programs ---- */

static const char plain_caption[] =
	"Each lane is a device or a link, each box a piece of work; red outlines mark the critical path.";
static const char memory_caption[] = "Each lane is a device or a link, each box a piece of work; red "
				     "outlines mark the critical path. Below, the "
				     "memory in use on each machine.";

/* Of each job the asked assignment is open, else the first that is drawn. */
static bool is_open(const struct builder *b, const struct placement *at, enum job job)
{
	const char *shown = b->ask->shown[job];
	bool any = false;

	for (size_t i = 0; i < b->out->n && !shown; i++)
		any |= b->out->at[i].of && b->out->at[i].job == job &&
		       strcmp(b->out->at[i].of, at->assignment->name) != 0;
	return shown ? !strcmp(shown, at->assignment->name) : !any;
}

static int schedule_of(struct str *out, const void *what, const struct picture_look *look, struct err *err)
{
	struct schedule s = *(const struct schedule *)what;

	(void)err;
	s.look = (struct schedule_look){.style = look->style, .width = look->width};
	schedule_dot(out, &s);
	return 0;
}

static int draw_part(struct builder *b, const struct job_run *r, const struct drawn_part *part)
{
	const struct schedule s = job_schedule(b->arena, r, part, false, false);

	return add_picture(b,
			   (struct picture){.kind = PICTURE_SCHEDULE,
					    .name = arena_printf(b->arena, "%s: %s", r->at->assignment->name,
								 part->name),
					    .caption = s.memory_tracks_n ? memory_caption : plain_caption,
					    .of = r->at->assignment->name,
					    .job = job_of(r),
					    .open = is_open(b, r->at, job_of(r))},
			   schedule_of, &s);
}

static int draw_job(struct builder *b, const struct job_run *r)
{
	const struct program_job *job = r->type->programs;

	for (size_t i = 0; job && i < job->parts_n; i++)
		if (job_schedule_ran(r, &job->parts[i]) && !is_full(b) &&
		    draw_part(b, r, &job->parts[i]) != 0)
			return -1;
	return 0;
}

static int draw_programs(struct builder *b, const struct placement *at)
{
	struct prediction p;
	int rc = 0;

	prediction_make(b->arena, at, &p);
	for (int j = 0; j < JOB_N && rc == 0; j++)
		rc = draw_job(b, &p.jobs[j]);
	prediction_release(&p);
	return rc;
}

/* ---- loads ---- */

struct drawn_load {
	struct arena *arena;
	const struct served *served;
};

static int load_of(struct str *out, const void *what, const struct picture_look *look, struct err *err)
{
	const struct drawn_load *load = what;

	return load_schedule_dot(load->arena, load->served, load->served->cut_ns, load->served->end_ns, look,
				 out, err);
}

static int draw_load(struct builder *b, const struct placement *at)
{
	struct served load;
	int rc = served_make(b->arena, at, b->ask->stop, &load, b->err);

	if (rc != 0 && !load.servers_n && !(b->ask->stop && *b->ask->stop)) {
		served_release(&load); /* it does not fit, which the table says */
		*b->err = (struct err)ERR_INIT;
		return 0;
	}
	if (rc == 0 && load.cut_ns < load.end_ns && !is_full(b))
		rc = add_picture(b,
				 (struct picture){.kind = PICTURE_LOAD,
						  .name = arena_printf(b->arena, "%s: the load over time",
								       at->assignment->name),
						  .caption =
							  "What each server works at, the requests that run "
							  "and wait, and the KV cache in use.",
						  .of = at->assignment->name,
						  .job = JOB_SERVE,
						  .open = is_open(b, at, JOB_SERVE)},
				 load_of, &(struct drawn_load){b->arena, &load});
	served_release(&load);
	return rc;
}

static int draw_latencies(struct builder *b, const struct placement *all)
{
	const struct serve_watch watch = {
		.seed = b->ask->seed, .each_iteration = b->ask->each_iteration, .stop = b->ask->stop};
	struct curves c;

	if (load_quantiles(b->arena, all, &watch, &c, b->err) != 0)
		return -1;
	return add_picture(
		b,
		(struct picture){.kind = PICTURE_LATENCY,
				 .name = "latencies of the load",
				 .caption = "The latency that a share of the requests does not exceed; "
					    "dashed where the SLO bounds it.",
				 .open = true},
		curves_of, &c);
}

static int roofline_of(struct str *out, const void *what, const struct picture_look *look, struct err *err)
{
	struct roofline line = *(const struct roofline *)what;

	(void)err;
	line.look = *look;
	roofline_dot(out, &line);
	return 0;
}

static int draw_roofline(struct builder *b, const struct world *w)
{
	const struct roofline line = workload_roofline(b->arena, w);

	return add_picture(b,
			   (struct picture){.kind = PICTURE_ROOFLINE,
					    .name = "roofline",
					    .caption = "Each line is what a device can do at an arithmetic "
						       "intensity, each mark an operator of this model.",
					    .open = true},
			   roofline_of, &line);
}

int scenario_pictures(struct arena *a, const struct placement *all, const struct pictures_ask *ask,
		      struct pictures *out, struct err *err)
{
	const struct world *w = all->world;
	const bool serves = workload_asks(&w->scenario->workload, JOB_SERVE);
	struct builder b = {.arena = a, .ask = ask, .out = out, .err = err};
	int rc = 0;

	*out = (struct pictures){.n = 0};
	for (size_t i = 0; i < w->scenario->assignments.n && rc == 0; i++) {
		if (!is_asked(&b, &all[i]))
			continue;
		rc = draw_programs(&b, &all[i]);
		if (rc == 0 && serves)
			rc = draw_load(&b, &all[i]);
	}
	if (rc == 0 && serves)
		rc = draw_latencies(&b, all);
	if (rc == 0 && w->units_n <= ROOFS_MAX)
		rc = draw_roofline(&b, w);
	return rc;
}

int plan_pictures(struct arena *a, struct plan_result *r, struct pictures *out, struct err *err)
{
	struct builder b = {.arena = a, .out = out, .err = err};
	struct plan_range range;
	struct curves c;
	bool ran = false;

	*out = (struct pictures){.n = 0};
	for (size_t i = 0; i < r->rows_n; i++)
		ran |= r->rows[i].ran;
	if (!ran)
		return 0;
	if (plan_range_of(r, &range) != 0)
		return err_set(err, "interrupted");
	c = plan_curves(a, r, &range);
	return add_picture(
		&b,
		(struct picture){.kind = PICTURE_PLAN,
				 .name = "fleets by price and by load",
				 .caption = "What each fleet holds for its price, and its latencies under "
					    "smaller and larger loads.",
				 .open = true},
		curves_of, &c);
}

int front_picture(struct arena *a, const struct result *r, struct pictures *out, struct err *err)
{
	struct builder b = {.arena = a, .out = out, .err = err};
	const struct curves c = front_curves(a, r);

	return add_picture(
		&b,
		(struct picture){.kind = PICTURE_FRONT,
				 .name = "Pareto front",
				 .caption = "Each point is an assignment that no other betters in both "
					    "goals; whiskers are P10 to P90 of the first goal.",
				 .open = true},
		curves_of, &c);
}

static int heat_of(struct str *out, const void *what, const struct picture_look *look, struct err *err)
{
	(void)err;
	heat_dot(out, what, look);
	return 0;
}

int sweep_picture(struct arena *a, const struct sweep *s, struct pictures *out, struct err *err)
{
	struct builder b = {.arena = a, .out = out, .err = err};
	struct picture p = {
		.kind = PICTURE_SWEEP, .name = arena_printf(a, "sweep: %s", s->metric), .open = true};

	if (s->axes_n > 2)
		return 0;
	if (s->axes_n == 1) {
		const struct curves c = sweep_curves(a, s);

		p.caption = "Each line is an assignment, its band P10 to P90; where two lines cross they "
			    "break even.";
		return add_picture(&b, p, curves_of, &c);
	}
	p.caption = "The best assignment of each cell and its value; a line is drawn where the best changes: "
		    "there two break even.";
	return add_picture(&b, p, heat_of, s);
}
