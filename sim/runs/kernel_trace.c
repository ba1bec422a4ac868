/* kernel_trace.c - the formats told apart, and kernels by their names; see kernel_trace.h. */
#include "sim/runs/kernel_trace.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/runs/trace_parse.h"

enum { TRACE_FILE_MAX = 512 * 1024 * 1024 };

const char *const trace_format_names[] = {"torch.profiler", "ggml's Vulkan timings", "xctrace"};
const char *const kernel_kind_names[KERNEL_KINDS] = {"linear",     "scores",   "norm",  "rope", "kv_append",
						     "activation", "residual", "route", "other"};

/* Words of names, in the order in which they are tried: a kernel of attention may have "gemm" in its name, one of a norm
 * that is fused with what follows "mul" or "add". */
static const struct {
	const char *word;
	enum kernel_kind kind;
} words[] = {{"reshape_and_cache", KERNEL_KV_APPEND},
	     {"flash", KERNEL_SCORES},
	     {"fmha", KERNEL_SCORES},
	     {"attention", KERNEL_SCORES},
	     {"attn", KERNEL_SCORES},
	     {"sdpa", KERNEL_SCORES},
	     {"soft_max", KERNEL_SCORES},
	     {"softmax", KERNEL_SCORES},
	     {"topk", KERNEL_ROUTE},
	     {"argsort", KERNEL_ROUTE},
	     {"rope", KERNEL_ROPE},
	     {"rotary", KERNEL_ROPE},
	     {"rms_norm", KERNEL_NORM},
	     {"rmsnorm", KERNEL_NORM},
	     {"rmsf", KERNEL_NORM},
	     {"rmsbf", KERNEL_NORM},
	     {"rms_looped", KERNEL_NORM},
	     {"layer_norm", KERNEL_NORM},
	     {"layernorm", KERNEL_NORM},
	     {"silu", KERNEL_ACTIVATION},
	     {"glu", KERNEL_ACTIVATION},
	     {"gelu", KERNEL_ACTIVATION},
	     {"mul_mat", KERNEL_LINEAR},
	     {"mul_mv", KERNEL_LINEAR},
	     {"mul_mm", KERNEL_LINEAR},
	     {"gemm", KERNEL_LINEAR},
	     {"gemv", KERNEL_LINEAR},
	     {"cutlass", KERNEL_LINEAR},
	     {"nvjet", KERNEL_LINEAR},
	     {"cublas", KERNEL_LINEAR},
	     {"splitk", KERNEL_LINEAR},
	     {"qmv", KERNEL_LINEAR},
	     {"qmm", KERNEL_LINEAR},
	     {"set_rows", KERNEL_KV_APPEND},
	     {"cpy", KERNEL_KV_APPEND},
	     {"cache", KERNEL_KV_APPEND},
	     {"index_put", KERNEL_KV_APPEND},
	     {"catarray", KERNEL_KV_APPEND},
	     {"add", KERNEL_RESIDUAL}};

static bool has_word(const char *name, const char *word)
{
	const size_t n = strlen(word);

	for (; *name; name++) {
		size_t i = 0;

		while (i < n && tolower((unsigned char)name[i]) == word[i])
			i++;
		if (i == n)
			return true;
	}
	return false;
}

enum kernel_kind kernel_kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (has_word(name, words[i].word))
			return words[i].kind;
	return KERNEL_OTHER;
}

int trace_fail(struct trace_reader *r, const char *what)
{
	int line = 1;

	for (const char *s = r->text; s < r->at && s < r->end; s++)
		line += *s == '\n';
	return err_set(r->err, "%s:%d: %s", r->path, line, what);
}

/* Names are of C++, Metal or ggml: what is not printable ASCII is no name. */
void trace_plain(const char *name, char to[TRACED_NAME_MAX])
{
	size_t n = 0;

	for (; name[n] && n + 1 < TRACED_NAME_MAX; n++)
		to[n] = name[n] < ' ' || name[n] > '~' ? '?' : name[n];
	to[n] = '\0';
}

