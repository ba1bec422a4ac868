/*
 * gpu.h - the state of the Metal backend, and what gpu.m does for host.m: compile kernels, run what is
 * prepared.
 *
 * Written in plain messages, no blocks and no literals, so that clang with and without ARC and gcc with
 * GNUstep all build it.
 */
#ifndef KERNELS_METAL_GPU_H
#define KERNELS_METAL_GPU_H
#import <Foundation/Foundation.h>
#import <Metal/Metal.h>
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include "kernels/backend.h"
#include "kernels/gpu/plan.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
/* Gives up one reference: a release without ARC, and with it the assignment is one. */
#if __has_feature(objc_arc)
#define DROP(x) ((x) = nil)
#else
#define DROP(x) ([(x) release], (x) = nil)
#endif
#if defined(__clang__)
#define POOL_BEGIN @autoreleasepool {
#define POOL_END   }
#else
#define POOL_BEGIN                                                                                           \
	{                                                                                                    \
		NSAutoreleasePool *pool_ = [NSAutoreleasePool new];
#define POOL_END                                                                                             \
	[pool_ release];                                                                                     \
	}
#endif
/* Newer calls: the SDK must know them (SDK_HAS), and the system that runs must have them (ON_MACOS). */
#if defined(LEMURSIM_FAKE_METAL)
#define ON_MACOS(version) (fake_macos() >= (version))
#define SDK_HAS(version)  1
#else
#define ON_MACOS(version) @available(macOS version, *)
#define SDK_HAS(version)  (__MAC_OS_X_VERSION_MAX_ALLOWED >= (version)*10000)
#endif

struct metal {
	id<MTLDevice> device;
	id<MTLCommandQueue> queue;
	NSMutableDictionary *libraries, *pipelines; /* by name */
	struct backend_info info;
	struct plan_limits limits;
	char tensor_why[384]; /* why there are no tensor operations */
	/* the case prepared */
	struct plan plan;
	bool ready;
	id<MTLBuffer> buffers[PLAN_BUFFERS];
	id<MTLComputePipelineState> steps[PLAN_STEPS];
#if SDK_HAS(15)
	id residency;
#endif
	MPSMatrixMultiplication *product;
	NSMutableArray *left, *right, *result; /* MPSMatrix, one for each copy */
	void *host;                            /* PLAN_HOST_COPY: the other end */
	double once_s;                         /* of one repetition, roughly */
	int64_t turn;                          /* of rotation */
};

const char *gpu_error_text(NSError *error);

/* Borrowed; nil with err. Compiled once, kept in m. */
id<MTLComputePipelineState> gpu_pipeline(struct metal *m, const struct plan_step *s, struct err *err);

/* Repetitions of the prepared case, by way of command buffers; seconds: the GPU's. 0, or -1 with err. */
int gpu_run(struct metal *m, int64_t reps, double *seconds, struct err *err);

/* One command buffer for each, waited for; seconds: the host's. */
int gpu_run_submit(struct metal *m, int64_t reps, double *seconds, struct err *err);

double gpu_now_s(void);

#endif
