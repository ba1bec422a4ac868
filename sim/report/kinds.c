/* kinds.c - see kinds.h. */
#include "sim/report/kinds.h"

#include <stddef.h>

static const char black[] = "#000000", white[] = "#ffffff";

/* Colour: tints of the colours of Okabe and Ito for colour-blind readers, light enough for black text, and darker for
 * outlines. Grey: steps of 25. Print: colours that turn into these steps where a printer or a copier has no colour. */
static const struct {
	const char *letter, *class_name, *word;
	struct kind_look look[STYLE_N];
	const char *shades[2]; /* half way to the colour of the outline, and close to it */
} kinds[BOX_KIND_N] = {
	[BOX_PREFILL] = {"P",
			 "prefill",
			 "prefill",
			 {{"#fbd08f", "#b87400", black},
			  {"#f5f5f5", "#4a4a4a", black},
			  {"#fffbf0", "#8a5700", black}},
			 {"#f2b866", "#e5a03f"}},
	[BOX_DECODE] = {"D",
			"decode",
			"decode",
			{{"#a3cbe8", "#0072b2", black},
			 {"#c3c3c3", "#3a3a3a", black},
			 {"#a8cff2", "#00598c", black}},
			{"#76b1da", "#5199cb"}},
	[BOX_FORWARD] = {"F",
			 "forward",
			 "forward",
			 {{"#c3e4f8", "#2f87bd", black},
			  {"#f5f5f5", "#4a4a4a", black},
			  {"#f6fdff", "#1f5f87", black}},
			 {"#93c6e6", "#6aaed8"}},
	[BOX_BACKWARD] = {"B",
			  "backward",
			  "backward",
			  {{"#9cd9bf", "#007f5c", black},
			   {"#c3c3c3", "#3a3a3a", black},
			   {"#96e2ba", "#00583f", black}},
			  {"#66c0a0", "#3fa785"}},
	[BOX_INPUT] = {"B",
		       "input-gradient",
		       "gradient of inputs",
		       {{"#9cd9bf", "#007f5c", black},
			{"#aaaaaa", "#333333", black},
			{"#80c4a1", "#00583f", black}},
		       {"#66c0a0", "#3fa785"}},
	[BOX_WEIGHTS] = {"W",
			 "weight-gradient",
			 "gradient of weights",
			 {{"#f6c79c", "#c25e00", black},
			  {"#919191", "#2b2b2b", black},
			  {"#d97e3e", "#7a3b00", black}},
			 {"#eda260", "#e08a3c"}},
	[BOX_UPDATE] = {"U",
			"optimizer",
			"optimizer",
			{{"#d4d4d4", "#636363", black},
			 {"#414141", "#111111", white},
			 {"#3f3f3f", "#111111", white}},
			{NULL, NULL}},
	[BOX_TRANSFER] = {"",
			  "transfer",
			  "transfer",
			  {{"#fff2a1", "#a88a00", black},
			   {"#dcdcdc", "#444444", black},
			   {"#f8e594", "#6e5a00", black}},
			  {NULL, NULL}},
	[BOX_COPY] = {"C",
		      "copy",
		      "host copy",
		      {{"#ecc8dd", "#a3507f", black},
		       {"#5a5a5a", "#1c1c1c", white},
		       {"#963475", "#571c43", white}},
		      {NULL, NULL}},
	[BOX_REDUCE] = {"R",
			"reduce",
			"reduce",
			{{"#d8d0f0", "#6a51a3", black},
			 {"#787878", "#222222", black},
			 {"#8468b1", "#3c2a63", black}},
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
