# layers.awk - sim/LAYERS first, then sources and headers: what they include that the table does not grant fails.
#
# A room is a folder of sim/, kernels/ is one with all its folders. A system header that few rooms own (libyaml, GSL, process
# control) is checked the same way. A struct tag that a header defines must have one meaning: no other header may define it,
# and no .c file that reaches the header. Tags private to different .c files may repeat. A grant that no file of the room uses
# fails too, so that the table keeps saying what depends on what.
#
# strict=1: rooms count that are reached through other headers, and tags that two headers define; without, those are only
# counted.
BEGIN {
	owner["yaml.h"] = " conf "
	owner["spawn.h"] = " draw "
	gsl = " base stats cost calib kernels "
}
FILENAME ~ /LAYERS$/ {
	if ($0 !~ /^#/ && NF) {
		room = $1
		sub(":", "", room)
		may[room, room] = known[room] = 1
		for (i = 2; i <= NF; i++) {
			may[room, $i] = 1
			grants[++grants_n] = room " " $i " " FNR
		}
	}
	next
}
function room_of(path,   part, n) { # "" where no rule holds: sim/main.c
	n = split(path, part, "/")
	if (part[1] == "kernels")
		return "kernels"
	return part[1] == "sim" && n >= 3 ? part[2] : ""
}
function fail(text) {
	print text
	bad = 1
}
FNR == 1 {
	here = room_of(FILENAME)
	files[++files_n] = FILENAME
	if (here != "" && !(here in known))
		fail(sprintf("%s: room '%s' is not in sim/LAYERS", FILENAME, here))
}
/^#include "(sim|kernels)\// {
	to = $2
	gsub(/"/, "", to)
	includes[FILENAME] = includes[FILENAME] " " to
	if (here != "" && !((here, room_of(to)) in may))
		fail(sprintf("%s:%d: room '%s' may not include room '%s'", FILENAME, FNR, here, room_of(to)))
}
/^#include <(yaml|spawn)\.h>/ {
	h = substr($2, 2, length($2) - 2)
	if (index(owner[h], " " here " ") == 0)
		fail(sprintf("%s:%d: room '%s' may not include <%s>", FILENAME, FNR, here, h))
}
/^#include <gsl\// {
	if (here != "" && index(gsl, " " here " ") == 0)
		fail(sprintf("%s:%d: room '%s' may not include %s", FILENAME, FNR, here, $2))
}
# a definition: "struct tag {" at the beginning of a line, "static const struct tag {" and the like too
/^[a-z ]*(struct|union|enum) [A-Za-z_0-9]+ *\{/ {
	match($0, /(struct|union|enum) [A-Za-z_0-9]+/)
	tag = substr($0, RSTART, RLENGTH)
	sub(/^[a-z]+ /, "", tag)
	if (FILENAME ~ /\.h$/) {
		if (tag in in_header) {
			twice++
			if (strict)
				fail(sprintf("%s:%d: the tag '%s' stands in %s too, and means another thing there", FILENAME, FNR, tag, in_header[tag]))
		} else
			in_header[tag] = FILENAME ":" FNR
		header_tag[FILENAME, tag] = 1
	} else
		own_tag[FILENAME] = own_tag[FILENAME] " " tag ":" FNR
}
# Headers that a file reaches, each by a way of its own, in reach[] and way[].
function walk(file, via,   list, n, i) {
	n = split(includes[file], list, " ")
	for (i = 1; i <= n; i++)
		if (!(list[i] in way)) {
			way[list[i]] = via
			reached[++reached_n] = list[i]
			walk(list[i], via == "" ? list[i] : via)
		}
}
function check_rooms(file,   i, room, to) {
	room = room_of(file)
	split("", said)
	for (i = 1; i <= reached_n; i++) {
		to = room_of(reached[i])
		used[room, to] = 1
		if (room == "" || (room, to) in may || to in said || way[reached[i]] == "")
			continue
		said[to] = 1
		indirect++
		if (strict)
			fail(sprintf("%s: reaches room '%s' (%s) through %s, which sim/LAYERS does not grant '%s'", file, to, reached[i], way[reached[i]], room))
	}
}
function check_tags(file,   list, n, i, at, k) {
	n = split(own_tag[file], list, " ")
	for (i = 1; i <= n; i++) {
		split(list[i], at, ":")
		for (k = 1; k <= reached_n; k++)
			if ((reached[k], at[1]) in header_tag)
				fail(sprintf("%s:%d: the tag '%s' stands in %s too, which this file reaches", file, at[2], at[1], reached[k]))
	}
}
function check_grants(   i, g) {
	for (i = 1; i <= grants_n; i++) {
		split(grants[i], g, " ")
		if (!((g[1], g[2]) in used))
			fail(sprintf("sim/LAYERS:%d: room '%s' is granted room '%s', which none of its files reaches", g[3], g[1], g[2]))
	}
}
END {
	for (f = 1; f <= files_n; f++) {
		split("", way)
		split("", reached)
		reached_n = 0
		walk(files[f], "")
		check_rooms(files[f])
		check_tags(files[f])
	}
	check_grants()
	if (indirect + twice && !strict)
		printf "layers: %d times a file reaches a room through headers that is not granted, %d tags stand in two headers (STRICT=1 lists them)\n", indirect, twice
	exit bad
}
