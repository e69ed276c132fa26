#!/bin/sh
# Builds hogwild, runs a swarm of daemons on this machine, shows the run as it goes, and ends with the result.
#
#   sh run.sh [sync|async] [REPLICAS] [LOGLEVEL]     defaults: async 4 1
#   sh run.sh build                                  set-up and build only
#
# Environment: TRAIN and TEST (data sets), OUT (directory of the results), UPLOAD (URL, or none), and HOGWILD_* of any
# option of `hogwild node`. It installs what is missing with apt-get, and says what. It ends only processes that it
# started itself, and leaves none.
# shellcheck disable=SC2317 # functions that traps call
set -eu

repository=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=$repository/build
hogwild=$build/daemon/hogwild
scratch=
display_pids=

say() { printf '%s\n' "$*"; }
die() {
  code=$1
  shift
  printf 'run.sh: %s\n' "$*" >&2
  exit "$code"
}

usage() {
  say 'usage: sh run.sh [sync|async] [REPLICAS] [LOGLEVEL]     (async 4 1)'
  say '       sh run.sh build'
  say 'LOGLEVEL: 0 the result, 1 evaluations, 2 joins and leaves, 3 each send and receive.'
  say 'Environment: TRAIN, TEST, OUT, UPLOAD (a URL, or none), HOGWILD_OPTION for any option of hogwild node.'
}

# ---- Set-up ---------------------------------------------------------------------------------------------------------

packages='g++ meson ninja-build pkg-config libboost1.81-dev libboost-json1.81-dev libboost-test1.81-dev
libboost-iostreams1.81-dev libboost-system1.81-dev libeigen3-dev libspdlog-dev libfmt-dev libssl-dev libcli11-dev
libtomlplusplus-dev zlib1g-dev libbz2-dev libzstd-dev'
# Draws the charts of the nodes' page, which has tables in their place where it cannot be had.
chart_package=libjs-chart.js

is_installed() {
  case $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) in
    *' installed') return 0 ;;
  esac
  case $1 in # from elsewhere they serve as well
    g++ | meson) command -v "$1" >/dev/null ;;
    ninja-build) command -v ninja >/dev/null ;;
    pkg-config) command -v pkg-config >/dev/null ;;
    *) return 1 ;;
  esac
}

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# install_missing PACKAGE...: installs those that are not there; touches nothing where all are.
install_missing() {
  command -v dpkg-query >/dev/null ||
    die 1 "this is no Debian: install what Debian calls $*, then build with meson setup build && ninja -C build"
  missing=
  for package in "$@"; do
    is_installed "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    die 1 "some packages are missing, and there is neither root nor sudo; as root: apt-get install --no-install-recommends$missing"
  fi
  say "Installing with apt-get:$missing"
  case $missing in
    *libboost*)
      if is_installed libboost1.74-dev; then
        say 'Boost 1.81 replaces the headers of Boost 1.74 (libboost1.74-dev); apt-get removes what needs those.'
      fi
      ;;
  esac
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq -o DPkg::Lock::Timeout=300 ||
    say 'apt-get update failed; trying with the lists that are here.'
  # shellcheck disable=SC2086 # a list of names
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 $missing >/dev/null ||
    die 1 "apt-get could not install:$missing"
}

# As many compilers at once as there are CPUs, and gigabytes for them.
build_jobs() {
  awk -v cpus="$(nproc)" '$1 == "MemAvailable:" { jobs = int($2 / 1500000) }
    END { if (jobs > cpus || jobs == "") jobs = cpus; print jobs < 1 ? 1 : jobs }' /proc/meminfo
}

