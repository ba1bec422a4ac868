/* check_base.c - room base: text, numbers, memory; check_file.c has the files. */
#include "tests/suites.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/jsonw.h"
#include "sim/base/map.h"
#include "sim/base/mem.h"
#include "sim/base/rng.h"
#include "sim/base/sha256.h"
#include "sim/base/nearest.h"
#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/base/utf8.h"
#include "sim/base/vec.h"

START_TEST(err_first_wins)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(err_set(&err, "bad '%s'", "x"), -1);
	ck_assert_int_eq(err_hint(&err, "try %d", 7), -1);
	err_set(&err, "second");
	err_hint(&err, "second");
	ck_assert_str_eq(err.msg, "bad 'x'");
	ck_assert_str_eq(err.hint, "try 7");
	ck_assert_int_eq(err_set(NULL, "dropped"), -1);
	ck_assert_int_eq(err_hint(NULL, "dropped"), -1);
}
END_TEST

/* msg NULL: it parses, to want */
static const struct {
	const char *text;
	enum dim dim;
	double want;
	const char *msg, *hint;
} units[] = {
	{"118 GB/s", DIM_BANDWIDTH, 118e9, NULL, NULL},
	{"118GB/s", DIM_BANDWIDTH, 118e9, NULL, NULL},
	{"13.84 TFLOPS", DIM_FLOPS, 13.84e12, NULL, NULL},
	{"24 GiB", DIM_BYTES, 25769803776.0, NULL, NULL},
	{"24 GB", DIM_BYTES, 24e9, NULL, NULL},
	{"1 KiB", DIM_BYTES, 1024, NULL, NULL},
	{"8 Gbit/s", DIM_BANDWIDTH, 1e9, NULL, NULL},
	{"9600 MT/s", DIM_TRANSFERS, 9600e6, NULL, NULL},
	{"30 us", DIM_TIME, 30e-6, NULL, NULL},
	{"-30 us", DIM_TIME, -30e-6, NULL, NULL},
	{"2 min", DIM_TIME, 120, NULL, NULL},
	{"1.5e3 ms", DIM_TIME, 1.5, NULL, NULL},
	{"85 %", DIM_SHARE, 0.85, NULL, NULL},
	{"0.85", DIM_SHARE, 0.85, NULL, NULL},
	{"4.5 bit", DIM_BITS, 4.5, NULL, NULL},
	{"4096 tok", DIM_TOKENS, 4096, NULL, NULL},
	{"32", DIM_COUNT, 32, NULL, NULL},
	{"0", DIM_BYTES, 0, NULL, NULL},
	{"0.0", DIM_TIME, 0, NULL, NULL},
	{"1699 USD", DIM_MONEY, 1699, NULL, NULL},
	{"80", DIM_BANDWIDTH, 0, "expected a unit such as 'GB/s' after the number in '80'",
	 "write it like '118 GB/s'"},
	{"24", DIM_BYTES, 0, "expected a unit such as 'GiB' after the number in '24'",
	 "write it like '24 GiB'"},
	{"80 Gb/s", DIM_BANDWIDTH, 0, "'Gb/s' in '80 Gb/s' counts bits; this wants bytes",
	 "write '80 Gbit/s' for bits or '80 GB/s' for bytes"},
	{"80 Gbps", DIM_BANDWIDTH, 0, "'Gbps' in '80 Gbps' counts bits; this wants bytes",
	 "write '80 Gbit/s' for bits or '80 GB/s' for bytes"},
	{"24 Gb", DIM_BYTES, 0, "'Gb' in '24 Gb' counts bits; this wants bytes", "write it like '24 GiB'"},
	{"80junk", DIM_BANDWIDTH, 0, "unknown unit 'junk' for bandwidth in '80junk'",
	 "write it like '118 GB/s'"},
	{"24 GiB more", DIM_BYTES, 0, "unknown unit 'GiB more' for size in '24 GiB more'",
	 "write it like '24 GiB'"},
	{"5 GiB", DIM_TIME, 0, "unknown unit 'GiB' for time in '5 GiB'", "write it like '30 us'"},
	{"inf GB/s", DIM_BANDWIDTH, 0, "expected a number like '118 GB/s', got 'inf GB/s'", ""},
	{"nan", DIM_SHARE, 0, "expected a number like '85 %', got 'nan'", ""},
	{"1e999 s", DIM_TIME, 0, "the number in '1e999 s' is too large", ""},
	{"0x10 B", DIM_BYTES, 0, "expected a number like '24 GiB', got '0x10 B'", ""},
	{"0x1p3 B", DIM_BYTES, 0, "expected a number like '24 GiB', got '0x1p3 B'", ""},
	{"", DIM_BYTES, 0, "expected a number like '24 GiB', got ''", ""},
	{" 5 s", DIM_TIME, 0, "expected a number like '30 us', got ' 5 s'", ""},
	{"- s", DIM_TIME, 0, "expected a number like '30 us', got '- s'", ""},
	{"fast", DIM_FLOPS, 0, "expected a number like '13.84 TFLOPS', got 'fast'", ""},
	{"32 layers", DIM_COUNT, 0, "expected a bare number, got '32 layers'", ""},
};

