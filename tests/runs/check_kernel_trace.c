/* check_kernel_trace.c - traces of kernels: what is counted, what belongs to which operator, and errors with their places. */
#include <string.h>

#include "sim/family/trace_facts.h"
#include "tests/suites.h"

static const struct {
	const char *name;
	enum kernel_kind kind;
} names[] = {
	{"void flash::flash_fwd_splitkv_kernel<Flash_fwd_kernel_traits<128, 64, 256, 4>>", KERNEL_SCORES},
	{"kernel_flash_attn_ext_vec_f16_dk128_dv128", KERNEL_SCORES},
	{"sdpa_vector_2pass_1_float16_t_128_128", KERNEL_SCORES},
	{"kernel_mul_mm_q4_0_f32", KERNEL_LINEAR},
	{"MUL_MAT_ID_VEC q4_K m=768 n=8 k=2048 n_expert=128 batch=8", KERNEL_LINEAR},
	{"sm90_xmma_gemm_f16f16_f16f32_f32_tn_n_tilesize64x128x64", KERNEL_LINEAR},
	{"nvjet_hsh_128x256_64x4_2x1_v_bz_coopA_TNN", KERNEL_LINEAR},
	{"affine_qmv_fast_float16_t_gs_64_b_4_batch_0", KERNEL_LINEAR},
	{"RMS_NORM(4096,1,1,1), MUL", KERNEL_NORM},
	{"rmsbfloat16", KERNEL_NORM},
	{"ROPE, VIEW, SET_ROWS", KERNEL_ROPE},
	{"k_set_rows", KERNEL_KV_APPEND},
	{"void vllm::reshape_and_cache_flash_kernel", KERNEL_KV_APPEND},
	{"GLU", KERNEL_ACTIVATION},
	{"at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<c10::Half>>",
	 KERNEL_RESIDUAL},
	{"void at::native::unrolled_elementwise_kernel<at::native::direct_copy_kernel_cuda>", KERNEL_OTHER},
};

START_TEST(names_tell_operators)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(kernel_kind_of(names[i].name) == names[i].kind, "%s: %s", names[i].name,
			      kernel_kind_names[kernel_kind_of(names[i].name)]);
}
END_TEST

#define EVENT(cat, name, dur)                                                                                \
	"{\"ph\":\"X\",\"cat\":\"" cat "\",\"ts\":1,\"dur\":" dur ",\"name\":\"" name "\"}"

