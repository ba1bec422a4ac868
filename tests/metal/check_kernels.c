/*
 * check_kernels.c - every shipped kernel on small shapes, on the CPU through the shim, against plain C.
 *
 *	check_kernels DIR [LIBRARY]     DIR holds stream.so, gemm.so, ...; with LIBRARY: its cases, to the
 *first failure
 *
 * Each case in a process of its own, in four orders of the simdgroups; buffers end at a page that faults.
 *Prints what fails, and as its last line how many passed and failed. How the mutants are caught: they fail
 *here.
 */
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/metal/call.h"

static const double TIGHT = 4e-6, LOOSE = 2e-3; /* of the sum of |terms|; where a half stands in between */

/* ---- cases: m, n, k and what else the kernel has ---- */
struct test {
	const char *library;
	int (*run)(const struct test *t);
	enum dtype dtype;
	int m, n, k, extra;
};

static int test_stream(const struct test *t)
{
	const uint32_t n = (uint32_t)t->n, threads = 64, groups = (uint32_t)t->m;
	const struct {
		uint32_t n, stride, seed;
		float scale;
	} p = {n, threads * groups, 0x1234567u, 0.75f};
	struct call read = {0}, copy = {0}, write = {0}, triad = {0};
	uint32_t want = 0, got = 0;
	const uint32_t *words;

	give(&read, 0, random_new(F32, 4 * n));
	give(&read, 1, guarded_new(4 * groups * threads / SIMD));
	give_bytes(&read, 2, &p, sizeof p);
	if (go(&read, "stream_read", groups, 1, threads))
		return 1;
	words = (const uint32_t *)(const void *)read.mem[0].p;
	for (uint32_t i = 0; i < 4 * n; i++)
		want ^= words[i];
	for (uint32_t i = 0; i < groups * threads / SIMD; i++)
		got ^= ((const uint32_t *)(const void *)read.mem[1].p)[i];
	if (got != want)
		return say("stream_read: sum %08x, not %08x", got, want);
	give(&copy, 0, read.mem[0]);
	give(&copy, 1, guarded_new(16 * n));
	give_bytes(&copy, 2, &p, sizeof p);
	if (go(&copy, "stream_copy", groups, 1, threads))
		return 1;
	if (memcmp(copy.mem[0].p, copy.mem[1].p, 16 * n))
		return say("stream_copy: not a copy");
	give(&write, 0, guarded_new(16 * n));
	give_bytes(&write, 1, &p, sizeof p);
	if (go(&write, "stream_write", groups, 1, threads))
		return 1;
	words = (const uint32_t *)(const void *)write.mem[0].p;
	for (uint32_t i = 0; i < n; i++)
		if (words[4 * i] != (i ^ p.seed) || words[4 * i + 3] != p.seed)
			return say("stream_write: vector %u", i);
	give(&triad, 0, read.mem[0]);
	give(&triad, 1, random_new(F32, 4 * n));
	give(&triad, 2, guarded_new(16 * n));
	give_bytes(&triad, 3, &p, sizeof p);
	if (go(&triad, "stream_triad", groups, 1, threads))
		return 1;
	for (uint32_t i = 0; i < 4 * n; i++)
		if (differs("stream_triad", i, get(&triad.mem[2], F32, i),
			    get(&triad.mem[0], F32, i) + 0.75 * get(&triad.mem[1], F32, i), 1e-6))
			return 1;
	return 0;
}

static int test_launch(const struct test *t)
{
	struct call c = {0};

	give_bytes(&c, 0, (uint32_t[4]){0}, 16);
	for (int i = 0; i < t->n; i++)
		if (go(&c, "chain", 3, 1, 64) || go(&c, "empty", (uint32_t)t->m, 1, 32))
			return 1;
	if (*(uint32_t *)(void *)c.mem[0].p != (uint32_t)t->n)
		return say("chain: %u after %d dispatches", *(uint32_t *)(void *)c.mem[0].p, t->n);
	return 0;
}

