/*
 * product_kernels.h - the kernels that a runtime's products of matrices run in, by their rows: parts of a profile (hw.h).
 *
 * Layer hw. Base units as in hw.h; all structs live in the load arena.
 */
#ifndef SIM_HW_PRODUCT_KERNELS_H
#define SIM_HW_PRODUCT_KERNELS_H
#include "sim/conf/field.h"

/* A number for each kind of weight format; not given: f16. */
struct by_weights {
	struct origin origin;
	struct qty f16, q8, q4; /* unquantised, blocks of 8 bits (5 to 9), blocks of 4 bits */
	struct qty k, fp4;      /* llama.cpp's super-blocks of 256 with any number of bits, 4-bit floats */
	struct qty bf16;        /* where its kernels are not those of f16; not given: f16 */
};

/* A kernel that takes the rows of each expert some at a time, each group with a reading of its own. */
struct expert_group {
	struct origin origin;
	int64_t from;       /* rows of all experts from which it is used */
	int64_t rows;       /* of one expert in a group, which is padded to them */
	struct qty further; /* share of the peak for each further row of the group; not given: that of few */
};

/* Products of few rows, which matrix-vector kernels run. */
struct few {
	struct origin origin; /* node NULL: not given */
	int64_t rows;         /* largest number of rows for which these kernels are used */
	int64_t pass;   /* rows that one reading of the weights serves; more rows take several readings */
	int64_t k_from; /* smallest number of rows that share a reading of super-blocks; 0: any */
	/* tokens from which the rows of an expert are one product; below, each row is a product */
	int64_t gather;
	/* rows for each of the model's experts, hit or not, from which they are; 0: any number */
	int64_t gather_rows;
	/* struct expert_group: a runtime whose kernel for experts runs any number of rows in such groups;
	 * single rows before the first. Empty: as gather and gather_rows say */
	struct field_list groups;
	/* share of the weights' bandwidth that products of single rows reach; not given: all */
	struct qty scattered;
	bool bf16_experts_in_tiles; /* no kernel of few rows takes experts in bf16: they run in tiles, however few */
	bool overlaps; /* each row unpacks the weights for itself while others read: a product takes the longer of both */
	struct qty several;      /* the same for products of two rows or more, if another kernel runs them */
	struct by_weights first; /* share of the peak for the first row of a pass: reading and unpacking */
	struct by_weights further; /* share of the peak for each further row, in addition to the first */
};

/* Experts whose products the host starts one by one, since no kernel takes them all. */
struct expert_loop {
	struct origin origin; /* node NULL: not given */
	int64_t tokens;       /* of a pass, from which it does */
	int64_t kernels;      /* for each expert hit */
	bool blocks;          /* of weights in blocks too; else of 16-bit weights alone */
};

/* The same where its time was measured: it waits for the router's choice, looks for the rows of each expert and starts
 * their products, while the device has nothing else to do. */
struct expert_calls {
	struct origin origin; /* node NULL: not given */
	int64_t outputs;      /* products of more are wide */
	int64_t wide, narrow; /* tokens of a pass above which the host starts products of either kind */
	bool always;          /* it starts those of blocks too, and whatever the tokens of a pass */
	struct qty expert; /* seconds of the host for each expert hit; the device's product may take longer */
	struct qty choice; /* seconds for each expert that the model has and each row */
	const char *source;
};

/* The tiles into which a matrix-matrix kernel divides its result. */
struct tile {
	struct origin origin; /* node NULL: not given */
	int64_t rows, columns;
	struct qty fill; /* tiles for each core from which the full utilisation is reached */
	int64_t fill_rows; /* rows of a tile of blocks where a pass has as many: tiles are counted by them; 0: rows */
	/* Rows of the tiles in which products of experts run, at most those of the pass; 0: rows. A kernel may take one
	 * size for all experts, by the tokens of the pass, however few of them each expert gets. */
	int64_t expert_rows;
	/* The rows of all experts follow one another through the tiles, so that an expert begins anywhere in one; a
	 * tile is computed once for each expert that has rows in it. */
	bool packed;
	struct qty experts; /* share of the utilisation that the kernel of experts reaches; not given: all */
	/* Builds until medium_until, and drivers that a report names (vulkan_device.h), have no tiles as large as that: all products run
	 * in tiles of expert_rows by as many columns, at this share of the utilisation. Not given: they have. */
	struct qty medium;
	int64_t medium_until; /* the last such build; 0: none */
	bool medium_only;     /* this run had none larger */
	struct qty
		in_turn; /* of reading blocks and multiplying them, the share of the shorter that is not hidden; not given: 0 */
	struct expert_loop loop;
};

#endif
