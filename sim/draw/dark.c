/* dark.c - see dark.h. */
#include "sim/draw/dark.h"

#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

/* An attribute that Graphviz writes, and what it becomes. */
static const struct {
	const char *element, *attribute, *light, *dark;
} colours[] = {
	/* paper and bands */
	{"polygon", "fill", "white", "#16181c"},
	{"polygon", "fill", "#f3f4f5", "#1f2227"},
	{"polygon", "fill", "#f7f7f8", "#26272b"},
	{"polygon", "fill", "#ffffff", "#16181c"},
	/* grids and frames */
	{"", "stroke", "#e2e2e2", "#363a41"},
	{"", "stroke", "#d4d6d8", "#3f444c"},
	{"", "stroke", "#eff0f1", "#24272c"},
	{"", "stroke", "#e4e6e8", "#2c3036"},
	{"", "stroke", "#b5b8ba", "#5a6069"},
	{"", "stroke", "#c4c8cc", "#4a4f57"},
	{"polygon", "fill", "#d9dadb", "#3a3e45"},
	/* text */
	{"text", "fill", "#111111", "#f0f0ee"},
	{"text", "fill", "#222222", "#dededb"},
	{"text", "fill", "#333333", "#dededb"},
	{"text", "fill", "#5a5a5a", "#adb1b8"},
	{"path", "stroke", "#333333", "#c9ccd1"},
	/* lines and names of devices and curves */
	{"", "stroke", "#0072b2", "#4aa8e8"},
	{"text", "fill", "#0072b2", "#6fbdf2"},
	{"", "stroke", "#d55e00", "#f08a3c"},
	{"text", "fill", "#d55e00", "#f59a55"},
	{"", "stroke", "#009e73", "#2fc79b"},
	{"text", "fill", "#009e73", "#3fd3a8"},
	{"", "stroke", "#a3507f", "#d787b4"},
	{"text", "fill", "#a3507f", "#e29ac3"},
	{"", "stroke", "#8a6d00", "#c9a72c"},
	{"text", "fill", "#8a6d00", "#d6b544"},
	{"", "stroke", "#6a51a3", "#a48ee0"},
	{"text", "fill", "#6a51a3", "#b3a0ea"},
	{"text", "fill", "#56b4e9", "#7cc6f0"},
	{"", "stroke", "#d62728", "#ff6b6b"},
	{"text", "fill", "#d62728", "#ff8a8a"},
	{"", "stroke", "#c1272d", "#ff7a7a"},
	{"text", "fill", "#c1272d", "#ff8a8a"},
};

void dark_rules(struct str *out, const char *scope)
{
	str_add(out, "@media (prefers-color-scheme: dark) {\n");
	for (size_t i = 0; i < ARRAY_LEN(colours); i++)
		str_addf(out, "%s%s[%s=\"%s\"] { %s: %s }\n", scope, colours[i].element, colours[i].attribute,
			 colours[i].light, colours[i].attribute, colours[i].dark);
	str_add(out, "}\n");
}
