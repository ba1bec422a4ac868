/*
 * rows.h - products of a few rows of x: each warp sums some columns for R rows of the weights by M rows of x, a thread for
 * each of these sums adds those of all warps. Behind device.h and before the kernels of every .cu file.
 */

/* part[warp][r][j]: the sums of a warp's lanes. */
template <int M, int R> DEVICE void rows_part(float (&sum)[R][M], float (*part)[R][M])
{
	const uint thread = thread_of_block();

	UNROLL for (int r = 0; r < R; r++) UNROLL for (int j = 0; j < M; j++)
	{
		for (uint mask = 1; mask < 32; mask *= 2)
			sum[r][j] += shuffle_xor(sum[r][j], mask);
		if (thread % 32 == 0)
			part[thread / 32][r][j] = sum[r][j];
	}
	block_barrier();
}

/* y[j][row0 + r], or y[ids[j]], of the first `rows` rows of x, from the parts of all warps; a thread for each. */
template <int WARPS_N, int M, int R>
DEVICE void rows_store(float *y, float (*part)[R][M], const uint *ids, uint rows, uint row0, uint n)
{
	const uint thread = thread_of_block(), j = thread / R, r = thread % R;
	float sum = 0.0f;

	if (j < M && j < rows && row0 + r < n) {
		UNROLL for (int warp = 0; warp < WARPS_N; warp++) sum += part[warp][r][j];
		y[(uint64)(ids ? ids[j] : j) * n + row0 + r] = sum;
	}
}
