/* run_weights.c - see run_weights.h. */
#include "sim/family/run_weights.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "sim/base/nearest.h"
#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/cost/compute_dtype.h"
#include "sim/family/mix_by_size.h"
#include "sim/family/run_params.h"
#include "sim/llm/memory.h"
#include "sim/llm/mix_word.h"

/* llama-bench prints sizes to two decimals, and files of one type differ by a version's rules for a tensor or two. */
static const double size_off = 0.02;

/* --- what a row says of its weights --------------------------------------------------------------- */

/* llama_model_ftype_name() of llama.cpp writes "Q4_K - Medium" for the file type that its users call Q4_K_M. */
static const char *short_names(struct arena *a, const char *text)
{
	static const char *const sizes[][2] = {
		{"_K - Medium", "_K_M"}, {"_K - Small", "_K_S"}, {"_K - Large", "_K_L"}};
	const char *out = text;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const char *at = strstr(out, sizes[i][0]);

		if (at)
			out = arena_printf(a, "%.*s%s%s", (int)(at - out), out, sizes[i][1],
					   at + strlen(sizes[i][0]));
	}
	return out;
}

/* A word that reads like the name of a format: IQ2_XXS, TQ1_0, UD-Q4_K_XL, NVFP4; NULL: there is none. */
static const char *format_word(struct arena *a, const char *text)
{
	static const char *const heads[] = {"IQ", "TQ", "Q", "NVFP", "MXFP", "FP", "UD-"};

	for (const char *at = text; *at; at += *at != '\0') {
		const size_t n =
			strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

		for (size_t i = 0; i < ARRAY_LEN(heads) && n; i++) {
			const char *word = at + (str_starts(at, "UD-") ? 3 : 0);
			const size_t head = strlen(heads[i]);

			if (strncmp(word, heads[i], head) == 0 && isdigit((unsigned char)word[head]))
				return arena_strndup(a, at, n);
		}
		at += n;
	}
	return NULL;
}

/* The same within a file's name, "DeepSeek-V3-IQ4_K_R4-00001-of-00010.gguf", where words are parted by '-'. */
static const char *format_within(struct arena *a, const char *text)
{
	for (const char *at = strpbrk(text, "-./"); at; at = strpbrk(at + 1, "-./")) {
		const char *word = format_word(a, at + 1);

		if (word && str_starts(at + 1, word))
			return arena_strndup(a, word, strcspn(word, "-"));
	}
	return NULL;
}

int run_named_weights(struct arena *a, const struct run *run, const char **unknown)
{
	const char *text = run->weights ? run->weights : run->model ? short_names(a, run->model) : NULL;
	/* mixes of their own, whose names tell the dtype or the bits of most: "Qwen3.6-27B-MTPLX-Optimized-Speed-FP16" */
	const char *own = !text                   ? NULL
			  : strstr(text, "MTPLX") ? strstr(text, "MTPLX")
						  : strstr(text, "UD-MLX");
	const char *word = own ? own : text ? format_word(a, text) : NULL;
	int mix = own ? MIX_N : text ? mix_in_text(word ? word : text, NULL, NULL) : MIX_N;

	if (mix == MIX_N && text && !word)
		mix = mix_in_text(text, NULL, NULL);
	if (mix == MIX_N && text && !word && run->tool && str_starts(run->tool, "mlx_lm"))
		mix = mix_in_text(arena_printf(a, "mlx %s", text), NULL, NULL);
	if (unknown)
		*unknown = mix == MIX_N ? word : NULL;
	return mix;
}

/* --- what follows from sizes ---------------------------------------------------------------------- */

/* Formats that a tool writes by its plain options; a size alone does not tell the others apart from them. */
static bool by_tool(const struct run *run, int mix)
{
	const bool mlx = run->tool && str_starts(run->tool, "mlx_lm");
	const char *name = mix_names[mix];

	if (mix == FORMAT_F16 || mix == FORMAT_BF16)
		return true;
	if (mlx)
		return str_starts(name, "mlx_q");
	return name[0] == 'q' || str_starts(name, "iq") || str_starts(name, "tq") || mix == FORMAT_MXFP4;
}

static double bytes_in(const struct model *m, struct precision p, int mix)
{
	p.weights = mix;
	return model_weights_B(m, &p);
}

/* The one format for which `fits` holds; MIX_N with *n, how many there are. Of formats that take the same bytes, the
 * first, which is the common one (enum format_id), stands for all. */
struct size_question {
	const struct run *run;
	const struct model *model;
	const struct precision *precision;
	bool (*fits)(const struct size_question *q, double weights_B);
};