START_TEST(units_parse_case)
{
	struct err err = ERR_INIT;
	double got = -1.0;
	const int rc = units_parse(units[_i].text, units[_i].dim, &got, &err);

	if (units[_i].msg) {
		ck_assert_int_eq(rc, -1);
		ck_assert_str_eq(err.msg, units[_i].msg);
		ck_assert_str_eq(err.hint, units[_i].hint);
		ck_assert_double_eq(got, -1.0); /* untouched on failure */
	} else {
		ck_assert_msg(rc == 0, "%s: %s", units[_i].text, err.msg);
		ck_assert_double_le(fabs(got - units[_i].want), 1e-12 * fabs(units[_i].want));
	}
}
END_TEST

static const struct {
	double value;
	enum dim dim;
	const char *want;
} shown[] = {
	{118e9, DIM_BANDWIDTH, "118 GB/s"},
	{13.84e12, DIM_FLOPS, "13.84 TFLOPS"},
	{999, DIM_BYTES, "999 B"},
	{1000, DIM_BYTES, "1 kB"},
	{0.00003, DIM_TIME, "30 us"},
	{1.5, DIM_TIME, "1.5 s"},
	{5e-12, DIM_TIME, "0.005 ns"},
	{0.85, DIM_SHARE, "85 %"},
	{32, DIM_COUNT, "32"},
	{0, DIM_BYTES, "0 B"},
	{-2e9, DIM_BYTES, "-2 GB"},
};

START_TEST(units_format_case)
{
	struct str s = STR_INIT;

	units_format(&s, shown[_i].value, shown[_i].dim, 4);
	ck_assert_str_eq(s.text, shown[_i].want);
	str_release(&s);
}
END_TEST

static const struct {
	double x;
	const char *want;
} figured[] = {{0, "0"},
	       {0.123456, "0.1235"},
	       {57.256, "57.26"},
	       {999.94, "999.9"},
	       {-1234.5678, "-1235"},
	       {12345.6, "12346"},
	       {123456789, "123456789"},
	       {NAN, "-"},
	       {2e-7, "0.0000002"},
	       {1e300, "10^300"}};

START_TEST(units_figure_case)
{
	ck_assert_str_eq(units_figure(figured[_i].x).text, figured[_i].want);
}
END_TEST

/* What is written exactly is read back as the same bits, whatever the unit does to the digits. */
START_TEST(units_format_exact_reads_back)
{
	static const enum dim dims[] = {DIM_BYTES, DIM_BANDWIDTH, DIM_FLOPS,
					DIM_TIME,  DIM_FREQUENCY, DIM_SHARE};
	struct rng *rng = rng_new(1, "exact");
	struct str s = STR_INIT;

	for (int i = 0; i < 3000; i++) {
		const enum dim dim = dims[i % (int)ARRAY_LEN(dims)];
		const double value = rng_uniform(rng) * (i % 2 ? 1e12 : 1);
		struct err err = ERR_INIT;
		double back = -1;

		str_clear(&s);
		units_format_exact(&s, value, dim);
		ck_assert_int_eq(units_parse(s.text, dim, &back, &err), 0);
		ck_assert_msg(back == value, "%.17g became '%s'", value, s.text);
	}
	str_clear(&s);
	units_format_exact(&s, 2.617344e12, DIM_FLOPS);
	ck_assert_str_eq(s.text, "2.617344 TFLOPS");
	str_release(&s);
	rng_free(rng);
}
END_TEST

