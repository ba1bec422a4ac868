/* plan.c - cases into buffers and dispatches; see plan.h. The structs of parameters mirror the kernels'
 * sources. */
#include "kernels/gpu/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/gpu/groups.h"
#include "kernels/gpu/layer.h"
#include "kernels/gpu/numbers.h"

enum {
	STREAM_THREADS = 256,
	STREAM_LOADS = 4,        /* vectors of 16 bytes a thread reads before the grid may grow no more */
	STREAM_GROUPS_CORE = 64, /* threadgroups for a core; more only start and stop */
	GEMM_THREADS = 128,
	GEMM_WIDE = 64, /* columns of every tile */
	GEMV_M_MAX = 8,
	DECODE_THREADS = 256,
	ADAM_THREADS = 256,
	ROUND_THREADS = 256, /* four numbers each */
	CONVERT_THREADS = 256,
	CONVERT_ROWS = 16, /* up to so many rows llama.cpp has kernels of its own that take x as it is */
	BLOCKS_THREADS = 256,
	BLOCKS_DEEP = 128,
	JOIN_NUMBERS = 1024,
	BLOCKS_WIDE = 128, /* rows of weights in a tile of the products in blocks */
	EXPERTS_THREADS = 256,
	EXPERTS_ROWS = 32,
	EXPERTS_TOKENS = 16,
	MOE_USED = 8,  /* experts of a token, as most mixtures have: as many rows are one token's */
	ALIGN_B = 256, /* of an offset into a buffer */
	COPIES_MAX = 256,
	INDEX_MAX = 0x7fffffff
};

static const char *const dtype_suffix[SAMPLE_DTYPE_N] = {"f32", "f16", "bf16", "q8", "q4"};

static double weight_B(enum sample_dtype t)
{
	static const double of[SAMPLE_DTYPE_N] = {4, 2, 2, (double)Q8_B / BLOCK, (double)Q4_B / BLOCK};

	return of[t];
}

static enum sample_dtype input_dtype(const struct plan *p)
{
	return p->c.dtype <= SAMPLE_BF16 ? p->c.dtype : plan_is_rounded(p) ? SAMPLE_F32 : SAMPLE_F16;
}

/* `rotate_B` 0: does not rotate */
static void buffer_add(struct plan *p, double bytes, enum plan_fill fill, enum sample_dtype dtype,
		       double rotate_B)
{
	struct plan_buffer *b = &p->buffers[p->buffers_n++];

	*b = (struct plan_buffer){.bytes = (size_t)bytes, .fill = fill, .dtype = dtype, .copies = 1};
	b->stride = (b->bytes + ALIGN_B - 1) / ALIGN_B * ALIGN_B;
	if (p->c.cold && rotate_B > 0 && b->stride)
		b->copies = (int64_t)fmin(COPIES_MAX, fmax(1, ceil(rotate_B / (double)b->stride)));
}

static void params_set(struct plan *p, const void *params, size_t size)
{
	memcpy(p->parts[0].params, params, size);
	p->parts[0].params_B = size;
}

/* `args`: 'p' for the parameters, '0' ... for a buffer, by argument index */
static void args_set(struct plan_step *s, const char *args)
{
	for (size_t i = 0; args[i]; i++)
		s->args[i] = args[i] == 'p' ? ARG_PARAMS : (unsigned char)(ARG_BUFFER + args[i] - '0');
}

static struct plan_step *step_add(struct plan *p, const char *library, const char *args, uint32_t gx,
				  uint32_t gy)
{
	struct plan_step *s = &p->steps[p->steps_n++];

	*s = (struct plan_step){.library = library, .groups = {gx, gy, 1}, .times = 1};
	args_set(s, args);
	return s;
}

