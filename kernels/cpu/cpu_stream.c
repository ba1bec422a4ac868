/* cpu_stream.c - streams over memory: read, write, copy, triad, elementwise, Adam; see cpu.h. */
#include <math.h>
#include <string.h>

#include "kernels/cpu/cpu.h"

/* Alone below this many bytes: waking another thread takes longer. */
enum { GRAIN_B = 64 << 10 };
static const float by = 0.75f;

/* Working-set kernels loop inside each thread, so that a set of a few KiB is not a measure of the pool. */
static struct span slice(const struct cpu_job *j, int64_t arrays, int part, int parts)
{
	return pool_span((int64_t)j->c.bytes / FLOAT_B / arrays, 16, part, parts);
}

/* Nothing that a loop did before may be left out, or done once for all repetitions. */
static void fence(void)
{
	__asm__ volatile("" ::: "memory");
}

static void read_part(void *self, int part, int parts)
{
	struct cpu *cpu = self;
	const struct span s = slice(&cpu->job, 1, part, parts);
	float sum = 0;

	for (int64_t r = 0; r < cpu->job.reps; r++) {
		sum += cpu->inner->read(cpu->job.in + s.from, (size_t)(s.to - s.from));
		fence();
	}
	if (sum == 1234.5f)
		cpu->sink = sum;
}

static void write_part(void *self, int part, int parts)
{
	const struct cpu *cpu = self;
	const struct span s = slice(&cpu->job, 1, part, parts);

	for (int64_t r = 0; r < cpu->job.reps; r++) {
		cpu->inner->write(cpu->job.out + s.from, (size_t)(s.to - s.from), by + (float)(r % 4));
		fence();
	}
}

static void copy_part(void *self, int part, int parts)
{
	const struct cpu *cpu = self;
	const struct span s = slice(&cpu->job, 2, part, parts);

	for (int64_t r = 0; r < cpu->job.reps; r++) {
		cpu->inner->scale(cpu->job.out + s.from, cpu->job.in + s.from, (size_t)(s.to - s.from), by);
		fence();
	}
}

static void triad_part(void *self, int part, int parts)
{
	const struct cpu *cpu = self;
	const struct span s = slice(&cpu->job, 3, part, parts);
	const int64_t n = (int64_t)cpu->job.c.bytes / FLOAT_B / 3;

	for (int64_t r = 0; r < cpu->job.reps; r++) {
		cpu->inner->triad(cpu->job.out + s.from, cpu->job.in + s.from, cpu->job.in + n + s.from,
				  (size_t)(s.to - s.from), by);
		fence();
	}
}

static int prepare_stream(struct cpu *cpu, struct err *err)
{
	struct cpu_job *j = &cpu->job;
	const size_t n = (size_t)j->c.bytes / FLOAT_B;

	if (cpu_fill(cpu, &cpu->in, CONTENT_RANDOM, n, err) != 0)
		return -1;
	if (j->c.kind != SAMPLE_READ && cpu_fill(cpu, &cpu->out, CONTENT_ANY, n, err) != 0)
		return -1;
	j->in = cpu->in.at;
	j->out = cpu->out.at;
	return 0;
}

static void batch_parts(struct cpu *cpu, pool_work *part, int64_t reps)
{
	cpu->job.reps = reps;
	pool_run(cpu->pool, part, cpu);
}

static void read_batch(struct cpu *cpu, int64_t reps)
{
	batch_parts(cpu, read_part, reps);
}

static void write_batch(struct cpu *cpu, int64_t reps)
{
	batch_parts(cpu, write_part, reps);
}

static void copy_batch(struct cpu *cpu, int64_t reps)
{
	batch_parts(cpu, copy_part, reps);
}

static void triad_batch(struct cpu *cpu, int64_t reps)
{
	batch_parts(cpu, triad_part, reps);
}

static int read_check(struct cpu *cpu, struct err *err)
{
	const size_t n = (size_t)cpu->job.c.bytes / FLOAT_B, some = n < 100000 ? n : 100000;
	struct reference want = {0};

	for (size_t i = 0; i < some; i++) {
		want.value += (double)cpu->job.in[i];
		want.size += fabs((double)cpu->job.in[i]);
	}
	return cpu_close(cpu->inner->read(cpu->job.in, some), &want, "a sum", 0, err);
}

/* Positions spread over the array, the ends among them. */
enum { SPOTS = 64 };
static size_t spot(size_t n, size_t i)
{
	return (size_t)((double)(n - 1) * (double)i / (SPOTS - 1));
}

static int stream_check(struct cpu *cpu, struct err *err)
{
	const struct cpu_job *j = &cpu->job;
	const size_t arrays = j->c.kind == SAMPLE_WRITE ? 1 : j->c.kind == SAMPLE_COPY ? 2 : 3;
	const size_t n = (size_t)j->c.bytes / FLOAT_B / arrays;

	for (size_t i = 0; i < SPOTS; i++) {
		const size_t at = spot(n, i);
		const double x = (double)j->in[at], z = arrays == 3 ? (double)j->in[n + at] : 0;
		const double want = arrays == 1   ? (double)by
				    : arrays == 2 ? x * (double)by
						  : x + z * (double)by;

		if (cpu_close(j->out[at], &(struct reference){want, fabs(x) + fabs(z) + 1}, "element",
			      (int64_t)at, err) != 0)
			return -1;
	}
	return 0;
}

