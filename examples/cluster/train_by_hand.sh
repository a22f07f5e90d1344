#!/bin/bash
# Train on machines of your own, from one of them: HOSTS="machine-a machine-b" examples/cluster/train_by_hand.sh
#
# Needs: ssh to each without a password, and on each, at the same place, convcli with an MPI (python -m pip install
# 'convcli[mpi]' mpich), the configuration and the images. No folder has to be shared: this machine, which has to be
# the first of HOSTS, writes the run.
#
# Change: HOSTS, RANKS of each (its cores are divided among them), CONFIG and RUN.

set -euo pipefail

HOSTS=${HOSTS:-machine-a machine-b}
RANKS=${RANKS:-4}
CONFIG=${CONFIG:-examples/digits.toml}
RUN=${RUN:-runs/by-hand}

hosts=$(mktemp)
trap 'rm -f "$hosts"' EXIT
if [[ $(mpiexec --version) == *"Open MPI"* ]]; then
    file=--hostfile slots=" slots="
else
    file=-f slots=:
fi
for host in $HOSTS; do echo "$host$slots$RANKS"; done > "$hosts"

if [[ -e $RUN/last.safetensors ]]; then
    what=(--resume "$RUN")
else
    what=("$CONFIG" --run-dir "$RUN")
fi

# Of several networks: -iface eth1 (MPICH) or --mca btl_tcp_if_include eth1 (Open MPI) names the one to take.
mpiexec "$file" "$hosts" -n "$((RANKS * $(wc -l < "$hosts")))" "$(command -v convcli)" train "${what[@]}"
