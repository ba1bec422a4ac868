/* backends.c - see backends.h. */
#include "sim/cli/backends.h"

#include "sim/base/mem.h"

const struct backend *const cli_backends[] = {
#ifdef __APPLE__
	&backend_metal,
#else
	&backend_cuda,
#endif
	&backend_cpu,
};
const double cli_backend_shares[] = {0.7, 0.3};
const size_t cli_backends_n = ARRAY_LEN(cli_backends);
