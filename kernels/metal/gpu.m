/* gpu.m - kernels compiled, command buffers filled, committed and timed; see gpu.h. */
#if defined(__APPLE__) || defined(LEMURSIM_FAKE_METAL)
#import "kernels/metal/gpu.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kernels/metal/sources.h" /* made from the .metal files: metal_source() */

/* By number, so that an SDK that does not know them yet compiles this. */
#define MSL_3_1 ((MTLLanguageVersion)((3 << 16) + 1)) /* bfloat; macOS 14 */
#define MSL_4_0 ((MTLLanguageVersion)(4 << 16))       /* tensors; macOS 26 */

enum {
	IN_FLIGHT = 2,        /* command buffers: a gap lets the clock fall */
	DISPATCHES_MAX = 1024 /* in one command buffer */
};
static const double BATCH_S = 0.02; /* of one command buffer: long for a time stamp, short for the watchdog */

double gpu_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *gpu_error_text(NSError *error)
{
	const char *text = [[error localizedDescription] UTF8String];

	return text ? text : "no reason given";
}

/* ---- compilation ---- */
static MTLCompileOptions *options_new(bool tensor)
{
	MTLCompileOptions *options = [MTLCompileOptions new];

	/* The default depends on the SDK the program was linked with: never leave it. */
	[options setLanguageVersion:tensor ? MSL_4_0 : MSL_3_1];
	/* As runtimes do; no kernel of ours counts on infinities or NaN. */
#if SDK_HAS(15)
	if (ON_MACOS(15.0)) {
		[options setMathMode:MTLMathModeFast];
		return options;
	}
#endif
	[options setFastMathEnabled:YES];
	return options;
}

/* Borrowed; nil with err. */
static id<MTLLibrary> library_get(struct metal *m, const char *name, struct err *err)
{
	NSString *key = [NSString stringWithUTF8String:name];
	id<MTLLibrary> library = [m->libraries objectForKey:key];
	MTLCompileOptions *options;
	NSError *error = nil;

	if (library)
		return library;
	options = options_new(strcmp(name, "tensor") == 0);
	library = [m->device newLibraryWithSource:[NSString stringWithUTF8String:metal_source(name)]
					  options:options
					    error:&error];
	DROP(options);
	if (!library) {
		err_set(err, "metal: %s.metal does not compile: %s", name, gpu_error_text(error));
		return nil;
	}
	[m->libraries setObject:library forKey:key];
	DROP(library);
	return [m->libraries objectForKey:key];
}

id<MTLComputePipelineState> gpu_pipeline(struct metal *m, const struct plan_step *s, struct err *err)
{
	NSString *key = [NSString stringWithUTF8String:s->kernel];
	id<MTLComputePipelineState> pipeline = [m->pipelines objectForKey:key];
	id<MTLLibrary> library;
	id<MTLFunction> function;
	NSError *error = nil;

	if (pipeline)
		return pipeline;
	library = library_get(m, s->library, err);
	if (!library)
		return nil;
	function = [library newFunctionWithName:key];
	if (!function) {
		err_set(err, "metal: %s.metal has no kernel '%s'", s->library, s->kernel);
		return nil;
	}
	pipeline = [m->device newComputePipelineStateWithFunction:function error:&error];
	DROP(function);
	if (!pipeline) {
		err_set(err, "metal: no pipeline for '%s': %s", s->kernel, gpu_error_text(error));
		return nil;
	}
	[m->pipelines setObject:pipeline forKey:key];
	DROP(pipeline);
	pipeline = [m->pipelines objectForKey:key];
	if ([pipeline maxTotalThreadsPerThreadgroup] < s -> threads ||
								    [pipeline threadExecutionWidth] != 32) {
		err_set(err,
			"metal: '%s' may run %u threads of a threadgroup, %u are needed; a simdgroup has %u",
			s->kernel, (unsigned)[pipeline maxTotalThreadsPerThreadgroup], s->threads,
			(unsigned)[pipeline threadExecutionWidth]);
		return nil;
	}
	return pipeline;
}

/* ---- running ---- */
static NSUInteger offset_of(const struct metal *m, int buffer)
{
	const struct plan_buffer *b = &m->plan.buffers[buffer];

	return (NSUInteger)(m->turn % b->copies) * b->stride;
}

static void step_encode(struct metal *m, id<MTLComputeCommandEncoder> encoder, int step)
{
	const struct plan_step *s = &m->plan.steps[step];

	[encoder setComputePipelineState:m->steps[step]];
	for (int i = 0; i < PLAN_ARGS && s->args[i] != ARG_NONE; i++) {
		const int buffer = s->args[i] - ARG_BUFFER;

		if (s->args[i] == ARG_PARAMS)
			[encoder setBytes:m->plan.parts[s->part].params
				   length:m->plan.parts[s->part].params_B
				  atIndex:(NSUInteger)i];
		else
			[encoder setBuffer:m->buffers[buffer]
				    offset:offset_of(m, buffer)
				   atIndex:(NSUInteger)i];
	}
	for (int64_t t = 0; t < s->times; t++)
		[encoder dispatchThreadgroups:MTLSizeMake(s->groups[0], s->groups[1], s->groups[2])
			threadsPerThreadgroup:MTLSizeMake(s->threads, 1, 1)];
}

static void product_encode(struct metal *m, id<MTLCommandBuffer> commands)
{
	const NSUInteger copy = (NSUInteger)(m->turn % m->plan.buffers[1].copies);

	[m->product encodeToCommandBuffer:commands
			       leftMatrix:[m->left objectAtIndex:0]
			      rightMatrix:[m->right objectAtIndex:copy]
			     resultMatrix:[m->result objectAtIndex:0]];
}

