#!/usr/bin/env python3
"""Runs a training with different numbers of nodes and modes, and draws what came of it into one HTML file.

    python3 bench/sweep.py --replicas 1,2,4,8 --mode async,sync
    python3 bench/sweep.py --replicas 1,2,4 --train rcv1.svm.gz --test rcv1.t.svm --rate none -- --lambda 1e-5

Everything runs on this machine. Where nodes share cores, a node more makes all others slower; `--rate` gives each the
same number of updates a second instead, as if it had cores of its own, so that the figures show what the cluster loses
and not what the machine lacks. What follows `--` goes to each `hogwild node`.

Into --out it writes sweep.html (curves of the loss, time to the target, speed-up, updates a second), sweep.csv (a line a
run) and each node's own files and log. The target is a test loss: --target, or 1 % above the least of all runs.
"""

import argparse
import csv
import html
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
START_SECONDS = 60  # until a node says where it listens
END_SECONDS = 30  # from SIGTERM to the end


class Failure(Exception):
    """A run that gave no result; the text says why."""


# ---- Runs -----------------------------------------------------------------------------------------------------------


class Swarm:
    """The nodes of one run; gone when it is left."""

    def __init__(self, options, mode, replicas, out):
        self.options, self.mode, self.replicas, self.out = options, mode, replicas, out
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self, number):
        return self.out / f"node-{number}.log"

    def start(self, number, seed):
        options = self.options
        command = [options.hogwild, "node", "--name", f"node-{number}", "--cluster", f"sweep-{os.getpid()}", "--mode",
                   self.mode, "--expect", self.replicas, "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--threads",
                   options.threads, "--train", options.train, "--test", options.test, "--epochs", options.epochs,
                   "--loss-interval", options.loss_interval, "--out", self.out / f"node-{number}", "--log-level", 1]
        if "--early-stopping" not in options.more:
            command += ["--early-stopping", 0]  # all runs go through as many epochs
        if options.rate != "none":
            command += ["--rate", options.rate]
        if seed:
            command += ["--join", seed]
        with self.log(number).open("wb") as log:
            self.processes.append(subprocess.Popen([str(word) for word in [*command, *options.more]], stdout=log, stderr=log,
                                                   stdin=subprocess.DEVNULL, env=options.environment))

    def await_gossip(self, number):
        """Where the node listens for its peers."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            text = self.log(number).read_text(errors="replace")
            if found := re.search(r" event=started .*?gossip=(\S+)", text):
                return found.group(1)
            if self.processes[number - 1].poll() is not None:
                break
            time.sleep(0.02)
        raise Failure(f"node-{number} did not start: {last_line(self.log(number))}")

    def run(self):
        self.out.mkdir(parents=True, exist_ok=True)
        self.start(1, None)
        seed = self.await_gossip(1)
        for number in range(2, self.replicas + 1):
            self.start(number, seed)
        end = time.monotonic() + self.options.limit
        for number, process in enumerate(self.processes, 1):
            try:
                code = process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise Failure(f"node-{number} still runs after {self.options.limit:g} s") from None
            if code != 0:
                raise Failure(f"node-{number} ended with exit code {code}: {last_line(self.log(number))}")


def last_line(path):
    lines = path.read_text(errors="replace").strip().splitlines()
    return next((line for line in reversed(lines) if "reason=" in line or line.startswith("hogwild")),
                lines[-1] if lines else "it said nothing")


def measure(options, mode, replicas, number):
    """One run: its figures and its curve of (seconds, updates, test loss, test accuracy)."""
    out = options.out / f"{mode}-{replicas}-{number}"
    with Swarm(options, mode, replicas, out) as swarm:
        swarm.run()
    reports = [json.loads((out / f"node-{node}" / "report.json").read_text()) for node in range(1, replicas + 1)]
    if len({report["result"]["state_digest"] for report in reports}) != 1:
        raise Failure(f"the nodes of {out} ended with different models")
    with (out / "node-1" / "val_stats.csv").open() as rows:
        curve = [(float(row["t_seconds"]), int(row["updates"]), float(row["loss"] or "nan"),
                  float(row["accuracy"] or "nan")) for row in csv.DictReader(rows)]
    result = reports[0]["result"]
    seconds = result["elapsed_seconds"] or (curve[-1][0] if curve else math.nan)
    return {"mode": mode, "replicas": replicas, "run": number, "seconds": seconds, "updates": result["updates"],
            "epochs": result["epochs"], "updates_per_second": result["updates"] / seconds if seconds else math.nan,
            "test_loss": result["test_loss"], "test_accuracy": result["test_accuracy"],
            "stop_reason": result["stop_reason"], "curve": curve}


def time_to(curve, target):
    """Seconds until the test loss was at or under the target, between two evaluations on the line that joins them."""
    before = None
    for seconds, _, loss, _ in curve:
        if loss <= target:
            if before is None or not before[1] > target:
                return seconds
            return before[0] + (seconds - before[0]) * (before[1] - target) / (before[1] - loss)
        before = (seconds, loss)
    return math.nan


def median(values):
    known = [value for value in values if value is not None and math.isfinite(value)]
    return statistics.median(known) if known else math.nan


def summarize(runs):
    """A row for each mode and number of nodes: medians, and the speed-up over the fewest nodes of that mode."""
    rows = []
    for mode in dict.fromkeys(run["mode"] for run in runs):
        of_mode = [run for run in runs if run["mode"] == mode]
        counts = sorted({run["replicas"] for run in of_mode})
        for replicas in counts:
            same = [run for run in of_mode if run["replicas"] == replicas]
            row = {"mode": mode, "replicas": replicas, "runs": len(same)}
            for key in ["seconds", "updates_per_second", "epochs", "test_loss", "test_accuracy", "time_to_target"]:
                row[key] = median(run[key] for run in same)
            first = row if replicas == counts[0] else next(
                each for each in rows if each["mode"] == mode and each["replicas"] == counts[0])
            row["speed_up"] = first["time_to_target"] / row["time_to_target"] * counts[0] if row["time_to_target"] else math.nan
            rows.append(row)
    return rows


# ---- Page -----------------------------------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1c2024; --soft: #5b6570; --line: #d9dee3; --card: #f6f8fa;
        --c0: #1f6feb; --c1: #b35900; --c2: #1a7f37; --c3: #8250df; --c4: #bf3989; --c5: #57606a; }
@media (prefers-color-scheme: dark) {
  :root { --back: #0f1419; --text: #e6e9ec; --soft: #98a3ae; --line: #2b333b; --card: #171d24;
          --c0: #6cb0ff; --c1: #ffa657; --c2: #56d364; --c3: #d2a8ff; --c4: #ff9bce; --c5: #adbac7; } }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 3rem; background: var(--back); color: var(--text);
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } .soft { color: var(--soft); overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1rem; margin: 1rem 0; }
svg { width: 100%; height: auto; background: var(--card); border-radius: .5rem; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .title { fill: var(--text); font-weight: 600; }
svg .grid { stroke: var(--line); } svg path { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
svg .ideal { stroke: var(--soft); stroke-dasharray: 2 4; }
.table { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { text-align: right; padding: .2rem .9rem; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: normal; } td:first-child, th:first-child { text-align: left; }
"""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 520, 280, 56, 12, 30, 40
COLOURS, DASHES = 6, ["", "7 3", "2 3"]


