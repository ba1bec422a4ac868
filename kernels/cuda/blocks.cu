/*
 * blocks.cu - products with weights in blocks (formats.h), as the software that is to be predicted multiplies them (ggml-cuda of llama.cpp:
 * quantize.cu, mmq.cuh): x is rounded to 8 bits by blocks of 32, and products are of whole numbers, summed in 32 bits. Few rows are multiplied
 * in few_blocks.cu.
 *
 * y[m][n] = x[m][k] W[n][k]', for many rows by tensor cores; the same over the experts of a mixture. k is a multiple of 32.
 */
#define GEMM_THREADS 256
#define GEMM_WARPS   (GEMM_THREADS / 32)
#define TILE_N       128 /* rows of weights */
#define TILE_BLOCKS  4   /* of k, a step */
#define TILE_K       (TILE_BLOCKS * BLOCK)
#define TILE_ROW_B   (TILE_K + 16) /* eight rows of a matrix lie in different banks */
#define JOIN_NUMBERS 1024          /* of a tile a block joins */

struct product_params {
	uint m, n, k;
};

/* ---- rounding ---- */

/* Four numbers of x a thread, eight threads a block. `inverse` is 127 / the largest; the sum with 1.5 * 2^23 has the whole
 * number in its low byte. */
DEVICE uint rounded_byte(float x, float inverse)
{
	return bits_of_float(x * inverse + 12582912.0f) & 0xffu;
}

DEVICE void round_four(const float *x, uint *q, x_scale *scales, uint64 i)
{
	const words v = ((const words *)x)[i];
	float most = 0.0f, inverse, sum;
	uint packed = 0;

	UNROLL for (int j = 0; j < 4; j++) most = larger(most, size_of_float(float_of_bits(v.at[j])));
	for (uint mask = 1; mask < 8; mask *= 2)
		most = larger(most, shuffle_xor(most, mask));
	inverse = most > 0.0f ? 127.0f / most : 0.0f;
	UNROLL for (int j = 0; j < 4; j++) packed |= rounded_byte(float_of_bits(v.at[j]), inverse) << 8 * j;
	q[i] = packed;
	sum = (float)dot4(packed, 0x01010101u, 0);
	for (uint mask = 1; mask < 8; mask *= 2)
		sum += shuffle_xor(sum, mask);
	if (i % 8 == 0) {
		const x_scale s = {most / 127.0f, sum * (most / 127.0f)};

		scales[i / 8] = s;
	}
}

/* A warp beyond the end rounds the last numbers again, as the others do: all lanes meet. */
DEVICE uint64 four_of_thread(const product_params &p)
{
	const uint64 i = (uint64)block_x() * GEMM_THREADS + thread_of_block(), n = (uint64)p.m * (p.k / 4);

	return i < n ? i : n - 8 + i % 8;
}

KERNEL(GEMM_THREADS)
round_rows(const float *x, uint *q, x_scale *scales, PARAMS(product_params) p)
{
	next_begin();
	previous_end();
	round_four(x, q, scales, four_of_thread(p));
}

/* ---- many rows ---- */

/* A word of a block as it is put into shared memory: signed bytes. */
DEVICE void word_put(const q8 &, uchar *to, uint q, uint i)
{
	((uint *)to)[i] = q;
}
DEVICE void word_put(const q4 &, uchar *to, uint q, uint i)
{
	/* less eight in each byte: the highest bit lends, and is turned over */
	((uint *)to)[i] = (((q & 0x0f0f0f0fu) | 0x80808080u) - 0x08080808u) ^ 0x80808080u;
	((uint *)to)[i + 4] = (((q >> 4 & 0x0f0f0f0fu) | 0x80808080u) - 0x08080808u) ^ 0x80808080u;
}

template <int M> struct tile {
	uchar w[TILE_N * TILE_ROW_B], x[M * TILE_ROW_B];
	float w_scale[TILE_BLOCKS][TILE_N], x_scale[TILE_BLOCKS][M];
};

