#!/bin/sh
# catalogue.sh [--check] LEMURSIM OUT NAME... - makes what of hardware/ is fitted from hardware/measured/NAME.csv: a machine
# from its facts (NAME.facts.csv), a family's runtime from its model (NAME.family.yaml).
#
# With --check nothing of hardware/ is written: each is made in the folder OUT, in parallel, and must be, byte for byte, what
# is there. The fits of a family serve its comparison with the measured runs too, OUT/NAME.rows.csv, which accuracy.sh takes
# where OUT/NAME.key says that it was made by the same program from the same files. Without, they are made one after the other in the order given, since a family's fit may depend on another's:
# on the factors of its chips (chips_like), or by a ratio of two machines.
set -eu
measured=hardware/measured

target() { # where NAME is kept
	if [ -f "$measured/$1.family.yaml" ]; then echo "hardware/runtimes/$1.yaml"; else echo "hardware/${1%%-*}/$1.yaml"; fi
}
make_one() { # LEMURSIM NAME FILE
	if [ -f "$measured/$2.family.yaml" ]; then set -- "$@" --family "$measured/$2.family.yaml"; else set -- "$@" --facts "$measured/$2.facts.csv"; fi
	lemursim=$1 name=$2 file=$3
	shift 3
	"$lemursim" calibrate --from "$measured/$name.csv" "$@" -f -o "$file"
}

check=
case ${1:-} in
--one) # LEMURSIM OUT NAME, of --check
	if [ -f "$measured/$4.family.yaml" ]; then
		rm -f "$3/$4.key"
		"$2" validate --format csv --from "$measured/$4.csv" --family "$measured/$4.family.yaml" \
			-f -o "$3/$4.rows.csv" --profile "$3/$4.yaml" >"$3/$4.said" 2>&1 && echo "$KEY" >"$3/$4.key"
	else
		make_one "$2" "$4" "$3/$4.yaml" >"$3/$4.said" 2>&1
	fi || { cat "$3/$4.said"; exit 1; }
	cmp "$3/$4.yaml" "$(target "$4")" || { diff "$3/$4.yaml" "$(target "$4")" | cut -c1-200; exit 1; }
	exit 0
	;;
--check) check=1; shift ;;
esac
lemursim=$1 out=$2
shift 2
[ $# -gt 0 ] || { echo "catalogue.sh: no name was given" >&2; exit 2; }
if [ -n "$check" ]; then
	mkdir -p "$out"
	KEY=$(sh "${0%/*}/inputs_key.sh" "$lemursim")
	export KEY
	printf '%s\n' "$@" | xargs -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" -n 1 sh "$0" --one "$lemursim" "$out" ||
		{ echo "catalogue: hardware/ is not what hardware/measured gives: run 'make catalogue' and read the difference" >&2; exit 1; }
	echo "catalogue: $# files are what hardware/measured gives"
	exit 0
fi
for name in "$@"; do # families name them
	[ ! -f "$measured/$name.family.yaml" ] || [ -f "$(target "$name")" ] || cp "$measured/$name.family.yaml" "$(target "$name")"
done
mkdir -p "$out"
for name in "$@"; do # beside the target first: a family's own file is read while it is fitted
	make_one "$lemursim" "$name" "$out/$name.yaml" && cp "$out/$name.yaml" "$(target "$name")"
done
