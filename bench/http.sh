#!/bin/sh
# How fast a node answers: /v1/status beside nginx with a static file of the same size, both with 32 keep-alive connections,
# while the node is at rest and while it trains on every core; and what a scrape each second and an open page cost training.
# The processor's time for a request is told too, which other work on the machine changes less than it changes the rest.
#
#   sh bench/http.sh BINARY [SECONDS]      needs wrk, nginx and curl; everything listens on 127.0.0.1
set -eu

hogwild=$1
seconds=${2:-5}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hogwild-bench.XXXXXX")
chmod 755 "$scratch" # nginx reads as another user
pids=
stop_all() {
  for pid in $pids; do kill "$pid" 2>/dev/null || :; done
  wait
  rm -rf -- "$scratch"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# node NAME ARGUMENT...: starts a daemon; its address is in $address.
node() {
  name=$1
  shift
  env -u HOGWILD_THREADS "$hogwild" node --name "$name" --gossip 127.0.0.1:0 --http 127.0.0.1:0 --out "$scratch/$name" "$@" \
    >"$scratch/$name.log" 2>&1 &
  node_pid=$!
  pids="$pids $node_pid"
  while ! address=$(sed -n 's|.* event=started .* http="\{0,1\}http://\([^ "]*\).*|\1|p' "$scratch/$name.log" | grep .); do sleep 0.1; done
}

state() { curl -s "http://$1/v1/status" | sed 's/.*"state":"\([a-z]*\)".*/\1/'; }
await() { while [ "$(state "$1")" != "$2" ]; do sleep 0.2; done; }
updates() { curl -s "http://$1/v1/status" | sed 's/.*"updates_total":\([0-9]*\).*/\1/'; }

# cpu PID: milliseconds that the process and its children have used; 0 where it is not wanted.
cpu() {
  if [ "$1" = - ]; then echo 0 && return; fi
  for stat in "/proc/$1/stat" $(sed 's|\([0-9]*\) *|/proc/\1/stat |g' "/proc/$1/task/$1/children"); do
    sed 's/.*) //' "$stat"
  done | awk -v hertz="$(getconf CLK_TCK)" '{ ticks += $12 + $13 } END { print ticks * 1000 / hertz }'
}

# measure NAME PID URL [SCRIPT]: requests a second, latencies, and the time of the processor that a request took.
measure() {
  before=$(cpu "$2")
  wrk -t 1 -c 32 -d "${seconds}s" --latency ${4:+-s "$4"} "$3" >"$scratch/wrk"
  awk -v name="$1" -v cpu=$(($(cpu "$2") - before)) '$1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 } $1 == "Requests/sec:" { rate = $2 } /requests in/ { count = $1 } /Non-2xx|Socket errors/ { bad = $0 }
    END { printf "%-38s %8.0f/s  p50 %-9s p99 %-9s %s %s\n", name, rate, p50, p99, cpu ? sprintf("CPU %.1f us", cpu * 1000 / count) : "", bad }' "$scratch/wrk"
}

# speed ADDRESS: updates a second over the time of one measurement.
speed() {
  before=$(updates "$1")
  sleep "$seconds"
  echo $((($(updates "$1") - before) / seconds))
}

node rest --train 'synth:rcv1?n=20000' --test 'synth:rcv1?n=2000&part=test' --epochs 1 --on-finish serve
rest=$address rest_pid=$node_pid
await "$rest" finished
curl -s "http://$rest/v1/status" >"$scratch/status.json"
cat >"$scratch/nginx.conf" <<END
worker_processes 1; pid $scratch/nginx.pid; error_log $scratch/nginx.log; daemon off;
events { worker_connections 256; }
http { access_log off; default_type application/json; keepalive_requests 1000000000;
  server { listen 127.0.0.1:7480; root $scratch; } }
END
PATH=$PATH:/usr/sbin nginx -c "$scratch/nginx.conf" -e "$scratch/nginx.log" &
nginx_pid=$!
pids="$pids $nginx_pid"
sleep 0.5

printf 'answer: %s bytes\n' "$(wc -c <"$scratch/status.json")"
for round in 1 2 3; do
  measure "nginx, static file ($round)" "$nginx_pid" http://127.0.0.1:7480/status.json
  measure "node at rest ($round)" "$rest_pid" "http://$rest/v1/status"
done

node busy --train 'synth:rcv1?n=200000' --test 'synth:rcv1?n=5000&part=test' --max-time 600s --early-stopping 0
busy=$address
await "$busy" training
measure 'node training on every core (all)' - "http://$busy/v1/status"
echo 'function delay() return 50 end' >"$scratch/pause.lua"
measure 'the same, clients that pause 50 ms' - "http://$busy/v1/status" "$scratch/pause.lua"
alone=$(speed "$busy")
(while :; do curl -s -o "$scratch/metrics" "http://$busy/metrics" || break; sleep 1; done) &
pids="$pids $!"
curl -sN "http://$busy/v1/events" >"$scratch/events" &
pids="$pids $!"
watched=$(speed "$busy")
again=$(speed "$busy")
printf 'updates a second: %s alone, %s and %s with a scrape a second and a page\n' "$alone" "$watched" "$again"
