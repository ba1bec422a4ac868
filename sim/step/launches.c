/* launches.c - see launches.h. */
#include "sim/step/launches.h"

/* The class of a block's launches behind those of another. */
struct known_launches {
	uint32_t first, behind, op_class;
};

/* The pass that a unit's host was last in, and the class of its newest launches. */
struct host_at {
	bool trains, back;
	uint32_t micro, last;
	enum grad_part grad_part;
	size_t known; /* their number among those known */
};

/* A block that is run again for its gradients is of the backward pass. */
static struct host_at host_of(struct label label)
{
	const bool back = label.phase == PHASE_BACKWARD || label.recompute;

	return (struct host_at){.trains = back || label.phase == PHASE_FORWARD,
				.back = back,
				.micro = label.micro,
				.last = LAUNCHES_NONE,
				.grad_part = label.grad_part};
}

static bool same_pass(const struct host_at *a, const struct host_at *b)
{
	return a->trains && b->trains && a->back == b->back && a->micro == b->micro &&
	       a->grad_part == b->grad_part;
}

struct host_wait launches_nominal(const struct program *p, const struct op_class *c)
{
	const sim_ns ahead_ns = c->behind == LAUNCHES_NONE ? 0 : p->op_classes.at[c->behind].ahead_ns;
	sim_ns device = 0;

	for (uint32_t i = 0; i < c->launches; i++)
		device += sim_ns_of_s(cost_seconds(&p->op_classes.at[c->launched + i].cost));
	return launches_wait(sim_ns_of_s(cost_seconds(&c->cost)), device, ahead_ns);
}

/* The number of the launches of a block behind others; all passes but the first have them in the order in which they were added. */
static size_t find(const struct program *p, uint32_t first, uint32_t behind, size_t likely)
{
	const struct known_launches *k = p->known_launches.at;
	size_t i = likely;

	if (i < p->known_launches.n && k[i].first == first && k[i].behind == behind)
		return i;
	for (i = 0; i < p->known_launches.n; i++)
		if (k[i].first == first && k[i].behind == behind)
			break;
	return i;
}

static void add(struct program *p, const struct op_class *made, uint32_t first, uint32_t n, uint32_t behind)
{
	struct op_class c = *made;

	c.launches = n;
	c.launched = first;
	c.behind = behind;
	c.ahead_ns = launches_nominal(p, &c).ahead_ns;
	VEC_ADD(&p->known_launches, (struct known_launches){first, behind, (uint32_t)p->op_classes.n});
	VEC_ADD(&p->op_classes, c);
}

uint32_t launches_class(struct program *p, const struct op_class *made, uint32_t first, uint32_t n,
			struct label label)
{
	struct host_at now = host_of(label), *at;

	if (!p->hosts)
		p->hosts = arena_array(&p->arena, p->world->units_n, sizeof *p->hosts);
	at = &p->hosts[made->source];
	if (same_pass(at, &now))
		now.last = at->last;
	now.known = find(p, first, now.last, at->known + 1);
	if (now.known == p->known_launches.n)
		add(p, made, first, n, now.last);
	now.last = p->known_launches.at[now.known].op_class;
	*at = now;
	return now.last;
}

void launches_remake(struct program *p, uint32_t first, const struct op *op, const struct cost *cost)
{
	for (size_t i = 0; i < p->known_launches.n; i++) {
		struct op_class *c = &p->op_classes.at[p->known_launches.at[i].op_class];

		if (c->launched != first)
			continue;
		c->op = *op;
		c->cost = *cost;
		c->ahead_ns = launches_nominal(p, c).ahead_ns;
	}
}
