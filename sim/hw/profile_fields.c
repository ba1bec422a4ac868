/* profile_fields.c - the keys of a runtime's profile in hardware files; see struct profile in hw.h. */
#include "sim/hw/field_rows.h"

static const char *const replayed[] = {
	[REPLAYS_NONE] = "none",
	[REPLAYS_DECODE] = "decode",
	[REPLAYS_INFERENCE] = "inference",
	[REPLAYS_ALL] = "all",
	NULL,
};

enum { SHAPE_MAX = 1 << 24 };

static const struct field gemm_point_fields[] = {
	COUNT(struct gemm_point, m, SHAPE_MAX, "rows of the activations"),
	COUNT(struct gemm_point, n, SHAPE_MAX, "outputs"),
	COUNT(struct gemm_point, k, SHAPE_MAX, "inputs"),
	QTY(struct gemm_point, u, DIM_SHARE, 1e-6, 1, "share of the device's peak that is reached"),
};
static const struct table gemm_point_table = {"gemm point", sizeof(struct gemm_point), gemm_point_fields,
					      ARRAY_LEN(gemm_point_fields)};

static const struct field gemm_fields[] = {
	{FIELD_KEY(struct gemm_table, roof), .type = FIELD_QTY, .dim = DIM_FLOPS, .min = 1e6, .max = 1e18,
	 .share_of = "peak", .help = "best single call as published: the roof of ridge points"},
	QTY(struct gemm_table, sync, DIM_TIME, 0, 1,
	    "host time in a single timed call, not charged inside a step"),
	{FIELD_KEY(struct gemm_table, points), .type = FIELD_LIST, .sub = &gemm_point_table, .optional = true,
	 .help = "utilisation by shape"},
	QTY_OPT(struct gemm_table, u, DIM_SHARE, 1e-6, 1,
		"utilisation of any shape, in the place of points: fitted to runs of whole models"),
	QTY_OPT(struct gemm_table, between, DIM_SHARE, 0, 2,
		"relative error of u between its points; if not said, 6 %"),
	QTY_OPT(struct gemm_table, beyond, DIM_SHARE, 0, 2,
		"relative error of u beyond its points; if not said, 15 %"),
};
static const struct table gemm_table_table = {"gemm", sizeof(struct gemm_table), gemm_fields,
					      ARRAY_LEN(gemm_fields)};

/* Shares pass 1 where blocks are multiplied as integers, by faster units than the dtype's. */
static const struct field rows_point_fields[] = {
	COUNT(struct gemm_point, m, SHAPE_MAX, "rows of the activations; of experts, of each"),
	COUNT_OPT(struct gemm_point, per, SHAPE_MAX,
		  "so many experts have the m rows together, on average no whole number each"),
	COUNT(struct gemm_point, n, SHAPE_MAX, "outputs"),
	COUNT(struct gemm_point, k, SHAPE_MAX, "inputs"),
	QTY(struct gemm_point, u, DIM_SHARE, 1e-6, 100, "time at the device's peak, of that which it takes"),
};
static const struct table rows_point_table = {"point", sizeof(struct gemm_point), rows_point_fields,
					      ARRAY_LEN(rows_point_fields)};

static const struct field rows_fields[] = {
	{FIELD_KEY(struct rows_table, points), .type = FIELD_LIST, .sub = &rows_point_table,
	 .help = "utilisation by shape"},
	{FIELD_KEY(struct rows_table, tokens), .type = FIELD_BOOL, .optional = true,
	 .help = "of experts: m is the tokens of a pass, in tiles so wide that each could meet every expert "
		 "that is hit"},
	QTY_OPT(struct rows_table, between, DIM_SHARE, 0, 2,
		"relative error of u between its points; if not said, 6 %"),
	QTY_OPT(struct rows_table, beyond, DIM_SHARE, 0, 2,
		"relative error of u beyond its points; if not said, 15 %"),
};
static const struct table rows_table_table = {"products", sizeof(struct rows_table), rows_fields,
					      ARRAY_LEN(rows_fields)};

#define ROWS(name, index, text)                                                                              \
	{                                                                                                    \
		.key = name, .offset = offsetof(struct rows_tables, of[index]), .type = FIELD_MAYBE,         \
		.optional = true, .sub = &rows_table_table, .help = text                                     \
	}
static const struct field rows_formats_fields[] = {
	ROWS("f16", ROWS_WHOLE, "weights as they are: f32, f16, bf16"),
	ROWS("q8", ROWS_Q8, "blocks of 5 to 9 bits"),
	ROWS("q4", ROWS_Q4, "blocks of 4 bits"),
};
static const struct table rows_formats_table = {"products by format", sizeof(struct rows_tables),
						rows_formats_fields, ARRAY_LEN(rows_formats_fields)};

