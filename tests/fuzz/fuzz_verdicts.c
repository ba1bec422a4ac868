/* fuzz_verdicts.c - any text as a file of the verdicts of a plan; what is read can be written and read again. */
#include "tests/fuzz/fuzz.h"

#include "sim/base/mem.h"
#include "sim/plan/verdicts.h"

static const char version[] = "0";

/* Every verdict that was read, once more. */
static void round_trip(struct arena *a, const struct plan_verdicts *v, const struct plan_verdicts_head *head)
{
	struct plan_verdicts back = {.arena = a};
	struct plan_verdicts_head again;
	struct str text = STR_INIT;
	struct err err = ERR_INIT;

	plan_verdicts_write_head(&text, head, version);
	for (int q = 0; q < PLAN_QUESTIONS; q++)
		for (size_t i = 0; i < v->keys[q].n; i++)
			plan_verdicts_write(&text, (enum plan_question)q, v->keys[q].keys[i],
					    v->numbers[q].at[i]);
	if (plan_verdicts_read(a, &back, "again", text.text, text.len, version, &again, &err) != 0)
		BUG("what was written cannot be read: %s", err.msg);
	for (int q = 0; q < PLAN_QUESTIONS; q++)
		BUG_ON(back.keys[q].n != v->keys[q].n);
	str_release(&text);
	plan_verdicts_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	struct plan_verdicts v = {.arena = &arena};
	struct plan_verdicts_head head;
	struct err err = ERR_INIT;

	if (plan_verdicts_read(&arena, &v, "input", text, size, version, &head, &err) != 0)
		BUG_ON(!err.msg[0]);
	else
		round_trip(&arena, &v, &head);
	plan_verdicts_release(&v);
	arena_release(&arena);
	return 0;
}
