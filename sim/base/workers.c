/* workers.c - see workers.h. */
#include "sim/base/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

struct workers {
	const struct workers_task *work;
	pthread_mutex_t lock;
	size_t next, done;
	size_t first_failed; /* n: none */
};

struct worker {
	struct workers *workers;
	size_t number;
	pthread_t thread;
};

size_t workers_count(int64_t asked, size_t n)
{
	const long here = asked > 0 ? (long)asked : sysconf(_SC_NPROCESSORS_ONLN);
	const size_t threads = here < 1 ? 1 : here > WORKERS_MAX ? WORKERS_MAX : (size_t)here;

	return threads < n ? threads : n ? n : 1;
}

/* The next item; n: there is none, or one before it has failed. */
static size_t take(struct workers *p)
{
	const bool stopped = p->work->stop && *p->work->stop;
	size_t i = p->work->n;

	pthread_mutex_lock(&p->lock);
	if (stopped && p->next < p->first_failed)
		p->first_failed = p->next;
	if (p->next < p->first_failed)
		i = p->next++;
	pthread_mutex_unlock(&p->lock);
	return i;
}

static void put_back(struct workers *p, size_t i, int rc)
{
	pthread_mutex_lock(&p->lock);
	if (rc == 0 && p->work->take)
		rc = p->work->take(p->work->self, i);
	if (rc != 0 && i < p->first_failed)
		p->first_failed = i;
	p->done++;
	if (p->work->tell)
		p->work->tell(p->work->watcher, p->done, p->work->n);
	pthread_mutex_unlock(&p->lock);
}

static void *work(void *self)
{
	const struct worker *w = self;
	const struct workers_task *of = w->workers->work;

	for (size_t i = take(w->workers); i < of->n; i = take(w->workers))
		put_back(w->workers, i, of->item(of->self, w->number, i));
	return NULL;
}

size_t workers_run(const struct workers_task *of, size_t threads)
{
	struct workers p = {.work = of, .first_failed = of->n};
	struct worker *workers = xcalloc(threads, sizeof *workers);
	size_t started = 1;

	pthread_mutex_init(&p.lock, NULL);
	for (size_t i = 0; i < threads; i++)
		workers[i] = (struct worker){.workers = &p, .number = i};
	/* where the system has no thread left, those that there are do the work */
	while (started < threads &&
	       pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
		started++;
	work(&workers[0]);
	for (size_t i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_mutex_destroy(&p.lock);
	free(workers);
	return p.first_failed;
}
