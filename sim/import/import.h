/*
 * import.h - from the files a model comes in to a model file of ours.
 *
 * Layer import. Takes a config.json, a GGUF, a safetensors file or model.safetensors.index.json; of a sharded
 * model any shard: the others are found beside it. What is written has been read back and checked, so that it
 * can be used at once.
 */
#ifndef SIM_IMPORT_IMPORT_H
#define SIM_IMPORT_IMPORT_H
#include "sim/conf/load.h"
#include "sim/import/describe.h"

struct import_ask {
	const char *path;
	const char *facts; /* a yaml of extras; NULL: none */
	const char *tool;  /* "lemursim 0.1.0" */
};

struct import_result {
	struct described described;
	struct tensor_sums sums; /* all zero without a tensor table */
	size_t tensors_n, files_n;
	uint64_t short_B;      /* data that the files lack: they hold little more than their headers */
	const char *file_type; /* of ours, that is closest to the table; NULL without one */
	double off;            /* by how much that file type's bytes differ from the table's, relative */
	struct str text;       /* the model file; the caller releases it */
};

/* 0, or -1: the complaint is in err, or in the diags of the loader where a place in a text is known. */
int import_model(struct loader *l, const struct import_ask *ask, struct import_result *r, struct err *err);

#endif
