/*
 * ask.h - what a validation is asked to compare: measured runs or outcomes, and what predicts them.
 *
 * Layer validate. A plain request: nothing of a command line. Results live in the loader's arena. A function
 * that takes it returns 0, or -1 with the reasons in err, in the loader's diags, or in both.
 */
#ifndef SIM_VALIDATE_ASK_H
#define SIM_VALIDATE_ASK_H
#include "sim/predict/scenario_load.h"
#include "sim/predict/draws.h"

struct str;

struct validate_ask {
	struct loader *loader;
	struct texts subjects; /* machines, or scenario files; none: the rows name their machines */
	const char *typed;     /* by what words the only machine was named; NULL: by its own name */
	const char *
		made; /* text of a scenario that goes by the name of the only subject; NULL: a file is read */
	struct texts sets;   /* "path=value", applied to every scenario */
	struct texts from;   /* files of measurements */
	struct texts models; /* the files' models: one for each, or one for all; none: as they say */
	const char *runtime; /* NULL: the machine's first */
	const char *weights; /* format; NULL: as the files say */
	bool skip_foreign;   /* leave rows out that are of something else, in the place of refusing them */
	const char *family;  /* file of a family model to leave rows out of; NULL: none is fitted */
	struct str
		*profile; /* with family: gets what calibrate writes, from the same fits; NULL: not asked */
	struct draws_ask draws;
};

#endif
