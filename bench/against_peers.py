#!/usr/bin/env python3
"""Losses, regularisers, class weights and warm starts beside LIBLINEAR and scikit-learn: who comes how near to the optimum.

    python3 bench/against_peers.py [--hogwild build/daemon/hogwild] [--threads 2] [--updates 2000000] [--work DIR]
                                   [--only WORDS]
                                   TRAIN[,TEST] …

Each trainer gets the same rows and the same objective, L/2*|w|^2 + X*|w|_1 + mean over rows of weight*loss, without an
intercept. The objective of each model is computed here, in double, from the weights that it wrote, so all are judged
alike. LIBLINEAR's C is 1/(L*rows), of the L1 solvers 1/(X*rows); it runs to a tolerance of 1e-4 (primal) or 0.01 (dual). SGDClassifier
has alpha L + X and the l1_ratio X/(L + X), and as many epochs as we have, the fewest that make UPDATES; saga of LogisticRegression is what it has for
an elastic net of the logistic loss. A column is the objective's distance above the lowest one of the row, in percent,
then the seconds of training with loading; nnz is the share of features in use whose weight is not 0. "ok" is that we
are within --tolerance percent of the lowest. A peer that is not there is left out, and said; so is what it has not.

Needs numpy, scipy and scikit-learn for the judging; LIBLINEAR's `train` under the name liblinear-train or train.
"""
import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

try:
    import numpy as np
    from sklearn.datasets import load_svmlight_file
    from sklearn.linear_model import LogisticRegression, SGDClassifier
except ImportError as error:
    sys.exit(f"against_peers.py: {error.name} is not there: run it with a Python that has scikit-learn")

warnings.simplefilter("ignore")

# name, loss, lambda, l1, class weight, LIBLINEAR's solver
CASES = [
    ("hinge, L2", "hinge", 1e-4, 0, None, 3),
    ("squared hinge, L2", "squared-hinge", 1e-4, 0, None, 1),
    ("squared hinge, L2, primal", "squared-hinge", 1e-4, 0, None, 2),
    ("logistic, L2", "logistic", 1e-4, 0, None, 0),
    ("logistic, L2, dual", "logistic", 1e-4, 0, None, 7),
    ("hinge, balanced", "hinge", 1e-4, 0, "balanced", 3),
    ("logistic, +1 five times", "logistic", 1e-4, 0, "1=5", 0),
    ("squared hinge, L1", "squared-hinge", 0, 1e-4, None, 5),
    ("logistic, L1", "logistic", 0, 1e-4, None, 6),
    ("hinge, L1", "hinge", 0, 1e-4, None, None),
    ("logistic, elastic net", "logistic", 5e-5, 5e-5, None, None),
]
SKLEARN_LOSS = {"hinge": "hinge", "squared-hinge": "squared_hinge", "logistic": "log_loss"}


class Rows:
    """The rows as all trainers get them: labels are -1 and 1."""

    def __init__(self, path):
        self.path = path
        self.x, y = load_svmlight_file(str(path), zero_based=False)
        self.x.indices, self.x.indptr = self.x.indices.astype("int32"), self.x.indptr.astype("int32")  # SGDClassifier
        labels = np.unique(y)
        if len(labels) != 2:
            sys.exit(f"against_peers.py: {path} has {len(labels)} labels; expected two classes")
        self.labels = labels
        self.y = np.where(y == labels[1], 1.0, -1.0)
        self.features_in_use = len(np.unique(self.x.indices))

    def class_weights(self, case):
        if case == "balanced":
            positive = np.mean(self.y > 0)
            return {1: 0.5 / positive, -1: 0.5 / (1 - positive)}
        return {1: float(case.split("=")[1]), -1: 1.0} if case else {1: 1.0, -1: 1.0}

    def objective(self, w, loss, l2, l1, weights):
        margin = self.y * (self.x @ w)
        gap = np.maximum(0, 1 - margin)
        each = {"hinge": gap, "squared-hinge": gap ** 2, "logistic": np.logaddexp(0, -margin)}[loss]
        each = each * np.where(self.y > 0, weights[1], weights[-1])
        return l2 / 2 * w @ w + l1 * np.abs(w).sum() + each.mean()


