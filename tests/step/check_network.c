/* check_network.c - networks: ways by hand, what messages share, collectives against closed forms and bounds. */
#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/step/collective.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

static struct fixture fixture;

#define LINK "schema: lemursim/hardware/1, kind: link, title: fixture, latency: 20 us, bandwidth: 2 GB/s"
#define L    20e-6
#define BPS  2e9

/* Machines m0 .. by a count, and links. */
static void load(int n, const char *links)
{
	struct str text = STR_INIT;

	str_addf(&text, "machines: {m: {count: %d, ", n);
	str_add(&text, "schema: lemursim/hardware/1, title: fixture, chip: fixture, memory: " FIXTURE_MEMORY
		       ", devices: {gpu: " FIXTURE_DEVICE "}}}\n");
	str_add(&text, FIXTURE_HEAD "model: " FIXTURE_MODEL("2") "\n");
	str_addf(&text, "links: {%s}\nworkload: {generate: {prompt: 30 tok, tokens: 9 tok}}\n", links);
	str_add(&text, "assignments: [{name: x, place: [{on: m0}]}]\n");
	fixture_text(&fixture, text.text, NULL);
	str_release(&text);
}

/* ---- messages ---- */

struct sent {
	size_t from, to;
	double bytes, end_s; /* end_s: latency included */
};

/* All at once. */
static void send_all(struct sent *m, size_t n)
{
	const struct label label = {.phase = PHASE_PREFILL, .part = {ROLE_FFN, false, 0}};
	const struct deps none = {.n = 0};
	struct program *p = program_new(fixture.world);
	struct deps there[8];
	struct fixture_run r;

	for (size_t i = 0; i < n; i++)
		there[i] = program_send(p, m[i].from, m[i].to, m[i].bytes, label, &none);
	r = fixture_run(&fixture.arena, p);
	for (size_t i = 0; i < n; i++) {
		const uint32_t last = there[i].task[0];

		ck_assert_uint_eq(there[i].n, 1);
		m[i].end_s =
			sim_s_of_ns(r.run.spans[last].end_ns + r.times.lag_ns[p->tasks.at[last].op_class]);
	}
	program_free(p);
}

struct traffic {
	const char *links;
	int machines, n;
	struct sent m[4]; /* end_s: expected */
};

