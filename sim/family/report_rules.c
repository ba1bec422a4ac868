/* report_rules.c - a rule for each column of a report; see report_rules.h. */
#include "sim/family/report_rules.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/units.h"
#include "sim/cost/formats.h"
#include "sim/family/report_backends.h"
#include "sim/family/run_machine.h"
#include "sim/family/run_params.h"
#include "sim/family/vulkan_device.h"

/* A number of parameters is told to three digits; files of one type differ in a tensor's format or two. */
static const double params_off = 0.02, size_off = 0.08;

static bool on_cpu(const struct held *x)
{
	return str_starts(x->ask->device->device->origin.name, "cpu");
}

static const char *asked_device(const struct held *x)
{
	return x->ask->device->device->origin.name;
}

static struct arena *arena_of(const struct held *x)
{
	return x->ask->shelf->loader->arena;
}

/* "CUDA0/CUDA1", "Metal,BLAS" */
static struct texts parts_of(const struct held *x, const char *text, char separator)
{
	struct texts t = texts_cut(arena_of(x), text, separator);

	for (size_t i = 0; i < t.n; i++)
		t.at[i] += strspn(t.at[i], " ");
	return t;
}

/* The only devices that the row names, none of them another machine's. */
static bool names_local_devices(const struct held *x)
{
	const char *devices = x->run->says[COLUMN_DEVICES];

	return devices && strcmp(devices, "auto") != 0 && !strstr(devices, "RPC");
}

static int hint_skip(struct err *err)
{
	return err_hint(err, "--skip-foreign leaves such rows out");
}

/* Reports of these do not say which runtime answered, so that the one that was named is taken. */
static bool is_of_any_runtime(const char *tool)
{
	return !strcmp(tool, "csv") || str_starts(tool, "any server");
}

/* A row's own runtime may be called as the catalogue does, "cuda@2025-10" or "cuda", or as the program, "llama.cpp". */
static int check_runtime(const struct held *x, struct err *err)
{
	const char *said = x->run->runtime;
	const struct profile *ours = x->ask->device->profile,
			     *theirs = said && !x->ask->fitting
					       ? report_named_runtime(x->ask->device->device, said)
					       : NULL;

	if (!said || x->ask->fitting ||
	    (theirs && report_same_runtime(theirs, ours) &&
	     (theirs == ours || !x->ask->dated || !strchr(said, '@'))))
		return 0;
	if (theirs)
		err_set(err, "it ran under '%.40s', not under '%.40s'", said, ours->origin.name);
	else
		err_set(err, "'%.40s' is no runtime of '%.80s'", said, x->ask->device->ref);
	return err_hint(err, "say --runtime NAME, or --skip-foreign");
}

static int check_tool(const struct held *x, struct err *err)
{
	const char *tool = x->run->tool ? x->run->tool : "csv", *name = x->ask->device->profile->origin.name;

	if (x->ask->fitting || is_of_any_runtime(tool) || !report_knows_programs(x->ask->device->profile) ||
	    report_runs(x->ask->device->profile, tool))
		return 0;
	err_set(err, "a run of %s is none of runtime '%s'", tool, name);
	return err_hint(err, "say --runtime NAME, or --skip-foreign");
}

static int check_cpu_backend(const struct held *x, const struct texts *names, struct err *err)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->at[i], "CPU") != 0 && strcmp(names->at[i], "BLAS") != 0) {
			err_set(err, "it ran with %s, not on the %s", names->at[i], asked_device(x));
			return hint_skip(err);
		}
	return 0;
}

static int check_backend(const struct held *x, struct err *err)
{
	const struct texts names = parts_of(x, x->says, ',');
	size_t ours = 0, others = 0;

	if (on_cpu(x))
		return check_cpu_backend(x, &names, err);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.at[i];

		if (str_starts(name, "RPC") && !names_local_devices(x)) {
			err_set(err, "it may have run over RPC, on more than this machine");
			return err_hint(
				err,
				"a build with RPC says so even where it is not used: with -dev, llama-bench "
				"names its devices; --skip-foreign leaves such rows out");
		}
		if (report_backend_is_of_host(name))
			continue;
		*(report_backend_asked(x->ask, name) ? &ours : &others) += 1;
	}
	if (ours && (!others || names_local_devices(x)))
		return 0;
	if (ours + others)
		err_set(err, "'%.40s' is no back end of runtime '%s' on this machine", x->says,
			x->ask->device->profile->origin.name);
	else
		err_set(err, "'%.40s' ran on the CPU, not on the %s", x->says, asked_device(x));
	return hint_skip(err);
}

