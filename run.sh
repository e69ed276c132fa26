#!/bin/sh
# Builds hogwild, runs a swarm of daemons, shows the run as it goes, and ends with the result.
#
#   sh run.sh [sync|async] [REPLICAS] [LOGLEVEL]     defaults: async 4 1
#   sh run.sh down                                   takes away what TARGET=kubernetes deployed, and nothing else
#   sh run.sh build                                  set-up and build only
#
# In the environment: TRAIN and TEST (data sets), OUT (directory of the results), UPLOAD (a URL, or none), TARGET (local,
# or kubernetes: see docs/kubernetes.md), BINARY (a hogwild that is there, instead of building one), and HOGWILD_* of any
# option of `hogwild node`.
#
# It installs what is missing with apt-get, and says what. It ends only processes that it started itself, and leaves none,
# nor a temporary file: daemons are told by the kernel when this shell dies, and the files go when the last process that
# may need them has gone, also after kill -9.
# shellcheck disable=SC2317 # functions that traps call
set -eu

repository=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=$repository/build
hogwild=${BINARY:-$build/daemon/hogwild}
scratch=
watcher=
display_pids=
replicas=0
log_prefix=node- # files of lines: node-1.log ...
first_log=1

say() { printf '%s\n' "$*"; }
die() {
  code=$1
  shift
  printf 'run.sh: %s\n' "$*" >&2
  exit "$code"
}

usage() {
  say 'usage: sh run.sh [sync|async] [REPLICAS] [LOGLEVEL]     (async 4 1)'
  say '       sh run.sh down | build'
  say 'async: nobody waits for anybody. sync: rounds under a coordinator that the daemons elect.'
  say 'LOGLEVEL: 0 the result, 1 evaluations, 2 joins, leaves, rounds, 3 each send and receive.'
  say 'Environment: TRAIN, TEST, OUT, UPLOAD (a URL, or none), TARGET (local or kubernetes), BINARY (a hogwild to use'
  say 'instead of building one), HOGWILD_OPTION for any option of hogwild node (HOGWILD_MAX_TIME=60s).'
}

# ---- Processes ------------------------------------------------------------------------------------------------------

can_tie=no
if command -v setpriv >/dev/null && setpriv --pdeathsig TERM true 2>/dev/null; then can_tie=yes; fi

# tied COMMAND...: a command that the kernel ends with TERM when this shell is gone, however that came about. Becomes the
# command: the shell in between only looks whether this one was gone before the kernel knew.
tied() {
  if [ "$can_tie" = yes ]; then
    # shellcheck disable=SC2016 # for the shell in between
    exec setpriv --pdeathsig TERM sh -c '[ "$PPID" -eq "$1" ] || exit 143; shift; exec "$@"' sh "$$" "$@"
  fi
  exec "$@"
}

# await COMMAND...: runs it to its end, as a child that a signal to this shell ends too.
await() {
  tied "$@" &
  wait "$!"
}

# The directory of temporary files. It goes at the end; where this shell is killed, the watcher removes it as soon as the
# last process is gone that has the pipe's other end: this shell and all that it started.
make_scratch() {
  trap clean_up EXIT
  trap 'on_signal Interrupted 130' INT
  trap 'on_signal Terminated 143' TERM
  trap 'on_signal "Hung up" 129' HUP
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/hogwild-run.XXXXXX") || die 1 "no temporary directory in ${TMPDIR:-/tmp}, see TMPDIR"
  mkfifo "$scratch/alive"
  exec 8<>"$scratch/alive"
  exec 9<"$scratch/alive"
  in_session=
  if command -v setsid >/dev/null; then in_session=setsid; fi
  # shellcheck disable=SC2016 # for the other shell
  $in_session sh -c 'while read -r _; do :; done; rm -rf -- "$1"' sh "$scratch" <&9 8>&- 9<&- >/dev/null 2>&1 &
  watcher=$!
  exec 9<&-
}

