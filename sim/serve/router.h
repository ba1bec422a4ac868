/*
 * router.h - which server a request goes to.
 *
 * Layer serve. A request of a run is given to a server when it arrives, and again when its server fails.
 */
#ifndef SIM_SERVE_ROUTER_H
#define SIM_SERVE_ROUTER_H
#include "sim/serve/run.h"

struct router *router_new(struct serving *run);
void router_free(struct router *r);
void router_arrive(struct router *r, const struct request *request);
void router_stop(struct router *r); /* those on their way to a server are told as unfinished */

#endif
