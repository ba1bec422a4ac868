/* import.c - see import.h. */
#include "sim/import/import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/units.h"
#include "sim/import/quantized.h"
#include "sim/import/safetensors.h"
#include "sim/llm/model.h"

static const double SIZE_TOLERANCE = 0.005; /* the tolerance of model_check() */

enum { CONFIG_MAX = 64 << 20, INDEX_MAX = 64 << 20, SHARDS_MAX = 4096 };

struct job {
	struct loader *l;
	struct arena *arena;
	const struct import_ask *ask;
	struct import_result *r;
	struct tensor_table table;
	struct err *err;
	const struct yml *config; /* NULL: of a GGUF */
};

/* --- which file is what --------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *path_beside(struct arena *a, const char *path, const char *name)
{
	return arena_printf(a, "%.*s%s", (int)(base_name(path) - path), path, name);
}

/* Parses a shard name "x-00002-of-00005.gguf": returns the number of shards and the offset of the shard's
 * number in *at, or 0 if it is not a shard. */
static size_t shard_of(const char *path, const char *suffix, size_t *at)
{
	const size_t len = strlen(path), tail = strlen(suffix);
	const char *p;

	if (len < tail + 15 || strcmp(path + len - tail, suffix) != 0)
		return 0;
	p = path + len - tail - 15; /* start of "-00002-of-00005" */
	if (p[0] != '-' || strspn(p + 1, "0123456789") != 5 || strncmp(p + 6, "-of-", 4) != 0 ||
	    strspn(p + 10, "0123456789") != 5)
		return 0;
	*at = (size_t)(p + 1 - path);
	return (size_t)strtoul(p + 10, NULL, 10);
}

/* Lists the paths of all shards in order, or the single file. */
static int list_shards(struct job *j, const char *suffix, struct name_list *files)
{
	const char *path = j->ask->path;
	size_t at = 0;
	const size_t n = shard_of(path, suffix, &at);

	files->n = n ? n : 1;
	if (n > SHARDS_MAX)
		return err_set(j->err, "'%s': more than %d files", path, SHARDS_MAX);
	files->at = arena_array(j->arena, files->n, sizeof *files->at);
	files->at[0] = path;
	for (size_t i = 0; i < n; i++) {
		files->at[i] = arena_printf(j->arena, "%.*s%05zu%s", (int)at, path, i + 1, path + at + 5);
		if (file_exists(files->at[i]))
			continue;
		err_set(j->err, "'%s' is missing: file %zu of %zu", files->at[i], i + 1, n);
		return err_hint(j->err,
				"the table of tensors is complete only with all files, at least their "
				"headers");
	}
	return 0;
}

/* --- GGUF ----------------------------------------------------------------------------------------- */

static int read_gguf(struct job *j, const char *path, struct gguf *g)
{
	struct bytes b;
	int rc;

	if (bytes_open(&b, path, j->err) != 0)
		return -1;
	rc = gguf_read(j->arena, &b, g, &j->table, j->err);
	bytes_close(&b);
	if (rc == 0 && g->size < g->data_ends)
		j->r->short_B += g->data_ends - (g->size > g->data_at ? g->size : g->data_at);
	return rc;
}

/* Checks that split.no and split.count agree with the file names. */
static int check_split(struct job *j, const struct gguf *g, size_t i, size_t n)
{
	const struct gguf_key *no = gguf_find(g, "split.no"), *of = gguf_find(g, "split.count");

	if (of && of->number > 1 && (of->number != (double)n || !no || no->number != (double)i)) {
		err_set(j->err, "%s:byte %llu: this is part %.17g of %.17g, its name says %zu of %zu",
			g->path, (unsigned long long)of->at, no ? no->number + 1 : 0, of->number, i + 1, n);
		return err_hint(j->err, "give the files the names they were published with");
	}
	return 0;
}

