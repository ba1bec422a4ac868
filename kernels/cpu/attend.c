/* attend.c - see attend.h. */
#include "kernels/cpu/attend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/inner.h"
#include "sim/base/mem.h"

enum { BLOCK = 64, DIM_MAX = 128, GROUP_MAX = 64, DECODE_KEYS = 64, KEYS_AHEAD = 8 };

bool attend_can(int64_t heads, int64_t kv_heads, int64_t head_dim)
{
	return heads > 0 && kv_heads > 0 && heads % kv_heads == 0 && heads / kv_heads <= GROUP_MAX &&
	       head_dim > 0 && head_dim <= DIM_MAX && head_dim % TILE_COLUMNS == 0;
}

/* Prefill: one head and BLOCK queries against BLOCK keys at a time. */
struct prefill {
	const struct kv_cache *a;
	const struct inner *inner;
	float *out;
	const float *queries;
	int64_t queries_n, context, blocks;
};

struct prefill_block {
	float query[BLOCK * DIM_MAX]; /* scaled by 1 / sqrt(head_dim) */
	float keys[DIM_MAX * BLOCK];  /* turned: [head_dim][BLOCK] */
	float score[BLOCK * BLOCK];
	float out[BLOCK * DIM_MAX];
	float most[BLOCK], sum[BLOCK];
	int64_t head, first, rows; /* rows that count; up to the next multiple of TILE_ROWS they are zero */
};

static void begin_block(struct prefill_block *b, const struct prefill *f, int64_t item)
{
	const int64_t dim = f->a->head_dim;
	const float scale = 1 / sqrtf((float)dim);

	b->head = item % f->a->heads;
	b->first = item / f->a->heads * BLOCK;
	b->rows = f->queries_n - b->first < BLOCK ? f->queries_n - b->first : BLOCK;
	memset(b->query, 0, sizeof b->query);
	memset(b->out, 0, sizeof b->out);
	for (int64_t i = 0; i < b->rows; i++) {
		f->inner->scale(b->query + i * dim,
				f->queries + ((b->first + i) * f->a->heads + b->head) * dim, (size_t)dim,
				scale);
		b->most[i] = -INFINITY;
		b->sum[i] = 0;
	}
}

static void turn_keys(struct prefill_block *b, const float *keys, int64_t n, int64_t dim)
{
	if (n < BLOCK)
		memset(b->keys, 0, sizeof b->keys);
	for (int64_t j = 0; j < n; j++)
		for (int64_t d = 0; d < dim; d++)
			b->keys[d * BLOCK + j] = keys[j * dim + d];
}

static void score_block(struct prefill_block *b, const struct inner *inner, int64_t dim)
{
	for (int64_t i = 0; i < b->rows; i += TILE_ROWS)
		for (int64_t j = 0; j < BLOCK; j += TILE_COLUMNS)
			inner->tile_set(&(struct tile_product){.c = b->score + i * BLOCK + j,
							       .a = b->query + i * dim,
							       .b = b->keys + j,
							       .c_stride = BLOCK,
							       .a_stride = (size_t)dim,
							       .b_stride = BLOCK,
							       .k = (size_t)dim});
}

/* Turns scores into weights; `seen` keys of the block are seen by the first row, one more by each next. */
static void weigh_block(struct prefill_block *b, const struct inner *inner, int64_t seen, int64_t n,
			int64_t dim)
{
	for (int64_t i = 0; i < b->rows; i++) {
		float *row = b->score + i * BLOCK, most = b->most[i], before;
		const int64_t mine = seen + i < n ? seen + i : n;

		for (int64_t j = 0; j < mine; j++)
			most = row[j] > most ? row[j] : most;
		for (int64_t j = mine > 0 ? mine : 0; j < BLOCK; j++)
			row[j] = -INFINITY;
		if (mine <= 0) { /* this row sees nothing here */
			memset(row, 0, BLOCK * sizeof *row);
			continue;
		}
		before = expf(b->most[i] - most);
		b->most[i] = most;
		inner->exp_sum(row, (size_t)mine, most);
		memset(row + mine, 0, (size_t)(BLOCK - mine) * sizeof *row);
		b->sum[i] *= before;
		for (int64_t j = 0; j < mine; j++)
			b->sum[i] += row[j];
		if (before < 1)
			inner->scale(b->out + i * dim, b->out + i * dim, (size_t)dim, before);
	}
	for (int64_t i = b->rows; i % TILE_ROWS; i++)
		memset(b->score + i * BLOCK, 0, BLOCK * sizeof *b->score);
}

