/* library.c - see library.h. */
#include "kernels/cuda/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wanted {
	const char *name;
	size_t at; /* of the pointer in the table */
};

#define WANTED(table, field, name)                                                                           \
	{                                                                                                    \
		name, offsetof(struct table, field)                                                          \
	}

/* The names with _v2 are what cuda.h's macros make of the plain ones. */
static const struct wanted driver_functions[] = {
	WANTED(cuda_driver, init, "cuInit"),
	WANTED(cuda_driver, driver_version, "cuDriverGetVersion"),
	WANTED(cuda_driver, error_name, "cuGetErrorName"),
	WANTED(cuda_driver, error_text, "cuGetErrorString"),
	WANTED(cuda_driver, device_count, "cuDeviceGetCount"),
	WANTED(cuda_driver, device_get, "cuDeviceGet"),
	WANTED(cuda_driver, device_name, "cuDeviceGetName"),
	WANTED(cuda_driver, device_attribute, "cuDeviceGetAttribute"),
	WANTED(cuda_driver, device_memory, "cuDeviceTotalMem_v2"),
	WANTED(cuda_driver, ctx_create, "cuCtxCreate_v2"),
	WANTED(cuda_driver, ctx_destroy, "cuCtxDestroy_v2"),
	WANTED(cuda_driver, ctx_synchronize, "cuCtxSynchronize"),
	WANTED(cuda_driver, mem_info, "cuMemGetInfo_v2"),
	WANTED(cuda_driver, mem_alloc, "cuMemAlloc_v2"),
	WANTED(cuda_driver, mem_free, "cuMemFree_v2"),
	WANTED(cuda_driver, host_alloc, "cuMemHostAlloc"),
	WANTED(cuda_driver, host_free, "cuMemFreeHost"),
	WANTED(cuda_driver, to_device, "cuMemcpyHtoD_v2"),
	WANTED(cuda_driver, to_host, "cuMemcpyDtoH_v2"),
	WANTED(cuda_driver, on_device, "cuMemcpyDtoD_v2"),
	WANTED(cuda_driver, set_bytes, "cuMemsetD8_v2"),
	WANTED(cuda_driver, module_load, "cuModuleLoadData"),
	WANTED(cuda_driver, module_unload, "cuModuleUnload"),
	WANTED(cuda_driver, module_function, "cuModuleGetFunction"),
	WANTED(cuda_driver, function_attribute, "cuFuncGetAttribute"),
	WANTED(cuda_driver, launch, "cuLaunchKernel"),
	WANTED(cuda_driver, stream_create, "cuStreamCreate"),
	WANTED(cuda_driver, stream_destroy, "cuStreamDestroy_v2"),
	WANTED(cuda_driver, stream_synchronize, "cuStreamSynchronize"),
	WANTED(cuda_driver, capture_begin, "cuStreamBeginCapture_v2"),
	WANTED(cuda_driver, capture_end, "cuStreamEndCapture"),
	WANTED(cuda_driver, graph_instantiate, "cuGraphInstantiateWithFlags"),
	WANTED(cuda_driver, graph_launch, "cuGraphLaunch"),
	WANTED(cuda_driver, graph_exec_destroy, "cuGraphExecDestroy"),
	WANTED(cuda_driver, graph_destroy, "cuGraphDestroy"),
	WANTED(cuda_driver, event_create, "cuEventCreate"),
	WANTED(cuda_driver, event_destroy, "cuEventDestroy_v2"),
	WANTED(cuda_driver, event_record, "cuEventRecord"),
	WANTED(cuda_driver, event_synchronize, "cuEventSynchronize"),
	WANTED(cuda_driver, event_elapsed, "cuEventElapsedTime")};
static const struct wanted compiler_functions[] = {
	WANTED(cuda_compiler, version, "nvrtcVersion"),
	WANTED(cuda_compiler, error_text, "nvrtcGetErrorString"),
	WANTED(cuda_compiler, archs_n, "nvrtcGetNumSupportedArchs"),
	WANTED(cuda_compiler, archs, "nvrtcGetSupportedArchs"),
	WANTED(cuda_compiler, create, "nvrtcCreateProgram"),
	WANTED(cuda_compiler, destroy, "nvrtcDestroyProgram"),
	WANTED(cuda_compiler, compile, "nvrtcCompileProgram"),
	WANTED(cuda_compiler, log_size, "nvrtcGetProgramLogSize"),
	WANTED(cuda_compiler, log, "nvrtcGetProgramLog"),
	WANTED(cuda_compiler, cubin_size, "nvrtcGetCUBINSize"),
	WANTED(cuda_compiler, cubin, "nvrtcGetCUBIN"),
	WANTED(cuda_compiler, ptx_size, "nvrtcGetPTXSize"),
	WANTED(cuda_compiler, ptx, "nvrtcGetPTX")};