/* All shards; first: the keys of the first one, which has those of the model. */
static int read_shards(struct job *j, struct gguf *first)
{
	struct name_list files;
	struct gguf other;

	if (list_shards(j, ".gguf", &files) != 0)
		return -1;
	for (size_t i = 0; i < files.n; i++) {
		struct gguf *g = i ? &other : first;

		if (read_gguf(j, files.at[i], g) != 0 || check_split(j, g, i, files.n) != 0)
			return -1;
	}
	j->r->files_n = files.n;
	return tensors_sort(&j->table, j->err);
}

int import_gguf_tensors(struct loader *l, const char *path, struct gguf *g, struct tensor_table *t,
			struct err *err)
{
	const struct import_ask ask = {.path = path};
	struct import_result r = {.files_n = 1};
	struct job j = {l, l->arena, &ask, &r, {.arena = l->arena}, err, NULL};

	*g = (struct gguf){.keys_n = 0};
	if (read_shards(&j, g) != 0)
		return -1;
	*t = j.table;
	return 0;
}

static int import_gguf(struct job *j)
{
	struct gguf first = {.keys_n = 0};

	if (read_shards(j, &first) != 0)
		return -1;
	return describe_gguf(j->arena, &j->r->described, &first, &j->table, j->err);
}

/* --- Hugging Face --------------------------------------------------------------------------------- */

static const struct yml *read_config(struct job *j, const char *path)
{
	struct source *s = arena_alloc(j->arena, sizeof *s);
	char *text;
	size_t len;

	if (file_read(j->arena, path, CONFIG_MAX, &text, &len, j->err) != 0)
		return NULL;
	*s = (struct source){path, text, len};
	return yml_parse(j->arena, s, j->l->diags);
}

static int import_config(struct job *j, const char *path, const struct yml **config)
{
	j->config = *config = read_config(j, path);
	if (!*config || describe_hf(&j->r->described, *config, j->ask->assume, j->l->diags) != 0)
		return -1;
	return j->l->diags->total ? -1 : 0;
}

static int index_files(struct job *j, struct name_list *files)
{
	char *text;
	size_t len;

	if (file_read(j->arena, j->ask->path, INDEX_MAX, &text, &len, j->err) != 0 ||
	    safetensors_index(j->arena, j->ask->path, text, len, files, j->err) != 0)
		return -1;
	for (size_t i = 0; i < files->n; i++)
		files->at[i] = path_beside(j->arena, j->ask->path, files->at[i]);
	return 0;
}

static int import_safetensors(struct job *j, bool is_index)
{
	const char *path = path_beside(j->arena, j->ask->path, "config.json");
	const struct yml *config;
	struct name_list files;

	if (!file_exists(path)) {
		err_set(j->err, "'%s' is missing", path);
		return err_hint(j->err,
				"a safetensors file knows its tensors, not its model: put config.json "
				"beside it");
	}
	if ((is_index ? index_files(j, &files) : list_shards(j, ".safetensors", &files)) != 0 ||
	    import_config(j, path, &config) != 0)
		return -1;
	for (size_t i = 0; i < files.n; i++) {
		uint64_t short_B = 0;
		struct bytes b;
		int rc;

		if (bytes_open(&b, files.at[i], j->err) != 0)
			return -1;
		rc = safetensors_read(j->arena, &b, &j->table, &short_B, j->err);
		bytes_close(&b);
		if (rc != 0)
			return -1;
		j->r->short_B += short_B;
	}
	j->r->files_n = files.n;
	if (tensors_sort(&j->table, j->err) != 0)
		return -1;
	return describe_unpack(&j->table, config, j->err);
}

/* --- what the table says -------------------------------------------------------------------------- */

/* Adjusts whether the head shares the embedding's weights to the tensor table, if the config disagrees. */
static void adjust_tied_head(struct job *j)
{
	struct described *d = &j->r->described;
	const struct file_tensor *head = tensors_find(&j->table, "lm_head.weight");

	if (!head)
		head = tensors_find(&j->table, "transformer.output_layer.weight");
	if (!head)
		head = tensors_find(&j->table, "language_model.lm_head.weight");
	if (!head)
		head = tensors_find(&j->table, "output.weight");
	if (j->table.n && !d->tied && !head && j->r->sums.bytes[CLASS_EMBEDDING] > 0) {
		describe_note(d, j->arena, "the files hold no head: it is taken to be the embedding");
		d->tied = true;
	}
}

