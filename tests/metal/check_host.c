/*
 * check_host.c - backend_metal, unchanged, against the fake Metal: every kind of case on small shapes, every
 *way it may fail, and its arithmetic of time under a clock that is known.
 *
 *	check_host [NAME]
 *
 * Each test in a process of its own. Prints what fails, and as its last line how many passed and failed.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/backend.h"
#include "kernels/gpu/plan.h"
#include "tests/metal/cases.h"
#include "tests/metal/fake/fake.h"
#include "tests/metal/shim/dispatch.h"

extern const struct backend backend_metal;
void misuse_run(const char *name); /* misuse.m */

static const struct backend *const b = &backend_metal;
static char said[1024];

static int say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof said, fmt, ap);
	va_end(ap);
	return 1;
}

#define WANT(cond)                                                                                           \
	do {                                                                                                 \
		if (!(cond))                                                                                 \
			return say("line %d: %s", __LINE__, #cond);                                          \
	} while (0)

static bool is_tensor(const struct bench_case *c)
{
	return c->path && !strcmp(c->path, "tensor");
}

/* Prepares, runs a few repetitions in two orders of simdgroups, leaves nothing behind. */
static int good_case(const struct bench_case *c)
{
	struct err err = ERR_INIT;
	double seconds = 0;
	void *self = NULL;
	int before;

	fake.metal4 = is_tensor(c); /* else its probe would run for every case */
	if (b->open(&self, &err))
		return say("open: %s", err.msg);
	if (!b->can(self, c))
		return say("cannot");
	for (fake.order = MSL_FORWARD; fake.order <= MSL_TURNS; fake.order += MSL_TURNS) {
		if (b->prepare(self, c, &err))
			return say("prepare: %s", err.msg);
		before = fake.dispatches + fake.products;
		if (b->run(self, 3, &seconds, &err))
			return say("run: %s", err.msg);
		if (!(seconds > 0))
			return say("seconds: %g", seconds);
		if (c->kind != SAMPLE_HOST_COPY && fake.dispatches + fake.products - before < 3)
			return say("3 repetitions made %d dispatches",
				   fake.dispatches + fake.products - before);
		b->finish(self);
		b->finish(self); /* is safe twice */
		if (fake.allocated_B)
			return say("finish() left %zu bytes", fake.allocated_B);
	}
	b->close(self);
	if (fake.live)
		return say("%d objects were not released", fake.live);
	return 0;
}

static int bad_case(const struct bench_case *c)
{
	struct err err = ERR_INIT;
	void *self = NULL;

	fake.metal4 = false;
	if (b->open(&self, &err))
		return say("open: %s", err.msg);
	if (b->can(self, c))
		return say("a case that cannot be run is accepted");
	if (!b->prepare(self, c, &err) || !err.msg[0])
		return say("prepare() accepts it, or gives no reason");
	b->close(self);
	return 0;
}

/* Every kind again, but the result is spoiled: must be an error, not a number. */
static int wrong_case(const struct bench_case *c)
{
	struct err err = ERR_INIT;
	void *self = NULL;

	if (c->kind == SAMPLE_HOST_COPY || c->kind == SAMPLE_DISPATCH || c->kind == SAMPLE_SUBMIT)
		return 0;
	fake.metal4 = is_tensor(c);
	if (b->open(&self, &err))
		return say("open: %s", err.msg);
	fake.wrong = true;
	if (!b->prepare(self, c, &err))
		return say("a wrong result is accepted");
	if (!strstr(err.msg, "wrong result"))
		return say("'%s' does not say that the result is wrong", err.msg);
	b->close(self);
	return fake.live ? say("%d objects were not released", fake.live) : 0;
}

/* ---- ways to fail ---- */
static const struct bench_case small = CASE(GEMM, F16, .m = 64, .n = 64, .k = 64);

static int fails(const char *want)
{
	struct err err = ERR_INIT;
	void *self = NULL;
	double seconds;
	int rc;

	fake.metal4 = false; /* its probe also uses memory and command buffers */
	rc = b->open(&self, &err);
	if (!rc)
		rc = b->prepare(self, &small, &err);
	if (!rc)
		rc = b->run(self, 5000, &seconds, &err);
	if (!rc)
		return say("no error");
	if (!strstr(err.msg, want))
		return say("'%s' lacks '%s'", err.msg, want);
	b->finish(self);
	b->close(self);
	return fake.live ? say("%d objects were not released after '%s'", fake.live, err.msg) : 0;
}

static int test_no_device(void)
{
	fake.no_device = true;
	return fails("no Metal device");
}

static int test_no_queue(void)
{
	fake.no_queue = true;
	return fails("no command queue");
}

static int test_compile(void)
{
	fake.compile_fails = true;
	return fails(
		"gemm.metal does not compile: program_source:12:7: error: use of undeclared identifier 'x'");
}

static int test_missing(void)
{
	fake.missing_kernel = "gemm_f16_64";
	return fails("gemm.metal has no kernel 'gemm_f16_64'");
}

static int test_pipeline(void)
{
	fake.pipeline_fails = true;
	return fails("no pipeline for 'gemm_f16_64': too many registers");
}

static int test_memory(void)
{
	for (size_t at = 1; at <= 3; at++) {
		fake = fake_usual;
		fake.allocate_fail_at = at;
		if (fails("no memory for a buffer of 0.0 MB (working-set limit 12.9 GB)"))
			return 1;
	}
	return 0;
}

static int test_timeout(void)
{
	fake.fail_at = 4; /* prepare() uses two */
	fake.fail_code = 2;
	fake.idle = false;
	fake.alpha = 1e-3;
	fake.beta = 1;
	return fails("took too long and the watchdog stopped it: as the test ordered (code 2)");
}

static int test_gpu_memory(void)
{
	fake.fail_at = 1;
	fake.fail_code = 8;
	return fails("out of GPU memory");
}

static int test_revoked(void)
{
	fake.fail_at = 2;
	fake.fail_code = 4;
	return fails("closed to this program");
}

static int test_stamps(void)
{
	fake.no_stamps = true;
	return fails("no GPU time stamps");
}

static int test_environment(void)
{
	struct err err = ERR_INIT;
	void *self = NULL;

	setenv("MTL_DEBUG_LAYER", "1", 1);
	if (fails("MTL_DEBUG_LAYER is set"))
		return 1;
	setenv("MTL_DEBUG_LAYER", "0", 1);
	WANT(!b->open(&self, &err));
	b->close(self);
	return 0;
}

/* After a failure the next case must work. */
static int test_recovery(void)
{
	struct err err = ERR_INIT, again = ERR_INIT;
	void *self = NULL;
	double seconds;

	fake.metal4 = false;
	WANT(!b->open(&self, &err));
	WANT(b->run(self, 1, &seconds, &err) && strstr(err.msg, "no case is prepared"));
	err.msg[0] = '\0';
	fake.fail_at = 3;
	fake.fail_code = 2;
	WANT(!b->prepare(self, &small, &err));
	WANT(b->run(self, 1, &seconds, &err));
	b->finish(self);
	WANT(!b->prepare(self, &small, &again));
	WANT(!b->run(self, 1, &seconds, &again));
	WANT(!b->prepare(self, &good[0], &again)); /* without finish() between */
	WANT(!b->run(self, 1, &seconds, &again));
	b->close(self); /* nor here */
	WANT(fake.live == 0);
	b->close(NULL);
	b->finish(NULL);
	return 0;
}

/* Tensor operations: not before Metal 4, not where the library does not compile. */
static int tensor_absent(const char *why)
{
	static const struct bench_case c = CASE(GEMM, F16, .path = "tensor", .m = 64, .n = 64, .k = 64);
	struct backend_info info;
	struct err err = ERR_INIT;
	void *self = NULL;

	WANT(!b->open(&self, &err));
	WANT(!b->info(self, &info, &err));
	WANT(!strncmp(info.note, "no path 'tensor': ", 18));
	WANT(!b->can(self, &c));
	WANT(b->prepare(self, &c, &err));
	if (!strstr(err.msg, why))
		return say("'%s' lacks '%s'", err.msg, why);
	WANT(b->can(self, &small));
	err.msg[0] = '\0';
	if (b->prepare(self, &small, &err)) /* the others are not lost */
		return say("%s", err.msg);
	b->close(self);
	WANT(fake.live == 0);
	return 0;
}

static int test_no_tensor(void)
{
	fake.metal4 = false;
	return tensor_absent("no tensor operations: this system or GPU has no Metal 4");
}

static int test_old_tensor(void)
{
	fake.macos = 15;
	return tensor_absent("'metal_tensor' file not found");
}

/* macOS 14: neither residency sets nor math modes; the fake refuses both */
static int test_old_macos(void)
{
	fake.macos = 14;
	return good_case(&small);
}

static int test_info(void)
{
	struct backend_info info;
	struct err err = ERR_INIT;
	void *self = NULL;

	fake.chip = "Apple M4 Max";
	fake.cores = 32;
	fake.battery = true;
	WANT(!b->open(&self, &err));
	WANT(!b->info(self, &info, &err));
	WANT(!strcmp(info.chip, "Apple M4 Max") && !strcmp(info.os, "macOS 26.2") &&
	     !strcmp(info.build, "25A123"));
	WANT(info.cores == 32 && info.ram_B == 16LL << 30 && info.working_set_B == 12LL << 30);
	WANT(info.cache_B == 48 << 20 && info.on_battery && !info.low_power);
	WANT(!strcmp(info.power, "battery, nominal"));
	fake.battery = false;
	fake.low_power = true;
	WANT(!b->info(self, &info, &err) && info.low_power && !info.on_battery);
	WANT(!strcmp(info.power, "AC, nominal, low power"));
	b->close(self);
	fake.no_registry = true;
	fake.chip = NULL;
	WANT(!b->open(&self, &err) && !b->info(self, &info, &err));
	WANT(info.cores == 0 && !strcmp(info.chip, "Fake GPU"));
	b->close(self);
	WANT(fake.live == 0);
	return 0;
}

/* ---- time ---- */
static double timed(void *self, int64_t reps)
{
	struct err err = ERR_INIT;
	double seconds = NAN;

	if (b->run(self, reps, &seconds, &err))
		say("run: %s", err.msg);
	return seconds;
}

/* A run lasts the sum of its dispatches; gaps between command buffers do not count, whatever their number. */
static int test_clock(void)
{
	static const struct bench_case c = CASE(READ, F32, .bytes = 1 << 20);
	const int64_t reps[] = {1, 10, 100, 3000};
	struct err err = ERR_INIT;
	void *self = NULL;

	fake.alpha = 5e-6;
	fake.beta = 100e9;
	fake.bytes = 1 << 20;
	fake.gap = 1e-3;
	WANT(!b->open(&self, &err));
	WANT(!b->prepare(self, &c, &err));
	fake.idle = true;
	for (size_t i = 0; i < 4; i++) {
		const double want = (double)reps[i] * (5e-6 + (1 << 20) / 100e9), got = timed(self, reps[i]);

		if (fabs(got - want) > 1e-9 * want + 1e-12)
			return say("%lld repetitions: %.9g s, not %.9g", (long long)reps[i], got, want);
	}
	WANT(fake.in_flight_max == 2);
	b->close(self);
	return 0;
}

/* From times of several sizes, with noise, alpha and beta come back. */
static int test_fit(void)
{
	double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, slope, start;
	struct err err = ERR_INIT;
	void *self = NULL;

	fake.alpha = 4e-6;
	fake.beta = 120e9;
	fake.noise = 0.02;
	WANT(!b->open(&self, &err));
	for (double bytes = 1 << 16; bytes <= 1 << 24; bytes *= 2) {
		const struct bench_case c = CASE(READ, F32, .bytes = bytes);

		fake.bytes = bytes;
		fake.idle = false;
		WANT(!b->prepare(self, &c, &err));
		fake.idle = true;
		const double y = timed(self, 500) / 500, w = 1 / (y * y); /* relative errors are equal */

		sw += w;
		sx += w * bytes;
		sy += w * y;
		sxx += w * bytes * bytes;
		sxy += w * bytes * y;
		b->finish(self);
	}
	slope = (sw * sxy - sx * sy) / (sw * sxx - sx * sx);
	start = (sy - slope * sx) / sw;
	if (fabs(1 / slope / 120e9 - 1) > 0.01 || fabs(start / 4e-6 - 1) > 0.02)
		return say("alpha %.4g, beta %.4g", start, 1 / slope);
	b->close(self);
	return 0;
}

/* A command buffer lasts some 20 ms, so the watchdog sleeps; a slow kernel is alone in its own. */
static int test_batches(void)
{
	static const struct bench_case c = CASE(READ, F32, .bytes = 1 << 16);
	struct err err = ERR_INIT;
	void *self = NULL;
	int before;

	fake.alpha = 1e-3;
	fake.beta = 1e12;
	WANT(!b->open(&self, &err));
	WANT(!b->prepare(self, &c, &err));
	before = fake.command_buffers;
	timed(self, 100);
	WANT(fake.command_buffers - before >= 5 && fake.command_buffers - before <= 7);
	fake.alpha = 0.2;
	WANT(!b->prepare(self, &c, &err));
	before = fake.command_buffers;
	timed(self, 10);
	WANT(fake.command_buffers - before == 10);
	b->close(self);
	return 0;
}

/* Cold data rotate: each repetition another copy, four caches of them. Warm data do not. */
static int test_rotation(void)
{
	static const struct bench_case cold = CASE(GEMV, F16, .m = 1, .n = 4096, .k = 4096, .cold = true),
				       warmup = CASE(GEMV, F16, .m = 1, .n = 4096, .k = 4096);
	struct err err = ERR_INIT;
	void *self = NULL;

	WANT(!b->open(&self, &err));
	fake.idle = true; /* so nothing is computed: prepare() must complain */
	WANT(b->prepare(self, &cold, &err) && strstr(err.msg, "wrong result"));
	fake.idle = false;
	err.msg[0] = '\0';
	WANT(!b->prepare(self, &warmup, &err));
	WANT(fake.allocated_B < 34e6 && fake.allocated_B > 33e6);
	WANT(!b->prepare(self, &cold, &err));
	WANT(fake.allocated_B > 128e6 && fake.allocated_B < 170e6);
	b->close(self);
	return 0;
}

/* A plan keeps within what a command encoder takes. */
static int test_plans(void)
{
	static const struct plan_style style = {.backend = "metal",
						.own = "simdgroup",
						.library = "mps",
						.gemv_threads = 64,
						.gemv_rows = {8, 8, 8, 8},
						.moe_rows = 8,
						.pass_threads = 256,
						.prefill_threads = 128,
						.prefill_queries = 32,
						.decode_groups_core = 4};
	const struct plan_limits l = {.style = &style,
				      .cores = 10,
				      .rotate_B = 128e6,
				      .buffer_B = 8e9,
				      .everything = 11e9,
				      .tensor_f16 = true,
				      .tensor_bf16 = true};
	struct plan p;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		WANT(gpu_plan_make(&p, &good[i], &l));
		WANT(p.buffers_n >= 1 && p.buffers_n <= PLAN_BUFFERS && p.steps_n <= PLAN_STEPS);
		for (int part = 0; part < (p.parts_n ? p.parts_n : 1); part++)
			WANT(p.parts[part].params_B <= PLAN_PARAMS_B);
		for (int s = 0; s < p.steps_n; s++) {
			WANT(p.steps[s].threads % 32 == 0 && p.steps[s].threads <= 1024 &&
			     p.steps[s].groups[0] > 0);
			WANT(p.steps[s].kernel[0] &&
			     strlen(p.steps[s].kernel) < sizeof p.steps[s].kernel - 1);
		}
		for (int j = 0; j < p.buffers_n; j++)
			WANT(p.buffers[j].stride % 256 == 0 && p.buffers[j].stride >= p.buffers[j].bytes);
	}
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} tests[] = {
	{"no device", test_no_device},
	{"no queue", test_no_queue},
	{"compile error", test_compile},
	{"missing kernel", test_missing},
	{"no pipeline", test_pipeline},
	{"out of memory", test_memory},
	{"watchdog", test_timeout},
	{"out of GPU memory", test_gpu_memory},
	{"access revoked", test_revoked},
	{"no time stamps", test_stamps},
	{"debug layer", test_environment},
	{"recovery", test_recovery},
	{"no Metal 4", test_no_tensor},
	{"tensors on macOS 15", test_old_tensor},
	{"macOS 14", test_old_macos},
	{"info", test_info},
	{"clock", test_clock},
	{"fit", test_fit},
	{"batches", test_batches},
	{"rotation", test_rotation},
	{"plans", test_plans},
};

