/*
 * remedy.c - what would make a question fit, each tried by itself: a link that joins the machines, experts on a host, a smaller format, a
 * smaller cache, fewer tokens, fewer users, a higher limit of what a Mac's GPU may wire, more memory of the same chip. See answer.h.
 */
#include <math.h>
#include <string.h>

#include "sim/ask/answer.h"
#include "sim/ask/host_experts.h"
#include "sim/ask/look_up.h"
#include "sim/ask/would_fit.h"
#include "sim/base/str.h"
#include "sim/cost/formats.h"

enum { REMEDIES_MAX = 8 };

struct remedies {
	const struct loader *l;
	const struct answer *a;
	struct arena *arena;
	const char **at;
	size_t n;
};

static void add(struct remedies *r, const char *text)
{
	if (r->n < REMEDIES_MAX)
		r->at[r->n++] = text;
}

/* Bits of a weight, over the whole model. */
static double bits(const struct asked *q)
{
	return 8 * q->weights_B / model_weights(q->model);
}

static double weights_B(const struct asked *q, int mix)
{
	return model_weights_B(q->model,
			       &(struct precision){.weights = mix, .kv = FORMAT_F16, .compute = FORMAT_F16});
}

/* What people do with a mixture that is larger than their card. */
static void experts_on_host(struct remedies *r)
{
	const char *text = host_experts_remedy(r->l, &r->a->asked);

	if (text)
		add(r, text);
}

/* Machines without a link are asked each by itself; whatever joins them, their memories together may do. */
static void joined(struct remedies *r)
{
	struct asked as = r->a->asked;

	if (as.machines_n < 2 || as.link_id)
		return;
	as.link_id = as.machines[0].facts->system == SYSTEM_UNKNOWN ? "pcie-4-x16" : "thunderbolt-4-tcp";
	if (answer_fits(r->l, &as))
		add(r,
		    arena_printf(r->arena, "both at once: --link %s, or what else joins them", as.link_id));
}

static void smaller_format(struct remedies *r)
{
	const struct asked *q = &r->a->asked;
	const enum format_reader reads = format_reader_of(q->machines[0].runtime);

	for (const char *const *f = would_fit_formats(reads); *f && !q->train; f++) {
		struct asked as = *q;
		const int mix = (int)str_find(*f, mix_names, MIX_N);

		as.weights = mix_names[mix];
		as.weights_B = weights_B(q, mix);
		if (as.weights_B >= q->weights_B || !answer_fits(r->l, &as))
			continue;
		add(r, arena_printf(r->arena, "smaller weights: --weights %s, %.1f bits each instead of %.1f",
				    as.weights, bits(&as), bits(q)));
		return;
	}
}

static void smaller_adapters(struct remedies *r)
{
	struct asked as = r->a->asked;

	if (!as.train || !strcmp(as.train, "qlora"))
		return;
	as.train = "qlora";
	as.weights = question_weights(as.model, as.machines[0].runtime, as.train);
	if (answer_fits(r->l, &as))
		add(r, "adapters on quantised weights: --train qlora");
}

static void smaller_cache(struct remedies *r)
{
	struct asked as = r->a->asked;

	if (as.train || strcmp(as.kv, "f16") != 0 || format_reader_of(as.machines[0].runtime) != READS_GGUF)
		return;
	as.kv = "q8_0";
	if (answer_fits(r->l, &as))
		add(r, "a smaller cache: --kv q8_0, half of it");
}

/* Sequences to train on, or of prompt and answer, in units of so many tokens. */
struct shorter {
	const struct loader *l;
	struct asked as;
	int64_t unit, rest; /* tokens of the answer, which stay */
};

static bool fits_shorter(void *shorter, int64_t units)
{
	struct shorter *s = shorter;

	*(s->as.train ? &s->as.tokens : &s->as.prompt) = units * s->unit - s->rest;
	return answer_fits(s->l, &s->as);
}

