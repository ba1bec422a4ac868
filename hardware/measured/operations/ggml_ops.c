/*
 * ggml_ops.c - times of ggml's operations one by one, as the rows of samples that `lemursim calibrate --from` reads.
 *
 * usage: ggml_ops DEVICE THREADS PART..., with DEVICE as ggml names it (CUDA0, CPU) and PARTs of: streams products experts
 * attention elementwise dispatch host. Build against llama.cpp's ggml: cc -O2 ggml_ops.c -I ggml/include -lggml -lggml-base -lm.
 * An operation stands in a graph many times, each with weights of its own, so that no cache keeps them from one to the
 * next; a CUDA device replays it as one graph of launches, as a step of llama.cpp does. Each of the seven numbers of a row is
 * the host's time of some repetitions of the graph, divided by the operations in them. Environment: GGML_CUDA_DISABLE_GRAPHS=1 with
 * PART launches: kernels launched one by one.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml.h"

enum { SAMPLES = 7, NODES = 4096, ROOM = 64 << 20, CHOICES = 16 };

static ggml_backend_t backend;
static int threads;
static bool is_cpu;
static double least_s = 0.004;
static int64_t cold_B = 256 << 20; /* more than any last-level cache */
static uint8_t *noise[GGML_TYPE_COUNT];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t seed = 88172645463325252ull;
static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* ROOM bytes of numbers of a type, like those of a matrix of deviation 0.02; q8_0 and q4_0 with scales that fit. */
static const uint8_t *numbers(enum ggml_type type)
{
	const size_t size = ggml_type_size(type);

	if (noise[type])
		return noise[type];
	noise[type] = malloc(ROOM);
	for (size_t i = 0; i + 8 <= ROOM; i += 8)
		*(uint64_t *)(void *)&noise[type][i] = rnd();
	if (type == GGML_TYPE_F32)
		for (size_t i = 0; i < ROOM / 4; i++)
			((float *)(void *)noise[type])[i] =
				0.02f * (float)((int)(rnd() >> 40 & 0xffff) - 32768) / 32768;
	if (type == GGML_TYPE_F16)
		for (size_t i = 0; i < ROOM / 2; i++)
			((uint16_t *)(void *)noise[type])[i] = (uint16_t)(0x2400 | (rnd() >> 40 & 0x83ff));
	if (ggml_is_quantized(type))
		for (size_t i = 0; i + size <= ROOM; i += size)
			*(ggml_fp16_t *)(void *)&noise[type][i] =
				ggml_fp32_to_fp16(type == GGML_TYPE_Q8_0 ? 0.0002f : 0.003f);
	return noise[type];
}

static void fill(struct ggml_tensor *t)
{
	const size_t n = ggml_nbytes(t), block = ggml_type_size(t->type), most = ROOM / block * block;

	for (size_t at = 0; at < n; at += most)
		ggml_backend_tensor_set(t, numbers(t->type), at, n - at < most ? n - at : most);
}

/* Tensors whose contents stay; each case has its own. */
struct store {
	struct ggml_context *ctx;
	ggml_backend_buffer_t buffer;
};

static struct store store_new(void)
{
	return (struct store){
		ggml_init((struct ggml_init_params){ggml_tensor_overhead() * NODES, NULL, true}), NULL};
}

/* Kernels of a layout of their own, such as AMX's or rows interleaved, take a matrix of weights whole and as it comes. */
static void fill_whole(struct ggml_tensor *t)
{
	const size_t n = ggml_nbytes(t), block = ggml_type_size(t->type), most = ROOM / block * block;
	uint8_t *all = malloc(n);

	for (size_t at = 0; at < n; at += most)
		memcpy(all + at, numbers(t->type), n - at < most ? n - at : most);
	ggml_backend_tensor_set(t, all, 0, n);
	free(all);
}

