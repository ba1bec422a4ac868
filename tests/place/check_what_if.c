/* check_what_if.c - tensor splits that no runtime does are told, and those that one does are not. */
#include "sim/place/what_if.h"

#include <string.h>

#include "tests/fixtures.h"
#include "tests/suites.h"

/* Of scenarios/hierarchical-mistral.yaml, two Macs under llama.cpp. */
static const struct {
	const char *assignment, *sets[4];
	bool question;
} asked[] = {
	{"tensor split 35/65", {NULL}, true},
	{"all on M5", {NULL}, false},
	{"pipeline 10/22", {NULL}, false},
	{"FFN M5, attention and KV M4 Pro", {NULL}, false},
	{"prefill M5, decode M4 Pro", {NULL}, false},
	{"tensor split 35/65", {"links.tb.local=true", NULL}, false},
	{"tensor split 35/65", {"runtime=mlx", "precision.weights=mlx_q4", NULL}, false},
	{"tensor split 35/65",
	 {"assignments.6.place=[{phase: decode, on: [m5, m4pro], split: tensor}, {phase: prefill, on: m5}]",
	  NULL},
	 true},
};

START_TEST(a_split_is_a_question)
{
	struct fixture t;
	struct placement p;
	const char *why;

	fixture_init(&t);
	fixture_load(&t, "scenarios/hierarchical-mistral.yaml", asked[_i].sets);
	p = fixture_place_named(&t, asked[_i].assignment);
	why = placement_what_if(&p);
	ck_assert_int_eq(why != NULL, asked[_i].question);
	ck_assert(!why || strstr(why, "does not split by tensor between machines"));
	fixture_release(&t);
}
END_TEST

Suite *suite_what_if(void)
{
	Suite *s = suite_create("what_if");
	TCase *t = tcase_create("what_if");

	tcase_add_loop_test(t, a_split_is_a_question, 0, ARRAY_LEN(asked));
	suite_add_tcase(s, t);
	return s;
}
