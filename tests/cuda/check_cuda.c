/*
 * check_cuda.c - the CUDA backend against the fake CUDA (fake.h): every kind of case, every call made to fail, what the
 * device lacks, and the clock. The last line is "N passed, M failed"; the argument is the folder of the fake libraries.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/backend.h"
#include "tests/cuda/fake.h"

static struct fake_cuda *fake;
static fake_reset_fn *reset;
static char said[1200];

#define WANT(...)                                                                                            \
	do {                                                                                                 \
		if (!(__VA_ARGS__)) {                                                                        \
			snprintf(said, sizeof said, "line %d: %s", __LINE__, #__VA_ARGS__);                  \
			return -1;                                                                           \
		}                                                                                            \
	} while (0)

static const struct backend *const b = &backend_cuda;

#define PRODUCT(type, rows, columns, depth)                                                                  \
	{                                                                                                    \
		.kind = SAMPLE_GEMM, .dtype = type, .m = rows, .n = columns, .k = depth                      \
	}
#define CONVERTED(type, rows, columns, depth)                                                                \
	{                                                                                                    \
		.kind = SAMPLE_GEMM, .dtype = type, .m = rows, .n = columns, .k = depth, .path = "converted" \
	}
#define ROWS(type, rows, columns, depth)                                                                     \
	{                                                                                                    \
		.kind = SAMPLE_GEMV, .dtype = type, .m = rows, .n = columns, .k = depth                      \
	}
#define EXPERTS(type, tokens, width, experts)                                                                \
	{                                                                                                    \
		.kind = SAMPLE_MOE, .dtype = type, .m = tokens, .n = width, .k = experts                     \
	}
#define ATTENTION(which, queries, keys, q_heads, groups, dim)                                                \
	{                                                                                                    \
		.kind = which, .dtype = SAMPLE_F16, .m = queries, .n = keys, .heads = q_heads,               \
		.kv_heads = groups, .head_dim = dim                                                          \
	}
#define LAYER(which, type, wide, width, q_heads, groups, dim)                                                \
	{                                                                                                    \
		.kind = which, .dtype = type, .m = 12, .n = wide, .k = width, .heads = q_heads,              \
		.kv_heads = groups, .head_dim = dim, .cold = true                                            \
	}

/* Odd sizes too: ends of tiles, rows that are no multiple of a block's, one key more than a step has. */
static const struct bench_case good[] = {
	{.kind = SAMPLE_READ, .bytes = 32 << 10},
	{.kind = SAMPLE_READ, .bytes = 1000016},
	{.kind = SAMPLE_WRITE, .bytes = 70000},
	{.kind = SAMPLE_COPY, .bytes = 131072},
	{.kind = SAMPLE_TRIAD, .bytes = 98304},
	PRODUCT(SAMPLE_F32, 5, 7, 33),
	PRODUCT(SAMPLE_F16, 17, 33, 64),
	PRODUCT(SAMPLE_BF16, 8, 64, 96),
	CONVERTED(SAMPLE_F16, 17, 33, 64),
	CONVERTED(SAMPLE_F16, 40, 70, 129),
	CONVERTED(SAMPLE_F16, 2, 33, 96), /* by our own kernel for few rows */
	CONVERTED(SAMPLE_F16, 16, 64, 2080),
	{.kind = SAMPLE_SUSTAINED, .dtype = SAMPLE_F16, .m = 32, .n = 32, .k = 32},
	ROWS(SAMPLE_F32, 1, 101, 256),
	ROWS(SAMPLE_F16, 1, 64, 4096),
	ROWS(SAMPLE_F16, 2, 33, 1056),
	ROWS(SAMPLE_BF16, 3, 35, 512),
	ROWS(SAMPLE_Q8, 1, 66, 1056),
	ROWS(SAMPLE_Q8, 1, 65, 8224), /* four pieces ahead, and more */
	ROWS(SAMPLE_Q8, 1, 67, 992),  /* four short rows a block */
	ROWS(SAMPLE_Q4, 1, 66, 96),
	ROWS(SAMPLE_F16, 1, 33, 96),
	ROWS(SAMPLE_BF16, 1, 34, 3072),
	ROWS(SAMPLE_Q8, 5, 31, 2048),
	ROWS(SAMPLE_Q4, 1, 65, 4096),
	ROWS(SAMPLE_Q4, 2, 64, 544),
	ROWS(SAMPLE_Q4, 4, 30, 2080),
	ROWS(SAMPLE_Q4, 8, 33, 96),
	PRODUCT(SAMPLE_Q8, 9, 130, 96),
	PRODUCT(SAMPLE_Q4, 2, 40, 64),
	PRODUCT(SAMPLE_Q4, 20, 70, 288),
	PRODUCT(SAMPLE_Q8, 40, 131, 160),
	PRODUCT(SAMPLE_Q4, 131, 260, 160),
	EXPERTS(SAMPLE_Q8, 9, 160, 2),
	EXPERTS(SAMPLE_Q8, 21, 160, 2), /* of 11, 24, 51 and 70 tokens: every tile */
	EXPERTS(SAMPLE_Q4, 70, 96, 3),
	EXPERTS(SAMPLE_Q4, 101, 160, 2),
	EXPERTS(SAMPLE_Q8, 139, 64, 2),
	EXPERTS(SAMPLE_F32, 1, 32, 1),
	EXPERTS(SAMPLE_F16, 11, 96, 2),
	EXPERTS(SAMPLE_F16, 37, 320, 2),
	EXPERTS(SAMPLE_F16, 1, 64, 1),
	EXPERTS(SAMPLE_BF16, 7, 32, 3),
	EXPERTS(SAMPLE_Q8, 9, 64, 4),
	EXPERTS(SAMPLE_Q4, 6, 64, 5),
	ATTENTION(SAMPLE_PREFILL, 1, 1, 2, 1, 64),
	ATTENTION(SAMPLE_PREFILL, 65, 65, 4, 2, 128),
	ATTENTION(SAMPLE_PREFILL, 33, 160, 2, 2, 64),
	ATTENTION(SAMPLE_PREFILL, 70, 197, 2, 1, 128),
	ATTENTION(SAMPLE_DECODE, 1, 1, 1, 1, 64),
	ATTENTION(SAMPLE_DECODE, 1, 129, 4, 2, 64),
	ATTENTION(SAMPLE_DECODE, 1, 700, 8, 2, 128),
	ATTENTION(SAMPLE_DECODE, 1, 331, 8, 1, 128),
	ATTENTION(SAMPLE_DECODE, 1, 65, 8, 1, 64),
	ATTENTION(SAMPLE_DECODE, 1, 97, 4, 1, 64),
	ATTENTION(SAMPLE_DECODE, 1, 258, 2, 1, 128),
	ATTENTION(SAMPLE_DECODE, 1, 64, 2, 2, 128),
	{.kind = SAMPLE_ELEMENTWISE, .dtype = SAMPLE_F32, .m = 3, .n = 4096},
	{.kind = SAMPLE_ELEMENTWISE, .dtype = SAMPLE_F16, .m = 2, .n = 100},
	{.kind = SAMPLE_ELEMENTWISE, .dtype = SAMPLE_BF16, .m = 1, .n = 257},
	{.kind = SAMPLE_ADAM, .bytes = 28 * 1000.0},
	{.kind = SAMPLE_DISPATCH, .m = 16, .k = 0},
	{.kind = SAMPLE_DISPATCH, .m = 16, .k = 1},
	{.kind = SAMPLE_SUBMIT, .m = 4},
	LAYER(SAMPLE_LAYER, SAMPLE_F16, 160, 64, 2, 1, 64),
	LAYER(SAMPLE_LAYER, SAMPLE_Q8, 96, 128, 4, 2, 64),
	LAYER(SAMPLE_PARTS, SAMPLE_Q4, 96, 1056, 2, 1, 128),
	{.kind = SAMPLE_LAYER,
	 .dtype = SAMPLE_Q8,
	 .m = 20,
	 .n = 96,
	 .k = 64,
	 .heads = 2,
	 .kv_heads = 1,
	 .head_dim = 64},
	{.kind = SAMPLE_HOST_COPY, .k = 0, .bytes = 65536},
	{.kind = SAMPLE_HOST_COPY, .k = 1, .bytes = 65536},
};

