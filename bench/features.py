#!/usr/bin/env python3
"""What users of scikit-learn and LIBLINEAR expect, beside them, in one run on the same rows: measures, probabilities, the choice of lambda.

    python3 bench/features.py PATH/TO/hogwild TRAIN.svm TEST.svm

TRAIN and TEST have two classes. Needs scikit-learn; `liblinear-train`, where it is there, chooses C too. Prints a table of figures.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import warnings

from sklearn import metrics
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_svmlight_files
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.svm import LinearSVC

warnings.filterwarnings("ignore")
folds = StratifiedKFold(5, shuffle=True, random_state=1)  # ours are shuffled too
hogwild, train, test = sys.argv[1:4]
rows, labels, test_rows, test_labels = load_svmlight_files([train, test])
for matrix in [rows, test_rows]:  # liblinear inside of scikit-learn takes no wider ones
    matrix.indices, matrix.indptr = matrix.indices.astype("int32"), matrix.indptr.astype("int32")
work = pathlib.Path(tempfile.mkdtemp())


def ours(*arguments):
    subprocess.run([hogwild, "train", "--train", train, "--test", test, "--seed", "1", "--log-level", "0", "--report", work / "r",
                    *map(str, arguments)], check=True)
    return json.loads((work / "r").read_text())


def line(what, mine, theirs):
    print(f"{what:<52} {mine:>10.4f} {theirs:>10.4f}")


count = rows.shape[0]
print(f"{count} rows, {sum(test_labels > 0) / len(test_labels):.1%} of the test rows positive")
print(f"{'':<52} {'hogwild':>10} {'sklearn':>10}")

strength = 1e-4
report = ours("--loss", "hinge", "--bias", "--lambda", strength, "--epochs", 50, "--probabilities", "--model", work / "m")
measures = report["measures"]
svm = LinearSVC(loss="hinge", C=1 / (strength * count), max_iter=20_000)
platt = CalibratedClassifierCV(svm, method="sigmoid", cv=folds, ensemble=False).fit(rows, labels)
svm.fit(rows, labels)
said = svm.predict(test_rows)
line("hinge: accuracy", report["test_accuracy"], svm.score(test_rows, test_labels))
line("hinge: accuracy of the majority", measures["majority_accuracy"], max((test_labels > 0).mean(), (test_labels <= 0).mean()))
line("hinge: balanced accuracy", measures["balanced_accuracy"], metrics.balanced_accuracy_score(test_labels, said))
line("hinge: F1 of the positive class", measures["f1"], metrics.f1_score(test_labels, said))
line("hinge: ROC AUC", measures["roc_auc"], metrics.roc_auc_score(test_labels, svm.decision_function(test_rows)))
line("hinge: log loss, Platt (10 % of rows / 5-fold)", measures["log_loss"],
     metrics.log_loss(test_labels, platt.predict_proba(test_rows)))

report = ours("--loss", "logistic", "--bias", "--lambda", strength, "--epochs", 50)
logistic = LogisticRegression(C=1 / (strength * count), tol=1e-8, max_iter=10_000).fit(rows, labels)
line("logistic: log loss", report["measures"]["log_loss"], metrics.log_loss(test_labels, logistic.predict_proba(test_rows)))
line("logistic: ROC AUC", report["measures"]["roc_auc"], metrics.roc_auc_score(test_labels, logistic.decision_function(test_rows)))

lambdas = [1e-5, 1e-4, 1e-3]
report = ours("--loss", "logistic", "--bias", "--lambda", ",".join(map(str, lambdas)), "--cv", 5, "--epochs", 50)
for setting, value in zip(report["search"]["settings"], lambdas):
    theirs = LogisticRegression(C=1 / (value * count * 0.8), tol=1e-6, max_iter=10_000)
    line(f"logistic: 5-fold log loss, lambda {value}", setting["loss"],
         -cross_val_score(theirs, rows, labels, cv=folds, scoring="neg_log_loss").mean())

if shutil.which("liblinear-train"):
    print(f"{'':<52} {'hogwild':>10} {'LIBLINEAR':>10}")
    report = ours("--loss", "logistic", "--bias", "--lambda", strength, "--cv", 5, "--epochs", 50)
    told = subprocess.run(["liblinear-train", "-s", "0", "-B", "1", "-c", str(1 / (strength * count * 0.8)), "-v", "5", "-q", train],
                          check=True, capture_output=True, text=True).stdout
    line("logistic: 5-fold accuracy", report["search"]["settings"][0]["accuracy"],
         float(re.search(r"Accuracy = ([\d.]+)%", told).group(1)) / 100)
shutil.rmtree(work)
