/* run_machine.c - see run_machine.h. */
#include "sim/family/run_machine.h"

#include <math.h>
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

/* A GPU with unified memory may use two thirds of it, of a large one three quarters, and more where its owner allows it. */
static const double working_share_least = 0.6, ram_off = 0.05;

/* Bytes that a machine of the catalogue can use; 0: it does not say, or cannot be read. */
static double usable_B(struct loader *l, const char *id)
{
	struct catalogue_device d;

	return catalogue_is_machine(l, id, NULL, &d) && d.machine->memory.usable.given
		       ? d.machine->memory.usable.value
		       : 0;
}

/* May what was said of memory be of the machine? */
static bool may_hold(const struct machine *m, const struct memory_said *said)
{
	const struct qty *all = &m->memory.capacity, *usable = &m->memory.usable;

	if (usable->given && said->held_B > usable->value)
		return false;
	if (!all->given)
		return true;
	if (said->ram_B > 0 && fabs(said->ram_B / all->value - 1) > ram_off)
		return false;
	return !(said->working_B > 0) ||
	       (said->working_B <= all->value && said->working_B >= working_share_least * all->value);
}

static const char *chip_of(const struct machine *m)
{
	return m->chip ? m->chip : m->title;
}

/* Machines that a text may mean, apart by cores and memory, and those of them that what was said does not rule out. */
struct meant {
	struct texts all, open;
};

/* A file and its variant may be the same machine under two names. */
static bool is_among(struct loader *l, const struct machine *m, const struct texts *ids)
{
	struct catalogue_device d;

	for (size_t i = 0; i < ids->n; i++)
		if (catalogue_is_machine(l, ids->at[i], NULL, &d) && machines_of_one_chip(m, d.machine) &&
		    m->memory.capacity.value == d.machine->memory.capacity.value)
			return true;
	return false;
}

/* The machines of `like`'s chip that the text names too. */
static struct meant machines_meant(struct loader *l, const char *text, const char *like,
				   const struct memory_said *said)
{
	struct meant out = {{NULL, 0}, {NULL, 0}};
	struct catalogue_device taken, d;
	struct known_name *all;
	const size_t n = catalogue_names(l, CATALOGUE_MACHINES, like, &all);

	if (!catalogue_is_machine(l, like, NULL, &taken))
		return out;
	for (size_t i = 0; i < n; i++) {
		if (!typed_find(text, &all[i], 1, TYPED_SIZES_LEAST).found ||
		    !catalogue_is_machine(l, all[i].id, NULL, &d) ||
		    strcmp(chip_of(d.machine), chip_of(taken.machine)) != 0 ||
		    is_among(l, d.machine, &out.all))
			continue;
		out.all = texts_join(l->arena, &out.all, &all[i].id, 1);
		if (may_hold(d.machine, said))
			out.open = texts_join(l->arena, &out.open, &all[i].id, 1);
	}
	return out;
}

/* The least of those that are open; id: it may be it itself, or none is. */
static const char *least_open(struct loader *l, const char *id, const struct texts *open,
			      const struct memory_said *said)
{
	struct catalogue_device taken;
	const char *best = NULL;

	if (catalogue_is_machine(l, id, NULL, &taken) && may_hold(taken.machine, said))
		return id;
	for (size_t i = 0; i < open->n; i++)
		if (!best || usable_B(l, open->at[i]) < usable_B(l, best))
			best = open->at[i];
	return best ? best : id;
}

/* What of the report rules machines out: "the 128 GB of its memory"; NULL: it says nothing of that. */
static const char *ruled_by(struct arena *a, const struct memory_said *said)
{
	const double gib = 1073741824.0;

	return said->ram_B > 0 ? arena_printf(a, "%s GB of memory", units_digits(said->ram_B / gib, 4).text)
	       : said->working_B > 0 ? arena_printf(a, "%s GB that its GPU may use",
						    units_digits(said->working_B / 1e9, 4).text)
	       : said->held_B > 0
		       ? arena_printf(a, "%s GB that ran", units_digits(said->held_B / 1e9, 3).text)
		       : NULL;
}

/* Which was taken of the machines that the text may mean, of which some are ruled out. */
static const char *tell_taken(struct arena *a, const char *text, size_t sizes, const struct meant *m,
			      const char *taken, const struct memory_said *said)
{
	const char *by = ruled_by(a, said);
	const size_t open = m->open.n;

	if (!by || open >= m->all.n)
		return arena_printf(
			a,
			"'%s' may be any of %zu that differ in cores or memory: taken for %s; say "
			"which, where it is another",
			text, sizes, taken);
	return arena_printf(
		a, "'%s' may be any of %zu that differ in cores or memory, %s with the %s: taken for %s%s",
		text, m->all.n,
		!open       ? "none"
		: open == 1 ? "one alone"
			    : arena_printf(a, "%zu of them", open),
		by, taken, open == 1 ? "" : "; say which, where it is another");
}

const char *run_machine_meant(struct loader *l, const char *text, const struct memory_said *said,
			      const char **note, struct err *err)
{
	static const struct memory_said nothing = {0, 0, 0};
	size_t sizes;
	const char *plain = without_brackets(l->arena, text);
	struct err unheard = ERR_INIT;
	const char *whole = look_up_of(l, CATALOGUE_MACHINES, text, &sizes, plain == text ? err : &unheard);
	const char *id = whole || plain == text || !run_is_one(text, err)
				 ? whole
				 : look_up_of(l, CATALOGUE_MACHINES, plain, &sizes, err);
	const char *taken;
	struct meant all;

	*note = NULL;
	if (!id || sizes < 2)
		return id;
	said = said ? said : &nothing;
	all = machines_meant(l, whole ? text : plain, id, said);
	taken = least_open(l, id, &all.open, said);
	*note = tell_taken(l->arena, text, sizes, &all, taken, said);
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

static bool is_allowed(struct loader *l, const char *id, const struct memory_said *said)
{
	struct catalogue_device d;

	return !said || !catalogue_is_machine(l, id, NULL, &d) || may_hold(d.machine, said);
}

struct texts run_machines_like(struct loader *l, const char *text, const char *id,
			       const struct memory_said *said)
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
		    is_allowed(l, all[i].id, said) && is_new_chip(l, all[i].id, taken.machine, &out))
			out = texts_join(l->arena, &out, &all[i].id, 1);
	return out;
}

/* What the rows of the files say of memory; nothing where the files hold no runs. */
static struct memory_said memory_in(struct arena *a, const struct texts *files)
{
	struct runs runs = {0};
	struct err none = ERR_INIT;

	return runs_read_all(a, files->at, files->n, &runs, &none) == 0 ? runs_memory(&runs)
									: (struct memory_said){0, 0, 0};
}

/* "M4 Max 16/40" is no path, and {base: NAME, ...} says itself what it is. */
static bool stands_as_typed(const char *text)
{
	return look_up_is_file(text) || text[0] == '{' || (strchr(text, '/') && !strchr(text, ' '));
}

const char *run_machine_typed(struct loader *l, const char *text, const struct texts *files,
			      const char **note, struct err *err)
{
	struct memory_said said;

	*note = NULL;
	if (stands_as_typed(text))
		return text;
	said = memory_in(l->arena, files);
	return run_machine_meant(l, text, &said, note, err);
}
