/* router.c - see router.h. */
#include "sim/serve/router.h"

#include "sim/base/err.h"

struct router {
	struct serving *run;
};

struct router *router_new(struct serving *run)
{
	struct router *r = xcalloc(1, sizeof *r);

	r->run = run;
	return r;
}

void router_free(struct router *r)
{
	free(r);
}

void router_arrive(struct router *r, const struct request *request)
{
	const struct waiter w = {*request, request->arrive_ns, SEQ_NONE};

	replica_arrive(&r->run->replicas[0], &w, request->arrive_ns);
}

void router_stop(struct router *r)
{
	(void)r;
}
