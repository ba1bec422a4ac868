/*
 * hw.h - machines, devices, links, and what calibration knows of a device under a runtime.
 *
 * Layer hw. Base units throughout: byte, byte/s, FLOP/s, second. The field tables in hw.c are the reference
 * of the hardware files; all structs live in the load arena.
 */
#ifndef SIM_HW_HW_H
#define SIM_HW_HW_H
#include "sim/conf/field.h"

#define HW_SCHEMA "lemursim/hardware/1"

/* A family: what its members share, no machine itself; a server: serving.h. */
enum hw_kind { HW_MACHINE, HW_LINK, HW_FAMILY, HW_SERVER };
enum dtype { DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_N };
extern const char *const dtype_names[DTYPE_N + 1];

/* One point of a utilisation table: the share of the speed of light that a kernel of this shape reaches. */
struct gemm_point { /* C[m,n] = A[m,k] B[k,n] */
	struct origin origin;
	int64_t m, n, k;
	struct qty u; /* of the device's peak, (0, 1] */
};

struct gemm_table {
	struct origin origin;
	struct qty roof; /* FLOP/s: the best single call as published; what ridge points are stated against */
	struct qty sync; /* seconds a single timed call pays for the host; not paid by an operator inside a
			    step */
	struct qty u;    /* of any shape; or: */
	struct field_list points; /* struct gemm_point */
};

struct attention_point {
	struct origin origin;
	int64_t query, context;
	struct qty u;
};

struct attention_table { /* scores, softmax and values, no projections */
	struct origin origin;
	bool skips_mask; /* fused, as flash attention: the masked half is left out, the scores are never
			    written */
	struct qty u;    /* of any shape; or: */
	struct field_list points; /* struct attention_point */
	struct qty decode;        /* byte/s at which the KV cache is read by one query */
	struct qty decode_u; /* share of the peak that the kernel for few queries reaches; not given: u */
};

/* How many kernels, and passes over its tensor (reads + writes), each kind of elementwise work takes: fusion.
 */
struct fusion {
	struct origin origin;
	int64_t kernels;
	double passes;
};

struct overhead {
	struct origin origin;
	struct qty kernel; /* seconds for each kernel that the runtime issues */
	struct qty product,
		attention; /* the same of kernels that do that, launch and ramp; not given: kernel */
	struct qty step;   /* seconds for each step: the host waits and samples */
};

/* A number by how weights are kept; not given: f16. */
struct by_weights {
	struct origin origin;
	struct qty f16, q8, q4; /* numbers as they are, blocks of 8 bits (5 to 9), blocks of 4 */
	struct qty k, fp4;      /* llama.cpp's super-blocks of 256 whatever their bits, 4-bit floats */
};

/* Products of few rows, which matrix-vector kernels run. */
struct few {
	struct origin origin; /* node NULL: not given */
	int64_t rows;         /* most that they are used for */
	int64_t pass;         /* rows that one reading of the weights serves; more take several */
	int64_t k_from; /* rows from which it does so of super-blocks; of fewer, each has its own; 0: any */
	int64_t gather; /* tokens from which the rows of an expert are one product; below, each is its own */
	int64_t gather_rows;  /* likewise: rows for each of the model's experts, hit or not; 0: any number */
	struct qty scattered; /* share of the rate of reading weights that such rows reach; not given: all */
	struct qty several;   /* the same of products of two rows or more, where another kernel runs them */
	struct by_weights first;   /* share of the peak of the first row of a pass: reading and unpacking */
	struct by_weights further; /* of each further row, on top of the first */
};

/* How a matrix-matrix kernel cuts its result up. */
struct tile {
	struct origin origin; /* node NULL: not given */
	int64_t rows, columns;
	struct qty fill; /* tiles for each core from which all of the utilisation is reached */
};

/* The share of its nominal rates that a chip of two dies reaches, since its traffic passes between them. */
struct dies {
	struct origin origin;
	struct qty bandwidth, arithmetic;
};