static const struct bench_case bad[] = {
	PRODUCT(SAMPLE_Q4, 64, 64, 40),
	CONVERTED(SAMPLE_F16, 1, 64, 64),
	CONVERTED(SAMPLE_F16, 16, 64, 80),
	CONVERTED(SAMPLE_BF16, 32, 64, 64),
	CONVERTED(SAMPLE_Q8, 32, 64, 64),
	{.kind = SAMPLE_DISPATCH, .m = 16, .path = "converted"},
	{.kind = SAMPLE_LAYER,
	 .dtype = SAMPLE_F16,
	 .m = 21,
	 .n = 96,
	 .k = 64,
	 .heads = 2,
	 .kv_heads = 1,
	 .head_dim = 64},
	LAYER(SAMPLE_LAYER, SAMPLE_Q8, 96, 100, 2, 1, 64),
	LAYER(SAMPLE_PARTS, SAMPLE_F16, 96, 64, 3, 2, 64),
	ROWS(SAMPLE_F16, 9, 64, 64),
	ROWS(SAMPLE_Q8, 1, 64, 40),
	EXPERTS(SAMPLE_F16, 2, 64, 3),
	ATTENTION(SAMPLE_PREFILL, 8, 8, 2, 1, 96),
	ATTENTION(SAMPLE_PREFILL, 9, 8, 2, 1, 64),
	ATTENTION(SAMPLE_DECODE, 1, 8, 3, 1, 64),
	{.kind = SAMPLE_READ, .bytes = 1e12},
	{.kind = SAMPLE_READ, .bytes = 65536, .threads = 1},
	{.kind = SAMPLE_LINK, .bytes = 64},
};