/* Rows of weights, and rows of x or of ids[], that a tile is made of; k in blocks. A matrix has less than 4 GiB: offsets of 64 bits
 * cost a tenth of the time. */
template <typename F> struct operands {
	const uchar *w, *x;
	const x_scale *scales;
	const uint *ids;
	uint row0, n, rows, blocks;
};

/* What a thread brings of a step: all is asked for before any of it is waited for. What lies past the end of rows is the last
 * row, whose results are not stored; past that of k the scales are zero. */
template <typename F, int M> struct step_of_thread {
	enum {
		WORDS = (F::BYTES - 2) / 4, /* of a block */
		STEP_WORDS = WORDS * TILE_BLOCKS,
		W_N = TILE_N * STEP_WORDS / GEMM_THREADS,
		WS_N = TILE_N * TILE_BLOCKS / GEMM_THREADS,
		PIECES = TILE_K / 16,
		X_N = (M * PIECES + GEMM_THREADS - 1) / GEMM_THREADS,
		XS_N = (M * TILE_BLOCKS + GEMM_THREADS - 1) / GEMM_THREADS
	};
	uint w[W_N];
	float w_scale[WS_N], x_scale[XS_N];
	words x[X_N];
};

DEVICE uint least(uint a, uint b)
{
	return a < b ? a : b;
}

template <typename F, int M> DEVICE void step_load(step_of_thread<F, M> *s, const operands<F> &o, uint block0)
{
	typedef step_of_thread<F, M> S;
	const uint thread = thread_of_block(), last = o.blocks - 1;

	UNROLL for (uint c = 0; c < S::W_N; c++)
	{
		const uint i = c * GEMM_THREADS + thread, row = least(o.row0 + i / S::STEP_WORDS, o.n - 1),
			   block = least(block0 + i / S::WORDS % TILE_BLOCKS, last);

		s->w[c] = word_of_halves((const ushort *)(o.w + (row * o.blocks + block) * F::BYTES) + 1 +
					 2 * (i % S::WORDS));
	}
	UNROLL for (uint c = 0; c < S::WS_N; c++)
	{
		const uint i = c * GEMM_THREADS + thread, row = least(o.row0 + i / TILE_BLOCKS, o.n - 1),
			   block = block0 + i % TILE_BLOCKS;
		const uint from = row * o.blocks + least(block, last);

		s->w_scale[c] = block > last ? 0.0f : half_bits(*(const ushort *)(o.w + from * F::BYTES));
	}
	UNROLL for (uint c = 0; c < S::X_N; c++)
	{
		const uint i = c * GEMM_THREADS + thread, row = least(i / S::PIECES, o.rows - 1),
			   piece = i % S::PIECES, block = least(block0 + piece / 2, last);

		s->x[c] = ((const words *)(o.x + ((uint64)(o.ids ? o.ids[row] : row) * o.blocks + block) *
							 BLOCK))[piece % 2];
	}
	UNROLL for (uint c = 0; c < S::XS_N; c++)
	{
		const uint i = c * GEMM_THREADS + thread, row = least(i / TILE_BLOCKS, o.rows - 1),
			   block = block0 + i % TILE_BLOCKS;
		const uint64 from = (uint64)(o.ids ? o.ids[row] : row) * o.blocks + least(block, last);

		s->x_scale[c] = block > last ? 0.0f : o.scales[from].each;
	}
}

template <typename F, int M> DEVICE void step_put(tile<M> *t, const step_of_thread<F, M> &s)
{
	typedef step_of_thread<F, M> S;
	const uint thread = thread_of_block();

	UNROLL for (uint c = 0; c < S::W_N; c++)
	{
		const uint i = c * GEMM_THREADS + thread;

		word_put(F{}, t->w + i / S::STEP_WORDS * TILE_ROW_B + i / S::WORDS % TILE_BLOCKS * BLOCK,
			 s.w[c], i % S::WORDS);
	}
	UNROLL for (uint c = 0; c < S::WS_N; c++)
	{
		const uint i = c * GEMM_THREADS + thread;

		t->w_scale[i % TILE_BLOCKS][i / TILE_BLOCKS] = s.w_scale[c];
	}
	UNROLL for (uint c = 0; c < S::X_N; c++)
	{
		const uint i = c * GEMM_THREADS + thread;

		if (i < M * S::PIECES)
			*(words *)(t->x + i / S::PIECES * TILE_ROW_B + 16 * (i % S::PIECES)) = s.x[c];
	}
	UNROLL for (uint c = 0; c < S::XS_N; c++)
	{
		const uint i = c * GEMM_THREADS + thread;

		if (i < M * TILE_BLOCKS)
			t->x_scale[i % TILE_BLOCKS][i / TILE_BLOCKS] = s.x_scale[c];
	}
}

