/* suite_rows.c - the table of rows and the shapes of each; see suite.h. */
#include "sim/measure/suite.h"

#include <math.h>
#include <string.h>

#include "sim/base/nearest.h"
#include "sim/base/units.h"

static const double dtype_B[SAMPLE_DTYPE_N] = {[SAMPLE_F32] = 4,
					       [SAMPLE_F16] = 2,
					       [SAMPLE_BF16] = 2,
					       [SAMPLE_Q8] = 34.0 / 32,
					       [SAMPLE_Q4] = 18.0 / 32};

enum { PASSES = 3, MIB = 1 << 20 };
static const double prepare_s = 0.03;

double suite_row_s(const struct suite_machine *m, const struct suite_row *r)
{
	return m->quick ? r->quick_s : r->full_s;
}

double suite_case_s(const struct suite_machine *m, const struct suite_row *r, const struct bench_case *c)
{
	const double once = fmax(c->flop / m->flops, c->bytes / m->Bps), batch = fmax(r->min_s, once);
	const double batches = (m->quick ? r->quick_n : r->full_n) + 2.5 * PASSES;

	return batches * batch + PASSES * (prepare_s + once);
}

/* Adds the case for every implementation that can run it. */
static void add(const struct suite_machine *m, const struct suite_row *r, suite_cases *to,
		struct bench_case c)
{
	static const char *const unnamed[] = {NULL, NULL};
	const char *const *path = m->backend->paths && m->backend->paths[0] && m->backend->paths[1]
					  ? m->backend->paths
					  : unnamed;

	c.kind = r->kind;
	if (!c.threads)
		c.threads = m->threads;
	do {
		c.path = *path;
		if (m->backend->can(m->self, &c))
			VEC_ADD(to, c);
	} while (*path && *++path);
}

/* Cases in ascending order of cost: those at the end that do not fit into the row's time are dropped. */
static void fit(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	double sum = 0;
	size_t kept = 0;

	for (size_t i = 0; i < to->n; i++) {
		sum += suite_case_s(m, r, &to->at[i]);
		if (sum <= suite_row_s(m, r) || !kept)
			to->at[kept++] = to->at[i];
	}
	to->n = kept;
}

/* The largest working set: far beyond the caches; a quick plan cannot fill that much where they are very
 * large. */
static double largest_set(const struct suite_machine *m)
{
	const double enough = fmax(8 * (double)m->info.cache_B, 256.0 * MIB);

	return fmin(m->quick ? fmin(enough, 1024.0 * MIB) : enough, (double)m->info.ram_B / 8);
}

static void cases_stream(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	const double arrays = r->kind == SAMPLE_TRIAD ? 3 : r->kind == SAMPLE_COPY ? 2 : 1;
	const double most = largest_set(m);

	for (double bytes = 32 << 10; bytes < 1.9 * most; bytes *= m->quick ? 4 : 2) {
		const double set = fmin(bytes, most), floats = floor(set / 4 / arrays / 16) * 16;

		add(m, r, to, (struct bench_case){.dtype = SAMPLE_F32, .bytes = floats * 4 * arrays});
	}
}

static struct bench_case product(enum sample_dtype dtype, int64_t m, int64_t n, int64_t k)
{
	const double width = dtype_B[dtype], rows = (double)m;

	return (struct bench_case){.dtype = dtype,
				   .m = m,
				   .n = n,
				   .k = k,
				   .bytes = width *
					    ((double)n * (double)k + rows * (double)k + rows * (double)n),
				   .flop = 2 * rows * (double)n * (double)k,
				   .cold = true};
}

static const enum sample_dtype floats[] = {SAMPLE_F16, SAMPLE_F32, SAMPLE_BF16};

static void cases_gemm(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	for (int64_t n = 512; n <= 8192; n *= 2)
		for (size_t t = 0; t < ARRAY_LEN(floats); t++)
			add(m, r, to, product(floats[t], n, n, n));
	fit(m, r, to);
}

/* Rows by weights as language models have them: a full grid, so that it can be interpolated; too slow a
 * machine gets a smaller one. The steps of common runtimes (8 rows, 16, 32) lie on points. */
