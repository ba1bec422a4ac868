/*
 * serve_words.h - the run of a load in words: where a request's time goes, what limits that, and what would change it.
 *
 * Layer predict.
 */
#ifndef SIM_PREDICT_SERVE_WORDS_H
#define SIM_PREDICT_SERVE_WORDS_H
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/serve/service.h"

/* Is every request refused, or does none come? Then a run has no latencies and no shares of time. */
bool serve_words_none_served(const struct service_summary *m);
/* "waiting for a slot (84 % of the time)": of queue, prefill and decode the one that takes most of a request's mean time, or
 * that the service is overloaded. */
const char *serve_words_bound(struct arena *a, const struct service_summary *m);
/* A sentence without its end; rows of a trace that were passed over are in it too. */
void serve_words_remark(struct str *out, const struct service *s, const struct service_summary *m);

#endif
