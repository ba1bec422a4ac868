/*
 * map.h - names to small numbers, in the order they came: a hash table of strings.
 *
 * Layer base. Walking a map goes by index 0..n-1, the order of insertion, never by hash or address.
 * Keys are borrowed and must outlive the map.
 */
#ifndef SIM_BASE_MAP_H
#define SIM_BASE_MAP_H
#include <stddef.h>

struct map {
	const char **keys; /* read-only: n of them, in the order they were added */
	size_t n;          /* read-only */
	size_t *slots;     /* private */
	size_t slots_n;    /* private */
};

#define MAP_INIT                                                                                             \
	{                                                                                                    \
		.keys = NULL, .n = 0, .slots = NULL, .slots_n = 0                                            \
	}
#define MAP_NONE ((size_t)-1)

size_t map_find(const struct map *m, const char *key); /* its index, or MAP_NONE */
size_t map_add(struct map *m, const char *key);        /* its index, new or old */
void map_release(struct map *m);

#endif
