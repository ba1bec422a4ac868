#!/bin/sh
# usage: one_model.sh LEMURSIM FAMILY...   - a table in Markdown: from the runs of one model alone, how far off other models are
# on that machine. Each model of a family's rows (one sequence, prompts and tokens, in one format of weights) is given to
# `calibrate` in its turn, and the file that comes of it predicts the runs of all other models on the machine.
# 'Catalogue': the machine's profile is that of the catalogue, which has seen those models. 'Without its chip': the family is
# fitted anew without all machines of that chip, which is how a chip stands that nobody measured; families of one chip have no
# such line. Beside each, in brackets, what the profile itself says without any runs of the machine's.
set -eu
tool=$(readlink -f "$1")
shift
root=$(cd "${0%/*}/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
measured=$root/hardware/measured
for family do
	grep -v '^#' "$measured/$family.csv" >"$work/$family.csv"
done
cat "$root/tests/tools/csv_cells.awk" - >"$work/cells.awk" <<'AWK'
function columns(   n, i) { n = cells($0); for (i = 1; i <= n; i++) at[f[i]] = i }
AWK
# lists MACHINE|MODEL|WEIGHTS|RUNTIME of the sources: with a prompt and a token, on machines with another model
sources() { # CSV
	awk -f "$work/cells.awk" -f - "$1" <<'AWK'
FNR == 1 { columns(); next }
{ cells($0); m = f[at["machine"]]; k = m "|" f[at["model"]] "|" f[at["weights"]] "|" f[at["runtime"]] }
f[at["model"]] == "" || (("over" in at) && f[at["over"]] != "") || (f[at["kind"]] != "pp" && f[at["kind"]] != "tg") || f[at["batch"]] > 1 { next }
{ has[k, f[at["kind"]]] = 1; of[k] = m; if (!(k in n)) order[++all] = k; n[k]++ }
!seen[m, f[at["model"]]]++ { models[m]++ }
END { for (i = 1; i <= all; i++) { k = order[i]; if (((k, "pp") in has) && ((k, "tg") in has) && models[of[k]] > 1) print k } }
AWK
}
# the rows of a source, or with `other` those of other models on its machine, which is then the file of the calibration
pick() { # CSV MACHINE MODEL WEIGHTS RUNTIME OTHER
	awk -v machine="$2" -v model="$3" -v weights="$4" -v runtime="$5" -v other="$6" -f "$work/cells.awk" -f - "$1" <<'AWK'
FNR == 1 { columns(); print; next }
{ cells($0) }
("over" in at) && f[at["over"]] != "" { next } # a ratio of two machines is no run of this one
f[at["machine"]] != machine || (f[at["kind"]] != "pp" && f[at["kind"]] != "tg") || f[at["batch"]] > 1 || f[at["model"]] == "" { next }
other == "" && f[at["model"]] == model && f[at["weights"]] == weights
other != "" && f[at["model"]] != model { sub("," machine ",", "," other ","); print }
AWK
}
chip_of() { # MACHINE, whose file may be of another size of memory
	for name in "$1" "${1%-*gb}"; do
		for file in "$root"/hardware/*/"$name.yaml"; do
			[ ! -f "$file" ] || { sed -n 's/^chip: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$file"; return; }
		done
	done
}
# one source: lines SETTING,KIND,ERROR,INSIDE,BASE ERROR,BASE INSIDE,HELD OUT
one() { # FAMILY SETTING FOLDER MACHINE MODEL WEIGHTS RUNTIME NUMBER
	dir=$work/$2-$1-$8
	mkdir -p "$dir"
	pick "$work/$1.csv" "$4" "$5" "$6" "$7" "" >"$dir/given.csv"
	pick "$work/$1.csv" "$4" "$5" "$6" "$7" "$4" >"$dir/before.csv"
	pick "$work/$1.csv" "$4" "$5" "$6" "$7" "$dir/fitted.yaml" >"$dir/others.csv"
	"$tool" calibrate ${3:+--path "$3"} --from "$dir/given.csv" --machine "$4" --keep -f -o "$dir/fitted.yaml" >"$dir/said" 2>&1 &&
		"$tool" validate ${3:+--path "$3"} --format csv --from "$dir/before.csv" >"$dir/before" 2>>"$dir/said" &&
		"$tool" validate ${3:+--path "$3"} --format csv --from "$dir/others.csv" >"$dir/after" 2>>"$dir/said" ||
		{ echo "left out: $2, $4, $5 $6: $(grep -v '^lemursim: note' "$dir/said" | head -n 1 | cut -c1-150)" >&2; return 0; }
	paste -d "$(printf '\002')" "$dir/before" "$dir/after" | awk -v setting="$2" -v machine="$4" -v family="$1" -f "$work/cells.awk" -f /dev/fd/3 3<<'AWK'
BEGIN { FS = "\002" }
NR == 1 { $0 = $1; columns(); next }
{ after = $2; cells($1); e = f[at["error"]]; in_ = f[at["inside"]]; run = f[at["run"]]; held = f[at["held_out"]]; cells(after) }
{ printf "%s,%s|%s,%s,%s,%s,%s,%s,%s\n", setting, family, machine, run ~ / tg/ ? "decode" : "prefill", f[at["error"]], f[at["inside"]], e, in_, held }
AWK
}
# a family without a chip, in a copy of hardware/; nothing where no row is left
without() { # FAMILY CHIP FOLDER
	mkdir -p "$3"
	cp -r "$root/hardware" "$3/hardware"
	awk -v list="$work/chips" -v chip="$2" -f "$work/cells.awk" -f - "$work/$1.csv" >"$3/rows.csv" <<'AWK'
BEGIN { while ((getline line < list) > 0) { split(line, p, "|"); of[p[1]] = p[2] } }
FNR == 1 { columns(); print; next }
{ cells($0) }
of[f[at["machine"]]] != chip && (!("over" in at) || of[f[at["over"]]] != chip)
AWK
	"$tool" calibrate --from "$3/rows.csv" --family "$measured/$1.family.yaml" -j 1 -f -o "$3/hardware/runtimes/$1.yaml" >"$3/said" 2>&1 || rm -rf "$3"
}
cd "$work" # a folder of hardware/ here would come before --path
: >"$work/rows"
n=0
for family do
	sources "$work/$family.csv" >"$work/sources"
	awk -f "$work/cells.awk" -f - "$work/$family.csv" <<'AWK' | sort -u | while read -r machine; do echo "$machine|$(chip_of "$machine")"; done >"$work/chips"
FNR == 1 { columns(); next }
{ cells($0); print f[at["machine"]]; if (("over" in at) && f[at["over"]] != "") print f[at["over"]] }
AWK
	while IFS='|' read -r machine model weights runtime; do
		chip=$(sed -n "s/^$machine|//p" "$work/chips")
		folder=$work/without-$family-$(printf %s "$chip" | tr -c 'A-Za-z0-9' _)
		[ -e "$folder.tried" ] || { : >"$folder.tried"; without "$family" "$chip" "$folder"; }
		n=$((n + 1))
		one "$family" catalogue "" "$machine" "$model" "$weights" "$runtime" $n >>"$work/rows"
		[ ! -d "$folder" ] || one "$family" "without its chip" "$folder" "$machine" "$model" "$weights" "$runtime" $n >>"$work/rows"
	done <"$work/sources"
done
sort -t, -k1,1 -k3,3 "$work/rows" | awk -F, '
function abs(x) { return x < 0 ? -x : x }
function median(list, n,   a, i, j, t) {
	split(list, a, " ")
	for (i = 2; i <= n; i++) { t = a[i] + 0; for (j = i - 1; j > 0 && a[j] + 0 > t; j--) a[j + 1] = a[j]; a[j + 1] = t }
	return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}
function add(k) {
	if (!(k in n)) order[++all] = k
	n[k]++; e[k] += abs($4); in_[k] += $5; was[k] += abs($6); was_in[k] += $7; list[k] = list[k] " " abs($4); was_list[k] = was_list[k] " " abs($6)
	if (!((k, $2) in of)) name[k, ++machines[k]] = $2
	of[k, $2]++; off[k, $2] += abs($4)
}
# each machine counts once, however many models it has
function by_machine(k,   i, sum) {
	for (i = 1; i <= machines[k]; i++) sum += off[k, name[k, i]] / of[k, name[k, i]]
	return sum / machines[k]
}
{ add($1 "|" $3 "|all"); if ($8 != 1) add($1 "|" $3 "|not held out") }
END {
	print "| profile | phase | rows | pairs | machines | mean error | by machine | median | in P10-P90 | without any run of it: mean | median | in |"
	print "|---|---|---|---|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= all; i++) {
		k = order[i]; split(k, p, "|")
		printf "| %s | %s | %s | %d | %d | %.1f %% | %.1f %% | %.1f %% | %.0f %% | %.1f %% | %.1f %% | %.0f %% |\n", p[1], p[2], p[3], n[k], machines[k], \
			100 * e[k] / n[k], 100 * by_machine(k), 100 * median(list[k], n[k]), 100 * in_[k] / n[k], 100 * was[k] / n[k], 100 * median(was_list[k], n[k]), 100 * was_in[k] / n[k]
	}
}'
