"""What is minimised, on one node and on several: losses, regularisers, class weights, and where a run starts."""

import json
import unittest

from swarm import TRAIN, SwarmTest, run

TEST = ["--test", "synth:rcv1?n=2000&part=test"]


class Objectives(SwarmTest):

    def train(self, *arguments, train=TRAIN):
        report = self.directory / "report.json"
        ended = run("train", "--train", train, *TEST, *arguments, "--seed", "1", "--log-level", "0", "--report", report)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return json.loads(report.read_text())

    def test_two_nodes_come_as_near_to_each_objective_as_one(self):
        cases = [["--loss", "squared-hinge", "--class-weight", "-1=3", "--lambda", "1e-3", "--mode", "sync"],
                 ["--loss", "logistic", "--class-weight", "balanced", "--lambda", "0", "--l1", "3e-4"]]
        for flags in cases:
            with self.subTest(flags=flags):
                alone = self.train("--epochs", "4", "--threads", "1", *[f for f in flags if f not in ["--mode", "sync"]])
                nodes = self.start_swarm(2, "--epochs", "4", "--early-stopping", "0", *flags)
                report = self.assert_same_result(nodes)
                self.assertLess(report["result"]["objective"], 1.05 * alone["objective"])
                self.assertGreater(report["result"]["objective"], 0.95 * alone["objective"])
                model = (nodes[0].out / "weights.csv").read_text().splitlines()
                self.assertEqual(report["result"]["nonzero_weights"], len(model) - 1)
                if "--l1" in flags:
                    self.assertLess(report["result"]["nonzero_weights"], alone["features"] // 2)
                self._end_nodes()

    def test_class_weights_move_errors_to_the_other_class(self):
        recall = []
        for weights in [[], ["--class-weight", "1=5"]]:
            model, lines = self.directory / "m", self.directory / "lines"
            self.train("--epochs", "2", "--model", model, *weights)
            self.assertEqual(run("predict", "--model", model, "--data", TEST[1], "--output", lines).returncode, 0)
            recall.append(lines.read_text().split("\n").count("1"))
        self.assertGreater(recall[1], 1.05 * recall[0])

    def test_a_run_starts_from_a_model_in_either_form_and_members_get_the_same_start(self):
        text, binary, other = (self.directory / name for name in ["m", "m.bin", "other"])
        optimum = self.train("--epochs", "10", "--model", text)["objective"]
        self.train("--epochs", "10", "--model", binary, "--threads", "1")
        self.train("--epochs", "1", "--lambda", "1e-2", "--model", other)
        for model in [text, binary]:  # what it starts from is the model, to half a unit of the sums
            self.assertLess(self.train("--init", model, "--updates", "1")["objective"], 1.01 * optimum)
        self.assertGreater(self.train("--updates", "1")["objective"], 1.5 * optimum)

        first = self.start("node-1", "--train", TRAIN, *TEST, "--expect", "2", "--init", text, "--epochs", "1",
                           "--rate", "8000")
        second = self.start("node-2", "--train", TRAIN, *TEST, "--expect", "2", "--init", text, "--join", first.gossip,
                            "--rate", "8000")
        first.await_training()
        late = self.start("late", "--join", first.gossip)
        stranger = self.start("stranger", "--join", first.gossip, "--init", other)
        self.assertEqual(stranger.end(), 4, stranger.log)
        self.assertIn("--init is", stranger.log)
        report = self.assert_same_result([first, second, late])
        for node in [first, second, late]:  # who has not got the start yet is no mismatch
            self.assertNotIn("digest_mismatch", node.log)
        self.assertLess(report["result"]["objective"], 1.03 * optimum)  # from zeros it is 1.15 after so few rows

    def test_a_start_that_cannot_be_is_refused_with_the_reason(self):
        classes, biased = self.directory / "classes", self.directory / "biased"
        classes.write_text("solver_type L2R_LR\nnr_class 2\nlabel 3 4\nnr_feature 1\nbias -1\nw\n1\n")
        biased.write_text("solver_type L2R_LR\nnr_class 2\nlabel -1 1\nnr_feature 1\nbias 1\nw\n1\n2\n")
        small = ["train", "--train", "synth:rcv1?n=1000", "--epochs", "1"]
        for flags, code, words in [(["--init", classes], 3, ["labels are 3, 4", "-1, 1"]),
                                   (["--init", biased], 2, ["intercept", "--bias"]),
                                   (["--init", "nowhere"], 3, ["nowhere"]),
                                   (["--class-weight", "2=5"], 2, ["label 2", "-1, 1"])]:
            ended = run(*small, *flags)
            self.assertEqual(ended.returncode, code, ended.stderr)
            for word in words:
                self.assertIn(word, ended.stderr)
        self.assertEqual(run(*small, "--init", biased, "--bias").returncode, 0)


if __name__ == "__main__":
    unittest.main()
