/* safetensors.c - see safetensors.h. */
#include "sim/import/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/jsonr.h"

enum { FILES_MAX = 4096 };

/* The enum Dtype of safetensors/src/tensor.rs. */
static const struct {
	const char *name;
	int bits;
} types[] = {
	{"F64", 64},    {"I64", 64},    {"U64", 64},        {"C64", 64},        {"F32", 32}, {"I32", 32},
	{"U32", 32},    {"F16", 16},    {"BF16", 16},       {"I16", 16},        {"U16", 16}, {"F8_E4M3", 8},
	{"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I8", 8},   {"U8", 8},
	{"BOOL", 8},    {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"F4", 4},
};

static int bits_of(struct jsonr *j, size_t at, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].name, name))
			return types[i].bits;
	return jsonr_wrong(j, at, "dtype '%.40s' is not known", name);
}

static int read_shape(struct jsonr *j, struct file_tensor *x)
{
	int rc;

	if (jsonr_list(j) != 0)
		return -1;
	x->stored = 1;
	for (x->dims_n = 0; (rc = jsonr_item(j)) == 1; x->dims_n++) {
		uint64_t d;

		if (x->dims_n == TENSOR_DIMS)
			return jsonr_wrong(j, j->at, "tensor '%.100s': more than %d dimensions", x->name,
					   TENSOR_DIMS);
		if (jsonr_count(j, &d) != 0)
			return -1;
		x->dims[x->dims_n] = d;
		x->stored *= (double)d;
		if (x->stored > 9e15)
			return jsonr_wrong(j, j->at, "tensor '%.100s' is too large", x->name);
	}
	return rc;
}

static int read_offsets(struct jsonr *j, const struct file_tensor *x, uint64_t ends[2])
{
	int rc;
	size_t n = 0;

	if (jsonr_list(j) != 0)
		return -1;
	while ((rc = jsonr_item(j)) == 1) {
		if (n == 2 || jsonr_count(j, &ends[n++]) != 0)
			return j->err->msg[0] ? -1
					      : jsonr_wrong(j, j->at, "tensor '%.100s': two offsets are due",
							    x->name);
	}
	if (rc == 0 && (n != 2 || ends[0] > ends[1]))
		return jsonr_wrong(j, j->at, "tensor '%.100s': its offsets must be two, the lower first",
				   x->name);
	return rc;
}

static int read_entry(struct jsonr *j, struct file_tensor *x)
{
	const char *key = NULL, *type = NULL;
	uint64_t ends[2] = {0, 0};
	bool has_shape = false, has_offsets = false;
	int rc, bits = 0;

	if (jsonr_object(j) != 0)
		return -1;
	while ((rc = jsonr_key(j, &key)) == 1) {
		const size_t at = j->at;
		const bool again = (!strcmp(key, "dtype") && type) || (!strcmp(key, "shape") && has_shape) ||
				   (!strcmp(key, "data_offsets") && has_offsets);

		if (again)
			return jsonr_wrong(j, at, "tensor '%.100s': key '%s' is repeated", x->name, key);
		if (!strcmp(key, "dtype")) {
			if (jsonr_text(j, &type) != 0 || (bits = bits_of(j, at, type)) < 0)
				return -1;
		} else if (!strcmp(key, "shape")) {
			has_shape = true;
			if (read_shape(j, x) != 0)
				return -1;
		} else if (!strcmp(key, "data_offsets")) {
			has_offsets = true;
			if (read_offsets(j, x, ends) != 0)
				return -1;
		} else if (jsonr_skip(j) != 0) {
			return -1;
		}
	}
	if (rc != 0)
		return -1;
	if (!type || !has_shape || !has_offsets)
		return jsonr_wrong(j, j->at, "tensor '%.100s' has no '%s'", x->name,
				   !type       ? "dtype"
				   : has_shape ? "data_offsets"
					       : "shape");
	x->type = type;
	x->numbers = x->stored;
	x->from = ends[0];
	x->bytes = (double)(ends[1] - ends[0]);
	if (x->stored * bits != x->bytes * 8)
		return jsonr_wrong(j, j->at,
				   "tensor '%.100s': its shape makes %.17g bytes, its offsets %.17g", x->name,
				   x->stored * bits / 8, x->bytes);
	return 0;
}

static int check_offsets(struct jsonr *j, const struct file_tensor *x, size_t n, uint64_t *ends)
{
	const struct file_tensor **order = tensors_by_offset(j->arena, x, n);

	*ends = 0;
	for (size_t i = 0; i < n; i++) {
		if (order[i]->from != *ends)
			return jsonr_wrong(j, order[i]->at - j->base, "tensor '%.100s': %s", order[i]->name,
					   order[i]->from < *ends ? "its data overlaps that of another"
								  : "there is a hole before its data");
		*ends += (uint64_t)order[i]->bytes;
	}
	return 0;
}

