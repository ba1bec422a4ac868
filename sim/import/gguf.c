/* gguf.c - see gguf.h. */
#include "sim/import/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/utf8.h"

/* enum ggml_type and the block structs of ggml-common.h, llama.cpp v0.5.0. Missing numbers are types that
 * were removed. */
static const struct gguf_type types[] = {
	[0] = {"F32", 1, 4},         [1] = {"F16", 1, 2},         [2] = {"Q4_0", 32, 18},
	[3] = {"Q4_1", 32, 20},      [6] = {"Q5_0", 32, 22},      [7] = {"Q5_1", 32, 24},
	[8] = {"Q8_0", 32, 34},      [9] = {"Q8_1", 32, 36},      [10] = {"Q2_K", 256, 84},
	[11] = {"Q3_K", 256, 110},   [12] = {"Q4_K", 256, 144},   [13] = {"Q5_K", 256, 176},
	[14] = {"Q6_K", 256, 210},   [15] = {"Q8_K", 256, 292},   [16] = {"IQ2_XXS", 256, 66},
	[17] = {"IQ2_XS", 256, 74},  [18] = {"IQ3_XXS", 256, 98}, [19] = {"IQ1_S", 256, 50},
	[20] = {"IQ4_NL", 32, 18},   [21] = {"IQ3_S", 256, 110},  [22] = {"IQ2_S", 256, 82},
	[23] = {"IQ4_XS", 256, 136}, [24] = {"I8", 1, 1},         [25] = {"I16", 1, 2},
	[26] = {"I32", 1, 4},        [27] = {"I64", 1, 8},        [28] = {"F64", 1, 8},
	[29] = {"IQ1_M", 256, 56},   [30] = {"BF16", 1, 2},       [34] = {"TQ1_0", 256, 54},
	[35] = {"TQ2_0", 256, 66},   [39] = {"MXFP4", 32, 17},    [40] = {"NVFP4", 64, 36},
	[41] = {"Q1_0", 128, 18},    [42] = {"Q2_0", 64, 18},
};

const struct gguf_type *gguf_type(uint32_t id)
{
	return id < ARRAY_LEN(types) && types[id].name ? &types[id] : NULL;
}

/* enum gguf_type: the types of key values */
enum value_type {
	VALUE_U8,
	VALUE_I8,
	VALUE_U16,
	VALUE_I16,
	VALUE_U32,
	VALUE_I32,
	VALUE_F32,
	VALUE_BOOL,
	VALUE_STRING,
	VALUE_ARRAY,
	VALUE_U64,
	VALUE_I64,
	VALUE_F64,
	VALUE_N
};
static const size_t value_bytes[VALUE_N] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct reader {
	struct arena *arena;
	struct bytes *b;
	struct gguf *g;
	struct err *err;
};

/* Reads a count or length; version 1 has 32 bits for them. */
static int read_count(struct reader *r, uint64_t *to, const char *what)
{
	uint32_t narrow;

	if (r->g->version > 1)
		return bytes_u64(r->b, to, what, r->err);
	if (bytes_u32(r->b, &narrow, what, r->err) != 0)
		return -1;
	*to = narrow;
	return 0;
}

/* Reads a text of at most max bytes. A longer one is an error, or with `long_too` it is skipped and *to is
 * NULL. */
static int read_text(struct reader *r, const char **to, uint64_t max, bool long_too, const char *what)
{
	const uint64_t at = r->b->at;
	uint64_t n;
	char *raw;

	*to = NULL;
	if (read_count(r, &n, what) != 0)
		return -1;
	if (n > max && !long_too)
		return bytes_wrong(r->b, at, r->err, "%s of %llu bytes is too long: %llu are allowed", what,
				   (unsigned long long)n, (unsigned long long)max);
	if (n > max)
		return bytes_skip(r->b, n, what, r->err);
	if (bytes_expect(r->b, n, 1, "bytes of text", r->err) != 0)
		return -1;
	raw = arena_alloc(r->arena, n + 1);
	if (bytes_read(r->b, raw, n, what, r->err) != 0)
		return -1;
	if (strlen(raw) != n)
		return bytes_wrong(r->b, at, r->err, "%s holds a NUL", what);
	*to = utf8_printable(r->arena, raw, n, n);
	return 0;
}

