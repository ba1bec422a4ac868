/* fake_memory.m - the fake Mac's usual state; buffers, residency sets and options of its Metal; see
 * fake_metal.m. */
#import "tests/metal/fake/fake_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const struct fake fake_usual = {.macos = 26.0,
				.metal4 = true,
				.chip = "Apple M5",
				.cores = 10,
				.ram_B = 16LL << 30,
				.working_set_B = 12ull << 30,
				.buffer_max_B = 1ull << 30};
struct fake fake;

void fake_misuse(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "misuse of Metal: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

NSError *fake_error(NSInteger code, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return [NSError
		errorWithDomain:@"FakeMetal"
			   code:code
		       userInfo:[NSDictionary dictionaryWithObject:[NSString stringWithUTF8String:text]
							    forKey:NSLocalizedDescriptionKey]];
}

double fake_macos(void)
{
	return fake.macos;
}

@implementation NSProcessInfo (FakePower)
- (BOOL)isLowPowerModeEnabled
{
	return fake.low_power;
}
- (NSInteger)thermalState
{
	return 0;
}
@end

@implementation MTLCompileOptions
- (void)setLanguageVersion:(MTLLanguageVersion)version
{
	language = version;
}
- (void)setMathMode:(MTLMathMode)mode
{
	if (fake.macos < 15)
		fake_misuse("setMathMode: before macOS 15");
	(void)mode;
	math_set = YES;
}
- (void)setFastMathEnabled:(BOOL)enabled
{
	(void)enabled;
	math_set = YES;
}
@end

@implementation MTLResidencySetDescriptor
@end

/* ---- memory ---- */
@implementation FakeBuffer
- (id)initWithSize:(size_t)bytes
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + 15) / 16 * 16;
	const size_t len = (bytes + page - 1) / page * page;

	self = [super init];
	size = bytes;
	map_size = len + 2 * page;
	map = mmap(NULL, map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		   0);
	if (map == MAP_FAILED)
		fake_misuse("no memory for the fake itself");
	mprotect(map, page, PROT_NONE);
	mprotect(map + page + len, page, PROT_NONE);
	at = map + page + len - room;
	fake.live++;
	fake.allocated_B += size;
	return self;
}
- (void *)contents
{
	return at;
}
- (NSUInteger)length
{
	return size;
}
- (void)dealloc
{
	munmap(map, map_size);
	fake.live--;
	fake.allocated_B -= size;
	[super dealloc];
}
@end

@implementation FakeResidencySet
- (void)addAllocation:(id)allocation
{
	if (![allocation isKindOfClass:[FakeBuffer class]])
		fake_misuse("addAllocation: of no buffer");
	members++;
	committed_ = NO;
}
- (void)commit
{
	committed_ = YES;
}
- (void)requestResidency
{
	if (!committed_ || !members)
		fake_misuse("requestResidency of a set that is empty or not committed");
}
- (void)endResidency
{
}
- (void)dealloc
{
	if (attached)
		fake_misuse("a residency set goes while a queue has it");
	fake.live--;
	[super dealloc];
}
@end
