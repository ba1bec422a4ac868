/* check_import.c - room import: the readers of GGUF and safetensors, against right files and hostile ones. */
#include "tests/suites.h"

#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/import/describe.h"
#include "sim/import/safetensors.h"
#include "tests/import/ggufmake.h"

struct got {
	struct arena arena;
	struct tensor_table table;
	struct gguf gguf;
	struct err err;
	uint64_t short_B;
	int rc;
};

static void read_gguf(struct got *g, const struct str *from)
{
	struct bytes b;

	*g = (struct got){.err = ERR_INIT};
	g->table.arena = &g->arena;
	bytes_memory(&b, "f.gguf", from->text, from->len);
	g->rc = gguf_read(&g->arena, &b, &g->gguf, &g->table, &g->err);
	MUST((g->rc == 0) == !g->err.msg[0]);
}

static void read_st(struct got *g, const char *from, size_t n)
{
	struct bytes b;

	*g = (struct got){.err = ERR_INIT};
	g->table.arena = &g->arena;
	bytes_memory(&b, "f.safetensors", from, n);
	g->rc = safetensors_read(&g->arena, &b, &g->table, &g->short_B, &g->err);
	MUST((g->rc == 0) == !g->err.msg[0]);
}

/* --- GGUF ----------------------------------------------------------------------------------------- */

START_TEST(gguf_versions_read_alike)
{
	struct ggufmake make = {.version = (uint32_t)_i};
	struct str file = STR_INIT;
	struct described d;
	struct tensor_sums sums;
	struct got g;

	gguf_toy(&make);
	gguf_finish(&make, &file);
	read_gguf(&g, &file);
	ck_assert_msg(g.rc == 0, "%s", g.err.msg);
	ck_assert_uint_eq(g.gguf.version, (unsigned)_i);
	ck_assert_uint_eq(g.table.n, 21);
	ck_assert_int_eq(tensors_sort(&g.table, &g.err), 0);
	ck_assert_msg(describe_gguf(&g.arena, &d, &g.gguf, &g.table, &g.err) == 0, "%s", g.err.msg);
	ck_assert_str_eq(d.title, "A toy");
	ck_assert_int_eq(d.layers, 2);
	ck_assert_int_eq(d.hidden, 256);
	ck_assert_int_eq(d.vocabulary, 1000);
	ck_assert_int_eq(d.heads, 4);
	ck_assert_int_eq(d.kv_heads, 2);
	ck_assert_int_eq(d.head_dim, 64);
	ck_assert_int_eq(d.inner, 512);
	ck_assert(!d.tied && !d.gelu && !d.qk_norm);
	tensors_sum(&g.table, d.layers, &sums);
	ck_assert_double_eq(tensor_sums_numbers(&sums),
			    2 * 256000 + 256 + 2 * (512 + 2 * 65536 + 2 * 32768 + 3 * 131072));
	ck_assert_double_eq(sums.bytes[CLASS_EMBEDDING], 1000 * 144);
	ck_assert_double_eq(sums.bytes[CLASS_HEAD], 1000 * 210 + 1024);
	ck_assert_double_eq(sums.bytes[CLASS_FFN], 2 * (1024 + 1024 * 144 + 512 * 210));
	str_release(&file);
	arena_release(&g.arena);
}
END_TEST

START_TEST(gguf_cut_anywhere)
{
	struct ggufmake make = {.version = (uint32_t)_i};
	struct str file = STR_INIT;

	gguf_toy(&make);
	gguf_finish(&make, &file);
	for (size_t n = 0; n < file.len; n++) {
		const struct str part = {.text = file.text, .len = n};
		struct got g;

		read_gguf(&g, &part);
		MUST(g.rc == -1);
		MUST(strstr(g.err.msg, "f.gguf:byte "));
		arena_release(&g.arena);
	}
	str_release(&file);
}
END_TEST

