/* map.c - open addressing with linear probing; a slot holds index + 1, and 0 is a free slot. */
#include "sim/base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

size_t map_hash(const char *key)
{
	uint64_t h = 1469598103934665603u; /* FNV-1a */

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	return (size_t)(h ^ (h >> 32));
}

static size_t probe(const struct map *m, const char *key)
{
	size_t s = map_hash(key) & (m->slots_n - 1);

	while (m->slots[s] && strcmp(m->keys[m->slots[s] - 1], key))
		s = (s + 1) & (m->slots_n - 1);
	return s;
}

static void grow(struct map *m)
{
	m->slots_n = m->slots_n ? m->slots_n * 2 : 16;
	free(m->slots);
	m->slots = xcalloc(m->slots_n, sizeof *m->slots);
	m->keys = xrealloc(m->keys, m->slots_n * sizeof *m->keys);
	for (size_t i = 0; i < m->n; i++)
		m->slots[probe(m, m->keys[i])] = i + 1;
}

size_t map_find(const struct map *m, const char *key)
{
	size_t s;

	if (!m->n)
		return MAP_NONE;
	s = probe(m, key);
	return m->slots[s] ? m->slots[s] - 1 : MAP_NONE;
}

size_t map_add(struct map *m, const char *key)
{
	size_t s;

	if (m->n * 2 >= m->slots_n)
		grow(m);
	s = probe(m, key);
	if (!m->slots[s]) {
		m->keys[m->n++] = key;
		m->slots[s] = m->n;
	}
	return m->slots[s] - 1;
}

void map_release(struct map *m)
{
	free(m->keys);
	free(m->slots);
	*m = (struct map)MAP_INIT;
}
