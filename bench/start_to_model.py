#!/usr/bin/env python3
"""From text to model, as a user waits for it: hogwild beside the trainers that are installed.

    python3 bench/start_to_model.py [--hogwild build/daemon/hogwild] [--rows 200000] [--runs 5] [--vw COMMAND]
                                    [--python PYTHON] [--work DIR]

Trains an SVM (lambda 1e-4) on synth:rcv1, written once as svmlight text into DIR: one pass with hogwild (1 and 2
threads, and from its cache), one pass with Vowpal Wabbit, LIBLINEAR (dual, its default tolerance), one pass with
scikit-learn's SGDClassifier (PYTHON is one that has it). What is not there is left out, and said. The trainers take
turns, RUNS times. wall is the whole process, from start to the model on disk; peak is the kernel's VmHWM of it; error
is that of the written model on the test rows. Vowpal Wabbit reads a file in its own format, converted before. Where
COMMAND starts an interpreter first (`python -m vowpalwabbit`), the time of `COMMAND --version` is measured and taken
off. The ratio is the peer's median wall over ours with two threads.
"""
import argparse
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

LAMBDA = 1e-4

SKLEARN = """
import sys, warnings
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import SGDClassifier
warnings.simplefilter("ignore")
train, test, out = sys.argv[1:]
def load(path):
    x, y = load_svmlight_file(path, n_features=47236, zero_based=False)
    x.indices, x.indptr = x.indices.astype("int32"), x.indptr.astype("int32")  # SGDClassifier takes no others
    return x, y
x, y = load(train)
model = SGDClassifier(loss="hinge", alpha=%g, max_iter=1, tol=None, random_state=1).fit(x, y)
import pickle
pickle.dump(model, open(out, "wb"))
if test:
    x, y = load(test)
    print("error", 100 * (1 - model.score(x, y)))
""" % LAMBDA


def start(command, out):
    return subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)


def check(process, command, log):
    if process.returncode != 0:
        sys.exit(f"{command}: exit {process.returncode}\n{Path(log).read_text()}")


def run(command, log):
    """Runs `command`; returns its wall time in seconds."""
    with open(log, "wb") as out:
        begin = time.monotonic()
        process = start(command, out)
        process.wait()
        wall = time.monotonic() - begin
    check(process, command, log)
    return wall


def peak_of(command, log):
    """Runs `command`; returns its peak memory in MiB. Apart from timing: to ask for it holds the process up."""
    peak = 0.0
    with open(log, "wb") as out:
        process = start(command, out)
        while process.poll() is None:
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            if found:  # else it has just ended
                peak = max(peak, int(found[1]) / 1024)
            time.sleep(0.001)
    check(process, command, log)
    return peak


