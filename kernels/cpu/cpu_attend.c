/* cpu_attend.c - attention cases of the CPU backend; see cpu.h and attend.h. */
#include <math.h>

#include "kernels/cpu/attend.h"
#include "kernels/cpu/cpu.h"

static bool can(const struct cpu *cpu, const struct bench_case *c)
{
	(void)cpu;
	return c->dtype == SAMPLE_F32 && attend_can(c->heads, c->kv_heads, c->head_dim) && c->n >= c->m;
}

static size_t cache_floats(const struct bench_case *c)
{
	return (size_t)(2 * c->kv_heads * c->n * c->head_dim);
}

static struct kv_cache attend_of(const struct cpu_job *j, size_t copy)
{
	const float *keys = j->in + copy * cache_floats(&j->c);

	return (struct kv_cache){.heads = j->c.heads,
				 .kv_heads = j->c.kv_heads,
				 .head_dim = j->c.head_dim,
				 .keys = keys,
				 .values = keys + cache_floats(&j->c) / 2,
				 .stride = j->c.n};
}

static int prepare(struct cpu *cpu, struct err *err)
{
	struct cpu_job *j = &cpu->job;
	const size_t queries = (size_t)(j->c.m * j->c.heads * j->c.head_dim);

	j->copies = cpu_copies(cpu, (double)cache_floats(&j->c) * FLOAT_B);
	if (cpu_fill(cpu, &cpu->in, CONTENT_RANDOM, cache_floats(&j->c) * j->copies, err) != 0 ||
	    cpu_fill(cpu, &cpu->x, CONTENT_RANDOM, queries, err) != 0 ||
	    cpu_fill(cpu, &cpu->y, CONTENT_ANY, queries, err) != 0)
		return -1;
	j->in = cpu->in.at;
	j->x = cpu->x.at;
	j->y = cpu->y.at;
	return 0;
}

static void prefill_batch(struct cpu *cpu, int64_t reps)
{
	struct cpu_job *j = &cpu->job;

	for (int64_t r = 0; r < reps; r++) {
		const struct kv_cache a = attend_of(j, cpu_turn(j));

		attend_prefill(cpu->pool, &a, j->y, j->x, j->c.m, j->c.n);
	}
}

static void decode_batch(struct cpu *cpu, int64_t reps)
{
	struct cpu_job *j = &cpu->job;

	for (int64_t r = 0; r < reps; r++) {
		const struct kv_cache a = attend_of(j, cpu_turn(j));

		attend_decode(cpu->pool, &a, j->y, j->x, j->c.n);
	}
}

static double score(const struct cpu_job *j, const struct kv_cache *a, int64_t query, int64_t head,
		    int64_t key)
{
	const int64_t dim = a->head_dim, kv = head / (a->heads / a->kv_heads);
	const float *q = j->x + (query * a->heads + head) * dim;
	double s = 0;

	for (int64_t d = 0; d < dim; d++)
		s += (double)q[d] * (double)a->keys[(kv * a->stride + key) * dim + d];
	return s / sqrt((double)dim);
}

/* One number of the result, in double and without blocks. */
static struct reference attended(const struct cpu_job *j, const struct kv_cache *a, int64_t query,
				 int64_t head, int64_t d)
{
	const int64_t seen = j->c.n - j->c.m + query + 1, kv = head / (a->heads / a->kv_heads);
	double most = -INFINITY, sum = 0;
	struct reference r = {0};

	for (int64_t key = 0; key < seen; key++)
		most = fmax(most, score(j, a, query, head, key));
	for (int64_t key = 0; key < seen; key++) {
		const double weight = exp(score(j, a, query, head, key) - most);
		const double v = (double)a->values[(kv * a->stride + key) * a->head_dim + d];

		sum += weight;
		r.value += weight * v;
		r.size += weight * fabs(v);
	}
	return (struct reference){r.value / sum, r.size / sum};
}

static int check(struct cpu *cpu, struct err *err)
{
	const struct cpu_job *j = &cpu->job;
	const struct kv_cache a = attend_of(j, 0);
	enum { SPOTS = 12 };

	for (int64_t i = 0; i < SPOTS; i++) {
		const int64_t query = (j->c.m - 1) * i / (SPOTS - 1), head = (j->c.heads - 1) * (i % 4) / 3;
		const int64_t d = (i * 7) % j->c.head_dim;
		const struct reference want = attended(j, &a, query, head, d);
		const int64_t at = (query * j->c.heads + head) * j->c.head_dim + d;

		if (cpu_close(j->y[at], &want, "element", at, err) != 0)
			return -1;
	}
	return 0;
}

const struct cpu_kind cpu_prefill = {can, prepare, prefill_batch, check};
const struct cpu_kind cpu_decode = {can, prepare, decode_batch, check};
