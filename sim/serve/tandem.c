/* tandem.c - see tandem.h. */
#include "sim/serve/tandem.h"

#include <stdlib.h>

#include "sim/base/mem.h"

struct tandem tandem_new(size_t stages)
{
	return (struct tandem){stages, xcalloc(stages, sizeof(struct clock))};
}

void tandem_release(struct tandem *p)
{
	free(p->free);
	*p = (struct tandem){0};
}

struct clock tandem_enter(struct tandem *p, struct clock now, const int64_t *stage_fs, span_fs between_fs)
{
	struct clock at = now;

	for (size_t i = 0; i < p->stages; i++) {
		if (clock_since(p->free[i], at) > 0)
			at = p->free[i];
		at = clock_after(at, stage_fs[i]);
		p->free[i] = at;
	}
	return clock_after(at, between_fs > 0 ? between_fs : 0);
}