/* Whether the device multiplies 512 rows by w, if that lies in such a buffer. */
static bool is_taken(struct ggml_tensor *w, ggml_backend_buffer_type_t type)
{
	struct ggml_context *ctx =
		ggml_init((struct ggml_init_params){ggml_tensor_overhead() * 8, NULL, true});
	struct ggml_tensor *x = ggml_new_tensor_3d(ctx, GGML_TYPE_F32, w->ne[0], w->ne[2] > 1 ? 8 : 512,
						   w->ne[2] > 1 ? 512 : 1),
			   *op = w->ne[2] > 1
					 ? ggml_mul_mat_id(ctx, w, x,
							   ggml_new_tensor_2d(ctx, GGML_TYPE_I32, 8, 512))
					 : ggml_mul_mat(ctx, w, x);
	bool taken;

	w->buffer = ggml_backend_buft_alloc_buffer(type, 0);
	taken = ggml_backend_dev_supports_op(ggml_backend_get_device(backend), op);
	ggml_backend_buffer_free(w->buffer);
	w->buffer = NULL;
	ggml_free(ctx);
	return taken;
}

/* Where llama.cpp puts such weights: in the first of the device's further kinds of buffers that takes them, if one does
 * (make_cpu_buft_list() of src/llama-model.cpp, weight_buft_supported() of src/llama-model-loader.cpp). */
static ggml_backend_buffer_type_t further_place(struct ggml_tensor *w)
{
	ggml_backend_dev_t dev = ggml_backend_get_device(backend);
	ggml_backend_dev_get_extra_bufts_t of;
	ggml_backend_buffer_type_t *types;

	*(void **)&of = ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(dev),
							  "ggml_backend_dev_get_extra_bufts");
	for (types = of ? of(dev) : NULL; types && *types; types++)
		if (is_taken(w, *types))
			return *types;
	return NULL;
}

/* Weights, all of one kind, where llama.cpp has them; false: no room. */
static bool weights_fill(struct store *s)
{
	struct ggml_tensor *t = ggml_get_first_tensor(s->ctx);
	ggml_backend_buffer_type_t type = further_place(t);

	s->buffer = type ? ggml_backend_alloc_ctx_tensors_from_buft(s->ctx, type)
			 : ggml_backend_alloc_ctx_tensors(s->ctx, backend);
	if (!s->buffer)
		return false;
	ggml_backend_buffer_set_usage(s->buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
	fprintf(stderr, "%s %lld x %lld x %lld: %s\n", ggml_type_name(t->type), (long long)t->ne[0],
		(long long)t->ne[1], (long long)t->ne[2], ggml_backend_buffer_name(s->buffer));
	for (; t; t = ggml_get_next_tensor(s->ctx, t))
		if (type)
			fill_whole(t);
		else
			fill(t);
	return true;
}

static bool store_fill(struct store *s)
{
	s->buffer = ggml_backend_alloc_ctx_tensors(s->ctx, backend);
	if (!s->buffer)
		return false;
	ggml_backend_buffer_set_usage(s->buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
	for (struct ggml_tensor *t = ggml_get_first_tensor(s->ctx); t; t = ggml_get_next_tensor(s->ctx, t))
		if (t->type != GGML_TYPE_I32 && t->type != GGML_TYPE_I64 && !t->view_src)
			fill(t);
	return true;
}

static void store_free(struct store *s)
{
	ggml_backend_buffer_free(s->buffer);
	ggml_free(s->ctx);
}

/* A graph under way. */
struct run {
	struct ggml_context *ctx;
	struct ggml_cgraph *graph;
};

static struct run run_new(void)
{
	struct run r = {ggml_init((struct ggml_init_params){ggml_tensor_overhead() * 4 * NODES +
								    ggml_graph_overhead_custom(NODES, false),
							    NULL, true}),
			NULL};

	r.graph = ggml_new_graph_custom(r.ctx, NODES, false);
	return r;
}

static void once(struct ggml_cgraph *g, int times)
{
	for (int i = 0; i < times; i++)
		ggml_backend_graph_compute_async(backend, g);
	ggml_backend_synchronize(backend);
}

/* Runs the graph, prints the end of a row and frees it; ops: operations in the graph. */
static void finish(struct run *r, int ops)
{
	ggml_gallocr_t alloc = ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend));
	double t, first;
	int times;

	if (!ggml_gallocr_alloc_graph(alloc, r->graph)) {
		printf("failed\n");
		exit(1);
	}
	first = now();
	once(r->graph, 1);
	first = now() - first;
	for (int i = 0; i < 3; i++)
		once(r->graph, 1);
	t = now();
	once(r->graph, 1);
	t = now() - t;
	times = t < least_s ? (int)ceil(least_s / t) : 1;
	for (int i = 0; i < SAMPLES; i++) {
		t = now();
		once(r->graph, times);
		t = (now() - t) / times / ops;
		printf("%s%.5g", i ? ";" : "", t);
	}
	printf(",%.4g\n", first);
	fflush(stdout);
	ggml_gallocr_free(alloc);
	ggml_free(r->ctx);
}

