#!/bin/sh
# published.sh PROGRAM - training steps that others have published (tests/published, scenarios/megatron-22b.yaml) against predictions, set by
# set, those whose configuration is published whole (quality primary) apart from those of which micro-batch or chunks are guessed; and
# the rows that the profile of these chips is fitted to. Some 20 s of processor time.
set -eu
LC_ALL=C; export LC_ALL
program=$1 family=hardware/measured/torch-2025-04-datacentre
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
# a line for each row: quality, whether it is in no fit, set, error
lines() {
	awk '
		/^ "sets":/ {exit}
		/"set":/ {sub(/.*"set": *"/, ""); sub(/".*/, ""); set = $0}
		/"error":/ {sub(/.*"error": */, ""); sub(/,.*/, ""); error = $0}
		/"held_out": false/ {printf "-\tused\t%s\t%s\n", set, error}
		/"held_out": true/ {none = 1}
		/"quality":/ && none {none = 0; printf "%s\tnone\t%s\t%s\n", /primary/ ? "whole" : "guessed", set, error}'
}
for measured in hardware/measured/outcomes/megatron-22b.csv tests/published/*.csv; do
	name=$(basename "$measured" .csv)
	scenario=tests/published/$name.yaml
	[ -e "$scenario" ] || scenario=scenarios/$name.yaml
	"$program" validate "$scenario" --from "$measured" --draws 2 --format json -p . | lines
done >"$rows"
"$program" validate --from $family.csv --family $family.family.yaml --format json -p . | lines >>"$rows"
awk -F'\t' '
	function size(x) {return x < 0 ? -x : x}
	{key = $3 "\t" $1 "\t" $2; if (!n[key]++) order[++keys] = key; sum[key] += size($4); if (size($4) > worst[key]) worst[key] = size($4)}
	{all[$1]++; of[$1] += size($4)}
	END {
		print "| set | configuration | in a fit | rows | mean error | worst |"
		print "|---|---|---|--:|--:|--:|"
		for (i = 1; i <= keys; i++) {
			split(order[i], k, "\t")
			printf "| %s | %s | %s | %d | %.1f %% | %.1f %% |\n", k[1], k[2], k[3] == "used" ? "yes" : "no", n[order[i]], 100 * sum[order[i]] / n[order[i]], 100 * worst[order[i]]
		}
		printf "| all in no fit | whole | no | %d | **%.1f %%** | |\n", all["whole"], 100 * of["whole"] / all["whole"]
		printf "| all in no fit | guessed | no | %d | %.1f %% | |\n", all["guessed"], 100 * of["guessed"] / all["guessed"]
	}' "$rows"