/* Each part of a layer so many times among its like. */
static void encode_apart(struct metal *m, id<MTLComputeCommandEncoder> encoder, int64_t reps)
{
	const int64_t from = m->turn;

	for (int part = 0; part < m->plan.parts_n; part++)
		for (m->turn = from; m->turn < from + reps; m->turn++)
			for (int s = 0; s < m->plan.steps_n; s++)
				if (m->plan.steps[s].part == part)
					step_encode(m, encoder, s);
}

static int encode(struct metal *m, id<MTLCommandBuffer> commands, int64_t reps, struct err *err)
{
	id<MTLComputeCommandEncoder> encoder = nil;

	if (m->plan.how != PLAN_LIBRARY) {
		encoder = m->plan.concurrent
				  ? [commands computeCommandEncoderWithDispatchType:MTLDispatchTypeConcurrent]
				  : [commands computeCommandEncoder];
		if (!encoder)
			return err_set(err, "metal: no command encoder");
	}
	if (m->plan.apart)
		encode_apart(m, encoder, reps);
	for (int64_t r = 0; r < reps && !m->plan.apart; r++, m->turn++) {
		if (!encoder)
			product_encode(m, commands);
		for (int s = 0; encoder && s < m->plan.steps_n; s++)
			step_encode(m, encoder, s);
	}
	[encoder endEncoding];
	return 0;
}

/* A queue whose command buffer failed may refuse the next ones too: a fresh one, once nothing runs any more.
 */
static void queue_renew(struct metal *m)
{
	DROP(m->queue);
	m->queue = [m->device newCommandQueue];
#if SDK_HAS(15)
	if (ON_MACOS(15.0)) {
		if (m->residency)
			[m->queue addResidencySet:m->residency];
	}
#endif
}

static int failed(id<MTLCommandBuffer> commands, struct err *err)
{
	NSError *error = [commands error];
	const char *kind = "it failed";

	switch ([error code]) {
	case MTLCommandBufferErrorTimeout:
		kind = "it took too long and the watchdog stopped it";
		break;
	case MTLCommandBufferErrorOutOfMemory:
		kind = "out of GPU memory";
		break;
	case MTLCommandBufferErrorAccessRevoked:
		kind = "the GPU is closed to this program after too many time-outs";
		break;
	default:
		break;
	}
	err_set(err, "metal: a command buffer did not complete: %s: %s", kind,
		error ? gpu_error_text(error) : "no error given");
	return -1;
}

/* Waits; adds the GPU's time, from the end of the one before if they overlap. */
static int finish_one(id<MTLCommandBuffer> commands, double *seconds, double *last, struct err *err)
{
	double start, end;

	[commands waitUntilCompleted];
	if ([commands status] != MTLCommandBufferStatusCompleted)
		return failed(commands, err);
	start = [commands GPUStartTime];
	end = [commands GPUEndTime];
	if (!(end > start))
		return err_set(err, "metal: a command buffer has no GPU time stamps");
	*seconds += end - (start > *last ? start : *last);
	*last = end;
	return 0;
}

static int64_t batch_of(const struct metal *m, int64_t left)
{
	int64_t dispatches = 0, batch;

	for (int s = 0; s < m->plan.steps_n; s++)
		dispatches += m->plan.steps[s].times;
	batch = DISPATCHES_MAX / (dispatches > 0 ? dispatches : 1);
	if (m->once_s > 0 && BATCH_S / m->once_s < (double)batch)
		batch = (int64_t)(BATCH_S / m->once_s);
	if (batch < 1)
		batch = 1;
	return batch < left ? batch : left;
}

int gpu_run(struct metal *m, int64_t reps, double *seconds, struct err *err)
{
	id<MTLCommandBuffer> flight[IN_FLIGHT] = {nil, nil}; /* the pool around us keeps them */
	double sum = 0, last = 0;
	int rc = 0, at = 0;

	for (int64_t left = reps; left > 0 && rc == 0; at = (at + 1) % IN_FLIGHT) {
		const int64_t batch = batch_of(m, left);

		if (flight[at])
			rc = finish_one(flight[at], &sum, &last, err);
		flight[at] = nil;
		if (rc != 0)
			break;
		/* unretained: all it uses lives until finish() */
		flight[at] = [m->queue commandBufferWithUnretainedReferences];
		rc = flight[at] ? encode(m, flight[at], batch, err)
				: err_set(err, "metal: no command buffer");
		if (rc == 0)
			[flight[at] commit];
		else
			flight[at] = nil;
		left -= batch;
	}
	for (int i = 0; i < IN_FLIGHT; i++, at = (at + 1) % IN_FLIGHT) {
		if (!flight[at])
			continue;
		if (rc == 0)
			rc = finish_one(flight[at], &sum, &last, err);
		else
			[flight[at] waitUntilCompleted]; /* its buffers must not go before it does */
	}
	if (rc != 0)
		queue_renew(m);
	*seconds = sum;
	return rc;
}

int gpu_run_submit(struct metal *m, int64_t reps, double *seconds, struct err *err)
{
	double gpu = 0, last = 0;
	const double from = gpu_now_s();

	for (int64_t i = 0; i < reps * m->plan.c.m; i++) {
		id<MTLCommandBuffer> commands = [m->queue commandBufferWithUnretainedReferences];

		if (!commands || encode(m, commands, 1, err) != 0)
			return err_set(err, "metal: no command buffer");
		[commands commit];
		if (finish_one(commands, &gpu, &last, err) != 0) {
			queue_renew(m);
			return -1;
		}
	}
	*seconds = gpu_now_s() - from;
	return 0;
}
#endif