/* C = A B^T; extra: height of the tile */
static int test_gemm(const struct test *t)
{
	const bool tensor = !strcmp(t->library, "tensor");
	const uint32_t m = (uint32_t)t->m, n = (uint32_t)t->n, k = (uint32_t)t->k, high = (uint32_t)t->extra;
	struct call c = {0};
	char name[64];

	snprintf(name, sizeof name, "gemm_%s%s_%d", tensor ? "tensor_" : "", dtype_names[t->dtype], t->extra);
	give(&c, 0, random_new(t->dtype, m * k));
	give(&c, 1, random_new(t->dtype, n * k));
	give(&c, 2, guarded_new(4 * m * n));
	give_bytes(&c, 3, (uint32_t[]){m, n, k}, 12);
	memset(c.mem[2].p, 0xff, c.mem[2].size);
	if (go(&c, name, (n + 63) / 64, (m + high - 1) / high, 128))
		return 1;
	for (uint32_t i = 0; i < m * n; i++) {
		double want = 0, size = 1e-6;

		for (uint32_t j = 0; j < k; j++) {
			const double term = (double)get(&c.mem[0], t->dtype, i / n * k + j) *
					    (double)get(&c.mem[1], t->dtype, i % n * k + j);

			want += term;
			size += fabs(term);
		}
		if (differs(name, i, get(&c.mem[2], F32, i), want, TIGHT * size))
			return 1;
	}
	return 0;
}

/* Quantised weights meet half. */
static enum dtype x_dtype(enum dtype weights)
{
	return weights <= BF16 ? weights : F16;
}

/* Row r of weights by row j of x. */
static double row_product(const struct call *c, enum dtype t, size_t r, size_t j, size_t k, double *size)
{
	double want = 0;

	*size = 1e-6;
	for (size_t i = 0; i < k; i++) {
		const double term = (double)get(&c->mem[0], t, r * k + i) *
				    (double)get(&c->mem[1], x_dtype(t), j * k + i);

		want += term;
		*size += fabs(term);
	}
	return want;
}

/* extra: rows of x the kernel was made for */
static int test_gemv(const struct test *t)
{
	const uint32_t m = (uint32_t)t->m, n = (uint32_t)t->n, k = (uint32_t)t->k;
	struct call c = {0};
	double want, size;
	char name[64];

	snprintf(name, sizeof name, "gemv_%s_%d", dtype_names[t->dtype], t->extra);
	give(&c, 0, random_new(t->dtype, n * k));
	give(&c, 1, random_new(x_dtype(t->dtype), m * k));
	give(&c, 2, guarded_new(4 * m * n));
	give_bytes(&c, 3, (uint32_t[]){m, n, k}, 12);
	memset(c.mem[2].p, 0xff, c.mem[2].size);
	if (go(&c, name, (n + 7) / 8, 1, 64))
		return 1;
	for (uint32_t i = 0; i < m * n; i++) {
		want = row_product(&c, t->dtype, i % n, i / n, k, &size);
		/* the offset of q4 is taken out after the sum: larger terms cancel */
		if (differs(name, i, get(&c.mem[2], F32, i), want, (t->dtype == Q4 ? 8 : 1) * TIGHT * size))
			return 1;
	}
	return 0;
}

/* extra: experts; token t goes to expert t mod extra, and some experts may get none */
static int test_moe(const struct test *t)
{
	const uint32_t m = (uint32_t)t->m, n = (uint32_t)t->n, k = (uint32_t)t->k,
		       experts = (uint32_t)t->extra;
	uint32_t first[65] = {0}, ids[256], used = 0;
	struct call c = {0};
	double want, size;
	char name[64];

	snprintf(name, sizeof name, "moe_%s", dtype_names[t->dtype]);
	for (uint32_t e = 0; e < experts; e++) {
		for (uint32_t i = e; i < m; i += experts)
			ids[used++] = i;
		first[e + 1] = used;
	}
	give(&c, 0, random_new(t->dtype, (size_t)experts * n * k));
	give(&c, 1, random_new(x_dtype(t->dtype), m * k));
	give(&c, 2, guarded_new(4 * m * n));
	give_bytes(&c, 3, (uint32_t[]){m, n, k}, 12);
	give_bytes(&c, 4, first, 4 * (experts + 1));
	give_bytes(&c, 5, ids, 4 * used);
	memset(c.mem[2].p, 0xff, c.mem[2].size);
	if (go(&c, name, (n + 7) / 8, experts, 64))
		return 1;
	for (uint32_t i = 0; i < m * n; i++) {
		want = row_product(&c, t->dtype, i / n % experts * n + i % n, i / n, k, &size);
		if (differs(name, i, get(&c.mem[2], F32, i), want, (t->dtype == Q4 ? 8 : 1) * TIGHT * size))
			return 1;
	}
	return 0;
}

struct attention {
	uint32_t m, n, heads, kv_heads, splits;
	float scale;
};

