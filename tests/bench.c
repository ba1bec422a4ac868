/*
 * bench.c - `make bench`: what the event list and the task engine cost, as ratios against a minimal reference
 * timed in the same run. Absolute figures mean little on a shared machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/rng.h"
#include "sim/des/task.h"

enum { ROUNDS = 7, STEPS = 1000000, INCREMENTS = 1 << 16 };

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
	qsort(x, n, sizeof *x, by_size);
	return x[n / 2];
}

/* The reference: a binary heap of 128-bit keys (time, seq), with nothing to fire. */
__extension__ typedef unsigned __int128 key128;

struct binary {
	key128 *keys;
	size_t n;
	uint64_t seq;
};

static void binary_put(struct binary *h, int64_t at_ns)
{
	const key128 key = (key128)(uint64_t)at_ns << 64 | h->seq++;
	size_t at = h->n++;

	for (; at && key < h->keys[(at - 1) / 2]; at = (at - 1) / 2)
		h->keys[at] = h->keys[(at - 1) / 2];
	h->keys[at] = key;
}

static int64_t binary_take(struct binary *h)
{
	const key128 first = h->keys[0], last = h->keys[--h->n];
	size_t at = 0, child;

	while ((child = 2 * at + 1) + 1 < h->n) {
		child += h->keys[child + 1] < h->keys[child];
		if (last <= h->keys[child])
			break;
		h->keys[at] = h->keys[child];
		at = child;
	}
	if (child + 1 == h->n && h->keys[child] < last) {
		h->keys[at] = h->keys[child];
		at = child;
	}
	h->keys[at] = last;
	return (int64_t)(uint64_t)(first >> 64);
}

static void nothing(void *self, sim_ns now_ns)
{
	(void)self;
	(void)now_ns;
}

static double hold_evq(size_t pending, const int64_t *increments)
{
	struct evq *q = evq_new();
	struct event ev = {.class = EV_FINISH, .fire = nothing};
	double from_s;

	for (size_t i = 0; i < pending; i++) {
		ev.at_ns = increments[i % INCREMENTS] + (int64_t)(i / INCREMENTS);
		evq_put(q, &ev);
	}
	from_s = now_s();
	for (size_t i = 0; i < STEPS; i++) {
		evq_take(q, &ev);
		ev.at_ns += increments[i % INCREMENTS];
		evq_put(q, &ev);
	}
	from_s = now_s() - from_s;
	evq_free(q);
	return from_s * 1e9 / STEPS;
}

static double hold_binary(size_t pending, const int64_t *increments)
{
	struct binary h = {.keys = xmalloc((pending + 1) * sizeof *h.keys)};
	double from_s;

	for (size_t i = 0; i < pending; i++)
		binary_put(&h, increments[i % INCREMENTS] + (int64_t)(i / INCREMENTS));
	from_s = now_s();
	for (size_t i = 0; i < STEPS; i++)
		binary_put(&h, binary_take(&h) + increments[i % INCREMENTS]);
	from_s = now_s() - from_s;
	free(h.keys);
	return from_s * 1e9 / STEPS;
}

static void bench_hold(void)
{
	static const size_t pending[] = {1000, 100000, 1000000};
	int64_t *increments = xmalloc(INCREMENTS * sizeof *increments);
	struct rng *r = rng_new(1, "hold");

	for (size_t i = 0; i < INCREMENTS; i++)
		increments[i] = (int64_t)(-1e9 * log(rng_uniform(r)));
	printf("hold model: take one event, put one an exponential time later; median of %d\n", ROUNDS);
	printf("%10s %12s %14s %8s\n", "pending", "evq ns", "reference ns", "ratio");
	for (size_t p = 0; p < ARRAY_LEN(pending); p++) {
		double ours[ROUNDS], theirs[ROUNDS], a, b;

		for (int i = 0; i < ROUNDS; i++) {
			ours[i] = hold_evq(pending[p], increments);
			theirs[i] = hold_binary(pending[p], increments);
		}
		a = median(ours, ROUNDS);
		b = median(theirs, ROUNDS);
		printf("%10zu %12.1f %14.1f %8.2f\n", pending[p], a, b, a / b);
	}
	rng_free(r);
	free(increments);
}

