/*
 * doctor.h - whether a machine is in a state to be measured, and what to do where it is not.
 *
 * Layer measure. What the system says is read apart from what is made of it, so that the findings can be tested. Opens
 * each backend and closes it again; measures nothing, changes nothing, prints nothing.
 */
#ifndef SIM_MEASURE_DOCTOR_H
#define SIM_MEASURE_DOCTOR_H
#include "kernels/backend.h"
#include "sim/base/mem.h"
#include "sim/base/vec.h"

enum doctor_state { DOCTOR_FINE, DOCTOR_DOUBT, DOCTOR_BAD, DOCTOR_STATES };
extern const char *const doctor_state_names[DOCTOR_STATES]; /* "fine", "doubt", "bad" */

struct doctor_finding {
	enum doctor_state state;
	const char *what;       /* "power" */
	const char *seen;       /* "on battery" */
	const char *what_to_do; /* NULL: nothing */
};

/* What the system says; a negative number or NULL: it does not. */
struct doctor_system {
	double load;          /* runnable processes, mean of a minute */
	int64_t free_B;       /* memory that programs may take without others being paged out */
	bool memory_short;    /* the system says so itself */
	const char *compiler; /* path */
	const char *governor; /* frequency policy of the CPU under Linux */
	int64_t throttled;    /* times that a core was slowed down for heat since the system began */
	const char *
		folder_wrong; /* why the current one, in which hardware/local is made, takes no file; NULL: it does */
};
struct doctor_system doctor_system_read(struct arena *a);

struct doctor_report {
	const struct doctor_finding *at;
	size_t n;
	enum doctor_state worst;
};
struct doctor_report doctor_examine(struct arena *a, const struct backend *const *backends, size_t n,
				    const struct doctor_system *system);

#endif
