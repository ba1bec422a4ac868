/*
 * idle_setting.h - a setting of a bandwidth that no prediction asks for, since rates beside it are stated as they were
 * measured.
 *
 * Layer world. The bus of a machine gives a device's rates where its runtime's profile has them as shares of it; where they
 * are bytes per second they stay. A link with bandwidth_by_size has its rates from there.
 */
#ifndef SIM_WORLD_IDLE_SETTING_H
#define SIM_WORLD_IDLE_SETTING_H
#include "sim/world/world.h"

/* setting: "PATH=VALUE", as of --set and --over, that the world has been loaded with or could be. What decides instead, as a
 * sentence in the arena without a point at its end; NULL: the setting does something, or is not of a bandwidth. */
const char *idle_setting(struct arena *a, const struct world *w, const char *setting);

#endif
