"""A node on a machine that lacks something: what it says, and that the others go on."""

import contextlib
import glob
import os
import pathlib
import resource
import socket
import subprocess
import time
import unittest
from unittest import mock

import swarm
from swarm import HOGWILD, SIGTERM, TEST, TRAIN, SwarmTest, clean_environment, wait_until

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)


@contextlib.contextmanager
def control_group(controller, **limits):
    """A control group with these limits (v1 names); a test that cannot have one is skipped."""
    group = pathlib.Path(f"/sys/fs/cgroup/{controller}/hogwild-test-{os.getpid()}")
    try:
        group.mkdir()
    except OSError as error:
        raise unittest.SkipTest(f"no control group of the first version can be made here: {error}") from None
    try:
        for name, value in limits.items():
            (group / name.replace("__", ".")).write_text(str(value))
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        group.rmdir()


class Lifecycle(SwarmTest):

    def test_a_node_is_ready_soon_and_leaves_soon(self):
        start = time.monotonic()
        node = self.start("node", "--train", TRAIN, "--test", TEST, "--rate", "5000", "--early-stopping", "0", "--max-time", "60s")
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

    def test_a_quota_of_the_cgroup_sets_the_threads(self):
        with control_group("cpu", cpu__cfs_period_us=100_000, cpu__cfs_quota_us=100_000) as enter:
            process = subprocess.Popen([HOGWILD, "node", "--mode", "idle", "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "1"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                       env=clean_environment(), preexec_fn=enter)
            try:
                line = process.stderr.readline()
                http = line.split("http=http://", 1)[1].split()[0]
                shown = subprocess.run(["curl", "-s", f"http://{http}/v1/config"], capture_output=True, text=True, timeout=30, check=True).stdout
            finally:
                process.terminate()
                process.communicate(timeout=30)
        self.assertIn('"threads":1,', shown)

    def test_too_little_memory_in_the_cgroup_is_refused_early_with_both_figures(self):
        # 1,500 classes of 3,000 features: 4.5 million cells, 400 MB.
        rows = self.directory / "wide.svm"
        rows.write_text("".join(f"{i % 1500} {i % 1500 + 1}:1 {i % 1500 + 1501}:1\n" for i in range(3000)))
        with control_group("memory", memory__limit_in_bytes=200_000_000) as enter:
            ended = subprocess.run([HOGWILD, "train", "--train", rows, "--threads", "1"], capture_output=True, text=True, timeout=60,
                                   check=False, env=clean_environment(), stdin=subprocess.DEVNULL, preexec_fn=enter)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertRegex(ended.stderr, r"needs \d+ MiB of memory, and 1\d\d MiB are available")

    @unittest.skipIf(FAKETIME is None, "faketime is not installed")
    def test_steps_of_the_wall_clock_change_nothing_but_the_dates_in_the_log(self):
        clock = self.directory / "clock"
        clock.write_text("+0")
        program = self.directory / "program"
        program.write_text(f"#!/bin/sh\nLD_PRELOAD={FAKETIME} FAKETIME_TIMESTAMP_FILE={clock} FAKETIME_NO_CACHE=1 "
                           f"FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 exec {HOGWILD} \"$@\"\n")
        program.chmod(0o755)
        train = ["--train", TRAIN, "--test", TEST, "--expect", "2", "--max-time", "5s", "--rate", "5000", "--early-stopping", "0", "--log-level", "2"]
        first = self.start("first", *train)
        with mock.patch.object(swarm, "HOGWILD", program):
            stepped = self.start("stepped", *train, "--join", first.gossip)
        first.await_training()
        start = time.monotonic()
        for step in ("+3d", "-2d", "+40y", "+0"):
            clock.write_text(step)
            time.sleep(0.8)
        report = self.assert_same_result([first, stepped])
        self.assertLess(abs(report["result"]["elapsed_seconds"] - 5), 1.5)
        self.assertLess(time.monotonic() - start, 30)
        self.assertGreater(len({line[:4] for line in stepped.log.splitlines() if line[:2] == "20"}), 1, "the clock was not stepped")
        for node in (first, stepped):
            for event in ("member_suspect", "member_failed", "host_slept"):
                self.assertNotIn(f"event={event}", node.log, node.name)


if __name__ == "__main__":
    unittest.main()
