/*
 * fake_metal.m - a Metal device that compiles kernels with the rewriter and a C++ compiler, and runs them
 * here.
 *
 * Stricter than Metal: what Metal reports only under its debug layer, or not at all, aborts with a message.
 * Work is done when somebody waits for it, not at commit: a host that frees or reads a buffer too early is
 * caught by that. Buffers end at a page that faults. One queue, one thread, manual reference counting.
 */
#import "tests/metal/fake/fake_internal.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernels/gpu/numbers.h"
#include "tests/metal/shim/dispatch.h"

enum {
	SETBYTES_MAX = 4096,
	THREADS_MAX = 1024,
	FAMILY_METAL4 = 5002,
	MSL_3_1 = (3 << 16) + 1,
	MSL_4_0 = 4 << 16
};

static double clock_s = 1000.0; /* of the GPU */
static uint64_t noise_state = 0x1234567;
static NSMutableArray *committed; /* not yet run, in order */

/* ---- libraries ---- */
@interface FakeLibrary : NSObject <MTLLibrary> {
      @public
	msl_dispatch_fn *dispatch;
	msl_error_fn *why;
	msl_name_fn *name_of;
}
@end
@interface FakeFunction : NSObject <MTLFunction> {
      @public
	FakeLibrary *library;
	NSString *name;
}
@end
@interface FakePipeline : NSObject <MTLComputePipelineState> {
      @public
	FakeFunction *function;
}
@end

@implementation FakeFunction
- (NSString *)name
{
	return name;
}
- (void)dealloc
{
	fake.live--;
	[library release];
	[name release];
	[super dealloc];
}
@end

@implementation FakeLibrary
- (id<MTLFunction>)newFunctionWithName:(NSString *)name
{
	if (fake.missing_kernel && !strcmp(fake.missing_kernel, [name UTF8String]))
		return nil;
	for (int i = 0; name_of(i); i++) {
		if (strcmp(name_of(i), [name UTF8String]))
			continue;
		FakeFunction *f = [FakeFunction new];

		fake.live++;
		f->library = [self retain];
		f->name = [name copy];
		return f;
	}
	return nil;
}
- (void)dealloc
{
	fake.live--;
	[super dealloc];
}
@end

@implementation FakePipeline
- (NSUInteger)maxTotalThreadsPerThreadgroup
{
	return THREADS_MAX;
}
- (NSUInteger)threadExecutionWidth
{
	return 32;
}
- (void)dealloc
{
	fake.live--;
	[function release];
	[super dealloc];
}
@end

static uint64_t hash_of(const char *text)
{
	uint64_t h = 14695981039346656037ull; /* FNV-1a */

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211ull;
	return h;
}

/* Whether the text of `path` is `text`. */
static BOOL file_says(const char *path, const char *text)
{
	const size_t length = strlen(text);
	char *read = malloc(length + 1);
	FILE *f = fopen(path, "r");
	BOOL same = f && fread(read, 1, length + 1, f) == length && !memcmp(read, text, length);

	if (f)
		fclose(f);
	free(read);
	return same;
}

/* Fills `file` with the library that run.sh built of a shipped kernel, if that is what `source` says. */
static BOOL is_shipped(const char *source, char *file, size_t size)
{
	glob_t kernels = {0};
	BOOL found = NO;

	glob("kernels/metal/*.metal", 0, NULL, &kernels);
	for (size_t i = 0; i < kernels.gl_pathc && !found; i++) {
		const char *const path = kernels.gl_pathv[i], *const stem = strrchr(path, '/') + 1;

		snprintf(file, size, FAKE_BUILD "/%.*s.so", (int)(strlen(stem) - strlen(".metal")), stem);
		found = file_says(path, source) && access(file, R_OK) == 0;
	}
	globfree(&kernels);
	return found;
}

/* Compiles unless the same text was compiled before; fills `file`, or returns the compiler's text. Caller
 * frees. */
