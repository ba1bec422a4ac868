/*
 * hw.h - machines, devices, links, and a device's calibrated properties under a runtime.
 *
 * Layer hw. Base units throughout: byte, byte/s, FLOP/s, second. The field tables in hw.c are the
 * reference of the hardware files; all structs live in the load arena.
 */
#ifndef SIM_HW_HW_H
#define SIM_HW_HW_H
#include "sim/conf/field.h"
#include "sim/hw/product_kernels.h"

#define HW_SCHEMA "lemursim/hardware/1"

/* family: properties that machines inherit, not a machine itself; server: serving.h */
enum hw_kind { HW_MACHINE, HW_LINK, HW_FAMILY, HW_SERVER };
enum dtype { DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_N };
extern const char *const dtype_names[DTYPE_N + 1];

/* One point of a utilisation table: the share of the peak that a kernel reaches for this shape. */
struct gemm_point { /* C[m,n] = A[m,k] B[k,n] */
	struct origin origin;
	int64_t m, n, k;
	int64_t per;  /* the m rows are of so many experts together; 0: of each */
	struct qty u; /* share of the device's peak, (0, 1] */
};

/* Rows of a product, or of each expert: on average, which is no whole number. */
static inline double gemm_point_rows(const struct gemm_point *p)
{
	return p->per ? (double)p->m / (double)p->per : (double)p->m;
}

struct gemm_table {
	struct origin origin;
	struct qty roof; /* FLOP/s of the best single call as published; ridge points are stated against it */
	/* seconds that a single timed call waits for the host; not added to an operator inside a step */
	struct qty sync;
	struct qty u;             /* for any shape, where no points are given */
	struct field_list points; /* struct gemm_point */
	/* relative errors of u between points and beyond them; not given: those of sim/cost/util.h */
	struct qty between, beyond;
};

/* Products as they were measured in one format of weights, by rows and shape: between kernels for few rows and for many
 * there are knees that no law of a few numbers has. Points are of two rows and more, of experts of one and more. */
struct rows_table {
	struct origin origin;
	struct field_list points; /* struct gemm_point; u may pass 1 where integers are multiplied */
	/* of experts in tiles as wide as the pass: m is its tokens, and u counts the work as if each token met every expert hit */
	bool tokens;
	struct qty between, beyond;
};

enum rows_format { ROWS_WHOLE, ROWS_Q8, ROWS_Q4, ROWS_FORMATS }; /* as in struct by_weights */
struct rows_tables {
	struct origin origin;
	struct rows_table *of[ROWS_FORMATS]; /* NULL: not measured */
};

/* One query's kernel for heads of one size and one format of the cache: kernels are compiled for each. */
struct attention_kernel {
	struct origin origin;
	int64_t head_dim;
	int64_t kv_bits;     /* of a number of the cache, blocks' scales not counted: 16, 8 or 4 */
	struct qty decode;   /* byte/s at which one query reads the KV cache */
	struct qty decode_u; /* share of the peak of its arithmetic */
	struct qty prefill;  /* of a prompt, times the utilisation of attention.points; not given: 1 */
};

struct attention_point {
	struct origin origin;
	int64_t query, context;
	struct qty u;
};

/* The prompts that an utilisation is of, where a runtime has another kernel, or another occupancy, for the rest. */
struct attention_shapes {
	struct origin origin;
	bool grouped;     /* query heads share key and value heads */
	int64_t head_dim; /* the widest head */
};

