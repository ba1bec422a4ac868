/* example.c - a scenario at three batch sizes, as a table.
 *
 *   cc example.c $(pkg-config --cflags --libs lemursim) && ./a.out m5-vs-m4pro */
#include <lemursim.h>
#include <stdio.h>

static int fail(lemursim *l)
{
	for (size_t i = 0; i < lemursim_errors(l); i++) {
		const struct lemursim_error *e = lemursim_error(l, i);

		fprintf(stderr, "%s:%d:%d: %s\n", e->file ? e->file : "-", e->line, e->column, e->message);
		if (e->hint)
			fprintf(stderr, "  hint: %s\n", e->hint);
	}
	lemursim_free(l);
	return 2;
}

int main(int argc, char **argv)
{
	const char *const over[] = {"workload.generate.batch=1,8,64", NULL};
	const char *const metrics[] = {"decode_tok_per_s", NULL};
	lemursim *l = lemursim_new();
	lemursim_scenario *s = lemursim_load(l, argc > 1 ? argv[1] : "m5-vs-m4pro");
	lemursim_result *r = s ? lemursim_sweep(s, over, metrics, NULL) : NULL;

	if (!r) {
		lemursim_scenario_free(s);
		return fail(l);
	}
	for (size_t row = 0; row < lemursim_rows(r); row++) {
		const struct lemursim_value *batch = lemursim_find(r, row, "workload.generate.batch");
		const struct lemursim_value *rate = lemursim_find(r, row, metrics[0]);

		printf("%-30s batch %-3s ", lemursim_row_name(r, row), batch->text);
		if (rate)
			printf("%.1f %s (%.1f to %.1f)\n", rate->value, rate->unit, rate->lo, rate->hi);
		else
			printf("does not fit\n");
	}
	lemursim_result_free(r);
	lemursim_scenario_free(s);
	lemursim_free(l);
	return 0;
}
