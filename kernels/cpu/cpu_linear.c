/* cpu_linear.c - products with weights on the CPU: CBLAS for f32, own loops for blocks of 8 and 4 bits. */
#include <math.h>

#include "kernels/cpu/blas.h"
#include "kernels/cpu/cpu.h"

enum { ROWS_MAX = 8, SPOTS = 64, COLUMNS_STEP = 16, ROWS_STEP = 128, ROUND_GRAIN = 1 << 15 };

static struct linear shape_of(const struct cpu_job *j)
{
	return (struct linear){j->c.m, j->c.n, j->c.k};
}

static bool gemm_can(const struct cpu *cpu, const struct bench_case *c)
{
	/* with all threads, or with any number where the pool divides the product */
	return c->dtype == SAMPLE_F32 && (!c->threads || c->threads == cpu->threads || cpu->blas.alone);
}

static int gemm_prepare(struct cpu *cpu, struct err *err)
{
	struct cpu_job *j = &cpu->job;
	const size_t weights = (size_t)(j->c.n * j->c.k);

	j->copies = cpu_copies(cpu, (double)weights * FLOAT_B);
	if (cpu_fill(cpu, &cpu->in, CONTENT_RANDOM, weights * j->copies, err) != 0 ||
	    cpu_fill(cpu, &cpu->x, CONTENT_RANDOM, (size_t)(j->c.m * j->c.k), err) != 0 ||
	    cpu_fill(cpu, &cpu->y, CONTENT_ANY, (size_t)(j->c.m * j->c.n), err) != 0)
		return -1;
	j->in = cpu->in.at;
	j->x = cpu->x.at;
	j->y = cpu->y.at;
	return 0;
}

static void gemm_batch(struct cpu *cpu, int64_t reps)
{
	struct cpu_job *j = &cpu->job;
	const struct linear s = shape_of(j);

	for (int64_t r = 0; r < reps; r++)
		blas_linear(&cpu->blas, cpu->pool, &s, j->y, j->x,
			    j->in + cpu_next_copy(j) * (size_t)(s.n * s.k));
}

/* `width`: weights of a row */
static double weight_at(const struct cpu_job *j, int64_t row, int64_t column, int64_t width)
{
	const int64_t block = row * (width / QUANT_BLOCK) + column / QUANT_BLOCK, in = column % QUANT_BLOCK;

	if (j->c.dtype == SAMPLE_Q8) {
		const struct q8_block *b = (const struct q8_block *)j->blocks + block;

		return (double)half_to_float(b->scale) * b->q[in];
	}
	if (j->c.dtype == SAMPLE_Q4) {
		const struct q4_block *b = (const struct q4_block *)j->blocks + block;
		const int pair = b->q[in % (QUANT_BLOCK / 2)];

		return (double)half_to_float(b->scale) * ((in < QUANT_BLOCK / 2 ? pair & 15 : pair >> 4) - 8);
	}
	return (double)j->in[row * width + column];
}

/* A number of x as the kernel had it. */
static double x_at(const struct cpu_job *j, int64_t i)
{
	const struct x_block *b =
		j->c.dtype == SAMPLE_Q8 || j->c.dtype == SAMPLE_Q4 ? &j->x_blocks[i / QUANT_BLOCK] : NULL;

	return b ? x_block_at(b, (size_t)i % QUANT_BLOCK) : (double)j->x[i];
}

/* Checks the result of the first repetition, which used the first copy. */
static int product_check(struct cpu *cpu, struct err *err)
{
	const struct cpu_job *j = &cpu->job;
	const int64_t n = j->c.m * j->c.n;

	for (int64_t i = 0; i < SPOTS; i++) {
		const int64_t at = (int64_t)((double)(n - 1) * (double)i / (SPOTS - 1)), row = at / j->c.n;
		struct reference want = {0};

		for (int64_t p = 0; p < j->c.k; p++) {
			const double term = x_at(j, row * j->c.k + p) * weight_at(j, at % j->c.n, p, j->c.k);

			want.value += term;
			want.size += fabs(term);
		}
		if (cpu_close(j->y[at], &want, "element", at, err) != 0)
			return -1;
	}
	return 0;
}

