/* slot_log.c - see slot_log.h. */
#include "sim/runs/slot_log.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"

/* The whole number behind a word of a line, and behind blanks; -1: none stands there. */
static int64_t whole_behind(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	if (!at)
		return -1;
	at += strlen(word);
	at += strspn(at, " ");
	return *at >= '0' && *at <= '9' && strspn(at, "0123456789") < 16 ? strtoll(at, NULL, 10) : -1;
}

/* Of "slot print_timing: id  3 | task 1941 | ..."; NULL: the line is of no slot's request. */
static struct slot *slot_of(struct slot_log *l, const char *line, int *number, int64_t *of)
{
	const char *slot = strstr(line, "slot ");
	const int64_t id = slot ? whole_behind(slot, ": id ") : -1,
		      task = slot ? whole_behind(slot, "| task ") : -1;

	if (id < 0 || id >= SLOTS_MOST || task < 0)
		return NULL;
	*number = (int)id;
	*of = task;
	return &l->slots[id];
}

static void begin(struct slot_log *l, struct slot *s, int64_t task, bool launched)
{
	*s = (struct slot){.active = true,
			   .shared = s->active && s->task != task,
			   .launched = launched,
			   .task = task,
			   .cached = -1};
	for (int i = 0; i < SLOTS_MOST; i++)
		if (l->slots[i].active && &l->slots[i] != s)
			l->slots[i].shared = s->shared = true;
}

static void end(struct slot *s, const char *line)
{
	const int64_t past = whole_behind(line, "n_past ="), tokens = whole_behind(line, "n_tokens =");

	s->active = false;
	s->held = past > tokens ? past : tokens;
	s->whole = s->held >= 0 && whole_behind(line, "truncated =") == 0;
}

struct slot *slot_log_take(struct slot_log *l, const char *line)
{
	int number = 0;
	int64_t task = 0;
	struct slot *s = slot_of(l, line, &number, &task);
	const bool progress = strstr(line, "n_decoded =") || strstr(line, "n_gen =");

	if (!s)
		return NULL;
	if (strstr(line, "launch_slot_") && strstr(line, "processing task"))
		begin(l, s, task, true);
	if (progress && !s->active) /* its launch was not pasted */
		begin(l, s, task, false);
	s->shared = s->shared || (progress && s->task != task);
	if (s->launched && s->cached < 0 && strstr(line, "rm ["))
		s->cached = whole_behind(line, "rm [");
	if (strstr(line, "print_timing:"))
		l->now = number + 1;
	if (!strstr(line, "stop processing"))
		return NULL;
	end(s, line);
	return s;
}

void slot_log_done(struct slot *s)
{
	s->active = false;
}

struct slot *slot_log_now(struct slot_log *l)
{
	return l->now ? &l->slots[l->now - 1] : NULL;
}

int64_t slot_cached(const struct slot *s)
{
	const int64_t before = s->held + 1 - s->prompt - s->made;

	if (s->whole)
		return before > 0 ? before : 0;
	return s->cached > 0 ? s->cached : 0;
}
