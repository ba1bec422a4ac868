/* plan_shares.c - see plan_shares.h. */
#include "sim/cli/plan_shares.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/cli/growing.h"
#include "sim/cli/rank.h"
#include "sim/plan/plan.h"

/* ---- a share ---- */

struct plan_part {
	const struct plan_options *o;
	struct arena *arena;
	const char *path, *scenario; /* of the file that grows; as the plan was found */
	const struct texts *sets;
	struct plan_verdicts verdicts;
	struct growing growing;
	bool ended; /* the file says so already */
};

static int take_verdict(void *self, enum plan_question question, const char *fleet, double number)
{
	struct plan_part *x = self;

	plan_verdicts_write(&x->growing.line, question, fleet, number);
	return growing_add_line(&x->growing);
}

static int go_on(struct plan_part *x, const char *text, size_t len)
{
	struct plan_verdicts *v = &x->verdicts;
	struct plan_verdicts_head head;

	if (plan_verdicts_read(x->arena, v, x->path, text, len, VERSION, &head, &x->growing.err) != 0)
		return -1;
	x->ended = head.ended;
	if (memcmp(head.key, v->key, sizeof head.key) == 0 && head.k == v->k && head.n == v->n)
		return 0;
	err_set(&x->growing.err,
		"%s is of another plan or share: its scenario or one of its files, a --set, the seed, the "
		"draws or K/N differ",
		x->path);
	return err_hint(&x->growing.err, "begin anew with -f");
}

/* Opens the file and takes over what it has, or writes its first line. */
static int open_file(void *self)
{
	struct plan_part *x = self;
	const struct plan_verdicts *v = &x->verdicts;
	struct plan_verdicts_head head = {.scenario = x->scenario,
					  .sets = *x->sets,
					  .seed = x->o->draws.seed,
					  .draws = x->o->draws.n,
					  .k = v->k,
					  .n = v->n};
	char *text;
	size_t len;

	if (growing_open(&x->growing, x->arena, x->path, x->o->resume, x->o->output.force, PLAN_VERDICTS_MAX,
			 &text, &len) != 0)
		return -1;
	if (len)
		return go_on(x, text, len);
	memcpy(head.key, v->key, sizeof head.key);
	plan_verdicts_write_head(&x->growing.line, &head, VERSION);
	return growing_begin(&x->growing, "the verdicts of a plan");
}

/* Which fleets, and into which file; an exit code. */
static int choose_share(struct plan_part *x, const struct plan_options *o)
{
	struct cells_share share;

	if (!o->output.path || !str_ends(o->output.path, ".jsonl") || o->output.format) {
		err_set(&x->growing.err, "--shard writes verdicts into a file as they are found");
		err_hint(&x->growing.err,
			 "add -o FILE.jsonl; 'lemursim merge FILE.jsonl...' answers by all of them");
		return complain(&x->growing.err, EXIT_USAGE);
	}
	x->path = o->output.path;
	if (share_asked(x->arena, o->shard, &share, &x->path, &x->growing.err) != 0)
		return complain(&x->growing.err, EXIT_USAGE);
	x->verdicts.k = share.k;
	x->verdicts.n = share.n;
	return EXIT_FINE;
}

static int run_share(struct session *s, struct plan_part *x, const char *name)
{
	struct lemursim_options ask = session_options(&x->o->draws);
	lemursim_scenario *scenario = session_load(s, name);
	lemursim_result *r;

	if (!scenario)
		return EXIT_USAGE;
	x->scenario = scenario->path;
	x->sets = &scenario->sets;
	scenario->verdicts = &x->verdicts;
	session_catch_interrupt();
	ask.stop = session_interrupted();
	r = lemursim_plan(scenario, &ask);
	if (r && !x->ended) {
		plan_verdicts_write_end(&x->growing.line);
		growing_add_line(&x->growing);
	}
	if (x->growing.err.msg[0])
		return complain(&x->growing.err, x->growing.err.hint[0] ? EXIT_USAGE : EXIT_FAILED);
	if (r) {
		lemursim_result_free(r);
		return EXIT_FINE;
	}
	if (!*session_interrupted())
		return session_lament(s);
	err_set(&x->growing.err, "interrupted: the verdicts that were found are in '%s'", x->path);
	err_hint(&x->growing.err, "the same with --resume goes on");
	return complain(&x->growing.err, EXIT_INTERRUPTED);
}

int plan_share(const struct plan_options *o, const char *name)
{
	struct session s;
	struct plan_part x = {.o = o, .growing = GROWING_INIT};
	int rc;

	session_begin(&s, &o->load, &o->output);
	x.arena = &s.arena;
	x.verdicts = (struct plan_verdicts){
		.arena = &s.arena, .begin = open_file, .take = take_verdict, .self = &x};
	rc = choose_share(&x, o);
	if (rc == EXIT_FINE)
		rc = run_share(&s, &x, name);
	growing_close(&x.growing);
	plan_verdicts_release(&x.verdicts);
	session_end(&s);
	return rc;
}

/* ---- all shares ---- */

struct merging {
	struct arena arena;
	struct plan_verdicts verdicts;
	struct plan_verdicts_head head; /* of the first file */
	const char **ended;             /* [share]: the file that has all of it; NULL: none */
	struct err err;
};

