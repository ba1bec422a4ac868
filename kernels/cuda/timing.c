/* timing.c - launches of what is prepared, and their time; see gpu.h. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "kernels/cuda/gpu.h"

enum { GRAPH_NODES = 64 /* at least, so that its own launch does not count */ };
static const double graph_below_s = 100e-6; /* a longer kernel outlasts the launch of the next one */

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t address_of(const struct cuda *m, int buffer)
{
	const struct plan_buffer *b = &m->plan.buffers[buffer];

	return m->buffers[buffer] + (uint64_t)(m->turn % b->copies) * b->stride;
}

/* A kernel that waits for the one before it is started while that one runs, where llama.cpp starts its own so (programmatic dependent
 * launch: ggml_cuda_kernel_launch() of ggml-cuda/common.cuh, ggml-org/llama.cpp@3f545bec). */
static int kernel_launch(struct cuda *m, void *function, const struct plan_step *s, void **args)
{
	struct cuda_launch_attribute early = {.id = LAUNCH_EARLY, .value.early = 1};
	const struct cuda_launch l = {.blocks = {s->groups[0], s->groups[1], s->groups[2]},
				      .threads = {s->threads, 1, 1},
				      .stream = m->stream,
				      .attributes = &early,
				      .attributes_n = 1};

	if (m->early && s->early)
		return m->driver.launch_with(&l, function, args, NULL);
	return m->driver.launch(function, s->groups[0], s->groups[1], s->groups[2], s->threads, 1, 1, 0,
				m->stream, args, NULL);
}

static int step_launch(struct cuda *m, int step, struct err *err)
{
	const struct plan_step *s = &m->plan.steps[step];
	uint64_t at[PLAN_ARGS];
	void *args[PLAN_ARGS];

	for (int i = 0; i < PLAN_ARGS && s->args[i] != ARG_NONE; i++) {
		args[i] = s->args[i] == ARG_PARAMS ? (void *)m->plan.parts[s->part].params : &at[i];
		if (s->args[i] != ARG_PARAMS)
			at[i] = address_of(m, s->args[i] - ARG_BUFFER);
	}
	for (int64_t t = 0; t < s->times; t++) {
		const int status = kernel_launch(m, m->functions[step], s, args);

		if (cuda_driver_check(&m->driver, s->kernel, status, err) != 0)
			return -1;
	}
	return 0;
}

/* C[m,n] = A[m,k] B[n,k]^T by rows is C^T = B A^T by columns. Sums are f32, or f16 where the plan says so; C has the type of A. */
static int product_launch(struct cuda *m, struct err *err)
{
	static const int types[] = {
		[SAMPLE_F32] = BLAS_F32, [SAMPLE_F16] = BLAS_F16, [SAMPLE_BF16] = BLAS_BF16};
	static const float one = 1, zero = 0;
	static const uint16_t half_one = 0x3c00, half_zero = 0;
	const bool narrow = m->plan.sums_narrow;
	const struct bench_case *c = &m->plan.c;
	const int type = types[c->dtype], rows = (int)c->m, columns = (int)c->n, depth = (int)c->k;
	void *at[3];

	for (int i = 0; i < 3; i++)
		at[i] = (void *)(uintptr_t)address_of(m, m->plan.product[i]);
	return cuda_blas_check(&m->blas, "cublasGemmEx",
			       m->blas.gemm(m->handle, BLAS_TRANSPOSED, BLAS_PLAIN, columns, rows, depth,
					    narrow ? (const void *)&half_one : &one, at[1], type, depth,
					    at[0], type, depth, narrow ? (const void *)&half_zero : &zero,
					    at[2], type, columns,
					    narrow ? BLAS_COMPUTE_F16 : BLAS_COMPUTE_F32, BLAS_DEFAULT),
			       err);
}

/* Each part of a layer so many times among its like. */
static int launch_apart(struct cuda *m, int64_t reps, struct err *err)
{
	const int64_t from = m->turn;

	for (int part = 0; part < m->plan.parts_n; part++)
		for (m->turn = from; m->turn < from + reps; m->turn++)
			for (int s = 0; s < m->plan.steps_n; s++)
				if (m->plan.steps[s].part == part && step_launch(m, s, err) != 0)
					return -1;
	return 0;
}

static int launch(struct cuda *m, int64_t reps, struct err *err)
{
	if (m->plan.apart)
		return launch_apart(m, reps, err);
	for (int64_t r = 0; r < reps; r++, m->turn++) {
		for (int s = 0; s <= m->plan.steps_n; s++) {
			if (m->plan.how == PLAN_LIBRARY && s == m->plan.before_product &&
			    product_launch(m, err) != 0)
				return -1;
			if (s < m->plan.steps_n && step_launch(m, s, err) != 0)
				return -1;
		}
	}
	return 0;
}