static bool stream_plan(struct plan *p, const struct plan_limits *l)
{
	static const struct {
		const char *kernel, *args;
		int arrays;
	} of[] = {[SAMPLE_READ] = {"stream_read", "01p", 1},
		  [SAMPLE_WRITE] = {"stream_write", "0p", 1},
		  [SAMPLE_COPY] = {"stream_copy", "01p", 2},
		  [SAMPLE_TRIAD] = {"stream_triad", "012p", 3}};
	const int arrays = of[p->c.kind].arrays;
	const double n = floor(p->c.bytes / arrays / 16);
	uint32_t groups = up((int64_t)n, STREAM_THREADS * STREAM_LOADS);
	struct plan_step *s;

	if (p->c.dtype != SAMPLE_F32 || n < 1 || n > INDEX_MAX)
		return false;
	if (groups > l->cores * STREAM_GROUPS_CORE)
		groups = (uint32_t)(l->cores * STREAM_GROUPS_CORE);
	const struct {
		uint32_t n, stride, seed;
		float scale;
	} params = {(uint32_t)n, groups * STREAM_THREADS, 0x2545f491u, 0.75f};

	for (int i = 0; i < arrays; i++)
		buffer_add(p, n * 16, i + 1 == arrays && p->c.kind != SAMPLE_READ ? FILL_NAN : FILL_RANDOM,
			   SAMPLE_F32, l->rotate_B / arrays);
	if (p->c.kind == SAMPLE_READ)
		buffer_add(p, 4.0 * params.stride / SIMD_WIDTH, FILL_NAN, SAMPLE_F32, 0);
	s = step_add(p, "stream", of[p->c.kind].args, groups, 1);
	s->threads = STREAM_THREADS;
	strcpy(s->kernel, of[p->c.kind].kernel);
	params_set(p, &params, sizeof params);
	return true;
}

static void product_buffers(struct plan *p, double weights, enum sample_dtype out, double rotate_B)
{
	const enum sample_dtype x = input_dtype(p);
	const double m = (double)p->c.m, n = (double)p->c.n, k = (double)p->c.k;

	buffer_add(p, m * k * weight_B(x), FILL_RANDOM, x, 0);
	buffer_add(p, weights, FILL_RANDOM, p->c.dtype, rotate_B);
	buffer_add(p, m * n * weight_B(out), FILL_NAN, out, 0);
}

/* x of m rows of k is rounded first. */
static struct plan_step *round_step(struct plan *p, double m, double k)
{
	struct plan_step *s;

	p->rounded = p->buffers_n;
	buffer_add(p, m * k, FILL_NAN, SAMPLE_F32, 0);
	buffer_add(p, m * k / BLOCK * 8, FILL_NAN, SAMPLE_F32, 0);
	s = step_add(p, "blocks", "000p", up((int64_t)(m * k), 4 * ROUND_THREADS), 1);
	s->args[1] = (unsigned char)(ARG_BUFFER + p->rounded);
	s->args[2] = (unsigned char)(ARG_BUFFER + p->rounded + 1);
	s->threads = ROUND_THREADS;
	strcpy(s->kernel, "round_rows");
	return s;
}

/* The kernels for a few rows take any number up to the one they were made for. */
static bool gemv_step(struct plan *p)
{
	const int64_t m = p->c.m;
	const int made_for = m > 4 ? 3 : m > 2 ? 2 : m > 1; /* 1 << that many rows */
	struct plan_step *s;

	if (m < 1 || m > GEMV_M_MAX || p->c.k % BLOCK)
		return false;
	if (plan_is_rounded(p))
		round_step(p, (double)m, (double)p->c.k)->early = true;
	s = step_add(p, plan_is_rounded(p) ? "few_blocks" : "gemv", plan_is_rounded(p) ? "1342p" : "102p",
		     up(p->c.n, plan_gemv_rows(p, made_for)), 1);
	s->threads = (uint32_t)plan_gemv_threads(p);
	s->early = true;
	if (plan_is_short(p))
		snprintf(s->kernel, sizeof s->kernel, "gemv_%s_short", dtype_suffix[p->c.dtype]);
	else
		snprintf(s->kernel, sizeof s->kernel, "gemv_%s_%d", dtype_suffix[p->c.dtype], 1 << made_for);
	return true;
}

