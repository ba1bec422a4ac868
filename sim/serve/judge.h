/*
 * judge.h - an early verdict: does it follow, before a run ends, that the run will miss its SLO?
 *
 * Layer serve. The verdict of a run is on the requests that were sent after its warm-up, which steady.h cuts
 * no later than the middle of the arrivals. A request sent after the middle is therefore judged in any case.
 * A quantile of type 7 of n values is above a bound where n - floor((n - 1) share) of them are, a number that
 * does not fall as n grows; n is at most the requests of the class. Once that many of the later requests have
 * missed the bound, no end of the run can meet it.
 */
#ifndef SIM_SERVE_JUDGE_H
#define SIM_SERVE_JUDGE_H
#include "sim/base/err.h"
#include "sim/load/request.h"
#include "sim/world/serve.h"

struct judge;

/* For one replication of a load, whose requests it reads through once where that tells their times before the
 * run. Of users, whose requests come as they are answered, every one has to miss a bound, or none is known to
 * fail early. NULL with err where a trace cannot be read. */
struct judge *judge_new(const struct serve *load, uint64_t seed, int replication, struct err *err);
void judge_free(struct judge *j); /* NULL is fine */

struct judged { /* of one request: seconds, or at least so many; tpot NAN of one token */
	double ttft, tpot, e2el;
};
/* The request has these latencies, or longer ones. */
void judge_add(struct judge *j, const struct request *r, const struct judged *at);

/* Sees a run; *judge_stop() becomes 1 when its verdict is certain. A request that is refused or cut short ends
 * it too: a load is held only where all are answered. */
struct observer judge_observer(struct judge *j);
const volatile int *judge_stop(const struct judge *j);

/* The bound that will be missed; false where none is certain to be. */
struct judge_miss {
	enum slo_metric metric;
	enum slo_stat stat;
	double bound;      /* seconds */
	uint32_t class_id; /* the class of the load that misses it */
	bool unserved;     /* a request was refused or cut short: the others do not count */
};
bool judge_missed(const struct judge *j, struct judge_miss *out);

#endif
