/*
 * unlike_chip.h - a chip that the catalogue has not, told from one that it has by the number in its name.
 *
 * Layer family. A driver or an owner names chips of which no file is, "AMD Radeon RX 6700 XT", "Tesla P40". Makers tell their
 * chips apart by a number and the letters at it, so that a name with another number is of another chip, and a few by a word ("TITAN
 * RTX", "Radeon VII"); AMD's drivers tell the processor of a chip for which they have no name ("gfx1151"); a name without any, or
 * without a maker ("AMD Radeon Graphics", "box 12"), tells nothing.
 */
#ifndef SIM_FAMILY_UNLIKE_CHIP_H
#define SIM_FAMILY_UNLIKE_CHIP_H
#include <stdbool.h>
#include <stddef.h>

/* Does `said` name a maker's chip whose number, or the letters at it, no one of the names (n, each may be NULL) has? */
bool chip_is_unlike(const char *said, const char *const *names, size_t n);

#endif
