/*
 * op_rates.h - which of a profile's numbers the cost of an operator is made of, so that a fit can scale those numbers one
 * by one.
 *
 * Layer cost. Terms of cost_of(): `memory` is made of one rate, `arithmetic` and `apart` of one utilisation. Those of products
 * are by the format of the weights, as the profile has them (struct by_weights, struct rows_tables).
 */
#ifndef SIM_COST_OP_RATES_H
#define SIM_COST_OP_RATES_H
#include "sim/cost/cost.h"

/* The numbers of weights in one format: WEIGHTS_Q4 is also that of super-blocks and of 4-bit floats, whose kernels work as
 * those of blocks of 4 bits do. WEIGHTS_BF16 is that of products of many rows where these have kernels of their own. */
enum weights_rate { WEIGHTS_NONE, WEIGHTS_WHOLE, WEIGHTS_Q8, WEIGHTS_Q4, WEIGHTS_BF16, WEIGHTS_RATES };

/* The utilisation that attention computes at: `decode_u`, `u` and its points, `other_u` or `alone_u`. NONE: no attention. */
enum attention_rate { ATTENTION_NONE, ATTENTION_FEW, ATTENTION_TABLE, ATTENTION_OTHER, ATTENTION_ALONE };

/* Products of at most so many rows of a table of rows are bound by reading their weights, so that a faster memory is what
 * would make them faster. */
enum { MEASURED_FEW_ROWS = 8 };

struct op_rates {
	enum weights_rate memory, arithmetic; /* WEIGHTS_NONE: the operator reads no weights */
	double tokens,
		ramp; /* of a product of many rows: of its pass, and struct ramp's; tokens 0: of no such product */
	double context,
		half; /* of attention of a prompt: its keys, and struct ramp's context; context 0: of none */
	bool experts; /* a product of many rows of experts, from no table of its own */
	bool few;     /* a product in a matrix-vector kernel */
	bool several; /* one of two rows and more: its arithmetic */
	bool read_rows;                /* the same, of a table of rows: its memory term */
	bool cache;                    /* attention of few queries: reads the KV cache */
	bool prompt;                   /* attention of many queries */
	enum attention_rate attention; /* its arithmetic */
};
struct op_rates op_rates_of(const struct op *op, const struct device_model *device_model);

/* Of an operator of attention that no heads' own kernel (attention.kernels) runs. */
enum attention_rate attention_rate_of(const struct attention_table *a, const struct op *op);

/* The time of products of a pass of so many tokens where its ramp (struct ramp) is `ramp`, over that where it is `other`. */
double op_rates_ramp(double tokens, double ramp, double other);

/* The same of attention of prompts behind a context, by those at which its time is twice that behind few tokens. */
double op_rates_context(double context, double half, double other);
/* The context of a device model at which it is. */
double op_rates_half(const struct device_model *device_model);

/* The key of a matrix-vector rate that weights of so many bits each are read at: gemv, gemv_q8 or gemv_q4. */
enum weights_rate op_rates_by_bits(const struct profile *p, double bits);

#endif
