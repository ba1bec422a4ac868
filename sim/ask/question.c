/* question.c - see question.h. */
#include "sim/ask/question.h"

#include <stdlib.h>
#include <string.h>

#include "sim/ask/look_up.h"
#include "sim/ask/model_name.h"
#include "sim/ask/runtime_choice.h"
#include "sim/ask/typed_beyond.h"
#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/cost/compute_dtype.h"
#include "sim/hw/programs.h"
#include "sim/llm/mix_word.h"
#include "sim/cost/formats.h"

enum { PROMPT_USUAL = 2048, TOKENS_USUAL = 256, TRAIN_TOKENS_USUAL = 2048 };

/* What is assumed, as a list in words. */
struct assumptions {
	struct arena *arena;
	const char *text;
};

static void assume(struct assumptions *all, const char *what)
{
	all->text = *all->text ? arena_printf(all->arena, "%s, %s", all->text, what) : what;
}

int question_tokens(const char *option, const char *text, int64_t *tokens, struct err *err)
{
	char *end;
	const long long n = strtoll(text, &end, 10);
	const long long times = *end == 'k' || *end == 'K' ? 1024 : *end == 'M' ? 1024 * 1024 : 1;

	end += times > 1;
	if (end != text && (!strcmp(end, " tok") || !strcmp(end, "tok")))
		end += strlen(end);
	if (*end || n < 1 || n > (1 << 22) / times) {
		err_set(err, "--%s: '%.40s' is no number of tokens from 1 to 4194304", option, text);
		return err_hint(err, "such as 2048, 16k for 16384, or 1M");
	}
	*tokens = n * times;
	return 0;
}

/* ---- the catalogue's files ---- */

/* A file of the catalogue with its base, by its name or its path; NULL with the reasons in the loader's diags. */
static struct yml *load_named(struct loader *l, const char *id, const char *folder, const char *schema)
{
	const struct place nowhere = {0};
	struct yml *tree = load_inherit(l, yml_scalar(l->arena, id, nowhere), folder, schema);

	return l->diags->total ? NULL : tree;
}

/* 0, or -1 with the reasons in the loader's diags. */
static int load_machine(struct loader *l, struct asked_machine *m)
{
	struct yml *tree = load_named(l, m->id, "hardware", HW_SCHEMA);

	m->facts = arena_alloc(l->arena, sizeof *m->facts);
	if (!tree)
		return -1;
	if (field_load(&machine_table, tree, m->id, m->facts, l->diags) != 0 ||
	    machine_check(m->facts, l->diags) != 0)
		return -1;
	m->title = m->facts->title;
	return 0;
}

/* NULL with the reasons in the loader's diags. */
static const struct model *load_model(struct loader *l, const char *id)
{
	struct yml *tree = load_named(l, id, "models", MODEL_SCHEMA);
	struct model *m = arena_alloc(l->arena, sizeof *m);

	if (!tree || field_load(&model_table, tree, "model", m, l->diags) != 0 ||
	    model_check(m, l->diags) != 0)
		return NULL;
	return m;
}

/* ---- runtimes ---- */

static int settle_runtime(struct arena *a, const struct question *q, struct asked_machine *m, struct err *err)
{
	const struct runtime_ask ask = {.machine = m->id,
					.file = look_up_is_file(m->id) ? m->id : NULL,
					.said = q->runtime,
					.weights = q->weights,
					.trains = q->train != NULL};
	const struct device *d = m->facts->devices.n ? m->facts->devices.at : NULL;
	struct runtime_choice choice;

	if (runtime_choose(a, d, &ask, &choice, err) != 0)
		return -1;
	m->runtime = choice.profile->origin.name;
	m->suite = choice.suite;
	m->runtime_note = choice.note;
	m->chunk = choice.profile->chunk;
	return 0;
}

/* ---- machines ---- */

/* "my-mac" of "hardware/local/my-mac.yaml". */
static const char *file_name(struct arena *a, const char *path)
{
	const char *from = strrchr(path, '/') + 1;
	const char *name = str_slugged(a, arena_strndup(a, from, strcspn(from, ".")));

	return *name ? name : "machine";
}

