/*
 * flow.h - fluid flows over shared wires: rates are max-min fair (progressive filling, Bertsekas & Gallager,
 * "Data Networks", 2nd ed., section 6.5.2), recomputed when a flow starts or ends: for the flows whose rate that changes,
 * as far as these can be told from the others.
 *
 * Layer des. The fluid model holds for transfers long against a packet; latency is not its affair.
 */
#ifndef SIM_DES_FLOW_H
#define SIM_DES_FLOW_H
#include <stddef.h>

#include "sim/des/engine.h"

struct flownet; /* opaque */

struct flownet *flownet_new(struct engine *e);
void flownet_free(struct flownet *net);

size_t flownet_wire(struct flownet *net,
		    double capacity_Bps); /* adds a wire; returns its index; capacity > 0 */

/* Sends bytes (> 0) over every wire in path (n >= 0 of them), at no more than cap_Bps (> 0; INFINITY is
 * allowed when n > 0). done(self, now) fires when the last byte is through. path is copied. */
void flownet_send(struct flownet *net, const size_t *path, size_t n, double bytes, double cap_Bps,
		  void (*done)(void *self, sim_ns now_ns), void *self);

double flownet_carried_B(const struct flownet *net, size_t wire); /* bytes of finished flows over it */

/* Flows under way, and the rate of one of them; *self: as it was sent with. For tests. */
size_t flownet_under_way(const struct flownet *net);
double flownet_rate_Bps(const struct flownet *net, size_t i, void **self);

/* The allocation itself, pure: rates[f] for flows f with paths paths[f][0..path_n[f]-1] and caps. For tests.
 */
void flow_max_min(const double *capacity, size_t wires_n, const size_t *const *paths, const size_t *path_n,
		  const double *caps, size_t flows_n, double *rates);

#endif
