/* profile.c - writes the hardware file; the numbers are those of profile_fit.h. See profile.h. */
#include "sim/calib/profile.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/calib/bundle.h"
#include "sim/calib/profile_writer.h"
#include "sim/conf/sources.h"

static const double rate_over_stream_max = 1.25;

static void add_notes(struct profile_writer *w)
{
	if (w->m->n > 1)
		str_addf(w->out, "# %s, %s:\n", w->set->device ? w->set->device : "a device",
			 w->set->runtime ? w->set->runtime : "runtime unknown");
	for (size_t i = 0; i < w->d->notes_n; i++)
		profile_writer_line(w->out, "# - ", w->d->notes[i]);
}

static void add_head(struct profile_writer *w)
{
	const struct sample_set *s = w->set;
	const struct datasheet_row *note = datasheet_find(w->datasheet, "note");

	str_addf(w->out, "# %s: calibrated by %s, %s.\n", profile_writer_said(w, "chip", s->chip),
		 s->tool ? s->tool : "lemursim", s->date ? s->date : "date unknown");
	if (s->os || s->power_before)
		str_addf(w->out, "# System %s, build %s. Power before: %s; after: %s.\n",
			 s->os ? s->os : "unknown", s->build ? s->build : "unknown",
			 s->power_before ? s->power_before : "unknown",
			 s->power_after ? s->power_after : "unknown");
	if (s->load)
		str_addf(w->out, "# Load average before the first sample: %s.\n", s->load);
	if (note)
		profile_writer_line(w->out, "# ", note->value);
	str_add(w->out, "# Values are medians; n counts the samples, or the sizes of a fit; sd is what the "
			"samples, the fit and\n"
			"# repeated runs leave open. How they were made, and what was doubted:\n");
}

/* The largest of a count over all devices' samples; not every device has it (the CPU has no working-set limit). */
static double largest_of(const struct machine_samples *m, size_t offset)
{
	int64_t most = 0;

	for (size_t i = 0; i < m->n; i++) {
		const int64_t x = *(const int64_t *)((const char *)&m->sets[i] + offset);

		most = x > most ? x : most;
	}
	return (double)most;
}

/* As the samples say, or else the data sheet; 0: neither does. */
static double memory_B(const struct profile_writer *w)
{
	double B = largest_of(w->m, offsetof(struct sample_set, ram_B));

	if (!(B > 0))
		datasheet_value(w->m->datasheet, "memory.capacity", DIM_BYTES, &B);
	return B;
}

static void add_memory(struct profile_writer *w)
{
	const double ram = memory_B(w), set_B = largest_of(w->m, offsetof(struct sample_set, working_set_B));
	const struct number capacity = {ram, 0, 0, PROVENANCE_DATASHEET, "as the system reports it", ram > 0};
	const struct number usable = {set_B > 0 ? set_B : 0.75 * ram,
				      0,
				      0,
				      set_B > 0 ? PROVENANCE_DATASHEET : PROVENANCE_TRANSFERRED,
				      set_B > 0 ? "the device's working-set limit"
						: "three quarters of the memory",
				      ram > 0};
	const struct number bus = {w->bus,
				   w->bus_sd,
				   0,
				   PROVENANCE_MEASURED,
				   "the best stream that was measured; the bus is not known",
				   true};

	str_add(w->out, "memory:\n");
	profile_writer_key(w, 2, "memory.capacity", &capacity, DIM_BYTES);
	profile_writer_key(w, 2, "memory.usable", &usable, DIM_BYTES);
	profile_writer_key(w, 2, "memory.bandwidth", &bus, DIM_BANDWIDTH);
	profile_writer_key(w, 0, "price", NULL, DIM_MONEY);
	profile_writer_key(w, 0, "idle_power", NULL, DIM_POWER);
	profile_writer_key(w, 0, "active_power", NULL, DIM_POWER);
	profile_writer_key(w, 0, "sustained", &w->d->sustained, DIM_SHARE);
}