enum { LAYERS = 2000, WIDTH = 256, DEPS = 2, TASKS = LAYERS * WIDTH };

/* Each task hangs on two of the layer before; a queue for each column, half of them in order. */
static void bench_tasks(void)
{
	struct task *tasks = xcalloc(TASKS, sizeof *tasks);
	uint32_t *deps = xcalloc((size_t)TASKS * DEPS, sizeof *deps);
	enum task_order queues[WIDTH];
	const struct task_graph g = {tasks, deps, queues, NULL, TASKS, (size_t)TASKS * DEPS, WIDTH, 0};
	struct rng *r = rng_new(1, "tasks");
	double s[ROUNDS], m;
	struct task_run run = {0};

	for (uint32_t i = 0; i < WIDTH; i++)
		queues[i] = i % 2 ? TASK_AS_READY : TASK_IN_ORDER;
	for (uint32_t i = 0; i < TASKS; i++) {
		const uint32_t layer = i / WIDTH;

		tasks[i] = (struct task){.duration_ns = (sim_ns)(-1e5 * log(rng_uniform(r))),
					 .queue = i % WIDTH,
					 .wire = TASK_NONE,
					 .first_dep = i * DEPS,
					 .deps_n = layer ? DEPS : 0};
		for (uint32_t d = 0; layer && d < DEPS; d++)
			deps[i * DEPS + d] = (layer - 1) * WIDTH + (uint32_t)(rng_uniform(r) * WIDTH) % WIDTH;
	}
	for (int i = 0; i < ROUNDS; i++) {
		struct arena a = ARENA_INIT;

		s[i] = now_s();
		run = task_graph_run(&a, &g);
		s[i] = now_s() - s[i];
		arena_release(&a);
	}
	m = median(s, ROUNDS);
	printf("task graph: %d tasks, %d dependencies each, %d queues, %" PRIu64 " events\n", TASKS, DEPS,
	       WIDTH, run.events);
	printf("%10.2f million tasks/s, %.2f million events/s\n", TASKS / m / 1e6,
	       (double)run.events / m / 1e6);
	rng_free(r);
	free(tasks);
	free(deps);
}

/* The whole program from its start on: wall time, the output thrown away; beside `true`, what any process
 * costs. */
static double run_s(char *const argv[])
{
	const double from = now_s();
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(127);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		BUG("cannot run %s", argv[0]);
	return now_s() - from;
}

static void bench_program(char *program, char *scenario)
{
	char simulate[] = "simulate", true_name[] = "true", optimize[] = "optimize", goal[] = "--goal=e2el_s";
	char *const argv[] = {program, simulate, scenario, NULL}, *const nothing[] = {true_name, NULL};
	char *const search[] = {program, optimize, scenario, goal, NULL};
	double ours[4 * ROUNDS], theirs[4 * ROUNDS], searched[ROUNDS];

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		ours[i] = run_s(argv);
		theirs[i] = run_s(nothing);
	}
	printf("simulate %s: %.1f ms with start-up (`true` takes %.1f ms)\n", scenario,
	       median(ours, ARRAY_LEN(ours)) * 1e3, median(theirs, ARRAY_LEN(theirs)) * 1e3);
	for (size_t i = 0; i < ARRAY_LEN(searched); i++)
		searched[i] = run_s(search);
	printf("optimize %s %s: %.1f ms, %.1f times simulate\n", scenario, goal,
	       median(searched, ARRAY_LEN(searched)) * 1e3,
	       median(searched, ARRAY_LEN(searched)) / median(ours, ARRAY_LEN(ours)));
}

int main(int argc, char **argv)
{
	bench_hold();
	bench_tasks();
	if (argc == 3)
		bench_program(argv[1], argv[2]);
	return 0;
}
