/* explain.c - see explain.h. */
#include "sim/predict/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/place/what_if.h"
#include "sim/step/joined.h"
#include "sim/step/loop.h"
#include "sim/step/pass_class.h"

const char *explain_param(struct arena *a, const struct world *w, size_t source, enum param param)
{
	const struct param_source s = source_at(w, source);

	switch (s.kind) {
	case QUEUE_DEVICE:
		return arena_printf(a, "%s of %s", param_names[param], w->units[s.of].name);
	case QUEUE_LINK:
		return arena_printf(a, "%s of %s", param_names[param], w->links[s.of].origin.name);
	case QUEUE_DISK:
		return arena_printf(a, "disk of %s", w->machines[s.of].origin.name);
	}
	BUG("source kind %d", (int)s.kind);
}

/* Seconds of a message or a copy: as long as it took among others that shared its way. */
static double carried_s(const struct simulated *r, uint32_t task, const struct op_class *c)
{
	const struct task_span *span = &r->run.spans[task];

	return r->graph.tasks[task].wires_n ? sim_s_of_ns(span->end_ns - span->start_ns) : c->cost.memory.s;
}

/* Adds so many tasks of a class that are on the critical path, or are parts of one that is. */
static void add_class(const struct simulated *r, uint32_t task, uint32_t op_class, double times,
		      struct params *sum)
{
	const struct op_class *c = &r->program->op_classes.at[op_class];
	double *s = sum[c->source].of;

	if (c->kind != CLASS_OP) {
		s[c->kind == CLASS_SEND_COPY || c->kind == CLASS_RECEIVE_COPY ? PARAM_COPIES
									      : PARAM_BANDWIDTH] +=
			times * carried_s(r, task, c);
		s[PARAM_LATENCY] += times * c->lag_s;
		return;
	}
	if (c->launches) { /* the part that the device waits for */
		s[PARAM_OVERHEAD] += times * sim_s_of_ns(r->times.ns[op_class]);
		return;
	}
	s[PARAM_ARITHMETIC] += times * (cost_counted_arithmetic(&c->cost) + c->cost.apart.s);
	s[PARAM_MEMORY] += times * cost_counted_memory(&c->cost);
	s[PARAM_OVERHEAD] += times * c->cost.overhead.s;
}

static void add_classes(const struct simulated *r, uint32_t task, uint32_t op_class, double times,
			struct params *sum)
{
	struct class_part own;
	size_t n;
	const struct class_part *parts = class_parts(r->program, op_class, &own, &n);

	for (size_t k = n; k-- > 0;)
		add_class(r, task, parts[k].op_class, times * parts[k].n, sum);
}

/* Adds a task that is on the critical path; of a pass, the parts that are. spans: those of pass_spans(). */
static void add_path(const struct simulated *r, const struct task_span *spans, uint32_t task, double times,
		     struct params *sum)
{
	const struct op_class *c = &r->program->op_classes.at[r->program->tasks.at[task].op_class];
	struct pass_part own;
	size_t n;
	const struct pass_part *parts = pass_parts(r->program, task, &own, &n);

	for (size_t k = n - 1; k < n; k = parts == &own ? n : spans[c->first_part + k].cause)
		add_classes(r, task, parts[k].op_class, times, sum);
}

/* Adds up the critical path of a program that is run so many times, by source and parameter. */
static void sum_critical_path(struct arena *a, const struct simulated *r, double times, struct params *sum)
{
	const struct program *p = r->program;
	uint32_t *on_path = arena_array(a, p->tasks.n, sizeof *on_path);
	const struct task_span *spans = pass_spans(a, p, &r->times);

	loop_critical_path(p, &r->graph, &r->run, on_path);
	for (uint32_t i = (uint32_t)p->tasks.n; i-- > 0;)
		if (on_path[i])
			add_path(r, spans, i, times * (double)on_path[i], sum);
}

const char *explain_largest(struct arena *a, const struct world *w, const struct simulated *runs,
			    const double *times, size_t n)
{
	const size_t sources = program_sources(w);
	struct params *sum = arena_array(a, sources, sizeof *sum);
	size_t best = 0;

	for (size_t i = 0; i < n; i++)
		if (runs[i].program && times[i] > 0)
			sum_critical_path(a, &runs[i], times[i], sum);
	for (size_t i = 0; i < sources * PARAM_N; i++)
		if (sum[i / PARAM_N].of[i % PARAM_N] > sum[best / PARAM_N].of[best % PARAM_N])
			best = i;
	return explain_param(a, w, best / PARAM_N, (enum param)(best % PARAM_N));
}

