#!/bin/bash
# Filter many images on machines of your own, from one of them, where Dask's scheduler runs meanwhile:
#
#     HOSTS="machine-a machine-b" PHOTOS=/shared/photos OUT=/shared/edges examples/cluster/filter_by_hand.sh
#
# Needs: ssh to each without a password; on each, at the same place, convcli with Dask (python -m pip install
# 'convcli[dask]') of the same version; and PHOTOS and OUT where all see them under the same name, or as addresses
# such as s3://bucket/photos.
#
# Change: HOSTS, PHOTOS, OUT, and the kernel. What is done is not done again: call it once more to go on.
#
# Whoever reaches the scheduler's port has code run as you: let a firewall keep all others from it.

set -euo pipefail

HOSTS=${HOSTS:-machine-a machine-b}
PHOTOS=${PHOTOS:-/shared/photos}
OUT=${OUT:-/shared/edges}
MANIFEST=${MANIFEST:-edges.jsonl}
HERE=${HERE:-$(hostname -I | cut -d ' ' -f 1)}  # the address by which the others reach this machine

dask=$(command -v dask)
"$dask" scheduler --host "$HERE" --port 8786 &
scheduler=$!
trap 'kill "$scheduler"; wait' EXIT  # workers end with it
for host in $HOSTS; do
    # A process for each core. -n: what is typed here, such as Ctrl-C, is not for them.
    ssh -n "$host" "$dask" worker "tcp://$HERE:8786" --nworkers auto --nthreads 1 --death-timeout 60 &
done

convcli filter "$PHOTOS" --recursive --kernel sobel --out-dir "$OUT" \
    --manifest "$MANIFEST" --resume --keep-going --cluster "tcp://$HERE:8786"