clean_up() {
  trap '' INT TERM HUP
  stop_all
  stop_display
  if [ -n "$watcher" ]; then
    exec 8>&-
    kill "$watcher" 2>/dev/null || :
    wait "$watcher" 2>/dev/null || :
  fi
  if [ -n "$scratch" ]; then rm -rf -- "$scratch"; fi
}

on_signal() { # NAME EXIT-CODE
  trap '' INT TERM HUP
  say ''
  say "$1: stopping the daemons of this run"
  exit "$2"
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
  if ! command -v dpkg-query >/dev/null; then
    for tool in meson ninja pkg-config; do
      command -v "$tool" >/dev/null || die 1 "this is no Debian, and $tool is missing; install what Debian calls $*"
    done
    return 0 # meson says which library is missing
  fi
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
  mkdir -p "$build" || die 1 "cannot write to $build; BINARY names a hogwild that is there already"
  exec 9>"$build/run.lock"
  if ! flock -n 9; then
    say 'Another build is under way here; waiting for it'
    await flock 9
  fi
  if ! [ -f "$build/build.ninja" ]; then
    say "Configuring $build"
    wipe=
    if [ -d "$build/meson-private" ]; then wipe=--wipe; fi # one that was interrupted
    # shellcheck disable=SC2086 # an option or nothing
    await meson setup $wipe "$build" "$repository" >"$scratch/setup" 2>&1 || {
      cat "$scratch/setup" >&2
      die 1 'meson setup failed'
    }
  fi
  quiet=--quiet
  if [ -t 1 ]; then quiet=; fi
  say "Building $1"
  # shellcheck disable=SC2086 # an option or nothing
  await ninja $quiet -j "$(build_jobs)" -C "$build" "$1" || die 1 'the build failed'
  exec 9>&-
}

set_up() {
  if [ -n "${BINARY:-}" ]; then
    [ -x "$hogwild" ] || die 1 "BINARY=$BINARY: no program is there"
    return 0
  fi
  # shellcheck disable=SC2086 # a list of names
  install_missing $packages
  (install_missing "$chart_package") || say "Going on without $chart_package: the page of the nodes has tables, no charts."
  build_target daemon/hogwild
}

# ---- Data -----------------------------------------------------------------------------------------------------------

# with_part SOURCE PART: what made-up data and RCV1's original files are called with the part named.
with_part() {
  case $1 in
    synth:*part=* | lyrl2004:*part=*) say "$1" ;;
    synth:*\? | synth:*\& | lyrl2004:*\? | lyrl2004:*\&) say "$1part=$2" ;;
    synth:*\?* | lyrl2004:*\?*) say "$1&part=$2" ;;
    synth:* | lyrl2004:*) say "$1?part=$2" ;;
    *) say "$1" ;;
  esac
}

# start_cache PART SOURCE: begins to write a data set as a cache; pid_cache is 0 where SOURCE is one, or nothing.
start_cache() {
  pid_cache=0
  case $2 in
    '' | *.hwd) return 0 ;;
    synth:*) ;;
    *) [ "$replicas" -gt 1 ] || return 0 ;; # nobody to share it with
  esac
  tied "$hogwild" data convert "$(with_part "$2" "$1")" "$scratch/$1.hwd" </dev/null &
  pid_cache=$!
}

# Data are read once, into caches that all daemons map: a hundred of them hold the rows in memory once.
make_caches() {
  start_cache train "$train"
  pid_train=$pid_cache
  start_cache test "$test"
  if [ "$pid_train" -ne 0 ]; then
    wait "$pid_train" || die $? "cannot use TRAIN=$train, see above"
    train=$scratch/train.hwd
  fi
  if [ "$pid_cache" -ne 0 ]; then
    wait "$pid_cache" || die $? "cannot use TEST=$test, see above"
    test=$scratch/test.hwd
  fi
}

# ---- Shares of the machine ------------------------------------------------------------------------------------------