/* The longest multiple of 1024 tokens that fits, of sequences to train on the longest of 256. */
static void fewer_tokens(struct remedies *r)
{
	const struct asked *q = &r->a->asked;
	struct shorter s = {r->l, *q, q->train ? 256 : 1024, q->train ? 0 : q->tokens};
	const int64_t all = q->train ? q->tokens : q->prompt + q->tokens;
	int64_t fits;

	if (all <= s.unit || s.rest >= s.unit)
		return;
	fits = would_fit_most(all / s.unit + 1, fits_shorter, &s);
	if (!fits || fits * s.unit >= all)
		return;
	if (q->train)
		add(r,
		    arena_printf(r->arena, "shorter sequences: --tokens %lld", (long long)(fits * s.unit)));
	else
		add(r, arena_printf(r->arena, "fewer tokens: --context %lldk%s", (long long)fits,
				    q->users > 1 ? " for each user" : ""));
}

static bool fits_users(void *fewer, int64_t users)
{
	struct shorter *s = fewer;

	s->as.users = users;
	return answer_fits(s->l, &s->as);
}

/* As many at once as the memory holds; of a load that comes by itself nobody says how many there are. */
static void fewer_users(struct remedies *r)
{
	const struct asked *q = &r->a->asked;
	struct shorter s = {.l = r->l, .as = *q};
	const int64_t most =
		q->users > 1 && !(q->requests_per_s > 0) ? would_fit_most(q->users, fits_users, &s) : 0;

	if (most && q->train)
		add(r, arena_printf(r->arena, "a smaller batch: --users %lld", (long long)most));
	else if (most)
		add(r, arena_printf(r->arena, "fewer users at once: --users %lld", (long long)most));
}

/* Where so much is left for macOS and what else runs, the limit may be raised to what is needed. */
static void wired_limit(struct remedies *r)
{
	const double leave_B = 4.0 * 1073741824.0, MiB = 1048576.0;

	for (size_t i = 0; i < r->a->rows_n; i++) {
		const struct assignment_row *row = &r->a->rows[i];
		const struct asked_machine *m = NULL;

		for (size_t k = 0; row->memory_n == 1 && k < r->a->asked.machines_n; k++)
			if (!strcmp(r->a->asked.machines[k].name, row->memory[0].machine))
				m = &r->a->asked.machines[k];
		if (!m || m->facts->system == SYSTEM_UNKNOWN ||
		    row->memory[0].need_B > m->facts->memory.capacity.value - leave_B)
			continue;
		add(r,
		    arena_printf(
			    r->arena,
			    "a higher limit of what the GPU may wire on %s: sudo sysctl "
			    "iogpu.wired_limit_mb=%.0f (until the next restart; what is left for macOS and "
			    "other programs is %.1f GiB: with less than they need it swaps, stutters or "
			    "restarts)",
			    m->name, ceil(row->memory[0].need_B / MiB),
			    (m->facts->memory.capacity.value - row->memory[0].need_B) / 1073741824.0));
	}
}

/* The smallest memory of the same chip that holds it. */
static void larger_machine(struct remedies *r)
{
	const struct asked_machine *m = &r->a->asked.machines[0];
	struct arena scratch = ARENA_INIT;
	struct loader apart;
	struct known_name *names;
	size_t n;

	if (r->a->asked.machines_n != 1)
		return;
	loader_init(&apart, &scratch, r->l->diags);
	apart.paths = r->l->paths;
	apart.paths_n = r->l->paths_n;
	apart.trees = r->l->trees;
	apart.roots = r->l->roots;
	n = catalogue_names(&apart, CATALOGUE_MACHINES, m->id, &names);
	for (size_t i = 0; i < n; i++) {
		struct asked as = r->a->asked;
		struct machine facts = *m->facts;

		if (!typed_larger(names[i].id, m->id))
			continue;
		as.machines[0].id = names[i].id;
		as.machines[0].facts = &facts;
		if (!answer_fits(r->l, &as))
			continue;
		add(r, arena_printf(r->arena, "more memory of the same chip: --on %s", names[i].id));
		break;
	}
	arena_release(&scratch);
}

struct texts answer_remedies(const struct loader *l, const struct answer *a)
{
	struct remedies r = {.l = l, .a = a, .arena = l->arena};

	r.at = arena_array(l->arena, REMEDIES_MAX, sizeof *r.at);
	joined(&r);
	experts_on_host(&r);
	smaller_format(&r);
	smaller_adapters(&r);
	smaller_cache(&r);
	fewer_tokens(&r);
	fewer_users(&r);
	wired_limit(&r);
	larger_machine(&r);
	return (struct texts){r.at, r.n};
}