static bool is_blocks(const struct bench_case *c)
{
	return c->dtype == SAMPLE_Q8 || c->dtype == SAMPLE_Q4;
}

static bool product_can(const struct cpu *cpu, const struct bench_case *c)
{
	return c->m >= 1 && (is_blocks(c) ? c->k % QUANT_BLOCK == 0 : gemm_can(cpu, c));
}

static bool gemv_can(const struct cpu *cpu, const struct bench_case *c)
{
	return c->m <= ROWS_MAX && product_can(cpu, c);
}

static int product_prepare(struct cpu *cpu, struct err *err)
{
	struct cpu_job *j = &cpu->job;
	const size_t blocks = (size_t)(j->c.n * j->c.k / QUANT_BLOCK), vector = (size_t)(j->c.m * j->c.k),
		     x_floats = vector / QUANT_BLOCK * (sizeof(struct x_block) / FLOAT_B);

	if (!is_blocks(&j->c))
		return gemm_prepare(cpu, err);
	j->copies = cpu_copies(cpu, j->c.bytes);
	if ((j->c.dtype == SAMPLE_Q8 ? cpu_fill(cpu, &cpu->q8, CONTENT_Q8, blocks * j->copies, err)
				     : cpu_fill(cpu, &cpu->q4, CONTENT_Q4, blocks * j->copies, err)) != 0 ||
	    cpu_fill(cpu, &cpu->x, CONTENT_RANDOM, vector, err) != 0 ||
	    cpu_fill(cpu, &cpu->y, CONTENT_ANY, (size_t)(j->c.m * j->c.n) + x_floats, err) != 0)
		return -1;
	j->blocks = j->c.dtype == SAMPLE_Q8 ? cpu->q8.at : cpu->q4.at;
	j->x = cpu->x.at;
	j->y = cpu->y.at;
	j->x_blocks = (struct x_block *)(void *)(j->y + j->c.m * j->c.n);
	return 0;
}

static void round_part(void *self, int part, int parts)
{
	const struct cpu *cpu = self;
	const struct cpu_job *j = &cpu->job;
	const struct span s = pool_span(j->c.m * j->c.k / QUANT_BLOCK, 1, part, parts);

	cpu->loops->round(j->x_blocks + s.from, j->x + s.from * QUANT_BLOCK, (size_t)(s.to - s.from));
}

/* Weights from block `at` on. */
static const void *blocks_at(const struct cpu_job *j, size_t at)
{
	return j->c.dtype == SAMPLE_Q8 ? (const void *)((const struct q8_block *)j->blocks + at)
				       : (const void *)((const struct q4_block *)j->blocks + at);
}

/* Columns of weights are the outer loop, each of which is read once for as many rows as stay in the second-level cache. */
static void rows_product(const struct cpu *cpu, struct block_product p)
{
	const size_t rows = p.rows;

	for (size_t row = 0; row < rows; row += ROWS_STEP) {
		p.rows = rows - row < ROWS_STEP ? rows - row : ROWS_STEP;
		(cpu->job.c.dtype == SAMPLE_Q8 ? cpu->loops->product_q8 : cpu->loops->product_q4)(&p);
		p.y += p.rows * p.y_stride;
		p.x += p.rows * p.blocks;
	}
}

static void product_part(void *self, int part, int parts)
{
	const struct cpu *cpu = self;
	const struct cpu_job *j = &cpu->job;
	const struct span s = pool_span(j->c.n, COLUMNS_STEP, part, parts);
	const size_t blocks = (size_t)(j->c.k / QUANT_BLOCK);

	rows_product(cpu,
		     (struct block_product){
			     .y = j->y + s.from,
			     .y_stride = (size_t)j->c.n,
			     .w = blocks_at(j, (j->next_copy * (size_t)j->c.n + (size_t)s.from) * blocks),
			     .x = j->x_blocks,
			     .rows = (size_t)j->c.m,
			     .columns = (size_t)(s.to - s.from),
			     .blocks = blocks});
}