START_TEST(units_examples_parse)
{
	double value;
	struct err err = ERR_INIT;

	ck_assert_int_eq(units_parse(units_example((enum dim)_i), (enum dim)_i, &value, &err), 0);
	ck_assert_str_ne(units_name((enum dim)_i), "");
}
END_TEST

START_TEST(str_grows)
{
	struct str s = STR_INIT;

	str_add(&s, "");
	ck_assert_str_eq(s.text, "");
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	ck_assert_uint_eq(s.len, strlen(s.text));
	ck_assert(str_starts(s.text, "0,1,2,"));
	ck_assert(str_ends(s.text, ",998,999,"));
	str_clear(&s);
	ck_assert_str_eq(s.text, "");
	str_pad(&s, '-', 3);
	str_add_n(&s, "a\0b", 3);
	ck_assert_uint_eq(s.len, 6);
	ck_assert_mem_eq(s.text, "---a\0b", 7);
	str_release(&s);
	ck_assert_str_eq(s.text, "");
	str_clear(&s);
	ck_assert(!str_starts("ab", "abc") && !str_ends("bc", "abc") && str_ends("abc", ""));
	ck_assert_uint_eq(str_width("µs → é"), 6);
	ck_assert_uint_eq(str_width("\xe6\xb7\xb1\xe5\xba\xa6 M5"), 7);      /* two ideographs */
	ck_assert_uint_eq(str_width("\xed\x95\x9c\xef\xbc\xa1"), 4);         /* Hangul, a fullwidth A */
	ck_assert_uint_eq(str_width("\xf0\x9f\x98\x80\xf0\xa0\x80\x80"), 4); /* beyond U+FFFF */
	ck_assert_uint_eq(str_width("e\xcc\x81 \xe2\x80\x93"), 3);           /* a combining accent */
	ck_assert_uint_eq(str_width("\xff\xe6x"), 3);                        /* broken bytes */
	str_slug(&s, " Apple M4 Pro (16)! ");
	ck_assert_str_eq(s.text, "apple-m4-pro-16");
	str_clear(&s);
	str_slug(&s, "\xc3\xa9 ...");
	ck_assert_str_eq(s.text, "");
	str_release(&s);
}
END_TEST

START_TEST(a_number_stays_with_its_unit)
{
	struct str s = STR_INIT;

	ck_assert_uint_eq(str_word("12.3 s, then"), 7);
	ck_assert_uint_eq(str_word("0 % of draws"), 3);
	ck_assert_uint_eq(str_word("19 of"), 5);
	ck_assert_uint_eq(str_word("300 requests"), 3); /* no unit is as long */
	ck_assert_uint_eq(str_word("M5 (a"), 2);
	ck_assert_uint_eq(str_word("7"), 1);
	ck_assert_uint_eq(str_word(""), 0);
	ck_assert_uint_eq(str_word("12.3 s \xc2\xb1 0.4 s, then"), 16);
	ck_assert_uint_eq(str_word("12.3 \xc2\xb1 0.4 requests"), 11);
	ck_assert_uint_eq(str_word("\xc2\xb1 0.4 requests"), 6);
	ck_assert_uint_eq(str_word("\xc2\xb1"), 2);
	str_add_wrapped(&s, "it takes 12.3 s in all", 0, 2, 13);
	ck_assert_str_eq(s.text, "it takes\n  12.3 s in\n  all\n");
	str_clear(&s); /* ideographs stand without blanks */
	str_add_wrapped(&s, "m5 \xe6\xb7\xb1\xe5\xba\xa6\xe6\xb1\x82\xe7\xb4\xa2 x", 0, 2, 8);
	ck_assert_str_eq(s.text, "m5\n  \xe6\xb7\xb1\xe5\xba\xa6\xe6\xb1\x82\n  \xe7\xb4\xa2 x\n");
	str_clear(&s);
	str_add_wrapped(&s, "it takes 12.3 s", 0, 2, 7); /* no line has room for both */
	ck_assert_str_eq(s.text, "it\n  takes\n  12.3\n  s\n");
	str_release(&s);
}
END_TEST

