/*
 * serving.h - the settings with which a server runs requests: scheduler, limits, overhead of the host.
 *
 * Layer hw. Servers are files of `kind: server` beside the families of runtimes; each default cites the
 * place in the server's source that sets it. A runtime has a default server (programs.h). The field table is the
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
	int64_t seqs;   /* sequences that run at once: vLLM's max_num_seqs, llama.cpp's slots */
	int64_t batch;  /* tokens of one iteration: max_num_batched_tokens, n_batch; 0: any number */
	int64_t ubatch; /* tokens of one pass through the model; 0: as the iteration has */
	int64_t block;  /* tokens of a block of the cache */
	/* tokens that the cache holds for all slots under llama.cpp, else that one sequence may have; 0: of the memory, or the
	 * model's */
	int64_t context;
	int64_t prompts;  /* prompts that are read at once */
	int64_t step;     /* tokens by which each of them advances; 0: by all */
	int64_t tail;     /* last tokens of a prompt that are read in a pass of their own; 0: none */
	struct qty poll;  /* seconds of iterations between two looks for new requests; not given: each one */
	int64_t queue;    /* requests that may wait; 0: any number */
	struct qty ahead; /* SGLang's new_token_ratio: share of what running requests have to go that stays
				free when one is admitted, at first; not given: none */
	bool prefill_first; /* a new prompt stops decoding until it is read */
	bool radix;         /* the prefix cache is a radix tree (SGLang), else blocks by name */
	bool pipelined;     /* a pipeline of devices has as many batches in flight as devices; else one */
	bool async;         /* an iteration is planned while the one before it runs */
	bool eager;         /* no pass is recorded: the host launches each kernel (vLLM's --enforce-eager) */
	bool piecewise;     /* passes are recorded in pieces, between which the host launches attention */
	bool reserve;       /* blocks for the longest answer are set aside at admission */
	bool whole_prompt; /* a prompt is admitted only where free blocks hold all of it, read in pieces or not */
	struct qty memory;   /* share of the device's memory that the server takes; not given: all usable */
	struct qty driver;   /* bytes of it that the driver keeps, so that no server sees them */
	struct qty sampling; /* bytes of each logit that choosing a token holds, of all that may be chosen at
				once */
	struct qty reserved; /* bytes of it for what is no weight, cache or activation */
	struct qty host_cache; /* bytes of host memory for the caches of prompts that slots lose; none: 0 */
	struct qty host_copy;  /* bytes per second to and from there; the server's loop waits for it */
	struct field_list graphs; /* double: batch sizes with a captured graph, rising; others run padded */
	struct qty rebuild; /* seconds for each layer of the model, where a pass follows one of another shape:
			     * the runtime builds its graph of kernels anew */
	struct qty
		new_rows; /* seconds of a pass of so many rows as none before it had: the runtime plans its products
			      * for each number of rows. Those of captured graphs and a full batch are met at the start */
	struct qty host;         /* seconds of an iteration in which the device waits for the host */
	struct qty host_per_seq; /* and more for each sequence in it */
	struct qty
		detokenizer; /* seconds for each entry of the vocabulary while a request is taken in and the loop waits */
	struct qty request;           /* seconds of HTTP, template and tokenizer before a request is queued */
	struct qty request_per_token; /* and more for each token of its prompt */
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

#endif
