/*
 * describe_vision.h - the weights of the vision tower that a config.json describes, which no model here holds.
 *
 * Layer import.
 */
#ifndef SIM_IMPORT_DESCRIBE_VISION_H
#define SIM_IMPORT_DESCRIBE_VISION_H
#include "sim/import/config.h"

/* Numbers in the layers, the patches and what joins them to the text model, without biases and norms; 0: its config says no widths.
 * text_h: width of the text model. */
double vision_weights(struct config_reading *r, const struct yml *vision, double text_h);

#endif
