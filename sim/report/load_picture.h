/*
 * load_picture.h - a load while it is served, drawn over time as DOT text: what each server works at, requests
 * that run and wait, and the KV cache.
 *
 * Layer report. Few iterations are drawn as boxes, many as the share of time that each kind takes: the picture
 * is as large for a million requests as for a thousand. More than LOAD_APART servers share the rows of requests
 * and KV cache.
 */
#ifndef SIM_REPORT_LOAD_PICTURE_H
#define SIM_REPORT_LOAD_PICTURE_H
#include "sim/draw/look.h"
#include "sim/report/load_columns.h"

enum { LOAD_APART = 5 };

struct load_picture {
	const char *title, *subtitle;
	const struct served_server *servers;
	size_t servers_n;
	const struct load_columns *columns;
	sim_ns cut_ns; /* the start of the measurement: a mark where it lies within the window */
	struct picture_look look;
};

/* The fills of its six kinds of work and of requests. In STYLE_GREY and STYLE_PRINT their greys are LOOKS_APART apart. */
const char *load_fill(enum picture_style style, size_t i);
enum { LOAD_FILLS = 6 };

/* Appends text for `dot -Kneato -n2`. */
void load_dot(struct str *out, const struct load_picture *p);

#endif
