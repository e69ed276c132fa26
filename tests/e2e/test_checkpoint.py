"""All nodes of a run stop, by a signal or by a power cut, and start again with the same --state: the run goes on."""

import os
import re
import resource
import unittest

from swarm import SIGKILL, SIGTERM, SwarmTest, run, wait_until

ROWS = 8000
TRAINING = ["--train", f"synth:rcv1?n={ROWS}", "--test", "synth:rcv1?n=1000&part=test", "--rate", "8000", "--early-stopping", "0", "--log-level", "3"]
SLOW = [*TRAINING, "--updates", "1000000000", "--checkpoint-interval", "200ms"]


class Checkpoint(SwarmTest):

    def begin(self, name, *more, called):
        """A node whose --state is that of its name, whatever process it is."""
        return self.start(name, "--state", self.directory / f"state-{called}", *more, called=called)

    def resumed(self, nodes):
        """(run that it goes on from, its own id, updates, digest) as the one that began it says; the others have joined it."""
        def found():
            return [match for node in nodes for match in re.findall(
                r"event=run_resumed from=(\w+) run=(\w+) updates=(\d+) digest=(\w+)", node.log)]
        lines = wait_until(found, "somebody goes on from a checkpoint")
        self.assertEqual(len(lines), 1, lines)
        for node in nodes:
            node.await_status(lambda s: s["run"]["id"] == lines[0][1], "in the resumed run")
        return lines[0]

    def test_a_power_cut_loses_what_was_not_saved_and_nothing_else(self):
        for mode in ["async", "sync"]:
            with self.subTest(mode):
                first = self.begin(f"{mode}-1a", *SLOW, "--mode", mode, "--expect", "2", called=f"{mode}-1")
                second = self.begin(f"{mode}-2a", *SLOW, "--mode", mode, "--expect", "2", "--join", first.gossip, called=f"{mode}-2")
                for node in (first, second):
                    node.await_status(lambda s: (s["checkpoint"]["updates"] or 0) > ROWS, "saved some of it")
                run_id = first.status()["run"]["id"]
                rows = len(first.json("/v1/training/history")["points"])
                newest = max(node.status()["checkpoint"]["updates"] for node in (first, second))
                for node in (first, second):
                    node.signal(SIGKILL)
                for node in (first, second):
                    node.end()

                # The data are told once more to one of them; the other finds in --state what it had, or asks.
                # Rules to stop may change.
                third = self.begin(f"{mode}-1b", *TRAINING, "--mode", mode, "--epochs", "6", called=f"{mode}-1")
                fourth = self.begin(f"{mode}-2b", "--join", third.gossip, "--rate", "8000", "--epochs", "6", called=f"{mode}-2")
                from_run, new_run, updates, _ = self.resumed([third, fourth])
                self.assertEqual(from_run, run_id)
                self.assertNotEqual(new_run, run_id)
                self.assertGreaterEqual(int(updates), newest)
                self.assertEqual(fourth.status()["run"]["resumed_from"], run_id)
                report = self.assert_same_result([third, fourth])
                self.assertEqual(report["run"]["resumed_updates"], int(updates))
                self.assertGreaterEqual(report["result"]["updates"], 6 * ROWS)
                # Rows measured before the cut are still there, and time goes on where it was.
                table = [line.split(",") for line in (third.out / "val_stats.csv").read_text().splitlines()[1:]]
                self.assertGreater(len(table), rows - 2)
                self.assertLess(int(table[0][1]), int(updates))
                times = [float(row[0]) for row in table]
                self.assertEqual(times, sorted(times))
                # A run that is over is not gone on with.
                for node in (third, fourth):
                    self.assertFalse((self.directory / f"state-{node.name[:-1]}" / "checkpoint").exists())

    def test_a_node_told_to_stop_goes_on_from_its_very_last_update(self):
        node = self.begin("node-a", *TRAINING, "--epochs", "400", "--checkpoint-interval", "1h", "--seed", "7", called="node")
        node.await_status(lambda s: (s["training"]["updates_total"] or 0) > ROWS // 2, "some of it is done")
        node.signal(SIGTERM)
        self.assertEqual(node.end(), 0)
        left = node.report()["result"]
        again = self.begin("node-b", *TRAINING, "--epochs", "2", called="node")
        _, _, updates, digest = self.resumed([again])
        self.assertEqual([int(updates), digest], [left["updates"], left["state_digest"]])
        self.assertEqual(again.end(), 0, again.log)
        self.assertEqual(again.report()["result"]["stop_reason"], "epochs")
        self.assertEqual(again.report()["settings"]["seed"], "7")

    def test_what_is_not_this_runs_checkpoint_is_refused(self):
        state = self.directory / "state-node"
        node = self.begin("node-a", *SLOW, called="node")
        node.await_status(lambda s: (s["checkpoint"]["updates"] or 0) > 0, "saved")
        taken = run("node", "--state", state, "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--mode", "idle")
        self.assertEqual(taken.returncode, 1, taken.stderr)
        self.assertIn("another process uses this directory", taken.stderr)
        node.signal(SIGTERM)
        node.end()

        def refused(*arguments):
            ended = run("node", "--state", state, "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--threads", "1",
                        "--out", self.directory / "out", *arguments)
            return ended.returncode, ended.stderr
        code, text = refused(*SLOW, "--cluster", "other")
        self.assertEqual(code, 4, text)
        self.assertIn("is of cluster hogwild, and --cluster is other", text)
        code, text = refused(*SLOW, "--lambda", "1e-3")
        self.assertEqual(code, 4, text)
        self.assertIn("--lambda is 0.001 here and 1e-04 in the run that the checkpoint", text)
        code, text = refused("--train", "synth:rcv1?n=3000")
        self.assertEqual(code, 4, text)
        self.assertRegex(text, "training data has fingerprint [0-9a-f]{16} here and [0-9a-f]{16} in the run")
        # The cluster trains another run meanwhile.
        other = self.start("other", *SLOW)
        other.await_training()
        code, text = refused("--join", other.gossip)
        self.assertEqual(code, 4, text)
        self.assertIn("the checkpoint in --state is of run", text)
        file = state / "checkpoint"
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        code, text = refused(*SLOW)
        self.assertEqual(code, 3, text)
        self.assertIn("remove it to begin anew", text)

    def test_a_full_disk_is_told_and_the_run_goes_on(self):
        node = self.begin("node", *SLOW, called="node")
        node.await_status(lambda s: s["checkpoint"]["written_total"] > 0, "saved once")
        # The system's limit on the size of files stands for the disk.
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        node.await_status(lambda s: s["checkpoint"]["failed_total"] > 1, "could not save")
        before = node.status()["training"]["updates_total"]
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        written = node.status()["checkpoint"]["written_total"]
        node.await_status(lambda s: s["checkpoint"]["written_total"] > written, "saves again")
        self.assertGreater(node.status()["training"]["updates_total"], before)
        self.assertEqual(node.log.count("event=checkpoint_failed"), 1, "the same reason once a minute")
        self.assertIn("File too large", node.log)
        self.assertEqual([name for name in os.listdir(self.directory / "state-node") if name.startswith(".")], [])
        self.assertIn('hogwild_checkpoints_total{result="failure"}', node.request("/metrics")[2])


if __name__ == "__main__":
    unittest.main()
