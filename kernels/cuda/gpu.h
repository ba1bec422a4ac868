/*
 * gpu.h - the state of the CUDA backend, and what gpu.c and timing.c do for host.c: keep a context, compile kernels, run
 * what is prepared and time it.
 */
#ifndef KERNELS_CUDA_GPU_H
#define KERNELS_CUDA_GPU_H
#include "kernels/backend.h"
#include "kernels/cuda/library.h"
#include "kernels/gpu/plan.h"

enum { MODULES_MAX = 8 };

struct cuda_module {
	const char *name; /* of the .cu file; static */
	void *module;
};

struct cuda {
	struct cuda_driver driver;
	struct cuda_compiler compiler;
	struct cuda_blas blas; /* loaded NULL: there is no cuBLAS, and no product of many rows */
	int device, major, minor;
	struct backend_info info;
	struct plan_limits limits;
	bool early; /* a kernel may be started while the one before it runs: see previous_end() of device.h */
	char blas_why[200]; /* why there is no cuBLAS */
	/* of the context; made again after an error that spoils it */
	void *ctx, *stream, *from, *to, *handle; /* from, to: events; handle: cuBLAS' */
	uint64_t workspace;                      /* cuBLAS', so that it allocates nothing in a graph */
	struct cuda_module modules[MODULES_MAX];
	bool suspect; /* a call has failed since the context was made */
	/* the case that is prepared */
	struct plan plan;
	bool ready;
	uint64_t buffers[PLAN_BUFFERS];
	void *host[PLAN_BUFFERS]; /* the first copy of each buffer, as it was filled or as it came back */
	void *functions[PLAN_STEPS];
	void *pinned;       /* PLAN_HOST_COPY: the other end */
	void *graph;        /* executable; NULL: repetitions are launched one by one */
	int64_t graph_reps; /* in it */
	double once_s;      /* of one repetition, roughly */
	int64_t turn;       /* of rotation */
};

/* A context with its stream, events and cuBLAS. 0, or -1 with err; what was made is dropped by context_drop(), NULL-safe. */
int context_make(struct cuda *m, struct err *err);
void context_drop(struct cuda *m);

/* The kernel of a step, compiled at its first use and kept. 0, or -1 with err, which has the compiler's log. */
int kernel_find(struct cuda *m, const struct plan_step *s, void **function, struct err *err);

/* Times repetitions of the prepared case by events, in a graph where they are short. 0, or -1 with err. */
int gpu_run(struct cuda *m, int64_t reps, double *seconds, struct err *err);
/* One launch for each, waited for; by the host's clock. */
int gpu_run_submit(struct cuda *m, int64_t reps, double *seconds, struct err *err);
int gpu_run_host_copy(struct cuda *m, int64_t reps, double *seconds, struct err *err);
/* Records repetitions as a graph where a launch would last longer than the kernel. 0, or -1 with err. */
int graph_make(struct cuda *m, struct err *err);

#endif
