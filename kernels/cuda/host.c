/*
 * host.c - an NVIDIA GPU as a backend of the suite: the functions of kernels/backend.h.
 *
 * What a case needs is decided in kernels/gpu/plan.c, its result is checked in check.c beside it; here its buffers are
 * made and proved. Times are those of events, after warm-up runs of the suite; see timing.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/cpu.h"
#include "kernels/cuda/gpu.h"

enum {
	LEAVE_EVERYTHING = 70, /* per cent of the free memory that a case may use */
	PREFILL_MAJOR = 8,     /* compute capability of mma.m16n8k16 and cp.async */
	LEAST_MAJOR = 7,       /* of shuffles that name their lanes */
	EARLY_MAJOR = 9,       /* of kernels that wait for the one before them; */
	EARLY_DRIVER = 12030   /* and of graphs that keep such launches */
};
static const double rotate_min_B = 128e6, rotate_caches = 4;

/* Blocks as the .cu files have them. */
static const struct plan_style cuda_style = {.backend = "cuda",
					     .own = "cublas",
					     .library = "cublas",
					     .product = "cublasGemmEx",
					     .products_by_library = true,
					     .converted = "converted",
					     .gemv_threads = 128,
					     .gemv_rows = {1, 2, 4, 4},
					     .blocks_gemv_rows = {1, 2, 2, 4},
					     .short_rows = true,
					     .one_row_threads = 256,
					     .joins_by_number = true,
					     .moe_rows = 4,
					     .gathers = true,
					     .few_by_matrices = true,
					     .experts_by_matrices = true,
					     .rounds = true,
					     .pass_threads = 1024,
					     .prefill_threads = 128,
					     .prefill_queries = 64,
					     .decode_groups_core = 4,
					     .heads_groups_core = 1};

/* ---- preparing ---- */
static void release_case(struct cuda *m)
{
	const struct cuda_driver *d = &m->driver;

	if (m->graph)
		d->graph_exec_destroy(m->graph);
	if (m->pinned)
		d->host_free(m->pinned);
	for (int i = 0; i < PLAN_BUFFERS; i++) {
		if (m->buffers[i])
			d->mem_free(m->buffers[i]);
		free(m->host[i]);
		m->buffers[i] = 0;
		m->host[i] = NULL;
	}
	m->graph = m->pinned = NULL;
	m->ready = false;
	m->once_s = 0;
	m->turn = 0;
}

static bool is_result(const struct plan_buffer *b)
{
	return b->fill == FILL_NAN || b->fill == FILL_ZERO || b->fill == FILL_ADAM;
}

/* Fills the first copy on the host, and all copies on the device from it. */
static int buffer_upload(struct cuda *m, int i, struct err *err)
{
	const struct cuda_driver *d = &m->driver;
	const struct plan_buffer *b = &m->plan.buffers[i];
	struct plan one = m->plan;
	const char *call = "cuMemcpyHtoD";
	int status;

	one.buffers[i].copies = 1;
	gpu_plan_fill(&one, i, m->host);
	if (b->fill == FILL_NAN) { /* spares a copy that may be as large as the memory test */
		call = "cuMemsetD8";
		status = d->set_bytes(m->buffers[i], 0xff, b->stride * (size_t)b->copies);
		return cuda_driver_check(d, call, status, err);
	}
	status = d->to_device(m->buffers[i], m->host[i], b->stride);
	for (int64_t c = 1; c < b->copies && !status; c++) {
		call = "cuMemcpyDtoD";
		status = d->on_device(m->buffers[i] + (uint64_t)c * b->stride, m->buffers[i], b->stride);
	}
	return cuda_driver_check(d, call, status, err);
}

static int buffers_make(struct cuda *m, struct err *err)
{
	for (int i = 0; i < m->plan.buffers_n; i++) {
		const struct plan_buffer *b = &m->plan.buffers[i];
		const size_t size = b->stride * (size_t)b->copies;

		if (cuda_driver_check(&m->driver, "cuMemAlloc", m->driver.mem_alloc(&m->buffers[i], size),
				      err) != 0)
			return -1;
		m->host[i] = malloc(b->stride);
		if (!m->host[i])
			return err_set(err, "cuda: no memory for a buffer of %.1f MB",
				       (double)b->stride / 1e6);
	}
	for (int pass = 0; pass < 2; pass++) /* Adam's state follows from its gradient */
		for (int i = 0; i < m->plan.buffers_n; i++)
			if ((m->plan.buffers[i].fill == FILL_ADAM) == pass && buffer_upload(m, i, err) != 0)
				return -1;
	return cuda_driver_check(&m->driver, "cuCtxSynchronize", m->driver.ctx_synchronize(), err);
}

