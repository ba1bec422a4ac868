/* fake_cuda.c - a CUDA driver for tests; see fake.h. Statuses are cuda.h's numbers. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/library.h"
#include "kernels/gpu/numbers.h"
#include "kernels/gpu/plan.h"
#include "tests/cuda/fake_internal.h"
#include "tests/cuda/shim/launch.h"

#define EXPORT __attribute__((visibility("default")))

enum { POISONED_B = 1 << 20 }; /* of new memory: all of a workspace takes long */

struct fake_cuda fake;

struct object {
	enum object_kind kind;
	struct object *next, *context;
	unsigned char *memory; /* of the device */
	size_t size;
	char name[64];        /* of a module or a function */
	double at_s;          /* of an event */
	struct node *nodes;   /* of a graph */
	bool capturing;       /* a stream */
	struct object *graph; /* that a capturing stream fills */
};

struct node { /* a launch, its arguments kept */
	struct node *next;
	struct object *function;
	uint32_t blocks[3], threads[3];
	uint64_t pointers[PLAN_ARGS];
	unsigned char params[64];
	struct fake_product product;
	bool is_product, early;
};

static struct object *objects, *current;
static double clock_s;
static int spoiled; /* the status that every call in the context gives */

EXPORT struct fake_cuda *fake_cuda(void)
{
	return &fake;
}

EXPORT void fake_reset(void)
{
	fake = (struct fake_cuda){.devices = 1,
				  .major = 9,
				  .minor = 0,
				  .driver = 13000,
				  .memory = (size_t)4 << 30,
				  .kernel_s = 1e-6};
	clock_s = 0;
	spoiled = 0;
}

void fake_misuse(const char *text, const char *detail)
{
	if (!fake.misuse[0])
		snprintf(fake.misuse, sizeof fake.misuse, "%s: %s", text, detail);
}

/* ---- every call begins here ---- */
int fake_enter(const char *name, enum enter_how how)
{
	if (++fake.calls == fake.fail_at) {
		snprintf(fake.failed_call, sizeof fake.failed_call, "%s", name);
		if (fake.fail_sticks)
			spoiled = fake.fail_with;
		return fake.fail_with;
	}
	if (how >= IN_CONTEXT && !current) {
		fake_misuse("no context", name);
		return FAKE_INVALID_CONTEXT;
	}
	if (how == WAITS)
		for (struct object *o = objects; o; o = o->next)
			if (o->kind == OBJECT_STREAM && o->capturing) {
				fake_misuse("a call that waits, in a capture", name);
				return 900;
			}
	return how >= IN_CONTEXT && how != FREES ? spoiled : 0;
}

#define ENTER(name, how)                                                                                     \
	do {                                                                                                 \
		const int status_ = fake_enter(name, how);                                                   \
		if (status_)                                                                                 \
			return status_;                                                                      \
	} while (0)

struct object *fake_new(enum object_kind kind)
{
	struct object *o = calloc(1, sizeof *o);

	o->kind = kind;
	o->context = current;
	o->next = objects;
	objects = o;
	fake.live++;
	return o;
}

static void nodes_free(struct object *o)
{
	while (o->nodes) {
		struct node *next = o->nodes->next;

		free(o->nodes);
		o->nodes = next;
	}
}

static void take_out(struct object *o)
{
	struct object **at = &objects;

	while (*at && *at != o)
		at = &(*at)->next;
	if (*at)
		*at = o->next;
	if (o->memory)
		fake.bytes -= (long)o->size;
	nodes_free(o);
	free(o->memory);
	free(o);
	fake.live--;
}

/* NULL with misuse where it is none of that kind, or was freed. */
static struct object *find(const void *handle, enum object_kind kind, const char *call)
{
	for (struct object *o = objects; o; o = o->next)
		if (o == handle && o->kind == kind)
			return o;
	fake_misuse("a handle that is none", call);
	return NULL;
}

