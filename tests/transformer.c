/*
 * transformer.c - a small transformer's forward pass on the CPU, timed: what a prediction from this machine's
 * calibration is held against.
 *
 *	transformer [LAYERS] [-r REPETITIONS] [-t THREADS] >measured.csv
 *
 * RMSNorm, grouped-query attention with a KV cache, SwiGLU, residuals, a head over the last token; f32;
 * weights larger than any last-level cache. Matrix products go to CBLAS as the CPU backend's do, attention
 * to its kernels: they are the runtime that was calibrated. The order of work, the buffers, the rest of the
 * arithmetic and the clock are this program's own. Knows nothing of the simulator. Prints the csv of
 * measured runs that `lemursim validate` reads: prefill at three lengths of prompt, decode at three depths.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernels/cpu/attend.h"
#include "kernels/cpu/blas.h"
#include "kernels/cpu/inner.h"
#include "kernels/cpu/pool.h"
#include "sim/base/mem.h"

enum {
	HIDDEN = 1024,
	HEADS = 8,
	KV_HEADS = 4,
	DIM = 128,
	FFN = 2816,
	VOCABULARY = 8192,
	CONTEXT = 2304, /* room of the cache */
	LAYERS_MAX = 64,
	REPETITIONS_MAX = 99,
	DECODED = 8,  /* steps of one timing */
	GRAIN = 16384 /* numbers; below it a loop is not shared */
};

struct layer {
	float *norm1, *q, *k, *v, *o, *norm2, *gate, *up, *down; /* weights: [out][in] */
	float *keys, *values;                                    /* [KV_HEADS][CONTEXT][DIM] */
};

struct net {
	struct pool *pool;
	struct blas blas;
	const struct inner *inner;
	int layers_n;
	struct layer layers[LAYERS_MAX];
	float *embedding, *norm, *head;
	float *x, *normed, *q, *k, *v, *attended, *gate, *up, *logits; /* activations of CONTEXT tokens */
	float cosine[CONTEXT][DIM / 2], sine[CONTEXT][DIM / 2];
	double parameters;
};

static uint64_t state = 88172645463325252ULL;

static float *numbers(struct net *n, size_t count, float scale)
{
	float *to = xmalloc(count * sizeof *to);

	for (size_t i = 0; i < count; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		to[i] = ((float)(state >> 40) / 8388608 - 1) * scale * 1.7320508f;
	}
	n->parameters += (double)count;
	return to;
}

static float *room(size_t count)
{
	float *to = xmalloc(count * sizeof *to);

	for (size_t i = 0; i < count; i++)
		to[i] = 0.5f; /* touched, so that no first use of a page is timed */
	return to;
}

static float *ones(struct net *n, size_t count)
{
	float *to = numbers(n, count, 1);

	for (size_t i = 0; i < count; i++)
		to[i] = 1;
	return to;
}

static void make_layer(struct net *n, struct layer *l)
{
	const float in = 1 / sqrtf(HIDDEN), deep = in / sqrtf(2.0f * (float)n->layers_n);

	l->norm1 = ones(n, HIDDEN);
	l->q = numbers(n, HEADS * DIM * HIDDEN, in);
	l->k = numbers(n, KV_HEADS * DIM * HIDDEN, in);
	l->v = numbers(n, KV_HEADS * DIM * HIDDEN, in);
	l->o = numbers(n, HIDDEN * HEADS * DIM, deep);
	l->norm2 = ones(n, HIDDEN);
	l->gate = numbers(n, FFN * HIDDEN, in);
	l->up = numbers(n, FFN * HIDDEN, in);
	l->down = numbers(n, HIDDEN * FFN, deep);
	l->keys = room(KV_HEADS * CONTEXT * DIM);
	l->values = room(KV_HEADS * CONTEXT * DIM);
}

static void make_net(struct net *n)
{
	n->embedding = numbers(n, VOCABULARY * HIDDEN, 1);
	for (int i = 0; i < n->layers_n; i++)
		make_layer(n, &n->layers[i]);
	n->norm = ones(n, HIDDEN);
	n->head = numbers(n, VOCABULARY * HIDDEN, 1 / sqrtf(HIDDEN));
	n->x = room(CONTEXT * HIDDEN);
	n->normed = room(CONTEXT * HIDDEN);
	n->q = room(CONTEXT * HEADS * DIM);
	n->k = room(CONTEXT * KV_HEADS * DIM);
	n->v = room(CONTEXT * KV_HEADS * DIM);
	n->attended = room(CONTEXT * HEADS * DIM);
	n->gate = room(CONTEXT * FFN);
	n->up = room(CONTEXT * FFN);
	n->logits = room(VOCABULARY);
	for (int t = 0; t < CONTEXT; t++)
		for (int i = 0; i < DIM / 2; i++) {
			const double angle = t * pow(10000, -2.0 * i / DIM);

			n->cosine[t][i] = (float)cos(angle);
			n->sine[t][i] = (float)sin(angle);
		}
}

