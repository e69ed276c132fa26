#!/usr/bin/env python3
"""Synchronous runs beside asynchronous ones, and how long they stand still when their coordinator goes.

    python3 bench/rounds.py time     [--hogwild build/daemon/hogwild] [--nodes 1,2,4,8] [--modes sync,async] [--runs 3]
    python3 bench/rounds.py failover [--hogwild build/daemon/hogwild] [--nodes 4,16] [--runs 3]

time: N daemons on this machine with one thread and --rate 20000 each train synth:rcv1 with lambda 1e-4 for 200,000
updates together, which is enough for an objective within 1 % of OPTIMUM (LIBLINEAR's, without bias); what it was in the
end is printed. Seconds are the run's own, from its first update to the last. Modes take turns; medians.

failover: N daemons as fast as the cores go; the coordinator is killed (SIGKILL) or stopped (SIGSTOP); seconds until
a survivor shows a later round of a newer term.

    python3 bench/rounds.py kills    [--hogwild build/daemon/hogwild] [--runs 10]

kills: four daemons at --rate 20000 for 15 s; the coordinator and then its successor are killed at random moments. The
survivors must end with one digest.
"""
import argparse
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

OPTIMUM = 0.25986
RATE = 20000
UPDATES = 200_000
TEST = "synth:rcv1?part=test"


def environment():
    return {key: value for key, value in os.environ.items() if not key.startswith("HOGWILD_")}


class Swarm:
    def __init__(self, hogwild, directory, count, *arguments):
        self.processes, self.http, self.out = [], [], []
        seed = []
        for number in range(1, count + 1):
            self.out.append(Path(directory) / f"node-{number}")
            log = Path(directory) / f"node-{number}.log"
            # A port that is free for TCP may be taken for UDP: another one is.
            while not (found := self._start(hogwild, log, number, count, *arguments, *seed)):
                pass
            self.http.append(found.group(2))
            seed = seed or ["--join", found.group(1)]

    def _start(self, hogwild, log, number, count, *arguments):
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [hogwild, "node", "--name", f"node-{number}", "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0",
                 "--threads", "1", "--expect", str(count), "--out", self.out[-1], *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sink, env=environment())
        while not (found := re.search(r"event=started .*?gossip=(\S+) http=\"?http://([^\s\"]+)", log.read_text())):
            if process.poll() is not None:
                if "Address already in use" in log.read_text():
                    return None
                sys.exit(log.read_text())
            time.sleep(0.01)
        self.processes.append(process)
        return found

    def status(self, number):
        with urllib.request.urlopen(f"http://{self.http[number]}/v1/status", timeout=5) as answer:
            return json.load(answer)

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            process.wait()


def time_of(hogwild, mode, count, train):
    """(seconds, updates, objective) of one run."""
    with tempfile.TemporaryDirectory() as directory:
        swarm = Swarm(hogwild, directory, count, "--train", train, "--mode", mode, "--lambda", "1e-4", "--rate", str(RATE),
                      "--updates", str(UPDATES), "--early-stopping", "0", "--log-level", "0")
        try:
            for process in swarm.processes:
                process.wait(120)
            report = json.loads((swarm.out[0] / "report.json").read_text())["result"]
            last = (swarm.out[0] / "val_stats.csv").read_text().splitlines()[-1]
        finally:
            swarm.end()
    return float(last.split(",")[0]), report["updates"], report["objective"]


