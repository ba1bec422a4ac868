/* cmd_ask.c - lemursim ask MODEL --on MACHINE: one question without a scenario file. */
#define _XOPEN_SOURCE 700 /* realpath() */
#include <stdlib.h>
#include <string.h>

#include "sim/ask/look_up.h"
#include "sim/ask/mac_id.h"
#include "sim/ask/this_machine.h"
#include "sim/base/units.h"
#include "sim/cli/cmd.h"
#include "sim/report/answer.h"
#include "sim/report/scenario_result.h"

struct ask_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	struct texts on;
	const char *link, *context, *prompt, *tokens, *weights, *kv, *runtime, *train, *budget, *at_least,
		*think, *arrivals;
	int64_t users;
};

static const struct opt own[] = {
	OPT_TEXTS_ROW(struct ask_options, on, "on", 0, "MACHINE[,MACHINE]",
		      "as people type it, such as \"m4 max 64\" or 4090, or its file; 'this' is the one it "
		      "runs on"),
	OPT_TEXT_ROW(struct ask_options, link, "link", 0, "LINK",
		     "what joins them; not said: each by itself"),
	OPT_COUNT_ROW(struct ask_options, users, "users", 0, "N", "at once, as one batch; 1 if not said", 1,
		      65536, 0),
	OPT_TEXT_ROW(struct ask_options, think, "think", 0, "TIME",
		     "not one batch: each user asks again so long after an answer, on average"),
	OPT_TEXT_ROW(struct ask_options, arrivals, "arrivals", 0, "RATE",
		     "requests of all users together that come by themselves, such as \"0.2 req/s\""),
	OPT_TEXT_ROW(struct ask_options, context, "context", 0, "TOKENS",
		     "of each user, such as 16k: prompt and answer together"),
	OPT_TEXT_ROW(struct ask_options, prompt, "prompt", 0, "TOKENS", "of each user; 2048 if not said"),
	OPT_TEXT_ROW(struct ask_options, tokens, "tokens", 0, "TOKENS",
		     "of the answer, 256 if not said; of a sequence to train on, 2048"),
	OPT_TEXT_ROW(struct ask_options, weights, "weights", 0, "FORMAT",
		     "what that runtime's users load if not said: q4_K_M, mlx_q4, mxfp4 of gpt-oss"),
	OPT_TEXT_ROW(struct ask_options, kv, "kv", 0, "FORMAT", "of the KV cache; f16 if not said"),
	OPT_TEXT_ROW(struct ask_options, runtime, "runtime", 0, "NAME",
		     "llama.cpp where it runs if not said; to train, mlx or torch"),
	OPT_TEXT_ROW(struct ask_options, train, "train", 0, "HOW",
		     "lora, qlora or full instead of generating"),
	OPT_TEXT_ROW(struct ask_options, budget, "budget", 0, "USD",
		     "in place of --on: every machine of the catalogue for at most so much"),
	OPT_TEXT_ROW(struct ask_options, at_least, "at-least", 0, "RATE",
		     "with --budget: tok/s that each user must get")};
static const struct opt_table tables[] = {OPT_OWN(own),
					  OPTS_PATH(struct ask_options, load),
					  OPTS_RESULT_FORMAT(struct ask_options, output),
					  OPTS_OUTPUT(struct ask_options, output),
					  OPTS_SEED(struct ask_options, draws),
					  OPTS_DRAWS(struct ask_options, draws)};

/* A number above 0 with a unit that may be left out. */
static int number(const char *option, const char *text, const char *unit, double *value, struct err *err)
{
	const char *end = units_number(text, value);

	end = end ? end + strspn(end, " ") : NULL;
	if (!end || !(*value > 0 && *value <= 1e12) || (*end && strcmp(end, unit) != 0)) {
		err_set(err, "--%s: '%.40s' is no number above 0", option, text);
		return err_hint(err, "such as --%s \"10 %s\"", option, unit);
	}
	return 0;
}

