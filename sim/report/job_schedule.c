/* job_schedule.c - see job_schedule.h. */
#include "sim/report/job_schedule.h"

#include <math.h>

#include "sim/report/columns.h"
#include "sim/report/lanes.h"
#include "sim/report/load_picture.h"

struct drawn_as {
	enum boxes boxes;
	bool trace, all_links;
};

/* The lanes of a run, and of the memory over its time. */
static struct schedule draw(struct arena *a, const struct job_run *r, const struct simulated *run,
			    const struct drawn_as *as)
{
	struct schedule s = lanes_of(a, run, as->boxes, as->all_links);

	if (r->memory)
		lanes_memory(a, r, &s);
	else if (as->trace)
		lanes_footprint(a, r, &s);
	return s;
}

/* The same of every micro-batch and of every operator, where the run has left some out or joins them. */
static struct schedule draw_whole(struct arena *a, const struct job_run *r, struct simulated *whole,
				  const struct drawn_as *as)
{
	struct job_run all = *r;
	struct schedule s;

	if (r->memory) {
		all.memory = arena_array(a, r->at->world->machines_n, sizeof *all.memory);
		r->type->programs->memory(a, r->at, whole->program, &whole->run, all.memory);
		/* of what does not fit, the run's world has more than the machines do */
		for (size_t i = 0; i < r->at->world->machines_n; i++)
			all.memory[i].peak.usable_B = r->memory[i].peak.usable_B;
	}
	s = draw(a, &all, whole, as);
	program_free(whole->program);
	return s;
}

struct schedule job_schedule(struct arena *a, const struct job_run *r, const struct drawn_part *part,
			     bool trace, bool all_links)
{
	const struct placement *at = r->at;
	const struct program_job *job = r->type->programs;
	const struct program_runs *runs = program_runs(r);
	const bool passes = !trace && job->many_micro_batches && job->many_micro_batches(at->world);
	const struct drawn_as as = {passes ? BOXES_PASSES : BOXES_BLOCKS, trace, all_links};
	const struct simulated *run = &runs->run[part->program];
	struct simulated *whole = simulated_whole(a, run);
	struct schedule s = whole ? draw_whole(a, r, whole, &as) : draw(a, r, run, &as);

	s.title = at->assignment->name;
	s.subtitle = arena_printf(a, "%s, %s: %s", at->world->model->title,
				  mix_names[at->world->scenario->precision.weights],
				  job->subtitle(a, at, runs, part->program));
	return s;
}

bool job_schedule_ran(const struct job_run *r, const struct drawn_part *part)
{
	const struct program_runs *runs = program_runs(r);

	return runs && runs->run[part->program].program;
}

struct placement job_schedule_roomy(struct arena *a, const struct placement *at)
{
	const double anything = 1e15; /* bytes */
	struct world *w = arena_alloc(a, sizeof *w);
	struct machine *machines = arena_array(a, at->world->machines_n, sizeof *machines);
	struct placement roomy = *at;

	*w = *at->world;
	for (size_t i = 0; i < w->machines_n; i++) {
		machines[i] = w->machines[i];
		machines[i].memory.capacity.value = machines[i].memory.usable.value = anything;
	}
	w->machines = machines;
	roomy.world = w;
	return roomy;
}

const char *job_schedule_missing(struct arena *a, struct job_run *r, const struct world *real)
{
	struct str s = STR_INIT;
	const char *text;

	for (size_t i = 0; i < real->machines_n; i++) {
		struct footprint *f = r->memory ? &r->memory[i].peak : &r->footprint[i];

		f->usable_B = real->machines[i].memory.usable.value;
		if (footprint_short_B(f) <= 0)
			continue;
		str_add(&s, s.len ? ", " : "does not fit: ");
		columns_size(&s, footprint_short_B(f));
		str_addf(&s, " short on %s", real->machines[i].origin.name);
	}
	text = s.len ? arena_strdup(a, s.text) : NULL;
	str_release(&s);
	return text;
}

static const char *load_subtitle(struct arena *a, const struct served *load)
{
	struct str s = STR_INIT;
	const char *text;

	str_addf(&s, "%s: %s", load->at->world->model->title, load->load);
	if (load->overloaded)
		str_add(&s, "; overloaded");
	if (isfinite(load->ttft_p95_s)) {
		str_add(&s, "; TTFT p95 ");
		units_format(&s, load->ttft_p95_s, DIM_TIME, 3);
	}
	if (isfinite(load->tpot_p95_s)) {
		str_add(&s, ", TPOT p95 ");
		units_format(&s, load->tpot_p95_s, DIM_TIME, 3);
	}
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

int load_schedule_dot(struct arena *a, const struct served *load, sim_ns from_ns, sim_ns to_ns,
		      const struct picture_look *look, struct str *out, struct err *err)
{
	struct load_columns columns;
	struct served_to to;
	int rc;

	load_columns_init(&columns, load->servers_n, from_ns, to_ns);
	to = load_columns_listener(&columns);
	rc = served_tell(load, from_ns, to_ns, &to, err);
	if (rc == 0)
		load_dot(out, &(struct load_picture){.title = load->at->assignment->name,
						     .subtitle = load_subtitle(a, load),
						     .servers = load->servers,
						     .servers_n = load->servers_n,
						     .columns = &columns,
						     .cut_ns = load->cut_ns,
						     .look = *look});
	load_columns_release(&columns);
	return rc;
}
