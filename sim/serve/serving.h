/*
 * serving.h - a run: servers under a load, from the first arrival until nobody is left.
 *
 * Layer serve. serve_run() is a function of its arguments: same configuration, same source, same calls of the
 * observer, whether iterations are taken in jumps or each by itself.
 */
#ifndef SIM_SERVE_SERVING_H
#define SIM_SERVE_SERVING_H
#include "sim/load/request.h"
#include "sim/serve/batch_time.h"
#include "sim/serve/settings.h"

enum serve_route {
	ROUTE_ROUND_ROBIN,
	ROUTE_RANDOM,
	ROUTE_LEAST_REQUESTS, /* fewest waiting and running */
	ROUTE_LEAST_TOKENS,   /* fewest prompt tokens of those waiting and running */
	ROUTE_TWO_CHOICES,    /* of two drawn at random, the one with fewer requests */
	ROUTE_PREFIX,         /* longest beginning in its prefix cache, then fewest requests */
	ROUTE_SESSION,        /* a conversation stays where it began */
	ROUTE_N
};

struct serve_server {
	const struct serve_settings *set;
	const struct batch_time *time;
	enum serve_pool pool; /* prefill and decode pools together, or neither */
	/* Servers of one number, from 1, are the batches in flight of one pipeline: they share its stages. 0:
	 * the server has its devices alone. */
	size_t pipeline;
	int64_t weight; /* requests that it is sent against those of the others; 0: 1 */
};

/* From prefill server i to decode server j, both counted within their pools. */
struct serve_path {
	const size_t *wires; /* indices in serve_links.Bps */
	size_t wires_n;      /* 0: the same memory, nothing is sent */
	int64_t latency_ns;
};

struct serve_links {
	const double *Bps; /* capacity of each wire; flows share it max-min */
	size_t wires_n;
	const struct serve_path *paths; /* [prefill server * decode servers + decode server] */
	double kv_B_per_token, kv_B_per_sequence;
	int64_t relay_fs_per_token; /* copying into the other side's format */
	bool stream; /* pieces leave while the rest is read; else all when the prompt is read */
	bool first_token_by_decode; /* shown after the transfer; else before it */
};

struct serve_down {
	size_t server;
	int64_t from_ns, for_ns;
};

struct serve_config {
	const struct serve_server *servers;
	size_t servers_n;
	enum serve_route route, route_decode; /* requests to servers; hand-overs to decode servers */
	int64_t refresh_ns;                   /* the router sees loads up to this old; 0: as they are */
	struct serve_links links;
	const struct serve_down *downs; /* by from_ns */
	size_t downs_n;
	uint64_t seed;            /* seed for the router and for drafts */
	int64_t until_ns;         /* the run ends here; 0: when nobody is left */
	bool each_iteration;      /* no jumps */
	const volatile int *stop; /* the run ends soon after this becomes non-zero; may be NULL */
};

/* Of one server, over the whole run. Exact integers. */
struct serve_books {
	int64_t busy_ns; /* in iterations */
	int64_t iterations, jumps;
	int64_t rows_read; /* prompt tokens computed, those read again included */
	int64_t tokens;    /* tokens generated */
	int64_t blocks_taken, blocks_given;
	int64_t kv_block_ns; /* integral of the KV blocks in use */
	int64_t most_blocks;
	int64_t preemptions, refused, ended;
	int64_t sequence_iterations; /* decodes summed over iterations that decode */
	int64_t decode_iterations;
};

struct serve_result {
	int64_t end_ns; /* the last event */
	bool stopped;   /* by until_ns or stop: those in the system were told as unfinished */
	int64_t arrived, finished, refused, truncated, unfinished;
	struct serve_books *books; /* per server; the caller's, servers_n of them */
};

struct err;
/* Checks the configuration: 0, or -1 and err says which setting of which server cannot be. */
int serve_check(const struct serve_config *c, struct err *err);
void serve_run(const struct serve_config *c, const struct request_source *source,
	       const struct observer *observer, struct serve_result *result);

#endif
