"""A node on a machine that lacks something: what it says, and that the others go on."""

import os
import resource
import socket
import subprocess
import time
import unittest

from swarm import HOGWILD, SIGTERM, TEST, TRAIN, SwarmTest, clean_environment, wait_until


class Lifecycle(SwarmTest):

    def test_a_node_is_ready_soon_and_leaves_soon(self):
        start = time.monotonic()
        node = self.start("node", "--train", TRAIN, "--test", TEST, "--rate", "5000", "--max-time", "60s")
        wait_until(lambda: node.request("/readyz")[0] == 200, "ready", 20)
        self.assertLess(time.monotonic() - start, 20)
        node.await_training()
        start = time.monotonic()
        node.signal(SIGTERM)
        self.assertEqual(node.end(), 0, node.log)
        # terminationGracePeriodSeconds and TimeoutStopSec are 75.
        self.assertLess(time.monotonic() - start, 10)

    def test_a_full_disk_fails_the_node_that_has_it_and_no_other(self):
        # The system's limit on the size of files stands for the disk: the model is longer.
        train = ["--train", TRAIN, "--test", TEST, "--expect", 2, "--epochs", 2]
        first = self.start("first", *train)
        out = self.directory / "second"
        with (self.directory / "second.log").open("wb") as log:
            process = subprocess.Popen(
                [HOGWILD, "node", "--name", "second", "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--threads", "1", "--join",
                 first.gossip, "--out", str(out), "--log-file", "/dev/stderr", *map(str, train)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=clean_environment(),
                restore_signals=False,  # a write beyond the limit is an error then, and no signal
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)))
        try:
            code = process.wait(60)
        finally:
            process.kill()
        text = (self.directory / "second.log").read_text()
        self.assertEqual(first.end(), 0, first.log)
        self.assertTrue((first.out / "model.liblinear").is_file())
        self.assertEqual(code, 1, text)
        self.assertIn("File too large", text)
        self.assertFalse((out / "model.liblinear").exists(), "half a model")

    def test_a_node_without_descriptors_keeps_its_cluster(self):
        # HTTP clients take all descriptors of a node; it goes on gossiping, and answers when some are free again.
        first = self.start("first", "--mode", "idle")
        second = self.start("second", "--mode", "idle", "--join", first.gossip)
        second.await_alive(2)
        open_now = len(os.listdir(f"/proc/{second.process.pid}/fd"))
        resource.prlimit(second.process.pid, resource.RLIMIT_NOFILE, (open_now + 10, open_now + 10))
        host, port = second.http.rsplit(":", 1)
        held = [socket.create_connection((host, int(port)), timeout=5) for _ in range(60)]
        time.sleep(4)
        counts = first.status()["cluster"]["members"]
        for connection in held:
            connection.close()
        self.assertEqual([counts["alive"], counts["dead"]], [2, 0])
        second.await_alive(2)
        self.assertIsNone(second.process.poll())

    def test_too_few_descriptors_to_start_is_told(self):
        ended = subprocess.run([HOGWILD, "node", "--mode", "idle", "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0"], capture_output=True,
                               text=True, timeout=30, check=False, env=clean_environment(), stdin=subprocess.DEVNULL,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6)))
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn("Too many open files", ended.stderr)


if __name__ == "__main__":
    unittest.main()
