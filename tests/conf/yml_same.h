/* yml_same.h - whether two trees are the same, places included; for the tests of the readers and their fuzz target. */
#ifndef TESTS_CONF_YML_SAME_H
#define TESTS_CONF_YML_SAME_H
#include <string.h>

#include "sim/conf/yml.h"

static bool yml_same(const struct yml *a, const struct yml *b)
{
	const struct place *p = &a->place, *q = &b->place;
	bool same = a->kind == b->kind && a->quoted == b->quoted && a->n == b->n && a->weight == b->weight &&
		    a->height == b->height && !a->text == !b->text &&
		    (!a->text || !strcmp(a->text, b->text)) && p->line == q->line && p->col == q->col &&
		    p->width == q->width;

	for (size_t i = 0; same && i < a->n; i++)
		same = yml_same(a->items[i], b->items[i]) && (!a->keys || yml_same(a->keys[i], b->keys[i]));
	return same;
}

#endif
