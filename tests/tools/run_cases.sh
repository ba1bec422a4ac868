#!/bin/sh
# run_cases.sh [--update] [-c NAME] [-j JOBS] PROGRAM DIRECTORY... - one folder for each case, run in an empty directory.
#
# A case holds any of: cmd (a shell line; default "$LEMURSIM check --path $ROOT input.yaml"), stdout, stderr, exit (default 0,
# or 2 in a folder called bad), and files that are copied into the directory first. What cmd prints must be just what the
# case says; a case without stdout or stderr expects none. Nothing may be left behind but what `leaves` lists. A case with a
# file `long`, which says why, takes seconds: it runs where the environment has LONG=1, or where it is asked for by name.
# In cmd, $LEMURSIM is the program and $ROOT the repository.
#
# A DIRECTORY holds cases, or is one. NAME: only the cases of that name, which may be a pattern such as 'import-*'. Where no
# case is found, that is a failure. Cases run in parallel, as many as there are cores unless -j says otherwise.
LC_ALL=C; export LC_ALL
newline='
'

# The names in $1, one a line, sorted as the shell sorts them.
names_in() {
	names=$newline
	for f in "$1"/* "$1"/.[!.]*; do
		[ -e "$f" ] && names=$names${f##*/}$newline
	done
}

# Of a text file: what it says, with the repository's own path written as ROOT, is what the case says.
same_text() {
	[ -f "$2" ] || { [ ! -s "$1" ]; return; }
	cmp -s "$1" "$2" && return
	sed "s|$ROOT|ROOT|g" "$1" >"$1.plain" && mv "$1.plain" "$1"
	cmp -s "$1" "$2"
}

run_case() {
	case_dir=$1
	shift
	count=$((count + 1))
	work=$top/$count
	mkdir "$work"
	for f in "$case_dir"/*; do
		case ${f##*/} in cmd | stdout | stderr | exit | leaves | long) ;; *) set -- "$@" "$f" ;; esac
	done
	[ $# = 0 ] || cp -R "$@" "$work/"
	names_in "$work"
	allowed=$names
	rc=0
	if [ -f "$case_dir/cmd" ]; then
		(cd "$work" && exec sh "$case_dir/cmd" >"$work.stdout" 2>"$work.stderr" </dev/null) || rc=$?
	else
		(cd "$work" && exec "$LEMURSIM" check --path "$ROOT" input.yaml >"$work.stdout" 2>"$work.stderr" </dev/null) || rc=$?
	fi
	want_exit=0
	case $case_dir in */bad/*) want_exit=2 ;; esac
	[ -f "$case_dir/exit" ] && read -r want_exit <"$case_dir/exit"
	bad=
	names_in "$work"
	if [ -f "$case_dir/leaves" ]; then
		while read -r name; do allowed=$allowed$name$newline; done <"$case_dir/leaves"
		allowed=$newline$(printf %s "$allowed" | sed '/^$/d' | sort)$newline
	fi
	[ "$names" = "$allowed" ] || { bad=1; echo "  in the directory: $(echo $names)"; echo "  expected: $(echo $allowed)"; }
	[ $rc = "$want_exit" ] || { bad=1; echo "  exit $rc, expected $want_exit"; }
	for s in stdout stderr; do
		same_text "$work.$s" "$case_dir/$s" && continue
		if [ -n "$update" ]; then
			sed "s|$ROOT|ROOT|g" "$work.$s" >"$case_dir/$s"
			[ -s "$case_dir/$s" ] || rm -f "$case_dir/$s"
		else
			bad=1; echo "  $s differs:"
			if [ -f "$case_dir/$s" ]; then diff "$case_dir/$s" "$work.$s" | head -20 | cut -c1-200; else sed 's/^/> /' "$work.$s" | head -20 | cut -c1-200; fi
		fi
	done
	[ -z "$bad" ]
}

# run_cases.sh --batch CASE...: run by xargs; a line for each case goes to $results/passed or, with its report, to failed.
if [ "${1:-}" = --batch ]; then
	shift
	top=$(mktemp -d) count=0
	trap 'rm -rf "$top"' EXIT
	for case_dir in "$@"; do
		if run_case "$case_dir" >"$top/report" 2>&1; then
			echo "$case_dir" >>"$results/passed.$$"
		else
			{ echo "FAIL ${case_dir#"$ROOT"/}"; cat "$top/report"; } >>"$results/failed.$$"
		fi
	done
	exit 0
fi

update='' only='*' jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
while :; do
	case ${1:-} in
	--update) update=1; shift ;;
	-c) only=$2; shift 2 ;;
	-j) jobs=$2; shift 2 ;;
	*) break ;;
	esac
done
[ $# -ge 2 ] || { echo "usage: run_cases.sh [--update] [-c NAME] [-j JOBS] PROGRAM DIRECTORY..." >&2; exit 2; }
LEMURSIM=$1 ROOT=$(pwd)
shift
[ -x "$LEMURSIM" ] || { echo "run_cases.sh: there is no program '$LEMURSIM'" >&2; exit 2; }
results=$(mktemp -d) || exit 1
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM
# as one that stands in no checkout, so that a case reads what it names and nothing else
cp "$LEMURSIM" "$results/lemursim" && LEMURSIM=$results/lemursim || exit 1
export LEMURSIM ROOT update results

is_case() { # a folder of cases holds folders only
	for f in "$1"/*; do [ -f "$f" ] && return; done
	return 1
}

# Cases of $1 whose name is asked for, one a line.
list() {
	from=$1 found=
	if is_case "$1"; then set -- "$1/"; else set -- "$1"/*/; fi
	for case_dir in "$@"; do
		[ -d "$case_dir" ] || continue
		found=1 case_dir=${case_dir%/}
		case ${case_dir##*/} in $only) ;; *) continue ;; esac
		[ "$only$update${LONG:-}" != '*' ] || [ ! -f "$case_dir/long" ] || continue
		case $case_dir in /*) echo "$case_dir" ;; *) echo "$ROOT/$case_dir" ;; esac
	done
	[ -n "$found" ] || { echo "run_cases.sh: no case in '$from'" >&2; return 1; }
}

for dir in "$@"; do
	list "${dir%/}" >>"$results/cases" || exit 2
done
[ -s "$results/cases" ] || { echo "run_cases.sh: no case is called '$only'; they are the folders of $*" >&2; exit 2; }
xargs -P "$jobs" -n 12 sh "$0" --batch <"$results/cases" || { echo "run_cases.sh: it was broken off" >&2; exit 1; }
for f in "$results"/failed.*; do [ -e "$f" ] && cat "$f"; done
all=$(wc -l <"$results/cases")
passed=$(cat "$results"/passed.* 2>/dev/null | wc -l)
echo "cases: $((passed)) passed, $((all - passed)) failed"
[ $((passed)) -eq $((all)) ]
