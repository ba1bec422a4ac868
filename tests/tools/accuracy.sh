#!/bin/sh
# usage: accuracy.sh LEMURSIM FAMILY...   - a table in Markdown: predicted against measured, summed up by set over all
# families of hardware/measured. 'Model left out': the family's model is fitted without the runs of that model on that machine;
# 'chip left out': without any of that chip, which is what the catalogue would say had nobody measured it. Below the
# families come the outcomes of whole scenarios, hardware/measured/outcomes/NAME.csv of scenarios/NAME.yaml; rows that no
# profile of the scenario was made with count as left out there. The second table sums up prompts, and tokens of one sequence, by kind
# of model and program, the third and fourth whether intervals are as wide as errors (coverage.awk).
set -eu
tool=$1
shift
work=$(mktemp -d)
rows=$work/rows
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# a fit for each family, in parallel, but of those that the check of the catalogue has fitted
made=$(dirname "$(readlink -f "$tool")")/catalogue
key=$(sh "${0%/*}/inputs_key.sh" "$tool")
for family do
	if [ "$(cat "$made/$family.key" 2>/dev/null)" = "$key" ]; then
		cp "$made/$family.rows.csv" "$work/$family.csv"
	else
		echo "$family"
	fi
done | xargs -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" -I NAME "$tool" validate --format csv \
	--from hardware/measured/NAME.csv --family hardware/measured/NAME.family.yaml -f -o "$work/NAME.csv"
# what most people ask for comes first
for family in $(for kind in llama mlx mps cuda vllm rocm vulkan sycl torch; do printf '%s\n' "$@" | grep "^$kind" || :; done); do
	sed '1d;s/$/,run/' "$work/$family.csv" >> "$rows"
done
for file in hardware/measured/outcomes/*.csv; do
	name=${file##*/}
	"$tool" validate "scenarios/${name%.csv}.yaml" --format csv --from "$file" > "$work/one"
	sed '1d;s/$/,outcome/' "$work/one" >> "$rows"