/* "memory of m5, 3.2 GiB short": the machine that lacks most; "... while the model is loaded", where the rest would fit. */
static const char *lacking(struct arena *a, const struct world *w, const struct footprint *footprint)
{
	struct str s = STR_INIT;
	const char *text;
	size_t worst = 0;

	for (size_t i = 1; i < w->machines_n; i++)
		if (footprint_short_B(&footprint[i]) > footprint_short_B(&footprint[worst]))
			worst = i;
	units_format_memory(&s, footprint_short_B(&footprint[worst]));
	text = arena_printf(a, "memory of %s, %s short%s", w->machines[worst].origin.name, s.text,
			    footprint_rest_B(&footprint[worst]) > footprint[worst].usable_B
				    ? ""
				    : " while the model is loaded");
	str_release(&s);
	return text;
}

/* The job's own words where it ran, else the memory that it lacks. */
static const char *bound_of(struct arena *a, const struct job_run *r)
{
	return r->state ? r->type->bound(a, r) : lacking(a, r->at->world, r->footprint);
}

const char *explain_bound(struct arena *a, const struct prediction *p)
{
	const char *all = NULL;

	for (int j = 0; j < JOB_N; j++) {
		const struct job_run *r = &p->jobs[j];

		if (r->asked)
			all = all ? arena_printf(a, "%s; %s: %s", all, r->type->noun, bound_of(a, r))
				  : bound_of(a, r);
	}
	return all;
}

/* What a task of a class sends over links. */
static double class_sent_B(const struct program *p, uint32_t op_class)
{
	struct class_part own;
	size_t n;
	const struct class_part *parts = class_parts(p, op_class, &own, &n);
	double bytes = 0;

	for (size_t i = 0; i < n; i++) {
		const struct op_class *c = &p->op_classes.at[parts[i].op_class];

		bytes += c->kind == CLASS_SEND || c->kind == CLASS_REDUCE ? parts[i].n * c->bytes : 0;
	}
	return bytes;
}

static double sent_B(const struct program *p, uint32_t task)
{
	struct pass_part own;
	size_t n;
	const struct pass_part *parts = pass_parts(p, task, &own, &n);
	double bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += class_sent_B(p, parts[i].op_class);
	return bytes;
}

struct crossing explain_crossing(const struct simulated *r, double steps)
{
	struct crossing c = {0, 0};
	struct arena scratch = ARENA_INIT;
	const struct world *w;
	struct params *sum;

	if (!r->program)
		return c;
	w = r->program->world;
	sum = arena_array(&scratch, program_sources(w), sizeof *sum);
	for (uint32_t i = 0; i < r->program->tasks.n; i++)
		c.bytes += loop_times(r->program, i) * sent_B(r->program, i);
	sum_critical_path(&scratch, r, 1, sum);
	for (size_t s = w->units_n; s < w->units_n + w->links_n; s++)
		for (int i = 0; i < PARAM_N; i++)
			c.wait_s += sum[s].of[i];
	arena_release(&scratch);
	return (struct crossing){c.bytes / steps, c.wait_s / steps};
}

/* The quickest run of a job by an assignment that uses one machine; NULL if there is none. An overloaded
 * server has no time of its own (NAN) and is better than nothing. */
static const struct job_run *best_alone(const struct prediction *all, size_t n, enum job job)
{
	const size_t metric = job_types[job]->compared;
	const struct job_run *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct job_run *r = &all[i].jobs[job];

		if (prediction_machines(&all[i]) == 1 && r->state &&
		    (!best || isnan(best->values[metric]) || r->values[metric] < best->values[metric]))
			best = r;
	}
	return best;
}

static void size_text(struct str *out, double bytes)
{
	units_format(out, bytes, DIM_BYTES, 3);
}

static void seconds_text(struct str *out, double s)
{
	units_format(out, s, DIM_TIME, 3);
}

/* The share of all draws in which this run is the quicker. Both have the same draw, so errors that they share
 * cancel. */