/* The rates of a measured chip against those that its family's profile gives; the name is the machine's
 * `chip`. A profile that has any is transferred to the chips it does not name: see chip_reach_of(). */
struct chip_reach {
	struct origin origin;
	struct qty bandwidth, arithmetic;
};

/* The attention windows and latent caches that a runtime honours. Whether a window shortens what a query
 * reads and what the cache holds, and whether the cache holds the latent or the keys and values made from it,
 * is a property of a runtime's code for one architecture (config.json's model_type), not of the model alone.
 */
enum honour { HONOUR_WINDOW, HONOUR_LATENT, HONOUR_N };
struct honours {
	struct origin origin;           /* node NULL: not said, so all of it */
	struct field_list of[HONOUR_N]; /* names of architectures */
	const char *source;             /* file and commit */
};

/* Copies that training under the runtime keeps of its two largest tensors, in the dtype of the arithmetic and
 * in f32. They differ from the tensors of the model: a loss in f32 has logits of its own, a fused attention
 * keeps no scores. */
struct train_copies {
	struct origin origin;      /* node NULL: not said; see shard_group_copies() */
	double logits, logits_f32; /* of the logits, kept by forward for backward */
	double scores, scores_f32; /* of each block's attention scores, likewise */
	/* more of them while the backward pass of the head, or of a block, runs */
	double logits_backward, logits_backward_f32, scores_backward, scores_backward_f32;
	const char *source; /* file and commit */
};

/* A device's rates, kernels and overheads under one runtime. Rates may be written as shares of the bus:
 * machine_check(). */
struct profile {
	struct origin origin;
	const char *version;
	struct qty read, copy,
		gemv; /* byte/s: streams, copies (read + written), weights of a matrix-vector product */
	struct qty gemv_q8, gemv_q4;      /* likewise of weights in 8-bit and 4-bit blocks; not given: gemv */
	struct gemm_table *gemm[DTYPE_N]; /* NULL where not measured */
	struct attention_table attention;
	struct fusion norm, rope, activation, residual, kv_append, kv_repeat, scores, linear;
	struct fusion route, combine; /* of experts; origin.node NULL where not given */
	struct overhead overhead;
	struct by_weights
		dequant; /* utilisation of a product of many rows against that with weights as they are; above
			  * 1 where blocks are multiplied as integers, by faster units than the dtype's */
	struct few few;
	struct tile tile;
	struct dies dies;
	struct honours honours;
	struct train_copies train_copies;
	struct field_list chips; /* struct chip_reach */
	const char *chips_like;  /* a runtime of the same device; NULL: none */
	int64_t chunk;     /* tokens of a prompt in one pass where nobody says how many; 0: all of them */
	bool chunk_shared; /* all sequences of a batch share a pass of so many: its activations are of no more */
	bool all_logits; /* a prefill computes the head for every token, not only the last */
	bool last_row;   /* and what follows attention in the last layer for the last token alone */
	bool last_apart; /* the last token of a prompt is a step of its own, as those that follow */
};

struct device {
	struct origin origin; /* name: "gpu" */
	int64_t cores;
	int64_t fast_cores; /* of a CPU: those that are not there to save power; 0: not said */
	struct qty clock;
	struct qty
		per_cycle[DTYPE_N]; /* FLOP of a core in a cycle; a peak that is not given follows from it */
	struct qty peak[DTYPE_N];   /* FLOP/s: the arithmetic limit, cores x FLOP per cycle x clock */
	struct qty cache;           /* bytes of its own last cache (L2); the machine's is memory.cache */
	struct qty idle_power, active_power; /* watts of this device alone */
	struct field_list runtimes;          /* struct profile; empty: nothing can be placed on it */
};

