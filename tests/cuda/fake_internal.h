/* fake_internal.h - what the files of the fake CUDA share; see fake.h. */
#ifndef TESTS_CUDA_FAKE_INTERNAL_H
#define TESTS_CUDA_FAKE_INTERNAL_H
#include "tests/cuda/fake.h"

enum object_kind {
	OBJECT_CONTEXT,
	OBJECT_MEMORY,
	OBJECT_PINNED,
	OBJECT_MODULE,
	OBJECT_FUNCTION,
	OBJECT_STREAM,
	OBJECT_GRAPH,
	OBJECT_EXEC,
	OBJECT_EVENT,
	OBJECT_PROGRAM,
	OBJECT_HANDLE
};
enum enter_how {
	ANYWHERE,
	IN_CONTEXT,
	WAITS, /* likewise, and a capture forbids it */
	FREES  /* likewise, and works in a context that an error has spoilt */
};

struct fake_product { /* C[m,n] by columns, as cublasGemmEx() gets it */
	int m, n, k, type;
	const void *a, *b;
	void *c;
};

extern struct fake_cuda fake;
struct object;

int fake_enter(const char *name, enum enter_how how); /* the call's status so far */
void fake_misuse(const char *text, const char *detail);
struct object *fake_new(enum object_kind kind);
int fake_free(void *handle, enum object_kind kind, const char *call);
bool fake_in_memory(const void *at, size_t bytes);
void *fake_self(void); /* this library, for dlsym() */
int fake_product_take(const struct fake_product *p, void *stream);
int fake_product_execute(const struct fake_product *p);

#endif
