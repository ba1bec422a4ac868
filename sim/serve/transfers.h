/*
 * transfers.h - from prefill servers to decode servers: KV caches over wires that flows share max-min.
 *
 * Layer serve. A prompt's blocks stay where it was read until their last byte has left; before the first byte
 * leaves the decode server has set blocks apart for prompt and next token. Until it has, the prompt waits
 * where it is: first come first served for each decode server. With `stream` the room is asked for when the
 * prompt is admitted, and each piece's bytes leave while the piece is computed.
 *
 * Servers that begin an iteration at one instant do so one after another, and must not see of each other
 * which was first: what the beginning of an iteration sets off here happens a nanosecond later.
 */
#ifndef SIM_SERVE_TRANSFERS_H
#define SIM_SERVE_TRANSFERS_H
#include "sim/serve/run.h"

struct transfers *transfers_new(struct serve_run_state *run);
void transfers_free(struct transfers *t);
void transfers_reads(struct serve_run_state *run, const struct replica *p,
		     int64_t at_ns); /* an iteration begins */
void transfers_prefilled(struct serve_run_state *run, uint32_t seq,
			 int64_t at_ns); /* read, and it has its first token */
void transfers_room(struct serve_run_state *run, uint32_t server, int64_t at_ns); /* it may have some now */
void transfers_retry(struct serve_run_state *run,
		     int64_t at_ns); /* there may be room, or somebody up again */
void transfers_forget(struct serve_run_state *run, uint32_t seq,
		      int64_t at_ns); /* it ended before it was sent */
void transfers_down(struct serve_run_state *run, uint32_t server, int64_t at_ns);
void transfers_stop(struct serve_run_state *run, int64_t at_ns);

#endif