bool plan_share_is(const char *path)
{
	char begin[64];
	FILE *f = fopen(path, "rb");
	const size_t n = f ? fread(begin, 1, sizeof begin, f) : 0;

	if (f)
		fclose(f);
	return plan_verdicts_is(begin, n);
}

static int read_share(struct merging *x, const char *path)
{
	struct plan_verdicts_head head;
	char *text;
	size_t len;

	if (file_read(&x->arena, path, PLAN_VERDICTS_MAX, &text, &len, &x->err) != 0 ||
	    plan_verdicts_read(&x->arena, &x->verdicts, path, text, len, VERSION, &head, &x->err) != 0)
		return -1;
	if (!x->ended) {
		x->head = head;
		x->ended = arena_array(&x->arena, head.n, sizeof *x->ended);
	}
	if (memcmp(head.key, x->head.key, sizeof head.key) != 0 || head.n != x->head.n) {
		err_set(&x->err,
			"%s is of another plan: its scenario or one of its files, a --set, the seed, the "
			"draws or the "
			"number of shares differ",
			path);
		return err_hint(&x->err, "put together what was begun by one command line");
	}
	if (head.ended)
		x->ended[head.k - 1] = path;
	return 0;
}

/* Refuses a plan of which shares are missing, and names the first. */
static int check_whole(struct merging *x)
{
	size_t missing = 0, first = 0;

	for (size_t i = x->head.n; i-- > 0;)
		if (!x->ended[i]) {
			missing++;
			first = i + 1;
		}
	if (!missing)
		return 0;
	err_set(&x->err, "%zu of %zu shares are missing or were broken off, the first is %zu/%zu", missing,
		x->head.n, first, x->head.n);
	err_hint(&x->err, "run the plan with --resume for each file that was broken off, or name the files "
			  "that are not here");
	return -1;
}

static int same_key(void *self)
{
	struct merging *x = self;

	if (memcmp(x->verdicts.key, x->head.key, sizeof x->head.key) == 0)
		return 0;
	err_set(&x->err, "%s, or a file that it names, has changed since fleets were looked at",
		x->head.scenario);
	return err_hint(&x->err, "run every share anew: 'plan' with its --shard K/N and -f");
}

/* The scenario of the shares from here: by its path where that is a file, else by its name, as one that was named so elsewhere.
 * The key says whether it is the same. NULL with err. */
static const char *scenario_here(struct session *s, struct merging *x)
{
	const char *const path = x->head.scenario, *const slash = strrchr(path, '/'),
			  *const file = slash ? slash + 1 : path, *name, *found;

	if (!str_ends(file, ".yaml") || file_exists(path))
		return path;
	name = arena_strndup(&s->arena, file, strlen(file) - strlen(".yaml"));
	found = session_scenario(s, name);
	if (found != name)
		return found;
	err_set(&x->err, "the scenario of these shares is not here: '%s'", path);
	err_hint(&x->err,
		 "merge where the shares were run, or say --path DIR where DIR/scenarios has the file '%s'",
		 file);
	return NULL;
}

static int answer(struct session *s, struct merging *x, const struct output_options *output,
		  const struct workers_ask *workers)
{
	const struct draws_ask draws = {.seed = x->head.seed, .n = x->head.draws, .workers = *workers};
	struct lemursim_options ask = session_options(&draws);
	struct output_options table = *output;
	const char *const name = scenario_here(s, x);
	lemursim_scenario *scenario;
	lemursim_result *r;
	enum result_format format;
	int rc;

	if (!name)
		return complain(&x->err, EXIT_USAGE);
	if (plan_writes_beside(output))
		table.path = NULL;
	rc = choose_format(&table, &format);
	if (rc != EXIT_FINE)
		return rc;
	scenario = session_load(s, name);
	if (!scenario)
		return EXIT_USAGE;
	scenario->verdicts = &x->verdicts;
	session_catch_interrupt();
	ask.stop = session_interrupted();
	r = lemursim_plan(scenario, &ask);
	if (!r)
		return x->err.msg[0]            ? complain(&x->err, EXIT_USAGE)
		       : *session_interrupted() ? plan_interrupted()
						: session_lament(s);
	rc = plan_show(s, output, r, format);
	lemursim_result_free(r);
	return rc;
}

int plan_merge(const struct texts *files, const struct texts *paths, const struct output_options *output,
	       const struct workers_ask *workers)
{
	struct merging x = {.arena = ARENA_INIT, .err = ERR_INIT};
	struct load_options load = {.paths = *paths};
	struct session s;
	int rc = EXIT_FINE;

	x.verdicts = (struct plan_verdicts){.arena = &x.arena, .begin = same_key, .self = &x};
	for (size_t i = 0; i < files->n && rc == EXIT_FINE; i++)
		if (read_share(&x, files->at[i]) != 0)
			rc = complain(&x.err, EXIT_USAGE);
	if (rc == EXIT_FINE && check_whole(&x) != 0)
		rc = complain(&x.err, EXIT_FAILED);
	load.sets = x.head.sets;
	session_begin(&s, &load, output);
	if (rc == EXIT_FINE)
		rc = session_reads_all(&s, files);
	if (rc == EXIT_FINE)
		rc = answer(&s, &x, output, workers);
	session_end(&s);
	plan_verdicts_release(&x.verdicts);
	arena_release(&x.arena);
	return rc;
}