static const struct traffic traffic[] = {
	/* a switch: out of a port, into a port, and two that do not meet */
	{"s: {" LINK ", switch: m}", 4, 2, {{0, 1, 2e6, L + 2e-3}, {0, 2, 2e6, L + 2e-3}}},
	{"s: {" LINK ", switch: m}", 4, 2, {{0, 2, 2e6, L + 2e-3}, {1, 2, 2e6, L + 2e-3}}},
	{"s: {" LINK ", switch: m}", 4, 2, {{0, 1, 2e6, L + 1e-3}, {2, 3, 2e6, L + 1e-3}}},
	{"s: {" LINK ", switch: m}", 4, 2, {{0, 1, 2e6, L + 1e-3}, {1, 0, 2e6, L + 1e-3}}},
	/* one goes on alone when the other is through: 1 MB each at half, then 1 MB */
	{"s: {" LINK ", switch: m}", 4, 2, {{0, 1, 1e6, L + 1e-3}, {0, 2, 2e6, L + 1.5e-3}}},
	/* half duplex: in and out share the port */
	{"s: {" LINK ", duplex: half, switch: m}", 4, 2, {{0, 1, 2e6, L + 2e-3}, {1, 2, 2e6, L + 2e-3}}},
	/* a back-plane of one port */
	{"s: {" LINK ", switch: m, backplane: 2 GB/s}", 4, 2, {{0, 1, 2e6, L + 2e-3}, {2, 3, 2e6, L + 2e-3}}},
	{"s: {" LINK ", bus: m}", 4, 2, {{0, 1, 2e6, L + 2e-3}, {2, 3, 2e6, L + 2e-3}}},
	/* two leaves of two: beside, and up an oversubscribed way */
	{"s: {" LINK ", fat_tree: m, leaf: 2, oversubscription: 2}",
	 4,
	 2,
	 {{0, 1, 2e6, L + 1e-3}, {2, 3, 2e6, L + 1e-3}}},
	{"s: {" LINK ", fat_tree: m, leaf: 2, oversubscription: 2}",
	 4,
	 2,
	 {{0, 2, 2e6, L + 2e-3}, {1, 3, 2e6, L + 2e-3}}},
	{"s: {" LINK ", fat_tree: m, leaf: 2}", 4, 2, {{0, 2, 2e6, L + 1e-3}, {1, 3, 2e6, L + 1e-3}}},
	{"s: {" LINK ", fat_tree: m, leaf: 2, switch_latency: 1 us}",
	 4,
	 2,
	 {{0, 1, 2e6, L + 1e-6 + 1e-3}, {1, 3, 2e6, L + 3e-6 + 1e-3}}},
	/* what is narrower than a port, though one pair alone uses it: a leaf's way up, a back-plane, a machine's card */
	{"s: {" LINK ", fat_tree: m, leaf: 2, oversubscription: 4}", 4, 1, {{0, 2, 2e6, L + 2e-3}}},
	{"s: {" LINK ", fat_tree: m, leaf: 2, oversubscription: 4}", 4, 1, {{0, 1, 2e6, L + 1e-3}}},
	{"s: {" LINK ", switch: m, backplane: 0.5 GB/s}", 4, 1, {{0, 1, 2e6, L + 4e-3}}},
	{"s: {" LINK ", switch: m, port_bandwidth: 1 GB/s}",
	 4,
	 2,
	 {{0, 1, 2e6, L + 2e-3}, {2, 3, 2e6, L + 2e-3}}},
	/* links of one port, in the short form */
	{"a: {" LINK ", port: nic, between: [m0, m1]}, b: {" LINK ", port: nic, between: [m0, m2]}",
	 3,
	 2,
	 {{0, 1, 2e6, L + 2e-3}, {0, 2, 2e6, L + 2e-3}}},
	{"a: {" LINK ", port: nic, between: [m0, m1]}, b: {" LINK ", port: other, between: [m0, m2]}",
	 3,
	 2,
	 {{0, 1, 2e6, L + 1e-3}, {0, 2, 2e6, L + 1e-3}}},
	{"a: {" LINK ", between: [m0, m1]}, b: {" LINK ", between: [m0, m2]}",
	 3,
	 2,
	 {{0, 1, 2e6, L + 1e-3}, {0, 2, 2e6, L + 1e-3}}},
	{"a: {" LINK ", port: nic, port_bandwidth: 4 GB/s, between: [m0, m1]}, b: {" LINK
	 ", port: nic, between: [m0, m2]}",
	 3,
	 2,
	 {{0, 1, 2e6, L + 1e-3}, {0, 2, 2e6, L + 1e-3}}},
	/* a chain: packet by packet, whole messages, and the cable that two messages pass */
	{"c: {" LINK ", chain: m}", 3, 1, {{0, 2, 2e6, 2 * L + 1e-3}}},
	{"c: {" LINK ", chain: m, forward: store}", 3, 1, {{0, 2, 2e6, 2 * L + 2e-3}}},
	{"c: {" LINK ", chain: m, forward_latency: 10 us, forward_bandwidth: 1 GB/s}",
	 3,
	 1,
	 {{0, 2, 2e6, 2 * L + 10e-6 + 2e-3}}},
	{"c: {" LINK ", chain: m, forward: store, forward_latency: 10 us, forward_bandwidth: 1 GB/s}",
	 3,
	 1,
	 {{0, 2, 2e6, 2 * L + 10e-6 + 4e-3}}},
	{"c: {" LINK ", chain: m}", 3, 2, {{0, 2, 2e6, 2 * L + 2e-3}, {1, 2, 2e6, L + 2e-3}}},
	{"c: {" LINK ", chain: m}", 3, 2, {{0, 1, 2e6, L + 1e-3}, {1, 2, 2e6, L + 1e-3}}},
	{"c: {" LINK ", chain: m, forward_bandwidth: 2 GB/s}",
	 3,
	 2,
	 {{0, 2, 2e6, 2 * L + 2e-3}, {2, 0, 2e6, 2 * L + 2e-3}}},
	/* a ring of five goes the shorter way; a star through its first */
	{"r: {" LINK ", ring: m}", 5, 2, {{0, 4, 2e6, L + 2e-3}, {0, 3, 2e6, 2 * L + 2e-3}}},
	{"t: {" LINK ", star: m}", 4, 2, {{1, 2, 2e6, 2 * L + 1e-3}, {0, 3, 2e6, L + 1e-3}}},
	{"x: {" LINK ", mesh: m}",
	 3,
	 3,
	 {{0, 1, 2e6, L + 1e-3}, {0, 2, 2e6, L + 1e-3}, {1, 2, 2e6, L + 1e-3}}},
	/* a cable comes before a switch, a switch before machines that forward */
	{"s: {" LINK
	 ", switch: m0..m2}, f: {schema: lemursim/hardware/1, kind: link, title: fast, latency: 0, "
	 "bandwidth: 4 GB/s, chain: [m0, m1, m2]}",
	 3,
	 2,
	 {{0, 1, 2e6, 0.5e-3}, {0, 2, 2e6, L + 1e-3}}},
};