/* WN times 16 rows of weights by WM times 8 rows of x are a warp's; ACROSS warps divide the weights. */
template <int M> struct warps_of {
	enum { ACROSS = M >= 64 ? 4 : 8, WN = TILE_N / 16 / ACROSS, WM = M / 8 / (GEMM_WARPS / ACROSS) };
};

struct alignas(8) two_floats {
	float at[2];
};

/* Whole numbers of WN products with columns j of x, by the scales of both. */
template <int WN, int WM>
DEVICE void sums_add(float (*sum)[WM][4], uint j, const int (*d)[4], const float (*each)[2],
		     const two_floats &x)
{
	UNROLL for (uint i = 0; i < WN; i++) UNROLL for (uint c = 0; c < 4; c++) sum[i][j][c] +=
		(float)d[i][c] * (each[i][c / 2] * x.at[c % 2]);
}

template <int M> DEVICE void tile_multiply(const tile<M> *t, float (*sum)[warps_of<M>::WM][4])
{
	typedef warps_of<M> W;
	const uint thread = thread_of_block(), lane = thread % 32, warp = thread / 32, g = lane / 4,
		   pair = lane % 4 * 2, n0 = warp % W::ACROSS * (16 * W::WN),
		   m0 = warp / W::ACROSS * (8 * W::WM);

	UNROLL for (uint block = 0; block < TILE_BLOCKS; block++)
	{
		uint a[W::WN][4], b[2 * W::WM];
		float each[W::WN][2];

		UNROLL for (uint i = 0; i < W::WN; i++)
		{
			matrices_load(a[i], (const half *)(t->w + (n0 + 16 * i + lane % 16) * TILE_ROW_B +
							   block * BLOCK + lane / 16 * 16));
			each[i][0] = t->w_scale[block][n0 + 16 * i + g];
			each[i][1] = t->w_scale[block][n0 + 16 * i + g + 8];
		}
		UNROLL for (uint j = 0; j < W::WM; j += 2) matrices_load(
			b + 2 * j,
			(const half *)(t->x + (m0 + 8 * j + lane / 16 * 8 + lane % 8) * TILE_ROW_B +
				       block * BLOCK + lane / 8 % 2 * 16));
		/* the next product is under way while one is added: it takes as long as twenty instructions */
		int d[2][W::WN][4];

		UNROLL for (uint j = 0; j <= W::WM; j++)
		{
			UNROLL for (uint i = 0; i < W::WN && j < W::WM; i++)
			{
				UNROLL for (uint c = 0; c < 4; c++) d[j % 2][i][c] = 0;
				multiply_add_bytes(d[j % 2][i], a[i], b + 2 * j);
			}
			if (j > 0)
				sums_add<W::WN>(
					sum, j - 1, d[(j - 1) % 2], each,
					*(const two_floats *)&t->x_scale[block][m0 + 8 * (j - 1) + pair]);
		}
	}
}

