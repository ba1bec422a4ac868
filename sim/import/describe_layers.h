/*
 * describe_layers.h - the layers of a config.json that are of several kinds.
 *
 * Layer import.
 */
#ifndef SIM_IMPORT_DESCRIBE_LAYERS_H
#define SIM_IMPORT_DESCRIBE_LAYERS_H
#include "sim/import/config.h"

/* Fills the kinds of a description whose family has a plan; its widths and experts have been read. */
void describe_layers(struct reading *r);

#endif