/* Rows of x in a tile of the kernels for many rows: those of llama.cpp (ggml-cuda/mmq.cuh) are of up to 128 too. */
static int tile_rows(int64_t rows)
{
	return rows > 64 ? 128 : rows > 32 ? 64 : rows > 16 ? 32 : 16;
}

/* Many rows through weights in blocks. */
static bool blocks_plan(struct plan *p, const struct plan_limits *l)
{
	const struct bench_case *c = &p->c;
	const double weights = (double)c->n * (double)c->k * weight_B(c->dtype);
	const double steps = (double)up(c->n, BLOCKS_WIDE) * up(c->m, tile_rows(c->m)) *
			     up(c->k, BLOCKS_DEEP),
		     groups = fmin((double)l->cores, steps); /* each has a step at least */
	const uint32_t params[3] = {(uint32_t)c->m, (uint32_t)c->n, (uint32_t)c->k};
	struct plan_step *s;

	if (!plan_is_rounded(p) || c->m < 1 || c->n < 1 || c->k < BLOCK || c->k % BLOCK || l->no_prefill ||
	    weights > UINT32_MAX)
		return false;
	product_buffers(p, weights, SAMPLE_F32, l->rotate_B);
	params_set(p, params, sizeof params);
	if (gemv_step(p))
		return true;
	round_step(p, (double)c->m, (double)c->k);
	buffer_add(p, 4.0 * groups * BLOCKS_WIDE * tile_rows(c->m), FILL_NAN, SAMPLE_F32, 0);
	s = step_add(p, "blocks", "13425p", (uint32_t)groups, 1);
	s->threads = BLOCKS_THREADS;
	snprintf(s->kernel, sizeof s->kernel, "gemm_%s_%d", dtype_suffix[c->dtype], tile_rows(c->m));
	s = step_add(p, "blocks", "25p", (uint32_t)groups,
		     (uint32_t)(BLOCKS_WIDE * tile_rows(c->m) / JOIN_NUMBERS));
	s->threads = BLOCKS_THREADS;
	snprintf(s->kernel, sizeof s->kernel, "join_%d", tile_rows(c->m));
	return true;
}

static bool is_path(const struct bench_case *c, const char *path)
{
	return c->path && path && !strcmp(c->path, path);
}

static void convert_step(struct plan *p, const char *kernel, const char *args, double numbers)
{
	struct plan_step *s = step_add(p, "elementwise", args, up((int64_t)numbers, CONVERT_THREADS), 1);

	s->threads = CONVERT_THREADS;
	strcpy(s->kernel, kernel);
}

/* A few rows in f16 on the matrix units. */
static bool few_plan(struct plan *p, const struct plan_limits *l)
{
	const struct bench_case *c = &p->c;
	const uint32_t params[3] = {(uint32_t)c->m, (uint32_t)c->n, (uint32_t)c->k};
	struct plan_step *s;

	if (!p->style->few_by_matrices || c->dtype != SAMPLE_F16 || c->m < 2 || c->m > CONVERT_ROWS ||
	    c->k % BLOCK || l->no_prefill)
		return false;
	product_buffers(p, (double)c->n * (double)c->k * weight_B(c->dtype), SAMPLE_F32, l->rotate_B);
	params_set(p, params, sizeof params);
	s = step_add(p, "gemv", "102p", up(c->n, EXPERTS_ROWS), 1);
	s->threads = EXPERTS_THREADS;
	strcpy(s->kernel, "few_f16");
	return true;
}

/* Software that keeps activations in f32 rounds x for the library, which sums in f16, and widens the result, in kernels of their
 * own (ggml_cuda_mul_mat_cublas_impl() of ggml-cuda.cu, ggml_cuda_should_use_mmf() of mmf.cu; ggml-org/llama.cpp@d775b896). */
