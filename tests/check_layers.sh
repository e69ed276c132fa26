#!/bin/sh
# Checks what the folders may know of each other: prints each line that breaks a rule, and fails where there is one.
set -eu
cd "$(dirname -- "$0")/.."
broken=0

# lines_of FOLDER...: FILE:LINE:TEXT of its sources without comments.
lines_of() {
  find "$@" -name '*.[ch]pp' -exec awk '{ sub(/\/\/.*/, ""); print FILENAME ":" FNR ":" $0 }' {} +
}

# forbid RULE PATTERN FOLDER...
forbid() {
  rule=$1
  pattern=$2
  shift 2
  if found=$(lines_of "$@" | grep -E "$pattern"); then
    printf '%s:\n%s\n' "$rule" "$found"
    broken=1
  fi
}

for folder in membership sgd http; do
  if found=$(lines_of "$folder" | grep '#include "' | grep -v "#include \"$folder/"); then
    printf '%s/ includes another folder:\n%s\n' "$folder" "$found"
    broken=1
  fi
done
forbid 'only daemon/ may read a clock, ask for randomness, or log' \
  '(steady_clock|system_clock|high_resolution_clock)::now|random_device|spdlog' membership sgd
forbid 'only daemon/ may ask for randomness or log' 'random_device|spdlog' http
# What waits, expires or is measured must not follow an operator who sets the clock: only dates for people do.
if found=$(lines_of daemon http membership sgd | grep -E 'system_clock::now|CLOCK_REALTIME|gettimeofday' |
  grep -vE '^daemon/(client_command|logging|node|node_events|node_status)\.cpp:'); then
  printf 'the wall clock is read where no date is shown:\n%s\n' "$found"
  broken=1
fi
forbid 'only daemon/ and http/ may name sockets' '<sys/socket\.h>|<netinet/|<arpa/|boost/asio|boost/beast' membership sgd
forbid 'membership/ is standard C++ alone' '#include <(boost|fmt|eigen3|Eigen|zlib)' membership
forbid 'cores do not sleep or lock' 'sleep_for|sleep_until|std::mutex|\.detach\(\)' membership sgd/learn sgd/replica
exit "$broken"