/* Row `query` of head `head`, element d of D. */
static double attend(const struct call *c, const struct attention *a, uint32_t D, uint32_t head,
		     uint32_t query, uint32_t d)
{
	const uint32_t kv = head / (a->heads / a->kv_heads), seen = a->n - a->m + query + 1;
	double score[2048], high = -1e300, sum = 0, out = 0;

	for (uint32_t t = 0; t < seen; t++) {
		score[t] = 0;
		for (uint32_t i = 0; i < D; i++)
			score[t] += (double)get(&c->mem[0], F16, (head * a->m + query) * D + i) *
				    (double)get(&c->mem[1], F16, (kv * a->n + t) * D + i) / sqrt(D);
		high = fmax(high, score[t]);
	}
	for (uint32_t t = 0; t < seen; t++) {
		sum += exp(score[t] - high);
		out += exp(score[t] - high) * (double)get(&c->mem[2], F16, (kv * a->n + t) * D + d);
	}
	return out / sum;
}

static struct call attention_call(const struct attention *a, uint32_t D, size_t out_B)
{
	struct call c = {0};

	give(&c, 0, random_new(F16, a->heads * a->m * D));
	give(&c, 1, random_new(F16, a->kv_heads * a->n * D));
	give(&c, 2, random_new(F16, a->kv_heads * a->n * D));
	give(&c, 3, guarded_new(out_B));
	give_bytes(&c, 4, a, sizeof *a);
	memset(c.mem[3].p, 0xff, c.mem[3].size);
	return c;
}

static int attention_check(const char *name, const struct call *c, const struct attention *a, uint32_t D,
			   const struct guarded *out)
{
	const uint32_t step = a->n > 100 ? 13 : 1; /* the reference is slow */

	for (uint32_t i = 0; i < a->heads * a->m * D; i += step)
		if (differs(name, i, get(out, F32, i), attend(c, a, D, i / D / a->m, i / D % a->m, i % D),
			    LOOSE))
			return 1;
	return 0;
}

/* k: head_dim; extra: query heads to a kv head */
static int test_prefill(const struct test *t)
{
	const uint32_t D = (uint32_t)t->k;
	const struct attention a = {(uint32_t)t->m,
				    (uint32_t)t->n,
				    2 * (uint32_t)t->extra,
				    2,
				    1,
				    (float)(1.4426950408889634 / sqrt(D))};
	struct call c = attention_call(&a, D, 4u * a.heads * a.m * D);
	char name[64];

	snprintf(name, sizeof name, "attention_prefill_%d", t->k);
	if (go(&c, name, (a.m + 31) / 32, a.heads, 128))
		return 1;
	return attention_check(name, &c, &a, D, &c.mem[3]);
}

/* m: splits */
static int test_decode(const struct test *t)
{
	const uint32_t D = (uint32_t)t->k, splits = (uint32_t)t->m;
	const struct attention a = {1, (uint32_t)t->n, 2 * (uint32_t)t->extra,
				    2, splits,         (float)(1.4426950408889634 / sqrt(D))};
	struct call c = attention_call(&a, D, 4u * a.heads * splits * (D + 2)), join = {0};
	char name[64];

	snprintf(name, sizeof name, "attention_decode_%d_%d", t->k, t->extra);
	if (go(&c, name, splits, a.kv_heads, 256))
		return 1;
	give(&join, 0, c.mem[3]);
	give(&join, 1, guarded_new(4 * a.heads * D));
	give_bytes(&join, 2, &a, sizeof a);
	snprintf(name, sizeof name, "attention_join_%d", t->k);
	if (go(&join, name, a.heads, 1, SIMD))
		return 1;
	return attention_check(name, &c, &a, D, &join.mem[1]);
}

