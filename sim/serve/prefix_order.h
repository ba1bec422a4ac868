/*
 * prefix_order.h - SGLang's order of waiting requests by what of their prompts is in the prefix cache.
 *
 * Layer serve.
 */
#ifndef SIM_SERVE_PREFIX_ORDER_H
#define SIM_SERVE_PREFIX_ORDER_H

struct replica;

/* Sorts the queue by the longest match (schedule_policy "lpm"): _sort_by_longest_prefix() and
 * _compute_prefix_matches() in python/sglang/srt/managers/schedule_policy.py, read at commit
 * 00550cd11b35def9d584bf761a1e32729c20a21d. A request with hardly a match that begins like one before it in the
 * queue goes to the end: when that one has been read, it finds its prefix in the cache. A queue of more than 128
 * stays in the order of arrival. The server has a prefix cache; its iteration is planned anew at its end, since
 * what the cache holds may change until then. */
void prefix_order(struct replica *p);

#endif
