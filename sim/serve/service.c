/* service.c - servers of an assignment, built; see service.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/serve/service_parts.h"

static const enum phase both[] = {PHASE_PREFILL, PHASE_DECODE};

static bool uses_unit(const struct service_server *v, size_t unit)
{
	return placement_uses(&v->at, both[0], unit) || placement_uses(&v->at, both[1], unit);
}

static bool uses_machine(const struct service *s, const struct service_server *v, size_t machine)
{
	bool uses = false;

	for (size_t u = 0; u < s->world->units_n; u++)
		uses |= s->world->units[u].machine == machine && uses_unit(v, u);
	return uses;
}

static size_t units_of(const struct service *s, const struct service_server *v, size_t *first)
{
	size_t n = 0;

	for (size_t u = s->world->units_n; u-- > 0;)
		if (uses_unit(v, u)) {
			*first = u;
			n++;
		}
	return n;
}

/* ---- tables of step times ---- */

/* Errors of a calibration are those of a hardware file, so machines of one title share them too. */
static bool alike(const struct service *s, const struct service_server *a, const struct service_server *b)
{
	const struct world *w = s->world;
	size_t x = 0, y = 0;

	if (units_of(s, a, &x) != 1 || units_of(s, b, &y) != 1 || a->how != b->how)
		return false;
	return !strcmp(w->machines[w->units[x].machine].title, w->machines[w->units[y].machine].title) &&
	       !strcmp(w->units[x].device->origin.name, w->units[y].device->origin.name) &&
	       !strcmp(w->units[x].profile->origin.name, w->units[y].profile->origin.name);
}

static int add_table(struct service *s, size_t i, struct diags *diags)
{
	struct service_server *v = &s->servers[i];
	struct service_table *t = &s->tables[s->tables_n];
	struct err err = ERR_INIT;

	for (size_t j = 0; j < i; j++)
		if (alike(s, v, &s->servers[j])) {
			v->table = s->servers[j].table;
			return 0;
		}
	t->cost = batch_cost_new(&v->at, v->how, &err);
	if (!t->cost)
		return diag_err(diags, v->at.assignment->origin.node->place, &err);
	t->time = batch_cost_time(t->cost);
	v->table = s->tables_n++;
	return 0;
}

/* ---- servers ---- */

static enum serve_pool pool_of(const struct assignment *from, size_t server)
{
	const struct pools *p = from->serving.pools;

	return !p ? POOL_WHOLE : server < p->prefill.n ? POOL_PREFILL : POOL_DECODE;
}

static int apart(const struct service *s, size_t i, struct diags *diags)
{
	for (size_t j = 0; j < i; j++)
		for (size_t u = 0; u < s->world->units_n; u++)
			if (uses_unit(&s->servers[i], u) && uses_unit(&s->servers[j], u))
				return diag_add(diags, s->from->origin.node->place,
						"each server needs devices of its own",
						"assignment '%s': two servers run on '%s'", s->from->name,
						s->world->units[u].name);
	return 0;
}

/* Servers refuse what is longer than the model was made for, and end an answer there: llama-server caps a slot's
 * context at n_ctx_train, vLLM's max_model_len is the model's. */
static void limit_context(const struct world *w, struct serve_settings *set)
{
	const int64_t most = w->model->context;

	if (most && w->scenario->workload.serve->beyond_context == BEYOND_REFUSE &&
	    (!set->context || set->context > most))
		set->context = most;
}

static int make_server(struct arena *a, struct service *s, size_t i, struct diags *diags)
{
	const struct served_part *part = &s->from->serving.servers[i];
	struct service_server *v = &s->servers[i];

	*v = (struct service_server){.how = part->settings,
				     .said = part->said,
				     .pool = pool_of(s->from, i),
				     .weight = part->part->serving.weight};
	if (placement_make(a, s->world, part->part, &v->at, diags) != 0 || apart(s, i, diags) != 0)
		return -1;
	for (size_t m = s->world->machines_n; m-- > 0;)
		if (uses_machine(s, v, m)) {
			v->machine = m;
			v->machines++;
		}
	v->kv = batch_kv_of(&v->at, v->how, v->pool == POOL_WHOLE && !(v->said && v->said->speculative));
	v->set = service_settings_of(a, v->how, v->said, &v->kv, s->world->model->vocabulary);
	limit_context(s->world, &v->set);
	s->kv_blocks += (double)v->set.kv_blocks;
	return add_table(s, i, diags);
}

static int by_time(const void *a, const void *b)
{
	const struct serve_down *x = a, *y = b;

	if (x->from_ns != y->from_ns)
		return x->from_ns < y->from_ns ? -1 : 1;
	return (x->server > y->server) - (x->server < y->server);
}

