/* run_machine.c - see run_machine.h. */
#include "sim/family/run_machine.h"

#include <string.h>
#include <strings.h>

#include "sim/ask/look_up.h"
#include "sim/ask/typed_beyond.h"
#include "sim/base/units.h"
#include "sim/family/unlike_chip.h"

bool machines_of_one_chip(const struct machine *a, const struct machine *b)
{
	const struct device *da = machine_device(a, NULL), *db = machine_device(b, NULL);

	if (!a->chip || !b->chip)
		return !strcmp(a->title, b->title);
	return !strcmp(a->chip, b->chip) && da && db && da->cores == db->cores;
}

/* Does the text, as people type it, name a machine with that id and those trade names? */
static bool names(const char *text, const char *id, const struct machine *m)
{
	const struct known_name known = {id, (const char *const *)m->sold_as.at, m->sold_as.n};

	return typed_find(text, &known, 1, TYPED_SIZES_LEAST).found;
}

/* A machine that was calibrated has the chip as its driver names it, where the catalogue has the die's name. */
static bool has_chip_of(const struct machine *asked, const char *id, const struct machine *named)
{
	return strcmp(asked->chip, named->chip ? named->chip : "") != 0 && names(asked->chip, id, named);
}

/* A person's own file may say no chip. */
static bool is_same(const char *text, const char *id, const struct machine *named,
		    const struct catalogue_device *d)
{
	const struct machine *asked = d->machine;

	return machines_of_one_chip(named, asked) || names(text, d->ref, asked) || !asked->chip ||
	       !strcasecmp(text, asked->chip) || has_chip_of(asked, id, named);
}

/* Behind the name a driver may tell its own, "(RADV NAVI31)", and marks of trade stand in the midst: "Intel(R) Arc(TM)". The text
 * itself where it has no bracket. */
static const char *without_brackets(struct arena *a, const char *text)
{
	struct str s = STR_INIT;
	const char *out;

	if (!strchr(text, '('))
		return text;
	while (*text) {
		const char *end = *text == '(' ? strchr(text, ')') : NULL;

		if (end)
			str_add(&s, " ");
		else
			str_add_n(&s, text, 1);
		text = end ? end + 1 : text + 1;
	}
	out = arena_strdup(a, s.text);
	str_release(&s);
	return out;
}

static const char *meant(struct loader *l, const char **text)
{
	struct err unheard = ERR_INIT;
	const char *id = look_up(l, CATALOGUE_MACHINES, *text, &unheard);

	if (id || !strchr(*text, '('))
		return id;
	unheard = (struct err)ERR_INIT;
	*text = without_brackets(l->arena, *text);
	return look_up(l, CATALOGUE_MACHINES, *text, &unheard);
}

bool run_is_one(const char *text, struct err *err)
{
	return typed_is_one(text, err) == 0;
}

/* Of a text that names nothing of the catalogue: a chip of another number than any name of the machine's? One that was
 * written by a person may be called anything, but says its chip. */
static bool is_unlike(struct arena *a, const char *text, const struct catalogue_device *d)
{
	const struct machine *m = d->machine;
	const char *own[] = {d->ref, m->origin.name, m->title, m->chip, m->die};
	const struct texts first = {own, ARRAY_LEN(own)},
			   all = texts_join(a, &first, (const char *const *)m->sold_as.at, m->sold_as.n);

	return m->chip && chip_is_unlike(text, all.at, all.n);
}

enum named { NAMES_NONE, NAMES_SAME, NAMES_OTHER };

static enum named part_names(struct loader *l, const char *text, const struct catalogue_device *d,
			     const char **other)
{
	const char *whole = text;
	struct catalogue_device named;
	const char *id = catalogue_is_machine(l, text, NULL, &named) ? text : meant(l, &text);

	if (!id || (id != text && !catalogue_is_machine(l, id, NULL, &named))) {
		*other = is_unlike(l->arena, whole, d) ? whole : *other;
		return *other == whole ? NAMES_OTHER : NAMES_NONE;
	}
	if (text != whole && !run_is_one(whole, NULL)) {
		*other = whole;
		return NAMES_OTHER;
	}
	if (is_same(text, id, named.machine, d))
		return NAMES_SAME;
	*other = id;
	return NAMES_OTHER;
}

const char *run_other_machine(struct loader *l, const char *text, const struct catalogue_device *d)
{
	const struct texts parts = texts_cut(l->arena, text, ',');
	const char *other = NULL;

	for (size_t i = 0; i < parts.n; i++) {
		const char *part = parts.at[i] + strspn(parts.at[i], " ");

		if (*part && part_names(l, part, d, &other) == NAMES_SAME)
			return NULL;
	}
	return other;
}

