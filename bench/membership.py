#!/usr/bin/env python3
"""How fast membership is, what it costs, and whom it wrongly buries; serf beside it where it is installed.

usage: membership.py [--hogwild build/daemon/hogwild] [--nodes 32] [--runs 5] [--serf serf] [PART...]

PARTs (default: all):
  times    all started, late join, kill -9, SIGSTOP, restart under the name, goodbye: seconds until every other knows
  idle     CPU seconds a minute, memory, gossip bytes and packets a second of a node, with nobody asking it
  busy     kill -9 until every survivor knows, while each node trains and every core is busy (hogwild alone)
  loss     false deaths and suspicions in a minute at 10 and 25 % loss
  split    two halves cut off: until all notice, and until all are merged after --cut seconds

Each figure is the median and the worst of --runs. All nodes are on loopback in a network namespace of their own (root,
iproute2, nftables). A time ends when the answer of the last node has arrived; who has given it is not asked again.
Asking costs 20 ms and more a round, with serf 20 ms a node, since each of its answers is a process: its times are too
long by at most that.
"""

import argparse
import contextlib
import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

GOSSIP, STATUS = 20000, 30000  # ports: base + number of the node
CLONE_NEWNET = 0x40000000
LIMIT_SECONDS = 60
libc = ctypes.CDLL(None, use_errno=True)


def wait_until(holds, limit=LIMIT_SECONDS, pause=0.02):
    """Seconds until holds(); nothing when it never does."""
    start = time.monotonic()
    while time.monotonic() - start < limit:
        if holds():
            return time.monotonic() - start
        time.sleep(pause)
    return None


class Node:
    """One process and how to ask it. A member is {name: (state, id)}; the state is alive, suspect, dead or left."""

    def __init__(self, cluster, number):
        self.number, self.name, self.cluster = number, f"n{number}", cluster
        self.log = os.path.join(cluster.directory, self.name)
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=self.in_child)

    def in_child(self):
        libc.prctl(1, signal.SIGKILL)  # ends with this script
        if self.cluster.group_of(self.number):
            os.setgid(self.cluster.group_of(self.number))
            os.setuid(self.cluster.group_of(self.number))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def join_arguments(self):
        return [] if self.number == 0 else [f"127.0.0.1:{GOSSIP}"]


class HogwildNode(Node):
    connection = None

    def command(self):
        return [self.cluster.binary, "node", "--name", self.name, "--gossip", f"127.0.0.1:{GOSSIP + self.number}",
                "--http", f"127.0.0.1:{STATUS + self.number}", "--log-level", "2", "--out", self.log + ".out",
                *self.cluster.arguments, *(part for seed in self.join_arguments() for part in ("--join", seed))]

    def members(self):
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", STATUS + self.number, timeout=5)
            self.connection.request("GET", "/v1/members")
            rows = json.loads(self.connection.getresponse().read())["members"]
            return [(row["name"], row["state"], row["id"]) for row in rows]
        self.connection = None
        return []

    def say_goodbye(self):
        self.process.send_signal(signal.SIGTERM)

    suspicion = re.compile(rb"event=member_suspect .*no ack")
    death = re.compile(rb"event=member_failed ")


class SerfNode(Node):
    """serf in its profile for local networks, asked by `serf members`."""

    def command(self):
        return [self.cluster.binary, "agent", f"-node={self.name}", f"-bind=127.0.0.1:{GOSSIP + self.number}",
                f"-rpc-addr=127.0.0.1:{STATUS + self.number}", "-profile=lan", "-log-level=info",
                *(f"-join={seed}" for seed in self.join_arguments())]

    def members(self):
        asked = subprocess.run([self.cluster.binary, "members", f"-rpc-addr=127.0.0.1:{STATUS + self.number}",
                                "-format=json"], capture_output=True, check=False)
        if asked.returncode != 0:
            return []
        states = {"alive": "alive", "failed": "dead", "left": "left", "leaving": "left"}
        return [(row["name"], states.get(row["status"], row["status"]), row["name"])
                for row in json.loads(asked.stdout)["members"]]

    def say_goodbye(self):
        self.process.send_signal(signal.SIGINT)

    suspicion = re.compile(rb"Suspect \S+ has failed")
    death = re.compile(rb"EventMemberFailed: ")


