/* server.c - see server.h. The queue is a ring that grows by doubling. */
#include "sim/des/server.h"

#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

struct job {
	sim_ns arrived_ns, service_ns;
	void (*done)(void *self, sim_ns now_ns);
	void *self;
};

struct server {
	struct engine *engine;
	struct job *ring;
	size_t head, n, room; /* room is a power of two */
	struct job current;   /* in service, if busy */
	bool busy;
	sim_ns started_ns; /* of the one in service */
	sim_ns busy_ns;    /* of those served */
	double waited_ns;  /* in whole ns: exact as a double up to 104 days in all */
	uint64_t arrived, served;
};

struct server *server_new(struct engine *e)
{
	struct server *s = xcalloc(1, sizeof *s);

	s->engine = e;
	return s;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	free(s->ring);
	free(s);
}

static void push(struct server *s, const struct job *job)
{
	if (s->n == s->room) {
		const size_t room = s->room ? s->room * 2 : 16;
		struct job *ring = xmalloc(room * sizeof *ring);

		for (size_t i = 0; i < s->n; i++)
			ring[i] = s->ring[(s->head + i) & (s->room - 1)];
		free(s->ring);
		s->ring = ring;
		s->room = room;
		s->head = 0;
	}
	s->ring[(s->head + s->n++) & (s->room - 1)] = *job;
}

static void finish(void *self, sim_ns now_ns);

static void start(struct server *s, const struct job *job, sim_ns now_ns)
{
	s->current = *job;
	s->busy = true;
	s->started_ns = now_ns;
	s->waited_ns += (double)(now_ns - job->arrived_ns);
	engine_after(s->engine, job->service_ns, EV_FINISH, finish, s);
}

static void finish(void *self, sim_ns now_ns)
{
	struct server *s = self;
	const struct job left = s->current;

	s->served++;
	s->busy_ns += now_ns - s->started_ns;
	s->busy = false;
	if (s->n) {
		const struct job next = s->ring[s->head];

		s->head = (s->head + 1) & (s->room - 1);
		s->n--;
		start(s, &next, now_ns);
	}
	if (left.done) /* last: it may submit again */
		left.done(left.self, now_ns);
}

void server_submit(struct server *s, sim_ns service_ns, void (*done)(void *self, sim_ns now_ns), void *self)
{
	const sim_ns now_ns = engine_now(s->engine);
	const struct job job = {now_ns, service_ns, done, self};

	BUG_ON(service_ns < 0);
	s->arrived++;
	if (s->busy)
		push(s, &job);
	else
		start(s, &job, now_ns);
}

struct server_books server_books(const struct server *s)
{
	const sim_ns serving_ns = s->busy ? engine_now(s->engine) - s->started_ns : 0;

	return (struct server_books){.arrived = s->arrived,
				     .served = s->served,
				     .busy_ns = s->busy_ns + serving_ns,
				     .waited_s = s->waited_ns / 1e9,
				     .queued = s->n};
}
