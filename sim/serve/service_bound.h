/*
 * service_bound.h - what a service cannot exceed, whatever its queue: no simulation is needed to say it.
 *
 * Layer serve. A server takes at least prompt_s for each row of a prompt that it computes and at least token_s
 * for each token of an answer but the first, which comes with the prompt; a pass that does both takes at least
 * the longer of the two. So it cannot serve more than 1 / max(prompt_s * rows, token_s * tokens) requests a
 * second of the mean length. Each latency is at least that of the request alone on an idle server. The times
 * of a pass are taken to rise with its rows and contexts, as those of the cost model do; the number of decodes,
 * where small batches may be slower than larger ones, is not: all of them up to 32 are looked at.
 */
#ifndef SIM_SERVE_SERVICE_BOUND_H
#define SIM_SERVE_SERVICE_BOUND_H
#include "sim/serve/judge.h"
#include "sim/serve/service.h"

struct service_bound {
	double prompt_s, token_s; /* at least, of a row of a prompt; of a token of an answer */
	double rows, tokens;      /* means of the load: prompt to be read, answer after its first token */
	double prompt, output;    /* means of the load as its requests say */
	double rate;              /* requests per second, at most */
	bool misses;              /* no number of such servers meets the SLO: */
	struct judge_miss miss;   /* this bound of it */
	double least;             /* seconds: the same statistic of all requests, each alone */
};

/* Of a service with one server, as calibrated, under the requests of a replication of the load. 0, or -1 with
 * err where a trace is broken. */
int service_bound_of(struct service *s, const struct serve *load, uint64_t seed, int replication,
		     struct service_bound *out, struct err *err);

#endif
