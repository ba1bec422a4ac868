/* fake_mps.m - MPSMatrixMultiplication on the CPU; sizes and types are checked as Apple's asserts do. */
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#import "tests/metal/fake/fake_internal.h"

#include "kernels/gpu/numbers.h"

static size_t type_B(MPSDataType type)
{
	if (type != MPSDataTypeFloat32 && type != MPSDataTypeFloat16)
		fake_misuse("MPS: only float32 and float16 matrices are emulated");
	return type == MPSDataTypeFloat16 ? 2 : 4;
}

@implementation MPSMatrixDescriptor
+ (MPSMatrixDescriptor *)matrixDescriptorWithRows:(NSUInteger)rows
					  columns:(NSUInteger)columns
					 rowBytes:(NSUInteger)rowBytes
					 dataType:(MPSDataType)dataType
{
	MPSMatrixDescriptor *d = [[MPSMatrixDescriptor new] autorelease];

	if (!rows || !columns || rowBytes < columns * type_B(dataType) || rowBytes % type_B(dataType))
		fake_misuse("MPSMatrixDescriptor: %u x %u, %u bytes a row", (unsigned)rows, (unsigned)columns,
			    (unsigned)rowBytes);
	d->rows = rows;
	d->columns = columns;
	d->row_bytes = rowBytes;
	d->type = dataType;
	return d;
}
@end

@implementation MPSMatrix
- (id)initWithBuffer:(id<MTLBuffer>)b offset:(NSUInteger)o descriptor:(MPSMatrixDescriptor *)d
{
	self = [super init];
	if (!b || !d)
		fake_misuse("MPSMatrix: no buffer or no descriptor");
	if (o + (d->rows - 1) * d->row_bytes + d->columns * type_B(d->type) > [b length])
		fake_misuse("MPSMatrix: the buffer is too short");
	fake.live++;
	buffer = [b retain];
	shape = [d retain];
	offset = o;
	return self;
}
- (void)dealloc
{
	fake.live--;
	[buffer release];
	[shape release];
	[super dealloc];
}
@end

@interface FakeProduct : NSObject <FakeCommand> {
      @public
	MPSMatrixMultiplication *how;
	MPSMatrix *left, *right, *result;
}
@end

static double at(const MPSMatrix *x, NSUInteger row, NSUInteger column)
{
	const char *p = (const char *)[x->buffer contents] + x->offset + row * x->shape->row_bytes;

	return (double)(x->shape->type == MPSDataTypeFloat32
				? ((const float *)(const void *)p)[column]
				: float_of_half(((const uint16_t *)(const void *)p)[column]));
}

@implementation FakeProduct
- (NSError *)carryOut
{
	fake.products++;
	if (fake.idle)
		return nil;
	for (NSUInteger i = 0; i < how->m; i++) {
		char *row = (char *)[result->buffer contents] + result->offset + i * result->shape->row_bytes;

		for (NSUInteger j = 0; j < how->n; j++) {
			double sum = 0;

			for (NSUInteger k = 0; k < how->k; k++)
				sum += at(left, how->left_t ? k : i, how->left_t ? i : k) *
				       at(right, how->right_t ? j : k, how->right_t ? k : j);
			if (fake.wrong && i == 0)
				sum += 100;
			if (result->shape->type == MPSDataTypeFloat32)
				((float *)(void *)row)[j] = (float)sum;
			else
				((uint16_t *)(void *)row)[j] = half_of((float)sum);
		}
	}
	return nil;
}
- (void)dealloc
{
	[how release];
	[left release];
	[right release];
	[result release];
	[super dealloc];
}
@end

static void shape_check(const MPSMatrix *x, NSUInteger rows, NSUInteger columns, BOOL turned,
			const char *what)
{
	if (x->shape->rows != (turned ? columns : rows) || x->shape->columns != (turned ? rows : columns))
		fake_misuse("MPSMatrixMultiplication: the %s matrix is %u x %u", what,
			    (unsigned)x->shape->rows, (unsigned)x->shape->columns);
}

@implementation MPSMatrixMultiplication
- (id)initWithDevice:(id<MTLDevice>)device
	  transposeLeft:(BOOL)transposeLeft
	 transposeRight:(BOOL)transposeRight
	     resultRows:(NSUInteger)resultRows
	  resultColumns:(NSUInteger)resultColumns
	interiorColumns:(NSUInteger)interiorColumns
		  alpha:(double)a
		   beta:(double)b
{
	self = [super init];
	if (!device || a != 1.0 || b != 0.0)
		fake_misuse("MPSMatrixMultiplication: alpha 1 and beta 0 are emulated");
	fake.live++;
	left_t = transposeLeft;
	right_t = transposeRight;
	m = resultRows;
	n = resultColumns;
	k = interiorColumns;
	return self;
}
- (void)encodeToCommandBuffer:(id<MTLCommandBuffer>)commandBuffer
		   leftMatrix:(MPSMatrix *)leftMatrix
		  rightMatrix:(MPSMatrix *)rightMatrix
		 resultMatrix:(MPSMatrix *)resultMatrix
{
	FakeProduct *p = [[FakeProduct new] autorelease];

	shape_check(leftMatrix, m, k, left_t, "left");
	shape_check(rightMatrix, k, n, right_t, "right");
	shape_check(resultMatrix, m, n, NO, "result");
	p->how = [self retain];
	p->left = [leftMatrix retain];
	p->right = [rightMatrix retain];
	p->result = [resultMatrix retain];
	[(FakeCommandBuffer *)commandBuffer add:p];
}
- (void)dealloc
{
	fake.live--;
	[super dealloc];
}
@end

BOOL MPSSupportsMTLDevice(id<MTLDevice> device)
{
	return device != nil;
}
