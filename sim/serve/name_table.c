/* name_table.c - see name_table.h. */
#include "sim/serve/name_table.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

enum { FIRST_ROOM = 64 };

static void make_room(struct name_table *t, size_t room)
{
	t->at = xmalloc(room * sizeof *t->at);
	t->room = room;
	memset(t->at, 0xff, room * sizeof *t->at);
}

void name_table_clear(struct name_table *t)
{
	t->n = 0;
	if (t->at)
		memset(t->at, 0xff, t->room * sizeof *t->at);
	else
		make_room(t, FIRST_ROOM);
}

void name_table_release(struct name_table *t)
{
	free(t->at);
	*t = (struct name_table){.n = 0};
}

static size_t home(const struct name_table *t, uint64_t name)
{
	return (size_t)((name * 0x9e3779b97f4a7c15u) >> 20) & (t->room - 1);
}

/* Its place, or the empty one where it would go. */
static size_t look(const struct name_table *t, uint64_t name)
{
	size_t at = home(t, name);

	while (t->at[at].entry != NAME_NONE && t->at[at].name != name)
		at = (at + 1) & (t->room - 1);
	return at;
}

uint32_t name_table_find(const struct name_table *t, uint64_t name)
{
	return t->at[look(t, name)].entry;
}

static void grow(struct name_table *t)
{
	struct named *old = t->at;
	const size_t room = t->room;

	make_room(t, 2 * room);
	for (size_t i = 0; i < room; i++)
		if (old[i].entry != NAME_NONE)
			t->at[look(t, old[i].name)] = old[i];
	free(old);
}

void name_table_put(struct name_table *t, uint64_t name, uint32_t entry)
{
	size_t at;

	if (2 * (t->n + 1) > t->room)
		grow(t);
	at = look(t, name);
	t->n += t->at[at].entry == NAME_NONE;
	t->at[at] = (struct named){name, entry};
}

/* Those behind it in its cluster move up (Knuth, TAOCP 6.4, algorithm R). */
void name_table_strike(struct name_table *t, uint64_t name)
{
	size_t hole = look(t, name);

	for (size_t at = (hole + 1) & (t->room - 1); t->at[at].entry != NAME_NONE;
	     at = (at + 1) & (t->room - 1)) {
		const size_t from = home(t, t->at[at].name);

		if (((at - from) & (t->room - 1)) >= ((at - hole) & (t->room - 1))) {
			t->at[hole] = t->at[at];
			hole = at;
		}
	}
	t->at[hole].entry = NAME_NONE;
	t->n--;
}
