/* bill.c - see bill.h. */
#include "sim/predict/bill.h"

#include <math.h>

static double watts(const struct qty *q, double z)
{
	const struct term t = {q->value, q->spread, q->how};

	return q->given ? term_drawn(&t, z) : NAN;
}

struct power { /* watts */
	double idle, mean;
};

static const struct luck no_luck = {0, 0};

bool bill_has_own_W(const struct device *d)
{
	return d->idle_power.given && d->active_power.given;
}

static double added_W(const struct machine *m, const struct device *d, const struct luck *luck)
{
	const bool own = bill_has_own_W(d);
	const double idle = watts(own ? &d->idle_power : &m->idle_power, luck->idle),
		     active = watts(own ? &d->active_power : &m->active_power, luck->active);

	return isnan(idle) || isnan(active) ? NAN : fmax(0, active - idle);
}

double bill_added_W(const struct machine *m, const struct device *d)
{
	return added_W(m, d, &no_luck);
}

/* Devices that say nothing of their own share what the machine says: two at once add no more than one. */
static struct power machine_power(const struct world *w, size_t m, double s, const double *busy_ns,
				  const struct luck *luck)
{
	const struct machine *machine = &w->machines[m];
	const double idle = watts(&machine->idle_power, luck->idle);
	double joules = 0, shared_s = 0;

	for (size_t u = 0; u < w->units_n; u++) {
		const struct device *d = w->units[u].device;

		if (w->units[u].machine != m || busy_ns[u] <= 0)
			continue;
		if (bill_has_own_W(d))
			joules += added_W(machine, d, luck) * busy_ns[u] / 1e9;
		else
			shared_s += busy_ns[u] / 1e9;
	}
	if (shared_s > 0) {
		const struct device none = {.idle_power.given = false};

		joules += added_W(machine, &none, luck) * fmin(shared_s, s);
	}
	return (struct power){idle, idle + joules / s};
}

/* Beyond what its ports take in an idle machine: nothing where the link says nothing. */
static double joint_W(const struct world *w, size_t j, double s, const double *busy_ns,
		      const struct luck *luck)
{
	const struct link *l = w->joints[j].link;
	const double busy_s = (busy_ns[w->units_n + 2 * j] + busy_ns[w->units_n + 2 * j + 1]) / 1e9;

	return l->power.given ? 2 * watts(&l->power, luck->active) * fmin(busy_s, s) / s : 0;
}

struct price bill_price(const struct world *w, const bool *used)
{
	struct price sum = {0, HOW_MEASURED};

	for (size_t m = 0; m < w->machines_n; m++) {
		const struct qty *p = &w->machines[m].price;

		if (!used[m])
			continue;
		sum.usd += p->given ? p->value : NAN;
		sum.how = how_worse(sum.how, p->how);
	}
	return sum;
}

struct bill bill_of(const struct world *w, const bool *used, double s, const double *busy_ns,
		    const struct luck *luck)
{
	const struct money *money = &w->scenario->money;
	double idle_W = 0, mean_W = 0;
	struct bill b;

	for (size_t m = 0; m < w->machines_n; m++) {
		struct power power;

		if (!used[m])
			continue;
		power = machine_power(w, m, s, busy_ns, luck ? &luck[m] : &no_luck);
		idle_W += power.idle;
		mean_W += power.mean;
	}
	for (size_t j = 0; j < w->joints_n; j++)
		if (used[w->joints[j].ends[0]] && used[w->joints[j].ends[1]])
			mean_W += joint_W(w, j, s, busy_ns, luck ? &luck[w->machines_n + j] : &no_luck);
	b.energy_J = mean_W * s;
	/* for each second of work, (1 - u) / u seconds of idling */
	b.usd = bill_price(w, used).usd * s / (money->life * money->utilisation) +
		money->electricity *
			(b.energy_J + idle_W * s * (1 - money->utilisation) / money->utilisation);
	return b;
}

enum how bill_from(const struct world *w, const bool *used, bool money)
{
	enum how from = money ? bill_price(w, used).how : HOW_MEASURED;

	for (size_t m = 0; m < w->machines_n; m++) {
		const struct machine *machine = &w->machines[m];

		if (!used[m])
			continue;
		from = how_worse(from, machine->idle_power.how);
		for (size_t u = 0; u < w->units_n; u++) {
			const struct device *d = w->units[u].device;
			const bool own = bill_has_own_W(d);

			if (w->units[u].machine == m)
				from = how_worse(from, own ? d->active_power.how : machine->active_power.how);
		}
	}
	return from;
}
