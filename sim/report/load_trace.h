/*
 * load_trace.h - a load while it is served, as a trace that ui.perfetto.dev opens.
 *
 * Layer report. A listener of predict/served.h, which writes what it is told at once. Each server is a
 * process with a track of iterations (a jump over equal ones is one slice) and counters of requests that run
 * and wait and of its KV cache; one more process has a slice for each request, with its queue, prefill and
 * decode inside, and the way of its KV cache from server to server.
 */
#ifndef SIM_REPORT_LOAD_TRACE_H
#define SIM_REPORT_LOAD_TRACE_H
#include <stdbool.h>

#include "sim/draw/trace_events.h"
#include "sim/predict/served.h"

enum { LOAD_TRACE_EVENTS = 4000000 }; /* about 600 MB */

struct load_trace {
	struct trace_events events;
	const struct served *served;
	bool full; /* LOAD_TRACE_EVENTS are written, more is left out */
};

void load_trace_open(struct load_trace *t, struct str *out, const struct served *s, const char *version);
struct served_to load_trace_listener(struct load_trace *t);
void load_trace_close(struct load_trace *t);

#endif
