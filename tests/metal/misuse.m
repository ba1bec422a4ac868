/* misuse.m - what a host must not do, done: the fake has to stop each of these; see check_host.c. */
#import <Metal/Metal.h>
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include <stdio.h>
#include <string.h>

#include "tests/metal/fake/fake.h"

void misuse_run(const char *name);

static const char source[] =
	"#include <metal_stdlib>\n"
	"using namespace metal;\n"
	"struct params { uint n, at; };\n"
	"kernel void add(device uint *x [[buffer(0)]], device const uint *y [[buffer(1)]],\n"
	"                constant params &p [[buffer(2)]], uint i [[thread_position_in_grid]])\n"
	"{\n"
	"	if (i < p.n)\n"
	"		x[i] += y[i + p.at];\n"
	"}\n";

static id<MTLDevice> device;
static id<MTLCommandBuffer> commands;
static id<MTLComputeCommandEncoder> encoder;
static id<MTLBuffer> buffer;

static id<MTLComputePipelineState> pipeline(void)
{
	MTLCompileOptions *options = [MTLCompileOptions new];
	NSError *error = nil;
	id<MTLLibrary> library;

	[options setLanguageVersion:(3 << 16) + 1];
	[options setMathMode:MTLMathModeFast];
	library = [device newLibraryWithSource:[NSString stringWithUTF8String:source]
				       options:options
					 error:&error];
	if (!library)
		fprintf(stderr, "unknown: %s\n", [[error localizedDescription] UTF8String]);
	return [device newComputePipelineStateWithFunction:[library newFunctionWithName:@"add"] error:&error];
}

static void dispatch(const uint32_t params[2], size_t params_B, bool second)
{
	[encoder setComputePipelineState:pipeline()];
	[encoder setBuffer:buffer offset:0 atIndex:0];
	if (second)
		[encoder setBuffer:buffer offset:0 atIndex:1];
	[encoder setBytes:params length:params_B atIndex:2];
	[encoder dispatchThreadgroups:MTLSizeMake(1, 1, 1) threadsPerThreadgroup:MTLSizeMake(32, 1, 1)];
	[encoder endEncoding];
	[commands commit];
	[commands waitUntilCompleted];
	if ([commands status] == MTLCommandBufferStatusError)
		fprintf(stderr, "refused: %s\n", [[[commands error] localizedDescription] UTF8String]);
}

static void encoder_misuse(const char *name)
{
	static char bytes[5000];

	if (!strcmp(name, "second encoder"))
		[commands computeCommandEncoder];
	if (!strcmp(name, "open encoder"))
		[commands commit];
	if (!strcmp(name, "nil pipeline"))
		[encoder setComputePipelineState:nil];
	if (!strcmp(name, "no pipeline"))
		[encoder dispatchThreadgroups:MTLSizeMake(1, 1, 1)
			threadsPerThreadgroup:MTLSizeMake(32, 1, 1)];
	if (!strcmp(name, "index 31"))
		[encoder setBuffer:buffer offset:0 atIndex:31];
	if (!strcmp(name, "large setBytes"))
		[encoder setBytes:bytes length:4097 atIndex:0];
	if (!strcmp(name, "offset past end"))
		[encoder setBuffer:buffer offset:64 atIndex:0];
	[encoder setComputePipelineState:pipeline()];
	if (!strcmp(name, "2048 threads"))
		[encoder dispatchThreadgroups:MTLSizeMake(1, 1, 1)
			threadsPerThreadgroup:MTLSizeMake(2048, 1, 1)];
	if (!strcmp(name, "empty grid"))
		[encoder dispatchThreadgroups:MTLSizeMake(0, 1, 1)
			threadsPerThreadgroup:MTLSizeMake(32, 1, 1)];
	if (!strcmp(name, "read past buffer"))
		dispatch((const uint32_t[2]){16, 1 << 12}, 8, true);
	if (!strcmp(name, "missing buffer"))
		dispatch((const uint32_t[2]){16, 0}, 8, false);
	if (!strcmp(name, "short parameters"))
		dispatch((const uint32_t[2]){16, 0}, 4, true);
}

static void order_misuse(const char *name)
{
	if (!strcmp(name, "wait uncommitted"))
		[commands waitUntilCompleted];
	[encoder endEncoding];
	if (!strcmp(name, "late dispatch")) {
		[encoder setComputePipelineState:pipeline()];
		[encoder dispatchThreadgroups:MTLSizeMake(1, 1, 1)
			threadsPerThreadgroup:MTLSizeMake(32, 1, 1)];
	}
	if (!strcmp(name, "end twice"))
		[encoder endEncoding];
	[commands commit];
	if (!strcmp(name, "double commit"))
		[commands commit];
	if (!strcmp(name, "encode after commit"))
		[commands computeCommandEncoder];
}

static void matrix_misuse(const char *name)
{
	MPSMatrixDescriptor *d = [MPSMatrixDescriptor matrixDescriptorWithRows:4
								       columns:4
								      rowBytes:16
								      dataType:MPSDataTypeFloat32];
	const bool is_short = !strcmp(name, "mps short buffer");
	MPSMatrix *x = [[MPSMatrix alloc] initWithBuffer:buffer offset:is_short ? 4 : 0 descriptor:d];
	MPSMatrixMultiplication *product = [[MPSMatrixMultiplication alloc] initWithDevice:device
									     transposeLeft:NO
									    transposeRight:YES
										resultRows:4
									     resultColumns:5
									   interiorColumns:4
										     alpha:1.0
										      beta:0.0];

	[product encodeToCommandBuffer:commands leftMatrix:x rightMatrix:x resultMatrix:x];
}

static void language_misuse(void)
{
	NSError *error = nil;

	[device newLibraryWithSource:[NSString stringWithUTF8String:source]
			     options:[MTLCompileOptions new]
			       error:&error];
}

void misuse_run(const char *name)
{
	NSAutoreleasePool *pool = [NSAutoreleasePool new];
	NSAutoreleasePool *inner;

	device = MTLCreateSystemDefaultDevice();
	buffer = [device newBufferWithLength:64 options:MTLResourceStorageModeShared];
	commands = [[device newCommandQueue] commandBuffer];
	if (!strncmp(name, "mps", 3))
		matrix_misuse(name);
	if (!strcmp(name, "no language"))
		language_misuse();
	inner = [NSAutoreleasePool new];
	encoder = [commands computeCommandEncoder];
	if (!strcmp(name, "forgotten end"))
		[inner release];
	encoder_misuse(name);
	order_misuse(name);
	[pool release];
}