/* Any change of any byte: an error or a table whose sums are finite; under a sanitizer, no bad access. */
START_TEST(gguf_bytes_changed)
{
	struct ggufmake make = {.version = 3};
	struct str file = STR_INIT;
	struct rng *rng = rng_new((uint64_t)_i, "gguf");

	gguf_toy(&make);
	gguf_finish(&make, &file);
	for (int i = 0; i < 3000; i++) {
		const size_t at = (size_t)(rng_uniform(rng) * (double)file.len);
		const char before = file.text[at];
		struct described d;
		struct got g;

		file.text[at] = (char)(unsigned char)(rng_uniform(rng) * 256);
		read_gguf(&g, &file);
		if (g.rc == 0 && tensors_sort(&g.table, &g.err) == 0)
			describe_gguf(&g.arena, &d, &g.gguf, &g.table, &g.err);
		file.text[at] = before;
		arena_release(&g.arena);
	}
	rng_free(rng);
	str_release(&file);
}
END_TEST

enum wrong {
	MAGIC,
	BIG_ENDIAN,
	VERSION_0,
	VERSION_4,
	TENSORS,
	TENSORS_MANY,
	KEYS,
	KEYS_MANY,
	KEY_LONG,
	KEY_TWICE,
	KEY_NUL,
	VALUE_TYPE,
	TEXT_LONG,
	LIST_LONG,
	LIST_LIES,
	TEXTS_LONG,
	NESTED,
	ALIGNMENT,
	ALIGNMENT_NAN,
	NAME_LONG,
	NAME_TWICE,
	DIMS,
	DIM_0,
	DIM_HUGE,
	PRODUCT_HUGE,
	TYPE,
	TYPE_REMOVED,
	BLOCKS,
	OFFSET_ODD,
	OFFSET_HUGE,
	OVERLAP,
	WRONG_N
};
static const char *const wrongs[WRONG_N] = {
	[MAGIC] = "f.gguf:byte 0: not a GGUF file: it begins with 'GGML'",
	[BIG_ENDIAN] = "f.gguf:byte 4: a big-endian file",
	[VERSION_0] = "f.gguf:byte 4: GGUF version 0 is not known; 1, 2 and 3 are",
	[VERSION_4] = "f.gguf:byte 4: GGUF version 4 is not known; 1, 2 and 3 are",
	[TENSORS] = "f.gguf:byte 24: 9999 tensors cannot be: only 0 bytes are left",
	[TENSORS_MANY] = "f.gguf:byte 8: 18446744073709551615 tensors are too many: 1048576 are allowed",
	[KEYS] = "f.gguf:byte 24: 9999 keys cannot be: only 0 bytes are left",
	[KEYS_MANY] = "f.gguf:byte 24: 18446744073709551615 keys are too many: 16384 are allowed",
	[KEY_LONG] = "f.gguf:byte 24: a key of 1099511627776 bytes is too long: 256 are allowed",
	[KEY_TWICE] = "f.gguf:byte 54: key 'a' is repeated; first given at byte 37",
	[KEY_NUL] = "f.gguf:byte 24: a key holds a NUL",
	[VALUE_TYPE] = "f.gguf:byte 33: 13 is no type of a value: 0 to 12 are",
	[TEXT_LONG] = "f.gguf:byte 45: the file ends in a text: 1099511627776 bytes are due here, 0 are left",
	[LIST_LONG] = "f.gguf:byte 49: 1099511627776 items of a list cannot be: only 0 bytes are left",
	[LIST_LIES] = "f.gguf:byte 49: 3 items of a list cannot be: only 20 bytes are left",
	[TEXTS_LONG] = "f.gguf:byte 49: 1099511627776 texts cannot be: only 0 bytes are left",
	[NESTED] = "f.gguf:byte 73: lists are nested too deeply: 4 levels are allowed",
	[ALIGNMENT] = "f.gguf:byte 53: general.alignment must be a power of two, at most 2^24",
	[ALIGNMENT_NAN] = "f.gguf:byte 53: general.alignment must be a power of two, at most 2^24",
	[NAME_LONG] = "f.gguf:byte 24: a tensor's name of 300 bytes is too long: 256 are allowed",
	[NAME_TWICE] = "f.gguf:byte 57: tensor 'a' is there twice",
	[DIMS] = "f.gguf:byte 33: tensor 'a': 5 dimensions are too many: 4 are allowed",
	[DIM_0] = "f.gguf:byte 37: tensor 'a': dimension 0 cannot be 0",
	[DIM_HUGE] = "f.gguf:byte 37: tensor 'a': dimension 0 cannot be 18446744073709551615",
	[PRODUCT_HUGE] = "f.gguf:byte 53: tensor 'a': dimension 2 cannot be 1099511627776",
	[TYPE] = "f.gguf:byte 45: tensor 'a': 4294967295 is no type that is known",
	[TYPE_REMOVED] = "f.gguf:byte 45: tensor 'a': 4 is no type that is known",
	[BLOCKS] =
		"f.gguf:byte 45: tensor 'a': rows of 100 do not divide into blocks of 256, as Q4_K has them",
	[OFFSET_ODD] = "f.gguf:byte 49: tensor 'a': its offset 17 is no multiple of 32",
	[OFFSET_HUGE] = "f.gguf:byte 49: tensor 'a': its offset 18446744073709551584 is no multiple of 32",
	[OVERLAP] = "f.gguf:byte 57: tensor 'b' begins inside tensor 'a'",
};

