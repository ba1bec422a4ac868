/*
 * launch.metal - kernels that do nothing, for what a dispatch costs.
 *
 * `empty` must take a buffer and read it, or a driver might leave it out. `chain` counts: each dispatch needs
 * the sum of the one before, so a lost or reordered dispatch shows.
 */
#include <metal_stdlib>
using namespace metal;

kernel void empty(device uint *x [[buffer(0)]], uint at [[thread_position_in_grid]])
{
	if (x[1] == 0x9e3779b9u && at == 0) /* never */
		x[2] = at;
}

kernel void chain(device uint *x [[buffer(0)]], uint at [[thread_position_in_grid]])
{
	if (at == 0)
		x[0] += 1;
}
