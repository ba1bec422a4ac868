#!/bin/sh
# slurm.sh PROGRAM - starts a cluster of one node under Slurm (slurm-wlm, munge), lets srun and a job array split a sweep, and
# stops it. Wants root, since the daemons do; run by hand, not by CI.
set -eu
LC_ALL=C; export LC_ALL
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") root=$(pwd)
for tool in munged slurmctld slurmd srun sbatch; do
	command -v $tool >/dev/null || { echo "slurm: no $tool (Debian: slurm-wlm, munge)" >&2; exit 2; }
done
work=$(mktemp -d)
chmod 755 "$work"
host=$(hostname -s) cpus=$(getconf _NPROCESSORS_ONLN)
stop() {
	for pid in slurmd slurmctld; do [ ! -s "$work/$pid.pid" ] || kill "$(cat "$work/$pid.pid")" 2>/dev/null || :; done
	[ -z "${munged:-}" ] || munged --stop >/dev/null 2>&1 || :
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

pgrep -x munged >/dev/null || { mkdir -p /run/munge && chown munge: /run/munge && runuser -u munge -- munged && munged=1; }
cat >"$work/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmdSpoolDir=$work/spool
StateSaveLocation=$work/state
SlurmctldPort=16817
SlurmdPort=16818
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
END
export SLURM_CONF="$work/slurm.conf"
mkdir -p "$work/spool" "$work/state"
slurmctld -L "$work/ctld.log"
slurmd -L "$work/slurmd.log" || { tail "$work/slurmd.log" >&2; exit 1; }
until sinfo -h -o %T 2>/dev/null | grep -q idle; do
	grep -i 'fatal' "$work"/*.log >&2 && exit 1
done

cd "$work"
set -- "$root/scenarios/m5-vs-m4pro.yaml" -p "$root" --draws 2 -j 1 --over "workload.generate.batch=$(seq -s, 1 8)" \
	--over links.tb.base=thunderbolt-4-tcp,thunderbolt-5-rdma
"$program" sweep "$@" --format csv >one.csv
srun -n "$cpus" "$program" sweep "$@" --shard auto -o srun.jsonl
ls srun.*
"$program" merge srun.*.jsonl --format csv | cmp - one.csv && echo "slurm: srun: the same bytes as one process"
printf '#!/bin/sh\nexec "%s" sweep "$@" --shard auto -o array.jsonl\n' "$program" >job
sbatch --wait --array=3-9:3 job "$@" >/dev/null
ls array.*
"$program" merge array.*.jsonl --format csv | cmp - one.csv && echo "slurm: job array: the same bytes as one process"