def failover(hogwild, count, sign, train, test):
    with tempfile.TemporaryDirectory() as directory:
        swarm = Swarm(hogwild, directory, count, "--train", train, "--test", test, "--mode", "sync", "--max-time", "60s",
                      "--early-stopping", "0", "--log-level", "0", "--epochs", "100000")
        try:
            watcher = count - 1
            while ((status := swarm.status(watcher))["training"]["round"] or 0) < 50 or not status["cluster"]["coordinator"]:
                time.sleep(0.05)
            term = status["cluster"]["coordinator"]["term"]
            victim = int(status["cluster"]["coordinator"]["name"].split("-")[1]) - 1
            if victim == watcher:
                watcher = 0
            swarm.processes[victim].send_signal(sign)
            begin = time.monotonic()
            seen = None
            while True:
                status = swarm.status(watcher)
                now = time.monotonic() - begin
                leader = status["cluster"]["coordinator"]
                if leader and leader["term"] > term:
                    if seen is not None and status["training"]["round"] > seen:
                        return now
                    seen = status["training"]["round"] if seen is None else seen
                if now > 30:
                    sys.exit(f"no rounds after 30 s: {status}")
                time.sleep(0.01)
        finally:
            swarm.end()


def kills(hogwild, train, test):
    """(digests, accuracies) of the survivors."""
    with tempfile.TemporaryDirectory() as directory:
        swarm = Swarm(hogwild, directory, 4, "--train", train, "--test", test, "--mode", "sync", "--max-time", "15s",
                      "--early-stopping", "0", "--log-level", "0", "--rate", str(RATE))
        try:
            alive = [0, 1, 2, 3]
            while (swarm.status(3)["training"]["round"] or 0) < 10:
                time.sleep(0.02)
            term = 0
            for _ in range(2):
                time.sleep(random.uniform(0, 2))
                while not ((leader := swarm.status(alive[-1])["cluster"]["coordinator"]) and leader["term"] > term):
                    time.sleep(0.02)
                term = leader["term"]
                victim = int(leader["name"].split("-")[1]) - 1
                swarm.processes[victim].kill()
                alive.remove(victim)
            for number in alive:
                swarm.processes[number].wait(120)
            results = [json.loads((swarm.out[number] / "report.json").read_text())["result"] for number in alive]
        finally:
            swarm.end()
    return {one["state_digest"] for one in results}, [one["test_accuracy"] for one in results]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["time", "failover", "kills"])
    parser.add_argument("--hogwild", default="build/daemon/hogwild")
    parser.add_argument("--nodes", default=None)
    parser.add_argument("--modes", default="sync,async")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        train, test = work / "train.hwd", work / "test.hwd"
        for source, cache in (("synth:rcv1?part=train", train), (TEST, test)):
            subprocess.run([options.hogwild, "data", "convert", source, cache], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        nodes = [int(n) for n in (options.nodes or ("1,2,4,8" if options.what == "time" else "4,16")).split(",")]
        if options.what == "failover":
            for count in nodes:
                for name, sign in (("SIGKILL", signal.SIGKILL), ("SIGSTOP", signal.SIGSTOP)):
                    times = [failover(options.hogwild, count, sign, train, test) for _ in range(options.runs)]
                    print(f"{count} nodes, {name}: median {statistics.median(times):.2f} s, worst {max(times):.2f} s", flush=True)
            return
        if options.what == "kills":
            for run in range(options.runs):
                digests, accuracies = kills(options.hogwild, train, test)
                print(f"run {run + 1}: {len(digests)} digest(s), accuracy {min(accuracies):.4f}", flush=True)
                if len(digests) != 1:
                    sys.exit(1)
            return
        alone = {}
        for count in nodes:
            results = {mode: [] for mode in options.modes.split(",")}
            for _ in range(options.runs):
                for mode, found in results.items():
                    found.append(time_of(options.hogwild, mode, count, train))
            for mode, found in results.items():
                seconds, updates, objective = (statistics.median(column) for column in zip(*found))
                alone.setdefault(mode, seconds * count)
                print(f"{mode:5} {count:3} nodes: {seconds:6.2f} s, {alone[mode] / seconds:5.2f} times one node, "
                      f"{updates:.0f} updates, objective {objective:.5f} ({100 * (objective / OPTIMUM - 1):+.2f} %)",
                      flush=True)


if __name__ == "__main__":
    main()