static const struct field attention_kernel_fields[] = {
	COUNT(struct attention_kernel, head_dim, 4096, "width of a head"),
	{FIELD_KEY(struct attention_kernel, kv_bits), .type = FIELD_COUNT, .min = 2, .max = 32, .def = "16",
	 .help = "bits of a number of the cache, without its blocks' scales"},
	QTY(struct attention_kernel, decode, DIM_BANDWIDTH, 1e3, 1e15,
	    "rate at which one query reads the KV cache"),
	QTY(struct attention_kernel, decode_u, DIM_SHARE, 1e-6, 1,
	    "share of the peak that the kernel for few queries reaches"),
	QTY_OPT(struct attention_kernel, prefill, DIM_SHARE, 0.001, 10,
		"of a prompt, times the utilisation of 'points'; if not said, 100 %"),
};
static const struct table attention_kernel_table = {"attention kernel", sizeof(struct attention_kernel),
						    attention_kernel_fields,
						    ARRAY_LEN(attention_kernel_fields)};

static const struct field attention_point_fields[] = {
	COUNT(struct attention_point, query, SHAPE_MAX, "query tokens"),
	COUNT(struct attention_point, context, SHAPE_MAX, "tokens attended to"),
	QTY(struct attention_point, u, DIM_SHARE, 1e-6, 1, "share of the device's peak that is reached"),
};
static const struct table attention_point_table = {"attention point", sizeof(struct attention_point),
						   attention_point_fields, ARRAY_LEN(attention_point_fields)};

static const struct field attention_shapes_fields[] = {
	{FIELD_KEY(struct attention_shapes, grouped), .type = FIELD_BOOL, .def = "false",
	 .help = "only of query heads that share keys and values"},
	COUNT(struct attention_shapes, head_dim, 4096, "the widest head"),
};
static const struct table attention_shapes_table = {"attention of some shapes",
						    sizeof(struct attention_shapes), attention_shapes_fields,
						    ARRAY_LEN(attention_shapes_fields)};

static const struct field attention_fields[] = {
	{FIELD_KEY(struct attention_table, skips_mask), .type = FIELD_BOOL, .def = "false",
	 .help = "fused: leaves the masked half out and never writes the scores"},
	QTY_OPT(struct attention_table, u, DIM_SHARE, 1e-6, 1, "of any shape, in the place of points"),
	{FIELD_KEY(struct attention_table, points), .type = FIELD_LIST, .sub = &attention_point_table,
	 .optional = true, .help = "utilisation of scores + softmax + values, by shape"},
	QTY_OPT(struct attention_table, between, DIM_SHARE, 0, 2,
		"relative error of u between its points; if not said, 6 %"),
	QTY_OPT(struct attention_table, beyond, DIM_SHARE, 0, 2,
		"relative error of u beyond its points; if not said, 15 %"),
	RATE(struct attention_table, decode, "rate at which one query reads the KV cache"),
	QTY_OPT(struct attention_table, decode_u, DIM_SHARE, 1e-6, 1,
		"share of the peak that the kernel for few queries reaches; if not said, u"),
	SUB_OPT(struct attention_table, u_of, attention_shapes_table,
		"prompts that u and points are of; if not said, all"),
	QTY_OPT(struct attention_table, other_u, DIM_SHARE, 1e-6, 1,
		"of all other prompts, which another kernel runs"),
	QTY_OPT(struct attention_table, alone_u, DIM_SHARE, 1e-6, 1,
		"of prompts whose query heads share no keys; if not said, u or other_u"),
	RATE_OPT(struct attention_table, decode_alone,
		 "decode, where query heads share no keys; if not said, decode"),
	RATE_OPT(struct attention_table, several,
		 "decode, of one query of each of several sequences; if not said, decode"),
	QTY_OPT(struct attention_table, several_start, DIM_TIME, 0, 1,
		"time of that kernel beyond its reading; if not said, overhead.attention"),
	{FIELD_KEY(struct attention_table, blocks_alone), .type = FIELD_BOOL, .def = "false",
	 .help = "in decode each query head reads a cache in blocks (q8_0, q4_0) for itself"},
	QTY_OPT(struct attention_table, blocks, DIM_SHARE, 1e-6, 10,
		"least time of a cache in blocks over that of one in 16 bits, in decode; with blocks_alone, "
		"of "
		"each query head; if not said, as its bytes"),
	RATE_OPT(struct attention_table, mixed,
		 "rate at which each query head reads the cache for itself, in a batch with pieces of "
		 "prompts; "
		 "not given: as 'decode'"),
	QTY_OPT(struct attention_table, mixed_head, DIM_TIME, 0, 1,
		"in such a batch, of each sequence that decodes and query head; not given: overhead.cache"),
	QTY_OPT(struct attention_table, mixed_tile, DIM_TIME, 0, 1,
		"and more for each further 64 tokens of the longest piece"),
	{FIELD_KEY(struct attention_table, decode_shares), .type = FIELD_COUNT, .min = 1, .max = 4096,
	 .optional = true,
	 .help = "most query heads that one reading serves in decode: the largest power of two that divides "
		 "the group; if not said, all of a group"},
	{FIELD_KEY(struct attention_table, decode_heads), .type = FIELD_COUNT, .min = 1, .max = 4096,
	 .optional = true,
	 .help = "query heads of a group that are computed at a time in decode, so that groups of two and "
		 "more count as the next multiple; if not said, 1"},
	{FIELD_KEY(struct attention_table, kernels), .type = FIELD_LIST, .sub = &attention_kernel_table,
	 .optional = true, .help = "widths of heads and caches whose kernels differ from that"},
};
static const struct table attention_table_table = {"attention", sizeof(struct attention_table),
						   attention_fields, ARRAY_LEN(attention_fields)};