static int lengths(const struct ask_options *o, struct question *q, struct err *err)
{
	const struct {
		const char *option, *text;
		int64_t *to;
	} all[] = {{"context", o->context, &q->context},
		   {"prompt", o->prompt, &q->prompt},
		   {"tokens", o->tokens, &q->tokens}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].text && question_tokens(all[i].option, all[i].text, all[i].to, err) != 0)
			return -1;
	return 0;
}

static int positive(const char *option, const char *text, enum dim dim, const char *such, double *value,
		    struct err *err)
{
	struct err why = ERR_INIT;

	if (units_parse(text, dim, value, &why) == 0 && *value > 0 && *value < 1e9)
		return 0;
	err_set(err, "--%s: '%.40s' is not such as '%s'", option, text, such);
	return err_hint(err, "such as --%s \"%s\"", option, such);
}

/* A server under a load, not a batch. */
static int load_asked(const struct ask_options *o, struct question *q, struct err *err)
{
	const char *option = o->think ? "think" : "arrivals";

	if (!o->think && !o->arrivals)
		return 0;
	if (o->train || o->budget) {
		err_set(err, "--%s asks for a server's load; --%s does not go with it", option,
			o->train ? "train" : "budget");
		return err_hint(err, o->train ? "leave one of them out"
					      : "which machines hold a load: lemursim plan");
	}
	if (o->arrivals && (o->think || o->users)) {
		err_set(err,
			"--arrivals says how many requests come, whoever sends them; --%s does not go with "
			"it",
			o->think ? "think" : "users");
		return err_hint(err, "--users 10 --think 60s, or --arrivals \"0.2 req/s\"");
	}
	return o->think ? positive("think", o->think, DIM_TIME, "60 s", &q->think_s, err)
			: positive("arrivals", o->arrivals, DIM_REQUEST_RATE, "0.2 req/s", &q->requests_per_s,
				   err);
}

/* A file that is named from here, as a scenario in another folder reaches it; a name as it stands. */
static const char *reached(struct session *s, const struct ask_options *o, const char *text)
{
	char *whole = look_up_is_file(text) && o->output.path && strchr(o->output.path, '/')
			      ? realpath(text, NULL)
			      : NULL;
	const char *path = whole ? arena_strdup(&s->arena, whole) : text;

	free(whole);
	return path;
}

/* "this" is looked up where it stands. */
static int machines(struct session *s, const struct ask_options *o, struct question *q, struct err *err)
{
	for (size_t i = 0; i < o->on.n; i++) {
		const struct texts some = mac_id_cut(&s->arena, o->on.at[i]);

		q->machines = texts_join(&s->arena, &q->machines, some.at, some.n);
	}
	for (size_t i = 0; i < q->machines.n; i++) {
		struct this_facts facts;

		if (strcmp(q->machines.at[i], "this") != 0) {
			q->machines.at[i] = reached(s, o, q->machines.at[i]);
			continue;
		}
		this_machine_facts("", &facts);
		q->machines.at[i] = this_machine(&s->loader, &facts, err);
		if (!q->machines.at[i])
			return -1;
	}
	return 0;
}

static int make_question(struct session *s, const struct ask_options *o, const char *model,
			 struct question *q, struct err *err)
{
	*q = (struct question){.model = reached(s, o, model),
			       .link = o->link,
			       .users = o->users,
			       .weights = o->weights,
			       .kv = o->kv,
			       .runtime = o->runtime,
			       .train = o->train};
	if (question_read(&s->arena, q, err) != 0)
		return -1;
	if (o->budget && (o->on.n || o->link)) {
		err_set(err, "--budget asks of every machine; --on names some");
		return err_hint(err, "leave one of them out");
	}
	if (o->at_least && !o->budget) {
		err_set(err, "--at-least goes with --budget");
		return err_hint(err, "--budget \"5000 USD\"");
	}
	if (load_asked(o, q, err) != 0)
		return -1;
	return lengths(o, q, err) == 0 ? machines(s, o, q, err) : -1;
}