static const struct wanted blas_functions[] = {WANTED(cuda_blas, create, "cublasCreate_v2"),
					       WANTED(cuda_blas, destroy, "cublasDestroy_v2"),
					       WANTED(cuda_blas, version, "cublasGetVersion_v2"),
					       WANTED(cuda_blas, error_name, "cublasGetStatusName"),
					       WANTED(cuda_blas, set_stream, "cublasSetStream_v2"),
					       WANTED(cuda_blas, set_workspace, "cublasSetWorkspace_v2"),
					       WANTED(cuda_blas, gemm, "cublasGemmEx")};

/* The newest first. The last name is that of development packages. */
static const char *const driver_names[] = {"libcuda.so.1"};
static const char *const compiler_names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2",
					     "libnvrtc.so"};
static const char *const blas_names[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so.11",
					 "libcublas.so"};

enum { FOLDERS_MAX = 5, FOLDER_MAX = 512 };

/* Folders that end with '/'; "": where the system's loader looks. */
static size_t folders(char (*at)[FOLDER_MAX])
{
	static const char *const variables[] = {"CUDA_PATH", "CUDA_HOME"};
	const char *only = getenv("LEMURSIM_CUDA_LIBRARIES");
	size_t n = 0;

	if (only) {
		snprintf(at[0], sizeof at[0], "%s/", only);
		return 1;
	}
	at[n++][0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *root = getenv(variables[i]);

		if (root && root[0])
			snprintf(at[n++], sizeof at[0], "%s/lib64/", root);
	}
	strcpy(at[n++], "/usr/local/cuda/lib64/");
	strcpy(at[n++], "/usr/lib/wsl/lib/");
	return n;
}

static void *open_any(const char *const *names, size_t names_n)
{
	char in[FOLDERS_MAX][FOLDER_MAX], path[FOLDER_MAX + 32];
	const size_t folders_n = folders(in);

	for (size_t f = 0; f < folders_n; f++)
		for (size_t i = 0; i < names_n; i++) {
			void *found;

			snprintf(path, sizeof path, "%.*s%s", FOLDER_MAX - 1, in[f], names[i]);
			found = dlopen(path, RTLD_NOW | RTLD_LOCAL);
			if (found)
				return found;
		}
	return NULL;
}

struct source { /* a library's names and functions */
	const char *const *names;
	size_t names_n;
	const struct wanted *functions;
	size_t functions_n;
};

/* What newer libraries have, NULL in others. */
static const struct wanted driver_newer = WANTED(cuda_driver, launch_with, "cuLaunchKernelEx");

/* Fills a table whose first member is the loaded library. */
static int load(void *table, const struct source *from, struct err *err)
{
	void *library = open_any(from->names, from->names_n);

	if (!library)
		return err_set(err, "%s not found", from->names[from->names_n - 1]);
	for (size_t i = 0; i < from->functions_n; i++) {
		void *found = dlsym(library, from->functions[i].name);

		if (!found) {
			dlclose(library);
			return err_set(err, "%s has no function '%s': it is older than CUDA 11.4",
				       from->names[from->names_n - 1], from->functions[i].name);
		}
		memcpy((char *)table + from->functions[i].at, &found, sizeof found);
	}
	memcpy(table, &library, sizeof library);
	return 0;
}

int cuda_driver_load(struct cuda_driver *d, struct err *err)
{
	void *newer;

	if (load(d,
		 &(struct source){driver_names, ARRAY_LEN(driver_names), driver_functions,
				  ARRAY_LEN(driver_functions)},
		 err) != 0)
		return -1;
	newer = dlsym(d->loaded, driver_newer.name);
	memcpy((char *)d + driver_newer.at, &newer, sizeof newer);
	return 0;
}

int cuda_compiler_load(struct cuda_compiler *c, struct err *err)
{
	return load(c,
		    &(struct source){compiler_names, ARRAY_LEN(compiler_names), compiler_functions,
				     ARRAY_LEN(compiler_functions)},
		    err);
}

int cuda_blas_load(struct cuda_blas *b, struct err *err)
{
	return load(b,
		    &(struct source){blas_names, ARRAY_LEN(blas_names), blas_functions,
				     ARRAY_LEN(blas_functions)},
		    err);
}

int cuda_driver_check(const struct cuda_driver *d, const char *call, int status, struct err *err)
{
	const char *name = NULL, *text = NULL;

	if (!status)
		return 0;
	if (d->error_name(status, &name) != 0 || !name)
		name = "an unknown error";
	if (d->error_text(status, &text) != 0 || !text)
		text = "no reason given";
	return err_set(err, "cuda: %s: %s (%d): %s", call, name, status, text);
}

int cuda_compiler_check(const struct cuda_compiler *c, const char *call, int status, struct err *err)
{
	return status ? err_set(err, "cuda: %s: %s (%d)", call, c->error_text(status), status) : 0;
}

int cuda_blas_check(const struct cuda_blas *b, const char *call, int status, struct err *err)
{
	return status ? err_set(err, "cuda: %s: %s (%d)", call, b->error_name(status), status) : 0;
}
