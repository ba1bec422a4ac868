/*
 * rt.h - runs a compute kernel written in the Metal Shading Language on a CPU, one fiber for each GPU thread.
 *
 * C++17; included by the shim's <metal_stdlib>, never by hand. It is built to find mistakes, not to be fast:
 *
 *  - one simdgroup runs alone until every lane of it waits at a threadgroup barrier, then the next one: a
 *    missing barrier then reads what nobody has written yet. Taking turns, as an emulator usually does, keeps
 *    the simdgroups in step and hides exactly that; but memory that two simdgroups use at once by mistake
 * shows only so. Hence both: orders forward, reverse and random are greedy, MSL_TURNS is not;
 *  - threadgroup memory starts as NaN in every threadgroup and ends at a page that may not be touched;
 *  - a barrier, or a simd function, that only some threads reach is an error, although the second is legal
 *    in Metal: none of our kernels needs it.
 *
 * One threadgroup at a time, on the calling OS thread.
 */
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
#include <sys/mman.h>
#include <unistd.h>

#include "dispatch.h"

#if !defined(__x86_64__) || defined(MSL_UCONTEXT)
#define MSL_USE_UCONTEXT 1
#include <ucontext.h>
#endif

namespace mslrt
{
constexpr uint32_t WIDTH = 32;           /* lanes of a simdgroup, on every Apple GPU */
constexpr size_t SLOT_B = 64;            /* the largest value a simd function exchanges here */
constexpr size_t STACK_B = 96 << 10;     /* of a fiber */
#ifdef SHARED_MEMORY_MAX_B
constexpr size_t TGMEM_MAX_B = SHARED_MEMORY_MAX_B;
#else
constexpr size_t TGMEM_MAX_B = 32 << 10; /* of a threadgroup */
#endif
constexpr uint32_t THREADS_MAX = 1024;

enum class state { run, at_simd, at_barrier, done };

struct uint3_ {
	uint32_t x, y, z;
};

#ifdef MSL_USE_UCONTEXT
struct context {
	ucontext_t uc;
};
inline void context_switch(context &from, context &to)
{
	swapcontext(&from.uc, &to.uc);
}
#else
struct context {
	void *sp;
};
/* Saves what the System V ABI asks a function to keep, changes stacks, restores. */
extern "C" void mslrt_switch(void **save, void *load);
asm(".text\n.weak mslrt_switch\n.type mslrt_switch,@function\nmslrt_switch:\n"
    "\tpushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n"
    "\tmovq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n"
    "\tpopq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tret\n"
    ".size mslrt_switch,.-mslrt_switch\n");
inline void context_switch(context &from, context &to)
{
	mslrt_switch(&from.sp, to.sp);
}
#endif

struct fiber {
	context ctx;
	state st;
	int kind; /* which simd function it waits in */
	uint3_ pos;
};

struct simdgroup {
	uint32_t first, n; /* its lanes are fibers first .. first + n - 1 */
	uint32_t arrived;
	uint64_t round; /* of simd functions; its parity picks the slot, so a fast lane spoils nothing */
	int kind;
	alignas(16) char slot[2][WIDTH][SLOT_B];
};

/* A variable in threadgroup memory: ends where its guard page starts. */
struct tgvar_mem {
	char *p;
	size_t size;
	bool used; /* by the dispatch under way */
};

struct machine {
	const msl_args *args;
	void (*kernel)();
	std::vector<fiber> fibers;
	std::vector<simdgroup> simds;
	std::vector<tgvar_mem *> vars;
	char *stacks = nullptr;
	context home;
	uint32_t cur = 0, n = 0;
	uint3_ group{}, groups{}, size{};
	std::string error;
	uint64_t rng = 1;
};

inline machine M;

inline size_t page_size()
{
	static const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	return size;
}

/* Memory whose last byte is followed by a page that faults; 16-byte aligned, as all threadgroup memory is. */
inline char *guarded(size_t size)
{
	const size_t page = page_size(), len = (size + page - 1) / page * page;
	char *p =
		(char *)mmap(nullptr, len + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	mprotect(p + len, page, PROT_NONE);
	return p + len - (size + 15) / 16 * 16;
}

inline void fail(const std::string &what)
{
	if (M.error.empty())
		M.error = what;
}

inline uint32_t lane()
{
	return M.cur % WIDTH;
}

inline void yield()
{
	context_switch(M.fibers[M.cur].ctx, M.home);
}

inline void barrier()
{
	M.fibers[M.cur].st = state::at_barrier;
	yield();
}

/* All lanes give a value and meet; returns the 32 values given. `kind` tells the simd functions apart. */
inline const char (*meet(int kind, const void *value, size_t size))[SLOT_B]
{
	simdgroup &s = M.simds[M.cur / WIDTH];
	const uint64_t parity = s.round & 1;

	if (size)
		memcpy(s.slot[parity][lane()], value, size);
	if (s.arrived && s.kind != kind)
		fail("lanes of one simdgroup are in different simd functions");
	s.kind = kind;
	if (++s.arrived == s.n) {
		s.arrived = 0;
		s.round++;
		for (uint32_t i = s.first; i < s.first + s.n; i++)
			M.fibers[i].st = state::run;
	} else {
		M.fibers[M.cur].st = state::at_simd;
		yield();
	}
	return (const char(*)[SLOT_B])s.slot[parity];
}

[[noreturn]] inline void fiber_main()
{
	M.kernel();
	M.fibers[M.cur].st = state::done;
	yield();
	abort();
}

inline void fiber_start(uint32_t i)
{
	char *stack = M.stacks + (size_t)i * STACK_B;
	fiber &f = M.fibers[i];

	f.st = state::run;
	f.pos = {i % M.size.x, i / M.size.x % M.size.y, i / (M.size.x * M.size.y)};
#ifdef MSL_USE_UCONTEXT
	getcontext(&f.ctx.uc);
	f.ctx.uc.uc_stack.ss_sp = stack;
	f.ctx.uc.uc_stack.ss_size = STACK_B;
	f.ctx.uc.uc_link = nullptr;
	makecontext(&f.ctx.uc, (void (*)())fiber_main, 0);
#else
	uint64_t *top = (uint64_t *)(((uintptr_t)stack + STACK_B - 64) & ~(uintptr_t)15);

	*--top = 0; /* what a call would have pushed: keeps the stack aligned */
	*--top = (uint64_t)(uintptr_t)&fiber_main;
	for (int reg = 0; reg < 6; reg++)
		*--top = 0;
	f.ctx.sp = top;
#endif
}

inline uint32_t random_below(uint32_t n)
{
	M.rng ^= M.rng << 13;
	M.rng ^= M.rng >> 7;
	M.rng ^= M.rng << 17;
	return (uint32_t)(M.rng >> 16) % n;
}

/* In which order 0 .. n-1 take their turn: forward, reverse, or shuffled. */
inline void order_fill(uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = M.args->order == MSL_REVERSE ? n - 1 - i : i;
	if (M.args->order >= MSL_TURNS)
		for (uint32_t i = n; i > 1; i--)
			std::swap(order[i - 1], order[random_below(i)]);
}

/*
 * Runs one simdgroup as far as it can go: until its lanes are done or wait for other simdgroups. Taking
 * turns, only to the next place where its lanes meet. Returns whether it may go on.
 */
inline bool simd_run(simdgroup &s)
{
	uint32_t order[WIDTH];
	bool moved;

	do {
		moved = false;
		order_fill(order, s.n);
		for (uint32_t i = 0; i < s.n && M.error.empty(); i++) {
			M.cur = s.first + order[i];
			if (M.fibers[M.cur].st != state::run)
				continue;
			context_switch(M.home, M.fibers[M.cur].ctx);
			moved = true;
		}
	} while (moved && M.error.empty() && M.args->order != MSL_TURNS);
	if (!moved && s.arrived)
		fail("a simd function is reached by only some lanes of a simdgroup");
	return moved;
}

/* All threads are done, or wait at a barrier: opens it. Returns whether any are left. */
inline bool barrier_open()
{
	uint32_t waiting = 0;

	for (fiber &f : M.fibers)
		waiting += f.st == state::at_barrier;
	if (waiting && waiting < M.n)
		fail("a threadgroup barrier is reached by only some threads");
	for (fiber &f : M.fibers)
		if (f.st == state::at_barrier)
			f.st = state::run;
	return waiting > 0;
}

inline void group_run()
{
	std::vector<uint32_t> order(M.simds.size());
	bool going = true;

	for (tgvar_mem *v : M.vars)
		if (v->used)
			memset(v->p, 0xff, v->size);
	for (uint32_t i = 0; i < M.n; i++)
		fiber_start(i);
	for (simdgroup &s : M.simds)
		s.arrived = 0;
	while (going && M.error.empty()) {
		going = false;
		order_fill(order.data(), (uint32_t)order.size());
		for (uint32_t i : order)
			going |= simd_run(M.simds[i]);
		if (!going && M.error.empty())
			going = barrier_open();
	}
}

inline bool shape_set(const msl_args &a)
{
	const uint64_t n = (uint64_t)a.tg[0] * a.tg[1] * a.tg[2];

	if (!n || n > THREADS_MAX) {
		fail("threads in a threadgroup must be 1 to 1024");
		return false;
	}
	M.n = (uint32_t)n;
	M.size = {a.tg[0], a.tg[1], a.tg[2]};
	M.groups = {a.groups[0], a.groups[1], a.groups[2]};
	M.fibers.assign(M.n, fiber{});
	M.simds.assign((M.n + WIDTH - 1) / WIDTH, simdgroup{});
	for (uint32_t i = 0; i < M.simds.size(); i++) {
		M.simds[i].first = i * WIDTH;
		M.simds[i].n = M.n - i * WIDTH < WIDTH ? M.n - i * WIDTH : WIDTH;
	}
	return true;
}

inline int dispatch(void (*kernel)(), const msl_args &a)
{
	size_t tgmem = 0;

	M.args = &a;
	M.kernel = kernel;
	M.error.clear();
	M.rng = 0x9e3779b97f4a7c15ull ^ (uint64_t)a.order << 32;
	if (!shape_set(a))
		return -1;
	if (!M.stacks)
		M.stacks = (char *)mmap(nullptr, THREADS_MAX * STACK_B, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (tgvar_mem *v : M.vars) {
		v->used = false;
		memset(v->p, 0xff, v->size);
	}
	for (M.group.z = 0; M.group.z < M.groups.z; M.group.z++)
		for (M.group.y = 0; M.group.y < M.groups.y; M.group.y++)
			for (M.group.x = 0; M.group.x < M.groups.x && M.error.empty(); M.group.x++)
				group_run();
	for (const tgvar_mem *v : M.vars)
		tgmem += v->used ? (v->size + 15) / 16 * 16 : 0;
	if (tgmem > TGMEM_MAX_B)
		fail("more than 32768 bytes of threadgroup memory: " + std::to_string(tgmem));
	return M.error.empty() ? 0 : -1;
}

/* `threadgroup T x[N];` in a kernel: one memory for each place in the text, shared by all fibers. */
template <class T> inline T &tgvar(tgvar_mem &mem)
{
	if (!mem.p) {
		mem = {guarded(sizeof(T)), sizeof(T), false};
		memset(mem.p, 0xff, mem.size);
		M.vars.push_back(&mem);
	}
	mem.used = true;
	return *(T *)(void *)mem.p;
}
} // namespace mslrt
