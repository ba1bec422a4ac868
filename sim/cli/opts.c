/* opts.c - see opts.h. */
#include "sim/cli/opts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum opt_type { TYPE_FLAG, TYPE_TEXT, TYPE_TEXTS, TYPE_COUNT };

static const struct opt {
	const char *name; /* without dashes */
	char letter;      /* 0: none */
	enum opt_type type;
	size_t offset;
	unsigned use; /* 0: every command */
	const char *value, *help;
	int64_t min, max; /* of a count */
} table[] = {
	{"help", 'h', TYPE_FLAG, offsetof(struct opts, help), 0, NULL, "show this help", 0, 0},
	{"set", 's', TYPE_TEXTS, offsetof(struct opts, sets), OPT_SET, "PATH=VALUE",
	 "change one value, such as workload.generate.prompt=\"4096 tok\"; may be given again", 0, 0},
	{"over", 0, TYPE_TEXTS, offsetof(struct opts, over), OPT_SWEEP, "PATH=VALUE,VALUE...",
	 "an axis of the grid; several make every combination, the last changing fastest", 0, 0},
	{"metric", 0, TYPE_TEXT, offsetof(struct opts, metric), OPT_SWEEP, "NAME",
	 "what is compared, such as decode_tok_per_s; e2el_s, or train_step_s, if not said", 0, 0},
	{"goal", 'g', TYPE_TEXT, offsetof(struct opts, goal), OPT_SEARCH, "METRIC",
	 "what is to be as good as can be, such as decode_tok_per_s; 'simulate --format csv' names all", 0,
	 0},
	{"subject-to", 0, TYPE_TEXTS, offsetof(struct opts, limits), OPT_SEARCH, "LIMIT",
	 "what must hold besides, such as 'ttft_s <= 2 s'; may be given again", 0, 0},
	{"best", 0, TYPE_COUNT, offsetof(struct opts, best), OPT_SEARCH, "K",
	 "how many to show, each of another kind or on other devices; 5 if not said", 1, 30},
	{"pareto", 0, TYPE_TEXT, offsetof(struct opts, pareto), OPT_SEARCH, "METRIC",
	 "a second goal: what is best for one is shown with what it costs the other", 0, 0},
	{"budget", 0, TYPE_COUNT, offsetof(struct opts, budget), OPT_SEARCH, "N",
	 "candidates to run at most; 1000 if not said", 1, 100000000},
	{"path", 'p', TYPE_TEXTS, offsetof(struct opts, paths), OPT_PATH, "DIR",
	 "look for hardware/ and models/ here too; may be given again", 0, 0},
	{"assignment", 'a', TYPE_TEXT, offsetof(struct opts, assignment), OPT_ASSIGNMENT, "NAME",
	 "which assignment; the first if not said", 0, 0},
	{"phase", 0, TYPE_TEXT, offsetof(struct opts, phase), OPT_ASSIGNMENT, "PHASE",
	 "generate, decode or train; the first that is asked if not said", 0, 0},
	{"format", 0, TYPE_TEXT, offsetof(struct opts, format), OPT_FORMAT, "FORMAT",
	 "table, md, csv, json or jsonl; if not said, the suffix of -o, or table", 0, 0},
	{"format", 0, TYPE_TEXT, offsetof(struct opts, format), OPT_FORMAT_ROWS, "FORMAT",
	 "table, md, csv or json; if not said, the suffix of -o, or table", 0, 0},
	{"format", 0, TYPE_TEXT, offsetof(struct opts, format), OPT_FORMAT_LIST, "FORMAT",
	 "table or json; if not said, the suffix of -o, or table", 0, 0},
	{"output", 'o', TYPE_TEXT, offsetof(struct opts, out), OPT_OUT, "FILE",
	 "write to FILE, its suffix says how; never overwrites without -f", 0, 0},
	{"force", 'f', TYPE_FLAG, offsetof(struct opts, force), OPT_OUT, NULL, "overwrite FILE", 0, 0},
	{"seed", 0, TYPE_COUNT, offsetof(struct opts, seed), OPT_SEED, "N",
	 "of every random number; if not said, the scenario's", 0, 9000000000000000},
	{"quick", 'q', TYPE_FLAG, offsetof(struct opts, quick), OPT_CALIBRATE, NULL,
	 "fewer sizes and samples: under a minute instead of six", 0, 0},
	{"only", 0, TYPE_TEXT, offsetof(struct opts, only), OPT_CALIBRATE, "ROW,ROW",
	 "these rows of the suite, or all; '--list' names them", 0, 0},
	{"list", 'l', TYPE_FLAG, offsetof(struct opts, list), OPT_CALIBRATE, NULL,
	 "say what would be measured, and measure nothing", 0, 0},
	{"backend", 'b', TYPE_TEXT, offsetof(struct opts, backend), OPT_CALIBRATE, "NAME",
	 "one way to compute: metal or cblas; all that are here if not said", 0, 0},
	{"threads", 0, TYPE_COUNT, offsetof(struct opts, threads), OPT_CALIBRATE, "N",
	 "of the CPU; all cores if not said", 1, 1024},
	{"link", 0, TYPE_TEXT, offsetof(struct opts, link), OPT_CALIBRATE, "serve|HOST:PORT",
	 "the link to another machine, which runs '--link serve'", 0, 0},
	{"from", 0, TYPE_TEXTS, offsetof(struct opts, froms), OPT_CALIBRATE | OPT_FROM, "FILE",
	 "what was measured: llama-bench, llama-batched-bench, mlx_lm.benchmark, csv; or our samples", 0, 0},
	{"model", 'm', TYPE_TEXTS, offsetof(struct opts, model), OPT_FROM, "NAME",
	 "the model that ran; one for each --from, or one for all", 0, 0},
	{"runtime", 0, TYPE_TEXT, offsetof(struct opts, runtime), OPT_FROM, "NAME",
	 "the runtime it ran under; the first if not said", 0, 0},
	{"weights", 0, TYPE_TEXT, offsetof(struct opts, weights), OPT_FROM, "FORMAT",
	 "format of the weights; as the file says if not said", 0, 0},
	{"tolerance", 0, TYPE_TEXT, offsetof(struct opts, tolerance), OPT_TOLERANCE, "SHARE",
	 "exit 3 where a prediction is further off than this, such as '10 %'", 0, 0},
	{"sets", 0, TYPE_FLAG, offsetof(struct opts, sets_only), OPT_TOLERANCE, NULL,
	 "of rows of many machines, or of outcomes, print only the sums by set", 0, 0},
	{"machine", 0, TYPE_TEXT, offsetof(struct opts, machine), OPT_CALIBRATE, "NAME",
	 "with runs of models: the machine they ran on, as far as it is known", 0, 0},
	{"device", 0, TYPE_TEXT, offsetof(struct opts, device), OPT_CALIBRATE, "NAME",
	 "with --machine: its device; the first if not said", 0, 0},
	{"like", 0, TYPE_TEXT, offsetof(struct opts, like), OPT_CALIBRATE, "NAME",
	 "with --machine: the runtime whose tables are taken over; the first if not said", 0, 0},
	{"family", 0, TYPE_TEXT, offsetof(struct opts, family), OPT_CALIBRATE | OPT_TOLERANCE, "FILE",
	 "rows of many machines: the file whose numbers with 'source: fit' are fitted to them", 0, 0},
	{"facts", 0, TYPE_TEXT, offsetof(struct opts, facts), OPT_CALIBRATE, "FILE",
	 "with samples: csv of what a data sheet says (key, value)", 0, 0},
	{"facts", 0, TYPE_TEXT, offsetof(struct opts, facts), OPT_IMPORT, "FILE",
	 "yaml to add: title, source, parameters, sizes, notes", 0, 0},
	{"draws", 0, TYPE_COUNT, offsetof(struct opts, draws), OPT_SEED, "N",
	 "samples behind each interval; if not said, the scenario's", 2, 100000},
};

