#!/usr/bin/env python3
"""Time to 1 % of the optimum with N nodes, each held to a rate: what more machines bring.

    bench/scaling.py [--hogwild BIN] [--nodes 1,2,4,8] [--rate 20000] [--fault drop=0.1] [--runs 1] [NODE FLAGS...]
    bench/scaling.py --netlab NETLAB [--loss 10%] ...

The nodes are processes of this machine; --rate makes them slow enough for its cores. With --netlab each is a host of its
own, in a network namespace that NETLAB (see tests/e2e/test_network.py) makes, and --loss is lost of what leaves it. Each point is a run that stops
after a number of updates, and whose report has the objective over the training set. Time and updates at the target are
interpolated between the two runs around it, on a logarithmic scale of the distance to the optimum. Needs nothing but
Python's standard library.
"""

import argparse
import json
import math
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

OPTIMUM = 0.25986  # of synth:rcv1, lambda 1e-4, no intercept: LIBLINEAR's dual solver at -e 1e-6
TARGET = 1.01 * OPTIMUM


class Hosts:
    """Namespaces for as many nodes as asked for."""

    def __init__(self, netlab, count, loss):
        self._netlab = netlab
        self._call("up", count)
        if loss:
            self._call("loss", "all", loss)

    def _call(self, *arguments):
        subprocess.run([self._netlab, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    def command(self, number):
        return [self._netlab, "exec", str(number)]

    def down(self):
        self._call("down")


def run_once(options, directory, nodes, updates, hosts):
    """Seconds from the first update to the stop, updates, and the objective."""
    processes = []
    join = []
    try:
        for number in range(1, nodes + 1):
            log = directory / f"log-{number}"
            with log.open("wb") as stream:
                where = ["--gossip", "127.0.0.1:0"]
                if hosts:
                    where = ["--gossip", f"10.77.0.{number}:7420", "--insecure"]
                processes.append(subprocess.Popen(
                    [*(hosts.command(number) if hosts else []), options.hogwild, "node", "--name", f"node-{number}", *where,
                     "--http", "127.0.0.1:0", "--train", str(directory / "train.hwd"), "--threads", "1", "--rate", str(options.rate), "--expect", str(nodes),
                     "--updates", str(updates), "--out", str(directory / f"out-{number}"), *join, *options.more],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stream))
            if not join:
                end = time.monotonic() + 30
                while not (found := re.search(rb"event=started .*?gossip=(\S+)", log.read_bytes())):
                    if time.monotonic() > end:
                        raise SystemExit(f"a node does not start: {log.read_text()}")
                    time.sleep(0.01)
                join = ["--join", found.group(1).decode()]
        for process in processes:
            if process.wait(300) != 0:
                raise SystemExit(f"a node ended with {process.returncode}")
    finally:
        for process in processes:
            process.kill()
            process.wait()
    reports = [json.loads((directory / f"out-{number}" / "report.json").read_text())["result"]
               for number in range(1, nodes + 1)]
    if len({report["state_digest"] for report in reports}) != 1:
        raise SystemExit("the nodes ended with different states")
    return reports[0]["elapsed_seconds"], reports[0]["updates"], reports[0]["objective"]


def at_target(points):
    """(seconds, updates) at the target, from points (seconds, updates, objective) by updates."""
    below = next((i for i, point in enumerate(points) if point[2] <= TARGET), None)
    if below is None or below == 0:
        return points[-1 if below is None else 0][:2], below == 0
    first, second = points[below - 1], points[below]
    gap = [math.log(max(point[2] - OPTIMUM, 1e-9)) for point in (first, second)]
    share = (gap[0] - math.log(TARGET - OPTIMUM)) / (gap[0] - gap[1])
    return tuple(a + share * (b - a) for a, b in zip(first[:2], second[:2])), True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hogwild", default="build/daemon/hogwild")
    parser.add_argument("--nodes", default="1,2,4,8")
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("--runs", type=int, default=1, help="of each point; the median counts")
    parser.add_argument("--netlab", type=pathlib.Path)
    parser.add_argument("--loss", help="such as 10%%; needs --netlab")
    parser.add_argument("--updates", default="80000,100000,120000,140000,160000,200000,240000")
    options, options.more = parser.parse_known_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hogwild-scaling-"))
    hosts = None
    try:
        subprocess.run([options.hogwild, "data", "convert", f"synth:rcv1?n={options.rows}", directory / "train.hwd"],
                       check=True, stdout=subprocess.DEVNULL)
        print(f"{'nodes':>5} {'seconds':>8} {'updates':>8} {'speed-up':>8}   at the target, objective {TARGET:.5f}")
        alone = None
        if options.netlab:
            hosts = Hosts(options.netlab.resolve(), max(map(int, options.nodes.split(","))), options.loss)
        for nodes in map(int, options.nodes.split(",")):
            points = []
            for updates in map(int, options.updates.split(",")):
                runs = [run_once(options, directory, nodes, updates, hosts) for _ in range(options.runs)]
                points.append(tuple(statistics.median(column) for column in zip(*runs)))
                if points[-1][2] <= TARGET:
                    break
            (seconds, updates), is_reached = at_target(points)
            alone = alone or seconds * nodes
            mark = "" if is_reached else "   not reached"
            print(f"{nodes:>5} {seconds:>8.2f} {updates:>8.0f} {alone / seconds:>8.2f}{mark}", flush=True)
    finally:
        if hosts:
            hosts.down()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
