/* compute_dtype.c - see compute_dtype.h. */
#include "sim/cost/compute_dtype.h"

#include "sim/hw/programs.h"

enum dtype compute_dtype_of_profile(const struct profile *p)
{
	return p->gemm[DTYPE_F16] ? DTYPE_F16 : p->gemm[DTYPE_BF16] ? DTYPE_BF16 : DTYPE_F32;
}

enum dtype compute_dtype(const struct device *d, const struct profile *p, const struct model *m)
{
	const bool slow = d->peak[DTYPE_BF16].value < d->peak[DTYPE_F16].value;

	if (m && slow && p->gemm[DTYPE_BF16] && m->mlx_dtype == MLX_BF16 &&
	    format_reader_of(p->origin.name) == READS_MLX)
		return DTYPE_BF16;
	return compute_dtype_of_profile(p);
}