class Bench:
    def __init__(self, options):
        self.options = options
        self.work = Path(options.work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.hogwild = str(Path(options.hogwild).resolve())
        self.train = self.text("train", options.rows)
        self.test = self.text("test", 23149)
        self.log = self.work / "log.txt"
        self.trainers = {}  # name -> (command, error in percent, seconds that are not the trainer's)

    def text(self, part, rows):
        path = self.work / f"{part}-{rows}.svm"
        if not path.exists():
            subprocess.run([self.hogwild, "data", "synth", f"synth:rcv1?part={part}&n={rows}", str(path)], check=True)
        return path

    def error_of(self, model):
        """Percent of the test rows that a LIBLINEAR model gets wrong."""
        out = subprocess.run([self.hogwild, "predict", "--model", str(model), "--data", str(self.test), "--output",
                              "/dev/null"], check=True, capture_output=True, text=True)
        return 100 - float(re.search(r"accuracy ([\d.]+)%", out.stderr)[1])

    def add_hogwild(self, name, train, threads):
        model = self.work / "hogwild.model"
        command = [self.hogwild, "train", "--train", train, "--bias", "--epochs", 1, "--threads", threads, "--seed", 1,
                   "--lambda", LAMBDA, "--model", model]
        run(command, self.log)
        self.trainers[name] = (command, self.error_of(model), 0.0)

    def add_all(self):
        cache = self.work / f"train-{self.options.rows}.hwd"
        if not cache.exists():
            subprocess.run([self.hogwild, "data", "convert", str(self.train), str(cache)], check=True)
        self.add_hogwild("hogwild, 2 threads", self.train, 2)
        self.add_hogwild("hogwild, 1 thread", self.train, 1)
        self.add_hogwild("hogwild, from its cache", cache, 2)
        self.add_vw()
        self.add_liblinear()
        self.add_sklearn()

    def add_vw(self):
        if not self.options.vw:
            return print("Vowpal Wabbit: no --vw COMMAND, left out")
        vw = shlex.split(self.options.vw)
        train, test = self.work / "train.vw", self.work / "test.vw"
        for source, out in ((self.train, train), (self.test, test)):
            with open(source) as lines, open(out, "w") as converted:
                for line in lines:
                    label, _, rest = line.rstrip("\n").partition(" ")
                    converted.write(f"{'1' if float(label) > 0 else '-1'} | {rest}\n")
        model, predictions = self.work / "vw.model", self.work / "vw.out"
        command = vw + ["-d", train, "--loss_function", "hinge", "-b", 18, "--holdout_off", "-l", 0.1, "--quiet", "-f", model]
        run(command, self.log)
        run(vw + ["-d", test, "-t", "-i", model, "-p", predictions, "--quiet"], self.log)
        with open(predictions) as scores, open(self.test) as rows:
            wrong = [(float(score) > 0) != (float(row.split(" ", 1)[0]) > 0) for score, row in zip(scores, rows)]
        starts = [run(vw + ["--version"], self.log) for _ in range(5)]
        self.trainers["Vowpal Wabbit"] = (command, 100 * sum(wrong) / len(wrong), statistics.median(starts))

    def add_liblinear(self):
        exe = shutil.which("liblinear-train")
        if not exe:
            return print("LIBLINEAR: no liblinear-train (package liblinear-tools), left out")
        model = self.work / "liblinear.model"
        command = [exe, "-q", "-s", 3, "-c", 1 / (LAMBDA * self.options.rows), "-B", 1, self.train, model]
        run(command, self.log)
        self.trainers["LIBLINEAR"] = (command, self.error_of(model), 0.0)

    def add_sklearn(self):
        script, model = self.work / "sklearn_sgd.py", self.work / "sklearn.model"
        script.write_text(SKLEARN)
        python = self.options.python
        if subprocess.run([python, "-c", "import sklearn"], capture_output=True).returncode != 0:
            return print(f"scikit-learn: {python} has none, left out")
        run([python, script, self.train, self.test, model], self.log)
        error = float(re.search(r"error ([\d.]+)", self.log.read_text())[1])
        self.trainers["scikit-learn"] = ([python, script, self.train, "", model], error, 0.0)

    def measure(self):
        walls = {name: [] for name in self.trainers}
        for _ in range(self.options.runs):
            for name, (command, _, overhead) in self.trainers.items():
                walls[name].append(run(command, self.log) - overhead)
        peaks = {name: peak_of(command, self.log) for name, (command, _, _) in self.trainers.items()}
        ours = statistics.median(walls["hogwild, 2 threads"])
        print(f"{self.options.rows} rows, {self.train.stat().st_size / 1e6:.0f} MB of text, {os.cpu_count()} CPUs, "
              f"{self.options.runs} runs each, in turn")
        print(f"{'':26}{'wall s':>9}{'least':>9}{'peak MiB':>10}{'error %':>9}{'ratio':>8}")
        rows = []
        for name, (_, error, _) in self.trainers.items():
            wall = statistics.median(walls[name])
            rows.append({"trainer": name, "wall_s": wall, "least_s": min(walls[name]), "peak_mib": peaks[name],
                         "error_percent": error, "ratio": wall / ours})
            print(f"{name:26}{wall:9.3f}{min(walls[name]):9.3f}{peaks[name]:10.0f}{error:9.2f}{wall / ours:8.2f}")
        (self.work / "start_to_model.json").write_text(json.dumps(rows, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hogwild", default="build/daemon/hogwild")
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--vw", help="how to start Vowpal Wabbit, such as vw or 'python -m vowpalwabbit'")
    parser.add_argument("--python", default=sys.executable, help="a Python that has scikit-learn")
    parser.add_argument("--work", default="bench.work", help="where data and models go")
    bench = Bench(parser.parse_args())
    bench.add_all()
    bench.measure()


if __name__ == "__main__":
    main()
