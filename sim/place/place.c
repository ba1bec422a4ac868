/* place.c - see place.h. */
#include "sim/place/place.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/nearest.h"
#include "sim/base/units.h"
#include "sim/hw/programs.h"
#include "sim/place/equal_devices.h"
#include "sim/place/footprint.h"
#include "sim/place/place_checks.h"
#include "sim/place/shard_sizes.h"

struct generate placement_generate(const struct placement *p)
{
	return generate_as(p->world->scenario->workload.generate, p->assignment);
}

struct train placement_train(const struct placement *p)
{
	return train_as(p->world->scenario->workload.train, p->assignment);
}

static void complain_at(const struct placement_maker *mk, struct place place, const char *hint,
			const char *msg)
{
	diag_add(mk->diags, place, hint, "assignment '%s': %s", mk->a->name, msg);
}

/* Complains at a rule's key (or at the rule), "assignment 'x': ...". */
static void complain(const struct placement_maker *mk, const struct rule *r, const char *key,
		     const char *hint, const char *msg)
{
	const struct yml *at = yml_get(r->origin.node, key);

	complain_at(mk, at ? at->place : r->origin.node->place, hint, msg);
}

/* The position in the file of entry i of a key's list, or of its only text. */
static struct place entry_place(const struct rule *r, const char *key, size_t i)
{
	const struct yml *at = yml_get(r->origin.node, key);

	return !at ? r->origin.node->place : at->kind == YML_LIST ? at->items[i]->place : at->place;
}

/* The names of a list as bits; complains about unknown ones. Empty list: all. */
static unsigned name_set(const struct placement_maker *mk, const struct rule *r, const char *key,
			 const char *const *known)
{
	const struct field_list *list = !strcmp(key, "op") ? &r->op : &r->phase;
	const char *const *names = list->at;
	unsigned set = 0;
	size_t n = 0;

	while (known[n])
		n++;
	for (size_t i = 0; i < list->n; i++) {
		const size_t j = str_find(names[i], known, n);
		struct err err = ERR_INIT;

		set |= j < n ? 1u << j : 0;
		if (j < n)
			continue;
		err_unknown(&err, key, names[i], known, n);
		complain_at(mk, entry_place(r, key, i), err.hint, err.msg);
	}
	return list->n ? set : (1u << n) - 1;
}

/* Machines, then devices. The caller frees the array. */
static const char **names_of(const struct world *w, size_t *n)
{
	const char **names;

	*n = w->machines_n + w->units_n;
	names = xcalloc(*n, sizeof *names);
	for (size_t i = 0; i < *n; i++)
		names[i] = i < w->machines_n ? w->machines[i].origin.name : w->units[i - w->machines_n].name;
	return names;
}

static void find_units(const struct placement_maker *mk, const struct rule *r, struct shards *shards)
{
	const char *const *on = r->on.at;
	size_t names_n;
	const char **names = names_of(mk->w, &names_n);

	for (size_t i = 0; i < r->on.n && i < SHARDS_MAX; i++) {
		struct err err = ERR_INIT;

		shards->unit[i] = world_unit(mk->w, on[i]);
		for (size_t j = 0; j < i; j++)
			if (shards->unit[j] == shards->unit[i] && shards->unit[i] != WORLD_NONE) {
				complain_at(mk, entry_place(r, "on", i), NULL, "a device is named twice");
				break;
			}
		if (shards->unit[i] != WORLD_NONE)
			continue;
		shards->unit[i] = 0;
		err_set(&err, "no machine or device is called '%.60s'", on[i]);
		err_hint_names(&err, on[i], names, names_n);
		complain_at(mk, entry_place(r, "on", i), err.hint, err.msg);
	}
	free(names);
}