static const char *name_of(const struct bench_case *c)
{
	static char text[96];

	snprintf(text, sizeof text, "kind %d, type %d, %lld x %lld x %lld", (int)c->kind, (int)c->dtype,
		 (long long)c->m, (long long)c->n, (long long)c->k);
	return text;
}

/* Nothing is left, and nothing was misused. */
static int clean(void)
{
	if (fake->misuse[0]) {
		snprintf(said, sizeof said, "misuse: %s", fake->misuse);
		return -1;
	}
	if (fake->live || fake->bytes) {
		snprintf(said, sizeof said, "%ld objects left, %ld bytes", fake->live, fake->bytes);
		return -1;
	}
	return 0;
}

static int open_it(void **self)
{
	struct err err = ERR_INIT;

	if (b->open(self, &err) == 0)
		return 0;
	snprintf(said, sizeof said, "open: %s", err.msg);
	return -1;
}

/* Prepares and runs a case; the seconds must be those of the fake clock where events take them. */
static int run_case(void *self, const struct bench_case *c, int64_t reps)
{
	struct err err = ERR_INIT;
	double seconds = -1;
	int rc = b->can(self, c) ? b->prepare(self, c, &err) : err_set(&err, "refused");

	fake->skip = true; /* what prepare() proved is not executed 64 times again */
	if (rc == 0)
		rc = b->run(self, reps, &seconds, &err);
	b->finish(self);
	fake->skip = false;
	if (rc != 0)
		snprintf(said, sizeof said, "%s: %s", name_of(c), err.msg);
	else if (!(seconds > 0))
		rc = err_set(NULL, "no time");
	return rc;
}

static int test_every_case(void)
{
	for (int order = 0; order < 4; order++) {
		void *self;

		fake->order = order;
		if (open_it(&self) != 0)
			return -1;
		for (size_t i = 0; i < ARRAY_LEN(good); i++)
			if (run_case(self, &good[i], 1) != 0 || fake->misuse[0]) {
				if (fake->misuse[0])
					snprintf(said, sizeof said, "%s, order %d: %s", name_of(&good[i]),
						 order, fake->misuse);
				b->close(self);
				return -1;
			}
		b->close(self);
		if (clean() != 0)
			return -1;
	}
	return 0;
}

static int test_refused(void)
{
	void *self;
	struct err err = ERR_INIT;
	double seconds;

	if (open_it(&self) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err one = ERR_INIT;

		WANT(!b->can(self, &bad[i]));
		WANT(b->prepare(self, &bad[i], &one) == -1 && strstr(one.msg, "cannot be run"));
	}
	WANT(b->run(self, 1, &seconds, &err) == -1 && strstr(err.msg, "no case is prepared"));
	b->finish(self);
	b->finish(NULL);
	b->close(NULL);
	b->close(self);
	return clean();
}

