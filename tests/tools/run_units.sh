#!/bin/sh
# run_units.sh PROGRAM [SUITE | CASE] - the unit tests of PROGRAM (tests/check_main.c), a process for each suite, as many at
# once as there are cores. What fails is printed; the last line sums up, as Check does.
#
# The tests of a suite share its process, which takes half the time of a process for each; a suite that breaks off is run
# again with one for each, so that the culprit is named.
LC_ALL=C CK_DEFAULT_TIMEOUT=0; export LC_ALL CK_DEFAULT_TIMEOUT
summary='^[0-9]*%: Checks:'
if [ "${1:-}" = --suite ]; then
	rc=0
	CK_FORK=${CK_FORK:-no} "$program" "$2" >"$results/$2" 2>&1 || rc=$?
	if grep -q "$summary" "$results/$2"; then
		# all tests pass and the program fails: LeakSanitizer speaks after the summary
		[ $rc = 0 ] || ! grep -q "$summary.*Failures: 0, Errors: 0" "$results/$2" ||
			printf 'suite %s: exit %s after its tests\n0%%: Checks: 1, Failures: 0, Errors: 1\n' "$2" $rc >>"$results/$2"
		exit 0
	fi
	{
		echo "suite $2 broke off (exit $rc):"
		tail -20 "$results/$2"
		CK_FORK=yes "$program" "$2" 2>&1
		echo '0%: Checks: 1, Failures: 0, Errors: 1'
	} >"$results/again-$2"
	mv "$results/again-$2" "$results/$2"
	exit 0
fi
program=$1
[ -z "${2:-}" ] || exec "$program" "$2"
results=$(mktemp -d) || exit 1
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM
export program results
"$program" --list >"$results/suites" || exit 1
xargs -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" -n 1 sh "$0" --suite <"$results/suites" || exit 1
for suite in $(cat "$results/suites"); do cat "$results/$suite"; done | awk -v pattern="$summary" '
$0 ~ pattern { gsub(/,/, ""); checks += $3; failures += $5; errors += $7; next }
/^Running suite/ { next }
{ print }
END {
	bad = failures + errors
	printf "%d%%: Checks: %d, Failures: %d, Errors: %d\n", checks ? 100 * (checks - bad) / checks : 0, checks, failures, errors
	exit bad || !checks
}'
