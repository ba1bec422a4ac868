/*
 * link.h - latency and bandwidth of TCP between two machines, measured: one serves, the other sends messages of
 * growing size and waits for an acknowledgement of each.
 *
 * Layer measure. Sizes, counts and times are bounded. A peer that goes away, is silent, or speaks another protocol is
 * an error for the side that measures; the side that serves drops it and accepts the next. The payload is random and
 * is discarded. Prints nothing.
 */
#ifndef SIM_MEASURE_LINK_H
#define SIM_MEASURE_LINK_H
#include <signal.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/calib/samples.h"

#define LINK_PORT "47110" /* the default */

struct link_options {
	double limit_s;                              /* for the whole measurement; 0: 30 s */
	int64_t largest_B;                           /* message; 0: 64 MiB, which is also the most */
	const volatile sig_atomic_t *stop;           /* polled; NULL: never */
	void (*ready)(void *self, const char *port); /* serving; may be NULL */
	void (*progress)(void *self, int64_t bytes, double done); /* measuring; may be NULL */
	void *self;
	double (*now)(void *self); /* seconds of a clock that never goes back; NULL: the system's */
	void *now_self;
};

/* Serves until one measurement is finished or *o->stop is set: 0. port "0": any free one, which ready() gets. -1 with
 * err: it cannot listen. */
int link_serve(const char *port, const struct link_options *o, struct err *err);

/* Measures against a server. address: HOST:PORT, [IPV6]:PORT or HOST. *set gets samples of SAMPLE_LINK, seconds a round
 * trip, in the arena. -1 with err: no connection, or a peer that is lost. */
int link_measure(struct arena *a, const char *address, const struct link_options *o, struct sample_set *set,
		 struct err *err);

/* Appends a hardware file with the latency and bandwidth that the samples give. -1 with err: they are of too few sizes. */
int link_yaml(const struct sample_set *set, const char *title, struct str *out, struct err *err);

#endif
