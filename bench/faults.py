#!/usr/bin/env python3
"""What faults cost a run: real nodes on this machine, each held to a rate.

    bench/faults.py kill    half of 16 nodes end by SIGKILL in the middle: the time, beside that of the capacity that was there
    bench/faults.py join    a late node, with the data and without: seconds from its start until it lacks nothing
    bench/faults.py end     10 % of the datagrams lost: seconds from the order to stop until the last node holds the final state
    bench/faults.py repair  1, 10 and 30 % lost: deltas that came again, as a share of those sent first

Needs nothing but Python's standard library. `--hogwild BIN` where it is not build/daemon/hogwild; `--runs N` prints all N.
"""

import argparse
import datetime
import json
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request


class Node:
    """A daemon of this machine; `where` is what others join."""

    def __init__(self, hogwild, directory, name, *flags):
        self.log = directory / f"log-{name}"
        self.out = directory / f"out-{name}"
        self.begun = time.monotonic()
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                [hogwild, "node", "--name", name, "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--threads", "1",
                 "--log-level", "2", "--out", self.out, *map(str, flags)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stream)
        found = self.wait_for(r"event=started .*?gossip=(\S+) http=(\S+)")
        self.where, self.http = found.groups()

    def wait_for(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.log.read_text())):
            if time.monotonic() > end or self.process.poll() not in (None, 0):
                raise SystemExit(f"no {pattern} in the log of a node: {self.log.read_text()[-2000:]}")
            time.sleep(0.005)
        return found

    def said_at(self, event):
        """Unix time of the first such line."""
        text = self.wait_for(rf"(?m)^(\S+)Z event={event}\b").group(1)
        return datetime.datetime.fromisoformat(text + "+00:00").timestamp()

    def get(self, path):
        with urllib.request.urlopen(self.http + path, timeout=10) as answer:
            return answer.read()

    def status(self):
        return json.loads(self.get("/v1/status"))

    def metric(self, name):
        return float(re.search(rf"(?m)^{re.escape(name)} (\S+)$", self.get("/metrics").decode()).group(1))

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def swarm(options, directory, count, *flags):
    nodes = []
    for number in range(1, count + 1):
        join = ["--join", nodes[0].where] if nodes else []
        nodes.append(Node(options.hogwild, directory, f"node-{number}", "--train", options.data, "--expect", count,
                          *flags, *join))
    return nodes


def wait_for_updates(node, updates):
    while (done := node.status()["training"]["updates_total"] or 0) < updates:
        time.sleep(0.005)
    return done


def kill(options, directory):
    rate, updates = 5000, 160_000
    nodes = swarm(options, directory, 16, "--rate", rate, "--updates", updates)
    try:
        done = wait_for_updates(nodes[0], updates / 2)
        victims = random.sample(nodes, 8)
        at = time.time()
        for node in victims:
            node.process.send_signal(signal.SIGKILL)
        left = [node for node in nodes if node not in victims]
        for node in left:
            if node.process.wait(120) != 0:
                raise SystemExit("a survivor failed")
        took = min(node.said_at("stopping") for node in left) - at
        results = [json.loads((node.out / "report.json").read_text())["result"] for node in left]
        if len({result["state_digest"] for result in results}) != 1:
            raise SystemExit("survivors ended with different states")
        capacity = (updates - done) / (8 * rate)
        total = results[0]["elapsed_seconds"]
        print(f"after the kill {took:.2f} s, the capacity's time {capacity:.2f} s: {took / capacity:.2f} times; "
              f"the whole run {total / (total - took + capacity):.2f} times; objective {results[0]['objective']:.5f}", flush=True)
    finally:
        for node in nodes:
            node.end()


def join(options, directory):
    nodes = swarm(options, directory, 4, "--rate", 5000, "--epochs", 50)
    try:
        wait_for_updates(nodes[0], 40_000)
        for what, flags in (("with the data", ["--train", options.data]), ("without", [])):
            late = Node(options.hogwild, directory, what.replace(" ", "-"), "--join", nodes[0].where, "--rate", 5000, *flags)
            nodes.append(late)
            equal = None
            while not (status := late.status())["training"]["node_updates_total"]:
                if equal is None and status["run"] and status["replica"]["divergence"] == 0:
                    equal = time.monotonic() - late.begun
                if time.monotonic() - late.begun > 60:
                    raise SystemExit("a late node does not train")
                time.sleep(0.005)
            trains = time.monotonic() - late.begun
            print(f"{what}: lacks nothing after {equal or trains:.2f} s, trains after {trains:.2f} s", flush=True)
    finally:
        for node in nodes:
            node.end()


def end(options, directory):
    for count in (4, 16):
        nodes = swarm(options, directory, count, "--rate", 10_000, "--updates", 100_000, "--fault",
                      "drop=0.1,dup=0.05,reorder=0.1")
        try:
            for node in nodes:
                if node.process.wait(120) != 0:
                    raise SystemExit("a node failed")
            ordered = min(node.said_at("stopping") for node in nodes)
            held = max(node.said_at("final_state_confirmed") for node in nodes)
            result = max(node.said_at("result") for node in nodes)
            print(f"{count} nodes: all hold the final state after {held - ordered:.2f} s, have written it after {result - ordered:.2f} s",
                  flush=True)
        finally:
            for node in nodes:
                node.end()


def repair(options, directory):
    for share in (0.01, 0.1, 0.3):
        nodes = swarm(options, directory, 8, "--rate", 10_000, "--updates", 400_000, "--on-finish", "serve", "--fault",
                      f"drop={share}")
        try:
            for node in nodes:
                while node.status()["node"]["state"] != "finished":
                    time.sleep(0.05)
            first = sum(node.status()["replica"]["published_seq"] for node in nodes) * (len(nodes) - 1)
            # What came twice, or after it was asked for, was sent again; of what was sent again a share was lost, too.
            came = sum(node.metric(f"hogwild_delta_{what}_total") for node in nodes for what in ("repaired", "duplicate"))
            again = came / (1 - share) / first
            print(f"{100 * share:.0f} % lost: {again:.4f} of {first} sent again; p/(1 - p) is {share / (1 - share):.4f}", flush=True)
        finally:
            for node in nodes:
                node.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kill", "join", "end", "repair"])
    parser.add_argument("--hogwild", default="build/daemon/hogwild")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hogwild-faults-"))
    try:
        options.data = directory / "train.hwd"
        subprocess.run([options.hogwild, "data", "convert", "synth:rcv1?n=200000", options.data], check=True, stdout=subprocess.DEVNULL)
        for _ in range(options.runs):
            globals()[options.what](options, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
