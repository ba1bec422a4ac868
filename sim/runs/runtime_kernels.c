/*
 * runtime_kernels.c - see runtime_kernels.h.
 *
 * llama.cpp, Metal. The graph is src/models/llama.cpp: norm, q, k, v, rope of q, rope of k, the cache's two
 * writes (build_attn), attention, o, residual; norm, gate, up, the gated unit, down, residual. What one
 * kernel runs is in ggml/src/ggml-metal/ggml-metal-ops.cpp (read at 000cfab8):
 *  - ggml_metal_op_norm: RMS_NORM with the MUL by its weights in one, since pull request 14596 (18 July 2025,
 * about build 5930); two kernels before. ggml_metal_op_bin fuses chains of ADD, which a residual is not.
 *  - GLU, since pull request 14158 (30 June 2025): gate and product in one; SILU and MUL before. Counted as
 * of the later of the two.
 *  - ggml_metal_op_flash_attn_ext: up to 19 queries a kernel over 32 work groups and one that joins them,
 * since pull request 15857 (September 2025); else one that marks the mask's empty blocks, since 16372
 * (October 2025), and one of attention. Two either way, one before; the pad kernel runs only where the cache
 * is no multiple of 32 or 64, and it grows by 256.
 *  - without it (llama-bench -fa 0): K Q, soft_max, V times that, and a copy into rows (build_attn_mha):
 * four.
 *
 * mlx_lm (read at d78bf58): models/llama.py, models/activations.py, models/cache.py; kernels in mlx
 * (846d1762), backend/metal: normalization.cpp, rope.cpp (a transposed input is rotated without a copy), the
 * cache's two slice updates in place, scaled_dot_product_attention.cpp (one kernel, or two from 1,024 tokens
 * on Max and Ultra and from 4,096 elsewhere: counted as one), swiglu compiled into one, both residuals.
 *
 * NEEDSWORK: the counts are read from source, not traced: what the driver or a later version adds is missing.
 */
#include "sim/runs/runtime_kernels.h"

#include <string.h>

/* 0.10 ms a layer: llama.cpp of 2026 on an M4 Pro, decode = bytes/256 GB/s + c layers, mean error 1.6 % over
 * 12 models; for the others nobody measured it, and it is held the same. */
#define LAYER_S 1e-4

static const struct runtime_kernels llama_before_fusion = {"llama.cpp before July 2025",
							   LAYER_S,
							   .norm = {.kernels = 2, .passes = 4},
							   .rope = {.kernels = 2, .passes = 2},
							   .kv_append = {.kernels = 2},
							   .scores = {.kernels = 1},
							   .linear = {.kernels = 1},
							   .activation = {.kernels = 2, .passes = 5},
							   .residual = {.kernels = 1, .passes = 3}},
				    llama_before_fusion_plain =
					    {"llama.cpp before July 2025, without flash attention",
					     LAYER_S,
					     .norm = {.kernels = 2, .passes = 4},
					     .rope = {.kernels = 2, .passes = 2},
					     .kv_append = {.kernels = 2},
					     .scores = {.kernels = 4},
					     .linear = {.kernels = 1},
					     .activation = {.kernels = 2, .passes = 5},
					     .residual = {.kernels = 1, .passes = 3}},
				    llama = {"llama.cpp",
					     LAYER_S,
					     .norm = {.kernels = 1, .passes = 2},
					     .rope = {.kernels = 2, .passes = 2},
					     .kv_append = {.kernels = 2},
					     .scores = {.kernels = 2},
					     .linear = {.kernels = 1},
					     .activation = {.kernels = 1, .passes = 3},
					     .residual = {.kernels = 1, .passes = 3}},
				    llama_plain = {"llama.cpp without flash attention",
						   LAYER_S,
						   .norm = {.kernels = 1, .passes = 2},
						   .rope = {.kernels = 2, .passes = 2},
						   .kv_append = {.kernels = 2},
						   .scores = {.kernels = 4},
						   .linear = {.kernels = 1},
						   .activation = {.kernels = 1, .passes = 3},
						   .residual = {.kernels = 1, .passes = 3}},
				    mlx = {"mlx_lm",
					   LAYER_S,
					   .norm = {.kernels = 1, .passes = 2},
					   .rope = {.kernels = 2, .passes = 2},
					   .kv_append = {.kernels = 2},
					   .scores = {.kernels = 1},
					   .linear = {.kernels = 1},
					   .activation = {.kernels = 1, .passes = 3},
					   .residual = {.kernels = 1, .passes = 3}};

enum { FUSED_SINCE_BUILD = 5930 };

enum program { PROGRAM_UNKNOWN, PROGRAM_MLX, PROGRAM_LLAMA };

