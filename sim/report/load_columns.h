/*
 * load_columns.h - a load while it is served, summed up in columns of equal time.
 *
 * Layer report. A listener of predict/served.h. The size does not depend on how long the load is; iterations
 * are kept one by one as long as there are few of them.
 */
#ifndef SIM_REPORT_LOAD_COLUMNS_H
#define SIM_REPORT_LOAD_COLUMNS_H
#include <stdbool.h>

#include "sim/base/vec.h"
#include "sim/predict/served.h"

enum load_work { LOAD_DECODE, LOAD_MIXED, LOAD_PREFILL, LOAD_WORKS }; /* the work of an iteration */

enum { LOAD_COLUMNS = 432 /* those of a stack */, LOAD_PASSES = 150 };

struct load_column {
	double busy_ns[LOAD_WORKS];
	double running_ns, waiting_ns, kv_ns; /* integrals: requests * ns, blocks * ns */
};

struct load_server {
	size_t passes_n; /* jumps and iterations in the window */
	int64_t most_running, most_waiting;
	double most_kv; /* blocks */
};

struct load_columns {
	sim_ns from_ns, to_ns; /* not empty */
	size_t servers_n;
	struct load_column *at;         /* [server * LOAD_COLUMNS + column]; owned */
	struct load_server *server;     /* owned */
	VEC(struct served_pass) passes; /* as long as no server has more than LOAD_PASSES */
};

void load_columns_init(struct load_columns *c, size_t servers_n, sim_ns from_ns, sim_ns to_ns);
void load_columns_release(struct load_columns *c);
struct served_to load_columns_listener(struct load_columns *c);

enum load_work load_work_of(const struct served_pass *p); /* requests that are taken in count as prefill */
sim_ns load_column_start(const struct load_columns *c, size_t column); /* column <= LOAD_COLUMNS */
/* Sums over columns first to first + n - 1, of servers `server` to server + servers_n - 1. */
struct load_column load_columns_sum(const struct load_columns *c, size_t server, size_t servers_n,
				    size_t first, size_t n);
bool load_columns_has_passes(const struct load_columns *c); /* are they all kept? */

#endif
