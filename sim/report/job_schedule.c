/* job_schedule.c - see job_schedule.h. */
#include "sim/report/job_schedule.h"

#include <math.h>

#include "sim/report/lanes.h"
#include "sim/report/load_picture.h"

struct schedule job_schedule(struct arena *a, const struct job_run *r, const struct drawn_part *part,
			     bool trace)
{
	const struct placement *at = r->at;
	const struct program_job *job = r->type->programs;
	const struct program_runs *runs = program_runs(r);
	const bool passes = !trace && job->many_micro_batches && job->many_micro_batches(at->world);
	struct schedule s = lanes_of(a, &runs->run[part->program], passes ? BOXES_PASSES : BOXES_BLOCKS);

	if (r->memory)
		lanes_memory(a, r, &s);
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
		      struct str *out, struct err *err)
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
						     .cut_ns = load->cut_ns});
	load_columns_release(&columns);
	return rc;
}