static enum program program_of(const struct runs *r, const struct run *run)
{
	const char *tool = run->tool ? run->tool : r->tool;

	if (!strcmp(tool, "mlx_lm"))
		return PROGRAM_MLX;
	return !strcmp(tool, "llama-bench") || !strcmp(tool, "llama-batched-bench") ||
			       !strcmp(tool, "llama-server") || !strcmp(tool, "llama.cpp log")
		       ? PROGRAM_LLAMA
		       : PROGRAM_UNKNOWN; /* llama-sweep-bench is of a fork with kernels of its own */
}

/* What rows say of the program that ran: a build of 0 and FLASH_UNSAID are not said. */
struct said {
	enum program program;
	int64_t build;
	enum flash flash;
};

static struct said said_by(const struct runs *r, const struct run *run)
{
	return (struct said){program_of(r, run), run_build(run), run->flash};
}

static const struct runtime_kernels *kernels_of(const struct said *s)
{
	if (s->program == PROGRAM_MLX)
		return &mlx;
	if (s->program != PROGRAM_LLAMA)
		return NULL;
	if (s->build && s->build < FUSED_SINCE_BUILD)
		return s->flash == FLASH_ON ? &llama_before_fusion
					    : &llama_before_fusion_plain; /* off unless asked for */
	return s->flash == FLASH_OFF ? &llama_plain : &llama;
}

/* llama-batched-bench says neither build nor -fa in its table: a row agrees with another unless both say what differs. */
static bool agree(const struct said *a, const struct said *b)
{
	return a->program == b->program &&
	       (!a->build || !b->build || (a->build < FUSED_SINCE_BUILD) == (b->build < FUSED_SINCE_BUILD)) &&
	       (a->flash == FLASH_UNSAID || b->flash == FLASH_UNSAID || a->flash == b->flash);
}

/* What the first i rows say together. */
static struct said said_before(const struct runs *r, size_t i)
{
	struct said all = said_by(r, &r->at[0]);

	for (size_t j = 1; j < i; j++) {
		const struct said one = said_by(r, &r->at[j]);

		all.build = all.build ? all.build : one.build;
		all.flash = all.flash != FLASH_UNSAID ? all.flash : one.flash;
	}
	return all;
}

const struct runtime_kernels *runtime_kernels_of(const struct runs *r)
{
	struct said all;

	if (!r->n)
		return NULL;
	all = said_before(r, r->n);
	return kernels_of(&all);
}

enum flash runs_flash(const struct runs *r)
{
	return r->n ? said_before(r, r->n).flash : FLASH_UNSAID;
}

bool runs_flash_on_and_off(const struct runs *r)
{
	bool on = false, off = false;

	for (size_t i = 0; i < r->n; i++) {
		const enum flash flash = said_by(r, &r->at[i]).flash;

		on |= flash == FLASH_ON;
		off |= flash == FLASH_OFF;
	}
	return on && off;
}

size_t runs_take_fused(struct runs *r)
{
	const size_t all = r->n;
	size_t n = 0;

	for (size_t i = 0; i < all; i++)
		if (said_by(r, &r->at[i]).flash != FLASH_OFF)
			r->at[n++] = r->at[i];
	r->n = n;
	return all - n;
}

int64_t runs_build(const struct runs *r)
{
	return r->n ? said_before(r, r->n).build : 0;
}

/* What ran, for messages. */
static const char *called(const struct said *s)
{
	const struct runtime_kernels *p = kernels_of(s);

	return p                       ? p->name
	       : s->flash == FLASH_ON  ? "a program with flash attention"
	       : s->flash == FLASH_OFF ? "a program without flash attention"
				       : "another program";
}

int runs_one_runtime(const struct runs *r, struct err *err)
{
	for (size_t i = 1; i < r->n; i++) {
		const struct said before = said_before(r, i), one = said_by(r, &r->at[i]);

		if (agree(&before, &one))
			continue;
		if (before.program == one.program && before.flash == one.flash && before.build && one.build)
			err_set(err,
				"%s:%d: a run of build %lld after one of build %lld at line %d, between "
				"which "
				"kernels were joined (July 2025, build %d)",
				r->at[i].path ? r->at[i].path : r->path, r->at[i].line, (long long)one.build,
				(long long)before.build, r->at[0].line, FUSED_SINCE_BUILD);
		else
			err_set(err, "%s:%d: a run of %s after one of %s at line %d",
				r->at[i].path ? r->at[i].path : r->path, r->at[i].line, called(&one),
				called(&before), r->at[0].line);
		return err_hint(err, "each runs a layer in its own way: one profile each, so split the file");
	}
	return 0;
}