static int event_record(const struct cuda *m, void *event, struct err *err)
{
	return cuda_driver_check(&m->driver, "cuEventRecord", m->driver.event_record(event, m->stream), err);
}

/* Waits for the second event; errors of the kernels before it show here. */
static int events_read(const struct cuda *m, double *seconds, struct err *err)
{
	const struct cuda_driver *d = &m->driver;
	float ms = 0;

	if (event_record(m, m->to, err) != 0 ||
	    cuda_driver_check(d, "cuEventSynchronize", d->event_synchronize(m->to), err) != 0 ||
	    cuda_driver_check(d, "cuEventElapsedTime", d->event_elapsed(&ms, m->from, m->to), err) != 0)
		return -1;
	*seconds = (double)ms * 1e-3;
	return 0;
}

/* Whole graphs; the time of the repetitions asked for is their share of it. */
static int run_graph(struct cuda *m, int64_t reps, double *seconds, struct err *err)
{
	const int64_t graphs = (reps + m->graph_reps - 1) / m->graph_reps;

	if (event_record(m, m->from, err) != 0)
		return -1;
	for (int64_t i = 0; i < graphs; i++)
		if (cuda_driver_check(&m->driver, "cuGraphLaunch",
				      m->driver.graph_launch(m->graph, m->stream), err) != 0)
			return -1;
	if (events_read(m, seconds, err) != 0)
		return -1;
	*seconds *= (double)reps / (double)(graphs * m->graph_reps);
	return 0;
}

int gpu_run(struct cuda *m, int64_t reps, double *seconds, struct err *err)
{
	if (m->graph)
		return run_graph(m, reps, seconds, err);
	if (event_record(m, m->from, err) != 0 || launch(m, reps, err) != 0)
		return -1;
	return events_read(m, seconds, err);
}

int gpu_run_submit(struct cuda *m, int64_t reps, double *seconds, struct err *err)
{
	const double from = now_s();

	for (int64_t i = 0; i < reps * m->plan.c.m; i++)
		if (launch(m, 1, err) != 0 ||
		    cuda_driver_check(&m->driver, "cuStreamSynchronize",
				      m->driver.stream_synchronize(m->stream), err) != 0)
			return -1;
	*seconds = now_s() - from;
	return 0;
}

/* From and to memory that is pinned, as runtimes keep theirs; k = 1: back to the host. */
int gpu_run_host_copy(struct cuda *m, int64_t reps, double *seconds, struct err *err)
{
	const struct cuda_driver *d = &m->driver;
	const size_t size = m->plan.buffers[0].bytes;
	const bool back = m->plan.c.k == 1;
	const double from = now_s();

	for (int64_t r = 0; r < reps; r++)
		if (back ? cuda_driver_check(d, "cuMemcpyDtoH", d->to_host(m->pinned, m->buffers[0], size),
					     err)
			 : cuda_driver_check(d, "cuMemcpyHtoD", d->to_device(m->buffers[0], m->pinned, size),
					     err))
			return -1;
	*seconds = now_s() - from;
	return 0;
}

/* Launches of independent kernels one by one are what that row measures; the rest is short or long. Kernels of a layer are short. */
static bool wants_graph(const struct cuda *m)
{
	const struct bench_case *c = &m->plan.c;

	if (m->plan.how != PLAN_KERNELS && m->plan.how != PLAN_LIBRARY)
		return false;
	return c->kind == SAMPLE_DISPATCH ? c->k == 1 : m->plan.parts_n || m->once_s < graph_below_s;
}

static int64_t reps_of_graph(const struct plan *p)
{
	int64_t copies = 1, nodes = p->how == PLAN_LIBRARY;

	for (int i = 0; i < p->buffers_n; i++)
		copies = p->buffers[i].copies > copies ? p->buffers[i].copies : copies;
	for (int i = 0; i < p->steps_n; i++)
		nodes += p->steps[i].times;
	return (GRAPH_NODES + copies * nodes - 1) / (copies * nodes) * copies;
}

int graph_make(struct cuda *m, struct err *err)
{
	const struct cuda_driver *d = &m->driver;
	struct err first = ERR_INIT;
	void *graph = NULL;
	int rc, launched;

	if (!wants_graph(m))
		return 0;
	m->graph_reps = reps_of_graph(&m->plan);
	if (cuda_driver_check(d, "cuStreamBeginCapture", d->capture_begin(m->stream, CAPTURE_THREAD_LOCAL),
			      err) != 0)
		return -1;
	launched = launch(m, m->graph_reps, &first);
	rc = cuda_driver_check(d, "cuStreamEndCapture", d->capture_end(m->stream, &graph), err);
	if (launched != 0) { /* its reason comes first */
		*err = first;
		rc = -1;
	}
	if (rc == 0)
		rc = cuda_driver_check(d, "cuGraphInstantiate", d->graph_instantiate(&m->graph, graph, 0),
				       err);
	if (graph)
		d->graph_destroy(graph);
	return rc;
}