/* "m4-max" of "apple-m4-max-40c-64gb": the id without its maker and its sizes. */
static const char *short_name(struct arena *a, const char *id)
{
	const char *dash = strchr(id, '-');
	char *name = arena_strdup(a, dash && dash[1] ? dash + 1 : id), *at = name, *kept = name;

	if (look_up_is_file(id))
		return file_name(a, id);
	for (size_t n; *at; at += n + (at[n] == '-')) {
		const size_t digits = strspn(at, "0123456789");

		n = strcspn(at, "-");
		if (digits && (!strncmp(at + digits, "c-", 2) || !strncmp(at + digits, "gb", 2) ||
			       !strcmp(at + digits, "c")))
			continue;
		if (kept > name)
			*kept++ = '-';
		memmove(kept, at, n);
		kept += n;
	}
	*kept = '\0';
	for (at = name; *at; at++)
		*at = *at == '.' ? '-' : *at;
	return *name ? name : "machine";
}

static void name_machines(struct arena *a, struct asked *out)
{
	for (size_t i = 0; i < out->machines_n; i++) {
		const char *name = short_name(a, out->machines[i].id);
		size_t same = 1;

		for (size_t k = 0; k < i; k++)
			same += !strcmp(name, short_name(a, out->machines[k].id));
		out->machines[i].name = same > 1 ? arena_printf(a, "%s-%zu", name, same) : name;
	}
}

/* A chip that is in nothing else is one without a fan, by whatever name it is asked for. */
static bool sold_as_air_alone(const struct machine *m)
{
	return m->sold_as.n == 1 && !strcmp(((const char *const *)m->sold_as.at)[0], "MacBook Air");
}

/* Of the machines that are sold with one chip the Air has no fan. What it draws under a load is not that of the others. */
static void settle_fan(struct arena *a, const char *typed, struct asked_machine *m)
{
	m->fanless = typed_is_air(typed) || sold_as_air_alone(m->facts);
	if (!m->fanless)
		return;
	m->title = m->facts->title = arena_printf(a, "MacBook Air, %s", m->title);
	m->facts->active_power.given = false;
}

static int settle_machines(struct loader *l, const struct question *q, struct asked *out, struct err *err)
{
	if (!q->machines.n || q->machines.n > ASK_MACHINES) {
		err_set(err, q->machines.n ? "%zu machines are named" : "no machine is named", q->machines.n);
		return err_hint(err, q->machines.n ? "one to four; 'lemursim optimize' takes more"
						   : "--on MACHINE, such as --on \"m4 max 64\"");
	}
	for (size_t i = 0; i < q->machines.n; i++) {
		struct asked_machine *m = &out->machines[out->machines_n++];

		m->id = q->ids ? q->machines.at[i]
			       : look_up_of(l, CATALOGUE_MACHINES, q->machines.at[i], &m->sizes, err);
		if (!m->id || load_machine(l, m) != 0 || settle_runtime(l->arena, q, m, err) != 0)
			return -1;
		if (!q->ids && !look_up_is_file(m->id))
			settle_fan(l->arena, q->machines.at[i], m);
	}
	name_machines(l->arena, out);
	return 0;
}

/* ---- formats ---- */

static bool published_in(const struct model *m, enum mix_id a, enum mix_id b)
{
	const struct model_size *s = m->sizes.at;

	for (size_t i = 0; i < m->sizes.n; i++)
		if (s[i].weights == (int)a || s[i].weights == (int)b)
			return true;
	return false;
}

const char *question_weights(const struct model *m, const char *runtime, const char *train)
{
	const bool fp4 = published_in(m, (enum mix_id)FORMAT_MXFP4, MIX_MXFP4_BF16);
	const enum format_reader reads = format_reader_of(runtime);

	if (train && strcmp(train, "qlora") != 0)
		return reads == READS_MLX ? "bf16" : "f16";
	if (reads == READS_GGUF)
		return fp4 && !train ? "mxfp4" : train ? "q4_0" : "q4_K_M";
	if (reads == READS_MLX)
		return fp4 && !train ? "mlx_mxfp4_q8" : "mlx_q4";
	return train ? "q4_0" : fp4 ? "mxfp4_bf16" : "bf16";
}

