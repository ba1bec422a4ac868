/* fuzz_training.c - any bytes as a log of mlx_lm.lora: sums of positive figures, or an error. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "sim/runs/training_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	struct training_log log;
	struct err err = ERR_INIT;
	const int rc = training_log_parse(&arena, "f", text, &log, &err);

	BUG_ON((rc == 0) != !err.msg[0]);
	if (rc == 0) {
		BUG_ON(!(log.steps > 0) || !(log.seconds > 0) || !(log.tokens > 0) || isinf(log.seconds));
		BUG_ON(log.peak_B < 0 || log.trainable < 0 || log.total < log.trainable || log.line < 1);
	}
	arena_release(&arena);
	return 0;
}
