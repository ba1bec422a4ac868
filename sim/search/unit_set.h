/*
 * unit_set.h - a set of a world's units.
 *
 * Layer search. Sets are ordered as the numbers whose bits they are.
 */
#ifndef SIM_SEARCH_UNIT_SET_H
#define SIM_SEARCH_UNIT_SET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* SPACE_UNITS: the most devices of a world that is searched. A unit's number is a byte of a layer map, and one value means
 * none. */
enum { SPACE_UNITS = UINT8_MAX, UNIT_WORDS = (SPACE_UNITS + 63) / 64 };

struct unit_set {
	uint64_t of[UNIT_WORDS]; /* unit u is bit u % 64 of word u / 64 */
};

/* The first units as bits: where there are few. */
static inline struct unit_set unit_set_of_bits(uint64_t bits)
{
	return (struct unit_set){{bits}};
}

static inline void unit_set_add(struct unit_set *s, size_t unit)
{
	s->of[unit / 64] |= UINT64_C(1) << unit % 64;
}

static inline void unit_set_drop(struct unit_set *s, size_t unit)
{
	s->of[unit / 64] &= ~(UINT64_C(1) << unit % 64);
}

static inline struct unit_set unit_set_one(size_t unit)
{
	struct unit_set s = {{0}};

	unit_set_add(&s, unit);
	return s;
}

/* Units 0 .. n - 1. */
static inline struct unit_set unit_set_all(size_t n)
{
	struct unit_set s = {{0}};

	for (size_t u = 0; u < n; u++)
		unit_set_add(&s, u);
	return s;
}

static inline bool unit_set_has(const struct unit_set *s, size_t unit)
{
	return s->of[unit / 64] >> unit % 64 & 1;
}

static inline void unit_set_join(struct unit_set *s, const struct unit_set *more)
{
	for (size_t i = 0; i < UNIT_WORDS; i++)
		s->of[i] |= more->of[i];
}

static inline unsigned unit_set_count(const struct unit_set *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < UNIT_WORDS; i++)
		for (uint64_t bits = s->of[i]; bits; bits &= bits - 1)
			n++;
	return n;
}

/* Whether it has at most one unit. */
static inline bool unit_set_on_one(const struct unit_set *s)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < UNIT_WORDS; i++) {
		if (s->of[i] && (seen || s->of[i] & (s->of[i] - 1)))
			return false;
		seen |= s->of[i];
	}
	return true;
}

static inline bool unit_set_same(const struct unit_set *a, const struct unit_set *b)
{
	return !memcmp(a, b, sizeof *a);
}

/* Whether all of a are in b. */
static inline bool unit_set_within(const struct unit_set *a, const struct unit_set *b)
{
	for (size_t i = 0; i < UNIT_WORDS; i++)
		if (a->of[i] & ~b->of[i])
			return false;
	return true;
}

/* Negative where a comes before b, 0 where they are the same. */
static inline int unit_set_order(const struct unit_set *a, const struct unit_set *b)
{
	for (size_t i = UNIT_WORDS; i-- > 0;)
		if (a->of[i] != b->of[i])
			return a->of[i] < b->of[i] ? -1 : 1;
	return 0;
}

#endif
