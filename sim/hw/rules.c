/* rules.c - checks across keys, which the tables of hw.c cannot do, and look-ups; see hw.h. */
#include "sim/hw/hw.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/hw/derive.h"

/* Makers round: 200 GB/s of 204.8. */
#define BUS_TOLERANCE 0.03

/* What a rate that was written with six digits may be off by. */
static const double written_off = 5e-6;

bool runtime_is_date(const char *text)
{
	const size_t n = strlen(text);

	if (n != 7 && n != 10)
		return false;
	for (size_t i = 0; i < n; i++)
		if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

const struct device *machine_device(const struct machine *m, const char *name)
{
	const struct device *d = m->devices.at;

	for (size_t i = 0; i < m->devices.n; i++)
		if (!name || !strcmp(d[i].origin.name, name))
			return &d[i];
	return NULL;
}

static size_t undated_len(const char *name)
{
	return strcspn(name, "@");
}

const char *runtime_undated(struct arena *a, const char *name)
{
	return arena_strndup(a, name, undated_len(name));
}

bool runtime_same(const char *a, const char *b)
{
	const size_t n = undated_len(a);

	return undated_len(b) == n && !strncmp(a, b, n);
}

static const struct profile *named(const struct device *d, const char *name, size_t len)
{
	const struct profile *p = d->runtimes.at, *latest = NULL;

	for (size_t i = 0; i < d->runtimes.n; i++) {
		const char *other = p[i].origin.name;

		if (strncmp(other, name, len) != 0)
			continue;
		if (!other[len])
			return &p[i];
		if (other[len] == '@' && (!latest || strcmp(other, latest->origin.name) > 0))
			latest = &p[i];
	}
	return latest;
}

const struct profile *device_runtime(const struct device *d, const char *runtime)
{
	return named(d, runtime, strlen(runtime));
}

const struct profile *device_newest(const struct device *d, const struct profile *p)
{
	return named(d, p->origin.name, undated_len(p->origin.name));
}

static bool names(const struct field_list *list, const char *architecture)
{
	const char *const *at = list->at;

	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(at[i], architecture))
			return true;
	return false;
}

bool profile_honours(const struct profile *p, enum honour what, const char *architecture)
{
	return !p->honours.origin.node || !architecture || names(&p->honours.of[what], architecture);
}

bool profile_by_hand(const struct profile *p, enum by_hand what, const char *architecture)
{
	return architecture && names(&p->by_hand.of[what], architecture);
}

struct qty link_rate(const struct link *l, double bytes)
{
	const struct link_point *p = l->bandwidth_by_size.at;
	const size_t n = l->bandwidth_by_size.n;
	struct qty rate;
	size_t i = 0;
	double part;

	if (!n)
		return l->bandwidth;
	while (i < n && p[i].size.value < bytes)
		i++;
	if (i == n || i == 0 || p[i].size.value == bytes)
		return p[i == n ? n - 1 : i].bandwidth;
	rate = p[i].bandwidth;
	part = exact_log(bytes / p[i - 1].size.value) / exact_log(p[i].size.value / p[i - 1].size.value);
	rate.value = p[i - 1].bandwidth.value * exact_pow(rate.value / p[i - 1].bandwidth.value, part);
	rate.spread = fmax(rate.spread, p[i - 1].bandwidth.spread);
	rate.provenance = provenance_worse(PROVENANCE_INTERPOLATED,
					   provenance_worse(rate.provenance, p[i - 1].bandwidth.provenance));
	return rate;
}

enum topology link_topology(const struct link *l)
{
	enum topology found = TOPOLOGY_N;

	for (int i = 0; i < TOPOLOGY_N; i++) {
		if (!l->joins[i].n)
			continue;
		if (found != TOPOLOGY_N)
			return TOPOLOGY_N;
		found = (enum topology)i;
	}
	return found;
}

