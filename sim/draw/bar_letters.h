/*
 * bar_letters.h - letters in the bars of a schedule's picture, and which of them a legend has to explain.
 *
 * Layer draw. A box has as much of its letters as has room. A run of bars of one kind that are too narrow for letters has
 * the letter of its kind, so that no kind is told by its colour alone.
 */
#ifndef SIM_DRAW_BAR_LETTERS_H
#define SIM_DRAW_BAR_LETTERS_H
#include "sim/draw/bars.h"

#define BAR_H 26.0 /* height in points */

struct bar_letters {
	const struct schedule *s; /* borrowed, as all here */
	const struct bars *bars;
	double pt_per_ns;
	bool kind[BOX_KIND_N]; /* whether the letter of a kind is drawn */
};

void bar_letters_init(struct bar_letters *v, const struct schedule *s, const struct bars *bars,
		      double pt_per_ns);
/* Appends those of s->letters that are drawn: "a attention, m MLP (FFN); sent: KV". */
void bar_letters_note(struct str *out, const struct bar_letters *v);

double bar_width(const struct bar_letters *v, const struct bar *bar); /* points */
/* Is a mixed bar drawn in layers? */
bool bar_is_layered(const struct bar_letters *v, const struct bar *bar);
/* Has it letters of its own? */
bool bar_is_lettered(const struct bar_letters *v, const struct bar *bar);
/* Bar i has none: the last bar of the run of such bars of its kind that begins with it. */
size_t bar_run_end(const struct bar_letters *v, size_t i);

/* The letters of a run: of the kind that takes longest, then of others in its mixed bars where they have room. Sets out, and
 * returns their font size or 0. */
double bar_run_letters(const struct bar_letters *v, size_t first, size_t last, char out[16]);

/* The font size in which a letter has room, or 0; of a layer of a mixed bar, which has a height. */
double letter_fit(const char *letter, double w);
double letter_fit_layer(const char *letter, double w, double h);
/* As much of a box's letters as has room: sets out, and returns its font size or 0. */
double letters_fit(char out[16], const char *full, double w);

#endif
