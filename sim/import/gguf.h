/*
 * gguf.h - reads the header of a GGUF file: its keys and its tensor table; tensor data is never read.
 *
 * Layer import. Versions 1, 2 and 3, little-endian. The checks follow the specification (docs/gguf.md of
 * ggml) and llama.cpp (gguf.cpp). Malformed files are refused with the byte offset of the fault.
 */
#ifndef SIM_IMPORT_GGUF_H
#define SIM_IMPORT_GGUF_H
#include "sim/import/bytes.h"
#include "sim/import/tensors.h"

enum {
	GGUF_KEYS = 1 << 14, /* most keys of a file */
	GGUF_TEXT = 1 << 12, /* longest text that is kept, in bytes; longer ones are skipped */
	GGUF_LIST = 1 << 10, /* most numbers of a list that are kept */
	GGUF_NESTING = 4,    /* most levels of nested lists */
	GGUF_NAME = 256,     /* longest tensor name, in bytes; llama.cpp allows 63 */
	GGUF_KEY = 256       /* longest key, in bytes; the specification allows 65,535 */
};

enum gguf_kind { GGUF_NUMBER, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY };

struct gguf_key {
	const char *key; /* printable */
	enum gguf_kind kind;
	double number;    /* GGUF_NUMBER, GGUF_BOOL (0 or 1) */
	const char *text; /* GGUF_STRING: printable; NULL: longer than GGUF_TEXT */
	uint64_t n;       /* GGUF_ARRAY: number of items */
	double *numbers;  /* GGUF_ARRAY of at most GGUF_LIST numbers or bools, else NULL */
	uint64_t at;      /* byte offset of its value */
};

struct gguf {
	const char *path;
	uint32_t version;
	struct gguf_key *keys; /* sorted by key */
	size_t keys_n;
	uint64_t data_at;   /* byte offset of the tensor data, aligned */
	uint64_t data_ends; /* byte offset of the end of the last tensor */
	uint64_t size;      /* size of the file; less than data_ends if the file is truncated */
};

/* Reads the header of one file and adds its tensors to t, unsorted. Returns 0, or -1 with err. */
int gguf_read(struct arena *a, struct bytes *b, struct gguf *g, struct tensor_table *t, struct err *err);

const struct gguf_key *gguf_find(const struct gguf *g, const char *key); /* NULL if there is no such key */

/* A tensor type of ggml: `numbers` numbers take `bytes` bytes. gguf_type() returns NULL for an id that is
 * unknown or was removed. */
struct gguf_type {
	const char *name;
	int numbers, bytes;
};
const struct gguf_type *gguf_type(uint32_t id);

#endif