struct attention_table { /* scores, softmax and values; no projections */
	struct origin origin;
	/* fused, as flash attention: the masked half is skipped, the scores are never written */
	bool skips_mask;
	struct qty u;               /* for any shape, where no points are given */
	struct field_list points;   /* struct attention_point */
	struct qty between, beyond; /* as in struct gemm_table */
	struct qty decode;          /* byte/s at which one query reads the KV cache */
	struct qty decode_u; /* share of the peak that the kernel for few queries reaches; not given: u */
	struct attention_shapes u_of; /* the prompts that u and points are of; not given: all */
	struct qty other_u; /* of all other prompts, and of few queries where decode_u is not given */
	struct qty
		alone_u; /* of prompts whose query heads share no keys, whatever u_of says; not given: u or other_u */
	struct qty decode_alone; /* decode, where query heads share no keys; not given: decode */
	/* Byte/s at which the kernel for one query of each of several sequences reads their caches, and seconds that it takes
	 * beyond; not given: that for one sequence runs */
	struct qty several, several_start;
	/* Most query heads of a group that one reading of the cache serves in decode: as many as the largest power of two
	 * that divides the group and is no larger. 0: the whole group. */
	int64_t decode_shares;
	/* In decode the query heads of a group of two and more are computed by so many at a time, so that groups count as the next
	 * multiple: the units of a core that each take one of a group's heads, or the rows of a matrix unit's tile. 0: one by one. */
	int64_t decode_heads;
	/* In decode each query head reads a cache in blocks for itself, since only the kernel for whole numbers takes a group. */
	bool blocks_alone;
	/* In decode, the time that a number of a cache in blocks takes to be unpacked, over that in which one of 16 bits is read;
	 * for each query head where blocks_alone. Not given: blocks take the time of their bytes. */
	struct qty blocks;
	/* Decodes in a batch with pieces of prompts, where the prompts' kernel runs all of it: byte/s at which each query
	 * head reads the cache for itself; seconds for each sequence and query head; and for each further MIXED_TILE
	 * queries of the longest piece, for which blocks are started that find nothing to do. Not given: as decodes alone */
	struct qty mixed, mixed_head, mixed_tile;
	struct field_list kernels; /* struct attention_kernel: heads and caches that differ from these */
};
enum { MIXED_TILE = 64 };

/* The number of kernels, and of passes over its tensor (reads + writes), of each kind of elementwise work:
 * fusion. */
struct fusion {
	struct origin origin;
	int64_t kernels;
	double passes;
};

/* A graph of launches that was captured once is replayed by one launch (CUDA graphs); a runtime that captures decode
 * steps alone launches the kernels of a prompt, whose shapes differ, one by one; inference: all but training. */
enum replayed { REPLAYS_NONE, REPLAYS_DECODE, REPLAYS_INFERENCE, REPLAYS_ALL };

struct overhead {
	struct origin origin;
	struct qty kernel; /* seconds for each kernel that the runtime issues */
	struct qty product, attention,
		norm, /* seconds for each kernel of that kind, launch and ramp; not given: kernel */
		/* of the choice of experts and of the sum of what they made: a few threads of one group, which sort and wait */
		route;
	/* Seconds in which the device has nothing to do between two command buffers, and the numbers in the arrays of weights that
	 * kernels were given (packed ones count as one each) from which a buffer ends; not given, 0: kernels' starts have it in them */
	struct qty buffer;
	int64_t buffer_inputs;
	/* seconds more of each kernel that runs among unlike ones, where the others are of kernels among their like: a device empties and
	 * fills again between two kernels, and finds its caches as another one left them; not given: 0 */
	struct qty unlike;
	/* Seconds for a product of more rows than `few` has, and for one of experts: it runs in tiles, for which rows are
	 * gathered and rewritten, and partial sums are joined afterwards, by kernels of their own; not given: as other
	 * products */
	struct qty tiles, tiles_experts;
	struct qty experts,
		experts_fp4; /* of a product of experts, whatever its rows; not given: as the others say */
	struct qty
		cache; /* seconds more of attention for each sequence that decodes and head of its keys and values */
	struct qty step; /* seconds for each step, in which the host waits and samples */
	/* seconds of the host for each token of a step, before it launches anything; not given: 0 */
	struct qty token;
	/* seconds of the host for each token of a step and each token that is cached for its sequence, of which a mask says
	 * whether one may see the other; not given: 0 */
	struct qty mask;
	/* byte/s at which the logits of a step, four bytes each, go to the host that samples from them; not given: they stay */
	struct qty logits;
	/* Seconds of the host to launch a kernel, while the device works on those before it: where the host is the
	 * slower one, the device waits for it. Not given: the host is never the slower one. */
	struct qty host;
	/* the same where a server records no pass (vLLM's --enforce-eager), with the Python that leads to a launch; it takes
	 * the place of host, and nothing is replayed. Not given: not known */
	struct qty eager;
	/* seconds more of each block's attention where a server records passes in pieces, between which the host launches it
	 * (vLLM's CUDA graph mode PIECEWISE): the device waits for the host at each seam. Not given: not known */
	struct qty piece;
	struct qty
		host_training; /* the same in a training step, whose passes are recorded; not given: as host */
	enum replayed
		replays; /* the passes whose launches were recorded, and cost the host nothing but the step */
	/* byte/s at which a request has the weights made resident before its first pass, where they are let go between
	 * requests; not given: they stay */
	struct qty wire;
	/* Where the host moves what one machine sends to another, the device waits for the host and the host for
	 * the device, whatever the link: */
	struct qty crossing;      /* seconds for each message and each collective operation */
	struct qty crossing_rdma; /* likewise over a link with RDMA; not given: crossing */
	struct qty
		peer; /* seconds of a collective operation for each other device, whose part comes in turn */
	struct qty stage; /* seconds more for a message from one stage of a pipeline to the next */
};