/* One loop over rows of tokens, shared by the threads. */
struct rows {
	struct net *n;
	const struct layer *l;
	float *to;
	const float *from, *with;
	int64_t rows_n, width, past;
};

static void norm_part(void *self, int part, int parts)
{
	const struct rows *r = self;
	const struct span s = pool_span(r->rows_n, 1, part, parts);

	for (int64_t i = s.from; i < s.to; i++) {
		const float *x = r->from + i * HIDDEN;
		float *y = r->to + i * HIDDEN, sums[8] = {0}, sum = 0;

		for (int j = 0; j < HIDDEN; j += 8)
			for (int p = 0; p < 8; p++)
				sums[p] += x[j + p] * x[j + p];
		for (int p = 0; p < 8; p++)
			sum += sums[p];
		r->n->inner->gain(y, x, r->with, HIDDEN);
		r->n->inner->scale(y, y, HIDDEN, 1 / sqrtf(sum / HIDDEN + 1e-5f));
	}
}

static void turn(const struct net *n, float *head, int64_t position)
{
	for (int i = 0; i < DIM / 2; i++) {
		const float c = n->cosine[position][i], s = n->sine[position][i], a = head[i],
			    b = head[i + DIM / 2];

		head[i] = a * c - b * s;
		head[i + DIM / 2] = a * s + b * c;
	}
}

/* Rotary positions, and the new keys and values into the cache. */
static void cache_part(void *self, int part, int parts)
{
	const struct rows *r = self;
	const struct span s = pool_span(r->rows_n, 1, part, parts);
	struct net *n = r->n;

	for (int64_t t = s.from; t < s.to; t++) {
		const int64_t position = r->past + t;

		for (int64_t h = 0; h < HEADS; h++)
			turn(n, n->q + (t * HEADS + h) * DIM, position);
		for (int64_t h = 0; h < KV_HEADS; h++) {
			const int64_t from = (t * KV_HEADS + h) * DIM, to = (h * CONTEXT + position) * DIM;

			turn(n, n->k + from, position);
			memcpy(r->l->keys + to, n->k + from, DIM * sizeof(float));
			memcpy(r->l->values + to, n->v + from, DIM * sizeof(float));
		}
	}
}

static void silu_part(void *self, int part, int parts)
{
	const struct rows *r = self;
	const struct span s = pool_span(r->rows_n, 1, part, parts);

	r->n->inner->silu(r->to + s.from * FFN, r->from + s.from * FFN, r->with + s.from * FFN,
			  (size_t)((s.to - s.from) * FFN));
}

static void add_part(void *self, int part, int parts)
{
	const struct rows *r = self;
	const struct span s = pool_span(r->rows_n, 1, part, parts);

	r->n->inner->add_scaled(r->to + s.from * HIDDEN, r->from + s.from * HIDDEN,
				(size_t)((s.to - s.from) * HIDDEN), 1);
}

static void share_rows(pool_work *work, struct rows r)
{
	pool_run_if(r.n->pool, r.rows_n * r.width, GRAIN, work, &r);
}

static void product(struct net *n, float *y, const float *x, const float *w, struct linear s)
{
	blas_linear(&n->blas, n->pool, &s, y, x, w);
}

static void attention_block(struct net *n, const struct layer *l, int64_t tokens, int64_t past)
{
	const struct kv_cache a = {HEADS, KV_HEADS, DIM, l->keys, l->values, CONTEXT};

	share_rows(norm_part, (struct rows){n, l, n->normed, n->x, l->norm1, tokens, HIDDEN, past});
	product(n, n->q, n->normed, l->q, (struct linear){tokens, HEADS * DIM, HIDDEN});
	product(n, n->k, n->normed, l->k, (struct linear){tokens, KV_HEADS * DIM, HIDDEN});
	product(n, n->v, n->normed, l->v, (struct linear){tokens, KV_HEADS * DIM, HIDDEN});
	share_rows(cache_part, (struct rows){n, l, NULL, NULL, NULL, tokens, HIDDEN, past});
	if (tokens == 1)
		attend_decode(n->pool, &a, n->attended, n->q, past + 1);
	else
		attend_prefill(n->pool, &a, n->attended, n->q, tokens, past + tokens);
	product(n, n->normed, n->attended, l->o, (struct linear){tokens, HIDDEN, HEADS * DIM});
	share_rows(add_part, (struct rows){n, l, n->x, n->normed, NULL, tokens, HIDDEN, past});
}

static void ffn_block(struct net *n, const struct layer *l, int64_t tokens)
{
	share_rows(norm_part, (struct rows){n, l, n->normed, n->x, l->norm2, tokens, HIDDEN, 0});
	product(n, n->gate, n->normed, l->gate, (struct linear){tokens, FFN, HIDDEN});
	product(n, n->up, n->normed, l->up, (struct linear){tokens, FFN, HIDDEN});
	share_rows(silu_part, (struct rows){n, l, n->gate, n->gate, n->up, tokens, FFN, 0});
	product(n, n->normed, n->gate, l->down, (struct linear){tokens, HIDDEN, FFN});
	share_rows(add_part, (struct rows){n, l, n->x, n->normed, NULL, tokens, HIDDEN, 0});
}