struct memory { /* one, shared by all devices of a machine */
	struct origin origin;
	struct qty capacity, usable; /* usable: what the GPU may have at once (working-set limit) */
	struct qty bandwidth;        /* of the bus */
	int64_t bus_bits;            /* width; 0: not said */
	struct qty transfers;        /* transfers/s of each of its wires */
	struct qty cache;            /* bytes of the cache before it that all devices share (SLC) */
};

struct disk {
	struct origin origin;
	struct qty read, write; /* byte/s of long transfers */
	struct qty capacity;
};

enum hw_system { SYSTEM_UNKNOWN, SYSTEM_MACOS_15, SYSTEM_MACOS_26 };

struct machine {
	struct origin origin; /* name: as the scenario calls it */
	const char *schema, *title, *chip;
	struct field_list sold_as; /* const char *: "MacBook Pro" */
	const char *die;           /* the chip that its dies are; NULL: not said */
	int kind;
	int system;   /* enum hw_system: its rule gives memory.usable where that is not said */
	int64_t dies; /* that its GPU is spread over: 2 of an Ultra */
	struct memory memory;
	struct disk *disk;                          /* NULL: not said */
	struct field_list devices;                  /* struct device */
	struct qty price, idle_power, active_power; /* at the wall */
	const struct yml *variants;                 /* load.h; NULL where one was chosen */
};

enum duplex { DUPLEX_FULL, DUPLEX_HALF };

struct link_point { /* a message of this size alone goes at this rate, latency left out */
	struct origin origin;
	struct qty size, bandwidth;
};

/* How the parts of a tensor split become whole over links (step/collective.h); auto: the quickest. */
enum reduce_way { REDUCE_AUTO, REDUCE_RING, REDUCE_DIRECT, REDUCE_SCATTER, REDUCE_TREE };
extern const char *const reduce_way_names[]; /* NULL-terminated */

struct link {
	struct origin origin; /* name: as the scenario calls it */
	const char *schema, *title;
	int kind;
	struct qty latency;   /* seconds, one way, for a small message */
	struct qty bandwidth; /* byte/s of a long message */
	struct qty nominal;   /* byte/s on the box, each way */
	struct field_list
		bandwidth_by_size; /* struct link_point, sizes rising; empty: bandwidth at any size */
	struct qty power;          /* watts of one end under load */
	int duplex;
	struct qty send_copy,
		receive_copy; /* byte/s of GPU to host and host to GPU copies where the runtime stages
				 through the host; they take the device's time; not given: no staging */
	struct qty collective_latency; /* seconds that software adds to each collective operation */
	int all_reduce;                /* enum reduce_way */
	struct field_list between;     /* machine names; set by the scenario */
};

extern const struct table machine_table, link_table;

/* Fills in what follows from other facts (derive.h), then checks what a table row cannot: points that repeat,
 * a roof above the peak, facts that contradict each other. 0 or -1. */
int machine_check(struct machine *m, struct diags *diags);
int link_check(const struct link *l, struct diags *diags);

/* The profile of that name. Of "llama.cpp" that is the one called so, else the latest of those dated
 * "llama.cpp@2023-11", "llama.cpp@2024-05"; NULL if it has neither. */
const struct profile *device_runtime(const struct device *d, const char *runtime);

/* Does the runtime honour that of a model of that architecture? A model that names none is taken at its word:
 * nobody's code is known to run it. */
bool profile_honours(const struct profile *p, enum honour what, const char *architecture);

/* The measured factors of a machine's chip under a runtime of its device: from its own runs (*own), or else
 * from runs of it under the runtime that the profile's `chips_like` names, or of the chip that its dies are,
 * in that order. NULL: nobody measured any. */
const struct chip_reach *chip_reach_of(const struct machine *m, const struct device *d,
				       const struct profile *p, bool *own);

/* The rate of a message of that many bytes: bandwidth, or by bandwidth_by_size, linear in the logarithms of
 * both between its points, so that the points are met, and held outside them. */
struct qty link_rate(const struct link *l, double bytes);

#endif