int fake_free(void *handle, enum object_kind kind, const char *call)
{
	struct object *o = find(handle, kind, call);

	if (!o)
		return 400;
	take_out(o);
	return 0;
}

/* The buffer that holds bytes from `at` on; NULL: none does. */
static struct object *memory_at(uint64_t at, size_t bytes)
{
	for (struct object *o = objects; o; o = o->next) {
		const uint64_t from = (uint64_t)(uintptr_t)o->memory;

		if (o->kind == OBJECT_MEMORY && o->memory && at >= from && at + bytes <= from + o->size)
			return o;
	}
	return NULL;
}

bool fake_in_memory(const void *at, size_t bytes)
{
	return memory_at((uint64_t)(uintptr_t)at, bytes) != NULL;
}

/* ---- the driver ---- */
EXPORT int cuInit(unsigned flags)
{
	ENTER("cuInit", ANYWHERE);
	return flags ? 1 : 0;
}

EXPORT int cuDriverGetVersion(int *version)
{
	ENTER("cuDriverGetVersion", ANYWHERE);
	*version = fake.driver;
	return 0;
}

EXPORT int cuGetErrorName(int status, const char **text)
{
	*text = status == FAKE_OUT_OF_MEMORY     ? "CUDA_ERROR_OUT_OF_MEMORY"
		: status == FAKE_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS"
						 : "CUDA_ERROR_OF_THE_FAKE";
	return 0;
}

EXPORT int cuGetErrorString(int status, const char **text)
{
	*text = status == FAKE_OUT_OF_MEMORY ? "out of memory" : "an error of the fake";
	return 0;
}

EXPORT int cuDeviceGetCount(int *n)
{
	ENTER("cuDeviceGetCount", ANYWHERE);
	*n = fake.devices;
	return 0;
}

EXPORT int cuDeviceGet(int *device, int ordinal)
{
	ENTER("cuDeviceGet", ANYWHERE);
	*device = ordinal;
	return ordinal < fake.devices ? 0 : 101;
}

EXPORT int cuDeviceGetName(char *name, int room, int device)
{
	(void)device;
	ENTER("cuDeviceGetName", ANYWHERE);
	snprintf(name, (size_t)room, "Fake GPU");
	return 0;
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device)
{
	(void)device;
	ENTER("cuDeviceGetAttribute", ANYWHERE);
	*value = attribute == 16 ? 2 : attribute == 38 ? 1 << 20 : attribute == 75 ? fake.major : fake.minor;
	return 0;
}

EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
	(void)device;
	ENTER("cuDeviceTotalMem", ANYWHERE);
	*bytes = fake.memory;
	return 0;
}

EXPORT int cuCtxCreate_v2(void **ctx, unsigned flags, int device)
{
	(void)flags;
	(void)device;
	ENTER("cuCtxCreate", ANYWHERE);
	if (current)
		fake_misuse("a second context", "cuCtxCreate");
	spoiled = 0;
	*ctx = current = fake_new(OBJECT_CONTEXT);
	return 0;
}

/* What was not freed before it goes with its context, as it does with CUDA; only a context that failed may leave any. */
EXPORT int cuCtxDestroy_v2(void *ctx)
{
	struct object *o = find(ctx, OBJECT_CONTEXT, "cuCtxDestroy");
	bool leaks = false;

	if (!o)
		return 201;
	for (struct object *i = objects, *next; i; i = next) {
		next = i->next;
		if (i->context == o) {
			leaks = true;
			if (!spoiled)
				fake_misuse("left when its context is destroyed", i->name);
			take_out(i);
			next = objects;
		}
	}
	(void)leaks;
	take_out(o);
	current = NULL;
	spoiled = 0;
	return fake_enter("cuCtxDestroy", ANYWHERE);
}

EXPORT int cuCtxSynchronize(void)
{
	ENTER("cuCtxSynchronize", WAITS);
	return 0;
}