class Cluster:
    def __init__(self, kind, binary, arguments=(), group_of=lambda number: 0):
        self.kind, self.binary, self.arguments, self.group_of = kind, binary, list(arguments), group_of
        self.directory = tempfile.mkdtemp(prefix="hogwild-bench-")
        os.chmod(self.directory, 0o777)
        self.nodes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            if node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
                node.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def add(self, number):
        node = self.kind(self, number)
        self.nodes.append(node)
        return node

    def boot(self, count):
        """Starts so many back to back; seconds from the last start until all know all."""
        self.add(0)
        if wait_until(lambda: self.live_of(self.nodes[0]) == 1) is None:
            sys.exit(f"{self.binary} does not start: see {self.directory}")
        for number in range(1, count):
            self.add(number)
        return self.until_all_count(count)

    @staticmethod
    def live_of(node):
        return sum(state in ("alive", "suspect") for _, state, _ in node.members())

    def until_all(self, holds, nodes=None, limit=LIMIT_SECONDS):
        """Seconds until holds(members) was true at each; who has answered so is not asked again."""
        waiting = list(nodes or self.nodes)

        def is_over():
            waiting[:] = [node for node in waiting if not holds(node.members())]
            return not waiting
        return wait_until(is_over, limit)

    def until_all_count(self, count, limit=LIMIT_SECONDS):
        return self.until_all(lambda rows: sum(state in ("alive", "suspect") for _, state, _ in rows) == count,
                              limit=limit)

    def id_of(self, name):
        return next(key for n, state, key in self.nodes[0].members() if n == name and state == "alive")

    def until_gone(self, key, state):
        """Of the very process: another of its name may have gone before."""
        return self.until_all(lambda rows: any(k == key and s == state for _, s, k in rows))

    def logged(self, what):
        return sum(len(what.findall(open(node.log, "rb").read())) for node in self.nodes)


# ---- What is measured ----

def times(cluster, options):
    results = {}

    def note(title, seconds):
        results.setdefault(title, []).append(seconds)
    note("all started", cluster.boot(options.nodes))
    time.sleep(3)
    for run in range(options.runs):
        start = time.monotonic()
        late = cluster.add(100 + run)
        if cluster.until_all_count(options.nodes + 1) is not None:
            note("late join", time.monotonic() - start)
        time.sleep(1)
        key = cluster.id_of(late.name)
        cluster.nodes.remove(late)
        late.say_goodbye()
        note("goodbye", cluster.until_gone(key, "left"))
        late.process.wait()
        # Another one each time, at another moment between probes.
        for title, way in (("kill -9", signal.SIGKILL), ("SIGSTOP", signal.SIGSTOP)):
            victim = cluster.nodes.pop(1 + run % (options.nodes - 2))
            key = cluster.id_of(victim.name)
            time.sleep(1 + 0.13 * run)
            victim.process.send_signal(way)
            note(title, cluster.until_gone(key, "dead"))
            victim.kill()
            victim.start()
            cluster.nodes.append(victim)
            note(f"restart after {title}", cluster.until_all_count(options.nodes))
            time.sleep(2)
    return results