static const char *dtype(enum ggml_type t)
{
	return t == GGML_TYPE_F32 ? "f32" : t == GGML_TYPE_F16 ? "f16" : t == GGML_TYPE_Q8_0 ? "q8" : "q4";
}

static int copies_of(int64_t bytes)
{
	const int64_t n = (cold_B + bytes - 1) / bytes;

	return n < 2 ? 2 : n > 64 ? 64 : (int)n;
}

/* kind,dtype,path,m,n,k,heads,kv_heads,head_dim,threads,bytes,seconds */
static void head(const char *kind, const char *type, const char *path, int64_t m, int64_t n, int64_t k)
{
	printf("%s,%s,%s,%lld,%lld,%lld,", kind, type, path, (long long)m, (long long)n, (long long)k);
}

static void rest(int64_t heads, int64_t kv, int64_t dim, double bytes)
{
	if (heads)
		printf("%lld,%lld,%lld,", (long long)heads, (long long)kv, (long long)dim);
	else
		printf(",,,");
	if (is_cpu)
		printf("%d", threads);
	printf(",");
	if (bytes > 0)
		printf("%.0f", bytes);
	printf(",");
}

static const enum ggml_type formats[] = {GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0};

static void product(enum ggml_type type, int64_t n, int64_t k, const int *rows, int rows_n)
{
	struct store s = store_new(), weights = store_new();
	struct ggml_tensor *w[64];
	const int64_t bytes = (int64_t)ggml_row_size(type, k) * n;
	const int copies = copies_of(bytes), ops = copies < 16 ? copies * ((15 + copies) / copies) : copies;
	struct ggml_tensor *x;

	for (int i = 0; i < copies; i++)
		w[i] = ggml_new_tensor_2d(weights.ctx, type, k, n);
	x = ggml_new_tensor_2d(s.ctx, GGML_TYPE_F32, k, 2048);
	if (!weights_fill(&weights) || !store_fill(&s))
		return;
	for (int j = 0; j < rows_n; j++) {
		const int m = rows[j];
		const double flop = 2.0 * m * (double)n * (double)k;
		const int these = flop > 2e11 && !is_cpu ? copies : is_cpu && flop > 4e9 ? 2 : ops;
		struct run r = run_new();
		struct ggml_tensor *xm = ggml_view_2d(r.ctx, x, k, m, x->nb[1], 0);

		for (int i = 0; i < these; i++)
			ggml_build_forward_expand(r.graph, ggml_mul_mat(r.ctx, w[i % copies], xm));
		head(m <= 8 ? "gemv" : "gemm", dtype(type), "", m, n, k);
		rest(0, 0, 0, m <= 8 ? (double)bytes : 0);
		finish(&r, these);
	}
	store_free(&s);
	store_free(&weights);
}

/* One case of products alone, 100 x format + shape, or one shape of attention; -1: all. */
static int only = -1;

static void products(void)
{
	static const int rows[] = {1, 2, 3, 4, 6, 8, 9, 12, 16, 17, 24, 32, 48, 64, 128, 256, 512};
	static const int shapes[][2] = {{512, 2048},   {2048, 2048},   {8192, 2048},  {2048, 8192},
					{4096, 4096},  {14336, 4096},  {4096, 14336}, {1024, 4096},
					{32000, 2048}, {128256, 2048}, {1024, 3072},  {3072, 8192}};
	static const int cpu_rows[] = {1, 2, 4, 8, 16, 32, 128, 512};
	const int n = is_cpu ? 10 : 12;

	for (int f = 0; f < 3; f++)
		for (int i = 0; i < n; i++)
			if ((only < 0 || only == 100 * f + i) && (!is_cpu || (i != 5 && i != 6)))
				product(formats[f], shapes[i][0], shapes[i][1], is_cpu ? cpu_rows : rows,
					is_cpu                  ? (shapes[i][0] > 30000 ? 5 : 8)
					: shapes[i][0] > 100000 ? 12
								: 17);
}

