/* energy_cost.c - see energy_cost.h. */
#include "sim/predict/energy_cost.h"

#include <math.h>

#include "sim/step/queue.h"

#include "sim/cost/cost.h"

static double watts(const struct qty *q, double z)
{
	const struct term t = {q->value, q->spread, q->provenance};

	return q->given ? term_drawn(&t, z) : NAN;
}

struct power { /* watts */
	double idle, mean;
};

static const struct power_draw nominal_draw = {0, 0};

bool energy_cost_has_own_W(const struct device *d)
{
	return d->idle_power.given && d->active_power.given;
}

static double added_W(const struct machine *m, const struct device *d, const struct power_draw *power_draw)
{
	const bool own = energy_cost_has_own_W(d);
	const double idle = watts(own ? &d->idle_power : &m->idle_power, power_draw->idle),
		     active = watts(own ? &d->active_power : &m->active_power, power_draw->active);

	return isnan(idle) || isnan(active) ? NAN : fmax(0, active - idle);
}

double energy_cost_added_W(const struct machine *m, const struct device *d)
{
	return added_W(m, d, &nominal_draw);
}

/* Devices that say nothing of their own share what the machine says: two at once add no more than one. */
static struct power machine_power(const struct world *w, size_t m, double s, const double *busy_ns,
				  const struct power_draw *power_draw)
{
	const struct machine *machine = &w->machines[m];
	const double idle = watts(&machine->idle_power, power_draw->idle);
	double joules = 0, shared_s = 0;

	for (size_t u = 0; u < w->units_n; u++) {
		const struct device *d = w->units[u].device;

		if (w->units[u].machine != m || busy_ns[u] <= 0)
			continue;
		if (energy_cost_has_own_W(d))
			joules += added_W(machine, d, power_draw) * busy_ns[u] / 1e9;
		else
			shared_s += busy_ns[u] / 1e9;
	}
	if (shared_s > 0) {
		const struct device none = {.idle_power.given = false};

		joules += added_W(machine, &none, power_draw) * fmin(shared_s, s);
	}
	return (struct power){idle, idle + joules / s};
}

/* The seconds for which a machine's end of a link is busy, by all that the link joins it to. */
static double end_busy_s(const struct world *w, size_t link, size_t machine, const bool *used,
			 const double *busy_ns)
{
	double ns = 0;

	for (size_t j = 0; j < w->link_uses_n; j++) {
		const size_t *ends = w->link_uses[j].ends;

		if (w->link_uses[j].of == link && (ends[0] == machine || ends[1] == machine) &&
		    used[ends[0]] && used[ends[1]])
			ns += busy_ns[queue_index(w, (struct queue){QUEUE_LINK, j, 0})] +
			      busy_ns[queue_index(w, (struct queue){QUEUE_LINK, j, 1})];
	}
	return ns / 1e9;
}

/* Beyond what its ports take in idle machines: nothing where the link says nothing. */
static double link_W(const struct world *w, size_t link, double s, const bool *used, const double *busy_ns,
		     const struct power_draw *power_draw)
{
	const struct qty *power = &w->links[link].power;
	double sum = 0;

	for (size_t m = 0; power->given && m < w->machines_n; m++)
		if (used[m])
			sum += watts(power, power_draw->active) *
			       fmin(end_busy_s(w, link, m, used, busy_ns), s) / s;
	return sum;
}

struct price energy_cost_price(const struct world *w, const bool *used)
{
	struct price sum = {0, PROVENANCE_MEASURED};

	for (size_t m = 0; m < w->machines_n; m++) {
		const struct qty *p = &w->machines[m].price;

		if (!used[m])
			continue;
		sum.usd += p->given ? p->value : NAN;
		sum.provenance = provenance_worse(sum.provenance, p->provenance);
	}
	return sum;
}

struct energy_cost energy_cost_of(const struct world *w, const bool *used, double s, const double *busy_ns,
				  const struct power_draw *power_draw)
{
	const struct money *money = &w->scenario->money;
	double idle_W = 0, mean_W = 0;
	struct energy_cost b;

	for (size_t m = 0; m < w->machines_n; m++) {
		struct power power;

		if (!used[m])
			continue;
		power = machine_power(w, m, s, busy_ns, power_draw ? &power_draw[m] : &nominal_draw);
		idle_W += power.idle;
		mean_W += power.mean;
	}
	for (size_t j = 0; j < w->links_n; j++)
		mean_W += link_W(w, j, s, used, busy_ns,
				 power_draw ? &power_draw[w->machines_n + j] : &nominal_draw);
	b.energy_J = mean_W * s;
	/* for each second of work, (1 - u) / u seconds of idling */
	b.usd = energy_cost_price(w, used).usd * s / (money->life * money->utilisation) +
		money->electricity *
			(b.energy_J + idle_W * s * (1 - money->utilisation) / money->utilisation);
	return b;
}

enum provenance energy_cost_from(const struct world *w, const bool *used, bool money)
{
	enum provenance from = money ? energy_cost_price(w, used).provenance : PROVENANCE_MEASURED;

	for (size_t m = 0; m < w->machines_n; m++) {
		const struct machine *machine = &w->machines[m];

		if (!used[m])
			continue;
		from = provenance_worse(from, machine->idle_power.provenance);
		for (size_t u = 0; u < w->units_n; u++) {
			const struct device *d = w->units[u].device;
			const bool own = energy_cost_has_own_W(d);

			if (w->units[u].machine == m)
				from = provenance_worse(from, own ? d->active_power.provenance
								  : machine->active_power.provenance);
		}
	}
	return from;
}