/* What the fake must refuse, or the tests above prove little. */
static const char *const misuses[] = {
	"second encoder",   "double commit",   "open encoder",     "wait uncommitted", "nil pipeline",
	"no pipeline",      "late dispatch",   "end twice",        "forgotten end",    "index 31",
	"large setBytes",   "offset past end", "2048 threads",     "empty grid",       "encode after commit",
	"no language",      "mps shape",       "mps short buffer", "read past buffer", "missing buffer",
	"short parameters",
};

static int passed, failed;

static void report(const char *group, const char *name, int at, int status, bool good_)
{
	if (good_) {
		passed++;
		return;
	}
	failed++;
	printf("%s %s %d: failed (status %x)\n", group, name, at, (unsigned)status);
	fflush(stdout);
}

static int in_child(int (*with_case)(const struct bench_case *), const struct bench_case *c, int (*run)(void))
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		int rc;

		alarm(1800); /* ends a deadlock, and says nothing of speed */
		fake = fake_usual;
		rc = with_case ? with_case(c) : run();
		if (rc)
			printf("%s\n", said);
		fflush(stdout);
		_exit(rc);
	}
	waitpid(child, &status, 0);
	return status;
}

static void run_misuse(int i)
{
	int status = -1, fd[2];
	char text[512] = "";
	ssize_t n;

	if (pipe(fd))
		return;
	const pid_t child = fork();

	if (!child) {
		dup2(fd[1], 2);
		fake = fake_usual;
		misuse_run(misuses[i]);
		_exit(0);
	}
	close(fd[1]);
	n = read(fd[0], text, sizeof text - 1);
	close(fd[0]);
	waitpid(child, &status, 0);
	report("misuse", misuses[i], i, status,
	       n > 0 && (strstr(text, "misuse of Metal") || strstr(text, "refused")) &&
		       !strstr(text, "unknown"));
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : NULL;
	const struct {
		const char *name;
		int (*run)(const struct bench_case *);
		const struct bench_case *cases;
		size_t n;
	} groups[] = {{"good", good_case, good, ARRAY_LEN(good)},
		      {"bad", bad_case, bad, ARRAY_LEN(bad)},
		      {"wrong", wrong_case, good, ARRAY_LEN(good)}};

	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		for (size_t i = 0; i < groups[g].n && (!only || !strcmp(only, groups[g].name)); i++) {
			const int status = in_child(groups[g].run, &groups[g].cases[i], NULL);

			report(groups[g].name, "case", (int)i, status, !status);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		if (only && strcmp(only, tests[i].name))
			continue;
		const int status = in_child(NULL, NULL, tests[i].run);

		report("test", tests[i].name, (int)i, status, !status);
	}
	for (size_t i = 0; i < ARRAY_LEN(misuses) && (!only || !strcmp(only, "misuse")); i++)
		run_misuse((int)i);
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