/* used of `all` experts for each of m tokens, none twice for one token. */
static void choose(struct ggml_tensor *ids, int all, int used, int m)
{
	int32_t *id = malloc(sizeof *id * (size_t)(used * m));

	for (int t = 0; t < m; t++)
		for (int u = 0; u < used; u++) {
			bool again = true;

			while (again) {
				again = false;
				id[t * used + u] = (int32_t)(rnd() >> 33) % all;
				for (int v = 0; v < u; v++)
					again |= id[t * used + v] == id[t * used + u];
			}
		}
	ggml_backend_tensor_set(ids, id, 0, sizeof *id * (size_t)(used * m));
	free(id);
}

/* CUDA: the host starts the products of 16-bit experts one by one (ggml_cuda_mul_mat_id(), ggml_cuda_should_use_mmf()). */
static bool is_called(enum ggml_type type, int64_t n, int m)
{
	return !is_cpu && !ggml_is_quantized(type) && m > (n > 1024 ? 128 : 512);
}

/* What the rows of one format and shape of experts are: m tokens, `used` of `all` experts each; n x k matrices. */
static void expert(enum ggml_type type, int all, int used, int64_t n, int64_t k, bool shared_x,
		   const int *tokens, int tokens_n)
{
	struct store s = store_new(), weights = store_new();
	struct ggml_tensor *w[64], *ids[CHOICES], *x;
	const int64_t bytes = (int64_t)ggml_row_size(type, k) * n * all;
	/* a CPU's last cache would hold the experts of a few choices: 16 of 8 each meet most of 128 */
	const int choices = is_cpu ? CHOICES : 4, copies_most = is_cpu ? 8 : 4;
	const int64_t wanted = is_cpu ? copies_most : copies_of(bytes);
	const int copies = wanted > copies_most ? copies_most : (int)wanted, most = tokens[tokens_n - 1];
	for (int i = 0; i < copies; i++)
		w[i] = ggml_new_tensor_3d(weights.ctx, type, k, n, all);
	x = ggml_new_tensor_3d(s.ctx, GGML_TYPE_F32, k, shared_x ? 1 : used, most);
	for (int i = 0; i < choices; i++)
		ids[i] = ggml_new_tensor_2d(s.ctx, GGML_TYPE_I32, used, most);
	if (!weights_fill(&weights) || !store_fill(&s))
		return;
	for (int j = 0; j < tokens_n; j++) {
		const int m = tokens[j];
		const int ops = m >= 128 ? 4 : !is_cpu ? 16 : m < 16 ? copies * choices : 2 * copies;
		double hit = all * (1 - pow(1 - (double)used / all, m));
		char path[64];
		struct run r = run_new();
		struct ggml_tensor *xm = ggml_view_3d(r.ctx, x, k, x->ne[1], m, x->nb[1], x->nb[2], 0),
				   *idm[CHOICES];

		for (int i = 0; i < choices; i++) {
			choose(ids[i], all, used, m);
			idm[i] = ggml_view_2d(r.ctx, ids[i], used, m, ids[i]->nb[1], 0);
		}
		for (int i = 0; i < ops; i++)
			ggml_build_forward_expand(r.graph,
						  ggml_mul_mat_id(r.ctx, w[i % copies], xm,
								  idm[(is_cpu ? i / copies : i) % choices]));
		if (is_called(type, n, m))
			snprintf(path, sizeof path, "called");
		else
			snprintf(path, sizeof path, "%d of %d experts of %lld x %lld", used, all,
				 (long long)n, (long long)k);
		/* rows and experts that are hit; each of n x n with n the root of the product of its sides */
		head("moe", dtype(type), path, (int64_t)m * used, llround(sqrt((double)n * (double)k)),
		     llround(hit));
		rest(0, 0, 0, hit * (double)bytes / all);
		finish(&r, ops);
	}
	store_free(&s);
	store_free(&weights);
}

static void experts(void)
{
	static const int tokens[] = {1, 2, 4, 8, 9, 16, 32, 64, 128, 256, 512};

	for (int f = 0; f < 3; f++) {
		expert(formats[f], 128, 8, 768, 2048, true, tokens, 11);
		expert(formats[f], 128, 8, 2048, 768, false, tokens, 11);
		expert(formats[f], 64, 8, 1024, 2048, true, tokens, 11);
		if (is_cpu)
			continue;
		expert(formats[f], 64, 8, 2048, 1024, false, tokens, 11);
		expert(formats[f], 8, 2, 4096, 2048, true, tokens, 11);
		expert(formats[f], 8, 2, 2048, 4096, false, tokens, 11);
	}
}

