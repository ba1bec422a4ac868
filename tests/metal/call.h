/*
 * call.h - for check_kernels.c: buffers that end at a page that faults, random numbers in every format, and
 * the call of one kernel in a library that the shim made.
 */
#ifndef TESTS_METAL_CALL_H
#define TESTS_METAL_CALL_H
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/gpu/numbers.h"
#include "tests/metal/shim/dispatch.h"

enum { CANARY = 0xa5, SIMD = 32 };
enum dtype { F32, F16, BF16, Q8, Q4 };
static const char *const dtype_names[] = {"f32", "f16", "bf16", "q8", "q4"};

static const char *dir;
static int order;
static msl_dispatch_fn *run_kernel;
static msl_error_fn *run_error;
static uint64_t rng = 88172645463325252ull;
static char said[512];

struct guarded {
	unsigned char *p;
	size_t size;
};

static int say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof said, fmt, ap);
	va_end(ap);
	return 1;
}

/* Ends at a page that faults; starts on 16 bytes, so up to 15 bytes of canary lie between. */
static struct guarded guarded_new(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (size + page - 1) / page * page;
	const size_t room = (size + 15) / 16 * 16;
	unsigned char *p =
		mmap(NULL, len + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p, page, PROT_NONE);
	mprotect(p + page + len, page, PROT_NONE);
	p += page + len - room;
	memset(p, CANARY, room);
	return (struct guarded){p, size};
}

static bool guarded_intact(const struct guarded *g)
{
	for (size_t i = g->size; i < (g->size + 15) / 16 * 16; i++)
		if (g->p[i] != CANARY)
			return false;
	return true;
}

static size_t dtype_bytes(enum dtype t, size_t n)
{
	static const size_t per_block[] = {4 * BLOCK, 2 * BLOCK, 2 * BLOCK, Q8_B, Q4_B};

	return n / BLOCK * per_block[t] + (t <= BF16 ? n % BLOCK * per_block[t] / BLOCK : 0);
}

static float get(const struct guarded *g, enum dtype t, size_t i)
{
	switch (t) {
	case F32:
		return ((float *)(void *)g->p)[i];
	case F16:
		return float_of_half(((uint16_t *)(void *)g->p)[i]);
	case BF16:
		return float_of_bfloat(((uint16_t *)(void *)g->p)[i]);
	case Q8:
		return q8_weight(g->p, (int64_t)i);
	default:
		return q4_weight(g->p, (int64_t)i);
	}
}

static struct guarded random_new(enum dtype t, size_t n)
{
	struct guarded g = guarded_new(dtype_bytes(t, n));
	const size_t block = t == Q8 ? Q8_B : Q4_B;

	for (size_t i = 0; t >= Q8 && i < g.size; i++)
		g.p[i] = (unsigned char)(random_next(&rng) >> 40);
	for (size_t i = 0; t >= Q8 && i < g.size; i += block)
		memcpy(g.p + i, &(uint16_t){half_of(0.01f * random_float(&rng))}, 2);
	for (size_t i = 0; t < Q8 && i < n; i++) {
		const float f = random_float(&rng);

		if (t == F32)
			memcpy(g.p + 4 * i, &f, 4);
		else
			memcpy(g.p + 2 * i, &(uint16_t){t == F16 ? half_of(f) : bfloat_of(f)}, 2);
	}
	return g;
}

struct call {
	struct msl_args args;
	struct guarded mem[MSL_BUFFERS];
};

static void give(struct call *c, int i, struct guarded g)
{
	c->mem[i] = g;
	c->args.buf[i] = g.p;
	c->args.len[i] = g.size;
}

static void give_bytes(struct call *c, int i, const void *p, size_t size)
{
	struct guarded g = guarded_new(size);

	memcpy(g.p, p, size);
	give(c, i, g);
}

/* Returns 0, or 1 with what went wrong in said. */
static int go(struct call *c, const char *kernel, uint32_t gx, uint32_t gy, uint32_t threads)
{
	c->args.order = order;
	memcpy(c->args.groups, (uint32_t[]){gx, gy, 1}, sizeof c->args.groups);
	memcpy(c->args.tg, (uint32_t[]){threads, 1, 1}, sizeof c->args.tg);
	if (run_kernel(kernel, &c->args))
		return say("%s", run_error());
	for (int i = 0; i < MSL_BUFFERS; i++)
		if (c->mem[i].p && !guarded_intact(&c->mem[i]))
			return say("%s: wrote past the end of buffer %d", kernel, i);
	return 0;
}

/* `<=`, turned round: a NaN is not close to anything */
static int differs(const char *what, size_t at, double got, double want, double allowed)
{
	if (fabs(got - want) <= allowed)
		return 0;
	return say("%s: element %zu is %.9g, not %.9g", what, at, got, want);
}

#endif
