"""The search for lambda, and cross-validation."""

import json
import math
import random
import statistics
import unittest

from swarm import SwarmTest, run


def made_rows(count, seed):
    """Two classes that 40 words tell apart, one label in five wrong; 400 words that only a small lambda learns by heart."""
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        label = draw.choice([-1, 1])
        ids = {1 + draw.randrange(20) + (20 if label > 0 else 0) for _ in range(2)} | {41 + draw.randrange(400) for _ in range(8)}
        told = label if draw.random() > 0.2 else -label
        lines.append(str(told) + "".join(f" {i}:0.3" for i in sorted(ids)) + "\n")
    return lines


class OnMadeRows(SwarmTest):
    """A test on two files of made_rows()."""

    def setUp(self):
        super().setUp()
        self.train, self.test = (self.directory / name for name in ["train.svm", "test.svm"])
        self.train.write_text("".join(made_rows(1000, 1)))
        self.test.write_text("".join(made_rows(500, 2)))


class Search(OnMadeRows):

    def fit(self, *arguments):
        report = self.directory / "report.json"
        ended = run("train", "--train", self.train, "--seed", "1", "--epochs", "20", "--report", report, *arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.said = ended.stdout
        return json.loads(report.read_text())

    def test_the_best_lambda_by_the_test_rows_is_kept(self):
        lambdas = ["1e-6", "1e-3", "10"]
        alone = [self.fit("--test", self.test, "--threads", "1", "--lambda", value)["test_loss"] for value in lambdas]
        facts = self.fit("--test", self.test, "--threads", "1", "--lambda", ",".join(lambdas), "--model", self.directory / "m")
        searched = facts["search"]
        self.assertEqual([setting["losses"] for setting in searched["settings"]], [[loss] for loss in alone])
        self.assertEqual(min(alone), alone[1])
        self.assertEqual((facts["lambda"], searched["best_lambda"], searched["folds"]), (0.001, 0.001, 0))
        self.assertEqual(facts["test_loss"], alone[1])
        table = [line for line in self.said.splitlines() if line.endswith("best")]
        self.assertEqual([line.split()[0] for line in table], ["0.001"])

    def test_parts_are_measured_by_models_of_the_others(self):
        facts = self.fit("--cv", "5", "--lambda", "1e-6,1e-3,10", "--threads", "2")
        settings = facts["search"]["settings"]
        self.assertEqual(facts["lambda"], 0.001)
        for setting in settings:
            self.assertEqual(len(setting["losses"]), 5)
            self.assertAlmostEqual(setting["loss"], statistics.mean(setting["losses"]))
            self.assertAlmostEqual(setting["loss_spread"], statistics.stdev(setting["losses"]))
            self.assertAlmostEqual(setting["accuracy"], statistics.mean(setting["accuracies"]))
        # Noise is learned by heart: a model that had seen the rows that it is measured on would look much better.
        by_heart = self.fit("--lambda", "1e-6", "--threads", "1")
        self.assertGreater(by_heart["train_accuracy"], settings[0]["accuracy"] + 0.05)
        again = self.fit("--cv", "5", "--lambda", "1e-6,1e-3,10", "--threads", "1")
        self.assertEqual(again["search"], facts["search"])  # for any number of threads
        self.assertEqual(facts["rows"], 1000)
        self.assertEqual(facts["updates"], 20_000)  # the model that is kept is of all rows

    def test_one_lambda_can_be_cross_validated(self):
        facts = self.fit("--cv", "3", "--lambda", "1e-2")
        self.assertEqual(len(facts["search"]["settings"][0]["losses"]), 3)
        self.assertTrue(math.isfinite(facts["search"]["settings"][0]["accuracy_spread"]))

    def test_scikit_learn_finds_alike(self):
        try:
            from sklearn.datasets import load_svmlight_file
            from sklearn.linear_model import LogisticRegression
            from sklearn.model_selection import cross_val_score
        except ImportError:
            self.skipTest("scikit-learn is not here")
        facts = self.fit("--cv", "10", "--lambda", "1e-3,1e-2,1e-1", "--loss", "logistic", "--bias")
        rows, labels = load_svmlight_file(str(self.train))
        for setting in facts["search"]["settings"]:
            theirs = LogisticRegression(C=1 / (setting["lambda"] * 900), tol=1e-8, max_iter=1000)
            losses = -cross_val_score(theirs, rows, labels, cv=10, scoring="neg_log_loss")
            # Other parts of the rows: within two standard errors of the difference.
            error = math.hypot(setting["loss_spread"], statistics.stdev(losses)) / math.sqrt(10)
            self.assertAlmostEqual(setting["loss"], statistics.mean(losses), delta=2 * error)

    def test_wrong_usage_says_what_would_be_right(self):
        for arguments, expected in [(["--lambda", "1e-3,1e-2"], "expected --test DATA or --cv K"),
                                    (["--lambda", "1e-3,", "--cv", "3"], "--lambda '1e-3,'"),
                                    (["--lambda", "1e-3,0.001", "--cv", "3"], "0.001 is there twice"),
                                    (["--cv", "1"], "2 to 1000")]:
            ended = run("train", "--train", self.train, *arguments)
            self.assertEqual(ended.returncode, 2, ended.stderr)
            self.assertIn(expected, ended.stderr)
        ended = run("train", "--train", self.train, "--cv", "1000", "--epochs", "1", "--log-level", "0")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        few = self.directory / "few.svm"
        few.write_text("".join(made_rows(3, 1)))
        ended = run("train", "--train", few, "--cv", "4")
        self.assertEqual(ended.returncode, 3)
        self.assertIn("expected as many rows as parts", ended.stderr)
        ended = run("node", "--train", self.train, "--lambda", "1e-3,1e-2")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("expected --test DATA", ended.stderr)


if __name__ == "__main__":
    unittest.main()