static double as_number(enum value_type type, const uint8_t *x)
{
	uint64_t bits = 0;
	uint32_t half;
	float f;
	double d;

	for (size_t i = 0; i < value_bytes[type]; i++)
		bits |= (uint64_t)x[i] << (8 * i);
	switch (type) {
	case VALUE_I8:
		return (double)(int8_t)(uint8_t)bits;
	case VALUE_I16:
		return (double)(int16_t)(uint16_t)bits;
	case VALUE_I32:
		return (double)(int32_t)(uint32_t)bits;
	case VALUE_I64:
		return (double)(int64_t)bits;
	case VALUE_F32:
		half = (uint32_t)bits;
		memcpy(&f, &half, sizeof f);
		return (double)f;
	case VALUE_F64:
		memcpy(&d, &bits, sizeof d);
		return d;
	case VALUE_BOOL:
		return bits != 0;
	default:
		return (double)bits;
	}
}

static int read_value_type(struct reader *r, enum value_type *type)
{
	const uint64_t at = r->b->at;
	uint32_t id;

	if (bytes_u32(r->b, &id, "the type of a value", r->err) != 0)
		return -1;
	if (id >= VALUE_N)
		return bytes_wrong(r->b, at, r->err, "%u is no type of a value: 0 to %d are", id,
				   VALUE_N - 1);
	*type = (enum value_type)id;
	return 0;
}

static int skip_texts(struct reader *r, uint64_t n)
{
	const uint64_t each = r->g->version > 1 ? 8 : 4;

	if (bytes_expect(r->b, n, each, "texts", r->err) != 0)
		return -1;
	for (uint64_t i = 0, len; i < n; i++)
		if (read_count(r, &len, "the length of a text") != 0 ||
		    bytes_skip(r->b, len, "a text", r->err) != 0)
			return -1;
	return 0;
}

/* Reads a list: up to GGUF_LIST numbers are kept; texts and nested lists are skipped. */
static int read_array(struct reader *r, struct gguf_key *k, int depth)
{
	enum value_type type;
	const uint64_t at = r->b->at;
	uint8_t x[8];

	if (read_value_type(r, &type) != 0 || read_count(r, &k->n, "the length of a list") != 0)
		return -1;
	if (type == VALUE_ARRAY && depth == GGUF_NESTING)
		return bytes_wrong(r->b, at, r->err, "lists are nested too deeply: %d levels are allowed",
				   GGUF_NESTING);
	if (type == VALUE_STRING)
		return skip_texts(r, k->n);
	if (bytes_expect(r->b, k->n, type == VALUE_ARRAY ? 8 : value_bytes[type], "items of a list",
			 r->err) != 0)
		return -1;
	if (type == VALUE_ARRAY) {
		for (uint64_t i = 0; i < k->n; i++) {
			struct gguf_key inner = {.n = 0};

			if (read_array(r, &inner, depth + 1) != 0)
				return -1;
		}
		return 0;
	}
	if (k->n > GGUF_LIST)
		return bytes_skip(r->b, k->n * value_bytes[type], "a list", r->err);
	k->numbers = arena_array(r->arena, k->n + 1, sizeof *k->numbers);
	for (uint64_t i = 0; i < k->n; i++) {
		if (bytes_read(r->b, x, value_bytes[type], "a list", r->err) != 0)
			return -1;
		k->numbers[i] = as_number(type, x);
	}
	return 0;
}

