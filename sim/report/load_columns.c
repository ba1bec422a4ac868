/* load_columns.c - see load_columns.h. */
#include "sim/report/load_columns.h"

#include <math.h>

void load_columns_init(struct load_columns *c, size_t servers_n, sim_ns from_ns, sim_ns to_ns)
{
	*c = (struct load_columns){.from_ns = from_ns, .to_ns = to_ns, .servers_n = servers_n};
	c->at = xcalloc(servers_n * LOAD_COLUMNS, sizeof *c->at);
	c->server = xcalloc(servers_n, sizeof *c->server);
}

void load_columns_release(struct load_columns *c)
{
	free(c->at);
	free(c->server);
	VEC_FREE(&c->passes);
}

enum load_work load_work_of(const struct served_pass *p)
{
	return !p->decodes ? LOAD_PREFILL : p->read ? LOAD_MIXED : LOAD_DECODE;
}

/* In whole numbers that do not overflow: the rest of the division is spread apart. */
sim_ns load_column_start(const struct load_columns *c, size_t column)
{
	const sim_ns span = c->to_ns - c->from_ns, k = (sim_ns)column;

	return c->from_ns + span / LOAD_COLUMNS * k + span % LOAD_COLUMNS * k / LOAD_COLUMNS;
}

/* The last column that begins at or before a time within the window. */
static size_t column_of(const struct load_columns *c, sim_ns at_ns)
{
	size_t low = 0, high = LOAD_COLUMNS;

	while (high - low > 1) {
		const size_t middle = (low + high) / 2;

		if (load_column_start(c, middle) <= at_ns)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The part of a column that lies between two times, as a walk over all that they touch. */
struct walk {
	const struct load_columns *c;
	sim_ns from_ns, to_ns;
	size_t column;
};

static bool walk_on(struct walk *w, size_t *column, double *ns)
{
	sim_ns start, end;

	if (w->column >= LOAD_COLUMNS || load_column_start(w->c, w->column) >= w->to_ns)
		return false;
	start = load_column_start(w->c, w->column);
	end = load_column_start(w->c, w->column + 1);
	start = start > w->from_ns ? start : w->from_ns;
	end = end < w->to_ns ? end : w->to_ns;
	*ns = end > start ? (double)(end - start) : 0;
	*column = w->column++;
	return true;
}

static void add_pass(void *self, const struct served_pass *p)
{
	struct load_columns *c = self;
	struct walk w = {c, p->from_ns, p->to_ns, column_of(c, p->from_ns)};
	size_t column;
	double ns;

	while (walk_on(&w, &column, &ns))
		c->at[p->server * LOAD_COLUMNS + column].busy_ns[load_work_of(p)] += ns;
	if (++c->server[p->server].passes_n <= LOAD_PASSES)
		VEC_ADD(&c->passes, *p);
}

static void add_state(void *self, const struct served_state *s)
{
	struct load_columns *c = self;
	struct load_server *server = &c->server[s->server];
	struct walk w = {c, s->from_ns, s->to_ns, column_of(c, s->from_ns)};
	size_t column;
	double ns;

	while (walk_on(&w, &column, &ns)) {
		struct load_column *to = &c->at[s->server * LOAD_COLUMNS + column];

		to->running_ns += ns * (double)s->running;
		to->waiting_ns += ns * (double)s->waiting;
		to->kv_ns += ns * s->kv_mean;
	}
	if (s->running > server->most_running)
		server->most_running = s->running;
	if (s->waiting > server->most_waiting)
		server->most_waiting = s->waiting;
	server->most_kv = fmax(server->most_kv, fmax(s->kv_mean, (double)s->kv_blocks));
}

struct served_to load_columns_listener(struct load_columns *c)
{
	return (struct served_to){.pass = add_pass, .state = add_state, .self = c};
}

struct load_column load_columns_sum(const struct load_columns *c, size_t server, size_t servers_n,
				    size_t first, size_t n)
{
	struct load_column sum = {.kv_ns = 0};

	for (size_t i = server; i < server + servers_n; i++)
		for (size_t k = first; k < first + n; k++) {
			const struct load_column *x = &c->at[i * LOAD_COLUMNS + k];

			for (int w = 0; w < LOAD_WORKS; w++)
				sum.busy_ns[w] += x->busy_ns[w];
			sum.running_ns += x->running_ns;
			sum.waiting_ns += x->waiting_ns;
			sum.kv_ns += x->kv_ns;
		}
	return sum;
}

bool load_columns_has_passes(const struct load_columns *c)
{
	for (size_t i = 0; i < c->servers_n; i++)
		if (c->server[i].passes_n > LOAD_PASSES)
			return false;
	return true;
}
