/* derive.c - see derive.h. */
#include "sim/hw/derive.h"
#include "sim/base/exact_math.h"

#include <math.h>
#include <string.h>

#define GIB 1073741824.0

/* recommendedMaxWorkingSetSize / RAM as llama.cpp prints it at start-up (MB are 10^6 byte). Other
 * capacities get the share of the next smaller one. */
static const struct wired {
	enum hw_system system;
	double capacity_GiB, share;
	const char *source;
} wired[] = {
	{SYSTEM_MACOS_15, 0, 2.0 / 3,
	 "macOS 15 and older: 11453.25 MB of 16 GiB (M1 Pro), 17179.89 of 24 (M2), 22906.50 of 32"},
	{SYSTEM_MACOS_15, 36, 0.75,
	 "macOS 15 and older, above 32 GiB: 28991.03 MB of 36 GiB, 51539.61 of 64; three quarters"},
	{SYSTEM_MACOS_26, 0, 2.0 / 3,
	 "about 5.3 GB of 8 GiB (iMac M3; SceneWorks#1552), two thirds as before macOS 26"},
	{SYSTEM_MACOS_26, 16, 0.74,
	 "macOS 26: 12713.12 MB of 16 GiB (M3 and M4; AlexsJones/llmfit@3f44fd30, ggml 0.13.1), 19069.67 of "
	 "24"},
	{SYSTEM_MACOS_26, 32, 0.78,
	 "macOS 26: 26800.60 MB of 32 GiB, 30150.67 of 36 (M3 Max), 40200.90 of 48; ggml_metal_device_init"},
	{SYSTEM_MACOS_26, 64, 0.81,
	 "macOS 27: 55662.79 MB of 64 GiB (M4 Pro; PrismML-Eng/Bonsai-demo metal-m4-pro-64gb-macos.md)"},
	{SYSTEM_MACOS_26, 128, 0.84,
	 "macOS 26: 107.52 of 128 GiB on two machines, one an M5 Max (antirez/ds4#893)"},
};

double derive_wired_share(enum hw_system system, double capacity_B, enum provenance *provenance,
			  const char **source)
{
	double share = 0;

	for (size_t i = 0; i < ARRAY_LEN(wired); i++) {
		const struct wired *w = &wired[i];

		if (w->system != system || capacity_B < w->capacity_GiB * GIB * 0.999)
			continue;
		share = w->share;
		*source = w->source;
	}
	*provenance = PROVENANCE_TRANSFERRED;
	return share;
}

static struct qty follow(struct diags *diags, const struct origin *of, const char *key, double value,
			 enum dim dim, enum provenance provenance, const char *source)
{
	struct source *from = arena_alloc(diags->arena, sizeof *from);
	const struct place place = {from, 0, 0, 0};
	struct str text = STR_INIT;
	struct yml *map, *node;

	units_format_exact(&text, value, dim); /* `show` writes it, and its output can be read again */
	*from = (struct source){arena_printf(diags->arena, "follows: %s", source), NULL, 0};
	node = yml_scalar(diags->arena, text.text, place);
	node->is_default = true;
	map = (struct yml *)of->node; /* the loader adds defaults to the same tree */
	yml_put(diags->arena, map, key, place, node);
	str_release(&text);
	return (struct qty){.value = value,
			    .spread = field_spread(provenance),
			    .provenance = provenance,
			    .source = source,
			    .given = true,
			    .node = node};
}

static void derive_bandwidth(struct memory *m, struct diags *diags)
{
	if (m->bandwidth.given)
		return;
	if (!m->bus_bits || !m->transfers.given)
		diag_add(diags, m->origin.node->place, "or 'bus_bits' and 'transfers', from which it follows",
			 "memory: key 'bandwidth' is missing");
	else
		m->bandwidth =
			follow(diags, &m->origin, "bandwidth", (double)m->bus_bits / 8 * m->transfers.value,
			       DIM_BANDWIDTH, provenance_worse(m->transfers.provenance, PROVENANCE_DATASHEET),
			       "bus_bits / 8 x transfers");
}

static void derive_usable(struct machine *m, struct diags *diags)
{
	const char *source = NULL;
	enum provenance provenance = PROVENANCE_TRANSFERRED;
	double share;

	if (m->memory.usable.given)
		return;
	share = derive_wired_share((enum hw_system)m->system, m->memory.capacity.value, &provenance, &source);
	if (share > 0)
		m->memory.usable = follow(diags, &m->memory.origin, "usable",
					  share * m->memory.capacity.value, DIM_BYTES, provenance, source);
	else
		diag_add(diags, m->memory.origin.node->place,
			 "or 'system: macos-26' beside 'memory:', from whose rule it follows",
			 "memory: key 'usable' is missing");
}

