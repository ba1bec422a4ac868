/* main.c - a table of verbs, and the way to each. */
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/cli/cmd.h"
#include "sim/hw/hw.h"
#include "sim/llm/model.h"
#include "sim/world/scenario.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

enum { LOADS = OPT_SET | OPT_PATH };

static const struct cmd cmds[] = {
	{"simulate", "SCENARIO...", "one row for each assignment: fits, how fast, what limits it, how sure",
	 LOADS | OPT_OUT | OPT_FORMAT | OPT_SEED, cmd_simulate,
	 "simulate scenarios/m5-vs-m4pro.yaml --set workload.generate.batch=8\n"},
	{"sweep", "SCENARIO",
	 "a grid of what-ifs, such as --over workload.generate.batch=1,4,16, and where a split pays",
	 LOADS | OPT_OUT | OPT_FORMAT | OPT_SEED | OPT_SWEEP, cmd_sweep,
	 "sweep scenarios/m5-vs-m4pro.yaml --over workload.generate.batch=1,8 --over "
	 "\"workload.generate.prompt=128 tok,8192 tok\"\n"},
	{"optimize", "SCENARIO",
	 "search the assignments: --goal METRIC; -o FILE.yaml writes the winners as a scenario",
	 LOADS | OPT_OUT | OPT_FORMAT | OPT_SEED | OPT_SEARCH, cmd_optimize,
	 "optimize scenarios/m5-vs-m4pro.yaml --goal decode_tok_per_s --subject-to \"ttft_s <= 1.5 s\" -o "
	 "best.yaml\n"},
	{"schedule", "SCENARIO",
	 "draw the schedule: -o FILE.svg, .png, .pdf, .dot, or .trace.json for Perfetto",
	 LOADS | OPT_OUT | OPT_ASSIGNMENT, cmd_schedule,
	 "schedule scenarios/m5-vs-m4pro.yaml -a \"prefill M5, decode M4 Pro\" -o schedule.svg\n"},
	{"roofline", "SCENARIO", "draw ceilings, ridge points and operators: -o FILE.svg, .png, .pdf, .dot",
	 LOADS | OPT_OUT, cmd_roofline, "roofline scenarios/m5-vs-m4pro.yaml -o roofline.svg\n"},
	{"check", "FILE...", "say all that is wrong with scenario, hardware and model files", LOADS,
	 cmd_check, "check scenarios/m5-vs-m4pro.yaml models/mistral-7b.yaml\n"},
	{"show", "SCENARIO", "the effective configuration, each value with where it came from",
	 LOADS | OPT_OUT, cmd_show, "show scenarios/m5-vs-m4pro.yaml --set \"links.tb.latency=1 ms\"\n"},
	{"validate", "[SCENARIO|MACHINE...]",
	 "predicted against measured, --from FILE: runs of a model, or outcomes of a scenario",
	 LOADS | OPT_OUT | OPT_FORMAT_ROWS | OPT_SEED | OPT_FROM | OPT_TOLERANCE, cmd_validate,
	 "validate --from hardware/measured/cuda-2025-10-geforce.csv\n"
	 "validate nvidia-h100-sxm-80gb-torch --from hardware/measured/torch-h100-llama-3.1-8b.csv --model "
	 "llama-3.1-8b --runtime torch --weights f16\n"},
	{"calibrate", "[-o FILE]",
	 "measure this machine, or the --link to another, or fit results --from FILE; writes "
	 "hardware/local/CHIP.yaml",
	 OPT_PATH | OPT_OUT | OPT_FROM | OPT_CALIBRATE, cmd_calibrate,
	 "calibrate --quick\n"
	 "calibrate --from bench.json --machine apple-m4-10c --model llama-3.1-8b -o my-mac.yaml\n"},
	{"import", "FILE",
	 "a model file from a config.json, a GGUF or safetensors (a shard, or the index); -o "
	 "models/NAME.yaml",
	 OPT_PATH | OPT_OUT | OPT_IMPORT, cmd_import, "import config.json -o my-model.yaml\n"},
	{"list", "[KIND]", "what hardware, models and scenarios there are; KIND is one of these three words",
	 OPT_PATH | OPT_OUT | OPT_FORMAT_LIST, cmd_list, "list models\n"},
};