/* The output is a layer of its own to llama.cpp; a negative number is all layers. */
static int check_gpu_layers(const struct held *x, struct err *err)
{
	const int64_t all = x->row->model->layers + 1;
	char *end;
	const long n = strtol(x->says, &end, 10);

	if (on_cpu(x)) {
		if (n == 0 ||
		    !strcmp(x->run->says[COLUMN_BACKEND] ? x->run->says[COLUMN_BACKEND] : "", "CPU"))
			return 0;
		err_set(err, "%s layers ran elsewhere than on the CPU", x->says);
		return hint_skip(err);
	}
	/* of `ollama ps`, beside "11%/89% CPU/GPU"; of common/arg.cpp of llama.cpp since 2026, where auto is what fits */
	if (!strcmp(x->says, "100% GPU") || !strcmp(x->says, "all") || !strcmp(x->says, "auto"))
		return 0;
	if (strstr(x->says, "CPU/GPU")) {
		err_set(err, "'%.40s': part of the layers ran on the CPU", x->says);
		return hint_skip(err);
	}
	if (end == x->says || *end) {
		err_set(err, "expected a whole number, got '%.40s'", x->says);
		return hint_skip(err);
	}
	if (n < 0 || n >= all)
		return 0;
	err_set(err, "%ld of %lld layers ran on the %s, the others on the CPU", n, (long long)all,
		asked_device(x));
	return hint_skip(err);
}

/* A text is looked up once for all rows that say it: a file may have thousands. */
const char *rule_other_machine(const struct held *x, const char *said)
{
	struct model_shelf *shelf = x->ask->shelf;
	struct looked_up *k = shelf->machines;

	while (k && (k->machine != x->ask->device->machine || strcmp(k->said, said) != 0))
		k = k->next;
	if (k)
		return k->other;
	k = arena_alloc(arena_of(x), sizeof *k);
	*k = (struct looked_up){said, x->ask->device->machine,
				run_other_machine(shelf->loader, said, x->ask->device), shelf->machines};
	shelf->machines = k;
	return k->other;
}

/* "2x RTX 3090", "4 × H100", "dual 3090", "2x3090": how many of a device people say that they had. */
static long devices_said(const char *text)
{
	const size_t n = strspn(text, "0123456789");
	const char *at = text + n + strspn(text + n, " ");
	const bool times = (*at == 'x' || *at == 'X')
				   ? at[1] == ' ' || isdigit((unsigned char)at[1]) || at > text + n
				   : str_starts(at, "\xc3\x97");

	if (!strncasecmp(text, "dual ", 5))
		return 2;
	return n && n < 4 && times ? strtol(text, NULL, 10) : 1;
}

static int hold_machine(const struct held *x, const char *said, struct err *err)
{
	const char *other = said ? rule_other_machine(x, said) : NULL;
	const long devices = said ? devices_said(said) : 1;

	if (devices > 1) {
		err_set(err, "'%.60s' is %ld devices: this is one", said, devices);
		return hint_skip(err);
	}
	if (!other)
		return 0;
	if (!strcmp(said, other) && !run_is_one(said, err))
		return hint_skip(err);
	if (!strcmp(said, other))
		err_set(err, "it ran on '%.80s', which is not of the chip of '%.80s'", said,
			x->ask->device->ref);
	else
		err_set(err, "it ran on '%.80s' (as in %.80s), which is not the chip of '%.80s'", said, other,
			x->ask->device->ref);
	return err_hint(err, "name the machine that it ran on; or --skip-foreign leaves such rows out");
}

static int check_machine(const struct held *x, struct err *err)
{
	return hold_machine(x, x->run->machine, err);
}

/* What a program on the CPU says of a GPU is not of its run. */
static int check_gpu(const struct held *x, struct err *err)
{
	return on_cpu(x) ? 0 : hold_machine(x, x->says, err);
}

static int check_cpu(const struct held *x, struct err *err)
{
	return on_cpu(x) ? hold_machine(x, x->says, err) : 0;
}

/* A log may list Vulkan devices beside those that a row of another back end ran on. */
static int check_vulkan(const struct held *x, struct err *err)
{
	return on_cpu(x) ? 0 : vulkan_device_hold(x->run, x->ask->device->profile, err);
}

static int check_devices(const struct held *x, struct err *err)
{
	const struct texts names = parts_of(x, x->says, '/');

	if (!strcmp(x->says, "auto"))
		return 0;
	if (names.n > 1) {
		err_set(err, "%zu devices, '%.60s': this is one", names.n, x->says);
		return hint_skip(err);
	}
	if (!strcmp(x->says, "none")     ? on_cpu(x)
	    : str_starts(x->says, "CPU") ? on_cpu(x)
					 : report_backend_asked(x->ask, x->says))
		return 0;
	err_set(err, "'%.60s' is not the %s under runtime '%s'", x->says, asked_device(x),
		x->ask->device->profile->origin.name);
	return hint_skip(err);
}

