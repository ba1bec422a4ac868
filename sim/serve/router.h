/*
 * router.h - which server a request goes to, which decode server a read prompt goes to, and what becomes of
 * requests whose server fails.
 *
 * Layer serve. Loads are kept beside the servers, so that routing costs the logarithm of their number.
 */
#ifndef SIM_SERVE_ROUTER_H
#define SIM_SERVE_ROUTER_H
#include "sim/serve/run.h"

struct router *router_new(struct serve_run_state *run);
void router_free(struct router *r);
void router_arrive(struct router *r, const struct request *request);
void router_again(struct router *r, uint32_t seq, int64_t at_ns); /* its server failed */
/* The decode server for a prompt that has been read; SEQ_NONE: all are down. */
uint32_t router_decode(struct router *r, const struct request *request, int64_t at_ns);
void router_load(struct router *r, uint32_t server); /* its load has changed */
void router_clock(struct router *r, int64_t at_ns);  /* with refresh_ns: before anything of at_ns happens */
void router_stop(struct router *r, int64_t at_ns);   /* those without a server are told as unfinished */

#endif
