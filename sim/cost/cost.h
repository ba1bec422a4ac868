/*
 * cost.h - the only room where an operator meets a device: how long, why that long, from where, how sure.
 *
 * Layer cost. t = max(FLOP / (u_compute * peak), bytes / bandwidth) + kernels * dispatch: the roofline of
 * Williams et al. (CACM 52(4), 2009) with the utilisation a runtime reaches, and its overhead. The sides are
 * kept apart, so that a draw of the parameters, or a what-if on one of them, costs a few multiplications.
 *
 * Products of few rows run on kernels that read the weights and unpack them as they come. One reading serves
 * `pass` rows; the first row of each pass hides behind the reading as far as unpacking is not slower, what
 * further rows add does not hide. Products of many rows are cut into tiles: rows are rounded up to them
 * (those of experts by half a tile, since their numbers vary), and fewer tiles than fill the cores reach
 * less. A runtime that keeps activations in another type than it multiplies converts what goes in and comes
 * out of such a product in kernels of their own: passes of `linear`, at the rate of copies, in its overhead.
 */
#ifndef SIM_COST_COST_H
#define SIM_COST_COST_H
#include "sim/hw/hw.h"
#include "sim/llm/graph.h"

/* A device as an operator sees it. */
struct device_model {
	const struct machine *machine;
	const struct device *device;
	const struct profile *profile;
	enum dtype compute;
	/* the profile's tables laid out; NULL where it has none that can be used, see device_model_check() */
	const struct util_table *gemm, *attention;
};

/* The device model's memory is in the arena; what it is made of must outlive it, and is not changed
 * meanwhile. */
struct device_model device_model_make(struct arena *a, const struct machine *machine,
				      const struct device *device, const struct profile *profile,
				      enum dtype compute);

struct term { /* one side of a cost, in seconds, with the relative spread of the parameter behind it */
	double s, spread;
	enum provenance from;
};

struct cost {
	struct term arithmetic, memory; /* the longer counts */
	struct term apart;              /* arithmetic on top of both */
	struct term overhead;
	double flop;  /* carried out, the masked half included where the kernel does it */
	double bytes; /* moved */
};

/* What calibration knows to some spread, and what may be changed: a device has the parameters before
 * PARAM_LINKS, a link the others. */
enum param {
	PARAM_ARITHMETIC,
	PARAM_MEMORY,
	PARAM_OVERHEAD,
	PARAM_LINKS,
	PARAM_LATENCY = PARAM_LINKS,
	PARAM_BANDWIDTH,
	PARAM_COPIES, /* host to device and back */
	PARAM_N
};
extern const char *const param_names[PARAM_N]; /* "arithmetic", "memory bandwidth", "runtime overhead", ... */

struct params { /* a number for each: how many times better than calibrated, or a normal deviate */
	double of[PARAM_N];
};

/* The cost of `share` of an operator (0 < share <= 1, split as op->split says) at a device model. */
struct cost cost_of(const struct op *op, const struct device_model *device_model, double share);

/* Of a kernel that does nothing but pass over so many bytes at one of the profile's rates: read, copy. */
struct cost cost_stream(const struct device_model *device_model, const struct qty *rate, double bytes);

double cost_seconds(const struct cost *c); /* at the calibrated values */

/* speed: how many times better than calibrated each parameter is (1.1: a tenth faster). */
double cost_seconds_at(const struct cost *c, const struct params *speed);

/* z: standard normal numbers, one for each parameter of the device; a time is never drawn below a fifth of
 * its own. */
double term_drawn(const struct term *t, double z);
double cost_seconds_drawn(const struct cost *c, const struct params *z);

enum param cost_bound(const struct cost *c); /* which term is the largest */
enum provenance
cost_from(const struct cost *c); /* where the terms that decide come from; the worst of them */

/* NULL, or why this device model cannot run the model in that arithmetic ("runtime 'mps' of m5.gpu has no
 * gemm_bf16
 * ..."). */
int device_model_check(const struct device_model *device_model, struct err *err);

#endif