static const struct field fusion_fields[] = {
	{FIELD_KEY(struct fusion, kernels), .type = FIELD_COUNT, .min = 0, .max = 1000,
	 .help = "kernels issued"},
	{FIELD_KEY(struct fusion, passes), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 0, .max = 1000,
	 .def = "0", .help = "reads + writes of its tensor"},
};
static const struct table fusion_table = {"fusion", sizeof(struct fusion), fusion_fields,
					  ARRAY_LEN(fusion_fields)};

static const struct field overhead_fields[] = {
	QTY(struct overhead, kernel, DIM_TIME, 0, 1, "for each kernel issued"),
	QTY_OPT(struct overhead, product, DIM_TIME, 0, 1,
		"for each kernel of a product, beyond its work; not given: kernel"),
	QTY_OPT(struct overhead, attention, DIM_TIME, 0, 1, "likewise of attention proper"),
	QTY_OPT(struct overhead, norm, DIM_TIME, 0, 1, "likewise of a norm, whose threads wait for one sum"),
	QTY_OPT(struct overhead, unlike, DIM_TIME, 0, 1,
		"more of each of these three, among unlike kernels, where they were timed among their like"),
	QTY_OPT(struct overhead, route, DIM_TIME, 0, 1,
		"likewise of the choice of experts and of their sum, which few threads do one after the "
		"other"),
	QTY_OPT(struct overhead, buffer, DIM_TIME, 0, 1,
		"of the device between two command buffers, where arrays of weights end them"),
	COUNT_OPT(struct overhead, buffer_inputs, (int64_t)1 << 40,
		  "numbers in arrays of weights, packed ones as one, with which a command buffer ends"),
	QTY_OPT(struct overhead, tiles, DIM_TIME, 0, 1,
		"of a product of more rows than 'few' has, all its kernels; not given: product"),
	QTY_OPT(struct overhead, tiles_experts, DIM_TIME, 0, 1,
		"likewise of experts, whose rows are gathered; not given: product"),
	QTY_OPT(struct overhead, experts, DIM_TIME, 0, 1,
		"of a product of experts of however many rows, sorting of rows and sums of experts in it"),
	QTY_OPT(struct overhead, experts_fp4, DIM_TIME, 0, 1,
		"likewise where kernels for weights of 4-bit floats are others; not given: experts"),
	QTY_OPT(struct overhead, cache, DIM_TIME, 0, 1,
		"of attention, for each sequence that decodes and head of its keys and values, beyond "
		"reading them"),
	QTY(struct overhead, step, DIM_TIME, 0, 10, "for each step"),
	QTY_OPT(struct overhead, token, DIM_TIME, 0, 1,
		"of the host for each token of a step, while it makes the batch: the device waits"),
	QTY_OPT(struct overhead, mask, DIM_TIME, 0, 1,
		"of the host for each token of a step and each that its sequence has in the cache: the "
		"device waits"),
	QTY_OPT(struct overhead, logits, DIM_BANDWIDTH, 1e6, 1e15,
		"rate at which logits go to the host after a step; not given: they stay"),
	QTY_OPT(struct overhead, host, DIM_TIME, 0, 1,
		"of the host for each launch, beside the device's work: a block takes the longer of both"),
	QTY_OPT(struct overhead, eager, DIM_TIME, 0, 1,
		"likewise where a server records no pass (serve: {eager: true}), in place of 'host' and "
		"'replays'"),
	QTY_OPT(struct overhead, piece, DIM_TIME, 0, 1,
		"more of each block's attention where a server records passes in pieces without it (serve: "
		"{piecewise: true})"),
	QTY_OPT(struct overhead, host_training, DIM_TIME, 0, 1,
		"the same in forward and backward passes of training; not given: as 'host'"),
	{FIELD_KEY(struct overhead, replays), .type = FIELD_CHOICE, .choices = replayed, .def = "none",
	 .help = "passes whose launches are recorded and replayed (CUDA graphs): the host is in none of "
		 "them"},
	QTY_OPT(struct overhead, wire, DIM_BANDWIDTH, 1e6, 1e15,
		"rate at which a request makes the weights resident, if they are let go between requests"),
	QTY_OPT(struct overhead, crossing, DIM_TIME, 0, 1,
		"for each message and collective operation between machines, beside the link"),
	QTY_OPT(struct overhead, crossing_rdma, DIM_TIME, 0, 1,
		"likewise over a link with rdma; not given: crossing"),
	QTY_OPT(struct overhead, peer, DIM_TIME, 0, 1, "of a collective operation, for each other device"),
	QTY_OPT(struct overhead, stage, DIM_TIME, 0, 1,
		"more for a message from one stage of a pipeline to the next"),
};
static const struct table overhead_table = {"overhead", sizeof(struct overhead), overhead_fields,
					    ARRAY_LEN(overhead_fields)};

