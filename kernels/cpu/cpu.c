/* cpu.c - the CPU as a backend of the suite: opening, preparing, running; see backend.h and cpu.h. */
#include "kernels/cpu/cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/cpu/blas.h"

static const struct cpu_kind *const kinds[SAMPLE_KIND_N] = {
	[SAMPLE_READ] = &cpu_read,
	[SAMPLE_WRITE] = &cpu_write,
	[SAMPLE_COPY] = &cpu_copy,
	[SAMPLE_TRIAD] = &cpu_triad,
	[SAMPLE_GEMM] = &cpu_gemm,
	[SAMPLE_GEMV] = &cpu_gemv,
	[SAMPLE_PREFILL] = &cpu_prefill,
	[SAMPLE_DECODE] = &cpu_decode,
	[SAMPLE_ELEMENTWISE] = &cpu_elementwise,
	[SAMPLE_MOE] = &cpu_moe,
	[SAMPLE_ADAM] = &cpu_adam,
	[SAMPLE_DISPATCH] = &cpu_dispatch,
	[SAMPLE_SUBMIT] = &cpu_submit,
	[SAMPLE_SUSTAINED] = &cpu_gemm,
};

int cpu_close(float got, const struct reference *want, const char *what, int64_t at, struct err *err)
{
	const double off = fabs((double)got - want->value), allowed = 1e-5 * want->size + 1e-9;

	if (off <= allowed) /* a NaN is not */
		return 0;
	return err_set(err, "a wrong result: %s %lld is %.9g, not %.9g", what, (long long)at, (double)got,
		       want->value);
}

static int no_data(struct cpu *cpu, struct err *err)
{
	(void)cpu;
	(void)err;
	return 0;
}

static void nothing(void *self, int part, int parts)
{
	(void)self;
	(void)part;
	(void)parts;
	__asm__ volatile("" ::: "memory");
}

/* A kernel too small to be divided runs in the calling thread; its cost is the cost of a dispatch on the CPU. */
static void dispatch_batch(struct cpu *cpu, int64_t reps)
{
	for (int64_t i = 0; i < reps * cpu->job.c.m; i++)
		pool_run_if(cpu->pool, 1, 1, nothing, cpu);
}

/* A submission wakes every thread and waits for all of them. */
static void submit_batch(struct cpu *cpu, int64_t reps)
{
	for (int64_t i = 0; i < reps * cpu->job.c.m; i++)
		pool_run(cpu->pool, nothing, cpu);
}

const struct cpu_kind cpu_dispatch = {NULL, no_data, dispatch_batch, NULL};
const struct cpu_kind cpu_submit = {NULL, no_data, submit_batch, NULL};

static void cpu_shut(void *self)
{
	struct cpu *cpu = self;

	if (!cpu)
		return;
	pool_free(cpu->pool);
	for (size_t i = 0; i < 6; i++)
		cpu_release((struct store *[]){&cpu->in, &cpu->out, &cpu->x, &cpu->y, &cpu->q8, &cpu->q4}[i]);
	VEC_FREE(&cpu->checked);
	free(cpu);
}

static int cpu_open(void **self, struct err *err)
{
	struct cpu *cpu = xcalloc(1, sizeof *cpu);

	if (machine_info(&cpu->info, err) == 0) {
		blas_open(&cpu->blas);
		cpu->threads = (int)cpu->info.cores;
		cpu->inner = inner_best();
		cpu->loops = blocks_best();
		cpu->pool = pool_new(cpu->threads, err);
	}
	if (!cpu->pool) {
		cpu_shut(cpu);
		return -1;
	}
	*self = cpu;
	return 0;
}

static int cpu_info(void *self, struct backend_info *info, struct err *err)
{
	struct cpu *cpu = self;

	if (machine_info(&cpu->info, err) != 0)
		return -1;
	*info = cpu->info;
	return 0;
}

static bool cpu_can(void *self, const struct bench_case *c)
{
	const struct cpu *cpu = self;
	const struct cpu_kind *kind = kinds[c->kind];

	if (!kind || c->threads > cpu->threads)
		return false;
	return kind->can ? kind->can(cpu, c) : c->dtype == SAMPLE_F32;
}

static bool same_case(const struct bench_case *a, const struct bench_case *b)
{
	return a->kind == b->kind && a->dtype == b->dtype && a->m == b->m && a->n == b->n && a->k == b->k &&
	       a->heads == b->heads && a->kv_heads == b->kv_heads && a->head_dim == b->head_dim &&
	       a->bytes == b->bytes && a->threads == b->threads;
}

/* Runs a case once and compares its result, the first time that its shape occurs. */
static int check_once(struct cpu *cpu, struct err *err)
{
	struct cpu_job *j = &cpu->job;

	for (size_t i = 0; i < cpu->checked.n; i++)
		if (same_case(&cpu->checked.at[i], &j->c))
			return 0;
	if (j->kind->check) {
		j->kind->batch(cpu, 1);
		if (j->kind->check(cpu, err) != 0)
			return -1;
	}
	VEC_ADD(&cpu->checked, j->c);
	return 0;
}

static void cpu_finish(void *self)
{
	struct cpu *cpu = self; /* the memory is kept for the next case */

	if (cpu)
		cpu->job = (struct cpu_job){0};
}

static int cpu_prepare(void *self, const struct bench_case *c, struct err *err)
{
	struct cpu *cpu = self;
	const int threads = c->threads ? (int)c->threads : cpu->threads;

	cpu->job = (struct cpu_job){.c = *c, .kind = kinds[c->kind], .copies = 1};
	if (!cpu_can(cpu, c)) {
		cpu_finish(cpu);
		return err_set(err, "the CPU backend cannot run this case");
	}
	pool_limit(cpu->pool, threads);
	if (cpu->job.kind->prepare(cpu, err) == 0 && check_once(cpu, err) == 0)
		return 0;
	cpu_finish(cpu);
	return -1;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int cpu_run(void *self, int64_t reps, double *seconds, struct err *err)
{
	struct cpu *cpu = self;
	double from;

	if (!cpu->job.kind)
		return err_set(err, "no case is prepared");
	from = now_s();
	cpu->job.kind->batch(cpu, reps);
	*seconds = now_s() - from;
	return 0;
}

static const char *const paths[] = {"cblas", NULL};

const struct backend backend_cpu = {.name = "cblas",
				    .device = "cpu",
				    .paths = paths,
				    .open = cpu_open,
				    .close = cpu_shut,
				    .info = cpu_info,
				    .can = cpu_can,
				    .prepare = cpu_prepare,
				    .run = cpu_run,
				    .finish = cpu_finish};
