/* runtime_choice.c - see runtime_choice.h. */
#include "sim/ask/runtime_choice.h"

#include <string.h>

#include "sim/base/str.h"
#include "sim/cost/formats.h"
#include "sim/hw/programs.h"

/* In the order in which they are taken where none is named: what most owners run. */
static const char *const generating[] = {"llama.cpp", "cuda", "rocm",  "vulkan", "sycl",
					 "mlx",       "vllm", "torch", "mps",    NULL};
/* What `calibrate` measures with kernels of its own: taken where no program that people run is known of a machine. */
static const char *const suite_kernels[] = {"metal", "cblas", NULL};
static const char *const training[] = {"mlx", "torch", "mps", NULL};

/* What people call a program, in lower case without what stands between its words, and the program whose profiles tell of it. */
static const struct called {
	const char *name, *program;
} called[] = {{"ollama", "llama.cpp"}, {"lmstudio", "llama.cpp"}, {"llamacpp", "llama.cpp"}, {"mlxlm", "mlx"},
	      {"mlx", "mlx"},          {"vllm", "vllm"},          {"pytorch", "torch"}};

/* The device's latest runtime of the first of those names that it has, and that reads such weights if one of them does;
 * weights NULL: any. */
static const struct profile *first_of(const struct device *d, const char *const *names, const char *weights)
{
	const size_t mix = weights ? str_find(weights, mix_names, MIX_N) : MIX_N;
	const struct profile *first = NULL;

	for (size_t i = 0; names[i]; i++) {
		const struct profile *p = device_runtime(d, names[i]);
		struct err unread = ERR_INIT;

		if (p && (mix == MIX_N || format_check(p->origin.name, (enum mix_id)mix, &unread) == 0))
			return p;
		first = first ? first : p;
	}
	return first;
}

/* Servers of one program for several kinds of device share its name: serve-llama.cpp, serve-llama.cpp-cuda. */
static bool same_server(const char *a, const char *b)
{
	return str_starts(a, b) || str_starts(b, a);
}

/* A name that people use for a program whose profile is called otherwise: llama.cpp on CUDA is "cuda". */
static const struct profile *same_program(const struct device *d, const char *runtime, const char *weights)
{
	const char *server = serving_of_runtime(runtime);
	const char *names[ARRAY_LEN(generating)];
	size_t n = 0;

	for (size_t i = 0; server && generating[i]; i++)
		if (same_server(server, serving_of_runtime(generating[i])))
			names[n++] = generating[i];
	names[n] = NULL;
	return first_of(d, names, weights);
}

static int refuse(const struct device *d, struct err *err)
{
	struct str known = STR_INIT;

	for (size_t i = 0; d && i < d->runtimes.n; i++) {
		const struct profile *p = d->runtimes.at;

		str_addf(&known, "%s%s", i ? ", " : "", p[i].origin.name);
	}
	err_hint(err, known.len ? "it has: %s" : "it has none%s: calibrate one", known.text);
	str_release(&known);
	return -1;
}

/* The program that goes by that name, which has no version; the name itself where it is no other's. */
static const char *program_called(const char *name)
{
	char plain[32];
	size_t n = 0;

	for (const char *s = name; *s && n + 1 < sizeof plain; s++)
		if (!strchr(" -_.", *s))
			plain[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
	plain[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(called); i++)
		if (!strcmp(plain, called[i].name))
			return called[i].program;
	return name;
}

/* The latest version of that profile's runtime up to a date; NULL: all that have one are later. */
static const struct profile *version_up_to(const struct device *d, const struct profile *of, const char *date)
{
	const struct profile *p = d->runtimes.at, *found = NULL;

	for (size_t i = 0; i < d->runtimes.n; i++) {
		const char *at = strchr(p[i].origin.name, '@');

		if (at && runtime_same(p[i].origin.name, of->origin.name) && strcmp(at + 1, date) <= 0 &&
		    (!found || strcmp(p[i].origin.name, found->origin.name) > 0))
			found = &p[i];
	}
	return found;
}

static int choose_version(struct arena *a, const struct device *d, const struct runtime_ask *ask,
			  const char *date, struct runtime_choice *out, struct err *err)
{
	const struct profile *latest = out->profile;

	if (!runtime_is_date(date)) {
		err_set(err, "runtime '%.60s': '%.40s' is no version", ask->said, date);
		err_hint(err, "a version is a year and a month, such as 2025-10");
		return -1;
	}
	out->profile = version_up_to(d, latest, date);
	if (!out->profile) {
		err_set(err, "%s has no runtime '%.60s', nor an earlier version", ask->machine, ask->said);
		return refuse(d, err);
	}
	out->note = arena_printf(a, "the latest known up to %s", date);
	return 0;
}

static int choose_said(struct arena *a, const struct device *d, const struct runtime_ask *ask,
		       struct runtime_choice *out, struct err *err)
{
	const char *undated = runtime_undated(a, ask->said), *program = program_called(undated),
		   *at = strchr(ask->said, '@');
	const struct profile *p = device_runtime(d, ask->said);

	out->profile = p;
	if (p)
		return 0;
	p = device_runtime(d, undated);
	p = p ? p : device_runtime(d, program);
	out->profile = p ? p : same_program(d, program, ask->weights);
	if (!out->profile) {
		err_set(err, "%s has no runtime '%.40s'", ask->machine, ask->said);
		return refuse(d, err);
	}
	if (strcmp(program, undated) != 0)
		out->note = arena_printf(a, "what %s runs here", undated);
	return at ? choose_version(a, d, ask, at + 1, out, err) : 0;
}

static bool is_in(const struct yml *node, const char *file)
{
	return node && node->place.source && node->place.source->path &&
	       !strcmp(node->place.source->path, file);
}

/* A profile that the machine's own file has, not one that its base gives it. */
static const struct profile *of_file(const struct device *d, const char *file)
{
	const struct profile *p = d->runtimes.at;

	for (size_t i = 0; file && i < d->runtimes.n; i++)
		if (is_in(p[i].origin.node, file))
			return &p[i];
	return NULL;
}

static int choose_unsaid(struct arena *a, const struct device *d, const struct runtime_ask *ask,
			 struct runtime_choice *out, struct err *err)
{
	const struct profile *own = of_file(d, ask->file);

	out->profile = first_of(d, ask->trains ? training : generating, ask->weights);
	if (!out->profile && !ask->trains)
		out->profile = first_of(d, suite_kernels, NULL);
	if (!out->profile && !ask->trains && d->runtimes.n == 1) {
		out->profile = d->runtimes.at;
		out->note = "the only one of this machine";
	}
	if (!out->profile) {
		err_set(err, "%s has no runtime that %s; --runtime NAME takes another", ask->machine,
			ask->trains ? "trains" : "generates");
		return refuse(d, err);
	}
	if (own && !runtime_same(own->origin.name, out->profile->origin.name))
		out->note = arena_printf(a, "not %s, which this file has: --runtime %s", own->origin.name,
					 own->origin.name);
	return 0;
}

int runtime_choose(struct arena *a, const struct device *d, const struct runtime_ask *ask,
		   struct runtime_choice *out, struct err *err)
{
	const size_t suites = ARRAY_LEN(suite_kernels) - 1;

	*out = (struct runtime_choice){.profile = NULL};
	if (!d) {
		err_set(err, "%s has no device", ask->machine);
		return refuse(d, err);
	}
	if ((ask->said ? choose_said : choose_unsaid)(a, d, ask, out, err) != 0)
		return -1;
	out->suite = str_find(out->profile->origin.name, suite_kernels, suites) < suites;
	return 0;
}