static int print(const struct str *s, FILE *to)
{
	return fwrite(s->text, 1, s->len, to) == s->len && fflush(to) == 0 ? EXIT_FINE : EXIT_FAILED;
}

static void usage(struct str *out)
{
	str_add(out, "lemursim: what will these unlike machines do with this model?\n\n"
		     "usage: lemursim VERB [OPTION...] [FILE...]\n\nverbs\n");
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		str_addf(out, "  %-9s %-12s %s\n", cmds[i].name, cmds[i].arguments, cmds[i].help);
	str_add(out,
		"  help      [WORD]       a verb, or the keys of a file: scenario, model, machine, link\n\n"
		"exit codes: 0 fine, 1 internal or I/O failure, 2 bad usage or input, 3 a stated target is "
		"missed,\n"
		"4 nothing fits, 130 interrupted\n\n"
		"try: lemursim simulate scenarios/m5-vs-m4pro.yaml\n");
}

static const struct cmd *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		if (!strcmp(cmds[i].name, name))
			return &cmds[i];
	return NULL;
}

static void cmd_usage(const struct cmd *c, struct str *out)
{
	str_addf(out, "usage: lemursim %s [OPTION...] %s\n\n%s\n\n", c->name, c->arguments, c->help);
	opts_help(c->uses, out);
	str_add(out, "\n");
	for (const char *line = c->tries; *line; line += strcspn(line, "\n") + 1)
		str_addf(out, "try: lemursim %.*s\n", (int)strcspn(line, "\n"), line);
}

static int unknown_word(const char *what, const char *word)
{
	const char *names[ARRAY_LEN(cmds)], *near;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		names[i] = cmds[i].name;
	near = str_closest(word, names, ARRAY_LEN(cmds));
	err_set(&err, "unknown %s '%.60s'", what, word);
	err_hint(&err, near ? "did you mean '%s'?" : "'lemursim help' lists them%.0s", near ? near : "");
	return complain(&err, EXIT_USAGE);
}

static int help(const char *word)
{
	static const struct {
		const char *name;
		const struct table *table;
		const char *example;
	} files[] = {{"scenario", &scenario_table, "scenarios/m5-vs-m4pro.yaml"},
		     {"model", &model_table, "models/mistral-7b.yaml"},
		     {"machine", &machine_table, "hardware/apple/apple-m5-10c-24gb.yaml"},
		     {"link", &link_table, "hardware/links/thunderbolt-bridge-tcp.yaml"}};
	struct str out = STR_INIT;
	int rc;

	if (!word) {
		usage(&out);
	} else if (find(word)) {
		cmd_usage(find(word), &out);
	} else {
		for (size_t i = 0; i < ARRAY_LEN(files); i++)
			if (!strcmp(files[i].name, word)) {
				field_help(files[i].table, 0, &out);
				str_addf(&out, "\nan example: %s\n", files[i].example);
			}
	}
	rc = out.len ? print(&out, stdout) : unknown_word("word", word);
	str_release(&out);
	return rc;
}

static int run(const struct cmd *c, int argc, char **argv)
{
	struct arena arena = ARENA_INIT;
	struct opts o;
	struct err err = ERR_INIT;
	const bool wants_file = c->arguments[0] != '[', wants_one = !strstr(c->arguments, "...");
	int rc;

	if (opts_parse(&arena, argc, argv, c->uses, &o, &err) != 0) {
		rc = complain(&err, EXIT_USAGE);
	} else if (o.help) {
		rc = help(c->name);
	} else if ((wants_file && !o.files.n) || (wants_one && o.files.n > 1)) {
		err_set(&err, o.files.n ? "%s takes one file" : "%s needs a file", c->name);
		err_hint(&err, "usage: lemursim %s [OPTION...] %s", c->name, c->arguments);
		rc = complain(&err, EXIT_USAGE);
	} else {
		rc = c->run(&o);
	}
	arena_release(&arena);
	return rc;
}

int main(int argc, char **argv)
{
	struct str out = STR_INIT;
	int rc;

	gsl_set_error_handler_off();
	if (argc < 2) {
		usage(&out);
		print(&out, stderr);
		str_release(&out);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		printf("lemursim %s\n", VERSION);
		return EXIT_FINE;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argc > 2 ? argv[2] : NULL);
	if (!find(argv[1]))
		return unknown_word("verb", argv[1]);
	rc = run(find(argv[1]), argc - 2, argv + 2);
	return rc;
}