static void add_values(struct prefill_block *b, const struct inner *inner, const float *values, int64_t n,
		       int64_t dim)
{
	for (int64_t i = 0; i < b->rows; i += TILE_ROWS)
		for (int64_t d = 0; d < dim; d += TILE_COLUMNS)
			inner->tile_add(&(struct tile_product){.c = b->out + i * dim + d,
							       .a = b->score + i * BLOCK,
							       .b = values + d,
							       .c_stride = (size_t)dim,
							       .a_stride = BLOCK,
							       .b_stride = (size_t)dim,
							       .k = (size_t)n});
}

static void prefill_part(void *self, int part, int parts)
{
	const struct prefill *f = self;
	const struct kv_cache *a = f->a;
	const int64_t dim = a->head_dim, items = f->blocks * a->heads;
	struct prefill_block b;

	/* dealt in turn from the longest row of blocks to the shortest: even shares of the triangle */
	for (int64_t item = items - 1 - part; item >= 0; item -= parts) {
		const float *keys, *values;
		int64_t past;

		begin_block(&b, f, item);
		keys = a->keys + b.head / (a->heads / a->kv_heads) * a->stride * dim;
		values = a->values + b.head / (a->heads / a->kv_heads) * a->stride * dim;
		past = f->context - f->queries_n + b.first; /* keys before the block's own */
		for (int64_t from = 0; from < past + b.rows; from += BLOCK) {
			const int64_t n = f->context - from < BLOCK ? f->context - from : BLOCK;

			turn_keys(&b, keys + from * dim, n, dim);
			score_block(&b, f->inner, dim);
			weigh_block(&b, f->inner, past + 1 - from, n, dim);
			add_values(&b, f->inner, values + from * dim, n, dim);
		}
		for (int64_t i = 0; i < b.rows; i++)
			f->inner->scale(f->out + ((b.first + i) * a->heads + b.head) * dim, b.out + i * dim,
					(size_t)dim, 1 / b.sum[i]);
	}
}

void attend_prefill(struct pool *p, const struct kv_cache *a, float *out, const float *queries,
		    int64_t queries_n, int64_t context)
{
	struct prefill f = {.a = a,
			    .inner = inner_best(),
			    .out = out,
			    .queries = queries,
			    .queries_n = queries_n,
			    .context = context,
			    .blocks = (queries_n + BLOCK - 1) / BLOCK};

	pool_run(p, prefill_part, &f);
}

/* Decode: a piece of the keys of one KV head, for all query heads that share it; then the pieces are joined.
 */
struct decode {
	const struct kv_cache *a;
	const struct inner *inner;
	const float *query;
	float *pieces; /* [heads][pieces_n] of {most, sum, out[head_dim]} */
	int64_t context, pieces_n;
};

struct decode_group { /* the heads of a group, up to a multiple of TILE_ROWS with rows of zero */
	float query[GROUP_MAX * DIM_MAX];
	float score[GROUP_MAX * DECODE_KEYS];
	float out[GROUP_MAX * DIM_MAX];
	float most[GROUP_MAX], sum[GROUP_MAX];
	int64_t heads, rows;
};

static float *piece_of(const struct decode *d, int64_t head, int64_t piece)
{
	return d->pieces + (head * d->pieces_n + piece) * (d->a->head_dim + 2);
}

