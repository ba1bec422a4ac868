/*
 * cost.h - the time of an operator on a device, with the term that limits it, its provenance and its
 * spread.
 *
 * Layer cost. t = max(FLOP / (u_compute * peak), bytes / bandwidth) + kernels * dispatch: the roofline of
 * Williams et al. (CACM 52(4), 2009) with the utilisation that a runtime reaches, and its overhead. The
 * terms are stored separately, so that a draw of the parameters, or a what-if on one of them, costs a few
 * multiplications. A draw is never faster than the roofline itself: the stated peak and the memory's bus.
 *
 * Products of few rows run on matrix-vector kernels, which unpack the weights as they read them. One
 * reading of the weights serves `pass` rows. The arithmetic of the first row of each pass overlaps with
 * the reading, as long as unpacking is not slower; that of further rows does not overlap. Products of many
 * rows are cut into tiles: rows are rounded up to whole tiles (those of experts by half a tile, since
 * their numbers vary), and fewer tiles than fill the cores reach less of the peak. A runtime that stores
 * activations in another type than it multiplies converts the input and output of such a product in
 * separate kernels: `linear` passes over the tensor at the rate of copies, as part of its overhead.
 *
 * Where a runtime has products as they were measured in a format of weights, their table is asked instead, up to its
 * rows, and beyond them if it reaches to many: kernels for few rows and for many, tiles and units of integers are in it.
 *
 * The host launches kernels one after the other while the device works on those before them. A block takes max(launches *
 * host, device): it is followed by an operator that takes what the host is longer than the device by, cost_launches() and
 * cost_wait(). In training the host is ahead over a whole pass (step/launches.h).
 */
#ifndef SIM_COST_COST_H
#define SIM_COST_COST_H
#include "sim/hw/hw.h"
#include "sim/llm/graph.h"

/* A table of products in one format of weights, which holds from `least` to so many rows; table NULL: not measured. */
struct measured_rows {
	const struct util_table *table;
	double rows, least;
	bool tokens; /* rows are all tokens of the pass, and its work is as if each met every expert */
};

/* The properties of a device, its runtime and the precision that determine the time of an operator. */
struct device_model {
	const struct machine *machine;
	const struct device *device;
	const struct profile *profile;
	enum dtype compute;
	/* the profile's tables, prepared for interpolation; NULL: no usable table, see device_model_check() */
	const struct util_table *gemm, *attention;
	/* products as they were measured, by the format of the weights: dense, of experts, and of those in passes of few tokens */
	struct measured_rows products[ROWS_FORMATS], experts[ROWS_FORMATS], experts_few[ROWS_FORMATS];
	/* attention's table has kernels for few queries; else a few queries are bound by reading the cache */
	bool few_queries;
	/* how wide predictions of the model's kind are at least; 0: the fit had such runs */
	double beyond_prefill, beyond_decode;
	struct qty kept;                 /* share of its arithmetic that heat leaves; not given: all */
	const struct model_reach *reach; /* of the model alone; NULL: none was told */
};

/* The device model's memory is in the arena. The arguments must outlive it and must not change. */
struct device_model device_model_make(struct arena *a, const struct machine *machine,
				      const struct device *device, const struct profile *profile,
				      enum dtype compute);

/* Sets what the profile says of this model: how much faster it runs than others (`models`, by its title), and how wide
 * predictions of its kind are, by `beyond`: mixtures, recurrent layers, latent attention. Without it times are those of
 * other models, and spreads those of the numbers, of formats and of contexts alone. */
void device_model_for(struct device_model *device_model, const struct model *m);

/* A stretch of work, in seconds since the machines began it, cool: both 0 stand for no heat, INFINITY for a load that lasts. */
struct work_span {
	double from_s, to_s;
};
/* From here on clocks are those of that stretch: `f(t) = s + (1 - s) exp(-t / tau)` on average over it, s being `sustained` and tau
 * `sustained_after`. That is a chassis whose temperature follows the power put into it with one time constant, the
 * clocks being what keeps its die from getting hotter. Memory keeps its own clock. */
void device_model_sustain(struct device_model *device_model, struct work_span span);

struct term { /* one term of a cost, in seconds, with the relative spread of its parameter */
	double s, spread;
	enum provenance from;
};

struct cost {
	struct term arithmetic, memory; /* the longer one counts, and in_turn of the shorter */
	double in_turn;                 /* share of the shorter that the longer does not hide, 0 to 1 */
	struct term apart;              /* arithmetic that does not overlap with either */
	struct term overhead;
	double flop;  /* FLOP executed, the masked half included if the kernel executes it */
	double bytes; /* bytes moved */
	/* seconds that no draw is below, whatever the spreads: the FLOP at the stated peak, and weights and cache once over
	 * the memory's bus; at most the terms themselves; 0 where peak or bus is what somebody measured, which is no limit */
	double least_arithmetic, least_memory;
};