int link_check(const struct link *l, struct diags *diags)
{
	const struct link_point *p = l->bandwidth_by_size.at;
	const size_t before = diags->total;

	for (size_t i = 1; i < l->bandwidth_by_size.n; i++) {
		if (p[i].size.value <= p[i - 1].size.value)
			diag_add(diags, p[i].size.node->place, "sort the points by size",
				 "link point: it is not larger than the one before");
		else if (p[i].size.value / p[i].bandwidth.value <
			 p[i - 1].size.value / p[i - 1].bandwidth.value)
			diag_add(diags, p[i].bandwidth.node->place, "one of the two is wrong",
				 "link point: so a larger message would take less time than a smaller one");
	}
	for (size_t i = 0; i < l->bandwidth_by_size.n; i++)
		if (p[i].bandwidth.value > l->bandwidth.value)
			diag_add(diags, p[i].bandwidth.node->place,
				 "'bandwidth' is what the link can do at best",
				 "link point: it is faster than the link's bandwidth");
	return diags->total == before ? 0 : -1;
}

/* A table has points or one number. */
static void check_shapes(const struct origin *o, const char *what, size_t points, bool u, struct diags *diags)
{
	if (!points && !u)
		diag_add(diags, o->node->place, "or give 'u', one number for any shape",
			 "%s: the list of points is empty", what);
	if (points && u)
		diag_add(diags, o->node->place, "one of the two", "%s: it has both points and 'u'", what);
}

static int check_gemm(const struct device *d, const struct gemm_table *g, enum dtype t, struct diags *diags)
{
	const struct gemm_point *p = g->points.at;

	if (!d->peak[t].given)
		return diag_add(diags, g->origin.node->place, "u is a share of that peak",
				"device '%s': 'gemm_%s' needs 'peak_%s'", d->origin.name, dtype_names[t],
				dtype_names[t]);
	if (g->roof.value > d->peak[t].value * (1 + written_off))
		diag_add(diags, g->roof.node->place, "one of the two is wrong",
			 "gemm: the roof is above the device's peak");
	check_shapes(&g->origin, "gemm", g->points.n, g->u.given, diags);
	for (size_t i = 1; i < g->points.n; i++)
		for (size_t j = 0; j < i; j++)
			if (p[i].m == p[j].m && p[i].n == p[j].n && p[i].k == p[j].k)
				diag_add(diags, p[i].origin.node->place, NULL,
					 "gemm point: the same shape is given twice, first at line %d",
					 p[j].origin.node->place.line);
	return 0;
}

static void check_attention(const struct attention_table *a, struct diags *diags)
{
	const struct attention_point *p = a->points.at;

	check_shapes(&a->origin, "attention", a->points.n, a->u.given, diags);
	for (size_t i = 1; i < a->points.n; i++)
		for (size_t j = 0; j < i; j++)
			if (p[i].query == p[j].query && p[i].context == p[j].context)
				diag_add(diags, p[i].origin.node->place, NULL,
					 "attention point: the same shape is given twice, first at line %d",
					 p[j].origin.node->place.line);
}

/* No kernel moves bytes faster than the bus. */
static void check_rates(const struct machine *m, const struct profile *p, struct diags *diags)
{
	const struct {
		const char *does;
		const struct qty *q;
	} rates[] = {{"reads", &p->read},
		     {"copies", &p->copy},
		     {"reads weights", &p->gemv},
		     {"reads 8-bit weights", &p->gemv_q8},
		     {"reads 4-bit weights", &p->gemv_q4},
		     {"reads the KV cache", &p->attention.decode}};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		struct str bus = STR_INIT;

		if (!(rates[i].q->value > m->memory.bandwidth.value * (1 + written_off)))
			continue;
		units_format(&bus, m->memory.bandwidth.value, DIM_BANDWIDTH, 4);
		diag_add(diags, rates[i].q->node->place, "one of the two is wrong",
			 "runtime '%s': it %s faster than the memory's bus, %s", p->origin.name,
			 rates[i].does, bus.text);
		str_release(&bus);
	}
}

/* Neither says anything without the other. */
static void check_buffer(const struct profile *p, struct diags *diags)
{
	const struct overhead *o = &p->overhead;

	if (o->buffer.given != (o->buffer_inputs > 0))
		diag_add(diags, o->origin.node ? o->origin.node->place : p->origin.node->place,
			 "give both 'buffer' and 'buffer_inputs', or neither",
			 "runtime '%s': its overhead has '%s' alone", p->origin.name,
			 o->buffer.given ? "buffer" : "buffer_inputs");
}

