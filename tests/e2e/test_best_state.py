"""Early stopping, and the best weights as the model, also when the evaluator dies."""

import csv
import unittest

from swarm import SIGKILL, SwarmTest, run

# So little regularisation on so few rows that the test loss soon rises.
OVERFITS = ["--train", "synth:rcv1?n=2000", "--test", "synth:rcv1?n=1000&part=test", "--lambda", "1e-7"]


class BestState(SwarmTest):

    def check_model(self, node):
        """The exported model is the row that the report names, and the best one."""
        report = node.report()
        rows = list(csv.DictReader((node.out / "val_stats.csv").read_text().splitlines()))
        losses = [float(row["loss"]) for row in rows if int(row["updates"]) >= 2000]
        best = float(rows[report["result"]["best_row"]]["loss"])
        self.assertLessEqual(best, min(losses) * 1.0002)
        self.assertAlmostEqual(best, report["result"]["test_loss"], places=6)
        predicted = run("predict", "--model", node.out / "model.liblinear", "--data", "synth:rcv1?n=1000&part=test",
                        "--output", node.out / "labels")
        accuracy = report["result"]["test_accuracy"]
        self.assertIn(f"{100 * accuracy:.2f}"[:4], predicted.stdout + predicted.stderr)
        return report

    def test_a_run_stops_when_it_no_longer_improves(self):
        nodes = self.start_swarm(2, "--epochs", "300", "--rate", "20000", "--early-stopping", "5", data=OVERFITS)
        report = self.assert_same_result(nodes, accuracy=0.8)
        self.assertEqual(report["result"]["stop_reason"], "early_stopping")
        self.assertLess(report["result"]["epochs"], 100)
        self.check_model(nodes[1])

    def test_zero_switches_it_off(self):
        nodes = self.start_swarm(1, "--epochs", "40", "--rate", "40000", "--early-stopping", "0", data=OVERFITS)
        report = self.assert_same_result(nodes, accuracy=0.8)
        self.assertEqual(report["result"]["stop_reason"], "epochs")
        rows = (nodes[0].out / "val_stats.csv").read_text().splitlines()
        self.assertLess(report["result"]["best_row"], len(rows) - 2)
        self.check_model(nodes[0])

    def test_the_best_weights_outlive_the_evaluator(self):
        nodes = self.start_swarm(3, "--epochs", "80", "--rate", "20000", "--early-stopping", "0", data=OVERFITS)
        status = nodes[2].await_status(lambda s: (s["training"]["epoch"] or 0) > 40, "the best epoch is over")
        evaluator = next(node for node in nodes if node.name == status["cluster"]["evaluator"]["name"])
        evaluator.signal(SIGKILL)
        survivors = [node for node in nodes if node is not evaluator]
        report = self.assert_same_result(survivors, accuracy=0.8)
        self.assertLess(report["result"]["best_row"], 50)
        self.check_model(survivors[0])
        self.check_model(survivors[1])


if __name__ == "__main__":
    unittest.main()