static int check_split_mode(const struct held *x, struct err *err)
{
	const char *devices = x->run->says[COLUMN_DEVICES];

	if (!strcmp(x->says, "none") || !strcmp(x->says, "layer") || !strcmp(x->says, "0") ||
	    !strcmp(x->says, "1") || (names_local_devices(x) && !strchr(devices, '/')))
		return 0;
	err_set(err, "'%.40s' splits each layer over several devices: this is one", x->says);
	return hint_skip(err);
}

static int check_tensor_split(const struct held *x, struct err *err)
{
	const struct texts shares = parts_of(x, x->says, '/');
	size_t used = 0;

	for (size_t i = 0; i < shares.n; i++)
		used += strtod(shares.at[i], NULL) > 0;
	if (used < 2)
		return 0;
	err_set(err, "'%.60s' shares the model among %zu devices: this is one", x->says, used);
	return hint_skip(err);
}

static int check_rpc(const struct held *x, struct err *err)
{
	err_set(err, "'%.60s' took part: this is one machine", x->says);
	return hint_skip(err);
}

static bool is_yes(const char *text)
{
	return !strcmp(text, "1") || !strcmp(text, "true");
}

static int check_kv_host(const struct held *x, struct err *err)
{
	if (!is_yes(x->says) || on_cpu(x))
		return 0;
	err_set(err, "the KV cache and attention stayed with the CPU");
	return hint_skip(err);
}

/* Nothing says with which kernels the program was built; a fit would be to the one or to the other. */
static int check_cache(const struct held *x, struct err *err)
{
	if (!x->ask->fitting || !report_cache_lacks_kernel(x->ask->device->profile, &x->row->precision))
		return 0;
	err_set(err,
		"attention over a cache in %.20s may have stayed with the CPU: a default build has no kernel "
		"for it",
		x->says);
	return err_hint(
		err,
		"GGML_CUDA_FA_ALL_QUANTS=ON builds its kernels; fit rows of f16 or q8_0, or --skip-foreign "
		"leaves such rows out");
}

static int check_cpu_experts(const struct held *x, struct err *err)
{
	if (!(strtod(x->says, NULL) > 0) || on_cpu(x))
		return 0;
	err_set(err, "the experts of %.20s layers stayed with the CPU", x->says);
	return err_hint(err, "a scenario says it, 'offload: {experts: N, to: DEVICE}' of an assignment; "
			     "--skip-foreign leaves such rows out");
}

static int check_overrides(const struct held *x, struct err *err)
{
	if (!strcmp(x->says, "none") || on_cpu(x))
		return 0;
	err_set(err, "'%.60s' puts tensors into other memory", x->says);
	return hint_skip(err);
}

static int check_threads(const struct held *x, struct err *err)
{
	const struct device *d = x->ask->device->device;
	const double n = strtod(x->says, NULL);

	if (!on_cpu(x) || !d->cores || n == (double)d->cores || n == (double)d->fast_cores)
		return 0;
	err_set(err, "%.20s threads on a CPU of %lld cores, %lld of them fast", x->says, (long long)d->cores,
		(long long)d->fast_cores);
	return hint_skip(err);
}

static int check_embeddings(const struct held *x, struct err *err)
{
	if (!is_yes(x->says))
		return 0;
	err_set(err, "it made embeddings, not tokens");
	return hint_skip(err);
}

/* A fit predicts each row in its own dtype, of which the base needs a table: else its factors would be that of another dtype, under
 * the wrong name. */
static int check_dtype(const struct held *x, struct err *err)
{
	const struct catalogue_device *d = x->ask->device;
	struct err why = ERR_INIT;

	if (run_check_compute(x->run, x->row->model, d->device, d->profile, &why) == 0)
		return 0;
	if (x->ask->fitting)
		err_set(err,
			"the tables that are fitted, of '%s', are of products in %s, the row computed in %s",
			d->profile->origin.name, dtype_names[d->compute], x->says);
	else
		err_set(err, "%s", why.msg);
	return hint_skip(err);
}

int rule_params(const struct held *x, struct err *err)
{
	const struct model *m = x->row->model;
	const double ours = model_weights(m), said = x->run->params;

	if (!(said > 0) || run_params_are(m, said, params_off))
		return 0;
	err_set(err, "%s B parameters, and %s has %s B", units_digits(said / 1e9, 4).text, x->row->model_name,
		units_digits(ours / 1e9, 4).text);
	return err_hint(err, "say which --model ran, or --skip-foreign");
}