/* Returns the next token. */
static int forward(struct net *n, const int *tokens, int64_t tokens_n, int64_t past)
{
	int best = 0;

	for (int64_t t = 0; t < tokens_n; t++)
		memcpy(n->x + t * HIDDEN, n->embedding + (int64_t)tokens[t] * HIDDEN, HIDDEN * sizeof(float));
	for (int i = 0; i < n->layers_n; i++) {
		attention_block(n, &n->layers[i], tokens_n, past);
		ffn_block(n, &n->layers[i], tokens_n);
	}
	share_rows(norm_part,
		   (struct rows){n, NULL, n->normed, n->x + (tokens_n - 1) * HIDDEN, n->norm, 1, HIDDEN, 0});
	product(n, n->logits, n->normed, n->head, (struct linear){1, VOCABULARY, HIDDEN});
	for (int i = 1; i < VOCABULARY; i++)
		best = n->logits[i] > n->logits[best] ? i : best;
	if (!isfinite(n->logits[best])) {
		fprintf(stderr, "transformer: the logits are not finite\n");
		exit(1);
	}
	return best;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double time_prefill(struct net *n, const int *tokens, int64_t prompt)
{
	const double from = now_s();

	forward(n, tokens, prompt, 0);
	return now_s() - from;
}

static double time_decode(struct net *n, int64_t depth)
{
	const double from = now_s();
	int token = 1;

	for (int64_t i = 0; i < DECODED; i++)
		token = forward(n, &token, 1, depth + i);
	return now_s() - from;
}

struct series {
	const char *kind;
	int64_t length;
	double seconds[REPETITIONS_MAX];
};

static void print_series(const struct net *n, struct series *s, int repetitions)
{
	const int64_t prompt = s->kind[0] == 'p' ? s->length : 0;
	double mean = 0, squares = 0;

	qsort(s->seconds, (size_t)repetitions, sizeof s->seconds[0], ascending);
	for (int i = 0; i < repetitions; i++)
		mean += s->seconds[i] / repetitions;
	for (int i = 0; i < repetitions; i++)
		squares += (s->seconds[i] - mean) * (s->seconds[i] - mean);
	printf("%s,%lld,%d,%lld,%.6g,%.3g,%d,transformer-%d,%.0f,%.0f\n", s->kind, (long long)prompt,
	       prompt ? 0 : DECODED, prompt ? 0LL : (long long)s->length, s->seconds[repetitions / 2],
	       repetitions > 1 ? sqrt(squares / (repetitions - 1)) : 0, repetitions, n->layers_n,
	       4 * n->parameters, n->parameters);
}

/* Passes over all six, so that a slow moment of the machine does not fall on one of them alone. */
static void measure(struct net *n, int repetitions)
{
	static struct series all[] = {{"pp", 64, {0}},  {"pp", 192, {0}}, {"pp", 512, {0}},
				      {"tg", 128, {0}}, {"tg", 768, {0}}, {"tg", 2048, {0}}};
	enum { SERIES = sizeof all / sizeof all[0] };
	int tokens[512];

	for (int i = 0; i < 512; i++)
		tokens[i] = i * 7919 % VOCABULARY;
	for (int pass = -1; pass < repetitions; pass++) /* the first warms up */
		for (int i = 0; i < SERIES; i++) {
			const double s = all[i].kind[0] == 'p' ? time_prefill(n, tokens, all[i].length)
							       : time_decode(n, all[i].length);

			if (pass >= 0)
				all[i].seconds[pass] = s;
		}
	printf("kind,prompt,gen,depth,seconds,sd,n,model,bytes,params\n");
	for (int i = 0; i < SERIES; i++)
		print_series(n, &all[i], repetitions);
}

int main(int argc, char **argv)
{
	static struct net n = {.layers_n = 8};
	struct err err = ERR_INIT;
	int repetitions = 7, threads = (int)sysconf(_SC_NPROCESSORS_ONLN);

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-r") && i + 1 < argc)
			repetitions = atoi(argv[++i]);
		else if (!strcmp(argv[i], "-t") && i + 1 < argc)
			threads = atoi(argv[++i]);
		else
			n.layers_n = atoi(argv[i]);
	}
	if (repetitions < 1 || repetitions > REPETITIONS_MAX || n.layers_n < 1 || n.layers_n > LAYERS_MAX) {
		fprintf(stderr, "usage: transformer [LAYERS] [-r REPETITIONS] [-t THREADS]\n");
		return 2;
	}
	n.inner = inner_best();
	n.pool = pool_new(threads, &err);
	if (!n.pool) {
		fprintf(stderr, "transformer: %s\n", err.msg);
		return 1;
	}
	blas_open(&n.blas);
	make_net(&n);
	measure(&n, repetitions);
	pool_free(n.pool);
	return 0;
}