static char *compile(const char *source, char *file, size_t size)
{
	char base[256], command[2048];
	char *log = calloc(1, 4096);
	FILE *f;

	if (is_shipped(source, file, size))
		return free(log), NULL;
	snprintf(base, sizeof base, FAKE_BUILD "/lib%016llx", (unsigned long long)hash_of(source));
	snprintf(file, size, "%s.so", base);
	if (access(file, R_OK) == 0)
		return free(log), NULL;
	fake.compiles++;
	snprintf(command, sizeof command, "%s.metal", base);
	f = fopen(command, "w");
	if (!f || fputs(source, f) < 0 || fclose(f))
		fake_misuse("cannot write %s", command);
	snprintf(command, sizeof command,
		 "(" FAKE_BUILD "/rewrite %s.metal %s.cpp && " FAKE_CXX
		 " %s.cpp -o %s.tmp && mv %s.tmp %s.so) 2>%s.log",
		 base, base, base, base, base, base, base);
	if (system(command) == 0)
		return free(log), NULL;
	snprintf(command, sizeof command, "%s.log", base);
	f = fopen(command, "r");
	if (f) {
		const size_t n = fread(log, 1, 4095, f);

		log[n] = '\0';
		fclose(f);
	}
	return log;
}

/* ---- command buffers ---- */
@interface FakeDispatch : NSObject <FakeCommand> {
      @public
	FakePipeline *pipeline;
	struct msl_args args;
	NSData *bytes[MSL_BUFFERS];
}
@end
@implementation FakeDispatch
- (NSError *)carryOut
{
	FakeLibrary *l = pipeline->function->library;

	fake.dispatches++;
	if (fake.idle)
		return nil;
	args.order = fake.order;
	if (l->dispatch([pipeline->function->name UTF8String], &args))
		return fake_error(MTLCommandBufferErrorPageFault, "%s", l->why());
	if (fake.wrong)
		for (int i = 0; i < MSL_BUFFERS; i++) /* the results come before the parameters */
			if (args.buf[i] && !bytes[i] &&
			    (i + 1 == MSL_BUFFERS || !args.buf[i + 1] || bytes[i + 1]))
				memset(args.buf[i], 0x41, args.len[i] < 256 ? args.len[i] : args.len[i] / 2);
	return nil;
}
- (void)dealloc
{
	[pipeline release];
	for (int i = 0; i < MSL_BUFFERS; i++)
		[bytes[i] release];
	[super dealloc];
}
@end

@interface FakeEncoder : NSObject <MTLComputeCommandEncoder> {
      @public
	FakeCommandBuffer *owner;
	FakePipeline *pipeline;
	FakeBuffer *buffers[MSL_BUFFERS];
	NSUInteger offsets[MSL_BUFFERS];
	NSData *bytes[MSL_BUFFERS];
	BOOL ended;
}
@end

static double seconds_of(int commands, double really)
{
	double sum = 0;

	if (fake.beta <= 0)
		return really;
	for (int i = 0; i < commands; i++) {
		double normal = -6;

		for (int k = 0; k < 12; k++)
			normal += (double)(random_next(&noise_state) >> 11) * 0x1p-53;
		sum += (fake.alpha + fake.bytes / fake.beta) * (1 + fake.noise * normal);
	}
	return sum;
}

@implementation FakeCommandBuffer
- (id)init
{
	self = [super init];
	commands = [NSMutableArray new];
	fake.live++;
	return self;
}
- (void)add:(id<FakeCommand>)command
{
	if (status != MTLCommandBufferStatusNotEnqueued)
		fake_misuse("encoding into a command buffer that was committed");
	[commands addObject:command];
}
- (id<MTLComputeCommandEncoder>)computeCommandEncoder
{
	FakeEncoder *e;

	if (open)
		fake_misuse("a second encoder while one is open");
	if (status != MTLCommandBufferStatusNotEnqueued)
		fake_misuse("an encoder of a command buffer that was committed");
	e = [[FakeEncoder new] autorelease];
	fake.live++;
	e->owner = self;
	open = e;
	return e;
}
- (id<MTLComputeCommandEncoder>)computeCommandEncoderWithDispatchType:(MTLDispatchType)type
{
	(void)type;
	return [self computeCommandEncoder];
}
- (void)commit
{
	if (open)
		fake_misuse("commit with an encoder open");
	if (status != MTLCommandBufferStatusNotEnqueued)
		fake_misuse("a command buffer is committed twice");
	status = MTLCommandBufferStatusCommitted;
	if (!committed)
		committed = [NSMutableArray new];
	[committed addObject:self];
	if (++fake.in_flight > fake.in_flight_max)
		fake.in_flight_max = fake.in_flight;
}
- (void)execute
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (NSUInteger i = 0; i < [commands count] && !error; i++)
		error = [[[commands objectAtIndex:i] carryOut] retain];
	clock_gettime(CLOCK_MONOTONIC, &b);
	fake.in_flight--;
	if (++fake.command_buffers == fake.fail_at && !error)
		error = [fake_error(fake.fail_code, "as the test ordered (code %d)", fake.fail_code) retain];
	status = error ? MTLCommandBufferStatusError : MTLCommandBufferStatusCompleted;
	start = clock_s + fake.gap;
	end = start +
	      seconds_of((int)[commands count],
			 (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec) + 1e-9);
	clock_s = end;
}
- (void)waitUntilCompleted
{
	if (status == MTLCommandBufferStatusNotEnqueued)
		fake_misuse("waiting for a command buffer that was not committed");
	while (status == MTLCommandBufferStatusCommitted) {
		FakeCommandBuffer *first = [[committed objectAtIndex:0] retain];

		[committed removeObjectAtIndex:0];
		[first execute];
		[first release];
	}
}
- (MTLCommandBufferStatus)status
{
	return status;
}
- (NSError *)error
{
	return error;
}
- (CFTimeInterval)GPUStartTime
{
	return status < MTLCommandBufferStatusCompleted || fake.no_stamps ? 0 : start;
}
- (CFTimeInterval)GPUEndTime
{
	return status < MTLCommandBufferStatusCompleted || fake.no_stamps ? 0 : end;
}
- (void)dealloc
{
	fake.live--;
	[commands release];
	[error release];
	[super dealloc];
}
@end

