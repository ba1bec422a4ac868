/* launch.h - how C reaches a kernel that the shim compiled. */
#ifndef TESTS_CUDA_SHIM_LAUNCH_H
#define TESTS_CUDA_SHIM_LAUNCH_H
#include <stdbool.h>
#include <stdint.h>

struct emulated_launch {
	void (*kernel)(void);
	void *args[7]; /* addresses: of buffers, and of the parameters */
	uint32_t blocks[3], threads[3];
	int order; /* of the warps: tests/metal/shim/dispatch.h */
	bool early; /* starts while the one before it runs, and has to wait for that */
};

#ifdef __cplusplus
extern "C" {
#endif
int emulate(const struct emulated_launch *launch); /* 0, or -1 and emulate_error() says why */
const char *emulate_error(void);
#ifdef __cplusplus
}
#endif
#endif