/* How the rate of products grows with the tokens of a pass, as runs on one machine tell it: t tokens take the time of t + ramp,
 * where the profile's other numbers, which are of many machines, take it for RAMP_TOKENS. So a pass of as many reaches half of the
 * rate of long ones: n_1/2 of Hockney & Jesshope, Parallel Computers 2 (1988), section 1.3.2. Shorter passes count as that.
 * And how attention of prompts slows down: behind `context` tokens, whose keys and values caches hold less of, it takes twice the
 * time for each that it takes behind few, where the other numbers take it behind RAMP_CONTEXT. */
enum { RAMP_TOKENS = 64, RAMP_CONTEXT = 262144 };
struct ramp {
	struct origin origin; /* node NULL: not given */
	struct qty products, experts, context;
};

/* The share of its nominal rates that a chip of two dies reaches; traffic between the dies costs the rest. */
struct dies {
	struct origin origin;
	struct qty bandwidth, arithmetic;
};

/* The rates of a measured chip relative to those that its family's profile gives; the name is the
 * machine's `chip`. If a profile has any, its rates for other chips are transferred: see chip_reach_of(). */
struct chip_reach {
	struct origin origin;
	struct qty bandwidth, arithmetic;
};

/* What a runtime reaches of one model against its other numbers, as runs of that model on this machine told it; the
 * name is the model's title. Other models are predicted without it. */
struct model_reach {
	struct origin origin;
	struct qty prefill, decode; /* how many times as fast; not given: 1 */
	/* the same, besides, of attention: of many queries what it computes, of few that and its reading of the cache */
	struct qty prompt_attention, token_attention;
	/* how many times as many tokens its products take to half of their rate, and its attention to half of its (struct ramp) */
	struct qty ramp, context;
};

/* The attention windows, latent caches and sparse reads that a runtime honours. Whether a window shortens what
 * a query reads and what the cache holds, whether the cache holds the latent or the keys and values made from
 * it, and whether attention reads only the tokens that an indexer chose is a property of a runtime's code for
 * one architecture (config.json's model_type), not of the model alone. */
enum honour { HONOUR_WINDOW, HONOUR_LATENT, HONOUR_SPARSE_PREFILL, HONOUR_SPARSE_DECODE, HONOUR_N };
struct honours {
	struct origin origin;           /* node NULL: not given, so all are honoured */
	struct field_list of[HONOUR_N]; /* names of architectures */
	const char *source;             /* file and commit */
};

/* What a runtime's code does in kernels one after the other where it has, or others have, one kernel for all of it. A fused
 * kernel of attention is compiled for heads of some widths; of the others, scores are a product, a softmax and a product,
 * of the whole rectangle and through memory. Code for an architecture (config.json's model_type) may cap the scores by
 * operators of their own, add 1 to the weights of each norm, or take the gate's activation and its product in two. */
