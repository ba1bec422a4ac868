/*
 * tensors.h - the tensor table of a model's files: names, shapes, numbers, bytes; and the sums by class.
 *
 * Layer import. Filled by gguf.c and safetensors.c; it is the truth about sizes, whatever a file says of its
 * type. Names are printable and unique. Everything lives in the arena of the table.
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
	const char *type; /* "Q4_K", "BF16" */
	size_t dims_n;
	uint64_t dims[TENSOR_DIMS]; /* as written: GGUF has the inputs first, safetensors last */
	double stored;              /* numbers as the file counts them */
	double numbers;             /* weights they stand for: packed ones unpacked, scales none */
	double bytes;
	const char *file;
	uint64_t at;   /* byte of its entry, for messages */
	uint64_t from; /* first byte of its data, counted from the data's begin */
};

struct tensor_table {
	struct arena *arena;
	struct file_tensor *at;
	size_t n, room;
};

struct file_tensor *tensors_add(struct tensor_table *t); /* zeroed */

/* Sorts by name and refuses a name given twice; 0 or -1. */
int tensors_sort(struct tensor_table *t, struct err *err);
const struct file_tensor *tensors_find(const struct tensor_table *sorted,
				       const char *name); /* NULL if none */
/* n of them as their data lie in the file, empty ones first. */
const struct file_tensor **tensors_by_offset(struct arena *a, const struct file_tensor *at, size_t n);

/* What a tensor belongs to; by its name, GGUF's or Hugging Face's. */
enum tensor_class {
	CLASS_EMBEDDING,
	CLASS_ATTENTION, /* norms of the block included */
	CLASS_FFN,
	CLASS_ROUTER,
	CLASS_SHARED,
	CLASS_EXPERTS,
	CLASS_HEAD,   /* and the last norm */
	CLASS_BEYOND, /* layers past the last: multi-token prediction */
	CLASS_OTHER,  /* vision, audio: not part of the text model */
	CLASS_NONE,   /* tables that are no weights: rotary frequencies */
	CLASS_UNKNOWN,
	CLASS_N
};
extern const char *const tensor_class_names[CLASS_N];

/* layers: of the model; a tensor of a later layer is BEYOND. *layer: its layer, -1: of none. */
enum tensor_class tensor_class_of(const char *name, int64_t layers, int64_t *layer);

struct tensor_sums {
	double numbers[CLASS_N], bytes[CLASS_N];
	const struct file_tensor *unknown; /* the first whose class is not known */
	size_t unknown_n;
};
void tensors_sum(const struct tensor_table *t, int64_t layers, struct tensor_sums *s);

/* Weights of the text model, and their bytes: all classes that are modelled. */
double tensor_sums_numbers(const struct tensor_sums *s);
double tensor_sums_bytes(const struct tensor_sums *s);

#endif
