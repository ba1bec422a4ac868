/*
 * import.h - converts a published model into a model file.
 *
 * Layer import. The input is a config.json, a GGUF file, a safetensors file or a
 * model.safetensors.index.json; for a sharded model it is any one shard, and the others are found beside it.
 * The text that is returned has been loaded again and checked, so that it can be used at once.
 */
#ifndef SIM_IMPORT_IMPORT_H
#define SIM_IMPORT_IMPORT_H
#include "sim/conf/load.h"
#include "sim/import/describe.h"

struct import_ask {
	const char *path;
	const char *facts; /* path of a YAML file with additional figures; NULL: none */
	bool assume;       /* a family that is not known is taken as a plain transformer */
	const char *tool;  /* name and version of this program: "lemursim 0.1.0" */
};

struct import_result {
	struct described described;
	struct tensor_sums sums; /* all zero if there is no tensor table */
	size_t tensors_n, files_n;
	uint64_t short_B;      /* bytes of data that the files lack: downloads of headers have little else */
	const char *file_type; /* the file type of ours that is closest to the table; NULL without a table */
	double off;            /* relative difference between the bytes of that file type and of the table */
	double quantized_B,
		quantized_mtp_B; /* of a config.json with a quantisation block: what quantized.h makes of it; 0: none */
	struct str text; /* the model file; released by the caller */
};

/* The file type (enum mix_id) that makes so many bytes of a model's weights: the one that the file names (said, or NULL)
 * if it does within 0.5 %, else the nearest. */
int import_file_type(const struct model *m, const char *said, double bytes);

/* Reads the tensors of a GGUF, of all its shards, sorted by name; g: the keys of its first one. 0 or -1 with err. */
int import_gguf_tensors(struct loader *l, const char *path, struct gguf *g, struct tensor_table *t,
			struct err *err);

/* Returns 0, or -1: the error is in err, or in the loader's diags if it has a place in a text. */
int import_model(struct loader *l, const struct import_ask *ask, struct import_result *r, struct err *err);

#endif