# build_target NAME: one build at a time in one directory, so that two runs can start together.
build_target() {
  mkdir -p "$build"
  (
    flock 9
    if ! [ -f "$build/build.ninja" ]; then
      say "Configuring $build"
      meson setup "$build" "$repository" >"$scratch/setup" 2>&1 || {
        cat "$scratch/setup" >&2
        die 1 'meson setup failed'
      }
    fi
    quiet=--quiet
    if [ -t 1 ]; then quiet=; fi
    say "Building $1"
    # shellcheck disable=SC2086 # an option or nothing
    ninja $quiet -j "$(build_jobs)" -C "$build" "$1" || die 1 'the build failed'
  ) 9>"$build/run.lock" || exit 1
}

set_up() {
  # shellcheck disable=SC2086 # a list of names
  install_missing $packages
  (install_missing "$chart_package") || say "Going on without $chart_package: the page of the nodes has tables, no charts."
  build_target daemon/hogwild
}

# ---- Data -----------------------------------------------------------------------------------------------------------

# start_cache PART SOURCE: begins to write a made-up data set as a cache; pid_cache is 0 where SOURCE is another one.
start_cache() {
  pid_cache=0
  case $2 in
    synth:*part=*) set -- "$1" "$2" ;;
    synth:*\? | synth:*\&) set -- "$1" "$2part=$1" ;;
    synth:*\?*) set -- "$1" "$2&part=$1" ;;
    synth:*) set -- "$1" "$2?part=$1" ;;
    *) return 0 ;;
  esac
  "$hogwild" data convert "$2" "$scratch/$1.hwd" &
  pid_cache=$!
}

# Made-up data are made once, as caches that all daemons map. Whoever joins later makes its own.
make_caches() {
  start_cache train "$train"
  pid_train=$pid_cache
  start_cache test "$test"
  if [ "$pid_train" -ne 0 ]; then
    wait "$pid_train" || die $? "cannot make $train"
    train=$scratch/train.hwd
  fi
  if [ "$pid_cache" -ne 0 ]; then
    wait "$pid_cache" || die $? "cannot make $test"
    test=$scratch/test.hwd
  fi
}

# ---- Ports ----------------------------------------------------------------------------------------------------------

# Ports of this machine that are in use, TCP and UDP, one a line. (State 06 waits for stray packets alone.)
busy_ports() {
  cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null |
    awk '$4 != "06" { n = split($2, part, ":"); if (n > 1) print part[n] }' | sort -u |
    while read -r port; do say "$((0x$port))"; done
}

# free_pairs COUNT FIRST: so many even ports from FIRST on, each free together with the one above it.
free_pairs() {
  busy_ports | awk -v count="$1" -v port="$2" '{ busy[$1] = 1 }
    END {
      for (; count > 0 && port < 65535; port += 2)
        if (!(port in busy) && !((port + 1) in busy)) { print port; --count }
    }'
}

# ---- Daemons --------------------------------------------------------------------------------------------------------

is_running() { # PID; a process that ended and was not waited for is not running
  read -r _ _ process_state _ 2>/dev/null <"/proc/$1/stat" || return 1
  [ "$process_state" != Z ]
}

pid_of() { eval "printf %s \"\${pid_$1:-}\""; }
port_of() { eval "printf %s \"\${port_$1:-}\""; }

# start_node NUMBER PORT: a daemon with gossip at PORT and HTTP one higher.
start_node() {
  set -- "$1" "$2" --name "node-$1" --gossip "127.0.0.1:$2" --http "127.0.0.1:$(($2 + 1))" \
    --cluster "$cluster" --mode async --expect "$expect" --threads "$threads" --out "$out/node-$1" \
    --upload "$upload" --log-level "$level" --log-format text --log-file "$scratch/node-$1.log"
  eval "port_$1=$2"
  if [ -n "$train" ]; then set -- "$@" --train "$train"; fi
  if [ -n "$test" ]; then set -- "$@" --test "$test"; fi
  if [ "$1" -ne 1 ]; then set -- "$@" --join "127.0.0.1:$(port_of 1)"; fi
  number=$1
  shift 2
  : >>"$scratch/node-$number.log"
  "$hogwild" node "$@" >"$scratch/node-$number.out" 2>"$scratch/node-$number.err" </dev/null &
  eval "pid_$number=$!"
}

