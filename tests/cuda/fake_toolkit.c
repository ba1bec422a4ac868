/* fake_toolkit.c - NVRTC and cuBLAS for tests; see fake.h. Statuses are those of nvrtc.h and cublas_api.h. */
#define _GNU_SOURCE /* dladdr() */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gpu/numbers.h"
#include "tests/cuda/fake_internal.h"

#define EXPORT __attribute__((visibility("default")))
#define ENTER(name, how)                                                                                     \
	do {                                                                                                 \
		const int status_ = fake_enter(name, how);                                                   \
		if (status_)                                                                                 \
			return status_;                                                                      \
	} while (0)

void *fake_self(void)
{
	static void *self;
	Dl_info info;

	if (!self && dladdr((void *)&fake, &info))
		self = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
	return self;
}

/* ---- NVRTC: an image is the name of what was compiled ---- */
static char image[64];
static bool as_ptx, compiled;

EXPORT int nvrtcVersion(int *major, int *minor)
{
	*major = 13;
	*minor = 0;
	return 0;
}

EXPORT const char *nvrtcGetErrorString(int status)
{
	return status == 6 ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR_OF_THE_FAKE";
}

EXPORT int nvrtcGetNumSupportedArchs(int *n)
{
	ENTER("nvrtcGetNumSupportedArchs", ANYWHERE);
	*n = fake.no_arch ? 2 : 4;
	return 0;
}

EXPORT int nvrtcGetSupportedArchs(int *at)
{
	ENTER("nvrtcGetSupportedArchs", ANYWHERE);
	memcpy(at, (int[]){75, 80, 90, 100}, (fake.no_arch ? 2 : 4) * sizeof(int));
	return 0;
}

EXPORT int nvrtcCreateProgram(void **program, const char *source, const char *name, int headers_n,
			      const char *const *headers, const char *const *names)
{
	ENTER("nvrtcCreateProgram", ANYWHERE);
	if (headers_n || headers || names)
		return 3;
	if (!strstr(source, "#define KERNEL(threads)") || !strstr(source, "KERNEL("))
		fake_misuse("a source without its device.h or its kernels", name);
	snprintf(image, sizeof image, "image of %s", name);
	*program = fake_new(OBJECT_PROGRAM);
	compiled = false;
	return 0;
}

EXPORT int nvrtcDestroyProgram(void **program)
{
	const int status = fake_free(*program, OBJECT_PROGRAM, "nvrtcDestroyProgram");

	*program = NULL;
	return status ? status : fake_enter("nvrtcDestroyProgram", ANYWHERE);
}

EXPORT int nvrtcCompileProgram(void *program, int options_n, const char *const *options)
{
	char own[48];

	(void)program;
	ENTER("nvrtcCompileProgram", ANYWHERE);
	as_ptx = true;
	for (int i = 0; i < options_n; i++) {
		snprintf(own, sizeof own, "--gpu-architecture=sm_%d%d", fake.major, fake.minor);
		as_ptx &= strcmp(options[i], own) != 0;
		if (!strncmp(options[i], "--gpu-architecture=compute_", 27) && !fake.no_arch)
			fake_misuse("not compiled for the device", options[i]);
	}
	if (fake.compile_log)
		return 6;
	fake.compiled++;
	compiled = true;
	return 0;
}

EXPORT int nvrtcGetProgramLogSize(void *program, size_t *n)
{
	(void)program;
	ENTER("nvrtcGetProgramLogSize", ANYWHERE);
	*n = fake.compile_log ? strlen(fake.compile_log) + 1 : 0;
	return 0;
}

EXPORT int nvrtcGetProgramLog(void *program, char *text)
{
	(void)program;
	ENTER("nvrtcGetProgramLog", ANYWHERE);
	strcpy(text, fake.compile_log ? fake.compile_log : "");
	return 0;
}

static int image_size(const char *call, bool ptx, size_t *n)
{
	ENTER(call, ANYWHERE);
	if (!compiled || ptx != as_ptx) {
		fake_misuse("no such image of this program", call);
		return 4;
	}
	*n = strlen(image) + 1;
	return 0;
}

EXPORT int nvrtcGetCUBINSize(void *program, size_t *n)
{
	(void)program;
	return image_size("nvrtcGetCUBINSize", false, n);
}