static void begin_group(struct decode_group *b, const struct decode *d, int64_t kv)
{
	const int64_t dim = d->a->head_dim;

	b->heads = d->a->heads / d->a->kv_heads;
	b->rows = (b->heads + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
	memset(b->query, 0, (size_t)(b->rows * dim) * sizeof *b->query);
	memset(b->out, 0, (size_t)(b->rows * dim) * sizeof *b->out);
	d->inner->scale(b->query, d->query + kv * b->heads * dim, (size_t)(b->heads * dim),
			1 / sqrtf((float)dim));
	for (int64_t g = 0; g < b->rows; g++) {
		b->most[g] = -INFINITY;
		b->sum[g] = 0;
	}
}

/* At most DECODE_KEYS keys, each read once for the whole group. */
static void decode_keys(struct decode_group *b, const struct decode *d, const float *keys, int64_t n)
{
	const int64_t dim = d->a->head_dim;
	const float *values = d->a->values + (keys - d->a->keys);

	for (int64_t j = 0; j < n; j++) {
		/* asked for ahead: values are read in columns later, which no prefetcher follows */
		for (int64_t c = 0; c < dim; c += TILE_COLUMNS) {
			__builtin_prefetch(keys + (j + KEYS_AHEAD) * dim + c);
			__builtin_prefetch(values + j * dim + c);
		}
		for (int64_t g = 0; g < b->rows; g += TILE_ROWS) {
			float s[TILE_ROWS];

			d->inner->dots(s, b->query + g * dim, (size_t)dim, keys + j * dim, (size_t)dim);
			for (int64_t i = 0; i < TILE_ROWS; i++)
				b->score[(g + i) * DECODE_KEYS + j] = s[i];
		}
	}
	for (int64_t g = 0; g < b->rows; g++) {
		float *score = b->score + g * DECODE_KEYS, most = b->most[g], before;

		for (int64_t j = 0; j < n; j++)
			most = score[j] > most ? score[j] : most;
		before = expf(b->most[g] - most);
		b->most[g] = most;
		b->sum[g] = b->sum[g] * before + d->inner->exp_sum(score, (size_t)n, most);
		if (before < 1)
			d->inner->scale(b->out + g * dim, b->out + g * dim, (size_t)dim, before);
	}
	for (int64_t g = 0; g < b->rows; g += TILE_ROWS)
		for (int64_t c = 0; c < dim; c += TILE_COLUMNS)
			d->inner->tile_add(&(struct tile_product){.c = b->out + g * dim + c,
								  .a = b->score + g * DECODE_KEYS,
								  .b = values + c,
								  .c_stride = (size_t)dim,
								  .a_stride = DECODE_KEYS,
								  .b_stride = (size_t)dim,
								  .k = (size_t)n});
}

static void decode_part(void *self, int part, int parts)
{
	const struct decode *d = self;
	const struct kv_cache *a = d->a;
	const int64_t items = a->kv_heads * d->pieces_n;
	struct decode_group b;

	for (int64_t item = part; item < items; item += parts) {
		const int64_t kv = item / d->pieces_n, piece = item % d->pieces_n;
		const struct span s = pool_span(d->context, DECODE_KEYS, (int)piece, (int)d->pieces_n);

		begin_group(&b, d, kv);
		for (int64_t from = s.from; from < s.to; from += DECODE_KEYS)
			decode_keys(&b, d, a->keys + (kv * a->stride + from) * a->head_dim,
				    s.to - from < DECODE_KEYS ? s.to - from : DECODE_KEYS);
		for (int64_t g = 0; g < b.heads; g++) {
			float *to = piece_of(d, kv * b.heads + g, piece);

			to[0] = b.most[g];
			to[1] = b.sum[g];
			memcpy(to + 2, b.out + g * a->head_dim, (size_t)a->head_dim * sizeof *to);
		}
	}
}

static void join_pieces(const struct decode *d, int64_t head, float *out)
{
	const int64_t dim = d->a->head_dim;
	float most = -INFINITY, sum = 0;

	for (int64_t i = 0; i < d->pieces_n; i++)
		most = piece_of(d, head, i)[0] > most ? piece_of(d, head, i)[0] : most;
	memset(out, 0, (size_t)dim * sizeof *out);
	for (int64_t i = 0; i < d->pieces_n; i++) {
		const float *piece = piece_of(d, head, i), share = expf(piece[0] - most);

		sum += piece[1] * share;
		d->inner->add_scaled(out, piece + 2, (size_t)dim, share);
	}
	d->inner->scale(out, out, (size_t)dim, 1 / sum);
}

void attend_decode(struct pool *p, const struct kv_cache *a, float *out, const float *query, int64_t context)
{
	const int64_t threads = pool_threads(p), most = (context + DECODE_KEYS - 1) / DECODE_KEYS;
	int64_t pieces_n = a->kv_heads % threads ? (2 * threads + a->kv_heads - 1) / a->kv_heads : 1;
	struct decode d = {.a = a, .inner = inner_best(), .query = query, .context = context};

	pieces_n = pieces_n > most ? most : pieces_n;
	d.pieces_n = pieces_n;
	d.pieces = xmalloc((size_t)(a->heads * pieces_n * (a->head_dim + 2)) * sizeof *d.pieces);
	pool_run(p, decode_part, &d);
	for (int64_t h = 0; h < a->heads; h++)
		join_pieces(&d, h, out + h * a->head_dim);
	free(d.pieces);
}
