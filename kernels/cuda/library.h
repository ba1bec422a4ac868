/*
 * library.h - NVIDIA's libraries as they are found when the program runs: the driver, the run-time compiler, cuBLAS.
 *
 * Nothing of CUDA is needed to build: the functions are declared here as their documentation has them (CUDA Driver API,
 * NVRTC and cuBLAS, release 13.0; each is exported under the same name since release 11.4) and looked up by name. Where
 * LEMURSIM_CUDA_LIBRARIES is set, that folder is the only place where they are looked for.
 */
#ifndef KERNELS_CUDA_LIBRARY_H
#define KERNELS_CUDA_LIBRARY_H
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"

/* CUlaunchConfig and CUlaunchAttribute of cuda.h. */
struct cuda_launch_attribute {
	int id, pad;
	union {
		char room[64];
		int early;
	} value;
};
struct cuda_launch {
	unsigned blocks[3], threads[3], shared_B;
	void *stream;
	struct cuda_launch_attribute *attributes;
	unsigned attributes_n;
};

/* A status is 0 or an error's number, for all three libraries. */
struct cuda_driver {
	void *loaded;
	int (*init)(unsigned flags);
	int (*driver_version)(int *version); /* 1000 major + 10 minor */
	int (*error_name)(int status, const char **text);
	int (*error_text)(int status, const char **text);
	int (*device_count)(int *n);
	int (*device_get)(int *device, int ordinal);
	int (*device_name)(char *name, int room, int device);
	int (*device_attribute)(int *value, int attribute, int device);
	int (*device_memory)(size_t *bytes, int device);
	int (*ctx_create)(void **ctx, unsigned flags, int device);
	int (*ctx_destroy)(void *ctx);
	int (*ctx_synchronize)(void);
	int (*mem_info)(size_t *available, size_t *all);
	int (*mem_alloc)(uint64_t *at, size_t bytes);
	int (*mem_free)(uint64_t at);
	int (*host_alloc)(void **at, size_t bytes, unsigned flags);
	int (*host_free)(void *at);
	int (*to_device)(uint64_t to, const void *from, size_t bytes);
	int (*to_host)(void *to, uint64_t from, size_t bytes);
	int (*on_device)(uint64_t to, uint64_t from, size_t bytes);
	int (*set_bytes)(uint64_t at, unsigned char value, size_t bytes);
	int (*module_load)(void **module, const void *image);
	int (*module_unload)(void *module);
	int (*module_function)(void **function, void *module, const char *name);
	int (*function_attribute)(int *value, int attribute, void *function);
	int (*launch)(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
		      unsigned bz, unsigned shared_B, void *stream, void **args, void **extra);
	int (*launch_with)(const struct cuda_launch *l, void *function, void **args,
			   void **extra); /* NULL before CUDA 11.8 */
	int (*stream_create)(void **stream, unsigned flags);
	int (*stream_destroy)(void *stream);
	int (*stream_synchronize)(void *stream);
	int (*capture_begin)(void *stream, int mode);
	int (*capture_end)(void *stream, void **graph);
	int (*graph_instantiate)(void **exec, void *graph, unsigned long long flags);
	int (*graph_launch)(void *exec, void *stream);
	int (*graph_exec_destroy)(void *exec);
	int (*graph_destroy)(void *graph);
	int (*event_create)(void **event, unsigned flags);
	int (*event_destroy)(void *event);
	int (*event_record)(void *event, void *stream);
	int (*event_synchronize)(void *event);
	int (*event_elapsed)(float *ms, void *from, void *to);
};

enum { /* CUdevice_attribute, CUfunction_attribute, CUlaunchAttributeID, CUstream_flags, CUstreamCaptureMode of cuda.h */
       DEVICE_CORES = 16,
       DEVICE_CACHE_B = 38,
       DEVICE_MAJOR = 75,
       DEVICE_MINOR = 76,
       FUNCTION_THREADS_MAX = 0,
       LAUNCH_EARLY = 6, /* programmatic stream serialization */
       STREAM_NON_BLOCKING = 1,
       CAPTURE_THREAD_LOCAL = 1
};

struct cuda_compiler {
	void *loaded;
	int (*version)(int *major, int *minor);
	const char *(*error_text)(int status);
	int (*archs_n)(int *n);
	int (*archs)(int *at); /* 75, 80, ... */
	int (*create)(void **program, const char *source, const char *name, int headers_n,
		      const char *const *headers, const char *const *names);
	int (*destroy)(void **program);
	int (*compile)(void *program, int options_n, const char *const *options);
	int (*log_size)(void *program, size_t *n);
	int (*log)(void *program, char *text);
	int (*cubin_size)(void *program, size_t *n);
	int (*cubin)(void *program, char *image);
	int (*ptx_size)(void *program, size_t *n);
	int (*ptx)(void *program, char *text);
};

struct cuda_blas {
	void *loaded;
	int (*create)(void **handle);
	int (*destroy)(void *handle);
	int (*version)(void *handle, int *version); /* 10000 major + 100 minor + patch */
	const char *(*error_name)(int status);
	int (*set_stream)(void *handle, void *stream);
	int (*set_workspace)(void *handle, void *at, size_t bytes);
	/* Matrices by columns. Types are cudaDataType's, `compute` is cublasComputeType_t's. */
	int (*gemm)(void *handle, int trans_a, int trans_b, int m, int n, int k, const void *alpha,
		    const void *a, int type_a, int lda, const void *b, int type_b, int ldb, const void *beta,
		    void *c, int type_c, int ldc, int compute, int algorithm);
};

enum { /* cublasOperation_t, cudaDataType, cublasComputeType_t, cublasGemmAlgo_t */
       BLAS_PLAIN = 0,
       BLAS_TRANSPOSED = 1,
       BLAS_F32 = 0,
       BLAS_F16 = 2,
       BLAS_BF16 = 14,
       BLAS_COMPUTE_F16 = 64,
       BLAS_COMPUTE_F32 = 68,
       BLAS_DEFAULT = -1
};

/* Load a library and find its functions. 0, or -1 with err: it is not there, or it is too old and lacks a function.
 * Libraries stay loaded for the life of the process. */
int cuda_driver_load(struct cuda_driver *d, struct err *err);
int cuda_compiler_load(struct cuda_compiler *c, struct err *err);
int cuda_blas_load(struct cuda_blas *b, struct err *err);

/* 0 where status is 0, else -1 with err: "cuda: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory". */
int cuda_driver_check(const struct cuda_driver *d, const char *call, int status, struct err *err);
int cuda_compiler_check(const struct cuda_compiler *c, const char *call, int status, struct err *err);
int cuda_blas_check(const struct cuda_blas *b, const char *call, int status, struct err *err);

#endif