static int read_value(struct reader *r, struct gguf_key *k)
{
	enum value_type type;
	uint8_t x[8];

	if (read_value_type(r, &type) != 0)
		return -1;
	k->at = r->b->at;
	k->kind = type == VALUE_STRING  ? GGUF_STRING
		  : type == VALUE_ARRAY ? GGUF_ARRAY
		  : type == VALUE_BOOL  ? GGUF_BOOL
					: GGUF_NUMBER;
	if (type == VALUE_STRING)
		return read_text(r, &k->text, GGUF_TEXT, true, "a text");
	if (type == VALUE_ARRAY)
		return read_array(r, k, 1);
	if (bytes_read(r->b, x, value_bytes[type], "a value", r->err) != 0)
		return -1;
	k->number = as_number(type, x);
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct gguf_key *x = a, *y = b;
	const int order = strcmp(x->key, y->key);

	return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

static int read_keys(struct reader *r, uint64_t n)
{
	struct gguf *g = r->g;
	const uint64_t at = r->b->at;

	if (n > GGUF_KEYS)
		return bytes_wrong(r->b, at, r->err, "%llu keys are too many: %d are allowed",
				   (unsigned long long)n, GGUF_KEYS);
	/* at least a length, a type and one byte */
	if (bytes_expect(r->b, n, g->version > 1 ? 13 : 9, "keys", r->err) != 0)
		return -1;
	g->keys = arena_array(r->arena, n + 1, sizeof *g->keys);
	for (; g->keys_n < n; g->keys_n++) {
		struct gguf_key *k = &g->keys[g->keys_n];

		if (read_text(r, &k->key, GGUF_KEY, false, "a key") != 0 || read_value(r, k) != 0)
			return -1;
	}
	qsort(g->keys, g->keys_n, sizeof *g->keys, by_key);
	for (size_t i = 1; i < g->keys_n; i++)
		if (!strcmp(g->keys[i - 1].key, g->keys[i].key))
			return bytes_wrong(r->b, g->keys[i].at, r->err,
					   "key '%.100s' is repeated; first given at byte %llu",
					   g->keys[i].key, (unsigned long long)g->keys[i - 1].at);
	return 0;
}

static int read_shape(struct reader *r, struct file_tensor *x)
{
	uint32_t n;
	const uint64_t at = r->b->at;

	if (bytes_u32(r->b, &n, "the dimensions of a tensor", r->err) != 0)
		return -1;
	if (n > 4)
		return bytes_wrong(r->b, at, r->err, "tensor '%s': %u dimensions are too many: 4 are allowed",
				   x->name, n);
	x->stored = 1;
	for (x->dims_n = 0; x->dims_n < n; x->dims_n++) {
		uint64_t *d = &x->dims[x->dims_n];
		const uint64_t here = r->b->at;

		if (read_count(r, d, "a dimension") != 0)
			return -1;
		x->stored *= (double)*d;
		if (!*d || x->stored > 9e15) /* doubles are exact up to here, and no model is as large */
			return bytes_wrong(r->b, here, r->err, "tensor '%s': dimension %zu cannot be %llu",
					   x->name, x->dims_n, (unsigned long long)*d);
	}
	return 0;
}

static int read_tensor(struct reader *r, struct file_tensor *x, uint64_t alignment)
{
	const struct gguf_type *type;
	uint64_t at = r->b->at;
	uint32_t id;

	x->file = r->b->path;
	x->at = at;
	if (read_text(r, &x->name, GGUF_NAME, false, "a tensor's name") != 0 || read_shape(r, x) != 0)
		return -1;
	at = r->b->at;
	if (bytes_u32(r->b, &id, "the type of a tensor", r->err) != 0)
		return -1;
	type = gguf_type(id);
	if (!type) {
		bytes_wrong(r->b, at, r->err, "tensor '%s': %u is no type that is known", x->name, id);
		return err_hint(r->err, "types are those of llama.cpp v0.5.0, without the removed ones");
	}
	if (x->dims_n && x->dims[0] % (uint64_t)type->numbers)
		return bytes_wrong(
			r->b, at, r->err,
			"tensor '%s': rows of %llu do not divide into blocks of %d, as %s has them", x->name,
			(unsigned long long)x->dims[0], type->numbers, type->name);
	x->type = type->name;
	x->numbers = x->stored;
	x->bytes = x->stored / type->numbers * type->bytes;
	at = r->b->at;
	if (bytes_u64(r->b, &x->from, "the offset of a tensor", r->err) != 0)
		return -1;
	if (x->from % alignment || x->from > UINT64_MAX / 4)
		return bytes_wrong(r->b, at, r->err, "tensor '%s': its offset %llu is no multiple of %llu",
				   x->name, (unsigned long long)x->from, (unsigned long long)alignment);
	return 0;
}

/* Fails if the data of two tensors overlap. */
static int check_offsets(struct reader *r, const struct file_tensor *x, size_t n)
{
	const struct file_tensor **order = tensors_by_offset(r->arena, x, n);

	for (size_t i = 0; i < n; i++) {
		const uint64_t ends = order[i]->from + (uint64_t)order[i]->bytes;

		if (i + 1 < n && order[i + 1]->from < ends)
			return bytes_wrong(r->b, order[i + 1]->at, r->err,
					   "tensor '%.100s' begins inside tensor '%.100s'",
					   order[i + 1]->name, order[i]->name);
		if (i + 1 == n)
			r->g->data_ends = r->g->data_at + ends;
	}
	return 0;
}

static int read_alignment(struct reader *r, uint64_t *alignment)
{
	const struct gguf_key *k = gguf_find(r->g, "general.alignment");

	*alignment = 32;
	if (!k)
		return 0;
	if (k->kind != GGUF_NUMBER || !(k->number >= 1 && k->number <= 1 << 24) ||
	    ((uint64_t)k->number & ((uint64_t)k->number - 1)) || (double)(uint64_t)k->number != k->number)
		return bytes_wrong(r->b, k->at, r->err,
				   "general.alignment must be a power of two, at most 2^24");
	*alignment = (uint64_t)k->number;
	return 0;
}

static int read_magic(struct reader *r)
{
	uint8_t x[4];
	uint32_t version;

	if (bytes_read(r->b, x, sizeof x, "the magic number", r->err) != 0)
		return -1;
	if (memcmp(x, "GGUF", 4) != 0)
		return bytes_wrong(r->b, 0, r->err, "not a GGUF file: it begins with '%s'",
				   utf8_printable(r->arena, (const char *)x, 4, 4));
	if (bytes_u32(r->b, &version, "the version", r->err) != 0)
		return -1;
	if (version && !(version & 0xffff)) {
		bytes_wrong(r->b, 4, r->err, "a big-endian file");
		return err_hint(r->err, "convert it to little-endian: gguf-convert-endian FILE little");
	}
	if (version < 1 || version > 3)
		return bytes_wrong(r->b, 4, r->err, "GGUF version %u is not known; 1, 2 and 3 are", version);
	r->g->version = version;
	return 0;
}

int gguf_read(struct arena *a, struct bytes *b, struct gguf *g, struct tensor_table *t, struct err *err)
{
	struct reader r = {a, b, g, err};
	const size_t before = t->n;
	uint64_t tensors_n, keys_n, alignment;

	*g = (struct gguf){.path = b->path, .size = b->size};
	if (read_magic(&r) != 0 || read_count(&r, &tensors_n, "the number of tensors") != 0 ||
	    read_count(&r, &keys_n, "the number of keys") != 0)
		return -1;
	if (tensors_n > TENSORS_MAX - t->n)
		return bytes_wrong(b, 8, err, "%llu tensors are too many: %d are allowed",
				   (unsigned long long)tensors_n, TENSORS_MAX);
	if (read_keys(&r, keys_n) != 0 || read_alignment(&r, &alignment) != 0)
		return -1;
	/* length, dimensions, type, offset */
	if (bytes_expect(b, tensors_n, g->version > 1 ? 24 : 20, "tensors", err) != 0)
		return -1;
	for (uint64_t i = 0; i < tensors_n; i++)
		if (read_tensor(&r, tensors_add(t), alignment) != 0)
			return -1;
	g->data_at = g->data_ends = (b->at + alignment - 1) / alignment * alignment;
	return t->n > before ? check_offsets(&r, t->at + before, t->n - before) : 0;
}

static int compare_key(const void *key, const void *k)
{
	return strcmp(key, ((const struct gguf_key *)k)->key);
}

const struct gguf_key *gguf_find(const struct gguf *g, const char *key)
{
	return g->keys_n ? bsearch(key, g->keys, g->keys_n, sizeof *g->keys, compare_key) : NULL;
}
