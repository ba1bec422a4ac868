/* engine.c - see engine.h. */
#include "sim/des/engine.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

struct engine {
	struct evq *events;
	sim_ns now_ns;
};

struct engine *engine_new(void)
{
	struct engine *e = xcalloc(1, sizeof *e);

	e->events = evq_new();
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	evq_free(e->events);
	free(e);
}

sim_ns engine_now(const struct engine *e)
{
	return e->now_ns;
}

void engine_at(struct engine *e, sim_ns at_ns, enum ev_class class, void (*fire)(void *, sim_ns), void *self)
{
	if (at_ns < e->now_ns)
		BUG("an event at %" PRId64 " ns, but it is %" PRId64 " ns already", at_ns, e->now_ns);
	evq_put(e->events, at_ns, class, fire, self);
}

void engine_after(struct engine *e, sim_ns delay_ns, enum ev_class class, void (*fire)(void *, sim_ns),
		  void *self)
{
	if (delay_ns < 0 || delay_ns > INT64_MAX - e->now_ns)
		BUG("a delay of %" PRId64 " ns at %" PRId64 " ns", delay_ns, e->now_ns);
	engine_at(e, e->now_ns + delay_ns, class, fire, self);
}

void engine_run(struct engine *e)
{
	while (evq_fire(e->events, &e->now_ns))
		;
}

uint64_t engine_fired(const struct engine *e)
{
	return evq_taken(e->events);
}
