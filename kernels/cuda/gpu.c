/* gpu.c - the context, and the kernels compiled in it; see gpu.h. */
#include "kernels/cuda/gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/sources.h" /* made from device.h, rows.h, formats.h and the .cu files: cuda_source() */

enum { WORKSPACE_B = 32 << 20, LOG_SHOWN = 300, ARCHS_MAX = 64 };

static int blas_begin(struct cuda *m, struct err *err)
{
	const struct cuda_blas *b = &m->blas;

	if (!b->loaded)
		return 0;
	if (cuda_driver_check(&m->driver, "cuMemAlloc", m->driver.mem_alloc(&m->workspace, WORKSPACE_B),
			      err) != 0)
		return -1;
	if (cuda_blas_check(b, "cublasCreate", b->create(&m->handle), err) != 0 ||
	    cuda_blas_check(b, "cublasSetStream", b->set_stream(m->handle, m->stream), err) != 0)
		return -1;
	return cuda_blas_check(b, "cublasSetWorkspace",
			       b->set_workspace(m->handle, (void *)(uintptr_t)m->workspace, WORKSPACE_B),
			       err);
}

int context_make(struct cuda *m, struct err *err)
{
	const struct cuda_driver *d = &m->driver;

	m->suspect = false;
	if (cuda_driver_check(d, "cuCtxCreate", d->ctx_create(&m->ctx, 0, m->device), err) != 0 ||
	    cuda_driver_check(d, "cuStreamCreate", d->stream_create(&m->stream, STREAM_NON_BLOCKING), err) !=
		    0 ||
	    cuda_driver_check(d, "cuEventCreate", d->event_create(&m->from, 0), err) != 0 ||
	    cuda_driver_check(d, "cuEventCreate", d->event_create(&m->to, 0), err) != 0)
		return -1;
	return blas_begin(m, err);
}

void context_drop(struct cuda *m)
{
	const struct cuda_driver *d = &m->driver;

	if (!m->ctx)
		return;
	for (int i = 0; i < MODULES_MAX; i++)
		if (m->modules[i].module)
			d->module_unload(m->modules[i].module);
	if (m->handle)
		m->blas.destroy(m->handle);
	if (m->workspace)
		d->mem_free(m->workspace);
	if (m->to)
		d->event_destroy(m->to);
	if (m->from)
		d->event_destroy(m->from);
	if (m->stream)
		d->stream_destroy(m->stream);
	d->ctx_destroy(m->ctx);
	memset(m->modules, 0, sizeof m->modules);
	m->workspace = 0;
	m->ctx = m->stream = m->from = m->to = m->handle = NULL;
}

/* ---- compilation ---- */

/* The device's own machine code where the compiler knows the device, else the newest it knows, for the driver to finish. */
static int choose_arch(const struct cuda *m, char *option, size_t room, bool *native, struct err *err)
{
	const struct cuda_compiler *c = &m->compiler;
	const int own = 10 * m->major + m->minor;
	int archs[ARCHS_MAX], n, best = 0;

	*native = false;
	if (cuda_compiler_check(c, "nvrtcGetNumSupportedArchs", c->archs_n(&n), err) != 0)
		return -1;
	if (n < 1 || n > ARCHS_MAX)
		return err_set(err, "cuda: NVRTC says that it knows %d architectures", n);
	if (cuda_compiler_check(c, "nvrtcGetSupportedArchs", c->archs(archs), err) != 0)
		return -1;
	for (int i = 0; i < n; i++) {
		*native |= archs[i] == own;
		if (archs[i] <= own && archs[i] > best)
			best = archs[i];
	}
	if (!best)
		return err_set(err,
			       "cuda: this NVRTC knows no architecture as old as compute capability %d.%d",
			       m->major, m->minor);
	snprintf(option, room, "--gpu-architecture=%s_%d", *native ? "sm" : "compute", best);
	return 0;
}

