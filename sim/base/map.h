/*
 * map.h - a hash table that numbers strings in the order in which they are added.
 *
 * Layer base. A map is iterated by index 0 to n-1, the order of insertion, never by hash or address. Keys are
 * borrowed and must outlive the map.
 */
#ifndef SIM_BASE_MAP_H
#define SIM_BASE_MAP_H
#include <stddef.h>

struct map {
	const char **keys; /* read-only: n keys in the order of insertion */
	size_t n;          /* read-only */
	size_t *slots;     /* private */
	size_t slots_n;    /* private */
};

#define MAP_INIT                                                                                             \
	{                                                                                                    \
		.keys = NULL, .n = 0, .slots = NULL, .slots_n = 0                                            \
	}
#define MAP_NONE ((size_t)-1)

size_t map_find(const struct map *m, const char *key); /* the index, or MAP_NONE */
size_t map_add(struct map *m, const char *key);        /* the index; adds the key if it is new */
void map_release(struct map *m);
/* What strings are found by; equal only of few strings that are not. The same on every machine of one word size. */
size_t map_hash(const char *key);

#endif