/* Sums into rows of `stride` numbers, of which those from row0 on are the tile's; ids: which row of `to` each is. */
template <int M>
DEVICE void tile_store(float (*sum)[warps_of<M>::WM][4], float *to, const uint *ids, uint rows, uint row0,
		       uint stride)
{
	typedef warps_of<M> W;
	const uint thread = thread_of_block(), lane = thread % 32, warp = thread / 32,
		   n0 = row0 + warp % W::ACROSS * (16 * W::WN) + lane / 4,
		   m0 = warp / W::ACROSS * (8 * W::WM) + lane % 4 * 2;

	UNROLL for (uint j = 0; j < W::WM; j++) UNROLL for (uint c = 0; c < 2; c++)
	{
		const uint row = m0 + 8 * j + c;
		float *const at = to + (uint64)(row < rows ? ids ? ids[row] : row : 0) * stride;

		UNROLL for (uint i = 0; i < 2 * W::WN; i++)
		{
			if (row < rows && n0 + 8 * i < stride)
				at[n0 + 8 * i] = sum[i / 2][j][i % 2 * 2 + c];
		}
	}
}

/* Steps s0 to s1 of k of one tile, into y where the last of them is among them, else into `part`, a whole tile. */
template <typename F, int M>
DEVICE void tile_product(tile<M> *t, const operands<F> &o, float *y, float *part, uint s0, uint s1)
{
	float sum[warps_of<M>::WN][warps_of<M>::WM][4];
	step_of_thread<F, M> step;

	UNROLL for (uint i = 0; i < warps_of<M>::WN; i++) UNROLL for (uint j = 0; j < warps_of<M>::WM; j++)
		UNROLL for (uint c = 0; c < 4; c++) sum[i][j][c] = 0.0f;
	for (uint s = s0; s < s1; s++) {
		if (M > 16 || s == s0)
			step_load<F, M>(&step, o, s * TILE_BLOCKS);
		step_put<F, M>(t, step);
		block_barrier();
		if (M <= 16 && s + 1 < s1) /* little to multiply: the next step is asked for meanwhile */
			step_load<F, M>(&step, o, (s + 1) * TILE_BLOCKS);
		tile_multiply<M>(t, sum);
		block_barrier();
	}
	if (part)
		tile_store<M>(sum, part, 0, M, 0, TILE_N);
	else
		tile_store<M>(sum, y, o.ids, o.rows, o.row0, o.n);
}

/* All tiles' steps are one row, which the blocks of threads divide evenly ("stream-k"). */
struct row_of_steps {
	uint steps, across; /* of a tile; tiles beside one another along the rows of x */
	uint64 all;
};
template <int M> DEVICE row_of_steps steps_of(const product_params &p)
{
	const uint steps = (p.k + TILE_K - 1) / TILE_K, across = (p.m + M - 1) / M;

	return row_of_steps{steps, across, (uint64)((p.n + TILE_N - 1) / TILE_N) * across * steps};
}
/* The first step of block b. */
DEVICE uint64 steps_from(const row_of_steps &r, uint b)
{
	return r.all * b / blocks_x();
}

/* A tile that its block does not end is kept among the parts, one for each block, which join() adds (mul_mat_q_stream_k_fixup() of
 * ggml-cuda/mmq.cuh). */
template <typename F, int M>
DEVICE void gemm(tile<M> *t, const uchar *w, const uchar *x, const x_scale *scales, float *y, float *parts,
		 const product_params &p)
{
	const uint blocks = p.k / BLOCK;
	const row_of_steps r = steps_of<M>(p);
	const uint64 to = steps_from(r, block_x() + 1);
	uint64 at = steps_from(r, block_x());

	while (at < to) {
		const uint of = (uint)(at / r.steps), s0 = (uint)(at % r.steps), m0 = of % r.across * M;
		const uint s1 = r.steps - s0 < to - at ? r.steps : s0 + (uint)(to - at);
		const operands<F> o = {w,
				       x + (uint64)m0 * p.k,
				       scales + (uint64)m0 * blocks,
				       0,
				       of / r.across * TILE_N,
				       p.n,
				       p.m - m0,
				       blocks};

		tile_product<F, M>(t, o, y + (uint64)m0 * p.n,
				   s1 < r.steps ? parts + (uint64)block_x() * (M * TILE_N) : 0, s0, s1);
		at += s1 - s0;
	}
}