/* One pass of a gain over m x n, as a runtime's kernel: split over the threads where it is worth it. */
static void elementwise_part(void *self, int part, int parts)
{
	const struct cpu *cpu = self;
	const struct cpu_job *j = &cpu->job;
	const struct span s = pool_span(j->c.m, 1, part, parts);
	const size_t from = j->turn * (size_t)(j->c.m * j->c.n);

	for (int64_t i = s.from; i < s.to; i++)
		cpu->inner->gain(j->out + from + i * j->c.n, j->in + from + i * j->c.n, j->x, (size_t)j->c.n);
}

static int elementwise_prepare(struct cpu *cpu, struct err *err)
{
	struct cpu_job *j = &cpu->job;
	const size_t n = (size_t)(j->c.m * j->c.n);

	j->copies = cpu_copies(cpu, j->c.bytes);
	if (cpu_fill(cpu, &cpu->in, CONTENT_RANDOM, n * j->copies, err) != 0 ||
	    cpu_fill(cpu, &cpu->out, CONTENT_ANY, n * j->copies, err) != 0 ||
	    cpu_fill(cpu, &cpu->x, CONTENT_RANDOM, (size_t)j->c.n, err) != 0)
		return -1;
	j->in = cpu->in.at;
	j->out = cpu->out.at;
	j->x = cpu->x.at;
	return 0;
}

static void elementwise_batch(struct cpu *cpu, int64_t reps)
{
	for (int64_t r = 0; r < reps; r++) {
		pool_run_if(cpu->pool, (int64_t)cpu->job.c.bytes, GRAIN_B, elementwise_part, cpu);
		cpu->job.turn = (cpu->job.turn + 1) % cpu->job.copies;
	}
}

static int elementwise_check(struct cpu *cpu, struct err *err)
{
	const struct cpu_job *j = &cpu->job;
	const size_t n = (size_t)(j->c.m * j->c.n);

	for (size_t i = 0; i < SPOTS; i++) {
		const size_t at = spot(n, i);
		const double x = (double)j->in[at], g = (double)j->x[at % (size_t)j->c.n];

		if (cpu_close(j->out[at], &(struct reference){x * g, fabs(x * g)}, "element", (int64_t)at,
			      err) != 0)
			return -1;
	}
	return 0;
}

/* Adam (Kingma & Ba, arXiv:1412.6980) over bytes / 28 weights: reads p, g, m, v and writes p, m, v. */
static int64_t adam_weights(const struct cpu_job *j)
{
	return (int64_t)j->c.bytes / (7 * FLOAT_B);
}

static struct adam adam_at(const struct cpu_job *j, int64_t at)
{
	const int64_t n = adam_weights(j);

	return (struct adam){
		j->out + at, j->out + n + at, j->out + 2 * n + at, j->in + at, 1e-3f, 0.9f, 0.999f, 1e-8f};
}

static void adam_part(void *self, int part, int parts)
{
	const struct cpu *cpu = self;
	const struct span s = pool_span(adam_weights(&cpu->job), 16, part, parts);
	const struct adam a = adam_at(&cpu->job, s.from);

	cpu->inner->adam(&a, (size_t)(s.to - s.from));
}

static int adam_prepare(struct cpu *cpu, struct err *err)
{
	struct cpu_job *j = &cpu->job;
	const size_t n = (size_t)adam_weights(j);

	if (cpu_fill(cpu, &cpu->in, CONTENT_RANDOM, n, err) != 0 ||
	    cpu_fill(cpu, &cpu->out, CONTENT_ANY, 3 * n, err) != 0)
		return -1;
	j->in = cpu->in.at;
	j->out = cpu->out.at;
	for (size_t i = 0; i < n; i++) { /* second moments are not negative */
		j->out[i] = j->in[i];
		j->out[n + i] = 0.5f * j->in[i];
		j->out[2 * n + i] = 0.25f * j->in[i] * j->in[i];
	}
	return 0;
}

static void adam_batch(struct cpu *cpu, int64_t reps)
{
	for (int64_t r = 0; r < reps; r++)
		pool_run_if(cpu->pool, (int64_t)cpu->job.c.bytes, GRAIN_B, adam_part, cpu);
}

static int adam_check(struct cpu *cpu, struct err *err)
{
	const struct cpu_job *j = &cpu->job;
	const size_t n = (size_t)adam_weights(j);

	for (size_t i = 0; i < SPOTS; i++) { /* after one step from what adam_prepare() wrote */
		const size_t at = spot(n, i);
		const double g = (double)j->in[at], m = 0.9 * 0.5 * g + 0.1 * g;
		const double v = 0.999 * 0.25 * g * g + 0.001 * g * g, p = g - 1e-3 * m / (sqrt(v) + 1e-8);

		if (cpu_close(j->out[at], &(struct reference){p, fabs(g) + 1e-3}, "weight", (int64_t)at,
			      err) != 0)
			return -1;
	}
	return 0;
}

const struct cpu_kind cpu_read = {NULL, prepare_stream, read_batch, read_check};
const struct cpu_kind cpu_write = {NULL, prepare_stream, write_batch, stream_check};
const struct cpu_kind cpu_copy = {NULL, prepare_stream, copy_batch, stream_check};
const struct cpu_kind cpu_triad = {NULL, prepare_stream, triad_batch, stream_check};
const struct cpu_kind cpu_elementwise = {NULL, elementwise_prepare, elementwise_batch, elementwise_check};
const struct cpu_kind cpu_adam = {NULL, adam_prepare, adam_batch, adam_check};