/* The calibrated parameters: draws and what-ifs change them. A device has those before PARAM_LINKS, a link
 * the others. */
enum param {
	PARAM_ARITHMETIC,
	PARAM_MEMORY,
	PARAM_OVERHEAD,
	PARAM_LINKS,
	PARAM_LATENCY = PARAM_LINKS,
	PARAM_BANDWIDTH,
	PARAM_COPIES, /* copies between host and device */
	PARAM_N
};
extern const char *const param_names[PARAM_N]; /* "arithmetic", "memory bandwidth", "runtime overhead", ... */

/* one number for each parameter: a factor against the calibrated value, or a normal deviate */
struct params {
	double of[PARAM_N];
};

/* The cost of `share` of an operator (0 < share <= 1, split as op->split says) on a device model. */
struct cost cost_of(const struct op *op, const struct device_model *device_model, double share);

/* The cost of a kernel that only reads or writes so many bytes at one of the profile's rates: read, copy. */
struct cost cost_stream(const struct device_model *device_model, const struct qty *rate, double bytes);

/* The kernels that the host launches for an operator, and the operator that stands for these launches of a block: its cost
 * is all of the host's time, of which the device waits for cost_wait(). False where none is charged: the runtime does not
 * say what a launch costs, or replays passes of that phase. */
double cost_kernels(const struct profile *profile, const struct op *op);
bool cost_launches(const struct profile *profile, enum phase phase, double kernels, struct op *launches);
double cost_wait(double host_s, double device_s); /* seconds */
/* Does the host's part of a step hang on its tokens, on what they see, or on its logits (graph_step())? */
bool cost_counts_step(const struct profile *profile);

/* The kind of weights that a format is of: BEYOND_F16, _Q8, _Q4, _K or _FP4. */
enum beyond_kind cost_weights_kind(enum format_id f);

double cost_seconds(const struct cost *c); /* with the calibrated parameters */

/* speed: the factor by which each parameter is better than calibrated (1.1: ten per cent faster). */
double cost_seconds_at(const struct cost *c, const struct params *speed);

/* z: standard normal numbers, one for each parameter of the device. A drawn time is at least a fifth of
 * the calibrated one. */
static inline double term_drawn(const struct term *t, double z)
{
	const double times = 1 + t->spread * z;

	return t->s * (0.2 > times ? 0.2 : times); /* fmax() without a call; it is not NaN */
}

static inline double term_drawn_above(const struct term *t, double z, double least)
{
	const double s = term_drawn(t, z);

	return s > least ? s : least;
}

/* What two terms take that overlap but for in_turn of the shorter. */
static inline double cost_overlapped(const struct cost *c, double arithmetic_s, double memory_s)
{
	return arithmetic_s > memory_s ? arithmetic_s + c->in_turn * memory_s
				       : memory_s + c->in_turn * arithmetic_s;
}

static inline double cost_overlapped_drawn(const struct cost *c, double z_arithmetic, double z_memory)
{
	const double arithmetic = term_drawn_above(&c->arithmetic, z_arithmetic, c->least_arithmetic);
	const double memory = term_drawn_above(&c->memory, z_memory, c->least_memory);

	return cost_overlapped(c, arithmetic, memory);
}

/* The seconds of either term that the time holds: all of the longer, in_turn of the shorter. */
static inline double cost_counted_arithmetic(const struct cost *c)
{
	return (c->arithmetic.s >= c->memory.s ? 1 : c->in_turn) * c->arithmetic.s;
}

static inline double cost_counted_memory(const struct cost *c)
{
	return (c->arithmetic.s >= c->memory.s ? c->in_turn : 1) * c->memory.s;
}

static inline double cost_seconds_drawn(const struct cost *c, const struct params *z)
{
	return cost_overlapped_drawn(c, z->of[PARAM_ARITHMETIC], z->of[PARAM_MEMORY]) +
	       term_drawn(&c->apart, z->of[PARAM_ARITHMETIC]) +
	       term_drawn(&c->overhead, z->of[PARAM_OVERHEAD]);
}

enum param cost_bound(const struct cost *c); /* the parameter of the largest term */
enum provenance
cost_from(const struct cost *c); /* the worst provenance of the terms that determine the time */

/* NULL, or the reason why this device model cannot run the model in that precision ("runtime 'mps' of
 * m5.gpu has no gemm_bf16 ..."). */
int device_model_check(const struct device_model *device_model, struct err *err);

#endif
