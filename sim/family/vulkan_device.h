/*
 * vulkan_device.h - what a log of llama.cpp says of a Vulkan device, against the kernels that a profile is of.
 *
 * Layer family. "ggml_vulkan: 0 = NAME (DRIVER) | uma: 0 | fp16: 1 | bf16: 0 | warp size: 64 | shared memory: 65536 | int dot: 1 | matrix
 * cores: KHR_coopmat" tells which shaders the program picks (ggml_vk_get_device(), ggml_vk_load_shaders() of ggml-vulkan.cpp,
 * ggml-org/ggml@d99724f2). Without matrix cores products of many rows run on vector
 * units, as integers: which part of the rate that leaves is the profile's `tile.vector`, if it is known. AMD's own driver, of
 * Windows, has no tiles of 128 by 128 (mul_mat_l is off for eAmdProprietary; pull request 18763 of ggml-org/llama.cpp), nor had any AMD
 * driver before January 2026 (18749). `warp size` and `shared memory` follow from chip and driver and are not looked at.
 */
#ifndef SIM_FAMILY_VULKAN_DEVICE_H
#define SIM_FAMILY_VULKAN_DEVICE_H
#include "sim/hw/hw.h"
#include "sim/runs/ingest.h"

/* 0; -1 with err and a hint for a prompt that ran without matrix cores, under a profile of Vulkan that does not say what vector units
 * reach, or without products of integers as well. Tokens of one sequence use none. */
int vulkan_device_hold(const struct run *run, const struct profile *p, struct err *err);

/* The profile with the tiles and units that the run's build and driver have: p itself, or a copy in the arena. */
const struct profile *vulkan_device_as_run(struct arena *a, const struct profile *p, const struct run *run);

/* What of the device's line is predicted otherwise than it ran, or not at all; NULL: nothing. In the arena. */
const char *vulkan_device_note(struct arena *a, const struct run *run, const struct profile *p, bool bf16);

#endif