@implementation FakeEncoder
- (void)setComputePipelineState:(id<MTLComputePipelineState>)state
{
	if (!state)
		fake_misuse("setComputePipelineState: nil");
	[state retain];
	[pipeline release];
	pipeline = (FakePipeline *)state;
}
- (void)setBuffer:(id<MTLBuffer>)buffer offset:(NSUInteger)offset atIndex:(NSUInteger)index
{
	if (index >= MSL_BUFFERS)
		fake_misuse("buffer index %u, the last is 30", (unsigned)index);
	if (!buffer || offset >= [buffer length] || offset % 4)
		fake_misuse("buffer %u: nil, or its offset is past the end or odd", (unsigned)index);
	buffers[index] = (FakeBuffer *)buffer; /* not retained: our command buffers are not */
	offsets[index] = offset;
	[bytes[index] release];
	bytes[index] = nil;
}
- (void)setBytes:(const void *)from length:(NSUInteger)length atIndex:(NSUInteger)index
{
	if (index >= MSL_BUFFERS)
		fake_misuse("buffer index %u, the last is 30", (unsigned)index);
	if (!length || length > SETBYTES_MAX)
		fake_misuse("setBytes: of %u bytes, 1 to 4096 are allowed", (unsigned)length);
	[bytes[index] release];
	bytes[index] = [[NSData alloc] initWithBytes:from length:length];
	buffers[index] = nil;
}
- (void)dispatchThreadgroups:(MTLSize)groups threadsPerThreadgroup:(MTLSize)threads
{
	const NSUInteger n = threads.width * threads.height * threads.depth;
	FakeDispatch *d = [[FakeDispatch new] autorelease];

	if (ended)
		fake_misuse("a dispatch after endEncoding");
	if (!pipeline)
		fake_misuse("a dispatch without a pipeline");
	if (!n || n > THREADS_MAX || !groups.width || !groups.height || !groups.depth)
		fake_misuse("a dispatch of %u threadgroups of %u threads", (unsigned)groups.width,
			    (unsigned)n);
	d->pipeline = [pipeline retain];
	for (int i = 0; i < MSL_BUFFERS; i++) {
		if (buffers[i]) {
			d->args.buf[i] = buffers[i]->at + offsets[i];
			d->args.len[i] = buffers[i]->size - offsets[i];
		} else if (bytes[i]) {
			d->bytes[i] = [bytes[i] retain];
			d->args.buf[i] = (void *)(uintptr_t)[bytes[i] bytes];
			d->args.len[i] = [bytes[i] length];
		}
	}
	d->args.groups[0] = (uint32_t)groups.width;
	d->args.groups[1] = (uint32_t)groups.height;
	d->args.groups[2] = (uint32_t)groups.depth;
	d->args.tg[0] = (uint32_t)threads.width;
	d->args.tg[1] = (uint32_t)threads.height;
	d->args.tg[2] = (uint32_t)threads.depth;
	[owner add:d];
}
- (void)endEncoding
{
	if (ended)
		fake_misuse("endEncoding twice");
	ended = YES;
	owner->open = nil;
}
- (void)dealloc
{
	if (!ended)
		fake_misuse("an encoder goes without endEncoding");
	fake.live--;
	[pipeline release];
	for (int i = 0; i < MSL_BUFFERS; i++)
		[bytes[i] release];
	[super dealloc];
}
@end

