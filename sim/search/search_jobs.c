/* search_jobs.c - the jobs that can be searched; see search_job.h. */
#include "sim/search/generate_search.h"
#include "sim/search/search_job.h"
#include "sim/search/train_search.h"

static const struct search_job *const jobs[JOB_N] = {
	[JOB_GENERATE] = &generate_search,
	[JOB_TRAIN] = &train_search,
	[JOB_SERVE] = NULL,
};

const struct search_job *search_job(enum job job)
{
	return jobs[job];
}

struct rate rate_of_first_group(const struct block_costs *p)
{
	(void)p;
	return (struct rate){.phase_group = {1, 0}, .busiest = {1, 0, 0}};
}

struct rate rate_of_whole(const struct block_costs *p)
{
	(void)p;
	return (struct rate){.phase_group = {1, 1}, .busiest = {0, 0, 1}};
}
