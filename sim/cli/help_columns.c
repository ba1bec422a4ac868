/* help_columns.c - help columns: what each csv, Markdown table and JSON has, from the tables that write the heads. */
#include "sim/cli/help_columns.h"

#include <string.h>

#include "sim/cli/cmd.h"
#include "sim/family/trace_facts.h"
#include "sim/load/requests_out.h"
#include "sim/predict/job.h"
#include "sim/report/plan.h"
#include "sim/report/result.h"
#include "sim/report/sweep.h"
#include "sim/report/validation.h"

static const struct output_column of_result[] = {
	{"schema", "", "lemursim/result/1"},
	{"scenario", "", "its file"},
	{"seed", "", "of every random number"},
	{"draws", "", "samples behind each interval; absent without intervals"},
	{"version", "", "of lemursim"},
	{"title", "", "the scenario's"},
	{"computed", "", "the workload in words: model, formats, runtime, lengths, seed"},
	{"goal", "", "of optimize: the metric that is as good as can be"},
	{"pareto", "", "of optimize: the second metric of a front"},
	{"inputs", "", "list: every file that was read"},
	{"inputs.file", "", "its path"},
	{"inputs.sha256", "", "of what it says"},
	{"assignments", "", "list, one for each assignment; in jsonl its keys stand beside those above"},
	{"assignments.name", "", "the assignment's"},
	{"assignments.fits", "", "has every machine the memory?"},
	{"assignments.short_B", "B", "where it does not fit, what the machine that is shortest lacks"},
	{"assignments.short_phase", "", "the one workload that does not fit, where another does"},
	{"assignments.short_on", "", "the machine that is short"},
	{"assignments.bound", "", "what limits it, in words"},
	{"assignments.advice", "", "the change that would help most, in words"},
	{"assignments.memory", "", "list, one for each machine that holds anything"},
	{"memory.machine", "", "its name"},
	{"memory.phase", "", "the workload that needs most there"},
	{"memory.need_B", "B", "all of it"},
	{"memory.usable_B", "B", "what the machine has for it"},
	{"memory.weights_B", "B", "weights"},
	{"memory.kv_B", "B", "KV cache"},
	{"memory.activations_B", "B", "activations and buffers"},
	{"memory.gradients_B", "B", "gradients"},
	{"memory.optimizer_B", "B", "state of the optimizer"},
	{"memory.disk_B", "B", "weights that stay on the disk; not of need_B"},
	{"memory.load_B", "B",
	 "need_B where the peak is while the model is loaded, before the rest is there"},
	{"memory.peak_s", "s", "when in the training step it is largest"},
	{"memory.during", "", "the operator at that moment"},
	{"assignments.busy", "", "list, one for each device and direction of a link"},
	{"busy.name", "", "its name"},
	{"busy.phase", "", "of the workload"},
	{"busy.share", "", "of the phase's time"},
	{"assignments.metrics", "", "METRIC: an object for each metric that applies"},
	{"METRIC.value", "its own", "as calibrated"},
	{"METRIC.lo", "its own", "P10 over draws"},
	{"METRIC.hi", "its own", "P90 over draws"},
	{"METRIC.ci", "its own", "value +- ci is the 95 % interval of chance"},
	{"METRIC.difference", "", "to the best assignment under the same random numbers: to, value, ci"},
	{"METRIC.difference.to", "", "that assignment"},
	{"METRIC.unit", "", "of value, lo, hi and ci; empty for a share"},
	{"METRIC.from", "", "the worst source behind it: measured, interpolated, transferred, ..."},
	{"assignments.classes", "", "list, one for each class of a load: name and metrics"},
	{"notes", "", "list of sentences, such as which assignment pays"},
	{"config", "", "the effective configuration, which the result was computed from"}};

static const struct output_column of_sweep[] = {
	{"at", "", "an object with a key for each --over, its path, and the value in this cell"},
	{"assignment", "", "its name"},
	{"fits", "", "has every machine the memory?"},
	{"METRIC", "", "under the name of --metric, where there is a value: value, lo, hi"},
	{"METRIC.value", "its own", "as calibrated"},
	{"METRIC.lo", "its own", "P10 over draws"},
	{"METRIC.hi", "its own", "P90 over draws"},
	{"times_best_alone", "", "how many times as good as the best machine alone"},
	{"won", "", "share of the draws in which it is better than that"},
	{"computed", "", "the workload of the cell in words"}};

static const struct output_column of_cells[] = {
	{"format", "", "lemursim/sweep-cells/1"},
	{"version", "", "of lemursim"},
	{"key", "", "SHA-256 of all that the numbers hang on"},
	{"title", "", "the scenario's"},
	{"metric", "", "that cells are compared by"},
	{"assignments", "", "list of names"},
	{"axes", "", "list: path and values of each --over"},
	{"axes.path", "", "as written"},
	{"axes.values", "", "list, as written"},
	{"shown", "",
	 "in the first line, the metrics that pictures show: metric and bound; in an entry, their values"},
	{"shown.bound", "its own", "the SLO's limit, or null"},
	{"inputs", "",
	 "list: file and sha256 of every file that was read; of a cell, those the first line lacks"},
	{"inputs.file", "", "its path"},
	{"inputs.sha256", "", "of what it says"},
	{"cell", "", "in the lines below the first: its number in the grid, from 0"},
	{"computed", "", "the workload of the cell in words"},
	{"best_alone", "",
	 "the best machine alone, as a place in 'assignments'; their number: there is none"},
	{"bounds", "its own", "list, for each metric shown, the SLO's limit in this cell, or null"},
	{"entries", "", "list, one for each assignment"},
	{"entries.alone", "", "is it on one machine?"},
	{"entries.lacks", "", "nothing, memory, time or value: why there is no value"},
	{"entries.overloaded", "", "does the queue grow without end?"},
	{"entries.holds", "", "share of replications in which the SLO is met, or null"},
	{"entries.value", "its own", "list: value, P10, P90, half of the interval of chance; or null"},
	{"entries.times", "", "how many times as good as the best machine alone, or null"},
	{"entries.won", "", "share of the draws in which it is better than that, or null"}};

static const struct output_column of_plan[] = {
	{"schema", "", "lemursim/plan/1"},
	{"version", "", "of lemursim"},
	{"title", "", "the scenario's"},
	{"computed", "", "the load in words"},
	{"seed", "", "of every random number"},
	{"load_unit", "", "of load and of 'holds': req/s, users, requests"},
	{"load", "load_unit", "as asked"},
	{"load_with_headroom", "load_unit", "what a fleet has to hold"},
	{"answer", "", "list of sentences"},
	{"fleets", "", "list: the columns of the csv but 'computed' as keys, and those below"},
	{"fleets.holds_lo", "load_unit", "P10 of 'holds'"},
	{"fleets.holds_hi", "load_unit", "P90 of 'holds'"},
	{"fleets.holds_mean", "load_unit", "mean over replications"},
	{"fleets.holds_ci", "load_unit", "holds_mean +- this is the 95 % interval of chance"},
	{"money", "", "of the best fleet"},
	{"money.price_usd_per_month", "USD", "list price over the years it is used"},
	{"money.electricity_usd_per_month", "USD", "under the load"},
	{"money.api_usd_per_month", "USD", "the same tokens from the API that the plan names"},
	{"money.tok_per_day", "tok", "prompts and answers"},
	{"money.even_tok_per_day", "tok", "where fleet and API cost the same"},
	{"money.months", "", "until the machines are paid"},
	{"money.months_FACTOR_less", "", "the same with a fifth less of FACTOR: price, electricity, load"},
	{"money.months_FACTOR_more", "", "the same with a fifth more"},
	{"hours", "", "list, one for each hour of a day or a trace"},
	{"hours.span_s", "s", "its length"},
	{"hours.load", "load_unit", "with headroom"},
	{"hours.servers", "", "the fewest that hold it"},
	{"hours.by_one", "", "load over what one server holds, rounded up"},
	{"hours.by_bound", "", "load over the most work that one can do, rounded up"},
	{"counts", "", "how the search went"},
	{"counts.kinds", "", "machines with settings that were looked at"},
	{"counts.bounds", "", "fleets with a lower bound"},
	{"counts.ruled_out", "", "of these, dearer than the best by their bound"},
	{"counts.simulations", "", "runs of a load"},
	{"counts.proved", "", "is no cheaper fleet of these kinds left?"}};

static const struct output_column of_validation[] = {
	{"schema", "", "lemursim/validation/4"},
	{"rows", "",
	 "list, one for each comparison: the columns of the csv as keys where they apply, and those below"},
	{"rows.assignment", "", "of a scenario, in the place of 'machine'"},
	{"rows.metric", "", "of an outcome, in the place of 'run'"},
	{"rows.quality", "", "of the measurement, as its file says"},
	{"rows.source", "", "who measured it"},
	{"rows.note", "", "what its file says besides"},
	{"rows.why", "", "the reason for which there is no prediction"},
	{"sums", "", "list, one for each set, and one of all rows"},
	{"sums.set", "", "its name"},
	{"sums.rows", "", "how many"},
	{"sums.compared", "", "of these, with a prediction"},
	{"sums.held_out", "", "of these, in no fit"},
	{"sums.inside", "", "measured between P10 and P90"},
	{"sums.mean_absolute_error", "", "mean of the errors' magnitudes"},
	{"sums.mean_error", "", "mean of the errors"},
	{"sums.worst_error", "", "the error that is largest either way"}};

static const struct output_column of_explanation[] = {
	{"schema", "", "lemursim/explanation/1"},
	{"machine", "", "that the numbers are held against"},
	{"runtime", "", "its profile"},
	{"normal", "", "is all as expected? Of a row: is it?"},
	{"left", "", "root mean square of the errors; of a cause: with the cause"},
	{"rows", "", "list, one for each number"},
	{"rows.run", "", "such as pp512"},
	{"rows.file", "", "where it was read"},
	{"rows.line", "", "its line"},
	{"rows.unit", "", "of measured, expected, lo and hi"},
	{"rows.measured", "'unit'", "as the file says"},
	{"rows.expected", "'unit'", "as calibrated; null where it ran otherwise, and as asked would not fit"},
	{"rows.lo", "'unit'", "P10"},
	{"rows.hi", "'unit'", "P90"},
	{"rows.ratio", "", "measured over expected"},
	{"rows.said", "", "how it ran otherwise than usual, as the row says itself, or that it does not fit"},
	{"causes", "", "list, the likeliest first"},
	{"causes.what", "", "in words"},
	{"causes.of", "", "what is left without it, of the rows that it is judged by"},
	{"causes.rates", "'unit'", "list: what each row would then be"},
	{"no_cause", "", "as a cause: what rows say of themselves and what explains nothing"}};

static const struct output_column of_list[] = {
	{"kind", "", "hardware, models or scenarios: the folder"},
	{"name", "", "as verbs take it"},
	{"title", "", "in words"},
	{"path", "", "of its file"},
	{"is", "", "of hardware: machine or link"},
	{"chip", "", "of a machine"},
	{"dies", "", "of the chip"},
	{"bandwidth_Bps", "B/s", "of the memory, or of a link"},
	{"cache_B", "B", "the last that all cores share"},
	{"disk_read_Bps", "B/s", "of the disk"},
	{"price_USD", "USD", "list price"},
	{"idle_W", "W", "at the wall"},
	{"active_W", "W", "at the wall under load; of a device, its own part"},
	{"devices", "", "list: what computes in a machine"},
	{"devices.name", "", "such as gpu"},
	{"devices.cores", "", "how many"},
	{"devices.fast_cores", "", "of these, where they are unlike"},
	{"devices.clock_Hz", "Hz", "of the cores"},
	{"devices.peak_flops", "FLOPS", "stated, for each of f32, f16 and bf16"},
	{"devices.runtimes", "", "list: name, version and read_Bps of each profile"},
	{"runtimes.version", "", "of the program that was measured"},
	{"runtimes.read_Bps", "B/s", "at which weights are read"},
	{"options", "", "list: the sizes of memory that it is sold with"},
	{"options.capacity_B", "B", "of the memory"},
	{"options.usable_B", "B", "of it, for a model"},
	{"latency_s", "s", "of a link"},
	{"nominal_Bps", "B/s", "of a link, as sold"},
	{"duplex", "", "full or half"},
	{"bandwidth_by_size", "", "list: size_B and bandwidth_Bps of messages"},
	{"bandwidth_by_size.size_B", "B", "of the message"},
	{"parameters", "", "of a model"},
	{"layers", "", "of a model"},
	{"hidden", "", "its width"},
	{"vocabulary", "", "tokens"},
	{"heads", "", "of attention, where all layers have the same"},
	{"kv_heads", "", "that are stored, where all layers have the same"},
	{"kv_numbers_per_token_and_layer", "", "numbers in the KV cache for a token in a layer of attention"},
	{"experts", "", "of a mixture: count, active, shared"},
	{"experts.count", "", "in a layer"},
	{"experts.active", "", "chosen for a token"},
	{"experts.shared", "", "that every token takes"}};

static const struct output_column of_markdown[] = {
	{"assignment", "", "simulate, optimize: its name"},
	{"fits?", "", "yes, or what it lacks and where"},
	{"HEAD, UNIT", "in the head",
	 "for each metric with a head below: the value, in bold if best, and P10-P90"},
	{"limited by", "", "what limits it, in words"},
	{"machine, needs, usable, weights, KV cache, activations, gradients, optimizer", "in the cell",
	 "the memory of each machine"},
	{"class", "", "of a load with classes, a row for each with its metrics"},
	{"AXIS, best alone, ASSIGNMENT", "in the head",
	 "sweep: the best machine alone, and how many times as good; where nothing is split, the values"},
	{"fleet, settings, holds?", "", "plan: as in its csv; then the csv's numbers under short heads"},
	{"machine, runtime, run, measured, predicted, P10 to P90, error, model left out, chip left out",
	 "in the cell", "validate: as in its csv; of a scenario, assignment and metric"},
	{"on, run, measured tok/s, predicted, error", "in the head",
	 "validate of a named machine or scenario"},
	{"set, rows, mean error, in P10-P90, model left out, chip left out, worst", "in the cell",
	 "validate: the sums"}};

#define PART(columns)                                                                                        \
	{                                                                                                    \
		columns, ARRAY_LEN(columns)                                                                  \
	}
static const struct {
	const char *title;
	struct {
		const struct output_column *at;
		size_t n;
	} parts[3];
} outputs[] = {
	{"csv of simulate, optimize and ask",
	 {PART(result_csv_first), PART(result_csv_metric), PART(result_csv_last)}},
	{"json and jsonl of simulate, optimize and ask", {PART(of_result)}},
	{"csv of sweep and merge", {PART(sweep_csv)}},
	{"json and jsonl of sweep and merge", {PART(of_sweep)}},
	{"cells of sweep --resume or --shard, as lines of JSON", {PART(of_cells)}},
	{"csv of plan", {PART(plan_csv_first), PART(plan_csv_values), PART(plan_csv_last)}},
	{"json and jsonl of plan", {PART(of_plan)}},
	{"csv of validate", {PART(validation_csv)}},
	{"json of validate", {PART(of_validation)}},
	{"json of explain", {PART(of_explanation)}},
	{"json and jsonl of list", {PART(of_list)}},
	{"simulate --requests, csv and jsonl", {PART(requests_columns)}},
	{"csv of calibrate --trace", {PART(trace_facts_csv)}},
	{"Markdown", {PART(of_markdown)}},
};

enum { NAME = 32, INDENT = 6, WIDE = 80 };

static void add_row(const char *name, const char *unit, const char *meaning, size_t width, struct str *out)
{
	struct str text = STR_INIT;
	const size_t at = width < WIDE || str_width(name) > NAME ? INDENT : NAME + 4;

	if (*unit)
		str_addf(&text, "[%s] ", unit);
	str_add(&text, meaning);
	str_add(out, "  ");
	if (at == INDENT) {
		str_add_wrapped(out, name, 2, 4, width);
		str_pad(out, ' ', INDENT);
	} else {
		str_add(out, name);
		str_pad(out, ' ', at - 2 - str_width(name));
	}
	str_add_wrapped(out, text.text, at, at, width);
	str_release(&text);
}

static void add_metrics(size_t width, struct str *out)
{
	str_add(out, "\n");
	str_add_wrapped(out, "metrics, what stands for METRIC, with their heads in tables and Markdown", 0, 2,
			width);
	for (size_t i = 0; i < metrics_n(); i++) {
		const struct metric_info *m = metric_at(i);
		struct str meaning = STR_INIT;

		str_add(&meaning, m->meaning);
		if (m->head)
			str_addf(&meaning, " (%s)", m->head);
		add_row(m->name, m->unit, meaning.text, width, out);
		str_release(&meaning);
	}
}

void columns_help(size_t width, struct str *out)
{
	str_add_wrapped(
		out,
		"columns: what csv, JSON and Markdown have, with units. Names are never changed, others may "
		"be added behind them; what does not apply is an empty cell, or an absent key. Units are "
		"those of the numbers as printed; without one it is a text, a count, a share of one or a "
		"truth value.",
		0, 2, width);
	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		str_add(out, "\n");
		str_add_wrapped(out, outputs[i].title, 0, 2, width);
		for (size_t p = 0; p < ARRAY_LEN(outputs[i].parts); p++)
			for (size_t k = 0; k < outputs[i].parts[p].n; k++) {
				const struct output_column *c = &outputs[i].parts[p].at[k];

				add_row(c->name, c->unit, c->meaning, width, out);
			}
	}
	add_metrics(width, out);
	str_add(out, "\n");
	str_add_wrapped(out,
			"The columns of samples, which calibrate reads and writes: lemursim help samples", 0,
			2, width);
}