static int check_model(const struct held *x, struct err *err)
{
	const int named = run_named_weights(arena_of(x), x->run, NULL);

	if (!x->ask->weights || named == MIX_N || named == x->row->precision.weights)
		return 0;
	err_set(err, "the row says %s, --weights %s", mix_names[named], x->ask->weights);
	return err_hint(err, "leave --weights out, and each row has its own; or --skip-foreign");
}

static int check_size(const struct held *x, struct err *err)
{
	const double ours = model_weights_B(x->row->model, &x->row->precision),
		     said = run_bytes_that_run(x->row->model, x->run);

	if (!(said > 0) || fabs(said / ours - 1) <= size_off)
		return 0;
	err_set(err, "%s GB of weights, and %s in %s has %s GB", units_digits(said / 1e9, 4).text,
		x->row->model_name, mix_names[x->row->precision.weights], units_digits(ours / 1e9, 4).text);
	return err_hint(err,
			"a file that mixes formats in its own way is imported: 'lemursim import FILE.gguf -o "
			"MODEL.yaml', --model MODEL.yaml; or --skip-foreign");
}

int report_fits(const struct machine *m, const struct report_row *row, const struct run *run, struct err *err)
{
	const struct qty *room = &m->memory.usable;
	const double weights = model_weights_B(row->model, &row->precision),
		     kv = run_kv_B(row->model, &row->precision, run);

	if (!room->given || weights + kv <= room->value)
		return 0;
	err_set(err, "%s in %s does not fit: %s GB of weights and %s GB of KV cache, and %s GB can be used",
		row->model_name, mix_names[row->precision.weights], units_digits(weights / 1e9, 4).text,
		units_digits(kv / 1e9, 3).text, units_digits(room->value / 1e9, 4).text);
	return err_hint(
		err, "where it did run, a part of it was likely read from the host's memory (a driver that "
		     "spills, "
		     "fewer layers on the GPU than the row says), which is not predicted; or was it another "
		     "--weights, or a machine with more memory, which is then in its name "
		     "(apple-m4-pro-20c-48gb)? --skip-foreign leaves such rows out");
}

static int check_fits(const struct held *x, struct err *err)
{
	return report_fits(x->ask->device->machine, x->row, x->run, err);
}

/* Such files another runtime ran. */
static int check_readable(const struct held *x, struct err *err)
{
	return x->ask->fitting ? 0
			       : format_check(x->ask->device->profile->origin.name,
					      (enum mix_id)x->row->precision.weights, err);
}

/* A column's rule is asked where the row says something there; those of members of struct run always. */
static const struct {
	enum run_column column;
	int (*check)(const struct held *x, struct err *err);
} rules[] = {
	/* what ran comes before where: a row that ran elsewhere may still be explained, one of another model not */
	{COLUMN_PARAMS, rule_params},
	{COLUMN_MODEL, check_model},
	{COLUMN_SIZE, check_size},
	{COLUMN_MACHINE, check_machine},
	{COLUMN_GPU, check_gpu},
	{COLUMN_CPU, check_cpu},
	{COLUMN_VULKAN, check_vulkan},
	{COLUMN_RUNTIME, check_runtime},
	{COLUMN_TOOL, check_tool},
	{COLUMN_RPC, check_rpc},
	{COLUMN_BACKEND, check_backend},
	{COLUMN_DEVICES, check_devices},
	{COLUMN_TENSOR_SPLIT, check_tensor_split},
	{COLUMN_SPLIT_MODE, check_split_mode},
	{COLUMN_GPU_LAYERS, check_gpu_layers},
	{COLUMN_CPU_EXPERTS, check_cpu_experts},
	{COLUMN_OVERRIDES, check_overrides},
	{COLUMN_KV_HOST, check_kv_host},
	{COLUMN_KV_K, check_cache},
	{COLUMN_THREADS, check_threads},
	{COLUMN_EMBEDDINGS, check_embeddings},
	{COLUMN_DTYPE, check_dtype},
	{COLUMN_WEIGHTS, check_readable},
	{COLUMN_WEIGHTS, check_fits},
};

int rules_hold(struct held *x, enum run_column *column, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		*column = rules[i].column;
		x->says = *column < RUN_COLUMNS ? x->run->says[*column] : NULL;
		if ((*column >= RUN_COLUMNS || x->says) && rules[i].check(x, err) != 0)
			return -1;
	}
	return 0;
}
