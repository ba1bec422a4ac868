/* stack.c - see stack.h. */
#include "sim/draw/stack.h"

#include <math.h>

#include "sim/draw/look.h"

static double edge(const struct stack *s, size_t layer, size_t i)
{
	return layer ? s->top[layer - 1][i] : 0;
}

/* Fills a layer from step a to step b, where it has a height throughout. */
static void fill_run(struct canvas *c, const struct stack *s, size_t layer, size_t a, size_t b,
		     const char *fill)
{
	struct point corners[4 * STACK_STEPS];
	size_t n = 0;

	for (size_t i = a; i < b; i++)
		for (int end = 0; end < 2; end++)
			if (!end || i + 1 == b || s->top[layer][i] != s->top[layer][i + 1])
				corners[n++] = (struct point){s->left[i + (size_t)end],
							      s->bottom - s->top[layer][i]};
	for (size_t i = b; i-- > a;)
		for (int end = 1; end >= 0; end--)
			corners[n++] =
				(struct point){s->left[i + (size_t)end], s->bottom - edge(s, layer, i)};
	canvas_area(c, corners, n, fill);
}

/* What is common to the layer's heights in steps a to b - 1: from *low up to *high. */
static void common_height(const struct stack *s, size_t layer, size_t a, size_t b, double *low, double *high)
{
	*low = -INFINITY;
	*high = INFINITY;
	for (size_t i = a; i < b; i++) {
		*low = fmax(*low, edge(s, layer, i));
		*high = fmin(*high, s->top[layer][i]);
	}
}

/* Puts the layer's letter where there is most room for it: the widest stretch that is high enough. */
static void letter_in(struct canvas *c, const struct stack *s, size_t layer, const struct stack_look *look)
{
	const double least = 9.5;
	size_t best_a = 0, best_b = 0;
	double low, high;

	for (size_t a = 0, b = 0; a < s->n; a++) {
		b = b > a ? b : a;
		for (; b < s->n; b++) {
			common_height(s, layer, a, b + 1, &low, &high);
			if (high - low < least)
				break;
		}
		if (s->left[b] - s->left[a] > s->left[best_b] - s->left[best_a])
			best_a = a, best_b = b;
	}
	if (s->left[best_b] - s->left[best_a] < 9)
		return;
	common_height(s, layer, best_a, best_b, &low, &high);
	canvas_text(c, (struct point){(s->left[best_a] + s->left[best_b]) / 2, s->bottom - (low + high) / 2},
		    &(struct type){.size = 8, .align = 'c', .color = look_text_on(look->fill)}, look->letter,
		    NULL);
}

void stack_draw(struct canvas *c, const struct stack *s, const struct stack_look *looks, bool *seen)
{
	for (size_t layer = 0; layer < s->layers; layer++) {
		const struct stack_look *look = &looks[s->look[layer]];

		for (size_t i = 0, from = 0; i <= s->n; i++) {
			const bool filled = i < s->n && s->top[layer][i] > edge(s, layer, i);

			if (filled)
				continue;
			if (i > from) {
				fill_run(c, s, layer, from, i, look->fill);
				seen[s->look[layer]] = true;
			}
			from = i + 1;
		}
		letter_in(c, s, layer, look);
	}
}