static int test_facts(void)
{
	struct backend_info info;
	struct err err = ERR_INIT;
	void *self;

	fake->devices = 2;
	if (open_it(&self) != 0)
		return -1;
	WANT(b->info(self, &info, &err) == 0);
	WANT(!strcmp(info.chip, "Fake GPU") && info.cores == 2 && info.cache_B == 1 << 20);
	WANT(info.ram_B == (int64_t)4 << 30 && info.working_set_B < info.ram_B && info.working_set_B > 0);
	WANT(!strcmp(info.build, "CUDA 13.0, sm_90, NVRTC 13.0, cuBLAS 13.0.2"));
	WANT(strstr(info.note, "the first of 2 devices") && info.os[0]);
	b->close(self);
	return clean();
}

/* A known clock comes back: in graphs, one by one, and with a remainder. */
static int test_clock(void)
{
	static const struct bench_case c = {.kind = SAMPLE_WRITE, .bytes = 65536};
	struct err err = ERR_INIT;
	double seconds;
	void *self;

	for (int slow = 0; slow < 2; slow++) {
		reset();
		fake->kernel_s = slow ? 1e-3 : 2e-6;
		if (open_it(&self) != 0)
			return -1;
		WANT(b->prepare(self, &c, &err) == 0);
		WANT(fake->graphs == !slow);
		fake->skip = true;
		for (int64_t reps = 1; reps < 500; reps = 3 * reps + 1) {
			WANT(b->run(self, reps, &seconds, &err) == 0);
			WANT(fabs(seconds - (double)reps * fake->kernel_s) < 1e-4 * seconds);
		}
		b->close(self);
		if (clean() != 0)
			return -1;
	}
	return 0;
}

/* What a slow host takes to launch a short kernel is not its time: it is recorded as a graph all the same. */
static int test_slow_host(void)
{
	static const struct bench_case c = {.kind = SAMPLE_WRITE, .bytes = 65536};
	struct err err = ERR_INIT;
	void *self;

	fake->kernel_s = 2e-6;
	fake->host_s = 300e-6;
	if (open_it(&self) != 0)
		return -1;
	WANT(b->prepare(self, &c, &err) == 0);
	WANT(fake->graphs == 1);
	b->close(self);
	return clean();
}

/* A kernel is started while the one before it runs where the device, the driver and the compiler have that, and nowhere else. */
static int test_early_start(void)
{
	static const struct {
		int major, driver;
		bool no_arch, early;
	} on[] = {{9, 13000, false, true},
		  {9, 12020, false, false},
		  {8, 13000, false, false},
		  {9, 13000, true, false}};
	static const struct bench_case c = {
		.kind = SAMPLE_GEMV, .dtype = SAMPLE_Q8, .m = 1, .n = 64, .k = 1024};
	size_t seen = 0;

	for (size_t i = 0; i < ARRAY_LEN(on); i++, seen++) {
		struct err err = ERR_INIT;
		void *self;

		reset();
		fake->major = on[i].major;
		fake->driver = on[i].driver;
		fake->no_arch = on[i].no_arch;
		if (open_it(&self) != 0)
			return -1;
		WANT(b->prepare(self, &c, &err) == 0);
		WANT(fake->launches > 1 && fake->early == (on[i].early ? fake->launches : 0));
		b->close(self);
		if (clean() != 0)
			return -1;
	}
	WANT(seen == ARRAY_LEN(on));
	return 0;
}

/* Cold data: repetitions go through more memory than the cache has, in a graph too. */
static int test_rotation(void)
{
	static const struct bench_case c = {
		.kind = SAMPLE_GEMV, .dtype = SAMPLE_F16, .m = 1, .n = 64, .k = 4096, .cold = true};
	struct err err = ERR_INIT;
	void *self;

	if (open_it(&self) != 0)
		return -1;
	WANT(b->prepare(self, &c, &err) == 0);
	WANT(fake->peak_bytes > 128000000 && fake->launches >= 2 + 245);
	b->close(self);
	return clean();
}