static void derive_peaks(struct device *d, struct diags *diags)
{
	static const char *const keys[DTYPE_N] = {"peak_f32", "peak_f16", "peak_bf16"};

	for (int t = 0; t < DTYPE_N; t++) {
		const struct qty *per = &d->per_cycle[t];

		if (d->peak[t].given || !per->given || !d->clock.given)
			continue;
		d->peak[t] = follow(diags, &d->origin, keys[t],
				    (double)d->cores * per->value * d->clock.value, DIM_FLOPS,
				    provenance_worse(d->clock.provenance,
						     provenance_worse(per->provenance, PROVENANCE_DATASHEET)),
				    "cores x per_cycle x clock");
	}
}

/* Of a card's power under load, what it takes at no clock (memory, leakage, fans); and the share of the clock below which the
 * voltage is at its least. Above it power grows as clock times voltage squared, and voltage with the clock: with its cube. Read off
 * the clocks of RTX 3090s of 350 W in steady decode (noonghunna/club-3090#103 and #104: 1395 MHz at 210 W, 1470 at 220,
 * 1650 at 270, 1695 at 290, 1905 at 350; the law is within 3 %) and, below 220 W, prompts on six of them
 * (llmgarage.ai/power-limit-tokens-per-second-benchmark: 0.94 at 300 W, 0.85 at 250, 0.60 at 200, 0.26 at 150; the
 * law: 0.93, 0.84, 0.64, 0.30). Rows of capped cards in hardware/measured had been seen; none of their times is in it. */
static const double power_at_rest = 0.3, least_voltage_clock = 0.78;

double derive_limited_clock(double limit_W, double full_W)
{
	const double rest = power_at_rest * full_W, x = (limit_W - rest) / (full_W - rest);
	const double knee = least_voltage_clock * least_voltage_clock * least_voltage_clock;

	if (x >= 1)
		return 1;
	return x >= knee ? exact_exp(exact_log(x) / 3) : least_voltage_clock * x / knee;
}

/* The bus keeps its clock under a limit; what computes does not. */
static void derive_limited(struct machine *m, struct diags *diags)
{
	struct device *d = m->devices.at;
	double share;

	m->rated_W = m->active_power.given ? m->active_power.value : 0;
	if (!m->power_limit.given)
		return;
	if (!m->active_power.given) {
		diag_add(diags, m->power_limit.node->place, "say 'active_power', which it is a share of",
			 "power_limit: the machine says no power under load");
		return;
	}
	share = derive_limited_clock(m->power_limit.value, m->active_power.value);
	if (share < 0.1) {
		diag_add(diags, m->power_limit.node->place,
			 "nvidia-smi -q -d POWER says the least that a card takes",
			 "power_limit: %.6g W leave nothing to compute with, of %.6g W under load",
			 m->power_limit.value, m->active_power.value);
		return;
	}
	for (size_t i = 0; i < m->devices.n; i++) {
		d[i].clock.value *= share;
		for (int t = 0; t < DTYPE_N; t++)
			d[i].peak[t].value *= share;
	}
	m->active_power.value = fmin(m->active_power.value, m->power_limit.value);
}

static void settle_rate(struct qty *q, double of)
{
	if (q->is_share)
		q->value *= of;
	q->is_share = false;
}

/* A share of the peak was measured on one chip of the family and is transferred to this one. */
static void settle_roof(struct qty *roof, double peak)
{
	if (roof->is_share)
		roof->provenance = provenance_worse(roof->provenance, PROVENANCE_TRANSFERRED);
	settle_rate(roof, peak);
}

/* Lists the numbers of a profile that scale with the bus, or with the peak, of a device. */
enum { NUMBERS_MAX = 512 };
struct numbers {
	struct qty *at[NUMBERS_MAX];
	size_t n;
};

static void add_number(struct numbers *all, struct qty *q)
{
	if (q->given && all->n < NUMBERS_MAX)
		all->at[all->n++] = q;
}

static struct numbers rates_of(struct profile *p)
{
	struct numbers all = {.n = 0};
	struct qty *rates[] = {&p->read,
			       &p->copy,
			       &p->gemv,
			       &p->gemv_q8,
			       &p->gemv_q4,
			       &p->attention.decode,
			       &p->attention.decode_alone};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		if (rates[i]->is_share) /* other profiles were measured on this machine */
			add_number(&all, rates[i]);
	return all;
}

static struct numbers shares_of(struct profile *p)
{
	struct numbers all = {.n = 0};
	struct attention_point *at = p->attention.points.at;

	add_number(&all, &p->attention.u);
	add_number(&all, &p->attention.decode_u);
	add_number(&all, &p->attention.other_u);
	add_number(&all, &p->attention.alone_u);
	for (size_t i = 0; i < p->attention.points.n; i++)
		add_number(&all, &at[i].u);
	for (int t = 0; t < DTYPE_N; t++) {
		struct gemm_point *g = p->gemm[t] ? p->gemm[t]->points.at : NULL;

		if (p->gemm[t])
			add_number(&all, &p->gemm[t]->u);
		for (size_t i = 0; g && i < p->gemm[t]->points.n; i++)
			add_number(&all, &g[i].u);
	}
	return all;
}