def epochs_of(args, rows):
    return math.ceil(args.updates / rows.x.shape[0])


def read_model(path, features, positive):
    """The weights of a LIBLINEAR model, for scores of the positive class."""
    lines = Path(path).read_text().split("\n")
    at = lines.index("w")
    head = dict(line.split(" ", 1) for line in lines[:at])
    w = np.array([float(line.split()[0]) for line in lines[at + 1:] if line.strip()])
    w = np.concatenate([w, np.zeros(max(0, features - len(w)))])[:features]
    return w if float(head["label"].split()[0]) == positive else -w


def hogwild(args, rows, loss, l2, l1, class_weight, *more):
    with tempfile.TemporaryDirectory() as directory:
        model = Path(directory) / "model"
        weighted = ["--class-weight", class_weight] if class_weight else []
        command = [args.hogwild, "train", "--train", rows.path, "--loss", loss, "--lambda", l2, "--l1", l1, "--seed", 1,
                   "--threads", args.threads, "--log-level", 0, "--model", model, "--report", f"{model}.json",
                   *weighted, *(more or ["--epochs", epochs_of(args, rows)])]
        begin = time.monotonic()
        subprocess.run([str(c) for c in command], check=True)
        took = time.monotonic() - begin
        w = read_model(model, rows.x.shape[1], rows.labels[1])
        reported = json.loads(Path(f"{model}.json").read_text())["objective"]
        ours = rows.objective(w, loss, l2, l1, rows.class_weights(class_weight))
        if not math.isclose(reported, ours, rel_tol=1e-4):
            sys.exit(f"against_peers.py: hogwild reports the objective {reported}, and its model has {ours}")
        return w, took


def liblinear(program, rows, solver, l2, l1, weights, tolerance, out=None):
    c = 1 / ((l1 if solver in (5, 6) else l2) * rows.x.shape[0])
    with tempfile.TemporaryDirectory() as directory:
        model = out or Path(directory) / "model"
        weighted = [f"-w{label:g}" for label in rows.labels]
        weighted = [each for pair in zip(weighted, (weights[-1], weights[1])) for each in pair]
        begin = time.monotonic()
        subprocess.run([program, "-s", str(solver), "-c", repr(float(c)), "-e", str(tolerance), "-q", *map(str, weighted),
                        str(rows.path), str(model)], check=True, stdout=subprocess.DEVNULL)
        return read_model(model, rows.x.shape[1], rows.labels[1]), time.monotonic() - begin


def scikit(rows, loss, l2, l1, weights, epochs):
    begin = time.monotonic()
    if l1 and l2 and loss == "logistic":
        total = l1 + l2
        model = LogisticRegression(solver="saga", l1_ratio=l1 / total, C=1 / (total * rows.x.shape[0]), tol=1e-4,
                                   fit_intercept=False, class_weight=weights, max_iter=500, random_state=1)
        if "penalty" in model.get_params() and model.get_params()["penalty"] == "l2":
            model.set_params(penalty="elasticnet")
    else:
        model = SGDClassifier(loss=SKLEARN_LOSS[loss], alpha=l2 + l1, penalty="elasticnet", l1_ratio=l1 / (l1 + l2),
                              fit_intercept=False, max_iter=epochs, tol=None, class_weight=weights, random_state=1)
    model.fit(rows.x, rows.y)
    return model.coef_[0], time.monotonic() - begin