static int test_pass(const struct test *t)
{
	const uint32_t m = (uint32_t)t->m, n = (uint32_t)t->n, total = m * n;
	const double step = t->dtype == F32   ? 1e-5
			    : t->dtype == F16 ? 2e-3
					      : 1.2e-2; /* the result is rounded */
	const struct {
		uint32_t m, n;
		float eps;
	} p = {m, n, 1e-5f};
	struct call norm = {0}, silu = {0};
	char name[64];

	give(&norm, 0, random_new(t->dtype, total));
	give(&norm, 1, random_new(t->dtype, n));
	give(&norm, 2, guarded_new(dtype_bytes(t->dtype, total)));
	give_bytes(&norm, 3, &p, sizeof p);
	snprintf(name, sizeof name, "rmsnorm_%s", dtype_names[t->dtype]);
	if (go(&norm, name, m, 1, (uint32_t)t->extra))
		return 1;
	for (uint32_t i = 0; i < total; i++) {
		double sum = 0;

		for (uint32_t j = 0; j < n; j++)
			sum += pow((double)get(&norm.mem[0], t->dtype, i / n * n + j), 2);
		if (differs(name, i, get(&norm.mem[2], t->dtype, i),
			    get(&norm.mem[0], t->dtype, i) / sqrt(sum / n + 1e-5) *
				    get(&norm.mem[1], t->dtype, i % n),
			    2 * step))
			return 1;
	}
	silu = norm;
	give(&silu, 1, random_new(t->dtype, total));
	give(&silu, 2, guarded_new(dtype_bytes(t->dtype, total)));
	snprintf(name, sizeof name, "silu_mul_%s", dtype_names[t->dtype]);
	if (go(&silu, name, (total + 63) / 64, 1, 64))
		return 1;
	for (uint32_t i = 0; i < total; i++) {
		const double x = get(&silu.mem[0], t->dtype, i);

		if (differs(name, i, get(&silu.mem[2], t->dtype, i),
			    x / (1 + exp(-x)) * get(&silu.mem[1], t->dtype, i), step))
			return 1;
	}
	return 0;
}

static int test_adam(const struct test *t)
{
	const size_t n = (size_t)t->n;
	const struct {
		uint32_t n;
		float rate, beta1, beta2, eps, scale1, scale2;
	} p = {(uint32_t)n, 0.01f, 0.9f, 0.999f, 1e-8f, 1.5f, 2.5f};
	struct call c = {0};
	struct guarded was[4];

	for (int i = 0; i < 4; i++) {
		was[i] = random_new(F32, n);
		for (size_t j = 0; i == 3 && j < n; j++)
			((float *)(void *)was[i].p)[j] = fabsf(((float *)(void *)was[i].p)[j]);
		give_bytes(&c, i, was[i].p, 4 * n);
	}
	give_bytes(&c, 4, &p, sizeof p);
	if (go(&c, "adam", ((uint32_t)n + 63) / 64, 1, 64))
		return 1;
	for (size_t i = 0; i < n; i++) {
		const double g = get(&was[1], F32, i), m = 0.9 * get(&was[2], F32, i) + 0.1 * g;
		const double v = 0.999 * get(&was[3], F32, i) + 0.001 * g * g;

		if (differs("adam", i, get(&c.mem[0], F32, i),
			    get(&was[0], F32, i) - 0.01 * m * 1.5 / (sqrt(v * 2.5) + 1e-8), 2e-5) ||
		    differs("adam", i, get(&c.mem[2], F32, i), m, 1e-6) ||
		    differs("adam", i, get(&c.mem[3], F32, i), v, 1e-6))
			return 1;
	}
	return 0;
}

