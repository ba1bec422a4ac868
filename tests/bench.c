/*
 * bench.c - `make bench`: what the event list, the task engine and the server simulation cost, as ratios
 * against a minimal reference timed in the same run. Absolute figures mean little on a shared machine.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/rng.h"
#include "sim/des/flow.h"
#include "sim/des/task.h"
#include "sim/load/variates.h"
#include "sim/serve/metrics.h"
#include "sim/serve/serving.h"
#include "tests/bench_looks.h"
#include "tests/bench_queues.h"

enum { ROUNDS = 7, STEPS = 1000000, INCREMENTS = 1 << 16 };

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Processor time of this process: other programs on the machine do not count. */
static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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

static void nothing(void *self, sim_ns now_ns)
{
	(void)self;
	(void)now_ns;
}

/* Nanoseconds of a step of the hold model, and of its event lists. */
static double hold_evq(size_t pending, const int64_t *increments, size_t steps)
{
	struct evq *q = evq_new();
	struct event ev = {.class = EV_FINISH, .fire = nothing};
	double from_s;

	for (size_t i = 0; i < pending; i++) {
		ev.at_ns = increments[i % INCREMENTS] + (int64_t)(i / INCREMENTS);
		evq_put(q, ev.at_ns, ev.class, ev.fire, ev.self);
	}
	from_s = cpu_s();
	for (size_t i = 0; i < steps; i++) {
		evq_take(q, &ev);
		ev.at_ns += increments[i % INCREMENTS];
		evq_put(q, ev.at_ns, ev.class, ev.fire, ev.self);
	}
	from_s = cpu_s() - from_s;
	evq_free(q);
	return from_s * 1e9 / (double)steps;
}

static double hold_heap(size_t pending, const int64_t *increments, size_t steps)
{
	struct heap4 h = {.keys = xmalloc((pending + 1) * sizeof *h.keys)};
	double from_s;

	for (size_t i = 0; i < pending; i++)
		heap4_put(&h, increments[i % INCREMENTS] + (int64_t)(i / INCREMENTS));
	from_s = cpu_s();
	for (size_t i = 0; i < steps; i++)
		heap4_put(&h, heap4_take(&h) + increments[i % INCREMENTS]);
	from_s = cpu_s() - from_s;
	free(h.keys);
	return from_s * 1e9 / (double)steps;
}

static double hold_ladder(size_t pending, const int64_t *increments, size_t steps)
{
	struct ladder1 l = {.near = {.keys = xmalloc((pending + 1) * sizeof(key128))}, .width_ns = 1};
	double from_s;

	for (size_t i = 0; i < pending; i++)
		ladder1_put(&l, increments[i % INCREMENTS] + (int64_t)(i / INCREMENTS));
	from_s = cpu_s();
	for (size_t i = 0; i < steps; i++)
		ladder1_put(&l, ladder1_take(&l) + increments[i % INCREMENTS]);
	from_s = cpu_s() - from_s;
	ladder1_release(&l);
	return from_s * 1e9 / (double)steps;
}

static int64_t *exponential_ns(void)
{
	int64_t *increments = xmalloc(INCREMENTS * sizeof *increments);
	struct rng *r = rng_new(1, "hold");

	for (size_t i = 0; i < INCREMENTS; i++)
		increments[i] = (int64_t)(-1e9 * log(rng_uniform(r)));
	rng_free(r);
	return increments;
}