START_TEST(messages_share_what_they_pass)
{
	const struct traffic *t = &traffic[_i];
	struct sent m[4];

	load(t->machines, t->links);
	memcpy(m, t->m, sizeof m);
	send_all(m, (size_t)t->n);
	for (int i = 0; i < t->n; i++)
		ck_assert_msg(fabs(m[i].end_s - t->m[i].end_s) < 5e-9,
			      "%s: message %d ends at %.9f, not %.9f", t->links, i, m[i].end_s,
			      t->m[i].end_s);
	fixture_release(&fixture);
}
END_TEST

/* ---- ways ---- */

/* Cables on the shortest way by brute force: distances over the cables of a topology, found by relaxing them. */
static int distance(enum topology t, int n, int from, int to)
{
	int d[16];

	for (int i = 0; i < n; i++)
		d[i] = i == from ? 0 : 99;
	for (int round = 0; round < n; round++)
		for (int i = 0; i < n; i++)
			for (int k = 0; k < n; k++) {
				const int apart = i > k ? i - k : k - i;
				const bool cable = t == TOPOLOGY_STAR   ? !i || !k
						   : t == TOPOLOGY_RING ? apart == 1 || apart == n - 1
									: apart == 1;

				if (cable && d[i] + 1 < d[k])
					d[k] = d[i] + 1;
			}
	return d[to];
}

START_TEST(ways_are_the_shortest)
{
	static const enum topology kinds[] = {TOPOLOGY_RING, TOPOLOGY_CHAIN, TOPOLOGY_STAR};
	const enum topology t = kinds[_i % 3];
	const int n = 2 + _i / 3;
	struct arena a = ARENA_INIT;

	load(n, arena_printf(&a, "x: {" LINK ", %s: m}", topology_names[t]));
	for (int i = 0; i < n; i++)
		for (int k = 0; k < n; k++) {
			const size_t use = world_link_use(fixture.world, (size_t)i, (size_t)k);

			if (i == k)
				continue;
			ck_assert_uint_ne(use, WORLD_NONE);
			ck_assert_double_eq_tol(fixture.world->link_uses[use].link->latency.value,
						L * distance(t, n, i, k), 1e-15);
		}
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* ---- collectives ---- */

struct outcome {
	double s;      /* until all have the sum */
	double *out_B; /* [machine]: what leaves it, and what comes to it */
	double *in_B;
};

/* Every device has its part at once; what software adds is none. */
static struct outcome reduce(const struct shards *shards, const struct collective *c, enum reduce_way way)
{
	const struct world *w = fixture.world;
	const struct label label = {.phase = PHASE_PREFILL, .part = {ROLE_FFN, false, 0}};
	struct program *p = program_new(w);
	struct deps have[SHARDS_MAX] = {0};
	struct outcome o = {.s = 0};
	struct fixture_run r;

	o.out_B = arena_array(&fixture.arena, w->machines_n, sizeof *o.out_B);
	o.in_B = arena_array(&fixture.arena, w->machines_n, sizeof *o.in_B);
	collective_put_each(p, shards, c, way, label, have);
	r = fixture_run(&fixture.arena, p);
	o.s = sim_s_of_ns(r.run.makespan_ns);
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct queue q = queue_at(w, p->tasks.at[i].queue);

		o.out_B[queue_machine(w, q)] += p->op_classes.at[p->tasks.at[i].op_class].bytes;
		o.in_B[queue_receiver(w, q)] += p->op_classes.at[p->tasks.at[i].op_class].bytes;
	}
	program_free(p);
	return o;
}

static int log2_of(int n)
{
	int log = 0;

	while (1 << (log + 1) <= n)
		log++;
	return log;
}

