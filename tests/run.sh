#!/bin/sh
# Builds and runs every test, installing what is missing. The last line is `N passed, N failed` (`, N skipped`).
#
#   sh tests/run.sh                all: unit tests, simulations, scripts, end to end, a short form of the sanitizers
#   sh tests/run.sh units|e2e      one part of it
#   sh tests/run.sh asan|tsan      units and simulations of the cores under address+undefined, or thread, sanitizer
#   sh tests/run.sh seeds [COUNT]  the simulations with many seeds (default 1000)
#   sh tests/run.sh fuzz [SECONDS] changed and forged inputs of each kind for so long (default 60), under a sanitizer
#   sh tests/run.sh package        the Debian package, in a clean root (needs root, debootstrap and a mirror; some minutes)
#
# With CI=true in the environment a skipped test counts as failed: there everything that tests need must be there, but
# for the data sets beside the repository, which a fresh clone does not have, for axe-core, which npm brings, for
# kubectl, of which Debian 12 has an old one, for scikit-learn where Debian's mirror does not give it, and for a machine on
# which Chromium does not stay up.
set -eu

repository=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$repository"
passed=0
failed=0
skipped=0
excused=0

say() { printf '%s\n' "$*"; }

count() { # PASSED FAILED SKIPPED
  passed=$((passed + $1))
  failed=$((failed + $2))
  skipped=$((skipped + $3))
}

finish() {
  if [ "${CI:-}" = true ] && [ "$skipped" -gt "$excused" ]; then
    say "$((skipped - excused)) skipped tests count as failed, since CI=true"
    failed=$((failed + skipped - excused))
    skipped=$excused
  fi
  if [ "$skipped" -gt 0 ]; then
    say "$passed passed, $failed failed, $skipped skipped"
  else
    say "$passed passed, $failed failed"
  fi
  [ "$failed" -eq 0 ] || exit 1
  exit 0
}

# ---- Set-up ---------------------------------------------------------------------------------------------------------

# What only tests need. prometheus brings promtool; its daemon and that of nginx are kept from starting.
test_packages='chromium curl faketime iproute2 iptables liblinear-tools nginx-light prometheus python3 python3-jsonschema python3-yaml shellcheck spin'

install_test_packages() {
  missing=
  for package in $test_packages; do
    case $package in
      nginx-light) PATH=$PATH:/usr/sbin command -v nginx >/dev/null && continue ;;
      iproute2) PATH=$PATH:/usr/sbin:/sbin command -v ip >/dev/null && continue ;;
      iptables) PATH=$PATH:/usr/sbin:/sbin command -v iptables >/dev/null && continue ;;
      liblinear-tools) command -v liblinear-predict >/dev/null && continue ;;
      python3-yaml) python3 -c 'import yaml' 2>/dev/null && continue ;;
      python3-jsonschema) python3 -c 'import jsonschema' 2>/dev/null && continue ;;
      prometheus) command -v promtool >/dev/null && continue ;;
      *) command -v "$package" >/dev/null && continue ;;
    esac
    missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "Not installed, and there is neither root nor sudo:$missing; the tests that need them are skipped."
      return 0
    fi
    as_root=sudo
  fi
  say "Installing for tests with apt-get:$missing"
  # Daemons of new packages do not start while this policy is there.
  policy=/usr/sbin/policy-rc.d
  made=no
  if ! [ -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
    made=yes
  fi
  # shellcheck disable=SC2086 # a list of names
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 $missing >/dev/null ||
    say "apt-get could not install:$missing; the tests that need them are skipped."
  if [ "$made" = yes ]; then $as_root rm -f "$policy"; fi
}

# Debian's scikit-learn needs Boost 1.74 by way of Pythran, which cannot be installed beside 1.81: so it is unpacked here.
scikit_learn_packages='python3-sklearn python3-sklearn-lib python3-scipy python3-numpy python3-joblib python3-threadpoolctl python3-decorator
  libblas3 liblapack3 libgfortran5 liblbfgsb0'