static void list_head(struct ggufmake *g, uint32_t type, uint64_t n)
{
	put_text(g, &g->keys, "a");
	put_u32(&g->keys, 9);
	put_u32(&g->keys, type);
	put_u64(&g->keys, n);
	g->keys_n++;
}

static void one_tensor(struct ggufmake *g, const char *name, uint64_t dim, uint32_t type, uint64_t offset)
{
	put_text(g, &g->tensors, name);
	put_u32(&g->tensors, 1);
	put_u64(&g->tensors, dim);
	put_u32(&g->tensors, type);
	put_u64(&g->tensors, offset);
	g->tensors_n++;
	str_pad(&g->tensors, '\0',
		12); /* so that what is checked last is not missed for the end of the file */
}

static void wrong_keys(enum wrong w, struct ggufmake *g)
{
	const uint64_t huge = (uint64_t)1 << 40;

	switch (w) {
	case KEY_LONG:
		put_u64(&g->keys, huge);
		str_pad(&g->keys, 'a', 100);
		g->keys_n++;
		break;
	case KEY_TWICE:
		gguf_key_u32(g, "a", 1);
		gguf_key_u32(g, "a", 1);
		break;
	case KEY_NUL:
		put_u64(&g->keys, 2);
		str_pad(&g->keys, '\0', 2);
		put_u64(&g->keys, 4);
		g->keys_n++;
		break;
	case VALUE_TYPE:
		put_text(g, &g->keys, "a");
		put_u32(&g->keys, 13);
		put_u32(&g->keys, 13);
		g->keys_n++;
		break;
	case TEXT_LONG:
		put_text(g, &g->keys, "a");
		put_u32(&g->keys, 8);
		put_u64(&g->keys, huge);
		g->keys_n++;
		break;
	case LIST_LONG:
		list_head(g, 4, huge);
		break;
	case LIST_LIES:
		list_head(g, 10, 3);
		str_pad(&g->keys, 1, 20);
		break;
	case TEXTS_LONG:
		list_head(g, 8, huge);
		break;
	case NESTED:
		list_head(g, 9, 1);
		for (int i = 0; i < 8; i++) {
			put_u32(&g->keys, 9);
			put_u64(&g->keys, 1);
		}
		break;
	case ALIGNMENT:
		gguf_key_u32(g, "general.alignment", 24);
		break;
	case ALIGNMENT_NAN:
		put_text(g, &g->keys, "general.alignment");
		put_u32(&g->keys, 6);
		put_u32(&g->keys, 0x7fc00000);
		g->keys_n++;
		break;
	default:
		break;
	}
}