/* On a switch that blocks nothing, each device by one port, n a power of two where the algorithm wants that (Thakur,
 * Rabenseifner & Gropp 2005, sections 4.1 to 4.5). */
static double closed_form_s(enum reduce_way way, int n, double B)
{
	const double part = (double)(n - 1) / n * B / BPS;

	switch (way) {
	case REDUCE_RING:
		return 2 * (n - 1) * L + 2 * part;
	case REDUCE_DIRECT:
		return L + (n - 1) * B / BPS;
	case REDUCE_SCATTER:
		return 2 * (L + part);
	case REDUCE_TREE:
		return log2_of(n) * (L + B / BPS);
	case REDUCE_HALVING:
		return 2 * log2_of(n) * L + 2 * part;
	case REDUCE_AUTO:
	case REDUCE_HIERARCHICAL:
		break;
	}
	ck_abort();
	return 0;
}

static const double sizes[] = {1024, 840000, 64e6};
enum { WAYS = REDUCE_HALVING };

START_TEST(closed_forms_on_a_switch)
{
	const enum reduce_way way = (enum reduce_way)(1 + _i % WAYS);
	const int n = 2 << (_i / WAYS); /* 2, 4, 8 */
	const struct shards shards = fixture_even(n);

	load(n, "s: {" LINK ", switch: m}");
	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		const struct collective c = {.bytes = sizes[k]};
		const double want = closed_form_s(way, n, sizes[k]);
		const struct outcome o = reduce(&shards, &c, way);

		ck_assert_double_eq_tol(collective_s(fixture.world, &shards, &c, way), want, 1e-9 * want);
		ck_assert_double_eq_tol(o.s, want, 1e-8 * (2 * n + 2) + 1e-9 * want);
		for (int i = 0; i < n; i++) /* what leaves a port has come to another: all ports are alike */
			ck_assert_double_eq_tol(o.out_B[i], o.in_B[i], 1e-9 * sizes[k]);
		if (way != REDUCE_DIRECT && way != REDUCE_TREE)
			ck_assert_double_eq_tol(o.out_B[0], 2.0 * (n - 1) / n * sizes[k], 1e-9 * sizes[k]);
	}
	fixture_release(&fixture);
}
END_TEST

/* Four machines on one 10 GbE switch, said as pairs or as a switch: no algorithm is quicker than one port allows, and
 * the one that is taken comes close. */
START_TEST(four_machines_have_one_port_each)
{
	static const char *const links[] = {
		"l10: {base: ethernet-10g, between: [m0, m1]}, l20: {base: ethernet-10g, between: [m0, m2]}, "
		"l21: "
		"{base: ethernet-10g, between: [m1, m2]}, l30: {base: ethernet-10g, between: [m0, m3]}, l31: "
		"{base: ethernet-10g, between: [m1, m3]}, l32: {base: ethernet-10g, between: [m2, m3]}",
		"lan: {base: ethernet-10g, switch: m}"};
	const double Bps = 9.41e9 / 8, B = 2.73 * Bps * 4 / (2 * 3);
	const struct collective c = {.bytes = B};
	const struct shards shards = fixture_even(4);

	load(4, links[_i]);
	for (int way = 1; way <= REDUCE_HALVING; way++) {
		const struct outcome o = reduce(&shards, &c, (enum reduce_way)way);

		ck_assert_double_ge(o.s, 2.73);
		if ((enum reduce_way)way == collective_way(fixture.world, &shards, &c))
			ck_assert_double_le(o.s, 2.73 * 1.01);
	}
	fixture_release(&fixture);
}
END_TEST

/* Boxes of four with a cable between every two, and a switch between the boxes: scatter in the box, halves between two
 * boxes, and back. It is taken for large tensors. */
