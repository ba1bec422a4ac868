/*
 * host.m - the GPU of a Mac as a backend of the suite: the seven functions of kernels/backend.h.
 *
 * What a case needs is decided in kernels/gpu/plan.c, its result is checked in check.c beside it, gpu.m runs it; here its buffers
 * are made and proved. tests/metal runs this file, unchanged, on Linux against a fake Metal
 * (LEMURSIM_FAKE_METAL).
 */
#if defined(__APPLE__) || defined(LEMURSIM_FAKE_METAL)
#import "kernels/metal/gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/metal/mac.h"

/* By number, so that an SDK that does not know it yet compiles this. */
#define FAMILY_METAL4 ((MTLGPUFamily)5002)

enum { LEAVE_EVERYTHING = 70 }; /* per cent of the working-set limit a case may use */
static const double ROTATE_MIN_B = 128e6, ROTATE_CACHES = 4;

/* gemv: two simdgroups of four rows each */
static const struct plan_style metal_style = {.backend = "metal",
					      .own = "simdgroup",
					      .library = "mps",
					      .product = "MPSMatrixMultiplication",
					      .gemv_threads = 64,
					      .gemv_rows = {8, 8, 8, 8},
					      .moe_rows = 8,
					      .pass_threads = 256,
					      .prefill_threads = 128,
					      .prefill_queries = 32,
					      .decode_groups_core = 4};

static void power_read(struct backend_info *info)
{
	static const char *const states[] = {"nominal", "fair", "serious", "critical"};
	NSProcessInfo *process = [NSProcessInfo processInfo];
	const unsigned state = (unsigned)[process thermalState];

	info->low_power = [process isLowPowerModeEnabled];
	info->on_battery = mac_on_battery();
	snprintf(info->power, sizeof info->power, "%s, %s%s", info->on_battery ? "battery" : "AC",
		 state < 4 ? states[state] : "unknown", info->low_power ? ", low power" : "");
}

/* k = 1: back to the host */
static int run_host_copy(struct metal *m, int64_t reps, double *seconds, struct err *err)
{
	const size_t size = m->plan.buffers[0].bytes;
	unsigned char *gpu = [m->buffers[0] contents], *to = m->plan.c.k == 1 ? m->host : gpu;
	const unsigned char *from = m->plan.c.k == 1 ? gpu : m->host;
	const double start = gpu_now_s();

	for (int64_t r = 0; r < reps; r++) {
		memcpy(to, from, size);
		__asm__ volatile("" ::: "memory"); /* every copy counts */
	}
	*seconds = gpu_now_s() - start;
	if (memcmp(to, from, size) != 0)
		return err_set(err, "metal: a copy between host and device is not one");
	return 0;
}

static int run_any(struct metal *m, int64_t reps, double *seconds, struct err *err)
{
	switch (m->plan.how) {
	case PLAN_SUBMIT:
		return gpu_run_submit(m, reps, seconds, err);
	case PLAN_HOST_COPY:
		return run_host_copy(m, reps, seconds, err);
	default:
		return gpu_run(m, reps, seconds, err);
	}
}

/* ---- preparing ---- */
/* The system un-wires memory that idles for a second; a residency set keeps it. Older systems do without. */
static void residency_begin(struct metal *m)
{
#if SDK_HAS(15)
	if (ON_MACOS(15.0)) {
		MTLResidencySetDescriptor *descriptor = [MTLResidencySetDescriptor new];
		id<MTLResidencySet> set = [m->device newResidencySetWithDescriptor:descriptor error:NULL];

		DROP(descriptor);
		for (int i = 0; set && i < m->plan.buffers_n; i++)
			[set addAllocation:m->buffers[i]];
		[set commit];
		[set requestResidency];
		if (set)
			[m->queue addResidencySet:set];
		m->residency = set;
	}
#endif
}

static void residency_end(struct metal *m)
{
#if SDK_HAS(15)
	if (ON_MACOS(15.0)) {
		id<MTLResidencySet> set = m->residency;

		if (!set)
			return;
		[m->queue removeResidencySet:set];
		[set endResidency];
		DROP(m->residency);
	}
#endif
}

static int buffers_make(struct metal *m, struct err *err)
{
	void *at[PLAN_BUFFERS];

	for (int i = 0; i < m->plan.buffers_n; i++) {
		const struct plan_buffer *b = &m->plan.buffers[i];
		const size_t size = b->copies > 1 ? b->stride * (size_t)b->copies : b->stride;

		m->buffers[i] = [m->device newBufferWithLength:size options:MTLResourceStorageModeShared];
		if (!m->buffers[i])
			return err_set(err,
				       "metal: no memory for a buffer of %.1f MB (working-set limit %.1f GB)",
				       (double)size / 1e6, (double)m->info.working_set_B / 1e9);
		at[i] = [m->buffers[i] contents];
	}
	for (int pass = 0; pass < 2; pass++) /* Adam's state follows from its gradient */
		for (int i = 0; i < m->plan.buffers_n; i++)
			if ((m->plan.buffers[i].fill == FILL_ADAM) == pass)
				gpu_plan_fill(&m->plan, i, at);
	if (m->plan.how != PLAN_HOST_COPY)
		return 0;
	m->host = malloc(m->plan.buffers[0].bytes);
	if (!m->host)
		return err_set(err, "metal: no memory for a copy of %.1f MB", m->plan.c.bytes / 1e6);
	memcpy(m->host, at[0], m->plan.buffers[0].bytes);
	return 0;
}

