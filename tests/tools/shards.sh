#!/bin/sh
# shards.sh PROGRAM - a sweep and a plan that launchers of a cluster split: by ranks of mpirun, with shares and with cells that rank 0
# hands out, and by jobs of GNU parallel. Processes are killed, and what is run again gives what one process gives, byte for byte.
# Installs all that where CI is set; otherwise what is missing is skipped and told.
set -eu
LC_ALL=C; export LC_ALL
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") root=$(pwd)
out=$(dirname "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
has() { command -v mpirun >/dev/null && command -v parallel >/dev/null; }
develops() { pkg-config --exists ompi-c 2>/dev/null; }
has && develops || sh "$root/tests/tools/install.sh" openmpi-bin libopenmpi-dev parallel
has || { echo "shards: skipped: no mpirun (openmpi-bin) or no GNU parallel"; [ -z "${CI:-}" ]; exit; }
mpi_program=
if develops; then
	${MAKE:-make} -s "$out/mpi/lemursim" >/dev/null
	mpi_program=$(dirname "$program")/mpi/lemursim
fi

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

# cells that rank 0 hands out: it is killed, then a worker, after which mpirun lets the others go on for a second; a third start ends what the two have begun
if [ -n "$mpi_program" ]; then
	cat >rank.sh <<'END'
echo $$ >pid.$OMPI_COMM_WORLD_RANK
exec "$@"
END
	by_mpi() { mpirun $root_too --oversubscribe -n 4 sh rank.sh "$mpi_program" sweep "$@" --mpi --resume -o ranks.jsonl; }
	by_mpi "$@"
	same "cells that rank 0 hands out" ranks.jsonl
	enough=3
	for rank in 0 2; do
		(by_mpi "$@" >log 2>&1 || :) &
		run=$!
		while kill -0 $run 2>/dev/null && [ "$(cat ranks.jsonl 2>/dev/null | wc -l)" -lt $enough ]; do :; done
		! kill -0 $run 2>/dev/null || kill -9 "$(cat pid.$rank)" 2>/dev/null || :
		wait $run || :
		enough=$(($(wc -l <ranks.jsonl) + 3))
	done
	by_mpi "$@"
	same "cells that rank 0 hands out, with rank 0 and a worker killed" ranks.jsonl
else
	echo "shards: skipped: no libopenmpi-dev: sweep --mpi"
	[ -z "${CI:-}" ]
fi

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

# the fleets of a plan, looked at by three ranks: a rank that is killed ends the others too, and a second start goes on
set -- "$root/scenarios/plan-batch.yaml" -p "$root" -j 1
"$program" plan "$@" --format csv >one.csv
by_ranks() { mpirun $root_too --oversubscribe -n 3 "$program" plan "$@" --shard auto --resume -o plan.jsonl; }
(by_ranks "$@" >log 2>&1 || :) &
run=$!
while kill -0 $run 2>/dev/null && [ "$(cat plan.2-of-3.jsonl 2>/dev/null | wc -l)" -lt 3 ]; do :; done
pkill -9 -f "^$program plan .*plan.jsonl" || :
wait $run || :
by_ranks "$@"
same "a plan of three ranks that were killed and started again" plan.*-of-3.jsonl