#define BY(member, text) QTY_OPT(struct by_weights, member, DIM_SHARE, 1e-6, 10, text)
static const struct field by_weights_fields[] = {
	BY(f16, "weights as they are: f32, f16, bf16"),
	BY(q8, "blocks of 5 to 9 bits"),
	BY(q4, "blocks of 4 bits"),
	BY(k, "llama.cpp's super-blocks of 256: q4_K, q5_K, q6_K"),
	BY(fp4, "4-bit floats: mxfp4"),
	BY(bf16, "where its kernels are not those of f16"),
};
static const struct table by_weights_table = {"by weights", sizeof(struct by_weights), by_weights_fields,
					      ARRAY_LEN(by_weights_fields)};

static const struct field expert_group_fields[] = {
	COUNT(struct expert_group, from, 1 << 24,
	      "rows of all experts from which the groups are of that size"),
	COUNT(struct expert_group, rows, 4096, "of one expert for each reading of its weights"),
	QTY_OPT(struct expert_group, further, DIM_SHARE, 0.001, 1,
		"of the peak, each further row of such a group, whose kernel is another; not given: few's"),
};
static const struct table expert_group_table = {"expert group", sizeof(struct expert_group),
						expert_group_fields, ARRAY_LEN(expert_group_fields)};

static const struct field few_fields[] = {
	COUNT(struct few, rows, 4096, "most rows of a product that a matrix-vector kernel runs"),
	COUNT(struct few, pass, 4096, "rows served by one reading of the weights"),
	{FIELD_KEY(struct few, k_from), .type = FIELD_COUNT, .min = 0, .max = 4096, .def = "0",
	 .help = "rows from which that is so of llama.cpp's super-blocks; of fewer, each has a reading"},
	{FIELD_KEY(struct few, gather), .type = FIELD_COUNT, .min = 1, .max = 1 << 20, .def = "1",
	 .help = "tokens from which the rows of an expert run as one product; below, each by itself"},
	{FIELD_KEY(struct few, gather_rows), .type = FIELD_COUNT, .min = 0, .max = 1 << 20, .def = "0",
	 .help = "rows for each of the model's experts from which they do so"},
	{FIELD_KEY(struct few, groups), .type = FIELD_LIST, .sub = &expert_group_table, .optional = true,
	 .help = "groups in which a kernel of the runtime's own takes the rows of an expert, however many "
		 "they "
		 "are"},
	QTY_OPT(struct few, scattered, DIM_SHARE, 0.01, 1,
		"of the rate of reading weights, what rows of experts that run by themselves reach"),
	{FIELD_KEY(struct few, bf16_experts_in_tiles), .type = FIELD_BOOL, .optional = true,
	 .help = "no kernel of few rows takes experts in bf16: they run in tiles, however few they are"},
	{FIELD_KEY(struct few, overlaps), .type = FIELD_BOOL, .optional = true,
	 .help = "all rows go on at 'further' while the weights are read; not given: the first of a pass "
		 "alone"},
	QTY_OPT(struct few, several, DIM_SHARE, 0.01, 1,
		"of the rate of reading weights, what products of two rows or more reach; not given: all"),
	SUB_OPT(struct few, first, by_weights_table, "share of the peak, first row; not given: no limit"),
	SUB_OPT(struct few, further, by_weights_table, "share of the peak, each further row of a pass"),
};
static const struct table few_table = {"few rows", sizeof(struct few), few_fields, ARRAY_LEN(few_fields)};

static const struct field expert_loop_fields[] = {
	COUNT(struct expert_loop, tokens, 1 << 20, "of a pass, from which the host does so"),
	COUNT(struct expert_loop, kernels, 1000, "for each expert hit"),
	{FIELD_KEY(struct expert_loop, blocks), .type = FIELD_BOOL, .def = "false",
	 .help = "experts in blocks of weights too; else those in 16 bits alone"},
};
static const struct table expert_loop_table = {"loop over experts", sizeof(struct expert_loop),
					       expert_loop_fields, ARRAY_LEN(expert_loop_fields)};