static int only_format(const struct size_question *q, size_t *n)
{
	int found = MIX_N;
	double bytes = 0;

	*n = 0;
	for (int mix = 0; mix < MIX_N; mix++) {
		const double b = bytes_in(q->model, *q->precision, mix);

		if (!by_tool(q->run, mix) || !q->fits(q, b))
			continue;
		if (*n && fabs(b / bytes - 1) < 1e-3)
			continue;
		found = *n ? found : mix;
		bytes = *n ? bytes : b;
		++*n;
	}
	return *n == 1 ? found : MIX_N;
}

static bool is_size(const struct size_question *q, double weights_B)
{
	return fabs(run_bytes_that_run(q->model, q->run) / weights_B - 1) < size_off;
}

double run_kv_B(const struct model *m, const struct precision *p, const struct run *run)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		if (parts[i].part.role == ROLE_ATTENTION)
			sum += parts[i].blocks * graph_kv_B(m, p, parts[i].part, run->batch,
							    run->depth + run->prompt + run->gen);
	return sum;
}

/* A process holds the weights and the KV cache, and beside them the logits of a pass over the prompt, copies of a cache
 * that grows and work space: what is left is between nothing and that. Long prompts leave too much room to tell. */
static bool is_peak(const struct size_question *q, double weights_B)
{
	const double cache = run_kv_B(q->model, q->precision, q->run);
	const double chunk = fmin(2048, (double)(q->run->prompt + q->run->depth)) * (double)q->run->batch;
	const double rest = q->run->peak_B - weights_B - cache;

	return rest > -0.01 * weights_B &&
	       rest < 0.2e9 + cache + 2 * chunk * (double)(q->model->vocabulary + 4 * q->model->hidden);
}

/* Of a file that llama-quantize wrote with --pure every matrix has the one format, the table of tokens and the head too, which
 * the file type otherwise keeps better. Its size tells it from the usual one. */
static bool take_pure(struct arena *a, const struct run *run, const struct model *m, double said,
		      struct precision *p, const char **note)
{
	const double pure_off = 0.005;
	struct precision pure = *p;

	if (p->weights >= FORMAT_N)
		return false;
	for (int t = 0; t < TENSOR_N; t++)
		if (t != TENSOR_ROUTER && t != TENSOR_SMALL)
			pure.tensors.at[t] = p->weights + 1;
	if (fabs(said / model_weights_B(m, &pure) - 1) > pure_off)
		return false;
	*p = pure;
	*note = arena_printf(a, "%s: %s GB of %s: every matrix is taken to be in %s, as of --pure", run->path,
			     units_digits(run->bytes / 1e9, 4).text, m->title, mix_names[p->weights]);
	return true;
}

/* Models that are published with experts in MXFP4 keep them so in any file type: of gpt-oss a file called Q8_0, Q4_K - Medium or F16
 * differs in the other matrices alone. Its size tells. */
static bool take_published_experts(struct arena *a, const struct run *run, const struct model *m, double said,
				   struct precision *p, const char **note)
{
	struct precision kept = *p;

	if (!m->experts)
		return false;
	kept.tensors.at[TENSOR_EXPERT_UP] = kept.tensors.at[TENSOR_EXPERT_DOWN] = FORMAT_MXFP4 + 1;
	if (fabs(said / model_weights_B(m, &kept) - 1) > size_off)
		return false;
	*p = kept;
	*note = arena_printf(a, "%s: %s GB of %s: the experts are taken to be in mxfp4, what else is in %s",
			     run->path, units_digits(run->bytes / 1e9, 4).text, m->title,
			     mix_names[p->weights]);
	return true;
}

/* A file type says the formats, a size the bytes, of a file that was written by other rules than llama-quantize's own. dynamic: its
 * name says so; else llama-bench must have printed size and parameters, which it reads from the file. */
static void take_bytes(struct arena *a, const struct run *run, const struct model *m, double said,
		       bool dynamic, struct precision *p, const char **note)
{
	if (!(dynamic || (run->params > 0 && run->tool && str_starts(run->tool, "llama"))) ||
	    mix_stretch(m, p, said) != 0)
		return;
	*note = arena_printf(
		a,
		"%s: the weights of %s are taken for %s with the bytes of the size in the report: "
		"%s bits a weight",
		run->path, m->title, mix_names[p->weights],
		units_digits(8 * said / model_weights(m), 3).text);
}

/* What a file is whose size is not that of its format. */
static void take_size(struct arena *a, const struct run *run, const struct model *m, bool dynamic,
		      struct precision *p, const char **note)
{
	const double said = m ? run_bytes_that_run(m, run) : 0;

	if (!(said > 0) || fabs(said / model_weights_B(m, p) - 1) < size_off)
		return;
	if (!take_pure(a, run, m, said, p, note) && !take_published_experts(a, run, m, said, p, note))
		take_bytes(a, run, m, said, dynamic, p, note);
}