unpack_scikit_learn() {
  python3 -c 'import sklearn' 2>/dev/null && return 0
  at=$repository/build/scikit-learn
  if ! [ -e "$at/complete" ]; then
    rm -rf "$at"
    mkdir -p "$at"
    # shellcheck disable=SC2086 # a list of names
    if ! (cd "$at" && apt-get download -qq $scikit_learn_packages && for package in *.deb; do dpkg -x "$package" .; done &&
      rm -f -- *.deb && : >complete) >"$scratch/output" 2>&1; then
      say "scikit-learn could not be fetched; the tests that need it are skipped: $(tail -n 1 "$scratch/output")"
      rm -rf "$at"
      return 0
    fi
  fi
  export PYTHONPATH="$at/usr/lib/python3/dist-packages${PYTHONPATH:+:$PYTHONPATH}"
  for directory in "$at"/usr/lib/*-linux-gnu; do
    export LD_LIBRARY_PATH="$directory:$directory/blas:$directory/lapack${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  done
}

jobs_for() { # MEGABYTES that one compiler may take
  awk -v cpus="$(nproc)" -v each="$1" '$1 == "MemAvailable:" { jobs = int($2 / 1024 / each) }
    END { if (jobs > cpus || jobs == "") jobs = cpus; print jobs < 1 ? 1 : jobs }' /proc/meminfo
}

# ---- Parts ----------------------------------------------------------------------------------------------------------

# run_binaries DIRECTORY PATTERN: each test binary below it whose name fits; counts test cases.
run_binaries() {
  find "$1/tests" -type f -perm -u+x -name "$2" | sort >"$scratch/binaries"
  while read -r binary; do
    name=${binary##*/}
    begin=$(date +%s)
    code=0
    timeout 900 "$binary" --report_format=XML --report_level=short --report_sink="$scratch/report" --log_level=message \
      --color_output=no >"$scratch/output" 2>&1 </dev/null || code=$?
    ok=$(field test_cases_passed)
    bad=$(($(field test_cases_failed) + $(field test_cases_aborted)))
    left=$(field test_cases_skipped)
    # Tests that found something missing say so and pass: they have checked nothing.
    mute=$(grep -c 'skipped: ' "$scratch/output" || :)
    # It crashed, took too long, or ended early without a report.
    if [ "$bad" -eq 0 ] && { [ "$code" -ne 0 ] || ! [ -s "$scratch/report" ]; }; then bad=1; fi
    count "$((ok - mute))" "$bad" "$((left + mute))"
    say "$name: $((ok - mute)) passed, $bad failed, $((left + mute)) skipped, $(($(date +%s) - begin)) s"
    if [ "$bad" -ne 0 ]; then
      say "--- output of $binary (exit code $code)"
      cat "$scratch/output"
      say '---'
    fi
    rm -f "$scratch/report"
  done <"$scratch/binaries"
}

# An attribute of the whole in the report of Boost.Test; 0 where there is no report.
field() {
  if [ -s "$scratch/report" ]; then
    sed -n "s/.*<TestSuite [^>]*[ ]$1=\"\([0-9]*\)\".*/\1/p" "$scratch/report" | head -n 1 | grep . || printf 0
  else
    printf 0
  fi
}

# check NAME COMMAND...: one test that a command makes.
check() {
  name=$1
  shift
  if "$@" >"$scratch/output" 2>&1; then
    count 1 0 0
    say "$name: passed"
  else
    count 0 1 0
    say "$name: FAILED"
    cat "$scratch/output"
  fi
}

run_checks() {
  check 'layers of the folders' sh tests/check_layers.sh
  if command -v spin >/dev/null; then
    check 'the model of rounds' sh tests/model/check.sh
  else
    count 0 0 1
    say 'the model of rounds: skipped, spin is not installed'
  fi
  if command -v shellcheck >/dev/null; then
    check 'shellcheck' shellcheck -x run.sh manifests/deploy.sh tests/run.sh tests/check_layers.sh tests/check_package.sh tests/model/check.sh \
      daemon/packaging/build-deb.sh daemon/packaging/postinst daemon/packaging/prerm daemon/packaging/postrm .ci/run
  else
    count 0 0 1
    say 'shellcheck: skipped, not installed'
  fi
}

run_units() {
  ninja -C build -j "$(jobs_for 1500)" --quiet
  run_binaries build '*_test'
}

# Most of them wait most of the time, so two halves run at once.
run_e2e() {
  (
    unpack_scikit_learn
    run_halves
  )
  for half in 0 1; do count_modules "$scratch/e2e.$half"; done
}

run_halves() {
  for half in 0 1; do
    # shellcheck disable=SC2046 # a list of modules
    run_modules "$scratch/e2e.$half" $(find tests/e2e -name 'test_*.py' | sort | awk -v half="$half" -F'[/.]' 'NR % 2 == half { print $3 }') &
  done
  wait
}

run_modules() { # OUTPUT MODULE...
  output=$1
  shift
  # Pictures of the page are kept for people to look at.
  (cd tests/e2e && E2E_PICTURES=$repository/build/pictures PYTHONDONTWRITEBYTECODE=1 timeout 1800 python3 -m unittest -v "$@") \
    >"$output" 2>&1 </dev/null || :
}

