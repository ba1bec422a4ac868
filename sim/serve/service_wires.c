/* service_wires.c - how KV caches get from prefill servers to decode servers; see service_parts.h. */
#include <math.h>

#include "sim/serve/service_parts.h"
#include "sim/step/queue.h"

/* Two wires for each link, one for each direction; a half-duplex link has one for both. */
static size_t wire_from(const struct world *w, size_t link_use, size_t machine)
{
	const struct link_use *u = &w->link_uses[link_use];

	return 2 * link_use + (u->link->duplex != DUPLEX_HALF && u->ends[1] == machine);
}

static int add_path(struct service *s, const struct service_server *from, const struct service_server *to,
		    struct serve_path *path, struct diags *diags)
{
	const struct world *w = s->world;
	size_t use;

	*path = (struct serve_path){.wires_n = 0};
	if (from->machine == to->machine)
		return 0;
	use = world_link_use(w, from->machine, to->machine);
	if (use == WORLD_NONE)
		return diag_add(diags, s->from->origin.node->place, "add it to 'links:'",
				"assignment '%s': no link joins '%s' and '%s'", s->from->name,
				w->machines[from->machine].origin.name, w->machines[to->machine].origin.name);
	path->wires[path->wires_n++] = wire_from(w, use, from->machine);
	path->latency_ns = sim_ns_of_s(w->link_uses[use].link->latency.value);
	return 0;
}

int service_wires(struct arena *a, struct service *s, struct diags *diags)
{
	size_t n = 0;
	int rc = 0;

	s->Bps = arena_array(a, 2 * s->world->link_uses_n, sizeof *s->Bps);
	s->paths = arena_array(a, s->servers_n * s->servers_n, sizeof *s->paths);
	for (size_t i = 0; i < s->servers_n; i++)
		for (size_t j = 0; j < s->servers_n; j++)
			if (s->servers[i].pool == POOL_PREFILL && s->servers[j].pool == POOL_DECODE)
				rc |= add_path(s, &s->servers[i], &s->servers[j], &s->paths[n++], diags);
	return rc;
}

/* Seconds of a byte. Copies to and from the host run beside the wire, so that the slowest of them counts. */
static double byte_s(const struct link *l, const struct params *z)
{
	const struct term wire = {1 / l->bandwidth.value, l->bandwidth.spread, l->bandwidth.provenance};
	double s = z ? term_drawn(&wire, z->of[PARAM_BANDWIDTH]) : wire.s;

	if (l->send_copy.given)
		s = fmax(s, 1 / l->send_copy.value);
	if (l->receive_copy.given)
		s = fmax(s, 1 / l->receive_copy.value);
	return s;
}

struct serve_links service_links(struct service *s, const struct params *z)
{
	const struct world *w = s->world;
	const struct hand_over *h = s->from->serving.hand_over;
	const struct batch_kv *kv = &s->servers[0].kv;
	struct serve_links l = {.Bps = s->Bps, .wires_n = 2 * w->link_uses_n, .paths = s->paths};

	for (size_t j = 0; j < w->link_uses_n; j++) {
		const size_t source = source_index(w, (struct param_source){QUEUE_LINK, j});

		s->Bps[2 * j] = s->Bps[2 * j + 1] = 1 / byte_s(w->link_uses[j].link, z ? &z[source] : NULL);
	}
	l.kv_B_per_token = kv->window_B[0];
	l.kv_B_per_sequence = kv->window_B[1] * (double)model_window(w->model);
	l.stream = !h || h->kv == KV_STREAM;
	l.first_token_by_decode = h && h->first_token == FIRST_TOKEN_DECODE;
	return l;
}