EXPORT int cuMemGetInfo_v2(size_t *available, size_t *all)
{
	ENTER("cuMemGetInfo", IN_CONTEXT);
	*all = fake.memory;
	*available = fake.memory - (size_t)fake.bytes;
	return 0;
}

EXPORT int cuMemAlloc_v2(uint64_t *at, size_t bytes)
{
	struct object *o;

	ENTER("cuMemAlloc", IN_CONTEXT);
	if ((size_t)fake.bytes + bytes > fake.memory)
		return FAKE_OUT_OF_MEMORY;
	o = fake_new(OBJECT_MEMORY);
	o->size = bytes;
	if (posix_memalign((void **)&o->memory, 256, bytes))
		abort();
	memset(o->memory, 0xa5, bytes < POISONED_B ? bytes : POISONED_B);
	strcpy(o->name, "memory");
	fake.bytes += (long)bytes;
	fake.peak_bytes = fake.bytes > fake.peak_bytes ? fake.bytes : fake.peak_bytes;
	*at = (uint64_t)(uintptr_t)o->memory;
	return 0;
}

EXPORT int cuMemFree_v2(uint64_t at)
{
	struct object *o = memory_at(at, 1);

	if (!o || (uint64_t)(uintptr_t)o->memory != at) {
		fake_misuse("not the start of a buffer", "cuMemFree");
		return 1;
	}
	take_out(o);
	return fake_enter("cuMemFree", FREES);
}

EXPORT int cuMemHostAlloc(void **at, size_t bytes, unsigned flags)
{
	struct object *o;

	(void)flags;
	ENTER("cuMemHostAlloc", IN_CONTEXT);
	o = fake_new(OBJECT_PINNED);
	*at = o->memory = malloc(bytes);
	strcpy(o->name, "pinned memory");
	return 0;
}

EXPORT int cuMemFreeHost(void *at)
{
	for (struct object *o = objects; o; o = o->next)
		if (o->kind == OBJECT_PINNED && o->memory == at) {
			take_out(o);
			return fake_enter("cuMemFreeHost", FREES);
		}
	fake_misuse("not pinned memory", "cuMemFreeHost");
	return 1;
}

static int copy(const char *call, void *to, const void *from, size_t bytes, const void *device)
{
	ENTER(call, WAITS);
	if (!fake_in_memory(device, bytes)) {
		fake_misuse("past the end of a buffer", call);
		return 1;
	}
	memcpy(to, from, bytes);
	return 0;
}

EXPORT int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes)
{
	return copy("cuMemcpyHtoD", (void *)(uintptr_t)to, from, bytes, (void *)(uintptr_t)to);
}

EXPORT int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes)
{
	return copy("cuMemcpyDtoH", to, (void *)(uintptr_t)from, bytes, (void *)(uintptr_t)from);
}

