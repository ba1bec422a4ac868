/*
 * server.h - one server, one queue, first come first served; it keeps its own books.
 *
 * Layer des. The M/M/1 and M/D/1 tests stand on it, and serving uses it for what queues without a DAG.
 */
#ifndef SIM_DES_SERVER_H
#define SIM_DES_SERVER_H
#include "sim/des/engine.h"

struct server; /* opaque */

struct server *server_new(struct engine *e);
void server_free(struct server *s);

/* Queues a job of service_ns; done(self, now) fires when it leaves. done may be NULL. */
void server_submit(struct server *s, sim_ns service_ns, void (*done)(void *self, sim_ns now_ns), void *self);

struct server_books {
	uint64_t arrived, served;
	sim_ns busy_ns;  /* time with a job in service, up to now */
	double waited_s; /* sum over started jobs of time in the queue before service */
	size_t queued;   /* waiting now, the one in service excluded */
};
struct server_books server_books(const struct server *s);

#endif