static void share_out(const struct placement_maker *mk, const struct rule *r, struct shards *shards)
{
	const double *shares = r->shares.at;
	double sum = 0;
	char msg[120];

	for (int i = 0; i < shards->n; i++)
		shards->share[i] = r->shares.n == (size_t)shards->n ? shares[i]
				   : shards->data                   ? 0
								    : 1.0 / shards->n;
	if (!r->shares.n)
		return;
	for (size_t i = 0; i < r->shares.n; i++)
		sum += shares[i];
	if (r->split == RULE_WHOLE)
		complain(mk, r, "shares", "add 'split: tensor', 'experts' or 'data'",
			 "shares are given, but nothing is split");
	else if (r->shares.n != (size_t)shards->n) {
		snprintf(msg, sizeof msg, "%zu shares for %d devices", r->shares.n, shards->n);
		complain(mk, r, "shares", NULL, msg);
	} else if (fabs(sum - 1) > 1e-6) {
		snprintf(msg, sizeof msg, "the shares add up to %s %%, not 100 %%",
			 units_digits(sum * 100, 6).text);
		complain(mk, r, "shares", NULL, msg);
	}
}

static struct shards shard_group_of(const struct placement_maker *mk, const struct rule *r)
{
	struct shards shards = {.n = r->on.n > SHARDS_MAX ? SHARDS_MAX : (int)r->on.n};

	char msg[120];

	if (!r->on.n || r->on.n > SHARDS_MAX) {
		snprintf(msg, sizeof msg, "%zu devices are named; a block is split over %d at most", r->on.n,
			 SHARDS_MAX);
		complain(mk, r, "on", NULL, msg);
		return shards;
	}
	if (r->on.n > 1 && r->split == RULE_WHOLE)
		complain(mk, r, "on", "add 'split: tensor', 'experts' or 'data', or write a rule for each",
			 "several devices, but no split");
	if (r->on.n == 1 && r->split != RULE_WHOLE)
		complain(mk, r, "on", "name the devices in a list",
			 r->split == RULE_DATA      ? "a data split needs several devices"
			 : r->split == RULE_EXPERTS ? "a split by experts needs several devices"
						    : "a tensor split needs several devices");
	shards.data = r->split == RULE_DATA;
	find_units(mk, r, &shards);
	share_out(mk, r, &shards);
	return shards;
}

/* Ranges that overlap in part are taken for a mistake; a range inside another refines it. */
static void check_ranges(const struct placement_maker *mk, const struct rule *rules, size_t i)
{
	const struct field_range *r = &rules[i].layers;
	char msg[160];

	if (r->first < 0)
		return;
	if (r->last >= mk->w->model->layers) {
		snprintf(msg, sizeof msg, "layers %lld-%lld, but the model has layers 0-%lld",
			 (long long)r->first, (long long)r->last, (long long)mk->w->model->layers - 1);
		complain(mk, &rules[i], "layers", "they are counted from 0", msg);
	}
	for (size_t j = 0; j < i; j++) {
		const struct field_range *q = &rules[j].layers;
		const bool apart = q->first < 0 || q->last < r->first || r->last < q->first;
		const bool nested = (q->first <= r->first && r->last <= q->last) ||
				    (r->first <= q->first && q->last <= r->last);

		if (apart || nested || rules[i].op.n || rules[j].op.n || rules[i].phase.n || rules[j].phase.n)
			continue;
		snprintf(msg, sizeof msg, "layers %lld-%lld overlap %lld-%lld in part", (long long)r->first,
			 (long long)r->last, (long long)q->first, (long long)q->last);
		complain(mk, &rules[i], "layers", "let the ranges meet, or put one inside the other", msg);
	}
}

/* A rule whose roles the model lacks is taken for a mistake, such as 'ffn' where every layer has experts. */
static void check_roles(const struct placement_maker *mk, const struct rule *r, unsigned roles)
{
	const char *hint = NULL;
	char msg[120];

	for (int role = 0; role < ROLE_N; role++)
		if ((roles >> role & 1) && model_has(mk->w->model, (enum role)role))
			return;
	if (!mk->w->model->ends)
		return; /* bare layers: rules for the ends have no effect */
	if (roles >> ROLE_FFN & 1)
		hint = "its layers have experts: 'router', 'experts'";
	snprintf(msg, sizeof msg, "the model has no %s", (const char *)((const char *const *)r->op.at)[0]);
	complain(mk, r, "op", hint, msg);
}