/* About how long one repetition lasts. What the host takes to launch it, which on a slow one is longer than a short kernel, is not in
 * it where several are launched in a row. */
static int once_time(struct cuda *m, struct err *err)
{
	const int64_t several = 8;
	double seconds;

	if (gpu_run(m, 1, &m->once_s, err) != 0)
		return -1;
	if (m->once_s > 1e-3)
		return 0;
	if (gpu_run(m, several, &seconds, err) != 0)
		return -1;
	m->once_s = seconds / (double)several < m->once_s ? seconds / (double)several : m->once_s;
	return 0;
}

/* One repetition and its check; a second one for the time, as the first may load code and choose an algorithm. */
static int prove(struct cuda *m, struct err *err)
{
	double seconds;

	if (gpu_run(m, 1, &seconds, err) != 0)
		return -1;
	for (int i = 0; i < m->plan.buffers_n; i++) {
		const struct plan_buffer *b = &m->plan.buffers[i];

		if (is_result(b) &&
		    cuda_driver_check(&m->driver, "cuMemcpyDtoH",
				      m->driver.to_host(m->host[i], m->buffers[i], b->bytes), err) != 0)
			return -1;
	}
	if (gpu_plan_check(&m->plan, m->host, err) != 0)
		return -1;
	return once_time(m, err);
}

/* A copy there and back, compared. */
static int host_copy_make(struct cuda *m, struct err *err)
{
	const struct cuda_driver *d = &m->driver;
	const size_t size = m->plan.buffers[0].bytes;

	if (cuda_driver_check(d, "cuMemHostAlloc", d->host_alloc(&m->pinned, size, 0), err) != 0)
		return -1;
	memset(m->pinned, 0x5a, size);
	if (cuda_driver_check(d, "cuMemcpyDtoH", d->to_host(m->pinned, m->buffers[0], size), err) != 0)
		return -1;
	if (memcmp(m->pinned, m->host[0], size) != 0)
		return err_set(err, "cuda: a copy between host and device is not one");
	return 0;
}

static int prepare_plan(struct cuda *m, struct err *err)
{
	if (buffers_make(m, err) != 0)
		return -1;
	for (int i = 0; i < m->plan.steps_n; i++)
		if (kernel_find(m, &m->plan.steps[i], &m->functions[i], err) != 0)
			return -1;
	if (m->plan.how == PLAN_HOST_COPY ? host_copy_make(m, err) : prove(m, err))
		return -1;
	if (graph_make(m, err) != 0)
		return -1;
	m->ready = true;
	return 0;
}

/* An error of a kernel stays with its context: every later call gives it again. A fresh context goes on. */
static int context_mend(struct cuda *m, struct err *err)
{
	if (m->ctx && (!m->suspect || m->driver.ctx_synchronize() == 0)) {
		m->suspect = false;
		return 0;
	}
	context_drop(m);
	return context_make(m, err);
}

/* ---- the device ---- */

/* The driver and the number of its devices, at least one. -1 with err: "no CUDA device: ..." */
static int devices_find(struct cuda_driver *d, int *n, struct err *err)
{
	struct err why = ERR_INIT;
	int version = 0;

	if (cuda_driver_load(d, &why) != 0)
		return err_set(err, "no CUDA device: %.200s", why.msg);
	if (cuda_driver_check(d, "cuInit", d->init(0), &why) != 0 ||
	    cuda_driver_check(d, "cuDriverGetVersion", d->driver_version(&version), &why) != 0 ||
	    cuda_driver_check(d, "cuDeviceGetCount", d->device_count(n), &why) != 0)
		return err_set(err, "no CUDA device: %.300s", why.msg);
	return *n > 0 ? 0 : err_set(err, "no CUDA device: the driver sees none");
}

static int attribute(const struct cuda *m, int which, int *value, struct err *err)
{
	return cuda_driver_check(&m->driver, "cuDeviceGetAttribute",
				 m->driver.device_attribute(value, which, m->device), err);
}

