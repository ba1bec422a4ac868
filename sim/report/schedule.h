/*
 * schedule.h - a schedule as lanes and boxes, and how it is drawn: DOT text (for svg, png, pdf) or a Perfetto
 * trace.
 *
 * Layer report. Everything is borrowed. Text may hold any UTF-8; the writers escape it.
 */
#ifndef SIM_REPORT_SCHEDULE_H
#define SIM_REPORT_SCHEDULE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/str.h"
#include "sim/des/evq.h"

/* What a box does; gives its colour and its word in the legend. */
enum box_kind {
	BOX_PREFILL,
	BOX_DECODE,
	BOX_FORWARD,
	BOX_BACKWARD, /* both gradients */
	BOX_INPUT,    /* those of the inputs */
	BOX_WEIGHTS,  /* those of the weights */
	BOX_UPDATE,
	BOX_TRANSFER,
	BOX_COPY, /* between host and GPU at a link's end */
	BOX_REDUCE,
	BOX_KIND_N
};
extern const char *const box_kind_names[BOX_KIND_N + 1]; /* "prefill", ...; NULL-terminated */

struct lane {
	const char *name;    /* "m5", or the link's name */
	const char *sub;     /* "Apple M5 GPU, prefill", "4.7 GB/s, 300 us" */
	const char *machine; /* the trace groups lanes of one machine into a process; a link is its own */
	bool is_link;
};

struct box {
	uint32_t lane;
	enum box_kind kind;
	sim_ns start_ns, end_ns;
	const char *letter; /* one to three characters inside the box: "A3", "F3", "KV" */
	const char *label;  /* one line: "layer 3 attention, prefill" */
	const char *
		detail; /* more lines for the tooltip ("218.1 MFLOP", "19.9 MB"), '\n' between; may be NULL */
	bool critical;
	uint32_t cause; /* the box whose end let it start, or UINT32_MAX */
	int shade; /* 0, 1, 2: darker; tells apart what one lane runs in turn: parts of a model, groups of
		      sequences */
};

/* How full something is over time: under the lanes. */
struct level {
	sim_ns at_ns;
	double share; /* of one, from then on; may be more */
};
struct memory_track {
	const char *name, *sub; /* "m5", "memory" */
	const char *note;       /* "8.29 GiB", at the right; under it its share at the peak */
	const struct level *levels;
	size_t levels_n;
};

struct schedule {
	const char *title, *subtitle; /* subtitle may be NULL */
	const char *note;             /* what is left out; may be NULL */
	const struct memory_track *memory_tracks;
	size_t strips_n;
	const struct lane *lanes;
	size_t lanes_n;
	const struct box *boxes; /* by start within each lane; boxes of one lane never overlap */
	size_t boxes_n;
	sim_ns from_ns, to_ns; /* the window shown */
};

/* DOT for `dot -Kneato -n2`: positions pinned, one page however many boxes: neighbours too narrow to be told
 * apart are drawn as one (bars.h), and arrows are left out where they would only be ink. */
void schedule_dot(struct str *out, const struct schedule *s);

/* Chrome/Perfetto trace JSON: pid = machine, tid = lane, flow arrows where a cause is on another lane.
 * All boxes, whatever the window. */
void schedule_trace(struct str *out, const struct schedule *s, const char *version);

#endif