/* --- a machine whose memory was not typed --------------------------------------------------------- */

/* Bytes that a machine of the catalogue can use; 0: it does not say, or cannot be read. */
static double usable_B(struct loader *l, const char *id)
{
	struct catalogue_device d;

	return catalogue_is_machine(l, id, NULL, &d) && d.machine->memory.usable.given
		       ? d.machine->memory.usable.value
		       : 0;
}

/* Of the machines that are `id` but for more memory, and that the text names too, the least that holds so much; id: it holds
 * it, or none does. */
static const char *least_that_holds(struct loader *l, const char *text, const char *id, double need_B)
{
	struct known_name *all;
	const size_t n = catalogue_names(l, CATALOGUE_MACHINES, id, &all);
	double least = usable_B(l, id);
	const char *best = id;

	if (!(least > 0) || need_B <= least)
		return id;
	for (size_t i = 0; i < n; i++) {
		const double usable =
			typed_larger(all[i].id, id) && typed_find(text, &all[i], 1, TYPED_SIZES_LEAST).found
				? usable_B(l, all[i].id)
				: 0;

		if (usable >= need_B && (best == id || usable < least)) {
			best = all[i].id;
			least = usable;
		}
	}
	return best;
}

const char *run_machine_meant(struct loader *l, const char *text, double need_B, const char **note,
			      struct err *err)
{
	size_t sizes;
	const char *plain = without_brackets(l->arena, text);
	struct err unheard = ERR_INIT;
	const char *whole = look_up_of(l, CATALOGUE_MACHINES, text, &sizes, plain == text ? err : &unheard);
	const char *id = whole || plain == text || !run_is_one(text, err)
				 ? whole
				 : look_up_of(l, CATALOGUE_MACHINES, plain, &sizes, err);
	const char *taken = id && sizes > 1 ? least_that_holds(l, text, id, need_B) : id;

	*note = NULL;
	if (!id || sizes < 2)
		return id;
	*note = arena_printf(
		l->arena,
		"'%s' may be any of %zu that differ in cores or memory: taken for %s%s; say which, where it "
		"is another",
		text, sizes, taken,
		taken == id ? ""
			    : arena_printf(l->arena, ", the least that holds %s GB",
					   units_digits(need_B / 1e9, 3).text));
	return taken;
}

/* Is it of a chip that none of those before it has, and not of `like`'s? */
static bool is_new_chip(struct loader *l, const char *id, const struct machine *like,
			const struct texts *before)
{
	struct catalogue_device d, other;

	if (!catalogue_is_machine(l, id, NULL, &d) || machines_of_one_chip(d.machine, like))
		return false;
	for (size_t i = 0; i < before->n; i++)
		if (catalogue_is_machine(l, before->at[i], NULL, &other) &&
		    machines_of_one_chip(d.machine, other.machine))
			return false;
	return true;
}

struct texts run_machines_like(struct loader *l, const char *text, const char *id)
{
	const char *plain = without_brackets(l->arena, text);
	struct texts out = {NULL, 0};
	struct catalogue_device taken;
	struct known_name *all;
	size_t n;

	if (!catalogue_is_machine(l, id, NULL, &taken))
		return out;
	n = catalogue_names(l, CATALOGUE_MACHINES, id, &all);
	for (size_t i = 0; i < n; i++)
		if (typed_find(plain, &all[i], 1, TYPED_SIZES_LEAST).found && strcmp(all[i].id, id) != 0 &&
		    is_new_chip(l, all[i].id, taken.machine, &out))
			out = texts_join(l->arena, &out, &all[i].id, 1);
	return out;
}

/* The most that a row says its weights or its process took; 0: none says it, or the files hold no runs. */
static double most_held_B(struct arena *a, const struct texts *files)
{
	struct runs runs = {0};
	struct err none = ERR_INIT;

	return runs_read_all(a, files->at, files->n, &runs, &none) == 0 ? runs_most_held_B(&runs) : 0;
}

/* "M4 Max 16/40" is no path, and {base: NAME, ...} says itself what it is. */
static bool stands_as_typed(const char *text)
{
	return look_up_is_file(text) || text[0] == '{' || (strchr(text, '/') && !strchr(text, ' '));
}

const char *run_machine_typed(struct loader *l, const char *text, const struct texts *files,
			      const char **note, struct err *err)
{
	*note = NULL;
	return stands_as_typed(text) ? text
				     : run_machine_meant(l, text, most_held_B(l->arena, files), note, err);
}