static void add_by_weights(struct numbers *all, struct by_weights *b)
{
	add_number(all, &b->f16);
	add_number(all, &b->q8);
	add_number(all, &b->q4);
	add_number(all, &b->k);
	add_number(all, &b->fp4);
	add_number(all, &b->bf16);
}

/* Products of few rows run on the same chip, so their spread gets the chip's part, too. */
static struct numbers few_of(struct profile *p)
{
	struct numbers all = {.n = 0};

	add_by_weights(&all, &p->few.first);
	add_by_weights(&all, &p->few.further);
	return all;
}

/* The spread of a chip's own runs around its factor contains that of the formats. */
static void settle_dequant(struct profile *p)
{
	struct numbers all = {.n = 0};

	add_by_weights(&all, &p->dequant);
	add_by_weights(&all, &p->dequant_experts);
	for (size_t i = 0; i < all.n; i++)
		if (all.at[i]->provenance == PROVENANCE_MEASURED)
			all.at[i]->spread = 0;
}

/* Multiplies by a factor. spread: that of this chip, which replaces the transferred one, or NULL. */
static void scale(const struct numbers *all, double times, const double *spread, bool transferred)
{
	for (size_t i = 0; i < all->n; i++) {
		struct qty *q = all->at[i];

		q->value *= times;
		if (spread)
			q->spread = *spread;
		if (transferred)
			q->provenance = provenance_worse(q->provenance, PROVENANCE_TRANSFERRED);
	}
}

static const struct chip_reach *reach_named(const struct profile *p, const char *chip)
{
	const struct chip_reach *c = p->chips.at;

	for (size_t i = 0; chip && i < p->chips.n; i++)
		if (!strcmp(c[i].origin.name, chip))
			return &c[i];
	return NULL;
}

const struct chip_reach *chip_reach_of(const struct machine *m, const struct device *d,
				       const struct profile *p, bool *own)
{
	const struct profile *like = p->chips_like ? device_runtime(d, p->chips_like) : NULL;
	const struct chip_reach *c = reach_named(p, m->chip);

	*own = c != NULL;
	if (!c && like)
		c = reach_named(like, m->chip);
	if (!c)
		c = reach_named(p, m->die);
	if (!c && like)
		c = reach_named(like, m->die);
	return c;
}

void derive_profile(const struct machine *m, const struct device *d, struct profile *p)
{
	const bool two = m->dies > 1 && p->dies.origin.node;
	bool own;
	const struct chip_reach *chip = chip_reach_of(m, d, p, &own);
	const bool other = p->chips.n && !own;
	const double rate = (two ? p->dies.bandwidth.value : 1) * (chip ? chip->bandwidth.value : 1),
		     share = (two ? p->dies.arithmetic.value : 1) * (chip ? chip->arithmetic.value : 1);
	const struct numbers rates = rates_of(p), shares = shares_of(p), few = few_of(p);

	for (size_t i = 0; i < rates.n; i++)
		settle_rate(rates.at[i], m->memory.bandwidth.value);
	for (int t = 0; t < DTYPE_N; t++)
		if (p->gemm[t])
			settle_roof(&p->gemm[t]->roof, d->peak[t].value * fmin(share, 1));
	scale(&rates, rate, own ? &chip->bandwidth.spread : NULL, other);
	scale(&shares, share, own ? &chip->arithmetic.spread : NULL, other);
	scale(&few, share, NULL, other);
	if (own)
		settle_dequant(p);
	for (size_t i = 0; two && !own && i < rates.n; i++)
		rates.at[i]->spread = exact_hypot(rates.at[i]->spread, p->dies.bandwidth.spread);
	for (size_t i = 0; two && !own && i < shares.n; i++)
		shares.at[i]->spread = exact_hypot(shares.at[i]->spread, p->dies.arithmetic.spread);
	for (size_t i = 0; i < rates.n; i++)
		rates.at[i]->value = fmin(rates.at[i]->value, m->memory.bandwidth.value);
	for (size_t i = 0; i < shares.n; i++)
		shares.at[i]->value = fmin(shares.at[i]->value, 1);
}

void derive_facts(struct machine *m, struct diags *diags)
{
	struct device *d = m->devices.at;

	derive_bandwidth(&m->memory, diags);
	derive_usable(m, diags);
	for (size_t i = 0; i < m->devices.n; i++)
		derive_peaks(&d[i], diags);
	derive_limited(m, diags);
	for (size_t i = 0; i < m->devices.n; i++) {
		struct profile *p = d[i].runtimes.at;

		for (size_t j = 0; j < d[i].runtimes.n; j++)
			derive_profile(m, &d[i], &p[j]);
	}
}