static int apply_table(struct job *j)
{
	struct import_result *r = j->r;
	struct described *d = &r->described;

	r->tensors_n = j->table.n;
	if (!j->table.n)
		return 0;
	tensors_sum(&j->table, d->layers, &r->sums);
	if (r->sums.unknown_n) {
		err_set(j->err, "%s:byte %llu: tensor '%s' is of no part that is modelled, %zu in all",
			r->sums.unknown->file, (unsigned long long)r->sums.unknown->at, r->sums.unknown->name,
			r->sums.unknown_n);
		return err_hint(j->err, "'%.100s' has parts that this program does not know", d->family);
	}
	adjust_tied_head(j);
	d->parameters = tensor_sums_numbers(&r->sums);
	d->bytes = tensor_sums_bytes(&r->sums);
	for (int c = CLASS_BEYOND; c <= CLASS_OTHER; c++)
		if (r->sums.numbers[c] > 0)
			describe_note(d, j->arena, "%s: %s parameters, %s GB", tensor_class_names[c],
				      units_digits(r->sums.numbers[c], 4).text,
				      units_digits(r->sums.bytes[c] / 1e9, 4).text);
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------------ */

static int read_facts(struct job *j, struct extras *x)
{
	struct source *s = arena_alloc(j->arena, sizeof *s);
	struct yml *tree;
	char *text;
	size_t len;

	if (file_read(j->arena, j->ask->facts, CONFIG_MAX, &text, &len, j->err) != 0)
		return -1;
	*s = (struct source){j->ask->facts, text, len};
	tree = yml_parse(j->arena, s, j->l->diags);
	if (!tree || field_load(&extras_table, tree, "facts", x, j->l->diags) != 0)
		return -1;
	if (x->mlx_dtype_source && !x->mlx_dtype)
		return diag_add(j->l->diags, yml_get(tree, "mlx_dtype_source")->place, "mlx_dtype: f16",
				"facts: the source of 'mlx_dtype', which is not given");
	return 0;
}

/* Loads the written text, which must be a valid model file. */
static int read_back(struct job *j, struct model *m)
{
	struct source *s = arena_alloc(j->arena, sizeof *s);
	struct yml *tree;

	*s = (struct source){arena_printf(j->arena, "(made of %s)", base_name(j->ask->path)),
			     arena_strdup(j->arena, j->r->text.text), j->r->text.len};
	tree = yml_parse(j->arena, s, j->l->diags);
	*m = (struct model){.layers = 0};
	if (tree && field_load(&model_table, tree, "model", m, j->l->diags) == 0)
		model_check(m, j->l->diags);
	return j->l->diags->total ? -1 : 0;
}

static double size_error(const struct model *m, int mix, double bytes)
{
	const struct precision p = {.weights = mix};

	return model_weights_B(m, &p) / bytes - 1;
}

int import_file_type(const struct model *m, const char *said, double bytes)
{
	const bool by_mlx = said && str_starts(said, "mlx_");
	int best = by_mlx ? (int)FORMAT_MLX_Q4 : 0;

	for (int i = 0; said && i < MIX_N; i++)
		if (!strcmp(said, mix_names[i]) && fabs(size_error(m, i, bytes)) <= SIZE_TOLERANCE)
			return i;
	for (int i = 1; i < MIX_N; i++)
		if (by_mlx == str_starts(mix_names[i], "mlx_") &&
		    fabs(size_error(m, i, bytes)) < fabs(size_error(m, best, bytes)))
			best = i;
	return best;
}

/* Adds the table's bytes to the model file, so that `check` compares with them; or a note if no file type
 * comes close. */
static void add_size(struct job *j, const struct model *m)
{
	const struct described *d = &j->r->described;
	const int mix = import_file_type(m, d->file_type, d->bytes);
	const double by = size_error(m, mix, d->bytes);

	j->r->file_type = mix_names[mix];
	j->r->off = by;
	if (fabs(by) <= SIZE_TOLERANCE)
		str_addf(&j->r->text, "sizes:\n  - {weights: %s, bytes: %.0f B, source: tensor table}\n",
			 mix_names[mix], d->bytes);
	else
		str_addf(&j->r->text,
			 "# its tensors take %.0f bytes, as no file type here; the closest, %s, is %+.1f %% "
			 "off%s\n",
			 d->bytes, mix_names[mix], 100 * by,
			 str_ends(j->ask->path, ".gguf") ? "; in a scenario say 'weights: {file: ...}'" : "");
}

/* The config, or the hf_quant_config.json that Model Optimizer puts beside it; NULL: neither says how weights are quantized. */
static const struct yml *quantization(struct job *j)
{
	const char *beside = path_beside(j->arena, j->ask->path, "hf_quant_config.json");
	const struct yml *other;

	if (config_is_quantized(j->config))
		return j->config;
	other = file_exists(beside) ? read_config(j, beside) : NULL;
	return other && config_is_quantized(other) ? other : NULL;
}

/* What the quantisation block of a config.json makes of the model: a comment, and how a scenario says it. */
static void add_quantized(struct job *j, const struct model *m)
{
	struct import_result *r = j->r;
	const struct yml *said = quantization(j);
	struct err err = ERR_INIT;
	struct quantized_weights quantized;

	if (!said)
		return;
	if (quantized_read(j->arena, said, m, &quantized, &err) != 0) {
		describe_note(&r->described, j->arena, "%s: what its files take is not counted", err.msg);
		str_addf(&r->text, "# not modelled: %s: what its files take is not counted\n", err.msg);
		return;
	}
	r->quantized_B = quantized.bytes;
	r->quantized_mtp_B = quantized.mtp_bytes;
	str_addf(&r->text, "# as its quantization has them, its weights take %s GB",
		 units_digits(quantized.bytes / 1e9, 5).text);
	if (quantized.mtp_bytes > 0)
		str_addf(&r->text, ", layers that predict further tokens %s GB more",
			 units_digits(quantized.mtp_bytes / 1e9, 4).text);
	str_add(&r->text, "; in a scenario say 'weights: {file: ...}' with the path of its config.json\n");
}

static int read_files(struct job *j)
{
	const char *name = base_name(j->ask->path);
	const struct yml *config;

	if (str_ends(name, ".safetensors.index.json"))
		return import_safetensors(j, true);
	if (str_ends(name, ".safetensors"))
		return import_safetensors(j, false);
	if (str_ends(name, ".gguf"))
		return import_gguf(j);
	if (str_ends(name, ".json") || !strcmp(j->ask->path, "-")) /* the others are sought in */
		return import_config(j, j->ask->path, &config);
	err_set(j->err, "cannot import '%s': its suffix says nothing", j->ask->path);
	return err_hint(j->err, "config.json (or - for one), .gguf, .safetensors or .safetensors.index.json");
}

int import_model(struct loader *l, const struct import_ask *ask, struct import_result *r, struct err *err)
{
	struct job j = {l, l->arena, ask, r, {.arena = l->arena}, err, NULL};
	struct extras x = {.title = NULL};
	const char *provenance;
	struct model m;

	*r = (struct import_result){.text = STR_INIT, .files_n = 1};
	if (read_files(&j) != 0 || apply_table(&j) != 0 || (ask->facts && read_facts(&j, &x) != 0))
		return -1;
	provenance = arena_printf(l->arena, "Made by 'lemursim import' from %s%s%s; change those, not this.",
				  base_name(ask->path), ask->facts ? " and " : "",
				  ask->facts ? base_name(ask->facts) : "");
	r->described.source = base_name(ask->path);
	describe_write(&r->described, ask->facts ? &x : NULL, provenance, &r->text);
	if (read_back(&j, &m) != 0)
		return -1;
	if (r->described.bytes > 0 && !x.sizes.n)
		add_size(&j, &m);
	else if (j.config && r->described.bytes <= 0 && !ask->facts)
		add_quantized(&j, &m);
	return 0;
}
