/* replay.c - a fuzz target without libFuzzer: runs it on each file named, so that what was found stays found.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20 };

int main(int argc, char **argv)
{
	uint8_t *data = malloc(INPUT_MAX);
	int failed = 0;

	for (int i = 1; data && i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");

		if (f) {
			LLVMFuzzerTestOneInput(data, fread(data, 1, INPUT_MAX, f));
			fclose(f);
		} else {
			fprintf(stderr, "%s: cannot read '%s'\n", argv[0], argv[i]);
			failed = 1;
		}
	}
	free(data);
	printf("%s: %d inputs\n", argv[0], argc - 1);
	return failed || !data;
}
