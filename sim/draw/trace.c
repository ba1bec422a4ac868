/*
 * trace.c - a schedule as a trace; see schedule.h.
 *
 * Layer draw. The start of a flow must be inside its slice, so it is one nanosecond before the end.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/map.h"
#include "sim/base/mem.h"
#include "sim/draw/schedule.h"
#include "sim/draw/trace_events.h"

struct trace {
	struct trace_events events;
	const struct schedule *s;
	size_t *pid; /* [lane]: process number, from 1 */
	size_t flows_n;
};

/* Writes the begin of an event on a lane; the caller writes the closing brace. */
static void open_event(struct trace *t, const char *phase, size_t lane)
{
	trace_events_begin(&t->events, phase, t->pid[lane], lane + 1);
}

static const char *process_name(const struct lane *lane)
{
	return lane->is_link || !lane->machine || !*lane->machine ? lane->name : lane->machine;
}

/* Numbers the processes, one for each machine, in the order of their first lanes. */
static void number_processes(struct trace *t)
{
	struct map names = MAP_INIT;

	t->pid = xcalloc(t->s->lanes_n + 1, sizeof *t->pid);
	for (size_t l = 0; l < t->s->lanes_n; l++)
		t->pid[l] = map_add(&names, process_name(&t->s->lanes[l])) + 1;
	map_release(&names);
}

static void add_lanes(struct trace *t)
{
	size_t seen = 0;

	for (size_t l = 0; l < t->s->lanes_n; l++) {
		const struct lane *lane = &t->s->lanes[l];

		if (t->pid[l] > seen) { /* the first lane of a new process */
			seen = t->pid[l];
			trace_events_name(&t->events, seen, l + 1, "process", process_name(lane), NULL);
			trace_events_rank(&t->events, seen, l + 1, "process", seen);
		}
		trace_events_name(&t->events, t->pid[l], l + 1, "thread", lane->name, lane->sub);
		trace_events_rank(&t->events, t->pid[l], l + 1, "thread", l + 1);
	}
}

/* Does a box reach into the window? */
static bool is_inside(const struct schedule *s, const struct box *box)
{
	if (s->to_ns <= s->from_ns)
		return true;
	return box->start_ns <= s->to_ns && box->end_ns >= s->from_ns &&
	       (box->start_ns < s->to_ns || box->end_ns == box->start_ns) &&
	       (box->end_ns > s->from_ns || box->end_ns == box->start_ns);
}

static void add_slice(struct trace *t, size_t i)
{
	const struct box *box = &t->s->boxes[i];
	struct str *out = t->events.out;

	open_event(t, "X", box->lane);
	trace_events_text(&t->events, "name",
			  box->label && *box->label ? box->label : box_kind_names[box->kind]);
	str_addf(out, ",\"cat\":\"%s\"", box_kind_names[box->kind]);
	trace_events_us(&t->events, "ts", box->start_ns);
	trace_events_us(&t->events, "dur", box->end_ns - box->start_ns);
	str_addf(out, ",\"args\":{\"kind\":\"%s\"", box_kind_names[box->kind]);
	if (box->letter && *box->letter)
		trace_events_text(&t->events, "letter", box->letter);
	if (box->detail && *box->detail)
		trace_events_text(&t->events, "detail", box->detail);
	str_addf(out, ",\"critical\":%s}}", box->critical ? "true" : "false");
}

/* Adds a flow from the last nanosecond of the cause to the start of the box; none if either takes no time. */
static void add_flow(struct trace *t, size_t i)
{
	const struct box *box = &t->s->boxes[i], *cause;
	sim_ns leaves_ns;

	if (box->cause == UINT32_MAX)
		return;
	BUG_ON(box->cause >= t->s->boxes_n);
	cause = &t->s->boxes[box->cause];
	if (!is_inside(t->s, cause) || cause->lane == box->lane || cause->end_ns <= cause->start_ns ||
	    box->end_ns <= box->start_ns)
		return;
	leaves_ns = cause->end_ns - 1 < box->start_ns ? cause->end_ns - 1 : box->start_ns;
	if (leaves_ns < cause->start_ns) /* the box began before its cause */
		return;
	t->flows_n++;
	open_event(t, "s", cause->lane);
	str_addf(t->events.out, ",\"name\":\"lets start\",\"cat\":\"cause\",\"id\":%zu", t->flows_n);
	trace_events_us(&t->events, "ts", leaves_ns);
	str_add(t->events.out, "}");
	open_event(t, "f", box->lane);
	str_addf(t->events.out, ",\"bp\":\"e\",\"name\":\"lets start\",\"cat\":\"cause\",\"id\":%zu",
		 t->flows_n);
	trace_events_us(&t->events, "ts", box->start_ns);
	str_add(t->events.out, "}");
}

/* The process of a machine; 0: it has no lane. */
static size_t process_of(const struct trace *t, const char *machine)
{
	for (size_t l = 0; l < t->s->lanes_n; l++)
		if (!t->s->lanes[l].is_link && !strcmp(process_name(&t->s->lanes[l]), machine))
			return t->pid[l];
	return 0;
}

/* The memory in use, in percent of what is usable, as a counter of each machine. */
static void add_memory(struct trace *t, const struct memory_track *track)
{
	const size_t process = process_of(t, track->name);

	for (size_t i = 0; process && i < track->levels_n; i++) {
		sim_ns at_ns = track->levels[i].at_ns;

		if (t->s->to_ns > t->s->from_ns) {
			if (at_ns > t->s->to_ns)
				break;
			if (at_ns < t->s->from_ns && i + 1 < track->levels_n &&
			    track->levels[i + 1].at_ns <= t->s->from_ns)
				continue;
			at_ns = at_ns < t->s->from_ns ? t->s->from_ns : at_ns;
		}
		trace_events_begin(&t->events, "C", process, 1);
		trace_events_text(&t->events, "name", track->counter ? track->counter : "memory");
		trace_events_us(&t->events, "ts", at_ns);
		str_addf(t->events.out, ",\"args\":{\"%%\":%.3f}}", 100 * track->levels[i].share);
	}
}

void schedule_trace(struct str *out, const struct schedule *s, const char *version)
{
	struct trace t = {.s = s};

	trace_events_open(&t.events, out, s->title, version);
	number_processes(&t);
	add_lanes(&t);
	for (size_t i = 0; i < s->memory_tracks_n; i++)
		add_memory(&t, &s->memory_tracks[i]);
	for (size_t i = 0; i < s->boxes_n; i++) {
		BUG_ON(s->boxes[i].lane >= s->lanes_n || s->boxes[i].kind >= BOX_KIND_N);
		if (!is_inside(s, &s->boxes[i]))
			continue;
		add_slice(&t, i);
		add_flow(&t, i);
	}
	trace_events_close(&t.events);
	free(t.pid);
}
