/* opts.c - see opts.h. */
#include "sim/cli/opts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/nearest.h"
#include "sim/base/utf8.h"
#include "sim/report/result.h"

static const struct opt help_row = OPT_FLAG_ROW(struct args, help, "help", 'h', "show this help");

enum { OPTS_MAX = 64 }; /* rows of one verb */

/* The rows of a verb as one list, each with the address that it sets. */
struct verb_opts {
	const struct opt *rows[OPTS_MAX];
	void *at[OPTS_MAX];
	size_t n;
};

static struct verb_opts all_rows(const struct opt_table *tables, size_t tables_n, void *options, void *args)
{
	struct verb_opts all = {.rows = {&help_row}, .at = {(char *)args + help_row.offset}, .n = 1};

	for (size_t t = 0; t < tables_n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			const struct opt *row = &tables[t].rows[i];

			BUG_ON(all.n == OPTS_MAX);
			all.rows[all.n] = row;
			all.at[all.n++] = (char *)options + tables[t].offset + row->offset;
		}
	}
	return all;
}

/* The index of a row; v->n where there is none. */
static size_t by_name(const struct verb_opts *v, const char *name, size_t len)
{
	size_t i = 0;

	while (i < v->n && (strlen(v->rows[i]->name) != len || strncmp(v->rows[i]->name, name, len) != 0))
		i++;
	return i;
}

static size_t by_letter(const struct verb_opts *v, char c)
{
	size_t i = 0;

	while (i < v->n && v->rows[i]->letter != c)
		i++;
	return i;
}

static int unknown(const struct verb_opts *v, const char *arg, struct err *err)
{
	const char *names[OPTS_MAX], *near;
	const size_t len = strcspn(arg, "=");
	char word[64];

	for (size_t i = 0; i < v->n; i++)
		names[i] = v->rows[i]->name;
	err_set(err, "unknown option '%.60s'", arg);
	if (len < 3 || len >= sizeof word)
		return err_hint(err, "'--help' lists the options");
	arg += arg[1] == '-' ? 2 : 1;
	snprintf(word, sizeof word, "%.*s", (int)strcspn(arg, "="), arg);
	near = nearest_of(word, names, v->n);
	if (str_find(word, result_format_names, RESULT_FORMAT_N) < RESULT_FORMAT_N &&
	    str_find("format", names, v->n) < v->n)
		return err_hint(err, "such as '--format %s', or -o FILE.%s", word, word);
	return near ? err_hint(err, "did you mean '--%s'?", near)
		    : err_hint(err, "'--help' lists the options");
}

/* Its room is a power of two: where the list fills it, the next one is twice as large. */
static void add_text(struct arena *a, struct texts *texts, const char *value)
{
	const char **more = texts->at;

	if (!(texts->n & (texts->n - 1))) {
		more = arena_array(a, texts->n ? 2 * texts->n : 1, sizeof *more);
		if (texts->n)
			memcpy(more, texts->at, texts->n * sizeof *more);
	}
	more[texts->n++] = value;
	texts->at = more;
}

static int take_count(const struct opt *opt, const char *value, int64_t *to, struct err *err)
{
	char *end;

	errno = 0;
	*to = strtoll(value, &end, 10);
	if ((errno && errno != ERANGE) || *end || end == value) {
		err_set(err, "option '--%s': expected a whole number, got '%.60s'", opt->name, value);
		return end == value
			       ? err_hint(err, "%s", opt->help)
			       : err_hint(err, "such as '--%s %.*s'", opt->name, (int)(end - value), value);
	}
	if (*to >= opt->min && *to <= opt->max)
		return 0;
	err_set(err, "option '--%s': %.60s is out of range, from %lld to %lld is allowed", opt->name, value,
		(long long)opt->min, (long long)opt->max);
	return err_hint(err, "%s", opt->help);
}

/* A value may come back as a name in what is printed. */
static int check_printable(const struct opt *opt, const char *value, struct err *err)
{
	uint32_t code;

	if (!value || !utf8_control(value, &code))
		return 0;
	err_set(err, "option '--%s': the value holds the %s U+%04X", opt->name,
		utf8_is_bidi_control(code) ? "bidirectional control" : "control character", (unsigned)code);
	return err_hint(err, "take it out");
}

static int check_folder(const struct opt *opt, const char *value, struct err *err)
{
	if (file_is_folder(value))
		return 0;
	err_set(err, "option '--%s': '%.200s' is no folder", opt->name, value);
	if (file_exists(value))
		return err_hint(err, "name the folder that it is in");
	return err_hint(err, "there is nothing of that name");
}

