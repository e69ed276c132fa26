#!/bin/sh
# How fast a node answers: /v1/status beside nginx with a static file of the same size, both with 32 keep-alive connections,
# while the node is at rest and while it trains on every core; and what a scrape each second and an open page cost training.
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
  pids="$pids $!"
  while ! address=$(sed -n 's|.* event=started .* http="\{0,1\}http://\([^ "]*\).*|\1|p' "$scratch/$name.log" | grep .); do sleep 0.1; done
}

state() { curl -s "http://$1/v1/status" | sed 's/.*"state":"\([a-z]*\)".*/\1/'; }
await() { while [ "$(state "$1")" != "$2" ]; do sleep 0.2; done; }
updates() { curl -s "http://$1/v1/status" | sed 's/.*"updates_total":\([0-9]*\).*/\1/'; }

# measure NAME URL [SCRIPT]: requests a second and latencies.
measure() {
  wrk -t 1 -c 32 -d "${seconds}s" --latency ${3:+-s "$3"} "$2" >"$scratch/wrk"
  awk -v name="$1" '$1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 } $1 == "Requests/sec:" { rate = $2 } /Non-2xx|Socket errors/ { bad = $0 }
    END { printf "%-34s %10.0f/s   p50 %-9s p99 %-9s %s\n", name, rate, p50, p99, bad }' "$scratch/wrk"
}

# speed ADDRESS: updates a second over the time of one measurement.
speed() {
  before=$(updates "$1")
  sleep "$seconds"
  echo $((($(updates "$1") - before) / seconds))
}

node rest --train 'synth:rcv1?n=20000' --test 'synth:rcv1?n=2000&part=test' --epochs 1 --on-finish serve
rest=$address
await "$rest" finished
curl -s "http://$rest/v1/status" >"$scratch/status.json"
cat >"$scratch/nginx.conf" <<END
worker_processes 1; pid $scratch/nginx.pid; error_log $scratch/nginx.log; daemon off;
events { worker_connections 256; }
http { access_log off; default_type application/json; keepalive_requests 1000000000;
  server { listen 127.0.0.1:7480; root $scratch; } }
END
PATH=$PATH:/usr/sbin nginx -c "$scratch/nginx.conf" -e "$scratch/nginx.log" &
pids="$pids $!"
sleep 0.5

printf 'answer: %s bytes\n' "$(wc -c <"$scratch/status.json")"
for round in 1 2 3; do
  measure "nginx, static file ($round)" http://127.0.0.1:7480/status.json
  measure "node at rest ($round)" "http://$rest/v1/status"
done

node busy --train 'synth:rcv1?n=200000' --test 'synth:rcv1?n=5000&part=test' --max-time 600s
busy=$address
await "$busy" training
measure 'node training on every core' "http://$busy/v1/status"
echo 'function delay() return 50 end' >"$scratch/pause.lua"
measure 'the same, clients that pause 50 ms' "http://$busy/v1/status" "$scratch/pause.lua"
alone=$(speed "$busy")
(while :; do curl -s -o "$scratch/metrics" "http://$busy/metrics" || break; sleep 1; done) &
pids="$pids $!"
curl -sN "http://$busy/v1/events" >"$scratch/events" &
pids="$pids $!"
watched=$(speed "$busy")
again=$(speed "$busy")
printf 'updates a second: %s alone, %s and %s with a scrape a second and a page\n' "$alone" "$watched" "$again"
