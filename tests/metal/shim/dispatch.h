/*
 * dispatch.h - how C reaches a kernel that the shim compiled: what one dispatch needs, and the three symbols
 * a compiled library exports. Plain C, and C++.
 */
#ifndef TESTS_METAL_SHIM_DISPATCH_H
#define TESTS_METAL_SHIM_DISPATCH_H
#include <stddef.h>
#include <stdint.h>

#define MSL_BUFFERS 31 /* argument table of a compute encoder */

/* Order of the simdgroups, and of the lanes in them; see rt.h. MSL_RANDOM or more: a seed */
enum { MSL_FORWARD, MSL_REVERSE, MSL_TURNS, MSL_RANDOM };

struct msl_args {
	void *buf[MSL_BUFFERS];  /* buffers and the bytes of setBytes, by index; NULL: not set */
	size_t len[MSL_BUFFERS]; /* how many bytes are there */
	uint32_t groups[3];      /* threadgroups */
	uint32_t tg[3];          /* threads of a threadgroup */
	int order;
};

/* Exported by a compiled library. dispatch returns 0, or -1 and error() says why. name(i): NULL past the end.
 */
typedef int msl_dispatch_fn(const char *kernel, const struct msl_args *args);
typedef const char *msl_error_fn(void);
typedef const char *msl_name_fn(int i);

#endif
