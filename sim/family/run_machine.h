/*
 * run_machine.h - the machine or chip that a row of a report names, beside the machine that is asked.
 *
 * Layer family. A row may name where it ran: a machine of the catalogue in our csv, a chip as its driver or its owner
 * calls it in others ("Apple M4 Pro", "NVIDIA GeForce RTX 4090"). What is typed is read as `ask` reads it (ask/typed.h).
 * A text that the catalogue calls nothing by contradicts where it is of a chip of another number ("Tesla P40"), not where it is
 * somebody's own name of a machine.
 */
#ifndef SIM_FAMILY_RUN_MACHINE_H
#define SIM_FAMILY_RUN_MACHINE_H
#include "sim/family/fit_runtime.h"

/* Is it one chip with as many cores? Such machines differ in what fits, not in speed. */
bool machines_of_one_chip(const struct machine *a, const struct machine *b);

/* The machine of the catalogue that the text names, where it is of another chip than d; NULL: it is of the same, or the
 * text names none. The text itself where it names a chip that the catalogue has not, and that is not d's (unlike_chip.h). A text that says more than one device of it, "RTX 3090 (x2)", is itself the other. A list, "A, B", names
 * another where one of its parts does and none is of d's chip. In l's arena. */
const char *run_other_machine(struct loader *l, const char *text, const struct catalogue_device *d);

/* Does a text that names no machine as a whole say no more than one device as it is sold? Else err, which may be NULL, says
 * what: several devices, a limit of power, a variant. */
bool run_is_one(const char *text, struct err *err);

/* The machine of the catalogue that somebody means by the text, as `ask` takes it (look_up()); of several that differ in cores or
 * memory which were not typed, the least that what was said of memory does not rule out. said: NULL: nothing. *note, in l's
 * arena, says which was taken where cores or memory were left open; else NULL. NULL with err where it is none, or may be several. */
const char *run_machine_meant(struct loader *l, const char *text, const struct memory_said *said,
			      const char **note, struct err *err);

/* The same for the runs in some files, which may say how much was held; a path, or what is typed as a mapping, is taken as it
 * stands. */
const char *run_machine_typed(struct loader *l, const char *text, const struct texts *files,
			      const char **note, struct err *err);

/* The other machines that the text may mean as well as `id`, one for each chip with its number of cores, in the order of their
 * names, but those that what was said of memory rules out (NULL: nothing was); in l's arena. */
struct texts run_machines_like(struct loader *l, const char *text, const char *id,
			       const struct memory_said *said);

#endif
