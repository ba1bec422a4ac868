/*
 * run_weights.h - the format of the weights that a row of a report was measured with, and the model that it is of.
 *
 * Layer family. Nothing is taken for granted: a format is what the user or the row says, or what its size or its peak
 * memory leave as the only one; otherwise there is an error that says what to add.
 */
#ifndef SIM_FAMILY_RUN_WEIGHTS_H
#define SIM_FAMILY_RUN_WEIGHTS_H
#include "sim/conf/load.h"
#include "sim/llm/model.h"
#include "sim/runs/ingest.h"

/* The format that the row's own words name, by its column of weights or in the model's name ("llama 8B Q4_K - Medium");
 * MIX_N: none that is known. *unknown, where not NULL: a word that names a format which is not known, else NULL. */
int run_named_weights(struct arena *a, const struct run *run, const char **unknown);

/* The format of that name, of a dynamic mix's the one that it is made from; -1 with err where there is none. */
int run_asked_weights(const char *asked, int *mix, struct err *err);

/* Sets the weights, KV cache and arithmetic of a run of model m (NULL: not known). asked: a format; NULL: as the row
 * says. Of a file whose name or size says that it mixes formats by no known rule, the bytes are those of the size
 * (mix_by_size.h). *note, in the arena, says what was deduced and from what; NULL: nothing. -1 with err and *column, the
 * column at fault, where `asked` is no format, or the format or the KV cache's is not known or not said. */
int run_weights(struct arena *a, const struct run *run, const struct model *m, const char *asked,
		enum dtype compute, struct precision *p, const char **note, enum run_column *column,
		struct err *err);

/* Bytes of the KV cache at the end of a run. */
double run_kv_B(const struct model *m, const struct precision *p, const struct run *run);

/* A model of the catalogue. */
struct named_model {
	const char *name;
	const struct model *model;
	const char *words; /* of the name, as model_words() cuts it; NULL: not of a shelf */
	const char *
		alike; /* others of the same dimensions that a row may be of as well, ", "-joined; NULL: none */
};

/* What a row's text of its machine was found to mean beside the device that is asked; see run_machine.h. */
struct looked_up {
	const char *said;
	const void *machine; /* the struct machine that the text was held against */
	const char *other;   /* NULL: no other machine */
	struct looked_up *next;
};

/* The models of the catalogue, loaded when they are first asked for, and what texts of machines mean. */
struct model_shelf {
	struct loader *loader;
	struct named_model *at;
	size_t n;
	struct looked_up *machines;
	const char *last_said; /* the name of a model that was looked up last, and which it is; -1: none */
	long last_called;
};

/* The model of a row: the one whose name stands in the row's, else the only one of its number of parameters (and
 * architecture). -1 with err, which lists the candidates where there are several, and *column. */
int run_model(struct model_shelf *shelf, const struct run *run, struct named_model *found,
	      enum run_column *column, struct err *err);

/* The name of the catalogue's model that a row names, where it has other parameters than the one that is asked; NULL: the
 * row names none, or counts its parameters itself, or the name may be of that model. A name with more words than a model of
 * the catalogue has is another's, and contradicts nothing. */
const char *run_other_model(struct model_shelf *shelf, const struct run *run, const char *asked,
			    const struct model *given);

/* Where the row's number of parameters says that its file keeps the tied head of found->model apart, the model as that file
 * has it, in the arena; its sizes are of that file then. */
void run_model_as_kept(struct arena *a, const struct run *run, struct named_model *found);

/* The dtype that a row of a model computes in: as it says, else as the runtime does with such a model. */
enum dtype run_compute(const struct run *run, const struct model *m, const struct device *d,
		       const struct profile *p);

/* -1 with err where the profile has no table of products in that dtype: nothing can be predicted of such a row. */
int run_check_compute(const struct run *run, const struct model *m, const struct device *d,
		      const struct profile *p, struct err *err);

#endif
