/* service_wires.c - how KV caches get from prefill servers to decode servers; see service_parts.h. */
#include <math.h>

#include "sim/serve/service_parts.h"
#include "sim/step/queue.h"

size_t service_wires_n(const struct world *w)
{
	return 2 * w->link_uses_n + w->parts_n;
}

/* A message that is stored on its way is taken for a stream of pieces here, which follow one another closely. */
static void find_wires(struct arena *a, const struct world *w, size_t link_use, size_t machine,
		       struct serve_path *path)
{
	const struct link_use *u = &w->link_uses[link_use];
	const int end = link_use_from(u, machine);
	const struct link_way *way = &u->ways[end];
	size_t *wires = arena_array(a, way->parts_n + 1, sizeof *wires);

	wires[path->wires_n++] = 2 * link_use + (size_t)end;
	for (size_t i = 0; i < way->parts_n; i++)
		wires[path->wires_n++] = 2 * w->link_uses_n + way->parts[i];
	path->wires = wires;
	path->latency_ns = sim_ns_of_s(u->link->latency.value);
}

static int add_path(struct arena *a, struct service *s, const struct service_server *from,
		    const struct service_server *to, struct serve_path *path, struct diags *diags)
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
	find_wires(a, w, use, from->machine, path);
	return 0;
}

int service_wires(struct arena *a, struct service *s, struct diags *diags)
{
	size_t n = 0;
	int rc = 0;

	s->Bps = arena_array(a, service_wires_n(s->world), sizeof *s->Bps);
	s->paths = arena_array(a, s->servers_n * s->servers_n, sizeof *s->paths);
	for (size_t i = 0; i < s->servers_n; i++)
		for (size_t j = 0; j < s->servers_n; j++)
			if (s->servers[i].pool == POOL_PREFILL && s->servers[j].pool == POOL_DECODE)
				rc |= add_path(a, s, &s->servers[i], &s->servers[j], &s->paths[n++], diags);
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

static double part_Bps(const struct world *w, const struct shared_part *part, const struct params *z)
{
	const struct qty *q = part->bandwidth;
	const struct term wire = {1 / q->value, q->spread, q->provenance};
	const size_t source = source_index(w, (struct param_source){QUEUE_LINK, part->link});

	return part->times / (z ? term_drawn(&wire, z[source].of[PARAM_BANDWIDTH]) : wire.s);
}

struct serve_links service_links(struct service *s, const struct params *z)
{
	const struct world *w = s->world;
	const struct hand_over *h = s->from->serving.hand_over;
	const struct batch_kv *kv = &s->servers[0].kv;
	struct serve_links l = {.Bps = s->Bps, .wires_n = service_wires_n(w), .paths = s->paths};

	for (size_t j = 0; j < w->link_uses_n; j++) {
		const struct link_use *u = &w->link_uses[j];
		const size_t source = source_index(w, (struct param_source){QUEUE_LINK, u->of});

		s->Bps[2 * j] = s->Bps[2 * j + 1] = 1 / byte_s(u->link, z ? &z[source] : NULL);
	}
	for (size_t j = 0; j < w->parts_n; j++)
		s->Bps[2 * w->link_uses_n + j] = part_Bps(w, &w->parts[j], z);
	l.kv_B_per_token = kv->window_B[0];
	l.kv_B_per_sequence = kv->window_B[1] * (double)model_window(w->model) + kv->state_B;
	l.stream = !h || h->kv == KV_STREAM;
	l.first_token_by_decode = h && h->first_token == FIRST_TOKEN_DECODE;
	return l;
}