/* Every format but the usual one is that of simulate. */
static int print_answer(struct session *s, const struct ask_options *o, const struct answer *a,
			const struct budget *b)
{
	struct output_options print = o->output;
	enum result_format format;
	struct str out = STR_INIT;
	int rc;

	print.path = NULL;
	rc = choose_format(&print, &format);
	if (rc == EXIT_FINE && format != RESULT_TABLE && a) {
		struct scenario_result r;

		if (scenario_result_make(&s->loader, a->at, &o->draws, VERSION, &r) != 0)
			return session_complain(s);
		result_write(&out, &r.result, format, output_width(&print));
	} else if (rc == EXIT_FINE && b) {
		budget_write(&out, b, output_width(&print));
	} else if (rc == EXIT_FINE) {
		answer_write(&out, a, output_width(&print));
	}
	if (rc == EXIT_FINE)
		rc = deliver(&print, &out);
	str_release(&out);
	return rc;
}

static int write_scenario(struct session *s, const struct answer *a)
{
	struct str yaml = STR_INIT;
	struct err err = ERR_INIT;
	int rc;

	if (!s->output->path)
		return EXIT_FINE;
	if (!str_ends(s->output->path, ".yaml")) {
		err_set(&err, "-o writes the scenario: '%.100s' does not end in .yaml", s->output->path);
		err_hint(&err, "-o question.yaml; the answer itself goes to standard output");
		return complain(&err, EXIT_USAGE);
	}
	str_add(&yaml, a->yaml);
	rc = session_deliver(s, &yaml);
	str_release(&yaml);
	return rc;
}

static int ask_one(struct session *s, const struct ask_options *o, const struct question *q)
{
	struct err err = ERR_INIT;
	struct answer a;
	int rc;

	if (answer_make(&s->loader, q, &o->draws, &a, &err) != 0)
		return session_refuse(s, &err);
	rc = write_scenario(s, &a);
	if (rc == EXIT_FINE)
		rc = print_answer(s, o, &a, NULL);
	return rc == EXIT_FINE && a.best == a.rows_n ? EXIT_NOTHING_FITS : rc;
}

static void say_broken(struct session *s, const struct texts *broken)
{
	struct texts notes = {arena_array(&s->arena, broken->n, sizeof *notes.at), 0};

	for (; notes.n < broken->n; notes.n++)
		notes.at[notes.n] = arena_printf(&s->arena, "a machine is left out: %s", broken->at[notes.n]);
	say_notes(&notes);
}

static int ask_budget(struct session *s, const struct ask_options *o, const struct question *q)
{
	struct budget_ask ask = {.question = *q};
	struct budget b;
	struct err err = ERR_INIT;
	int rc = EXIT_FINE;

	if (number("budget", o->budget, "USD", &ask.usd, &err) != 0 ||
	    (o->at_least && number("at-least", o->at_least, "tok/s", &ask.at_least, &err) != 0) ||
	    budget_find(&s->loader, &ask, &o->draws, &b, &err) != 0)
		return session_refuse(s, &err);
	say_broken(s, &b.broken);
	if (b.any)
		rc = write_scenario(s, &b.answer);
	if (rc == EXIT_FINE)
		rc = print_answer(s, o, b.any ? &b.answer : NULL, &b);
	return rc != EXIT_FINE || b.any ? rc : b.slow_n ? EXIT_TARGET_MISSED : EXIT_NOTHING_FITS;
}

static int cmd_ask(const void *options, const struct texts *files)
{
	const struct ask_options *o = options;
	struct session s;
	struct question q;
	struct err err = ERR_INIT;
	int rc;

	session_begin(&s, &o->load, &o->output);
	if (make_question(&s, o, files->at[0], &q, &err) != 0)
		rc = session_refuse(&s, &err);
	else
		rc = o->budget ? ask_budget(&s, o, &q) : ask_one(&s, o, &q);
	session_end(&s);
	return rc;
}

const struct verb verb_ask = {
	.name = "ask",
	.arguments = "MODEL",
	.help = "one question without a file: does it fit, how fast, at what price; -o writes the scenario",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct ask_options),
	.run = cmd_ask,
	.tries = "ask \"llama 3.3 70b\" --on \"m4 max 64\" --context 16k\n"
		 "ask \"qwen3 30b\" --budget 3000 --users 4 --at-least 20\n"};