enum by_hand { BY_HAND_CAPS, BY_HAND_NORMS, BY_HAND_GATES, BY_HAND_N };
struct code_by_hand {
	struct origin origin;             /* node NULL: not given, so nothing is done by hand */
	struct field_list prompts, steps; /* double: widths of heads that are fused; empty: all */
	struct fusion scores; /* of the other widths; passes of the scores in f32: half as many in 16 bits */
	struct fusion capped; /* of architectures that cap them */
	struct field_list of[BY_HAND_N]; /* names of architectures */
	const char *source;              /* file and commit */
};

/* The copies that training under a runtime keeps of its two largest tensors, logits and attention scores,
 * in the dtype of the arithmetic and in f32. A loss in f32 has a copy of the logits of its own, a
 * fused attention keeps no scores, and adapters in f32 keep their input in f32, so the numbers depend on the
 * framework and not on the model. */
struct train_copies {
	struct origin origin; /* node NULL: not given; see shard_group_copies() */
	/* copies of the logits that the forward pass keeps for the backward pass */
	double logits, logits_f32;
	double scores, scores_f32; /* copies of each block's attention scores, likewise */
	double adapter_inputs_f32; /* copies of what adapted projections read, likewise */
	/* further copies while the backward pass of the head, or of a block, runs */
	double logits_backward, logits_backward_f32, scores_backward, scores_backward_f32;
	const char *source; /* file and commit */
};

/* What a machine of a split holds whole while its runtime loads the model, before it keeps its share: nothing, since it reads
 * no more than that or reads through pages that the system may drop; a layer at a time; or the whole model. */
enum load_holds { LOAD_SHARE, LOAD_LAYER, LOAD_MODEL };
struct loading {
	struct origin origin; /* node NULL: not given, so its share */
	enum load_holds holds;
	const char *source; /* file and commit */
};

/* Kinds of models, weights and contexts that the runs of a fit may lack. */
enum beyond_kind {
	BEYOND_MIXTURES,
	BEYOND_RECURRENT,
	BEYOND_LATENT,
	BEYOND_PER_LAYER,
	BEYOND_F16,
	BEYOND_Q8,
	BEYOND_Q4,
	BEYOND_K,
	BEYOND_FP4,
	/* the formats again, in the order above, in steps of several sequences, whose products have kernels of their own */
	BEYOND_BATCH_F16,
	BEYOND_BATCH_Q8,
	BEYOND_BATCH_Q4,
	BEYOND_BATCH_K,
	BEYOND_BATCH_FP4,
	BEYOND_CONTEXT,
	BEYOND_SHORT,
	BEYOND_KINDS
};

/* How wide predictions of a kind that no run of the fit was of have proved to be: the least relative standard deviations
 * of a time, whatever the numbers' own. 0: such runs were in the fit. */
struct beyond_width {
	struct origin origin;
	double prefill, decode;
	/* Chips whose runs of the kind the fit had, to which the widths do not apply; empty: no chip had any. */
	struct field_list seen_on;
	/* BEYOND_CONTEXT: tokens of context beyond which it holds; BEYOND_SHORT: tokens of a prompt's pass below which */
	int64_t from;
};

struct beyond {
	struct origin origin; /* node NULL: not given, so nothing is known to be beyond the fit */
	struct beyond_width of[BEYOND_KINDS];
	const char *source;
};

/* What was otherwise in builds before this one. */
struct build_before {
	struct origin origin;
	int64_t build; /* the first one that has what the profile, or the entry of the next later build, says */
	int64_t gather;               /* as in struct few; 0: no other */
	struct qty tiles_experts;     /* seconds more than overhead.tiles_experts; not given: none */
	struct fusion route, combine; /* origin.node NULL: no other */
};

/* A device's rates, kernels and overheads under one runtime. Rates may be written as shares of the bus:
 * machine_check(). */
