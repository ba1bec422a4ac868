/*
 * arrivals.h - the load: requests as a scenario describes them, made one at a time.
 *
 * Layer load. Open loads (rate, every, all_at, trace) come by themselves, users ask again after an answer
 * and a pause. Every quantity has a random stream of its own, named "serve.arrivals.R",
 * "serve.CLASS.prompt.R" and so on for replication R, so that assignments, draws and rates meet common
 * random numbers: a rate twice as large has the same gaps, halved.
 *
 * Conversations: a request begins one, its later turns come when the answer before has ended and the user has
 * thought; a turn's prompt is the system prompt, all that was said, and the new text. `rate` counts all
 * turns, so conversations begin at rate * sum of share / turns. All lengths of a conversation are drawn when
 * it begins. A refused or unfinished turn ends it; a user who was refused waits a second at least.
 */
#ifndef SIM_LOAD_ARRIVALS_H
#define SIM_LOAD_ARRIVALS_H
#include "sim/base/err.h"
#include "sim/load/request.h"
#include "sim/load/trace.h"
#include "sim/world/serve.h"

struct arrivals;

/* s must be checked and outlive it. NULL with err where a trace cannot be read. */
struct arrivals *arrivals_new(const struct serve *s, uint64_t seed, int replication, struct err *err);
void arrivals_free(struct arrivals *a); /* NULL is fine */

struct request_source arrivals_source(struct arrivals *a);

uint64_t arrivals_made(const struct arrivals *a);                /* requests handed out */
struct trace_skipped arrivals_skipped(const struct arrivals *a); /* rows of a trace that are no requests */

/* A trace may turn out to be broken after some rows: no more requests come then. 0, or -1 with err. */
int arrivals_error(const struct arrivals *a, struct err *err);

/* When the last of so many requests, or the last before the load's end, is due on average, in seconds; 0 where that is
 * not known before the run. */
double arrivals_last_s(const struct serve *s, uint64_t requests);
/* A run of a load that lasts longer is refused: a clock of nanoseconds holds 292 years. */
#define ARRIVALS_LONGEST_S (280 * 365.25 * 86400)
/* Can the load be served? Reads a trace as far as a run will. `requests`: of a load without an end, the shortest run
 * of it. 0, or -1 with err. */
int arrivals_check(const struct serve *s, uint64_t requests, struct err *err);

#endif
