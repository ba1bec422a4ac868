/*
 * report_backends.h - which programs and back ends a runtime of the catalogue stands for.
 *
 * Layer family. To know another runtime's programs and back ends, add a row to the table of runtimes.
 */
#ifndef SIM_FAMILY_REPORT_BACKENDS_H
#define SIM_FAMILY_REPORT_BACKENDS_H
#include "sim/family/report_rows.h"

/* Is the program one that the profile's runtime stands for? "llama" is any of llama.cpp's. */
bool report_runs(const struct profile *p, const char *tool);

/* Is the back end one of the profile's runtime? Of a runtime whose back ends nobody described all may be. */
bool report_has_backend(const struct profile *p, const char *name);

/* The catalogue's name of the runtime whose back end the row names, "vulkan" of "Vulkan,BLAS"; NULL: it names none, the CPU's
 * alone, or those of several. */
const char *report_backend_runtime(struct arena *a, const struct run *run);

/* Has that runtime known back ends, so that rows of others are none of it? NULL has none. */
bool report_knows_backends(const char *runtime);

/* Does the table have the profile's runtime, so that runs of programs that report_runs() does not know are none of it? */
bool report_knows_programs(const struct profile *p);

/* What a runtime of that program is called where a device has none: "llama.cpp" of llama-bench; the program's own name where
 * it is not known. */
const char *report_program(const char *tool);

/* The profile of a device that the row ran under: what it names, or, where `usual` has another back end than the row, the
 * latest that has it; NULL: the row does not tell, or the device has none. */
const struct profile *report_row_runtime(struct arena *a, const struct device *d, const struct profile *usual,
					 const struct run *run);

/* Is it a back end of the host alone, or of other machines: the CPU's, BLAS, RPC? */
bool report_backend_is_of_host(const char *backend);

/* Is the back end or device of that name one of the runtime's, or, of rows that make a new runtime, of the one that they are
 * of and of any runtime of the device? Of runtimes that nobody described all may be. */
bool report_backend_asked(const struct report_ask *ask, const char *backend);

/* A default build of llama.cpp for CUDA, or of that source for ROCm, has no flash attention kernel for a cache in that format and
 * leaves its attention to the CPU (ggml_cuda_fattn_kv_type_supported() of ggml/src/ggml-cuda/fattn.cu, ggml-org/llama.cpp@00a2d60):
 * one with GGML_CUDA_FA_ALL_QUANTS has them. */
bool report_cache_lacks_kernel(const struct profile *p, const struct precision *q);

#endif