static void bench_hold(void)
{
	static const size_t pending[] = {1000, 100000, 1000000};
	static double (*const lists[])(size_t, const int64_t *, size_t) = {hold_evq, hold_heap, hold_ladder};
	int64_t *increments = exponential_ns();

	printf("hold model: take one event, put one an exponential time later; processor time, median of "
	       "%d\n",
	       ROUNDS);
	printf("%10s %10s %16s %8s %12s %8s\n", "pending", "evq ns", "4-ary heap ns", "ratio", "ladder ns",
	       "ratio");
	for (size_t p = 0; p < ARRAY_LEN(pending); p++) {
		double ns[ARRAY_LEN(lists)][ROUNDS], m[ARRAY_LEN(lists)];

		for (int i = 0; i < ROUNDS; i++)
			for (size_t k = 0; k < ARRAY_LEN(lists); k++)
				ns[k][i] = lists[k](pending[p], increments, STEPS);
		for (size_t k = 0; k < ARRAY_LEN(lists); k++)
			m[k] = median(ns[k], ROUNDS);
		printf("%10zu %10.1f %16.1f %8.2f %12.1f %8.2f\n", pending[p], m[0], m[1], m[0] / m[1], m[2],
		       m[0] / m[2]);
	}
	free(increments);
}

/* For counting instructions. */
static void count_hold(const char *list, size_t pending, size_t steps)
{
	int64_t *increments = exponential_ns();

	(void)(!strcmp(list, "evq")    ? hold_evq
	       : !strcmp(list, "heap") ? hold_heap
				       : hold_ladder)(pending, increments, steps);
	printf("%s: %zu steps, %zu pending\n", list, steps, pending);
	free(increments);
}

/* ---- a queue with one server, through the engine ---- */

struct mm1 {
	struct engine *engine;
	const int64_t *increments;
	size_t drawn, left, waiting;
};

/* Service is a fifth shorter than the time between arrivals. */
static void mm1_leaves(void *self, sim_ns now_ns)
{
	struct mm1 *q = self;

	(void)now_ns;
	if (--q->waiting)
		engine_after(q->engine, q->increments[q->drawn++ % INCREMENTS] * 4 / 5, EV_FINISH, mm1_leaves,
			     q);
}

static void mm1_arrives(void *self, sim_ns now_ns)
{
	struct mm1 *q = self;

	(void)now_ns;
	if (!q->waiting++)
		engine_after(q->engine, q->increments[q->drawn++ % INCREMENTS] * 4 / 5, EV_FINISH, mm1_leaves,
			     q);
	if (--q->left)
		engine_after(q->engine, q->increments[q->drawn++ % INCREMENTS], EV_ARRIVE, mm1_arrives, q);
}

/* Customers of an M/M/1 queue; for counting instructions. */
static void count_mm1(size_t customers)
{
	int64_t *increments = exponential_ns();
	struct mm1 q = {.engine = engine_new(), .increments = increments, .left = customers};

	engine_at(q.engine, 0, EV_ARRIVE, mm1_arrives, &q);
	engine_run(q.engine);
	printf("%zu customers, %" PRIu64 " events\n", customers, engine_fired(q.engine));
	engine_free(q.engine);
	free(increments);
}

enum { LAYERS = 2000, WIDTH = 256, DEPS = 2, TASKS = LAYERS * WIDTH };