static double share_won(const double *here, const double *there, size_t n)
{
	size_t won = 0;

	for (size_t i = 0; i < n; i++)
		won += here[i] < there[i];
	return (double)won / (double)n;
}

/* What both the calibrated values and nine in ten draws say. */
static const char *verdict_of(double gain, double won)
{
	if (gain > -0.001 && gain < 0.001)
		return "is the same";
	if (won >= 0.9 && !(gain < 0)) /* NAN: one of them is overloaded */
		return "pays";
	return won <= 0.1 && !(gain > 0) ? "does not pay" : "is too close to call";
}

/* "generation pays: 20.1 s against 24.1 s (all on M4 Pro), 1.2 times as fast, quicker in 98 % of draws" */
void explain_compare(struct str *out, const struct job_run *r, const struct job_run *alone, size_t draws)
{
	const double here = r->values[r->type->compared], there = alone->values[r->type->compared];
	const double won = share_won(r->compared, alone->compared, draws), gain = there / here - 1;

	str_addf(out, "%s %s: ", r->type->noun, verdict_of(gain, won));
	seconds_text(out, here);
	str_add(out, " against ");
	seconds_text(out, there);
	str_addf(out, " (%s)", alone->at->assignment->name);
	if (!(fabs(gain) < 0.001))
		str_addf(out, ", %s times as fast, quicker in %.0f %% of draws",
			 units_digits(there / here, 3).text, won * 100);
}

void explain_traffic(struct str *out, const char *when, const struct crossing *c)
{
	size_text(out, c->bytes);
	str_addf(out, " cross the link %s", when);
	if (c->wait_s > 0) {
		str_add(out, ", ");
		seconds_text(out, c->wait_s);
		str_add(out, " of the critical path");
	}
}

static void add_difference(struct str *out, const struct metric *m, const char *head)
{
	struct str half = STR_INIT;

	str_addf(out, "%s%s %s", out->len ? ", " : "", head, m->difference < 0 ? "-" : "+");
	seconds_text(out, fabs(m->difference));
	seconds_text(&half, m->difference_ci);
	str_addf(out, " \xc2\xb1 %s (%s)", half.text, m->best);
	str_release(&half);
}

static void differences(struct str *out, const struct assignment_row *row)
{
	for (size_t k = 0; k < row->metrics_n; k++) {
		const struct metric *m = &row->metrics[k];
		const char *head = metric_find(m->name, NULL)->head;

		if (m->best && head && m->less && !strcmp(m->unit, "s") &&
		    fabs(m->difference) > m->difference_ci)
			add_difference(out, m, head);
	}
}

struct note_list {
	struct arena *arena;
	const char *name; /* of the assignment */
	struct note *at;
	size_t n;
};

/* Adds what is said, if anything, and empties it. */
static void add_note(struct note_list *notes, const char *before, struct str *said)
{
	if (said->len)
		notes->at[notes->n++] = (struct note){
			arena_printf(notes->arena, "%s: %s%s.", notes->name, before, said->text),
			strlen(notes->name) + 2};
	str_clear(said);
}

size_t explain_notes(struct arena *a, const struct prediction *all, const struct assignment_row *rows,
		     size_t n, size_t draws, struct note *notes)
{
	struct note_list list = {.arena = a, .at = notes};
	const struct job_run *alone[JOB_N];
	struct str said = STR_INIT;

	for (int j = 0; j < JOB_N; j++)
		alone[j] = best_alone(all, n, (enum job)j);
	for (size_t i = 0; i < n; i++) {
		const char *what_if = placement_what_if(&all[i].at);

		list.name = all[i].at.assignment->name;
		str_add(&said, what_if ? what_if : "");
		add_note(&list, "simulated as a question: ", &said);
		for (int j = 0; j < JOB_N; j++) {
			const struct job_run *r = &all[i].jobs[j];

			if (r->state && r->type->remark)
				r->type->remark(&said, r);
			add_note(&list, "", &said);
			if (r->state && alone[j] && prediction_machines(&all[i]) > 1)
				r->type->verdict(&said, r, alone[j], draws);
			add_note(&list, "", &said);
		}
		differences(&said, &rows[i]);
		add_note(&list, "against the best under the same load: ", &said);
	}
	str_release(&said);
	return list.n;
}
