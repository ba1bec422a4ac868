/* pipeline.c - see pipeline.h. */
#include "sim/serve/pipeline.h"

#include <stdlib.h>

#include "sim/base/mem.h"

struct pipeline pipeline_new(size_t stages)
{
	return (struct pipeline){stages, xcalloc(stages, sizeof(struct clock))};
}

void pipeline_release(struct pipeline *p)
{
	free(p->free);
	*p = (struct pipeline){0};
}

struct clock pipeline_enter(struct pipeline *p, struct clock now, const int64_t *stage_fs, span_fs between_fs)
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