static void product_batch(struct cpu *cpu, int64_t reps)
{
	struct cpu_job *j = &cpu->job;

	if (!is_blocks(&j->c)) {
		gemm_batch(cpu, reps);
		return;
	}
	for (int64_t r = 0; r < reps; r++) {
		pool_run_if(cpu->pool, j->c.m * j->c.k, ROUND_GRAIN, round_part, cpu);
		pool_run(cpu->pool, product_part, cpu);
		j->next_copy = (j->next_copy + 1) % j->copies;
	}
}

/* ---- experts: m tokens are distributed over k of them, each a square product n wide ---- */

static bool moe_can(const struct cpu *cpu, const struct bench_case *c)
{
	return c->m >= 1 && c->k >= 1 && (is_blocks(c) ? c->n % QUANT_BLOCK == 0 : gemm_can(cpu, c));
}

static int64_t tokens_of(const struct bench_case *c, int64_t expert)
{
	return expert < c->m ? (c->m - expert + c->k - 1) / c->k : 0;
}

/* Of the row of token t in a matrix in which the tokens of an expert lie together. */
static int64_t packed_row(const struct bench_case *c, int64_t t)
{
	const int64_t expert = t % c->k, more = c->m % c->k;

	return expert * (c->m / c->k) + (expert < more ? expert : more) + t / c->k;
}

static int moe_blocks_prepare(struct cpu *cpu, struct err *err)
{
	struct cpu_job *j = &cpu->job;
	const size_t weights = (size_t)(j->c.k * j->c.n * j->c.n / QUANT_BLOCK),
		     rows = (size_t)(j->c.m * j->c.n),
		     x_floats = rows / QUANT_BLOCK * (sizeof(struct x_block) / FLOAT_B);

	j->copies = cpu_copies(cpu, j->c.bytes);
	if ((j->c.dtype == SAMPLE_Q8 ? cpu_fill(cpu, &cpu->q8, CONTENT_Q8, weights * j->copies, err)
				     : cpu_fill(cpu, &cpu->q4, CONTENT_Q4, weights * j->copies, err)) != 0 ||
	    cpu_fill(cpu, &cpu->x, CONTENT_RANDOM, rows, err) != 0 ||
	    cpu_fill(cpu, &cpu->y, CONTENT_ANY, rows + x_floats, err) != 0)
		return -1;
	j->blocks = j->c.dtype == SAMPLE_Q8 ? cpu->q8.at : cpu->q4.at;
	j->x = cpu->x.at;
	j->y = cpu->y.at;
	j->x_blocks = (struct x_block *)(void *)(j->y + rows);
	return 0;
}

static int moe_prepare(struct cpu *cpu, struct err *err)
{
	struct cpu_job *j = &cpu->job;
	const size_t weights = (size_t)(j->c.k * j->c.n * j->c.n), rows = (size_t)(j->c.m * j->c.n);

	if (is_blocks(&j->c))
		return moe_blocks_prepare(cpu, err);
	j->copies = cpu_copies(cpu, j->c.bytes);
	if (cpu_fill(cpu, &cpu->in, CONTENT_RANDOM, weights * j->copies, err) != 0 ||
	    cpu_fill(cpu, &cpu->x, CONTENT_RANDOM, rows, err) != 0 ||
	    cpu_fill(cpu, &cpu->y, CONTENT_ANY, rows, err) != 0 ||
	    cpu_fill(cpu, &cpu->out, CONTENT_ANY, 2 * rows, err) != 0)
		return -1;
	j->in = cpu->in.at;
	j->x = cpu->x.at;
	j->y = cpu->y.at;
	j->out = cpu->out.at;
	return 0;
}

/* Tokens are rounded to where those of their expert lie together. */
static void moe_round_part(void *self, int part, int parts)
{
	const struct cpu *cpu = self;
	const struct cpu_job *j = &cpu->job;
	const struct span s = pool_span(j->c.m, 1, part, parts);
	const int64_t blocks = j->c.n / QUANT_BLOCK;

	for (int64_t t = s.from; t < s.to; t++)
		cpu->loops->round(j->x_blocks + packed_row(&j->c, t) * blocks, j->x + t * j->c.n,
				  (size_t)blocks);
}