static const struct field expert_calls_fields[] = {
	COUNT_OPT(struct expert_calls, outputs, 1 << 24, "of a product, beyond which it is a wide one"),
	COUNT_OPT(struct expert_calls, wide, 1 << 20,
		  "tokens of a pass above which the host starts wide ones"),
	COUNT_OPT(struct expert_calls, narrow, 1 << 20, "the same of the others"),
	{FIELD_KEY(struct expert_calls, always), .type = FIELD_BOOL, .def = "false",
	 .help = "those of blocks of weights too, and whatever the tokens of a pass"},
	QTY(struct expert_calls, expert, DIM_TIME, 0, 1, "of the host for each expert hit"),
	QTY(struct expert_calls, choice, DIM_TIME, 0, 1, "for each row and each expert that the model has"),
	{FIELD_KEY(struct expert_calls, source), .type = FIELD_TEXT, .optional = true,
	 .help = "where this is written"},
};
static const struct table expert_calls_table = {"experts by the host", sizeof(struct expert_calls),
						expert_calls_fields, ARRAY_LEN(expert_calls_fields)};

static const struct field tile_fields[] = {
	COUNT(struct tile, rows, 4096, "rows of the result in a tile"),
	COUNT(struct tile, columns, 4096, "columns"),
	{FIELD_KEY(struct tile, fill), .type = FIELD_QTY, .dim = DIM_COUNT, .min = 0, .max = 64,
	 .optional = true, .help = "tiles for each core from which the utilisation is all reached"},
	{FIELD_KEY(struct tile, fill_rows), .type = FIELD_COUNT, .min = 1, .max = 4096, .optional = true,
	 .help = "rows of a tile where a pass has as many, by which tiles are counted; not given: rows"},
	{FIELD_KEY(struct tile, expert_rows), .type = FIELD_COUNT, .min = 1, .max = 4096, .optional = true,
	 .help = "rows of a tile of experts, at most those of the pass; not given: rows"},
	{FIELD_KEY(struct tile, packed), .type = FIELD_BOOL, .optional = true,
	 .help = "experts' rows follow one another through the tiles: an expert begins anywhere in one"},
	QTY_OPT(struct tile, experts, DIM_SHARE, 0.01, 4,
		"of the utilisation, what the kernel of experts reaches; above 1 where rows that only fill a "
		"tile cost less than others; not given: all"),
	QTY_OPT(struct tile, q2_k, DIM_SHARE, 0.01, 1,
		"of the utilisation, what Q2_K's own kernel reaches; not given: all"),
	QTY_OPT(struct tile, q6_k, DIM_SHARE, 0.01, 1, "the same of Q6_K's"),
	QTY_OPT(struct tile, vector, DIM_SHARE, 0.01, 1,
		"of the utilisation, what products reach where the driver has no matrix units; not given: "
		"not known"),
	{FIELD_KEY(struct tile, vector_only), .type = FIELD_BOOL, .optional = true,
	 .help = "it has none, as llama.cpp says by 'matrix cores: none'"},
	QTY_OPT(struct tile, medium, DIM_SHARE, 0.01, 1,
		"of the utilisation, what products reach where all run in tiles of expert_rows squared"),
	{FIELD_KEY(struct tile, medium_until), .type = FIELD_COUNT, .min = 1, .max = 1000000,
	 .optional = true, .help = "the last build whose products all run in those; not given: none"},
	{FIELD_KEY(struct tile, medium_only), .type = FIELD_BOOL, .optional = true,
	 .help = "all products run in those, as under AMD's own Vulkan driver (Windows)"},
	QTY_OPT(struct tile, in_turn, DIM_SHARE, 0, 1,
		"of the shorter of reading a tile's blocks of weights and multiplying them, what the longer "
		"does not hide; not given: it hides all"),
	SUB_OPT(struct tile, loop, expert_loop_table,
		"experts whose products the host starts one by one; not given: none"),
};
static const struct table tile_table = {"tile", sizeof(struct tile), tile_fields, ARRAY_LEN(tile_fields)};

static const struct field ramp_fields[] = {
	QTY_OPT(struct ramp, products, DIM_COUNT, 0, 4096, "of dense products; not given: 64"),
	QTY_OPT(struct ramp, experts, DIM_COUNT, 0, 4096, "of those of experts; not given: 64"),
	QTY_OPT(struct ramp, context, DIM_COUNT, 1, 1e9,
		"behind which attention of prompts reaches half of its rate; not given: 262144"),
};
static const struct table ramp_table = {"ramp", sizeof(struct ramp), ramp_fields, ARRAY_LEN(ramp_fields)};

static const struct field dies_fields[] = {
	QTY(struct dies, bandwidth, DIM_SHARE, 0.1, 1, "of the rates that are shares of the bus"),
	QTY(struct dies, arithmetic, DIM_SHARE, 0.1, 1, "of the utilisation"),
};
static const struct table dies_table = {"dies", sizeof(struct dies), dies_fields, ARRAY_LEN(dies_fields)};

