/* lane_choice.c - see lane_choice.h. */
#include "sim/draw/lane_choice.h"

#include <string.h>

static bool is_named(const struct lane *lane, const char *name)
{
	return !strcmp(lane->name, name) || (lane->machine && !strcmp(lane->machine, name));
}

static int refuse(struct arena *a, const struct schedule *s, const char *name, struct err *err)
{
	const char **known = arena_array(a, s->lanes_n + 1, sizeof *known);

	for (size_t l = 0; l < s->lanes_n; l++)
		known[l] = s->lanes[l].name;
	return err_unknown(err, "lane", name, known, s->lanes_n);
}

/* Moves the named lanes together. to[lane]: its new number; UINT32_MAX: it is left out. */
static int choose(struct arena *a, struct schedule *s, const struct texts *names, uint32_t *to,
		  struct err *err)
{
	struct lane *kept = arena_array(a, s->lanes_n + 1, sizeof *kept);
	uint32_t n = 0;

	for (size_t l = 0; l < s->lanes_n; l++)
		to[l] = UINT32_MAX;
	for (size_t i = 0; i < names->n; i++) {
		bool any = false;

		for (size_t l = 0; l < s->lanes_n; l++) {
			if (!is_named(&s->lanes[l], names->at[i]))
				continue;
			any = true;
			if (to[l] != UINT32_MAX)
				continue;
			to[l] = n;
			kept[n++] = s->lanes[l];
		}
		if (!any)
			return refuse(a, s, names->at[i], err);
	}
	s->lanes = kept;
	s->lanes_n = n;
	return 0;
}

/* The box that is kept and that box i waited for, over those that are left out; UINT32_MAX: none. */
static uint32_t kept_cause(const struct schedule *s, const uint32_t *moved, uint32_t cause)
{
	while (cause != UINT32_MAX && moved[cause] == UINT32_MAX)
		cause = s->boxes[cause].cause;
	return cause == UINT32_MAX ? UINT32_MAX : moved[cause];
}

/* Boxes keep their order, so that each lane's stay sorted. */
static void keep_boxes(struct arena *a, struct schedule *s, const uint32_t *to)
{
	struct box *kept = arena_array(a, s->boxes_n + 1, sizeof *kept);
	uint32_t *moved = arena_array(a, s->boxes_n + 1, sizeof *moved);
	uint32_t n = 0;

	for (size_t i = 0; i < s->boxes_n; i++) {
		moved[i] = UINT32_MAX;
		if (to[s->boxes[i].lane] == UINT32_MAX)
			continue;
		moved[i] = n;
		kept[n] = s->boxes[i];
		kept[n++].lane = to[s->boxes[i].lane];
	}
	for (uint32_t i = 0; i < n; i++)
		kept[i].cause = kept_cause(s, moved, kept[i].cause);
	s->boxes = kept;
	s->boxes_n = n;
}

static void keep_memory(struct arena *a, struct schedule *s)
{
	struct memory_track *kept = arena_array(a, s->memory_tracks_n + 1, sizeof *kept);
	size_t n = 0;

	for (size_t i = 0; i < s->memory_tracks_n; i++)
		for (size_t l = 0; l < s->lanes_n; l++)
			if (is_named(&s->lanes[l], s->memory_tracks[i].name)) {
				kept[n++] = s->memory_tracks[i];
				break;
			}
	s->memory_tracks = kept;
	s->memory_tracks_n = n;
}

int lanes_choose(struct arena *a, struct schedule *s, const struct texts *names, struct err *err)
{
	uint32_t *to = arena_array(a, s->lanes_n + 1, sizeof *to);

	if (choose(a, s, names, to, err) != 0)
		return -1;
	keep_boxes(a, s, to);
	keep_memory(a, s);
	return 0;
}