START_TEST(nearest_of_typing_error)
{
	static const char *const names[] = {"bandwidth", "capacity", "latency"};

	ck_assert_str_eq(nearest_of("bandwith", names, 3), "bandwidth");
	ck_assert_str_eq(nearest_of("latancy", names, 3), "latency");
	ck_assert_ptr_null(nearest_of("colour", names, 3));
	ck_assert_ptr_null(nearest_of("bandwidth", names, 0));
	ck_assert_str_eq(nearest_of("ttft_p99_s", (const char *const[]){"ttft_s", "ttft_s_p99"}, 2),
			 "ttft_s_p99");
}
END_TEST

START_TEST(no_figure_has_an_exponent)
{
	struct str s = STR_INIT;

	ck_assert_str_eq(units_digits(12583.2, 3).text, "12583");
	ck_assert_str_eq(units_digits(1.02e3, 3).text, "1020");
	ck_assert_str_eq(units_digits(440, 2).text, "440");
	ck_assert_str_eq(units_digits(2.345, 3).text, "2.35");
	ck_assert_str_eq(units_digits(0.00001234, 3).text, "0.0000123");
	ck_assert_str_eq(units_digits(1.18e94, 3).text, "10^94");
	ck_assert_str_eq(units_digits(NAN, 3).text, "-");
	ck_assert_str_eq(units_amount(4.3e8).text, "430 million");
	ck_assert_str_eq(units_amount(8.9e29).text, "10^30");
	ck_assert_str_eq(units_amount(12345).text, "12345");
	units_format(&s, 12583, DIM_TIME, 3);
	ck_assert_str_eq(s.text, "12583 s");
	str_clear(&s);
	units_format_memory(&s, 5.14 * 1073741824);
	ck_assert_str_eq(s.text, "5.14 GiB");
	str_release(&s);
}
END_TEST

/* A word is compared without case and punctuation, and by other usual words; the beginning of several names is none of them. */
START_TEST(nearest_word)
{
	const char *const links[] = {"tb-5-rdma", "thunderbolt-5-rdma", "thunderbolt-bridge-tcp"};
	const char *const machines[] = {"apple-m5-10c", "apple-m4-pro-16c", "apple-m5-pro-20c"};
	const char *const cards[] = {"nvidia-a100-80gb", "nvidia-h100-pcie-80gb", "nvidia-h100-sxm-80gb"};
	const char *const choices[] = {"llama.cpp", "lora", "ffn", "f32", "q4_K", "q4_K_M"};
	const char *like[NEAREST_MOST];

	ck_assert_str_eq(nearest_of("llamacpp", choices, 6), "llama.cpp");
	ck_assert_str_eq(nearest_of("LoRA", choices, 6), "lora");
	ck_assert_str_eq(nearest_of("MLP", choices, 6), "ffn");
	ck_assert_str_eq(nearest_of("q4_k_n", choices, 6), "q4_K_M");
	ck_assert_ptr_null(nearest_of("fp8", choices, 6));
	ck_assert_ptr_null(nearest_of("thunderbolt", links, 3));
	ck_assert_str_eq(nearest_of("thunderbolt-bridge", links, 3), "thunderbolt-bridge-tcp");
	ck_assert_uint_eq(nearest_like("thunderbolt", links, 3, like), 2);
	ck_assert_str_eq(like[1], "thunderbolt-bridge-tcp");
	ck_assert_ptr_null(nearest_of("nvidia-h100-80gb", cards, 3));
	ck_assert_uint_eq(nearest_like("nvidia-h100-80gb", cards, 3, like), 2);
	ck_assert_str_eq(nearest_of("nvidia-h100-80gb", cards, 2), "nvidia-h100-pcie-80gb");
	ck_assert_str_eq(nearest_of("nvidia-a100-80g", cards, 3), "nvidia-a100-80gb");
	ck_assert_uint_eq(nearest_like("macbook-pro-m5", machines, 3, like), 1);
	ck_assert_str_eq(like[0], "apple-m5-pro-20c");
	ck_assert_uint_eq(nearest_like("nothing", machines, 3, like), 0);
}
END_TEST

