/*
 * gguf.h - the header of a GGUF file: its keys and its tensor table. The tensors themselves are never read.
 *
 * Layer import. Versions 1, 2 and 3, little-endian. After the specification (docs/gguf.md of ggml) and what
 * llama.cpp refuses (gguf.cpp). Hostile files get an error with the byte offset.
 */
#ifndef SIM_IMPORT_GGUF_H
#define SIM_IMPORT_GGUF_H
#include "sim/import/bytes.h"
#include "sim/import/tensors.h"

enum {
	GGUF_KEYS = 1 << 14, /* keys a file may have */
	GGUF_TEXT = 1 << 12, /* bytes of a text that is kept; longer ones are passed over */
	GGUF_LIST = 1 << 10, /* numbers of a list that are kept */
	GGUF_NESTING = 4,    /* lists in lists */
	GGUF_NAME = 256,     /* bytes of a tensor's name; llama.cpp allows 63 */
	GGUF_KEY = 256       /* bytes of a key; the specification allows 65,535, none comes near */
};

enum gguf_kind { GGUF_NUMBER, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY };

struct gguf_key {
	const char *key; /* printable */
	enum gguf_kind kind;
	double number;    /* GGUF_NUMBER, GGUF_BOOL (0 or 1) */
	const char *text; /* GGUF_STRING: printable; NULL: too long to keep */
	uint64_t n;       /* GGUF_ARRAY: items */
	double *numbers;  /* GGUF_ARRAY of at most GGUF_LIST numbers or bools, else NULL */
	uint64_t at;      /* byte of its value */
};

struct gguf {
	const char *path;
	uint32_t version;
	struct gguf_key *keys; /* sorted by key */
	size_t keys_n;
	uint64_t data_at;   /* where the tensors begin, by alignment */
	uint64_t data_ends; /* where the last one ends */
	uint64_t size;      /* of the file: less than data_ends where it was cut short */
};

/* Reads one file's header; its tensors are added to t (unsorted). 0 or -1. */
int gguf_read(struct arena *a, struct bytes *b, struct gguf *g, struct tensor_table *t, struct err *err);

const struct gguf_key *gguf_find(const struct gguf *g, const char *key); /* NULL if none */

/* One type of ggml: `numbers` in `bytes`. NULL for an id that means nothing (any more). */
struct gguf_type {
	const char *name;
	int numbers, bytes;
};
const struct gguf_type *gguf_type(uint32_t id);

#endif
