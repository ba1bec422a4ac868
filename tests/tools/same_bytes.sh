#!/bin/sh
# same_bytes.sh - gcc and clang, debug and release must print the same bytes for the same input and seed.
set -e
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for cc in gcc clang; do
	for build in debug release; do
		dir=build/same-$cc-$build
		make --no-print-directory -s BUILD=$build OUT=$dir CC=$cc $dir/lemursim
		for s in scenarios/*.yaml; do
			name=$(basename "$s" .yaml)
			"$dir/lemursim" simulate "$s" --format json >"$out/$cc-$build-$name.json"
			cmp "$out/gcc-debug-$name.json" "$out/$cc-$build-$name.json"
			# of the first assignment, where it fits (exit 4: it does not)
			"$dir/lemursim" schedule "$s" -f -o "$out/$cc-$build-$name.dot" 2>/dev/null || [ $? = 4 ]
			[ ! -e "$out/gcc-debug-$name.dot" ] || cmp "$out/gcc-debug-$name.dot" "$out/$cc-$build-$name.dot"
		done
	done
done
echo "same: identical bytes from gcc and clang, debug and release"