EXPORT int cuMemcpyDtoD_v2(uint64_t to, uint64_t from, size_t bytes)
{
	if (!fake_in_memory((void *)(uintptr_t)from, bytes))
		fake_misuse("past the end of a buffer", "cuMemcpyDtoD");
	return copy("cuMemcpyDtoD", (void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes,
		    (void *)(uintptr_t)to);
}

EXPORT int cuMemsetD8_v2(uint64_t at, unsigned char value, size_t bytes)
{
	ENTER("cuMemsetD8", WAITS);
	if (!memory_at(at, bytes)) {
		fake_misuse("past the end of a buffer", "cuMemsetD8");
		return 1;
	}
	memset((void *)(uintptr_t)at, value, bytes);
	return 0;
}

/* An image is what fake_nvrtc.c makes: "image of " and the kernels' source. */
EXPORT int cuModuleLoadData(void **module, const void *image)
{
	struct object *o;

	ENTER("cuModuleLoadData", IN_CONTEXT);
	if (strncmp(image, "image of ", 9) != 0)
		return 200;
	*module = o = fake_new(OBJECT_MODULE);
	strcpy(o->name, "a module");
	return 0;
}

EXPORT int cuModuleUnload(void *module)
{
	const int status = fake_free(module, OBJECT_MODULE, "cuModuleUnload");

	for (struct object *o = objects, *next; o; o = next) {
		next = o->next;
		if (o->kind == OBJECT_FUNCTION && o->graph == module)
			take_out(o);
	}
	return status ? status : fake_enter("cuModuleUnload", FREES);
}

EXPORT int cuModuleGetFunction(void **function, void *module, const char *name)
{
	struct object *o;

	ENTER("cuModuleGetFunction", IN_CONTEXT);
	if (!find(module, OBJECT_MODULE, "cuModuleGetFunction") || !dlsym(fake_self(), name))
		return 500;
	o = fake_new(OBJECT_FUNCTION);
	o->graph = module;
	snprintf(o->name, sizeof o->name, "%s", name);
	*function = o;
	return 0;
}

EXPORT int cuFuncGetAttribute(int *value, int attribute, void *function)
{
	(void)attribute;
	ENTER("cuFuncGetAttribute", IN_CONTEXT);
	*value = 1024;
	return find(function, OBJECT_FUNCTION, "cuFuncGetAttribute") ? 0 : 400;
}

/* ---- launches ---- */

/* The kernels' arguments: 'b' a buffer, 'p' the parameters. */
static const char *signature(const char *kernel)
{
	static const struct {
		const char *prefix, *args;
	} of[] = {{"stream_read", "bbp"},
		  {"stream_write", "bp"},
		  {"stream_copy", "bbp"},
		  {"stream_triad", "bbbp"},
		  {"gemv_q", "bbbbp"},
		  {"gemv_", "bbbp"},
		  {"moe_q", "bbbbpbb"},
		  {"moe_", "bbbpbb"},
		  {"gemm_q", "bbbbbp"},
		  {"experts_q", "bbbbpbb"},
		  {"experts_f16", "bbbpbb"},
		  {"round_rows", "bbbp"},
		  {"join_", "bbp"},
		  {"attention_join", "bbp"},
		  {"attention_prefill", "bbbbp"},
		  {"attention_decode", "bbbbp"},
		  {"attention_heads", "bbbbp"},
		  {"rmsnorm_", "bbbp"},
		  {"narrow_rows", "bbp"},
		  {"widen_rows", "bbp"},
		  {"adam", "bbbbp"},
		  {"few_f16", "bbbp"},
		  {"gather", "bbbp"},
		  {"empty", "b"},
		  {"chain", "b"}};

	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		if (!strncmp(kernel, of[i].prefix, strlen(of[i].prefix)))
			return of[i].args;
	abort();
}

static int node_execute(const struct node *n)
{
	struct emulated_launch launch = {.order = fake.order, .early = n->early};
	const char *name = n->is_product ? "a product" : n->function->name;

	clock_s += fake.kernel_s;
	if (n->is_product)
		return fake.skip ? 0 : fake_product_execute(&n->product);
	if (fake.fail_kernel && !strcmp(fake.fail_kernel, name))
		spoiled = FAKE_ILLEGAL_ADDRESS;
	if (fake.skip || spoiled)
		return 0;
	*(void **)&launch.kernel = dlsym(fake_self(), name);
	for (int i = 0; signature(name)[i]; i++) {
		launch.args[i] =
			signature(name)[i] == 'p' ? (void *)n->params : (void *)(uintptr_t)n->pointers[i];
		if (signature(name)[i] == 'b' && !memory_at(n->pointers[i], 1))
			fake_misuse("a pointer to no buffer", name);
	}
	memcpy(launch.blocks, n->blocks, sizeof launch.blocks);
	memcpy(launch.threads, n->threads, sizeof launch.threads);
	if (emulate(&launch) != 0)
		fake_misuse(name, emulate_error());
	if (fake.spoil &&
	    strcmp(name, "gather")) { /* an element of the last buffer in front of the parameters; no index */
		int last = 0;

		for (int i = 1; signature(name)[i] == 'b'; i++)
			last = i;
		memset((void *)(uintptr_t)n->pointers[last], 0x7c, memory_at(n->pointers[last], 1)->size);
	}
	return 0;
}

/* Runs it, or keeps it where the stream is captured. */
static int node_take(struct node *n, struct object *stream)
{
	struct node **end;
	int status;

	if (!stream->capturing) {
		status = node_execute(n);
		free(n);
		return status;
	}
	for (end = &stream->graph->nodes; *end; end = &(*end)->next)
		;
	*end = n;
	return 0;
}

int fake_product_take(const struct fake_product *p, void *stream)
{
	struct object *o = find(stream, OBJECT_STREAM, "cublasGemmEx");
	struct node *n;

	if (!o)
		return 1;
	fake.products++;
	n = calloc(1, sizeof *n);
	n->is_product = true;
	n->product = *p;
	return node_take(n, o);
}

static int launch_take(const struct cuda_launch *l, void *function, void **args, void **extra,
		       const char *call)
{
	const unsigned *b = l->blocks, *t = l->threads;
	struct object *f = find(function, OBJECT_FUNCTION, call), *s = find(l->stream, OBJECT_STREAM, call);
	struct node *n;

	if (!f || !s || extra || l->shared_B)
		return 400;
	if (!b[0] || b[1] - 1 > 65534 || b[2] != 1 || !t[0] || t[0] > 1024 || t[1] != 1 || t[2] != 1)
		return 1;
	fake.launches++;
	fake.switches += function != fake.last;
	fake.last = function;
	n = calloc(1, sizeof *n);
	n->function = f;
	memcpy(n->blocks, (uint32_t[]){b[0], b[1], b[2]}, sizeof n->blocks);
	memcpy(n->threads, (uint32_t[]){t[0], t[1], t[2]}, sizeof n->threads);
	n->early = l->attributes_n > 0;
	for (int i = 0; signature(f->name)[i]; i++)
		if (signature(f->name)[i] == 'p')
			memcpy(n->params, args[i], sizeof n->params);
		else
			n->pointers[i] = *(uint64_t *)args[i];
	return node_take(n, s);
}

EXPORT int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
			  unsigned bz, unsigned shared_B, void *stream, void **args, void **extra)
{
	const struct cuda_launch l = {
		.blocks = {gx, gy, gz}, .threads = {bx, by, bz}, .shared_B = shared_B, .stream = stream};

	ENTER("cuLaunchKernel", IN_CONTEXT);
	return launch_take(&l, function, args, extra, "cuLaunchKernel");
}