static int test_dispatch(void)
{
	static const struct bench_case alone = {.kind = SAMPLE_DISPATCH, .m = 100, .k = 0},
				       chain = {.kind = SAMPLE_DISPATCH, .m = 100, .k = 1};
	struct err err = ERR_INIT;
	double seconds;
	void *self;

	if (open_it(&self) != 0)
		return -1;
	WANT(b->prepare(self, &alone, &err) == 0 && fake->graphs == 0);
	WANT(b->prepare(self, &chain, &err) == 0 && fake->graphs == 1);
	fake->launches = 0;
	WANT(b->run(self, 2, &seconds, &err) == 0 && fake->launches == 0 && fake->graph_launches == 2);
	b->close(self);
	return clean();
}

/* A layer's kernels come one behind another, as parts each behind its like: as often, but with fewer changes from one to the next. */
static int test_layer(void)
{
	static const struct bench_case of[] = {LAYER(SAMPLE_LAYER, SAMPLE_Q8, 96, 64, 2, 1, 64),
					       LAYER(SAMPLE_PARTS, SAMPLE_Q8, 96, 64, 2, 1, 64)};
	long launches[2], switches[2];
	void *self;

	if (open_it(&self) != 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		struct err err = ERR_INIT;

		fake->launches = fake->switches = 0;
		WANT(b->prepare(self, &of[i], &err) == 0);
		WANT(fake->graphs == i + 1);
		launches[i] = fake->launches;
		switches[i] = fake->switches;
	}
	WANT(launches[0] == launches[1]);
	/* rounding and product, attention and its join change in both; norms and kernels that do nothing change in one */
	WANT(switches[1] < switches[0] * 9 / 10);
	b->close(self);
	return clean();
}

static int test_wrong_results(void)
{
	size_t seen = 0;
	void *self;

	fake->spoil = true;
	if (open_it(&self) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err err = ERR_INIT;
		const bool launches_nothing = good[i].kind == SAMPLE_HOST_COPY;

		WANT((b->prepare(self, &good[i], &err) == 0) == launches_nothing);
		WANT(launches_nothing || strstr(err.msg, "wrong result") || strstr(err.msg, " ran "));
		b->finish(self);
		seen++;
	}
	b->close(self);
	WANT(seen == ARRAY_LEN(good));
	return clean();
}

/* A kernel that faults spoils its context: that case fails with the error's name, the next one runs in a new context. */
static int test_fault(void)
{
	static const struct bench_case faulty = ROWS(SAMPLE_Q4, 1, 64, 64), next = ROWS(SAMPLE_Q8, 1, 64, 64);
	struct err err = ERR_INIT;
	void *self;

	if (open_it(&self) != 0)
		return -1;
	fake->fail_kernel = "gemv_q4_short";
	WANT(b->prepare(self, &faulty, &err) == -1);
	WANT(strstr(err.msg, "CUDA_ERROR_ILLEGAL_ADDRESS (700)"));
	if (run_case(self, &next, 1) != 0)
		return -1;
	err = (struct err)ERR_INIT;
	WANT(b->prepare(self, &faulty, &err) == -1 && strstr(err.msg, "CUDA_ERROR_ILLEGAL_ADDRESS"));
	b->close(self);
	return clean();
}

static int test_compile(void)
{
	static const struct bench_case c = {.kind = SAMPLE_COPY, .bytes = 65536};
	struct err err = ERR_INIT;
	void *self;

	if (open_it(&self) != 0)
		return -1;
	fake->compile_log = "stream.cu(3): error: no such thing";
	WANT(b->prepare(self, &c, &err) == -1);
	WANT(strstr(err.msg, "stream.cu does not compile: stream.cu(3): error: no such thing"));
	fake->compile_log = NULL;
	fake->no_arch = true; /* the driver finishes it */
	if (run_case(self, &c, 1) != 0 || run_case(self, &c, 1) != 0)
		return -1;
	WANT(fake->compiled == 1);
	b->close(self);
	return clean();
}

