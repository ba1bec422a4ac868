/* launch.cc - one launch of a kernel that the shim compiled; see launch.h. */
#define SHARED_MEMORY_MAX_B (1 << 30)
#include "tests/metal/shim/rt.h"

#include "tests/cuda/shim/launch.h"

extern "C" int emulated_waits;
int emulated_waits;

static const struct emulated_launch *now;
static mslrt::tgvar_mem shared; /* of all kernels: NaN at the start of every block */

/* Every argument is an address: a buffer's, or that of the parameters. */
static void call()
{
	void *const *a = now->args;

	shared.used = true;
	((void (*)(void *, void *, void *, void *, void *, void *, void *))now->kernel)(a[0], a[1], a[2], a[3], a[4],
											a[5], a[6]);
}

extern "C" char __start_cuda_shared[], __stop_cuda_shared[];

int emulate(const struct emulated_launch *launch)
{
	msl_args args = {};

	if (!shared.p) {
		shared.p = __start_cuda_shared;
		shared.size = (size_t)(__stop_cuda_shared - __start_cuda_shared);
		mslrt::M.vars.push_back(&shared);
	}
	for (int i = 0; i < 3; i++) {
		args.groups[i] = launch->blocks[i];
		args.tg[i] = launch->threads[i];
	}
	args.order = launch->order;
	now = launch;
	emulated_waits = 0;
	if (mslrt::dispatch(call, args) != 0)
		return -1;
	if (!launch->early || emulated_waits)
		return 0;
	mslrt::M.error = "starts early and does not wait";
	return -1;
}

const char *emulate_error(void)
{
	return mslrt::M.error.c_str();
}
