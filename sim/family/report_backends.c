/* report_backends.c - the table of runtimes; see report_backends.h. */
#include "sim/family/report_backends.h"

#include <string.h>

enum { NAMES = 8 };

/* The programs and back ends that a runtime of the catalogue stands for, by its name without a date. A back end of
 * llama.cpp is called as ggml_backend_reg_name() has it, devices by that and a number; Metal is MTL since December 2025. */
static const struct {
	const char *runtime, *tools[NAMES], *backends[NAMES];
} runtimes[] = {
	{"llama.cpp", {"llama", "ollama", "LM Studio"}, {"Metal", "MTL"}},
	{"cuda", {"llama", "ollama", "LM Studio"}, {"CUDA"}},
	{"rocm", {"llama", "ollama", "LM Studio"}, {"ROCm", "HIP"}},
	{"vulkan", {"llama", "ollama", "LM Studio"}, {"Vulkan"}},
	{"sycl", {"llama"}, {"SYCL"}},
	{"mlx", {"mlx_lm", "LM Studio"}, {NULL}},
	{"mps", {"torch"}, {NULL}},
	{"torch", {"torch"}, {NULL}},
	{"vllm", {"vllm"}, {NULL}},
};

static size_t runtime_index(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(runtimes) && !runtime_same(runtimes[i].runtime, name))
		i++;
	return i;
}

static bool starts_with_any(const char *text, const char *const *names)
{
	for (int i = 0; i < NAMES && names[i]; i++)
		if (str_starts(text, names[i]))
			return true;
	return false;
}

bool report_cache_lacks_kernel(const struct profile *p, const struct precision *q)
{
	return (runtime_same("cuda", p->origin.name) || runtime_same("rocm", p->origin.name)) &&
	       (q->kv == FORMAT_Q4_1 || q->kv == FORMAT_Q5_0 || q->kv == FORMAT_Q5_1);
}

bool report_runs(const struct profile *p, const char *tool)
{
	const size_t k = runtime_index(p->origin.name);

	return k < ARRAY_LEN(runtimes) && starts_with_any(tool, runtimes[k].tools);
}

bool report_knows_programs(const struct profile *p)
{
	return runtime_index(p->origin.name) < ARRAY_LEN(runtimes);
}

const char *report_program(const char *tool)
{
	for (size_t k = 0; k < ARRAY_LEN(runtimes); k++)
		if (starts_with_any(tool, runtimes[k].tools))
			return runtimes[k].runtime;
	return tool;
}

bool report_has_backend(const struct profile *p, const char *name)
{
	const size_t k = runtime_index(p->origin.name);

	return k == ARRAY_LEN(runtimes) || !runtimes[k].backends[0] ||
	       starts_with_any(name, runtimes[k].backends);
}

bool report_knows_backends(const char *runtime)
{
	const size_t k = runtime ? runtime_index(runtime) : ARRAY_LEN(runtimes);

	return k < ARRAY_LEN(runtimes) && runtimes[k].backends[0];
}

bool report_backend_is_of_host(const char *backend)
{
	return !strcmp(backend, "CPU") || !strcmp(backend, "BLAS") || str_starts(backend, "RPC");
}

const char *report_backend_runtime(struct arena *a, const struct run *run)
{
	const char *said = run->says[COLUMN_BACKEND], *found = NULL;
	const struct texts names = said ? texts_cut(a, said, ',') : (struct texts){NULL, 0};

	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.at[i] + strspn(names.at[i], " ");
		size_t k = 0;

		if (report_backend_is_of_host(name))
			continue;
		while (k < ARRAY_LEN(runtimes) && !starts_with_any(name, runtimes[k].backends))
			k++;
		if (k == ARRAY_LEN(runtimes) || (found && found != runtimes[k].runtime))
			return NULL;
		found = runtimes[k].runtime;
	}
	return found;
}

/* Do all back ends that a row names, but for the CPU's, belong to that profile's runtime? */
static bool has_backends(const struct profile *p, const struct texts *names)
{
	const size_t k = runtime_index(p->origin.name);
	size_t ours = 0, others = 0;

	for (size_t i = 0; i < names->n; i++)
		if (!report_backend_is_of_host(names->at[i]))
			*(k < ARRAY_LEN(runtimes) && starts_with_any(names->at[i], runtimes[k].backends)
				  ? &ours
				  : &others) += 1;
	return ours && !others;
}

const struct profile *report_row_runtime(struct arena *a, const struct device *d, const struct profile *usual,
					 const struct run *run)
{
	const struct profile *all = d->runtimes.at;
	struct texts names;

	if (run->runtime)
		return report_named_runtime(d, run->runtime);
	names = run->says[COLUMN_BACKEND] ? texts_cut(a, run->says[COLUMN_BACKEND], ',')
					  : (struct texts){NULL, 0};
	if (!names.n || has_backends(usual, &names))
		return NULL;
	for (size_t i = 0; i < d->runtimes.n; i++)
		if (has_backends(&all[i], &names))
			return device_newest(d, &all[i]);
	return NULL;
}

bool report_backend_asked(const struct report_ask *ask, const char *backend)
{
	const struct profile *p = ask->device->device->runtimes.at;
	const size_t n = ask->fitting ? ask->device->device->runtimes.n : 1;
	bool known = false;

	if (ask->ran && !starts_with_any(backend, runtimes[runtime_index(ask->ran)].backends))
		return false;
	for (size_t i = 0; i < n && !ask->any_backend; i++) {
		const size_t k =
			runtime_index(ask->fitting ? p[i].origin.name : ask->device->profile->origin.name);

		if (k == ARRAY_LEN(runtimes) || !runtimes[k].backends[0])
			continue;
		known = true;
		if (starts_with_any(backend, runtimes[k].backends))
			return true;
	}
	return !known;
}