static int test_old_devices(void)
{
	static const struct bench_case prefill = ATTENTION(SAMPLE_PREFILL, 8, 8, 1, 1, 64),
				       decode = ATTENTION(SAMPLE_DECODE, 1, 8, 1, 1, 64);
	struct backend_info info;
	struct err err = ERR_INIT;
	void *self;

	fake->major = 7;
	fake->minor = 5;
	if (open_it(&self) != 0)
		return -1;
	WANT(!b->can(self, &prefill) && b->can(self, &decode));
	WANT(b->info(self, &info, &err) == 0 && strstr(info.note, "capability 7.5, 8.0 is needed"));
	b->close(self);
	fake->major = 6;
	WANT(b->open(&self, &err) == -1 && strstr(err.msg, "capability 6.5, 7.0 is needed"));
	return clean();
}

static int test_absent(void)
{
	const char *folder = getenv("LEMURSIM_CUDA_LIBRARIES");
	struct err err = ERR_INIT, none = ERR_INIT;
	char kept[512];

	WANT(b->present(&err) == 0);
	fake->devices = 0;
	WANT(b->present(&none) == -1 && !strcmp(none.msg, "no CUDA device: the driver sees none"));
	snprintf(kept, sizeof kept, "%s", folder);
	setenv("LEMURSIM_CUDA_LIBRARIES", "/nonexistent", 1);
	none = (struct err)ERR_INIT;
	WANT(b->present(&none) == -1 && !strcmp(none.msg, "no CUDA device: libcuda.so.1 not found"));
	setenv("LEMURSIM_CUDA_LIBRARIES", kept, 1);
	return clean();
}

/* Folders with some of the libraries: made by run.sh. */
static int test_partly_there(void)
{
	static const struct bench_case product = PRODUCT(SAMPLE_F32, 8, 8, 8),
				       copy = {.kind = SAMPLE_COPY, .bytes = 65536};
	char kept[512], path[600];
	struct backend_info info;
	struct err err = ERR_INIT;
	void *self;

	snprintf(kept, sizeof kept, "%s", getenv("LEMURSIM_CUDA_LIBRARIES"));
	snprintf(path, sizeof path, "%s/no-blas", kept);
	setenv("LEMURSIM_CUDA_LIBRARIES", path, 1);
	if (open_it(&self) != 0)
		return -1;
	WANT(!b->can(self, &product) && run_case(self, &copy, 1) == 0);
	WANT(b->info(self, &info, &err) == 0 && strstr(info.note, "libcublas.so not found"));
	b->close(self);
	snprintf(path, sizeof path, "%s/no-compiler", kept);
	setenv("LEMURSIM_CUDA_LIBRARIES", path, 1);
	WANT(b->open(&self, &err) == -1 && strstr(err.msg, "libnvrtc.so not found") && err.hint[0]);
	snprintf(path, sizeof path, "%s/old-driver", kept);
	setenv("LEMURSIM_CUDA_LIBRARIES", path, 1);
	err = (struct err)ERR_INIT;
	WANT(b->present(&err) == -1 && strstr(err.msg, "has no function 'cuStreamBeginCapture_v2'"));
	setenv("LEMURSIM_CUDA_LIBRARIES", kept, 1);
	return clean();
}

static int test_memory(void)
{
	static const struct bench_case c = {.kind = SAMPLE_COPY, .bytes = 1 << 20};
	struct err err = ERR_INIT;
	void *self;

	if (open_it(&self) != 0)
		return -1;
	fake->memory = (size_t)fake->bytes + (600 << 10); /* another program took the rest */
	WANT(b->prepare(self, &c, &err) == -1);
	WANT(strstr(err.msg, "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory"));
	b->close(self);
	return clean();
}

/* ---- every call made to fail ---- */
static int walk(struct err *err)
{
	static const struct bench_case cases[] = {{.kind = SAMPLE_COPY, .bytes = 4096},
						  PRODUCT(SAMPLE_F16, 8, 8, 8),
						  {.kind = SAMPLE_ADAM, .bytes = 2800},
						  {.kind = SAMPLE_SUBMIT, .m = 2},
						  {.kind = SAMPLE_HOST_COPY, .k = 0, .bytes = 4096},
						  {.kind = SAMPLE_HOST_COPY, .k = 1, .bytes = 4096}};
	double seconds;
	void *self;
	int rc = b->open(&self, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(cases) && rc == 0; i++) {
		rc = b->prepare(self, &cases[i], err);
		fake->skip = true; /* what prepare() proved is not executed 64 times again */
		if (rc == 0)
			rc = b->run(self, 3, &seconds, err);
		b->finish(self);
		fake->skip = false;
	}
	if (rc != 0) { /* what comes after a failure works */
		struct err after = ERR_INIT;

		if (b->prepare(self, &cases[0], &after) != 0) {
			snprintf(said, sizeof said, "after %s: %s", err->msg, after.msg);
			rc = -2;
		}
		b->finish(self);
	}
	b->close(self);
	return rc;
}

