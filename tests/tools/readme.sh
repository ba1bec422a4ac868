#!/bin/sh
# readme.sh [--check] FILE - refresh what the tool printed in a Markdown file.
#
# Between "<!-- prints: COMMAND -->" and "<!-- end -->" stands what COMMAND prints; ./lemursim must be built. With --check
# nothing is written, and a difference is shown and fails.
check=; [ "$1" = --check ] && { check=1; shift; }
new=$(mktemp) || exit 1
trap 'rm -f "$new"' EXIT
skip=
while IFS= read -r line; do
	case $line in
	'<!-- prints: '*)
		printf '%s\n' "$line"
		cmd=${line#'<!-- prints: '}
		sh -c "${cmd%' -->'}" </dev/null
		skip=1
		;;
	'<!-- end -->') skip=; printf '%s\n' "$line" ;;
	*) [ -n "$skip" ] || printf '%s\n' "$line" ;;
	esac
done <"$1" >"$new"
if [ -n "$check" ]; then
	diff "$1" "$new" && exit 0
	echo "$1: what the tool prints has changed: run 'make readme' and read the difference" >&2
	exit 1
fi
cmp -s "$1" "$new" || cat "$new" >"$1"
