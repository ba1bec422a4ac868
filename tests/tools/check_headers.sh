#!/bin/sh
# check_headers.sh "COMPILER OPTION..." HEADER... - fails where a header does not compile by itself, or not twice.
#
# A source that includes its own header first proves, whenever the program is built, that the header needs nothing before
# it; only headers without such a source are compiled here. Each header has a guard, which makes it harmless twice.
set -eu
LC_ALL=C; export LC_ALL
[ $# -gt 1 ] || { echo 'usage: check_headers.sh "COMPILER OPTION..." HEADER...' >&2; exit 2; }
compile=$1
shift
unguarded=$(grep -L '^#ifndef [A-Z0-9_]*_H$' "$@" || :)
[ -z "$unguarded" ] || { echo "check-headers: without a guard:" $unguarded >&2; exit 1; }
proved=" $(for h in "$@"; do [ ! -f "${h%.h}.c" ] || echo "${h%.h}.c"; done | xargs awk '
	FNR == 1 { own = FILENAME; sub(/c$/, "h", own); first = 1 }
	first && /^#include/ { first = 0; if ($2 == "\"" own "\"") print own }' | tr '\n' ' ')"
compiled=0
for h in "$@"; do
	case $proved in *" $h "*) continue ;; esac
	printf '#include "%s"\n#include "%s"\n' "$h" "$h" | eval "$compile" -fsyntax-only -xc - || exit 1
	compiled=$((compiled + 1))
done
echo "headers: $# compile by themselves; $compiled were compiled alone, the others stand first in their source"