static void add_points(struct profile_writer *w, const struct utilisation_table *g, bool attention,
		       int indent)
{
	profile_writer_key(w, indent, attention ? "attention.between" : "gemm.between", &g->between,
			   DIM_SHARE);
	profile_writer_key(w, indent, attention ? "attention.beyond" : "gemm.beyond", &g->beyond, DIM_SHARE);
	str_addf(w->out, "%*spoints:\n", indent, "");
	for (size_t i = 0; i < g->n; i++) {
		const struct utilisation_point *p = &g->at[i];

		if (attention)
			str_addf(w->out, "%*s- {query: %lld, context: %lld,\n%*su: ", indent + 2, "",
				 (long long)p->m, (long long)p->n, indent + 5, "");
		else {
			str_addf(w->out, "%*s- {m: %lld, n: %lld, k: %lld,", indent + 2, "", (long long)p->m,
				 (long long)p->n, (long long)p->k);
			if (p->per)
				str_addf(w->out, " per: %lld,", (long long)p->per);
			str_addf(w->out, "\n%*su: ", indent + 5, "");
		}
		profile_writer_number(w->out, &p->u, DIM_SHARE);
		str_add(w->out, "}\n");
	}
}

static void add_inline(struct profile_writer *w, const char *name, const struct number *x, enum dim dim)
{
	if (!x->given)
		return;
	str_addf(w->out, ",\n               %s: ", name);
	profile_writer_number(w->out, x, dim);
}

static void add_kernels(struct profile_writer *w)
{
	if (w->d->kernels_n)
		str_add(w->out, "          kernels:\n");
	for (size_t i = 0; i < w->d->kernels_n; i++) {
		const struct attention_kernel_fit *k = &w->d->kernels[i];

		str_addf(w->out, "            - {head_dim: %lld, kv_bits: %lld", (long long)k->head_dim,
			 (long long)k->kv_bits);
		add_inline(w, "decode", &k->decode, DIM_BANDWIDTH);
		add_inline(w, "decode_u", &k->decode_u, DIM_SHARE);
		add_inline(w, "prefill", &k->prefill, DIM_SHARE);
		str_add(w->out, "}\n");
	}
}

/* Products by the format of their weights; nothing where none has a table. */
static void add_products(struct profile_writer *w, const char *key,
			 const struct utilisation_table by[FEW_FORMATS])
{
	bool any = false;

	for (int f = 0; f < FEW_FORMATS; f++) {
		if (!by[f].n)
			continue;
		if (!any)
			str_addf(w->out, "        %s:\n", key);
		any = true;
		str_addf(w->out, "          %s:\n%s", few_format_names[f],
			 by[f].tokens ? "            tokens: true\n" : "");
		add_points(w, &by[f], false, 12);
	}
}

static void add_tables(struct profile_writer *w)
{
	for (int t = 0; t < DTYPE_N; t++) {
		const struct utilisation_table *g = &w->d->gemm[t];

		if (!g->n)
			continue;
		str_addf(w->out, "        gemm_%s:\n", dtype_names[t]);
		profile_writer_key(w, 10, "roof", &g->roof, DIM_FLOPS);
		profile_writer_key(w, 10, "sync", &g->sync, DIM_TIME);
		add_points(w, g, false, 10);
	}
	str_addf(w->out, "        attention:\n          skips_mask: %s\n",
		 w->d->skips_mask ? "true" : "false");
	add_points(w, &w->d->attention, true, 10);
	profile_writer_rate(w, 10, "decode", w->d->decode);
	profile_writer_key(w, 10, "attention.decode_u", &w->d->decode_u, DIM_SHARE);
	profile_writer_key(w, 10, "attention.several", &w->d->several, DIM_BANDWIDTH);
	profile_writer_key(w, 10, "attention.several_start", &w->d->several_start, DIM_TIME);
	add_kernels(w);
}

static void add_by_format(struct profile_writer *w, int indent, const char *key, const struct number *by)
{
	bool any = false;

	for (int f = 0; f < FEW_FORMATS; f++)
		any |= by[f].given;
	if (!any)
		return;
	str_pad(w->out, ' ', (size_t)indent);
	str_addf(w->out, "%s:\n", key);
	for (int f = 0; f < FEW_FORMATS; f++)
		profile_writer_key(w, indent + 2, few_format_names[f], &by[f], DIM_SHARE);
}

/* Products of few rows: one reading of the weights serves all rows, and each further row costs its share of the peak; rows
 * of experts are products of their own until there are two for each. */
