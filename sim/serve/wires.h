/*
 * wires.h - bytes over wires that flows share max-min, in the events of a run.
 *
 * Layer serve; rates are those of des/flow.h. They are set anew when a flow begins or ends.
 */
#ifndef SIM_SERVE_WIRES_H
#define SIM_SERVE_WIRES_H
#include "sim/serve/run.h"

struct wires; /* opaque */

struct wires *wires_new(struct serve_run_state *run, const double *Bps, size_t n);
void wires_free(struct wires *w);
/* Sends bytes (> 0) over the wires of path (n >= 1; borrowed); done(self, which, now) when the last is
 * through. */
void wires_send(struct wires *w, const size_t *path, size_t n, double bytes, int64_t at_ns,
		void (*done)(void *self, uint64_t which, int64_t now_ns), void *self, uint64_t which);
void wires_cancel(struct wires *w, uint64_t which, int64_t at_ns); /* all flows of that number */

#endif