static bool converted_plan(struct plan *p, const struct plan_limits *l)
{
	const struct bench_case *c = &p->c;
	const double m = (double)c->m, n = (double)c->n, k = (double)c->k;
	const uint32_t params[3] = {(uint32_t)c->m, (uint32_t)c->n, (uint32_t)c->k};

	if (c->kind != SAMPLE_GEMM || c->dtype != SAMPLE_F16 || c->m < 1 || c->n < 1 || c->k < 1 ||
	    l->no_prefill)
		return false;
	if (c->m <= CONVERT_ROWS)
		return few_plan(p, l);
	buffer_add(p, m * k * 4, FILL_RANDOM, SAMPLE_F32, 0);
	buffer_add(p, n * k * 2, FILL_RANDOM, SAMPLE_F16, l->rotate_B);
	buffer_add(p, m * n * 4, FILL_NAN, SAMPLE_F32, 0);
	buffer_add(p, m * k * 2, FILL_NAN, SAMPLE_F16, 0);
	buffer_add(p, m * n * 2, FILL_NAN, SAMPLE_F16, 0);
	params_set(p, params, sizeof params);
	convert_step(p, "narrow_rows", "03p", m * k);
	convert_step(p, "widen_rows", "42p", m * n);
	p->how = PLAN_LIBRARY;
	p->before_product = 1;
	p->product[0] = 3;
	p->product[2] = 4;
	p->sums_narrow = true;
	return true;
}

static bool gemm_plan(struct plan *p, const struct plan_limits *l)
{
	const struct bench_case *c = &p->c;
	const bool library = p->style->products_by_library || is_path(c, p->style->library),
		   tensor = is_path(c, "tensor");
	const uint32_t params[3] = {(uint32_t)c->m, (uint32_t)c->n, (uint32_t)c->k};
	const int high = tensor ? (c->m > 64 ? 128 : 64) : (c->m > 32 ? 64 : 32);
	struct plan_step *s;

	if (is_path(c, p->style->converted))
		return converted_plan(p, l);
	if (c->dtype > SAMPLE_BF16)
		return blocks_plan(p, l);
	if (c->m < 1 || c->n < 1 || c->k < 1 || c->dtype > SAMPLE_BF16 ||
	    (library && c->dtype == SAMPLE_BF16 && !p->style->products_by_library))
		return false;
	if (tensor && !(c->dtype == SAMPLE_F16 && l->tensor_f16) &&
	    !(c->dtype == SAMPLE_BF16 && l->tensor_bf16))
		return false;
	product_buffers(p, (double)c->n * (double)c->k * weight_B(c->dtype), library ? c->dtype : SAMPLE_F32,
			l->rotate_B);
	params_set(p, params, sizeof params);
	if (library) {
		p->how = PLAN_LIBRARY;
		return true;
	}
	if (!tensor && gemv_step(p)) /* as every runtime does below some number of rows */
		return true;
	s = step_add(p, tensor ? "tensor" : "gemm", "012p", up(c->n, GEMM_WIDE), up(c->m, high));
	s->threads = GEMM_THREADS;
	snprintf(s->kernel, sizeof s->kernel, "gemm_%s%s_%d", tensor ? "tensor_" : "", dtype_suffix[c->dtype],
		 high);
	return true;
}

static bool gemv_plan(struct plan *p, const struct plan_limits *l)
{
	const struct bench_case *c = &p->c;
	const uint32_t params[3] = {(uint32_t)c->m, (uint32_t)c->n, (uint32_t)c->k};

	if (c->n < 1 || c->k < BLOCK)
		return false;
	if (c->m <= GEMV_M_MAX && few_plan(p, l))
		return true;
	product_buffers(p, (double)c->n * (double)c->k * weight_B(c->dtype), SAMPLE_F32, l->rotate_B);
	params_set(p, params, sizeof params);
	return gemv_step(p);
}

/* Tokens whose rows are of so many experts in all. */
static int64_t moe_tokens(const struct bench_case *c)
{
	return up(c->m, c->k < MOE_USED ? c->k : MOE_USED);
}

