#!/bin/sh
# Checks tests/model/rounds.pml with spin: every order of events of a small cluster, and that the model would find what
# it looks for (two rules left out on purpose). `check.sh large` looks at more terms; it takes minutes and gigabytes.
set -eu
model=$(cd "$(dirname "$0")" && pwd)/rounds.pml
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hogwild-model.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
cd "$scratch"

# verify MEMBERS FIRST_ROSTER TERMS ROUNDS BROKEN: prints spin's summary.
verify() {
  spin -a -DN="$1" -DINITIAL="$2" -DTERMS="$3" -DROUNDS="$4" -DBROKEN="$5" "$model" >/dev/null
  cc -w -O2 -DSAFETY -DCOLLAPSE -o pan pan.c
  ./pan -m1000000 -w24 >result 2>&1
  grep -E 'error: max search depth|errors:|states, stored|assertion violated' result
}

holds() {
  echo "members $1, first roster $2 (a set of bits), terms $3, rounds $4:"
  verify "$1" "$2" "$3" "$4" 0
  if grep -q 'max search depth' result || ! grep -q 'errors: 0' result; then
    echo 'an invariant does not hold, or the search was cut short' >&2
    exit 1
  fi
}

fails() {
  echo "members $1, rule $5 left out, must fail:"
  verify "$1" "$2" "$3" "$4" "$5"
  if ! grep -q 'assertion violated' result; then
    echo 'the model does not see what is wrong' >&2
    exit 1
  fi
}

holds 3 7 2 2
holds 2 1 3 3
fails 3 7 2 2 1
fails 3 3 2 3 2
if [ "${1:-}" = large ]; then
  holds 3 3 3 2
  holds 3 7 3 2
  holds 4 7 2 2
fi
