"""Private parts: each node has rows that no other has, and all end with one model of all of them."""

import json
import unittest

from swarm import SIGKILL, SYNTHETIC_TEST, SwarmTest, run


class Shard(SwarmTest):

    def start_parts(self, files, *arguments, names="node"):
        nodes = []
        for number, file in enumerate(files):
            join = ["--join", nodes[0].gossip] if nodes else []
            nodes.append(self.start(f"{names}-{number + 1}", "--shard", "--train", file, "--test", self.test, "--expect", len(files),
                                    "--log-level", "2", *arguments, *join))
        return nodes

    def setUp(self):
        super().setUp()
        # Three disjoint thirds of one set, as files of each node's own.
        text = run("data", "synth", "synth:rcv1?n=9000").stdout.splitlines(keepends=True)
        self.files = []
        for third in range(3):
            file = self.directory / f"part-{third}.svm"
            file.write_text("".join(text[third * 3000:(third + 1) * 3000]))
            self.files.append(file)
        self.test = self.directory / "test.svm"
        self.test.write_text(run("data", "synth", SYNTHETIC_TEST).stdout)
        self.whole = self.directory / "whole.svm"
        self.whole.write_text("".join(text))

    def test_three_parts_make_the_model_of_the_whole_in_both_modes(self):
        ended = run("train", "--train", self.whole, "--test", self.test, "--epochs", "3", "--threads", "1",
                    "--report", self.directory / "whole.json")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        alone = json.loads((self.directory / "whole.json").read_text())
        for mode in ["async", "sync"]:
            with self.subTest(mode):
                nodes = self.start_parts(self.files, "--epochs", "3", "--rate", "5000", "--mode", mode, names=mode)
                report = self.assert_same_result(nodes)
                self.assertEqual(report["run"]["rows"], 9000)
                self.assertEqual(report["run"]["features"], alone["features"])
                self.assertIsNone(report["result"]["objective"])
                self.assertLess(abs(report["result"]["test_accuracy"] - alone["test_accuracy"]), 0.01)
                self.assertLess(report["result"]["test_loss"], alone["test_loss"] * 1.1)
                for node in nodes:
                    self.assertNotIn("fetching_data", node.log)

    def test_a_later_part_may_have_the_features_and_labels_that_were_declared(self):
        first, later = self.directory / "first.svm", self.directory / "later.svm"
        first.write_text("".join(f"{1 + i % 2} {1 + i % 2}:1 {3 + i % 7}:0.5\n" for i in range(400)))
        later.write_text("".join(f"3 20:1 {3 + i % 7}:0.5\n" for i in range(400)))
        self.test.write_text("1 1:1\n2 2:1\n3 20:1\n")
        shape = ("--features", "25", "--labels", "1,2,3")
        nodes = self.start_parts([first], "--max-time", "60s", "--rate", "2000", "--early-stopping", "0", *shape)
        nodes[0].await_training()
        nodes.append(self.start("later", "--shard", "--train", later, "--join", nodes[0].gossip))
        nodes[1].await_status(lambda s: s["training"]["node_updates_total"], "the later part trains")
        nodes[0].await_status(lambda s: s["training"]["test_accuracy"] == 1, "the class of the later part is found")
        nodes[0].request("/v1/stop", "POST")
        report = self.assert_same_result(nodes)
        self.assertEqual((report["run"]["features"], report["run"]["labels"]), (25, 3))
        self.assertIn("nr_feature 25\n", (nodes[1].out / "model.liblinear").read_text())
        strange = self.launch("strange", "--shard", "--train", first, "--features", "5", "--join", nodes[0].gossip)
        self.assertEqual(strange.end(), 3)
        self.assertIn("has feature 9, and --features is 5", strange.log)

    def test_every_loss_is_learned_from_parts(self):
        for loss in [["--loss", "squared-hinge", "--l1", "1e-5"], ["--loss", "logistic", "--lambda", "1e-5,1e-4,10", "--bias"]]:
            with self.subTest(loss):
                nodes = self.start_parts(self.files[:2], "--epochs", "3", "--rate", "10000", *loss, names=loss[1])
                report = self.assert_same_result(nodes, accuracy=0.9)
                self.assertEqual(report["run"]["rows"], 6000)
                self.assertNotEqual(report["result"].get("lambda"), 10)

    def test_a_part_that_is_lost_is_counted_and_a_later_one_must_fit(self):
        nodes = self.start_parts(self.files, "--max-time", "60s", "--rate", "2000", "--early-stopping", "0")
        for node in nodes:
            node.await_status(lambda s: s["training"]["node_updates_total"] and s["run"]["rows_missing"] == 0, "all parts train")
        nodes[2].signal(SIGKILL)
        status = nodes[0].await_status(lambda s: s["run"]["rows_missing"] == 3000, "a part is missing")
        self.assertEqual(status["run"]["rows"], 9000)
        nodes[0].await_log("event=part_gone")
        self.assertIn("hogwild_rows_missing 3000", nodes[0].request("/metrics")[2])
        # Other rows than it had are welcome, where they fit in; here they do not.
        strange = self.directory / "strange.svm"
        strange.write_text("+1 3:0.5 999999:0.5\n-1 3:1\n")
        other = self.launch("strange", "--shard", "--train", strange, "--join", nodes[0].gossip)
        self.assertEqual(other.end(), 3, other.log)
        self.assertIn("feature 999999 that no part had when the run began", other.log)
        # A node with the whole set, or of another kind, is no part of it.
        whole = self.launch("whole", "--train", self.whole, "--join", nodes[0].gossip)
        self.assertEqual(whole.end(), 4, whole.log)
        self.assertIn("--shard is not given here", whole.log)
        # The lost node comes back with its rows.
        again = self.start("again", "--shard", "--train", self.files[2], "--join", nodes[1].gossip, called="node-3")
        again.await_status(lambda s: s["training"]["node_updates_total"] and s["run"]["rows_missing"] == 0, "its part is back")
        nodes[0].request("/v1/stop", "POST")
        self.assert_same_result([nodes[0], nodes[1], again])


if __name__ == "__main__":
    unittest.main()
