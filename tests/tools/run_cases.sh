#!/bin/sh
# run_cases.sh [--update] PROGRAM DIRECTORY... - one folder for each case, run in an empty directory.
#
# A case holds any of: cmd (a shell line; default "$LEMURSIM check --path $ROOT input.yaml"), stdout, stderr, exit (default 0, or 2 in
# a folder called bad), and files that are copied into the directory first. What cmd prints must be just what the case
# says; a case without stdout or stderr expects none. Nothing may be left behind but what `leaves` lists.
# In cmd, $LEMURSIM is the program and $ROOT the repository.
update=; [ "$1" = --update ] && { update=1; shift; }
LEMURSIM=$1; shift
ROOT=$(pwd)
export LEMURSIM ROOT
LC_ALL=C; export LC_ALL
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
failed=0 passed=0

run_case() {
	case_dir=$1
	rm -rf "$work/run" "$work/got"
	mkdir "$work/run" "$work/got"
	for f in "$case_dir"/*; do
		case ${f##*/} in cmd | stdout | stderr | exit | leaves) ;; *) cp -R "$f" "$work/run/" ;; esac
	done
	ls -A "$work/run" | sort >"$work/before"
	cmd='"$LEMURSIM" check --path "$ROOT" input.yaml'
	[ -f "$case_dir/cmd" ] && cmd=$(cat "$case_dir/cmd")
	(cd "$work/run" && sh -c "$cmd" >"$work/got/stdout" 2>"$work/got/stderr" </dev/null)
	echo $? >"$work/got/exit"
	want_exit=0
	case $case_dir in */bad/*) want_exit=2 ;; esac
	[ -f "$case_dir/exit" ] && want_exit=$(cat "$case_dir/exit")
	sed "s|$ROOT|ROOT|g" "$work/got/stderr" >"$work/e" && mv "$work/e" "$work/got/stderr"
	sed "s|$ROOT|ROOT|g" "$work/got/stdout" >"$work/e" && mv "$work/e" "$work/got/stdout"
	ls -A "$work/run" | sort >"$work/after"
	(cat "$work/before"; cat "$case_dir/leaves" 2>/dev/null) | sort >"$work/allowed"
	bad=
	cmp -s "$work/allowed" "$work/after" || { bad=1; echo "  left behind:"; diff "$work/allowed" "$work/after"; }
	[ "$(cat "$work/got/exit")" = "$want_exit" ] || { bad=1; echo "  exit $(cat "$work/got/exit"), expected $want_exit"; }
	for s in stdout stderr; do
		[ -f "$case_dir/$s" ] || : >"$work/empty"
		want=$case_dir/$s; [ -f "$want" ] || want=$work/empty
		cmp -s "$want" "$work/got/$s" && continue
		if [ -n "$update" ]; then
			if [ -s "$work/got/$s" ]; then cp "$work/got/$s" "$case_dir/$s"; else rm -f "$case_dir/$s"; fi
		else
			bad=1; echo "  $s differs:"; diff "$want" "$work/got/$s" | head -20
		fi
	done
	[ -z "$bad" ]
}

for dir in "$@"; do
	for case_dir in "$dir"/*/; do
		[ -d "$case_dir" ] || continue
		case_dir=$ROOT/${case_dir%/}
		if run_case "$case_dir" >"$work/report"; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "FAIL ${case_dir#"$ROOT"/}"
			cat "$work/report"
		fi
	done
done
echo "cases: $passed passed, $failed failed"
[ $failed -eq 0 ]
