#!/bin/sh
# table.sh LEMURSIM - what calibrations from single operations predict of runs of llama.cpp and PyTorch: a line for each set of runs. Nothing is fitted to the runs.
set -e
lemursim=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
mkdir "$tmp/hardware"
mkdir "$tmp/models"
for model in "$here"/models/*.model; do
	cp "$model" "$tmp/models/$(basename "$model" .model).yaml"
done

# calibrated SAMPLES FACTS RUNTIME MACHINE
calibrated() {
	sed "s/^# runtime: .*/# runtime: $3/" "$here/$1" > "$tmp/samples.csv"
	"$lemursim" calibrate --from "$tmp/samples.csv" --facts "$here/$2" -f -o "$tmp/hardware/$4.yaml" > "$tmp/said" 2>&1 || cat "$tmp/said" >&2
}

# sets NAME RUNS [SCENARIO]: "| name | set | rows | error | inside |"
sets() {
	[ -z "$3" ] || cp "$here/$3" "$tmp/scenario.yaml"
	"$lemursim" validate ${3:+"$tmp/scenario.yaml"} -p "$tmp" -p "$root" --from "$2" --format csv | sed 's/"[^"]*"/-/g' > "$tmp/rows.csv"
	awk -F, -v name="$1" 'NR > 1 { if (!($1 in n)) order[++sets] = $1; n[$1]++; off[$1] += $9 < 0 ? -$9 : $9; in_[$1] += $10 }
		END { for (i = 1; i <= sets; i++) { s = order[i]
			printf "| %s | %s | %d | %.1f %% | %.0f %% |\n", name, s, n[s], 100 * off[s] / n[s], 100 * in_[s] / n[s] } }' "$tmp/rows.csv"
}

# told MACHINE RUNTIME RUNS: one model's runs tell what llama.cpp's kernels are against the suite's, and those of the other models are
# predicted
told() {
	grep -v '^#' "$here/$3" | awk -F, 'NR == 1 || $4 == "llama-3.2-1b"' > "$tmp/one.csv"
	grep -v '^#' "$here/$3" | awk -F, 'NR == 1 || $4 != "llama-3.2-1b"' | sed "s/,$1,$2,/,$1-told,told,/" > "$tmp/others.csv"
	"$lemursim" calibrate -p "$tmp" -p "$root" --from "$tmp/one.csv" --machine "$1" --runtime told --keep -f \
		-o "$tmp/hardware/$1-told.yaml" > "$tmp/said" 2>&1 || cat "$tmp/said" >&2
}

echo "| operations | runs | rows | mean error | in P10-P90 |"
echo "|---|---|---|---|---|"
calibrated h200-ggml.csv h200.facts.csv llama.cpp h200
sets "ggml's on an H200" "$here/h200-runs.csv"
sets "ggml's on an H200" "$here/h200-pair.csv" h200-pair.scenario
calibrated h200-torch.csv h200-torch.facts.csv torch h200-torch
sets "PyTorch's on an H200" "$here/h200-train.csv" h200-train.scenario
calibrated h200-suite.csv h200-suite.facts.csv llama.cpp h200
sets "our suite's on an H200" "$here/h200-runs.csv"
told h200 llama.cpp h200-runs.csv
sets "the same, and runs of the 1B" "$tmp/others.csv"
calibrated xeon-ggml.csv xeon-ggml.facts.csv llama.cpp xeon-dense
calibrated xeon-ggml-mixture.csv xeon-ggml-mixture.facts.csv llama.cpp xeon-mixture
sets "ggml's on 16 cores of a Xeon" "$here/xeon-ggml-runs.csv"
calibrated xeon-suite.csv xeon.facts.csv cblas xeon
sets "our suite's on 16 cores of a Xeon" "$here/xeon-runs.csv"
sets "the same, llama.cpp with AMX" "$here/xeon-amx-runs.csv"
told xeon cblas xeon-runs.csv
sets "the same, and runs of the 1B" "$tmp/others.csv"