/* m queries of each of `streams` sequences over n keys each. */
static void attention(enum ggml_type type, int heads, int kv, int dim, int m, int n, int streams)
{
	struct store s = store_new();
	struct ggml_tensor *k[64], *v[64], *mask, *q;
	const double bytes = 2.0 * (double)ggml_row_size(type, dim) * kv * n * streams;
	const int copies = copies_of((int64_t)bytes), ops = m > 8 && is_cpu ? 2
							    : m > 8         ? (copies < 8 ? copies : 8)
							    : copies < 16   ? 16
									    : copies;
	const int rows = (m + 63) / 64 * 64;
	ggml_fp16_t *see = malloc(sizeof *see * (size_t)n * (size_t)rows * (size_t)streams);
	struct run r = run_new();

	for (int i = 0; i < copies; i++) {
		k[i] = ggml_new_tensor_4d(s.ctx, type, dim, kv, n, streams);
		v[i] = ggml_new_tensor_4d(s.ctx, type, dim, kv, n, streams);
	}
	mask = ggml_new_tensor_4d(s.ctx, GGML_TYPE_F16, n, rows, 1, streams);
	q = ggml_new_tensor_4d(s.ctx, GGML_TYPE_F32, dim, m, heads, streams);
	if (!store_fill(&s))
		exit(1);
	for (int t = 0; t < streams; t++)
		for (int i = 0; i < rows; i++)
			for (int j = 0; j < n; j++)
				see[((size_t)t * (size_t)rows + (size_t)i) * (size_t)n + (size_t)j] =
					ggml_fp32_to_fp16(j <= n - m + i ? 0 : -INFINITY);
	ggml_backend_tensor_set(mask, see, 0, ggml_nbytes(mask));
	for (int i = 0; i < ops; i++) {
		struct ggml_tensor *o = ggml_flash_attn_ext(
			r.ctx, q, ggml_permute(r.ctx, k[i % copies], 0, 2, 1, 3),
			ggml_permute(r.ctx, v[i % copies], 0, 2, 1, 3), mask, 1 / sqrtf((float)dim), 0, 0);

		ggml_build_forward_expand(r.graph, o);
	}
	head(m > 1         ? "prefill"
	     : streams > 1 ? "decodes"
			   : "decode",
	     dtype(type), "", m > 1 ? m : streams, n, 0);
	rest(heads, kv, dim, m > 1 ? 0 : bytes);
	finish(&r, ops);
	free(see);
	store_free(&s);
}

static void attentions(void)
{
	static const int shapes[][3] = {{32, 8, 64}, {24, 8, 128}, {32, 8, 128}, {32, 4, 128}};
	static const int keys[] = {256, 512, 1024, 2048, 4096, 8192, 16384}, streams[] = {2, 4, 8, 16, 32};

	for (int i = 0; i < 4; i++) {
		const int *a = shapes[i];

		if (only >= 0 && only != i)
			continue;
		for (int j = 0; j < 7; j++)
			attention(GGML_TYPE_F16, a[0], a[1], a[2], 1, keys[j], 1);
		for (int t = 0; t < 5; t++)
			for (int j = 0; j < 5; j += 2)
				if (!is_cpu || t % 2)
					attention(GGML_TYPE_F16, a[0], a[1], a[2], 1, keys[j], streams[t]);
		attention(GGML_TYPE_F16, a[0], a[1], a[2], 128, 256, 1);
		for (int j = 1; j < (is_cpu ? 5 : 7); j++)
			attention(GGML_TYPE_F16, a[0], a[1], a[2], 512, keys[j], 1);
	}
	for (int j = 0; j < 5; j += 2)
		attention(GGML_TYPE_Q8_0, 32, 8, 128, 1, keys[j], 1);
}

enum pass { ADD, SCALE, NORM, SWIGLU, ROPE, SET_ROWS };