/* Runtimes that split tensors evenly need heads that divide: mlx_lm's shard() of models cuts n_heads // N,
 * vLLM refuses others (config/model.py, verify_with_parallel_config()), and llama.cpp's -sm row cuts rows, no heads.
 * Unlike shares are a question that the user asks. */
static bool uneven_heads(const struct placement_maker *mk, const struct rule *r, const struct shards *shards)
{
	const int64_t heads = mk->w->model->attention.kv_heads;
	char msg[160];

	if (r->split != RULE_TENSOR || r->shares.n || heads % shards->n == 0)
		return false;
	snprintf(msg, sizeof msg,
		 "%lld key-value heads cannot be shared evenly by %d devices: no runtime splits so",
		 (long long)heads, shards->n);
	complain(mk, r, "on",
		 "name as many devices as divide them, or say 'shares' to ask what it would be worth", msg);
	return true;
}

/* Attention is split by whole key-value heads, each with its query heads. */
static struct shards by_heads(const struct placement_maker *mk, const struct rule *r, struct shards shards)
{
	const int64_t heads = model_kv_heads(mk->w->model);
	int64_t whole[SHARDS_MAX];
	char msg[160], hint[120];

	if (!shard_sizes_whole(shards.share, shards.n, heads, whole)) {
		snprintf(msg, sizeof msg, "attention has %lld key-value head%s, too few for %d devices",
			 (long long)heads, heads == 1 ? "" : "s", shards.n);
		snprintf(hint, sizeof hint,
			 "heads are whole: place 'op: attention' on %lld of them, or on one",
			 (long long)heads);
		complain(mk, r, "on", hint, msg);
		return shards;
	}
	if (uneven_heads(mk, r, &shards))
		return shards;
	for (int i = 0; i < shards.n; i++)
		shards.share[i] = (double)whole[i] / (double)heads;
	return shards;
}

/* The number of experts on each device: as given by the rule, else by its shares. False with a diagnostic. */
static bool count_experts(const struct placement_maker *mk, const struct rule *r, const struct shards *shards,
			  int64_t whole[SHARDS_MAX])
{
	const int64_t all = mk->w->model->experts->count;
	const double *given = r->experts.at;
	double sum = 0;
	char msg[160];

	if (!r->experts.n) {
		if (shard_sizes_whole(shards->share, shards->n, all, whole))
			return true;
		snprintf(msg, sizeof msg, "a layer has %lld experts, too few for %d devices", (long long)all,
			 shards->n);
		complain(mk, r, "on", "experts are whole", msg);
		return false;
	}
	for (size_t i = 0; i < r->experts.n; i++)
		sum += given[i] == floor(given[i]) ? given[i] : NAN;
	if (r->experts.n != (size_t)shards->n)
		snprintf(msg, sizeof msg, "%zu counts of experts for %d devices", r->experts.n, shards->n);
	else if (isnan(sum))
		snprintf(msg, sizeof msg, "experts are whole");
	else if (sum != (double)all)
		snprintf(msg, sizeof msg, "the experts add up to %.0f, but a layer has %lld", sum,
			 (long long)all);
	else {
		for (int i = 0; i < shards->n; i++)
			whole[i] = (int64_t)given[i];
		return true;
	}
	complain(mk, r, "experts", NULL, msg);
	return false;
}

static struct shards by_experts(const struct placement_maker *mk, const struct rule *r, unsigned roles,
				struct shards shards)
{
	int64_t whole[SHARDS_MAX];

