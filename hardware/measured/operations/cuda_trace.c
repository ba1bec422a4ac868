/* trace.c - a library that CUPTI loads into a CUDA program (CUDA_INJECTION64_PATH): kernels and copies to $TRACE_OUT as csv. */
#include <cupti.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>

static FILE *out;
static void CUPTIAPI ask(uint8_t **b, size_t *n, size_t *max)
{
	*n = 8 << 20;
	*b = aligned_alloc(8, *n);
	*max = 0;
}
static void CUPTIAPI done(CUcontext c, uint32_t s, uint8_t *b, size_t n, size_t valid)
{
	CUpti_Activity *r = NULL;
	(void)c;
	(void)s;
	(void)n;
	while (out && cuptiActivityGetNextRecord(b, valid, &r) == CUPTI_SUCCESS) {
		if (r->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL ||
		    r->kind == CUPTI_ACTIVITY_KIND_KERNEL) {
			TRACE_KERNEL *k = (void *)r;
			fprintf(out, "k\t%llu\t%llu\t%u\t%s\n", (unsigned long long)k->start,
				(unsigned long long)k->end, (unsigned)(k->graphNodeId != 0), k->name);
		} else if (r->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
			TRACE_COPY *k = (void *)r;
			fprintf(out, "c\t%llu\t%llu\t%llu\tcopy %d\n", (unsigned long long)k->start,
				(unsigned long long)k->end, (unsigned long long)k->bytes, k->copyKind);
		}
	}
	free(b);
}
static void end(void)
{
	cuptiActivityFlushAll(1);
	if (out)
		fclose(out);
	out = NULL;
}
int InitializeInjection(void)
{
	const char *p = getenv("TRACE_OUT");
	out = p ? fopen(p, "w") : NULL;
	cuptiActivityRegisterCallbacks(ask, done);
	cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
	cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY);
	atexit(end);
	return 1;
}
