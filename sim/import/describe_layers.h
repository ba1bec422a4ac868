/*
 * describe_layers.h - the layers of a config.json that are of several kinds.
 *
 * Layer import. describe_layers.c tells each layer's mixer and FFN by the family's plan, describe_recurrence.c what the
 * recurrence holds; describe_kinds.c makes one kind of those that are alike, with its blocks.
 */
#ifndef SIM_IMPORT_DESCRIBE_LAYERS_H
#define SIM_IMPORT_DESCRIBE_LAYERS_H
#include "sim/import/config.h"

/* The part of a layer that mixes tokens. */
enum layer_mixer {
	LAYER_NONE,
	LAYER_FULL,
	LAYER_WINDOW,
	LAYER_SHARED_FULL, /* with the cache of an earlier layer */
	LAYER_SHARED_WINDOW,
	LAYER_RECURRENT,
	LAYER_BOTH,         /* attention and a recurrence side by side */
	LAYER_SHARED_INDEX, /* sparse, with the choice of an earlier layer */
	LAYER_SPARSE,       /* with an indexer of its own */
	LAYER_ROWS,         /* compressed, all rows seen */
	LAYER_MIXERS
};

struct described_layer {
	unsigned char mixer;
	bool experts;
	int64_t inner; /* FFN; 0: none */
	int64_t ratio; /* tokens to a compressed row */
	int64_t extra;
};

struct layers_job {
	struct config_reading *r;
	struct described_layer *at;
	struct attention *base; /* a full layer's */
	struct recurrent *recurrent;
};

/* Fills the kinds of a description whose family has a plan; its widths and experts have been read. */
void describe_layers(struct config_reading *r);

/* Reads the FFN and the experts. */
void describe_feed_forward(struct config_reading *r);

/* Keys under which a family says what others call alike are added under the usual names; its row becomes one of this config. */
void describe_renamed(struct config_reading *r);
/* Is it a Falcon of the second form, whose query heads share keys and values in groups? */
bool describe_has_falcon_groups(struct config_reading *r);

/* The row of a family that is not known, as its keys have it, with a note; NULL where it is not plain. */
const struct family *describe_assumed(struct config_reading *r, const char *type);
/* Complains about a family without a row, or one that cannot be imported; -1. */
int describe_unknown(struct config_reading *r, const char *type);

/* Complains about a model that drafts for another one: it reads that one's hidden states; true: it is one. */
bool describe_drafter(struct config_reading *r);
/* The type that the class in 'architectures' says where model_type is missing or another model's. */
const char *describe_type_by_class(struct config_reading *r, const char *type);
/* A note on a class whose head is none over the vocabulary. */
void describe_head_by_class(struct config_reading *r);

/* The attention of a full layer, and the recurrence of the family (NULL: none). */
struct attention *describe_base_attention(struct config_reading *r);
struct recurrent *describe_recurrence(struct config_reading *r);
/* Numbers that no block has, of each layer and of the ends. */
void describe_extras(struct layers_job *j);
/* The kinds of all layers, and of those that predict further tokens. */
void describe_kinds(struct layers_job *j);

#endif
