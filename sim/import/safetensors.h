/*
 * safetensors.h - the header of a safetensors file: eight bytes of length, then JSON. The data is never read.
 *
 * Layer import. After the reference implementation (safetensors/src/tensor.rs): at most 100 MB of header, no
 * name twice, no hole and no overlap in the data, sizes that agree with shapes.
 */
#ifndef SIM_IMPORT_SAFETENSORS_H
#define SIM_IMPORT_SAFETENSORS_H
#include "sim/import/bytes.h"
#include "sim/import/tensors.h"

enum { SAFETENSORS_HEADER = 100000000 };

/* Reads one file's header; its tensors are added to t (unsorted). *short_B: bytes of data that the file
 * lacks. */
int safetensors_read(struct arena *a, struct bytes *b, struct tensor_table *t, uint64_t *short_B,
		     struct err *err);

/* The files that a model.safetensors.index.json names, sorted, each once. text: the whole index. */
struct name_list {
	const char **at;
	size_t n;
};
int safetensors_index(struct arena *a, const char *path, const char *text, size_t n, struct name_list *files,
		      struct err *err);

#endif
