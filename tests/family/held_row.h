/* held_row.h - a row of a report that is held against a machine, a runtime and a model. */
#ifndef TESTS_FAMILY_HELD_ROW_H
#define TESTS_FAMILY_HELD_ROW_H
#include <string.h>

#include "sim/family/report_rows.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

/* A machine, a runtime and a model, and the columns of a row that was measured there. */
struct bench {
	const char *machine, *runtime, *model, *type, *backend, *device;
	double bytes, params;
};

struct held_row {
	struct fixture t;
	struct catalogue_device device;
	struct model_shelf shelf;
	struct report_ask ask;
	struct runs runs;
	struct report_row row;
	struct texts notes;
	enum run_column column;
	struct err why;
};

static inline void hold_begin(struct held_row *h, const struct bench *b)
{
	*h = (struct held_row){.t = {.arena = ARENA_INIT}};
	diags_init(&h->t.diags, &h->t.arena);
	loader_init(&h->t.loader, &h->t.arena, &h->t.diags);
	MUST(catalogue_device_load(&h->t.loader, b->machine, NULL, b->runtime, &h->device) == 0);
	h->shelf = (struct model_shelf){.loader = &h->t.loader};
	h->ask = (struct report_ask){.shelf = &h->shelf, .device = &h->device, .model = b->model};
	h->ask.given = catalogue_model_load(&h->t.loader, b->model);
	MUST(h->ask.given);
}

static inline int hold_text(struct held_row *h, const char *text)
{
	h->why = (struct err)ERR_INIT;
	MUST(runs_parse(&h->t.arena, "report", text, strlen(text), &h->runs, &h->why) == 0);
	return report_row_make(&h->ask, &h->runs.at[0], &h->row, &h->notes, &h->column, &h->why);
}

#endif
