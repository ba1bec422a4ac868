/*
 * service_parts.h - what a service is made of. For service*.c alone.
 *
 * Layer serve.
 */
#ifndef SIM_SERVE_SERVICE_PARTS_H
#define SIM_SERVE_SERVICE_PARTS_H
#include "sim/serve/service.h"
#include "sim/serve/serving.h"

struct service_server {
	struct placement at;
	const struct serving *how;
	const struct serve_how *said;
	enum serve_pool pool;
	struct batch_kv kv;
	struct serve_settings set;
	size_t table;    /* of service.tables */
	size_t machine;  /* the first that it uses */
	size_t machines; /* how many it uses */
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
	struct serve_server *config; /* the servers as the engine takes them */
	struct serve_down *downs;
	size_t downs_n;
	double *Bps; /* of each direction of each link */
	struct serve_path *paths;
	double *busy_ns;
	bool drawn;       /* the tables are those of a draw */
	bool borrowed;    /* the tables are those of other services */
	double kv_blocks; /* of all servers that keep caches */
};

/* Of the KV cache, the scenario's words and the runtime's. */
struct serve_settings service_settings_of(struct arena *a, const struct serving *how,
					  const struct serve_how *said, const struct batch_kv *kv);

/* Seconds of a server that reads a prompt of so many tokens with nothing else to do. */
double service_prefill_s(const struct service_server *v, const struct batch_time *t, double tokens);

/* Routes between pools; 0, or -1 with a complaint where no link joins two servers. */
int service_wires(struct arena *a, struct service *s, struct diags *diags);
struct serve_links service_links(struct service *s, const struct params *z);

#endif
