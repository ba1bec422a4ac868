/* report_rows.c - see report_rows.h. */
#include "sim/family/report_rows.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/vec.h"

/* A number of parameters is told to three digits; files of one type differ in a tensor's format or two. */
static const double params_off = 0.02, size_off = 0.08;

/* A row that is being held against what is asked. */
struct held {
	const struct report_ask *ask;
	const struct run *run;
	const struct report_row *row;
	const char *says; /* of the rule's column; NULL for a rule of another kind */
};

/* --- runtimes and back ends ----------------------------------------------------------------------- */

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
	const size_t n = strcspn(name, "@");
	size_t i = 0;

	while (i < ARRAY_LEN(runtimes) &&
	       (strlen(runtimes[i].runtime) != n || strncmp(runtimes[i].runtime, name, n) != 0))
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

/* Is the back end or device of that name one of the runtime's, or, of rows that make a new runtime, of any runtime of
 * the device? Of runtimes that nobody described all may be. */
static bool is_ours(const struct held *x, const char *backend)
{
	const struct report_ask *ask = x->ask;
	const struct profile *p = ask->device->device->runtimes.at;
	const size_t n = ask->fitting ? ask->device->device->runtimes.n : 1;
	bool known = false;

	for (size_t i = 0; i < n; i++) {
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

/* --- rules ---------------------------------------------------------------------------------------- */

static int hint_skip(struct err *err)
{
	return err_hint(err, "--skip-foreign leaves such rows out");
}

static int check_tool(const struct held *x, struct err *err)
{
	const char *tool = x->run->tool ? x->run->tool : "csv", *name = x->ask->device->profile->origin.name;
	const size_t k = runtime_index(name);

	if (x->ask->fitting || !strcmp(tool, "csv") || k == ARRAY_LEN(runtimes) ||
	    starts_with_any(tool, runtimes[k].tools))
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
		if (!strcmp(name, "CPU") || !strcmp(name, "BLAS") || str_starts(name, "RPC"))
			continue;
		*(is_ours(x, name) ? &ours : &others) += 1;
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
					 : is_ours(x, x->says))
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

static int check_cpu_experts(const struct held *x, struct err *err)
{
	if (!(strtod(x->says, NULL) > 0) || on_cpu(x))
		return 0;
	err_set(err, "the experts of %.20s layers stayed with the CPU", x->says);
	return hint_skip(err);
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

static int check_params(const struct held *x, struct err *err)
{
	const struct model *m = x->row->model;
	const double ours = model_weights(m), said = x->run->params;

	if (!(said > 0) || fabs(said / ours - 1) <= params_off ||
	    (m->parameters > 0 && fabs(said / (double)m->parameters - 1) <= params_off))
		return 0;
	err_set(err, "%.4g B parameters, and %s has %.4g B", said / 1e9, x->row->model_name, ours / 1e9);
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
	const double ours = model_weights_B(x->row->model, &x->row->precision), said = x->run->bytes;

	if (!(said > 0) || fabs(said / ours - 1) <= size_off)
		return 0;
	err_set(err, "%.4g GB of weights, and %s in %s has %.4g GB", said / 1e9, x->row->model_name,
		mix_names[x->row->precision.weights], ours / 1e9);
	return err_hint(err,
			"a file that mixes formats in its own way is imported: 'lemursim import FILE.gguf -o "
			"MODEL.yaml', --model MODEL.yaml; or --skip-foreign");
}

static int check_fits(const struct held *x, struct err *err)
{
	const struct qty *room = &x->ask->device->machine->memory.usable;
	const double weights = model_weights_B(x->row->model, &x->row->precision),
		     kv = run_kv_B(x->row->model, &x->row->precision, x->run);

	if (!room->given || weights + kv <= room->value)
		return 0;
	err_set(err,
		"%s in %s does not fit: %.4g GB of weights and %.3g GB of KV cache, and %.4g GB can be used",
		x->row->model_name, mix_names[x->row->precision.weights], weights / 1e9, kv / 1e9,
		room->value / 1e9);
	return err_hint(
		err,
		"was it another --weights, or more than this machine? --skip-foreign leaves such rows out");
}

/* A column's rule is asked where the row says something there; those of members of struct run always. */
static const struct {
	enum run_column column;
	int (*check)(const struct held *x, struct err *err);
} rules[] = {
	{COLUMN_TOOL, check_tool},
	{COLUMN_RPC, check_rpc},
	{COLUMN_BACKEND, check_backend},
	{COLUMN_DEVICES, check_devices},
	{COLUMN_TENSOR_SPLIT, check_tensor_split},
	{COLUMN_SPLIT_MODE, check_split_mode},
	{COLUMN_PARAMS, check_params},
	{COLUMN_MODEL, check_model},
	{COLUMN_SIZE, check_size},
	{COLUMN_GPU_LAYERS, check_gpu_layers},
	{COLUMN_CPU_EXPERTS, check_cpu_experts},
	{COLUMN_OVERRIDES, check_overrides},
	{COLUMN_KV_HOST, check_kv_host},
	{COLUMN_THREADS, check_threads},
	{COLUMN_EMBEDDINGS, check_embeddings},
	{COLUMN_WEIGHTS, check_fits},
};

static int hold(struct held *x, enum run_column *column, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		*column = rules[i].column;
		x->says = *column < RUN_COLUMNS ? x->run->says[*column] : NULL;
		if ((*column >= RUN_COLUMNS || x->says) && rules[i].check(x, err) != 0)
			return -1;
	}
	return 0;
}

/* --- what is used --------------------------------------------------------------------------------- */

/* Builds of llama.cpp whose month is known: release dates, and the rows of hardware/measured. */
static const struct {
	int64_t build;
	int year, month;
} builds[] = {{1550, 2023, 11}, {2953, 2024, 5},  {4748, 2025, 2}, {5062, 2025, 4}, {5930, 2025, 7},
	      {6118, 2025, 8},  {7423, 2025, 12}, {8268, 2026, 3}, {9187, 2026, 5}, {10050, 2026, 8}};

static int64_t month_of(size_t i)
{
	return 12 * (int64_t)builds[i].year + builds[i].month - 1;
}

int64_t build_month(int64_t build)
{
	size_t i = 1;

	if (build <= 0)
		return 0;
	while (i + 1 < ARRAY_LEN(builds) && build > builds[i].build)
		i++;
	return month_of(i - 1) + (int64_t)llround((double)(build - builds[i - 1].build) /
						  (double)(builds[i].build - builds[i - 1].build) *
						  (double)(month_of(i) - month_of(i - 1)));
}

/* Of "llama.cpp@2026-02"; 0: the name has no date. */
static int64_t profile_month(const struct profile *p)
{
	const char *date = strchr(p->origin.name, '@');
	char *end;
	long year, month;

	if (!date)
		return 0;
	year = strtol(date + 1, &end, 10);
	month = *end == '-' ? strtol(end + 1, NULL, 10) : 0;
	return year > 0 && month > 0 ? 12 * (int64_t)year + month - 1 : 0;
}

static bool same_runtime(const struct profile *a, const struct profile *b)
{
	const size_t n = strcspn(a->origin.name, "@");

	return strcspn(b->origin.name, "@") == n && !strncmp(a->origin.name, b->origin.name, n);
}

/* Of the dated profiles of the runtime the one nearest to the row's build. */
static const struct profile *profile_of(const struct held *x)
{
	const struct catalogue_device *d = x->ask->device;
	const struct profile *all = d->device->runtimes.at, *best = d->profile;
	const int64_t month = build_month(x->run->build);

	for (size_t i = 0; month && !x->ask->dated && i < d->device->runtimes.n; i++)
		if (same_runtime(&all[i], d->profile) && profile_month(&all[i]) && profile_month(best) &&
		    all[i].gemm[d->compute] &&
		    llabs(profile_month(&all[i]) - month) < llabs(profile_month(best) - month))
			best = &all[i];
	return best;
}

/* llama.cpp without flash attention: K Q, soft_max, V times that and a copy into rows (build_attn_mha() of
 * src/llama-graph.cpp), where the scores are written in f32 and read, twice. With it: two kernels, which keep them. */
static const struct profile *with_attention(const struct held *x, const struct profile *p)
{
	static const struct fusion plain = {.kernels = 4, .passes = 4}, flash = {.kernels = 2};
	const size_t k = runtime_index(p->origin.name);
	const bool is_plain = p->scores.kernels >= 4;
	struct profile *own;

	if (x->run->flash == FLASH_UNSAID || is_plain == (x->run->flash == FLASH_OFF) ||
	    k == ARRAY_LEN(runtimes) || !starts_with_any("llama", runtimes[k].tools))
		return p;
	own = arena_alloc(arena_of(x), sizeof *own);
	*own = *p;
	own->scores.kernels = is_plain ? flash.kernels : plain.kernels;
	own->scores.passes = is_plain ? flash.passes : plain.passes;
	return own;
}

/* --- rows ----------------------------------------------------------------------------------------- */

static void add_note(struct arena *a, struct texts *notes, const char *note)
{
	for (size_t i = 0; i < notes->n; i++)
		if (!strcmp(notes->at[i], note))
			return;
	*notes = texts_join(a, notes, &note, 1);
}

/* A profile this many months from a build may lack what was made faster between them. */
enum { BUILD_MONTHS = 6 };

static void note_build(const struct held *x, const struct profile *p, struct texts *notes)
{
	const int64_t month = build_month(x->run->build), dated = profile_month(p);

	if (!month || !dated || llabs(month - dated) <= BUILD_MONTHS)
		return;
	add_note(arena_of(x), notes,
		 arena_printf(
			 arena_of(x),
			 "%s: build %lld is of %lld-%02lld, and no profile is nearer than '%s': what changed "
			 "between them is not predicted%s",
			 x->run->path, (long long)x->run->build, (long long)(month / 12),
			 (long long)(month % 12 + 1), p->origin.name,
			 x->row->model->experts && month < dated
				 ? "; mixtures of experts ran several times slower in prompts before mid-2025"
				 : ""));
}

static int identify(struct held *x, struct report_row *row, struct texts *notes, enum run_column *column,
		    struct err *err)
{
	struct named_model found = {x->ask->model, x->ask->given};
	const char *note;

	if (!found.model && run_model(x->ask->shelf, x->run, &found, column, err) != 0)
		return -1;
	row->model_name = found.name;
	row->model = found.model;
	/* another model's size says nothing of the format */
	*column = COLUMN_PARAMS;
	x->row = row;
	if (check_params(x, err) != 0)
		return -1;
	if (run_weights(arena_of(x), x->run, row->model, x->ask->weights, x->ask->device->compute,
			&row->precision, &note, column, err) != 0)
		return -1;
	if (note)
		add_note(arena_of(x), notes, note);
	return 0;
}

int report_row_make(const struct report_ask *ask, const struct run *run, struct report_row *row,
		    struct texts *notes, enum run_column *column, struct err *err)
{
	struct held x = {.ask = ask, .run = run, .row = row};

	*row = (struct report_row){.run = run};
	if (identify(&x, row, notes, column, err) != 0 || hold(&x, column, err) != 0)
		return -1;
	row->profile = profile_of(&x);
	note_build(&x, row->profile, notes);
	row->profile = with_attention(&x, row->profile);
	return 0;
}

/* "3 of 5 rows are left out: backend 2, ngl 1" */
static void note_left_out(const struct report_ask *ask, const struct runs *file, struct report_rows *rows)
{
	struct arena *a = ask->shelf->loader->arena;
	const char *all = "";

	for (int c = 0; c < COLUMNS; c++)
		if (rows->by[c])
			all = arena_printf(a, "%s%s%s %zu", all, *all ? ", " : "",
					   run_column_name(&file->at[0], (enum run_column)c), rows->by[c]);
	if (rows->left_out)
		add_note(a, &rows->notes,
			 arena_printf(a, "%s: %zu of %zu rows are left out, by column: %s", file->path,
				      rows->left_out, file->n, all));
}

/* Rows that say nothing of their model are of the one that is asked; where one is asked and the rows name several, their
 * numbers of parameters tell. */
static int check_models(const struct report_ask *ask, const struct runs *file, struct err *err)
{
	bool counted = true, named = false;

	for (size_t i = 0; i < file->n; i++) {
		counted = counted && file->at[i].params > 0;
		named = named || file->at[i].params > 0 || file->at[i].model;
	}
	if (ask->model)
		return counted ? 0 : runs_one_model(file, err);
	if (named)
		return 0;
	err_set(err, "%s: which model ran?", file->path);
	return err_hint(err, "say --model NAME, or give a scenario");
}

int report_rows_make(const struct report_ask *ask, const struct runs *file, struct report_rows *rows,
		     struct err *err)
{
	struct loader *l = ask->shelf->loader;
	const size_t before = l->diags->total;
	int mix;

	if (check_models(ask, file, err) != 0 ||
	    (ask->weights && run_asked_weights(ask->weights, &mix, err) != 0))
		return -1;
	*rows = (struct report_rows){.at = arena_array(l->arena, file->n ? file->n : 1, sizeof *rows->at)};
	for (size_t i = 0; i < file->n; i++) {
		const struct run *run = &file->at[i];
		enum run_column column = COLUMN_MODEL;
		struct err why = ERR_INIT;

		if (report_row_make(ask, run, &rows->at[rows->n], &rows->notes, &column, &why) == 0) {
			rows->n++;
			continue;
		}
		rows->left_out++;
		rows->by[column]++;
		if (!ask->skip)
			diag_add(l->diags, run_place(run, column), why.hint[0] ? why.hint : NULL, "%s: %s",
				 run_column_name(run, column), why.msg);
	}
	note_left_out(ask, file, rows);
	if (l->diags->total > before)
		return -1;
	return rows->n ? 0
		       : err_set(err, "%s: every one of its %zu rows is of something else", file->path,
				 file->n);
}