/* Takes one attribute, an early start, which older devices and drivers have not. */
EXPORT int cuLaunchKernelEx(const struct cuda_launch *l, void *function, void **args, void **extra)
{
	ENTER("cuLaunchKernelEx", IN_CONTEXT);
	if (l->attributes_n != 1 || l->attributes->id != LAUNCH_EARLY || l->attributes->value.early != 1 ||
	    fake.major < 9 || fake.driver < 12030)
		return 801;
	fake.early++;
	return launch_take(l, function, args, extra, "cuLaunchKernelEx");
}

/* ---- streams, graphs, events ---- */
EXPORT int cuStreamCreate(void **stream, unsigned flags)
{
	(void)flags;
	ENTER("cuStreamCreate", IN_CONTEXT);
	*stream = fake_new(OBJECT_STREAM);
	return 0;
}

EXPORT int cuStreamDestroy_v2(void *stream)
{
	const int status = fake_free(stream, OBJECT_STREAM, "cuStreamDestroy");

	return status ? status : fake_enter("cuStreamDestroy", FREES);
}

EXPORT int cuStreamSynchronize(void *stream)
{
	ENTER("cuStreamSynchronize", WAITS);
	return find(stream, OBJECT_STREAM, "cuStreamSynchronize") ? 0 : 400;
}