static struct ggml_tensor *pass_of(struct ggml_context *ctx, enum pass p, struct ggml_tensor *a,
				   struct ggml_tensor *b, struct ggml_tensor *gain, struct ggml_tensor *at)
{
	switch (p) {
	case ADD:
		return ggml_add(ctx, a, b);
	case SCALE:
		return ggml_scale(ctx, a, 0.5f);
	case NORM:
		return ggml_mul(ctx, ggml_rms_norm(ctx, a, 1e-5f), gain);
	case SWIGLU:
		return ggml_swiglu_split(ctx, a, b);
	default:
		return ggml_rope_ext(ctx, ggml_reshape_3d(ctx, a, 128, a->ne[0] / 128, a->ne[1]), at, NULL,
				     128, 0, 131072, 500000, 1, 0, 1, 32, 1);
	}
}

static void elementwise(enum pass p, const char *kind, const char *path, int64_t m, int64_t n, int passes)
{
	const int64_t bytes = 4 * m * n;
	const int copies = bytes > (64 << 20) ? 2 : 8, ops = 32;
	struct store s = store_new();
	struct ggml_tensor *a[8], *b[8], *gain, *at;
	struct run r = run_new();
	int32_t *where = calloc((size_t)m, sizeof *where);

	for (int i = 0; i < copies; i++) {
		a[i] = ggml_new_tensor_2d(s.ctx, GGML_TYPE_F32, n, m);
		b[i] = ggml_new_tensor_2d(s.ctx, GGML_TYPE_F32, n, m);
	}
	gain = ggml_new_tensor_1d(s.ctx, GGML_TYPE_F32, n);
	at = ggml_new_tensor_1d(s.ctx, GGML_TYPE_I32, m);
	if (!store_fill(&s))
		exit(1);
	ggml_backend_tensor_set(at, where, 0, sizeof *where * (size_t)m);
	for (int i = 0; i < ops; i++)
		ggml_build_forward_expand(r.graph, pass_of(r.ctx, p, a[i % copies], b[i % copies], gain, at));
	head(kind, "f32", path, m, n, 0);
	rest(0, 0, 0, (double)(passes * bytes));
	finish(&r, ops);
	free(where);
	store_free(&s);
}

static void elementwises(void)
{
	static const int rows[] = {1, 8, 16, 32, 128, 512, 2048};

	for (int i = 0; i < 7; i++) {
		elementwise(ADD, "elementwise", "add", rows[i], 4096, 3);
		elementwise(ADD, "elementwise", "add", rows[i], 2048, 3);
		elementwise(NORM, "pass", "norm", rows[i], 4096, 2);
		elementwise(SWIGLU, "pass", "swiglu", rows[i], 8192, 3);
		elementwise(SWIGLU, "pass", "swiglu", rows[i], 14336, 3);
		elementwise(ROPE, "pass", "rope", rows[i], 4096, 2);
	}
}

static void streams(void)
{
	static const int64_t mib[] = {4, 16, 64, 256, 1024};

	for (int i = 0; i < 5; i++)
		elementwise(SCALE, "copy", "scale", mib[i] * 32, 4096, 2);
	for (int i = 0; i < 5; i++) {
		struct store s = store_new();
		struct run r = run_new();
		struct ggml_tensor *a = ggml_new_tensor_2d(s.ctx, GGML_TYPE_F32, 4096, mib[i] * 64);

		if (!store_fill(&s))
			return;
		for (int j = 0; j < 16; j++)
			ggml_build_forward_expand(r.graph, ggml_sum_rows(r.ctx, a));
		head("read", "f32", "sum_rows", 0, 0, 0);
		rest(0, 0, 0, (double)ggml_nbytes(a));
		finish(&r, 16);
		store_free(&s);
	}
}

/* ggml-cpu computes a graph with as many threads as its nodes have tasks, and a scale has one: there it is a chain of sums. */
static void chain(const char *kind, int n, bool dependent)
{
	struct store s = store_new();
	struct run r = run_new();
	struct ggml_tensor *a = ggml_new_tensor_2d(s.ctx, GGML_TYPE_F32, 256, 1), *x = a;

	if (!store_fill(&s))
		return;
	for (int i = 0; i < n; i++) {
		x = is_cpu ? ggml_add(r.ctx, dependent ? x : a, a)
			   : ggml_scale(r.ctx, dependent ? x : a, 0.999f);
		ggml_build_forward_expand(r.graph, x);
	}
	head(kind, "f32", "", n, 0, dependent);
	rest(0, 0, 0, 0);
	finish(&r, 1);
	store_free(&s);
}