/* "CUDA 13.0, sm_90, NVRTC 13.0, cuBLAS 13.0.2": the driver's, the device's, and the libraries' */
static void versions_say(struct cuda *m)
{
	int driver = 0, major = 0, minor = 0, blas = 0, n;

	m->driver.driver_version(&driver);
	m->compiler.version(&major, &minor);
	n = snprintf(m->info.build, sizeof m->info.build, "CUDA %d.%d, sm_%d%d, NVRTC %d.%d", driver / 1000,
		     driver % 1000 / 10, m->major, m->minor, major, minor);
	if (m->handle && m->blas.version(m->handle, &blas) == 0 && n > 0 && (size_t)n < sizeof m->info.build)
		snprintf(m->info.build + n, sizeof m->info.build - (size_t)n, ", cuBLAS %d.%d.%d",
			 blas / 10000, blas / 100 % 100, blas % 100);
}

static int device_facts(struct cuda *m, struct err *err)
{
	const struct cuda_driver *d = &m->driver;
	int cores = 0, cache_B = 0;
	size_t all = 0;

	if (machine_info(&m->info, err) != 0) /* system, power source */
		return -1;
	if (cuda_driver_check(d, "cuDeviceGetName",
			      d->device_name(m->info.chip, sizeof m->info.chip, m->device), err) != 0 ||
	    cuda_driver_check(d, "cuDeviceTotalMem", d->device_memory(&all, m->device), err) != 0 ||
	    attribute(m, DEVICE_CORES, &cores, err) != 0 ||
	    attribute(m, DEVICE_CACHE_B, &cache_B, err) != 0 ||
	    attribute(m, DEVICE_MAJOR, &m->major, err) != 0 ||
	    attribute(m, DEVICE_MINOR, &m->minor, err) != 0)
		return -1;
	if (m->major < LEAST_MAJOR)
		return err_set(err, "cuda: %.60s has compute capability %d.%d, 7.0 is needed", m->info.chip,
			       m->major, m->minor);
	m->info.cores = cores;
	m->info.ram_B = (int64_t)all;
	m->info.cache_B = cache_B;
	return 0;
}

/* Whether kernels are started early: the device waits in them, and NVRTC knows that device, so that they were compiled to. */
static int early_find(struct cuda *m, struct err *err)
{
	int version = 0, archs[64], n = 0, newest = 0;

	if (cuda_driver_check(&m->driver, "cuDriverGetVersion", m->driver.driver_version(&version), err) !=
		    0 ||
	    cuda_compiler_check(&m->compiler, "nvrtcGetNumSupportedArchs", m->compiler.archs_n(&n), err) != 0)
		return -1;
	if (n > 0 && n <= (int)ARRAY_LEN(archs) &&
	    cuda_compiler_check(&m->compiler, "nvrtcGetSupportedArchs", m->compiler.archs(archs), err) != 0)
		return -1;
	for (int i = 0; i < n && n <= (int)ARRAY_LEN(archs); i++)
		newest = archs[i] <= 10 * m->major + m->minor && archs[i] > newest ? archs[i] : newest;
	m->early = m->driver.launch_with && version >= EARLY_DRIVER && newest >= 10 * EARLY_MAJOR;
	return 0;
}

/* Free memory once the context is there, and what cases may use of it. */
static int limits_set(struct cuda *m, struct err *err)
{
	size_t available = 0, all = 0;

	if (cuda_driver_check(&m->driver, "cuMemGetInfo", m->driver.mem_info(&available, &all), err) != 0)
		return -1;
	m->info.working_set_B = (int64_t)available;
	m->limits = (struct plan_limits){.style = &cuda_style,
					 .cores = m->info.cores,
					 .rotate_B = rotate_caches * (double)m->info.cache_B,
					 .buffer_B = (double)available * LEAVE_EVERYTHING / 100,
					 .everything = (double)available * LEAVE_EVERYTHING / 100,
					 .no_prefill = m->major < PREFILL_MAJOR};
	if (m->limits.rotate_B < rotate_min_B)
		m->limits.rotate_B = rotate_min_B;
	return 0;
}