static void add_few(struct profile_writer *w)
{
	const struct few_rows *few = &w->d->few;

	add_by_format(w, 8, "dequant", few->dequant);
	if (!few->rows)
		return;
	str_addf(w->out, "        few:\n          rows: %lld\n          pass: %lld\n", (long long)few->rows,
		 (long long)few->rows);
	if (few->scattered.given) {
		str_add(w->out, "          gather: 2\n");
		profile_writer_key(w, 10, "scattered", &few->scattered, DIM_SHARE);
	}
	add_by_format(w, 10, "further", few->further);
}

static void add_kernel_counts(struct profile_writer *w, const char *name, double kernels, double passes)
{
	char key[64];

	snprintf(key, sizeof key, "%s.kernels", name);
	datasheet_value(w->datasheet, key, DIM_COUNT, &kernels);
	snprintf(key, sizeof key, "%s.passes", name);
	datasheet_value(w->datasheet, key, DIM_COUNT, &passes);
	str_addf(w->out, "        %s: {kernels: %.0f", name, kernels);
	if (passes > 0)
		str_addf(w->out, ", passes: %g", passes);
	str_add(w->out, "}\n");
}

/* Kernels and passes of a runtime: the data sheet's, else those of this program's own kernels (kernels/), which have none
 * for mixtures of experts. */
static void add_fusion(struct profile_writer *w)
{
	static const struct {
		const char *name;
		int kernels;
		double passes;
	} own[] = {{"norm", 1, 2},   {"rope", 1, 2},   {"kv_append", 1, 0},  {"kv_repeat", 0, 0},
		   {"scores", 1, 0}, {"linear", 1, 0}, {"activation", 1, 3}, {"residual", 1, 3}};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		add_kernel_counts(w, own[i].name, own[i].kernels, own[i].passes);
	if (datasheet_find(w->datasheet, "route.kernels"))
		add_kernel_counts(w, "route", 5, 4);
	if (datasheet_find(w->datasheet, "combine.kernels"))
		add_kernel_counts(w, "combine", 2, 3);
}

/* Appends a key that is read from a runtime's source code: the data sheet's value is the inside of a mapping, without its
 * `source`. */
static void add_from_source(struct profile_writer *w, const char *key)
{
	const struct datasheet_row *x = datasheet_find(w->datasheet, key);

	if (!x)
		return;
	str_addf(w->out, "        %s:\n          {%s,\n           source: ", key, x->value);
	profile_writer_text(w->out, x->source ? x->source : "the data sheet");
	str_add(w->out, "}\n");
}

static void add_runtime(struct profile_writer *w)
{
	const struct profile_fit *d = w->d;

	str_addf(w->out, "    runtimes:\n      %s:\n        version: ",
		 profile_writer_said(w, "runtime", w->set->runtime));
	profile_writer_text(w->out, profile_writer_said(w, "version", w->set->build));
	str_add(w->out, "\n");
	if (w->set->suite)
		str_add(w->out, "        suite: lemursim\n");
	profile_writer_rate(w, 8, "read", d->read);
	profile_writer_rate(w, 8, "copy", d->copy);
	profile_writer_rate(w, 8, "gemv", d->gemv);
	profile_writer_rate(w, 8, "gemv_q8", d->gemv_q8);
	profile_writer_rate(w, 8, "gemv_q4", d->gemv_q4);
	add_tables(w);
	add_few(w);
	add_products(w, "products", d->products);
	add_products(w, "experts", d->experts);
	add_products(w, "experts_few", d->experts_few);
	add_fusion(w);
	if (datasheet_find(w->datasheet, "chunk"))
		str_addf(w->out, "        chunk: %s\n", profile_writer_said(w, "chunk", ""));
	if (datasheet_find(w->datasheet, "chunks_overlap"))
		str_addf(w->out, "        chunks_overlap: %s\n",
			 profile_writer_said(w, "chunks_overlap", ""));
	add_from_source(w, "expert_calls");
	add_from_source(w, "honours");
	add_from_source(w, "train_copies");
	str_addf(w->out, "        all_logits: %s\n        overhead:\n",
		 profile_writer_said(w, "all_logits", "false"));
	profile_writer_key(w, 10, "overhead.kernel", &d->kernel, DIM_TIME);
	profile_writer_key(w, 10, "overhead.product", &d->product, DIM_TIME);
	profile_writer_key(w, 10, "overhead.attention", &d->attend, DIM_TIME);
	profile_writer_key(w, 10, "overhead.norm", &d->norm, DIM_TIME);
	profile_writer_key(w, 10, "overhead.unlike", &d->unlike, DIM_TIME);
	profile_writer_key(w, 10, "overhead.step", &d->step, DIM_TIME);
	profile_writer_key(w, 10, "overhead.token", NULL, DIM_TIME);
	profile_writer_key(w, 10, "overhead.mask", NULL, DIM_TIME);
	profile_writer_key(w, 10, "overhead.logits", NULL, DIM_BANDWIDTH);
	profile_writer_key(w, 10, "overhead.host", &d->host, DIM_TIME);
	profile_writer_key(w, 10, "overhead.host_training", &d->host_training, DIM_TIME);
	if (d->host.given || datasheet_find(w->datasheet, "overhead.replays"))
		str_addf(w->out, "          replays: %s\n",
			 profile_writer_said(w, "overhead.replays", "decode"));
}

