/* budget.c - see budget.h. */
#include "sim/ask/budget.h"

#include <math.h>
#include <string.h>

#include "sim/ask/look_up.h"
#include "sim/base/str.h"
#include "sim/base/vec.h"

typedef VEC(struct budget_row) rows;

struct finder {
	struct loader *l;
	const struct budget_ask *ask;
	struct budget *out;
	rows good, slow;
	VEC(const char *) no_price;
};

static int by_price(const void *a, const void *b)
{
	const struct budget_row *x = a, *y = b;

	if (x->usd != y->usd)
		return x->usd < y->usd ? -1 : 1;
	if (x->rate != y->rate)
		return x->rate > y->rate ? -1 : 1;
	return strcmp(x->id, y->id);
}

static const struct budget_row *keep(struct arena *a, rows *from, size_t *n)
{
	struct budget_row *kept = arena_array(a, from->n, sizeof *kept);

	if (from->n) {
		qsort(from->at, from->n, sizeof *from->at, by_price);
		memcpy(kept, from->at, from->n * sizeof *kept);
	}
	*n = from->n;
	VEC_FREE(from);
	return kept;
}

static double rate_of(const struct assignment_row *row, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct metric *m = rows_metric(row, names[i]);

		if (m)
			return m->value;
	}
	return 0;
}

/* One machine, which is cheap enough and can be asked. */
static void try_asked(struct finder *f, const struct asked *asked, struct arena *scratch)
{
	static const char *const rates[] = {"decode_tok_per_s_per_seq", "decode_tok_per_s",
					    "train_tok_per_s"};
	static const char *const times[] = {"ttft_s", "train_step_s"};
	const struct draws_ask few = {.seed = -1, .n = 2};
	const struct machine *m = asked->machines[0].facts;
	struct diags unheard;
	struct loader apart;
	struct answer a;
	struct budget_row row;

	diags_init(&unheard, scratch);
	loader_init(&apart, scratch, &unheard);
	apart.paths = f->l->paths;
	apart.paths_n = f->l->paths_n;
	apart.trees = f->l->trees;
	apart.roots = f->l->roots;
	if (asked->weights_B > m->memory.usable.value || answer_predict(&apart, asked, &few, &a) != 0 ||
	    a.best == a.rows_n) {
		f->out->too_small++;
		return;
	}
	row = (struct budget_row){.id = arena_strdup(f->l->arena, asked->machines[0].id),
				  .title = arena_strdup(f->l->arena, m->title),
				  .usd = m->price.value,
				  .price = m->price.provenance,
				  .rate = rate_of(&a.rows[0], rates, ARRAY_LEN(rates)),
				  .first_s = rate_of(&a.rows[0], times, ARRAY_LEN(times)),
				  .need_B = a.rows[0].memory[0].need_B,
				  .usable_B = a.rows[0].memory[0].usable_B};
	if (row.rate >= f->ask->at_least)
		VEC_ADD(&f->good, row);
	else
		VEC_ADD(&f->slow, row);
}

/* What is wrong with a file, once for all machines that inherit it. */
static void add_broken(struct finder *f, const struct diags *why)
{
	struct str all = STR_INIT;
	const char *first;

	diags_format(why, &all);
	first = arena_strndup(f->l->arena, all.text, strcspn(all.text, "\n"));
	str_release(&all);
	f->out->broken = texts_join_once(f->l->arena, &f->out->broken, first);
}

static void try_machine(struct finder *f, const char *id, const char *model)
{
	struct arena scratch = ARENA_INIT;
	struct diags unheard, *heard = f->l->diags;
	struct question q = f->ask->question;
	struct err err = ERR_INIT;
	struct asked asked;

	diags_init(&unheard, &scratch);
	q.model = model;
	q.machines = (struct texts){&id, 1};
	q.ids = true;
	f->l->diags = &unheard;
	if (question_settle(f->l, &q, &asked, &err) != 0 && unheard.total)
		add_broken(f, &unheard);
	else if (err.msg[0])
		f->out->no_runtime++;
	else if (!asked.machines[0].facts->price.given)
		VEC_ADD(&f->no_price, arena_strdup(f->l->arena, id));
	else if (asked.machines[0].facts->price.value > f->ask->usd)
		f->out->too_dear++;
	else
		try_asked(f, &asked, &scratch);
	f->l->diags = heard;
	arena_release(&scratch);
}

/* A machine whose variants stand beside it is told by them. */
static bool has_variants(const struct known_name *names, size_t n, size_t i)
{
	const size_t len = strlen(names[i].id);

	for (size_t k = i + 1; k < n && !strncmp(names[k].id, names[i].id, len); k++)
		if (names[k].id[len] == '-' && strspn(names[k].id + len + 1, "0123456789") > 0 &&
		    str_ends(names[k].id, "gb"))
			return true;
	return false;
}

static int answer_cheapest(struct finder *f, const char *model, const struct draws_ask *draws,
			   struct err *err)
{
	struct question q = f->ask->question;
	const char *id = f->out->rows[0].id;

	q.model = model;
	q.machines = (struct texts){&id, 1};
	q.ids = true;
	f->out->any = true;
	return answer_make(f->l, &q, draws, &f->out->answer, err);
}

int budget_find(struct loader *l, const struct budget_ask *ask, const struct draws_ask *draws,
		struct budget *out, struct err *err)
{
	struct finder f = {.l = l, .ask = ask, .out = out};
	struct known_name *names;
	const char *model = look_up(l, CATALOGUE_MODELS, ask->question.model, err);
	size_t n;

	*out = (struct budget){.ask = ask};
	if (!model || question_check_model(l, model) != 0)
		return -1;
	n = catalogue_names(l, CATALOGUE_MACHINES, NULL, &names);
	for (size_t i = 0; i < n; i++)
		if (!has_variants(names, n, i))
			try_machine(&f, names[i].id, model);
	out->rows = keep(l->arena, &f.good, &out->rows_n);
	out->slow = keep(l->arena, &f.slow, &out->slow_n);
	out->no_price = texts_join(l->arena, &out->no_price, f.no_price.at, f.no_price.n);
	VEC_FREE(&f.no_price);
	return out->rows_n ? answer_cheapest(&f, model, draws, err) : 0;
}