static int settle_format(const char *option, const char *said, const char *const *names, size_t n,
			 struct err *err)
{
	const size_t i = str_find(said, names, n);

	return i < n ? (int)i : err_unknown(err, option, said, names, n);
}

static int settle_formats(const struct question *q, struct asked *out, struct assumptions *all,
			  struct err *err)
{
	const struct asked_machine *m = &out->machines[0];
	const struct device *d = m->facts->devices.at;
	const struct profile *p = device_runtime(d, m->runtime);
	int mix;

	out->weights = q->weights ? q->weights : question_weights(out->model, m->runtime, q->train);
	out->kv = q->kv ? q->kv : "f16";
	out->compute = dtype_names[compute_dtype(d, p, out->model)];
	mix = settle_format("format of weights", out->weights, mix_names, MIX_N, err);
	if (mix < 0 || settle_format("format of the KV cache", out->kv, format_names, FORMAT_N, err) < 0)
		return -1;
	out->weights_B = model_weights_B(
		out->model, &(struct precision){.weights = mix, .kv = FORMAT_F16, .compute = FORMAT_F16});
	for (size_t i = 0; i < out->machines_n; i++)
		if (format_check_on(out->machines[i].facts->devices.at, out->machines[i].runtime,
				    (enum mix_id)mix, err) != 0)
			return -1;
	if (!q->weights)
		assume(all, arena_printf(all->arena, "weights %s", out->weights));
	if (format_is_guest(m->runtime, (enum mix_id)mix))
		assume(all,
		       arena_printf(all->arena,
				    "%s as fast as formats of vLLM's own with as many bits, within a wide "
				    "range (its GGUF kernels are slower, and were not measured)",
				    out->weights));
	if (!q->kv && !q->train)
		assume(all, arena_printf(all->arena, "KV %s", out->kv));
	return 0;
}

/* ---- the request ---- */

static int too_long(const struct asked *out, int64_t asked, struct err *err)
{
	err_set(err, "sequences of %lld tokens are longer than %s allows", (long long)asked,
		out->model->title);
	return err_hint(err, "it was made for %lld tokens at most", (long long)out->model->context);
}

/* Prompt and answer, of which the context is the sum: two of the three give the third. */
static int settle_lengths(const struct question *q, struct asked *out, struct err *err)
{
	const int64_t most = out->model->context;

	out->tokens = q->tokens ? q->tokens : TOKENS_USUAL;
	if (q->context && q->prompt && !q->tokens)
		out->tokens = q->context - q->prompt;
	out->prompt = q->prompt ? q->prompt : q->context ? q->context - out->tokens : PROMPT_USUAL;
	if (!q->prompt && !q->context && most && out->prompt + out->tokens > most)
		out->prompt = most - out->tokens;
	if (out->prompt < 1 || out->tokens < 1 ||
	    (q->context && q->prompt && q->tokens && q->prompt + q->tokens != q->context)) {
		err_set(err, "a context of %lld tokens is not the sum of the prompt and the answer",
			(long long)q->context);
		return err_hint(err, "--context is their sum: say two of --context, --prompt and --tokens");
	}
	if (most && out->prompt + out->tokens > most)
		return too_long(out, out->prompt + out->tokens, err);
	return 0;
}

static int settle_training(const struct question *q, struct asked *out, struct err *err)
{
	static const char *const methods[] = {"lora", "full", "qlora"};
	const int64_t most = out->model->context;

	if (settle_format("way to train", q->train, methods, ARRAY_LEN(methods), err) < 0)
		return -1;
	out->train = q->train;
	out->tokens = q->tokens ? q->tokens : q->context ? q->context : TRAIN_TOKENS_USUAL;
	if (!q->tokens && !q->context && most && out->tokens > most)
		out->tokens = most;
	return most && out->tokens > most ? too_long(out, out->tokens, err) : 0;
}