static void wrong_tensor(enum wrong w, struct ggufmake *g)
{
	char longname[301];

	memset(longname, 'n', 300);
	longname[300] = '\0';
	switch (w) {
	case NAME_LONG:
		one_tensor(g, longname, 32, 0, 0);
		break;
	case NAME_TWICE:
	case OVERLAP:
		one_tensor(g, "a", 32, 0, 0);
		g->tensors.len -= 12;
		one_tensor(g, w == OVERLAP ? "b" : "a", 32, 0, w == OVERLAP ? 96 : 128);
		break;
	case DIMS:
		put_text(g, &g->tensors, "a");
		put_u32(&g->tensors, 5);
		str_pad(&g->tensors, 1, 60);
		g->tensors_n++;
		break;
	case DIM_0:
	case DIM_HUGE:
		one_tensor(g, "a", w == DIM_0 ? 0 : UINT64_MAX, 0, 0);
		break;
	case PRODUCT_HUGE:
		put_text(g, &g->tensors, "a");
		put_u32(&g->tensors, 3);
		for (int i = 0; i < 3; i++)
			put_u64(&g->tensors, i == 2 ? (uint64_t)1 << 40 : (uint64_t)1 << 24);
		str_pad(&g->tensors, 0, 12);
		g->tensors_n++;
		break;
	case TYPE:
		one_tensor(g, "a", 32, UINT32_MAX, 0);
		break;
	case TYPE_REMOVED:
		one_tensor(g, "a", 32, 4, 0);
		break;
	case BLOCKS:
		one_tensor(g, "a", 100, 12, 0);
		break;
	case OFFSET_ODD:
		one_tensor(g, "a", 32, 0, 17);
		break;
	case OFFSET_HUGE:
		one_tensor(g, "a", 32, 0, UINT64_MAX - 31);
		break;
	default:
		break;
	}
}

START_TEST(gguf_wrong)
{
	struct ggufmake make = {.version = 3};
	struct str file = STR_INIT;
	struct got g;

	make.keys = make.tensors = (struct str)STR_INIT;
	wrong_keys((enum wrong)_i, &make);
	wrong_tensor((enum wrong)_i, &make);
	if (_i == TENSORS || _i == TENSORS_MANY)
		make.tensors_n = _i == TENSORS ? 9999 : UINT64_MAX;
	if (_i == KEYS || _i == KEYS_MANY)
		make.keys_n = _i == KEYS ? 9999 : UINT64_MAX;
	gguf_finish(&make, &file);
	if (_i == MAGIC)
		memcpy(file.text, "GGML", 4);
	if (_i == BIG_ENDIAN)
		memcpy(file.text + 4, "\0\0\0\3", 4);
	if (_i == VERSION_0 || _i == VERSION_4)
		file.text[4] = _i == VERSION_0 ? 0 : 4;
	read_gguf(&g, &file);
	if (_i == NAME_TWICE)
		g.rc = tensors_sort(&g.table, &g.err);
	ck_assert_int_eq(g.rc, -1);
	ck_assert_str_eq(g.err.msg, wrongs[_i]);
	str_release(&file);
	arena_release(&g.arena);
}
END_TEST