/* A machine that fails takes every server with it that uses it. */
static void make_downs(struct arena *a, struct service *s)
{
	const struct field_list *down = &s->from->serving.down;
	const struct outage *o = down->at;

	s->downs = arena_array(a, down->n * s->config_n, sizeof *s->downs);
	for (size_t k = 0; k < down->n; k++)
		for (size_t i = 0; i < s->config_n; i++)
			for (size_t m = 0; m < s->world->machines_n; m++)
				if (!strcmp(s->world->machines[m].origin.name, o[k].machine) &&
				    uses_machine(s, &s->servers[s->server_of[i]], m))
					s->downs[s->downs_n++] = (struct serve_down){
						i, llround(o[k].from * 1e9), llround(o[k].span * 1e9)};
	if (s->downs_n)
		qsort(s->downs, s->downs_n, sizeof *s->downs, by_time);
}

static int check(const struct service *s, struct diags *diags)
{
	const struct serve_config c = {.servers = s->config, .servers_n = s->config_n};
	struct err err = ERR_INIT, out = ERR_INIT;

	if (!service_fits(s) || serve_check(&c, &err) == 0)
		return 0;
	err_set(&out, "assignment '%s': %s", s->from->name, err.msg);
	err_hint(&out, "%s", err.hint);
	return diag_err(diags, s->from->origin.node->place, &out);
}

/* Running requests and KV blocks of a pipeline are dealt among its batches in flight; each has the whole budget of tokens. */
static const struct serve_settings *lane_settings(struct arena *a, const struct service_server *v,
						  size_t lane)
{
	const int64_t n = (int64_t)v->lanes, i = (int64_t)lane;
	struct serve_settings *set = arena_alloc(a, sizeof *set);

	*set = v->set;
	set->seqs = set->seqs / n + (i < set->seqs % n);
	set->kv_blocks = set->kv_blocks / n + (i < set->kv_blocks % n);
	return set;
}

static size_t lanes_of(const struct service *s, const struct service_server *v)
{
	const size_t n = batch_cost_in_flight(s->tables[v->table].cost);

	return v->how->pipelined && v->pool == POOL_WHOLE && v->set.rules == SERVE_VLLM &&
			       v->set.seqs >= (int64_t)n
		       ? n
		       : 1;
}

/* In thousandths, where any server has a weight: the batches in flight of a pipeline have its weight together. */
static int64_t lane_weight(const struct service *s, const struct service_server *v)
{
	const int64_t weight = llround(1000 * (v->weight > 0 ? v->weight : 1) / (double)v->lanes);
	bool any = false;

	for (size_t i = 0; i < s->servers_n; i++)
		any |= s->servers[i].weight > 0;
	return !any ? 0 : weight < 1 ? 1 : weight;
}

static void make_lanes(struct arena *a, struct service *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->servers_n; i++) {
		s->servers[i].lane = n;
		n += s->servers[i].lanes = lanes_of(s, &s->servers[i]);
	}
	s->config = arena_array(a, n, sizeof *s->config);
	s->server_of = arena_array(a, n, sizeof *s->server_of);
	for (size_t i = 0; i < s->servers_n; i++) {
		struct service_server *v = &s->servers[i];

		for (size_t k = 0; k < v->lanes; k++) {
			s->server_of[s->config_n] = i;
			s->config[s->config_n++] = (struct serve_server){
				v->lanes > 1 ? lane_settings(a, v, k) : &v->set, &s->tables[v->table].time,
				v->pool, v->lanes > 1 ? i + 1 : 0, lane_weight(s, v)};
		}
	}
}

static int build(struct arena *a, struct service *s, struct diags *diags)
{
	for (size_t i = 0; i < s->servers_n; i++)
		if (make_server(a, s, i, diags) != 0)
			return -1;
	make_lanes(a, s);
	make_downs(a, s);
	return service_wires(a, s, diags) != 0 ? -1 : check(s, diags);
}

struct service *service_new(struct arena *a, const struct world *w, const struct assignment *from,
			    struct diags *diags)
{
	struct service *s = arena_alloc(a, sizeof *s);
	const size_t n = from->serving.servers_n;

	*s = (struct service){.world = w, .from = from, .servers_n = n};
	s->servers = arena_array(a, n, sizeof *s->servers);
	s->tables = arena_array(a, n, sizeof *s->tables);
	s->busy_ns = arena_array(a, n, sizeof *s->busy_ns);
	if (build(a, s, diags) == 0)
		return s;
	service_free(s);
	return NULL;
}

void service_free(struct service *s)
{
	struct arena memory;

	if (!s)
		return;
	service_free(s->twin);
	for (size_t i = 0; i < s->tables_n && !s->like; i++)
		if (s->tables[i].cost)
			batch_cost_free(s->tables[i].cost);
	free(s->each);
	free(s->of_class);
	memory = s->memory; /* which may hold the service itself */
	arena_release(&memory);
}

/* ---- for several threads ---- */

/* A table that no server uses is left out. */
static void copy_tables(struct service *s)
{
	struct err err = ERR_INIT;

	s->tables = arena_array(&s->memory, s->tables_n, sizeof *s->tables);
	for (size_t i = 0; i < s->servers_n; i++) {
		const struct service_server *v = &s->servers[i];
		struct service_table *t = &s->tables[v->table];

		if (t->cost)
			continue;
		t->cost = batch_cost_new(&v->at, v->how, &err);
		if (!t->cost) /* one like it has been made */
			BUG("%s", err.msg);
		t->time = batch_cost_time(t->cost);
	}
}

