/*
 * safetensors.h - reads the header of a safetensors file, eight bytes of length and JSON; tensor data is
 * never read.
 *
 * Layer import. The checks are those of the reference implementation (safetensors/src/tensor.rs): at most 100
 * MB of header, unique names, no gap and no overlap in the data, sizes that agree with the shapes.
 */
#ifndef SIM_IMPORT_SAFETENSORS_H
#define SIM_IMPORT_SAFETENSORS_H
#include "sim/import/bytes.h"
#include "sim/import/tensors.h"

enum { SAFETENSORS_HEADER = 100000000 };

/* Reads the header of one file and adds its tensors to t, unsorted. *short_B: bytes of data that the file
 * lacks. Returns 0, or -1 with err. */
int safetensors_read(struct arena *a, struct bytes *b, struct tensor_table *t, uint64_t *short_B,
		     struct err *err);

/* The distinct files that a model.safetensors.index.json names, sorted. text: the whole index. */
struct name_list {
	const char **at;
	size_t n;
};
int safetensors_index(struct arena *a, const char *path, const char *text, size_t n, struct name_list *files,
		      struct err *err);

#endif