static void notes_say(struct cuda *m, int devices)
{
	char *note = m->info.note;
	const size_t room = sizeof m->info.note;

	if (m->blas_why[0])
		snprintf(note, room, "no products of many rows: %s. ", m->blas_why);
	if (m->limits.no_prefill)
		snprintf(note + strlen(note), room - strlen(note),
			 "no attention of a prompt, no products of many rows in blocks: compute capability "
			 "%d.%d, "
			 "8.0 is needed. ",
			 m->major, m->minor);
	if (devices > 1)
		snprintf(note + strlen(note), room - strlen(note),
			 "the first of %d devices; CUDA_VISIBLE_DEVICES chooses another. ", devices);
}

static int open_device(struct cuda *m, struct err *err)
{
	struct err why = ERR_INIT;
	int devices;

	if (devices_find(&m->driver, &devices, err) != 0)
		return -1;
	if (cuda_compiler_load(&m->compiler, &why) != 0) {
		err_set(err, "cuda: the kernels cannot be compiled: %.200s", why.msg);
		return err_hint(err, "install NVRTC, a part of the CUDA toolkit");
	}
	why = (struct err)ERR_INIT;
	if (cuda_blas_load(&m->blas, &why) != 0) {
		m->blas.loaded = NULL;
		snprintf(m->blas_why, sizeof m->blas_why, "%.190s", why.msg);
	}
	if (cuda_driver_check(&m->driver, "cuDeviceGet", m->driver.device_get(&m->device, 0), err) != 0 ||
	    device_facts(m, err) != 0 || early_find(m, err) != 0 || context_make(m, err) != 0 ||
	    limits_set(m, err) != 0)
		return -1;
	versions_say(m);
	notes_say(m, devices);
	return 0;
}

/* ---- the backend's functions ---- */
static int cuda_present(struct err *err)
{
	struct cuda_driver driver = {0};
	int n = 0;

	return devices_find(&driver, &n, err);
}

static void cuda_close(void *self)
{
	struct cuda *m = self;

	if (!m)
		return;
	release_case(m);
	context_drop(m);
	free(m);
}

static int cuda_open(void **self, struct err *err)
{
	struct cuda *m = calloc(1, sizeof *m);

	if (!m)
		return err_set(err, "cuda: no memory");
	if (open_device(m, err) != 0) {
		cuda_close(m);
		return -1;
	}
	*self = m;
	return 0;
}

static int cuda_info(void *self, struct backend_info *info, struct err *err)
{
	struct cuda *m = self;

	(void)err;
	*info = m->info;
	return 0;
}

static bool cuda_can(void *self, const struct bench_case *c)
{
	const struct cuda *m = self;
	struct plan plan;

	return gpu_plan_make(&plan, c, &m->limits) && (plan.how != PLAN_LIBRARY || m->blas.loaded);
}

static void cuda_finish(void *self)
{
	if (self)
		release_case(self);
}

static int cuda_prepare(void *self, const struct bench_case *c, struct err *err)
{
	struct cuda *m = self;

	release_case(m);
	if (!cuda_can(m, c))
		return err_set(err, "cuda: this case cannot be run on this machine%s%s",
			       m->blas_why[0] ? ": " : "", m->blas_why);
	if (context_mend(m, err) != 0)
		return -1;
	gpu_plan_make(&m->plan, c, &m->limits);
	if (prepare_plan(m, err) == 0)
		return 0;
	m->suspect = true;
	release_case(m);
	return -1;
}

static int cuda_run(void *self, int64_t reps, double *seconds, struct err *err)
{
	struct cuda *m = self;
	int rc;

	if (!m->ready || reps < 1)
		return err_set(err, "cuda: no case is prepared");
	if (m->plan.how == PLAN_SUBMIT)
		rc = gpu_run_submit(m, reps, seconds, err);
	else if (m->plan.how == PLAN_HOST_COPY)
		rc = gpu_run_host_copy(m, reps, seconds, err);
	else
		rc = gpu_run(m, reps, seconds, err);
	m->suspect |= rc != 0;
	return rc;
}

static const char *const paths[] = {"cublas", "converted", NULL};

const struct backend backend_cuda = {.name = "cuda",
				     .device = "gpu",
				     .paths = paths,
				     .own_memory = true,
				     .present = cuda_present,
				     .open = cuda_open,
				     .close = cuda_close,
				     .info = cuda_info,
				     .can = cuda_can,
				     .prepare = cuda_prepare,
				     .run = cuda_run,
				     .finish = cuda_finish};