# Waits until a daemon has its ports; gives it the next free pair where somebody else was quicker.
await_node() { # NUMBER
  attempts=0
  until grep -q ' event=started ' "$scratch/node-$1.log" 2>/dev/null; do
    if is_running "$(pid_of "$1")"; then
      sleep 0.02
      continue
    fi
    code=0
    wait "$(pid_of "$1")" || code=$?
    attempts=$((attempts + 1))
    if [ "$attempts" -ge 50 ] || ! grep -qi 'in use' "$scratch/node-$1.err"; then
      cat "$scratch/node-$1.err" >&2
      die "$code" "node-$1 did not start"
    fi
    next_port=$(free_pairs 1 "$next_port")
    [ -n "$next_port" ] || die 1 'no free pair of ports is left'
    start_node "$1" "$next_port"
    next_port=$((next_port + 2))
  done
}

start_all() {
  pairs=$(free_pairs "$replicas" 7420)
  number=0
  for port in $pairs; do
    number=$((number + 1))
    next_port=$((port + 2))
    eval "port_$number=$port"
  done
  [ "$number" -eq "$replicas" ] || die 1 "only $number free pairs of ports from 7420 on, $replicas are needed"
  start_node 1 "$(port_of 1)"
  await_node 1 # its port is what the others join
  number=2
  while [ "$number" -le "$replicas" ]; do
    start_node "$number" "$(port_of "$number")"
    number=$((number + 1))
  done
  number=2
  while [ "$number" -le "$replicas" ]; do
    await_node "$number"
    number=$((number + 1))
  done
}

any_running() {
  number=1
  while [ "$number" -le "$replicas" ]; do
    pid=$(pid_of "$number")
    if [ -n "$pid" ] && is_running "$pid"; then return 0; fi
    number=$((number + 1))
  done
  return 1
}

# signal_all SIGNAL: to every daemon of this run, by the process ids that the shell has of its own children; also to
# one whose start was interrupted before its id was noted.
signal_all() {
  jobs -p >"$scratch/children"
  while read -r pid; do
    case " $display_pids " in *" $pid "*) continue ;; esac
    if is_running "$pid"; then kill "-$1" "$pid" 2>/dev/null || :; fi
  done <"$scratch/children"
}

stop_all() {
  signal_all TERM
  tenths=0
  while any_running && [ "$tenths" -lt 150 ]; do
    sleep 0.1
    tenths=$((tenths + 1))
  done
  signal_all KILL
}

# ---- What is shown --------------------------------------------------------------------------------------------------