def idle(cluster, options):
    cluster.boot(options.nodes)
    time.sleep(10)
    for node in cluster.nodes:
        node.connection = None
    pids = [node.process.pid for node in cluster.nodes]

    def cpu():  # the process's own clock, threads that ended included
        return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids) / 1e9

    def counted():
        listed = json.loads(nft("list counters table inet bench", "-j"))
        return next(x["counter"] for x in listed["nftables"] if "counter" in x)
    seconds, before, packets = 20, cpu(), counted()
    time.sleep(seconds)
    spent, after = cpu() - before, counted()

    def memory(field):
        found = [re.search(rf"^{field}: +(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M) for pid in pids]
        return statistics.mean(int(match.group(1)) for match in found) / 1024
    count = len(pids)
    return {"CPU s/min": [spent / count / seconds * 60], "RSS MiB": [memory("Rss")], "PSS MiB": [memory("Pss")],
            "gossip B/s": [(after["bytes"] - packets["bytes"]) / seconds / count],
            "gossip packets/s": [(after["packets"] - packets["packets"]) / seconds / count]}


def busy(cluster, options):
    cluster.arguments = ["--train", "synth:rcv1?n=20000", "--threads", "1", "--max-time", "10m", "--expect",
                         str(options.nodes), "--on-finish", "serve"]
    cluster.boot(options.nodes)
    time.sleep(8)
    found = []
    for _ in range(min(options.runs, options.nodes - 2)):
        victim = cluster.nodes.pop(1)
        key = cluster.id_of(victim.name)
        time.sleep(0.7)
        victim.kill()
        found.append(cluster.until_gone(key, "dead"))
    return {"kill -9, all cores training": found, "false deaths": [cluster.logged(cluster.kind.death) -
                                                                  len(found) * len(cluster.nodes)]}


def loss(cluster, options):
    cluster.boot(options.nodes)
    time.sleep(3)
    results = {}
    for percent in (10, 25):
        deaths, suspicions = cluster.logged(cluster.kind.death), cluster.logged(cluster.kind.suspicion)
        nft(f"add rule inet bench input meta l4proto {{ tcp, udp }} th dport {GOSSIP}-{GOSSIP + 999} "
            f"numgen random mod 100 < {percent} drop")
        time.sleep(60)
        nft("flush chain inet bench input")
        count_gossip()
        results[f"false deaths, {percent} %"] = [cluster.logged(cluster.kind.death) - deaths]
        results[f"suspicions begun, {percent} %"] = [cluster.logged(cluster.kind.suspicion) - suspicions]
    return results


def split(cluster, options):
    cluster.group_of = lambda number: 61001 + (number % 2)
    cluster.boot(options.nodes)
    time.sleep(3)
    nft("add table inet cut")
    nft("add chain inet cut out { type filter hook output priority 0; }")
    nft("add chain inet cut in { type filter hook input priority 10; }")
    for group in (0, 1):
        ports = ", ".join(str(GOSSIP + node.number) for node in cluster.nodes if node.number % 2 != group)
        nft(f"add rule inet cut out meta skuid {61001 + group} meta mark set {group + 1}")
        nft(f"add rule inet cut in meta mark {group + 1} meta l4proto {{ tcp, udp }} th dport {{ {ports} }} drop")
    start = time.monotonic()
    half = options.nodes // 2
    noticed = cluster.until_all_count(half)
    time.sleep(max(0.0, options.cut - (time.monotonic() - start)))
    nft("delete table inet cut")
    return {"split noticed": [noticed], f"merged after {options.cut:.0f} s": [cluster.until_all_count(options.nodes)]}


# ---- The command ----

def nft(command, *flags):
    return subprocess.run(["nft", *flags, command], capture_output=True, text=True, check=True).stdout


def count_gossip():
    nft(f"add rule inet bench input udp dport {GOSSIP}-{GOSSIP + 999} counter name gossip")


def shown(values):
    known = [value for value in values if value is not None]
    if not known:
        return "never"
    text = f"{statistics.median(known):.3g}"
    if len(values) > 1:
        text += f"  (worst {max(known):.3g} of {len(values)})"
    return text + ("" if len(known) == len(values) else f", {len(values) - len(known)} never")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hogwild", default="build/daemon/hogwild")
    parser.add_argument("--serf", default="serf")
    parser.add_argument("--nodes", type=int, default=32)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cut", type=float, default=30)
    parser.add_argument("--key-file", help="measure sealed traffic (hogwild alone)")
    parser.add_argument("parts", nargs="*", metavar="PART", default=["times", "idle", "busy", "loss", "split"])
    options = parser.parse_args()
    parts = {function.__name__: function for function in (times, idle, busy, loss, split)}
    for part in options.parts:
        if part not in parts:
            parser.error(f"no part {part}: {', '.join(parts)}")
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit("a network namespace of its own needs root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    nft("add table inet bench")
    nft("add counter inet bench gossip")
    nft("add chain inet bench input { type filter hook input priority 0; }")
    count_gossip()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    systems = [("hogwild", HogwildNode, os.path.abspath(options.hogwild))]
    if shutil.which(options.serf) and not options.key_file:
        systems.append(("serf", SerfNode, shutil.which(options.serf)))
    for part in options.parts:
        for name, kind, binary in systems:
            if part == "busy" and kind is SerfNode:
                continue
            arguments = ["--mode", "idle"] if kind is HogwildNode else []
            if options.key_file:
                arguments += ["--key-file", options.key_file]
            with Cluster(kind, binary, arguments) as cluster:
                for title, values in parts[part](cluster, options).items():
                    print(f"{name:8} {options.nodes:4} nodes  {title:30} {shown(values)}", flush=True)


if __name__ == "__main__":
    main()