def ticks(least, most, count):
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (most - least) / count
    power = 10 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in [1, 2, 5, 10] if factor * power >= rough)
    return [step * n for n in range(math.ceil(least / step - 1e-9), math.floor(most / step + 1e-9) + 1)]


def log_ticks(least, most):
    exponents = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    every = [factor * 10.0 ** e for e in exponents for factor in [1, 2, 5]]
    shown = [tick for tick in every if least <= tick <= most]
    return shown if len(shown) > 2 else ticks(least, most, 4)


def short(value):
    for size, unit in [(1e9, "G"), (1e6, "M"), (1e4, "k")]:
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.4g}{unit}"
    return f"{value:.4g}"


def chart(title, x_label, curves, *, is_log_x=False, is_log_y=False, with_marks=True, ideal=None, x_ticks=None):
    """An <svg> of curves [(name, style, [(x, y)…])…]; nothing where there is nothing to draw."""
    curves = [(name, style, [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)
                             and (x > 0 or not is_log_x) and (y > 0 or not is_log_y)]) for name, style, points in curves]
    curves = [curve for curve in curves if curve[2]]
    if not curves:
        return ""
    every = [point for _, _, points in curves for point in [*points, *(ideal or [])]]
    x0, x1 = min(x for x, _ in every), max(x for x, _ in every)
    y0, y1 = min(y for _, y in every), max(y for _, y in every)
    if is_log_y:
        y0, y1 = y0 / 1.05, y1 * 1.05
    else:
        y0, y1 = min(y0, 0) if y0 < y1 / 2 else y0 - (y1 - y0) * 0.05, y1 + ((y1 - y0) * 0.05 or abs(y1) * 0.05 or 1)
    if x1 <= x0:
        x0, x1 = x0 * 0.9, x1 * 1.1 or 1

    def scale(value, least, most, start, end, is_log):
        if is_log:
            value, least, most = math.log(value), math.log(least), math.log(most)
        return start + (value - least) / (most - least) * (end - start)

    def at(x, y):
        return (scale(x, x0, x1, LEFT, WIDTH - RIGHT, is_log_x), scale(y, y0, y1, HEIGHT - BOTTOM, TOP, is_log_y))

    def path(points):
        return "M" + "L".join("{:.1f} {:.1f}".format(*at(x, y)) for x, y in points)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{html.escape(title)}</title>',
             f'<text class="title" x="{LEFT}" y="18">{html.escape(title)}</text>']
    for tick in log_ticks(y0, y1) if is_log_y else ticks(y0, y1, 5):
        y = at(x0, tick)[1]
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    for tick in x_ticks or (log_ticks(x0, x1) if is_log_x else ticks(x0, x1, 6)):
        parts.append(f'<text x="{at(tick, y0)[0]:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{short(tick)}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(x_label)}</text>')
    if ideal:
        parts.append(f'<path class="ideal" d="{path(ideal)}"><title>ideal</title></path>')
    for name, style, points in curves:
        colour = f"var(--c{style % COLOURS})"
        dash = DASHES[style // COLOURS % len(DASHES)]
        parts.append(f'<path style="stroke:{colour};stroke-dasharray:{dash or "none"}" d="{path(points)}">'
                     f"<title>{html.escape(name)}</title></path>")
        for x, y in points if with_marks else []:
            parts.append('<circle cx="{:.1f}" cy="{:.1f}" r="3.5" style="fill:{}"><title>{}: {} at {}</title></circle>'.format(
                *at(x, y), colour, html.escape(name), short(y), short(x)))
    for row, (name, style, _) in enumerate(curves):
        # Few have room beside the title; many fall from the left, which leaves the right free.
        x, y = (WIDTH - RIGHT - 60 * (len(curves) - 1 - row), 18) if len(curves) < 3 else (WIDTH - RIGHT, TOP + 12 + 14 * row)
        parts.append(f'<text x="{x}" y="{y}" text-anchor="end" style="fill:var(--c{style % COLOURS})">{html.escape(name)}</text>')
    return "\n".join([*parts, "</svg>"])


def cell(value, digits):
    return f"{value:.{digits}f}" if value is not None and math.isfinite(value) else "-"


COLUMNS = [("mode", lambda row: row["mode"]), ("nodes", lambda row: str(row["replicas"])),
           ("runs", lambda row: str(row["runs"])), ("s to target", lambda row: cell(row["time_to_target"], 3)),
           ("speed-up", lambda row: cell(row["speed_up"], 2)), ("updates/s", lambda row: cell(row["updates_per_second"], 0)),
           ("s in all", lambda row: cell(row["seconds"], 2)), ("epochs", lambda row: cell(row["epochs"], 2)),
           ("test loss", lambda row: cell(row["test_loss"], 5)),
           ("accuracy %", lambda row: cell(None if row["test_accuracy"] is None else 100 * row["test_accuracy"], 2))]


def page(options, runs, rows, target, failures):
    modes = list(dict.fromkeys(row["mode"] for row in rows))
    counts = sorted({row["replicas"] for row in rows})

    def by_nodes(key):
        return [(mode, index, [(row["replicas"], row[key]) for row in rows if row["mode"] == mode])
                for index, mode in enumerate(modes)]

    def curves(column):
        return [(f"{run['mode']} {run['replicas']}", counts.index(run["replicas"]) + COLOURS * modes.index(run["mode"]),
                 [(point[0], point[column]) for point in run["curve"]])
                for run in runs if run["run"] == 1]

    def nodes_chart(title, key, **more):
        return chart(title, "nodes", by_nodes(key), is_log_x=len(counts) > 1, x_ticks=counts, **more)

    charts = [chart("Test loss over time", "seconds", curves(2), is_log_x=True, is_log_y=True, with_marks=False),
              nodes_chart(f"Seconds to test loss {target:.5f}", "time_to_target", is_log_y=True),
              nodes_chart("Speed-up to the same loss (dotted: ideal)", "speed_up",
                          is_log_y=True, ideal=[(count, count) for count in counts] if len(counts) > 1 else None),
              nodes_chart("Updates a second, all nodes", "updates_per_second", is_log_y=True)]
    head = "".join(f"<th scope=\"col\">{html.escape(name)}</th>" for name, _ in COLUMNS)
    body = "\n".join("<tr>" + "".join(f"<td>{html.escape(show(row))}</td>" for _, show in COLUMNS) + "</tr>" for row in rows)
    said = "".join(f"<p><strong>{html.escape(failure)}</strong></p>\n" for failure in failures)
    said_more = "; " + " ".join(options.more) if options.more else ""
    rate = "as fast as it can" if options.rate == "none" else f"{options.rate} updates a second"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>hogwild: a sweep</title>
<style>{STYLE}</style>
</head>
<body>
<h1>A sweep over nodes and modes</h1>
<p class="soft">{html.escape(f"{options.named_train}, test {options.named_test}; each node: {options.threads} "
                             f"{'thread' if options.threads == 1 else 'threads'}, {rate}; {options.epochs} epochs, evaluated "
                             f"each {options.loss_interval}; {os.cpu_count()} cores in all{said_more}")}</p>
{said}<div class="charts">
{chr(10).join(charts)}
</div>
<div class="table"><table><thead><tr>{head}</tr></thead><tbody>
{body}
</tbody></table></div>
<p class="soft">Medians of the runs. The target is a test loss of {target:.5f}. A speed-up is the time of the fewest nodes of
that mode, times their number, over the time of these.</p>
</body>
</html>
"""


# ---- Command line ---------------------------------------------------------------------------------------------------


def numbers(text):
    try:
        counts = [int(word) for word in text.split(",")]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1 or max(counts) > 1000:
        raise argparse.ArgumentTypeError(f"'{text}': expected numbers of nodes, such as 1,2,4,8")
    return sorted(set(counts))


def modes_of(text):
    modes = text.split(",")
    if not set(modes) <= {"async", "sync"}:
        raise argparse.ArgumentTypeError(f"'{text}': expected async, sync or async,sync")
    return list(dict.fromkeys(modes))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], epilog="What follows -- goes to each hogwild node.",
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--replicas", type=numbers, default="1,2,4,8", help="numbers of nodes")
    parser.add_argument("--mode", type=modes_of, default="async", help="async, sync, or both with a comma")
    parser.add_argument("--runs", type=int, default=1, help="of each; figures are medians")
    parser.add_argument("--rate", default="20000", help="updates a second of each node, or none")
    parser.add_argument("--epochs", default="3", help="over all nodes together")
    parser.add_argument("--threads", type=int, default=1, help="of each node")
    parser.add_argument("--train", default="synth:rcv1", help="what to learn from")
    parser.add_argument("--test", default="", help="what to measure on; of synth:rcv1 by default its test part")
    parser.add_argument("--loss-interval", default="100ms", help="between evaluations")
    parser.add_argument("--target", type=float, help="test loss to reach; 1 %% above the least of all runs without it")
    parser.add_argument("--limit", type=float, default=600, help="seconds that one run may take")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("sweep"), help="directory of the results")
    parser.add_argument("--hogwild", type=pathlib.Path, default=REPOSITORY / "build" / "daemon" / "hogwild")
    arguments = sys.argv[1:]
    more = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, more = arguments[:at], arguments[at + 1:]
    options = parser.parse_args(arguments)
    options.more = more
    if not options.hogwild.is_file():
        parser.error(f"--hogwild {options.hogwild}: there is no such file; sh run.sh build makes it")
    if not options.test:
        if not options.train.startswith("synth:"):
            parser.error("--test is missing: time to a loss needs rows to measure it on")
        options.test = options.train.split("?")[0]
    options.hogwild = options.hogwild.resolve()
    options.environment = {key: value for key, value in os.environ.items() if not key.startswith("HOGWILD_")}
    return options


def make_cache(options, source, part, directory):
    """Data that are made up are made once, as a cache that all nodes map."""
    if not source.startswith("synth:"):
        return source
    if "part=" not in source:
        source += ("&" if "?" in source else "?") + f"part={part}"
    cache = directory / f"{part}.hwd"
    subprocess.run([options.hogwild, "data", "convert", source, cache], check=True, env=options.environment)
    return str(cache)


def write_csv(path, runs):
    columns = [key for key in runs[0] if key != "curve"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(runs)


def main():
    options = parse_arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    options.named_train, options.named_test = options.train, options.test
    runs, failures = [], []
    with tempfile.TemporaryDirectory(prefix="hogwild-sweep-") as scratch:
        options.train = make_cache(options, options.train, "train", pathlib.Path(scratch))
        options.test = make_cache(options, options.test, "test", pathlib.Path(scratch))
        for number in range(1, options.runs + 1):
            for mode in options.mode:
                for replicas in options.replicas:
                    name = f"{mode}, {replicas} node{'' if replicas == 1 else 's'}, run {number}"
                    try:
                        run = measure(options, mode, replicas, number)
                    except Failure as failure:
                        failures.append(f"{name}: {failure}")
                        print(failures[-1], file=sys.stderr, flush=True)
                        continue
                    runs.append(run)
                    print(f"{name}: {run['seconds']:.2f} s, {run['updates_per_second']:.0f} updates/s, test loss "
                          f"{cell(run['test_loss'], 5)}", flush=True)
    if not runs:
        sys.exit(1)
    losses = [loss for run in runs for *_, loss, _ in run["curve"] if math.isfinite(loss)]
    target = options.target or (1.01 * min(losses) if losses else math.nan)
    for run in runs:
        run["time_to_target"] = time_to(run["curve"], target)
    rows = summarize(runs)
    write_csv(options.out / "sweep.csv", runs)
    (options.out / "sweep.html").write_text(page(options, runs, rows, target, failures))
    print(f"\ntarget: test loss {target:.5f}")
    table = [[name for name, _ in COLUMNS], *([show(row) for _, show in COLUMNS] for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(COLUMNS))]
    for line in table:
        print("  ".join(text.rjust(width) for text, width in zip(line, widths)))
    print(f"\n{options.out / 'sweep.html'}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