struct profile {
	struct origin origin;
	const char *version;
	struct qty read, copy,
		/* byte/s of streams, of copies (read + written), of the weights of a matrix-vector product */
		gemv;
	struct qty
		copy_held; /* share of a copy's time that one within the device's cache takes; not given: all */
	struct qty gemv_q8, gemv_q4; /* likewise for weights in 8-bit and 4-bit blocks; not given: gemv */
	struct gemm_table *gemm[DTYPE_N]; /* NULL where not measured */
	struct attention_table attention;
	struct fusion norm, rope, activation, residual, kv_append, kv_repeat, scores, linear;
	struct fusion route, combine; /* routing to experts; origin.node NULL where not given */
	/* Recurrent layers, likewise: the short convolution with its state, and the scan with all that makes its decays and gates
	 * and moves its state. The scan's passes are times that the state goes through memory, 2 where it is read and written. */
	struct fusion conv, scan;
	struct overhead overhead;
	struct by_weights
		/* utilisation of a product of many rows relative to that with unquantised weights; above 1
		 * if blocks are multiplied as integers, by faster units than the dtype's */
		dequant,
		dequant_experts; /* the same of experts, whose products are another kernel; origin.node NULL: dequant */
	struct few few;
	/* as measured, in the place of the tables and shares above; experts_few: of passes of up to few.rows tokens */
	struct rows_tables products, experts, experts_few;
	struct expert_calls expert_calls;
	struct tile tile;
	struct ramp ramp;
	struct dies dies;
	struct honours honours;
	struct code_by_hand by_hand;
	struct train_copies train_copies;
	struct loading load;
	struct beyond beyond;
	/* Likewise of models that `models` does not name, where the one that it names is far off; 0: no such doubt. */
	struct beyond_width other_models;
	struct field_list
		before; /* struct build_before; runs that name no build are as the profile itself says */
	struct field_list chips;  /* struct chip_reach */
	struct field_list models; /* struct model_reach */
	const char *chips_like;   /* a runtime of the same device; NULL: none */
	int64_t chunk; /* tokens of a prompt in one pass where nobody says how many; 0: all of them */
	/* rows of a product above which a kernel of its own writes weights of blocks out in f16, for a product of f16; 0: never */
	int64_t unpacks;
	/* struct device's, of the machines that `dequant` of blocks is of, and utilisations in f16; 0: not used */
	int64_t integers, sums_f16;
	/* a card's power for each core that utilisations of products are of, and the exponent by which these go with it */
	struct qty core_power, by_power;
	bool chunk_shared; /* all sequences of a batch share a pass of so many: its activations are of no more */
	/* chunks that it makes by itself are on several devices at once, where one process drives all of them */
	bool chunks_overlap;
	bool all_logits;   /* a prefill computes the head for every token, not only the last */
	const char *suite; /* whose own kernels the numbers are of; NULL: of a program that others use */
	bool last_row; /* a prefill computes the blocks after the last attention for the last token alone */
	/* chunks of a prompt compute what the caches need, and nothing of the layers behind the last cache */
	bool caches_only;
	bool conv_f32;   /* the state of short convolutions is kept in f32, not in the arithmetic's dtype */
	bool last_apart; /* the last token of a prompt is a step of its own, as those that follow */
	bool joins_products; /* queries, keys and values are one product, and gate and up */
};

struct device {
	struct origin origin; /* name: "gpu" */
	int64_t cores;
	int64_t fast_cores; /* CPUs: performance cores; 0: not given */
	/* The peak of products of 8-bit integers, and of f16 summed in f16, over `peak` of f16, which is summed in f32: 4 and 2 of
	 * GeForce cards, whose sums in f32 are halved, 2 and 1 of professional ones with the same chips. 0: not given. */
	int64_t integers, sums_f16;
	struct qty clock;
	struct qty
		/* FLOP of a core in a cycle; a peak that is not given is derived from it */
		per_cycle[DTYPE_N];
	struct qty peak[DTYPE_N]; /* FLOP/s: the arithmetic limit, cores x FLOP per cycle x clock */
	struct qty cache; /* bytes of the device's own last-level cache (L2); the machine's is memory.cache */
	struct qty idle_power, active_power; /* watts of this device alone */
	struct field_list runtimes;          /* struct profile; empty: nothing can be placed on it */
};

