/* stages_check.c - placements that no training step can be made of; see stages.h. */
#include <string.h>

#include "sim/step/walk.h"
#include "sim/train/stages.h"

static const enum phase phases[] = {PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE};

static void complain(const struct placement *at, struct diags *diags, const char *hint, const char *msg)
{
	diag_add(diags, at->assignment->origin.node->place, hint, "assignment '%s': %s", at->assignment->name,
		 msg);
}

/* Checks that every block has the same split, and no device is in two replicas. */
static int check_data(const struct placement *at, struct diags *diags)
{
	const struct shards *like = stages_data_group(at);

	for (size_t x = 0; x < ARRAY_LEN(phases); x++) {
		for (size_t b = walk_first(at->world); b <= walk_last(at->world); b++) {
			const struct shards *s = &at->shard_groups[phases[x]][b];

			if ((like != NULL) == s->data &&
			    (!like || (s->n == like->n && !memcmp(s->share, like->share, sizeof s->share))))
				continue;
			complain(at, diags, "give every rule of training the same 'split: data', shares too",
				 "some blocks are split by data, others are not, or otherwise");
			return -1;
		}
	}
	for (size_t b = walk_first(at->world); like && b <= walk_last(at->world); b++) {
		for (size_t c = b; c <= walk_last(at->world); c++) {
			const struct shards *s = &at->shard_groups[PHASE_FORWARD][b],
					    *q = &at->shard_groups[PHASE_FORWARD][c];

			for (int i = 0; i < s->n; i++)
				for (int j = 0; j < q->n; j++)
					if (i != j && s->unit[i] == q->unit[j]) {
						complain(at, diags,
							 "name each device at the same place of every list",
							 "a device is in two replicas");
						return -1;
					}
		}
	}
	return 0;
}

/* Ranks have an early and a late part of each sequence. A state that goes on from token to token they would have to wait for. */
static int check_tokens(const struct placement *at, struct diags *diags)
{
	const struct train t = placement_train(at);
	const struct world *w = at->world;

	if (t.options.context_parallel == 1)
		return 0;
	if (t.tokens % (2 * t.options.context_parallel)) {
		complain(at, diags, "give workload.train.tokens a multiple of twice as many",
			 "context_parallel: its ranks cannot have two equal parts of a sequence each");
		return -1;
	}
	for (size_t b = 0; b < at->blocks_n; b++)
		if (part_recurrent(w->model, model_block(w->model, b).part)) {
			complain(at, diags, "leave context_parallel out",
				 "context_parallel: recurrent layers pass a state from token to token, which "
				 "is not modelled over several ranks");
			return -1;
		}
	return 0;
}

static int check_replicas(const struct placement *at, const struct train *t, struct diags *diags)
{
	const size_t split = stages_split_n(at);

	if ((int64_t)split > t->micro_batches)
		complain(at, diags, "raise workload.train.micro_batches",
			 "fewer micro-batches than devices that share them");
	else if (t->micro_batches % t->options.data_parallel)
		complain(at, diags, "give workload.train.micro_batches a multiple of it",
			 "data_parallel: its replicas cannot have as many micro-batches each");
	else if (t->options.zero > 2 && split > 1)
		complain(at, diags, "let one device stand for the replicas: data_parallel",
			 "zero: 3 is of replicas that a device stands for, not of 'split: data'");
	else
		return 0;
	return -1;
}

static int check_in_flight(const struct placement *at, const struct train_options *o, int64_t micros,
			   struct diags *diags)
{
	const enum train_schedule schedule = (enum train_schedule)o->schedule;

	if (schedule > SCHEDULE_GPIPE || o->in_flight <= 0 || o->in_flight >= micros)
		return 0;
	complain(at, diags, "it limits 1f1b, interleaved and the zero-bubble schedules",
		 schedule == SCHEDULE_GPIPE ? "gpipe holds every micro-batch, whatever in_flight says"
					    : "serial holds one micro-batch, whatever in_flight says");
	return -1;
}

static int check_vee(const struct placement *at, struct diags *diags)
{
	struct arena scratch = ARENA_INIT;
	bool vee = true;

	for (size_t i = 0; i < stages_split_n(at) && vee; i++) {
		const struct data_replica r = stages_replica(&scratch, at, i, SCHEDULE_ZB_V);

		vee = pipeline_is(&r.pipe, LAYOUT_VEE);
	}
	arena_release(&scratch);
	if (vee)
		return 0;
	complain(at, diags, "with two devices: layers 0-7 on a, 8-23 on b, 24-31 on a; or another schedule",
		 "zb-v wants the layers in a V over the devices: there and back again");
	return -1;
}

int stages_check(const struct placement *at, struct diags *diags)
{
	struct train t;

	if (!at->world->scenario->workload.train)
		return 0;
	t = placement_train(at);
	if (check_data(at, diags) != 0 || check_replicas(at, &t, diags) != 0 ||
	    check_tokens(at, diags) != 0 || check_in_flight(at, &t.options, t.micro_batches, diags) != 0)
		return -1;
	return t.options.schedule == SCHEDULE_ZB_V ? check_vee(at, diags) : 0;
}
