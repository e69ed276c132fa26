"""Several values of lambda, learned side by side by all nodes of a run."""

import json
import random
import unittest

from swarm import SIGKILL, run
from test_search import OnMadeRows

LAMBDAS = ["1e-6", "1e-3", "10"]


class Candidates(OnMadeRows):

    def setUp(self):
        super().setUp()
        self.data = ("--train", self.train, "--test", self.test)

    def found_alone(self, value, *arguments):
        report = self.directory / "alone.json"
        ended = run("train", *map(str, self.data), "--lambda", value, "--epochs", "20", "--report", report, *arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return json.loads(report.read_text())

    def assert_best_is_chosen(self, report):
        result = report["result"]
        candidates = result["candidates"]
        self.assertEqual([candidate["lambda"] for candidate in candidates], [float(value) for value in LAMBDAS])
        chosen = min(candidates, key=lambda candidate: candidate["test_loss"])
        self.assertEqual([candidate["best"] for candidate in candidates], [candidate is chosen for candidate in candidates])
        self.assertEqual((result["lambda"], result["test_loss"], result["test_accuracy"]),
                         (chosen["lambda"], chosen["test_loss"], chosen["test_accuracy"]))
        self.assertLess(result["lambda"], 10)  # which says nothing of any row

    def learn(self, *arguments):
        nodes = self.start_swarm(3, "--lambda", ",".join(LAMBDAS), "--epochs", "20", "--early-stopping", "0", "--bias",
                                 *arguments, data=self.data)
        return nodes, self.assert_same_result(nodes, accuracy=0.7)

    def test_all_nodes_choose_the_best_and_it_is_as_good_as_one_found_alone(self):
        for mode in ["async", "sync"]:
            with self.subTest(mode):
                nodes, report = self.learn("--mode", mode, "--rate", "10000", "--loss", "logistic")
                self.assert_best_is_chosen(report)
                alone = min(self.found_alone(value, "--bias", "--loss", "logistic")["test_loss"] for value in LAMBDAS)
                self.assertLess(report["result"]["test_loss"], alone + 0.02)
                scored = run("predict", "--data", self.test, "--model", nodes[2].out / "model.liblinear")
                self.assertEqual(scored.returncode, 0, scored.stderr)
                self.assertIn(f"{100 * report['result']['test_accuracy']:.2f}", scored.stderr + scored.stdout)

    def test_the_one_that_measures_may_die_and_a_newcomer_needs_nothing(self):
        founding = (*self.data, "--lambda", ",".join(LAMBDAS), "--rate", "2000", "--epochs", "1000", "--expect", "3")
        nodes = [self.start("node-1", *founding, "--early-stopping", "0")]
        for number in [2, 3]:
            nodes.append(self.start(f"node-{number}", *founding, "--early-stopping", "0", "--join", nodes[0].gossip))
        status = nodes[0].await_status(lambda s: s["training"]["test_loss"] is not None, "was measured")
        self.assertEqual(status["run"]["lambdas"], [float(value) for value in LAMBDAS])
        self.assertIn(status["run"]["lambda"], status["run"]["lambdas"])
        evaluator = next(node for node in nodes if node.name == status["cluster"]["evaluator"]["name"])
        evaluator.signal(SIGKILL)
        nodes.remove(evaluator)
        nodes.append(self.start("node-4", "--join", nodes[0].gossip))
        nodes[-1].await_training()
        rows = "\n".join(line.split(" ", 1)[1] for line in random.Random(3).sample(self.test.read_text().splitlines(), 3))
        self.assertEqual(nodes[-1].request("/v1/predict", method="POST", body=rows)[0], 200)
        self.assertEqual(nodes[0].request("/v1/stop", method="POST")[0], 202)
        self.assert_best_is_chosen(self.assert_same_result(nodes, accuracy=0.7))

    def test_another_list_than_the_runs_is_refused(self):
        first = self.start("node-1", *self.data, "--lambda", ",".join(LAMBDAS), "--rate", "1000", "--epochs", "1000")
        first.await_training()
        other = self.launch("node-2", *self.data, "--lambda", "1e-3", "--join", first.gossip)
        self.assertEqual(other.end(), 4)
        self.assertIn("1e-06,0.001,10", other.log)


if __name__ == "__main__":
    unittest.main()
