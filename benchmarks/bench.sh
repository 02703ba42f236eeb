#!/usr/bin/env bash
# Trains every data set of a folder on fixed splits and sets the results beside those of other systems.
# usage: bench.sh BENCH DATA OUT [BUDGET] [DATASETS]
#   BENCH  folder with run.py (the protocol), peers.csv (results of other systems) and, to measure those, peers/
#   DATA   folder with manifest.json
#   OUT    where environments, splits and results go; runs that are there are not repeated
set -eu
bench=$(cd "$1" && pwd); data=$(cd "$2" && pwd); mkdir -p "$3"; out=$(cd "$3" && pwd)
budget=${4:-60}; sets=${5:-}
project=$(cd "$(dirname "$0")/.." && pwd)
export OMP_NUM_THREADS=1

test -x "$out/peers/ours/bin/python" || python3 -m venv "$out/peers/ours"
"$out/peers/ours/bin/pip" install --quiet --constraint "$project/requirements.lock" "$project" pandas
"$out/peers/ours/bin/pip" install --quiet --force-reinstall --no-deps "$project"
test -x "$out/peers/runner/bin/python" || python3 -m venv "$out/peers/runner"
"$out/peers/runner/bin/pip" install --quiet --constraint "$project/requirements.lock" pandas scikit-learn

cd "$out"
"$out/peers/runner/bin/python" "$bench/run.py" "$data" "$out" --budget "$budget" --frameworks ours \
    --venvs "$out/peers" --datasets "$sets"
"$out/peers/runner/bin/python" "$project/benchmarks/compare.py" "$out/results.csv" "$bench/peers.csv" \
    --budget "$budget" --table "$out/comparison.csv" --plot "$out/comparison.svg"