struct memory { /* one, shared by all devices of a machine */
	struct origin origin;
	struct qty capacity, usable; /* usable: bytes that the GPU may use at once (working-set limit) */
	struct qty bandwidth;        /* bandwidth of the bus */
	int64_t bus_bits;            /* width of the bus; 0: not given */
	struct qty transfers;        /* transfers/s of each of its wires */
	struct qty cache; /* bytes of the cache in front of the memory that all devices share (SLC) */
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
	const char *die;           /* the chip that each of its dies is; NULL: not given */
	struct field_list sold_as; /* const char *: "MacBook Pro" */
	int kind;
	int system;    /* enum hw_system; its rule gives memory.usable if that is not given */
	int64_t dies;  /* number of dies of its GPU: 2 for an Ultra */
	int64_t count; /* a scenario's; world_load() has made so many of it, and dropped it */
	struct memory memory;
	struct disk *disk;                          /* NULL: not said */
	struct field_list devices;                  /* struct device */
	struct qty price, idle_power, active_power; /* at the wall */
	double rated_W;                             /* active_power before power_limit; derive_facts() */
	struct qty
		power_limit; /* that somebody holds it to (nvidia-smi -pl): its clock is lower then; not given: none */
	struct qty
		sustained; /* of its arithmetic, what it keeps under a load that lasts: laptops throttle; not given: all */
	struct qty
		sustained_after; /* time constant with which it falls to that; not given: short jobs are not slowed */
	const struct yml *variants; /* the variants of its file, see load.h; NULL if one was chosen */
};

enum duplex { DUPLEX_FULL, DUPLEX_HALF };

struct link_point { /* the rate of a single message of this size, without the latency */
	struct origin origin;
	struct qty size, bandwidth;
};

/* The algorithm of a collective operation over links (step/collective.h); auto: the fastest. */
enum reduce_way {
	REDUCE_AUTO,
	REDUCE_RING,
	REDUCE_DIRECT,
	REDUCE_SCATTER,
	REDUCE_TREE,
	REDUCE_HALVING,
	REDUCE_HIERARCHICAL
};
extern const char *const reduce_way_names[]; /* NULL-terminated */

/* The ways in which a link joins machines. A pair has a cable between two; the others name any number. */
enum topology {
	TOPOLOGY_PAIR,
	TOPOLOGY_MESH,  /* a cable between every two */
	TOPOLOGY_RING,  /* a cable from each to the next, and from the last to the first */
	TOPOLOGY_CHAIN, /* a cable from each to the next */
	TOPOLOGY_STAR,  /* a cable from the first to every other */
	TOPOLOGY_SWITCH,
	TOPOLOGY_BUS,      /* one medium on which one message at a time has the whole bandwidth */
	TOPOLOGY_FAT_TREE, /* leaf switches of `leaf` machines each, joined by switches above */
	TOPOLOGY_N
};
/* A device of a training placement may stand for many equal ones (world/train.h). A link may join those. */
enum equals {
	EQUALS_NONE,
	EQUALS_TENSOR,  /* the ranks of a tensor split */
	EQUALS_DATA,    /* the replicas of a data split */
	EQUALS_CONTEXT, /* the ranks that share the tokens of a sequence */
	EQUALS_N
};

/* Whether equal devices can run an algorithm, one device for all: each sends one message a round and receives one. */
bool reduce_of_equals(enum reduce_way way);

extern const char *const topology_names[TOPOLOGY_N + 1]; /* the keys of a link: "between", "mesh", ... */

/* The way in which a machine in the middle passes messages on: packet by packet, so that all cables on the way work at
 * the same time, or each message when it has the whole of it. */
enum forwarding { FORWARD_CUT_THROUGH, FORWARD_STORE };

