/*
 * serving.h - the settings with which a server runs requests: scheduler, limits, overhead of the host.
 *
 * Layer hw. Servers are files of `kind: server` beside the families of runtimes; each default cites the
 * place in the server's source that sets it. A runtime has a default server. The field table is the
 * reference of those files, and of the keys that a scenario may override.
 */
#ifndef SIM_HW_SERVING_H
#define SIM_HW_SERVING_H
#include "sim/conf/load.h"
#include "sim/hw/hw.h"

enum serving_scheduler { SERVING_VLLM, SERVING_LLAMACPP, SERVING_MLX, SERVING_STATIC, SERVING_SCHEDULERS };
extern const char *const serving_scheduler_names[SERVING_SCHEDULERS + 1];

/* Layout of the KV cache. unified: one cache for all sequences, with a mask; split: one for each slot;
 * paged: blocks; padded: to the longest sequence of a batch. */
enum serving_kv { SERVING_UNIFIED, SERVING_SPLIT, SERVING_PAGED, SERVING_PADDED, SERVING_KVS };
extern const char *const serving_kv_names[SERVING_KVS + 1];

struct serving {
	struct origin origin;
	int scheduler, kv;
	/* largest number of sequences that run at once: vLLM's max_num_seqs, llama.cpp's slots */
	int64_t seqs;
	int64_t batch;  /* tokens of one iteration: max_num_batched_tokens, n_batch; 0: any number */
	int64_t ubatch; /* tokens of one pass through the model; 0: those of the iteration */
	int64_t block;  /* tokens of a block of the cache */
	/* tokens that the cache holds for all slots; 0: limited by the memory, or by the model */
	int64_t context;
	int64_t prompts;    /* prompts that are prefilled at once */
	int64_t step;       /* tokens of each of them in one iteration; 0: all of the prompt */
	int64_t queue;      /* largest number of waiting requests; 0: no limit */
	bool prefill_first; /* decoding pauses while a new prompt is prefilled */
	bool async;         /* asynchronous scheduling: an iteration is scheduled while the one before runs */
	bool reserve;       /* at admission, blocks for the longest answer are reserved */
	/* share of the device's memory that the server uses; not given: all usable memory */
	struct qty memory;
	struct qty driver; /* bytes of it that the driver reserves */
	/* bytes for each logit during sampling, for the largest number of tokens sampled at once */
	struct qty sampling;
	struct qty reserved; /* bytes of it for purposes other than weights, cache and activations */
	/* double: batch sizes with a captured graph, ascending; other sizes are padded */
	struct field_list graphs;
	/* seconds for each layer of the model if a pass has another shape than the one before: the runtime
	 * builds its graph of kernels anew */
	struct qty rebuild;
	struct qty host;         /* seconds of an iteration in which the device waits for the host */
	struct qty host_per_seq; /* further seconds for each sequence in it */
	struct qty request;      /* seconds of HTTP, chat template and tokenizer before a request is queued */
	struct qty request_per_token; /* further seconds for each token of its prompt */
};
extern const struct table serving_table;

struct server_file { /* a file of `kind: server` */
	struct origin origin;
	const char *schema, *title, *version;
	int kind;
	struct serving serving;
};
extern const struct table server_table;

/* Checks across keys: ascending graph sizes, slots that the context holds, a ubatch within the batch. */
int serving_check(const struct serving *s, struct diags *diags);

/* The settings of a server by its name ("serve-ollama"), with those of a scenario (a mapping, or NULL)
 * merged over them. In the loader's arena; NULL with the reasons in its diags. */
const struct serving *serving_load(struct loader *l, const char *server, struct place place,
				   struct yml *over);

/* The name of a runtime's default server: "serve-llama.cpp" for "cuda@2025-10"; NULL: none. */
const char *serving_of_runtime(const char *runtime);

#endif
