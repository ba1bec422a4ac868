/*
 * service_parts.h - what a service is made of. For service*.c alone.
 *
 * Layer serve.
 */
#ifndef SIM_SERVE_SERVICE_PARTS_H
#define SIM_SERVE_SERVICE_PARTS_H
#include "sim/base/vec.h"
#include "sim/serve/metrics.h"
#include "sim/serve/service.h"
#include "sim/serve/serving.h"
#include "sim/stats/summary.h"

struct service_server {
	struct placement at;
	const struct serving *how;
	const struct serve_how *said;
	enum serve_pool pool;
	struct batch_kv kv;
	struct serve_settings set;
	size_t table;    /* index in service.tables */
	size_t machine;  /* the first that it uses */
	size_t machines; /* number of machines it uses */
	size_t lane;     /* index in service.config of its first batch in flight */
	size_t lanes;    /* number of batches in flight */
	double weight;   /* for the router; 0: not said */
};

struct service_table {
	struct batch_cost *cost;
	struct batch_time time;
};

struct service {
	const struct world *world;
	const struct assignment *from;
	struct service_server *servers;
	size_t servers_n;
	struct service_table *tables;
	size_t tables_n;
	struct serve_server
		*config; /* as the engine takes them: one for each batch in flight of each server */
	size_t config_n;
	size_t *server_of; /* server of each entry of config */
	struct serve_down *downs;
	size_t downs_n;
	double *Bps; /* bandwidth of each direction of each link */
	struct serve_path *paths;
	double *busy_ns;
	double *each;     /* [replication * SERVICE_VALUES + value] of the last run */
	double *of_class; /* service_summary.of_class and half_of_class, one after the other */
	bool drawn;       /* the tables are those of a draw */
	struct service **
		like; /* of a join, which has no tables of its own: [table], whose it is; NULL: this is none */
	double kv_blocks;     /* blocks of all servers that keep caches */
	struct service *twin; /* another thread's; NULL: none yet. It has the next one */
	struct arena memory;  /* a twin's own */
};

/* Of the KV cache, the scenario's words, the runtime's, and the entries of the model's vocabulary. */
struct serve_settings service_settings_of(struct arena *a, const struct serving *how,
					  const struct serve_how *said, const struct batch_kv *kv,
					  int64_t vocabulary);

/* Seconds of a pass: from its begin to its end, or how long it keeps others from following, which of a pipeline
 * with several batches in flight is its longest stage. */
typedef double service_pass_s(const struct service_server *v, const struct batch_time *t,
			      const struct batch_mix *mix);
service_pass_s service_pass_ends_s, service_pass_holds_s;
/* The same of all passes that read a prompt of so many tokens alone, in the pieces that the settings allow. */
double service_prefill_s(const struct service_server *v, const struct batch_time *t, double tokens,
			 service_pass_s *pass_s);

/* Two wires for each link use, one for each direction, then one for each part of the network that several share. */
size_t service_wires_n(const struct world *w);
/* Routes between pools; 0, or -1 with a complaint where no link joins two servers. */
int service_wires(struct arena *a, struct service *s, struct diags *diags);
struct serve_links service_links(struct service *s, const struct params *z);

/* What a run is about requests, and where their time goes, into values of a service. */
void service_of_requests(const struct metrics_summary *m, double *of);

/* Requests per second that all servers together can do; struct mean_request says which. */
struct mean_request {
	double prompt, read, output; /* tokens; read: without those found in a cache */
};
double service_capacity(const struct service *s, const struct mean_request *r);

/* ---- how long a load without an end is simulated ---- */

/* A metric that has to be precise, or to lie on one side of its bound for certain. */
struct sought_value {
	uint32_t class_id;
	enum slo_metric metric;
	enum slo_stat stat;
	double bound;            /* NAN: none */
	struct summary each;     /* one value for each replication */
	struct steady_value one; /* value in the last replication, by batches of requests */
};
struct sought {
	VEC(struct sought_value) at;
};

/* Those that the SLOs of the load bound; without any bound the 95th percentiles of TTFT, TPOT and E2EL. */
struct sought sought_of(const struct serve *load);
void sought_add(struct sought *s, const struct metrics *m, int64_t cut_ns); /* one more replication */
/* steady_stop() of them; requests: of all replications. A metric that no request has is left out, and of a
 * single replication the gaps between tokens, which have no interval. */
enum steady_stop sought_stop(const struct sought *s, uint64_t requests);
void sought_release(struct sought *s);

#endif