/* MPSMatrix over every copy of a buffer, rows by columns. Owned by the caller. */
static NSMutableArray *matrices_new(struct metal *m, int buffer, int64_t rows, int64_t columns)
{
	const struct plan_buffer *b = &m->plan.buffers[buffer];
	const bool half = m->plan.c.dtype == SAMPLE_F16;
	NSMutableArray *all = [NSMutableArray new];
	MPSMatrixDescriptor *shape = [MPSMatrixDescriptor
		matrixDescriptorWithRows:(NSUInteger)rows
				 columns:(NSUInteger)columns
				rowBytes:(NSUInteger)columns * (half ? 2 : 4)dataType:half
						 ? MPSDataTypeFloat16
						 : MPSDataTypeFloat32];

	for (int64_t i = 0; i < b->copies; i++) {
		MPSMatrix *one = [[MPSMatrix alloc] initWithBuffer:m->buffers[buffer]
							    offset:(NSUInteger)i * b->stride
							descriptor:shape];

		[all addObject:one];
		DROP(one);
	}
	return all;
}

static int product_make(struct metal *m, struct err *err)
{
	const struct bench_case *c = &m->plan.c;

	if (!MPSSupportsMTLDevice(m->device))
		return err_set(err, "metal: Metal Performance Shaders do not support this device");
	m->product = [[MPSMatrixMultiplication alloc] initWithDevice:m->device
						       transposeLeft:NO
						      transposeRight:YES
							  resultRows:(NSUInteger)c->m
						       resultColumns:(NSUInteger)c->n
						     interiorColumns:(NSUInteger)c->k
							       alpha:1.0
								beta:0.0];
	if (!m->product)
		return err_set(err, "metal: no MPSMatrixMultiplication");
	m->left = matrices_new(m, 0, c->m, c->k);
	m->right = matrices_new(m, 1, c->n, c->k);
	m->result = matrices_new(m, 2, c->m, c->n);
	return 0;
}

/* One repetition and its check; a second one for the time, as the first compiles and touches pages. */
static int prove(struct metal *m, struct err *err)
{
	void *at[PLAN_BUFFERS];
	double seconds;

	for (int i = 0; i < m->plan.buffers_n; i++)
		at[i] = [m->buffers[i] contents];
	if (gpu_run(m, 1, &seconds, err) != 0 || gpu_plan_check(&m->plan, at, err) != 0)
		return -1;
	return gpu_run(m, 1, &m->once_s, err);
}

static void release_case(struct metal *m)
{
	residency_end(m);
	for (int i = 0; i < PLAN_BUFFERS; i++)
		DROP(m->buffers[i]);
	for (int i = 0; i < PLAN_STEPS; i++)
		m->steps[i] = nil; /* m->pipelines owns them; with ARC this is a reference less */
	DROP(m->product);
	DROP(m->left);
	DROP(m->right);
	DROP(m->result);
	free(m->host);
	m->host = NULL;
	m->ready = false;
	m->once_s = 0;
	m->turn = 0;
}

static int prepare_plan(struct metal *m, struct err *err)
{
	if (buffers_make(m, err) != 0)
		return -1;
	residency_begin(m);
	for (int i = 0; i < m->plan.steps_n; i++) {
		m->steps[i] = gpu_pipeline(m, &m->plan.steps[i], err);
		if (!m->steps[i])
			return -1;
	}
	if (m->plan.how == PLAN_LIBRARY && product_make(m, err) != 0)
		return -1;
	if (m->plan.how != PLAN_HOST_COPY && prove(m, err) != 0)
		return -1;
	m->ready = true;
	return 0;
}

/* Do tensor operations compile, run and give the right result here, in this type? */
static bool probe_type(struct metal *m, enum sample_dtype dtype)
{
	const struct bench_case c = {
		.kind = SAMPLE_GEMM, .dtype = dtype, .path = "tensor", .m = 96, .n = 80, .k = 96};
	struct plan_limits all = m->limits;
	struct err err = ERR_INIT;
	bool good;

	all.tensor_f16 = all.tensor_bf16 = true;
	good = gpu_plan_make(&m->plan, &c, &all) && prepare_plan(m, &err) == 0;
	if (!good && !m->tensor_why[0])
		snprintf(m->tensor_why, sizeof m->tensor_why, "%.380s", err.msg);
	release_case(m);
	return good;
}

