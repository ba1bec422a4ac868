#!/bin/sh
# readme.sh [--check] FILE... - refresh what the tool printed in Markdown files.
#
# Between "<!-- prints: COMMAND -->" and "<!-- end -->" stands what COMMAND prints; ./lemursim must be built. With --check
# nothing is written, and a difference is shown and fails. The commands of all files run in parallel. What takes seconds is
# marked "<!-- prints, check-long: COMMAND -->": --check leaves it out unless the environment has LONG=1.
check=; [ "${1:-}" = --check ] && { check=1; shift; }
[ $# -gt 0 ] || { echo "readme.sh: no file was given" >&2; exit 2; }
begins='<!-- prints: '
[ -n "$check" ] && [ -z "${LONG:-}" ] || begins='<!-- prints(, check-long)?: '
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
n=0
for file in "$@"; do
	grep -E "^$begins" "$file" >"$work/commands" || continue
	while IFS= read -r line; do
		n=$((n + 1))
		line=${line#*: }
		printf '%s\n' "${line%' -->'}" >"$work/$n.sh"
		echo "$work/$n" >>"$work/all"
	done <"$work/commands"
done
[ $n -gt 0 ] || { echo "readme.sh: nothing that the tool prints stands in $*" >&2; exit 2; }
xargs -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" -n 1 sh -c 'sh "$0.sh" </dev/null >"$0.out"' <"$work/all" ||
	{ echo "readme.sh: a command fails" >&2; exit 1; }
failed=0 k=0
for file in "$@"; do
	awk -v work="$work" -v k=$k -v begins="^$begins" '
		$0 ~ begins { print; out = work "/" ++k ".out"; while ((getline line < out) > 0) print line; close(out); skip = 1; next }
		/^<!-- end -->/ { skip = 0 }
		!skip' "$file" >"$work/new"
	k=$((k + $(grep -cE "^$begins" "$file")))
	if [ -z "$check" ]; then
		cmp -s "$file" "$work/new" || cat "$work/new" >"$file"
	elif ! diff "$file" "$work/new"; then
		echo "$file: what the tool prints has changed: run 'make readme' and read the difference" >&2
		failed=1
	fi
done
exit $failed