# CPUs that this shell may use: its affinity, and the quota of its cgroup rounded down.
allowed_cpus() {
  quota=max
  if [ -r /sys/fs/cgroup/cpu.max ]; then quota=$(cat /sys/fs/cgroup/cpu.max); fi
  say "$quota" | awk -v cpus="$(nproc)" '
    $1 + 0 > 0 && $2 + 0 > 0 { quota = int($1 / $2); if (quota < 1) quota = 1; if (quota < cpus) cpus = quota }
    END { print cpus }'
}

# threads_of NUMBER: the CPUs shared out; who comes first gets those that are left over.
threads_of() {
  if [ -n "${HOGWILD_THREADS:-}" ]; then
    say "$HOGWILD_THREADS"
  elif [ "$replicas" -ge "$cpus" ]; then
    say 1
  else
    say "$((cpus / replicas + ($1 <= cpus % replicas)))"
  fi
}

# Everybody tells everybody: so many daemons on so few CPUs would do nothing else each 5 ms, the default. 20,000 datagrams a
# second for each CPU leave most of it to training.
spread_broadcasts() {
  if [ -n "${HOGWILD_BROADCAST_INTERVAL:-}" ] || [ "$mode" != async ]; then return 0; fi
  milliseconds=$((replicas * replicas / (20 * cpus)))
  if [ "$milliseconds" -gt 5 ]; then
    HOGWILD_BROADCAST_INTERVAL=${milliseconds}ms
    export HOGWILD_BROADCAST_INTERVAL
    say "Many daemons for $cpus CPUs: each publishes every $milliseconds ms (HOGWILD_BROADCAST_INTERVAL)"
  fi
}

mebibytes_of() { # FILE
  wc -c 2>/dev/null <"$1" | awk '{ print int($1 / 1048576) + 1 }'
}

# What all daemons take, in MiB: the rows once; in each a base, the test rows laid out, and so much for each feature and
# thread. What is kept for repair comes on top, 64 MiB a daemon at most. Refused where that is not there.
check_memory() {
  case $train in *.hwd) ;; *) return 0 ;; esac # a daemon knows when it has read them, and refuses then
  tests=0
  if [ -f "$test" ]; then tests=$(mebibytes_of "$test"); fi
  rows=$(mebibytes_of "$train")
  each=$("$hogwild" data info "$train" | awk -v tests="$tests" -v threads="$(threads_of 1)" '
    $1 == "features" { features = $2 }
    $1 == "labels" { columns = $2 > 2 ? $2 : 1 }
    END { print int(12 + tests + features * columns * (72 + 16 * threads) / 1048576) }')
  needed=$((rows + replicas * each))
  available=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || :)
  case $limit in
    '' | *[!0-9]*) ;;
    *)
      used=$(awk '$1 == "anon" || $1 == "kernel" || $1 == "shmem" { sum += $2 } END { print int(sum / 1048576) }' \
        /sys/fs/cgroup/memory.stat)
      left=$((limit / 1048576 - used))
      if [ "$left" -lt "$available" ]; then available=$left; fi
      ;;
  esac
  if [ "$needed" -gt "$available" ]; then
    die 1 "$replicas daemons need $needed MiB of memory ($rows MiB of rows once, $each MiB each), and $available MiB are available"
  fi
  say "Memory: $needed MiB ($rows MiB of rows once, $each MiB a daemon), at most 64 MiB a daemon more for repair; $available MiB are available"
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
    --cluster "$cluster" --mode "$mode" --expect "$expect" --threads "$(threads_of "$1")" --out "$out/node-$1" \
    --upload "$upload" --log-level "$level" --log-format text --log-file "$scratch/node-$1.log"
  eval "port_$1=$2"
  if [ -n "$train" ]; then set -- "$@" --train "$train"; fi
  if [ -n "$test" ]; then set -- "$@" --test "$test"; fi
  if [ -n "${HOGWILD_STATE:-}" ]; then set -- "$@" --state "$HOGWILD_STATE/node-$1"; fi
  if [ "$1" -gt 1 ]; then set -- "$@" --join "127.0.0.1:$(port_of 1)"; fi
  if [ "$1" -gt 2 ]; then set -- "$@" --join "127.0.0.1:$(port_of 2)"; fi # where the first one dies early
  number=$1
  shift 2
  : >>"$scratch/node-$number.log"
  tied "$hogwild" node "$@" >"$scratch/node-$number.out" 2>"$scratch/node-$number.err" </dev/null &
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