static void probe(struct metal *m)
{
	if (![m->device supportsFamily:FAMILY_METAL4]) {
		snprintf(m->tensor_why, sizeof m->tensor_why, "this system or GPU has no Metal 4");
		return;
	}
	m->limits.tensor_f16 = probe_type(m, SAMPLE_F16);
	m->limits.tensor_bf16 = probe_type(m, SAMPLE_BF16);
}

/* ---- the seven functions ---- */
static void metal_close(void *self)
{
	struct metal *m = self;

	if (!m)
		return;
	POOL_BEGIN
	release_case(m);
	DROP(m->pipelines);
	DROP(m->libraries);
	DROP(m->queue);
	DROP(m->device);
	POOL_END
	free(m);
}

/* These change what is timed; a capture also holds everything in memory. */
static int environment_check(struct err *err)
{
	static const char *const names[] = {"MTL_DEBUG_LAYER", "MTL_SHADER_VALIDATION",
					    "METAL_DEVICE_WRAPPER_TYPE", "MTL_CAPTURE_ENABLED"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value && value[0] && strcmp(value, "0"))
			return err_set(err, "metal: %s is set: times would be false, unset it", names[i]);
	}
	return 0;
}

static int open_device(struct metal *m, struct err *err)
{
	if (environment_check(err) != 0)
		return -1;
	m->device = MTLCreateSystemDefaultDevice();
	if (!m->device)
		return err_set(err, "metal: no Metal device on this machine");
	m->queue = [m->device newCommandQueue];
	if (!m->queue)
		return err_set(err, "metal: the device gives no command queue");
	m->libraries = [NSMutableDictionary new];
	m->pipelines = [NSMutableDictionary new];
	mac_info(&m->info, [[m->device name] UTF8String]);
	m->info.working_set_B = (int64_t)[m->device recommendedMaxWorkingSetSize];
	power_read(&m->info);
	m->limits.style = &metal_style;
	m->limits.cores = m->info.cores > 0 ? m->info.cores : 8;
	m->limits.rotate_B = ROTATE_CACHES * (double)m->info.cache_B;
	if (m->limits.rotate_B < ROTATE_MIN_B)
		m->limits.rotate_B = ROTATE_MIN_B;
	m->limits.buffer_B = (double)[m->device maxBufferLength];
	m->limits.everything = (double)m->info.working_set_B * LEAVE_EVERYTHING / 100;
	return 0;
}

static int metal_open(void **self, struct err *err)
{
	struct metal *m = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return err_set(err, "metal: no memory");
	POOL_BEGIN
	rc = open_device(m, err);
	if (rc == 0)
		probe(m);
	POOL_END
	if (rc != 0)
		metal_close(m);
	else
		*self = m;
	return rc;
}

static int metal_info(void *self, struct backend_info *info, struct err *err)
{
	struct metal *m = self;

	(void)err;
	POOL_BEGIN
	power_read(&m->info);
	POOL_END
	if (m->tensor_why[0])
		snprintf(m->info.note, sizeof m->info.note, "no path 'tensor': %s", m->tensor_why);
	*info = m->info;
	return 0;
}

static bool metal_can(void *self, const struct bench_case *c)
{
	struct metal *m = self;
	struct plan plan;

	return gpu_plan_make(&plan, c, &m->limits);
}

static void metal_finish(void *self)
{
	if (!self)
		return;
	POOL_BEGIN
	release_case(self);
	POOL_END
}

static int metal_prepare(void *self, const struct bench_case *c, struct err *err)
{
	struct metal *m = self;
	int rc;

	metal_finish(m);
	if (!metal_can(m, c)) {
		if (c->path && !strcmp(c->path, "tensor") && m->tensor_why[0])
			return err_set(err, "metal: no tensor operations: %s", m->tensor_why);
		return err_set(err, "metal: this case cannot be run on this machine");
	}
	gpu_plan_make(&m->plan, c, &m->limits);
	POOL_BEGIN
	rc = prepare_plan(m, err);
	POOL_END
	if (rc != 0)
		metal_finish(m);
	return rc;
}

static int metal_run(void *self, int64_t reps, double *seconds, struct err *err)
{
	struct metal *m = self;
	int rc;

	if (!m->ready || reps < 1)
		return err_set(err, "metal: no case is prepared");
	POOL_BEGIN
	rc = run_any(m, reps, seconds, err);
	POOL_END
	return rc;
}

static const char *const paths[] = {"simdgroup", "mps", "tensor", NULL};

extern const struct backend backend_metal; /* backend.h declares it on a Mac only */
const struct backend backend_metal = {.name = "metal",
				      .device = "gpu",
				      .paths = paths,
				      .open = metal_open,
				      .close = metal_close,
				      .info = metal_info,
				      .can = metal_can,
				      .prepare = metal_prepare,
				      .run = metal_run,
				      .finish = metal_finish};
#endif