START_TEST(boxes_are_summed_first)
{
	const double fast = 40e9, latency = 2e-6, B = 64e6;
	const struct collective c = {.bytes = B};
	const struct shards shards = fixture_even(8);
	const double want = 2 * (latency + B / 4 / fast) + 2 * (L + B / 8 / BPS);
	struct outcome o;

	load(8,
	     "a: {" LINK
	     ", switch: m}, b: {schema: lemursim/hardware/1, kind: link, title: fast, latency: 2 us, "
	     "bandwidth: 40 GB/s, mesh: m0..m3}, c: {schema: lemursim/hardware/1, kind: link, title: fast, "
	     "latency: 2 us, bandwidth: 40 GB/s, mesh: m4..m7}");
	ck_assert(collective_can(fixture.world, &shards, REDUCE_HIERARCHICAL));
	ck_assert_double_eq_tol(collective_s(fixture.world, &shards, &c, REDUCE_HIERARCHICAL), want, 1e-9);
	o = reduce(&shards, &c, REDUCE_HIERARCHICAL);
	ck_assert_double_eq_tol(o.s, want, 1e-7);
	ck_assert_int_eq(collective_way(fixture.world, &shards, &c), REDUCE_HIERARCHICAL);
	for (int i = 0; i < 8; i++) {
		ck_assert_double_eq_tol(o.out_B[i], 2 * (0.75 + 0.125) * B, 1e-3);
		ck_assert_double_eq_tol(o.in_B[i], 2 * (0.75 + 0.125) * B, 1e-3);
	}
	fixture_release(&fixture);
	load(4, "a: {" LINK ", switch: m}");
	ck_assert(!collective_can(fixture.world, &(const struct shards){.n = 4, .unit = {0, 1, 2, 3}},
				  REDUCE_HIERARCHICAL));
	fixture_release(&fixture);
}
END_TEST

/* The leaves of a fat tree are boxes, too; both machines of a leaf send up at once, at half of what each could. */
START_TEST(leaves_are_boxes)
{
	const double B = 64e6, want = 4 * (L + B / 2 / BPS);
	const struct collective c = {.bytes = B};
	const struct shards shards = fixture_even(4);

	load(4, "t: {" LINK ", fat_tree: m, leaf: 2, oversubscription: 2}");
	ck_assert_double_eq_tol(collective_s(fixture.world, &shards, &c, REDUCE_HIERARCHICAL), want, 1e-9);
	ck_assert_double_eq_tol(reduce(&shards, &c, REDUCE_HIERARCHICAL).s, want, 1e-7);
	/* a ring crosses the leaves by one cable each way, and loses nothing */
	ck_assert_double_eq_tol(reduce(&shards, &c, REDUCE_RING).s, closed_form_s(REDUCE_RING, 4, B), 1e-7);
	ck_assert_int_eq(collective_way(fixture.world, &shards, &c), REDUCE_RING);
	fixture_release(&fixture);
}
END_TEST

static const char *random_links(struct arena *a, struct rng *rng, int n)
{
	static const char *const kinds[] = {"switch", "bus", "ring", "chain", "star", "mesh"};
	const char *kind = kinds[(int)(rng_uniform(rng) * (double)ARRAY_LEN(kinds))];
	const double cut = rng_uniform(rng);

	(void)n;
	return arena_printf(a, "x: {" LINK ", duplex: %s, %s: m%s}", rng_uniform(rng) < 0.3 ? "half" : "full",
			    kind,
			    strcmp(kind, "ring") && strcmp(kind, "chain") && strcmp(kind, "star") ? ""
			    : cut < 0.3 ? ", forward: store"
			    : cut < 0.6 ? ", forward_latency: 5 us, forward_bandwidth: 3 GB/s"
					: "");
}

/* On random networks no algorithm beats the bound of a port or cable: each device sends and receives 2 (n - 1) / n B
 * (Patarasuk & Yuan 2009, theorem 1) through all that joins it to others. The formula is near the engine, and what it
 * takes is near the best of all on the engine, found by trying them. */
