/* ggufmake.c - see ggufmake.h. */
#include "tests/import/ggufmake.h"

#include <stdio.h>
#include <string.h>

#include "sim/import/gguf.h"

static void put_le(struct str *s, uint64_t x, int n)
{
	for (int i = 0; i < n; i++) {
		const char c = (char)(x >> (8 * i));

		str_add_n(s, &c, 1);
	}
}

void put_u32(struct str *s, uint32_t x)
{
	put_le(s, x, 4);
}

void put_u64(struct str *s, uint64_t x)
{
	put_le(s, x, 8);
}

void put_count(const struct ggufmake *g, struct str *s, uint64_t n)
{
	put_le(s, n, g->version == 1 ? 4 : 8);
}

void put_text(const struct ggufmake *g, struct str *s, const char *text)
{
	put_count(g, s, strlen(text));
	str_add(s, text);
}

void gguf_key_u32(struct ggufmake *g, const char *key, uint32_t x)
{
	put_text(g, &g->keys, key);
	put_u32(&g->keys, 4);
	put_u32(&g->keys, x);
	g->keys_n++;
}

void gguf_key_list(struct ggufmake *g, const char *key, const uint32_t *x, uint64_t n)
{
	put_text(g, &g->keys, key);
	put_u32(&g->keys, 9); /* a list */
	put_u32(&g->keys, 4); /* of u32 */
	put_count(g, &g->keys, n);
	for (uint64_t i = 0; i < n; i++)
		put_u32(&g->keys, x[i]);
	g->keys_n++;
}

void gguf_key_text(struct ggufmake *g, const char *key, const char *text)
{
	put_text(g, &g->keys, key);
	put_u32(&g->keys, 8);
	put_text(g, &g->keys, text);
	g->keys_n++;
}

void gguf_tensor(struct ggufmake *g, const char *name, uint32_t type, const uint64_t *dims)
{
	const struct gguf_type *t = gguf_type(type);
	uint64_t numbers = 1;
	uint32_t n = 0;

	while (dims[n])
		numbers *= dims[n++];
	put_text(g, &g->tensors, name);
	put_u32(&g->tensors, n);
	for (uint32_t i = 0; i < n; i++)
		put_count(g, &g->tensors, dims[i]);
	put_u32(&g->tensors, type);
	put_u64(&g->tensors, g->offset);
	if (t)
		g->offset += (numbers / (uint64_t)t->numbers * (uint64_t)t->bytes + 31) / 32 * 32;
	g->tensors_n++;
}

void gguf_finish(struct ggufmake *g, struct str *out)
{
	str_add(out, "GGUF");
	put_u32(out, g->version ? g->version : 3);
	put_count(g, out, g->tensors_n);
	put_count(g, out, g->keys_n);
	str_add_n(out, g->keys.text, g->keys.len);
	str_add_n(out, g->tensors.text, g->tensors.len);
	str_release(&g->keys);
	str_release(&g->tensors);
}

#define DIMS(...) ((const uint64_t[]){__VA_ARGS__, 0})

void gguf_toy(struct ggufmake *g)
{
	static const struct {
		const char *name;
		uint32_t type;
		uint64_t dims[3];
	} layer[] = {
		{"attn_norm", 0, {256}},      {"attn_q", 12, {256, 256}},      {"attn_k", 12, {256, 128}},
		{"attn_v", 14, {256, 128}},   {"attn_output", 12, {256, 256}}, {"ffn_norm", 0, {256}},
		{"ffn_gate", 12, {256, 512}}, {"ffn_up", 12, {256, 512}},      {"ffn_down", 14, {512, 256}}};

	g->keys = g->tensors = (struct str)STR_INIT;
	gguf_key_text(g, "general.architecture", "llama");
	gguf_key_text(g, "general.name", "A toy");
	gguf_key_u32(g, "llama.block_count", 2);
	gguf_key_u32(g, "llama.attention.head_count", 4);
	gguf_key_u32(g, "llama.attention.head_count_kv", 2);
	gguf_tensor(g, "token_embd.weight", 12, DIMS(256, 1000));
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < sizeof layer / sizeof layer[0]; k++) {
			char name[64];

			snprintf(name, sizeof name, "blk.%d.%s.weight", i, layer[k].name);
			gguf_tensor(g, name, layer[k].type, layer[k].dims);
		}
	gguf_tensor(g, "output_norm.weight", 0, DIMS(256));
	gguf_tensor(g, "output.weight", 14, DIMS(256, 1000));
}