static int compile_failed(const struct cuda *m, void *program, const char *name, struct err *err)
{
	const struct cuda_compiler *c = &m->compiler;
	char *log = NULL;
	size_t n = 0;

	if (c->log_size(program, &n) == 0 && n)
		log = calloc(1, n + 1);
	if (log && c->log(program, log) != 0)
		log[0] = '\0';
	err_set(err, "cuda: %s.cu does not compile: %.*s", name, LOG_SHOWN, log ? log : "no log");
	free(log);
	return -1;
}

static int image_load(const struct cuda *m, void *program, bool native, void **module, struct err *err)
{
	const struct cuda_compiler *c = &m->compiler;
	char *image;
	size_t n = 0;
	int rc;

	if (cuda_compiler_check(c, native ? "nvrtcGetCUBINSize" : "nvrtcGetPTXSize",
				native ? c->cubin_size(program, &n) : c->ptx_size(program, &n), err) != 0)
		return -1;
	image = malloc(n + 1);
	if (!image)
		return err_set(err, "cuda: no memory for %zu bytes of code", n);
	rc = cuda_compiler_check(c, native ? "nvrtcGetCUBIN" : "nvrtcGetPTX",
				 native ? c->cubin(program, image) : c->ptx(program, image), err);
	if (rc == 0)
		rc = cuda_driver_check(&m->driver, "cuModuleLoadData", m->driver.module_load(module, image),
				       err);
	free(image);
	return rc;
}

static int compile(const struct cuda *m, const char *name, void **module, struct err *err)
{
	const struct cuda_compiler *c = &m->compiler;
	const char *const before = cuda_source("device"), *const rows = cuda_source("rows"),
			  *const formats = cuda_source("formats"), *const kernels = cuda_source(name);
	const size_t room = strlen(before) + strlen(rows) + strlen(formats) + strlen(kernels) + 1;
	char arch[48], *source = malloc(room);
	/* fast mathematics, as runtimes; no kernel of ours counts on infinities or NaN */
	const char *options[] = {arch, "--std=c++17", "--use_fast_math"};
	void *program = NULL;
	bool native;
	int rc;

	if (!source)
		return err_set(err, "cuda: no memory to compile %s.cu", name);
	snprintf(source, room, "%s%s%s%s", before, rows, formats, kernels);
	rc = choose_arch(m, arch, sizeof arch, &native, err);
	if (rc == 0)
		rc = cuda_compiler_check(c, "nvrtcCreateProgram",
					 c->create(&program, source, name, 0, NULL, NULL), err);
	if (rc == 0 && c->compile(program, ARRAY_LEN(options), options) != 0)
		rc = compile_failed(m, program, name, err);
	if (rc == 0)
		rc = image_load(m, program, native, module, err);
	if (program)
		c->destroy(&program);
	free(source);
	return rc;
}

static int module_find(struct cuda *m, const char *name, void **module, struct err *err)
{
	int i = 0;

	while (m->modules[i].module && strcmp(m->modules[i].name, name) != 0)
		i++;
	if (!m->modules[i].module && compile(m, name, &m->modules[i].module, err) != 0)
		return -1;
	m->modules[i].name = name;
	*module = m->modules[i].module;
	return 0;
}

int kernel_find(struct cuda *m, const struct plan_step *s, void **function, struct err *err)
{
	const struct cuda_driver *d = &m->driver;
	void *module;
	int most;

	if (module_find(m, s->library, &module, err) != 0)
		return -1;
	if (cuda_driver_check(d, s->kernel, d->module_function(function, module, s->kernel), err) != 0 ||
	    cuda_driver_check(d, "cuFuncGetAttribute",
			      d->function_attribute(&most, FUNCTION_THREADS_MAX, *function), err) != 0)
		return -1;
	if (most < (int)s->threads)
		return err_set(err, "cuda: '%s' may run %d threads of a block, %u are needed", s->kernel,
			       most, s->threads);
	return 0;
}
