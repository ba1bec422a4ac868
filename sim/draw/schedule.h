/*
 * schedule.h - a schedule as lanes and boxes, drawn as DOT text (for svg, png, pdf) or as a Perfetto trace.
 *
 * Layer draw. All fields are borrowed. Texts may contain any UTF-8; the writers escape them.
 */
#ifndef SIM_DRAW_SCHEDULE_H
#define SIM_DRAW_SCHEDULE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/str.h"
#include "sim/des/evq.h"
#include "sim/draw/look.h"

/* The kind of work of a box; it determines its colour and its word in the legend. */
enum box_kind {
	BOX_PREFILL,
	BOX_DECODE,
	BOX_FORWARD,
	BOX_BACKWARD, /* gradients of inputs and weights */
	BOX_INPUT,    /* gradients of the inputs */
	BOX_WEIGHTS,  /* gradients of the weights */
	BOX_UPDATE,
	BOX_TRANSFER,
	BOX_COPY, /* copy between host and GPU at the end of a link */
	BOX_REDUCE,
	BOX_KIND_N
};
extern const char *const box_kind_names[BOX_KIND_N + 1]; /* "prefill", ...; NULL-terminated */

struct lane {
	const char *name; /* the device, "m5", or the link's name */
	const char *sub;  /* "Apple M5 GPU, prefill", "4.7 GB/s, 300 us" */
	/* the machine, by which the trace groups lanes into processes; a link is its own */
	const char *machine;
	bool is_link;
};

struct box {
	uint32_t lane;
	enum box_kind kind;
	sim_ns start_ns, end_ns;
	const char *letter; /* text inside the box, one to three characters: "A3", "F3", "KV" */
	const char *label;  /* one line: "layer 3 attention, prefill" */
	/* more lines of the tooltip ("218.1 MFLOP", "19.9 MB"), separated by '\n'; may be NULL */
	const char *detail;
	bool critical;
	uint32_t cause; /* the box whose end it waited for, or UINT32_MAX */
	/* 0, 1 or 2, from light to dark: distinguishes parts of the model or groups of sequences on one
	 * lane */
	int shade;
};

/* The level of a memory track: memory in use from a time on, as a share of the memory; may exceed 1. */
struct level {
	sim_ns at_ns;
	double share; /* from at_ns on */
};
struct memory_track {
	const char *name, *sub; /* "m5", "of 17.8 GiB" */
	const char *note;       /* the peak, "8.29 GiB", shown at the right with its share */
	const struct level *levels;
	size_t levels_n;
	const char *counter; /* its name in a trace; NULL: "memory" */
};

/* A letter in boxes and what it means; it is explained where it is drawn. */
struct schedule_letter {
	const char *text, *word; /* "a", "attention"; word may be "" */
	bool sent; /* what a transfer sends; false: a part of the model, behind the letter of the kind */
};

/* What a reader asks of the picture; zeros stand for the usual. */
struct schedule_look {
	enum picture_style style;
	double width;        /* of the picture, in points; 0: 1,100 */
	double font_size;    /* of the letters in boxes, in points; 0: 9, down to 7.7 in a narrow picture */
	const char *caption; /* a paragraph below the picture; NULL: none */
	bool no_title, no_memory;
};

struct schedule {
	const char *title, *subtitle; /* subtitle may be NULL */
	const char *note;             /* note on what is left out, and on letters; may be NULL */
	const struct schedule_letter *letters;
	size_t letters_n;
	const char *shades;  /* what shades of boxes tell apart; NULL: there is one shade */
	const char *warning; /* in red below the title: what is wrong with it; may be NULL */
	struct schedule_look look;
	const struct memory_track *memory_tracks;
	size_t memory_tracks_n;
	const struct lane *lanes;
	size_t lanes_n;
	const struct box *boxes; /* sorted by start within each lane; boxes of one lane do not overlap */
	size_t boxes_n;
	sim_ns from_ns, to_ns; /* the window that is shown */
};

/* Appends DOT text for `dot -Kneato -n2` with fixed positions, on one page whatever the number of boxes:
 * boxes too narrow to be told apart are merged (bars.h), and arrows that would hide each other are left
 * out. */
void schedule_dot(struct str *out, const struct schedule *s);

/* Appends a trace in Chrome's JSON format, which Perfetto reads: a process for each machine, a thread for
 * each lane, a flow arrow for each cause on another lane. A box that reaches into the window is
 * written whole; others are left out. */
void schedule_trace(struct str *out, const struct schedule *s, const char *version);

#endif