# signal_all SIGNAL: to every child of this shell (daemons, a build), by the process ids that it has of them itself; also
# to one whose start was interrupted before its id was noted.
signal_all() {
  jobs -p >"$scratch/children"
  while read -r pid; do
    case " $watcher $display_pids " in *" $pid "*) continue ;; esac
    if is_running "$pid"; then kill "-$1" "$pid" 2>/dev/null || :; fi
  done <"$scratch/children"
}

# A daemon that leaves says so to the others and writes its report.
stop_all() {
  [ -n "$scratch" ] && [ -d "$scratch" ] || return 0
  signal_all TERM
  deadline=$(($(date +%s) + 15))
  while any_child_running && [ "$(date +%s)" -lt "$deadline" ]; do sleep 0.1; done
  signal_all KILL
}

any_child_running() {
  while read -r pid; do
    case " $watcher $display_pids " in *" $pid "*) continue ;; esac
    if is_running "$pid"; then return 0; fi
  done <"$scratch/children"
  return 1
}

# ---- What is shown --------------------------------------------------------------------------------------------------

# Evaluations as a table, each once, whoever reports it first; other lines with the name of their node.
start_display() {
  mkfifo "$scratch/lines"
  files=
  number=$first_log
  while [ "$number" -lt "$((first_log + replicas))" ]; do
    files="$files $scratch/$log_prefix$number.log"
    number=$((number + 1))
  done
  flags=
  case $(awk -W version 2>&1 </dev/null) in mawk*) flags='-W interactive' ;; esac
  # shellcheck disable=SC2086 # lists of names
  tail -v -n +1 -s 0.1 --pid="$$" -f $files >"$scratch/lines" 2>/dev/null &
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
    / event=(started|result|result_measures|result_labels|candidate|link|notice) / { next }
    / event=data_(loading|fetched) / { # all load the same
      if (loader == "") loader = node
      if (node != loader) next
    }
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

# event_field NUMBER EVENT NAME: a field of the node's last line of an event; nothing where there is none.
event_field() {
  grep " event=$2 " "$scratch/node-$1.log" | tail -n 1 | sed -n "s/.* $3=\"\{0,1\}\([^ \"]*\).*/\1/p"
}

result_field() { event_field "$1" result "$2"; } # NUMBER NAME

# A number of a log line for people: - where there is none (nan).
rounded() { # NUMBER DIGITS [FACTOR]
  case $1 in
    '' | *[!0-9.e+-]*) printf '%s' - ;;
    *) awk -v number="$1" -v digits="$2" -v factor="${3:-1}" 'BEGIN { printf "%." digits "f", number * factor }' ;;
  esac
}

# Says how each daemon ended that gave no result.
show_endings() {
  failure=1
  number=1
  while [ "$number" -le "$replicas" ]; do
    code=0
    wait "$(pid_of "$number")" 2>/dev/null || code=$?
    eval "pid_$number="
    if ! has_result "$number"; then
      if [ "$code" -ne 0 ] && [ "$failure" -eq 1 ]; then failure=$code; fi
      say "node-$number ended without a result, exit code $code"
      grep -h ' event=\(data_unusable\|failed\|refused_by_run\|name_in_use\|out_unusable\) ' "$scratch/node-$number.log" || :
      cat "$scratch/node-$number.err"
    fi
    number=$((number + 1))
  done
  return "$failure"
}

has_result() { grep -q ' event=result ' "$scratch/node-$1.log" 2>/dev/null; } # NUMBER

all_have_results() {
  number=1
  while [ "$number" -le "$replicas" ]; do
    has_result "$number" || return 1
    number=$((number + 1))
  done
}

# same_models FIRST NUMBER: equal bytes in the files of both; where there are none to look at, the digest says it.
same_models() {
  ! [ -f "$out/node-$1/model.liblinear" ] || cmp -s "$out/node-$1/model.liblinear" "$out/node-$2/model.liblinear"
}