count_modules() { # OUTPUT
  ran=$(sed -n 's/^Ran \([0-9]*\) tests\{0,1\} in .*/\1/p' "$1")
  last=$(tail -n 1 "$1")
  bad=$(($(number_of failures "$last") + $(number_of errors "$last")))
  left=$(number_of skipped "$last")
  case $last in OK*) ;; FAILED*) ;; *) bad=$((bad + 1)) ;; esac # it did not come to its end
  if [ "$bad" -ne 0 ]; then cat "$1"; else grep 'skipped ' "$1" || :; fi
  excused=$((excused + $(grep -cE "skipped '(the Reuters files are not here|kubectl is not here|scikit-learn is not here|npm does not give axe-core|no control group of the first version[^']*)'|skipped .chromium cannot run here" "$1" || :)))
  ok=$((${ran:-0} - bad - left))
  if [ "$ok" -lt 0 ]; then ok=0; fi
  count "$ok" "$bad" "$left"
  say "end to end, ${ran:-0} tests: $ok passed, $bad failed, $left skipped, $(sed -n 's/^Ran .* in //p' "$1")"
}

number_of() { # WORD "OK (skipped=2)"
  case $2 in
    *"$1="*) printf '%s\n' "$2" | sed "s/.*$1=\([0-9]*\).*/\1/" ;;
    *) printf 0 ;;
  esac
}

# sanitize NAME OPTION TARGET...: builds and runs these under a sanitizer, at -O1 with asserts.
sanitize() {
  kind=$1
  directory=build-$1
  option=$2
  shift 2
  if ! [ -f "$directory/build.ninja" ]; then
    meson setup "$directory" --buildtype=debugoptimized -Doptimization=1 -Db_sanitize="$option" -Db_lundef=false \
      >"$scratch/setup" 2>&1 || {
      cat "$scratch/setup"
      count 0 1 0
      return 0
    }
  fi
  say "Building with the $option sanitizer: $*"
  if ! ninja -C "$directory" -j "$(jobs_for 2000)" --quiet "$@"; then
    say "$kind: the build FAILED"
    count 0 1 0
    return 0
  fi
  for target in "$@"; do run_binaries "$directory" "${target##*/}"; done
}

run_asan() {
  # No fake stacks (detect_stack_use_after_return): GCC 12 aligns them for 32 bytes where AVX-512 needs 64 (GCC bug 110027).
  export ASAN_OPTIONS=detect_stack_use_after_return=0:strict_string_checks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  # shellcheck disable=SC2046 # a list of paths
  sanitize asan address,undefined $(core_tests)
}

run_tsan() {
  export TSAN_OPTIONS=halt_on_error=1
  # shellcheck disable=SC2046 # a list of paths
  sanitize tsan thread $(threaded_tests)
}

# Targets by area, those that there are: units of the cores, and those where threads meet.
core_tests() { targets membership_test membership_fuzz_test secure_channel_fuzz_test sgd_data_test sgd_data_fuzz_test sgd_learn_test sgd_model_test sgd_replica_test daemon_base_test sim_test; }
threaded_tests() { targets sgd_learn_test sgd_model_test sgd_data_test daemon_base_test daemon_test; }

targets() {
  for target in "$@"; do
    find build/tests -type f -perm -u+x -name "$target" | sed 's|^build/||'
  done
}

# ---- What was asked for ---------------------------------------------------------------------------------------------

scratch=$(mktemp -d "${TMPDIR:-/tmp}/hogwild-tests.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Whoever runs the tests may have settings of a daemon in the environment; these are settings of the tests.
for variable in $(env | sed -n 's/^\(HOGWILD_[A-Z0-9_]*\)=.*/\1/p'); do
  case $variable in
    HOGWILD_SIM_SEEDS | HOGWILD_FUZZ_CASES | HOGWILD_FUZZ_SECONDS | HOGWILD_FUZZ_SEED) ;;
    *) unset "$variable" ;;
  esac
done

sh run.sh build
install_test_packages

case ${1:-all} in
  all)
    run_checks
    run_units
    run_e2e
    # The short form: fewer seeds than under `asan`.
    HOGWILD_SIM_SEEDS=${HOGWILD_SIM_SEEDS:-3}
    export HOGWILD_SIM_SEEDS
    run_asan
    run_tsan
    ;;
  units)
    run_checks
    run_units
    ;;
  e2e) run_e2e ;;
  package) check 'Debian package' sh tests/check_package.sh ;;
  asan | tsan)
    ninja -C build -j "$(jobs_for 1500)" --quiet
    "run_$1"
    ;;
  seeds)
    HOGWILD_SIM_SEEDS=${2:-1000}
    export HOGWILD_SIM_SEEDS
    ninja -C build -j "$(jobs_for 1500)" --quiet
    run_binaries build 'sim_test'
    run_binaries build 'membership_test'
    ;;
  fuzz)
    HOGWILD_FUZZ_SECONDS=${2:-60}
    export HOGWILD_FUZZ_SECONDS
    ninja -C build -j "$(jobs_for 1500)" --quiet
    # shellcheck disable=SC2046 # a list of paths
    sanitize asan address,undefined $(targets '*_fuzz_test')
    ;;
  *)
    say "usage: sh tests/run.sh [units|e2e|package|asan|tsan|seeds [COUNT]|fuzz [SECONDS]]" >&2
    exit 2
    ;;
esac
finish
