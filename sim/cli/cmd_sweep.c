/* cmd_sweep.c - lemursim sweep SCENARIO --over PATH=VALUE,VALUE...: a grid of what-ifs, and where a split
 * pays. */
#include "sim/cli/sweep_cells.h"

static const struct opt own[] = {
	OPT_TEXTS_ROW(struct sweep_options, over, "over", 0, "PATH=VALUE,VALUE...",
		      "an axis of the grid; several make every combination, the last changing fastest"),
	OPT_TEXTS_ROW(
		struct sweep_options, metrics, "metric", 0, "NAME",
		"what is compared, such as decode_tok_per_s; e2el_s, or train_step_s, if not said; more of "
		"them are more panels of a picture")};
static const struct opt shards[] = {
	OPT_TEXT_ROW(struct sweep_options, shard, "shard", 0, "K/N",
		     "run the K-th of N shares of the cells, a line each into -o FILE.jsonl, for 'merge'; "
		     "auto: as "
		     "mpirun, srun or an array job says"),
	OPT_FLAG_ROW(struct sweep_options, mpi, "mpi", 0,
		     "under mpirun: rank 0 hands out the cells one at a time and writes -o FILE.jsonl, for "
		     "'merge'; of "
		     "a build by 'make MPI=1'"),
	OPT_FLAG_ROW(struct sweep_options, resume, "resume", 0,
		     "with --shard or --mpi: go on with FILE.jsonl, which was broken off")};
static const struct opt_table tables[] = {OPTS_SET(struct sweep_options, load),
					  OPT_OWN(own),
					  OPTS_PLOT(struct sweep_options, out),
					  OPTS_LOOK(struct sweep_options, out.look),
					  OPT_OWN(shards),
					  OPTS_PATH(struct sweep_options, load),
					  OPTS_RESULT_FORMAT(struct sweep_options, out.file),
					  OPTS_OUTPUT(struct sweep_options, out.file),
					  OPTS_SEED(struct sweep_options, draws),
					  OPTS_DRAWS(struct sweep_options, draws),
					  OPTS_JOBS(struct sweep_options, draws.workers)};

/* A cell that has been done, or the draws of one. */
static void tell(void *self, const char *what, size_t done, size_t of)
{
	if (what)
		progress_draw(self, what, done, of);
	else
		sweep_count_cell(self, done, of);
}

static int sweep_whole(struct session *s, const struct sweep_options *o, const char *name,
		       enum result_format format)
{
	struct progress progress = progress_begin();
	struct draws_progress drawing = {.line = &progress};
	struct lemursim_options ask = session_options(&o->draws);
	lemursim_scenario *scenario = session_load(s, name);
	lemursim_result *r;
	int rc = scenario ? sweep_output_check(&o->out, o->over.n, o->metrics.n) : EXIT_USAGE;

	if (rc != EXIT_FINE)
		return rc;
	ask.tell = tell;
	ask.self = &drawing;
	session_end_at_interrupt();
	r = lemursim_sweep(scenario, texts_ended(&s->arena, &o->over), texts_ended(&s->arena, &o->metrics),
			   &ask);
	progress_clear(&progress);
	if (!r)
		return session_lament(s);
	rc = session_keeps_result(s, r);
	if (rc == EXIT_FINE)
		rc = sweep_output_deliver(s, &o->out, &r->swept, format);
	lemursim_result_free(r);
	return rc;
}

struct sweep_ask sweep_ask_of(struct session *s, const struct sweep_options *o, const char *scenario)
{
	return (struct sweep_ask){.loader = &s->loader,
				  .scenario = scenario,
				  .sets = o->load.sets,
				  .over = o->over,
				  .metrics = o->metrics,
				  .draws = o->draws};
}

static int sweep_session(struct session *s, const struct sweep_options *o, const char *name)
{
	struct sweep_ask ask = sweep_ask_of(s, o, session_scenario(s, name));
	struct sweep sweep;
	struct err err = ERR_INIT;
	const int rc = session_reads(s, ask.scenario);

	if (rc != EXIT_FINE)
		return rc;
	return sweep_grid(&ask, &sweep, &err) == 0 ? sweep_share(s, o, &ask, &sweep)
						   : session_refuse(s, &err);
}

static int check_options(const struct sweep_options *o)
{
	struct err err = ERR_INIT;

	if (o->mpi && o->shard) {
		err_set(&err, "--mpi and --shard exclude one another: they are two ways to split the cells");
		return complain(&err, EXIT_USAGE);
	}
	if (!o->resume || o->shard || o->mpi)
		return EXIT_FINE;
	err_set(&err, "--resume goes on with the file of --shard");
	err_hint(&err, "--shard 1/1 -o FILE.jsonl writes all cells as they are run");
	return complain(&err, EXIT_USAGE);
}

static int cmd_sweep(const void *options, const struct texts *files)
{
	const struct sweep_options *o = options;
	enum result_format format = RESULT_TABLE;
	struct session s;
	int rc = o->shard || o->mpi ? EXIT_FINE : sweep_output_format(&o->out, &format);

	if (rc == EXIT_FINE)
		rc = check_options(o);
	if (rc != EXIT_FINE)
		return rc;
	if (o->mpi)
		return sweep_by_ranks(o, files->at[0]);
	session_begin(&s, &o->load, &o->out.file);
	session_tell_idle(&s, &o->load.sets, &o->over, files->at[0]);
	rc = o->shard ? sweep_session(&s, o, files->at[0]) : sweep_whole(&s, o, files->at[0], format);
	session_end(&s);
	return rc;
}

const struct verb verb_sweep = {
	.name = "sweep",
	.arguments = "SCENARIO",
	.help = "a grid of what-ifs, such as --over workload.generate.batch=1,4,16: where a split pays, as a "
		"table or drawn",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct sweep_options),
	.run = cmd_sweep,
	.tries = "sweep scenarios/m5-vs-m4pro.yaml --over workload.generate.batch=1,8 --over "
		 "\"workload.generate.prompt=128 tok,8192 tok\"\n"
		 "sweep scenarios/serve-m5-m4pro.yaml --over workload.serve.arrivals.users=2,8 --draws 4 -o "
		 "users.svg\n"};
