/*
 * Metal.h - what our host uses of Apple's <Metal/Metal.h>, with the real names of types, selectors and
 * values, so that it builds and runs on Linux with GNUstep. What stands behind it: fake_metal.m.
 *
 * That a selector is spelled as in macOS cannot be proved here; each was compared with Apple's documentation.
 */
#ifndef FAKE_METAL_METAL_H
#define FAKE_METAL_METAL_H
#import <Foundation/Foundation.h>

#ifndef LINT_SINCE /* tests/metal/lint: where Apple marks a call as new */
#define LINT_SINCE(version)
#endif

typedef double CFTimeInterval;
typedef struct {
	NSUInteger width, height, depth;
} MTLSize;
static inline MTLSize MTLSizeMake(NSUInteger width, NSUInteger height, NSUInteger depth)
{
	MTLSize size = {width, height, depth};

	return size;
}

typedef NSUInteger MTLResourceOptions;
enum { MTLResourceStorageModeShared = 0 };
typedef NSInteger MTLGPUFamily;
typedef NSUInteger MTLLanguageVersion;
typedef NSInteger MTLMathMode;
enum { MTLMathModeSafe = 0, MTLMathModeRelaxed = 1, MTLMathModeFast = 2 };
typedef NSUInteger MTLDispatchType;
enum { MTLDispatchTypeSerial = 0, MTLDispatchTypeConcurrent = 1 };
typedef NSUInteger MTLCommandBufferStatus;
enum {
	MTLCommandBufferStatusNotEnqueued = 0,
	MTLCommandBufferStatusEnqueued = 1,
	MTLCommandBufferStatusCommitted = 2,
	MTLCommandBufferStatusScheduled = 3,
	MTLCommandBufferStatusCompleted = 4,
	MTLCommandBufferStatusError = 5
};
enum {
	MTLCommandBufferErrorInternal = 1,
	MTLCommandBufferErrorTimeout = 2,
	MTLCommandBufferErrorPageFault = 3,
	MTLCommandBufferErrorAccessRevoked = 4,
	MTLCommandBufferErrorOutOfMemory = 8
};

@protocol MTLDevice
, MTLCommandQueue, MTLCommandBuffer, MTLComputeCommandEncoder;

@protocol MTLBuffer <NSObject>
- (void *)contents;
- (NSUInteger)length;
@end

@protocol MTLFunction <NSObject>
- (NSString *)name;
@end

@protocol MTLLibrary <NSObject>
- (id<MTLFunction>)newFunctionWithName:(NSString *)name;
@end

@protocol MTLComputePipelineState <NSObject>
- (NSUInteger)maxTotalThreadsPerThreadgroup;
- (NSUInteger)threadExecutionWidth;
@end

LINT_SINCE(15.0)
@protocol MTLResidencySet <NSObject>
- (void)addAllocation:(id)allocation;
- (void)commit;
- (void)requestResidency;
- (void)endResidency;
@end

LINT_SINCE(15.0)
@interface MTLResidencySetDescriptor : NSObject
@end

@interface MTLCompileOptions : NSObject {
      @public
	MTLLanguageVersion language;
	BOOL math_set;
}
- (void)setLanguageVersion:(MTLLanguageVersion)version;
- (void)setMathMode:(MTLMathMode)mode LINT_SINCE(15.0);
- (void)setFastMathEnabled:(BOOL)enabled;
@end

@protocol MTLComputeCommandEncoder <NSObject>
- (void)setComputePipelineState:(id<MTLComputePipelineState>)state;
- (void)setBuffer:(id<MTLBuffer>)buffer offset:(NSUInteger)offset atIndex:(NSUInteger)index;
- (void)setBytes:(const void *)bytes length:(NSUInteger)length atIndex:(NSUInteger)index;
- (void)dispatchThreadgroups:(MTLSize)groups threadsPerThreadgroup:(MTLSize)threads;
- (void)endEncoding;
@end

@protocol MTLCommandBuffer <NSObject>
- (id<MTLComputeCommandEncoder>)computeCommandEncoder;
- (id<MTLComputeCommandEncoder>)computeCommandEncoderWithDispatchType:(MTLDispatchType)type;
- (void)commit;
- (void)waitUntilCompleted;
- (MTLCommandBufferStatus)status;
- (NSError *)error;
- (CFTimeInterval)GPUStartTime;
- (CFTimeInterval)GPUEndTime;
@end

@protocol MTLCommandQueue <NSObject>
- (id<MTLCommandBuffer>)commandBuffer;
- (id<MTLCommandBuffer>)commandBufferWithUnretainedReferences;
- (void)addResidencySet:(id<MTLResidencySet>)set LINT_SINCE(15.0);
- (void)removeResidencySet:(id<MTLResidencySet>)set LINT_SINCE(15.0);
@end

@protocol MTLDevice <NSObject>
- (NSString *)name;
- (NSUInteger)maxBufferLength;
- (uint64_t)recommendedMaxWorkingSetSize;
- (BOOL)supportsFamily:(MTLGPUFamily)family;
- (id<MTLCommandQueue>)newCommandQueue;
- (id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options;
- (id<MTLLibrary>)newLibraryWithSource:(NSString *)source
			       options:(MTLCompileOptions *)options
				 error:(NSError **)error;
- (id<MTLComputePipelineState>)newComputePipelineStateWithFunction:(id<MTLFunction>)function
							     error:(NSError **)error;
- (id<MTLResidencySet>)newResidencySetWithDescriptor:(MTLResidencySetDescriptor *)descriptor
					       error:(NSError **)error LINT_SINCE(15.0);
@end

id<MTLDevice> MTLCreateSystemDefaultDevice(void);

/* Foundation of macOS, not of GNUstep */
@interface NSProcessInfo (FakePower)
- (BOOL)isLowPowerModeEnabled;
- (NSInteger)thermalState;
@end

double fake_macos(void);
#endif
