/* this_machine.c - see this_machine.h. */
#include "sim/ask/this_machine.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#include "sim/ask/look_up.h"
#include "sim/base/str.h"

/* The text behind "key  :" in a file of such lines; false where there is none. */
static bool line_of(const char *path, const char *key, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof line, f)) {
		const char *colon = strchr(line, ':');

		if (!colon || !str_starts(line, key))
			continue;
		colon += 1 + strspn(colon + 1, " \t");
		found = snprintf(text, size, "%.*s", (int)strcspn(colon, "\n"), colon) > 0;
	}
	if (f)
		fclose(f);
	return found;
}

/* The first NVIDIA card in the order of its bus. */
static bool nvidia_card(const char *root, struct this_facts *facts)
{
	char folder[256], first[64] = "", path[600];
	const struct dirent *e;
	DIR *d;

	snprintf(folder, sizeof folder, "%s/proc/driver/nvidia/gpus", root);
	d = opendir(folder);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && (!first[0] || strcmp(e->d_name, first) < 0))
			snprintf(first, sizeof first, "%.63s", e->d_name);
	if (d)
		closedir(d);
	snprintf(path, sizeof path, "%s/%s/information", folder, first);
	return first[0] && line_of(path, "Model", facts->chip, sizeof facts->chip);
}

void this_machine_facts(const char *root, struct this_facts *facts)
{
	char path[300];

	*facts = (struct this_facts){.chip = ""};
#if defined(__APPLE__)
	uint64_t memory = 0;
	size_t size = sizeof facts->chip;

	if (!*root && sysctlbyname("machdep.cpu.brand_string", facts->chip, &size, NULL, 0) == 0) {
		size = sizeof memory;
		if (sysctlbyname("hw.memsize", &memory, &size, NULL, 0) == 0)
			facts->memory_B = (double)memory;
		return;
	}
#endif
	if (nvidia_card(root, facts))
		return;
	snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
	line_of(path, "model name", facts->chip, sizeof facts->chip);
}

static const char *plain_text(const struct yml *tree, const char *key)
{
	const struct yml *said = yml_get(tree, key);

	return said && said->kind == YML_SCALAR ? said->text : "";
}

/* A file that calibrate wrote on a machine with this chip. */
static const char *calibrated(struct loader *l, const char *chip)
{
	struct arena scratch = ARENA_INIT;
	struct loader apart;
	struct load_found *found;
	const char *name = NULL;
	size_t n;

	loader_init(&apart, &scratch, l->diags);
	apart.paths = l->paths;
	apart.paths_n = l->paths_n;
	n = load_list(&apart, ".", "hardware", &found);
	for (size_t i = 0; i < n && !name; i++) {
		const struct yml *tree = strstr(found[i].path, "hardware/local/")
						 ? load_unmerged(&apart, found[i].path)
						 : NULL;

		if (tree && !strcmp(plain_text(tree, "chip"), chip))
			name = arena_strdup(l->arena, found[i].name);
	}
	arena_release(&scratch);
	return name;
}

const char *this_machine(struct loader *l, const struct this_facts *facts, struct err *err)
{
	const char *found = facts->chip[0] ? calibrated(l, facts->chip) : NULL;
	struct err unheard = ERR_INIT;
	struct str typed = STR_INIT;

	if (found)
		return found;
	str_add(&typed, facts->chip);
	if (facts->gpu_cores)
		str_addf(&typed, " %d cores", facts->gpu_cores);
	if (facts->memory_B > 0)
		str_addf(&typed, " %.0f GB", facts->memory_B / 1073741824.0);
	found = facts->chip[0] ? look_up(l, CATALOGUE_MACHINES, typed.text, &unheard) : NULL;
	if (!found)
		err_set(err, "this machine (%s) is not in the catalogue",
			*typed.text ? typed.text : "unknown");
	if (!found)
		err_hint(err, "'lemursim calibrate' measures it; or name one: --on MACHINE");
	str_release(&typed);
	return found;
}
