/*
 * link.h - what TCP does between two machines: one serves, the other sends messages of growing size and waits
 * for an acknowledgement of each.
 *
 * Sizes, counts and times are bounded; a peer that goes away, says nothing, or speaks something else is an
 * error for the side that measures, and the next caller's turn for the side that serves. Nothing is kept of
 * what is sent. Prints nothing.
 */
#ifndef SIM_MEASURE_LINK_H
#define SIM_MEASURE_LINK_H
#include <signal.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/calib/samples.h"

#define LINK_PORT "47110" /* where none is said */

struct link_options {
	double limit_s;                              /* of the whole measurement; 0: 30 s */
	int64_t largest_B;                           /* message; 0: 64 MiB, which is also the most */
	const volatile sig_atomic_t *stop;           /* polled; NULL: never */
	void (*ready)(void *self, const char *port); /* serving; may be NULL */
	void (*progress)(void *self, int64_t bytes, double done); /* measuring; may be NULL */
	void *self;
};

/* Serves until one measurement has been finished (0) or stop is set (0). port "0": any free one. -1: it
 * cannot listen. */
int link_serve(const char *port, const struct link_options *o, struct err *err);

/* address: HOST:PORT, [IPV6]:PORT or HOST. Samples of SAMPLE_LINK in the arena. */
int link_measure(struct arena *a, const char *address, const struct link_options *o, struct sample_set *set,
		 struct err *err);

/* Latency and bandwidth of the samples as a hardware file. -1: they do not make one. */
int link_yaml(const struct sample_set *set, const char *title, struct str *out, struct err *err);

#endif