static const struct test tests[] = {
	{"stream", test_stream, F32, 1, 1, 0, 0},
	{"stream", test_stream, F32, 3, 1001, 0, 0},
	{"stream", test_stream, F32, 2, 1024, 0, 0},
	{"launch", test_launch, F32, 1, 5, 0, 0},
	{"launch", test_launch, F32, 7, 3, 0, 0},
	{"gemm", test_gemm, F32, 70, 65, 50, 64},
	{"gemm", test_gemm, F32, 33, 66, 36, 32},
	{"gemm", test_gemm, F32, 1, 1, 1, 64},
	{"gemm", test_gemm, F16, 100, 129, 75, 64},
	{"gemm", test_gemm, F16, 64, 64, 32, 64},
	{"gemm", test_gemm, F16, 128, 64, 96, 64},
	{"gemm", test_gemm, F16, 9, 70, 68, 32},
	{"gemm", test_gemm, F16, 32, 128, 64, 32},
	{"gemm", test_gemm, BF16, 65, 40, 130, 64},
	{"gemm", test_gemm, BF16, 17, 72, 31, 32},
	{"tensor", test_gemm, F16, 100, 70, 96, 64},
	{"tensor", test_gemm, F16, 130, 65, 33, 128},
	{"tensor", test_gemm, F16, 64, 64, 16, 64},
	{"tensor", test_gemm, BF16, 1, 100, 48, 64},
	{"tensor", test_gemm, BF16, 129, 64, 20, 128},
	{"gemv", test_gemv, F32, 1, 37, 128, 1},
	{"gemv", test_gemv, F32, 3, 8, 96, 4},
	{"gemv", test_gemv, F16, 1, 37, 512, 1},
	{"gemv", test_gemv, F16, 2, 64, 96, 2},
	{"gemv", test_gemv, F16, 4, 9, 160, 4},
	{"gemv", test_gemv, F16, 7, 21, 64, 8},
	{"gemv", test_gemv, BF16, 1, 5, 256, 1},
	{"gemv", test_gemv, BF16, 8, 13, 32, 8},
	{"gemv", test_gemv, Q8, 1, 37, 512, 1},
	{"gemv", test_gemv, Q8, 2, 4, 32, 2},
	{"gemv", test_gemv, Q8, 3, 10, 1056, 4},
	{"gemv", test_gemv, Q8, 8, 16, 320, 8},
	{"gemv", test_gemv, Q4, 1, 37, 512, 1},
	{"gemv", test_gemv, Q4, 2, 3, 32, 2},
	{"gemv", test_gemv, Q4, 4, 11, 1056, 4},
	{"gemv", test_gemv, Q4, 5, 16, 288, 8},
	{"gemv", test_moe, F32, 3, 12, 64, 2},
	{"gemv", test_moe, F16, 11, 20, 96, 3},
	{"gemv", test_moe, BF16, 2, 9, 64, 4},
	{"gemv", test_moe, Q8, 9, 8, 128, 2},
	{"gemv", test_moe, Q4, 20, 13, 160, 4},
	{"attention", test_prefill, F16, 40, 40, 64, 1},
	{"attention", test_prefill, F16, 33, 70, 64, 2},
	{"attention", test_prefill, F16, 1, 5, 64, 4},
	{"attention", test_prefill, F16, 64, 64, 128, 1},
	{"attention", test_prefill, F16, 35, 101, 128, 2},
	{"attention", test_decode, F16, 1, 1, 64, 1},
	{"attention", test_decode, F16, 3, 200, 64, 2},
	{"attention", test_decode, F16, 7, 33, 64, 4},
	{"attention", test_decode, F16, 2, 77, 64, 8},
	{"attention", test_decode, F16, 1, 100, 128, 1},
	{"attention", test_decode, F16, 5, 7, 128, 2},
	{"attention", test_decode, F16, 4, 1000, 128, 4},
	{"attention", test_decode, F16, 3, 50, 128, 8},
	{"elementwise", test_pass, F32, 3, 100, 0, 64},
	{"elementwise", test_pass, F16, 5, 257, 0, 128},
	{"elementwise", test_pass, BF16, 2, 64, 0, 256},
	{"elementwise", test_adam, F32, 1, 1000, 0, 0},
};

static void on_fault(int sig)
{
	static const char text[] = "a kernel read or wrote outside its buffers";
	ssize_t n = write(STDOUT_FILENO, text, sizeof text - 1);

	(void)n;
	_exit(sig == SIGXCPU ? 3 : 2);
}

static void catch_faults(void)
{
	static char stack[1 << 16];
	struct sigaction act = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};

	sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	/* A mutant may loop for ever; its processor time is limited, which a busy machine does not shorten. */
	sigaction(SIGXCPU, &act, NULL);
	setrlimit(RLIMIT_CPU, &(struct rlimit){30, 40});
}

static int run_one(const struct test *t)
{
	char file[512];
	void *lib;

	catch_faults();
	snprintf(file, sizeof file, "%s/%s.so", dir, t->library);
	lib = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return printf("%s", dlerror()), 1;
	*(void **)&run_kernel = dlsym(lib, "msl_dispatch");
	*(void **)&run_error = dlsym(lib, "msl_error");
	if (t->run(t))
		return printf("%s", said), 1;
	return 0;
}

int main(int argc, char **argv)
{
	static const int orders[] = {MSL_FORWARD, MSL_REVERSE, MSL_TURNS, MSL_RANDOM + 5};
	int passed = 0, failed = 0;

	if (argc < 2)
		return fprintf(stderr, "usage: check_kernels DIR [LIBRARY]\n"), 2;
	dir = argv[1];
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		const struct test *t = &tests[i];

		for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
			int status = 1;

			if (argc > 2 && strcmp(argv[2], t->library))
				continue;
			order = orders[o];
			fflush(stdout);
			const pid_t child = fork();

			if (!child) {
				const int rc = run_one(t);

				fflush(stdout);
				_exit(rc);
			}
			waitpid(child, &status, 0);
			if (!status) {
				passed++;
				continue;
			}
			failed++;
			printf(" (%s: %s m %d n %d k %d extra %d, order %d, status %x)\n", t->library,
			       dtype_names[t->dtype], t->m, t->n, t->k, t->extra, order, (unsigned)status);
			if (argc > 2)
				return 1;
		}
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