static bool takes(const struct opt *o, unsigned uses)
{
	return !o->use || (o->use & uses);
}

static const struct opt *by_name(const char *name, size_t len, unsigned uses)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (takes(&table[i], uses) && strlen(table[i].name) == len &&
		    !strncmp(table[i].name, name, len))
			return &table[i];
	return NULL;
}

static const struct opt *by_letter(char c, unsigned uses)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (takes(&table[i], uses) && table[i].letter == c)
			return &table[i];
	return NULL;
}

static int unknown(const char *arg, unsigned uses, struct err *err)
{
	const char *names[ARRAY_LEN(table)], *near;
	const size_t len = strcspn(arg, "=");
	size_t n = 0;
	char word[64];

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (takes(&table[i], uses))
			names[n++] = table[i].name;
	err_set(err, "unknown option '%.60s'", arg);
	if (len < 3 || len >= sizeof word)
		return err_hint(err, "'--help' lists the options");
	arg += arg[1] == '-' ? 2 : 1;
	snprintf(word, sizeof word, "%.*s", (int)strcspn(arg, "="), arg);
	near = str_closest(word, names, n);
	return near ? err_hint(err, "did you mean '--%s'?", near)
		    : err_hint(err, "'--help' lists the options");
}

static int take_value(struct arena *a, const struct opt *opt, const char *value, struct opts *o,
		      struct err *err)
{
	void *to = (char *)o + opt->offset;
	struct texts *texts = to;
	char *end;

