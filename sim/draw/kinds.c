/* kinds.c - see kinds.h. */
#include "sim/draw/kinds.h"

#include <stddef.h>

static const char black[] = "#000000", white[] = "#ffffff";

/* Colour: tints of the colours of Okabe and Ito for colour-blind readers, light enough for black text, and darker for
 * outlines. Grey: steps of 25, the lightest as far from the paper. Print: colours that turn into these steps where a printer or a copier has no colour. */
static const struct {
	const char *letter, *class_name, *word;
	struct kind_look look[STYLE_N];
	const char *shades[2]; /* half way to the colour of the outline, and close to it */
} kinds[BOX_KIND_N] = {
	[BOX_PREFILL] = {"P",
			 "prefill",
			 "prefill",
			 {{"#fbd08f", "#b87400", black},
			  {"#e5e5e5", "#4a4a4a", black},
			  {"#fbe3b4", "#8a5700", black}},
			 {"#f2b866", "#e5a03f"}},
	[BOX_DECODE] = {"D",
			"decode",
			"decode",
			{{"#a3cbe8", "#0072b2", black},
			 {"#b2b2b2", "#3a3a3a", black},
			 {"#80bdec", "#00598c", black}},
			{"#76b1da", "#5199cb"}},
	[BOX_FORWARD] = {"F",
			 "forward",
			 "forward",
			 {{"#c3e4f8", "#2f87bd", black},
			  {"#e5e5e5", "#4a4a4a", black},
			  {"#d2ebf8", "#1f5f87", black}},
			 {"#93c6e6", "#6aaed8"}},
	[BOX_BACKWARD] = {"B",
			  "backward",
			  "backward",
			  {{"#9cd9bf", "#007f5c", black},
			   {"#b2b2b2", "#3a3a3a", black},
			   {"#78d0a8", "#00583f", black}},
			  {"#66c0a0", "#3fa785"}},
	[BOX_INPUT] = {"B",
		       "input-gradient",
		       "gradient of inputs",
		       {{"#9cd9bf", "#007f5c", black},
			{"#999999", "#333333", black},
			{"#5eb68e", "#00583f", black}},
		       {"#66c0a0", "#3fa785"}},
	[BOX_WEIGHTS] = {"W",
			 "weight-gradient",
			 "gradient of weights",
			 {{"#f6c79c", "#c25e00", black},
			  {"#7f7f7f", "#2b2b2b", black},
			  {"#cc6428", "#7a3b00", black}},
			 {"#eda260", "#e08a3c"}},
	[BOX_UPDATE] = {"U",
			"optimizer",
			"optimizer",
			{{"#d4d4d4", "#636363", black},
			 {"#333333", "#111111", white},
			 {"#2b2b2b", "#111111", white}},
			{NULL, NULL}},
	[BOX_TRANSFER] = {"T",
			  "transfer",
			  "transfer",
			  {{"#ffe359", "#8f7500", black},
			   {"#cbcbcb", "#444444", black},
			   {"#e9d15f", "#6e5a00", black}},
			  {NULL, NULL}},
	[BOX_COPY] = {"C",
		      "copy",
		      "host copy",
		      {{"#ecc8dd", "#a3507f", black},
		       {"#4c4c4c", "#1c1c1c", white},
		       {"#84205f", "#571c43", white}},
		      {NULL, NULL}},
	[BOX_REDUCE] = {"R",
			"reduce",
			"reduce",
			{{"#d8d0f0", "#6a51a3", black},
			 {"#656565", "#222222", white},
			 {"#6c50a0", "#3c2a63", white}},
			{NULL, NULL}},
};

struct kind_look kind_look(enum picture_style style, enum box_kind kind)
{
	return kinds[kind].look[style];
}

const char *kind_shade(enum box_kind kind, int shade)
{
	return shade > 0 ? kinds[kind].shades[shade > 1] : NULL;
}

const char *kind_letter(enum box_kind kind)
{
	return kinds[kind].letter;
}

const char *kind_class(enum box_kind kind)
{
	return kinds[kind].class_name;
}

const char *kind_word(enum box_kind kind)
{
	return kinds[kind].word;
}
