/* seq.c - see seq.h. Memory grows by chunks that never move; what is given back is handed out first. */
#include "sim/serve/seq.h"

#include <stdlib.h>

#include "sim/base/mem.h"

struct slab *slab_new(void)
{
	struct slab *s = xcalloc(1, sizeof *s);

	s->free = SEQ_NONE;
	return s;
}

void slab_free(struct slab *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->chunks_n; i++)
		free(s->chunks[i]);
	free(s->chunks);
	free(s);
}

static void add_chunk(struct slab *s)
{
	if (s->chunks_n == s->chunks_room) {
		s->chunks_room = s->chunks_room ? 2 * s->chunks_room : 16;
		s->chunks = xrealloc(s->chunks, s->chunks_room * sizeof *s->chunks);
	}
	s->chunks[s->chunks_n++] = xmalloc(SLAB_CHUNK * sizeof(struct seq));
}

uint32_t slab_take(struct slab *s)
{
	uint32_t i = s->free;

	if (i != SEQ_NONE) {
		s->free = seq_at(s, i)->after;
	} else {
		i = s->used++;
		if (i >> SLAB_BITS == s->chunks_n)
			add_chunk(s);
		seq_at(s, i)->stamp = 0;
	}
	/* the stamp lives on: heap entries of the one who had this number before are stale */
	*seq_at(s, i) = (struct seq){.stamp = seq_at(s, i)->stamp + 1};
	return i;
}

void slab_give(struct slab *s, uint32_t seq)
{
	seq_at(s, seq)->after = s->free;
	seq_at(s, seq)->stamp++;
	s->free = seq;
}