int trace_count(struct trace_reader *r, const char *name, size_t n, double seconds)
{
	char plain[TRACED_NAME_MAX];
	size_t at;

	trace_plain(name, plain);
	at = map_find(&r->names, plain);
	if (at == MAP_NONE && r->kernels.n == TRACED_KERNELS_MAX)
		return trace_fail(r, "more than 20000 names of kernels");
	if (at == MAP_NONE) {
		const char *kept = arena_strdup(r->arena, plain);

		at = map_add(&r->names, kept);
		VEC_ADD(&r->kernels, ((struct traced_kernel){kept, kernel_kind_of(plain), 0, 0}));
	}
	r->kernels.at[at].n += n;
	r->kernels.at[at].seconds += seconds;
	return 0;
}

void trace_forget(struct trace_reader *r)
{
	map_release(&r->names);
	r->names = (struct map)MAP_INIT;
	r->kernels.n = 0;
}

static int by_number(const void *a, const void *b)
{
	const struct traced_kernel *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->name, y->name);
}

static const char *const without_kernels[] = {
	[TRACE_TORCH] = "torch.profiler records them with ProfilerActivity.CUDA alone",
	[TRACE_GGML] = "GGML_VK_PERF_LOGGER=1 prints them after each graph that the GPU computes",
	[TRACE_XCTRACE] = "xctrace export --xpath takes the rows of the table metal-gpu-intervals"};

static int finish(struct trace_reader *r)
{
	struct traced_kernel *all = arena_array(r->arena, r->kernels.n + 1, sizeof *all);

	if (!r->kernels.n) {
		r->at = r->text;
		trace_fail(r, "a trace without a kernel");
		return err_hint(r->err, "%s", without_kernels[r->trace->format]);
	}
	memcpy(all, r->kernels.at, r->kernels.n * sizeof *all);
	qsort(all, r->kernels.n, sizeof *all, by_number);
	r->trace->kernels = all;
	r->trace->kernels_n = r->kernels.n;
	for (size_t i = 0; i < r->kernels.n; i++)
		r->trace->all += all[i].n;
	if (r->trace->launches)
		r->trace->launch_s = r->launches_s / (double)r->trace->launches;
	return 0;
}

static int unknown(struct trace_reader *r)
{
	trace_fail(r, "no trace that is known");
	if (r->end - r->text >= 2 && (unsigned char)r->text[0] == 0x1f && (unsigned char)r->text[1] == 0x8b)
		return err_hint(r->err, "it is compressed: gunzip it first");
	if (strstr(r->text, " us/run - "))
		return err_hint(r->err, "test-backend-ops times single operators and runs no layers; "
					"GGML_VK_PERF_LOGGER=1 counts those of a model");
	return err_hint(r->err,
			"it may be of torch.profiler (export_chrome_trace), of GGML_VK_PERF_LOGGER=1, or an "
			"xctrace export of metal-gpu-intervals");
}

int kernel_trace_parse(struct arena *a, const char *path, const char *text, size_t len,
		       struct kernel_trace *t, struct err *err)
{
	struct trace_reader r = {.arena = a,
				 .path = path,
				 .text = text,
				 .end = text + len,
				 .at = text,
				 .trace = t,
				 .names = MAP_INIT,
				 .err = err};
	int rc;

	*t = (struct kernel_trace){.path = path};
	if (memchr(text, '\0', len))
		rc = unknown(&r);
	else if (strstr(text, "\"traceEvents\""))
		rc = trace_read_torch(&r);
	else if (strstr(text, "Vulkan Timings:"))
		rc = trace_read_ggml(&r);
	else if (strstr(text, "<trace-query-result"))
		rc = trace_read_xctrace(&r);
	else
		rc = unknown(&r);
	if (rc == 0)
		rc = finish(&r);
	map_release(&r.names);
	VEC_FREE(&r.kernels);
	return rc;
}

int kernel_trace_read(struct arena *a, const char *path, struct kernel_trace *t, struct err *err)
{
	char *text;
	size_t len;

	if (file_read(a, path, TRACE_FILE_MAX, &text, &len, err) != 0)
		return -1;
	return kernel_trace_parse(a, path, text, len, t, err);
}

size_t kernel_trace_layers(const struct kernel_trace *t)
{
	size_t most = 0;

	for (size_t i = 0; i < t->kernels_n; i++)
		if (t->kernels[i].kind == KERNEL_SCORES && t->kernels[i].n > most)
			most = t->kernels[i].n;
	return most;
}

size_t kernel_trace_kind(const struct kernel_trace *t, enum kernel_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < t->kernels_n; i++)
		n += t->kernels[i].kind == kind ? t->kernels[i].n : 0;
	return n;
}
