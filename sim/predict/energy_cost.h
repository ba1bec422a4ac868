/*
 * energy_cost.h - what a run takes from the wall, and what it costs.
 *
 * Layer predict. Energy: every machine that the assignment uses draws its idle power for as long as the run
 * takes, and what a device draws beyond that while the device is busy; waiting for a link is idling, and
 * ports are part of their machine (a switch has power of its own on the link). Money: the machines' list
 * prices over the part of their life that they work, and the electricity, that of their idle hours included.
 */
#ifndef SIM_PREDICT_ENERGY_COST_H
#define SIM_PREDICT_ENERGY_COST_H
#include "sim/base/provenance.h"
#include "sim/world/world.h"

struct energy_cost {     /* of one run: a generation, or a training step */
	double energy_J; /* NAN where a watt is not known */
	double usd;      /* NAN where a watt or a price is not known */
};

/* Normal deviates of what a meter would show; one for each machine, then one for each link. */
struct power_draw {
	double idle, active;
};

/* used: [machine], see struct prediction. busy_ns: [queue], in a run of s seconds. power_draw: NULL for the
 * calibrated powers. */
struct energy_cost energy_cost_of(const struct world *w, const bool *used, double s, const double *busy_ns,
				  const struct power_draw *power_draw);

/* List prices of the machines used, NAN where one is not known, and where they come from, at worst. */
struct price {
	double usd;
	enum provenance provenance;
};
struct price energy_cost_price(const struct world *w, const bool *used);

/* Where the powers, and with money the prices, come from: the worst of them. */
enum provenance energy_cost_from(const struct world *w, const bool *used, bool money);

/* Watts that a device adds to its idle machine while it is busy, by its own figures or by those of its
 * machine, which all of its devices share; NAN where they are not known. */
bool energy_cost_has_own_W(const struct device *d);
double energy_cost_added_W(const struct machine *m, const struct device *d);

#endif
