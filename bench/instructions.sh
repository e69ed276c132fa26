#!/bin/sh
# Instructions of the learner's two loops for a nonzero, counted by callgrind: the same on a busy machine as on an idle
# one, so that a change that costs is seen anywhere. (It counts no waiting for memory; bench/epoch_bench times that.)
#
#   sh bench/instructions.sh [BUILD]      BUILD: the build directory, `build` where none is given
set -eu
build=${1:-build}
bench=$build/bench/epoch_bench
data='synth:rcv1?part=train&n=5000'
command -v valgrind >/dev/null || { echo 'valgrind is not installed (package valgrind)' >&2; exit 1; }
[ -x "$bench" ] || { echo "$bench is not there; build it: ninja -C $build bench/epoch_bench" >&2; exit 1; }
out=$(mktemp)
trap 'rm -f -- "$out"' EXIT
for path in portable avx2; do # valgrind knows no AVX-512
  nonzeros=$(valgrind --tool=callgrind --callgrind-out-file="$out" "$bench" "$data" 1 3 1 "$path" 2>/dev/null |
    sed -n 's/.* rows, \([0-9]*\) nonzeros.*/\1/p')
  callgrind_annotate --threshold=100 "$out" | tr -d , | awk -v nonzeros="$nonzeros" -v path="$path" '
    /train_signs|sparse_dot|dot_of|add_row/ { train += $1 }
    /exchange_arrays|exchange_block/ { exchange += $1 }
    END { printf "%-9s %6.2f instructions a nonzero in training, %5.2f in exchanges (3 epochs of %d nonzeros)\n",
          path, train / (3 * nonzeros), exchange / (3 * nonzeros), nonzeros }'
done
