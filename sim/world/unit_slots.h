/*
 * unit_slots.h - where pairs of a world's units stand in a table in which equal units share their rows.
 *
 * Layer world. Of units that are equal a table has two, since a pair of equals is not a unit with itself: 128 equal devices
 * take a table of 2 x 2. Who makes the slots says what is equal (search/twins.h).
 */
#ifndef SIM_WORLD_UNIT_SLOTS_H
#define SIM_WORLD_UNIT_SLOTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UNIT_SLOTS_MAX = UINT8_MAX };

struct unit_slots {
	size_t n;
	uint8_t unit[UNIT_SLOTS_MAX]; /* [slot]: the unit that it is computed for */
	/* [unit]: the slot of the first that is equal to it; that of the second, as which it stands beside an equal one */
	uint8_t first[UNIT_SLOTS_MAX], second[UNIT_SLOTS_MAX];
};

/* The place of a pair in a table of slots->n rows of slots->n. */
static inline size_t unit_slots_pair(const struct unit_slots *s, size_t u, size_t v)
{
	const size_t a = s->first[u], b = s->first[v];

	return a * s->n + (a == b && u != v ? s->second[v] : b);
}

/* Whether the pair of the units of two slots has its own place: that of a second one and its first is that of the first and its
 * second. */
static inline bool unit_slots_own(const struct unit_slots *s, size_t a, size_t b)
{
	return unit_slots_pair(s, s->unit[a], s->unit[b]) == a * s->n + b;
}

#endif