static int deduce(struct arena *a, const struct run *run, const struct model *m, struct precision *p,
		  const char **note)
{
	struct size_question q = {run, m, p, is_size};
	size_t n;

	if (run->bytes > 0)
		p->weights = only_format(&q, &n);
	if (p->weights != MIX_N) {
		*note = arena_printf(a, "%s:%d: the weights are taken for %s: %s GB of %s", run->path,
				     run->line, mix_names[p->weights], units_digits(run->bytes / 1e9, 4).text,
				     m->title);
		return 0;
	}
	q.fits = is_peak;
	if (run->peak_B > 0 && !(run->bytes > 0))
		p->weights = only_format(&q, &n);
	if (p->weights == MIX_N)
		return -1;
	*note = arena_printf(a, "%s:%d: the weights are taken for %s, as the peak memory is %s GB", run->path,
			     run->line, mix_names[p->weights], units_digits(run->peak_B / 1e9, 4).text);
	return 0;
}

/* --- errors --------------------------------------------------------------------------------------- */

static bool is_dynamic(const char *name)
{
	return mix_of_dynamic(name, NULL, NULL) != MIX_N || str_starts(name, "UD-") ||
	       str_starts(name, "ud-") || strstr(name, "-UD-");
}

static int hint_dynamic(struct err *err)
{
	return err_hint(
		err, "a dynamic mix has a type for each tensor, which its name does not say: the file's size "
		     "would do, which llama-bench prints ('bytes' of a csv); else 'lemursim import FILE.gguf "
		     "-o MODEL.yaml' reads them, then "
		     "--model MODEL.yaml, or a scenario's 'weights: {file: FILE.gguf}'");
}

int run_asked_weights(const char *asked, int *mix, struct err *err)
{
	const char *near;

	*mix = (int)str_find(asked, mix_names, MIX_N);
	if (*mix == MIX_N)
		*mix = mix_of_dynamic(asked, NULL, NULL);
	if (*mix < MIX_N)
		return 0;
	near = nearest_of(asked, mix_names, MIX_N);
	err_set(err, "unknown format of weights '%.40s'", asked);
	return is_dynamic(asked) ? hint_dynamic(err)
	       : near            ? err_hint(err, "did you mean '%s'?", near)
				 : err_hint(err, "such as f16, q8_0, q4_K_M: see 'lemursim help scenario'");
}

/* The formats that the model's file knows published files of. */
static const char *published(struct arena *a, const struct model *m)
{
	const struct model_size *s = m ? m->sizes.at : NULL;
	const char *all = "";

	for (size_t i = 0; m && i < m->sizes.n; i++) {
		size_t k = 0;

		while (s[k].weights != s[i].weights)
			k++;
		if (k == i)
			all = arena_printf(a, "%s%s%s", all, *all ? ", " : "", mix_names[s[i].weights]);
	}
	return *all ? arena_printf(a, "; published in %s", all) : "";
}

static int refuse_unsaid(struct arena *a, const struct run *run, const struct model *m, const char *unknown,
			 struct err *err)
{
	unknown = unknown || run->bytes > 0 || !run->model ? unknown : format_within(a, run->model);
	if (unknown)
		err_set(err, "the format '%.40s' is not known", unknown);
	else if (run->bytes > 0)
		err_set(err, "no one known format takes %s GB for %s", units_digits(run->bytes / 1e9, 4).text,
			m ? m->title : "it");
	else
		err_set(err, "the format of the weights is not said");
	if (is_dynamic(unknown ? unknown : run->model ? run->model : ""))
		return hint_dynamic(err);
	return err_hint(err, "say --weights FORMAT, such as f16, q8_0, q4_K_M, mlx_q4%s", published(a, m));
}

static int take_kv(const struct run *run, struct precision *p, enum run_column *column, struct err *err)
{
	const bool said = run->says[COLUMN_KV_K] || run->says[COLUMN_KV_V];
	const char *k = run->says[COLUMN_KV_K] ? run->says[COLUMN_KV_K] : "f16",
		   *v = run->says[COLUMN_KV_V] ? run->says[COLUMN_KV_V] : "f16"; /* llama.cpp's default */

	if (!said)
		return 0;
	*column = run->says[COLUMN_KV_K] ? COLUMN_KV_K : COLUMN_KV_V;
	if (strcmp(k, v) != 0) {
		err_set(err, "keys in %.20s and values in %.20s: they are predicted in one format alone", k,
			v);
		return err_hint(err, "--skip-foreign leaves such rows out");
	}
	if (str_ends(
		    k,
		    " bits")) { /* quantized_scaled_dot_product_attention() of mlx_lm/models/base.py @d78bf58 */
		err_set(err,
			"a cache of %.20s, which mlx_lm reads without its fused attention, is not predicted",
			k);
		return err_hint(err, "--skip-foreign leaves such rows out");
	}
	if (str_ends(k, " tokens")) { /* RotatingKVCache of mlx_lm */
		err_set(err, "a cache of %.20s, which forgets what was before, is not predicted", k);
		return err_hint(err, "--skip-foreign leaves such rows out");
	}
	for (int f = 0; f < FORMAT_N; f++)
		if (!strcmp(format_names[f], k)) {
			p->kv = f;
			return 0;
		}
	return err_unknown(err, "format of the KV cache", k, format_names, FORMAT_N);
}

