/*
 * suites.h - the test suites: SUITE(x) stands for `Suite *suite_x(void)` in tests/ROOM/check_x.c. Add a line here.
 */
#ifndef TESTS_SUITES_H
#define TESTS_SUITES_H
#include <check.h>
#include <stdlib.h>

#define SUITES                                                                                               \
	SUITE(look_up)                                                                                       \
	SUITE(ask)                                                                                           \
	SUITE(base)                                                                                          \
	SUITE(exact_math)                                                                                    \
	SUITE(file)                                                                                          \
	SUITE(workers)                                                                                       \
	SUITE(opts)                                                                                          \
	SUITE(library)                                                                                       \
	SUITE(help)                                                                                          \
	SUITE(conf)                                                                                          \
	SUITE(sources)                                                                                       \
	SUITE(shipped)                                                                                       \
	SUITE(des)                                                                                           \
	SUITE(flow)                                                                                          \
	SUITE(task)                                                                                          \
	SUITE(stats)                                                                                         \
	SUITE(hw)                                                                                            \
	SUITE(builds)                                                                                        \
	SUITE(idle_setting)                                                                                  \
	SUITE(llm)                                                                                           \
	SUITE(kinds)                                                                                         \
	SUITE(mix)                                                                                           \
	SUITE(cost)                                                                                          \
	SUITE(utilisation)                                                                                   \
	SUITE(cost_products)                                                                                 \
	SUITE(experts)                                                                                       \
	SUITE(attention)                                                                                     \
	SUITE(kernel_starts)                                                                                 \
	SUITE(cost_widths)                                                                                   \
	SUITE(measured_rows)                                                                                 \
	SUITE(place)                                                                                         \
	SUITE(chain)                                                                                         \
	SUITE(twins)                                                                                         \
	SUITE(runs)                                                                                          \
	SUITE(collective)                                                                                    \
	SUITE(network)                                                                                       \
	SUITE(exchange)                                                                                      \
	SUITE(walk)                                                                                          \
	SUITE(step)                                                                                          \
	SUITE(host)                                                                                          \
	SUITE(clusters)                                                                                      \
	SUITE(assignments)                                                                                   \
	SUITE(request_passes)                                                                                \
	SUITE(generate)                                                                                      \
	SUITE(offload)                                                                                       \
	SUITE(loading)                                                                                       \
	SUITE(passes)                                                                                        \
	SUITE(train)                                                                                         \
	SUITE(search)                                                                                        \
	SUITE(anneal)                                                                                        \
	SUITE(pipelines)                                                                                     \
	SUITE(predict)                                                                                       \
	SUITE(pipeline)                                                                                      \
	SUITE(equals)                                                                                        \
	SUITE(overlap)                                                                                       \
	SUITE(papers)                                                                                        \
	SUITE(loop)                                                                                          \
	SUITE(schedules)                                                                                     \
	SUITE(report)                                                                                        \
	SUITE(drawing)                                                                                       \
	SUITE(dot)                                                                                           \
	SUITE(cells_file)                                                                                    \
	SUITE(pictures)                                                                                      \
	SUITE(html)                                                                                          \
	SUITE(looks)                                                                                         \
	SUITE(cells)                                                                                         \
	SUITE(calib)                                                                                         \
	SUITE(products)                                                                                      \
	SUITE(transferred)                                                                                   \
	SUITE(model_error)                                                                                   \
	SUITE(import)                                                                                        \
	SUITE(families)                                                                                      \
	SUITE(describe)                                                                                      \
	SUITE(gguf_architectures)                                                                            \
	SUITE(quantized)                                                                                     \
	SUITE(weights_file)                                                                                  \
	SUITE(fit_runtime)                                                                                   \
	SUITE(fitted_runs)                                                                                   \
	SUITE(fit_backend)                                                                                   \
	SUITE(report_launches)                                                                               \
	SUITE(fit_shared)                                                                                    \
	SUITE(round_trips)                                                                                   \
	SUITE(family)                                                                                        \
	SUITE(observations)                                                                                  \
	SUITE(likely_causes)                                                                                 \
	SUITE(report_rows)                                                                                   \
	SUITE(vulkan_device)                                                                                 \
	SUITE(row_runtime)                                                                                   \
	SUITE(format_order)                                                                                  \
	SUITE(unlike_chip)                                                                                   \
	SUITE(row_names)                                                                                     \
	SUITE(model_words)                                                                                   \
	SUITE(explained_load)                                                                                \
	SUITE(job_causes)                                                                                    \
	SUITE(spreadsheet)                                                                                   \
	SUITE(scenario_rows)                                                                                 \
	SUITE(said)                                                                                          \
	SUITE(slots)                                                                                         \
	SUITE(beside)                                                                                        \
	SUITE(headings)                                                                                      \
	SUITE(what_if)                                                                                       \
	SUITE(listed)                                                                                        \
	SUITE(foreign_parts)                                                                                 \
	SUITE(fresh_configs)                                                                                 \
	SUITE(mix_by_size)                                                                                   \
	SUITE(corrupted)                                                                                     \
	SUITE(run_dtype)                                                                                     \
	SUITE(beyond_widths)                                                                                 \
	SUITE(training_log)                                                                                  \
	SUITE(numbers)                                                                                       \
	SUITE(pasted)                                                                                        \
	SUITE(wide)                                                                                          \
	SUITE(ingest)                                                                                        \
	SUITE(kernel_trace)                                                                                  \
	SUITE(suite)                                                                                         \
	SUITE(cpu)                                                                                           \
	SUITE(doctor)                                                                                        \
	SUITE(measure)                                                                                       \
	SUITE(link)                                                                                          \
	SUITE(heap)                                                                                          \
	SUITE(winners)                                                                                       \
	SUITE(serve_engine)                                                                                  \
	SUITE(serve_laws)                                                                                    \
	SUITE(serve_sched)                                                                                   \
	SUITE(serve_passes)                                                                                  \
	SUITE(serve_blocks)                                                                                  \
	SUITE(serve_radix)                                                                                   \
	SUITE(serve_route)                                                                                   \
	SUITE(load)                                                                                          \
	SUITE(serve_metrics)                                                                                 \
	SUITE(steady)                                                                                        \
	SUITE(serve_cost)                                                                                    \
	SUITE(servers)                                                                                       \
	SUITE(serve_pipeline)                                                                                \
	SUITE(serve_job)                                                                                     \
	SUITE(plan)

#define SUITE(x) Suite *suite_##x(void);
SUITES
#undef SUITE

/* The number of random cases or trials of a test: `all` where the environment has LONG=1 (`make unit-long`, which
 * check-long runs, and its sanitizers), else `few`. */
static inline int how_many(int few, int all)
{
	return getenv("LONG") ? all : few;
}

/* As ck_assert(), for where it is asked thousands of times: Check reports each success through a pipe. */
#define MUST(cond)                                                                                           \
	do {                                                                                                 \
		if (!(cond))                                                                                 \
			ck_abort_msg("%s", #cond);                                                           \
	} while (0)

#endif