static int settle_request(const struct question *q, struct asked *out, struct assumptions *all,
			  struct err *err)
{
	struct arena *a = all->arena;

	out->users = q->users ? q->users : 1;
	if ((q->train ? settle_training(q, out, err) : settle_lengths(q, out, err)) != 0)
		return -1;
	if (!q->train && !q->prompt)
		assume(all, arena_printf(a, "prompt %lld tok", (long long)out->prompt));
	if (!q->tokens && !(q->train && q->context) && !(q->context && q->prompt))
		assume(all, arena_printf(a, q->train ? "sequences of %lld tok" : "answer %lld tok",
					 (long long)out->tokens));
	if (!q->users && !(q->requests_per_s > 0))
		assume(all, q->train ? "batch 1" : "1 user");
	return 0;
}

static void tell_runtime(const struct asked_machine *m, const struct question *q, struct assumptions *all)
{
	struct str about = STR_INIT;

	if (m->runtime_note)
		str_add(&about, m->runtime_note);
	if (m->chunk && !q->train)
		str_addf(&about, "%s%lld tok of a prompt at a time", about.len ? "; " : "",
			 (long long)m->chunk);
	else if (m->suite)
		str_addf(&about, "%sthe kernels that calibrate measured, no program that people run",
			 about.len ? "; " : "");
	assume(all, about.len ? arena_printf(all->arena, "runtime %s (%s)", m->runtime, about.text)
			      : arena_printf(all->arena, "runtime %s", m->runtime));
	str_release(&about);
}

/* Training and a load of requests last; a batch begins cool and gets warm as it goes on. */
static void tell_fans(const struct question *q, struct asked *out, struct assumptions *all)
{
	bool some = false;

	for (size_t i = 0; i < out->machines_n; i++)
		some |= out->machines[i].fanless;
	if (some && (q->train || asked_load(out)))
		assume(all,
		       "a MacBook Air without a fan, throttled as under a load that lasts (apple-fanless)");
	else if (some)
		assume(all, "a MacBook Air without a fan, cool when it begins and throttled within minutes "
			    "(apple-fanless)");
}

static void tell_machines(const struct question *q, struct asked *out, struct assumptions *all)
{
	for (size_t i = 0; i < out->machines_n; i++) {
		const struct asked_machine *m = &out->machines[i];

		if (strcmp(q->machines.at[i], m->id) == 0 || look_up_is_file(m->id))
			continue;
		assume(all, m->sizes < 2 ? arena_printf(all->arena, "machine %s", m->id)
					 : arena_printf(all->arena,
							"machine %s (the smallest of %zu called '%.60s')",
							m->id, m->sizes, q->machines.at[i]));
	}
	for (size_t i = 0; i < out->machines_n; i++) {
		const struct asked_machine *m = &out->machines[i];
		bool told = q->runtime && !strcmp(q->runtime, m->runtime);

		for (size_t k = 0; k < i && !told; k++)
			told = !strcmp(m->runtime, out->machines[k].runtime);
		if (!told)
			tell_runtime(m, q, all);
	}
}

/* What was said of the load, and what was not: before all else, as the numbers are of a server then. */
static void tell_load(const struct asked *q, struct assumptions *all)
{
	if (q->think_s > 0)
		assume(all,
		       arena_printf(all->arena,
				    "a server under the load of %lld user%s, each %s s from an answer to the "
				    "next question on average",
				    (long long)q->users, q->users > 1 ? "s" : "",
				    units_digits(q->think_s, 6).text));
	else if (q->requests_per_s > 0)
		assume(all,
		       arena_printf(all->arena, "a server under the load of %s requests per second, Poisson",
				    units_digits(q->requests_per_s, 6).text));
	if (asked_load(q))
		assume(all, "all requests of one length");
}

/* ---- the link ---- */