static int read_header(struct jsonr *j, struct tensor_table *t)
{
	const char *key;
	int rc;

	if (jsonr_object(j) != 0)
		return -1;
	while ((rc = jsonr_key(j, &key)) == 1) {
		struct file_tensor *x;

		if (!strcmp(key, "__metadata__")) {
			if (jsonr_skip(j) != 0)
				return -1;
			continue;
		}
		if (t->n == TENSORS_MAX)
			return jsonr_wrong(j, j->at, "more than %d tensors", TENSORS_MAX);
		if (strlen(key) > 1024)
			return jsonr_wrong(j, j->at, "a tensor's name of more than 1024 bytes");
		x = tensors_add(t);
		x->name = key;
		x->file = j->path;
		x->at = j->base + j->at;
		if (read_entry(j, x) != 0)
			return -1;
	}
	return rc == 0 ? jsonr_end(j) : -1;
}

int safetensors_read(struct arena *a, struct bytes *b, struct tensor_table *t, uint64_t *short_B,
		     struct err *err)
{
	struct jsonr j;
	const size_t before = t->n;
	uint64_t n, ends = 0;
	char *text;
	int rc;

	if (bytes_u64(b, &n, "the length of the header", err) != 0)
		return -1;
	if (n > SAFETENSORS_HEADER) {
		bytes_wrong(b, 0, err, "a header of %llu bytes is too long: %d are allowed",
			    (unsigned long long)n, SAFETENSORS_HEADER);
		return err_hint(err, "is it a safetensors file?");
	}
	if (bytes_expect(b, n, 1, "bytes of header", err) != 0)
		return -1;
	text = xmalloc(n + 1);
	text[n] = '\0';
	rc = bytes_read(b, text, n, "the header", err);
	if (rc == 0) {
		jsonr_init(&j, a, b->path, text, n, err);
		j.base = 8;
		rc = read_header(&j, t);
	}
	if (rc == 0 && t->n > before)
		rc = check_offsets(&j, t->at + before, t->n - before, &ends);
	if (rc == 0 && b->size - b->at > ends)
		rc = bytes_wrong(b, b->at + ends, err, "%llu bytes follow the last tensor",
				 (unsigned long long)(b->size - b->at - ends));
	if (rc == 0)
		*short_B = ends - (b->size - b->at);
	free(text);
	return rc;
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static int read_weight_map(struct jsonr *j, const char ***names, size_t *n, size_t *room)
{
	const char *key;
	int rc;

	if (jsonr_object(j) != 0)
		return -1;
	while ((rc = jsonr_key(j, &key)) == 1) {
		const char *file;
		const size_t at = j->at;

		if (jsonr_text(j, &file) != 0)
			return -1;
		if (!*file || strchr(file, '/') || strlen(file) > 255)
			return jsonr_wrong(j, at, "'%.100s' is no name of a file beside the index", file);
		/* the common case: adjacent tensors are in the same file */
		if (*n && !strcmp((*names)[*n - 1], file))
			continue;
		if (*n == *room)
			*names = xrealloc(*names, (*room = *room ? 2 * *room : 64) * sizeof **names);
		(*names)[(*n)++] = file;
	}
	return rc;
}

int safetensors_index(struct arena *a, const char *path, const char *text, size_t n, struct name_list *files,
		      struct err *err)
{
	struct jsonr j;
	const char *key, **names = NULL;
	size_t found = 0, room = 0;
	bool has_map = false;
	int rc;

	jsonr_init(&j, a, path, text, n, err);
	rc = jsonr_object(&j);
	while (rc == 0 && (rc = jsonr_key(&j, &key)) == 1) {
		if (strcmp(key, "weight_map") != 0) {
			rc = jsonr_skip(&j);
			continue;
		}
		rc = has_map ? jsonr_wrong(&j, j.at, "key 'weight_map' is repeated")
			     : read_weight_map(&j, &names, &found, &room);
		has_map = true;
	}
	if (rc == 0)
		rc = jsonr_end(&j);
	if (rc == 0 && !found)
		rc = jsonr_wrong(&j, 0, "no 'weight_map' names a file");
	if (rc == 0) {
		qsort(names, found, sizeof *names, by_text);
		files->at = arena_array(a, found, sizeof *files->at);
		files->n = 0;
		for (size_t i = 0; i < found; i++)
			if (!files->n || strcmp(files->at[files->n - 1], names[i]) != 0)
				files->at[files->n++] = names[i];
		if (files->n > FILES_MAX)
			rc = jsonr_wrong(&j, 0, "more than %d files", FILES_MAX);
	}
	free(names);
	return rc;
}