static void check_runtime_name(const struct profile *p, struct diags *diags)
{
	const char *at = strchr(p->origin.name, '@');

	if (at && !runtime_is_date(at + 1))
		diag_add(diags, p->origin.node->place, "write NAME@2023-11",
			 "runtime '%s': expected a year and a month after '@'", p->origin.name);
}

/* Compares the stated bandwidth of the bus with its width and rate, so that a wrong digit is noticed. */
static void check_bus(const struct memory *m, struct diags *diags)
{
	const double bus = (double)m->bus_bits / 8 * m->transfers.value;
	struct str follows = STR_INIT;

	if (!m->bus_bits || !m->transfers.given || !m->bandwidth.given ||
	    fabs(m->bandwidth.value / bus - 1) <= BUS_TOLERANCE)
		return;
	units_format(&follows, bus, DIM_BANDWIDTH, 4);
	diag_add(diags, m->bandwidth.node->place, "one of the three is wrong",
		 "memory: %d bits at that many transfers make %s", (int)m->bus_bits, follows.text);
	str_release(&follows);
}

/* The power under load may not be below the idle power. */
static void check_power(const struct qty *idle, const struct qty *active, const char *who,
			struct diags *diags)
{
	if (idle->given && active->given && active->value < idle->value)
		diag_add(diags, active->node->place, "one of the two is wrong",
			 "%s: 'active_power' is less than 'idle_power'", who);
}

static void check_device(const struct machine *m, const struct device *d, struct diags *diags)
{
	const struct profile *p = d->runtimes.at;

	if (strchr(d->origin.name, '.')) /* a name is 'm5.gpu': the machine's, a point, the device's */
		diag_add(diags, d->origin.node->place, NULL, "a device's name may not hold a point: '%s'",
			 d->origin.name);
	check_power(&d->idle_power, &d->active_power, d->origin.name, diags);
	if (d->fast_cores > d->cores)
		diag_add(diags, yml_get(d->origin.node, "fast_cores")->place, NULL,
			 "device '%s': it has %d cores", d->origin.name, (int)d->cores);
	for (size_t j = 0; j < d->runtimes.n; j++)
		for (int t = 0; t < DTYPE_N; t++)
			if (p[j].gemm[t])
				check_gemm(d, p[j].gemm[t], (enum dtype)t, diags);
	for (size_t j = 0; j < d->runtimes.n; j++) {
		check_buffer(&p[j], diags);
		check_runtime_name(&p[j], diags);
		check_attention(&p[j].attention, diags);
		check_rates(m, &p[j], diags);
	}
}

int machine_check(struct machine *m, struct diags *diags)
{
	const struct device *d = m->devices.at;
	const size_t before = diags->total;

	if (m->count)
		diag_add(diags, yml_get(m->origin.node, "count")->place, "a scenario says how many there are",
			 "machine '%s': count: a machine's file is one machine", m->origin.name);
	if (!m->devices.n)
		diag_add(diags, m->origin.node->place, NULL, "machine '%s': it has no device",
			 m->origin.name);
	derive_facts(m, diags);
	if (diags->total != before)
		return -1;
	if (m->chip && m->die && !strcmp(m->chip, m->die))
		diag_add(diags, yml_get(m->origin.node, "die")->place,
			 "that of one die by itself, such as Apple M1 Max of an Ultra",
			 "die: '%s' is the chip itself", m->die);
	check_bus(&m->memory, diags);
	check_power(&m->idle_power, &m->active_power, "machine", diags);
	if (m->memory.usable.value > m->memory.capacity.value)
		diag_add(diags, m->memory.usable.node->place,
			 "what is installed is 'capacity'; 'usable' is what the system lets programs have of "
			 "it",
			 "memory: more is usable than is installed");
	for (size_t i = 0; i < m->devices.n; i++)
		check_device(m, &d[i], diags);
	return diags->total == before ? 0 : -1;
}
