/* family_model.c - the file of a family's model, and the time that it predicts for a row; see family_model.h. */
#include "sim/family/family_model.h"

#include <math.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/family/family_keys.h"
#include "sim/hw/derive.h"

/* A copy of the family's profile, whose numbers may be changed. */
struct profile_copy {
	struct profile p;
	struct gemm_table gemm[DTYPE_N];
	struct chip_reach chip;
};

#define DEQUANT(text, member) KEY(text, member, DIM_SHARE, FAMILY_DEQUANT)
#define KEY(text, member, of, goes_with)                                                                     \
	{                                                                                                    \
		text, offsetof(struct profile_copy, member), of, goes_with                                   \
	}
#define BY_WEIGHTS(text, member)                                                                             \
	KEY(text ".f16", member.f16, DIM_SHARE, FAMILY_ARITHMETIC),                                          \
		KEY(text ".q8", member.q8, DIM_SHARE, FAMILY_ARITHMETIC),                                    \
		KEY(text ".q4", member.q4, DIM_SHARE, FAMILY_ARITHMETIC),                                    \
		KEY(text ".k", member.k, DIM_SHARE, FAMILY_ARITHMETIC),                                      \
		KEY(text ".fp4", member.fp4, DIM_SHARE, FAMILY_ARITHMETIC),                                  \
		KEY(text ".bf16", member.bf16, DIM_SHARE, FAMILY_ARITHMETIC)
