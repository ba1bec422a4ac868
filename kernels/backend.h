/*
 * backend.h - the interface between the suite and a device; one implementation for each way to compute.
 *
 * The suite uses nothing else of a backend. A backend prepares one case at a time: buffers of random data (never
 * zeros), as many of them in rotation as exceed the caches where the case asks for cold data, and one check of the
 * result against a reference at the shape that will be timed. A wrong result is an error.
 */
#ifndef KERNELS_BACKEND_H
#define KERNELS_BACKEND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/calib/samples.h"

/* Kernels of SAMPLE_LAYER that do work, each operation one; the tokens behind which they run. */
enum { LAYER_WORK = SAMPLE_LAYER_WORK, LAYER_CONTEXT = 256 };

struct bench_case {
	enum sample_kind kind;
	enum sample_dtype dtype;
	const char *path; /* which implementation of the backend's; NULL: its only one */
	int64_t m, n, k;
	int64_t heads, kv_heads, head_dim;
	int64_t threads;    /* CPU: how many; 0: all */
	double bytes, flop; /* of one repetition, as samples.h counts them */
	bool cold;          /* rotate buffers: every repetition finds its data in memory, not in a cache */
};

struct backend_info {
	char chip[64], os[64], build[64], power[64];
	char note[440]; /* implementations that are unavailable, and why; empty: none */
	int64_t cores, ram_B, working_set_B, cache_B; /* cache_B: of the last level */
	bool low_power, on_battery;
};

struct backend {
	const char *name;         /* runtime in the profile: "cblas", "metal", "cuda" */
	const char *device;       /* "cpu", "gpu" */
	const char *const *paths; /* NULL-terminated: implementations, "simdgroup", "mps", "tensor" */
	bool own_memory; /* the device's memory is not the host's: it has a hardware file of its own */
	int (*present)(
		struct err *err); /* -1 with err: this machine has no such device. NULL: every machine has */
	/* open, info, prepare and run return 0, or -1 with err. *self belongs to the backend: open() makes it, close()
	 * frees it. */
	int (*open)(void **self, struct err *err);
	void (*close)(void *self);
	int (*info)(void *self, struct backend_info *info, struct err *err);
	bool (*can)(void *self, const struct bench_case *c); /* false: the case is left out on this machine */
	int (*prepare)(void *self, const struct bench_case *c, struct err *err);
	/* Runs the prepared case `reps` times in one submission; *seconds for all of them: device time stamps
	 * where they exist, else host time around the batch. */
	int (*run)(void *self, int64_t reps, double *seconds, struct err *err);
	void (*finish)(void *self); /* frees what prepare() made; NULL-safe, also after a failed prepare */
};

extern const struct backend backend_cpu;
#ifdef __APPLE__
extern const struct backend backend_metal;
#else
extern const struct backend backend_cuda;
#endif

#endif