/* A link between machines, which no one process has both ends of. What is wrong with its file is told by who loads it. */
static bool joins_hosts(struct loader *l, const char *id)
{
	const struct yml *tree = load_named(l, id, "hardware", HW_SCHEMA),
			 *local = tree ? yml_get(tree, "local") : NULL;

	return tree && !(local && local->kind == YML_SCALAR && !strcmp(local->text, "true"));
}

/* Machines of several programs reduce by neither's library. */
static int settle_link(struct loader *l, const struct question *q, struct asked *out, struct err *err)
{
	out->link_id = look_up(l, CATALOGUE_LINKS, q->link, err);
	if (!out->link_id)
		return -1;
	for (size_t i = 1; i < out->machines_n; i++)
		if (strcmp(out->machines[i].runtime, out->machines[0].runtime) != 0)
			return 0;
	if (!q->ids)
		out->link_id = look_up_link_under(l, out->link_id, out->machines[0].runtime);
	if (joins_hosts(l, out->link_id))
		out->no_tensor = runtime_no_tensor_between(out->machines[0].runtime);
	return 0;
}

static void tell_link(const struct question *q, const struct asked *out, struct assumptions *all)
{
	if (out->link_id && strcmp(q->link, out->link_id) != 0 && !look_up_is_file(out->link_id))
		assume(all, arena_printf(all->arena, "link %s", out->link_id));
}

static int settle(struct loader *l, const struct question *q, struct asked *out, struct err *err)
{
	struct assumptions all = {l->arena, ""};

	*out = (struct asked){
		.users = q->users ? q->users : 1, .think_s = q->think_s, .requests_per_s = q->requests_per_s};
	tell_load(out, &all);
	out->model_id = q->ids ? q->model : look_up(l, CATALOGUE_MODELS, q->model, err);
	out->model = out->model_id ? load_model(l, out->model_id) : NULL;
	if (!out->model || settle_machines(l, q, out, err) != 0)
		return -1;
	if (q->link && settle_link(l, q, out, err) != 0)
		return -1;
	if (strcmp(q->model, out->model_id) != 0 && !look_up_is_file(out->model_id))
		assume(&all, arena_printf(l->arena, "model %s", out->model_id));
	tell_machines(q, out, &all);
	tell_fans(q, out, &all);
	tell_link(q, out, &all);
	if (settle_formats(q, out, &all, err) != 0 || settle_request(q, out, &all, err) != 0)
		return -1;
	out->assumed = all.text;
	return 0;
}

int question_read(struct arena *a, struct question *q, struct err *err)
{
	const struct model_name read = model_name_read(a, q->model);
	const char *at;
	size_t n;
	const int mix = q->weights ? mix_in_text(q->weights, &at, &n) : MIX_N;

	if (mix < MIX_N && at == q->weights && !at[n])
		q->weights = mix_names[mix];
	if (read.unknown) {
		err_set(err, "'%.60s' is no format of weights that is known here", read.unknown);
		return err_hint(
			err,
			"leave it out, and say --weights FORMAT; 'lemursim import FILE.gguf' reads what a "
			"file has");
	}
	if (read.weights && q->weights && strcmp(read.weights, q->weights) != 0) {
		err_set(err, "'%.100s' is in %s, --weights says %.40s", q->model, read.weights, q->weights);
		return err_hint(err, "leave one of them out");
	}
	q->model = read.name;
	q->runtime = q->runtime || !read.mlx ? q->runtime : "mlx";
	q->weights = read.weights ? read.weights : q->weights;
	return 0;
}

/* A loader of the same paths, whose files do not become inputs of the other. */
static struct loader loader_apart(const struct loader *l)
{
	struct loader apart;

	loader_init(&apart, l->arena, l->diags);
	apart.paths = l->paths;
	apart.paths_n = l->paths_n;
	apart.trees = l->trees;
	return apart;
}

int question_check_model(const struct loader *l, const char *id)
{
	struct loader apart = loader_apart(l);

	return load_model(&apart, id) ? 0 : -1;
}

int question_settle(struct loader *l, const struct question *q, struct asked *out, struct err *err)
{
	struct loader apart = loader_apart(l);

	return settle(&apart, q, out, err);
}