	switch (opt->type) {
	case TYPE_FLAG:
		*(bool *)to = true;
		return 0;
	case TYPE_TEXT:
		*(const char **)to = value;
		return 0;
	case TYPE_TEXTS: {
		const char **more = (const char **)texts->at;

		if (!(texts->n & (texts->n - 1))) { /* full: its room is a power of two */
			more = arena_array(a, texts->n ? 2 * texts->n : 1, sizeof *more);
			if (texts->n)
				memcpy(more, texts->at, texts->n * sizeof *more);
		}
		more[texts->n++] = value;
		texts->at = more;
		return 0;
	}
	case TYPE_COUNT:
		errno = 0;
		*(int64_t *)to = strtoll(value, &end, 10);
		if ((errno && errno != ERANGE) || *end || end == value)
			return err_set(err, "option '--%s': expected a whole number, got '%.60s'", opt->name,
				       value);
		if (*(int64_t *)to < opt->min || *(int64_t *)to > opt->max)
			return err_set(err,
				       "option '--%s': %.60s is out of range, from %lld to %lld is allowed",
				       opt->name, value, (long long)opt->min, (long long)opt->max);
		return 0;
	}
	BUG("option type %d", (int)opt->type);
}

/* One option that begins at argv[*i]; moves *i on when it takes the next argument too. */
static int take_option(struct arena *a, int argc, char *const *argv, int *i, unsigned uses, struct opts *o,
		       struct err *err)
{
	const char *arg = argv[*i], *value = NULL;
	const bool is_long = arg[1] == '-';
	const size_t len = is_long ? strcspn(arg + 2, "=") : 1, word = strcspn(arg + 1, "=");
	const struct opt *opt = is_long ? by_name(arg + 2, len, uses) : by_letter(arg[1], uses);

	if (!opt || (opt->type == TYPE_FLAG && !is_long && arg[2]))
		return unknown(arg, uses, err);
	if (!is_long && word > 1 && by_name(arg + 1, word, uses)) { /* '-output' is not '-o utput' */
		err_set(err, "unknown option '%.60s'", arg);
		return err_hint(err, "did you mean '-%.60s'?", arg);
	}
	if (is_long && arg[2 + len] == '=')
		value = arg + 3 + len;
	else if (!is_long && arg[2])
		value = arg + 2;
	if (opt->type == TYPE_FLAG && value)
		return err_set(err, "option '--%s' takes no value", opt->name);
	if (opt->type != TYPE_FLAG && !value) {
		if (*i + 1 >= argc)
			return err_set(err, "option '--%s' needs a value: %s", opt->name, opt->value);
		value = argv[++*i];
	}
	return take_value(a, opt, value, o, err);
}

int opts_parse(struct arena *a, int argc, char *const *argv, unsigned uses, struct opts *o, struct err *err)
{
	bool options = true;

	*o = (struct opts){.seed = -1, .draws = -1};
	o->files.at = arena_array(a, (size_t)argc, sizeof *o->files.at);
	for (int i = 0; i < argc; i++) {
		if (options && !strcmp(argv[i], "--"))
			options = false;
		else if (!options || argv[i][0] != '-' || !argv[i][1])
			o->files.at[o->files.n++] = argv[i];
		else if (take_option(a, argc, argv, &i, uses, o, err) != 0)
			return -1;
	}
	return 0;
}

void opts_help(unsigned uses, struct str *out)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const size_t from = out->len;

		if (!takes(&table[i], uses))
			continue;
		if (table[i].letter)
			str_addf(out, "  -%c, ", table[i].letter);
		else
			str_add(out, "      ");
		str_addf(out, "--%s%s%s", table[i].name, table[i].value ? " " : "",
			 table[i].value ? table[i].value : "");
		if (out->len - from >= 30) {
			str_add(out, "\n");
			str_pad(out, ' ', 30);
		} else {
			str_pad(out, ' ', 30 - (out->len - from));
		}
		str_addf(out, "%s\n", table[i].help);
	}
}