# What the run has given, from the lines of all nodes that finished; 1 where they do not agree.
show_result() {
  finished=
  first=
  number=1
  while [ "$number" -le "$replicas" ]; do
    if has_result "$number"; then
      finished="$finished $number"
      first=${first:-$number}
    fi
    number=$((number + 1))
  done
  if [ -z "$first" ]; then return 1; fi

  digest=$(result_field "$first" digest)
  is_equal=yes
  count=0
  for number in $finished; do
    count=$((count + 1))
    [ "$(result_field "$number" digest)" = "$digest" ] || is_equal=no
    same_models "$first" "$number" || is_equal=no
  done
  for number in $finished; do cat "$scratch/node-$number.out" 2>/dev/null || :; done

  say ''
  say "accuracy   $(rounded "$(result_field "$first" test_accuracy)" 2 100) %   (test loss $(rounded "$(result_field "$first" test_loss)" 5), objective $(rounded "$(result_field "$first" objective)" 5))"
  balanced=$(event_field "$first" result_measures balanced_accuracy)
  area=$(rounded "$(event_field "$first" result_measures roc_auc)" 4)
  micro=$(event_field "$first" result_labels micro_f1)
  if [ -n "$balanced" ]; then
    frequent=$(rounded "$(event_field "$first" result_measures majority_accuracy)" 2 100)
    [ "$area" = - ] && area='' || area=", ROC AUC $area"
    say "measures   balanced accuracy $(rounded "$balanced" 2 100) %$area; the most frequent class alone is right on $frequent %"
  elif [ -n "$micro" ]; then
    say "measures   micro-F1 $(rounded "$micro" 4), macro-F1 $(rounded "$(event_field "$first" result_labels macro_f1)" 4)"
  fi
  say "updates    $(result_field "$first" updates) = $(rounded "$(result_field "$first" epochs)" 2) epochs in $(rounded "$(result_field "$first" seconds)" 3) s, until: $(result_field "$first" stop_reason)"
  if [ "$is_equal" = yes ]; then
    say "digest     $digest, model identical on all $count nodes"
  else
    say 'digest     NOT the same on all nodes:'
    for number in $finished; do say "           node-$number $(result_field "$number" digest)"; done
  fi
  if [ -d "$out/node-$first" ]; then
    say "files      $out/node-$first$([ "$count" -eq 1 ] || printf ' (and those of the other nodes beside it)')"
  fi
  # Of the nodes that know the links the first tells them.
  linked=
  for number in $finished; do
    if grep -q ' event=link ' "$scratch/node-$number.log"; then
      linked=$scratch/node-$number.log
      break
    fi
  done
  if [ -n "$linked" ]; then
    grep ' event=link ' "$linked" |
      sed 's/.* file="\{0,1\}\([^ "]*\)"\{0,1\} url="\{0,1\}\([^ "]*\)"\{0,1\}.*/link       \1  \2/'
  else
    say 'links      none'
  fi
  [ "$is_equal" = yes ]
}

# ---- The run --------------------------------------------------------------------------------------------------------

is_number_in() { # TEXT LEAST MOST
  case $1 in '' | *[!0-9]* | ??????*) return 1 ;; esac
  [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

check_arguments() {
  [ "$#" -le 3 ] || { usage >&2; exit 2; }
  case ${TARGET:-local} in
    local | kubernetes) ;;
    *) die 2 "TARGET=$TARGET: expected local (this machine) or kubernetes" ;;
  esac
  case ${1:-async} in
    async | sync) ;;
    *) usage >&2; die 2 "'$1' is no mode; expected async or sync" ;;
  esac
  is_number_in "${2:-4}" 1 1000 || die 2 "REPLICAS '$2': expected a number from 1 to 1000"
  is_number_in "${3:-1}" 0 3 || die 2 "LOGLEVEL '$3': expected 0, 1, 2 or 3"
  if [ "${TRAIN:-}" = - ]; then die 2 'TRAIN=-: several daemons cannot share standard input; name a file'; fi
}