EXPORT int nvrtcGetPTXSize(void *program, size_t *n)
{
	(void)program;
	return image_size("nvrtcGetPTXSize", true, n);
}

EXPORT int nvrtcGetCUBIN(void *program, char *to)
{
	(void)program;
	ENTER("nvrtcGetCUBIN", ANYWHERE);
	strcpy(to, image);
	return 0;
}

EXPORT int nvrtcGetPTX(void *program, char *to)
{
	(void)program;
	ENTER("nvrtcGetPTX", ANYWHERE);
	strcpy(to, image);
	return 0;
}

/* ---- cuBLAS ---- */
static void *stream_of_handle, *workspace;

EXPORT int cublasCreate_v2(void **handle)
{
	ENTER("cublasCreate", IN_CONTEXT);
	*handle = fake_new(OBJECT_HANDLE);
	stream_of_handle = workspace = NULL;
	return 0;
}

EXPORT int cublasDestroy_v2(void *handle)
{
	const int status = fake_free(handle, OBJECT_HANDLE, "cublasDestroy");

	return status ? status : fake_enter("cublasDestroy", FREES);
}

EXPORT int cublasGetVersion_v2(void *handle, int *version)
{
	(void)handle;
	*version = 130002;
	return 0;
}

EXPORT const char *cublasGetStatusName(int status)
{
	(void)status;
	return "CUBLAS_STATUS_OF_THE_FAKE";
}

EXPORT int cublasSetStream_v2(void *handle, void *stream)
{
	(void)handle;
	ENTER("cublasSetStream", IN_CONTEXT);
	stream_of_handle = stream;
	return 0;
}

EXPORT int cublasSetWorkspace_v2(void *handle, void *at, size_t bytes)
{
	(void)handle;
	ENTER("cublasSetWorkspace", IN_CONTEXT);
	if (!fake_in_memory(at, bytes))
		return 7;
	workspace = at;
	return 0;
}

static double number(const void *at, int type, size_t i)
{
	return type == 0   ? (double)((const float *)at)[i]
	       : type == 2 ? (double)float_of_half(((const uint16_t *)at)[i])
			   : (double)float_of_bfloat(((const uint16_t *)at)[i]);
}

/* A is transposed: k x m by columns is m rows of k. */
int fake_product_execute(const struct fake_product *p)
{
	for (int j = 0; j < p->n; j++)
		for (int i = 0; i < p->m; i++) {
			const size_t at = (size_t)j * (size_t)p->m + (size_t)i;
			double sum = fake.spoil ? 1e6 : 0;

			for (int l = 0; l < p->k; l++)
				sum += number(p->a, p->type, (size_t)i * (size_t)p->k + (size_t)l) *
				       number(p->b, p->type, (size_t)j * (size_t)p->k + (size_t)l);
			if (p->type == 0)
				((float *)p->c)[at] = (float)sum;
			else
				((uint16_t *)p->c)[at] =
					p->type == 2 ? half_of((float)sum) : bfloat_of((float)sum);
		}
	return 0;
}

EXPORT int cublasGemmEx(void *handle, int trans_a, int trans_b, int m, int n, int k, const void *alpha,
			const void *a, int type_a, int lda, const void *b, int type_b, int ldb,
			const void *beta, void *c, int type_c, int ldc, int compute, int algorithm)
{
	const struct fake_product p = {m, n, k, type_a, a, b, c};
	const size_t size = type_a ? 2 : 4;

	(void)handle;
	ENTER("cublasGemmEx", IN_CONTEXT);
	const bool narrow = compute == 64; /* its factors are halves */

	if (trans_a != 1 || trans_b || lda != k || ldb != k || ldc != m || type_b != type_a ||
	    type_c != type_a || (compute != 68 && !(narrow && type_a == 2)) || algorithm != -1 ||
	    (narrow ? *(const uint16_t *)alpha != 0x3c00 || *(const uint16_t *)beta != 0
		    : *(const float *)alpha != 1 || *(const float *)beta != 0) ||
	    !workspace)
		return 7;
	if (!fake_in_memory(a, (size_t)m * (size_t)k * size) ||
	    !fake_in_memory(b, (size_t)n * (size_t)k * size) ||
	    !fake_in_memory(c, (size_t)m * (size_t)n * size))
		fake_misuse("past the end of a buffer", "cublasGemmEx");
	return fake_product_take(&p, stream_of_handle);
}