	shards.by_experts = true;
	if (roles != 1u << ROLE_EXPERTS) {
		complain(mk, r, "split", "add 'op: experts', and place the rest by other rules",
			 "nothing but experts can be split by experts");
		return shards;
	}
	if (r->experts.n && r->shares.n)
		complain(mk, r, "experts", "keep one of the two", "both 'shares' and 'experts' are given");
	if (mk->w->model->experts && count_experts(mk, r, &shards, whole))
		for (int i = 0; i < shards.n; i++)
			shards.share[i] = (double)whole[i] / (double)mk->w->model->experts->count;
	return shards;
}

static void apply(const struct placement_maker *mk, const struct rule *r, struct shards *const *shard_groups,
		  size_t blocks_n)
{
	const unsigned roles = name_set(mk, r, "op", role_names),
		       phases = name_set(mk, r, "phase", phase_names);
	struct shards shards = shard_group_of(mk, r);
	const bool attends = roles >> ROLE_ATTENTION & 1 && r->split == RULE_TENSOR && shards.n > 1 &&
			     r->on.n == (size_t)shards.n;
	const struct shards heads = attends ? by_heads(mk, r, shards) : shards;

	if (r->op.n && roles)
		check_roles(mk, r, roles);
	if (r->split == RULE_EXPERTS && shards.n > 1 && r->on.n == (size_t)shards.n)
		shards = by_experts(mk, r, roles, shards);
	else if (r->experts.n && r->split != RULE_EXPERTS)
		complain(mk, r, "experts", "add 'split: experts'", "experts are counted, but not split");
	if (shards.data && ((phases >> PHASE_PREFILL & 1 && shard_groups[PHASE_PREFILL]) ||
			    (phases >> PHASE_DECODE & 1 && shard_groups[PHASE_DECODE])))
		complain(mk, r, "split", "add 'phase: [forward, backward, update]'",
			 "a data split is for training: its replicas share no prompt");
	for (int p = 0; p < PHASE_N; p++) {
		if (!(phases >> p & 1) || !shard_groups[p])
			continue;
		for (size_t b = 0; b < blocks_n; b++) {
			const struct block k = model_block(mk->w->model, b);
			const bool in_range = r->layers.first < 0 ||
					      (k.layer >= r->layers.first && k.layer <= r->layers.last);

			if ((roles >> k.part.role & 1) && in_range)
				shard_groups[p][b] = k.part.role == ROLE_ATTENTION ? heads : shards;
		}
	}
}

const struct model *placement_decoding_model(const struct placement *p)
{
	const struct model *m = p->world->model;

	for (size_t i = 0; i < p->blocks_n; i++) {
		const struct part part = model_block(p->world->model, i).part;

		if (!part.windowed)
			continue;
		m = shard_group_model(p->world, &p->shard_groups[PHASE_DECODE][i], WORLD_NONE);
		if (part_window(m, part))
			break;
	}
	return m;
}

bool placement_uses(const struct placement *p, enum phase phase, size_t unit)
{
	if (p->draft && placement_uses(p->draft, phase, unit))
		return true;
	for (size_t b = 0; p->shard_groups[phase] && b < p->blocks_n; b++)
		for (int i = 0; i < p->shard_groups[phase][b].n; i++)
			if (p->shard_groups[phase][b].unit[i] == unit)
				return true;
	return false;
}

/* Do the machine's devices have one of that name for which no runtime is known? Such a device is no unit. */
static bool lacks_speeds(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->machines_n; i++) {
		const struct machine *m = &w->machines[i];
		const size_t n = strlen(m->origin.name);

		if (!strncmp(name, m->origin.name, n) && name[n] == '.' && machine_device(m, name + n + 1))
			return true;
	}
	return false;
}