START_TEST(unknown_names_get_a_hint)
{
	const char *const names[] = {"fit", "check"};
	struct err near = ERR_INIT, far = ERR_INIT;

	ck_assert_int_eq(err_unknown(&near, "use", "chek", names, 2), -1);
	ck_assert_str_eq(near.msg, "unknown use 'chek'");
	ck_assert_str_eq(near.hint, "did you mean 'check'?");
	ck_assert_int_eq(err_unknown(&far, "use", "training", names, 2), -1);
	ck_assert_str_eq(far.hint, "one of: fit, check");
}
END_TEST

START_TEST(csv_cells_are_quoted_where_they_must)
{
	static const char *const cells[][2] = {
		{"plain cell", "plain cell"},
		{"", ""},
		{"a, b", "\"a, b\""},
		{"say \"a\"", "\"say \"\"a\"\"\""},
		{"two\nlines", "\"two\nlines\""},
		{"=1+1", "'=1+1"},
		{"=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""},
		{"@SUM(1)", "'@SUM(1)"},
		{"+cmd|calc", "'+cmd|calc"},
		{"-1+1", "'-1+1"},
		{"\t=1", "'\t=1"},
		{"\r=1", "\"'\r=1\""},
		{"-", "'-"},
		{"-1.5e3", "-1.5e3"},
		{"+4", "+4"},
		{"a=b-c@d", "a=b-c@d"}};

	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		struct str s = STR_INIT;

		str_add_csv(&s, cells[i][0]);
		ck_assert_str_eq(s.text, cells[i][1]);
		str_release(&s);
	}
}
END_TEST

START_TEST(map_keeps_order)
{
	enum { N = 1000 };
	static char keys[N][16];
	struct map m = MAP_INIT;

	ck_assert_uint_eq(map_find(&m, "k0"), MAP_NONE);
	for (size_t i = 0; i < N; i++) {
		snprintf(keys[i], sizeof keys[i], "k%zu", i * 7919 % N);
		MUST(map_add(&m, keys[i]) == i);
	}
	for (size_t i = 0; i < N; i++) {
		MUST(map_add(&m, keys[i]) == i);
		MUST(map_find(&m, keys[i]) == i);
		MUST(m.keys[i] == keys[i]);
	}
	ck_assert_uint_eq(m.n, N);
	ck_assert_uint_eq(map_find(&m, "k1000"), MAP_NONE);
	map_release(&m);
	ck_assert_uint_eq(m.n, 0);
}
END_TEST

