# layers.awk - sim/LAYERS first, then sources: an include that the table does not allow is printed and fails.
# A system header that one room owns (libyaml, GSL, process control) is checked the same way.
BEGIN {
	owner["yaml.h"] = " conf "
	owner["spawn.h"] = " report "
	gsl = " base stats cost calib family kernels measure "
}
FILENAME ~ /LAYERS$/ {
	if ($0 !~ /^#/ && NF) {
		room = $1
		sub(":", "", room)
		may[room, room] = known[room] = 1
		for (i = 2; i <= NF; i++)
			may[room, $i] = 1
	}
	next
}
FNR == 1 {
	n = split(FILENAME, from, "/")
	if (from[1] == "kernels") { # one room, whatever its folders
		from[2] = "kernels"
		n = 3
	}
	if (n >= 3 && !(from[2] in known)) {
		printf "%s: room '%s' is not in sim/LAYERS\n", FILENAME, from[2]
		bad = 1
	}
}
/^#include "(sim|kernels)\// {
	split($2, to, "/")
	if ($2 ~ /^"kernels/)
		to[2] = "kernels"
	if (n >= 3 && !((from[2], to[2]) in may)) {
		printf "%s:%d: room '%s' may not include room '%s'\n", FILENAME, FNR, from[2], to[2]
		bad = 1
	}
}
/^#include <(yaml|spawn)\.h>/ {
	h = substr($2, 2, length($2) - 2)
	if (index(owner[h], " " from[2] " ") == 0) {
		printf "%s:%d: room '%s' may not include <%s>\n", FILENAME, FNR, from[2], h
		bad = 1
	}
}
/^#include <gsl\// {
	if (n >= 3 && index(gsl, " " from[2] " ") == 0) {
		printf "%s:%d: room '%s' may not include %s\n", FILENAME, FNR, from[2], $2
		bad = 1
	}
}
END { exit bad }