START_TEST(bounds_on_random_networks)
{
	struct rng *rng = rng_new((uint64_t)_i, "network");
	struct arena a = ARENA_INIT;
	const int n = 2 + (int)(rng_uniform(rng) * 7);
	const double B = pow(10, 3 + 5 * rng_uniform(rng));
	const struct collective c = {.bytes = B};
	const struct shards shards = fixture_even(n);
	/* where some devices give theirs to others first, those that get none do not wait for it: their messages meet */
	const double late = n & (n - 1) ? 2 : 1.05;
	double best = INFINITY, taken = 0;
	const char *links = random_links(&a, rng, n);

	load(n, links);
	for (int way = 1; way <= REDUCE_HALVING; way++) {
		const struct outcome o = reduce(&shards, &c, (enum reduce_way)way);
		const double s = collective_s(fixture.world, &shards, &c, (enum reduce_way)way);
		const double cables = strstr(links, "switch") || strstr(links, "bus") ? 1 : n - 1;
		double out = 0, in = 0;

		ck_assert_msg(o.s >= 2.0 * (n - 1) / n * B / (BPS * cables) - 1e-8,
			      "%s: way %d beats the bound", links, way);
		ck_assert_msg(o.s <= s * (way == REDUCE_TREE || way == REDUCE_HALVING ? late : 1.05) + 1e-7,
			      "%s, %d machines, %g B, way %d: %.9f s, %.9f by formula", links, n, B, way, o.s,
			      s);
		for (int i = 0; i < n; i++) {
			out += o.out_B[i];
			in += o.in_B[i];
		}
		ck_assert_double_eq_tol(out, in, 1e-9 * out);
		best = fmin(best, o.s);
		if ((enum reduce_way)way == collective_way(fixture.world, &shards, &c))
			taken = o.s;
	}
	ck_assert_msg(taken <= best * 1.4, "%s, %d machines, %g B: %.9f s taken, %.9f the best", links, n, B,
		      taken, best);
	fixture_release(&fixture);
	rng_free(rng);
	arena_release(&a);
}
END_TEST

/* ---- many ---- */

static size_t *all_units(size_t n)
{
	size_t *unit = arena_array(&fixture.arena, n, sizeof *unit);

	for (size_t i = 0; i < n; i++)
		unit[i] = i;
	return unit;
}

START_TEST(a_thousand_by_closed_form)
{
	enum { N = 1024 };
	const struct collective c = {.bytes = 1e9};
	const enum reduce_way ways[] = {REDUCE_RING, REDUCE_TREE, REDUCE_HALVING};
	const size_t *unit;

	load(N, "s: {" LINK ", switch: m}");
	ck_assert_uint_eq(fixture.world->units_n, N);
	ck_assert_str_eq(fixture.world->machines[N - 1].origin.name, "m1023");
	unit = all_units(N);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const double want = closed_form_s(ways[i], N, c.bytes);

		ck_assert_double_eq_tol(collective_units_s(fixture.world, unit, N, &c, ways[i]), want,
					1e-9 * want);
	}
	ck_assert_int_eq(collective_units_way(fixture.world, unit, N, &c), REDUCE_HALVING);
	fixture_release(&fixture);
}
END_TEST

/* Where all are alike and where they are looked at one by one, a link that joins no rank more or less is no matter. */
START_TEST(many_alike_or_not)
{
	enum { N = 128 };
	const struct collective c = {.bytes = 3e8};
	double s[REDUCE_HALVING + 1];

	load(N + 2, "s: {" LINK ", switch: m}");
	for (int way = 1; way <= REDUCE_HALVING; way++)
		s[way] = collective_units_s(fixture.world, all_units(N), N, &c, (enum reduce_way)way);
	fixture_release(&fixture);
	load(N + 2, "s: {" LINK ", switch: m}, other: {" LINK ", between: [m128, m129]}");
	for (int way = 1; way <= REDUCE_HALVING; way++)
		ck_assert_double_eq_tol(
			collective_units_s(fixture.world, all_units(N), N, &c, (enum reduce_way)way), s[way],
			1e-12 * s[way]);
	fixture_release(&fixture);
}
END_TEST

/* A ring of many by its sum is the ring round by round: of unlike cables, at 65 and more by one, below by the other. */
START_TEST(rings_round_by_round)
{
	enum { N = 66 };
	const struct collective c = {.bytes = 6.6e7};
	double hop[N], at[N] = {0}, next[N], want = 0;
	struct str links = STR_INIT;
	const size_t *unit;

	for (int i = 0; i < N; i++) {
		hop[i] = (1 + i % 5) * 1e-5 + c.bytes / N / ((1 + i % 3) * 1e9);
		str_addf(&links,
			 "%sl%d: {schema: lemursim/hardware/1, kind: link, title: fixture, latency: %d0 us, "
			 "bandwidth: "
			 "%d GB/s, between: [m%d, m%d]}",
			 i ? ", " : "", i, 1 + i % 5, 1 + i % 3, i, (i + 1) % N);
	}
	str_add(&links, ", s: {" LINK ", switch: m}"); /* the opening looks at others, too */
	load(N, links.text);
	unit = all_units(N);
	for (int r = 0; r < 2 * (N - 1); r++) {
		for (int i = 0; i < N; i++)
			next[(i + 1) % N] = fmax(at[(i + 1) % N], at[i] + hop[i]);
		memcpy(at, next, sizeof at);
	}
	for (int i = 0; i < N; i++)
		want = fmax(want, at[i]);
	ck_assert_double_eq_tol(collective_units_s(fixture.world, unit, N, &c, REDUCE_RING), want,
				1e-9 * want);
	str_release(&links);
	fixture_release(&fixture);
}
END_TEST

