#!/bin/sh
# shards.sh PROGRAM - a sweep that launchers of a cluster split: by ranks of mpirun and by jobs of GNU parallel, of which one is
# killed and run again, gives what one process gives, byte for byte. Installs both where CI is set; otherwise what is missing
# is skipped and told.
set -eu
LC_ALL=C; export LC_ALL
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") root=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
has() { command -v mpirun >/dev/null && command -v parallel >/dev/null; }
has || sh "$root/tests/tools/install.sh" openmpi-bin parallel
has || { echo "shards: skipped: no mpirun (openmpi-bin) or no GNU parallel"; [ -z "${CI:-}" ]; exit; }

cd "$work"
set -- "$root/scenarios/m5-vs-m4pro.yaml" -p "$root" --draws 2 -j 1 --over "workload.generate.batch=$(seq -s, 1 12)" \
	--over "workload.generate.prompt=128 tok,512 tok,2048 tok" --over links.tb.base=thunderbolt-4-tcp,thunderbolt-5-rdma
"$program" sweep "$@" --format csv >one.csv

same() {
	name=$1
	shift
	"$program" merge "$@" --format csv | cmp - one.csv || { echo "shards: $name: other bytes than one process writes"; exit 1; }
	rm -f "$@"
	echo "shards: $name: the same bytes as one process"
}

root_too=
[ "$(id -u)" != 0 ] || root_too=--allow-run-as-root
mpirun $root_too --oversubscribe -n 4 "$program" sweep "$@" --shard auto -o mpi.jsonl
same "four ranks of mpirun" mpi.*-of-4.jsonl

# a rank that is killed ends the others too: what they have run stays, and a second start goes on with it
(mpirun $root_too --oversubscribe -n 4 "$program" sweep "$@" --shard auto --resume -o mpi.jsonl >log 2>&1 || :) &
run=$!
while kill -0 $run 2>/dev/null && [ "$(cat mpi.2-of-4.jsonl 2>/dev/null | wc -l)" -lt 3 ]; do :; done
pkill -9 -f "^$program sweep .*mpi.jsonl" || :
wait $run || :
mpirun $root_too --oversubscribe -n 4 "$program" sweep "$@" --shard auto --resume -o mpi.jsonl
same "ranks that were killed and started again" mpi.*-of-4.jsonl

# GNU parallel runs each job again that fails: the first try of the second share is killed
cat >job.sh <<'END'
k=$1 n=$2
shift 2
if [ "$k" = 2 ] && [ ! -e tried ]; then
	: >tried
	"$program" "$@" --shard "$k/$n" --resume -o "p-$k.jsonl" & run=$!
	while kill -0 $run 2>/dev/null && [ "$(cat "p-$k.jsonl" 2>/dev/null | wc -l)" -lt 3 ]; do :; done
	kill -9 $run 2>/dev/null
	exit 1
fi
exec "$program" "$@" --shard "$k/$n" --resume -o "p-$k.jsonl"
END
export program
seq 5 | parallel --will-cite --quote --retries 3 -j 2 sh job.sh {} 5 sweep "$@"
same "five jobs of GNU parallel, one of which was killed" p-*.jsonl