/* The block that has a step; there are no more blocks than steps, so that each has some. */
DEVICE uint block_of_step(const row_of_steps &r, uint64 step)
{
	uint b = (uint)(step * blocks_x() / r.all);

	while (steps_from(r, b + 1) <= step)
		b++;
	return b;
}

/* For the block that ended a tile which others began: adds their parts to y, some rows of the tile for each of the grid's y. */
template <int M> DEVICE void join(float *y, const float *parts, const product_params &p)
{
	const row_of_steps r = steps_of<M>(p);
	const uint64 from = steps_from(r, block_x()), to = steps_from(r, block_x() + 1);
	const uint of = (uint)(from / r.steps), m0 = of % r.across * M, row0 = of / r.across * TILE_N;
	const uint64 begin = (uint64)of * r.steps;

	if (from == begin || begin + r.steps > to)
		return;
	const uint first = block_of_step(r, begin), others = block_x() - first;
	const float *const part = parts + (uint64)first * (M * TILE_N);

	UNROLL for (uint c = 0; c < JOIN_NUMBERS / GEMM_THREADS; c++)
	{
		const uint i = block_y() * JOIN_NUMBERS + c * GEMM_THREADS + thread_of_block(),
			   row = m0 + i / TILE_N, column = row0 + i % TILE_N;
		float sum = 0.0f;

		for (uint b = 0; b < others; b++)
			sum += part[b * (M * TILE_N) + i];
		if (row < p.m && column < p.n)
			y[(uint64)row * p.n + column] += sum;
	}
}

/* Of expert e, the block's y, M of its tokens at a time. */
template <typename F, int M>
DEVICE void experts(tile<M> *t, const uchar *w, const uchar *x, const x_scale *scales, float *y,
		    const product_params &p, const uint *first, const uint *ids)
{
	const uint e = block_y(), end = first[e + 1], blocks = p.k / BLOCK,
		   steps = (p.k + TILE_K - 1) / TILE_K;
	const uchar *expert = w + (uint64)e * p.n * blocks * F::BYTES;

	for (uint from = first[e]; from < end; from += M) {
		const operands<F> o = {expert, x,          scales, ids + from, block_x() * TILE_N,
				       p.n,    end - from, blocks};

		tile_product<F, M>(t, o, y, 0, 0, steps);
	}
}

#define GEMM(name, M)                                                                                        \
	KERNEL(GEMM_THREADS)                                                                                 \
	gemm_##name##_##M(const uchar *w, const uchar *x, const x_scale *scales, float *y, float *parts,     \
			  PARAMS(product_params) p)                                                          \
	{                                                                                                    \
		SHARED tile<M> t;                                                                            \
		gemm<name, M>(&t, w, x, scales, y, parts, p);                                                \
	}
#define EXPERTS(name, M)                                                                                     \
	KERNEL(GEMM_THREADS)                                                                                 \
	experts_##name##_##M(const uchar *w, const uchar *x, const x_scale *scales, float *y,                \
			     PARAMS(product_params) p, const uint *first, const uint *ids)                   \
	{                                                                                                    \
		SHARED tile<M> t;                                                                            \
		experts<name, M>(&t, w, x, scales, y, p, first, ids);                                        \
	}
/* R and M are known to kernels/gpu/plan.c and cuda_style of kernels/cuda/host.c too. */
#define FORMAT(name)                                                                                         \
	GEMM(name, 16)                                                                                       \
	GEMM(name, 32)                                                                                       \
	GEMM(name, 64)                                                                                       \
	GEMM(name, 128)                                                                                      \
	EXPERTS(name, 16)                                                                                    \
	EXPERTS(name, 32)                                                                                    \
	EXPERTS(name, 64)                                                                                    \
	EXPERTS(name, 128)
FORMAT(q8)
FORMAT(q4)

#define JOIN(M)                                                                                              \
	KERNEL(GEMM_THREADS) join_##M(float *y, const float *parts, PARAMS(product_params) p)                \
	{                                                                                                    \
		join<M>(y, parts, p);                                                                        \
	}
JOIN(16)
JOIN(32)
JOIN(64)
JOIN(128)
