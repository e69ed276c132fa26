"""Measures beside the accuracy, and probabilities, on one machine and across nodes."""

import json
import math
import random
import re
import subprocess
import unittest

from swarm import SwarmTest, needs_tool, run


def made_rows(count, seed, share):
    """Two classes, a `share` of the rows positive, told apart by 20 of 120 words, and not always."""
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        is_positive = draw.random() < share
        ids = {draw.randrange(1, 11) + (10 if draw.random() < 0.3 else 0) if is_positive and draw.random() < 0.8
               else draw.randrange(11, 31) for _ in range(4)}
        ids |= {31 + draw.randrange(90) for _ in range(6)}
        lines.append(("1" if is_positive else "-1") + "".join(f" {i}:0.35" for i in sorted(ids)) + "\n")
    return "".join(lines)


def area(scores, labels):
    """ROC AUC by its definition, over all pairs."""
    positive = [s for s, label in zip(scores, labels) if label == 1]
    negative = [s for s, label in zip(scores, labels) if label != 1]
    return sum((p > n) + 0.5 * (p == n) for p in positive for n in negative) / (len(positive) * len(negative))


class MeasureTest(SwarmTest):

    def setUp(self):
        super().setUp()
        self.train, self.test = (self.directory / name for name in ["train.svm", "test.svm"])
        self.train.write_text(made_rows(8000, 1, 0.05))
        self.test.write_text(made_rows(2000, 2, 0.05))
        self.labels = [int(line.split()[0]) for line in self.test.read_text().splitlines()]

    def fit(self, *arguments, name="m"):
        """What the report says; the model is in the directory."""
        ended = run("train", "--train", self.train, "--test", self.test, "--seed", "1", "--threads", "1",
                    "--model", self.directory / name, "--report", self.directory / "report.json", *arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.said = ended.stdout
        return json.loads((self.directory / "report.json").read_text())

    def predict(self, *arguments, name="m"):
        """Lines; and the report."""
        report = self.directory / "predicted.json"
        ended = run("predict", "--model", self.directory / name, "--data", self.test, "--report", report, *arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.said = ended.stderr
        return [line.split() for line in ended.stdout.splitlines()], json.loads(report.read_text())

    def log_loss(self, lines):
        """Of printed probabilities."""
        told = [dict(p.split(":") for p in line[1:]) for line in lines]
        return -sum(math.log(float(p[str(label)])) for p, label in zip(told, self.labels)) / len(told)


class Measures(MeasureTest):

    def test_rare_positives_are_not_hidden_by_the_accuracy(self):
        trained = self.fit()["measures"]
        lines, report = self.predict("--scores")
        measures = report["measures"]
        self.assertEqual(measures, trained)  # the same rows, told by both commands
        said = [int(line[0]) for line in lines]
        table = [[sum(a == label and s == other for a, s in zip(self.labels, said)) for other in [-1, 1]] for label in [-1, 1]]
        self.assertEqual(measures["confusion"], table)
        both, actual, predicted = table[1][1], sum(table[1]), table[0][1] + table[1][1]
        self.assertGreater(both, 0)
        self.assertAlmostEqual(measures["precision"], both / predicted)
        self.assertAlmostEqual(measures["recall"], both / actual)
        self.assertAlmostEqual(measures["f1"], 2 * both / (predicted + actual))
        self.assertAlmostEqual(measures["majority_accuracy"], sum(table[0]) / 2000)
        self.assertAlmostEqual(measures["balanced_accuracy"], (both / actual + table[0][0] / sum(table[0])) / 2)
        self.assertAlmostEqual(measures["roc_auc"], area([float(line[1]) for line in lines], self.labels), places=12)
        self.assertLess(measures["balanced_accuracy"], report["accuracy"])
        self.assertIsNone(measures["log_loss"])  # a hinge model has no probabilities
        self.assertIn("saying always -1 would be right on", self.said)

    def test_scikit_learn_agrees(self):
        try:
            from sklearn import metrics
        except ImportError:
            self.skipTest("scikit-learn is not here")
        self.fit("--loss", "logistic", "--lambda", "1e-4")
        scores = [float(line[1]) for line in self.predict("--scores")[0]]
        lines, report = self.predict("--probabilities")
        measures = report["measures"]
        said = [int(line[0]) for line in lines]
        probability = [float(dict(p.split(":") for p in line[1:])["1"]) for line in lines]
        for name, value in [("precision", metrics.precision_score(self.labels, said)),
                            ("recall", metrics.recall_score(self.labels, said)),
                            ("f1", metrics.f1_score(self.labels, said)),
                            ("macro_f1", metrics.f1_score(self.labels, said, average="macro")),
                            ("balanced_accuracy", metrics.balanced_accuracy_score(self.labels, said)),
                            ("roc_auc", metrics.roc_auc_score(self.labels, scores)),
                            ("log_loss", metrics.log_loss(self.labels, probability))]:
            self.assertAlmostEqual(measures[name], value, places=7, msg=name)


class Probabilities(MeasureTest):

    def test_the_logistic_loss_has_them_at_once(self):
        facts = self.fit("--loss", "logistic")
        self.assertEqual(facts["calibration_rows"], 0)
        self.assertAlmostEqual(facts["measures"]["log_loss"], facts["test_loss"], places=6)
        lines, report = self.predict("--probabilities")
        self.assertAlmostEqual(report["measures"]["log_loss"], self.log_loss(lines), places=6)
        for line, score in zip(lines, self.predict("--scores")[0]):
            self.assertAlmostEqual(float(line[1].removeprefix("1:")), 1 / (1 + math.exp(-float(score[1]))))

    @needs_tool("liblinear-predict")
    def test_a_hinge_model_gets_them_from_rows_that_it_never_saw(self):
        facts = self.fit("--probabilities")
        self.assertEqual((facts["rows"], facts["calibration_rows"]), (8000, 800))
        self.assertEqual(facts["updates"], 5 * 7200)
        lines, report = self.predict("--probabilities")
        loss = report["measures"]["log_loss"]
        self.assertAlmostEqual(loss, self.log_loss(lines), places=6)
        self.assertEqual(report["measures"], facts["measures"])
        share = sum(label == 1 for label in self.labels) / 2000
        unskilled = -share * math.log(share) - (1 - share) * math.log(1 - share)
        self.assertLess(loss, 0.8 * unskilled)  # 1 / (1 + e^-score) of a hinge model is worse than that
        mean = sum(float(line[1].removeprefix("1:")) for line in lines) / 2000
        self.assertAlmostEqual(mean, share, delta=0.02)
        # Both forms of the model have them; LIBLINEAR reads the text as before.
        self.fit("--probabilities", name="m.bin")
        self.assertEqual(self.predict("--probabilities", name="m.bin")[0], lines)
        subprocess.run(["liblinear-predict", self.test, self.directory / "m", self.directory / "said"], check=True,
                       capture_output=True, timeout=60)
        self.assertEqual((self.directory / "said").read_text().split(), [line[0] for line in lines])

    def test_what_cannot_be_is_refused_with_its_reason(self):
        self.fit()
        ended = run("predict", "--model", self.directory / "m", "--data", self.test, "--probabilities")
        self.assertEqual((ended.returncode, ended.stdout), (3, ""))
        self.assertIn("expected one trained with --probabilities, or with the logistic loss", ended.stderr)
        both = run("predict", "--model", self.directory / "m", "--data", self.test, "--probabilities", "--scores")
        self.assertEqual(both.returncode, 2)
        few = self.directory / "few.svm"
        few.write_text("1 1:1\n-1 2:1\n")
        ended = run("train", "--train", few, "--probabilities")
        self.assertEqual(ended.returncode, 3)
        self.assertIn("2 rows are too few to keep a tenth back", ended.stderr)

    def test_nodes_hold_one_calibrated_model(self):
        arguments = ["--train", self.train, "--test", self.test, "--expect", "2", "--epochs", "5", "--on-finish", "serve"]
        first = self.start("node-1", *arguments, "--probabilities")
        second = self.start("node-2", *arguments, "--join", first.gossip)  # it takes the run's setting
        nodes = [first, second]
        for node in nodes:
            node.await_status(lambda s: s["node"]["state"] == "finished", "finished")
        rows = "".join(self.test.read_text().splitlines(True)[:50])
        told = [node.request("/v1/predict?probabilities", "POST", body=rows) for node in nodes]
        self.assertEqual([status for status, _, _ in told], [200, 200])
        self.assertEqual(told[0][2], told[1][2])
        for line in told[0][2].splitlines():
            self.assertRegex(line, r"^-?1 1:[\d.e-]+ -1:[\d.e-]+$")
        result = first.status()["result"]
        for node in nodes:
            node.signal(15)
        report = self.assert_same_result(nodes, accuracy=0.9)
        self.assertRegex((first.out / "model.liblinear").read_text(), r"\nsigmoid -\S+ \S+\n$")
        measures = report["result"]["measures"]
        self.assertEqual(measures, second.report()["result"]["measures"])
        self.assertEqual(measures["rows"], 2000)
        self.assertEqual({key: measures[key] for key in ["majority_accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss"]},
                         {key: value for key, value in result.items() if key not in ["partial", "unreached"]})
        ended = run("predict", "--model", first.out / "model.liblinear", "--data", self.test, "--probabilities",
                    "--report", self.directory / "again.json")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(json.loads((self.directory / "again.json").read_text())["measures"], measures)
        self.assertTrue(re.search(r"<th scope=\"row\">-1</th><td>\d+</td><td>\d+</td>", (first.out / "report.html").read_text()))


if __name__ == "__main__":
    unittest.main()