/* Prompts are launched, decode steps replayed: a graph brings kernels that no call launched one by one. */
START_TEST(launches_and_graphs)
{
	static const char text[] =
		"{\"traceEvents\": [" EVENT("cuda_runtime", "cudaLaunchKernel", "4") "," EVENT(
			"kernel", "fmha",
			"7") "," EVENT("cuda_driver", "cuLaunchKernelEx",
				       "6") "," EVENT("kernel", "gemm",
						      "2.5") "," EVENT("cuda_runtime", "cudaGraphLaunch",
								       "11") "," EVENT("kernel", "fmha",
										       "9") "," EVENT("gpu_"
												      "memcp"
												      "y",
												      "Memcpy"
												      " DtoH",
												      "9") "]"
													   "}";
	struct arena a = ARENA_INIT;
	struct kernel_trace t;
	struct err err = ERR_INIT;
	struct str facts = STR_INIT;

	ck_assert_msg(kernel_trace_parse(&a, "t", text, strlen(text), &t, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(t.all, 3);
	ck_assert_uint_eq(t.launches, 2);
	ck_assert_uint_eq(t.graphs, 1);
	ck_assert_double_eq_tol(t.launch_s, 5e-6, 1e-12);
	ck_assert_uint_eq(t.kernels_n, 2);
	ck_assert_str_eq(t.kernels[0].name, "fmha");
	ck_assert_double_eq_tol(t.kernels[0].seconds, 16e-6, 1e-12);
	ck_assert_uint_eq(kernel_trace_layers(&t), 2);
	ck_assert_int_eq(trace_facts(&t, NULL, &facts, &err), 0);
	ck_assert_ptr_nonnull(strstr(facts.text, "overhead.replays,decode,"));
	str_release(&facts);
	arena_release(&a);
}
END_TEST

static const struct {
	const char *text, *msg;
} bad[] = {
	{"", "t:1: no trace that is known"},
	{"\x1f\x8b\x08", "t:1: no trace that is known"},
	{"  MUL_MAT(type_a=f16,m=4096,n=1): 744 runs - 1357.82 us/run - 86 GFLOPS\n",
	 "t:1: no trace that is known"},
	{"{\"traceEvents\": []}", "t:1: a trace without a kernel"},
	{"{\"traceEvents\": [\n{\"ph\": \"X\",\n\"cat\"", "t:3:6: expected ':', the text ends"},
	{"{\"traceEvents\": [\n{\"ph\" \"X\"}]}", "t:2:7: expected ':', got '\"'"},
	{"{\"traceEvents\": [" EVENT("kernel", "a", "-1") "]}",
	 "t:1: an event of a negative duration ends here"},
	{"{\"traceEvents\": [{\"name\": \"a\tb\"}]}", "t:1:29: text may not hold the control character 0x09"},
	{"{\"traceEvents\": [{\"dur\": 1.}]}", "t:1:28: expected a digit"},
	{"{\"traceEvents\": [" EVENT("kernel", "a", "1") "]}\nx", "t:2:1: nothing may follow the last '}'"},
	{"Vulkan Timings:\nADD: 3 x 2 us\nMUL 3 2 us\n", "t:3: a line of timings is 'NAME: N x T us'"},
	{"Vulkan Timings:\nADD: 2.5 x 2 us\n", "t:2: a line of timings is 'NAME: N x T us'"},
	{"<trace-query-result>\n<row><duration>3</duration></row>",
	 "t:2: a row before a schema with a column 'duration'"},
	{"<trace-query-result><mnemonic>duration</mnemonic>\n<row>\n<duration ref=\"4\"/></row>",
	 "t:3: a ref to a value that did not come before it"},
	{"<trace-query-result><mnemonic>duration</mnemonic>\n<row><duration "
	 "id=\"99999999\">1</duration></row>",
	 "t:2: an id is a number below 4194304"},
	{"<trace-query-result><mnemonic>duration</mnemonic>\n<row><duration id=\"1\">1</duration>",
	 "t:2: the file ends inside a row: it was cut off"},
	{"<trace-query-result><mnemonic>duration</mnemonic>\n<row></row>",
	 "t:2: a row with fewer values than the schema has columns"},
};

START_TEST(bad_traces_are_refused)
{
	struct arena a = ARENA_INIT;
	struct kernel_trace t;
	struct err err = ERR_INIT;

	ck_assert_int_eq(kernel_trace_parse(&a, "t", bad[_i].text, strlen(bad[_i].text), &t, &err), -1);
	ck_assert_str_eq(err.msg, bad[_i].msg);
	arena_release(&a);
}
END_TEST

/* Brackets as deep as memory would make the reader's stack the limit. */
START_TEST(depth_is_bounded)
{
	struct arena a = ARENA_INIT;
	struct str text = STR_INIT;
	struct kernel_trace t;
	struct err err = ERR_INIT;

	str_add(&text, "{\"traceEvents\": [], \"x\": ");
	str_pad(&text, '[', 100000);
	ck_assert_int_eq(kernel_trace_parse(&a, "t", text.text, text.len, &t, &err), -1);
	ck_assert_str_eq(err.msg, "t:1:57: nested too deeply: 32 levels are allowed");
	str_release(&text);
	arena_release(&a);
}
END_TEST

Suite *suite_kernel_trace(void)
{
	Suite *s = suite_create("kernel_trace");
	TCase *tc = tcase_create("kernel_trace");

	tcase_add_test(tc, names_tell_operators);
	tcase_add_test(tc, launches_and_graphs);
	tcase_add_loop_test(tc, bad_traces_are_refused, 0, (int)ARRAY_LEN(bad));
	tcase_add_test(tc, depth_is_bounded);
	suite_add_tcase(s, tc);
	return s;
}