enum dtype run_compute(const struct run *run, const struct model *m, const struct device *d,
		       const struct profile *p)
{
	const char *said = run->says[COLUMN_DTYPE];
	const size_t t = said ? str_find(said, dtype_names, DTYPE_N) : DTYPE_N;

	return t < DTYPE_N ? (enum dtype)t : compute_dtype(d, p, m);
}

int run_check_compute(const struct run *run, const struct model *m, const struct device *d,
		      const struct profile *p, struct err *err)
{
	const enum dtype t = run_compute(run, m, d, p);

	if (p->gemm[t])
		return 0;
	return err_set(err, "runtime '%s' of this machine is not known to compute in %s", p->origin.name,
		       dtype_names[t]);
}

/* The name of a dynamic mix that was asked for, or that the row has, and the mix that it is made from; NULL: of none. */
static const char *dynamic_word(struct arena *a, const struct run *run, const char *asked, int *base)
{
	const char *text = asked ? asked : run->weights ? run->weights : run->model, *word;
	size_t n;

	*base = text ? mix_of_dynamic(text, &word, &n) : MIX_N;
	return *base != MIX_N ? arena_strndup(a, word, n) : NULL;
}

/* Where bytes are not those of the format that is taken, it is told: of a dynamic mix with the name of a file type, UD-IQ2_M, which has
 * others, and of a size that is near the format's, but not it. */
static void note_bytes(struct arena *a, const struct run *run, const struct model *m, const char *dynamic,
		       const struct precision *p, const char **note)
{
	const double said = m ? run_bytes_that_run(m, run) : 0, ours = m ? model_weights_B(m, p) : 0;

	if (*note || !m)
		return;
	if (dynamic && !(said > 0))
		*note = arena_printf(
			a,
			"%s: '%s' is a dynamic mix, whose bytes its name does not say: %s is taken "
			"for %s as llama-quantize writes it, %s GB",
			run->path, dynamic, m->title, mix_names[p->weights],
			units_digits(ours / 1e9, 4).text);
	else if (said > 0 && fabs(said / ours - 1) >= size_off)
		*note = arena_printf(a, "%s: %s GB of weights, where %s in %s has %s GB, which are taken",
				     run->path, units_digits(said / 1e9, 4).text, m->title,
				     mix_names[p->weights], units_digits(ours / 1e9, 4).text);
}

int run_weights(struct arena *a, const struct run *run, const struct model *m, const char *asked,
		enum dtype compute, struct precision *p, const char **note, enum run_column *column,
		struct err *err)
{
	static const enum format_id same[DTYPE_N] = {
		[DTYPE_F32] = FORMAT_F32, [DTYPE_F16] = FORMAT_F16, [DTYPE_BF16] = FORMAT_BF16};
	const char *unknown = NULL, *dynamic;
	int base;

	*note = NULL;
	*column = COLUMN_WEIGHTS;
	*p = (struct precision){.weights = MIX_N, .kv = (int)same[compute], .compute = (int)same[compute]};
	if (asked && run_asked_weights(asked, &p->weights, err) != 0)
		return -1;
	if (p->weights == MIX_N) {
		p->weights = run_named_weights(a, run, &unknown);
		*column = unknown ? COLUMN_MODEL : run->bytes > 0 ? COLUMN_SIZE : COLUMN_WEIGHTS;
	}
	dynamic = dynamic_word(a, run, asked, &base);
	if (dynamic && (p->weights == MIX_N || asked) && run->bytes > 0) {
		p->weights = base;
		unknown = NULL;
	}
	if ((p->weights == MIX_N && (unknown || !m || deduce(a, run, m, p, note) != 0)) ||
	    (asked && dynamic && !(run->bytes > 0)))
		return refuse_unsaid(a, run, m, dynamic ? dynamic : unknown, err);
	take_size(a, run, m, dynamic != NULL, p, note);
	note_bytes(a, run, m, dynamic, p, note);
	return take_kv(run, p, column, err);
}
