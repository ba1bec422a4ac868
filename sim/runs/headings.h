/*
 * headings.h - the chip that a heading above rows names.
 *
 * Layer runs. People paste tables of several machines under each other, "## RTX 3090" above the first and "On M2 Air" above the second,
 * and the rows do not say which they are of.
 */
#ifndef SIM_RUNS_HEADINGS_H
#define SIM_RUNS_HEADINGS_H
#include "sim/runs/ingest.h"

/* Gives rows that say neither machine nor GPU the chip that the last heading above them names; one that names several, none. */
void text_give_headings(struct reading *r, const char *text);

/* The one chip that a heading names, in the arena, "RTX 4070 Ti SUPER"; "": it names several, or more than one of it;
 * NULL: the line is no heading, or names none. */
const char *heading_chip(struct arena *a, const char *line);

/* The same of any name. */
const char *chip_in(struct arena *a, const char *name);

/* Does a name say how large a model is, "8B", "30B-A3B", "0.6b"? */
bool names_model_size(struct arena *a, const char *name);

#endif