static void cases_llm(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	static const int64_t weights[][2] = {{512, 512},   {1024, 1024},  {4096, 1024},
					     {4096, 4096}, {14336, 4096}, {28672, 8192}};
	static const int64_t quick_rows[] = {1, 2, 4, 8, 16, 64, 256, 512, 2048, 4096};
	static const int64_t full_rows[] = {1, 2, 4, 8, 12, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
	const int64_t *rows = m->quick ? quick_rows : full_rows;
	size_t rows_n = m->quick ? ARRAY_LEN(quick_rows) : ARRAY_LEN(full_rows),
	       weights_n = ARRAY_LEN(weights);

	for (;;) {
		double sum = 0;

		to->n = 0;
		for (size_t i = 0; i < weights_n * rows_n;
		     i++) { /* the arithmetic that inference uses first */
			const int64_t *w = weights[i / rows_n];
			const size_t before = to->n;

			for (size_t t = 0; t < ARRAY_LEN(floats) && to->n == before; t++)
				add(m, r, to, product(floats[t], rows[i % rows_n], w[0], w[1]));
		}
		for (size_t i = 0; i < to->n; i++)
			sum += suite_case_s(m, r, &to->at[i]);
		if (sum <= suite_row_s(m, r) || (rows_n <= 4 && weights_n <= 2))
			return;
		if (weights_n > (rows[rows_n - 1] > 512 ? 4 : 3))
			weights_n--;
		else
			rows_n--;
	}
}

static void cases_gemv(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	/* wide and narrow ones: a kernel's rate hangs on how many outputs there are, and how long each sum is */
	static const int64_t weights[][2] = {{512, 512},    {1024, 1024}, {4096, 1024}, {4096, 4096},
					     {1024, 4096},  {2048, 8192}, {8192, 2048}, {14336, 4096},
					     {4096, 14336}, {32000, 2048}};
	static const enum sample_dtype formats[] = {SAMPLE_F16, SAMPLE_F32, SAMPLE_Q8, SAMPLE_Q4};
	const size_t weights_n = m->quick ? 4 : ARRAY_LEN(weights);

	for (size_t i = 0; i < weights_n; i++)
		for (size_t t = 0; t < ARRAY_LEN(formats); t++)
			for (int64_t rows = 1; rows <= (i == 3 ? 8 : 1); rows *= m->quick ? 8 : 2) {
				struct bench_case c = product(formats[t], rows, weights[i][0], weights[i][1]);

				c.bytes = dtype_B[c.dtype] * (double)(c.n * c.k);
				add(m, r, to, c);
			}
}

/* Many rows through quantised weights, and rows between few and many, where runtimes change kernels. */
static void cases_blocks(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	static const int64_t weights[][2] = {{1024, 1024}, {4096, 4096}, {14336, 4096}},
			     rows[] = {12, 16, 32, 64, 128, 512};
	static const enum sample_dtype formats[] = {SAMPLE_Q8, SAMPLE_Q4};

	for (size_t w = 0; w < ARRAY_LEN(weights) - m->quick; w++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i += m->quick ? 4 : 1) /* 12 and 128 */
			for (size_t t = 0; t < ARRAY_LEN(formats); t++)
				add(m, r, to, product(formats[t], rows[i], weights[w][0], weights[w][1]));
	fit(m, r, to);
}

struct head_shape {
	int64_t heads, kv_heads, dim;
};
static const struct head_shape common_heads = {32, 8, 128}; /* Llama 3 8B, Mistral 7B */

static struct bench_case attention(enum sample_dtype dtype, const struct head_shape *h, int64_t queries,
				   int64_t context)
{
	const double q = (double)queries, all = (double)context;

	return (struct bench_case){.dtype = dtype,
				   .m = queries,
				   .n = context,
				   .heads = h->heads,
				   .kv_heads = h->kv_heads,
				   .head_dim = h->dim,
				   .bytes = dtype_B[dtype] * 2 * (double)(h->kv_heads * h->dim) * all,
				   .flop = 4.0 * (double)(h->heads * h->dim) *
					   (q * (all - q) + q * (q + 1) / 2),
				   .cold = true};
}

/* f16 where there is such arithmetic, else f32. */
static void add_heads(const struct suite_machine *m, const struct suite_row *r, suite_cases *to,
		      const struct head_shape *h, int64_t queries, int64_t context)
{
	const size_t before = to->n;

	for (size_t t = 0; t < ARRAY_LEN(floats) && to->n == before; t++)
		add(m, r, to, attention(floats[t], h, queries, context));
}

static void add_attention(const struct suite_machine *m, const struct suite_row *r, suite_cases *to,
			  int64_t queries, int64_t context)
{
	add_heads(m, r, to, &common_heads, queries, context);
}

/* Heads of 64 run in a kernel of their own. */
static const struct head_shape narrow_heads = {32, 8, 64};

static void cases_prefill(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	static const int64_t whole[] = {32, 64, 128, 256, 512, 1024};

	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		add_attention(m, r, to, whole[i], whole[i]);
	add_attention(m, r, to, 512, 1024); /* chunks: a cache before the queries */
	add_attention(m, r, to, 512, 2048);
	add_attention(m, r, to, 2048, 2048);
	add_attention(m, r, to, 512, 4096);
	add_heads(m, r, to, &narrow_heads, 512, 512);
	add_heads(m, r, to, &narrow_heads, 512, 4096);
	add_attention(m, r, to, 4096, 4096);
	add_attention(m, r, to, 512, 16384);
	add_attention(m, r, to, 8192, 8192);
	fit(m, r, to);
}

static void cases_decode(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	for (int64_t n = 128; n <= 32768; n *= m->quick ? 4 : 2)
		add_attention(m, r, to, 1, n);
	fit(m, r, to);
}

/* From one query head for each key and value head (Llama 2 7B, GPT-2) to eight (Qwen3 MoE, Llama 3 70B), heads of 64 and
 * 128, few of them and many: what the rate of one query hangs on besides the depth. */
static void cases_heads(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	static const struct head_shape shapes[] = {{32, 32, 128}, {12, 12, 64}, {16, 8, 128}, {32, 8, 64},
						   {32, 4, 128},  {64, 8, 128}, {8, 1, 128}};

	for (int64_t n = 1024; n <= 16384; n *= m->quick ? 16 : 4)
		for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
			add_heads(m, r, to, &shapes[i], 1, n);
	fit(m, r, to);
}

static void cases_elementwise(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	for (int64_t rows = 1; rows <= 4096; rows *= m->quick ? 8 : 4)
		add(m, r, to,
		    (struct bench_case){.dtype = SAMPLE_F32,
					.m = rows,
					.n = 4096,
					.bytes = 8.0 * 4096 * (double)rows,
					.cold = true});
	fit(m, r, to);
}

/* Tokens that meet so many experts, each a matrix n wide. */
static struct bench_case experts(enum sample_dtype dtype, const int64_t tokens[2], int64_t n)
{
	struct bench_case c = product(dtype, tokens[0], n, tokens[1]);

	c.bytes = dtype_B[c.dtype] * (double)c.k * (double)n * (double)n;
	c.flop = 2 * (double)c.m * (double)n * (double)n;
	return c;
}

/* In blocks, whose kernels for one row and for many are told by nothing else, of two widths, with 1 to 512 tokens that go to
 * eight experts each: kernels are chosen by the tokens, and 32 experts get four times as many of them as 128. Of 1 to 64 tokens
 * that choose among 128 so many rows meet so many experts in the mean; above eight tokens llama.cpp takes another kernel. */
static void cases_moe(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	static const int64_t tokens[][2] = {{1, 1}, {8, 8}, {64, 8}, {64, 32}, {512, 32}},
			     in_blocks[][2] = {{8, 8}, {64, 32}, {128, 32}, {512, 32}, {2048, 32}},
			     among_many[][2] = {{32, 29},   {64, 52},   {72, 56},    {128, 82},
						{256, 112}, {512, 126}, {1024, 128}, {4096, 128}};
	static const enum sample_dtype formats[] = {SAMPLE_Q8, SAMPLE_Q4};
	const int64_t widest = m->quick ? 1024 : 2048;

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
		for (size_t t = 0; t < 2; t++)
			add(m, r, to, experts(floats[t], tokens[i], widest));
	for (int64_t n = widest / 2; n <= widest; n *= 2)
		for (size_t i = 0; i < ARRAY_LEN(in_blocks) - m->quick; i++)
			for (size_t t = 0; t < ARRAY_LEN(formats); t++)
				add(m, r, to, experts(formats[t], in_blocks[i], n));
	for (size_t i = 0; i < ARRAY_LEN(among_many) && !m->quick; i++) {
		if (among_many[i][0] <= 1024)
			add(m, r, to, experts(SAMPLE_F16, among_many[i], widest / 2));
		for (size_t t = 0; t < ARRAY_LEN(formats); t++)
			add(m, r, to, experts(formats[t], among_many[i], widest / 2));
	}
	fit(m, r, to);
}

/* A layer of one token, in so many kernels. */
static struct bench_case layer(enum sample_dtype dtype, const struct head_shape *h, const int64_t widths[2],
			       int64_t kernels)
{
	const double n = (double)widths[0], k = (double)widths[1], keys = (double)(h->kv_heads * h->dim),
		     queries = (double)(h->heads * h->dim), weights = k * (3 * n + 2 * keys + 2 * queries);

	return (struct bench_case){.dtype = dtype,
				   .m = kernels,
				   .n = widths[0],
				   .k = widths[1],
				   .heads = h->heads,
				   .kv_heads = h->kv_heads,
				   .head_dim = h->dim,
				   .bytes = dtype_B[dtype] * weights +
					    dtype_B[SAMPLE_F16] * 2 * keys * LAYER_CONTEXT,
				   .flop = 2 * weights + 4 * queries * LAYER_CONTEXT,
				   .cold = true};
}

/* Layers of Llama 3.2 1B and of Llama 3 8B, in formats whose kernels differ; with two kernels that do next to nothing, and with ten.
 * Both rows of a layer are neighbours: the same clocks. */
static void cases_layer(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	static const enum sample_dtype formats[] = {SAMPLE_Q8, SAMPLE_Q4, SAMPLE_F16};
	static const int64_t widths[][2] = {{8192, 2048}, {14336, 4096}};
	static const int64_t nothings[] = {2, 10};
	const struct head_shape *const heads[] = {&narrow_heads, &common_heads};
	struct suite_row apart = *r;

	apart.kind = SAMPLE_PARTS;
	for (size_t i = 0; i < ARRAY_LEN(widths) - m->quick; i++)
		for (size_t t = 0; t < ARRAY_LEN(formats) * ARRAY_LEN(nothings); t++) {
			const struct bench_case c =
				layer(formats[t / 2], heads[i], widths[i], LAYER_WORK + nothings[t % 2]);

			add(m, r, to, c);
			add(m, &apart, to, c);
		}
	fit(m, r, to);
	to->n -= to->n % 2; /* one of the two says nothing */
}

static void cases_adam(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	for (int64_t n = MIB; n <= 16 * MIB; n *= 4)
		add(m, r, to, (struct bench_case){.dtype = SAMPLE_F32, .n = n, .bytes = 28 * (double)n});
	fit(m, r, to);
}

static void cases_dispatch(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	for (int64_t n = 1; n <= 4096; n *= m->quick ? 16 : 4)
		for (int64_t dependent = 0; dependent < 2; dependent++)
			add(m, r, to, (struct bench_case){.dtype = SAMPLE_F32, .m = n, .k = dependent});
}

static void cases_submit(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	for (int64_t n = 1; n <= 64; n *= 8)
		add(m, r, to, (struct bench_case){.dtype = SAMPLE_F32, .m = n});
}

static void cases_host_copy(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	for (double bytes = 64 << 10; bytes <= 256.0 * MIB; bytes *= m->quick ? 16 : 4)
		for (int64_t back = 0; back < 2; back++)
			add(m, r, to, (struct bench_case){.dtype = SAMPLE_F32, .k = back, .bytes = bytes});
	fit(m, r, to);
}

static void cases_sustained(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	struct bench_case c = product(SAMPLE_F16, 2048, 2048, 2048);

	if (c.flop / m->flops > 0.25)
		c = product(SAMPLE_F16, 1024, 1024, 1024);
	for (size_t t = 0; t < ARRAY_LEN(floats) && !to->n; t++) {
		c.dtype = floats[t];
		c.bytes *= dtype_B[floats[t]] / 2;
		add(m, r, to, c);
	}
	if (to->n)
		to->n = 1;
}

/* The same with one thread: what a core can do. */
static void cases_core_read(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	const double most = largest_set(m);

	for (double bytes = 256 << 10; bytes <= most; bytes = bytes < 1 << 24 ? bytes * 64 : bytes + most)
		add(m, r, to, (struct bench_case){.dtype = SAMPLE_F32, .bytes = bytes, .threads = 1});
	add(m, r, to, (struct bench_case){.dtype = SAMPLE_F32, .bytes = most, .threads = 1});
}

static void cases_core_gemm(const struct suite_machine *m, const struct suite_row *r, suite_cases *to)
{
	for (int64_t n = 512; n <= 2048; n *= 2) {
		struct bench_case c = product(SAMPLE_F32, n, n, n);

		c.threads = 1;
		add(m, r, to, c);
	}
	fit(m, r, to);
}

/* name, what, shapes, unit, feeds, kind, min_s, quick_s, full_s, quick_n, full_n, cases. Times sum up to less
 * than 60 s and 6 minutes; the canaries take the rest. */
const struct suite_row suite_rows[] = {
	{"read", "a sum over an array", "32 KiB to 8 x the last-level cache", "byte/s", "runtimes.*.read",
	 SAMPLE_READ, 0.010, 2.5, 14, 9, 15, cases_stream},
	{"write", "a constant into an array", "likewise", "byte/s", "report", SAMPLE_WRITE, 0.010, 2, 10, 9,
	 15, cases_stream},
	{"copy", "y = a x: one array read, one written", "likewise, both together", "byte/s",
	 "runtimes.*.copy", SAMPLE_COPY, 0.010, 2.5, 14, 9, 15, cases_stream},
	{"triad", "y = x + a z: two read, one written", "likewise, all together", "byte/s", "report",
	 SAMPLE_TRIAD, 0.010, 2, 10, 9, 15, cases_stream},
	{"gemm", "square products, f16, f32, bf16", "512 to 8192, as time allows", "FLOP/s",
	 "peak_*, runtimes.*.gemm_*", SAMPLE_GEMM, 0.010, 6, 36, 9, 15, cases_gemm},
	{"gemm-llm", "products of a language model",
	 "1 to 4096 rows by 0.26 to 235 million weights, as time allows", "FLOP/s",
	 "runtimes.*.gemm_*.points", SAMPLE_GEMM, 0.010, 11, 69, 9, 15, cases_llm},
	{"gemv", "1 to 8 rows through f16, f32, 8-bit and 4-bit blocks", "0.26 to 59 million weights, cold",
	 "byte/s", "runtimes.*.gemv, few, dequant", SAMPLE_GEMV, 0.010, 6, 30, 9, 15, cases_gemv},
	{"gemm-blocks", "12 to 512 rows through 8-bit and 4-bit blocks", "1 to 59 million weights", "FLOP/s",
	 "runtimes.*.products, dequant", SAMPLE_GEMM, 0.010, 1, 20, 9, 15, cases_blocks},
	{"prefill", "causal attention, 32 heads over 8, of 128", "32 to 8192 queries, whole and in chunks",
	 "FLOP/s", "runtimes.*.attention.points", SAMPLE_PREFILL, 0.010, 6, 35, 9, 15, cases_prefill},
	{"decode", "one query over a cache, likewise", "128 to 32768 tokens, cold", "byte/s",
	 "runtimes.*.attention.decode", SAMPLE_DECODE, 0.010, 2.5, 15, 9, 15, cases_decode},
	{"decode-heads", "the same, 1 to 8 query heads for each key and value head, of 64 and 128",
	 "1024 to 16384 tokens, cold", "byte/s", "runtimes.*.attention.decode, decode_u", SAMPLE_DECODE,
	 0.010, 1.5, 14, 9, 15, cases_heads},
	{"elementwise", "one pass of a gain over rows of 4096", "1 to 4096 rows, cold", "byte/s",
	 "runtimes.*.copy", SAMPLE_ELEMENTWISE, 0.005, 1.5, 8, 9, 15, cases_elementwise},
	{"moe", "tokens gathered to experts, a product each, scattered",
	 "1 to 4096 rows, 1 to 128 experts hit", "byte/s", "runtimes.*.few.scattered, experts", SAMPLE_MOE,
	 0.010, 2, 24, 9, 15, cases_moe},
	{"layer", "kernels of a layer for one token, one behind another, and each among its like",
	 "layers 2048 and 4096 wide", "s", "runtimes.*.overhead.unlike", SAMPLE_LAYER, 0.010, 2, 11, 9, 15,
	 cases_layer},
	{"adam", "an update of weights and both moments", "1 to 16 million weights", "byte/s", "report",
	 SAMPLE_ADAM, 0.010, 2, 8, 9, 15, cases_adam},
	{"dispatch", "empty kernels in one submission, alone and each after the other", "1 to 4096", "s",
	 "runtimes.*.overhead.kernel", SAMPLE_DISPATCH, 0.005, 1, 5, 9, 15, cases_dispatch},
	{"submit", "submissions of one empty kernel, each waited for", "1 to 64", "s",
	 "runtimes.*.overhead.step", SAMPLE_SUBMIT, 0.005, 1, 3, 9, 15, cases_submit},
	{"host-copy", "host to device, and back", "64 KiB to 256 MiB", "byte/s",
	 "link send_copy, receive_copy", SAMPLE_HOST_COPY, 0.005, 1.5, 8, 9, 15, cases_host_copy},
	{"core-read", "the read row, by one core", "256 KiB and beyond the caches", "byte/s", "report",
	 SAMPLE_READ, 0.010, 1, 4, 9, 15, cases_core_read},
	{"core-gemm", "the gemm row, by one core", "512 to 2048", "FLOP/s", "report", SAMPLE_GEMM, 0.010, 2,
	 5, 9, 15, cases_core_gemm},
	{"sustained", "one product again and again, for throttling", "2048 cubed, or 1024", "FLOP/s",
	 "sustained", SAMPLE_SUSTAINED, 0.25, 3, 17, 12, 68, cases_sustained},
};
const size_t suite_rows_n = ARRAY_LEN(suite_rows);

void suite_list(struct str *out)
{
	for (size_t i = 0; i < suite_rows_n; i++) {
		const struct suite_row *r = &suite_rows[i];

		str_addf(out,
			 "%-12s %s\n%13s%s; %s; feeds %s; batches of %g ms, %d of them (%d with --quick)\n",
			 r->name, r->what, "", r->shapes, r->unit, r->feeds, r->min_s * 1e3, r->full_n,
			 r->quick_n);
	}
}

static const struct suite_row *find_row(const char *name)
{
	for (size_t i = 0; i < suite_rows_n; i++)
		if (!strcmp(suite_rows[i].name, name))
			return &suite_rows[i];
	return NULL;
}

int suite_check_only(struct arena *a, const struct suite_options *o, struct err *err)
{
	const char **names = arena_array(a, suite_rows_n, sizeof *names), *near;

	for (size_t i = 0; i < suite_rows_n; i++)
		names[i] = suite_rows[i].name;
	for (size_t i = 0; i < o->only_n; i++) {
		if (find_row(o->only[i]))
			continue;
		near = nearest_of(o->only[i], names, suite_rows_n);
		err_set(err, "the suite has no row '%.60s'", o->only[i]);
		return near ? err_hint(err, "did you mean '%s'?", near)
			    : err_hint(err, "'lemursim calibrate --list' names them");
	}
	return 0;
}

bool suite_wants(const struct suite_options *o, const struct suite_row *r)
{
	for (size_t i = 0; i < o->only_n; i++)
		if (!strcmp(o->only[i], r->name))
			return true;
	return !o->only_n;
}

void suite_only(struct arena *a, const char *text, struct suite_options *o)
{
	const char **names;

	if (!text || !strcmp(text, "all"))
		return;
	names = arena_array(a, strlen(text) + 1, sizeof *names);
	while (*text) {
		const size_t len = strcspn(text, ",");

		if (len)
			names[o->only_n++] = arena_strndup(a, text, len);
		text += len + (text[len] == ',');
	}
	o->only = names;
}

double suite_budgets(const struct suite_options *o, struct str *out)
{
	double sum = 0;

	for (size_t i = 0; i < suite_rows_n; i++) {
		const struct suite_row *r = &suite_rows[i];
		const double s = (o->share > 0 ? o->share : 1) * (o->quick ? r->quick_s : r->full_s);

		if (!suite_wants(o, r))
			continue;
		str_addf(out, "  %-12s %5.1f s  %s, feeds %s\n", r->name, s, r->what, r->feeds);
		sum += s;
	}
	return sum;
}

const char *suite_label(struct arena *a, const struct bench_case *c)
{
	const int64_t sizes[] = {c->m, c->n, c->k};
	struct str s = STR_INIT;
	bool shown = false;
	const char *text;

	str_addf(&s, "%s %s", sample_kind_names[c->kind], sample_dtype_names[c->dtype]);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (sizes[i]) {
			str_addf(&s, "%s %lld", shown ? " x" : "", (long long)sizes[i]);
			shown = true;
		}
	if (c->kind == SAMPLE_DECODE)
		str_addf(&s, ", %lld/%lld heads of %lld", (long long)c->heads, (long long)c->kv_heads,
			 (long long)c->head_dim);
	if (!c->m && !c->n) {
		str_add(&s, " ");
		units_format(&s, c->bytes, DIM_BYTES, 3);
	}
	if (c->path)
		str_addf(&s, ", %s", c->path);
	if (c->threads)
		str_addf(&s, ", %lld thread%s", (long long)c->threads, c->threads == 1 ? "" : "s");
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}