/*
 * A published table: all_reduce_perf of NCCL between the eight A100 of one box, out of place
 * (AFDWang/Hetu-Galvatron@6f77a6cb tests/profiler/test_hardware_profile.py). The link's figures are those by which NCCL's own
 * source foretells a ring; no row of the table is in them. A gigabyte is met, 64 to 512 MiB are 12 to 16 % too quick, and
 * smaller tensors up to 38 %: what they take beyond rounds of a ring is not in the model. None is quicker than foretold.
 */
START_TEST(a_published_table_of_nccl)
{
	static const struct {
		double mib, us,
			most; /* most: by which share of the measured time the model may be too quick */
	} rows[] = {{1024, 8139.9, 0.02}, {512, 4651.2, 0.14}, {256, 2338.9, 0.14}, {128, 1256.7, 0.17},
		    {64, 657.2, 0.17},    {32, 415.7, 0.28},   {16, 293.6, 0.4},    {8, 183.4, 0.4},
		    {4, 131.1, 0.4},      {2, 108.8, 0.4},     {1, 78.77, 0.2}};
	const struct shards shards = fixture_even(8);

	load(8, "s: {base: nvlink-3-nccl, switch: m}");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct collective c = {.bytes = rows[i].mib * 1048576};
		const enum reduce_way way = collective_way(fixture.world, &shards, &c);
		const double off = 1e6 * collective_s(fixture.world, &shards, &c, way) / rows[i].us - 1;

		ck_assert_int_eq(way, REDUCE_RING);
		ck_assert_msg(off <= 0.01 && off >= -rows[i].most, "%g MiB: %+.1f %%", rows[i].mib,
			      100 * off);
	}
	fixture_release(&fixture);
}
END_TEST

/* topology: says the same as a link of all machines. */
START_TEST(a_topology_is_a_link_of_all)
{
	const char *const sets[] = {"topology={ring: thunderbolt-5-tcp}", NULL};

	fixture_text(&fixture,
		     FIXTURE_HEAD
		     "model: " FIXTURE_MODEL("2") "\nmachines: {a: " FIXTURE_MACHINE ", b: " FIXTURE_MACHINE
						  ", c: " FIXTURE_MACHINE ", d: " FIXTURE_MACHINE
						  "}\nworkload: {generate: {prompt: 30 tok, tokens: 9 "
						  "tok}}\nassignments: [{name: x, place: [{on: a}]}]\n",
		     sets);
	ck_assert_uint_eq(fixture.world->links_n, 1);
	ck_assert_str_eq(fixture.world->links[0].origin.name, "ring");
	ck_assert_uint_eq(fixture.world->link_uses_n, 6);
	ck_assert_double_eq_tol(
		fixture.world->link_uses[world_link_use(fixture.world, 0, 2)].link->latency.value, 600e-6,
		1e-12);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_network(void)
{
	Suite *s = suite_create("network");
	TCase *tc = tcase_create("network");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, messages_share_what_they_pass, 0, ARRAY_LEN(traffic));
	tcase_add_loop_test(tc, ways_are_the_shortest, 0, 3 * 8);
	tcase_add_loop_test(tc, closed_forms_on_a_switch, 0, 3 * WAYS);
	tcase_add_loop_test(tc, four_machines_have_one_port_each, 0, 2);
	tcase_add_test(tc, boxes_are_summed_first);
	tcase_add_test(tc, leaves_are_boxes);
	tcase_add_loop_test(tc, bounds_on_random_networks, 0, 60);
	tcase_add_test(tc, a_thousand_by_closed_form);
	tcase_add_test(tc, many_alike_or_not);
	tcase_add_test(tc, rings_round_by_round);
	tcase_add_test(tc, a_published_table_of_nccl);
	tcase_add_test(tc, a_topology_is_a_link_of_all);
	suite_add_tcase(s, tc);
	return s;
}