static void add_device(struct profile_writer *w)
{
	static const char *const peaks[DTYPE_N] = {"peak_f32", "peak_f16", "peak_bf16"};
	const struct datasheet_row *cores = datasheet_find(w->datasheet, "cores");
	const struct profile_fit *d = w->d;

	str_addf(w->out, "  %s:\n", profile_writer_said(w, "device", w->set->device));
	if (cores)
		str_addf(w->out, "    cores: %s\n", cores->value);
	else
		str_addf(w->out, "    cores: %lld\n", (long long)(w->set->cores > 0 ? w->set->cores : 1));
	profile_writer_key(w, 4, "clock", NULL, DIM_FREQUENCY);
	for (int t = 0; t < DTYPE_N; t++)
		profile_writer_key(w, 4, peaks[t], d->gemm[t].n ? &d->gemm[t].peak : NULL, DIM_FLOPS);
	if (profile_fit_has_products(d))
		add_runtime(w);
}

/* The bus's bandwidth where no data sheet gives it: the best measured stream. Products and attention may read somewhat
 * faster than the plain read loop; rates beyond rate_over_stream_max came from a cache in part, and do not count. */
static void find_bus(struct profile_writer *w, const struct profile_fit *d)
{
	const double stream = fmax(d->read.value, d->copy.value);
	const struct number *const rates[] = {&d->read,    &d->copy,    &d->gemv,
					      &d->gemv_q8, &d->gemv_q4, &d->decode};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		const double rate = rates[i]->value * 1.0001; /* so that rounding leaves none above it */

		if (rate <= w->bus || rates[i]->value > rate_over_stream_max * stream)
			continue;
		w->bus = rate;
		w->bus_sd = rates[i]->sd;
	}
}

/* Reads back what was written, as `lemursim check` would. */
static int check_text(struct arena *a, const struct str *text, struct err *err)
{
	const struct source source = {"what they make", text->text, text->len};
	struct machine *m = arena_alloc(a, sizeof *m);
	struct diags diags;
	struct str all = STR_INIT;
	struct yml *tree;

	diags_init(&diags, a);
	tree = yml_parse(a, &source, &diags);
	if (tree)
		sources_resolve(a, tree, &diags);
	if (tree)
		yml_drop(tree, "base"); /* a base adds keys; the measured file must be complete without it */
	if (tree && !diags.total && field_load(&machine_table, tree, "machine", m, &diags) == 0)
		machine_check(m, &diags);
	if (!diags.total)
		return 0;
	diags_format(&diags, &all);
	err_set(err, "these samples do not make a sound file: %.*s",
		(int)(all.len - 1 < 400 ? all.len - 1 : 400), all.text);
	str_release(&all);
	return -1;
}

static int check_sets(const struct machine_samples *m, struct err *err)
{
	for (size_t i = 1; i < m->n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct sample_set *a = &m->sets[j], *b = &m->sets[i];

			if (a->chip && b->chip && strcmp(a->chip, b->chip) != 0)
				return err_set(err,
					       "samples of two machines, '%.60s' and '%.60s', make no file",
					       a->chip, b->chip);
			if (!a->device || !b->device || !strcmp(a->device, b->device))
				return err_set(err, "two sets of samples are of one device, '%.60s'",
					       b->device ? b->device : "unknown");
		}
	return 0;
}

static int check_memory(const struct machine_samples *m, struct err *err)
{
	if (datasheet_find(m->datasheet, "memory.capacity") ||
	    largest_of(m, offsetof(struct sample_set, ram_B)) > 0)
		return 0;
	err_set(err, "how much memory the machine has is not said");
	return err_hint(err, "a line '# ram: 16 GiB' before the head of the samples, or --facts FILE with "
			     "'memory.capacity,16 GiB' below 'key,value'");
}

