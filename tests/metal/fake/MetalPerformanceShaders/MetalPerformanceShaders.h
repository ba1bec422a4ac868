/* MetalPerformanceShaders.h - the matrix product of Apple's MPS, real names; see fake_mps.m. */
#ifndef FAKE_MPS_H
#define FAKE_MPS_H
#import <Metal/Metal.h>

typedef uint32_t MPSDataType;
enum { MPSDataTypeFloat32 = 0x10000000 | 32, MPSDataTypeFloat16 = 0x10000000 | 16 };

@interface MPSMatrixDescriptor : NSObject {
      @public
	NSUInteger rows, columns, row_bytes;
	MPSDataType type;
}
+ (MPSMatrixDescriptor *)matrixDescriptorWithRows:(NSUInteger)rows
					  columns:(NSUInteger)columns
					 rowBytes:(NSUInteger)rowBytes
					 dataType:(MPSDataType)dataType;
@end

@interface MPSMatrix : NSObject {
      @public
	id<MTLBuffer> buffer;
	NSUInteger offset;
	MPSMatrixDescriptor *shape;
}
- (id)initWithBuffer:(id<MTLBuffer>)buffer
	      offset:(NSUInteger)offset
	  descriptor:(MPSMatrixDescriptor *)descriptor;
@end

@interface MPSMatrixMultiplication : NSObject {
      @public
	BOOL left_t, right_t;
	NSUInteger m, n, k;
	double alpha, beta;
}
- (id)initWithDevice:(id<MTLDevice>)device
	  transposeLeft:(BOOL)transposeLeft
	 transposeRight:(BOOL)transposeRight
	     resultRows:(NSUInteger)resultRows
	  resultColumns:(NSUInteger)resultColumns
	interiorColumns:(NSUInteger)interiorColumns
		  alpha:(double)alpha
		   beta:(double)beta;
- (void)encodeToCommandBuffer:(id<MTLCommandBuffer>)commandBuffer
		   leftMatrix:(MPSMatrix *)leftMatrix
		  rightMatrix:(MPSMatrix *)rightMatrix
		 resultMatrix:(MPSMatrix *)resultMatrix;
@end

BOOL MPSSupportsMTLDevice(id<MTLDevice> device);
#endif
