/*
 * mac_id.h - Apple's identifiers of Macs, which System Information and `sysctl hw.model` print: "Mac16,12".
 *
 * Layer ask. An identifier says the product and its chip, not its cores nor its memory.
 */
#ifndef SIM_ASK_MAC_ID_H
#define SIM_ASK_MAC_ID_H
#include "sim/base/texts.h"

/* "Mac16,12 24gb" as a machine is called in words, "MacBook Air M4 24gb"; a text that begins with no known identifier as it stands. */
const char *mac_id_in_words(struct arena *a, const char *text);

/* The machines of a list, parted by commas, of which that inside an identifier, known or not, is none. */
struct texts mac_id_cut(struct arena *a, const char *text);

#endif