const struct family_key family_keys[] = {
	KEY("read", p.read, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("copy", p.copy, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("copy_held", p.copy_held, DIM_SHARE, FAMILY_MEMORY),
	KEY("gemv", p.gemv, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("gemv_q8", p.gemv_q8, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("gemv_q4", p.gemv_q4, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("gemm_f32.u", gemm[DTYPE_F32].u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("gemm_f16.u", gemm[DTYPE_F16].u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("gemm_bf16.u", gemm[DTYPE_BF16].u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("by_power", p.by_power, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("attention.u", p.attention.u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("attention.decode", p.attention.decode, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("attention.decode_u", p.attention.decode_u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("attention.other_u", p.attention.other_u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("attention.alone_u", p.attention.alone_u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("attention.decode_alone", p.attention.decode_alone, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("overhead.kernel", p.overhead.kernel, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.product", p.overhead.product, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.tiles", p.overhead.tiles, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.tiles_experts", p.overhead.tiles_experts, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.attention", p.overhead.attention, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.route", p.overhead.route, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.step", p.overhead.step, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.wire", p.overhead.wire, DIM_BANDWIDTH, FAMILY_OVERHEAD),
	DEQUANT("dequant.f16", p.dequant.f16),
	DEQUANT("dequant.q8", p.dequant.q8),
	DEQUANT("dequant.q4", p.dequant.q4),
	DEQUANT("dequant.k", p.dequant.k),
	DEQUANT("dequant.fp4", p.dequant.fp4),
	DEQUANT("dequant.bf16", p.dequant.bf16),
	BY_WEIGHTS("few.first", p.few.first),
	BY_WEIGHTS("few.further", p.few.further),
	KEY("few.scattered", p.few.scattered, DIM_SHARE, FAMILY_MEMORY),
	KEY("few.several", p.few.several, DIM_SHARE, FAMILY_MEMORY),
	KEY("tile.fill", p.tile.fill, DIM_COUNT, FAMILY_ARITHMETIC),
	KEY("tile.experts", p.tile.experts, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("tile.in_turn", p.tile.in_turn, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("dies.bandwidth", p.dies.bandwidth, DIM_SHARE, FAMILY_DIES),
	KEY("dies.arithmetic", p.dies.arithmetic, DIM_SHARE, FAMILY_DIES),
};

static void copy_profile(const struct profile *from, struct profile_copy *o)
{
	o->p = *from;
	for (int t = 0; t < DTYPE_N; t++) {
		o->gemm[t] = (struct gemm_table){0};
		if (!from->gemm[t])
			continue;
		o->gemm[t] = *from->gemm[t];
		o->p.gemm[t] = &o->gemm[t];
	}
}

static struct qty *quantity_at(struct profile_copy *o, size_t key)
{
	return (struct qty *)((char *)o + family_keys[key].offset);
}

double family_number_max(const struct family_key *k, const struct qty *q)
{
	if (k->dim != DIM_SHARE && !q->is_share)
		return INFINITY;
	if (!strcmp(k->name, "tile.experts")) /* of padded rows, see struct tile */
		return 4;
	return k->group == FAMILY_DEQUANT ? 10 : 1;
}

const struct qty *family_number(const struct family_model *family, size_t i)
{
	struct profile_copy o;
	struct qty *kept = arena_alloc(family->l->arena, sizeof *kept);

	copy_profile(family->profile, &o);
	*kept = *quantity_at(&o, family->key[i]);
	return kept;
}

const char *family_param_name(const struct family_model *family, size_t i)
{
	return family_keys[family->key[i]].name;
}

/* The prior's standard deviation of a number's logarithm where the file gives no `sd`: 150 numbers of the catalogue's families
 * that three runs or more tell end that far from where their fits started (the median over 0.67 is 0.22). A wider prior
 * lets a number that few runs tell take up what other terms are off by. */
static const double default_prior_sd = 0.2;

static const char followed[] = "fit of ";

static bool is_to_fit(const struct qty *q)
{
	return q->given && q->source && (!strcmp(q->source, "fit") || str_starts(q->source, followed));
}

/* The index of the number that one with that source follows; FAMILY_PARAMS: it follows none, or one that is not fitted. */
static size_t followed_by(const struct family_model *family, const char *source)
{
	for (size_t i = 0; str_starts(source, followed) && i < family->params_n; i++)
		if (!strcmp(family_param_name(family, i), source + strlen(followed)))
			return i;
	return FAMILY_PARAMS;
}

/* Sets which numbers follow which. One that is followed stands by itself, so that none goes in a circle. */
static int find_followed(struct family_model *family, struct err *err)
{
	for (size_t i = 0; i < family->params_n; i++) {
		const char *source = family_number(family, i)->source;
		const size_t of = followed_by(family, source);

		family->follows[i] = of;
		if (!str_starts(source, followed) ||
		    (of < FAMILY_PARAMS && !str_starts(family_number(family, of)->source, followed)))
			continue;
		err_set(err, "%s:%d: '%s' follows '%.60s', which is not a number that is fitted by itself",
			family->path, family_number(family, i)->node->place.line,
			family_param_name(family, i), source + strlen(followed));
		return err_hint(err,
				"such as k: {value: 75 %%, source: fit of dequant.q4} beside q4: {value: "
				"100 %%, source: fit}");
	}
	return 0;
}

static int find_params(struct family_model *family, struct err *err)
{
	struct profile_copy o;

	copy_profile(family->profile, &o);
	family->params_n = 0;
	for (size_t k = 0; k < ARRAY_LEN(family_keys); k++) {
		const struct qty *q = quantity_at(&o, k);

		if (!is_to_fit(q))
			continue;
		if (family->params_n == FAMILY_PARAMS)
			return err_set(err, "%s: more than %d numbers to fit", family->path, FAMILY_PARAMS);
		family->key[family->params_n] = k;
		family->prior_sd[family->params_n] = yml_get(q->node, "sd") ? q->spread : default_prior_sd;
		family->start[family->params_n++] = q->value;
	}
	for (int t = 0; t < DTYPE_N; t++)
		if (family->profile->gemm[t] && family->profile->gemm[t]->points.n)
			return err_set(err,
				       "%s: runtime '%s': the utilisation of a family is one number, 'u', "
				       "not points",
				       family->path, family->runtime);
	return find_followed(family, err);
}

/* A file of kind `family` may leave keys out, but not in the runtime that is fitted. */
static int check_complete(const struct family_model *family, struct err *err)
{
	const struct profile *p = family->profile;
	const struct gemm_table *g = p->gemm[compute_dtype_of_profile(p)];
	const struct {
		const char *key;
		bool given;
	} needed[] = {{"read", p->read.given},
		      {"copy", p->copy.given},
		      {"gemv", p->gemv.given},
		      {"gemm_f16.u", g && g->u.given},
		      {"attention.u", p->attention.u.given},
		      {"attention.decode", p->attention.decode.given},
		      {"overhead.kernel", p->overhead.kernel.given}};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!needed[i].given)
			return err_set(err, "%s: runtime '%s': key '%s' is missing", family->path,
				       family->runtime, needed[i].key);
	return 0;
}

int family_load(struct loader *l, const char *path, struct family_model *family, struct err *err)
{
	struct machine *m = arena_alloc(l->arena, sizeof *m);
	struct yml *tree = load_file(l, path, "hardware", HW_SCHEMA);
	const struct device *d;

	*family = (struct family_model){
		.l = l, .path = path, .scratch = arena_alloc(l->arena, sizeof *family->scratch)};
	family->scratch->arena = l->arena;
	if (!tree || field_load_part(&machine_table, tree, path, m, l->diags) != 0)
		return -1;
	if (file_read(l->arena, path, LOAD_FILE_MAX, &family->text, &family->len, err) != 0)
		return -1;
	d = m->devices.at;
	for (size_t i = 0; i < m->devices.n; i++) {
		const struct profile *p = d[i].runtimes.at;

		for (size_t j = 0; j < d[i].runtimes.n; j++) {
			family->profile = &p[j];
			family->device = d[i].origin.name;
			family->runtime = p[j].origin.name;
			if (find_params(family, err) != 0)
				return -1;
			if (family->params_n)
				return check_complete(family, err);
		}
	}
	err_set(err, "%s: nothing in it is to be fitted", path);
	return err_hint(err, "such as gemv: {value: 90 %%, source: fit}");
}

bool family_fits(const struct family_model *family, const struct observation *row)
{
	return family_takes(family, row) && !row->run->held_out;
}

bool family_takes(const struct family_model *family, const struct observation *row)
{
	return !strcmp(row->run->runtime, family->runtime);
}

/* Gives the profile the chip's factors as a family's file would, as its only chip. */
static void set_chip_factors(const struct family_chip *chip, struct profile_copy *o)
{
	o->chip = (struct chip_reach){.origin.name = chip->name,
				      .bandwidth.value = chip->factor[FACTOR_MEMORY],
				      .arithmetic.value = chip->factor[FACTOR_ARITHMETIC]};
	o->p.chips = (struct field_list){&o->chip, 1};
	o->p.chips_like = NULL;
}

/* The family's profile with these values, its shares settled on the row's device, as the catalogue would load it. */
static void settle_profile(const struct family_model *family, const struct family_values *v,
			   const struct observation *row, struct profile_copy *o)
{
	copy_profile(family->profile, o);
	set_chip_factors(&v->chip[family_chip_of(v, row)], o);
	for (size_t i = 0; i < family->params_n; i++) {
		struct qty *q = quantity_at(o, family->key[i]);

		q->value = fmin(v->of[i], family_number_max(&family_keys[family->key[i]], q));
	}
	derive_profile(row->device->machine, row->device->device, &o->p);
}

const struct profile *family_profile(struct arena *a, const struct family_model *family,
				     const struct family_values *v, const struct observation *row)
{
	struct profile_copy *o;

	if (!family_takes(family, row))
		return row->device->profile;
	o = arena_alloc(a, sizeof *o);
	settle_profile(family, v, row, o);
	return &o->p;
}

double family_seconds(const struct family_model *family, const struct family_values *v,
		      const struct observation *row)
{
	return family_own_seconds(family, v, row) /
	       (row->over ? family_own_seconds(family, v, row->over) : 1);
}

double family_own_seconds(const struct family_model *family, const struct family_values *v,
			  const struct observation *row)
{
	struct profile_copy o;

	if (!family_takes(family, row))
		return observations_seconds(family->scratch, row, row->device->profile);
	settle_profile(family, v, row, &o);
	return observations_seconds(family->scratch, row, &o.p);
}
