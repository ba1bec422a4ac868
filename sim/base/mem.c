/* mem.c - see mem.h. */
#include "sim/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "sim/base/err.h"

enum { ARENA_BLOCK = 64 * 1024, ARENA_ALIGN = 16 };

struct arena_block {
	struct arena_block *below;
	size_t used, size;
	_Alignas(ARENA_ALIGN) unsigned char bytes[];
};

static void *or_die(void *p)
{
	if (!p)
		BUG("out of memory");
	return p;
}

void *xmalloc(size_t size)
{
	return or_die(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return or_die(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
	return or_die(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return or_die(strdup(s));
}

/* As arena_alloc(), not zeroed. */
static void *arena_take(struct arena *a, size_t size)
{
	struct arena_block *b = a->top;
	void *p;

	BUG_ON(size > SIZE_MAX / 2);
	size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (!b || b->size - b->used < size) {
		const size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;

		b = xmalloc(sizeof *b + room);
		*b = (struct arena_block){.below = a->top, .used = 0, .size = room};
		a->top = b;
	}
	p = b->bytes + b->used;
	b->used += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(arena_take(a, size), 0, size);
}

void *arena_room(struct arena *a, size_t n, size_t size)
{
	BUG_ON(size && n > SIZE_MAX / 2 / size);
	return arena_take(a, n * size);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	return memset(arena_room(a, n, size), 0, n * size);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *to = arena_take(a, len + 1);

	to[len] = '\0';
	return memcpy(to, s, len);
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char brief[160], *s;
	int len;

	va_start(args, fmt);
	len = vsnprintf(brief, sizeof brief, fmt, args);
	va_end(args);
	BUG_ON(len < 0);
	if ((size_t)len < sizeof brief)
		return arena_strndup(a, brief, (size_t)len);
	s = arena_take(a, (size_t)len + 1);
	va_start(args, fmt);
	vsnprintf(s, (size_t)len + 1, fmt, args);
	va_end(args);
	return s;
}

void arena_adopt(struct arena *a, struct arena *from)
{
	struct arena_block **last = &from->top;

	while (*last)
		last = &(*last)->below;
	*last = a->top;
	a->top = from->top;
	from->top = NULL;
}

void arena_release(struct arena *a)
{
	while (a->top) {
		struct arena_block *b = a->top;

		a->top = b->below;
		free(b);
	}
}

void mem_keep_freed(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 256 << 20);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_TOP_PAD, 16 << 20);
#endif
}
