/*
 * trace_events.h - events of a trace in Chrome's JSON format, which ui.perfetto.dev opens.
 *
 * Layer draw. "Trace Event Format", Google, 2016. Times are microseconds with exactly three decimals, from
 * whole nanoseconds, so that nothing is rounded. Processes and threads are numbered from 1.
 */
#ifndef SIM_DRAW_TRACE_EVENTS_H
#define SIM_DRAW_TRACE_EVENTS_H
#include "sim/base/str.h"
#include "sim/des/evq.h"

struct trace_events {
	struct str *out; /* borrowed */
	size_t n;
};

void trace_events_open(struct trace_events *t, struct str *out, const char *title, const char *version);
void trace_events_close(struct trace_events *t);

/* Writes the begin of an event; the caller goes on with the functions below, and ends it with "}". */
void trace_events_begin(struct trace_events *t, const char *phase, size_t process, size_t thread);
void trace_events_value(struct trace_events *t, const char *text);                 /* "text" */
void trace_events_text(struct trace_events *t, const char *key, const char *text); /* ,"key":"text" */
void trace_events_us(struct trace_events *t, const char *key, sim_ns ns);

/* Whole events: the name of a process or a thread, "name: more", and its place among the others. what:
 * "process" or "thread"; more may be NULL. */
void trace_events_name(struct trace_events *t, size_t process, size_t thread, const char *what,
		       const char *name, const char *more);
void trace_events_rank(struct trace_events *t, size_t process, size_t thread, const char *what, size_t rank);

#endif