# Evaluations as a table, each once, whoever reports it first; other lines with the name of their node.
start_display() {
  mkfifo "$scratch/lines"
  files=
  number=1
  while [ "$number" -le "$replicas" ]; do
    files="$files $scratch/node-$number.log"
    number=$((number + 1))
  done
  flags=
  case $(awk -W version 2>&1 </dev/null) in mawk*) flags='-W interactive' ;; esac
  # shellcheck disable=SC2086 # lists of names
  tail -v -n +1 -s 0.1 -f $files >"$scratch/lines" 2>/dev/null &
  display_pids=$!
  # shellcheck disable=SC2086 # two words or nothing
  awk $flags -v level="$level" '
    function field(name,   at, rest) {
      at = index($0, " " name "=")
      if (!at) return "-"
      rest = substr($0, at + length(name) + 2)
      sub(/ .*/, "", rest)
      return rest
    }
    function rounded(text, digits, factor) {
      return text ~ /^[-+.0-9e]+$/ ? sprintf("%." digits "f", text * factor) : "-"
    }
    /^==> .* <==$/ { node = $2; sub(/.*\//, "", node); sub(/\.log$/, "", node); next }
    / event=evaluation / {
      updates = field("updates") + 0
      if (updates <= last) next
      last = updates
      if (!has_head) {
        printf "%9s %7s %12s %11s %10s %9s\n", "seconds", "epoch", "updates", "train loss", "test loss", "accuracy"
        has_head = 1
      }
      printf "%9s %7s %12d %11s %10s %7s %%\n", rounded(field("t_seconds"), 3, 1), rounded(field("epoch"), 2, 1), \
        updates, rounded(field("train_loss"), 5, 1), rounded(field("test_loss"), 5, 1), \
        rounded(field("test_accuracy"), 2, 100)
      fflush()
      next
    }
    / event=(started|result|link|notice) / { next }
    level < 2 && / event=(stopping|left) / { next }
    NF {
      print node " | " $0
      fflush()
    }' <"$scratch/lines" &
  display_pids="$display_pids $!"
}

stop_display() {
  [ -n "$display_pids" ] || return 0
  # shellcheck disable=SC2086 # two process ids
  set -- $display_pids
  display_pids=
  kill "$1" 2>/dev/null || :
  wait "$1" 2>/dev/null || :
  wait "$2" 2>/dev/null || : # it ends with its input
}

# result_field NUMBER NAME: a field of the node's last result line.
result_field() {
  grep ' event=result ' "$scratch/node-$1.log" | tail -n 1 | sed -n "s/.* $2=\"\{0,1\}\([^ \"]*\).*/\1/p"
}

# A number of a log line for people: - where there is none (nan).
rounded() { # NUMBER DIGITS [FACTOR]
  case $1 in
    '' | *[!0-9.e+-]*) printf '%s' - ;;
    *) awk -v number="$1" -v digits="$2" -v factor="${3:-1}" 'BEGIN { printf "%." digits "f", number * factor }' ;;
  esac
}

# Says how each daemon ended and what the run has given; its status is that of the run.
show_result() {
  finished=
  first=
  failure=1
  number=1
  while [ "$number" -le "$replicas" ]; do
    code=0
    wait "$(pid_of "$number")" 2>/dev/null || code=$?
    eval "pid_$number="
    if grep -q ' event=result ' "$scratch/node-$number.log"; then
      finished="$finished $number"
      first=${first:-$number}
    else
      if [ "$code" -ne 0 ] && [ "$failure" -eq 1 ]; then failure=$code; fi
      say "node-$number ended without a result, exit code $code"
      grep -h ' event=\(data_unusable\|failed\|refused_by_run\|name_in_use\|out_unusable\) ' "$scratch/node-$number.log" || :
      cat "$scratch/node-$number.err"
    fi
    number=$((number + 1))
  done
  if [ -z "$first" ]; then return "$failure"; fi

  digest=$(result_field "$first" digest)
  is_equal=yes
  count=0
  for number in $finished; do
    count=$((count + 1))
    [ "$(result_field "$number" digest)" = "$digest" ] || is_equal=no
    cmp -s "$out/node-$first/model.liblinear" "$out/node-$number/model.liblinear" || is_equal=no
  done
  for number in $finished; do cat "$scratch/node-$number.out"; done

  say ''
  say "accuracy   $(rounded "$(result_field "$first" test_accuracy)" 2 100) %   (test loss $(rounded "$(result_field "$first" test_loss)" 5), objective $(rounded "$(result_field "$first" objective)" 5))"
  say "updates    $(result_field "$first" updates) = $(rounded "$(result_field "$first" epochs)" 2) epochs in $(rounded "$(result_field "$first" seconds)" 3) s, until: $(result_field "$first" stop_reason)"
  if [ "$is_equal" = yes ]; then
    say "digest     $digest, model identical on all $count nodes"
  else
    say 'digest     NOT the same on all nodes:'
    for number in $finished; do say "           node-$number $(result_field "$number" digest)"; done
  fi
  say "files      $out/node-$first$([ "$count" -eq 1 ] || printf ' (and those of the other nodes beside it)')"
  if grep -q ' event=link ' "$scratch/node-$first.log"; then
    grep ' event=link ' "$scratch/node-$first.log" |
      sed 's/.* file="\{0,1\}\([^ "]*\)"\{0,1\} url="\{0,1\}\([^ "]*\)"\{0,1\}.*/link       \1  \2/'
  else
    say 'links      none'
  fi
  [ "$is_equal" = yes ]
}

