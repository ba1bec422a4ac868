/*
 * name_table.h - a table from 64-bit names to the numbers of entries: open addressing, no tombstones.
 *
 * Layer serve. Names are hashes that are taken to be distinct.
 */
#ifndef SIM_SERVE_NAME_TABLE_H
#define SIM_SERVE_NAME_TABLE_H
#include <stddef.h>
#include <stdint.h>

#define NAME_NONE UINT32_MAX

struct named {
	uint64_t name;
	uint32_t entry; /* NAME_NONE: the place is empty */
};

struct name_table {
	struct named *at; /* room places, a power of two */
	size_t n, room;
};

void name_table_clear(struct name_table *t); /* empty, of a zeroed struct too */
void name_table_release(struct name_table *t);
uint32_t name_table_find(const struct name_table *t, uint64_t name); /* or NAME_NONE */
void name_table_put(struct name_table *t, uint64_t name,
		    uint32_t entry);                         /* the name is new, or gets another entry */
void name_table_strike(struct name_table *t, uint64_t name); /* the name is there */

/* Folds x into a hash. */
static inline uint64_t name_mix(uint64_t h, uint64_t x)
{
	h ^= x * 0x9e3779b97f4a7c15u;
	h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u;
	return h ^ (h >> 32);
}

#endif