/* Finds the rows of each expert, of more tokens than their kernel could pick from (mm_ids_helper() of ggml-cuda/mmid.cu). */
static void gather_step(struct plan *p)
{
	const int choice = p->buffers_n;
	struct plan_step *s;

	if (!p->style->gathers)
		return;
	buffer_add(p, (double)p->c.m * 4, FILL_CHOICE, SAMPLE_F32, 0);
	p->buffers[3].fill = p->buffers[4].fill = FILL_NAN;
	s = step_add(p, "elementwise", "034p", (uint32_t)p->c.k, 1);
	s->args[0] = (unsigned char)(ARG_BUFFER + choice);
	s->threads = SIMD_WIDTH;
	strcpy(s->kernel, "gather");
}

/* Through weights in blocks by tensor cores. The tile is wide enough for all tokens, any of which may meet one expert, as
 * llama.cpp takes it (ncols_max of mul_mat_q_switch_J(), ggml-cuda/mmq.cuh of ggml-org/llama.cpp@d775b896): where few do,
 * most of it is empty. */
static bool experts_step(struct plan *p)
{
	const struct bench_case *c = &p->c;
	struct plan_step *s;

	round_step(p, (double)c->m, (double)c->n);
	gather_step(p);
	s = step_add(p, "blocks", "1562p34", up(c->n, BLOCKS_WIDE), (uint32_t)c->k);
	s->threads = BLOCKS_THREADS;
	snprintf(s->kernel, sizeof s->kernel, "experts_%s_%d", dtype_suffix[c->dtype],
		 tile_rows(moe_tokens(c)));
	return true;
}

/* k experts, each n x n; token t goes to expert t mod k */
static bool moe_plan(struct plan *p, const struct plan_limits *l)
{
	const struct bench_case *c = &p->c;
	const uint32_t params[3] = {(uint32_t)c->m, (uint32_t)c->n, (uint32_t)c->n};
	const double m = (double)c->m, n = (double)c->n, k = (double)c->k;
	const enum sample_dtype x = input_dtype(p);
	struct plan_step *s;

	if (c->m < 1 || c->k < 1 || c->n < BLOCK || c->n % BLOCK || c->k > c->m)
		return false;
	buffer_add(p, m * n * weight_B(x), FILL_RANDOM, x, 0);
	buffer_add(p, k * n * n * weight_B(c->dtype), FILL_RANDOM, c->dtype, l->rotate_B);
	buffer_add(p, m * n * 4, FILL_NAN, SAMPLE_F32, 0);
	buffer_add(p, (k + 1) * 4, FILL_EXPERTS, SAMPLE_F32, 0);
	buffer_add(p, m * 4, FILL_TOKENS, SAMPLE_F32, 0);
	params_set(p, params, sizeof params);
	if (plan_is_rounded(p) && moe_tokens(c) > GEMV_M_MAX && !l->no_prefill)
		return experts_step(p);
	if (c->dtype == SAMPLE_F16 && p->style->experts_by_matrices && !l->no_prefill) {
		if (moe_tokens(c) > EXPERTS_TOKENS)
			gather_step(p);
		s = step_add(p, "gemv", "102p34", up(c->n, EXPERTS_ROWS), (uint32_t)c->k);
		s->threads = EXPERTS_THREADS;
		strcpy(s->kernel, "experts_f16");
		return true;
	}
	if (plan_is_rounded(p))
		round_step(p, m, n)->early = true;
	s = step_add(p, plan_is_rounded(p) ? "few_blocks" : "gemv", plan_is_rounded(p) ? "1562p34" : "102p34",
		     up(c->n, p->style->moe_rows), (uint32_t)c->k);
	s->threads = (uint32_t)p->style->gemv_threads;
	s->early = true;
	snprintf(s->kernel, sizeof s->kernel, "moe_%s", dtype_suffix[c->dtype]);
	return true;
}

