/* pool.c - see pool.h. */
#include "kernels/cpu/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

enum { SPINS = 2000, STACK_B = 4 << 20, THREADS_MAX = 1024 };

struct worker {
	struct pool *pool;
	pthread_t thread;
	int index;
};

struct pool {
	struct worker *workers; /* the caller is not among them */
	int workers_n, limit;
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
	atomic_uint generation; /* incremented for each parallel loop */
	atomic_int left;        /* workers that have not finished */
	atomic_bool quit;
	pool_work *work;
	void *self;
	int parts;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static void wait_generation(struct pool *p, unsigned seen)
{
	for (int i = 0; i < SPINS; i++) {
		if (atomic_load(&p->generation) != seen)
			return;
		relax();
	}
	pthread_mutex_lock(&p->lock);
	while (atomic_load(&p->generation) == seen)
		pthread_cond_wait(&p->wake, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *at)
{
	const struct worker *w = at;
	struct pool *p = w->pool;

	for (unsigned seen = 0;; seen++) {
		wait_generation(p, seen);
		if (atomic_load(&p->quit))
			return NULL;
		if (w->index < p->parts)
			p->work(p->self, w->index, p->parts);
		if (atomic_fetch_sub(&p->left, 1) == 1) {
			pthread_mutex_lock(&p->lock);
			pthread_cond_signal(&p->done);
			pthread_mutex_unlock(&p->lock);
		}
	}
}

static void next_generation(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->left, p->workers_n);
	atomic_fetch_add(&p->generation, 1);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

void pool_run(struct pool *p, pool_work *work, void *self)
{
	if (p->limit == 1 || !p->workers_n) {
		work(self, 0, 1);
		return;
	}
	p->work = work;
	p->self = self;
	p->parts = p->limit;
	next_generation(p);
	work(self, 0, p->parts);
	for (int i = 0; i < SPINS; i++) {
		if (!atomic_load(&p->left))
			return;
		relax();
	}
	pthread_mutex_lock(&p->lock);
	while (atomic_load(&p->left))
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void pool_run_if(struct pool *p, int64_t items, int64_t grain, pool_work *work, void *self)
{
	if (items <= grain)
		work(self, 0, 1);
	else
		pool_run(p, work, self);
}

struct span pool_span(int64_t n, int64_t step, int part, int parts)
{
	const int64_t steps = (n + step - 1) / step;
	const int64_t from = steps * part / parts * step, to = steps * (part + 1) / parts * step;

	return (struct span){from < n ? from : n, to < n ? to : n};
}

static int start(struct pool *p, int n)
{
	pthread_attr_t attr;
	int rc;

	pthread_attr_init(&attr);
	rc = pthread_attr_setstacksize(&attr, STACK_B);
	for (int i = 0; i < n && !rc; i++) {
		struct worker *w = &p->workers[i];

		*w = (struct worker){.pool = p, .index = i + 1};
		rc = pthread_create(&w->thread, &attr, worker_main, w);
		p->workers_n += !rc;
	}
	pthread_attr_destroy(&attr);
	return rc;
}

struct pool *pool_new(int threads, struct err *err)
{
	struct pool *p = xcalloc(1, sizeof *p);
	int rc;

	if (threads < 1 || threads > THREADS_MAX) {
		err_set(err, "cannot use %d threads", threads);
		free(p);
		return NULL;
	}
	p->limit = threads;
	p->workers = xcalloc((size_t)threads, sizeof *p->workers);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	pthread_cond_init(&p->done, NULL);
	rc = start(p, threads - 1);
	if (rc) {
		err_set(err, "cannot start a thread: %s", strerror(rc));
		pool_free(p);
		return NULL;
	}
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	atomic_store(&p->quit, true);
	next_generation(p);
	for (int i = 0; i < p->workers_n; i++)
		pthread_join(p->workers[i].thread, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	pthread_cond_destroy(&p->done);
	free(p->workers);
	free(p);
}

void pool_limit(struct pool *p, int threads)
{
	p->limit = threads > 0 && threads <= p->workers_n ? threads : p->workers_n + 1;
}

int pool_threads(const struct pool *p)
{
	return p->limit;
}
