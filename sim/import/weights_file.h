/*
 * weights_file.h - the formats in which a GGUF keeps the weights of a model, class by class, or in which the quantisation block of
 * a config.json says that they are kept (quantized.h).
 *
 * Layer import. File types are names; mixes such as Unsloth's "UD" follow no rule that their name tells. So a
 * scenario may name the file instead, and its table of tensors says what each class of them takes.
 */
#ifndef SIM_IMPORT_WEIGHTS_FILE_H
#define SIM_IMPORT_WEIGHTS_FILE_H
#include "sim/conf/load.h"
#include "sim/llm/model.h"

/* Reads the headers of the file that p->file names and fills in p->file->holds and the file type that it is
 * nearest to. The path is relative to the file that names it. Without p->file nothing is done. Complaints go
 * to the loader's diags, at the place of the path: files that are no GGUF and no config.json, of another model, or with a
 * format that is not here. 0 or -1. */
int weights_file_load(struct loader *l, const struct model *m, struct precision *p);

/* The class of a tensor of a GGUF in this model; TENSOR_N: it is none of the model's, such as rotary factors, vision
 * towers and layers behind the last one. fused: q, k and v of attention are one tensor, which counts as
 * TENSOR_Q. dims: number of dimensions that are not 1. */
enum tensor weights_file_class(const char *name, size_t dims, int64_t layers, bool fused);

#endif
