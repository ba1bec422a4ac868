/* conversations.c - see conversations.h. */
#include "sim/load/conversations.h"

#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/load/variates.h"

/* A session is (serial number, place + 1). */
enum { PLACE_BITS = 24 };
#define TEXT_GROUP ((uint64_t)1 << 63)

static size_t place_of(uint64_t session)
{
	return (size_t)(session & (((uint64_t)1 << PLACE_BITS) - 1)) - 1;
}

static void draw_turns(const struct conversation_class *c, struct conversation_turn *turns)
{
	for (int64_t i = 0; i < c->turns; i++) {
		turns[i].prompt = lengths_draw(&c->prompt, c->of_prompt);
		turns[i].output = lengths_draw(&c->output, c->of_output);
		turns[i].think_ns =
			i && c->think > 0 ? exact_ns(exact_exponential(c->of_think, c->think)) : 0;
	}
}

static const struct prefix_piece *draw_system(const struct conversation_class *c)
{
	int64_t g;

	if (!c->systems)
		return NULL;
	g = c->groups > 1 ? (int64_t)(rng_uniform(c->of_group) * (double)c->groups) : 0;
	return &c->systems[g < c->groups ? g : c->groups - 1];
}

static struct conversation *new_talk(struct conversations *t, uint32_t class_id)
{
	const struct conversation_class *c = &t->classes[class_id];
	const struct prefix_piece *system = draw_system(c);
	size_t place = t->at.n;
	struct conversation_words *w;
	struct conversation *k;

	if (t->free.n)
		place = t->free.at[--t->free.n];
	else
		VEC_ADD(&t->at, (struct conversation){0});
	BUG_ON(place >= ((size_t)1 << PLACE_BITS) - 1);
	k = &t->at.at[place];
	*k = (struct conversation){.session = ++t->begun << PLACE_BITS | (place + 1), .class_id = class_id};
	k->words = w = xmalloc(sizeof *w + (size_t)c->turns * sizeof w->turns[0]);
	w->chain_n = 0;
	draw_turns(c, w->turns);
	if (system) {
		w->chain[w->chain_n++] = *system;
		k->history = system->tokens;
	}
	w->chain[w->chain_n++] = (struct prefix_piece){TEXT_GROUP | t->begun, 0};
	return k;
}

void conversations_turn(struct conversations *t, size_t place, struct request *out)
{
	struct conversation *k = &t->at.at[place];
	struct conversation_words *w = k->words;
	const struct conversation_turn *turn = &w->turns[k->next++];
	const int64_t system = w->chain_n > 1 ? w->chain[0].tokens : 0;

	/* the answer before this turn is in the history, and in the same text */
	w->chain[w->chain_n - 1].tokens = k->history + turn->prompt - system;
	*out = (struct request){.prompt = k->history + turn->prompt,
				.output = turn->output,
				.class_id = k->class_id,
				.priority = t->classes[k->class_id].priority,
				.session = k->session,
				.prefix = w->chain,
				.prefix_n = w->chain_n,
				.own_seed = t->classes[k->class_id].own_seed};
}

void conversations_begin(struct conversations *t, uint32_t class_id, struct request *out)
{
	const struct conversation_class *c = &t->classes[class_id];
	const struct prefix_piece *system;
	struct conversation_turn turn;

	if (c->turns > 1) {
		conversations_turn(t, place_of(new_talk(t, class_id)->session), out);
		return;
	}
	system = draw_system(c);
	draw_turns(c, &turn);
	*out = (struct request){.prompt = turn.prompt + (system ? system->tokens : 0),
				.output = turn.output,
				.class_id = class_id,
				.priority = c->priority,
				.prefix = system,
				.prefix_n = system != NULL,
				.own_seed = c->own_seed};
}

bool conversations_ended(struct conversations *t, const struct request *r, const struct request_times *times,
			 size_t *place, int64_t *think_ns)
{
	const bool answered = times->end == REQUEST_DONE || times->end == REQUEST_TRUNCATED;
	struct conversation *k;

	if (!r->session)
		return false;
	*place = place_of(r->session);
	BUG_ON(*place >= t->at.n || t->at.at[*place].session != r->session);
	k = &t->at.at[*place];
	if (answered && k->next < t->classes[k->class_id].turns) {
		k->history = r->prompt + times->tokens;
		*think_ns = k->words->turns[k->next].think_ns;
		return true;
	}
	free(k->words);
	k->words = NULL;
	k->session = 0;
	VEC_ADD(&t->free, *place);
	return false;
}

void conversations_release(struct conversations *t)
{
	for (size_t i = 0; i < t->at.n; i++)
		free(t->at.at[i].words);
	VEC_FREE(&t->at);
	VEC_FREE(&t->free);
}
