/* fake_internal.h - what the fake's files share: the buffer, and how a command gets into a command buffer. */
#ifndef FAKE_METAL_INTERNAL_H
#define FAKE_METAL_INTERNAL_H
#import <Metal/Metal.h>

#include "tests/metal/fake/fake.h"

@interface FakeBuffer : NSObject <MTLBuffer> {
      @public
	char *map, *at;
	size_t map_size, size;
}
- (id)initWithSize:(size_t)bytes;
@end

@interface FakeResidencySet : NSObject <MTLResidencySet> {
      @public
	int members;
	BOOL committed_, attached;
}
@end

/* Something to be done when the command buffer runs. */
@protocol FakeCommand <NSObject>
- (NSError *)carryOut; /* nil: went well */
@end

@interface FakeCommandBuffer : NSObject <MTLCommandBuffer> {
      @public
	NSMutableArray *commands;
	id open; /* the encoder; not retained */
	MTLCommandBufferStatus status;
	NSError *error;
	double start, end;
}
- (void)execute;
- (void)add:(id<FakeCommand>)command; /* refuses what may not come now */
@end

/* The program did what Metal forbids: says so and aborts. */
void fake_misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
NSError *fake_error(NSInteger code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif
