/* groups.c - see groups.h. */
#include "sim/cli/groups.h"

const struct opt opts_set[] = {
	OPT_TEXTS_ROW(struct load_options, sets, "set", 's', "PATH=VALUE",
		      "change one value, such as workload.generate.prompt=\"4096 tok\"; may be given again")};
const struct opt opts_path[] = {OPT_FOLDERS_ROW(
	struct load_options, paths, "path", 'p', "DIR",
	"look for hardware/, models/ and scenarios/ here too, before the folders of LEMURSIM_PATH; "
	"may be given again")};

const struct opt opts_result_format[] = {
	OPT_TEXT_ROW(struct output_options, format, "format", 0, "FORMAT",
		     "table, md, csv, json or jsonl; if not said, the suffix of -o, or table")};
const struct opt opts_rows_format[] = {
	OPT_TEXT_ROW(struct output_options, format, "format", 0, "FORMAT",
		     "table, md, csv or json; if not said, the suffix of -o, or table")};
const struct opt opts_list_format[] = {
	OPT_TEXT_ROW(struct output_options, format, "format", 0, "FORMAT",
		     "table or json; if not said, the suffix of -o, or table")};
const struct opt opts_output[] = {
	OPT_TARGET_ROW(
		struct output_options, path, standard, "output", 'o', "FILE",
		"write to FILE, its suffix says how; never overwrites without -f. '-': the standard output"),
	OPT_FLAG_ROW(struct output_options, force, "force", 'f', "overwrite FILE")};

const struct opt opts_seed[] = {OPT_COUNT_ROW(struct draws_ask, seed, "seed", 0, "N",
					      "of every random number; if not said, the scenario's", 0,
					      9000000000000000, -1)};
const struct opt opts_draws[] = {OPT_COUNT_ROW(struct draws_ask, n, "draws", 0, "N",
					       "samples behind each interval; if not said, the scenario's", 2,
					       100000, -1)};

const struct opt opts_jobs[] = {OPT_COUNT_ROW(
	struct workers_ask, threads, "jobs", 'j', "N",
	"threads that work at a time; one for each processor if not said. The result is the same", 1,
	WORKERS_MAX, 0)};

/* The least width hangs on the size of letters: look_least_width() says it. */
enum { WIDTH_LEAST = 1, WIDTH_MOST = 10000, FONT_LEAST = 4, FONT_MOST = 48 };

const struct opt opts_look[] = {
	OPT_TEXT_ROW(struct look_options, style, "style", 0, "STYLE",
		     "of a picture: colour, grey, or print, whose colours can be told apart as greys too"),
	OPT_TEXT_ROW(struct look_options, title, "title", 0, "TEXT", "in place of the picture's own title"),
	OPT_FLAG_ROW(struct look_options, no_title, "no-title", 0, "without title and subtitle"),
	OPT_TEXT_ROW(struct look_options, caption, "caption", 0, "TEXT", "a paragraph below the picture"),
	OPT_COUNT_ROW(struct look_options, width, "width", 0, "POINTS",
		      "of the picture; 1100 if not said, 72 are an inch. At least 252, less with a smaller "
		      "--font-size",
		      WIDTH_LEAST, WIDTH_MOST, 0),
	OPT_COUNT_ROW(struct look_options, font_size, "font-size", 0, "POINTS",
		      "of letters in boxes and numbers at axes; 9 if not said, 7 in a narrow picture",
		      FONT_LEAST, FONT_MOST, 0)};

const struct opt opts_runs[] = {
	OPT_TEXTS_ROW(
		struct runs_options, from, "from", 0, "FILE",
		"what was measured: llama-bench, llama-batched-bench, mlx_lm.benchmark, csv; or our samples"),
	OPT_TEXTS_ROW(struct runs_options, models, "model", 'm', "NAME",
		      "the model that ran; one for each --from, or one for all"),
	OPT_TEXT_ROW(struct runs_options, runtime, "runtime", 0, "NAME",
		     "the runtime it ran under; if not said, the first, and of calibrate that of the program "
		     "which ran"),
	OPT_TEXT_ROW(struct runs_options, weights, "weights", 0, "FORMAT",
		     "format of the weights; as the file says if not said"),
	OPT_FLAG_ROW(struct runs_options, skip_foreign, "skip-foreign", 0,
		     "leave rows out that ran elsewhere or are of another model, and count them; if not "
		     "said, they are "
		     "errors")};
const struct opt opts_family[] = {
	OPT_TEXT_ROW(struct runs_options, family, "family", 0, "FILE",
		     "rows of many machines: the file whose numbers with 'source: fit' are fitted to them")};