static void take_target(const struct opt *opt, const char *value, void *to)
{
	bool *standard = (bool *)((char *)to - opt->offset + opt->standard);

	*standard = !strcmp(value, "-");
	*(const char **)to = *standard ? NULL : value;
}

static int take_value(struct arena *a, const struct opt *opt, const char *value, void *to, struct err *err)
{
	if (check_printable(opt, value, err) != 0)
		return -1;
	switch (opt->type) {
	case OPT_FLAG:
		*(bool *)to = true;
		return 0;
	case OPT_TEXT:
		*(const char **)to = value;
		return 0;
	case OPT_TARGET:
		take_target(opt, value, to);
		return 0;
	case OPT_FOLDERS:
		if (check_folder(opt, value, err) != 0)
			return -1;
		add_text(a, to, value);
		return 0;
	case OPT_TEXTS:
		add_text(a, to, value);
		return 0;
	case OPT_COUNT:
		return take_count(opt, value, to, err);
	}
	BUG("option type %d", (int)opt->type);
}

/* One option that begins at argv[*i]; moves *i on when it takes the next argument too. */
static int take_option(struct arena *a, int argc, char *const *argv, int *i, const struct verb_opts *v,
		       struct err *err)
{
	const char *arg = argv[*i], *value = NULL;
	const bool is_long = arg[1] == '-';
	const size_t len = is_long ? strcspn(arg + 2, "=") : 1, word = strcspn(arg + 1, "=");
	const size_t at = is_long ? by_name(v, arg + 2, len) : by_letter(v, arg[1]);
	const struct opt *opt = at < v->n ? v->rows[at] : NULL;

	if (!opt || (opt->type == OPT_FLAG && !is_long && arg[2]))
		return unknown(v, arg, err);
	if (!is_long && word > 1 && by_name(v, arg + 1, word) < v->n) { /* '-output' is not '-o utput' */
		err_set(err, "unknown option '%.60s'", arg);
		return err_hint(err, "did you mean '-%.60s'?", arg);
	}
	if (is_long && arg[2 + len] == '=')
		value = arg + 3 + len;
	else if (!is_long && arg[2])
		value = arg + 2;
	if (opt->type == OPT_FLAG && value)
		return err_set(err, "option '--%s' takes no value", opt->name);
	if (opt->type != OPT_FLAG && !value) {
		if (*i + 1 >= argc) {
			err_set(err, "option '--%s' needs a value: %s", opt->name, opt->value);
			return err_hint(err, "%s", opt->help);
		}
		value = argv[++*i];
	}
	return take_value(a, opt, value, v->at[at], err);
}

int opts_parse(struct arena *a, int argc, char *const *argv, const struct opt_table *tables, size_t tables_n,
	       void *options, struct args *args, struct err *err)
{
	const struct verb_opts v = all_rows(tables, tables_n, options, args);
	bool more = true;

	*args = (struct args){.files.at = arena_array(a, (size_t)argc, sizeof *args->files.at)};
	for (size_t i = 0; i < v.n; i++)
		if (v.rows[i]->type == OPT_COUNT)
			*(int64_t *)v.at[i] = v.rows[i]->preset;
	for (int i = 0; i < argc; i++) {
		if (more && !strcmp(argv[i], "--"))
			more = false;
		else if (!more || argv[i][0] != '-' || !argv[i][1])
			args->files.at[args->files.n++] = argv[i];
		else if (take_option(a, argc, argv, &i, &v, err) != 0)
			return -1;
	}
	return 0;
}

const struct opt *opts_row(const struct opt_table *tables, size_t tables_n, size_t i)
{
	if (!i--)
		return &help_row;
	for (size_t t = 0; t < tables_n; t++) {
		if (i < tables[t].n)
			return &tables[t].rows[i];
		i -= tables[t].n;
	}
	return NULL;
}

static void help_line(const struct opt *row, size_t width, struct str *out)
{
	enum { BESIDE = 30, BELOW = 8, WIDE = 64 };
	const size_t from = out->len, at = width < WIDE ? BELOW : BESIDE;

	if (row->letter)
		str_addf(out, "  -%c, ", row->letter);
	else
		str_add(out, "      ");
	str_addf(out, "--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
	if (out->len - from >= at) {
		str_add(out, "\n");
		str_pad(out, ' ', at);
	} else {
		str_pad(out, ' ', at - (out->len - from));
	}
	str_add_wrapped(out, row->help, at, at, width);
}

void opts_help(const struct opt_table *tables, size_t tables_n, size_t width, struct str *out)
{
	const struct opt *row;

	for (size_t i = 0; (row = opts_row(tables, tables_n, i)); i++)
		help_line(row, width, out);
}