static bool attention_plan(struct plan *p, const struct plan_limits *l)
{
	const struct bench_case *c = &p->c;
	const bool decode = c->kind == SAMPLE_DECODE;
	const int64_t m = decode ? 1 : c->m, D = c->head_dim,
		      group = c->kv_heads > 0 ? c->heads / c->kv_heads : 0;
	struct plan_step *s;

	if (c->dtype != SAMPLE_F16 || (D != 64 && D != 128) || group < 1 || group * c->kv_heads != c->heads ||
	    m < 1 || c->n < m || (!decode && l->no_prefill) ||
	    (decode && group != 1 && group != 2 && group != 4 && group != 8))
		return false;
	const double q = (double)(c->heads * m * D), kv = (double)(c->kv_heads * c->n * D);
	const uint32_t splits = decode ? plan_decode_splits(c, l) : 1;
	const struct {
		uint32_t m, n, heads, kv_heads, splits;
		float scale;
	} params = {(uint32_t)m,           (uint32_t)c->n, (uint32_t)c->heads,
		    (uint32_t)c->kv_heads, splits,         (float)(1.4426950408889634 / sqrt((double)D))};

	buffer_add(p, 2 * q, FILL_RANDOM, SAMPLE_F16, 0);
	buffer_add(p, 2 * kv, FILL_RANDOM, SAMPLE_F16, l->rotate_B / 2);
	buffer_add(p, 2 * kv, FILL_RANDOM, SAMPLE_F16, l->rotate_B / 2);
	buffer_add(p, 4 * q, FILL_NAN, SAMPLE_F32, 0);
	params_set(p, &params, sizeof params);
	if (!decode) {
		s = step_add(p, "attention", "0123p", up(m, p->style->prefill_queries), (uint32_t)c->heads);
		s->threads = (uint32_t)p->style->prefill_threads;
		s->early = true;
		snprintf(s->kernel, sizeof s->kernel, "attention_prefill_%d", (int)D);
		return true;
	}
	buffer_add(p, 4.0 * (double)(c->heads * splits * (D + 2)), FILL_NAN, SAMPLE_F32, 0);
	s = step_add(p, "attention", "0124p", splits, (uint32_t)c->kv_heads);
	s->threads = DECODE_THREADS;
	s->early = true;
	snprintf(s->kernel, sizeof s->kernel, "attention_%s_%d_%d",
		 plan_heads_together(c, l) ? "heads" : "decode", (int)D, (int)group);
	s = step_add(p, "attention", "43p", (uint32_t)c->heads, 1);
	s->threads = p->style->joins_by_number ? (uint32_t)D : SIMD_WIDTH;
	s->early = true;
	snprintf(s->kernel, sizeof s->kernel, "attention_join_%d", (int)D);
	return true;
}

static bool pass_plan(struct plan *p, const struct plan_limits *l)
{
	const struct bench_case *c = &p->c;
	const double size = weight_B(c->dtype), m = (double)c->m, n = (double)c->n;
	const struct {
		uint32_t m, n;
		float eps;
	} params = {(uint32_t)c->m, (uint32_t)c->n, 1e-5f};
	struct plan_step *s;

	if (c->dtype > SAMPLE_BF16 || c->m < 1 || c->n < 1)
		return false;
	buffer_add(p, m * n * size, FILL_RANDOM, c->dtype, l->rotate_B / 2);
	buffer_add(p, n * size, FILL_RANDOM, c->dtype, 0);
	buffer_add(p, m * n * size, FILL_NAN, c->dtype, l->rotate_B / 2);
	params_set(p, &params, sizeof params);
	s = step_add(p, "elementwise", "012p", (uint32_t)c->m, 1);
	s->threads = (uint32_t)p->style->pass_threads;
	s->early = true;
	snprintf(s->kernel, sizeof s->kernel, "rmsnorm_%s", dtype_suffix[c->dtype]);
	return true;
}

