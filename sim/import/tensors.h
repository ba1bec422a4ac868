/*
 * tensors.h - the tensor table of a model's files: names, shapes, numbers and bytes; and their sums by class.
 *
 * Layer import. The table is filled by gguf.c and safetensors.c. Its sizes are authoritative, whatever a file
 * states of its type. Names are printable and unique. Everything lives in the arena of the table.
 */
#ifndef SIM_IMPORT_TENSORS_H
#define SIM_IMPORT_TENSORS_H
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

enum { TENSOR_DIMS = 8, TENSORS_MAX = 1 << 20 };

struct file_tensor {
	const char *name;
	const char *type; /* name of the type: "Q4_K", "BF16" */
	size_t dims_n;
	/* in the order of the file: GGUF lists the input dimension first, safetensors last */
	uint64_t dims[TENSOR_DIMS];
	double stored;  /* stored numbers */
	double numbers; /* weights: packed ones are counted one by one, scales not at all */
	double bytes;
	const char *file;
	uint64_t at;   /* byte offset of its entry, for messages */
	uint64_t from; /* byte offset of its data, from the begin of the data */
};

struct tensor_table {
	struct arena *arena;
	struct file_tensor *at;
	size_t n, room;
};

struct file_tensor *tensors_add(struct tensor_table *t); /* adds a zeroed entry */

/* Sorts the table by name. Returns 0, or -1 with err if a name occurs twice. */
int tensors_sort(struct tensor_table *t, struct err *err);
/* NULL if there is no such tensor */
const struct file_tensor *tensors_find(const struct tensor_table *sorted, const char *name);
/* Returns n pointers sorted by the offset of the data, empty tensors first. */
const struct file_tensor **tensors_by_offset(struct arena *a, const struct file_tensor *at, size_t n);

/* The part of the model that a tensor belongs to, told by its GGUF or Hugging Face name. */
enum tensor_class {
	CLASS_EMBEDDING,
	CLASS_ATTENTION, /* including the norms of the block */
	CLASS_FFN,
	CLASS_ROUTER,
	CLASS_SHARED,
	CLASS_EXPERTS,
	CLASS_HEAD,   /* including the last norm */
	CLASS_BEYOND, /* layers after the last one: multi-token prediction */
	CLASS_OTHER,  /* not part of the text model: vision, audio */
	CLASS_NONE,   /* tables that are not weights: rotary frequencies */
	CLASS_UNKNOWN,
	CLASS_N
};
extern const char *const tensor_class_names[CLASS_N];

/* Returns the class of a tensor. layers: the number of layers of the model; a tensor of a later layer is
 * CLASS_BEYOND. *layer: the layer's index, or -1. */
enum tensor_class tensor_class_of(const char *name, int64_t layers, int64_t *layer);

struct tensor_sums {
	double numbers[CLASS_N], bytes[CLASS_N];
	const struct file_tensor *unknown; /* the first tensor of unknown class */
	size_t unknown_n;
};
void tensors_sum(const struct tensor_table *t, int64_t layers, struct tensor_sums *s);

/* The weights, and the bytes, of all classes that are modelled. */
double tensor_sums_numbers(const struct tensor_sums *s);
double tensor_sums_bytes(const struct tensor_sums *s);

#endif