/* A submission and a wait. */
static void submit(void)
{
	struct store s = store_new();
	struct run r = run_new();
	struct ggml_tensor *a = ggml_new_tensor_2d(s.ctx, GGML_TYPE_F32, 256, 1);
	ggml_gallocr_t alloc = ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend));

	if (!store_fill(&s))
		return;
	ggml_build_forward_expand(r.graph, ggml_scale(r.ctx, a, 0.999f));
	ggml_gallocr_alloc_graph(alloc, r.graph);
	for (int i = 0; i < 10; i++)
		once(r.graph, 1);
	head("submit", "f32", "", 1, 0, 0);
	rest(0, 0, 0, 0);
	for (int i = 0; i < SAMPLES; i++) {
		const double t = now();

		for (int j = 0; j < 100; j++)
			once(r.graph, 1);
		printf("%s%.5g", i ? ";" : "", (now() - t) / 100);
	}
	printf("\n");
	ggml_gallocr_free(alloc);
	ggml_free(r.ctx);
	store_free(&s);
}

/* Copies between the device and page-locked memory of the host, each waited for. */
static void host(void)
{
	static const int64_t sizes[] = {4096, 65536, 524288, 2097152, 8388608, 33554432};
	ggml_backend_buffer_type_t type = ggml_backend_dev_host_buffer_type(ggml_backend_get_device(backend));
	ggml_backend_buffer_t here =
		ggml_backend_buft_alloc_buffer(type ? type : ggml_backend_cpu_buffer_type(), 33554432);
	void *base = ggml_backend_buffer_get_base(here);
	struct store s = store_new();
	struct ggml_tensor *a = ggml_new_tensor_1d(s.ctx, GGML_TYPE_F32, 33554432 / 4);

	memset(base, 0, 33554432);
	if (!store_fill(&s))
		return;
	for (int way = 0; way < 2; way++)
		for (int i = 0; i < 6; i++) {
			const size_t n = (size_t)sizes[i];

			head("host-copy", "f32", way ? "to the device" : "to the host", 0, 0, 0);
			rest(0, 0, 0, (double)n);
			for (int j = -2; j < SAMPLES; j++) {
				const double t = now();

				for (int l = 0; l < 10; l++) {
					if (way)
						ggml_backend_tensor_set_async(backend, a, base, 0, n);
					else
						ggml_backend_tensor_get_async(backend, a, base, 0, n);
					ggml_backend_synchronize(backend);
				}
				if (j >= 0)
					printf("%s%.5g", j ? ";" : "", (now() - t) / 10);
			}
			printf("\n");
		}
	ggml_backend_buffer_free(here);
	store_free(&s);
}

static void part(const char *p)
{
	if (!strcmp(p, "streams"))
		streams();
	else if (!strncmp(p, "products", 8)) {
		only = p[8] == ':' ? atoi(p + 9) : -1;
		products();
	} else if (!strcmp(p, "experts"))
		experts();
	else if (!strncmp(p, "attention", 9)) {
		only = p[9] == ':' ? atoi(p + 10) : -1;
		attentions();
	} else if (!strcmp(p, "elementwise"))
		elementwises();
	else if (!strcmp(p, "dispatch")) {
		chain("dispatch", 1000, true);
		submit();
	} else if (!strcmp(p, "launches"))
		chain("dispatch", 1000, false);
	else if (!strcmp(p, "host"))
		host();
}

int main(int argc, char **argv)
{
	ggml_backend_dev_t dev;
	void (*set_threads)(ggml_backend_t, int);

	if (argc < 4)
		return 2;
	ggml_backend_load_all();
	dev = ggml_backend_dev_by_name(argv[1]);
	backend = dev ? ggml_backend_dev_init(dev, NULL) : NULL;
	if (!backend)
		return 1;
	threads = atoi(argv[2]);
	is_cpu = !strcmp(argv[1], "CPU");
	if (is_cpu)
		cold_B = 512 << 20;
	*(void **)&set_threads = ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(dev),
								   "ggml_backend_set_n_threads");
	if (set_threads && is_cpu)
		set_threads(backend, threads);
	printf("kind,dtype,path,m,n,k,heads,kv_heads,head_dim,threads,bytes,seconds,first\n");
	for (int i = 3; i < argc; i++)
		part(argv[i]);
	ggml_backend_free(backend);
	return 0;
}