/* ---- device and queue ---- */
@interface FakeQueue : NSObject <MTLCommandQueue>
@end
@implementation FakeQueue
- (id<MTLCommandBuffer>)commandBuffer
{
	return [[FakeCommandBuffer new] autorelease];
}
- (id<MTLCommandBuffer>)commandBufferWithUnretainedReferences
{
	return [self commandBuffer];
}
- (void)addResidencySet:(id<MTLResidencySet>)set
{
	if (!set)
		fake_misuse("addResidencySet: nil");
	((FakeResidencySet *)set)->attached = YES;
}
- (void)removeResidencySet:(id<MTLResidencySet>)set
{
	((FakeResidencySet *)set)->attached = NO;
}
- (void)dealloc
{
	fake.live--;
	[super dealloc];
}
@end

@interface FakeDevice : NSObject <MTLDevice>
@end
@implementation FakeDevice
- (NSString *)name
{
	return @"Fake GPU";
}
- (NSUInteger)maxBufferLength
{
	return fake.buffer_max_B;
}
- (uint64_t)recommendedMaxWorkingSetSize
{
	return fake.working_set_B;
}
- (BOOL)supportsFamily:(MTLGPUFamily)family
{
	return family != FAMILY_METAL4 || fake.metal4;
}
- (id<MTLCommandQueue>)newCommandQueue
{
	if (fake.no_queue)
		return nil;
	fake.live++;
	return [FakeQueue new];
}
- (id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options
{
	if (options != MTLResourceStorageModeShared)
		fake_misuse("only shared buffers are emulated");
	fake.allocations++;
	if (!length || length > fake.buffer_max_B || (size_t)fake.allocations == fake.allocate_fail_at)
		return nil;
	return [[FakeBuffer alloc] initWithSize:length];
}
- (id<MTLLibrary>)newLibraryWithSource:(NSString *)source
			       options:(MTLCompileOptions *)options
				 error:(NSError **)error
{
	const char *text = [source UTF8String];
	char file[512], *log = NULL;
	FakeLibrary *l;
	void *so;

	if (!options->language || !options->math_set)
		fake_misuse("a library whose language version or mathematics is left to chance");
	if (!*text || fake.compile_fails)
		log = strdup("program_source:12:7: error: use of undeclared identifier 'x'");
	else if (strstr(text, "metal_tensor>") && (options->language < MSL_4_0 || fake.macos < 26))
		log = strdup("program_source:13:10: fatal error: 'metal_tensor' file not found");
	else if (strstr(text, "bfloat") && options->language < MSL_3_1)
		log = strdup("program_source: error: unknown type name 'bfloat'");
	else
		log = compile(text, file, sizeof file);
	if (log) {
		*error = fake_error(3, "%s", log);
		free(log);
		return nil;
	}
	so = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!so)
		fake_misuse("%s", dlerror());
	l = [FakeLibrary new];
	fake.live++;
	*(void **)&l->dispatch = dlsym(so, "msl_dispatch");
	*(void **)&l->why = dlsym(so, "msl_error");
	*(void **)&l->name_of = dlsym(so, "msl_name");
	return l;
}
- (id<MTLComputePipelineState>)newComputePipelineStateWithFunction:(id<MTLFunction>)function
							     error:(NSError **)error
{
	FakePipeline *p;

	if (!function)
		fake_misuse("a pipeline of no function");
	if (fake.pipeline_fails) {
		*error = fake_error(3, "too many registers");
		return nil;
	}
	p = [FakePipeline new];
	fake.live++;
	p->function = [(FakeFunction *)function retain];
	return p;
}
- (id<MTLResidencySet>)newResidencySetWithDescriptor:(MTLResidencySetDescriptor *)descriptor
					       error:(NSError **)error
{
	(void)error;
	if (!descriptor || fake.macos < 15)
		fake_misuse("a residency set without descriptor, or before macOS 15");
	fake.live++;
	return [FakeResidencySet new];
}
- (void)dealloc
{
	fake.live--;
	[super dealloc];
}
@end

id<MTLDevice> MTLCreateSystemDefaultDevice(void)
{
	if (fake.no_device)
		return nil;
	fake.live++;
	return [FakeDevice new];
}
