#!/bin/sh
# usage: beyond.sh [--check] LEMURSIM FAMILY...   - hardware/measured/beyond.csv: how far off each family's model is on runs of
# kinds that its fit had none of (sim/family/beyond_evidence.h). A profile's widths come from the lines of all other families.
# --check fails where the file is not what the families' runs give.
set -eu
file=hardware/measured/beyond.csv check=
[ "${1:-}" != --check ] || { check=1; shift; }
tool=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
printf '%s\n' "$@" | xargs -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" -I NAME "$tool" calibrate --beyond \
	--from hardware/measured/NAME.csv --family hardware/measured/NAME.family.yaml -f -o "$work/NAME.part"
{
	echo "# Made by tests/tools/beyond.sh ('make beyond'): errors that four in five of the runs stay below, where the fit"
	echo "# had none of that kind on any chip (left_out kind) or on that chip alone (chip)."
	echo "family,maker,kind,phase,left_out,rows,error"
	printf '%s\n' "$@" | LC_ALL=C sort | while read -r name; do cat "$work/$name.part"; done
} > "$work/beyond.csv"
if [ -n "$check" ]; then
	diff "$file" "$work/beyond.csv" || { echo "$file is not what hardware/measured gives: run 'make beyond'" >&2; exit 1; }
else
	cp "$work/beyond.csv" "$file"
fi
