/* verbs.c - the verbs in the order of the help; see cmd.h. */
#include "sim/cli/cmd.h"

const struct verb *const verbs[] = {&verb_ask,      &verb_simulate, &verb_sweep,     &verb_merge,
				    &verb_optimize, &verb_plan,     &verb_schedule,  &verb_roofline,
				    &verb_report,   &verb_check,    &verb_show,      &verb_validate,
				    &verb_explain,  &verb_doctor,   &verb_calibrate, &verb_import,
				    &verb_init,     &verb_list,     &verb_help,      NULL};