static bool adam_plan(struct plan *p)
{
	const double n = floor(p->c.bytes / 28); /* four floats read, three written */
	const struct {
		uint32_t n;
		float rate, beta1, beta2, eps, scale1, scale2;
	} params = {(uint32_t)n, 1e-3f, 0.9f, 0.999f, 1e-8f, 1.0f, 1.0f};
	struct plan_step *s;

	if (p->c.dtype != SAMPLE_F32 || n < 1 || n > INDEX_MAX)
		return false;
	for (int i = 0; i < 4; i++)
		buffer_add(p, n * 4, i == 1 ? FILL_RANDOM : FILL_ADAM, SAMPLE_F32, 0);
	params_set(p, &params, sizeof params);
	s = step_add(p, "elementwise", "0123p", up((int64_t)n, ADAM_THREADS), 1);
	s->threads = ADAM_THREADS;
	strcpy(s->kernel, "adam");
	return true;
}

static bool launch_plan(struct plan *p)
{
	const bool chain = p->c.kind == SAMPLE_DISPATCH && p->c.k == 1;
	struct plan_step *s;

	if (p->c.m < 1)
		return false;
	buffer_add(p, 64, FILL_ZERO, SAMPLE_F32, 0);
	s = step_add(p, "launch", "0", 1, 1);
	s->threads = SIMD_WIDTH;
	s->times = p->c.kind == SAMPLE_DISPATCH ? p->c.m : 1;
	s->early = true;
	strcpy(s->kernel, chain ? "chain" : "empty");
	p->concurrent = !chain;
	p->how = p->c.kind == SAMPLE_SUBMIT ? PLAN_SUBMIT : PLAN_KERNELS;
	return true;
}

static bool host_copy_plan(struct plan *p)
{
	if (p->c.bytes < 1)
		return false;
	buffer_add(p, p->c.bytes, FILL_RANDOM, SAMPLE_F32, 0);
	p->how = PLAN_HOST_COPY;
	return true;
}

static bool kind_plan(struct plan *p, const struct plan_limits *l)
{
	switch (p->c.kind) {
	case SAMPLE_READ:
	case SAMPLE_WRITE:
	case SAMPLE_COPY:
	case SAMPLE_TRIAD:
		return stream_plan(p, l);
	case SAMPLE_GEMM:
	case SAMPLE_SUSTAINED:
		return gemm_plan(p, l);
	case SAMPLE_GEMV:
		return gemv_plan(p, l);
	case SAMPLE_PREFILL:
	case SAMPLE_DECODE:
		return attention_plan(p, l);
	case SAMPLE_ELEMENTWISE:
		return pass_plan(p, l);
	case SAMPLE_MOE:
		return moe_plan(p, l);
	case SAMPLE_ADAM:
		return adam_plan(p);
	case SAMPLE_DISPATCH:
	case SAMPLE_SUBMIT:
		return launch_plan(p);
	case SAMPLE_HOST_COPY:
		return host_copy_plan(p);
	case SAMPLE_LAYER:
	case SAMPLE_PARTS:
		return layer_plan(p, l);
	default:
		return false;
	}
}

/* Copies are given up before the case is: a working set as large as the limit needs none. */
static bool fits(struct plan *p, const struct plan_limits *l)
{
	double all = 0;

	for (int i = 0; i < p->buffers_n; i++) {
		struct plan_buffer *b = &p->buffers[i];

		while (b->copies > 1 && (double)b->stride * (double)b->copies > l->buffer_B)
			b->copies--;
		if (!b->bytes || (double)b->stride > l->buffer_B)
			return false;
		all += (double)b->stride * (double)b->copies;
	}
	return all <= l->everything;
}

bool gpu_plan_make(struct plan *p, const struct bench_case *c, const struct plan_limits *limits)
{
	const bool product = c->kind == SAMPLE_GEMM || c->kind == SAMPLE_SUSTAINED;

	memset(p, 0, sizeof *p);
	p->c = *c;
	p->style = limits->style;
	p->product[1] = 1;
	p->product[2] = 2;
	if (c->path && !is_path(c, p->style->own) &&
	    !(product &&
	      (is_path(c, p->style->library) || is_path(c, p->style->converted) || is_path(c, "tensor"))))
		return false;
	if (c->threads || c->m > INDEX_MAX || c->n > INDEX_MAX || c->k > INDEX_MAX || !kind_plan(p, limits))
		return false;
	return fits(p, limits);
}
