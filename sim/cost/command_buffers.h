/*
 * command_buffers.h - command buffers that a runtime ends because of the weights in them; private to the room.
 *
 * Layer cost. MLX hands a command buffer to the device once the arrays that its kernels read have more than so many numbers
 * in all (CommandEncoder::needs_commit() and set_input_array(), mlx/backend/metal/device.cpp, ml-explore/mlx@846d1762: elements, of
 * which a packed one of 32 bits holds eight weights of 4 bits). Experts count with all that the layer has, hit or not, so that
 * of a large mixture nearly every product ends one. Until the next buffer begins the device is idle.
 */
#ifndef SIM_COST_COMMAND_BUFFERS_H
#define SIM_COST_COMMAND_BUFFERS_H
#include "sim/cost/cost.h"

/* The buffers that end with a product (OP_LINEAR) of which a device has so large a share, 0 to op->times; a fraction where it takes
 * several such products to fill one. 0 where the profile says nothing of buffers. */
double command_buffers(const struct overhead *o, const struct op *op, double share);

#endif