static bool frees(const char *call)
{
	return strstr(call, "Destroy") || strstr(call, "Free") || strstr(call, "Unload");
}

static int fail_each(bool sticks)
{
	struct err err = ERR_INIT;
	long calls, lost = 0;

	WANT(walk(&err) == 0);
	calls = fake->calls;
	WANT(calls > 100 && clean() == 0);
	for (long i = 1 + sticks; i <= calls; i += getenv("LONG") ? 1 : 7) {
		int rc;

		reset();
		fake->fail_at = i;
		fake->fail_with = 719;
		fake->fail_sticks = sticks;
		err = (struct err)ERR_INIT;
		rc = walk(&err);
		if (rc == -2)
			return -1;
		if (clean() != 0) {
			char kept[512];

			snprintf(kept, sizeof kept, "%.500s", said);
			snprintf(said, sizeof said, "%s made to fail: %s", fake->failed_call, kept);
			return -1;
		}
		if (frees(fake->failed_call) && !sticks) {
			WANT(rc == 0); /* an error while freeing changes no time */
			continue;
		}
		if (rc == 0 && frees(fake->failed_call))
			continue;
		if (rc == 0 && !strcmp(fake->failed_call, "cuDriverGetVersion"))
			continue; /* the second time it is for a name only */
		if (rc != -1 || (!strstr(err.msg, "719") && !strstr(err.msg, "no log") &&
				 !strstr(err.msg, "does not compile"))) {
			snprintf(said, sizeof said, "call %ld, %s, was made to fail: %d, '%s'", i,
				 fake->failed_call, rc, err.msg);
			return -1;
		}
		lost++;
	}
	WANT(lost > (getenv("LONG") ? 60 : 8));
	return 0;
}

static int test_each_call_fails(void)
{
	return fail_each(false);
}

static int test_each_call_spoils(void)
{
	return fail_each(true);
}

static const struct {
	const char *name;
	int (*run)(void);
} tests[] = {{"every case, in four orders of the warps", test_every_case},
	     {"refused cases", test_refused},
	     {"facts", test_facts},
	     {"clock", test_clock},
	     {"a slow host", test_slow_host},
	     {"an early start", test_early_start},
	     {"rotation", test_rotation},
	     {"dispatch", test_dispatch},
	     {"layer", test_layer},
	     {"wrong results", test_wrong_results},
	     {"a kernel that faults", test_fault},
	     {"compilation", test_compile},
	     {"old devices", test_old_devices},
	     {"no device", test_absent},
	     {"libraries that are missing", test_partly_there},
	     {"out of memory", test_memory},
	     {"each call fails", test_each_call_fails},
	     {"each call fails for good", test_each_call_spoils}};

int main(int argc, char **argv)
{
	char path[600];
	int passed = 0, failed = 0;
	void *library;
	fake_cuda_fn *get;

	setenv("LEMURSIM_CUDA_LIBRARIES", argc > 1 ? argv[1] : ".", 1);
	snprintf(path, sizeof path, "%s/libcuda.so.1", getenv("LEMURSIM_CUDA_LIBRARIES"));
	library = dlopen(path, RTLD_NOW);
	if (!library) {
		printf("FAILED: %s\n0 passed, 1 failed\n", dlerror());
		return 1;
	}
	*(void **)&get = dlsym(library, "fake_cuda");
	*(void **)&reset = dlsym(library, "fake_reset");
	fake = get();
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		reset();
		if (argc > 2 && strcmp(argv[2], tests[i].name) != 0)
			continue;
		if (tests[i].run() == 0) {
			passed++;
			continue;
		}
		failed++;
		printf("FAILED: %s: %s\n", tests[i].name, said);
		fflush(stdout); /* before a sanitizer ends the program for what the test left */
	}
	printf("%d passed, %d failed\n", passed, failed);
	fflush(stdout);
	return failed != 0 || !passed;
}