done
"$tool" list models --format jsonl | sed -n 's/^.*"name":"\([^"]*\)".*"experts":.*$/\1/p' > "$work/mixtures"
[ -s "$work/mixtures" ] || { echo "accuracy.sh: no model of the catalogue has experts" >&2; exit 1; }
awk -v mixtures="$work/mixtures" "$(cat "${0%/*}/csv_cells.awk")"'
# Targets of mean |error| on rows not in the fit, in percent; held against both kinds of holes.
BEGIN {
	target["7B decode"] = 5; target["7B prefill"] = 4; target["batched decode"] = 8; target["MoE batched decode"] = 8
	target["depth"] = 8; target["Llama 3 decode to 8k"] = 8; target["MoE decode"] = 10
	target["MLX decode"] = 4; target["MLX prefill"] = 4
	target["MLX M5 decode"] = 4; target["MLX M5 prefill"] = 4; target["MLX M5 over M4"] = 4
	kinds = split("dense decode,dense prefill,MoE decode,MoE prefill", kind, ",")
	aim["dense decode"] = 5; aim["dense prefill"] = 6; aim["MoE decode"] = 8; aim["MoE prefill"] = 12
	while ((getline name < mixtures) > 0) mixture[name] = 1
}
# "dense decode": of a run "qwen3-4b mlx_q4 tg128 @ d2048". Several sequences, prompts of a few rows, ratios and requests are none.
function kind_of(run,   word, n, tokens) {
	n = split(run, word, " ")
	if (n < 3 || run ~ / x [0-9]| over |[+]/ || word[3] !~ /^(pp|tg)[0-9]/) return ""
	tokens = substr(word[3], 3) + 0
	if (word[3] ~ /^pp/ && tokens < 64) return ""
	return (word[1] in mixture ? "MoE " : "dense ") (word[3] ~ /^pp/ ? "prefill" : "decode")
}
function add_kind(k, program) {
	if (!(program in known)) { known[program] = 1; programs[++programs_n] = program }
	if (f[11] != "") { kind_rows[k, program]++; kind_model[k, program] += abs(f[11]); if (f[13] != "") { kind_chips[k, program]++; kind_chip[k, program] += abs(f[13]) } }
	if (f[15] == 1 && f[9] != "") { kind_held[k, program]++; kind_error[k, program] += abs(f[9]) }
}
function abs(x) { return x < 0 ? -x : x }
{
	cells($0)
	set = f[1]
	if (!(set in rows)) order[++sets] = set
	rows[set]++; held[set] += f[15]; inside[set] += f[10]
	e = f[9]
	if (e != "") { compared[set]++; error[set] += abs(e) }
	if (f[26] == "outcome" && f[15] == 1) { f[11] = e; f[12] = f[10] }
	if (f[11] != "") { model[set]++; model_error[set] += abs(f[11]); model_inside[set] += f[12]; e = f[11] }
	if (f[13] != "") { chip[set]++; chip_error[set] += abs(f[13]); chip_inside[set] += f[14] }
	if (f[26] == "run" && (k = kind_of(f[4])) != "") { add_kind(k, "all"); sub(/@.*/, "", f[3]); add_kind(k, f[3]) }
	if (abs(e) > worst[set]) { worst[set] = abs(e); named[set] = sprintf("%s, %s, %s: %+.0f %%%s", f[2], f[3], f[4], 100 * e, f[17] != "" ? sprintf(", %s %.0f %%", f[17], 100 * f[18]) : "") }
	if (f[15] == 1 && f[9] != "") { total["held"]++; total["held_inside"] += f[10]; total["held_error"] += abs(f[9]) }
	total["rows"]++; total["inside"] += f[10]; total["model"] += f[11] != ""; total["model_inside"] += f[12]
	total["chip"] += f[13] != ""; total["chip_inside"] += f[14]
}
function percent(sum, n) { return n ? sprintf("%.1f %%", 100 * sum / n) : "-" }
function verdict(sum, n, target,   miss) {
	miss = n ? 100 * sum / n - target : 0
	return !n ? "-" : miss <= 0 ? "met" : sprintf("missed by %.1f", miss)
}
function share(part, n) { return n ? sprintf("%.0f %%", 100 * part / n) : "-" }
END {
	print "| set | rows (held out) | mean error | in P10-P90 | model left out | in | chip left out | in | target: model; chip | worst |"
	print "|---|---|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= sets; i++) {
		s = order[i]
		t = "-"
		if (s in target && model[s])
			t = sprintf("%d %%: %s; %s", target[s], verdict(model_error[s], model[s], target[s]), \
				verdict(chip_error[s], chip[s], target[s]))
		printf "| %s | %d (%d) | %s | %s | %s | %s | %s | %s | %s | %s |\n", s, rows[s], held[s], \
			percent(error[s], compared[s]), share(inside[s], rows[s]), \
			percent(model_error[s], model[s]), share(model_inside[s], model[s]), \
			percent(chip_error[s], chip[s]), share(chip_inside[s], chip[s]), t, named[s]
	}
	printf "\n%d rows, %s inside P10-P90; of %d predicted without their model %s, of %d without their chip %s.\n", \
		total["rows"], share(total["inside"], total["rows"]), total["model"], share(total["model_inside"], total["model"]), \
		total["chip"], share(total["chip_inside"], total["chip"])
	printf "%d rows are in no fit: mean error %s, %s inside.\n", \
		total["held"], percent(total["held_error"], total["held"]), share(total["held_inside"], total["held"])
	print "\n| kind | program | rows in a fit | model left out | chip left out | target | model; chip | rows in no fit | mean error |"
	print "|---|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= kinds; i++)
		for (j = 1; j <= programs_n; j++) {
			k = kind[i]; p = programs[j]; n = kind_rows[k, p]; s = kind_held[k, p]
			if (n + s)
				printf "| %s | %s | %d | %s | %s | %d %% | %s; %s | %d | %s |\n", k, p, n, \
					percent(kind_model[k, p], n), percent(kind_chip[k, p], kind_chips[k, p]), aim[k], \
					verdict(kind_model[k, p], n, aim[k]), verdict(kind_chip[k, p], kind_chips[k, p], aim[k]), s, percent(kind_error[k, p], s)
		}
	exit !total["rows"]
}' "$rows"
echo
awk -f "${0%/*}/csv_cells.awk" -f "${0%/*}/coverage.awk" "$rows"