/* Those of the twins of the services that the join is of, which outlive it: what they have found out is not found out again in
 * each join. */
static void borrow_tables(struct service *c)
{
	struct service *const *like = c->like;

	c->like = arena_array(&c->memory, c->tables_n, sizeof *c->like);
	c->tables = arena_array(&c->memory, c->tables_n, sizeof *c->tables);
	for (size_t i = 0; i < c->tables_n; i++) {
		c->like[i] = service_twin(like[i], 1);
		c->tables[i] = c->like[i]->tables[0];
	}
}

static struct service *copy(const struct service *s)
{
	struct arena memory = ARENA_INIT;
	struct service *c = arena_alloc(&memory, sizeof *c);

	*c = *s;
	c->memory = memory;
	c->twin = NULL;
	c->each = NULL;
	c->of_class = NULL;
	c->drawn = false;
	if (s->like)
		borrow_tables(c);
	else
		copy_tables(c);
	c->busy_ns = arena_array(&c->memory, c->servers_n, sizeof *c->busy_ns);
	c->Bps = arena_array(&c->memory, service_wires_n(c->world), sizeof *c->Bps);
	c->config = arena_array(&c->memory, c->config_n, sizeof *c->config);
	for (size_t k = 0; k < c->config_n; k++) {
		c->config[k] = s->config[k];
		c->config[k].time = &c->tables[c->servers[c->server_of[k]].table].time;
	}
	return c;
}

struct service *service_twin(struct service *s, size_t number)
{
	for (; number; number--) {
		if (!s->twin)
			s->twin = copy(s);
		s = s->twin;
	}
	return s;
}

/* ---- several services as one ---- */

static void join_part(struct service *s, struct service *like, size_t count, double weight)
{
	const size_t table = s->tables_n++;

	s->like[table] = like;
	s->tables[table] = like->tables[0];
	for (size_t i = 0; i < count; i++) {
		struct service_server *v = &s->servers[s->servers_n++];

		*v = like->servers[0];
		v->table = table;
		v->weight = weight;
		s->kv_blocks += (double)v->set.kv_blocks;
	}
}

struct service *service_join(struct arena *a, const struct service_share *parts, size_t n)
{
	struct service *s = arena_alloc(a, sizeof *s);
	size_t servers = 0;

	*s = (struct service){.like = arena_array(a, n, sizeof *s->like)};
	for (size_t i = 0; i < n; i++)
		servers += parts[i].count;
	s->servers = arena_array(a, servers, sizeof *s->servers);
	s->tables = arena_array(a, n, sizeof *s->tables);
	s->busy_ns = arena_array(a, servers, sizeof *s->busy_ns);
	for (size_t i = 0; i < n; i++) {
		if (parts[i].count && parts[i].like->servers_n != 1)
			return NULL;
		if (parts[i].count && !s->world) {
			s->world = parts[i].like->world;
			s->from = parts[i].like->from;
		}
		if (parts[i].count)
			join_part(s, parts[i].like, parts[i].count, parts[i].weight);
	}
	if (!s->servers_n)
		return NULL;
	make_lanes(a, s);
	s->Bps = arena_array(a, service_wires_n(s->world), sizeof *s->Bps); /* no pools: nothing uses them */
	return s;
}

/* ---- what it is ---- */

size_t service_servers(const struct service *s)
{
	return s->servers_n;
}

const struct placement *service_placement(const struct service *s, size_t server)
{
	return &s->servers[server].at;
}

enum serve_pool service_pool(const struct service *s, size_t server)
{
	return s->servers[server].pool;
}

const struct serve_settings *service_settings(const struct service *s, size_t server)
{
	return &s->servers[server].set;
}

int64_t service_max_running(const struct serve_settings *set)
{
	return set->rules == SERVE_LLAMACPP ? set->slots : set->rules == SERVE_MLX ? set->decodes : set->seqs;
}

size_t service_tables(const struct service *s)
{
	return s->tables_n;
}

bool service_fits(const struct service *s)
{
	bool fits = true;

	for (size_t i = 0; i < s->servers_n; i++)
		fits &= s->servers[i].kv.tokens > 0;
	return fits;
}

/* Servers that share a machine add up, also while they load, and may take no more than the one that may take most. */
static void add_footprint(struct footprint *to, const struct footprint *more)
{
	to->weights_B += more->weights_B;
	to->kv_B += more->kv_B;
	to->activations_B += more->activations_B;
	to->load_B += more->load_B;
	to->usable_B = fmax(to->usable_B, more->usable_B);
}

void service_footprint(const struct service *s, struct footprint *out)
{
	for (size_t m = 0; m < s->world->machines_n; m++) {
		out[m] = (struct footprint){.usable_B = s->world->machines[m].memory.usable.value};
		for (size_t i = 0, n = 0; i < s->servers_n; i++) {
			const struct service_server *v = &s->servers[i];
			struct footprint f;

			if (!uses_machine(s, v, m))
				continue;
			f = batch_footprint(&v->at, v->how, m, &v->kv);
			if (!n++)
				out[m].usable_B = f.usable_B;
			add_footprint(&out[m], &f);
		}
	}
}
