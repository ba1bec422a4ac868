/*
 * device.h - what the kernels use of the GPU's own instructions; put before each .cu file when it is compiled.
 *
 * No header of CUDA's is included, so that NVRTC alone compiles the kernels. The tests put a header of their own in its
 * place (tests/cuda/shim/device.h) and run the same kernels on a CPU.
 */
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long long uint64;

#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
/* The compiler may take as many registers as it likes, so that fewer blocks run at once: what one block at the least for a multiprocessor means */
#define KERNEL_ALONE(threads) extern "C" __global__ void __launch_bounds__(threads, 1)
#define DEVICE          static __device__ __forceinline__
#define SHARED          __shared__ __align__(16)
#define PARAMS(type)    const type /* of a struct that is passed with the launch */
#define UNROLL          _Pragma("unroll")

struct alignas(16) words { /* 16 bytes, the widest access */
	uint at[4];
};
struct half {
	ushort bits;
};
struct bfloat {
	ushort bits;
};

DEVICE uint thread_of_block()
{
	return threadIdx.x;
}
DEVICE uint block_x()
{
	return blockIdx.x;
}
DEVICE uint block_y()
{
	return blockIdx.y;
}
DEVICE uint blocks_x()
{
	return gridDim.x;
}
DEVICE uint block_size()
{
	return blockDim.x;
}
DEVICE void block_barrier()
{
	__syncthreads();
}

/* A kernel may be started while the one before it in its stream runs, if its plan says so (plan.h: early; timing.c). It then waits first
 * for that one, so that what follows sees what it wrote; `next_begin` says that the next may be started from here on, else it is when all
 * blocks have ended. Nothing before compute capability 9.0. */
DEVICE void previous_end()
{
#if __CUDA_ARCH__ >= 900
	asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
DEVICE void next_begin()
{
#if __CUDA_ARCH__ >= 900
	asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

DEVICE float widen(float x)
{
	return x;
}
DEVICE float widen(half x)
{
	float f;

	asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(x.bits));
	return f;
}
DEVICE float widen(bfloat x)
{
	return __uint_as_float((uint)x.bits << 16);
}
DEVICE void narrow(float f, float *to)
{
	*to = f;
}
DEVICE void narrow(float f, half *to)
{
	asm("cvt.rn.f16.f32 %0, %1;" : "=h"(to->bits) : "f"(f));
}
DEVICE void narrow(float f, bfloat *to)
{
	const uint u = __float_as_uint(f);

	to->bits = (ushort)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}
DEVICE float float_of_bits(uint u)
{
	return __uint_as_float(u);
}

DEVICE uint bits_of_float(float x)
{
	return __float_as_uint(x);
}
DEVICE float size_of_float(float x)
{
	return fabsf(x);
}

/* sum + the products of four signed bytes of a and b, in whole numbers. */
DEVICE int dot4(uint a, uint b, int sum)
{
	return __dp4a((int)a, (int)b, sum);
}

DEVICE float exp2_fast(float x)
{
	float y;

	asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
	return y;
}
DEVICE float rsqrt_fast(float x)
{
	return rsqrtf(x);
}
DEVICE float root(float x)
{
	return sqrtf(x);
}
DEVICE float larger(float a, float b)
{
	return fmaxf(a, b);
}

/* The value of the lane whose number differs by the bits of `mask`; all lanes of the warp meet here. */
DEVICE float shuffle_xor(float x, uint mask)
{
	return __shfl_xor_sync(0xffffffffu, x, (int)mask);
}
DEVICE uint shuffle_xor(uint x, uint mask)
{
	return __shfl_xor_sync(0xffffffffu, x, (int)mask);
}

/* ---- compute capability 8.0; the kernels that use it are not launched on older devices, for which they are compiled ---- */
#if __CUDA_ARCH__ >= 800
#define PTX(...) asm volatile(__VA_ARGS__)
#else
#define PTX(...) __trap()
#endif

/* d[16][8] += a[16][16] b[16][8], f16 summed in f32 (PTX: mma.m16n8k16). */
DEVICE void multiply_add(float *d, const uint *a, const uint *b)
{
	PTX("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
	    "{%0,%1,%2,%3};"
	    : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
	    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* d[16][8] += a[16][32] b[32][8] in whole numbers of 8 bits (PTX: mma.m16n8k32). */
DEVICE void multiply_add_bytes(int *d, const uint *a, const uint *b)
{
	PTX("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
	    "{%0,%1,%2,%3};"
	    : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
	    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

DEVICE uint shared_address(const void *p)
{
	return (uint)__cvta_generic_to_shared(p);
}

/* Four 8 x 8 matrices of 16-bit numbers from shared memory; lane i gives the address of row i % 8 of matrix i / 8. */
DEVICE void matrices_load(uint *r, const half *row)
{
	PTX("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
	    : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
	    : "r"(shared_address(row))
	    : "memory");
}
DEVICE void matrices_load_transposed(uint *r, const half *row)
{
	PTX("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
	    : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
	    : "r"(shared_address(row))
	    : "memory");
}

/* 16 bytes into shared memory without waiting, zeros where `there` is false. */
DEVICE void copy_begin(half *to, const half *from, bool there)
{
	PTX("cp.async.cg.shared.global [%0], [%1], 16, %2;"
	    :
	    : "r"(shared_address(to)), "l"(from), "r"(there ? 16 : 0)
	    : "memory");
}
DEVICE void copies_close() /* a group of copies */
{
	PTX("cp.async.commit_group;" ::: "memory");
}
DEVICE void copies_wait_but_one() /* until at most the last group is under way */
{
	PTX("cp.async.wait_group 1;" ::: "memory");
}
DEVICE void copies_wait()
{
	PTX("cp.async.wait_group 0;" ::: "memory");
}

/* Two numbers rounded to f16, the first in the low half. */
DEVICE uint pack(float low, float high)
{
	half a, b;

	narrow(low, &a);
	narrow(high, &b);
	return (uint)a.bits | (uint)b.bits << 16;
}
