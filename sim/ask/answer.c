/* answer.c - see answer.h. */
#include "sim/ask/answer.h"

#include <math.h>
#include <string.h>

#include "sim/ask/host_experts.h"
#include "sim/ask/scenario_text.h"
#include "sim/base/str.h"
#include "sim/predict/metrics.h"
#include "sim/predict/scenario_load.h"

static const char *text_of(struct arena *a, const struct asked *asked)
{
	struct str text = STR_INIT;
	const char *kept;

	scenario_text(&text, asked);
	kept = arena_strdup(a, text.text);
	str_release(&text);
	return kept;
}

static const struct placement *place(struct loader *l, const char *yaml)
{
	const struct texts none = {0};
	const struct world *w = load_text(l, ASK_PATH, yaml) == 0 ? scenario_load(l, ASK_PATH, &none) : NULL;

	return w ? scenario_place(l, w) : NULL;
}

/* How good a row is: a whole answer's time, under a load that of 95 in a hundred, or a training step's. */
static double seconds(const struct assignment_row *row, const struct asked *q)
{
	const struct metric *m = rows_metric(row, q->train        ? "train_step_s"
						  : asked_load(q) ? "e2el_s_p95"
								  : "e2el_s");

	return m && isfinite(m->value) ? m->value : INFINITY;
}

static size_t quickest(const struct answer *a)
{
	size_t best = a->rows_n;

	for (size_t i = 0; i < a->rows_n; i++)
		if (a->rows[i].fits && (best == a->rows_n ||
					seconds(&a->rows[i], &a->asked) < seconds(&a->rows[best], &a->asked)))
			best = i;
	return best;
}

int answer_predict(struct loader *l, const struct asked *asked, const struct draws_ask *ask,
		   struct answer *out)
{
	struct assignment_row *rows;
	struct draws draws;
	struct err err = ERR_INIT;
	int rc = 0;

	*out = (struct answer){.asked = *asked, .yaml = text_of(l->arena, asked)};
	out->at = place(l, out->yaml);
	if (!out->at)
		return -1;
	out->rows_n = out->at->world->scenario->assignments.n;
	out->rows = rows = arena_array(l->arena, out->rows_n, sizeof *rows);
	draws = draws_asked(l->arena, out->at->world, ask);
	for (size_t i = 0; i < out->rows_n && rc == 0; i++) {
		struct prediction *p = arena_alloc(l->arena, sizeof *p);

		prediction_make(l->arena, &out->at[i], p);
		rc = prediction_row(l->arena, p, &draws, &rows[i], &err);
		prediction_release(p);
	}
	if (rc != 0)
		return scenario_load_broke(l, out->at->world, &err);
	out->best = quickest(out);
	return 0;
}

bool answer_fits(const struct loader *l, const struct asked *asked)
{
	struct arena scratch = ARENA_INIT;
	struct diags unheard;
	struct loader apart;
	bool fits;

	diags_init(&unheard, &scratch);
	loader_init(&apart, &scratch, &unheard);
	apart.paths = l->paths;
	apart.paths_n = l->paths_n;
	apart.trees = l->trees; /* files that were read for the answer are not read again */
	apart.roots = l->roots;
	fits = prediction_any_fits(place(&apart, text_of(&scratch, asked)));
	arena_release(&scratch);
	return fits;
}

int answer_make(struct loader *l, const struct question *q, const struct draws_ask *draws, struct answer *out,
		struct err *err)
{
	struct asked asked;

	if (question_settle(l, q, &asked, err) != 0)
		return -1;
	host_experts_settle(l, &asked);
	if (answer_predict(l, &asked, draws, out) != 0)
		return -1;
	if (out->best == out->rows_n)
		out->remedies = answer_remedies(l, out);
	return 0;
}
