/*
 * mem.h - heap allocation and arenas. If memory runs out the process aborts, so no caller checks for NULL.
 *
 * Layer base. Memory is grouped by lifespan: what is allocated in an arena is freed with the arena and never
 * alone.
 */
#ifndef SIM_BASE_MEM_H
#define SIM_BASE_MEM_H
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);

/* For the start of a program that makes and releases arenas all the time: the C library keeps what is freed, up to a
 * gigabyte, instead of giving it back and having the system clear every page again. Changes no result; does nothing
 * where the C library is not glibc. */
void mem_keep_freed(void);

struct arena_block;
struct arena {
	struct arena_block *top; /* private */
};

#define ARENA_INIT                                                                                           \
	{                                                                                                    \
		.top = NULL                                                                                  \
	}

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
/* zeroed; the product n * size is checked for overflow */
void *arena_array(struct arena *a, size_t n, size_t size);
/* as arena_array(), not zeroed: for what is filled at once */
void *arena_room(struct arena *a, size_t n, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* moves all memory of `from` to a; `from` is empty then */
void arena_adopt(struct arena *a, struct arena *from);
void arena_release(struct arena *a); /* frees all memory; the arena may be used again */

#endif
