"""The quality of the learner on one machine: objective and error at fixed numbers of epochs."""

import json
import unittest

from swarm import SHARED_DATA, SwarmTest, run


class Quality(SwarmTest):

    def train(self, *arguments):
        report = self.directory / "report.json"
        ended = run("train", *arguments, "--log-level", "0", "--report", report)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return json.loads(report.read_text())

    def test_objective_and_error_on_the_built_in_set(self):
        # At lambda 1e-4 the optimum is 0.25955 with an intercept and 0.25986 without (LIBLINEAR -s 3, -B 1 and -B -1). One
        # and two workers have to come equally near to it; two that a busy machine keeps waiting see less of each other: one run of three has to.
        cases = [(["--bias"], [0.2615, 0.2602, 0.2600]), ([], [0.2618, 0.2605, 0.2603])]
        for bias, objectives in cases:
            for threads in ["1", "2"]:
                for epochs, objective in enumerate(objectives, start=1):
                    with self.subTest(bias=bias, threads=threads, epochs=epochs):
                        most = objective * (1.0005 if threads == "2" else 1)
                        for _ in range(3 if threads == "2" else 1):
                            facts = self.train("--train", "synth:rcv1", "--test", "synth:rcv1", "--lambda", "1e-4", *bias,
                                               "--epochs", str(epochs), "--threads", threads, "--seed", "1")
                            if facts["objective"] <= most:
                                break
                        self.assertEqual(facts["updates"], epochs * 200_000)
                        self.assertLessEqual(facts["objective"], most)
                        self.assertLessEqual(1 - facts["test_accuracy"], 0.0566)

    def test_every_instruction_path_learns_alike(self):
        objectives = []
        for path in ["portable", "avx2", "avx512"]:
            ended = run("train", "--train", "synth:rcv1?n=20000", "--epochs", "3", "--threads", "1", "--seed", "7",
                        "--instructions", path, "--log-level", "0", "--report", self.directory / path)
            if ended.returncode == 2:  # this CPU has not got it
                self.assertIn("this CPU has not got it", ended.stderr)
                continue
            self.assertEqual(ended.returncode, 0, ended.stderr)
            facts = json.loads((self.directory / path).read_text())
            self.assertEqual(facts["instructions"], path)
            objectives.append(facts["objective"])
        self.assertGreaterEqual(len(objectives), 1)
        self.assertLess(max(objectives) - min(objectives), 1e-5)

    def test_one_thread_repeats_every_bit(self):
        models = []
        for name in ["a", "b"]:
            self.train("--train", "synth:rcv1?n=20000", "--epochs", "2", "--threads", "1", "--seed", "7",
                       "--model", self.directory / name)
            models.append((self.directory / name).read_bytes())
        self.assertEqual(models[0], models[1])

    def test_a_file_sorted_by_label_trains_as_well_as_a_mixed_one(self):
        mixed, by_label = (self.directory / name for name in ["mixed.svm", "sorted.svm"])
        self.assertEqual(run("data", "synth", "synth:rcv1?n=20000&part=train", mixed).returncode, 0)
        by_label.write_text("".join(sorted(mixed.read_text().splitlines(True), key=lambda line: line[0])))
        facts = {path: self.train("--train", path, "--test", "synth:rcv1", "--lambda", "1e-4", "--epochs", "1",
                                  "--threads", "1", "--seed", "1") for path in [mixed, by_label]}
        self.assertLess(facts[by_label]["objective"], 1.01 * facts[mixed]["objective"])
        self.assertGreater(facts[by_label]["test_accuracy"], facts[mixed]["test_accuracy"] - 0.003)

    @unittest.skipUnless(SHARED_DATA.is_dir(), "the Reuters files are not here")
    def test_reuters_earn_with_a_bias(self):
        facts = self.train("--train", SHARED_DATA / "reuters21578.train.svm.gz",
                           "--test", SHARED_DATA / "reuters21578.test.svm.gz",
                           "--lambda", "1e-4", "--bias", "--epochs", "10", "--threads", "1", "--seed", "1")
        self.assertGreaterEqual(facts["test_accuracy"], 0.987)


if __name__ == "__main__":
    unittest.main()