/* All experts without waiting between them, as ggml_compute_forward_mul_mat_id() of llama.cpp goes through them; results are
 * written to where the tokens came from. */
static void moe_part(void *self, int part, int parts)
{
	const struct cpu *cpu = self;
	const struct cpu_job *j = &cpu->job;
	const struct span s = pool_span(j->c.n, COLUMNS_STEP, part, parts);
	const int64_t blocks = j->c.n / QUANT_BLOCK, matrix = j->c.n * blocks;

	for (int64_t e = 0; e < j->c.k && e < j->c.m; e++)
		rows_product(cpu, (struct block_product){
					  .y = j->y + e * j->c.n + s.from,
					  .y_stride = (size_t)(j->c.k * j->c.n),
					  .w = blocks_at(
						  j, (size_t)(((int64_t)j->next_copy * j->c.k + e) * matrix +
							      s.from * blocks)),
					  .x = j->x_blocks + packed_row(&j->c, e) * blocks,
					  .rows = (size_t)tokens_of(&j->c, e),
					  .columns = (size_t)(s.to - s.from),
					  .blocks = (size_t)blocks});
}

static void moe_blocks_batch(struct cpu *cpu, int64_t reps)
{
	struct cpu_job *j = &cpu->job;

	for (int64_t r = 0; r < reps; r++) {
		pool_run_if(cpu->pool, j->c.m * j->c.n, ROUND_GRAIN, moe_round_part, cpu);
		pool_run(cpu->pool, moe_part, cpu);
		j->next_copy = (j->next_copy + 1) % j->copies;
	}
}

static void move_rows(const struct cpu *cpu, float *to, const float *from, int64_t expert, bool gather)
{
	const struct cpu_job *j = &cpu->job;
	int64_t packed = 0;

	for (int64_t t = expert; t < j->c.m; t += j->c.k, packed++)
		cpu->inner->scale(to + (gather ? packed : t) * j->c.n, from + (gather ? t : packed) * j->c.n,
				  (size_t)j->c.n, 1);
}

static void moe_batch(struct cpu *cpu, int64_t reps)
{
	struct cpu_job *j = &cpu->job;
	const int64_t n = j->c.n;

	if (is_blocks(&j->c)) {
		moe_blocks_batch(cpu, reps);
		return;
	}
	for (int64_t r = 0; r < reps; r++) {
		const float *w = j->in + cpu_next_copy(j) * (size_t)(j->c.k * n * n);

		for (int64_t e = 0; e < j->c.k && e < j->c.m; e++, w += n * n) {
			const struct linear s = {tokens_of(&j->c, e), n, n};

			move_rows(cpu, j->out, j->x, e, true);
			blas_linear(&cpu->blas, cpu->pool, &s, j->out + j->c.m * n, j->out, w);
			move_rows(cpu, j->y, j->out + j->c.m * n, e, false);
		}
	}
}

static int moe_check(struct cpu *cpu, struct err *err)
{
	const struct cpu_job *j = &cpu->job;
	const int64_t n = j->c.n;

	for (int64_t i = 0; i < SPOTS; i++) {
		const int64_t at = (j->c.m * n - 1) * i / (SPOTS - 1), token = at / n,
			      x_row = is_blocks(&j->c) ? packed_row(&j->c, token) : token;
		struct reference want = {0};

		for (int64_t p = 0; p < n; p++) {
			const double term =
				x_at(j, x_row * n + p) * weight_at(j, token % j->c.k * n + at % n, p, n);

			want.value += term;
			want.size += fabs(term);
		}
		if (cpu_close(j->y[at], &want, "element", at, err) != 0)
			return -1;
	}
	return 0;
}

const struct cpu_kind cpu_gemm = {product_can, product_prepare, product_batch, product_check};
const struct cpu_kind cpu_gemv = {gemv_can, product_prepare, product_batch, product_check};
const struct cpu_kind cpu_moe = {moe_can, moe_prepare, moe_batch, moe_check};