#define HONOUR(name, index, text)                                                                            \
	{                                                                                                    \
		.key = name, .offset = offsetof(struct honours, of[index]), .type = FIELD_TEXTS,             \
		.optional = true, .help = text                                                               \
	}
static const struct field honours_fields[] = {
	HONOUR("window", HONOUR_WINDOW, "architectures whose attention window it keeps to; not given: none"),
	HONOUR("latent", HONOUR_LATENT, "architectures whose latent its cache holds; not given: none"),
	HONOUR("sparse_prefill", HONOUR_SPARSE_PREFILL,
	       "architectures whose prompts read only what an indexer chose; not given: none"),
	HONOUR("sparse_decode", HONOUR_SPARSE_DECODE,
	       "architectures whose decode reads only what an indexer chose; not given: none"),
	{FIELD_KEY(struct honours, source), .type = FIELD_TEXT, .help = "file and commit that say so"},
};
static const struct table honours_table = {"honours", sizeof(struct honours), honours_fields,
					   ARRAY_LEN(honours_fields)};

#define WIDTHS(member, text)                                                                                 \
	{                                                                                                    \
		FIELD_KEY(struct code_by_hand, member), .type = FIELD_DOUBLES, .dim = DIM_COUNT, .min = 1,   \
							.max = 4096, .optional = true, .help = text          \
	}
#define BY_HAND(name, index, text)                                                                           \
	{                                                                                                    \
		.key = name, .offset = offsetof(struct code_by_hand, of[index]), .type = FIELD_TEXTS,        \
		.optional = true, .help = text                                                               \
	}
static const struct field by_hand_fields[] = {
	WIDTHS(prompts, "widths of heads whose prompts a fused kernel attends to; not given: all"),
	WIDTHS(steps, "likewise of decode"),
	SUB_OPT(struct code_by_hand, scores, fusion_table,
		"of heads of other widths, instead; passes of the scores in f32"),
	SUB_OPT(struct code_by_hand, capped, fusion_table, "of scores that are capped, likewise"),
	BY_HAND("caps", BY_HAND_CAPS, "architectures whose scores are capped; not given: none"),
	BY_HAND("norms", BY_HAND_NORMS, "architectures whose norms add 1 to their weights; not given: none"),
	BY_HAND("gates", BY_HAND_GATES,
		"architectures whose activation and its product are two kernels; not given: none"),
	{FIELD_KEY(struct code_by_hand, source), .type = FIELD_TEXT, .help = "file and commit that say so"},
};
static const struct table by_hand_table = {"code by hand", sizeof(struct code_by_hand), by_hand_fields,
					   ARRAY_LEN(by_hand_fields)};

#define COPIES(member, text)                                                                                 \
	{                                                                                                    \
		FIELD_KEY(struct train_copies, member), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 0,    \
							.max = 16, .def = "0", .help = text                  \
	}
static const struct field train_copies_fields[] = {
	COPIES(logits, "of the logits in the dtype of the arithmetic, kept by forward for backward"),
	COPIES(logits_f32, "likewise in f32"),
	COPIES(logits_backward, "of them besides, while the head's backward pass runs"),
	COPIES(logits_backward_f32, "likewise in f32"),
	COPIES(scores, "of each block's attention scores, kept by forward for backward"),
	COPIES(scores_f32, "likewise in f32"),
	COPIES(adapter_inputs_f32, "of what adapted projections read, in f32, kept by forward for backward"),
	COPIES(scores_backward, "of them besides, while the block's backward pass runs"),
	COPIES(scores_backward_f32, "likewise in f32"),
	{FIELD_KEY(struct train_copies, source), .type = FIELD_TEXT, .help = "file and commit that say so"},
};
static const struct table train_copies_table = {"train copies", sizeof(struct train_copies),
						train_copies_fields, ARRAY_LEN(train_copies_fields)};

static const char *const load_holds[] = {
	[LOAD_SHARE] = "share", [LOAD_LAYER] = "layer", [LOAD_MODEL] = "model", NULL};
static const struct field load_fields[] = {
	{FIELD_KEY(struct loading, holds), .type = FIELD_CHOICE, .choices = load_holds, .def = "share",
	 .help = "what a machine of a split holds while it loads: its share alone, each layer whole in its "
		 "turn, or first the whole model"},
	{FIELD_KEY(struct loading, source), .type = FIELD_TEXT, .help = "file and commit that say so"},
};
static const struct table load_table = {"load", sizeof(struct loading), load_fields, ARRAY_LEN(load_fields)};

static const struct field before_fields[] = {
	COUNT(struct build_before, build, 1 << 30, "the first that has it no longer"),
	{FIELD_KEY(struct build_before, gather), .type = FIELD_COUNT, .min = 1, .max = 1 << 20,
	 .optional = true, .help = "few.gather of earlier builds"},
	QTY_OPT(struct build_before, tiles_experts, DIM_TIME, 0, 1,
		"what overhead.tiles_experts had more in earlier builds"),
	{FIELD_KEY(struct build_before, route), .type = FIELD_TABLE, .sub = &fusion_table, .optional = true,
	 .help = "route of earlier builds"},
	{FIELD_KEY(struct build_before, combine), .type = FIELD_TABLE, .sub = &fusion_table, .optional = true,
	 .help = "combine of earlier builds"},
};
static const struct table before_table = {"before", sizeof(struct build_before), before_fields,
					  ARRAY_LEN(before_fields)};