static void complain_of_target(const struct placement_maker *mk, const struct expert_offload *o)
{
	const struct yml *to = yml_get(o->origin.node, "to");
	size_t n;
	const char **names = names_of(mk->w, &n), *near = nearest_of(o->to, names, n);
	struct str all = STR_INIT;

	if (near)
		str_addf(&all, "did you mean '%s'? ", near);
	for (size_t i = 0; i < mk->w->units_n; i++)
		str_addf(&all, "%s%s", i ? ", " : "there are ", mk->w->units[i].name);
	if (lacks_speeds(mk->w, o->to))
		diag_add(mk->diags, to->place, all.text,
			 "assignment '%s': nothing says how fast '%.60s' computes: its file has no runtime "
			 "for it",
			 mk->a->name, o->to);
	else
		diag_add(mk->diags, to->place, all.text,
			 "assignment '%s': no machine or device is called '%.60s'", mk->a->name, o->to);
	str_release(&all);
	free(names);
}

/* Complains where the rule would change nothing: of layers without experts, or of experts that are there already. */
static bool offload_moves(const struct placement_maker *mk, const struct rule *r, size_t unit,
			  struct shards *const *shard_groups, size_t blocks_n)
{
	const struct expert_offload *o = mk->a->offload;
	bool any = false;

	for (int p = 0; p < PHASE_N; p++)
		for (size_t b = 0; shard_groups[p] && b < blocks_n; b++) {
			const struct block k = model_block(mk->w->model, b);
			const struct shards *s = &shard_groups[p][b];

			if (k.part.role != ROLE_EXPERTS || k.layer > r->layers.last)
				continue;
			any = true;
			if (s->n != 1 || s->unit[0] != unit)
				return true;
		}
	if (any)
		diag_add(mk->diags, yml_get(o->origin.node, "to")->place,
			 "'place' says where the rest of the model is",
			 "assignment '%s': the experts of these layers are on '%.60s' already", mk->a->name,
			 o->to);
	else
		diag_add(mk->diags, yml_get(o->origin.node, "experts")->place, NULL,
			 "assignment '%s': the first %lld layers have no experts, they are dense",
			 mk->a->name, (long long)o->experts);
	return false;
}

/* The rows of a pass of a prompt, without those of its last and shorter chunk. */
static double pass_rows(const struct placement *p)
{
	const struct generate g = placement_generate(p);
	const struct shape s = prefill_shape(&g);

	return (double)s.batch * (double)s.tokens;
}

/* Where the card copies experts for prompts, the rule is of decode alone. */
static bool copies_for_prompts(const struct placement_maker *mk, const struct placement *p)
{
	const struct shards *first = p->shard_groups[PHASE_PREFILL];
	const struct profile *profile;
	int64_t from;

	if (!mk->w->scenario->workload.generate || !first || !first->n || !mk->a->offload->op_offload)
		return false;
	profile = mk->w->units[first[p->blocks_n - 1].unit[0]].profile;
	from = runtime_op_offload_rows(profile->origin.name);
	return from > 0 && pass_rows(p) >= (double)from;
}

static const bool *copied_blocks(struct arena *a, const struct placement *p)
{
	bool *copied = arena_array(a, p->blocks_n, sizeof *copied);

	for (size_t b = 0; b < p->blocks_n; b++)
		copied[b] = model_block(p->world->model, b).part.role == ROLE_EXPERTS &&
			    !shard_group_same(&p->shard_groups[PHASE_PREFILL][b],
					      &p->shard_groups[PHASE_DECODE][b]);
	return copied;
}

/* `offload:` is the rule that it stands for. Layers are counted from the first, dense ones too, as the names blk.N of a
 * GGUF are; shared experts stay. */
static void offload_experts(const struct placement_maker *mk, struct arena *a, struct placement *p,
			    struct shards *const *shard_groups)
{
	static const char *const decode = "decode";
	const size_t blocks_n = p->blocks_n;
	const bool copies = copies_for_prompts(mk, p);
	const struct expert_offload *o = mk->a->offload;
	const char *const experts = role_names[ROLE_EXPERTS];
	const struct rule r = {.origin = o->origin,
			       .on = {(void *)&o->to, 1},
			       .layers = {0, o->experts - 1},
			       .op = {(void *)&experts, 1},
			       .phase = {(void *)&decode, copies ? 1 : 0},
			       .split = RULE_WHOLE};

