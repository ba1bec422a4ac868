/*
 * memory_tracks.h - draws memory in use over time as areas below the lanes of a schedule's picture.
 *
 * Layer draw.
 */
#ifndef SIM_DRAW_MEMORY_TRACKS_H
#define SIM_DRAW_MEMORY_TRACKS_H
#include "sim/draw/canvas.h"
#include "sim/draw/schedule.h"

struct memory_track_frame { /* the area of the tracks, in points */
	const struct schedule *s;
	double left, top, width, gutter;
};

/* Puts the tracks worth a lane into kept, which has room for all of the schedule's, and returns their number: a machine
 * that never holds 2 % of its memory has none, and is named in left_out. */
size_t memory_tracks_keep(const struct schedule *s, struct memory_track *kept, struct str *left_out);

double memory_tracks_height(size_t n); /* height of n tracks in points, 0 for none */
void memory_track_draw(struct canvas *c, const struct memory_track_frame *f, size_t i);

#endif