# The directory of the results belongs to one run at a time; where it is taken, the next one with a number.
take_out_directory() {
  wanted=${OUT:-hogwild-out}
  case $wanted in /*) ;; *) wanted=$PWD/$wanted ;; esac
  out=$wanted
  number=1
  while :; do
    if ! mkdir -p "$out" 2>/dev/null || ! [ -w "$out" ]; then
      die 1 "cannot write to $out; OUT names the directory of the results"
    fi
    exec 7<"$out"
    if flock -n 7; then break; fi
    number=$((number + 1))
    out=$wanted-$number
  done
  if [ "$number" -gt 1 ]; then say "Another run writes its results to $wanted; those of this one go to $out"; fi
}

quoted() { # TEXT: as a shell reads it back
  case $1 in
    *[!A-Za-z0-9_./:@%+=,-]* | '') printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf %s "$1" ;;
  esac
}

show_nodes() {
  number=1
  while [ "$number" -le "$replicas" ]; do
    if [ "$number" -le 8 ] || [ "$number" -eq "$replicas" ]; then
      say "node-$number  http://127.0.0.1:$(($(port_of "$number") + 1))"
    elif [ "$number" -eq 9 ]; then
      say '...'
    fi
    number=$((number + 1))
  done
  sealed=
  if [ -n "${HOGWILD_KEY_FILE:-}" ]; then
    case $HOGWILD_KEY_FILE in /*) sealed=$HOGWILD_KEY_FILE ;; *) sealed=$PWD/$HOGWILD_KEY_FILE ;; esac
    sealed=" --key-file $(quoted "$sealed")"
  fi
  say "More daemons join with: $(quoted "$hogwild") node --cluster $(quoted "$cluster") --join 127.0.0.1:$(port_of 1) --gossip 127.0.0.1:0 --http 127.0.0.1:0$sealed"
}

# Daemons that serve when they have finished go on until somebody ends them.
serve_on() {
  while any_running && ! all_have_results; do sleep 0.2; done
  any_running || return 0
  stop_display
  show_result || :
  say 'Serving the result; Ctrl-C ends it'
  while any_running; do sleep 0.2; done
  exit 0
}

run_here() {
  take_out_directory
  train=${TRAIN:-${HOGWILD_TRAIN:-}}
  test=${TEST:-${HOGWILD_TEST:-}}
  if [ -z "$train" ]; then
    train=synth:rcv1
    test=${test:-synth:rcv1}
  fi
  # Each run is a cluster of its own: daemons of another one on the same ports are never met.
  cluster=${HOGWILD_CLUSTER:-run-${scratch##*.}}
  expect=${HOGWILD_EXPECT:-$replicas}
  cpus=$(allowed_cpus)

  say "Starting $replicas daemons, $mode, threads each: $(threads_of 1), train: $train, test: ${test:-none}, upload: $upload"
  spread_broadcasts
  make_caches
  check_memory
  start_all
  show_nodes
  start_display
  if [ "${HOGWILD_ON_FINISH:-exit}" = serve ]; then serve_on; fi
  while any_running; do sleep 0.1; done
  stop_display
  failure=0
  show_endings || failure=$?
  show_result || exit "$failure"
}

case ${1:-} in
  -h | --help | help)
    usage
    exit 0
    ;;
  build)
    make_scratch
    set_up
    exit 0
    ;;
esac

if [ "${1:-}" = down ]; then
  [ "$#" -eq 1 ] || { usage >&2; exit 2; }
else
  check_arguments "$@"
fi
mode=${1:-async}
level=${3:-1}
upload=${UPLOAD:-${HOGWILD_UPLOAD:-https://transfer.sh}}
make_scratch
if [ "$mode" = down ] || [ "${TARGET:-local}" = kubernetes ]; then
  # shellcheck source=manifests/deploy.sh
  . "$repository/manifests/deploy.sh"
  if [ "$mode" = down ]; then take_down; else deploy "${2:-4}"; fi
  exit
fi
set_up
replicas=${2:-4}
run_here