	const size_t unit = world_unit(mk->w, o->to);

	if (!mk->w->model->experts)
		diag_add(mk->diags, o->origin.node->place, NULL, "assignment '%s': the model has no experts",
			 mk->a->name);
	else if (unit == WORLD_NONE)
		complain_of_target(mk, o);
	else if (offload_moves(mk, &r, unit, shard_groups, blocks_n)) {
		apply(mk, &r, shard_groups, blocks_n);
		p->copied = copies ? copied_blocks(a, p) : NULL;
	}
}

static const struct speculative *speculative_of(const struct placement_maker *mk, const struct placement *p)
{
	const struct serve_how *how = p->assignment->serving.serve;

	if (mk->w->scenario->workload.generate)
		return placement_generate(p).options.speculative;
	return mk->w->scenario->workload.serve && how ? how->speculative : NULL;
}

/* The draft model runs on one device in every phase. */
static void place_draft(const struct placement_maker *mk, struct arena *a, struct placement *p)
{
	const struct speculative *sp = speculative_of(mk, p);
	struct placement *d = arena_alloc(a, sizeof *d);
	struct shards *shard_groups, shards = {.n = 1, .share = {1}};
	char msg[160];

	if (!sp)
		return;
	shards.unit[0] = world_unit(mk->w, sp->on);
	if (shards.unit[0] == WORLD_NONE) {
		snprintf(msg, sizeof msg, "no machine or device is called '%.60s'", sp->on);
		complain_at(mk, yml_get(sp->origin.node, "on")->place, NULL, msg);
		return;
	}
	*d = (struct placement){
		.world = sp->world, .assignment = p->assignment, .blocks_n = model_blocks(sp->world->model)};
	shard_groups = arena_array(a, d->blocks_n, sizeof *shard_groups);
	for (size_t i = 0; i < d->blocks_n; i++)
		shard_groups[i] = shards;
	d->shard_groups[PHASE_PREFILL] = d->shard_groups[PHASE_DECODE] = shard_groups;
	p->draft = d;
}

/* Groups of no device. Units and shares are written with their number, and are too much to be zeroed before. */
static struct shards *unplaced(struct arena *a, size_t n)
{
	struct shards *groups = arena_room(a, n, sizeof *groups);

	for (size_t i = 0; i < n; i++) {
		struct shards *s = &groups[i];

		s->n = s->ranks = 0;
		s->by_tokens = s->overlaps = s->by_experts = s->data = false;
	}
	return groups;
}

int placement_make(struct arena *a, const struct world *w, const struct assignment *from, struct placement *p,
		   struct diags *diags)
{
	const struct placement_maker mk = {w, from, diags};
	const struct rule *rules = from->place.at;
	const size_t before = diags->total;
	struct shards *shard_groups[PHASE_N] = {0};

	*p = (struct placement){.world = w, .assignment = from, .blocks_n = model_blocks(w->model)};
	for (int i = 0; i < PHASE_N; i++)
		if (workload_runs(&w->scenario->workload, (enum phase)i))
			p->shard_groups[i] = shard_groups[i] = unplaced(a, p->blocks_n);
	for (size_t i = 0; i < from->place.n; i++) {
		check_ranges(&mk, rules, i);
		apply(&mk, &rules[i], shard_groups, p->blocks_n);
	}
	if (from->offload)
		offload_experts(&mk, a, p, shard_groups);
	if (diags->total == before)
		placement_check_complete(&mk, p);
	if (diags->total == before && p->shard_groups[PHASE_FORWARD])
		placement_stand_for_equals(&mk, p, shard_groups);
	if (diags->total == before)
		placement_check_splits(&mk, p);
	if (diags->total == before)
		place_draft(&mk, a, p);
	if (diags->total == before)
		placement_check_links(&mk, p);
	return diags->total == before ? 0 : -1;
}
