/* ggufmake.h - small GGUF headers for tests, right and wrong ones. The caller releases the text. */
#ifndef TESTS_GGUFMAKE_H
#define TESTS_GGUFMAKE_H
#include <stdint.h>

#include "sim/base/str.h"

struct ggufmake {
	uint32_t version; /* 0: 3 */
	uint64_t keys_n, tensors_n, offset;
	struct str keys, tensors;
};

void put_u32(struct str *s, uint32_t x);
void put_u64(struct str *s, uint64_t x);
void put_text(const struct ggufmake *g, struct str *s, const char *text); /* with its length */
void put_count(const struct ggufmake *g, struct str *s, uint64_t n);      /* as wide as the version has it */

void gguf_key_u32(struct ggufmake *g, const char *key, uint32_t x);
void gguf_key_list(struct ggufmake *g, const char *key, const uint32_t *x, uint64_t n);
void gguf_key_text(struct ggufmake *g, const char *key, const char *text);
/* type: ggml's id; dims ends in 0. Its data follows that of the tensor before. */
void gguf_tensor(struct ggufmake *g, const char *name, uint32_t type, const uint64_t *dims);
void gguf_finish(struct ggufmake *g, struct str *out); /* the whole header; releases g */

/* A whole small model: llama, 2 layers of 256, 4 heads of 64, 2 for keys, 512 inner, 1000 tokens. */
void gguf_toy(struct ggufmake *g);

#endif