# ---- The run --------------------------------------------------------------------------------------------------------

clean_up() {
  trap '' INT TERM HUP
  if [ -n "${replicas:-}" ]; then stop_all; fi
  stop_display
  if [ -n "$scratch" ]; then rm -rf -- "$scratch"; fi
}

on_signal() { # NAME EXIT-CODE
  trap '' INT TERM HUP
  say ''
  say "$1: stopping the daemons of this run"
  exit "$2"
}

is_number_in() { # TEXT LEAST MOST
  case $1 in '' | *[!0-9]* | ??????*) return 1 ;; esac
  [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

check_arguments() {
  [ "$#" -le 3 ] || { usage >&2; exit 2; }
  case ${TARGET:-local} in
    local) ;;
    *) die 2 "TARGET=$TARGET is not available in this version, which runs on this machine (TARGET=local)" ;;
  esac
  case ${1:-async} in
    async) ;;
    sync) die 2 'sync mode is not available in this version; sh run.sh async runs the mode without a coordinator' ;;
    down) die 2 'down takes away what was deployed to Kubernetes, which is not available in this version' ;;
    *) usage >&2; die 2 "'$1' is no mode; expected async" ;;
  esac
  is_number_in "${2:-4}" 1 1000 || die 2 "REPLICAS '$2': expected a number from 1 to 1000"
  is_number_in "${3:-1}" 0 3 || die 2 "LOGLEVEL '$3': expected 0, 1, 2 or 3"
  if [ "${TRAIN:-}" = - ]; then die 2 'TRAIN=-: several daemons cannot share standard input; name a file'; fi
}

prepare() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/hogwild-run.XXXXXX")
  trap clean_up EXIT
  trap 'on_signal Interrupted 130' INT
  trap 'on_signal Terminated 143' TERM
  trap 'on_signal "Hung up" 129' HUP
}

case ${1:-} in
  -h | --help | help)
    usage
    exit 0
    ;;
  build)
    prepare
    set_up
    exit 0
    ;;
esac

check_arguments "$@"
level=${3:-1}
prepare
set_up

train=${TRAIN:-${HOGWILD_TRAIN:-}}
test=${TEST:-${HOGWILD_TEST:-}}
if [ -z "$train" ]; then
  train=synth:rcv1
  test=${test:-synth:rcv1}
fi
upload=${UPLOAD:-${HOGWILD_UPLOAD:-https://transfer.sh}}
out=${OUT:-hogwild-out}
case $out in /*) ;; *) out=$PWD/$out ;; esac
# Each run is a cluster of its own: daemons of another one on the same ports are never met.
cluster=${HOGWILD_CLUSTER:-run-$$}
replicas=${2:-4}
expect=${HOGWILD_EXPECT:-$replicas}
share=$(($(nproc) / replicas))
threads=${HOGWILD_THREADS:-$((share > 0 ? share : 1))}

say "Starting $replicas daemons, threads each: $threads, train: $train, test: ${test:-none}, upload: $upload"
make_caches
start_all
number=1
while [ "$number" -le "$replicas" ]; do
  if [ "$number" -le 8 ] || [ "$number" -eq "$replicas" ]; then
    say "node-$number  http://127.0.0.1:$(($(port_of "$number") + 1))"
  elif [ "$number" -eq 9 ]; then
    say '...'
  fi
  number=$((number + 1))
done
say "More daemons join with: $hogwild node --cluster $cluster --join 127.0.0.1:$(port_of 1) --gossip 127.0.0.1:0 --http 127.0.0.1:0"
start_display
while any_running; do sleep 0.1; done
stop_display
status=0
show_result || status=$?
exit "$status"