def plain(path, work):
    """The file as every trainer can read it."""
    with open(path, "rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return Path(path)
    import gzip
    out = work / Path(path).stem
    with gzip.open(path, "rb") as source, open(out, "wb") as target:
        shutil.copyfileobj(source, target)
    return out


def table_of(args, rows, test, program):
    print(f"\n### {Path(rows.path).name}: {rows.x.shape[0]:,} rows, {rows.features_in_use:,} features, "
          f"{epochs_of(args, rows)} epochs\n")
    print("| objective | hogwild | nnz % | LIBLINEAR | nnz % | scikit-learn | nnz % | lowest | test error %, ours and theirs | |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    failed = 0
    for name, loss, l2, l1, class_weight, solver in CASES:
        if args.only not in name:
            continue
        weights = rows.class_weights(class_weight)
        found = {"hogwild": hogwild(args, rows, loss, l2, l1, class_weight)}
        if program and solver is not None:
            tolerance = 0.01 if solver in (1, 3, 7) else 1e-4
            found["LIBLINEAR"] = liblinear(program, rows, solver, l2, l1, weights, tolerance)
        found["scikit-learn"] = scikit(rows, loss, l2, l1, weights, epochs_of(args, rows))
        objective = {who: rows.objective(w, loss, l2, l1, weights) for who, (w, _) in found.items()}
        lowest = min(objective.values())
        cells = []
        for who in ["hogwild", "LIBLINEAR", "scikit-learn"]:
            if who not in found:
                cells += ["–", "–"]
                continue
            w, took = found[who]
            above = 100 * (objective[who] / lowest - 1)
            cells += [(f"+{above:.2f} %" if above < 1000 else "diverges") + f", {took:.2f} s",
                      f"{100 * np.count_nonzero(w) / rows.features_in_use:.0f}"]
        errors = "–"
        if test is not None:
            errors = ", ".join(f"{100 * np.mean(test.y * (test.x[:, :len(w)] @ w[:test.x.shape[1]]) <= 0):.2f}"
                               for w, _ in found.values())
        is_near = objective["hogwild"] <= lowest * (1 + args.tolerance / 100)
        failed += not is_near
        print(f"| {name} | {' | '.join(cells)} | {lowest:.5f} | {errors} | {'ok' if is_near else 'FAR'} |", flush=True)
    return failed


def warm_starts(args, rows, program):
    if not program:
        return 0
    l2, loss = 1e-4, "hinge"
    most = max(rows.x.shape[0], args.updates // 10)
    weights = {1: 1.0, -1: 1.0}
    with tempfile.TemporaryDirectory() as directory:
        model = Path(directory) / "model"
        start, _ = liblinear(program, rows, 3, 3 * l2, 0, weights, 0.01, model)  # of another lambda
        best, _ = liblinear(program, rows, 3, l2, 0, weights, 0.01)
        best = rows.objective(best, loss, l2, 0, weights)
        at_start = rows.objective(start, loss, l2, 0, weights)
        first, _ = hogwild(args, rows, loss, l2, 0, None, "--updates", 1, "--init", model)
        warm, _ = hogwild(args, rows, loss, l2, 0, None, "--updates", most, "--init", model)
        cold, _ = hogwild(args, rows, loss, l2, 0, None, "--updates", most)
    percent = [100 * (rows.objective(w, loss, l2, 0, weights) / best - 1) for w in (first, warm, cold)]
    print(f"\nWarm start from LIBLINEAR's optimum at three times the lambda (hinge; {100 * (at_start / best - 1):+.2f} %): "
          f"{percent[0]:+.2f} % after one update, {percent[1]:+.2f} % after {most:,}; from zeros {percent[2]:+.2f} %.")
    return 0 if percent[1] <= percent[2] + 0.1 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hogwild", default="build/daemon/hogwild")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--updates", type=int, default=2_000_000)
    parser.add_argument("--tolerance", type=float, default=1.0, help="percent")
    parser.add_argument("--only", default="", metavar="WORDS", help="objectives with these words in their name")
    parser.add_argument("--work", type=Path, help="where packed files are unpacked")
    parser.add_argument("sets", nargs="+", metavar="TRAIN[,TEST]")
    args = parser.parse_args()
    program = shutil.which("liblinear-train") or shutil.which("train")
    if not program:
        print("LIBLINEAR is not there (Debian: liblinear-tools): left out.")
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        work = args.work or Path(directory)
        for each in args.sets:
            train, *test = each.split(",")
            rows = Rows(plain(train, work))
            failed += table_of(args, rows, Rows(plain(test[0], work)) if test else None, program)
            failed += warm_starts(args, rows, program)
    if failed:
        sys.exit(f"\n{failed} of ours are more than {args.tolerance:g} % above the lowest")


if __name__ == "__main__":
    main()
