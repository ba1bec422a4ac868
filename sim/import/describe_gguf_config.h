/*
 * describe_gguf_config.h - the keys of a GGUF under the names of a config.json, for families whose layers are of
 * several kinds.
 *
 * Layer import. A family is then described in one place, families.c, whichever file it is read from.
 */
#ifndef SIM_IMPORT_DESCRIBE_GGUF_CONFIG_H
#define SIM_IMPORT_DESCRIBE_GGUF_CONFIG_H
#include "sim/import/gguf.h"
#include "sim/conf/yml.h"

/* NULL where describe_gguf.c reads the architecture from its tensors. layers: block_count without the layers
 * that predict further tokens. */
struct yml *describe_gguf_config(struct arena *a, const struct gguf *g, const struct tensor_table *t,
				 const char *arch, int64_t layers);

#endif
