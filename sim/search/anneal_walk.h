/*
 * anneal_walk.h - private to annealing: states looked at one after another, and the best candidates among them.
 *
 * Layer search. A walk has random numbers, buffers and finds of its own, and reads what all walks share, so that walks may go
 * side by side. What one finds depends on its stream of random numbers and where it begins, never on other walks; their finds
 * are put together in the order of the walks.
 */
#ifndef SIM_SEARCH_ANNEAL_WALK_H
#define SIM_SEARCH_ANNEAL_WALK_H
#include "sim/search/anneal.h"

/* What all walks of a search read. */
struct anneal_common {
	struct anneal_ask ask;
	struct anneal_space space;
	const struct footprint_table *memory[VARIANTS]; /* of each variant; NULL: none */
};

enum { WALK_POOL = 1024 };

struct anneal_walk {
	const struct anneal_common *of;
	struct arena arena;
	struct rng *rng;
	size_t tried; /* states evaluated */
	struct anneal_state best;
	double best_energy;        /* INFINITY: there is none */
	struct annealed evaluated; /* the last state, in buffers of the walk and not packed */
	double energy;             /* of it */
	double *pass_s;            /* [block], scratch of its sums */
	/* the best candidates, a limited number of each class, which live in the arena; and of each of them a number that all of its
	 * class share */
	VEC(struct annealed) pool;
	uint32_t class[WALK_POOL];
	size_t worst; /* private: of those on several devices the worst; SIZE_MAX: to be found */
};

/* stream: names the walk's random numbers. Ended by walk_release(). */
void walk_init(struct anneal_walk *w, const struct anneal_common *of, const char *stream);
void walk_release(struct anneal_walk *w);

/* The variant and the layer maps of a state and the class that they are of, in w->evaluated. */
void walk_lay_out(struct anneal_walk *w, const struct anneal_state *p);
/* The memory that the candidate laid out needs beyond the usable memory of each machine, relative to that: over[machine], and
 * their sum. Of a job without a footprint function (training, whose memory is known only after its simulation) weights alone
 * are counted. */
double walk_excess(const struct anneal_walk *w, double *over);
/* The sums of the candidate laid out. */
void walk_sum(const struct anneal_walk *w, struct phase_group_sum sums[PHASE_GROUPS]);

/* Evaluates a state into w->evaluated and w->energy. As soon as its energy is above `most` the state will be rejected, and the rest is not
 * computed. */
void walk_evaluate(struct anneal_walk *w, const struct anneal_state *p, double most);
/* The same, and keeps it if it is one of the best; returns its energy. */
double walk_try(struct anneal_walk *w, const struct anneal_state *p, double most);

/* Anneals from a state on, by the walk's random numbers; temperature: at its beginning. */
void walk_chain(struct anneal_walk *w, const struct anneal_state *from, double temperature);
/* A random candidate one or two moves away from `centre` whose rank is less than `below`, in *near and in the arena; false: a
 * fixed number of tries finds none. */
bool walk_neighbour(struct anneal_walk *w, const struct anneal_state *centre, double below,
		    struct annealed *near);

/* The evaluated candidate as one that lives in the arena. */
struct annealed walk_evaluated(struct anneal_walk *w, const struct anneal_state *p);
/* Its index in the pool; pool.n: it is not there. */
size_t walk_find(const struct anneal_walk *w);
/* Takes what another walk has found. */
void walk_take(struct anneal_walk *to, const struct anneal_walk *from);

#endif
