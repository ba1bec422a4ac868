#!/bin/sh
# grid.sh PROGRAM BENCH - a grid of 10^5 cells, run whole: in four shares, each killed (kill -9) in the middle and gone on with by
# --resume, and by one process, which must give the same bytes. BENCH is tests/bench, which says the processor time and the peak
# memory of a run. Takes ten minutes of one core; run by hand, not by CI.
set -eu
LC_ALL=C; export LC_ALL
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") bench=$(cd "$(dirname "$2")" && pwd)/$(basename "$2") root=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"
set -- "$root/scenarios/m5-vs-m4pro.yaml" -p "$root" -j 1 --over "workload.generate.batch=$(seq -s, 1 50)" \
	--over "workload.generate.prompt=$(seq -f '%g tok' -s, 64 64 3200)" --over "workload.generate.tokens=$(seq -f '%g tok' -s, 16 16 160)" \
	--over links.tb.base=thunderbolt-bridge-tcp-pytorch,thunderbolt-4-tcp,thunderbolt-5-tcp,thunderbolt-5-rdma
cells=100000 shares=4
row() { printf '%-46s %s\n' "$1" "$2"; }
size() { awk -v b="$(cat "$@" | wc -c)" 'BEGIN { printf "%.0f MB", b / 1e6 }'; }
lines() { cat "$1" 2>/dev/null | wc -l; }

for k in $(seq $shares); do
	"$program" sweep "$@" --shard $k/$shares -o part-$k.jsonl & run=$!
	while kill -0 $run 2>/dev/null && [ "$(lines part-$k.jsonl)" -lt $((cells / shares / 2)) ]; do sleep 1; done
	kill -9 $run
	wait $run || :
	had=$(lines part-$k.jsonl)
	row "share $k of $shares, killed with $had lines, then resumed" \
		"$("$bench" cost "$program" sweep "$@" --shard $k/$shares --resume -o part-$k.jsonl), $(size part-$k.jsonl)"
done
row "merge of $shares files" "$("$bench" cost "$program" merge part-*.jsonl -o merged.csv), $(size merged.csv)"
row "one process" "$("$bench" cost "$program" sweep "$@" -o one.csv), $(size one.csv)"
cmp merged.csv one.csv
awk -v cells=$cells 'END { if (NR != 1 + 6 * cells) { print "grid: " NR " lines"; exit 1 } }' one.csv
echo "grid: $cells cells: the same bytes as one process"