START_TEST(arena_zeroed_aligned_apart)
{
	struct arena a = ARENA_INIT;
	unsigned char *before = NULL;

	for (size_t n = 0; n < 300000; n = n * 3 + 1) {
		unsigned char *p = arena_alloc(&a, n);

		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			MUST(p[i] == 0);
		memset(p, 0xff, n);
		if (before && n > 1)
			ck_assert_uint_eq(before[0], 0xff);
		before = n ? p : NULL;
	}
	ck_assert_str_eq(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
	ck_assert_str_eq(arena_strndup(&a, "abcdef", 3), "abc");
	ck_assert_str_eq(arena_strdup(&a, "abc"), "abc");
	ck_assert_ptr_nonnull(arena_array(&a, 0, 8));
	arena_release(&a);
	ck_assert_ptr_null(a.top);
	ck_assert_str_eq(arena_strdup(&a, "again"), "again");
	arena_release(&a);
}
END_TEST

START_TEST(vec_grows)
{
	VEC(int) v = {0};

	for (int i = 0; i < 100; i++)
		VEC_ADD(&v, i);
	VEC_RESERVE(&v, 1000);
	ck_assert_uint_ge(v.room, 1100);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(v.at[i], i);
	VEC_FREE(&v);
	ck_assert_ptr_null(v.at);
}
END_TEST

START_TEST(jsonw_nests)
{
	struct str s = STR_INIT;
	struct jsonw w;

	for (int indent = 0; indent <= 2; indent += 2) {
		jsonw_init(&w, &s, indent);
		jsonw_object(&w);
		jsonw_key_string(&w, "name", "a \"b\" \\ \n\t\x01 µ \xff.");
		jsonw_key(&w, "list");
		jsonw_array(&w);
		jsonw_int(&w, INT64_MIN);
		jsonw_bool(&w, true);
		jsonw_null(&w);
		jsonw_array(&w);
		jsonw_end(&w);
		jsonw_object(&w);
		jsonw_key_bool(&w, "x", false);
		jsonw_end(&w);
		jsonw_end(&w);
		jsonw_key_number(&w, "nan", NAN);
		jsonw_key_int(&w, "n", 3);
		jsonw_end(&w);
		str_add(&s, "\n");
	}
	ck_assert_str_eq(s.text,
			 "{\"name\":\"a \\\"b\\\" \\\\ \\n\\u0009\\u0001 µ \xef\xbf\xbd.\","
			 "\"list\":[-9223372036854775808,true,null,[],{\"x\":false}],\"nan\":null,\"n\":3}\n"
			 "{\n  \"name\": \"a \\\"b\\\" \\\\ \\n\\u0009\\u0001 µ \xef\xbf\xbd.\",\n"
			 "  \"list\": [\n    -9223372036854775808,\n    true,\n    null,\n    [],\n    {\n"
			 "      \"x\": false\n    }\n  ],\n  \"nan\": null,\n  \"n\": 3\n}\n");
	str_release(&s);
}
END_TEST

static const struct {
	double number;
	const char *want;
} numbers[] = {
	{0, "0"},
	{-0.0, "-0"},
	{0.1, "0.1"},
	{1.0 / 3, "0.3333333333333333"},
	{1e22, "1e+22"},
	{123456789012345678.0, "1.2345678901234568e+17"},
	{5e-324, "4.94065645841247e-324"},
	{INFINITY, "null"},
	{NAN, "null"},
};

START_TEST(jsonw_number_case)
{
	struct str s = STR_INIT;
	struct jsonw w;

	jsonw_init(&w, &s, 0);
	jsonw_number(&w, numbers[_i].number);
	ck_assert_str_eq(s.text, numbers[_i].want);
	str_release(&s);
}
END_TEST

START_TEST(jsonw_numbers_read_back)
{
	struct str s = STR_INIT;
	struct rng *r = rng_new(3, "numbers");
	struct jsonw w;

	for (int i = 0; i < 10000; i++) {
		const double x = ldexp(rng_uniform(r) - 0.5, (int)(rng_uniform(r) * 2000) - 1000);

		str_clear(&s);
		jsonw_init(&w, &s, 0);
		jsonw_number(&w, x);
		MUST(strtod(s.text, NULL) == x);
	}
	rng_free(r);
	str_release(&s);
}
END_TEST

static const struct {
	const char *text;
	size_t len; /* 0: not UTF-8 */
	uint32_t code;
} utf8[] = {
	{"A", 1, 'A'},
	{"\x7f", 1, 0x7f},
	{"\xc2\x80", 2, 0x80},
	{"\xdf\xbf", 2, 0x7ff},
	{"\xe0\xa0\x80", 3, 0x800},
	{"\xed\x9f\xbf", 3, 0xd7ff},
	{"\xee\x80\x80", 3, 0xe000},
	{"\xf0\x90\x80\x80", 4, 0x10000},
	{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	{"\x80", 0, 0},             /* a continuation alone */
	{"\xc0\x80", 0, 0},         /* overlong */
	{"\xc1\xbf", 0, 0},         /* overlong */
	{"\xe0\x9f\xbf", 0, 0},     /* overlong */
	{"\xf0\x8f\xbf\xbf", 0, 0}, /* overlong */
	{"\xed\xa0\x80", 0, 0},     /* surrogate */
	{"\xf4\x90\x80\x80", 0, 0}, /* beyond U+10FFFF */
	{"\xf8\x88\x80\x80\x80", 0, 0},
	{"\xe2\x82", 0, 0}, /* cut short by the NUL */
	{"\xc3(", 0, 0},
};

START_TEST(utf8_case)
{
	uint32_t code = 0;

	ck_assert_uint_eq(utf8_decode(utf8[_i].text, &code), utf8[_i].len);
	if (utf8[_i].len)
		ck_assert_uint_eq(code, utf8[_i].code);
}
END_TEST

/* FIPS 180-4 examples; 55 to 64 bytes of 'b' cross the edge of the padding. */
static const struct {
	const char *unit;
	size_t times;
	const char *hex;
} digests[] = {
	{"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

START_TEST(sha256_case)
{
	struct str s = STR_INIT;
	char hex[65];

	for (size_t i = 0; i < digests[_i].times; i++)
		str_add(&s, digests[_i].unit);
	sha256_hex(s.text, s.len, hex);
	ck_assert_str_eq(hex, digests[_i].hex);
	str_release(&s);
}
END_TEST

START_TEST(rng_golden)
{
	/* MT19937 seeded with FNV-1a("arrivals", 1): any machine, any build */
	struct rng *r = rng_new(1, "arrivals");

	ck_assert_double_eq(rng_uniform(r), 0.94684027368202806);
	ck_assert_double_eq(rng_uniform(r), 0.78518349770456553);
	ck_assert_double_eq(rng_uniform(r), 0.27283757552504539);
	rng_free(r);
	rng_free(NULL);
}
END_TEST

START_TEST(rng_streams_apart)
{
	enum { N = 20000 };
	static const struct {
		uint64_t seed;
		const char *name;
	} others[] = {{1, "b"}, {2, "a"}, {1, "a "}, {UINT64_C(1) << 40, "a"}};
	struct rng *a = rng_new(1, "a"), *again = rng_new(1, "a");
	struct rng *b = rng_new(others[_i].seed, others[_i].name);
	double product = 0, mean = 0;

	for (int i = 0; i < N; i++) {
		const double x = rng_uniform(a), y = rng_uniform(b);

		MUST(x > 0 && x < 1);
		MUST(x == rng_uniform(again)); /* b's draws do not shift it */
		product += (x - 0.5) * (y - 0.5);
		mean += x;
	}
	ck_assert_double_lt(fabs(product / N * 12), 4 / sqrt(N));
	ck_assert_double_lt(fabs(mean / N - 0.5), 4 / sqrt(12.0 * N));
	rng_free(a);
	rng_free(again);
	rng_free(b);
}
END_TEST

START_TEST(rng_moments)
{
	enum { N = 50000 };
	struct rng *r = rng_new(1, "moments");
	double normal = 0, squares = 0;

	for (int i = 0; i < N; i++) {
		const double x = rng_normal(r);

		normal += x;
		squares += x * x;
	}
	rng_free(r);
	ck_assert_double_lt(fabs(normal / N), 4 / sqrt(N));
	ck_assert_double_lt(fabs(squares / N - 1), 4 * sqrt(2.0 / N));
}
END_TEST

Suite *suite_base(void)
{
	Suite *s = suite_create("base");
	TCase *tc = tcase_create("base");

	tcase_add_test(tc, err_first_wins);
	tcase_add_loop_test(tc, units_parse_case, 0, ARRAY_LEN(units));
	tcase_add_loop_test(tc, units_format_case, 0, ARRAY_LEN(shown));
	tcase_add_loop_test(tc, units_figure_case, 0, ARRAY_LEN(figured));
	tcase_add_test(tc, units_format_exact_reads_back);
	tcase_add_loop_test(tc, units_examples_parse, 0, DIM_N);
	tcase_add_test(tc, str_grows);
	tcase_add_test(tc, a_number_stays_with_its_unit);
	tcase_add_test(tc, nearest_of_typing_error);
	tcase_add_test(tc, nearest_word);
	tcase_add_test(tc, no_figure_has_an_exponent);
	tcase_add_test(tc, unknown_names_get_a_hint);
	tcase_add_test(tc, csv_cells_are_quoted_where_they_must);
	tcase_add_test(tc, map_keeps_order);
	tcase_add_test(tc, arena_zeroed_aligned_apart);
	tcase_add_test(tc, vec_grows);
	tcase_add_test(tc, jsonw_nests);
	tcase_add_loop_test(tc, jsonw_number_case, 0, ARRAY_LEN(numbers));
	tcase_add_test(tc, jsonw_numbers_read_back);
	tcase_add_loop_test(tc, utf8_case, 0, ARRAY_LEN(utf8));
	tcase_add_loop_test(tc, sha256_case, 0, ARRAY_LEN(digests));
	tcase_add_test(tc, rng_golden);
	tcase_add_loop_test(tc, rng_streams_apart, 0, 4);
	tcase_add_test(tc, rng_moments);
	suite_add_tcase(s, tc);
	return s;
}