#define GEMM(name, index)                                                                                    \
	{                                                                                                    \
		.key = "gemm_" name, .offset = offsetof(struct profile, gemm[index]), .type = FIELD_MAYBE,   \
		.optional = true, .sub = &gemm_table_table, .help = "matrix products in " name               \
	}

static const struct field profile_fields[] = {
	{FIELD_KEY(struct profile, version), .type = FIELD_TEXT, .help = "of the software that was measured"},
	RATE(struct profile, read, "streaming reads: the bandwidth roof"),
	RATE(struct profile, copy, "copies, bytes read + written: elementwise work"),
	QTY_OPT(struct profile, copy_held, DIM_SHARE, 0.01, 1,
		"of the time of a copy, what one takes between tensors that the device's 'cache' holds; not "
		"given: "
		"all of it"),
	RATE(struct profile, gemv, "weights read by a product of few rows: decode"),
	RATE_OPT(struct profile, gemv_q8, "the same of weights in 8-bit blocks"),
	RATE_OPT(struct profile, gemv_q4, "the same of weights in 4-bit blocks"),
	GEMM("f32", DTYPE_F32),
	GEMM("f16", DTYPE_F16),
	GEMM("bf16", DTYPE_BF16),
	SUB(struct profile, attention, attention_table_table, "scores, softmax and values"),
	SUB(struct profile, norm, fusion_table, "one normalisation"),
	SUB(struct profile, rope, fusion_table, "rotary positions of q and k"),
	SUB(struct profile, activation, fusion_table, "the FFN's gate, on its inner width"),
	SUB(struct profile, residual, fusion_table, "one residual addition"),
	SUB(struct profile, kv_append, fusion_table,
	    "keys and values into the cache; passes over the whole cache, 0 if in place"),
	SUB(struct profile, kv_repeat, fusion_table,
	    "keys and values repeated for every query head, on that width; 0 if not"),
	SUB(struct profile, scores, fusion_table, "kernels of attention proper (its time is in 'attention')"),
	SUB(struct profile, linear, fusion_table, "kernels of one matrix product (its time is in 'gemm_*')"),
	{FIELD_KEY(struct profile, route), .type = FIELD_TABLE, .sub = &fusion_table, .optional = true,
	 .help = "softmax over experts and the best of them; not given: 5 kernels, 4 passes"},
	{FIELD_KEY(struct profile, combine), .type = FIELD_TABLE, .sub = &fusion_table, .optional = true,
	 .help = "the sum of what experts made; not given: 2 kernels, 3 passes"},
	{FIELD_KEY(struct profile, conv), .type = FIELD_TABLE, .sub = &fusion_table, .optional = true,
	 .help = "the short convolution of a recurrent layer; one kernel if not said"},
	{FIELD_KEY(struct profile, scan), .type = FIELD_TABLE, .sub = &fusion_table, .optional = true,
	 .help = "its scan, with what makes decays and gates; passes: of the state through memory, 2 if not "
		 "said"},
	SUB(struct profile, overhead, overhead_table, "what the runtime adds"),
	SUB_OPT(struct profile, dequant, by_weights_table,
		"utilisation of products of many rows, against that of weights as they are"),
	SUB_OPT(struct profile, dequant_experts, by_weights_table,
		"the same of products of experts; not given: dequant"),
	SUB_OPT(struct profile, few, few_table,
		"products of few rows; not given: to 8 rows, at the rate of one"),
	SUB_OPT(struct profile, products, rows_formats_table,
		"products of two rows and more as measured, in the place of gemm_*, few and dequant"),
	SUB_OPT(struct profile, experts, rows_formats_table,
		"the same of experts, a row each and more; m is the rows of an expert"),
	SUB_OPT(struct profile, experts_few, rows_formats_table,
		"the same of passes of few tokens, which run in another kernel; not given: as of many"),
	SUB_OPT(struct profile, expert_calls, expert_calls_table,
		"experts of 16-bit weights whose products the host starts one by one, as measured"),
	SUB_OPT(struct profile, tile, tile_table, "of a product of many rows; not given: any shape fills it"),
	SUB_OPT(struct profile, ramp, ramp_table,
		"how rates of prompts hang on lengths on this machine: tokens of a pass whose products reach "
		"half of "
		"the rate of long ones, and context"),
	SUB_OPT(struct profile, dies, dies_table,
		"what a chip of two dies reaches of shares and utilisation"),
	SUB_OPT(struct profile, honours, honours_table,
		"windows and latent caches that it honours, by architecture; not given: every model's"),
	SUB_OPT(struct profile, by_hand, by_hand_table,
		"what its code does in several kernels, by the width of a head and by architecture; not "
		"given: "
		"nothing"),
	SUB_OPT(struct profile, train_copies, train_copies_table,
		"copies of logits and attention scores that training keeps; not given: the logits and their "
		"gradient, and the scores where attention writes them"),
	SUB_OPT(struct profile, load, load_table,
		"how the model is read where several machines share it; not given: each its share alone"),
	SUB_OPT(struct profile, other_models, width_table,
		"how wide predictions of models are that 'models' does not name, where one alone was run and "
		"was "
		"far off: which of it is the machine's is not known"),
	SUB_OPT(struct profile, beyond, beyond_table,
		"kinds of models and weights that no run of the fit was of, and how wide predictions of them "
		"are"),
	{FIELD_KEY(struct profile, chunk), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 1, .max = 1 << 22,
	 .optional = true,
	 .help = "of a prompt in one pass by its default (llama.cpp's n_ubatch); not given: all of it"},
	{FIELD_KEY(struct profile, unpacks), .type = FIELD_COUNT, .min = 1, .max = 1 << 20, .optional = true,
	 .help = "rows of a product above which weights of blocks are written out in f16 first"},
	{FIELD_KEY(struct profile, integers), .type = FIELD_COUNT, .min = 1, .max = 64, .optional = true,
	 .help = "the devices' 'integers' that 'dequant' of blocks is of; on others it is in that "
		 "proportion"},
	{FIELD_KEY(struct profile, sums_f16), .type = FIELD_COUNT, .min = 1, .max = 64, .optional = true,
	 .help = "the devices' 'sums_f16' that utilisations of products in f16 are of, where these are "
		 "summed "
		 "in f16; on others they are in that proportion"},
	QTY_OPT(struct profile, core_power, DIM_POWER, 0.01, 1e4,
		"of a card's power under load, for each core, what utilisations of products are of where "
		"power sets "
		"the clock"),
	QTY_OPT(struct profile, by_power, DIM_SHARE, 0.01, 1,
		"the exponent by which these go with it: a third where power goes with the cube of the "
		"clock, 1 at the "
		"least voltage"),
	{FIELD_KEY(struct profile, chunk_shared), .type = FIELD_BOOL, .def = "false",
	 .help = "a pass has no more tokens than that however many sequences there are"},
	{FIELD_KEY(struct profile, chunks_overlap), .type = FIELD_BOOL, .def = "false",
	 .help = "chunks of its own are on several devices at once, if one process drives these: of one "
		 "machine, or joined by links that are 'local'"},
	{FIELD_KEY(struct profile, suite), .type = FIELD_TEXT, .optional = true,
	 .help = "whose own kernels the numbers are of, such as lemursim's; not given: of a program that "
		 "others use"},
	{FIELD_KEY(struct profile, all_logits), .type = FIELD_BOOL, .def = "false",
	 .help = "a prefill runs the head over every token"},
	{FIELD_KEY(struct profile, before), .type = FIELD_LIST, .sub = &before_table, .optional = true,
	 .help = "what was otherwise before a build, for runs that name an earlier one"},
	{FIELD_KEY(struct profile, chips), .type = FIELD_MAP, .sub = &chip_table, .optional = true,
	 .help = "of a family: what the chips that were measured do of it, by the machine's 'chip'"},
	{FIELD_KEY(struct profile, chips_like), .type = FIELD_TEXT, .optional = true,
	 .help = "the runtime whose 'chips' say what to expect of those that are not in 'chips'"},
	{FIELD_KEY(struct profile, models), .type = FIELD_MAP, .sub = &reach_table, .optional = true,
	 .help = "by title: what runs of one model were faster than the other numbers say, of that model "
		 "alone"},
	{FIELD_KEY(struct profile, last_apart), .type = FIELD_BOOL, .def = "false",
	 .help = "a prompt is read but for its last token, which is a step of its own, as those that follow"},
	{FIELD_KEY(struct profile, joins_products), .type = FIELD_BOOL, .optional = true,
	 .help = "queries, keys and values are one product, and gate and up"},
	{FIELD_KEY(struct profile, caches_only), .type = FIELD_BOOL, .optional = true,
	 .help = "chunks of a prompt compute nothing of layers behind the last that has a cache of its own"},
	{FIELD_KEY(struct profile, conv_f32), .type = FIELD_BOOL, .optional = true,
	 .help = "the state of short convolutions is kept in f32, not in the dtype of the arithmetic"},
	{FIELD_KEY(struct profile, last_row), .type = FIELD_BOOL, .def = "false",
	 .help = "in the last layer of a prefill, what follows attention runs over the last token alone"},
};
const struct table profile_table = {"runtime", sizeof(struct profile), profile_fields,
				    ARRAY_LEN(profile_fields)};
