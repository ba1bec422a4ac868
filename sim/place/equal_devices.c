/* equal_devices.c - see equal_devices.h. */
#include "sim/place/equal_devices.h"

static const struct {
	const char *key, *link;
} kinds[EQUALS_N] = {
	[EQUALS_TENSOR] = {"tensor_parallel", "{base: nvlink-4, all_reduce: ring, equals: tensor}"},
	[EQUALS_DATA] = {"data_parallel", "{base: infiniband-hdr-nccl, equals: data}"},
	[EQUALS_CONTEXT] = {"context_parallel", "{base: nvlink-4, all_reduce: ring, equals: context}"}};

/* The position of a key in the assignment's `train:` or in the workload's. */
static struct place key_place(const struct placement_maker *mk, const char *key)
{
	const struct train_options *own = mk->a->train;
	const struct yml *at = own ? yml_get(own->origin.node, key) : NULL;

	if (!at)
		at = yml_get(mk->w->scenario->workload.train->origin.node, key);
	return at ? at->place : mk->a->origin.node->place;
}

/* Complains where the ranks' algorithm wants a power of two; a link or the workload asks for it. */
static void check_algorithm(const struct placement_maker *mk, enum equals e, int64_t n, enum reduce_way way,
			    struct place at)
{
	if (!reduce_of_equals(way) && way != REDUCE_AUTO)
		diag_add(mk->diags, at, "ring, tree, halving, or auto: the quickest of these",
			 "assignment '%s': equal devices cannot all-reduce by '%s'", mk->a->name,
			 reduce_way_names[way]);
	else if (n & (n - 1) && (way == REDUCE_TREE || way == REDUCE_HALVING))
		diag_add(mk->diags, at, "ask for 'ring' or 'auto'",
			 "assignment '%s': %s: %lld is no power of two, as '%s' needs among equal devices",
			 mk->a->name, kinds[e].key, (long long)n, reduce_way_names[way]);
}

static void check_link(const struct placement_maker *mk, enum equals e, int64_t n)
{
	const struct link *l;

	if (mk->w->equals[e] == WORLD_NONE) {
		diag_add(mk->diags, key_place(mk, kinds[e].key),
			 arena_printf(mk->diags->arena, "add under 'links': %s", kinds[e].link),
			 "assignment '%s': %s: no link joins these equal devices", mk->a->name, kinds[e].key);
		return;
	}
	l = mk->w->link_uses[mk->w->equals[e]].link;
	check_algorithm(mk, e, n, (enum reduce_way)l->all_reduce, key_place(mk, kinds[e].key));
}

/* Ranks have whole heads. */
static void check_heads(const struct placement_maker *mk, int64_t ranks)
{
	const int64_t heads = model_kv_heads(mk->w->model);

	if (heads % ranks)
		diag_add(mk->diags, key_place(mk, "tensor_parallel"), "give it a number that divides them",
			 "assignment '%s': %lld key-value heads cannot be shared evenly by tensor_parallel: "
			 "%lld",
			 mk->a->name, (long long)heads, (long long)ranks);
}

/* A placement may name the ranks of the one split and stand for those of the other. */
static void check_group(const struct placement_maker *mk, const struct shards *s,
			const struct train_options *o)
{
	const char *hint = "write one device instead of the list";
	const char *key = s->data ? "data_parallel" : "tensor_parallel";

	if (s->n < 2 || (s->data ? o->data_parallel : o->tensor_parallel) < 2) {
		if (s->by_experts && o->data_parallel > 1)
			diag_add(mk->diags, key_place(mk, "data_parallel"), hint,
				 "assignment '%s': devices that have whole experts stand for no others",
				 mk->a->name);
		return;
	}
	diag_add(mk->diags, key_place(mk, key), hint,
		 "assignment '%s': %s: a block is split over devices that stand for equal ones", mk->a->name,
		 key);
}

void placement_share_among_equals(struct shards *s, const struct train_options *o)
{
	if (o->tensor_parallel > 1)
		s->ranks = (int)o->tensor_parallel;
	for (int i = 0; s->ranks && i < s->n && !s->data; i++)
		s->share[i] = 1.0 / s->ranks;
	s->by_tokens = o->sequence_parallel && (s->ranks || (s->n > 1 && !s->data && !s->by_experts));
	s->overlaps = o->tensor_overlap && s->by_tokens && s->ranks;
}

void placement_stand_for_equals(const struct placement_maker *mk, const struct placement *p,
				struct shards *const *shard_groups)
{
	const struct train_options o = placement_train(p).options;
	const size_t before = mk->diags->total;

	if (o.tensor_parallel > 1) {
		check_link(mk, EQUALS_TENSOR, o.tensor_parallel);
		check_heads(mk, o.tensor_parallel);
	}
	if (o.data_parallel > 1) {
		check_link(mk, EQUALS_DATA, o.data_parallel);
		check_algorithm(mk, EQUALS_DATA, o.data_parallel, (enum reduce_way)o.all_reduce,
				key_place(mk, "all_reduce"));
	}
	if (o.context_parallel > 1)
		check_link(mk, EQUALS_CONTEXT, o.context_parallel);
	for (size_t b = 0; b < p->blocks_n && mk->diags->total == before; b++)
		check_group(mk, &p->shard_groups[PHASE_FORWARD][b], &o);
	for (int x = PHASE_FORWARD; x <= PHASE_UPDATE; x++)
		for (size_t b = 0; b < p->blocks_n && shard_groups[x]; b++)
			placement_share_among_equals(&shard_groups[x][b], &o);
}
