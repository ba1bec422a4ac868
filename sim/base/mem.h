/*
 * mem.h - heap and arenas. Out of memory aborts: nobody checks for NULL.
 *
 * Layer base. Memory goes by lifespan: what is born in an arena dies with it and is never freed alone.
 */
#ifndef SIM_BASE_MEM_H
#define SIM_BASE_MEM_H
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);

struct arena_block;
struct arena {
	struct arena_block *top; /* private */
};

#define ARENA_INIT                                                                                           \
	{                                                                                                    \
		.top = NULL                                                                                  \
	}

void *arena_alloc(struct arena *a, size_t size);           /* zeroed, aligned for any type */
void *arena_array(struct arena *a, size_t n, size_t size); /* zeroed too; n * size is checked */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_adopt(struct arena *a, struct arena *from); /* all of `from` lives on in a; `from` is empty */
void arena_release(struct arena *a);                   /* frees all; the arena may be used again */

#endif
