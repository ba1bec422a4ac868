/*
 * fake.h - what the tests tell the fake CUDA, and what it has seen. One library stands for the driver, NVRTC and cuBLAS.
 *
 * Kernels are executed (shim/), products are computed; the clock is made up: a launch takes kernel_s of device time,
 * another launch_s of the host's is not simulated. What real libraries refuse is refused; what they would not notice but
 * is wrong (a leak, a pointer past a buffer, a call that a capture forbids) is counted in `misuse`.
 */
#ifndef TESTS_CUDA_FAKE_H
#define TESTS_CUDA_FAKE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_OUT_OF_MEMORY = 2, FAKE_NO_DEVICE = 100, FAKE_INVALID_CONTEXT = 201, FAKE_ILLEGAL_ADDRESS = 700 };

struct fake_cuda {
	/* set by a test */
	int devices, major, minor, driver; /* driver: 1000 major + 10 minor */
	size_t memory;
	double kernel_s;
	double host_s; /* that passes before the first launch behind an event */
	int order;     /* of the warps in a block: tests/metal/shim/dispatch.h */
	bool skip;     /* launches count but do not execute */
	long fail_at;  /* this call, counted from 1, fails with status `fail_with`; 0: none */
	int fail_with;
	bool fail_sticks;        /* all later calls in that context fail too */
	const char *fail_kernel; /* launches of it are illegal accesses */
	const char *compile_log; /* programs do not compile, and this is the log */
	bool no_arch;            /* NVRTC knows only older architectures */
	bool spoil;              /* products and kernels leave a wrong element */
	/* seen */
	long calls;
	char failed_call[48];         /* the name of the call that was made to fail */
	long live, bytes, peak_bytes; /* objects that were made and not yet freed; of the device's memory */
	long launches, early, graph_launches, graphs, compiled, products; /* early: of the launches */
	long switches;    /* launches of another function than that of the one before */
	void *last;       /* the function of the last launch */
	char misuse[256]; /* the first; empty: none */
};

typedef struct fake_cuda *fake_cuda_fn(void);
typedef void fake_reset_fn(void);

#endif
