/*
 * mac.h - what a Mac says of itself without Metal: sysctl, the registry, the power source. Plain C.
 */
#ifndef KERNELS_METAL_MAC_H
#define KERNELS_METAL_MAC_H
#include "kernels/backend.h"

/* Fills chip, os, build, cores, ram_B and cache_B; what is not found is empty or 0. `name`: the GPU's, in
 * place of an unknown chip. */
void mac_info(struct backend_info *info, const char *name);

bool mac_on_battery(void);

#endif