/* Numbers of every type, and lists of them. */
static const struct {
	uint32_t type, bytes;
	uint64_t bits;
	double want;
} values[] = {
	{0, 1, 0xff, 255},
	{1, 1, 0xff, -1},
	{2, 2, 0xfffe, 65534},
	{3, 2, 0xfffe, -2},
	{4, 4, 0xffffffff, 4294967295.0},
	{5, 4, 0xffffffff, -1},
	{6, 4, 0x3fc00000, 1.5},
	{7, 1, 1, 1},
	{10, 8, (uint64_t)1 << 40, 1099511627776.0},
	{11, 8, UINT64_MAX, -1},
	{12, 8, 0x3ff8000000000000, 1.5},
};
START_TEST(gguf_values)
{
	struct ggufmake make = {.version = 3};
	struct str file = STR_INIT;
	struct got g;
	const struct gguf_key *k;

	make.keys = make.tensors = (struct str)STR_INIT;
	put_text(&make, &make.keys, "one");
	put_u32(&make.keys, values[_i].type);
	for (uint32_t i = 0; i < values[_i].bytes; i++)
		str_add_n(&make.keys, &(char){(char)(values[_i].bits >> (8 * i))}, 1);
	put_text(&make, &make.keys, "list");
	put_u32(&make.keys, 9);
	put_u32(&make.keys, values[_i].type);
	put_u64(&make.keys, 3);
	for (uint32_t i = 0; i < 3 * values[_i].bytes; i++)
		str_add_n(&make.keys, &(char){(char)(values[_i].bits >> (8 * (i % values[_i].bytes)))}, 1);
	make.keys_n = 2;
	gguf_finish(&make, &file);
	read_gguf(&g, &file);
	ck_assert_msg(g.rc == 0, "%s", g.err.msg);
	k = gguf_find(&g.gguf, "one");
	ck_assert_ptr_nonnull(k);
	ck_assert_double_eq(k->number, values[_i].want);
	ck_assert_int_eq(k->kind, values[_i].type == 7 ? GGUF_BOOL : GGUF_NUMBER);
	k = gguf_find(&g.gguf, "list");
	ck_assert_uint_eq(k->n, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_double_eq(k->numbers[i], values[_i].want);
	ck_assert_ptr_null(gguf_find(&g.gguf, "none"));
	str_release(&file);
	arena_release(&g.arena);
}
END_TEST

/* --- safetensors ---------------------------------------------------------------------------------- */

static void make_st(struct str *s, const char *json, uint64_t data)
{
	put_u64(s, strlen(json));
	str_add(s, json);
	str_pad(s, 'x', data);
}

#define T(name, type, shape, from, to)                                                                       \
	"\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static const struct {
	const char *json;
	uint64_t data;
	const char *msg; /* NULL: fine */
} headers[] = {
	{"{" T("a", "F32", "[2,3]", 0, 24) "," T("b", "BF16", "[5]", 24, 34) "}  \n", 34, NULL},
	{"{\"__metadata__\":{\"format\":\"pt\",\"x\":[1,{\"y\":null}]}}", 0, NULL},
	{"{" T("b", "F4", "[4]", 2, 4) "," T("a", "U8", "[2]", 0, 2) "}", 4, NULL},
	{"{" T("empty", "F32", "[0,7]", 4, 4) "," T("a", "F32", "[]", 0, 4) "}", 4, NULL},
	{"{" T("\\u00e9\\ud83d\\ude00", "I64", "[1]", 0, 8) "}", 8, NULL},
	{"{" T("a", "F33", "[1]", 0, 4) "}", 4, "byte 22: dtype 'F33' is not known"},
	{"{" T("a", "F32", "[2]", 0, 4) "}", 4, "tensor 'a': its shape makes 8 bytes, its offsets 4"},
	{"{" T("a", "F32", "[1]", 4, 0) "}", 4, "tensor 'a': its offsets must be two, the lower first"},
	{"{" T("a", "U8", "[8]", 0, 8) "," T("b", "U8", "[8]", 4, 12) "}", 12,
	 "tensor 'b': its data overlaps that of another"},
	{"{" T("a", "U8", "[8]", 0, 8) "," T("b", "U8", "[8]", 9, 17) "}", 17,
	 "tensor 'b': there is a hole before its data"},
	{"{" T("a", "U8", "[8]", 0, 8) "}", 9, "1 bytes follow the last tensor"},
	{"{" T("a", "U8", "[-1]", 0, 8) "}", 8, "expected a whole number, got '-'"},
	{"{" T("a", "U8", "[1e3]", 0, 8) "}", 8, "expected a whole number below 2^53"},
	{"{" T("a", "U8", "[1.5]", 0, 8) "}", 8, "expected a whole number below 2^53"},
	{"{" T("a", "U8", "[99999999999999999999]", 0, 8) "}", 8, "expected a whole number below 2^53"},
	{"{" T("a", "U8", "[9007199254740991,2]", 0, 8) "}", 8, "tensor 'a' is too large"},
	{"{" T("a", "U8", "[NaN]", 0, 8) "}", 8, "expected a whole number, got 'N'"},
	{"{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1, "tensor 'a': more than 8 dimensions"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "tensor 'a' has no 'data_offsets'"},
	{"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "tensor 'a' has no 'shape'"},
	{"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 'a' has no 'dtype'"},
	{"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
	 "tensor 'a': key 'dtype' is repeated"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1,
	 "tensor 'a': two offsets are due"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1,
	 "tensor 'a': its offsets must be two, the lower first"},
	{"{\"a\":1}", 0, "byte 13: expected '{', got '1'"},
	{"[]", 0, "byte 8: expected '{', got '['"},
	{"", 0, "byte 8: expected '{', the text ends"},
	{"{", 0, "expected text in quotes, the text ends"},
	{"{\"a", 0, "byte 9: the quote that opens here is never closed"},
	{"{} {}", 0, "byte 11: nothing may follow the last '}'"},
	{"{\"a\\q\":{}}", 0, "unknown escape in text"},
	{"{\"\\ud800x\":{}}", 0, "half of a surrogate pair"},
	{"{\"\\ud800\\u0041\":{}}", 0, "half of a surrogate pair"},
	{"{\"\\udc00\":{}}", 0, "half of a surrogate pair"},
	{"{\"\\u0000\":{}}", 0, "text may not hold a NUL"},
	{"{\"\x01\":{}}", 0, "text may not hold the control character 0x01"},
	{"{\"\xff\":{}}", 0, "this byte (0xff) is not UTF-8"},
	{"{\"__metadata__\":{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}", 0,
	 "nested too deeply: 32 levels are allowed"},
	{"{\"__metadata__\":{\"x\":tru}}", 0, "expected a value"},
	{"{\"__metadata__\":{\"x\":1.}}", 0, "expected a digit"},
	{"{\"__metadata__\":{\"x\":1 \"y\":2}}", 0, "expected ',' or '}', got '\"'"},
	{"{\"__metadata__\":{\"x\":[1,]}}", 0, "expected a value"},
};
START_TEST(safetensors_header)
{
	struct str file = STR_INIT;
	struct got g;

	make_st(&file, headers[_i].json, headers[_i].data);
	read_st(&g, file.text, file.len);
	if (headers[_i].msg) {
		ck_assert_int_eq(g.rc, -1);
		ck_assert_msg(strstr(g.err.msg, headers[_i].msg) &&
				      str_starts(g.err.msg, "f.safetensors:byte "),
			      "got '%s', wanted '%s'", g.err.msg, headers[_i].msg);
	} else {
		ck_assert_msg(g.rc == 0, "%s", g.err.msg);
		ck_assert_uint_eq(g.short_B, 0);
	}
	arena_release(&g.arena);
	str_release(&file);
}
END_TEST

/* Cut in the header: an error. Cut in the data: what is missing is counted, the header is good enough. */
START_TEST(safetensors_cut_anywhere)
{
	struct str file = STR_INIT;
	const size_t header = 8 + strlen(headers[0].json);

	make_st(&file, headers[0].json, headers[0].data);
	for (size_t n = 0; n <= file.len; n++) {
		struct got g;

		read_st(&g, file.text, n);
		MUST(g.rc == (n < header ? -1 : 0));
		MUST(n < header || g.short_B == file.len - n);
		arena_release(&g.arena);
	}
	str_release(&file);
}
END_TEST

START_TEST(safetensors_lengths)
{
	static const uint64_t lengths[] = {100000001, UINT64_MAX, 99};
	static const char *const msgs[] = {
		"f.safetensors:byte 0: a header of 100000001 bytes is too long: 100000000 are allowed",
		("f.safetensors:byte 0: a header of 18446744073709551615 bytes is too long: 100000000 are "
		 "allowed"),
		"f.safetensors:byte 8: 99 bytes of header cannot be: only 2 bytes are left"};
	struct str file = STR_INIT;
	struct got g;

	put_u64(&file, lengths[_i]);
	str_add(&file, "{}");
	read_st(&g, file.text, file.len);
	ck_assert_int_eq(g.rc, -1);
	ck_assert_str_eq(g.err.msg, msgs[_i]);
	arena_release(&g.arena);
	str_release(&file);
}
END_TEST

START_TEST(safetensors_types_and_names)
{
	struct str file = STR_INIT;
	struct got g;

	make_st(&file, headers[4].json, 8);
	read_st(&g, file.text, file.len);
	ck_assert_str_eq(g.table.at[0].name, "\xc3\xa9\xf0\x9f\x98\x80");
	arena_release(&g.arena);
	str_clear(&file);
	make_st(&file, "{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 1, 2) "}", 2);
	read_st(&g, file.text, file.len);
	ck_assert_int_eq(g.rc, 0);
	ck_assert_int_eq(tensors_sort(&g.table, &g.err), -1);
	ck_assert_str_eq(g.err.msg, "f.safetensors:byte 65: tensor 'a' is there twice");
	arena_release(&g.arena);
	str_release(&file);
}
END_TEST

static const struct {
	const char *json, *msg;
	size_t n;
	const char *first;
} indexes[] = {
	{"{\"metadata\":{\"total_size\":9},\"weight_map\":{\"a\":\"x2\",\"b\":\"x1\",\"c\":\"x2\"}}", NULL, 2,
	 "x1"},
	{"{\"weight_map\":{}}", "i:byte 0: no 'weight_map' names a file", 0, NULL},
	{"{}", "i:byte 0: no 'weight_map' names a file", 0, NULL},
	{"{\"weight_map\":{\"a\":\"../x\"}}", "i:byte 19: '../x' is no name of a file beside the index", 0,
	 NULL},
	{"{\"weight_map\":{\"a\":\"/etc/x\"}}", "i:byte 19: '/etc/x' is no name of a file beside the index",
	 0, NULL},
	{"{\"weight_map\":{\"a\":\"\"}}", "i:byte 19: '' is no name of a file beside the index", 0, NULL},
	{"{\"weight_map\":{\"a\":7}}", "i:byte 19: expected text in quotes, got '7'", 0, NULL},
	{"{\"weight_map\":{\"a\":\"x\"},\"weight_map\":{\"a\":\"x\"}}",
	 "i:byte 37: key 'weight_map' is repeated", 0, NULL},
};
START_TEST(safetensors_index_files)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct name_list files = {NULL, 0};
	const int rc = safetensors_index(&a, "i", indexes[_i].json, strlen(indexes[_i].json), &files, &err);

	if (indexes[_i].msg) {
		ck_assert_int_eq(rc, -1);
		ck_assert_str_eq(err.msg, indexes[_i].msg);
	} else {
		ck_assert_msg(rc == 0, "%s", err.msg);
		ck_assert_uint_eq(files.n, indexes[_i].n);
		ck_assert_str_eq(files.at[0], indexes[_i].first);
	}
	arena_release(&a);
}
END_TEST

/* --- what a tensor is ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum tensor_class class;
	int64_t layer;
} names[] = {
	{"token_embd.weight", CLASS_EMBEDDING, -1},
	{"output.weight", CLASS_HEAD, -1},
	{"output_norm.weight", CLASS_HEAD, -1},
	{"blk.3.attn_q.weight", CLASS_ATTENTION, 3},
	{"blk.3.attn_kv_a_mqa.weight", CLASS_ATTENTION, 3},
	{"blk.3.attn_sinks.weight", CLASS_ATTENTION, 3},
	{"blk.3.post_attention_norm.weight", CLASS_ATTENTION, 3},
	{"blk.3.post_ffw_norm.weight", CLASS_FFN, 3},
	{"blk.3.ffn_down.weight", CLASS_FFN, 3},
	{"blk.3.ffn_gate_inp.weight", CLASS_ROUTER, 3},
	{"blk.3.exp_probs_b.bias", CLASS_ROUTER, 3},
	{"blk.3.ffn_gate_exps.weight", CLASS_EXPERTS, 3},
	{"blk.3.ffn_gate_shexp.weight", CLASS_SHARED, 3},
	{"blk.8.ffn_gate_exps.weight", CLASS_BEYOND, 8},
	{"blk.7.nextn.eh_proj.weight", CLASS_BEYOND, 7},
	{"rope_freqs.weight", CLASS_NONE, -1},
	{"model.embed_tokens.weight", CLASS_EMBEDDING, -1},
	{"lm_head.weight", CLASS_HEAD, -1},
	{"model.norm.weight", CLASS_HEAD, -1},
	{"model.layers.7.self_attn.q_proj.weight", CLASS_ATTENTION, 7},
	{"model.layers.7.self_attn.rotary_emb.inv_freq", CLASS_NONE, 7},
	{"model.layers.7.input_layernorm.weight", CLASS_ATTENTION, 7},
	{"model.layers.7.post_attention_layernorm.weight", CLASS_FFN, 7},
	{"model.layers.7.mlp.down_proj.weight", CLASS_FFN, 7},
	{"model.layers.7.mlp.gate.weight", CLASS_ROUTER, 7},
	{"model.layers.7.mlp.gate_proj.weight", CLASS_FFN, 7},
	{"model.layers.7.mlp.gate.e_score_correction_bias", CLASS_ROUTER, 7},
	{"model.layers.7.mlp.router.weight", CLASS_ROUTER, 7},
	{"model.layers.7.mlp.experts.0.up_proj.weight", CLASS_EXPERTS, 7},
	{"model.layers.7.mlp.experts.gate_up_proj_blocks", CLASS_EXPERTS, 7},
	{"model.layers.7.mlp.shared_experts.up_proj.weight", CLASS_SHARED, 7},
	{"model.layers.7.block_sparse_moe.gate.weight", CLASS_ROUTER, 7},
	{"model.layers.7.block_sparse_moe.experts.0.w1.weight", CLASS_EXPERTS, 7},
	{"model.layers.9.mlp.down_proj.weight", CLASS_BEYOND, 9},
	{"language_model.model.layers.7.mlp.down_proj.weight", CLASS_FFN, 7},
	{"vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight", CLASS_OTHER, -1},
	{"transformer.encoder.layers.2.self_attention.dense.weight", CLASS_ATTENTION, 2},
	{"blk.x.attn_q.weight", CLASS_UNKNOWN, -1},
	{"blk.3.lru_in.weight", CLASS_UNKNOWN, 3},
	{"something", CLASS_UNKNOWN, -1},
};
START_TEST(classes_by_name)
{
	int64_t layer = 99;

	ck_assert_msg(tensor_class_of(names[_i].name, 8, &layer) == names[_i].class, "%s", names[_i].name);
	ck_assert_int_eq(layer, names[_i].layer);
}
END_TEST

Suite *suite_import(void)
{
	Suite *s = suite_create("import");
	TCase *gguf = tcase_create("gguf"), *st = tcase_create("safetensors"),
	      *tensors = tcase_create("tensors");

	tcase_add_loop_test(gguf, gguf_versions_read_alike, 1, 4);
	tcase_add_loop_test(gguf, gguf_cut_anywhere, 1, 4);
	tcase_add_loop_test(gguf, gguf_bytes_changed, 0, 3);
	tcase_add_loop_test(gguf, gguf_wrong, 0, WRONG_N);
	tcase_add_loop_test(gguf, gguf_values, 0, ARRAY_LEN(values));
	suite_add_tcase(s, gguf);
	tcase_add_loop_test(st, safetensors_header, 0, ARRAY_LEN(headers));
	tcase_add_test(st, safetensors_cut_anywhere);
	tcase_add_loop_test(st, safetensors_lengths, 0, 3);
	tcase_add_test(st, safetensors_types_and_names);
	tcase_add_loop_test(st, safetensors_index_files, 0, ARRAY_LEN(indexes));
	suite_add_tcase(s, st);
	tcase_add_loop_test(tensors, classes_by_name, 0, ARRAY_LEN(names));
	suite_add_tcase(s, tensors);
	return s;
}
