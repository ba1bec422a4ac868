/*
 * workers.h - independent items of work, done by several threads; the results are those of one thread.
 *
 * Layer base. Items are handed out in the order of their indices. An item writes what it finds where its index says, and
 * nothing that another item reads, so that results do not depend on the number of threads. What must be put together in
 * order is put together by the caller afterwards.
 */
#ifndef SIM_BASE_WORKERS_H
#define SIM_BASE_WORKERS_H
#include <stddef.h>
#include <stdint.h>

enum { WORKERS_MAX = 256 };

/* What a user asks of it. */
struct workers_ask {
	int64_t threads; /* 0: one for each processor */
};

struct workers_task {
	size_t n;
	/* Does item i; 0, or -1 where it failed. worker < the number of threads: its scratch belongs to this call. */
	int (*item)(void *self, size_t worker, size_t i);
	void *self;
	const volatile int *stop; /* no item is begun after it has become non-zero; NULL: never */
	/* Given each item that was done, one call at a time, in the order in which they end; -1 fails the item. NULL: nobody
	 * takes them. */
	int (*take)(void *self, size_t i);
	/* Told, one call at a time, when one more item has been done; NULL: nobody wants to know. */
	void (*tell)(void *watcher, size_t done, size_t of);
	void *watcher;
};

/* The number of threads for n items: as asked, 0: one for each processor; no more than items, and at least one. */
size_t workers_count(int64_t asked, size_t n);

/* Does all items and returns n; or the index of the first that failed or was not begun: every item below it has been
 * done. With one thread nothing is started, and the caller's thread does them all. */
size_t workers_run(const struct workers_task *work, size_t threads);

#endif