struct link {
	struct origin origin; /* name: as the scenario calls it */
	const char *schema, *title;
	int kind;
	struct qty latency;   /* seconds, one way, for a small message */
	struct qty bandwidth; /* byte/s of a long message */
	struct qty nominal;   /* byte/s of the specification, in each direction */
	struct field_list
		bandwidth_by_size; /* struct link_point, sizes rising; empty: bandwidth at any size */
	struct qty power;          /* watts of one end under load */
	int duplex;
	bool rdma; /* the network card reads and writes memory itself */
	/* both ends are devices of one process: what a runtime adds to a message that its server on another machine hands
	 * on (overhead.stage) is not paid */
	bool local;
	struct qty send_copy,
		/* byte/s of copies between GPU and host if the runtime stages messages through the host;
		 * they take the device's time; not given: no staging */
		receive_copy;
	struct qty collective_latency; /* seconds that software adds to each collective operation */
	int all_reduce;                /* enum reduce_way */
	/* a machine's network card or Thunderbolt controller, which its links of that port share; NULL: none is shared */
	const char *port;
	struct qty port_bandwidth; /* byte/s of that port, each way; not given: that of its fastest link */
	/* set by the scenario: */
	struct field_list joins[TOPOLOGY_N]; /* machine names; one of them is given */
	int equals; /* enum equals: it joins no machines of the scenario, but the equal ones that one stands for */
	struct qty backplane; /* byte/s of a switch, all messages together; not given: no limit */
	struct qty
		switch_latency;  /* seconds of each switch on the way; not given: it is part of the latency */
	int64_t leaf;            /* ports of a fat tree's leaf switches to machines; 0: not given */
	double oversubscription; /* bandwidth of these to that of the leaf's ports upwards; 0: not given, 1 */
	int forward;             /* enum forwarding */
	struct qty forward_latency,
		/* seconds for each machine on the way, beside those of the cables; byte/s that it copies */
		forward_bandwidth;
};

extern const struct table machine_table, link_table;

/* Derives figures that follow from others (derive.h), then checks across keys: points that repeat, a roof
 * above the peak, figures that contradict each other. 0, or -1 with diagnostics. */
int machine_check(struct machine *m, struct diags *diags);
int link_check(const struct link *l, struct diags *diags);

/* The topology that a link names; TOPOLOGY_N: none or several. */
enum topology link_topology(const struct link *l);

/* The device of that name; name NULL: the first. NULL: the machine has none such. */
const struct device *machine_device(const struct machine *m, const char *name);

/* The profile of that name. "llama.cpp" stands for the profile with exactly this name, else for the latest
 * of those dated "llama.cpp@2023-11", "llama.cpp@2024-05"; NULL if there is neither. */
const struct profile *device_runtime(const struct device *d, const char *runtime);
/* What the undated name of a profile's runtime stands for. */
const struct profile *device_newest(const struct device *d, const struct profile *p);
/* A runtime's name without the date of its version, "cuda" of "cuda@2025-10". */
const char *runtime_undated(struct arena *a, const char *name);
/* Is it the date of a version, "2023-11" or "2023-11-05"? ISO 8601, so that the order of texts is that of dates. */
bool runtime_is_date(const char *text);
/* Do both names, dated or not, mean one runtime? */
bool runtime_same(const char *a, const char *b);

/* Returns whether the runtime honours a window or a latent cache of a model of that architecture; true for
 * a model that names no architecture, since the code that a runtime has for it is not known. */
bool profile_honours(const struct profile *p, enum honour what, const char *architecture);

/* Returns whether its code for that architecture does that by hand; false for a model that names none. */
bool profile_by_hand(const struct profile *p, enum by_hand what, const char *architecture);

/* The measured factors of a machine's chip under a runtime of its device: from its own runs (*own), or
 * else from runs of it under the runtime that the profile's `chips_like` names, or of the chip that its
 * dies are, in that order. NULL: not measured. */
const struct chip_reach *chip_reach_of(const struct machine *m, const struct device *d,
				       const struct profile *p, bool *own);

/* The rate of a message of that many bytes: `bandwidth`, or bandwidth_by_size interpolated linearly in the
 * logarithms of both, constant outside its points. */
struct qty link_rate(const struct link *l, double bytes);

#endif
