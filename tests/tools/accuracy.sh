#!/bin/sh
# usage: accuracy.sh LEMURSIM LAW...   - a table in Markdown: predicted against measured, summed up by set over all
# laws of hardware/measured. 'left out' is the error of what the catalogue would say had nobody measured the machine:
# its family's law is fitted without it (where a law has one machine only, without the model). Below the laws come the
# outcomes of whole scenarios, hardware/measured/outcomes/NAME.csv of scenarios/NAME.yaml: there it is the error of rows
# that no profile of the scenario was made with.
set -eu
tool=$1
shift
{
	for law in "$@"; do
		"$tool" validate --format csv --from "hardware/measured/$law.csv" --family "hardware/measured/$law.law" | sed 1d
	done
	for file in hardware/measured/outcomes/*.csv; do
		name=${file##*/}
		"$tool" validate "scenarios/${name%.csv}.yaml" --format csv --from "$file" | sed '1d;s/$/,outcome/'
	done
} | awk '
# Targets of mean |error| on rows not in the fit, in percent.
BEGIN {
	target["7B decode"] = 5; target["7B prefill"] = 4; target["batched decode"] = 8; target["MoE batched decode"] = 8
	target["depth"] = 8; target["Llama 3 decode to 8k"] = 8; target["MoE decode"] = 10
	target["MLX decode"] = 4; target["MLX prefill"] = 4
	target["MLX M5 decode"] = 4; target["MLX M5 prefill"] = 4; target["MLX M5 over M4"] = 4
}
function abs(x) { return x < 0 ? -x : x }
# Cells of a line into f[]; a comma inside quotes is text.
function cells(line,   part, n, i) {
	n = split(line, part, "\"")
	line = ""
	for (i = 1; i <= n; i++) { if (i % 2 == 0) gsub(/,/, "\001", part[i]); line = line part[i] }
	n = split(line, f, ",")
	for (i = 1; i <= n; i++) gsub(/\001/, ",", f[i])
}
{
	cells($0)
	set = f[1]
	if (!(set in rows)) order[++sets] = set
	rows[set]++; held[set] += f[13]; inside[set] += f[10]
	e = f[9]
	if (e != "") { compared[set]++; error[set] += abs(e) }
	if (f[14] == "outcome" && f[13] == 1) { f[11] = e; f[12] = f[10] }
	if (f[11] != "") { left[set]++; left_error[set] += abs(f[11]); left_inside[set] += f[12]; e = f[11] }
	if (abs(e) > worst[set]) { worst[set] = abs(e); named[set] = sprintf("%s, %s, %s: %+.0f %%", f[2], f[3], f[4], 100 * e) }
	total["rows"]++; total["inside"] += f[10]; if (f[11] != "") { total["left"]++; total["left_inside"] += f[12] }
}
END {
	print "| set | rows (held out) | mean error | in P10-P90 | left out | in P10-P90 | target | worst |"
	print "|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= sets; i++) {
		s = order[i]
		l = left[s] ? sprintf("%.1f %%", 100 * left_error[s] / left[s]) : "-"
		li = left[s] ? sprintf("%.0f %%", 100 * left_inside[s] / left[s]) : "-"
		t = "-"
		if (s in target && left[s]) {
			miss = 100 * left_error[s] / left[s] - target[s]
			t = sprintf("%d %%: %s", target[s], miss <= 0 ? "met" : sprintf("missed by %.1f", miss))
		}
		printf "| %s | %d (%d) | %.1f %% | %.0f %% | %s | %s | %s | %s |\n", s, rows[s], held[s], \
			compared[s] ? 100 * error[s] / compared[s] : 0, 100 * inside[s] / rows[s], l, li, t, named[s]
	}
	printf "\n%d rows, %.0f %% inside P10-P90; of %d that were left out %.0f %%.\n", total["rows"], \
		100 * total["inside"] / total["rows"], total["left"], 100 * total["left_inside"] / total["left"]
}'
