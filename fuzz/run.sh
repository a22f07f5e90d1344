#!/usr/bin/env bash
# Fuzzes each target, or those named, for so many seconds: fuzz/run.sh SECONDS [TARGET...]
# An exception that is no ConvcliError, more than 1 GB of memory or more than 10 s for an input is a finding; the input
# is then in fuzz/findings/TARGET, where the tests replay it. What reached new code is kept in .fuzz/TARGET, so that the
# next call goes on from there.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET...]}
shift
targets=("$@")
if [ $# = 0 ]; then
    for file in fuzz/targets/[!_]*.py; do targets+=("$(basename "$file" .py)"); done
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=0
for target in "${targets[@]}"; do
    mkdir -p ".fuzz/$target" "fuzz/corpus/$target" "fuzz/findings/$target"
    code=0
    TMPDIR=$work OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m fuzz "$target" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="fuzz/findings/$target/" \
        ".fuzz/$target" "fuzz/corpus/$target" "fuzz/findings/$target" >"$work/log" 2>&1 || code=$?
    case $code in
        0) status=ended ;;
        72) exit 130 ;; # libFuzzer was interrupted
        *) status=FOUND found=1 ;;
    esac
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
    printf '%-14s %s  %s inputs in at most %s s, %s\n' "$target" "$status" "${executed:-?}" "$seconds" \
        "$(grep -o 'cov: [0-9]* ft: [0-9]*' "$work/log" | tail -n 1)"
    if [ "$status" = FOUND ]; then tail -n 40 "$work/log"; fi
done
exit "$found"