/* Each task hangs on two of the layer before; a queue for each column, half of them in order. */
static void bench_tasks(void)
{
	struct task *tasks = xcalloc(TASKS, sizeof *tasks);
	uint32_t *deps = xcalloc((size_t)TASKS * DEPS, sizeof *deps);
	enum task_order queues[WIDTH];
	const struct task_graph g = {.tasks = tasks,
				     .deps = deps,
				     .queues = queues,
				     .tasks_n = TASKS,
				     .deps_n = (size_t)TASKS * DEPS,
				     .queues_n = WIDTH};
	struct rng *r = rng_new(1, "tasks");
	double s[ROUNDS], m;
	struct task_run run = {0};

	for (uint32_t i = 0; i < WIDTH; i++)
		queues[i] = i % 2 ? TASK_AS_READY : TASK_IN_ORDER;
	for (uint32_t i = 0; i < TASKS; i++) {
		const uint32_t layer = i / WIDTH;

		tasks[i] = (struct task){.duration_ns = (sim_ns)(-1e5 * log(rng_uniform(r))),
					 .queue = i % WIDTH,
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

/* ---- serving ---- */

/* Requests of one length from a Poisson stream, or a closed loop of `users`. */
struct load {
	struct rng *rng;
	int64_t at_ns, output;
	uint64_t sent, n;
	double gap_ns;
	size_t users, in_flight;
};

static bool load_next(void *self, int64_t by_ns, struct request *out)
{
	struct load *l = self;

	if (l->sent == l->n || l->at_ns > by_ns || (l->users && l->in_flight == l->users))
		return false;
	*out = (struct request){.id = l->sent++, .arrive_ns = l->at_ns, .prompt = 100, .output = l->output};
	l->in_flight++;
	if (!l->users)
		l->at_ns += (int64_t)exact_exponential(l->rng, l->gap_ns);
	return true;
}

static void load_ended(void *self, const struct request *r, const struct request_times *t)
{
	struct load *l = self;

	(void)r;
	l->in_flight--;
	if (l->users)
		l->at_ns = t->end_ns;
}

/* 10 ms for the weights, 0.05 ms a row, 1 ns for each token of context. */
static struct batch_step bench_step(void *self, const struct batch_mix *mix)
{
	int64_t rows = mix->decodes, contexts = mix->context_sum[0];

	(void)self;
	for (size_t i = 0; i < mix->pieces_n; i++) {
		rows += mix->pieces[i].tokens;
		contexts += mix->pieces[i].context;
	}
	return (struct batch_step){.fs = 10000000000000 + rows * 50000000000 + contexts * 1000000,
				   .slope_fs = mix->context_growth[0] * 1000000,
				   .steps = 64};
}

struct serve_bench {
	uint64_t requests;
	int64_t seqs, output;
	double per_s;
	size_t users, servers;
	bool each_iteration;
};

static double serve_s(const struct serve_bench *b, int64_t *iterations)
{
	const struct serve_settings set = {.rules = SERVE_VLLM,
					   .seqs = b->seqs,
					   .batched_tokens = 2048,
					   .block = 16,
					   .kv_blocks = 1000000};
	const struct batch_time time = {.of = bench_step, .windows = {INT64_MAX}, .windows_n = 1};
	struct serve_server *servers = xcalloc(b->servers, sizeof *servers);
	struct serve_books *books = xcalloc(b->servers, sizeof *books);
	const struct serve_config c = {.servers = servers,
				       .servers_n = b->servers,
				       .route = ROUTE_LEAST_REQUESTS,
				       .each_iteration = b->each_iteration};
	struct load load = {
		.rng = rng_new(1, "serve"), .n = b->requests, .output = b->output, .users = b->users};
	struct metrics *metrics = metrics_new(&(struct metrics_how){.classes_n = 0});
	const struct request_source source = {load_next, load_ended, &load};
	const struct observer observer = metrics_observer(metrics);
	struct metrics_summary summary;
	struct serve_result result = {.books = books};
	double from_s;

	load.gap_ns = 1e9 / b->per_s / (double)b->servers;
	for (size_t i = 0; i < b->servers; i++)
		servers[i] = (struct serve_server){&set, &time, POOL_WHOLE, 0, 0};
	from_s = cpu_s();
	serve_run(&c, &source, &observer, &result);
	metrics_summarise(metrics, 0, &summary);
	from_s = cpu_s() - from_s;
	*iterations = 0;
	for (size_t i = 0; i < b->servers; i++)
		*iterations += books[i].iterations;
	metrics_free(metrics);
	rng_free(load.rng);
	free(servers);
	free(books);
	return from_s;
}

/* The least that an iteration needs: the time moves on, the contexts grow, somebody may be at his end. */
static double least_s(int64_t iterations, int64_t seqs)
{
	struct heap4 h = {.keys = xmalloc((size_t)(seqs + 1) * sizeof *h.keys)};
	int64_t now_fs = 0, contexts = 0, due;
	volatile int64_t sink;
	double from_s;

	for (int64_t i = 0; i < seqs; i++)
		heap4_put(&h, 1 + i * 7);
	due = heap4_take(&h);
	from_s = cpu_s();
	for (int64_t i = 1; i <= iterations; i++) {
		now_fs += 10000000000 + contexts;
		contexts += seqs;
		for (; due <= i; due = heap4_take(&h))
			heap4_put(&h, i + 200);
	}
	from_s = cpu_s() - from_s;
	sink = now_fs;
	(void)sink;
	free(h.keys);
	return from_s;
}

/* ru_maxrss is in KiB, on macOS in bytes. */
#ifdef __APPLE__
#define RSS_PER_MIB (1024.0 * 1024.0)
#else
#define RSS_PER_MIB 1024.0
#endif

/* The least that a run and its minimal loop took in any round. */
struct serve_timed {
	double s, least_s;
	int64_t iterations;
};

/* In a process of its own: else a run's memory would be there already from an earlier one, or have to be asked for, by
 * which run came first. */
static double alone_s(const struct serve_bench *b, int64_t *iterations)
{
	struct {
		double s;
		int64_t iterations;
	} said = {0, 0};
	int ends[2], status;
	pid_t child;

	BUG_ON(pipe(ends) != 0);
	fflush(stdout);
	child = fork();
	BUG_ON(child < 0);
	if (!child) {
		said.s = serve_s(b, &said.iterations);
		_exit(write(ends[1], &said, sizeof said) == sizeof said ? 0 : 1);
	}
	close(ends[1]);
	BUG_ON(read(ends[0], &said, sizeof said) != sizeof said);
	close(ends[0]);
	BUG_ON(waitpid(child, &status, 0) != child);
	*iterations = said.iterations;
	return said.s;
}

static void time_serve(const struct serve_bench *b, struct serve_timed *t)
{
	const double s = alone_s(b, &t->iterations), least = least_s(t->iterations, b->seqs);

	t->s = t->s > 0 && t->s < s ? t->s : s;
	t->least_s = t->least_s > 0 && t->least_s < least ? t->least_s : least;
}

static void say_aim(const char *what, double is, double most, const char *unit)
{
	printf("%-36s %8.2f %-5s  aim %g: %s\n", what, is, unit, most, is <= most ? "met" : "missed");
}

enum { SERVE_ROUNDS = 3 };
enum { EACH_32, EACH_128, SOME, MANY, SOME_OVERLOADED, MANY_OVERLOADED, SERVERS, SERVE_RUNS };

static void bench_serve(void)
{
	static const struct {
		const char *name;
		struct serve_bench b;
	} runs[] = {
		[EACH_32] = {"each iteration, 32 at once", {20000, 32, 200, 1, 32, 1, true}},
		[EACH_128] = {"each iteration, 128 at once", {40000, 128, 200, 1, 128, 1, true}},
		[SOME] = {"jumps, 10^5 requests", {100000, 64, 100, 12, 0, 1, false}},
		[MANY] = {"jumps, 10^6 requests", {1000000, 64, 100, 12, 0, 1, false}},
		[SOME_OVERLOADED] = {"jumps, 10^5, overloaded", {100000, 64, 100, 60, 0, 1, false}},
		[MANY_OVERLOADED] = {"jumps, 10^6, overloaded", {1000000, 64, 100, 60, 0, 1, false}},
		[SERVERS] = {"jumps, 10^6, 64 servers", {1000000, 64, 100, 12, 0, 64, false}},
	};
	struct serve_timed t[SERVE_RUNS] = {{0}};
	struct rusage used;

	for (size_t round = 0; round < SERVE_ROUNDS; round++)
		for (size_t i = 0; i < ARRAY_LEN(runs); i++)
			time_serve(&runs[i].b, &t[i]);
	getrusage(RUSAGE_CHILDREN, &used);
	printf("serving, with all metrics and their summary; processor time, the least of %d rounds, which "
	       "other "
	       "work on the machine lengthens\n",
	       SERVE_ROUNDS);
	printf("%-28s %12s %12s %14s %14s %10s\n", "", "ns/request", "iterations", "ns/iteration",
	       "minimal loop", "ratio");
	for (size_t i = 0; i < ARRAY_LEN(runs); i++)
		printf("%-28s %12.1f %12" PRId64 " %14.2f %14.2f %10.2f\n", runs[i].name,
		       t[i].s * 1e9 / (double)runs[i].b.requests, t[i].iterations,
		       t[i].s * 1e9 / (double)t[i].iterations, t[i].least_s * 1e9 / (double)t[i].iterations,
		       t[i].s / t[i].least_s);
	say_aim("an iteration at 32", t[EACH_32].s * 1e9 / (double)t[EACH_32].iterations, 300, "ns");
	say_aim("an iteration at 128", t[EACH_128].s * 1e9 / (double)t[EACH_128].iterations, 800, "ns");
	say_aim("10^6 requests in jumps", t[MANY].s, 1, "s");
	say_aim("10^6 requests, overloaded", t[MANY_OVERLOADED].s, 1, "s");
	say_aim("10^6 requests by 10^5", t[MANY].s / t[SOME].s, 11, "times");
	say_aim("10^6 by 10^5, overloaded", t[MANY_OVERLOADED].s / t[SOME_OVERLOADED].s, 11, "times");
	say_aim("a request of 64 servers by one of 1", t[SERVERS].s / t[MANY].s, 1.3, "times");
	say_aim("memory", (double)used.ru_maxrss / RSS_PER_MIB, 95.4, "MiB"); /* 100 MB */
}

/* One of its runs, for counting instructions; with another number of requests, if one is given: the difference of two
 * counts is what the requests between cost, without what a run costs once. */
static void count_serve(const char *which, const char *requests)
{
	struct serve_bench b = {5000, 32, 200, 1, 32, 1, true};
	int64_t iterations;

	if (!strcmp(which, "128"))
		b = (struct serve_bench){20000, 128, 200, 1, 128, 1, true};
	else if (!strcmp(which, "jumps"))
		b = (struct serve_bench){20000, 64, 100, 12, 0, 1, false};
	else if (!strcmp(which, "overload"))
		b = (struct serve_bench){20000, 64, 100, 60, 0, 1, false};
	else if (!strcmp(which, "million"))
		b = (struct serve_bench){1000000, 64, 100, 12, 0, 1, false};
	else if (!strcmp(which, "million-overload"))
		b = (struct serve_bench){1000000, 64, 100, 60, 0, 1, false};
	else if (!strcmp(which, "servers"))
		b = (struct serve_bench){20000, 64, 100, 12, 0, 64, false};
	if (requests)
		b.requests = strtoull(requests, NULL, 10);
	(void)serve_s(&b, &iterations);
	printf("%" PRIu64 " requests, %" PRId64 " iterations\n", b.requests, iterations);
}

/* ---- flows ---- */

struct flows {
	struct flownet *net;
	struct rng *rng;
	size_t wires, left;
};

static void flow_again(void *self, sim_ns now_ns)
{
	struct flows *f = self;
	size_t path[2];

	(void)now_ns;
	if (!f->left)
		return;
	f->left--;
	path[0] = (size_t)(rng_uniform(f->rng) * (double)f->wires) % f->wires;
	path[1] = (path[0] + 1 + (size_t)(rng_uniform(f->rng) * (double)(f->wires - 1)) % (f->wires - 1)) %
		  f->wires;
	flownet_send(f->net, path, 2, 1e6 * (rng_uniform(f->rng) + 1e-3), INFINITY, flow_again, f);
}

/* So many flows at once, each over two of half as many wires and renewed at its end, until n have ended: for counting
 * instructions. */
static void count_flows(size_t at_once, size_t n)
{
	struct engine *e = engine_new();
	struct flows f = {flownet_new(e), rng_new(1, "flows"), at_once / 2, n};

	for (size_t i = 0; i < f.wires; i++)
		flownet_wire(f.net, 1e9 * (1 + 0.01 * (double)i));
	for (size_t i = 0; i < at_once; i++)
		flow_again(&f, 0);
	engine_run(e);
	printf("%zu flows, %zu at once\n", n, at_once);
	flownet_free(f.net);
	engine_free(e);
	rng_free(f.rng);
}

/* The whole program from its start on: wall time, the output thrown away; beside `true`, what any process
 * costs. */
static double run_s(char *const argv[])
{
	const double from = now_s();
	pid_t pid;
	int status;

	fflush(NULL); /* or the child would write it again */
	pid = fork();
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

/* Processor time of the program, user and system: a plan takes seconds, and wall time on a shared machine
 * says little. */
static double child_cpu_s(char *const argv[])
{
	struct rusage before, after;

	getrusage(RUSAGE_CHILDREN, &before);
	(void)run_s(argv);
	getrusage(RUSAGE_CHILDREN, &after);
	return (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
			before.ru_stime.tv_sec) +
	       1e-6 * (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
			       before.ru_stime.tv_usec);
}

static double plan_cpu_s(char *program, char *scenario, char *const *sets, size_t n)
{
	char plan[] = "plan", set[] = "--set";
	char *argv[16] = {program, plan, scenario};
	size_t at = 3;

	for (size_t i = 0; i < n; i++) {
		argv[at++] = set;
		argv[at++] = sets[i];
	}
	return child_cpu_s(argv);
}

static void bench_ask(char *program)
{
	char ask[] = "ask", model[] = "llama-3.3-70b", on[] = "--on", machine[] = "m4 max 64";
	char coder[] = "qwen3 coder 30b", budget[] = "--budget", usd[] = "2500", users[] = "--users",
	     two[] = "2", context[] = "--context", tokens[] = "16k", at_least[] = "--at-least", rate[] = "20";
	char *const one[] = {program, ask, model, on, machine, NULL};
	char *const all[] = {program, ask,     coder,  budget,   usd,  users,
			     two,     context, tokens, at_least, rate, NULL};

	printf("ask, seconds of processor time: one machine %.3f (at most 0.2 wanted); under a budget, over "
	       "the "
	       "whole catalogue %.2f (at most 5)\n",
	       child_cpu_s(one), child_cpu_s(all));
}

static void bench_plan(char *program)
{
	char team[] = "scenarios/plan-team-30.yaml", users[] = "scenarios/plan-four-users-70b.yaml";
	char one[] = "plan.machines={m5: apple-m5-max-40c-64gb}", no_spare[] = "plan.spare=0",
	     slots[] = "plan.slots=[4]", few[] = "workload.serve.arrivals.users=4";
	char any[] = "plan.machines={any: {}}", no_budget[] = "plan.budget=null";
	char *const group[] = {one, no_spare, slots, few}, *const catalogue[] = {any, no_budget};

	printf("plan, seconds of processor time: one group with its capacity, chance and calibration %.2f; 4 "
	       "kinds up to 8 "
	       "with one to spare %.2f (at most 10 wanted); the whole catalogue %.2f (at most 60)\n",
	       plan_cpu_s(program, team, group, ARRAY_LEN(group)), plan_cpu_s(program, team, NULL, 0),
	       plan_cpu_s(program, users, catalogue, ARRAY_LEN(catalogue)));
}

/* Processor time and peak memory of a program, for tables of how cost grows. */
static int cost(char *const argv[])
{
	struct rusage used;

	(void)run_s(argv);
	getrusage(RUSAGE_CHILDREN, &used);
	printf("%.2f s %.0f MB\n",
	       (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		       1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec),
	       (double)used.ru_maxrss / RSS_PER_MIB);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "cost"))
		return cost(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "hold")) {
		count_hold(argv[2], strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "mm1")) {
		count_mm1(strtoul(argv[2], NULL, 10));
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "flows")) {
		count_flows(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "looks")) {
		count_looks(argv[2], strtoul(argv[3], NULL, 10));
		return 0;
	}
	if ((argc == 3 || argc == 4) && !strcmp(argv[1], "serve")) {
		count_serve(argv[2], argc == 4 ? argv[3] : NULL);
		return 0;
	}
	bench_hold();
	bench_tasks();
	bench_serve();
	if (argc == 3) {
		bench_program(argv[1], argv[2]);
		bench_plan(argv[1]);
		bench_ask(argv[1]);
	}
	return 0;
}