static void select_device(struct profile_writer *w, const struct profile_fit *all, size_t i)
{
	w->set = &w->m->sets[i];
	w->datasheet = i ? NULL : w->m->datasheet;
	w->d = &all[i];
}

static void write_text(struct profile_writer *w, const struct profile_fit *all)
{
	select_device(w, all, 0);
	add_head(w);
	for (size_t i = 0; i < w->m->n; i++) {
		select_device(w, all, i);
		add_notes(w);
	}
	select_device(w, all, 0);
	str_add(w->out, "schema: lemursim/hardware/1\n");
	if (datasheet_find(w->datasheet, "base"))
		str_addf(w->out, "base: %s\n", datasheet_find(w->datasheet, "base")->value);
	str_add(w->out, "kind: machine\ntitle: ");
	profile_writer_text(w->out, profile_writer_said(w, "title", w->set->chip));
	str_add(w->out, "\nchip: ");
	profile_writer_text(w->out, profile_writer_said(w, "chip", w->set->chip));
	str_add(w->out, "\n");
	add_memory(w);
	str_add(w->out, "devices:\n");
	for (size_t i = 0; i < w->m->n; i++) {
		select_device(w, all, i);
		add_device(w);
	}
}

int profile_write_all(const struct machine_samples *m, struct str *out, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct str text = STR_INIT;
	struct profile_fit *all = arena_array(&a, m->n, sizeof *all);
	struct profile_writer w = {.out = &text, .m = m};
	int rc = check_sets(m, err);

	for (size_t i = 0; i < m->n && rc == 0; i++) {
		rc = profile_fit_make(&a, &m->sets[i], i ? NULL : m->datasheet, &all[i], err);
		if (rc == 0)
			find_bus(&w, &all[i]);
		if (rc == 0 && m->told)
			profile_fit_tell_unused(&all[i], m->sets[i].device ? m->sets[i].device : "device",
						m->arena, m->told);
	}
	if (rc == 0)
		rc = check_memory(m, err);
	if (rc == 0) {
		datasheet_value(m->datasheet, "memory.bandwidth", DIM_BANDWIDTH, &w.bus);
		write_text(&w, all);
		rc = check_text(&a, &text, err);
	}
	if (rc == 0)
		sources_list(text.text, out);
	str_release(&text);
	arena_release(&a);
	return rc;
}

int profile_write(const struct sample_set *set, const struct datasheet *datasheet, const char *name,
		  struct str *out, struct err *err)
{
	return profile_write_all(
		&(struct machine_samples){.sets = set, .n = 1, .datasheet = datasheet, .name = name}, out,
		err);
}

static void take_base(struct arena *a, struct datasheet *sheet, const struct machine *base,
		      const struct sample_set *set)
{
	bool measured[DTYPE_N] = {false};

	for (size_t i = 0; i < set->n; i++)
		if (set->samples[i].kind == SAMPLE_GEMM && (int)set->samples[i].dtype < DTYPE_N)
			measured[set->samples[i].dtype] = true;
	measured[DTYPE_BF16] |= measured[DTYPE_F16]; /* of which it is made where it was not measured */
	datasheet_inherit(a, sheet, base, set->device, measured);
}

int profile_write_files(struct arena *a, const struct profile_files *files, struct str *out, struct err *err)
{
	struct datasheet datasheet = {0};
	struct bundle b;

	if (bundle_read(a, files->samples, files->n, &b, err) != 0)
		return -1;
	bundle_tell(&b, a, files->told);
	for (size_t i = 0; i < b.n; i++) {
		b.sets[i].suite = b.sets[i].tool && str_starts(b.sets[i].tool, "lemursim");
		b.sets[i].tool = files->tool ? files->tool : b.sets[i].tool;
	}
	if (files->datasheet && datasheet_read(a, files->datasheet, &datasheet, err) != 0)
		return -1;
	if (files->base)
		take_base(a, &datasheet, files->base, &b.sets[0]);
	return profile_write_all(&(struct machine_samples){b.sets, b.n, files->datasheet ? &datasheet : NULL,
							   files->samples[0], a, files->told},
				 out, err);
}
