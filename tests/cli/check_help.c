/* check_help.c - help, manual pages and completion name every verb, option and metric; no line of help is too wide. */
#include <string.h>

#include "sim/base/jsonw.h"
#include "sim/cli/help_columns.h"
#include "sim/cli/help_text.h"
#include "sim/predict/job.h"
#include "sim/report/validation.h"
#include "tests/suites.h"

static void has(const struct str *text, const char *part)
{
	ck_assert_msg(strstr(text->text, part) != NULL, "'%s' is not in: %.400s", part, text->text);
}

/* "\-\-subject\-to", as a manual page writes it */
static const char *in_manual(const char *name)
{
	static struct str s = STR_INIT;

	str_clear(&s);
	str_add(&s, "\\-\\-");
	for (; *name; name++)
		str_addf(&s, *name == '-' ? "\\-" : "%c", *name);
	str_add(&s, "\\fR");
	return s.text;
}

START_TEST(every_option_is_in_help_and_manual)
{
	for (size_t i = 0; verbs[i]; i++) {
		struct str help = STR_INIT, page = STR_INIT;
		const struct opt *o;

		help_verb(verbs[i], 80, &help);
		manual_page(verbs[i], &page);
		for (size_t r = 0; (o = opts_row(verbs[i]->options, verbs[i]->options_n, r)); r++) {
			struct str name = STR_INIT;

			str_addf(&name, "--%s", o->name);
			has(&help, name.text);
			has(&page, in_manual(o->name));
			str_release(&name);
		}
		str_release(&help);
		str_release(&page);
	}
}
END_TEST

/* A line of a page that begins with a point or an apostrophe is a macro: only those that we write may. */
START_TEST(pages_hold_no_macro_but_ours)
{
	static const char *const ours[] = {".TH ", ".SH ", ".TP", ".nf", ".fi"};

	for (size_t i = 0; !i || verbs[i - 1]; i++) {
		struct str page = STR_INIT;

		manual_page(i ? verbs[i - 1] : NULL, &page);
		for (const char *line = page.text; *line; line += strcspn(line, "\n") + 1) {
			bool known = *line != '.' && *line != '\'';

			for (size_t m = 0; m < ARRAY_LEN(ours); m++)
				known |= str_starts(line, ours[m]);
			ck_assert_msg(known, "%.60s", line);
		}
		str_release(&page);
		if (i && !verbs[i])
			break;
	}
}
END_TEST

START_TEST(scripts_know_verbs_options_and_metrics)
{
	struct str script = STR_INIT;

	completion_script((enum shell)_i, &script);
	for (size_t i = 0; verbs[i]; i++) {
		const struct opt *o;

		has(&script, verbs[i]->name);
		for (size_t r = 0; (o = opts_row(verbs[i]->options, verbs[i]->options_n, r)); r++)
			has(&script, o->name);
	}
	for (int j = 0; j < JOB_N; j++)
		for (size_t m = 0; m < job_types[j]->metrics_n; m++)
			has(&script, job_types[j]->metrics[m].name);
	str_release(&script);
}
END_TEST

START_TEST(help_is_no_wider_than_asked)
{
	static const size_t widths[] = {40, 60, 80, 100, 120, 200};
	const size_t width = widths[_i];
	struct str all = STR_INIT;

	help_program(width, &all);
	for (size_t i = 0; verbs[i]; i++)
		help_verb(verbs[i], width, &all);
	for (const struct file_kind *k = file_kinds; k->name; k++)
		help_file(k, width, &all);
	for (const char *line = all.text; *line; line += strcspn(line, "\n") + 1) {
		struct str one = STR_INIT;

		str_add_n(&one, line, strcspn(line, "\n"));
		ck_assert_msg(str_width(one.text) <= width, "%s", one.text);
		str_release(&one);
	}
	str_release(&all);
}
END_TEST

START_TEST(each_kind_of_file_has_a_schema)
{
	const struct file_kind *k = &file_kinds[_i];
	struct str text = STR_INIT;
	struct jsonw w;

	jsonw_init(&w, &text, 0);
	field_schema(k->schema, k->name, k->part, &w);
	has(&text, "\"$schema\":\"http://json-schema.org/draft-07/schema#\"");
	for (size_t i = 0; i < k->table->n; i++) {
		struct str key = STR_INIT;

		str_addf(&key, "\"%s\":{\"description\"", k->table->fields[i].key);
		has(&text, key.text);
		str_release(&key);
	}
	str_release(&text);
}
END_TEST

/* Heads of csv come from the tables that are printed; tests/golden/help-columns holds the keys of JSON against them. */
START_TEST(every_metric_is_among_the_columns)
{
	struct str all = STR_INIT;

	columns_help(200, &all);
	for (size_t i = 0; i < metrics_n(); i++) {
		struct str line = STR_INIT;

		ck_assert_msg(metric_at(i)->meaning && *metric_at(i)->meaning, "%s", metric_at(i)->name);
		str_addf(&line, "\n  %s  ", metric_at(i)->name);
		has(&all, line.text);
		has(&all, metric_at(i)->meaning);
		str_release(&line);
	}
	for (size_t i = 0; i < VALIDATION_CSV_COLUMNS; i++)
		has(&all, validation_csv[i].meaning);
	str_release(&all);
}
END_TEST

Suite *suite_help(void)
{
	Suite *s = suite_create("help");
	TCase *t = tcase_create("help");

	tcase_add_test(t, every_option_is_in_help_and_manual);
	tcase_add_test(t, pages_hold_no_macro_but_ours);
	tcase_add_loop_test(t, scripts_know_verbs_options_and_metrics, 0, SHELL_N);
	tcase_add_loop_test(t, help_is_no_wider_than_asked, 0, 6);
	tcase_add_loop_test(t, each_kind_of_file_has_a_schema, 0, 6);
	tcase_add_test(t, every_metric_is_among_the_columns);
	suite_add_tcase(s, t);
	return s;
}
