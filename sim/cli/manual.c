/* manual.c - manual pages in the macros of man(7); see help_text.h. */
#include "sim/cli/help_text.h"

#include <string.h>

/* Text of a page: a hyphen is the one that people type, and no line begins with a control character. */
static void add_text(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '-' || *text == '\\')
			str_add(out, *text == '-' ? "\\-" : "\\e");
		else if (*text == '\'')
			str_add(out, "\\(aq");
		else
			str_add_n(out, text, 1);
	}
}

static void head(const char *page, const char *help, struct str *out)
{
	str_addf(out, ".TH \"%s\" 1 \"\" \"lemursim %s\"\n.SH NAME\n", page, VERSION);
	add_text(out, page);
	str_add(out, " \\- ");
	add_text(out, help);
	str_add(out, "\n");
}

static void options(const struct verb *v, struct str *out)
{
	const struct opt *row;

	str_add(out, ".SH OPTIONS\n");
	for (size_t i = 0; (row = opts_row(v->options, v->options_n, i)); i++) {
		str_add(out, ".TP\n");
		if (row->letter)
			str_addf(out, "\\fB\\-%c\\fR, ", row->letter);
		str_add(out, "\\fB\\-\\-");
		add_text(out, row->name);
		str_add(out, "\\fR");
		if (row->value) {
			str_add(out, " \\fI");
			add_text(out, row->value);
			str_add(out, "\\fR");
		}
		str_add(out, "\n");
		add_text(out, row->help);
		str_add(out, "\n");
	}
}

static void examples(const struct verb *v, struct str *out)
{
	str_add(out, ".SH EXAMPLES\n.nf\n");
	for (const char *line = v->tries; *line; line += strcspn(line, "\n") + 1) {
		struct str text = STR_INIT;

		str_add_n(&text, line, strcspn(line, "\n"));
		str_add(out, "lemursim ");
		add_text(out, text.text);
		str_add(out, "\n");
		str_release(&text);
	}
	str_add(out, ".fi\n");
}

static void exit_status(struct str *out)
{
	static const struct {
		enum exit_code code;
		const char *means;
	} codes[] = {{EXIT_FINE, "fine"},
		     {EXIT_FAILED, "an internal failure, or one of input and output"},
		     {EXIT_USAGE, "bad usage or input"},
		     {EXIT_TARGET_MISSED, "a stated target is missed"},
		     {EXIT_NOTHING_FITS, "nothing fits"},
		     {EXIT_INTERRUPTED, "interrupted"}};

	str_add(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		str_addf(out, ".TP\n%d\n%s\n", (int)codes[i].code, codes[i].means);
}

static void see_also(const struct verb *v, struct str *out)
{
	str_addf(out, ".SH SEE ALSO\n%s", v ? "lemursim(1)" : "");
	for (size_t i = 0; !v && verbs[i]; i++)
		str_addf(out, "%slemursim\\-%s(1)", i ? ",\n" : "", verbs[i]->name);
	str_add(out, "\n");
}

static void environment(struct str *out)
{
	str_add(out, ".SH ENVIRONMENT\n.TP\nCOLUMNS\nhow wide what is printed may be\n"
		     ".TP\nLEMURSIM_PATH\nfolders with colons between them, in which hardware/, models/ and "
		     "scenarios/ "
		     "are looked for after each \\-\\-path and before what is installed\n");
}

static void program_page(struct str *out)
{
	head("lemursim", "what will these unlike machines do with this model?", out);
	str_add(out,
		".SH SYNOPSIS\n\\fBlemursim\\fR \\fIVERB\\fR [\\fIOPTION\\fR...] "
		"[\\fIFILE\\fR...]\n.SH DESCRIPTION\n"
		"Predicts prefill and decode rates, latency under load, fine\\-tuning throughput, memory, "
		"energy and cost of language models on machines that need not be alike, from scenarios "
		"written in YAML.\n.SH VERBS\n");
	for (size_t i = 0; verbs[i]; i++) {
		str_addf(out, ".TP\n\\fB%s\\fR \\fI", verbs[i]->name);
		add_text(out, verbs[i]->arguments);
		str_add(out, "\\fR\n");
		add_text(out, verbs[i]->help);
		str_add(out, "\n");
	}
	exit_status(out);
	environment(out);
	see_also(NULL, out);
}

void manual_page(const struct verb *v, struct str *out)
{
	struct str page = STR_INIT;

	if (!v) {
		program_page(out);
		return;
	}
	str_addf(&page, "lemursim-%s", v->name);
	head(page.text, v->help, out);
	str_addf(out, ".SH SYNOPSIS\n\\fBlemursim %s\\fR [\\fIOPTION\\fR...] \\fI", v->name);
	add_text(out, v->arguments);
	str_add(out, "\\fR\n");
	options(v, out);
	examples(v, out);
	exit_status(out);
	environment(out);
	see_also(v, out);
	str_release(&page);
}