EXPORT int cuStreamBeginCapture_v2(void *stream, int mode)
{
	struct object *s;

	ENTER("cuStreamBeginCapture", WAITS);
	s = find(stream, OBJECT_STREAM, "cuStreamBeginCapture");
	if (!s || mode != 1)
		return 1;
	s->capturing = true;
	s->graph = fake_new(OBJECT_GRAPH);
	strcpy(s->graph->name, "a graph");
	return 0;
}

EXPORT int cuStreamEndCapture(void *stream, void **graph)
{
	struct object *s = find(stream, OBJECT_STREAM, "cuStreamEndCapture");
	int status;

	if (!s || !s->capturing)
		return 1;
	s->capturing = false;
	status = fake_enter("cuStreamEndCapture", IN_CONTEXT);
	if (status)
		take_out(s->graph);
	else
		*graph = s->graph;
	s->graph = NULL;
	return status;
}

EXPORT int cuGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long flags)
{
	struct object *g, *e;
	struct node **end;

	(void)flags;
	ENTER("cuGraphInstantiate", IN_CONTEXT);
	g = find(graph, OBJECT_GRAPH, "cuGraphInstantiate");
	if (!g)
		return 400;
	*exec = e = fake_new(OBJECT_EXEC);
	strcpy(e->name, "an executable graph");
	end = &e->nodes;
	for (struct node *n = g->nodes; n; n = n->next) {
		*end = malloc(sizeof **end);
		**end = *n;
		(*end)->next = NULL;
		end = &(*end)->next;
	}
	fake.graphs++;
	return 0;
}

EXPORT int cuGraphLaunch(void *exec, void *stream)
{
	struct object *e;

	ENTER("cuGraphLaunch", IN_CONTEXT);
	e = find(exec, OBJECT_EXEC, "cuGraphLaunch");
	if (!e || !find(stream, OBJECT_STREAM, "cuGraphLaunch"))
		return 400;
	fake.graph_launches++;
	for (const struct node *n = e->nodes; n; n = n->next)
		node_execute(n);
	return 0;
}

EXPORT int cuGraphExecDestroy(void *exec)
{
	const int status = fake_free(exec, OBJECT_EXEC, "cuGraphExecDestroy");

	return status ? status : fake_enter("cuGraphExecDestroy", FREES);
}

EXPORT int cuGraphDestroy(void *graph)
{
	const int status = fake_free(graph, OBJECT_GRAPH, "cuGraphDestroy");

	return status ? status : fake_enter("cuGraphDestroy", FREES);
}

EXPORT int cuEventCreate(void **event, unsigned flags)
{
	(void)flags;
	ENTER("cuEventCreate", IN_CONTEXT);
	*event = fake_new(OBJECT_EVENT);
	return 0;
}

EXPORT int cuEventDestroy_v2(void *event)
{
	const int status = fake_free(event, OBJECT_EVENT, "cuEventDestroy");

	return status ? status : fake_enter("cuEventDestroy", FREES);
}

EXPORT int cuEventRecord(void *event, void *stream)
{
	struct object *e;

	ENTER("cuEventRecord", IN_CONTEXT);
	e = find(event, OBJECT_EVENT, "cuEventRecord");
	if (!e || !find(stream, OBJECT_STREAM, "cuEventRecord"))
		return 400;
	e->at_s = clock_s;
	clock_s += fake.host_s;
	return 0;
}

EXPORT int cuEventSynchronize(void *event)
{
	ENTER("cuEventSynchronize", WAITS);
	return find(event, OBJECT_EVENT, "cuEventSynchronize") ? 0 : 400;
}

EXPORT int cuEventElapsedTime(float *ms, void *from, void *to)
{
	const struct object *a, *b;

	ENTER("cuEventElapsedTime", WAITS);
	a = find(from, OBJECT_EVENT, "cuEventElapsedTime");
	b = find(to, OBJECT_EVENT, "cuEventElapsedTime");
	if (!a || !b)
		return 400;
	*ms = (float)((b->at_s - a->at_s) * 1e3);
	return 0;
}
