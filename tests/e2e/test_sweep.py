"""bench/sweep.py: several runs and one page about them."""

import csv
import subprocess
import sys
import unittest
import xml.etree.ElementTree

from swarm import HOGWILD, REPOSITORY, SwarmTest, clean_environment


class Sweep(SwarmTest):

    def sweep(self, *arguments):
        return subprocess.run([sys.executable, REPOSITORY / "bench" / "sweep.py", "--hogwild", HOGWILD, "--out",
                               self.directory / "sweep", *arguments], capture_output=True, text=True, timeout=120,
                              env=clean_environment(), check=False)

    def test_runs_are_measured_and_drawn(self):
        ended = self.sweep("--replicas", "2,1", "--train", "synth:rcv1?n=20000", "--epochs", "1.5", "--rate", "30000",
                           "--", "--lambda", "1e-3")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        with (self.directory / "sweep" / "sweep.csv").open() as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([(row["mode"], row["replicas"]) for row in rows], [("async", "1"), ("async", "2")])
        for row in rows:
            self.assertGreater(float(row["test_accuracy"]), 0.8)
            self.assertGreater(float(row["time_to_target"]), 0)
            self.assertAlmostEqual(float(row["epochs"]), 1.5, delta=0.5)
        page = (self.directory / "sweep" / "sweep.html").read_text()
        drawings = page.split("<svg ")[1:]
        self.assertEqual(len(drawings), 4)
        for drawing in drawings:
            xml.etree.ElementTree.fromstring("<svg " + drawing.split("</svg>")[0] + "</svg>")
        self.assertNotRegex(page, r'(src|href)=')
        self.assertNotIn("nan", page)

    def test_a_run_that_fails_is_said_and_fails_the_sweep(self):
        ended = self.sweep("--replicas", "1", "--train", "synth:rcv1?n=2000", "--", "--no-such-flag")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("async, 1 node, run 1: node-1 did not start: hogwild: ", ended.stderr)
        self.assertEqual(self.sweep("--replicas", "none").returncode, 2)


if __name__ == "__main__":
    unittest.main()
